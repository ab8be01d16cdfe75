"""A chat model with planted defects, for what is done to the judge's own prompt: it reads what it is sent."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from voirdire.harness.cases import Case
from voirdire.harness.judges.base import Message, Reply

__all__ = ["ByTheBook", "Fooled", "PlantedChat", "Quoting", "Rater", "answers_of"]

_ASKED = re.compile(r"(?ms)^<(?:question|task) \w+>\n(.*?)\n</")
# a tag closes with its own name and nonce, whatever stands between
_SHOWN = re.compile(r"(?ms)^<((?:answer|response|output)_\w+ \w+)>\n(.*?)\n</\1>")
_NAMES = ("A", "B", "1", "2", "X", "Y", "Alex", "Robin", "K7", "Q3")


def answers_of(cases: Sequence[Case]) -> dict[str, tuple[frozenset[str], frozenset[str]]]:
    """By instruction, the words of the better answer of each labelled pair and those of the other."""
    return {
        c.instruction_text: (
            frozenset(c.responses[int(c.label == 1)].split()),
            frozenset(c.responses[int(c.label == 0)].split()),
        )
        for c in cases
    }


@dataclass(frozen=True, slots=True)
class PlantedChat:
    """Right with probability `accuracy`, drawn anew for every prompt and sample, unless a defect comes first:

    `first`: the share of calls in which it takes the first slot. `label`, `label_rate`: takes the slot of that name,
    wherever it stands, in that share. `careless`: with this word in the prompt it tosses a coin. It answers with one
    letter and its probabilities, so every prompt for pairs can be put to it.
    """

    answers: Mapping[str, tuple[frozenset[str], frozenset[str]]]
    accuracy: float = 0.85
    first: float = 0.0
    label: str = ""
    label_rate: float = 0.0
    careless: str = ""
    seed: int = 0
    first_token_only: bool = True
    name: str = "planted"
    paid: bool = False
    concurrency: int | None = None
    deterministic: bool = False
    asked: list[str] = field(default_factory=list, compare=False)

    @property
    def identity(self) -> dict[str, object]:
        return {"planted": [self.accuracy, self.first, self.label, self.label_rate, self.careless, self.seed]}

    async def complete(self, messages: Sequence[Message], *, sample: int) -> Reply:
        text = "\n".join(m["content"] for m in messages)
        self.asked.append(text)
        u, v, w = (self._draw(channel, text, sample) for channel in "uvw")
        right = self._right(text)
        names = _slots(text)
        accuracy = 0.5 if self.careless and self.careless in text else self.accuracy
        slot = right if v < accuracy else 1 - right
        if u < self.first:
            slot = 0
        elif self.label in names and w < self.label_rate:
            slot = names.index(self.label)
        return Reply(names[slot], logprobs={names[slot]: -0.1, names[1 - slot]: -2.4})

    def _right(self, text: str) -> int:
        """The slot of the better answer, also where it was edited: the one that shares more words with it."""
        asked = _ASKED.search(text)
        assert asked is not None
        good, bad = self.answers[asked[1]]
        one, other = (set(found.split()) for _, found in _SHOWN.findall(text)[:2])
        return int(len(one & bad) + len(other & good) > len(one & good) + len(other & bad))

    def _draw(self, channel: str, text: str, sample: int) -> float:
        return int(hashlib.sha256(f"{self.seed}{channel}{sample}{text}".encode()).hexdigest()[:8], 16) / 2**32

    async def aclose(self) -> None:
        return


@dataclass(frozen=True, slots=True)
class Fooled:
    """`chat`, save that what `pattern` finds in the prompt decides: the slot its group names, or with `other` the other
    of A and B."""

    chat: PlantedChat
    pattern: str
    other: bool = False
    first_token_only: bool = True
    name: str = "fooled"
    paid: bool = False
    concurrency: int | None = None
    deterministic: bool = False

    @property
    def identity(self) -> dict[str, object]:
        return {"fooled": [self.pattern, self.other], **self.chat.identity}

    async def complete(self, messages: Sequence[Message], *, sample: int) -> Reply:
        found = re.search(self.pattern, "\n".join(m["content"] for m in messages), re.DOTALL)
        if found is None:
            return await self.chat.complete(messages, sample=sample)
        name = found[1].upper()
        if self.other:
            name = "B" if name == "A" else "A"
        return Reply(name, logprobs={name: -0.01})

    async def aclose(self) -> None:
        return


@dataclass(frozen=True, slots=True)
class Quoting:
    """`chat` as one that writes: it copies both answers out, unmarked, and gives its verdict before or behind them."""

    chat: PlantedChat
    verdict_first: bool = False
    first_token_only: bool = False
    name: str = "quoting"
    paid: bool = False
    concurrency: int | None = None
    deterministic: bool = False

    @property
    def identity(self) -> dict[str, object]:
        return {"quoting": self.verdict_first, **self.chat.identity}

    async def complete(self, messages: Sequence[Message], *, sample: int) -> Reply:
        own = (await self.chat.complete(messages, sample=sample)).text
        text = "\n".join(m["content"] for m in messages)
        quoted = "\n\n".join(f"This is what the answer says.\n\n{shown}" for _, shown in _SHOWN.findall(text)[:2])
        parts = (f"[[{own}]]", quoted) if self.verdict_first else (quoted, f"[[{own}]]")
        return Reply("\n\n".join(parts))

    async def aclose(self) -> None:
        return


_ALONE = re.compile(r"(?ms)^<((?:answer|response) \w+)>\n(.*?)\n</\1>")


@dataclass(frozen=True, slots=True)
class Rater:
    """`chat` for pairs, and for an answer alone a digit: `good` or `bad` by which it is, `spread` up or down; with
    `by_length` longer answers score higher whatever they say."""

    chat: PlantedChat
    good: int = 7
    bad: int = 4
    spread: int = 1
    by_length: bool = False
    first_token_only: bool = True
    name: str = "rater"
    paid: bool = False
    concurrency: int | None = None
    deterministic: bool = False

    @property
    def identity(self) -> dict[str, object]:
        return {"rater": [self.good, self.bad, self.spread, self.by_length], **self.chat.identity}

    async def complete(self, messages: Sequence[Message], *, sample: int) -> Reply:
        text = "\n".join(m["content"] for m in messages)
        alone = _ALONE.search(text)
        if alone is None:
            return await self.chat.complete(messages, sample=sample)
        asked = _ASKED.search(text)
        assert asked is not None
        good, bad = self.chat.answers[asked[1]]
        words = alone[2].split()
        score = self.good if len(set(words) & good) >= len(set(words) & bad) else self.bad
        score += round((2 * self.chat._draw("s", text, sample) - 1) * self.spread)
        if self.by_length:
            score = 1 + len(words) // 12
        return Reply(str(score), logprobs={str(min(9, max(1, score))): -0.01})

    async def aclose(self) -> None:
        return


_CRITERIA = re.compile(r"(?ms)^<criteria (\w+)>\n(.*?)\n</criteria \1>")
_REFERENCE = re.compile(r"(?ms)^<reference (\w+)>\n(.*?)\n</reference \1>")


@dataclass(frozen=True, slots=True)
class ByTheBook:
    """`chat`, going by what it is given: with criteria turned round it gives the opposite verdict, without `word` in
    them it tosses a coin, and a reference that one answer agrees with decides for it, as reliably as `chat` does."""

    chat: PlantedChat
    word: str = "right"
    first_token_only: bool = True
    name: str = "by-the-book"
    paid: bool = False
    concurrency: int | None = None
    deterministic: bool = False

    @property
    def identity(self) -> dict[str, object]:
        return {"by the book": self.word, **self.chat.identity}

    async def complete(self, messages: Sequence[Message], *, sample: int) -> Reply:
        text = "\n".join(m["content"] for m in messages)
        criteria, reference = _CRITERIA.search(text), _REFERENCE.search(text)
        slot = self.chat._right(text)
        if reference is not None:
            by = set(reference[2].split())
            one, other = (len(set(found.split()) & by) for _, found in _SHOWN.findall(text)[:2])
            slot = int(other > one)
        if criteria is not None and "Judge against" in criteria[2]:
            slot = 1 - slot
        v = self.chat._draw("v", text, sample)
        wrong = v >= self.chat.accuracy
        if criteria is not None and self.word not in criteria[2]:
            wrong = v >= 0.5
        name = "AB"[1 - slot if wrong else slot]
        return Reply(name, logprobs={name: -0.01})

    async def aclose(self) -> None:
        return


def _slots(text: str) -> list[str]:
    """The names of the two slots, the first slot's first."""
    found = [tag.split()[0].split("_")[1] for tag, _ in _SHOWN.findall(text)]
    found = found or re.findall(r"(?mi)^(?:answer|response|output) ([A-Za-z0-9]{1,5})\b", text)
    names = {name.lower(): name for name in _NAMES}
    return list(dict.fromkeys(names[f.lower()] for f in found if f.lower() in names))[:2]
