"""Recorded verdicts of public files as judges, and as the tables that the published metrics are computed from.

A spec is `FORMAT:FILE?judge=NAME`. Not here: our own recordings (harness/judges/replay.py), which these become.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from voirdire.harness.cases import Case, Task, content_hash
from voirdire.harness.errors import UsageError, nearest
from voirdire.harness.judges.replay import Key, Recorded, ReplayJudge
from voirdire.harness.verdicts import Scale, Verdict, utility
from voirdire.suites.loaders.collecting import Recording

__all__ = ["choose", "replay", "scores", "utilities"]


def choose(recorded: Sequence[Recording], judge: str | None, *, path: str) -> Recording:
    """The recording of `judge`, or the only one. Raises UsageError naming the judges there are."""
    if not recorded:
        raise UsageError(f"{path} holds no recorded verdicts")
    names = list(dict.fromkeys(r.judge for r in recorded))
    if judge is None and len(recorded) > 1:
        first = ", ".join(names[:6]) + (", …" if len(names) > 6 else "")
        raise UsageError(f"{path} has verdicts of {len(names)} judges: {first}", hint="Name one: …?judge=NAME")
    for recording in recorded:
        if judge in (None, recording.judge):
            return recording
    raise UsageError(f"{path} has no verdicts of {judge!r}", hint=nearest(str(judge), names))


def replay(
    recording: Recording,
    *,
    spec: str,
    deterministic: bool = False,
    task: Task | None = None,
    scale: Scale | None = None,
) -> ReplayJudge:
    """A judge that answers from `recording`. `deterministic`: its first verdict stands for every repeat.

    Raises UsageError where `task` or `scale` is not that of the recording.
    """
    if task is not None and task != recording.task:
        raise UsageError(f"{spec} holds {recording.task} verdicts, not {task}")
    if scale is not None and recording.task == "score" and scale != recording.scale:
        has = f"{recording.scale.low:g}:{recording.scale.high:g}"
        raise UsageError(f"{spec} was recorded on the scale {has}, not {scale.low:g}:{scale.high:g}")
    lines = [[*key, verdict.to_json()] for key, verdict in recording.verdicts.items()]
    fingerprint = content_hash({"kind": "replay", "spec": spec, "verdicts": lines, "deterministic": deterministic})
    verdicts: dict[Key, Verdict] = {}
    verdicts.update(recording.verdicts.items())
    made = Recorded(recording.task, recording.scale, recording.judge, deterministic, fingerprint, verdicts)
    return ReplayJudge(made, spec=spec)


def utilities(
    recording: Recording, cases: Iterable[Case], *, target: int | None = None, sample: int = 0
) -> list[list[float]]:
    """(cases, 2): the utility of one response of every pair in the given and in the swapped order.

    `target` is that response's index; None takes the one the label names, and leaves pairs without such a label out.
    NaN where the verdict is a null or was not recorded. This is what the metric_*.py functions take.
    """
    rows = []
    for case in cases:
        wanted = target if target is not None else case.label
        if isinstance(wanted, bool) or not isinstance(wanted, int):
            continue
        row = []
        for order in ((0, 1), (1, 0)):
            verdict = recording.verdicts.get((case.id, order, sample))
            value = None
            if verdict is not None:
                value = utility(verdict, order.index(wanted), task=recording.task, scale=recording.scale)
            row.append(math.nan if value is None else value)
        rows.append(row)
    return rows


def scores(recording: Recording) -> dict[str, list[float]]:
    """Case id -> its scores, ids in the file's order, samples in theirs; NaN for a null. Scores only."""
    found: dict[str, list[float]] = {}
    for (identity, _order, _sample), verdict in recording.verdicts.items():
        found.setdefault(identity, []).append(math.nan if verdict.score is None else verdict.score)
    return found
