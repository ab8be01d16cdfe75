"""DeepEval's own metrics as judges, against an imitation of the model behind them (`tox -e deepeval`)."""

from __future__ import annotations

import asyncio
import json
import os
import re
import textwrap
from pathlib import Path
from typing import Any

import httpx
import pytest
from endpoint import KEY, endpoint
from fake_server import Behaviour, ok, status
from package_llm import PAIRS, PROBE, Brain, ask, decision_of_command, found_and_passed, no_network

import voirdire as vd
from voirdire.harness.cases import Case, Task
from voirdire.harness.errors import JudgeError, JudgeFault, JudgeUnreachable, UsageError
from voirdire.harness.judges.base import Judge
from voirdire.harness.verdicts import Verdict

os.environ.setdefault("DEEPEVAL_TELEMETRY_OPT_OUT", "1")
pytest.importorskip("deepeval", reason="DeepEval is not installed: tox -e deepeval")

from deepeval.metrics import ArenaGEval, BaseMetric, ConversationalGEval, DAGMetric, FaithfulnessMetric, GEval
from deepeval.metrics.dag import BinaryJudgementNode, DeepAcyclicGraph, VerdictNode
from deepeval.models import OpenAIModel
from deepeval.test_case import LLMTestCase, MultiTurnParams, SingleTurnParams

__all__ = ["no_network"]

SHOWN = [SingleTurnParams.INPUT, SingleTurnParams.ACTUAL_OUTPUT]
ONE = Case("What is 2 + 2?", ("It is 4.",), id="one")
pytestmark = pytest.mark.usefixtures("no_network")


def model(url: str) -> OpenAIModel:
    # one client for all calls: DeepEval makes one a call otherwise, which takes four times as long
    client = httpx.AsyncClient(verify=False)
    return OpenAIModel(model="gpt-4o-mini", api_key=KEY, base_url=url, async_http_client=client)


def g_eval(url: str = "http://127.0.0.1:9/v1", **options: Any) -> GEval:
    steps = ["Is the answer right?"]
    given = {"name": "right", "evaluation_params": SHOWN, "evaluation_steps": steps, "model": model(url)}
    return GEval(**{**given, **options})


def scored(rating: float, body: Any) -> str:
    return json.dumps({"score": round(10 * rating), "reason": "as it seems"})


def answered(script: Behaviour, *, case: Case = ONE, task: Task | None = None, **options: Any) -> Verdict:
    with endpoint([script]) as server:
        return ask(vd.judge(g_eval(server.url, **options), task=task), case)


# --- audits


@pytest.mark.parametrize("task", ["score", "grade", "pairwise"])
def test_a_preference_for_length_is_found_and_a_clean_metric_passes(task: Task) -> None:
    def judge(brain: Brain, script: Behaviour) -> Any:
        with endpoint([script]) as server:
            ask(vd.judge(g_eval(server.url)), PROBE)
            return found_and_passed(vd.judge(g_eval(server.url), task=task), task)

    for longer, wanted in ((0.4, "violated"), (0.0, "holds")):
        brain = Brain(PAIRS, longer=longer)
        assert judge(brain, brain.behave(scored)) == wanted


def test_the_arena_finds_it_too() -> None:
    """The imitation is shown both contestants under names that the metric makes up."""
    for longer, wanted in ((0.8, "violated"), (0.0, "holds")):
        brain = Brain(PAIRS, longer=longer)

        def choose(prompt: str, body: Any, brain: Brain = brain) -> str:
            if "rewrite the reason" in prompt:
                return json.dumps({"rewritten_reason": "the first one is better"})
            shown = json.loads(re.search(r"Contestants:\n(\{.*?\n?\})\n\nParameters", prompt, re.S)[1])  # type: ignore[index]
            rated = {
                name: brain.rate_response(shown["input"], json.loads(text)["actual_output"])
                for name, text in shown["arena_test_cases"].items()
            }
            return json.dumps({"winner": max(rated, key=rated.__getitem__), "reason": "better"})

        with endpoint([brain.answer(choose)]) as server:
            metric = ArenaGEval(
                name="better", evaluation_params=SHOWN, evaluation_steps=["Which is right?"], model=model(server.url)
            )
            judge = vd.judge(metric)
            assert judge.task == "pairwise"
            assert found_and_passed(judge, "pairwise") == wanted


