"""An event loop whose clock jumps to the next timer: waits of minutes take no time and end exactly when they should."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

__all__ = ["run_virtual"]

T = TypeVar("T")


class _VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        super().__init__()
        self._now = 0.0
        select = self._selector.select  # type: ignore[attr-defined]

        def jump(timeout: float | None = None) -> Any:
            assert timeout is not None, "everybody waits for everybody"
            self._now += timeout
            return select(0)

        self._selector.select = jump  # type: ignore[attr-defined]

    def time(self) -> float:
        return self._now


def run_virtual(main: Coroutine[Any, Any, T]) -> T:
    """`asyncio.run` in virtual time, which begins at 0. Only for code without sockets and threads."""
    with asyncio.Runner(loop_factory=_VirtualLoop) as runner:
        return runner.run(main)
