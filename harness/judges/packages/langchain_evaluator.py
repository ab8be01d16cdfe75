"""LangChain: string evaluators rate a response, pairwise ones compare two (`load_evaluator`, `*EvalChain`).

They live in `langchain_classic.evaluation` since LangChain 1, in `langchain.evaluation` before. openevals, their
successor, has a file of its own. They are called in threads: LangChain keeps its asynchronous clients from one event
loop to the next, where they do not work. Tested with the version that docs/judges-packages.md names.
"""

from __future__ import annotations

import warnings
from typing import Any

from voirdire.harness.cases import Case, Task
from voirdire.harness.errors import UsageError
from voirdire.harness.judges.packages.base import (
    ANY_TASK,
    BlockingRatingJudge,
    PackageJudge,
    Rating,
    check_task,
    named,
    no_class,
    trouble,
)
from voirdire.harness.judges.packages.langchain_usage import counting
from voirdire.harness.judges.packages.state import identity_of
from voirdire.harness.verdicts import Scale, Verdict

__all__ = ["adapt"]

_SLOTS = {"A": 0, "B": 1}


def adapt(target: Any, task: Task | None, scale: Scale | None) -> PackageJudge | None:
    """The judge of an evaluator; None where `target` evaluates nothing."""
    kind = target if isinstance(target, type) else type(target)
    bases = {c.__name__ for c in kind.__mro__}
    if not bases & {"StringEvaluator", "PairwiseStringEvaluator", "AgentTrajectoryEvaluator"}:
        return None
    no_class(target, "evaluator = load_evaluator(..., llm=...)")
    if "PairwiseStringEvaluator" in bases:
        return _Pairwise(target, check_task(task, ("pairwise",), kind.__name__))
    if "StringEvaluator" not in bases:
        raise UsageError(f"{kind.__name__} judges an agent's steps, not a response")
    # one of them answers from 1 to 10, or with that divided by `normalize_by`; the others from 0 to 1
    ten = "ScoreStringEvalChain" in bases
    parts = getattr(target, "normalize_by", None) or 1.0
    default = Scale(1 / parts, 10 / parts) if ten else Scale(0, 1)
    tasks: tuple[Task, ...] = ANY_TASK if ten else ("grade", "score", "pairwise", "ranking")
    return _String(target, check_task(task, tasks, kind.__name__), scale or default)


def _needs(evaluator: Any) -> tuple[str, ...]:
    return ("reference",) if getattr(evaluator, "requires_reference", False) else ()


def _asked(evaluator: Any, case: Case) -> dict[str, Any]:
    """What it takes besides the texts to judge; it warns about what it does not take."""
    takes = {"input": case.instruction_text, "reference": case.reference}
    return {name: value for name, value in takes.items() if getattr(evaluator, f"requires_{name}", False)}


class _String(BlockingRatingJudge):
    def __init__(self, evaluator: Any, task: Task, scale: Scale) -> None:
        super().__init__("LangChain", task, scale, _identity(evaluator))
        self.needs = _needs(evaluator)
        self.paid = _paid(evaluator)
        self._evaluator = evaluator

    def rate(self, case: Case, response: str) -> Rating:
        with counting() as used:
            try:
                result = self._evaluator.evaluate_strings(prediction=response, **_asked(self._evaluator, case))
            except Exception as error:
                if not _unreadable(error):
                    raise
                return Rating(reason=f"{type(error).__name__}: {error}"[:200], usage=used.usage, model=used.model)
        score = result.get("score")
        whole = _is_yes_or_no(result)
        return Rating(
            value=None if score is None else bool(score) if whole else float(score),
            reason=f"the evaluator gave {str(result.get('value'))[:80]!r}",
            rationale=result.get("reasoning"),
            usage=used.usage,
            model=used.model,
        )


class _Pairwise:
    deterministic = False

    def __init__(self, evaluator: Any, task: Task) -> None:
        self.task = task
        self.scale = Scale()
        self.identity = _identity(evaluator)
        self.needs = _needs(evaluator)
        self.paid = _paid(evaluator)
        self._evaluator = evaluator

    def judge(self, case: Case) -> Verdict:
        first, second = case.responses
        asked = _asked(self._evaluator, case)
        with counting() as used:
            try:
                result = self._evaluator.evaluate_string_pairs(prediction=first, prediction_b=second, **asked)
            except Exception as error:
                if not _unreadable(error):
                    raise trouble(error, "LangChain") from None
                reason = f"{type(error).__name__}: {error}"[:200]
                return Verdict(null="unparsed", reason=reason, usage=used.usage, served_model=used.model)
        # a value of None with half a point is a tie; a distance between the two has neither
        value, score = result.get("value"), result.get("score")
        choice: Any = "tie" if value is None and score == 0.5 else _SLOTS.get(str(value))
        if choice is None:
            reason = f"the evaluator gave {str(value)[:80]!r}"
            return Verdict(null="unparsed", reason=reason, usage=used.usage, served_model=used.model)
        return Verdict(choice=choice, rationale=result.get("reasoning"), usage=used.usage, served_model=used.model)


def _identity(evaluator: Any) -> Any:
    distribution = type(evaluator).__module__.partition(".")[0].replace("_", "-")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of fields that are on their way out
        return identity_of(evaluator, distribution, "langchain-core")


def _paid(evaluator: Any) -> bool:
    return getattr(evaluator, "llm", None) is not None


def _is_yes_or_no(result: Any) -> bool:
    return str(result.get("value")).strip().upper() in ("Y", "N", "YES", "NO", "CORRECT", "INCORRECT")


def _unreadable(error: BaseException) -> bool:
    """LangChain's parsers raise a plain ValueError that quotes the answer."""
    return named(error, "OutputParserException") or (type(error) is ValueError and "Invalid output" in str(error))
