"""Missing verdicts: do they fall on one arm more than on the other, and could they hide an effect?

If they do, the calls that are left are a selection, and any effect computed from them may be an artefact of it. Two
rules. (1) Where the null rates of two arms differ beyond doubt (`differential`), nothing is decided. (2) A handful of
cases can never be beyond doubt: a sign test with five of them has p = .06 at best. So HOLDS must also hold at the worst
(`holds_at_worst`), where the verdicts that are missing in excess are put at the bad end of their range:

    y_i = x_i + w e_i+ (b - m),     e_i the null rate of case i in one arm less that in the other, turned so that the
                                    sum is positive, and e_i+ its positive part; w = sum e / sum e+, the share of the
                                    missing verdicts that others do not balance; b the bad end; m the mean of x, which
                                    stands in for x_i where nothing is left of the case

with the interval of y in place of that of x. Where only one arm lacks verdicts, w is 1 and each of them is imputed;
nulls that fall on both arms alike all but leave x what it is. Like all bounds for missing outcomes it assumes nothing
of what the judge would have said: C. Manski, "Nonparametric Bounds on Treatment Effects", American Economic Review 80
(1990); here for the excess alone.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple, TypeVar

import numpy as np

from voirdire.harness.plan import Arm
from voirdire.harness.statistics.arms import ANSWERED, MISSING, Answers, by_case
from voirdire.harness.statistics.decisions import AtLeastDrop, Contrast, Least, Most
from voirdire.harness.statistics.estimands import OVER_SHAM, Estimator, Measured, PerCase

__all__ = ["Gaps", "at_worst", "differential", "excess", "holds_at_worst", "null_shares", "pushed"]

#: a smaller difference of null rates cannot turn a decision at the default tolerance
SMALLEST_DIFFERENCE = 0.05
#: two-sided level of the sign test over cases
LEVEL = 0.05

Leaf = TypeVar("Leaf", bound=Contrast | AtLeastDrop)


def null_shares(answers: Answers, arm: Arm) -> np.ndarray:
    """Share of asked calls of each item that gave no verdict (nulls and errors); NaN where none was asked."""
    state = answers.state[arm.calls].reshape(arm.calls.shape[0], -1)
    asked = np.sum(state != MISSING, axis=1)
    lost = np.sum((state != MISSING) & (state != ANSWERED), axis=1)
    return np.where(asked > 0, lost / np.maximum(asked, 1), np.nan)


def excess(answers: Answers, source: Arm, follow_up: Arm, cases: np.ndarray, total: int) -> np.ndarray:
    """Null rate of the second arm less that of the first, for each of `total` cases; NaN where one was not asked.

    `cases` is the case of each item: several targets of a case are one case.
    """
    values, numbers = by_case(null_shares(answers, follow_up) - null_shares(answers, source), cases)
    out = np.full(total, np.nan)
    out[numbers] = values
    return out


def differential(gap: np.ndarray) -> bool:
    """Do null rates differ, for differences `gap` by case? By 5 points or more and an exact sign test over cases."""
    gap = gap[~np.isnan(gap)]
    if gap.size == 0 or abs(gap.mean()) < SMALLEST_DIFFERENCE:
        return False
    from scipy.stats import binomtest

    more, fewer = int(np.sum(gap > 0)), int(np.sum(gap < 0))
    return more + fewer > 0 and float(binomtest(more, more + fewer, 0.5).pvalue) < LEVEL


def pushed(values: np.ndarray, gap: np.ndarray, end: float, lo: float, hi: float) -> np.ndarray:
    """The y_i above, for each case: `values` in [lo, hi], and `gap` by which null rates differ, whichever way.

    A case that lost all of its verdicts counts, as the mean of the others and what its loss adds to that.
    """
    net = float(np.nansum(gap))
    lost = np.maximum(np.nan_to_num(gap * np.sign(net)), 0.0)
    if net:
        lost *= abs(net) / lost.sum()
    known = ~np.isnan(values)
    mean = float(values[known].mean()) if known.any() else end
    moved = np.where(~known & (lost > 0), mean, values)
    result: np.ndarray = np.clip(moved + lost * (end - mean), lo, hi)
    return result


class Gaps(NamedTuple):
    """By how much the null rate of the follow-up differs from that of its source and of its sham, case by case."""

    source: np.ndarray
    sham: np.ndarray | None = None

    def of(self, contrast: str) -> np.ndarray:
        return self.sham if self.sham is not None and contrast in OVER_SHAM else self.source


def holds_at_worst(m: Measured, gaps: Gaps, groups: np.ndarray, level: float, estimator: Estimator) -> bool:
    """Does a finding that holds also hold at the worst, at either end?"""
    if not any(np.nansum(gap) for gap in gaps if gap is not None):
        return True
    ends = (at_worst(m, gaps, groups, estimator, upper=upper).node for upper in (True, False))
    return all(node is not None and node.holds(level) for node in ends)


def at_worst(m: Measured, gaps: Gaps, groups: np.ndarray, estimator: Estimator, *, upper: bool) -> Measured:
    """`m` as it were if the verdicts missing in excess had been at the upper (lower) end of every contrast."""
    contrasts: dict[str, PerCase] = {}

    def leaf(node: Leaf) -> Leaf:
        mean = node.mean
        values, cases = m.contrasts[node.name]
        every = np.full(len(groups), np.nan)
        every[cases] = values
        moved = pushed(every, gaps.of(node.name), mean.hi if upper else mean.lo, mean.lo, mean.hi)
        contrasts[node.name] = PerCase(*by_case(moved, np.arange(len(groups))))
        found = estimator(moved, groups, lo=mean.lo, hi=mean.hi)
        assert found is not None
        return replace(node, mean=found)

    def least(node: Least) -> Least:
        return Least([leaf(part) for part in node.parts])

    whole: Contrast | AtLeastDrop | Least | Most | None = None
    if isinstance(m.node, Most):
        whole = Most([least(part) if isinstance(part, Least) else leaf(part) for part in m.node.parts])
    elif isinstance(m.node, Least):
        whole = least(m.node)
    elif m.node is not None:
        whole = leaf(m.node)
    return replace(m, node=whole, contrasts=contrasts)
