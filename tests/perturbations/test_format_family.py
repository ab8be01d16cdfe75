"""The look of answers: the marks that are meant, where they are meant, and not a word changed; the style grid."""

from __future__ import annotations

import re

import pytest
from family_checks import (
    ARABIC,
    CHINESE,
    HINDI,
    JAPANESE,
    THAI,
    answers,
    changed,
    check_follow_up,
    common,
    doses,
    follow_up,
)
from hypothesis import given
from hypothesis import strategies as st
from making import placebo
from markdown_it import MarkdownIt

from voirdire.harness.cases import Case, apply_edits
from voirdire.harness.errors import NotApplicable
from voirdire.harness.registry import PERTURBATIONS
from voirdire.perturbations.format import stripped_marks
from voirdire.perturbations.format_style import concise_cuts

NAMES = sorted(n for n in PERTURBATIONS if n.startswith("format."))
ADDITIONS = ["format.headings", "format.rich"]
REMOVALS = ["format.concise", "format.stripped"]
#: marks that change no word, and so can be taken away again
MARKS = ["format.bold", "format.bullets", "format.markdown", "format.emoji"]
TOPICS = [
    "gardens",
    "rivers",
    "mountains",
    "villages",
    "harbours",
    "orchards",
    "libraries",
    "rails",
    "markets",
    "boats",
]
PROSE = " ".join(f"This sentence says something plain and simple about {topic}." for topic in TOPICS)
TWO = f"{PROSE}\n\n{PROSE}"
EMOJI = re.compile(r" ?[✨✅🌟💡🚀📌🎯👍]")


def kinds(text: str) -> list[str]:
    """The kinds of markdown blocks and marks in `text`."""
    found = []
    for token in MarkdownIt("commonmark").enable("table").parse(text):
        found.append(token.type)
        found += (t.type for t in token.children or [])
    return found


def test_all_are_registered() -> None:
    assert [n.split(".")[1] for n in NAMES] == [
        "bold",
        "boxed",
        "bullets",
        "code-fence",
        "concise",
        "emoji",
        "headings",
        "latex",
        "markdown",
        "rich",
        "stripped",
        "table",
    ]
    assert [n for n in NAMES if PERTURBATIONS.get(n).claim == "addition"] == ADDITIONS
    assert all("arXiv:" in PERTURBATIONS.get(n).source for n in NAMES)


@pytest.mark.parametrize("name", NAMES)
@common
@given(text=answers, seed=st.integers(0, 2**64), dose=doses)
def test_no_word_changes(name: str, text: str, seed: int, dose: float) -> None:
    made = check_follow_up(name, text, seed, dose)
    if made is None:
        return
    result = made.case.responses[0]
    if name in REMOVALS:
        assert len(result) < len(text)
        return
    assert not any(text[e.start : e.end].strip() for e in made.edits)  # nothing but blanks is replaced
    if name in ADDITIONS:
        assert all(e.start == e.end for e in made.edits)
    else:
        assert len(result) - len(text) <= 0.05 * len(text)


@pytest.mark.parametrize("name", MARKS)
@common
@given(words=st.lists(st.sampled_from(TOPICS), min_size=4, max_size=30), seed=st.integers(0, 2**32))
def test_marks_can_be_taken_away_again(name: str, words: list[str], seed: int) -> None:
    text = " ".join(f"Some long enough sentence speaks of {w} in a plain way." for w in words)
    result = EMOJI.sub("", changed(name, text, seed))
    plain = apply_edits(result, stripped_marks(result))
    assert plain.split() == text.split()


def test_hostile_texts_take_linear_time() -> None:
    """Not by the clock: quadratic ones would take minutes."""
    for text in ("a|b\n" * 30_000, "---\na: b\n" + "x\n" * 30_000, "**a" * 30_000, "> " * 30_000, "a. " * 30_000):
        for name in NAMES:
            follow_up(name, text)


# --- emoji, bold, bullets


def test_emoji_stand_behind_sentences() -> None:
    made = follow_up("format.emoji", PROSE)
    assert made is not None
    assert len(made.edits) == 5  # half of ten
    assert EMOJI.sub("", made.case.responses[0]) == PROSE
    assert all(PROSE[e.start - 1] == "." and EMOJI.fullmatch(e.text) for e in made.edits)
    assert re.search(r"。[^。 ]长|。[^。 ]它", changed("format.emoji", CHINESE * 2))  # no blank in Chinese


