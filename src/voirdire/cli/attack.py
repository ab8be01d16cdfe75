"""`voirdire attack`: search for what sways a judge, test it on held-out cases, keep it as a suite."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from voirdire.cli.asking import CONFIRM_ABOVE, Asking
from voirdire.cli.options import at_least, default_judge, in_range, per_minute
from voirdire.harness.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from voirdire._attack import Progress
    from voirdire._attack_plan import Prepared
    from voirdire._flips import FlipRequest
    from voirdire.cli.terminal import Terminal
    from voirdire.harness.attacks import Attacked, Flips
    from voirdire.harness.judges.base import Judge

__all__ = ["attack"]

#: the line of progress is redrawn at most this often
_REDRAW_SECONDS = 0.1


def attack(
    target: Annotated[
        str | None, typer.Argument(metavar="JUDGE", help="Judge spec, e.g. openai:gpt-5-mini; or give --judge.")
    ] = None,
    judge: Annotated[str | None, typer.Option("--judge", "-j", help="The judge to attack.")] = None,
    cases: Annotated[
        str | None,
        typer.Option("--cases", "-c", help="JSONL, CSV or Parquet file; - for stdin. Default: built-in cases."),
    ] = None,
    words: Annotated[int, typer.Option("--words", help="Longest phrase.")] = 4,
    position: Annotated[
        str, typer.Option("--position", help="Where the phrase goes: end, start, below, alone (in the answer's place).")
    ] = "end",
    mode: Annotated[
        str, typer.Option("--mode", help="Where the attacked answer is shown: both, first, second slot.")
    ] = "both",
    families: Annotated[
        str,
        typer.Option(
            "--families", help="What is tried: phrase,structure and injection,phrases,authority,social,tone,format …"
        ),
    ] = "phrase,structure",
    method: Annotated[str, typer.Option("--method", help="racing (ours), greedy (as published) or beam.")] = "racing",
    vocabulary: Annotated[
        Path | None, typer.Option("--vocabulary", help="File with a word a line. Default: about 190 built-in words.")
    ] = None,
    forbid: Annotated[list[str] | None, typer.Option("--forbid", help="Not this word; repeatable.")] = None,
    max_bits: Annotated[
        float | None,
        typer.Option("--max-bits", help="No phrase more surprising than this, in bits a character (perplexity)."),
    ] = None,
    transfer: Annotated[
        list[str] | None, typer.Option("--transfer", help="Try what was found on this judge too; repeatable.")
    ] = None,
    defences: Annotated[
        str | None, typer.Option("--defences", help="Defences to try it behind, e.g. neutralise,sandwich; or none.")
    ] = None,
    train: Annotated[float, typer.Option("--train", help="Share of the questions that train the search.")] = 0.3,
    flips: Annotated[
        bool, typer.Option("--flips", help="Search the smallest edit of each answer that flips its verdict instead.")
    ] = False,
    edits: Annotated[str, typer.Option("--edits", help="With --flips: typos,synonyms.")] = "typos,synonyms",
    mask: Annotated[str, typer.Option("--mask", help="With --flips: rank words by unk or delete.")] = "unk",
    recipe: Annotated[
        str | None,
        typer.Option("--recipe", help="With --flips: textattack's deepwordbug, pwws, pruthi, checklist …"),
    ] = None,
    save: Annotated[
        Path | None, typer.Option("--save", help="Write what was found to FILE.toml, a suite for audit and gate.")
    ] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="Report folder.")] = Path("voirdire-attack"),
    task: Annotated[str | None, typer.Option("--task", help="pairwise, score, grade or ranking.")] = None,
    scale: Annotated[str | None, typer.Option("--scale", help="Range of a score judge, e.g. 1:10.")] = None,
    prompt: Annotated[Path | None, typer.Option("--prompt", help="Your evaluator prompt.")] = None,
    parse: Annotated[str | None, typer.Option("--parse", help="How to read the reply.")] = None,
    param: Annotated[list[str] | None, typer.Option("--param", help="k=v for the model; repeatable.")] = None,
    base_url: Annotated[str | None, typer.Option("--base-url", help="Any OpenAI-compatible endpoint.")] = None,
    utility: Annotated[
        str, typer.Option("--utility", help="verdict: what the judge decided; probability: how sure it was.")
    ] = "verdict",
    limit: Annotated[int | None, typer.Option("--limit", "-n", help="Only the first N cases.")] = None,
    cases_id: Annotated[
        list[str] | None, typer.Option("--cases-id", help="Only the case with this id; repeatable.")
    ] = None,
    samples: Annotated[int, typer.Option("--samples", help="Calls an arm of the test gets per case and order.")] = 1,
    seed: Annotated[int, typer.Option("--seed", help="Split, search, and noise of mock judges.")] = 0,
    alpha: Annotated[float, typer.Option("--alpha", help="Chance of a false find.")] = 0.05,
    max_calls: Annotated[
        int | None, typer.Option("--max-calls", help="Search and test together. Default: 4000.")
    ] = None,
    max_cost: Annotated[float | None, typer.Option("--max-cost", help="Stop after USD.")] = None,
    rate: Annotated[str | None, typer.Option("--rate", help="At most N/min calls (or N/s).")] = None,
    concurrency: Annotated[int, typer.Option("--concurrency", help="Calls at a time.")] = 16,
    timeout: Annotated[float, typer.Option("--timeout", help="Seconds a call may take.")] = 60.0,
    retries: Annotated[int, typer.Option("--retries", help="Tries after a call that failed.")] = 4,
    cache: Annotated[
        str, typer.Option("--cache", help="Where answers are kept, so that a stopped run goes on; none: nowhere.")
    ] = ".voirdire/calls.sqlite",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before many paid calls.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print an object (voirdire.attack/1, with --flips voirdire.flips/1).")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print the outcome only.")] = False,
    no_color: Annotated[bool, typer.Option("--no-color", help="No colours (as NO_COLOR).")] = False,
) -> int:
    """Search for a phrase that sways your judge, and say whether it holds on cases the search never saw.

    For testing judges that you run or may test. What is found can be saved as a suite that gate and pytest hold.
    """
    from voirdire._attack_plan import DEFENCES, AttackRequest, prepare_attack
    from voirdire.cli.terminal import Terminal
    from voirdire.harness.engine.runner import Limits
    from voirdire.perturbations.search.space import read_vocabulary
    from voirdire.reports.attack_files import attack_suite, write_attack
    from voirdire.reports.attack_text import attack_text, headline

    if target is not None and judge is not None:
        raise UsageError("two judges are named", hint="Attack one; others can be named with --transfer.")
    at_least("--samples", samples, 1)
    at_least("--limit", limit, 1)
    if save is not None and save.suffix != ".toml":
        raise UsageError(f"--save {save} is no suite file", hint="Suites are found by their ending: FILE.toml.")
    terminal = Terminal(quiet=quiet, no_color=no_color)
    asked = Asking(
        judge=judge or target,
        task=task,
        scale=scale,
        prompt=prompt,
        parse=parse,
        param=param,
        base_url=base_url,
        utility=utility,
        seed=seed,
        alpha=alpha,
        max_calls=max_calls,
        max_cost=max_cost,
        concurrency=concurrency,
        timeout=timeout,
        retries=retries,
        yes=yes,
    )
    asked.check()
    in_range("--max-bits", max_bits, 0.0, 64.0)
    limits = Limits(concurrency, None, max_cost, rate=per_minute("--rate", rate), reasks=4 if retries else 0)
    if recipe is not None and not flips:
        raise UsageError(f"--recipe {recipe} searches for flips", hint="Add --flips.")
    attacked = asked.make_judge(asked.judge or default_judge(terminal), parameter="judge" if judge else "target")
    if flips:
        from voirdire._flips import FlipRequest

        wanted = FlipRequest(
            cases=cases,
            kinds=_names(edits),  # type: ignore[arg-type]  # checked by prepare_flips
            mask=mask,  # type: ignore[arg-type]
            recipe=recipe,
            max_calls=max_calls if max_calls is not None else FlipRequest().max_calls,
            seed=seed,
            limit=limit,
            case_ids=tuple(cases_id or ()),
            limits=limits,
            cache=None if cache == "none" else cache,
        )
        limited = yes or max_calls is not None or max_cost is not None
        return _flip(attacked, wanted, _Into(out, save, as_json), terminal, limited=limited)
    others = [asked.make_judge(spec, parameter="transfer") for spec in transfer or ()]
    request = AttackRequest(
        cases=cases,
        words=words,
        position=position,  # type: ignore[arg-type]  # checked by prepare_attack
        mode=mode,  # type: ignore[arg-type]
        method=method,  # type: ignore[arg-type]
        vocabulary=read_vocabulary(vocabulary) if vocabulary is not None else None,
        forbid=tuple(forbid or ()),
        max_bits=max_bits,
        train=train,
        max_calls=max_calls if max_calls is not None else AttackRequest().max_calls,
        samples=samples,
        seed=seed,
        alpha=alpha,
        limit=limit,
        case_ids=tuple(cases_id or ()),
        families=_names(families),
        defences=DEFENCES if defences is None else _names(defences),
        limits=limits,
        cache=None if cache == "none" else cache,
    )
    prepared = prepare_attack(attacked, request, others)
    _plan(terminal, attacked, prepared)
    _confirm([attacked, *others], request.max_calls, limited=yes or max_calls is not None or max_cost is not None)
    words_of = _Words(write_attack, attack_suite, headline, attack_text, "attack.md")
    return _finish(_run(attacked, others, prepared, terminal), words_of, _Into(out, save, as_json), terminal)


def _names(text: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(n.strip() for n in text.split(",") if n.strip()))
    return () if names == ("none",) else names


def _plan(terminal: Terminal, judge: Judge, prepared: Prepared) -> None:
    if terminal.quiet:
        return
    from voirdire import __version__

    request, space = prepared.request, prepared.space
    terminal.note(f"voirdire {__version__} · attack on {judge.spec}")
    terminal.note(f"{request.method} search · phrases of up to {space.max_words} of {len(space.vocabulary):,} words")
    terminal.note(f"{len(prepared.training):,} cases for the search, {len(prepared.held_out):,} held out for the test")
    terminal.note(f"at most {prepared.search_budget:,} calls for the search, {prepared.testing:,} for the test")


def _confirm(judges: list[Judge], calls: int, *, limited: bool) -> None:
    """More than 500 paid calls need a yes: from the user, from --yes, or from a limit."""
    if not any(j.paid for j in judges) or calls <= CONFIRM_ABOVE or limited:
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError(
            f"this would make up to {calls:,} paid calls", hint="Add --yes, --max-calls N or --max-cost USD."
        )
    typer.confirm(f"Make up to {calls:,} paid calls?", abort=True, err=True)


def _flip(judge: Judge, request: FlipRequest, into: _Into, terminal: Terminal, *, limited: bool) -> int:
    """The search for flips, from plan to report."""
    from voirdire import __version__
    from voirdire._flips import flips_async, prepare_flips
    from voirdire.reports.flips_text import flips_headline, flips_suite, flips_text, write_flips

    prepared = prepare_flips(judge, request)
    if not terminal.quiet:
        terminal.note(f"voirdire {__version__} · smallest flips of {judge.spec}")
        terminal.note(f"{len(prepared.cases):,} cases, at most {request.max_calls:,} calls")
    _confirm([judge], request.max_calls, limited=limited)
    with _progress(terminal) as (tell, _):
        result = asyncio.run(flips_async(judge, prepared, tell=tell))
    words = _Words(write_flips, flips_suite, flips_headline, flips_text, "flips.md")
    return _finish(result, words, into, terminal)


def _saved(save: Path | None, suite: str | None, terminal: Terminal) -> str | None:
    """Write what was found to --save; its path, or None where there was nothing."""
    if save is None:
        return None
    if suite is None:
        terminal.note(f"Nothing was found, so {save} was not written.")
        return None
    try:
        save.parent.mkdir(parents=True, exist_ok=True)
        save.write_text(suite, encoding="utf-8", newline="\n")
    except OSError as error:
        raise UsageError(f"--save {save} cannot be written ({error.strerror or error})") from None
    return str(save)


def _run(judge: Judge, others: list[Judge], prepared: Prepared, terminal: Terminal) -> Attacked:
    from voirdire._attack import attack_async

    with _progress(terminal) as (tell, emit):
        return asyncio.run(attack_async(judge, prepared, others=others, tell=tell, emit=emit))


@contextlib.contextmanager
def _progress(terminal: Terminal) -> Iterator[tuple[Callable[[Progress], None], Callable[[Any], None]]]:
    """One line on a terminal that says what is going on: phase, calls, the best phrase so far."""
    if terminal.quiet or not terminal.err.is_terminal:
        yield (lambda _progress: None), (lambda _event: None)
        return
    from voirdire.harness.engine.events import CallFinished, RunPaused
    from voirdire.reports.text import one_line

    state: dict[str, Any] = {"phase": "starting", "calls": 0, "budget": 0, "best": None, "drawn": 0.0}
    with terminal.err.status("starting") as status:

        def draw(*, now: bool = False) -> None:
            if not now and time.monotonic() - state["drawn"] < _REDRAW_SECONDS:
                return
            state["drawn"] = time.monotonic()
            best = f' · best so far "{one_line(state["best"], 40)}"' if state["best"] else ""
            from rich.text import Text

            status.update(Text(f"{state['phase']} · {state['calls']:,}/{state['budget']:,} calls{best}"))

        def tell(progress: Progress) -> None:
            state.update(phase=progress.phase, calls=progress.used, budget=progress.budget, best=progress.best)
            draw(now=True)

        def emit(event: Any) -> None:
            if isinstance(event, CallFinished):
                state["calls"] += 1
                draw()
            elif isinstance(event, RunPaused):
                terminal.note(f"judge not answering, next try in {event.seconds:.0f} s")

        yield tell, emit


class _Words(NamedTuple):
    """The reports of one kind of result: files in a folder, the suite file, a sentence, the whole text; `page` is the
    file that people read."""

    write: Callable[[Any, Path], dict[str, Path]]
    suite: Callable[[Any], str | None]
    headline: Callable[[Any], str]
    text: Callable[..., str]
    page: str


class _Into(NamedTuple):
    """Where a result goes: the report's folder, the suite file of --save, an object on standard output (--json)."""

    out: Path
    save: Path | None
    as_json: bool


def _finish(result: Attacked | Flips, words: _Words, into: _Into, terminal: Terminal) -> int:
    """Write and print what came out; the exit code."""
    answered = result.calls.made > result.calls.errors or result.calls.cached > 0
    files = words.write(result, into.out) if answered else {}
    saved = _saved(into.save, words.suite(result), terminal)
    if into.as_json:
        from voirdire.reports.attack_schema import document_text
        from voirdire.reports.terminal import knows_unicode

        print(document_text(result, ascii=not knows_unicode(terminal.out.encoding)), end="")
    if result.stopped == "judge" and not answered:
        terminal.note(result.reason or "the judge gave no verdict")
    elif not into.as_json and terminal.quiet:
        terminal.page(words.headline(result) + "\n")
    elif not into.as_json:
        terminal.page(words.text(result, saved=saved, report=str(files[words.page]) if files else None))
    return _code(result)


def _code(result: Attacked | Flips) -> int:
    if result.stopped == "interrupted":
        return ExitCode.INTERRUPTED
    if result.stopped == "judge":
        return result.failure if result.failure is not None else ExitCode.JUDGE
    return ExitCode.BUDGET if result.stopped == "budget" else ExitCode.OK
