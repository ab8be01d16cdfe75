"""Workers that answer calls for a judge: who gets which call, and what becomes of the calls of a worker that dies.

A call goes to the worker with the least to do. When a worker is lost, another takes its place and its calls are asked
again. One of them may be what killed it, so they are asked one at a time from then on, each by a worker that has
nothing else to lose; a call that kills `MOST_LOSSES` workers is an error. Not here: what a worker is (ray_place.py).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from voirdire.harness.engine.breaker import JudgeBusy
from voirdire.harness.engine.pacing import due
from voirdire.harness.errors import JudgeError, JudgeFault, JudgeUnreachable, NotRecorded, UsageError

__all__ = ["MOST_LOSSES", "Asked", "Outcome", "Pool", "Worker", "WorkerLost"]

#: workers that one call may kill
MOST_LOSSES = 3
#: workers lost with no answer between them, in shares of the pool, after which the judge is given up
HOPELESS = 3
#: how long a worker may sit on no answer before it says so
COLLECT_SECONDS = 10.0

_ERRORS = {e.__name__: e for e in (JudgeError, JudgeFault, JudgeUnreachable, NotRecorded, JudgeBusy)}


class WorkerLost(Exception):
    """The worker is gone. The message says why, as far as anybody knows."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One call on its way to a worker."""

    number: int
    payload: Any
    sample: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a call: `answer`, or the name, message and hint of a JudgeError. `requests`: how many were sent
    for it, retries included."""

    number: int
    answer: Any = None
    error: str | None = None
    message: str = ""
    hint: str | None = None
    requests: int = 1


class Worker(Protocol):
    """Answers many calls at once. Every method raises WorkerLost when it is gone."""

    async def ready(self) -> None:
        """Wait until it can be asked. Raises UsageError if it never will."""

    async def submit(self, calls: Sequence[Asked]) -> None:
        """Take on `calls`."""

    async def collect(self, seconds: float) -> Sequence[Outcome]:
        """The outcomes since the last time; waits up to `seconds` for the first."""

    def kill(self) -> None:
        """Let it go."""


@dataclass(slots=True, eq=False)
class _Call:
    asked: Asked
    answer: asyncio.Future[Outcome]
    losses: int = 0


@dataclass(slots=True, eq=False)
class _Member:
    worker: Worker
    open: dict[int, _Call] = field(default_factory=dict)
    inbox: list[Asked] = field(default_factory=list)
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    busy: asyncio.Event = field(default_factory=asyncio.Event)
    alone: bool = False
    tasks: list[asyncio.Task[None]] = field(default_factory=list)


class Pool:
    """`size` workers made by `spawn`, each with at most `capacity` calls at a time (None: any number).

    Belongs to the event loop of its first `ask`.
    """

    def __init__(self, spawn: Callable[[], Worker], size: int, capacity: int | None) -> None:
        self._spawn = spawn
        self._size = size
        self._capacity = capacity if capacity is not None else 1 << 30
        self._members: list[_Member] = []
        self._queue: deque[_Call] = deque()
        self._suspects: deque[_Call] = deque()
        self._numbers = 0
        self._lost_in_a_row = 0
        self._given_up: JudgeError | None = None
        self._starting: asyncio.Task[None] | None = None
        self._respawning: set[asyncio.Task[None]] = set()
        #: workers that died so far
        self.lost = 0

    async def ask(self, payload: Any, sample: int) -> Any:
        """The answer to one call. Raises what the judge raised there, and JudgeError if it killed its workers."""
        if self._starting is None:
            self._starting = asyncio.create_task(self._start())
        await asyncio.shield(self._starting)
        if self._given_up is not None:
            raise self._given_up
        self._numbers += 1
        call = _Call(Asked(self._numbers, payload, sample), asyncio.get_running_loop().create_future())
        self._queue.append(call)
        self._dispatch()
        outcome = await call.answer
        # the run's limits a minute count requests; the first was booked before the call
        for _ in range(outcome.requests):
            due()
        if outcome.error is not None:
            raise _ERRORS.get(outcome.error, JudgeError)(outcome.message, hint=outcome.hint)
        return outcome.answer

    async def aclose(self) -> None:
        """Let the workers go."""
        members, self._members = self._members, []
        tasks = [t for m in members for t in m.tasks] + list(self._respawning)
        tasks += [self._starting] if self._starting is not None else []
        self._starting = None
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for member in members:
            member.worker.kill()

    async def _start(self) -> None:
        made = [self._spawn() for _ in range(self._size)]
        try:
            await asyncio.gather(*(worker.ready() for worker in made))
        except WorkerLost as error:
            for worker in made:
                worker.kill()
            raise JudgeUnreachable(f"a worker died before it was asked anything: {error}") from None
        except BaseException:
            for worker in made:
                worker.kill()
            raise
        for worker in made:
            self._enlist(worker)

    def _enlist(self, worker: Worker) -> None:
        member = _Member(worker)
        member.tasks = [asyncio.create_task(self._guarded(member, work)) for work in (self._send, self._receive)]
        self._members.append(member)

    def _dispatch(self) -> None:
        """Give out what waits. Suspects go to idle workers, alone."""
        while self._suspects:
            idle = next((m for m in self._members if not m.open), None)
            if idle is None:
                break
            idle.alone = True
            self._give(idle, self._suspects.popleft())
        while self._queue:
            free = [m for m in self._members if not m.alone]
            least = min(free, key=lambda m: len(m.open), default=None)
            if least is None or len(least.open) >= self._capacity:
                break
            self._give(least, self._queue.popleft())

    def _give(self, member: _Member, call: _Call) -> None:
        if call.answer.done():  # cancelled meanwhile
            member.alone = member.alone and bool(member.open)
            return
        member.open[call.asked.number] = call
        member.inbox.append(call.asked)
        member.wake.set()
        member.busy.set()

    async def _guarded(self, member: _Member, work: Callable[[_Member], Awaitable[None]]) -> None:
        try:
            await work(member)
        except WorkerLost as error:
            self._bury(member, str(error))

    async def _send(self, member: _Member) -> None:
        while True:
            await member.wake.wait()
            member.wake.clear()
            batch, member.inbox = member.inbox, []
            if batch:
                await member.worker.submit(batch)

    async def _receive(self, member: _Member) -> None:
        while True:
            await member.busy.wait()
            for outcome in await member.worker.collect(COLLECT_SECONDS):
                self._lost_in_a_row = 0
                call = member.open.pop(outcome.number, None)
                if call is not None and not call.answer.done():
                    call.answer.set_result(outcome)
            if not member.open:
                member.busy.clear()
                member.alone = False
            self._dispatch()

    def _bury(self, member: _Member, why: str) -> None:
        """Ask the calls of a dead worker again, and put another worker in its place."""
        if member not in self._members:
            return
        self._members.remove(member)
        current = asyncio.current_task()
        for task in member.tasks:
            if task is not current:
                task.cancel()
        member.worker.kill()
        self.lost += 1
        self._lost_in_a_row += 1
        for call in member.open.values():
            call.losses += 1
            if call.answer.done():
                continue
            if call.losses >= MOST_LOSSES:
                text = f"this call ended its worker {call.losses} times ({why})"
                call.answer.set_result(Outcome(call.asked.number, error="JudgeError", message=text))
            else:
                self._suspects.append(call)
        if self._lost_in_a_row > HOPELESS * max(self._size, MOST_LOSSES):
            self._give_up(JudgeUnreachable(f"workers die as soon as they are asked: {why}"))
            return
        task = asyncio.create_task(self._replace())
        self._respawning.add(task)
        task.add_done_callback(self._respawning.discard)
        self._dispatch()

    async def _replace(self) -> None:
        worker = self._spawn()
        try:
            await worker.ready()
        except (WorkerLost, UsageError) as error:
            with contextlib.suppress(Exception):
                worker.kill()
            # the others go on; without any there is nobody left to answer
            if not self._members and len(self._respawning) <= 1:
                self._give_up(JudgeUnreachable(f"no worker is left and no other could be started: {error}"))
            return
        self._enlist(worker)
        self._dispatch()

    def _give_up(self, error: JudgeError) -> None:
        self._given_up = error
        waiting = [*self._queue, *self._suspects, *(c for m in self._members for c in m.open.values())]
        self._queue.clear()
        self._suspects.clear()
        for call in waiting:
            if not call.answer.done():
                call.answer.set_exception(error)
