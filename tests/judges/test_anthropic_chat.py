"""AnthropicChat against recorded exchanges and a loopback imitation of the Messages API, faults included."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import pytest
from fake_server import Behaviour, FakeServer, answer, redirect, reset
from recordings import Recording, Scene, shows_no_key
from talk import KEY, Sleeps

from voirdire.harness.cases import Case
from voirdire.harness.errors import JudgeError, JudgeUnreachable, UsageError
from voirdire.harness.judges.anthropic_chat import DEFAULT_BASE_URL, AnthropicChat
from voirdire.harness.judges.base import ChatModel, Message, Reply
from voirdire.harness.judges.prompted import PromptedJudge
from voirdire.harness.judges.prompts import default_protocol
from voirdire.harness.verdicts import Verdict

RECORDED = Recording("anthropic")
OLD, NEW = "claude-sonnet-4-5", "claude-opus-4-7"
ASK: list[Message] = [{"role": "system", "content": "Be fair."}, {"role": "user", "content": "Which is better?"}]
PAIR = Case("Which?", ("one", "two"))


def chat_at(url: str, model: str = OLD, **options: Any) -> AnthropicChat:
    defaults: dict[str, Any] = {"api_key": KEY, "environ": {"ANTHROPIC_API_KEY": KEY}, "jitter": lambda: 1.0}
    return AnthropicChat(model, base_url=url, **{**defaults, **options})


def talk(
    script: Sequence[Behaviour], model: str = OLD, *, ask: Sequence[Message] = ASK, calls: int = 1, **options: Any
) -> Scene[AnthropicChat, Reply]:
    return Scene(
        script,
        lambda url, sleeps: chat_at(url, model, **{"sleep": sleeps, **options}),
        lambda chat, sample: chat.complete(ask, sample=sample),
        calls,
    )


def verdict(*names: str) -> Verdict:
    def make(url: str, sleeps: Sleeps) -> PromptedJudge:
        return PromptedJudge(chat_at(url, sleep=sleeps), default_protocol("pairwise"))

    scene: Scene[PromptedJudge, Verdict] = Scene(
        [RECORDED[n] for n in names], make, lambda judge, k: judge.judge(PAIR, sample=k)
    )
    return scene.answer


# --- requests


def test_request_is_what_the_api_says() -> None:
    (request,) = talk([RECORDED["reply"]]).requests
    assert request.path == "/v1/messages"
    assert request.headers["x-api-key"] == KEY
    assert request.headers["anthropic-version"] == "2023-06-01"
    assert "authorization" not in request.headers
    assert request.body == {
        "model": OLD,
        "system": "Be fair.",
        "messages": [{"role": "user", "content": "Which is better?"}],
        "max_tokens": 4096,
        "temperature": 0,
    }


def test_turns_keep_their_order_and_system_texts_are_joined() -> None:
    turns = [
        {"role": "system", "content": "One."},
        {"role": "user", "content": "Q"},
        {"role": "assistant", "content": "A"},
        {"role": "system", "content": "Two."},
        {"role": "user", "content": "Judge."},
    ]
    (body,) = talk([RECORDED["reply"]], ask=turns).bodies
    assert body["system"] == "One.\n\nTwo."
    assert body["messages"] == [turns[1], turns[2], turns[4]]
    (body,) = talk([RECORDED["reply"]], ask=turns[1:2]).bodies
    assert "system" not in body


@pytest.mark.parametrize("base", ["", "/", "/v1", "/v1/", "/v1/messages"])
def test_base_urls(base: str) -> None:
    assert chat_at(f"https://h.example{base}").identity["url"] == "https://h.example/v1/messages"
    assert chat_at("https://h.example/proxy/v1").identity["url"] == "https://h.example/proxy/v1/messages"


def test_no_key_sends_no_header() -> None:
    assert "x-api-key" not in talk([RECORDED["reply"]], api_key=None, environ={}).requests[0].headers


def test_it_is_a_chat_model() -> None:
    model: ChatModel = chat_at("http://127.0.0.1:1", concurrency=7)
    assert (model.name, model.concurrency, model.first_token_only) == (f"anthropic:{OLD}", 7, False)
    assert not model.paid
    assert chat_at(DEFAULT_BASE_URL).paid


def test_repeats_are_fresh_calls() -> None:
    scene = talk([RECORDED["reply"]], calls=2)
    assert scene.bodies[0] == scene.bodies[1]
    assert len(scene.requests) == 2


# --- models that think


@pytest.mark.parametrize(
    ("model", "temperature"),
    [
        ("claude-3-5-sonnet-20241022", True),
        ("claude-opus-4-20250514", True),
        ("claude-haiku-4-5-20251001", True),
        ("claude-opus-4-6", True),
        ("claude-opus-4-7", False),
        ("claude-opus-4-8", False),
        ("anthropic.claude-opus-4-10-v1:0", False),
        ("claude-sonnet-5", False),
        ("claude-opus-5", False),
        ("claude-fable-5-1", False),
        ("claude-mythos-preview", False),
        ("our-own-claude", True),
    ],
)
def test_which_models_get_a_temperature(model: str, temperature: bool) -> None:
    (body,) = talk([RECORDED["reply"]], model).bodies
    assert ("temperature" in body) is temperature


@pytest.mark.parametrize(
    ("model", "params", "sent"),
    [
        (OLD, {"thinking_budget": 2000}, {"thinking": {"type": "enabled", "budget_tokens": 2000}, "max_tokens": 6096}),
        (
            "claude-opus-4-6",
            {"reasoning_effort": "low"},
            {"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}, "max_tokens": 16000},
        ),
        (
            NEW,
            {"reasoning_effort": "xhigh", "max_tokens": 900},
            {"thinking": {"type": "adaptive"}, "output_config": {"effort": "xhigh"}, "max_tokens": 900},
        ),
        ("claude-opus-5", {"reasoning_effort": "none"}, {"thinking": {"type": "disabled"}, "max_tokens": 16000}),
        ("claude-opus-5", {}, {"max_tokens": 16000}),
        (OLD, {"reasoning": True}, {"max_tokens": 4096}),
        (NEW, {"reasoning": False}, {"max_tokens": 4096, "temperature": 0}),
        (OLD, {"reasoning_effort": "none"}, {"thinking": {"type": "disabled"}, "max_tokens": 4096, "temperature": 0}),
    ],
)
def test_thinking(model: str, params: dict[str, Any], sent: dict[str, Any]) -> None:
    (body,) = talk([RECORDED["reply"]], model, params=params).bodies
    assert {k: v for k, v in body.items() if k not in ("model", "system", "messages")} == sent


def test_params_are_sent() -> None:
    params = {
        "temperature": 0.5,
        "top_k": 5,
        "max_tokens": 9,
        "stop": "END",
        "extra_body": {"metadata": {"user_id": "x"}},
    }
    (body,) = talk([RECORDED["reply"]], params=params).bodies
    assert (body["temperature"], body["top_k"], body["max_tokens"]) == (0.5, 5, 9)
    assert body["stop_sequences"] == ["END"]
    assert body["metadata"] == {"user_id": "x"}
    (body,) = talk([RECORDED["reply"]], params={"temperature": None}).bodies
    assert "temperature" not in body
    (body,) = talk([RECORDED["reply"]], params={"top_p": 0.5}).bodies
    assert "temperature" not in body, "newer models refuse both"


@pytest.mark.parametrize(
    ("model", "params", "says"),
    [
        (OLD, {"temprature": 0}, "temperature"),
        (OLD, {"temperature": 1.5}, "0 to 1"),
        (OLD, {"temperature": float("nan")}, "0 to 1"),
        (OLD, {"temperature": True}, "0 to 1"),
        (OLD, {"max_tokens": 0}, "1 or more"),
        (OLD, {"thinking_budget": 100}, "1024 or more"),
        (OLD, {"thinking_budget": 2000, "max_tokens": 2000}, "leaves no room"),
        (OLD, {"thinking_budget": 2000, "reasoning_effort": "low"}, "twice"),
        (OLD, {"reasoning_effort": "low"}, "thinking_budget=TOKENS"),
        (NEW, {"thinking_budget": 2000}, "reasoning_effort=low"),
        (OLD, {"reasoning": "yes"}, "true or false"),
        (OLD, {"stop": []}, "list of texts"),
        (OLD, {"extra_body": {"stream": True}}, "stream"),
        (OLD, {"extra_body": {"x": {1, 2}}}, "JSON"),
        (" ", {}, "model name"),
    ],
)
def test_wrong_params_are_usage_errors(model: str, params: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        chat_at("http://127.0.0.1:1", model, params=params)


def test_a_refused_temperature_is_dropped_once_and_remembered() -> None:
    scene = talk([RECORDED["no_temperature"], RECORDED["reply"]], "our-own-claude", calls=3)
    assert [("temperature" in body) for body in scene.bodies] == [True, False, False, False]
    assert scene.judge.identity["params"] == {"max_tokens": 4096, "temperature": 0}


def test_another_complaint_about_a_temperature_is_an_error() -> None:
    complaint = {"type": "error", "error": {"type": "invalid_request_error", "message": "temperature: range: 0..1"}}
    scene = talk([answer(400, json.dumps(complaint))])
    assert len(scene.requests) == 1
    assert "temperature: range" in scene.message


# --- replies


def test_reply_is_read() -> None:
    reply = talk([RECORDED["reply"]]).answer
    assert reply.text == "Both were read.\n[[B]]"
    assert reply.served_model == "claude-sonnet-4-5-20250929"
    assert reply.finish_reason == "end_turn"
    assert reply.refusal is None
    assert reply.usage is not None
    assert (reply.usage.input_tokens, reply.usage.output_tokens) == (812, 14)


def test_thoughts_are_no_answer() -> None:
    assert talk([RECORDED["thinking"]]).answer.text == "[[B]]"
    assert verdict("thinking").choice == 1


def test_tokens_of_the_prompt_cache_count_as_input() -> None:
    usage = talk([RECORDED["cached"]]).answer.usage
    assert usage is not None
    assert usage.input_tokens == 1250


@pytest.mark.parametrize("usage", [None, "many", {}, {"input_tokens": "12", "output_tokens": True}])
def test_unknown_usage_is_none_never_zero(usage: Any) -> None:
    reply = talk([answer(200, json.dumps({**RECORDED.body("reply"), "usage": usage}))]).answer
    assert reply.usage is None or (reply.usage.input_tokens is None and reply.usage.output_tokens is None)


def test_a_refusal_is_one_even_after_a_verdict() -> None:
    assert talk([RECORDED["refusal"]]).answer.refusal == "This request was declined."
    found = verdict("refusal")
    assert (found.null, found.choice) == ("refused", None)
    bare = {**RECORDED.body("refusal"), "stop_details": None, "content": []}
    assert talk([answer(200, json.dumps(bare))]).answer.refusal == "the model declined (stop_reason refusal)"


def test_a_reply_that_was_cut_off_counts_only_with_its_verdict() -> None:
    found = verdict("cut")
    assert found.null == "unparsed"
    assert "raise max_tokens" in str(found.reason)
    assert verdict("cut_after_verdict").choice == 1
    assert "cut off" in str(verdict("window_full").reason)


# --- faults


@pytest.mark.parametrize(("name", "status"), [("bad_key", 401), ("forbidden", 403)])
def test_a_refused_key_stops_the_run(name: str, status: int) -> None:
    scene = talk([RECORDED[name]])
    assert isinstance(scene.error, JudgeUnreachable)
    assert f"answered {status} (key refused)" in scene.message
    assert "ANTHROPIC_API_KEY, which is set" in scene.message
    assert len(scene.requests) == 1


def test_a_missing_key_is_named() -> None:
    assert "holds no ANTHROPIC_API_KEY, it is unset" in talk([RECORDED["bad_key"]], api_key=None, environ={}).message


def test_a_missing_model_stops_the_run() -> None:
    scene = talk([RECORDED["no_model"]], "claude-nine")
    assert isinstance(scene.error, JudgeUnreachable)
    assert "no model 'claude-nine' at http://127.0.0.1:" in scene.message
    assert "model: claude-nine" in scene.message


@pytest.mark.parametrize("name", ["spend_cap", "own_limit", "billing"])
def test_an_empty_account_stops_the_run_at_once(name: str) -> None:
    scene = talk([RECORDED[name]])
    assert isinstance(scene.error, JudgeUnreachable)
    assert "no quota left" in scene.message
    assert len(scene.requests) == 1


def test_rate_limits_and_overload_are_waited_for() -> None:
    scene = talk([RECORDED["rate_limited"], RECORDED["overloaded"], RECORDED["reply"]])
    assert scene.answer.text.endswith("[[B]]")
    assert scene.sleeps == [7.5, 1.0]
    assert scene.judge.traffic.throttled == 1


def test_overload_that_does_not_end_is_an_error() -> None:
    scene = talk([RECORDED["overloaded"]], retries=2)
    assert "answered 529 (overloaded): Overloaded (3 attempts)" in scene.message
    assert not isinstance(scene.error, JudgeUnreachable)


@pytest.mark.parametrize(
    ("behaviour", "says", "requests"),
    [
        (RECORDED["too_long"], "answered 400 (bad request). It says: prompt is too long", 1),
        (answer(200, "<!DOCTYPE html><html>login</html>", content_type="text/html"), "web page (HTML)", 1),
        (answer(200, '{"content": [{"type'), "not complete JSON", 5),
        (reset(), "closed the connection", 5),
        (answer(200, "[1]"), "a JSON list", 1),
        (answer(200, "{}"), "a reply without content", 1),
        (answer(200, '{"type": "error", "error": {"message": "odd"}}'), "an error", 1),
        (answer(200, '{"content": "A"}'), "a reply without content", 1),
        (answer(200, '{"content": [{"type": "text"}]}'), "a text block without text", 1),
    ],
)
def test_faults(behaviour: Behaviour, says: str, requests: int) -> None:
    scene = talk([behaviour])
    assert says in scene.message
    assert len(scene.requests) == requests
    assert not isinstance(scene.error, JudgeUnreachable)


def test_redirects_carry_no_key() -> None:
    async def run() -> int:
        async with FakeServer([RECORDED["reply"]]) as other, FakeServer([redirect(f"{other.url}/x")]) as server:
            chat = chat_at(server.url)
            try:
                with pytest.raises(JudgeUnreachable, match="a redirect to"):
                    await chat.complete(ASK, sample=0)
            finally:
                await chat.aclose()
            return len(other.requests)

    assert asyncio.run(run()) == 0


def test_an_echoed_key_is_not_repeated() -> None:
    echo = {"type": "error", "error": {"type": "x", "message": f"bad {KEY} and {KEY[:10]}***"}}
    assert talk([answer(400, json.dumps(echo))]).message  # Scene looks for the key


# --- identity


def test_repr_and_identity_hold_no_key_and_tell_models_apart() -> None:
    chats = [
        chat_at("https://h.example"),
        chat_at("https://h.example", NEW),
        chat_at("https://i.example"),
        chat_at("https://h.example", params={"temperature": 1}),
        chat_at("https://h.example?beta=1"),
    ]
    assert len({json.dumps(c.identity, sort_keys=True) for c in chats}) == len(chats)
    assert chat_at("https://h.example/v1/messages", api_key="sk-another-key-12345").identity == chats[0].identity
    for text in (
        repr(chats[0]),
        repr(chats[0]._service),
        repr(chats[0]._service.credential),
        json.dumps(chats[0].identity),
    ):
        assert shows_no_key(text)


@pytest.mark.parametrize("key", ["sk-planted-0123\nX: y", "sk-planted key", "sk-plantéd"])
def test_a_key_that_cannot_be_a_header_is_refused_unnamed(key: str) -> None:
    with pytest.raises(UsageError, match="ANTHROPIC_API_KEY") as caught:
        chat_at("https://h.example", api_key=key)
    assert "plant" not in str(caught.value)


def test_a_failed_call_is_a_judge_error() -> None:
    assert isinstance(talk([RECORDED["too_long"]]).error, JudgeError)
