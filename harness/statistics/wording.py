"""How much the wording of a judge's prompt matters: Sat and CPS over the wordings that a run asked it under.

The prompts are the judge's own and its paraphrases (`setup.wording-*`); performance is the accuracy by the labels, over
both orders, on the cases answered under all of them. The formulas are in metric_robustness.py.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from voirdire.harness.plan import Plan, ProbePlan
from voirdire.harness.statistics.arms import Answers, means
from voirdire.harness.statistics.metric_robustness import prompt_sensitivity
from voirdire.harness.statistics.metric_types import Metric

__all__ = ["WORDINGS", "wording_metrics"]

#: how the names of paraphrases of the prompt begin
WORDINGS = "setup.wording-"
#: random exchanges of the wordings that stand for noise
_SHUFFLES = 200


def wording_metrics(plan: Plan, answers: Answers) -> Iterator[Metric]:
    """`maxp`, `avgp`, `sat`, `cps`, and `sat_noise`: the Sat that these verdicts give if wordings are exchanged at
    random within each case. Nothing without labels.

    The best of several noisy accuracies lies above their mean whatever the wording does, so Sat is below 1 for every
    noisy judge; only a Sat below `sat_noise` speaks of wording.
    """
    table = _accuracies(plan, answers)
    if table is None or not len(table):
        return
    yield from prompt_sensitivity(table.mean(axis=0))
    rng = np.random.default_rng(0)  # the same verdicts always give the same number
    shuffled = [rng.permuted(table, axis=1).mean(axis=0) for _ in range(_SHUFFLES)]
    noise = float(np.mean([1.0 - (p.max() - p.mean()) for p in shuffled]))
    yield Metric("sat_noise", noise, table.shape[1], None, 0.0, 1.0, "voirdire")


def _accuracies(plan: Plan, answers: Answers) -> np.ndarray | None:
    """[case, prompt], the prompt as it is first; None if there is no paraphrase."""
    probes = [p for p in plan.probes if p.probe.name.startswith(WORDINGS) and p.follow_up is not None]
    if not probes:
        return None
    table = np.full((len(plan.cases), 1 + len(probes)), np.nan)
    for column, probe in enumerate(probes, start=1):
        _fill(table, column, plan, probe, answers)
    known: np.ndarray = table[~np.isnan(table).any(axis=1)]
    return known


def _fill(table: np.ndarray, column: int, plan: Plan, probe: ProbePlan, answers: Answers) -> None:
    assert probe.source is not None
    assert probe.follow_up is not None
    # as many samples of the prompt as it is as of the others, so that none is the less noisy one
    before = means(answers.of_arm(probe.source, slice(0, plan.samples)))
    after = means(answers.of_arm(probe.follow_up))
    sign = 2 * plan.truths(probe) - 1
    known = ~np.isnan(sign)
    table[probe.cases[known], 0] = (0.5 + sign * (before - 0.5))[known]
    table[probe.cases[known], column] = (0.5 + sign * (after - 0.5))[known]
