"""White space that says nothing: blank lines, indentation, blanks, tabs, line endings.

Words and marks stay as they are, and so do code, tables and display maths with their own white space; only
`layout.crlf` reaches into them, since a file has one kind of line ending. The markdown structure stays too: lines keep
their order and relative depth, and no text becomes code.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import pairwise

from voirdire.harness.cases import Edit
from voirdire.harness.errors import NotApplicable
from voirdire.perturbations.base import Place, perturbation
from voirdire.perturbations.doses import count_of, within_growth
from voirdire.perturbations.draws import sample
from voirdire.perturbations.spans import Span, analyse, boundary, inside, sentences

__all__ = [
    "blank_lines",
    "collapsed",
    "crlf",
    "double_blanks",
    "indentation",
    "no_break_blanks",
    "sentence_lines",
    "tabs",
    "trailing_blanks",
]

_SOURCE = "Judge Reliability Harness, arXiv:2603.05399; reWordBench, arXiv:2503.11751"
#: share of the blanks between words that are changed at dose 1
_RATE = 0.10
_ONE_LINE = "the answer has only one line"


# --- lines

_BREAK = re.compile(r"\r?\n")
_BLANK_LINES = re.compile(r"(?<=\n)(?:[ \t]*\r?\n)+(?=[^\n])")
_LINE = re.compile(r"[^\n]+")
_INDENT = "  "  # four would make code of prose


@lru_cache(maxsize=4096)
def _breaks(text: str) -> tuple[Span, ...]:
    """The line breaks between two lines of which at least one is free, blocks left out."""
    blocks = analyse(text).blocks
    end = len(text.rstrip())
    start = len(text) - len(text.lstrip())
    return tuple(m.span() for m in _BREAK.finditer(text, start, end) if not inside(blocks, *m.span()))


@lru_cache(maxsize=4096)
def _gaps(text: str) -> tuple[Span, ...]:
    """The line breaks behind which an empty line already stands, so that one more changes no structure."""
    return tuple((a, b) for a, b in _breaks(text) if text.startswith(("\n", "\r\n"), b))


@lru_cache(maxsize=4096)
def _lines(text: str) -> tuple[Span, ...]:
    """The lines with something in them, from the first mark to the last; lines of blocks left out."""
    blocks = analyse(text).blocks
    found: list[Span] = []
    for match in _LINE.finditer(text):
        line = match.group()
        start, end = match.start() + len(line) - len(line.lstrip()), match.start() + len(line.rstrip())
        if start < end and not inside(blocks, start, end):
            found.append((start, end))
    return tuple(found)


@lru_cache(maxsize=4096)
def _joints(text: str) -> tuple[Span, ...]:
    """What stands between two sentences of one line of prose."""
    return tuple(
        (a.end, b.start)
        for a, b in pairwise(sentences(text))
        if a.kind == b.kind == "prose" and text[a.end : b.start] in ("", " ") and not _STRUCTURE.match(text, b.start)
    )


@perturbation(
    "layout.blank-lines",
    claim="preserving",
    summary="Puts two more empty lines between paragraphs, or one between the sentences of a single paragraph.",
    source=_SOURCE,
)
def blank_lines(text: str, place: Place) -> list[Edit]:
    gaps = _gaps(text)
    joints = _joints(text)
    if gaps:
        chosen = sample(place.rng, gaps, count_of(1.0, place.dose, len(gaps)))
        return within_growth(text, [Edit(end, end, 2 * text[start:end]) for start, end in chosen])
    if not joints:
        raise NotApplicable("the answer has neither two paragraphs nor two sentences to part")
    chosen = sample(place.rng, joints, count_of(1.0, place.dose, len(joints)))
    return within_growth(text, [Edit(a, b, "\n\n") for a, b in chosen])


@perturbation(
    "layout.collapsed",
    claim="preserving",
    summary="Leaves out the empty lines between paragraphs.",
    source=_SOURCE,
)
def collapsed(text: str, place: Place) -> list[Edit]:
    blocks = analyse(text).blocks
    end = len(text.rstrip())
    found = [
        m.span()
        for m in _BLANK_LINES.finditer(text, 0, end)
        if m.end() < end and not inside(blocks, *m.span()) and not _parts_blocks(text, *m.span())
    ]
    if not found:
        raise NotApplicable("no empty line stands between two paragraphs")
    return [Edit(a, b, "") for a, b in sample(place.rng, found, count_of(1.0, place.dose, len(found)))]


_STRUCTURE = re.compile(r"[ \t]*(?:[-*+•|#>`~$<\\=]|\d+[.)])")

_UNDERLINE_OR_BLOCK = re.compile(r"[ \t]*(?:[|$=\\]|-{2,})| {4}|\t")


def _parts_blocks(text: str, start: int, end: int) -> bool:
    """Would a list, table, quotation or the like grow into its neighbour without the empty lines [start, end)?"""
    before = text.rfind("\n", 0, start - 1) + 1
    unlike = (_STRUCTURE.match(text, before) is None) != (_STRUCTURE.match(text, end) is None)
    return unlike or _UNDERLINE_OR_BLOCK.match(text, end) is not None


@perturbation(
    "layout.indentation",
    claim="preserving",
    summary="Indents every line by two blanks.",
    source=_SOURCE,
)
def indentation(text: str, place: Place) -> list[Edit]:
    if any(text[start] in " \t" for start, _ in analyse(text).blocks):
        raise NotApplicable("some lines are indented code, which would no longer stand as far in as they did")
    found = [text.rfind("\n", 0, start) + 1 for start, _ in _lines(text)]
    if not found:
        raise NotApplicable("every line of this answer is code or a table")
    if place.dose < 1 and any(text[at] in " \t" for at in found):
        raise NotApplicable("some lines are indented already, so only all of them can be")  # or sub-items move up
    chosen = sample(place.rng, found, count_of(1.0, place.dose, len(found)))
    return within_growth(text, [Edit(at, at, _INDENT) for at in chosen])


@perturbation(
    "layout.trailing-blanks",
    claim="preserving",
    summary="Puts a blank at the end of every line.",
    source=_SOURCE,
)
def trailing_blanks(text: str, place: Place) -> list[Edit]:
    # two blanks at the end of a line would be a line break in markdown
    found = [end for _, end in _lines(text) if end == len(text) or text[end] in "\r\n"]
    if not found:
        raise NotApplicable("no line of this answer ends without a blank")
    chosen = sample(place.rng, found, count_of(1.0, place.dose, len(found)))
    return within_growth(text, [Edit(at, at, " ") for at in chosen])


@perturbation(
    "layout.crlf",
    claim="preserving",
    summary="Ends lines as Windows does, with carriage return and line feed.",
    source="reWordBench, arXiv:2503.11751; our edit",
)
def crlf(text: str, _: Place) -> list[Edit]:
    found = [m.start() for m in re.finditer(r"(?<!\r)\n", text)]
    if not found:
        raise NotApplicable(_ONE_LINE)
    return within_growth(text, [Edit(at, at, "\r") for at in found])


@perturbation(
    "layout.sentence-lines",
    claim="preserving",
    summary="Begins a new line with every sentence.",
    source=_SOURCE,
)
def sentence_lines(text: str, place: Place) -> list[Edit]:
    found = _joints(text)
    if not found:
        raise NotApplicable("no line of prose holds two sentences")
    return [Edit(a, b, "\n") for a, b in sample(place.rng, found, count_of(1.0, place.dose, len(found)))]


# --- blanks between words

_BLANK = re.compile(r"(?<=\S) (?=\S)")


@lru_cache(maxsize=4096)
def _blanks(text: str) -> tuple[int, ...]:
    """The single blanks between two words of a line, none behind a list mark or in anything protected."""
    protected = analyse(text).protected
    found: list[int] = []
    for start, end in _lines(text):
        mark = _STRUCTURE.match(text, start, end)
        first = text.find(" ", mark.end() if mark else start, end)
        found += (
            m.start()
            for m in _BLANK.finditer(text, start, end)
            if not (mark and m.start() == first)
            and not inside(protected, m.start(), m.end())
            and boundary(text, m.end())
        )
    return tuple(found)


def _some_blanks(text: str, place: Place) -> list[int]:
    found = _blanks(text)
    if not found:
        raise NotApplicable("no blank stands between two words of this answer")
    return sample(place.rng, found, count_of(_RATE, place.dose, len(found)))


@perturbation(
    "layout.double-blanks",
    claim="preserving",
    summary="Doubles 10 % of the blanks between words.",
    source=_SOURCE,
)
def double_blanks(text: str, place: Place) -> list[Edit]:
    return within_growth(text, [Edit(at, at, " ") for at in _some_blanks(text, place)])


@perturbation(
    "layout.tabs",
    claim="preserving",
    summary="Writes a tab for 10 % of the blanks between words.",
    source=_SOURCE,
)
def tabs(text: str, place: Place) -> list[Edit]:
    return [Edit(at, at + 1, "\t") for at in _some_blanks(text, place)]


@perturbation(
    "layout.no-break-blanks",
    claim="preserving",
    summary="Writes a blank that forbids a line break for 10 % of the blanks between words.",
    source=_SOURCE,
)
def no_break_blanks(text: str, place: Place) -> list[Edit]:
    return [Edit(at, at + 1, "\u00a0") for at in _some_blanks(text, place)]
