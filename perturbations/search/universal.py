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
from collections.abc import Callable, Iterable
from random import Random
from typing import TypeVar

from voirdire.perturbations.draws import below, shuffled
from voirdire.perturbations.search.meter import Meter
from voirdire.perturbations.search.racing import FIRST, race
from voirdire.perturbations.search.screening import Screened, screen
from voirdire.perturbations.search.space import Space, Words

__all__ = ["racing_search"]

#: shares of the calls that go into the first screening and into the one beside the best word
_SCREENING, _BESIDE = 0.35, 0.25
#: passes through the units: more repeats of one question tell little about other cases
_PASSES = 4
#: phrases of the first race
_POPULATION = 24
#: neighbours that the winner is tried against at a time
_NEIGHBOURS = 24

T = TypeVar("T")
Tell = Callable[[Words, float], None]


def _nobody(_words: Words, _mean: float) -> None:
    return None


async def racing_search(meter: Meter, space: Space, units: int, *, seed: int = 0, tell: Tell = _nobody) -> Words:
    """The phrase that does best on `units` units within the meter's budget; () where none beats no phrase at all.

    The same arguments and answers give the same result.
    """
    rng = Random(seed)
    keep = min(len(space.vocabulary), 2 * space.max_words + 4)
    screened = await screen(meter, space, units, rng, calls=int(meter.budget * _SCREENING), keep=keep)
    population = _drawn(screened, space, rng)
    words = screened.words
    if space.max_words > 1:
        core = words[:1]
        more = await screen(meter, space, units, rng, calls=int(meter.budget * _BESIDE), keep=keep, beside=core)
        # both in turn, as the race may not be able to pay for all
        population = _in_turn(_drawn(more, space, rng, beside=core), population)
        words = tuple(_in_turn(more.words, words))[: keep + keep // 2]
    lanes = _lanes(units, 1 if meter.deterministic else _PASSES, rng)
    first = min(FIRST, units)
    population = [p for p in population if space.accepts(p)]
    best, mean = await race(meter, [*population[: _afford(meter, first)]], lanes, first=first, most=meter.left // 2)
    tell(best, mean)
    tried: set[Words] = set()
    while meter.left >= 2 * first:
        fresh = [p for p in _neighbours(best, words, space, rng) if p not in tried]
        challengers = fresh[: min(_NEIGHBOURS, _afford(meter, first))]
        if not challengers:
            break
        tried.update(challengers)
        # of equals the earlier one wins a race, so the shorter ones come first
        runners = sorted([best, *challengers], key=lambda p: len(p) >= len(best))
        winner, mean = await race(meter, runners, lanes, first=first, most=max(1, meter.left // 2))
        if winner != best:
            best = winner
            tell(best, mean)
    return best if await _better_than_none(meter, best, lanes) else ()


def _afford(meter: Meter, first: int) -> int:
    """Runners for which a race has about three heats' worth of calls within half of what is left."""
    return max(2, meter.left // (2 * 3 * first))


async def _better_than_none(meter: Meter, best: Words, lanes: list[tuple[int, int]]) -> bool:
    """Did the phrase do better than no phrase on as many lanes as are left to pay for? Undecided counts as better."""
    if not best:
        return False
    winner, _ = await race(meter, [(), best], lanes[: max(1, meter.left // 2)], first=min(FIRST, len(lanes)))
    return winner == best or not meter.left


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
    for effects in screened.draws(rng, _POPULATION // 2):
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


def _neighbours(best: Words, words: Words, space: Space, rng: Random) -> list[Words]:
    """Phrases one step from `best`, in random order, the shorter ones first."""
    made: dict[Words, None] = {}
    for i in range(len(best)):
        made[best[:i] + best[i + 1 :]] = None
        for word in words:
            made[(*best[:i], word, *best[i + 1 :])] = None
        j = below(rng, len(best))
        swapped = list(best)
        swapped[i], swapped[j] = swapped[j], swapped[i]
        made[tuple(swapped)] = None
    if len(best) < space.max_words:
        for i in range(len(best) + 1):
            for word in words:
                made[(*best[:i], word, *best[i:])] = None
    made.pop(best, None)
    made.pop((), None)
    return sorted(shuffled(rng, [p for p in made if space.accepts(p)]), key=lambda p: len(p) >= len(best))
