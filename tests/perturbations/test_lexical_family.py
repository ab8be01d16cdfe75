"""Other words for the same thing: inflection, capitals, articles, context, doses, and a list that a reader judged."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import pytest
from family_checks import SCRIPTS, answers, changed, check_follow_up, common, doses, follow_up
from hypothesis import given
from hypothesis import strategies as st
from making import make

from voirdire.harness.cases import Case, apply_edits
from voirdire.harness.errors import NotApplicable
from voirdire.harness.registry import PERTURBATIONS
from voirdire.perturbations import lexical_forms  # noqa: F401 - registers its part of the family
from voirdire.perturbations.lexical import _replaced, _synonym_places
from voirdire.perturbations.lexical_words import NUMBER_WORDS, STRAY_WORDS, begins_with_vowel_sound
from voirdire.perturbations.lexicon import lexicon
from voirdire.perturbations.spans import analyse

NAMES = [
    f"lexical.{kind}"
    for kind in (
        "antonyms",
        "contract",
        "expand",
        "figures-to-words",
        "random-words",
        "synonyms",
        "words-to-figures",
    )
]
LONG = " ".join(
    f"In the {k} years we often choose a large car, and it is therefore not important to buy it quickly."
    for k in "abcdefgh"
)
GERMAN = "Die Sonne ist ein Stern im Zentrum des Sonnensystems, und sie besteht vor allem aus Wasserstoff."


def test_claims() -> None:
    claims = {n: PERTURBATIONS.get(n).claim for n in NAMES}
    assert claims.pop("lexical.antonyms") == "degrading"
    assert set(claims.values()) == {"preserving"}
    assert [n for n in NAMES if PERTURBATIONS.get(n).plants_error] == ["lexical.antonyms"]


@pytest.mark.parametrize("name", NAMES)
@common
@given(text=answers, seed=st.integers(0, 2**64), dose=doses)
def test_follow_ups_replay_and_keep_their_length(name: str, text: str, seed: int, dose: float) -> None:
    made = check_follow_up(name, text, seed, dose, reaches_protected=name == "lexical.figures-to-words")
    if made is not None:
        assert abs(len(made.case.responses[0]) - len(text)) <= 0.05 * len(text)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("lang", [*SCRIPTS, "de"])
def test_english_only(name: str, lang: str) -> None:
    with pytest.raises(NotApplicable, match="English"):
        changed(name, GERMAN if lang == "de" else SCRIPTS[lang])


# --- doses


@pytest.mark.parametrize("dose", [0.5, 1.0])
@pytest.mark.parametrize(("name", "rate"), [("lexical.synonyms", 0.03), ("lexical.random-words", 0.02)])
def test_the_share_of_words_is_met(name: str, rate: float, dose: float) -> None:
    wanted = rate * dose * len(analyse(LONG).words)
    for seed in range(10):
        made = follow_up(name, LONG, seed, dose)
        assert made is not None
        assert abs(len(made.edits) - wanted) <= max(0.5, 0.1 * wanted)


@pytest.mark.parametrize("dose", [0.5, 1.0])
def test_contractions_scale(dose: float) -> None:
    made = follow_up("lexical.contract", LONG + " " + "x" * 400, 0, dose)
    assert made is not None
    assert len(made.edits) == 8 * dose


# --- synonyms


def test_the_judged_list() -> None:
    """100 substitutions drawn at random and judged by a reader, at least nine of ten accepted; still what is made."""
    judged = json.loads(Path(__file__).with_name("lexical_accepted.json").read_text(encoding="utf-8"))["substitutions"]
    assert len(judged) == 100
    assert sum(s["accepted"] for s in judged) >= 90
    assert all(s["accepted"] or s["why_not"] for s in judged)
    assert max(Counter(s["was"].lower() for s in judged).values()) <= 4
    for entry in judged:
        sentence = entry["sentence"]
        offered = {
            (sentence[e.start : e.end], e.text)
            for c in _synonym_places(sentence)
            for r in c.replacements
            for e in [_replaced(sentence, c, r)]
        }
        assert (entry["was"], entry["becomes"]) in offered


def only_synonym(text: str) -> str:
    """`text` with its first replaceable word replaced by the word's first synonym."""
    found = _synonym_places(text)
    assert len(found) == 1, found
    return apply_edits(text, [_replaced(text, found[0], found[0].replacements[0])])


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("They chose it.", "They selected it."),
        ("She is choosing it.", "She is selecting it."),
        ("He buys bread.", "He purchases bread."),
        ("It stopped when the work began.", "It stopped when the work started."),
        ("Two doctors of mine.", "Two physicians of mine."),
        ("Large rooms are here.", "Big rooms are here."),
        ("the biggest of them", "the largest of them"),
        ("It is an enormous room.", "It is a tremendous room."),
        ("It was a mistake.", "It was an error."),
        ("A huge room it is.", "An immense room it is."),
        ("It makes an essential point.", "It makes a crucial point."),
    ],
)
def test_inflection_capitals_and_articles(text: str, result: str) -> None:
    assert only_synonym(text) == result


