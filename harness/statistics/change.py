"""Did an effect grow since a stored run? One regression test a probe, paired by case, with both runs' noise.

What "worse" means follows from the probe's decision node (decisions.py), and so does the test:

    one-sided contrast (NO_GAIN, MUST_DROP, AGREE, RETEST, flips)   now - then > margin
    two-sided contrast (a shift, a slot preference)                 |now| - |then| > margin
    Least (only if all of them)                                     every part grew: the largest p counts
    Most (any of them)                                              some part grew: weighted Bonferroni

The two-sided case. Taking the sign of what was measured, in either run, would choose the hypothesis by the noise. But
|now| > |then| + margin is true exactly where now - then *and* now + then both lie beyond the margin on the same side
(both above it: grew upwards, or turned and grew; both below its negative: the same downwards). So both means are
estimated from the same cases, each is tested against the margin on both sides, and the larger p counts (R. Berger,
"Multiparameter hypothesis testing and acceptance sampling", Technometrics 24 (1982)): no sign is chosen. An effect
that shrank or turned round without growing never has them on one side.

For Least, min(a', b') - min(a, b) lies between the smaller and the larger of a' - a and b' - b. So "every part grew"
proves that the smaller one did, and "no part grew" that it did not; between the two lies INCONCLUSIVE.

A probe has REGRESSED if its Holm-adjusted p is below alpha, is NOT_WORSE if the upper end of its change is at most the
margin, and is INCONCLUSIVE otherwise; an inconclusive one is `bounded` if at least growth beyond the resolution, a
wider limit, is ruled out. Nothing here knows how a run is stored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from voirdire.harness.findings import Regression
from voirdire.harness.statistics.decisions import AtLeastDrop, Contrast, Least, Most, holm
from voirdire.harness.statistics.estimands import Measured, PerCase
from voirdire.harness.statistics.foresight import (
    MORE_CASES_POWER,
    NONE_SEEN,
    least_effect,
    more_cases,
    stays_above,
    stays_below,
)
from voirdire.harness.statistics.means import Mean, estimate

__all__ = [
    "MARGIN",
    "POWER",
    "RESOLUTION",
    "AllOf",
    "AnyOf",
    "Asked",
    "Change",
    "Growth",
    "Rise",
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
#: part of alpha that a signed effect gets beside flips: it is what a change of prompt mostly moves
FIRST_SHARE = 0.8
#: with which `detectable` growth is found
POWER = MORE_CASES_POWER
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


class Leaf(Protocol):
    """The change of one contrast."""

    @property
    def name(self) -> str: ...
    @property
    def n(self) -> int: ...
    @property
    def then(self) -> float: ...
    @property
    def now(self) -> float: ...
    @property
    def change(self) -> float: ...

    def detectable(self, margin: float, alpha: float, *, power: float = POWER) -> float:
        """The growth that a test at level `alpha` finds with this power, at the noise of both runs; 1 if it finds none.

        It is taken to come from cases that show nothing in one run and the whole effect in the other (foresight.py).
        """

    def stays_open(self, times: float, margin: float, alpha: float) -> float:
        """Chance, at most, that it is not NOT_WORSE at level `alpha` with `times` the cases; the truth is as seen."""

    def stays_unfound(self, times: float, margin: float, alpha: float) -> float:
        """Chance, at most, that it is not REGRESSED at level `alpha` with `times` the cases; the truth is as seen."""

    def p(self, margin: float) -> float:
        """p of the hypothesis that it grew by at most `margin`."""

    def low(self, alpha: float) -> float: ...
    def high(self, alpha: float) -> float:
        """One-sided upper bound of the change at level 1 - alpha."""

    def holds(self, margin: float, alpha: float) -> bool: ...
    def found(self, margin: float, alpha: float, /) -> tuple[Leaf, float]:
        """The leaf that speaks most for a regression, and the level at which it is read."""

    def held(self, margin: float, alpha: float, /) -> tuple[Leaf, float]:
        """The leaf that NOT_WORSE hangs on, and the level at which it is read."""


@dataclass(frozen=True, slots=True)
class Rise:
    """A contrast that may not rise: `difference` is the mean of now - then over the cases, `then` the mean then.

    `jump`: by how much a case rises that turns altogether.
    """

    name: str
    difference: Mean
    then: float
    jump: float = 1.0

    @property
    def n(self) -> int:
        return self.difference.count

    @property
    def now(self) -> float:
        return self.then + self.difference.mean

    @property
    def change(self) -> float:
        return self.difference.mean

    def detectable(self, margin: float, alpha: float, *, power: float = POWER) -> float:
        return least_effect(self.difference, margin, alpha, jump=self.jump, power=power)

    def stays_open(self, times: float, margin: float, alpha: float) -> float:
        return stays_above(self.difference, times, margin, alpha)

    def stays_unfound(self, times: float, margin: float, alpha: float) -> float:
        return stays_below(self.difference, times, margin, alpha)

    def p(self, margin: float) -> float:
        return self.difference.p_above(margin)

    def low(self, alpha: float) -> float:
        return self.difference.lower(alpha)

    def high(self, alpha: float) -> float:
        return self.difference.upper(alpha)

    def holds(self, margin: float, alpha: float) -> bool:
        return self.high(alpha) <= margin

    def found(self, _margin: float, alpha: float, /) -> tuple[Leaf, float]:
        return self, alpha

    def held(self, _margin: float, alpha: float, /) -> tuple[Leaf, float]:
        return self, alpha


@dataclass(frozen=True, slots=True)
class Growth:
    """A contrast that may not grow in size: the means of now - then and of now + then over the same cases."""

    name: str
    difference: Mean
    total: Mean

    @property
    def n(self) -> int:
        return self.difference.count

    @property
    def then(self) -> float:
        return (self.total.mean - self.difference.mean) / 2

    @property
    def now(self) -> float:
        return (self.total.mean + self.difference.mean) / 2

    @property
    def change(self) -> float:
        return abs(self.now) - abs(self.then)

    def detectable(self, margin: float, alpha: float, *, power: float = POWER) -> float:
        # both means must lie beyond the margin; where the effect grows away from 0, now + then is ahead by twice `then`
        each = 1 - (1 - power) / 2
        d, s = (
            least_effect(mean, margin, alpha, jump=1.0, power=each, two_sided=True)
            for mean in (self.difference, self.total)
        )
        if s >= NONE_SEEN and abs(self.then) > margin:
            return d
        return max(d, s - 2 * abs(self.then))

    def stays_open(self, times: float, margin: float, alpha: float) -> float:
        # as `high` reads them: on either side one of the two means inside is enough
        d, s, half = self.difference, self.total, alpha / 2
        up = min(stays_above(mean, times, margin, half) for mean in (d, s))
        return up + min(stays_above(mean.mirrored(), times, margin, half) for mean in (d, s))

    def stays_unfound(self, times: float, margin: float, alpha: float) -> float:
        pair = (self.difference, self.total) if self.now >= 0 else (self.difference.mirrored(), self.total.mirrored())
        return sum(stays_below(mean, times, margin, alpha) for mean in pair)

    def p(self, margin: float) -> float:
        if self.difference.mean * self.total.mean <= 0:
            return 1.0  # it shrank, or stayed
        return max(self.difference.p_outside(margin), self.total.p_outside(margin))

    def low(self, alpha: float) -> float:
        d, s = self.difference, self.total
        return max(min(d.lower(alpha), s.lower(alpha)), min(-d.upper(alpha), -s.upper(alpha)))

    def high(self, alpha: float) -> float:
        # |now| - |then| is the larger of min(d, s) and min(-d, -s); either mean may miss its end, so alpha is halved
        d, s, half = self.difference, self.total, alpha / 2
        return max(min(d.upper(half), s.upper(half)), min(-d.lower(half), -s.lower(half)))

    def holds(self, margin: float, alpha: float) -> bool:
        return self.high(alpha) <= margin

    def found(self, _margin: float, alpha: float, /) -> tuple[Leaf, float]:
        return self, alpha

    def held(self, _margin: float, alpha: float, /) -> tuple[Leaf, float]:
        return self, alpha


@dataclass(frozen=True, slots=True)
class AllOf:
    """Grew only if every part did (an intersection-union test); not worse once no part grew."""

    parts: Sequence[Rise | Growth]

    @property
    def n(self) -> int:
        return max(part.n for part in self.parts)

    @property
    def change(self) -> float:
        return min(part.change for part in self.parts)

    def detectable(self, margin: float, alpha: float, *, power: float = POWER) -> float:
        each = 1 - (1 - power) / len(self.parts)
        return max(part.detectable(margin, alpha, power=each) for part in self.parts)

    def stays_open(self, times: float, margin: float, alpha: float) -> float:
        return sum(part.stays_open(times, margin, alpha) for part in self.parts)

    def stays_unfound(self, times: float, margin: float, alpha: float) -> float:
        return sum(part.stays_unfound(times, margin, alpha) for part in self.parts)

    def p(self, margin: float) -> float:
        return max(part.p(margin) for part in self.parts)

    def holds(self, margin: float, alpha: float) -> bool:
        return all(part.holds(margin, alpha) for part in self.parts)

    def found(self, margin: float, alpha: float, /) -> tuple[Leaf, float]:
        return max(self.parts, key=lambda part: part.p(margin)), alpha

    def held(self, _margin: float, alpha: float, /) -> tuple[Leaf, float]:
        return max(self.parts, key=lambda part: part.high(alpha)), alpha


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Grew if any part did (weighted Bonferroni: the first, the signed effect, gets most); not worse if no part did."""

    parts: Sequence[Rise | Growth | AllOf]

    @property
    def shares(self) -> list[float]:
        """The part of alpha that each part may spend."""
        others = len(self.parts) - 1
        return [FIRST_SHARE, *[(1 - FIRST_SHARE) / others] * others] if others else [1.0]

    @property
    def n(self) -> int:
        return max(part.n for part in self.parts)

    @property
    def change(self) -> float:
        return max(part.change for part in self.parts)

    def detectable(self, margin: float, alpha: float, *, power: float = POWER) -> float:
        """Of the first part, the signed effect: the parts measure different things."""
        return self.parts[0].detectable(margin, alpha * self.shares[0], power=power)

    def stays_open(self, times: float, margin: float, alpha: float) -> float:
        return sum(part.stays_open(times, margin, alpha) for part in self.parts)

    def stays_unfound(self, times: float, margin: float, alpha: float) -> float:
        return min(
            part.stays_unfound(times, margin, alpha * share)
            for part, share in zip(self.parts, self.shares, strict=True)
        )

    def p(self, margin: float) -> float:
        return min(1.0, *(part.p(margin) / share for part, share in zip(self.parts, self.shares, strict=True)))

    def holds(self, margin: float, alpha: float) -> bool:
        return all(part.holds(margin, alpha) for part in self.parts)

    def found(self, margin: float, alpha: float, /) -> tuple[Leaf, float]:
        # the first part is the signed effect, which people read first: show it wherever it would have sufficed
        levels = [alpha * share for share in self.shares]
        shown = next(
            (i for i, part in enumerate(self.parts) if part.p(margin) <= levels[i]),
            min(range(len(levels)), key=lambda i: self.parts[i].p(margin) / levels[i]),
        )
        return self.parts[shown].found(margin, levels[shown])

    def held(self, margin: float, alpha: float, /) -> tuple[Leaf, float]:
        failing = [part for part in self.parts if not part.holds(margin, alpha)]
        return (failing or list(self.parts))[0].held(margin, alpha)


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
        return AllOf([x for x in leaves if x is not None]) if None not in leaves else None
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
