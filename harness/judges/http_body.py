"""Reading the body of an HTTP answer without trusting it: capped as received, capped again unpacked, no key in it.

Not here: the exchange and what an answer means (http.py).
"""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterable, Iterable
from typing import Any

__all__ = ["TooLarge", "Unreadable", "read_body", "scrubbed"]

#: shorter secrets would take ordinary words out of a reply
_SHORTEST = 4


class TooLarge(Exception):
    """The body is larger than allowed."""


class Unreadable(Exception):
    """The body is not packed as its header says."""


async def read_body(chunks: AsyncIterable[bytes], encoding: str, *, limit: int) -> bytes:
    """The whole body, unpacked. `encoding` is the Content-Encoding header.

    Never holds more than about `limit` bytes: 1 kB of gzip can unpack to 1 MB, so the unpacking itself is bounded.
    Raises TooLarge, and Unreadable for damaged data or an encoding nobody asked for.
    """
    names = [name for name in encoding.lower().replace(" ", "").split(",") if name not in ("", "identity")]
    if names and names not in (["gzip"], ["x-gzip"], ["deflate"]):
        raise Unreadable(f"it is packed as {encoding[:40]!r}, which was not asked for")
    body = bytearray()
    unpack = None
    async for chunk in chunks:
        if names:
            # 47: a gzip or zlib header, whichever is there; "deflate" without one does not occur in the wild any more
            unpack = unpack or zlib.decompressobj(47)
            try:
                chunk = unpack.decompress(chunk, limit + 1 - len(body))
            except zlib.error as error:
                raise Unreadable(str(error)) from None
        body += chunk
        if len(body) > limit:
            raise TooLarge
    if unpack is not None and not unpack.eof:
        raise Unreadable("the packed data end too early")
    return bytes(body)


def scrubbed(data: Any, raw: bytes, secrets: Iterable[str]) -> Any:
    """`data`, the JSON of `raw`, without any of `secrets`: what a reply says is kept in files and shown in reports, and
    some proxies send back what they were sent. Raises RecursionError on data nested as deeply as Python goes.
    """
    known = [secret for secret in secrets if len(secret) >= _SHORTEST]
    # JSON may write any character as an escape (plain line ends are no reason to look closer), and a body in UTF-16 or
    # UTF-32, which JSON may be too, holds zero bytes
    escaped = b"\\u" in raw or b"\\/" in raw or b"\0" in raw
    if not any(escaped or secret.encode() in raw for secret in known):
        return data
    return _without(data, known)


def _without(data: Any, secrets: list[str]) -> Any:
    if isinstance(data, str):
        for secret in secrets:
            data = data.replace(secret, "[key]")
        return data
    if isinstance(data, list):
        return [_without(item, secrets) for item in data]
    if isinstance(data, dict):
        return {_without(key, secrets): _without(value, secrets) for key, value in data.items()}
    return data
