"""GeminiChat against recorded exchanges and a loopback imitation of generateContent, faults included."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from fake_server import Behaviour, answer, reset
from recordings import Recording, Scene, shows_no_key
from talk import KEY, Sleeps

from voirdire.harness.cases import Case
from voirdire.harness.errors import JudgeUnreachable, UsageError
from voirdire.harness.judges.base import ChatModel, Message, Reply
from voirdire.harness.judges.gemini_chat import DEFAULT_BASE_URL, GeminiChat, gemini_key
from voirdire.harness.judges.prompted import PromptedJudge
from voirdire.harness.judges.prompts import default_protocol
from voirdire.harness.verdicts import Verdict

RECORDED = Recording("gemini")
OLD, MIDDLE, NEW = "gemini-2.0-flash", "gemini-2.5-flash", "gemini-3-pro-preview"
ASK: list[Message] = [{"role": "system", "content": "Be fair."}, {"role": "user", "content": "Which is better?"}]
PAIR = Case("Which?", ("one", "two"))


def chat_at(url: str, model: str = OLD, **options: Any) -> GeminiChat:
    defaults: dict[str, Any] = {"api_key": KEY, "environ": {"GEMINI_API_KEY": KEY}, "jitter": lambda: 1.0}
    return GeminiChat(model, base_url=url, **{**defaults, **options})


def talk(
    script: Sequence[Behaviour], model: str = OLD, *, ask: Sequence[Message] = ASK, calls: int = 1, **options: Any
) -> Scene[GeminiChat, Reply]:
    return Scene(
        script,
        lambda url, sleeps: chat_at(url, model, **{"sleep": sleeps, **options}),
        lambda chat, sample: chat.complete(ask, sample=sample),
        calls,
    )


def verdict(name: str) -> Verdict:
    def make(url: str, sleeps: Sleeps) -> PromptedJudge:
        return PromptedJudge(chat_at(url, sleep=sleeps), default_protocol("pairwise"))

    scene: Scene[PromptedJudge, Verdict] = Scene([RECORDED[name]], make, lambda judge, k: judge.judge(PAIR, sample=k))
    return scene.answer


# --- requests


def test_request_is_what_the_api_says() -> None:
    (request,) = talk([RECORDED["reply"]]).requests
    assert request.path == "/v1beta/models/gemini-2.0-flash:generateContent"
    assert request.headers["x-goog-api-key"] == KEY
    assert KEY not in request.path
    assert request.body == {
        "systemInstruction": {"parts": [{"text": "Be fair."}]},
        "contents": [{"role": "user", "parts": [{"text": "Which is better?"}]}],
        "generationConfig": {"temperature": 0},
    }


def test_turns_have_the_apis_own_roles() -> None:
    turns = [
        {"role": "user", "content": "Q"},
        {"role": "assistant", "content": "A"},
        {"role": "system", "content": "Two."},
        {"role": "user", "content": "Judge."},
    ]
    (body,) = talk([RECORDED["reply"]], ask=turns).bodies
    assert [(c["role"], c["parts"][0]["text"]) for c in body["contents"]] == [
        ("user", "Q"),
        ("model", "A"),
        ("user", "Judge."),
    ]
    assert body["systemInstruction"]["parts"][0]["text"] == "Two."


@pytest.mark.parametrize(
    ("base", "model", "url"),
    [
        ("https://h.example", OLD, f"https://h.example/v1beta/models/{OLD}:generateContent"),
        ("https://h.example/v1/", f"models/{OLD}", f"https://h.example/v1/models/{OLD}:generateContent"),
        ("https://h.example", "tunedModels/mine", "https://h.example/v1beta/tunedModels/mine:generateContent"),
    ],
)
def test_urls(base: str, model: str, url: str) -> None:
    assert chat_at(base, model).identity["url"] == url


@pytest.mark.parametrize("model", ["", " ", "../files", "a/../../b", "x?key=1", "x:countTokens", "a b"])
def test_a_model_name_stays_in_its_place_of_the_url(model: str) -> None:
    with pytest.raises(UsageError, match="no name of a Gemini model"):
        chat_at("https://h.example", model)


def test_it_is_a_chat_model() -> None:
    model: ChatModel = chat_at("http://127.0.0.1:1", concurrency=7)
    assert (model.name, model.concurrency, model.first_token_only) == (f"gemini:{OLD}", 7, False)
    assert not model.paid
    assert chat_at(DEFAULT_BASE_URL).paid


@pytest.mark.parametrize(
    ("environ", "base", "trusted", "found"),
    [
        ({"GEMINI_API_KEY": "g"}, DEFAULT_BASE_URL, False, ("g", "GEMINI_API_KEY")),
        ({"GOOGLE_API_KEY": "o"}, DEFAULT_BASE_URL, False, ("o", "GOOGLE_API_KEY")),
        ({"GEMINI_API_KEY": "g", "GOOGLE_API_KEY": "o"}, DEFAULT_BASE_URL, False, ("o", "GOOGLE_API_KEY")),
        ({"GEMINI_API_KEY": "g", "GOOGLE_API_KEY": " "}, DEFAULT_BASE_URL, False, ("g", "GEMINI_API_KEY")),
        ({"GEMINI_API_KEY": "g"}, "https://gateway.example", False, (None, "GEMINI_API_KEY")),
        ({"GEMINI_API_KEY": "g"}, "https://gateway.example", True, ("g", "GEMINI_API_KEY")),
        ({}, DEFAULT_BASE_URL, True, (None, "GEMINI_API_KEY")),
    ],
)
def test_which_key_goes_where(environ: dict[str, str], base: str, trusted: bool, found: tuple[str | None, str]) -> None:
    assert gemini_key(base, environ, base_url_trusted=trusted) == found


# --- parameters


@pytest.mark.parametrize(
    ("model", "params", "config"),
    [
        (OLD, {}, {"temperature": 0}),
        (MIDDLE, {}, None),
        ("gemini-2.5-flash-lite", {}, {"temperature": 0}),
        ("gemini-2.0-flash-thinking-exp", {}, None),
        (NEW, {}, None),
        ("gemini-flash-latest", {}, None),
        ("gemma-3-27b-it", {}, {"temperature": 0}),
        (NEW, {"reasoning_effort": "low"}, {"thinkingConfig": {"thinkingLevel": "low"}}),
        (MIDDLE, {"reasoning_effort": "medium"}, {"thinkingConfig": {"thinkingBudget": 8192}}),
        (MIDDLE, {"reasoning_effort": "none"}, {"temperature": 0, "thinkingConfig": {"thinkingBudget": 0}}),
        (MIDDLE, {"thinking_budget": -1}, {"thinkingConfig": {"thinkingBudget": -1}}),
        ("gemini-2.5-flash-lite", {"thinking_budget": 600}, {"thinkingConfig": {"thinkingBudget": 600}}),
        (NEW, {"reasoning": False}, {"temperature": 0}),
        (OLD, {"reasoning": True}, None),
        (NEW, {"temperature": 0.2}, {"temperature": 0.2}),
        (
            OLD,
            {"temperature": None, "top_p": 0.9, "top_k": 3, "max_tokens": 5, "stop": ["X"], "logprobs": 4},
            {
                "topP": 0.9,
                "topK": 3,
                "maxOutputTokens": 5,
                "stopSequences": ["X"],
                "responseLogprobs": True,
                "logprobs": 4,
            },
        ),
        (
            OLD,
            {"extra_body": {"generationConfig": {"responseMimeType": "application/json"}}},
            {"temperature": 0, "responseMimeType": "application/json"},
        ),
    ],
)
def test_generation_config(model: str, params: dict[str, Any], config: dict[str, Any] | None) -> None:
    (body,) = talk([RECORDED["reply"]], model, params=params).bodies
    assert body.get("generationConfig") == config


def test_extra_body_and_seed() -> None:
    settings = [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}]
    scene = talk([RECORDED["reply"]], params={"seed": 40, "extra_body": {"safetySettings": settings}}, calls=2)
    assert [b["generationConfig"]["seed"] for b in scene.bodies] == [40, 41]
    assert scene.bodies[0]["safetySettings"] == settings


@pytest.mark.parametrize(
    ("model", "params", "says"),
    [
        (OLD, {"temprature": 0}, "temperature"),
        (OLD, {"temperature": 3}, "0 to 2"),
        (OLD, {"max_tokens": 1.5}, "1 or more"),
        (MIDDLE, {"reasoning_effort": "xhigh"}, "thinking_budget=TOKENS"),
        (NEW, {"reasoning_effort": "none"}, "cannot be kept from thinking"),
        (MIDDLE, {"reasoning_effort": "low", "thinking_budget": 5}, "twice"),
        (OLD, {"extra_body": {"contents": []}}, "contents"),
        (OLD, {"extra_body": {"generationConfig": 5}}, "generationConfig"),
    ],
)
def test_wrong_params_are_usage_errors(model: str, params: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        chat_at("http://127.0.0.1:1", model, params=params)


# --- replies


def test_reply_is_read() -> None:
    reply = talk([RECORDED["reply"]]).answer
    assert reply.text == "Both were read.\n[[B]]"
    assert (reply.served_model, reply.finish_reason, reply.refusal) == ("gemini-2.0-flash-001", "stop", None)
    assert reply.usage is not None
    assert (reply.usage.input_tokens, reply.usage.output_tokens) == (812, 14)


def test_thoughts_are_billed_but_no_answer() -> None:
    reply = talk([RECORDED["thinking"]]).answer
    assert reply.text == "[[B]]"
    assert reply.usage is not None
    assert (reply.usage.input_tokens, reply.usage.output_tokens) == (812, 425)


@pytest.mark.parametrize("usage", [None, "many", {}, {"promptTokenCount": "12", "candidatesTokenCount": True}])
def test_unknown_usage_is_none_never_zero(usage: Any) -> None:
    reply = talk([answer(200, json.dumps({**RECORDED.body("reply"), "usageMetadata": usage}))]).answer
    assert reply.usage is None or (reply.usage.input_tokens is None and reply.usage.output_tokens is None)


def test_first_token_logprobs_are_kept() -> None:
    assert talk([RECORDED["logprobs"]], params={"logprobs": 2}).answer.logprobs == {"A": -0.1, "B": -2.5}


@pytest.mark.parametrize(
    ("name", "says"),
    [("blocked_prompt", "PROHIBITED_CONTENT"), ("withheld", "SAFETY"), ("withheld_midway", "RECITATION")],
)
def test_what_the_service_blocks_is_refused(name: str, says: str) -> None:
    assert says in str(talk([RECORDED[name]]).answer.refusal)
    found = verdict(name)
    assert (found.null, found.choice) == ("refused", None)
    assert found.served_model == "gemini-2.5-flash"


def test_a_reply_that_was_cut_off_counts_only_with_its_verdict() -> None:
    found = verdict("cut")
    assert found.null == "unparsed"
    assert "raise max_tokens" in str(found.reason)
    assert found.usage is not None
    assert found.usage.output_tokens == 99
    assert verdict("cut_after_verdict").choice == 1


# --- faults


def test_a_bad_key_stops_the_run_although_the_status_is_400() -> None:
    scene = talk([RECORDED["bad_key"]])
    assert isinstance(scene.error, JudgeUnreachable)
    assert "key refused" in scene.message
    assert "GEMINI_API_KEY, which is set" in scene.message
    assert len(scene.requests) == 1


def test_a_missing_key_is_named() -> None:
    scene = talk([RECORDED["no_key"]], api_key=None, environ={})
    assert "holds no GEMINI_API_KEY, it is unset" in scene.message
    other = talk([RECORDED["bad_key"]], key_env="GOOGLE_API_KEY", environ={"GOOGLE_API_KEY": KEY})
    assert "GOOGLE_API_KEY, which is set" in other.message


def test_a_missing_model_stops_the_run() -> None:
    scene = talk([RECORDED["no_model"]], "gemini-nine")
    assert isinstance(scene.error, JudgeUnreachable)
    assert "no model 'gemini-nine' at http://127.0.0.1:" in scene.message


def test_the_wait_that_the_body_asks_for_is_kept() -> None:
    scene = talk([RECORDED["rate_limited"], RECORDED["rate_limited"], RECORDED["reply"]])
    assert scene.answer.text.endswith("[[B]]")
    assert scene.sleeps == [41.5, 41.5]


def test_rate_limits_that_do_not_end_are_an_error_after_the_retries() -> None:
    scene = talk([RECORDED["rate_limited"]], retries=2)
    assert "answered 429 (rate limited)" in scene.message
    assert len(scene.requests) == 3
    assert not isinstance(scene.error, JudgeUnreachable)


def test_a_days_quota_is_not_waited_for() -> None:
    scene = talk([RECORDED["out_for_the_day"]])
    assert isinstance(scene.error, JudgeUnreachable)
    assert "no quota left" in scene.message
    assert (len(scene.requests), scene.sleeps) == (1, [])


def test_overload_is_retried_with_backoff() -> None:
    scene = talk([RECORDED["overloaded"], RECORDED["reply"]])
    assert scene.answer.text
    assert scene.sleeps == [0.5]


@pytest.mark.parametrize(
    ("behaviour", "says", "requests"),
    [
        (RECORDED["bad_request"], "answered 400 (bad request). It says: Unable to submit", 1),
        (answer(200, "<html>login</html>", content_type="text/html"), "web page (HTML)", 1),
        (answer(200, '{"candidates": [{"con'), "not complete JSON", 5),
        (reset(), "closed the connection", 5),
        (answer(200, "[1]"), "a JSON list", 1),
        (answer(200, "{}"), "a reply without candidates", 1),
        (answer(200, '{"candidates": []}'), "a reply without candidates", 1),
        (answer(200, '{"candidates": ["A"]}'), "a reply without candidates", 1),
        (answer(200, '{"error": {"message": "odd"}}'), "an error", 1),
        (answer(200, '{"candidates": [{"content": "A"}]}'), "content is no text", 1),
        (answer(200, '{"candidates": [{"content": {"parts": [{"text": 5}]}}]}'), "content is no text", 1),
    ],
)
def test_faults(behaviour: Behaviour, says: str, requests: int) -> None:
    scene = talk([behaviour])
    assert says in scene.message
    assert len(scene.requests) == requests
    assert not isinstance(scene.error, JudgeUnreachable)


def test_an_echoed_key_is_not_repeated() -> None:
    assert talk([answer(400, json.dumps({"error": {"code": 400, "message": f"bad {KEY}"}}))]).message


def test_repr_and_identity_hold_no_key_and_tell_models_apart() -> None:
    chats = [
        chat_at("https://h.example"),
        chat_at("https://h.example/v1"),
        chat_at("https://h.example", MIDDLE),
        chat_at("https://h.example", params={"temperature": 1}),
        chat_at("https://h.example", params={"extra_body": {"safetySettings": []}}),
    ]
    assert len({json.dumps(c.identity, sort_keys=True) for c in chats}) == len(chats)
    for text in (repr(chats[0]), repr(chats[0]._service), json.dumps(chats[0].identity)):
        assert shows_no_key(text)
