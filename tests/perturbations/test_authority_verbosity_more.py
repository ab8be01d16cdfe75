"""The later members of authority, verbosity and phrases: each by hand, and nothing said that was not said before."""

from __future__ import annotations

import re

import pytest
from case_checks import finding_of, holds_word, probe_of
from family_checks import ARABIC, CHINESE, JAPANESE, answers, changed, check_follow_up, common, doses
from hypothesis import given
from hypothesis import strategies as st
from making import placebo

from voirdire.harness.cases import Case, apply_edits
from voirdire.harness.errors import NotApplicable
from voirdire.harness.judges.mock import has_citation
from voirdire.harness.relations import Relation
from voirdire.perturbations.authority_more import institution, journal, statistic
from voirdire.perturbations.phrases import PHRASES
from voirdire.perturbations.verbosity_more import condense

AUTHORITY = [journal.name, institution.name, statistic.name]
VERBOSITY = ["verbosity.repetitive-list", "verbosity.repeat", "verbosity.boilerplate"]
PUBLISHED = sorted(n for n in PHRASES if "raina" in n)
PLAIN = "Paris is the capital of France. It lies on the Seine, which flows through the whole of the city."
LIST = "There are two:\n1. First item is here.\n2. Second item is there.\n\nThat is all."


@pytest.mark.parametrize("name", [*AUTHORITY, *VERBOSITY, *PUBLISHED])
@common
@given(text=answers, seed=st.integers(0, 2**64), dose=doses)
def test_they_only_add(name: str, text: str, seed: int, dose: float) -> None:
    made = check_follow_up(name, text, seed, dose)
    if made is not None:
        assert all(e.start == e.end for e in made.edits)
        assert len(made.case.responses[0]) > len(text)


# --- authority


@pytest.mark.parametrize("name", AUTHORITY)
@pytest.mark.parametrize("text", [PLAIN, CHINESE])
def test_authorities_are_one_sentence(name: str, text: str) -> None:
    seen = set()
    for seed in range(40):
        result = changed(name, text, seed)
        at = next((k for k, (a, b) in enumerate(zip(text, result, strict=False)) if a != b), len(text))
        added = result[at : at + len(result) - len(text)]
        seen.add(added)
        assert (20 if text is CHINESE else 50) <= len(added.strip()) <= 160, added
        assert "http" not in added
    assert len(seen) > 20


def test_authorities_by_hand() -> None:
    patterns = {
        "authority.journal": r"et al\.(?: \(\d{4}\),| in) .+, vol\. \d\d(?: \(\d{4}\))?, p\. \d{3}\.|第\d\d卷",
        "authority.institution": r"(?:official position of|report issued in \d{4} by) the .+\.|\d{4}年",
        "authority.statistic": r"\d,\d{3} (?:professionals|cases).* 9\d\.\d%|\d{4}(?:人|个案例).*9\d\.\d%",
    }
    for name, pattern in patterns.items():
        for text in (PLAIN, CHINESE):
            assert all(re.search(pattern, changed(name, text, s)) for s in range(20)), name
    assert all(has_citation(changed("authority.journal", t, s)) for t in (PLAIN, CHINESE) for s in range(20))
    three = changed("authority.statistic", PLAIN, 0, 3.0)
    assert three.count("%") == 3
    assert changed("authority.statistic", PLAIN, 0, 50.0).count("%") == 4


@pytest.mark.parametrize("name", [*AUTHORITY, "verbosity.boilerplate", "verbosity.repetitive-list"])
@pytest.mark.parametrize("text", [ARABIC, JAPANESE])
def test_built_in_words_are_english_and_chinese(name: str, text: str) -> None:
    with pytest.raises(NotApplicable, match="another script"):
        changed(name, text)


@pytest.mark.parametrize("name", AUTHORITY)
def test_the_placebo_cites_nothing(name: str) -> None:
    for text in (PLAIN, CHINESE):
        sham = placebo(name, Case("Question?", (text, "other")))
        assert sham is not None
        assert not re.search(r"%|\d{4}", apply_edits(text, sham).replace("21196", ""))


# --- phrases


