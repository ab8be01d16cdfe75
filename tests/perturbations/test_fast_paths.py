"""Ways that are faster for plain English give what the general way gives, and hostile texts cost linear time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voirdire.perturbations import typos_case
from voirdire.perturbations.spans import analyse

# what runs of plain words, dates in them and the ends of runs are made of
PIECES = (
    "word", "Word", "a", "March", "May", "mid-May", "rock-n-roll", "o'clock", "don't", "it’s", "dogs'", "'tis", "www.",
    "https://a.b/c", "call()", "os.path", "a_b", "GPT-4", "me@x.org", "-x@y.z", "e.g.", "and/or", "12", "3.5%", "2020",
    "$5", "[1]", "(Smith, 2019)", "`c`", "$x+1$", "\\frac{a}{b}", "<b>", "&amp;", "**b**", "“q”", '"q"', "- ", "|", "{",
    "import os", "```", "—", "…", "中文", "£", " ", "  ", "\n", "\n\n", "\n    ", ". ", ", ", "; ", ": ", "?", "!)",
)  # fmt: skip
texts = st.lists(st.sampled_from(PIECES), max_size=25).map("".join) | st.lists(st.sampled_from(PIECES)).map(" ".join)


@given(texts)
def test_words_are_the_same_whether_or_not_the_text_has_another_letter(text: str) -> None:
    """A letter with an accent further down makes `analyse` take the words one by one."""
    slow = analyse(text + "\n\né")
    found = analyse(text)
    assert found.words == tuple(span for span in slow.words if span[1] <= len(text))
    # where they begin: a fence that is left open takes in the letter
    assert [start for start, _ in found.protected] == [start for start, _ in slow.protected if start < len(text)]


@given(st.text(st.sampled_from("abZ'-. 5\n"), max_size=30))
def test_titles_begin_each_word_with_a_capital(text: str) -> None:
    before = ["", *text]
    capital = [not (last.isalpha() or last == "'") for last in before[: len(text)]]
    made = "".join(char.upper() if big else char for char, big in zip(text, capital, strict=True))
    assert typos_case._title(text) == made


@pytest.mark.parametrize("unit", ["a-", "a'", "a.", "Mar ", '"a" ', "word ", ", ", "{;"])
def test_runs_of_words_are_taken_to_their_end_however_long_they_are(unit: str) -> None:
    """A chain that fails at its end must not be tried again from each of its links: 200,000 characters would hang."""
    text = unit * (200_000 // len(unit)) + "é"
    found = analyse(text)
    assert all(a < b for a, b in found.words)
