"""Did a follow-up keep what its perturbation claims? And how much did it change?

`broken` runs on every follow-up that is made, so it looks only at the edited places: numbers, negations and protected
spans (code, links, maths, citations) there must say the same before and after a *preserving* edit; an *addition* or
*attack* may not run into a word or into code; a planted error must change something and may not show in the length.
`measured` gives the figures that people read. `Similarity` adds a model's opinion, where somebody brings one.

Not here: that an addition only inserts, that no cluster is cut (base.py).
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from voirdire.harness.cases import Claim, Edit, Perturbation
from voirdire.harness.errors import NotApplicable, UsageError
from voirdire.perturbations.spans import Span, analyse, inside

__all__ = ["BROKE", "MOST_ERROR_GROWTH", "Measured", "Similarity", "broken", "measured", "numbers"]

#: how the reason of a dropped follow-up begins
BROKE = "broke its claim: "
#: share of the length by which a planted error may change it; more, and the length would tell
MOST_ERROR_GROWTH = 0.05

_SMALL = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen"
)
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_NUMBER_WORDS = {word: str(value) for value, word in enumerate(f"{_SMALL} eighteen nineteen".split())} | {
    word: str(10 * value) for value, word in enumerate(_TENS.split(), 2)
}
#: the forms of one negation count as one, so that a contraction keeps its meaning
_NEGATIONS = dict.fromkeys(("not", "cannot"), "not") | {
    w: w for w in ("never", "no", "none", "nothing", "nobody", "nowhere", "neither", "nor", "without")
}
_FACT_WORDS = _NEGATIONS | _NUMBER_WORDS
#: what a word may have around it and be a plain word still
_MARKS = '.,;:!?"'
# Digits in the middle of letters are slips (c1ear), not numbers.
_DIGITS = r"(?<![A-Za-z\d])\d+(?:[.,:]\d+)*(?![A-Za-z\d])"
_NUMBER = re.compile(_DIGITS)
# A list mark is no number of the answer: format probes add and take them away.
_FACT = re.compile(
    rf"^[ \t>]*\(?\d{{1,3}}[.)](?=[ \t])|(?P<number>{_DIGITS})|[a-z]*(?P<nt>n['’]t\b)"
    rf"|(?P<tens>{_TENS.replace(' ', '|')})[- ](?P<unit>one|two|three|four|five|six|seven|eight|nine)\b"
    r"|(?P<word>[a-z]+)|(?P<han>[不没沒無无未非莫勿])",
    re.MULTILINE,
)
# typos_unseen.py makes these; a reader takes them for the letters they look like, and does not see the last group
_LOOK_ALIKES = str.maketrans(
    "асеіјорѕхуһԁАВСЕНІЈКМОРЅТХοΑΒΕΖΗΙΚΜΝΟΡΤΥΧν",
    "aceijopsxyhdABCEHIJKMOPSTXoABEZHIKMNOPTYXv",
    "\u00ad\u061c\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff",
)
_SOLID = re.compile(r"[^\W_]+")
# a word of code with the digits in it; numbers by themselves are compared as numbers
_NAME = re.compile(r"(?<!\d)\d*+[^\W\d]\w*")
_FENCE_LINE = re.compile(r"^[ \t>]*(?:`{3,}|~{3,})[^\n]*$", re.MULTILINE)
_WORD = re.compile(r"[\u3400-\u9fff]|[^\s\u3400-\u9fff]+")


@dataclass(frozen=True, slots=True)
class Measured:
    """How much a follow-up differs from its source, and whether it kept its promise.

    `characters`, `words`: replaced, removed or added ones as a share of the source's (above 1 if more is added than
    there was). `length_ratio`: length after over length before, in characters. `broken`: why it is dropped, or None.
    """

    characters: float
    words: float
    length_ratio: float
    broken: str | None = None

    def to_json(self) -> dict[str, Any]:
        return {
            "characters_changed": round(self.characters, 4),
            "words_changed": round(self.words, 4),
            "length_ratio": round(self.length_ratio, 4),
            "broken": self.broken,
        }


def measured(perturbation: Perturbation, text: str, edits: Sequence[Edit]) -> Measured:
    """The figures of `edits`, made by `perturbation` to `text`."""
    characters = sum(max(e.end - e.start, len(e.text)) for e in edits)
    words = sum(max(_touched_words(text, e), len(_WORD.findall(e.text))) for e in edits)
    after = len(text) + sum(len(e.text) - (e.end - e.start) for e in edits)
    return Measured(
        characters / max(1, len(text)),
        words / max(1, len(_WORD.findall(text))),
        after / max(1, len(text)),
        broken(perturbation.claim, text, edits, plants_error=perturbation.plants_error),
    )


def _touched_words(text: str, edit: Edit) -> int:
    if edit.start == edit.end:
        # only inside a word does an insertion change one
        return int(0 < edit.start < len(text) and not (text[edit.start - 1].isspace() or text[edit.start].isspace()))
    return len(_WORD.findall(text[edit.start : edit.end]))


def broken(claim: Claim, text: str, edits: Sequence[Edit], *, plants_error: bool = False) -> str | None:
    """Why `edits` (sorted, of `text`) break `claim`, in words that fit behind "broke its claim: "; None if they keep
    it.

    Costs about as much as making the edits: 10 to 30 us for typos in 150 words.
    """
    if claim == "preserving":
        return _changed_meaning(text, edits)
    if claim in ("addition", "attack"):
        return _badly_placed(text, edits)
    return _poor_error(text, edits) if plants_error else None


def _badly_placed(text: str, edits: Sequence[Edit]) -> str | None:
    protected = analyse(text).protected
    for edit in edits:
        if edit.start == edit.end and inside(protected, edit.start):
            return "it adds inside code, a link or a number"
        before, after = text[edit.start - 1 : edit.start], text[edit.end : edit.end + 1]
        if _glued(before, edit.text[:1]) or _glued(edit.text[-1:], after):
            return "the addition runs into a word"
    return None


def _glued(left: str, right: str) -> bool:
    """Would these be read as one word? Scripts without blanks between words run on as they always do."""
    return left.isascii() and right.isascii() and left.isalnum() and right.isalnum()


def _poor_error(text: str, edits: Sequence[Edit]) -> str | None:
    if any(not text[: e.start].strip() and not text[e.end :].strip() for e in edits):
        return None  # another answer altogether, not an error in this one
    growth = sum(len(e.text) - (e.end - e.start) for e in edits)
    if abs(growth) > MOST_ERROR_GROWTH * len(text):
        return "the error shows in the length"
    if all(_solid(text[e.start : e.end]) == _solid(e.text) for e in edits):
        return "no word and no number is different"
    return None


def _solid(text: str) -> str:
    """Letters and digits only: what is left of a text whatever its layout."""
    return "".join(_SOLID.findall(text))


def _changed_meaning(text: str, edits: Sequence[Edit]) -> str | None:
    protected = analyse(text).protected
    k = 0
    while k < len(edits):
        first = k
        start, end = _widened(text, edits[k].start, edits[k].end, protected)
        k += 1
        while k < len(edits) and edits[k].start <= end:
            end = max(end, _widened(text, edits[k].start, edits[k].end, protected)[1])
            k += 1
        group = edits[first:k]
        before, after = text[start:end], _after(text, start, end, group)
        # slips inside one word are most edits there are, so they are decided without any search
        if before.isalpha() and after.isalpha() and before.isascii():
            facts = _FACT_WORDS.get(before.lower()), _FACT_WORDS.get(after.lower())
            if facts[0] != facts[1] and _legible(before) != _legible(after):
                return _names(filter(None, facts))
            continue
        core, made = before.strip(_MARKS), after.strip(_MARKS)
        if (
            core.isalpha()
            and made.isalpha()
            and core.isascii()
            and made.isascii()
            and not inside(protected, start, end)
        ):
            facts = _FACT_WORDS.get(core.lower()), _FACT_WORDS.get(made.lower())
            if facts[0] != facts[1]:
                return _names(filter(None, facts))
            continue
        reason = _difference(text, start, end, before, after)
        if reason is not None:
            return reason
        if (
            inside(protected, start, end)
            and any(inside(protected, e.start, e.end if e.end > e.start else None) for e in group)
            and _code(before) != _code(after)
        ):
            return "code, a link, maths or a citation changed"
    return None


def _widened(text: str, start: int, end: int, protected: tuple[Span, ...]) -> Span:
    """[start, end) with the rest of the protected spans and words that it cuts, from blank to blank."""
    k = bisect_left(protected, (start,)) - 1
    if k >= 0 and protected[k][1] > start:
        start, end = protected[k][0], max(end, protected[k][1])
    k = bisect_left(protected, (end,)) - 1
    if k >= 0 and protected[k][1] > end:
        end = protected[k][1]
    left = text.rfind(" ", 0, start) + 1
    right = text.find(" ", end)
    if right < 0:
        right = len(text)
    line = text.find("\n", end, right)
    return text.rfind("\n", left, start) + 1 or left, right if line < 0 else line


def _after(text: str, start: int, end: int, edits: Sequence[Edit]) -> str:
    """What text[start:end] becomes."""
    if len(edits) == 1:
        return text[start : edits[0].start] + edits[0].text + text[edits[0].end : end]
    parts: list[str] = []
    for edit in edits:
        parts += (text[start : edit.start], edit.text)
        start = edit.end
    return "".join(parts) + text[start:end]


def _difference(text: str, start: int, end: int, before: str, after: str) -> str | None:
    """Do numbers or negations differ between `before`, which is text[start:end], and `after`?"""
    before, after = _legible(before), _legible(after)
    if before == after:
        return None
    numbers = _NUMBER.findall(before), _NUMBER.findall(after)
    # with the same letters in the same order, words can only have been parted, joined or marked up
    if _solid(before) == _solid(after) and numbers[0] == numbers[1]:
        return None
    # a list mark begins its line and has a blank behind it
    head = "" if not text[text.rfind("\n", 0, start) + 1 : start].strip(" \t>") else "- "
    tail = text[end : end + 1]
    facts = Counter(_facts(head + before + tail)), Counter(_facts(head + after + tail))
    changed = (facts[0] - facts[1]) + (facts[1] - facts[0])
    return _names(changed) if changed else None


def _code(text: str) -> list[str]:
    """What must stay of code, links and the like: their words, without the line that opens or closes a fence.

    Number words do not count: they are numbers, and may be written in figures.
    """
    return [w for w in _NAME.findall(_FENCE_LINE.sub("", text)) if w.lower() not in _NUMBER_WORDS]


def _legible(text: str) -> str:
    """`text` as it is read: in small letters, without what is invisible, look-alikes as the letters they look like."""
    return (text if text.isascii() else text.translate(_LOOK_ALIKES)).lower()


def numbers(text: str) -> tuple[frozenset[str], frozenset[str]]:
    """The numbers that `text` writes in digits, and those together with its number words up to ninety."""
    text = _legible(text)
    return (
        frozenset(n.replace(",", "") for n in _NUMBER.findall(text)),
        frozenset(fact for fact in _facts(text) if fact[0].isdigit()),
    )


def _facts(text: str) -> Iterator[str]:
    """Numbers, as digits without thousands signs, and negations.

    >>> list(_facts("it isn't 1,250 but twelve"))
    ['not', '1250', '12']
    """
    for match in _FACT.finditer(text):
        if match["number"]:
            yield match["number"].replace(",", "")
        elif match["tens"]:
            yield str(int(_NUMBER_WORDS[match["tens"]]) + int(_NUMBER_WORDS[match["unit"]]))
        elif match["nt"]:
            yield "not"
        elif match["word"]:
            if (fact := _FACT_WORDS.get(match["word"])) is not None:
                yield fact
        elif match["han"]:
            yield match["han"]


def _names(facts: Iterable[str]) -> str:
    return "a number changed" if any(fact[:1].isdigit() for fact in facts) else "a negation changed"


@dataclass(frozen=True, slots=True)
class Similarity:
    """A check by meaning: `similar(before, after)` in [0, 1], e.g. the cosine of two sentence embeddings.

    Give it to `voirdire.audit(check=...)`. It speaks on preserving claims only; nothing is downloaded, the callable is
    yours. Raises UsageError if `at_least` lies outside of [0, 1].
    """

    similar: Callable[[str, str], float]
    at_least: float = 0.8

    def __post_init__(self) -> None:
        if not 0 <= self.at_least <= 1:
            raise UsageError(f"at_least is {self.at_least}, but a similarity lies in [0, 1]")

    def __call__(self, perturbation: Perturbation, before: str, after: str) -> None:
        """Raises NotApplicable where a preserving edit is not similar enough."""
        if perturbation.claim == "preserving" and self.similar(before, after) < self.at_least:
            raise NotApplicable(f"{BROKE}its meaning is less than {self.at_least:g} similar")
