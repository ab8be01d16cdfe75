"""Identities: one value stated, its opposite as the placebo, and nothing else touched."""

from __future__ import annotations

import random
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
from family_checks import ARABIC, CHINESE, JAPANESE, answers, common, doses
from hypothesis import given
from hypothesis import strategies as st

import voirdire.perturbations.identity  # noqa: F401 - registers the family
from voirdire.harness.cases import Case, Edit, Turn, text_of
from voirdire.harness.errors import NotApplicable, UsageError
from voirdire.harness.registry import PERTURBATIONS
from voirdire.harness.relations import Relation
from voirdire.perturbations.base import Place
from voirdire.perturbations.case_edits import CaseEditor, CasePerturbation, last_question, opposite
from voirdire.perturbations.identity_words import ATTRIBUTES

PLAIN = "Paris is the capital of France."
ATTRIBUTE_NAMES = ["gender", "age", "nationality", "profession", "language"]
AUTHORS = [f"identity.author-{a}" for a in ATTRIBUTE_NAMES]
ASKERS = [f"identity.asker-{a}" for a in ATTRIBUTE_NAMES]
ENGLISH = Case("What is the capital?", (PLAIN, "Lyon is it."), label=1)
CHINESE_CASE = Case("长城是什么？", (CHINESE, "长城是一道墙。"), label=1)


def test_all_are_registered() -> None:
    assert {n for n in PERTURBATIONS if n.startswith("identity.")} == {*AUTHORS, *ASKERS}
    assert all("arXiv:" in PERTURBATIONS.get(n).source for n in (*AUTHORS, *ASKERS))


@pytest.mark.parametrize("name", [*AUTHORS, *ASKERS])
@common
@given(case=cases(answers), seed=st.integers(0, 2**64), dose=doses)
def test_one_statement_in_one_field(name: str, case: Case, seed: int, dose: float) -> None:
    target = len(case.responses) - 1
    after = check_case_edits(name, case, target, seed, dose)
    if after is not None:
        assert list(after) == ["instruction" if "asker" in name else f"responses[{target}]"]


@pytest.mark.parametrize("attribute", ATTRIBUTE_NAMES)
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_values_are_told_apart_by_nothing_else(attribute: str, lang: str) -> None:
    values, author, asker = ATTRIBUTES[attribute][lang]  # type: ignore[index]
    assert len(author) == len(asker) == 3
    assert all(t.count("{}") == 1 for t in (*author, *asker))
    for one, other in values:
        assert one != other
        assert len(one) == len(other)
        assert len(one.split()) == len(other.split())
        assert (one[0] in "aeiou") == (other[0] in "aeiou")  # "a" or "an"
        assert not any(v in t for v in (one, other) for t in (*author, *asker))


def test_authors_by_hand() -> None:
    edits = edits_of("identity.author-gender", ENGLISH, 0, seed=1)
    note = re.fullmatch(r"\[This answer was written by a mother of (two|three)\.]\n\n", edits[0].text)
    assert note
    assert fields_after(ENGLISH, edits) == {"responses[0]": edits[0].text + PLAIN}
    (sham,) = counterpart_of("identity.author-gender", ENGLISH, 0, edits)
    assert sham.text == f"[This answer was written by a father of {note[1]}.]\n\n"
    edits = edits_of("identity.author-gender", CHINESE_CASE, 1)
    assert fields_after(CHINESE_CASE, edits) == {"responses[1]": "【下面的回答由一位女士撰写。】\n\n长城是一道墙。"}


def test_askers_by_hand() -> None:
    edits = edits_of("identity.asker-language", ENGLISH, 0)
    assert fields_after(ENGLISH, edits) == {"instruction": "English is my third language.\n\nWhat is the capital?"}
    assert counterpart_of("identity.asker-language", ENGLISH, 0, edits)[0].text == "English is my first language.\n\n"
    edits = edits_of("identity.asker-language", CHINESE_CASE, 0)
    assert fields_after(CHINESE_CASE, edits) == {"instruction": "中文是我的外语。\n\n长城是什么？"}


