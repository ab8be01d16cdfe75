"""Recorded verdicts from files to observations, calling no judge; and what asking the judge instead would cost.

Here: the wiring. Not here: reading (suites/loaders/logs.py), the statistics (harness/statistics/observed.py).
"""

from __future__ import annotations

import fnmatch
import shlex
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from voirdire._compose import AuditRequest, _now, prepare
from voirdire.harness.cases import Case, Task
from voirdire.harness.errors import UsageError, nearest
from voirdire.harness.observations import Intervention, JudgeObservations, Observations
from voirdire.harness.statistics.observed import VerdictLog, observe
from voirdire.harness.statistics.observed_agreement import MOST_JUDGES
from voirdire.harness.verdicts import Scale
from voirdire.suites.loaders.logs import OpenedCases, fitting, open_cases, open_log

__all__ = ["ReplayRequest", "replay"]

#: cases an intervention is costed for; an audit of more is rarely needed
_CASES = 200

#: question -> (preferences it is about, probes that settle it, kinds of judges it exists for)
_EDITS: tuple[tuple[str, tuple[str, ...], tuple[str, ...], tuple[Task, ...]], ...] = (
    ("position", ("first slot",), ("order.swap",), ("pairwise", "ranking")),
    ("length", ("longer",), ("verbosity.filler", "verbosity.repeat"), ("pairwise", "score", "grade", "ranking")),
    ("lists", ("list",), ("format.bullets",), ("pairwise", "score", "grade", "ranking")),
    ("formatting", ("formatting",), ("format.bold", "format.headings"), ("pairwise", "score", "grade", "ranking")),
    ("names of models", ("model ", "own family"), ("social.model-names", "social.you"), ("pairwise",)),
    ("noise", (), ("stability.retest",), ("pairwise", "score", "grade", "ranking")),
)


@dataclass(frozen=True, slots=True)
class ReplayRequest:
    """What `voirdire replay` is told. `only`: globs of judges' names."""

    sources: tuple[str, ...]
    cases: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    task: Task | None = None
    scale: Scale | None = None
    alpha: float = 0.05
    tolerance: float = 0.10


def replay(request: ReplayRequest) -> Observations:
    """Read, join and observe. Raises UsageError with the place and the fix; calls no judge."""
    given = [open_cases(spec) for spec in request.cases]
    known = [case for opened in given for case in opened.cases]
    opened = [open_log(spec, known, task=request.task, scale=request.scale) for spec in request.sources]
    logs = _chosen([log for o in opened for log in o.logs], request.only)
    files = given or [o.own for o in opened]
    scale = next((f.scale for f in files if f.scale is not None), None)
    logs = [replace(log, label_scale=log.label_scale or scale) if log.task == "score" else log for log in logs]
    task = logs[0].task
    cases = _joined(files, logs)
    logs, left_out = _about(logs, cases) if given else (logs, ())
    judges, between = observe(logs, cases, tolerance=request.tolerance, alpha=request.alpha)
    asked = {key[0] for log in logs for key in log.verdicts}
    about = [cases[i] for i in asked if i in cases]
    read = (note for file in (*given, *(o.own for o in opened)) for note in file.notes)
    return Observations(
        created=_now(),
        sources=request.sources,
        cases=len(asked),
        labelled=sum(case.label is not None for case in about),
        alpha=request.alpha,
        tolerance=request.tolerance,
        judges=judges,
        between=between,
        interventions=tuple(_interventions(judges, [f for f in files if f.cases], task, logs[0].scale, asked)),
        notes=tuple(dict.fromkeys((*read, *left_out, *_unknown(asked, cases), *_too_many(logs)))),
    )


def _chosen(logs: Sequence[VerdictLog], only: Sequence[str]) -> list[VerdictLog]:
    kept = [log for log in logs if not only or any(fnmatch.fnmatchcase(log.judge, glob) for glob in only)]
    names = dict.fromkeys(log.judge for log in logs)
    for glob in only:
        if not any(fnmatch.fnmatchcase(name, glob) for name in names):
            raise UsageError(f"--only {glob!r} fits no judge of these files", hint=nearest(glob, names))
    return kept


