"""SDR, iSDR, average score and rank: worked by hand, and against scipy's ranks."""

from __future__ import annotations

import math

import numpy as np
import pytest

from voirdire.harness.statistics.metric_scores import average_rank, average_score, isdr, sdr

NULL = math.nan


def test_sdr() -> None:
    # .9 - .4 and .5 - .5; the unscored one counts nowhere, not even in the chance value's mean content
    metric = sdr([9, 5, NULL], [0.4, 0.5, 1.0])
    assert (metric.value, metric.n, metric.left_out) == (pytest.approx(0.25), 2, 1)
    assert metric.chance == pytest.approx(0.5 - 0.45)
    assert sdr([0], [1.0]).value == -1.0
    assert sdr([5], [0.5], top=5).value == pytest.approx(0.5)


def test_isdr_removes_the_judges_own_generosity() -> None:
    # (.9 - .4) - (.6 - .4); a judge that overrates both alike has none
    assert isdr([9], [0.4], [6], [0.4]).value == pytest.approx(0.3)
    assert isdr([9], [0.4], [9], [0.4]).value == 0.0
    metric = isdr([9, 9], [0.4, 0.2], [6, NULL], [0.5, 0.9])
    assert (metric.n, metric.left_out) == (1, 1)
    assert metric.chance == pytest.approx(0.5 - 0.4)


def test_average_score_is_a_mean_of_system_means() -> None:
    # systems 4.5 and 2.5; with a null in the second system's first context: (4.5 + 3) / 2
    assert average_score([[4, 2], [5, 3]], low=1, high=5).value == pytest.approx(3.5)
    metric = average_score([[4, NULL], [5, 3]], low=1, high=5)
    assert metric.value == pytest.approx(3.75)
    assert (metric.n, metric.left_out, metric.chance) == (3, 1, 3)


def test_average_rank_is_against_clean_others() -> None:
    # attacked 5 against clean 4: rank 1; attacked 2 against clean 3: rank 2
    metric = average_rank([[5, 2]], [[3, 4]])
    assert (metric.value, metric.n, metric.chance, metric.low, metric.high) == (1.5, 2, 1.5, 1, 2)


def test_average_rank_averages_ties() -> None:
    # system 1: 4 against clean 4, 4, 2: two equal: ranks 1-3 shared: 1 + 2/2 = 2
    attacked, clean = [[4, NULL, NULL, NULL]], [[1, 4, 4, 2]]
    assert average_rank(attacked, clean).value == pytest.approx(2.0)


def test_average_rank_needs_every_other_clean_score() -> None:
    # the null is system 2's own clean score: only system 1 needed it
    metric = average_rank([[5, 5], [5, 1]], [[1, NULL], [1, 1]])
    # usable: context 1 system 2 (5 against 1: rank 1), context 2 both (5 against 1: 1; 1 against 1: 1.5)
    assert metric.value == pytest.approx((1 + 1.25) / 2)
    assert (metric.n, metric.left_out) == (3, 1)


def test_average_rank_is_that_of_rankdata() -> None:
    """S - rankdata + 1 with the attacked score put in place of the clean one, as the paper computes it."""
    from scipy.stats import rankdata

    rng = np.random.default_rng(3)
    attacked, clean = rng.integers(1, 6, (20, 5)), rng.integers(1, 6, (20, 5))
    ranks = []
    for c in range(20):
        for i in range(5):
            row = clean[c].copy()
            row[i] = attacked[c, i]
            ranks.append(5 - rankdata(row)[i] + 1)
    assert average_rank(attacked, clean).value == pytest.approx(np.mean(ranks))
