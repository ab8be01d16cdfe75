"""Metrics of sameness under a perturbation: CALM's rates, METAL's effectiveness, spread over prompt paraphrases.

None of them knows a direction or the judge's own noise by itself: print RR beside CR, and either beside an accuracy.
"""

from __future__ import annotations

import math

import numpy as np

from voirdire.harness.statistics import metric_chance as chance
from voirdire.harness.statistics.metric_types import Array, Metric, clean, mean_metric, numbers, paired, side

__all__ = ["cr", "efm", "error_rate_ra", "error_rate_se", "prompt_sensitivity", "rr"]

CALM = "Ye et al. 2025, CALM, arXiv:2410.02736"
METAL = "Hyun et al. 2023, METAL, arXiv:2312.06056"
STATE_OF_WHAT_ART = "Mizrahi et al. 2024, State of What Art, arXiv:2401.00595"


def rr(original: Array, perturbed: Array, *, tie: float = 0.0) -> Metric:
    """CALM's robustness rate RR: share of cases whose verdict is the same on the perturbed input.

    RR = mean I(y = y^), both (cases,) in the frame of one content. Range [0, 1]; chance (1 - tie)^2 / 2 + tie^2. Two
    nulls are no agreement. An RR of .90 beside a CR of .90 is the judge's own noise and no effect of the perturbation.

    Source: CALM. Example: original [1, 0, .5, 1], perturbed [1, 1, .5, nan] -> 2/3, left_out = 1.
    """
    a, b, left_out = paired(original, perturbed, names=("original", "perturbed"))
    return mean_metric("rr", side(a) == side(b), chance=chance.same(tie), source=CALM, left_out=left_out)


def cr(original: Array, repeat: Array, *, tie: float = 0.0) -> Metric:
    """CALM's consistency rate CR: share of cases whose verdict is the same on a second, unchanged run.

    CR = mean I(y = y_rand). Range [0, 1]; chance (1 - tie)^2 / 2 + tie^2. Source: CALM.
    Example: original [1, 0, 1], repeat [1, 0, 0] -> 2/3.
    """
    a, b, left_out = paired(original, repeat, names=("original", "repeat"))
    return mean_metric("cr", side(a) == side(b), chance=chance.same(tie), source=CALM, left_out=left_out)


def _error_rate(name: str, top: np.ndarray, bottom: np.ndarray) -> Metric:
    (a, b), left_out = clean(top, bottom)
    divisor = float(np.mean(b)) if len(b) else 0.0
    value = abs(1.0 - float(np.mean(a)) / divisor) if divisor != 0 else None
    return Metric(name, value, len(a), None, 0.0, math.inf, CALM, left_out)


def error_rate_se(y_self: Array, y_other: Array) -> Metric:
    """CALM's ErrorRate_SE = |1 - y_self / y_other| for self-enhancement.

    `y_self` are the judge's scores of its own answers, `y_other` those other judges give to the same answers, both
    (cases,) and not negative; y is their mean over the cases scored by both (a ratio of means: one zero score does not
    make it infinite). Range [0, inf); None where the mean of `y_other` is 0. No chance value: the absolute value of a
    noisy ratio has none without knowing the scores' spread; it tends to 0 for a judge that ignores authorship.

    Source: CALM. Example: y_self [9, 9], y_other [8, 7] -> |1 - 9 / 7.5| = .2.
    """
    return _error_rate(
        "error_rate_se",
        numbers(y_self, name="y_self", axes=1, low=0.0),
        numbers(y_other, name="y_other", axes=1, low=0.0),
    )


def error_rate_ra(y_ref: Array, y_ref_history: Array) -> Metric:
    """CALM's ErrorRate_RA = |1 - y_ref / y'_ref| for refinement awareness.

    `y_ref` are the scores of refined answers alone, `y_ref_history` of the same answers shown with the history of their
    refinement; means as in `error_rate_se`. Range [0, inf); None where the mean of y'_ref is 0; no chance value.

    Source: CALM. Example: y_ref [6, 8], y_ref_history [7, 9] -> |1 - 7 / 8| = .125.
    """
    return _error_rate(
        "error_rate_ra",
        numbers(y_ref, name="y_ref", axes=1, low=0.0),
        numbers(y_ref_history, name="y_ref_history", axes=1, low=0.0),
    )


def efm(failed: Array, quality: Array, *, tie: float = 0.0) -> Metric:
    """METAL's effectiveness EFM = M-ASR x perturbation quality.

    `failed` is (cases,): 1 where the metamorphic relation is broken, 0 where it holds; `quality` is the semantic
    similarity of the original and the perturbed text, in [0, 1]. The product of the two means: an attack that breaks
    the judge by destroying the text is not effective. Range [0, 1]. Chance (equivalence relations): mean quality times
    1 - ((1 - tie)^2 / 2 + tie^2).

    Source: METAL. Example: failed [1, 0, 1, 1], quality [.9, .8, .7, .6] -> .75 x .75 = .5625.
    """
    f = numbers(failed, name="failed", axes=1, low=0.0, high=1.0)
    q = numbers(quality, name="quality", axes=1, low=0.0, high=1.0)
    (f, q), left_out = clean(f, q)
    if not len(f):
        return Metric("efm", None, 0, None, 0.0, 1.0, METAL, left_out)
    mean_quality = float(np.mean(q))
    value = float(np.mean(f)) * mean_quality
    return Metric("efm", value, len(f), chance.changed(tie) * mean_quality, 0.0, 1.0, METAL, left_out)


def prompt_sensitivity(performance: Array) -> tuple[Metric, Metric, Metric, Metric]:
    """(MaxP, AvgP, Sat, CPS) over paraphrases of the judge's prompt.

    `performance` is (paraphrases,), each the judge's accuracy (or another score in [0, 1]) under one wording; n counts
    paraphrases. MaxP = max, AvgP = mean, Sat = 1 - (MaxP - AvgP): 1 when no wording matters, CPS = Sat x MaxP. Range
    [0, 1] each. No chance value: they are functions of another metric, whose own chance value applies to AvgP (MaxP of
    noisy numbers lies above it, the more so the more paraphrases are tried).

    Source: Mizrahi et al. Example: [.8, .6, .7] -> MaxP .8, AvgP .7, Sat .9, CPS .72.
    """
    p = numbers(performance, name="performance", axes=1, low=0.0, high=1.0)
    (p,), left_out = clean(p)
    values: tuple[float | None, ...] = (None,) * 4
    if len(p):
        best, mean = float(p.max()), float(p.mean())
        sat = 1.0 - (best - mean)
        values = best, mean, sat, sat * best
    maxp, avgp, sat_metric, cps = (
        Metric(name, value, len(p), None, 0.0, 1.0, STATE_OF_WHAT_ART, left_out)
        for name, value in zip(("maxp", "avgp", "sat", "cps"), values, strict=True)
    )
    return maxp, avgp, sat_metric, cps
