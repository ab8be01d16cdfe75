"""`voirdire replay FILE …`: audit verdicts that are already there, calling no judge."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from voirdire.cli.lines import tell_document

__all__ = ["replay"]


def replay(
    sources: Annotated[
        list[str],
        typer.Argument(help="Recorded verdicts: FORMAT:FILE, a recording, calls.jsonl or a report folder; several."),
    ],
    cases: Annotated[
        list[str] | None,
        typer.Option("--cases", "-c", help="What was judged, where the verdicts' file does not hold it; repeatable."),
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option("--only", help="Only judges whose name matches this glob; repeatable.")
    ] = None,
    task: Annotated[
        str | None, typer.Option("--task", help="Kind of the judge, for calls.jsonl without its audit.")
    ] = None,
    scale: Annotated[str | None, typer.Option("--scale", help="Range of its scores, likewise, e.g. 1:10.")] = None,
    tolerance: Annotated[
        float, typer.Option("--tolerance", help="Largest effect that does not matter, in utility units.")
    ] = 0.10,
    alpha: Annotated[float, typer.Option("--alpha", help="Error rate of one judge's preferences.")] = 0.05,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder for the files; default: none.")] = None,
    formats: Annotated[str, typer.Option("--format", help="Files to write, of md,json.")] = "md,json",
    as_json: Annotated[bool, typer.Option("--json", help="Print an object.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print one line a judge only.")] = False,
    no_color: Annotated[bool, typer.Option("--no-color", help="No colours (as NO_COLOR).")] = False,
) -> int:
    """Audit verdicts that you already have, calling no judge: position, length, looks, models, labels, repeats.

    What it finds is observational: it says which questions are worth asking, and what `voirdire audit` would cost.
    """
    from voirdire._replay import ReplayRequest
    from voirdire._replay import replay as run
    from voirdire.cli.options import in_range, task_of
    from voirdire.cli.terminal import Terminal
    from voirdire.harness.errors import ExitCode
    from voirdire.harness.judges.spec import parse_scale
    from voirdire.reports.observed_text import observed_lines, observed_text
    from voirdire.reports.observed_write import document_text, formats_of, write
    from voirdire.reports.terminal import knows_unicode

    in_range("--alpha", alpha, 0.0, 0.5)
    in_range("--tolerance", tolerance, 0.0, 1.0)
    wanted = formats_of(formats)
    found = run(
        ReplayRequest(
            tuple(sources),
            tuple(cases or ()),
            tuple(only or ()),
            task_of(task),
            parse_scale(scale) if scale else None,
            alpha,
            tolerance,
        )
    )
    terminal = Terminal(quiet=quiet, no_color=no_color)
    if out is not None:
        for path in write(found, out, wanted):
            terminal.note(f"written: {path}")
    if as_json:
        tell_document(document_text(found, ascii=not knows_unicode(terminal.out.encoding)))
    else:
        terminal.page(observed_lines(found) if quiet else observed_text(found))
    # as an audit of a judge that never answered
    return ExitCode.OK if any(j.verdicts > sum(j.nulls.values()) for j in found.judges) else ExitCode.JUDGE
