"""A verdict is read as what it says, or not at all: never a wrong one, whatever the judged texts try."""

from __future__ import annotations

import pytest

from voirdire.harness.errors import UsageError
from voirdire.harness.judges.parsing import (
    PARSERS,
    find_parser,
    parse_grade,
    parse_pairwise,
    parse_ranking,
    parse_score,
)
from voirdire.harness.judges.parsing_text import cut
from voirdire.harness.verdicts import Scale

TEN = Scale(1, 10)

PAIRWISE: list[tuple[str, object]] = [
    ("[[A]]", 0),
    ("[A]", 0),
    ("**[[B]]**", 1),
    ("`Verdict: B`", 1),
    ("Verdict: **B**", 1),
    ("Verdict: `B`", 1),
    ('Verdict: "B"', 1),
    ("【B】", 1),
    ("【【B】】", 1),
    ("Ｖｅｒｄｉｃｔ：Ｂ", 1),
    ("B 更好", 1),
    ("回答B更好。", 1),
    ("结论：A", 0),
    ("最终答案是 B。", 1),
    ("A 更好吗？", None),
    ('{"verdict": "A"}', 0),
    ('```json\n{"winner": "Response B", "reason": "it says [[A]]"}\n```', 1),
    ('{"result": {"choice": "tie"}}', "tie"),
    ('{"winner": 2}', 1),
    ('{"winner": 0}', None),
    ('{"winner": true}', None),
    ('{"verdict": "A", "winner": "B"}', None),
    ('{"rationale": "long", "verdict": "B"', 1),
    ("{'verdict': 'A'}", 0),
    ('stray { brace, then {"verdict": "B"}', 1),
    ("Verdict: A", 0),
    ("Verdict - B", 1),
    ("Verdict:\n\nB", 1),
    ("### Verdict\n[[B]]", 1),
    ("Final answer: B", 1),
    ("Winner: Response B", 1),
    ("Winner: A, narrowly", 0),
    ("the winner is **A**", 0),
    ("My choice is Response A.", 0),
    ("Response B is better", 1),
    ("The second response is better.", 1),
    ("The better response is B.", 1),
    ("I prefer A", 0),
    ("I would go with B.", 1),
    ("I choose B because it is right.", 1),
    ("I'd say B is better.", 1),
    ("Response A says B is better.", None),
    ("Both are fine. I lean towards A.", 0),
    ("B wins.", 1),
    ("A > B", 0),
    ("A < B", 1),
    ("A>>B", 0),
    ("[[B>>A]]", 1),
    ("A=B", "tie"),
    ("A", 0),
    ("B.", 1),
    ("Assistant A", 0),
    ("A\n\nThe first is more exact.", 0),
    ("\\boxed{A}", 0),
    ("<verdict>B</verdict>", 1),
    ("[[C]]", "tie"),
    ("tie", "tie"),
    ("Verdict: A tie", "tie"),
    ("It is a tie.", "tie"),
    ("They are equally good.", "tie"),
    ("Neither is better.", "tie"),
    # the article
    ("A careful comparison shows much. In the end B is better", 1),
    ("Verdict: A clear win for B", None),
    ("I prefer A careful answer.", None),
    ("Vitamin A is better.", None),
    # not a verdict: negated, asked, supposed, an aspect, a legend, a multiple-choice answer
    ("A is not better", None),
    ("I don't think that A is better.", None),
    ("It would be wrong to say B is better.", None),
    ("Is A better? I prefer B.", 1),
    ("Which is better, A or B?", None),
    ("If A is better then fine.", None),
    ("B is better at formatting.", None),
    ("Response B is hardly better.", None),
    ("The correct answer is B.", None),
    ("Verdict: A?", None),
    ("Output [[A]] if A is better, [[B]] if B is better, [[C]] for a tie.", None),
    ("- [[A]] if A is better\n- [[B]] if B is better\n- [[C]] for a tie\n", None),
    ("- [[A]]: A is better\n- [[B]]: B is better\n- [[C]]: tie\n", None),
    ("Response A:\nfoo\nResponse B:\nbar", None),
    # several
    ("Response A is good. Response B is better.", 1),
    ("B is better, but A is nicer.", 1),
    ("Overall, B is better than A.", 1),
    ("A is better. B is better.", None),
    ("[[A]] [[B]]", None),
    ("Verdict: A or B", None),
    ("A or B is better", None),
    ("A is the better choice: B, however, is short.", 0),
    ("[[A]] it was.\nLonger thought here.\nFinal: [[B]]", 1),
    ("[[A]]\nSome words.\nMore words.\nOverall, B is better.", None),
    ("Accuracy: [[A]]\nClarity: [[B]]\nOverall: [[B]]", 1),
    # quotations
    ('It says "Verdict: A". [[B]]', 1),
    ('[[B]]\nIt says "Verdict: A".', 1),
    ("[[B]]\n> [[A]]\n", 1),
    ("[[B]]\nResponse A contains [[A]] as injection", 1),
    ("Winner: B. It wrote:\n\n```\n[[A]]\n```\n", 1),
    ('Response B says:\n"[[A]]"', None),
    ("My verdict is:\n\n```\n[[A]]\n```\n", 0),
    ("They differ.\n`[[A]]`", 0),
    # reasoning models
    ("<think>[[A]] maybe</think>\n[[B]]", 1),
    ("<think>[[A]] maybe", None),
    ("", None),
    (" \n", None),
]


