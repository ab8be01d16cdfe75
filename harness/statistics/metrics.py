"""Which of the papers' metrics a finding carries, computed from its own calls.

The formulas, with sources and chance values, are in the metric_*.py modules; here is only which arms go into them.
Position metrics use the first sample of each order, as the papers did; attack success uses one control sample to
select and another one to judge. Metrics of the judge as a whole: judge_metrics.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from voirdire.harness.plan import Plan, ProbePlan
from voirdire.harness.relations import Relation
from voirdire.harness.statistics import (
    metric_accuracy,
    metric_attack,
    metric_position,
    metric_robustness,
    metric_scores,
)
from voirdire.harness.statistics import metric_chance as chance
from voirdire.harness.statistics.arms import Answers, means
from voirdire.harness.statistics.metric_types import Metric, mean_metric
from voirdire.harness.statistics.wording import WORDINGS, wording_metrics
from voirdire.harness.targets import beside_answers

__all__ = ["metrics", "tie_rate", "undetected"]

_POSITION = (
    metric_position.position_consistency,
    metric_position.conflict_rate,
    metric_position.biased_to_first,
    metric_position.biased_to_second,
    metric_position.delta_bias,
    metric_position.total_bias,
)
_OURS = "voirdire"


def metrics(plan: Plan, probe: ProbePlan, answers: Answers) -> tuple[Metric, ...]:
    """The metrics that fit the probe's relation and the task; their value is None where nothing was eligible."""
    if probe.source is None:
        return ()
    return tuple(_metrics(plan, probe, answers, answers.of_arm(probe.source)))


def tie_rate(source: np.ndarray) -> float:
    """Share of ties among verdicts on pairs: what the random judge of the chance values says as often."""
    known = source[~np.isnan(source)]
    return float(np.mean(known == 0.5)) if known.size else 0.0


def undetected(source: np.ndarray, follow: np.ndarray) -> Metric:
    """FBI's rate from arms [item, order, sample]; the random judge draws every call from the marks of the source, and
    where repeats never differ it answers each content once."""
    moved = source.shape[2] > 1 and bool(np.any(np.abs(source - source[:, :, :1]) > 0))
    before, after = (arm.shape[1] * (arm.shape[2] if moved else 1) for arm in (source, follow))
    rate = metric_accuracy.undetected_drop_rate(means(source), means(follow))
    return replace(rate, chance=chance.not_below(source, before, after))


def _metrics(plan: Plan, probe: ProbePlan, answers: Answers, source: np.ndarray) -> Iterator[Metric]:
    relation = probe.probe.relation
    tie = tie_rate(source) if plan.task == "pairwise" else 0.0
    if relation is Relation.EQUIVARIANT:
        if plan.task == "pairwise":
            yield from _position(plan, answers, source, tie)
        return
    if relation is Relation.RETEST:
        if plan.task in ("pairwise", "grade"):
            yield metric_robustness.cr(source[:, 0, 0], source[:, 0, 1], tie=tie)
            yield metric_position.repetition_stability(source[:, 0], tie=tie)
        return
    if probe.follow_up is None:
        return
    follow = answers.of_arm(probe.follow_up)
    if plan.task in ("score", "ranking"):
        yield from _scaled(plan, relation, source, follow)
        return
    if relation is Relation.MUST_DROP:
        if plan.task == "pairwise" and not beside_answers(probe.items[0].edits):
            # the target is the damaged text, the metric's frame is the original beside it
            yield metric_accuracy.undetected_drop_rate_pairwise(1 - means(follow[:, :, :1]), tie=chance.same(tie))
        elif plan.task == "pairwise":
            yield undetected(source, follow)
        return
    # reliability beside consistency: an RR of .90 with a CR of .90 is pure noise
    yield metric_robustness.rr(source[:, 0, 0], follow[:, 0, 0], tie=tie)
    yield metric_robustness.cr(source[:, 0, 0], source[:, 0, 1], tie=tie)
    if plan.task == "pairwise":
        yield from _accuracy(plan, probe, source, follow, tie)
    if probe.probe.name.startswith(WORDINGS):
        yield from wording_metrics(plan, answers)
    if relation is Relation.AGREE and plan.task == "pairwise" and probe.probe.setup == "setup.rating":
        rated = follow[:, 0, 0]
        yield metric_accuracy.rating_ranking_consistency(rated, 1 - rated, source[:, 0, 0], tie=tie)
    if relation is Relation.NO_GAIN:
        yield from _attack_success(source, follow, None if probe.sham is None else answers.of_arm(probe.sham))
        if plan.task == "pairwise":
            yield from _published_attacks(source, follow, tie)


