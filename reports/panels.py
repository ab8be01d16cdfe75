"""Tables of the HTML page: parts of the cases, the papers' metrics, what could not have been seen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from voirdire.harness.findings import Audit, Finding, SliceValue
from voirdire.reports.formatting import effect, interval, known, percent, percent_interval, plain, share
from voirdire.reports.selection import ranks_as_sway
from voirdire.reports.words import reason_words

__all__ = ["SMALL", "metric_rows", "slice_tables", "unseen_rows"]

Row = dict[str, Any]

#: a part of the cases with fewer is marked as small
SMALL = 20
#: an adjusted p below this marks a part that differs from the rest
LEVEL = 0.05


def slice_tables(audit: Audit) -> list[Row]:
    """A table a dimension: a row a part of the cases, a column a measure. Empty where there are no parts."""
    measures = list(dict.fromkeys(s.measure for s in audit.slices))
    tables: list[Row] = []
    for dimension in dict.fromkeys(s.dimension for s in audit.slices):
        here = [s for s in audit.slices if s.dimension == dimension]
        rows = []
        for value in dict.fromkeys(s.value for s in here):
            cells = {s.measure: s for s in here if s.value == value}
            n = max(s.n for s in cells.values())
            rows.append({"value": value, "n": n, "small": n < SMALL, "cells": [_cell(cells.get(m)) for m in measures]})
        tables.append({"dimension": dimension, "measures": measures, "rows": rows})
    return tables


def _cell(found: SliceValue | None) -> Row | None:
    if found is None:
        return None
    shares = found.measure == "accuracy"
    return {
        "value": percent(found.mean) if shares else effect(found.mean),
        "interval": percent_interval(found.low, found.high) if shares else interval(found.low, found.high),
        "order": round(found.mean, 4),
        "differs": found.p_adjusted is not None and found.p_adjusted < LEVEL,
    }


def metric_rows(audit: Audit) -> list[Row]:
    """The papers' metrics: of the judge as a whole, then probe by probe; each with its chance value and its paper."""
    from voirdire.harness.statistics.metric_catalogue import as_rows

    about = {row["name"]: row for row in as_rows()}
    found = [*_of_the_judge(audit), *_of_the_probes(audit)]
    return [
        {
            **row,
            "shown": _shown(row["value"], row["metric"]),
            "chance_shown": _shown(row["chance"], row["metric"]),
            "summary": about.get(row["metric"], {}).get("summary", ""),
            "source": row["source"] or about.get(row["metric"], {}).get("source", ""),
        }
        for row in found
    ]


def _of_the_judge(audit: Audit) -> Iterator[Row]:
    for metric, data in audit.metrics.items():
        if isinstance(data, dict) and known(data.get("value")):
            yield {
                "probe": "",
                "metric": metric,
                "value": data["value"],
                "chance": data.get("chance"),
                "source": str(data.get("source") or ""),
            }


def _of_the_probes(audit: Audit) -> Iterator[Row]:
    for finding in audit.findings.values():
        for metric, value in finding.metrics.items():
            if known(value):
                chance = finding.chance.get(metric)
                yield {"probe": finding.probe, "metric": metric, "value": value, "chance": chance, "source": ""}


def _shown(value: float | None, metric: str) -> str:
    if not known(value):
        return ""
    return share(value) if abs(value) < 10 and "score" not in metric else plain(value, 2)


def unseen_rows(audit: Audit) -> list[Row]:
    """Per probe: the smallest effect that would have been found, and the calls and cases that are missing.

    The probes that could have missed most come first; those that lack nothing and found their effect are left out.
    """
    rows = [row for f in audit.findings.values() if (row := _unseen(f)) is not None]
    return sorted(rows, key=lambda row: (-(row["order"]), row["probe"]))


def _unseen(finding: Finding) -> Row | None:
    nulls, missing = sum(finding.nulls.values()), sum(finding.not_asked.values())
    least = finding.smallest_detectable if ranks_as_sway(finding) and finding.decision != "violated" else None
    lacking = (nulls, finding.errors, missing, finding.not_applicable)
    if not known(least) and not any(lacking):
        return None
    return {
        "probe": finding.probe,
        "order": least if known(least) else -1.0,
        "least": "any size" if known(least) and least >= 1 else share(least) if known(least) else "",
        "beyond": known(least) and known(finding.tolerance) and least > 2 * finding.tolerance,
        "nulls": nulls,
        "errors": finding.errors,
        "missing": missing,
        "not_applicable": finding.not_applicable,
        "why": _why_not(finding),
    }


def _why_not(finding: Finding) -> str:
    if finding.not_applicable_reasons:
        ranked = sorted(finding.not_applicable_reasons.items(), key=lambda item: (-item[1], item[0]))
        return "; ".join(f"{reason} ({number:,})" for reason, number in ranked[:3])
    return reason_words(finding) if finding.decision == "not_applicable" else ""
