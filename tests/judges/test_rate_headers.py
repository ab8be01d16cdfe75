"""What is read from the headers about waiting, and that a client heeds it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest
from fake_server import Behaviour, FakeServer, Request, answer, completion, ok
from talk import ASK, chat_at

from voirdire.harness.judges.rate_headers import quota

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, None),
        ({"x-ratelimit-remaining-requests": "4", "x-ratelimit-reset-requests": "12s"}, (4, 12.0)),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "250ms"}, (0, 0.25)),
        ({"x-ratelimit-remaining-requests": "9", "x-ratelimit-reset-requests": "0m1.5s"}, (9, 1.5)),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "6m0s"}, (0, 60.0)),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "1h0m0s"}, (0, 60.0)),
        ({"x-ratelimit-remaining-tokens": "2500", "x-ratelimit-reset-tokens": "3s"}, (2, 3.0)),
        (
            {
                "x-ratelimit-remaining-requests": "50",
                "x-ratelimit-reset-requests": "1s",
                "x-ratelimit-remaining-tokens": "900",
                "x-ratelimit-reset-tokens": "20s",
            },
            (0, 20.0),
        ),
        (
            {
                "anthropic-ratelimit-requests-remaining": "3",
                "anthropic-ratelimit-requests-reset": "2026-03-01T12:00:30Z",
            },
            (3, 30.0),
        ),
        (
            {
                "anthropic-ratelimit-input-tokens-remaining": "5000",
                "anthropic-ratelimit-input-tokens-reset": "2026-03-01T11:00:00Z",
            },
            (5, 0.0),
        ),
        ({"x-ratelimit-remaining": "1", "x-ratelimit-reset": str(int(NOW.timestamp()) + 9)}, (1, 9.0)),
        ({"x-ratelimit-remaining": "1", "x-ratelimit-reset": str((int(NOW.timestamp()) + 9) * 1000)}, (1, 9.0)),
        ({"ratelimit-remaining": "8", "ratelimit-reset": "5"}, (8, 5.0)),
        # nonsense, and half a statement, say nothing
        ({"x-ratelimit-remaining-requests": "many", "x-ratelimit-reset-requests": "1s"}, None),
        ({"x-ratelimit-remaining-requests": "-1", "x-ratelimit-reset-requests": "1s"}, None),
        ({"x-ratelimit-remaining-requests": "nan", "x-ratelimit-reset-requests": "1s"}, None),
        ({"x-ratelimit-remaining-requests": "3"}, None),
        ({"x-ratelimit-remaining-requests": "3", "x-ratelimit-reset-requests": "soon"}, None),
    ],
)
def test_quotas(headers: dict[str, str], expected: tuple[float, float] | None) -> None:
    assert quota(headers, tokens=1000.0, now=NOW) == (None if expected is None else pytest.approx(expected))


def counting(headers: dict[str, str], starts: list[float]) -> Behaviour:
    import json

    good = answer(200, json.dumps(completion("A")), headers=headers)

    async def behave(request: Request, writer: asyncio.StreamWriter) -> None:
        starts.append(asyncio.get_running_loop().time())
        await good(request, writer)

    return behave


def test_a_used_up_quota_keeps_all_calls_of_the_client_waiting() -> None:
    starts: list[float] = []
    empty = {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "300ms"}

    async def run() -> None:
        async with FakeServer([counting(empty, starts), ok()]) as server:
            chat = chat_at(server.url, sleep=asyncio.sleep)
            await chat.complete(ASK, sample=0)
            began = asyncio.get_running_loop().time()
            await asyncio.gather(*(chat.complete(ASK, sample=k) for k in range(4)))
            starts.append(asyncio.get_running_loop().time() - began)
            await chat.aclose()

    asyncio.run(run())
    assert starts[-1] >= 0.25  # real time, but only a lower bound


def test_a_retry_after_keeps_the_other_calls_waiting_too() -> None:
    async def run() -> float:
        async with FakeServer([answer(429, "{}", headers={"retry-after-ms": "300"}), ok()]) as server:
            chat = chat_at(server.url, sleep=asyncio.sleep, jitter=lambda: 0.0)
            first = asyncio.create_task(chat.complete(ASK, sample=0))
            while not chat.traffic.throttled:
                await asyncio.sleep(0.005)
            began = asyncio.get_running_loop().time()
            await chat.complete(ASK, sample=1)
            waited = asyncio.get_running_loop().time() - began
            await first
            await chat.aclose()
            return waited

    assert asyncio.run(run()) >= 0.2


def test_one_endpoint_does_not_slow_another() -> None:
    """A jury's second model goes on while the first is being left alone."""

    async def run() -> list[str]:
        done: list[str] = []
        slow = [answer(429, "{}", headers={"retry-after-ms": "400"}), ok()]
        async with FakeServer(slow) as busy, FakeServer([ok()]) as free:
            chats = {"busy": chat_at(busy.url, sleep=asyncio.sleep), "free": chat_at(free.url)}

            async def ask(name: str) -> None:
                await chats[name].complete(ASK, sample=0)
                done.append(name)

            await asyncio.gather(ask("busy"), *(ask("free") for _ in range(5)))
            for chat in chats.values():
                await chat.aclose()
        return done

    assert asyncio.run(run()) == ["free"] * 5 + ["busy"]
