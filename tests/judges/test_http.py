"""How HTTP judges fail: retries, waits, limits, redirects, and messages that hold no key."""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from fake_server import Behaviour, FakeServer, Request, answer, ok, raw, redirect, reset, silent, status
from talk import ASK, KEY, Sleeps, Talk, chat_at

from voirdire.harness.errors import JudgeError, JudgeUnreachable
from voirdire.harness.judges import http


@pytest.mark.parametrize("code", [408, 429, 500, 502, 503, 529])
def test_what_may_pass_is_retried(code: int) -> None:
    talk = Talk([status(code), status(code), ok("A")])
    assert talk.reply.text == "A"
    assert len(talk.requests) == 3
    assert talk.sleeps == [0.5, 1.0]
    assert talk.chat.traffic.retries == 2


@pytest.mark.parametrize(
    ("behaviour", "says"),
    [
        (status(429, "slow down"), "answered 429 (rate limited): slow down"),
        (status(500, "oops"), "answered 500 (server error): oops"),
        (answer(503, "<html><b>busy</b></html>", content_type="text/html"), "answered 503 (overloaded) ("),
        (answer(200, '{"choices": [{"mess'), "not complete JSON"),
        (answer(200, ""), "empty reply"),
        (reset(), "closed the connection"),
        (raw(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"), "closed the connection"),
        (raw(b"this is no HTTP\r\n\r\n"), "no readable HTTP"),
        (answer(200, b"\x1f\x8bnot gzip", headers={"Content-Encoding": "gzip"}), "no readable HTTP"),
        (answer(200, json.dumps({"error": {"code": 502, "message": "upstream died"}})), "answered 502"),
    ],
)
def test_what_does_not_pass_is_an_error_after_the_retries(behaviour: Behaviour, says: str) -> None:
    talk = Talk([behaviour])
    assert says in talk.message
    assert "5 attempts" in talk.message
    assert len(talk.requests) == 5
    assert talk.sleeps == [0.5, 1.0, 2.0, 4.0]
    assert not isinstance(talk.error, JudgeUnreachable)


@pytest.mark.parametrize("behaviour", [status(429), status(500), answer(200, "{"), reset()])
def test_each_of_them_can_recover(behaviour: Behaviour) -> None:
    assert Talk([behaviour, ok("B")]).reply.text == "B"


@pytest.mark.parametrize(
    ("behaviour", "says"),
    [
        (status(400, "context too long"), "answered 400 (bad request). It says: context too long"),
        (answer(422, "nope"), "answered 422"),
        (answer(200, "<!DOCTYPE html><html>login</html>", content_type="text/html"), "web page (HTML)"),
        (answer(200, json.dumps({"object": "list"})), "a reply without choices"),
        (answer(200, json.dumps({"error": "no such thing"})), "an error"),
        (answer(200, json.dumps({"choices": []})), "a reply without choices"),
        (answer(200, json.dumps({"choices": ["A"]})), "a reply without choices"),
        (answer(200, json.dumps({"choices": [{"text": "A"}]})), "a choice without a message"),
        (answer(200, json.dumps({"choices": [{"message": {"content": 7}}]})), "content is no text"),
        (answer(200, json.dumps({"choices": [{"message": {"content": ["A"]}}]})), "content is no text"),
        (answer(200, "[1]"), "a JSON list"),
        (answer(200, "null"), "a JSON NoneType"),
    ],
)
def test_what_cannot_pass_is_an_error_at_once(behaviour: Behaviour, says: str) -> None:
    talk = Talk([behaviour])
    assert says in talk.message
    assert len(talk.requests) == 1
    assert not isinstance(talk.error, JudgeUnreachable)


@pytest.mark.parametrize("code", [401, 403])
def test_a_refused_key_stops_the_run_and_is_not_named(code: int) -> None:
    echo = f"Incorrect API key provided: {KEY}, also {KEY[:10]}***"
    talk = Talk([status(code, echo)])
    assert isinstance(talk.error, JudgeUnreachable)
    assert f"The judge answered {code} (key refused)" in talk.message
    assert "OPENAI_API_KEY, which is set" in talk.message
    assert "127.0.0.1" in talk.message
    assert len(talk.requests) == 1


@pytest.mark.parametrize(
    ("api_key", "environ", "says"),
    [
        (None, {}, "holds no OPENAI_API_KEY, it is unset"),
        (None, {"OPENAI_API_KEY": KEY}, "OPENAI_API_KEY, which is set, was not sent to 127.0.0.1"),
        ("sk-another-0123456789", {}, "the key it was given (no OPENAI_API_KEY)"),
    ],
)
def test_a_refused_key_says_where_keys_come_from(api_key: str | None, environ: dict[str, str], says: str) -> None:
    assert says in Talk([status(401)], api_key=api_key, environ=environ).message


def test_a_missing_model_stops_the_run() -> None:
    talk = Talk([status(404, "The model does not exist")])
    assert isinstance(talk.error, JudgeUnreachable)
    assert "no model 'judge-1' at http://127.0.0.1:" in talk.message
    assert "/v1/chat/completions" in talk.message


@pytest.mark.parametrize("behaviour", [status(429, "quota", code="insufficient_quota"), status(402, "pay")])
def test_an_empty_account_stops_the_run(behaviour: Behaviour) -> None:
    talk = Talk([behaviour])
    assert isinstance(talk.error, JudgeUnreachable)
    assert "no quota left" in talk.message
    assert len(talk.requests) == 1


def test_the_server_decides_whether_a_retry_makes_sense() -> None:
    assert len(Talk([status(503, headers={"x-should-retry": "false"})]).requests) == 1
    assert len(Talk([status(400, headers={"x-should-retry": "true"}), ok()]).requests) == 2


def test_a_refused_connection_is_retried_then_an_error() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    sleeps = Sleeps()

    async def run() -> None:
        chat = chat_at(f"http://127.0.0.1:{port}/v1", sleep=sleeps, retries=2)
        try:
            await chat.complete(ASK, sample=0)
        finally:
            await chat.aclose()

    with pytest.raises(
        JudgeError, match=rf"could not be reached: nothing listens at 127.0.0.1:{port}; .*\(3 attempts\)"
    ) as caught:
        asyncio.run(run())
    assert not isinstance(caught.value, JudgeUnreachable)
    assert len(sleeps) == 2


def test_a_slow_judge_times_out_and_is_asked_again() -> None:
    talk = Talk([silent(), ok("A")], timeout=0.25)
    assert talk.reply.text == "A"
    assert "did not answer within 0.05 s (1 attempt)" in Talk([silent()], timeout=0.05, retries=0).message


def test_waiting_for_a_free_connection_is_not_the_judges_time() -> None:
    """With one connection, 22 calls of .1 s each take longer than the time-out of one call, and none fails."""

    async def slow(request: Request, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.1)
        await ok("A")(request, writer)

    async def run() -> int:
        async with FakeServer([slow]) as server:
            chat = chat_at(server.url, concurrency=1, timeout=2.0, retries=0)
            replies = await asyncio.gather(*(chat.complete(ASK, sample=k) for k in range(22)))
            await chat.aclose()
            return sum(r.text == "A" for r in replies)

    assert asyncio.run(run()) == 22


def test_concurrency_is_a_ceiling() -> None:
    now = most = 0

    async def slow(request: Request, writer: asyncio.StreamWriter) -> None:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.01)
        now -= 1
        await ok("A")(request, writer)

    async def run() -> None:
        async with FakeServer([slow]) as server:
            chat = chat_at(server.url, concurrency=3)
            await asyncio.gather(*(chat.complete(ASK, sample=k) for k in range(12)))
            await chat.aclose()

    asyncio.run(run())
    assert most == 3


def test_a_huge_reply_is_cut_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "MAX_REPLY_BYTES", 3_000_000)
    talk = Talk([answer(200, b'{"x": "' + b"a" * 4_000_000)])
    assert "more than 3 MB" in talk.message
    assert len(talk.requests) == 1


