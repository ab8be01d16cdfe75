"""Answered calls as arrays: utilities by call and slot, arms of a probe, per-case means, flips, nulls.

The unit is the case: repeats are averaged within an order, then orders, then targets of the case. A case whose arm
lacks an order altogether is dropped and counted, since one order alone would let position leak into the effect.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from voirdire.harness.plan import Arm, Plan
from voirdire.harness.verdicts import Verdict, utility

__all__ = [
    "ANSWERED",
    "ERROR",
    "MISSING",
    "NULL",
    "Answers",
    "Narrow",
    "by_case",
    "changes",
    "mean_of",
    "means",
    "repeats",
    "split_changes",
    "split_repeats",
]

#: states of a call
ANSWERED, NULL, ERROR, MISSING = 0, 1, 2, 3


class Narrow:
    """A table of numbers in the smallest type that holds each of them exactly; what is taken out of it is float64."""

    def __init__(self, values: np.ndarray) -> None:
        self.values = _narrowed(values)

    def __getitem__(self, key: Any) -> np.ndarray:
        return np.asarray(self.values[key], dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Answers:
    """`utility[call, slot]` in [0, 1], NaN where there is none; `state[call]` says why."""

    utility: np.ndarray | Narrow
    state: np.ndarray

    @classmethod
    def of(cls, plan: Plan, verdicts: Sequence[Verdict | None], *, soft: bool) -> Answers:
        slots = max((len(c.responses) for c in plan.cases), default=1)
        table = np.full((len(verdicts), slots), np.nan)
        state = np.full(len(verdicts), MISSING, dtype=np.int8)
        for i, verdict in enumerate(verdicts):
            if verdict is None:
                continue
            if verdict.null is not None:
                state[i] = ERROR if verdict.null == "error" else NULL
                continue
            state[i] = ANSWERED
            n = len(plan.calls[i].case.responses)
            for slot in range(n):
                table[i, slot] = utility(verdict, slot, task=plan.task, scale=plan.scale, n=n, soft=soft)
        return cls(table, state)

    def of_arm(self, arm: Arm, samples: slice = slice(None)) -> np.ndarray:
        """Utilities of the target: [item, order, sample]."""
        calls = arm.calls[:, :, samples]
        result: np.ndarray = self.utility[calls, arm.slots[:, :, None]]
        return result

    def of_response(self, arm: Arm, number: int) -> np.ndarray:
        """Utilities of response `number`, [item, order, sample], of an arm that shows its cases forwards and backwards
        and has the slots of the first response; NaN where a case has no such response."""
        result: np.ndarray = self.utility[arm.calls, np.abs(arm.slots - number)[:, :, None]]
        result[arm.slots.max(axis=1) < number] = np.nan
        return result

    def count(self, arm: Arm | None, state: int) -> int:
        return 0 if arm is None else int(np.sum(self.state[np.unique(arm.calls)] == state))


def _narrowed(values: np.ndarray) -> np.ndarray:
    for kind in (np.float16, np.float32):
        narrow = values.astype(kind)
        if np.array_equal(narrow, values, equal_nan=True):
            return narrow
    return values


def means(utilities: np.ndarray) -> np.ndarray:
    """Mean utility of each item: samples within an order first, then orders; NaN if an order has no answer."""
    result: np.ndarray = _nanmean(utilities, axis=2).mean(axis=1)
    return result


def changes(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Mean absolute change of utility between two arms, item by item, over all pairs of samples of one order.

    For verdicts of 0 and 1 this is the flip rate. Pairs of equal sample numbers only would waste repeats.
    """
    gap = np.abs(a[:, :, :, None] - b[:, :, None, :])
    result: np.ndarray = _nanmean(gap.reshape(*gap.shape[:2], -1), axis=2).mean(axis=1)
    return result


def mean_of(parts: Sequence[np.ndarray]) -> np.ndarray:
    """The mean of several values an item, item by item; NaN ones are left out."""
    return parts[0] if len(parts) == 1 else _nanmean(np.stack(parts, axis=1), axis=1)


def repeats(a: np.ndarray) -> np.ndarray:
    """Mean absolute change between repeats of the same call, item by item (needs two samples or more)."""
    samples = a.shape[2]
    pairs = [np.abs(a[:, :, i] - a[:, :, j]) for i in range(samples) for j in range(i)]
    if not pairs:
        return np.full(a.shape[0], np.nan)
    result: np.ndarray = _nanmean(np.stack(pairs, axis=2), axis=2).mean(axis=1)
    return result


def split_changes(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """As `changes`, with u read as a chance of winning: a (1 - b) + b (1 - a), so two ties differ by a half."""
    x, y = a[:, :, :, None], b[:, :, None, :]
    gap = x * (1 - y) + y * (1 - x)
    result: np.ndarray = _nanmean(gap.reshape(*gap.shape[:2], -1), axis=2).mean(axis=1)
    return result


def split_repeats(a: np.ndarray) -> np.ndarray:
    """As `repeats`, read as in `split_changes`."""
    samples = a.shape[2]
    pairs = [a[:, :, i] * (1 - a[:, :, j]) + a[:, :, j] * (1 - a[:, :, i]) for i in range(samples) for j in range(i)]
    if not pairs:
        return np.full(a.shape[0], np.nan)
    result: np.ndarray = _nanmean(np.stack(pairs, axis=2), axis=2).mean(axis=1)
    return result


def by_case(values: np.ndarray, cases: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Average the items of each case: (value, case number), cases with no value left out."""
    keep = ~np.isnan(values)
    unique, index = np.unique(cases[keep], return_inverse=True)
    sums = np.bincount(index, weights=values[keep], minlength=unique.size)
    return sums / np.bincount(index, minlength=unique.size), unique


def _nanmean(values: np.ndarray, axis: int) -> np.ndarray:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # an order without any answer is NaN on purpose
        result: np.ndarray = np.nanmean(values, axis=axis)
    return result
