"""OpenAIChat against a scripted server on loopback: what is sent, what comes back, and what never leaks."""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import traceback
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

import pytest
from fake_server import (
    Behaviour,
    FakeServer,
    Request,
    answer,
    completion,
    ok,
    raw,
    redirect,
    reset,
    silent,
    status,
)
from voirdire.harness.errors import JudgeError, JudgeUnreachable, UsageError
from voirdire.harness.judges import http
from voirdire.harness.judges.base import ChatModel, Reply
from voirdire.harness.judges.endpoints import clean, endpoint_of, is_local, proxy_for
from voirdire.harness.judges.openai_chat import OpenAIChat, is_reasoning_model, key_for

KEY = "sk-planted-0123456789abcdef"
ASK = [{"role": "user", "content": "Which is better?"}]


class Sleeps(list[float]):
    """A sleep that takes no time and remembers what it was asked for."""

    async def __call__(self, seconds: float) -> None:
        self.append(seconds)


def chat_at(url: str, **options: Any) -> OpenAIChat:
    defaults: dict[str, Any] = {
        "base_url": url,
        "api_key": KEY,
        "environ": {"OPENAI_API_KEY": KEY},
        "sleep": Sleeps(),
        "jitter": lambda: 1.0,
    }
    return OpenAIChat(options.pop("model", "judge-1"), **{**defaults, **options})


class Talk:
    """One scripted conversation: what the model made of it and what the server saw."""

    def __init__(self, script: Sequence[Behaviour], calls: int = 1, **options: Any) -> None:
        self.replies: list[Reply] = []
        self.error: JudgeError | None = None
        self.sleeps = Sleeps()
        asyncio.run(self._run(script, calls, options))
        if self.error is not None:
            whole = "".join(traceback.format_exception(self.error)) + repr(self.error) + str(self.error)
            assert KEY not in whole
            assert "planted" not in whole

    async def _run(self, script: Sequence[Behaviour], calls: int, options: Mapping[str, Any]) -> None:
        async with FakeServer(script) as server:
            chat = chat_at(server.url, sleep=self.sleeps, **options)
            try:
                for sample in range(calls):
                    self.replies.append(await chat.complete(ASK, sample=sample))
            except JudgeError as error:
                self.error = error
            finally:
                await chat.aclose()
            self.chat = chat
            self.requests = server.requests
            self.bodies = server.bodies

    @property
    def reply(self) -> Reply:
        assert self.error is None, self.error
        return self.replies[-1]

    @property
    def message(self) -> str:
        assert self.error is not None, "no error was raised"
        return str(self.error)


# --- requests and replies


def test_reply_is_read() -> None:
    talk = Talk([ok("B")])
    assert talk.reply.text == "B"
    assert talk.reply.usage is not None
    assert (talk.reply.usage.input_tokens, talk.reply.usage.output_tokens) == (12, 3)
    assert talk.reply.served_model == "judge-2026-01-01"
    assert talk.reply.finish_reason == "stop"
    assert talk.reply.refusal is None


def test_request_is_what_the_protocol_says() -> None:
    talk = Talk([ok()])
    (request,) = talk.requests
    assert request.path == "/v1/chat/completions"
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.headers["content-type"] == "application/json"
    assert "cookie" not in request.headers
    assert request.body == {"model": "judge-1", "messages": ASK, "temperature": 0}


def test_it_is_a_chat_model() -> None:
    model: ChatModel = chat_at("http://127.0.0.1:1/v1", concurrency=7)
    assert (model.name, model.concurrency, model.first_token_only, model.paid) == ("openai:judge-1", 7, False, False)
    assert chat_at("https://api.openai.com/v1").paid


def test_no_key_sends_no_header() -> None:
    talk = Talk([ok()], api_key=None, environ={})
    assert "authorization" not in talk.requests[0].headers