@pytest.mark.parametrize(
    "text",
    [
        "In the Large Hadron Collider it is.",  # a name
        "a large-scale plan",
        "the LARGE one",
        '"a large room", he wrote',
        "`large` is the name",
        "a large number of them",  # a set phrase
        "the need for it",  # a noun; only the verb is in the table
        "this use of it",
        "It seems like rain.",
        "You have to start up here.",
        "Customer: hello.",  # what a line is called
        "a more difficult room",
        "They are big, as large as it gets.",  # the synonym stands beside it
    ],
)
def test_left_alone(text: str) -> None:
    assert not _synonym_places(text)


def test_the_words_of_the_question_stay() -> None:
    text = (
        "The large car is in the yard, and that is where it will be for the night." + " It will be there at noon." * 5
    )
    case = Case("What is a large car?", (text, "other"), label=0)
    with pytest.raises(NotApplicable, match="synonym"):
        make("lexical.synonyms", case)
    assert make("lexical.synonyms", case.replace(instruction="Where is it?")).edits


def test_the_first_synonym_is_the_usual_one() -> None:
    text = "It is completely new to them. " + "More of this stands in the book that we have here. " * 2
    seen = Counter(re.findall(r"is (\w+) new", changed("lexical.synonyms", text, seed))[0] for seed in range(300))
    ranked = lexicon()["completely"][0].synonyms
    assert [word for word, _ in seen.most_common()] == list(ranked)


def test_the_table_is_sound() -> None:
    table = lexicon()
    assert len(table) > 1000
    for form, entries in table.items():
        assert re.fullmatch("[a-z]+", form)
        assert len({e.pos for e in entries}) == len(entries)
        for e in entries:
            assert e.synonyms or e.antonyms
            assert all(re.fullmatch("[a-z]+", w) for w in e.synonyms + e.antonyms)
            assert form not in e.synonyms + e.antonyms


@pytest.mark.parametrize("word", ["hour", "honest", "idea", "uninteresting", "unimportant"])
def test_an(word: str) -> None:
    assert begins_with_vowel_sound(word)


@pytest.mark.parametrize("word", ["user", "unique", "university", "one", "house", "European".lower()])
def test_a(word: str) -> None:
    assert not begins_with_vowel_sound(word)


# --- antonyms and stray words


