"""Verdicts that people already have, from wherever they lie: `open_log` makes them `VerdictLog`s and cases.

A source is a report folder of voirdire or its calls.jsonl, a recording (`--record`), or any file that a format reads
(`FORMAT:FILE?option=value`, or sniffed). Only verdicts on unedited answers count: edits are an audit's business. Not
here: what is made of the verdicts (harness/statistics/observed.py).
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from voirdire.harness.casefiles import BUILTIN, read_cases
from voirdire.harness.cases import ALL_TASKS, Case, Task, shown_hash
from voirdire.harness.errors import CaseFileError, UsageError
from voirdire.harness.judges.replay import is_recording, read_recording, recorded_verdict
from voirdire.harness.statistics.observed import VerdictLog
from voirdire.harness.verdicts import NullReason, Scale, Verdict
from voirdire.suites.builtin_cases import builtin_cases, for_task
from voirdire.suites.loaders import load, names_format, public_cases
from voirdire.suites.loaders.collecting import null_notes
from voirdire.suites.loaders.records import Record, Source, read_source
from voirdire.suites.loaders.verdict_log import FORMAT, TITLE

__all__ = ["OpenedCases", "OpenedLog", "fitting", "open_cases", "open_log"]

_CALLS, _AUDIT = "calls.jsonl", "audit.json"
#: of a case with more responses only its order forwards, backwards and rotated is looked for in a recording
_ALL_ORDERS_UP_TO = 5


@dataclass(frozen=True, slots=True)
class OpenedCases:
    """`spec`: what `--cases` of another command would take. `scale`: the range of numeric labels, where known."""

    spec: str | None
    cases: tuple[Case, ...]
    notes: tuple[str, ...] = ()
    scale: Scale | None = None


@dataclass(frozen=True, slots=True)
class OpenedLog:
    """The logs of one source, one a judge, and the cases it brings itself."""

    logs: tuple[VerdictLog, ...]
    own: OpenedCases


def open_cases(spec: str) -> OpenedCases:
    """What `--cases SPEC` names, as the other commands read it. Raises CaseFileError."""
    public = public_cases(spec)
    if public is None:
        return OpenedCases(spec, tuple(read_cases(spec)))
    return OpenedCases(spec, public.cases, public.notes, public.scale)


def fitting(cases: Sequence[Case], task: Task) -> Sequence[Case]:
    """The cases as an audit shows them to a judge of `task`: each answer of a pair by itself where it scores."""
    single = task in ("score", "grade")
    return for_task(cases, task) if single and cases and all(len(c.responses) > 1 for c in cases) else cases


def open_log(spec: str, known: Sequence[Case], *, task: Task | None = None, scale: Scale | None = None) -> OpenedLog:
    """The recorded verdicts that `spec` names. `known`: cases from elsewhere, for recordings that name what was shown
    by its hash. `task`, `scale`: for call records without an audit.json beside them.

    Raises UsageError, for anything wrong with a file with its place and the fix.
    """
    path = Path(spec)
    if not names_format(spec):
        if path.is_dir() and not (path / _CALLS).is_file():
            hint = "Name a report folder that `voirdire audit` wrote, or a file of verdicts."
            raise UsageError(f"{spec} is a folder without {_CALLS}", hint=hint)
        if path.is_dir():
            return _calls(path / _CALLS, task, scale)
        if path.is_file() and path.suffix.lower() in (".jsonl", ".json", ".ndjson", ""):
            first = _first_line(path)
            if is_recording(first):
                return _recording(spec, known)
            if _is_call(first):
                return _calls(path, task, scale)
    loaded = load(spec)
    if not loaded.recorded:
        hint = f"These are cases: --cases {spec}, and name the file of verdicts."
        raise UsageError(f"{spec} holds no recorded verdicts", hint=hint)
    logs = tuple(
        VerdictLog(r.judge, spec, r.task, r.verdicts, r.scale, loaded.scale if loaded.cases else None)
        for r in loaded.recorded
    )
    # the other commands take a file for plain cases where it could be that
    again = f"{FORMAT.name}:{spec}" if loaded.format == TITLE and not names_format(spec) else spec
    # nulls are counted judge by judge in what is made of the logs
    nulls = set(null_notes(loaded.recorded))
    notes = tuple(note for note in loaded.notes if note not in nulls)
    return OpenedLog(logs, OpenedCases(again if loaded.cases else None, loaded.cases, notes, loaded.scale))


def _first_line(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.readline(1_000_000).decode("utf-8", "replace")
    except OSError as error:
        raise UsageError(f"{path} cannot be read ({error.strerror})") from None


# --------------------------------------------------------------------------------------------------- our own recordings


def _recording(spec: str, known: Sequence[Case]) -> OpenedLog:
    """A file of `--record`, or one made by hand."""
    recorded = read_recording(spec)
    by_hash: dict[str, tuple[str, tuple[int, ...]]] = {}
    for case in fitting(known, recorded.task):
        for order in _orders(len(case.responses)):
            by_hash.setdefault(shown_hash(case.reordered(order)), (case.id, order))
    verdicts: dict[tuple[str, tuple[int, ...], int], Verdict] = {}
    unknown = 0
    for key, verdict in recorded.verdicts.items():
        if len(key) == 3:
            verdicts[key] = verdict
        elif key[0] in by_hash:
            identity, order = by_hash[key[0]]
            verdicts[identity, order, key[1]] = verdict
        else:
            unknown += 1
    if not verdicts:
        raise UsageError(
            f"none of the {unknown:,} verdicts in {spec} is about an unedited case that is known here",
            hint="The recording names cases by what was shown: give the file of cases it was made with, --cases FILE.",
        )
    notes: tuple[str, ...] = ()
    if unknown:
        notes = (f"{unknown:,} of {len(recorded.verdicts):,} verdicts in {spec} are about edited answers or cases that "
                 "are not given; left out.",)  # fmt: skip
    log = VerdictLog(recorded.judge, spec, recorded.task, verdicts, recorded.scale)
    return OpenedLog((log,), OpenedCases(None, (), notes))


def _orders(n: int) -> Sequence[tuple[int, ...]]:
    straight = tuple(range(n))
    if n <= _ALL_ORDERS_UP_TO:
        return list(itertools.permutations(straight))
    turned = [straight[k:] + straight[:k] for k in range(n)]
    return [*turned, *(order[::-1] for order in turned)]


# --------------------------------------------------------------------------------------------------------- call records


def _is_call(first: str) -> bool:
    try:
        data = json.loads(first)
    except (ValueError, RecursionError):
        return False
    return isinstance(data, dict) and {"call", "case", "order", "edited", "sample"} <= data.keys()


def _calls(path: Path, task: Task | None, scale: Scale | None) -> OpenedLog:
    """The calls of an audit: those that showed a case as it is."""
    source = read_source(path)
    audit = _audit_beside(path)
    judge = audit.get("judge", {})
    name = judge.get("spec") if isinstance(judge.get("spec"), str) else path.parent.name or "recorded"
    task = task or (judge["task"] if judge.get("task") in ALL_TASKS else _task_of(source.records))
    scale = scale or _scale_of(judge.get("scale")) or Scale()
    verdicts: dict[tuple[str, tuple[int, ...], int], Verdict] = {}
    edited = 0
    for record in source.records:
        if record.data.get("edited") is not False:
            if record.data.get("edited") is not True:
                raise record.wrong("edited", "true or false")
            edited += 1
            continue
        order = tuple(record.entry("order", i).whole(f"order[{i}]") for i in range(len(record.items("order"))))
        if not order or sorted(order) != list(range(len(order))) or (task == "pairwise" and len(order) != 2):
            raise record.wrong("order", "each index of the case's responses once")
        verdicts[record.key("case"), order, record.whole("sample")] = _call_verdict(record, task, scale, len(order))
    if not verdicts:
        raise CaseFileError("no call here showed a case as it is", path=str(path))
    notes: tuple[str, ...] = ()
    if edited:
        notes = (f"{edited:,} of {len(source.records):,} calls in {path} showed edited answers; left out (the report "
                 "of that audit is about them).",)  # fmt: skip
    return OpenedLog((VerdictLog(name, str(path), task, verdicts, scale),), _cases_of(audit, task, notes))


_ABOUT_THE_CALL = ("call", "case", "order", "edited", "sample", "content", "example", "usage")


def _call_verdict(record: Record, task: Task, scale: Scale, n: int) -> Verdict:
    data = {k: v for k, v in record.data.items() if k not in _ABOUT_THE_CALL}
    if data.get("null") is not None and data["null"] not in get_args(NullReason):
        raise record.wrong("null", "one of " + ", ".join(get_args(NullReason)))
    try:
        return recorded_verdict(data, task, scale, n)
    except ValueError as error:
        raise record.fail(str(error).replace("field 'verdict'", "the verdict")) from None


def _task_of(records: Sequence[Record]) -> Task:
    """The kind of the first verdict that is none of the nulls."""
    kinds: Mapping[str, Task] = {"choice": "pairwise", "score": "score", "grade": "grade", "ranking": "ranking"}
    for record in records:
        for name, kind in kinds.items():
            if record.has(name):
                return kind
    raise UsageError("no call gave a verdict, so the kind of judge cannot be told", hint="Name it: --task pairwise")


def _scale_of(value: Any) -> Scale | None:
    try:
        return Scale(float(value["low"]), float(value["high"]))
    except (TypeError, KeyError, ValueError, OverflowError):
        return None


def _audit_beside(path: Path) -> dict[str, Any]:
    """The audit.json of the folder, as far as it is one: who was asked, and about which cases."""
    beside = path.parent / _AUDIT
    if not beside.is_file():
        return {}
    source: Source = read_source(beside)
    data = source.document
    if not isinstance(data, dict) or not isinstance(data.get("judge", {}), dict):
        raise CaseFileError("this is no audit of voirdire", path=str(beside))
    return data


def _cases_of(audit: Mapping[str, Any], task: Task, notes: tuple[str, ...]) -> OpenedCases:
    """The cases an audit names, if they are still there."""
    about = audit.get("cases")
    path = about.get("path") if isinstance(about, dict) else None
    if path == BUILTIN:
        # whichever set of them served: their ids differ
        return OpenedCases(None, (*builtin_cases(task), *builtin_cases(task, ("context",))), notes)
    if isinstance(path, str) and path != "-" and (Path(path).is_file() or names_format(path)):
        try:
            opened = open_cases(path)
        except UsageError:
            # the path is what a file says, so what stands in that file is not quoted
            return OpenedCases(
                None, (), (*notes, f"The cases of the audit, {path}, are no cases any more: --cases FILE.")
            )
        return OpenedCases(path, opened.cases, (*notes, *opened.notes), opened.scale)
    return OpenedCases(None, (), notes)
