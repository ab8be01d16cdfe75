"""All findings of one run: decisions with Holm over the suite, guards, counter-examples, the verdict in one word."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from voirdire.harness.findings import (
    CounterExample,
    Decision,
    Discrimination,
    Finding,
    Findings,
    Noise,
    Outcome,
    SliceValue,
)
from voirdire.harness.plan import Plan, ProbePlan
from voirdire.harness.relations import Relation
from voirdire.harness.statistics.arms import ERROR, MISSING, NULL, Answers
from voirdire.harness.statistics.decisions import AtLeastDrop, Reading, holm, needed
from voirdire.harness.statistics.discrimination import discrimination, noise, slot_lock
from voirdire.harness.statistics.estimands import Estimator, Measured, measure
from voirdire.harness.statistics.examples import counter_examples
from voirdire.harness.statistics.judge_metrics import judge_metrics
from voirdire.harness.statistics.means import estimate
from voirdire.harness.statistics.metric_types import Metric
from voirdire.harness.statistics.metrics import metrics
from voirdire.harness.statistics.nulls import Gaps, differential, excess, holds_at_worst
from voirdire.harness.statistics.slices import slices
from voirdire.harness.verdicts import Verdict

__all__ = [
    "Analysis",
    "Levels",
    "adjusted_p",
    "analyse",
    "conclude",
    "family_size",
    "finding_of",
    "is_locked",
    "tests_of",
]

#: from this share of same-slot pairs on, a pairwise verdict says where an answer stood, not what it said, so that a
#: perturbation without effect proves nothing
LOCKED = 0.8

#: relations whose tests share the error rate alpha; the others are decided by their own intervals
_FAMILY = (Relation.NO_GAIN, Relation.INVARIANT, Relation.EQUIVARIANT, Relation.AGREE)


@dataclass(frozen=True, slots=True)
class Levels:
    """One-sided levels at which one look at the data may be read.

    `hold` is the level of HOLDS (and of both answers of MUST_DROP); `first` that of Holm's first step, which the only
    violated probe of a suite has to pass; `nominal` turns the level that Holm leaves a test into the one of this look.
    A fixed design has one look: they are what they are. Without a `planned` end there is no power to speak of.
    """

    hold: float
    first: float
    planned: bool = True
    nominal: Callable[[float], float] = lambda level: level


@dataclass(frozen=True, slots=True)
class Analysis:
    """What the statistics say of one run."""

    findings: Findings
    noise: Noise
    discrimination: Discrimination
    examples: tuple[CounterExample, ...]
    metrics: tuple[Metric, ...]
    slices: tuple[SliceValue, ...]
    verdict: Outcome


def analyse(
    plan: Plan,
    verdicts: Sequence[Verdict | None],
    *,
    alpha: float = 0.05,
    soft: bool = False,
    suite_size: int | None = None,
    read: tuple[Answers, Answers] | None = None,
) -> Analysis:
    """Decide every probe of `plan`. `suite_size` is the number of bias tests of the whole suite, for Holm. `read`:
    `verdicts` as numbers, read as verdicts and as probabilities, where they have been already."""
    hard, softer = read or (Answers.of(plan, verdicts, soft=False), Answers.of(plan, verdicts, soft=True))
    answers = softer if soft else hard
    measured = [measure(plan, p, answers) if p.items else None for p in plan.probes]
    p = [m.node.p if m is not None and m.node is not None else None for m in measured]
    adjusted = adjusted_p(plan, p, suite_size)
    locked = is_locked(plan, answers)
    levels = Levels(alpha, alpha / tests_of(plan, suite_size))
    findings = [
        finding_of(plan, probe, m, adjusted[i], answers, p=p[i], alpha=alpha, levels=levels, locked=locked)
        for i, (probe, m) in enumerate(zip(plan.probes, measured, strict=True))
    ]
    dial = discrimination(plan, answers, alpha=alpha, soft=softer)
    return conclude(plan, verdicts, answers, measured, findings, alpha=alpha, dial=dial)


def is_locked(plan: Plan, answers: Answers) -> bool:
    """Does the judge choose by slot in so many cases that edits cannot show?"""
    return (slot_lock(plan, answers) or 0.0) >= LOCKED


def conclude(
    plan: Plan,
    verdicts: Sequence[Verdict | None],
    answers: Answers,
    measured: Sequence[Measured | None],
    decided: Sequence[Finding],
    *,
    alpha: float,
    dial: Discrimination,
) -> Analysis:
    """Counter-examples, noise, metrics of the judge and the verdict, for findings and a `dial` that are decided."""
    findings: list[Finding] = []
    examples: list[CounterExample] = []
    for probe, m, finding in zip(plan.probes, measured, decided, strict=True):
        if finding.decision == "violated" and m is not None:
            shown = counter_examples(plan, probe, m, verdicts)
            examples += shown
            finding = replace(finding, counterexamples=tuple(e.case_id for e in shown))
        findings.append(finding)
    return Analysis(
        findings=Findings(findings),
        noise=noise(plan, answers, alpha=alpha),
        discrimination=dial,
        examples=tuple(examples),
        metrics=judge_metrics(plan, answers),
        slices=slices(plan, answers, measured, decided, alpha=alpha),
        verdict=_verdict(findings, dial, answers),
    )


def family_size(relations: Sequence[Relation]) -> int:
    """How many tests share alpha."""
    return sum(r in _FAMILY for r in relations)


def tests_of(plan: Plan, suite_size: int | None) -> int:
    """How many tests share alpha in this run: those of the whole suite, whatever part of it was run."""
    return max(1, suite_size or 0, family_size([q.probe.relation for q in plan.probes]))


def adjusted_p(plan: Plan, p: Sequence[float | None], suite_size: int | None) -> list[float | None]:
    """Holm-adjusted p of each bias test; None for the others. `p` has one entry a probe, None: not measured."""
    family = {i: x for i, x in enumerate(p) if x is not None and plan.probes[i].probe.relation in _FAMILY}
    size = tests_of(plan, suite_size)
    out: list[float | None] = [None] * len(p)
    for i, value in zip(family, holm(list(family.values()), size), strict=True):
        out[i] = value
    return out


def finding_of(
    plan: Plan,
    probe: ProbePlan,
    m: Measured | None,
    p_adjusted: float | None,
    answers: Answers,
    *,
    p: float | None,
    alpha: float,
    levels: Levels,
    locked: bool,
    estimator: Estimator = estimate,
) -> Finding:
    """The finding of one probe at one look at the data; `p` is its unadjusted p (over all looks so far). `estimator`:
    the one that `m` was measured with."""
    row = probe.probe
    drops = row.relation is Relation.MUST_DROP
    base = Finding(
        probe=row.name,
        family=row.family,
        relation=row.relation,
        decision="not_applicable",
        tolerance=None if drops or row.relation is Relation.RETEST else plan.suite.tolerance_of(row),
        min_drop=plan.suite.min_drop_of(row) if drops else None,
        target=row.target if not drops else "better",
        dose=row.dose,
        samples=plan.samples,
        nulls={
            "source": answers.count(probe.source, NULL),
            "follow_up": answers.count(probe.follow_up, NULL),
            "sham": answers.count(probe.sham, NULL),
        },
        errors=sum(answers.count(arm, ERROR) for arm in (probe.source, probe.follow_up, probe.sham)),
        not_applicable=sum(probe.not_applicable.values()),
        not_applicable_reasons=dict(probe.not_applicable),
        not_asked={
            name: answers.count(arm, MISSING)
            for name, arm in (("source", probe.source), ("follow_up", probe.follow_up), ("sham", probe.sham))
            if arm is not None
        },
        summary=row.summary,
        source=row.source,
    )
    if m is None:
        why = probe.not_applicable.most_common(1)
        return replace(base, reason=why[0][0] if why else "no case it applies to")
    if m.node is None:
        missing = all(answers.count(a, MISSING) for a in (probe.source, probe.follow_up) if a is not None)
        return replace(base, decision="inconclusive", reason="not_asked" if missing else "no_verdicts")
    assert p is not None
    decision, reason, reading = _decide(m, p, p_adjusted, alpha, levels)
    gaps = _null_gaps(plan, probe, answers)
    if gaps is not None:
        if any(gap is not None and differential(gap) for gap in gaps):
            decision, reason = "inconclusive", "differential_nulls"
        elif decision == "holds" and not holds_at_worst(m, gaps, plan.groups, levels.hold, estimator):
            decision, reason = "inconclusive", "missing_verdicts"
    if locked and decision != "violated" and row.relation in (Relation.NO_GAIN, Relation.INVARIANT):
        # no number of cases shows what an edit does to a verdict that only says where an answer stood
        decision, reason = "inconclusive", "position_locked"
    # an adjusted p of 1 does not tell which step of Holm it stands at
    step = levels.first if p_adjusted is None or p_adjusted >= 1 else _step_level(p, p_adjusted, alpha)
    breaks = levels.hold if p_adjusted is None else levels.nominal(step)
    published = metrics(plan, probe, answers)
    return replace(
        base,
        decision=decision,
        reason=reason,
        effect=reading.leaf.mean.mean,
        low=reading.low,
        high=reading.high,
        level=reading.level,
        estimand=reading.leaf.name,
        p=p,
        p_adjusted=p_adjusted,
        n=m.n,
        flip_rate=m.flip_rate,
        retest_flip_rate=m.retest_flip_rate,
        neutral_flip_rate=m.neutral_flip_rate,
        source_effect=m.source_effect,
        sham_effect=m.sham_effect,
        more_cases_needed=needed(m.node, levels.hold, breaks) if reason == "undecided" else None,
        smallest_detectable=_detectable(m, levels, tested=p_adjusted is not None, scores=plan.task == "score"),
        metrics={metric.name: metric.value for metric in published},
        chance={metric.name: metric.chance for metric in published},
    )


def _detectable(m: Measured, levels: Levels, *, tested: bool, scores: bool) -> float | None:
    if not levels.planned or m.node is None:
        return None
    return m.node.detectable(levels.nominal(levels.first) if tested else levels.hold, scores=scores)


def _step_level(p: float, p_adjusted: float, alpha: float) -> float:
    """The level at which an unadjusted p is significant exactly when the adjusted one is at alpha."""
    return alpha * p / p_adjusted if p_adjusted > 0 and p > 0 else alpha / 10


class _Decided(NamedTuple):
    """`reading` is the interval that decided."""

    decision: Decision
    reason: str | None
    reading: Reading


def _decide(m: Measured, p: float, p_adjusted: float | None, alpha: float, levels: Levels) -> _Decided:
    node = m.node
    assert node is not None
    if isinstance(node, AtLeastDrop) or p_adjusted is None:
        reading = node.violated_by(levels.hold)
        if node.holds(levels.hold):
            return _Decided("holds", None, reading)
        if node.p < levels.hold:
            return _Decided("violated", None, reading)
        return _Decided("inconclusive", "undecided", reading)
    step = levels.nominal(_step_level(p, p_adjusted, alpha))
    if p_adjusted < alpha:
        return _Decided("violated", None, node.violated_by(step))
    if node.holds(levels.hold):
        return _Decided("holds", None, node.held_by(levels.hold))
    if p < alpha:
        # beyond the tolerance on its own, but not among so many tests: show the interval that did not suffice
        return _Decided("inconclusive", "undecided", node.violated_by(step))
    return _Decided("inconclusive", "undecided", node.held_by(levels.hold))


def _null_gaps(plan: Plan, probe: ProbePlan, answers: Answers) -> Gaps | None:
    """By how much null rates differ between the arms that a finding compares."""
    follow, cases, total = probe.follow_up, probe.cases, len(plan.cases)
    if probe.source is None or follow is None:
        return None
    sham = None if probe.sham is None else excess(answers, probe.sham, follow, cases, total)
    return Gaps(excess(answers, probe.source, follow, cases, total), sham)


def _verdict(findings: Sequence[Finding], dial: Discrimination, answers: Answers) -> Outcome:
    """pass needs robustness and discrimination; nothing decided is never a pass."""
    if not (answers.state == 0).any():
        return "error"
    decisions = [f.decision for f in findings] + [dial.decision]
    if "violated" in decisions:
        return "fail"
    sees = dial.decision == "holds" or any(f.relation is Relation.MUST_DROP and f.decision == "holds" for f in findings)
    if "inconclusive" in decisions or "holds" not in [f.decision for f in findings] or not sees:
        return "inconclusive"
    return "pass"
