"""Making judged text visible, marking the edit, cutting around it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voirdire.harness.cases import Case, Edit, apply_edits
from voirdire.reports.text import Piece, excerpt, fields, one_line, pieces, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\u202eb", "a⟨U+202E⟩b"),
        ("a\u200db", "a⟨U+200D⟩b"),
        ("👩\u200d🚀", "👩\u200d🚀"),
        ("❤\ufe0f", "❤\ufe0f"),
        ("❤\ufe0f\u200d🔥", "❤\ufe0f\u200d🔥"),
        ("x\ufe0f", "x⟨U+FE0F⟩"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("\U000e0041\ud800\x1b", "⟨U+E0041⟩⟨U+D800⟩⟨U+001B⟩"),
        ("tab\tline\r\nend \ufffd", "tab\tline\nend \ufffd"),
    ],
)
def test_visible(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_one_line_cuts() -> None:
    assert one_line("a\nb\t c", 10) == "a b c"
    assert one_line("x" * 1_000_000, 5) == "xxxx…"


texts = st.text(st.sampled_from("ab \n"), max_size=30)


@given(texts, texts)
def test_pieces_always_tell_the_truth(before: str, after: str) -> None:
    parts = pieces(before, after)
    assert "".join(p.text for p in parts if p.kind != "ins") == before
    assert "".join(p.text for p in parts if p.kind != "del") == after


def test_edits_are_used_where_they_fit_and_only_there() -> None:
    edits = (Edit(4, 4, "X"), Edit(0, 1, "b"))
    good = pieces("abcdef", apply_edits("abcdef", edits), edits)
    assert [p.kind for p in good] == ["del", "ins", "same", "ins", "same"]
    lying = pieces("abcdef", "abcdeg", edits)
    assert lying == (Piece("same", "abcde"), Piece("del", "f"), Piece("ins", "g"))


def test_a_long_text_is_cut_around_its_edit() -> None:
    text = "a" * 50_000 + "b" * 50_000
    edit = Edit(50_000, 50_000, "HERE")
    cut = excerpt(pieces(text, apply_edits(text, (edit,)), (edit,)), 1000)
    assert sum(len(p.text) for p in cut) < 1500
    assert [p.kind for p in cut] == ["gap", "same", "ins", "same", "gap"]
    assert cut[1].text == "a" * len(cut[1].text)
    assert cut[2].text == "HERE"
    hidden = 100_000 - len(cut[1].text) - len(cut[3].text)
    notes = [int("".join(c for c in p.text if c.isdigit())) for p in cut if p.kind == "gap"]
    assert sum(notes) == hidden


def test_a_thousand_edits_are_bounded() -> None:
    text = "word " * 20_000
    edits = tuple(Edit(k * 100, k * 100 + 1, "X" * 50) for k in range(1000))
    cut = excerpt(pieces(text, apply_edits(text, edits), edits), 4000)
    assert sum(len(p.text) for p in cut) < 12_000
    assert "more edits" in cut[-1].text


def test_fields_mark_the_edited_field_only() -> None:
    source = Case("q", ("one", "two"), reference="ref")
    follow = source.replace(reference="REF")
    by_name = {f.name: f for f in fields(source, follow, 1, (Edit(0, 3, "REF", "reference"),))}
    assert by_name["reference"].changed
    assert not by_name["responses[1]"].changed
    assert by_name["responses[0]"].slot == 0


def test_a_beside_answer_that_differs_keeps_its_earlier_text() -> None:
    source, follow = Case("q", ("one", "two")), Case("q", ("other", "two!"))
    got = fields(source, follow, 1, ())
    assert [(f.name, f.earlier) for f in got if f.slot is not None] == [("responses[0]", "one"), ("responses[1]", None)]


def test_a_change_of_order_is_not_marked_as_an_edit() -> None:
    source = Case("q", ("one", "two"))
    got = fields(source, source.reordered((1, 0)), 0, ())
    assert [(f.name, f.pieces, f.changed, f.earlier) for f in got if f.slot is not None] == [
        ("responses[0]", (Piece("same", "two"),), False, None),
        ("responses[1]", (Piece("same", "one"),), False, None),
    ]
