"""What stands in for a chat model that answers somewhere else: in every way but one it is that model."""

from __future__ import annotations

from collections.abc import Mapping

from voirdire.harness.judges.base import ChatModel

__all__ = ["StandInChat"]


class StandInChat:
    """The properties of `inner`, and so its fingerprint; answering (`complete`, `concurrency`) is the subclass's."""

    def __init__(self, inner: ChatModel) -> None:
        self._inner = inner

    @property
    def name(self) -> str:
        return self._inner.name

    @property
    def identity(self) -> Mapping[str, object]:
        return self._inner.identity

    @property
    def paid(self) -> bool:
        return self._inner.paid

    @property
    def deterministic(self) -> bool:
        return self._inner.deterministic

    @property
    def first_token_only(self) -> bool:
        return self._inner.first_token_only
