"""The options of every command that asks a judge about cases, declared once.

    @asking
    def gate(asked: Asking, out: Annotated[Path, typer.Option("--out")] = ...) -> int: ...

    @asking(without=("suite",), says={"seed": "Split of the cases."})
    def attack(asked: Asking, ...) -> int: ...

gives the command the options below beside its own; they come in as one `Asking`, checked. Not here: what a command
does.
"""

from __future__ import annotations

import asyncio
import copy
import dataclasses
import functools
import inspect
import sys
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from voirdire._plugins import load_plugins
from voirdire.cli.configured import judge_options, settings
from voirdire.cli.options import (
    address_shown,
    at_least,
    calls_at_once,
    in_range,
    minimise_on,
    param_shown,
    params_of,
    place_of,
    task_of,
)
from voirdire.harness.errors import UsageError
from voirdire.harness.finite import is_finite

if TYPE_CHECKING:
    from voirdire._compose import AuditRequest, Prepared
    from voirdire.harness.judges.base import Judge

__all__ = ["Asking", "asking", "confirm", "confirm_calls", "confirm_paid"]

#: more paid calls than this are confirmed first
CONFIRM_ABOVE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """Who is asked what, and how. Each field is an option; None leaves it to the command."""

    judge: Annotated[
        str | None,
        typer.Option("--judge", "-j", help="Judge spec, e.g. openai:gpt-5-mini, python:my.module:judge."),
    ] = None
    cases: Annotated[str | None, typer.Option("--cases", "-c", help="JSONL, CSV or Parquet file; - for stdin.")] = None
    suite: Annotated[str | None, typer.Option("--suite", "-s", help="Suite name or FILE.toml.")] = None
    probes: Annotated[
        list[str] | None, typer.Option("--probes", "-p", help="Only probes that match this glob; repeatable.")
    ] = None
    plugin: Annotated[
        list[str] | None, typer.Option("--plugin", help="FILE.py or module with probes of your own; repeatable.")
    ] = None
    rewrites: Annotated[
        Path | None, typer.Option("--rewrites", help="Paraphrases and the like: the file of `voirdire freeze`.")
    ] = None
    task: Annotated[str | None, typer.Option("--task", help="pairwise, score, grade or ranking.")] = None
    scale: Annotated[str | None, typer.Option("--scale", help="Range of a score judge, e.g. 1:10.")] = None
    prompt: Annotated[
        Path | None,
        typer.Option("--prompt", help="Your evaluator prompt: text with {{ instruction }}, {{ response_a }} …"),
    ] = None
    parse: Annotated[
        str | None, typer.Option("--parse", help="How to read the reply: auto, brackets, json, letter …")
    ] = None
    param: Annotated[
        list[str] | None,
        typer.Option("--param", help="k=v for the model (temperature=0, max_tokens=512 …); repeatable."),
    ] = None
    base_url: Annotated[
        str | None, typer.Option("--base-url", help="Any OpenAI-compatible endpoint, e.g. http://localhost:8000/v1.")
    ] = None
    utility: Annotated[
        str, typer.Option("--utility", help="verdict: what the judge decided; probability: how sure it was.")
    ] = "verdict"
    limit: Annotated[int | None, typer.Option("--limit", "-n", help="Only the first N cases.")] = None
    cases_id: Annotated[
        list[str] | None, typer.Option("--cases-id", help="Only the case with this id; repeatable.")
    ] = None
    samples: Annotated[int | None, typer.Option("--samples", help="Calls an arm gets per case and order.")] = None
    seed: Annotated[int, typer.Option("--seed", help="Noise of mock judges.")] = 0
    alpha: Annotated[float, typer.Option("--alpha", help="Error rate of all bias tests of the suite.")] = 0.05
    tolerance: Annotated[
        float | None, typer.Option("--tolerance", help="Largest effect that does not matter, in utility units.")
    ] = None
    max_calls: Annotated[int | None, typer.Option("--max-calls", help="Stop after N calls.")] = None
    max_cost: Annotated[float | None, typer.Option("--max-cost", help="Stop after USD.")] = None
    concurrency: Annotated[int, typer.Option("--concurrency", help="Calls at a time.")] = 16
    on: Annotated[
        str | None, typer.Option("--on", help="Where the judge answers: ray, ray:ADDRESS, batch. Default: here.")
    ] = None
    timeout: Annotated[float, typer.Option("--timeout", help="Seconds a call may take.")] = 60.0
    retries: Annotated[int, typer.Option("--retries", help="Tries after a call that failed.")] = 4
    cache: Annotated[
        str, typer.Option("--cache", help="Where answers are kept, so that a stopped run goes on; none: nowhere.")
    ] = ".voirdire/calls.sqlite"
    reuse_cache: Annotated[
        bool, typer.Option("--reuse-cache", help="Answer from calls of earlier runs where there are any.")
    ] = False
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before many paid calls.")] = False
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print the outcome only.")] = False
    no_color: Annotated[bool, typer.Option("--no-color", help="No colours (as NO_COLOR).")] = False

    def check(self) -> None:
        """Raises UsageError naming the option, its value and the fix."""
        in_range("--alpha", self.alpha, 0.0, 0.5)
        in_range("--tolerance", self.tolerance, 0.0, 1.0)
        at_least("--concurrency", self.concurrency, 1)
        at_least("--retries", self.retries, 0)
        at_least("--max-calls", self.max_calls, 1)
        at_least("--samples", self.samples, 1)
        at_least("--limit", self.limit, 1)
        if not (is_finite(self.timeout) and self.timeout > 0):
            raise UsageError(f"--timeout {self.timeout:g} is no time to answer", hint="Give a number of seconds.")
        if self.max_cost is not None and not (is_finite(self.max_cost) and self.max_cost > 0):
            raise UsageError(f"--max-cost {self.max_cost:g} is no amount to stop at", hint="Give US dollars above 0.")
        if self.utility not in ("verdict", "probability"):
            raise UsageError(f"--utility {self.utility!r} is neither verdict nor probability")

    def make_judge(
        self, spec: str | None = None, *, parameter: str = "judge", tell: Callable[[str], None] = lambda _line: None
    ) -> Judge:
        """The judge `spec`, which the command's parameter `parameter` names; default: --judge. `tell` hears what
        happens where --on has it answer. Raises UsageError."""
        from voirdire.harness.judges.spec import JudgeOptions, make_judge, parse_scale

        spec = self.judge if spec is None else spec
        if spec is None:
            raise UsageError("no judge is named", hint="Give --judge, e.g. --judge openai:gpt-5-mini.")
        options = JudgeOptions(
            task=task_of(self.task),
            scale=parse_scale(self.scale) if self.scale else None,
            prompt=str(self.prompt) if self.prompt else None,
            parse=self.parse,
            base_url=self.base_url,
            params=params_of(self.param or []),
            timeout=self.timeout,
            retries=self.retries,
            concurrency=self.concurrency,
            utility=self.utility,
            seed=self.seed,
            place=place_of(self.on, tell),
        )
        return make_judge(spec, judge_options(options, parameter))

    def words(self) -> tuple[str, ...]:
        """Option, value, ... of a command that asks the same judge, to stand in a report: without addresses' queries,
        which may hold a key, and without parameters that may hold anything. Of judges those with a name of their own
        in a configuration file; a spec may hold an address, and a report has it as the judge itself tells it."""
        told: list[tuple[str, str | None]] = [
            ("--judge", self.judge if self.judge is not None and ":" not in self.judge else None),
            ("--task", self.task),
            ("--scale", self.scale),
            ("--prompt", None if self.prompt is None else str(self.prompt)),
            ("--parse", self.parse),
            ("--base-url", None if self.base_url is None else address_shown(self.base_url)),
            *(("--param", param_shown(pair)) for pair in self.param or ()),
            ("--utility", None if self.utility == "verdict" else self.utility),
            ("--suite", self.suite if self.suite is not None and self.suite.endswith(".toml") else None),
            *(("--plugin", spec) for spec in self.plugin or ()),
            ("--rewrites", None if self.rewrites is None else str(self.rewrites)),
        ]
        return tuple(word for option, value in told if value is not None for word in (option, value))

    def request(self, *, suite: str, cases: str | None, samples: int | None) -> AuditRequest:
        """What is asked; `suite`, `cases` and `samples` with the command's own defaults filled in."""
        from voirdire._compose import AuditRequest
        from voirdire.harness.engine.runner import Limits

        return AuditRequest(
            cases=cases,
            suite=suite,
            probes=tuple(self.probes or ()),
            samples=samples,
            seed=self.seed,
            alpha=self.alpha,
            tolerance=self.tolerance,
            limit=self.limit,
            case_ids=tuple(self.cases_id or ()),
            limits=Limits(calls_at_once(place_of(self.on), self.concurrency), self.max_calls, self.max_cost),
            cache=None if self.cache == "none" else self.cache,
            rewrites=self.rewrites,
            options=self.words(),
            minimise=minimise_on(place_of(self.on), None),
            suite_source=settings().source("suite"),
        )


