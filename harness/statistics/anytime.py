"""The mean of bounded per-case values with bounds that hold at *every* number of cases at once.

For audits without a planned end: add cases, run again, look as often as one likes, and stop when decided. A fixed
interval read that way errs far more often than it states. Here a bet is placed against the hypothesis "the mean is m":
starting with 1, the capital after cases x_1 .. x_n is

    K(m) = mean over c of  product over i of  (1 + c (x_i - m) / (m - lo)),      c in a fixed grid in (0, 1]

a non-negative martingale if the mean is m and shrinking if it is less, so that it ever reaches 1 / alpha with
probability alpha at most (Ville). The mixture over c stands for not knowing which bet is best. It needs no variance
and no normal limit, and wins fastest on a judge with little noise; on a noisy one it needs about 1.1 to 1.4 times the
cases of a fixed design.

What it does need: that the next case is like those before it, so that its mean is m whatever they were. Cases in random
order are; in a file sorted by topic the first ones are a topic, and a bound on their mean is none on that of all.
sorted_cases.py looks for that. Values of one cluster are averaged first, and each cluster counts once.

Sources: J. Ville (1939); I. Waudby-Smith and A. Ramdas, "Estimating means of bounded random variables by betting",
JRSS B 86 (2024). Not here: intervals for a planned number of cases (means.py) or planned looks (sequential.py).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from voirdire.harness.statistics.means import Mean

__all__ = ["AnytimeMean", "anytime"]

#: shares of the largest safe bet; between neighbours the capital after n cases differs by a few per cent
_BETS = np.geomspace(1 / 512, 1.0, 28)[:, None]


@dataclass(frozen=True, slots=True)
class AnytimeMean(Mean):
    """A `Mean` whose bounds and p-values are valid whenever one stops. `values` has one entry a cluster."""

    values: np.ndarray = field(default_factory=lambda: np.empty(0), repr=False, compare=False)

    def upper(self, alpha: float) -> float:
        """Upper end of the one-sided confidence sequence of level 1 - alpha, in [lo, hi]."""
        return -self._mirror().lower(alpha)

    def lower(self, alpha: float) -> float:
        """Lower end of the one-sided confidence sequence of level 1 - alpha, in [lo, hi]."""
        from scipy.optimize import brentq

        limit = -math.log(alpha)
        # the capital falls with m, so what is excluded lies below
        near = self.lo + (self.mean - self.lo) * 1e-9
        if self.mean <= self.lo or self._log_capital(near) < limit:
            return self.lo
        return float(brentq(lambda m: self._log_capital(m) - limit, near, self.mean, xtol=1e-7))

    def p_above(self, value: float) -> float:
        """p of "the true mean is <= value", valid at any stop (1 over the capital won against it)."""
        if self.mean <= value:
            return 1.0
        if value <= self.lo:
            return 0.0  # a single value above the lowest one refutes it
        return math.exp(-max(0.0, self._log_capital(value)))

    def mirrored(self) -> AnytimeMean:
        return self._mirror()

    def _mirror(self) -> AnytimeMean:
        return AnytimeMean(-self.mean, self.n, self.count, self.sd, -self.skew, -self.hi, -self.lo, None, -self.values)

    def _log_capital(self, m: float) -> float:
        gain = (self.values[None, :] - m) / (m - self.lo)
        # a bet of everything loses everything on the lowest value; log 0 is right for it
        with np.errstate(divide="ignore"):
            logs = np.log1p(np.maximum(_BETS * gain, -1.0)).sum(axis=1)
        top = float(logs.max())
        return top + math.log(float(np.mean(np.exp(logs - top)))) if top > -math.inf else top


def anytime(
    values: np.ndarray, groups: np.ndarray | None = None, *, lo: float = -1.0, hi: float = 1.0
) -> AnytimeMean | None:
    """Like `means.estimate`, to be read at any time; None if there is no value."""
    keep = ~np.isnan(values)
    x = values[keep]
    if x.size == 0:
        return None
    count = int(x.size)
    if groups is not None:
        _, index = np.unique(groups[keep], return_inverse=True)
        x = np.bincount(index, weights=x) / np.bincount(index)
    # rounding may carry a mean of extreme values past the end of its range
    x = np.clip(x, lo, hi)
    sd = float(x.std(ddof=1)) if x.size > 1 else 0.0
    return AnytimeMean(float(x.mean()), int(x.size), count, sd, 0.0, lo, hi, None, x)
