"""What a run could have seen, and how many more cases would decide: power at the noise that the run has met.

Two questions about one mean and its tolerance, of which decisions.py and growth.py make those about a probe. (1) The
smallest effect that would have been violated in four of five such runs (`least_effect`). The spread seen is that of
the effect that was there; a larger effect brings its own. It is taken to come, as in power_model.py, from a share q of
the cases that turn altogether (by `jump`), whatever they showed before: the mean goes from m to m + q (jump - m), and
the variance, by the law of total variance, from s^2 to (1 - q) s^2 + q (1 - q) (jump - m)^2, which for a judge that
showed nothing is e (1 - e). Hardly any shape of the same effect has a greater spread. For scores, which seldom go from
the bottom of the scale to its top, half of the cases move by twice the effect: s^2 + e^2. (2) How likely a decision is
to stay open after more cases of the same kind (`stays_above`, `stays_below`), from which `more_cases` finds a number.

The bounds are those of `Mean` itself, with skewness correction and rule-of-three floor; only sample means are taken as
normal. Not here: audits that are not run yet (power.py).
"""

from __future__ import annotations

import math
from collections.abc import Callable

from scipy.special import ndtr, ndtri

from voirdire.harness.statistics.means import Mean

__all__ = ["MORE_CASES_POWER", "NONE_SEEN", "least_effect", "more_cases", "stays_above", "stays_below"]

#: power of what is promised: the smallest effect seen, and "n more cases would decide"
MORE_CASES_POWER = 0.8
#: more cases than this are not worth promising
MOST_CASES = 100_000
#: stands for "no effect would have been seen": as large as a utility gets
NONE_SEEN = 1.0
#: chance of not having seen what may still be there, for the spread of data that hardly have any
_UNSEEN = 0.05
#: halvings of a range of effects: to .001
_HALVINGS = 10


def least_effect(
    mean: Mean,
    tolerance: float,
    alpha: float,
    *,
    jump: float,
    power: float = MORE_CASES_POWER,
    two_sided: bool = False,
    scores: bool = False,
) -> float:
    """The smallest true effect that a run like this finds beyond `tolerance` at level `alpha` with this power; 1 if it
    finds none. `jump`: what a case shows that turns altogether."""
    oriented = mean.mirrored() if two_sided and mean.mean < 0 else mean

    def significant(value: float) -> bool:
        sample = _showing(oriented, value, jump, scores)
        return (sample.p_outside(tolerance) if two_sided else sample.p_above(tolerance)) <= alpha

    if tolerance >= jump or not significant(jump):
        return NONE_SEEN
    edge = _least(significant, tolerance, jump)
    z = float(ndtri(power))

    def often_enough(effect: float) -> bool:
        return effect - z * _showing(oriented, effect, jump, scores).standard_error >= edge

    return _least(often_enough, edge, jump) if often_enough(jump) else NONE_SEEN


def _least(true: Callable[[float], bool], low: float, high: float) -> float:
    """The least value at which `true`, which is so at `high` and stays so."""
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if true(middle) else (middle, high)
    return high


def _showing(mean: Mean, effect: float, jump: float, scores: bool) -> Mean:
    """The data as they would be with their mean at `effect`."""
    at, variance = mean.mean, mean.sd**2
    third = mean.skew * mean.sd**3
    if scores:
        # of what was seen, what an effect of the mean explains is not noise
        variance = max(0.0, variance - at**2) + effect**2 if effect < abs(at) else variance + effect**2 - at**2
    elif effect >= at:
        turned = (effect - at) / (jump - at) if jump > at else 0.0
        near, far = at - effect, jump - effect
        third = (1 - turned) * (third + 3 * near * variance + near**3) + turned * far**3
        variance = (1 - turned) * (variance + near**2) + turned * far**2
    else:
        # a part of the cases that showed the effect does not; the rest of the spread is noise and stays
        noise = max(0.0, variance - at * (jump - at))
        variance = noise + effect * (jump - effect)
        third = effect * (jump - effect) * (jump - 2 * effect)
    sd = math.sqrt(max(0.0, variance))
    return Mean(effect, mean.n, mean.count, sd, third / sd**3 if sd > 1e-9 else 0.0, mean.lo, mean.hi, mean.freedom)


def stays_above(mean: Mean, times: float, limit: float, alpha: float) -> float:
    """Chance that with `times` the cases the upper bound is still above `limit`, if the truth is what was seen."""
    grown = _grown(mean, times)
    room = _distance(limit - mean.mean, limit) - (grown.upper(alpha) - mean.mean)
    return float(ndtr(-room / grown.standard_error))


def stays_below(mean: Mean, times: float, limit: float, alpha: float) -> float:
    """Chance that with `times` the cases the lower bound is still within `limit`, if the truth is what was seen."""
    grown = _grown(mean, times)
    room = _distance(mean.mean - limit, limit) - (mean.mean - grown.lower(alpha))
    return float(ndtr(-room / grown.standard_error))


def _distance(seen: float, limit: float) -> float:
    # the estimate itself is uncertain: do not promise a decision from a lucky distance, nor despair of a tiny one
    return max(seen, abs(limit) / 5, 0.01)


def _grown(mean: Mean, times: float) -> Mean:
    """As many times the clusters, with the spread seen, or where hardly any was, what the rule of three leaves."""
    n = max(2, round(mean.n * times))
    unseen: float = 1 - _UNSEEN ** (1 / mean.n)
    sd = max(mean.sd, unseen * math.sqrt(mean.n) / 2)
    skew = mean.skew if mean.sd > 0 else 0.0
    freedom = None if mean.freedom is None else mean.freedom * times
    return Mean(mean.mean, n, mean.count, sd, skew, mean.lo, mean.hi, freedom)


def more_cases(open_with: Callable[[float], float], count: int) -> int | None:
    """Cases beyond the present `count` after which a decision falls with power .8; None if too many.

    `open_with(times)` is the chance that it stays open with `times` the cases.
    """
    most = 1 + MOST_CASES / count
    allowed = 1 - MORE_CASES_POWER
    low = high = 1.0
    while open_with(high) > allowed:
        low, high = high, 2 * high
        if low > most:
            return None
    while high - low > low / 100:
        middle = (low + high) / 2
        low, high = (middle, high) if open_with(middle) > allowed else (low, middle)
    more = max(math.ceil((high - 1) * count), math.ceil(count / 10))
    return more if more <= MOST_CASES else None
