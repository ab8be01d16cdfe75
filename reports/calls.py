"""Call records (`calls.jsonl`) as flat rows: for a spreadsheet and for Parquet, read line by line.

A run may hold millions of calls, so nothing here keeps more than a batch of them. Not here: what a record holds
(`AuditResult.call_records`).
"""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
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
_USAGE = frozenset(("input_tokens", "output_tokens", "cost_usd", "calls"))
_LISTS = frozenset(("order", "ranking", "probabilities"))


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


def row(record: Mapping[str, Any]) -> list[Any]:
    """One record as a value (or None) for every column; lists and mappings as JSON texts."""
    usage = record.get("usage")
    if not isinstance(usage, Mapping):
        usage = {}
    return [convert((usage if nested else record).get(name)) for name, convert, nested in _CONVERTERS]


def _text(value: Any) -> str | None:
    if type(value) is str:
        # a lone surrogate is no Unicode text
        return value if value.isascii() else value.encode("utf-8", "backslashreplace").decode()
    return None if value is None else json.dumps(value, ensure_ascii=False)


def _json(value: Any) -> str | None:
    return None if value is None else json.dumps(value)


def _whole(value: Any) -> int | None:
    return value if type(value) is int and abs(value) < 2**63 else None


def _number(value: Any) -> float | None:
    return float(value) if type(value) in (int, float) else None


def _truth(value: Any) -> bool | None:
    return value if type(value) is bool else None


_BY_KIND: dict[str, Callable[[Any], Any]] = {"string": _text, "int64": _whole, "float64": _number, "bool": _truth}
#: (name, what makes its value fit, whether it lies in `usage`) of each column
_CONVERTERS: list[tuple[str, Callable[[Any], Any], bool]] = [
    (name, bool if name == "example" else _json if name in _LISTS else _BY_KIND[kind], name in _USAGE)
    for name, kind in COLUMNS.items()
]


def export_csv(found: Iterable[Mapping[str, Any]], path: Path) -> None:
    """One row a call; text that a spreadsheet would run as a formula gets an apostrophe in front."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for record in found:
            writer.writerow([cell(v) if type(v) is str else "" if v is None else v for v in row(record)])