def test_a_small_reply_that_unpacks_to_a_huge_one_is_cut_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "MAX_REPLY_BYTES", 3_000_000)
    talk = Talk([answer(200, gzip.compress(b"a" * 4_000_000), headers={"Content-Encoding": "gzip"})])
    assert "more than 3 MB" in talk.message


def test_deeply_nested_json_is_an_error_not_a_crash() -> None:
    assert "not complete JSON" in Talk([answer(200, "[" * 200_000)], retries=0).message


def test_control_characters_of_a_server_never_reach_the_terminal() -> None:
    message = Talk([status(400, "\x1b[31mred\x1b[0m\r\nsecond\u202eline")]).message
    assert message.isprintable()
    assert "second" in message


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_redirects_are_errors_and_nothing_arrives_there(code: int) -> None:
    async def run() -> tuple[int, int, str, str]:
        async with FakeServer([ok()]) as other, FakeServer([redirect(f"{other.url}/x?token=abc", code)]) as server:
            chat = chat_at(server.url)
            try:
                with pytest.raises(JudgeUnreachable) as caught:
                    await chat.complete(ASK, sample=0)
            finally:
                await chat.aclose()
            return len(server.requests), len(other.requests), str(caught.value), f"127.0.0.1:{other.port}"

    here, there, message, host = asyncio.run(run())
    assert (here, there) == (1, 0)
    assert f"a redirect to {host}" in message
    assert KEY not in message
    assert "token=" not in message