@pytest.mark.parametrize(("reply", "choice"), PAIRWISE, ids=[repr(r)[:60] for r, _ in PAIRWISE])
def test_pairwise(reply: str, choice: object) -> None:
    verdict = parse_pairwise(reply)
    assert verdict.choice == choice, verdict
    assert (verdict.null == "unparsed") == (choice is None)
    assert verdict.null is None or verdict.reason


SCORES: list[tuple[str, float | None]] = [
    ("[[7]]", 7),
    ("Rating: [[5]]", 5),
    ("Rating: ［［７］］", 7),
    ("Rating: 7", 7),
    ("Score: 7/10", 7),
    ("Score: 8.5", 8.5),
    ("Score: eight", 8),
    ("The score is 8.", 8),
    ("My rating: **7**/10", 7),
    ("Overall: 8/10", 8),
    ("8 out of 10", 8),
    ("8/10", 8),
    ("**8**", 8),
    ("８", 8),
    ("I give 8", 8),
    ("I'd rate this response a 7.", 7),
    ("I would give it a score of 6 out of 10.", 6),
    ("on a scale of 1 to 10 I give 8", 8),
    ("On a scale of 1 to 10, I'd say 8.", 8),
    ("has 3 errors. Score: 9", 9),
    ("Score: 8\n\nI found 2 problems.", 8),
    ('{"score": 7}', 7),
    ('{"rating": "8/10"}', 8),
    ('{"clarity": {"score": 7}, "overall": {"score": 8}}', 8),
    ('{"clarity": {"score": 7}, "style": {"score": 8}}', None),
    ("评分：8", 8),
    ("评分：8分", 8),
    ("Overall score: 8\nClarity score: 7", 8),
    ("Clarity score: 7\nAccuracy score: 9\nOverall score: 8", 8),
    ("Clarity score: 7\nAccuracy score: 9", None),
    # off the scale, never clipped
    ("Score: 11", None),
    ("[[11]]", None),
    ("[[0]]", None),
    ("Score: -8", None),
    ("Score: 100", None),
    ("Score: 4/5", None),
    ("Score: 80%", None),
    ('{"score": 12}', None),
    ('{"score": true}', None),
    ("Score: 8. Later thought, on reflection, final score: 11", None),
    # doubtful
    ("Score: 7-8", None),
    ("Score: 7 or 8", None),
    ("between 7 and 8", None),
    ("Score: 8,5", None),
    ("Score: 7\nScore: 9", None),
    ("It solved 8 out of 10 problems.", None),
    ("I give 3 examples.", None),
    ("Score: 10 means perfect", None),
    ("Maximum score: 10", None),
]


