"""Recorded verdicts against labels, against their own repeats, and judges against each other.

Nulls are no verdicts: they are counted apart and enter no figure. Coefficients come from metric_agreement.py and
jury.py; intervals are those of means.py, the case (or its group) being the unit.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np

from voirdire.harness.cases import Task
from voirdire.harness.observations import Agreement, Between, PairAgreement, Stability
from voirdire.harness.statistics.jury import jury_report
from voirdire.harness.statistics.means import estimate
from voirdire.harness.statistics.metric_agreement import cohen_kappa, krippendorff_alpha
from voirdire.harness.verdicts import Scale

__all__ = ["MOST_JUDGES", "agreement", "between", "stability"]

#: judges compared pair by pair at most
MOST_JUDGES = 26
#: series of repeats beyond which alpha, which is slow, is read off this many of them
_MOST_SERIES = 3_000


def agreement(
    said: np.ndarray,
    truth: np.ndarray,
    cases: np.ndarray,
    groups: np.ndarray,
    *,
    task: Task,
    scale: Scale,
    alpha: float,
) -> Agreement | None:
    """Verdicts against labels, one row a call: `said` and `truth` are codes of the same kind (pairs: utility of
    response 0; grades 0 or 1; scores: shares of the scale; rankings: the index on top), `said` NaN for a null, `truth`
    NaN without a label. `cases` and `groups` (rows,) number the case and its cluster. None without a label."""
    labelled = ~np.isnan(truth)
    if not labelled.any():
        return None
    said, truth, cases, groups = said[labelled], truth[labelled], cases[labelled], groups[labelled]
    given = ~np.isnan(said)
    n, nulls = int(given.sum()), int((~given).sum())
    said, truth, cases, groups = said[given], truth[given], cases[given], groups[given]
    if not n:
        return Agreement(0, nulls)
    half = alpha / 2
    gap = said - truth if task == "score" else (np.abs(said - truth) < 1e-9).astype(float)
    _, first, index = np.unique(cases, return_index=True, return_inverse=True)
    per_case = np.bincount(index, weights=gap) / np.bincount(index)
    mean = estimate(per_case, groups[first], lo=-1.0 if task == "score" else 0.0)
    assert mean is not None
    if task != "score":
        kappa = cohen_kappa(said, truth).value if task != "ranking" else None
        return Agreement(n, nulls, mean.mean, mean.lower(half), mean.upper(half), kappa)
    return Agreement(
        n,
        nulls,
        kappa=_weighted_kappa(said, truth, scale),
        pearson=_correlation(said, truth),
        spearman=_correlation(_ranks(said), _ranks(truth)),
        bias=mean.mean,
        bias_low=mean.lower(half),
        bias_high=mean.upper(half),
    )


def _weighted_kappa(said: np.ndarray, truth: np.ndarray, scale: Scale) -> float | None:
    """Quadratic, where both give the whole numbers of a scale of 2 to 11 marks."""
    steps = scale.high - scale.low
    if steps != round(steps) or not 1 <= steps <= 10:
        return None
    a, b = said * steps, truth * steps
    if max(np.max(np.abs(a - np.round(a))), np.max(np.abs(b - np.round(b)))) > 1e-6:
        return None
    marks = [float(k) for k in range(int(steps) + 1)]
    return cohen_kappa(np.round(a), np.round(b), weights="quadratic", categories=marks).value


def _correlation(a: np.ndarray, b: np.ndarray) -> float | None:
    if len(a) < 3 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return None
    return float(np.clip(np.corrcoef(a, b)[0, 1], -1.0, 1.0))


def _ranks(x: np.ndarray) -> np.ndarray:
    """Ranks from 1; ties share their mean rank."""
    _, index, counts = np.unique(x, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    ranks: np.ndarray = (last - (counts - 1) / 2)[index]
    return ranks


def stability(
    series: Sequence[Sequence[float]], groups: Sequence[int], *, task: Task, alpha: float
) -> Stability | None:
    """Repeats of one question in one order, a row a question; nulls left out. None where nothing was asked twice."""
    asked = np.array([len(row) for row in series])
    if not np.any(asked >= 2):
        return None
    found = np.empty((len(series), 4))  # differing pairs, all equal, share of the commonest, distance
    for length in np.unique(asked[asked >= 2]).tolist():
        at = np.nonzero(asked == length)[0].tolist()
        found[at] = _repeats(np.array([series[i] for i in at]))
    kept = asked >= 2
    mean = estimate(found[kept, 0], np.asarray(groups)[kept], lo=0.0)
    assert mean is not None
    longest = int(asked.max())
    some = np.nonzero(kept)[0][:_MOST_SERIES].tolist()
    table = np.array([[*series[i], *([math.nan] * (longest - len(series[i])))] for i in some])
    coefficient = krippendorff_alpha(table, level="ordinal" if task == "score" else "nominal").value
    equal, modal, distance = (float(v) for v in found[kept, 1:].mean(axis=0))
    low, high = mean.lower(alpha / 2), mean.upper(alpha / 2)
    return Stability(int(kept.sum()), longest, mean.mean, low, high, equal, modal, distance, coefficient)


def _repeats(table: np.ndarray) -> np.ndarray:
    """(questions, 4) of (questions, repeats), at least two and none missing. In order, equal verdicts are runs."""
    table = np.sort(table, axis=1)
    n, length = table.shape
    pairs = length * (length - 1) / 2
    run = np.zeros((n, length), dtype=int)
    run[:, 1:] = np.cumsum(np.diff(table, axis=1) > 1e-9, axis=1)
    counts = np.bincount((run + length * np.arange(n)[:, None]).ravel(), minlength=n * length).reshape(n, length)
    same = (counts * (counts - 1) / 2).sum(axis=1)
    # the sum of all differences of a sorted row: each value counts once for every smaller and off for every larger one
    distance = table @ (2.0 * np.arange(length) - length + 1) / pairs
    commonest = counts.max(axis=1)
    return np.column_stack([1 - same / pairs, commonest == length, commonest / length, distance])


def between(task: Task, ratings: Mapping[str, Mapping[object, float]], truth: Mapping[object, float]) -> Between | None:
    """Judges on the questions that two or more of them answered. `ratings`: judge -> question -> code, nulls absent;
    `truth`: question -> 0 or 1 where a label says so. None with one judge, or without a common question."""
    judges = list(ratings)[:MOST_JUDGES]
    asked: dict[object, int] = {}
    for judge in judges:
        for question in ratings[judge]:
            asked[question] = asked.get(question, 0) + 1
    questions = [q for q, n in asked.items() if n >= 2]
    if len(judges) < 2 or not questions:
        return None
    table = np.array([[ratings[j].get(q, np.nan) for j in judges] for q in questions])
    level: Literal["nominal", "interval"] = "interval" if task == "score" else "nominal"
    right = np.array([truth.get(q, np.nan) for q in questions])
    known = None if task in ("score", "ranking") or np.isnan(right).all() else right
    report = jury_report(table, known, level=level)
    return Between(
        task,
        tuple(judges),
        len(questions),
        report.alpha.value,
        level,
        tuple(
            PairAgreement(judges[p.first], judges[p.second], p.n, p.same, p.kappa, p.error_correlation)
            for p in report.pairs
        ),
        report.effective,
    )