# --- waiting


def test_retry_after_in_seconds_is_obeyed() -> None:
    talk = Talk([status(429, headers={"Retry-After": "7"}), ok()], jitter=lambda: 0.0)
    assert talk.sleeps == [7.0]
    assert talk.chat.traffic.throttled == 1


def test_retry_after_is_capped() -> None:
    assert Talk([status(503, headers={"Retry-After": "86400"}), ok()], jitter=lambda: 0.0).sleeps == [60.0]


def test_retry_after_as_a_date() -> None:
    now = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
    later = format_datetime(now.replace(second=25), usegmt=True)
    assert http.retry_after({"retry-after": later}, now=now) == 25.0
    assert http.retry_after({"retry-after": format_datetime(now.replace(hour=11), usegmt=True)}, now=now) == 0.0


@pytest.mark.parametrize("text", ["", "soon", "nan", "Mon, 99 Foo"])
def test_nonsense_in_retry_after_is_ignored(text: str) -> None:
    assert http.retry_after({"retry-after": text}) is None


def test_retry_after_milliseconds() -> None:
    assert http.retry_after({"retry-after-ms": "1500", "retry-after": "9"}) == 1.5
    assert http.retry_after({"retry-after": "-3"}) == 0.0
    assert http.retry_after({"retry-after": "inf"}) == 60.0


def test_backoff_has_full_jitter_and_a_ceiling() -> None:
    assert Talk([status(500)], retries=7).sleeps == [0.5, 1, 2, 4, 8, 16, 20]
    assert Talk([status(500)], retries=3, jitter=lambda: 0.25).sleeps == [0.125, 0.25, 0.5]


QUERY = "S3cretQueryKey"


@pytest.mark.parametrize("code", [400, 401, 403, 404, 500])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_key_in_the_query_of_an_address_is_in_no_message(code: int, encoding: str) -> None:
    """Azure's functions are asked with ?code=KEY, and gateways quote the request line that they did not like."""

    async def quoting(request: Request, writer: asyncio.StreamWriter) -> None:
        said = json.dumps({"error": {"message": f"no: POST {request.path} {KEY}"}}).encode(encoding)
        await answer(code, said)(request, writer)

    talk = Talk([quoting], query=f"?code={QUERY}", retries=0)
    assert QUERY not in talk.message
    assert KEY not in talk.message
    for secret in (QUERY, KEY):
        assert secret not in talk.message.replace(" ", "")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le"])
def test_a_key_in_the_query_of_an_address_is_in_no_reply(encoding: str) -> None:
    said = json.dumps({"choices": [{"message": {"content": f"you sent {QUERY} and {KEY}"}}]}).encode(encoding)
    talk = Talk([answer(200, said)], query=f"?code={QUERY}")
    assert talk.reply.text == "you sent [key] and [key]"
