"""Answers that ignore what was asked for: the stated format, or the stated length or number of points.

Applies only where the instruction states one and the answer keeps to it. The format is broken within 5 % of the
length; of the stated length the answer keeps nothing, which is the point. English and Chinese.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import NamedTuple

from voirdire.harness.cases import Edit
from voirdire.harness.errors import NotApplicable
from voirdire.perturbations.base import Place, perturbation
from voirdire.perturbations.doses import within_growth
from voirdire.perturbations.draws import pick
from voirdire.perturbations.lexical_words import NUMBER_WORDS
from voirdire.perturbations.placement import append, end_of
from voirdire.perturbations.spans import Sentence, analyse, inside, sentences

__all__ = ["wrong_format", "wrong_length"]

_SOURCE = "FBI, EMNLP 2024, arXiv:2406.13439; IFEval, arXiv:2311.07911"

# --- format


class _Format(NamedTuple):
    """A format an instruction may ask for, and how to break it; the edits are [] where the answer has none of it."""

    asked: re.Pattern[str]
    broken: Callable[[str], list[Edit]]


_LIST_MARK = re.compile(r"^[ \t]*(?:[-*+•]|\d{1,3}[.)]|\d{1,3}、)[ \t]+", re.MULTILINE)
_JSON_QUOTE = re.compile(r'"')
_FENCE_LINE = re.compile(r"^[ \t]*```[^\n]*\n?", re.MULTILINE)
_BAR = re.compile(r"\|")
_TABLE_LINE = re.compile(r"^[ \t]*\|[^\n]*\|[ \t]*$", re.MULTILINE)


def _no_list(text: str) -> list[Edit]:
    """Two list items or more lose their marks, and run on where no blank line parts them."""
    blocks = analyse(text).blocks
    marks = [m.span() for m in _LIST_MARK.finditer(text) if not inside(blocks, *m.span())]
    if len(marks) < 2:
        return []
    return [Edit(start - 1, end, " ") if _runs_on(text, start) else Edit(start, end, "") for start, end in marks]


def _runs_on(text: str, start: int) -> bool:
    return start > 1 and text[start - 1] == "\n" and text[start - 2] not in "\r\n"


def _no_json(text: str) -> list[Edit]:
    """Double quotes become single ones, which no parser of JSON reads."""
    start = min((at for at in (text.find("{"), text.find("[")) if at >= 0), default=-1)
    end = max(text.rfind("}"), text.rfind("]")) + 1
    if not 0 <= start < end:
        return []
    try:
        json.loads(text[start:end])
    except (ValueError, RecursionError):
        return []
    return [Edit(m.start(), m.end(), "'") for m in _JSON_QUOTE.finditer(text, start, end)]


def _no_table(text: str) -> list[Edit]:
    rows = [m.span() for m in _TABLE_LINE.finditer(text)]
    if len(rows) < 3:
        return []
    return [Edit(m.start(), m.end(), ",") for start, end in rows for m in _BAR.finditer(text, start, end)]


def _no_fence(text: str) -> list[Edit]:
    marks = [m.span() for m in _FENCE_LINE.finditer(text)]
    return [Edit(start, end, "") for start, end in marks] if len(marks) >= 2 else []


def _not_lower(text: str) -> list[Edit]:
    if any(c.isupper() for c in text):
        return []
    return _recased(text, str.upper)


def _not_upper(text: str) -> list[Edit]:
    if any(c.islower() for c in text):
        return []
    return _recased(text, str.lower)


def _recased(text: str, change: Callable[[str], str]) -> list[Edit]:
    """The first letter of every word, where it stays one letter."""
    return [
        Edit(start, start + 1, change(text[start]))
        for start, _ in analyse(text).words
        if len(change(text[start])) == 1 and change(text[start]) != text[start]
    ]


def _more_paragraphs(text: str) -> list[Edit]:
    if "\n" in text.strip():
        return []
    return [Edit(s.end, s.end + 1, "\n\n") for s in sentences(text) if text[s.end : s.end + 1] == " "]


_JSON = (
    r"\b(?:as|in|into|return|returns|outputs?|respond with|reply with|answer with|produce|generate|valid"
    r"|(?:convert|turn|transform|translate|change)\b[^.?!\n]{0,60} to) "
    r"(?:(?:a|an|one|single|valid|only|just|pure|plain|raw|strict|proper|well-formed) ){0,3}JSON\b"
    r"(?! (?:files?|inputs?|parsers?|schemas?|paths?|above|below)\b)"
    r"|\bin (?:the |this )?(?:following |given )?JSON format\b"
    r"|(?:以|用|按照?|输出|返回|[写转化]成|转换?[成为]|转换成|生成|给出)(?:一个|合法的?|有效的?|标准的?|纯){0,2}\s?JSON(?![A-Za-z])"
)
_FORMATS = (
    _Format(
        re.compile(
            # "as a list of three words" may be a line with commas
            r"\b(?:bullet(?:ed)?[ -](?:points?|lists?)|bullets|(?:un)?(?:numbered|ordered) lists?)\b"
            r"|(?:以|用|按)[^。，]{0,6}列表|要点列出|分点|逐条",
            re.IGNORECASE,
        ),
        _no_list,
    ),
    _Format(re.compile(_JSON, re.IGNORECASE), _no_json),
    _Format(re.compile(r"\b(?:in|as) (?:a )?(?:markdown )?table\b|表格", re.IGNORECASE), _no_table),
    _Format(re.compile(r"\bcode[ -](?:block|fence)\b|代码块", re.IGNORECASE), _no_fence),
    _Format(re.compile(r"\b(?:all|in|only) (?:lower[ -]?case|small letters)|no capital", re.IGNORECASE), _not_lower),
    _Format(re.compile(r"\b(?:all|in|only) (?:upper[ -]?case|capital letters|caps)\b", re.IGNORECASE), _not_upper),
    _Format(re.compile(r"\b(?:one|a single|1) paragraph\b|一段话", re.IGNORECASE), _more_paragraphs),
)
# Behind one of these, in the same sentence, the format is not wanted: breaking it would mend the answer. In Chinese the
# comma ends what is refused.
_REFUSED_BEFORE = re.compile(
    r"(?:\b(?:not|no|without|avoid(?:ing)?|never|nor|cannot|instead of|rather than)\b|n['’]t\b)"
    r"(?! (?:more|less|fewer|later|only)\b)[^.!?;。！？；，\n]{0,80}\Z"
    r"|(?:不[要得能可必用应许准]|不使用|不以|别|勿|莫|无需|无须|避免|禁止|请不)[^.!?;。！？；，\n]{0,20}\Z",
    re.IGNORECASE,
)
_REFUSED_BEHIND = re.compile(
    r"(?: format)? (?:(?:is|are|was|were|should|must|can|need)(?: ?not|n['’]?t)|(?:is|are) (?:forbidden|prohibited))\b"
    r"|(?:格式)?(?:[是都也]?(?:不[行要可必]|禁止))",
    re.IGNORECASE,
)
# ... and behind one of these it is what the question brings along
_GIVEN = re.compile(
    r"\b(?:this|these|those|the|following|above|below|given|provided|my|our|is|are|was|were|stored|represented|encoded"
    r"|saved|supported|used|received|data|input|files?|dates?|values?|comments?) \Z"
    r"|(?:这个|这些|该|此|下面的?|以下的?|上面的?|上述的?|给定的?|给出的|所给的?)\Z",
    re.IGNORECASE,
)
_BEFORE = 100


def _asks_for(form: _Format, asked: str) -> bool:
    """Does the instruction want that format, rather than name it or refuse it?"""
    for match in form.asked.finditer(asked):
        before = asked[max(0, match.start() - _BEFORE) : match.start()]
        refused = _REFUSED_BEFORE.search(before) or _REFUSED_BEHIND.match(asked, match.end())
        if not refused and not _GIVEN.search(before):
            return True
    return False


@perturbation(
    "degradation.format",
    claim="degrading",
    summary="Ignores the format that the instruction asks for (a list, JSON, a table, small letters).",
    source=_SOURCE,
)
def wrong_format(text: str, place: Place) -> list[Edit]:
    asked = [f for f in _FORMATS if _asks_for(f, place.case.instruction_text)]
    if not asked:
        raise NotApplicable("the instruction asks for no format that is known here")
    broken = [edits for f in asked if (edits := f.broken(text))]
    if not broken:
        raise NotApplicable("the answer does not have the format that was asked for")
    return within_growth(text, pick(place.rng, broken))


# --- length

_COUNT = rf"(?P<count>\d{{1,4}}|an?|{'|'.join(sorted(NUMBER_WORDS[1:], key=len, reverse=True))})"
_MOST = (
    r"(?:at most|no more than|not more than|up to|under|fewer than|less than|within|below|a maximum of|maximum|max\.?)"
)
_UNIT = r"[ -](?P<unit>word|sentence|paragraph)s?"
_PLAINLY = (
    r"(?:in|using) (?:exactly |only |just )?(?:about |around )?"
    + _COUNT.replace("count", "plain")
    + _UNIT.replace("unit", "plain_unit")
)
_AT_MOST = re.compile(
    rf"\b(?:{_MOST} (?:of )?{_COUNT}{_UNIT}\b|{_PLAINLY}\b)"
    r"|(?P<zh_count>\d{1,5})个?字(?:以内|之内|以下)|(?:不超过|最多|少于|限)(?P<zh_most>\d{1,5})个?字|(?P<zh_one>一句话)",
    re.IGNORECASE,
)
_LEAST = r"(?:at least|no less than|not less than|no fewer than|a minimum of|minimum|more than|over)"
_AT_LEAST = re.compile(
    rf"\b{_LEAST} (?:of )?{_COUNT}{_UNIT}\b|(?:不少于|至少)(?P<zh_count>\d{{1,5}})个?字", re.IGNORECASE
)
_POINTS = re.compile(
    rf"\b(?:list|give|name|provide|suggest|write|describe|mention|recommend|top)\b(?: me| us)?(?: the)?(?: top)?"
    rf" {_COUNT}\b(?! (?:words?|sentences?|paragraphs?|pages?|lines?))"
    r"|(?:列出|给出|举出|说出|推荐|写出)(?P<zh_count>[二两三四五六七八九十]|\d{1,2})(?:个|条|种|点|项)",
    re.IGNORECASE,
)
_CHINESE_DIGITS = {c: k for k, c in enumerate("零一二三四五六七八九十")} | {"两": 2}
_VALUES = {word: value for value, word in enumerate(NUMBER_WORDS)} | {"a": 1, "an": 1}
_TOP_ITEM = re.compile(r"^(?:[-*+•]|\d{1,3}[.)、])[^\n]*\n?(?:[ \t]+[^\n]*\n?)*", re.MULTILINE)
_HAN = re.compile(r"[\u3400-\u9fff]")
#: how far beyond, or short of, the stated length at dose 1
_BEYOND, _SHORT_OF = 1.5, 0.5
#: an answer is not made longer than this, in characters
_LONGEST = 6000


def _number(written: str) -> int:
    if written.isdigit():
        return int(written)
    return _CHINESE_DIGITS.get(written) or _VALUES[written.lower()]


def _size(text: str, unit: str) -> int:
    """Words, sentences, paragraphs or Chinese characters."""
    if unit == "word":
        return len(text.split())
    if unit == "sentence":
        return len(sentences(text))
    if unit == "paragraph":
        return len(re.findall(r"\S[^\n]*(?:\n[^\n]+)*", text))
    return len(_HAN.findall(text))


def _limit(match: re.Match[str]) -> tuple[int, str]:
    """(how many, of what: word, sentence, paragraph or character)"""
    groups = match.groupdict()
    if groups.get("zh_one"):
        return 1, "sentence"
    chinese = groups.get("zh_count") or groups.get("zh_most")
    if chinese:
        return int(chinese), "character"
    written = groups.get("count") or groups["plain"]
    return _number(written or "1"), (groups.get("unit") or groups.get("plain_unit") or "word").lower()


@perturbation(
    "degradation.length",
    claim="degrading",
    summary="Ignores the length or the number of points that the instruction states.",
    source=_SOURCE,
)
def wrong_length(text: str, place: Place) -> list[Edit]:
    asked = place.case.instruction_text
    for pattern, broken in ((_AT_LEAST, _too_short), (_AT_MOST, _too_long), (_POINTS, _too_few)):
        match = pattern.search(asked)
        if match is not None and (edits := broken(text, match, place)):
            return edits
    raise NotApplicable("the instruction states no length that this answer keeps to")


def _too_long(text: str, match: re.Match[str], place: Place) -> list[Edit]:
    """The answer's own sentences once more, until it is far beyond the limit."""
    most, unit = _limit(match)
    found = _repeatable(text)
    if not found or not 0 < _size(text, unit) <= most or unit == "paragraph":
        return []
    goal = most * (1 + (_BEYOND - 1) * place.dose)
    again: list[str] = []
    joint = " " if place.lang == "en" else ""
    while _size(text, unit) + _size(joint.join(again), unit) < max(goal, most + 1) and sum(map(len, again)) < _LONGEST:
        sentence = found[len(again) % len(found)]
        again.append(text[sentence.start : sentence.end])
    return [append(text, joint.join(again), place.lang)]


