"""`voirdire report RUN`: render a stored run again, calling no judge."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["report"]


def report(
    run: Annotated[Path, typer.Argument(help="Report folder of an earlier audit.")],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Where to write; default: the same folder.")] = None,
    formats: Annotated[str, typer.Option("--format", help="Of html,md,json,junit,csv,parquet,card.")] = "html,md",
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
    calls = (run.parent if run.is_file() else run) / CALLS
    now = dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if stamp else None
    target = out or calls.parent
    files = write(audit, target, formats_of(formats), calls=calls if calls.is_file() else None, stamp=now)
    Terminal(quiet=quiet, no_color=no_color).done(audit, files)
    return 0
