"""Missing verdicts: do they fall on one arm more than on the other?

If they do, the calls that are left are a selection, and any effect computed from them may be an artefact of it.
"""

from __future__ import annotations

import numpy as np

from voirdire.harness.plan import Arm
from voirdire.harness.statistics.arms import ANSWERED, MISSING, Answers

__all__ = ["differential", "null_shares"]

#: a smaller difference of null rates cannot turn a decision at the default tolerance
SMALLEST_DIFFERENCE = 0.05
#: two-sided level of the sign test over cases
LEVEL = 0.05


def null_shares(answers: Answers, arm: Arm) -> np.ndarray:
    """Share of asked calls of each item that gave no verdict (nulls and errors); NaN where none was asked."""
    state = answers.state[arm.calls].reshape(arm.calls.shape[0], -1)
    asked = np.sum(state != MISSING, axis=1)
    lost = np.sum((state != MISSING) & (state != ANSWERED), axis=1)
    return np.where(asked > 0, lost / np.maximum(asked, 1), np.nan)


def differential(answers: Answers, source: Arm, follow_up: Arm) -> bool:
    """Do null rates differ between two arms? By a difference of 5 points or more and an exact sign test by item."""
    gap = null_shares(answers, follow_up) - null_shares(answers, source)
    gap = gap[~np.isnan(gap)]
    if gap.size == 0 or abs(gap.mean()) < SMALLEST_DIFFERENCE:
        return False
    from scipy.stats import binomtest

    more, fewer = int(np.sum(gap > 0)), int(np.sum(gap < 0))
    return more + fewer > 0 and float(binomtest(more, more + fewer, 0.5).pvalue) < LEVEL
