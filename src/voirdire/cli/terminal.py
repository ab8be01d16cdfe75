"""What a terminal shows while an audit runs: the plan, the progress, the result. It only reads events.

Progress goes to standard error and only if that is a terminal, so that a pipe or a CI log stays clean.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from voirdire.cli.lines import say
from voirdire.harness.engine.events import CallFinished, Event, RunAnew, RunFinished, RunPaused, RunStarted

if TYPE_CHECKING:
    from rich.console import Console

    from voirdire._compose import AuditResult, Prepared
    from voirdire.harness.findings import Audit
    from voirdire.harness.judges.base import Judge

__all__ = ["Terminal"]

#: the bar is redrawn at most this often: redrawing costs more than a mock's call
REDRAW_SECONDS = 0.1


class Terminal:
    """Prints; decides nothing."""

    def __init__(self, *, quiet: bool = False, no_color: bool = False) -> None:
        from rich.console import Console

        plain = no_color or bool(os.environ.get("NO_COLOR"))
        self.quiet = quiet
        self.out = Console(no_color=plain, highlight=False, soft_wrap=False)
        self.err: Console = Console(stderr=True, no_color=plain, highlight=False)

    def page(self, text: str) -> None:
        """A whole rendered page that ends in a newline, on standard output, whatever its encoding."""
        from voirdire.reports.inert import quiet_lines
        from voirdire.reports.terminal import for_encoding

        self.out.print(for_encoding(quiet_lines(text), self.out.encoding), markup=False, end="", soft_wrap=True)

    def note(self, text: str) -> None:
        """Plain lines that a reader must not miss."""
        from voirdire.reports.inert import quiet_lines

        self.err.print(quiet_lines(text), markup=False)

    def plan(self, judge: Judge, prepared: Prepared) -> None:
        """What is about to happen, before anything is spent."""
        if self.quiet:
            return
        from voirdire import __version__
        from voirdire._examples import default_budget
        from voirdire.harness.casefiles import BUILTIN

        plan = prepared.plan
        self.note(f"voirdire {__version__} · judge {judge.spec}")
        where = "built-in cases" if prepared.cases_path == BUILTIN else "cases"
        seed = f" · seed {prepared.request.seed}" if prepared.request.seed else ""
        self.note(f"suite {prepared.suite.name} · {plan.task} · {len(prepared.cases):,} {where}{seed}")
        note = ""
        if judge.deterministic and prepared.blocks is None:
            repeats = len(plan.calls) - len({c.content for c in plan.calls})
            note = f", {repeats:,} of them repeats of a deterministic judge, which are not asked" if repeats else ""
        most = "at most " if prepared.request.mode != "fixed" else "about " if prepared.blocks is not None else ""
        self.note(f"{most}{prepared.calls:,} calls planned{note}")
        given = prepared.request.minimise
        more = default_budget(prepared.calls) if given is None else given
        if more:
            self.note(f"at most {more:,} more to make counter-examples small")
        for note in prepared.notes:
            self.note(note)

    @contextlib.contextmanager
    def progress(self) -> Iterator[Callable[[Event], None]]:
        """Yields the function that takes the engine's events."""
        if self.quiet or not self.err.is_terminal:
            yield self._say_anew
            return
        from rich.progress import BarColumn, Progress, TextColumn

        bar = Progress(
            TextColumn("judging"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[figures]}"),
            console=self.err,
            transient=True,
            auto_refresh=False,
        )
        reader = _Reader(bar)
        with bar:
            yield reader

    def _say_anew(self, event: Event) -> None:
        """Of a run without a bar only what costs money is told."""
        if isinstance(event, RunAnew):
            self.note(event.reason)

    def unreachable(self, result: AuditResult) -> None:
        """Why there is no verdict."""
        said = next((v.reason for v in result.run.verdicts if v is not None and v.reason), None)
        say(result.run.reason or said or "no call gave a verdict")
        made, errors = result.run.made, result.run.errors
        # a limit that was reached says why the run stopped, not why no call succeeded
        if result.run.stopped == "budget" and errors and said:
            say(f"The calls failed: {said}")
        say(f"{made:,} calls were made, {errors:,} failed. Answers received are kept; run the same command to go on.")

    def done(self, audit: Audit, files: dict[str, Path]) -> None:
        """The result, the report's path and the next step."""
        page = next((files[n] for n in ("index.html", "audit.md") if n in files), None)
        # tables are nothing to open and read: the folder is named, with what was written there
        report = page or next((file.parent for file in files.values()), None)
        if self.quiet:
            from voirdire.reports.words import headline

            self.out.print(headline(audit), markup=False)
            return
        from voirdire.reports.terminal import render

        render(audit, self.out, report_path=str(report) if report else None)


class _Reader:
    """Counts events and redraws at most ten times a second."""

    def __init__(self, bar: object) -> None:
        from rich.progress import Progress

        assert isinstance(bar, Progress)
        self.bar = bar
        self.task = bar.add_task("judging", total=None, figures="")
        self.total = self.done = self.live = self.nulls = self.errors = 0
        self.cost: float | None = 0.0
        self.started = self.drawn = time.monotonic()

    def __call__(self, event: Event) -> None:
        if isinstance(event, RunAnew):
            self.bar.console.print(event.reason, markup=False)
        elif isinstance(event, RunStarted):
            self.total, self.done = event.planned, event.cached
            self.started = time.monotonic()
            self._draw()
        elif isinstance(event, CallFinished):
            self.done += 1
            self.live += 1
            verdict = event.verdict
            self.errors += verdict.null == "error"
            self.nulls += verdict.null in ("unparsed", "refused")
            cost = verdict.usage.cost_usd if verdict.usage is not None else None
            self.cost = self.cost + cost if self.cost is not None and cost is not None else None
            if time.monotonic() - self.drawn >= REDRAW_SECONDS:
                self._draw()
        elif isinstance(event, RunPaused):
            self.bar.console.print(f"judge not answering, next try in {event.seconds:.0f} s", markup=False)
        elif isinstance(event, RunFinished):
            self._draw()

    def _draw(self) -> None:
        self.drawn = time.monotonic()
        rate = self.live / max(self.drawn - self.started, 1e-9)
        parts = [f"{self.done:,}/{self.total:,}"]
        if self.live:
            parts.append(f"{rate:.0f}/s" if rate >= 10 else f"{rate:.1f}/s")
            if self.cost:
                parts.append(f"${self.cost:.2f}")
            left = int((self.total - self.done) / rate)
            parts.append(f"{left // 3600}:{left // 60 % 60:02}:{left % 60:02} left" if left >= 3600
                         else f"{left // 60}:{left % 60:02} left")  # fmt: skip
        if self.nulls:
            parts.append(f"{self.nulls} nulls")
        if self.errors:
            parts.append(f"{self.errors} errors")
        self.bar.update(self.task, total=self.total, completed=self.done, figures=" · ".join(parts))
        self.bar.refresh()
