"""`voirdire compare A B …`: runs or judges side by side; stored runs call no judge."""

from __future__ import annotations

import string
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from voirdire.cli.asking import Asking, asking, confirm
from voirdire.cli.gate import STORED, run_gate, unfinished
from voirdire.cli.lines import tell_document
from voirdire.harness.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from voirdire._gate import PreparedGate
    from voirdire.cli.terminal import Terminal
    from voirdire.harness.costs import Cost
    from voirdire.harness.judges.base import Judge
    from voirdire.harness.prices import Prices
    from voirdire.harness.statistics.side_by_side import StoredRun

__all__ = ["compare", "read_run"]


@asking
def compare(
    asked: Asking,
    runs: Annotated[
        list[str], typer.Argument(help="Report folders, baseline files or judge specs; two or more, in any mixture.")
    ],
    markdown: Annotated[
        Path | None, typer.Option("--markdown", help="Also write it as Markdown, with all intervals.")
    ] = None,
    html: Annotated[
        Path | None, typer.Option("--html", help="Also write a page: heat map, ranking, differences, drift.")
    ] = None,
    prices: Annotated[
        Path | None, typer.Option("--prices", help="TOML file of $ per million tokens, before the built-in prices.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print an object (voirdire.compare/1).")] = False,
) -> int:
    """Show the effects of several runs or judges side by side, how far each lies from the first, and which one pays.

    Judges are audited (suite: standard) and compared case by case, as are gates and baseline files; reports of plain
    audits are compared by their intervals.
    """
    from voirdire.cli.terminal import Terminal
    from voirdire.harness.prices import load_prices
    from voirdire.harness.statistics.side_by_side import side_by_side
    from voirdire.harness.statistics.trade import trades
    from voirdire.reports.comparison import Comparison, comparison_markdown, comparison_text
    from voirdire.reports.writable import check_file

    check_file(markdown, "--markdown")
    check_file(html, "--html")
    table = load_prices(prices)
    if not 2 <= len(runs) <= len(string.ascii_uppercase):
        raise UsageError(f"{len(runs)} run{'s' * (len(runs) != 1)} cannot be compared", hint="Name 2 to 26 of them.")
    terminal = Terminal(quiet=asked.quiet, no_color=asked.no_color)
    labelled = list(zip(string.ascii_uppercase, runs, strict=False))
    read = {label: read_run(label, name) for label, name in labelled if Path(name).exists()}
    # all judges are made and planned before the first is asked: a misspelt one must cost nothing
    ready = {label: _prepare(asked, name, terminal) for label, name in labelled if label not in read}
    costs = {label: _cost(*prepared, table) for label, prepared in ready.items()}
    for label, name in labelled:
        if label in ready:
            audited = _audit(label, name, *ready[label], terminal)
            if isinstance(audited, ExitCode):
                return audited
            read[label] = audited
    stored = [read[label] for label, _ in labelled]
    lines = side_by_side(stored)
    if not lines:
        raise UsageError("these runs measured nothing that could be compared")
    found = Comparison(stored, lines, trades(stored, lines), [costs.get(label) for label, _ in labelled])
    if as_json:
        from voirdire.reports.comparison_schema import document_text

        tell_document(document_text(found))
    else:
        terminal.page(comparison_text(found))
    if markdown is not None:
        _write(markdown, comparison_markdown(found))
    if html is not None:
        from voirdire.reports.comparison_html import render

        _write(html, render(found))
    return ExitCode.OK


def _write(path: Path, text: str) -> None:
    from voirdire.reports.write import replace_file

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, [text])
    except OSError as error:
        raise UsageError(f"{path} cannot be written ({error.strerror or error})") from None


def read_run(label: str, name: str) -> StoredRun:
    """The stored run at a path."""
    from voirdire.harness.baseline_file import read_baseline
    from voirdire.harness.statistics.side_by_side import StoredRun
    from voirdire.reports.write import read

    path = Path(name)
    if path.name == "audit.json":
        return read_run(label, str(path.parent))
    if path.is_file():
        return StoredRun(label, name, None, read_baseline(path))
    audit, beside = read(path), path / STORED
    stored = read_baseline(beside) if beside.is_file() else None
    # an audit written into the folder of an earlier gate leaves that gate's file behind
    same = stored is not None and (stored.created, stored.judge["fingerprint"]) == (
        audit.created,
        audit.fingerprint[:16],
    )
    return StoredRun(label, name, audit, stored if same else None)


def _prepare(asked: Asking, name: str, terminal: Terminal) -> tuple[Judge, PreparedGate]:
    """The judge called `name` and what it will be asked."""
    from voirdire._gate import GateRequest, prepare_gate
    from voirdire.harness.judges.base import traits_of

    try:
        judge = asked.make_judge(name, parameter="runs")
    except UsageError as error:
        if ":" in name:
            raise
        raise UsageError(
            f"there is no run {name!r}, and no judge of this name",
            hint="Name report folders, baseline files or judges.",
        ) from error
    request = asked.request(suite=asked.suite or "standard", cases=asked.cases, samples=asked.samples)
    # as an audit, it may answer from what was asked before
    ready = prepare_gate(judge.task, judge.scale, GateRequest(request, reuse=True), traits=traits_of(judge))
    terminal.plan(judge, ready.prepared)
    confirm(asked, judge, ready.prepared)
    return judge, ready


def _cost(judge: Judge, ready: PreparedGate, prices: Prices) -> Cost:
    """What asking `judge` alone would cost; nobody is asked."""
    import asyncio

    from voirdire.harness.costs import cost_of

    return asyncio.run(cost_of(ready.prepared.plan.calls, judge, prices))


def _audit(label: str, name: str, judge: Judge, ready: PreparedGate, terminal: Terminal) -> StoredRun | ExitCode:
    """The judge's run, or the exit code of one that did not get to its end."""
    from voirdire._gate import as_run

    result = run_gate(judge, ready, terminal)
    stopped = unfinished(result, terminal)
    return as_run(label, name, judge, result) if stopped is None else stopped
