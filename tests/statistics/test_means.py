"""Level and coverage of the interval for a mean, by simulation; and honest answers for tiny and constant data."""

from __future__ import annotations

import numpy as np
import pytest

from voirdire.harness.statistics.means import Mean, _freedom, estimate

RUNS = 4000


def flips(rng: np.random.Generator, n: int, p: float) -> np.ndarray:
    """A deterministic judge: each case flips for good with probability p."""
    return (rng.random(n) < p).astype(float)


def gains(rng: np.random.Generator, n: int, effect: float) -> np.ndarray:
    """A noisy judge: two calls an arm, follow-up minus source, true gain `effect`."""
    return rng.binomial(2, 0.15 + effect, n) / 2 - rng.binomial(4, 0.15, n) / 4


def rare(rng: np.random.Generator, n: int, p: float) -> np.ndarray:
    """Few cases gain everything, few lose everything: heavy tails."""
    return rng.choice([0.0, 1.0, -1.0], size=n, p=[1 - p, 0.75 * p, 0.25 * p])


# true mean of each draw is given beside it; 4,000 runs put the standard error of a rate of .05 at .0034
@pytest.mark.parametrize(
    ("draw", "parameter", "truth"),
    [(flips, 0.1, 0.1), (flips, 0.03, 0.03), (flips, 0.5, 0.5), (gains, 0.1, 0.1), (gains, 0.0, 0.0), (rare, 0.2, 0.1)],
)
@pytest.mark.parametrize("n", [40, 200])
def test_one_sided_errors_are_near_their_level(draw, parameter, truth, n):
    rng = np.random.default_rng(7)
    high = low = 0
    for _ in range(RUNS):
        mean = estimate(draw(rng, n, parameter))
        assert mean is not None
        high += mean.upper(0.05) < truth
        low += mean.lower(0.05) > truth
    # .05 plus four standard errors of the simulation and a point for small samples; never far above the level
    assert high / RUNS <= 0.075, f"upper bound missed in {high / RUNS:.3f}"
    assert low / RUNS <= 0.075, f"lower bound missed in {low / RUNS:.3f}"


@pytest.mark.parametrize("n", [40, 200])
def test_intervals_are_not_needlessly_wide(n):
    rng = np.random.default_rng(11)
    missed = 0
    for _ in range(RUNS):
        mean = estimate(gains(rng, n, 0.1))
        assert mean is not None
        missed += mean.upper(0.05) < 0.1
    assert missed / RUNS >= 0.03


def test_p_value_and_bound_agree():
    rng = np.random.default_rng(3)
    for _ in range(200):
        mean = estimate(gains(rng, 60, rng.uniform(0, 0.3)))
        assert mean is not None
        for alpha in (0.05, 0.005):
            assert (mean.p_above(0.1) < alpha) == (mean.lower(alpha) > 0.1)
            assert (mean.p_below(0.1) < alpha) == (mean.upper(alpha) < 0.1)


def test_two_sided_level_at_the_edge_and_at_zero_tolerance():
    rng = np.random.default_rng(5)
    edge = [estimate(gains(rng, 120, 0.1)).p_outside(0.1) < 0.05 for _ in range(RUNS)]
    zero = [estimate(gains(rng, 120, 0.0)).p_outside(0.0) < 0.05 for _ in range(RUNS)]
    assert 0.03 <= np.mean(edge) <= 0.065
    assert 0.03 <= np.mean(zero) <= 0.065


def test_clusters_widen_the_interval():
    rng = np.random.default_rng(9)
    groups = np.repeat(np.arange(20), 10)
    missed = naive = 0
    for _ in range(1500):
        values = np.clip(rng.normal(0, 0.3, 20)[groups] + rng.normal(0, 0.1, 200), -1, 1)
        missed += estimate(values, groups).upper(0.05) < 0
        naive += estimate(values).upper(0.05) < 0
    assert missed / 1500 <= 0.08
    assert naive / 1500 >= 0.15  # what ignoring the clusters would have cost


# the share of one-sided bounds at level .05 that miss was .08 to .31 with the plain spread and G - 1 degrees of freedom
@pytest.mark.parametrize(
    "sizes",
    [[100] + [1] * 100, [100, 100] + [2] * 80, [50] + [1] * 150, [60] + [3] * 80],
    ids=["one-in-two", "two", "one-in-four", "one-in-five"],
)
def test_a_cluster_that_holds_much_of_the_data_keeps_the_level(sizes):
    rng = np.random.default_rng(3)
    groups = np.repeat(np.arange(len(sizes)), sizes)
    high = low = 0
    for _ in range(600):
        shared = rng.normal(0, 0.15, len(sizes))[groups]
        mean = estimate(np.clip(0.1 + shared + rng.normal(0, 0.3, groups.size), -1, 1), groups)
        high += mean.upper(0.05) < 0.1
        low += mean.lower(0.05) > 0.1
    # .05 plus four standard errors of the simulation
    assert high / 600 <= 0.086
    assert low / 600 <= 0.086


