"""A chat model that says what it is told to, for those who ask chat models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from voirdire.harness.judges.base import Message, Reply


@dataclass
class Scripted:
    """A chat model that answers from a script, the last answer for ever."""

    script: Sequence[Reply | Exception]
    asked: list[list[Message]] = field(default_factory=list)
    name: str = "openai:writer"
    paid: bool = True
    concurrency: int | None = None
    deterministic: bool = False
    first_token_only: bool = False
    closed: int = 0

    @property
    def identity(self) -> dict[str, object]:
        return {"model": self.name}

    async def complete(self, messages: Sequence[Message], *, sample: int) -> Reply:
        self.asked.append(list(messages))
        found = self.script[min(len(self.asked), len(self.script)) - 1]
        if isinstance(found, Exception):
            raise found
        return found

    async def aclose(self) -> None:
        self.closed += 1
