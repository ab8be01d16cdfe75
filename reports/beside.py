"""Our numbers beside a paper's, as rows of a table: what Markdown and HTML show alike."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from voirdire.harness.findings import Audit
from voirdire.harness.papers import PaperResult, Published, SuiteMetric
from voirdire.reports.formatting import known, plain

__all__ = ["BesideRow", "beside_rows", "number"]


class BesideRow(NamedTuple):
    """One metric of one group of probes. Texts are ready to be escaped."""

    metric: str
    group: str
    ours: str
    interval: str
    chance: str
    n: int
    published: str


def number(value: float | None) -> str:
    """A metric's value: two decimals, three where it lies close to 0 or 1, none of its zeros in front."""
    if not known(value):
        return plain(value)
    text = f"{value:.3f}" if 0 < abs(value) < 0.01 or 0.99 < value < 1 else f"{value:.2f}"
    return text.replace("0.", ".", 1) if text.lstrip("-").startswith("0.") else text


def beside_rows(audit: Audit) -> list[BesideRow]:
    """A row a metric and group that was measured or published, in the order of the suite."""
    return list(_rows(audit.paper)) if audit.paper is not None else []


def _rows(paper: PaperResult) -> Iterator[BesideRow]:
    printed: dict[tuple[str, str], list[Published]] = {}
    for row in paper.published:
        printed.setdefault((row.metric, row.group), []).append(row)
    for metric in paper.metrics:
        yield _row(metric, printed.pop((metric.metric, metric.group), []))
    for (name, group), rows in printed.items():
        yield _row(SuiteMetric(name, group, None, None, None, 0, 0, None), rows)


def _row(metric: SuiteMetric, published: list[Published]) -> BesideRow:
    texts = [f"{p.judge} {number(p.value)}{f' ({p.note})' if p.note else ''}" for p in published]
    return BesideRow(
        metric=metric.metric,
        group=metric.group,
        ours=number(metric.value),
        interval="" if metric.low is None else f"[{number(metric.low)}, {number(metric.high)}]",
        chance="" if metric.chance is None else number(metric.chance),
        n=metric.n,
        published="; ".join(texts),
    )
