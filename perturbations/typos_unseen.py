"""Changes that a reader does not see: look-alike letters, characters of no width, and orders turned twice.

The text looks the same on a screen and is another one to a tokenizer. Protected spans stay what they are.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from voirdire.harness.cases import Edit
from voirdire.harness.errors import NotApplicable
from voirdire.perturbations.base import Place, perturbation
from voirdire.perturbations.doses import count_of, within_growth
from voirdire.perturbations.draws import pick, sample
from voirdire.perturbations.scripts import right_to_left, script_of, segments
from voirdire.perturbations.spans import Span, analyse, boundary

__all__ = ["HOMOGLYPHS", "bidi", "homoglyph", "zero_width"]

_SOURCE = "Bad Characters, Boucher et al., arXiv:2106.09898"
#: share of the words that are changed at dose 1
_RATE = 0.10

_LATIN = "aceijopsxyhdABCEHIJKMOPSTX"
_CYRILLIC = "асеіјорѕхуһԁАВСЕНІЈКМОРЅТХ"
_GREEK, _LATIN_OF_GREEK = "οΑΒΕΖΗΙΚΜΝΟΡΤΥΧν", "oABEZHIKMNOPTYXv"
#: letter -> one that looks the same in common fonts
HOMOGLYPHS: dict[str, str] = {
    **dict(zip(_LATIN, _CYRILLIC, strict=True)),
    **dict(zip(_CYRILLIC, _LATIN, strict=True)),
    **dict(zip(_GREEK, _LATIN_OF_GREEK, strict=True)),
}
_HAS_TWIN = re.compile(f"[{''.join(HOMOGLYPHS)}]")


def _twins(text: str, start: int, end: int) -> list[int]:
    """The places in a word of its letters that have a twin and carry no mark."""
    places = [at for at in range(start, end) if text[at] in HOMOGLYPHS]
    return places if text.isascii() else [at for at in places if boundary(text, at + 1)]


@lru_cache(maxsize=4096)
def _with_twins(text: str) -> tuple[Span, ...]:
    """The words with a letter that has a twin."""
    words = analyse(text).words
    if text.isascii():
        return tuple([span for span in words if _HAS_TWIN.search(text, *span)])
    return tuple([span for span in words if _twins(text, *span)])


@perturbation(
    "typos.homoglyph",
    claim="preserving",
    summary="Replaces a letter by one of another alphabet that looks the same in 10 % of the words.",
    source=_SOURCE,
)
def homoglyph(text: str, place: Place) -> list[Edit]:
    found = _with_twins(text)
    if not found:
        raise NotApplicable("no letter of this answer has a twin in another alphabet")
    words = sample(place.rng, found, count_of(_RATE, place.dose, len(found)))
    chosen = [pick(place.rng, _twins(text, *span)) for span in words]
    where = place.where
    return [Edit(at, at + 1, HOMOGLYPHS[text[at]], where) for at in chosen]


#: zero width space, word joiner; the joiners proper (U+200C, U+200D) would change ligatures and emoji
_UNSEEN = ("\u200b", "\u2060")


def _inner_boundaries(text: str, start: int, end: int) -> Sequence[int]:
    """The places inside a segment where a cluster ends."""
    inner = range(start + 1, end)
    return inner if text[start:end].isascii() else [at for at in inner if boundary(text, at)]


@lru_cache(maxsize=4096)
def _divisible(text: str) -> tuple[Span, ...]:
    """The segments with a place inside where a cluster ends."""
    return tuple([span for span in segments(text) if _inner_boundaries(text, *span)])


@perturbation(
    "typos.zero-width",
    claim="preserving",
    summary="Puts a character of no width into 10 % of the words.",
    source=_SOURCE,
)
def zero_width(text: str, place: Place) -> list[Edit]:
    found = _divisible(text)
    if not found:
        raise NotApplicable("the answer has no word to put a character into")
    rng, where = place.rng, place.where
    edits: list[Edit] = []
    for start, end in sample(rng, found, count_of(_RATE, place.dose, len(found))):
        at = pick(rng, _inner_boundaries(text, start, end))
        # the zero width space would break the joined letters of Arabic apart
        unseen = "\u2060" if script_of(text[start]) == "Arabic" else pick(rng, _UNSEEN)
        edits.append(Edit(at, at, unseen, where))
    return within_growth(text, edits)


# Two letters stored in the wrong order, between overrides that show them in the right one (as published).
_LRI, _PDI, _LRO, _RLO, _PDF = "\u2066", "\u2069", "\u202d", "\u202e", "\u202c"
_BIDI_RATE = 0.02
_FEWEST = 3
_PLAIN = re.compile(r"[A-Za-z]{4,}")


def _turned(first: str, second: str) -> str:
    """Shows `first` and then `second`, stored in the opposite order."""
    return f"{_LRO}{_LRI}{_RLO}{_LRI}{second}{_PDI}{_LRI}{first}{_PDI}{_PDF}{_PDI}{_PDF}"


@lru_cache(maxsize=4096)
def _plain_words(text: str) -> tuple[Span, ...]:
    return tuple(s for s in analyse(text).words if _PLAIN.fullmatch(text, *s))


@perturbation(
    "typos.bidi",
    claim="preserving",
    summary="Stores two letters in the wrong order and shows them in the right one in 2 % of the words.",
    source=_SOURCE,
)
def bidi(text: str, place: Place) -> list[Edit]:
    if not text.isascii() and right_to_left(text):
        raise NotApplicable("the answer is written from right to left, where turned letters would show")
    words = _plain_words(text)
    if len(words) < _FEWEST:
        raise NotApplicable(f"fewer than {_FEWEST} words of 4 Latin letters or more can be turned")
    edits: list[Edit] = []
    n = max(1, int(_BIDI_RATE * place.dose * len(analyse(text).words) + 0.5))
    for start, end in sample(place.rng, words, n):
        at = start + int(place.rng.random() * (end - start - 1))
        edits.append(Edit(at, at + 2, _turned(text[at], text[at + 1]), place.where))
    return within_growth(text, edits)
