"""Damage by spelling: digits for letters, and signs among the letters. A reader can make it out, and minds it.

The length stays what it was, so that no judge tells the damage by it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from voirdire.harness.cases import Edit
from voirdire.harness.errors import NotApplicable
from voirdire.perturbations.base import Place, perturbation
from voirdire.perturbations.doses import count_of
from voirdire.perturbations.draws import pick, sample
from voirdire.perturbations.spans import Span, analyse, boundary, stretches

__all__ = ["leetspeak", "random_characters"]

_SOURCE = "METAL, arXiv:2312.06056"
_LEET = str.maketrans("aeiostAEIOST", "431057431057")
_HAS_LEET = re.compile("[aeiostAEIOST]")
_SIGNS = "#%&@^=+?!~"
#: share of the words that get a sign at dose 1
_RATE = 0.20
_FEWEST = 3


@perturbation(
    "typos.leetspeak",
    claim="degrading",
    summary="Writes digits for the letters that look like them.",
    source=_SOURCE,
)
def leetspeak(text: str, place: Place) -> list[Edit]:
    spans: tuple[Span, ...] | list[Span]
    if place.dose >= 1:
        spans = tuple(s for s in stretches(text) if _HAS_LEET.search(text, *s))
    else:
        words = [s for s in analyse(text).words if _HAS_LEET.search(text, *s)]
        spans = sample(place.rng, words, count_of(1.0, place.dose, len(words))) if words else []
    if not spans:
        raise NotApplicable("no letter of this answer looks like a digit")
    where = place.where
    return [Edit(start, end, text[start:end].translate(_LEET), where) for start, end in spans]


@lru_cache(maxsize=4096)
def _markable(text: str) -> tuple[int, tuple[Sequence[int], ...]]:
    """How many words `text` has, and for those of three letters or more the inner letters that carry no mark."""
    words = analyse(text).words
    found: list[Sequence[int]] = []
    for start, end in words:
        places: Sequence[int] = range(start + 1, end - 1)
        if not text[start:end].isascii():
            places = [at for at in places if boundary(text, at) and boundary(text, at + 1)]
        if places:
            found.append(places)
    return len(words), tuple(found)


@perturbation(
    "typos.random-characters",
    claim="degrading",
    summary="Replaces a letter by a random sign in 20 % of the words.",
    source=_SOURCE,
)
def random_characters(text: str, place: Place) -> list[Edit]:
    n_words, words = _markable(text)
    if len(words) < _FEWEST:
        raise NotApplicable(f"fewer than {_FEWEST} words of 3 letters or more stand in this answer")
    rng = place.rng
    chosen = sample(rng, words, count_of(_RATE, place.dose, n_words))
    where = place.where
    return [Edit(at, at + 1, pick(rng, _SIGNS), where) for at in [pick(rng, places) for places in chosen]]
