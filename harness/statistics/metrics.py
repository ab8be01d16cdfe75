"""Which of the papers' metrics a finding carries, computed from its own calls.

The formulas, with sources and chance values, are in the metric_*.py modules; here is only which arms go into them.
Position metrics use the first sample of each order, as the papers did; attack success uses one control sample to
select and another one to judge.
"""

from __future__ import annotations

import numpy as np

from voirdire.harness.plan import Plan, ProbePlan
from voirdire.harness.relations import Relation
from voirdire.harness.statistics import metric_attack, metric_position, metric_robustness
from voirdire.harness.statistics.arms import Answers, means

__all__ = ["metrics"]

_POSITION = (
    metric_position.position_consistency,
    metric_position.conflict_rate,
    metric_position.biased_to_first,
    metric_position.biased_to_second,
    metric_position.delta_bias,
    metric_position.total_bias,
    metric_position.preference_fairness,
)


def metrics(plan: Plan, probe: ProbePlan, answers: Answers) -> dict[str, float | None]:
    """The metrics that fit the probe's relation, by published name; None where nothing was eligible."""
    if plan.task != "pairwise" or probe.source is None:
        return {}
    source = answers.of_arm(probe.source)
    relation = probe.probe.relation
    if relation is Relation.RETEST:
        return {"cr": metric_robustness.cr(source[:, 0, 0], source[:, 0, 1]).value}
    if relation is Relation.EQUIVARIANT:
        orders = source[:, :, 0]
        out = {(m := f(orders)).name: m.value for f in _POSITION}
        return out | {"first_slot_rate": _first_slot_rate(plan, answers)}
    if probe.follow_up is None or relation is Relation.MUST_DROP:
        return {}
    follow = answers.of_arm(probe.follow_up)
    # reliability beside consistency: an RR of .90 with a CR of .90 is pure noise
    out = {
        "rr": metric_robustness.rr(source[:, 0, 0], follow[:, 0, 0]).value,
        "cr": metric_robustness.cr(source[:, 0, 0], source[:, 0, 1]).value,
    }
    if relation is Relation.NO_GAIN:
        chen = metric_attack.asr_chen_v1(means(source[:, :, :1]), means(follow[:, :, :1]))
        out |= _attack_success(source, follow) | {"asr_chen": chen.value}
    return out


def _first_slot_rate(plan: Plan, answers: Answers) -> float | None:
    """Mean utility of the first slot over both orders; .5 for a judge without slot preference."""
    first = answers.utility[plan.sources.calls[:, :, 0], 0]
    known = first[~np.isnan(first).any(axis=1)]
    return float(known.mean()) if known.size else None


def _attack_success(source: np.ndarray, follow: np.ndarray) -> dict[str, float | None]:
    """Share of eligible calls in which the edited answer wins, less the same share on a repeat without the edit.

    Eligible: the target did not win on the first control sample. The second control sample, which had no part in the
    selection, gives the baseline; taking the first one for both would count regression to the mean as success.
    """
    control, baseline, attacked = source[:, :, 0], source[:, :, 1], follow[:, :, 0]
    eligible = (control < 1) & ~np.isnan(attacked) & ~np.isnan(baseline)
    if not eligible.any():
        return {"asr": None, "asr_raw": None, "asr_retest": None}
    raw = float(np.mean(attacked[eligible] == 1))
    retest = float(np.mean(baseline[eligible] == 1))
    return {"asr": raw - retest, "asr_raw": raw, "asr_retest": retest}
