"""Tones: sentences of feeling around an answer that stays as it is, in its language, with a placebo."""

from __future__ import annotations

import pytest
from case_checks import finding_of, holds_word, probe_of
from family_checks import ARABIC, CHINESE, HINDI, JAPANESE, THAI, answers, changed, check_follow_up, common, doses
from hypothesis import given
from hypothesis import strategies as st
from making import make, placebo

from voirdire.harness.cases import Case, apply_edits
from voirdire.harness.errors import NotApplicable
from voirdire.harness.registry import PERTURBATIONS
from voirdire.harness.relations import Relation
from voirdire.perturbations.framing import prepend, rounds
from voirdire.perturbations.tone import TONES

NAMES = sorted(TONES)
PLAIN = "Paris is the capital of France. It lies on the Seine."


def test_all_are_registered() -> None:
    assert [n.split(".")[1] for n in NAMES] == [
        "angry",
        "assertive",
        "cheerful",
        "fearful",
        "hedged",
        "sad",
        "sycophantic",
    ]
    assert {n for n in PERTURBATIONS if n.startswith("tone.") and not n.endswith("-rewrite")} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
@common
@given(text=answers, seed=st.integers(0, 2**64), dose=doses)
def test_the_answer_stays_as_it_is(name: str, text: str, seed: int, dose: float) -> None:
    made = check_follow_up(name, text, seed, dose)
    if made is not None:
        assert all(e.start == e.end for e in made.edits)
        assert 1 <= len(made.edits) <= 2


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("text", "lang", "blank"), [(PLAIN, "en", " "), (CHINESE, "zh", "")])
def test_one_opening_and_one_closing(name: str, text: str, lang: str, blank: str) -> None:
    tone = TONES[name][lang]  # type: ignore[index]
    expected = {f"{a}{blank}{text}{blank}{b}" for a in tone.openings for b in tone.closings}
    made = {changed(name, text, seed) for seed in range(60)}
    assert made <= expected
    assert len(made) >= 10


def test_doses_count_sentences() -> None:
    tone = TONES["tone.sad"]["en"]
    known = (*tone.openings, *tone.closings)
    for dose, n in [(0.5, 1), (1.0, 2), (2.0, 4), (3.0, 6), (50.0, 8)]:
        result = changed("tone.sad", PLAIN, 0, dose)
        assert sum(s in result for s in known) == n
    assert changed("tone.sad", PLAIN, 0, 0.5).endswith(PLAIN)  # a single one opens
    assert [rounds(d, 3) for d in (0.1, 1.4, 1.5, 2.6, 99)] == [1, 1, 2, 3, 3]


@pytest.mark.parametrize("text", [HINDI, ARABIC, THAI, JAPANESE])
def test_there_are_no_words_for_other_scripts(text: str) -> None:
    with pytest.raises(NotApplicable, match="another script"):
        changed("tone.cheerful", text)
    with pytest.raises(NotApplicable, match="another script"):
        make("tone.cheerful", Case(text, ("42", "43")))  # a bare answer goes by its question


def test_an_empty_answer_has_no_tone() -> None:
    with pytest.raises(NotApplicable, match="empty"):
        changed("tone.cheerful", " \n")


@pytest.mark.parametrize("name", NAMES)
def test_the_placebo_has_no_tone(name: str) -> None:
    for text, lang in ((PLAIN, "en"), (CHINESE, "zh")):
        sham = placebo(name, Case("Question?", (text, "other"), label=0))
        assert sham is not None
        shown = apply_edits(text, sham)
        assert len(shown) == len(changed(name, text))
        assert not any(s in shown for s in (*TONES[name][lang].openings, *TONES[name][lang].closings))  # type: ignore[index]
        assert "!" not in shown
        assert "！" not in shown


# --- where an opening goes


@pytest.mark.parametrize(
    ("text", "opened"),
    [
        ("Text is here.", "O. Text is here."),
        ("\n  Text is here.", "\n  O. Text is here."),
        ("## Head\nText.", "O.\n\n## Head\nText."),
        ("- item is here", "O.\n\n- item is here"),
        ("```\ncode\n```", "O.\n\n```\ncode\n```"),
        ("    x = code(1)", "O.\n\n    x = code(1)"),
        ("**Bold** text.", "O.\n\n**Bold** text."),
        ("42", "O.\n\n42"),
        ("", "O.\n\n"),
        ("---\ntitle: words\n---\n\nText.", "---\ntitle: words\n---\n\nO.\n\nText."),
        ("---\ntitle: words\n---\nText.", "---\ntitle: words\n---\n\nO.\n\nText."),
        ("---\ntitle: words\n---\n", "---\ntitle: words\n---\n\nO.\n"),
    ],
)
def test_openings_stand_where_they_break_nothing(text: str, opened: str) -> None:
    assert apply_edits(text, [prepend(text, "O.", "en")]) == opened


def test_openings_in_chinese_and_as_paragraphs() -> None:
    assert apply_edits(CHINESE, [prepend(CHINESE, "好。", "zh")]) == "好。" + CHINESE
    assert apply_edits(PLAIN, [prepend(PLAIN, "O.", "en", paragraph=True)]) == "O.\n\n" + PLAIN


# --- judges

FLATTERY = holds_word("|".join(s.rstrip("!.") for s in TONES["tone.sycophantic"]["en"].openings))


def test_a_judge_that_likes_flattery_is_found_and_a_clean_one_is_not() -> None:
    probe = probe_of("tone.sycophantic", Relation.NO_GAIN, "worse", sham=True)
    assert finding_of(probe, FLATTERY).decision == "violated"
    assert finding_of(probe, None).decision == "holds"
