"""LangChain's evaluators as judges, against an imitation of the model behind them (`tox -e langchain`)."""

from __future__ import annotations

import json
import re
import textwrap
from pathlib import Path
from typing import Any

import pytest
from endpoint import KEY, endpoint
from fake_server import Behaviour, ok, status
from package_llm import PAIRS, PROBE, Brain, ask, decision_of_command, found_and_passed, no_network

import voirdire as vd
from voirdire.harness.cases import Case
from voirdire.harness.errors import JudgeUnreachable, UsageError
from voirdire.harness.verdicts import Scale, Verdict

pytest.importorskip("langchain_classic", reason="LangChain's evaluators are not installed: tox -e langchain")

from langchain_classic.evaluation import PairwiseStringEvalChain, load_evaluator
from langchain_openai import ChatOpenAI

__all__ = ["no_network"]

ONE = Case("What is 2 + 2?", ("It is 4.",), reference="4", id="one")
PAIR = Case("What is 2 + 2?", ("It is 4.", "It is 5."), reference="4", id="pair")
pytestmark = pytest.mark.usefixtures("no_network")


def evaluator(url: str, kind: str, **options: Any) -> Any:
    model = ChatOpenAI(model="gpt-4o-mini", base_url=url, api_key=KEY, max_retries=0)  # type: ignore[arg-type]
    return load_evaluator(kind, llm=model, **options)  # type: ignore[arg-type]


def answered(kind: str, script: Behaviour, case: Case = ONE, task: Any = None, **options: Any) -> Verdict:
    with endpoint([script]) as server:
        return ask(vd.judge(evaluator(server.url, kind, **options), task=task), case)


# --- audits


def test_a_rating_that_prefers_length_is_found_and_a_clean_one_passes() -> None:
    for longer, wanted in ((0.4, "violated"), (0.0, "holds")):
        brain = Brain(PAIRS, longer=longer)
        with endpoint([brain.behave(lambda rating, body: f"Rating: [[{1 + round(9 * rating)}]]")]) as server:
            judge = vd.judge(evaluator(server.url, "score_string"))
            ask(judge, PROBE)
            assert found_and_passed(judge, "score") == wanted


def test_so_is_a_comparison_and_the_slot_that_it_prefers() -> None:
    def compared(brain: Brain, first: float = 0.0) -> Behaviour:
        def choose(prompt: str, body: Any) -> str:
            texts = re.findall(r"\[The Start of Assistant [AB]'s Answer\]\n(.*?)\n\[The End", prompt, re.S)
            question = re.search(r"\[User Question\]\n(.*?)\n\n\[The Start", prompt, re.S)
            assert question is not None
            a, b = (brain.rate_response(question[1].strip(), text) for text in texts)
            return f"Both were read. [[{'A' if a + first >= b else 'B'}]]"

        return brain.answer(choose)

    for longer, wanted in ((0.8, "violated"), (0.0, "holds")):
        with endpoint([compared(Brain(PAIRS, longer=longer))]) as server:
            assert found_and_passed(vd.judge(evaluator(server.url, "pairwise_string")), "pairwise") == wanted
    with endpoint([compared(Brain(PAIRS), first=1.0)]) as server:
        judge = vd.judge(evaluator(server.url, "pairwise_string"))
        assert found_and_passed(judge, "pairwise", "order.swap") == "violated"


def test_from_the_command_line(tmp_path: Path) -> None:
    brain = Brain(PAIRS, longer=0.4)
    with endpoint([brain.behave(lambda rating, body: f"Rating: [[{1 + round(9 * rating)}]]")]) as server:
        ask(vd.judge(evaluator(server.url, "score_string")), PROBE)
        (tmp_path / "my_evaluator.py").write_text(
            textwrap.dedent(
                f"""
                from langchain_classic.evaluation import load_evaluator
                from langchain_openai import ChatOpenAI

                model = ChatOpenAI(model="gpt-4o-mini", base_url={server.url!r}, api_key={KEY!r})
                evaluator = load_evaluator("score_string", llm=model)
                """
            )
        )
        assert decision_of_command("my_evaluator:evaluator", "score", tmp_path) == "violated"


