"""Numbers as the reports print them: signed effects without a leading zero, intervals, percentages, money, time.

Nothing here knows what a number means. No function ever prints NaN, infinity or a negative zero: an unknown number
is `UNKNOWN`.
"""

from __future__ import annotations

import math
from typing import TypeGuard

__all__ = [
    "UNKNOWN",
    "about",
    "amount",
    "count",
    "duration",
    "effect",
    "interval",
    "known",
    "level",
    "money",
    "percent",
    "percent_interval",
    "plain",
    "plural",
    "probability",
    "share",
]

#: printed for a number that was not measured
UNKNOWN = "–"


def known(value: float | None) -> TypeGuard[float]:
    """Is this a finite number?"""
    return value is not None and math.isfinite(value)


def _fixed(value: float, digits: int) -> str:
    """`value` with `digits` decimals, no leading zero, no negative zero: ".21", "-.41", "1.00"."""
    text = f"{value:.{digits}f}"
    if float(text) == 0:
        text = text.lstrip("-")
    return text.replace("0.", ".", 1) if text.lstrip("-").startswith("0.") else text


def effect(value: float | None) -> str:
    """A signed effect in utility units.

    >>> effect(0.214), effect(-0.41), effect(-0.001), effect(None)
    ('+.21', '-.41', '.00', '–')
    """
    if not known(value):
        return UNKNOWN
    text = _fixed(value, 2)
    return text if text.startswith("-") or float(text) == 0 else "+" + text


def interval(low: float | None, high: float | None) -> str:
    """Both ends of an interval of effects, e.g. "[+.15, +.27]"; a dash where both ends are unknown."""
    if not known(low) and not known(high):
        return UNKNOWN
    return f"[{effect(low)}, {effect(high)}]"


def share(value: float | None) -> str:
    """An unsigned number of [0, 1] with two decimals, e.g. ".06"."""
    return _fixed(value, 2) if known(value) else UNKNOWN


def percent(value: float | None) -> str:
    """A share as a whole percentage. What is not quite none or all is never rounded to it.

    >>> percent(0.874), percent(0.001), percent(0.999), percent(0.0)
    ('87 %', 'under 1 %', 'over 99 %', '0 %')
    """
    if not known(value):
        return UNKNOWN
    if 0 < value < 0.005:
        return "under 1 %"
    if 0.995 < value < 1:
        return "over 99 %"
    return f"{_whole(100 * value)} %"


def percent_interval(low: float | None, high: float | None) -> str:
    """An interval of shares in whole per cent, e.g. "[83, 91]"."""
    if not known(low) and not known(high):
        return UNKNOWN
    return "[" + ", ".join(str(_whole(100 * x)) if known(x) else UNKNOWN for x in (low, high)) + "]"


def level(value: float | None) -> str:
    """A confidence level, e.g. "95 %" or "99.9 %"."""
    return f"{100 * value:.4g} %" if known(value) else UNKNOWN


def probability(value: float | None) -> str:
    """A p value: ".012", "<.0001"."""
    if not known(value):
        return UNKNOWN
    if value < 0.0001:
        return "<.0001"
    return _fixed(value, 4 if value < 0.001 else 3)


def count(value: int | None) -> str:
    """A whole number with thousands separators, e.g. "4,820"."""
    return f"{value:,}" if value is not None else UNKNOWN


def plural(number: int, noun: str, many: str | None = None) -> str:
    """A number with its noun: "1 case", "1,200 cases", "2 replies"."""
    return f"{number:,} {noun if number == 1 else many or noun + 's'}"


def money(value: float | None) -> str:
    """US dollars, e.g. "$3.90"; an amount below a cent is "under $0.01"."""
    if not known(value):
        return UNKNOWN
    return "under $0.01" if 0 < value < 0.005 else f"${value:,.2f}"


def about(value: float) -> str:
    """An estimate, with two figures: one that looks exact would lie.

    >>> about(1234567), about(94321), about(7)
    ('1.2 million', '94,000', '7')
    """
    whole = round(value)
    near = round(whole, 2 - len(str(whole)))
    return f"{near / 1e6:g} million" if near >= 1e6 else count(near)


def amount(value: float | None) -> str:
    """Estimated US dollars: cents below ten dollars, two figures above."""
    return money(value) if not known(value) or value < 10 else f"${about(value)}"


def duration(seconds: float | None) -> str:
    """Seconds in words: "0.4 s", "51 s", "4 min 12 s", "2 h 5 min"."""
    if not known(seconds):
        return UNKNOWN
    if seconds < 9.95:
        return f"{abs(seconds):.1f} s"
    whole = _whole(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def plain(value: float | None, digits: int = 1) -> str:
    """A number without needless zeros: 7.0 is "7", 7.25 is "7.2"; never "-0"."""
    if not known(value):
        return UNKNOWN
    text = f"{value:.{digits}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def _whole(value: float) -> int:
    """Rounded half up, as readers round, not half to even."""
    return math.floor(value + 0.5 + 1e-9)  # 100 * .145 is 14.499999999999998
