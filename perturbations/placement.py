"""Where an addition goes: at the end of an answer, or after one of its sentences.

Additions never touch what is there: they come with the separator that keeps fences, tables and lists well formed.
"""

from __future__ import annotations

import re
from random import Random

from voirdire.harness.cases import Edit
from voirdire.perturbations.draws import pick
from voirdire.perturbations.spans import Language, analyse, inside, sentences

__all__ = ["append", "end_of", "insert_somewhere"]

_FINISHED = re.compile(r"[.!?。！？…][\"'”’)\]）」』*_]*\Z")


def end_of(text: str) -> int:
    """The offset behind the last character that is not white space; white space at the end stays at the end."""
    return len(text.rstrip())


def append(text: str, addition: str, lang: Language, *, paragraph: bool = False) -> Edit:
    """Add `addition` at the end: on the same line after a finished sentence of prose, else as a new paragraph."""
    end = end_of(text)
    if end == 0:
        return Edit(len(text), len(text), addition)
    found = sentences(text)
    in_prose = bool(found) and found[-1].end == end and found[-1].kind == "prose"
    if paragraph or not in_prose or not _FINISHED.search(text, max(0, end - 12), end):
        return Edit(end, end, "\n\n" + addition)
    return Edit(end, end, (" " if lang == "en" else "") + addition)


def insert_somewhere(text: str, addition: str, lang: Language, rng: Random) -> Edit:
    """Add `addition` after a random plain statement of at least 25 characters (12 in Chinese), or at the end."""
    shortest = 25 if lang == "en" else 12
    marks = (".", '."', ".”", ".)") if lang == "en" else ("。", "。”", "。）")
    protected = analyse(text).protected
    places = [
        s.end
        for s in sentences(text)
        if s.kind == "prose"
        and s.end - s.start >= shortest
        and text.endswith(marks, s.start, s.end)
        and not inside(protected, s.end)
    ]
    # The last statement counts as the end, and so does a text that has none: both get `append`'s separator.
    place = pick(rng, [*places[:-1], -1])
    if place < 0:
        return append(text, addition, lang)
    return Edit(place, place, (" " if lang == "en" else "") + addition)