def test_one_metric_serves_one_event_loop_after_the_other() -> None:
    """Its client keeps connections of the loop that has ended."""
    with endpoint([ok(scored(0.7, None))]) as server:
        judge = vd.judge(g_eval(server.url))
        assert [ask(judge, ONE).score for _ in range(3)] == [0.7, 0.7, 0.7]


# --- one call


def test_the_rating_its_reason_and_its_cost() -> None:
    verdict = answered(ok(scored(0.7, None)))
    assert (verdict.score, verdict.rationale) == (0.7, "as it seems")
    assert verdict.usage is not None
    assert (verdict.usage.input_tokens, verdict.usage.output_tokens) == (12, 3)
    assert verdict.usage.cost_usd
    assert answered(ok(scored(0.7, None)), task="grade").grade is True
    assert answered(ok(scored(0.7, None)), task="grade", threshold=0.9).grade is False
    assert answered(ok(scored(0.7, None)), task="grade", strict_mode=True).grade is True  # the score 7 is no 0 or 1


def test_two_ratings_make_a_pair_and_three_a_ranking() -> None:
    def by_text(prompt: str, body: Any) -> str:
        return scored(0.9 if "alpha" in prompt else 0.5 if "beta" in prompt else 0.1, body)

    script = Brain(PAIRS).answer(by_text)
    pair = answered(script, case=Case("Which?", ("beta", "alpha")), task="pairwise")
    assert (pair.choice, pair.margin, pair.rationale) == (1, pytest.approx(-0.4), "1: as it seems\n2: as it seems")
    assert pair.usage is not None
    assert (pair.usage.calls, pair.usage.input_tokens) == (2, 24)
    ranked = answered(script, case=Case("Which?", ("gamma", "alpha", "beta")), task="ranking")
    assert ranked.ranking == (1, 2, 0)
    equal = answered(ok(scored(0.5, None)), case=Case("Which?", ("x", "y", "z")), task="ranking")
    assert equal.null == "unparsed"


def test_what_the_metric_is_shown() -> None:
    params = [*SHOWN, SingleTurnParams.EXPECTED_OUTPUT, SingleTurnParams.RETRIEVAL_CONTEXT, SingleTurnParams.CONTEXT]
    with endpoint([ok(scored(0.5, None))]) as server:
        judge = vd.judge(g_eval(server.url, evaluation_params=params))
        assert judge.needs == ("reference", "context")  # type: ignore[attr-defined]
        ask(judge, ONE.replace(reference="Four.", context="Sums.", label=3.0, meta={"secret": "m"}))
        [body] = server.bodies
    text = body["messages"][0]["content"][0]["text"]
    assert all(part in text for part in ("What is 2 + 2?", "It is 4.", "Four.", "['Sums.']"))
    with pytest.raises(UsageError, match=r"needs a reference; \d+ of 45 cases have none"):
        vd.audit(judge, [c.replace(responses=c.responses[:1], label=None) for c in PAIRS], "quick", cache=None)


def test_steps_that_it_makes_up_are_made_for_every_call_as_in_deepeval() -> None:
    def both(prompt: str, body: Any) -> str:
        return json.dumps({"steps": ["Look."]}) if '"steps"' in prompt else scored(0.4, body)

    with endpoint([Brain(PAIRS).answer(both)]) as server:
        metric = g_eval(server.url, evaluation_steps=None, criteria="Is it right?")
        judge = vd.judge(metric)
        assert [ask(judge, ONE).score for _ in range(1)] == [0.4]
        assert metric.evaluation_steps is None
        assert len(server.requests) == 2


