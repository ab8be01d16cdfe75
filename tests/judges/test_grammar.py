"""Specs of wrappers: taken apart, written, and refused where they cannot be read."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voirdire.harness.errors import UsageError
from voirdire.harness.judges.grammar import MAX_DEPTH, WrapperSpec, is_wrapper, leaves, parse, write


@pytest.mark.parametrize(
    ("spec", "name", "members", "params"),
    [
        ("swap_average(openai:gpt-5-mini)", "swap_average", ["openai:gpt-5-mini"], {}),
        ("  majority ( mock:noisy ;  k = 5 ) ", "majority", ["mock:noisy"], {"k": "5"}),
        ("jury(a, b:c, d; rule=vote, x=y)", "jury", ["a", "b:c", "d"], {"rule": "vote", "x": "y"}),
        ("jury(jury(a, b; rule=max), c; rule=vote)", "jury", ["jury(a, b; rule=max)", "c"], {"rule": "vote"}),
        # commas, semicolons and parentheses that belong to a member
        ('f("mock:noisy?phrase=a,b;c)", x)', "f", ["mock:noisy?phrase=a,b;c)", "x"], {}),
        ('f(\'it\'\'s\', "say ""a""")', "f", ["it's", 'say "a"'], {}),
        ("f(mock:noisy?phrase=(a,b))", "f", ["mock:noisy?phrase=(a,b)"], {}),
        # an apostrophe inside of a spec opens nothing
        ("f(mock:noisy?phrase=it's best, b)", "f", ["mock:noisy?phrase=it's best", "b"], {}),
        # a nested wrapper's quotes hide its parentheses from the outer one
        ('f(g("a)"), b)', "f", ['g("a)")', "b"], {}),
        (
            "detector(a; by=openai:x, phrases='full, marks')",
            "detector",
            ["a"],
            {"by": "openai:x", "phrases": "full, marks"},
        ),
        ("f(a; by=g(b, c; k=1), n=2)", "f", ["a"], {"by": "g(b, c; k=1)", "n": "2"}),
        (r"f(python:C:\judges\mine.py:judge)", "f", [r"python:C:\judges\mine.py:judge"], {}),
        ("f(http://[::1]:8080/score?x=1&y=2)", "f", ["http://[::1]:8080/score?x=1&y=2"], {}),
    ],
)
def test_one_level(spec: str, name: str, members: list[str], params: dict[str, str]) -> None:
    assert parse(spec) == WrapperSpec(name, tuple(members), params)


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("swap_average(", "is missing"),
        ("swap_average()", "is missing"),
        ("swap_average(a", "closing parenthesis"),
        ("swap_average(a))", "behind the last parenthesis"),
        ("swap_average(a) b", "behind the last parenthesis"),
        ("f(a,)", "is missing"),
        ("f(a; k)", "parameter"),
        ("f(a; k=)", "is missing"),
        ("f(a; k=1, k=2)", "twice"),
        ("f(a; k=1; j=2)", r"expected , or \)"),
        ('f("a, b)', "never closed"),
        ("f('  ')", "nothing between the quotes"),
        ('f("a" b)', "expected"),
        ("f(mock:x?p=(a, b)", "closing parenthesis"),
        ("f(" * 40 + "a" + ")" * 40, f"more than {MAX_DEPTH}"),
        ("openai:gpt", "opening parenthesis"),
    ],
)
def test_what_cannot_be_read(spec: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        parse(spec)


def test_leaves_are_the_judges_at_the_bottom() -> None:
    spec = 'jury(swap_average(openai:a), "f(""mock:x?p=a,b"", c; by=openai:z)"; rule=vote)'
    assert leaves(spec) == ["openai:a", "mock:x?p=a,b", "c"]
    assert leaves("mock:oracle") == ["mock:oracle"]


def test_an_error_says_where() -> None:
    with pytest.raises(UsageError, match=r"'f\(a; k=1, k=2\)'.*character 11"):
        parse("f(a; k=1, k=2)")


@pytest.mark.parametrize("spec", ["openai:gpt-4", "mock:noisy?phrase=f(x)", "strict", "python:a.py:f", ""])
def test_other_specs_are_no_wrappers(spec: str) -> None:
    assert not is_wrapper(spec)


#: what specs are made of, and what could confuse the reader
TEXT = st.text(alphabet="abk:?=&.,;()\"' \\é中1", min_size=1).map(str.strip).filter(bool)


@given(
    members=st.lists(TEXT, min_size=1, max_size=4), params=st.dictionaries(st.sampled_from(["k", "by", "a-b"]), TEXT)
)
def test_what_is_written_is_read_again(members: list[str], params: dict[str, str]) -> None:
    written = write("jury", members, params)
    assert parse(written) == WrapperSpec("jury", tuple(members), params)
    # and once more as a member: quotes nest
    assert parse(write("outer", [written], {})).members == (written,)


@given(st.text(alphabet="ab(),;='\" :", max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(UsageError):
        parse(text)
