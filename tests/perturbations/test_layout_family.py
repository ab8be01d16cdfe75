"""White space: words, structure and code stay, and the blanks change as each perturbation says."""

from __future__ import annotations

import re

import pytest
from family_checks import (
    ARABIC,
    CHINESE,
    HINDI,
    SCRIPTS,
    answers,
    changed,
    check_follow_up,
    common,
    doses,
    follow_up,
)
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from voirdire.harness.errors import NotApplicable
from voirdire.harness.registry import PERTURBATIONS
from voirdire.perturbations import layout  # noqa: F401 - registers the family

NAMES = sorted(n for n in PERTURBATIONS if n.startswith("layout."))
PARAGRAPHS = (
    "First one here. Then more of it.\n\nSecond one there.\n\n```\ncode  a\n\nb\n```\n\n- an item\n  - a part of it\n"
)
PROSE = " ".join(f"Sentence number {word} says something plain and simple about gardens." for word in "abcdefghij")


def test_all_are_registered() -> None:
    assert [n.split(".")[1] for n in NAMES] == [
        "blank-lines",
        "collapsed",
        "crlf",
        "double-blanks",
        "indentation",
        "no-break-blanks",
        "sentence-lines",
        "tabs",
        "trailing-blanks",
    ]
    assert {PERTURBATIONS.get(n).claim for n in NAMES} == {"preserving"}


@pytest.mark.parametrize("name", NAMES)
@common
@given(text=answers, seed=st.integers(0, 2**64), dose=doses)
def test_only_white_space_changes(name: str, text: str, seed: int, dose: float) -> None:
    made = check_follow_up(name, text, seed, dose, reaches_protected=name == "layout.crlf")
    if made is None:
        return
    result = made.case.responses[0]
    assert re.sub(r"\s", "", result) == re.sub(r"\s", "", text)
    assert all(not e.text.strip() and not text[e.start : e.end].strip() for e in made.edits)
    assert len(result) - len(text) <= 0.05 * len(text)


# --- worked examples


@pytest.mark.parametrize(
    ("name", "text", "result"),
    [
        ("layout.collapsed", "One here.\n\nTwo there.\n \n\nThree.", "One here.\nTwo there.\nThree."),
        (
            "layout.collapsed",
            "One here.\n\n- item\n\n- item\n\nTwo there.",
            "One here.\n\n- item\n- item\n\nTwo there.",
        ),
        ("layout.collapsed", "A:\n\n```\na\n\nb\n```\n\nB.\n\nC.", "A:\n\n```\na\n\nb\n```\n\nB.\nC."),
        (
            "layout.crlf",
            "One line is here for length.\nTwo.\r\nAnd ```x\ny```",
            "One line is here for length.\r\nTwo.\r\nAnd ```x\r\ny```",
        ),
        (
            "layout.trailing-blanks",
            "One line is here, long enough.\n\nTwo too \n",
            "One line is here, long enough. \n\nTwo too \n",
        ),
        (
            "layout.sentence-lines",
            "One is. Two is!\n- Item. Next.\nThree is? Four.",
            "One is.\nTwo is!\n- Item. Next.\nThree is?\nFour.",
        ),
        ("layout.sentence-lines", "今天下雨。明天呢？好。", "今天下雨。\n明天呢？\n好。"),
        ("layout.tabs", "one two", "one\ttwo"),
        ("layout.tabs", "- one two  `a b`  c", "- one\ttwo  `a b`  c"),
        ("layout.no-break-blanks", "one two", "one\u00a0two"),
        ("layout.double-blanks", "twenty-characters and-some-more", "twenty-characters  and-some-more"),
    ],
)
def test_by_hand(name: str, text: str, result: str) -> None:
    assert {changed(name, text, seed) for seed in range(20)} == {result}


def test_blank_lines_by_hand() -> None:
    long = "A paragraph of some length, to make room. " * 4
    assert changed("layout.blank-lines", f"{long}\n\n{long}\nc") == f"{long}\n\n\n\n{long}\nc"
    assert changed("layout.blank-lines", f"{long}\r\n\r\n{long}") == f"{long}\r\n\r\n\r\n\r\n{long}"
    single = "One sentence is here, of forty characters. " * 3
    assert changed("layout.blank-lines", single) == single.strip().replace(". ", ".\n\n") + " "
    with pytest.raises(NotApplicable, match="neither"):
        changed("layout.blank-lines", "One sentence")


