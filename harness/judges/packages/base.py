"""What the adapters of other packages have in common: ratings of single responses, made into a verdict of any task.

    Rating         what a package says of one response
    PackageJudge   the shape that PythonJudge calls, with what the audit must know of it
    RatingJudge    the base for packages that rate one response at a time
    trouble        an error of a package as one of ours

Not here: any particular package (the other files).
"""

from __future__ import annotations

import abc
import dataclasses
import inspect
import math
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from voirdire.harness.cases import Case, Task
from voirdire.harness.errors import JudgeError, JudgeFault, JudgeUnreachable, UsageError
from voirdire.harness.judges.parsing_text import cut
from voirdire.harness.judges.python_target import describe
from voirdire.harness.verdicts import NullReason, Scale, Usage, Verdict

__all__ = [
    "ANY_TASK",
    "BlockingRatingJudge",
    "PackageJudge",
    "Rating",
    "RatingJudge",
    "check_task",
    "in_this_loop",
    "misread",
    "missing_fields",
    "named",
    "no_class",
    "trouble",
    "verdict_of",
    "version_of",
]

T = TypeVar("T")

_RATIONALE_LIMIT = 4_000
#: what a judge of single responses can judge, its own first
ANY_TASK: tuple[Task, ...] = ("score", "grade", "pairwise", "ranking")


class PackageJudge(Protocol):
    """An object of another package as PythonJudge calls it: `judge(case)`, sync or async, and what is known of it.

    `identity`: plain data that tells it from another judge, for the fingerprint. `needs`: the fields that a case must
    have. `paid`: a call may cost money. `deterministic`: equal content gives equal answers.
    """

    task: Task
    scale: Scale
    identity: Mapping[str, Any]
    needs: tuple[str, ...]
    paid: bool
    deterministic: bool

    def judge(self, case: Case) -> Any: ...


@dataclass(frozen=True, slots=True)
class Rating:
    """What a package says of one response: a number or a yes or no, or `value` None and `null` why.

    `passed`: its own threshold applied, where it has one.
    """

    value: float | bool | None = None
    passed: bool | None = None
    rationale: str | None = None
    null: NullReason = "unparsed"
    reason: str | None = None
    usage: Usage | None = None
    model: str | None = None


class _Rater:
    needs: tuple[str, ...] = ()
    paid = True
    deterministic = False

    def __init__(self, package: str, task: Task, scale: Scale, identity: Mapping[str, Any]) -> None:
        self.package = package
        self.task: Task = task
        self.scale = scale
        self.identity = identity


class RatingJudge(_Rater, abc.ABC):
    """A judge that rates each response by itself: two ratings decide a pair, several a ranking.

    A subclass has a coroutine `rate(case, response)`; one whose package blocks is a `BlockingRatingJudge`.
    """

    @abc.abstractmethod
    async def rate(self, case: Case, response: str) -> Rating: ...

    async def judge(self, case: Case) -> Verdict:
        try:
            # one after the other: the engine decides how much is asked at once
            ratings = [await in_this_loop(self.rate, case, response) for response in case.responses]
        except Exception as error:
            raise trouble(error, self.package) from None
        return verdict_of(ratings, self.task, self.scale)


class BlockingRatingJudge(_Rater, abc.ABC):
    """As RatingJudge, with a plain method `rate`: PythonJudge calls `judge` in a thread."""

    @abc.abstractmethod
    def rate(self, case: Case, response: str) -> Rating: ...

    def judge(self, case: Case) -> Verdict:
        try:
            ratings = [self.rate(case, response) for response in case.responses]
        except Exception as error:
            raise trouble(error, self.package) from None
        return verdict_of(ratings, self.task, self.scale)


def verdict_of(ratings: Sequence[Rating], task: Task, scale: Scale) -> Verdict:
    """The verdict that `ratings`, one a response, amount to.

    Score: the number, a yes as 1 and a no as 0. Grade: the yes or no, or whether the package's own threshold was
    reached. Pairwise: the higher wins and the margin is kept. Ranking: by the number; equal ones give none. Without one
    of the ratings there is no verdict.
    """
    from voirdire.harness.judges.python_judge import to_verdict

    kept: dict[str, Any] = {
        "rationale": _joined([r.rationale for r in ratings]),
        "usage": _summed([r.usage for r in ratings]),
        "served_model": next((r.model for r in ratings if r.model), None),
    }
    missing = next((r for r in ratings if r.value is None), None)
    if missing is not None:
        return Verdict(null=missing.null, reason=missing.reason or "no verdict", **kept)
    numbers = [float(r.value) for r in ratings if r.value is not None]
    if len(ratings) > 1:
        kept["raw"] = ", ".join(f"{number:.8g}" for number in numbers)
    answer: Any
    if task == "grade":
        value, passed = ratings[0].value, ratings[0].passed
        answer = value if isinstance(value, bool) else passed
        if answer is None:
            raise JudgeFault(
                f"the judge gave the number {numbers[0]:g} and says not from where on it is a pass",
                hint="Give it a threshold, or audit it with --task score.",
            )
    elif task == "ranking":
        if not all(map(math.isfinite, numbers)) or len(set(numbers)) < len(numbers):
            return Verdict(
                null="unparsed", reason="equal scores, or scores that are no numbers, give no ranking", **kept
            )
        answer = sorted(range(len(numbers)), key=lambda i: -numbers[i])
    else:
        answer = tuple(numbers) if task == "pairwise" else numbers[0]
    return dataclasses.replace(to_verdict(answer, task, scale, len(ratings)), **kept)


