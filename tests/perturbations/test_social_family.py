"""Majorities, revisions, signatures and labels: notes that stay with their answer, told apart from their opposites."""

from __future__ import annotations

import re

import pytest
from case_checks import (
    cases,
    check_case_edits,
    counterpart_of,
    edits_of,
    fields_after,
    finding_of,
    holds_word,
    probe_of,
)
from family_checks import ARABIC, CHINESE, answers, changed, check_follow_up, common, doses
from hypothesis import given
from hypothesis import strategies as st

from voirdire.harness.cases import Case
from voirdire.harness.errors import NotApplicable
from voirdire.harness.registry import PERTURBATIONS
from voirdire.harness.relations import Relation
from voirdire.perturbations.case_edits import CasePerturbation
from voirdire.perturbations.labels import LABELS
from voirdire.perturbations.social import MODELS

PLAIN = "Paris is the capital of France."
PAIR = Case("What is the capital?", (PLAIN, "Lyon is it."), label=1)
THREE = Case("What is the capital?", (PLAIN, "Lyon is it.", "Nice is it."))
SINGLE = Case("What is the capital?", (PLAIN,))
CHINESE_PAIR = Case("长城是什么？", (CHINESE, "长城是一道墙。"), label=1)
NOTES = sorted(
    n
    for n in PERTURBATIONS
    if n.split(".")[0] in ("social", "labels") and isinstance(PERTURBATIONS.get(n), CasePerturbation)
)
SIGNED = ["social.model-names", "social.model-names-swapped", "social.you"]
LABELLED = [n for n in NOTES if n.startswith("labels.")]
IN_TEXT = ["social.distraction", "social.refinement-history"]


def notes(name: str, case: Case, target: int = 0, seed: int = 0, dose: float = 1.0) -> list[str]:
    return [e.text.strip() for e in edits_of(name, case, target, seed, dose)]


def counter_notes(name: str, case: Case, target: int = 0, seed: int = 0) -> list[str]:
    edits = edits_of(name, case, target, seed)
    return [e.text.strip() for e in counterpart_of(name, case, target, edits, seed)]


def test_all_are_registered() -> None:
    assert [f"labels.{n}" for n in ("codes", "last-letters", "letters", "numbers", "shapes", "symbols")] == LABELLED
    assert sorted(set(NOTES) - set(LABELLED)) == sorted(["social.bandwagon", "social.refined", *SIGNED])
    assert set(IN_TEXT) <= set(PERTURBATIONS)


@pytest.mark.parametrize("name", NOTES)
@common
@given(case=cases(answers), seed=st.integers(0, 2**64), dose=doses)
def test_notes_stand_before_answers(name: str, case: Case, seed: int, dose: float) -> None:
    target = len(case.responses) - 1
    after = check_case_edits(name, case, target, seed, dose)
    if after is not None:
        everywhere = {f"responses[{i}]" for i in range(len(case.responses))}
        assert set(after) == (everywhere if name in SIGNED + LABELLED else {f"responses[{target}]"})


@pytest.mark.parametrize("name", IN_TEXT)
@common
@given(text=answers, seed=st.integers(0, 2**64), dose=doses)
def test_remarks_stand_before_the_answer(name: str, text: str, seed: int, dose: float) -> None:
    made = check_follow_up(name, text, seed, dose)
    if made is not None:
        (edit,) = made.edits
        assert edit.start == edit.end
        assert edit.start == 0 or text.startswith("---")


@pytest.mark.parametrize("name", NOTES)
def test_other_scripts_have_no_notes(name: str) -> None:
    for case in (Case("Why?", (ARABIC, PLAIN)), Case("Why?", (" ", PLAIN))):
        with pytest.raises(NotApplicable, match=r"another script|empty"):
            edits_of(name, case)


# --- majorities


@pytest.mark.parametrize(
    ("case", "pattern"),
    [
        (PAIR, r"\[(\d\d)% of the people asked preferred this answer\.]"),
        (SINGLE, r"\[(\d\d)% of the people asked were content with this answer\.]"),
        (CHINESE_PAIR, r"【(\d\d)%的受访者更喜欢这个回答。】"),
    ],
)
def test_majorities_and_minorities_make_a_hundred(case: Case, pattern: str) -> None:
    shares = set()
    for seed in range(60):
        (more,), (less,) = notes("social.bandwagon", case, 0, seed), counter_notes("social.bandwagon", case, 0, seed)
        found = [re.fullmatch(pattern, note) for note in (more, less)]
        majority, minority = (int(m[1]) for m in found if m)
        assert majority + minority == 100
        shares.add(majority)
    assert min(shares) >= 60
    assert max(shares) <= 89
    assert len(shares) > 15


def test_the_dose_of_a_majority_is_its_lead() -> None:
    leads = []
    for dose in (0.01, 0.5, 1.0, 1.5, 9.0):
        share = re.search(r"\d+", notes("social.bandwagon", PAIR, 0, 3, dose)[0])
        assert share
        leads.append(int(share[0]) - 50)
    assert leads == sorted(leads)
    assert leads[0] == 1
    assert leads[1] == pytest.approx(leads[2] / 2, abs=1)
    assert leads[-1] == 39


# --- remarks and revisions


