"""One verdict made of several calls: a pair from two single scores, a case from its criteria one by one.

`Parts` says which cases are asked about and what their verdicts add up to. A part without a verdict leaves none of the
whole. Not here: under which prompt the parts are asked (setups.py), asking (prompted.py).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from voirdire.harness.cases import Case, Task, criteria_of
from voirdire.harness.errors import NotApplicable
from voirdire.harness.judges.parsing_text import cut
from voirdire.harness.verdicts import Scale, Usage, Verdict, utility

__all__ = ["CRITERIA", "RATINGS", "Parts", "joined"]

_RAW_LIMIT = 20_000
#: two means of scores that differ by less are equal but for rounding
_EQUAL = 1e-9


@dataclass(frozen=True, slots=True)
class Parts:
    """`of`: the cases that are asked about in place of one, raises NotApplicable. `join`: what their verdicts, all of
    them given, say of it: (case, task, scale, verdicts)."""

    name: str
    of: Callable[[Case], list[Case]]
    join: Callable[[Case, Task, Scale, Sequence[Verdict]], Verdict]


def joined(parts: Parts, case: Case, task: Task, scale: Scale, verdicts: Sequence[Verdict]) -> Verdict:
    """The verdict on `case`, with the replies and the usage of all its parts."""
    missing = next((k for k, v in enumerate(verdicts) if v.null is not None), None)
    if missing is None:
        whole = parts.join(case, task, scale, verdicts)
    else:
        reason = f"{parts.name} {missing + 1}: {verdicts[missing].reason or 'no verdict'}"
        whole = Verdict(null=verdicts[missing].null, reason=reason)
    raw = "\n\n".join(v.raw for v in verdicts if v.raw is not None)
    served = next((v.served_model for v in verdicts if v.served_model), None)
    return replace(whole, raw=cut(raw, _RAW_LIMIT) or None, usage=_usage(verdicts), served_model=served)


def _usage(verdicts: Sequence[Verdict]) -> Usage:
    known = [v.usage or Usage() for v in verdicts]

    def total(values: Sequence[float | None]) -> float | None:
        given = [value for value in values if value is not None]
        return math.fsum(given) if len(given) == len(values) else None

    tokens_in, tokens_out = (total([getattr(u, k) for u in known]) for k in ("input_tokens", "output_tokens"))
    return Usage(
        None if tokens_in is None else int(tokens_in),
        None if tokens_out is None else int(tokens_out),
        total([u.cost_usd for u in known]),
        sum(1 if u.calls is None else u.calls for u in known),
    )


# --- a pair, answer by answer ----------------------------------------------------------------------------------------


def _singles(case: Case) -> list[Case]:
    return [case.replace(responses=(text,), label=None) for text in case.responses]


def _higher(_case: Case, _task: Task, _scale: Scale, verdicts: Sequence[Verdict]) -> Verdict:
    one, other = (v.score or 0.0 for v in verdicts)
    if abs(one - other) <= _EQUAL:
        return Verdict(choice="tie", margin=0.0)
    return Verdict(choice=int(other > one), margin=one - other)


RATINGS = Parts("answer", _singles, _higher)


# --- a rubric, criterion by criterion --------------------------------------------------------------------------------

#: "[2] Is it right?": what the criterion weighs, as checklists write it
_WEIGHT = re.compile(r"[\s*\d.)-]{0,8}[\[(](\d+(?:\.\d+)?)[\])]")


def _criteria(case: Case) -> list[Case]:
    if not case.rubric:
        raise NotApplicable("the case has no rubric")
    found = criteria_of(case.rubric)
    if len(found) < 2:
        raise NotApplicable("the rubric has one criterion only")
    return [case.replace(rubric=criterion) for criterion in found]


def _weights(case: Case, n: int) -> list[float]:
    found = [_WEIGHT.match(criterion) for criterion in criteria_of(case.rubric or "")]
    weights = [float(match[1]) if match else 1.0 for match in found]
    return weights if len(weights) == n and math.fsum(weights) > 0 else [1.0] * n


def _mean(case: Case, task: Task, scale: Scale, verdicts: Sequence[Verdict]) -> Verdict:
    """Scores and pairs: the weighted mean. Grades: passed where every criterion is."""
    if task == "grade":
        return Verdict(grade=all(v.grade for v in verdicts))
    weights = _weights(case, len(verdicts))
    utilities = [utility(v, 0, task=task, scale=scale, n=len(case.responses)) or 0.0 for v in verdicts]
    share = math.fsum(w * u for w, u in zip(weights, utilities, strict=True)) / math.fsum(weights)
    if task == "score":
        return Verdict(score=min(scale.high, scale.low + share * (scale.high - scale.low)))
    if abs(share - 0.5) <= _EQUAL:
        return Verdict(choice="tie", margin=0.0)
    return Verdict(choice=int(share < 0.5), margin=2 * share - 1)


CRITERIA = Parts("criterion", _criteria, _mean)
