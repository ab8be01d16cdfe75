"""A scripted chat endpoint on loopback, in the event loop of the test: real sockets, no threads, no network.

    async with FakeServer([status(429), ok("B")]) as server:
        ...  # server.url, server.requests

Each request takes the next behaviour of the script; the last one stays.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any


@dataclass(frozen=True, slots=True)
class Request:
    """What arrived."""

    path: str
    headers: Mapping[str, str]
    body: Any


Behaviour = Callable[[Request, asyncio.StreamWriter], Awaitable[None]]


def raw(data: bytes) -> Behaviour:
    """These bytes, then the connection ends."""

    async def behave(_request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await writer.drain()
        writer.close()

    return behave


def answer(
    status: int, body: str | bytes, *, content_type: str = "application/json", headers: Mapping[str, str] | None = None
) -> Behaviour:
    content = body.encode() if isinstance(body, str) else body
    lines = {"Content-Type": content_type, "Content-Length": str(len(content)), **(headers or {})}

    async def behave(_request: Request, writer: asyncio.StreamWriter) -> None:
        head = "".join(f"{k}: {v}\r\n" for k, v in lines.items())
        writer.write(f"HTTP/1.1 {status} Whatever\r\n{head}\r\n".encode() + content)
        await writer.drain()

    return behave


def completion(text: str | None = "A", **extra: Any) -> dict[str, Any]:
    """The JSON of an ordinary reply."""
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1767225600,
        "model": "judge-2026-01-01",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 12, "completion_tokens": 3, "total_tokens": 15},
        **extra,
    }


def ok(text: str = "A", **extra: Any) -> Behaviour:
    return answer(200, json.dumps(completion(text, **extra)))


def status(
    http_status: int, message: str = "no", *, headers: Mapping[str, str] | None = None, **error: Any
) -> Behaviour:
    return answer(http_status, json.dumps({"error": {"message": message, **error}}), headers=headers)


def redirect(location: str, code: int = 307) -> Behaviour:
    return answer(code, "", headers={"Location": location})


def reset() -> Behaviour:
    """The connection breaks without a word."""

    async def behave(_request: Request, writer: asyncio.StreamWriter) -> None:
        transport = writer.transport
        transport.abort()

    return behave


def silent() -> Behaviour:
    """The request is read and never answered."""

    async def behave(_request: Request, _writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    return behave


class FakeServer:
    def __init__(self, script: Sequence[Behaviour], *, port: int = 0) -> None:
        self._port = port
        self.requests: list[Request] = []
        self._script = list(script)
        self._connections: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    @property
    def port(self) -> int:
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def bodies(self) -> list[Any]:
        return [r.body for r in self.requests]

    async def __aenter__(self) -> FakeServer:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            while not writer.is_closing():
                request = await _read(reader)
                if request is None:
                    break
                behave = self._script[min(len(self.requests), len(self._script) - 1)]
                self.requests.append(request)
                await behave(request, writer)
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()


async def _read(reader: asyncio.StreamReader) -> Request | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.strip().split("\r\n")
    headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Request(path=first.split()[1], headers=headers, body=json.loads(body) if body else None)
