"""openevals' evaluators as judges, against an imitation of the model behind them (`tox -e openevals`)."""

from __future__ import annotations

import asyncio
import json
import textwrap
from pathlib import Path
from typing import Any

import pytest
from endpoint import KEY, endpoint
from fake_server import Behaviour, ok, status
from package_llm import PAIRS, PROBE, Brain, ask, decision_of_command, found_and_passed, no_network

import voirdire as vd
from voirdire.harness.cases import Case, Task, Turn
from voirdire.harness.errors import JudgeError, JudgeFault, JudgeUnreachable, UsageError
from voirdire.harness.verdicts import Verdict

pytest.importorskip("openevals", reason="openevals is not installed: tox -e openevals")

import openai
from langchain_openai import ChatOpenAI
from openevals.exact import exact_match
from openevals.llm import create_async_llm_as_judge, create_llm_as_judge
from openevals.prompts import CONCISENESS_PROMPT, CORRECTNESS_PROMPT

__all__ = ["no_network"]

ONE = Case("What is 2 + 2?", ("It is 4.",), reference="4", id="one")
pytestmark = pytest.mark.usefixtures("no_network")


def model(url: str) -> ChatOpenAI:
    return ChatOpenAI(model="gpt-4o-mini", base_url=url, api_key=KEY, max_retries=0)  # type: ignore[arg-type]


def concise(url: str, **options: Any) -> Any:
    return create_llm_as_judge(**{"prompt": CONCISENESS_PROMPT, "judge": model(url), **options})


def yes_or_no(rating: float, body: Any) -> str:
    return json.dumps({"reasoning": "as it seems", "score": rating >= 0.5})


def number(rating: float, body: Any) -> str:
    return json.dumps({"reasoning": "as it seems", "score": round(rating, 3)})


def answered(script: Behaviour, *, case: Case = ONE, task: Task | None = None, **options: Any) -> Verdict:
    with endpoint([script]) as server:
        return ask(vd.judge(concise(server.url, **options), task=task), case)


# --- audits


@pytest.mark.parametrize(("task", "reply"), [("grade", yes_or_no), ("score", number), ("pairwise", number)])
def test_a_preference_for_length_is_found_and_a_clean_judge_passes(task: Task, reply: Any) -> None:
    for longer, wanted in ((0.4, "violated"), (0.0, "holds")):
        brain = Brain(PAIRS, longer=longer)
        with endpoint([brain.behave(reply)]) as server:
            judge = vd.judge(concise(server.url, continuous=task != "grade"), task=task)
            ask(judge, PROBE if task != "pairwise" else PROBE.replace(responses=("unknown", "unknown")))
            assert found_and_passed(judge, task) == wanted


def test_the_asynchronous_one_in_one_event_loop_after_the_other() -> None:
    brain = Brain(PAIRS, longer=0.4)
    with endpoint([brain.behave(yes_or_no)]) as server:
        judge = vd.judge(create_async_llm_as_judge(prompt=CONCISENESS_PROMPT, judge=model(server.url)))
        ask(judge, PROBE)
        assert found_and_passed(judge, "grade") == "violated"


def test_from_the_command_line(tmp_path: Path) -> None:
    brain = Brain(PAIRS, longer=0.4)
    with endpoint([brain.behave(yes_or_no)]) as server:
        ask(vd.judge(concise(server.url)), PROBE)
        (tmp_path / "my_judge.py").write_text(
            textwrap.dedent(
                f"""
                from langchain_openai import ChatOpenAI
                from openevals.llm import create_llm_as_judge
                from openevals.prompts import CONCISENESS_PROMPT

                model = ChatOpenAI(model="gpt-4o-mini", base_url={server.url!r}, api_key={KEY!r})
                judge = create_llm_as_judge(prompt=CONCISENESS_PROMPT, judge=model)
                """
            )
        )
        assert decision_of_command("my_judge:judge", "grade", tmp_path) == "violated"


# --- one call


def test_the_score_its_reasons_and_its_tokens() -> None:
    verdict = answered(ok(yes_or_no(1.0, None)))
    assert (verdict.grade, verdict.rationale, verdict.served_model) == (True, "as it seems", "judge-2026-01-01")
    assert verdict.usage is not None
    assert (verdict.usage.input_tokens, verdict.usage.output_tokens) == (12, 3)
    assert answered(ok(number(0.75, None)), task="score", continuous=True).score == 0.75
    with pytest.raises(JudgeFault, match=r"the number 0\.75"):
        answered(ok(number(0.75, None)), continuous=True)
    assert answered(ok(json.dumps({"score": False})), use_reasoning=False).grade is False


def test_tokens_are_counted_by_call() -> None:
    async def run(judge: Any) -> list[Verdict]:
        cases = [Case("Which?", (f"number {k}",)) for k in range(20)]
        return list(await asyncio.gather(*(judge.judge(c, sample=0) for c in cases)))

    with endpoint([ok(yes_or_no(1.0, None))]) as server:
        verdicts = asyncio.run(run(vd.judge(concise(server.url))))
    assert [v.usage and v.usage.input_tokens for v in verdicts] == [12] * 20


