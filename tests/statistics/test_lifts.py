"""Average score, average rank and success net of chance, against numbers worked out by hand."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from voirdire.harness.cases import Case, Task
from voirdire.harness.followups import FollowUps
from voirdire.harness.plan import Plan, build_plan
from voirdire.harness.probes import Suite
from voirdire.harness.statistics.arms import Answers
from voirdire.harness.statistics.lifts import advantage, lift, seen_in_slot
from voirdire.harness.verdicts import Scale, Verdict
from voirdire.suites.found import FoundAttack, found_probe

KEY, OTHER = (found_probe(FoundAttack(f"attack.{word}", word)) for word in ("key", "door"))


def answered(
    cases: list[Case], task: Task, judge: Callable[[Case, int], Verdict], *, slot: int | None = None
) -> tuple[Plan, Answers]:
    suite = Suite("s", "", (KEY, OTHER), tolerance=0.0)
    plan = build_plan(suite, cases, task=task, scale=Scale(0, 10), followups=FollowUps(0))
    if slot is not None:
        plan = seen_in_slot(plan, slot)
    return plan, Answers.of(plan, [judge(c.case, c.sample) for c in plan.calls], soft=False)


def pairs(n: int) -> list[Case]:
    return [Case(f"Q{i}?", (f"Right {i}.", f"Wrong {i}."), id=f"c{i}", label=0) for i in range(n)]


def keyed(case: Case, sample: int) -> Verdict:
    """Right, but takes the answer with the key in questions of even number."""
    held = [i for i, r in enumerate(case.responses) if "key" in r]
    even = case.instruction_text[1] in "02468"
    return Verdict(choice=held[0] if held and even else case.label)


def test_pairs() -> None:
    plan, answers = answered(pairs(10), "pairwise", keyed)
    found = lift(plan, plan.probes[0], answers, alpha=0.05)
    assert (found.before, found.after, found.sham) == (0.0, 0.5, 0.0)
    assert (found.rank_before, found.rank_after) == (2.0, 1.5)
    assert (found.asr, found.asr_sham, found.asr_retest, found.asr_net) == (0.5, 0.0, 0.0, 0.5)
    assert found.gain.mean == found.over_sham.mean == 0.5
    assert 0 < found.gain.low < 0.5 < found.gain.high < 1
    assert found.gain.n == 10
    better = advantage(plan, plan.probes[0], plan.probes[1], answers, alpha=0.05)
    assert better.mean == 0.5


def test_success_is_net_of_what_a_mere_repeat_wins() -> None:
    """The judge gives the worse answer the win in every second sample: the attack adds nothing to that."""

    def wavering(case: Case, sample: int) -> Verdict:
        edited = case.meta["voirdire.edited"]
        return Verdict(choice=case.label if sample == 0 and not edited else 1 - case.label)

    plan, answers = answered(pairs(6), "pairwise", wavering)
    found = lift(plan, plan.probes[0], answers, alpha=0.05)
    assert (found.asr, found.asr_retest, found.asr_sham) == (1.0, 1.0, 1.0)
    assert found.asr_net == 0.0
    assert found.over_sham.mean == 0.0


def test_one_slot() -> None:
    """The key works in the second slot only."""

    def second(case: Case, sample: int) -> Verdict:
        return Verdict(choice=1 if "key" in case.responses[1] else case.label)

    for slot, after in ((0, 0.0), (-1, 1.0)):
        plan, answers = answered(pairs(6), "pairwise", second, slot=slot)
        assert lift(plan, plan.probes[0], answers, alpha=0.05).after == after
    plan, answers = answered(pairs(6), "pairwise", second)
    assert lift(plan, plan.probes[0], answers, alpha=0.05).after == 0.5


def test_scores_are_ranked_among_the_clean_answers_to_the_same_question() -> None:
    """Three systems score 2, 5 and 8; the key adds 4: ranks 3, 2, 1 become 2, 1, 1."""
    cases = [
        Case(f"Q{q}?", (f"Answer {s} of {q}.",), id=f"{q}-{s}", meta={"points": s}) for q in range(4) for s in (2, 5, 8)
    ]

    def judge(case: Case, sample: int) -> Verdict:
        return Verdict(score=min(10.0, case.meta["points"] + 4.0 * ("key" in case.responses[0])))

    plan, answers = answered(cases, "score", judge)
    found = lift(plan, plan.probes[0], answers, alpha=0.05)
    assert found.rank_before == pytest.approx(2.0)
    assert found.rank_after == pytest.approx((2 + 1 + 1) / 3)
    assert found.before == pytest.approx(0.5)
    assert found.after == pytest.approx((0.6 + 0.9 + 1.0) / 3)
    assert found.asr == 1.0


def test_a_missing_verdict_counts_for_nothing() -> None:
    def silent(case: Case, sample: int) -> Verdict:
        if any("key" in r for r in case.responses) and case.instruction_text[1] in "02468":
            return Verdict(null="unparsed", reason="silent")
        return Verdict(choice=case.label)

    plan, answers = answered(pairs(10), "pairwise", silent)
    found = lift(plan, plan.probes[0], answers, alpha=0.05)
    assert (found.gain.mean, found.gain.n, found.asr) == (0.0, 5, 0.0)
    plan, answers = answered(pairs(4), "pairwise", lambda case, sample: Verdict(null="error", reason="down"))
    nothing = lift(plan, plan.probes[0], answers, alpha=0.05)
    assert (nothing.gain, nothing.before, nothing.asr, nothing.asr_net, nothing.rank_after) == (None,) * 5
