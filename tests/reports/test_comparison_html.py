"""The page of a comparison: what stands on it. What Chromium and axe make of it is in test_report_browser."""

from __future__ import annotations

import dataclasses
import json
import re
from typing import Any

import build_audits as build
import pytest
from test_report_html import CHARACTERS_THAT_HIDE, Page

from voirdire.harness.findings import Audit, Findings
from voirdire.harness.statistics.side_by_side import StoredRun, side_by_side
from voirdire.reports.comparison import Comparison
from voirdire.reports.comparison_html import render


def better(audit: Audit, by: float, day: int) -> Audit:
    """The same judge, in which every effect is smaller by `by`."""
    found = [
        f if f.effect is None else dataclasses.replace(f, effect=f.effect - by, low=f.low - by, high=f.high - by)
        for f in audit.findings.values()
    ]
    return dataclasses.replace(audit, findings=Findings(found), created=f"2026-11-{day:02}T10:00:00Z")


def comparison(*audits: Audit) -> Comparison:
    runs = [StoredRun("ABCDEFGH"[k], f"runs/{k}", a) for k, a in enumerate(audits)]
    return Comparison(runs, side_by_side(runs), [], [None] * len(runs))


def three() -> Comparison:
    return comparison(*(better(build.fail(), 0.12 * k, 2 + k) for k in range(3)))


def data(text: str) -> dict[str, Any]:
    return Page(text).data  # type: ignore[return-value]  # plain JSON


def test_page_is_closed_and_offline() -> None:
    page = Page(render(three()))
    assert not {"img", "iframe", "object", "embed", "link", "base", "form"} & set(page.tags)
    ids = [v for _, k, v in page.attributes if k == "id"]
    assert len(ids) == len(set(ids))
    for _, key, value in page.attributes:
        assert not key.startswith("on")
        assert key not in ("src", "style")
        if key in ("aria-labelledby", "aria-describedby"):
            assert set((value or "").split()) <= set(ids)


def test_heat_map_holds_every_probe_of_every_judge_and_what_differs() -> None:
    cells = data(render(three()))["heat"]["cells"]
    by_place = {(c["probe"], c["run"]): c for c in cells}
    book = by_place["authority.book", "A"]
    assert (book["shown"], book["decision"], book["differs"]) == ("+.21", "violated", False)
    assert by_place["authority.book", "C"]["differs"]
    assert "against A, beyond chance" in by_place["authority.book", "C"]["says"]
    assert by_place["accuracy", "A"]["value"] == 0.0  # no colour
    assert by_place["stability.retest", "A"]["value"] == 0.0
    assert len(cells) == 3 * (len([f for f in build.fail().findings.values() if f.effect is not None]) + 1)


def test_runs_of_one_judge_have_a_line_over_time() -> None:
    found = {row["probe"]: row for row in data(render(three()))["drift"]}
    book = found["authority.book"]
    assert [p["date"] for p in book["points"]] == ["2026-11-02", "2026-11-03", "2026-11-04"]
    assert [p["value"] for p in book["points"]] == [0.21, 0.09, -0.03]
    assert book["stands"]
    assert not found["accuracy"]["stands"]
    two = comparison(build.fail(), better(build.fail(), 0.1, 9))
    assert data(render(two))["drift"] == []
    others = [dataclasses.replace(better(build.fail(), 0.1, 3 + k), judge_spec=f"openai:m{k}") for k in range(3)]
    assert data(render(comparison(*others)))["drift"] == []


def test_attacks_are_compared_where_two_judges_met_them() -> None:
    attacked = build.fail()
    found = data(render(comparison(attacked, better(attacked, 0.1, 3))))["transfer"]
    assert [(c["probe"], c["run"], c["shown"]) for c in found["cells"]] == [
        ("authority.book", "A", "+.40"),
        ("authority.book", "B", "+.40"),
    ]
    assert data(render(comparison(attacked, build.score_run())))["transfer"]["cells"] == []


def test_ranking_says_how_sure_it_is() -> None:
    # the lower figure of another run; as a concordance it could not be ranked among accuracies
    figure = dataclasses.replace(build.score_run().discrimination, measure=build.fail().discrimination.measure)
    weak = dataclasses.replace(build.fail(), discrimination=figure)
    text = render(comparison(build.fail(), weak, build.fail()))
    rows = re.findall(r'<tr><th scope="row">([ABC]) <span[^>]*>[^<]*</span></th><td>([^<]*)</td>', text)
    assert rows[:3] == [("A", "1 to 2"), ("C", "1 to 2"), ("B", "3")]


def test_hostile_names_are_shown_not_run() -> None:
    text = render(comparison(build.hostile(), build.hostile(), build.hostile()))
    assert "&lt;script&gt;document.title=" in text
    assert text.lower().count("<script") == 4
    assert "<img" not in text.lower()
    for char in CHARACTERS_THAT_HIDE:
        assert char not in text


def test_runs_that_share_nothing_make_a_page(capsys: pytest.CaptureFixture[str]) -> None:
    text = render(comparison(build.fail(), build.error_run()))
    assert json.dumps(data(text), allow_nan=False)
    assert text == render(comparison(build.fail(), build.error_run()))