def test_the_openai_client_will_do_too() -> None:
    with endpoint([ok(yes_or_no(1.0, None))]) as server:
        client = openai.OpenAI(base_url=server.url, api_key=KEY)
        judge = create_llm_as_judge(prompt=CONCISENESS_PROMPT, judge=client, model="gpt-4o-mini")
        assert ask(vd.judge(judge), ONE).grade is True


def test_what_the_prompt_is_filled_with() -> None:
    turns = (Turn("user", "2 + 2?"), Turn("assistant", "3"), Turn("user", "Sure?"))
    case = Case(turns, ("It is 4.",), reference="Four.", rubric="Be right.", context="Sums.", label=True)
    prompt = "{inputs}|{outputs}|{reference_outputs}|{rubric}|{context}"
    with endpoint([ok(yes_or_no(1.0, None))]) as server:
        ask(vd.judge(concise(server.url, prompt=prompt)), case)
        [body] = server.bodies
    asked, *rest = body["messages"][0]["content"].split("|")
    assert json.loads(asked) == [{"role": t.role, "content": t.content} for t in turns]
    assert rest == ["It is 4.", "Four.", "Be right.", "Sums."]


def test_a_prompt_that_is_a_function_is_given_what_there_is() -> None:
    def prompt(*, inputs: str, outputs: str, reference_outputs: str) -> list[dict[str, str]]:
        return [{"role": "user", "content": f"{inputs} {outputs} {reference_outputs}"}]

    assert answered(ok(yes_or_no(1.0, None)), prompt=prompt).grade is True


def test_a_prompt_that_names_what_a_case_has_not() -> None:
    with pytest.raises(JudgeFault, match=r"has \{reference_outputs\}, and a case has no reference"):
        answered(ok(yes_or_no(1.0, None)), case=ONE.replace(reference=None), prompt=CORRECTNESS_PROMPT)


@pytest.mark.parametrize("said", ["", "I like it.", '{"reasoning": "x"}', '{"reasoning": "x", "score": "high"}', "[]"])
def test_a_reply_in_another_form_is_no_verdict(said: str) -> None:
    assert answered(ok(said)).null == "unparsed"


@pytest.mark.parametrize(
    ("script", "kind", "says"),
    [
        (status(401, f"bad key {KEY}"), JudgeUnreachable, "AuthenticationError"),
        (status(404, "no such model"), JudgeUnreachable, "NotFoundError"),
        (status(429, "slow down"), JudgeError, "RateLimitError"),
        (status(503, "busy"), JudgeError, "Error code: 503"),
    ],
)
def test_errors_of_the_service(script: Behaviour, kind: type[JudgeError], says: str) -> None:
    with pytest.raises(JudgeError, match=says) as caught:
        answered(script)
    assert type(caught.value) is kind
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("text", ["", "四。" * 30_000, "\u202eهو أربعة\u202c", "{inputs} {{ x }} {0} \x00"])
def test_texts_of_any_kind_are_judged(text: str) -> None:
    assert answered(ok(yes_or_no(1.0, None)), case=ONE.replace(responses=(text,))).grade is True


# --- evaluators of all kinds


def test_ready_evaluators_without_a_model() -> None:
    judge = vd.judge(exact_match)
    assert not judge.paid
    assert ask(judge, ONE).grade is False
    assert ask(judge, ONE.replace(responses=("4",))).grade is True


def test_a_schema_of_ones_own_has_to_have_a_score() -> None:
    schema = {"title": "s", "type": "object", "properties": {"score": {"type": "number"}, "tone": {"type": "string"}}}
    assert answered(ok('{"score": 0.25, "tone": "dry"}'), task="score", output_schema=schema).score == 0.25
    with pytest.raises(JudgeFault, match="a dict without a score"):
        answered(ok('{"tone": "dry"}'), output_schema=schema)


def test_the_function_that_makes_judges_is_none() -> None:
    with pytest.raises(UsageError, match="create_llm_as_judge makes a judge and is none"):
        vd.judge(create_llm_as_judge)


def test_fingerprints_tell_judges_apart_and_stay() -> None:
    def made(**options: Any) -> str:
        return vd.judge(create_llm_as_judge(**{"prompt": "{outputs}", "model": "openai:gpt-4o", **options})).fingerprint

    assert made() == made()
    assert (
        len({made(), made(prompt="Is it right? {outputs}"), made(model="openai:gpt-4o-mini"), made(continuous=True)})
        == 4
    )
    keyed = [vd.judge(concise(url)).fingerprint for url in ("http://a.test/v1", "http://a.test/v1", "http://b.test/v1")]
    assert keyed[0] == keyed[1] != keyed[2]
