"""Which number a reply gives: the words and forms of scores.

A number off the scale is no score; it is never clipped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from voirdire.harness.judges.parsing_candidates import (
    Candidate,
    Reader,
    Tier,
    Value,
    bracketed,
    from_json,
    key_start,
    labelled_tail,
    lone_lines,
    recent,
    starts_word,
)
from voirdire.harness.judges.parsing_context import Context, word_before
from voirdire.harness.judges.parsing_text import Text, lowered, plain, words
from voirdire.harness.verdicts import Scale

__all__ = ["SIGNED", "amount_at", "score_readers", "whole_number"]

_SPELLED = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_WORDS = {w: float(n) for n, w in enumerate(_SPELLED)}
SIGNED = r"[-+−]?(?:\d{1,6}(?:\.\d{1,6})?|\.\d{1,6})"
_NUMBER = rf"(?:{SIGNED}|(?:{'|'.join(_WORDS)})\b)"
_UNIT = r"(?:[ ]?(?:points?|stars?|marks?|分))?"
#: "/10", "out of 10", "(out of 10)", ", on a scale of 1 to 10", "(max 10)", "on a 10-point scale"
_OF = (
    r"(?:[ ]{0,2}[,;(\[–—-]?[ ]{0,2}(?:"
    r"(?:/|(?:out )?of(?: an?)?(?: (?:possible|maximum|total)(?: of)?)?|(?:on )?(?:an? |the )?scale(?: (?:of|from))?:?"
    r"|max(?:imum|\.)?(?: of|:)?|满分(?:为|是)?:?)[ ]{0,2}(?:\d{1,6}[ ]?(?:to|-|–)[ ]?)?(?P<of>\d{1,6}(?:\.\d{1,6})?)"
    r"|on (?:an? |the )(?P<points>\d{1,6})[- ]point))?"
)
_AMOUNT = re.compile(rf"(?P<number>{_NUMBER}){_UNIT}{_OF}{_UNIT}")
#: the number goes on, or is one end of a range, or is counted in something else, or is taken back at once
_GOES_ON = re.compile(
    r"[\w%/°]|[.,:]\d|[-+](?=[\s.,;)]|$)|[ ]{0,2}(?:[-–—−+~^×÷*=/→⇒>]{1,3}[ ]{0,2}[-+−]?\.?\d|%)"
    r"|[ ]{0,2}(?:to|or|and|vs|minus|plus|times)[ ]{1,2}[-+−]?\.?\d|[ ](?:percent|errors?|mistakes?|issues?)\b|\ue000"
    r"|[ ]{0,2}[.,;(–—-]{0,2}[ ]{0,2}"
    r"(?:no,|or rather|rather|or|actually|make (?:that|it)|scratch that|i mean|correction)"
    r"[ :,]{1,3}(?:it(?:'s| is)[ ]|an?[ ]|to[ ])?[-+−]?\.?\d"
    # "7, 8", "7 | 8", "7 8": two numbers where one was asked for
    rf"|(?:[ ]{{0,2}}[,;|&]|[ ])[ ]{{0,2}}{SIGNED}[ ]{{0,2}}(?:$|[\n.,;)\]|])"
)
#: behind a number that stands in running text
_CLOSED = re.compile(
    r"[\"'`)\]”」$]{0,4}(?:[ \t]{0,3}(?:$|\n)|[ ]{0,2}[.,;:!(—–](?=[\s\w\"'`)\]]|$)"
    r"|[ ](?:because|since|as|for|due|overall|here|and|but|in total|on)\b)"
)

#: "I would give it an 8, but the mistakes make it a 3"
_BUT_THEN = re.compile(r"[^\n.!?]{0,60}\b(?:but|however|except|yet)\b[^\n.!?]{0,80}\d")

_RANGE = "the number after the label is a range or goes on"

_KEYS = words(
    "score rating grade mark points verdict answer result value rate quality totalscore overallscore "
    "综合得分 总分 总体评分"
)


def _amount(match: re.Match[str], scale: Scale) -> tuple[float | None, str | None]:
    number = match.group("number").replace("−", "-")
    value = _WORDS.get(number)
    if value is None:
        value = float(number)
    of = match.group("of") or match.group("points")
    if of is not None and float(of) != scale.high:
        return None, f"the reply scores out of {of}, the scale is {scale.low:g} to {scale.high:g}"
    if value not in scale:
        return None, f"{value:g} is off the scale of {scale.low:g} to {scale.high:g}"
    return value, None


_LABEL = re.compile(r"(?:scored|scores|score|rating|rated|grade|mark|overall|total|分数|评分|得分|打分|总分)")
_MINE = frozenset(
    ["", "final", "overall", "my", "the", "a", "an", "total", "of", "this", "is", "with", "numerical", "numeric", "as"]
)
_NOT_MINE = words(
    "max maximum min minimum highest lowest possible perfect passing full top average mean initial tentative draft "
    "previous prior earlier first expected claimed fake false forged injected desired requested not no any each every "
    "never your user's their its his her example sample low high threshold best worst second reference human "
    "same line"
)
_OF_OR_CELL = re.compile(r"[ ](?:of|was)[ ](?:an?[ ])?|[\t|]{1,3}[ ]?")
_ARTICLE = re.compile(r"an?[ ]")
_RATED = re.compile(r"[ ](?:it[ ]|this[ ]|(?:the|this)[ ][a-z]{1,12}[ ])?(?:an?[ ]|as[ ](?:an?[ ])?|at[ ]|of[ ])?")
_GIVE = re.compile(
    r"i(?:'d| would| will|'ll| must| do)?[ ](?:therefore[ ]|thus[ ]|only[ ])?"
    r"(?:give|rate|assign|award|score|grade)[ ]"
    r"(?:(?!to\b|and\b)[a-z']{1,14}[ ]){0,5}?"
    rf"(?=[-+−]?\.?\d|(?:{'|'.join(_WORDS)})\b(?! of))"
)
_EARNS = re.compile(
    r"(?:deserves|earns|merits|receives|gets|worth)[ ](?:an?[ ])?(?:(?:score|rating|grade)[ ]of[ ])?(?=[-+−]?\.?\d)"
)
_SCALE_OF = re.compile(
    r"scale[ ](?:of|from)[ ]\d{1,4}[ ]?(?:to|-|–)[ ]?\d{1,4}(?: \([^()\n]{0,60}\))?,?[ ]"
    r"(?:[a-z']{1,14},?[ ]){0,8}?(?=[-+−]?\.?\d)"
)
_OUT_OF = re.compile(r"\d{1,6}(?:\.\d{1,6})?[ ]?(?:/|out of)[ ]?\d{1,6}|\d{1,3}(?:\.\d)?[ ]?分")


def score_readers(scale: Scale) -> dict[str, Reader]:
    """The forms by the name that `--parse` gives them, for this scale."""

    def of_text(source: str) -> Value | None:
        """The number a short text consists of; None also where it is off the scale."""
        return whole_number(source, scale)

    def of_json(value: Any) -> Value | None:
        if isinstance(value, bool):
            return None
        if isinstance(value, (int, float)):
            return float(value) if abs(value) < 1e9 and float(value) in scale else None
        return whole_number(value, scale) if isinstance(value, str) and len(value) <= 60 else None

    def is_number(line: str) -> bool:
        # "1." opens a list, "Score: 4" is a label
        line = line.strip(" \t*_`")
        opens_list = line[-1:] in (".", ")", ":") or not line.lstrip("-+−.")[:1].isdigit()
        return not opens_list and whole_number(line, scale) is not None

    def brackets(text: Text) -> Iterator[Candidate]:
        yield from bracketed(text, of_text)
        yield from _off_scale(text, scale)

    def json(text: Text) -> Iterator[Candidate]:
        yield from from_json(text, _KEYS, of_json)

    def number(text: Text) -> Iterator[Candidate]:
        found = list(lone_lines(text, of_text, bare_first=is_number))
        if len({c.value for c in found}) < 2:
            yield from found

    return {
        "brackets": brackets,
        "json": json,
        "label": lambda text: _labels(text, scale),
        "number": number,
        "prose": lambda text: _prose(text, scale),
    }


def whole_number(source: str, scale: Scale) -> float | None:
    """The number on `scale` that a short text consists of, else None."""
    text = lowered(plain(source)).strip(" \t\n\"'`*_[]()$").rstrip(" \t\n\"'`*_[]()$.")
    text = re.sub(r"^(?:score|rating)[ ]{0,2}[:=][ ]{0,2}", "", text)
    if scale.low >= 0:  # else "- 3" may be an item of a list or less than nothing
        text = re.sub(r"^-[ ]{1,3}(?=[.\d])", "", text)
    match = _AMOUNT.fullmatch(text)
    return _amount(match, scale)[0] if match else None


_ANY_BRACKETED = re.compile(r"\[\[[ ]{0,2}(?=[-+−.\d])" + _AMOUNT.pattern + r"[ ]{0,2}\]\]")


def _off_scale(text: Text, scale: Scale) -> Iterator[Candidate]:
    for match in recent(_ANY_BRACKETED, text.low):
        value, why = _amount(match, scale)
        if value is None and not Context(text.low, match.start(), match.end()).rules_out_token():
            yield Candidate(match.start(), match.end(), None, Tier.EXPLICIT, bare=True, why=why)


def amount_at(low: str, at: int, scale: Scale) -> tuple[float | None, str | None, int] | None:
    """The number that stands at `at`, why it is none on the scale, and where it ends; None where there is no number."""
    match = _AMOUNT.match(low, at)
    if match is None:
        return None
    if _GOES_ON.match(low, match.end()):
        return None, _RANGE, match.end()
    return *_amount(match, scale), match.end()


def _read(low: str, start: int, at: int, scale: Scale, tier: Tier, *, strict: bool) -> Iterator[Candidate]:
    amount = amount_at(low, at, scale)
    if amount is None:
        return
    value, why, end = amount
    if why == _RANGE:
        if not strict:
            yield Candidate(start, end, None, tier, why=why)
        return
    if strict and not _CLOSED.match(low, end):
        return
    if low[at - 1 : at] == "<" and low[end : end + 1] != ">":
        return  # less than, and no "<8>"
    if strict and _BUT_THEN.match(low, end):
        return
    context = Context(low, start, end)
    if context.rules_out_label() or context.legend or context.asked:
        return
    yield Candidate(start, end, value, tier, why=why)


def _labels(text: Text, scale: Scale) -> Iterator[Candidate]:
    low = text.low
    for match in recent(_LABEL, low):
        start, end = match.span()
        if not starts_word(low, start):
            continue
        label, prefix = match.group(), word_before(low, start)
        if prefix in _NOT_MINE:
            continue
        start = key_start(low, start, end)
        own = prefix in _MINE or label > "\u2e7f"
        tier = Tier.EXPLICIT if own else Tier.PART
        if label in ("overall", "total"):
            if prefix:
                continue
            at = labelled_tail(low, end)
        elif label in ("scored", "scores", "rated"):
            rated = _RATED.match(low, end)
            at, tier = (rated.end() if rated else None), Tier.PROSE
        else:
            at = labelled_tail(low, end)
            if at is None:
                joined = _OF_OR_CELL.match(low, end)
                at = joined.end() if joined else None
                if at is not None and prefix in ("a", "an", "of", "as", "with"):
                    tier = Tier.PROSE  # "a score of 8 ..." may be any score
        if at is None:
            continue
        article = _ARTICLE.match(low, at)
        yield from _read(low, start, article.end() if article else at, scale, tier, strict=False)


def _prose(text: Text, scale: Scale) -> Iterator[Candidate]:
    low = text.low
    for match in recent(_GIVE, low):
        if starts_word(low, match.start()):
            yield from _prose_at(low, match, match.end(), scale)
    for pattern in (_EARNS, _SCALE_OF):
        for match in recent(pattern, low):
            if starts_word(low, match.start()):
                yield from _prose_at(low, match, match.end(), scale)
    for match in recent(_OUT_OF, low, needs=("/", "out of", "分")):
        if match.start() and (low[match.start() - 1].isalnum() or low[match.start() - 1] in ".,/-+−–—<>≤≥*^"):
            continue
        yield from _prose_at(low, match, match.start(), scale)


def _prose_at(low: str, match: re.Match[str], at: int, scale: Scale) -> Iterator[Candidate]:
    context = Context(low, match.start(), match.end())
    tier = Tier.CONCLUDED if context.concludes else Tier.PROSE
    yield from _read(low, match.start(), at, scale, tier, strict=True)
