"""The batch interfaces of providers: OpenAI's (files and batches) and Anthropic's (message batches).

Both take many requests at once, answer within a day and cost half. Not here: which calls go into a batch and how one
is followed (batcher.py), the requests themselves (judges/openai_chat.py, judges/anthropic_chat.py).
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from voirdire.harness.elsewhere.batch_http import BatchClient
from voirdire.harness.errors import JudgeError
from voirdire.harness.judges.endpoints import clean
from voirdire.harness.judges.http import HttpAnswer

__all__ = ["AnthropicBatches", "BatchApi", "OpenAIBatches", "Progress"]

#: what an id of theirs may be: it goes into a URL
_ID = re.compile(r"[A-Za-z0-9_.:-]{1,200}")


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a batch is. `failed`: why it never began; None if it did."""

    ended: bool
    done: int
    total: int
    failed: str | None = None


class BatchApi(Protocol):
    """`most_requests` and `most_bytes` bound one batch. Every method raises JudgeError."""

    most_requests: int
    most_bytes: int

    async def submit(self, requests: Mapping[str, Mapping[str, Any]]) -> str:
        """Send requests by an id of ours; returns the batch's id."""

    async def progress(self, batch: str) -> Progress: ...

    def results(self, batch: str) -> AsyncIterator[tuple[str, HttpAnswer | None]]:
        """Of a batch that ended: our id and the answer, None for a request that was not processed (expired)."""

    async def aclose(self) -> None: ...


class OpenAIBatches:
    """`/files` and `/batches`, as OpenAI has them."""

    most_requests = 50_000
    most_bytes = 180_000_000

    def __init__(self, client: BatchClient) -> None:
        self._client = client

    async def submit(self, requests: Mapping[str, Mapping[str, Any]]) -> str:
        lines = [
            json.dumps({"custom_id": name, "method": "POST", "url": "/v1/chat/completions", "body": body})
            for name, body in requests.items()
        ]
        file = await self._client.post(
            "/files",
            data={"purpose": "batch"},
            files={"file": ("voirdire.jsonl", "\n".join(lines).encode("ascii"), "application/jsonl")},
        )
        batch = await self._client.post(
            "/batches",
            json={
                "input_file_id": _id(file.get("id")),
                "endpoint": "/v1/chat/completions",
                "completion_window": "24h",
                "metadata": {"made_by": "voirdire"},
            },
        )
        return _id(batch.get("id"))

    async def progress(self, batch: str) -> Progress:
        data = await self._client.get(f"/batches/{_id(batch)}")
        counts, status = _counts(data.get("request_counts")), data.get("status")
        done = counts.get("completed", 0) + counts.get("failed", 0)
        failed = None
        if status == "failed":
            errors = data.get("errors")
            found = errors.get("data") if isinstance(errors, dict) else None
            first = found[0] if isinstance(found, list) and found and isinstance(found[0], dict) else {}
            failed = clean(str(first.get("message") or first.get("code") or "no reason is given"))
        return Progress(status in ("completed", "expired", "cancelled", "failed"), done, counts.get("total", 0), failed)

    async def results(self, batch: str) -> AsyncIterator[tuple[str, HttpAnswer | None]]:
        data = await self._client.get(f"/batches/{_id(batch)}")
        for key in ("output_file_id", "error_file_id"):
            if data.get(key) is None:
                continue
            async for line in self._client.lines(f"/files/{_id(data[key])}/content"):
                yield _openai_result(line)

    async def aclose(self) -> None:
        await self._client.aclose()


def _openai_result(line: Any) -> tuple[str, HttpAnswer | None]:
    line = line if isinstance(line, dict) else {}
    name, response, error = str(line.get("custom_id")), line.get("response"), line.get("error")
    if isinstance(response, dict) and isinstance(response.get("status_code"), int):
        return name, _answered(response["status_code"], response.get("body"))
    if isinstance(error, dict) and error.get("code") not in ("batch_expired", "batch_cancelled"):
        return name, _answered(400, {"error": error})
    return name, None


class AnthropicBatches:
    """`/messages/batches`."""

    most_requests = 100_000
    most_bytes = 240_000_000
    _STATUS: Mapping[str, int] = {
        "invalid_request_error": 400,
        "authentication_error": 401,
        "billing_error": 402,
        "permission_error": 403,
        "not_found_error": 404,
        "request_too_large": 413,
        "rate_limit_error": 429,
        "overloaded_error": 529,
    }

    def __init__(self, client: BatchClient) -> None:
        self._client = client

    async def submit(self, requests: Mapping[str, Mapping[str, Any]]) -> str:
        body = {"requests": [{"custom_id": name, "params": dict(params)} for name, params in requests.items()]}
        batch = await self._client.post("/messages/batches", json=body)
        return _id(batch.get("id"))

    async def progress(self, batch: str) -> Progress:
        data = await self._client.get(f"/messages/batches/{_id(batch)}")
        counts = _counts(data.get("request_counts"))
        waiting = counts.pop("processing", 0)
        done = sum(counts.values())
        return Progress(data.get("processing_status") == "ended", done, done + waiting)

    async def results(self, batch: str) -> AsyncIterator[tuple[str, HttpAnswer | None]]:
        data = await self._client.get(f"/messages/batches/{_id(batch)}")
        # the address is theirs to say; the client refuses one of another host
        where = data.get("results_url") or f"/messages/batches/{_id(batch)}/results"
        async for line in self._client.lines(str(where)):
            yield self._result(line)

    async def aclose(self) -> None:
        await self._client.aclose()

    def _result(self, line: Any) -> tuple[str, HttpAnswer | None]:
        line = line if isinstance(line, dict) else {}
        result = line.get("result")
        result = result if isinstance(result, dict) else {}
        name = str(line.get("custom_id"))
        if result.get("type") == "succeeded":
            return name, _answered(200, result.get("message"))
        if result.get("type") == "errored":
            error = result.get("error")
            inner = error.get("error") if isinstance(error, dict) else None
            kind = inner.get("type") if isinstance(inner, dict) else None
            return name, _answered(self._STATUS.get(str(kind), 500), error)
        return name, None


def _answered(status: int, body: Any) -> HttpAnswer:
    text = "" if 200 <= status < 300 else json.dumps(body)[:10_000]
    return HttpAnswer(status, body, text, {})


def _counts(data: Any) -> dict[str, int]:
    return {k: v for k, v in data.items() if isinstance(v, int)} if isinstance(data, dict) else {}


def _id(value: Any) -> str:
    if not isinstance(value, str) or not _ID.fullmatch(value) or ".." in value:
        raise JudgeError(f"The batch service gave an id that is none: {clean(repr(value), limit=80)}")
    return value
