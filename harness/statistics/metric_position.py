"""Metrics of order and of repetition: does the verdict follow the content, and is it the same when asked again?

Argument `orders` is (cases, 2): the utility of one fixed content shown in the first slot (given) and in the second
(swapped). Not here: the signed, noise-cancelling effect that decides a finding (estimands.py).
"""

from __future__ import annotations

import math

import numpy as np

from voirdire.harness.statistics import metric_chance as chance
from voirdire.harness.statistics.metric_types import Array, Metric, clean, mean_metric, side, utilities

__all__ = [
    "agr",
    "biased_to_first",
    "biased_to_second",
    "bpde",
    "bpde_by_case",
    "conflict_rate",
    "delta_bias",
    "position_consistency",
    "preference_fairness",
    "repetition_stability",
    "total_bias",
]

MT_BENCH = "Zheng et al. 2023, MT-Bench, arXiv:2306.05685"
FAIR_EVAL = "Wang et al. 2023, Not Fair Evaluators, arXiv:2305.17926"
JUDGE_LM = "Zhu et al. 2023, JudgeLM, arXiv:2310.17631"
LLMBAR = "Zeng et al. 2023, LLMBar, arXiv:2310.07641"
SHI = "Shi et al. 2024, Judging the Judges, arXiv:2406.07791"


def _sides(orders: Array) -> tuple[np.ndarray, int]:
    (pairs,), left_out = clean(utilities(orders, name="orders", axes=2, orders=2))
    return side(pairs), left_out


def position_consistency(orders: Array, *, tie: float = 0.0) -> Metric:
    """Share of pairs with the same winner in both orders; tie twice is consistent.

    PC = #{v = v_swapped} / #{valid pairs}, in [0, 1]. Pairs with a null in either order are no valid pairs. Chance:
    (1 - tie)^2 / 2 + tie^2. A judge that is always wrong, or always says tie, scores 1: read it beside `acc`.

    Source: MT-Bench (consistency), LLMBar (Agr.), Shi et al. (PC).
    Example: [[1, 1], [1, 0], [.5, .5], [1, nan]] -> 2/3 on n = 3, left_out = 1.
    """
    s, left_out = _sides(orders)
    return mean_metric(
        "position_consistency", s[:, 0] == s[:, 1], chance=chance.same(tie), source=MT_BENCH, left_out=left_out
    )


def agr(orders: Array, *, tie: float = 0.0) -> Metric:
    """LLMBar's Agr.: position consistency under its published name. Two nulls are no agreement here (theirs are).

    Range [0, 1]; chance (1 - tie)^2 / 2 + tie^2. Example: [[1, 1], [1, 0]] -> .5.
    """
    s, left_out = _sides(orders)
    return mean_metric("agr", s[:, 0] == s[:, 1], chance=chance.same(tie), source=LLMBAR, left_out=left_out)


def conflict_rate(orders: Array, *, tie: float = 0.0) -> Metric:
    """Share of pairs whose verdict changes when the order is swapped: 1 - position consistency.

    Range [0, 1]; chance 1 - ((1 - tie)^2 / 2 + tie^2), so .5 without ties. The paper divides by all pairs, having no
    nulls; here pairs with a null are left out.

    Source: FairEval. Example: [[1, 1], [1, 0], [.5, 1]] -> 2/3.
    """
    s, left_out = _sides(orders)
    return mean_metric(
        "conflict_rate", s[:, 0] != s[:, 1], chance=chance.changed(tie), source=FAIR_EVAL, left_out=left_out
    )


def biased_to_first(orders: Array, *, tie: float = 0.0) -> Metric:
    """Share of pairs in which slot 1 wins in both orders: #{given = win, swapped = loss} / n.

    Range [0, 1]; chance ((1 - tie) / 2)^2 (.25: CoBBLEr's random threshold for order). Shifts to or from a tie do not
    count, unlike in `delta_bias`.

    Source: MT-Bench. Example: [[1, 0], [1, 1], [.5, 0], [0, 1]] -> .25.
    """
    s, left_out = _sides(orders)
    first = (s[:, 0] > 0) & (s[:, 1] < 0)
    return mean_metric("biased_to_first", first, chance=chance.win(tie) ** 2, source=MT_BENCH, left_out=left_out)