def test_slightly_unequal_clusters_lose_little():
    rng = np.random.default_rng(4)
    groups = np.repeat(np.arange(60), rng.integers(1, 6, 60))
    missed, freedom = 0, []
    for _ in range(800):
        shared = rng.normal(0, 0.15, 60)[groups]
        mean = estimate(np.clip(0.1 + shared + rng.normal(0, 0.3, groups.size), -1, 1), groups)
        freedom.append(mean.df)
        missed += mean.upper(0.05) < 0.1 or mean.lower(0.05) > 0.1
    assert 35 < np.median(freedom) < 59
    # two bounds at .05 each; four standard errors of .0106
    assert 0.058 <= missed / 800 <= 0.142


def test_clusters_of_one_size_are_means_of_their_values():
    rng = np.random.default_rng(6)
    values = np.clip(rng.normal(0.1, 0.4, 120), -1, 1)
    shuffled = rng.permutation(120)
    for size in (1, 3, 60):
        mean = estimate(values[shuffled], np.repeat(np.arange(120 // size), size)[shuffled])
        plain = estimate(values.reshape(-1, size).mean(axis=1))
        assert (mean.n, mean.df) == (120 // size, 120 // size - 1)
        assert mean.lower(0.05) == pytest.approx(plain.lower(0.05), abs=1e-12)
        assert mean.p_above(0.0) == pytest.approx(plain.p_above(0.0), abs=1e-12)


def test_the_spread_of_unequal_clusters_is_that_of_the_jackknife():
    rng = np.random.default_rng(8)
    sizes = rng.integers(1, 9, 12)
    groups = np.repeat(np.arange(12), sizes)
    values = np.clip(rng.normal(0, 0.3, groups.size), -1, 1)
    without = np.array([values[groups != g].mean() for g in range(12)])
    mean = estimate(values, groups)
    assert mean.standard_error**2 == pytest.approx(11 / 12 * np.sum((without - values.mean()) ** 2))
    # the degrees of freedom by their definition, with the matrices
    correlation, total = 0.3, sizes.sum()
    centre = np.eye(12) - np.outer(sizes, np.ones(12)) / total
    weighted = centre / (total - sizes)[:, None]
    matrix = weighted @ np.diag(sizes * (1 + correlation * (sizes - 1))) @ weighted.T
    by_hand = np.trace(matrix) ** 2 / np.trace(matrix @ matrix)
    assert _freedom(sizes.astype(float), correlation) == pytest.approx(by_hand)


def test_constant_data_gives_the_rule_of_three():
    mean = estimate(np.zeros(120))
    assert mean is not None
    assert mean.upper(0.05) == pytest.approx(1 - 0.05 ** (1 / 120))
    assert mean.lower(0.05) == pytest.approx(-(1 - 0.05 ** (1 / 120)))
    assert mean.p_above(0.1) == 1.0
    full = estimate(np.ones(20))
    assert full is not None
    assert full.upper(0.05) == 1.0
    assert 0.7 < full.lower(0.05) < 0.75  # an unseen case would lose 2: 1 - 2 (1 - .05 ** (1 / 20))


@pytest.mark.parametrize("value", [0.0, 1.0, -0.3])
def test_one_case_proves_nothing(value):
    mean = estimate(np.array([value]))
    assert mean is not None
    assert mean.upper(0.05) >= 0.9
    assert mean.lower(0.05) <= 0.05 + value - 0.9 * (value + 1)
    assert mean.p_above(0.1) > 0.05


def test_no_case_is_no_estimate():
    assert estimate(np.array([])) is None
    assert estimate(np.array([np.nan, np.nan])) is None


def test_missing_values_are_left_out():
    mean = estimate(np.array([np.nan, 0.5, 0.5, 0.0]))
    assert mean is not None
    assert mean.count == 3
    assert mean.mean == pytest.approx(1 / 3)


def test_bounds_stay_inside_the_range():
    mean = Mean(0.45, 3, 3, 0.2, 2.0, -0.5, 0.5)
    assert mean.upper(0.001) == 0.5
    assert mean.lower(0.001) >= -0.5
