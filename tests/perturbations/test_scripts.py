"""Writing systems: grapheme clusters, scripts, words without blanks, and what spans.py knows of them."""

from __future__ import annotations

from itertools import pairwise

import pytest
from family_checks import ARABIC, CHINESE, HINDI, JAPANESE, SCRIPTS, THAI, answers, clusters, common
from hypothesis import given
from hypothesis import strategies as st

from voirdire.perturbations.scripts import cased, dominant_script, right_to_left, script_of, segments
from voirdire.perturbations.spans import analyse, boundary, sentences, stretches


def pieces(text: str) -> list[str]:
    return [text[a:b] for a, b in segments(text)]


def graphemes(text: str) -> list[str]:
    """`text` cut wherever it may be cut."""
    cuts = [at for at in range(len(text)) if boundary(text, at)]
    return [text[a:b] for a, b in pairwise([*cuts, len(text)])]


def protected(text: str) -> list[str]:
    return [text[a:b] for a, b in analyse(text).protected]


# --- grapheme clusters

MIXED = st.text(
    alphabet=st.sampled_from(
        "ab 1\r\n\u0301\u200d\u200c👩💻🏽🇩🇪❤\ufe0f🏴\U000e0061\u0600क्षनि\u093cกเำ\u0e3aກເຳ가\u1100\u1161\u11a8か\u3099"
    ),
    max_size=14,
)


@common
@given(MIXED)
def test_no_cluster_of_the_standard_is_cut(text: str) -> None:
    assert {at for at in range(len(text) + 1) if boundary(text, at)} <= clusters(text)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("e\u0301a", ["e\u0301", "a"]),
        ("👩\u200d💻!", ["👩\u200d💻", "!"]),
        ("👍🏽❤\ufe0f", ["👍🏽", "❤\ufe0f"]),
        ("🇩🇪🇫🇷🇮", ["🇩🇪", "🇫🇷", "🇮"]),
        ("🏴\U000e0067\U000e0062\U000e007f.", ["🏴\U000e0067\U000e0062\U000e007f", "."]),
        ("क्षत्रिय", ["क्ष", "त्रि", "य"]),
        ("เกาะ", ["เก", "า", "ะ"]),
        ("น้ำ", ["น้ำ"]),
        ("한국\u1100\u1161\u11a8", ["한", "국\u1100\u1161\u11a8"]),  # the standard cuts behind 국; refusing is safe
        ("a\r\nb", ["a", "\r\n", "b"]),
        ("", []),
    ],
)
def test_clusters_by_hand(text: str, parts: list[str]) -> None:
    assert graphemes(text) == parts


# --- scripts


@pytest.mark.parametrize(
    ("char", "script"),
    [
        ("a", "Latin"),
        ("é", "Latin"),
        ("ж", "Cyrillic"),
        ("λ", "Greek"),
        ("ע", "Hebrew"),
        ("ع", "Arabic"),
        ("क", "Devanagari"),
        ("த", "Indic"),
        ("ไ", "Thai"),
        ("ລ", "Lao"),
        ("한", "Hangul"),
        ("か", "Kana"),
        ("ア", "Kana"),
        ("中", "Han"),
        ("𠀀", "Han"),
        ("ሀ", "Other"),
        ("7", None),
        (" ", None),
        ("。", None),
        ("👩", None),
        ("€", None),
        ("×", None),
    ],
)
def test_script_of(char: str, script: str | None) -> None:
    assert script_of(char) == script


@pytest.mark.parametrize(
    ("text", "script"),
    [
        (HINDI, "Devanagari"),
        (ARABIC, "Arabic"),
        (THAI, "Thai"),
        (JAPANESE, "Kana"),
        (CHINESE, "Han"),
        ("Das ist schön, sagt 中.", "Latin"),
        ("```\nlots of code here\n```\nда", "Cyrillic"),
        ("42 👩", None),
        ("", None),
    ],
)
def test_dominant_script(text: str, script: str | None) -> None:
    assert dominant_script(text) == script


def test_properties_of_scripts() -> None:
    assert [cased(t) for t in ("Plain", "Жизнь", *SCRIPTS.values())] == [True, True, *[False] * len(SCRIPTS)]
    assert [k for k, t in SCRIPTS.items() if right_to_left(t)] == ["ar"]
    assert right_to_left("שלום")


