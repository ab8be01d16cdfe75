"""Markdown: exact where it matters, inert everywhere."""

from __future__ import annotations

import re

import build_audits as build
import pytest

from voirdire.harness.cases import Edit
from voirdire.reports.markdown import block, code, prose, render
from voirdire.reports.text import Piece


@pytest.mark.parametrize("name", ["fail", "ok", "inconclusive", "error_run", "score_run"])
def test_exact(name: str, expected) -> None:
    expected(f"markdown_{name}.md", render(getattr(build, name)()))


def test_hostile_text_is_inert() -> None:
    text = render(build.hostile())
    outside = re.sub(r"</?(details|summary|code|pre|ins|del|i)>", "", text)
    assert not re.search(r"<[a-z/!]", outside, re.I)  # no markup but ours
    assert "@octocat" not in text
    assert "://" not in text
    assert "www.evil" not in text
    assert not re.search(r"(?<!\\)\]\(", text)  # no link or image: every bracket is escaped
    assert "##[" not in text
    for line in text.splitlines():
        assert not line.lstrip().startswith("::")
    for char in "\x1b\x00\x07\u202e\u200b\ufeff\ud800":
        assert char not in text


def test_blocks_hold_no_blank_line_that_could_end_them() -> None:
    for html in re.findall(r"<pre>.*?</pre>", render(build.hostile()), re.S):
        assert not re.search(r"\n[ \t]*\n", html)
    assert block([Piece("same", "a\n \n\nb")]) == "<pre>a&#10; &#10;\nb</pre>"


def test_edits_are_marked() -> None:
    assert block([Piece("same", "a"), Piece("del", "<b>"), Piece("ins", "c")]) == (
        "<pre>a<del>&#60;b&#62;</del><ins>c</ins></pre>"
    )
    assert Edit(0, 0, "c").text in render(build.fail())


def test_code_and_prose() -> None:
    assert code("openai:gpt-5-mini") == "`openai:gpt-5-mini`"
    assert code("a`b") == "<code>a&#96;b</code>"
    assert code("@octocat") == "<code>&#64;octocat</code>"
    assert prose("see <b> [x](y) `run it`.") == r"see ⟨U+003C⟩b&#62; \[x\]⟨U+0028⟩y) `run it`."
