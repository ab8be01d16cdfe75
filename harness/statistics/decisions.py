"""Contrasts against tolerances, and how several of them make one decision.

A leaf is one mean against one tolerance. `Least` says "only if all of them": an addition gained only if it beats its
source *and* its placebo; a shift counts only if it goes the same way from both; verdicts flip too often only if more
than on repeats *and* on neutral edits (an intersection-union test: the largest p counts). `Most` says "any of them": an
edit changes verdicts if the target's utility moves *or* verdicts flip (Bonferroni over the parts). Every node answers
the same questions: the p of "within tolerance", whether it holds at a level, which leaf decided, what effect it would
have seen, and how many more cases would decide it. The last two ask for power .8 of the whole decision: where several
parts must come out, the chances that one does not are added up (Bonferroni again); where one suffices, the likeliest
counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from voirdire.harness.statistics.foresight import MORE_CASES_POWER, least_effect, more_cases, stays_above, stays_below
from voirdire.harness.statistics.means import Mean

__all__ = ["AtLeastDrop", "Contrast", "Least", "Most", "Node", "Reading", "holm", "needed"]


@dataclass(frozen=True, slots=True)
class Reading:
    """The leaf that decided and the one-sided level at which its ends were read."""

    leaf: Contrast | AtLeastDrop
    alpha: float

    @property
    def low(self) -> float:
        return self.leaf.mean.lower(self.alpha)

    @property
    def high(self) -> float:
        return self.leaf.mean.upper(self.alpha)

    @property
    def level(self) -> float:
        return 1 - 2 * self.alpha


class Node(Protocol):
    """One decision, made of one or several contrasts."""

    @property
    def p(self) -> float:
        """p of the hypothesis that the effect lies within the tolerance."""

    def holds(self, alpha: float) -> bool:
        """Does the data exclude, at one-sided level alpha, any effect beyond the tolerance?"""

    def violated_by(self, alpha: float) -> Reading:
        """The leaf that speaks most for a violation, read at the level it was given."""

    def held_by(self, alpha: float) -> Reading:
        """The leaf that `holds` hangs on, read at the level it was given."""

    def detectable(self, alpha: float, *, power: float = MORE_CASES_POWER, scores: bool = False) -> float:
        """The smallest effect that would have been violated at level `alpha` with this power (foresight.py); 1 if none
        would have been. `scores`: effects are spread as those of a score judge."""

    @property
    def beyond(self) -> bool:
        """Does what was seen lie beyond the tolerance?"""

    @property
    def count(self) -> int:
        """The number of cases it rests on."""

    def stays_open(self, times: float, alpha: float) -> float:
        """Chance, at most, that it does not hold at level `alpha` with `times` the cases, if the truth is as seen."""

    def stays_unbroken(self, times: float, alpha: float) -> float:
        """Chance, at most, that it is not violated at level `alpha` with `times` the cases, if the truth is as seen."""


@dataclass(frozen=True, slots=True)
class Contrast:
    """One effect with tolerance: `effect <= tolerance`, or |effect| <= tolerance if `two_sided`."""

    name: str
    mean: Mean
    tolerance: float
    two_sided: bool = False

    @property
    def p(self) -> float:
        return self.mean.p_outside(self.tolerance) if self.two_sided else self.mean.p_above(self.tolerance)

    def margin(self, alpha: float) -> float:
        """How far inside the tolerance the worse end of the interval lies (negative: outside)."""
        inside = self.tolerance - self.mean.upper(alpha)
        return min(inside, self.mean.lower(alpha) + self.tolerance) if self.two_sided else inside

    def holds(self, alpha: float) -> bool:
        return self.margin(alpha) >= 0

    def violated_by(self, alpha: float) -> Reading:
        return Reading(self, alpha)

    def held_by(self, alpha: float) -> Reading:
        return Reading(self, alpha)

    def detectable(self, alpha: float, *, power: float = MORE_CASES_POWER, scores: bool = False) -> float:
        return least_effect(
            self.mean,
            self.tolerance,
            alpha,
            jump=self.mean.hi,
            power=power,
            two_sided=self.two_sided,
            scores=scores,
        )

    @property
    def beyond(self) -> bool:
        return (abs(self.mean.mean) if self.two_sided else self.mean.mean) > self.tolerance

    @property
    def count(self) -> int:
        return self.mean.count

    def stays_open(self, times: float, alpha: float) -> float:
        above = stays_above(self.mean, times, self.tolerance, alpha)
        return above + stays_above(self.mean.mirrored(), times, self.tolerance, alpha) if self.two_sided else above

    def stays_unbroken(self, times: float, alpha: float) -> float:
        turned = self.two_sided and self.mean.mean < 0
        return stays_below(self.mean.mirrored() if turned else self.mean, times, self.tolerance, alpha)


@dataclass(frozen=True, slots=True)
class AtLeastDrop:
    """MUST_DROP: the effect must be at most -min_drop. Both answers are read off the 1 - 2 alpha interval."""

    name: str
    mean: Mean
    min_drop: float

    @property
    def p(self) -> float:
        """p of the hypothesis that the target dropped enough."""
        return self.mean.p_above(-self.min_drop)

    def holds(self, alpha: float) -> bool:
        return self.mean.upper(alpha) <= -self.min_drop

    def violated_by(self, alpha: float) -> Reading:
        return Reading(self, alpha)

    def held_by(self, alpha: float) -> Reading:
        return Reading(self, alpha)

    def detectable(self, alpha: float, *, power: float = MORE_CASES_POWER, scores: bool = False) -> float:
        """The smallest drop that would have held."""
        drop = self.mean.mirrored()
        return least_effect(drop, self.min_drop, alpha, jump=drop.hi, power=power, scores=scores)

    @property
    def beyond(self) -> bool:
        return self.mean.mean > -self.min_drop

    @property
    def count(self) -> int:
        return self.mean.count

    def stays_open(self, times: float, alpha: float) -> float:
        return stays_above(self.mean, times, -self.min_drop, alpha)

    def stays_unbroken(self, times: float, alpha: float) -> float:
        return stays_below(self.mean, times, -self.min_drop, alpha)


@dataclass(frozen=True, slots=True)
class Least:
    """Violated only if every part is, two-sided ones all in one direction; holds as soon as one part does (each then at
    alpha / number of parts)."""

    parts: Sequence[Contrast]

    @property
    def one_way(self) -> bool:
        """Do all two-sided parts lie on one side of 0? Else the smaller of them, as a common effect, is 0."""
        sides = {part.mean.mean > 0 for part in self.parts if part.two_sided}
        return len(sides) < 2

    @property
    def p(self) -> float:
        return max(part.p for part in self.parts) if self.one_way else 1.0

    def holds(self, alpha: float) -> bool:
        return any(part.holds(alpha / len(self.parts)) for part in self.parts)

    def violated_by(self, alpha: float) -> Reading:
        return max(self.parts, key=lambda part: part.p).violated_by(alpha)

    def held_by(self, alpha: float) -> Reading:
        share = alpha / len(self.parts)
        return max(self.parts, key=lambda part: part.margin(share)).held_by(share)

    def detectable(self, alpha: float, *, power: float = MORE_CASES_POWER, scores: bool = False) -> float:
        each = 1 - (1 - power) / len(self.parts)
        return max(part.detectable(alpha, power=each, scores=scores) for part in self.parts)

    @property
    def beyond(self) -> bool:
        return self.one_way and all(part.beyond for part in self.parts)

    @property
    def count(self) -> int:
        return max(part.count for part in self.parts)

    def stays_open(self, times: float, alpha: float) -> float:
        return min(part.stays_open(times, alpha / len(self.parts)) for part in self.parts)

    def stays_unbroken(self, times: float, alpha: float) -> float:
        return sum(part.stays_unbroken(times, alpha) for part in self.parts)


@dataclass(frozen=True, slots=True)
class Most:
    """Violated if any part is (Bonferroni); holds only if every part does."""

    parts: Sequence[Contrast | Least]

    @property
    def p(self) -> float:
        return min(1.0, len(self.parts) * min(part.p for part in self.parts))

    def holds(self, alpha: float) -> bool:
        return all(part.holds(alpha) for part in self.parts)

    def violated_by(self, alpha: float) -> Reading:
        # the first part is the signed effect, which people read first: show it wherever it would have sufficed
        share = alpha / len(self.parts)
        enough = [part for part in self.parts if part.p <= share]
        return (enough[0] if enough else min(self.parts, key=lambda part: part.p)).violated_by(share)

    def held_by(self, alpha: float) -> Reading:
        # the signed effect again, unless another part is what failed
        failing = [part for part in self.parts if not part.holds(alpha)]
        return (failing or list(self.parts))[0].held_by(alpha)

    def detectable(self, alpha: float, *, power: float = MORE_CASES_POWER, scores: bool = False) -> float:
        """Of the first part, the signed effect: the parts measure different things."""
        return self.parts[0].detectable(alpha / len(self.parts), power=power, scores=scores)

    @property
    def beyond(self) -> bool:
        return any(part.beyond for part in self.parts)

    @property
    def count(self) -> int:
        return max(part.count for part in self.parts)

    def stays_open(self, times: float, alpha: float) -> float:
        return sum(part.stays_open(times, alpha) for part in self.parts)

    def stays_unbroken(self, times: float, alpha: float) -> float:
        return min(part.stays_unbroken(times, alpha / len(self.parts)) for part in self.parts)


def needed(node: Node, alpha_hold: float, alpha_violate: float) -> int | None:
    """Cases beyond those seen after which, if the truth is what was seen, the decision falls with power .8; None if
    more than are worth promising. The levels are those at which the node holds and is violated."""
    if node.beyond:
        return more_cases(lambda times: node.stays_unbroken(times, alpha_violate), node.count)
    return more_cases(lambda times: node.stays_open(times, alpha_hold), node.count)


def holm(p: Sequence[float], m: int | None = None) -> list[float]:
    """Holm's step-down adjusted p over a family of `m` tests (default: those given; the others count as p = 1).

    Ours, though statsmodels has it: its multipletests collects garbage (60 ms) on every call, three quarters of the
    time an analysis takes, and takes .7 s to import. Source: S. Holm, Scandinavian Journal of Statistics 6 (1979).
    """
    size = max(len(p), m or 0)
    adjusted = [0.0] * len(p)
    least = 0.0
    for rank, i in enumerate(sorted(range(len(p)), key=lambda i: p[i])):
        least = max(least, min(1.0, (size - rank) * p[i]))
        adjusted[i] = least
    return adjusted
