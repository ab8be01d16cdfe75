"""The sequential tests on one example: their error rates, their bounds, and that they never ask more than they need."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voirdire.harness.statistics.confirm import Certain, Confirmation, Noisy, Wald, lower_bound


def decided(test: Wald | Confirmation, p: float, rng: Random, most: int = 2000) -> bool | None:
    while test.decision is None and test.n < most:
        test.add(rng.random() < p)
    return test.decision


@pytest.mark.parametrize(("p", "wrong"), [(0.5, True), (0.3, True), (0.9, False), (0.97, False)])
def test_wald_errs_as_rarely_as_it_says(p: float, wrong: bool) -> None:
    rng = Random(1)
    errors = sum(decided(Wald(0.5, 0.9, 0.05, 0.05), p, rng) is wrong for _ in range(600))
    assert errors <= 0.05 * 600 + 2 * (600 * 0.05 * 0.95) ** 0.5


@given(
    st.lists(st.booleans(), max_size=30),
    st.floats(0.001, 0.2),
    st.floats(0.001, 0.2),
    st.booleans(),
)
def test_needed_is_the_fewest_that_can_decide(answers: list[bool], yes: float, no: float, confirming: bool) -> None:
    test: Wald | Confirmation = Confirmation(0.8, yes) if confirming else Wald(0.5, 0.9, yes, no)
    for answer in answers:
        if test.decision is None:
            test.add(answer)
    needed = test.needed()
    assert (needed == 0) == (test.decision is not None)
    ends = []
    for all_of_them in (True, False):
        copy: Wald | Confirmation = Confirmation(0.8, yes) if confirming else Wald(0.5, 0.9, yes, no)
        copy.k, copy.n = test.k, test.n
        while copy.decision is None:
            copy.add(all_of_them)
        ends.append(copy.n - test.n)
    assert needed == min(ends)


@pytest.mark.parametrize("p", [0.8, 0.7])
def test_what_is_not_above_the_floor_is_confirmed_rarely(p: float) -> None:
    rng = Random(2)
    wrong = sum(decided(Confirmation(0.8, 0.05), p, rng, most=400) is True for _ in range(500))
    assert wrong <= 0.05 * 500 + 2 * (500 * 0.05 * 0.95) ** 0.5


def test_what_lies_above_the_floor_is_confirmed() -> None:
    rng = Random(3)
    assert sum(decided(Confirmation(0.8, 0.05), 0.9, rng) is True for _ in range(200)) >= 195
    sure = Confirmation(0.8, 0.05)
    assert decided(sure, 1.0, rng) is True
    assert sure.n <= 20
    assert 0.8 <= sure.lower < 1.0


def test_the_lower_bound_holds_whenever_one_stops() -> None:
    rng = Random(4)
    missed = 0
    for _ in range(200):
        k = 0
        for n in range(1, 101):
            k += rng.random() < 0.9
            if n % 5 == 0 and lower_bound(k, n, 0.1) > 0.9:
                missed += 1
                break
    assert missed <= 0.1 * 200
    assert lower_bound(0, 0, 0.05) == 0.0
    assert lower_bound(0, 50, 0.05) == 0.0
    assert lower_bound(30, 30, 0.05) > lower_bound(28, 30, 0.05) > lower_bound(20, 30, 0.05) > 0


def test_a_certain_judge_is_asked_once() -> None:
    for answer in (True, False):
        for test in (Certain().trial(0.01), Certain().confirmation(0.01)):
            assert (test.decision, test.needed()) == (None, 1)
            test.add(answer)
            assert (test.decision, test.needed(), test.lower) == (answer, 0, float(answer))


def test_wrong_numbers_are_refused() -> None:
    for low, high, yes, no in [(0.9, 0.5, 0.05, 0.05), (0.0, 0.5, 0.05, 0.05), (0.5, 0.9, 0.0, 0.05)]:
        with pytest.raises(ValueError, match="got"):
            Wald(low, high, yes, no)
    with pytest.raises(ValueError, match="least"):
        Confirmation(1.0, 0.05)
    assert Noisy(least=0.6).trial(0.05).high == pytest.approx(0.8)
