"""Numbers that callers give: each is what it says and in its range, or a UsageError that names it.

For the doors of Python and pytest; the command line's options have types of their own.
"""

from __future__ import annotations

import math
from typing import Any

from voirdire.harness.errors import UsageError

__all__ = ["need_count", "need_share"]


def need_count(name: str, value: Any, least: int, *, none: bool = True) -> None:
    """`value` is a whole number from `least` on, or None where that will do."""
    if value is None and none:
        return
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise UsageError(f"{name} is a whole number from {least} on, got {value!r}")


def need_share(name: str, value: Any, high: float, *, zero: bool = False) -> None:
    """`value` is a number above 0 (or 0, if `zero`) and below `high`, or None."""
    if value is None:
        return
    number = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    if not (number and (0 < value < high or (zero and value == 0))):
        hint = f"Give {value / 100:g} for {value:g} %." if number and high <= value < 100 * high else None
        raise UsageError(f"{name} is a number from 0 to {high:g}, got {value!r}", hint=hint)
