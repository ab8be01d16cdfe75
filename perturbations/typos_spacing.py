"""Blanks in the wrong place: inside a word, or missing between two. Line breaks are layout.py's."""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise

from voirdire.harness.cases import Edit
from voirdire.harness.errors import NotApplicable
from voirdire.perturbations.base import Place, perturbation
from voirdire.perturbations.doses import within_growth
from voirdire.perturbations.draws import pick, sample
from voirdire.perturbations.scripts import segments
from voirdire.perturbations.spans import analyse, boundary
from voirdire.perturbations.typos import RATE, REAL_WORDS

__all__ = ["join_words", "split_words"]

_SOURCE = "METAL, arXiv:2312.06056"
_SHORTEST_SPLIT = 6
_SHORTEST_JOIN = 3
#: fewer places to choose from than this, and the error might fall on the answer itself
_FEWEST = 3
# Pieces that would speak for themselves: "in correct", "un safe", "use less".
_SPEAKING_STARTS = ("in", "im", "il", "ir", "un", "non", "dis", "no", "not", "mis", "anti")
_SPEAKING_ENDS = ("less", "free", "not")
_NEGATIONS = frozenset(("not", "nor", "non", "neither", "never", "none", "without", "hardly", "but", "and"))


@lru_cache(maxsize=4096)
def _splits(text: str) -> tuple[tuple[int, ...], ...]:
    """The places where each word can be torn, at least two characters from its ends, or two words that touch."""
    found: list[tuple[int, ...]] = []
    cut = segments(text)
    words = set(analyse(text).words)
    for start, end in cut:
        if end - start < _SHORTEST_SPLIT or text[start].isupper() or (start, end) not in words:
            continue
        ascii_only = text[start:end].isascii()
        places = tuple(
            [
                at
                for at in range(start + 2, end - 1)
                if (ascii_only or boundary(text, at))
                and text[start:at] not in _SPEAKING_STARTS
                and text[at:end] not in _SPEAKING_ENDS
                and text[at] not in "'’"
            ]
        )
        if places:
            found.append(places)
    found += ((b[0],) for a, b in pairwise(cut) if a[1] == b[0])
    return tuple(found)


@lru_cache(maxsize=4096)
def _joins(text: str) -> tuple[int, ...]:
    """The blanks between two words that may run together; every second one of a row, so that no three do."""
    found: list[int] = []
    for (start, end), (after, stop) in pairwise(analyse(text).words):
        first, second = text[start:end], text[after:stop]
        if (
            text[end:after] == " "
            and min(len(first), len(second)) >= _SHORTEST_JOIN
            and not (first[0].isupper() or second[0].isupper())
            and first not in _NEGATIONS
            and second not in _NEGATIONS
            and first + second not in REAL_WORDS
            and (not found or start > found[-1] + 1)
        ):
            found.append(end)
    return tuple(found)


def _count(text: str, dose: float) -> int:
    return max(1, int(RATE * dose * len(segments(text)) + 0.5))


@perturbation(
    "typos.split-words",
    claim="preserving",
    summary="Puts a blank into 5 % of the words.",
    source=_SOURCE,
)
def split_words(text: str, place: Place) -> list[Edit]:
    found = _splits(text)
    if len(found) < _FEWEST:
        raise NotApplicable(f"fewer than {_FEWEST} words are long enough to be torn")
    chosen = sample(place.rng, found, _count(text, place.dose))
    return within_growth(
        text, [Edit(at, at, " ", place.where) for at in (pick(place.rng, places) for places in chosen)]
    )


@perturbation(
    "typos.join-words",
    claim="preserving",
    summary="Leaves out the blank behind 5 % of the words.",
    source=_SOURCE,
)
def join_words(text: str, place: Place) -> list[Edit]:
    found = _joins(text)
    if len(found) < _FEWEST:
        raise NotApplicable(f"fewer than {_FEWEST} words have a blank and a word behind them that they could run into")
    return [Edit(at, at + 1, "", place.where) for at in sample(place.rng, found, _count(text, place.dose))]
