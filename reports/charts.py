"""What the HTML pages draw, as plain numbers: forest plot, two dials, position, attacks, dose response.

`templates/charts.js` draws them with Observable Plot (`templates/plot.min.js`); nothing here knows pixels or colours.
Every text has gone through `visible`. Numbers are rounded to what can be seen, so that equal runs make equal pages.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from voirdire.harness.findings import Audit, Finding
from voirdire.harness.relations import Relation
from voirdire.reports.formatting import interval, known, percent
from voirdire.reports.selection import excess, limits, ranks_as_sway, worst_first
from voirdire.reports.text import one_line
from voirdire.reports.words import SYMBOLS, finding_sentence

__all__ = [
    "MAP_WORST",
    "attack_rows",
    "charts",
    "dial",
    "dose_curves",
    "effect_range",
    "forest_rows",
    "position_rows",
    "worst_sway",
]

Row = dict[str, Any]

#: the left end of the two dials: a judge swayed by this much or more stands at the edge
MAP_WORST = 0.5
#: characters of a name in a picture
NAME = 40

#: metrics of order with what they mean, in the order shown; all are shares in [0, 1]
_POSITION = {
    "first_slot_rate": "picks the first slot",
    "position_consistency": "same winner in both orders",
    "biased_to_first": "first slot wins in both orders",
    "biased_to_second": "second slot wins in both orders",
}


def charts(audit: Audit) -> dict[str, Any]:
    """All pictures of one audit; a picture without data is an empty list (the dials: None)."""
    rows = forest_rows(audit)
    return {
        "forest": {
            "rows": rows,
            "range": effect_range(rows),
            "floor": number(audit.noise.retest_flip_rate),
            "flips": "verdicts that flip" if audit.task in ("pairwise", "grade") else "verdicts move by",
        },
        "dials": {"points": [dial(audit)], "worst": MAP_WORST},
        "position": position_rows(audit),
        "attacks": attack_rows(audit),
        "doses": dose_curves(audit),
    }


def number(value: float | None, digits: int = 4) -> float | None:
    """`value` for a picture: None where unknown, no negative zero."""
    return round(value, digits) + 0.0 if known(value) else None


def name(text: str, limit: int = NAME) -> str:
    """A name for a picture: one line, nothing invisible."""
    return one_line(text, limit)


# ------------------------------------------------------------------------------------------------------------- forest


def forest_rows(audit: Audit) -> list[Row]:
    """All measured findings by family; the family with the worst finding comes first, in it the worst finding."""
    measured = [f for f in audit.findings.values() if known(f.effect)]
    order = {"violated": 0, "inconclusive": 1, "holds": 2, "not_applicable": 3}
    ranked = sorted(worst_first(measured), key=lambda f: order[f.decision])
    families = dict.fromkeys(f.family for f in ranked)
    return [_forest_row(f, audit) for family in families for f in ranked if f.family == family]


def _forest_row(finding: Finding, audit: Audit) -> Row:
    low, high = limits(finding)
    return {
        "probe": name(finding.probe),
        "family": name(finding.family),
        "decision": finding.decision,
        "sign": SYMBOLS[finding.decision],
        "effect": number(finding.effect),
        "low": number(finding.low),
        "high": number(finding.high),
        "shown": interval(finding.low, finding.high),
        "from": number(low),
        "to": number(high),
        "banded": low is not None or high is not None,
        "sham": number(finding.sham_effect),
        "flips": number(finding.flip_rate),
        "retest": number(finding.retest_flip_rate),
        "says": finding_sentence(finding, audit),
    }


def effect_range(rows: Iterable[Mapping[str, Any]]) -> list[float]:
    """A range that holds every effect and interval: at least -.2 to +.4, so that reports can be laid side by side."""
    found = [row[k] for row in rows for k in ("effect", "low", "high", "sham") if row[k] is not None]
    low = min(-0.2, math.floor(min(found, default=0.0) / 0.1 + 1e-9) / 10)
    high = max(0.4, math.ceil(max(found, default=0.0) / 0.1 - 1e-9) / 10)
    return [round(low, 1), round(high, 1)]


# -------------------------------------------------------------------------------------------------------------- dials


def worst_sway(audit: Audit) -> Finding | None:
    """The finding that lies furthest past its limit (or is nearest to it), of those that measure sway."""
    sways = [f for f in audit.findings.values() if ranks_as_sway(f) and math.isfinite(excess(f))]
    return worst_first(sways)[0] if sways else None


def dial(audit: Audit, label: str = "") -> Row:
    """Where a judge stands: how far its worst sway reaches (0: not at all), and its accuracy; None where unmeasured."""
    worst, d = worst_sway(audit), audit.discrimination
    x = x_span = limit = None
    if worst is not None and known(worst.effect):
        x, limit = _size(worst, worst.effect), worst.tolerance
        x_span = _sizes(worst)
    return {
        "label": name(label),
        "probe": name(worst.probe) if worst else None,
        "x": number(x),
        "x_low": number(min(x_span)) if x_span else None,
        "x_high": number(max(x_span)) if x_span else None,
        "x_limit": number(limit),
        "y": number(d.accuracy),
        "y_low": number(d.low),
        "y_high": number(d.high),
        "y_limit": number(d.floor),
    }


def _size(finding: Finding, value: float) -> float:
    """How far `value` is from no sway: below zero there is none where only a gain counts."""
    return max(0.0, value) if limits(finding)[0] is None else abs(value)


def _sizes(finding: Finding) -> Sequence[float]:
    ends = [x for x in (finding.low, finding.high) if known(x)]
    sizes = [_size(finding, x) for x in ends]
    # an interval across zero reaches no sway at all
    return [*sizes, 0.0] if len(ends) == 2 and ends[0] < 0 < ends[1] else sizes


# ---------------------------------------------------------------------------------------------- position and attacks


def position_rows(audit: Audit) -> list[Row]:
    """The shares of the order probe, each with what a coin would get; empty where order was not measured."""
    for finding in audit.findings.values():
        if finding.relation is Relation.EQUIVARIANT and finding.metrics:
            return [
                {
                    "metric": metric,
                    "says": says,
                    "value": number(finding.metrics[metric]),
                    "chance": number(finding.chance.get(metric)),
                    "shown": percent(finding.metrics[metric]),
                }
                for metric, says in _POSITION.items()
                if known(finding.metrics.get(metric))
            ]
    return []


def attack_rows(audit: Audit) -> list[Row]:
    """Success of each addition that a weaker answer could profit from: raw, and the floor that noise or placebo sets.

    The net success is the distance between the two, never the raw share. The largest comes first.
    """
    rows = []
    for f in audit.findings.values():
        raw, net = f.metrics.get("asr_raw"), f.metrics.get("asr")
        if not known(raw) or not known(net):
            continue
        rows.append(
            {
                "probe": name(f.probe),
                "family": name(f.family),
                "decision": f.decision,
                "dose": number(f.dose),
                "raw": number(raw),
                "net": number(net),
                "floor": number(raw - net),
                "retest": number(f.metrics.get("asr_retest")),
                "sham": number(f.metrics.get("asr_sham")),
            }
        )
    return sorted(rows, key=lambda row: (-(row["net"] or 0), row["probe"]))


def dose_curves(audit: Audit) -> list[Row]:
    """Effects of one probe at several doses (`authority.book@0.5`), by rising dose; only probes with several doses."""
    groups: dict[str, list[Finding]] = {}
    for finding in audit.findings.values():
        if known(finding.effect):
            groups.setdefault(finding.probe.split("@")[0], []).append(finding)
    return [
        {
            "probe": name(base),
            "points": [
                {"dose": f.dose, "effect": number(f.effect), "low": number(f.low), "high": number(f.high)}
                for f in sorted(found, key=lambda f: f.dose)
            ],
        }
        for base, found in groups.items()
        if len({f.dose for f in found}) > 1
    ]
