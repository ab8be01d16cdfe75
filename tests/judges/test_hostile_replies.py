"""Replies of a server that means harm, or is broken, to every adapter over HTTP: each place of a good reply holds each
hostile value in turn. What comes out is a verdict, a null or a JudgeError, never another exception, never the key.

No sockets: the client's exchange is replaced by bytes, so that thousands of replies take seconds. Sockets, retries and
compression: test_http.py.
"""

from __future__ import annotations

import asyncio
import copy
import json
import os
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from talk import KEY, Sleeps

from voirdire.harness.cases import Case, Task
from voirdire.harness.engine.pacing import Pace
from voirdire.harness.errors import JudgeError, JudgeUnreachable
from voirdire.harness.judges.anthropic_chat import AnthropicChat
from voirdire.harness.judges.base import Judge
from voirdire.harness.judges.command_judge import CommandJudge
from voirdire.harness.judges.gemini_chat import GeminiChat
from voirdire.harness.judges.http import JsonClient
from voirdire.harness.judges.http_file import HttpFileJudge
from voirdire.harness.judges.openai_chat import OpenAIChat
from voirdire.harness.judges.prompted import PromptedJudge
from voirdire.harness.judges.prompts import load_prompt
from voirdire.harness.judges.score_endpoint import ScoreJudge
from voirdire.harness.verdicts import Scale, Verdict

PAIR = Case("Which?", ("One.", "Two."), label=0)
ONE = Case("How good?", ("One.",))
#: a fragment of the key that may not show either
PLANTED = "planted-0123456789"
CONTROL = "\x1b[2J\x00\u202e\ud800"
BIG = "x" * 50_000
HUGE = 10**400

HOSTILE: list[Any] = [
    *(None, True, False, 0, -1, 1.5, HUGE, -HUGE, float("nan"), float("inf"), "", " ", "A", "[[A]]", "[[9]]"),
    *(KEY, f"Bearer {KEY}", CONTROL, BIG, [], {}, [[]], [{}], [None], [1], {"a": [1]}, [["a"]], {"": {"": ""}}),
]


def openai() -> PromptedJudge:
    chat = OpenAIChat("m", base_url="http://127.0.0.1:9/v1", api_key=KEY, retries=0, sleep=Sleeps(), environ={})
    return PromptedJudge(chat, load_prompt("mt-bench-pair"))


def anthropic() -> PromptedJudge:
    chat = AnthropicChat("claude-sonnet-4-5", api_key=KEY, retries=0, sleep=Sleeps(), environ={})
    return PromptedJudge(chat, load_prompt("mt-bench-pair"))


def gemini() -> PromptedJudge:
    chat = GeminiChat("gemini-2.5-flash", api_key=KEY, retries=1, sleep=Sleeps(), environ={})
    return PromptedJudge(chat, load_prompt("mt-bench-pair"))


def score(path: str, task: Task = "pairwise", **params: Any) -> Callable[[], ScoreJudge]:
    def make() -> ScoreJudge:
        return ScoreJudge(
            f"http://127.0.0.1:9{path}", task=task, scale=Scale(0, 1), api_key=KEY, params=params, retries=0,
            sleep=Sleeps(), environ={},
        )  # fmt: skip

    return make


def http_file() -> HttpFileJudge:
    return HttpFileJudge(FILE[0], environ={"JUDGE_TOKEN": KEY}, retries=0, sleep=Sleeps())


#: set by the fixture below
FILE: list[Path] = []
SPEC = """url = "http://127.0.0.1:9/judge"
task = "pairwise"
answer = "$.result.winner"
rationale = "$.result.why"
model = "$.model"
refused = "$.refused"

[headers]
Authorization = "Bearer ${JUDGE_TOKEN}"

[body]
responses = "{{ responses }}"

[usage]
input_tokens = "$.usage.in"
output_tokens = "$.usage.out"
cost_usd = "$.usage.usd"
"""

