"""Reading a public file and its records: every value is checked where it is taken, and an error names its place.

Here: JSON, JSONL, CSV (all also gzipped), Parquet and plain lines as `Record`s. Not here: what a field means, which is
each format's own file, and what is made of the records (collecting.py).
"""

from __future__ import annotations

import functools
import gzip
import io
import json
import math
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from voirdire.harness.casefiles import csv_rows
from voirdire.harness.errors import CaseFileError

__all__ = ["Record", "Source", "read_source"]

T = TypeVar("T")

#: of a gzip file: bytes that are always unpacked, and the growth up to which more are; text seldom grows tenfold
_LARGEST, _GROWTH = 200_000_000, 100
_PART = 1 << 20


@dataclass(frozen=True, slots=True)
class Record:
    """One JSON object of a file. `number` counts records from 1; `line` is set where a record is a line of its own.

    `trail` leads to an object inside the record ("choices[0]."), so that an error names the whole way to a value.
    """

    data: Mapping[str, Any]
    path: str
    number: int
    line: int | None = None
    trail: str = ""

    @property
    def where(self) -> str:
        return f"line {self.line}" if self.line is not None else f"record {self.number}"

    def fail(self, message: str, *, hint: str | None = None) -> CaseFileError:
        """The error to raise about this record."""
        place = "" if self.line is not None else f"record {self.number}: "
        return CaseFileError(place + message, path=self.path, line=self.line, hint=hint)

    def wrong(self, name: str, must: str, *, hint: str | None = None) -> CaseFileError:
        """The error for a field with a value of the wrong kind."""
        if name not in self.data:
            return self.fail(f'there is no "{self.trail}{name}"', hint=hint or f"It must be {must}.")
        return self.fail(f'"{self.trail}{name}" must be {must}, this is {shown(self.data[name])}', hint=hint)

    def has(self, *names: str) -> bool:
        """Are all these fields there, and not null?"""
        return all(self.data.get(name) is not None for name in names)

    def text(self, name: str) -> str:
        value = self.data.get(name)
        if not isinstance(value, str):
            raise self.wrong(name, "a text")
        return value

    def optional_text(self, name: str) -> str | None:
        return self.text(name) if self.has(name) else None

    def key(self, name: str) -> str:
        """An identifier: a text or a whole number, as text."""
        value = self.data.get(name)
        if isinstance(value, bool) or not isinstance(value, (str, int)) or value == "":
            raise self.wrong(name, "a text or a whole number")
        return str(value)

    def whole(self, name: str) -> int:
        value = self.data.get(name)
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.wrong(name, "a whole number")
        return value

    def number_of(self, name: str, low: float = -math.inf, high: float = math.inf) -> float:
        """A finite number in [low, high]."""
        value = self.data.get(name)
        must = "a number" if math.isinf(low) else f"a number from {low:g} to {high:g}"
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise self.wrong(name, must)
        try:
            number = float(value)
        except OverflowError:
            raise self.wrong(name, must) from None
        if not (math.isfinite(number) and low <= number <= high):
            raise self.wrong(name, must)
        return number

    def one_of(self, name: str, meanings: Mapping[Any, T]) -> T:
        """What the value of a field stands for; `meanings` lists every value there may be."""
        value = self.data.get(name)
        # JSON's true is no 1, though Python's is
        plain = isinstance(value, (str, int, float)) or value is None
        if not plain or isinstance(value, bool) or value not in meanings:
            raise self.wrong(name, "one of " + ", ".join(json.dumps(m) for m in meanings))
        return meanings[value]

    def items(self, name: str, length: int | None = None) -> list[Any]:
        value = self.data.get(name)
        if not isinstance(value, list) or (length is not None and len(value) != length):
            raise self.wrong(name, "a list" if length is None else f"a list of {length}")
        return value

    def texts(self, name: str, length: int | None = None) -> list[str]:
        values = self.items(name, length)
        for i, value in enumerate(values):
            if not isinstance(value, str):
                raise self.fail(f'"{self.trail}{name}[{i}]" must be a text, this is {shown(value)}')
        return values

    def numbers(self, name: str, length: int | None = None) -> list[float]:
        """A list of finite numbers."""
        return [self.entry(name, i).number_of(f"{name}[{i}]") for i in range(len(self.items(name, length)))]

    def entry(self, name: str, index: int) -> Record:
        """The value `name[index]` of a list as the one field of a record, called so."""
        values = {f"{name}[{index}]": self.items(name)[index]}
        return Record(values, self.path, self.number, self.line, self.trail)

    def child(self, name: str) -> Record:
        value = self.data.get(name)
        if not isinstance(value, dict):
            raise self.wrong(name, "an object")
        return Record(value, self.path, self.number, self.line, f"{self.trail}{name}.")

    def children(self, name: str, length: int | None = None) -> list[Record]:
        found = []
        for i, value in enumerate(self.items(name, length)):
            if not isinstance(value, dict):
                raise self.fail(f'"{self.trail}{name}[{i}]" must be an object, this is {shown(value)}')
            found.append(Record(value, self.path, self.number, self.line, f"{self.trail}{name}[{i}]."))
        return found


