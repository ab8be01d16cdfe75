"""DeepEval: metrics (GEval, Faithfulness ..., your own BaseMetric) rate a response, arena metrics decide a pair.

A metric keeps its last result on itself, so each call gets a copy, as DeepEval's own runner does it. Tested with the
version that docs/judges-packages.md names.
"""

from __future__ import annotations

import copy
import inspect
import math
from collections.abc import Mapping
from typing import Any

from voirdire.harness.cases import Case, Task
from voirdire.harness.errors import UsageError
from voirdire.harness.judges.packages.base import (
    ANY_TASK,
    PackageJudge,
    Rating,
    RatingJudge,
    check_task,
    in_this_loop,
    missing_fields,
    named,
    no_class,
    trouble,
)
from voirdire.harness.judges.packages.state import identity_of
from voirdire.harness.judges.python_target import describe
from voirdire.harness.verdicts import NullReason, Scale, Usage, Verdict

__all__ = ["adapt"]

#: DeepEval's name of a part of a test case -> the field of a case it comes from
_FIELDS: Mapping[str, str] = {
    "input": "instruction",
    "actual_output": "responses",
    "expected_output": "reference",
    "context": "context",
    "retrieval_context": "context",
}
#: names that the contestants of an arena get; the metric shows the model other ones, in an order of its own
_CONTESTANTS = ("first", "second")


def adapt(target: Any, task: Task | None, scale: Scale | None) -> PackageJudge | None:
    """The judge of a metric; None where `target` is no metric."""
    subject = target if isinstance(target, type) else type(target)
    bases = {c.__name__ for c in subject.__mro__ if c.__module__.startswith("deepeval.")}
    if not bases & {"BaseMetric", "BaseArenaMetric", "BaseConversationalMetric"}:
        return None
    no_class(target, "metric = GEval(name=..., criteria=..., evaluation_params=[...])")
    if "BaseConversationalMetric" in bases:
        raise UsageError(
            f"{subject.__name__} judges whole conversations, not a response",
            hint="Take the metric for single turns, or wrap it in a function of the case.",
        )
    if "BaseArenaMetric" in bases:
        return _Arena(target, check_task(task, ("pairwise",), subject.__name__))
    return _Metric(target, check_task(task, ANY_TASK, subject.__name__), scale or Scale(0, 1))


def _needs(metric: Any) -> tuple[str, ...]:
    wanted = getattr(metric, "evaluation_params", None) or getattr(metric, "_required_params", None)
    # a metric of the user's own may leave the base's type annotation there
    names = [str(getattr(p, "value", p)) for p in wanted] if isinstance(wanted, (list, tuple)) else []
    return missing_fields(names, _FIELDS, type(metric).__name__)


def _test_case(case: Case, response: str) -> Any:
    from deepeval.test_case import LLMTestCase

    context = [case.context] if case.context is not None else None
    return LLMTestCase(
        input=case.instruction_text,
        actual_output=response,
        expected_output=case.reference,
        context=context,
        retrieval_context=context,
    )


class _Metric(RatingJudge):
    def __init__(self, metric: Any, task: Task, scale: Scale) -> None:
        super().__init__("DeepEval", task, scale, identity_of(metric, "deepeval"))
        self._metric = metric
        self.needs = _needs(metric)
        self.paid = bool(getattr(metric, "using_native_model", False))

    async def rate(self, case: Case, response: str) -> Rating:
        metric = _fresh(self._metric)
        try:
            await _measured(metric, _test_case(case, response))
        except Exception as error:
            null = _null(error, metric)
            if null is None:
                raise
            return Rating(null=null, reason=describe(error), usage=_usage(metric))
        score = getattr(metric, "score", None)
        usable = isinstance(score, (int, float)) and math.isfinite(score)
        return Rating(
            value=float(score) if usable and score is not None else None,
            passed=metric.is_successful() if usable else None,
            reason="the metric was skipped" if getattr(metric, "skipped", False) else f"the metric gave {score!r}",
            rationale=_text(getattr(metric, "reason", None)),
            usage=_usage(metric),
            model=_text(getattr(metric, "evaluation_model", None)),
        )


class _Arena:
    """Two responses side by side. The metric shuffles them itself, so the order they are given in hardly matters."""

    needs: tuple[str, ...] = ()
    deterministic = False

    def __init__(self, metric: Any, task: Task) -> None:
        self.task = task
        self.scale = Scale()
        self.identity = identity_of(metric, "deepeval")
        self.needs = _needs(metric)
        self.paid = bool(getattr(metric, "using_native_model", False))
        self._metric = metric

    async def judge(self, case: Case) -> Verdict:
        from deepeval.test_case import ArenaTestCase, Contestant

        metric = _fresh(self._metric)
        pairs = zip(_CONTESTANTS, case.responses, strict=True)
        contestants = [Contestant(name=name, test_case=_test_case(case, text)) for name, text in pairs]
        try:
            winner = await in_this_loop(_measured, metric, ArenaTestCase(contestants=contestants))
        except Exception as error:
            null = _null(error, metric)
            if null is None:
                raise trouble(error, "DeepEval") from None
            return Verdict(null=null, reason=describe(error), usage=_usage(metric))
        if winner not in _CONTESTANTS:
            return Verdict(null="unparsed", reason="the metric named none of the contestants", usage=_usage(metric))
        return Verdict(
            choice=_CONTESTANTS.index(winner),
            rationale=_text(metric.reason),
            usage=_usage(metric),
            served_model=_text(getattr(metric, "evaluation_model", None)),
        )


async def _measured(metric: Any, test_case: Any) -> Any:
    return await metric.a_measure(test_case, **_quietly(metric))


def _fresh(metric: Any) -> Any:
    """A copy for one call. The nodes of a decision graph keep results too: DeepEval's own way copies them."""
    if not hasattr(metric, "dag"):
        return copy.copy(metric)
    from deepeval.metrics.utils import copy_metrics

    return copy_metrics([metric])[0]


def _quietly(metric: Any) -> dict[str, Any]:
    """No progress bar a call; a metric of the user's own may not know of one."""
    try:
        parameters = inspect.signature(metric.a_measure).parameters
    except (TypeError, ValueError):
        return {}
    takes = "_show_indicator" in parameters or any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    return {"_show_indicator": False} if takes else {}


def _null(error: BaseException, metric: Any) -> NullReason | None:
    """Why there is no verdict, where `error` means that and no failure: an answer in another form than was asked for,
    or a text (an empty one) that the metric will not judge."""
    if named(error, "MissingTestCaseParamsError"):
        return "refused"
    if "invalid JSON" in str(error) or named(error, "JSONDecodeError", "ValidationError", "LengthFinishReasonError"):
        return "unparsed"
    # DeepEval takes a field out of the answer and computes with it; in a metric of the user's own it may be a mistake
    own = type(metric).__module__.startswith("deepeval.")
    unread = isinstance(error, (KeyError, TypeError, ValueError)) and not isinstance(error, UnicodeError)
    return "unparsed" if own and unread else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _usage(metric: Any) -> Usage | None:
    cost = getattr(metric, "evaluation_cost", None)
    tokens = [getattr(metric, name, None) for name in ("input_tokens", "output_tokens")]
    read, written = (int(t) if isinstance(t, (int, float)) else None for t in tokens)
    money = float(cost) if isinstance(cost, (int, float)) and math.isfinite(cost) else None
    return None if read is written is money is None else Usage(read, written, money)
