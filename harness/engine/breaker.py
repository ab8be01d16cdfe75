"""When a judge that fails again and again is down, how it is tried again, and when it is given up.

Here: counting and the order in which waiting calls are let through. Not here: the calls (runner.py), the retries of a
single call (the adapter's), how many calls an endpoint bears (pacing.py).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from voirdire.harness.errors import JudgeError

__all__ = ["COOLDOWNS", "DOWN_AFTER", "Breaker", "JudgeBusy"]

#: failures in a row, with no answer between them, after which the judge counts as down
DOWN_AFTER = 8
#: seconds before each single call that tries whether a judge that went down has come back
COOLDOWNS = (1.0, 2.0, 5.0, 10.0, 20.0, 30.0)


class JudgeBusy(JudgeError):
    """A call failed, after its retries, in a way that may pass by itself: rate limits, overload, time-outs, broken
    connections. The run asks it again later."""


class Breaker:
    """A circuit breaker for one judge of one run.

    Closed: calls pass. After `trips_after` failures in a row it opens: calls wait, and after each cool-down one of
    them goes through as the probe. An answer closes it; when every probe failed, `failed` says why to give up. A
    judge that has never answered, or whose failures do not pass by themselves, is given up without probes: a wrong
    port or a bug in a callable should show at once.

    `pause(seconds)` waits, and returns early when the run stops. `tell(seconds, reason)` hears of every cool-down.
    """

    def __init__(
        self,
        trips_after: int,
        *,
        pause: Callable[[float], Awaitable[None]],
        tell: Callable[[float, str], None] = lambda _seconds, _reason: None,
    ) -> None:
        self._trips_after = trips_after
        self._pause = pause
        self._tell = tell
        self._streak = 0
        self._worked = False
        self._open = False
        self._probing = False
        self._probes = 0
        self._last = ""
        self._changed = asyncio.Event()

    async def admit(self) -> bool:
        """Wait until a call may be made. True: it is the probe, and its outcome decides for the others."""
        while self._open:
            if self._probing:
                await self._changed.wait()
                continue
            self._probing = True
            seconds = COOLDOWNS[self._probes]
            self._tell(seconds, f"{self._streak} calls in a row failed; the last: {self._last}")
            await self._pause(seconds)
            return True
        return False

    def answered(self) -> None:
        """A call came back: whatever was wrong has passed."""
        self._streak = self._probes = 0
        self._worked = True
        if self._open:
            self._open = self._probing = False
            self._wake()

    def failed(self, error: JudgeError, *, probe: bool) -> str | None:
        """Count a failure; returns the reason to give the judge up, or None."""
        self._streak += 1
        self._last = error.message
        if probe and self._open:
            self._probes += 1
            self._probing = False
            self._wake()
            if self._probes == len(COOLDOWNS):
                return (
                    f"{self._streak} calls in a row failed, {self._probes} of them spread over time; the last: {error}"
                )
        elif not self._open and self._streak >= self._trips_after:
            if not (self._worked and isinstance(error, JudgeBusy)):
                return f"{self._streak} calls in a row failed; the last: {error}"
            self._open = True
        return None

    def stop(self) -> None:
        """The run is over: let everybody who waits go."""
        self._open = False
        self._wake()

    def _wake(self) -> None:
        self._changed.set()
        self._changed.clear()
