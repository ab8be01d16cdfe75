"""An edit set cut into units that can be left out one by one: edits, or the words inside them.

Any subset of the units of an edit set is an edit set again, and all units together are the edits they came from.
Not here: which subset still does its work (reduction.py, minimise.py).
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import NamedTuple

from voirdire.harness.cases import Edit
from voirdire.perturbations.spans import Span, analyse, boundary, inside

__all__ = ["Unit", "by_edit", "by_word", "edits_of", "words"]

# Scripts written without blanks between words: each character may be left out (combined ones stay whole).
_UNSPACED = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3041-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)
_CHUNK = re.compile(r"\S+")
_OPENING = ("Ps", "Pi")
#: a replacement with more word pairs than this stays one unit: comparing takes time by their product
_MOST_PAIRS = 250_000


class Unit(NamedTuple):
    """A part of edit number `parent`. A word of an insertion carries the white space in front of it as `gap`."""

    parent: int
    edit: Edit
    gap: str = ""
    of_insertion: bool = False


def words(text: str) -> list[Span]:
    """The words of `text` with their punctuation, in order; white space belongs to none.

    Chinese, Japanese, Thai and their like are cut between characters. Nothing is cut inside a combined character, nor
    inside inline code, a number, a URL or a formula.
    """
    protected, blocks, _ = analyse(text)
    whole = tuple(span for span in protected if span not in set(blocks))
    found: list[Span] = []
    for chunk in _CHUNK.finditer(text):
        start, end = chunk.span()
        if _UNSPACED.search(text, start, end):
            for at in range(start + 1, end):
                if _may_cut(text, at) and not inside(whole, at):
                    found.append((start, at))
                    start = at
        found.append((start, end))
    return found


def _may_cut(text: str, at: int) -> bool:
    """Between two characters of one chunk: next to a script without blanks, but not before its punctuation."""
    before, after = text[at - 1], text[at]
    if not (_UNSPACED.match(before) or _UNSPACED.match(after) or unicodedata.category(after) in _OPENING):
        return False
    if unicodedata.category(before) in _OPENING:
        return False
    return (after.isalnum() or unicodedata.category(after) in _OPENING) and boundary(text, at)


def by_edit(edits: Sequence[Edit]) -> list[Unit]:
    """One unit an edit."""
    return [Unit(number, edit) for number, edit in enumerate(edits)]


def by_word(source: str, edits: Iterable[Edit]) -> list[Unit]:
    """One unit a word: each inserted, deleted or replaced word of `edits` (of the text `source`) by itself."""
    units: list[Unit] = []
    for number, edit in enumerate(edits):
        units += _split(source, number, edit)
    return units


def _split(source: str, number: int, edit: Edit) -> list[Unit]:
    old = source[edit.start : edit.end]
    if not old:
        return _inserted(number, edit)
    before, after = _pieces(old), _pieces(edit.text)
    if len(before) * len(after) > _MOST_PAIRS:
        return [Unit(number, edit)]
    places = [edit.start]
    for piece in before:
        places.append(places[-1] + len(piece))
    units = []
    for a, b, texts in _changes(before, after):
        for k, text in enumerate(texts):
            # texts of equal number are paired off word by word; otherwise all but one of the sides are empty
            left, right = (a + k, a + k + 1) if len(texts) == b - a else (a, b)
            units.append(Unit(number, Edit(places[left], places[right], text, edit.where)))
    return units


def _inserted(number: int, edit: Edit) -> list[Unit]:
    spans = words(edit.text)
    at = 0
    units = []
    for start, end in spans:
        word = Edit(edit.start, edit.end, edit.text[start:end], edit.where)
        units.append(Unit(number, word, edit.text[at:start], of_insertion=True))
        at = end
    return units or [Unit(number, edit)]


def _pieces(text: str) -> list[str]:
    """The words of `text`, each with the white space in front of it (the last with that behind it too)."""
    ends = [end for _, end in words(text)]
    if not ends:
        return [text] if text else []
    ends[-1] = len(text)
    return [text[a:b] for a, b in zip([0, *ends], ends, strict=False)]


def _changes(before: list[str], after: list[str]) -> Iterable[tuple[int, int, list[str]]]:
    """(first, last + 1 of the old words, new texts): one text an old word, or one text for all, or many for none."""
    for kind, a, b, c, d in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if kind == "equal":
            continue
        if kind == "delete":
            yield a, b, [""] * (b - a)
        elif kind == "insert" or b - a == d - c:
            yield a, b, after[c:d]
        else:
            yield a, b, ["".join(after[c:d])]


def edits_of(units: Iterable[Unit], originals: Sequence[Edit]) -> tuple[Edit, ...]:
    """The edits that `units` (in order) make; `originals` are the edits they were cut from.

    The words left of an insertion keep its white space at both ends, so that it still fits into its place.
    """
    made: list[Edit] = []
    for number, group in groupby(units, key=lambda unit: unit.parent):
        parts = list(group)
        if not parts[0].of_insertion:
            made += [unit.edit for unit in parts]
            continue
        whole = originals[number]
        lead = whole.text[: len(whole.text) - len(whole.text.lstrip())]
        tail = whole.text[len(whole.text.rstrip()) :]
        text = parts[0].edit.text + "".join(unit.gap + unit.edit.text for unit in parts[1:])
        made.append(Edit(whole.start, whole.end, lead + text + tail, whole.where))
    return tuple(made)