def _joined(texts: Sequence[str | None]) -> str | None:
    told = [text for text in texts if text]
    if len(told) > 1:
        told = [f"{i}: {text}" for i, text in enumerate(texts, start=1) if text]
    return cut("\n".join(told), _RATIONALE_LIMIT) if told else None


def _summed(usages: Sequence[Usage | None]) -> Usage | None:
    known = [u for u in usages if u is not None]
    if not known:
        return Usage(calls=len(usages)) if len(usages) > 1 else None

    def total(name: str) -> Any:
        values = [getattr(u, name) for u in known]
        # an unknown number is no zero
        return None if len(known) < len(usages) or None in values else sum(values)

    calls = sum(u.calls or 1 for u in known) + len(usages) - len(known)
    return Usage(total("input_tokens"), total("output_tokens"), total("cost_usd"), calls=calls if calls != 1 else None)


# --- what a recogniser says


def check_task(task: Task | None, allowed: Sequence[Task], what: str) -> Task:
    """The task to judge: the first of `allowed` where none is asked for. Raises UsageError for another one."""
    if task is None:
        return allowed[0]
    if task not in allowed:
        raise UsageError(f"{what} cannot judge the task {task!r}", hint=f"It judges {' or '.join(allowed)}.")
    return task


def no_class(target: Any, example: str) -> None:
    """Raises UsageError if `target` is a class where an object is wanted."""
    if inspect.isclass(target):
        raise UsageError(
            f"{target.__name__} is a class, not a judge", hint=f"Make an object in your module, {example}, and name it."
        )


def missing_fields(wanted: Iterable[str], fields: Mapping[str, str], what: str) -> tuple[str, ...]:
    """The fields of a case that `wanted`, the package's own names, come from by `fields`.

    Raises UsageError for a name that no case has.
    """
    unknown = [name for name in wanted if name not in fields]
    if unknown:
        raise UsageError(
            f"{what} needs {unknown[0]!r}, which a case does not have",
            hint=f"A case gives {', '.join(fields)}. Wrap the judge in a function of the case that adds the rest.",
        )
    found = [fields[name] for name in wanted]
    return tuple(name for name in ("reference", "rubric", "context") if name in found)


def version_of(distribution: str) -> str:
    """The installed version, for the fingerprint: another release may word its prompt in another way."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(distribution)
    except PackageNotFoundError:
        return "?"


# --- errors

#: names of exceptions, of the packages and of the clients below them, and what they mean here
_DOWN = frozenset({"AuthenticationError", "PermissionDeniedError", "NotFoundError", "PrerequisiteError"})
_PASSING = frozenset(
    {
        "APIConnectionError",
        "APITimeoutError",
        "ConnectError",
        "ConnectionError",
        "ConnectTimeout",
        "InternalServerError",
        "RateLimitError",
        "ReadTimeout",
        "ServiceUnavailableError",
        "Timeout",
        "TimeoutError",
        "TimeoutException",
    }
)


def trouble(error: BaseException, package: str) -> JudgeError:
    """`error` as one of ours: a refused key stops the run, an overloaded service may pass, the rest is a fault.

    Packages wrap the errors of their clients, so all that one was raised from counts, the outermost known one first.
    """
    if isinstance(error, JudgeError):
        return error
    for cause in _causes(error):
        names = {c.__name__ for c in type(cause).__mro__}
        status = getattr(cause, "status_code", None)
        said = f"{package}: {describe(cause)}"
        if names & _DOWN or status in (401, 403, 404):
            return JudgeUnreachable(said, hint="The key, the model's name or the address that the judge asks is wrong.")
        if names & _PASSING or status in (408, 409, 425, 429) or (isinstance(status, int) and status >= 500):
            return JudgeError(said)
    return JudgeFault(f"{package}: {describe(error)}")


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    at: BaseException | None = error
    while at is not None and id(at) not in seen:
        seen.add(id(at))
        yield at
        at = at.__cause__ or at.__context__


async def in_this_loop(call: Callable[..., Awaitable[T]], *arguments: Any) -> T:
    """`call`, and once more if it found a connection of an event loop that has ended: packages keep their clients, and
    every audit has a loop of its own."""
    try:
        return await call(*arguments)
    except Exception as error:
        if not any(isinstance(c, RuntimeError) and "loop is closed" in str(c) for c in _causes(error)):
            raise
    return await call(*arguments)


def misread(error: BaseException, *fields: str) -> bool:
    """Did the model answer, but not with the JSON, or not with the `fields`, that it was asked for? Packages take the
    fields out of whatever JSON came."""
    if named(error, "JSONDecodeError", "LengthFinishReasonError", "OutputParserException", "ValidationError"):
        return True
    if isinstance(error, KeyError):
        return error.args[:1] in [(name,) for name in fields]
    return isinstance(error, TypeError) and "indices must be" in str(error)


def named(error: BaseException, *names: str) -> bool:
    """Is `error`, or what it was raised from, of a class with one of these names?"""
    return any(c.__name__ in names for cause in _causes(error) for c in type(cause).__mro__)
