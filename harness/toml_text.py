"""TOML that somebody else wrote, read within bounds.

`tomllib` takes time quadratic in the length of some texts and in the parts of a dotted key, and reads whole numbers of
any length, where TOML 1.0 asks for an error beyond 64 bits. Not here: what a file's keys mean.
"""

from __future__ import annotations

import re
import tomllib
from typing import Any

__all__ = ["MAX_CHARACTERS", "TomlError", "parse_toml"]

#: longest text that is read; the largest suite of ours has 30,000 characters
MAX_CHARACTERS = 1_000_000
_PARTS = 100
_PART = r"""(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')"""
#: a dotted key of more than 100 parts: anywhere without blanks, and with blanks where a key may begin
_LONG_KEY = re.compile(
    rf"(?<![\w.-])(?:[\w-]++\.){{{_PARTS}}}|(?:^[ \t]*+\[{{0,2}}+|[{{,])\s*+(?:{_PART}[ \t]*+\.[ \t]*+){{{_PARTS}}}",
    re.MULTILINE,
)


class TomlError(ValueError):
    """The text is no TOML, or none that is read. `line` counts from 1, where it is known."""

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.line = line


def parse_toml(text: str) -> dict[str, Any]:
    """The data of `text`. Raises TomlError."""
    if len(text) > MAX_CHARACTERS:
        raise TomlError(f"it has {len(text):,} characters, and at most {MAX_CHARACTERS:,} are read")
    if (long := _LONG_KEY.search(text)) is not None:
        raise TomlError(f"a key of more than {_PARTS} parts", text.count("\n", 0, long.end()) + 1)
    try:
        data = tomllib.loads(text)
    except ValueError as error:  # of a number with more digits than Python reads, too
        raise TomlError(f"not TOML: {error}") from None
    except RecursionError:
        raise TomlError("not TOML: nested too deeply") from None
    _check_numbers(data)
    return data


def _check_numbers(data: dict[str, Any]) -> None:
    """Raises TomlError for a whole number beyond 64 bits: it could not even be told in a message."""
    waiting: list[tuple[str, Any]] = list(data.items())
    while waiting:
        key, value = waiting.pop()
        if isinstance(value, dict):
            waiting += value.items()
        elif isinstance(value, list):
            waiting += ((key, entry) for entry in value)
        elif isinstance(value, int) and not -(2**63) <= value < 2**63:
            raise TomlError(f"{key[:60]!r} is a whole number of more than 64 bits")
