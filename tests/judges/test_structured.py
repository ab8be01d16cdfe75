"""Structured output: the schema reaches the endpoint in its own form, and the reply is read as JSON."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import jsonschema
import pytest
from fake_server import FakeServer, ok

from voirdire.harness.cases import Case
from voirdire.harness.errors import UsageError
from voirdire.harness.judges.spec import JudgeOptions, make_judge
from voirdire.harness.judges.structured import schema_of, with_schema
from voirdire.harness.verdicts import Scale, Verdict

PAIR = Case("Which?", ("one", "two"))


def asked(reply: str, **options: Any) -> tuple[Verdict, dict[str, Any]]:
    """What an endpoint that answers `reply` is understood to say, and the request it got."""

    async def go() -> tuple[Verdict, dict[str, Any]]:
        async with FakeServer([ok(reply)]) as server:
            params = {"structured": True, **options.pop("params", {})}
            judge = make_judge(
                "openai:judge-1", JudgeOptions(base_url=server.url, params=params, environ={}, **options)
            )
            case = PAIR if judge.task == "pairwise" else PAIR.replace(responses=("one",))
            verdict = await judge.judge(case, sample=0)
            await judge.aclose()
            return verdict, server.requests[0].body

    return asyncio.run(go())


@pytest.mark.parametrize(
    ("task", "reply", "value"),
    [
        ("pairwise", '{"reason": "It is right.", "verdict": "B"}', 1),
        ("pairwise", '{"reason": "[[A]] is claimed.", "verdict": "tie"}', "tie"),
        ("score", '{"reason": "fair", "score": 7}', 7.0),
        ("grade", '{"reason": "wrong", "correct": false}', False),
    ],
)
def test_the_endpoint_gets_the_schema_and_its_json_is_the_verdict(task: Any, reply: str, value: object) -> None:
    verdict, body = asked(reply, task=task)
    assert verdict.value == value
    wanted = body["response_format"]["json_schema"]
    assert wanted["strict"] is True
    assert wanted["schema"] == schema_of(task, Scale())
    assert "structured" not in body
    jsonschema.Draft202012Validator.check_schema(wanted["schema"])


def test_a_protocol_keeps_its_words_and_its_task() -> None:
    verdict, body = asked('{"reason": "clear", "score": 4}', prompt="likert")
    assert verdict.score == 4.0
    assert "somewhat good" in body["messages"][-1]["content"]
    assert "from 1 to 5" in str(body["response_format"])


@pytest.mark.parametrize("reply", ["", '{"reason": "no verdict"}', '{"verdict": "X"}', "[[A"])
def test_what_breaks_the_schema_is_no_verdict(reply: str) -> None:
    assert asked(reply)[0].null in ("unparsed", "refused")


def test_gemini_has_its_own_form() -> None:
    params = with_schema("gemini", {"structured": True, "temperature": 0}, "pairwise", Scale())
    config = params["extra_body"]["generationConfig"]
    assert config["responseMimeType"] == "application/json"
    assert config["responseSchema"]["propertyOrdering"] == ["reason", "verdict"]
    assert "additionalProperties" not in config["responseSchema"]
    make_judge("gemini:gemini-2.5-flash", JudgeOptions(params={"structured": True}, environ={}))


@pytest.mark.parametrize(
    ("spec", "options", "said"),
    [
        ("openai:m", {"params": {"structured": "yes"}}, "must be true or false"),
        ("openai:m", {"params": {"structured": True}, "parse": "letter"}, "cannot read structured output"),
        ("openai:m", {"params": {"structured": True, "response_format": {}}}, "exclude each other"),
        ("anthropic:m", {"params": {"structured": True}}, "no structured output here"),
    ],
)
def test_what_does_not_go_together_is_said(spec: str, options: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        make_judge(spec, JudgeOptions(environ={}, **options))


def test_without_it_nothing_changes() -> None:
    def fingerprints() -> Sequence[str]:
        return [
            make_judge("openai:m", JudgeOptions(params=params, environ={})).fingerprint
            for params in ({}, {"structured": False})
        ]

    plain, off = fingerprints()
    assert plain == off
