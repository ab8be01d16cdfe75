"""What a user may set of a chat model (`--param name=value`): which names there are, and which values make sense.

Not here: how a provider spells them (its adapter), which models take no temperature (reasoning.py).
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from voirdire.harness.errors import UsageError, nearest
from voirdire.harness.judges.endpoints import clean

__all__ = ["FLAG", "PLAIN", "TEXTS", "WHOLE", "WORD", "Check", "check_params", "mapping_without", "number", "whole"]


@dataclass(frozen=True, slots=True)
class Check:
    """What a value must be, in words, and whether one is."""

    wanted: str
    fits: Callable[[Any], bool]


def number(low: float, high: float) -> Check:
    """A number in [low, high]."""

    def fits(value: Any) -> bool:
        return isinstance(value, (int, float)) and not isinstance(value, bool) and low <= value <= high

    return Check(f"a number from {low:g} to {high:g}", fits)


def whole(low: int) -> Check:
    """A whole number of at least `low`."""
    return Check(
        f"a whole number of {low} or more",
        lambda v: isinstance(v, int) and not isinstance(v, bool) and v >= low,
    )


def mapping_without(*fields: str) -> Check:
    """A mapping that leaves alone what the adapter itself says."""
    return Check(
        f"a mapping without {', '.join(fields)}", lambda v: isinstance(v, Mapping) and not set(fields) & set(v)
    )


WHOLE = Check("a whole number", lambda v: isinstance(v, int) and not isinstance(v, bool))
WORD = Check('a word such as "low"', lambda v: isinstance(v, str) and bool(v.strip()))
FLAG = Check("true or false", lambda v: isinstance(v, bool))
TEXTS = Check(
    "a text or a list of texts",
    lambda v: isinstance(v, str) or (isinstance(v, list) and bool(v) and all(isinstance(t, str) for t in v)),
)
PLAIN = Check("plain JSON data", lambda _: True)


def check_params(kind: str, params: Mapping[str, Any], known: Mapping[str, Check]) -> None:
    """Raises UsageError naming the parameter, its value and what it must be. None means "do not send" everywhere."""
    for name, value in params.items():
        check = known.get(name)
        if check is None:
            hint = nearest(name, known) + (" Other fields go into extra_body." if "extra_body" in known else "")
            raise UsageError(f"{kind} has no parameter {name!r}", hint=hint)
        if value is None:
            continue
        if not check.fits(value):
            raise _wrong(name, check.wanted, value)
        if not _is_json(value):
            raise _wrong(name, PLAIN.wanted, value)


def _wrong(name: str, wanted: str, value: Any) -> UsageError:
    return UsageError(f"parameter {name} must be {wanted}, got {clean(repr(value), limit=80)}")


def _is_json(value: Any) -> bool:
    if isinstance(value, float) and not math.isfinite(value):
        return False
    try:
        json.dumps(dict(value) if isinstance(value, Mapping) else value, allow_nan=False)
    except (TypeError, ValueError):
        return False
    return True
