"""Counter-examples made as small as they get, and asked again: what `audit`, `gate` and `attack` show.

For probes that edit an answer and say that nothing may change (INVARIANT, NO_GAIN), the smallest part of the edit that
still moves the verdict is searched and confirmed on fresh samples. For the others (order, degradation) there is
nothing to leave out: the example is asked again as it stands. Here: the bridge from a judge to
perturbations/search/minimise.py. Not here: which examples there are (harness/statistics/examples.py).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from voirdire.harness.cases import Case, FollowUp, apply_edits, shown_hash
from voirdire.harness.errors import JudgeError, JudgeUnreachable, NotRecorded, UsageError
from voirdire.harness.findings import CounterExample
from voirdire.harness.judges.base import Judge
from voirdire.harness.relations import Relation
from voirdire.harness.statistics.confirm import Certain, Noisy
from voirdire.harness.targets import beside_answers
from voirdire.harness.verdicts import Verdict, utility
from voirdire.perturbations.search.minimise import Minimal, minimise

__all__ = ["MinimalExamples", "minimal_examples"]

#: with less than this there is no use in starting the search for one example
FEWEST_CALLS = 60
#: fresh samples of an example that cannot be made smaller
REPEATS = 20
#: a pairwise utility that moves by this much between two orders has followed the slot, not the answer
_TURNED = 0.5

_REDUCIBLE = (Relation.INVARIANT, Relation.NO_GAIN)
_ASKED_AGAIN = (Relation.EQUIVARIANT, Relation.MUST_DROP)

_WHY = "the same question with the smallest part of the edit found that still does it"


@dataclass(frozen=True, slots=True)
class MinimalExamples:
    """`examples` replace the given ones, in order; `calls` were made; `stopped` says why the judge was given up."""

    examples: tuple[CounterExample, ...]
    calls: int
    stopped: str | None = None


async def minimal_examples(
    judge: Judge,
    examples: Sequence[CounterExample],
    relations: Mapping[str, Relation],
    *,
    max_calls: int,
    first_sample: int,
    concurrency: int = 16,
    min_drop: float = 0.1,
    error: float = 0.05,
    seed: int = 0,
) -> MinimalExamples:
    """Make `examples` smaller where they can be, and say of each in how many fresh samples it broke again.

    `relations` maps the probes of the examples to their relations. `max_calls` is shared out evenly, at most 600 an
    example; those it does not reach (60 calls each) stay as they are, the last first. `first_sample` is the first
    sample number that the audit did not use (`plan.source_samples`), so that no answer is one that chose the example.
    `min_drop`, in utility units, is what a damaged answer must lose. A replayed judge can answer nothing new: its
    examples stay as they are, as do all that are left when the judge becomes unreachable. Does not close the judge.
    """
    if max_calls < 0 or first_sample < 0:
        raise UsageError(f"max_calls ({max_calls}) and first_sample ({first_sample}) may not be negative")
    work = [_Work(judge, e, relations[e.probe], min_drop) for e in examples if _has_work(e, relations[e.probe])]
    reached = work[: max_calls // FEWEST_CALLS]
    share = max_calls // len(reached) if reached else 0
    slots = asyncio.Semaphore(max(1, min(concurrency, judge.concurrency or concurrency)))
    done: dict[int, CounterExample] = {}
    stopped: str | None = None

    async def one(item: _Work) -> None:
        nonlocal stopped
        item.slots = slots
        try:
            done[id(item.example)] = await item.smaller(min(share, 600), first_sample, error, seed)
        except NotRecorded:
            return
        except JudgeUnreachable as failure:
            stopped = failure.message

    await asyncio.gather(*(one(item) for item in reached))
    return MinimalExamples(tuple(done.get(id(e), e) for e in examples), sum(item.calls for item in reached), stopped)


def _has_work(example: CounterExample, relation: Relation) -> bool:
    """An example of the judge's own noise (RETEST) has no verdict that ought to come again."""
    return relation in _ASKED_AGAIN or (relation in _REDUCIBLE and bool(example.edits))


