"""How far a contrast grew between two runs, and how several of them make one answer.

    one-sided contrast (NO_GAIN, MUST_DROP, AGREE, RETEST, flips)   now - then > margin
    two-sided contrast (a shift, a slot preference)                 |now| - |then| > margin
    all parts (Least)                                               every part grew: the largest p counts
    any part (Most)                                                 some part grew: weighted Bonferroni

The two-sided case. Taking the sign of what was measured, in either run, would choose the hypothesis by the noise. But
|now| > |then| + margin is true exactly where now - then *and* now + then both lie beyond the margin on the same side
(both above it: grew upwards, or turned and grew; both below its negative: the same downwards). So both means are
estimated from the same cases, each is tested against the margin on both sides, and the larger p counts (R. Berger,
"Multiparameter hypothesis testing and acceptance sampling", Technometrics 24 (1982)): no sign is chosen. An effect
that shrank or turned round without growing never has them on one side.

For all parts, min(a', b') - min(a, b) lies between the smaller and the larger of a' - a and b' - b. So "every part
grew" proves that the smaller one did, and "no part grew" that it did not; between the two lies INCONCLUSIVE. Of
two-sided parts what counts is what they have in common, 0 where their signs differ: they grew if all did in one
direction, and did not if on either side all differences, or all sums, are within the margin. Mixing the two, a
difference of one part and the sum of the other, would take +.3 and -.3, which have nothing in common, for no less
than +.3 and +.3.

Not here: which contrasts a probe has, and decisions (change.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from voirdire.harness.statistics.foresight import MORE_CASES_POWER, NONE_SEEN, least_effect, stays_above, stays_below
from voirdire.harness.statistics.means import Mean

__all__ = ["FIRST_SHARE", "POWER", "AllOf", "AllOneWay", "AnyOf", "Growth", "Leaf", "Rise"]

#: part of alpha that a signed effect gets beside flips: it is what a change of prompt mostly moves
FIRST_SHARE = 0.8
#: with which `detectable` growth is found
POWER = MORE_CASES_POWER


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
class AllOneWay(AllOf):
    """Two-sided parts that count by what they have in common: grew only if every part did, in one direction."""

    parts: Sequence[Growth]

    @property
    def change(self) -> float:
        return _common([part.now for part in self.parts]) - _common([part.then for part in self.parts])

    def stays_open(self, times: float, margin: float, alpha: float) -> float:
        half = alpha / 2
        up, down = (
            min(sum(stays_above(mean, times, margin, half) for mean in means) for means in self._sides(mirrored))
            for mirrored in (False, True)
        )
        return up + down

    def p(self, margin: float) -> float:
        if len({part.difference.mean > 0 for part in self.parts}) > 1:
            return 1.0
        return max(part.p(margin) for part in self.parts)

    def holds(self, margin: float, alpha: float) -> bool:
        return all(
            min(max(mean.upper(alpha / 2) for mean in means) for means in self._sides(mirrored)) <= margin
            for mirrored in (False, True)
        )

    def _sides(self, mirrored: bool) -> tuple[list[Mean], list[Mean]]:
        """Differences and sums of all parts, as growth upwards (downwards if `mirrored`)."""
        means = [part.difference for part in self.parts], [part.total for part in self.parts]
        return ([m.mirrored() for m in means[0]], [m.mirrored() for m in means[1]]) if mirrored else means


def _common(effects: Sequence[float]) -> float:
    """The size of what effects have in common."""
    return max(0.0, min(effects), min(-effect for effect in effects))


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
