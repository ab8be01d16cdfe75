"""CALM's rates, METAL's effectiveness, sensitivity to the prompt's wording: worked by hand."""

from __future__ import annotations

import math

import pytest

from voirdire.harness.statistics.metric_robustness import cr, efm, error_rate_ra, error_rate_se, prompt_sensitivity, rr

NULL = math.nan


def test_rr_and_cr_are_the_same_share_of_other_runs() -> None:
    original = [1, 0, 0.5, 1, NULL]
    metric = rr(original, [1, 1, 0.5, NULL, NULL])
    assert (metric.value, metric.n, metric.left_out) == (pytest.approx(2 / 3), 3, 2)
    assert cr(original, [1, 0, 1, 1, NULL]).value == pytest.approx(3 / 4)
    assert rr(original, original).chance == 0.5
    # tie = .2: .4^2 + .2^2 + .4^2
    assert rr(original, original, tie=0.2).chance == pytest.approx(0.36)


def test_error_rates_are_ratios_of_means() -> None:
    # means 9 and 7.5: |1 - 1.2|
    assert error_rate_se([9, 9, 10], [8, 7, NULL]).value == pytest.approx(0.2)
    # means 7 and 8: |1 - .875|
    assert error_rate_ra([6, 8], [7, 9]).value == pytest.approx(0.125)
    # one zero is harmless, all zeros are undefined
    assert error_rate_se([2, 2], [0, 4]).value == 0.0
    assert error_rate_se([1, 2], [0, 0]).value is None


def test_unbounded_range_is_null_in_json() -> None:
    assert error_rate_se([1], [1]).high == math.inf
    assert error_rate_se([1], [1]).to_json()["high"] is None


def test_efm() -> None:
    # 3 of 4 relations broken, mean similarity .75
    metric = efm([1, 0, 1, 1], [0.9, 0.8, 0.7, 0.6])
    assert metric.value == pytest.approx(0.5625)
    assert metric.chance == pytest.approx(0.5 * 0.75)
    assert efm([1, 1], [0.0, 0.0]).value == 0.0  # an attack that destroys the text


def test_prompt_sensitivity() -> None:
    maxp, avgp, sat, cps = prompt_sensitivity([0.8, 0.6, 0.7, NULL])
    assert maxp.value == pytest.approx(0.8)
    assert avgp.value == pytest.approx(0.7)
    assert sat.value == pytest.approx(0.9)
    assert cps.value == pytest.approx(0.72)
    assert (sat.n, sat.left_out) == (3, 1)
    assert prompt_sensitivity([0.5])[2].value == 1.0  # one wording cannot differ from itself
