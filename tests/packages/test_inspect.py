"""Inspect's scorers as judges, against an imitation of the model behind them and its own mockllm (`tox -e inspect`)."""

from __future__ import annotations

import re
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

pytest.importorskip("inspect_ai", reason="Inspect is not installed: tox -e inspect")

from inspect_ai import Task as InspectTask
from inspect_ai import task as inspect_task
from inspect_ai.model import GenerateConfig, Model, ModelOutput, ModelUsage, get_model
from inspect_ai.scorer import (
    Score,
    Scorer,
    Target,
    accuracy,
    exact,
    match,
    mean,
    model_graded_fact,
    model_graded_qa,
    scorer,
)
from inspect_ai.solver import TaskState

__all__ = ["no_network"]

ONE = Case("What is 2 + 2?", ("It is 4.",), reference="4", id="one")
pytestmark = pytest.mark.usefixtures("no_network")


def model(url: str) -> Model:
    return get_model(
        "openai/gpt-4o-mini", base_url=url, api_key=KEY, config=GenerateConfig(max_retries=0), memoize=False
    )


def graded(rating: float, body: Any) -> str:
    return f"I compared them. GRADE: {'C' if rating >= 0.5 else 'I'}"


def answered(script: Behaviour, *, case: Case = ONE, task: Task | None = None, **options: Any) -> Verdict:
    with endpoint([script]) as server:
        return ask(vd.judge(model_graded_qa(model=model(server.url), **options), task=task), case)


@scorer(metrics=[mean()])
def rating(url: str = "", api_key: str = "") -> Scorer:
    """A scorer of one's own that gives a number."""

    async def score(state: TaskState, target: Target) -> Score | None:
        result = await model(url).generate(f"Rate.\n{state.input_text}\n{state.output.completion}")
        return Score(value=float(result.completion), explanation="as it seems")

    return score


@scorer(metrics=[accuracy()])
def shown() -> Scorer:
    """Says what it was shown."""

    async def score(state: TaskState, target: Target) -> Score | None:
        roles = [f"{m.role}={m.text}" for m in state.messages]
        return Score(value="C", explanation=repr([roles, state.input_text, target.text, state.metadata]))

    return score


# --- audits


@pytest.mark.parametrize(("task", "longer"), [("grade", 0.4), ("pairwise", 0.4), ("score", 0.4)])
def test_a_preference_for_length_is_found_and_a_clean_scorer_passes(task: Task, longer: float) -> None:
    for planted, wanted in ((longer, "violated"), (0.0, "holds")):
        brain = Brain(PAIRS, longer=planted)
        with endpoint([brain.behave(graded)]) as server:
            ask(vd.judge(model_graded_qa(model=model(server.url))), PROBE)
            assert found_and_passed(vd.judge(model_graded_qa(model=model(server.url)), task=task), task) == wanted


def test_in_a_scorer_of_ones_own_too() -> None:
    for planted, wanted in ((0.4, "violated"), (0.0, "holds")):
        brain = Brain(PAIRS, longer=planted)
        with endpoint([brain.behave(lambda rated, body: f"{rated:.3f}")]) as server:
            ask(vd.judge(rating(server.url), task="score"), PROBE)
            assert found_and_passed(vd.judge(rating(server.url), task="score"), "score") == wanted


def test_from_the_command_line(tmp_path: Path) -> None:
    brain = Brain(PAIRS, longer=0.4)
    with endpoint([brain.behave(graded)]) as server:
        ask(vd.judge(model_graded_qa(model=model(server.url))), PROBE)
        (tmp_path / "my_scorer.py").write_text(
            textwrap.dedent(
                f"""
                from inspect_ai.model import get_model
                from inspect_ai.scorer import model_graded_qa

                model = get_model("openai/gpt-4o-mini", base_url={server.url!r}, api_key={KEY!r})
                scorer = model_graded_qa(model=model)
                """
            )
        )
        assert decision_of_command("my_scorer:scorer", "grade", tmp_path) == "violated"


# --- one call


def test_the_grade_its_reasons_and_its_tokens() -> None:
    verdict = answered(ok(graded(1.0, None)))
    assert (verdict.grade, verdict.rationale) == (True, "I compared them. GRADE: C")
    assert (verdict.served_model, verdict.usage and verdict.usage.input_tokens) == ("openai/gpt-4o-mini", 12)
    assert answered(ok(graded(0.0, None))).grade is False
    assert answered(ok("GRADE: C"), task="score").score == 1.0
    assert answered(ok("GRADE: P"), task="score", partial_credit=True).score == 0.5
    with pytest.raises(JudgeFault, match=r"the number 0\.5"):
        answered(ok("GRADE: P"), partial_credit=True)


def test_two_grades_make_a_pair() -> None:
    script = Brain(PAIRS).answer(lambda prompt, body: graded(float("beta" in prompt), body))
    pair = Case("Which?", ("alpha", "beta"))
    assert answered(script, case=pair, task="pairwise").choice == 1
    assert answered(script, case=pair.reordered((1, 0)), task="pairwise").choice == 0


