"""Which cases are shown for a violated probe: those where the relation broke most clearly."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from voirdire.harness.findings import CounterExample
from voirdire.harness.plan import Plan, ProbePlan, orders_of
from voirdire.harness.relations import Relation
from voirdire.harness.statistics.estimands import Measured
from voirdire.harness.targets import beside_answers
from voirdire.harness.verdicts import Verdict

__all__ = ["PER_PROBE", "counter_examples"]

#: kept for each violated probe; the first is the one that is made small and asked again
PER_PROBE = 12


def counter_examples(
    plan: Plan, probe: ProbePlan, measured: Measured, verdicts: Sequence[Verdict | None], *, limit: int = PER_PROBE
) -> list[CounterExample]:
    """The `limit` items with the largest break; equal ones in case order. One example a case."""
    size = np.nan_to_num(measured.per_item, nan=-np.inf)
    shown: list[CounterExample] = []
    seen: set[int] = set()
    # a damaged answer loses half a win to the undamaged one, and up to a whole one where the criteria were damaged
    whole = bool(probe.items) and beside_answers(probe.items[0].edits)
    floor = (-1.0 if whole else -0.5) if probe.probe.relation is Relation.MUST_DROP else 0.0
    for index in np.argsort(-size, kind="stable"):
        item = probe.items[int(index)]
        if len(shown) == limit or size[index] <= floor:
            break
        if item.case not in seen:
            seen.add(item.case)
            shown.append(_example(plan, probe, measured, verdicts, int(index)))
    return shown


def _example(
    plan: Plan, probe: ProbePlan, measured: Measured, verdicts: Sequence[Verdict | None], index: int
) -> CounterExample:
    item = probe.items[index]
    case = item.source or plan.cases[item.case]
    assert probe.source is not None
    row = probe.source.calls[index]
    before = _number(measured.before[index])
    after = _number(measured.after[index])
    if probe.probe.relation is Relation.EQUIVARIANT:
        turned = case.reordered(orders_of(len(case.responses), plan.task)[1])
        return CounterExample(
            case.id, probe.probe.name, case, turned, item.target, (), verdicts[row[0][0]], verdicts[row[1][0]],
            before, after, "the same two answers, the other way round",
        )  # fmt: skip
    if probe.follow_up is None or item.follow_up is None:
        return CounterExample(
            case.id, probe.probe.name, case, case, item.target, (), verdicts[row[0][0]], verdicts[row[0][1]],
            before, after, "the same question, asked again",
        )  # fmt: skip
    follow = probe.follow_up.calls[index]
    # the order whose first answers show the break best: the one in which the verdict moved
    order = next((k for k in range(len(follow)) if _value(verdicts, row[k][0]) != _value(verdicts, follow[k][0])), 0)
    orders = orders_of(len(case.responses), plan.task)
    shown, edits = item.follow_up, item.edits
    if item.in_order:
        shown, edits = item.in_order[order].case, item.in_order[order].edits
    if probe.probe.relation is Relation.MUST_DROP and plan.task == "pairwise" and not beside_answers(edits):
        pair = shown.reordered(orders[order])
        slot = orders[order].index(1)
        # offsets of the edits refer to the undamaged text, which stands in the other slot of the same call
        return CounterExample(
            case.id, probe.probe.name, pair.with_response(slot, case.responses[item.target]), pair, slot, edits,
            None, verdicts[follow[order][0]], before, after, "the damaged answer against the same answer undamaged",
        )  # fmt: skip
    return CounterExample(
        case.id, probe.probe.name, case.reordered(orders[order]), shown.reordered(orders[order]),
        orders[order].index(item.target), edits, verdicts[row[order][0]], verdicts[follow[order][0]],
        before, after, "the same question with the marked edit",
    )  # fmt: skip


def _value(verdicts: Sequence[Verdict | None], call: int) -> object:
    verdict = verdicts[call]
    return None if verdict is None else verdict.value


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