def biased_to_second(orders: Array, *, tie: float = 0.0) -> Metric:
    """Share of pairs in which slot 2 wins in both orders: #{given = loss, swapped = win} / n.

    Range [0, 1]; chance ((1 - tie) / 2)^2. Source: MT-Bench. Example: [[1, 0], [1, 1], [.5, 0], [0, 1]] -> .25.
    """
    s, left_out = _sides(orders)
    second = (s[:, 0] < 0) & (s[:, 1] > 0)
    return mean_metric("biased_to_second", second, chance=chance.win(tie) ** 2, source=MT_BENCH, left_out=left_out)


def delta_bias(orders: Array, *, tie: float = 0.0) -> Metric:
    """JudgeLM's delta bias: |before - after| / n.

    `before` counts the pairs whose verdict shifts towards the first slot when read in slots, `after` those towards the
    second; shifts to or from a tie are included. Range [0, 1]. Chance is not 0: the absolute value of a random balance
    is E|B - A| / n, about sqrt(2 q / (pi n)) with q = 1 - ((1 - tie)^2 / 2 + tie^2); given exactly for the n at hand.

    Source: JudgeLM (its code drops unparseable gold but keeps unparseable predictions; here both orders must parse).
    Example: [[1, 0], [.5, 0], [1, .5], [0, 1]] -> |3 - 1| / 4 = .5.
    """
    s, left_out = _sides(orders)
    n = len(s)
    shift = np.sign(s[:, 0] - s[:, 1])
    value = abs(float(np.mean(shift))) if n else None
    return Metric(
        "delta_bias", value, n, chance.balance(n, chance.changed(tie)) if n else None, 0.0, 1.0, JUDGE_LM, left_out
    )


def total_bias(orders: Array, *, tie: float = 0.0) -> Metric:
    """JudgeLM's total bias: (before + after) / n, shifts to or from a tie included.

    Range [0, 1]; chance 1 - ((1 - tie)^2 / 2 + tie^2). With verdicts win, tie, loss it equals the conflict rate.
    Example: [[1, 0], [.5, 0], [1, 1], [0, 1]] -> 3/4.
    """
    s, left_out = _sides(orders)
    return mean_metric("total_bias", s[:, 0] != s[:, 1], chance=chance.changed(tie), source=JUDGE_LM, left_out=left_out)


def preference_fairness(orders: Array) -> Metric:
    """Shi et al.'s preference fairness PF: -1 all primacy, 0 fair, +1 all recency.

    r (p) counts inconsistent pairs that favour the second (first) slot, shifts to or from a tie included. PF_raw =
    rcn * irr - pcn * ipr with rcn = r / n, pcn = p / n, irr = r / (r + p), ipr = p / (r + p); then PF =
    2 (PF_raw - S_min) / (S_max - S_min) - 1. S_min = -1 and S_max = +1 is our convention: the extremes that PF_raw can
    reach, every pair inconsistent to one side (the authors' code rescales counts by -n and +n, which is the same). So
    PF = (r - p) / n, and |PF| is JudgeLM's delta bias. Without an inconsistent pair PF = 0. Chance 0.

    Source: Shi et al. Example: [[1, 0], [1, .5], [0, 1], [1, 1]]: r = 1, p = 2, n = 4 ->
    (1/4)(1/3) - (2/4)(2/3) = -.25.
    """
    s, left_out = _sides(orders)
    n = len(s)
    if n == 0:
        return Metric("preference_fairness", None, 0, 0.0, -1.0, 1.0, SHI, left_out)
    recency = float(np.sum(s[:, 1] > s[:, 0]))
    primacy = float(np.sum(s[:, 1] < s[:, 0]))
    inconsistent = recency + primacy
    raw = (recency / n * recency - primacy / n * primacy) / inconsistent if inconsistent else 0.0
    s_min, s_max = -1.0, 1.0
    value = 2 * (raw - s_min) / (s_max - s_min) - 1
    return Metric("preference_fairness", value, n, 0.0, -1.0, 1.0, SHI, left_out)


