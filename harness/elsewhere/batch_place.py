"""`--on batch`: an `openai:` or `anthropic:` judge asked through its provider's batches, at half the price.

    --on batch
    --on 'batch?size=5000&poll=300'

All calls of a run go out together and come back within a day. The run may end in between (Ctrl-C, a closed laptop):
the same command finds its batches again. Not here: gathering and following (batcher.py), the interfaces (batch_api.py).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from voirdire.harness.cases import content_hash
from voirdire.harness.elsewhere.batch_api import AnthropicBatches, BatchApi, OpenAIBatches
from voirdire.harness.elsewhere.batch_http import BatchClient
from voirdire.harness.elsewhere.batch_journal import BatchJournal
from voirdire.harness.elsewhere.batcher import Batcher
from voirdire.harness.elsewhere.place import number_of, options_of
from voirdire.harness.elsewhere.standing_in import StandInChat
from voirdire.harness.engine.breaker import JudgeBusy
from voirdire.harness.errors import UsageError
from voirdire.harness.judges.base import ChatModel, Judge, Message, Reply
from voirdire.harness.judges.endpoints import Access
from voirdire.harness.judges.http import HttpAnswer, Sleep, status_words

if TYPE_CHECKING:
    from voirdire.harness.judges.spec import JudgeOptions

__all__ = ["DISCOUNT", "BatchChat", "BatchPlace"]

#: what a call in a batch costs, as a share of the same call made alone (OpenAI's and Anthropic's price lists)
DISCOUNT = 0.5
#: calls that are open at a time, so that one batch holds many
_SIZE = 20_000


@runtime_checkable
class BatchableChat(ChatModel, Protocol):
    """A chat model whose requests can be sent by somebody else."""

    @property
    def access(self) -> Access: ...
    def request(self, messages: Sequence[Message], *, sample: int) -> dict[str, object]: ...
    def read(self, answer: HttpAnswer, payload: Mapping[str, object]) -> Reply | None: ...
    def passes(self, answer: HttpAnswer) -> bool: ...


@dataclass(frozen=True, slots=True)
class BatchPlace:
    """Batches of a provider. `size`: requests of one at most; `poll`: seconds between looks at most; `folder`: where
    open batches are written down."""

    size: int = _SIZE
    poll: float = 60.0
    folder: Path = Path(".voirdire") / "batches"
    tell: Callable[[str], None] = field(default=lambda _line: None, compare=False)
    sleep: Sleep = field(default=asyncio.sleep, compare=False)

    @classmethod
    def parse(cls, address: str, query: str) -> BatchPlace:
        """Raises UsageError."""
        if address:
            raise UsageError("--on batch takes no address: the judge says whose batches they are")
        given = options_of(query, ("size", "poll"), place="batch")
        size = number_of(given, "size", place="batch", low=1, whole=True)
        return cls(int(size or _SIZE), number_of(given, "poll", place="batch", low=1) or cls().poll)

    @property
    def calls_at_once(self) -> int | None:
        return self.size

    def put(self, judge: Judge, spec: str, options: JudgeOptions) -> Judge:  # noqa: ARG002
        """`judge` through batches. Judges on this machine stay as they are."""
        from voirdire.harness.judges.prompted import PromptedJudge

        scheme = spec.partition(":")[0]
        if isinstance(judge, PromptedJudge) and isinstance(judge.chat, BatchableChat):
            interface = AnthropicBatches if scheme == "anthropic" else OpenAIBatches
            return replace(judge, chat=BatchChat(judge.chat, self, interface))
        if scheme in ("gemini", "http", "score"):
            raise UsageError(
                f"a {scheme}: judge cannot be asked in batches",
                hint="openai: and anthropic: judges can. Leave --on out.",
            )
        return judge


class BatchChat(StandInChat):
    """A chat model asked through batches. In every other way it is `inner`, so both share the cache."""

    #: for estimates of the price
    discount = DISCOUNT

    def __init__(self, inner: BatchableChat, place: BatchPlace, interface: Callable[[BatchClient], BatchApi]) -> None:
        super().__init__(inner)
        self._inner: BatchableChat = inner
        self._judge = content_hash(dict(inner.identity))
        self._batcher = Batcher(
            interface(BatchClient(inner.access, sleep=place.sleep)),
            BatchJournal(place.folder, self._judge),
            size=place.size,
            poll=place.poll,
            tell=place.tell,
            sleep=place.sleep,
        )

    @property
    def concurrency(self) -> int | None:
        return None

    async def complete(self, messages: Sequence[Message], *, sample: int) -> Reply:
        """As the inner model's, some hours later. Raises JudgeBusy for a request that expired or that the service was
        too busy for: it goes into the next batch."""
        while True:
            payload = self._inner.request(messages, sample=sample)
            name = content_hash({"judge": self._judge, "request": payload, "sample": sample})[:48]
            answer = await self._batcher.ask(name, payload)
            if answer is None:
                raise JudgeBusy("The batch ended before this request was processed.")
            if not answer.ok and self._inner.passes(answer):
                raise JudgeBusy(f"In the batch the judge answered {status_words(answer.status)}.")
            # Ends: an adapted parameter is absent from the next payload, or the answer is an error.
            reply = self._inner.read(answer, payload)
            if reply is not None:
                return reply

    async def aclose(self) -> None:
        await self._batcher.aclose()
        await self._inner.aclose()
