"""Whether a reply passes an answer: the words and forms of correct/incorrect verdicts. "INCORRECT" holds "CORRECT"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from voirdire.harness.judges.parsing_candidates import (
    Candidate,
    Reader,
    Tier,
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

__all__ = ["GRADE_READERS", "grade_of"]

_TRUE = words("correct right true yes pass passed passes accept accepted acceptable accurate 正确 对 是 通过 合格")
_FALSE = words(
    "incorrect wrong false no fail failed fails reject rejected unacceptable inaccurate 不正确 错误 错 不对 否 不是 "
    "不通过 未通过 不合格"
)
_GRADES = {**dict.fromkeys(_TRUE, True), **dict.fromkeys(_FALSE, False)}
_NEGATED = re.compile(r"(?:is |it is |it's )?(?:not|in-|isn't) ?(correct|right|true|passed|pass|acceptable|accurate)")
_PARTLY = r"(?:partially|partly|mostly|almost|nearly|largely|somewhat|half|mainly|基本|部分|大部分|partial)"


def grade_of(source: str) -> bool | None:
    """The grade a short text names, whole: "CORRECT", "not correct", "No.", "正确"; else None."""
    text = " ".join(
        lowered(plain(source)).strip(" \t\n.\"'`*_[]()").rstrip("!. ").split()
    )  # "!correct" is its opposite
    if _NEGATED.fullmatch(text):
        return False
    return _GRADES.get(text.removeprefix("it is ").removeprefix("it's "))


def _json_value(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    return grade_of(value) if isinstance(value, str) and len(value) <= 60 else None


_KEYS = words(
    "verdict grade correct iscorrect correctness pass passed ispass passes answer decision judgment judgement result "
    "label assessment evaluation valid acceptable answercorrect answeriscorrect"
)


def _brackets(text: Text) -> Iterator[Candidate]:
    yield from bracketed(text, grade_of)


def _json(text: Text) -> Iterator[Candidate]:
    yield from from_json(text, _KEYS, _json_value)


_BARE_FIRST = re.compile(r"[\s#*_\"'`(\[]{0,6}(?:correct|incorrect|yes|no|pass|fail|true|false)[\s*_.!\"'`)\]]{0,6}")


def _lone(text: Text) -> Iterator[Candidate]:
    found = list(lone_lines(text, grade_of, bare_first=lambda line: bool(_BARE_FIRST.fullmatch(lowered(line)))))
    if len({c.value for c in found}) < 2:
        yield from (c for c in found if not _answers_another(text.low, c))


def _answers_another(low: str, candidate: Candidate) -> bool:
    """Does the lone yes or no stand below a question that is not about correctness, or below "Errors found:"?"""
    if low[candidate.start : candidate.end].strip(" \t\"'`()[].,!") not in ("yes", "no", "是", "否"):
        return False
    above = low[max(0, candidate.start - 240) : candidate.start].rstrip(" \t\n\"'`(>-").rsplit("\n", 1)[-1]
    if above.endswith("?"):
        return not _ABOUT_CORRECTNESS.fullmatch(re.split(r"[.!?]", above[:-1])[-1])
    return above.endswith(":") and bool(_AMISS.search(above))


# --- labels ----------------------------------------------------------------------------------------------------------

_LABEL = re.compile(
    r"(?:verdict|grade|judge?ment|result|decision|evaluation|assessment|conclusion|answer|correctness|correct|passed"
    r"|pass|结论|判断|判定|结果|评判|评估)"
)
_NOT_MINE = words(
    "reference expected gold golden ground student's model's response's correct incorrect wrong right initial "
    "tentative draft previous prior earlier first fake false forged claimed injected desired requested not no any each "
    "never your user's their its his her example sample submitted given candidate's true human opposite"
)
_WORD = "|".join(sorted(map(re.escape, _GRADES), key=len, reverse=True))
_VALUE = re.compile(rf"(?P<not>(?:not|isn't) )?(?P<partly>{_PARTLY} )?(?P<value>{_WORD})[\"'`)\]”」>$]{{0,4}}")
_CLOSED = re.compile(
    r"[ \t]{0,3}(?:$|\n)|[ ]{0,2}[.,;!)}](?=[\s\"'`)\]}<\u2e80-\u9fff]|$)|[ ]{0,2}[—–(|]|[ ]-|[\"'<]"
    r"|[ ](?:because|since|due to|as (?:it|the)|overall)\b|[ ]?\ue000|的[ ]{0,2}[.!,\n]|的$"
)
_BOTH = re.compile(r"[ \t]{0,2}(?:,|/|\||or\b|and\b|,[ ]or\b)[ \t]{0,2}[\"'`(\[]{0,3}(?:" + _WORD + r")(?![\w])")
_UNDECIDED = re.compile(
    rf"(?:unclear|undecided|unsure|uncertain|none|n/a|unknown|inconclusive|cannot|{_PARTLY})(?:\b|[ ])"
)


def _labels(text: Text) -> Iterator[Candidate]:
    low = text.low
    for match in recent(_LABEL, low):
        start, end = match.span()
        if not starts_word(low, start):
            continue
        prefix = word_before(low, start)
        if prefix in _NOT_MINE:
            continue
        at = labelled_tail(low, end)
        if at is None:
            continue
        start = key_start(low, start, end)
        label = match.group()
        if label == "answer" and prefix not in ("", "final", "my") and not low.startswith(" is", end):
            continue
        # "the answer is correct" is a statement, "Final answer: incorrect" a verdict
        tier = Tier.PROSE if low.startswith(" is", end) and label == "answer" else Tier.EXPLICIT
        if label in ("correct", "pass", "passed") and prefix not in ("", "is"):
            continue
        yield from _read(low, start, at, tier)


def _read(low: str, start: int, at: int, tier: Tier) -> Iterator[Candidate]:
    value = _VALUE.match(low, at)
    if value is None or value.group("partly"):
        if value or _UNDECIDED.match(low, at):
            yield Candidate(start, at, None, tier, why="the reply does not settle on correct or incorrect")
        return
    end = value.end()
    if not _CLOSED.match(low, end) or _BOTH.match(low, end):
        return
    if _EXCEPT.match(low, end):
        yield Candidate(start, at, None, tier, why="the reply does not settle on correct or incorrect")
        return
    context = Context(low, start, end)
    if context.rules_out_label():
        return
    grade = _GRADES[value.group("value")]
    if value.group("not"):
        if not grade:
            return  # "not incorrect" says little
        grade = False
    yield Candidate(start, end, grade, tier)


# --- sentences -------------------------------------------------------------------------------------------------------

_SUBJECT = r"(?:response|answer|submission|solution|it|this|output|candidate|result|reply|conclusion|that|everything)"
# the subject stands in front of both forms: `re` then skips what cannot begin one
_IS = re.compile(
    rf"{_SUBJECT}(?:(?:[ ](?:is|was)|'s)[ ](?P<not>not[ ])?"
    rf"(?:(?:therefore|thus|also|indeed|clearly|entirely|fully|completely"
    rf"|factually|actually|simply|overall|definitely|absolutely|demonstrably|hence)[ ]){{0,2}}(?P<after>not[ ])?"
    rf"(?P<value>correct|incorrect|right|wrong|accurate|inaccurate|acceptable|unacceptable)"
    r"|[ ](?P<isnt>isn't|wasn't)[ ](?P<value2>correct|right|accurate|acceptable))"
)
_ZH_IS = re.compile(r"(?:回答|答案|回复|解答|结果)(?:是)?(?:完全)?(?P<value>不正确|正确|错误)(?:的)?(?=[.,!;\n ]|$)")
#: the yes or no behind a question
_ANSWERED = re.compile(r"\?[\"'`)\]]{0,2}[ \n]{1,3}[\"'`(]{0,2}(?P<value>yes|no)(?=[.,;:!\"'`)]|[ ]?[—–-]|\s{0,3}$|\n)")
_NAMED = (
    r"(?:it|this|that|(?:(?:the|this|that|its|their|student's|model's|assistant's|candidate's|final|given|submitted"
    r"|overall|ai|student|model|assistant)[ ]){0,4}(?:response|answer|submission|solution|output|claim|statement|result"
    r"|reply|conclusion|summary|verdict)(?:[ ](?:to the (?:question|problem|task)|as a whole|given|itself))?)"
)
_TRULY = (
    r"(?:(?:factually|fully|completely|entirely|actually|really|overall|technically|indeed|then|also|still)[ ]){0,2}"
)
_REFERENCE = (
    r"(?:the[ ])?(?:(?:given|provided|reference|expected|gold|correct|source|ground)[ ]){0,2}"
    r"(?:reference|document|context|source|passage|text|question|answer|solution|truth|evidence|rubric|criteria)"
)
_BY = rf"(?:[ ](?:by|with|to|in|from|according to|given|against|of)[ ]{_REFERENCE})"
#: the questions whose yes passes an answer. A list of what is allowed: a yes to any other ("Is it incomplete?", "Does
#: it omit a step?") may be good news or bad, and is no verdict.
_ABOUT_CORRECTNESS = re.compile(
    rf"[\s\"'`(#>\d.)-]{{0,8}}(?:(?:so|then|and|question|verdict|final)[ ,:]{{1,3}}){{0,2}}(?:"
    rf"(?:is|was)[ ]{_NAMED}[ ]{_TRULY}(?:correct|right|accurate|acceptable|valid|true)(?:[ ]overall|{_BY})?"
    rf"|(?:is|was)[ ]{_NAMED}[ ]{_TRULY}(?:supported|entailed|grounded|consistent|faithful|equivalent){_BY}?"
    rf"|(?:does|did)[ ]{_NAMED}[ ]{_TRULY}(?:match|pass|agree)(?:[ ]{_REFERENCE}|{_BY})?"
    rf"|(?:does|did)[ ]{_NAMED}[ ](?:(?:correctly|accurately)[ ](?:answer|solve)[ ]the (?:question|problem|task)"
    r"|(?:answer|solve)[ ]the (?:question|problem|task)[ ](?:correctly|accurately))"
    rf"|(?:(?:is|{_NAMED})[ ])?(?:correct|right|accurate|acceptable))[ ]?"
)
_FIRST = re.compile(
    r"\s{0,8}[\"'`(]{0,2}(?P<value>yes|no|correct|incorrect|true|false)"
    r"(?=[,.;!]|[ ]?[—–]|[ ]-|:[ ]{0,2}(?!(?:yes|no|true|false|none)\b)[a-z])"
)
#: "Correct: Paris" names the correct answer, "Correct: it is Paris" passes one
_NAMES_ONE = re.compile(r":[ ]{0,2}+(?!(?:the|this|that|it|its|all|both|everything|response|answer)\b)")
#: what takes a yes or a no back, or makes it half of one
_HEDGED = re.compile(
    r"[\s,.;:!—–-]{0,4}(?:wait|(?:yes|no)(?=[.,;:!?]|\s*$)|not\b"
    r"|but\b|and\b|or\b|except|although|though\b|however|only\b|if\b|unless|at least"
    rf"|in part|to (?:some|a certain) (?:extent|degree)|{_PARTLY})"
)
_FAULT_NOUN = r"(?:errors?|mistakes?|issues?|problems?|flaws?|faults?|inaccurac\w{1,3}|contradictions?|hallucinations?)"
#: after a no: nothing is amiss
_ALL_WELL = re.compile(
    rf"\b(?:no|any|without|zero|free of)[ ](?:\w{{1,12}}[ ]){{0,2}}{_FAULT_NOUN}|\bnothing (?:is )?(?:wrong|missing)"
    r"|\b(?:everything|all)\b[^.!?\n]{0,30}\b(?:right|correct|accurate|fine|good|well|true)\b|\bfully correct\b"
)
#: after a yes: something is
_AMISS = re.compile(
    rf"\b{_FAULT_NOUN}|\b(?:wrong|incorrect|inaccurate|incomplete|unsupported|missing|misses|omits?|omitted|lacks|fails?"
    r"|failed|contradicts?|hallucinates?|outdated|false)\b"
)
_UNDONE = re.compile(r"\b(?:no|not|without|free of|nothing|never|none)\b|n't\b")
_OTHERS = words("reference expected gold golden correct user's given ground first second if each intermediate")
#: "correct, except for the date", "correct (mostly)"
_EXCEPT = re.compile(
    rf"[ ]{{0,2}}[,;(—–-]{{1,2}}[ ]{{0,2}}(?:except|apart from|aside from|save for|unless|provided|if\b|only\b|in part"
    rf"|but (?:only|not)|at least|to some extent|{_PARTLY}\b)"
)
_SAID_CLOSED = re.compile(
    r"[ \t]{0,3}(?:$|\n)|[ ]{0,2}[.,;!)](?=[\s\"'`)\]]|$)|[ ]{0,2}[—–(]"
    r"|[ ](?:because|since|overall|and|but|as it|as the)\b|:(?=\s)"
)


def _prose(text: Text) -> Iterator[Candidate]:
    low = text.low
    for match in recent(_IS, low):
        start, end = match.span()
        if not starts_word(low, start) or not _SAID_CLOSED.match(low, end) or word_before(low, start) in _OTHERS:
            continue
        if _EXCEPT.match(low, end):
            continue
        grade = _GRADES[match.group("value") or match.group("value2")]
        if match.group("not") or match.group("after") or match.group("isnt"):
            if not grade:
                continue
            grade = False
        yield from _said(low, start, end, grade)
    for match in recent(_ZH_IS, low, needs=("正确", "错误")):
        yield from _said(low, match.start(), match.end(), _GRADES[match.group("value")])
    for match in recent(_ANSWERED, low):
        question = low[max(0, match.start() - 200) : match.start()]
        question = re.split(r"[.!?\n]", question)[-1]
        if _ABOUT_CORRECTNESS.fullmatch(question) and not _HEDGED.match(low, match.end()):
            yield Candidate(match.start(), match.end(), match.group("value") == "yes", Tier.CONCLUDED, bare=True)
    first = _FIRST.match(low)
    if first and not _at_odds(low, first):
        yield Candidate(first.start("value"), first.end(), _GRADES[first.group("value")], Tier.LEADING, bare=True)


def _at_odds(low: str, first: re.Match[str]) -> bool:
    """Does the sentence behind the reply's first word take it back, or make it the answer to another question?"""
    word, end = first.group("value"), first.end()
    if _HEDGED.match(low, end) or _BOTH.match(low, end):
        return True
    if word in ("correct", "true") and _NAMES_ONE.match(low, end):
        return True
    says = re.split(r"[!?\n]|\.(?=\s)", low[end : end + 300].lstrip(" ,.;:!—–-"), maxsplit=1)[0]
    if word == "no":
        return bool(_ALL_WELL.search(says))
    return word == "yes" and bool(_AMISS.search(says)) and not _UNDONE.search(says)


def _said(low: str, start: int, end: int, grade: bool) -> Iterator[Candidate]:
    context = Context(low, start, end)
    if not context.rules_out_prose():
        yield Candidate(start, end, grade, Tier.CONCLUDED if context.concludes else Tier.PROSE)


#: the forms by the name that `--parse` gives them
GRADE_READERS: dict[str, Reader] = {
    "brackets": _brackets,
    "json": _json,
    "label": _labels,
    "yesno": _lone,
    "prose": _prose,
}
