"""Missing verdicts: told apart by case, and put at the bad end where a finding would hold."""

from __future__ import annotations

import numpy as np
import pytest

from voirdire.harness.cases import Case
from voirdire.harness.followups import FollowUps
from voirdire.harness.plan import Arm, Plan, build_plan
from voirdire.harness.probes import Suite
from voirdire.harness.statistics.analyse import analyse
from voirdire.harness.statistics.arms import ANSWERED, NULL, Answers
from voirdire.harness.statistics.decisions import AtLeastDrop, Contrast, Least, Most
from voirdire.harness.statistics.estimands import Measured, PerCase
from voirdire.harness.statistics.means import estimate
from voirdire.harness.statistics.nulls import Gaps, differential, excess, holds_at_worst
from voirdire.harness.verdicts import Scale, Verdict
from voirdire.suites.rows import PROBES


def planned(name: str, n: int) -> Plan:
    text = "It goes on for some more words, since a typing error needs words of some length to stand in."
    cases = [Case(f"Q {i}?", (f"Right answer {i}. {text}", f"Wrong answer {i}. {text}"), label=0) for i in range(n)]
    suite = Suite("one", "One probe.", probes=(PROBES.get(name),))
    return build_plan(suite, cases, task="pairwise", scale=Scale(), followups=FollowUps(), samples=1)


def right(plan: Plan, lost: set[int]) -> list[Verdict]:
    """A judge that is always right, and silent on the calls `lost`."""
    null = Verdict(null="refused", reason="no")
    return [null if i in lost else Verdict(choice=c.case.label) for i, c in enumerate(plan.calls)]  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["authority.book", "typos.keyboard"])
def test_nulls_of_a_few_follow_ups_keep_a_finding_from_holding(name: str) -> None:
    """5 of 45 never reach p < .05 in a sign test, and with those five as wins the effect is +.11 [+.02, +.26]."""
    plan = planned(name, 45)
    follow = plan.probes[0].follow_up
    assert follow is not None
    for few, decision, reason in ((0, "holds", None), (5, "inconclusive", "missing_verdicts")):
        lost = set(follow.calls[:few].reshape(-1).tolist())
        finding = analyse(plan, right(plan, lost)).findings[name]
        assert (finding.decision, finding.reason) == (decision, reason)


def test_several_targets_of_a_case_are_one_sign() -> None:
    """Five cases with three silent follow-ups each are five signs (p = .06), not fifteen."""
    cases = np.repeat(np.arange(40), 3)
    calls = np.arange(240).reshape(2, 120, 1, 1)
    state = np.full(240, ANSWERED, dtype=np.int8)
    state[calls[1, :15].reshape(-1)] = NULL
    answers = Answers(np.zeros((240, 1)), state)
    slots = np.zeros((120, 1), dtype=np.int64)
    gap = excess(answers, Arm(calls[0], slots), Arm(calls[1], slots), cases, 40)
    assert gap.tolist() == [1.0] * 5 + [0.0] * 35
    assert not differential(gap)
    state[calls[1, 15:18].reshape(-1)] = NULL
    assert differential(excess(answers, Arm(calls[0], slots), Arm(calls[1], slots), cases, 40))


def measured(values: np.ndarray) -> Measured:
    known = np.flatnonzero(~np.isnan(values))
    mean = estimate(values)
    assert mean is not None
    empty = np.empty(0)
    return Measured(
        Contrast("gain over source", mean, 0.1), mean.count, empty, empty, empty,
        contrasts={"gain over source": PerCase(values[known], known)},
    )  # fmt: skip


def test_wins_hidden_by_nulls_hold_no_more_often_than_stated() -> None:
    """Each silent case would have been a whole win, in a tenth of the cases: an effect of .10, the tolerance."""
    rng, groups, held = np.random.default_rng(0), np.arange(200), 0
    for _ in range(600):
        lost = rng.random(200) < 0.1
        m = measured(np.where(lost, np.nan, 0.0))
        held += holds_at_worst(m, Gaps(np.where(lost, 1.0, 0.0)), groups, 0.05, estimate)
    # at 5 % the count has mean 30 and a standard deviation of 5.3; more than 52 come once in 40,000
    assert held <= 52


def test_nulls_of_both_arms_alike_cost_hardly_a_decision() -> None:
    """Ten per cent in each arm, two orders of two samples, and the noise of a judge that is right in 85 %."""
    rng, groups, held, kept = np.random.default_rng(1), np.arange(200), 0, 0
    for _ in range(400):
        wins = rng.binomial(4, 0.15, size=(2, 200)) / 4
        nulls = rng.binomial(4, 0.1, size=(2, 200)) / 4
        m = measured(wins[1] - wins[0])
        assert m.node is not None
        if m.node.holds(0.05):
            held += 1
            kept += holds_at_worst(m, Gaps(nulls[1] - nulls[0]), groups, 0.05, estimate)
    assert held >= 380
    assert kept >= 0.93 * held


def test_every_kind_of_decision_is_put_at_its_bad_end() -> None:
    values = np.zeros(100)
    gap = np.where(np.arange(100) < 30, 1.0, 0.0)
    mean = estimate(values)
    assert mean is not None
    names = ("shift over sham", "flips beyond repeats", "flips beyond placebo")
    shift, repeats, placebo = (Contrast(n, mean, 0.1, two_sided=n.startswith("shift")) for n in names)
    contrasts = dict.fromkeys((*names, "drop"), PerCase(values - 0.3, np.arange(100)))
    empty = np.empty(0)

    def holds(node: Contrast | Least | Most | AtLeastDrop, gaps: Gaps) -> bool:
        m = Measured(
            node, 100, empty, empty, empty, contrasts=contrasts | {n: PerCase(values, np.arange(100)) for n in names}
        )
        return holds_at_worst(m, gaps, np.arange(100), 0.05, estimate)

    none = np.zeros(100)
    dropped = estimate(values - 0.3)
    assert dropped is not None
    drop = AtLeastDrop("drop", dropped, 0.1)
    assert holds(drop, Gaps(none))
    assert not holds(drop, Gaps(gap))
    # one part of several suffices to hold, and only the parts over the sham hang on the nulls of the sham
    both = Least([repeats, placebo])
    assert holds(both, Gaps(none, gap))
    assert not holds(both, Gaps(gap, gap))
    assert not holds(Most([shift, both]), Gaps(none, gap))
    assert not holds(Most([shift, both]), Gaps(none, -gap))
