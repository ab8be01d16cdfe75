"""Tokens that LangChain's chat models used in one call, for the judges that ask through them."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

from voirdire.harness.verdicts import Usage

__all__ = ["Used", "counting"]


class Used:
    """What was used since `counting` began; nothing where the models say nothing."""

    def __init__(self, handler: Any = None) -> None:
        self._handler = handler

    @property
    def usage(self) -> Usage | None:
        counted = list(self._by_model.values())
        if not counted:
            return None
        return Usage(sum(c["input_tokens"] for c in counted), sum(c["output_tokens"] for c in counted))

    @property
    def model(self) -> str | None:
        return ", ".join(self._by_model) or None

    @property
    def _by_model(self) -> dict[str, Any]:
        return getattr(self._handler, "usage_metadata", None) or {}


@contextlib.contextmanager
def counting() -> Iterator[Used]:
    """Counts what is used inside, in this task or thread alone."""
    variable = _variable()
    if variable is None:
        yield Used()
        return
    from langchain_core.callbacks import UsageMetadataCallbackHandler

    handler = UsageMetadataCallbackHandler()
    token = variable.set(handler)
    try:
        yield Used(handler)
    finally:
        variable.reset(token)


@functools.cache
def _variable() -> ContextVar[Any] | None:
    # once for all: LangChain's own `get_usage_metadata_callback` registers a hook more in every call, for good
    try:
        from langchain_core.tracers.context import register_configure_hook
    except ImportError:
        return None
    variable: ContextVar[Any] = ContextVar("voirdire_usage", default=None)
    register_configure_hook(variable, inheritable=True)
    return variable
