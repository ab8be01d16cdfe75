"""Plain greedy and beam search for a phrase: each word of the vocabulary tried at the end of the best so far.

The published search: V. Raina, A. Liusie and M. Gales, "Is LLM-as-a-Judge Robust? Investigating Universal Adversarial
Attacks on Zero-shot LLM Assessment", EMNLP 2024, arXiv:2402.14016. A step costs vocabulary x units (x beam) calls, all
phrases alike, which is what racing.py saves.
"""

from __future__ import annotations

from collections.abc import Callable

from voirdire.perturbations.search.meter import Meter, Spent
from voirdire.perturbations.search.space import Question, Space, Words

__all__ = ["beam_search"]

#: told (phrase, mean utility over the units) whenever the best so far changes
Tell = Callable[[Words, float], None]


def _nobody(_words: Words, _mean: float) -> None:
    return None


async def beam_search(meter: Meter, space: Space, units: int, *, width: int = 1, tell: Tell = _nobody) -> Words:
    """The phrase with the highest mean utility over `units` units, as published with `space.max_words` words.

    Greedy is `width` 1. Ends earlier where no phrase may be longer, or when the budget does not reach for a whole
    step: then the phrase of the last whole step is the result, () if there was none.
    """
    best: Words = ()
    try:
        beam: list[Words] = [()]
        for _ in range(space.max_words):
            candidates = [(*p, w) for p in beam for w in space.vocabulary if space.accepts((*p, w))]
            answers = await meter([q for c in candidates for q in _on_all(c, units)])
            means = [_mean(answers[i * units : (i + 1) * units]) for i in range(len(candidates))]
            ranked = sorted(range(len(candidates)), key=lambda i: -means[i])
            if not ranked:
                break
            best = candidates[ranked[0]]
            tell(best, means[ranked[0]])
            beam = [candidates[i] for i in ranked[:width]]
    except Spent:
        pass
    return best


def _on_all(words: Words, units: int) -> list[Question]:
    return [Question(words, unit, 0) for unit in range(units)]


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)
