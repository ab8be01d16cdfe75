"""Metrics against a known truth: worked examples by hand, ties and degenerate cases."""

from __future__ import annotations

import math

import numpy as np
import pytest

from voirdire.harness.statistics.metric_accuracy import (
    acc,
    acc_hack,
    acc_ori,
    correct_both,
    leniency,
    p_c,
    p_plus,
    ranking_accuracy_drop,
    rating_ranking_consistency,
    rm_bench,
    two_game_accuracy,
    undetected_drop_rate,
    undetected_drop_rate_pairwise,
)

NULL = math.nan
# utility of the right response, [given, swapped]
ORDERS = [[1, 1], [1, 0], [1, 0.5], [0.5, 0.5], [0, 0], [NULL, 1]]


def test_acc_and_correct_both() -> None:
    # orders won: 2, 1, 1, 0, 0 of 2 each; the pair with a null counts nowhere
    assert acc(ORDERS).value == pytest.approx(4 / 10)
    assert correct_both(ORDERS).value == pytest.approx(1 / 5)
    assert acc(ORDERS).left_out == 1
    assert correct_both(ORDERS).chance == 0.25


def test_two_game_accuracy_needs_a_positive_sum() -> None:
    # sums +2, 0, +1, 0, -2: two of five; a split pair is a tie and not correct
    metric = two_game_accuracy(ORDERS)
    assert metric.value == pytest.approx(2 / 5)
    # tie = .5: p = .25: p^2 + 2 p t = .0625 + .25
    assert two_game_accuracy(ORDERS, tie=0.5).chance == pytest.approx(0.3125)
    assert metric.chance == 0.25


def test_calm_accuracies_do_not_count_ties_as_right() -> None:
    assert acc_ori([1, 0.5, 0, 1, NULL]).value == pytest.approx(2 / 4)
    assert acc_hack([1, 0, 0]).value == pytest.approx(1 / 3)


def test_ranking_accuracy_drop_uses_pairs_with_both_verdicts() -> None:
    # usable: (1, 1), (1, 0), (1, .5), (0, 0): 3/4 - 1/4
    metric = ranking_accuracy_drop([1, 1, 1, 0, 1], [1, 0, 0.5, 0, NULL])
    assert (metric.value, metric.n, metric.left_out) == (pytest.approx(0.5), 4, 1)
    assert ranking_accuracy_drop([0, 0], [1, 0]).value == pytest.approx(-0.5)


def test_rm_bench_triangles() -> None:
    # chosen style i wins against rejected style j only where i is at least as fancy: pure style bias
    biased = np.tril(np.ones((3, 3)))
    hard, normal, easy = rm_bench([biased])
    assert (hard.value, normal.value, easy.value) == (0.0, 1.0, 1.0)
    # one win, plain chosen against detailed rejected (row 0, column 1), is one of the three hard cells
    one = np.zeros((3, 3))
    one[0, 1] = 1
    hard, normal, easy = rm_bench([one])
    assert (hard.value, normal.value, easy.value) == (pytest.approx(1 / 3), 0.0, 0.0)
    hard, normal, easy = rm_bench([biased, one, np.full((3, 3), 0.5), np.full((3, 3), NULL)])
    assert hard.value == pytest.approx(1 / 9)
    assert (easy.n, easy.left_out) == (3, 1)


def test_thakur_leniency_parameters() -> None:
    # 4 right answers, 3 passed: t = .75; 4 wrong, 1 passed: f = .25; P_c = .5, P_+ = .25 / .5
    grades, truth = [1, 1, 1, 0, 1, 0, 0, 0], [1, 1, 1, 1, 0, 0, 0, 0]
    assert p_c(grades, truth).value == pytest.approx(0.5)
    assert p_plus(grades, truth).value == pytest.approx(0.5)
    # t = 1, f = .5: P_c = .5, P_+ = .5 / .5 = 1: as lenient as can be
    assert p_plus([1, 1, 1, 0], [1, 1, 0, 0]).value == pytest.approx(1.0)
    # the criterion always applied: nothing to estimate P_+ from
    assert p_c([1, 0], [1, 0]).value == 1.0
    assert p_plus([1, 0], [1, 0]).value is None
    # no wrong answers: no false positive rate
    assert p_c([1, 0], [1, 1]).value is None
    assert p_plus([1, 0], [1, 1]).value is None


def test_thakur_model_is_recovered() -> None:
    """A judge that follows the model with P_c = .6, P_+ = .8."""
    rng = np.random.default_rng(5)
    truth = rng.integers(0, 2, 40_000).astype(float)
    grades = np.where(rng.random(truth.size) < 0.6, truth, rng.random(truth.size) < 0.8)
    # standard errors of t and f are at most .0036 each; P_+ = f / (1 - P_c) multiplies them by up to 2.5
    assert p_c(grades, truth).value == pytest.approx(0.6, abs=4 * 0.005)
    assert p_plus(grades, truth).value == pytest.approx(0.8, abs=4 * 0.012)


def test_leniency_is_the_inflation_of_the_pass_rate() -> None:
    assert leniency([1, 1, 1, 0], [1, 1, 0, 0]).value == pytest.approx(0.25)
    assert leniency([0, 0, 1, NULL], [1, 1, 1, 0]).value == pytest.approx(-2 / 3)
    assert leniency([1, 0], [0, 1]).value == 0.0  # errors to both sides cancel
    assert leniency([1, 0, 0, 0], [1, 1, 1, 0], yes=0.5).chance == pytest.approx(-0.25)


def test_undetected_drops() -> None:
    # 8 -> 5 falls; 7 -> 7 and 6 -> 9 do not; an unscored one is not "undetected"
    metric = undetected_drop_rate([8, 7, 6, 5], [5, 7, 9, NULL])
    assert (metric.value, metric.n, metric.left_out) == (pytest.approx(2 / 3), 3, 1)
    # five equally likely marks: P(after >= before) = (1 + 1/5) / 2
    assert undetected_drop_rate([1], [1], tie=0.2).chance == pytest.approx(0.6)
    # pairs: a tie is a miss too
    assert undetected_drop_rate_pairwise([1, 0.5, 0, 1]).value == pytest.approx(2 / 4)


def test_rating_ranking_consistency() -> None:
    # 7 > 5 & A wins: yes; 5 = 5 & tie: yes; 6 < 8 & A wins: no; 6 = 6 & A wins: no
    metric = rating_ranking_consistency([7, 5, 6, 6], [5, 5, 8, 6], [1, 0.5, 1, 1])
    assert metric.value == pytest.approx(2 / 4)
    # half of the scores equal, tie = .2: .5 * .2 + .5 * .4
    assert rating_ranking_consistency([7, 5, 6, 6], [5, 5, 8, 6], [1] * 4, tie=0.2).chance == pytest.approx(0.3)
