"""Open-ended audits: cases may be added and the run repeated, at the error rates of a single look."""

from __future__ import annotations

import random

import voirdire as vd
from voirdire.harness.judges.mock import mock_judge
from voirdire.harness.statistics.analyse import analyse, family_size
from voirdire.harness.statistics.looks import Looks
from voirdire.suites.selfcheck import make_plan

SERIES = 16


def run(looks: Looks, answers: list[vd.Verdict]) -> tuple[dict[str, str], float]:
    """Decisions by probe and the share of calls that were asked for."""
    verdicts: list[vd.Verdict | None] = [None] * len(answers)
    for k in range(len(looks.shares)):
        for i in looks.calls(k):
            verdicts[i] = answers[i]
        looks.look(k, verdicts)
        if looks.done:
            break
    found = looks.finish(verdicts).findings
    return {name: f.decision for name, f in found.items()}, sum(v is not None for v in verdicts) / len(answers)


def anytime(spec: str, seed: int) -> tuple[dict[str, str], float]:
    plan = make_plan("quick", 136)
    judge = mock_judge(spec, seed=seed)
    size = family_size([p.relation for p in plan.suite.probes])
    looks = Looks(plan, alpha=0.05, suite_size=size, soft=False, seed=0, design="anytime")
    return run(looks, [judge.answer(c.case, c.sample) for c in plan.calls])


def test_a_clean_noisy_judge_is_never_convicted() -> None:
    for seed in range(SERIES):
        decisions, _ = anytime("noisy?accuracy=.85", seed)
        assert "violated" not in decisions.values(), decisions


def test_a_planted_defect_is_found_and_a_silent_judge_is_done_early() -> None:
    found = [anytime("noisy?accuracy=.85&cited=.4", seed)[0]["authority.book"] == "violated" for seed in range(12)]
    assert sum(found) >= 11
    decisions, share = anytime("oracle", 0)
    assert set(decisions.values()) == {"holds"}
    assert share < 0.7


def test_cases_come_in_the_order_of_the_file() -> None:
    """What was looked at before must come first again when cases are added at the end."""
    plan = make_plan("quick", 136)
    looks = Looks(plan, alpha=0.05, suite_size=8, soft=False, seed=random.randrange(99), design="anytime")
    assert [case for block in looks.blocks for case in block] == list(range(136))
    assert [len(block) for block in looks.blocks[:2]] == [20, 20]


def test_a_whole_run_says_what_it_is() -> None:
    result = vd.audit("mock:oracle", None, "quick", mode="anytime")
    assert result.audit.mode == "anytime"
    assert result.verdict == "pass"
    assert result.audit.calls.made < result.audit.calls.planned
    # without a planned end there is no power to speak of
    assert all(f.smallest_detectable is None for f in result.findings.values())


def test_discrimination_of_a_sequential_run_is_read_at_the_level_of_its_look() -> None:
    """A judge that is decided early has a wider interval than the whole run would have."""
    plan = make_plan("quick", 136)
    judge = mock_judge("noisy?accuracy=.85", seed=1)
    answers = [judge.answer(c.case, c.sample) for c in plan.calls]
    looks = Looks(plan, alpha=0.05, suite_size=8, soft=False, seed=1)
    verdicts: list[vd.Verdict | None] = [None] * len(answers)
    for i in looks.calls(0):
        verdicts[i] = answers[i]
    looks.look(0, verdicts)
    assert looks.dial is not None  # .85 is far above the floor of .60
    fixed = analyse(plan, verdicts).discrimination
    assert looks.dial.accuracy == fixed.accuracy
    assert looks.dial.low is not None
    assert fixed.low is not None
    assert looks.dial.low < fixed.low