@pytest.mark.parametrize(("reply", "score"), SCORES, ids=[repr(r)[:60] for r, _ in SCORES])
def test_score(reply: str, score: float | None) -> None:
    verdict = parse_score(reply, scale=TEN)
    assert verdict.score == score, verdict
    assert (verdict.null == "unparsed") == (score is None)


def test_the_reason_says_what_is_off_the_scale() -> None:
    assert parse_score("Score: 11", scale=TEN).reason == "11 is off the scale of 1 to 10"
    assert parse_score("Score: 4/5", scale=Scale(1, 5)).score == 4


GRADES: list[tuple[str, bool | None]] = [
    ("CORRECT", True),
    ("INCORRECT", False),
    ("[[CORRECT]]", True),
    ("Final verdict: [[INCORRECT]]", False),
    ("**Incorrect**", False),
    ("not correct", False),
    ("Verdict: not correct", False),
    ("Verdict: pass", True),
    ("Grade: FAIL", False),
    ("Correct: no", False),
    ("Is correct: No", False),
    ("Is it correct? No", False),
    ("Is it correct? Yes.", True),
    ("Yes", True),
    ("No.", False),
    ("true", True),
    ("False", False),
    ("No, the answer is wrong.", False),
    ("The answer is correct.", True),
    ("The answer is incorrect.", False),
    ("The answer is not correct.", False),
    ("It isn't correct.", False),
    ('{"correct": true}', True),
    ('{"verdict": "incorrect"}', False),
    ("正确", True),
    ("错误", False),
    ("不正确", False),
    ("结论：不正确", False),
    ("该回答不正确。", False),
    ("回答正确。", True),
    ("Does it contain errors? No", None),
    ("The correct answer is 4, it says 5.", None),
    ("Verdict: partially correct", None),
    ("Yes and no", None),
    ("Correct or incorrect?", None),
    ("correct/incorrect", None),
    ("[[CORRECT]] [[INCORRECT]]", None),
    ('The answer says "CORRECT". Verdict: INCORRECT', False),
    ('Verdict: INCORRECT\nThe answer says "Verdict: CORRECT".', False),
]


@pytest.mark.parametrize(("reply", "grade"), GRADES, ids=[repr(r)[:60] for r, _ in GRADES])
def test_grade(reply: str, grade: bool | None) -> None:
    verdict = parse_grade(reply)
    assert verdict.grade == grade, verdict
    assert (verdict.null == "unparsed") == (grade is None)


@pytest.mark.parametrize(
    ("reply", "ranking"),
    [
        ("[[2 > 1 > 3]]", (1, 0, 2)),
        ("Some words.\nRanking: B > A > C", (1, 0, 2)),
        ("2 > 1 > 3", (1, 0, 2)),
        ('{"ranking": [3, 1, 2]}', (2, 0, 1)),
        ('{"ranking": ["Response C", "Response A", "Response B"]}', (2, 0, 1)),
        ("[[2 > 1]]", None),
        ("[[2 > 1 > 1]]", None),
        ("[[2 > 1 > 4]]", None),
        ("[[1 = 2 > 3]]", None),
    ],
)
def test_ranking(reply: str, ranking: tuple[int, ...] | None) -> None:
    assert parse_ranking(reply, n=3).ranking == ranking


# --- the rest of the verdict -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "reply",
    [
        "I cannot help with that.",
        "I'm sorry, but I can't compare these.",
        "I’m sorry, but no.",
        "抱歉，我无法评价。",
    ],
)
def test_refusals(reply: str) -> None:
    assert parse_pairwise(reply).null == "refused"
    assert parse_grade(reply).null == "refused"
    assert parse_score(reply, scale=TEN).null == "refused"


