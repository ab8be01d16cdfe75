"""Judges to be wrapped, and asking one over many cases, for the tests of wrappers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from voirdire.harness.cases import Case, Task, content_hash
from voirdire.harness.judges.base import Judge, Message, Reply
from voirdire.harness.judges.prompted import PromptedJudge
from voirdire.harness.judges.prompts import default_protocol
from voirdire.harness.verdicts import Scale, Usage, Verdict

__all__ = ["FakeChat", "Told", "accuracy", "ask_all", "chat_judge", "pairs"]


@dataclass(slots=True)
class Told:
    """A judge that answers what `answer(case, sample)` says (a Verdict, or an error to raise) and counts its calls."""

    answer: Callable[[Case, int], Verdict | Exception]
    name: str = "told"
    task: Task = "pairwise"
    scale: Scale = field(default_factory=Scale)
    paid: bool = False
    soft: bool = False
    reusable: bool = True
    deterministic: bool = False
    concurrency: int | None = None
    asked: list[tuple[Case, int]] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0
    closed: int = 0

    @property
    def spec(self) -> str:
        return f"told:{self.name}"

    @property
    def fingerprint(self) -> str:
        return content_hash(self.name)

    async def judge(self, case: Case, *, sample: int) -> Verdict:
        self.asked.append((case, sample))
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await asyncio.sleep(0)
        finally:
            self.at_once -= 1
        answer = self.answer(case, sample)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def aclose(self) -> None:
        self.closed += 1


@dataclass(slots=True)
class FakeChat:
    """A chat model whose reply is `reply(system + user text)`."""

    reply: Callable[[str], str]
    first_token_only: bool = False
    name: str = "fake"
    paid: bool = False
    concurrency: int | None = None
    deterministic: bool = True
    seen: list[str] = field(default_factory=list)

    @property
    def identity(self) -> dict[str, object]:
        return {"model": self.name}

    async def complete(self, messages: Sequence[Message], *, sample: int) -> Reply:
        text = "\n\n".join(m["content"] for m in messages)
        self.seen.append(text)
        return Reply(self.reply(text), usage=Usage(100, 10, 0.001))

    async def aclose(self) -> None:
        return None


def chat_judge(reply: Callable[[str], str], *, task: Task = "pairwise", one_token: bool = False) -> PromptedJudge:
    """A prompted judge with the default prompt over a `FakeChat`."""
    chat = FakeChat(reply, first_token_only=one_token)
    return PromptedJudge(chat, default_protocol(task, Scale(), one_token=one_token), name="fake:chat", spec="fake:chat")


def pairs(n: int) -> list[Case]:
    """`n` pairs of answers of the same length, the better one in either slot."""
    return [
        Case(f"Question {i}?", (f"This is answer one of {i}.", f"This is answer two of {i}."), label=i % 2, id=f"p{i}")
        for i in range(n)
    ]


def ask_all(judge: Judge, cases: Iterable[Case], samples: int = 1) -> list[Verdict]:
    """Case by case, all samples of one beside each other, as a plan does."""

    async def ask() -> list[Verdict]:
        return [await judge.judge(case, sample=s) for case in cases for s in range(samples)]

    return asyncio.run(ask())


def accuracy(judge: Judge, cases: Sequence[Case]) -> float:
    """Share of pairs in which the better answer wins, a tie counting half."""
    verdicts = ask_all(judge, cases)
    return sum(
        0.5 if v.choice == "tie" else float(v.choice == c.label) for c, v in zip(cases, verdicts, strict=True)
    ) / len(cases)
