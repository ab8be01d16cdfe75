"""`python:module:name`: a judge made of a Python callable, an object with `.judge(case)` or one of another package.

Here: calling it (`PythonJudge`), and `to_verdict`, which reads every answer a judge may give. Not here: finding it by
name (python_target.py), judges of other packages (packages/), reading a model's text (the parsing files), whether a
config file may select code at all.
"""

from __future__ import annotations

import asyncio
import contextvars
import functools
import inspect
import math
import numbers
import queue
import reprlib
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, Literal, cast

from voirdire.harness.cases import ALL_TASKS, Case, Task
from voirdire.harness.errors import JudgeError, JudgeFault, JudgeUnreachable, UsageError, nearest, redact
from voirdire.harness.judges.python_target import describe, fingerprint, load, qualname
from voirdire.harness.verdicts import Scale, Verdict

__all__ = ["PythonJudge", "to_verdict"]

#: calls that never came back, after which the judge is given up (each holds a thread)
MAX_LOST_CALLS = 64

_ACCEPTED: Mapping[Task, str] = {
    "pairwise": '"A", "B", "tie", a 0-based index, a pair of numbers, None or a Verdict (booleans are refused)',
    "score": "a number, None or a Verdict",
    "grade": 'a boolean, "correct" / "incorrect", "yes" / "no", "pass" / "fail", None or a Verdict',
    "ranking": "the indices of all responses, best first, None or a Verdict",
}
_LETTERS: Mapping[str, int | Literal["tie"]] = {"a": 0, "b": 1, "c": "tie", "tie": "tie"}
_REPR = reprlib.Repr()
_REPR.maxstring = _REPR.maxother = 2000
_GRADES = {"correct": True, "yes": True, "pass": True, "incorrect": False, "no": False, "fail": False}


def to_verdict(answer: Any, task: Task, scale: Scale, n: int) -> Verdict:
    """A judge's answer about `n` responses as a Verdict. NumPy scalars and arrays count as their Python values.

    Pairwise: "A", "B", "tie" or "C" in any case, a 0-based index, or a pair of numbers (the higher wins, equal is a
    tie, `margin` is the first minus the second). Score: a number. Grade: a boolean or one of the six words. Ranking:
    a permutation of range(n), best first. None, NaN and numbers outside `scale` are nulls (never clipped); a Verdict
    passes if it is one of this task, and is a null where a number of it is NaN. Anything else raises JudgeError.
    """
    if isinstance(answer, Verdict):
        return _checked(answer, task, scale, n)
    if answer is None:
        return _null("the judge gave no verdict")
    plain = answer.tolist() if hasattr(answer, "tolist") else answer
    verdict: Verdict | None = None
    if task == "pairwise":
        verdict = _pairwise(plain, n)
    elif task == "score":
        if _is_number(plain):
            verdict = _score(plain, scale)
    elif task == "grade":
        grade = _GRADES.get(plain.strip().lower()) if isinstance(plain, str) else plain
        if isinstance(grade, bool):
            verdict = Verdict(grade=grade)
    elif isinstance(plain, (list, tuple)) and all(type(i) is int for i in plain) and sorted(plain) == list(range(n)):
        verdict = Verdict(ranking=tuple(plain))
    if verdict is None:
        # Shortened twice: `redact` must see whole keys, and a repr may be very long.
        shown = redact(_REPR.repr(answer))[:80]
        raise JudgeFault(
            f"the judge answered {shown} ({type(answer).__name__}) about {n} response{'s' * (n != 1)}, "
            f"which is no {task} verdict",
            hint=f"A {task} judge answers {_ACCEPTED[task]}.",
        )
    return verdict


def _null(reason: str) -> Verdict:
    return Verdict(null="unparsed", reason=reason)


def _is_number(value: Any) -> bool:
    return isinstance(value, (numbers.Real, Decimal)) and not isinstance(value, bool)


def _pairwise(plain: Any, n: int) -> Verdict | None:
    if isinstance(plain, str):
        choice = _LETTERS.get(plain.strip().lower())
        return None if choice is None else Verdict(choice=choice)
    if isinstance(plain, int) and not isinstance(plain, bool):
        return Verdict(choice=plain) if 0 <= plain < n else None
    if isinstance(plain, (list, tuple)) and len(plain) == 2 and all(_is_number(x) for x in plain):
        first, second = (_float(x) for x in plain)
        if not (math.isfinite(first) and math.isfinite(second)):
            return _null(f"the judge gave the numbers {first:g} and {second:g}")
        margin = first - second
        return Verdict(
            choice="tie" if first == second else int(second > first),
            margin=margin if math.isfinite(margin) else None,
        )
    return None


def _float(value: Any) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf
    except ValueError:  # a signalling Decimal NaN
        return math.nan


def _score(value: Any, scale: Scale) -> Verdict:
    score = _float(value)
    if score not in scale:
        return _null(f"the judge gave the score {score:g}, outside its scale {scale.low:g}:{scale.high:g}")
    return Verdict(score=score)


