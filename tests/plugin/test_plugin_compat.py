"""The plugin among other plugins and in other people's ways of writing tests. Those that are not installed here are
tried in environments of their own (tox.ini).
"""

from __future__ import annotations

from pathlib import Path

import pytest

MARK = 'pytest.mark.voirdire(suite="quick", probes=["order.swap", "authority.book"], limit=60)'


def write(project: pytest.Pytester, body: str, *, name: str = "test_it") -> None:
    project.makepyfile(**{name: f"import pytest\nimport judges\n\n{body}"})


# ------------------------------------------------------------------------------------------------- ways to write tests


def test_marks_on_modules_and_classes_and_the_nearest_wins(judged: pytest.Pytester) -> None:
    write(
        judged,
        f"pytestmark = {MARK}\n\n"
        "class TestOne:\n    def test_of_the_module(self, probe):\n        probe.check(judges.good)\n\n"
        '@pytest.mark.voirdire(suite="quick", probes=["typos.*"], limit=60)\n'
        "class TestTwo:\n"
        "    @pytest.fixture(autouse=True)\n    def ready(self):\n        self.judge = judges.good\n\n"
        "    def test_of_the_class(self, probe):\n        probe.check(self.judge)\n\n"
        "    def test_that_takes_no_probe(self):\n        pass\n",
    )
    result = judged.runpytest("-v")
    result.assert_outcomes(passed=4)
    result.stdout.fnmatch_lines(["*::TestTwo::test_of_the_class[[]typos.keyboard[]] PASSED*"])


def test_a_mark_on_a_base_class_serves_its_children(judged: pytest.Pytester) -> None:
    write(
        judged,
        f"@{MARK}\nclass Sound:\n    def test_judge(self, probe):\n        probe.check(self.judge)\n\n"
        "class TestGood(Sound):\n    judge = staticmethod(judges.good)\n\n"
        "class TestCited(Sound):\n    judge = staticmethod(judges.cited)\n",
    )
    result = judged.runpytest("-ra")
    result.assert_outcomes(passed=3, failed=1)
    result.stdout.fnmatch_lines(["FAILED test_it.py::TestCited::test_judge[[]authority.book[]]*"])


def test_a_plugin_of_the_project_gives_judge_and_options(judged: pytest.Pytester) -> None:
    judged.makepyfile(
        house="import pytest\nimport judges\n\n"
        "@pytest.fixture(scope='session')\ndef voirdire_options():\n    return {'limit': 60, 'seed': 3}\n\n"
        "@pytest.fixture(params=['good', 'cited'])\ndef judge(request):\n    return getattr(judges, request.param)\n"
    )
    judged.makeconftest('pytest_plugins = ["house"]\n')
    write(
        judged,
        '@pytest.mark.voirdire(suite="quick", probes=["order.swap", "authority.book"])\n'
        "def test_judge(probe, judge):\n    assert probe.check(judge).n == 60\n",
    )
    result = judged.runpytest("-ra")
    result.assert_outcomes(passed=3, failed=1)
    assert result.stdout.str().count("· 60 cases ·") == 2


def test_a_known_weakness_is_an_expected_failure(judged: pytest.Pytester) -> None:
    write(
        judged,
        "import voirdire as vd\n\n@pytest.mark.xfail(raises=vd.Violated, strict=True)\n"
        f"@{MARK.replace('order.swap', 'authority.book')}\ndef test_judge(probe):\n    probe.check(judges.cited)\n",
    )
    judged.runpytest().assert_outcomes(xfailed=1)


def test_skips_name_probe_and_judge(judged: pytest.Pytester) -> None:
    write(
        judged,
        '@pytest.mark.parametrize("judge", ["mock:noisy"])\n'
        f"@{MARK.replace('60', '8')}\ndef test_judge(probe, judge):\n    probe.check(judge)\n\n"
        "def test_by_hand():\n    import voirdire as vd\n    vd.check_swap('mock:noisy', None, limit=8)\n",
    )
    result = judged.runpytest("-rs")
    result.assert_outcomes(skipped=3)
    result.stdout.fnmatch_lines_random(
        [
            "SKIPPED*: inconclusive (order.swap-mock:noisy): measured*",
            "SKIPPED*: inconclusive (authority.book-mock:noisy): measured*",
            "SKIPPED*: inconclusive (order.swap): measured*",
        ]
    )


