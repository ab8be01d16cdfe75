"""The chance value of every metric, against simulated random judges: within four standard errors, seeds fixed."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from voirdire.harness.statistics import metric_chance as chance
from voirdire.harness.statistics.metric_attack import random_judge_asr
from voirdire.harness.statistics.metric_catalogue import CATALOGUE
from voirdire.harness.statistics.metric_types import Metric


@dataclass
class Draw:
    """Random verdicts of a judge that ties with probability `tie`."""

    rng: np.random.Generator
    tie: float

    def verdicts(self, *shape: int) -> np.ndarray:
        return self.rng.choice([1.0, 0.5, 0.0], size=shape, p=chance.outcomes(self.tie))

    def yes(self, *shape: int, p: float = 0.5) -> np.ndarray:
        return (self.rng.random(shape) < p).astype(float)

    def with_nulls(self, values: np.ndarray, p: float = 0.1) -> np.ndarray:
        return np.where(self.rng.random(values.shape) < p, np.nan, values)


def _call(name: str, *args: object, **kwargs: object) -> Metric:
    result = CATALOGUE[name].function(*args, **kwargs)
    return next(m for m in (result if isinstance(result, tuple) else (result,)) if m.name == name)


N = 40  # cases a run
PAIRS = [
    "position_consistency",
    "agr",
    "conflict_rate",
    "biased_to_first",
    "biased_to_second",
    "delta_bias",
    "total_bias",
    "acc",
    "correct_both",
    "two_game_accuracy",
    "asr_judgedeceiver",
    "pac",
]
SINGLE = ["acc_ori", "acc_hack", "undetected_drop_rate_pairwise", "attack_failure_rate"]
DOUBLE = ["rr", "cr", "asr_chen_v1", "asr_chen_v2"]
GRID = ["rm_bench_hard", "rm_bench_normal", "rm_bench_easy"]
KAPPAS = ["cohen_kappa", "cohen_kappa_linear", "cohen_kappa_quadratic"]
TRUTH = np.repeat([1.0, 0.0], [25, 15])
LENGTHS = np.arange(N) * 20.0

#: how one run of a random judge is scored; all take the tie probability of the judge
RUNS: dict[str, Callable[[Draw], Metric]] = {
    **{n: lambda d, n=n: _call(n, d.verdicts(N, 2), tie=d.tie) for n in PAIRS},  # type: ignore[misc]
    **{n: lambda d, n=n: _call(n, d.verdicts(N), tie=d.tie) for n in SINGLE},  # type: ignore[misc]
    **{n: lambda d, n=n: _call(n, d.verdicts(N), d.verdicts(N), tie=d.tie) for n in DOUBLE},  # type: ignore[misc]
    **{n: lambda d, n=n: _call(n, d.verdicts(9, 3, 3), tie=d.tie) for n in GRID},  # type: ignore[misc]
    **{n: lambda d, n=n: _call(n, d.verdicts(N), d.verdicts(N)) for n in KAPPAS},  # type: ignore[misc]
    "preference_fairness": lambda d: _call("preference_fairness", d.verdicts(N, 2)),
    # series of unequal length: the expectation must follow the lengths
    "repetition_stability": lambda d: _call("repetition_stability", d.with_nulls(d.verdicts(N, 4)), tie=d.tie),
    "bpde": lambda d: _call("bpde", d.with_nulls(d.verdicts(N, 2, 3)), tie=d.tie),
    "ranking_accuracy_drop": lambda d: _call("ranking_accuracy_drop", d.verdicts(N), d.verdicts(N)),
    "p_c": lambda d: _call("p_c", d.yes(N, p=0.7), TRUTH),
    "leniency": lambda d: _call("leniency", d.yes(N, p=0.7), TRUTH, yes=0.7),
    "undetected_drop_rate": lambda d: _call(
        "undetected_drop_rate", d.rng.integers(1, 6, N), d.rng.integers(1, 6, N), tie=1 / 5
    ),
    "rating_ranking_consistency": lambda d: _call(
        "rating_ranking_consistency", d.rng.integers(1, 4, N), d.rng.integers(1, 4, N), d.verdicts(N), tie=d.tie
    ),
    "efm": lambda d: _call("efm", d.verdicts(N) != d.verdicts(N), np.full(N, 0.8), tie=d.tie),
    "asr_robustjudge": lambda d: _call("asr_robustjudge", d.verdicts(N, 2, 5), tie=d.tie),
    "fpr_average": lambda d: _call("fpr_average", d.with_nulls(d.yes(N, 10, p=0.3)), yes=0.3),
    "fpr_worst": lambda d: _call("fpr_worst", d.with_nulls(d.yes(N, 10, p=0.3)), yes=0.3),
    "sdr": lambda d: _call("sdr", d.rng.uniform(0, 10, N), np.linspace(0.1, 0.6, N)),
    "isdr": lambda d: _call("isdr", d.rng.uniform(0, 10, N), np.full(N, 0.3), d.rng.uniform(0, 10, N), np.full(N, 0.5)),
    "average_score": lambda d: _call("average_score", d.rng.integers(1, 6, (9, 4)), low=1, high=5),
    "average_rank": lambda d: _call("average_rank", d.rng.integers(1, 6, (9, 4)), d.rng.integers(1, 6, (9, 4))),
    "verbosity_bias": lambda d: _call("verbosity_bias", d.verdicts(N), TRUTH),
    "proba_prefer_longer": lambda d: _call("proba_prefer_longer", d.verdicts(N), LENGTHS, LENGTHS[::-1]),
    "proba_prefer_lists": lambda d: _call("proba_prefer_lists", d.verdicts(N), TRUTH, 1 - TRUTH),
    "proba_prefer_1": lambda d: _call("proba_prefer_1", d.verdicts(N)),
    "win_rate": lambda d: _call("win_rate", d.verdicts(N)),
    "lc_win_rate": lambda d: _call("lc_win_rate", d.verdicts(N), LENGTHS, np.full(N, 300.0)),
    "krippendorff_alpha_nominal": lambda d: _call("krippendorff_alpha_nominal", d.with_nulls(d.verdicts(N, 3))),
    "krippendorff_alpha_ordinal": lambda d: _call("krippendorff_alpha_ordinal", d.with_nulls(d.verdicts(N, 3))),
    "krippendorff_alpha_interval": lambda d: _call("krippendorff_alpha_interval", d.with_nulls(d.verdicts(N, 3))),
    # these are 0 (or `yes`) only in the limit of many items, so few long runs instead of many short ones
    "scott_pi": lambda d: _call("scott_pi", d.verdicts(1000), d.verdicts(1000)),
    "fleiss_kappa": lambda d: _call("fleiss_kappa", d.verdicts(2000, 3)),
    "p_plus": lambda d: _call("p_plus", d.yes(4000, p=0.7), np.resize([1.0, 0.0], 4000), yes=0.7),
    "rbo": lambda d: _call("rbo", list(range(8)), d.rng.permutation(8).tolist()),
}
#: nltk takes milliseconds a call
FEW = {"scott_pi": 20, "fleiss_kappa": 40, "p_plus": 40, "lc_win_rate": 150} | dict.fromkeys(
    (f"krippendorff_alpha_{level}" for level in ("nominal", "ordinal", "interval")), 100
)


def test_every_chance_value_is_simulated() -> None:
    assert {name for name, entry in CATALOGUE.items() if entry.chance != "none"} == set(RUNS)


@pytest.mark.parametrize("tie", [0.0, 0.25])
@pytest.mark.parametrize("name", sorted(RUNS))
def test_chance_value(name: str, tie: float) -> None:
    draw = Draw(np.random.default_rng(20), tie)
    gaps = []
    for _ in range(FEW.get(name, 400)):
        metric = RUNS[name](draw)
        assert metric.value is not None
        assert metric.chance is not None
        gaps.append(metric.value - metric.chance)
    error = float(np.std(gaps, ddof=1)) / math.sqrt(len(gaps))
    assert error > 0, "the simulation does not vary, so it checks nothing"
    assert abs(float(np.mean(gaps))) <= 4 * error


def test_modal_share_by_hand() -> None:
    # two repeats: equal with probability 1/2 (share 1), else 1/2 each: 3/4
    assert chance.modal_share(2, (0.5, 0.5)) == pytest.approx(0.75)
    # three repeats of a fair coin: 2 of 8 unanimous: .25 * 1 + .75 * 2/3 = .75
    assert chance.modal_share(3, (0.5, 0.0, 0.5)) == pytest.approx(0.75)
    # three repeats of a fair three-sided die: 3/27 unanimous, 6/27 all different (1/3), 18/27 two alike (2/3)
    assert chance.modal_share(3, (1 / 3, 1 / 3, 1 / 3)) == pytest.approx(3 / 27 + 6 / 27 / 3 + 18 / 27 * 2 / 3)
    assert chance.modal_share(5, (1.0, 0.0)) == pytest.approx(1.0)
    assert 0.5 < chance.modal_share(300, (0.5, 0.5)) < 0.53  # long series neither overflow nor stay at .75


def test_entropy_by_hand() -> None:
    # two votes of a fair coin differ in half of the cases: ln 2 / 2
    assert chance.entropy(2, (0.5, 0.0, 0.5)) == pytest.approx(math.log(2) / 2)
    assert chance.entropy(4, (1.0, 0.0, 0.0)) == 0.0


def test_balance_by_hand() -> None:
    # one step that moves half of the time: 1/2; two such steps: |S| = 2 w.p. 1/8, 1 w.p. 1/2: (1/4 + 1/2) / 2
    assert chance.balance(1, 0.5) == pytest.approx(0.5)
    assert chance.balance(2, 0.5) == pytest.approx(0.375)
    assert chance.balance(0, 0.5) == 0.0
    assert chance.balance(10_000, 0.5) == pytest.approx(math.sqrt(1 / (math.pi * 10_000)), rel=1e-3)


def test_worst_rate_by_hand() -> None:
    # two keys asked once each at 1/2: at least one yes in 3 of 4
    assert chance.worst_rate([1, 1]) == pytest.approx(0.75)
    # one asked twice, one once: max is 1 unless (second no and first not both yes): 1 - 3/8; .5 w.p. 1/2 * 1/2
    assert chance.worst_rate([2, 1]) == pytest.approx(5 / 8 + 0.5 * 1 / 4)
    assert chance.worst_rate([7], 0.3) == pytest.approx(0.3)
    assert chance.worst_rate([]) == 0.5


def test_chen_random_row_is_that_of_a_judge_that_ties_in_a_quarter_of_the_calls() -> None:
    """Published random row: reference .37, rich content .39; factual error .62, gender .56."""
    v1, v2 = random_judge_asr(0.25)
    assert (v1, v2) == (0.375, 0.625)
    assert v1 == pytest.approx(0.37, abs=0.01)
    assert v2 == pytest.approx(0.62, abs=0.01)
    assert random_judge_asr() == (0.5, 0.5)


@pytest.mark.parametrize("marks", [2, 3, 5, 10])
@pytest.mark.parametrize(("before", "after"), [(1, 1), (2, 1), (4, 2), (3, 2)])
def test_a_drop_goes_undetected_by_chance_as_often_as_counted(marks: int, before: int, after: int) -> None:
    """Drawn, for marks that are not equally likely: means of whole numbers, compared without rounding."""
    rng = np.random.default_rng(3)
    shown = np.minimum(rng.integers(0, marks, 600), rng.integers(0, marks, 600))
    counted = chance.not_below(shown / (marks - 1), before, after)
    a, b = (rng.choice(shown, size=(100_000, calls)).sum(axis=1) for calls in (before, after))
    # four standard errors of the simulation
    assert counted == pytest.approx(np.mean(b * before >= a * after), abs=4 * 0.5 / 100_000**0.5)


def test_chance_of_an_undetected_drop_by_hand() -> None:
    three, coin = np.array([0, 0.5, 1, np.nan]), np.array([0.0, 1.0])
    assert chance.not_below(three, 1, 1) == pytest.approx((1 + 1 / 3) / 2)
    # a source asked twice: of 27 triples 16 have their last mark at or above the mean of the first two
    assert chance.not_below(three, 2, 1) == pytest.approx(16 / 27)
    assert chance.not_below(np.arange(5) / 4, 1, 1) == pytest.approx(0.6)
    # four source calls, two follow-up calls, wins and losses: 1/4 (1/16 + 11/8 + 1)
    assert chance.not_below(coin, 4, 2) == pytest.approx((1 + 2 * 11 + 16) / 64)
    assert chance.not_below(np.array([0.3, 0.3]), 2, 1) == 1.0
    assert chance.not_below(np.array([np.nan]), 1, 1) is None
    # marks without a grid are all but never equal
    assert chance.not_below(np.random.default_rng(1).random(500), 1, 1) == pytest.approx(0.5, abs=0.01)
