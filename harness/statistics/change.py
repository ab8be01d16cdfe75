"""Did an effect grow since a stored run? One regression test a probe, paired by case, with both runs' noise.

What "worse" means follows from the probe's decision node (decisions.py), and so does the test (growth.py).

A probe has REGRESSED if its Holm-adjusted p is below alpha, is NOT_WORSE if the upper end of its change is at most the
margin, and is INCONCLUSIVE otherwise; an inconclusive one is `bounded` if at least growth beyond the resolution, a
wider limit, is ruled out. Nothing here knows how a run is stored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from voirdire.harness.findings import Regression
from voirdire.harness.statistics.decisions import AtLeastDrop, Contrast, Least, Most, holm
from voirdire.harness.statistics.estimands import Measured, PerCase
from voirdire.harness.statistics.foresight import more_cases
from voirdire.harness.statistics.growth import AllOf, AllOneWay, AnyOf, Growth, Rise
from voirdire.harness.statistics.means import estimate

__all__ = [
    "MARGIN",
    "RESOLUTION",
    "Asked",
    "Change",
    "Test",
    "Then",
    "change_of",
    "decide",
    "paired_rise",
]

#: growth of an effect that does not matter, in utility units
MARGIN = 0.05
#: growth that must be ruled out, in margins, for a test that is open to leave a gate green
RESOLUTION = 3.0
#: values of a stored run by contrast, one a case of the plan, NaN where that run has none
Then = Mapping[str, np.ndarray]


@dataclass(frozen=True, slots=True)
class Change:
    """One regression test, decided. `then`, `now`: the effect in the two runs, over the `n` cases that both hold.

    `change` is oriented so that positive is worse; [`low`, `high`] is the interval that decided, at two-sided
    confidence `level`. `reason` says why a test is open; `bounded` that growth beyond the resolution is ruled out;
    `more_cases` how many more would decide it; `detectable` is the growth that this run would have called a regression
    with probability .8. Effects in utility units; None where nothing could be compared.
    """

    probe: str
    state: Regression
    margin: float
    reason: str | None = None
    estimand: str | None = None
    then: float | None = None
    now: float | None = None
    change: float | None = None
    low: float | None = None
    high: float | None = None
    level: float | None = None
    p: float | None = None
    p_adjusted: float | None = None
    n: int = 0
    bounded: bool = False
    more_cases: int | None = None
    detectable: float | None = None


Test = Rise | Growth | AllOf | AnyOf


def change_of(measured: Measured, then: Then, groups: np.ndarray) -> Test | None:
    """The regression test of one probe; None where a contrast is missing in one of the runs, or no case is common.

    `groups[case]` is the cluster of a case, as in the plan.
    """
    return None if measured.node is None else _test(measured.node, measured.contrasts, then, groups)


def _test(
    node: Contrast | Least | Most | AtLeastDrop, now: Mapping[str, PerCase], then: Then, groups: np.ndarray
) -> Test | None:
    if isinstance(node, Least):
        leaves = [_leaf(part, now, then, groups) for part in node.parts]
        growths = [x for x in leaves if isinstance(x, Growth)]
        if None in leaves:
            return None
        return AllOneWay(growths) if growths else AllOf([x for x in leaves if isinstance(x, Rise)])
    if isinstance(node, Most):
        parts = [_test(part, now, then, groups) for part in node.parts]
        known = [part for part in parts if part is not None and not isinstance(part, AnyOf)]
        return AnyOf(known) if len(known) == len(parts) else None
    return _leaf(node, now, then, groups)


def _leaf(
    node: Contrast | AtLeastDrop, now: Mapping[str, PerCase], then: Then, groups: np.ndarray
) -> Rise | Growth | None:
    if node.name not in now or node.name not in then:
        return None
    values, cases = now[node.name]
    before = then[node.name][cases]
    lo, hi = node.mean.lo, node.mean.hi
    if isinstance(node, Contrast) and node.two_sided:
        difference = estimate(values - before, groups[cases], lo=lo - hi, hi=hi - lo)
        total = estimate(values + before, groups[cases], lo=2 * lo, hi=2 * hi)
        return None if difference is None or total is None else Growth(node.name, difference, total)
    rise = paired_rise(node.name, values, before, groups[cases], lo=lo, hi=hi)
    # damage that is no longer noticed
    return replace(rise, jump=-lo) if rise is not None and isinstance(node, AtLeastDrop) else rise


def paired_rise(
    name: str, now: np.ndarray, then: np.ndarray, groups: np.ndarray | None = None, *, lo: float = -1.0, hi: float = 1.0
) -> Rise | None:
    """The rise of a mean between two runs, case by case; `lo`, `hi` bound the values of one run. NaN: no value."""
    difference = estimate(now - then, groups, lo=lo - hi, hi=hi - lo)
    if difference is None:
        return None
    return Rise(name, difference, float(then[~np.isnan(now - then)].mean()))


@dataclass(frozen=True, slots=True)
class Asked:
    """One test to be decided: `why` it must stay open whatever its numbers say (None: nothing speaks against it)."""

    probe: str
    test: Test | None
    why: str | None = None


def decide(
    asked: Sequence[Asked],
    *,
    margin: float,
    alpha: float,
    family: int,
    alpha_hold: float | None = None,
    resolution: float | None = None,
) -> list[Change]:
    """Decide all tests, Holm over a family of `family` tests (those not asked count as p = 1).

    `alpha`: error rate of REGRESSED over the whole family; `alpha_hold` (default: the same): of each NOT_WORSE, and of
    each bound at `resolution` (default: three margins).
    """
    hold = alpha if alpha_hold is None else alpha_hold
    limit = RESOLUTION * margin if resolution is None else max(margin, resolution)
    open_ = [a for a in asked if a.test is not None and a.why is None]
    p = [a.test.p(margin) for a in open_ if a.test is not None]
    adjusted = dict(zip([a.probe for a in open_], holm(p, max(family, len(p))), strict=True))
    first = alpha / max(family, len(p), 1)  # the level at which the first regression is found
    changes = []
    for a in asked:
        change = _decided(a, adjusted.get(a.probe), margin, alpha, hold, first)
        bounded = a.test is not None and a.why is None and a.test.holds(limit, hold)
        changes.append(replace(change, bounded=bounded and change.state != "regressed"))
    return changes


def _decided(asked: Asked, p_adjusted: float | None, margin: float, alpha: float, hold: float, first: float) -> Change:
    test = asked.test
    if test is None:
        return Change(asked.probe, "inconclusive", margin, reason=asked.why or "not_in_baseline")
    p = test.p(margin)
    # the level at which the unadjusted p is significant exactly when the adjusted one is at alpha
    step = alpha * p / p_adjusted if p_adjusted else alpha / 10
    state: Regression = "inconclusive"
    if p_adjusted is not None and p_adjusted < alpha:
        state, (leaf, level) = "regressed", test.found(margin, step)
    elif p_adjusted is not None and test.holds(margin, hold):
        state, (leaf, level) = "not_worse", test.held(margin, hold)
    elif p < alpha:
        # beyond the margin by itself, but not among so many tests: show the interval that did not suffice
        leaf, level = test.found(margin, step)
    else:
        leaf, level = test.held(margin, hold)
    undecided = state == "inconclusive" and asked.why is None
    return Change(
        probe=asked.probe,
        state=state,
        margin=margin,
        reason=asked.why or ("undecided" if undecided else None),
        estimand=leaf.name,
        then=leaf.then,
        now=leaf.now,
        change=leaf.change,
        low=leaf.low(level),
        high=leaf.high(level),
        level=1 - 2 * level,
        p=p,
        p_adjusted=p_adjusted,
        n=leaf.n,
        # an adjusted p of 1 does not tell which step of Holm it stands at
        more_cases=_needed(test, margin, hold, first if p_adjusted == 1 else step) if undecided else None,
        detectable=test.detectable(margin, first),
    )


def _needed(test: Test, margin: float, hold: float, step: float) -> int | None:
    """Cases beyond the common ones after which, if the truth is what was seen, the decision falls with power .8."""
    if test.change > margin:
        return more_cases(lambda times: test.stays_unfound(times, margin, step), test.n)
    return more_cases(lambda times: test.stays_open(times, margin, hold), test.n)
