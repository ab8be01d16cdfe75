"""Answering a plan in rounds: ask for the calls of a look, decide, go on with what is open (sequential audits)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from voirdire.harness.engine.events import CallFinished, Event, RunFinished, RunPaused, RunStarted
from voirdire.harness.engine.runner import Limits, Run, Spent, run_calls
from voirdire.harness.engine.store import CallStore
from voirdire.harness.engine.texts import Texts
from voirdire.harness.judges.base import Judge
from voirdire.harness.plan import Plan
from voirdire.harness.statistics.looks import Looks
from voirdire.harness.verdicts import Verdict

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
    verdicts: list[Verdict | None] = [None] * len(plan.calls)
    whole = Run(verdicts, texts=texts)
    spent = Spent()
    for look in range(len(looks.shares)):
        numbers = [i for i in looks.calls(look) if verdicts[i] is None]
        part = await run_calls(
            [plan.calls[i] for i in numbers],
            judge,
            limits=limits,
            store=store,
            emit=_translated(emit, numbers, len(plan.calls), whole),
            spent=spent,
        )
        for number, i in enumerate(numbers):
            verdict = part.whole(number)
            verdicts[i] = verdict if verdict is None else texts.keep(i, verdict)
        whole.count(part)
        if whole.stopped is not None:
            break
        looks.look(look, verdicts)
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