@dataclass(frozen=True)
class Source:
    """A file as read: `lines` for formats that are no JSON, `document` or `records` for those that are."""

    path: str
    content: str
    table: tuple[Mapping[str, Any], ...] | None = None
    #: where the rows of a CSV table end in the file
    rows_at: tuple[int, ...] | None = None

    @property
    def stem(self) -> str:
        """The file's name without its suffixes .gz and .json, .jsonl, ..."""
        name = Path(self.path).name.removesuffix(".gz")
        return Path(name).stem

    @functools.cached_property
    def lines(self) -> tuple[tuple[int, str], ...]:
        """Numbered lines that are not blank. Split at "\\n" only: JSON texts may hold U+2028."""
        return tuple((n, line) for n, line in enumerate(self.content.split("\n"), 1) if line.strip())

    @functools.cached_property
    def is_lines_of_json(self) -> bool:
        if Path(self.path.removesuffix(".gz")).suffix.lower() in (".jsonl", ".ndjson"):
            return True
        if len(self.lines) < 2:
            return False
        try:
            return isinstance(_parsed(self.lines[0][1]), dict)
        except ValueError:
            return False

    @functools.cached_property
    def document(self) -> Any:
        """The one JSON value of the file. Raises CaseFileError."""
        try:
            return _parsed(self.content)
        except ValueError as error:
            line = getattr(error, "lineno", None)
            raise CaseFileError(f"not JSON ({_said(error)})", path=self.path, line=line) from None

    @functools.cached_property
    def records(self) -> tuple[Record, ...]:
        """The objects of a JSON array or a JSONL file, or the rows of a table. Raises CaseFileError."""
        if self.table is not None:
            lines = self.rows_at or (None,) * len(self.table)
            rows = zip(self.table, lines, strict=True)
            return tuple(Record(row, self.path, n, line) for n, (row, line) in enumerate(rows, 1))
        if self.is_lines_of_json:
            return tuple(self._line(i, n, line) for i, (n, line) in enumerate(self.lines, 1))
        document = self.document
        if not isinstance(document, list):
            hint = "This format is a JSON array of objects, or JSONL."
            raise CaseFileError(f"the file holds {shown(document)}", path=self.path, hint=hint)
        return self.objects(document)

    def objects(self, values: Iterable[Any], trail: str = "") -> tuple[Record, ...]:
        """A list found inside the document as records; `trail` is the way there."""
        found = []
        for number, value in enumerate(values, 1):
            if not isinstance(value, dict):
                raise CaseFileError(f"record {number}{trail} must be an object, this is {shown(value)}", path=self.path)
            found.append(Record(value, self.path, number))
        return tuple(found)

    def beside(self, *names: str) -> Path | None:
        """The first of these files in the file's own folder or the one above: how data sets split over files lie."""
        folder = Path(self.path).parent
        return next((p for name in names for p in (folder / name, folder.parent / name) if p.is_file()), None)

    def _line(self, index: int, number: int, line: str) -> Record:
        try:
            value = _parsed(line)
        except ValueError as error:
            raise CaseFileError(
                f"not JSON ({_said(error)})\n    {cut(line)}",
                path=self.path,
                line=number,
                hint="Each line is one JSON object on its own.",
            ) from None
        if not isinstance(value, dict):
            raise CaseFileError(f"a record is a JSON object, this is {shown(value)}", path=self.path, line=number)
        return Record(value, self.path, index, number)