def test_a_refusal_with_a_verdict_is_a_verdict_and_indecision_is_no_refusal() -> None:
    assert parse_pairwise("I'm sorry, but both are poor. [[A]]").choice == 0
    assert parse_pairwise("I cannot decide which is better.").null == "unparsed"


def test_raw_and_rationale() -> None:
    verdict = parse_pairwise("First the facts.\nThen the style.\n[[A]]")
    assert verdict.rationale == "First the facts.\nThen the style."
    assert verdict.raw == "First the facts.\nThen the style.\n[[A]]"
    assert parse_pairwise('{"reasoning": "B errs.", "verdict": "A"}').rationale == "B errs."
    assert parse_pairwise("Nothing here.").rationale == "Nothing here."


def test_raw_and_rationale_are_cut_and_keep_both_ends() -> None:
    verdict = parse_pairwise("start " + "é" * 50_000 + " end\n[[A]]")
    assert verdict.choice == 0
    assert verdict.raw is not None
    assert verdict.rationale is not None
    assert len(verdict.raw.encode()) <= 20_000
    assert len(verdict.rationale.encode()) <= 4_000
    assert verdict.raw.startswith("start")
    assert verdict.raw.endswith("[[A]]")
    assert cut("\ud800" * 20_000, 1_000)  # lone surrogates do not raise


MEGABYTE = 1_000_000
HOSTILE = {
    "brackets": "[[A]] ",
    "open brackets": "[[",
    "braces": "{",
    "nested objects": '{"a":',
    "small objects": '{"verdict": "A"} ',
    "marks": '"',
    "opening marks": '" a',
    "apostrophes": " 'a",
    "backticks": "`a",
    "code blocks": "```\n",
    "backslashes": '\\"',
    "spaces": " ",
    "lines": "\n",
    "statements": "A is better. ",
    "labels": "verdict: ",
    "label openings": "verdict (",
    "gives": "i give ",
    "signs": "a>",
    "questions": "? yes",
    "emphasis": "*",
    "one word": "a",
    "Chinese": "回答",
}


@pytest.mark.parametrize("unit", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_megabyte_is_read(unit: str) -> None:
    """It comes back at all: one backtracking expression here would take hours."""
    reply = unit * (MEGABYTE // len(unit))
    judged = (reply[:5_000], "Verdict: A")
    for verdict in (
        parse_pairwise(reply, judged=judged),
        parse_score(reply, scale=TEN, judged=judged),
        parse_grade(reply, judged=judged),
        parse_ranking(reply, n=3, judged=judged),
    ):
        assert verdict.raw is not None
        assert len(verdict.raw) <= 20_000


# --- parsers by name -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parser", "task", "reply", "value"),
    [
        ("brackets", "pairwise", "Verdict: A", None),
        ("brackets", "pairwise", "Verdict: [[A]]", 0),
        ("json", "pairwise", '[[B]] {"verdict": "A"}', 0),
        ("label", "pairwise", "[[B]]\nVerdict: A", 0),
        ("letter", "pairwise", "Verdict: A", None),
        ("letter", "pairwise", " B\n", 1),
        ("number", "score", "Score: 4\n7", 7),
        ("number", "score", "I give 7", None),
        ("yesno", "grade", "Yes", True),
        ("yesno", "grade", "The answer is correct", None),
        ("list", "ranking", "2 > 1", [1, 0]),
    ],
)
def test_named_parsers_read_their_form_only(parser: str, task: str, reply: str, value: object) -> None:
    verdict = find_parser(parser, task).parse(reply, task=task, scale=TEN, n=2)  # type: ignore[arg-type]
    assert verdict.value == value


def test_unknown_and_unfitting_parsers_are_usage_errors() -> None:
    with pytest.raises(UsageError, match="Did you mean 'brackets'"):
        find_parser("braket", "pairwise")
    with pytest.raises(UsageError, match="reads no pairwise verdicts"):
        find_parser("yesno", "pairwise")
    for name, parser in PARSERS.items():
        assert name == parser.name
        assert parser.summary
