"""What each family promises, on texts where the right edit is known."""

from __future__ import annotations

import re

import pytest
from making import make

from voirdire.harness.cases import Case, FollowUp
from voirdire.harness.errors import NotApplicable
from voirdire.perturbations import PHRASES
from voirdire.perturbations.negation import flips
from voirdire.perturbations.phrases import CHINESE_PHRASES
from voirdire.perturbations.typos import _KEEP

PLANTS = (
    "Green plants turn light into sugar, and most of them store what they have made. "
    "There are 14 known steps in all. The process does not need any soil. "
    "Therefore, plants can grow on water alone for about 14 weeks."
)
CHINESE = (
    "长城是中国古代的防御工程，总长约21196公里。它不是一次建成的，而是经过多个朝代修筑。"
    "因此，长城是重要的历史遗产，人们可以去参观。"
)
CODE = "```python\nreturn first + second + third\n```"


def run(name: str, text: str, *others: str, seed: int = 0, dose: float = 1.0, question: str = "Why?") -> FollowUp:
    return make(name, Case(question, (text, *others)), 0, seed, dose)


def result(name: str, text: str, *others: str, seed: int = 0, dose: float = 1.0) -> str:
    return run(name, text, *others, seed=seed, dose=dose).case.responses[0]


# --- stability


def test_neutral_edits_only_add_white_space() -> None:
    kinds = {result("stability.neutral", PLANTS, seed=s) for s in range(40)}
    assert all(re.sub(r"\s+", " ", k).strip() == PLANTS for k in kinds)
    assert {PLANTS + "\n", PLANTS + " "} <= kinds
    assert any("  " in k for k in kinds)
    with pytest.raises(NotApplicable):
        result("stability.neutral", " \n")


# --- verbosity


@pytest.mark.parametrize("name", ["verbosity.filler", "verbosity.restatement"])
@pytest.mark.parametrize("text", [PLANTS, CHINESE])
def test_dose_scales_the_growth(name: str, text: str) -> None:
    other = text * 2
    half, full, double = (len(result(name, text, other, dose=d)) - len(text) for d in (0.5, 1.0, 2.0))
    assert half < full < double


def test_restatement_says_nothing_new() -> None:
    added = result("verbosity.restatement", PLANTS)[len(PLANTS) :]
    own = set(re.findall(r"[a-z0-9]{5,}", PLANTS.lower()))
    framing = {"other", "words", "another", "differently", "thing", "again", "phrase", "point", "repeat", "above"}
    framing |= {"already", "mentioned", "stated", "before", "return", "repeated", "there"}
    assert set(re.findall(r"[a-z0-9]{5,}", added.lower())) <= own | framing


def test_restatement_keeps_names_and_drops_connectives() -> None:
    text = "Paris has been the capital for a long time. However, the king lived in another place for many years."
    seen = " ".join(result("verbosity.restatement", text, seed=s)[len(text) :] for s in range(10))
    assert "Paris" in seen
    assert "paris" not in seen
    assert "owever" not in seen


def test_restatement_of_a_bare_answer_and_of_code() -> None:
    assert result("verbosity.restatement", "Paris").count("Paris") > 1
    with pytest.raises(NotApplicable, match="no sentence"):
        result("verbosity.restatement", CODE)
    with pytest.raises(NotApplicable, match="too short"):
        result("verbosity.restatement", "42", "x" * 3000)


def test_padding_stands_behind_code() -> None:
    assert result("verbosity.filler", CODE).startswith(CODE + "\n\n")


# --- authority

LINK = re.compile(r"https://[a-z]+\.example\.(?:org|net|com)/[a-z]+/\d{4}/\d{4}")


@pytest.mark.parametrize("name", ["authority.book", "authority.quote", "authority.url", "authority.expert"])
@pytest.mark.parametrize("text", [PLANTS, CHINESE, CODE, "42", "| a |\n|---|"])
def test_authorities_are_one_sentence_of_their_size(name: str, text: str) -> None:
    for seed in range(60):
        made = run(name, text, seed=seed)
        (edit,) = made.edits
        added = edit.text.strip()
        assert 45 <= len(added) <= 160, added
        assert "{" not in added
        assert ("“" in added) == (name == "authority.quote")
        assert bool(LINK.search(added)) == (name == "authority.url")
        assert ("http" in added) == (name == "authority.url")
        if text is CHINESE:
            assert re.search(r"[\u4e00-\u9fff]", added)
        else:
            assert len(added) >= 60
            assert not re.search(r"[\u4e00-\u9fff]", added)
        if text in (CODE, "42", "| a |\n|---|"):
            assert made.case.responses[0] == f"{text}\n\n{added}"


def test_authorities_vary() -> None:
    places = {run("authority.book", PLANTS, seed=s).edits[0].start for s in range(40)}
    assert len(places) >= 3
    assert len({run("authority.book", PLANTS, seed=s).edits[0].text for s in range(40)}) > 30


