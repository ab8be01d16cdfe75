"""Damage to tables and to bytes: every loader and the reader of plain cases, as CSV, Parquet, JSON and gzip.

A damaged file is read, or refused with an error that names file and record; nothing else ever comes out.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from public_samples import LINES, SAMPLES, Sample

from voirdire.harness.casefiles import read_cases
from voirdire.harness.errors import CaseFileError
from voirdire.suites.loaders import load

#: samples that are a plain list of records, which a table can hold
FLAT = {name: s for name, s in SAMPLES.items() if not s.inside and isinstance(s.content, list)}
CASES = [
    {"id": "a", "instruction": "Why?", "responses": ['So, "yes".', "No.\nNever."], "label": 0, "meta": {"k": [1]}},
    {"id": "b", "instruction": [{"role": "user", "content": "你好"}], "responses": ["x", ""], "reference": "r"},
    {"id": "c", "instruction": "", "responses": ["\u2028", "z"], "label": "tie", "extra": 3},
]
CELLS = st.one_of(
    st.sampled_from(
        ["", " ", "[", "{", "[]", "{}", "[null]", '["a"]', '{"a": 1}', "nan", "NaN", "1e999", "-1", "true"]
    ),
    st.sampled_from(["\x00", '"', ",", "\n", "\r", "9" * 400, "[" * 3000, "٣", "1_0", "A>B", "tie"]),
    st.text(max_size=8),
)
PLACED = re.compile(r", line \d+:|record \d+\b|, line \d+, ")


def as_cell(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, default=str)


def csv_text(rows: list[list[str]]) -> str:
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()


def table_of(records: list[dict[str, Any]]) -> list[list[str]]:
    """Header and rows."""
    names = list(dict.fromkeys(k for r in records for k in r))
    return [names, *([as_cell(r.get(n)) for n in names] for r in records)]


def spec_of(sample: Sample, folder: Path, name: str, data: bytes) -> str:
    """The sample's spec with `data` as its file, called `name`."""
    spec = sample.write(folder)
    (folder / name).write_bytes(data)
    return spec.replace(str(folder / sample.name), str(folder / name))


def outcome(read: Callable[[], object]) -> CaseFileError | None:
    try:
        read()
    except CaseFileError as error:
        return error
    return None


def write_parquet(path: Path, records: list[dict[str, Any]]) -> None:
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    names = list(dict.fromkeys(k for r in records for k in r))
    columns = {}
    for name in names:
        values = [r.get(name) for r in records]
        try:
            columns[name] = pa.array(values)
        except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError, UnicodeEncodeError):
            # a column is of one type: what differs is stored as text, as people do
            columns[name] = pa.array([as_cell(v).encode("utf-8", "replace").decode() for v in values])
    pq.write_table(pa.table(columns), path)


@pytest.mark.parametrize("name", FLAT)
@settings(max_examples=15)
@given(data=st.data())
def test_a_damaged_csv_is_read_or_a_row_is_named(name: str, data: st.DataObject) -> None:
    sample = FLAT[name]
    rows = table_of(sample.records)
    row = data.draw(st.integers(1, len(rows) - 1))
    column = data.draw(st.integers(0, len(rows[0]) - 1))
    rows[row][column] = data.draw(CELLS)
    with tempfile.TemporaryDirectory() as folder:
        text = csv_text(rows).encode("utf-8", "replace")
        error = outcome(lambda: load(spec_of(sample, Path(folder), "t.csv", text)))
    if error is not None:
        assert "t.csv" in str(error)
        assert PLACED.search(str(error)) or error.hint, str(error)


@pytest.mark.parametrize("name", FLAT)
@settings(max_examples=10)
@given(data=st.data())
def test_a_damaged_parquet_is_read_or_a_record_is_named(name: str, data: st.DataObject) -> None:
    sample = FLAT[name]
    records = json.loads(json.dumps(sample.records))
    row = data.draw(st.integers(0, len(records) - 1))
    key = data.draw(st.sampled_from(sorted(records[row])))
    records[row][key] = data.draw(
        st.one_of(CELLS, st.none(), st.booleans(), st.floats(), st.integers(-(2**63), 2**63 - 1), st.binary(max_size=4))
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "t.parquet"
        write_parquet(path, records)
        error = outcome(lambda: load(spec_of(sample, Path(folder), "t.parquet", path.read_bytes())))
    if error is not None:
        assert "t.parquet" in str(error)
        assert PLACED.search(str(error)) or error.hint, str(error)


def mangled(data: st.DataObject, content: bytes) -> bytes:
    """Some bytes changed, removed or put in, or the end cut off."""
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, max(0, len(content) - 1)))
        kind = data.draw(st.sampled_from(["change", "remove", "insert", "cut", "double"]))
        if kind == "cut":
            content = content[:at]
        elif kind == "double":
            content = content[:at] + content[max(0, at - 20) :]
        else:
            put = b"" if kind == "remove" else data.draw(st.binary(min_size=1, max_size=3))
            content = content[:at] + put + content[at + (kind != "insert") :]
    return content


@pytest.mark.parametrize("name", [*SAMPLES, *LINES])
@settings(max_examples=15)
@given(data=st.data())
def test_damaged_bytes_are_read_or_the_file_is_named(name: str, data: st.DataObject) -> None:
    sample = {**SAMPLES, **LINES}[name]
    with tempfile.TemporaryDirectory() as folder:
        sample.write(Path(folder))
        content = mangled(data, (Path(folder) / sample.name).read_bytes())
        packed = data.draw(st.booleans())
        called = sample.name + (".gz" if packed else "")
        error = outcome(
            lambda: load(spec_of(sample, Path(folder), called, gzip.compress(content) if packed else content))
        )
    assert error is None or called in str(error)


@pytest.mark.parametrize("suffix", ["csv", "parquet", "jsonl"])
@settings(max_examples=80)
@given(data=st.data())
def test_damaged_bytes_of_plain_cases(suffix: str, data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"cases.{suffix}"
        if suffix == "csv":
            path.write_text(csv_text(table_of(CASES)), encoding="utf-8")
        elif suffix == "jsonl":
            path.write_text("".join(json.dumps(c) + "\n" for c in CASES))
        else:
            write_parquet(path, CASES)
        path.write_bytes(mangled(data, path.read_bytes()))
        error = outcome(lambda: read_cases(path))
        again = outcome(lambda: load(f"log:{path}"))
    assert error is None or path.name in str(error)
    assert again is None or path.name in str(again)


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
@settings(max_examples=80)
@given(data=st.data())
def test_a_damaged_cell_of_plain_cases_names_its_row(suffix: str, data: st.DataObject) -> None:
    rows = table_of(CASES)
    row, column = data.draw(st.integers(0, len(rows) - 1)), data.draw(st.integers(0, len(rows[0]) - 1))
    rows[row][column] = data.draw(CELLS)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"cases.{suffix}"
        if suffix == "csv":
            path.write_bytes(csv_text(rows).encode("utf-8", "replace"))
        else:
            clean = [[c.encode("utf-8", "replace").decode() for c in r] for r in rows]
            write_parquet(path, [dict(zip(clean[0], r, strict=True)) for r in clean[1:]])
        error = outcome(lambda: read_cases(path))
    if error is not None:
        assert path.name in str(error)
        assert error.line is not None or row == 0, str(error)
