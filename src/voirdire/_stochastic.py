"""`@stochastic`: a Hypothesis test of a judge that does not always answer the same.

    @voirdire.stochastic(confidence=0.95)
    @given(pair=strategies.perturbed(strategies.cases(), families=["typos"]))
    def test_typos_do_not_matter(pair):
        assert ask(pair.source) == ask(pair.case)

Hypothesis believes every answer: on a noisy judge it shrinks towards noise, or reports Flaky. Here each example's
body is repeated until a sequential test (harness/statistics/confirm.py) has decided whether it usually fails; the
decision is kept for the rest of the run, so Hypothesis sees a test that is nearly always right and never flaky. What is
reported in the end was asked again, on fresh calls.
"""

from __future__ import annotations

import asyncio
import dataclasses
import functools
import inspect
import types
import warnings
from collections.abc import Callable, Hashable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from voirdire.harness.errors import BudgetExceeded, UsageError
from voirdire.harness.statistics.confirm import Wald, lower_bound

__all__ = ["UndecidedWarning", "stochastic"]

Test = TypeVar("Test", bound=Callable[..., Any])

#: fresh calls about a shrunk example; a fourth of the budget at most
FRESH = 30


class UndecidedWarning(UserWarning):
    """The call budget ended before every example was decided, and none of those decided had failed."""


def stochastic(*, confidence: float = 0.95, max_calls: int = 1000, above: float = 0.5) -> Callable[[Test], Test]:
    """Decide each example of a Hypothesis test by repeating its body. Stands *above* `@given`.

    One execution of the body counts as one call; an AssertionError is a failure, any other exception ends the test at
    once. An example fails if its probability of failing lies above `above`: examples half-way from there to 1 or
    further are found, and those half-way from there to 0 or less are cleared, each with the error 1 - `confidence`
    (the false failures of the whole run together; a missed example each by itself). Between the two either may happen.

    At most `max_calls` executions, up to 30 of them kept for asking the shrunk example again. When they run out,
    shrinking ends with the smallest example so far; a run that found nothing gives an UndecidedWarning, or raises
    BudgetExceeded if it decided nothing at all. Async bodies run in an event loop of their own. Deadlines and
    Hypothesis' explain phase are off: a repeated body has no duration and no lines of its own. The test may not draw
    inside its body (`st.data()`), since then it could not be repeated. Raises UsageError for arguments out of range
    or the wrong order of decorators.
    """
    if not 0.5 < confidence < 1:
        raise UsageError(f"confidence is {confidence}, but must lie between .5 and 1", hint="The default is .95.")
    if not 0 < above < 1:
        raise UsageError(f"above is {above}, but must lie between 0 and 1", hint="The default is .5.")
    if max_calls < 20:
        raise UsageError(f"max_calls is {max_calls}, but must be at least 20", hint="One decision takes 3 to 20 calls.")

    def decorate(test: Test) -> Test:
        if not getattr(test, "is_hypothesis_test", False):
            raise UsageError(
                f"@stochastic was put on {getattr(test, '__name__', test)!r}, which is no Hypothesis test",
                hint="Write @stochastic(...) above @given(...), not below it.",
            )
        run = _Repeated(test.hypothesis.inner_test, confidence, max_calls, above)  # type: ignore[attr-defined]
        test.hypothesis.inner_test = run.body()  # type: ignore[attr-defined]
        return cast("Test", _same_test(test, run))

    return decorate


def _same_test(test: Any, run: _Repeated) -> Any:
    """`test` with `run` around each of its runs."""

    def wrapper(*args: Any, **kwargs: Any) -> None:
        __tracebackhide__ = True
        _adjust_settings(test)
        with run:
            failure = _failure_of(test, args, kwargs)
            run.report(failure)
            if failure is not None:
                raise failure

    # Hypothesis and pytest keep settings, examples, seeds and marks as attributes: one set for both functions, so
    # that decorators above and below this one reach the test alike
    wrapper.__dict__ = test.__dict__
    wrapper.__dict__["__signature__"] = inspect.signature(test)
    for name in ("__module__", "__name__", "__qualname__", "__doc__", "__annotations__"):
        setattr(wrapper, name, getattr(test, name))
    return wrapper


def _failure_of(test: Callable[..., Any], args: Any, kwargs: Any) -> BaseException | None:
    """What the assertions of a run raised, if anything; all else goes through."""
    try:
        test(*args, **kwargs)
    except AssertionError as failure:
        return failure
    except BaseExceptionGroup as group:  # Hypothesis' several distinct failures
        if group.split(AssertionError)[1] is not None:
            raise
        return group
    return None


def _adjust_settings(test: Any) -> None:
    """No deadline, and no explain phase, which asks about more examples to compare the lines that they ran."""
    from hypothesis import Phase, settings

    current = getattr(test, "_hypothesis_internal_use_settings", None) or settings()
    if current.deadline is not None or Phase.explain in current.phases:
        phases = [phase for phase in current.phases if phase is not Phase.explain]
        test._hypothesis_internal_use_settings = settings(current, deadline=None, phases=phases)