OPEN = 'vd.check_no_gain("mock:noisy", None, "authority.book", limit=4)'
ELSEWHERE = f"""
import unittest
import voirdire as vd

class TestCase(unittest.TestCase):
    def test_body(self):
        {OPEN}

class TestSetUp(unittest.TestCase):
    def setUp(self):
        {OPEN}

    def test_after_it(self):
        pass

class TestLater(unittest.IsolatedAsyncioTestCase):
    async def test_body(self):
        await vd.a{OPEN.removeprefix("vd.")}

@pytest.fixture
def checked():
    {OPEN}

def test_of_a_fixture(checked):
    pass
"""


@pytest.mark.parametrize(
    ("policy", "outcomes"),
    [
        ("skip", {"skipped": 4}),
        ("fail", {"failed": 3, "errors": 1}),
        # a test whose fixture could not be made has not run, so it cannot have passed
        ("pass", {"passed": 3, "skipped": 1}),
    ],
)
def test_an_open_check_in_a_test_case_or_a_fixture_is_what_the_user_says(
    judged: pytest.Pytester, policy: str, outcomes: dict[str, int]
) -> None:
    write(judged, ELSEWHERE)
    result = judged.runpytest("-ra", f"--voirdire-inconclusive={policy}")
    result.assert_outcomes(**outcomes)
    if policy == "skip":
        result.stdout.fnmatch_lines(["SKIPPED*test_it.py:*inconclusive (authority.book): measured*"] * 4)
    if policy == "fail":
        result.stdout.fnmatch_lines(["*_ TestCase.test_body _*", "inconclusive (authority.book): measured*"])
        assert "check_no_gain" not in result.stdout.str(), "what matters is the message"


def test_a_plain_failure_in_a_test_case_stays_one(judged: pytest.Pytester) -> None:
    write(
        judged,
        "import unittest\nimport voirdire as vd\n\nclass TestIt(unittest.TestCase):\n"
        "    def test_assertion(self):\n        self.assertEqual(1, 2)\n\n"
        "    def test_weak(self):\n        vd.check_no_gain(judges.cited, None, 'authority.book', limit=60)\n",
    )
    judged.runpytest().assert_outcomes(failed=2)


@pytest.mark.skipif(pytest.version_tuple < (9,), reason="pytest 8 has no subtests of its own")
def test_an_open_check_in_a_subtest_is_a_skip(judged: pytest.Pytester) -> None:
    write(
        judged,
        "import unittest\nimport voirdire as vd\n\nclass TestIt(unittest.TestCase):\n"
        f"    def test_parts(self):\n        with self.subTest('one'):\n            {OPEN}\n\n"
        f"def test_parts(subtests):\n    with subtests.test('one'):\n        {OPEN}\n",
    )
    # of subtests that are skipped pytest says nothing without -v
    result = judged.runpytest("-vv", "-rs")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["*SUBSKIPPED*one*inconclusive (authority.book): measured*"] * 2)


# -------------------------------------------------------------------------------------------------------- ini files


@pytest.mark.parametrize(
    ("value", "said"),
    [("eight", "voirdire_cases in the ini file: *eight*"), ("0", "--voirdire-cases 0 is less than 1")],
)
def test_a_bad_number_in_the_ini_file_names_its_key(judged: pytest.Pytester, value: str, said: str) -> None:
    judged.makeini(f"[pytest]\nvoirdire_cases = {value}\n")
    write(judged, f"@{MARK}\ndef test_judge(probe):\n    probe.check(judges.good)\n")
    result = judged.runpytest()
    assert result.ret != 0
    result.stderr.fnmatch_lines([f"ERROR: {said}"])


