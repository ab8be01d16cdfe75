"""`replay.json` (schema `voirdire.observed/1`) and `replay.md`: the files of `voirdire replay`.

The document is the dataclasses of harness/observations.py as they are, so their fields are the schema: fields may be
added, none is renamed or removed under `/1`. Unknown numbers are null; NaN never appears.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from typing import Any

from voirdire.harness.errors import UsageError, nearest
from voirdire.harness.observations import Observations
from voirdire.reports.published import as_committed, committed
from voirdire.reports.write import replace_file

__all__ = ["SCHEMA", "committed_schema", "document_text", "formats_of", "schema_text", "write"]

SCHEMA = "voirdire.observed/1"
_FORMATS = {"md": "replay.md", "json": "replay.json"}


def formats_of(text: str) -> tuple[str, ...]:
    """The formats that --format names. Raises UsageError."""
    wanted = tuple(dict.fromkeys(f.strip() for f in text.split(",") if f.strip()))
    for name in wanted:
        if name not in _FORMATS:
            raise UsageError(f"--format {name!r} is no format", hint=nearest(name, _FORMATS))
    return wanted


def document_text(found: Observations, *, ascii: bool = False) -> str:
    """The bytes of `replay.json`; `ascii`: for a stream that knows no more."""
    from voirdire.reports.schema import plain_data

    data = {"schema": SCHEMA, "voirdire": metadata.version("voirdire"), **plain_data(dataclasses.asdict(found))}
    return json.dumps(data, indent=2, ensure_ascii=ascii, allow_nan=False) + "\n"


def write(found: Observations, folder: Path, formats: Iterable[str]) -> list[Path]:
    """Writes the files and returns their paths. Raises UsageError where the folder cannot be written."""
    from voirdire.reports.observed_markdown import observed_markdown

    make = {"md": observed_markdown, "json": document_text}
    texts = [(folder / _FORMATS[name], make[name](found)) for name in formats]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return [replace_file(path, [text]) for path, text in texts]
    except OSError as error:
        hint = "Choose another folder with --out."
        raise UsageError(f"cannot write to {folder}: {error.strerror or error}", hint=hint) from error


def schema_text() -> str:
    """The JSON Schema (draft 2020-12) of `replay.json`, as it is committed in `schema/observed-1.schema.json`."""
    from pydantic import TypeAdapter

    schema: dict[str, Any] = TypeAdapter(Observations).json_schema(mode="serialization")
    schema["properties"] = {
        "schema": {"const": SCHEMA, "type": "string"},
        "voirdire": {"type": "string"},
        **schema["properties"],
    }
    schema["required"] = ["schema", "voirdire", *(f.name for f in dataclasses.fields(Observations))]
    return as_committed(schema, SCHEMA)


def committed_schema() -> dict[str, Any]:
    """The published JSON Schema, from the package."""
    return committed("observed-1.schema.json")
