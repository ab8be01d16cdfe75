"""`voirdire gate`: is this judge good enough, and did it get worse? The exit code is the product."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from voirdire.cli.asking import Asking, asking, confirm
from voirdire.cli.lines import say
from voirdire.cli.options import formats_of
from voirdire.harness.errors import ExitCode, UsageError, nearest

if TYPE_CHECKING:
    from voirdire._gate import GateResult, PreparedGate
    from voirdire.cli.terminal import Terminal
    from voirdire.harness.baseline import Baseline
    from voirdire.harness.gate import Gate
    from voirdire.harness.judges.base import Judge

__all__ = ["gate", "run_gate", "unfinished"]

#: beside the report: the run as a baseline, for `voirdire baseline --from` and `voirdire compare`
STORED = "baseline.json"


@asking
def gate(
    asked: Asking,
    baseline: Annotated[
        Path | None, typer.Option("--baseline", "-b", help="Compare with this stored run (voirdire baseline).")
    ] = None,
    margin: Annotated[
        float, typer.Option("--margin", help="Growth of an effect that does not matter, in utility units.")
    ] = 0.05,
    resolution: Annotated[
        float | None,
        typer.Option("--resolution", help="Open tests must rule out growth beyond this. Default: 3 margins."),
    ] = None,
    inconclusive: Annotated[
        str,
        typer.Option("--inconclusive", help="Where open tests cannot rule out growth: fail (exit 3), or pass."),
    ] = "fail",
    absolute: Annotated[
        str,
        typer.Option(
            "--absolute",
            help="Beside a baseline, violated tolerances fail: new ones, all, or off (none).",
        ),
    ] = "new",
    baseline_mismatch: Annotated[
        str,
        typer.Option(
            "--baseline-mismatch", help="If suite, cases or samples differ: fail, or warn and compare the rest."
        ),
    ] = "fail",
    drift: Annotated[
        Path | None,
        typer.Option("--drift", help="Count the runs in FILE and share alpha among them: for gates run on schedule."),
    ] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="Report folder.")] = Path("voirdire-report"),
    formats: Annotated[str, typer.Option("--format", help="Of html,md,json,junit,csv,parquet,card.")] = "html,md,json",
) -> int:
    """Audit a judge against tolerances and, with --baseline, against a stored run.

    Exit 0: all hold. 1: violated, or worse than the baseline. 2: usage. 3: the data cannot decide. 4: the judge could
    not be reached or never gave a verdict. 5: stopped by a limit; run the same command again to go on.
    """
    from voirdire._gate import Drifting, GateRequest, prepare_gate
    from voirdire.cli.terminal import Terminal
    from voirdire.harness.baseline_file import read_baseline
    from voirdire.harness.drift_file import add_run, read_drift
    from voirdire.harness.judges.base import traits_of
    from voirdire.harness.statistics.drift import level_of_run
    from voirdire.reports.writable import check_file, check_folder

    wanted = formats_of(formats)
    check_folder(out, wanted)
    check_file(drift, "--drift")
    if not 0 <= margin < 1:
        raise UsageError(f"--margin {margin:g} lies outside [0, 1)")
    if resolution is not None and not margin <= resolution <= 2:
        raise UsageError(f"--resolution {resolution:g} lies outside [{margin:g} (the margin), 2]")
    _one_of("--inconclusive", inconclusive, ("fail", "pass"))
    _one_of("--absolute", absolute, ("new", "all", "off"))
    _one_of("--baseline-mismatch", baseline_mismatch, ("fail", "warn"))
    if drift is not None and baseline is None:
        raise UsageError("--drift counts runs against a baseline, and there is none", hint="Add --baseline FILE.")
    terminal = Terminal(quiet=asked.quiet, no_color=asked.no_color)
    stored = read_baseline(baseline) if baseline is not None else None
    counted = read_drift(drift, stored.run) if drift is not None and stored is not None else None
    judge = asked.make_judge()
    request = GateRequest(
        asked.request(suite=_suite(asked, stored), cases=_cases(asked, stored), samples=_samples(asked, stored)),
        baseline=stored,
        margin=margin,
        resolution=resolution,
        absolute=cast(Any, absolute),
        warn=baseline_mismatch == "warn",
        open_passes=inconclusive == "pass",
        reuse=asked.reuse_cache,
        drifting=None if counted is None else Drifting(counted.next_run, level_of_run(asked.alpha, counted.next_run)),
    )
    ready = prepare_gate(judge.task, judge.scale, request, traits=traits_of(judge))
    terminal.plan(judge, ready.prepared)
    confirm(asked, judge, ready.prepared)
    result = run_gate(judge, ready, terminal)
    stopped = unfinished(result, terminal)
    if stopped is not None and not result.result.run.made > result.result.run.errors and not result.result.run.cached:
        return stopped  # a report without a single verdict would only hide the reason
    files = result.result.save(out, wanted)
    if stopped is None:
        from voirdire.harness.baseline_file import write_baseline

        write_baseline(result.stored, out / STORED)
        if drift is not None and counted is not None:
            add_run(drift, counted, result.outcome)
    # `| head`: whoever stopped reading still gets the exit code (rich makes SystemExit(1) of a broken pipe)
    with contextlib.suppress(BrokenPipeError, SystemExit):
        _show(result.outcome, terminal, out, files)
    return result.outcome.code if stopped is None else stopped


def _one_of(option: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise UsageError(f"{option} {value!r} is none of {', '.join(known)}", hint=nearest(value, known))


def _suite(asked: Asking, stored: Baseline | None) -> str:
    """The suite that was asked for, else the baseline's, else `ci`."""
    from voirdire.suites.loading import builtin_suites

    if asked.suite is not None:
        return asked.suite
    if stored is None:
        return "ci"
    if stored.suite not in builtin_suites():
        raise UsageError(
            f"the baseline is of suite {stored.suite!r}, which is not built in", hint="Give --suite FILE.toml."
        )
    return stored.suite


