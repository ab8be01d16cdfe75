"""The metrics of a suite, over all probes of a group together, with intervals: what stands beside a paper's numbers.

Here: which calls go into which metric, and the delete-a-group jackknife over clusters of cases that gives each its
interval (R. Kott, J. Official Statistics 17, 2001), with the floor of means.py. Not here: formulas (metric_*.py),
metrics of one probe (metrics.py), decisions (decisions.py).

A metric of the judge as a whole is computed from the unchanged cases and has the group "". A metric of probes takes
those of the group whose relation it fits; items of several probes are pooled.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from voirdire.harness.papers import Paper, PaperResult, SuiteMetric
from voirdire.harness.plan import Plan, ProbePlan
from voirdire.harness.statistics.arms import Answers
from voirdire.harness.statistics.metric_types import Metric
from voirdire.harness.statistics.suite_rules import RULES, Rule
from voirdire.harness.statistics.suite_view import View, of_cases, of_probes

__all__ = ["METRIC_NAMES", "beside_paper"]

#: what a suite may list under `metrics`
METRIC_NAMES = tuple(RULES)

#: blocks of clusters that are left out in turn; more cost time and gain nothing that a reader sees
_BLOCKS = 40
_ALPHA = 0.05


def beside_paper(paper: Paper, plan: Plan, answers: Answers) -> PaperResult:
    """Every metric that `paper` names and this run has calls for, with the published numbers."""
    found: list[SuiteMetric] = []
    for name in paper.metrics:
        rule = RULES[name]
        if plan.task not in rule.tasks:
            continue
        for group, members in _groups(paper, plan, rule):
            view = of_probes(plan, answers, members) if members else of_cases(plan, answers)
            found.append(_measured(name, group, rule, view, members))
        if not rule.relations:
            whole = of_cases(plan, answers)
            for value, part in _slices(paper, plan, name):
                found.append(_measured(name, value, rule, whole.only(part), ()))
    return PaperResult(
        title=paper.title,
        paper=paper.paper,
        url=paper.url,
        chance=paper.chance,
        metrics=tuple(m for m in found if m.value is not None),
        published=paper.published,
    )


def _groups(paper: Paper, plan: Plan, rule: Rule) -> Iterator[tuple[str, list[ProbePlan]]]:
    """(group, its probes that the metric fits); for a metric of the judge one group without probes."""
    if not rule.relations:
        yield "", []
        return
    for group, names in (paper.groups or {"": tuple(p.probe.name for p in plan.probes)}).items():
        members = [p for p in plan.probes if p.probe.name in names and p.items and _fits(p, rule)]
        if members:
            yield group, members


def _slices(paper: Paper, plan: Plan, name: str) -> Iterator[tuple[str, np.ndarray]]:
    """(value, which cases have it) for the parts of the cases of which the paper printed this metric."""
    if not paper.slices:
        return
    values = np.asarray([str(case.meta.get(paper.slices, "")) for case in plan.cases])
    groups = dict.fromkeys(p.group for p in paper.published if p.metric == name)
    for group in groups:
        part = values == group
        if group and part.any():
            yield group, part


def _fits(probe: ProbePlan, rule: Rule) -> bool:
    return probe.probe.relation in rule.relations and probe.follow_up is not None and rule.takes(probe.probe)


def _measured(name: str, group: str, rule: Rule, view: View, members: Sequence[ProbePlan]) -> SuiteMetric:
    metric = _pick(name, rule.compute(view))
    low, high = _interval(name, metric, rule.compute, view)
    return SuiteMetric(
        metric=name,
        group=group,
        value=metric.value,
        low=low,
        high=high,
        n=metric.n,
        left_out=metric.left_out,
        chance=metric.chance,
        probes=tuple(p.probe.name for p in members),
    )


def _pick(name: str, found: Metric | tuple[Metric, ...]) -> Metric:
    return found if isinstance(found, Metric) else next(m for m in found if m.name == name)


def _interval(
    name: str, metric: Metric, compute: Callable[[View], Metric | tuple[Metric, ...]], view: View
) -> tuple[float | None, float | None]:
    """95 % interval; (None, None) with fewer than two clusters or where the metric has no value without some block."""
    _, cluster = np.unique(view.groups, return_inverse=True)
    clusters = int(cluster.max()) + 1 if cluster.size else 0
    if metric.value is None or clusters < 2:
        return None, None
    blocks = min(_BLOCKS, clusters)
    block = cluster % blocks
    without = [_pick(name, compute(view.only(block != b))).value for b in range(blocks)]
    if any(v is None for v in without):
        return None, None
    values = np.asarray(without, dtype=float)
    error = math.sqrt((blocks - 1) / blocks * float(np.sum((values - values.mean()) ** 2)))
    from scipy.special import stdtrit

    half = float(stdtrit(blocks - 1, 1 - _ALPHA / 2)) * error
    low, high = metric.value - half, metric.value + half
    # clusters without a single exception do not prove that there are none (means.py)
    unseen = 1.0 - (_ALPHA / 2) ** (1.0 / clusters)
    if math.isfinite(metric.low):
        low = max(metric.low, min(low, metric.value - (metric.value - metric.low) * unseen))
    if math.isfinite(metric.high):
        high = min(metric.high, max(high, metric.value + (metric.high - metric.value) * unseen))
    return low, high
