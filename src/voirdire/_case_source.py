"""The cases of a request: built-in, from a file of any format, or from the program that asks; chosen and checked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from voirdire.harness.casefiles import (
    BUILTIN,
    IN_MEMORY,
    check_task,
    off_scale_notes,
    parse_case,
    read_cases,
    unasked_notes,
)
from voirdire.harness.cases import Case, Task
from voirdire.harness.errors import UsageError, nearest
from voirdire.suites.builtin_cases import builtin_cases, for_task
from voirdire.suites.loaders import public_cases

if TYPE_CHECKING:
    from voirdire._compose import AuditRequest

__all__ = ["cases_of"]


def cases_of(
    request: AuditRequest, task: Task, scale: Any, needs: Sequence[str] = ()
) -> tuple[Sequence[Case], str, tuple[str, ...]]:
    """The cases of a request for judges of `task`, where they came from, and what their loader had to say.

    Of the built-in ones those that have the fields `needs` (all of them, where none has).
    """
    source = request.cases
    notes: tuple[str, ...] = ()
    ids = list(request.case_ids) or None
    cases: Sequence[Case]
    public = None
    if source is None:
        path, cases = BUILTIN, builtin_cases(task, needs) or builtin_cases(task)
        if needs and len(cases) < len(builtin_cases(task)):
            notes = (f"{len(cases)} of the built-in cases have a {' and a '.join(needs)}, which is needed here.",)
    elif isinstance(source, (str, Path)):
        public = public_cases(source)
        path, cases = str(source), list(public.cases) if public is not None else read_cases(source, ids=ids)
        if public is not None:
            notes = tuple(public.notes)
            if task == "score" and public.scale is not None and scale != public.scale:
                low, high = public.scale.low, public.scale.high
                notes += (f"Labels are on {low:g} to {high:g}: give --scale {low:g}:{high:g}.",)
    else:
        path = IN_MEMORY
        if not isinstance(source, Iterable):
            raise UsageError(f"cases must be a file or cases, not {source!r:.80}", hint='E.g. cases="cases.jsonl".')
        cases = [c if isinstance(c, Case) else parse_case(c, path=f"case {i}") for i, c in enumerate(source, start=1)]
    where = {IN_MEMORY: "cases", BUILTIN: "the built-in set"}.get(path, path)
    if ids is not None:
        known = {c.id for c in cases}
        unknown = sorted(set(ids) - known)
        if unknown:
            raise UsageError(f"{where} has no case {unknown[0]!r}", hint=nearest(unknown[0], known))
        cases = [c for c in cases if c.id in ids]
    if not cases:
        raise UsageError(f"{where} holds no cases")
    own = path == IN_MEMORY or (source is not None and public is None)
    if task in ("score", "grade") and source is not None and all(len(c.responses) > 1 for c in cases):
        check_task(cases, "ranking", path=where)  # as labels that say which response is better
        cases, own = for_task(cases, task), False  # each response of a pair is judged by itself
    if request.limit is not None:
        if request.limit < 1:
            raise UsageError(f"--limit {request.limit} leaves no cases")
        cases = cases[: request.limit]
    check_task(cases, task, path=where)
    if task == "score" and own:  # public data says itself which scale it needs; built-in labels are on the usual one
        notes += tuple(off_scale_notes(cases, scale))
    return cases, path, (*notes, *unasked_notes(cases))
