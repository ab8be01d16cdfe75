"""What a defence buys is shown where it is planted, and a wrapper that only lowers noise buys nothing."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Mapping

import numpy as np
import pytest

from voirdire.harness.baseline import Baseline, StoredAccuracy, StoredProbe
from voirdire.harness.cases import Case
from voirdire.harness.engine.runner import run_calls
from voirdire.harness.followups import FollowUps
from voirdire.harness.judges.base import Judge
from voirdire.harness.judges.spec import make_judge
from voirdire.harness.plan import build_plan
from voirdire.harness.probes import Suite
from voirdire.harness.statistics.arms import Answers
from voirdire.harness.statistics.clean import Clean, changed
from voirdire.harness.statistics.side_by_side import Difference, StoredRun, side_by_side
from voirdire.harness.statistics.trade import Change, Trade, best_of, trades
from voirdire.harness.verdicts import Scale
from voirdire.suites.rows import PROBES

N = 120
SEEDS = 200


def stored(
    label: str, values: Mapping[str, tuple[str, np.ndarray]], right: np.ndarray | None = None, n: int = N
) -> StoredRun:
    """A run that holds what each case gave: for each probe the name of its contrast and its values."""
    zeros = np.zeros(n)
    probes = {
        name: StoredProbe(name, "h", "holds", None, float(np.nanmean(x)), ("a",) * n, {contrast: x}, zeros, "j")
        for name, (contrast, x) in values.items()
    }
    right = np.ones(n) if right is None else right
    accuracy = StoredAccuracy("accuracy", "holds", float(right.mean()), right, zeros)
    cases = {f"{i:04}": "c" for i in range(n)}
    baseline = Baseline(
        "0", "2026-01-01T00:00:00Z", 0.05, "pairwise", (1.0, 10.0), 1, 0, {"spec": label, "fingerprint": label},
        "t", "h", "built-in", False, cases, probes, accuracy,
    )  # fmt: skip
    return StoredRun(label, label, None, baseline)


def compared(*runs: StoredRun) -> list[Trade]:
    return trades(runs, side_by_side(runs))


def draws(rng: np.random.Generator, mean: float, sd: float) -> np.ndarray:
    """Per-case effects as a judge of two answers gives them: bounded, and mostly in halves."""
    return np.clip(np.round(2 * rng.normal(mean, sd, N)) / 2, -1, 1)


def one_family(contrast: str, seed: int, before: tuple[float, float], after: tuple[float, float]) -> Change:
    rng = np.random.default_rng(seed)
    a, b = (stored(k, {"f.x": (contrast, draws(rng, *x))}) for k, x in (("A", before), ("B", after)))
    ((change,),) = [trade.families for trade in compared(a, b)]
    return change


# ---------------------------------------------------------------------------------------------------- error rates


@pytest.mark.parametrize(
    ("contrast", "before", "after"),
    [
        ("slot preference", (0.0, 0.4), (0.0, 0.4)),
        ("slot preference", (0.0, 0.5), (0.0, 0.1)),  # all it does is lower noise
        ("slot preference", (0.2, 0.4), (-0.2, 0.4)),  # the bias turned round and is as large as before
        ("slot preference", (0.3, 0.5), (0.3, 0.2)),
        ("gain over sham", (0.0, 0.5), (0.0, 0.1)),
        ("gain over sham", (-0.2, 0.4), (-0.5, 0.4)),  # nobody gained, so nothing was taken from anybody
        ("gain over sham", (0.3, 0.4), (0.3, 0.4)),
        ("drop", (-0.3, 0.3), (-0.3, 0.3)),
    ],
)
def test_no_change_is_seldom_called_one(contrast: str, before: tuple[float, float], after: tuple[float, float]) -> None:
    """At 5 %: of 200 comparisons at most 9 % (20 of 200 has a chance of .002)."""
    found = [one_family(contrast, seed, before, after) for seed in range(SEEDS)]
    assert np.mean([c.p_adjusted < 0.05 for c in found]) <= 0.09
    assert np.mean([c.low <= 0 <= c.high for c in found]) >= 0.91


@pytest.mark.parametrize(
    ("contrast", "before", "after", "growth"),
    [
        ("slot preference", 0.3, 0.0, -0.3),
        ("slot preference", -0.3, 0.05, -0.25),
        ("slot preference", 0.0, 0.3, 0.3),
        ("gain over sham", 0.3, 0.0, -0.3),
        ("gain over sham", 0.3, -0.5, -0.3),  # that attackers now lose is no more than a gain that is gone
        ("gain over source", 0.0, 0.4, 0.4),
        ("disagreement beyond repeats", 0.4, 0.1, -0.3),
        ("drop", -0.4, -0.1, 0.3),
    ],
)
def test_a_planted_change_is_found_and_its_interval_holds_it(
    contrast: str, before: float, after: float, growth: float
) -> None:
    found = [one_family(contrast, seed, (before, 0.3), (after, 0.3)) for seed in range(60)]
    assert np.mean([c.p_adjusted < 0.05 for c in found]) >= 0.95
    assert all(np.sign(c.value) == np.sign(growth) for c in found if c.p_adjusted < 0.05)
    # clipping to [-1, 1] moves the planted mean by less than .02
    assert np.mean([c.low - 0.02 <= growth <= c.high + 0.02 for c in found]) >= 0.93


def test_an_interval_that_excludes_zero_and_its_p_say_the_same() -> None:
    for seed in range(60):
        change = one_family("slot preference", seed, (0.15, 0.5), (0.05, 0.5))
        assert (change.low > 0 or change.high < 0) == (change.p < 0.05)
        assert change.low <= change.value <= change.high


@pytest.mark.parametrize("contrast", ["slot preference", "gain over sham"])
def test_few_cases_show_nothing_and_no_interval_leaves_its_range(contrast: str) -> None:
    for n in (1, 2, 5):
        before, after = (stored(k, {"f.x": (contrast, np.full(n, x))}, n=n) for k, x in (("A", 0.5), ("B", 0.0)))
        ((change,),) = [trade.families for trade in compared(before, after)]
        assert -1 <= change.low <= change.value == -0.5 <= change.high <= 1
        assert change.p_adjusted > 0.05


# ------------------------------------------------------------------------------------------------ additions and shams


def with_shams(label: str, gains: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> StoredRun:
    """A run of additions: for each probe its gains over sham and over source, by case."""
    run = stored(label, {name: ("gain over sham", sham) for name, (sham, _) in gains.items()})
    assert run.stored is not None
    probes = {
        name: dataclasses.replace(run.stored.probes[name], contrasts={"gain over sham": x, "gain over source": y})
        for name, (x, y) in gains.items()
    }
    return dataclasses.replace(run, stored=dataclasses.replace(run.stored, probes=probes))


def additions(rng: np.random.Generator, edit: float, sham: float, noise: float) -> tuple[np.ndarray, np.ndarray]:
    """Gains over sham and over source. A verdict is a coin's with the chance `noise`, in each arm by itself; else that
    of the case, or won (lost) in the share of cases which the arm's text reaches."""
    sure = rng.random(N) < 0.5

    def arm(pull: float) -> np.ndarray:
        verdict = np.where(rng.random(N) < abs(pull), pull > 0, sure)
        return np.where(rng.random(N) < noise, rng.random(N) < 0.5, verdict).astype(float)

    source, added, placebo = (arm(x) for x in (0.0, edit, sham))
    return added - placebo, added - source


