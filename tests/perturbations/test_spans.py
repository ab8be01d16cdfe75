"""Reading a text: what is protected, where sentences end, where a text may be cut."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voirdire.perturbations.spans import analyse, boundary, inside, language, sentences


def protected(text: str) -> list[str]:
    return [text[a:b] for a, b in analyse(text).protected]


def words(text: str) -> list[str]:
    return [text[a:b] for a, b in analyse(text).words]


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("see `x = word` here", "`x = word`"),
        ("see ``a ` word`` here", "``a ` word``"),
        ("go to https://example.org/a/word?b=c. Then", "https://example.org/a/word?b=c"),
        ("看https://example.org/word，然后", "https://example.org/word"),
        ("at www.example.com/word, then", "www.example.com/word"),
        ("write to some.one@mail.example.org now", "some.one@mail.example.org"),
        ("it is 1,234.56 in all", "1,234.56"),
        ("about 12.5 % of it", "12.5 %"),
        ("on 2024-03-05 at noon", "2024-03-05"),
        ("on 5 March 2024 at noon", "5 March 2024"),
        ("on March 5, 2024 at noon", "March 5, 2024"),
        ("it costs $1,200 now", "$1,200"),
        ("so $x + word = y$ holds", "$x + word = y$"),
        ("so $$x\n+ word$$ holds", "$$x\n+ word$$"),
        (r"so \(x + word\) holds", r"\(x + word\)"),
        (r"so \[x + word\] holds", r"\[x + word\]"),
        ("so \\begin{align}word\n\\end{align} holds", "\\begin{align}word\n\\end{align}"),
        (r"so \boxed{word} holds", r"\boxed{word}"),
        ("a [link](target/word.html) here", "](target/word.html)"),
        ("a <b class='word'>bold</b> one", "<b class='word'>"),
        ("a <!-- word\nword --> one", "<!-- word\nword -->"),
        ("one\n| word | word |\ntwo", "| word | word |"),
        ("one\n```python\nword = 1\n```\ntwo", "```python\nword = 1\n```"),
        ("one\n~~~\nword\n~~~\ntwo", "~~~\nword\n~~~"),
        ("one\n```\nword never closed\n\n", "```\nword never closed"),
        ("one\n    word = call(x)\ntwo", "    word = call(x)"),
        ("the GPT-4 model", "GPT-4"),
        ("the snake_case_word name", "snake_case_word"),
        ("the os.path.word module", "os.path.word"),
        ("call print() now", "print()"),
    ],
)
def test_protected_spans_are_whole(text: str, whole: str) -> None:
    assert whole in protected(text)


def test_money_is_no_formula() -> None:
    assert words("It was $5 and is $10 now.") == ["It", "was", "and", "is", "now"]


def test_a_fence_on_one_line_is_inline_code() -> None:
    assert words("Use ```x = 1``` and go on.") == ["Use", "and", "go", "on"]


def test_words_keep_apostrophes_and_marks() -> None:
    assert words("don't don’t cafe\u0301 naïve 'quoted' हिन्दी") == [
        "don't",
        "don’t",
        "cafe\u0301",
        "naïve",
        "quoted",
        "हिन्दी",
    ]


def test_code_between_prose_hides_no_prose() -> None:
    text = "First part.\n```\ncode\n```\nSecond part."
    assert words(text) == ["First", "part", "Second", "part"]


def split(text: str) -> list[str]:
    return [text[s.start : s.end] for s in sentences(text)]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("One is here. Two is there!", ["One is here.", "Two is there!"]),
        ("Dr. Smith met J. R. Hartley. They spoke.", ["Dr. Smith met J. R. Hartley.", "They spoke."]),
        ("Fruit, e.g. apples, is fine. It is.", ["Fruit, e.g. apples, is fine.", "It is."]),
        ("It is 3.14 or so. Yes.", ["It is 3.14 or so.", "Yes."]),
        ('He said "Stop." Then he left.', ['He said "Stop."', "Then he left."]),
        ('"Really?" he asked. No one spoke.', ['"Really?" he asked.', "No one spoke."]),
        ("Wait... What was that?", ["Wait...", "What was that?"]),
        ("今天下雨。明天呢？“好的。”他说！", ["今天下雨。", "明天呢？", "“好的。”", "他说！"]),
        ("1. First point. More.\n2) Second", ["First point.", "More.", "Second"]),
        ("## Title\n\n- item one\n> quoted line", ["Title", "item one", "quoted line"]),
        ("Visit https://example.org/a.b. Then go.", ["Visit https://example.org/a.b.", "Then go."]),
        ("Text.\n| a | b |\n|---|---|\n", ["Text."]),
        ("```\nNot. A. Sentence.\n```", []),
        ("The answer is \\boxed{42}", ["The answer is \\boxed{42}"]),
        ("See no. 5 there. It is a vitamin C. source.", ["See no. 5 there.", "It is a vitamin C. source."]),
    ],
)
def test_sentences(text: str, parts: list[str]) -> None:
    assert split(text) == parts


def test_kinds_of_sentences() -> None:
    text = "# Head\nProse one.\n- item\n**Bold head**\n3. third"
    assert [s.kind for s in sentences(text)] == ["heading", "prose", "list", "heading", "list"]


@pytest.mark.parametrize(
    ("text", "lang"),
    [
        ("Plain words.", "en"),
        ("这是中文。", "zh"),
        ("使用 Python 编程，可以写出很多程序。", "zh"),
        ("The word 你好 means hello in Chinese.", "en"),
        ("これは日本語の文です。", "en"),
        ("42", None),
        ("", None),
        ("```python\nprint(hello world and more)\n```\n好了，就这样。", "zh"),
    ],
)
def test_language(text: str, lang: str | None) -> None:
    assert language(text) == lang


@pytest.mark.parametrize(
    "cluster", ["e\u0301", "👩\u200d💻", "👍🏽", "🇩🇪", "❤\ufe0f", "\r\n", "한".encode().decode(), "क्ष", "1\ufe0f\u20e3"]
)
def test_no_cut_inside_a_cluster(cluster: str) -> None:
    text = "a" + cluster + "b"
    assert boundary(text, 1)
    assert boundary(text, 1 + len(cluster))
    assert not any(boundary(text, at) for at in range(2, 1 + len(cluster)))


def test_two_flags_may_be_cut_between() -> None:
    assert [boundary("🇩🇪🇫🇷", at) for at in range(5)] == [True, False, True, False, True]


@given(st.text(alphabet=st.sampled_from("ab 1.`$|\n\\(){}<>[]:/h@_-~“”。是\u0301\u200d👩"), max_size=80))
def test_analysis_is_sorted_and_disjoint(text: str) -> None:
    found = analyse(text)
    everything = sorted([*found.protected, *found.words])
    assert all(a[1] <= b[0] for a, b in pairwise(everything))
    assert all(0 <= a < b <= len(text) for a, b in everything)
    assert list(found.protected) == sorted(found.protected)
    assert set(found.blocks) <= set(found.protected)
    spans = sentences(text)
    assert all(a.end <= b.start for a, b in pairwise(spans))
    for s in spans:
        assert text[s.start : s.end] == text[s.start : s.end].strip()
        assert "\n" not in text[s.start : s.end]


def test_inside() -> None:
    spans = ((2, 4), (6, 9))
    assert [inside(spans, at) for at in range(10)] == [
        False,
        False,
        False,
        True,
        False,
        False,
        False,
        True,
        True,
        False,
    ]
    assert inside(spans, 3, 5)
    assert inside(spans, 5, 7)
    assert inside(spans, 0, 10)
    assert not inside(spans, 4, 6)
