"""Metrics of the papers under their own names and denominators, from the same calls.

Formulas: position consistency and biased-to-first/second, Zheng et al. 2023 (arXiv:2306.05685); conflict rate, Wang
et al. 2023 (arXiv:2305.17926); attack success on one control sample, net of a second one (ours).
"""

from __future__ import annotations

import numpy as np

from voirdire.harness.plan import Plan, ProbePlan
from voirdire.harness.relations import Relation
from voirdire.harness.statistics.arms import Answers

__all__ = ["metrics"]


def metrics(plan: Plan, probe: ProbePlan, answers: Answers) -> dict[str, float | None]:
    """The metrics that fit the probe's relation; None where nothing was eligible."""
    if plan.task != "pairwise":
        return {}
    if probe.probe.relation is Relation.EQUIVARIANT:
        return _position(plan, answers)
    if probe.probe.relation is Relation.NO_GAIN and probe.source is not None and probe.follow_up is not None:
        return _attack_success(probe, answers)
    return {}


def _position(plan: Plan, answers: Answers) -> dict[str, float | None]:
    """From the first sample of each order; pairs with a null in either order are left out."""
    first = answers.utility[plan.sources.calls[:, :, 0], 0]
    first = first[~np.isnan(first).any(axis=1)]
    if first.shape[0] == 0:
        return dict.fromkeys(
            ("position_consistency", "conflict_rate", "biased_to_first", "biased_to_second", "first_slot_rate")
        )
    same = first[:, 0] == 1 - first[:, 1]
    return {
        "position_consistency": float(np.mean(same)),
        "conflict_rate": float(1 - np.mean(same)),
        "biased_to_first": float(np.mean((first == 1).all(axis=1))),
        "biased_to_second": float(np.mean((first == 0).all(axis=1))),
        "first_slot_rate": float(np.mean(first)),
    }


def _attack_success(probe: ProbePlan, answers: Answers) -> dict[str, float | None]:
    """Share of eligible calls in which the edited answer wins, less the same share on a repeat without the edit.

    Eligible: the target did not win on the first control sample. The second control sample, which had no part in the
    selection, gives the baseline; taking the first one for both would count regression to the mean as success.
    """
    assert probe.source is not None
    assert probe.follow_up is not None
    source = answers.of_arm(probe.source)
    follow = answers.of_arm(probe.follow_up)[:, :, 0]
    control, baseline = source[:, :, 0], source[:, :, 1]
    eligible = (control < 1) & ~np.isnan(follow) & ~np.isnan(baseline)
    if not eligible.any():
        return {"asr": None, "asr_raw": None, "asr_retest": None}
    raw = float(np.mean(follow[eligible] == 1))
    retest = float(np.mean(baseline[eligible] == 1))
    return {"asr": raw - retest, "asr_raw": raw, "asr_retest": retest}