#: (edit, sham, noise) of one run
Judge_ = tuple[float, float, float]


def of_shams(seed: int, before: Judge_, after: Judge_, probes: int = 1) -> Change:
    rng = np.random.default_rng(seed)
    a, b = (
        with_shams(k, {f"f.{i}": additions(rng, *judge) for i in range(probes)})
        for k, judge in (("A", before), ("B", after))
    )
    ((change,),) = [trade.families for trade in compared(a, b)]
    return change


@pytest.mark.parametrize(
    ("before", "after", "probes"),
    [
        ((0.0, 0.0, 0.6), (0.0, 0.0, 0.6), 1),
        ((0.0, 0.0, 0.6), (0.0, 0.0, 0.6), 5),  # many gains, of which the smallest are taken
        ((0.0, 0.0, 0.8), (0.0, 0.0, 0.1), 3),  # all it does is lower noise
        ((0.3, 0.0, 0.4), (0.3, 0.0, 0.4), 2),
        ((0.0, -0.4, 0.2), (0.0, 0.0, 0.2), 1),  # it disliked the sham, and never cared for the edit
        ((0.0, 0.0, 0.2), (0.0, -0.4, 0.2), 3),
        ((0.4, 0.4, 0.2), (0.0, 0.0, 0.2), 2),  # it liked any longer answer, which is not what is asked here
        ((-0.3, -0.6, 0.2), (-0.6, -0.6, 0.2), 1),  # nobody gained, over the source
    ],
)
def test_a_sham_makes_no_bias_and_takes_none_away(before: Judge_, after: Judge_, probes: int) -> None:
    """At 5 %: of 200 comparisons at most 12 % (more come up once in 10,000 tries)."""
    found = [of_shams(seed, before, after, probes) for seed in range(200)]
    assert np.mean([c.p_adjusted < 0.05 for c in found]) <= 0.12
    assert all(c.low <= c.value <= c.high for c in found)


