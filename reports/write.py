"""A run's folder: writing the reports of an audit, reading a stored run back.

Same audit, same bytes. Each file is written beside its place and renamed, so a reader never meets half of one. The
renderers are imported only when their format is asked for.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from voirdire.harness.errors import UsageError, nearest
from voirdire.harness.findings import Audit
from voirdire.reports import examples

__all__ = ["CALLS", "FORMATS", "read", "replace_file", "write"]

_CHANGED = "The file was changed after the run."
AUDIT, EXAMPLES, CALLS = "audit.json", "examples.jsonl", "calls.jsonl"


def _json(audit: Audit) -> str:
    from voirdire.reports.schema import to_document

    return to_document(audit).text()


def _markdown(audit: Audit) -> str:
    from voirdire.reports.markdown import render

    return render(audit)


def _html(audit: Audit) -> str:
    from voirdire.reports.html import render

    return render(audit)


def _csv(audit: Audit) -> str:
    from voirdire.reports.tables import csv_text

    return csv_text(audit)


def _slices(audit: Audit) -> str:
    from voirdire.reports.tables import slices_csv

    return slices_csv(audit)


def _junit(audit: Audit) -> str:
    from voirdire.reports.junit import junit

    return junit(audit)


def _card(audit: Audit) -> str:
    from voirdire.reports.card import card_markdown

    return card_markdown(audit)


def _card_json(audit: Audit) -> str:
    from voirdire.reports.card import card_json

    return card_json(audit)


#: format: the text files it makes, each with its renderer; "csv" and "parquet" also write what is not one text
FORMATS: dict[str, dict[str, Callable[[Audit], str]]] = {
    "html": {"index.html": _html},
    "md": {"audit.md": _markdown},
    "json": {AUDIT: _json, EXAMPLES: lambda audit: examples.dump(audit.examples)},
    "csv": {"findings.csv": _csv, "slices.csv": _slices},
    "parquet": {},
    "junit": {"junit.xml": _junit},
    "card": {"judge-card.md": _card, "judge-card.json": _card_json},
}


def write(
    audit: Audit,
    folder: str | os.PathLike[str],
    formats: Iterable[str] = ("html", "md", "json"),
    *,
    call_records: Iterable[Mapping[str, Any]] | None = None,
    calls: Path | None = None,
    stamp: str | None = None,
) -> dict[str, Path]:
    """Write `audit` into `folder` (made where missing) and return the files by name.

    `formats` are of "html", "md", "json", "csv", "parquet", "junit", "card"; only "json" can be read back by `read`.
    With `call_records`, one mapping of plain JSON data a call, also `calls.jsonl`; "csv" and "parquet" export the calls
    as well, where they are given or lie in the file `calls`. The HTML page says `stamp`, the time of writing, where it
    is given. Raises UsageError on an unknown format, a folder that cannot be written, or Parquet without pyarrow.
    """
    wanted = list(dict.fromkeys(formats))
    for name in wanted:
        if name not in FORMATS:
            raise UsageError(f"there is no report format {name!r}", hint=nearest(name, FORMATS))
    if "parquet" in wanted:
        from voirdire.reports import parquet

        parquet.require()
    # everything is rendered before anything is written: an error leaves the folder as it was
    texts = {file: make(audit) for name in wanted for file, make in FORMATS[name].items()}
    if stamp and "index.html" in texts:
        from voirdire.reports.html import render

        texts["index.html"] = render(audit, stamp=stamp)
    root = Path(folder)
    out: dict[str, Path] = {}
    try:
        root.mkdir(parents=True, exist_ok=True)
        for file, text in texts.items():
            out[file] = replace_file(root / file, [text])
        if call_records is not None:
            calls = out[CALLS] = replace_file(root / CALLS, _lines(call_records))
        if "parquet" in wanted:
            out |= {name: _place(root / name, fill) for name, fill in parquet.tables(audit).items()}
        out |= {name: _place(root / name, fill) for name, fill in _exports(wanted, calls).items()}
    except OSError as error:
        raise UsageError(
            f"cannot write the report to {root}: {error.strerror or error}", hint="Choose another folder with --out."
        ) from error
    return out


def _exports(wanted: Iterable[str], calls: Path | None) -> dict[str, Callable[[Path], None]]:
    """The files of calls that the formats ask for, each with what fills it."""
    if calls is None:
        return {}
    from voirdire.reports.calls import export_csv, records

    out: dict[str, Callable[[Path], None]] = {}
    if "csv" in wanted:
        out["calls.csv"] = lambda path: export_csv(records(calls), path)
    if "parquet" in wanted:
        from voirdire.reports.parquet import export_calls

        out["calls.parquet"] = lambda path: export_calls(records(calls), path)
    return out


def _lines(records: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for record in records:
        yield examples.dumps(record) + "\n"


def replace_file(path: Path, parts: Iterable[str]) -> Path:
    """The file `path` with `parts` as its text."""

    def fill(temporary: Path) -> None:
        # backslashreplace: a lone surrogate must not lose a finished run (JSON escapes its own before)
        with temporary.open("w", encoding="utf-8", errors="backslashreplace", newline="\n") as file:
            file.writelines(parts)

    return _place(path, fill)


def _place(path: Path, fill: Callable[[Path], None]) -> Path:
    """Fill a neighbour of `path` and rename it into place."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        fill(temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return path


def read(folder: str | os.PathLike[str]) -> Audit:
    """The audit stored in `folder` by `write(..., formats=["json"])`.

    Raises UsageError naming what is missing or wrong; pointing at the folder's `audit.json` itself works too.
    """
    from pydantic import ValidationError

    from voirdire.reports.schema import SCHEMA, AuditDocument, from_document

    root = Path(folder)
    if root.name == AUDIT and root.is_file():
        root = root.parent
    data = _load(root / AUDIT, root)
    if not isinstance(data, dict) or data.get("schema") != SCHEMA:
        found = data.get("schema") if isinstance(data, dict) else None
        raise UsageError(
            f"{root / AUDIT}: schema is {str(found)[:80]!r}, this version reads {SCHEMA!r}",
            hint="A newer voirdire wrote it; update this one."
            if str(found).startswith("voirdire.audit/")
            else "Point at a folder that `voirdire audit` wrote.",
        )
    try:
        document = AuditDocument.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UsageError(f"{root / AUDIT}: {where}: {first['msg']}", hint=_CHANGED) from None
    path = root / EXAMPLES
    if not path.exists():
        if any(finding.counterexamples for finding in document.findings):
            raise UsageError(
                f"{root} has no {EXAMPLES}, which holds its counter-examples", hint="Copy the whole folder."
            )
        return from_document(document)
    return from_document(document, examples.load(_text(path), path=str(path)))


def _load(path: Path, root: Path) -> Any:
    if not path.is_file():
        what = f"{root} has no {AUDIT}" if root.is_dir() else f"there is no folder {root}"
        raise UsageError(f"{what}, so it is no stored run", hint="Name the folder that `voirdire audit --out` wrote.")
    try:
        return json.loads(_text(path))
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path}: not JSON ({error})", hint=_CHANGED) from None


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: not UTF-8 (byte {error.start})", hint=_CHANGED) from None
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}") from None
