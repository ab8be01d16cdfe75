"""Contrasts against tolerances, and how several of them make one decision.

A leaf is one mean against one tolerance. `Least` says "only if all of them": an addition gained only if it beats its
source *and* its placebo; verdicts flip too often only if more than on repeats *and* on neutral edits (an
intersection-union test: the largest p counts). `Most` says "any of them": an edit changes verdicts if the target's
utility moves *or* verdicts flip (Bonferroni over the parts). Every node answers the same three questions: the p of
"within tolerance", whether it holds at a level, and which leaf decided.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from scipy.special import ndtri

from voirdire.harness.statistics.means import Mean

__all__ = ["AtLeastDrop", "Contrast", "Least", "Most", "Node", "Reading", "holm"]

#: power with which INCONCLUSIVE's "n more cases" would decide
MORE_CASES_POWER = 0.8
#: more cases than this are not worth promising
MOST_CASES = 100_000


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

    def detectable(self, alpha: float) -> float:
        """The smallest effect that would have been violated at level `alpha` with power .8, at the noise seen."""


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

    def detectable(self, alpha: float) -> float:
        return self.tolerance + _reach(self.mean, alpha)

    def more_cases(self, alpha_hold: float, alpha_violate: float) -> int | None:
        """Cases beyond the present n after which, if the truth is what was seen, the decision falls with power .8."""
        mean = self.mean
        size = abs(mean.mean) if self.two_sided else mean.mean
        z = float(ndtri(MORE_CASES_POWER))
        if size > self.tolerance:
            need = z - float(ndtri(alpha_violate))
            distance = size - self.tolerance
        else:
            need = z - float(ndtri(alpha_hold))
            distance = self.tolerance - size
        # the estimate itself is uncertain: do not promise a decision from a lucky distance, nor despair of a tiny one
        distance = max(distance, self.tolerance / 5, 0.01)
        sd = _least_sd(mean, alpha_hold)
        total = math.ceil((need * sd / distance) ** 2)
        more = max(total - mean.n, math.ceil(mean.n / 10))
        return more if more <= MOST_CASES else None


def _least_sd(mean: Mean, alpha: float) -> float:
    """The spread seen, or where hardly any was, what the rule of three leaves room for."""
    unseen: float = 1 - alpha ** (1 / mean.n)
    return max(mean.sd, unseen * math.sqrt(mean.n) / 2)


def _reach(mean: Mean, alpha: float) -> float:
    """How far beyond a bound the truth must lie for a test of level `alpha` to see it with power .8."""
    return (float(ndtri(MORE_CASES_POWER)) - float(ndtri(alpha))) * _least_sd(mean, alpha) / math.sqrt(mean.n)


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

    def detectable(self, alpha: float) -> float:
        """The smallest drop that would have held."""
        return self.min_drop + _reach(self.mean, alpha)

    def more_cases(self, alpha_hold: float, alpha_violate: float) -> int | None:
        return Contrast(self.name, self.mean.mirrored(), self.min_drop).more_cases(alpha_hold, alpha_violate)


@dataclass(frozen=True, slots=True)
class Least:
    """Violated only if every part is; holds as soon as one part does (each then at alpha / number of parts)."""

    parts: Sequence[Contrast]

    @property
    def p(self) -> float:
        return max(part.p for part in self.parts)

    def holds(self, alpha: float) -> bool:
        return any(part.holds(alpha / len(self.parts)) for part in self.parts)

    def violated_by(self, alpha: float) -> Reading:
        return max(self.parts, key=lambda part: part.p).violated_by(alpha)

    def held_by(self, alpha: float) -> Reading:
        share = alpha / len(self.parts)
        return max(self.parts, key=lambda part: part.margin(share)).held_by(share)

    def detectable(self, alpha: float) -> float:
        return max(part.detectable(alpha) for part in self.parts)


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

    def detectable(self, alpha: float) -> float:
        """Of the first part, the signed effect: the parts measure different things."""
        return self.parts[0].detectable(alpha / len(self.parts))


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