def _position(plan: Plan, answers: Answers, source: np.ndarray, tie: float) -> Iterator[Metric]:
    orders = source[:, :, 0]
    for metric in _POSITION:
        yield metric(orders, tie=tie)
    yield metric_position.preference_fairness(orders)
    first = answers.utility[plan.sources.calls[:, :, 0], 0]
    known = first[~np.isnan(first).any(axis=1)]
    # the mean utility of the first slot over both orders
    yield mean_metric("first_slot_rate", known.mean(axis=1) if known.size else np.empty(0), chance=0.5, source=_OURS)


def _accuracy(plan: Plan, probe: ProbePlan, source: np.ndarray, follow: np.ndarray, tie: float) -> Iterator[Metric]:
    """CALM's accuracies before and after the edit, by the label, and the drop between them."""
    sign = 2 * plan.truths(probe) - 1
    if np.isnan(sign).all():
        return
    before, after = (0.5 + sign * (arm[:, 0, 0] - 0.5) for arm in (source, follow))
    yield metric_accuracy.acc_ori(before, tie=tie)
    yield metric_accuracy.acc_hack(after, tie=tie)
    # over both orders and all samples: the estimand, of which the two above are the papers' single calls
    drop = sign * (means(source) - means(follow))
    yield mean_metric("accuracy_drop", drop[~np.isnan(drop)], chance=0.0, source=_OURS, low=-1.0)


def _attack_success(source: np.ndarray, follow: np.ndarray, sham: np.ndarray | None) -> Iterator[Metric]:
    """Share of eligible calls in which the edited answer wins, net of what wins without the edit or with its sham.

    Eligible: the target did not win on the first control sample. The second control sample, which had no part in the
    selection, gives the retest rate; taking the first one for both would count regression to the mean as success.
    `asr` is `asr_raw` less the greater of `asr_retest` and `asr_sham`, so a judge that is only noisy has one of 0 or,
    the greater of two noisy rates being too great, a little below.
    """
    control, baseline, attacked = source[:, :, 0], source[:, :, 1], follow[:, :, 0]
    placebo = attacked if sham is None else sham[:, :, 0]
    eligible = (control < 1) & ~np.isnan(attacked) & ~np.isnan(baseline) & ~np.isnan(placebo)
    n = int(eligible.sum())

    def rate(calls: np.ndarray) -> float | None:
        return float(np.mean(calls[eligible] == 1)) if n else None

    raw, retest, by_sham = rate(attacked), rate(baseline), None if sham is None else rate(placebo)
    floor = max((r for r in (retest, by_sham) if r is not None), default=0.0)
    yield Metric("asr", None if raw is None else raw - floor, n, 0.0, -1.0, 1.0, _OURS)
    yield Metric("asr_raw", raw, n, None, 0.0, 1.0, _OURS)
    yield Metric("asr_retest", retest, n, None, 0.0, 1.0, _OURS)
    if sham is not None:
        yield Metric("asr_sham", by_sham, n, None, 0.0, 1.0, _OURS)


def _published_attacks(source: np.ndarray, follow: np.ndarray, tie: float) -> Iterator[Metric]:
    before, after = means(source[:, :, :1]), means(follow[:, :, :1])
    # averaged over both orders a random judge ties whenever its two verdicts favour the same slot
    averaged = chance.same(tie)
    # the first of Chen's two goes by the short name that reports have always used
    yield replace(metric_attack.asr_chen_v1(before, after, tie=averaged), name="asr_chen")
    yield metric_attack.asr_chen_v2(before, after, tie=averaged)
    yield metric_attack.asr_judgedeceiver(follow[:, :, 0], tie=tie)
    yield metric_attack.pac(follow[:, :, 0], tie=tie)


def _scaled(plan: Plan, relation: Relation, source: np.ndarray, follow: np.ndarray) -> Iterator[Metric]:
    """What a utility is on the judge's own scale: points of its scores, places of its ranking."""
    before, after = means(source), means(follow)
    shift = (after - before)[~np.isnan(after - before)]
    if plan.task == "ranking":
        sizes = set(plan.sizes.tolist())
        if len(sizes) == 1:  # places mean something only if all cases have as many
            places = float(sizes.pop() - 1)
            yield mean_metric("rank_shift", shift * places, chance=0.0, source=_OURS, low=-places, high=places)
        return
    width = plan.scale.high - plan.scale.low
    yield mean_metric("score_shift", shift * width, chance=0.0, source=_OURS, low=-width, high=width)
    scores = (plan.scale.low + after * width)[:, None]
    yield metric_scores.average_score(scores, low=plan.scale.low, high=plan.scale.high)
    if relation is Relation.MUST_DROP:
        yield undetected(source, follow)