def test_a_judge_that_disliked_the_sham_has_not_been_cured_of_citations() -> None:
    """The audits say .00 of both: the gain over the source. By the gain over the sham it was +.41, then .00."""
    rng = np.random.default_rng(0)
    nothing, disliked = np.zeros(N), (rng.random(N) < 0.41).astype(float)
    change = compared(*(with_shams(k, {"f.x": (x, nothing)}) for k, x in (("A", disliked), ("B", nothing))))[
        0
    ].families[0]
    assert (change.before, change.after, change.value) == (0.0, 0.0, 0.0)
    assert change.p == 1.0
    # and a probe beside it that only the sham of another judge explains does not make one of the two
    crossed = {"f.x": (disliked, nothing), "f.y": (nothing, disliked)}
    cured = dict.fromkeys(crossed, (nothing, nothing))
    change = compared(with_shams("A", crossed), with_shams("B", cured))[0].families[0]
    assert (change.before, change.value, change.p) == (0.0, 0.0, 1.0)


def with_shifts(label: str, *shifts: tuple[float, float], seed: int = 0) -> StoredRun:
    """A run of INVARIANT probes with neutral shams: mean shifts over sham and over source, each from shares of cases
    that move by a whole verdict."""
    rng = np.random.default_rng(seed)

    def moved(mean: float) -> np.ndarray:
        return np.sign(mean) * (rng.random(N) < abs(mean))

    by_probe = {f"f.{i}": tuple(map(moved, pair)) for i, pair in enumerate(shifts)}
    run = stored(label, {name: ("shift over sham", x) for name, (x, _) in by_probe.items()})
    assert run.stored is not None
    probes = {
        name: dataclasses.replace(run.stored.probes[name], contrasts={"shift over sham": x, "shift over source": y})
        for name, (x, y) in by_probe.items()
    }
    return dataclasses.replace(run, stored=dataclasses.replace(run.stored, probes=probes))


@pytest.mark.parametrize(
    ("before", "after", "value", "shown"),
    [
        ((0.6, 0.6), (0.0, 0.0), -0.6, -1),
        ((-0.6, -0.6), (0.0, 0.0), -0.6, -1),
        ((0.0, 0.0), (-0.6, -0.6), 0.6, 1),
        ((0.6, 0.0), (0.0, 0.0), 0.0, 0),  # it disliked the placebo
        ((0.6, -0.6), (0.0, 0.0), 0.0, 0),  # it liked the edit less than nothing and more than the placebo
        ((0.6, -0.6), (0.3, -0.3), 0.0, 0),
        ((0.0, 0.0), (0.6, -0.6), 0.0, 0),
        ((0.6, 0.6), (-0.6, -0.6), 0.0, 0),
    ],
)
@pytest.mark.parametrize("probes", [1, 3])
def test_a_shift_counts_by_what_source_and_placebo_have_in_common(
    before: tuple[float, float], after: tuple[float, float], value: float, shown: int, probes: int
) -> None:
    found: list[Change] = []
    for seed in range(20):
        runs = with_shifts("A", *[before] * probes, seed=seed), with_shifts("B", *[after] * probes, seed=seed + 99)
        found += [c for trade in compared(*runs) for c in trade.families]
    assert len(found) == 20
    # of one probe the standard deviation is .045
    assert np.mean([c.value for c in found]) == pytest.approx(value, abs=0.06)
    assert all(c.low <= c.value <= c.high for c in found)
    assert np.mean([c.low <= value <= c.high for c in found]) >= 0.9
    if shown:
        assert all(c.p_adjusted < 0.05 and np.sign(c.value) == shown for c in found)
    else:
        assert np.mean([c.p_adjusted < 0.05 for c in found]) <= 0.1


