"""Metrics against a known truth: accuracies in both orders, their changes, leniency, missed damage.

Verdicts are utilities of the response that is right (or better), so "correct" is a win; a tie is not correct. Grades
of single answers are 1 (judged right) or 0.
"""

from __future__ import annotations

import numpy as np

from voirdire.harness.statistics import metric_chance as chance
from voirdire.harness.statistics.metric_types import (
    Array,
    Metric,
    clean,
    mean_metric,
    numbers,
    paired,
    side,
    utilities,
)

__all__ = [
    "acc",
    "acc_hack",
    "acc_ori",
    "correct_both",
    "leniency",
    "p_c",
    "p_plus",
    "ranking_accuracy_drop",
    "rating_ranking_consistency",
    "rm_bench",
    "two_game_accuracy",
    "undetected_drop_rate",
    "undetected_drop_rate_pairwise",
]

LLMBAR = "Zeng et al. 2023, LLMBar, arXiv:2310.07641"
JUDGE_BENCH = "Tan et al. 2024, JudgeBench, arXiv:2410.12784"
CALM = "Ye et al. 2025, CALM, arXiv:2410.02736"
RM_BENCH = "Liu et al. 2024, RM-Bench, arXiv:2410.16184"
REWORDBENCH = "reWordBench"
THAKUR = "Thakur et al. 2024, Judging the Judges, arXiv:2406.12624"
LENIENCY = "voirdire, after Thakur et al. 2024, arXiv:2406.12624"
FBI = "Doddapaneni et al. 2024, FBI, arXiv:2406.13439"
PEERING = "Bansal et al. 2023, Peering through Preferences, arXiv:2308.15812"


def acc(orders: Array, *, tie: float = 0.0) -> Metric:
    """LLMBar's Acc.: mean over pairs and both orders of "the right response wins".

    `orders` is (cases, 2). Range [0, 1]; chance (1 - tie) / 2. Pairs with a null in either order are left out, so that
    position cannot leak in; the paper counts a null as wrong.

    Source: LLMBar. Example: [[1, 1], [1, 0]] -> 3/4.
    """
    (pairs,), left_out = clean(utilities(orders, name="orders", axes=2, orders=2))
    right = (side(pairs) > 0).mean(axis=1) if len(pairs) else np.empty(0)
    return mean_metric("acc", right, chance=chance.win(tie), source=LLMBAR, left_out=left_out)


def correct_both(orders: Array, *, tie: float = 0.0) -> Metric:
    """Share of pairs judged right in both orders (EvalBiasBench: pair accuracy).

    Range [0, 1]; chance ((1 - tie) / 2)^2. Source: LLMBar. Example: [[1, 1], [1, 0]] -> 1/2.
    """
    (pairs,), left_out = clean(utilities(orders, name="orders", axes=2, orders=2))
    right = np.min(side(pairs), axis=1) > 0
    return mean_metric("correct_both", right, chance=chance.win(tie) ** 2, source=LLMBAR, left_out=left_out)


def two_game_accuracy(orders: Array, *, tie: float = 0.0) -> Metric:
    """JudgeBench's accuracy: +1 for a right game, -1 for a wrong one, 0 for a tie; correct where the sum is above 0.

    A sum of 0 is a tie and not correct, so win + tie is correct and win + loss is not. Range [0, 1]; chance with
    p = (1 - tie) / 2: p^2 + 2 p tie, .25 without ties (not .5).

    Source: JudgeBench. Example: [[1, 1], [1, .5], [1, 0], [0, 0]] -> 2/4.
    """
    (pairs,), left_out = clean(utilities(orders, name="orders", axes=2, orders=2))
    p = chance.win(tie)
    return mean_metric(
        "two_game_accuracy",
        side(pairs).sum(axis=1) > 0,
        chance=p * p + 2 * p * tie,
        source=JUDGE_BENCH,
        left_out=left_out,
    )


def acc_ori(verdicts: Array, *, tie: float = 0.0) -> Metric:
    """CALM's Acc_ori: accuracy on the unchanged input. `verdicts` is (cases,).

    Range [0, 1]; chance (1 - tie) / 2. Example: [1, 1, 0, nan] -> 2/3, left_out = 1.
    """
    (v,), left_out = clean(utilities(verdicts, name="verdicts", axes=1))
    return mean_metric("acc_ori", side(v) > 0, chance=chance.win(tie), source=CALM, left_out=left_out)


