"""The JSON Schemas that the package publishes: made of a pydantic model, and read back as they were committed.

Each document's own module says which model and which file (`schema.py`, `card.py`, `comparison_schema.py`, ...).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import resources
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic import BaseModel

__all__ = ["as_committed", "committed", "schema_of"]


def schema_of(model: type[BaseModel], title: str) -> str:
    """The JSON Schema of what `model` writes, as it is committed; `title` is its name and version."""
    return as_committed(model.model_json_schema(by_alias=True, mode="serialization"), title)


def as_committed(schema: Mapping[str, Any], title: str) -> str:
    """A JSON Schema (draft 2020-12) as text: sorted, so that a change is a small difference."""
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title}
    return json.dumps({**schema, **head}, indent=2, sort_keys=True) + "\n"


def committed(file: str) -> dict[str, Any]:
    """The published JSON Schema in `schema/FILE`, from the package."""
    text = resources.files("voirdire.reports").joinpath(f"schema/{file}").read_text("utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded
