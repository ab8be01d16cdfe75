"""Calls gathered into batches, and batches followed to their end.

A batch goes out when no further call has come for a moment, or when it is full. It is written down, so that a run that
ends before the batch does (a day, a closed laptop) takes its answers the next time instead of paying twice. Not here:
what a provider's interface looks like (batch_api.py), the files (batch_journal.py).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any

from voirdire.harness.elsewhere.batch_api import BatchApi
from voirdire.harness.elsewhere.batch_journal import BatchJournal
from voirdire.harness.errors import JudgeError, JudgeUnreachable, UsageError
from voirdire.harness.judges.http import HttpAnswer, Sleep

__all__ = ["Batcher"]

#: seconds without a further call after which a batch is sent
QUIET = 0.2
#: seconds before a batch is looked at for the first time; each wait is half as long again, up to `poll`
FIRST_LOOK = 2.0
#: looks in a row that may fail
FAILED_LOOKS = 20


class Batcher:
    """Belongs to the event loop of its first `ask`. `size`: requests of a batch at most; `poll`: seconds between looks
    at most; `tell` hears one line of every batch sent, found again and ended."""

    def __init__(
        self,
        api: BatchApi,
        journal: BatchJournal,
        *,
        size: int,
        poll: float,
        tell: Callable[[str], None] = lambda _line: None,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._api = api
        self._journal = journal
        self._size = min(size, api.most_requests)
        self._poll = poll
        self._tell = tell
        self._sleep = sleep
        self._unsent: dict[str, Mapping[str, Any]] = {}
        self._sending: set[str] = set()
        self._waiting: dict[str, list[asyncio.Future[HttpAnswer | None]]] = {}
        #: answers that came before anybody asked, of a batch of an earlier run
        self._early: dict[str, HttpAnswer] = {}
        #: batch -> requests that have no answer yet
        self._open: dict[str, set[str]] = {}
        self._ended: dict[str, set[str]] = {}
        self._names: dict[str, set[str]] = {}
        self._flushing: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._loaded = False

    async def ask(self, name: str, payload: Mapping[str, Any]) -> HttpAnswer | None:
        """The answer to the request called `name`; None: it was not processed. Raises JudgeError."""
        self._load()
        early = self._early.pop(name, None)
        if early is not None:
            return early
        answer: asyncio.Future[HttpAnswer | None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(name, []).append(answer)
        if name not in self._sending and not any(name in names for names in self._open.values()):
            self._unsent[name] = payload
            if self._flushing is None or self._flushing.done():
                self._flushing = self._go(self._flush())
        return await answer

    async def aclose(self) -> None:
        """Stop following. Batches whose answers were all taken are forgotten; the others are found again."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        # one whose last answer was taken a moment ago may still be followed
        taken = {**self._ended, **{batch: self._names[batch] for batch, left in self._open.items() if not left}}
        for batch, names in taken.items():
            if not names & self._early.keys():
                self._journal.remove(batch)
        self._unsent.clear()
        self._waiting.clear()
        self._early.clear()
        self._open.clear()
        self._ended.clear()
        self._names.clear()
        self._loaded = False
        await self._api.aclose()

    def _load(self) -> None:
        if self._loaded:
            return
        self._loaded = True
        for batch, names in self._journal.load().items():
            self._tell(f"batch {batch} of an earlier run: {len(names):,} requests, waiting for it")
            self._follow_up(batch, names)

    def _go(self, work: Any) -> asyncio.Task[None]:
        task: asyncio.Task[None] = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _flush(self) -> None:
        while self._unsent:
            seen = len(self._unsent)
            await asyncio.sleep(QUIET)
            if len(self._unsent) == seen or seen >= self._size:
                await self._send(self._some())

    def _some(self) -> dict[str, Mapping[str, Any]]:
        """The requests of the next batch."""
        chosen: dict[str, Mapping[str, Any]] = {}
        room = self._api.most_bytes
        for name in list(self._unsent):
            payload = self._unsent[name]
            room -= len(json.dumps(payload)) + 300
            if chosen and (len(chosen) >= self._size or room < 0):
                break
            chosen[name] = self._unsent.pop(name)
        return chosen

    async def _send(self, requests: dict[str, Mapping[str, Any]]) -> None:
        self._sending = set(requests)
        try:
            batch = await self._api.submit(requests)
            self._journal.add(batch, requests)
        except (JudgeError, UsageError) as error:
            self._fail(requests, error)
            return
        finally:
            self._sending = set()
        self._tell(f"batch {batch}: {len(requests):,} requests sent; Ctrl-C loses nothing, the same command goes on")
        self._follow_up(batch, set(requests))

    def _follow_up(self, batch: str, names: set[str]) -> None:
        self._open[batch] = set(names)
        self._names[batch] = set(names)
        self._go(self._follow(batch, set(names)))

    async def _follow(self, batch: str, names: set[str]) -> None:
        wait, failures = min(FIRST_LOOK, self._poll), 0
        while True:
            await self._sleep(wait)
            wait = min(self._poll, wait * 1.5)
            try:
                progress = await self._api.progress(batch)
                if progress.failed is not None:
                    self._journal.remove(batch)
                    raise JudgeUnreachable(
                        f"the batch {batch} was not accepted: {progress.failed}",
                        hint="If it was too large: --on 'batch?size=1000'.",
                    )
                if progress.ended:
                    await self._take(batch)
                    break
                failures = 0
            except JudgeUnreachable as error:
                self._open.pop(batch, None)
                self._fail(names, error)
                return
            except JudgeError as error:
                failures += 1
                if failures >= FAILED_LOOKS:
                    self._open.pop(batch, None)
                    self._fail(names, error)
                    return
        left = self._open.pop(batch)
        self._ended[batch] = names
        self._tell(f"batch {batch}: {len(names) - len(left):,} of {len(names):,} requests answered")
        for name in left:
            self._deliver(name, None)

    async def _take(self, batch: str) -> None:
        """Deliver the results; those that came before a broken connection are not taken twice."""
        open_ = self._open[batch]
        async for name, answer in self._api.results(batch):
            if name in open_ and answer is not None:
                open_.discard(name)
                self._deliver(name, answer)

    def _deliver(self, name: str, answer: HttpAnswer | None) -> None:
        waiting = self._waiting.pop(name, None)
        if waiting is None:
            if answer is not None:
                self._early[name] = answer
            return
        for future in waiting:
            if not future.done():
                future.set_result(answer)

    def _fail(self, names: Any, error: Exception) -> None:
        for name in names:
            for future in self._waiting.pop(name, ()):
                if not future.done():
                    future.set_exception(error)
