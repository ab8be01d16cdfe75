"""openevals: evaluators made by `create_llm_as_judge`, its asynchronous twin, and the ready ones (exact_match ...).

They are functions of `inputs`, `outputs` and `reference_outputs` that return {"key", "score", "comment"}. Tested with
the version that docs/judges-packages.md names.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, cast

from voirdire.harness.cases import Case, Task
from voirdire.harness.errors import JudgeFault, UsageError
from voirdire.harness.judges.packages.base import (
    BlockingRatingJudge,
    PackageJudge,
    Rating,
    RatingJudge,
    check_task,
    misread,
)
from voirdire.harness.judges.packages.langchain_usage import Used, counting
from voirdire.harness.judges.packages.state import identity_of
from voirdire.harness.verdicts import Scale

__all__ = ["adapt"]

_TASKS: tuple[Task, ...] = ("grade", "score", "pairwise", "ranking")
#: what a prompt may name -> the field of a case it comes from
_FIELDS = {"inputs": "instruction", "outputs": "responses", "reference_outputs": "reference"}
_EXTRA = ("rubric", "context")


def adapt(target: Any, task: Task | None, scale: Scale | None) -> PackageJudge | None:
    """The judge of an evaluator; None where `target` is no function of openevals."""
    if not inspect.isfunction(target):
        return None
    name = target.__name__
    if name.startswith("create_"):
        raise UsageError(f"{name} makes a judge and is none", hint=f"judge = {name}(prompt=..., model=...); name that.")
    kind = _AsyncEvaluator if inspect.iscoroutinefunction(target) else _Evaluator
    judge = kind(
        "openevals",
        check_task(task, _TASKS, name),
        scale or Scale(0, 1),
        identity_of(target, "openevals", "langchain-core"),
    )
    judge.call = target
    # the ready ones compare texts by themselves
    judge.paid = "llm" in target.__module__
    return cast(PackageJudge, judge)


class _Evaluator(BlockingRatingJudge):
    call: Callable[..., Any]

    def rate(self, case: Case, response: str) -> Rating:
        with counting() as used:
            try:
                result = self.call(**_arguments(case, response))
            except Exception as error:
                return _without(error, used)
        return _rating(result, used)


class _AsyncEvaluator(RatingJudge):
    call: Callable[..., Any]

    async def rate(self, case: Case, response: str) -> Rating:
        with counting() as used:
            try:
                result = await self.call(**_arguments(case, response))
            except Exception as error:
                return _without(error, used)
        return _rating(result, used)


def _arguments(case: Case, response: str) -> dict[str, Any]:
    """Texts as they are; a conversation as the list of messages that openevals writes out as JSON."""
    asked: Any = case.instruction
    if not isinstance(asked, str):
        asked = [{"role": turn.role, "content": turn.content} for turn in asked]
    # a prompt that is a function of one's own need not take what the case does not have
    extra = {name: value for name in _EXTRA if (value := getattr(case, name)) is not None}
    return {"inputs": asked, "outputs": response, "reference_outputs": case.reference, **extra}


def _without(error: Exception, used: Used) -> Rating:
    """The rating where the model's answer was not of the form that it was asked for; raises any other error."""
    if isinstance(error, KeyError) and error.args and error.args[0] in (*_FIELDS, *_EXTRA):
        lacking = _FIELDS.get(error.args[0], error.args[0])
        raise JudgeFault(
            f"the prompt has {{{error.args[0]}}}, and a case has no {lacking}",
            hint=f'Give each case a "{lacking}", or take it out of the prompt.',
        ) from None
    if misread(error, "score", "reasoning"):
        return Rating(reason=f"{type(error).__name__}: {error}"[:200], usage=used.usage, model=used.model)
    raise error


def _rating(result: Any, used: Used) -> Rating:
    if isinstance(result, list) and len(result) == 1:
        result = result[0]
    if not isinstance(result, dict) or "score" not in result:
        keys = [r.get("key") for r in result if isinstance(r, dict)] if isinstance(result, list) else []
        said = f"several scores ({', '.join(map(str, keys))})" if keys else f"a {type(result).__name__} without a score"
        raise JudgeFault(
            f"the evaluator gave {said}", hint="Wrap it in a function of the case that returns one number."
        )
    score = result["score"]
    return Rating(
        value=score if isinstance(score, (bool, int, float)) else None,
        reason=f"the evaluator gave the score {str(score)[:80]!r}",
        rationale=result.get("comment") or result.get("reasoning"),
        usage=used.usage,
        model=used.model,
    )