CHOICE = {
    "message": {"role": "assistant", "content": "Both were read. [[B]]", "refusal": None},
    "finish_reason": "stop",
    "logprobs": {"content": [{"token": "A", "top_logprobs": [{"token": "A", "logprob": -0.1}]}]},
}
#: adapter -> how to make it, a good reply, the value of its verdict
ADAPTERS: dict[str, tuple[Callable[[], Judge], Any, Any]] = {
    "openai": (openai, {"model": "m", "choices": [CHOICE], "usage": {"prompt_tokens": 9, "completion_tokens": 3}}, 1),
    "anthropic": (
        anthropic,
        {
            "model": "m",
            "content": [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "[[B]]"}],
            "stop_reason": "end_turn",
            "stop_details": {"explanation": "none"},
            "usage": {"input_tokens": 9, "output_tokens": 3, "cache_read_input_tokens": 1},
        },
        1,
    ),
    "gemini": (
        gemini,
        {
            "candidates": [
                {
                    "content": {"parts": [{"text": "hm", "thought": True}, {"text": "[[B]]"}]},
                    "finishReason": "STOP",
                    "logprobsResult": {"topCandidates": [{"candidates": [{"token": "A", "logProbability": -0.1}]}]},
                }
            ],
            "promptFeedback": {"blockReason": None},
            "usageMetadata": {"promptTokenCount": 9, "candidatesTokenCount": 3, "thoughtsTokenCount": 1},
            "modelVersion": "m",
        },
        1,
    ),
    "http": (
        http_file,
        {
            "model": "m",
            "refused": False,
            "result": {"winner": "B", "why": "so"},
            "usage": {"in": 1, "out": 2, "usd": 0.1},
        },
        1,
    ),
    "score": (
        score("/v1/score"),
        {
            "model": "m",
            "data": [{"index": 0, "score": 0.2}, {"index": 1, "score": 0.7}],
            "usage": {"prompt_tokens": 9, "total_tokens": 9},
        },
        1,
    ),
    "rerank": (
        score("/rerank", model="m"),
        {"model": "m", "results": [{"index": 1, "relevance_score": 0.7}, {"index": 0, "relevance_score": 0.2}]},
        1,
    ),
    "tei-rerank": (score("/rerank"), [{"index": 1, "score": 0.7}, {"index": 0, "score": 0.2}], 1),
    "classify": (
        score("/classify", label=1),
        {"data": [{"index": 0, "probs": [0.8, 0.2]}, {"index": 1, "probs": [0.3, 0.7]}]},
        1,
    ),
    "predict": (
        score("/predict", label="GOOD"),
        [[{"label": "GOOD", "score": 0.2}, {"label": "BAD", "score": 0.8}], [{"label": "GOOD", "score": 0.7}]],
        1,
    ),
    "score-task": (score("/v1/score", "score"), {"data": [{"index": 0, "score": 0.7}]}, 0.7),
    "score-ranking": (
        score("/v1/score", "ranking"),
        {"data": [{"index": 0, "score": 0.2}, {"index": 1, "score": 0.7}]},
        [1, 0],
    ),
}
ERRORS: list[Any] = [
    {"error": {"message": "no", "type": "t", "code": "c", "param": "temperature"}},
    {
        "error": {
            "message": "no",
            "status": "S",
            "details": [
                {"reason": "API_KEY_INVALID", "retryDelay": "3s", "violations": [{"quotaId": "PerDay"}]},
            ],
        }
    },
    {"error": {"message": "no", "details": {"error_code": "c"}}},
    {"detail": [{"loc": ["body"], "msg": "no"}]},
]
STATUSES = (400, 401, 402, 404, 429, 500)


@pytest.fixture(autouse=True)
def spec(tmp_path: Path) -> Iterator[None]:
    path = tmp_path / "judge.toml"
    path.write_text(SPEC)
    FILE[:] = [path]
    yield
    FILE.clear()


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """`served(status, bytes, headers)`: what the client gets from now on."""

    def serve(status: int, raw: bytes, **headers: str) -> None:
        async def exchange(self: JsonClient, _session: Any, _body: bytes) -> Any:
            named = {"content-type": "application/json", **{k.replace("_", "-"): v for k, v in headers.items()}}
            return self._read(status, raw, named)

        monkeypatch.setattr(JsonClient, "_exchange", exchange)
        monkeypatch.setattr(
            JsonClient, "_open", lambda _self: SimpleNamespace(pace=Pace(None), network_errors=(OSError,))
        )

    return serve


