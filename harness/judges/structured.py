"""Structured output: the verdict as JSON by a schema that the endpoint enforces (`--param structured=true`).

OpenAI-compatible endpoints take it as `response_format`, Gemini as `responseSchema`. The prompt stays as it is; the
reason comes first in the schema, so that a model that is to reason before its verdict can. Not here: reading the JSON
(parsing.py, `--parse json`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from voirdire.harness.cases import Task
from voirdire.harness.errors import UsageError
from voirdire.harness.verdicts import Scale

__all__ = ["PARAM", "schema_of", "with_schema"]

PARAM = "structured"


def schema_of(task: Task, scale: Scale) -> dict[str, Any]:
    """The JSON Schema of a verdict of `task`."""
    verdicts: Mapping[Task, tuple[str, dict[str, Any]]] = {
        "pairwise": ("verdict", {"type": "string", "enum": ["A", "B", "tie"]}),
        "score": ("score", {"type": "number", "description": f"from {scale.low:g} to {scale.high:g}"}),
        "grade": ("correct", {"type": "boolean"}),
        "ranking": ("ranking", {"type": "array", "items": {"type": "integer"}, "description": "best first, from 1"}),
    }
    name, verdict = verdicts[task]
    return {
        "type": "object",
        "properties": {"reason": {"type": "string"}, name: verdict},
        "required": ["reason", name],
        "additionalProperties": False,
    }


def with_schema(provider: str, params: Mapping[str, Any], task: Task, scale: Scale) -> dict[str, Any]:
    """`params` of a chat model with the schema in the provider's own form, and without `structured`.

    Raises UsageError for a provider that enforces none here, and where the request has another format already.
    """
    rest = {key: value for key, value in params.items() if key != PARAM}
    schema = schema_of(task, scale)
    if provider == "openai":
        if "response_format" in rest:
            raise UsageError("--param structured and --param response_format exclude each other")
        wanted = {"name": "verdict", "strict": True, "schema": schema}
        return rest | {"response_format": {"type": "json_schema", "json_schema": wanted}}
    if provider == "gemini":
        body = dict(rest.get("extra_body") or {})
        given = dict(body.get("generationConfig") or {})
        # Gemini knows no additionalProperties, and keeps the order only where it is told
        plain = {k: v for k, v in schema.items() if k != "additionalProperties"}
        plain["propertyOrdering"] = list(schema["properties"])
        given |= {"responseMimeType": "application/json", "responseSchema": plain}
        return rest | {"extra_body": body | {"generationConfig": given}}
    raise UsageError(
        f"{provider}: judges have no structured output here",
        hint="Ask for JSON in the prompt and give --parse json; it is read the same way.",
    )
