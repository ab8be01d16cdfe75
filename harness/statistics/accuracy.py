"""Accuracies in which a case counts for more than itself, as one value a case whose plain mean and spread are right.

A *pseudo-value* is the estimate plus the influence of its case. The mean of all is the estimate, their spread is its
standard error, clusters add up, and two runs over the same cases are compared by the difference of theirs, so that
means.estimate needs to know nothing of the following. With n cases of which n_c have label c:

    balanced accuracy   B = mean over the labels c of the share right, r_c. Influence n / (k n_c) (right - r_c) for k
                        labels: what lies *between* the labels is no error of B. Spread within a label is taken over
                        n_c - 1, as it is over n - 1 where there are no labels
    concordance         C = share right of all pairs of cases with different labels = weighted mean of v, the shares
                        right of the pairs of a case, by the numbers m of these. Each pair stands in two cases, so that
                        the influence is 2 (m / mean m) (v - C): for two labels DeLong's variance of the AUC
    others              the values themselves

Sources: W. Hoeffding, "A class of statistics with asymptotically normal distribution", Ann. Math. Stat. 19 (1948), for
the factor 2; E. DeLong et al., Biometrics 44 (1988).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from voirdire.harness.cases import Case

__all__ = ["BALANCED", "CONCORDANCE", "UNEVEN", "Pseudo", "labels_of", "pseudo_values"]

BALANCED = "balanced accuracy"
CONCORDANCE = "concordance"
#: measures of which cases do not count alike, but by their labels
UNEVEN = (BALANCED, CONCORDANCE)


class Pseudo(NamedTuple):
    """One value a case, NaN where there is none. One case more, wholly right or wrong, would lie in [`lo`, `hi`]."""

    values: np.ndarray
    lo: float
    hi: float


def labels_of(cases: Sequence[Case]) -> np.ndarray:
    """The label of each case as a number; NaN where it is none (of a pair, a ranking, or missing)."""
    return np.asarray([float(c.label) if isinstance(c.label, (int, float)) else np.nan for c in cases])


def pseudo_values(measure: str, values: np.ndarray, labels: np.ndarray | None) -> Pseudo:
    """`values`: the shares right by case (`discrimination.accuracy_values`), NaN where there is none.

    `labels` (of any kind; equal ones are one label) matter for UNEVEN measures only. They may be None for a
    concordance: all cases then count as having as many pairs. Raises ValueError for a balanced accuracy without them.
    """
    known = ~np.isnan(values)
    if measure not in UNEVEN or not known.any():
        return Pseudo(values, 0.0, 1.0)
    right = values[known]
    if labels is None:
        if measure == BALANCED:
            raise ValueError("a balanced accuracy needs labels")
        labels = np.arange(values.size)
    _, label, size = np.unique(labels[known], return_inverse=True, return_counts=True)
    mean, influence, weight, centre = (_balanced if measure == BALANCED else _concordance)(right, label, size)
    out = np.full(values.shape, np.nan)
    out[known] = mean + influence
    # what the rule of three of means.py needs: how far an unseen case would move the mean
    return Pseudo(out, float(mean - np.max(weight * centre)), float(mean + np.max(weight * (1 - centre))))


_Parts = tuple[float, np.ndarray, np.ndarray, np.ndarray | float]


def _balanced(right: np.ndarray, label: np.ndarray, size: np.ndarray) -> _Parts:
    """(the mean, influence by case; by label: what a case weighs, and the share right)."""
    rate = np.bincount(label, weights=right) / size
    # estimate divides by n - 1, which would be generous to a label of few cases
    spread = np.sqrt(size / np.maximum(size - 1, 1) * (right.size - 1) / right.size)
    weight = spread * right.size / (size.size * size)
    return float(rate.mean()), weight[label] * (right - rate[label]), weight, rate


def _concordance(right: np.ndarray, label: np.ndarray, size: np.ndarray) -> _Parts:
    """(the mean, influence by case, what a case weighs, the mean)."""
    pairs = (right.size - size)[label]
    # of what two runs have in common all may have one label, though the shares right were of pairs with others
    weight = pairs / pairs.mean() if pairs.any() else np.ones(right.size)
    mean = float(np.mean(weight * right))
    return mean, 2 * weight * (right - mean), 2 * weight, mean