def acc_hack(verdicts: Array, *, tie: float = 0.0) -> Metric:
    """CALM's Acc_hack: accuracy on the perturbed input. Read it against `acc_ori` of the *same* cases.

    Range [0, 1]; chance (1 - tie) / 2. Example: [1, 0, 0] -> 1/3.
    """
    (v,), left_out = clean(utilities(verdicts, name="verdicts", axes=1))
    return mean_metric("acc_hack", side(v) > 0, chance=chance.win(tie), source=CALM, left_out=left_out)


def ranking_accuracy_drop(before: Array, after: Array) -> Metric:
    """reWordBench's drop: accuracy(original) - accuracy(transformed), over pairs with a verdict on both.

    Both are (cases,) utilities of the chosen response. Range [-1, 1], positive when the transform hurts; chance 0.
    Example: before [1, 1, 1, 0], after [1, 0, 0, 0] -> 3/4 - 1/4 = .5.
    """
    a, b, left_out = paired(before, after, names=("before", "after"))
    drop = (side(a) > 0).astype(float) - (side(b) > 0)
    return mean_metric("ranking_accuracy_drop", drop, chance=0.0, source=REWORDBENCH, low=-1.0, left_out=left_out)


def rm_bench(matrix: Array, *, tie: float = 0.0) -> tuple[Metric, Metric, Metric]:
    """RM-Bench's (hard, normal, easy) accuracies.

    `matrix` is (cases, 3, 3): the utility of the chosen response, in chosen style i against rejected style j, styles
    in the order concise, detailed, detailed with markdown. Hard = mean of the upper triangle (a plain right answer
    against a fancier wrong one), normal = the diagonal, easy = the lower triangle. Range [0, 1]; chance (1 - tie) / 2.
    A judge with style bias has easy > normal > hard. A case with a null among its nine verdicts is left out.

    Source: RM-Bench. Example: one case won exactly where i >= j -> hard 0, normal 1, easy 1.
    """
    table = utilities(matrix, name="matrix", axes=3)
    if table.size == 0:
        table = np.empty((0, 3, 3))
    if table.shape[1:] != (3, 3):
        raise ValueError(f"matrix needs shape (cases, 3, 3), got {table.shape}")
    (table,), left_out = clean(table)
    right = side(table) > 0
    i, j = np.indices((3, 3))

    def part(name: str, cells: np.ndarray) -> Metric:
        values = right[:, cells].mean(axis=1) if len(right) else np.empty(0)
        return mean_metric(name, values, chance=chance.win(tie), source=RM_BENCH, left_out=left_out)

    return part("rm_bench_hard", j > i), part("rm_bench_normal", j == i), part("rm_bench_easy", j < i)


def _rates(grades: Array, truth: Array) -> tuple[float | None, float | None, int, int]:
    """True and false positive rate of grades, cases used, cases left out; a rate is None without such cases."""
    g = utilities(grades, name="grades", axes=1)
    y = utilities(truth, name="truth", axes=1)
    (g, y), left_out = clean(g, y)
    passed, right = side(g) > 0, side(y) > 0
    t = float(passed[right].mean()) if right.any() else None
    f = float(passed[~right].mean()) if (~right).any() else None
    return t, f, len(g), left_out


def p_c(grades: Array, truth: Array) -> Metric:
    """Thakur's P_c: how often the judge applies the criterion; otherwise it says "right" with probability P_+.

    From the true and false positive rates t = P_c + (1 - P_c) P_+ and f = (1 - P_c) P_+: P_c = t - f. (This solution of
    the stated model is ours; the paper's own estimator is in its appendix.) Range [-1, 1], negative when the judge is
    worse than a coin; chance 0. None without both right and wrong answers.

    Source: Thakur et al. Example: 4 right answers, 3 passed; 4 wrong ones, 1 passed -> .75 - .25 = .5.
    """
    t, f, n, left_out = _rates(grades, truth)
    value = None if t is None or f is None else t - f
    return Metric("p_c", value, n, 0.0, -1.0, 1.0, THAKUR, left_out)