def test_indentation_by_hand() -> None:
    text = (
        "A line of prose that is long enough for the edit to be small, at two blanks a line of it, here.\n- an item\n"
    )
    nested = text + "  - a part of it, with words\n\n```\ncode\n```\nEnd of the whole text, with a few more words.\n"
    result = changed("layout.indentation", nested)
    assert result == (
        "  " + text.replace("- an", "  - an") + "    - a part of it, with words\n\n```\ncode\n```\n"
        "  End of the whole text, with a few more words.\n"
    )
    with pytest.raises(NotApplicable, match="all of them"):
        changed("layout.indentation", nested, dose=0.5)


def test_nothing_to_do() -> None:
    for name, text, reason in [
        ("layout.crlf", "one line", "one line"),
        ("layout.crlf", "a\r\nb", "one line"),
        ("layout.collapsed", "one\ntwo", "no empty line"),
        ("layout.indentation", "```\ncode\n```", "code or a table"),
        ("layout.trailing-blanks", "one ", "without a blank"),
        ("layout.sentence-lines", "- One. Two.", "two sentences"),
        ("layout.tabs", CHINESE, "no blank"),
        ("layout.double-blanks", "`a b`", "no blank"),
    ]:
        with pytest.raises(NotApplicable, match=reason):
            changed(name, text)


# --- doses


@pytest.mark.parametrize("name", ["layout.tabs", "layout.no-break-blanks", "layout.double-blanks"])
@pytest.mark.parametrize("dose", [0.5, 1.0, 2.0])
def test_a_tenth_of_the_blanks(name: str, dose: float) -> None:
    made = follow_up(name, PROSE, 3, dose)
    assert made is not None
    wanted = 0.10 * dose * PROSE.count(" ")
    assert abs(len(made.edits) - wanted) <= max(0.5, 0.10 * wanted)


def test_sentence_lines_scale() -> None:
    counts = [changed("layout.sentence-lines", PROSE, dose=d).count("\n") for d in (0.34, 0.67, 1.0, 2.0)]
    assert counts == [3, 6, 9, 9]


# --- markdown and scripts

MARKDOWN = (
    "# Title of the text\n\nA first paragraph with *some* words. It has two sentences.\nIt has two lines as well.\n\n"
    "1. One item, with words\n2. Another item\n   - A part of it\n   - Another part\n\n> A quotation of some length\n\n"
    "```python\nif x:\n\n    return  y\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n"
    "Last paragraph, with words enough to be long" + " and longer" * 30 + "."
)


def structure(text: str) -> list[tuple[str, str]]:
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    return [(t.type, re.sub(r"\s+", " ", t.content)) for t in tokens]


@pytest.mark.parametrize(
    "name",
    [
        "layout.blank-lines",
        "layout.indentation",
        "layout.trailing-blanks",
        "layout.double-blanks",
        "layout.tabs",
        "layout.crlf",
    ],
)
def test_the_structure_of_markdown_stays(name: str) -> None:
    for seed in range(5):
        assert structure(changed(name, MARKDOWN, seed)) == structure(MARKDOWN)


def test_collapsed_keeps_blocks_apart() -> None:
    result = changed("layout.collapsed", MARKDOWN + "\n\nAnd one more paragraph.")
    kinds = [t for t, _ in structure(result)]
    assert kinds.count("table_open") == kinds.count("fence") == kinds.count("blockquote_open") == 1
    assert result.endswith("and longer.\nAnd one more paragraph.")


@pytest.mark.parametrize("text", [HINDI, ARABIC])
def test_blanks_between_words_of_other_scripts(text: str) -> None:
    assert changed("layout.no-break-blanks", text).replace("\u00a0", " ") == text
    assert changed("layout.tabs", text).replace("\t", " ") == text


@pytest.mark.parametrize("lang", sorted(SCRIPTS))
def test_lines_of_every_script(lang: str) -> None:
    line = SCRIPTS[lang] * 2  # two blanks more a line are little
    text = "\n\n".join([line] * 3)
    for name in ("layout.crlf", "layout.trailing-blanks", "layout.blank-lines", "layout.indentation"):
        assert changed(name, text).split() == text.split()
    assert changed("layout.collapsed", text) == "\n".join([line] * 3)
