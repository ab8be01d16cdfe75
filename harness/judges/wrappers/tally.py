"""What the judges inside of a wrapper would be asked, found by a dry run: nobody is asked and nothing is spent.

The wrapper is run on the planned calls with every judge at the bottom replaced by one that answers by itself and keeps
a list. So defences that take an edit out again, orders that are shared, members that sit twice and answers that settle
a case without a call are counted as they are in a run, each question once.

Some wrappers ask more where a judge contradicts itself (`asks_more`). How often it will, nobody knows beforehand; so
they are run with a judge that never does, and with judges that always do: by slot, and by slot with ties.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from voirdire.harness.cases import Case, shown_hash
from voirdire.harness.judges.base import Judge
from voirdire.harness.judges.wrappers.base import WrappedJudge
from voirdire.harness.judges.wrappers.calls import Member
from voirdire.harness.plan import PlannedCall
from voirdire.harness.verdicts import Verdict

__all__ = ["Asked", "tally"]

#: what a member is taken to write; the second layer of `wide_and_deep` reads it
_REPLY = "It is so. " * 60

_Answer = Callable[[Judge, Case, int], Verdict]


@dataclass(slots=True)
class Asked:
    """A judge that is no wrapper, and the questions that it is asked, each once."""

    judge: Judge
    calls: list[PlannedCall] = field(default_factory=list)
    known: set[tuple[str, int]] = field(default_factory=set, repr=False)


async def tally(calls: Sequence[PlannedCall], judge: Judge) -> tuple[list[Asked], list[Asked]]:
    """(what is asked at least, what is asked at most), an entry for each judge at the bottom; the same list twice where
    the answers do not decide it. Judges of one fingerprint share their answers and are one entry."""
    if not isinstance(judge, WrappedJudge):
        once = {(call.content, 0 if judge.deterministic else call.sample): call for call in reversed(calls)}
        plain = [Asked(judge, [call for call in reversed(once.values()) for _ in range(_times(judge, call.case))])]
        return plain, plain
    if not _asks_more(judge):
        found = await _run(calls, judge, _steady)
        return found, found
    tried = [await _run(calls, judge, answer) for answer in (_steady, _by_slot, _by_slot_and_tie)]
    size: Callable[[list[Asked]], int] = lambda found: sum(len(asked.calls) for asked in found)  # noqa: E731
    return min(tried, key=size), max(tried, key=size)


def _times(judge: Judge, case: Case) -> int:
    """Calls of one verdict: a setup may take several, each shorter than the whole."""
    times: int = getattr(judge, "calls_for", lambda _case: 1)(case)
    return times


def _asks_more(judge: Judge) -> bool:
    return isinstance(judge, WrappedJudge) and (judge.asks_more or any(map(_asks_more, judge.judges)))


async def _run(calls: Sequence[PlannedCall], judge: Judge, answer: _Answer) -> list[Asked]:
    found: dict[str, Asked] = {}
    dry = _dry(judge, found, answer)
    done: set[tuple[str, int]] = set()
    for call in calls:
        key = call.content, 0 if judge.deterministic else call.sample
        if key not in done:
            done.add(key)
            await dry.judge(call.case, sample=key[1])
    return list(found.values())


def _dry(judge: Judge, found: dict[str, Asked], answer: _Answer) -> WrappedJudge | _Dry:
    """`judge` with other judges at the bottom."""
    if not isinstance(judge, WrappedJudge):
        return _Dry(judge, found.setdefault(judge.fingerprint, Asked(judge)), answer)
    # as in `wrapped`: a judge that sits twice in one wrapper is one member
    members = {id(of): of for of in judge.judges}
    made = {key: Member(_dry(of, found, answer)) for key, of in members.items()}
    return replace(judge, _members=tuple(made[id(of)] for of in judge.judges))


class _Dry:
    """Stands for a judge: answers at once and keeps what it was asked."""

    paid = reusable = False
    concurrency: int | None = None

    def __init__(self, judge: Judge, asked: Asked, answer: _Answer) -> None:
        self.of = judge
        self.name, self.spec, self.fingerprint = judge.name, judge.spec, judge.fingerprint
        self.task, self.scale = judge.task, judge.scale
        self.soft, self.deterministic = judge.soft, judge.deterministic
        self._asked, self._answer = asked, answer
        #: answers that may be reused are shared by all wrappers of a run, others only within one
        self._known: set[tuple[str, int]] = asked.known if judge.reusable else set()

    async def judge(self, case: Case, *, sample: int) -> Verdict:
        key = shown_hash(case), 0 if self.deterministic else sample
        if key not in self._known:
            self._known.add(key)
            self._asked.calls += [PlannedCall(case, key[1], key[0])] * _times(self.of, case)
        return replace(self._answer(self.of, case, sample), raw=_REPLY)

    async def aclose(self) -> None:
        return


# ------------------------------------------------------------------------------------------------------------ answers


def _steady(judge: Judge, case: Case, _sample: int) -> Verdict:
    """The same about the same texts, whatever the order and the sample."""
    if judge.task == "pairwise":
        return Verdict(choice=int(case.responses[1] < case.responses[0]))
    if judge.task == "ranking":
        return Verdict(ranking=tuple(sorted(range(len(case.responses)), key=lambda slot: case.responses[slot])))
    if judge.task == "grade":
        return Verdict(grade=True)
    return Verdict(score=math.fsum((judge.scale.low, judge.scale.high)) / 2)


def _by_slot(judge: Judge, case: Case, sample: int) -> Verdict:
    """The first slot: the two orders contradict each other."""
    if judge.task == "pairwise":
        return Verdict(choice=0)
    if judge.task == "ranking":
        return Verdict(ranking=tuple(range(len(case.responses))))
    return _steady(judge, case, sample)


def _by_slot_and_tie(judge: Judge, case: Case, sample: int) -> Verdict:
    """As torn as a judge can be: over three samples and both orders a third each."""
    return Verdict(choice="tie") if judge.task == "pairwise" and sample % 3 == 2 else _by_slot(judge, case, sample)