@pytest.mark.parametrize(
    "usage",
    [None, "many", {}, {"prompt_tokens": "12", "completion_tokens": True}, {"prompt_tokens": -1}],
)
def test_unknown_usage_is_none_never_zero(usage: Any) -> None:
    reply = Talk([ok(usage=usage)]).reply
    assert reply.usage is None or (reply.usage.input_tokens is None and reply.usage.output_tokens is None)


@pytest.mark.parametrize(
    ("choice", "text", "refusal"),
    [
        ({"message": {"content": None, "refusal": "I cannot judge this."}}, "", "I cannot judge this."),
        (
            {"message": {"content": None}, "finish_reason": "content_filter"},
            "",
            "stopped by the service's content filter",
        ),
        ({"message": {"content": None}, "finish_reason": "length"}, "", None),
        ({"message": {"content": [{"type": "text", "text": "A"}, {"type": "text", "text": "B"}]}}, "AB", None),
        ({"message": {"content": [{"type": "thinking", "thinking": []}, {"type": "text", "text": "A"}]}}, "A", None),
    ],
)
def test_unusual_messages(choice: dict[str, Any], text: str, refusal: str | None) -> None:
    reply = Talk([answer(200, json.dumps({"choices": [choice]}))]).reply
    assert (reply.text, reply.refusal) == (text, refusal)


def test_first_token_logprobs_are_kept() -> None:
    top = [{"token": "A", "logprob": -0.1}, {"token": "B", "logprob": -2.5}]
    choice = {"message": {"content": "A"}, "logprobs": {"content": [{"token": "A", "top_logprobs": top}]}}
    talk = Talk([answer(200, json.dumps({"choices": [choice]}))], params={"logprobs": True, "top_logprobs": 2})
    assert talk.reply.logprobs == {"A": -0.1, "B": -2.5}
    assert talk.bodies[0]["top_logprobs"] == 2


def test_a_filtered_prompt_is_a_refusal_not_an_error() -> None:
    talk = Talk([status(400, "the prompt triggered the policy", code="content_filter")])
    assert talk.reply.refusal == "the prompt triggered the policy"


def test_compressed_replies_are_read() -> None:
    body = gzip.compress(json.dumps(completion("A")).encode())
    assert Talk([answer(200, body, headers={"Content-Encoding": "gzip"})]).reply.text == "A"


def test_lone_surrogates_can_be_sent() -> None:
    async def run() -> list[Any]:
        async with FakeServer([ok()]) as server:
            chat = chat_at(server.url)
            await chat.complete([{"role": "user", "content": "half \ud83d of one"}], sample=0)
            await chat.aclose()
            return server.bodies

    assert asyncio.run(run())[0]["messages"][0]["content"] == "half \ud83d of one"


def test_repeats_are_fresh_calls_and_shift_a_seed() -> None:
    assert [b.get("seed") for b in Talk([ok()], calls=3, params={"seed": 40}).bodies] == [40, 41, 42]
    plain = Talk([ok()], calls=2)
    assert plain.bodies[0] == plain.bodies[1]
    assert len(plain.requests) == 2


def test_cookies_are_not_kept() -> None:
    talk = Talk([answer(200, json.dumps(completion()), headers={"Set-Cookie": "s=1; Path=/"}), ok()], calls=2)
    assert "cookie" not in talk.requests[1].headers