async def outcome(judge: Judge) -> Verdict | JudgeError:
    case = ONE if judge.task == "score" else PAIR
    try:
        return await judge.judge(case, sample=0)
    except JudgeError as error:
        return error


def checked(result: Verdict | JudgeError, what: object) -> Verdict | JudgeError:
    """A verdict that can be kept and shown, or an error that can."""
    if isinstance(result, JudgeError):
        text = "".join(traceback.format_exception(result)) + repr(result)
        assert len(str(result)) < 2_000, what
        assert "\x1b" not in str(result), what
    else:
        text = json.dumps(result.to_json(), allow_nan=False)
        assert len(text) < 200_000, what
        assert result.served_model is None or len(result.served_model) <= 200, what
        assert result.served_model is None or result.served_model.isprintable(), what
    assert KEY not in text, what
    assert PLANTED not in text, what
    return result


def places(data: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in items:
        yield from places(value, (*path, key))


def with_value(data: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    whole = copy.deepcopy(data)
    inner = whole
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return whole


def without(data: Any, path: tuple[Any, ...]) -> Any:
    whole = copy.deepcopy(data)
    inner = whole
    for key in path[:-1]:
        inner = inner[key]
    del inner[path[-1]]
    return whole


@pytest.mark.parametrize("name", ADAPTERS)
def test_a_good_reply_is_read(name: str, served: Callable[..., None]) -> None:
    make, good, value = ADAPTERS[name]
    served(200, json.dumps(good).encode())
    result = checked(asyncio.run(outcome(make())), name)
    assert isinstance(result, Verdict)
    assert result.value == value


@pytest.mark.parametrize("name", ADAPTERS)
def test_every_place_of_a_reply_may_hold_anything(name: str, served: Callable[..., None]) -> None:
    make, good, _ = ADAPTERS[name]

    async def all_of_them() -> int:
        tried = 0
        for path in places(good):
            for value in HOSTILE:
                # what is no JSON number is written as Python's json does and reads back: NaN, Infinity
                served(200, json.dumps(with_value(good, path, value)).encode())
                checked(await outcome(make()), (path, str(value)[:60]))
                tried += 1
            if path:
                served(200, json.dumps(without(good, path)).encode())
                checked(await outcome(make()), (path, "missing"))
        return tried

    assert asyncio.run(all_of_them()) >= 100


@pytest.mark.parametrize("name", ["openai", "anthropic", "gemini", "http", "score"])
def test_every_place_of_an_error_may_hold_anything(name: str, served: Callable[..., None]) -> None:
    make, _, _ = ADAPTERS[name]

    async def all_of_them() -> None:
        for status in STATUSES:
            for body in ERRORS:
                for path in places(body):
                    for value in (None, 5, HUGE, "", KEY, CONTROL, [], [[]], [None], {"a": []}, BIG[:5000]):
                        served(status, json.dumps(with_value(body, path, value)).encode())
                        result = checked(await outcome(make()), (status, path, str(value)[:60]))
                        # a temperature that is refused again and again ends too
                        assert isinstance(result, (JudgeError, Verdict))

    asyncio.run(all_of_them())


@pytest.mark.parametrize("name", ["openai", "anthropic", "gemini", "http", "score"])
@pytest.mark.parametrize("depth", [400, 940, 960, 980, 990, 1000, 100_000])
def test_nesting_is_an_error_or_no_verdict(name: str, depth: int, served: Callable[..., None]) -> None:
    make, good, _ = ADAPTERS[name]
    nested = "[" * depth + "]" * depth
    for path in places(good):
        text = json.dumps(with_value(good, path, "@")).replace('"@"', nested)
        served(200, text.encode())
        checked(asyncio.run(outcome(make())), (path, depth))


@pytest.mark.parametrize("name", ["openai", "anthropic", "gemini", "http", "score"])
@pytest.mark.parametrize(
    "raw", [b"", b"  \n", b"null", b"[]", b"0", b'"A"', b"\xff\xfe\x00", b"<html>", b"[[A]]", b'{"a":', b"data: {}\n\n"]
)
@pytest.mark.parametrize("content_type", ["application/json", "text/html", "text/event-stream", ""])
def test_what_is_no_reply_is_an_error(name: str, raw: bytes, content_type: str, served: Callable[..., None]) -> None:
    make, _, _ = ADAPTERS[name]
    served(200, raw, content_type=content_type)
    result = checked(asyncio.run(outcome(make())), raw)
    # a file's answer that is not there is no verdict; all others promise a form, which this breaks
    assert isinstance(result, JudgeError) or (name == "http" and result.null == "unparsed"), result


@pytest.mark.parametrize("name", ["openai", "anthropic", "gemini", "http"])
@pytest.mark.parametrize("size", [100_000, 1_000_000])
def test_a_long_reply_keeps_its_verdict_and_little_else(name: str, size: int, served: Callable[..., None]) -> None:
    make, good, value = ADAPTERS[name]
    text = json.dumps(good)
    for short in ('"Both were read. [[B]]"', '"[[B]]"', '"so"'):
        text = text.replace(short, json.dumps("It is so. " * (size // 10) + "\n\n[[B]]"))
    served(200, text.encode())
    result = checked(asyncio.run(outcome(make())), name)
    assert isinstance(result, Verdict)
    assert result.value == value
    assert len(result.raw or "") <= 20_100


@pytest.mark.parametrize("name", ["openai", "anthropic", "gemini", "http"])
def test_an_empty_reply_is_no_verdict(name: str, served: Callable[..., None]) -> None:
    make, good, _ = ADAPTERS[name]
    text = json.dumps(good)
    for full in ('"Both were read. [[B]]"', '"[[B]]"', '"B"'):
        text = text.replace(full, '""')
    served(200, text.encode())
    result = checked(asyncio.run(outcome(make())), name)
    assert isinstance(result, Verdict)
    assert result.null == "unparsed"


@pytest.mark.parametrize("name", ["openai", "anthropic", "gemini", "http", "score"])
@pytest.mark.parametrize("written", [KEY, json.dumps(KEY)[1:-1].replace("-", "\\u002d"), KEY.replace("/", "\\/")])
def test_a_key_in_a_reply_reaches_nothing_that_is_kept(name: str, written: str, served: Callable[..., None]) -> None:
    """Proxies and debugging endpoints send back what they were sent, headers too."""
    make, good, _ = ADAPTERS[name]
    for path in places(good):
        text = json.dumps(with_value(good, path, "@")).replace('"@"', f'"Authorization: {written} [[B]]"')
        served(200, text.encode())
        checked(asyncio.run(outcome(make())), (path, written))


@pytest.mark.parametrize("name", ["openai", "anthropic", "gemini", "http", "score"])
@pytest.mark.parametrize("status", STATUSES)
def test_a_judge_that_always_errs_says_so(name: str, status: int, served: Callable[..., None]) -> None:
    make, _, _ = ADAPTERS[name]
    served(status, json.dumps({"error": {"message": f"no. you sent {KEY}", "type": "t"}}).encode())
    result = checked(asyncio.run(outcome(make())), status)
    assert isinstance(result, JudgeError)
    assert str(status) in str(result)
    if status in (401, 404) or (status == 402 and name != "http"):  # a file says nothing of accounts
        assert isinstance(result, JudgeUnreachable)


# --- a program


ANSWERS = [
    {"answer": "B", "rationale": "so", "raw": "B!", "model": "m", "usage": {"input_tokens": 1, "cost_usd": 0.1}},
    {"refused": "no", "model": "m"},
    {"error": "no"},
    "B",
]


def test_every_place_of_a_programs_answer_may_hold_anything() -> None:
    judge = CommandJudge("true", task="pairwise", environ={"X_TOKEN": KEY, "PATH": os.environ["PATH"]})
    for good in ANSWERS:
        for path in places(good):
            for value in (*HOSTILE, "@"):
                text = json.dumps(with_value(good, path, value)).replace('"@"', "[" * 900 + "]" * 900)
                try:
                    result: Verdict | JudgeError = judge._read(judge._decoded(text.encode()), 2)
                except JudgeError as error:
                    result = error
                checked(result, (path, str(value)[:60]))
