"""OpenAIChat: what it sends, how it reads replies, which parameters it adapts (test_http.py: what goes wrong)."""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
from typing import Any

import pytest
from fake_server import FakeServer, answer, completion, ok, status
from talk import ASK, KEY, Talk, chat_at

from voirdire.harness.errors import UsageError
from voirdire.harness.judges.base import ChatModel
from voirdire.harness.judges.openai_chat import is_reasoning_model

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
