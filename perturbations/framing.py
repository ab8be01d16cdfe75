"""What is put before or around an answer: its opening, and the language its built-in words are in.

Here: where an opening goes. Not here: ends and places between sentences (placement.py), any particular words.
"""

from __future__ import annotations

import re

from voirdire.harness.cases import Edit
from voirdire.harness.errors import NotApplicable
from voirdire.perturbations.base import Place
from voirdire.perturbations.scripts import dominant_script
from voirdire.perturbations.spans import Language, analyse, sentences

__all__ = ["bank_language", "need_text", "prepend", "rounds", "words_language"]

_EMPTY_LINE = re.compile(r"[ \t]*\r?\n[ \t]*\r?\n")


def words_language(text: str, lang: Language, about: str = "this answer") -> Language:
    """`lang` if built-in words in it suit `text`; NotApplicable where `text` is in a script they have none for."""
    if lang == "zh" or dominant_script(text) in (None, "Latin"):
        return lang
    raise NotApplicable(f"the built-in words are English and Chinese, and {about} is in another script")


def bank_language(text: str, place: Place) -> Language:
    """The language of built-in words for an answer; one without letters ("42") goes by its question."""
    return words_language(text if dominant_script(text) else place.case.instruction_text, place.lang)


def need_text(text: str) -> None:
    """Raises NotApplicable for an answer of white space, about which nothing can be said."""
    if not text.strip():
        raise NotApplicable("the answer is empty")


def rounds(dose: float, most: int) -> int:
    """A dose that counts things: to the nearest whole number, at least 1, at most `most`."""
    return min(most, max(1, int(dose + 0.5)))


def prepend(text: str, opening: str, lang: Language, *, paragraph: bool = False) -> Edit:
    """Add `opening` at the start: before a sentence of prose on its line, else as a paragraph.

    Front matter stays first, since it would be none further down.
    """
    blocks = analyse(text).blocks
    if blocks and blocks[0][0] == 0 and text.startswith(("---", "+++")):
        end = blocks[0][1]
        parted = not text[end:].strip() or _EMPTY_LINE.match(text, end) is not None
        return Edit(end, end, f"\n\n{opening}" + ("" if parted else "\n"))
    start = len(text) - len(text.lstrip())
    found = sentences(text)
    in_prose = bool(found) and found[0].start == start and found[0].kind == "prose" and text[start].isalnum()
    if paragraph or not in_prose:
        return Edit(0, 0, f"{opening}\n\n")
    return Edit(start, start, opening + (" " if lang == "en" else ""))