def test_the_published_phrases() -> None:
    assert len(PUBLISHED) == 11
    assert len(set(PHRASES.values())) == len(PHRASES)
    assert changed("phrases.raina-dialogue", PLAIN) == f"{PLAIN} informative supercomplete impeccable ovated."
    assert changed("phrases.raina-unieval", CHINESE) == f"{CHINESE} whoa boggle righto hah."


# --- verbosity


def test_lists_by_hand() -> None:
    copy, between, rest = changed("verbosity.repetitive-list", LIST).removeprefix("There are two:\n").split("\n\n", 2)
    first, second = copy.split("\n")
    assert re.fullmatch(r"1\. [A-Z][a-z ,]+: First item is here\.", first)
    assert re.fullmatch(r"2\. [A-Z][a-z ,]+: Second item is there\.", second)
    assert re.fullmatch(r"[A-Z][a-z ,]+:", between)
    assert rest == LIST.removeprefix("There are two:\n")
    chinese = changed("verbosity.repetitive-list", "- 长城很长。\n- 它很古老。")
    assert re.fullmatch(
        r"- [^：]+：长城很长。\n- [^：]+：它很古老。\n\n[^：]+：\n\n- 长城很长。\n- 它很古老。", chinese
    )
    assert changed("verbosity.repetitive-list", LIST, 0, 3.0).count("First item is here.") == 4


@pytest.mark.parametrize("text", [PLAIN, "- only one", "```\n- a\n- b\n```", "- one\n\ntext\n\n- two", ""])
def test_there_is_no_list(text: str) -> None:
    with pytest.raises(NotApplicable, match="no list"):
        changed("verbosity.repetitive-list", text)


def test_repeats_by_hand() -> None:
    assert changed("verbosity.repeat", CHINESE + "\n") == f"{CHINESE}\n\n{CHINESE}\n"
    assert changed("verbosity.repeat", "Yes.", 0, 3.0) == "Yes.\n\nYes.\n\nYes.\n\nYes."
    with pytest.raises(NotApplicable, match="empty"):
        changed("verbosity.repeat", " ")


def test_stock_phrases_by_hand() -> None:
    opening, answer, closing = changed("verbosity.boilerplate", PLAIN).split("\n\n")
    assert answer == PLAIN
    assert re.fullmatch(r"(?:Thank|Sure|Certainly|Of course)[^.]+\.", opening)
    assert closing.count(".") == 3
    assert changed("verbosity.boilerplate", PLAIN, 0, 0.25).endswith("\n\n" + PLAIN)
    assert changed("verbosity.boilerplate", CHINESE).split("\n\n")[1] == CHINESE


@common
@given(text=answers, seed=st.integers(0, 2**64))
def test_condensing_only_takes_away(text: str, seed: int) -> None:
    made = check_follow_up("verbosity.condense", text, seed, 1.0)
    if made is not None:
        assert len(made.case.responses[0]) < len(text)
        assert made.case.responses[0].strip()


@pytest.mark.parametrize(
    ("text", "short"),
    [
        (
            "Paris is the capital. It has long been the seat of government. In summary, Paris is the capital.",
            "Paris is the capital. It has long been the seat of government.",
        ),
        ("Paris it is. Paris it is. Lyon is not.", "Paris it is. Lyon is not."),
        ("It is actually so. In other words, it is so.", "It is so."),
        ("长城是古代工程，很长。它很古老。总之，长城是古代工程。", "长城是古代工程，很长。它很古老。"),
        ("Sure! Paris is it. I hope this helps!", "Paris is it."),
        ("Paris is large. In summary, Lyon is smaller.", None),
        ("There are 7 here. In summary, there are 7 here.", None),
        ("Paris is the capital.", None),
        ("In summary, Paris is the capital.", None),
    ],
)
def test_condensed_by_hand(text: str, short: str | None) -> None:
    if short is None:
        with pytest.raises(NotApplicable, match="nothing twice"):
            changed(condense.name, text)
    else:
        assert changed(condense.name, text) == short


# --- judges


def test_a_judge_that_likes_statistics_is_found_and_a_clean_one_is_not() -> None:
    probe = probe_of("authority.statistic", Relation.NO_GAIN, "worse", sham=True)
    assert finding_of(probe, holds_word(r"9\d\.\d%")).decision == "violated"
    assert finding_of(probe, None).decision == "holds"