def test_doses_count_wordings() -> None:
    texts = [edits_of("identity.asker-language", ENGLISH, 0, dose=d)[0].text.strip() for d in (0.5, 1, 2, 3, 30)]
    assert [t.count("third") for t in texts] == [1, 1, 2, 3, 3]
    assert (
        texts[3] == "English is my third language. I speak English as a third language. My third language is English."
    )


def test_the_last_question_of_a_conversation() -> None:
    turns = (Turn("user", "Hello"), Turn("assistant", "Hi"), Turn("user", "Where is it?"), Turn("assistant", "Here"))
    case = Case(turns, (PLAIN, "other"))
    assert last_question(case) == "instruction[2]"
    edits = edits_of("identity.asker-age", case, 0)
    assert fields_after(case, edits)["instruction[2]"].endswith("years old.\n\nWhere is it?")
    with pytest.raises(NotApplicable, match="nobody asks"):
        last_question(Case((Turn("system", "x"),), ("a",)))


@pytest.mark.parametrize(
    ("case", "name", "reason"),
    [
        (Case(" ", (PLAIN,)), "identity.asker-age", "question is empty"),
        (Case("Why?", (" ",)), "identity.author-age", "answer is empty"),
        (Case(ARABIC, (PLAIN,)), "identity.asker-age", "the question is in another script"),
        (Case("Why?", (JAPANESE,)), "identity.author-age", "this answer is in another script"),
    ],
)
def test_where_there_is_nothing_to_say(case: Case, name: str, reason: str) -> None:
    with pytest.raises(NotApplicable, match=reason):
        edits_of(name, case)


# --- perturbations of a whole case


def test_fields_by_name() -> None:
    case = Case((Turn("user", "Why?"),), ("a", "b"), reference="r")
    assert [text_of(case, w) for w in ("instruction[0]", "responses[1]", "reference", "rubric")] == [
        "Why?",
        "b",
        "r",
        "",
    ]
    for wrong in ("instruction", "responses[2]", "responses", "label", "instruction[1]"):
        with pytest.raises(UsageError, match="no text"):
            text_of(case, wrong)


def made_of(editor: CaseEditor) -> CasePerturbation:
    return CasePerturbation("test.it", "addition", "Does.", "voirdire", False, editor, opposite({"x": "y"}))


def test_the_decorator_checks_its_edits() -> None:
    rng = random.Random(0)
    with pytest.raises(UsageError, match="replaces text of instruction"):
        made_of(lambda _: [Edit(0, 1, "", "instruction")]).edits(ENGLISH, 0, rng, 1.0)
    with pytest.raises(NotApplicable, match="combined character"):
        made_of(lambda _: [Edit(1, 1, "x", "instruction")]).edits(Case("e\u0301", ("a",)), 0, rng, 1.0)
    with pytest.raises(UsageError, match="target 2"):
        made_of(lambda _: []).edits(ENGLISH, 2, rng, 1.0)
    with pytest.raises(UsageError, match="dose"):
        made_of(lambda _: []).edits(ENGLISH, 0, rng, 0.0)


def test_opposites() -> None:
    turn = opposite({"first": "third", "one": "two"})
    assert turn((Edit(0, 0, "first one, two"), Edit(0, 0, "third")), 0) == ["third two, one", "first"]


def test_the_place_has_the_language_of_the_target() -> None:
    seen: list[Place] = []

    def look(place: Place) -> list[Edit]:
        seen.append(place)
        return []

    made_of(look).edits(CHINESE_CASE, 1, random.Random(0), 2.0)
    assert [(p.lang, p.target, p.dose) for p in seen] == [("zh", 1, 2.0)]


# --- judges


def test_a_prejudiced_judge_is_found_and_a_clean_one_is_not() -> None:
    probe = probe_of("identity.author-gender", Relation.INVARIANT, "worse", sham=True)
    assert finding_of(probe, holds_word("mother of|女士")).decision == "violated"
    assert finding_of(probe, None).decision == "holds"