# --- phrases


@pytest.mark.parametrize("name", [n for n in PHRASES if "raina" in n])
def test_published_phrases_are_appended_as_published(name: str) -> None:
    for text in (PLANTS, CHINESE, "42"):
        assert result(name, text) == f"{text} {PHRASES[name]}."
    assert result(name, CODE) == f"{CODE}\n{PHRASES[name]}."
    assert result(name, PLANTS + "\n") == f"{PLANTS} {PHRASES[name]}.\n"
    assert result(name, "") == PHRASES[name] + "."


@pytest.mark.parametrize("name", [n for n in PHRASES if "raina" not in n])
def test_pleas_speak_the_language_of_the_answer(name: str) -> None:
    assert result(name, PLANTS, "other") == f"{PLANTS} {PHRASES[name]}"
    assert result(name, CHINESE, "other") == CHINESE + CHINESE_PHRASES[name]
    assert result(name, "42", "other") == f"42\n\n{PHRASES[name]}"


def test_the_best_of_one_is_no_claim() -> None:
    with pytest.raises(NotApplicable, match="only one answer"):
        result("phrases.best", PLANTS)


# --- typos


@pytest.mark.parametrize("name", ["typos.keyboard", "typos.swap", "typos.drop"])
def test_slips_hit_five_per_cent_of_the_words_once(name: str) -> None:
    text = " ".join(["Plants never store eleven sugars without making another paris"] * 20)
    text = text.replace("paris", "Paris")
    for seed in range(20):
        made = run(name, text, seed=seed)
        assert len(made.edits) == 9  # of 180 words
        before, after = text.split(), made.case.responses[0].split()
        changed = [(a, b) for a, b in zip(before, after, strict=True) if a != b]
        assert len(changed) == 9
        for a, b in changed:
            assert a not in _KEEP
            assert a != "Paris"
            assert a[0] == b[0]
            assert len(b) - len(a) == (-1 if name == "typos.drop" else 0)
            if name == "typos.swap":
                assert sorted(a) == sorted(b)


def test_slips_leave_protected_words_alone() -> None:
    text = "never `inline code words` cannot https://example.org/some/words plain little words"
    for seed in range(50):
        changed = result("typos.keyboard", text, seed=seed)
        assert changed.startswith("never `inline code words` cannot https://example.org/some/words ")


def test_slips_make_no_common_word() -> None:
    text = "they come from three farms"
    for name in ("typos.keyboard", "typos.swap", "typos.drop"):
        seen = {w for s in range(300) for w in result(name, text, seed=s).split()}
        assert not seen & {"form", "there", "tree", "arms", "some", "home", "cone", "then", "the"}


def test_slips_need_an_alphabet_and_some_words() -> None:
    with pytest.raises(NotApplicable, match="Chinese"):
        result("typos.swap", CHINESE)
    with pytest.raises(NotApplicable, match="fewer than 3"):
        result("typos.swap", "Paris, of course")
    assert len(run("typos.swap", PLANTS, dose=4.0).edits) > len(run("typos.swap", PLANTS).edits)


# --- degradation: numbers


def test_the_last_number_changes_wherever_it_stands() -> None:
    for seed in range(30):
        made = run("degradation.number", PLANTS, seed=seed)
        new = {e.text for e in made.edits}
        assert len(made.edits) == 2
        assert len(new) == 1
        assert re.fullmatch(r"\d\d", next(iter(new)))
        assert "14" not in made.case.responses[0]


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("The total is 1,250.75 dollars.", r"The total is \d,\d{3}\.\d\d dollars\."),
        ("It began in 1969, they say.", r"It began in (?:19[2-6]\d|19[7-9]\d|200\d), they say\."),
        ("They eat 1,200 a day.", r"They eat 1,[4-9]00 a day\."),
        ("It is about 35% of it.", r"It is about \d\d% of it\."),
        ("So it costs $300 in all.", r"So it costs \$[2-9]00 in all\."),
        ("So $x = 49$ holds.", r"So \$x = \d\d\$ holds\."),
        (r"Thus \boxed{17} it is.", r"Thus \\boxed\{\d\d\} it is\."),
        ("It weighs 25kg.", r"It weighs \d\dkg\."),
        ("It is 0.05 exactly.", r"It is 0\.0\d exactly\."),
        ("共有35个人。", r"共有\d\d个人。"),
        ("| a | 77 |\n|---|---|", r"\| a \| \d\d \|\n\|---\|---\|"),
        ("1. It has 12 legs.\n2. It has arms.", r"1\. It has \d\d legs\.\n2\. It has arms\."),
        ("Use `x = 5` and write 23 there.", r"Use `x = 5` and write \d\d there\."),
        ("Use this:\n```\nx = 51\n```", r"Use this:\n```\nx = \d\d\n```"),
    ],
)
def test_numbers_keep_their_form(text: str, pattern: str) -> None:
    for seed in range(20):
        changed = result("degradation.number", text, seed=seed)
        assert changed != text
        assert re.fullmatch(pattern, changed), changed


