"""Slips, unseen characters, case, spacing and marred spelling: what each promises, and worked examples."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from family_checks import (
    ARABIC,
    CHINESE,
    HINDI,
    JAPANESE,
    SCRIPTS,
    THAI,
    answers,
    changed,
    check_follow_up,
    clusters,
    common,
    doses,
    follow_up,
)
from hypothesis import given
from hypothesis import strategies as st

from voirdire.harness.errors import NotApplicable
from voirdire.harness.registry import PERTURBATIONS
from voirdire.perturbations import typos_case, typos_letters, typos_marred, typos_spacing, typos_unseen  # noqa: F401
from voirdire.perturbations.scripts import segments
from voirdire.perturbations.spans import analyse
from voirdire.perturbations.typos import REAL_WORDS
from voirdire.perturbations.typos_unseen import HOMOGLYPHS

SLIPS = ["typos.insert", "typos.replace", "typos.shuffle", "typos.ocr", "typos.light"]
UNSEEN = ["typos.homoglyph", "typos.zero-width", "typos.bidi"]
CASES = ["typos.upper", "typos.lower", "typos.title", "typos.random-case"]
SPACING = ["typos.split-words", "typos.join-words"]
MARRED = ["typos.heavy", "typos.leetspeak", "typos.random-characters"]
NEW = [*SLIPS, *UNSEEN, *CASES, *SPACING, *MARRED]
WORDS = "plants always gather enough sunlight during summer mornings before farmers harvest another golden field"
LONG = ". ".join(["Plain " + WORDS] * 12) + "."
UNSEEN_SIGNS = re.compile("[\u200b\u2060]")
TURNED = re.compile("\u202d\u2066\u202e\u2066(.)\u2069\u2066(.)\u2069\u202c\u2069\u202c")


@pytest.mark.parametrize("name", NEW)
@common
@given(text=answers, seed=st.integers(0, 2**64), dose=doses)
def test_follow_ups_replay_and_leave_protected_text_and_clusters(name: str, text: str, seed: int, dose: float) -> None:
    made = check_follow_up(name, text, seed, dose)
    if made is None:
        return
    result = made.case.responses[0]
    if name in MARRED or name in CASES:
        assert len(result) == len(text)
    if name in UNSEEN or name in SPACING:
        assert abs(len(result) - len(text)) <= 0.05 * len(text) or name == "typos.join-words"


@pytest.mark.parametrize("name", NEW)
def test_claims(name: str) -> None:
    chosen = PERTURBATIONS.get(name)
    assert chosen.claim == ("degrading" if name in MARRED else "preserving")
    assert "arXiv:" in chosen.source


# --- doses

RATES = {
    **dict.fromkeys([*SLIPS, *SPACING], 0.05),
    "typos.homoglyph": 0.10,
    "typos.zero-width": 0.10,
    "typos.bidi": 0.02,
    "typos.heavy": 0.20,
    "typos.random-characters": 0.20,
}


@pytest.mark.parametrize("name", sorted(RATES))
@pytest.mark.parametrize("dose", [0.5, 1.0, 1.5])
def test_the_dose_is_met(name: str, dose: float) -> None:
    n_words = len(analyse(LONG).words)
    for seed in range(10):
        made = follow_up(name, LONG, seed, dose)
        assert made is not None
        wanted = RATES[name] * dose * n_words
        assert abs(len(made.edits) - wanted) <= max(0.5, 0.10 * wanted)
        words_hit = {k for e in made.edits for k, (a, b) in enumerate(analyse(LONG).words) if a <= e.start <= b}
        assert len(words_hit) >= 0.9 * wanted


@pytest.mark.parametrize("name", [*CASES, "typos.leetspeak"])
def test_whole_text_edits_scale_below_dose_one(name: str) -> None:
    n_words = len(analyse(LONG).words)
    text = LONG.upper() if name == "typos.lower" else LONG.lower()
    half, full = follow_up(name, text, dose=0.5), follow_up(name, text)
    assert half is not None
    assert full is not None
    assert abs(len(half.edits) - 0.5 * n_words) <= 0.05 * n_words
    hit = [a != b for a, b in zip(text.split(), full.case.responses[0].split(), strict=True)]
    assert sum(hit) >= 0.95 * n_words
    assert len(full.edits) < 0.2 * n_words  # stretches, not words


# --- slips


@pytest.mark.parametrize("name", [*SLIPS, "typos.heavy"])
def test_slips_keep_the_first_letter_and_make_no_common_word(name: str) -> None:
    text = "they never come from seven Paris farms with cannot plants garden window"
    for seed in range(200):
        before, after = text.split(), changed(name, text, seed).split()
        for a, b in zip(before, after, strict=True):
            if a == b:
                continue
            assert a[0] == b[0]
            assert a not in ("never", "seven", "cannot", "Paris")
            assert b not in REAL_WORDS


def slip_of(name: str, word: str) -> set[str]:
    """All that becomes of `word` in a text that offers nothing else."""
    text = f"{word} {word} {word}"
    seen = {w for seed in range(300) for w in changed(name, text, seed, 1.0).split()}
    return seen - {word}


@pytest.mark.parametrize(
    ("name", "word", "fits"),
    [
        ("typos.insert", "zzzz", lambda w: len(w) == 5 and set(w) <= set("zasx") and w.count("z") == 4),
        ("typos.replace", "qqqq", lambda w: len(w) == 4 and w[0] == "q" and w.count("q") == 3),
        ("typos.shuffle", "abcde", lambda w: w in {"acbde", "abdce", "acdbe", "adbce", "adcbe"}),
        ("typos.ocr", "pkmp", lambda w: w == "pkrnp"),
        ("typos.ocr", "pclk", lambda w: w in {"pdk", "pelk", "pc1k", "pcIk"}),
        ("typos.ocr", "stages", lambda w: w[-1] in "s5" and 5 <= len(w) <= 7),
    ],
)
def test_slips_by_hand(name: str, word: str, fits: Callable[[str], bool]) -> None:
    seen = slip_of(name, word)
    assert seen
    assert all(fits(w) for w in seen), seen


def test_light_makes_all_five_kinds() -> None:
    lengths = {len(w) - 6 for w in slip_of("typos.light", "garden")}
    assert lengths == {-1, 0, 1}
    same = {w for w in slip_of("typos.light", "garden") if len(w) == 6}
    assert any(sorted(w) == sorted("garden") for w in same)
    assert any(sorted(w) != sorted("garden") for w in same)


def test_heavy_keeps_the_length_and_is_four_times_as_heavy() -> None:
    light, heavy = follow_up("typos.light", LONG), follow_up("typos.heavy", LONG)
    assert light is not None
    assert heavy is not None
    assert all(len(e.text) == e.end - e.start for e in heavy.edits)
    assert abs(len(heavy.edits) - 4 * len(light.edits)) <= 2


@pytest.mark.parametrize("name", [*SLIPS, "typos.heavy"])
@pytest.mark.parametrize("lang", sorted(SCRIPTS))
def test_slips_need_the_latin_alphabet(name: str, lang: str) -> None:
    with pytest.raises(NotApplicable, match="Chinese" if lang == "zh" else "fewer than 3 words"):
        changed(name, SCRIPTS[lang])


# --- what a reader does not see


@pytest.mark.parametrize("text", [LONG, "Это простой русский текст для проверки.", "Ένα απλό ελληνικό κείμενο."])
def test_homoglyphs_look_the_same_and_lead_back(text: str) -> None:
    for seed in range(20):
        made = follow_up("typos.homoglyph", text, seed)
        assert made is not None
        result = made.case.responses[0]
        assert len(result) == len(text)
        for a, b in zip(text, result, strict=True):
            assert a == b or HOMOGLYPHS[a] == b
            assert a == b or ("a" <= a.lower() <= "z") != ("a" <= b.lower() <= "z")  # another alphabet


def test_homoglyphs_by_hand() -> None:
    assert changed("typos.homoglyph", "gx") == "gх"
    assert ord(changed("typos.homoglyph", "gx")[1]) == 0x0445
    with pytest.raises(NotApplicable, match="twin"):
        changed("typos.homoglyph", "é x\u0301 `x`")


@pytest.mark.parametrize("text", [LONG, *SCRIPTS.values()])
def test_zero_width_characters_stand_between_clusters(text: str) -> None:
    for seed in range(20):
        result = changed("typos.zero-width", text, seed)
        assert UNSEEN_SIGNS.sub("", result) == text
        marks = [m.start() for m in UNSEEN_SIGNS.finditer(result)]
        assert marks
        assert {m - k for k, m in enumerate(marks)} <= clusters(text)
        if text is ARABIC:
            assert "\u200b" not in result  # it would part letters that are joined


def test_zero_width_by_hand() -> None:
    text = " ".join(["x"] * 40 + ["नमः"])  # one word has a place inside, between two clusters
    assert UNSEEN_SIGNS.sub("|", changed("typos.zero-width", text)) == text[:-3] + "न|मः"


def test_turned_letters_show_in_the_right_order() -> None:
    for seed in range(20):
        made = follow_up("typos.bidi", LONG, seed)
        assert made is not None
        result = made.case.responses[0]
        assert TURNED.sub(r"\2\1", result) == LONG
        for e in made.edits:
            first, second = LONG[e.start : e.end]
            assert e.text == f"\u202d\u2066\u202e\u2066{second}\u2069\u2066{first}\u2069\u202c\u2069\u202c"


def test_turned_letters_are_balanced_and_not_for_right_to_left() -> None:
    result = changed("typos.bidi", LONG)
    assert result.count("\u2066") == result.count("\u2069")
    assert result.count("\u202d") + result.count("\u202e") == result.count("\u202c")
    with pytest.raises(NotApplicable, match="right to left"):
        changed("typos.bidi", ARABIC)
    with pytest.raises(NotApplicable, match="Latin"):
        changed("typos.bidi", CHINESE)
    with pytest.raises(NotApplicable, match="more than 5 %"):
        changed("typos.bidi", "three plain words")


# --- case

CASE_TEXT = "See GPT-4 and `code Here`. Über den Straßen, don't worry: ﬁne"


@pytest.mark.parametrize(
    ("name", "result"),
    [
        ("typos.upper", "SEE GPT-4 AND `code Here`. ÜBER DEN STRAßEN, DON'T WORRY: ﬁNE"),
        ("typos.lower", "see GPT-4 and `code Here`. über den straßen, don't worry: ﬁne"),
        ("typos.title", "See GPT-4 And `code Here`. Über Den Straßen, Don't Worry: ﬁne"),
    ],
)
def test_case_by_hand(name: str, result: str) -> None:
    assert changed(name, CASE_TEXT) == result


def test_random_case_tosses_a_fair_coin() -> None:
    text = "abcdefghij " * 300
    result = changed("typos.random-case", text)
    assert result.lower() == text
    big = sum(c.isupper() for c in result)
    assert 0.45 < big / 3000 < 0.55
    assert changed("typos.random-case", text, 1) != result


def test_case_of_other_alphabets() -> None:
    assert changed("typos.upper", "Жизнь прекрасна, ἀλλά") == "ЖИЗНЬ ПРЕКРАСНА, ἀΛΛΆ"
    for text in (HINDI, ARABIC, THAI, JAPANESE, CHINESE):
        with pytest.raises(NotApplicable, match="no capital"):
            changed("typos.upper", text)
    with pytest.raises(NotApplicable, match="already"):
        changed("typos.upper", "ALL BIG `small`")


# --- spacing


def test_split_words_only_adds_blanks_inside_words() -> None:
    for seed in range(30):
        made = follow_up("typos.split-words", LONG, seed)
        assert made is not None
        assert all(e.text == " " for e in made.edits)
        assert made.case.responses[0].replace(" ", "") == LONG.replace(" ", "")
        new = set(made.case.responses[0].split()) - set(LONG.split())
        assert all(len(w.strip(".")) >= 2 for w in new)


def test_split_words_says_nothing_new() -> None:
    text = "incorrect unhappy useless disagree insects"
    seen = {changed("typos.split-words", text, seed) for seed in range(200)}
    assert not any(re.search(r"\b(?:in|un|dis|less)\b", s) for s in seen)


@pytest.mark.parametrize("lang", ["zh", "ja", "th"])
def test_split_words_between_words_of_scripts_without_blanks(lang: str) -> None:
    text = SCRIPTS[lang]
    starts = {a for a, _ in segments(text)}
    for seed in range(20):
        made = follow_up("typos.split-words", text, seed)
        assert made is not None
        assert all(e.start in starts and text[e.start - 1] != " " for e in made.edits)


def test_join_words_by_hand() -> None:
    text = "The green plants do not grow. So much water, some rain `and code` here they come out."
    seen = {changed("typos.join-words", text, seed) for seed in range(100)}
    assert seen == {
        text.replace("green plants", "greenplants"),
        text.replace("much water", "muchwater"),
        text.replace("some rain", "somerain"),
        text.replace("here they", "herethey"),
        text.replace("come out", "comeout"),  # not "they come": three words may not run together
    }
    for seed in range(20):
        made = follow_up("typos.join-words", LONG, seed)
        assert made is not None
        assert made.case.responses[0].replace(" ", "") == LONG.replace(" ", "")
    with pytest.raises(NotApplicable, match="blank"):
        changed("typos.join-words", CHINESE)
    assert changed("typos.join-words", HINDI * 2) != HINDI * 2


# --- marred


def test_leetspeak_by_hand() -> None:
    text = "Plants take sugar, `take` it to 5 Isles."
    assert changed("typos.leetspeak", text) == "Pl4n75 74k3 5ug4r, `take` 17 70 5 15l35."
    with pytest.raises(NotApplicable, match="digit"):
        changed("typos.leetspeak", CHINESE)


def test_random_characters_stand_for_inner_letters() -> None:
    for seed in range(20):
        result = changed("typos.random-characters", LONG, seed)
        for a, b in zip(LONG.split(), result.split(), strict=True):
            marks = [k for k, (x, y) in enumerate(zip(a, b, strict=True)) if x != y]
            assert len(marks) <= 1
            assert all(b[k] in "#%&@^=+?!~" and 0 < k < len(a.rstrip(".")) - 1 for k in marks)
    with pytest.raises(NotApplicable, match="fewer than 3"):
        changed("typos.random-characters", CHINESE)
    assert changed("typos.random-characters", HINDI) != HINDI
