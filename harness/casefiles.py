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
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from voirdire.harness.cases import Case, Label, Task, Turn, canonical
from voirdire.harness.errors import CaseFileError, UsageError, nearest
from voirdire.harness.finite import is_finite
from voirdire.harness.verdicts import Scale

__all__ = [
    "BUILTIN",
    "IN_MEMORY",
    "cases_hash",
    "check_needs",
    "check_task",
    "csv_rows",
    "off_scale_notes",
    "parse_case",
    "read_cases",
    "unasked_notes",
]

#: where a run says its cases came from, if not from a file: voirdire itself, or the program that called it
BUILTIN, IN_MEMORY = "built-in", "in memory"
_TEXT_FIELDS = ("reference", "rubric", "context", "group")
_KNOWN = {"id", "instruction", "responses", "label", "meta", *_TEXT_FIELDS}
#: columns of CSV and Parquet that hold JSON where they start with one of these
_JSON_START = ("[", "{")
#: columns of CSV and Parquet in which the responses may stand instead of a list
_RESPONSE_COLUMNS = (("response_a", "response_b"), ("response",))
#: columns of CSV that are texts, whatever they start with
_TEXT_COLUMNS = {"id", *_TEXT_FIELDS, *(name for names in _RESPONSE_COLUMNS for name in names)}
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
            raise UsageError(f"{name} has no case {missing[0]!r}", hint=nearest(missing[0], first_line))
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
    hint = "Give one JSON object a line."
    if Path(path).suffix.lower() in _TABLES:
        hint = "Give one case a line, below the line that names the columns: id, instruction, responses, label."
    return CaseFileError("the file holds no cases", path=path, hint=hint)


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
            rows = csv_rows(_decode(path.read_bytes(), name, 1), name, check=_check_columns)
            yield from ((line, _with_responses(row, name, line)) for line, row in rows)
        elif suffix in _TABLES:
            yield from ((line, _with_responses(row, name, line)) for line, row in _parquet(path))
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


def csv_rows(
    text: str, name: str, *, check: Callable[[Sequence[str], str], None] | None = None
) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """The rows of a table with the lines they end on; empty cells are left out, JSON in cells is read. `check` sees the
    names of the columns, and `name`. Raises CaseFileError."""
    csv.field_size_limit(sys.maxsize)
    # lines end at "\n" and "\r" only: splitlines() would also end a record at an unquoted U+2028
    reader = csv.DictReader(io.StringIO(text, newline=""))
    try:
        if check is not None and reader.fieldnames:
            check(reader.fieldnames, name)
        for row in reader:
            if None in row:
                raise CaseFileError(
                    f"more cells than the {len(reader.fieldnames or ())} columns of the first line",
                    path=name,
                    line=reader.line_num,
                    hint='Put a cell that holds a comma in double quotes, and double the quotes inside ("").',
                )
            yield (
                reader.line_num,
                {k: v if k in _TEXT_COLUMNS else _cell(v) for k, v in row.items() if v not in (None, "")},
            )
    except csv.Error as error:
        raise CaseFileError(f"not CSV ({error})", path=name, line=reader.line_num) from None


def _check_columns(columns: Sequence[str], name: str) -> None:
    """Raises CaseFileError where no column holds the responses, as in a file without a line of names."""
    if "responses" in columns or any(set(names) <= set(columns) for names in _RESPONSE_COLUMNS):
        return
    shown = ", ".join(repr(_cut(column, 20)) for column in columns[:6]) + (", …" if len(columns) > 6 else "")
    raise CaseFileError(
        f"no column holds the responses; the first line was taken for the names of the columns: {shown}",
        path=name,
        line=1,
        hint='Name the columns id, instruction, label and responses (cells like ["…", "…"]), '
        "or response_a and response_b, or response, in the first line.",
    )


def _with_responses(row: Mapping[str, Any], path: str, line: int) -> Mapping[str, Any]:
    """A row of a table with its responses as a list, where they stand in columns of their own."""
    if "responses" in row:
        return row
    for names in _RESPONSE_COLUMNS:
        there = [name for name in names if name in row]
        if there and len(there) < len(names):
            lacking = next(name for name in names if name not in row)
            hint = 'An empty response needs the column "responses", with cells like ["…", ""].'
            raise CaseFileError(f'there is "{there[0]}", but no "{lacking}"', path=path, line=line, hint=hint)
        if there:
            return {k: v for k, v in row.items() if k not in names} | {"responses": [row[name] for name in names]}
    return row


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
    if not isinstance(record, Mapping):
        raise CaseFileError(f"a case is an object with fields, this is {_kind(record)}", path=path, line=line)

    def fail(message: str, hint: str | None = None) -> CaseFileError:
        shown = _cut(json.dumps(dict(record), ensure_ascii=False, default=str))
        return CaseFileError(f"{message}\n    {shown}", path=path, line=line, hint=hint)

    if "responses" not in record:
        hint = 'A case needs "responses": a list of 1 text (score, grade), 2 (pairwise) or n (ranking).'
        if "response_a" in record or "response" in record:
            hint = 'Write them as one list: "responses": ["…", "…"].'
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
        if text == "tie":
            return "tie"
        try:  # CSV gives every label as text
            value = text == "true" if text in ("true", "false") else float(text) if "." in text else int(text)
        except ValueError:
            raise fail(
                f'"label" {value!r} is no label',
                'A label is the 0-based index of the better response, "tie", a number, a boolean or a ranking.',
            ) from None
    if value is None or (isinstance(value, bool) and n == 1):
        return value
    if isinstance(value, (int, float)):
        if not isinstance(value, bool) and not is_finite(value):
            raise fail(f'"label" {_cut(repr(value))} is not a finite number')
        if n > 1 and (isinstance(value, bool) or value not in range(n)):
            raise fail(f'"label" is {_plain(value)}, but there are {n} responses', _which(n))
        return int(value) if n > 1 else value
    if isinstance(value, list):
        # False == 0 and 1.0 == 1, but neither is an index
        if not all(type(i) is int for i in value) or sorted(value) != list(range(n)):
            raise fail(f'"label" {value!r} is no ranking of {n} responses', "List the 0-based indices, best first.")
        return tuple(value)
    raise fail(f'"label" must be an index, "tie", a number, a boolean or a ranking, this is {_kind(value)}')


