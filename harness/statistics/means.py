"""Interval and test for the mean of bounded per-case values, right for skewed, clustered and constant data.

Two ingredients. (1) Hall's (1992) cubic transformation of the t statistic removes the first-order effect of skewness,
so one-sided errors stay near their level for rare flips, where the plain t interval is too short on the side that
matters. (2) A "rule of three" floor: n cases without a single exception do not prove that there are none, so no end
of an interval comes closer to the mean than an unseen event of probability 1 - alpha**(1/n) would move it; this is
the exact (Clopper-Pearson) bound for constant data. Values of one cluster are added up first.

Sources: P. Hall, "On the removal of skewness by transformation", JRSS B 54 (1992); C. Clopper and E. Pearson,
Biometrika 26 (1934). tests/statistics check level and coverage by simulation.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr, stdtrit

__all__ = ["Mean", "estimate"]


@dataclass(frozen=True, slots=True)
class Mean:
    """The mean of values in [lo, hi] over `n` clusters (cases), with what its intervals need.

    `sd` is the standard deviation and `skew` the skewness of the cluster values, scaled so that the standard error of
    `mean` is sd / sqrt(n). `count` is the number of values.
    """

    mean: float
    n: int
    count: int
    sd: float
    skew: float
    lo: float
    hi: float

    @property
    def standard_error(self) -> float:
        return self.sd / math.sqrt(self.n)

    def lower(self, alpha: float) -> float:
        """One-sided lower confidence bound at level 1 - alpha, in [lo, hi]."""
        return -self.mirrored().upper(alpha)

    def upper(self, alpha: float) -> float:
        """One-sided upper confidence bound at level 1 - alpha, in [lo, hi]."""
        bound = self.mean
        if self.n > 1 and self.sd > 0:
            y = float(stdtrit(self.n - 1, alpha)) / math.sqrt(self.n)
            bound = self.mean - self.sd * self._untransform(y)
        unseen: float = 1.0 - alpha ** (1.0 / self.n)
        bound = max(bound, self.mean + (self.hi - self.mean) * unseen)
        return min(self.hi, bound)

    def p_above(self, value: float) -> float:
        """One-sided p of the hypothesis that the true mean is <= value (small: it lies above)."""
        if self.mean <= value or self.mean <= self.lo:
            return 1.0
        p = 0.0
        if self.n > 1 and self.sd > 0:
            t = self._transform((self.mean - value) / self.sd) * math.sqrt(self.n)
            p = float(stdtr(self.n - 1, -t))
        # the floor of `lower`, solved for alpha
        floor: float = (1.0 - min(1.0, (self.mean - value) / (self.mean - self.lo))) ** self.n
        return max(p, floor)

    def p_below(self, value: float) -> float:
        """One-sided p of the hypothesis that the true mean is >= value."""
        return self.mirrored().p_above(-value)

    def p_outside(self, bound: float) -> float:
        """p of the hypothesis |true mean| <= bound: the chance to come this far out on either side."""
        this = self if self.mean >= 0 else self.mirrored()
        if this.mean <= bound:
            return 1.0
        return min(1.0, this.p_above(bound) + this.p_above(-bound))

    def mirrored(self) -> Mean:
        return Mean(-self.mean, self.n, self.count, self.sd, -self.skew, -self.hi, -self.lo)

    def _transform(self, t: float) -> float:
        g = self.skew
        return t + g * t * t / 3 + g * g * t**3 / 27 + g / (6 * self.n)

    def _untransform(self, y: float) -> float:
        g = self.skew
        if abs(g) < 1e-6:
            return y
        return (3 / g) * (float(np.cbrt(1 + g * (y - g / (6 * self.n)))) - 1)


def estimate(values: np.ndarray, groups: np.ndarray | None = None, *, lo: float = -1.0, hi: float = 1.0) -> Mean | None:
    """The mean of `values` (one a case, in [lo, hi], NaN = missing) with clusters `groups`; None if there is none."""
    keep = ~np.isnan(values)
    x = values[keep]
    if x.size == 0:
        return None
    mean = float(x.mean())
    if groups is None:
        parts = x - mean
    else:
        _, index = np.unique(groups[keep], return_inverse=True)
        sizes = np.bincount(index)
        # influence of a cluster on the ratio estimator sum(values) / number of values
        parts = np.bincount(index, weights=x - mean) * (sizes.size / x.size)
    n = int(parts.size)
    if n < 2:
        return Mean(mean, n, int(x.size), 0.0, 0.0, lo, hi)
    sd = float(np.sqrt(np.sum(parts**2) / (n - 1)))
    if sd < 1e-12:
        return Mean(mean, n, int(x.size), 0.0, 0.0, lo, hi)
    skew = float(np.mean(parts**3)) / sd**3
    return Mean(mean, n, int(x.size), sd, skew, lo, hi)
