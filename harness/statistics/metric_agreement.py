"""Agreement beyond chance between raters (kappas, pi, alpha) and between rankings (rank-biased overlap).

Ratings are any numbers used as codes (0/1, utilities, scores); NaN is a null. The coefficients themselves come from
statsmodels and nltk, imported when first used; what is ours is the treatment of nulls and of the degenerate case: where
every rating is the same, agreement beyond chance is 0/0, so the value is None and not 1.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Literal, Protocol

import numpy as np

from voirdire.harness.statistics.metric_types import Array, Metric, clean, numbers

__all__ = ["cohen_kappa", "fleiss_kappa", "krippendorff_alpha", "rbo", "scott_pi"]

COHEN = "Cohen 1960, 1968"
SCOTT = "Scott 1955; for judges: Thakur et al. 2024, arXiv:2406.12624"
FLEISS = "Fleiss 1971"
KRIPPENDORFF = "Krippendorff 1980"
RBO = "Webber et al. 2010; for judges: Koo et al. 2023, CoBBLEr"


def _two_raters(first: Array, second: Array) -> tuple[np.ndarray, np.ndarray, int]:
    a = numbers(first, name="first", axes=1)
    b = numbers(second, name="second", axes=1)
    (a, b), left_out = clean(a, b)
    return a, b, left_out


def cohen_kappa(
    first: Array,
    second: Array,
    *,
    weights: Literal["linear", "quadratic"] | None = None,
    categories: Sequence[float] | None = None,
) -> Metric:
    """Cohen's kappa = 1 - (observed disagreement) / (that of the two raters' own marginals).

    `weights`: None counts every disagreement alike; "linear" and "quadratic" weigh it by the number of steps between
    the categories, or its square. `categories` (ascending) fixes the steps of a scale on which some marks were never
    given; by default the values that occur. Range [-1, 1]; chance 0 (two raters who ignore the items, for any
    marginals). None where both raters gave one and the same mark throughout.

    Source: Cohen. LLMBar's published kappas come from a wrong category coding and are not to be reproduced.
    Example: first [1, 1, 0, 0], second [1, 0, 0, 0]: observed .75, expected .5 * .25 + .5 * .75 = .5 -> .5.
    """
    name = "cohen_kappa" if weights is None else f"cohen_kappa_{weights}"
    a, b, left_out = _two_raters(first, second)
    values = np.unique(np.concatenate([a, b]))
    levels = values if categories is None else np.asarray(categories, dtype=float)
    if np.any(np.diff(levels) <= 0) or not np.isin(values, levels).all():
        raise ValueError("categories must ascend and hold every rating that occurs")
    if values.size < 2:
        return Metric(name, None, len(a), 0.0, -1.0, 1.0, COHEN, left_out)
    table = np.zeros((levels.size, levels.size))
    np.add.at(table, (np.searchsorted(levels, a), np.searchsorted(levels, b)), 1.0)
    from statsmodels.stats.inter_rater import cohens_kappa

    value = float(cohens_kappa(table, wt=weights, return_results=False))
    return Metric(name, value, len(a), 0.0, -1.0, 1.0, COHEN, left_out)


def scott_pi(first: Array, second: Array) -> Metric:
    """Scott's pi = (Ao - Ae) / (1 - Ae), Ae from the two raters' *pooled* marginals.

    Unlike kappa it counts a difference of marginals (a lenient judge) as disagreement; Thakur et al. prefer it for
    that. Range [-1, 1]; chance 0 for raters with the same marginals, in the limit of many items. None where every
    rating is the same.

    Source: Scott. Example: first [1, 1, 0, 0], second [1, 0, 0, 0]: Ao .75, Ae (3/8)^2 + (5/8)^2 = .53125 -> .4667.
    """
    a, b, left_out = _two_raters(first, second)
    value = None
    if np.unique(np.concatenate([a, b])).size >= 2:
        value = float(_task(np.column_stack([a, b])).pi())
    return Metric("scott_pi", value, len(a), 0.0, -1.0, 1.0, SCOTT, left_out)


def fleiss_kappa(ratings: Array) -> Metric:
    """Fleiss' kappa of several raters, `ratings` (items, raters); equals Scott's pi for two.

    (P - Pe) / (1 - Pe), P the mean share of agreeing pairs of raters in an item, Pe from pooled marginals. Every item
    needs every rater: items with a null are left out (see `krippendorff_alpha` otherwise). Range [-1, 1]; chance 0 for
    raters with the same marginals, in the limit of many items. None where every rating is the same.

    Source: Fleiss. Example: [[1, 1, 1], [1, 0, 0]]: P = (1 + 1/3) / 2 = 2/3, Pe = (4/6)^2 + (2/6)^2 = 5/9 -> 1/4.
    """
    (table,), left_out = clean(numbers(ratings, name="ratings", axes=2))
    values = np.unique(table)
    if len(table) and table.shape[1] < 2:
        raise ValueError("ratings needs two raters (columns) or more, got 1")
    value = None
    if values.size >= 2:
        from statsmodels.stats import inter_rater

        counts = np.stack([np.sum(table == v, axis=1) for v in values], axis=1)
        value = float(inter_rater.fleiss_kappa(counts))
    return Metric("fleiss_kappa", value, len(table), 0.0, -1.0, 1.0, FLEISS, left_out)


def krippendorff_alpha(ratings: Array, *, level: Literal["nominal", "ordinal", "interval"] = "nominal") -> Metric:
    """Krippendorff's alpha = 1 - Do / De for any number of raters, with missing ratings.

    `ratings` is (items, raters), NaN missing; items with fewer than two ratings cannot be compared and are left out.
    Squared distance of two ratings: nominal 0 or 1; interval (c - k)^2; ordinal (sum of the ratings from c to k, those
    at the two ends by half)^2. Range [-1, 1]; chance 0, with De corrected for the finite number of ratings. None where
    all comparable ratings are the same. ValueError above 10,000 distinct ratings.

    Source: Krippendorff. Example, nominal: [[1, 1], [0, 0], [1, 0]]: Do = 1/3, De = 2 * 3 * 3 / (6 * 5) = .6 -> 4/9.
    """
    name = f"krippendorff_alpha_{level}"
    table = numbers(ratings, name="ratings", axes=2)
    keep = np.sum(~np.isnan(table), axis=1) >= 2
    table = table[keep]
    left_out = int(keep.size - keep.sum())
    values, counts = np.unique(table[~np.isnan(table)], return_counts=True)
    if level not in ("nominal", "ordinal", "interval"):
        raise ValueError(f"level must be nominal, ordinal or interval, got {level!r}")
    value = None
    if values.size >= 2:
        # ordinal: the distance of two ranks is the number of ratings from the middle of one to the middle of the other
        middle = np.cumsum(counts) - counts / 2
        place = {
            "nominal": None,
            "interval": dict(zip(values.tolist(), values.tolist(), strict=True)),
            "ordinal": dict(zip(values.tolist(), middle.tolist(), strict=True)),
        }[level]
        value = float(_task(table, place).alpha())
    return Metric(name, value, len(table), 0.0, -1.0, 1.0, KRIPPENDORFF, left_out)


class _Agreement(Protocol):
    """What is used of nltk's AnnotationTask, which has no types."""

    def pi(self) -> float: ...
    def alpha(self) -> float: ...


