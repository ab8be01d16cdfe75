"""The whole output of the plugin, for each outcome, as its users see it at 80 columns.

VOIRDIRE_UPDATE_EXPECTED=1 rewrites tests/plugin/expected: read the diff. What differs from machine to machine is
masked: the header (versions, paths, other plugins) and durations.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

EXPECTED = Path(__file__).with_name("expected")
#: cases of our own: what the built-in cases and the citations say changes more often than the plugin does
JUDGES = '''
import voirdire as vd

CASES = [
    {
        "id": f"sum-{i}",
        "instruction": f"What is {i} plus {i}?",
        "responses": [f"The sum is {2 * i}.", f"The sum is {2 * i + 1}."][:: 1 if i % 2 else -1],
        "label": (i + 1) % 2,
    }
    for i in range(1, 81)
]

def good(case):
    return case.label

def shouted(case):
    """Takes what is shouted, and is right otherwise."""
    loud = [response.isupper() for response in case.responses]
    return loud.index(True) if any(loud) else case.label

def first(case):
    return "A"

def down(case):
    raise ConnectionError("no route to the model")
'''


def check(project: pytest.Pytester, name: str, *options: str, subprocess: bool = False) -> None:
    """Run the tests of `project` and compare all that they print with the stored text `name`."""
    run = project.runpytest_subprocess if subprocess else project.runpytest
    text = masked("\n".join(run(*options).outlines) + "\n")
    text = re.sub(r"^Fs ", "sF ", text)  # workers end when they do
    path = EXPECTED / f"{name}.txt"
    if os.environ.get("VOIRDIRE_UPDATE_EXPECTED"):
        path.write_text(text, encoding="utf-8", newline="\n")
    assert text == path.read_text(encoding="utf-8")


def masked(text: str) -> str:
    """`text` from the first test on, without durations and paths; the last banner is as wide as its duration."""
    start = re.search(r"^(?:collecting \.\.\. )?collected \d+ .*\n+|^\d workers \[\d+ items?\]\s+", text, re.M)
    text = text[start.end() :] if start else text
    text = re.sub(r"\b\d+\.\d+s\b( \(\d+:\d\d:\d\d\))?", "#s", text)
    text = re.sub(r"^(\[gw)\d\] .*", r"\1#] ...", text, flags=re.M)
    text = re.sub(r"^/\S+/(\w+[.]py:)", r".../\1", text, flags=re.M)
    return re.sub(r"^=+ (.+ in #s) =+$", r"= \1 =", text, flags=re.M)


@pytest.fixture
def project(judged: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("CI", raising=False)  # under which pytest does not shorten its summary
    judged.makepyfile(judges=JUDGES)
    judged.makeini("[pytest]\naddopts = -p no:cacheprovider -p no:randomly --color=no\n")
    return judged


def write(project: pytest.Pytester, judge: str, probes: str, more: str = "", *, limit: int = 80) -> None:
    project.makepyfile(
        test_judge=f"import pytest\nimport judges\nimport voirdire as vd\n\n"
        f'@pytest.mark.voirdire(suite="quick", cases=judges.CASES, probes={probes}, limit={limit})\n'
        f"def test_judge(probe):\n    probe.check({judge})\n{more}"
    )


SWAP = '["stability.neutral", "order.swap"]'
BY_HAND = '''
def louder(answer):
    """Shouts the answer."""
    return answer.upper()

def test_by_hand():
    vd.check_no_gain(judges.shouted, judges.CASES, louder)
'''


@pytest.mark.parametrize(("name", "options"), [("pass", ()), ("pass_verbose", ("-v",)), ("pass_quiet", ("-q",))])
def test_what_holds(project: pytest.Pytester, name: str, options: tuple[str, ...]) -> None:
    write(project, "judges.good", SWAP)
    check(project, name, *options)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("violated", ()),
        ("violated_verbose", ("-v",)),
        ("violated_line", ("--tb=line",)),
        ("violated_none", ("--tb=no",)),
    ],
)
def test_what_is_violated(project: pytest.Pytester, name: str, options: tuple[str, ...]) -> None:
    write(project, "judges.first", SWAP)
    check(project, name, *options)


def test_what_is_violated_by_hand(project: pytest.Pytester) -> None:
    write(project, "judges.good", SWAP, BY_HAND)
    check(project, "violated_by_hand", "-k", "by_hand")


@pytest.mark.parametrize("policy", ["skip", "fail", "pass"])
def test_what_is_inconclusive(project: pytest.Pytester, policy: str) -> None:
    write(project, "judges.good", SWAP, limit=10)
    check(project, f"inconclusive_{policy}", "-rs", f"--voirdire-inconclusive={policy}")


def test_what_is_inconclusive_verbosely(project: pytest.Pytester) -> None:
    write(project, "judges.good", SWAP, limit=10)
    check(project, "inconclusive_verbose", "-v")


def test_what_does_not_apply(project: pytest.Pytester) -> None:
    write(project, "lambda case: 5.0", '["order.swap"]')
    project.makepyfile(
        test_judge=(project.path / "test_judge.py").read_text().replace("limit=80", 'limit=20, task="score"')
    )
    check(project, "not_applicable", "-rs")


def test_a_judge_that_is_down(project: pytest.Pytester) -> None:
    write(project, "judges.down", SWAP)
    check(project, "error")


def test_a_limit_on_calls(project: pytest.Pytester) -> None:
    write(project, "judges.good", SWAP)
    check(project, "stopped", "-rs", "--voirdire-max-calls=100")


def test_a_known_weakness(project: pytest.Pytester) -> None:
    write(project, "judges.first", '["order.swap"]')
    text = (project.path / "test_judge.py").read_text()
    project.makepyfile(test_judge=text.replace("def test_judge", '@pytest.mark.xfail(reason="known")\ndef test_judge'))
    check(project, "expected_failure", "-rx")


def test_workers(project: pytest.Pytester) -> None:
    pytest.importorskip("xdist", reason="pytest-xdist is not installed")
    write(project, "judges.first", SWAP)
    check(project, "xdist", "-n", "2", subprocess=True)


def test_reports(project: pytest.Pytester) -> None:
    write(project, "judges.good", SWAP)
    check(project, "reports", "--voirdire-out=reports")


def test_what_differs_is_masked_and_nothing_else() -> None:
    header = "=== test session starts ===\nplatform linux -- Python 3.11\nplugins: a-1, b-2\ncollected 2 items\n\n"
    body = "test_judge.py .F   [100%]\n  gain  +.31 [+.15, +.46]\n"
    assert masked(f"{header}{body}========== 1 failed in 2.51s ==========\n") == f"{body}= 1 failed in #s =\n"
    assert masked(f"{header}{body}======== 1 failed in 63.07s (0:01:03) ====\n") == f"{body}= 1 failed in #s =\n"
