"""Interval and test for the mean of bounded per-case values, right for skewed, clustered and constant data.

Two ingredients. (1) Hall's (1992) cubic transformation of the t statistic removes the first-order effect of skewness,
so one-sided errors stay near their level for rare flips, where the plain t interval is too short on the side that
matters. (2) A "rule of three" floor: n cases without a single exception do not prove that there are none, so no end
of an interval comes closer to the mean than an unseen event of probability 1 - alpha**(1/n) would move it; this is
the exact (Clopper-Pearson) bound for constant data. Values of one cluster are added up first.

Clusters of unequal size. A cluster that holds much of the data draws the mean towards itself and so hides its own
distance from it: the spread is that of the delete-one jackknife (CR3), which undoes the pull, and the degrees of
freedom are Satterthwaite's for that spread, given the sizes and the correlation within clusters. One cluster of 100
among 100 single cases leaves about 2 of them, so nothing is read off its interval that one number could not tell. For
clusters of one size both are what they always were: the spread over clusters, and their number less one.

Sources: P. Hall, "On the removal of skewness by transformation", JRSS B 54 (1992); C. Clopper and E. Pearson,
Biometrika 26 (1934); J. MacKinnon and H. White, Journal of Econometrics 29 (1985), the jackknife; R. Bell and D.
McCaffrey, Survey Methodology 28 (2002), degrees of freedom; G. Imbens and M. Kolesar, Review of Economics and
Statistics 98 (2016), with the correlation within clusters. tests/statistics check level and coverage by simulation.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr, stdtrit

__all__ = ["Mean", "estimate"]

#: with fewer degrees of freedom than this, the skewness is mostly that of the largest clusters, and counts in part
_SKEW_NEEDS = 10.0


@dataclass(frozen=True, slots=True)
class Mean:
    """The mean of values in [lo, hi] over `n` clusters (cases), with what its intervals need.

    `sd` is the standard deviation and `skew` the skewness of the cluster values, scaled so that the standard error of
    `mean` is sd / sqrt(n). `count` is the number of values, `freedom` the degrees of freedom of `sd` where they are not
    n - 1.
    """

    mean: float
    n: int
    count: int
    sd: float
    skew: float
    lo: float
    hi: float
    freedom: float | None = None

    @property
    def df(self) -> float:
        return self.n - 1 if self.freedom is None else self.freedom

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
            y = float(stdtrit(self.df, alpha)) / math.sqrt(self.n)
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
            p = float(stdtr(self.df, -t))
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
        return Mean(-self.mean, self.n, self.count, self.sd, -self.skew, -self.hi, -self.lo, self.freedom)

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
    parts = x - mean
    freedom = None
    if groups is not None:
        _, index = np.unique(groups[keep], return_inverse=True)
        sizes = np.bincount(index)
        if sizes.size < x.size:
            parts, freedom = _by_cluster(parts, index, sizes)
    n = int(parts.size)
    if n < 2:
        return Mean(mean, n, int(x.size), 0.0, 0.0, lo, hi)
    sd = float(np.sqrt(np.sum(parts**2) / (n - 1)))
    if sd < 1e-12:
        return Mean(mean, n, int(x.size), 0.0, 0.0, lo, hi)
    skew = float(np.mean(parts**3)) / sd**3
    if freedom is not None:
        skew *= min(1.0, freedom / _SKEW_NEEDS)
    return Mean(mean, n, int(x.size), sd, skew, lo, hi, freedom)


def _by_cluster(gaps: np.ndarray, index: np.ndarray, sizes: np.ndarray) -> tuple[np.ndarray, float | None]:
    """What each cluster moves the mean by, times the number of clusters, and the degrees of freedom of its spread.

    `gaps` are values less their mean, `index` their clusters. Leaving a cluster out moves the mean by its sum of gaps
    over the number of the other values.
    """
    n = sizes.size
    sums = np.bincount(index, weights=gaps)
    if n < 2 or sizes.min() == sizes.max():
        return sums * (n / gaps.size), None
    parts = sums * ((n - 1) / (gaps.size - sizes))
    squares = np.bincount(index, weights=gaps**2)
    total = float(squares.sum())
    if total < 1e-18:
        return parts, None
    return parts, _freedom(sizes.astype(float), _within(sums, squares, sizes) * gaps.size / total)


def _within(sums: np.ndarray, squares: np.ndarray, sizes: np.ndarray) -> float:
    """Mean product of two gaps of one cluster: over all pairs, or over clusters if that is more (a few large clusters
    have nearly all of the pairs, and may lie close to the mean by chance)."""
    several = sizes > 1
    products, pairs = (sums**2 - squares)[several], (sizes * (sizes - 1.0))[several]
    return max(0.0, float(products.sum() / pairs.sum()), float(np.mean(products / pairs)))


def _freedom(sizes: np.ndarray, correlation: float) -> float:
    """Satterthwaite's degrees of freedom of the jackknife variance of a mean, 2 E(V)^2 / Var(V) = tr(M)^2 / tr(M^2).

    The sum of a cluster's gaps is S_g - n_g mean, so over clusters its covariance is that of the sums S, a diagonal d,
    and two terms that the mean brings; M is that matrix, weighted on both sides by 1 / (N - n_g). Diagonal plus rank
    two, so its traces need no matrix.
    """
    total = float(sizes.sum())
    d = sizes * (1 + min(1.0, correlation) * (sizes - 1))
    weight = 1 / (total - sizes)
    a, b, own = weight * sizes, weight * d, weight**2 * d
    k = float(d.sum()) / total**2
    aa, ab, bb = float(a @ a), float(a @ b), float(b @ b)
    trace = float(own.sum()) - 2 * ab / total + k * aa
    squared = float(own @ own) + 2 * float(own @ (k * a**2 - 2 * a * b / total))
    squared += 2 * (ab**2 + aa * bb) / total**2 - 4 * k / total * aa * ab + (k * aa) ** 2
    # never more than the clusters, nor less than one number tells
    return min(float(sizes.size - 1), max(1.0, trace**2 / squared))
