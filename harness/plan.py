"""From suite and cases to the calls that are needed, each one once.

`build_plan` makes every follow-up, orders both ways, and numbers the calls; equal content at an equal sample is one
call, so all probes share the source calls. For each probe it keeps arrays of call numbers (items x orders x samples),
from which statistics/ reads its arms. It asks no judge and decides nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np

from voirdire.harness.cases import Case, Edit, FollowUp, Task, shown_hash, truth_of
from voirdire.harness.clusters import clusters_of
from voirdire.harness.errors import NotApplicable
from voirdire.harness.followups import FollowUps, is_aimed, rng_for
from voirdire.harness.orders import Order, turns
from voirdire.harness.probes import Probe, Setups, Suite, no_setups
from voirdire.harness.registry import PERTURBATIONS
from voirdire.harness.relations import Relation
from voirdire.harness.targets import after_damage, targets_of
from voirdire.harness.verdicts import Scale

__all__ = ["Arm", "Item", "Plan", "PlannedCall", "ProbePlan", "build_plan", "orders_of"]

NEUTRAL = "stability.neutral"


class PlannedCall(NamedTuple):
    """One question to the judge; `content` is the hash of what is shown."""

    case: Case
    sample: int
    content: str


@dataclass(frozen=True, slots=True)
class Arm:
    """Call numbers of one arm of one item or probe: `calls[item, order, sample]`, and the slot in which the target
    stands, `slots[item, order]`."""

    calls: np.ndarray
    slots: np.ndarray


class Item(NamedTuple):
    """One (case, target) of a probe. `case` is an index; `follow_up` is None where nothing is edited.

    `in_order` holds, where each order has a text of its own, the follow-up and the edits of each, as `orders_of` gives
    them; `follow_up` and `edits` are those of the first. `source` is what was shown before, where that is not the case
    itself.
    """

    case: int
    target: int
    follow_up: Case | None
    edits: tuple[Edit, ...]
    in_order: tuple[FollowUp, ...] = ()
    source: Case | None = None


@runtime_checkable
class Numbered(Protocol):
    """Items that are made again when somebody looks at them (blocks.py), but whose numbers are known."""

    cases: np.ndarray
    targets: np.ndarray


@dataclass(slots=True)
class ProbePlan:
    """All that one probe needs: its items and their arms (missing arms are None)."""

    probe: Probe
    items: Sequence[Item] = field(default_factory=list)
    source: Arm | None = None
    follow_up: Arm | None = None
    sham: Arm | None = None
    not_applicable: Counter[str] = field(default_factory=Counter)

    def add(self, item: Item) -> None:
        assert isinstance(self.items, list)
        self.items.append(item)

    @property
    def cases(self) -> np.ndarray:
        """The case number of each item."""
        if isinstance(self.items, Numbered):
            return self.items.cases
        return np.asarray([item.case for item in self.items], dtype=np.int64)

    @property
    def targets(self) -> np.ndarray:
        """The target of each item."""
        if isinstance(self.items, Numbered):
            return self.items.targets
        return np.asarray([item.target for item in self.items], dtype=np.int64)


@dataclass(slots=True)
class Plan:
    """The whole run. `groups[case]` is the cluster of a case, and `copies` of the cases repeat another's texts
    (clusters.py); `sources` and `neutrals` hold the unchanged and the neutrally edited cases, in the orders of
    `orders_of` and with the slots of the first response."""

    suite: Suite
    task: Task
    scale: Scale
    cases: Sequence[Case]
    samples: int
    calls: Sequence[PlannedCall]
    probes: list[ProbePlan]
    sources: Arm
    neutrals: Arm | None
    neutral_cases: np.ndarray
    groups: np.ndarray
    copies: int = 0
    _truth: np.ndarray | None = field(default=None, init=False, repr=False, compare=False)

    @property
    def source_samples(self) -> int:
        return max(2, self.samples)

    @property
    def sizes(self) -> np.ndarray:
        """Number of responses of each case."""
        return np.asarray([len(case.responses) for case in self.cases])

    def truths(self, probe: ProbePlan | None = None) -> np.ndarray:
        """Is the target of each item right (1), wrong (0), or does the label not say (NaN)? Without a probe: the first
        response of each case."""
        if probe is None:
            known = (truth_of(case, 0) for case in self.cases)
        elif probe.probe.opponent == "twin":  # an answer beside itself: neither is better
            return np.full(len(probe.items), np.nan)
        else:
            found: np.ndarray = self._truth_table()[probe.cases, probe.targets]
            return found
        return np.asarray([np.nan if t is None else float(t) for t in known])

    def _truth_table(self) -> np.ndarray:
        """[case, response], NaN where the label does not say and where there is no such response."""
        if self._truth is None:
            most = max((len(case.responses) for case in self.cases), default=1)
            table = np.full((len(self.cases), most), np.nan, dtype=np.float32)
            for number, case in enumerate(self.cases):
                for slot in range(len(case.responses)):
                    known = truth_of(case, slot)
                    if known is not None:
                        table[number, slot] = known
            self._truth = table
        return self._truth


def orders_of(n: int, task: Task) -> tuple[tuple[int, ...], ...]:
    """The orders in which a case is shown: both for two or more responses (a ranking: forwards and backwards)."""
    identity = tuple(range(n))
    return (identity, identity[::-1]) if task in ("pairwise", "ranking") and n > 1 else (identity,)


class _Calls:
    """Numbers the calls; the same content at the same sample is one call (`alone`: only within a case)."""

    def __init__(self, task: Task, *, alone: bool) -> None:
        self.list: list[PlannedCall] = []
        self._alone = alone
        self._numbers: dict[tuple[str, int], int] = {}
        self._task = task

    def next_case(self) -> None:
        if self._alone:
            self._numbers.clear()

    def arm(
        self, case: Case, target: int, samples: int, *, edited: bool, orders: tuple[Order, ...] | None = None
    ) -> tuple[list[list[int]], list[int]]:
        """Call numbers [order][sample] of a case shown in all its orders, and the target's slot in each."""
        numbers: list[list[int]] = []
        slots: list[int] = []
        for order in orders or orders_of(len(case.responses), self._task):
            # adapters that replay recordings need to know which case this is and how it was turned
            shown = case.reordered(order, meta={**case.meta, "voirdire.order": order, "voirdire.edited": edited})
            content = shown_hash(shown)
            row = []
            for sample in range(samples):
                key = (content, sample)
                number = self._numbers.get(key)
                if number is None:
                    number = self._numbers[key] = len(self.list)
                    self.list.append(PlannedCall(shown, sample, content))
                row.append(number)
            numbers.append(row)
            slots.append(order.index(target))
        return numbers, slots


