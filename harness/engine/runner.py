"""Asking a judge everything a plan needs, each question once.

A fixed number of workers pull calls in plan order; answers go to the store as they come. Retries of a single call
belong to the adapter, and so does the pace of an endpoint; here is what concerns the run: what the store knows
already, budgets, the user's limits a minute, a judge that is down, calls worth asking again, interruption. Whatever
happens, every answer received is kept and returned.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Protocol, runtime_checkable

from voirdire.harness.engine.breaker import DOWN_AFTER, Breaker, JudgeBusy
from voirdire.harness.engine.events import CallFinished, Event, RunFinished, RunPaused, RunStarted
from voirdire.harness.engine.pacing import Meter, open_ticket
from voirdire.harness.engine.store import CallStore, Key
from voirdire.harness.engine.texts import Texts
from voirdire.harness.errors import ExitCode, JudgeError, JudgeUnreachable, NotRecorded, UsageError
from voirdire.harness.judges.base import Judge
from voirdire.harness.numbers import need_count
from voirdire.harness.plan import PlannedCall
from voirdire.harness.verdicts import Usage, Verdict

__all__ = ["DOWN_AFTER", "Limits", "Run", "Spent", "run_calls"]

#: characters of a question that make about one token, until the judge's own counts are known
_TOKEN_CHARACTERS = 4
#: tokens of a question that are the prompt around the case, until the judge's own counts are known
_PROMPT_TOKENS = 300
#: so many different verdicts without text are kept once each, however often they are given
_SHARED_VERDICTS = 4096
#: how long a batch of answers takes to write, about
_WRITE_SECONDS = 0.002


@dataclass(frozen=True, slots=True)
class Limits:
    """What a run may spend, and how fast.

    `max_calls`, `max_tokens` (in and out) and `max_cost` (USD) stop the run; at most what is in flight goes beyond the
    latter two. `rate` and `token_rate`: requests (retries included) and tokens a minute, of all endpoints together.
    `reasks`: how often a call that failed in a way that may pass is asked again at the end of the run, on top of the
    adapter's own retries. Raises UsageError for numbers that make no sense.
    """

    concurrency: int = 16
    max_calls: int | None = None
    max_cost: float | None = None
    max_tokens: int | None = None
    rate: float | None = None
    token_rate: float | None = None
    reasks: int = 4

    def __post_init__(self) -> None:
        for option, value in (("--rate", self.rate), ("--token-rate", self.token_rate)):
            if value is not None and not 0 < value < float("inf"):
                raise UsageError(f"{option} must be a positive number a minute, got {value:g}")
        need_count("concurrency", self.concurrency, 1, none=False)
        need_count("max_calls", self.max_calls, 0)
        if self.max_cost is not None and not 0 < self.max_cost < float("inf"):
            raise UsageError(f"max_cost must be a positive number of US dollars, got {self.max_cost:g}")


@dataclass(slots=True)
class Spent:
    """What was spent so far, of the limits of one run: it may be made in several parts (`run_calls`), one after
    another."""

    calls: int = 0
    usd: float = 0.0
    tokens: int = 0
    #: answers that told their tokens
    counted: int = 0
    #: the user's limits a minute, from the first part on
    meter: Meter | None = None


@runtime_checkable
class Wrapper(Protocol):
    """What a judge made of judges tells besides (judges/wrappers/base.py)."""

    most_calls: int

    def remember_in(self, memory: CallStore | None) -> None: ...


@dataclass(slots=True)
class Run:
    """`verdicts[i]` answers call i, without long texts (`whole(i)` has them); None where the run stopped before.
    `stopped` as in RunFinished.

    `made` counts calls by their outcome, each once; `reasked` how often one was asked again.
    """

    # not in the repr, which asyncio builds of every task's result: it would double the memory of a long run
    verdicts: Sequence[Verdict | None] = field(repr=False)
    cached: int = 0
    made: int = 0
    errors: int = 0
    reasked: int = 0
    seconds: float = 0.0
    stopped: str | None = None
    reason: str | None = None
    #: of the last call that failed, for the case that none came back
    failure: ExitCode = ExitCode.JUDGE
    texts: Texts | None = field(default=None, repr=False)

    def whole(self, number: int) -> Verdict | None:
        """The answer to call `number` with the judge's reply and rationale."""
        verdict = self.verdicts[number]
        return verdict if verdict is None or self.texts is None else self.texts.whole(number, verdict)

    def count(self, part: Run) -> None:
        """Add the outcome of a part of this run; its verdicts are taken over elsewhere."""
        self.cached += part.cached
        self.made += part.made
        self.errors += part.errors
        self.reasked += part.reasked
        self.seconds += part.seconds
        self.stopped, self.reason, self.failure = part.stopped, part.reason, part.failure

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

    @property
    def served(self) -> Counter[str]:
        """How many answers each model gave that told its name, in order of appearance."""
        return Counter(v.served_model for v in self.verdicts if v is not None and v.served_model)

    @property
    def answered(self) -> int:
        """Calls that have an answer, or failed."""
        return sum(v is not None for v in self.verdicts)

    @property
    def nulls(self) -> int:
        """Replies without a verdict; calls that failed are not among them."""
        return sum(v is not None and v.null in ("unparsed", "refused") for v in self.verdicts)