def _joined(files: Iterable[OpenedCases], logs: Sequence[VerdictLog]) -> dict[str, Case]:
    """Cases by id, in the shape of the judges' task. Raises UsageError where two files mean different cases by one id,
    or a case has not the answers that a verdict is about."""
    cases: dict[str, Case] = {}
    for file in files:
        for kind in dict.fromkeys(log.task for log in logs):
            for case in fitting(file.cases, kind):
                old = cases.setdefault(case.id, case)
                if old.shown() != case.shown():
                    hint = "Replay the files one by one."
                    raise UsageError(f"two files have different cases called {case.id!r}", hint=hint)
                if old.label is None and case.label is not None:
                    cases[case.id] = case
    for log in logs:
        for identity, order, _ in log.verdicts:
            shown = cases.get(identity)
            if shown is not None and len(shown.responses) != len(order):
                raise UsageError(
                    f"{log.source}: a verdict of {log.judge} is about {len(order)} answers of case {identity!r}, which "
                    f"has {len(shown.responses)}",
                    hint="Give the cases that these verdicts are about, --cases FILE.",
                )
    return cases


def _about(logs: Sequence[VerdictLog], cases: Mapping[str, Case]) -> tuple[list[VerdictLog], tuple[str, ...]]:
    """The verdicts about these cases, which somebody named, and how many others there are. Raises UsageError where
    there are no others."""
    kept = [replace(log, verdicts={k: v for k, v in log.verdicts.items() if k[0] in cases}) for log in logs]
    n, all_of = (sum(len(log.verdicts) for log in some) for some in (kept, logs))
    if not n:
        example = next((key[0] for log in logs for key in log.verdicts), "none")
        hint = f"Verdicts are joined to cases by id; the first verdict is about {example!r}."
        raise UsageError("no verdict is about a case of --cases", hint=hint)
    notes = (f"{all_of - n:,} of {all_of:,} verdicts are about other cases than those given; left out.",)
    return [log for log in kept if log.verdicts], notes if n < all_of else ()


def _unknown(asked: Iterable[str], cases: dict[str, Case]) -> Iterable[str]:
    ids = list(asked)
    missing = sum(i not in cases for i in ids)
    if missing == len(ids):
        yield "The texts of the cases are not known, so nothing can be said of length, looks or labels: --cases FILE."
    elif missing:
        yield f"The texts of {missing:,} of {len(ids):,} cases are not known; they count for order and repeats only."


def _too_many(logs: Sequence[VerdictLog]) -> Iterable[str]:
    for task, n in Counter(log.task for log in logs).items():
        if n > MOST_JUDGES:
            yield f"Only the first {MOST_JUDGES} of {n} {task} judges are compared with each other: --only GLOB."


# ------------------------------------------------------------------------------------------------------- interventions


def _interventions(
    judges: Sequence[JudgeObservations], files: Sequence[OpenedCases], task: Task, scale: Scale, asked: set[str]
) -> Iterable[Intervention]:
    """For each question, the probes that change the answer and ask again; calls are those of the plan itself."""
    # the first file with cases that were asked about: one command can name one file
    file = next((f for f in files if any(c.id in asked for c in fitting(f.cases, task))), None)
    seen = [p.name for j in judges if j.task == task for p in j.preferences]
    for about, names, probes, tasks in _EDITS:
        if task not in tasks or (names and not any(s.startswith(n) for s in seen for n in names)):
            continue
        if file is None:
            yield Intervention(about, probes, None, 0, "")
            continue
        cases = list(file.cases)
        request = AuditRequest(cases=cases, suite="standard", probes=probes, limit=_CASES)
        plan = prepare(task, scale, request).plan
        command = ["voirdire", "audit", "--judge", "JUDGE"]
        command += ["--cases", shlex.quote(file.spec)] if file.spec else []
        command += ["--task", task] if task != "pairwise" else []
        command += ["--scale", f"{scale.low:g}:{scale.high:g}"] if task == "score" else []
        command += [word for probe in probes for word in ("--probes", probe)]
        command += ["--limit", str(_CASES)] if len(cases) > _CASES else []
        yield Intervention(about, probes, len(plan.calls), len(plan.cases), " ".join(command))