def test_one_chat_serves_two_event_loops() -> None:
    """The second loop finds connections of the first, which is closed: `aclose` was forgotten or not."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    chat = chat_at(f"http://127.0.0.1:{port}/v1")

    async def run() -> str:
        async with FakeServer([ok("A")], port=port):
            reply = await chat.complete(ASK, sample=0)
            await chat.aclose()
            again = await chat.complete(ASK, sample=1)
            await chat.aclose()
            return reply.text + again.text

    assert asyncio.run(run()) == "AA"
    assert asyncio.run(run()) == "AA"


# --- parameters


@pytest.mark.parametrize(
    ("model", "reasoning"),
    [
        ("o1", True),
        ("o3-mini", True),
        ("o4-mini-2025-04-16", True),
        ("gpt-5", True),
        ("gpt-5-mini", True),
        ("gpt-5.1-codex", True),
        ("openai/o3", True),
        ("ft:o4-mini:org::id", True),
        ("gpt-5-chat-latest", False),
        ("gpt-4o", False),
        ("gpt-4.1-mini", False),
        ("gpt-oss-20b", False),
        ("olmo-2", False),
        ("o1x", False),
        ("qwen3", False),
        ("gpt-50b", False),
    ],
)
def test_which_models_reason(model: str, reasoning: bool) -> None:
    assert is_reasoning_model(model) is reasoning


def test_reasoning_models_get_no_temperature_and_the_new_token_limit() -> None:
    params = {"max_tokens": 50, "reasoning_effort": "low"}
    (body,) = Talk([ok()], model="o3-mini", params=params).bodies
    assert "temperature" not in body
    assert "max_tokens" not in body
    assert (body["max_completion_tokens"], body["reasoning_effort"]) == (50, "low")


def test_the_rule_about_reasoning_models_can_be_overruled() -> None:
    (body,) = Talk([ok()], model="o3-clone", params={"reasoning": False, "max_tokens": 5}).bodies
    assert (body["temperature"], body["max_tokens"]) == (0, 5)
    (body,) = Talk([ok()], model="mine", params={"reasoning": True}).bodies
    assert "temperature" not in body
    (body,) = Talk([ok()], model="gpt-5", params={"temperature": 1}).bodies
    assert body["temperature"] == 1


def test_params_are_sent() -> None:
    params = {"temperature": 0.5, "top_p": 0.9, "max_tokens": 9, "extra_body": {"guided_choice": ["A", "B"]}}
    (body,) = Talk([ok()], params=params).bodies
    assert body["temperature"] == 0.5
    assert body["top_p"] == 0.9
    assert body["max_tokens"] == 9
    assert body["guided_choice"] == ["A", "B"]
    (body,) = Talk([ok()], params={"temperature": None}).bodies
    assert "temperature" not in body


@pytest.mark.parametrize(
    ("params", "says"),
    [
        ({"temprature": 0}, "temperature"),
        ({"temperature": 3}, "0 to 2"),
        ({"temperature": float("nan")}, "0 to 2"),
        ({"temperature": True}, "0 to 2"),
        ({"max_tokens": 0}, "1 or more"),
        ({"max_tokens": 1.5}, "1 or more"),
        ({"seed": "x"}, "whole number"),
        ({"extra_body": {"stream": True}}, "stream"),
        ({"extra_body": {"x": {1, 2}}}, "JSON"),
        ({"reasoning": "yes"}, "true or false"),
    ],
)
def test_wrong_params_are_usage_errors(params: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        chat_at("http://127.0.0.1:1", params=params)


@pytest.mark.parametrize(
    "options",
    [{"timeout": 0}, {"timeout": float("inf")}, {"retries": -1}, {"concurrency": 0}, {"model": " "}],
)
def test_wrong_options_are_usage_errors(options: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        chat_at("http://127.0.0.1:1", **options)


UNSUPPORTED_TEMPERATURE = status(
    400,
    "Unsupported value: 'temperature' does not support 0 with this model. Only the default (1) value is supported.",
    param="temperature",
    code="unsupported_value",
)
UNSUPPORTED_LIMIT = status(
    400,
    "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
    param="max_tokens",
    code="unsupported_parameter",
)


def test_a_refused_temperature_is_dropped_once_and_remembered() -> None:
    talk = Talk([UNSUPPORTED_TEMPERATURE, ok("A")], calls=3)
    assert [("temperature" in b) for b in talk.bodies] == [True, False, False, False]
    assert talk.chat.adapted == {"temperature": None}


def test_a_refused_token_limit_is_renamed() -> None:
    talk = Talk([UNSUPPORTED_LIMIT, UNSUPPORTED_TEMPERATURE, ok("A")], params={"max_tokens": 7})
    assert talk.bodies[-1] == {"model": "judge-1", "messages": ASK, "max_completion_tokens": 7}
    assert talk.chat.adapted == {"max_tokens": "max_completion_tokens", "temperature": None}


def test_a_refused_parameter_is_found_in_plain_words_too() -> None:
    words = answer(
        422, json.dumps({"detail": [{"loc": ["body", "temperature"], "msg": "Extra inputs are not permitted"}]})
    )
    assert "temperature" not in Talk([words, ok()]).bodies[1]


def test_a_token_limit_refused_under_both_names_is_an_error() -> None:
    other = status(400, "Unsupported parameter: 'max_completion_tokens'", param="max_completion_tokens")
    talk = Talk([UNSUPPORTED_LIMIT, other], params={"max_tokens": 7})
    assert len(talk.requests) == 2
    assert "max_completion_tokens" in talk.message


def test_another_refused_parameter_is_an_error() -> None:
    talk = Talk([status(400, "Unsupported parameter: 'top_p'", param="top_p")], params={"top_p": 0.5})
    assert len(talk.requests) == 1
    assert "top_p" in talk.message


def test_what_the_user_sees_does_not_depend_on_adaptation() -> None:
    talk = Talk([UNSUPPORTED_TEMPERATURE, ok()])
    assert talk.chat.identity["params"] == {"temperature": 0}


# --- failures


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

    with pytest.raises(JudgeError, match=r"could not be reached.*\(3 attempts\)") as caught:
        asyncio.run(run())
    assert not isinstance(caught.value, JudgeUnreachable)
    assert len(sleeps) == 2


def test_a_slow_judge_times_out_and_is_asked_again() -> None:
    talk = Talk([silent(), ok("A")], timeout=0.05)
    assert talk.reply.text == "A"
    assert "did not answer within 0.05 s (1 attempt)" in Talk([silent()], timeout=0.05, retries=0).message


def test_waiting_for_a_free_connection_is_not_the_judges_time() -> None:
    """With one connection, ten calls of .03 s each take longer than the time-out of one call, and none fails."""

    async def slow(request: Request, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.03)
        await ok("A")(request, writer)

    async def run() -> int:
        async with FakeServer([slow]) as server:
            chat = chat_at(server.url, concurrency=1, timeout=0.2, retries=0)
            replies = await asyncio.gather(*(chat.complete(ASK, sample=k) for k in range(10)))
            await chat.aclose()
            return sum(r.text == "A" for r in replies)

    assert asyncio.run(run()) == 10


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


# --- keys and URLs


@pytest.mark.parametrize(
    ("base", "url"),
    [
        ("https://h.example/v1", "https://h.example/v1/chat/completions"),
        ("https://h.example/v1///", "https://h.example/v1/chat/completions"),
        ("https://H.example/v1/chat/completions", "https://h.example/v1/chat/completions"),
        ("https://h.example/v1/chat/completions/", "https://h.example/v1/chat/completions"),
        ("https://h.example/d?api-version=3", "https://h.example/d/chat/completions?api-version=3"),
        ("http://[::1]:8000/v1", "http://[::1]:8000/v1/chat/completions"),
    ],
)
def test_base_urls(base: str, url: str) -> None:
    assert endpoint_of(base, "/chat/completions").url == url


@pytest.mark.parametrize(
    "base",
    [
        "",
        "localhost:8000/v1",
        "ftp://h/v1",
        "file:///etc/passwd",
        "https://",
        "https://user:secret-password@h.example/v1",
        "https://api.openai.com@evil.example/v1",
        "https://evil.example\\@api.openai.com/v1",
        "https://api.openai.com\\.evil.example/v1",
        "https://h.example/v1 x",
        "https://h.example:99999/v1",
        "https://ápi.openai.com/v1",
        "http://[::1/v1",
    ],
)
def test_unusable_base_urls(base: str) -> None:
    with pytest.raises(UsageError) as caught:
        endpoint_of(base, "/chat/completions")
    assert "secret-password" not in str(caught.value)


@pytest.mark.parametrize(
    ("base", "trusted", "sent"),
    [
        ("https://api.openai.com/v1", False, True),
        ("https://API.openai.com./v1", False, True),
        ("http://api.openai.com/v1", False, False),
        ("https://api.openai.com.evil.example/v1", False, False),
        ("https://evil.example/api.openai.com", False, False),
        ("https://evil.example/v1?x=https://api.openai.com", False, False),
        ("http://localhost:8000/v1", False, False),
        ("https://gateway.example/v1", True, True),
        ("http://localhost:8000/v1", True, True),
    ],
)
def test_who_gets_the_key(base: str, trusted: bool, sent: bool) -> None:
    environ = {"OPENAI_API_KEY": KEY}
    assert key_for(base, environ, base_url_trusted=trusted) == (KEY if sent else None)
    assert key_for(base, {}, base_url_trusted=trusted) is None
    assert key_for(base, {"OPENAI_API_KEY": "  "}, base_url_trusted=trusted) is None


def test_another_provider_has_its_own_host_and_variable() -> None:
    environ = {"OPENAI_API_KEY": KEY, "ANTHROPIC_API_KEY": "other"}
    where = {"default_host": "api.anthropic.com", "key_env": "ANTHROPIC_API_KEY"}
    assert key_for("https://api.anthropic.com/v1", environ, base_url_trusted=False, **where) == "other"
    assert key_for("https://api.openai.com/v1", environ, base_url_trusted=False, **where) is None


def test_repr_and_identity_hold_no_key_and_no_query() -> None:
    chat = chat_at("https://h.example/v1?api_key=query-secret")
    for text in (repr(chat), json.dumps(chat.identity), repr(chat._http), repr(chat._endpoint), chat.name):
        assert KEY not in text
        assert "query-secret" not in text
    assert chat.identity["query"] != chat_at("https://h.example/v1?api_key=b").identity["query"]


def test_identity_tells_models_urls_and_params_apart() -> None:
    chats = [
        chat_at("https://h.example/v1"),
        chat_at("https://h.example/v2"),
        chat_at("https://h.example/v1", model="judge-2"),
        chat_at("https://h.example/v1", params={"temperature": 1}),
    ]
    assert len({json.dumps(c.identity, sort_keys=True) for c in chats}) == 4
    same = chat_at("https://h.example/v1/chat/completions", api_key="sk-another-key-12345")
    assert same.identity == chats[0].identity


@pytest.mark.parametrize("key", ["sk-planted-0123\nX: y", "sk-planted key", "sk-plantéd"])
def test_a_key_that_cannot_be_a_header_is_refused_unnamed(key: str) -> None:
    with pytest.raises(UsageError) as caught:
        chat_at("https://h.example", api_key=key)
    assert "plant" not in str(caught.value)
    assert "OPENAI_API_KEY" in str(caught.value)


def test_local_hosts() -> None:
    assert all(map(is_local, ["localhost", "127.0.0.1", "::1", "10.1.2.3", "192.168.0.9", "host.docker.internal"]))
    assert not any(map(is_local, ["api.openai.com", "8.8.8.8", "localhost.evil.example"]))


def test_the_environments_proxy_is_used_but_not_for_local_hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://proxy.example:3128")
    monkeypatch.setenv("no_proxy", "inside.example")
    assert proxy_for(endpoint_of("https://api.openai.com/v1")) == "http://proxy.example:3128"
    assert proxy_for(endpoint_of("https://inside.example/v1")) is None
    assert proxy_for(endpoint_of("https://127.0.0.1/v1")) is None


def test_clean_cuts_after_redaction() -> None:
    text = "x" * 290 + KEY
    assert "sk-" not in clean(text, [KEY])
    assert len(clean("y" * 900)) == 300
