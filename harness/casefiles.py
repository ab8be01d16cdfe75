"""Reading cases: JSONL, CSV and Parquet with the same columns, or JSONL on standard input.

Every wrong record ends in a CaseFileError that names file, line, field, value and the fix. Public data sets in
shapes of their own are read by loaders in the `suites` folder.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from voirdire.harness.cases import Case, Label, Task, Turn, canonical
from voirdire.harness.errors import CaseFileError, UsageError
from voirdire.harness.finite import is_finite

__all__ = ["BUILTIN", "IN_MEMORY", "cases_hash", "check_needs", "check_task", "csv_rows", "parse_case", "read_cases"]

#: where a run says its cases came from, if not from a file: voirdire itself, or the program that called it
BUILTIN, IN_MEMORY = "built-in", "in memory"
_TEXT_FIELDS = ("reference", "rubric", "context", "group")
_KNOWN = {"id", "instruction", "responses", "label", "meta", *_TEXT_FIELDS}
#: columns of CSV and Parquet that hold JSON where they start with one of these
_JSON_START = ("[", "{")
_TABLES = (".csv", ".parquet", ".pq")
#: JSONL files of more bytes stay on the disk
LARGE_FILE = 16_000_000


def read_cases(source: str | Path, *, limit: int | None = None, ids: Iterable[str] | None = None) -> Sequence[Case]:
    """All cases of a file ("-": standard input), in file order; `limit` keeps the first n, `ids` only those named.

    A JSONL file of more than `LARGE_FILE` bytes stays on the disk: its cases are read when they are looked at, and the
    file must not change meanwhile. Raises CaseFileError (a UsageError, exit 2) for a missing or empty file, bad JSON or
    UTF-8, wrong types and duplicate ids.
    """
    name = str(source)
    if ids is None and _is_large(name):
        from voirdire.harness.case_table import CaseTable

        table = CaseTable.read(name)
        return table[:limit] if limit is not None else table
    cases: list[Case] = []
    first_line: dict[str, int] = {}
    for line, record in _records(name):
        case = parse_case(record, path=name, line=line)
        if case.id in first_line:
            raise duplicate_id(case.id, name, first_line[case.id], line)
        first_line[case.id] = line
        cases.append(case)
    if not cases:
        raise no_cases(name)
    if ids is not None:
        wanted = list(ids)
        missing = [i for i in wanted if i not in first_line]
        if missing:
            raise UsageError(f"{name} has no case {missing[0]!r}")
        cases = [c for c in cases if c.id in set(wanted)]
    return cases[:limit] if limit is not None else cases


def duplicate_id(identity: str, path: str, first: int, line: int) -> CaseFileError:
    return CaseFileError(
        f'"id" {identity!r} was used on line {first} already',
        path=path,
        line=line,
        hint="Ids must be unique. Was it left out, and so made from the content? Then the two cases are the same: keep "
        'one, or give each an "id".',
    )


def no_cases(path: str) -> CaseFileError:
    return CaseFileError("the file holds no cases", path=path, hint="Give one JSON object a line.")


def _is_large(name: str) -> bool:
    path = Path(name)
    if name == "-" or path.suffix.lower() in _TABLES:
        return False
    return path.is_file() and path.stat().st_size > LARGE_FILE


def _records(name: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    if name == "-":
        for number, record, _ in jsonl_records(sys.stdin.buffer, "standard input"):
            yield number, record
        return
    path = Path(name)
    if path.is_dir():
        raise CaseFileError("this is a folder", path=name, hint="Give a .jsonl, .csv or .parquet file.")
    suffix = path.suffix.lower()
    try:
        if suffix == ".csv":
            yield from csv_rows(_decode(path.read_bytes(), name, 1), name)
        elif suffix in _TABLES:
            yield from _parquet(path)
        else:
            with path.open("rb") as file:
                for number, record, _ in jsonl_records(file, name):
                    yield number, record
    except OSError as error:
        raise CaseFileError(
            f"cannot be read ({error.strerror})", path=name, hint="Give a .jsonl, .csv or .parquet file."
        ) from None


def _decode(data: bytes, name: str, first: int) -> str:
    """`data`, which starts on line `first` of the file."""
    try:
        # only a file may begin with a byte order mark
        return data.decode("utf-8-sig" if first == 1 else "utf-8")
    except UnicodeDecodeError as error:
        raise CaseFileError(
            f"byte {data[error.start : error.start + 1]!r} is not UTF-8",
            path=name,
            line=first + data[: error.start].count(b"\n"),
            hint="Save the file as UTF-8.",
        ) from None


def jsonl_records(lines: Iterable[bytes], name: str) -> Iterator[tuple[int, Mapping[str, Any], int]]:
    """(number of the line, its record, where the line starts in bytes); empty lines are left out. Raises CaseFileError.

    `lines` end at b"\\n" only, as those of a binary file do: others may stand inside of JSON strings.
    """
    start = 0
    for number, data in enumerate(lines, start=1):
        record = jsonl_record(data, name, number)
        if record is not None:
            yield number, record, start
        start += len(data)


def jsonl_record(data: bytes, name: str, number: int) -> Mapping[str, Any] | None:
    """The record on line `number`, None for an empty line. Raises CaseFileError."""
    line = _decode(data, name, number)
    if not line.strip():
        return None
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        what = getattr(error, "msg", "nested too deeply" if isinstance(error, RecursionError) else "too long a number")
        column = getattr(error, "colno", 1)
        raise CaseFileError(
            f"not JSON ({what}, column {column})\n    {_cut(line)}",
            path=name,
            line=number,
            hint="Each line is one JSON object on its own; a JSON array over several lines is not JSONL.",
        ) from None
    if not isinstance(record, dict):
        raise CaseFileError(
            f"a case is a JSON object, this is {_kind(record)}\n    {_cut(line)}", path=name, line=number
        )
    return record


def csv_rows(text: str, name: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """The rows of a table with the lines they end on; empty cells are left out, JSON in cells is read. Raises
    CaseFileError."""
    csv.field_size_limit(sys.maxsize)
    # lines end at "\n" and "\r" only: splitlines() would also end a record at an unquoted U+2028
    reader = csv.DictReader(io.StringIO(text, newline=""))
    try:
        for row in reader:
            if None in row:
                raise CaseFileError(
                    f"more cells than the {len(reader.fieldnames or ())} columns of the first line",
                    path=name,
                    line=reader.line_num,
                    hint='Put a cell that holds a comma in double quotes, and double the quotes inside ("").',
                )
            yield reader.line_num, {k: _cell(v) for k, v in row.items() if v not in (None, "")}
    except csv.Error as error:
        raise CaseFileError(f"not CSV ({error})", path=name, line=reader.line_num) from None


def _cell(value: Any) -> Any:
    """A cell of a table: JSON where it looks like a list or an object, else as it is."""
    if isinstance(value, str) and value.lstrip().startswith(_JSON_START):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


def _parquet(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """The rows of a table, numbered from 1; a null or a NaN is a field left out."""
    try:
        import pyarrow.parquet as pq
    except ImportError:
        raise CaseFileError(
            "reading Parquet needs pyarrow",
            path=str(path),
            hint="pip install 'voirdire[parquet]', or save the cases as JSONL.",
        ) from None
    try:
        # pyarrow and not pandas: there a missing label turns all whole numbers of its column into fractions
        rows = pq.read_table(path).to_pylist()
    except Exception as error:
        raise CaseFileError(f"not a Parquet file ({type(error).__name__})", path=str(path)) from None
    for number, row in enumerate(rows, start=1):
        yield number, {k: _cell(v) for k, v in row.items() if v is not None and v == v}


def parse_case(record: Mapping[str, Any], *, path: str = "case", line: int | None = None) -> Case:
    """One record as a Case; unknown fields go to `meta`. Raises CaseFileError."""

    def fail(message: str, hint: str | None = None) -> CaseFileError:
        shown = _cut(json.dumps(dict(record), ensure_ascii=False, default=str))
        return CaseFileError(f"{message}\n    {shown}", path=path, line=line, hint=hint)

    if "responses" not in record:
        hint = 'A case needs "responses": a list of 1 text (score, grade), 2 (pairwise) or n (ranking).'
        raise fail('there is no "responses"', hint)
    responses = record["responses"]
    if not isinstance(responses, list) or not responses:
        raise fail(f'"responses" must be a list of texts, this is {_kind(responses)}')
    for i, response in enumerate(responses):
        if not isinstance(response, str):
            raise fail(f'"responses"[{i}] must be a text, this is {_kind(response)}')
    texts: dict[str, str | None] = {}
    for name in _TEXT_FIELDS:
        value = record.get(name)
        if value is not None and not isinstance(value, str):
            raise fail(f'"{name}" must be a text, this is {_kind(value)}')
        texts[name] = value
    meta = record.get("meta") or {}
    if not isinstance(meta, dict):
        raise fail(f'"meta" must be an object, this is {_kind(meta)}')
    meta = {**meta, **{k: v for k, v in record.items() if k not in _KNOWN}}
    identity = record.get("id", "")
    if isinstance(identity, int) and not isinstance(identity, bool):
        identity = str(identity)
    if not isinstance(identity, str):
        raise fail(f'"id" must be a text, this is {_kind(identity)}')
    return Case(
        instruction=_instruction(record.get("instruction", ""), fail),
        responses=tuple(responses),
        id=identity,
        label=_label(record.get("label"), len(responses), fail),
        meta=meta,
        **texts,
    )


def _instruction(value: Any, fail: Any) -> str | tuple[Turn, ...]:
    if isinstance(value, str):
        return value
    if not isinstance(value, list):
        raise fail(f'"instruction" must be a text or a list of turns, this is {_kind(value)}')
    turns = []
    for i, turn in enumerate(value):
        if not (isinstance(turn, dict) and isinstance(turn.get("role"), str) and isinstance(turn.get("content"), str)):
            raise fail(f'"instruction"[{i}] must be {{"role": "...", "content": "..."}}, this is {_kind(turn)}')
        turns.append(Turn(turn["role"], turn["content"]))
    return tuple(turns)


def _label(value: Any, n: int, fail: Any) -> Label:
    if isinstance(value, str):
        text = value.strip().lower()
        if text in ("tie", "true", "false"):
            return "tie" if text == "tie" else text == "true"
        try:  # CSV gives every label as text
            value = float(text) if "." in text else int(text)
        except ValueError:
            raise fail(
                f'"label" {value!r} is no label',
                'A label is the 0-based index of the better response, "tie", a number, a boolean or a ranking.',
            ) from None
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, (int, float)):
        if not is_finite(value):
            raise fail(f'"label" {_cut(repr(value))} is not a finite number')
        if n == 2 and value not in (0, 1):
            raise fail(
                f'"label" is {value!r}, but there are 2 responses',
                'Use 0 if the first response is better, 1 if the second is, or "tie".',
            )
        return int(value) if n > 1 and value == int(value) else value
    if isinstance(value, list):
        # False == 0 and 1.0 == 1, but neither is an index
        if not all(type(i) is int for i in value) or sorted(value) != list(range(n)):
            raise fail(f'"label" {value!r} is no ranking of {n} responses', "List the 0-based indices, best first.")
        return tuple(value)
    raise fail(f'"label" must be an index, "tie", a number, a boolean or a ranking, this is {_kind(value)}')


def check_task(cases: Iterable[Case], task: Task, *, path: str = "cases") -> None:
    """Do these cases suit a judge of this task? Raises CaseFileError on the first that does not."""
    for number, case in enumerate(cases, start=1):
        n = len(case.responses)
        if task == "pairwise" and n != 2:
            hint = "Give a second response, or --task score to have each one scored."
            if n > 2:
                hint = "Give two responses a case, or --task ranking."
            raise CaseFileError(
                f'"responses" of {case.id!r} has {_texts(n)}, a pairwise judge needs 2',
                path=path,
                line=number,
                hint=hint,
            )
        if task in ("score", "grade") and n != 1:
            raise CaseFileError(
                f'"responses" of {case.id!r} has {_texts(n)}, a {task} judge takes 1', path=path, line=number
            )
        if task == "ranking" and n < 2:
            raise CaseFileError(
                f'"responses" of {case.id!r} has {_texts(n)}, a ranking judge needs 2 or more', path=path, line=number
            )


def check_needs(cases: Sequence[Case], needs: Iterable[str], *, judge: str) -> None:
    """Have all cases what the judge insists on? Raises UsageError that counts those that have not."""
    for name in needs:
        lacking = [case.id for case in cases if not getattr(case, name)]
        if lacking:
            raise UsageError(
                f"{judge} needs a {name}; {len(lacking):,} of {len(cases):,} cases have none "
                f"(the first is {lacking[0]!r})",
                hint=f'Give each case a "{name}", or take a judge or a prompt that does without.',
            )


def cases_hash(cases: Iterable[Case]) -> str:
    """Hash of what is judged and of the labels: two runs with the same hash are comparable case by case."""
    # of the canonical JSON of the whole list, made case by case
    found = hashlib.sha256(b"[")
    between = b""
    for c in cases:
        label = c.label if not isinstance(c.label, tuple) else list(c.label)
        found.update(between + canonical([c.id, c.shown(), label]))
        between = b","
    found.update(b"]")
    return found.hexdigest()


def _texts(n: int) -> str:
    return "1 text" if n == 1 else f"{n} texts"


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "a boolean", type(None): "null"}
    kind = names.get(type(value), "a number" if isinstance(value, (int, float)) else type(value).__name__)
    return f"{kind} ({_cut(json.dumps(value, ensure_ascii=False, default=str), 40)})"


def _cut(text: str, n: int = 68) -> str:
    text = " ".join(text.split())
    return text if len(text) <= n else text[: n - 1] + "…"
