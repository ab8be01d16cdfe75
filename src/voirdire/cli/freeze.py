"""`voirdire freeze`: have a language model write the rewrites that audits use, once, into a file people review."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from voirdire.cli.configured import judge_options
from voirdire.cli.lines import tell
from voirdire.cli.options import at_least, params_of, task_of
from voirdire.harness.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from voirdire._freeze import Frozen, Todo
    from voirdire.harness.rewriters import Rewriter

__all__ = ["freeze"]

#: more paid calls than this are confirmed first
CONFIRM_ABOVE = 500


def freeze(
    rewriter: Annotated[
        str, typer.Option("--rewriter", "-r", help="Who writes: openai:MODEL, or python:my.module:function.")
    ],
    cases: Annotated[
        str | None,
        typer.Option("--cases", "-c", help="JSONL, CSV or Parquet file; - for stdin. Default: built-in cases."),
    ] = None,
    probes: Annotated[
        list[str] | None,
        typer.Option("--probes", "-p", help="Only rewrites of probes that match this glob; repeatable."),
    ] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="The file of rewrites; what it holds is kept.")] = Path(
        "rewrites.jsonl"
    ),
    task: Annotated[
        str | None, typer.Option("--task", help="The judge's task. Default: by the number of responses.")
    ] = None,
    limit: Annotated[int | None, typer.Option("--limit", "-n", help="Only the first N cases.")] = None,
    base_url: Annotated[str | None, typer.Option("--base-url", help="Any OpenAI-compatible endpoint.")] = None,
    param: Annotated[list[str] | None, typer.Option("--param", help="k=v for the model; repeatable.")] = None,
    max_calls: Annotated[int | None, typer.Option("--max-calls", help="Stop after N calls.")] = None,
    concurrency: Annotated[int, typer.Option("--concurrency", help="Calls at a time.")] = 8,
    timeout: Annotated[float, typer.Option("--timeout", help="Seconds a call may take.")] = 120.0,
    retries: Annotated[int, typer.Option("--retries", help="Tries after a call that failed.")] = 4,
    plugin: Annotated[
        list[str] | None, typer.Option("--plugin", help="FILE.py or module with probes of your own; repeatable.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before many paid calls.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")] = False,
) -> int:
    """Have a model write paraphrases, translations, elaborations and subtle errors, once, into a file.

    Read the file, mend or reject what is wrong ("rejected": "why"), commit it, and audit with --rewrites FILE.
    """
    from voirdire._freeze import cases_for, plan_freeze, rewrite_probes
    from voirdire._freeze import freeze as run
    from voirdire._plugins import load_plugins
    from voirdire.harness.judges.spec import JudgeOptions
    from voirdire.harness.rewriters import make_rewriter

    at_least("--limit", limit, 1)
    at_least("--max-calls", max_calls, 1)
    at_least("--concurrency", concurrency, 1)
    at_least("--retries", retries, 0)
    if timeout <= 0:
        raise UsageError(f"--timeout {timeout:g} leaves no time to answer")
    load_plugins(plugin or ())
    found, judged = cases_for(cases, task_of(task), limit)
    todo = plan_freeze(rewrite_probes(probes or ()), found, judged)
    options = JudgeOptions(
        base_url=base_url, params=params_of(param or []), timeout=timeout, retries=retries, concurrency=concurrency
    )
    options = judge_options(options, "rewriter")
    writer = make_rewriter(rewriter, options)
    _confirm(writer, todo, yes=yes, limited=max_calls is not None)
    done = asyncio.run(run(writer, todo, out, concurrency=concurrency, max_calls=max_calls, tell=_progress(quiet)))
    if not quiet:
        _report(done, out)
    if done.stopped == "rewriter" and done.error is not None:
        raise done.error
    if done.stopped == "budget":
        return ExitCode.BUDGET
    return ExitCode.OK


def _confirm(writer: Rewriter, todo: Sequence[Todo], *, yes: bool, limited: bool) -> None:
    if not writer.paid or len(todo) <= CONFIRM_ABOVE or yes or limited:
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError(f"this would make up to {len(todo):,} paid calls", hint="Add --yes or --max-calls N.")
    typer.confirm(f"Make up to {len(todo):,} paid calls?", abort=True, err=True)


def _progress(quiet: bool) -> Callable[[Frozen], None]:
    """One line that is written over, on a terminal; nothing into logs and pipes."""
    if quiet or not sys.stderr.isatty():
        return lambda _done: None

    def tell(done: Frozen) -> None:
        came = done.kept + done.written + sum(done.rejected.values())
        print(f"\rrewriting  {came:,}/{done.planned:,}", end="\n" if came >= done.planned else "", file=sys.stderr)

    return tell


def _report(done: Frozen, out: Path) -> None:
    print(
        f"{done.planned:,} texts wanted · {done.kept:,} there already · {done.written:,} written · {done.calls:,} calls"
    )
    for reason, n in sorted(done.rejected.items(), key=lambda item: -item[1]):
        tell(f'{n:,} came back unusable and {"is" if n == 1 else "are"} marked "rejected": {reason}')
    if done.failed:
        print(f"{done.failed:,} calls failed; run the same command again to go on")
    elif done.stopped == "budget":
        print("Stopped at --max-calls; run the same command again to go on.")
    tell(f'\nNext: read {out}, mend a "text" or give it a "rejected": "why", commit it,\nthen')
    tell(f"  voirdire audit --rewrites {out} …")
