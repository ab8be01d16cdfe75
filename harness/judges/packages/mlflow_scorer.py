"""MLflow: judges (`make_judge`, Correctness, Guidelines ...) and scorers (`@scorer`) of `mlflow.genai`.

They are asked through `Scorer.run`, as `mlflow.genai.evaluate` asks them, which hands over what each of them takes.
Tested with the version that docs/judges-packages.md names.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from voirdire.harness.cases import Case, Task
from voirdire.harness.errors import JudgeError, JudgeFault, UsageError, redact
from voirdire.harness.judges.packages.base import (
    BlockingRatingJudge,
    PackageJudge,
    Rating,
    check_task,
    misread,
    no_class,
    version_of,
)
from voirdire.harness.judges.packages.state import function_state
from voirdire.harness.judges.python_target import plain, qualname, source_of
from voirdire.harness.verdicts import Scale, Usage

__all__ = ["adapt"]

_YES = frozenset({"yes", "pass", "correct", "true"})
_NO = frozenset({"no", "fail", "incorrect", "false"})
#: what MLflow's own judges insist on
_NEEDS: Mapping[str, tuple[str, ...]] = {
    "Correctness": ("reference",),
    "Equivalence": ("reference",),
    "ExpectationsGuidelines": ("rubric",),
}
#: private state that says when a judge was made, or what is known already
_PASSING_STATE = ("_cached_dump", "_instructions_prompt")


def adapt(target: Any, task: Task | None, scale: Scale | None) -> PackageJudge | None:
    """The judge of a scorer; None where `target` is none."""
    kind = target if isinstance(target, type) else type(target)
    if not any(c.__name__ == "Scorer" and c.__module__.startswith("mlflow.") for c in kind.__mro__):
        return None
    no_class(target, "judge = make_judge(...) or Correctness(...)")
    name = str(target.name)
    asks = _input_names(target)
    columns = getattr(target, "required_columns", None) or ()
    if "trace" in columns or {"trace", "session", "conversation"} & set(asks or ()):
        raise UsageError(f"{name} judges a trace, and a case has none", hint="Take a judge of inputs and outputs.")
    if target.is_session_level_scorer:
        raise UsageError(f"{name} judges whole sessions, not a response", hint="Take a judge of inputs and outputs.")
    numbers = _numbers(target)
    tasks: tuple[Task, ...] = ("grade", "score", "pairwise", "ranking")
    if numbers is not None:
        tasks = ("score", "grade", "pairwise", "ranking")
    return _Scorer(target, check_task(task, tasks, name), scale or numbers or Scale(0, 1), asks)


def _input_names(target: Any) -> tuple[str, ...] | None:
    """What the prompt of a judge names; None where it does not say. It warns about the rest."""
    fields = getattr(target, "get_input_fields", None)
    return tuple(f.name for f in fields()) if callable(fields) else None


def _numbers(target: Any) -> Scale | None:
    """The scale of a judge whose feedback is a number: of the numbers it may choose from, or from 0 to 1."""
    kind = getattr(target, "feedback_value_type", None)
    if kind in (int, float):
        return Scale(0, 1)
    choices = [c for c in get_args(kind) if isinstance(c, (int, float)) and not isinstance(c, bool)]
    return Scale(min(choices), max(choices)) if len(set(choices)) > 1 else None


class _Scorer(BlockingRatingJudge):
    def __init__(self, scorer: Any, task: Task, scale: Scale, asks: tuple[str, ...] | None) -> None:
        super().__init__("MLflow", task, scale, _identity(scorer))
        needs = _NEEDS.get(type(scorer).__name__, ())
        self.needs = needs or (("reference",) if asks is not None and "expectations" in asks else ())
        # a function of the user's own says nothing of a model
        self.paid = asks is not None
        self._scorer = scorer
        self._asks = asks

    def rate(self, case: Case, response: str) -> Rating:
        given = _given(case, response)
        if self._asks is not None:
            given = {name: value for name, value in given.items() if name in self._asks}
        try:
            result = self._scorer.run(**given)
        except Exception as error:
            if not misread(error, "result", "rationale") and "Failed to parse" not in str(error):
                raise
            return Rating(reason=f"{type(error).__name__}: {error}"[:200])
        return self._rating(result)

    def _rating(self, result: Any) -> Rating:
        if isinstance(result, list):
            if len(result) != 1:
                names = ", ".join(str(getattr(r, "name", "?")) for r in result)
                hint = "Take one of them in a function of the case."
                raise JudgeFault(f"the scorer gave several feedbacks ({names})", hint=hint)
            result = result[0]
        error = getattr(result, "error", None)
        if error is not None:
            raise JudgeError(redact(f"MLflow: {getattr(error, 'error_message', None) or error}"))
        value = getattr(result, "value", result)
        passes = self._scorer.pass_if
        return Rating(
            value=_value(value),
            passed=bool(passes(value)) if passes is not None and value is not None else None,
            reason=f"the scorer gave {str(getattr(value, 'value', value))[:80]!r}",
            rationale=getattr(result, "rationale", None),
            usage=_usage(getattr(result, "metadata", None)),
        )


def _given(case: Case, response: str) -> dict[str, Any]:
    """In MLflow's own shape: inputs and expectations are dictionaries."""
    inputs: dict[str, Any] = (
        {"question": case.instruction}
        if isinstance(case.instruction, str)
        else {"messages": [{"role": turn.role, "content": turn.content} for turn in case.instruction]}
    )
    if case.context is not None:
        inputs["context"] = case.context
    expected = {"expected_response": case.reference, "guidelines": [case.rubric] if case.rubric is not None else None}
    expectations = {name: value for name, value in expected.items() if value is not None}
    return {"inputs": inputs, "outputs": response, "expectations": expectations or None}


def _value(value: Any) -> float | bool | None:
    """A number, a yes or no, or None for any other word."""
    value = getattr(value, "value", value)
    if isinstance(value, (bool, int, float)):
        return value
    said = value.strip().lower() if isinstance(value, str) else ""
    if said in _YES or said in _NO:
        return said in _YES
    try:
        return float(said)
    except ValueError:
        return None


def _usage(metadata: Any) -> Usage | None:
    told = metadata if isinstance(metadata, dict) else {}
    found = [told.get(f"mlflow.assessment.judge{name}") for name in ("InputTokens", "OutputTokens", "Cost")]
    read, written, cost = (float(v) if isinstance(v, (int, float)) else None for v in found)
    if read is written is cost is None:
        return None
    return Usage(None if read is None else int(read), None if written is None else int(written), cost)


def _identity(scorer: Any) -> Mapping[str, Any]:
    state = {**vars(scorer), **(getattr(scorer, "__pydantic_private__", None) or {})}
    function = vars(scorer).get("_original_func")
    return {
        "object": qualname(scorer),
        "state": plain({k: v for k, v in state.items() if k not in _PASSING_STATE}, depth=5),
        "source": source_of(scorer),
        "function": function_state(function) if function is not None else None,
        "versions": {"mlflow": version_of("mlflow")},
    }