def _task(table: np.ndarray, place: dict[float, float] | None = None) -> _Agreement:
    """nltk's task over (items, raters); distances are squared differences of `place`, or 0 and 1 without one."""
    from nltk.metrics.agreement import AnnotationTask

    def distance(a: float, b: float) -> float:
        return float(a != b) if place is None else (place[a] - place[b]) ** 2

    rows = [
        (rater, item, float(table[item, rater]))
        for item in range(table.shape[0])
        for rater in range(table.shape[1])
        if not np.isnan(table[item, rater])
    ]
    task: _Agreement = AnnotationTask(rows, distance=distance)
    return task


def rbo(first: Sequence[Hashable], second: Sequence[Hashable], *, p: float = 0.9) -> Metric:
    """Rank-biased overlap of two rankings (best first), extrapolated: Webber et al.'s RBO_EXT.

    With X_d the overlap of the two top-d lists, s and l the shorter and the longer length: RBO = (1 - p) / p times
    (sum_{d=1..l} X_d / d p^d + sum_{d=s+1..l} X_s (d - s) / (s d) p^d) + ((X_l - X_s) / l + X_s / s) p^l. The smaller
    `p`, the more the top counts: the first 10 ranks have 86 % of the weight at .9. Range [0, 1]; n is l. Chance, where
    both rank the same n items: the expectation for random orders, (1 - p) / p sum (d / n) p^d + p^n; None otherwise.

    Source: Webber et al.; used for judges by CoBBLEr. Example, p = .5: [a, b] against [b, a]: X = 0, 2 ->
    (0 + .25) * 1 + 1 * .25 = .5.
    """
    if not 0.0 < p < 1.0:
        raise ValueError(f"p must lie strictly between 0 and 1, got {p!r}")
    if len(set(first)) != len(first) or len(set(second)) != len(second):
        raise ValueError("a ranking may hold no item twice")
    short, long = sorted((first, second), key=len)
    s, l = len(short), len(long)  # noqa: E741 (the paper's letters)
    if s == 0:
        return Metric("rbo", None, 0, None, 0.0, 1.0, RBO)
    overlap = [len(set(long[:d]) & set(short[:d])) for d in range(1, l + 1)]
    total = sum(x / d * p**d for d, x in enumerate(overlap, 1))
    total += sum(overlap[s - 1] * (d - s) / (s * d) * p**d for d in range(s + 1, l + 1))
    tail = (overlap[-1] - overlap[s - 1]) / l + overlap[s - 1] / s
    expected = None
    if set(first) == set(second):
        expected = (1 - p) / p * sum(d / l * p**d for d in range(1, l + 1)) + p**l
    return Metric("rbo", (1 - p) / p * total + tail * p**l, l, expected, 0.0, 1.0, RBO)