def test_calls_at_once_do_not_see_each_others_results() -> None:
    def by_text(prompt: str, body: Any) -> str:
        return scored(int(re.search(r"number (\d+)", prompt)[1]) / 10, body)  # type: ignore[index]

    async def run(judge: Judge) -> list[Verdict]:
        cases = [Case("Which?", (f"number {k % 10}",)) for k in range(60)]
        return list(await asyncio.gather(*(judge.judge(c, sample=0) for c in cases)))

    with endpoint([Brain(PAIRS).answer(by_text)]) as server:
        verdicts = asyncio.run(run(vd.judge(g_eval(server.url))))
    assert [v.score for v in verdicts] == [k % 10 / 10 for k in range(60)]


@pytest.mark.parametrize(
    ("script", "kind", "says"),
    [
        (status(401, f"bad key {KEY}"), JudgeUnreachable, "AuthenticationError"),
        (status(404, "no such model"), JudgeUnreachable, "NotFoundError"),
        (status(429, "slow down"), JudgeError, "RateLimitError"),
        (status(503, "busy"), JudgeError, "InternalServerError"),
        (status(400, "bad request"), JudgeFault, "BadRequestError"),
    ],
)
def test_errors_of_the_service(script: Behaviour, kind: type[JudgeError], says: str) -> None:
    with pytest.raises(JudgeError, match=says) as caught:
        answered(script)
    assert type(caught.value) is kind
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("text", ["", "I like it.", '{"reason": "no score"}', '{"score": "high", "reason": 1}', "[]"])
def test_a_reply_in_another_form_is_no_verdict(text: str) -> None:
    assert answered(ok(text)).null == "unparsed"


@pytest.mark.parametrize("text", ["", "四。" * 30_000, "\u202eهو أربعة\u202c", "{{ x }} {% y %} {0} $name$ \x00"])
def test_texts_of_any_kind_are_judged(text: str) -> None:
    verdict = answered(ok(scored(0.5, None)), case=ONE.replace(responses=(text,)))
    # DeepEval judges no empty answer
    assert (verdict.score, verdict.null) == ((0.5, None) if text else (None, "refused"))


def test_fingerprints_tell_metrics_apart_and_stay() -> None:
    first = vd.judge(g_eval()).fingerprint
    assert vd.judge(g_eval()).fingerprint == first
    others = [g_eval(threshold=0.7), g_eval(evaluation_steps=["Is it kind?"]), g_eval(url="http://127.0.0.1:8/v1")]
    assert len({first, *(vd.judge(m).fingerprint for m in others), vd.judge(g_eval(), task="grade").fingerprint}) == 5


# --- other metrics


class Short(BaseMetric):
    """A metric of one's own, in the form of DeepEval's documentation."""

    def __init__(self, threshold: float = 0.5) -> None:
        self.threshold = threshold

    def measure(self, test_case: LLMTestCase) -> float:
        self.score = 1.0 if len(test_case.actual_output or "") < 12 else 0.25
        self.reason = "counted"
        self.success = self.score >= self.threshold
        return self.score

    async def a_measure(self, test_case: LLMTestCase) -> float:
        return self.measure(test_case)

    def is_successful(self) -> bool:
        return bool(self.success)

    @property
    def __name__(self) -> str:
        return "Short"


def test_a_metric_of_ones_own() -> None:
    judge = vd.judge(Short())
    assert (judge.task, judge.paid) == ("score", False)
    assert ask(judge, ONE).score == 1.0
    assert ask(vd.judge(Short(), task="grade"), ONE.replace(responses=("It is 4, I should say.",))).grade is False


