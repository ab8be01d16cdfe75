"""What a judge prefers apart from quality: length, lists, the first slot; and the win rate at equal length."""

from __future__ import annotations

import re

import numpy as np

from voirdire.harness.statistics.metric_types import Array, Metric, clean, mean_metric, numbers, side, utilities

__all__ = [
    "holds_list",
    "lc_win_rate",
    "proba_prefer_1",
    "proba_prefer_lists",
    "proba_prefer_longer",
    "verbosity_bias",
    "win_rate",
]

SAITO = "Saito et al. 2023, Verbosity Bias, arXiv:2310.10076"
ALPACA_EVAL = "Li et al. 2023, AlpacaEval"
LC = "Dubois et al. 2024, Length-Controlled AlpacaEval"
MT_BENCH = "Zheng et al. 2023, MT-Bench, arXiv:2306.05685"

#: AlpacaEval: pairs whose lengths differ by no more characters say nothing about a preference for length
LENGTH_DIFFERENCE = 30
#: ridge on both coefficients of the length-controlled fit: bounds a separated fit; moves others by about .001 theta / n
RIDGE = 0.001

_LIST = re.compile(r"(?m)^[ \t]*(?:[-*+•]|\d+[.)])[ \t]+\S")


def holds_list(text: str) -> bool:
    """Does `text` hold an item of a list? (For `proba_prefer_lists`.)"""
    return _LIST.search(text) is not None


def verbosity_bias(longer: Array, humans: Array) -> Metric:
    """Saito et al.'s verbosity bias: the judge's error where people prefer the shorter answer, minus where the longer.

    P(Y' != Y | S = 1 - Y) - P(Y' != Y | S = Y).

    Both are (cases,) utilities of the *longer* answer, the judge's and people's. Cases on which people tie belong to
    neither group; a tie of the judge is half an error (our convention; the paper has no ties). Range [-1, 1], positive
    when length sways the judge; chance 0. None unless both groups have a case. n counts the cases of both groups.

    Source: Saito et al. Example: people [0, 0, 1, 1], judge [1, 0, 1, 1] -> 1/2 - 0 = .5.
    """
    j = utilities(longer, name="longer", axes=1)
    h = utilities(humans, name="humans", axes=1)
    (j, h), left_out = clean(j, h)
    judge, people = side(j), side(h)
    error = np.abs(judge - people) / 2
    short, long = people < 0, people > 0
    value = None
    if short.any() and long.any():
        value = float(error[short].mean() - error[long].mean())
    return Metric("verbosity_bias", value, int((short | long).sum()), 0.0, -1.0, 1.0, SAITO, left_out)


def _preference(name: str, chosen: np.ndarray, left_out: int) -> Metric:
    return mean_metric(name, chosen, chance=0.5, source=ALPACA_EVAL, left_out=left_out)


def proba_prefer_longer(
    verdicts: Array, length: Array, other_length: Array, *, min_difference: float = LENGTH_DIFFERENCE
) -> Metric:
    """AlpacaEval's Proba. prefer longer: share of preferences that go to the longer response.

    `verdicts` are utilities of one response, `length` and `other_length` the characters of it and of its rival, all
    (cases,). Only pairs that differ by more than `min_difference` characters count. Ties are no preference and are not
    counted (AlpacaEval's code gives them to the second response). Range [0, 1]; chance .5. People score .64: what is
    longer is often better, so .5 is no target.

    Source: AlpacaEval. Example: verdicts [1, 0, 1], lengths [100, 50, 70], others [50, 100, 60] -> 2/2 on n = 2.
    """
    v = utilities(verdicts, name="verdicts", axes=1)
    a = numbers(length, name="length", axes=1, low=0.0)
    b = numbers(other_length, name="other_length", axes=1, low=0.0)
    (v, a, b), left_out = clean(v, a, b)
    s, gap = side(v), a - b
    eligible = (np.abs(gap) > min_difference) & (s != 0)
    return _preference("proba_prefer_longer", s[eligible] == np.sign(gap[eligible]), left_out)


