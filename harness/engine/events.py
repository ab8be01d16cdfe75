"""What the engine tells while it runs. Terminal, pytest and reports only read these; nothing else flows back."""

from __future__ import annotations

from dataclasses import dataclass

from voirdire.harness.verdicts import Verdict

__all__ = ["CallFinished", "Event", "RunAnew", "RunFinished", "RunPaused", "RunStarted"]


@dataclass(frozen=True, slots=True)
class RunAnew:
    """The store holds an unfinished run of this name that is not gone on with; `reason` is a whole sentence."""

    reason: str


@dataclass(frozen=True, slots=True)
class RunStarted:
    """`planned` calls in all, of which `cached` are answered by the store already."""

    planned: int
    cached: int


@dataclass(frozen=True, slots=True)
class CallFinished:
    """One call came back (verdicts with `null="error"` are calls that failed)."""

    number: int
    verdict: Verdict
    seconds: float


@dataclass(frozen=True, slots=True)
class RunPaused:
    """The judge stopped answering; it is tried again in `seconds`. `reason` holds no key."""

    seconds: float
    reason: str


@dataclass(frozen=True, slots=True)
class RunFinished:
    """`stopped`: None, "budget", "judge" or "interrupted"."""

    stopped: str | None
    reason: str | None


Event = RunAnew | RunStarted | CallFinished | RunPaused | RunFinished
