"""Reading the body of an HTTP answer without trusting its size: capped as received, and capped again unpacked.

Not here: the exchange and what an answer means (http.py).
"""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterable

__all__ = ["TooLarge", "Unreadable", "read_body"]


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
