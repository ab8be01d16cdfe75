"""Plans too large for memory, in blocks of cases: expanding one block, what is kept of it, and the plan of all blocks.

Of a block whose calls are answered, numbers are kept: call numbers of its arms, utilities, targets. `join` makes of
them a Plan and Answers that the statistics read as any other; a call or an item of that plan is made again, from its
case, when somebody looks at it. Not here: asking (src/voirdire/_in_blocks.py), keeping blocks for the next run
(engine/store.py).
"""

from __future__ import annotations

import abc
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar, overload

import numpy as np

from voirdire.harness.cases import Case
from voirdire.harness.clusters import clusters_of
from voirdire.harness.plan import Arm, Item, Plan, PlannedCall, ProbePlan
from voirdire.harness.statistics.arms import Answers, Narrow

__all__ = ["BLOCK", "Blocks", "Packed", "join", "pack"]

#: cases that are expanded and asked about at once
BLOCK = 2_000
#: cases spread over the file from which the size of the whole plan is told
_SAMPLE = 50
#: plans of single cases that are kept
_KEPT = 64
T = TypeVar("T")
_ARMS = ("source", "follow_up", "sham")

#: the plan of some cases, none of whose calls is shared by two of them (`build_plan(..., alone=True)`)
Build = Callable[[Sequence[Case]], Plan]


