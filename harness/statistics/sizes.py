"""Is a bias larger or smaller in one run than in another? One test a probe, in both directions.

How much of a contrast is bias, its *size*:

    gain, flips, disagreement     max(0, effect)   an attack that makes its answer lose is no bias towards it
    shift, slot preference        |effect|
    drop                          effect           damage should be noticed: nearer to zero is worse
    accuracy                      -effect
    flips between repeats         none: noise is no bias

"It grew" is tested as in the gate (growth.py), "it shrank" by the same test with the runs exchanged: a gain grew if it
rose *and* lies above zero in the later run, a shift if difference and sum of the runs lie on one side of zero, each
an intersection-union test whose largest p counts. A probe grew if *all* parts of an intersection did (of a gain or a
shift that over the source and that over the sham, shifts in one direction; of flips those beyond each floor): then the
smaller of them did. It grew if *any* part of a union did (the shift, or the flips), at the gate's shares of the error
rate.

All p-values are of both directions together: if the size is the same in both runs, `p(grew=True)` or `p(grew=False)`
falls below alpha with probability alpha at most.

Not here: families of probes (trade.py), growth beyond a margin (change.py).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from scipy.special import ndtr, ndtri

from voirdire.harness.relations import Relation
from voirdire.harness.statistics.growth import FIRST_SHARE
from voirdire.harness.statistics.means import estimate

__all__ = ["Kind", "Normal", "Part", "Sized", "kind_of", "kind_of_relation", "part_of", "sized"]

Kind = Literal["gain", "shift", "flips", "drop", "accuracy", "noise"]
_KINDS: dict[str, Kind] = {
    "gain over sham": "gain",
    "gain over source": "gain",
    "disagreement beyond repeats": "gain",
    "shift over sham": "shift",
    "shift over source": "shift",
    "shift": "shift",
    "slot preference": "shift",
    "drop": "drop",
    "flips between repeats": "noise",
}
_RELATIONS: dict[Relation, Kind] = {
    Relation.NO_GAIN: "gain",
    Relation.AGREE: "gain",
    Relation.MUST_DROP: "drop",
    Relation.RETEST: "noise",
}


def kind_of(contrast: str) -> Kind | None:
    """The kind of a contrast by its name; None for one that this version does not know."""
    return "flips" if contrast.startswith("flips beyond ") else _KINDS.get(contrast)


def kind_of_relation(relation: Relation) -> Kind:
    """The kind of a finding that does not say which contrast decided it."""
    return _RELATIONS.get(relation, "shift")


class Estimate(Protocol):
    """A mean with its error (means.Mean, or `Normal`)."""

    @property
    def mean(self) -> float: ...
    def lower(self, alpha: float, /) -> float: ...
    def upper(self, alpha: float, /) -> float: ...
    def p_above(self, value: float, /) -> float: ...
    def p_outside(self, bound: float, /) -> float: ...


@dataclass(frozen=True, slots=True)
class Normal:
    """An effect of which no more is known than its standard error."""

    mean: float
    error: float

    def lower(self, alpha: float, /) -> float:
        return self.mean + float(ndtri(alpha)) * self.error

    def upper(self, alpha: float, /) -> float:
        return self.mean - float(ndtri(alpha)) * self.error

    def p_above(self, value: float, /) -> float:
        if self.error <= 0:
            return float(self.mean <= value)
        return float(ndtr((value - self.mean) / self.error))

    def p_outside(self, bound: float, /) -> float:
        this = self if self.mean >= 0 else Normal(-self.mean, self.error)
        return 1.0 if this.mean <= bound else min(1.0, this.p_above(bound) + this.p_above(-bound))

    @staticmethod
    def part(name: str | None, kind: Kind, before: Normal, after: Normal) -> Part:
        """Two independent effects as one part."""
        error = math.hypot(before.error, after.error)
        gap, total = Normal(after.mean - before.mean, error), Normal(after.mean + before.mean, error)
        return Part(name, kind, before, after, gap, total, 0)


@dataclass(frozen=True, slots=True)
class Part:
    """One contrast in two runs; `difference` and `total` are after - before and their sum. `n` cases, 0 if unpaired."""

    name: str | None
    kind: Kind
    before: Estimate
    after: Estimate
    difference: Estimate
    total: Estimate
    n: int

    def p(self, grew: bool) -> float:
        """p of "its size did not grow" (or did not shrink), counted for both directions."""
        if self.kind == "noise":
            return 1.0
        rose = (self.difference.mean > 0) == (grew != (self.kind == "accuracy"))
        if self.kind == "shift":
            moved = self.difference.mean * self.total.mean
            if moved == 0 or (moved > 0) != grew:
                return 1.0
            return max(self.difference.p_outside(0.0), self.total.p_outside(0.0))
        if self.difference.mean == 0 or not rose:
            return 1.0
        p = self.difference.p_outside(0.0)
        if self.kind in ("gain", "flips"):
            larger = self.after if grew else self.before
            p = max(p, min(1.0, 2 * larger.p_above(0.0)))
        return p

    def p_moved(self, up: bool) -> float:
        """p of "the effect did not rise" (or fall), counted for both directions."""
        return self.difference.p_outside(0.0) if (self.difference.mean > 0) == up else 1.0


def _p_of_all(parts: Sequence[Part], grew: bool) -> float:
    """p of "not all of them grew" (or shrank); shifts must have done so in one direction."""
    if len({part.difference.mean > 0 for part in parts if part.kind == "shift"}) > 1:
        return 1.0
    return max(part.p(grew) for part in parts)


@dataclass(frozen=True, slots=True)
class Sized:
    """A probe in two runs: it grew if any of `groups` did, which did if all of its parts did. Shares add up to 1."""

    groups: Sequence[tuple[float, Sequence[Part]]]

    def p(self, grew: bool) -> float:
        return min(1.0, *(_p_of_all(parts, grew) / share for share, parts in self.groups))

    def shown(self, alpha: float) -> Part:
        """The part that people should look at: of the first group unless only another one stands at `alpha`, and of
        an intersection the part that it hangs on."""
        ways = (True, False)
        evidence = [min(_p_of_all(parts, grew) for grew in ways) / share for share, parts in self.groups]
        best = min(range(len(evidence)), key=evidence.__getitem__)
        _, parts = self.groups[0 if evidence[0] < alpha or evidence[best] >= alpha else best]
        way = min(ways, key=lambda grew: _p_of_all(parts, grew))
        return max(parts, key=lambda part: (part.p(way), part.difference.p_outside(0.0)))

    def p_moved(self, name: str | None) -> float:
        """p of "nothing moved" of the group that the contrast `name` belongs to: all of its parts, one way."""
        share, parts = next((s, p) for s, p in self.groups if any(part.name == name for part in p))
        return min(1.0, min(max(part.p_moved(up) for part in parts) for up in (True, False)) / share)

    def part(self, name: str | None) -> Part | None:
        return next((part for _, parts in self.groups for part in parts if part.name == name), None)


def part_of(
    name: str | None,
    kind: Kind,
    before: np.ndarray,
    after: np.ndarray,
    groups: np.ndarray | None,
    *,
    lo: float = -1.0,
    hi: float = 1.0,
) -> Part | None:
    """A contrast of the same cases in both runs; None where no case has it in both. `lo`, `hi` bound its values."""
    both = ~np.isnan(before) & ~np.isnan(after)
    if not both.any():
        return None
    x, y, g = before[both], after[both], None if groups is None else groups[both]
    means = (
        estimate(x, g, lo=lo, hi=hi),
        estimate(y, g, lo=lo, hi=hi),
        estimate(y - x, g, lo=lo - hi, hi=hi - lo),
        estimate(y + x, g, lo=2 * lo, hi=2 * hi),
    )
    a, b, gap, total = means
    assert a is not None
    assert b is not None
    assert gap is not None
    assert total is not None
    return Part(name, kind, a, b, gap, total, gap.count)


def sized(contrasts: Mapping[str, tuple[np.ndarray, np.ndarray]], groups: np.ndarray | None) -> Sized | None:
    """The test of a probe: `contrasts` by name, values by case in both runs. None where no case has one in both."""
    found: dict[Kind, list[Part]] = {}
    for name, pair in contrasts.items():
        kind = kind_of(name)
        part = None if kind is None else part_of(name, kind, *pair, groups)
        if kind is not None and part is not None:
            found.setdefault(kind, []).append(part)
    if not found:
        return None
    # the signed effect first: it is what people read, and gets most of the error rate
    ranked = [found[kind] for kind in sorted(found, key=lambda kind: kind == "flips")]
    others = len(ranked) - 1
    shares = [FIRST_SHARE, *[(1 - FIRST_SHARE) / others] * others] if others else [1.0]
    return Sized(list(zip(shares, ranked, strict=True)))
