"""`--on`: where judges answer. `parse_place` reads it; a `Place` moves a judge there.

Not here: the places (ray_place.py, batch_place.py), which are imported when they are named.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol
from urllib.parse import parse_qsl

from voirdire.harness.errors import UsageError, nearest

if TYPE_CHECKING:
    from voirdire.harness.judges.base import Judge
    from voirdire.harness.judges.spec import JudgeOptions

__all__ = ["PLACES", "Place", "check_in_turn", "number_of", "options_of", "parse_place"]

#: name -> example, for help and errors
PLACES = {"ray": "ray, ray:ADDRESS or 'ray?workers=4&gpus=1'", "batch": "batch or 'batch?poll=30'"}


class Place(Protocol):
    """Where judges answer."""

    @property
    def calls_at_once(self) -> int | None:
        """How many calls must be open at a time for it to be of use; None: as many as the user says."""

    def put(self, judge: Judge, spec: str, options: JudgeOptions) -> Judge:
        """`judge`, which was made of `spec` and `options`, answering there: same name, fingerprint and verdicts.

        Raises UsageError for a judge that cannot.
        """


def parse_place(text: str, tell: Callable[[str], None] = lambda _line: None) -> Place:
    """The place that `--on text` names; `tell` hears a line of what takes long there. Raises UsageError with the
    nearest name or option."""
    head, _, query = text.partition("?")
    name, _, rest = head.partition(":")
    if name == "ray":
        from voirdire.harness.elsewhere.ray_place import RayPlace

        return RayPlace.parse(rest, query)
    if name == "batch":
        from voirdire.harness.elsewhere.batch_place import BatchPlace

        return replace(BatchPlace.parse(rest, query), tell=tell)
    examples = "; ".join(PLACES.values())
    raise UsageError(f"--on {text!r} is no place to ask a judge", hint=f"{nearest(name, PLACES)} Write {examples}.")


def check_in_turn(place: Place | None, text: str) -> None:
    """Raises UsageError if `place`, which --on `text` names, keeps a single call for hours: no place for a search."""
    if place is not None and place.calls_at_once is not None:
        raise UsageError(
            f"--on {text} answers hours later, and a search asks round after round, each made of the answers before",
            hint="Leave --on out, or give --on ray. Known attacks can be tested in batches: "
            "voirdire audit --suite attacks --on batch.",
        )


def options_of(query: str, known: tuple[str, ...], *, place: str) -> dict[str, str]:
    """`workers=4&gpus=1` as a mapping. Raises UsageError for an unknown or repeated name."""
    out: dict[str, str] = {}
    for key, value in parse_qsl(query, keep_blank_values=True):
        if key not in known:
            raise UsageError(f"--on {place} has no option {key!r}", hint=nearest(key, known))
        if key in out:
            raise UsageError(f"--on {place} is given {key} twice")
        out[key] = value
    return out


def number_of(options: dict[str, str], key: str, *, place: str, low: float, whole: bool = False) -> float | None:
    """The option `key` as a number of at least `low`; None where it is not given. Raises UsageError."""
    if key not in options:
        return None
    try:
        value = float(options[key])
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value >= low and (not whole or value == int(value))):
        kind = "a whole number" if whole else "a number"
        raise UsageError(f"--on {place}: {key}={options[key]!r} must be {kind} of {low:g} or more")
    return value
