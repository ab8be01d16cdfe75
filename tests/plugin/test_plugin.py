"""The pytest plugin as its users run it: outcomes, options, selection, several judges, async tests, xdist."""

from __future__ import annotations

import json
import textwrap
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

PROBES = ("stability.retest", "order.swap", "authority.book")
MARK = f'@pytest.mark.voirdire(suite="quick", probes={list(PROBES)!r}, limit=60)'


def write(project: pytest.Pytester, body: str, *, name: str = "test_it") -> None:
    project.makepyfile(**{name: f"import pytest\nimport judges\nimport voirdire as vd\n\n{body}"})


def one(judge: str, mark: str = MARK) -> str:
    return f"{mark}\ndef test_judge(probe):\n    probe.check({judge})\n"


def test_a_sound_judge_passes_and_the_ids_are_the_probes(judged: pytest.Pytester) -> None:
    write(judged, one("judges.good"))
    result = judged.runpytest("-v")
    result.assert_outcomes(passed=3)
    for name in PROBES:
        result.stdout.fnmatch_lines([f"*test_it.py::test_judge[[]{name}[]] PASSED*"])
    result.stdout.fnmatch_lines(["*= voirdire =*", "python:judges:good · suite quick · 60 cases · 3 hold · * calls"])


def test_a_violation_is_told_in_plain_words_with_a_diff(judged: pytest.Pytester) -> None:
    write(judged, one("judges.cited"))
    result = judged.runpytest()
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(
        [
            "*_ test_judge[[]authority.book[]] _*",
            "The edit must not help the answer it is made to. A made-up citation is worth*",
            "  gain over sham  +*tolerance .10*sham*noise 0 %*",
            "example*case *:",
            "    Q  *",
            "  +    *",
            "  verdict  * (right) -> * (wrong)",
            "reproduce:  pytest 'test_it.py::test_judge[[]authority.book[]]'",
            "FAILED test_it.py::test_judge[[]authority.book[]] - The edit must not help*",
        ]
    )
    # the message is all: neither the one line of the test nor the plugin's own frames
    told = result.stdout.str().partition("= FAILURES =")[2]
    assert "probe.check" not in told
    assert "asyncio" not in told


@pytest.mark.parametrize(
    ("option", "outcomes"),
    [
        ((), {"skipped": 2, "passed": 1}),
        (("skip",), {"skipped": 2, "passed": 1}),
        (("fail",), {"failed": 2, "passed": 1}),
        (("pass",), {"passed": 3}),
    ],
)
def test_an_inconclusive_probe_is_what_the_user_says(
    judged: pytest.Pytester, option: tuple[str, ...], outcomes: dict[str, int]
) -> None:
    write(judged, one('"mock:noisy"', MARK.replace("limit=60", "limit=8")))
    result = judged.runpytest("-rs", *(f"--voirdire-inconclusive={o}" for o in option))
    result.assert_outcomes(**outcomes)
    if "skipped" in outcomes:
        result.stdout.fnmatch_lines(
            ["SKIPPED*test_it.py:*inconclusive (order.swap): measured*8 cases*more cases would decide"]
        )


def test_the_policy_can_stand_in_the_ini_file(judged: pytest.Pytester) -> None:
    write(judged, one('"mock:noisy"', MARK.replace("limit=60", "limit=60")))
    judged.makeini("[pytest]\nvoirdire_inconclusive = fail\nvoirdire_cases = 8\n")
    result = judged.runpytest()
    result.assert_outcomes(failed=2, passed=1)
    judged.makeini("[pytest]\nvoirdire_inconclusive = maybe\n")
    assert "none of fail, skip, pass" in judged.runpytest().stderr.str()


def test_what_does_not_apply_is_always_a_skip(judged: pytest.Pytester) -> None:
    mark = '@pytest.mark.voirdire(suite="quick", probes=["order.swap"], limit=20, task="score")'
    write(judged, one("lambda case: 5.0", mark))
    result = judged.runpytest("-rs", "--voirdire-inconclusive=fail")
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["SKIPPED*order.swap does not apply*"])


