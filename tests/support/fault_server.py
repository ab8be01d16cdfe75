"""A judge on loopback that misbehaves: real sockets, a seeded share of faults, and a record of what it really served.

    async with FaultServer(faults=0.3, seed=1) as server:
        ...  # server.url; server.served[question] is how often a whole, good answer left for it

`tls=True` puts it behind TLS (the certificate is loopback.pem, for SSL_CERT_FILE), where some connections break during
the handshake. Not here: scripted conversations (fake_server.py).
"""

from __future__ import annotations

import asyncio
import gzip
import json
import random
import ssl
from collections import Counter
from collections.abc import Awaitable, Callable
from email.utils import formatdate
from pathlib import Path
from types import TracebackType

from fake_server import Request, completion
from fake_server import _read as read_request

__all__ = ["CERTIFICATE", "FAULTS", "FaultServer"]

CERTIFICATE = Path(__file__).parent / "loopback.pem"
#: share of new TLS connections that break
BROKEN_HANDSHAKES = 0.1

Writer = asyncio.StreamWriter
_BOMB = gzip.compress(b" " * 50_000_000)
_ERROR = json.dumps({"error": {"message": "not now"}})


def _head(status: int, length: int, **headers: str) -> bytes:
    lines = {"Content-Type": "application/json", "Content-Length": str(length), **headers}
    return f"HTTP/1.1 {status} X\r\n".encode() + "".join(f"{k}: {v}\r\n" for k, v in lines.items()).encode() + b"\r\n"


def _refusal(status: int, **headers: str) -> Callable[[FaultServer, Writer], Awaitable[None]]:
    async def fault(_server: FaultServer, writer: Writer) -> None:
        writer.write(_head(status, len(_ERROR), **headers) + _ERROR.encode())

    return fault


def _body(body: bytes, *, whole: bool = True, **headers: str) -> Callable[[FaultServer, Writer], Awaitable[None]]:
    async def fault(_server: FaultServer, writer: Writer) -> None:
        writer.write(_head(200, len(body) + (0 if whole else 500), **headers) + body)
        if not whole:
            await writer.drain()
            writer.close()

    return fault


async def _date(_server: FaultServer, writer: Writer) -> None:
    writer.write(_head(429, len(_ERROR), **{"Retry-After": formatdate(usegmt=True)}) + _ERROR.encode())


async def _reset(_server: FaultServer, writer: Writer) -> None:
    writer.transport.abort()


async def _drip(_server: FaultServer, writer: Writer) -> None:
    """A byte now and then, and never the end."""
    writer.write(_head(200, 10_000))
    while not writer.is_closing():
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.05)


async def _redirect(server: FaultServer, writer: Writer) -> None:
    writer.write(_head(307, 0, Location=server.elsewhere))


_HALF = json.dumps(completion("[[A]]")).encode()[:60]

#: name -> its weight among the faults, and what it does
FAULTS: dict[str, tuple[float, Callable[[FaultServer, Writer], Awaitable[None]]]] = {
    "429": (3, _refusal(429)),
    "429 retry-after-ms": (3, _refusal(429, **{"Retry-After-Ms": "20"})),
    "429 retry-after": (1, _refusal(429, **{"Retry-After": "0"})),
    "429 date": (1, _date),
    "500": (4, _refusal(500)),
    "503": (3, _refusal(503)),
    "503 retry-after": (2, _refusal(503, **{"Retry-After": "0"})),
    "reset": (4, _reset),
    "half body": (3, _body(_HALF, whole=False)),
    "half JSON": (2, _body(_HALF)),
    "empty": (1, _body(b"")),
    "web page": (1, _body(b"<!doctype html><h1>Sorry</h1>", **{"Content-Type": "text/html"})),
    "gzip bomb": (0.3, _body(_BOMB, **{"Content-Encoding": "gzip"})),
    "damaged gzip": (0.7, _body(b"\x1f\x8bno gzip", **{"Content-Encoding": "gzip"})),
    "redirect": (1, _redirect),
    "drip": (0.3, _drip),
}