def test_what_a_scorer_is_shown() -> None:
    turns = (Turn("system", "Be brief."), Turn("user", "2 + 2?"), Turn("assistant", "3"), Turn("user", "Sure?"))
    case = Case(turns, ("It is 4.",), reference="4", rubric="Be right.", context="Sums.", label=True, meta={"s": "m"})
    said = ask(vd.judge(shown()), case).rationale
    roles = ["system=Be brief.", "user=2 + 2?", "assistant=3", "user=Sure?", "assistant=It is 4."]
    assert said == repr([roles, "Sure?", "4", {"rubric": "Be right.", "context": "Sums."}])
    said = ask(vd.judge(shown()), case.replace(reference=None)).rationale
    assert "'Be right.', {" in str(said)


@pytest.mark.parametrize("said", ["I do not know", "GRADE: Q", "", "GRADE: P"])
def test_a_grade_that_was_not_offered_is_no_verdict(said: str) -> None:
    assert answered(ok(said)).null == "unparsed"


@pytest.mark.parametrize(
    ("script", "kind", "says"),
    [
        (status(401, f"bad key {KEY}"), JudgeUnreachable, "AuthenticationError"),
        (status(404, "no such model"), JudgeUnreachable, "NotFoundError"),
        (status(429, "slow down"), JudgeError, "RateLimitError"),
        (status(503, "busy"), JudgeError, "InternalServerError"),
    ],
)
def test_errors_of_the_service(script: Behaviour, kind: type[JudgeError], says: str) -> None:
    with pytest.raises(JudgeError, match=says) as caught:
        answered(script)
    assert type(caught.value) is kind
    assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    "text", ["", "四。" * 30_000, "\u202eهو أربعة\u202c", "{question} {{ x }} {0} [END DATA] \x00"]
)
def test_texts_of_any_kind_are_judged(text: str) -> None:
    assert answered(ok("GRADE: C"), case=ONE.replace(responses=(text,))).grade is True


def test_the_mock_model_of_inspect() -> None:
    def always(*_: Any) -> ModelOutput:
        output = ModelOutput.from_content("mockllm/model", "GRADE: I")
        output.usage = ModelUsage(input_tokens=5, output_tokens=2)
        return output

    judge = vd.judge(model_graded_fact(model=get_model("mockllm/model", custom_outputs=always)))
    assert not judge.paid
    assert ask(judge, ONE).grade is False


# --- scorers of all kinds


def test_scorers_without_a_model() -> None:
    assert ask(vd.judge(exact()), ONE).grade is False
    assert ask(vd.judge(match(location="any")), ONE).grade is True
    assert not vd.judge(exact()).paid


def test_the_function_that_makes_a_scorer_will_do() -> None:
    assert ask(vd.judge(shown), ONE).grade is True

    @scorer(metrics=[mean()])
    def needy(prompt: str) -> Scorer:
        return shown()

    with pytest.raises(UsageError, match=r"needy could not be made without arguments: TypeError"):
        vd.judge(needy)


def test_a_scorer_without_a_model_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("INSPECT_EVAL_MODEL", raising=False)
    with pytest.raises(JudgeFault, match="Inspect: ValueError: No model specified"):
        ask(vd.judge(model_graded_qa()), ONE)


@pytest.mark.parametrize(
    ("value", "verdict"),
    [(0.25, 0.25), (True, 1.0), ("yes", 1.0), ("0.75", 0.75), ("N", 0.0), (float("nan"), None), (7, None), ("?", None)],
)
def test_values_of_every_kind(value: Any, verdict: float | None) -> None:
    @scorer(metrics=[mean()])
    def fixed() -> Scorer:
        async def score(state: TaskState, target: Target) -> Score | None:
            return Score(value=value)

        return score

    assert ask(vd.judge(fixed(), task="score"), ONE).score == verdict


def test_scores_that_are_none_or_several() -> None:
    @scorer(metrics=[mean()])
    def none() -> Scorer:
        async def score(state: TaskState, target: Target) -> Score | None:
            return None

        return score

    @scorer(metrics=[mean()])
    def several() -> Scorer:
        async def score(state: TaskState, target: Target) -> Score | None:
            return Score(value={"kind": 1, "right": 0})

        return score

    assert ask(vd.judge(none()), ONE).null == "unparsed"
    with pytest.raises(JudgeFault, match="the scorer gave dict values: kind, right"):
        ask(vd.judge(several()), ONE)


def test_what_is_no_scorer_says_so() -> None:
    @inspect_task
    def arithmetic() -> InspectTask:
        return InspectTask()

    with pytest.raises(UsageError, match="is an Inspect task, not a scorer"):
        vd.judge(arithmetic)


def test_fingerprints_tell_scorers_apart_and_stay() -> None:
    def made(**options: Any) -> str:
        return vd.judge(model_graded_qa(model="openai/gpt-4o-mini", **options)).fingerprint

    assert made() == made()
    assert len({made(), made(partial_credit=True), made(instructions="Be kind."), made(template="{question}")}) == 4
    urls = [vd.judge(rating(u, api_key=k), task="score").fingerprint for u, k in (("a", "1"), ("a", "2"), ("b", "1"))]
    assert urls[0] == urls[1] != urls[2]


def test_no_address_is_in_a_fingerprint() -> None:
    assert not re.search(r"0x[0-9a-f]{6,}", str(vd.judge(model_graded_qa(model="mockllm/model")).spec))
