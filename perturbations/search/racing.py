"""A race of phrases: who is ahead is asked about further, who is behind is not.

Successive halving (K. Jamieson and A. Talwalkar, "Non-stochastic Best Arm Identification and Hyperparameter
Optimization", AISTATS 2016, arXiv:1502.07943) over phrases and units at once: all runners are tried on the same units,
then the better half on as many more, so that differences between them are paired and the units' own differences cancel.
Between halvings, a runner that lies behind the leader by more than chance explains is taken out at once.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from voirdire.perturbations.search.meter import Meter, Spent
from voirdire.perturbations.search.space import Question, Words

__all__ = ["race"]

#: units of the first heat
FIRST = 4
#: a runner this many standard errors behind the leader is out
_BEHIND = 2.5
#: with fewer paired differences than this, nobody is taken out for lying behind
_FEWEST = 6


async def race(
    meter: Meter,
    runners: Sequence[Words],
    lanes: Sequence[tuple[int, int]],
    *,
    first: int = FIRST,
    most: int | None = None,
) -> tuple[Words, float]:
    """The winner of `runners` and its mean utility over the lanes that it ran.

    `lanes` are (unit, sample) pairs, all different, in the order they are used. The first runner is the one to beat:
    of two equals the earlier wins. Ends when one is left, the lanes end, or `most` calls (or the meter's) are used up.
    """
    alive = list(dict.fromkeys(runners))
    values: dict[Words, list[float]] = {words: [] for words in alive}
    spent_from = meter.used
    size = min(first, len(lanes))
    ran = 0
    while ran < len(lanes):
        block = [Question(words, *lane) for words in alive for lane in lanes[ran : ran + size]]
        if most is not None and meter.used - spent_from + meter.price(block) > most and ran:
            break
        try:
            answers = await meter(block)
        except Spent:
            break
        width = len(lanes[ran : ran + size])
        for i, words in enumerate(alive):
            values[words] += answers[i * width : (i + 1) * width]
        ran += width
        alive = _ahead(alive, values)
        if len(alive) == 1:
            break
        size = ran  # as many again
    winner = max(alive, key=lambda words: _mean(values[words]))
    return winner, _mean(values[winner])


def _ahead(alive: list[Words], values: dict[Words, list[float]]) -> list[Words]:
    """The better half, without those that lie clearly behind the leader, in their old order."""
    ranked = sorted(alive, key=lambda words: -_mean(values[words]))  # stable: equals keep their order
    leader = np.asarray(values[ranked[0]])
    kept = {ranked[0]}
    half = max(2, math.ceil(len(ranked) / 2))
    for words in ranked[1:half]:
        behind = leader - np.asarray(values[words])
        error = float(behind.std(ddof=1)) / math.sqrt(behind.size) if behind.size > 1 else 0.0
        if behind.size < _FEWEST or behind.mean() <= max(_BEHIND * error, 0.0):
            kept.add(words)
    return [words for words in alive if words in kept]


def _mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else 0.0
