"""The verdict formats that single protocols of the field ask for: two scores, five grades, `[RESULT] 4`, a list of
ranks, a first line, a checklist, a verdict with its certainty.

They find candidates as the general forms do, so what is quoted from a judged text, negated or contradicted is treated
alike (parsing.py). Not here: the forms that any prompt may ask for (parsing_pairwise.py and its neighbours).
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from voirdire.harness.judges.parsing_candidates import Candidate, Reader, Tier, recent
from voirdire.harness.judges.parsing_context import Context
from voirdire.harness.judges.parsing_pairwise import names_more, option_of
from voirdire.harness.judges.parsing_score import SIGNED, amount_at
from voirdire.harness.judges.parsing_text import Text
from voirdire.harness.verdicts import Scale

__all__ = ["pairwise_protocol_readers", "score_protocol_readers"]

#: "8 9", "8, 9", "8.5 / 7"; nothing else on the line. "8,9" may be a number with a decimal comma.
_TWO = re.compile(
    rf"[ \t]{{0,4}}({SIGNED})([ \t]{{1,3}}|[ \t]{{0,2}}(?:,[ \t]|[;/|])[ \t]{{0,2}})({SIGNED})[ \t.]{{0,4}}"
)
#: "The score of Assistant 1: 8"; the number follows
_OF_ONE = re.compile(
    r"\bscore (?:of|for) (?:the )?(?:assistant|answer|response)[ #]{0,2}([12ab])\b[*_\"']{0,3}[ ]{0,2}"
    r"(?::|=|is)[ ]{0,2}[*_\"'\[(]{0,3}(?=[-+−.\d])"
)
_SLOTS = {"1": 0, "a": 0, "2": 1, "b": 1}
_GRADES: Mapping[str, tuple[int | str, float]] = {
    "a>>b": (0, 2.0),
    "b<<a": (0, 2.0),
    "a>b": (0, 1.0),
    "b<a": (0, 1.0),
    "a=b": ("tie", 0.0),
    "b=a": ("tie", 0.0),
    "b>a": (1, -1.0),
    "a<b": (1, -1.0),
    "b>>a": (1, -2.0),
    "a<<b": (1, -2.0),
}
_GRADED = re.compile(r"\[\[[ ]{0,2}([ab])[ ]{0,2}(>>|<<|>|<|=)[ ]{0,2}([ab])[ ]{0,2}\]\]")
_RESULT = re.compile(r"\[result\][ \t]{0,3}[:(\"'*\[]{0,3}[ \t]{0,2}([\w.+−-]{1,12})")
_RANKED_NAME = re.compile(r"(?:model|answer|output)?[ _-]?([ab12])")
_RANKED = re.compile(
    r"'(?:model|answer|output|name)'[ ]{0,2}:[ ]{0,2}'(?:model|answer|output)?[ _-]?([ab12])'[ ]{0,2},"
    r"[ \n]{0,4}'rank'[ ]{0,2}:[ ]{0,2}([12])\b[ ]{0,2}\}"
)


def pairwise_protocol_readers(scale: Scale) -> dict[str, Reader]:
    """The forms for pairs by the name that `--parse` gives them; two scores must lie on `scale`."""
    return {
        "two-scores": lambda text: _two_scores(text, scale),
        "grades": _grades,
        "result": _pair_result,
        "ranks": _ranks,
        "first-line": _first_line,
        "certainty": _certainty,
    }


def score_protocol_readers(scale: Scale) -> dict[str, Reader]:
    """The forms for scores by the name that `--parse` gives them."""
    return {"result": lambda text: _score_result(text, scale), "checklist": lambda text: _checklist(text, scale)}


# --- pairs -----------------------------------------------------------------------------------------------------------


def _two_scores(text: Text, scale: Scale) -> Iterator[Candidate]:
    """The first or the last line, or one line for each assistant. Scores that are equal are a tie."""
    low = text.low
    for start, end in _outer_lines(low):
        match = _TWO.fullmatch(low, start, end)
        # "9/10" is one score of ten
        if match and not ("/" in match[2] and _number(match[3]) == scale.high):
            yield _scored(match.start(1), match.end(3), _number(match[1]), _number(match[3]), scale)
    found: dict[int, tuple[int, int, float | None, str | None]] = {}
    for match in recent(_OF_ONE, low, needs=("score",)):
        amount = amount_at(low, match.end(), scale)
        if amount is None or text.quoted(match.start()):
            continue  # looked at line by line: a quotation may have a mark of its own before every line
        value, why, end = amount
        # an assistant that is named again begins a new pair: the last whole one counts
        found = {} if _SLOTS[match[1]] in found and len(found) == 2 else found
        found[_SLOTS[match[1]]] = match.start(), end, value, why
        if len(found) == 2:
            start, end, *_ = max(found.values(), key=lambda one: one[0])
            a, b = found[0][2], found[1][2]
            if a is None or b is None:
                yield Candidate(start, end, None, Tier.EXPLICIT, bare=True, why=found[0][3] or found[1][3])
            else:
                yield _scored(start, end, a, b, scale)


def _number(source: str) -> float:
    return float(source.replace("−", "-"))


def _scored(start: int, end: int, a: float, b: float, scale: Scale) -> Candidate:
    for value in (a, b):
        if value not in scale:
            why = f"{value:g} is off the scale of {scale.low:g} to {scale.high:g}"
            return Candidate(start, end, None, Tier.EXPLICIT, bare=True, why=why)
    return Candidate(start, end, "tie" if a == b else int(b > a), Tier.EXPLICIT, bare=True, margin=a - b)


def _outer_lines(low: str) -> list[tuple[int, int]]:
    """Start and end of the first and the last line that hold anything."""
    first, end = len(low) - len(low.lstrip()), len(low.rstrip())
    if first >= end:
        return []
    stop = low.find("\n", first, end)
    lines = {(first, end if stop < 0 else stop), (low.rfind("\n", 0, end) + 1, end)}
    return sorted(lines)


def _grades(text: Text) -> Iterator[Candidate]:
    for match in recent(_GRADED, text.low, needs=("[[",)):
        value, margin = _GRADES.get("".join(match.groups()), (None, None))
        if not Context(text.low, match.start(), match.end()).rules_out_token():
            why = None if value is not None else "the verdict compares an answer with itself"
            yield Candidate(match.start(), match.end(), value, Tier.EXPLICIT, bare=True, margin=margin, why=why)


def _pair_result(text: Text) -> Iterator[Candidate]:
    for match in recent(_RESULT, text.low, needs=("[result]",)):
        value = None if names_more(text.low, match.end()) else option_of(match[1])
        why = None if value is not None else "what follows [RESULT] is no answer"
        yield Candidate(match.start(), match.end(), value, Tier.EXPLICIT, bare=True, why=why)


def _ranks(text: Text) -> Iterator[Candidate]:
    """`[{"model": "A", "rank": 1}, {"model": "B", "rank": 2}]`: both must be there, with different ranks."""
    entries: list[tuple[int, int, int, int, str | None]] = []
    for item in text.objects:
        name = next((item.data[k] for k in ("model", "answer", "output", "name") if k in item.data), None)
        entry = _RANKED_NAME.fullmatch(name.lower()) if isinstance(name, str) else None
        rank = item.data.get("rank")
        if entry and rank in (1, 2) and not isinstance(rank, bool):
            entries.append((item.at, item.at + 1, _SLOTS[entry[1]], int(rank), item.source))
    for match in recent(_RANKED, text.low, needs=("rank",)):
        # Python's quotation marks, which models write as well, make it no JSON
        entries.append((match.start(), match.end(), _SLOTS[match[1]], int(match[2]), None))
    entries.sort()
    for one, other in itertools.pairwise(entries):
        if other[0] - one[1] > 12 or Context(text.low, one[0], other[1]).rules_out_token():
            continue
        if one[2] == other[2] or one[3] == other[3]:
            yield Candidate(one[0], other[1], None, Tier.EXPLICIT, why="the ranks contradict each other")
        else:
            best = one if one[3] == 1 else other
            yield Candidate(one[0], other[1], best[2], Tier.EXPLICIT, source=best[4])


def _first_line(text: Text) -> Iterator[Candidate]:
    """`1`, `2` or `Tie` alone on the first line, a reason behind it."""
    lines = _outer_lines(text.low)
    if not lines:
        return
    start, end = lines[0]
    line = text.text[start:end].strip(" \t*_`\"'.#[]()")
    value = option_of(line) if len(line) <= 20 else None
    if value is not None:
        at = text.text.find(line, start)
        yield Candidate(at, at + len(line), value, Tier.EXPLICIT, bare=True)


def _certainty(text: Text) -> Iterator[Candidate]:
    """`{"verdict": "A", "certainty": 60}`: the margin is the certainty as a share, with the sign of the verdict."""
    for item in text.objects:
        value = option_of(item.data["verdict"]) if isinstance(item.data.get("verdict"), str) else None
        certainty = item.data.get("certainty")
        if value is None or isinstance(certainty, bool) or not isinstance(certainty, (int, float)):
            continue
        if not 0 <= certainty <= 100 or Context(text.low, item.at, item.at + 1).rules_out_token():
            continue
        sign = 0 if value == "tie" else 1 if value == 0 else -1
        yield Candidate(
            item.at, item.at + 1, value, Tier.EXPLICIT, source=item.source, margin=sign * float(certainty) / 100
        )


# --- scores ----------------------------------------------------------------------------------------------------------


def _score_result(text: Text, scale: Scale) -> Iterator[Candidate]:
    for match in recent(_RESULT, text.low, needs=("[result]",)):
        value, why, end = amount_at(text.low, match.start(1), scale) or (None, None, match.end())
        if value is None:
            why = why or "what follows [RESULT] is no score on the scale"
        yield Candidate(match.start(), end, value, Tier.EXPLICIT, bare=True, why=why)


def _checklist(text: Text, scale: Scale) -> Iterator[Candidate]:
    """`{"items": [{"weight": 2, "score": 0.75}, ...]}`: the weighted mean of the items, stretched to the scale."""
    for item in text.objects:
        entries = item.data.get("items")
        if not isinstance(entries, list) or not entries or Context(text.low, item.at, item.at + 1).rules_out_token():
            continue
        pairs = [_weighed(entry) for entry in entries]
        known = [pair for pair in pairs if pair is not None]
        weights = math.fsum(weight for weight, _ in known)
        value: float | None = None
        if len(known) == len(entries) and weights > 0:
            share = math.fsum(weight * score for weight, score in known) / weights
            value = min(scale.high, scale.low + share * (scale.high - scale.low))
        why = None if value is not None else "an item of the checklist has no score from 0 to 1"
        yield Candidate(item.at, item.at + 1, value, Tier.EXPLICIT, source=item.source, why=why)


def _weighed(entry: Any) -> tuple[float, float] | None:
    if not isinstance(entry, dict):
        return None
    weight, score = _finite(entry.get("weight", 1)), _finite(entry.get("score"))
    if weight is None or score is None:
        return None
    return (weight, score) if weight >= 0 and 0 <= score <= 1 else None


def _finite(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return None
    return float(value)
