"""The cases that come with voirdire: written for it, each with a label and the reason for it."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from importlib import resources

from voirdire.harness.casefiles import read_cases
from voirdire.harness.cases import Case, Task

__all__ = ["builtin_cases", "for_task", "spread"]


@functools.cache
def _read(name: str) -> tuple[Case, ...]:
    with resources.as_file(resources.files("voirdire.suites") / "data" / name) as path:
        return tuple(read_cases(path))


def builtin_cases(task: Task = "pairwise", needs: Sequence[str] = ()) -> list[Case]:
    """The built-in cases in the shape that a judge of `task` needs; with `needs` those that have these fields.

    `needs` are of "reference", "rubric", "context". Questions about given texts (`context`) are a set of their own,
    which nobody gets who does not need it. Empty where no case has all of `needs`.
    """
    cases = _read("context_cases.jsonl" if "context" in needs else "cases.jsonl")
    return for_task([c for c in cases if all(getattr(c, name) for name in needs)], task)


def for_task(cases: Sequence[Case], task: Task) -> list[Case]:
    """Pairs as a judge of another task needs them.

    score and grade: each response by itself, group = the pair's id, so that both count as one cluster; the label is
    true for the better one (grade), or the upper and lower quarter of 1 to 10 (score). ranking: both, best first.
    """
    if task == "pairwise":
        return list(cases)
    out: list[Case] = []
    for case in cases:
        better = case.label
        if task == "ranking":
            known = isinstance(better, int)
            out.append(case.replace(label=(better, 1 - better) if known and isinstance(better, int) else None))
            continue
        for i, text in enumerate(case.responses):
            label = None if not isinstance(better, int) else i == better
            score = None if label is None else (8.0 if label else 3.0)
            out.append(
                case.replace(
                    id=f"{case.id}/{'AB'[i] if i < 2 else i}",
                    responses=(text,),
                    label=label if task == "grade" else score,
                    group=case.group or case.id,
                )
            )
    return out


def spread(cases: Sequence[Case], n: int) -> list[Case]:
    """`n` of the cases, taken round-robin from their categories, in file order."""
    if n >= len(cases):
        return list(cases)
    queues: dict[str, list[int]] = {}
    for i, case in enumerate(cases):
        queues.setdefault(str(case.meta.get("category", "")), []).append(i)
    picked: list[int] = []
    depth = 0
    while len(picked) < n:
        for queue in queues.values():
            if depth < len(queue) and len(picked) < n:
                picked.append(queue[depth])
        depth += 1
    return [cases[i] for i in sorted(picked)]