def repetition_stability(repeats: Array, *, tie: float = 0.0) -> Metric:
    """Shi et al.'s repetition stability RS: mean over series of the share of the commonest verdict.

    RS = (1/N) sum_j max_k C_k^j / n_j; `repeats` is (cases, samples) of one order. n_j counts the verdicts of series j:
    a null is no verdict, so it shortens the series; a series of fewer than two is left out, since it is stable by
    definition. Range [0, 1] (never below 1/3 with three outcomes). Chance: exact expectation for the series lengths at
    hand, .75 for three repeats without ties: an RS of .75 from three repeats is pure noise.

    Source: Shi et al. (three repeats). Example: [[1, 1, 0], [1, 1, 1]] -> (2/3 + 1) / 2 = 5/6.
    """
    s = side(utilities(repeats, name="repeats", axes=2))
    lengths = np.sum(~np.isnan(s), axis=1)
    keep = lengths >= 2
    modes = np.max([np.sum(s == outcome, axis=1) for outcome in (-1, 0, 1)], axis=0)
    shares = modes[keep] / lengths[keep]
    p = chance.outcomes(tie)
    known = {int(k): chance.modal_share(int(k), p) for k in np.unique(lengths[keep])}
    expected = float(np.mean([known[int(k)] for k in lengths[keep]])) if known else None
    return mean_metric(
        "repetition_stability", shares, chance=expected, source=SHI, left_out=int(keep.size - keep.sum())
    )


def bpde_by_case(votes: Array) -> np.ndarray:
    """BPDE of every case, in nats, NaN with fewer than two verdicts: FairEval hands the largest to a person.

    `votes` is (cases, orders, samples). -sum p ln p over the shares of win, tie and lose among the case's verdicts.
    """
    s = side(utilities(votes, name="votes", axes=3))
    s = s.reshape(len(s), -1) if s.size else np.empty((0, 0))
    lengths = np.sum(~np.isnan(s), axis=1)
    result = np.full(len(s), np.nan)
    keep = lengths >= 2
    total = np.zeros(int(keep.sum()))
    for outcome in (-1, 0, 1):
        share = np.sum(s[keep] == outcome, axis=1) / lengths[keep]
        total -= share * np.log(np.where(share > 0, share, 1.0))
    result[keep] = np.abs(total)  # a unanimous case is 0, not -0
    return result


def bpde(votes: Array, *, tie: float = 0.0) -> Metric:
    """Mean balanced position diversity entropy: how much verdicts differ over both orders and k samples.

    BPDE = -sum over {win, tie, lose} of p ln p, p the shares among a case's 2k verdicts; natural logarithm, range
    [0, ln 3 = 1.0986]. `votes` is (cases, 2, samples). A null is no verdict; a case with fewer than two verdicts is
    left out. Chance: the exact expectation of this plug-in entropy for the numbers of verdicts at hand.

    Source: FairEval. Example: one case, votes [[1, 1], [0, 0]]: p = (1/2, 0, 1/2) -> ln 2 = .6931.
    """
    values = bpde_by_case(votes)
    keep = ~np.isnan(values)
    lengths = (
        np.sum(~np.isnan(np.asarray(votes, dtype=float).reshape(len(values), -1)), axis=1) if len(values) else keep
    )
    p = chance.outcomes(tie)
    known = {int(k): chance.entropy(int(k), p) for k in np.unique(lengths[keep])}
    expected = float(np.mean([known[int(k)] for k in lengths[keep]])) if known else None
    return mean_metric(
        "bpde",
        values[keep],
        chance=expected,
        source=FAIR_EVAL,
        high=math.log(3),
        left_out=int(keep.size - keep.sum()),
    )
