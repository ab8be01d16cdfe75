"""A run that is looked at several times and stops asking about what is decided.

After each block of cases every open probe is decided anew. A decided probe's finding is frozen, with the data it was
decided on, and its calls are no longer made. Two designs keep the error rates of a single look:

sequential  a planned number of cases in random order, six looks, boundaries by alpha spending (sequential.py).
            VIOLATED spends alpha like O'Brien and Fleming, late; HOLDS spends it as alpha t**2, earlier, since most
            probes of a sound judge hold
anytime     no planned end: cases in the order of the file, a look after every twenty, confidence sequences
            (anytime.py). Cases may be added at the end of the file and the run repeated as often as one likes. The
            order must be a random one for that (anytime.py says why), and nobody but the file can keep it: an order
            drawn here would be another one after every addition
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Literal

from voirdire.harness.findings import Discrimination, Finding
from voirdire.harness.plan import Arm, Plan, ProbePlan
from voirdire.harness.relations import Relation
from voirdire.harness.statistics.analyse import Analysis, Levels, adjusted_p, conclude, finding_of, is_locked, tests_of
from voirdire.harness.statistics.anytime import anytime
from voirdire.harness.statistics.arms import Answers
from voirdire.harness.statistics.discrimination import discrimination
from voirdire.harness.statistics.estimands import Estimator, measure
from voirdire.harness.statistics.means import estimate
from voirdire.harness.statistics.sequential import LOOKS, level_at, power_family, sequential_p
from voirdire.harness.verdicts import Verdict

__all__ = ["Design", "Looks"]

Design = Literal["sequential", "anytime"]

#: with fewer cases than this at a look, nothing can be decided that is worth a look
FEWEST_CASES = 20
#: relations whose probes need the neutral edit of each case
_FLIPS = (Relation.INVARIANT, Relation.EQUIVARIANT)


class Looks:
    """The state of a sequential audit: ask for `calls(k)`, answer them, `look(k, verdicts)`, until `done`."""

    def __init__(
        self, plan: Plan, *, alpha: float, suite_size: int, soft: bool, seed: int, design: Design = "sequential"
    ) -> None:
        self.plan = plan
        self.design: Design = design
        self._estimator: Estimator = anytime if design == "anytime" else estimate
        self.alpha = alpha
        self.suite_size = suite_size
        self.soft = soft
        n = len(plan.cases)
        order = list(range(n))
        if design == "anytime":
            # what was looked at before must come first again when cases are added
            self.shares = (*(k / n for k in range(FEWEST_CASES, n, FEWEST_CASES)), 1.0)
        else:
            self.shares = tuple(s for s in LOOKS if s * n >= FEWEST_CASES or s == 1.0)
            # cases of one topic often stand together in a file; blocks must look like the whole
            random.Random(seed).shuffle(order)
        ends = [round(s * n) for s in self.shares]
        self.blocks = [order[a:b] for a, b in zip([0, *ends], ends, strict=False)]
        self.frozen: dict[int, Finding] = {}
        self._seen: list[list[float]] = [[] for _ in plan.probes]
        self.dial: Discrimination | None = None
        self._calls = [_calls_by_case(probe) for probe in plan.probes]

    @property
    def open(self) -> list[int]:
        """Probes that are not decided yet."""
        return [i for i, p in enumerate(self.plan.probes) if p.items and i not in self.frozen]

    @property
    def done(self) -> bool:
        return self.dial is not None and not any(self._asks(i) for i in self.open)

    def _asks(self, probe: int) -> bool:
        """Does the probe need calls? The retest probe takes what the others ask for."""
        return self.plan.probes[probe].probe.relation is not Relation.RETEST

    def calls(self, look: int) -> list[int]:
        """Numbers of the calls that the open probes need of the cases of this look, in plan order."""
        plan = self.plan
        wanted: set[int] = set()
        active = [i for i in self.open if self._asks(i)]
        neutral = any(plan.probes[i].probe.relation in _FLIPS for i in active)
        for case in self.blocks[look]:
            wanted.update(plan.sources.calls[case].reshape(-1).tolist())
            if neutral and plan.neutrals is not None and plan.neutral_cases[case] >= 0:
                wanted.update(plan.neutrals.calls[plan.neutral_cases[case]].reshape(-1).tolist())
            for i in active:
                wanted.update(self._calls[i].get(case, ()))
        return sorted(wanted)

    def look(self, look: int, verdicts: Sequence[Verdict | None]) -> None:
        """Decide what can be decided after the calls of this look were answered."""
        plan, alpha = self.plan, self.alpha
        answers = Answers.of(plan, verdicts, soft=self.soft)
        last = look == len(self.shares) - 1
        measured = {i: measure(plan, plan.probes[i], answers, self._estimator) for i in self.open}
        for i, m in measured.items():
            self._seen[i].append(m.node.p if m.node is not None else 1.0)
        p = [self._p(seen) if seen else None for seen in self._seen]
        adjusted = adjusted_p(plan, p, self.suite_size)
        levels = self._levels(look)
        locked = is_locked(plan, answers)
        for i, m in measured.items():
            probe = plan.probes[i]
            finding = finding_of(
                plan, probe, m, adjusted[i], answers, p=p[i], alpha=alpha, levels=levels, locked=locked,
                estimator=self._estimator,
            )  # fmt: skip
            if last or finding.decision in ("holds", "violated") or finding.reason == "position_locked":
                self.frozen[i] = finding
        if self.dial is None:
            soft = Answers.of(plan, verdicts, soft=True)
            dial = discrimination(plan, answers, alpha=levels.hold, soft=soft, estimator=self._estimator)
            if last or dial.decision != "inconclusive":
                self.dial = dial

    def _p(self, seen: Sequence[float]) -> float:
        """One p for all looks so far."""
        return min(seen) if self.design == "anytime" else sequential_p(seen, self.shares)

    def _levels(self, look: int) -> Levels:
        first = self.alpha / tests_of(self.plan, self.suite_size)
        if self.design == "anytime":
            return Levels(self.alpha, first, planned=False)
        hold = level_at(self.alpha, look, self.shares, power_family)
        return Levels(hold, first, nominal=lambda level: level_at(level, look, self.shares))

    def finish(self, verdicts: Sequence[Verdict | None]) -> Analysis:
        """The findings, as they were decided; open ones (of a run that stopped early) are read at the last look."""
        if self.open or self.dial is None:
            self.look(len(self.shares) - 1, verdicts)
        assert self.dial is not None
        answers = Answers.of(self.plan, verdicts, soft=self.soft)
        measured = [measure(self.plan, p, answers) if p.items else None for p in self.plan.probes]
        never = Levels(self.alpha, self.alpha)
        findings = [
            self.frozen[i]
            if i in self.frozen
            else finding_of(self.plan, p, None, None, answers, p=None, alpha=self.alpha, levels=never, locked=False)
            for i, p in enumerate(self.plan.probes)
        ]
        return conclude(self.plan, verdicts, answers, measured, findings, alpha=self.alpha, dial=self.dial)


def _calls_by_case(probe: ProbePlan) -> dict[int, list[int]]:
    """Calls of a probe beyond the source that all probes share, by case."""
    out: dict[int, list[int]] = {}
    cases = probe.cases
    own = probe.source if probe.probe.opponent == "twin" else None
    arms: list[Arm] = [arm for arm in (own, probe.follow_up, probe.sham) if arm is not None]
    for arm in arms:
        for case, calls in zip(cases.tolist(), arm.calls.reshape(len(cases), -1).tolist(), strict=True):
            out.setdefault(case, []).extend(calls)
    return out