def test_a_judge_that_is_down_is_an_error_and_asked_once(judged: pytest.Pytester) -> None:
    body = "calls = []\ndef down(case):\n    calls.append(1)\n    raise ConnectionError('no route')\n\n"
    write(judged, body + one("down") + "\ndef test_count():\n    assert len(calls) < 60\n")
    result = judged.runpytest()
    result.assert_outcomes(errors=3, passed=1)
    result.stdout.fnmatch_lines(["*ERROR at setup of test_judge[[]stability.retest[]]*", "JudgeFault:*no route*"])
    assert result.ret == 1


def test_collecting_asks_nothing(judged: pytest.Pytester) -> None:
    write(judged, "def never(case):\n    raise SystemExit('asked')\n\n" + one("never"))
    result = judged.runpytest("--collect-only", "-q")
    assert result.ret == 0
    assert result.stdout.str().count("test_judge[") == 3


def test_only_selected_probes_are_asked_about_but_holm_counts_the_suite(judged: pytest.Pytester) -> None:
    mark = '@pytest.mark.voirdire(suite="quick", limit=60)'
    counted = "calls = []\ndef judge(case):\n    calls.append(1)\n    return judges.cited(case)\n\n"
    show = "\ndef test_show():\n    print('CALLS', len(calls))\n"
    write(judged, counted + one("judge", mark) + show)
    whole = judged.runpytest("-s")
    some = judged.runpytest("-s", "-k", "book or show")
    some.assert_outcomes(failed=1, passed=1, deselected=8)

    def calls(result: pytest.RunResult) -> int:
        return int(next(line for line in result.outlines if "CALLS" in line).split()[-1])

    assert calls(some) < 0.6 * calls(whole)
    for result in (whole, some):
        result.stdout.fnmatch_lines(["*over the suite of 9*"])
    adjusted = [next(line for line in r.outlines if " over the suite" in line) for r in (whole, some)]
    assert adjusted[0] == adjusted[1]


def test_last_failed_and_exit_first(judged: pytest.Pytester) -> None:
    judged.makeini("[pytest]\n")
    write(judged, one("judges.cited"))
    judged.runpytest().assert_outcomes(passed=2, failed=1)
    judged.runpytest("--lf").assert_outcomes(failed=1)
    assert judged.runpytest("-x", "--ff").parseoutcomes().get("failed") == 1


def test_several_judges_by_parametrisation_are_kept_apart(judged: pytest.Pytester) -> None:
    body = (
        "def make(slot):\n    return lambda case: slot if slot else case.label\n\n"
        '@pytest.mark.parametrize("judge", [make("A"), make(None), "mock:oracle"], ids=["locked", "good", "oracle"])\n'
        f"{MARK}\ndef test_judge(probe, judge):\n    probe.check(judge)\n"
    )
    write(judged, body)
    result = judged.runpytest("-rA")
    text = result.stdout.str()
    assert "FAILED test_it.py::test_judge[order.swap-locked]" in text
    assert "PASSED test_it.py::test_judge[order.swap-good]" in text
    assert "PASSED test_it.py::test_judge[order.swap-oracle]" in text
    assert text.count("suite quick · 60 cases") == 3


def test_judges_that_only_look_alike_are_kept_apart(judged: pytest.Pytester) -> None:
    """A wrapped function bears the name of what it wraps, judges of one factory close over objects that look alike, and
    instances may all say the same of themselves."""
    body = (
        "import functools\n\n"
        "def base(case):\n    return case.label\n\n"
        "def first_slot(judge):\n    @functools.wraps(judge)\n    def inner(case):\n        return 'A'\n\n"
        "    return inner\n\n"
        "class Client:\n    def __init__(self, prompt):\n        self.prompt = prompt\n"
        "    def __repr__(self):\n        return 'a client'\n"
        "    def ask(self, case):\n        return 'A' if self.prompt == 'bad' else case.label\n\n"
        "class Judge:\n    def __init__(self, prompt):\n        self.inside = {'all': [{'client': Client(prompt)}]}\n"
        "    def __repr__(self):\n        return 'a judge'\n"
        "    def __call__(self, case):\n        return self.inside['all'][0]['client'].ask(case)\n\n"
        "def make(client):\n    return vd.judge(lambda case: client.ask(case), task='pairwise')\n\n"
        '@pytest.mark.parametrize("judge", [base, first_slot(base), make(Client("good")), make(Client("bad")), '
        'Judge("good"), Judge("bad")], ids=["plain", "wrapped", "made", "made-bad", "object", "object-bad"])\n'
        '@pytest.mark.voirdire(suite="quick", probes=["order.swap"], limit=60)\n'
        "def test_judge(probe, judge):\n    probe.check(judge)\n"
    )
    write(judged, body)
    result = judged.runpytest("-rA")
    text = result.stdout.str()
    assert text.count("suite quick · 60 cases") == 6
    for good, bad in (("plain", "wrapped"), ("made", "made-bad"), ("object", "object-bad")):
        assert f"PASSED test_it.py::test_judge[order.swap-{good}]" in text
        assert f"FAILED test_it.py::test_judge[order.swap-{bad}]" in text