def test_a_graph_of_decisions_is_copied_with_its_nodes() -> None:
    def by_text(prompt: str, body: Any) -> str:
        return json.dumps({"verdict": "alpha" in prompt.split("Actual Output")[-1], "reason": "read"})

    with endpoint([Brain(PAIRS).answer(by_text)]) as server:
        leaves = [VerdictNode(verdict=False, score=2), VerdictNode(verdict=True, score=9)]
        root = BinaryJudgementNode(criteria="Is it good?", children=leaves, evaluation_params=SHOWN[1:])
        judge = vd.judge(DAGMetric(name="graph", dag=DeepAcyclicGraph(root_nodes=[root]), model=model(server.url)))

        async def run() -> list[Verdict]:
            cases = [Case("Which?", (text,)) for text in ("alpha", "beta", "alpha", "beta")]
            return list(await asyncio.gather(*(judge.judge(c, sample=0) for c in cases)))

        verdicts = asyncio.run(run())
    assert [v.score for v in verdicts] == [0.9, 0.2, 0.9, 0.2]


def test_what_cannot_judge_a_response_says_so() -> None:
    with pytest.raises(UsageError, match="GEval is a class, not a judge"):
        vd.judge(GEval)
    turns = ConversationalGEval(
        name="turns",
        criteria="Is it kind?",
        evaluation_params=[MultiTurnParams.CONTENT],
        model=model("http://127.0.0.1:9/v1"),
    )
    with pytest.raises(UsageError, match="judges whole conversations"):
        vd.judge(turns)
    with pytest.raises(UsageError, match="needs 'tools_called', which a case does not have"):
        vd.judge(g_eval(evaluation_params=[*SHOWN, SingleTurnParams.TOOLS_CALLED]))
    arena = ArenaGEval(
        name="better", evaluation_params=SHOWN, criteria="Is it right?", model=model("http://127.0.0.1:9/v1")
    )
    with pytest.raises(UsageError, match="cannot judge the task 'score'"):
        vd.judge(arena, task="score")
    assert vd.judge(FaithfulnessMetric(model=model("http://127.0.0.1:9/v1"))).needs == ("context",)  # type: ignore[attr-defined]


@pytest.mark.parametrize("said", ['{"winner": "Nobody", "reason": "x"}', '{"reason": "x"}', "Alice is better"])
def test_an_arena_winner_that_does_not_compete_is_no_verdict(said: str) -> None:
    with endpoint([ok(said)]) as server:
        metric = ArenaGEval(
            name="better", evaluation_params=SHOWN, evaluation_steps=["Which is right?"], model=model(server.url)
        )
        verdict = ask(vd.judge(metric), Case("Which?", ("one", "two")))
    assert verdict.null == "unparsed"


# --- from the command line


def test_the_command_line_takes_a_metric_and_keeps_it_quiet(tmp_path: Path) -> None:
    """A fresh process whose environment says nothing of telemetry: it is off before DeepEval is imported."""
    brain = Brain(PAIRS, longer=0.4)
    with endpoint([brain.behave(scored)]) as server:
        ask(vd.judge(g_eval(server.url)), PROBE)
        (tmp_path / "my_metric.py").write_text(
            textwrap.dedent(
                f"""
                import httpx
                from deepeval.metrics import GEval
                from deepeval.models import OpenAIModel
                from deepeval.telemetry import telemetry_opt_out
                from deepeval.test_case import SingleTurnParams

                assert telemetry_opt_out()
                metric = GEval(
                    name="right",
                    evaluation_params=[SingleTurnParams.INPUT, SingleTurnParams.ACTUAL_OUTPUT],
                    evaluation_steps=["Is the answer right?"],
                    model=OpenAIModel(
                        model="gpt-4o-mini",
                        api_key={KEY!r},
                        base_url={server.url!r},
                        async_http_client=httpx.AsyncClient(verify=False),
                    ),
                )
                """
            )
        )
        decision = decision_of_command("my_metric:metric", "pairwise", tmp_path, without="DEEPEVAL")
    assert decision == "violated"
