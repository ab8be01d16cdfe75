"""Where a text may be edited: protected spans, words, sentences and grapheme boundaries.

Here: reading a text. Not here: changing it (the families), where additions go (placement.py).
All offsets are code points. Results are cached per text, since every probe of an audit edits the same answers.
The character classes are written out, not taken from \\w, so that a newer Unicode table cannot move an edit.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from functools import lru_cache
from typing import Literal, NamedTuple

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

# Letters with their marks: Latin, every alphabet below U+2000 without its punctuation and format controls, joiners,
# keycap and enclosing marks, Hangul, variation selectors, half marks, Arabic presentation forms, supplementary
# scripts. Han and kana have no blanks between words and are left out.
_LETTERS = (
    "A-Za-z\u00aa\u00b5\u00ba\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02af\u0300-\u037d\u037f-\u0386\u0388-\u0559\u0560-\u0588"
    "\u058b-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7-\u05f2\u0610-\u061a\u0620-\u065f\u066e-\u06d3\u06d5-\u06dc\u06de-\u06ff"
    "\u070f-\u0963\u0966-\u096f\u0971-\u0e4e\u0e50-\u0e59\u0e5c-\u1049\u1050-\u135f\u1369-\u166d\u166f-\u17d3\u17d7"
    "\u17db-\u17ff\u180b-\u1fff\u200c\u200d\u20d0-\u20ff\u2c00-\u2dff\ua640-\ua8ff\ua900-\uabff\uac00-\ud7ff\ufb50-\ufd3d"
    "\ufd50-\ufdff\ufe00-\ufe0f\ufe20-\ufe2f\ufe70-\ufefc\U00010000-\U0001efff"
)
_HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_MONTH = (
    "(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?|Oct(?:ober)?"
    "|Nov(?:ember)?|Dec(?:ember)?)"
)
# the names of a citation: capitals, initials, "and", "et al."
_AUTHORS = r"[A-Z][A-Za-zÀ-ɏ'’\-]{1,30}(?:(?:,? (?:and|&)|,)? (?:[A-Z][A-Za-zÀ-ɏ'’.\-]{0,30}|et al\.?)){0,6}"
_URL_END = r"[^\s<>\"`\]|，。；！？、）】》”.,;:!?)'*_]"  # a URL does not end in the punctuation of its sentence
_TAIL = r"(?:[.\-/]?[A-Za-z\d_])*+"  # a separator counts only inside a name, so a full stop after it stays free

# Every alternative starts with a literal or a class where it can, which lets the engine skip it by one character, and
# none runs past a second opening mark of its own kind, so that hostile text costs linear time.
_BLOCK = (
    r"^[ \t]*\|[^\n]*\|[ \t]*\r?$",  # table row
    r"^(?: {4}|\t)[ \t]*+(?![-*+•>\d])[^\n]*[=(){};#][^\n]*$",  # indented code
    r"^[^\n]*(?:\{|\);)[ \t]*\r?$",  # code without a fence
    r"^[ \t]*\}[^\n]{0,20}$",
    r"^[ \t]*(?:(?:def|class) [A-Za-z_][^\n]*:[ \t]*\r?$|import [a-z_.]+[^\n]{0,40}$|from [A-Za-z_.]+ import [^\n]*$)",
    r"\$\$(?:[^$]|\$(?!\$)){1,4000}+\$\$",
    r"\\\[(?:[^\\]|\\(?![\[\]])){0,4000}+\\\]",
    r"\\begin\{(?P<env>[a-z]{1,20}\*?)\}[\s\S]{0,3000}?\\end\{(?P=env)\}",
    r"<!--(?:(?!-->|<!--)[\s\S]){0,4000}+-->",
)
_INLINE = (
    r"``(?:[^`\n]|`(?!`)){1,2000}+``",
    r"`[^`\n]+`",
    r"\$(?=[^\s$])[^$\n]{1,400}+(?<=[^\s\\])\$(?!\d)",
    r"\\\((?:[^\\]|\\(?![()])){0,4000}+\\\)",
    r"\\[A-Za-z]+(?:\{[^{}\n]{0,300}\})*",
    r"</?[A-Za-z][^<>\n]{0,500}>",
    r"&#?[A-Za-z\d]{1,12};",
    r"\]\([^()\s]*(?:\([^()\s]*\)[^()\s]*)*(?: +\"[^\"\n]*\")?\)",  # target of a markdown link
    r"\[(?:\d{1,3}(?:(?:, ?|; ?|[-–])\d{1,3}){0,20}|\^[^\]\s]{1,40}|@[^\]\n]{1,200})\]",  # [1, 4-6], [^note], [@key]
    rf"\((?:(?:see|cf\.|e\.g\.,?) )?{_AUTHORS},? \d{{4}}[a-z]?(?:[,;] [^()\n]{{1,120}})?\)",  # (Smith et al., 2019)
    rf"[hH][tT]{{2}}[pP][sS]?://[^\s<>\"`\]|，。；！？、）】》”]*{_URL_END}",
    rf"[fF][tT][pP]://[^\s<>\"`\]|，。；！？、）】》”]*{_URL_END}",
    rf"[wW]{{3}}\.[^\s<>\"`\]|，。；！？、）】》”]*{_URL_END}",
    rf"\d{{1,2}}(?:st|nd|rd|th)?+ (?:of )?{_MONTH}\b(?:,? \d{{4}}\b)?",
    rf"(?=[JFMASOND]){_MONTH}\.? \d{{1,4}}(?:st|nd|rd|th)?\b(?:, \d{{4}}\b)?",
    r"[$€£¥] ?\d[A-Za-z\d_]*+(?:[.,:/\-–]\d[A-Za-z\d_]*+)*+(?: ?[%‰])?",
    r"\d[A-Za-z\d_]*+(?:[.,:/\-–^]\d[A-Za-z\d_]*+)*+(?: ?[%‰°])?",
)
_NAMES = (
    r"[A-Za-z\d_.+\-]{1,64}+@[A-Za-z\d-]{1,64}+(?:\.[A-Za-z\d-]{1,64}+)+",
    rf"[A-Za-z]++(?:[\d_]|-\d|\.[A-Za-z\d_]|\(\)){_TAIL}",  # a_name, GPT-4, os.path, e.g, call()
    r"[@#][A-Za-z_][A-Za-z\d_]*",
    rf"/[A-Za-z\d_.\-]++/{_TAIL}",
)
# Most of a text is plain words with a blank behind them: they are taken (`easy`) before the costlier names are tried.
_TOKEN = re.compile(
    rf"(?P<block>{'|'.join(_BLOCK)})|(?P<inline>{'|'.join(_INLINE)})|(?P<easy>[A-Za-z]++(?=[ ,;\n]))"
    rf"|(?P<name>{'|'.join(_NAMES)})|(?P<word>[{_LETTERS}]++(?:['’][{_LETTERS}]++)*+)",
    re.MULTILINE,
)
# A fence that is never closed runs to the end, as in markdown.
_FENCE = re.compile(
    r"^[ \t>]*(?P<mark>`{3,}+(?=[^`\n]*(?:\n|\Z))|~{3,}+)[^\n]*(?:\n[\s\S]*?^[ \t>]*(?P=mark)[`~]*[ \t]*\r?$|[\s\S]*)",
    re.MULTILINE,
)

# A block of settings before the text, as static site generators write it; the first line must be a key.
_FRONT_MATTER = re.compile(
    r"(?P<mark>---|\+\+\+)[ \t]*\r?\n(?=[A-Za-z_][\w-]*[ \t]*[:=])[\s\S]{0,4000}?\n(?P=mark)[ \t]*\r?$", re.M
)
# A table whose rows have no bar at their ends: known by the line of dashes under its head.
_BARE_TABLE = re.compile(
    r"^[^\n|]*\|[^\n]*\n[ \t]*:?-{2,}:?[ \t]*(?:\|[ \t]*:?-{2,}:?[ \t]*)++\r?$(?:\n[^\n|]*\|[^\n]*$)*", re.MULTILINE
)


class Analysis(NamedTuple):
    """What `analyse` found, each tuple sorted and without overlaps.

    `protected` holds all that an edit must leave alone; `blocks` those of them that fill whole lines (fenced code,
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
    """Front matter, fences and tables without outer bars: found first, since they hide what is inside."""
    found: list[Span] = []
    if text.startswith(("---", "+++")) and (front := _FRONT_MATTER.match(text)):
        found.append(front.span())
    if "```" in text or "~~~" in text:
        found += (m.span() for m in _FENCE.finditer(text, found[-1][1] if found else 0))
    if "--" in text and "|" in text:
        fences = tuple(found)
        found += [m.span() for m in _BARE_TABLE.finditer(text) if not inside(fences, *m.span())]
        found.sort()
    return found


@lru_cache(maxsize=4096)
def analyse(text: str) -> Analysis:
    """Split `text` into protected spans and words.

    Protected: fenced, indented and inline code, front matter, URLs, e-mail addresses, numbers (decimals, thousands,
    percentages, dates, amounts, ordinals), citations ([3], [@key], (Smith et al., 2019)), maths ($...$, $$...$$,
    \\(...\\), \\[...\\], LaTeX commands), link targets, HTML tags and comments, tables, identifiers, paths, @names
    and #tags.
    """
    protected: list[Span] = []
    blocks: list[Span] = []
    words: list[Span] = []
    at = 0
    for fence in [*_fixed_blocks(text), (len(text), len(text))]:
        for match in _TOKEN.finditer(text, at, fence[0]):
            kind = match.lastgroup
            if kind == "easy" or (kind == "word" and not _extends(text[match.start()])):
                words.append(match.span())
            elif kind == "block":
                blocks.append(_trimmed(text, match.span()))
                protected.append(blocks[-1])
            elif kind != "word":  # marks without a letter belong to an emoji or the like
                protected.append(match.span())
        if fence[0] < fence[1]:
            blocks.append(_trimmed(text, fence))
            protected.append(blocks[-1])
        at = fence[1]
    return Analysis(tuple(protected), tuple(blocks), tuple(words))


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
    found: list[Span] = []
    for start, end in words:
        if found and not inside(protected, found[-1][1], start) and "\n" not in text[found[-1][1] : start]:
            found[-1] = (found[-1][0], end)
        else:
            found.append((start, end))
    return tuple(found)


_LETTER_OR_HAN = re.compile(rf"(?P<han>[{_HAN}])|(?P<kana>[\u3041-\u30ff])|[A-Za-z\u00c0-\u1fff\uac00-\ud7ff]++")


@lru_cache(maxsize=4096)
def language(text: str) -> Language | None:
    """ "zh" if `text` has more Han characters than words of other scripts, "en" otherwise, None without any letter.

    Code and other protected spans do not count. Japanese (kana) counts as other: no built-in text is in Japanese.
    """
    han = other = kana = 0
    at = 0
    for start, end in (*analyse(text).protected, (len(text), len(text))):
        for match in _LETTER_OR_HAN.finditer(text, at, start):
            group = match.lastgroup
            han += group == "han"
            kana += group == "kana"
            other += group is None
        at = end
    if han + kana + other == 0:
        return None
    return "zh" if han > other and kana * 5 < han else "en"


# Grapheme clusters (UAX #29), on the safe side: a place is refused if any rule might join the two sides. Beyond the
# standard, the vowels that Thai and Lao write before their consonant stay with it. scripts.py cuts whole texts.
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
_END_MARK = re.compile(r"(?<![.!?…])(?:[.!?]++|…++)[\"'”’)\]»*_]*+(?=\s|$)|[。！？｡।॥؟۔።។]++[”’」』）】》\"*_]*+")
_ABBREVIATED = (
    "dr mr mrs ms prof st vs e.g i.e eg ie etc cf fig figs eq eqs no nos approx inc ltd jr sr dept est vol pp p ed "
    "eds al gen col sgt rev hon gov sen rep u.s u.k u.n a.m p.m ph.d b.c a.d ca viz resp sec ch art def thm jan feb "
    "mar apr jun jul aug sep sept oct nov dec"
)
_ABBREVIATIONS = frozenset(_ABBREVIATED.split())
_HAS_LETTER = re.compile(rf"[{_LETTERS}{_HAN}\u3041-\u30ff]")


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