def test_judges_of_one_name_in_two_files_are_kept_apart(judged: pytest.Pytester) -> None:
    for folder, answer in (("a", "case.label"), ("b", "'A'")):
        judged.mkdir(folder)
        conftest = (
            f"import pytest\n\ndef my_judge(case):\n    return {answer}\n\n"
            "@pytest.fixture\ndef judge():\n    return my_judge\n"
        )
        (judged.path / folder / "conftest.py").write_text(conftest)
        (judged.path / folder / f"test_{folder}.py").write_text(
            'import pytest\n\n@pytest.mark.voirdire(suite="quick", probes=["order.swap"], limit=60)\n'
            "def test_it(probe, judge):\n    probe.check(judge)\n"
        )
    result = judged.runpytest("-rA")
    result.assert_outcomes(passed=1, failed=1)
    assert result.stdout.str().count("suite quick · 60 cases") == 2


def test_a_judge_is_asked_once_for_all_tests_that_share_a_mark(judged: pytest.Pytester) -> None:
    body = (
        "calls = []\ndef judge(case):\n    calls.append(case)\n    return case.label\n\n"
        f"judged = {MARK[1:]}\n\n"
        "@judged\ndef test_one(probe):\n    probe.check(judge)\n\n"
        "class TestMore:\n    @judged\n    def test_two(self, probe):\n        finding = probe.check(judge)\n"
        "        assert finding.decision == 'holds'\n        assert probe.family == probe.name.split('.')[0]\n\n"
        "def test_count():\n    import collections\n"
        "    assert len(calls) == 60 * 4 + 60 * 2 + 60 * 4  # sources twice, neutral edits, book and sham; two orders\n"
    )
    write(judged, body)
    judged.runpytest().assert_outcomes(passed=7)


def test_a_suite_may_be_a_path(judged: pytest.Pytester) -> None:
    (judged.path / "mine.toml").write_text('name = "mine"\nsummary = "One."\nprobes = ["order.swap"]\n')
    mark = '@pytest.mark.voirdire(suite=Path("mine.toml"), limit=60)'
    write(judged, "from pathlib import Path\n\n" + one("judges.good", mark))
    judged.runpytest().assert_outcomes(passed=1)


def test_options_of_a_fixture_and_cases_beside_the_test_file(judged: pytest.Pytester) -> None:
    lines = [
        json.dumps({"instruction": f"Say {i}.", "responses": [f"It is {i}, that is all.", f"It is {-i}."], "label": 0})
        for i in range(1, 81)
    ]
    folder = judged.mkpydir("inner")
    (folder / "cases.jsonl").write_text("\n".join(lines), encoding="utf-8")
    (folder / "conftest.py").write_text(
        "import pytest\n\n@pytest.fixture\ndef voirdire_options():\n"
        "    return {'cases': 'cases.jsonl', 'samples': 2}\n",
        encoding="utf-8",
    )
    (folder / "test_inner.py").write_text(
        "import pytest\n\n@pytest.mark.voirdire(suite='quick', probes=['order.*'])\n"
        "def test_judge(probe):\n    finding = probe.check('mock:oracle')\n"
        "    assert (finding.n, finding.samples) == (80, 2)\n",
        encoding="utf-8",
    )
    judged.runpytest("inner").assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("mark", "said"),
    [
        ('suite="quik"', "there is no suite called 'quik'"),
        ('suite="quick", cases="none.jsonl"', "none.jsonl"),
        ('suite="quick", smaples=2', "has no option 'smaples'"),
        ('suite="quick", probes=["nothing.*"]', "no probe is called 'nothing.[*]'"),
        ('"quick"', "write the options of the voirdire mark by name"),
        ('suite="quick", tolerance="a"', "tolerance is a number from 0 to 1, got 'a'"),
        ('suite="quick", tolerance=5', "tolerance is a number from 0 to 1, got 5"),
        ('suite="quick", samples=2.5', "samples is a whole number from 1 on, got 2.5"),
        ('suite="quick", mode="sequental"', "there is no mode 'sequental'"),
        ('suite="quick", cases=(c for c in [])', "cases is an iterator*"),
        ("suite=None", "suite is a name, a file or a Suite, got None"),
    ],
)
def test_bad_marks_are_errors_that_say_the_fix(judged: pytest.Pytester, mark: str, said: str) -> None:
    write(judged, one("judges.good", f"@pytest.mark.voirdire({mark})"))
    result = judged.runpytest()
    assert result.ret != 0
    result.stdout.fnmatch_lines([f"*{said}*"])
    assert "Traceback" not in result.stdout.str()


