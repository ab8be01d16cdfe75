"""What runs in a Ray worker: one judge, asked by the process that runs the audit.

Answers are collected in batches: at thousands of calls a second one message a call would cost more than the calls.
Not here: who gets which call (pool.py). This module imports no Ray, so that it can be tested without.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from voirdire.harness.cases import content_hash
from voirdire.harness.elsewhere.pool import Asked, Outcome
from voirdire.harness.engine.pacing import open_ticket
from voirdire.harness.errors import JudgeError, VoirdireError, redact

if TYPE_CHECKING:
    from voirdire.harness.judges.spec import JudgeOptions

__all__ = ["JudgeActor"]


class _Counted:
    """Counts the requests of one call; the run's own meter, in the other process, books them when they are known."""

    __slots__ = ("requests",)

    def __init__(self) -> None:
        self.requests = 1

    def book(self, tokens: float = 0.0) -> float:  # noqa: ARG002 - as Meter.book
        self.requests += 1
        return 0.0


class JudgeActor:
    """The judge of `spec`, or its chat model alone (`chat`). `identity`: what its fingerprint must be. `here`: folder
    and import path of the audit's process, where that is this machine."""

    def __init__(
        self, spec: str, options: JudgeOptions, chat: bool, identity: str, here: tuple[str, list[str]] | None
    ) -> None:
        self._spec = spec
        self._options = options
        self._chat = chat
        self._identity = identity
        self._here = here
        self._ask: Callable[[Any, int], Awaitable[Any]] | None = None
        self._outcomes: list[Outcome] = []
        self._some = asyncio.Event()
        self._running: set[asyncio.Task[None]] = set()

    async def ready(self) -> str | None:
        """Make the judge; what is wrong with it, or None."""
        from voirdire.harness.judges.prompted import PromptedJudge
        from voirdire.harness.judges.spec import make_judge

        if self._here is not None:
            os.chdir(self._here[0])
            sys.path.extend(p for p in self._here[1] if p not in sys.path)
        try:
            judge = make_judge(self._spec, replace(self._options, environ=os.environ))
        except VoirdireError as error:
            return redact(f"a worker cannot make the judge {self._spec}: {error}")
        if self._chat:
            assert isinstance(judge, PromptedJudge)
            chat = judge.chat
            self._ask = lambda messages, sample: chat.complete(messages, sample=sample)
            found = content_hash(dict(chat.identity))
        else:
            self._ask = lambda case, sample: judge.judge(case, sample=sample)
            found = judge.fingerprint
        if found != self._identity:
            return (
                f"the judge {self._spec} is another one in the workers than here: other code, prompt, weights or "
                "version of voirdire"
            )
        return None

    async def submit(self, calls: Sequence[Asked]) -> None:
        """Begin to ask them."""
        for call in calls:
            task = asyncio.create_task(self._one(call))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def collect(self, seconds: float) -> list[Outcome]:
        """The outcomes since the last time, none after `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                await self._some.wait()
        except TimeoutError:
            return []
        self._some.clear()
        outcomes, self._outcomes = self._outcomes, []
        return outcomes

    async def _one(self, call: Asked) -> None:
        assert self._ask is not None
        counted = _Counted()
        open_ticket(counted)
        try:
            answer = await self._ask(call.payload, call.sample)
        except JudgeError as error:
            outcome = Outcome(
                call.number,
                error=type(error).__name__,
                message=error.message,
                hint=error.hint,
                requests=counted.requests,
            )
        except Exception as error:  # the audit must hear of it, or it would wait for ever
            text = redact(f"{type(error).__name__}: {error}")[:500]
            outcome = Outcome(call.number, error="JudgeFault", message=text, requests=counted.requests)
        else:
            outcome = Outcome(call.number, answer, requests=counted.requests)
        self._outcomes.append(outcome)
        self._some.set()
