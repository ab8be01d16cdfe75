"""The terminal report: exact at 80 columns, inert, readable without colour and without UTF-8."""

from __future__ import annotations

import dataclasses
import io
import re
from typing import Any

import build_audits as build
import pytest
from rich.console import Console

from voirdire.harness.cases import Edit
from voirdire.harness.findings import Findings
from voirdire.harness.relations import Relation
from voirdire.reports import github, markdown, terminal

NEXT = "voirdire compare openai:gpt-5-mini 'swap_average(openai:gpt-5-mini)'"


class Ascii(io.StringIO):
    encoding = "ascii"  # type: ignore[assignment]


def shown(audit: Any, stream: io.StringIO | None = None, **more: Any) -> str:
    stream = stream or io.StringIO()
    console = Console(file=stream, width=80, **more)
    terminal.render(audit, console, report_path="voirdire-report/index.html", next_command=NEXT)
    return stream.getvalue()


@pytest.mark.parametrize("name", ["fail", "ok", "inconclusive", "error_run", "score_run"])
def test_exact_at_80_columns(name: str, expected) -> None:
    text = shown(getattr(build, name)(), no_color=True)
    assert max(map(len, text.splitlines())) <= 80
    expected(f"terminal_{name}.txt", text)


def test_colour_adds_nothing_but_colour() -> None:
    plain = shown(build.fail(), no_color=True)
    coloured = shown(build.fail(), force_terminal=True, color_system="standard")
    assert coloured != plain
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain


def test_without_utf8_everything_is_ascii_and_nothing_is_lost() -> None:
    text = shown(build.fail(), Ascii(), no_color=True)
    assert text.isascii()
    assert "?" not in re.sub(r"\s\?\s", "", text)  # the sign of an open probe is the only question mark
    assert " authority.book     x   +.21" in text


def test_judged_text_cannot_act_on_the_terminal() -> None:
    text = shown(build.hostile(), force_terminal=True, color_system="standard")
    # colours of our own are the only escape sequences, and [markup] stands there literally
    assert "\x1b" not in re.sub(r"\x1b\[[0-9;]*m", "", text)
    assert "\x1b[31mred" not in text
    for char in "\x00\x07\r\u202e\u200b\ufeff\u2028\U000e0041":
        assert char not in text
    text.encode()  # no lone surrogate is left


def test_holding_probes_are_limited_and_counted() -> None:
    stream = io.StringIO()
    terminal.render(build.fail(), Console(file=stream, width=80), holding=1)
    assert "degradation.number" in stream.getvalue()
    assert "… 6 more hold, 1 does not apply (no reference in this case)" in stream.getvalue()


def test_open_probes_are_limited_and_counted() -> None:
    many = [
        build.finding(f"typos.kind-{k}", Relation.INVARIANT, "inconclusive", 0.01 * k, 0.01 * k - 0.2)
        for k in range(20)
    ]
    text = shown(dataclasses.replace(build.inconclusive(), findings=Findings(many)))
    assert text.count("typos.kind-") == terminal.OPEN_SHOWN
    assert f"{20 - terminal.OPEN_SHOWN} more are open" in text
    # the largest first
    assert "typos.kind-19" in text
    assert "typos.kind-0 " not in text


@pytest.mark.parametrize(
    ("more", "note"),
    [
        ({"more_cases_needed": 1}, "1 more case"),
        ({"more_cases_needed": 12}, "12 more cases"),
        ({"more_cases_needed": 12_345}, "+12,345 cases"),
        ({"reason": "no_verdicts"}, "no verdicts"),
        ({"reason": "not_asked"}, "not asked"),
        ({"reason": "position_locked", "more_cases_needed": 9}, "slot locked"),
    ],
)
def test_what_an_open_probe_needs_is_told_in_words(more: dict[str, Any], note: str) -> None:
    row = build.finding("order.swap", Relation.EQUIVARIANT, "inconclusive", 0.1, 0.0)
    text = shown(dataclasses.replace(build.inconclusive(), findings=Findings([dataclasses.replace(row, **more)])))
    line = next(line for line in text.splitlines() if line.startswith(" order.swap"))
    assert line.endswith(f" {note}")
    assert len(line) <= 80


def test_a_damaged_answer_has_a_verdict_and_none_before_it() -> None:
    audit = build.fail()
    damaged = dataclasses.replace(build.cited(build.SPOON), source_verdict=None)
    text = shown(dataclasses.replace(audit, examples=(damaged,)))
    assert "the judge said B (wrong)" in text
    assert "not asked" not in text
    for other in (markdown.render, github.summary):
        page = other(dataclasses.replace(audit, examples=(damaged,)))
        assert "Verdict: " in page
        assert "not asked" not in page


def test_an_edit_that_is_only_a_blank_is_named() -> None:
    audit = build.fail()
    example = audit.examples[0]
    text = example.source.responses[example.target]
    blank = dataclasses.replace(
        example,
        edits=(Edit(len(text), len(text), "\n"),),
        follow_up=example.source.with_response(example.target, text + "\n"),
    )
    assert "+ a blank" in shown(dataclasses.replace(audit, examples=(blank,)), no_color=True)
