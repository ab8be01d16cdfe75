"""What `attack.json` and `flips.json` must be, whatever came out: valid under the schemas published with them."""

from __future__ import annotations

import json
from typing import Any

import jsonschema

from voirdire.harness.attacks import Attacked, Flips
from voirdire.reports.attack_files import attack_json
from voirdire.reports.attack_schema import committed_schema
from voirdire.reports.flips_text import flips_json


def valid(result: Attacked | Flips) -> dict[str, Any]:
    """The document of `result`. Raises where it does not fit its schema."""
    return valid_text(flips_json(result) if isinstance(result, Flips) else attack_json(result))


def valid_text(text: str) -> dict[str, Any]:
    """The document `text`. Raises where it is no strict JSON or does not fit its schema."""

    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is no JSON")

    document: dict[str, Any] = json.loads(text, parse_constant=refuse)
    jsonschema.validate(document, committed_schema(document["schema"]), cls=jsonschema.Draft202012Validator)
    return document