class FaultServer:
    """`faults`: share of requests that get one. `latency`: the longest wait before an answer, seconds, uniform.

    `full_at`: more requests at once than this get a 429.
    """

    def __init__(
        self,
        *,
        faults: float = 0.3,
        seed: int = 0,
        latency: float = 0.005,
        full_at: int | None = None,
        tls: bool = False,
        elsewhere: str = "http://127.0.0.1:9/",
        port: int = 0,
    ) -> None:
        self.faults = faults
        self.latency = latency
        self.elsewhere = elsewhere
        self.asked: Counter[str] = Counter()
        self.served: Counter[str] = Counter()
        self.happened: Counter[str] = Counter()
        self.answers = self.in_flight = self.most = 0
        self._full_at = full_at
        self._tls = tls
        self._port = port
        self._random = random.Random(seed)
        self._servers: list[asyncio.Server] = []
        self._connections: set[asyncio.Task[None]] = set()

    @property
    def port(self) -> int:
        return int(self._servers[-1].sockets[0].getsockname()[1])

    @property
    def url(self) -> str:
        return f"http{'s' * self._tls}://127.0.0.1:{self.port}/v1"

    async def __aenter__(self) -> FaultServer:
        context = None
        if self._tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(CERTIFICATE)
        port = 0 if self._tls else self._port
        self._servers.append(await asyncio.start_server(self._tracked(self._serve), "127.0.0.1", port, ssl=context))
        if self._tls:
            self._servers.append(await asyncio.start_server(self._tracked(self._front), "127.0.0.1", self._port))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for server in self._servers:
            server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    def _tracked(
        self, handle: Callable[[asyncio.StreamReader, Writer], Awaitable[None]]
    ) -> Callable[[asyncio.StreamReader, Writer], Awaitable[None]]:
        async def connection(reader: asyncio.StreamReader, writer: Writer) -> None:
            task = asyncio.current_task()
            assert task is not None
            self._connections.add(task)
            task.add_done_callback(self._connections.discard)
            try:
                await handle(reader, writer)
            except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                pass
            finally:
                writer.close()

        return connection

    async def _front(self, reader: asyncio.StreamReader, writer: Writer) -> None:
        """Passes bytes on to the TLS server; some connections get nonsense instead of a handshake."""
        if self._random.random() < BROKEN_HANDSHAKES * bool(self.faults):
            self.happened["handshake"] += 1
            writer.write(b"HTTP/1.1 400 no TLS here\r\n\r\n")
            return
        port = self._servers[0].sockets[0].getsockname()[1]
        back_reader, back_writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            done, rest = await asyncio.wait(
                [asyncio.create_task(_pump(reader, back_writer)), asyncio.create_task(_pump(back_reader, writer))],
                return_when=asyncio.FIRST_COMPLETED,
            )
            for task in rest:
                task.cancel()
            await asyncio.gather(*done, *rest, return_exceptions=True)
        finally:
            back_writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: Writer) -> None:
        while not writer.is_closing():
            request = await read_request(reader)
            if request is None:
                return
            self.in_flight += 1
            self.most = max(self.most, self.in_flight)
            try:
                await self._answer(request, writer)
                await writer.drain()
            finally:
                self.in_flight -= 1

    async def _answer(self, request: Request, writer: Writer) -> None:
        question = request.body["messages"][-1]["content"]
        self.asked[question] += 1
        if self._full_at is not None and self.in_flight > self._full_at:
            self.happened["full"] += 1
            await _refusal(429)(self, writer)
            return
        await asyncio.sleep(self._random.random() * self.latency)
        if self._random.random() < self.faults:
            name = self._random.choices(list(FAULTS), [weight for weight, _ in FAULTS.values()])[0]
            self.happened[name] += 1
            await FAULTS[name][1](self, writer)
            return
        self.served[question] += 1
        self.answers += 1
        # the number makes every answer another one, so that a doubled or mixed-up one shows
        body = json.dumps(completion(f"Answer {self.answers}.\n[[A]]")).encode()
        writer.write(_head(200, len(body)) + body)


async def _pump(reader: asyncio.StreamReader, writer: Writer) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
