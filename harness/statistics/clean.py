"""Which verdicts on unchanged cases a defence changes: false positives on clean text, less both judges' own noise.

Not here: what the defence does to attacks (trade.py).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from voirdire.harness.baseline import case_content, case_key
from voirdire.harness.plan import Plan
from voirdire.harness.statistics.arms import Answers, repeats
from voirdire.harness.statistics.means import Mean, estimate

__all__ = ["Clean", "changed"]


@dataclass(frozen=True, slots=True)
class Clean:
    """Verdicts on the unchanged cases of a run: `utility[case, order, sample]` of the first response, in [0, 1], NaN
    where there is none. `cases`: hashed id and content of each; `groups`: the number of its cluster."""

    cases: tuple[tuple[str, str], ...]
    groups: np.ndarray
    utility: np.ndarray

    @classmethod
    def of(cls, plan: Plan, answers: Answers) -> Clean:
        """From a finished run."""
        keys = tuple((case_key(case), case_content(case)) for case in plan.cases)
        return cls(keys, plan.groups, answers.of_arm(plan.sources))


def changed(first: Clean, later: Clean, *, wider: bool) -> Mean | None:
    """Flips between the two judges on the cases of both, less the mean of both judges' own flips between repeats.

    For verdicts of 0 and 1 with probabilities p and q that is (p - q)^2, so 0 where the defence changes nothing,
    whatever the noise, and the share of changed verdicts where there is none; in general half the energy distance of
    the two distributions (Szekely and Rizzo 2013). `wider`: the later judge asks at least as often a verdict as the
    first. None where nothing is common.
    """
    rows = {key: i for i, key in enumerate(later.cases)}
    common = [(i, rows[key]) for i, key in enumerate(first.cases) if key in rows]
    if not common or first.utility.shape[1] != later.utility.shape[1]:
        return None
    x, y = first.utility[[i for i, _ in common]], later.utility[[j for _, j in common]]
    flips = _across(x, y) if wider else _across(y, x)
    return estimate(flips - (repeats(x) + repeats(y)) / 2, first.groups[[i for i, _ in common]])


def _across(narrow: np.ndarray, wide: np.ndarray) -> np.ndarray:
    """Mean |difference| between sample i of one judge and samples j > i of the one that asks more a verdict.

    Not all pairs: repeat j of a wrapper with k samples is made of its member's repeats kj to kj + k - 1, so sample i of
    the member itself may sit inside of the wrapper's sample j <= i, and what is shared is no noise of its own.
    """
    gaps = [
        np.abs(narrow[:, :, i] - wide[:, :, j]) for i in range(narrow.shape[2]) for j in range(i + 1, wide.shape[2])
    ]
    if not gaps:
        return np.full(narrow.shape[0], np.nan)
    table = np.stack(gaps, axis=2)
    known = ~np.isnan(table)
    n = known.sum(axis=2)
    each = np.where(n > 0, np.where(known, table, 0.0).sum(axis=2) / np.maximum(n, 1), np.nan)
    result: np.ndarray = each.mean(axis=1)
    return result
