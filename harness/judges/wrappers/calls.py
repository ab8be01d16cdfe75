"""Asking the members of a wrapper: each question once, every answer paid for once.

`Member` remembers what its judge answered, by (what was shown, sample), for as long as the wrapper is open, and lets
everybody who asks the same at the same time wait for one call. So the two orders that a plan asks of
`swap_average(JUDGE)` cost two calls of JUDGE, not four, and a defence that takes an edit out again is answered by the
call on the unedited case.

`Session` is one call of the wrapper. The usage of a member's call goes to the first wrapper call that *ends well* with
it: a call that is asked again after an error pays for what its first try had bought already, and nobody pays twice.
Not here: what is made of the answers (combine.py).
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, Protocol

from voirdire.harness.cases import Case, shown_hash
from voirdire.harness.errors import JudgeError, JudgeUnreachable
from voirdire.harness.judges.base import Judge
from voirdire.harness.judges.parsing_text import cut
from voirdire.harness.judges.python_judge import to_verdict
from voirdire.harness.verdicts import Usage, Verdict

__all__ = ["Member", "Memory", "Question", "Session", "mirrored", "turned"]

#: verdicts that are remembered, and characters of each text in them: bounds the memory at some 60 MB a member
REMEMBERED, CHARACTERS = 8192, 4000
#: characters of a member's reply that the wrapper's own record keeps
SAID = 1000

_Key = tuple[str, int]


class Memory(Protocol):
    """Answers by (fingerprint of the judge, key): the call store."""

    def find(self, judge: str, key: _Key) -> Verdict | None: ...
    def put(self, judge: str, key: _Key, verdict: Verdict) -> None: ...


class Question(NamedTuple):
    """`case`, as it stands, to member number `member`; `sample` is the member's own number of the repeat."""

    member: int
    case: Case
    sample: int


@dataclass(slots=True, eq=False)
class _Answer:
    verdict: Verdict
    #: None once a wrapper call has accounted for it
    unpaid: Usage | None


