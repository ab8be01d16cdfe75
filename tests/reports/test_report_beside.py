"""The paper's numbers beside ours, in every format, whatever a suite's file or a judge's name holds."""

from __future__ import annotations

import dataclasses
import re

import pytest
from build_audits import HOSTILE, fail, ok

from voirdire.harness.findings import Audit
from voirdire.harness.papers import PaperResult, Published, SuiteMetric
from voirdire.reports import html, markdown
from voirdire.reports.beside import beside_rows, number
from voirdire.reports.schema import AuditDocument, from_document, to_document

MEASURED = SuiteMetric("rr", "authority", 0.612, 0.55, 0.674, 120, 3, 0.5, ("authority.book", "authority.url"))
UNSURE = SuiteMetric("conflict_rate", "", 0.31, None, None, 1, 0, None)
PUBLISHED = (
    Published("GPT-4", "rr", 0.846, "authority"),
    Published("ChatGPT", "rr", 0.662, "authority", "two votes"),
    Published("GPT-4", "acc_hack", 0.5, "authority"),
)


def with_paper(audit: Audit, **changes: object) -> Audit:
    paper = PaperResult("CALM", "Ye et al. 2025", "", "Half.", (MEASURED, UNSURE), PUBLISHED)
    return dataclasses.replace(audit, paper=dataclasses.replace(paper, **changes))  # type: ignore[arg-type]


def test_a_row_a_metric_measured_first_then_what_was_only_published() -> None:
    measured, unsure, printed = beside_rows(with_paper(ok()))
    assert measured == ("rr", "authority", ".61", "[.55, .67]", ".50", 120, "GPT-4 .85; ChatGPT .66 (two votes)")
    assert (unsure.ours, unsure.interval, unsure.chance) == (".31", "", "")
    assert (printed.metric, printed.ours, printed.n) == ("acc_hack", "–", 0)
    assert beside_rows(ok()) == []


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.5, ".50"), (0.0, ".00"), (1.0, "1.00"), (0.004, ".004"), (0.995, ".995"), (-0.05, "-.05"), (9.55, "9.55")],
)
def test_numbers_are_rounded_but_not_to_none_or_all(value: float, text: str) -> None:
    assert number(value) == text


def test_markdown_and_html_show_the_table() -> None:
    text = markdown.render(with_paper(fail()))
    assert "**Beside the paper**: CALM (Ye et al. 2025)" in text
    assert "| `rr` | authority | .61 | \\[.55, .67\\] | .50 | 120 | GPT-4 .85; ChatGPT .66 (two votes) |" in text
    assert "Chance: Half." in text
    page = html.render(with_paper(fail()))
    assert "<h2>Beside the paper</h2>" in page
    assert "GPT-4 .85; ChatGPT .66 (two votes)" in page
    assert "<h2>Beside the paper</h2>" not in html.render(fail())
    assert "Beside the paper" not in markdown.render(fail())


def test_the_document_brings_them_back() -> None:
    audit = with_paper(fail())
    again = from_document(AuditDocument.model_validate_json(to_document(audit).text()))
    assert again.paper == audit.paper
    assert from_document(AuditDocument.model_validate_json(to_document(fail()).text())).paper is None


def test_hostile_texts_stay_texts() -> None:
    """A suite's file is somebody's, and so is the table that it brings into a report."""
    metric = dataclasses.replace(MEASURED, metric=HOSTILE, group=HOSTILE)
    published = (Published(HOSTILE, HOSTILE, 0.5, HOSTILE, HOSTILE),)
    audit = with_paper(ok(), title=HOSTILE, paper=HOSTILE, chance=HOSTILE, metrics=(metric,), published=published)
    page = html.render(audit)
    assert "<script>document" not in page
    assert "<img src" not in page
    assert "\u202e" not in page
    text = markdown.render(audit)
    table = [line for line in text.splitlines() if line.startswith("| <code>")]
    assert len(table) == 1
    assert len(re.findall(r"(?<!\\)\|", table[0])) == 8
    assert "<script" not in text
    assert "<img" not in text
    assert "\n::error" not in text
    assert "](javascript" not in text
    assert "\x1b" not in text
