"""A whole scripted conversation with an OpenAIChat, for tests of requests, replies and failures."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Sequence
from typing import Any

from fake_server import Behaviour, FakeServer

from voirdire.harness.errors import JudgeError
from voirdire.harness.judges.base import Reply
from voirdire.harness.judges.openai_chat import OpenAIChat

KEY = "sk-planted-0123456789abcdef"
ASK = [{"role": "user", "content": "Which is better?"}]


class Sleeps(list[float]):
    """A sleep that takes no time and remembers what it was asked for."""

    async def __call__(self, seconds: float) -> None:
        self.append(seconds)


def chat_at(url: str, **options: Any) -> OpenAIChat:
    defaults: dict[str, Any] = {
        "base_url": url,
        "api_key": KEY,
        "environ": {"OPENAI_API_KEY": KEY},
        "sleep": Sleeps(),
        "jitter": lambda: 1.0,
    }
    return OpenAIChat(options.pop("model", "judge-1"), **{**defaults, **options})


class Talk:
    """One scripted conversation: what the model made of it and what the server saw."""

    def __init__(self, script: Sequence[Behaviour], calls: int = 1, **options: Any) -> None:
        self.replies: list[Reply] = []
        self.error: JudgeError | None = None
        self.sleeps = Sleeps()
        asyncio.run(self._run(script, calls, options))
        if self.error is not None:
            whole = "".join(traceback.format_exception(self.error)) + repr(self.error) + str(self.error)
            assert KEY not in whole
            assert "planted" not in whole

    async def _run(self, script: Sequence[Behaviour], calls: int, options: dict[str, Any]) -> None:
        query = options.pop("query", "")
        async with FakeServer(script) as server:
            chat = chat_at(server.url + query, sleep=self.sleeps, **options)
            try:
                for sample in range(calls):
                    self.replies.append(await chat.complete(ASK, sample=sample))
            except JudgeError as error:
                self.error = error
            finally:
                await chat.aclose()
            self.chat = chat
            self.requests = server.requests
            self.bodies = server.bodies

    @property
    def reply(self) -> Reply:
        assert self.error is None, self.error
        return self.replies[-1]

    @property
    def message(self) -> str:
        assert self.error is not None, "no error was raised"
        return str(self.error)