def _which(n: int) -> str:
    """How a label says which of `n` responses is the better one."""
    if n == 2:
        return 'Use 0 if the first response is better, 1 if the second is, or "tie".'
    return f"Use the index of the best response, 0 to {n - 1}, or a ranking: all indices, best first."


def check_task(cases: Iterable[Case], task: Task, *, path: str = "cases") -> None:
    """Do these cases and their labels suit a judge of this task? Raises CaseFileError on the first that does not.

    `path` is that of the file, if there is one.
    """
    for number, case in enumerate(cases, start=1):
        wrong = _misfit(case, task)
        if wrong is not None:
            field, message, hint = wrong
            line = _line_of(path, case.id)
            # which number it has in the file is known only where its line is
            which = repr(case.id) if line is not None else f"case {number} ({case.id!r})"
            raise CaseFileError(f'"{field}" of {which} {message}', path=path, line=line, hint=hint)


def _misfit(case: Case, task: Task) -> tuple[str, str, str] | None:
    """The field of a case that a judge of `task` cannot use, what is wrong with it, and the fix."""
    n = len(case.responses)
    if task == "pairwise" and n != 2:
        hint = "Give a second response, or --task score to have each one scored."
        if n > 2:
            hint = "Give two responses a case, or --task ranking."
        return "responses", f"has {_texts(n)}, a pairwise judge needs 2", hint
    if task in ("score", "grade") and n != 1:
        hint = "Give one response a case; a file in which every case has several is judged one by one."
        return "responses", f"has {_texts(n)}, a {task} judge takes 1", hint
    if task == "ranking" and n < 2:
        hint = "Give two responses or more, or --task score to have each one scored."
        return "responses", f"has {_texts(n)}, a ranking judge needs 2 or more", hint
    return None if case.label is None else _wrong_label(case.label, n, task)


def _wrong_label(label: Label, n: int, task: Task) -> tuple[str, str, str] | None:
    if task in ("pairwise", "ranking"):
        ranked = task == "ranking" and isinstance(label, tuple) and sorted(label) == list(range(n))
        index = isinstance(label, int) and not isinstance(label, bool) and 0 <= label < n
        hint = _which(n)
        right = index or ranked or label == "tie"
    elif task == "grade":
        hint = "Write true for an answer that is right, false for one that is wrong."
        right = isinstance(label, bool)
    else:
        hint = "Write the score the answer should get, or true or false."
        right = isinstance(label, (int, float))
    return None if right else ("label", f"is {_plain(label)}, which is no label of a {task} judge", hint)


def _line_of(path: str, identity: str) -> int | None:
    """The line of a case in a file of cases; None where there is none, as of public data and standard input."""
    if not Path(path).is_file():
        return None
    try:
        return next((line for line, record in _records(path) if parse_case(record).id == identity), None)
    except CaseFileError:
        return None


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


def unasked_notes(cases: Sequence[Case]) -> Iterator[str]:
    """What to tell where no case asks anything, but fields that no judge is shown may hold the questions."""
    if not cases or any(case.instruction for case in cases):
        return
    texts = {name for c in cases for name, value in c.meta.items() if isinstance(value, str) and value.strip()}
    shown = [f'"{name}"' for name in sorted(texts) if not name.startswith("voirdire.")]
    if shown:
        more = f" and {len(shown) - 4} more" if len(shown) > 4 else ""
        yield (
            f'No case has an "instruction", so judges see the answers alone. {", ".join(shown[:4])}{more}: kept in '
            "meta, which no judge is shown."
        )


def off_scale_notes(cases: Iterable[Case], scale: Scale) -> Iterator[str]:
    """What to tell where people scored on another scale than the judge's, as they may: their order is what counts."""
    labels = [c.label for c in cases if isinstance(c.label, (int, float)) and not isinstance(c.label, bool)]
    off = sum(label not in scale for label in labels)
    if off:
        yield (
            f"{off:,} of {len(labels):,} labels lie off the judge's scale of {scale.low:g} to {scale.high:g}. Accuracy "
            "goes by their order alone; metrics that compare scores with labels want one --scale LOW:HIGH for both."
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


def _plain(label: Label) -> str:
    """A label as JSON."""
    return json.dumps(label, ensure_ascii=False, default=str)


def _texts(n: int) -> str:
    return "1 text" if n == 1 else f"{n} texts"


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "a boolean", type(None): "null"}
    kind = names.get(type(value), "a number" if isinstance(value, (int, float)) else type(value).__name__)
    return f"{kind} ({_cut(json.dumps(value, ensure_ascii=False, default=str), 40)})"


def _cut(text: str, n: int = 68) -> str:
    text = " ".join(text.split())
    return text if len(text) <= n else text[: n - 1] + "…"