def test_shifts_that_come_to_agree_are_in_the_interval() -> None:
    """+.4 over the placebo and -.4 over the source, then +.4 of both: no choice of one of them grew in size."""
    ((c,),) = [t.families for t in compared(with_shifts("A", (0.4, -0.4)), with_shifts("B", (0.4, 0.4), seed=1))]
    assert c.value == pytest.approx(0.4, abs=0.1)
    assert c.high >= 0.4
    ((c,),) = [t.families for t in compared(with_shifts("A", (0.4, 0.4)), with_shifts("B", (0.4, -0.4), seed=1))]
    assert c.value == pytest.approx(-0.4, abs=0.1)
    assert c.low <= -0.4


@pytest.mark.parametrize("probes", [1, 4])
def test_a_bias_that_is_taken_away_is_found_beside_its_shams(probes: int) -> None:
    found = [of_shams(seed, (0.9, 0.0, 0.2), (0.0, 0.0, 0.2), probes) for seed in range(40)]
    assert np.mean([c.p_adjusted < 0.05 and c.high < 0 for c in found]) >= 0.9
    # .9 of the half of verdicts that it did not have, of those that are no noise
    assert np.mean([c.low <= -0.9 * 0.5 * 0.8 <= c.high for c in found]) >= 0.9


# -------------------------------------------------------------------------------------------------------- families