def test_bold_by_hand() -> None:
    text = "The most remarkable one is old, and `a remarkablest thing` is not. *Another remarkable* one was there too."
    text += " It was all so much as it is for one and all of us."
    assert changed("format.bold", text) == text.replace("most remarkable one", "most **remarkable** one")
    assert kinds(changed("format.bold", PROSE)).count("strong_open") == 5
    with pytest.raises(NotApplicable, match="more than 5 %"):
        changed("format.bold", CHINESE * 6)  # four marks weigh more where sentences have twenty characters
    assert re.search(r"\*\*[一-龥]{2,3}\*\*", changed("format.markdown", CHINESE * 6))
    with pytest.raises(NotApplicable, match="emphasis"):
        changed("format.bold", "*Remarkable* words. So it is.")


def test_bullets_by_hand() -> None:
    text = f"{PROSE}\n\n# Head\n\n1. An item. Of two.\n\nOne more sentence here."
    lines = changed("format.bullets", text).split("\n")
    assert lines[:2] == [f"- This sentence says something plain and simple about {t}." for t in TOPICS[:2]]
    assert lines[10:] == ["", "# Head", "", "1. An item. Of two.", "", "- One more sentence here."]
    assert kinds("\n".join(lines)).count("list_item_open") == 12
    long = "，".join(["这是一个很长很长的句子"] * 6)
    assert changed("format.bullets", f"{long}。{long}。") == f"- {long}。\n- {long}。"
    with pytest.raises(NotApplicable, match="two sentences"):
        changed("format.bullets", "Only one sentence.")


def test_markdown_is_bullets_and_bold_in_five_per_cent() -> None:
    result = changed("format.markdown", TWO)
    assert kinds(result).count("list_item_open") == 20
    assert 1 <= kinds(result).count("strong_open") <= 20
    assert 0.03 <= len(result) / len(TWO) - 1 <= 0.05


# --- additions


def test_headings_by_hand() -> None:
    text = f"{PROSE}\nSecond line of it.\n\n- an item\n\nLast paragraph."
    assert changed("format.headings", text) == (
        f"## Overview\n\n{PROSE}\nSecond line of it.\n\n- an item\n\n## Details\n\nLast paragraph."
    )
    assert changed("format.headings", CHINESE) == f"## 概述\n\n{CHINESE}"
    assert changed("format.headings", "---\ntitle: words\n---\n\nText is here.").endswith(
        "---\n\n## Overview\n\nText is here."
    )
    assert kinds(changed("format.headings", TWO)).count("heading_open") == 2


def test_rich_content_has_all_three() -> None:
    result = changed("format.rich", TWO)
    assert kinds(result).count("heading_open") == kinds(result).count("strong_open") == 2
    assert len(EMOJI.findall(result)) == 2 + 10
    assert re.match(r"## . Overview\n\n\*\*Key point:\*\* This sentence", result)
    assert re.match(r"## . 概述\n\n\*\*要点：\*\* 长城", changed("format.rich", CHINESE))


@pytest.mark.parametrize("name", ADDITIONS)
@pytest.mark.parametrize("text", [TWO, CHINESE])
def test_additions_have_a_placebo_without_marks(name: str, text: str) -> None:
    case = Case("Question?", (text, "other"))
    sham = placebo(name, case)
    made = follow_up(name, text)
    assert sham is not None
    assert made is not None
    shown = apply_edits(text, sham)
    assert len(shown) == len(made.case.responses[0])
    assert not re.search(r"[#*]|" + EMOJI.pattern[2:], shown)


@pytest.mark.parametrize("text", [HINDI, ARABIC, THAI, JAPANESE])
@pytest.mark.parametrize("name", ADDITIONS)
def test_built_in_words_are_english_and_chinese(name: str, text: str) -> None:
    with pytest.raises(NotApplicable, match="another script"):
        changed(name, text)


@pytest.mark.parametrize("text", [HINDI, ARABIC])
def test_marks_work_in_other_scripts(text: str) -> None:
    long = " ".join([text] * 4)
    assert len(changed("format.bullets", long).split("\n- ")) == 8
    assert kinds(changed("format.bold", long)).count("strong_open") >= 3
    assert EMOJI.sub("", changed("format.emoji", long)) == long


