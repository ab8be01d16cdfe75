"""A run as Parquet: findings, slices, calls. Needs pyarrow (the extra `parquet`), imported here only."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from voirdire.harness.errors import UsageError
from voirdire.harness.findings import Audit
from voirdire.reports.calls import COLUMNS, row

__all__ = ["export_calls", "require", "tables"]

#: rows that are in memory at a time
BATCH = 50_000


def _pyarrow() -> Any:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise UsageError(
            "writing Parquet needs pyarrow", hint='pip install "voirdire[parquet]", or take --format csv.'
        ) from None
    return pyarrow


def require() -> None:
    """Raises UsageError where pyarrow is missing."""
    _pyarrow()


def tables(audit: Audit) -> dict[str, Callable[[Path], None]]:
    """The files of an audit, each with what fills it; there are slices only where the cases fall into some."""
    from voirdire.reports.schema import to_document

    pa = _pyarrow()
    document = to_document(audit).model_dump(mode="json")

    def fill(rows: list[dict[str, Any]]) -> Callable[[Path], None]:
        flat = [_flat(each) for each in rows]
        # pyarrow takes its columns from the first row alone
        names = list(dict.fromkeys(name for each in flat for name in each))
        columns = {name: [each.get(name) for each in flat] for name in names}
        return lambda path: pa.parquet.write_table(pa.table(columns), path)

    named = {"findings.parquet": document["findings"], "slices.parquet": document["slices"]}
    return {name: fill(rows) for name, rows in named.items() if rows}


def _flat(found: Mapping[str, Any]) -> dict[str, Any]:
    """Mappings as `name.key` columns: their keys differ from probe to probe, and an empty struct is no Parquet."""
    out: dict[str, Any] = {}
    for name, value in found.items():
        if isinstance(value, Mapping):
            out |= {f"{name}.{key}": inner for key, inner in value.items()}
        else:
            out[name] = value
    return out


def export_calls(found: Iterable[Mapping[str, Any]], path: Path) -> None:
    """One row a call; at most `BATCH` of them are in memory."""
    pa = _pyarrow()
    kinds = {"string": pa.string(), "int64": pa.int64(), "float64": pa.float64(), "bool": pa.bool_()}
    schema = pa.schema([pa.field(name, kinds[kind]) for name, kind in COLUMNS.items()])
    rows = map(row, found)
    with pa.parquet.ParquetWriter(path, schema, compression="zstd") as writer:
        while batch := list(itertools.islice(rows, BATCH)):
            writer.write_table(pa.table([list(column) for column in zip(*batch, strict=True)], schema=schema))
