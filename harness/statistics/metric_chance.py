"""What each metric comes to for a judge that answers at random: exact, so no simulation is needed to print it.

The random judge of pairwise metrics says "tie" with probability `tie` and otherwise picks either response with equal
probability, afresh in every call. Take `tie` from the judge under test (its share of ties) or leave it at 0.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np

__all__ = ["balance", "changed", "entropy", "modal_share", "not_below", "outcomes", "same", "win", "worst_rate"]

#: marks that lie on no grid of up to this many steps are put on a grid of _FINE
_STEPS, _FINE = 100, 1000


def outcomes(tie: float) -> tuple[float, float, float]:
    """P(win), P(tie), P(loss). Raises ValueError unless `tie` is a probability."""
    if not 0.0 <= tie <= 1.0:
        raise ValueError(f"tie is the random judge's probability of a tie, in [0, 1]; got {tie!r}")
    return (1.0 - tie) / 2.0, float(tie), (1.0 - tie) / 2.0


def win(tie: float) -> float:
    """P(a given response wins one call) = (1 - tie) / 2."""
    return outcomes(tie)[0]


def same(tie: float) -> float:
    """P(two calls give the same verdict) = (1 - tie)^2 / 2 + tie^2."""
    return math.fsum(p * p for p in outcomes(tie))


def changed(tie: float) -> float:
    """P(two calls give different verdicts)."""
    return 1.0 - same(tie)


def modal_share(repeats: int, probabilities: Sequence[float]) -> float:
    """E[share of the commonest answer] in `repeats` independent draws from `probabilities`.

    E[max count] = sum over m of P(max > m). P(every count <= m) by Poissonisation: the counts are independent Poisson
    variables of means repeats * p, given that they add up to `repeats`.

    >>> round(modal_share(3, (0.5, 0.5)), 12)  # AAA or BBB in 2 of 8: (2 * 1 + 6 * 2/3) / 8
    0.75
    """
    given = math.exp(repeats * math.log(repeats) - repeats - math.lgamma(repeats + 1))
    poisson = [_poisson(repeats * p, repeats) for p in probabilities]
    expected = 0.0
    for most in range(repeats):
        product = np.array([1.0])
        for terms in poisson:
            product = np.convolve(product, terms[: most + 1])[: repeats + 1]
        at_most = float(product[repeats]) / given if product.size > repeats else 0.0
        expected += 1.0 - at_most
    return expected / repeats


def _poisson(mean: float, top: int) -> np.ndarray:
    """P(0), ..., P(top) of a Poisson variable."""
    if mean == 0:
        return np.concatenate([[1.0], np.zeros(top)])
    return np.array([math.exp(i * math.log(mean) - mean - math.lgamma(i + 1)) for i in range(top + 1)])


def entropy(votes: int, probabilities: Sequence[float]) -> float:
    """E[plug-in entropy, in nats] of the outcome shares of `votes` independent draws.

    By linearity, -sum over outcomes of E[(X/votes) ln (X/votes)], X binomial; lower than the entropy of the
    distribution itself, since few votes look more decided than they are.
    """
    total = 0.0
    for p in probabilities:
        if not 0.0 < p < 1.0:
            continue
        for count in range(1, votes):
            ways = math.lgamma(votes + 1) - math.lgamma(count + 1) - math.lgamma(votes - count + 1)
            weight = math.exp(ways + count * math.log(p) + (votes - count) * math.log1p(-p))
            share = count / votes
            total -= weight * share * math.log(share)
    return total


def not_below(marks: np.ndarray, before: int, after: int) -> float | None:
    """P(the mean of `after` marks is not below that of `before` marks), all drawn alike from `marks`.

    `marks` are the judge's own, as shares of its scale, NaN missing (None: there is none); the random judge draws from
    them. With one call each this is (1 + tie) / 2, tie the chance that two of them are equal. Exact where the marks lie
    on a grid of up to 100 steps, by convolution; else to a thousandth of the scale.

    >>> round(not_below(np.array([0, 0.5, 1]), 1, 1), 4)  # 3 of 9 pairs are equal: (1 + 1/3) / 2
    0.6667
    """
    known = marks[~np.isnan(marks)]
    if not known.size:
        return None
    values, counts = np.unique(known, return_counts=True)
    grid = _FINE
    if values.size <= _STEPS + 1:
        places = np.arange(1, _STEPS + 1)[:, None] * values
        fits = np.abs(places - np.round(places)).max(axis=1) < 1e-6
        grid = int(np.argmax(fits)) + 1 if fits.any() else _FINE
    one = np.bincount(np.round(values * grid).astype(int), weights=counts / known.size, minlength=grid + 1)
    first, later = (_added(one, calls) for calls in (before, after))
    # sum over later / after >= sum over first / before
    at_most = np.cumsum(first)
    reach = np.arange(later.size) * before // after
    return float(later @ at_most[np.minimum(reach, at_most.size - 1)])


def _added(one: np.ndarray, calls: int) -> np.ndarray:
    """The distribution of the sum of `calls` independent draws from `one`."""
    total = np.array([1.0])
    for _ in range(calls):
        total = np.convolve(total, one)
    return total


def balance(n: int, moved: float) -> float:
    """E[|sum of n steps|] / n, each step +1 or -1 with probability `moved` / 2 and 0 otherwise.

    Not 0 for finite n: about sqrt(2 moved / (pi n)). Exact: given k steps that moved, E|S_k| is
    2m C(2m, m) / 4^m with m = ceil(k / 2).
    """
    if n == 0:
        return 0.0
    from scipy.special import bdtr

    m = np.arange(1, (n + 1) // 2 + 1, dtype=float)
    walk = 2 * m * np.cumprod((2 * m - 1) / (2 * m))
    cumulative = bdtr(np.arange(n + 1, dtype=float), n, moved)
    weights = np.diff(cumulative)  # P(k steps moved), k = 1..n
    return float(weights @ np.repeat(walk, 2)[:n]) / n


def worst_rate(sizes: Iterable[int], rate: float = 0.5) -> float:
    """E[max over keys of the share of yes], key k asked `sizes[k]` times, each yes with probability `rate`.

    The largest of several noisy shares lies above `rate`: E[max] is the integral of 1 minus the product of their
    distribution functions.
    """
    counts = [n for n in sizes if n > 0]
    if not counts:
        return rate
    from scipy.special import bdtr

    steps = np.unique(np.concatenate([np.arange(n + 1) / n for n in set(counts)]))
    at_most = np.ones(steps.size)
    for n in counts:
        # a small amount keeps 3/10 * 10 from falling to 2 by rounding
        at_most *= bdtr(np.floor(steps * n + 1e-9), n, rate)
    return float(np.sum((1.0 - at_most[:-1]) * np.diff(steps)))
