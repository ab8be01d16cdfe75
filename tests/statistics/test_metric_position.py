"""Metrics of order and repetition: worked examples by hand, ties, and how the definitions relate."""

from __future__ import annotations

import math

import numpy as np
import pytest

from voirdire.harness.statistics.metric_position import (
    agr,
    biased_to_first,
    biased_to_second,
    bpde,
    bpde_by_case,
    conflict_rate,
    delta_bias,
    position_consistency,
    preference_fairness,
    repetition_stability,
    total_bias,
)

NULL = math.nan
# utility of one content, [shown first, shown second]; what the judge did:
ORDERS = [
    [1, 1],  # content wins twice: consistent
    [0, 0],  # loses twice: consistent
    [0.5, 0.5],  # tie twice: consistent
    [1, 0],  # slot 1 twice
    [1, 0],  # slot 1 twice
    [0, 1],  # slot 2 twice
    [1, 0.5],  # slot 1, then a tie: a shift to the first slot
    [0.5, 0],  # tie, then slot 1: a shift to the first slot
    [0.5, 1],  # tie, then slot 2: a shift to the second slot
    [1, NULL],  # no verdict in the swapped order
]


def test_consistency_and_conflict() -> None:
    # 3 of the 9 pairs with both verdicts are consistent
    metric = position_consistency(ORDERS)
    assert (metric.value, metric.n, metric.left_out) == (pytest.approx(3 / 9), 9, 1)
    assert agr(ORDERS).value == metric.value
    assert conflict_rate(ORDERS).value == pytest.approx(6 / 9)


def test_two_nulls_are_no_agreement() -> None:
    """LLMBar's own "equal" counts them as one."""
    metric = agr([[1, 0], [NULL, NULL]])
    assert (metric.value, metric.n, metric.left_out) == (0.0, 1, 1)


def test_biased_to_a_slot_needs_the_slot_in_both_orders() -> None:
    assert biased_to_first(ORDERS).value == pytest.approx(2 / 9)
    assert biased_to_second(ORDERS).value == pytest.approx(1 / 9)


def test_judgelm_counts_shifts_of_ties() -> None:
    # towards first: two slot-1 pairs and two tie shifts = 4; towards second: 1 + 1 = 2
    assert delta_bias(ORDERS).value == pytest.approx((4 - 2) / 9)
    assert total_bias(ORDERS).value == pytest.approx((4 + 2) / 9)


def test_preference_fairness_by_the_published_formula() -> None:
    # r = 2, p = 4, n = 9: (2/9)(2/6) - (4/9)(4/6) = -12/54; rescaled by S = -1, +1: unchanged
    assert preference_fairness(ORDERS).value == pytest.approx(-12 / 54)
    assert preference_fairness([[1, 0], [1, 0.5], [0, 1], [1, 1]]).value == pytest.approx(-0.25)
    assert preference_fairness([[1, 1], [0.5, 0.5]]).value == 0.0  # nothing inconsistent: fair
    assert preference_fairness([[1, 0]]).value == -1.0  # all primacy
    assert preference_fairness([[0, 1]]).value == 1.0  # all recency


def test_definitions_agree_where_they_must() -> None:
    orders = np.random.default_rng(1).choice([0, 0.5, 1], size=(200, 2))
    assert delta_bias(orders).value == pytest.approx(abs(preference_fairness(orders).value or 0))
    assert total_bias(orders).value == conflict_rate(orders).value
    consistency = position_consistency(orders).value
    assert consistency is not None
    assert total_bias(orders).value == pytest.approx(1 - consistency)


def test_a_judge_locked_on_the_first_slot() -> None:
    locked = [[1, 0]] * 7
    assert position_consistency(locked).value == 0.0
    assert biased_to_first(locked).value == 1.0
    assert biased_to_second(locked).value == 0.0
    assert delta_bias(locked).value == total_bias(locked).value == 1.0


def test_soft_utilities_are_read_by_their_side_of_a_half() -> None:
    assert position_consistency([[0.9, 0.6], [0.51, 0.49], [0.5, 0.5]]).value == pytest.approx(2 / 3)
    # a half but for rounding is a tie
    almost = 0.7 - 0.2
    assert almost < 0.5
    assert position_consistency([[almost, 0.5]]).value == 1.0


def test_chance_depends_on_ties() -> None:
    # tie = .5: win, tie, loss with .25, .5, .25: same .0625 + .25 + .0625 = .375
    assert position_consistency(ORDERS, tie=0.5).chance == pytest.approx(0.375)
    assert conflict_rate(ORDERS, tie=0.5).chance == pytest.approx(0.625)
    assert biased_to_first(ORDERS, tie=0.5).chance == pytest.approx(0.0625)
    assert position_consistency(ORDERS, tie=1.0).chance == 1.0


def test_repetition_stability() -> None:
    # modes: 2 of 3, 3 of 3, 1 of 3 (all differ), 2 of 2 (a null shortens the series); one verdict alone is left out
    repeats = [[1, 1, 0], [0, 0, 0], [1, 0.5, 0], [1, 1, NULL], [1, NULL, NULL]]
    metric = repetition_stability(repeats)
    assert metric.value == pytest.approx((2 / 3 + 1 + 1 / 3 + 1) / 4)
    assert (metric.n, metric.left_out) == (4, 1)
    # .75 for the three series of three and for the one of two
    assert metric.chance == pytest.approx(0.75)
    assert repetition_stability([[1, 0], [1, 1]], tie=1.0).chance == pytest.approx(1.0)


def test_bpde() -> None:
    votes = [
        [[1, 1], [0, 0]],  # win 2, lose 2: ln 2
        [[1, 1], [1, 1]],  # unanimous: 0
        [[1, 0.5], [0, NULL]],  # one each of three: ln 3
        [[1, NULL], [NULL, NULL]],  # a single verdict has no entropy: left out
    ]
    metric = bpde(votes)
    assert metric.value == pytest.approx((math.log(2) + 0 + math.log(3)) / 3)
    assert (metric.n, metric.left_out) == (3, 1)
    assert metric.high == pytest.approx(math.log(3))
    assert bpde_by_case(votes) == pytest.approx([math.log(2), 0, math.log(3), NULL], nan_ok=True)
    assert math.copysign(1, bpde_by_case(votes)[1]) == 1  # not -0
