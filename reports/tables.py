"""`findings.csv` for spreadsheets: names, numbers and our own sentences; no judged text."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping

from voirdire.harness.findings import Audit
from voirdire.reports.formatting import known
from voirdire.reports.text import visible

__all__ = ["cell", "csv_text", "slices_csv"]

#: a spreadsheet runs a cell that starts with one of these as a formula
_FORMULA = ("=", "+", "-", "@", "\t", "\r")

_TEXT = ("probe", "family", "relation", "decision", "reason", "estimand", "target", "summary", "source")
_NUMBERS = (
    *("effect", "low", "high", "level", "tolerance", "min_drop", "p", "p_adjusted", "dose", "samples", "n"),
    *("errors", "not_applicable", "flip_rate", "retest_flip_rate", "neutral_flip_rate"),
    *("source_effect", "sham_effect", "more_cases_needed", "smallest_detectable"),
    *("baseline_effect", "change", "change_low", "change_high", "margin"),
)


def csv_text(audit: Audit) -> str:
    """One row a finding; unknown numbers are empty; text that a spreadsheet would run gets an apostrophe in front."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    nulls = ("source", "follow_up", "sham")
    writer.writerow([*_TEXT, *_NUMBERS, *(f"nulls_{arm}" for arm in nulls), "metrics", "chance", "counterexamples"])
    for finding in audit.findings.values():
        writer.writerow(
            [
                *(cell(getattr(finding, name)) for name in _TEXT),
                *(_number(getattr(finding, name)) for name in _NUMBERS),
                *(finding.nulls.get(arm, 0) for arm in nulls),
                cell(_named(finding.metrics)),
                cell(_named(finding.chance)),
                cell(" ".join(finding.counterexamples)),
            ]
        )
    return out.getvalue()


def slices_csv(audit: Audit) -> str:
    """One row a measure of a part of the cases."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["dimension", "value", "measure", "mean", "low", "high", "n", "p_adjusted"])
    for s in audit.slices:
        numbers = (_number(x) for x in (s.mean, s.low, s.high, s.n, s.p_adjusted))
        writer.writerow([cell(s.dimension), cell(s.value), cell(s.measure), *numbers])
    return out.getvalue()


def _named(numbers: Mapping[str, float | None]) -> str:
    return json.dumps({k: v if known(v) else None for k, v in sorted(numbers.items())}, allow_nan=False)


def cell(value: object) -> str:
    """A text for a spreadsheet: visible, and with an apostrophe in front where it would be run as a formula."""
    text = "" if value is None else str(value)
    if text.isalnum() and text.isascii():
        return text
    return ("'" if text.startswith(_FORMULA) else "") + visible(text)


def _number(value: float | int | None) -> str:
    return str(value) if known(value) else ""
