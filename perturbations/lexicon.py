"""Reads data/lexicon.tsv, the synonyms and antonyms derived from WordNet, on first use.

scripts/make_lexicon.py makes the table and says how; data/WORDNET-LICENSE.txt is WordNet's licence. Nothing is ever
downloaded, and nltk is not needed.
"""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Literal, NamedTuple

__all__ = ["Entry", "PartOfSpeech", "lexicon"]

PartOfSpeech = Literal["v", "n", "a", "r"]


class Entry(NamedTuple):
    """One form of a word as one part of speech; replacements come in the same form, the usual ones first.

    `only_before`, `never_before` and `only_behind` hold neighbouring words, or marks; empty ones ask for nothing.
    `ambiguous`: the form is as likely another part of speech.
    """

    pos: PartOfSpeech
    synonyms: tuple[str, ...]
    antonyms: tuple[str, ...]
    only_before: frozenset[str]
    never_before: frozenset[str]
    only_behind: frozenset[str]
    ambiguous: bool


@cache
def lexicon() -> dict[str, tuple[Entry, ...]]:
    """Form in small letters -> its entries, one a part of speech; about 1,200 forms."""
    text = resources.files("voirdire.perturbations").joinpath("data/lexicon.tsv").read_text(encoding="utf-8")
    found: dict[str, tuple[Entry, ...]] = {}
    for line in text.splitlines():
        form, pos, *rest = line.split("\t")
        synonyms, antonyms, before, never, behind, ambiguous = (*rest, *[""] * (6 - len(rest)))
        entry = Entry(
            _POS[pos],
            tuple(synonyms.split(",")) if synonyms else (),
            tuple(antonyms.split(",")) if antonyms else (),
            frozenset(before.split()),
            frozenset(never.split()),
            frozenset(behind.split()),
            ambiguous == "?",
        )
        found[form] = (*found.get(form, ()), entry)
    return found


_POS: dict[str, PartOfSpeech] = {"v": "v", "n": "n", "a": "a", "r": "r"}
