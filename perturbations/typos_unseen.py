"""Changes that a reader does not see: look-alike letters, characters of no width, and orders turned twice.

The text looks the same on a screen and is another one to a tokenizer. Protected spans stay what they are.
"""

from __future__ import annotations

import re
from functools import lru_cache

from voirdire.harness.cases import Edit
from voirdire.harness.errors import NotApplicable
from voirdire.perturbations.base import Place, perturbation
from voirdire.perturbations.doses import count_of, within_growth
from voirdire.perturbations.draws import pick, sample
from voirdire.perturbations.scripts import right_to_left, script_of, segments
from voirdire.perturbations.spans import Span, analyse, boundary

__all__ = ["HOMOGLYPHS", "bidi", "homoglyph", "shown_order", "zero_width"]

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


@lru_cache(maxsize=4096)
def _twins(text: str) -> tuple[tuple[int, ...], ...]:
    """For each word with a letter that has a twin, the places of those letters; none that carries a mark."""
    found = []
    for start, end in analyse(text).words:
        places = tuple(m.start() for m in _HAS_TWIN.finditer(text, start, end) if boundary(text, m.end()))
        if places:
            found.append(places)
    return tuple(found)


@perturbation(
    "typos.homoglyph",
    claim="preserving",
    summary="Replaces a letter by one of another alphabet that looks the same in 10 % of the words.",
    source=_SOURCE,
)
def homoglyph(text: str, place: Place) -> list[Edit]:
    found = _twins(text)
    if not found:
        raise NotApplicable("no letter of this answer has a twin in another alphabet")
    chosen = [pick(place.rng, places) for places in sample(place.rng, found, count_of(_RATE, place.dose, len(found)))]
    return [Edit(at, at + 1, HOMOGLYPHS[text[at]]) for at in chosen]


#: zero width space, word joiner; the joiners proper (U+200C, U+200D) would change ligatures and emoji
_UNSEEN = ("\u200b", "\u2060")


@lru_cache(maxsize=4096)
def _divisible(text: str) -> tuple[Span, ...]:
    """The segments with a place inside where a cluster ends."""
    return tuple(s for s in segments(text) if any(boundary(text, at) for at in range(s[0] + 1, s[1])))


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
    rng = place.rng
    edits: list[Edit] = []
    for start, end in sample(rng, found, count_of(_RATE, place.dose, len(found))):
        at = pick(rng, [k for k in range(start + 1, end) if boundary(text, k)])
        # the zero width space would break the joined letters of Arabic apart
        unseen = "\u2060" if script_of(text[start]) == "Arabic" else pick(rng, _UNSEEN)
        edits.append(Edit(at, at, unseen))
    return within_growth(text, edits)


# Two letters stored in the wrong order, between overrides that show them in the right one (as published).
_LRI, _PDI, _LRO, _RLO, _PDF = "\u2066", "\u2069", "\u202d", "\u202e", "\u202c"
_BIDI_RATE = 0.02
_FEWEST = 3
_PLAIN = re.compile(r"[A-Za-z]{4,}")


def _turned(first: str, second: str) -> str:
    """Shows `first` and then `second`, stored in the opposite order."""
    return f"{_LRO}{_LRI}{_RLO}{_LRI}{second}{_PDI}{_LRI}{first}{_PDI}{_PDF}{_PDI}{_PDF}"


_TURNED = re.compile(_turned("(?P<first>.)", "(?P<second>.)"))


def shown_order(text: str) -> str:
    """`text` as a screen shows it: the turned pairs of `typos.bidi` in their shown order, without controls."""
    return _TURNED.sub(lambda m: m["first"] + m["second"], text)


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
    if right_to_left(text):
        raise NotApplicable("the answer is written from right to left, where turned letters would show")
    words = _plain_words(text)
    if len(words) < _FEWEST:
        raise NotApplicable(f"fewer than {_FEWEST} words of 4 Latin letters or more can be turned")
    edits: list[Edit] = []
    n = max(1, int(_BIDI_RATE * place.dose * len(analyse(text).words) + 0.5))
    for start, end in sample(place.rng, words, n):
        at = start + int(place.rng.random() * (end - start - 1))
        edits.append(Edit(at, at + 2, _turned(text[at], text[at + 1])))
    return within_growth(text, edits)
