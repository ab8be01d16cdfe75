"""What a service's headers say about waiting: Retry-After, and how much of its rate limits is left.

Read are the headers of OpenAI (and those who copy it), Anthropic, and the common `x-ratelimit-*` and `ratelimit-*`.
Not here: the waiting (engine/pacing.py).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

__all__ = ["RETRY_AFTER_CAP", "quota", "retry_after"]

#: the longest wait that is obeyed, seconds
RETRY_AFTER_CAP = 60.0

_EPOCH_MILLISECONDS = 1e11
_EPOCH_SECONDS = 1e9
_DURATION = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?")
_REQUESTS = (
    ("x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"),
    ("anthropic-ratelimit-requests-remaining", "anthropic-ratelimit-requests-reset"),
    ("x-ratelimit-remaining", "x-ratelimit-reset"),
    ("ratelimit-remaining", "ratelimit-reset"),
)
_TOKENS = (
    ("x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"),
    ("anthropic-ratelimit-tokens-remaining", "anthropic-ratelimit-tokens-reset"),
    ("anthropic-ratelimit-input-tokens-remaining", "anthropic-ratelimit-input-tokens-reset"),
)


def retry_after(headers: Mapping[str, str], *, now: datetime | None = None) -> float | None:
    """Seconds the server asks to wait (`retry-after-ms`, or Retry-After as seconds or date), in [0, 60]; None if
    it does not say or makes no sense."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        text = headers.get(name, "").strip()
        if not text:
            continue
        try:
            seconds = float(text) * unit
        except ValueError:
            try:
                date = parsedate_to_datetime(text)
            except ValueError:
                continue
            seconds = _until(date, now)
        if not math.isnan(seconds):
            return min(RETRY_AFTER_CAP, max(0.0, seconds))
    return None


def quota(headers: Mapping[str, str], *, tokens: float, now: datetime | None = None) -> tuple[float, float] | None:
    """How many more requests of `tokens` tokens the service will take, and for how many seconds that holds (at most
    60); the tightest of its limits, None where it names none."""
    found: tuple[float, float] | None = None
    for names, each in ((_REQUESTS, 1.0), (_TOKENS, max(1.0, tokens))):
        for remaining, reset in names:
            text = headers.get(remaining)
            if text is None:
                continue
            left, seconds = _number(text), _seconds(headers.get(reset, ""), now)
            if left is None or left < 0 or seconds is None:
                continue
            calls = left // each
            if found is None or calls < found[0]:
                found = calls, min(RETRY_AFTER_CAP, seconds)
    return found


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _seconds(text: str, now: datetime | None) -> float | None:
    """A reset time: "6m0s", "20ms", seconds, seconds or milliseconds since 1970, or an RFC 3339 time."""
    text = text.strip()
    value = _number(text)
    if value is not None:
        if value >= _EPOCH_SECONDS:
            value = value / 1000.0 if value >= _EPOCH_MILLISECONDS else value
            value -= (now or datetime.now(UTC)).timestamp()
        return max(0.0, value)
    match = _DURATION.fullmatch(text)
    if match and text:
        parts = [float(p or 0) for p in match.groups()]
        return sum(p * unit for p, unit in zip(parts, (86400.0, 3600.0, 60.0, 1.0, 0.001), strict=True))
    try:
        return max(0.0, _until(datetime.fromisoformat(text), now))
    except ValueError:
        return None


def _until(date: datetime, now: datetime | None) -> float:
    date = date if date.tzinfo else date.replace(tzinfo=UTC)
    return (date - (now or datetime.now(UTC))).total_seconds()
