"""Which number of a text to get wrong, and how: another value of the same number of digits, everywhere it stands.

Used by degradation.number. Numbers written as words are left alone.
"""

from __future__ import annotations

import re
from random import Random
from typing import NamedTuple

from voirdire.harness.cases import Edit
from voirdire.harness.errors import NotApplicable
from voirdire.perturbations.draws import below
from voirdire.perturbations.spans import analyse, inside

__all__ = ["changed_numbers"]

_UNITS = "km|cm|mm|nm|kg|mg|g|m|s|ms|min|h|hr|hrs|GB|MB|KB|TB|GHz|MHz|Hz|px|mph|ml|mL|L|kW|W|V|K|M|B|C|F|N|J|kJ|Pa|kPa"
# A numeral that stands for itself: no part of a name (GPT-4), version, time, date, range, index, exponent or ordinal.
_NUMERAL = re.compile(
    r"(?<![A-Za-z0-9_.,:/^#@–\\])(?<![\w)]-)(?<!\^\{)(?<!_\{)(?<!\^\{-)"
    r"(?:\d{1,3}(?:,\d{3})+|\d{1,15})(?:\.\d{1,12})?"
    rf"(?![\d_^]|[.,:/\-–]\d|-?(?!(?:{_UNITS})\b)[A-Za-z])"
)
# Numbers that only count the parts of a text: list marks, headings, "Step 3", "[2]", 第3章.
_LABELS = (
    "step|figure|fig\\.|table|section|chapter|part|page|p\\.|pp\\.|option|question|example|case|equation|eq\\.|clue|premise"
    "|statement|fact|rule|hint|region|scenario|round|problem|exercise|theorem|lemma|appendix|method|approach|solution|line"
    "|item|no\\.|answer|volume|vol\\.|version|phase|level|type|class"
)
_STRUCTURE_BEFORE = re.compile(rf"(?:(?:^|\n)[ \t>*_#(（]*|(?i:\b(?:{_LABELS})) ?#?|第|图|表|步骤|\[)\Z")
_STRUCTURE_AFTER = re.compile(r"[.)、．）\]:：](?!\d)|[章节页条步]|(?:st|nd|rd|th)\b")
_YEAR = re.compile(r"1[2-9]\d\d|20\d\d")
_YEAR_BEFORE = re.compile(
    r"(?:\b(?i:in|since|by|from|until|till|before|after|during|of|around|circa|year|early|late|mid|spring|summer|autumn"
    r"|winter|january|february|march|april|may|june|july|august|september|october|november|december) |\(|^|\n)\Z"
)
_NO_CODE = re.compile(r"[ \t]*[|$\\]")  # tables and maths are blocks too
_LOCATOR = re.compile(r"https?:|www\.|ftp:|\]\(|<|[^@\s]+@", re.IGNORECASE)


class _Numeral(NamedTuple):
    start: int
    text: str

    @property
    def value(self) -> str:
        """The value as plain digits, so that 1,000 and 1000 are one number."""
        return self.text.replace(",", "")


def _numerals(text: str) -> tuple[list[_Numeral], list[_Numeral]]:
    """The numerals that say something, first those of the prose, then those inside code; none of links or tags."""
    protected, blocks, _ = analyse(text)
    whole = set(blocks)
    coded = tuple(s for s in protected if text[s[0]] == "`" or (s in whole and not _NO_CODE.match(text, *s)))
    links = tuple(s for s in protected if _LOCATOR.match(text, *s))
    prose: list[_Numeral] = []
    inner: list[_Numeral] = []
    for match in _NUMERAL.finditer(text):
        start, end = match.span()
        if inside(links, start, end):
            continue
        before = _STRUCTURE_BEFORE.search(text, max(0, start - 14), start)
        if before is not None and (before.group().strip(" \t\n>*_#(（") or _STRUCTURE_AFTER.match(text, end)):
            continue
        (inner if inside(coded, start, end) else prose).append(_Numeral(start, match.group()))
    return prose, inner


def _other_value(value: str, taken: set[str], rng: Random, *, year: bool, percent: bool) -> str | None:
    """Another numeral with the same digits before and behind the point and the same zeros at its end.

    Moves by 15 to 60 per cent (years by 7 to 40), so that it is wrong but not absurd; None if nothing fits.
    """
    digits = value.replace(".", "")
    core = digits.strip("0")
    if not core:
        return None
    head = len(digits) - len(digits.lstrip("0"))
    tail = len(digits) - len(digits.rstrip("0"))
    old = int(core)
    low, high = 10 ** (len(core) - 1), 10 ** len(core) - 1
    if year:
        old, tail, low, high = int(digits), 0, 1200, 2024
        spans = ((old - 40, old - 7), (old + 7, old + 40))
    elif len(core) == 1:
        low = 2
        spans = ((2, old - 1), (old + 1, 9))
    else:
        spans = ((int(old * 0.6), int(old * 0.85)), (int(old * 1.15) + 1, int(old * 1.6)))
    if percent and "." not in value and len(digits) <= 2:
        high = min(high, 99)
    choices = [(max(low, a), min(high, b)) for a, b in spans]
    room = sum(max(0, b - a + 1) for a, b in choices)
    if room == 0:
        return None
    for _ in range(20):
        k = below(rng, room)
        new = 0
        for a, b in choices:
            size = max(0, b - a + 1)
            if k < size:
                new = a + k
                break
            k -= size
        if new % 10 == 0 and not year:
            continue  # a new zero at the end would change how exact the number looks
        changed = "0" * head + str(new) + "0" * tail
        point = value.find(".")
        result = changed if point < 0 else changed[:point] + "." + changed[point:]
        if result not in taken:
            return result
    return None


def _is_year(text: str, numeral: _Numeral) -> bool:
    if not _YEAR.fullmatch(numeral.text):
        return False
    after = text[numeral.start + 4 : numeral.start + 6].lstrip()
    return after.startswith("年") or _YEAR_BEFORE.search(text, max(0, numeral.start - 12), numeral.start) is not None


def _dressed(new: str, like: str) -> str:
    """`new` with the thousands separators of `like`, which has as many digits."""
    digits = iter(new)
    return "".join("," if c == "," else next(digits) for c in like)


def changed_numbers(text: str, known: str, count: int, rng: Random) -> list[Edit]:
    """Edits that change `count` different numbers of `text`, each wherever it stands.

    The last number comes first, as answers end on their result; 0, 1, 10 and 100 come last. No new value occurs in
    `text` or `known` (instruction, reference, other responses), so that an error is never a repair by accident.
    Raises NotApplicable if there is no number to change.
    """
    prose, inner = _numerals(text)
    numerals = prose or inner
    taken = {m.group().replace(",", "") for m in _NUMERAL.finditer(text + "\n" + known)}
    values = list(dict.fromkeys(n.value for n in reversed(numerals)))
    order = sorted(values, key=lambda v: v in ("0", "1", "10", "100"))
    edits: list[Edit] = []
    for value in order:
        if count == 0:
            break
        places = [n for n in numerals if n.value == value]
        percent = any(re.match(r" ?[%％]", text[n.start + len(n.text) : n.start + len(n.text) + 2]) for n in places)
        year = any(_is_year(text, n) for n in places)
        new = _other_value(value, taken, rng, year=year, percent=percent)
        if new is None:
            continue
        edits += [Edit(n.start, n.start + len(n.text), _dressed(new, n.text)) for n in places]
        taken.add(new)
        count -= 1
    if not edits:
        raise NotApplicable(
            "the answer has no number that could be changed" if numerals else "the answer has no numbers"
        )
    return edits
