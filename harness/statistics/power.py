"""What a planned audit can find: power, the smallest effect found, the chance that a clean judge holds, cases needed.

The contrasts of estimands.py, worked out exactly for one case under a stated noise model (repeats averaged as there:
the source gets max(2, samples) calls); their means over the cases are taken as jointly normal, and the decision is
read off the bounds of `Mean` themselves, with skewness correction and rule-of-three floor, and combined as
`Least` and `Most` do. A clean deterministic judge, with its few responding cases, is decided sample by sample.
tests/statistics/test_power.py holds all this against simulated runs through the real code.

The model (`NoiseModel`): what a judge makes of a content is fixed; each call reports it or, by chance, its opposite.
An effect of e comes from a share of cases that respond to the edit in every order and sample, not from a little in
each call: so samples remove call noise, and only cases remove the spread between cases. Where a real judge's effect
is spread evenly, it is found sooner than said here. Rankings are treated as pairs. Cases of one group respond alike.

Not here: calls and prices (plan.py, prices.py), words (reports/plan_text.py).
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from scipy.special import ndtri

from voirdire.harness.cases import Task
from voirdire.harness.relations import Relation
from voirdire.harness.statistics.estimands import RETEST_TOLERANCE
from voirdire.harness.statistics.means import Mean
from voirdire.harness.statistics.power_model import Moments, NoiseModel, moments

__all__ = ["POWER", "CasesNeeded", "Design", "NoiseModel", "cases_needed", "clean_holds", "found", "smallest_effect"]

#: power asked for unless told otherwise
POWER = 0.8
#: more cases than this are not worth promising (as foresight.MOST_CASES)
MOST_CASES = 100_000
#: points of the quasi-random sample over which joint decisions are averaged: error about .002
_POINTS = 4096
#: samples drawn where the normal approximation does not serve: standard error up to .016
_DRAWS = 1000
_STEP = 0.02


@dataclass(frozen=True, slots=True)
class Design:
    """One probe as planned. Raises ValueError on impossible numbers.

    `cases`: independent cases, or groups of cases. `samples`: calls an arm gets per case and order (the source at least
    2). `per_group`: mean number of cases in a group. `sham`: also compared with a placebo, which is a `counterpart` if
    it says the same with another value (INVARIANT). `neutral`: flips are also compared with those under a neutral edit.
    `tolerance`: utility units in [0, 1]; of a MUST_DROP probe its min_drop; of a RETEST probe unused. `tests`: how many
    bias tests share `alpha` (Holm).
    """

    relation: Relation
    cases: int
    task: Task = "pairwise"
    samples: int = 1
    sham: bool = False
    counterpart: bool = False
    neutral: bool = True
    tolerance: float = 0.10
    tests: int = 1
    alpha: float = 0.05
    per_group: float = 1.0

    def __post_init__(self) -> None:
        if self.cases < 1 or self.samples < 1 or self.tests < 1 or self.per_group < 1:
            raise ValueError(f"cases, samples, tests and per_group start at 1: {self}")
        if not (0 <= self.tolerance <= 1 and 0 < self.alpha < 0.5):
            raise ValueError(f"tolerance lies in [0, 1] and alpha in (0, .5): {self}")


class CasesNeeded(NamedTuple):
    """Cases after which a clean judge holds, and an effect is found, each with the asked power; None: no number does
    (or more than 100,000)."""

    to_hold: int | None
    to_find: int | None

    @property
    def both(self) -> int | None:
        return None if self.to_hold is None or self.to_find is None else max(self)  # type: ignore[type-var]


def clean_holds(design: Design, noise: NoiseModel) -> float:
    """Probability that a judge without the defect HOLDS: no effect of the edit, or for MUST_DROP the drop that its
    accuracy implies (a score judge: a quarter of the scale)."""
    table = _table(design, noise)
    if table.clean.outcomes:
        return _held_exactly(design, table.clean)
    return table.held(table.clean, _Bounds(design, table))


def found(design: Design, noise: NoiseModel, effect: float) -> float:
    """Probability that a true effect of `effect` utility units is VIOLATED; for MUST_DROP `effect` is the (too small)
    drop, 0 for a judge that notices nothing. RETEST: 0, its noise is not an effect. Raises ValueError for an effect
    that the model cannot show, as one greater than `noise.largest_gain(task)`."""
    if design.relation is Relation.RETEST:
        return 0.0
    table = _table(design, noise)
    return table.violated(table.at(effect), _Bounds(design, table))


def smallest_effect(design: Design, noise: NoiseModel, power: float = POWER) -> float | None:
    """The smallest effect that is VIOLATED with probability `power`; for MUST_DROP the smallest drop (negative) that
    HOLDS with it. None where no effect is, and for RETEST."""
    if design.relation is Relation.RETEST:
        return None
    table = _table(design, noise)
    bounds = _Bounds(design, table)
    decide = table.held if design.relation is Relation.MUST_DROP else table.violated
    before: tuple[float, float] | None = None
    for effect, at in table.rows:
        chance = decide(at, bounds)
        if chance >= power:
            if before is None or chance == before[1]:
                return effect
            share = (power - before[1]) / (chance - before[1])
            return before[0] + share * (effect - before[0])
        before = effect, chance
    return None


def cases_needed(design: Design, noise: NoiseModel, *, effect: float = 0.20, power: float = POWER) -> CasesNeeded:
    """Cases after which a clean judge HOLDS, and a true `effect` is VIOLATED (MUST_DROP: a judge that notices
    nothing), each with probability `power`. `design.cases` is ignored."""
    if design.relation is Relation.MUST_DROP:
        effect = 0.0

    def least(reached: Callable[[Design], float]) -> int | None:
        def enough(n: int) -> bool:
            return reached(replace(design, cases=n)) >= power

        high = 16
        while not enough(high):
            high *= 2
            if high > MOST_CASES:
                return None
        low = high // 2 if high > 16 else 1
        # four figures are more than the model deserves
        while high - low > max(1, high // 200):
            middle = (low + high) // 2
            low, high = (low, middle) if enough(middle) else (middle, high)
        return high

    seeks = design.relation is not Relation.RETEST and effect <= noise.largest_gain(design.task)
    find = least(lambda d: found(d, noise, effect)) if seeks else None
    return CasesNeeded(least(lambda d: clean_holds(d, noise)), find)


class _Part(NamedTuple):
    """One contrast of a decision: its tolerance, range and the share of alpha at which it violates and holds.

    `group`: violated if all parts of any group are; holds if any part of every group does. That is every tree of
    `Most` and `Least` that estimands.py builds.
    """

    tolerance: float
    two_sided: bool
    group: int
    violates_at: float
    holds_at: float
    lo: float = -1.0
    hi: float = 1.0


def _parts(design: Design) -> list[_Part]:
    tol, alpha = design.tolerance, design.alpha
    first = alpha / design.tests  # Holm's first step: the only violated probe of the suite has to pass it
    if design.relation is Relation.MUST_DROP:
        lo, hi = (-0.5, 0.5) if design.task == "pairwise" else (-1.0, 1.0)
        return [_Part(-tol, False, 0, alpha, alpha, lo, hi)]
    if design.relation is Relation.RETEST:
        return [_Part(RETEST_TOLERANCE, False, 0, alpha, alpha, 0.0, 1.0)]
    if design.relation in (Relation.INVARIANT, Relation.EQUIVARIANT):
        shifts = 2 if design.sham and not design.counterpart else 1
        flips = 1 + design.neutral + design.sham
        part = _Part(tol, False, 1, first / 2, alpha / flips)
        return [*[_Part(tol, True, 0, first / 2, alpha / shifts)] * shifts, *[part] * flips]
    parts = 2 if design.sham else 1
    return [_Part(tol, False, 0, first, alpha / parts)] * parts


class _Bounds:
    """For each contrast, the sample means between which it holds and beyond which it is violated."""

    def __init__(self, design: Design, table: _Table) -> None:
        n, parts = design.cases, _parts(design)
        self.n = n
        self.groups = [[k for k, p in enumerate(parts) if p.group == g] for g in {p.group: 0 for p in parts}]
        self.two_sided = [p.two_sided for p in parts]
        drop = design.relation is Relation.MUST_DROP
        self.beyond = np.asarray([_violation(table, k, p, n) for k, p in enumerate(parts)])
        # a drop must be large to hold, so its spread at the edge is that of a drop of this size
        clean = table.at(-design.tolerance) if drop else table.clean
        self.below = np.asarray([_holding(clean, k, p, n, mirror=False) for k, p in enumerate(parts)])
        self.above = np.asarray(
            [-_holding(clean, k, p, n, mirror=True) if p.two_sided else -math.inf for k, p in enumerate(parts)]
        )


def _mean(at: Moments, k: int, n: int, part: _Part, *, value: float | None = None, mirror: bool = False) -> Mean:
    skew = -at.skew[k] if mirror else at.skew[k]
    return Mean(at.mean[k] if value is None else value, n, n, at.sd[k], skew, part.lo, part.hi)


def _holding(at: Moments, k: int, part: _Part, n: int, *, mirror: bool) -> float:
    """The largest sample mean whose upper bound is still within the tolerance."""
    low, high = part.lo, part.tolerance
    if _mean(at, k, n, part, value=low, mirror=mirror).upper(part.holds_at) > part.tolerance:
        return -math.inf
    for _ in range(30):
        middle = (low + high) / 2
        within = _mean(at, k, n, part, value=middle, mirror=mirror).upper(part.holds_at) <= part.tolerance
        low, high = (middle, high) if within else (low, middle)
    return low


def _violation(table: _Table, k: int, part: _Part, n: int) -> float:
    """The smallest sample mean that is significant, with the spread that an effect of this size has."""
    before: tuple[float, float] | None = None
    for _, at in reversed(table.rows) if table.drops else table.rows:
        mean = _mean(at, k, n, part)
        slack = mean.lower(part.violates_at) - part.tolerance
        if slack > 0:
            if before is None or slack == before[1]:
                return mean.mean - slack
            return mean.mean - slack * (mean.mean - before[0]) / (slack - before[1])
        before = mean.mean, slack
    # drops end at 0, but a sample of a judge that notices nothing may lie above: as much spread there as at 0
    return before[0] - before[1] if before is not None and table.drops else math.inf


class _Table:
    """The moments of one kind of probe over the range of effects."""

    def __init__(self, design: Design, noise: NoiseModel) -> None:
        def at(effect: float) -> Moments:
            return moments(
                design.relation,
                noise,
                effect,
                task=design.task,
                samples=design.samples,
                sham=design.sham,
                counterpart=design.counterpart,
                neutral=design.neutral,
                per_group=design.per_group,
            )

        self.at = functools.lru_cache(None)(at)
        steps = [round(k * _STEP, 10) for k in range(int(1 / _STEP))]
        self.drops = drop = design.relation is Relation.MUST_DROP
        signed = [-e for e in steps if e <= noise.largest_drop(design.task)] if drop else steps
        self.effects = [e for e in signed if drop or e <= noise.largest_gain(design.task)]
        self.clean = self.at(noise.clean_drop(design.task) if drop else 0.0)

    @functools.cached_property
    def rows(self) -> list[tuple[float, Moments]]:
        return [(e, self.at(e)) for e in self.effects]

    def violated(self, at: Moments, bounds: _Bounds) -> float:
        x = _sample(at, bounds.n)
        beyond = np.where(bounds.two_sided, np.abs(x), x) > bounds.beyond
        return float(np.any([beyond[:, group].all(axis=1) for group in bounds.groups], axis=0).mean())

    def held(self, at: Moments, bounds: _Bounds) -> float:
        x = _sample(at, bounds.n)
        inside = (x <= bounds.below) & (x >= bounds.above)
        return float(np.all([inside[:, group].any(axis=1) for group in bounds.groups], axis=0).mean())


def _held_exactly(design: Design, clean: Moments) -> float:
    """P(holds) for a judge without call noise: a few responding cases are far from normal, and each sample has its own
    spread and skewness, so counts are drawn and each distinct sample is decided by itself."""
    values = np.asarray(list(clean.outcomes))
    shares = np.asarray(list(clean.outcomes.values()))
    drawn = np.random.default_rng(0).multinomial(design.cases, shares / shares.sum(), size=_DRAWS)
    samples, times = np.unique(drawn, axis=0, return_counts=True)
    parts = _parts(design)
    groups = {part.group for part in parts}
    held = 0
    for counts, weight in zip(samples, times, strict=True):
        inside = [_inside(values[:, k], counts, part) for k, part in enumerate(parts)]
        held += weight * all(any(i for i, p in zip(inside, parts, strict=True) if p.group == g) for g in groups)
    return float(held / _DRAWS)


def _inside(values: np.ndarray, counts: np.ndarray, part: _Part) -> bool:
    """Does one contrast hold on a sample in which each of `values` came up `counts` times?"""
    n = int(counts.sum())
    centre = float(values @ counts) / n
    gap = values - centre
    sd = math.sqrt(float(gap**2 @ counts) / max(1, n - 1))
    skew = float(gap**3 @ counts) / n / sd**3 if sd > 1e-12 else 0.0
    mean = Mean(centre, n, n, sd if sd > 1e-12 else 0.0, skew, part.lo, part.hi)
    if part.two_sided and mean.lower(part.holds_at) < -part.tolerance:
        return False
    return mean.upper(part.holds_at) <= part.tolerance


@functools.lru_cache(maxsize=64)
def _cached(design: Design, noise: NoiseModel) -> _Table:
    return _Table(design, noise)


def _table(design: Design, noise: NoiseModel) -> _Table:
    """Moments depend neither on the number of cases nor on Holm, so designs that differ in them share a table."""
    tolerance = design.tolerance if design.relation is Relation.MUST_DROP else 0.0
    return _cached(replace(design, cases=1, tests=1, tolerance=tolerance, alpha=0.05), noise)


@functools.cache
def _normals(k: int) -> np.ndarray:
    """Quasi-random standard normal vectors (Roberts' additive sequence): the same ones every time, so that a plan
    repeats exactly and a power curve is smooth."""
    root = 1.5
    for _ in range(60):
        root = (1 + root) ** (1 / (k + 1))
    steps = np.arange(1, _POINTS + 1)[:, None] * root ** -np.arange(1.0, k + 1)
    result: np.ndarray = ndtri((0.5 + steps) % 1.0)
    return result


def _sample(at: Moments, n: int) -> np.ndarray:
    """Means over n cases of all contrasts, jointly normal: [point, contrast]."""
    values, vectors = np.linalg.eigh(np.asarray(at.covariance) / n)
    half = vectors * np.sqrt(np.clip(values, 0.0, None))
    result: np.ndarray = np.asarray(at.mean) + _normals(len(at.mean)) @ half.T
    return result