def _unpacked(data: bytes, name: str) -> bytes:
    """What is in a gzip file, unless it grows as no text does: a file of 1 MB can unpack to 1 GB."""
    most = max(_LARGEST, _GROWTH * len(data))
    parts: list[bytes] = []
    size = 0
    with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
        # by parts: one large read holds everything twice before anybody can see that it is too much
        while part := file.read(_PART):
            parts.append(part)
            size += len(part)
            if size > most:
                raise CaseFileError(
                    f"{len(data):,} bytes unpack to more than {most:,}",
                    path=name,
                    hint="Unpack it yourself if you trust it.",
                )
    return b"".join(parts)


def read_source(path: str | Path) -> Source:
    """Read a file, gzipped or not. Raises CaseFileError for one that is missing, a folder, empty or not UTF-8."""
    name = str(path)
    if Path(path).is_dir():
        raise CaseFileError("this is a folder", path=name, hint="Give the file itself.")
    try:
        data = Path(path).read_bytes()
        if data[:2] == b"\x1f\x8b":
            data = _unpacked(data, name)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise CaseFileError(f"the gzip data is damaged ({error})", path=name) from None
    except OSError as error:
        raise CaseFileError(f"cannot be read ({error.strerror})", path=name) from None
    if Path(path).suffix.lower() in (".parquet", ".pq"):
        return Source(name, "", table=_parquet(path))
    if data[:4] == b"PK\x03\x04":
        raise CaseFileError(
            "this is a zip archive",
            path=name,
            hint="Unpack it; for an Inspect .eval log: inspect log convert --to json --output-dir DIR FILE",
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise CaseFileError(
            f"byte {data[error.start : error.start + 1]!r} is not UTF-8",
            path=name,
            line=line,
            hint="Save the file as UTF-8.",
        ) from None
    if not text.strip():
        raise CaseFileError("the file is empty", path=name)
    if Path(name.removesuffix(".gz")).suffix.lower() == ".csv":
        rows = tuple(csv_rows(text, name))
        return Source(name, text, tuple(row for _, row in rows), tuple(at for at, _ in rows))
    return Source(name, text)


def _parquet(path: str | Path) -> tuple[Mapping[str, Any], ...]:
    try:
        import pyarrow.parquet as pq
    except ImportError:
        hint = "pip install 'voirdire[parquet]', or save the data as JSONL."
        raise CaseFileError("reading Parquet needs pyarrow", path=str(path), hint=hint) from None
    try:
        # pyarrow and not pandas: there one missing number turns all whole numbers of its column into fractions
        rows = pq.read_table(path).to_pylist()
    except Exception as error:
        raise CaseFileError(f"not a Parquet file ({type(error).__name__})", path=str(path)) from None
    return tuple(_plain(row) for row in rows)


def _plain(value: Any) -> Any:
    """A cell as JSON data: a NaN as None, at any depth."""
    if isinstance(value, list):
        return [_plain(v) for v in value]
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    return None if value != value else value


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")


def _parsed(text: str) -> Any:
    """JSON without NaN and infinities; ValueError for anything else, too deep nesting included."""
    try:
        return json.loads(text, parse_constant=_no_constant)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _said(error: ValueError) -> str:
    return f"{error.msg}, column {error.colno}" if isinstance(error, json.JSONDecodeError) else cut(str(error))


def shown(value: Any) -> str:
    """A wrong value for an error message: its kind and its beginning."""
    kinds = {dict: "an object", list: "a list", str: "a text", bool: "a boolean", type(None): "null"}
    kind = kinds.get(type(value), "a number")
    if value is None:
        return kind
    try:
        text = json.dumps(value, ensure_ascii=False, default=str)
    except (ValueError, RecursionError):  # a number of thousands of digits; nesting close to the limit
        return kind
    return f"{kind} ({cut(text, 40)})"


def cut(text: str, n: int = 68) -> str:
    text = " ".join(text[: 4 * n].split())
    return text if len(text) <= n else text[: n - 1] + "…"
