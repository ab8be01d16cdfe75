"""`voirdire audit`: run a suite on a judge and write the report folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from voirdire.cli.asking import confirm_paid
from voirdire.cli.configured import judge_options
from voirdire.cli.options import (
    at_least,
    calls_at_once,
    default_judge,
    formats_of,
    in_range,
    minimise_on,
    params_of,
    per_minute,
    place_of,
    task_of,
)
from voirdire.harness.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from voirdire._compose import AuditResult, Prepared
    from voirdire.harness.judges.base import Judge

__all__ = ["audit"]


def audit(
    judge: Annotated[
        str | None,
        typer.Option(
            "--judge", "-j", help="Judge spec, e.g. openai:gpt-5-mini, local:smollm2, python:my.module:judge."
        ),
    ] = None,
    cases: Annotated[
        str | None,
        typer.Option("--cases", "-c", help="JSONL, CSV or Parquet file; - for stdin. Default: built-in cases."),
    ] = None,
    suite: Annotated[
        str | None,
        typer.Option("--suite", "-s", help="Suite name or FILE.toml. Default: standard; without --judge: demo."),
    ] = None,
    probes: Annotated[
        list[str] | None, typer.Option("--probes", "-p", help="Only probes that match this glob; repeatable.")
    ] = None,
    plugin: Annotated[
        list[str] | None, typer.Option("--plugin", help="FILE.py or module with probes of your own; repeatable.")
    ] = None,
    rewrites: Annotated[
        Path | None, typer.Option("--rewrites", help="Paraphrases and the like: the file of `voirdire freeze`.")
    ] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="Report folder.")] = Path("voirdire-report"),
    task: Annotated[str | None, typer.Option("--task", help="pairwise, score, grade or ranking.")] = None,
    scale: Annotated[str | None, typer.Option("--scale", help="Range of a score judge, e.g. 1:10.")] = None,
    prompt: Annotated[
        Path | None,
        typer.Option("--prompt", help="Your evaluator prompt: text with {{ instruction }}, {{ response_a }} …"),
    ] = None,
    parse: Annotated[
        str | None, typer.Option("--parse", help="How to read the reply: auto, brackets, json, letter …")
    ] = None,
    param: Annotated[
        list[str] | None,
        typer.Option("--param", help="k=v for the model (temperature=0, max_tokens=512 …); repeatable."),
    ] = None,
    base_url: Annotated[
        str | None, typer.Option("--base-url", help="Any OpenAI-compatible endpoint, e.g. http://localhost:8000/v1.")
    ] = None,
    utility: Annotated[
        str, typer.Option("--utility", help="verdict: what the judge decided; probability: how sure it was.")
    ] = "verdict",
    limit: Annotated[int | None, typer.Option("--limit", "-n", help="Only the first N cases.")] = None,
    cases_id: Annotated[
        list[str] | None, typer.Option("--cases-id", help="Only the case with this id; repeatable.")
    ] = None,
    samples: Annotated[int | None, typer.Option("--samples", help="Calls an arm gets per case and order.")] = None,
    seed: Annotated[int, typer.Option("--seed", help="Noise of mock judges.")] = 0,
    alpha: Annotated[float, typer.Option("--alpha", help="Error rate of the whole suite.")] = 0.05,
    tolerance: Annotated[
        float | None, typer.Option("--tolerance", help="Largest effect that does not matter, in utility units.")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Tolerance .05 with 3 samples an arm.")] = False,
    sequential: Annotated[
        bool, typer.Option("--sequential/--fixed", help="Stop asking about a probe as soon as it is decided.")
    ] = False,
    anytime: Annotated[
        bool, typer.Option("--anytime", help="As --sequential, and you may add cases and run again until decided.")
    ] = False,
    minimise: Annotated[
        int | None,
        typer.Option("--minimise", help="Calls for making counter-examples small. Default: a tenth of the plan."),
    ] = None,
    max_calls: Annotated[int | None, typer.Option("--max-calls", help="Stop after N calls.")] = None,
    max_cost: Annotated[float | None, typer.Option("--max-cost", help="Stop after USD.")] = None,
    max_tokens: Annotated[int | None, typer.Option("--max-tokens", help="Stop after N tokens.")] = None,
    rate: Annotated[str | None, typer.Option("--rate", help="At most N/min calls (or N/s).")] = None,
    concurrency: Annotated[int, typer.Option("--concurrency", help="Calls at a time.")] = 16,
    on: Annotated[
        str | None, typer.Option("--on", help="Where the judge answers: ray, ray:ADDRESS, batch. Default: here.")
    ] = None,
    timeout: Annotated[float, typer.Option("--timeout", help="Seconds a call may take.")] = 60.0,
    retries: Annotated[int, typer.Option("--retries", help="Tries after a call that failed.")] = 4,
    cache: Annotated[
        str, typer.Option("--cache", help="Where answers are kept, so that a stopped run goes on; none: nowhere.")
    ] = ".voirdire/calls.sqlite",
    record: Annotated[
        Path | None, typer.Option("--record", help="Write the verdicts to FILE.jsonl for replay:.")
    ] = None,
    formats: Annotated[str, typer.Option("--format", help="Of html,md,json,junit,csv,parquet,card.")] = "html,md,json",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before many paid calls.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print the verdict only.")] = False,
    no_color: Annotated[bool, typer.Option("--no-color", help="No colours (as NO_COLOR).")] = False,
) -> int:
    """Run a suite on a judge and write a report: HTML, Markdown and JSON.

    Without --judge the installed local model is audited on built-in cases, or a simulated judge if there is none.
    """
    from voirdire._compose import AuditRequest, prepare
    from voirdire._plugins import load_plugins
    from voirdire.cli.terminal import Terminal
    from voirdire.harness.engine.runner import Limits
    from voirdire.harness.judges.base import traits_of
    from voirdire.harness.judges.spec import JudgeOptions, make_judge, parse_scale

    load_plugins(plugin or ())
    wanted = formats_of(formats)
    in_range("--alpha", alpha, 0.0, 0.5)
    in_range("--tolerance", tolerance, 0.0, 1.0)
    at_least("--concurrency", concurrency, 1)
    at_least("--retries", retries, 0)
    at_least("--max-calls", max_calls, 1)
    at_least("--minimise", minimise, 0)
    at_least("--max-tokens", max_tokens, 1)
    if sequential and anytime:
        raise UsageError("--sequential and --anytime exclude each other", hint="--anytime alone stops early as well.")
    if timeout <= 0:
        raise UsageError(f"--timeout {timeout:g} leaves no time to answer")
    if utility not in ("verdict", "probability"):
        raise UsageError(f"--utility {utility!r} is neither verdict nor probability")
    terminal = Terminal(quiet=quiet, no_color=no_color)
    spec = judge or default_judge(terminal)
    options = JudgeOptions(
        task=task_of(task),
        scale=parse_scale(scale) if scale else None,
        prompt=str(prompt) if prompt else None,
        parse=parse,
        base_url=base_url,
        params=params_of(param or []),
        timeout=timeout,
        retries=retries,
        concurrency=concurrency,
        utility=utility,
        seed=seed,
        place=place_of(on, terminal.note),
    )
    asked = make_judge(spec, judge_options(options))
    request = AuditRequest(
        cases=cases,
        suite=suite or ("standard" if judge else "demo"),
        probes=tuple(probes or ()),
        samples=samples,
        seed=seed,
        alpha=alpha,
        tolerance=tolerance,
        strict=strict,
        mode="anytime" if anytime else "sequential" if sequential else "fixed",
        limit=limit,
        minimise=minimise_on(options.place, minimise),
        case_ids=tuple(cases_id or ()),
        limits=Limits(
            calls_at_once(options.place, concurrency),
            max_calls,
            max_cost,
            max_tokens=max_tokens,
            rate=per_minute("--rate", rate),
            reasks=Limits().reasks if retries else 0,
        ),
        cache=None if cache == "none" else cache,
        rewrites=rewrites,
    )
    prepared = prepare(asked.task, asked.scale, request, traits=traits_of(asked), in_blocks=True)
    terminal.plan(asked, prepared)
    if not yes and max_calls is None and max_cost is None:
        confirm_paid(asked, prepared)
    return _finish(_run(asked, prepared, terminal, record), out, wanted, terminal)


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
