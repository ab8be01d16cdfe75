"""Agreement coefficients: worked by hand, the textbooks' own examples, nulls, and the 0/0 of constant ratings."""

from __future__ import annotations

import math

import numpy as np
import pytest

from voirdire.harness.statistics.metric_agreement import cohen_kappa, fleiss_kappa, krippendorff_alpha, rbo, scott_pi

NULL = math.nan


def test_cohen_kappa() -> None:
    # observed 3/4; marginals (.5, .25): expected .5 * .25 + .5 * .75 = .5; (.75 - .5) / .5
    metric = cohen_kappa([1, 1, 0, 0, 1], [1, 0, 0, 0, NULL])
    assert (metric.value, metric.n, metric.left_out) == (pytest.approx(0.5), 4, 1)
    assert cohen_kappa([1, 0], [0, 1]).value == pytest.approx(-1.0)


def test_cohen_kappa_is_not_fooled_by_codes() -> None:
    """LLMBar coded winners "1" and "2" against ("0", "1") and printed .27 for 96 % accuracy."""
    rng = np.random.default_rng(0)
    gold = rng.integers(1, 3, 100)
    judge = np.where(np.arange(100) < 96, gold, 3 - gold)
    value = cohen_kappa(judge, gold).value
    assert value == pytest.approx(0.92, abs=0.01)


def test_weighted_kappa() -> None:
    # pairs (1,1) (2,3) (3,3) (1,3), marks 1, 2, 3; marginals (1/2, 1/4, 1/4) and (1/4, 0, 3/4)
    # linear: observed (0 + 1 + 0 + 2) / 4 = .75; expected over products: row 1: 3/4 * 2 * 1/2 = .75;
    # row 2: (1/4 * 1 + 3/4 * 1) / 4 = .25; row 3: 1/4 * 2 / 4 = .125; 1 - .75 / 1.125 = 1/3
    first, second = [1, 2, 3, 1], [1, 3, 3, 3]
    assert cohen_kappa(first, second, weights="linear").value == pytest.approx(1 / 3)
    # quadratic: observed (1 + 4) / 4; expected 3/4 * 4 / 2 + 1/4 + 1/4 * 4 / 4 = 2; 1 - 1.25 / 2
    assert cohen_kappa(first, second, weights="quadratic").value == pytest.approx(0.375)
    assert cohen_kappa(first, second, weights="quadratic").name == "cohen_kappa_quadratic"


def test_categories_fix_the_steps() -> None:
    """1 and 5 are neighbours where nothing else was given, and four steps apart on the scale 1-5."""
    first, second = [1, 5, 5, 1, 2], [1, 5, 2, 5, 2]
    near = cohen_kappa(first, second, weights="linear").value
    # marks 1, 2, 5 of the scale: observed (3 + 4) / 5; marginals (.4, .2, .4) and (.2, .4, .4);
    # expected .4 (.4 * 1 + .4 * 4) + .2 (.2 * 1 + .4 * 3) + .4 (.2 * 4 + .4 * 3) = .8 + .28 + .8 = 1.88
    assert cohen_kappa(first, second, weights="linear", categories=[1, 2, 3, 4, 5]).value == pytest.approx(
        1 - 1.4 / 1.88
    )
    assert near != pytest.approx(1 - 1.4 / 1.88)


def test_scott_pi_pools_the_marginals() -> None:
    # Ao 3/4; pooled (3/8, 5/8): Ae = .53125
    assert scott_pi([1, 1, 0, 0], [1, 0, 0, 0]).value == pytest.approx((0.75 - 0.53125) / (1 - 0.53125))


def test_pi_punishes_leniency_more_than_kappa() -> None:
    truth = [1, 1, 0, 0, 0, 0]
    lenient = [1, 1, 1, 1, 0, 0]
    pi, kappa = scott_pi(lenient, truth).value, cohen_kappa(lenient, truth).value
    assert pi is not None
    assert kappa is not None
    assert pi < kappa


