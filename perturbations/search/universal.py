"""voirdire's own search for a phrase that lifts any response: words are screened, then phrases race.

1. Screening (screening.py) narrows the vocabulary down; a second screening, of all words beside the best one, finds
   what works only together with it.
2. A population of phrases is drawn from what was learnt about the words, helpful words first, uncertain ones too, and
   races (racing.py) on common units.
3. The winner races its neighbours (a word exchanged, added, left out, repeated, moved) until none beats it: here it
   counts where in a phrase a word stands.

Of phrases that do equally well the shorter one comes first in every race and so stays.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from random import Random
from typing import TypeVar

from voirdire.perturbations.draws import below, sample, shuffled
from voirdire.perturbations.search.meter import Meter
from voirdire.perturbations.search.racing import race
from voirdire.perturbations.search.screening import Screened, screen
from voirdire.perturbations.search.space import Question, Space, Words

__all__ = ["racing_search", "screenable"]

#: shares of the calls that go into the first screening and into the one beside the best word
_SCREENING, _BESIDE = 0.35, 0.25
#: where the first screening cannot show each word so often, there is no second one: the first gets its calls
_SEEN = 8
#: words that are screened at most: the regression takes the cube of it
_MOST_WORDS = 1500
#: times that each word must be shown at least
_FEWEST_SHOWN = 2
#: passes through the units: more repeats of one question tell little about other cases
_PASSES = 4
#: phrases of the first race, and neighbours that the winner is tried against at a time
_POPULATION, _NEIGHBOURS = 12, 12
#: lanes of a first heat: with fewer, a coin's noise takes out the best as often as any
_FIRST = 12

T = TypeVar("T")
Tell = Callable[[Words, float], None]


def _nobody(_words: Words, _mean: float) -> None:
    return None


async def racing_search(meter: Meter, space: Space, units: int, *, seed: int = 0, tell: Tell = _nobody) -> Words:
    """The phrase that does best on `units` units within the meter's budget; () where none beats no phrase at all.

    The same arguments and answers give the same result.
    """
    rng = Random(seed)
    most = screenable(space, meter.budget)
    if len(space.vocabulary) > most:
        space = replace(space, vocabulary=tuple(sample(rng, space.vocabulary, most)))
    keep = min(len(space.vocabulary), 2 * space.max_words + 4)
    twice = space.max_words > 1 and meter.budget * _SCREENING * space.max_words >= _SEEN * len(space.vocabulary)
    share = _SCREENING if twice else _SCREENING + _BESIDE
    screened = await screen(meter, space, units, rng, calls=int(meter.budget * share), keep=keep)
    population = _drawn(screened, space, rng)
    worth = screened.by_word()
    if twice:
        core = screened.words[:1]
        more = await screen(meter, space, units, rng, calls=int(meter.budget * _BESIDE), keep=keep, beside=core)
        # both in turn, as the race may not be able to pay for all
        population = _in_turn(_drawn(more, space, rng, beside=core), population)
        worth = {**worth, **more.by_word(), core[0]: worth[core[0]]}
    lanes = _lanes(units, 1 if meter.deterministic else _PASSES, rng)
    first = min(_FIRST, units)
    population = [p for p in population if space.accepts(p)]
    kept = min(2 * units, meter.budget // 10)  # for the question whether it helps at all

    def left() -> int:
        return max(0, meter.left - kept)

    def affordable(n: int) -> int:
        """Runners whose first heat takes a fifth of the calls that are left at most, but two."""
        return min(n, max(2, left() // (5 * first)))

    population = population[: affordable(_POPULATION)]
    best, mean = await race(meter, population, lanes, first=first, most=left() // 2)
    tell(best, mean)
    tried: set[Words] = set()
    while left() >= 2 * first:
        fresh = [p for p in _neighbours(best, worth, space, rng) if p not in tried]
        challengers = fresh[: affordable(_NEIGHBOURS)]
        if not challengers:
            break
        tried.update(challengers)
        # of equals the earlier one wins a race, so the shorter ones come first
        runners = sorted([best, *challengers], key=lambda p: len(p) >= len(best))
        winner, mean = await race(meter, runners, lanes, first=first, most=left() // 2)
        if winner != best:
            best = winner
            tell(best, mean)
    return best if await _better_than_none(meter, best, lanes) else ()


def screenable(space: Space, budget: int) -> int:
    """How many words of the vocabulary a search with `budget` calls can look at; of longer ones a random sample is."""
    shown = int(budget * (_SCREENING + _BESIDE)) * space.max_words
    return max(2, min(_MOST_WORDS, shown // _FEWEST_SHOWN))


async def _better_than_none(meter: Meter, best: Words, lanes: Sequence[tuple[int, int]]) -> bool:
    """Did the phrase do better than no phrase on as many lanes as can be paid for?"""
    if not best:
        return False
    ends = [k for k in range(1, len(lanes) + 1) if meter.price(_beside_none(best, lanes[:k])) <= meter.left]
    if not ends:
        return True  # nothing speaks against it
    answers = await meter(_beside_none(best, lanes[: ends[-1]]))
    return sum(answers[::2]) > sum(answers[1::2])


def _beside_none(best: Words, lanes: Sequence[tuple[int, int]]) -> list[Question]:
    return [Question(words, *lane) for lane in lanes for words in (best, ())]


def _lanes(units: int, passes: int, rng: Random) -> list[tuple[int, int]]:
    """(unit, sample) pairs: all units in random order, then all once more with fresh samples, and so on."""
    order = shuffled(rng, range(units))
    # samples of their own: what the screening asked is not asked again, but is no fresh answer either
    return [(unit, sample) for sample in range(passes) for unit in order]


def _drawn(screened: Screened, space: Space, rng: Random, beside: Words = ()) -> list[Words]:
    """Phrases of the words that a draw from the posterior takes for the most helpful ones, after those of `beside`."""
    known = screened.words
    most = min(space.max_words - len(beside), len(known))
    made: dict[Words, None] = {(*beside, *known[:most]): None}
    for effects in screened.draws(rng, _POPULATION):
        ranked = sorted(range(len(known)), key=lambda i: -effects[i])
        helpful = [i for i in ranked if effects[i] > 0][:most] or ranked[:1]
        made[(*beside, *(known[i] for i in helpful))] = None
    # one word over and over, as published phrases have it
    made[(known[0],) * space.max_words] = None
    return list(made)


def _in_turn(one: Iterable[T], other: Iterable[T]) -> list[T]:
    """The first of each, the second of each, and so on, without repeats."""
    pairs = itertools.zip_longest(one, other)
    return list(dict.fromkeys(item for pair in pairs for item in pair if item is not None))


def _neighbours(best: Words, worth: Mapping[str, float], space: Space, rng: Random) -> list[Words]:
    """Phrases one step from `best`, those that what is known of their words promises most first."""
    made: dict[Words, None] = {}
    for i in range(len(best)):
        made[best[:i] + best[i + 1 :]] = None
        for word in worth:
            made[(*best[:i], word, *best[i + 1 :])] = None
        j = below(rng, len(best))
        swapped = list(best)
        swapped[i], swapped[j] = swapped[j], swapped[i]
        made[tuple(swapped)] = None
    if len(best) < space.max_words:
        for i in range(len(best) + 1):
            for word in worth:
                made[(*best[:i], word, *best[i:])] = None
    made.pop(best, None)
    made.pop((), None)
    allowed = [p for p in made if space.accepts(p)]
    return sorted(shuffled(rng, allowed), key=lambda p: -sum(worth.get(w, 0.0) for w in dict.fromkeys(p)))
