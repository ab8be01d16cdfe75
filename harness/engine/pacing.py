"""How fast requests go out: how many at once an endpoint bears (`Pace`), how many a minute the user allows (`Meter`).

`Pace` learns from what the endpoint answers; one belongs to each HTTP client, so that a slow endpoint of a jury does
not slow the others. `Meter` is the run's own limit and counts every request of a run, retries included. Not here: the
headers that say how long to wait (judges/rate_headers.py), the requests (judges/http.py), the queue (runner.py).
"""

from __future__ import annotations

import asyncio
import contextvars
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

__all__ = ["Booking", "Meter", "Pace", "due", "open_ticket"]

#: requests at once before the first answer came
SLOW_START = 8
#: share of the limit that is left after a refusal or a time-out (CUBIC's; a half, TCP's own, recovers slowly)
CUT = 0.7
#: the limit grows only if at least this share of it was in use: an unused limit says nothing
IN_USE = 0.8


class Pace:
    """How many requests one endpoint gets at once: doubled each clean round until it first refuses, then one more a
    round; cut to .7 by a refusal (429, 529) or a time-out, once for all requests sent before the cut. A round is as
    many answers as the limit. Other failures slow the growth and never cut: a broken server is not a full one.

    `ceiling` is never exceeded (None: the caller's own number of calls bounds it). It belongs to one event loop.
    """

    __slots__ = (
        "_ceiling",
        "_clean",
        "_cut_at",
        "_held_until",
        "_left",
        "_loop",
        "_peak",
        "_reset_at",
        "_slow_start",
        "_waiting",
        "cuts",
        "in_flight",
        "limit",
    )

    def __init__(self, ceiling: int | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        self._ceiling = float("inf") if ceiling is None else float(ceiling)
        self.limit = min(float(SLOW_START), self._ceiling)
        self.in_flight = 0
        self.cuts = 0
        self._slow_start = True
        self._clean = 0
        self._peak = 0
        self._cut_at = self._held_until = self._reset_at = float("-inf")
        self._left = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def enter(self, *, rested: float = float("-inf")) -> float:
        """Wait for a place; returns the time the request begins. Every `enter` is followed by one `leave`.

        `rested`: the end of a hold (as `hold` gave it) that the caller has sat out already.
        """
        now = self._loop.time()
        if self._waiting or self.in_flight >= int(self.limit) or self._shut(now, rested):
            await self._wait()
            now = self._loop.time()
        else:
            self._take(now)
        return now

    def leave(self) -> None:
        self.in_flight -= 1
        if self._waiting:
            self._admit()

    def answered(self, begun: float) -> None:
        """A request begun at `begun` was served."""
        if begun <= self._cut_at:
            return
        self._clean += 1
        if self._clean >= int(self.limit):
            if self._peak >= IN_USE * self.limit:
                grown = self.limit * 2 if self._slow_start else self.limit + 1
                self.limit = min(self._ceiling, grown)
            self._clean = 0
            self._peak = self.in_flight

    def stumbled(self) -> None:
        """It failed in a way that says nothing about load: it takes back one answer of the round."""
        self._clean = max(0, self._clean - 1)

    def refused(self, begun: float) -> None:
        """It was too much: answered 429, or not in time."""
        self._slow_start = False
        self._clean = 0
        if begun > self._cut_at:
            self.limit = max(1.0, self.limit * CUT)
            self._cut_at = self._loop.time()
            self._peak = 0
            self.cuts += 1

    def hold(self, seconds: float) -> float:
        """Let no request begin for `seconds`; returns when that ends, for `enter(rested=...)`."""
        until = self._loop.time() + seconds
        if until > self._held_until:
            self._held_until = until
            self._loop.call_later(seconds, self._admit)
        return until

    def quota(self, left: float, seconds: float) -> None:
        """The endpoint says: `left` more requests until `seconds` from now."""
        now = self._loop.time()
        # answers overtake each other, so within a period only a lower number is news
        if now >= self._reset_at or left < self._left:
            self._left, self._reset_at = int(left), now + seconds
            if self._left <= 0:
                self._loop.call_later(seconds, self._admit)

    def _shut(self, now: float, rested: float = float("-inf")) -> bool:
        return (rested < self._held_until and now < self._held_until) or (self._left <= 0 and now < self._reset_at)

    def _take(self, now: float) -> None:
        self.in_flight += 1
        if self.in_flight > self._peak:
            self._peak = self.in_flight
        if now < self._reset_at:
            self._left -= 1
            if self._left == 0:
                self._loop.call_later(self._reset_at - now, self._admit)

    async def _wait(self) -> None:
        place: asyncio.Future[None] = self._loop.create_future()
        self._waiting.append(place)
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():
                self.leave()  # it was given the place in the same moment
            raise

    def _admit(self) -> None:
        now = self._loop.time()
        while self._waiting and self.in_flight < int(self.limit):
            if self._waiting[0].done():
                self._waiting.popleft()
            elif self._shut(now):
                return
            else:
                self._take(now)
                self._waiting.popleft().set_result(None)


class Meter:
    """At most `requests` and `tokens` a minute (None: any number), evenly spread: a burst at the start of a minute is
    what services refuse. Waits are booked ahead, so that late wake-ups do not add up. `clock` gives seconds."""

    __slots__ = ("_clock", "_next_request", "_next_token", "_request_seconds", "_token_seconds")

    def __init__(self, requests: float | None, tokens: float | None, *, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._request_seconds = 60.0 / requests if requests else 0.0
        self._token_seconds = 60.0 / tokens if tokens else 0.0
        self._next_request = self._next_token = clock()

    def book(self, tokens: float = 0.0) -> float:
        """Book one request of about `tokens` tokens; returns the seconds until it may go."""
        now = self._clock()
        begin = max(now, self._next_request, self._next_token)
        self._next_request = begin + self._request_seconds
        self._next_token = begin + tokens * self._token_seconds
        return begin - now

    def settle(self, booked: float, used: float) -> None:
        """A request booked with `booked` tokens took `used`."""
        self._next_token += (used - booked) * self._token_seconds


class Booking(Protocol):
    """What a ticket needs of a meter."""

    def book(self, tokens: float = 0.0) -> float: ...


@dataclass(slots=True)
class _Ticket:
    """One call's leave to send: its first request is booked, each further one (a retry, another juror) books itself."""

    meter: Booking
    fresh: bool = True


# An adapter cannot be handed the meter: judges are wrapped in judges, and the innermost one sends the requests.
_TICKET: contextvars.ContextVar[_Ticket | None] = contextvars.ContextVar("voirdire_ticket", default=None)


def open_ticket(meter: Booking) -> None:
    """What the current task sends from now on is one call, whose first request has been booked."""
    _TICKET.set(_Ticket(meter))


def due() -> float:
    """Seconds until the current task may send its next request; 0 outside a run or without a limit. Books it."""
    ticket = _TICKET.get()
    if ticket is None:
        return 0.0
    if ticket.fresh:
        ticket.fresh = False
        return 0.0
    return ticket.meter.book()
