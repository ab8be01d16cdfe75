"""What the readers of the four tasks share: the `Candidate` they find, the forms any task has, and JSON look-up.

Not here: the words of one task (parsing_pairwise.py and its like) and the choice among candidates (parsing.py).
"""

from __future__ import annotations

import enum
import re
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from voirdire.harness.judges.parsing_context import Context
from voirdire.harness.judges.parsing_text import JsonObject, Text

__all__ = [
    "Candidate",
    "Reader",
    "Tier",
    "Value",
    "bracketed",
    "from_json",
    "key_start",
    "labelled_tail",
    "lone_lines",
    "recent",
    "starts_word",
]

#: a slot or "tie" (pairwise), a number (score), a boolean (grade), slots best first (ranking)
Value = int | float | bool | str | tuple[int, ...]
#: finds the candidates of one form in a reply
Reader = Callable[[Text], "Iterator[Candidate]"]

#: of one form at most this many are looked at, the last ones: bounds the work on a hostile reply
_MAX_CANDIDATES = 400


class Tier(enum.IntEnum):
    """How much a form is meant as the verdict; the highest tier found decides."""

    #: "Clarity score: 7", the score of one criterion; counts only where nothing else is said
    PART = -1
    #: a letter alone on the first line
    LEADING = 0
    #: "B is better"
    PROSE = 1
    #: "Overall, B is better"
    CONCLUDED = 2
    #: `[[B]]`, "Verdict: B", JSON, a letter alone on the last line
    EXPLICIT = 3


@dataclass(frozen=True, slots=True)
class Candidate:
    """One place where the reply may give its verdict. `value` None: it names none ("Score: 11" of 10), see `why`.

    `bare`: the form is too short to be recognised as an echo by itself. `source` is the text of a JSON object.
    `margin`: by how much the first answer is better, where the form tells.
    """

    start: int
    end: int
    value: Value | None
    tier: Tier
    bare: bool = False
    why: str | None = None
    source: str | None = None
    rationale: str | None = None
    margin: float | None = None


def recent(pattern: re.Pattern[str], text: str, *, needs: tuple[str, ...] = ()) -> list[re.Match[str]]:
    """The last few hundred matches. `needs`: no match is without one of these, and looking for them is cheaper."""
    if needs and not any(word in text for word in needs):
        return []
    return list(deque(pattern.finditer(text), _MAX_CANDIDATES))


def starts_word(text: str, at: int) -> bool:
    """No letter or digit of an alphabetic script stands before `at` (Chinese needs no space)."""
    return at == 0 or not text[at - 1].isalnum() or text[at - 1] > "\u2e7f"


# --- brackets --------------------------------------------------------------------------------------------------------

_DOUBLE = re.compile(r"\[\[[ ]{0,2}([^\[\]\n]{1,60}?)[ ]{0,2}\]\](?![\da-z])")
_SINGLE = re.compile(r"\[[ ]{0,2}([^\[\]\n]{1,60}?)[ ]{0,2}\](?!\]|\()")
_BOXED = re.compile(r"\\boxed\{[ ]{0,2}(?:\\text(?:bf|rm|tt)?\{)?([^{}\n]{1,40})\}{1,2}")
_TAGGED = re.compile(
    r"<(verdict|answer|winner|choice|decision|judge?ment|score|rating|grade|result|ranking)>"
    r"\s{0,4}([^<>\n]{1,60}?)\s{0,4}</\1>"
)


