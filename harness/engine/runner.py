"""Asking a judge everything a plan needs, each question once.

A fixed number of workers pull calls in plan order; answers go to the store as they come. Retries of a single call
belong to the adapter; here is what concerns the run: what the store knows already, budgets, a judge that is down,
interruption. Whatever happens, every answer received is kept and returned.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from voirdire.harness.engine.events import CallFinished, Event, RunFinished, RunStarted
from voirdire.harness.engine.store import CallStore, Key
from voirdire.harness.errors import ExitCode, JudgeError, JudgeUnreachable, NotRecorded
from voirdire.harness.judges.base import Judge
from voirdire.harness.plan import PlannedCall
from voirdire.harness.verdicts import Usage, Verdict

__all__ = ["Limits", "Run", "run_calls"]

#: failures in a row, with no answer between them, after which the judge counts as down
DOWN_AFTER = 8


@dataclass(frozen=True, slots=True)
class Limits:
    """`max_calls` and `max_cost` (USD) stop the run; at most what is in flight goes beyond `max_cost`."""

    concurrency: int = 16
    max_calls: int | None = None
    max_cost: float | None = None


@dataclass(slots=True)
class Run:
    """`verdicts[i]` answers call i; None where the run stopped before. `stopped` as in RunFinished."""

    verdicts: list[Verdict | None]
    cached: int = 0
    made: int = 0
    errors: int = 0
    seconds: float = 0.0
    stopped: str | None = None
    reason: str | None = None
    #: of the last call that failed, for the case that none came back
    failure: ExitCode = ExitCode.JUDGE

    @property
    def tokens(self) -> int | None:
        """Tokens in and out of all answers; None if any answer did not tell."""
        total = 0
        for verdict in self.verdicts:
            if verdict is None or verdict.null == "error":
                continue
            usage = verdict.usage
            if usage is None or usage.input_tokens is None or usage.output_tokens is None:
                return None
            total += usage.input_tokens + usage.output_tokens
        return total

    @property
    def cost_usd(self) -> float | None:
        """Money of all answers; None if any answer did not tell."""
        costs = [
            v.usage.cost_usd if v.usage is not None else None
            for v in self.verdicts
            if v is not None and v.null != "error"
        ]
        known = [c for c in costs if c is not None]
        return sum(known) if costs and len(known) == len(costs) else None

    @property
    def served_model(self) -> str | None:
        return next((v.served_model for v in self.verdicts if v is not None and v.served_model), None)


async def run_calls(
    calls: Sequence[PlannedCall],
    judge: Judge,
    *,
    limits: Limits | None = None,
    store: CallStore | None = None,
    emit: Callable[[Event], None] = lambda _event: None,
) -> Run:
    """Answer `calls`. Returns also when it was stopped; raises only what nobody foresaw."""
    limits = limits or Limits()
    state = _State(calls, judge, limits, store if judge.reusable else None, emit)
    started = time.perf_counter()
    state.load()
    emit(RunStarted(planned=len(calls), cached=state.run.cached))
    workers = max(1, min(limits.concurrency, judge.concurrency or limits.concurrency, len(calls)))
    tasks = [asyncio.create_task(state.work()) for _ in range(workers)]
    try:
        await asyncio.gather(*tasks)
    except asyncio.CancelledError:
        state.run.stopped, state.run.reason = "interrupted", "interrupted"
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        state.run.seconds = time.perf_counter() - started
    emit(RunFinished(state.run.stopped, state.run.reason))
    return state.run


class _State:
    def __init__(
        self,
        calls: Sequence[PlannedCall],
        judge: Judge,
        limits: Limits,
        store: CallStore | None,
        emit: Callable[[Event], None],
    ) -> None:
        self.calls = calls
        self.judge = judge
        self.fingerprint = judge.fingerprint
        self.limits = limits
        self.store = store
        self.emit = emit
        self.run = Run([None] * len(calls))
        self.spent = 0.0
        self.started_calls = 0
        self.failures_in_a_row = 0
        self.todo: Iterator[int] = iter(())
        self.repeats: dict[int, list[int]] = {}

    def load(self) -> None:
        if self.store is not None:
            known = self.store.load(self.fingerprint, ((c.content, c.sample) for c in self.calls))
            for i, call in enumerate(self.calls):
                verdict = known.get((call.content, call.sample))
                if verdict is not None:
                    self.run.verdicts[i] = verdict
                    self.run.cached += 1
        todo = [i for i, v in enumerate(self.run.verdicts) if v is None]
        if self.judge.deterministic:
            todo = self._without_repeats(todo)
        self.todo = iter(todo)

    def _without_repeats(self, todo: list[int]) -> list[int]:
        """Of calls with equal content only the first is asked; the others take its answer."""
        leaders: dict[str, int] = {}
        for i in todo:
            leader = leaders.setdefault(self.calls[i].content, i)
            if leader != i:
                self.repeats.setdefault(leader, []).append(i)
        return list(leaders.values())

    async def work(self) -> None:
        for number in self.todo:
            if self.run.stopped is not None:
                return
            if self._over_budget():
                return
            self.started_calls += 1
            await self._ask(number)

    def _over_budget(self) -> bool:
        limits = self.limits
        if limits.max_calls is not None and self.started_calls >= limits.max_calls:
            self._stop("budget", f"--max-calls {limits.max_calls} was reached")
        elif limits.max_cost is not None and self.spent >= limits.max_cost:
            self._stop("budget", f"--max-cost {limits.max_cost:g} was reached")
        return self.run.stopped is not None

    def _pay(self, verdict: Verdict) -> None:
        cost = verdict.usage.cost_usd if verdict.usage is not None else None
        if cost is not None:
            self.spent += cost
        elif self.limits.max_cost is not None and self.judge.paid:
            # an unknown price is not a price of zero: a limit that cannot be kept must not look kept
            self._stop("budget", "the price of this judge is unknown, so --max-cost cannot be kept; use --max-calls")

    def _count_failure(self, error: JudgeError) -> None:
        """Stop if no further call can succeed, or if none did for long."""
        self.failures_in_a_row += 1
        self.run.failure = error.exit_code
        if isinstance(error, JudgeUnreachable):
            self._stop("judge", str(error))
        elif self.failures_in_a_row >= max(DOWN_AFTER, 2 * self.limits.concurrency):
            self._stop("judge", f"{self.failures_in_a_row} calls in a row failed; the last: {error}")

    def _stop(self, kind: str, reason: str) -> None:
        if self.run.stopped is None:
            self.run.stopped, self.run.reason = kind, reason

    async def _ask(self, number: int) -> None:
        call = self.calls[number]
        started = time.perf_counter()
        try:
            verdict = await self.judge.judge(call.case, sample=call.sample)
            self.failures_in_a_row = 0
        except NotRecorded as error:
            # the other questions may well be recorded: no reason to give the judge up
            verdict = Verdict(null="error", reason=error.message)
        except JudgeError as error:
            verdict = Verdict(null="error", reason=error.message)
            self._count_failure(error)
        self.run.made += 1
        self.run.verdicts[number] = verdict
        if verdict.null == "error":
            self.run.errors += 1
        else:
            self._pay(verdict)
            if self.store is not None:
                key: Key = (call.content, call.sample)
                self.store.put(self.fingerprint, key, verdict)
        self.emit(CallFinished(number, verdict, time.perf_counter() - started))
        for repeat in self.repeats.get(number, ()):
            copy = replace(verdict, usage=Usage(0, 0, 0.0))
            self.run.verdicts[repeat] = copy
            self.run.cached += 1
            self.emit(CallFinished(repeat, copy, 0.0))
