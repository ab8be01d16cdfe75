"""`WrappedJudge`: a judge made of judges, and what it owes to `Judge`.

What a wrapper does with a case is its `decide` function: it asks through the `Session` and returns a verdict. All
else is the same for every wrapper and stands here:

- `fingerprint` covers the wrapper, its parameters and the fingerprints of its members.
- `paid` and `soft` if any member is; `reusable` and `deterministic` if all are.
- `concurrency`: None if any member has no limit of its own, else the largest. Each member is asked within its own.
- usage is the sum over members; a number that one member does not know is None.
- `raw` is JSON: what each member was asked and answered (`members_of` reads it).

Not here: the wrappers, one idea a file beside this one; how members are asked (calls.py).
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from voirdire.harness.cases import Case, Task, content_hash
from voirdire.harness.errors import UsageError
from voirdire.harness.judges.base import Judge, facts_of, traits_of
from voirdire.harness.judges.grammar import write
from voirdire.harness.judges.wrappers.calls import Member, Memory, Session
from voirdire.harness.known_prompt import KnownPrompt
from voirdire.harness.verdicts import Scale, Verdict

__all__ = ["Decide", "WrappedJudge", "members_of", "need_task", "same_task", "shown_value", "wrapped"]

#: part of every fingerprint: raise it when a wrapper comes to decide differently
VERSION = 2

Decide = Callable[[Case, int, Session], Awaitable[Verdict]]


@dataclass(frozen=True, slots=True)
class WrappedJudge:
    """Satisfies `Judge`. Build one with the function of a wrapper, e.g. `swap_average(judge)`.

    `asks`: how many calls of members one call of this judge makes at most; `asks_more`: how many depends on what they
    answer. `params`: as they stand in the spec.
    """

    kind: str
    judges: tuple[Judge, ...]
    task: Task
    scale: Scale
    asks: int
    params: Mapping[str, str] = field(default_factory=dict)
    spec: str = ""
    fingerprint: str = ""
    deterministic: bool = False
    soft: bool = False
    asks_more: bool = False
    _decide: Decide = field(repr=False, kw_only=True)
    _members: tuple[Member, ...] = field(repr=False, kw_only=True)

    @property
    def name(self) -> str:
        return self.spec

    @property
    def needs(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for judge in self.judges for name in traits_of(judge).needs))

    @property
    def known_prompt(self) -> KnownPrompt | None:
        """The prompt of its first member, if all members have one: an attacker aims at one of them."""
        prompts = [traits_of(judge).prompt for judge in self.judges]
        return None if None in prompts else prompts[0]

    def setup_reason(self, name: str, case: Case | None = None) -> str | None:
        """Why not all members can be asked about `case` under the setup `name`; None if they can."""
        reasons = [traits_of(judge).setups(name, case) for judge in self.judges]
        return next((reason for reason in reasons if reason is not None), None)

    @property
    def facts(self) -> dict[str, str]:
        """What its members say of themselves; where they differ, all that they say."""
        told = [facts_of(judge) for judge in self.judges]
        names = dict.fromkeys(name for facts in told for name in facts)
        return {name: ", ".join(dict.fromkeys(f[name] for f in told if name in f)) for name in names}

    @property
    def paid(self) -> bool:
        return any(judge.paid for judge in self.judges)

    @property
    def reusable(self) -> bool:
        return all(judge.reusable for judge in self.judges)

    @property
    def concurrency(self) -> int | None:
        limits = [judge.concurrency for judge in self.judges]
        known = [limit for limit in limits if limit is not None]
        return max(known) if len(known) == len(limits) else None

    async def judge(self, case: Case, *, sample: int) -> Verdict:
        """One call. Raises what a member raises."""
        session = Session(self._members)
        verdict = await self._decide(case, sample, session)
        record = json.dumps({"members": session.record()}, separators=(",", ":"))
        return replace(verdict, usage=session.usage(), served_model=session.served_model(), raw=record)

    def remember_in(self, memory: Memory | None) -> None:
        """Take the members' answers from `memory` where it has them, and keep new ones there: a member is asked once
        for all the wrappers that it sits in, and for itself."""
        for member in dict.fromkeys(self._members):
            if isinstance(member.judge, WrappedJudge):
                member.judge.remember_in(memory)
            member.memory = memory if member.judge.reusable else None

    @property
    def most_calls(self) -> int:
        """How many calls of judges that are no wrappers one call of this may make at most."""
        return self.asks * max((j.most_calls if isinstance(j, WrappedJudge) else 1 for j in self.judges), default=1)

    async def aclose(self) -> None:
        """Closes the members and forgets what they answered."""
        for member in dict.fromkeys(self._members):
            await member.aclose()


def wrapped(
    kind: str,
    judges: Sequence[Judge],
    decide: Decide,
    *,
    asks: int,
    params: Mapping[str, Any] | None = None,
    task: Task | None = None,
    identity: Any = None,
    written: Sequence[Judge] | None = None,
    asks_more: bool = False,
) -> WrappedJudge:
    """A wrapper over `judges`, whose task and scale are those of the first.

    `params` stand in spec and fingerprint. `identity`: plain data that decides as well and that neither the parameters
    nor the members tell. `written`: the judges of the spec, where those that are asked were made from them.
    """
    given = {key: shown_value(value) for key, value in (params or {}).items()}
    # a judge that sits twice has one memory and one limit of calls at once
    members = {id(judge): Member(judge) for judge in judges}
    made_of = {
        "wrapper": kind,
        "version": VERSION,
        "params": given,
        "identity": identity,
        "members": [judge.fingerprint for judge in judges],
    }
    return WrappedJudge(
        kind=kind,
        judges=tuple(judges),
        task=task or judges[0].task,
        scale=judges[0].scale,
        asks=asks,
        params=given,
        spec=write(kind, [judge.spec for judge in written or judges], given),
        fingerprint=content_hash(made_of),
        deterministic=all(judge.deterministic for judge in judges),
        soft=any(judge.soft for judge in judges),
        asks_more=asks_more,
        _decide=decide,
        _members=tuple(members[id(judge)] for judge in judges),
    )


def shown_value(value: Any) -> str:
    """A parameter's value as a spec writes it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def need_task(kind: str, judge: Judge, *tasks: Task, hint: str) -> None:
    """Raises UsageError if `judge` has none of `tasks`."""
    if judge.task not in tasks:
        raise UsageError(f"{kind} is for {' and '.join(tasks)} judges; {judge.spec} is a {judge.task} judge", hint=hint)


def same_task(kind: str, judges: Sequence[Judge]) -> None:
    """Raises UsageError unless all judges have one task."""
    for judge in judges[1:]:
        if judge.task != judges[0].task:
            raise UsageError(
                f"{kind}: {judges[0].spec} is a {judges[0].task} judge and {judge.spec} a {judge.task} judge",
                hint="The members of a wrapper answer the same question.",
            )


def members_of(verdict: Verdict) -> list[dict[str, Any]] | None:
    """What the members of a wrapper said, from the `raw` of its verdict; None if it is no wrapper's.

    One dict a call: `member` (number), `sample`, `order` where known, `value` (as `Verdict.value`) or `null`, and
    `said` where the member's own reply is known.
    """
    try:
        found = json.loads(verdict.raw or "")["members"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return found if isinstance(found, list) and all(isinstance(entry, dict) for entry in found) else None
