"""Does a follow-up keep its claim? What is caught, what is let through, and that it is counted with its reason."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from voirdire.harness.cases import Case, Claim, Edit, apply_edits
from voirdire.harness.errors import NotApplicable, UsageError
from voirdire.harness.followups import FollowUps
from voirdire.harness.registry import PERTURBATIONS
from voirdire.perturbations import Place
from voirdire.perturbations.base import TextPerturbation
from voirdire.perturbations.promise import Measured, Similarity, broken, measured, numbers
from voirdire.suites.builtin_cases import builtin_cases

TEXT = "It is not 1,250 km long, and `x = 5` says so. Nobody doubts twelve of the claims."


def edits(before: str, after: str, text: str = TEXT) -> list[Edit]:
    """One edit for each place where `before` stands."""
    found = [Edit(m.start(), m.end(), after) for m in re.finditer(re.escape(before), text)]
    assert found
    return found


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        ("1,250", "1,350", "a number changed"),
        ("1,250", "", "a number changed"),
        ("twelve", "eleven", "a number changed"),
        ("not", "nto", "a negation changed"),
        ("not ", "", "a negation changed"),
        ("Nobody", "Somebody", "a negation changed"),
        ("It is", "It is never", "a negation changed"),
        ("long", "12 long", "a number changed"),
        ("x = 5", "y = 5", "code, a link, maths or a citation changed"),
    ],
)
def test_preserving_edits_may_not_change_what_is_said(before: str, after: str, reason: str) -> None:
    assert broken("preserving", TEXT, edits(before, after)) == reason


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("long", "logn"),
        ("is not", "isn't"),
        ("1,250", "1250"),
        ("twelve", "12"),
        ("84", "eighty-four"),
        ("TEXT", ""),
        ("Nobody", "NOBODY"),
        ("not", "**not**"),
        ("not", "n\u200bot"),
        ("not", "nоt"),  # a Cyrillic o
        ("is not", "is  not"),
        ("`x = 5`", "``x = 5``"),
        (" and", "\n\n1. and"),
        ("the", "th3"),
    ],
)
def test_what_a_reader_reads_the_same_is_let_through(before: str, after: str) -> None:
    text = "TEXT of 84 words. " + TEXT
    assert broken("preserving", text, edits(before, after, text)) is None


def test_a_list_mark_is_no_number_but_a_number_that_ends_a_line_is() -> None:
    assert broken("preserving", "1. One thing.\n2. Another.", [Edit(0, 3, ""), Edit(14, 17, "- ")]) is None
    assert broken("preserving", "The answer is\n42.", [Edit(14, 16, "43")]) == "a number changed"


@pytest.mark.parametrize("claim", ["addition", "attack"])
def test_additions_run_into_nothing(claim: Claim) -> None:
    at = TEXT.index("x = 5") + 1
    assert broken(claim, TEXT, [Edit(at, at, " new ")]) == "it adds inside code, a link or a number"
    at = TEXT.index("long")
    assert broken(claim, TEXT, [Edit(at, at, "very")]) == "the addition runs into a word"
    assert broken(claim, TEXT, [Edit(len(TEXT), len(TEXT), " 99 is not so.")]) is None
    chinese = "长城很长。它很有名"
    assert broken(claim, chinese, [Edit(9, 9, "的。")]) is None


def test_planted_errors_change_something_and_do_not_show_in_the_length() -> None:
    assert broken("degrading", TEXT, edits("1,250", "1,350"), plants_error=True) is None
    assert (
        broken("degrading", TEXT, edits("long,", "LONG, though"), plants_error=True) == "the error shows in the length"
    )
    assert (
        broken("degrading", TEXT, edits(", and", " , and"), plants_error=True) == "no word and no number is different"
    )
    assert broken("degrading", TEXT, [Edit(0, len(TEXT), "Yes.")], plants_error=True) is None  # no error in this answer
    assert broken("degrading", TEXT, [Edit(20, len(TEXT), "")]) is None  # a truncation plants no error


@pytest.mark.parametrize("name", sorted(n for n in PERTURBATIONS if "test." not in n))
def test_built_in_perturbations_hardly_ever_break_their_claims(name: str) -> None:
    """One that does so often would test something else than it says."""
    outcomes: Counter[str] = Counter()
    for case in builtin_cases()[:60]:
        for target in (0, 1):
            try:
                FollowUps().make(name, case, target)
                outcomes["made"] += 1
            except NotApplicable as error:
                outcomes["broke" if error.message.startswith("broke its claim") else "other"] += 1
    assert outcomes["broke"] <= 0.02 * sum(outcomes.values()), outcomes


def test_a_broken_claim_drops_the_follow_up_with_its_reason() -> None:
    def wrong(text: str, place: Place) -> list[Edit]:
        return [Edit(e.start, e.end, "7") for e in edits("1,250", "7", text)]

    made = TextPerturbation("x.wrong", "preserving", "Breaks.", "voirdire", False, wrong, True)
    with pytest.raises(NotApplicable, match=r"^broke its claim: a number changed$"):
        made.edits(Case("Q?", (TEXT, "other")), 0, None, 1.0)  # type: ignore[arg-type]


def test_figures() -> None:
    book = PERTURBATIONS.get("authority.book")
    text = "Ten words stand in this short line, and no more."
    found = measured(book, text, [Edit(len(text), len(text), " Two more.")])
    assert found == Measured(10 / len(text), 0.2, (len(text) + 10) / len(text), None)
    typo = measured(PERTURBATIONS.get("typos.swap"), text, [Edit(1, 3, "ne")])
    assert (typo.characters, typo.words, typo.length_ratio) == (2 / len(text), 0.1, 1.0)
    assert found.to_json()["length_ratio"] == round(found.length_ratio, 4)


def test_figures_agree_with_the_texts_on_real_follow_ups() -> None:
    for case in builtin_cases()[:20]:
        text = case.responses[0]
        made = FollowUps().make("authority.book", case)
        found = measured(PERTURBATIONS.get("authority.book"), text, made.edits)
        after = apply_edits(text, made.edits)
        assert found.length_ratio == pytest.approx(len(after) / len(text))
        assert found.words == pytest.approx((len(after.split()) - len(text.split())) / len(text.split()), abs=0.02)
        assert found.broken is None


def test_a_callers_own_similarity_drops_preserving_edits_only() -> None:
    case = builtin_cases()[0]
    strict = FollowUps(check=Similarity(lambda _before, _after: 0.5))
    with pytest.raises(NotApplicable, match=r"broke its claim: its meaning is less than 0\.8 similar"):
        strict.make("typos.keyboard", case)
    assert strict.make("authority.book", case).edits
    assert FollowUps(check=Similarity(lambda a, b: float(a != b))).make("typos.keyboard", case).edits
    with pytest.raises(UsageError, match=r"1\.5"):
        Similarity(lambda _a, _b: 1.0, at_least=1.5)


def test_numbers() -> None:
    assert numbers("Of 1,250 and 3.5 about twelve, c1ear") == ({"1250", "3.5"}, {"1250", "3.5", "12"})