class _ArmBuilder:
    def __init__(self) -> None:
        self.calls: list[list[list[int]]] = []
        self.slots: list[list[int]] = []

    def add(self, arm: tuple[list[list[int]], list[int]]) -> None:
        self.calls.append(arm[0])
        self.slots.append(arm[1])

    def build(self) -> Arm | None:
        if not self.calls:
            return None
        return Arm(np.asarray(self.calls, dtype=np.int64), np.asarray(self.slots, dtype=np.int64))


def build_plan(
    suite: Suite,
    cases: Sequence[Case],
    *,
    task: Task,
    scale: Scale,
    followups: FollowUps,
    samples: int | None = None,
    setups: Setups = no_setups,
    alone: bool = False,
) -> Plan:
    """Expand `suite` over `cases`. Deterministic: follow-ups depend on the suite's seed in `followups` only.

    `setups` says why the judge cannot be asked about a case under a setup (None: it can). `alone`: no call is shared
    by two cases, so that each case's part of the plan is what it would be by itself (blocks.py).
    """
    samples = suite.samples if samples is None else samples
    probes = [ProbePlan(p) for p in suite.probes]
    needs_neutral = any(
        p.relation in (Relation.INVARIANT, Relation.EQUIVARIANT) and task in p.tasks for p in suite.probes
    )
    calls = _Calls(task, alone=alone)
    sources, neutrals = _ArmBuilder(), _ArmBuilder()
    arms = {id(p): {name: _ArmBuilder() for name in ("source", "follow_up", "sham")} for p in probes}
    neutral_of = np.full(len(cases), -1, dtype=np.int64)

    # case by case, so that a run that stops early holds whole cases
    for number, case in enumerate(cases):
        calls.next_case()
        source = calls.arm(case, 0, max(2, samples), edited=False)
        sources.add(source)
        neutral = None
        if needs_neutral:
            neutral = _neutral_arm(case, calls, followups, samples)
            if neutral is not None:
                neutral_of[number] = len(neutrals.calls)
                neutrals.add(neutral)
        for plan in probes:
            if plan.probe.setup is not None and (reason := setups(plan.probe.setup, case)) is not None:
                plan.not_applicable[reason] += 1
                continue
            _expand(plan, arms[id(plan)], number, case, calls, followups, samples, task, scale)

    for plan in probes:
        built = arms[id(plan)]
        plan.source = built["source"].build()
        plan.follow_up = built["follow_up"].build()
        plan.sham = built["sham"].build()
    clusters = clusters_of(cases)
    source_arm = sources.build()
    assert source_arm is not None
    return Plan(
        suite=suite,
        task=task,
        scale=scale,
        cases=list(cases),
        samples=samples,
        calls=calls.list,
        probes=probes,
        sources=source_arm,
        neutrals=neutrals.build(),
        neutral_cases=neutral_of,
        groups=clusters.numbers,
        copies=clusters.copies,
    )