async def run_calls(
    calls: Sequence[PlannedCall],
    judge: Judge,
    *,
    limits: Limits | None = None,
    store: CallStore | None = None,
    emit: Callable[[Event], None] = lambda _event: None,
    spent: Spent | None = None,
) -> Run:
    """Answer `calls`. Returns also when it was stopped; raises only what nobody foresaw.

    `spent` counts on where the calls are one part of a run, whose limits hold for all parts together.
    """
    limits = limits or Limits()
    workers = max(1, min(limits.concurrency, judge.concurrency or limits.concurrency, len(calls)))
    state = _State(calls, judge, limits, store if judge.reusable else None, emit, workers, spent or Spent())
    started = time.perf_counter()
    state.load()
    emit(RunStarted(planned=len(calls), cached=state.run.cached))
    tasks = [asyncio.create_task(state.work()) for _ in range(workers)]
    try:
        await asyncio.gather(*tasks)
    except asyncio.CancelledError:
        state.run.stopped, state.run.reason = "interrupted", "interrupted"
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        state.settle()
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
        workers: int,
        spent: Spent,
    ) -> None:
        self.calls = calls
        self.judge = judge
        self.fingerprint = judge.fingerprint
        self.limits = limits
        self.store = store
        self.emit = emit
        self.texts = Texts(len(calls))
        self.verdicts: list[Verdict | None] = [None] * len(calls)
        self.run = Run(self.verdicts, texts=self.texts)
        self.spent = spent
        self.most_calls = judge.most_calls if isinstance(judge, Wrapper) else 1
        self.todo: deque[int] = deque()
        self.repeats: dict[int, list[int]] = {}
        self.shared: dict[Verdict, Verdict] = {}
        #: answers of ours that another process had written before, when we last looked
        self.collisions = 0
        #: another process was met, and the cases were put in an order of this run's own
        self.own_order = False
        #: calls that failed and are to be asked again: how often they failed, and the last failure
        self.failed: dict[int, tuple[int, Verdict]] = {}
        self.stopping = asyncio.Event()
        self.looking = asyncio.Lock()
        if spent.meter is None and (limits.rate or limits.token_rate):
            spent.meter = Meter(limits.rate, limits.token_rate, clock=asyncio.get_running_loop().time)
        self.meter = spent.meter
        self.workers = workers
        self.breaker = Breaker(
            max(DOWN_AFTER, 2 * workers), pause=self._pause, tell=lambda seconds, why: emit(RunPaused(seconds, why))
        )

    def load(self) -> None:
        if isinstance(self.judge, Wrapper):
            self.judge.remember_in(self.store)
        if self.store is not None:
            self.store.describe(self.fingerprint, name=self.judge.name, spec=self.judge.spec)
            numbers: dict[Key, list[int]] = {}
            for i, call in enumerate(self.calls):
                numbers.setdefault((call.content, call.sample), []).append(i)
            for key, verdict in self.store.answers(
                self.fingerprint, numbers, fits=lambda k, v: self._fits(numbers[k][0], v)
            ):
                for i in numbers[key]:
                    self.verdicts[i] = self._once(self.texts.keep(i, verdict))
                    self.run.cached += 1
            if self.judge.deterministic:
                self._repeat_what_is_known()
        todo = self._without_repeats(i for i, v in enumerate(self.verdicts) if v is None)
        self.todo = deque(self._beside_its_like(todo) if self.workers == 1 else todo)

    def _fits(self, number: int, verdict: Verdict) -> bool:
        """Is a stored verdict one about call `number`? A file may hold anything."""
        return verdict.answers(self.judge.task, self.judge.scale, len(self.calls[number].case.responses))

    def _repeat_what_is_known(self) -> None:
        """The store holds the answer to one sample, and a deterministic judge gives all samples the same."""
        known = {self.calls[i].content: i for i, v in enumerate(self.verdicts) if v is not None}
        for i, verdict in enumerate(self.verdicts):
            of = known.get(self.calls[i].content)
            if verdict is None and of is not None:
                answer = self.verdicts[of]
                assert answer is not None
                self.verdicts[i] = replace(answer, usage=Usage(0, 0, 0.0))
                self.run.cached += 1
                self.texts.same(i, of)

    def _without_repeats(self, todo: Iterable[int]) -> list[int]:
        """Of calls with equal content and sample only the first is asked, and the others take its answer; a
        deterministic judge gives all samples the same."""
        leaders: dict[object, int] = {}
        for i in todo:
            call = self.calls[i]
            leader = leaders.setdefault(call.content if self.judge.deterministic else (call.content, call.sample), i)
            if leader != i:
                self.repeats.setdefault(leader, []).append(i)
        return list(leaders.values())

    def _beside_its_like(self, todo: list[int]) -> list[int]:
        """Within a case, prompts that begin alike one after another: a judge that answers one call at a time can go
        on from what it has just read (judges/local_prefix.py)."""
        cases: dict[str, int] = {}
        number = [cases.setdefault(call.case.id, len(cases)) for call in self.calls]
        return sorted(todo, key=lambda i: (number[i], self.calls[i].case.responses))

    async def work(self) -> None:
        while self.todo and self.run.stopped is None:
            number = self.todo.popleft()
            if number not in self.failed and self._found(number):
                await asyncio.sleep(0)  # there may be many in a row, and answers wait to be taken meanwhile
                continue
            probe = await self.breaker.admit()
            booked = await self._wait_for_turn(number)
            if self.store is not None and not self.store.has_room():
                await self._wait_for_room(self.store)
            if self.run.stopped is not None or self._over_budget():
                return
            # a wrapper asks several judges, how many is known at the end: the most is set aside until then
            self.spent.calls += self.most_calls
            await self._ask(number, probe, booked)

    def _found(self, number: int) -> bool:
        """Has another process, working on the same file, asked this meanwhile?"""
        if self.store is None or not self.store.collisions:
            return False
        if self.store.collisions > self.collisions:
            # both are at the same place of the plan: who wrote second goes on elsewhere, or they meet at every call
            self.collisions = self.store.collisions
            self._go_elsewhere()
        call = self.calls[number]
        verdict = self.store.find(self.fingerprint, (call.content, call.sample))
        if verdict is None or not self._fits(number, verdict):
            return False
        kept = self.texts.keep(number, verdict)
        self._take_over(number, kept)
        self._share(number, kept)
        return True

    def _go_elsewhere(self) -> None:
        """Take the cases in an order of this run's own, calls of a case together: of any number of processes each then
        meets the others only by chance."""
        if self.own_order:
            self.todo.rotate(random.randrange(len(self.todo) + 1))
            return
        self.own_order = True
        cases: dict[str, list[int]] = {}
        for number in self.todo:
            cases.setdefault(self.calls[number].case.id, []).append(number)
        blocks = list(cases.values())
        random.shuffle(blocks)
        self.todo = deque(chain.from_iterable(blocks))

    async def _wait_for_turn(self, number: int) -> float:
        """Keep the user's limits a minute; returns the tokens that were booked."""
        if self.meter is None:
            return 0.0
        tokens = self.spent.tokens / self.spent.counted if self.spent.counted else self._guessed_tokens(number)
        seconds = self.meter.book(tokens)
        if seconds > 0.0:
            await self._pause(seconds)
        open_ticket(self.meter)
        return tokens

    def _guessed_tokens(self, number: int) -> float:
        case = self.calls[number].case
        shown = len(case.instruction_text) + sum(map(len, case.responses))
        return _PROMPT_TOKENS + shown / _TOKEN_CHARACTERS

    async def _wait_for_room(self, store: CallStore) -> None:
        """Let the disk catch up. One worker looks for all: hundreds that look would cost more than the writing."""
        async with self.looking:
            while not store.has_room():
                await asyncio.sleep(_WRITE_SECONDS)

    async def _pause(self, seconds: float) -> None:
        """Sleep, but not longer than the run goes on."""
        try:
            async with asyncio.timeout(seconds):
                await self.stopping.wait()
        except TimeoutError:
            return

    def _over_budget(self) -> bool:
        limits = self.limits
        if limits.max_calls is not None and self.spent.calls + self.most_calls > limits.max_calls:
            self._stop("budget", f"--max-calls {limits.max_calls} was reached")
        elif limits.max_cost is not None and self.spent.usd >= limits.max_cost:
            self._stop("budget", f"--max-cost {limits.max_cost:g} was reached")
        elif limits.max_tokens is not None and self.spent.tokens >= limits.max_tokens:
            self._stop("budget", f"--max-tokens {limits.max_tokens} was reached")
        return self.run.stopped is not None

    def _pay(self, verdict: Verdict, booked: float) -> None:
        usage = verdict.usage or Usage()
        if usage.calls is not None:
            self.spent.calls += usage.calls - self.most_calls
        if usage.cost_usd is not None:
            self.spent.usd += usage.cost_usd
        elif self.limits.max_cost is not None and self.judge.paid:
            # an unknown price is not a price of zero: a limit that cannot be kept must not look kept
            self._stop("budget", "the price of this judge is unknown, so --max-cost cannot be kept; use --max-calls")
        if usage.input_tokens is not None and usage.output_tokens is not None:
            used = usage.input_tokens + usage.output_tokens
            self.spent.tokens += used
            self.spent.counted += 1
            if self.meter is not None:
                self.meter.settle(booked, used)
        elif self.limits.max_tokens is not None:
            self._stop("budget", "this judge does not count tokens, so --max-tokens cannot be kept; use --max-calls")

    def _stop(self, kind: str, reason: str) -> None:
        if self.run.stopped is None:
            self.run.stopped, self.run.reason = kind, reason
            self.stopping.set()
            self.breaker.stop()

    async def _ask(self, number: int, probe: bool, booked: float) -> None:
        call = self.calls[number]
        started = time.perf_counter()
        try:
            verdict = await self.judge.judge(call.case, sample=call.sample)
        except JudgeError as error:
            verdict = Verdict(null="error", reason=error.message)
            if self._failed(number, error, verdict, probe=probe):
                return
        else:
            self.breaker.answered()
            self.failed.pop(number, None)
            if verdict.null != "error":
                self._pay(verdict, booked)
                if self.store is not None:
                    self.store.put(self.fingerprint, (call.content, call.sample), verdict)
        self._finish(number, verdict, time.perf_counter() - started)

    def _failed(self, number: int, error: JudgeError, verdict: Verdict, *, probe: bool) -> bool:
        """Count a failure. True: the call is asked again later, so its verdict is not final."""
        if isinstance(error, NotRecorded):
            # the other questions may well be recorded: no reason to give the judge up
            self.breaker.answered()
            return False
        self.run.failure = error.exit_code
        given_up = self.breaker.failed(error, probe=probe)
        if isinstance(error, JudgeUnreachable):
            given_up = str(error)
        if given_up is not None:
            self._stop("judge", given_up)
        times = self.failed.pop(number, (0, verdict))[0]
        if not isinstance(error, JudgeBusy) or times >= self.limits.reasks:
            return False
        self.failed[number] = times + 1, verdict
        if given_up is None:
            self.run.reasked += 1
            self.todo.append(number)
        return True

    def settle(self) -> None:
        """Calls that were to be asked again when the run ended are calls that failed."""
        for number, (_, verdict) in sorted(self.failed.items()):
            self._finish(number, verdict, 0.0)

    def _finish(self, number: int, verdict: Verdict, seconds: float) -> None:
        self.run.made += 1
        kept = self.verdicts[number] = self._once(self.texts.keep(number, verdict))
        self.run.errors += verdict.null == "error"
        self.emit(CallFinished(number, verdict, seconds))
        self._share(number, kept)

    def _once(self, verdict: Verdict) -> Verdict:
        """The same object for equal verdicts of judges that write no text (callables, mocks): long runs stay small."""
        if verdict.raw is not None or verdict.rationale is not None or len(self.shared) >= _SHARED_VERDICTS:
            return verdict
        return self.shared.setdefault(verdict, verdict)

    def _share(self, number: int, verdict: Verdict) -> None:
        """The answer of `number` is also that of the calls which repeat it, and costs nothing there."""
        for repeat in self.repeats.get(number, ()):
            self._take_over(repeat, replace(verdict, usage=Usage(0, 0, 0.0)))
            self.texts.same(repeat, number)

    def _take_over(self, number: int, verdict: Verdict) -> None:
        self.verdicts[number] = verdict
        self.run.cached += 1
        self.emit(CallFinished(number, verdict, 0.0))
