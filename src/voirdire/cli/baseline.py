"""`voirdire baseline`: store a run, for `voirdire gate --baseline`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from voirdire.cli.asking import Asking, asking, confirm
from voirdire.cli.gate import STORED, run_gate, unfinished
from voirdire.harness.errors import UsageError

__all__ = ["baseline"]


@asking
def baseline(
    asked: Asking,
    baseline: Annotated[
        Path, typer.Option("--baseline", "-b", help="Where to store the run; commit it with your prompt.")
    ] = Path("voirdire-baseline.json"),
    accept: Annotated[
        Path | None, typer.Option("--from", help="Store the run of this report folder of a gate, calling no judge.")
    ] = None,
) -> int:
    """Store a run: per-case outcomes and hashes, no texts. Suite: ci.

    `voirdire gate --baseline FILE` then says whether the judge got worse.
    """
    from voirdire._gate import GateRequest, prepare_gate
    from voirdire.cli.terminal import Terminal
    from voirdire.harness.baseline_file import read_baseline, write_baseline
    from voirdire.harness.judges.base import traits_of
    from voirdire.reports.writable import check_file

    check_file(baseline, "--baseline")
    terminal = Terminal(quiet=asked.quiet, no_color=asked.no_color)
    if accept is not None:
        file = accept / STORED if accept.is_dir() else accept
        if not file.is_file():
            raise UsageError(
                f"{accept} holds no {STORED}", hint="Name the report folder of a gate that came to its end."
            )
        stored = read_baseline(file)
    else:
        judge = asked.make_judge()
        request = asked.request(suite=asked.suite or "ci", cases=asked.cases, samples=asked.samples)
        ready = prepare_gate(
            judge.task, judge.scale, GateRequest(request, reuse=asked.reuse_cache), traits=traits_of(judge)
        )
        terminal.plan(judge, ready.prepared)
        confirm(asked, judge, ready.prepared)
        result = run_gate(judge, ready, terminal)
        stopped = unfinished(result, terminal)
        if stopped is not None:
            return stopped  # half a run is no measure for later ones
        stored = result.stored
    write_baseline(stored, baseline)
    if not asked.quiet:
        from voirdire.reports.gate_text import stored_text

        terminal.page(stored_text(stored, str(baseline)))
    return 0
