"""Where things stand in the two pictures of the HTML page: the forest plot and the two-axis plot.

Positions only, in per cent of the width (and height); the template draws. Per cent lets a row stretch with the page
without distorting its marks, from a phone to a wide screen.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from voirdire.harness.findings import Audit, Finding
from voirdire.reports.formatting import effect, known
from voirdire.reports.selection import excess, limits, ranks_as_sway, worst_first

__all__ = ["Axis", "Group", "Map", "Mark", "axis_of", "forest", "two_axes"]


@dataclass(frozen=True, slots=True)
class Axis:
    """A range of effects, and where an effect stands on it."""

    low: float
    high: float
    step: float

    def at(self, value: float) -> float:
        """Per cent of the width, kept inside the picture."""
        place = 100 * (value - self.low) / (self.high - self.low)
        return round(min(100.0, max(0.0, place)), 2)

    @property
    def ticks(self) -> list[tuple[float, str]]:
        """Positions and labels, zero without a sign."""
        first = math.ceil(self.low / self.step - 1e-9)
        last = math.floor(self.high / self.step + 1e-9)
        return [(self.at(k * self.step), effect(k * self.step) if k else "0") for k in range(first, last + 1)]


@dataclass(frozen=True, slots=True)
class Mark:
    """One row of the forest plot; positions in per cent, None where unknown."""

    finding: Finding
    band: tuple[float, float] | None
    dot: float | None
    whisker: tuple[float, float] | None
    sham: float | None


@dataclass(frozen=True, slots=True)
class Group:
    """The rows of one family, the worst first."""

    family: str
    marks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True)
class Map:
    """The two-axis plot: x "stays put" (100 is no effect at all), y "sees quality" (100 is always right).

    `x`, `y` are None where unmeasured; `x_span`, `y_span` are the intervals; `x_limit`, `y_limit` where good begins.
    """

    x: float | None
    x_span: tuple[float, float] | None
    x_limit: float | None
    y: float | None
    y_span: tuple[float, float] | None
    y_limit: float | None
    ticks: tuple[tuple[float, str], ...]
    worst: Finding | None


def axis_of(findings: Iterable[Finding]) -> Axis:
    """A range that holds every effect and interval: at least -.2 to +.4, so that reports can be laid side by side."""
    numbers = [x for f in findings for x in (f.effect, f.low, f.high, f.sham_effect) if known(x)]
    low = min(-0.2, math.floor(min(numbers, default=0.0) / 0.1 + 1e-9) / 10)
    high = max(0.4, math.ceil(max(numbers, default=0.0) / 0.1 - 1e-9) / 10)
    return Axis(low, high, 0.2 if high - low <= 1.4 else 0.5)


def forest(audit: Audit) -> tuple[Axis, list[Group]]:
    """All measured findings by family; the family with the worst finding comes first."""
    measured = [f for f in audit.findings.values() if known(f.effect)]
    axis = axis_of(measured)
    order = {"violated": 0, "inconclusive": 1, "holds": 2, "not_applicable": 3}
    ranked = sorted(worst_first(measured), key=lambda f: order[f.decision])
    families = dict.fromkeys(f.family for f in ranked)
    return axis, [Group(name, tuple(_mark(f, axis) for f in ranked if f.family == name)) for name in families]


def _mark(finding: Finding, axis: Axis) -> Mark:
    low, high = limits(finding)
    band = None
    if low is not None or high is not None:
        band = (axis.at(axis.low if low is None else low), axis.at(axis.high if high is None else high))
    return Mark(
        finding,
        band,
        axis.at(finding.effect) if known(finding.effect) else None,
        _span(axis, finding.low, finding.high),
        axis.at(finding.sham_effect) if known(finding.sham_effect) else None,
    )


def _span(axis: Axis, low: float | None, high: float | None) -> tuple[float, float] | None:
    return (axis.at(low), axis.at(high)) if known(low) and known(high) else None


#: the left end of the two-axis plot: a judge swayed by this much or more stands at the edge
MAP_WORST = 0.5


def two_axes(audit: Audit) -> Map:
    """Where the judge stands: its accuracy up, the size of its worst sway to the left."""
    sways = [f for f in audit.findings.values() if ranks_as_sway(f) and math.isfinite(excess(f))]
    worst = worst_first(sways)[0] if sways else None
    right = Axis(-MAP_WORST, 0.0, 0.1)
    ticks = tuple((right.at(-k / 10), effect(k / 10).lstrip("+") if k else "0") for k in range(5, -1, -1))
    x = x_span = x_limit = None
    if worst is not None and known(worst.effect):
        sizes = _sizes(worst)
        x = right.at(-_size(worst, worst.effect))
        x_span = (right.at(-max(sizes)), right.at(-min(sizes))) if sizes else None
        x_limit = right.at(-worst.tolerance) if known(worst.tolerance) else None
    d = audit.discrimination
    up = Axis(0.0, 1.0, 0.2)
    return Map(
        x,
        x_span,
        x_limit,
        up.at(d.accuracy) if known(d.accuracy) else None,
        _span(up, d.low, d.high),
        up.at(d.floor) if known(d.floor) else None,
        ticks,
        worst,
    )


def _size(finding: Finding, value: float) -> float:
    """How far `value` is from no sway: below zero there is none where only a gain counts."""
    return max(0.0, value) if limits(finding)[0] is None else abs(value)


def _sizes(finding: Finding) -> Sequence[float]:
    ends = [x for x in (finding.low, finding.high) if known(x)]
    sizes = [_size(finding, x) for x in ends]
    # an interval across zero reaches no sway at all
    return [*sizes, 0.0] if len(ends) == 2 and ends[0] < 0 < ends[1] else sizes