class _Work:
    """One example and the calls made about it."""

    def __init__(self, judge: Judge, example: CounterExample, relation: Relation, min_drop: float) -> None:
        self.judge = judge
        self.example = example
        self.relation = relation
        self.min_drop = min_drop
        self.slots = asyncio.Semaphore(1)
        self.calls = 0
        #: of the content, in the order asked
        self.verdicts: dict[str, list[Verdict]] = {}

    async def smaller(self, max_calls: int, first_sample: int, error: float, seed: int) -> CounterExample:
        example = self.example
        if self.relation not in _REDUCIBLE or not self._in_target():
            return await self._again(max_calls, first_sample)
        found = await minimise(
            example.source,
            FollowUp(example.follow_up, example.target, example.edits),
            self._ask,
            rules=Certain() if self.judge.deterministic else Noisy(),
            moved=self._moved(),
            rise_only=self.relation is Relation.NO_GAIN,
            max_calls=max_calls,
            error=error,
            seed=seed,
            first_sample=first_sample,
        )
        if not isinstance(found, Minimal):
            answered = shown_hash(example.follow_up) in self.verdicts
            return replace(example, reproduced=found.reproduced) if answered else example
        source, case = self._typical(example.source, found.before), self._typical(found.case, found.after)
        return replace(
            example,
            follow_up=found.case,
            edits=found.edits,
            source_verdict=source or example.source_verdict,
            follow_up_verdict=case or example.follow_up_verdict,
            before=found.before,
            after=found.after,
            why=example.why if found.edits == example.edits else _WHY,
            reproduced=found.reproduced,
        )

    def _in_target(self) -> bool:
        """Are all edits in the text whose utility is measured? Parts of an edit elsewhere need not make sense."""
        example = self.example
        text, edited = example.source.responses[example.target], example.follow_up.responses[example.target]
        try:
            return apply_edits(text, example.edits) == edited
        except ValueError:  # offsets into another text
            return False

    def _moved(self) -> Callable[[float], bool] | None:
        """Beyond the middle of what the audit saw of this example; None if that moved the wrong way or not at all.

        Where an order is shown, its own verdicts come before the means over both, which may cancel.
        """
        example = self.example
        seen = [(example.before, example.after)]
        if self.judge.task in ("pairwise", "ranking"):
            shown = (example.source_verdict, example.follow_up_verdict)
            one, two = (self._utility(v, example.target) for v in shown)
            seen.insert(0, (one, two))
        for before, after in seen:
            if before is None or after is None or before == after:
                continue
            middle = (before + after) / 2
            if after > before:
                return lambda u: u > middle
            if self.relation is not Relation.NO_GAIN:
                return lambda u: u < middle
        return None

    async def _ask(self, cases: Sequence[Case], samples: Sequence[int]) -> list[float | None]:
        return [self._utility(v, self.example.target) for v in await self._verdicts(cases, samples)]

    async def _verdicts(self, cases: Sequence[Case], samples: Sequence[int]) -> list[Verdict | None]:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._one(c, s)) for c, s in zip(cases, samples, strict=True)]
        verdicts: list[Verdict | None] = []
        for case, task in zip(cases, tasks, strict=True):
            answer = task.result()
            if isinstance(answer, JudgeError):  # raised here, not in the task: a group would wrap it
                raise answer
            if answer is not None and answer.null is None:
                self.verdicts.setdefault(shown_hash(case), []).append(answer)
            verdicts.append(answer)
        return verdicts

    async def _one(self, case: Case, sample: int) -> Verdict | JudgeError | None:
        """None: this call failed; an error: no further call can succeed."""
        async with self.slots:
            self.calls += 1
            try:
                return await self.judge.judge(case, sample=sample)
            except (NotRecorded, JudgeUnreachable) as error:
                return error
            except JudgeError:
                return None

    def _utility(self, verdict: Verdict | None, slot: int) -> float | None:
        if verdict is None:
            return None
        n = len(self.example.follow_up.responses)
        return utility(verdict, slot, task=self.judge.task, scale=self.judge.scale, n=n, soft=self.judge.soft)

    def _typical(self, case: Case, mean: float | None) -> Verdict | None:
        """The verdict about `case` closest to its mean utility; the latest of equal ones, so a fresh one."""
        seen = self.verdicts.get(shown_hash(case))
        if not seen or mean is None:
            return None
        return min(reversed(seen), key=lambda v: abs((self._utility(v, self.example.target) or 0.0) - mean))

    async def _again(self, max_calls: int, first_sample: int) -> CounterExample:
        """The example as it stands, asked again on fresh samples: broken in k of n. A null is not broken."""
        turned = self.relation is Relation.EQUIVARIANT
        n = 1 if self.judge.deterministic else min(REPEATS, max_calls // (2 if turned else 1))
        samples = list(range(first_sample, first_sample + n))
        after = await self._verdicts([self.example.follow_up] * n, samples)
        before: Sequence[Verdict | None] = [None] * n
        if turned:
            before = await self._verdicts([self.example.source] * n, samples)
        k = sum(self._broken(a, b) for a, b in zip(before, after, strict=True))
        return replace(self.example, reproduced=(k, n))

    def _broken(self, before: Verdict | None, after: Verdict | None) -> bool:
        """Does this pair of answers (or the second alone) break the relation?"""
        target = self.example.target
        if self.relation is Relation.EQUIVARIANT:
            one = self._utility(before, target)
            two = self._utility(after, len(self.example.follow_up.responses) - 1 - target)
            return one is not None and two is not None and abs(one - two) >= _TURNED
        now = self._utility(after, target)
        if now is None:
            return False
        if self.relation in _REDUCIBLE:
            moved = self._moved()
            return moved is not None and moved(now)
        # a pair shows damaged against undamaged, where an even chance is the undamaged state; not where what the
        # answers are judged by was damaged
        pair = self.judge.task == "pairwise" and not beside_answers(self.example.edits)
        undamaged = 0.5 if pair else self.example.before
        return undamaged is not None and now > undamaged - self.min_drop
