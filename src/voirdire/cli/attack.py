"""`voirdire attack`: search for what sways a judge, test it on held-out cases, keep it as a suite."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from voirdire.cli.asking import Asking, asking, confirm_calls
from voirdire.cli.lines import tell_document
from voirdire.cli.options import at_least, default_judge, in_range, per_minute, place_of
from voirdire.harness.elsewhere.place import check_in_turn
from voirdire.harness.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from voirdire._attack import Progress
    from voirdire._attack_plan import Prepared
    from voirdire._flips import FlipRequest
    from voirdire.cli.terminal import Terminal
    from voirdire.harness.attacks import Attacked, Flips
    from voirdire.harness.judges.base import Judge
    from voirdire.harness.rewriters import Rewriter

__all__ = ["attack"]

#: the line of progress is redrawn at most this often
_REDRAW_SECONDS = 0.1


@asking(
    without=("suite", "probes", "plugin", "rewrites", "tolerance", "reuse_cache"),
    says={
        "judge": "The judge to attack.",
        "cases": "JSONL, CSV or Parquet file; - for stdin. Default: built-in cases.",
        "samples": "Calls an arm of the test gets per case and order.",
        "seed": "Split, search, and noise of mock judges.",
        "alpha": "Chance of a false find.",
        "max_calls": "Search and test together. Default: 4000.",
        "on": "Where the judges answer: ray, ray:ADDRESS. Default: here.",
    },
)
def attack(
    asked: Asking,
    target: Annotated[
        str | None, typer.Argument(metavar="JUDGE", help="Judge spec, e.g. openai:gpt-5-mini; or give --judge.")
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
    method: Annotated[
        str,
        typer.Option(
            "--method",
            help="racing (ours), greedy (as published), beam; with textattack installed genetic, pso, wir-random.",
        ),
    ] = "racing",
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
    rewriter: Annotated[
        str | None,
        typer.Option("--rewriter", help="A model that writes texts against the judge: openai:MODEL, python:module:f."),
    ] = None,
    streams: Annotated[int, typer.Option("--streams", help="With --rewriter: searches side by side.")] = 6,
    depth: Annotated[int, typer.Option("--depth", help="With --rewriter: steps of each stream.")] = 4,
    branches: Annotated[
        int, typer.Option("--branches", help="With --rewriter: tries of a step, the best go on (TAP). 1: PAIR.")
    ] = 1,
    save: Annotated[
        Path | None, typer.Option("--save", help="Write what was found to FILE.toml, a suite for audit and gate.")
    ] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="Report folder.")] = Path("voirdire-attack"),
    rate: Annotated[str | None, typer.Option("--rate", help="At most N/min calls (or N/s).")] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print an object (voirdire.attack/1, with --flips voirdire.flips/1).")
    ] = False,
) -> int:
    """Search for a phrase that sways your judge, and say whether it holds on cases the search never saw.

    For testing judges that you run or may test. What is found can be saved as a suite that gate and pytest hold.
    """
    from voirdire._attack_plan import DEFENCES, AttackRequest, listed, prepare_attack
    from voirdire.cli.terminal import Terminal
    from voirdire.harness.engine.runner import Limits
    from voirdire.perturbations.search.space import read_vocabulary
    from voirdire.reports.attack_files import attack_suite, write_attack
    from voirdire.reports.attack_text import attack_text, headline
    from voirdire.reports.writable import check_file, check_folder

    check_folder(out)
    check_file(save, "--save")
    if target is not None and asked.judge is not None:
        raise UsageError("two judges are named", hint="Attack one; others can be named with --transfer.")
    if asked.on is not None:
        check_in_turn(place_of(asked.on), asked.on)
    at_least("--samples", asked.samples, 1)
    at_least("--limit", asked.limit, 1)
    if save is not None and save.suffix != ".toml":
        raise UsageError(f"--save {save} is no suite file", hint="Suites are found by their ending: FILE.toml.")
    terminal = Terminal(quiet=asked.quiet, no_color=asked.no_color)
    in_range("--max-bits", max_bits, 0.0, 64.0)
    limits = Limits(
        asked.concurrency, None, asked.max_cost, rate=per_minute("--rate", rate), reasks=4 if asked.retries else 0
    )
    limited = asked.yes or asked.max_calls is not None or asked.max_cost is not None
    cache = None if asked.cache == "none" else asked.cache
    if rewriter is not None and flips:
        raise UsageError("--rewriter writes texts for all answers, not flips", hint="Leave out --flips or --rewriter.")
    if recipe is not None and not flips:
        raise UsageError(f"--recipe {recipe} searches for flips", hint="Add --flips.")
    named = next((spec for spec in (asked.judge, target) if spec is not None), None)
    attacked = asked.make_judge(
        default_judge(terminal) if named is None else named, parameter="target" if asked.judge is None else "judge"
    )
    if flips:
        from voirdire._flips import FlipRequest

        wanted = FlipRequest(
            cases=asked.cases,
            kinds=listed(edits),  # type: ignore[arg-type]  # checked by prepare_flips
            mask=mask,  # type: ignore[arg-type]
            recipe=recipe,
            max_calls=asked.max_calls or FlipRequest().max_calls,
            seed=asked.seed,
            limit=asked.limit,
            case_ids=tuple(asked.cases_id or ()),
            limits=limits,
            cache=cache,
        )
        return _flip(attacked, wanted, _Into(out, save, as_json), terminal, limited=limited)
    others = [asked.make_judge(spec, parameter="transfer") for spec in transfer or ()]
    request = AttackRequest(
        cases=asked.cases,
        words=words,
        position=position,  # type: ignore[arg-type]  # checked by prepare_attack
        mode=mode,  # type: ignore[arg-type]
        method=method,  # type: ignore[arg-type]
        vocabulary=read_vocabulary(vocabulary) if vocabulary is not None else None,
        forbid=tuple(forbid or ()),
        max_bits=max_bits,
        train=train,
        max_calls=asked.max_calls or AttackRequest().max_calls,
        samples=asked.samples or 1,
        seed=asked.seed,
        alpha=asked.alpha,
        limit=asked.limit,
        case_ids=tuple(asked.cases_id or ()),
        families=listed(families),
        streams=streams,
        depth=depth,
        branches=branches,
        defences=DEFENCES if defences is None else listed(defences),
        limits=limits,
        cache=cache,
    )
    writer = _writer(asked, rewriter) if rewriter is not None else None
    prepared = prepare_attack(attacked, request, others, rewriter=writer is not None)
    _plan(terminal, attacked, prepared, writer)
    paid = request.max_calls if any(j.paid for j in (attacked, *others)) else 0
    if writer is not None and writer.paid:
        paid += streams * depth * branches
    if not limited:
        confirm_calls(paid)
    words_of = _Words(write_attack, attack_suite, headline, attack_text, "attack.md")
    return _finish(_run(attacked, others, prepared, terminal, writer), words_of, _Into(out, save, as_json), terminal)


def _writer(asked: Asking, spec: str) -> Rewriter:
    """The model of --rewriter, asked from here; --base-url and --param are the judge's. Raises UsageError."""
    from voirdire.cli.configured import judge_options
    from voirdire.harness.judges.spec import JudgeOptions
    from voirdire.harness.rewriters import make_rewriter

    options = JudgeOptions(timeout=asked.timeout, retries=asked.retries, concurrency=asked.concurrency)
    return make_rewriter(spec, judge_options(options, "rewriter"))


