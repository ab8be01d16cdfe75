"""Answering a plan in rounds: ask for the calls of a look, decide, go on with what is open (sequential audits)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from voirdire.harness.engine.events import CallFinished, Event, RunFinished, RunPaused, RunStarted
from voirdire.harness.engine.runner import Limits, Run, run_calls
from voirdire.harness.engine.store import CallStore
from voirdire.harness.engine.texts import Texts
from voirdire.harness.judges.base import Judge
from voirdire.harness.plan import Plan
from voirdire.harness.statistics.looks import Looks

__all__ = ["run_in_rounds"]


async def run_in_rounds(
    plan: Plan,
    judge: Judge,
    looks: Looks,
    *,
    limits: Limits,
    store: CallStore | None,
    emit: Callable[[Event], None],
) -> Run:
    """One Run over the whole plan; calls that no look needed stay None. Stops like `run_calls`."""
    texts = Texts(len(plan.calls))
    whole = Run([None] * len(plan.calls), texts=texts)
    for look in range(len(looks.shares)):
        numbers = [i for i in looks.calls(look) if whole.verdicts[i] is None]
        left = None if limits.max_calls is None else max(0, limits.max_calls - whole.made)
        spent = whole.cost_usd or 0.0
        budget = None if limits.max_cost is None else max(0.0, limits.max_cost - spent)
        tokens = None if limits.max_tokens is None else max(0, limits.max_tokens - (whole.tokens or 0))
        part = await run_calls(
            [plan.calls[i] for i in numbers],
            judge,
            limits=replace(limits, max_calls=left, max_cost=budget, max_tokens=tokens),
            store=store,
            emit=_translated(emit, numbers, len(plan.calls), whole),
        )
        for number, i in enumerate(numbers):
            verdict = part.whole(number)
            whole.verdicts[i] = verdict if verdict is None else texts.keep(i, verdict)
        whole.cached += part.cached
        whole.made += part.made
        whole.errors += part.errors
        whole.reasked += part.reasked
        whole.seconds += part.seconds
        whole.stopped, whole.reason, whole.failure = part.stopped, part.reason, part.failure
        if whole.stopped is not None:
            break
        looks.look(look, whole.verdicts)
        if looks.done:
            break
    emit(RunFinished(whole.stopped, whole.reason))
    return whole


def _translated(
    emit: Callable[[Event], None], numbers: Sequence[int], total: int, whole: Run
) -> Callable[[Event], None]:
    """Events of one round as events of the whole run."""
    before = whole.made + whole.cached

    def forward(event: Event) -> None:
        if isinstance(event, RunStarted):
            emit(RunStarted(planned=total, cached=before + event.cached))
        elif isinstance(event, CallFinished):
            emit(replace(event, number=numbers[event.number]))
        elif isinstance(event, RunPaused):
            emit(event)

    return forward
