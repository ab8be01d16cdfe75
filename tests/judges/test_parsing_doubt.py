"""Signs, points, scales, questions, second thoughts and cuts: what may mean another verdict is none."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from voirdire.harness.cases import Case, Task
from voirdire.harness.judges.base import Message, Reply
from voirdire.harness.judges.parsing import (
    PARSERS,
    find_parser,
    parse_grade,
    parse_pairwise,
    parse_ranking,
    parse_score,
)
from voirdire.harness.judges.prompted import PromptedJudge
from voirdire.harness.judges.prompts import default_protocol
from voirdire.harness.verdicts import Scale, Verdict

SIGNED, TEN, HUNDRED, FIVE = Scale(-5, 5), Scale(1, 10), Scale(0, 100), Scale(1, 5)


@pytest.mark.parametrize(
    ("reply", "scale", "score"),
    [
        # a sign belongs to its number
        ("-4", SIGNED, -4),
        ("Poor answer.\n\n-4", SIGNED, -4),
        ("-4\n\nPoor answer.", SIGNED, -4),
        ("**-4**", SIGNED, -4),
        ("[[-4]]", SIGNED, -4),
        ("−4", SIGNED, -4),
        ("－４", SIGNED, -4),
        ("＋４", SIGNED, 4),
        ("Score: −4", SIGNED, -4),
        ("<score>-4</score>", SIGNED, -4),
        ('{"score": -4}', SIGNED, -4),
        ('{"score": "-4"}', SIGNED, -4),
        ("I give it −4.", SIGNED, -4),
        ("It deserves -3.", SIGNED, -3),
        ("It gets −3/5 in all.", SIGNED, None),
        ("-5", TEN, None),
        ("Reason.\n-5", TEN, None),
        ("–4", SIGNED, None),
        ("‑4", SIGNED, None),
        ("Score: - 3", SIGNED, None),
        # an item of a list, or less than nothing
        ("Fine.\n- 3", SIGNED, None),
        ("Fine.\n- 3", TEN, 3),
        # a point belongs to its number
        ("-.1", Scale(-1, 1), -0.1),
        (".5", TEN, None),
        (".5", Scale(0, 10), 0.5),
        ("[.8]", TEN, None),
        ("[[.85]]", HUNDRED, 0.85),
        ('{"score": ".85"}', HUNDRED, 0.85),
        ("Score: .8", Scale(0, 1), 0.8),
        ("8.", TEN, 8),
        (",5", TEN, None),
        # a product is no number
        ("2*3", HUNDRED, None),
        ("Score: 8*9", HUNDRED, None),
        ("Score: 2**3", HUNDRED, None),
        ("Score: 8_9", HUNDRED, None),
        ("Score: 8−9", TEN, None),
        ("Score: **8**/10", TEN, 8),
        ("Score: __8__", TEN, 8),
        # of another scale
        ("Score: 4 (out of 10)", FIVE, None),
        ("Score: 4 (of 10 points)", FIVE, None),
        ("Score: 4, out of a possible 10", FIVE, None),
        ("Score: 4 (on a scale of 1 to 10)", FIVE, None),
        ("Score: 4 on a 10-point scale", FIVE, None),
        ("Score: 4 points (max 10)", FIVE, None),
        ("评分：4分（满分10分）", FIVE, None),
        ("评分：4分（满分5分）", FIVE, 4),
        ("Score: 4 (out of 5)", FIVE, 4),
        ("Score: 8 (on a scale of 1 to 10)", TEN, 8),
        # changed at once
        ("Score: 8 -> 6", TEN, None),
        ("Score: 8 → 6", TEN, None),
        ("Score: 8, or rather 6.", TEN, None),
        ("Score: 8. Actually 6.", TEN, None),
        ("Score: 8 minus 2", TEN, None),
        ("Score: 8, 9", TEN, None),
        ("Score: 8 9", TEN, None),
        ("| Score | 8 | 9 |", TEN, None),
        ("Score: 8, 3 issues were found.", TEN, 8),
        ("Score: 8+", TEN, None),
        ("Score: 8:3", TEN, None),
        ("Score: <8", TEN, None),
        ("Score: <8>", TEN, 8),
        ("[[1]]0", TEN, None),
        ("I would give it an 8, but the mistakes make it a 3.", TEN, None),
        ('{"score": 3, "score": 8}', TEN, None),
        ('{"score": 8, "score": 8}', TEN, 8),
        ("not\n7", TEN, None),
        ("less than\n7", TEN, None),
    ],
)
def test_scores(reply: str, scale: Scale, score: float | None) -> None:
    assert parse_score(reply, scale=scale).score == score


@pytest.mark.parametrize(
    ("reply", "scale", "score"),
    [
        ("[RESULT] 4", FIVE, 4),
        ("[RESULT] 4.", FIVE, 4),
        ("[RESULT] (4)", FIVE, 4),
        ("[RESULT] 4/5", FIVE, 4),
        ("[RESULT] −4", SIGNED, -4),
        ("[RESULT] 4/10", FIVE, None),
        ("[RESULT] 4 out of 10", FIVE, None),
        ("[RESULT] 4,5", FIVE, None),
        ("[RESULT] 3 or 4", FIVE, None),
        ("[RESULT] 3-4", FIVE, None),
        ("[RESULT] .5", FIVE, None),
    ],
)
def test_results(reply: str, scale: Scale, score: float | None) -> None:
    assert find_parser("result", "score").parse(reply, task="score", scale=scale).score == score


@pytest.mark.parametrize(
    ("reply", "margin"),
    [
        ("9 7\nAssistant 1 is better.", 2),
        ("9, 7", 2),
        ("9 / 7", 2),
        # one score of ten, or with a decimal comma
        ("9/10\n7/10\nAssistant 1 is better.", None),
        ("Assistant 1 is better.\n9/10", None),
        ("7,2\n7,8", None),
        ("Score of Assistant 1: 9\nScore of Assistant 2: 7", 2),
        ("Score of Assistant 1: 9/10\nScore of Assistant 2: 7/10", 2),
        ("Score of Assistant 1: 7,2\nScore of Assistant 2: 7,8", None),
        ("Score of Assistant 1: 7\nScore of Assistant 2: 8-9", None),
        ("Score of Assistant 1: 90/100\nScore of Assistant 2: 7/10", None),
        ("Score of Assistant 1: -7\nScore of Assistant 2: 7", None),
    ],
)
def test_two_scores(reply: str, margin: float | None) -> None:
    read = find_parser("two-scores", "pairwise").parse(reply, task="pairwise", scale=TEN)
    assert (read.margin, read.null is None) == (margin, margin is not None)


@pytest.mark.parametrize(
    "question",
    [
        *("Is the answer incomplete", "Does it omit the key step", "Is it outdated", "Is the claim unsupported"),
        *("Did the response misread the question", "Is it off", "Is the correct answer omitted", "Is it not correct"),
        *("Is it far from correct", "Does it contain errors", "Is the answer to the second part right", "Is it long"),
    ],
)
@pytest.mark.parametrize("answer", ["Yes", "Yes.", "No", "No.", "Yes, it is."])
@pytest.mark.parametrize("between", [" ", "\n", "\n\n"])
def test_the_answer_to_another_question_is_no_grade(question: str, answer: str, between: str) -> None:
    assert parse_grade(f"{question}?{between}{answer}").grade is None


@pytest.mark.parametrize(
    "question",
    [
        *("Is it correct", "Is the answer correct", "Is the student's answer factually accurate", "Correct"),
        *("Does the response match the reference answer", "Is the claim supported by the document"),
        *("Does it answer the question correctly", "1. Is the final answer right", "Is it consistent with the context"),
    ],
)
@pytest.mark.parametrize("between", [" ", "\n"])
def test_the_answer_to_the_question_of_correctness_is_one(question: str, between: str) -> None:
    assert parse_grade(f"{question}?{between}Yes.").grade is True
    assert parse_grade(f"{question}?{between}No.").grade is False
    assert parse_grade(f"{question}? Yes, but only in part.").grade is None


@pytest.mark.parametrize(
    ("reply", "grade"),
    [
        ("not\ncorrect", None),
        ("It is not quite\ncorrect", None),
        ("It is in-\ncorrect", None),
        ("Checked every step.\ncorrect", True),
        ("!correct", None),
        ("correct: 3, incorrect: 2", None),
        ("Correct: Paris.", None),
        ("Correct: it names Paris.", True),
        ("Incorrect: it says 5.", False),
        ("no - everything is right", None),
        ("No, there are no errors.", None),
        ("Yes, it has two mistakes.", None),
        ("Yes, it has no mistakes.", True),
        ("Yes, it is correct.", True),
        ("No, the correct answer is 5.", False),
        ("Yes, partially.", None),
        ("No. Yes.", None),
        ("The answer is correct, except for the date.", None),
        ("Verdict: correct, except for the date.", None),
        ("Verdict: correct (mostly)", None),
        ("Verdict: correct (as the reference says)", True),
        ("Errors found:\nYes", None),
        ("Final verdict:\nYes", True),
    ],
)
def test_grades(reply: str, grade: bool | None) -> None:
    assert parse_grade(reply).grade is grade


@pytest.mark.parametrize(
    ("reply", "choice"),
    [
        ("The better one is not\nA", None),
        ("A and\nB", None),
        ("I compared them\nB", 1),
        ("I compared them.\n\n---\n\nB", 1),
        ("I compared them.\n***\n**B**", 1),
        ("-A", 0),
        ("- A", 0),
        ("!A", None),
        ("B-", None),
        ("Better response: B, no wait, A.", None),
        ("Verdict: B. No, A.", None),
        ("Verdict: A\nNo wait. B.", None),
        ("Verdict: A - just kidding, B", None),
        ("Verdict: A -> B", None),
        ("Verdict: A\n\nEdit: B", None),
        ('{"winner": "A", "winner": "B"}', None),
        ("[[A]] Actually, [[B]]", 1),
        ("Verdict: B. No other answer comes close.", 1),
        ("[[B]]\nActually, both are long.", 1),
    ],
)
def test_pairs(reply: str, choice: int | None) -> None:
    assert parse_pairwise(reply).choice == choice


@pytest.mark.parametrize(
    ("reply", "ranking"),
    [
        ("Ranking (best to worst): 3 > 1 > 2", (2, 0, 1)),
        ("Ranking (worst to best): 3 > 1 > 2", None),
        ("From worst to best:\n3 > 1 > 2", None),
        ('{"ranking": [2, 3, 1]}', (1, 2, 0)),
        # the answers in order, or the rank of each answer
        ('{"ranks": [2, 3, 1]}', None),
        ('{"ranks": [2, 1, 3]}', (1, 0, 2)),
        ('{"ranks": ["B", "C", "A"]}', (1, 2, 0)),
    ],
)
def test_rankings(reply: str, ranking: tuple[int, ...] | None) -> None:
    assert parse_ranking(reply, n=3).ranking == ranking


def test_a_result_that_names_both_is_none() -> None:
    for reply, choice in (("[RESULT] A", 0), ("[RESULT] A or B", None), ("[RESULT] A/B", None)):
        assert PARSERS["result"].parse(reply, task="pairwise").choice == choice


# --- replies that were cut off ---------------------------------------------------------------------------------------


class Cut:
    """A chat model that was stopped."""

    name = "cut"
    paid = False
    concurrency = None
    deterministic = False
    first_token_only = False

    def __init__(self, text: str, finish: str) -> None:
        self.identity: dict[str, object] = {}
        self.reply = Reply(text, finish_reason=finish)

    async def complete(self, messages: Sequence[Message], *, sample: int) -> Reply:
        return self.reply

    async def aclose(self) -> None:
        return


def cut(text: str, task: Task, finish: str = "length") -> Verdict:
    case = Case("Why?", ("One.", "Two.")[: 2 if task == "pairwise" else 1])
    judge = PromptedJudge(Cut(text, finish), default_protocol(task, TEN))
    return asyncio.run(judge.judge(case, sample=0))


@pytest.mark.parametrize(
    ("text", "task", "value"),
    [
        ("The answer is complete.\n\nScore: 1", "score", None),
        ("Score: 8.", "score", None),
        ("Score: 10 minus 2 for errors, so the final score is 1", "score", None),
        ('{"score": 1', "score", None),
        ('{"clarity": {"score": 3}, "overall": {"sco', "score", None),
        ("I give it 8 because", "score", None),
        ("First, clarity: A is better.\nSecond, correctness: B is right where A", "pairwise", None),
        ("Verdict: A", "pairwise", None),
        ("Verdict: A, or", "pairwise", None),
        ("A", "pairwise", None),
        ("The answer is correct.\nBut the", "grade", None),
        # it stands complete before the cut
        ("[[A]] because", "pairwise", 0),
        ("Compared.\n[[A]]", "pairwise", 0),
        ("A\n\nThe first is more", "pairwise", 0),
        ("Score: 8\n\nThe answer", "score", 8),
        ('{"score": 8, "reason": "it', "score", 8),
        ('{"score": 8}', "score", 8),
        ("Verdict: correct. It", "grade", True),
    ],
)
def test_a_cut_may_have_taken_the_verdicts_end(text: str, task: Task, value: object) -> None:
    read = cut(text, task)
    assert (read.value, read.null) == (value, None if value is not None else "unparsed")
    assert value is not None or "raise max_tokens" in (read.reason or "")
    # withheld from there on by the service's filter: the same, by its own name
    filtered = cut(text, task, "content_filter")
    assert (filtered.value, filtered.null) == (value, None if value is not None else "refused")
