"""Where in the cases an effect sits: accuracy and the worst effects by category, language, length and other marks.

Exploration, not decisions: every number has its own interval, and whether a slice differs from the rest of the cases
is tested with the false discovery rate held over all of them. Dimensions are the small text fields of `Case.meta`
(category and lang first) and the length of the responses in thirds.

A slice is often small, and eight cases that all agree have no spread of their own: a difference of two means over its
standard error then takes chance for a discovery. So the test is a permutation test: if the slice is as the rest, every
choice of as many cases (clusters) of all was as likely. Its tail comes from the first four moments of that
distribution, which are exact or nearly so and cost one pass over the data, where p as small as many comparisons need
would take very many shuffles.

Sources: E. Pitman, JRSS Supplement 4 (1937), permutation of two samples; P. Mielke and K. Berry, Permutation Methods
(2001), its tail by a Pearson type III of the same three moments; P. Bickel and W. van Zwet, Annals of Statistics 6
(1978), the fourth; Y. Benjamini and Y. Hochberg, JRSS B 57 (1995), the false discovery rate.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
from scipy.special import gammainc, gammaincc, ndtr, stdtr

from voirdire.harness.cases import Case
from voirdire.harness.findings import Finding, SliceValue
from voirdire.harness.plan import Plan
from voirdire.harness.statistics.arms import Answers
from voirdire.harness.statistics.discrimination import accuracy_values
from voirdire.harness.statistics.estimands import Measured
from voirdire.harness.statistics.means import Mean, estimate

__all__ = ["ACCURACY", "benjamini_hochberg", "dimensions_of", "slices"]

#: name of the measure "does it tell good answers from bad"
ACCURACY = "accuracy"
#: a field of meta with more values than this names cases, not kinds of cases
MOST_VALUES = 12
MOST_DIMENSIONS = 6
#: effects that are looked at by slice, the worst first
MOST_PROBES = 6
#: characters of a value that are kept
VALUE_LENGTH = 60
#: fewer cases than this on either side are not tested against each other
LEAST_TESTED = 8


def slices(
    plan: Plan,
    answers: Answers,
    measured: Sequence[Measured | None],
    findings: Sequence[Finding],
    *,
    alpha: float,
) -> tuple[SliceValue, ...]:
    """Every measure in every slice with its 1 - alpha interval; empty where the cases fall into no slices."""
    dimensions = dimensions_of(plan.cases)
    if not dimensions:
        return ()
    columns = dict(_columns(plan, answers, measured, findings))
    clusters = np.unique(plan.groups, return_inverse=True)[1]
    found: list[tuple[str, str, str, Mean, float | None]] = []
    for dimension, values in dimensions.items():
        for value in _in_order(dimension, values):
            inside = np.asarray([v == value for v in values])
            for measure, column in columns.items():
                low = 0.0 if measure == ACCURACY else -1.0
                here = estimate(np.where(inside, column, np.nan), plan.groups, lo=low)
                if here is not None:
                    found.append((dimension, value, measure, here, _difference_p(column, inside, clusters)))
    adjusted = iter(benjamini_hochberg([p for *_, p in found if p is not None]))
    return tuple(
        SliceValue(
            dimension=dimension,
            value=value,
            measure=measure,
            mean=mean.mean,
            low=mean.lower(alpha / 2),
            high=mean.upper(alpha / 2),
            n=mean.count,
            p_adjusted=None if p is None else next(adjusted),
        )
        for dimension, value, measure, mean, p in found
    )


def dimensions_of(cases: Sequence[Case]) -> dict[str, list[str]]:
    """The slices of each case by dimension, "" where a case has none; dimensions with one slice only are left out."""
    out: dict[str, list[str]] = {}
    named = Counter(key for case in cases for key in case.meta if not key.startswith("voirdire."))
    for key in sorted(named, key=lambda k: ({"category": 0, "lang": 1}.get(k, 2), k)):
        values = [_word(case.meta.get(key)) for case in cases]
        kinds = {v for v in values if v}
        # a value of its own for every second case is an id
        if 2 <= len(kinds) <= MOST_VALUES and len(kinds) <= sum(map(bool, values)) / 2:
            out["language" if key == "lang" else key] = values
        if len(out) == MOST_DIMENSIONS:
            break
    lengths = _thirds([sum(map(len, case.responses)) for case in cases])
    return {**out, "length": lengths} if lengths else out


def _word(value: object) -> str:
    """A value of meta as the name of a slice; "" for what names none (numbers measure, they do not name)."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value.strip() if isinstance(value, str) and len(value) <= VALUE_LENGTH else ""