def _checked(verdict: Verdict, task: Task, scale: Scale, n: int) -> Verdict:
    """A Verdict made elsewhere, if it is one of this task."""
    value = verdict.value
    fits = {
        "pairwise": verdict.choice == "tie" or (type(verdict.choice) is int and 0 <= verdict.choice < n),
        "score": verdict.score is not None and _is_number(verdict.score),
        "grade": isinstance(verdict.grade, bool),
        "ranking": verdict.ranking is not None and sorted(verdict.ranking) == list(range(n)),
    }[task]
    if verdict.null is None and not fits:
        raise JudgeFault(
            f"the judge answered a Verdict of {reprlib.repr(value)}, which is no {task} verdict about {n} responses"
        )
    if verdict.score is not None and _float(verdict.score) not in scale:
        return _score(verdict.score, scale)
    given = [*(verdict.probabilities or {}).values(), *([] if verdict.margin is None else [verdict.margin])]
    if any(math.isnan(_float(x)) for x in given):
        # whoever averages it would get an answer out of nothing
        return _null("the judge gave NaN for a probability or a margin")
    if verdict.margin is not None and math.isinf(_float(verdict.margin)):
        return replace(verdict, margin=None)
    return verdict


class PythonJudge:
    """A callable `f(case) -> answer`, sync or async, or an object with such a `.judge`. See `to_verdict` for answers.

    An object of another package that judges (a DeepEval metric ...; the `packages` folder) is taken as it is.

    It gets a keyword `sample` (the repeat's number) if its signature takes one. Sync callables run in daemon threads,
    as many at once as there are calls in flight, so they must be thread-safe or say `concurrency = 1`. An attribute
    `task`, `scale`, `paid` or `soft` is used where no argument says otherwise; of two `concurrency`s, the lower.

    `timeout`: seconds for one call. `version`: promises that the same version gives the same answers; only then may
    a later run reuse them. Raises UsageError on what cannot be called.
    """

    def __init__(
        self,
        target: Any,
        *,
        task: Task | None = None,
        scale: Scale | None = None,
        name: str | None = None,
        spec: str | None = None,
        version: str | None = None,
        timeout: float = 60.0,
        concurrency: int | None = None,
    ) -> None:
        from voirdire.harness.judges.packages import adapt

        what = spec or name or qualname(target)
        self.spec = spec or f"python:{qualname(target)}"
        adapted = adapt(target, task, scale)
        target = adapted or target
        if inspect.isclass(target):
            if not hasattr(target, "judge"):
                raise UsageError(
                    f"{what} is a class without a judge(case) method", hint="Pass a function or an object."
                )
            try:
                target = target()
            except Exception as error:
                raise UsageError(
                    f"{what}: {describe(error)}", hint="A judge class is made without arguments."
                ) from None
        call = getattr(target, "judge", target)
        if not callable(call):
            raise UsageError(
                f"{what} is not callable: it is {reprlib.repr(target)} ({type(target).__name__})",
                hint="A judge is a function of the case, or an object with judge(case).",
            )
        if not (timeout > 0 and math.isfinite(timeout)):
            raise UsageError(f"timeout must be a positive number of seconds, got {timeout}")
        self.task = _task_of(target, task, what)
        self.scale = _scale_of(target, scale, what)
        self.name = name or self.spec
        identity = None if adapted is None else adapted.identity
        self.fingerprint = fingerprint(target, call, self.task, self.scale, version, identity=identity)
        self.reusable = version is not None
        self.paid = bool(getattr(target, "paid", False))
        self.soft = bool(getattr(target, "soft", False))
        limits = [c for c in (concurrency, getattr(target, "concurrency", None)) if c is not None]
        self.concurrency: int | None = min(limits, default=None)
        self.deterministic = adapted is not None and adapted.deterministic
        self.needs: tuple[str, ...] = () if adapted is None else adapted.needs
        self._call: Callable[..., Any] = call
        self._wants_sample = _takes_sample(call, what)
        self._async = inspect.iscoroutinefunction(call) or inspect.iscoroutinefunction(type(call).__call__)
        self._timeout = timeout
        self._threads = _DaemonThreads()
        self._lost = 0

    def __repr__(self) -> str:
        return f"PythonJudge({self.name!r}, task={self.task!r})"

    @classmethod
    def from_spec(
        cls,
        spec: str,
        *,
        task: Task | None = None,
        scale: Scale | None = None,
        version: str | None = None,
        timeout: float = 60.0,
        concurrency: int | None = None,
    ) -> PythonJudge:
        """From `python:package.module:callable` or `python:path/to/file.py:name` (dotted names reach into objects).

        Modules are also looked for in the working directory, after the installed ones. Raises UsageError naming the
        spec, and file and line of the user's own error.
        """
        from voirdire.harness.judges.packages import no_telemetry

        spec = "python:" + spec.removeprefix("python:")
        no_telemetry()
        target = load(spec)
        return cls(target, task=task, scale=scale, spec=spec, version=version, timeout=timeout, concurrency=concurrency)

    @classmethod
    def from_callable(
        cls,
        target: Any,
        *,
        task: Task | None = None,
        scale: Scale | None = None,
        name: str | None = None,
        version: str | None = None,
        timeout: float = 60.0,
        concurrency: int | None = None,
    ) -> PythonJudge:
        return cls(target, task=task, scale=scale, name=name, version=version, timeout=timeout, concurrency=concurrency)

    async def judge(self, case: Case, *, sample: int) -> Verdict:
        call = (
            functools.partial(self._call, case, sample=sample)
            if self._wants_sample
            else functools.partial(self._call, case)
        )
        late = asyncio.timeout(self._timeout)
        try:
            async with late:
                answer = call() if self._async else await self._threads.run(call)
                # A plain function may return a coroutine (a lambda, a decorated or partial async function).
                if inspect.isawaitable(answer):
                    answer = await answer
        except JudgeError:
            raise
        except Exception as error:
            if late.expired():
                raise self._timed_out() from None
            raise JudgeFault(f"{self.name}: {describe(error)}") from None
        except SystemExit as error:
            raise JudgeFault(f"{self.name} called exit({error.code!r})") from None
        return to_verdict(answer, self.task, self.scale, len(case.responses))

    async def aclose(self) -> None:
        """Ends idle threads, and calls the object's own `aclose` where it has one."""
        self._threads.close()
        close = getattr(getattr(self._call, "__self__", None), "aclose", None)
        if inspect.iscoroutinefunction(close):
            await close()

    def _timed_out(self) -> JudgeError:
        message = f"{self.name} did not answer within {self._timeout:g} s"
        if not self._async:
            self._lost += 1
            if self._lost >= MAX_LOST_CALLS:
                return JudgeUnreachable(f"{message}; {self._lost} of its calls have not come back")
        return JudgeFault(message)