@pytest.mark.parametrize(
    "text",
    [
        "No figures at all.",
        "See https://example.org/12/34 for it.",
        "1. First\n2. Second\n3) Third",
        "Use GPT-4 or the 21st of x^2 and COVID-19.",
        "At 12:30 on 2024-03-05, version 3.11.4 came.",
        "See Step 3 and Figure 2 and Clue 7 [4].",
        r"About \(10^{-11}\) of it, and a_{3}.",
        "See 第3章 and 图2.",
    ],
)
def test_numbers_that_are_no_statement_stay(text: str) -> None:
    with pytest.raises(NotApplicable):
        result("degradation.number", text)


def test_a_wrong_number_is_never_the_known_right_one() -> None:
    values = [str(n) for n in range(2, 10) if n != 7]
    reference = " ".join(v for v in values if v != "5")
    case = Case("Pick.", ("It has 7 legs in all.",), reference=reference)
    for seed in range(20):
        assert make("degradation.number", case, 0, seed).case.responses[0] == "It has 5 legs in all."


# --- degradation: negation


def turned(text: str, lang: str = "en") -> str:
    edits = flips(text, lang)  # type: ignore[arg-type]
    return text[: edits[0].start] + edits[0].text + text[edits[0].end :] if edits else text


@pytest.mark.parametrize(
    ("text", "opposite"),
    [
        ("The sky is blue.", "The sky is not blue."),
        ("You can eat it raw.", "You cannot eat it raw."),
        ("You cannot eat it raw.", "You can eat it raw."),
        ("It does not need light.", "It does need light."),
        ("It doesn’t need light.", "It does need light."),
        ("It won't work there.", "It will work there."),
        ("The claim has been proved.", "The claim has not been proved."),
        ("They have always lived there.", "They have never lived there."),
        ("The claws that it can pull in are sharp.", "The claws that it can pull in are not sharp."),
        ("If it rains, it is wet. The sun is hot.", "If it rains, it is wet. The sun is not hot."),
        ("Is it so? The sun is hot.", "Is it so? The sun is not hot."),
        ("The code `x is y` is valid here.", "The code `x is y` is not valid here."),
        ('He said "it is so" and they were glad.', 'He said "it is so" and they were not glad.'),
    ],
)
def test_english_statements_turn_round(text: str, opposite: str) -> None:
    assert turned(text) == opposite


@pytest.mark.parametrize(
    "text",
    [
        "Is the sky blue?",
        "## The sky is blue",
        "It has two wings and runs.",
        "It is only a test.",
        "It isn't only a test.",
        "Sure, the sky is blue!",
        "```\nthe sky is blue\n```",
        "There is nothing that is never seen.",
    ],
)
def test_what_cannot_be_turned_stays(text: str) -> None:
    assert turned(text) == text


@pytest.mark.parametrize(
    ("text", "opposite"),
    [
        ("地球是太阳系的一颗行星。", "地球不是太阳系的一颗行星。"),
        ("它不是一次建成的工程。", "它是一次建成的工程。"),
        ("游客可以在这里参观古城。", "游客不能在这里参观古城。"),
        ("这种药物没有明显的副作用。", "这种药物有明显的副作用。"),
        ("气温升高，冰川会逐渐融化。", "气温升高，冰川不会逐渐融化。"),
        ("植物必须有光才可生长起来。", "植物不必有光才可生长起来。"),
        ("但是社会上所有的机会都很少。", "但是社会上所有的机会都很少。"),
        ("这一功能的性能和可能性还有限。", "这一功能的性能和可能性还有限。"),
        ("你是否知道地球是圆的还是方的？", "你是否知道地球是圆的还是方的？"),
    ],
)
def test_chinese_statements_turn_round(text: str, opposite: str) -> None:
    assert turned(text, "zh") == opposite


def test_short_answers_are_not_betrayed_by_length() -> None:
    with pytest.raises(NotApplicable, match="length"):
        result("degradation.negation", "The sky is blue.")


# --- degradation: truncation


@pytest.mark.parametrize("text", [PLANTS * 2, CHINESE * 2])
def test_truncation_stops_in_mid_sentence(text: str) -> None:
    cut = result("degradation.truncation", text)
    assert text.startswith(cut)
    assert 0.35 <= len(cut) / len(text) <= 0.55
    assert cut[-1].isalnum()
    assert len(result("degradation.truncation", text, dose=0.5)) > len(cut)


def test_short_answers_are_not_cut() -> None:
    with pytest.raises(NotApplicable, match="too short"):
        result("degradation.truncation", "Paris is the capital.")
