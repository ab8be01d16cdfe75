"""Preferences apart from quality: worked by hand; the length-controlled win rate against its closed form."""

from __future__ import annotations

import math

import numpy as np
import pytest

from voirdire.harness.statistics.metric_preference import (
    lc_win_rate,
    proba_prefer_1,
    proba_prefer_lists,
    proba_prefer_longer,
    verbosity_bias,
    win_rate,
)

NULL = math.nan


def test_verbosity_bias() -> None:
    # people prefer the shorter in 3 (judge errs in 1, ties in 1: 1.5 / 3), the longer in 2 (errs in 1: 1/2)
    humans = [0, 0, 0, 1, 1, 0.5, 0]
    longer = [1, 0.5, 0, 1, 0, 1, NULL]
    metric = verbosity_bias(longer, humans)
    assert metric.value == pytest.approx(0.5 - 0.5)
    assert (metric.n, metric.left_out) == (5, 1)  # the tie of the people is in neither group, and no null
    assert verbosity_bias([1, 1, 1, 1], [0, 0, 1, 1]).value == 1.0  # always the longer
    assert verbosity_bias([0, 0], [0, 1]).value == -1.0  # always the shorter
    assert verbosity_bias([1, 1], [1, 1]).value is None  # people never preferred the shorter


def test_prefer_longer_needs_more_than_thirty_characters() -> None:
    # differences +50 (won), -50 (lost: the longer won), +30 and +10 (too small), +40 (tie), +31 (lost)
    verdicts = [1, 0, 0, 0, 0.5, 0]
    metric = proba_prefer_longer(verdicts, [100, 50, 80, 60, 90, 81], [50, 100, 50, 50, 50, 50])
    assert (metric.value, metric.n) == (pytest.approx(2 / 3), 3)
    assert proba_prefer_longer([1], [60], [50], min_difference=9).value == 1.0


def test_ties_are_not_given_to_the_second_response() -> None:
    """AlpacaEval's code reads every preference from 1.5 on as the second response."""
    assert proba_prefer_longer([0.5, 0.5], [0, 0], [100, 100]).value is None
    assert proba_prefer_1([0.5, 1]).value == 1.0


def test_prefer_lists_needs_exactly_one_list() -> None:
    # won with the list; lost with it; both have one; neither has; the other's list won
    metric = proba_prefer_lists([1, 0, 1, 1, 0], [1, 1, 1, 0, 0], [0, 0, 1, 0, 1])
    assert (metric.value, metric.n) == (pytest.approx(2 / 3), 3)


def test_prefer_1() -> None:
    assert proba_prefer_1([1, 1, 0, 0.5]).value == pytest.approx(2 / 3)


def test_win_rate_counts_half_a_tie_and_no_null() -> None:
    metric = win_rate([1, 0.5, 0, 1, NULL])
    assert (metric.value, metric.n, metric.left_out) == (0.625, 4, 1)


def two_lengths(won_longer: float, won_shorter: float, n: int = 10) -> tuple[list[float], list[float], list[float]]:
    """n cases 100 characters longer than the baseline, n shorter, with these shares won."""
    wins = [float(i < won_longer * n) for i in range(n)] + [float(i < won_shorter * n) for i in range(n)]
    return wins, [200] * n + [100] * n, [100] * n + [200] * n


@pytest.mark.parametrize(("a", "b"), [(0.9, 0.5), (0.75, 0.25), (0.5, 0.1), (0.6, 0.6)])
def test_lc_win_rate_closed_form(a: float, b: float) -> None:
    """Two symmetric lengths saturate the model: theta = (logit a + logit b) / 2."""
    theta = (math.log(a / (1 - a)) + math.log(b / (1 - b))) / 2
    metric = lc_win_rate(*two_lengths(a, b, 100))
    assert metric.value == pytest.approx(1 / (1 + math.exp(-theta)), abs=2e-4)
    assert metric.n == 200


def test_lc_win_rate_takes_back_what_length_bought() -> None:
    # raw .7, and .75 at equal length: the docstring's example
    verdicts, length, baseline = two_lengths(0.9, 0.5)
    assert win_rate(verdicts).value == pytest.approx(0.7)
    assert lc_win_rate(verdicts, length, baseline).value == pytest.approx(0.75, abs=1e-3)
    # 12 longer answers with 9 won, 4 shorter ones with 1 won: raw .625, at equal length (ln 3 - ln 3) / 2 = 0
    wins = [1.0] * 9 + [0.0] * 3 + [1.0] + [0.0] * 3
    gaps = [100] * 12 + [0] * 4, [0] * 12 + [100] * 4
    assert win_rate(wins).value == 0.625
    assert lc_win_rate(wins, *gaps).value == pytest.approx(0.5, abs=2e-3)


def test_lc_win_rate_without_differences_is_the_win_rate() -> None:
    metric = lc_win_rate([1] * 30 + [0] * 10, [200] * 40, [100] * 40)
    assert metric.value == pytest.approx(0.75, abs=1e-3)


def test_lc_win_rate_is_symmetric_and_survives_separation() -> None:
    rng = np.random.default_rng(2)
    v, a, b = rng.choice([0, 0.5, 1], 60), rng.integers(10, 900, 60), rng.integers(10, 900, 60)
    here, there = lc_win_rate(v, a, b).value, lc_win_rate(1 - v, b, a).value
    assert here is not None
    assert there == pytest.approx(1 - here, abs=1e-5)
    always = lc_win_rate([1] * 60, a, b).value
    assert always is not None
    assert 0.99 < always < 1.0