def _neutral_arm(
    case: Case, calls: _Calls, followups: FollowUps, samples: int
) -> tuple[list[list[int]], list[int]] | None:
    """The neutral edit of a case, on its better (or first) response. It is kept with the slots of the first; whoever
    reads it for another response looks up the slots of that."""
    target = next((i for i in range(len(case.responses)) if truth_of(case, i)), 0)
    try:
        edited = followups.make(NEUTRAL, case, target, 1.0).case
    except NotApplicable:
        return None
    return calls.arm(edited, 0, samples, edited=True)


def _expand(
    plan: ProbePlan,
    arms: dict[str, _ArmBuilder],
    number: int,
    case: Case,
    calls: _Calls,
    followups: FollowUps,
    samples: int,
    task: Task,
    scale: Scale,
) -> None:
    """Add the items of one case to one probe, or count why there are none."""
    probe = plan.probe
    if task not in probe.tasks:
        plan.not_applicable[f"not for {task} judges"] += 1
        return
    try:
        targets = targets_of(case, probe, task)
    except NotApplicable as error:
        plan.not_applicable[error.message] += 1
        return
    made = 0
    reason = "no response it applies to"
    whole = case
    for target in targets:
        before = None
        if probe.opponent == "twin":
            text = whole.responses[target]
            case = before = whole.replace(responses=(text, text), label="tie")
            target = 1
        source = calls.arm(case, target, max(2, samples), edited=False)
        if probe.orders != "both":
            made += _turned(plan, arms, number, case, target, source, calls, followups, samples)
            continue
        if probe.setup is not None:
            # the prompt is changed and no answer, so it is seen as well on one answer as on each
            shown = case.replace(setup=probe.setup)
            plan.add(Item(number, target, shown, ()))
            arms["source"].add(source)
            # formats are held against the repeats of both
            repeats = max(2, samples) if probe.relation is Relation.AGREE else samples
            arms["follow_up"].add(calls.arm(shown, target, repeats, edited=True))
            made += 1
            break
        if probe.perturbation is None:
            plan.add(Item(number, target, None, ()))
            arms["source"].add(source)
            made += 1
            continue
        if is_aimed(probe.perturbation):
            try:
                plan.add(_by_order(probe, arms, number, case, target, calls, followups, samples, task))
            except NotApplicable as error:
                reason = error.message
                continue
            arms["source"].add(source)
            made += 1
            continue
        try:
            followup = followups.make(probe.perturbation, case, target, probe.dose)
            placebo = followups.sham(probe.perturbation, case, target, followup) if probe.sham else None
            shown, slot = followup.case, target
            if probe.relation is Relation.MUST_DROP:
                turned = PERTURBATIONS.get(probe.perturbation).plants_error
                shown, slot = after_damage(case, target, followup, task, scale, turned=turned)
        except NotApplicable as error:
            reason = error.message
            continue
        plan.add(Item(number, target, shown, followup.edits, source=before))
        arms["source"].add(source)
        arms["follow_up"].add(calls.arm(shown, slot, samples, edited=True))
        if placebo is not None:
            arms["sham"].add(calls.arm(placebo, target, samples, edited=True))
        made += 1
    if not made:
        plan.not_applicable[reason] += 1


def _by_order(
    probe: Probe,
    arms: dict[str, _ArmBuilder],
    number: int,
    case: Case,
    target: int,
    calls: _Calls,
    followups: FollowUps,
    samples: int,
    task: Task,
) -> Item:
    """The item of an edit that is aimed at the prompt: in each order another text, with a placebo of its own.

    Raises NotApplicable before anything is added.
    """
    assert probe.perturbation is not None
    name, orders = probe.perturbation, orders_of(len(case.responses), task)
    made = [followups.make(name, case, target, probe.dose, order=order) for order in orders]
    placebos = [followups.sham(name, case, target, one) for one in made] if probe.sham else []
    for arm, shown in (("follow_up", [one.case for one in made]), ("sham", placebos)):
        if shown:
            rows = [calls.arm(c, target, samples, edited=True, orders=(o,)) for c, o in zip(shown, orders, strict=True)]
            arms[arm].add(([numbers[0] for numbers, _ in rows], [slots[0] for _, slots in rows]))
    return Item(number, target, made[0].case, made[0].edits, tuple(made))


def _turned(
    plan: ProbePlan,
    arms: dict[str, _ArmBuilder],
    number: int,
    case: Case,
    target: int,
    source: tuple[list[list[int]], list[int]],
    calls: _Calls,
    followups: FollowUps,
    samples: int,
) -> int:
    """An item for each further order of the case: forwards and backwards against that order and its reverse."""
    rng = rng_for(followups.seed, case, 0, plan.probe.name)
    further = turns(len(case.responses), plan.probe.orders, rng)
    for orders in further:
        plan.add(Item(number, target, case, ()))
        arms["source"].add(source)
        arms["follow_up"].add(calls.arm(case, target, samples, edited=False, orders=orders))
    return len(further)
