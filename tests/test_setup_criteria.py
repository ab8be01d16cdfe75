"""What answers are judged by, damaged: a rubric turned round, masked or made gibberish, a wrong reference."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Sequence

import pytest
from planted_chat import ByTheBook, PlantedChat, answers_of

from voirdire._compose import AuditRequest, AuditResult, audit_async
from voirdire.harness.cases import Case, FollowUp, Label, Task
from voirdire.harness.errors import NotApplicable
from voirdire.harness.followups import FollowUps
from voirdire.harness.judges.base import Judge
from voirdire.harness.judges.exposed import ExposedPrompt
from voirdire.harness.judges.mock import mock_judge
from voirdire.harness.judges.prompted import PromptedJudge
from voirdire.harness.judges.prompts import load_prompt
from voirdire.harness.targets import after_damage
from voirdire.harness.verdicts import Scale
from voirdire.suites.builtin_cases import builtin_cases

RUBRIC = ("setup.rubric-flipped", "setup.rubric-masked", "setup.rubric-gibberish")
WRONG = "setup.reference-wrong"
LABELLED = [c for c in builtin_cases("pairwise") if c.label in (0, 1)]
ANSWERS = answers_of(LABELLED)
WITH_RUBRIC = [c.replace(rubric="Is it right?\nIs it clear?", reference=None) for c in LABELLED]
WITH_REFERENCE = [c.replace(rubric=None, reference=c.responses[int(c.label == 1)][:200]) for c in LABELLED]


def audit(judge: Judge, *probes: str, cases: Sequence[Case], minimise: int = 0) -> AuditResult:
    request = AuditRequest(cases=cases, suite="criteria", probes=probes, samples=1, cache=None, minimise=minimise)
    return asyncio.run(audit_async(judge, request))


def judge_of(chat: object) -> PromptedJudge:
    return PromptedJudge(chat, load_prompt("pairwise"))  # type: ignore[arg-type]


def made(name: str, case: Case, target: int = 0, seed: int = 0) -> FollowUp:
    return FollowUps(seed).make(name, case, target)


# --- what they make --------------------------------------------------------------------------------------------------

CASE = Case(
    "How long?",
    ("22 minutes.", "40 minutes."),
    rubric="Please check that the answer (as always) names 22 minutes.\nIt must be short.",
    reference="It takes 22 minutes.",
    label=0,
)


def test_each_says_what_it_should() -> None:
    texts = {name: made(name, CASE).case.rubric for name in (*RUBRIC, "setup.rubric-shortened")}
    assert str(texts["setup.rubric-flipped"]).startswith("Judge against the following criteria")
    assert str(texts["setup.rubric-flipped"]).endswith(str(CASE.rubric))
    masked = str(texts["setup.rubric-masked"])
    assert "22" not in masked
    assert "short" not in masked
    assert "[MASK]" in masked
    gibberish = str(texts["setup.rubric-gibberish"])
    assert len(gibberish) == len(str(CASE.rubric))
    assert not set(gibberish.lower().split()) & {"please", "check", "answer", "short.", "minutes.", "22"}
    assert texts["setup.rubric-shortened"] == "check that the answer names 22 minutes.\nIt must be short."


def test_a_wrong_reference_is_the_worse_answer_or_holds_a_mistake() -> None:
    assert made(WRONG, CASE).case.reference == "40 minutes."
    ranked = CASE.replace(responses=("a", "b", "c"), label=(1, 0, 2))
    assert made(WRONG, ranked, 1).case.reference == "c"
    alone = made(WRONG, CASE.replace(responses=CASE.responses[:1], label=True)).case
    assert alone.reference != CASE.reference
    assert "22" not in str(alone.reference)
    with pytest.raises(NotApplicable, match="no mistake"):
        made(WRONG, CASE.replace(responses=("?",), reference="?", label=True))


@pytest.mark.parametrize(
    ("reference", "parts"),
    [("Paris; Lyon; Nice", {"Paris", "Lyon", "Nice"}), ("red / blue", {"red", "blue"}), ("One\nTwo", {"One", "Two"})],
)
def test_accepted_answers_are_reordered(reference: str, parts: set[str]) -> None:
    for seed in range(5):
        after = str(made("setup.reference-shuffled", CASE.replace(reference=reference), seed=seed).case.reference)
        assert after != reference
        assert set(after.replace("; ", "\n").replace(" / ", "\n").split("\n")) == parts


@pytest.mark.parametrize(
    ("name", "changes", "why"),
    [
        ("setup.reference-shuffled", {"reference": "1. Add.\n2. Divide."}, "steps have an order"),
        ("setup.reference-shuffled", {"reference": "Paris."}, "one answer"),
        ("setup.rubric-shortened", {"rubric": "Be right."}, "nothing that could be left out"),
        ("setup.rubric-gibberish", {"rubric": "准确无误。"}, "not in Latin letters"),
        ("setup.rubric-flipped", {"rubric": "Будь точен."}, "another script"),
        ("setup.rubric-masked", {"rubric": "!?"}, "no words"),
        ("setup.rubric-flipped", {"rubric": None}, "no rubric"),
        (WRONG, {"reference": None}, "no reference"),
    ],
)
def test_where_it_does_not_apply_it_says_why(name: str, changes: dict[str, str | None], why: str) -> None:
    with pytest.raises(NotApplicable, match=why):
        made(name, CASE.replace(**changes))


def test_a_prompt_that_does_not_show_the_field_is_not_asked() -> None:
    prompt = ExposedPrompt(load_prompt("mt-bench-pair"))
    for name in (*RUBRIC, WRONG, "setup.rubric-shuffled", "setup.reference-absent"):
        with pytest.raises(NotApplicable, match="prompt does not show the r"):
            FollowUps(prompt=prompt).make(name, CASE)
    finding = audit(
        PromptedJudge(PlantedChat(ANSWERS), load_prompt("mt-bench-pair")), RUBRIC[0], cases=WITH_RUBRIC[:5]
    ).findings[RUBRIC[0]]
    assert finding.decision == "not_applicable"


def test_a_reference_that_the_prompt_insists_on_is_not_taken_away() -> None:
    prompt = ExposedPrompt(load_prompt("verifier"))
    graded = CASE.replace(responses=CASE.responses[:1], label=True)
    with pytest.raises(NotApplicable, match="cannot do without a reference"):
        FollowUps(prompt=prompt).make("setup.reference-absent", graded)
    assert FollowUps(prompt=prompt).make(WRONG, graded).case.reference


@pytest.mark.parametrize(
    ("task", "n", "label", "turned", "after"),
    [
        ("pairwise", 2, 0, True, 1),
        ("pairwise", 2, 1, False, None),
        ("grade", 1, True, True, False),
        ("ranking", 3, (2, 0, 1), True, (1, 0, 2)),
        ("score", 1, 9.0, True, 2.0),
    ],
)
def test_labels_follow_the_criteria(task: Task, n: int, label: Label, turned: bool, after: Label) -> None:
    case = CASE.replace(responses=("a", "b", "c")[:n], label=label)
    follow_up = made(RUBRIC[0], case)
    shown, slot = after_damage(case, 0, follow_up, task, Scale(1, 10), turned=turned)
    assert (shown.label, slot, shown.responses) == (after, 0, case.responses)


@pytest.mark.parametrize("label", [None, 5.0, True])
def test_a_score_that_need_not_fall_is_not_asked(label: Label) -> None:
    case = CASE.replace(responses=("a",), label=label)
    with pytest.raises(NotApplicable, match="scores high"):
        after_damage(case, 0, made(RUBRIC[0], case), "score", Scale(1, 10), turned=True)


# --- whom they catch, whom they pass ---------------------------------------------------------------------------------


def test_a_judge_that_pays_no_heed_to_its_rubric_is_caught() -> None:
    result = audit(judge_of(PlantedChat(ANSWERS, accuracy=0.95)), *RUBRIC, cases=WITH_RUBRIC, minimise=400)
    assert {f.decision for f in result.findings.values()} == {"violated"}
    for finding in result.findings.values():
        assert finding.effect == pytest.approx(0.0, abs=0.1)
        assert finding.metrics["undetected_drop_rate"] is not None
    for example in result.audit.examples:
        assert example.source.responses == example.follow_up.responses
        assert example.source.rubric != example.follow_up.rubric
        assert example.source_verdict is not None
    assert all(e.reproduced is not None for e in result.audit.examples[:1])


def test_a_judge_that_pays_no_heed_to_its_reference_is_caught() -> None:
    found = audit(judge_of(PlantedChat(ANSWERS, accuracy=0.95)), WRONG, cases=WITH_REFERENCE).findings
    assert found[WRONG].decision == "violated"


@pytest.mark.slow
def test_noisy_judges_that_go_by_the_book_pass() -> None:
    seen: Counter[str] = Counter()
    for seed in range(6):
        for accuracy in (0.8, 0.95):
            judge = judge_of(ByTheBook(PlantedChat(ANSWERS, accuracy=accuracy, seed=seed)))
            seen.update(f.decision for f in audit(judge, *RUBRIC, cases=WITH_RUBRIC).findings.values())
            seen.update(f.decision for f in audit(judge, WRONG, cases=WITH_REFERENCE).findings.values())
    assert seen["holds"] == sum(seen.values()), seen


def test_mocks_go_by_the_truth_of_the_follow_up() -> None:
    """An oracle turns with the rubric and guesses where nobody knows; a coin notices nothing."""
    oracle = audit(mock_judge("oracle"), *RUBRIC, cases=WITH_RUBRIC).findings
    assert {f.decision for f in oracle.values()} == {"holds"}
    assert oracle[RUBRIC[0]].effect == -1
    coin = audit(mock_judge("random"), *RUBRIC, cases=WITH_RUBRIC).findings
    assert {f.decision for f in coin.values()} <= {"violated", "inconclusive"}


def test_grades_and_scores_are_held_to_it_too() -> None:
    rng = random.Random(0)
    graded = [
        Case(f"How many are {k}?", (f"There are {k}.",), reference=f"There are {k}.", label=rng.random() < 0.7)
        for k in range(100, 240)
    ]
    finding = audit(mock_judge("oracle", task="grade"), WRONG, cases=graded).findings[WRONG]
    assert finding.decision == "holds"
    assert finding.n == sum(c.label is True for c in graded)
    assert finding.not_applicable_reasons == {"the answer is wrong already": sum(c.label is False for c in graded)}
    scored = [c.replace(label=9.0 if c.label else 3.0) for c in graded]
    finding = audit(mock_judge("oracle", task="score"), WRONG, cases=scored).findings[WRONG]
    assert finding.decision == "holds"
    assert finding.n == sum(c.label == 9.0 for c in scored)
