"""What a report says of a jury: how far its members agree, what errors they share, how many jurors that makes.

Not here: the coefficients (harness/statistics/jury.py).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from voirdire.harness.cases import truth_of
from voirdire.harness.engine.runner import Run
from voirdire.harness.judges.base import Judge
from voirdire.harness.judges.wrappers.base import WrappedJudge
from voirdire.harness.plan import Plan
from voirdire.harness.statistics.jury import jury_report, ratings_of

__all__ = ["jury_note"]


def jury_note(judge: Judge, plan: Plan, run: Run) -> Iterator[str]:
    """A sentence or two for a `jury(...)`, from its verdicts on the unchanged cases; nothing for other judges."""
    if not isinstance(judge, WrappedJudge) or judge.kind != "jury" or plan.task == "ranking":
        return
    numbers = [(int(call), case) for case, rows in enumerate(plan.sources.calls) for call in np.unique(rows)]
    verdicts = [run.whole(call) for call, _ in numbers]
    try:
        ratings = ratings_of([plan.calls[call] for call, _ in numbers], verdicts)
    except ValueError:
        return  # not one answer came back
    if ratings.shape[1] < 2:
        return
    # ratings are of the first response of the source, whatever order it was shown in
    known = [truth_of(plan.cases[case], 0) for _, case in numbers]
    truth = np.array([np.nan if right is None else float(right) for right in known])
    right = None if plan.task == "score" or np.isnan(truth).all() else truth
    report = jury_report(ratings, right, level="interval" if plan.task == "score" else "nominal")
    yield report.summary([member.spec for member in judge.judges])
