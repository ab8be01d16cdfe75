"""What a judge answers (`Verdict`) and the one number the statistics use (`utility`).

Not here: turning a model's text into a verdict (judges/parsing.py).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

from voirdire.harness.cases import Task
from voirdire.harness.finite import is_finite

__all__ = ["NullReason", "Scale", "Usage", "Verdict", "rescaled", "utility"]

#: why there is no verdict: the reply could not be read, the judge declined, or the call failed
NullReason = Literal["unparsed", "refused", "error"]
#: what a sum of probabilities may be off by
_ROUNDING = 1e-6


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens and money of one call; an unknown number is None, never 0. `calls`: how many judges were asked for it,
    where that is not one."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: float | None = None
    calls: int | None = None


@dataclass(frozen=True, slots=True)
class Scale:
    """The inclusive range of a score judge, e.g. Scale(1, 10)."""

    low: float = 1.0
    high: float = 10.0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise ValueError(f"a scale needs low < high, got {self.low}:{self.high}")

    def __contains__(self, value: float) -> bool:
        return math.isfinite(value) and self.low <= value <= self.high

    def fraction(self, value: float) -> float:
        """`value` as a share of the scale, in [0, 1]."""
        return (value - self.low) / (self.high - self.low)

    def at(self, share: float) -> float:
        """The value at `share` of the scale; the inverse of `fraction`."""
        # rounding may leave the scale by an ulp
        return min(self.high, max(self.low, self.low + share * (self.high - self.low)))


@dataclass(frozen=True, slots=True)
class Verdict:
    """One answer of a judge about one case *as it was shown*.

    Exactly one of `choice` (pairwise: 0-based slot or "tie"), `score`, `grade`, `ranking` (slots, best first) is set,
    or none and `null` says why. `probabilities` maps "0", "1", "tie" (pairwise) or "true" (grade) to a probability
    where the judge gives one. `error` is the message of a failed call, with keys removed.
    """

    choice: int | Literal["tie"] | None = None
    score: float | None = None
    grade: bool | None = None
    ranking: tuple[int, ...] | None = None
    null: NullReason | None = None
    reason: str | None = None
    margin: float | None = None
    probabilities: Mapping[str, float] | None = field(default=None, hash=False)
    rationale: str | None = None
    raw: str | None = None
    usage: Usage | None = None
    served_model: str | None = None

    def __post_init__(self) -> None:
        given = sum(v is not None for v in (self.choice, self.score, self.grade, self.ranking))
        if given != (0 if self.null else 1):
            raise ValueError("a Verdict holds exactly one of choice, score, grade, ranking; or none of them and null")

    @property
    def value(self) -> Any:
        """The answer as plain JSON data: 0, "tie", 7.5, True, [2, 0, 1] or None."""
        if self.choice is not None:
            return self.choice
        if self.score is not None:
            return self.score
        if self.grade is not None:
            return self.grade
        return list(self.ranking) if self.ranking is not None else None

    def to_json(self) -> dict[str, Any]:
        """Plain JSON data, unset fields left out."""
        out: dict[str, Any] = {}
        for name in ("choice", "score", "grade", "null", "reason", "margin", "rationale", "raw", "served_model"):
            value = getattr(self, name)
            if value is not None:
                out[name] = value
        if self.ranking is not None:
            out["ranking"] = list(self.ranking)
        if self.probabilities is not None:
            out["probabilities"] = dict(self.probabilities)
        if self.usage is not None:
            out["usage"] = {
                k: v
                for k in ("input_tokens", "output_tokens", "cost_usd", "calls")
                if (v := getattr(self.usage, k)) is not None
            }
        return out

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Verdict:
        """The inverse of `to_json`. Raises ValueError on anything that is no verdict."""
        known = dict(data)
        ranking: Sequence[int] | None = known.pop("ranking", None)
        usage = known.pop("usage", None)
        try:
            verdict = cls(
                **known,
                ranking=tuple(ranking) if ranking is not None else None,
                usage=Usage(**usage) if usage is not None else None,
            )
            verdict._check()
        except (TypeError, AttributeError) as error:
            raise ValueError(f"not a verdict: {error}") from None
        return verdict

    def _check(self) -> None:
        """Raises ValueError, TypeError or AttributeError if a field is not what its type says: files hold anything."""
        if (
            self.choice is not None
            and self.choice != "tie"
            and (type(self.choice) is not int or self.choice not in (0, 1))
        ):
            raise ValueError(f'choice {self.choice!r:.40} is none of 0, 1, "tie"')
        if self.score is not None and not is_finite(self.score):
            raise ValueError("its score is no finite number")
        if self.grade is not None and type(self.grade) is not bool:
            raise ValueError(f"grade {self.grade!r:.40} is neither true nor false")
        if self.ranking is not None and (
            any(type(slot) is not int for slot in self.ranking)
            or sorted(self.ranking) != list(range(len(self.ranking)))
        ):
            raise ValueError("its ranking does not hold each slot once")
        if self.null is not None and self.null not in get_args(NullReason):
            raise ValueError(f"its null must be one of {', '.join(get_args(NullReason))}")
        if self.margin is not None and not is_finite(self.margin):
            raise ValueError("its margin is no finite number")
        if self.probabilities is not None and not all(
            is_finite(p) and -_ROUNDING <= p <= 1 + _ROUNDING for p in self.probabilities.values()
        ):
            raise ValueError("its probabilities are not numbers from 0 to 1")
        for text in (self.reason, self.rationale, self.raw, self.served_model):
            if text is not None and type(text) is not str:
                raise ValueError("one of its texts is no text")
        if (usage := self.usage) is not None:
            for count in (usage.input_tokens, usage.output_tokens, usage.calls):
                if count is not None and not (is_finite(count) and 0 <= count < 2**63):
                    raise ValueError("its usage is no number of tokens")
            if usage.cost_usd is not None and not (is_finite(usage.cost_usd) and usage.cost_usd >= 0):
                raise ValueError("its cost is no amount of money")

    def answers(self, task: Task, scale: Scale, n: int) -> bool:
        """Is this an answer, or a null, of a judge of that task and scale about `n` responses?"""
        if self.null is not None:
            return True
        if task == "pairwise":
            return self.choice is not None
        if task == "score":
            return self.score is not None and self.score in scale
        if task == "grade":
            return self.grade is not None
        return self.ranking is not None and len(self.ranking) == n


def rescaled(verdict: Verdict, scale: Scale, to: Scale) -> Verdict:
    """A verdict on `scale` with its score at the same share of the scale `to`; one without a score as it is."""
    if verdict.score is None or scale == to:
        return verdict
    return replace(verdict, score=to.at(scale.fraction(verdict.score)))


def utility(verdict: Verdict, slot: int, *, task: Task, scale: Scale, n: int = 2, soft: bool = False) -> float | None:
    """The verdict as seen by the response shown in `slot`, in [0, 1]; None for a null.

    Pairwise: win 1, tie .5, loss 0, or with `soft` the probability of a win plus half that of a tie where the judge
    gives probabilities. Score: its place on the scale. Grade: pass 1 (or its probability). Ranking of n: (n - rank) /
    (n - 1), rank 1 best.
    """
    if verdict.null is not None:
        return None
    if task == "pairwise":
        if soft and verdict.probabilities is not None:
            p = verdict.probabilities
            return min(1.0, max(0.0, p.get(str(slot), 0.0) + 0.5 * p.get("tie", 0.0)))
        return 0.5 if verdict.choice == "tie" else float(verdict.choice == slot)
    if task == "score":
        assert verdict.score is not None
        return scale.fraction(verdict.score)
    if task == "grade":
        if soft and verdict.probabilities is not None and "true" in verdict.probabilities:
            return verdict.probabilities["true"]
        return float(bool(verdict.grade))
    assert verdict.ranking is not None
    return 1.0 if n < 2 else (n - 1 - verdict.ranking.index(slot)) / (n - 1)
