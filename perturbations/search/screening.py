"""Which words of a vocabulary sway the judge at all: many screened at once, in phrases of random words.

A plain search tries one word a call. Here each call shows as many words as a phrase may have, drawn so that every word
still in question appears equally often, and a regression of the answers on the words present says what each is worth:
with noise the main trouble, a call tells about all its words at once (random balance: F. Satterthwaite, "Random Balance
Experimentation", Technometrics 1 (1959), with a ridge instead of his plots). After each batch the words that lie behind
are dropped, two fifths of them a round, so that calls go to those that might matter.

A word that works only beside another is seen here by its average over what stood beside it; a second screening, beside
the best word of the first, finds its partner. The phrases themselves race afterwards (universal.py).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

import numpy as np

from voirdire.perturbations.draws import below, shuffled
from voirdire.perturbations.search.meter import Meter, Spent
from voirdire.perturbations.search.space import Question, Space, Words

__all__ = ["Screened", "screen"]

#: prior spread of a word's effect, in utility units, among which the data choose
_SPREADS = (0.02, 0.05, 0.1, 0.2, 0.4)
#: prior spread of a unit's own mean utility
_UNIT_SPREAD = 0.5
#: standard deviation of one answer at most: that of a coin
_MOST_NOISE = 0.5
#: a word this many standard errors behind the last one that a phrase has room for is dropped
_BEHIND = 2.0
#: passes through the words before the first regression of a round; twice as many before each further one
_PASSES = 2
#: share of the words that a round leaves
_KEPT = 0.6
#: how much more of the calls early rounds get: round r weighs `_KEPT` ** (`_TILT` r)
_TILT = 0.5
#: answers beyond this many a word tell nothing that a race would not tell better
_ENOUGH = 60


@dataclass(slots=True)
class Screened:
    """`words` that remain, the most helpful first, with their estimated `effects` (utility units).

    `draws(rng, n)` gives n effect vectors from their joint posterior, for choosing phrases under uncertainty.
    """

    words: Words
    effects: np.ndarray
    covariance: np.ndarray = field(repr=False)

    def by_word(self) -> dict[str, float]:
        return dict(zip(self.words, map(float, self.effects), strict=True))

    def draws(self, rng: Random, n: int) -> np.ndarray:
        """[n, words]; from `rng` only, so the same everywhere."""
        if not self.words:
            return np.zeros((n, 0))
        root = np.linalg.cholesky(self.covariance + 1e-9 * np.eye(len(self.words)))
        z = np.asarray([[_normal(rng) for _ in self.words] for _ in range(n)])
        return np.asarray(self.effects + z @ root.T)


async def screen(
    meter: Meter, space: Space, units: int, rng: Random, *, calls: int, keep: int, beside: Words = ()
) -> Screened:
    """Narrow `space.vocabulary` down to about `keep` words within `calls` calls of `meter`.

    With `beside` every phrase begins with those words, and an effect is what a word adds to them.
    """
    design = _Design(space.vocabulary, units, beside)
    alive = list(range(len(space.vocabulary)))
    last = meter.used + calls
    keep = max(1, keep)
    try:
        while len(alive) > keep:
            alive = await _round(meter, space, design, alive, rng, last=last, keep=keep)
    except Spent:
        pass
    return design.screened(alive)


async def _round(
    meter: Meter, space: Space, design: _Design, alive: list[int], rng: Random, *, last: int, keep: int
) -> list[int]:
    """Ask about the words `alive` until a share of them can go, or the calls of the round are used up."""
    target = max(keep, math.floor(len(alive) * _KEPT))
    rounds = max(1, math.ceil(math.log(len(alive) / keep) / -math.log(_KEPT)))
    # early rounds decide about more words at once, so they get more
    weights = [_KEPT ** (_TILT * r) for r in range(rounds)]
    end = meter.used + int((last - meter.used) * weights[0] / sum(weights))
    passes, step = 0, _PASSES
    while passes < _ENOUGH:
        batch = [q for _ in range(step) for q in _pass(space, design, alive, rng)]
        if meter.used + meter.price(batch) > end:
            batch = batch[: max(0, end - meter.used)]
            passes = _ENOUGH
        design.add(batch, await meter(batch))
        passes += step
        step *= 2
        effects, variances = design.effects(alive)
        ranked = sorted(range(len(alive)), key=lambda i: -effects[i])
        edge = ranked[min(len(ranked), space.max_words) - 1]
        near = sum(effects[edge] - effects[i] <= _BEHIND * math.sqrt(variances[edge] + variances[i]) for i in ranked)
        if near <= target:
            break
    return [alive[i] for i in ranked[:target]]


def _pass(space: Space, design: _Design, alive: list[int], rng: Random) -> list[Question]:
    """Every word alive once, in phrases as long as may be, each on the next unit in turn."""
    order = shuffled(rng, alive)
    size = min(space.max_words - len(design.beside), max(1, len(order) // 2))
    questions = []
    for at in range(0, len(order), size):
        chosen = order[at : at + size]
        while len(chosen) < size:  # the last phrase is filled up, so that none is shorter than the others
            filler = order[below(rng, len(order))]
            if filler not in chosen:
                chosen = [*chosen, filler]
        words = (*design.beside, *(space.vocabulary[i] for i in chosen))
        while len(words) > len(design.beside) and not space.accepts(words):
            words = words[:-1]
        if len(words) > len(design.beside):
            questions.append(design.next_question(words))
    return questions


class _Design:
    """The answers so far as a regression on words and units, kept as sums so that a fit costs no pass over them."""

    def __init__(self, vocabulary: Words, units: int, beside: Words) -> None:
        self.vocabulary = vocabulary
        self.beside = beside
        self.number = {word: i for i, word in enumerate(vocabulary)}
        self.units = units
        self.asked = 0
        self.seen: dict[tuple[Words, int], int] = {}
        size = len(vocabulary) + units
        self.gram = np.zeros((size, size))
        self.moment = np.zeros(size)
        self.columns = np.zeros(size)
        self.n = 0
        self.sum = self.squares = 0.0

    def next_question(self, words: Words) -> Question:
        unit = self.asked % self.units
        self.asked += 1
        sample = self.seen.get((words, unit), 0)
        self.seen[words, unit] = sample + 1
        return Question(words, unit, sample)

    def add(self, questions: Sequence[Question], utilities: Sequence[float]) -> None:
        for question, utility in zip(questions, utilities, strict=True):
            added = question.words[len(self.beside) :]
            row = [*{self.number[w] for w in added}, len(self.vocabulary) + question.unit]
            self.gram[np.ix_(row, row)] += 1.0
            self.moment[row] += utility
            self.columns[row] += 1.0
            self.n += 1
            self.sum += utility
            self.squares += utility * utility

    def effects(self, alive: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
        """Posterior means and variances of the words `alive`."""
        mean, covariance = self._posterior()
        return mean[list(alive)], np.diag(covariance)[list(alive)]

    def screened(self, alive: Sequence[int]) -> Screened:
        if not self.n:
            n = len(alive)
            return Screened(tuple(self.vocabulary[i] for i in alive), np.zeros(n), _SPREADS[2] ** 2 * np.eye(n))
        mean, covariance = self._posterior()
        ranked = sorted(alive, key=lambda i: -mean[i])
        return Screened(tuple(self.vocabulary[i] for i in ranked), mean[ranked], covariance[np.ix_(ranked, ranked)])

    def _posterior(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean and covariance of all words' effects, at the prior spread under which the answers are most likely."""
        v, n = len(self.vocabulary), self.n
        if not n:
            return np.zeros(v), _SPREADS[2] ** 2 * np.eye(v)
        center = self.sum / n
        moment = self.moment - center * self.columns
        total = self.squares - n * center * center
        best: tuple[float, np.ndarray, np.ndarray, float] | None = None
        for spread in _SPREADS:
            # all spreads relative to a coin's noise: the noise itself comes out of the fit
            prior = np.concatenate([np.full(v, spread), np.full(self.units, _UNIT_SPREAD)]) / _MOST_NOISE
            lower = np.linalg.cholesky(self.gram + np.diag(prior**-2))
            mean = np.linalg.solve(lower.T, np.linalg.solve(lower, moment))
            noise = max((total - float(np.sum(moment * mean))) / n, 1e-6)
            # log marginal likelihood with the noise at its maximum, up to a constant
            fit = -0.5 * n * math.log(noise) - float(np.log(np.diag(lower)).sum()) - float(np.log(prior).sum())
            if best is None or fit > best[0]:
                best = fit, mean, lower, noise
        assert best is not None
        _, mean, lower, noise = best
        inverse = np.linalg.inv(lower)
        return mean[:v], noise * (inverse.T @ inverse)[:v, :v]


def _normal(rng: Random) -> float:
    return math.sqrt(-2 * math.log(1 - rng.random())) * math.cos(2 * math.pi * rng.random())