def test_fleiss_kappa_by_hand_and_of_the_paper() -> None:
    # P = (1 + 1/3) / 2, Pe = (4/6)^2 + (2/6)^2 = 5/9; (2/3 - 5/9) / (4/9)
    metric = fleiss_kappa([[1, 1, 1], [1, 0, 0], [1, 0, NULL]])
    assert (metric.value, metric.n, metric.left_out) == (pytest.approx(0.25), 2, 1)
    # ten subjects, fourteen raters, five categories: the common textbook table, kappa .210
    counts = (
        "0 0 0 0 14, 0 2 6 4 2, 0 0 3 5 6, 0 3 9 2 0, 2 2 8 1 1, 7 7 0 0 0, 3 2 6 3 0, 2 5 3 2 2, 6 5 2 1 0, 0 2 2 3 7"
    )
    ratings = [np.repeat(np.arange(5), [int(k) for k in row.split()]) for row in counts.split(", ")]
    assert fleiss_kappa(ratings).value == pytest.approx(0.210, abs=5e-4)


def test_fleiss_of_two_raters_is_scott() -> None:
    rng = np.random.default_rng(4)
    table = rng.integers(0, 3, (30, 2))
    assert fleiss_kappa(table).value == pytest.approx(scott_pi(table[:, 0], table[:, 1]).value)


# Krippendorff's own example: four observers, twelve units, missing values
OBSERVERS = np.array(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, NULL, NULL, NULL],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, NULL, 3],
        [NULL, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, NULL],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, NULL],
    ]
).T


@pytest.mark.parametrize(("level", "published"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)])
def test_krippendorff_alpha_of_his_example(level: str, published: float) -> None:
    metric = krippendorff_alpha(OBSERVERS, level=level)  # type: ignore[arg-type]
    assert metric.value == pytest.approx(published, abs=5e-4)
    assert (metric.n, metric.left_out) == (11, 1)  # the last unit has one rating only
    assert metric.name == f"krippendorff_alpha_{level}"


def test_krippendorff_alpha_by_hand() -> None:
    # Do = 1/3; three 1 and three 0: De = 2 * 3 * 3 / (6 * 5) = .6
    assert krippendorff_alpha([[1, 1], [0, 0], [1, 0]]).value == pytest.approx(1 - (1 / 3) / 0.6)


def test_constant_ratings_are_undefined_not_perfect() -> None:
    """Two judges that always say yes agree, but not beyond chance: 0/0."""
    yes = [1, 1, 1]
    assert cohen_kappa(yes, yes).value is None
    assert cohen_kappa(yes, yes, weights="linear").value is None
    assert cohen_kappa(yes, yes, weights="linear", categories=[0, 1, 2]).value is None
    assert scott_pi(yes, yes).value is None
    assert fleiss_kappa([[1, 1, 1], [1, 1, 1]]).value is None
    assert krippendorff_alpha([[1, 1], [1, 1]]).value is None
    assert cohen_kappa(yes, [0, 0, 0]).value == pytest.approx(0.0)


def test_rbo_by_hand() -> None:
    # p = .5, so (1 - p) / p = 1. [a, b] and [b, a]: overlaps 0, 2: 0 + 1 * .25, and the tail 1 * .25
    assert rbo("ab", "ba", p=0.5).value == pytest.approx(0.5)
    # random orders of two: half of the time equal (1), half swapped (.5)
    assert rbo("ab", "ba", p=0.5).chance == pytest.approx(0.75)
    # a prefix is extrapolated to full agreement: .5 + .125 + .125 + .25
    assert rbo("a", "ab", p=0.5).value == pytest.approx(1.0)
    # [a] and [b, a]: overlaps 0, 1: (1/2)(.25) + ((1 - 0) / 2)(.25)
    assert rbo("a", "ba", p=0.5).value == pytest.approx(0.25)
    assert rbo("ba", "a", p=0.5).value == pytest.approx(0.25)
    assert rbo("a", "ba").chance is None


def test_rbo_ends_of_the_range_and_weight_of_the_top() -> None:
    assert rbo("abcdef", "abcdef").value == pytest.approx(1.0)
    assert rbo("abc", "xyz").value == 0.0
    top, bottom = rbo("abcdef", "bacdef").value, rbo("abcdef", "abcdfe").value
    assert top is not None
    assert bottom is not None
    assert top < bottom
