"""A ranking of judges that says how sure it is of each place.

Every pair is compared; a judge's place reaches from one behind those that are shown to be better to one before those
that are shown to be worse, at a level that holds over all pairs at once (Holm). So with probability 1 - alpha all
places are right together, and judges that cannot be told apart share theirs.

Source: D. Al Mohamad, J. Goeman, E. van Zwet, "Simultaneous confidence intervals for ranks with application to ranking
institutions", Biometrics 78 (2022).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from scipy.special import ndtr

from voirdire.harness.relations import Relation
from voirdire.harness.statistics.decisions import holm
from voirdire.harness.statistics.family import Family
from voirdire.harness.statistics.means import estimate
from voirdire.harness.statistics.paired import overlap
from voirdire.harness.statistics.side_by_side import (
    ACCURACY,
    StoredRun,
    difference,
    effect_of,
    interval_of,
    relation_of,
)
from voirdire.harness.statistics.sizes import kind_of

__all__ = ["GAIN", "Place", "places", "shared_gains"]

#: the mean effect of all additions that every run was asked about
GAIN = "mean gain"


@dataclass(frozen=True, slots=True)
class Place:
    """Where run number `run` stands: its `value`, and its place from `first` to `last` (1 is the best)."""

    run: int
    value: float
    first: int
    last: int


def places(runs: Sequence[StoredRun], measure: str, *, alpha: float = 0.05) -> list[Place]:
    """The runs that have `measure` (ACCURACY, GAIN or a probe), the best first.

    Accuracy: the higher the better; GAIN and the effect of an addition: the lower the better. Empty for fewer than two.
    """
    gains = shared_gains(runs) if measure == GAIN else []
    values = [_gain(run, gains) if measure == GAIN else effect_of(measure, run) for run in runs]
    known = [(k, v) for k, v in enumerate(values) if v is not None]
    if len(known) < 2:
        return []
    sign = 1.0 if measure == ACCURACY else -1.0
    pairs = list(itertools.combinations(known, 2))
    found = [_compared(runs[a], runs[b], measure, gains, alpha) for (a, _), (b, _) in pairs]
    adjusted = holm([p for _, p in found])
    better = {k: 0 for k, _ in known}
    worse = dict(better)
    for ((a, _), (b, _)), (gap, _), p in zip(pairs, found, adjusted, strict=True):
        if p < alpha and gap:
            # `gap` is b - a
            winner, loser = (b, a) if sign * gap > 0 else (a, b)
            better[loser] += 1
            worse[winner] += 1
    ranked = sorted(known, key=lambda pair: (-sign * pair[1], pair[0]))
    return [Place(k, v, 1 + better[k], len(known) - worse[k]) for k, v in ranked]


def shared_gains(runs: Sequence[StoredRun]) -> list[str]:
    """The additions (NO_GAIN) whose effect every run has, in the order of the first."""
    names = [] if not runs else [f for f in runs[0].probes if relation_of(f, runs) is Relation.NO_GAIN]
    return [name for name in names if all(effect_of(name, run) is not None for run in runs)]


def _gain(run: StoredRun, probes: Sequence[str]) -> float | None:
    effects = [e for e in (effect_of(name, run) for name in probes) if e is not None]
    return math.fsum(effects) / len(effects) if effects else None


def _compared(a: StoredRun, b: StoredRun, measure: str, gains: Sequence[str], alpha: float) -> tuple[float, float]:
    """(b - a, its two-sided p); p is 1 where the two cannot be compared."""
    if not gains:
        found = difference(measure, a, b, alpha=alpha)
        return (0.0, 1.0) if found is None else (found.value, found.p)
    return _paired_gain(a, b, gains) or _unpaired_gain(a, b, gains)


def _paired_gain(a: StoredRun, b: StoredRun, names: Sequence[str]) -> tuple[float, float] | None:
    """Of the same cases, each probe by the smaller of its gains: what one choice of gains denies is not shown."""
    both = overlap(a.stored, b.stored)
    if both is None:
        return None
    found = [[pair for c, pair in both.contrasts(name).items() if kind_of(c) == "gain"] for name in names]
    gains = Family([parts for parts in found if parts])
    if not gains.n:
        return None
    p = {True: 0.0, False: 0.0}  # of "b gains no more", and no less, than a
    for choice in gains.choices():
        before, after = gains.values(choice)
        mean = estimate(after - before, both.groups, lo=-2.0, hi=2.0)
        assert mean is not None
        for up in p:
            p[up] = max(p[up], mean.p_outside(0.0) if (mean.mean > 0) == up else 1.0)
    return gains.effect(1) - gains.effect(0), min(p.values())


def _unpaired_gain(a: StoredRun, b: StoredRun, probes: Sequence[str]) -> tuple[float, float]:
    """Of the intervals alone. The probes rest on the same cases, so their errors may all point the same way: the error
    of their mean is taken as the mean of their errors, which is its upper bound."""
    sides = []
    for run in (a, b):
        found = [interval_of(name, run) for name in probes]
        if any(each is None for each in found):
            return 0.0, 1.0
        values = [each for each in found if each is not None]
        sides.append((math.fsum(v for v, _ in values) / len(values), math.fsum(e for _, e in values) / len(values)))
    (before, error_a), (after, error_b) = sides
    error = math.hypot(error_a, error_b)
    gap = after - before
    if error <= 0:
        return gap, float(gap == 0)
    return gap, 2 * float(ndtr(-abs(gap) / error))