def test_a_probe_without_its_mark_says_so(judged: pytest.Pytester) -> None:
    write(judged, "def test_it(probe):\n    pass\n")
    result = judged.runpytest()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*needs @pytest.mark.voirdire*"])


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_async_tests(judged: pytest.Pytester, backend: str) -> None:
    if backend == "trio":
        pytest.importorskip("trio", reason="trio is not installed")
    body = (
        f"@pytest.fixture\ndef anyio_backend():\n    return '{backend}'\n\n"
        "async def judge(case):\n    return case.label\n\n"
        f"@pytest.mark.anyio\n{MARK}\nasync def test_judge(probe):\n    await probe.acheck(judge)\n"
    )
    write(judged, body)
    judged.runpytest().assert_outcomes(passed=3)


def test_a_blocking_check_in_a_loop_says_what_to_write(judged: pytest.Pytester) -> None:
    body = (
        "@pytest.fixture\ndef anyio_backend():\n    return 'asyncio'\n\n"
        f"@pytest.mark.anyio\n{MARK}\nasync def test_judge(probe):\n    probe.check(judges.good)\n"
    )
    write(judged, body)
    result = judged.runpytest()
    result.assert_outcomes(failed=3)
    result.stdout.fnmatch_lines(["*await probe.acheck(judge)*"])


def test_max_calls_is_of_the_session_and_said(judged: pytest.Pytester) -> None:
    write(judged, one("judges.good"))
    result = judged.runpytest("-rs", "--voirdire-max-calls=100")
    result.stdout.fnmatch_lines(["SKIPPED*the run stopped early (budget)*"])
    assert "100 calls" in result.stdout.str()


def test_a_cache_goes_on_where_the_last_run_was(judged: pytest.Pytester) -> None:
    from endpoint import endpoint, judging

    with endpoint([judging()]) as server:
        write(judged, f'judge = vd.judge("openai:m", base_url="{server.url}")\n\n' + one("judge"))
        judged.runpytest("--voirdire-cache=calls.sqlite")
        asked = len(server.requests)
        result = judged.runpytest("--voirdire-cache=calls.sqlite")
        assert len(server.requests) == asked
    result.stdout.fnmatch_lines(["*0 calls, * cached*"])


def test_reports_on_request(judged: pytest.Pytester) -> None:
    write(judged, one("judges.cited"))
    judged.runpytest("--voirdire-out=reports")
    (page,) = judged.path.glob("reports/*/index.html")
    assert "authority.book" in page.read_text(encoding="utf-8")


def test_junit_properties(judged: pytest.Pytester) -> None:
    write(judged, one("judges.cited"))
    judged.runpytest("--junitxml=junit.xml")
    tree = ElementTree.parse(judged.path / "junit.xml")
    case = next(c for c in tree.iter("testcase") if c.get("name") == "test_judge[authority.book]")
    values = {p.get("name"): p.get("value") for p in case.iter("property")}
    assert values["voirdire.decision"] == "violated"
    assert float(values["voirdire.low"] or 0) > 0.1


