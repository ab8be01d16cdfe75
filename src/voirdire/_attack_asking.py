"""Asking a judge on behalf of an attack: through the engine and its store, with one account of what it cost.

Here: batches of questions, the account, and the training units on which phrases are tried. Not here: what is searched
(perturbations/search), the held-out test (_attack.py).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from random import Random

from voirdire.harness.cases import Case, Task, shown_hash, with_edits
from voirdire.harness.engine.events import Event
from voirdire.harness.engine.runner import Limits, Run, run_calls
from voirdire.harness.engine.store import CallStore
from voirdire.harness.errors import ExitCode, NotApplicable
from voirdire.harness.findings import Calls
from voirdire.harness.judges.base import Judge
from voirdire.harness.plan import PlannedCall, orders_of
from voirdire.harness.probes import Probe
from voirdire.harness.targets import targets_of
from voirdire.harness.verdicts import utility
from voirdire.perturbations.found import FoundText, Position, joined
from voirdire.perturbations.search.space import Question

__all__ = ["Asker", "PhraseAsker", "Stopped", "Unit", "put", "system_of", "training_units"]

#: calls without a single verdict after which a judge counts as never answering
_SILENT_AFTER = 40


class Stopped(Exception):
    """The run must end: "interrupted", "budget" or "judge". What was answered is in the store."""

    def __init__(self, kind: str, reason: str | None, failure: ExitCode = ExitCode.JUDGE) -> None:
        super().__init__(reason or kind)
        self.kind = kind
        self.reason = reason
        self.failure = failure


class Asker:
    """Asks judges batch by batch and adds up what they cost. `emit` gets the engine's events; `who` is asked, for
    messages. What `beside` spends counts for the limit of money, too."""

    def __init__(
        self,
        limits: Limits,
        store: CallStore | None,
        emit: Callable[[Event], None] = lambda _event: None,
        who: str = "the judge",
    ) -> None:
        self.limits = replace(limits, max_calls=None)  # the command's own budget counts otherwise (meter.py)
        self.store = store
        self.emit = emit
        self.who = who
        self.beside: Asker | None = None
        self.made = self.cached = self.errors = self.nulls = self.answered = 0
        self.tokens: int | None = 0
        self.cost: float | None = 0.0
        self.seconds = 0.0
        self.served_model: str | None = None

    async def run(self, judge: Judge, calls: Sequence[PlannedCall]) -> Run:
        """Raises Stopped where the run ended early; also then its answers count."""
        limits = self.limits
        if limits.max_cost is not None:
            others = self.beside.cost if self.beside is not None else None
            limits = replace(limits, max_cost=limits.max_cost - (self.cost or 0.0) - (others or 0.0))
        run = await run_calls(calls, judge, limits=limits, store=self.store, emit=self.emit)
        self._add(run)
        if run.stopped is not None:
            raise Stopped(run.stopped, run.reason, run.failure)
        if self.answered == 0 and self.made >= _SILENT_AFTER:
            reason = next((v.reason for v in run.verdicts if v is not None and v.reason), None)
            raise Stopped("judge", f"{self.who} gave no verdict in {self.made} calls ({reason or 'no reason given'})")
        return run

    def _add(self, run: Run) -> None:
        self.made += run.made
        self.cached += run.cached
        self.errors += run.errors
        self.nulls += sum(v is not None and v.null in ("unparsed", "refused") for v in run.verdicts)
        self.answered += sum(v is not None and v.null is None for v in run.verdicts)
        self.seconds += run.seconds
        self.served_model = self.served_model or run.served_model
        self.tokens = None if self.tokens is None or run.tokens is None else self.tokens + run.tokens
        # a batch of errors alone tells no cost, and costs nothing that is known
        if run.made > run.errors or run.cached:
            self.cost = None if self.cost is None or run.cost_usd is None else self.cost + run.cost_usd

    def account(self) -> Calls:
        return Calls(
            planned=self.made + self.cached,
            made=self.made,
            cached=self.cached,
            errors=self.errors,
            nulls=self.nulls,
            tokens=self.tokens,
            cost_usd=self.cost,
            seconds=round(self.seconds, 3),
        )


@dataclass(frozen=True, slots=True)
class Unit:
    """One thing a phrase is tried on: response `target` of `case`, shown in `order`."""

    case: Case
    target: int
    order: tuple[int, ...]

    def shown(self, edit: FoundText | None) -> Case:
        """What the judge is shown; raises NotApplicable where the edit has nothing to do."""
        case = self.case
        if edit is not None:
            case = with_edits(case, edit.edits(case, self.target, Random(0), 1.0))
        return self.laid_out(case, edited=edit is not None)

    def laid_out(self, case: Case, *, edited: bool) -> Case:
        """`case`, which this unit's became, in this unit's order."""
        meta = {**self.case.meta, "voirdire.order": self.order, "voirdire.edited": edited}
        return case.reordered(self.order).replace(meta=meta)

    @property
    def slot(self) -> int:
        return self.order.index(self.target)


def training_units(cases: Sequence[Case], task: Task, probe: Probe, mode: str) -> list[Unit]:
    """The units of `cases` for an attack of `mode`: "both" alternates the orders, so that position cancels."""
    units: list[Unit] = []
    for case in cases:
        try:
            targets = targets_of(case, probe, task)
        except NotApplicable:
            continue
        for target in targets:
            orders = orders_of(len(case.responses), task)
            if mode == "both":
                units.append(Unit(case, target, orders[len(units) % len(orders)]))
                continue
            slot = 0 if mode == "first" else len(case.responses) - 1
            units += [Unit(case, target, order) for order in orders if order.index(target) == slot]
    return units


def system_of(case: Case, target: int) -> str | None:
    """The system that wrote response `target`, where the case tells (`models` of its meta)."""
    models = case.meta.get("models")
    known = isinstance(models, (list, tuple)) and len(models) == len(case.responses)
    return str(models[target]) if known and models is not None else None


class PhraseAsker:
    """`ask` of the search meter: what is the target's utility in a unit with these words added?"""

    def __init__(self, asker: Asker, judge: Judge, units: Sequence[Unit], position: Position) -> None:
        self.asker = asker
        self.judge = judge
        self.units = units
        self.position = position

    async def __call__(self, questions: Sequence[Question]) -> list[float | None]:
        return await put(self.asker, self.judge, questions, [self._shown(q) for q in questions], self.units)

    def _shown(self, question: Question) -> Case | None:
        edit = FoundText("attack.candidate", joined(question.words), self.position) if question.words else None
        try:
            return self.units[question.unit].shown(edit)
        except NotApplicable:
            return None


async def put(
    asker: Asker, judge: Judge, questions: Sequence[Question], shown: Sequence[Case | None], units: Sequence[Unit]
) -> list[float | None]:
    """The target's utility for each question, shown as the case at the same place (None: there is nothing to show)."""
    calls = [
        None if c is None else PlannedCall(c, q.sample, shown_hash(c)) for c, q in zip(shown, questions, strict=True)
    ]
    return await answered(asker, judge, calls, [units[q.unit] for q in questions])


async def answered(
    asker: Asker, judge: Judge, calls: Sequence[PlannedCall | None], units: Sequence[Unit]
) -> list[float | None]:
    """The target's utility of each call, whose unit stands at the same place; None: not asked, or no verdict."""
    asked = [call for call in calls if call is not None]
    verdicts = iter((await asker.run(judge, asked)).verdicts if asked else ())
    found: list[float | None] = []
    for call, unit in zip(calls, units, strict=True):
        verdict = next(verdicts) if call is not None else None
        n = len(unit.case.responses)
        found.append(
            None
            if verdict is None
            else utility(verdict, unit.slot, task=judge.task, scale=judge.scale, n=n, soft=judge.soft)
        )
    return found
