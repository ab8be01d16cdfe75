"""`voirdire report RUN`: render a stored run again, calling no judge."""

from __future__ import annotations

import dataclasses
import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from voirdire.harness.errors import UsageError

if TYPE_CHECKING:
    from voirdire.harness.findings import Audit

__all__ = ["report"]


def report(
    run: Annotated[Path, typer.Argument(help="Report folder of an earlier audit.")],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Where to write; default: the same folder.")] = None,
    formats: Annotated[str, typer.Option("--format", help="Of html,md,json,junit,csv,parquet,card.")] = "html,md",
    tried: Annotated[
        list[Path] | None,
        typer.Option("--with", help="Run of a changed judge (repeatable): what it shows to help is recommended."),
    ] = None,
    stamp: Annotated[
        bool, typer.Option("--stamp", help="Say in the page when it was written; without it, same run, same bytes.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print the verdict only.")] = False,
    no_color: Annotated[bool, typer.Option("--no-color", help="No colours (as NO_COLOR).")] = False,
) -> int:
    """Render a stored run again in any format, calling no judge."""
    from voirdire.cli.options import formats_of
    from voirdire.cli.terminal import Terminal
    from voirdire.reports.write import CALLS, read, write

    audit = read(run)
    if tried:
        audit = _with(audit, run, tried)
    calls = (run.parent if run.is_file() else run) / CALLS
    now = dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if stamp else None
    target = out or calls.parent
    files = write(audit, target, formats_of(formats), calls=calls if calls.is_file() else None, stamp=now)
    Terminal(quiet=quiet, no_color=no_color).done(audit, files)
    return 0


def _with(audit: Audit, run: Path, tried: list[Path]) -> Audit:
    """`audit` with what the runs `tried` show of remedies."""
    from voirdire.cli.compare import read_run
    from voirdire.harness.statistics.remedies import remedies

    others = [read_run(chr(ord("B") + k), str(path)) for k, path in enumerate(tried[:25])]
    for path, other in zip(tried, others, strict=False):
        task = other.audit.task if other.audit is not None else other.stored.task if other.stored is not None else None
        if task != audit.task:
            raise UsageError(f"{path} is of a {task} judge, {run} of a {audit.task} judge", hint="Leave it out.")
    found = remedies(dataclasses.replace(read_run("A", str(run)), audit=audit), others)
    return dataclasses.replace(audit, metrics={**audit.metrics, "remedies": found})
