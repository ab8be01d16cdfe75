"""The value every published metric returns (`Metric`), and the checks all of them make on their input.

Conventions shared by the metric_*.py modules. A pairwise verdict is the utility of one fixed *content*, wherever it
was shown: 1 win, .5 tie, 0 loss, NaN null. A soft utility is read by its side of .5. The first axis is cases; where
needed, further axes are the order [given, swapped] and the sample. A case with a null where a metric needs a verdict
is left out and counted in `Metric.left_out`: never a tie, a zero or an agreement.

Not here: intervals (means.py). A metric is a published number; the findings carry the statistics.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

__all__ = ["Array", "Metric", "clean", "mean_metric", "numbers", "paired", "side", "utilities"]

#: anything numpy reads as numbers; None and NaN are nulls
Array: TypeAlias = "np.ndarray | Sequence[Any]"


@dataclass(frozen=True, slots=True)
class Metric:
    """One published metric on one judge.

    `value` lies in [`low`, `high`] (math.inf where a side is unbounded) and is None, never NaN, where nothing was
    eligible. `n` counts what the value rests on (cases, unless the metric's own docstring says otherwise), `left_out`
    the cases dropped for a null. `chance` is the value expected of a judge that answers at random, under the assumption
    written in the metric's docstring; None where no such value exists. `source` is the paper.
    """

    name: str
    value: float | None
    n: int
    chance: float | None
    low: float
    high: float
    source: str
    left_out: int = 0

    def to_json(self) -> dict[str, Any]:
        """Plain JSON data; an unbounded side of the range is null, since JSON knows no infinity."""
        return {
            "name": self.name,
            "value": self.value,
            "n": self.n,
            "left_out": self.left_out,
            "chance": self.chance,
            "low": self.low if math.isfinite(self.low) else None,
            "high": self.high if math.isfinite(self.high) else None,
            "source": self.source,
        }


def numbers(values: Array, *, name: str, axes: int, low: float = -math.inf, high: float = math.inf) -> np.ndarray:
    """`values` as a float array with `axes` axes and NaN for nulls.

    Raises ValueError, naming the argument, for another number of axes or a value outside [low, high] or infinite.
    """
    array = np.asarray(values, dtype=float)
    if array.size == 0:
        # an empty list has lost its further axes
        return array if array.ndim == axes else np.empty((0,) * axes)
    if array.ndim != axes:
        raise ValueError(f"{name} needs {axes} axes, got an array of shape {array.shape}")
    known = array[~np.isnan(array)]
    if known.size and (np.isinf(known).any() or known.min() < low or known.max() > high):
        raise ValueError(f"{name} must lie in [{low:g}, {high:g}], got values from {known.min():g} to {known.max():g}")
    return array


def utilities(values: Array, *, name: str, axes: int, orders: int | None = None) -> np.ndarray:
    """Utilities in [0, 1]; with `orders`, the second axis must have that length. Raises ValueError."""
    array = numbers(values, name=name, axes=axes, low=0.0, high=1.0)
    if orders is not None:
        if array.size == 0:
            return np.empty((0, orders) + (0,) * (axes - 2))
        if array.shape[1] != orders:
            raise ValueError(f"{name} needs {orders} columns (given, swapped), got {array.shape[1]}")
    return array


def side(values: np.ndarray) -> np.ndarray:
    """+1 win, 0 tie, -1 loss, NaN null. Rounded first, so that a mean of votes that is .5 but for rounding is a tie."""
    result: np.ndarray = np.sign(np.round(values - 0.5, 9))
    return result


def clean(*arrays: np.ndarray) -> tuple[list[np.ndarray], int]:
    """The cases with no null in any of `arrays`, and how many were left out. Raises ValueError on unequal lengths."""
    lengths = {len(a) for a in arrays}
    if len(lengths) > 1:
        raise ValueError(f"arguments must hold the same cases, got {' and '.join(map(str, sorted(lengths)))} of them")
    n = lengths.pop()
    keep = np.ones(n, dtype=bool)
    for a in arrays:
        if a.size:
            keep &= ~np.isnan(a.reshape(n, -1)).any(axis=1)
    return [a[keep] for a in arrays], int(n - keep.sum())


def paired(before: Array, after: Array, *, names: tuple[str, str]) -> tuple[np.ndarray, np.ndarray, int]:
    """Two verdicts on each case as utilities, nulls in either left out, and how many were."""
    a = utilities(before, name=names[0], axes=1)
    b = utilities(after, name=names[1], axes=1)
    (a, b), left_out = clean(a, b)
    return a, b, left_out


def mean_metric(
    name: str,
    values: np.ndarray,
    *,
    chance: float | None,
    source: str,
    low: float = 0.0,
    high: float = 1.0,
    left_out: int = 0,
) -> Metric:
    """The metric that is the mean of `values`, one a case; None on no case at all."""
    value = float(np.mean(values)) if values.size else None
    return Metric(name, value, int(values.shape[0]), chance, low, high, source, left_out)