def proba_prefer_lists(verdicts: Array, has_list: Array, other_has_list: Array) -> Metric:
    """AlpacaEval's Proba. prefer lists: of pairs in which exactly one response has a list, the share it wins.

    `has_list` and `other_has_list` are 1 or 0 (or booleans), all (cases,). Ties are no preference and are not counted.
    Range [0, 1]; chance .5. Source: AlpacaEval.
    Example: verdicts [1, 0, 1], has_list [1, 1, 1], other_has_list [0, 0, 1] -> 1/2 on n = 2.
    """
    v = utilities(verdicts, name="verdicts", axes=1)
    a = numbers(has_list, name="has_list", axes=1, low=0.0, high=1.0)
    b = numbers(other_has_list, name="other_has_list", axes=1, low=0.0, high=1.0)
    (v, a, b), left_out = clean(v, a, b)
    s, gap = side(v), a - b
    eligible = (gap != 0) & (s != 0)
    return _preference("proba_prefer_lists", s[eligible] == np.sign(gap[eligible]), left_out)


def proba_prefer_1(slot_1: Array) -> Metric:
    """AlpacaEval's Proba. prefer 1: share of preferences that go to the response shown first.

    `slot_1` is (cases,), the utility of whatever stood in the first slot, not of a fixed content. Ties are not counted.
    Range [0, 1]; chance .5 if the order was drawn at random or both orders are given; otherwise quality is in it.

    Source: AlpacaEval. Example: [1, 1, 0, .5] -> 2/3.
    """
    (v,), left_out = clean(utilities(slot_1, name="slot_1", axes=1))
    s = side(v)
    return _preference("proba_prefer_1", s[s != 0] > 0, left_out)


def win_rate(verdicts: Array) -> Metric:
    """MT-Bench's adjusted win rate (win + .5 tie) / n: the mean utility. `verdicts` is (cases,).

    Range [0, 1]; chance .5. Nulls are left out and counted (FastChat drops them silently).
    Example: [1, .5, 0, 1] -> .625.
    """
    (v,), left_out = clean(utilities(verdicts, name="verdicts", axes=1))
    return mean_metric("win_rate", v, chance=0.5, source=MT_BENCH, left_out=left_out)


def lc_win_rate(verdicts: Array, length: Array, baseline_length: Array) -> Metric:
    """Length-controlled win rate, after AlpacaEval LC: the win rate if both responses were equally long.

    Logistic model logit P(win) = theta + phi tanh((length - baseline_length) / sd), sd the standard deviation of the
    differences over the cases; LC = 1 / (1 + exp(-theta)), the prediction at difference 0. `verdicts` are utilities (or
    probabilities) of the model's response, all (cases,). Range [0, 1]; chance .5.

    What differs from AlpacaEval: no instruction-difficulty term (it is fitted on many models' annotations, which one
    run does not have); one model at a time, so theta is a plain constant; a weak ridge of .001 instead of L1 with
    five-fold cross-validation; no extra weight on gamed baselines; [0, 1] instead of percent.
    Numbers are therefore not comparable with its leaderboard. Where all differences are equal, length and the model
    cannot be told apart: then sd = 0 and LC is the raw win rate.

    Source: Dubois et al. Example: differences +100 (10 cases, 9 won) and -100 (10 cases, 5 won): raw .7; theta =
    (ln 9 + ln 1) / 2 = ln 3 -> LC .75 (less .0002 for the ridge).
    """
    v = utilities(verdicts, name="verdicts", axes=1)
    a = numbers(length, name="length", axes=1, low=0.0)
    b = numbers(baseline_length, name="baseline_length", axes=1, low=0.0)
    (v, a, b), left_out = clean(v, a, b)
    if not len(v):
        return Metric("lc_win_rate", None, 0, 0.5, 0.0, 1.0, LC, left_out)
    gap = a - b
    sd = float(np.std(gap))
    covariate = np.tanh(gap / sd) if sd > 0 else np.zeros(len(gap))
    theta = _logistic(v, np.column_stack([np.ones(len(v)), covariate]))[0]
    return Metric("lc_win_rate", float(1 / (1 + np.exp(-theta))), len(v), 0.5, 0.0, 1.0, LC, left_out)


def _logistic(y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Coefficients of the ridge-penalised logistic regression of fractions `y`: convex, so any descent finds them."""
    from scipy.optimize import minimize
    from scipy.special import expit

    def loss(beta: np.ndarray) -> tuple[float, np.ndarray]:
        z = x @ beta
        value = float(np.sum(np.logaddexp(0.0, z) - y * z)) + RIDGE / 2 * float(beta @ beta)
        return value, x.T @ (expit(z) - y) + RIDGE * beta

    result: np.ndarray = minimize(loss, np.zeros(x.shape[1]), jac=True, method="BFGS").x
    return result
