"""Every catalogued metric: names of the literature, sources, ranges, and the same honesty about nulls and no data."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from voirdire.harness.statistics import (
    metric_accuracy,
    metric_agreement,
    metric_attack,
    metric_position,
    metric_preference,
    metric_robustness,
    metric_scores,
)
from voirdire.harness.statistics.metric_catalogue import CATALOGUE, OWN, as_rows
from voirdire.harness.statistics.metric_types import Metric

MODULES = (
    metric_accuracy,
    metric_agreement,
    metric_attack,
    metric_position,
    metric_preference,
    metric_robustness,
    metric_scores,
)

# the literature's catalogue of metrics, row by row, and the name each has here
PUBLISHED = {
    "position consistency": "position_consistency",
    "Agr.": "agr",
    "PC": "position_consistency",
    "conflict rate": "conflict_rate",
    "biased toward first": "biased_to_first",
    "biased toward second": "biased_to_second",
    "delta bias": "delta_bias",
    "total bias": "total_bias",
    "repetition stability": "repetition_stability",
    "preference fairness": "preference_fairness",
    "Acc.": "acc",
    "correct_both": "correct_both",
    "two-game accuracy": "two_game_accuracy",
    "RR": "rr",
    "CR": "cr",
    "Acc_ori": "acc_ori",
    "Acc_hack": "acc_hack",
    "error rate SE": "error_rate_se",
    "error rate RA": "error_rate_ra",
    "ASR (authority, beauty)": "asr_chen_v1",
    "ASR (factual, gender)": "asr_chen_v2",
    "ASR (pairwise, both slots)": "asr_robustjudge",
    "ASR (JudgeDeceiver)": "asr_judgedeceiver",
    "PAC": "pac",
    "SDR": "sdr",
    "iSDR": "isdr",
    "FPR average": "fpr_average",
    "FPR worst": "fpr_worst",
    "attack failure rate": "attack_failure_rate",
    "average score": "average_score",
    "average rank": "average_rank",
    "verbosity bias": "verbosity_bias",
    "Proba. prefer longer": "proba_prefer_longer",
    "Proba. prefer lists": "proba_prefer_lists",
    "Proba. prefer 1": "proba_prefer_1",
    "LC win rate": "lc_win_rate",
    "hard accuracy": "rm_bench_hard",
    "normal accuracy": "rm_bench_normal",
    "easy accuracy": "rm_bench_easy",
    "ranking accuracy drop": "ranking_accuracy_drop",
    "EFM": "efm",
    "P_c": "p_c",
    "P_+": "p_plus",
    "leniency": "leniency",
    "Cohen's kappa": "cohen_kappa",
    "weighted kappa, linear": "cohen_kappa_linear",
    "weighted kappa, quadratic": "cohen_kappa_quadratic",
    "Scott's pi": "scott_pi",
    "Fleiss": "fleiss_kappa",
    "Krippendorff alpha": "krippendorff_alpha_nominal",
    "Krippendorff alpha, ordinal": "krippendorff_alpha_ordinal",
    "Krippendorff alpha, interval": "krippendorff_alpha_interval",
    "RBO": "rbo",
    "MaxP": "maxp",
    "AvgP": "avgp",
    "Sat": "sat",
    "CPS": "cps",
    "rating-ranking consistency": "rating_ranking_consistency",
    "BPDE": "bpde",
    "undetected-drop rate": "undetected_drop_rate",
    "undetected-drop rate, pairwise": "undetected_drop_rate_pairwise",
}

PAIRS = [[1, 1], [1, 0], [0.5, 0.5], [0, 1]]
VERDICTS = [1, 0, 0.5, 1]
OTHERS = [1, 1, 0, 0.5]
GRADES, TRUTH = [1, 0, 1, 0], [1, 1, 0, 0]
SCORES, LATER = [8, 7, 6, 5], [7, 7, 8, 2]
SHARES, QUALITY = [0.4, 0.5, 0.6, 0.2], [0.9, 0.8, 0.7, 0.6]
TABLE = [[1, 1, 0], [0, 0, 0], [1, 0, 1], [0, 1, 1]]
ATTACKED, CLEAN = [[5, 2], [4, 4], [3, 1], [2, 2]], [[3, 4], [4, 4], [2, 2], [1, 5]]
VOTES = [[[1, 1, 1, 0, 0], [1, 0, 0, 0, 0.5]], [[1] * 5, [0] * 5], [[0.5] * 5, [1] * 5], [[0] * 5, [0] * 5]]
GRID = [np.tril(np.ones((3, 3))).tolist(), np.eye(3).tolist(), np.ones((3, 3)).tolist(), np.zeros((3, 3)).tolist()]

#: arguments with the cases along the first axis, and keyword arguments
EXAMPLES: dict[str, tuple[list[Any], dict[str, Any]]] = {
    **dict.fromkeys(
        [
            "position_consistency",
            "agr",
            "conflict_rate",
            "biased_to_first",
            "biased_to_second",
            "delta_bias",
            "total_bias",
            "preference_fairness",
            "repetition_stability",
            "acc",
            "correct_both",
            "two_game_accuracy",
            "asr_judgedeceiver",
            "pac",
        ],
        ([PAIRS], {}),
    ),
    **dict.fromkeys(
        ["acc_ori", "acc_hack", "undetected_drop_rate_pairwise", "attack_failure_rate", "proba_prefer_1", "win_rate"],
        ([VERDICTS], {}),
    ),
    **dict.fromkeys(
        ["rr", "cr", "asr_chen_v1", "asr_chen_v2", "ranking_accuracy_drop", "verbosity_bias", "scott_pi"],
        ([VERDICTS, OTHERS], {}),
    ),
    **dict.fromkeys(["cohen_kappa", "cohen_kappa_linear", "cohen_kappa_quadratic"], ([SCORES, LATER], {})),
    **dict.fromkeys(["p_c", "p_plus", "leniency"], ([GRADES, TRUTH], {})),
    **dict.fromkeys(["undetected_drop_rate", "error_rate_se", "error_rate_ra"], ([SCORES, LATER], {})),
    **dict.fromkeys(["maxp", "avgp", "sat", "cps"], ([QUALITY], {})),
    **dict.fromkeys(["fpr_average", "fpr_worst", "fleiss_kappa"], ([TABLE], {})),
    **dict.fromkeys(
        [f"krippendorff_alpha_{level}" for level in ("nominal", "ordinal", "interval")],
        ([[[1, 1, 2], [2, 2, 3], [3, 3, 3], [1, 4, 4]]], {}),
    ),
    **dict.fromkeys(["rm_bench_hard", "rm_bench_normal", "rm_bench_easy"], ([GRID], {})),
    "bpde": ([VOTES], {}),
    "asr_robustjudge": ([VOTES], {}),
    "rating_ranking_consistency": ([SCORES, LATER, VERDICTS], {}),
    "efm": ([GRADES, QUALITY], {}),
    "sdr": ([SCORES, SHARES], {}),
    "isdr": ([SCORES, SHARES, LATER, QUALITY], {}),
    "average_score": ([ATTACKED], {"low": 1, "high": 5}),
    "average_rank": ([ATTACKED, CLEAN], {}),
    "proba_prefer_longer": ([VERDICTS, [100, 200, 90, 300], [10, 10, 10, 280]], {}),
    "proba_prefer_lists": ([VERDICTS, [1, 1, 0, 1], [0, 0, 1, 1]], {}),
    "lc_win_rate": ([VERDICTS, [100, 200, 90, 300], [150, 10, 10, 280]], {}),
    "rbo": ([["a", "b", "c"], ["b", "a", "c"]], {}),
}
BY_CASE = sorted(set(CATALOGUE) - {"rbo"})


def compute(name: str, args: list[Any], kwargs: dict[str, Any]) -> Metric:
    result = CATALOGUE[name].function(*args, **kwargs)
    metrics = result if isinstance(result, tuple) else (result,)
    (metric,) = [m for m in metrics if m.name == name]
    return metric


def null_like(row: Any) -> Any:
    return np.full(np.shape(row), np.nan).tolist()


@pytest.mark.parametrize("published", PUBLISHED)
def test_published_metrics_are_catalogued(published: str) -> None:
    assert PUBLISHED[published] in CATALOGUE


def test_every_public_metric_function_is_catalogued() -> None:
    helpers = {"bpde_by_case", "holds_list", "random_judge_asr"}
    listed = {getattr(e.function, "func", e.function).__name__ for e in CATALOGUE.values()}  # type: ignore[attr-defined]
    assert {name for module in MODULES for name in module.__all__} - helpers == listed


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_metric_is_what_the_catalogue_says(name: str) -> None:
    metric = compute(name, *EXAMPLES[name])
    assert metric.source == CATALOGUE[name].source
    assert metric.value is not None
    assert metric.low <= metric.value <= metric.high
    assert metric.n > 0
    assert metric.left_out == 0
    assert (metric.chance is None) == (CATALOGUE[name].chance == "none")
    if metric.chance is not None:
        assert metric.low <= metric.chance <= metric.high


@pytest.mark.parametrize("name", CATALOGUE)
def test_nothing_eligible_is_none_never_nan(name: str) -> None:
    args, kwargs = EXAMPLES[name]
    metric = compute(name, [[] for _ in args], kwargs)
    assert metric.value is None
    assert metric.n == 0
    json.dumps(metric.to_json(), allow_nan=False)


@pytest.mark.parametrize("name", BY_CASE)
def test_only_nulls_is_none_and_all_left_out(name: str) -> None:
    args, kwargs = EXAMPLES[name]
    metric = compute(name, [[null_like(row) for row in arg] for arg in args], kwargs)
    assert metric.value is None
    assert metric.n == 0
    assert metric.left_out >= len(args[0])


@pytest.mark.parametrize("name", BY_CASE)
def test_a_null_is_left_out_and_counted_never_a_verdict(name: str) -> None:
    """One case more, whose first argument is null: the same value, one case left out."""
    args, kwargs = EXAMPLES[name]
    whole = compute(name, args, kwargs)
    longer = compute(name, [[*args[0], null_like(args[0][0])], *([*a, a[0]] for a in args[1:])], kwargs)
    assert longer.value == pytest.approx(whole.value)
    assert longer.chance == pytest.approx(whole.chance)
    assert longer.n == whole.n
    assert longer.left_out > 0


@pytest.mark.parametrize("name", [n for n in BY_CASE if len(EXAMPLES[n][0]) > 1])
def test_arguments_of_unequal_length_are_an_error(name: str) -> None:
    args, kwargs = EXAMPLES[name]
    with pytest.raises(ValueError, match=r"same cases|one shape"):
        compute(name, [args[0][:-1], *args[1:]], kwargs)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: metric_position.agr([[1, 2]]), r"orders must lie in \[0, 1\]"),
        (lambda: metric_position.agr([[1, 1, 0]]), "2 columns"),
        (lambda: metric_position.agr([1, 0]), "2 axes"),
        (lambda: metric_position.agr([[1, 0]], tie=1.5), "probability of a tie"),
        (lambda: metric_attack.asr_robustjudge([[[1, 0], [1, 0]]]), "odd number"),
        (lambda: metric_attack.pac([[1, 0]], candidates=1), "candidates"),
        (lambda: metric_scores.sdr([11], [0.5]), r"judged must lie in \[0, 10\]"),
        (lambda: metric_scores.sdr([1], [0.5], top=0), "top"),
        (lambda: metric_scores.average_score([[1]], low=5, high=1), "low < high"),
        (lambda: metric_scores.average_rank([[1]], [[1]]), "two systems"),
        (lambda: metric_accuracy.rm_bench(np.ones((1, 2, 3))), r"\(cases, 3, 3\)"),
        (lambda: metric_accuracy.p_plus([1], [1], yes=2), "yes is a probability"),
        (lambda: metric_agreement.rbo("ab", "ba", p=1), "strictly between"),
        (lambda: metric_agreement.rbo("aa", "ab"), "twice"),
        (lambda: metric_agreement.fleiss_kappa([[1], [0]]), "two raters"),
        (lambda: metric_agreement.cohen_kappa([1, 9], [1, 2], categories=[1, 2, 3]), "categories"),
        (lambda: metric_agreement.krippendorff_alpha([[1, 2]], level="ratio"), "level"),  # type: ignore[arg-type]
        (lambda: metric_preference.win_rate([float("inf")]), "must lie in"),
    ],
)
def test_bad_input_is_named(call: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_rows_are_plain_json() -> None:
    rows = as_rows()
    assert json.loads(json.dumps(rows, allow_nan=False)) == rows
    assert [row["name"] for row in rows] == [*CATALOGUE, *OWN]
    assert all(row["summary"] and row["source"] and row["range"] and row["chance"] for row in rows)


def test_the_catalogue_imports_nothing_heavy() -> None:
    code = (
        "import sys, voirdire.harness.statistics.metric_catalogue\n"
        "print([m for m in ('scipy.stats', 'scipy.optimize', 'pandas', 'nltk', 'statsmodels') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
