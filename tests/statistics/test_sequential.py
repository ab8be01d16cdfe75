"""Boundaries against published values and simulation; p-values that survive peeking; a sequence valid for ever."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import ndtr, ndtri

from voirdire.harness.statistics.sequential import (
    LOOKS,
    level_at,
    nominal_levels,
    obrien_fleming,
    power_family,
    sequential_p,
)

RUNS = 40_000


def paths(shares: tuple[float, ...], drift: float = 0.0, seed: int = 0) -> np.ndarray:
    """Z statistics at the looks, for `RUNS` Brownian paths."""
    rng = np.random.default_rng(seed)
    steps = np.diff((0.0, *shares))
    scores = np.cumsum(rng.normal(drift * steps, np.sqrt(steps), (RUNS, len(shares))), axis=1)
    return scores / np.sqrt(shares)


def test_boundaries_are_the_published_ones() -> None:
    # Jennison and Turnbull 2000 (and every group-sequential package): Lan-DeMets O'Brien-Fleming, one-sided .025,
    # five equal looks: z = 4.877, 3.357, 2.680, 2.290, 2.031
    levels = nominal_levels(0.025, (0.2, 0.4, 0.6, 0.8, 1.0))
    assert -ndtri(np.array(levels)) == pytest.approx([4.877, 3.357, 2.680, 2.290, 2.031], abs=0.002)


def test_a_single_look_spends_all() -> None:
    assert nominal_levels(0.05, (1.0,)) == pytest.approx((0.05,))


@pytest.mark.parametrize("spending", [obrien_fleming, power_family])
@pytest.mark.parametrize("alpha", [0.05, 0.003])
def test_all_looks_together_have_the_level(spending, alpha: float) -> None:
    p = ndtr(-paths(LOOKS))
    crossed = (p < np.array(nominal_levels(alpha, LOOKS, spending))).any(axis=1).mean()
    # four standard errors of the simulation
    assert crossed == pytest.approx(alpha, abs=4 * np.sqrt(alpha / RUNS))


@pytest.mark.parametrize("spending", [obrien_fleming, power_family])
def test_a_sequential_p_is_a_p_value_at_every_stop(spending) -> None:
    p = ndtr(-paths(LOOKS)[:4000])
    last = np.array([sequential_p(row, LOOKS, spending) for row in p])
    for level in (0.2, 0.05, 0.01):
        assert (last <= level).mean() <= level + 4 * np.sqrt(level / 4000)
    # and at the last of six looks it loses little to the fixed design
    shifted = ndtr(-paths(LOOKS, drift=3.0)[:2000])
    power = np.mean([sequential_p(row, LOOKS, spending) < 0.05 for row in shifted])
    assert power >= (shifted[:, -1] < 0.05).mean() - 0.04


def test_sequential_p_agrees_with_the_boundary() -> None:
    for alpha in (0.05, 0.01, 0.002):
        levels = nominal_levels(alpha, LOOKS)
        for look, level in enumerate(levels):
            below = [1.0] * look + [level * 0.97]
            above = [1.0] * look + [level * 1.03]
            assert sequential_p(below) < alpha * 1.02
            assert sequential_p(above) > alpha * 0.98
            assert level_at(alpha, look) == pytest.approx(level, rel=0.03)


def test_sequential_p_only_falls() -> None:
    seen = [0.5, 0.02, 0.4, 0.001]
    values = [sequential_p(seen[:k]) for k in range(1, 5)]
    assert values == sorted(values, reverse=True)
    assert sequential_p([1.0, 1.0]) == 1.0
    assert sequential_p([0.0]) < 1e-6