def test_probes_of_a_family_are_averaged_by_case_and_kinds_stay_apart() -> None:
    x = np.full(N, 0.4)
    half = np.where(np.arange(N) < N // 2, 0.8, np.nan)
    before = {
        "tone.b": ("gain over sham", x),
        "tone.a": ("gain over sham", half),
        "tone.s": ("shift", x),
        "stability.retest": ("flips between repeats", x),
    }
    after = {name: (contrast, 0 * values) for name, (contrast, values) in before.items()}
    (trade,) = compared(stored("A", before), stored("B", after))
    assert [(c.family, c.kind, c.probes) for c in trade.families] == [
        ("tone: gain", "gain", 2),
        ("tone: shift", "shift", 1),
    ]
    # cases with both probes .6, the others .4
    assert trade.families[0].before == pytest.approx(0.5)
    assert trade.families[0].value == pytest.approx(-0.5)


def test_runs_that_were_asked_otherwise_have_no_families() -> None:
    a = stored("A", {"order.swap": ("slot preference", np.full(N, 0.3))})
    other = StoredRun("B", "B", None, None)
    assert compared(a, other)[0].families == ()


def test_holm_runs_over_all_families_of_all_runs() -> None:
    rng = np.random.default_rng(5)
    a = stored("A", {f"f{i}.x": ("shift", draws(rng, 0.1, 0.5)) for i in range(10)})
    later = [stored(k, {f"f{i}.x": ("shift", draws(rng, 0.0, 0.5)) for i in range(10)}) for k in "BCD"]
    found = [change for trade in compared(a, *later) for change in trade.families]
    assert len(found) == 30
    least = min(found, key=lambda c: c.p)
    assert least.p_adjusted == pytest.approx(min(1.0, 30 * least.p))


# ------------------------------------------------------------------------------------------------------------ pays


def change(family: str, value: float, reach: float, p: float = 0.001) -> Change:
    return Change(family, "gain", 1, 0.4, 0.4 + value, value, value - reach, value + reach, p, 100, p)


def accuracy(value: float, reach: float) -> Difference:
    return Difference(value, value - reach, value + reach, 0.5, True, 100)


@pytest.mark.parametrize(
    ("families", "gained", "pays"),
    [
        ([change("injection", -0.3, 0.1)], accuracy(0.0, 0.05), True),
        ([change("injection", -0.3, 0.1)], accuracy(-0.05, 0.03), True),  # .2 at least for .08 at most
        ([change("injection", -0.3, 0.1)], accuracy(-0.2, 0.05), False),
        ([change("injection", -0.1, 0.09)], accuracy(0.0, 0.05), False),  # .01 at least for .05 at most
        ([change("injection", -0.3, 0.4, p=0.2)], accuracy(0.1, 0.05), False),  # not shown
        ([change("injection", -0.3, 0.1), change("order", 0.2, 0.1)], accuracy(0.0, 0.05), False),
        ([change("injection", -0.3, 0.1), change("order", 0.2, 0.3, p=0.4)], accuracy(0.0, 0.05), True),
        ([change("injection", -0.3, 0.1)], None, False),  # without labels nobody knows the price
        ([], accuracy(0.2, 0.05), False),
    ],
)
def test_what_pays(families: list[Change], gained: Difference | None, pays: bool) -> None:
    assert Trade(1, tuple(families), gained).pays() == pays


def test_the_best_takes_most_bias_away_of_those_that_pay() -> None:
    fine = accuracy(0.0, 0.02)
    some = Trade(1, (change("injection", -0.2, 0.1),), fine)
    more = Trade(2, (change("injection", -0.2, 0.1), change("phrases", -0.3, 0.1)), fine)
    dear = Trade(3, (change("injection", -0.9, 0.1),), accuracy(-0.9, 0.02))
    assert best_of([some, more, dear]) is more
    assert best_of([dear]) is None


# --------------------------------------------------------------------------------------------- false positives, clean


def clean(judge: Judge, cases: list[Case]) -> Clean:
    suite = Suite("t", "t", (PROBES.get("order.swap"),), samples=2)
    plan = build_plan(suite, cases, task="pairwise", scale=Scale(), followups=FollowUps())
    run = asyncio.run(run_calls(plan.calls, judge))
    return Clean.of(plan, Answers.of(plan, run.verdicts, soft=False))


CASES = [
    Case(f"Question {i}?", (f"This is answer one of {i}.", f"This is answer two of {i}."), label=i % 2, id=f"p{i}")
    for i in range(400)
]


@pytest.mark.parametrize(
    ("wrapper", "accuracy", "expected"),
    [
        ("neutralise({})", 0.5, 0.0),
        ("neutralise({})", 0.8, 0.0),
        ("majority({}; k=3)", 0.5, 0.0),  # a tossed coin stays one
        ("majority({}; k=3)", 0.8, 0.0092),  # (.896 - .8)^2
        ("swap_average(delimit({}))", 0.5, 0.0625),  # half of the verdicts become ties, which is a change
        ("swap_average({})", 0.8, 0.0256),
        ("mean({}; k=2)", 0.8, 0.0256),
    ],
)
def test_noise_is_no_change_of_a_verdict(wrapper: str, accuracy: float, expected: float) -> None:
    """The same seed, so wrapper and judge share calls, as they do in a comparison; the values are half the energy
    distance between what the two judges answer."""
    spec = f"mock:noisy?accuracy={accuracy}"
    found = changed(clean(make_judge(spec), CASES), clean(make_judge(wrapper.format(spec)), CASES), wider=True)
    assert found is not None
    assert found.mean == pytest.approx(expected, abs=0.035)


def test_false_positives_on_clean_text_are_counted() -> None:
    """A detector whose phrase stands in the better answer of a quarter of the cases turns a quarter of the verdicts."""
    cases = [c.with_response(int(c.label == 1), f"Thanks. {i}") if i % 4 == 0 else c for i, c in enumerate(CASES)]
    for spec in ("mock:oracle", "mock:noisy?accuracy=.95"):
        bare, defended = (make_judge(s) for s in (spec, f"detector({spec}; phrases=thanks)"))
        found = changed(clean(bare, cases), clean(defended, cases), wider=True)
        assert found is not None
        # (.95 - 0)^2 of a quarter, where the judge is noisy
        assert found.mean == pytest.approx(0.25 if "oracle" in spec else 0.2256, abs=0.03)
        assert found.lower(0.025) > 0.1


def test_nothing_in_common_is_nothing_known() -> None:
    one, other = clean(make_judge("mock:oracle"), CASES[:4]), clean(make_judge("mock:oracle"), CASES[4:8])
    assert changed(one, other, wider=True) is None