@pytest.mark.skipif(pytest.version_tuple < (9,), reason="pytest 8 has no table [tool.pytest]")
def test_pytests_own_table_takes_numbers(judged: pytest.Pytester) -> None:
    (judged.path / "tox.ini").unlink()
    judged.makepyprojecttoml('[tool.pytest]\nvoirdire_cases = 8\nvoirdire_inconclusive = "fail"\n')
    write(judged, f'@{MARK}\ndef test_judge(probe):\n    probe.check("mock:noisy")\n')
    judged.runpytest("-p", "no:cacheprovider").assert_outcomes(failed=2)


# ----------------------------------------------------------------------------------------------------- other plugins


def test_the_budget_is_that_of_all_workers(judged: pytest.Pytester, tmp_path: Path) -> None:
    pytest.importorskip("xdist", reason="pytest-xdist is not installed")
    log = tmp_path / "calls.log"
    body = (
        f"import time\n\ndef counted(case):\n    with open({str(log)!r}, 'a') as file:\n        file.write('x')\n"
        "    time.sleep(0.002)  # so that both audits are under way at once\n    return case.label\n\n"
    )
    for name in ("one", "two"):
        body += f"def {name}(case):\n    return counted(case)\n\n"
        body += f"@{MARK}\ndef test_{name}(probe):\n    probe.check({name})\n\n"
    write(judged, body)
    judged.runpytest_subprocess("-n", "2", "--voirdire-max-calls=100").assert_outcomes(skipped=4)
    assert len(log.read_text()) == 100


@pytest.mark.parametrize("mode", ["strict", "auto"])
def test_pytest_asyncio(judged: pytest.Pytester, mode: str) -> None:
    pytest.importorskip("pytest_asyncio", reason="pytest-asyncio is not installed")
    judged.makeini(
        f"[pytest]\nasyncio_mode = {mode}\nasyncio_default_fixture_loop_scope = function\nfilterwarnings = error\n"
    )
    marked = "@pytest.mark.asyncio" if mode == "strict" else ""
    write(
        judged,
        "import asyncio\nimport pytest_asyncio\nimport voirdire as vd\n\n"
        "async def slow(case):\n    await asyncio.sleep(0)\n    return case.label\n\n"
        "@pytest_asyncio.fixture\nasync def judge():\n    await asyncio.sleep(0)\n    return slow\n\n"
        f"{marked}\n@{MARK}\nasync def test_judge(probe, judge):\n    await probe.acheck(judge)\n\n"
        f"class TestTwo:\n    {marked or '# auto'}\n    @{MARK}\n    async def test_at_once(self, probe, judge):\n"
        "        found = await asyncio.gather(probe.acheck(judge), probe.acheck(judges.good))\n"
        "        assert [f.decision for f in found] == ['holds', 'holds']\n\n"
        f"{marked}\nasync def test_by_hand(judge):\n    await vd.acheck_swap(judge, None, limit=60)\n\n"
        f"{marked}\n@{MARK}\nasync def test_blocking(probe, judge):\n"
        "    with pytest.raises(RuntimeError, match='await probe.acheck'):\n        probe.check(judge)\n\n"
        f"@{MARK}\ndef test_beside_them(probe):\n    probe.check(judges.good)\n",
    )
    judged.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=9)


@pytest.mark.parametrize("options", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_pytest_randomly(judged: pytest.Pytester, options: tuple[str, ...]) -> None:
    pytest.importorskip("pytest_randomly", reason="pytest-randomly is not installed")
    judged.makeini("[pytest]\n")
    write(judged, f"@{MARK}\ndef test_judge(probe):\n    probe.check(judges.cited)\n")
    said = set()
    for seed in (1, 2):
        result = judged.runpytest_subprocess(f"--randomly-seed={seed}", "-p", "no:cacheprovider", *options)
        result.assert_outcomes(passed=1, failed=1)
        said.add(next(line for line in result.outlines if "gain over sham" in line))
    assert len(said) == 1, "the order and the seed of the tests change no number"