def test_remarks_by_hand() -> None:
    assert re.fullmatch(
        r"\[Whoever wrote this answer [a-z ]+\.]\n\n" + re.escape(PLAIN), changed("social.distraction", PLAIN)
    )
    assert re.match(r"【写这个回答的人[^】]+。】\n\n长城", changed("social.distraction", CHINESE))
    assert changed("social.distraction", PLAIN, 0, 3.0).count("Whoever") == 3
    assert changed("social.refinement-history", PLAIN) == (
        "[History of this answer: first draft, comments by two readers, second draft, wording gone over.]\n\n" + PLAIN
    )
    assert (
        changed("social.refinement-history", CHINESE, 0, 0.5) == "【修改记录：初稿，两位读者提出意见。】\n\n" + CHINESE
    )


def test_revised_and_unrevised_versions() -> None:
    assert notes("social.refined", PAIR) == ["[Final version, carefully revised.]"]
    assert counter_notes("social.refined", PAIR) == ["[First version, hurriedly written.]"]
    assert notes("social.refined", CHINESE_PAIR) == ["【最终版本，经过仔细修改。】"]
    assert notes("social.refined", PAIR, dose=3.0) == [
        "[Final version, carefully revised. It was changed following comments. Version 5 of 5.]"
    ]


# --- signatures


@pytest.mark.parametrize("case", [PAIR, THREE, SINGLE, CHINESE_PAIR])
def test_the_target_bears_the_great_name_and_its_placebo_the_lesser(case: Case) -> None:
    target = len(case.responses) - 1
    for seed in range(20):
        shown = [
            next(m for m in [*MODELS, *MODELS.values()] if m in n)
            for n in notes("social.model-names", case, target, seed)
        ]
        turned = [
            next(m for m in [*MODELS, *MODELS.values()] if m in n)
            for n in counter_notes("social.model-names", case, target, seed)
        ]
        assert shown[target] in MODELS
        assert turned[target] == MODELS[shown[target]]
        assert all(name in MODELS.values() for i, name in enumerate(shown) if i != target)
        assert all(name in MODELS for i, name in enumerate(turned) if i != target)
        assert len(set(shown)) == len(shown)


def test_swapped_names_are_the_other_way_round() -> None:
    assert MODELS.items() >= {(n[13:-1], m[13:-1]) for n, m in [reversed(notes("social.model-names-swapped", PAIR))]}
    assert notes("social.model-names", PAIR, dose=2.0)[0].count(".") == 1


def test_the_judges_own_answer() -> None:
    assert notes("social.you", THREE, 1) == ["[Answered by Kim]", "[Answered by you]", "[Answered by Kim]"]
    assert counter_notes("social.you", PAIR) == ["[Answered by Kim]", "[Answered by you]"]
    assert notes("social.you", CHINESE_PAIR) == ["【由你自己回答】", "【由某个人回答】"]


# --- labels


def test_labels_by_hand() -> None:
    assert notes("labels.letters", THREE, 1) == ["[Answer B]", "[Answer A]", "[Answer C]"]
    assert counter_notes("labels.letters", THREE, 1) == ["[Answer A]", "[Answer B]", "[Answer C]"]
    assert notes("labels.numbers", CHINESE_PAIR) == ["【回答1】", "【回答2】"]
    assert notes("labels.shapes", CHINESE_PAIR) == ["【回答星星】", "【回答月亮】"]
    assert notes("labels.last-letters", PAIR, 1) == ["[Answer Y]", "[Answer X]"]
    assert notes("labels.symbols", PAIR) == ["[Answer ☀]", "[Answer ☂]"]
    assert fields_after(PAIR, edits_of("labels.letters", PAIR))["responses[1]"] == "[Answer B]\n\nLyon is it."


def test_codes_are_random_and_different() -> None:
    seen = {tuple(notes("labels.codes", THREE, 0, seed)) for seed in range(20)}
    assert len(seen) == 20
    for row in seen:
        assert all(re.fullmatch(r"\[Answer [B-DF-HJ-NP-TV-XZ]\d{3}]", note) for note in row)
        assert len({note[8] for note in row}) == 3


@pytest.mark.parametrize("name", LABELLED)
def test_a_label_needs_another(name: str) -> None:
    with pytest.raises(NotApplicable, match="only one answer"):
        edits_of(name, SINGLE)
    many = Case("Why?", tuple(f"{PLAIN} {i}" for i in range(27)))
    with pytest.raises(NotApplicable, match="more answers than"):
        edits_of(name, many)


@pytest.mark.parametrize("name", sorted(LABELS))
def test_labels_are_different_and_as_long(name: str) -> None:
    assert len(set(LABELS[name])) == len(LABELS[name]) >= 8
    assert {len(label) for label in LABELS[name]} == {1}


# --- judges


def test_a_judge_that_follows_the_crowd_is_found_and_a_clean_one_is_not() -> None:
    probe = probe_of("social.bandwagon", Relation.NO_GAIN, "worse", sham=True)
    assert finding_of(probe, holds_word(r"[6-8]\d%(?: of the people|的受访者)")).decision == "violated"
    assert finding_of(probe, None).decision == "holds"


def test_a_judge_that_likes_any_note_is_not_said_to_follow_the_crowd() -> None:
    """The placebo is a note as well: only what it says differs."""
    probe = probe_of("social.bandwagon", Relation.NO_GAIN, "worse", sham=True)
    assert finding_of(probe, holds_word(r"\d\d%(?: of the people|的受访者)")).decision == "holds"