def _plan(terminal: Terminal, judge: Judge, prepared: Prepared, writer: Rewriter | None) -> None:
    if terminal.quiet:
        return
    from voirdire import __version__

    request, space = prepared.request, prepared.space
    terminal.note(f"voirdire {__version__} · attack on {judge.spec}")
    if "phrase" in request.families:
        words = f"phrases of up to {space.max_words} of {len(space.vocabulary):,} words"
        terminal.note(f"{request.method} search · {words}")
    terminal.note(f"{len(prepared.training):,} cases for the search, {len(prepared.held_out):,} held out for the test")
    terminal.note(f"at most {prepared.search_budget:,} calls for the search, {prepared.testing:,} for the test")
    if writer is not None:
        shape = f"{request.streams} streams of {request.depth} steps"
        most = request.streams * request.depth * request.branches
        terminal.note(f"at most {most:,} calls of {writer.name}, which writes: {shape}")


def _flip(judge: Judge, request: FlipRequest, into: _Into, terminal: Terminal, *, limited: bool) -> int:
    """The search for flips, from plan to report."""
    from voirdire import __version__
    from voirdire._flips import flips_async, prepare_flips
    from voirdire.reports.flips_text import flips_headline, flips_suite, flips_text, write_flips

    prepared = prepare_flips(judge, request)
    if not terminal.quiet:
        terminal.note(f"voirdire {__version__} · smallest flips of {judge.spec}")
        terminal.note(f"{len(prepared.cases):,} cases, at most {request.max_calls:,} calls")
    if not limited and judge.paid:
        confirm_calls(request.max_calls)
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


def _run(
    judge: Judge, others: list[Judge], prepared: Prepared, terminal: Terminal, writer: Rewriter | None
) -> Attacked:
    from voirdire._attack import attack_async

    with _progress(terminal) as (tell, emit):
        return asyncio.run(attack_async(judge, prepared, others=others, rewriter=writer, tell=tell, emit=emit))


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

        tell_document(document_text(result, ascii=not knows_unicode(terminal.out.encoding)))
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
