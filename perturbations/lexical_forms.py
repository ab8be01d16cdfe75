"""The same words in another form: contracted or in full, numbers in words or in figures; English only.

Where a form could stand for two things ("he'd", "it's gone", "one") it is left alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from voirdire.harness.cases import Edit
from voirdire.harness.errors import NotApplicable
from voirdire.perturbations.base import Place, perturbation
from voirdire.perturbations.doses import count_of
from voirdire.perturbations.draws import sample
from voirdire.perturbations.lexical import require_english, within_reach
from voirdire.perturbations.lexical_words import CONTRACTED, CONTRACTED_NOT, EXPANDED_NOT, NUMBER_WORDS
from voirdire.perturbations.spans import analyse, inside

__all__ = ["contract", "expand", "numbers_to_figures", "numbers_to_words"]

_SOURCE = "CheckList, arXiv:2005.04118"

# --- contractions

# The patterns begin with a literal, which makes the search fast; the word in front is looked up afterwards.
_SHORT_END = re.compile(r"['’](?P<end>t|m|re|ve|ll|s)\b(?!['’])", re.IGNORECASE)
_SECOND_WORD = re.compile(r" (?P<second>not|am|are|is|have|will)\b(?!['’])")
_CANNOT = re.compile(r"[Cc]annot\b")
_FIRST_WORD = re.compile(r"(?<![\w'’\-])[A-Za-z]+\Z")
_AUXILIARIES = {"m": "am", "re": "are", "ve": "have", "ll": "will"}
_HIDING_TWO = frozenset(("it", "that", "there", "he", "she"))
_WHO = _HIDING_TWO | {"i", "you", "we", "they"}
# Behind "it's" a participle may mean "has"; these words say that it is "is".
_SURELY_IS = re.compile(
    r" (?:a|an|the|not|also|very|so|too|now|still|just|only|important|possible|easy|hard|best|clear|like|in|on|at"
    r"|about)\b"
)
# In a question "n't" stands before the subject, where "not" cannot.
_SUBJECT_NEXT = re.compile(
    r" (?:i|you|we|they|he|she|it|this|that|there|the|a|an|my|your|his|her|our|their)\b", re.IGNORECASE
)
_CLAUSE_BEGINS = re.compile(r"[.!?;:,\n\"“(>*_\-][ \t]*\Z")
_ASKED = re.compile(r"\b(?:why|how|what|where|when|who) \Z", re.IGNORECASE)
# "not only ... but" and "not to" belong together.
_NOT_A_UNIT = re.compile(r" (?:only|just|merely|necessarily|to)\b", re.IGNORECASE)
# "how good it is that", "what they are": the verb bears the stress, and cannot be shortened.
_STRESSED_BEHIND = re.compile(r"\b(?:what|how|who|where|than|as|whatever|so|if|that)(?: \w+)? \Z", re.IGNORECASE)
_STRESSED_BEFORE = re.compile(r" (?:that|to|or|and|if|when|because|in|not)\b", re.IGNORECASE)
_WORD_NEXT = re.compile(" [a-z]")
# "have" is an auxiliary only before a participle; as a verb ("we have time", "do you have") it is not contracted.
_PARTICIPLE_NEXT = re.compile(
    r" (?:(?:already|also|always|just|never|not|now|only|often|recently|since|yet) )?(?:[a-z]+(?<!e)ed|been|become"
    r"|begun|broken|brought|built|bought|chosen|come|done|drawn|driven|fallen|felt|forgotten|found|given|gone|got|gotten|grown"
    r"|had|heard|held|kept|known|learnt|left|lost|made|meant|met|paid|put|read|run|said|seen|sent|set|shown|spent|spoken"
    r"|stood|taken|taught|thought|told|understood|won|worn|written)\b"
)
_ASKS_OR_MAY = re.compile(
    r"\b(?:do|does|did|don['’]t|doesn['’]t|didn['’]t|will|would|can|could|shall|should|may|might|must|to|that|which|what"
    r"|who) \Z",
    re.IGNORECASE,
)


def _word_before(text: str, at: int) -> tuple[int, str]:
    """Start and text, in small letters, of the whole word that ends at `at`; (at, "") if there is none."""
    found = _FIRST_WORD.search(text, max(0, at - 12), at)
    return (found.start(), found.group().lower()) if found else (at, "")


def _like(source: str, text: str) -> str:
    """`text` with the capital of `source`."""
    return text[0].upper() + text[1:] if source[0].isupper() else text


def _expansions(text: str) -> Iterator[Edit]:
    for match in _SHORT_END.finditer(text):
        end = match["end"].lower()
        start, who = _word_before(text, match.start())
        full = EXPANDED_NOT.get(f"{who}'t") if end == "t" else _expanded_verb(text, who, end, match.end())
        if full is None or (end == "t" and _asks(text, start, match.end())):
            continue
        yield Edit(start, match.end(), _like(text[start], full))


def _asks(text: str, start: int, end: int) -> bool:
    """Is the "n't" of [start, end) that of a question?"""
    if _ASKED.search(text, max(0, start - 6), start):
        return True
    begins = start == 0 or _CLAUSE_BEGINS.search(text, max(0, start - 6), start)
    return bool(begins and _SUBJECT_NEXT.match(text, end))


def _expanded_verb(text: str, who: str, end: str, after: int) -> str | None:
    if who not in _WHO or (end == "s" and not (who in _HIDING_TWO and _SURELY_IS.match(text, after))):
        return None
    return f"{'I' if who == 'i' else who} {_AUXILIARIES.get(end, 'is')}"


def _contractions(text: str) -> Iterator[Edit]:
    for match in _CANNOT.finditer(text):
        if _word_before(text, match.end())[0] == match.start() and not _NOT_A_UNIT.match(text, match.end()):
            yield Edit(match.start(), match.end(), _like(match.group(), CONTRACTED_NOT["can"]))
    for match in _SECOND_WORD.finditer(text):
        start, first = _word_before(text, match.start())
        if match["second"] == "not":
            short = None if _NOT_A_UNIT.match(text, match.end()) else CONTRACTED_NOT.get(first)
        else:
            short = CONTRACTED.get(f"{first} {match['second']}")
            if short and not _unstressed(text, start, match.end(), match["second"]):
                short = None
        if short:
            yield Edit(start, match.end(), _like(text[start], short))


def _unstressed(text: str, start: int, end: int, verb: str) -> bool:
    if not _WORD_NEXT.match(text, end) or _STRESSED_BEFORE.match(text, end):
        return False
    if verb == "have" and (
        not _PARTICIPLE_NEXT.match(text, end) or _ASKS_OR_MAY.search(text, max(0, start - 12), start)
    ):
        return False
    return not _STRESSED_BEHIND.search(text, max(0, start - 30), start)


def _some_of(text: str, edits: Iterator[Edit], place: Place, none: str) -> list[Edit]:
    """A share of `dose` of `edits`, all at dose 1; protected text and words in capitals are left out."""
    protected = analyse(text).protected
    fitting = [e for e in edits if not inside(protected, e.start, e.end) and text[e.start + 1 : e.end].islower()]
    if not fitting:
        raise NotApplicable(none)
    return within_reach(text, sample(place.rng, fitting, count_of(1.0, place.dose, len(fitting))))


@perturbation(
    "lexical.expand",
    claim="preserving",
    summary="Writes contractions in full (don't, do not).",
    source=_SOURCE,
)
def expand(text: str, place: Place) -> list[Edit]:
    require_english(text)
    return _some_of(text, _expansions(text), place, "this answer has no contraction")


@perturbation(
    "lexical.contract",
    claim="preserving",
    summary="Contracts what is often contracted (do not, don't).",
    source=_SOURCE,
)
def contract(text: str, place: Place) -> list[Edit]:
    require_english(text)
    return _some_of(text, _contractions(text), place, "this answer has nothing that is often contracted")


# --- numbers

_VALUES = {word: value for value, word in enumerate(NUMBER_WORDS)}
# In these, the word is more than a count, or only part of a number.
_NO_COUNT_BEHIND = re.compile(
    r"(?:\b(?:the|this|that|each|any|no|which|every|all|and|point|hundred|thousand|million|billion|one|or|by|to)"
    r"|\d) \Z",
    re.IGNORECASE,
)
_NO_COUNT_BEFORE = re.compile(
    r" (?:hundred|thousand|million|billion|trillion|dozen|point|and|or|to|of|times|percent|per|by|halves|thirds|fourths"
    r"|quarters)\b| \d",
    re.IGNORECASE,
)
# A whole number in prose, before the word it counts ...
_FIGURE = re.compile(r"(?<= )(?<![$€£¥#=+*/<>×−–:-] )\d{1,2}(?= [a-z]{4,})")
# ... behind no name that it belongs to ("step 3", "Windows 11", "June 12") and no other number ...
_NAMED = re.compile(
    r"(?:\b(?i:step|figure|fig\.|table|section|chapter|part|page|option|question|example|case|equation|no\.|number"
    r"|version|line|item|answer|level|type|class|day|week|room|top|is|are|equals|was|at|about|than"
    r"|between|grade)|\b[A-Z]\w*|\d|[(,]) \Z"
)
# ... and before no unit, month or operation.
_MEASURED = re.compile(
    r" (?:percent|percentage|degrees?|met(?:re|er)s?|kilo\w+|centi\w+|milli\w+|grams?|lit(?:re|er)s?|miles?|feet"
    r"|inch(?:es)?|yards?|pounds?|ounces?|dollars?|euros?|cents?|billion|trillion|thousand|hundred|times|plus|minus"
    r"|divided|multiplied|modulo|equals|squared|cubed|bits?|bytes?|volts?|watts?|amps?|seconds?|minutes?|hours?|points?"
    r"|moles?|joules?|newtons?|units?|from|into|with|then|than|that|and|january|february|march|april|june|july|august"
    r"|september|october|november|december)\b",
    re.IGNORECASE,
)


def _numbers_in_words(text: str) -> Iterator[tuple[int, int, int]]:
    """(start, end, value) of number words that are no part of a compound; "twenty-six" is one."""
    words = analyse(text).words
    for k, (start, end) in enumerate(words):
        value = _VALUES.get(text[start:end].lower())
        if value is None or text[start - 1 : start] in ("-", "'", "’"):
            continue
        before = text[slice(*words[k - 1])].lower() if k and text[words[k - 1][1] : start] == " " else ""
        if before in _VALUES and before != "one":  # "nineteen eighty-four" is one number
            continue
        if value >= 20 and k + 1 < len(words) and text[end : words[k + 1][0]] == "-":
            value = _VALUES.get(text[start : words[k + 1][1]].lower())
            end = words[k + 1][1]
        behind = next((text[a:b].lower() for a, b in words[k + 1 : k + 3] if a == end + 1), "")
        if value is not None and text[end : end + 1] not in ("-", "'", "’") and behind not in _VALUES:
            yield start, end, value


@perturbation(
    "lexical.words-to-figures",
    claim="preserving",
    summary="Writes small numbers in figures (twelve, 12).",
    source=_SOURCE,
)
def numbers_to_figures(text: str, place: Place) -> list[Edit]:
    require_english(text)
    found = (
        Edit(start, end, str(value))
        for start, end, value in _numbers_in_words(text)
        if value >= 2  # "one" is a pronoun as often as a number
        and not _NO_COUNT_BEFORE.match(text, end)
        and not _NO_COUNT_BEHIND.search(text, max(0, start - 12), start)
    )
    return _some_of(text, found, place, "this answer has no plain number in words")


@perturbation(
    "lexical.figures-to-words",
    claim="preserving",
    summary="Writes small numbers that count things in words (12 apples, twelve apples).",
    source=_SOURCE,
)
def numbers_to_words(text: str, place: Place) -> list[Edit]:
    require_english(text)
    protected = set(analyse(text).protected)
    found = [
        Edit(m.start(), m.end(), NUMBER_WORDS[int(m.group())])
        for m in _FIGURE.finditer(text)
        # the figure itself is protected as a number: anything longer that holds it is code, a date or the like
        if m.span() in protected
        and m.group()[0] != "0"
        and m.group() != "1"
        and not _MEASURED.match(text, m.end())
        and not _NAMED.search(text, max(0, m.start() - 12), m.start())
    ]
    if not found:
        raise NotApplicable("this answer has no small number in figures that counts things")
    return within_reach(text, sample(place.rng, found, count_of(1.0, place.dose, len(found))))