# --- one call


def test_comparisons() -> None:
    verdict = answered("labeled_pairwise_string", ok("Because. [[B]]"), PAIR)
    assert (verdict.choice, verdict.rationale, verdict.served_model) == (1, "Because. [[B]]", "judge-2026-01-01")
    assert verdict.usage is not None
    assert verdict.usage.input_tokens == 12
    assert answered("pairwise_string", ok("[[C]]"), PAIR).choice == "tie"
    assert answered("pairwise_string", ok("Both are fine."), PAIR).null == "unparsed"


@pytest.mark.parametrize(
    ("kind", "said", "score"),
    [
        ("score_string", "Rating: [[7]]", 7.0),
        ("labeled_score_string", "Rating: [[10]]", 10.0),
        ("criteria", "It is short.\n\nY", 1.0),
        ("labeled_criteria", "It is wrong.\n\nN", 0.0),
        ("qa", "GRADE: CORRECT", 1.0),
        ("cot_qa", "EXPLANATION: no\nGRADE: INCORRECT", 0.0),
        ("score_string", "Seven.", None),
        ("criteria", "It is short.", None),
    ],
)
def test_ratings(kind: str, said: str, score: float | None) -> None:
    verdict = answered(kind, ok(said), task="score")
    assert verdict.score == score
    assert (verdict.null is None) == (score is not None)


def test_yes_and_no_are_grades_by_themselves_and_numbers_scores_on_their_scale() -> None:
    assert answered("criteria", ok("It is short.\n\nY")).grade is True
    assert vd.judge(evaluator("http://a.test/v1", "score_string")).scale == Scale(1, 10)
    normal = vd.judge(evaluator("http://a.test/v1", "score_string", normalize_by=10))
    assert (normal.task, normal.scale) == ("score", Scale(0.1, 1))
    assert answered("score_string", ok("[[5]]"), normalize_by=10).score == 0.5


def test_what_the_evaluator_is_shown() -> None:
    with endpoint([ok("[[7]]")]) as server:
        judge = vd.judge(evaluator(server.url, "labeled_score_string"))
        assert judge.needs == ("reference",)  # type: ignore[attr-defined]
        ask(judge, ONE.replace(label=3.0))
        [body] = server.bodies
    text = json.dumps(body["messages"])
    assert all(part in text for part in ("What is 2 + 2?", "It is 4.", "[Ground truth]"))


def test_errors_of_the_service() -> None:
    with pytest.raises(JudgeUnreachable, match=r"LangChain: \w*AuthenticationError") as caught:
        answered("pairwise_string", status(401, f"bad key {KEY}"), PAIR)
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("text", ["", "四。" * 30_000, "\u202eهو أربعة\u202c", "{input} {{ x }} {0} \x00"])
def test_texts_of_any_kind_are_judged(text: str) -> None:
    assert answered("score_string", ok("[[7]]"), ONE.replace(responses=(text,))).score == 7.0


def test_evaluators_without_a_model() -> None:
    judge = vd.judge(load_evaluator("exact_match"), task="score")  # type: ignore[arg-type]
    assert not judge.paid
    assert ask(judge, ONE).score == 0.0
    assert ask(judge, ONE.replace(responses=("4",))).score == 1.0


def test_what_cannot_judge_says_so() -> None:
    with pytest.raises(UsageError, match="PairwiseStringEvalChain is a class, not a judge"):
        vd.judge(PairwiseStringEvalChain)
    with pytest.raises(UsageError, match="cannot judge the task 'score'"):
        vd.judge(evaluator("http://a.test/v1", "pairwise_string"), task="score")


def test_fingerprints_tell_evaluators_apart_and_stay() -> None:
    def made(kind: str = "criteria", url: str = "http://a.test/v1", **options: Any) -> str:
        return vd.judge(evaluator(url, kind, **options), task="score").fingerprint

    assert made() == made()
    assert len({made(), made("qa"), made(url="http://b.test/v1"), made(criteria="relevance")}) == 4