class _DaemonThreads:
    """Threads that cannot keep the process alive, which those of concurrent.futures do: they are joined at exit.

    A thread whose call never returns is lost; the next call gets another one.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()  # guards _idle
        self._idle: list[queue.SimpleQueue[Callable[[], None] | None]] = []

    async def run(self, call: Callable[[], Any]) -> Any:
        loop = asyncio.get_running_loop()
        done: asyncio.Future[tuple[bool, Any]] = loop.create_future()
        context = contextvars.copy_context()

        def settle(outcome: tuple[bool, Any]) -> None:
            if not done.done():
                done.set_result(outcome)

        def job() -> None:
            # An outcome, not an exception: a future refuses StopIteration, and SystemExit would end the thread.
            try:
                outcome = (True, context.run(call))
            except BaseException as error:
                outcome = (False, error)
            if not loop.is_closed():
                try:
                    loop.call_soon_threadsafe(settle, outcome)
                except RuntimeError:  # closed since
                    return

        with self._lock:
            tasks = self._idle.pop() if self._idle else None
        if tasks is None:
            tasks = queue.SimpleQueue()
            threading.Thread(target=self._work, args=(tasks,), daemon=True, name="voirdire-judge").start()
        tasks.put(job)
        good, value = await done
        if good:
            return value
        try:
            raise value
        finally:
            del value  # the exception's traceback holds this frame

    def close(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, []
        for tasks in idle:
            tasks.put(None)

    def _work(self, tasks: queue.SimpleQueue[Callable[[], None] | None]) -> None:
        while (job := tasks.get()) is not None:
            job()
            del job  # or an idle thread would keep the case alive
            with self._lock:
                self._idle.append(tasks)


def _task_of(target: Any, task: Task | None, what: str) -> Task:
    found = task or getattr(target, "task", None)
    if found is None:
        raise UsageError(
            f"{what} does not say what it judges",
            hint=f"Pass --task {'|'.join(ALL_TASKS)}, or give it an attribute task.",
        )
    if found not in ALL_TASKS:
        raise UsageError(f"{what} has the task {found!r}", hint=nearest(str(found), ALL_TASKS))
    return cast(Task, found)


def _scale_of(target: Any, scale: Scale | None, what: str) -> Scale:
    found = getattr(target, "scale", None) if scale is None else scale
    if found is None or isinstance(found, Scale):
        return found or Scale()
    try:
        low, high = found
        return Scale(float(low), float(high))
    except (TypeError, ValueError) as error:
        raise UsageError(f"{what} has the scale {found!r}: {error}", hint="A scale is (low, high).") from None


def _takes_sample(call: Callable[..., Any], what: str) -> bool:
    try:
        signature = inspect.signature(call)
    except (TypeError, ValueError):  # some builtins have none
        return False
    for extra in ({"sample": 0}, {}):
        try:
            signature.bind(None, **extra)
        except TypeError:
            continue
        return bool(extra)
    raise UsageError(f"{what} cannot be called with one case: its signature is {signature}")