def bracketed(text: Text, value_of: Callable[[str], Value | None]) -> Iterator[Candidate]:
    """`[[B]]` anywhere, `[B]` where it stands alone, `\\boxed{B}`, `<verdict>B</verdict>`."""
    low = text.low
    for pattern, group, sign in ((_DOUBLE, 1, "[["), (_BOXED, 1, "\\boxed{"), (_TAGGED, 2, "</")):
        if sign not in low:
            continue
        for match in recent(pattern, low):
            value = value_of(text.text[match.start(group) : match.end(group)])
            if value is not None and not Context(low, match.start(), match.end()).rules_out_token():
                yield Candidate(match.start(), match.end(), value, Tier.EXPLICIT, bare=True)
    for match in recent(_SINGLE, low) if "[" in low else ():
        if low[match.start() - 1 : match.start()] == "[" or not _alone(low, match.start(), match.end()):
            continue
        value = value_of(text.text[match.start(1) : match.end(1)])
        if value is not None and not Context(low, match.start(), match.end()).rules_out_token():
            yield Candidate(match.start(), match.end(), value, Tier.EXPLICIT, bare=True)


def _alone(low: str, start: int, end: int) -> bool:
    """Is `low[start:end]` a line or a sentence of its own? `[B]` in running text refers, it does not judge."""
    before = low[max(0, start - 20) : start].rstrip(" \t\"'`")
    after = low[end : end + 20].lstrip(" \t\"'`.!")
    return (not before or before[-1] in "\n.!:#>" or not low[:start].strip()) and (not after or after[0] == "\n")


# --- lone lines ------------------------------------------------------------------------------------------------------

#: what may stand around a verdict that is alone on its line; a sign or a point that is attached to a digit belongs to
#: the number, and a dash with a blank behind it, which may be that of a list, is left to the reader of numbers
_DRESS_BEFORE = re.compile(r"(?:[ \t#>•|\"'`“”「」()\[\]$\\]|[.,](?!\d)|-(?![-.\d \t])|-[ \t](?![ \t]{0,9}[.\d]))*")
_DRESS_AFTER = " \t#>•|\"'`“”「」()[].,!$\\"
#: a line that ends so goes on in the next: "The answer is not\ncorrect"
_HANGING = re.compile(
    r"(?:\b(?:not|never|no|nor|neither|hardly|scarcely|barely|cannot|without|except|than|or|and|either|but|versus|vs"
    r"|partly|partially|mostly|nearly|almost|largely|somewhat|far from|less|more|in|un|mis|non)|n't|不|(?<=\w)[-–—/+])"
    r"(?:[ ](?:yet|quite|fully|entirely|wholly|completely|really|exactly|strictly|at all|even|be|an?|the|is|been)){0,2}"
    r"[ \t\n\"'`(\[]*$"
)


def lone_lines(
    text: Text, value_of: Callable[[str], Value | None], *, bare_first: Callable[[str], bool]
) -> Iterator[Candidate]:
    """A verdict alone on the last line, or (if `bare_first` allows its form) alone on the first."""
    low, source = text.low, text.text
    end = len(low.rstrip())
    start = low.rfind("\n", 0, end) + 1
    if not 0 < end - start <= 120:
        return
    at = _undressed(source, start, end)
    value = value_of(source[at:end].rstrip(_DRESS_AFTER))
    whole = not low[:start].strip()
    if value is not None and not low[start:end].rstrip(" \"'`").endswith(("?", ":")):
        context = Context(low, start, end)
        hangs = _HANGING.search(low[max(0, start - 60) : start])
        if whole or not (context.reported or context.negated or context.legend or hangs):
            yield Candidate(at, end, value, Tier.EXPLICIT, bare=True)
    if whole:
        return
    first = len(low) - len(low.lstrip())
    stop = low.find("\n", first)
    line = source[first:stop]
    if 0 < len(line) <= 40 and bare_first(line):
        at = _undressed(source, first, stop)
        value = value_of(source[at:stop].rstrip(_DRESS_AFTER))
        if value is not None:
            yield Candidate(at, stop, value, Tier.LEADING, bare=True)


def _undressed(source: str, start: int, end: int) -> int:
    """The offset of the verdict itself, inside any quotation marks around it."""
    match = _DRESS_BEFORE.match(source, start, end)
    return match.end() if match else start


