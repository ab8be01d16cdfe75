"""to_verdict: every answer a judge may give, and every one it may not."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from voirdire.harness.cases import Task
from voirdire.harness.errors import JudgeError
from voirdire.harness.judges.python_judge import to_verdict
from voirdire.harness.verdicts import Scale, Verdict

KEY = "sk-planted-0123456789abcdef"


@pytest.mark.parametrize(
    ("answer", "choice"),
    [
        ("A", 0),
        ("b", 1),
        (" Tie ", "tie"),
        ("C", "tie"),
        (0, 0),
        (1, 1),
        (np.int64(1), 1),
        (np.str_("B"), 1),
        ((0.2, 0.9), 1),
        ([3, 1], 0),
        ((5, 5.0), "tie"),
        (np.array([1.0, 2.0]), 1),
        ((Fraction(1, 3), Decimal("0.3")), 0),
    ],
)
def test_pairwise_answers(answer: Any, choice: Any) -> None:
    verdict = to_verdict(answer, "pairwise", Scale(), 2)
    assert verdict.choice == choice
    assert type(verdict.choice) is type(choice)


def test_a_pair_keeps_its_margin() -> None:
    assert to_verdict((0.25, 1.0), "pairwise", Scale(), 2).margin == -0.75
    assert to_verdict("A", "pairwise", Scale(), 2).margin is None
    assert to_verdict((1e308, -1e308), "pairwise", Scale(), 2) == Verdict(choice=0)


@pytest.mark.parametrize("answer", [(float("nan"), 1.0), (1.0, float("inf")), np.array([np.nan, 0.0])])
def test_a_pair_without_numbers_is_null(answer: Any) -> None:
    verdict = to_verdict(answer, "pairwise", Scale(), 2)
    assert verdict.null == "unparsed"
    assert "nan" in str(verdict.reason) or "inf" in str(verdict.reason)


@pytest.mark.parametrize(
    ("answer", "score"), [(7, 7.0), (2.5, 2.5), (np.float32(3), 3.0), (np.array(4), 4.0), (Decimal(1), 1.0), (10, 10.0)]
)
def test_scores(answer: Any, score: float) -> None:
    assert to_verdict(answer, "score", Scale(1, 10), 1).score == score


@pytest.mark.parametrize("answer", [0, 10.01, 11, -3, float("nan"), float("inf"), np.nan, 10**400, Decimal("sNaN")])
def test_scores_outside_the_scale_are_null_never_clipped(answer: Any) -> None:
    verdict = to_verdict(answer, "score", Scale(1, 10), 1)
    assert (verdict.null, verdict.score) == ("unparsed", None)
    assert "outside its scale 1:10" in str(verdict.reason)


@pytest.mark.parametrize(
    ("answer", "grade"),
    [
        (True, True),
        (np.False_, False),
        ("correct", True),
        ("Incorrect", False),
        ("YES", True),
        ("no", False),
        ("pass", True),
        (" fail\n", False),
    ],
)
def test_grades(answer: Any, grade: bool) -> None:
    assert to_verdict(answer, "grade", Scale(), 1).grade is grade


@pytest.mark.parametrize("answer", [(2, 0, 1), [2, 0, 1], np.array([2, 0, 1])])
def test_rankings(answer: Any) -> None:
    assert to_verdict(answer, "ranking", Scale(), 3).ranking == (2, 0, 1)


@pytest.mark.parametrize("task", ["pairwise", "score", "grade", "ranking"])
def test_none_is_no_verdict(task: Task) -> None:
    assert to_verdict(None, task, Scale(), 2) == Verdict(null="unparsed", reason="the judge gave no verdict")


@pytest.mark.parametrize(
    ("task", "answer"),
    [
        ("pairwise", True),
        ("pairwise", np.True_),
        ("pairwise", 2),
        ("pairwise", -1),
        ("pairwise", 1.0),
        ("pairwise", "I think A"),
        ("pairwise", "0"),
        ("pairwise", (1, 2, 3)),
        ("pairwise", (True, False)),
        ("pairwise", ("1", "2")),
        ("pairwise", {"verdict": "A"}),
        ("score", True),
        ("score", "7"),
        ("score", [7]),
        ("score", 1j),
        ("grade", 1),
        ("grade", 0.0),
        ("grade", "maybe"),
        ("ranking", (0, 0, 1)),
        ("ranking", (0, 1)),
        ("ranking", (1, 2, 3)),
        ("ranking", (0.0, 1.0, 2.0)),
        ("ranking", (False, True, 2)),
        ("ranking", "ABC"),
        ("ranking", 0),
        ("score", Verdict(choice=0)),
        ("pairwise", Verdict(score=1.0)),
        ("pairwise", Verdict(choice=5)),
        ("ranking", Verdict(ranking=(0, 1))),
    ],
)
def test_anything_else_is_an_error_that_shows_it(task: Task, answer: Any) -> None:
    n = {"pairwise": 2, "ranking": 3}.get(task, 1)
    with pytest.raises(JudgeError, match=f"no {task} verdict"):
        to_verdict(answer, task, Scale(), n)


def test_the_error_about_an_answer_names_type_value_and_what_is_accepted() -> None:
    with pytest.raises(JudgeError) as caught:
        to_verdict({"winner": KEY + "x" * 500}, "pairwise", Scale(), 2)
    message = str(caught.value)
    assert "(dict)" in message
    assert "a pair of numbers" in message
    assert "planted" not in message
    assert len(message) < 400


def test_verdicts_pass_through() -> None:
    verdict = Verdict(choice=1, rationale="because", probabilities={"0": 0.2, "1": 0.8})
    assert to_verdict(verdict, "pairwise", Scale(), 2) is verdict
    refused = Verdict(null="refused", reason="no")
    assert to_verdict(refused, "score", Scale(), 1) is refused
    assert to_verdict(Verdict(score=11.0), "score", Scale(1, 10), 1).null == "unparsed"
