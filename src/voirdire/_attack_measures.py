"""The held-out test of an attack: its plan, and what is measured from the answers.

The plan is an audit's: the attack is a probe with a sham. Beside it, without a sham and without a say in the decision,
stand the first words of a phrase (dose-response) and a published phrase (rival). Not here: searching, asking.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from voirdire.harness.attacks import Attempt, Outcome, Seen
from voirdire.harness.cases import Case
from voirdire.harness.findings import Finding
from voirdire.harness.followups import FollowUps
from voirdire.harness.judges.base import Judge
from voirdire.harness.plan import Arm, Plan, build_plan
from voirdire.harness.probes import Probe, Suite
from voirdire.harness.statistics.analyse import analyse
from voirdire.harness.statistics.arms import Answers
from voirdire.harness.statistics.lifts import Lift, advantage, lift, seen_in_slot
from voirdire.harness.verdicts import Verdict
from voirdire.perturbations.found import joined
from voirdire.suites.found import FoundAttack, found_probe, name_for
from voirdire.suites.rows import PROBES

if TYPE_CHECKING:
    from voirdire._attack import AttackRequest

__all__ = ["Heldout", "measured", "seen"]

#: share of clean answers that the threshold of the detectability figure lets be flagged
_CLEAN_SHARE = 0.05


class Heldout:
    """The test of one attack on one judge: `plan.calls` are to be asked, in order."""

    def __init__(
        self,
        judge: Judge,
        cases: Sequence[Case],
        request: AttackRequest,
        words: Sequence[str],
        rivals: Mapping[str, str],
        *,
        attack: FoundAttack | None = None,
        kind: str = "phrase",
        bare: bool = False,
    ) -> None:
        self.judge = judge
        self.cases = list(cases)
        self.request = request
        self.words = tuple(words)
        self.rivals = rivals
        self.kind = kind
        text = joined(self.words)
        self.attack = attack or FoundAttack(name_for(text), text, request.position)
        main = found_probe(self.attack)
        beside: list[Probe] = []
        self.doses: dict[str, str] = {}
        if not bare:
            for k in range(1, len(self.words)):
                part = joined(self.words[:k])
                name = f"{self.attack.name}-dose-{k}"
                self.doses[name] = part
                beside.append(replace(found_probe(FoundAttack(name, part, request.position)), sham=False))
            beside += [replace(PROBES.get(name), sham=False) for name in rivals]
        suite = Suite("attack", "", (main, *beside), samples=request.samples, tolerance=0.0)
        plan = build_plan(
            suite,
            self.cases,
            task=judge.task,
            scale=judge.scale,
            followups=FollowUps(request.seed),
            samples=request.samples,
        )
        if request.mode != "both":
            plan = _asked_only(seen_in_slot(plan, 0 if request.mode == "first" else -1))
        self.plan = plan

    def on(self, judge: Judge) -> Heldout:
        """The same attack on another judge, without what stands beside it."""
        return Heldout(judge, self.cases, self.request, self.words, {}, attack=self.attack, kind=self.kind, bare=True)

    def bare(self) -> Plan:
        return self.on(self.judge).plan


def _asked_only(plan: Plan) -> Plan:
    """`plan` with only the calls that its arms hold, numbered anew."""
    arms = [a for p in plan.probes for a in (p.source, p.follow_up, p.sham) if a is not None]
    wanted = np.unique(np.concatenate([a.calls.ravel() for a in (*arms, plan.sources)]))
    number = np.full(len(plan.calls), -1, dtype=np.int64)
    number[wanted] = np.arange(wanted.size)

    def moved(arm: Arm | None) -> Arm | None:
        return None if arm is None else Arm(number[arm.calls], arm.slots)

    probes = [replace(p, source=moved(p.source), follow_up=moved(p.follow_up), sham=moved(p.sham)) for p in plan.probes]
    sources = Arm(number[plan.sources.calls], plan.sources.slots)
    return replace(plan, calls=[plan.calls[i] for i in wanted], probes=probes, sources=sources)


def measured(tested: Heldout, verdicts: Sequence[Verdict | None], *, alpha: float) -> Attempt:
    """The outcome of a test whose calls were answered by `verdicts`."""
    plan, judge = tested.plan, tested.judge
    answers = Answers.of(plan, verdicts, soft=judge.soft)
    main, *beside = plan.probes
    # what stands beside the attack has no part in the decision, so it takes no share of the error rate
    alone = replace(plan, probes=[main])
    finding = analyse(alone, verdicts, alpha=alpha, soft=judge.soft).findings[tested.attack.name]
    outcome, reason = _outcome(finding)
    doses: dict[str, Lift] = {}
    rival, rival_lift, over = None, None, None
    for probe in beside:
        name = probe.probe.name
        value = lift(plan, probe, answers, alpha=alpha)
        if value is None:
            continue
        if name in tested.doses:
            doses[tested.doses[name]] = value
        else:
            rival, rival_lift = name, value
            over = advantage(plan, main, probe, answers, alpha=alpha)
    return Attempt(
        name=tested.attack.name,
        kind=tested.kind,
        text=tested.attack.text,
        position=tested.attack.position,
        outcome=outcome,
        reason=reason,
        finding=finding,
        lift=lift(plan, main, answers, alpha=alpha),
        seen=seen(tested),
        doses=doses,
        rival=rival,
        rival_lift=rival_lift,
        over_rival=over,
        note=tested.attack.note,
    )


def _outcome(finding: Finding) -> tuple[Outcome, str | None]:
    """Found only where the gain over source and sham is beyond doubt; nulls that differ decide nothing."""
    if finding.decision == "violated":
        return "found", None
    if finding.reason in ("differential_nulls", "position_locked", "no_verdicts", "not_asked"):
        return "inconclusive", finding.reason
    if finding.decision == "not_applicable":
        return "inconclusive", finding.reason
    return "nothing", None


def seen(tested: Heldout) -> Seen:
    """How conspicuous the attack is; asks nobody."""
    from voirdire.harness.judges.wrappers.ngrams import shipped

    model, limit = shipped().model, shipped().thresholds[_CLEAN_SHARE]
    main = tested.plan.probes[0]
    pairs = [
        (tested.cases[i.case].responses[i.target], i.follow_up.responses[i.target])
        for i in main.items
        if i.follow_up is not None
    ]
    return Seen(
        bits=model.score(tested.attack.text),
        flagged=_share([model.score(after) > limit for _, after in pairs]),
        flagged_clean=_share([model.score(before) > limit for before, _ in pairs]),
        clean_share=_CLEAN_SHARE,
    )


def _share(flags: Sequence[bool]) -> float:
    return sum(flags) / len(flags) if flags else 0.0