# --- table, maths, fence


def test_table_by_hand() -> None:
    text = f"One line.\n\nA b c. D e f. G h i. J k l. M n o.\n\n{' '.join(['Other'] * 60)}."
    assert changed("format.table", text) == text.replace(
        "A b c. D e f. G h i. J k l. M n o.", "A b c. | D e f.\n---|---\nG h i. | J k l.\nM n o."
    )
    tables = kinds(changed("format.table", TWO))
    assert tables.count("table_open") == 1
    assert tables.count("td_open") == 8
    long = "，".join(["这是一个很长很长的句子"] * 9)
    assert changed("format.table", f"{long}。" * 3) == f"{long}。 |{long}。\n---|---\n{long}。"
    with pytest.raises(NotApplicable, match="three sentences"):
        changed("format.table", "One. Two.")


def test_latex_by_hand() -> None:
    text = "1. It has 12 or 1,250.75 of them in GPT-4 at 5 % and [3]; `7` of 8kg and, at most, 90.\n\nThat was all."
    assert changed("format.latex", text + PROSE) == PROSE.join(
        [text.replace(" 12", " $12$").replace("1,250.75", "$1,250.75$").replace("90.", "$90$."), ""]
    )
    assert changed("format.latex", CHINESE) == CHINESE.replace("21196", "$21196$")
    for other, reason in [
        ("It costs $5 or 6.", "dollar"),
        ("No number here.", "plain number"),
        ("1. One\n2. Two", "plain"),
    ]:
        with pytest.raises(NotApplicable, match=reason):
            changed("format.latex", other)


def test_boxed_is_the_last_number() -> None:
    text = f"{PROSE} There are 12 of them. Therefore, the answer is 42."
    assert changed("format.boxed", text) == text.replace("42", "$\\boxed{42}$")
    with pytest.raises(NotApplicable, match="more than 5 %"):
        changed("format.boxed", "The answer is 42.")


def test_code_fence_by_hand() -> None:
    assert changed("format.code-fence", PROSE + "\n\n") == f"```\n{PROSE}\n```\n\n"
    assert kinds(changed("format.code-fence", TWO)) == ["fence"]
    for text, reason in [("```\nx\n```", "already"), (" \n", "empty"), ("Short.", "more than 5 %")]:
        with pytest.raises(NotApplicable, match=reason):
            changed("format.code-fence", text)


# --- away with it


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("## Head\n\nText.", "Head\n\nText."),
        ("- a\n* b\n  + c\n- [x] d", "a\nb\nc\nd"),
        ("> quoted\n> > twice", "quoted\ntwice"),
        ("**Bold**, *em*, ***both*** and __init__.", "Bold, em, both and __init__."),
        ("1. **Step.** Do it.", "1. Step. Do it."),
        ("# `code` and\n```\n# no heading\n- no *item*\n```", "`code` and\n```\n# no heading\n- no *item*\n```"),
        ("- see [a link](https://example.org/*x*)", "see [a link](https://example.org/*x*)"),
        ("- **重点**：长城。", "重点：长城。"),
        ("- مرحبا **بك**", "مرحبا بك"),
    ],
)
def test_stripped_by_hand(text: str, plain: str) -> None:
    assert changed("format.stripped", text) == plain


@pytest.mark.parametrize(
    "text", ["2 * 3 * 4 = 24", "a snake_case_name and 5*6*7", "Plain text. No marks - none.", "#tag and #other"]
)
def test_there_is_nothing_to_strip(text: str) -> None:
    assert stripped_marks(text) == []


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("Sure! Paris is the capital. I hope this helps!", "Paris is the capital."),
        ("Certainly, here is the answer:\n\nParis it is.\n\nLet me know if you have more questions.", "Paris it is."),
        ("好的！长城很长。希望这对您有帮助。", "长城很长。"),
        (
            "It is actually large in order to be seen due to the fact that it is old.",
            "It is large to be seen because it is old.",
        ),
        ("You cannot simply add `of course x` there, it does not actually work.", None),
        ("It is very likely, perhaps almost certain, simply because it is old.", None),
        ("Sure.", None),
    ],
)
def test_concise_by_hand(text: str, short: str | None) -> None:
    assert apply_edits(text, concise_cuts(text)) == (text if short is None else short)
