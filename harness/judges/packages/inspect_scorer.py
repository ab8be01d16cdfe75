"""Inspect: scorers (model_graded_qa ..., your own `@scorer`) are shown a response as a finished sample.

Both the scorer and the `@scorer` function that makes it are understood. There is no `eval` around the call, so a scorer
that looks for one (its model roles, sandbox, store) finds none. Tested with the version that docs/judges-packages.md
names.
"""

from __future__ import annotations

import math
from typing import Any

from voirdire.harness.cases import Case, Task
from voirdire.harness.errors import JudgeFault, UsageError
from voirdire.harness.judges.packages.base import PackageJudge, Rating, RatingJudge, check_task, version_of
from voirdire.harness.judges.packages.state import function_state
from voirdire.harness.judges.python_target import describe, plain
from voirdire.harness.verdicts import Scale, Usage

__all__ = ["adapt"]

_TASKS: tuple[Task, ...] = ("grade", "score", "pairwise", "ranking")
#: what Inspect's own metrics make of the letters and words
_YES = frozenset({"c", "yes", "true"})
_NO = frozenset({"i", "n", "no", "false"})
#: providers that run on this machine, or not at all
_FREE = ("mockllm/", "hf/", "vllm/", "sglang/", "ollama/", "llama-cpp-python/", "transformer_lens/", "none/")


def adapt(target: Any, task: Task | None, scale: Scale | None) -> PackageJudge | None:
    """The judge of a scorer; None where `target` is nothing that Inspect has registered."""
    info = getattr(target, "__registry_info__", None)
    if info is None:
        return None
    name = str(getattr(info, "name", "?"))
    if getattr(info, "type", None) != "scorer":
        raise UsageError(
            f"{name} is an Inspect {getattr(info, 'type', 'object')}, not a scorer",
            hint="Name a scorer, or the @scorer function that makes it.",
        )
    if not hasattr(target, "__registry_params__"):
        target = _made(target, name)
    return _Scorer(target, name, check_task(task, _TASKS, name), scale or Scale(0, 1))


def _made(factory: Any, name: str) -> Any:
    try:
        return factory()
    except Exception as error:
        hint = "Call it in your module, scorer = name(...), and name the result."
        raise UsageError(f"{name} could not be made without arguments: {describe(error)}", hint=hint) from None


class _Scorer(RatingJudge):
    def __init__(self, scorer: Any, name: str, task: Task, scale: Scale) -> None:
        params = getattr(scorer, "__registry_params__", {})
        state = {
            "object": name,
            "params": plain(params, depth=6),
            "code": function_state(scorer),
            "versions": {"inspect_ai": version_of("inspect_ai")},
        }
        super().__init__("Inspect", task, scale, state)
        self.paid = _paid(name, params)
        self._scorer = scorer

    async def rate(self, case: Case, response: str) -> Rating:
        from inspect_ai.scorer import Target

        _count_anew()
        score = await self._scorer(_state(case, response), Target(case.reference or case.rubric or ""))
        usage, model = _used()
        if score is None:
            return Rating(reason="the scorer gave no score", usage=usage, model=model)
        value = _value(score.value)
        return Rating(
            value=value,
            rationale=score.explanation or None,
            reason=_reason(score),
            usage=usage,
            model=model,
        )


def _state(case: Case, response: str) -> Any:
    """The sample as a solver would leave it. Rubric and context are metadata, which templates may name."""
    from inspect_ai.model import ChatMessageAssistant, ChatMessageSystem, ChatMessageUser, ModelName, ModelOutput
    from inspect_ai.solver import TaskState

    asked: Any = case.instruction
    if isinstance(case.instruction, str):
        messages: list[Any] = [ChatMessageUser(content=case.instruction)]
    else:
        kinds = {"system": ChatMessageSystem, "assistant": ChatMessageAssistant}
        asked = messages = [kinds.get(turn.role, ChatMessageUser)(content=turn.content) for turn in case.instruction]
    output = ModelOutput.from_content("judged", response)
    return TaskState(
        model=ModelName("voirdire/judged"),
        sample_id="case",
        epoch=1,
        input=asked,
        messages=[*messages, output.message],
        output=output,
        completed=True,
        metadata={k: v for k, v in (("rubric", case.rubric), ("context", case.context)) if v is not None},
    )


def _value(value: Any) -> float | bool | None:
    """A yes or no, a number, or None. Partial credit is a half, as in Inspect's own metrics."""
    if isinstance(value, (bool, int, float)):
        return value if isinstance(value, bool) or math.isfinite(value) else None
    if isinstance(value, str):
        said = value.strip().lower()
        if said in _YES or said in _NO:
            return said in _YES
        try:
            return 0.5 if said == "p" else float(said)
        except ValueError:
            return None
    raise JudgeFault(
        f"the scorer gave {type(value).__name__} values: {', '.join(map(str, value))[:80]}",
        hint="Make a scorer of one of them, or wrap it in a function of the case.",
    )


def _reason(score: Any) -> str:
    reason = getattr(score, "reason", None)
    return str(reason) if reason else f"the scorer gave {str(score.value)[:80]!r}"


def _paid(name: str, params: Any) -> bool:
    """May a call cost money? Inspect's own scorers that ask no model do not; of others the models they are given tell,
    and one that is given none may still find its model in the environment."""
    given = params.get("model") if isinstance(params, dict) else None
    models = given if isinstance(given, list) else [given] if given is not None else []
    named = [str(m.get("model") if isinstance(m, dict) else m) for m in models]
    if named:
        return not all(model.startswith(_FREE) for model in named)
    return not name.startswith("inspect_ai/") or "model_graded" in name


def _count_anew() -> None:
    """Inspect counts tokens by sample; without one around them they are counted here."""
    try:
        from inspect_ai.model._model import init_sample_model_usage
    except ImportError:
        return
    init_sample_model_usage()


def _used() -> tuple[Usage | None, str | None]:
    try:
        from inspect_ai.model._model import sample_model_usage
    except ImportError:
        return None, None
    used = sample_model_usage()
    if not used:
        return None, None
    kinds = ("input_tokens", "input_tokens_cache_read", "input_tokens_cache_write")
    read = sum(getattr(u, kind, None) or 0 for u in used.values() for kind in kinds)
    written = sum(u.output_tokens for u in used.values())
    costs = [u.total_cost for u in used.values() if getattr(u, "total_cost", None) is not None]
    return Usage(read, written, sum(costs) if len(costs) == len(used) else None), ", ".join(used)