@dataclass(frozen=True, slots=True)
class Blocks:
    """The cases of a plan that is built block by block."""

    cases: Sequence[Case]
    build: Build
    size: int = BLOCK

    def __len__(self) -> int:
        return -(-len(self.cases) // self.size)

    def __getitem__(self, number: int) -> Plan:
        return self.build(self.cases[number * self.size : (number + 1) * self.size])

    def sample(self) -> Plan:
        """The plan of a few cases, spread evenly over all."""
        step = max(1, len(self.cases) // _SAMPLE)
        return self.build(self.cases[::step][:_SAMPLE])


@dataclass(frozen=True, slots=True)
class Packed:
    """One answered block in numbers. `arrays` by name; call and case numbers in them count from the start of the block.
    `not_applicable`: why probes did not apply, a mapping from reason to number for each probe."""

    cases: int
    calls: int
    arrays: dict[str, np.ndarray]
    not_applicable: Sequence[Mapping[str, int]]


def pack(plan: Plan, hard: Answers, soft: Answers) -> Packed:
    """The block `plan` with its answers, read as verdicts (`hard`) and as probabilities (`soft`)."""
    arrays: dict[str, np.ndarray] = {}

    def put(name: str, arm: Arm | None) -> None:
        if arm is not None:
            arrays[f"{name}.calls"] = _small(arm.calls)
            arrays[f"{name}.slots"] = _small(arm.slots)

    put("sources", plan.sources)
    put("neutrals", plan.neutrals)
    arrays["neutral_cases"] = _small(plan.neutral_cases)
    for number, probe in enumerate(plan.probes):
        arrays[f"{number}.cases"] = _small(probe.cases)
        arrays[f"{number}.targets"] = _small(probe.targets)
        for name in _ARMS:
            put(f"{number}.{name}", getattr(probe, name))
    hard_values, soft_values = _values(hard), _values(soft)
    arrays["hard"] = hard_values
    if not np.array_equal(hard_values, soft_values, equal_nan=True):
        arrays["soft"] = soft_values
    arrays["state"] = hard.state
    return Packed(len(plan.cases), len(plan.calls), arrays, [dict(p.not_applicable) for p in plan.probes])


def _small(numbers: np.ndarray) -> np.ndarray:
    """The numbers in the smallest type that holds all of them and -1."""
    return numbers.astype(np.min_scalar_type(-1 - int(numbers.max(initial=0))))


def _values(answers: Answers) -> np.ndarray:
    narrow = answers.utility if isinstance(answers.utility, Narrow) else Narrow(answers.utility)
    return narrow.values


def join(like: Plan, blocks: list[Packed], cases: Sequence[Case], build: Build) -> tuple[Plan, Answers, Answers]:
    """The plan of all `blocks` with its answers (verdicts, probabilities); `blocks` is emptied on the way.

    `like` is a plan of the same suite and task, `cases` those of all blocks in turn, `build` makes plans of them again.
    """
    first_case, first_call = _firsts([b.cases for b in blocks]), _firsts([b.calls for b in blocks])
    calls = sum(b.calls for b in blocks)
    kind = np.int32 if calls < np.iinfo(np.int32).max else np.int64

    def taken(name: str, shift: Sequence[int] | None = None) -> np.ndarray | None:
        """An array of all blocks; `shift`: what the numbers of each block count from."""
        found = [(i, b.arrays.pop(name)) for i, b in enumerate(blocks) if name in b.arrays]
        if not found:
            return None
        if shift is not None:
            found = [(i, np.add(a, shift[i], dtype=kind)) for i, a in found]
        return np.concatenate([a for _, a in found])

    def arm(name: str) -> Arm | None:
        numbers, slots = taken(f"{name}.calls", first_call), taken(f"{name}.slots")
        return None if numbers is None or slots is None else Arm(numbers, slots)

    in_neutrals = _firsts([len(b.arrays.get("neutrals.calls", ())) for b in blocks])
    neutral_cases = np.concatenate(
        [
            np.where(a >= 0, np.add(a, in_neutrals[i], dtype=kind), -1)
            for i, a in enumerate(b.arrays.pop("neutral_cases") for b in blocks)
        ]
    )
    sources = arm("sources")
    assert sources is not None
    again = _Again(cases, build)
    probes = []
    for number, probe in enumerate(like.probes):
        of, targets = taken(f"{number}.cases", first_case), taken(f"{number}.targets")
        assert of is not None
        assert targets is not None
        reasons: Counter[str] = Counter()
        for block in blocks:
            reasons.update(block.not_applicable[number])
        arms = {name: arm(f"{number}.{name}") for name in _ARMS}
        probes.append(ProbePlan(probe.probe, FarItems(again, number, of, targets), not_applicable=reasons, **arms))
    clusters = clusters_of(cases)
    plan = Plan(
        suite=like.suite,
        task=like.task,
        scale=like.scale,
        cases=cases,
        samples=like.samples,
        # a case's calls begin with that of its source
        calls=FarCalls(again, sources.calls[:, 0, 0], calls),
        probes=probes,
        sources=sources,
        neutrals=arm("neutrals"),
        neutral_cases=neutral_cases,
        groups=clusters.numbers,
        copies=clusters.copies,
    )
    state = taken("state")
    assert state is not None
    softer = any("soft" in b.arrays for b in blocks)
    soft = _tables(blocks, lambda b: b.arrays.pop("soft", b.arrays["hard"])) if softer else None
    hard = _tables(blocks, lambda b: b.arrays.pop("hard"))
    blocks.clear()
    return plan, Answers(hard, state), Answers(hard if soft is None else soft, state)


def _tables(blocks: Sequence[Packed], of: Callable[[Packed], np.ndarray]) -> Narrow:
    """Utilities of all blocks, [call, slot], as wide as the widest."""
    tables = [of(block) for block in blocks]
    width = max(t.shape[1] for t in tables)
    wide = [np.pad(t, ((0, 0), (0, width - t.shape[1])), constant_values=np.nan) for t in tables]
    return Narrow(np.concatenate(wide))


def _firsts(sizes: Sequence[int]) -> list[int]:
    """Where each of several stretches begins."""
    return [0, *np.cumsum(sizes).tolist()][: len(sizes)]


class _Again:
    """Plans of single cases, made again; the last ones are kept."""

    def __init__(self, cases: Sequence[Case], build: Build) -> None:
        self._cases = cases
        self._build = build
        self._plans: OrderedDict[int, Plan] = OrderedDict()

    def __call__(self, case: int) -> Plan:
        plan = self._plans.get(case)
        if plan is None:
            plan = self._plans[case] = self._build([self._cases[case]])
            if len(self._plans) > _KEPT:
                self._plans.popitem(last=False)
        return plan


class _Far(Sequence[T]):
    """A sequence of `total` things that `_made` makes when they are looked at."""

    def __init__(self, total: int) -> None:
        self._total = total

    @abc.abstractmethod
    def _made(self, number: int) -> T: ...

    def __len__(self) -> int:
        return self._total

    @overload
    def __getitem__(self, number: int) -> T: ...
    @overload
    def __getitem__(self, number: slice) -> list[T]: ...
    def __getitem__(self, number: int | slice) -> T | list[T]:
        if isinstance(number, slice):
            return [self._made(i) for i in range(self._total)[number]]
        return self._made(range(self._total)[number])  # as a list reads it: from the end, or IndexError


class FarCalls(_Far[PlannedCall]):
    """The calls of a joined plan, made again from their case. `starts`: number of the first call of each case."""

    def __init__(self, again: _Again, starts: np.ndarray, total: int) -> None:
        super().__init__(total)
        self._again = again
        self._starts = starts

    def _made(self, number: int) -> PlannedCall:
        case = int(np.searchsorted(self._starts, number, side="right")) - 1
        return self._again(case).calls[number - int(self._starts[case])]


class FarItems(_Far[Item]):
    """The items of one probe of a joined plan, made again from their case."""

    def __init__(self, again: _Again, probe: int, cases: np.ndarray, targets: np.ndarray) -> None:
        super().__init__(len(cases))
        self._again = again
        self._probe = probe
        self.cases = cases
        self.targets = targets

    def _made(self, number: int) -> Item:
        case = int(self.cases[number])
        first = int(np.searchsorted(self.cases, case, side="left"))
        return self._again(case).probes[self._probe].items[number - first]._replace(case=case)