Command = Callable[..., int]


@typing.overload
def asking(command: Command) -> Command: ...
@typing.overload
def asking(*, without: Sequence[str] = (), says: Mapping[str, str] | None = None) -> Callable[[Command], Command]: ...
def asking(
    command: Command | None = None, *, without: Sequence[str] = (), says: Mapping[str, str] | None = None
) -> Command | Callable[[Command], Command]:
    """`command` with the options of `Asking`, which it gets as its first argument: --judge, --cases and --suite before
    its own, the others behind them. `without`: fields that are no options of this command and keep their defaults;
    `says`: help of its own for a field."""
    if command is None:
        return lambda command: _asking(command, without, says or {})
    return _asking(command, without, says or {})


def _asking(command: Command, without: Sequence[str], says: Mapping[str, str]) -> Command:
    hints = typing.get_type_hints(Asking, include_extras=True)
    shared = [
        inspect.Parameter(
            f.name, inspect.Parameter.KEYWORD_ONLY, default=f.default, annotation=_saying(hints[f.name], says, f.name)
        )
        for f in dataclasses.fields(Asking)
        if f.name not in without
    ]
    _, *own = inspect.signature(command, eval_str=True).parameters.values()

    @functools.wraps(command)
    def run(**values: Any) -> int:
        asked = Asking(**{p.name: values.pop(p.name) for p in shared})
        asked.check()
        load_plugins(asked.plugin or ())
        return command(asked, **values)

    first = [p for p in shared if p.name in ("judge", "cases", "suite")]
    own = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in own]
    parameters = [*first, *own, *(p for p in shared if p not in first)]
    run.__signature__ = inspect.Signature(parameters, return_annotation=int)  # type: ignore[attr-defined]
    run.__annotations__ = {p.name: p.annotation for p in parameters} | {"return": int}
    del run.__wrapped__  # or its signature would be read instead
    return run