def test_antonyms_turn_one_word_of_a_third_of_the_sentences() -> None:
    text = "The price of it will increase if the demand is high. " * 9
    for seed in range(10):
        made = follow_up("lexical.antonyms", text, seed)
        assert made is not None
        assert len(made.edits) == 3
        assert {(text[e.start : e.end], e.text) for e in made.edits} <= {("increase", "decrease"), ("high", "low")}
        assert len({e.start // 53 for e in made.edits}) == 3


def test_antonyms_keep_set_phrases_and_questions() -> None:
    with pytest.raises(NotApplicable, match="opposite"):
        changed("lexical.antonyms", "There is no more of it. Is it high?\n\n# The high one of them")


def test_stray_words_only_come_in() -> None:
    for seed in range(20):
        made = follow_up("lexical.random-words", LONG, seed)
        assert made is not None
        assert all(e.start == e.end and e.text[1:] in STRAY_WORDS and e.text[0] == " " for e in made.edits)
        assert len({e.text for e in made.edits}) == len(made.edits)


# --- contractions and numbers

REST = " More of the same stands in the rest of this answer, which is long enough to hold it all." * 3


@pytest.mark.parametrize(
    ("full", "short"),
    [
        ("It is a dog, and they are cats.", "It's a dog, and they're cats."),
        ("I have seen that you cannot go.", "I've seen that you can't go."),
        ("Do not go, she will not be there.", "Don't go, she won't be there."),
        ("It is not a dog.", "It isn't a dog."),
        ("They have already been here, and we have walked.", "They've already been here, and we've walked."),
    ],
)
def test_contractions_by_hand(full: str, short: str) -> None:
    assert changed("lexical.contract", full + REST) == short + REST
    assert changed("lexical.expand", short.replace("'", "’") + REST) == full + REST


@pytest.mark.parametrize(
    "text",
    [
        "Tell me what it is like.",
        "I have a dog.",
        "It is not only big.",
        "IT IS BIG.",
        "Do you have time to meet?",
        "Do you have baked bread?",
        "They have flexible joints.",
        "I have so much to share.",
        "The data we have is old.",
        "You have need of it.",
    ],
)
def test_not_contracted(text: str) -> None:
    with pytest.raises(NotApplicable, match="contracted"):
        changed("lexical.contract", text + REST)


@pytest.mark.parametrize(
    "text", ["Why don't the dogs go?", "It's gone.", "He'd go.", "The dog's tail.", "Don't you?", "`don't`"]
)
def test_not_expanded(text: str) -> None:
    with pytest.raises(NotApplicable, match="no contraction"):
        changed("lexical.expand", text + REST)


@pytest.mark.parametrize(
    ("words", "figures"),
    [
        ("They have twelve dogs.", "They have 12 dogs."),
        ("They have twenty-six dogs.", "They have 26 dogs."),
        ("They have two dogs and they see seven cats.", "They have 2 dogs and they see 7 cats."),
    ],
)
def test_numbers_by_hand(words: str, figures: str) -> None:
    assert changed("lexical.words-to-figures", words + REST) == figures + REST
    assert changed("lexical.figures-to-words", figures + REST) == words + REST


@pytest.mark.parametrize(
    "text",
    [
        "They have two hundred dogs.",
        "No one of them.",
        "the two dogs",
        "a two-day trip",
        "two or three dogs",
        "the year nineteen eighty-four",
        "room twelve fifty",
        "one dog",
    ],
)
def test_words_left_in_words(text: str) -> None:
    with pytest.raises(NotApplicable, match="in words"):
        changed("lexical.words-to-figures", text + REST)


@pytest.mark.parametrize(
    "text",
    [
        "They run 12 km.",
        "See step 3 below.",
        "It has 12 percent more.",
        "In $x = 3 apples$ it is.",
        "3. dogs bark",
        "`a 3 dogs`",
    ],
)
def test_figures_left_in_figures(text: str) -> None:
    with pytest.raises(NotApplicable, match="in figures"):
        changed("lexical.figures-to-words", text + REST)


def test_number_words_are_in_order() -> None:
    assert len(NUMBER_WORDS) == 100
    assert [NUMBER_WORDS[n] for n in (0, 7, 13, 20, 21, 99)] == [
        "zero",
        "seven",
        "thirteen",
        "twenty",
        "twenty-one",
        "ninety-nine",
    ]