# --- labels ----------------------------------------------------------------------------------------------------------

#: what may stand between a label and its value; a newline only after a colon
_SEPARATOR = re.compile(
    r"[\"'`)\]]{0,3}(?:[ ]{0,2}\([^()\n]{0,40}\))?[ \t]{0,3}"
    r"(?:[:=][ \t]{0,3}\n{0,2}[ \t]{0,3}|is[ ]?(?:that |therefore |thus |clearly |still |now )?:?[ ]{0,2}"
    r"|goes to[ ]|(?:->|→|—|–|-)[ ]{1,2}|[是为]{1,2}:?[ ]{0,2})"
    r"[\"'`(\[“‘「<$]{0,4}[ ]{0,1}"
)


def labelled_tail(low: str, at: int) -> int | None:
    """The offset of the value behind a label that ends at `at`, or None where no separator follows."""
    match = _SEPARATOR.match(low, at)
    return match.end() if match else None


def key_start(low: str, start: int, end: int) -> int:
    """The offset where the label begins, its own quotation mark included: the key of an object that is no valid JSON
    (`{"verdict": "A"` cut off, `{'verdict': 'A'}`) is not a quotation."""
    mark = low[start - 1 : start]
    return (
        start - 1 if mark in ('"', "'") and mark == low[end : end + 1] and low[start - 2 : start - 1] != "\\" else start
    )


# --- JSON ------------------------------------------------------------------------------------------------------------

_RATIONALE_KEYS = frozenset(
    ["rationale", "reason", "reasoning", "reasons", "explanation", "analysis", "justification", "comparison", "thought"]
)
_FINAL = ("final", "overall")


def _key(name: str) -> str:
    return "".join(c for c in name.lower() if c.isalnum())


def from_json(text: Text, keys: frozenset[str], value_of: Callable[[Any], Value | None]) -> Iterator[Candidate]:
    """The verdict of every JSON object: the shallowest of `keys`, those with "final" or "overall" first.

    Two keys of one depth that disagree, or a value that is no verdict, make a candidate without a value.
    """
    for item in text.objects:
        found = _look_up(item, keys, value_of)
        if found is None:
            continue
        context = Context(text.low, item.at, item.at + 1)
        if context.rules_out_token():
            continue
        value, why = found
        yield Candidate(
            item.at,
            item.at + 1,
            value,
            Tier.EXPLICIT,
            why=why,
            source=item.source,
            rationale=_rationale(item.data),
        )


def _look_up(
    item: JsonObject, keys: frozenset[str], value_of: Callable[[Any], Value | None]
) -> tuple[Value | None, str | None] | None:
    level: list[tuple[Mapping[str, Any], bool]] = [(item.data, False)]
    for _ in range(6):
        plain_hits: list[Any] = []
        final_hits: list[Any] = []
        deeper: list[tuple[Mapping[str, Any], bool]] = []
        for data, under_key in level:
            for name, value in data.items():
                key = _key(name)
                short = next((key.removeprefix(f) for f in _FINAL if key.startswith(f)), key)
                named = short in keys or key in keys or (short == "" and key in _FINAL)
                if isinstance(value, dict):
                    deeper.append((value, named or under_key))
                elif named:
                    (final_hits if key.startswith(_FINAL) else plain_hits).append(value)
        hits = final_hits or plain_hits
        if hits:
            values = [value_of(v) for v in hits]
            if None in values:
                return None, "the JSON object names no known verdict"
            if any(v != values[0] for v in values):
                return None, "the JSON object contradicts itself"
            return values[0], None
        # {"verdict": {"winner": "A"}} goes before a verdict-like key of some other part
        level = [d for d in deeper if d[1]] or deeper
        if not level:
            return None
    return None


def _rationale(data: Mapping[str, Any]) -> str | None:
    for name, value in data.items():
        if isinstance(value, str) and _key(name) in _RATIONALE_KEYS:
            return value
    return None
