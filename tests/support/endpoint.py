"""The scripted endpoint in a thread of its own, for tests that run the command line or another process against it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
import zlib
from collections.abc import Iterator, Sequence

from fake_server import Behaviour, FakeServer, Request, completion

__all__ = ["KEY", "Behaviour", "endpoint", "judging"]

#: a key that may come out nowhere
KEY = "sk-planted-0123456789abcdef"


@contextlib.contextmanager
def endpoint(script: Sequence[Behaviour], *, port: int = 0) -> Iterator[FakeServer]:
    """A running FakeServer; `server.requests` may be read from the test's own thread."""
    loop = asyncio.new_event_loop()
    started = threading.Event()
    server = FakeServer(script, port=port)
    stop = asyncio.Event()

    async def serve() -> None:
        async with server:
            started.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), daemon=True)
    thread.start()
    assert started.wait(10)
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        loop.close()


def judging(delay: float = 0.0) -> Behaviour:
    """A judge behind HTTP whose letter depends on what it was sent, so that a lost or doubled answer shows."""

    async def behave(request: Request, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(delay)
        text = request.body["messages"][-1]["content"]
        letter = "A" if zlib.crc32(text.encode()) % 10 < 6 else "B"
        body = json.dumps(completion(f"Both were read.\n[[{letter}]]")).encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        await writer.drain()

    return behave
