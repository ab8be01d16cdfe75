"""The papers' metrics of a judge as a whole: its accuracy in their sense, its agreement with the labels, its habits.

From the calls on unchanged cases only, first samples unless the metric is about repeats. Formulas, sources and chance
values are in the metric_*.py modules. Not here: the accuracy that decides (discrimination.py), metrics of one probe
(metrics.py).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from voirdire.harness.plan import Plan
from voirdire.harness.statistics import metric_accuracy, metric_agreement, metric_position, metric_preference
from voirdire.harness.statistics.arms import Answers, means
from voirdire.harness.statistics.metric_types import Metric
from voirdire.harness.statistics.metrics import tie_rate

__all__ = ["judge_metrics"]


def judge_metrics(plan: Plan, answers: Answers) -> tuple[Metric, ...]:
    """Those that fit the task and have anything to say; a metric without an eligible case is left out."""
    source = answers.of_arm(plan.sources)
    found: Iterator[Metric] = iter(())
    if plan.task == "pairwise":
        found = _pairwise(plan, answers, source)
    elif plan.task == "grade":
        found = _grade(plan, source)
    return tuple(metric for metric in found if metric.value is not None)


def _pairwise(plan: Plan, answers: Answers, source: np.ndarray) -> Iterator[Metric]:
    tie = tie_rate(source)
    sign = 2 * plan.truths() - 1
    orders = 0.5 + sign[:, None] * (source[:, :, 0] - 0.5)
    labelled = ~np.isnan(sign)
    if labelled.any():
        right = orders[labelled]
        yield metric_accuracy.acc(right, tie=tie)
        yield metric_accuracy.correct_both(right, tie=tie)
        yield metric_accuracy.two_game_accuracy(right, tie=tie)
    yield metric_position.agr(source[:, :, 0], tie=tie)
    yield metric_position.bpde(source, tie=tie)
    first = answers.utility[plan.sources.calls[:, :, 0], 0]
    yield metric_preference.proba_prefer_1(first.reshape(-1))
    texts = (text for case in plan.cases for text in case.responses)
    looks = np.fromiter((x for t in texts for x in (len(t), metric_preference.holds_list(t))), dtype=float)
    lengths, lists = looks.reshape(-1, 2, 2).transpose(2, 0, 1)
    verdict = means(source[:, :, :1])
    yield metric_preference.proba_prefer_longer(verdict, lengths[:, 0], lengths[:, 1])
    yield metric_preference.proba_prefer_lists(verdict, lists[:, 0], lists[:, 1])


def _grade(plan: Plan, source: np.ndarray) -> Iterator[Metric]:
    truth = plan.truths()
    if np.isnan(truth).all():
        return
    grades = source[:, 0, 0]
    yes = float(np.nanmean(grades)) if not np.isnan(grades).all() else 0.5
    yield metric_accuracy.p_c(grades, truth)
    yield metric_accuracy.p_plus(grades, truth, yes=yes)
    yield metric_accuracy.leniency(grades, truth, yes=yes)
    yield metric_agreement.cohen_kappa(grades, truth)
    yield metric_agreement.scott_pi(grades, truth)
