"""Where a text may be edited: protected spans, words, sentences and grapheme boundaries.

Here: reading a text. Not here: changing it (the families), where additions go (placement.py).
All offsets are code points. Results are cached per text, since every probe of an audit edits the same answers.
The character classes are written out, not taken from \\w, so that a newer Unicode table cannot move an edit.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import chain, compress, pairwise
from typing import Literal, NamedTuple

from voirdire.perturbations.bare_code import bare_blocks
from voirdire.perturbations.span_patterns import BARE_TABLE, FENCE, FRONT_MATTER, HAN, LETTERS, TOKEN, WORD

__all__ = [
    "Analysis",
    "Kind",
    "Language",
    "Sentence",
    "Span",
    "analyse",
    "boundary",
    "inside",
    "language",
    "sentences",
    "stretches",
]

#: half-open, in code points
Span = tuple[int, int]
Language = Literal["en", "zh"]
Kind = Literal["prose", "list", "heading"]

_SPAN: Callable[[re.Match[str]], Span] = re.Match.span
_OTHER_LETTER = re.compile(f"[{LETTERS.removeprefix('A-Za-z')}]")
# For texts whose letters are all ASCII: the bytes that stand in words, and apostrophes that do not.
_INNER = bytes(chr(byte) == "'" or (byte < 128 and chr(byte).isalpha()) for byte in range(256))
#: offsets that most texts need: the spans of all texts share them, which saves half of their memory, and time
_PLACES = tuple(range(8192))
_LOOSE_APOSTROPHE = re.compile(r"'(?:(?![A-Za-z])|(?<![A-Za-z]'))")


class Analysis(NamedTuple):
    """What `analyse` found, each tuple sorted and without overlaps.

    `protected` holds all that an edit must leave alone; `blocks` those of them that fill whole lines (code, JSON,
    tables, display maths); `words` the alphabetic words outside them, inner apostrophes and marks included.
    """

    protected: tuple[Span, ...]
    blocks: tuple[Span, ...]
    words: tuple[Span, ...]


class Sentence(NamedTuple):
    """A sentence, or the rest of a line without end mark. List marks, `#` and `>` before it are left out."""

    start: int
    end: int
    kind: Kind


def _trimmed(text: str, span: Span) -> Span:
    """White space behind a block is no part of it: the end of an answer stays a place to add to."""
    start, end = span
    while text[end - 1].isspace():
        end -= 1
    return start, end


def _fixed_blocks(text: str) -> list[Span]:
    """Front matter, fences, tables without outer bars, code and data without a fence: found first, since they hide what
    is inside."""
    found: list[Span] = []
    if text.startswith(("---", "+++")) and (front := FRONT_MATTER.match(text)):
        found.append(front.span())
    if "```" in text or "~~~" in text:
        found += (m.span() for m in FENCE.finditer(text, found[-1][1] if found else 0))
    if "--" in text and "|" in text:
        fences = tuple(found)
        found += [m.span() for m in BARE_TABLE.finditer(text) if not inside(fences, *m.span())]
        found.sort()
    if bare := bare_blocks(text):
        others = tuple(found)
        found += [span for span in bare if not inside(others, *span)]
        found.sort()
    return found


@lru_cache(maxsize=4096)
def analyse(text: str) -> Analysis:
    """Split `text` into protected spans and words.

    Protected: code (fenced, indented, inline, or known by its lines), JSON and YAML, front matter, URLs, e-mail
    addresses, numbers (decimals, thousands, percentages, dates, amounts, ordinals), citations ([3], [@key], (Smith et
    al., 2019)), maths ($...$, $$...$$, \\(...\\), \\[...\\], LaTeX commands), link targets, HTML tags and comments,
    tables, identifiers, paths, @names and #tags.
    """
    protected: list[Span] = []
    blocks: list[Span] = []
    words: list[Span] = []
    ascii_letters = text.isascii() or _OTHER_LETTER.search(text) is None
    at = 0
    for fence in [*_fixed_blocks(text), (len(text), len(text))]:
        for match in TOKEN.finditer(text, at, fence[0]):
            kind = match.lastgroup
            if kind == "inline" or kind == "name":
                protected.append(match.span())
            elif kind == "block":
                blocks.append(_trimmed(text, match.span()))
                protected.append(blocks[-1])
            elif ascii_letters:
                continue  # its words are found below
            elif kind == "run":
                words += map(_SPAN, WORD.finditer(text, *match.span()))
            elif not _extends(text[match.start()]):  # marks without a letter belong to an emoji or the like
                words.append(match.span())
        if fence[0] < fence[1]:
            blocks.append(_trimmed(text, fence))
            protected.append(blocks[-1])
        at = fence[1]
    return Analysis(tuple(protected), tuple(blocks), _ascii_words(text, protected) if ascii_letters else tuple(words))


def _ascii_words(text: str, protected: list[Span]) -> tuple[Span, ...]:
    """The words of `text`, all of whose letters are ASCII, outside `protected`.

    All at once, for half of what a match a word costs: a byte a character says whether it is one of a word's.
    """
    if protected:
        bounds = [0, *chain.from_iterable(protected), len(text)]
        text = "".join([" " * (b - a) if k % 2 else text[a:b] for k, (a, b) in enumerate(pairwise(bounds))])
    text = text.replace("’", "'")
    if "'" in text:
        text = _LOOSE_APOSTROPHE.sub(" ", text)
    inner = int.from_bytes(text.encode("ascii", "replace").translate(_INNER), "little")
    edges = (inner ^ inner << 8).to_bytes(len(text) + 1, "little")  # does a word begin or end before it?
    places = compress(_PLACES if len(edges) <= len(_PLACES) else range(len(edges)), edges)
    return tuple(zip(places, places, strict=True))


def inside(spans: tuple[Span, ...], start: int, end: int | None = None) -> bool:
    """Does [start, end) touch one of `spans` (sorted)? With no `end`: does the place lie strictly inside one?"""
    k = bisect_right(spans, (start, 1 << 62)) - 1
    if end is None:
        return k >= 0 and spans[k][0] < start < spans[k][1]
    return (k >= 0 and spans[k][1] > start) or (k + 1 < len(spans) and spans[k + 1][0] < end)


@lru_cache(maxsize=4096)
def stretches(text: str) -> tuple[Span, ...]:
    """The words of `text` with what stands between them, joined as far as no line break or protected span parts them.

    For edits of all words: a few long edits cost far less than one a word.
    """
    protected, _, words = analyse(text)
    if not words:
        return ()
    found: list[Span] = []
    first, last = words[0]
    for start, end in words[1:]:
        between = text[last:start]
        if between != " " and ("\n" in between or inside(protected, last, start)):
            found.append((first, last))
            first = start
        last = end
    return (*found, (first, last))


_HAN_LETTER = re.compile(rf"[{HAN}]")
_LETTER_OR_HAN = re.compile(rf"(?P<han>[{HAN}])|(?P<kana>[\u3041-\u30ff])|[A-Za-z\u00c0-\u1fff\uac00-\ud7ff]++")


@lru_cache(maxsize=4096)
def language(text: str) -> Language | None:
    """ "zh" if `text` has more Han characters than words of other scripts, "en" otherwise, None without any letter.

    Code and other protected spans do not count. Japanese (kana) counts as other: no built-in text is in Japanese.
    """
    if text.isascii() or _HAN_LETTER.search(text) is None:  # then one letter decides
        return "en" if any(_LETTER_OR_HAN.search(text, *gap) for gap in _gaps(text)) else None
    counts = Counter(m.lastgroup for gap in _gaps(text) for m in _LETTER_OR_HAN.finditer(text, *gap))
    if not counts:
        return None
    return "zh" if counts["han"] > counts[None] and counts["kana"] * 5 < counts["han"] else "en"


def _gaps(text: str) -> Iterator[Span]:
    """What lies before, between and behind the protected spans."""
    at = 0
    for start, end in analyse(text).protected:
        yield at, start
        at = end
    yield at, len(text)


# Grapheme clusters (UAX #29), on the safe side: a place is refused if any rule might join the two sides. Beyond the
# standard, the vowels that Thai and Lao write before their consonant stay with it.
_JOINERS = frozenset("\u200c\u200d")
_PREPEND = frozenset("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd")

_LEADING_VOWELS = frozenset("\u0e40\u0e41\u0e42\u0e43\u0e44\u0ec0\u0ec1\u0ec2\u0ec3\u0ec4")
#: the combining class of the signs that make conjuncts in the scripts of India
_VIRAMA = 9


def _extends(char: str) -> bool:
    """Does `char` belong to the character before it?"""
    if char < "\u0300":
        return False
    return (
        char in _JOINERS
        or "\U0001f3fb" <= char <= "\U0001f3ff"
        or "\U000e0020" <= char <= "\U000e007f"
        or "\uff9e" <= char <= "\uff9f"
        or char in "\u0e33\u0eb3"  # Thai and Lao AM, letters by category, marks by the standard
        or unicodedata.category(char) in ("Mn", "Mc", "Me")
    )


def _regional(char: str) -> bool:
    return "\U0001f1e6" <= char <= "\U0001f1ff"


def _conjunct(text: str, at: int) -> bool:
    """Does a virama, with or without marks behind it, bind the letter at `at` to the one before?"""
    k = at - 1
    while k > 0 and _extends(text[k]) and unicodedata.combining(text[k]) != _VIRAMA:
        k -= 1
    return unicodedata.combining(text[k]) == _VIRAMA


def boundary(text: str, at: int) -> bool:
    """May `text` be cut at `at` without splitting a grapheme cluster?

    Clusters are accents, emoji sequences, flags, Hangul syllables, Indic conjuncts, Thai vowels and CR LF.
    """
    if at <= 0 or at >= len(text):
        return True
    before, after = text[at - 1], text[at]
    if before == "\r" and after == "\n":
        return False
    if after < "\u0300":
        return before not in _PREPEND or after < " "
    if _extends(after) or before in _PREPEND or before in _LEADING_VOWELS or before == "\u200d":
        return False
    if before >= "\u0300" and _conjunct(text, at):
        return False
    if _regional(before) and _regional(after):
        k = at
        while k > 0 and _regional(text[k - 1]):
            k -= 1
        return (at - k) % 2 == 0
    jamo_after = "\u1100" <= after <= "\u11ff" or "\ua960" <= after <= "\ua97f" or "\ud7b0" <= after <= "\ud7ff"
    hangul_before = "\u1100" <= before <= "\u11ff" or "\ua960" <= before <= "\ua97f" or "\uac00" <= before <= "\ud7ff"
    syllable_after_initial = "\uac00" <= after <= "\ud7a3" and (
        "\u1100" <= before <= "\u115f" or "\ua960" <= before <= "\ua97f"
    )
    return not (jamo_after and hangul_before) and not syllable_after_initial


_LINE = re.compile(r"[^\n]+")
_MARKER = re.compile(
    r"[ \t]*(?:>[ \t]*)*(?:(?P<heading>#{1,6})[ \t]+|(?P<list>[-*+•·‣](?=[ \t])|\(?\d{1,3}[.)](?=\s)|\d{1,3}[、．]"
    r"|[（(]\d{1,3}[)）]|\(?[a-zA-Z]\)(?=\s))[ \t]*(?:\[[ xX]\][ \t]+)?)?"
)
# One class begins it, which is what makes the search fast; the look-behinds say which of its characters it was.
_CLOSING = r"[\"'”’)\]»*_]*+(?=\s|$)"
_END_MARK = re.compile(
    rf"[.!?…。！？｡।॥؟۔።។](?:(?<=[.!?])(?<![.!?…].)[.!?]*+{_CLOSING}|(?<=…)(?<![.!?…].)…*+{_CLOSING}"
    r"|(?<![.!?…])[。！？｡।॥؟۔።។]*+[”’」』）】》\"*_]*+)"
)
_ABBREVIATED = (
    "dr mr mrs ms prof st vs e.g i.e eg ie etc cf fig figs eq eqs no nos approx inc ltd jr sr dept est vol pp p ed "
    "eds al gen col sgt rev hon gov sen rep u.s u.k u.n a.m p.m ph.d b.c a.d ca viz resp sec ch art def thm jan feb "
    "mar apr jun jul aug sep sept oct nov dec"
)
_ABBREVIATIONS = frozenset(_ABBREVIATED.split())
_HAS_LETTER = re.compile(rf"[{LETTERS}{HAN}\u3041-\u30ff]")


def _ends_here(text: str, start: int, mark: re.Match[str], stop: int) -> bool:
    """Is `mark` the end of a sentence that began at `start` of a line that ends at `stop`?"""
    sign = text[mark.start()]
    if sign > "\u0300" and sign != "…":
        return True
    rest = mark.end()
    while rest < stop and text[rest].isspace():
        rest += 1
    if rest < stop and text[rest].islower():
        return False  # "e.g. this", '"Really?" he said'
    if sign != "." or mark.group().startswith(".."):
        return True
    word = text[max(start, mark.start() - 12) : mark.start()].split()
    last = word[-1].lstrip("([\"'“‘*_") if word else ""
    if rest >= stop:
        return True
    return not (last.lower() in _ABBREVIATIONS or (len(last) == 1 and last.isupper() and last != "I"))


@lru_cache(maxsize=4096)
def sentences(text: str) -> tuple[Sentence, ...]:
    """The sentences of `text` in order; lines of code and tables have none. Thai, which has no full stop, gives lines.

    A line break always ends one. A full stop does not after an abbreviation or an initial, inside a number, code or
    URL, or before a small letter.
    """
    protected, blocks, _ = analyse(text)
    found: list[Sentence] = []
    for line in _LINE.finditer(text):
        start, stop = line.span()
        if inside(blocks, start, stop):
            continue
        marker = _MARKER.match(text, start, stop)
        kind: Kind = "prose"
        if marker is not None:
            start = marker.end()
            if marker["heading"]:
                kind = "heading"
            elif marker["list"]:
                kind = "list"
        while stop > start and text[stop - 1].isspace():
            stop -= 1
        if kind == "prose" and text.startswith("**", start) and text.endswith(("**", "**:"), start, stop):
            kind = "heading"
        for mark in _END_MARK.finditer(text, start, stop):
            if mark.start() < start or inside(protected, mark.start(), mark.start() + 1):
                continue
            if _ends_here(text, start, mark, stop):
                if _HAS_LETTER.search(text, start, mark.end()):
                    found.append(Sentence(start, mark.end(), kind))
                start = mark.end()
                while start < stop and text[start].isspace():
                    start += 1
        if start < stop and _HAS_LETTER.search(text, start, stop):
            found.append(Sentence(start, stop, kind))
    return tuple(found)
