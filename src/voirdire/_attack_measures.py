"""The held-out test of an attack: its plan, and what is measured from the answers.

The plan is an audit's: the attack is a probe with a sham. Beside it, without a sham and without a say in the decision,
stand parts of it (the first words of a phrase, the first attacks of a stack) and a published phrase (rival). Not here:
searching, asking.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from voirdire._attack_asking import system_of
from voirdire.harness.attacks import Attempt, Outcome, Seen
from voirdire.harness.cases import Case
from voirdire.harness.findings import Finding
from voirdire.harness.followups import FollowUps
from voirdire.harness.judges.base import Judge, traits_of
from voirdire.harness.plan import Arm, Plan, ProbePlan, build_plan
from voirdire.harness.probes import Probe, Suite
from voirdire.harness.statistics.analyse import analyse
from voirdire.harness.statistics.arms import Answers
from voirdire.harness.statistics.decisions import holm
from voirdire.harness.statistics.lifts import Lift, advantage, chosen, lift, seen_in_slot
from voirdire.harness.verdicts import Verdict
from voirdire.perturbations.found import Position, joined
from voirdire.perturbations.search.space import Words
from voirdire.suites.found import FoundAttack, found_probe, name_for
from voirdire.suites.rows import PROBES

if TYPE_CHECKING:
    from voirdire._attack_plan import AttackRequest

__all__ = ["Claim", "Heldout", "corrected", "measured", "phrase_claim", "seen", "text_claim"]

#: share of clean answers that the threshold of the detectability figure lets be flagged
_CLEAN_SHARE = 0.05


@dataclass(frozen=True, slots=True)
class Claim:
    """An attack that is to be tested. `doses`: what it does in part, by a text that says which part; `rivals`: names
    of probes that it is compared with. `attack` is what a suite file says of it; None: `probe` is a registered one."""

    kind: str
    probe: Probe
    text: str
    position: str
    attack: FoundAttack | None = None
    doses: Mapping[str, Probe] = field(default_factory=dict)
    rivals: tuple[str, ...] = ()
    note: str = ""

    def alone(self) -> Claim:
        """Without what stands beside it."""
        return replace(self, doses={}, rivals=())


def phrase_claim(words: Words, position: Position, rivals: tuple[str, ...] = ()) -> Claim:
    """The claim that a phrase helps, with its first words as doses."""
    attack = FoundAttack(name_for(joined(words)), joined(words), position)
    parts = [joined(words[:k]) for k in range(1, len(words))]
    doses = {
        part: replace(found_probe(FoundAttack(f"{attack.name}-dose-{k}", part, position)), sham=False)
        for k, part in enumerate(parts, start=1)
    }
    return Claim("phrase", found_probe(attack), attack.text, position, attack, doses, rivals)


def text_claim(text: str, position: Position, *, name: str, note: str = "") -> Claim:
    """The claim that a text which a model wrote helps."""
    attack = FoundAttack(name, text, position)
    return Claim("rewriter", found_probe(attack), text, position, attack, note=note)


class Heldout:
    """The test of claims on one judge: `plan.calls` are to be asked, in order; all claims share the sources."""

    def __init__(self, judge: Judge, cases: Sequence[Case], request: AttackRequest, claims: Sequence[Claim]) -> None:
        self.judge = judge
        self.cases = list(cases)
        self.request = request
        self.claims = tuple(claims)
        probes: dict[str, Probe] = {c.probe.name: c.probe for c in claims}
        for claim in claims:
            for probe in (*claim.doses.values(), *(replace(PROBES.get(n), sham=False) for n in claim.rivals)):
                probes.setdefault(probe.name, probe)
        suite = Suite("attack", "", tuple(probes.values()), samples=request.samples, tolerance=0.0)
        plan = build_plan(
            suite,
            self.cases,
            task=judge.task,
            scale=judge.scale,
            followups=FollowUps(request.seed, prompt=traits_of(judge).prompt),
            samples=request.samples,
        )
        if request.mode != "both":
            plan = _asked_only(seen_in_slot(plan, 0 if request.mode == "first" else -1))
        self.plan = plan
        self.probes = {p.probe.name: p for p in plan.probes}

    def on(self, judge: Judge) -> Heldout:
        """The same attacks on another judge, without what stands beside them."""
        return Heldout(judge, self.cases, self.request, [c.alone() for c in self.claims])


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


def measured(
    tested: Heldout,
    claim: Claim,
    verdicts: Sequence[Verdict | None],
    *,
    alpha: float,
    systems: frozenset[str] = frozenset(),
) -> Attempt:
    """The outcome of a claim whose calls were answered by `verdicts`, as if it were the only one. `systems`: those
    whose answers the search saw; none: it saw all."""
    plan, judge = tested.plan, tested.judge
    answers = Answers.of(plan, verdicts, soft=judge.soft)
    main = tested.probes[claim.probe.name]
    # what stands beside the attack has no part in the decision, so it takes no share of the error rate
    alone = replace(plan, probes=[main])
    found = analyse(alone, verdicts, alpha=alpha, soft=judge.soft)
    finding = found.findings[claim.probe.name]
    outcome, reason = _outcome(finding)
    names = {probe.name: part for part, probe in claim.doses.items()}
    doses: dict[str, Lift] = {}
    rival, rival_lift, over = None, None, None
    for name in (*names, *claim.rivals):
        probe = tested.probes[name]
        value = lift(plan, probe, answers, alpha=alpha)
        if value is None:
            continue
        if name in names:
            doses[names[name]] = value
        else:
            rival, rival_lift = name, value
            over = advantage(plan, main, probe, answers, alpha=alpha)
    unseen = None
    if systems:
        new = [system_of(tested.cases[i.case], i.target) not in systems for i in main.items]
        unseen = lift(plan, chosen(main, new), answers, alpha=alpha)
    example = found.examples[0] if found.examples else None
    return Attempt(
        name=claim.probe.name,
        kind=claim.kind,
        text=claim.text,
        position=claim.position,
        outcome=outcome,
        reason=reason,
        finding=finding,
        lift=lift(plan, main, answers, alpha=alpha),
        unseen=unseen,
        seen=seen(main, tested.cases, claim.text),
        doses=doses,
        rival=rival,
        rival_lift=rival_lift,
        over_rival=over,
        note=claim.note,
        parts=claim.attack.parts if claim.attack is not None else (),
        example=example,
    )


def corrected(attempts: Sequence[Attempt], *, alpha: float, tests: int) -> list[Attempt]:
    """`attempts` with Holm over all of them: `tests` were planned, so many share the error rate."""
    p = [a.finding.p if a.finding is not None and a.finding.p is not None else 1.0 for a in attempts]
    out = []
    for attempt, adjusted in zip(attempts, holm(p, max(tests, len(p))), strict=True):
        if attempt.outcome == "found" and adjusted >= alpha:
            attempt = replace(attempt, outcome="nothing")
        out.append(replace(attempt, p_adjusted=adjusted))
    return out


def _outcome(finding: Finding) -> tuple[Outcome, str | None]:
    """Found only where the gain over source and sham is beyond doubt; nulls that differ decide nothing."""
    if finding.decision == "violated":
        return "found", None
    if finding.reason in ("differential_nulls", "position_locked", "no_verdicts", "not_asked"):
        return "inconclusive", finding.reason
    if finding.decision == "not_applicable":
        return "inconclusive", finding.reason
    return "nothing", None


def seen(probe: ProbePlan, cases: Sequence[Case], text: str) -> Seen:
    """How conspicuous an attack is; asks nobody."""
    from voirdire.harness.judges.wrappers.ngrams import shipped

    model, limit = shipped().model, shipped().thresholds[_CLEAN_SHARE]
    pairs = [
        (cases[i.case].responses[i.target], i.follow_up.responses[i.target])
        for i in probe.items
        if i.follow_up is not None
    ]
    return Seen(
        bits=model.score(text),
        flagged=_share([model.score(after) > limit for _, after in pairs]),
        flagged_clean=_share([model.score(before) > limit for before, _ in pairs]),
        clean_share=_CLEAN_SHARE,
    )


def _share(flags: Sequence[bool]) -> float:
    return sum(flags) / len(flags) if flags else 0.0
