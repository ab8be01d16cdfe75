"""Facts made wrong by one word: the unit of a number, a name, a word turned into its opposite. English and Chinese.

Each wrong word is one that the case shows nowhere, so that it cannot repair anything by accident, and is put wherever
the right one stood. Numbers are in wrong_numbers.py, negations in negation.py.
"""

from __future__ import annotations

import re
from functools import cache

from voirdire.harness.cases import Edit
from voirdire.harness.errors import NotApplicable
from voirdire.perturbations.base import Place, perturbation
from voirdire.perturbations.degradation_places import all_shown, code_and_links
from voirdire.perturbations.degradation_words import (
    CHINESE_NAMES,
    CHINESE_OPPOSITES,
    CHINESE_UNITS,
    ENGLISH_NAMES,
    ENGLISH_UNITS,
)
from voirdire.perturbations.doses import within_growth
from voirdire.perturbations.draws import pick, sample
from voirdire.perturbations.lexical import require_english, turned
from voirdire.perturbations.spans import Language, inside, sentences

__all__ = ["antonym", "entity", "unit"]

_FBI = "FBI, EMNLP 2024, arXiv:2406.13439"
_CHEN = "Humans or LLMs as the Judge, arXiv:2402.10669"
#: how many of the names closest in length a wrong one is drawn from
_CLOSEST = 5


def _alternatives(words: list[str]) -> str:
    return "|".join(re.escape(w) for w in sorted(words, key=lambda w: (-len(w), w)))


@cache
def _unit_pattern(lang: Language) -> re.Pattern[str]:
    if lang == "zh":
        return re.compile(rf"(?<=[\d多余几百千万亿]) ?(?P<unit>{_alternatives(list(CHINESE_UNITS))})")
    return re.compile(rf"(?<=\d)[ \u00a0-]?(?P<unit>{_alternatives(list(ENGLISH_UNITS))})(?![A-Za-z\d/²³^])")


# 万 and its kind count only behind a numeral: 千万 alone is an adverb (千万不能: by no means), 很多天 no number of days
_CHINESE_NUMBER = re.compile(r"[\d一二两三四五六七八九十几数][\d.,十百千万亿多余几]{0,15}[ ]?\Z")
_CHINESE_ADVERB = re.compile(r"千万(?=不|别|要|记|莫|勿|小心|注意|当心)")
#: characters of a number that are looked at
_LONGEST_NUMBER = 16


def _counted(text: str, match: re.Match[str]) -> bool:
    """Does a number stand before the Chinese unit?"""
    start, end = match.span("unit")
    if _CHINESE_ADVERB.search(text, max(0, start - 1), end + 2):
        return False
    return _CHINESE_NUMBER.search(text[max(0, start - _LONGEST_NUMBER) : start]) is not None


@perturbation(
    "degradation.unit",
    claim="degrading",
    summary="Gives numbers another unit (km, cm), wherever that unit stands.",
    source=_FBI,
    plants_error=True,
)
def unit(text: str, place: Place) -> list[Edit]:
    kept = code_and_links(text)
    places = [
        m.span("unit")
        for m in _unit_pattern(place.lang).finditer(text)
        if m.start("unit") > 0 and not inside(kept, *m.span("unit")) and (place.lang != "zh" or _counted(text, m))
    ]
    if not places:
        raise NotApplicable("no number of this answer has a unit to get wrong")
    units = ENGLISH_UNITS if place.lang == "en" else CHINESE_UNITS
    found = list(dict.fromkeys(text[a:b] for a, b in places))
    chosen = set(sample(place.rng, found, max(1, int(place.dose + 0.5))))
    return within_growth(text, [Edit(a, b, units[text[a:b]]) for a, b in places if text[a:b] in chosen])


@cache
def _name_pattern(lang: Language) -> tuple[re.Pattern[str], dict[str, tuple[str, ...]]]:
    """Finds any name of the tables, and says which names are of its kind."""
    kinds = ENGLISH_NAMES if lang == "en" else CHINESE_NAMES
    kind_of = {name: kind for kind in reversed(kinds) for name in kind}
    edge, end = (r"(?<![\w\-'’@#/.])", r"(?![\w\-/])") if lang == "en" else ("", "")
    return re.compile(rf"{edge}(?:{_alternatives(list(kind_of))}){end}"), kind_of


@perturbation(
    "degradation.entity",
    claim="degrading",
    summary="Puts another name of the same kind (a country, a person, a day) for one, wherever it stands.",
    source=f"{_FBI}; {_CHEN}",
    plants_error=True,
)
def entity(text: str, place: Place) -> list[Edit]:
    pattern, kind_of = _name_pattern(place.lang)
    kept = code_and_links(text)
    places = [m.span() for m in pattern.finditer(text) if not inside(kept, *m.span())]
    if not places:
        raise NotApplicable("this answer has no name of a place, person or day that could be mistaken for another")
    asked, shown = place.case.instruction_text, all_shown(place)
    names = list(dict.fromkeys(text[a:b] for a, b in places))
    # What the question names is its topic; what it does not name is what the answer says.
    own = [n for n in names if n not in asked] or names
    edits: list[Edit] = []
    for name in sample(place.rng, own, max(1, int(place.dose + 0.5))):
        others = sorted((n for n in kind_of[name] if n not in shown), key=lambda n: (abs(len(n) - len(name)), n))
        if others:
            wrong = pick(place.rng, others[:_CLOSEST])
            edits += [Edit(a, b, wrong) for a, b in places if text[a:b] == name]
            shown += wrong
    if not edits:
        raise NotApplicable("every name that could be mistaken for those of this answer is shown already")
    return within_growth(text, edits)


# "简单来说" (in short) is a phrase: what follows is the same whatever it says of itself
_CHINESE_WORD = re.compile(
    rf"(?<![不没非无未最])(?!简单(?:来说|来讲|地说|说来|说|介绍))(?:{_alternatives(list(CHINESE_OPPOSITES))})"
)


@perturbation(
    "degradation.antonym",
    claim="degrading",
    summary="Turns one or two words into their opposite (increase, decrease).",
    source=f"{_FBI}; antonyms of WordNet 3.0",
    plants_error=True,
)
def antonym(text: str, place: Place) -> list[Edit]:
    if place.lang == "zh":
        groups = _chinese_opposites(text)
    else:
        require_english(text)
        groups = turned(text)
    if not groups:
        raise NotApplicable("no word of this answer has a plain opposite")
    count = max(1, int(2 * place.dose + 0.5)) if len(sentences(text)) >= 4 or place.dose > 1 else 1
    return within_growth(text, [pick(place.rng, group) for group in sample(place.rng, groups, count)])


def _chinese_opposites(text: str) -> tuple[tuple[Edit, ...], ...]:
    """The edits for each sentence that has a word with an opposite."""
    kept = code_and_links(text)
    groups: list[tuple[Edit, ...]] = []
    for start, end, kind in sentences(text):
        group = tuple(
            Edit(*m.span(), CHINESE_OPPOSITES[m.group()])
            for m in _CHINESE_WORD.finditer(text, start, end)
            if not inside(kept, *m.span())
        )
        if group and kind != "heading" and text[end - 1] not in "?？":
            groups.append(group)
    return tuple(groups)