@dataclass(slots=True)
class _Example:
    """What was decided about one example. `failure` is what its body raised last."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    k: int = 0
    n: int = 0
    fails: bool | None = None
    failure: AssertionError | None = None
    traceback: types.TracebackType | None = field(default=None, repr=False)


class _Repeated:
    """The body of a test, repeated; and one run of it at a time, as a context."""

    def __init__(self, inner: Callable[..., Any], confidence: float, max_calls: int, above: float) -> None:
        self.inner = inner
        self.error = 1 - confidence
        self.above = above
        self.max_calls = max_calls
        self.fresh = min(FRESH, max_calls // 4)
        self._runner: asyncio.Runner | None = None
        self._reset()

    def _reset(self) -> None:
        self.left = self.max_calls
        self.examples: dict[Hashable, _Example] = {}

    def __enter__(self) -> _Repeated:
        self._reset()
        return self

    def __exit__(self, *_: object) -> None:
        self._reset()
        if self._runner is not None:
            self._runner.close()
            self._runner = None

    def body(self) -> Callable[..., None]:
        """What Hypothesis runs instead of the body: sync, and the same for the same example throughout a run."""

        @functools.wraps(self.inner)
        def decided(*args: Any, **kwargs: Any) -> None:
            __tracebackhide__ = True
            example = self._example(args, kwargs)
            if example.fails is None:
                self._decide(example)
            if example.fails and example.failure is not None:
                # with the traceback of its first time: Hypothesis tells failures apart by where they were raised
                raise example.failure.with_traceback(example.traceback)

        return decided

    def _example(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> _Example:
        key = (_frozen(args), _frozen(kwargs))
        return self.examples.setdefault(key, _Example(args, kwargs))

    def _decide(self, example: _Example) -> None:
        """Repeat the body until Wald's test is sure, or the calls end (then it stays undecided, and passes)."""
        # the j-th example may be called a failure wrongly with error / (j (j + 1)), which adds up to `error`
        number = len(self.examples)
        test = Wald(self.above / 2, (1 + self.above) / 2, self.error / (number * (number + 1)), self.error)
        while test.decision is None and self.left > self.fresh:
            test.add(self._fails(example))
        example.k, example.n, example.fails = test.k, test.n, test.decision

    def _fails(self, example: _Example) -> bool:
        self.left -= 1
        try:
            result = self.inner(*example.args, **example.kwargs)
            if inspect.iscoroutine(result):
                self._run(result)
        except AssertionError as failure:
            example.failure, example.traceback = failure, failure.__traceback__
            return True
        return False

    def _run(self, coroutine: Any) -> None:
        if self._runner is None:
            self._runner = asyncio.Runner()
        self._runner.run(coroutine)

    def report(self, failure: BaseException | None) -> None:
        """Ask the examples that are reported again; say so where too few were decided."""
        for error in _leaves(failure):
            for example in self.examples.values():
                if example.failure is error:
                    error.add_note(self._again(example))
        undecided = sum(example.fails is None for example in self.examples.values())
        if failure is None and undecided:
            self._warn(undecided)

    def _again(self, example: _Example) -> str:
        failure = example.failure  # the fresh failures are not the one that is being raised
        n = min(self.fresh, self.left)
        k = sum(self._fails(example) for _ in range(n))
        example.failure = failure
        bound = lower_bound(k, n, self.error)
        used = self.max_calls - self.left
        lines = [
            f"voirdire: this example failed in {example.k} of the {example.n} calls that decided it, and again in {k} "
            f"of {n} fresh ones.",
            f"It fails with probability {bound:.2f} or more ({1 - self.error:.0%} confidence); {used:,} calls in all.",
        ]
        if k <= self.above * n:
            lines.append("The fresh calls do not bear it out: it may be the judge's noise.")
        return "\n".join(lines)

    def _warn(self, undecided: int) -> None:
        known = len(self.examples) - undecided
        hint = "Raise max_calls of @stochastic, or lower max_examples of @settings."
        if not known:
            raise BudgetExceeded(f"{self.max_calls} calls did not decide a single example", hint=hint)
        warnings.warn(
            f"only {known} of {len(self.examples)} examples were decided within {self.max_calls:,} calls. {hint}",
            UndecidedWarning,
            stacklevel=4,
        )


def _leaves(error: BaseException | None) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for part in error.exceptions:
            yield from _leaves(part)
    elif error is not None:
        yield error


def _frozen(value: Any) -> Hashable:
    """`value` as a key that is equal exactly for examples that look the same, labels and meta of cases included.

    `repr` will not do for our own types, which leave labels out of it. Raises UsageError for `st.data()`.
    """
    if type(value).__name__ == "DataObject":
        raise UsageError(
            "@stochastic cannot repeat a body that draws from st.data()",
            hint="Draw everything in @given, e.g. with a composite strategy.",
        )
    kind = type(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return kind, tuple(_frozen(getattr(value, f.name)) for f in dataclasses.fields(value))
    if isinstance(value, Mapping):
        return kind, tuple((_frozen(k), _frozen(v)) for k, v in value.items())
    if isinstance(value, (list, tuple)):
        return kind, tuple(_frozen(v) for v in value)
    if isinstance(value, Set):
        return kind, frozenset(_frozen(v) for v in value)
    return kind, repr(value)