# --- words without blanks


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("Plain words, `no code`.", ["Plain", "words"]),
        ("长城是中国古代的工程。", ["长城", "是", "中国", "古代", "的", "工程"]),
        ("大部分城墙很长", ["大部", "分城墙", "很", "长"]),
        ("日本語を書くプログラムです", ["日本語を", "書く", "プログラム", "です"]),
        ("ประเทศไทยเป็น", ["ประ", "เทศ", "ไทย", "เป็น"]),
        ("한국어 문장", ["한국어", "문장"]),
        ("देश है। कल", ["देश", "है", "कल"]),
        ("看 `代码` 和 python", ["看", "和", "python"]),
        ("👩\u200d💻", []),
    ],
)
def test_segments_by_hand(text: str, parts: list[str]) -> None:
    assert pieces(text) == parts


@common
@given(answers)
def test_segments_cut_no_cluster_and_nothing_protected(text: str) -> None:
    found = segments(text)
    assert all(a[1] <= b[0] for a, b in pairwise(found))
    for start, end in found:
        assert start < end
        assert boundary(text, start)
        assert not any(a < end and start < b for a, b in analyse(text).protected)


@common
@given(answers)
def test_stretches_hold_all_words_and_nothing_protected(text: str) -> None:
    protected_spans, _, words = analyse(text)
    found = stretches(text)
    assert all(any(a <= s and e <= b for a, b in found) for s, e in words)
    for start, end in found:
        assert "\n" not in text[start:end]
        assert not any(a < end and start < b for a, b in protected_spans)


# --- spans of other scripts and of citations, front matter and tables


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("है। ॥ ٪", ["है"]),
        ("مصر، كيف؟", ["مصر", "كيف"]),
        ("שלום־עולם", ["שלום", "עולם"]),
        ("1٬234 ﻣﺼﺮ", ["ﻣﺼﺮ"]),
    ],
)
def test_punctuation_of_other_scripts_is_no_part_of_a_word(text: str, words: list[str]) -> None:
    assert [text[a:b] for a, b in analyse(text).words] == words


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (HINDI, 2),
        ("كيف حالك؟ بخير۔ نعم.", 3),
        (THAI, 1),
        (JAPANESE, 2),
    ],
)
def test_sentences_of_other_scripts(text: str, parts: int) -> None:
    assert len(sentences(text)) == parts


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("as shown [3] before", "[3]"),
        ("as shown [1, 4-6] before", "[1, 4-6]"),
        ("as shown [@smith2020, p. 3] before", "[@smith2020, p. 3]"),
        ("as shown[^note] before", "[^note]"),
        ("as shown (Smith, 2020) before", "(Smith, 2020)"),
        ("as shown (Smith et al., 2019a) before", "(Smith et al., 2019a)"),
        ("as shown (see O'Neil and Müller 2019, p. 7) before", "(see O'Neil and Müller 2019, p. 7)"),
        ("---\ntitle: plain words\ntags: [a]\n---\n\nText.", "---\ntitle: plain words\ntags: [a]\n---"),
        ("+++\ntitle = 'words'\n+++\nText.", "+++\ntitle = 'words'\n+++"),
        (
            "Text.\n\nhead one | head two\n--- | :--:\nword | word\n\nMore.",
            "head one | head two\n--- | :--:\nword | word",
        ),
    ],
)
def test_citations_front_matter_and_bare_tables_are_protected(text: str, whole: str) -> None:
    assert whole in protected(text)


@pytest.mark.parametrize(
    "text",
    ["He left (in the spring of the year) for good.", "---\n\nJust a rule above.\n\n---\n", "Use a | b here.\nOr not."],
)
def test_what_only_looks_like_it_is_free(text: str) -> None:
    assert protected(text) == []


def test_hostile_texts_take_linear_time() -> None:
    """Not by the clock: each of these would not come back at all if it were cubic, or take minutes if quadratic."""
    n = 20_000
    for text in ("🇩" * n, "\u0301" * n, "क\u0951" * n, "(A" * n, "[1," * n, "a|b\n--|--\n" * (n // 8), "---\na:" * n):
        analyse(text)
        segments(text)