def _repeatable(text: str) -> list[Sentence]:
    """Sentences with an end mark, so that another may follow."""
    return [s for s in sentences(text) if s.kind == "prose" and text[s.end - 1] in '.!?。！？”"']


def _too_short(text: str, match: re.Match[str], place: Place) -> list[Edit]:
    """Cut off behind the last sentence that leaves it far below what was asked."""
    least, unit = _limit(match)
    if _size(text, unit) < least or unit == "paragraph":
        return []
    goal = least * max(0.1, 1 - (1 - _SHORT_OF) * place.dose)
    size = cut = at = 0
    for number, sentence in enumerate(sentences(text), 1):
        size = number if unit == "sentence" else size + _size(text[at : sentence.end], unit)
        at = sentence.end
        if size > goal or at >= end_of(text):
            break
        cut = at
    return [Edit(cut, len(text), "")] if cut else []


def _too_few(text: str, match: re.Match[str], place: Place) -> list[Edit]:
    """Leave out items of a list that has as many as were asked for."""
    wanted = _number(match["count"] or match["zh_count"])
    items = [m.span() for m in _TOP_ITEM.finditer(text)]
    if wanted < 2 or len(items) != wanted:
        return []
    left_out = min(wanted - 1, max(1, int(wanted * 0.3 * place.dose + 0.5)))
    return [Edit(start, end, "") for start, end in items[-left_out:]]