class Member:
    """A judge inside of a wrapper, asked at most `judge.concurrency` times at once."""

    def __init__(self, judge: Judge) -> None:
        self.judge = judge
        self._known: OrderedDict[_Key, _Answer] = OrderedDict()
        self._asking: dict[_Key, tuple[asyncio.Task[_Answer], list[None]]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._places: asyncio.Semaphore | None = None
        #: where answers of earlier runs are, and of other judges of this one that ask the same judge
        self.memory: Memory | None = None

    async def ask(self, case: Case, sample: int) -> _Answer:
        """Raises what the judge raises; a null of the kind "error" is raised too."""
        self._enter_loop()
        key = (shown_hash(case), 0 if self.judge.deterministic else sample)
        known = self._known.get(key)
        if known is not None:
            self._known.move_to_end(key)
            return known
        if key not in self._asking:
            self._asking[key] = asyncio.create_task(self._call(key, case)), []
        task, waiting = self._asking[key]
        waiting.append(None)
        try:
            return await asyncio.shield(task)
        finally:
            waiting.pop()
            if not waiting and not task.done():
                # everybody who wanted to know has been stopped
                self._asking.pop(key, None)
                task.cancel()

    async def _call(self, key: _Key, case: Case) -> _Answer:
        try:
            stored = self.memory.find(self.judge.fingerprint, key) if self.memory is not None else None
            if stored is not None:
                return self._keep(key, stored, Usage(0, 0, 0.0, 0))
            if self._places is None:
                verdict = await self.judge.judge(case, sample=key[1])
            else:
                async with self._places:
                    verdict = await self.judge.judge(case, sample=key[1])
            if verdict.null == "error":
                raise JudgeError(verdict.reason or f"{self.judge.name} failed")
            # judges of other people's code may answer anything; NaN in a mean would win a case
            verdict = to_verdict(verdict, self.judge.task, self.judge.scale, len(case.responses))
            if self.memory is not None:
                self.memory.put(self.judge.fingerprint, key, verdict)
            return self._keep(key, verdict, verdict.usage or Usage())
        finally:
            if self._asking.get(key, (None,))[0] is asyncio.current_task():
                del self._asking[key]

    def _keep(self, key: _Key, verdict: Verdict, unpaid: Usage) -> _Answer:
        answer = self._known[key] = _Answer(_short(verdict), unpaid)
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return answer

    def _enter_loop(self) -> None:
        """Judges outlive event loops; what belongs to a loop that has ended is of no use in the next."""
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._loop = loop
            self._asking.clear()
            limit = self.judge.concurrency
            self._places = None if limit is None else asyncio.Semaphore(limit)

    async def aclose(self) -> None:
        self._known.clear()
        self._asking.clear()
        self._loop = None
        await self.judge.aclose()


def _short(verdict: Verdict) -> Verdict:
    return replace(
        verdict,
        raw=None if verdict.raw is None else cut(verdict.raw, CHARACTERS),
        rationale=None if verdict.rationale is None else cut(verdict.rationale, CHARACTERS),
        usage=None,
    )


@dataclass(slots=True, eq=False)
class Session:
    """One call of a wrapper: who was asked what, and what it comes to."""

    members: Sequence[Member]
    _answers: list[tuple[Question, _Answer]] = field(default_factory=list)

    async def ask(self, questions: Iterable[Question]) -> list[Verdict]:
        """Answers in the order of `questions`, asked at once.

        A member that fails fails the call: the error of the gravest kind is raised once all are back, so that what
        the others answered is known when the call is asked again.
        """
        asked = list(questions)
        found = await asyncio.gather(
            *(self.members[q.member].ask(q.case, q.sample) for q in asked), return_exceptions=True
        )
        failures = [f for f in found if isinstance(f, BaseException)]
        if failures:
            raise max(failures, key=_gravity)
        answers = [f for f in found if isinstance(f, _Answer)]
        self._answers += zip(asked, answers, strict=True)
        return [answer.verdict for answer in answers]

    def usage(self) -> Usage:
        """What this call adds to the bill; a number is None where one member's is unknown."""
        bills: list[Usage] = []
        for answer in dict.fromkeys(answer for _, answer in self._answers):
            if answer.unpaid is not None:
                bills.append(answer.unpaid)
                answer.unpaid = None
        return Usage(
            _total(bill.input_tokens for bill in bills),
            _total(bill.output_tokens for bill in bills),
            _money(bill.cost_usd for bill in bills),
            sum(1 if bill.calls is None else bill.calls for bill in bills),
        )

    def served_model(self) -> str | None:
        names = sorted({a.verdict.served_model for _, a in self._answers if a.verdict.served_model})
        return ", ".join(names) or None

    def record(self) -> list[dict[str, Any]]:
        """Plain data: one entry a question, in the order asked. `order`: the source's index of the response in each
        slot, where known; `said`: the member's reply, shortened."""
        out: list[dict[str, Any]] = []
        for question, answer in self._answers:
            entry: dict[str, Any] = {"member": question.member, "sample": question.sample}
            order = question.case.meta.get("voirdire.order")
            if order is not None:
                entry["order"] = list(order)
            if answer.verdict.null is not None:
                entry["null"] = answer.verdict.null
            else:
                entry["value"] = answer.verdict.value
            if answer.verdict.raw:
                entry["said"] = cut(answer.verdict.raw, SAID)
            out.append(entry)
        return out


def _gravity(error: BaseException) -> int:
    """Stops and bugs before a judge that is gone, that before a call that failed."""
    if not isinstance(error, JudgeError):
        return 2
    return int(isinstance(error, JudgeUnreachable))


def _total(numbers: Iterable[int | None]) -> int | None:
    total = 0
    for number in numbers:
        if number is None:
            return None
        total += number
    return total


def _money(numbers: Iterable[float | None]) -> float | None:
    total = 0.0
    for number in numbers:
        if number is None:
            return None
        total += number
    return total


def turned(case: Case, order: tuple[int, ...]) -> Case:
    """`case` with response `order[k]` in slot k, and the note of how the *source* was turned kept true: judges that
    replay recordings read it."""
    before: tuple[int, ...] = tuple(case.meta.get("voirdire.order") or range(len(case.responses)))
    meta: Mapping[str, Any] = {**case.meta, "voirdire.order": tuple(before[k] for k in order)}
    return case.reordered(order).replace(meta=meta)


def mirrored(verdict: Verdict, order: tuple[int, ...]) -> Verdict:
    """A verdict about `turned(case, order)` as a verdict about `case`."""
    if verdict.null is not None or order == tuple(range(len(order))):
        return verdict
    if verdict.ranking is not None:
        return replace(verdict, ranking=tuple(order[k] for k in verdict.ranking))
    odds = verdict.probabilities
    return replace(
        verdict,
        choice=order[verdict.choice] if isinstance(verdict.choice, int) else verdict.choice,
        margin=-verdict.margin if verdict.margin is not None and order == (1, 0) else verdict.margin,
        probabilities=None if odds is None else {str(order[int(k)]) if k.isdigit() else k: p for k, p in odds.items()},
    )
