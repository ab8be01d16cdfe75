"""The three fits behind a preference read off recorded verdicts; every error is by cluster, none by bootstrap.

`balanced`: wrong verdicts towards a feature less wrong verdicts away from it, which is 0 for a judge whose errors do
not know the feature, however good it is and however often the feature goes with quality (Saito et al. 2023,
arXiv:2310.10076, verbosity bias, for any feature). `slope`: the same feature with the others held fixed, by least
squares (no separation, so a judge that always follows the feature is found too). `odds`: the logistic model of the same
data, for its odds ratio only. `label_errors`: how many wrong labels would make an unbiased judge look like this.
Not here: which data go in (observed_pairs.py, observed_singles.py).
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import expit, stdtrit

from voirdire.harness.observations import Odds
from voirdire.harness.statistics.means import Mean

__all__ = ["FEWEST", "balanced", "label_errors", "odds", "slope"]

#: clusters of either kind of pair below which nothing is said
FEWEST = 5
#: keeps the logistic fit finite where the data are separated; moves others by about .001 / n
_RIDGE = 1e-3
#: standard error of a log odds from which on the odds are unknown
_WIDE = 5.0


def balanced(wins: np.ndarray, better: np.ndarray, groups: np.ndarray) -> Mean | None:
    """P(featured wins | it is worse) - P(featured loses | it is better), as a mean with its cluster-robust spread.

    `wins`: utility of the featured response in [0, 1], NaN missing. `better`: 1 it is the better one, 0 it is the
    worse, NaN unknown. None with fewer than FEWEST clusters of either.
    """
    keep = ~(np.isnan(wins) | np.isnan(better))
    u, t = wins[keep], better[keep]
    names, cluster = np.unique(groups[keep], return_inverse=True)
    fewest = min((np.unique(cluster[t == side]).size for side in (0.0, 1.0)), default=0)
    if fewest < FEWEST:
        return None
    means = np.array([u[t == 0].mean(), u[t == 1].mean()])
    sizes = np.array([np.sum(t == 0), np.sum(t == 1)])
    side = t.astype(int)
    influence = np.bincount(cluster, weights=(u - means[side]) / sizes[side])
    variance = float(influence @ influence) * names.size / (names.size - 1)
    skew = float(np.sum(influence**3)) / variance**1.5 if variance > 1e-24 else 0.0
    return _as_mean(float(means.sum() - 1.0), math.sqrt(variance), skew, int(fewest), int(u.size))


def slope(y: np.ndarray, x: np.ndarray, groups: np.ndarray, *, step: float = 1.0) -> Mean | None:
    """The first coefficient of the least-squares fit of `y` (n,) on `x` (n, k), times `step`, with the error of the
    jackknife over clusters (CR3: safe where few clusters carry much of the feature). No constant is added.

    None where the first column is (nearly) a sum of the others, or fewer than FEWEST clusters carry it.
    """
    first, others = x[:, 0], x[:, 1:]
    rest = first - others @ np.linalg.lstsq(others, first, rcond=None)[0] if others.size else first
    names, cluster = np.unique(groups, return_inverse=True)
    informed = int(np.unique(cluster[np.abs(rest) > 1e-9]).size)
    if informed < FEWEST or float(rest @ rest) <= 1e-9 * max(1.0, float(first @ first)):
        return None
    products = np.zeros((names.size, x.shape[1], x.shape[1]))
    np.add.at(products, cluster, x[:, :, None] * x[:, None, :])
    moments = np.zeros((names.size, x.shape[1]))
    np.add.at(moments, cluster, x * y[:, None])
    total, target = products.sum(axis=0), moments.sum(axis=0)
    # columns without variation (in a part of the data) make the fit singular without touching the first coefficient
    ridge = 1e-9 * float(np.trace(total)) * np.eye(x.shape[1])
    value = float(np.linalg.solve(total + ridge, target)[0])
    without = np.linalg.solve(total - products + ridge, (target - moments)[:, :, None])[:, 0, 0]
    error = math.sqrt((names.size - 1) / names.size * float(np.sum((without - value) ** 2)))
    return _as_mean(value * step, error * step, 0.0, informed, int(y.size))


def _as_mean(value: float, error: float, skew: float, fewest: int, count: int) -> Mean:
    """A Mean of standard error `error`, whose sampling distribution has this skewness and whose n is `fewest`."""
    root = math.sqrt(fewest)
    return Mean(min(1.0, max(-1.0, value)), fewest, count, error * root, skew * root, -1.0, 1.0)


def odds(y: np.ndarray, x: np.ndarray, groups: np.ndarray, *, unit: str, step: float, alpha: float) -> Odds | None:
    """Odds ratio of the first column of `x` per `step` of it, in the logistic model of fractions `y`; None where the
    data do not tell. Errors: the larger of the cluster-robust and the model's own."""
    names, cluster = np.unique(groups, return_inverse=True)
    if names.size < x.shape[1] + 2 or np.ptp(x[:, 0]) == 0:
        return None
    beta = np.zeros(x.shape[1])
    information = np.eye(x.shape[1])
    for _ in range(60):
        p = expit(x @ beta)
        information = (x * (p * (1 - p))[:, None]).T @ x + _RIDGE * np.eye(x.shape[1])
        change = np.linalg.solve(information, x.T @ (y - p) - _RIDGE * beta)
        beta = beta + np.clip(change, -2.0, 2.0)
        if np.max(np.abs(change)) < 1e-9:
            break
    bread = np.linalg.inv(information)
    scores = np.zeros((names.size, x.shape[1]))
    np.add.at(scores, cluster, x * (y - expit(x @ beta))[:, None])
    robust = bread @ (scores.T @ scores) @ bread * names.size / (names.size - 1)
    error = math.sqrt(max(float(robust[0, 0]), float(bread[0, 0]))) * step
    if not math.isfinite(error) or error > _WIDE:
        return None
    log_ratio = float(beta[0]) * step
    reach = -float(stdtrit(names.size - 1, alpha / 2)) * error
    return Odds(math.exp(log_ratio), math.exp(log_ratio - reach), math.exp(log_ratio + reach), unit)


def label_errors(wins: np.ndarray, better: np.ndarray) -> float | None:
    """The smallest share of wrong labels (each wrong with this chance) that gives a judge whose errors do not know the
    feature the effect of `balanced`; None if no share does.

    With q the share of pairs whose label names the featured response and e that of wrong labels, the featured one is
    truly better in p = (q - e) / (1 - 2e). A judge right in a share a of calls, a from its agreement with the labels
    (1 - e) a + e (1 - a), then shows (2a - 1) (1 - e) (p / q - (1 - p) / (1 - q)).
    """
    keep = ~(np.isnan(wins) | np.isnan(better))
    u, t = wins[keep], better[keep]
    if u.size == 0 or not 0 < t.mean() < 1:
        return None
    q = float(t.mean())
    effect = float(u[t == 0].mean() + u[t == 1].mean() - 1.0)
    agreement = float(np.mean(np.where(t == 1, u, 1 - u)))
    for e in np.linspace(0.0, min(q, 1 - q, 0.5) - 1e-6, 500):
        skill = (2 * agreement - 1) / (1 - 2 * e)  # 2a - 1
        if skill > 1.0 or skill < 0.0:
            return None
        p = (q - e) / (1 - 2 * e)
        seen = skill * (1 - e) * (p / q - (1 - p) / (1 - q))
        if (seen - effect) * math.copysign(1.0, effect) >= 0:
            return float(e)
    return None
