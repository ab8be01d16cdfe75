"""`voirdire audit`: run a suite on a judge and write the report folder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from voirdire.cli.asking import Asking, asking, confirm
from voirdire.cli.options import at_least, default_judge, formats_of, per_minute
from voirdire.harness.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from voirdire._compose import AuditResult, Prepared
    from voirdire.harness.judges.base import Judge

__all__ = ["audit"]


@asking(
    without=("reuse_cache",),
    says={
        "judge": "Judge spec, e.g. openai:gpt-5-mini, local:smollm2, python:my.module:judge.",
        "cases": "JSONL, CSV or Parquet file; - for stdin. Default: built-in cases.",
        "suite": "Suite name or FILE.toml. Default: standard; without --judge: demo.",
        "quiet": "Print the verdict only.",
        "seed": "Noise of mock judges; with --sequential also the order of the cases.",
    },
)
def audit(
    asked: Asking,
    out: Annotated[Path, typer.Option("--out", "-o", help="Report folder.")] = Path("voirdire-report"),
    formats: Annotated[str, typer.Option("--format", help="Of html,md,json,junit,csv,parquet,card.")] = "html,md,json",
    strict: Annotated[bool, typer.Option("--strict", help="Tolerance .05 with 3 samples an arm.")] = False,
    sequential: Annotated[
        bool, typer.Option("--sequential/--fixed", help="Stop asking about a probe as soon as it is decided.")
    ] = False,
    anytime: Annotated[
        bool,
        typer.Option(
            "--anytime", help="As --sequential, and you may add cases and run again; the file in random order."
        ),
    ] = False,
    minimise: Annotated[
        int | None,
        typer.Option("--minimise", help="Calls for making counter-examples small. Default: a tenth of the plan."),
    ] = None,
    max_tokens: Annotated[int | None, typer.Option("--max-tokens", help="Stop after N tokens.")] = None,
    rate: Annotated[str | None, typer.Option("--rate", help="At most N/min calls (or N/s).")] = None,
    record: Annotated[
        Path | None, typer.Option("--record", help="Write the verdicts to FILE.jsonl for replay:.")
    ] = None,
) -> int:
    """Run a suite on a judge and write a report: HTML, Markdown and JSON.

    Without --judge the installed local model is audited on built-in cases, or a simulated judge if there is none.
    """
    from voirdire._compose import prepare
    from voirdire.cli.terminal import Terminal
    from voirdire.harness.engine.runner import Limits
    from voirdire.harness.judges.base import traits_of
    from voirdire.reports.writable import check_folder

    wanted = formats_of(formats)
    check_folder(out, wanted)
    at_least("--minimise", minimise, 0)
    at_least("--max-tokens", max_tokens, 1)
    if sequential and anytime:
        raise UsageError("--sequential and --anytime exclude each other", hint="--anytime alone stops early as well.")
    terminal = Terminal(quiet=asked.quiet, no_color=asked.no_color)
    judge = asked.make_judge(default_judge(terminal) if asked.judge is None else asked.judge, tell=terminal.note)
    suite = asked.suite or ("demo" if asked.judge is None else "standard")
    request = asked.request(suite=suite, cases=asked.cases, samples=asked.samples)
    request = replace(
        request,
        strict=strict,
        mode="anytime" if anytime else "sequential" if sequential else "fixed",
        minimise=request.minimise if minimise is None else minimise,
        limits=replace(
            request.limits,
            max_tokens=max_tokens,
            rate=per_minute("--rate", rate),
            reasks=Limits().reasks if asked.retries else 0,
        ),
    )
    prepared = prepare(judge.task, judge.scale, request, traits=traits_of(judge), in_blocks=True)
    terminal.plan(judge, prepared)
    confirm(asked, judge, prepared)
    return _finish(_run(judge, prepared, terminal, record), out, wanted, terminal)


def _run(judge: Judge, prepared: Prepared, terminal: Any, record: Path | None) -> AuditResult:
    import asyncio

    from voirdire._compose import audit_async
    from voirdire.harness.judges.replay import Recorder

    recorder = Recorder(record) if record is not None else None
    if recorder is not None:
        judge = recorder.wrap(judge)
    with terminal.progress() as emit:
        result = asyncio.run(audit_async(judge, prepared=prepared, emit=emit))
    if recorder is not None and result.run.cached:
        # answers that came from the store or are repeats never passed the judge, but a replay needs them too
        for number, call in enumerate(result.plan.calls):
            verdict = result.run.whole(number)
            if verdict is not None and verdict.null != "error":
                recorder.record(call.case, sample=call.sample, verdict=verdict)
        recorder.close()
    return result


def _finish(result: AuditResult, out: Path, formats: tuple[str, ...], terminal: Any) -> int:
    audit = result.audit
    if audit.stopped == "interrupted":
        if result.run.made > result.run.errors or result.run.cached:
            terminal.done(audit, result.save(out, formats))
        return ExitCode.INTERRUPTED
    if audit.verdict == "error":
        # a report without a single verdict would only hide the reason
        terminal.unreachable(result)
        if result.run.made > result.run.errors or result.run.cached:
            terminal.done(audit, result.save(out, formats))
            return ExitCode.JUDGE
        return result.run.failure
    terminal.done(audit, result.save(out, formats))
    return ExitCode.BUDGET if audit.stopped == "budget" else ExitCode.OK