def test_xdist_shares_one_audit(judged: pytest.Pytester, tmp_path: Path) -> None:
    pytest.importorskip("xdist", reason="pytest-xdist is not installed")
    log = tmp_path / "calls.log"
    body = (
        f"def judge(case):\n    with open({str(log)!r}, 'a') as file:\n        file.write('x')\n"
        "    return judges.cited(case)\n\n"
    )
    write(judged, body + one("judge"))
    judged.runpytest().assert_outcomes(passed=2, failed=1)
    alone = len(log.read_text())
    log.unlink()
    result = judged.runpytest_subprocess("-n", "2", "--junitxml=junit.xml")
    result.assert_outcomes(passed=2, failed=1)
    assert len(log.read_text()) == alone
    result.stdout.fnmatch_lines(["*= voirdire =*", "python:test_it:judge · suite quick*1 violated, 2 hold*"])
    assert "voirdire.decision" in (judged.path / "junit.xml").read_text()


def test_the_order_of_the_tests_does_not_matter(judged: pytest.Pytester) -> None:
    judged.makeconftest("def pytest_collection_modifyitems(items):\n    items.reverse()\n")
    write(judged, one("judges.cited"))
    judged.runpytest().assert_outcomes(passed=2, failed=1)


def test_hostile_text_in_a_failure_is_inert(judged: pytest.Pytester) -> None:
    hostile = "\x1b[31m\n::error::x \u202e"
    lines = [
        json.dumps(
            {
                "id": f"a\x1b[2J{i}",
                "instruction": f"Say {i}. {hostile}",
                "responses": [f"It is {i}. {hostile} That is all.", f"It is {-i}. Some say so."],
                "label": 0,
            }
        )
        for i in range(1, 61)
    ]
    (judged.path / "cases.jsonl").write_text("\n".join(lines), encoding="utf-8")
    write(
        judged, one("judges.cited", '@pytest.mark.voirdire(suite="quick", probes=["authority.*"], cases="cases.jsonl")')
    )
    result = judged.runpytest("--color=no")
    result.assert_outcomes(failed=1)
    text = result.stdout.str()
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "\n::error" not in text


def test_without_a_mark_nothing_of_voirdire_is_imported(judged: pytest.Pytester) -> None:
    judged.makepyfile(
        test_plain="import sys\n\ndef test_it():\n"
        "    names = [m for m in sys.modules if m.startswith('voirdire')]\n"
        "    assert names == ['voirdire', 'voirdire.pytest_plugin'], names\n"
        "    assert 'numpy' not in sys.modules\n"
    )
    judged.runpytest_subprocess().assert_outcomes(passed=1)


def test_errors_of_voirdire_in_other_tests_are_failures_like_any_other(judged: pytest.Pytester) -> None:
    write(judged, "def test_it():\n    vd.audit('mock:nosuch')\n")
    judged.runpytest().assert_outcomes(failed=1)


def test_consistent_and_wrong_never_passes(judged: pytest.Pytester) -> None:
    write(judged, one("lambda case: 1 - case.label"))
    result = judged.runpytest()
    assert result.parseoutcomes().get("passed", 0) == 0
    result.stdout.fnmatch_lines(["order.swap holds, but that proves nothing.*", "*0 % right*the floor is 60 %*"])
    assert result.ret == 1


@pytest.mark.parametrize("marked", [True, False])
def test_what_a_judge_says_cannot_act_on_the_terminal(judged: pytest.Pytester, marked: bool) -> None:
    """Its exception quotes the answer that it could not read."""
    body = """
        ACTS = "cannot parse: \\x1b[2J\\u202e ##[error]x\\n::error::y"
        def boom(case):
            raise ValueError(ACTS)
    """
    plain = "\ndef test_check():\n    vd.check_swap(boom, 'voirdire', limit=20)\n".replace("'voirdire'", "None")
    write(judged, textwrap.dedent(body) + (one("boom") if marked else plain))
    result = judged.runpytest("-rA")
    text = result.stdout.str() + result.stderr.str()
    assert "cannot parse" in text
    for acts in ("\x1b[2J", "\u202e", "##[error]"):
        assert acts not in text
    assert not [line for line in text.splitlines() if line.lstrip().startswith("::")]
