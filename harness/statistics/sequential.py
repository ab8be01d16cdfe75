"""Looking at the data more than once without paying in false alarms.

Group-sequential boundaries by alpha spending (K. Lan and D. DeMets, Biometrika 70 (1983)) for a planned number of
looks: each look tests at a nominal level such that all looks together err with probability alpha. Not here: runs
without a planned end (anytime.py).

`sequential_p` turns the p-values seen at the looks so far into one that may be read as if it came from a fixed
design, so Holm and everything behind it stay as they are.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence

import numpy as np
from scipy.special import ndtr, ndtri

__all__ = ["LOOKS", "level_at", "nominal_levels", "obrien_fleming", "power_family", "sequential_p"]

#: share of the cases seen at each planned look
LOOKS = (0.2, 0.36, 0.52, 0.68, 0.84, 1.0)
#: levels at which the boundaries are tabulated; between them they are interpolated on a log scale
_ALPHAS = tuple(float(a) for a in np.geomspace(1e-7, 0.5, 36))
_GRID = 601

Spending = Callable[[float, float], float]


def obrien_fleming(alpha: float, t: float) -> float:
    """Cumulative one-sided error spent at information share t: little early, nearly all of it at the end."""
    return 2.0 - 2.0 * float(ndtr(-ndtri(alpha / 2) / math.sqrt(t)))


def power_family(alpha: float, t: float) -> float:
    """alpha * t**2 (Kim and DeMets 1987): spends earlier, for decisions that are usually reached early."""
    return alpha * t * t


@functools.lru_cache(maxsize=4096)
def nominal_levels(
    alpha: float, shares: tuple[float, ...] = LOOKS, spending: Spending = obrien_fleming
) -> tuple[float, ...]:
    """The one-sided nominal level of each look, so that all looks together have level `alpha`.

    `shares` are increasing information shares in (0, 1]. By numerical integration of the joint distribution of the
    scores, which have independent increments.
    """
    levels: list[float] = []
    spent = 0.0
    grid: np.ndarray = np.empty(0)
    density: np.ndarray = np.empty(0)
    previous = 0.0
    for t in shares:
        step = max(spending(alpha, t) - spent, 1e-15)
        spent += step
        if not levels:
            bound = -float(ndtri(step)) * math.sqrt(t)
        else:
            bound = _crossing(grid, density, t - previous, step)
        levels.append(float(ndtr(-bound / math.sqrt(t))))
        low = -9.0 * math.sqrt(t)
        fresh = np.linspace(low, bound, _GRID)
        if len(levels) == 1:
            density = np.exp(-0.5 * fresh**2 / t) / math.sqrt(2 * math.pi * t)
        else:
            gap = t - previous
            kernel = np.exp(-0.5 * (fresh[:, None] - grid[None, :]) ** 2 / gap) / math.sqrt(2 * math.pi * gap)
            density = np.asarray(np.trapezoid(kernel * density[None, :], grid, axis=1))
        grid, previous = fresh, t
    return tuple(levels)


def _crossing(grid: np.ndarray, density: np.ndarray, gap: float, step: float) -> float:
    """The score beyond which, not having crossed before, the process lies with probability `step`."""
    from scipy.optimize import brentq

    def beyond(y: float) -> float:
        return float(np.trapezoid(density * ndtr((grid - y) / math.sqrt(gap)), grid)) - step

    return float(brentq(beyond, -10.0, 10.0 + float(grid[-1]), xtol=1e-10))


@functools.lru_cache(maxsize=64)
def _table(shares: tuple[float, ...], spending: Spending) -> np.ndarray:
    """log nominal level [alpha, look]."""
    return np.log([nominal_levels(a, shares, spending) for a in _ALPHAS])


def level_at(alpha: float, look: int, shares: tuple[float, ...] = LOOKS, spending: Spending = obrien_fleming) -> float:
    """Nominal level of look number `look` (0-based) in a design of level `alpha`, interpolated."""
    table = _table(shares, spending)[:, look]
    return float(np.exp(np.interp(math.log(max(alpha, _ALPHAS[0])), np.log(_ALPHAS), table)))


def sequential_p(
    seen: Sequence[float], shares: tuple[float, ...] = LOOKS, spending: Spending = obrien_fleming
) -> float:
    """The smallest level at which one of the looks so far would have crossed its boundary.

    `seen` holds the one-sided p-values of the looks so far. Uniform or larger under the hypothesis, whenever one
    stops looking; 1 where no level in the table was crossed.
    """
    best = 1.0
    table = _table(shares, spending)
    for look, p in enumerate(seen):
        levels = table[:, look]
        if p <= 0.0:
            return _ALPHAS[0]
        if math.log(p) <= levels[-1]:
            best = min(best, float(np.exp(np.interp(math.log(p), levels, np.log(_ALPHAS)))))
    return best
