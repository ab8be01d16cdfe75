"""Accuracies whose cases do not count alike: their error is the true one, alone, by clusters and between two runs."""

from __future__ import annotations

import numpy as np
import pytest

from voirdire.harness.statistics.accuracy import BALANCED, CONCORDANCE, Pseudo, pseudo_values
from voirdire.harness.statistics.discrimination import _concordance
from voirdire.harness.statistics.means import Mean, estimate

ROUNDS = 300


def mean_of(pseudo: Pseudo, groups: np.ndarray | None = None) -> Mean:
    found = estimate(pseudo.values, groups, lo=pseudo.lo, hi=pseudo.hi)
    assert found is not None
    return found


def concordance(labels: np.ndarray, scores: np.ndarray) -> Pseudo:
    return pseudo_values(CONCORDANCE, _concordance(labels.tolist(), scores), labels)


def scored(rng: np.random.Generator, labels: np.ndarray) -> np.ndarray:
    return np.clip(np.round(labels + rng.normal(0, 3, labels.size)), 1, 10)


@pytest.mark.parametrize("levels", [(1.0, 5.0), (1.0, 2.0, 3.0, 4.0, 5.0), (1.0, 1.0, 1.0, 5.0)])
def test_the_interval_of_a_concordance_is_as_wide_as_it_must_be(levels: tuple[float, ...]) -> None:
    """Every pair counts in two cases. As if it counted in one, the error comes out half as large: 63 % for 90 %."""
    rng = np.random.default_rng(1)
    found = []
    for _ in range(ROUNDS):
        labels = rng.choice(levels, 100)
        found.append(mean_of(concordance(labels, scored(rng, labels))))
    means = np.asarray([m.mean for m in found])
    assert np.mean([m.standard_error for m in found]) == pytest.approx(means.std(), rel=0.2)
    truth = means.mean()
    # 90 % of 300: below .83 once in 10,000 tries
    assert np.mean([m.lower(0.05) <= truth <= m.upper(0.05) for m in found]) >= 0.83


def test_equally_good_scores_are_seldom_told_apart() -> None:
    """At 5 %: more than 11 % of 300 come up once in 10,000 tries. Halved errors gave 27 %."""
    rng = np.random.default_rng(2)
    different = 0
    for _ in range(ROUNDS):
        labels = rng.choice((1.0, 2.0, 3.0, 4.0, 5.0), 120)
        a, b = (concordance(labels, scored(rng, labels)) for _ in range(2))
        gap = estimate(b.values - a.values, lo=a.lo - b.hi, hi=b.hi - a.lo)
        assert gap is not None
        different += gap.p_outside(0.0) < 0.05
    assert different / ROUNDS <= 0.11


def test_of_two_labels_it_is_the_variance_of_the_auc() -> None:
    rng = np.random.default_rng(3)
    labels = (np.arange(60) < 12).astype(float)
    scores = scored(rng, 4 * labels)
    v = _concordance(labels.tolist(), scores)
    found = mean_of(concordance(labels, scores))
    above, below = v[labels == 1], v[labels == 0]
    # DeLong's with the divisors of a plain mean over 60 cases
    expected = above.var() / above.size + below.var() / below.size
    assert found.mean == pytest.approx(above.mean()) == pytest.approx(below.mean())
    assert found.standard_error**2 * 59 / 60 == pytest.approx(expected)


def test_it_agrees_with_leaving_out_each_case_where_cases_have_unequally_many_pairs() -> None:
    rng = np.random.default_rng(4)
    labels = rng.choice((1.0, 2.0, 3.0, 3.0, 3.0, 3.0), 200)
    scores = scored(rng, labels)

    def of_all_pairs(keep: np.ndarray) -> float:
        t, s = labels[keep], scores[keep]
        apart = t[:, None] > t[None, :]
        right = 0.5 + 0.5 * np.sign(s[:, None] - s[None, :])
        return float(right[apart].mean())

    found = mean_of(concordance(labels, scores))
    assert found.mean == pytest.approx(of_all_pairs(np.arange(200)))
    without = np.asarray([of_all_pairs(np.delete(np.arange(200), i)) for i in range(200)])
    jackknife = np.sqrt(199 / 200 * np.sum((without - without.mean()) ** 2))
    assert found.standard_error == pytest.approx(jackknife, rel=0.03)


def test_copies_of_a_case_in_its_cluster_tell_nothing_new() -> None:
    rng = np.random.default_rng(5)
    labels = rng.choice((1.0, 5.0, 7.0), 50)
    scores = scored(rng, labels)
    once = mean_of(concordance(labels, scores), np.arange(50))
    twice = mean_of(concordance(np.tile(labels, 2), np.tile(scores, 2)), np.tile(np.arange(50), 2))
    assert (twice.mean, twice.standard_error) == pytest.approx((once.mean, once.standard_error))


@pytest.mark.parametrize(("true", "false"), [(0.9, 0.9), (0.97, 0.45)])
def test_what_lies_between_the_labels_is_no_error_of_a_balanced_accuracy(true: float, false: float) -> None:
    """180 answers that should pass, 20 that should not; with the spread between them the error was .052 for .035."""
    rng = np.random.default_rng(6)
    labels = (np.arange(200) >= 20).astype(float)
    found = []
    for _ in range(ROUNDS):
        right = (rng.random(200) < np.where(labels == 1, true, false)).astype(float)
        found.append(mean_of(pseudo_values(BALANCED, right, labels)))
    errors, means = np.asarray([m.standard_error for m in found]), np.asarray([m.mean for m in found])
    exact = np.sqrt(true * (1 - true) / 180 + false * (1 - false) / 20) / 2
    assert np.sqrt(np.mean(errors**2)) == pytest.approx(exact, rel=0.1)
    assert means.mean() == pytest.approx((true + false) / 2, abs=0.01)
    truth = (true + false) / 2
    # 5 % of 300 on either side: above 11 % once in 10,000 tries
    assert np.mean([m.lower(0.05) > truth for m in found]) <= 0.11
    assert np.mean([m.upper(0.05) < truth for m in found]) <= 0.11


def test_a_rare_label_without_an_error_proves_no_more_than_its_cases() -> None:
    labels = (np.arange(200) >= 20).astype(float)
    found = mean_of(pseudo_values(BALANCED, np.ones(200), labels))
    # 20 of 20 right: at least .05^(1/20) of them (Clopper and Pearson), and they are half of the measure
    assert found.lower(0.05) <= (1 + 0.05 ** (1 / 20)) / 2 + 0.005
    assert mean_of(pseudo_values("accuracy", np.ones(200), labels)).lower(0.05) > 0.98


def test_measures_of_which_all_cases_count_alike_stay_as_they_are() -> None:
    values = np.asarray([0.0, 1.0, np.nan, 0.5])
    assert pseudo_values("accuracy", values, None).values is values
    nothing = np.full(3, np.nan)
    assert np.isnan(pseudo_values(CONCORDANCE, nothing, np.zeros(3)).values).all()
    # of what two runs have in common, all may have one label
    one = pseudo_values(CONCORDANCE, np.asarray([0.5, 1.0]), np.zeros(2))
    assert one.values.mean() == pytest.approx(0.75)
    with pytest.raises(ValueError, match="labels"):
        pseudo_values(BALANCED, values, None)
