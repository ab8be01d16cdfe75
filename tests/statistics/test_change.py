"""Regression tests: what counts as worse, at the level it states, with both runs' noise and no sign chosen by it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from voirdire.harness.statistics.change import Asked, Test, decide, paired_rise
from voirdire.harness.statistics.drift import level_of_run
from voirdire.harness.statistics.growth import AllOf, AllOneWay, AnyOf, Growth, Rise
from voirdire.harness.statistics.means import Mean, estimate

MARGIN, ALPHA, CASES, RUNS = 0.05, 0.05, 200, 1000


def mean(value: float, error: float = 0.02, n: int = CASES, span: float = 2.0) -> Mean:
    return Mean(value, n, n, error * n**0.5, 0.0, -span, span)


def growth(now: float, then: float, error: float = 0.02) -> Growth:
    return Growth("shift", mean(now - then, error), mean(now + then, error))


def rise(change: float, then: float = 0.0, error: float = 0.02, name: str = "gain") -> Rise:
    return Rise(name, mean(change, error), then)


def shifts(rng: np.random.Generator, effect: float) -> np.ndarray:
    """Follow-up minus source of 200 cases: 6 calls an arm of a judge that wins with .5."""
    return rng.binomial(6, 0.5 + effect, CASES) / 6 - rng.binomial(6, 0.5, CASES) / 6


def simulated(rng: np.random.Generator, now: float, then: float) -> Growth:
    a, b = shifts(rng, now), shifts(rng, then)
    difference, total = estimate(a - b, lo=-2, hi=2), estimate(a + b, lo=-2, hi=2)
    assert difference is not None
    assert total is not None
    return Growth("shift", difference, total)


# ---------------------------------------------------------------------------------------------------------- two-sided


@pytest.mark.parametrize(("now", "then"), [(0.3, 0.0), (-0.3, 0.0), (0.35, 0.1), (-0.35, -0.1), (-0.35, 0.1)])
def test_growth_in_size_is_worse_whatever_its_sign(now: float, then: float) -> None:
    test = growth(now, then)
    assert test.p(MARGIN) < 0.001
    assert test.change == pytest.approx(abs(now) - abs(then))
    assert (test.now, test.then) == pytest.approx((now, then))
    assert test.low(0.001) > MARGIN
    assert not test.holds(MARGIN, ALPHA)


@pytest.mark.parametrize(("now", "then"), [(0.0, 0.3), (0.1, 0.3), (-0.3, 0.3), (0.3, -0.3), (0.1, -0.4), (0.0, 0.0)])
def test_an_effect_that_shrank_or_turned_round_is_not_worse(now: float, then: float) -> None:
    test = growth(now, then, error=0.004)
    assert test.p(MARGIN) > 0.5
    assert test.holds(MARGIN, ALPHA)
    assert test.high(ALPHA) <= MARGIN


def test_mirrored_runs_give_the_same_answer() -> None:
    a, b = growth(0.17, 0.04), growth(-0.17, -0.04)
    assert a.p(MARGIN) == pytest.approx(b.p(MARGIN))
    assert (a.low(0.05), a.high(0.05)) == pytest.approx((b.low(0.05), b.high(0.05)))


# |now| - |then| is exactly the margin: the worst case that must not be called a regression
@pytest.mark.parametrize(("now", "then"), [(0.05, 0.0), (-0.05, 0.0), (0.20, 0.15), (-0.20, 0.15), (-0.08, -0.03)])
def test_growth_by_the_margin_is_called_a_regression_at_the_stated_rate(now: float, then: float) -> None:
    rng = np.random.default_rng(3)
    false = covered = 0
    for _ in range(RUNS):
        test = simulated(rng, now, then)
        false += test.p(MARGIN) < ALPHA
        covered += test.high(ALPHA) >= abs(now) - abs(then)
    # .05 plus four standard errors of the simulation
    assert false / RUNS <= 0.078
    assert covered / RUNS >= 0.922


def test_choosing_the_sign_by_the_noise_would_not_keep_the_rate() -> None:
    """What the two-sided test avoids: orient by the sign now, then test one-sidedly."""
    rng = np.random.default_rng(4)
    naive = honest = 0
    for _ in range(RUNS):
        test = simulated(rng, 0.0, 0.0)
        oriented = test.difference if test.now >= 0 else test.difference.mirrored()
        naive += oriented.p_above(0.0) < ALPHA
        honest += test.p(0.0) < ALPHA
    assert honest / RUNS <= 0.078 < naive / RUNS


def test_a_growth_of_15_points_is_found() -> None:
    rng = np.random.default_rng(5)
    found = sum(simulated(rng, 0.15, 0.0).p(MARGIN) < ALPHA for _ in range(300))
    assert found >= 270


# ------------------------------------------------------------------------------------------------------ several parts


def test_an_addition_got_worse_only_if_it_gains_more_over_source_and_sham() -> None:
    both = AllOf([rise(0.3), rise(0.3)])
    one = AllOf([rise(0.3), rise(0.0)])
    neither = AllOf([rise(-0.1), rise(0.0, error=0.01)])
    assert both.p(MARGIN) < 0.001
    assert one.p(MARGIN) > 0.5
    assert not one.holds(MARGIN, ALPHA)  # the smaller gain may still have grown
    assert neither.holds(MARGIN, ALPHA)
    leaf, _ = one.held(MARGIN, ALPHA)
    assert leaf.change == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("now", "then", "worse"),
    [
        ((0.3, 0.35), (0.0, 0.0), True),
        ((-0.3, -0.35), (0.1, -0.1), True),  # in common nothing, then -.3
        ((0.3, -0.3), (0.0, 0.0), False),  # each grew, and still they have nothing in common
        ((0.0, 0.3), (0.0, 0.0), False),  # the judge came to dislike the placebo
        ((0.2, 0.2), (0.2, 0.2), False),
        ((0.1, 0.2), (-0.3, -0.2), False),
    ],
)
def test_shifts_from_source_and_placebo_grew_if_what_they_have_in_common_did(
    now: tuple[float, float], then: tuple[float, float], worse: bool
) -> None:
    test = AllOneWay([growth(a, b, error=0.004) for a, b in zip(now, then, strict=True)])
    assert (test.p(MARGIN) < 0.001) == worse
    assert (test.change > MARGIN) == worse
    if worse:
        assert not test.holds(MARGIN, ALPHA)
        assert test.stays_unfound(1, MARGIN, ALPHA) < 0.01
        assert test.stays_open(1, MARGIN, ALPHA) > 0.9
    leaf, level = test.found(MARGIN, ALPHA)
    assert leaf.low(level) > MARGIN or not worse


def test_shifts_that_come_to_agree_are_not_called_no_worse() -> None:
    """+.3 over the source and -.3 over the placebo have nothing in common; +.3 and +.3 have. Part by part, neither
    grew: the one by its difference, the other by its sum."""
    met = AllOneWay([growth(0.3, 0.3, error=0.004), growth(0.3, -0.3, error=0.004)])
    assert all(part.holds(MARGIN, ALPHA) for part in met.parts)
    assert not met.holds(MARGIN, ALPHA)
    assert met.change == pytest.approx(0.3)
    apart = AllOneWay([growth(0.3, 0.3, error=0.004), growth(-0.3, 0.3, error=0.004)])
    assert apart.change == pytest.approx(-0.3)
    assert apart.p(MARGIN) == 1


def test_shifts_in_common_that_did_not_grow_are_called_worse_at_the_level_at_most() -> None:
    """At the edge: over the source it grew by the margin, over the placebo by any amount."""
    rng = np.random.default_rng(9)
    for now in ((MARGIN, 0.4), (-MARGIN, -0.4), (0.3, -0.3)):
        tests = [AllOneWay([simulated(rng, each, 0.0) for each in now]) for _ in range(RUNS)]
        # 5 % of 1,000, and three standard errors
        assert sum(test.p(MARGIN) < ALPHA for test in tests) <= 70


def test_any_part_that_grew_is_enough_at_its_share_of_the_level() -> None:
    flips, shift = rise(0.15, name="flips"), growth(0.15, 0.0)
    by_flips, by_shift = AnyOf([growth(0.0, 0.0), flips]), AnyOf([shift, rise(0.0)])
    assert by_flips.p(MARGIN) == pytest.approx(flips.p(MARGIN) / 0.2)
    assert by_shift.p(MARGIN) == pytest.approx(shift.p(MARGIN) / 0.8)
    assert sum(by_flips.shares) == pytest.approx(1)
    assert AnyOf([flips]).p(MARGIN) == flips.p(MARGIN)
    for test, name, share in ((by_flips, "flips", 0.2), (by_shift, "shift", 0.8)):
        leaf, level = test.found(MARGIN, ALPHA)
        assert leaf.name == name
        assert level == pytest.approx(share * ALPHA)
        assert leaf.low(level) > MARGIN
        assert not test.holds(MARGIN, ALPHA)


# ------------------------------------------------------------------------------------------------------------ decide


def one(test: Test | None, *, family: int = 1, why: str | None = None, alpha: float = ALPHA, resolution: float = 0.15):
    return decide([Asked("p", test, why)], margin=MARGIN, alpha=alpha, family=family, resolution=resolution)[0]


def test_three_answers() -> None:
    assert one(rise(0.2)).state == "regressed"
    assert one(rise(0.0, error=0.01)).state == "not_worse"
    open_ = one(rise(0.03))
    assert (open_.state, open_.reason, open_.bounded) == ("inconclusive", "undecided", True)
    assert open_.more_cases is not None
    assert open_.low is not None
    assert open_.high is not None
    assert open_.low < MARGIN < open_.high < 0.15
    assert not one(rise(0.13)).bounded  # neither found nor ruled out


def test_holm_counts_the_whole_family() -> None:
    test = rise(0.05 + 0.02 * 2.2)  # p = .014 by itself
    assert one(test).state == "regressed"
    assert one(test, family=10).state == "inconclusive"
    found = one(rise(0.2), family=10)
    assert found.p is not None
    assert found.p_adjusted == pytest.approx(10 * found.p)
    assert found.low is not None
    assert found.low > MARGIN  # the interval printed is the one that decided


def test_what_speaks_against_a_test_keeps_it_open() -> None:
    for reason in ("differential_nulls", "position_locked"):
        change = one(rise(0.4), why=reason)
        assert (change.state, change.reason, change.bounded) == ("inconclusive", reason, False)
        assert change.more_cases is None
    missing = one(None)
    assert (missing.state, missing.reason, missing.change) == ("inconclusive", "not_in_baseline", None)


def test_detectable_growth_is_found_in_four_of_five_runs() -> None:
    rng = np.random.default_rng(6)
    found, sizes = 0, []
    for _ in range(300):
        test = paired_rise("gain", shifts(rng, 0.17), shifts(rng, 0.0))
        change = one(test, family=10)
        found += change.state == "regressed"
        assert change.detectable is not None
        sizes.append(change.detectable)
    assert np.mean(sizes) == pytest.approx(0.15, abs=0.02)
    assert found / 300 >= 0.8


@pytest.mark.parametrize("signed", [False, True], ids=["one-sided", "signed, beside flips"])
@pytest.mark.parametrize("n", [100, 200])
def test_detectable_growth_of_a_deterministic_judge_is_found_in_four_of_five_runs(n: int, signed: bool) -> None:
    """Exact: in a share of the cases the verdict turns between the runs. By the spread seen it was found in .3."""
    from scipy.stats import binom

    def run(turned: int) -> Test:
        now, then = (np.arange(n) < turned).astype(float), np.zeros(n)
        gain = paired_rise("gain", now, then)
        assert gain is not None
        if not signed:
            return gain
        quiet = paired_rise("flips", then, then)
        assert quiet is not None
        return AnyOf([Growth("shift", gain.difference, gain.difference), quiet])

    least = next(k for k in range(n) if one(run(k), family=9).state == "regressed")
    size = one(run(0), family=9).detectable
    assert size is not None
    # a signed effect has to lie beyond the margin in now - then and in now + then, which here are one
    assert 0.75 <= binom.sf(least - 1, n, size) <= (0.93 if signed else 0.86)


@pytest.mark.parametrize("effect", [0.0, 0.13])
def test_more_cases_decide_a_gate_in_four_of_five_runs(effect: float) -> None:
    rng = np.random.default_rng(9)
    n = 60

    def run(cases: int, noise: np.random.Generator) -> Test:
        a, b, flips = (noise.normal(0, 0.25, cases) for _ in range(3))
        difference, total = estimate(a + effect - b, lo=-2, hi=2), estimate(a + effect + b, lo=-2, hi=2)
        rises = paired_rise("flips", np.clip(flips, -1, 1), np.zeros(cases))
        assert difference is not None
        assert total is not None
        assert rises is not None
        return AnyOf([Growth("shift", difference, total), rises])

    def centred(test: Test) -> Test:
        """The same spread with the means where they truly are: what was seen is the truth."""
        assert isinstance(test, AnyOf)
        shift, flips = test.parts
        assert isinstance(shift, Growth)
        assert isinstance(flips, Rise)
        moved = Growth("shift", replace(shift.difference, mean=effect), replace(shift.total, mean=effect))
        return AnyOf([moved, Rise("flips", replace(flips.difference, mean=0.0), 0.0)])

    change = one(centred(run(n, rng)), family=9)
    assert change.state == "inconclusive"
    assert change.more_cases is not None
    later = [one(run(n + change.more_cases, rng), family=9).state for _ in range(200)]
    decided = np.mean([state == ("regressed" if effect else "not_worse") for state in later])
    # .8, less four standard errors of the simulation; of what does not grow two means are bounded, where one would do
    assert 0.69 <= decided <= (0.97 if effect else 1.0)


def test_cases_that_did_not_differ_leave_room_for_some_that_do() -> None:
    for n, at_least in ((4, 0.5), (400, MARGIN)):
        change = one(paired_rise("gain", np.zeros(n), np.zeros(n)))
        assert change.detectable is not None
        assert change.detectable > at_least
    assert change.detectable < 0.1


def test_a_missing_value_in_either_run_leaves_the_case_out() -> None:
    now, then = np.full(40, 0.5), np.full(40, 0.25)
    now[:5], then[35:] = np.nan, np.nan
    test = paired_rise("gain", now, then)
    assert test is not None
    assert (test.n, test.then, test.now) == (30, 0.25, 0.5)
    assert paired_rise("gain", np.full(3, np.nan), np.zeros(3)) is None


def test_clusters_are_the_unit() -> None:
    rng = np.random.default_rng(7)
    base = np.repeat(rng.normal(0.1, 0.3, 20), 10)
    alone = paired_rise("gain", base, np.zeros(200))
    clustered = paired_rise("gain", base, np.zeros(200), np.repeat(np.arange(20), 10))
    assert alone is not None
    assert clustered is not None
    assert clustered.difference.standard_error > 2 * alone.difference.standard_error


# ------------------------------------------------------------------------------------------------------------- drift


def test_all_runs_together_spend_no_more_than_alpha() -> None:
    spent = np.cumsum([level_of_run(ALPHA, run) for run in range(1, 200_001)])
    assert spent[-1] < ALPHA
    assert spent[-1] > 0.95 * ALPHA  # nothing is left lying about
    assert level_of_run(ALPHA, 1) > 0.4 * ALPHA
    with pytest.raises(ValueError, match="count from 1"):
        level_of_run(ALPHA, 0)


def test_daily_runs_against_one_baseline_rarely_ever_alarm() -> None:
    """The baseline's noise is in every run: at the margin, alpha each day alarms for about half of all baselines."""
    rng = np.random.default_rng(8)
    spent = plain = 0
    for _ in range(40):
        then = shifts(rng, 0.0)
        tests = [paired_rise("gain", shifts(rng, MARGIN), then) for _ in range(30)]
        p = [t.p(MARGIN) for t in tests if t is not None]
        plain += min(p) < ALPHA
        spent += any(x < level_of_run(ALPHA, run) for run, x in enumerate(p, start=1))
    assert spent <= 6  # a rate of .05 gives more than 6 of 40 with probability .003
    assert plain >= 10