def _cases(asked: Asking, stored: Baseline | None) -> str | None:
    """The cases that were named, else the file that the baseline was made from."""
    from voirdire.harness.casefiles import BUILTIN, IN_MEMORY

    if asked.cases is not None or stored is None or stored.cases_path == BUILTIN:
        return asked.cases
    if stored.cases_path == IN_MEMORY:
        raise UsageError("the baseline was made of cases that a program held", hint="Give --cases FILE.")
    path = Path(stored.cases_path)
    # a baseline may come with a pull request: it must not pick files of the machine to be sent to a judge
    if path.is_absolute() or ".." in path.parts or not path.resolve().is_relative_to(Path.cwd().resolve()):
        raise UsageError(f"the baseline was made from {path}, which lies elsewhere", hint="Give --cases FILE.")
    if not path.is_file():
        raise UsageError(f"the baseline was made from {path}, which is not here", hint="Give --cases FILE.")
    return str(path)


def _samples(asked: Asking, stored: Baseline | None) -> int | None:
    return stored.samples if asked.samples is None and stored is not None else asked.samples


def run_gate(judge: Judge, ready: PreparedGate, terminal: Terminal) -> GateResult:
    """Run it with a progress bar. Ctrl-C comes back as KeyboardInterrupt, what was answered is kept."""
    import asyncio

    from voirdire._gate import gate_async

    with terminal.progress() as emit:
        result = asyncio.run(gate_async(judge, ready, emit=emit))
    if result.outcome.code == ExitCode.INTERRUPTED:
        raise KeyboardInterrupt
    return result


def unfinished(result: GateResult, terminal: Terminal) -> ExitCode | None:
    """The exit code of a run that did not get to its end, after saying why; None for a whole one."""
    code = result.outcome.code
    if code == ExitCode.JUDGE:
        terminal.unreachable(result.result)
        run = result.result.run
        return code if run.made > run.errors or run.cached else run.failure
    if code == ExitCode.BUDGET:
        say(f"{result.result.run.reason}. Answers received are kept; run the same command to go on.")
        return code
    return None


def _show(outcome: Gate, terminal: Terminal, out: Path, files: dict[str, Path]) -> None:
    from voirdire.reports.gate_text import gate_text

    text = gate_text(outcome, report=str(next(iter(files.values()), out)), stored=str(out), quiet=terminal.quiet)
    terminal.page(text)
    if os.environ.get("GITHUB_ACTIONS") == "true":
        _github(outcome)


def _github(outcome: Gate) -> None:
    """The job summary and annotations of a step on GitHub."""
    from voirdire.reports import github

    for line in github.annotations(outcome.audit):
        print(line)
    path = os.environ.get("GITHUB_STEP_SUMMARY")
    if path:
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(github.summary(outcome.audit))
