"""Freezing rewrites: which answers are rewritten, asking for each once, and the file that people then review.

A line is written as soon as its text has come, so that a run which is stopped or killed loses nothing it paid for; the
same command goes on where it stopped. At the end the file is put into the order of the cases, so that a later run makes
a small diff. Not here: asking (harness/rewriters.py), what a rewrite must keep (perturbations/rewritten.py).
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Literal

from voirdire.harness.casefiles import BUILTIN, check_task, read_cases
from voirdire.harness.cases import Case, Task
from voirdire.harness.errors import JudgeError, JudgeFault, JudgeUnreachable, NotApplicable, UsageError
from voirdire.harness.probes import Probe
from voirdire.harness.rewriters import Request, Rewriter, Rewritten
from voirdire.harness.targets import targets_of
from voirdire.perturbations.rewritten import REWRITES, SCHEMA, FrozenRewrite, Rewrites, prompt_of, source_hash
from voirdire.reports.examples import dumps
from voirdire.suites.builtin_cases import builtin_cases, for_task
from voirdire.suites.loading import match_probes

__all__ = ["Frozen", "Todo", "cases_for", "freeze", "plan_freeze", "rewrite_probes"]

#: tries for one text: a second one where the first came back unusable
TRIES = 2
#: failures in a row after which the rewriter counts as down
DOWN_AFTER = 8

Stopped = Literal["budget", "rewriter"]


@dataclass(frozen=True, slots=True)
class Todo:
    """One text to be rewritten."""

    rewrite: str
    case: Case
    target: int

    @property
    def key(self) -> tuple[str, str]:
        return self.rewrite, source_hash(self.case, self.target)

    @property
    def place(self) -> tuple[str, str, int]:
        return self.rewrite, self.case.id, self.target


@dataclass(slots=True)
class Frozen:
    """What a run did. `rejected`: texts that came back unusable, by reason; `error`: the last call that failed."""

    planned: int
    kept: int
    written: int = 0
    calls: int = 0
    rejected: dict[str, int] = field(default_factory=dict)
    failed: int = 0
    stopped: Stopped | None = None
    error: JudgeError | None = None


def rewrite_probes(globs: Sequence[str]) -> list[Probe]:
    """The probes among `globs` whose texts are rewritten; of all of them if there are no globs. Raises UsageError."""
    found = [p for p in match_probes(globs or sorted(REWRITES)) if p.perturbation in REWRITES]
    if not found:
        raise UsageError(
            f"{', '.join(globs)}: no such probe needs a rewriter", hint=f"These do: {', '.join(sorted(REWRITES))}."
        )
    return found


def cases_for(source: str | None, task: Task | None = None, limit: int | None = None) -> tuple[list[Case], Task]:
    """The cases of a file (None: the built-in ones) and the task of judges of them, by the number of responses.

    As in an audit, a task that judges one response at a time takes each response of a pair by itself. Raises
    UsageError.
    """
    cases = builtin_cases("pairwise") if source is None else read_cases(source)
    if not cases:
        raise UsageError(f"{source} holds no cases")
    if task is None:
        n = max(len(c.responses) for c in cases)
        task = "score" if n == 1 else "pairwise" if n == 2 else "ranking"
    if task in ("score", "grade") and all(len(c.responses) > 1 for c in cases):
        cases = for_task(cases, task)
    cases = list(cases)[:limit]
    check_task(cases, task, path=source or BUILTIN)
    return cases, task


def plan_freeze(probes: Iterable[Probe], cases: Sequence[Case], task: Task) -> list[Todo]:
    """Every text that an audit of `task` with `probes` would want rewritten, each once, case by case."""
    probes = list(probes)
    found: dict[tuple[str, str], Todo] = {}
    for case in cases:
        for probe in probes:
            for target in _targets(case, probe, task):
                todo = Todo(probe.perturbation or probe.name, case, target)
                if case.responses[target].strip():
                    found.setdefault(todo.key, todo)
    return list(found.values())


def _targets(case: Case, probe: Probe, task: Task) -> list[int]:
    if task not in probe.tasks:
        return []
    try:
        return targets_of(case, probe, task)
    except NotApplicable:
        return []


async def freeze(
    rewriter: Rewriter,
    todo: Sequence[Todo],
    out: Path,
    *,
    concurrency: int = 8,
    max_calls: int | None = None,
    tell: Callable[[Frozen], None] = lambda _frozen: None,
) -> Frozen:
    """Ask `rewriter` for every text of `todo` that `out` does not hold yet, and write them there. Closes the rewriter.

    Also where it is stopped or interrupted, `out` holds all that came. Texts already there are kept, whatever prompt
    they came from: people have reviewed them. Raises UsageError if `out` cannot be used.
    """
    known = Rewrites.read(out, torn=True) if out.exists() else Rewrites()
    missing = [t for t in todo if known.get(t.rewrite, t.case, t.target) is None]
    state = _Run(rewriter, Frozen(len(todo), len(todo) - len(missing)), max_calls, tell)
    entries = list(known)
    try:
        _write_all(out, entries)
        with _appending(out) as file:
            state.file, state.entries = file, entries
            workers = max(1, min(concurrency, rewriter.concurrency or concurrency, len(missing)))
            queue = iter(missing)
            async with asyncio.TaskGroup() as group:
                for _ in range(workers):
                    group.create_task(state.work(queue))
    except OSError as error:
        raise UsageError(
            f"{out} cannot be written ({error.strerror or error})", hint="Name another with --out."
        ) from None
    finally:
        if out.exists():
            _write_all(out, _in_order(entries, todo))
        await rewriter.aclose()
    return state.done


class _Run:
    """The state that the workers share."""

    def __init__(self, rewriter: Rewriter, done: Frozen, max_calls: int | None, tell: Callable[[Frozen], None]) -> None:
        self.rewriter = rewriter
        self.done = done
        self.max_calls = max_calls
        self.tell = tell
        self.file: IO[str] | None = None
        self.entries: list[FrozenRewrite] = []
        self.failures = 0

    async def work(self, queue: Iterator[Todo]) -> None:
        for todo in queue:
            if self.done.stopped is not None:
                return
            await self._one(todo)

    async def _one(self, todo: Todo) -> None:
        """Rewrite one text, with a second try where the first will not do, and keep what came."""
        answer: Rewritten | None = None
        for sample in range(TRIES):
            if not self._may_ask():
                break
            request = Request(
                todo.rewrite, todo.case.responses[todo.target], todo.case.instruction_text, prompt_of(todo.rewrite)
            )
            try:
                found = await self.rewriter.rewrite(request, sample=sample)
            except JudgeError as error:
                self._failed(error)
                break
            self.failures = 0
            fault = found.fault or REWRITES[todo.rewrite].fault(request.text, found.text)
            answer = replace(found, fault=fault)
            if fault is None:
                break
        if answer is not None:
            self._keep(todo, answer)
        self.tell(self.done)

    def _may_ask(self) -> bool:
        if self.max_calls is not None and self.done.calls >= self.max_calls:
            self.done.stopped = self.done.stopped or "budget"
        if self.done.stopped is not None:
            return False
        self.done.calls += 1
        return True

    def _failed(self, error: JudgeError) -> None:
        self.failures += 1
        self.done.failed += 1
        self.done.error = error
        if isinstance(error, (JudgeUnreachable, JudgeFault)) or self.failures >= DOWN_AFTER:
            self.done.stopped = "rewriter"

    def _keep(self, todo: Todo, answer: Rewritten) -> None:
        """An unusable text is kept too, marked: it was paid for, and a reviewer may mend it."""
        entry = FrozenRewrite(
            rewrite=todo.rewrite,
            case=todo.case.id,
            target=todo.target,
            source=source_hash(todo.case, todo.target),
            text=answer.text,
            rewriter=self.rewriter.name,
            prompt=self.rewriter.prompt_hash(prompt_of(todo.rewrite)),
            model=answer.served_model,
            rejected=answer.fault,
        )
        self.entries.append(entry)
        if self.file is not None:
            self.file.write(dumps(entry.to_json()) + "\n")
            self.file.flush()
        if answer.fault is None:
            self.done.written += 1
        else:
            self.done.rejected[answer.fault] = self.done.rejected.get(answer.fault, 0) + 1


def _appending(out: Path) -> IO[str]:
    return out.open("a", encoding="utf-8", newline="\n")


def _write_all(out: Path, entries: Iterable[FrozenRewrite]) -> None:
    """The whole file, replaced in one step."""
    out.parent.mkdir(parents=True, exist_ok=True)
    draft = out.with_name(out.name + ".part")
    with draft.open("w", encoding="utf-8", newline="\n") as file:
        file.write(dumps({"schema": SCHEMA}) + "\n")
        file.writelines(dumps(e.to_json()) + "\n" for e in entries)
    os.replace(draft, out)  # noqa: PTH105 - atomic on every system, which Path.rename is not


def _in_order(entries: Sequence[FrozenRewrite], todo: Sequence[Todo]) -> list[FrozenRewrite]:
    """In the order of the cases; what other commands froze comes after. Rewrites of older versions of a text go."""
    rank = {t.key: k for k, t in enumerate(todo)}
    places = {t.place for t in todo}
    held = {e.rewrite + e.source: e for e in entries}.values()
    current = [e for e in held if (e.rewrite, e.source) in rank or (e.rewrite, e.case, e.target) not in places]
    fresh = {(e.rewrite, e.case, e.target) for e in current if (e.rewrite, e.source) in rank}
    # an older version stays until the new one is there: a stopped run takes nothing away
    older = [e for e in held if e not in current and (e.rewrite, e.case, e.target) not in fresh]
    return sorted([*current, *older], key=lambda e: rank.get((e.rewrite, e.source), len(rank)))
