"""Call records (`calls.jsonl`) as flat rows: for a spreadsheet and for Parquet, read line by line.

A run may hold millions of calls, so nothing here keeps more than a batch of them. Not here: what a record holds
(`AuditResult.call_records`).
"""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from voirdire.harness.errors import UsageError
from voirdire.reports.tables import cell

__all__ = ["COLUMNS", "BadRecord", "export_csv", "records", "row"]

#: name of each column -> its type in Parquet
COLUMNS: dict[str, str] = {
    "call": "int64",
    "case": "string",
    "order": "string",
    "edited": "bool",
    "sample": "int64",
    "content": "string",
    "example": "bool",
    "choice": "string",
    "score": "float64",
    "grade": "bool",
    "ranking": "string",
    "null": "string",
    "reason": "string",
    "margin": "float64",
    "probabilities": "string",
    "rationale": "string",
    "raw": "string",
    "served_model": "string",
    "input_tokens": "int64",
    "output_tokens": "int64",
    "cost_usd": "float64",
    "calls": "int64",
}
_USAGE = ("input_tokens", "output_tokens", "cost_usd", "calls")
_LISTS = ("order", "ranking", "probabilities")


class BadRecord(UsageError):
    """A line of call records that holds none; names file and line."""


def records(path: str | os.PathLike[str]) -> Iterator[Mapping[str, Any]]:
    """The records of `calls.jsonl` one by one. Raises BadRecord for a line that is no record."""
    with Path(path).open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                yield _record(line)
            except (ValueError, RecursionError) as error:  # JSON and UTF-8 errors both are ValueErrors
                raise BadRecord(
                    f"{os.fspath(path)}, line {number}: not a call record ({str(error)[:200]})",
                    hint="The file was changed after the run, or the run was killed as it wrote; leave out the line.",
                ) from None


def _record(line: bytes) -> Mapping[str, Any]:
    data = json.loads(line.decode())
    if not isinstance(data, dict):
        raise ValueError(f"it is a JSON {type(data).__name__}")
    return data


def row(record: Mapping[str, Any]) -> dict[str, Any]:
    """One record with a value (or None) for every column; lists and mappings as JSON texts."""
    usage = record.get("usage")
    flat = {**record, **{k: usage.get(k) for k in _USAGE}} if isinstance(usage, Mapping) else record
    return {name: _value(name, kind, flat.get(name)) for name, kind in COLUMNS.items()}


def _value(name: str, kind: str, value: Any) -> Any:
    if name == "example":
        return bool(value)
    if value is None:
        return None
    if kind == "string":
        if name in _LISTS or not isinstance(value, str):
            return json.dumps(value, ensure_ascii=False)
        # a lone surrogate is no Unicode text
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, bool) != (kind == "bool") or not isinstance(value, bool | int | float):
        return None
    return float(value) if kind == "float64" else value


def export_csv(found: Iterable[Mapping[str, Any]], path: Path) -> None:
    """One row a call; text that a spreadsheet would run as a formula gets an apostrophe in front."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for record in found:
            values = row(record)
            writer.writerow([cell(v) if isinstance(v, str) else "" if v is None else v for v in values.values()])
