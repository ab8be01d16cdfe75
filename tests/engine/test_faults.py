"""A judge on real sockets that fails in every way there is: every question ends with its one answer, stored once."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from engine_calls import KEY, judge_at, questions
from fake_server import FakeServer, ok, redirect
from fault_server import CERTIFICATE, FAULTS, FaultServer
from sql import sql

from voirdire.harness.engine.runner import Limits, Run, run_calls
from voirdire.harness.engine.store import CallStore
from voirdire.harness.engine.store_maintenance import export_store, verify_store
from voirdire.harness.errors import JudgeUnreachable
from voirdire.harness.judges.openai_chat import OpenAIChat


async def ask(url: str, path: Path, n: int, *, limits: Limits, **options: object) -> Run:
    judge = judge_at(url, **options)
    try:
        with CallStore(path) as store:
            return await run_calls(questions(n), judge, limits=limits, store=store)
    finally:
        await judge.aclose()


@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
def test_a_third_of_all_requests_fails_and_nothing_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tls: bool
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    monkeypatch.setattr("voirdire.harness.judges.http.BACKOFF_START", 0.05)
    n, path = 750, tmp_path / "c.sqlite"

    async def run() -> tuple[Run, FaultServer, FakeServer]:
        async with FakeServer([ok()]) as other, FaultServer(seed=7, tls=tls, elsewhere=other.url) as server:
            return await ask(server.url, path, n, limits=Limits(concurrency=32), timeout=4.0), server, other

    result, server, other = asyncio.run(run())
    assert (result.stopped, result.errors, result.made) == (None, 0, n)
    assert all(verdict is not None and verdict.choice == 0 for verdict in result.verdicts)
    # every question left the server with a whole answer once: none was asked again after that, and none is missing
    assert len(server.served) == n
    assert set(server.served.values()) == {1}
    rows = list(export_store(path))
    assert len({row["raw"] for row in rows}) == len(rows) == n
    assert verify_store(path).problems == ()
    # the mix was what it claims to be
    assert sum(server.happened.values()) > 0.2 * sum(server.asked.values())
    assert len(set(server.happened) & FAULTS.keys()) >= 12
    assert bool(server.happened["handshake"]) == tls
    assert other.requests == []
    for file in tmp_path.iterdir():
        assert KEY.encode() not in file.read_bytes()


@pytest.mark.parametrize("name", list(FAULTS))
def test_each_fault_alone_passes_and_is_asked_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """One question of two is answered, the other meets this fault first."""
    monkeypatch.setattr("voirdire.harness.judges.http.BACKOFF_START", 0.01)
    monkeypatch.setattr("fault_server.FAULTS", {name: FAULTS[name]})

    # long enough for a busy machine; but what drips has to be waited for
    patience = 2.0 if name == "drip" else 30.0

    async def run() -> tuple[Run, FaultServer]:
        async with FaultServer(faults=0.0) as server:
            original = server._answer

            async def answer(request: object, writer: asyncio.StreamWriter) -> None:
                # the second request of all fails, whatever it is
                server.faults = float(sum(server.asked.values()) == 1)
                await original(request, writer)  # type: ignore[arg-type]

            monkeypatch.setattr(server, "_answer", answer)
            result = await ask(server.url, tmp_path / "c.sqlite", 2, limits=Limits(concurrency=1), timeout=patience)
            return result, server

    result, server = asyncio.run(run())
    assert server.happened == {name: 1}
    assert (result.stopped, result.errors) == (None, 0)
    assert set(server.served.values()) == {1}
    assert sql(tmp_path / "c.sqlite", "SELECT COUNT(*) FROM calls") == (2,)


def test_a_full_endpoint_is_asked_as_much_as_it_bears(tmp_path: Path) -> None:
    """The endpoint refuses more than five at once; 64 callers learn that and all get their answer."""

    async def run() -> tuple[Run, FaultServer]:
        async with FaultServer(faults=0.0, latency=0.02, full_at=5) as server:
            result = await ask(server.url, tmp_path / "c.sqlite", 300, limits=Limits(concurrency=64))
            return result, server

    result, server = asyncio.run(run())
    assert (result.stopped, result.errors) == (None, 0)
    assert server.most <= 16  # slow start: 8, then refused
    assert server.happened["full"] < 0.25 * 300


def test_a_certificate_nobody_vouches_for_stops_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)

    async def run() -> Run:
        async with FaultServer(faults=0.0, tls=True) as server:
            return await ask(server.url, tmp_path / "c.sqlite", 20, limits=Limits(concurrency=2))

    result = asyncio.run(run())
    assert result.stopped == "judge"
    assert "certificate of 127.0.0.1 does not hold" in (result.reason or "")
    assert "SSL_CERT_FILE" in (result.reason or "")
    assert result.made <= 2


def test_a_redirect_is_the_end_only_where_nothing_ever_worked() -> None:
    async def run() -> list[str]:
        said = []
        async with FakeServer([ok()]) as other:
            to = redirect(other.url)
            for script in ([to], [ok("A"), to, ok("B")]):
                async with FakeServer(script) as server:
                    chat = OpenAIChat("m", base_url=server.url, api_key=KEY)
                    for _ in script:
                        try:
                            said.append((await chat.complete([{"role": "user", "content": "?"}], sample=0)).text)
                        except Exception as error:
                            said.append(type(error).__name__)
                    await chat.aclose()
            assert other.requests == []
        return said

    assert asyncio.run(run()) == [JudgeUnreachable.__name__, "A", "JudgeBusy", "B"]


def test_the_partial_run_of_a_failing_judge_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What failed to the end is an error verdict of its own call, with a reason that holds no key."""
    monkeypatch.setattr("voirdire.harness.engine.breaker.COOLDOWNS", (0.01,) * 6)

    async def run() -> Run:
        async with FaultServer(faults=0.9, seed=3, latency=0.0) as server:
            limits = Limits(concurrency=8, reasks=0)
            return await ask(server.url, tmp_path / "c.sqlite", 60, limits=limits, retries=0, timeout=0.5)

    result = asyncio.run(run())
    answered = [v for v in result.verdicts if v is not None and v.null is None]
    failed = [v for v in result.verdicts if v is not None and v.null == "error"]
    assert failed
    assert result.errors == len(failed)
    assert result.made == len(answered) + len(failed)
    assert all(v.reason and "127.0.0.1" in v.reason and KEY not in v.reason for v in failed)
    assert sql(tmp_path / "c.sqlite", "SELECT COUNT(*) FROM calls") == (len(answered),)
    assert KEY not in json.dumps([v.to_json() for v in failed])
