"""Answers that say nothing: the whole answer replaced, by the published keys to the letter, never right by chance."""

from __future__ import annotations

import pytest
from case_checks import finding_of, probe_of
from family_checks import CHINESE, answers, changed, common, follow_up
from hypothesis import given
from hypothesis import strategies as st
from making import make

from voirdire.harness.cases import Case, Task, Turn, apply_edits
from voirdire.harness.errors import NotApplicable
from voirdire.harness.followups import FollowUps
from voirdire.harness.plan import build_plan
from voirdire.harness.probes import Suite
from voirdire.harness.registry import PERTURBATIONS
from voirdire.harness.relations import Relation
from voirdire.harness.verdicts import Scale
from voirdire.perturbations.null_answers import MASTER_KEYS, UNRELATED

NAMES = sorted(n for n in PERTURBATIONS if n.startswith("null_answers."))
PLAIN = "Paris is the capital of France."


def test_all_are_registered() -> None:
    others = {f"null_answers.{n}" for n in ("empty", "yes", "sure", "question", "constant", "unrelated")}
    assert set(NAMES) == {*MASTER_KEYS, *others}
    assert len(MASTER_KEYS) == len(set(MASTER_KEYS.values())) == 10
    for name in NAMES:
        assert PERTURBATIONS.get(name).claim == "degrading"
        assert PERTURBATIONS.get(name).plants_error


@pytest.mark.parametrize("name", NAMES)
@common
@given(text=answers, seed=st.integers(0, 2**64), dose=st.sampled_from([0.5, 1.0, 3.0]))
def test_nothing_of_the_answer_is_left(name: str, text: str, seed: int, dose: float) -> None:
    made = follow_up(name, text, seed, dose)
    assert made == follow_up(name, text, seed, 1.0)  # the dose has no say
    if made is None:
        assert not text.strip() or text in (*MASTER_KEYS.values(), "Yes", "Sure", "Question?")
        return
    (edit,) = made.edits
    assert (edit.start, edit.end) == (0, len(text))
    assert apply_edits(text, made.edits) == edit.text == made.case.responses[0]


@pytest.mark.parametrize("name", sorted(MASTER_KEYS))
def test_master_keys_are_as_published(name: str) -> None:
    for text in (PLAIN, CHINESE):
        assert changed(name, text) == MASTER_KEYS[name]


def test_dummy_answers_by_hand() -> None:
    assert changed("null_answers.empty", PLAIN) == ""
    assert [changed(f"null_answers.{n}", PLAIN) for n in ("yes", "sure", "question")] == ["Yes", "Sure", "Question?"]
    assert [changed(f"null_answers.{n}", CHINESE) for n in ("yes", "sure")] == ["是", "当然"]
    assert changed("null_answers.constant", PLAIN) == changed("null_answers.constant", "Lyon is. It is so.", 5)
    assert changed("null_answers.constant", CHINESE).startswith("这是一个回答")


def test_the_question_of_a_conversation_is_the_last_one() -> None:
    turns = (Turn("user", "Hello"), Turn("assistant", "Hi"), Turn("user", "Where is it?"))
    assert make("null_answers.question", Case(turns, (PLAIN,))).case.responses == ("Where is it?",)
    for empty in (" ", (Turn("system", "x"),)):
        with pytest.raises(NotApplicable, match="no question"):
            make("null_answers.question", Case(empty, (PLAIN,)))


def test_unrelated_answers_keep_away_from_the_question() -> None:
    for seed in range(30):
        made = make("null_answers.unrelated", Case("When do swallows gather?", (PLAIN, "In September")), 0, seed)
        assert made.case.responses[0] in UNRELATED["en"]
        assert "swallows" not in made.case.responses[0]
    assert len({changed("null_answers.unrelated", PLAIN, s) for s in range(40)}) == len(UNRELATED["en"])
    assert {changed("null_answers.unrelated", CHINESE, s) for s in range(40)} <= set(UNRELATED["zh"])


def test_a_null_answer_meets_its_former_self() -> None:
    """Pairs: (R, nothing) with R right; grades: nothing, which is wrong; never in place of a wrong answer."""
    probe = probe_of("null_answers.empty", Relation.MUST_DROP, "better", sham=False)
    suite = Suite("tried", "One probe.", (probe,))
    pair = Case("Where?", ("Lyon.", PLAIN), label=1)
    (item,) = build_plan(suite, [pair], task="pairwise", scale=Scale(), followups=FollowUps()).probes[0].items
    assert item.follow_up is not None
    assert (item.follow_up.responses, item.follow_up.label) == ((PLAIN, ""), 0)
    graded = [Case("Where?", (PLAIN,), label=True), Case("Where?", ("Lyon.",), label=False)]
    (plan,) = build_plan(suite, graded, task="grade", scale=Scale(), followups=FollowUps()).probes
    assert [(i.case, i.follow_up and i.follow_up.label) for i in plan.items] == [(0, False)]


@pytest.mark.parametrize(("task", "min_drop"), [("pairwise", 0.2), ("grade", 0.5)])
def test_a_judge_that_a_colon_fools_is_found_and_a_clean_one_is_not(task: Task, min_drop: float) -> None:
    probe = probe_of("null_answers.colon", Relation.MUST_DROP, "better", sham=False, min_drop=min_drop)
    assert finding_of(probe, lambda text: text.startswith(":"), task=task).decision == "violated"
    assert finding_of(probe, None, task=task).decision == "holds"
