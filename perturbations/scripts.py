"""What differs between writing systems: grapheme clusters, scripts, and words where no blank marks them.

Here: cutting text of any script. Not here: what of a text is protected, and sentences (spans.py), edits (the families).
Chinese, Japanese, Thai, Lao, Khmer and Burmese write no blanks, and finding their words takes a dictionary. `segments`
does without: it gives pieces that never cut a cluster and are about as long as words, for doses and places of edits.
The tables are written out, so that a newer Unicode table cannot move an edit; only marks come from `unicodedata`.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import lru_cache
from itertools import pairwise
from typing import Literal

from voirdire.perturbations.spans import Span, analyse, boundary, inside

__all__ = ["Script", "cased", "dominant_script", "right_to_left", "script_of", "segments"]

Script = Literal[
    "Latin", "Greek", "Cyrillic", "Hebrew", "Arabic", "Devanagari", "Indic", "Thai", "Lao", "Burmese", "Khmer",
    "Hangul", "Kana", "Han", "Other",
]  # fmt: skip

# (first code point, script) of each range, in order; "" ends a script: no letters, or letters of no interest here.
_RANGES: tuple[tuple[int, Script | Literal[""]], ...] = (
    (0x0000, ""), (0x0041, "Latin"), (0x005B, ""), (0x0061, "Latin"), (0x007B, ""), (0x00AA, "Latin"), (0x00AB, ""),
    (0x00B5, "Greek"), (0x00B6, ""), (0x00BA, "Latin"), (0x00BB, ""), (0x00C0, "Latin"), (0x00D7, ""),
    (0x00D8, "Latin"), (0x00F7, ""), (0x00F8, "Latin"), (0x02B0, ""), (0x0370, "Greek"), (0x0400, "Cyrillic"),
    (0x0530, "Other"), (0x0590, "Hebrew"), (0x0600, "Arabic"), (0x0700, "Other"), (0x0750, "Arabic"),
    (0x0780, "Other"), (0x08A0, "Arabic"), (0x0900, "Devanagari"), (0x0980, "Indic"), (0x0E00, "Thai"),
    (0x0E80, "Lao"), (0x0F00, "Other"), (0x1000, "Burmese"), (0x10A0, "Other"), (0x1100, "Hangul"),
    (0x1200, "Other"), (0x1780, "Khmer"), (0x1800, "Other"), (0x1C80, "Cyrillic"), (0x1C90, "Other"),
    (0x1E00, "Latin"), (0x1F00, "Greek"), (0x2000, ""), (0x2C00, "Other"), (0x2C60, "Latin"), (0x2C80, "Other"),
    (0x2DE0, "Cyrillic"), (0x2E00, ""), (0x3005, "Han"), (0x3006, ""), (0x3041, "Kana"), (0x3100, ""),
    (0x3130, "Hangul"), (0x3190, ""), (0x3400, "Han"), (0x4DC0, ""), (0x4E00, "Han"), (0xA000, "Other"),
    (0xA640, "Cyrillic"), (0xA6A0, "Other"), (0xA720, "Latin"), (0xA800, "Other"), (0xA8E0, "Devanagari"),
    (0xA900, "Other"), (0xA960, "Hangul"), (0xA980, "Other"), (0xAB30, "Latin"), (0xAB70, "Other"),
    (0xAC00, "Hangul"), (0xD800, ""), (0xF900, "Han"), (0xFB00, "Latin"), (0xFB13, "Other"), (0xFB1D, "Hebrew"),
    (0xFB50, "Arabic"), (0xFE00, ""), (0xFE70, "Arabic"), (0xFEFF, ""), (0xFF21, "Latin"), (0xFF3B, ""),
    (0xFF41, "Latin"), (0xFF5B, ""), (0xFF66, "Kana"), (0xFFA0, "Hangul"), (0xFFE0, ""), (0x10000, "Other"),
    (0x1F000, ""), (0x20000, "Han"), (0x40000, ""),
)  # fmt: skip
_STARTS = tuple(start for start, _ in _RANGES)
_CASED: frozenset[str] = frozenset({"Latin", "Greek", "Cyrillic"})


def script_of(char: str) -> Script | None:
    """The script of one character; None for blanks, digits, punctuation, symbols and emoji.

    "Indic" are the scripts of India other than Devanagari (and Sinhala), "Kana" hiragana and katakana.
    """
    return _RANGES[bisect_right(_STARTS, ord(char)) - 1][1] or None


@lru_cache(maxsize=4096)
def dominant_script(text: str) -> Script | None:
    """The script of most letters in the words of `text`, protected spans left out; None without any.

    Japanese counts as "Kana", however many of its letters are Han: a fifth of them in kana is enough.
    """
    counts: dict[Script, int] = {}
    for start, end in segments(text):
        word = text[start:end]
        if word.isascii():
            counts["Latin"] = counts.get("Latin", 0) + end - start
            continue
        for char in word:
            script = script_of(char)
            if script is not None:
                counts[script] = counts.get(script, 0) + 1
    if not counts:
        return None
    most = max(counts, key=lambda s: counts[s])
    return "Kana" if most == "Han" and 5 * counts.get("Kana", 0) >= counts["Han"] else most


def cased(text: str) -> bool:
    """Is `text` mostly in a script with capital and small letters?"""
    return dominant_script(text) in _CASED


def right_to_left(text: str) -> bool:
    """Is `text` mostly in a script written from right to left?"""
    return dominant_script(text) in ("Arabic", "Hebrew")


@lru_cache(maxsize=4096)
def segments(text: str) -> tuple[Span, ...]:
    """The words of `text` in any script, protected spans left out; no cluster is cut.

    Where blanks mark them these are the words of `analyse`. Chinese is cut into its commonest particles and, between
    them, into twos (a rest of one goes with the two before), which is how long most words are; Japanese where the
    script changes and behind the particle wo; Thai and Lao before a vowel written in front, which always begins a
    syllable. Runs of Khmer and Burmese stay whole.
    """
    protected, _, words = analyse(text)
    found: list[Span] = []
    for start, end in words:
        if "\u0e00" <= text[start] <= "\u0eff" and end - start > 1:
            found += _cut(text, start, end, _BEFORE_VOWEL)
        else:
            found.append((start, end))
    runs = [m.span() for m in _HAN_OR_KANA.finditer(text)]
    if not runs:
        return tuple(found)
    for start, end in runs:
        if not inside(protected, start, end):
            has_kana = _KANA.search(text, start, end) is not None
            found += _cut(text, start, end, _JAPANESE) if has_kana else _chinese(text, start, end)
    return tuple(sorted(found))


def _cut(text: str, start: int, end: int, before: re.Pattern[str]) -> list[Span]:
    """[start, end) cut at every match of `before` that is a boundary."""
    ends = dict.fromkeys(m.end() for m in before.finditer(text, start, end))
    return list(pairwise([start, *(at for at in ends if start < at < end and boundary(text, at)), end]))


def _chinese(text: str, start: int, end: int) -> list[Span]:
    places: list[int] = [start]
    for part in _PARTICLE_OR_REST.finditer(text, start, end):
        if places[-1] != part.start():
            places.append(part.start())
        places += range(part.start() + 2, part.end() - 1, 2)
    return list(pairwise([*(at for at in places if at == start or boundary(text, at)), end]))


_HAN = "\u3005\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_HIRAGANA = "\u3041-\u309f"
_KATAKANA = "\u30a0-\u30ff\uff66-\uff9f"
_VARIANTS = "\ufe00-\ufe0f\U000e0100-\U000e01ef"
_HAN_OR_KANA = re.compile(rf"[{_HAN}{_HIRAGANA}{_KATAKANA}][{_HAN}{_HIRAGANA}{_KATAKANA}{_VARIANTS}]*+")
_KANA = re.compile(f"[{_HIRAGANA}{_KATAKANA}]")
_BEFORE_VOWEL = re.compile("(?=[\u0e40-\u0e44\u0ec0-\u0ec4])")
_JAPANESE = re.compile(
    rf"を|(?<=[{_HAN}])(?=[{_KATAKANA}])|(?<=[{_HIRAGANA}])(?=[{_HAN}{_KATAKANA}])|(?<=[{_KATAKANA}])(?=[{_HAN}{_HIRAGANA}])"
)
# Particles, prepositions, pronouns and negations that stand alone in most sentences.
_PARTICLE_OR_REST = re.compile(
    "[的了在是和与及或而也都就不没很被把对从到为以于之这那其]|[^的了在是和与及或而也都就不没很被把对从到为以于之这那其]+"
)
