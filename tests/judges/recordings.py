"""The recorded exchanges of recorded/*.json as behaviours of the fake server, and conversations with any judge or chat.

Each file says which pages of which API it was written after, and when.
"""

from __future__ import annotations

import asyncio
import json
import traceback
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from fake_server import Behaviour, FakeServer, Request, answer
from talk import KEY, Sleeps

from voirdire.harness.errors import JudgeError

__all__ = ["Recording", "Scene", "shows_no_key"]

A = TypeVar("A")


class Closes(Protocol):
    async def aclose(self) -> None: ...


C = TypeVar("C", bound=Closes)


class Recording:
    """`Recording("anthropic")["reply"]` is the behaviour that answers with that exchange."""

    def __init__(self, name: str) -> None:
        path = Path(__file__).parent / "recorded" / f"{name}.json"
        self._data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        assert self._data["read"]

    def __getitem__(self, name: str) -> Behaviour:
        exchange = self._data["exchanges"][name]
        assert exchange["page"] in self._data["pages"]
        text = exchange["text"] if "text" in exchange else json.dumps(exchange["body"])
        return answer(exchange["status"], text, headers=exchange.get("headers"))

    def body(self, name: str) -> Any:
        return json.loads(json.dumps(self._data["exchanges"][name]["body"]))


class Scene(Generic[C, A]):
    """One scripted conversation: `make(url, sleeps)` builds the judge, `ask(judge, sample)` asks it `calls` times."""

    def __init__(
        self,
        script: Sequence[Behaviour],
        make: Callable[[str, Sleeps], C],
        ask: Callable[[C, int], Awaitable[A]],
        calls: int = 1,
    ) -> None:
        self.answers: list[A] = []
        self.error: JudgeError | None = None
        self.sleeps = Sleeps()
        self.requests: list[Request] = []
        asyncio.run(self._run(script, make, ask, calls))
        if self.error is not None:
            whole = "".join(traceback.format_exception(self.error)) + repr(self.error) + str(self.error)
            assert shows_no_key(whole)

    async def _run(
        self,
        script: Sequence[Behaviour],
        make: Callable[[str, Sleeps], C],
        ask: Callable[[C, int], Awaitable[A]],
        calls: int,
    ) -> None:
        async with FakeServer(script) as server:
            self.judge = make(f"http://127.0.0.1:{server.port}", self.sleeps)
            try:
                for sample in range(calls):
                    self.answers.append(await ask(self.judge, sample))
            except JudgeError as error:
                self.error = error
            finally:
                await self.judge.aclose()
            self.requests = server.requests

    @property
    def answer(self) -> A:
        assert self.error is None, self.error
        return self.answers[-1]

    @property
    def message(self) -> str:
        assert self.error is not None, "no error was raised"
        return str(self.error)

    @property
    def bodies(self) -> list[Any]:
        return [request.body for request in self.requests]


def shows_no_key(text: str) -> bool:
    return KEY not in text and "planted" not in text
