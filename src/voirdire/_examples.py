"""The counter-examples of a finished audit, made small and asked again within the run's budget.

Here: which examples, how many calls, and a judge whose further answers are counted and kept like those of the run.
Not here: the search itself (_minimal.py, perturbations/search).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple, TypeVar

from voirdire._minimal import minimal_examples
from voirdire.harness.cases import Case, Task, shown_hash
from voirdire.harness.engine.runner import Limits
from voirdire.harness.engine.store import CallStore
from voirdire.harness.errors import JudgeUnreachable
from voirdire.harness.findings import Audit, CounterExample
from voirdire.harness.judges.base import Judge
from voirdire.harness.judges.grammar import leaves
from voirdire.harness.plan import Plan
from voirdire.harness.verdicts import Scale, Verdict

T = TypeVar("T", int, float)

__all__ = ["SHARE", "Asked", "default_budget", "smaller_examples"]

#: of the planned calls, what may be spent on examples unless the user says otherwise
SHARE = 0.10
#: and no more than that: examples do not grow with the number of cases
MOST = 100_000


def default_budget(calls: int) -> int:
    """Most calls that making examples small may add to a plan of so many."""
    return min(MOST, int(SHARE * calls))


class Asked(NamedTuple):
    """One call about an example and its answer."""

    case: Case
    sample: int
    verdict: Verdict


async def smaller_examples(
    audit: Audit, judge: Judge, plan: Plan, limits: Limits, store: CallStore | None, *, budget: int | None, seed: int
) -> tuple[Audit, list[Asked]]:
    """`audit` with the first example of each violated probe as small as it gets, and the calls that this took.

    The calls are counted in the audit and returned as well, for the call records. `budget` None: a tenth of the plan;
    never more than `limits` leave. A judge that gives out here spoils nothing.
    """
    most = default_budget(len(plan.calls)) if budget is None else budget
    if limits.max_calls is not None:
        most = min(most, limits.max_calls - audit.calls.made)
    first = _first_of_each(audit.examples)
    recorded = any(spec.startswith("replay:") for spec in leaves(judge.spec))
    if most <= 0 or not first or audit.stopped is not None or recorded:  # a recording holds no fresh samples
        return audit, []
    metered = _Metered(judge, store, plan.source_samples, limits.max_cost, audit.calls.cost_usd)
    found = await minimal_examples(
        metered,
        first,
        {p.probe.name: p.probe.relation for p in plan.probes},
        max_calls=most,
        first_sample=plan.source_samples,
        concurrency=limits.concurrency,
        min_drop=plan.suite.min_drop,
        seed=seed,
    )
    small = dict(zip(map(id, first), found.examples, strict=True))
    calls = audit.calls
    added = replace(
        calls,
        made=calls.made + metered.made,
        cached=calls.cached + metered.cached,
        tokens=_sum(calls.tokens, metered.tokens),
        cost_usd=_sum(calls.cost_usd, metered.cost_usd),
    )
    examples = tuple(small.get(id(e), e) for e in audit.examples)
    return replace(audit, examples=examples, calls=added), metered.asked


def _first_of_each(examples: Sequence[CounterExample]) -> list[CounterExample]:
    seen: dict[str, CounterExample] = {}
    for example in examples:
        seen.setdefault(example.probe, example)
    return list(seen.values())


def _sum(before: T | None, more: T | None) -> T | None:
    return None if before is None or more is None else before + more


class _Metered:
    """`judge`, answering from the store where it can; what it is asked is counted and kept."""

    def __init__(
        self, judge: Judge, store: CallStore | None, first_sample: int, max_cost: float | None, spent: float | None
    ) -> None:
        self._judge = judge
        self._store = store
        self._known = {} if store is None else store.load_from(judge.fingerprint, first_sample)
        self._max_cost = None if max_cost is None else max_cost - (spent or 0.0)
        self.made = 0
        self.cached = 0
        self.asked: list[Asked] = []
        self.tokens: int | None = 0
        self.cost_usd: float | None = 0.0

    @property
    def name(self) -> str:
        return self._judge.name

    @property
    def spec(self) -> str:
        return self._judge.spec

    @property
    def task(self) -> Task:
        return self._judge.task

    @property
    def scale(self) -> Scale:
        return self._judge.scale

    @property
    def fingerprint(self) -> str:
        return self._judge.fingerprint

    @property
    def reusable(self) -> bool:
        return self._judge.reusable

    @property
    def paid(self) -> bool:
        return self._judge.paid

    @property
    def soft(self) -> bool:
        return self._judge.soft

    @property
    def concurrency(self) -> int | None:
        return self._judge.concurrency

    @property
    def deterministic(self) -> bool:
        return self._judge.deterministic

    async def judge(self, case: Case, *, sample: int) -> Verdict:
        key = shown_hash(case), sample
        kept = self._known.get(key)
        if kept is not None and kept.answers(self.task, self.scale, len(case.responses)):
            self.cached += 1
            self.asked.append(Asked(case, sample, kept))
            return kept
        if self._max_cost is not None and (self.cost_usd is None or self.cost_usd >= self._max_cost):
            raise JudgeUnreachable("--max-cost was reached")
        self.made += 1
        verdict = await self._judge.judge(case, sample=sample)
        self.asked.append(Asked(case, sample, verdict))
        usage = verdict.usage
        known = usage is not None and usage.input_tokens is not None and usage.output_tokens is not None
        used = (usage.input_tokens or 0) + (usage.output_tokens or 0) if usage is not None and known else None
        self.tokens = _sum(self.tokens, used)
        self.cost_usd = _sum(self.cost_usd, usage.cost_usd if usage is not None else None)
        if self._store is not None and verdict.null != "error":
            self._store.put(self.fingerprint, key, verdict)
        return verdict

    async def aclose(self) -> None:
        await self._judge.aclose()