def _saying(annotation: Any, says: Mapping[str, str], name: str) -> Any:
    """`annotation` of an option, with the command's own help where it has one."""
    if name not in says:
        return annotation
    kind, option = typing.get_args(annotation)
    option = copy.copy(option)
    option.help = says[name]
    return Annotated[kind, option]


def confirm(asked: Asking, judge: Judge, prepared: Prepared) -> None:
    """`confirm_paid`, unless --yes or a limit says enough."""
    if not asked.yes and asked.max_calls is None and asked.max_cost is None:
        confirm_paid(judge, prepared)


def confirm_paid(judge: Judge, prepared: Prepared) -> None:
    """`confirm_calls`, of a judge made of judges those that its members get at most."""
    from voirdire.harness.judges.wrappers.tally import tally

    if judge.paid:
        _, most = asyncio.run(tally(prepared.plan.calls, judge))
        # where the plan is that of a few of the cases, so many times as much
        times = len(prepared.cases) / len(prepared.plan.cases)
        confirm_calls(round(times * sum(len(asked.calls) for asked in most if asked.judge.paid)))


def confirm_calls(calls: int) -> None:
    """More than 500 calls that cost money need a yes. Raises UsageError where nobody is there to say it."""
    if calls <= CONFIRM_ABOVE:
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError(
            f"this would make up to {calls:,} paid calls", hint="Add --yes, --max-calls N or --max-cost USD."
        )
    typer.confirm(f"Make up to {calls:,} paid calls?", abort=True, err=True)