def _in_order(dimension: str, values: Sequence[str]) -> list[str]:
    """The slices of a dimension: lengths from short to long, others as they come."""
    found = dict.fromkeys(v for v in values if v)
    short = ("up to", "over")
    return (
        sorted(found, key=lambda v: (v.startswith(short[1]), not v.startswith(short[0])))
        if dimension == "length"
        else list(found)
    )


def _thirds(lengths: Sequence[int]) -> list[str]:
    """The third in which each length lies, named by its bounds; empty where the lengths do not differ enough."""
    low, high = (int(x) for x in np.quantile(lengths, (1 / 3, 2 / 3))) if lengths else (0, 0)
    if not min(lengths, default=0) <= low < high < max(lengths, default=0):
        return []
    names = (f"up to {low:,} characters", f"{low + 1:,} to {high:,} characters", f"over {high:,} characters")
    return [names[0 if n <= low else 1 if n <= high else 2] for n in lengths]


def _columns(
    plan: Plan, answers: Answers, measured: Sequence[Measured | None], findings: Sequence[Finding]
) -> Iterator[tuple[str, np.ndarray]]:
    """Accuracy and the worst effects as one number a case, NaN where there is none."""
    measure, values = accuracy_values(plan, answers)
    # within a slice the classes have another balance, so a weighted accuracy has no meaning there
    if measure != "balanced accuracy" and not np.isnan(values).all():
        yield ACCURACY, values
    known = [(f, m) for f, m in zip(findings, measured, strict=True) if m is not None and f.estimand in m.contrasts]
    ranked = sorted(known, key=lambda pair: (pair[0].decision != "violated", -abs(pair[0].effect or 0), pair[0].probe))
    for finding, m in ranked[:MOST_PROBES]:
        assert finding.estimand is not None
        contrast = m.contrasts[finding.estimand]
        column = np.full(len(plan.cases), np.nan)
        column[contrast.cases] = contrast.values
        yield finding.probe, column


def _difference_p(values: np.ndarray, inside: np.ndarray, clusters: np.ndarray) -> float | None:
    """Two-sided p of "this slice is as the rest"; None where there is too little to tell. NaN: no value.

    `clusters` are numbered from 0. The units are clusters, and of a cluster that lies in both its two parts.
    """
    known = ~np.isnan(values)
    units = 2 * clusters[known] + inside[known]
    present = np.flatnonzero(np.bincount(units))
    sums = np.bincount(units, weights=values[known] - values[known].mean())[present]
    chosen = present % 2 == 1
    if min(int(chosen.sum()), int((~chosen).sum())) < LEAST_TESTED or float(sums @ sums) < 1e-18:
        return None
    return _permutation_p(sums, chosen)


def _permutation_p(values: np.ndarray, chosen: np.ndarray) -> float:
    """Two-sided p of the sum of the `chosen` values, which add up to 0 in all, among all choices of as many."""
    n, k = values.size, int(chosen.sum())
    share = k / n * (1 - k / n)
    squares = values * values
    variance = float(squares.mean())
    skew = float(squares @ values) / n / variance**1.5 * (n - 2 * k) / (n - 2) * math.sqrt((n - 1) / (k * (n - k)))
    kurtosis = (1 - 6 * share) * (float(squares @ squares) / n / variance**2 - 3) / (share * n) - 6 / n
    z = float(values[chosen].sum()) / math.sqrt(n * share * n / (n - 1) * variance)
    # tails that are heavier than the skewness makes them: Student's t of the kurtosis that is left
    left = kurtosis - 1.5 * skew**2
    df = 4 + 6 / left if left > 1e-3 else math.inf
    tail = float(ndtr(-abs(z)) if math.isinf(df) else stdtr(df, -abs(z) * math.sqrt(df / (df - 2))))
    if abs(skew) > 1e-3:
        shape = 4 / skew**2
        at = max(0.0, shape + 2 * z / skew)
        # a gamma distribution, turned round where the skewness is negative: z grows as `at` falls
        up, down = float(gammaincc(shape, at)), float(gammainc(shape, at))
        tail = max(tail, min(up, down))
    return min(1.0, 2 * tail)


def benjamini_hochberg(p: Sequence[float]) -> list[float]:
    """Adjusted p: those below a level hold the share of false discoveries below it, in the mean."""
    order = sorted(range(len(p)), key=lambda i: -p[i])
    adjusted, least = [0.0] * len(p), 1.0
    for place, i in enumerate(order):
        least = min(least, p[i] * len(p) / (len(p) - place))
        adjusted[i] = least
    return adjusted