def p_plus(grades: Array, truth: Array, *, yes: float = 0.5) -> Metric:
    """Thakur's P_+, the leniency: the probability of "right" when the criterion is not applied.

    P_+ = f / (1 - t + f), see `p_c`. Range [0, 1]; .5 is neither lenient nor strict. None where t = 1 and f = 0 (the
    criterion is always applied) or without both right and wrong answers. Chance: `yes`, the probability with which a
    judge that answers at random says "right" (exact for large n: the estimator is a ratio).

    Source: Thakur et al. Example: t = .75, f = .25 -> .25 / .5 = .5.
    """
    if not 0.0 <= yes <= 1.0:
        raise ValueError(f"yes is a probability, in [0, 1]; got {yes!r}")
    t, f, n, left_out = _rates(grades, truth)
    value = None if t is None or f is None or 1 - t + f == 0 else f / (1 - t + f)
    return Metric("p_plus", value, n, yes, 0.0, 1.0, THAKUR, left_out)


def leniency(grades: Array, truth: Array, *, yes: float = 0.5) -> Metric:
    """Share of answers the judge passes minus the share that is right: by how much it inflates a pass rate.

    Range [-1, 1]; 0 is neither lenient nor strict (errors to both sides may cancel: read `p_plus` beside it). Chance:
    `yes` minus the share that is right, `yes` the probability with which a judge that answers at random says "right".

    Source: ours; the quantity behind Thakur et al.'s score gaps. Example: passed 3 of 4, right 2 of 4 -> .25.
    """
    if not 0.0 <= yes <= 1.0:
        raise ValueError(f"yes is a probability, in [0, 1]; got {yes!r}")
    g = utilities(grades, name="grades", axes=1)
    y = utilities(truth, name="truth", axes=1)
    (g, y), left_out = clean(g, y)
    gap = (side(g) > 0).astype(float) - (side(y) > 0)
    expected = yes - float(np.mean(side(y) > 0)) if len(y) else None
    return mean_metric("leniency", gap, chance=expected, source=LENIENCY, low=-1.0, left_out=left_out)


def undetected_drop_rate(before: Array, after: Array, *, tie: float = 0.0) -> Metric:
    """FBI: share of damaged answers whose score does not fall, #{after >= before} / n.

    Scores of any scale, (cases,). Range [0, 1], 0 is best. Chance (1 + tie) / 2, `tie` the probability that two
    random scores are equal (1 / k on a scale of k equally likely marks). Where a score is the mean of several calls:
    `metric_chance.not_below`.

    Source: FBI. Example: before [8, 7, 6], after [5, 7, 9] -> 2/3.
    """
    a = numbers(before, name="before", axes=1)
    b = numbers(after, name="after", axes=1)
    (a, b), left_out = clean(a, b)
    # rounded first, so that equal means of several marks are equal
    stays = np.round(b - a, 9) >= 0
    return mean_metric("undetected_drop_rate", stays, chance=1 - chance.win(tie), source=FBI, left_out=left_out)


def undetected_drop_rate_pairwise(verdicts: Array, *, tie: float = 0.0) -> Metric:
    """FBI, pairwise: share of pairs (original, damaged) in which the original does not win.

    `verdicts` is (cases,), the utility of the original. Range [0, 1], 0 is best; chance (1 + tie) / 2.
    Source: FBI. Example: [1, .5, 0, 1] -> 2/4.
    """
    (v,), left_out = clean(utilities(verdicts, name="verdicts", axes=1))
    return mean_metric(
        "undetected_drop_rate_pairwise", side(v) <= 0, chance=1 - chance.win(tie), source=FBI, left_out=left_out
    )


def rating_ranking_consistency(score_a: Array, score_b: Array, verdicts: Array, *, tie: float = 0.0) -> Metric:
    """Share of pairs on which ratings and comparison agree.

    (#{A = B & tie} + #{A > B & A wins} + #{A < B & B wins}) / total; `verdicts` are utilities of A, all (cases,).
    Range [0, 1]. Chance: comparisons at random against the scores as they are, e tie + (1 - e)(1 - tie) / 2 with e the
    share of equal scores. (Bansal et al. report that feedback disagrees on 60 % of pairs.)

    Source: Bansal et al. Example: A [7, 5, 6], B [5, 5, 8], verdicts [1, .5, 1] -> 2/3.
    """
    a = numbers(score_a, name="score_a", axes=1)
    b = numbers(score_b, name="score_b", axes=1)
    v = utilities(verdicts, name="verdicts", axes=1)
    (a, b, v), left_out = clean(a, b, v)
    rated = np.sign(a - b)
    equal = float(np.mean(rated == 0)) if len(a) else 0.0
    expected = equal * tie + (1 - equal) * chance.win(tie) if len(a) else None
    return mean_metric(
        "rating_ranking_consistency", rated == side(v), chance=expected, source=PEERING, left_out=left_out
    )
