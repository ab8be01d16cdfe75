"""Slips of reasoning: a sum that does not add up, a number copied wrongly, another final answer.

Only what is right can be made wrong: an equation is changed where it holds, a number where it was copied from the
question, and the final answer where the label says that it is right (the plan sees to that).
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from fractions import Fraction
from random import Random

from voirdire.harness.cases import Edit
from voirdire.harness.errors import NotApplicable
from voirdire.perturbations.base import Place, perturbation
from voirdire.perturbations.degradation_places import (
    NUMERAL,
    code_and_links,
    other_number,
    plain_value,
    taken_numbers,
)
from voirdire.perturbations.doses import within_growth
from voirdire.perturbations.draws import pick, sample
from voirdire.perturbations.spans import Span, inside, sentences

__all__ = ["arithmetic", "copied_number", "final_answer"]

_FBI = "FBI, EMNLP 2024, arXiv:2406.13439"

# --- arithmetic

_PLAIN_NUMBER = r"(?:\d{1,3}(?:,\d{3})+|\d{1,9})(?:\.\d{1,6})?"
_NUMBER = rf"[$€£¥]?{_PLAIN_NUMBER}"
_SIGN = r"[ ]?(?:[+×·*/÷−–-]|\\times|\\cdot|\\div|(?<= )x(?= ))[ ]?"
_EQUATION = re.compile(
    rf"(?<![\w.,^/%)=+×·*÷−–-])(?<![+×·*/÷−–=-] )(?P<left>{_NUMBER}(?:{_SIGN}{_NUMBER}){{1,7}})"
    rf" ?= ?(?P<result>{_NUMBER})"
    r"(?![\d^/%(]|[.,]\d|[A-Za-z]| ?[+×·*÷−] ?\d)"
)
_TOKEN = re.compile(rf"(?P<number>{_NUMBER})|(?P<sign>[+×·*/÷−–x-]|\\times|\\cdot|\\div)")
_OPERATIONS: dict[str, Callable[[Fraction, Fraction], Fraction]] = {
    "+": operator.add, "-": operator.sub, "−": operator.sub, "–": operator.sub, "×": operator.mul, "·": operator.mul,
    "*": operator.mul, "x": operator.mul, "\\times": operator.mul, "\\cdot": operator.mul, "/": operator.truediv,
    "÷": operator.truediv, "\\div": operator.truediv,
}  # fmt: skip
_SUMS = ("+", "-", "−", "–")


def _value(numeral: str) -> Fraction:
    return Fraction(plain_value(numeral.lstrip("$€£¥")))


def _evaluated(expression: str) -> Fraction | None:
    """The value of a chain of operations, products before sums; None where it divides by zero."""
    terms: list[Fraction] = []
    sign = "+"
    for token in _TOKEN.finditer(expression):
        if token["sign"]:
            sign = token["sign"]
        elif sign in _SUMS or not terms:
            value = _value(token["number"])
            terms.append(value if sign == "+" or not terms else -value)
        else:
            value = _value(token["number"])
            if value == 0 and _OPERATIONS[sign] is operator.truediv:
                return None
            terms[-1] = _OPERATIONS[sign](terms[-1], value)
    return sum(terms, Fraction(0))


@perturbation(
    "degradation.arithmetic",
    claim="degrading",
    summary="Gives a calculation that is right a wrong result.",
    source=_FBI,
    plants_error=True,
)
def arithmetic(text: str, place: Place) -> list[Edit]:
    kept = code_and_links(text)
    results = [
        m.span("result")
        for m in _EQUATION.finditer(text)
        if not inside(kept, *m.span()) and _evaluated(m["left"]) == _value(m["result"])
    ]
    if not results:
        raise NotApplicable("this answer has no calculation whose result can be checked")
    count = max(1, int(place.dose + 0.5))
    return within_growth(text, _miscounted(text, sample(place.rng, results, count), place))


def _miscounted(text: str, places: list[Span], place: Place) -> list[Edit]:
    taken = taken_numbers(place)
    edits: list[Edit] = []
    for start, end in places:
        start += text[start] in "$€£¥"
        wrong = other_number(text[start:end], taken, place.rng)
        if wrong is not None:
            taken.add(plain_value(wrong))
            edits.append(Edit(start, end, wrong))
    if not edits:
        raise NotApplicable("every number near enough to be mistaken for this one is shown already")
    return edits


# --- copied numbers


@perturbation(
    "degradation.copied-number",
    claim="degrading",
    summary="Copies a number of the question wrongly, at the first place that repeats it.",
    source=_FBI,
    plants_error=True,
)
def copied_number(text: str, place: Place) -> list[Edit]:
    asked = {plain_value(m.group()) for m in NUMERAL.finditer(place.case.instruction_text)} - {"0", "1"}
    kept = code_and_links(text)
    first: dict[str, Span] = {}
    for match in NUMERAL.finditer(text):
        value = plain_value(match.group())
        if value in asked and not inside(kept, *match.span()) and not _counts_the_text(text, match):
            first.setdefault(value, match.span())
    if not first:
        raise NotApplicable("this answer repeats no number of the question")
    count = max(1, int(place.dose + 0.5))
    return within_growth(text, _miscounted(text, sample(place.rng, list(first.values()), count), place))


_MARK_BEFORE = re.compile(
    r"(?:^|\n)[ \t>*_#(（]*\Z|\b(?:step|case|part|question|option|figure|table) \Z", re.IGNORECASE
)


def _counts_the_text(text: str, match: re.Match[str]) -> bool:
    """Is it a list mark or the number of a step?"""
    return _MARK_BEFORE.search(text, max(0, match.start() - 12), match.start()) is not None


# --- final answers

_LETTER = r"\(?(?P<letter>[A-J])\)?(?![A-Za-z'’])"
_ANSWER_IS = (
    r"(?:(?i:(?:final |correct |right |best )?(?:answer|option|choice)(?: is| would be)?)"
    r"|答案(?:是|为|选)?|故选|应选|选择?)[ :：=*_]{0,6}(?i:option |choice )?[*_(（“\"]{0,3}"
)
_LETTER_ANSWER = re.compile(rf"{_ANSWER_IS}{_LETTER}")
_BOXED_LETTER = re.compile(r"\\boxed\{(?:\\text\{)?\(?(?P<letter>[A-J])\)?\}?\}")
_NUMBER_ANSWER = re.compile(
    rf"(?:{_ANSWER_IS}[$€£¥\\]?|\\boxed\{{[$€£¥]?)(?P<number>-?{_PLAIN_NUMBER})(?![\d.,]*\d|\^)"
)
# GSM8K's mark ends the text, the number alone behind it; elsewhere four hashes are a heading ("#### 1. The charge").
_LAST_LINE_ANSWER = re.compile(rf"^####[ ]?[$€£¥]?(?P<number>-?{_PLAIN_NUMBER})\s*\Z", re.MULTILINE)
# "I" and "A" are words too ("the best choice I can offer"): behind the letter of an option stands a mark, a line's
# end or Chinese.
_NO_WORD = re.compile(r"[ \t]*(?:[^\w\s]|_|\n|\Z)|[\u3400-\u9fff]")
_OPTIONS = re.compile(r"(?:^|[\s(（。？，；：:])(?P<letter>[A-J])[).、．:：]", re.MULTILINE)
_OPPOSITE_ANSWERS = {
    "Yes": "No", "No": "Yes", "True": "False", "False": "True", "Correct": "Incorrect", "Incorrect": "Correct",
    "是的": "不是", "不是": "是的", "正确": "错误", "错误": "正确", "对": "错", "错": "对",
}  # fmt: skip
_PLAIN_ANSWER = re.compile(
    rf"[ \t*_]*(?:(?i:answer)[:：][ *_]*)?(?P<word>{'|'.join(_OPPOSITE_ANSWERS)})(?=[*_]*[,.!:;，。！：；\n]|[*_]*\Z)"
)
_ASKS_AMOUNT = re.compile(
    r"\b(?:how (?:many|much|long|old|far|tall|fast|often|big)|calculate|compute"
    r"|what (?:is|was|are|were|will)[^.?]{0,40}(?:average|speed|number|total|amount|price|cost|value|sum|area|volume"
    r"|distance|probability|percentage))\b"
    r"|多少|几|计算|求",
    re.IGNORECASE,
)


@perturbation(
    "degradation.final-answer",
    claim="degrading",
    summary="Keeps the reasoning and changes the final answer: a number, an option, yes or no.",
    source=f"{_FBI}; CALM, arXiv:2410.02736",
    plants_error=True,
)
def final_answer(text: str, place: Place) -> list[Edit]:
    for find in (_other_letter, _other_final_number, _opposite_answer, _other_last_number):
        edit = find(text, place)
        if edit is not None:
            return within_growth(text, [edit])
    raise NotApplicable("this answer does not end on a number, an option, yes or no")


def _found(pattern: re.Pattern[str], text: str, group: str) -> list[Span]:
    kept = code_and_links(text)
    return [m.span(group) for m in pattern.finditer(text) if not inside(kept, *m.span(group))]


def _other_letter(text: str, place: Place) -> Edit | None:
    offered = {m["letter"] for m in _OPTIONS.finditer(place.case.instruction_text)}
    if len(offered) < 2:
        offered = set()
    named = [s for s in _found(_LETTER_ANSWER, text, "letter") if _names_option(text, s, offered)]
    found = _found(_BOXED_LETTER, text, "letter") or named
    if not found:
        return None
    start, end = found[-1]
    return Edit(start, end, pick(place.rng, sorted((offered or set("ABCD")) - {text[start:end]})))


def _names_option(text: str, span: Span, offered: set[str]) -> bool:
    letter = text[span[0] : span[1]]
    return letter not in "AI" or letter in offered or _NO_WORD.match(text, span[1]) is not None


def _other_final_number(text: str, place: Place) -> Edit | None:
    found = _found(_LAST_LINE_ANSWER, text, "number") or _found(_NUMBER_ANSWER, text, "number")
    span = found[-1] if found else None
    return None if span is None else _number_edit(text, span, place, place.rng)


def _number_edit(text: str, span: Span, place: Place, rng: Random) -> Edit | None:
    start, end = span
    start += text[start] == "-"
    wrong = other_number(text[start:end], taken_numbers(place), rng)
    return None if wrong is None else Edit(start, end, wrong)


def _opposite_answer(text: str, place: Place) -> Edit | None:  # noqa: ARG001 - one of four of a kind
    match = _PLAIN_ANSWER.match(text)
    return None if match is None else Edit(*match.span("word"), _OPPOSITE_ANSWERS[match["word"]])


def _other_last_number(text: str, place: Place) -> Edit | None:
    """The last number of the last sentence that has one, where the question asks for an amount."""
    if not _ASKS_AMOUNT.search(place.case.instruction_text):
        return None
    kept = code_and_links(text)
    for start, end, kind in reversed(sentences(text)):
        found = [m.span() for m in NUMERAL.finditer(text, start, end) if not inside(kept, *m.span())]
        if found and kind != "heading":
            return _number_edit(text, found[-1], place, place.rng)
    return None
