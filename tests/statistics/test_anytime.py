"""Confidence sequences: right at every number of cases, exact facts by hand, and better than nothing."""

from __future__ import annotations

import math

import numpy as np
import pytest

from voirdire.harness.statistics.anytime import AnytimeMean, anytime
from voirdire.harness.statistics.means import estimate

RUNS = 300
LOOK = 25
LONGEST = 1000


def gains(rng: np.random.Generator, n: int, effect: float = 0.0, accuracy: float = 0.85) -> np.ndarray:
    """Gain of the worse answer, two orders, two samples an arm, for a judge with fresh noise."""
    follow = rng.random((n, 4)) < 1 - accuracy + effect
    source = rng.random((n, 4)) < 1 - accuracy
    values: np.ndarray = follow.mean(axis=1) - source.mean(axis=1)
    return values


def mean(values: np.ndarray, lo: float = -1.0, hi: float = 1.0) -> AnytimeMean:
    found = anytime(values, lo=lo, hi=hi)
    assert found is not None
    return found


def first_below(values: np.ndarray, alpha: float) -> bool:
    """Was "the mean is at most .1" ever refuted at level alpha, looking after every 25 cases?"""
    return any(mean(values[:n]).p_above(0.1) < alpha for n in range(LOOK, values.size + 1, LOOK))


def test_looking_as_often_as_one_likes_costs_no_error() -> None:
    """At the edge of the tolerance; a fixed design read the same way errs in about a quarter of the runs."""
    rng = np.random.default_rng(0)
    runs = [gains(rng, LONGEST, 0.1) for _ in range(RUNS)]
    assert sum(first_below(x, 0.05) for x in runs) / RUNS <= 0.05
    fixed = [any(estimate(x[:n]).p_above(0.1) < 0.05 for n in range(LOOK, LONGEST + 1, LOOK)) for x in runs]  # type: ignore[union-attr]
    assert sum(fixed) / RUNS > 0.12


@pytest.mark.parametrize("accuracy", [0.75, 0.95])
def test_the_interval_covers_at_every_look_at_once(accuracy: float) -> None:
    rng = np.random.default_rng(1)
    missed = 0
    for _ in range(RUNS):
        x = (rng.random(400) < accuracy).astype(float)
        means = [mean(x[:n], 0.0, 1.0) for n in range(LOOK, 401, LOOK)]
        # an end of the interval passes the truth exactly when the p of the truth falls below the level
        missed += any(min(m.p_above(accuracy), m.p_below(accuracy)) < 0.05 for m in means)
    assert missed / RUNS <= 0.10  # two ends of .05 each


def test_bounds_and_p_are_the_same_statement() -> None:
    m = mean(gains(np.random.default_rng(2), 200, 0.2))
    for alpha in (0.2, 0.05, 0.001):
        assert m.p_above(m.lower(alpha)) == pytest.approx(alpha, rel=1e-3)
        assert m.p_below(m.upper(alpha)) == pytest.approx(alpha, rel=1e-3)
    assert m.lower(0.001) < m.lower(0.05) < m.mean < m.upper(0.05) < m.upper(0.001)


def test_the_order_of_the_cases_does_not_matter() -> None:
    x = gains(np.random.default_rng(3), 100, 0.3)
    assert mean(x).p_above(0.1) == pytest.approx(mean(x[::-1]).p_above(0.1))


def test_capital_by_hand() -> None:
    """One case of 1 in [0, 1] against the mean 1/2: each bet c becomes 1 + c."""
    from voirdire.harness.statistics.anytime import _BETS

    assert mean(np.array([1.0]), 0.0, 1.0).p_above(0.5) == pytest.approx(1 / float(np.mean(1 + _BETS)))


def test_constant_data_one_case_and_none() -> None:
    zeros = mean(np.zeros(200))
    assert zeros.upper(0.05) == pytest.approx(0.029, abs=0.002)
    assert zeros.lower(0.05) == -zeros.upper(0.05)
    ones = mean(np.ones(50), 0.0, 1.0)
    assert ones.upper(0.05) == 1.0
    assert 0.85 < ones.lower(0.05) < 1.0
    assert mean(np.zeros(50), 0.0, 1.0).lower(0.05) == 0.0
    one = mean(np.array([0.4]))
    assert one.lower(0.05) < -0.95
    assert one.upper(0.05) > 0.95
    assert one.p_above(0.1) > 0.3
    assert anytime(np.array([math.nan])) is None
    assert anytime(np.empty(0)) is None


def test_a_value_above_the_lowest_refutes_the_lowest() -> None:
    m = mean(np.array([0.0, 0.0, 0.5]), 0.0, 1.0)
    assert m.p_above(0.0) == 0.0
    assert m.p_above(0.9) == 1.0


def test_each_cluster_counts_once() -> None:
    values, groups = np.array([1.0, 1.0, 1.0, 0.0]), np.array([0, 0, 0, 1])
    m = anytime(values, groups)
    assert m is not None
    assert (m.mean, m.n, m.count) == (0.5, 2, 4)
    alone = mean(np.array([1.0, 0.0]))
    assert m.p_above(0.1) == pytest.approx(alone.p_above(0.1))


def test_price_against_a_fixed_design() -> None:
    """A clean noisy judge is held inside .10 within 200 cases nearly always, a silent one within 60."""
    rng = np.random.default_rng(4)
    held = [any(mean(gains(rng, 200)[:n]).upper(0.05) <= 0.1 for n in range(20, 201, 20)) for _ in range(60)]
    assert sum(held) / 60 >= 0.9
    assert mean(np.zeros(60)).upper(0.05) <= 0.1
