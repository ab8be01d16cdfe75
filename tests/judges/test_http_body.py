"""Reading bodies whose size nobody vouches for."""

from __future__ import annotations

import asyncio
import gzip
import json
import tracemalloc
import zlib
from collections.abc import AsyncIterator, Sequence

import pytest

from voirdire.harness.judges.http_body import TooLarge, Unreadable, read_body, scrubbed


async def _chunks(parts: Sequence[bytes]) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


def read(parts: Sequence[bytes], encoding: str = "", *, limit: int = 1_000_000) -> bytes:
    return asyncio.run(read_body(_chunks(parts), encoding, limit=limit))


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [
        ("", bytes),
        ("identity", bytes),
        ("gzip", gzip.compress),
        ("GZIP", gzip.compress),
        ("x-gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("identity, gzip", gzip.compress),
    ],
)
@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_bodies_arrive_whole_in_any_pieces(encoding: str, pack, size: int) -> None:
    body = b'{"choices": []}' * 200
    packed = pack(body)
    parts = [packed[i : i + size] for i in range(0, len(packed), size)]
    assert read(parts, encoding) == body


def test_the_limit_is_exact() -> None:
    assert len(read([b"x" * 600, b"x" * 400], limit=1000)) == 1000
    for parts in ([b"x" * 1001], [b"x" * 600, b"x" * 401]):
        with pytest.raises(TooLarge):
            read(parts, limit=1000)
    assert len(read([gzip.compress(b"x" * 1000, mtime=0)], "gzip", limit=1000)) == 1000
    with pytest.raises(TooLarge):
        read([gzip.compress(b"x" * 1001, mtime=0)], "gzip", limit=1000)


def test_a_bomb_is_never_unpacked_as_a_whole() -> None:
    """200 MB in 200 kB, in one piece: the memory taken stays near the limit."""
    bomb = gzip.compress(b" " * 200_000_000, mtime=0)
    assert len(bomb) < 250_000
    tracemalloc.start()
    with pytest.raises(TooLarge):
        read([bomb], "gzip")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5_000_000


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (b"no gzip at all", "gzip"),
        (gzip.compress(b"a" * 5000, mtime=0)[:-9], "gzip"),
        (gzip.compress(b"a", mtime=0), "br"),
        (gzip.compress(b"a", mtime=0), "gzip, gzip"),
    ],
)
def test_what_is_not_packed_as_it_says_is_unreadable(body: bytes, encoding: str) -> None:
    with pytest.raises(Unreadable):
        read([body], encoding)


@pytest.mark.parametrize(
    ("raw", "data"),
    [
        (b'{"a": ["Bearer sk-12345", {"sk-12345": "x sk-12345 y"}]}', {"a": ["Bearer [key]", {"[key]": "x [key] y"}]}),
        (b'"sk\\u002d12345"', "[key]"),
        (b'"\\/ sk-12345"', "/ [key]"),
        (b'"sk-1234 and abc"', "sk-1234 and abc"),  # another key, and a secret too short to be one
        ('"x sk-12345 y"'.encode("utf-16"), "x [key] y"),
        ('{"sk-12345": 1}'.encode("utf-16-le"), {"[key]": 1}),
        ('"x sk-12345 y"'.encode("utf-32-be"), "x [key] y"),
        (b"[1, null, true, 0.5]", [1, None, True, 0.5]),
    ],
)
def test_what_is_kept_of_a_reply_holds_no_key(raw: bytes, data: object) -> None:
    assert scrubbed(json.loads(raw), raw, ["sk-12345", "abc"]) == data
