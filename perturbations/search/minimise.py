"""The smallest part of an edit set that still moves the verdict of a noisy judge.

First whole edits are left out, then words inside those that remain (units.py, reduction.py). Every candidate is
decided by a sequential test, every test by answers of its own; what is reported was confirmed on fresh samples. This
file knows neither judges nor statistics: `ask` answers, `rules` (a `Rules`) decides.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal, Protocol, TypeVar

from voirdire.harness.cases import Case, Edit, FollowUp, apply_edits
from voirdire.harness.errors import UsageError
from voirdire.perturbations.draws import below
from voirdire.perturbations.search.reduction import Reduction
from voirdire.perturbations.search.units import Unit, by_edit, by_word, edits_of

__all__ = ["Ask", "Confirming", "Minimal", "NotMinimised", "Rules", "Trial", "minimise"]

#: answers[i] is the utility in [0, 1] of the target in cases[i] at samples[i]; None for no verdict
Answers = Sequence[float | None]
Ask = Callable[[Sequence[Case], Sequence[int]], Answers | Awaitable[Answers]]


class Trial(Protocol):
    """A sequential test of one candidate."""

    @property
    def decision(self) -> bool | None: ...
    @property
    def k(self) -> int: ...
    @property
    def n(self) -> int: ...
    def add(self, happened: bool, /) -> None: ...
    def needed(self) -> int:
        """The fewest further answers that could decide: so many are asked at once."""


class Confirming(Trial, Protocol):
    """The test of what is going to be reported."""

    @property
    def lower(self) -> float:
        """A lower confidence bound of the probability, valid whenever one stopped."""


Decided = TypeVar("Decided", bound=Trial)


class Rules(Protocol):
    """How candidates are decided; `harness.statistics.confirm` has `Noisy` and `Certain`.

    `pilot`: calls by which a utility is measured. `error` is the chance that one test may err with.
    """

    @property
    def pilot(self) -> int: ...
    def trial(self, error: float, /) -> Trial: ...
    def confirmation(self, error: float, /) -> Confirming: ...


@dataclass(frozen=True, slots=True)
class Minimal:
    """The smallest part found, confirmed.

    `edits` are offsets into response `target` of the source. `before` and `after` are mean utilities of the target in
    fresh calls about the source and about `case`. `reproduced` is (k, n): the verdict moved in k of n fresh samples
    that played no part in the search, `at_least` the lower bound of that probability at confidence 1 - `error`.
    `words` counts the words that the edits insert, delete or replace. `complete`: no single word can be left out
    (False: the budget ended first, or something smaller was found and not confirmed). `calls` is what it all cost.
    """

    case: Case
    target: int
    edits: tuple[Edit, ...]
    before: float | None
    after: float | None
    reproduced: tuple[int, int]
    at_least: float
    words: int
    complete: bool
    calls: int

    @property
    def follow_up(self) -> FollowUp:
        return FollowUp(self.case, self.target, self.edits)


@dataclass(frozen=True, slots=True)
class NotMinimised:
    """Nothing to report. `reproduced`: in how many of how many fresh samples the whole edit moved the verdict.

    "same": the edit does not move the verdict again; "source": the unedited text gives the moved verdict as well;
    "unconfirmed": nothing reproduced often enough to be shown; "budget": the calls ended before anything was known.
    """

    why: Literal["same", "source", "unconfirmed", "budget"]
    calls: int
    reproduced: tuple[int, int] | None = None


async def minimise(
    source: Case,
    follow_up: FollowUp,
    ask: Ask,
    *,
    rules: Rules,
    moved: Callable[[float], bool] | None = None,
    rise_only: bool = False,
    max_calls: int = 600,
    error: float = 0.05,
    seed: int = 0,
    first_sample: int = 0,
) -> Minimal | NotMinimised:
    """Search for the smallest part of `follow_up.edits` after which the verdict still moves, and confirm it.

    `ask` may be sync or async. `moved` says of the target's utility in one answer that the verdict moved; without it,
    an answer moved that lies on the follow-up's side of the midpoint between source and follow-up, both measured
    first (`rise_only`: only if the follow-up's is the higher). An answer without a verdict did not move.

    All tests of the search together err with probability `error` at most, and so do all confirmations together. Half
    of `max_calls` is kept for those. Sample numbers count up from `first_sample`, none is used twice: give the first
    that no earlier run has used. The same arguments and answers give the same result. Raises UsageError if the edits
    do not replay or `max_calls` is below 1.
    """
    text = source.responses[follow_up.target]
    if apply_edits(text, follow_up.edits) != follow_up.case.responses[follow_up.target]:
        raise UsageError(
            f"the edits of case {source.id!r} do not make its follow-up", hint="Replay them on the source."
        )
    if max_calls < 1:
        raise UsageError(f"max_calls is {max_calls}, but must be at least 1")
    asking = _Asking(ask, max_calls, first_sample)
    search = _Search(source, follow_up, asking, rules, error, seed)
    return await search.run(moved or await search.midpoint(rise_only=rise_only))


class _Asking:
    """Counts calls and hands out sample numbers; never asks beyond the budget."""

    def __init__(self, ask: Ask, budget: int, first_sample: int) -> None:
        self._ask = ask
        self._sample = first_sample
        self.left = budget
        self.calls = 0

    async def __call__(self, cases: Sequence[Case]) -> Answers:
        cases = cases[: self.left]
        samples = range(self._sample, self._sample + len(cases))
        self._sample += len(cases)
        self.left -= len(cases)
        self.calls += len(cases)
        answers = self._ask(cases, samples)
        return await answers if inspect.isawaitable(answers) else answers


class _Search:
    """One search; `stages` holds every candidate that passed its test, the largest first."""

    def __init__(
        self, source: Case, follow_up: FollowUp, asking: _Asking, rules: Rules, error: float, seed: int
    ) -> None:
        self.source = source
        self.whole = follow_up
        self.asking = asking
        self.rules = rules
        self.error = error
        self.rng = Random(seed)
        self.text = source.responses[follow_up.target]
        self.reserve = asking.left // 2
        self.tests = 0
        self.sources: list[float] = []
        self.stages: list[tuple[Edit, ...]] = [follow_up.edits]
        self.complete = False

    async def run(self, moved: Callable[[float], bool] | None) -> Minimal | NotMinimised:
        if moved is None:
            return NotMinimised("same" if self.asking.left else "budget", self.asking.calls)
        self.moved = moved
        unedited = await self._decide(self.source, self._trial(), self.sources, reserve=self.reserve)
        if unedited.decision is not False:
            return NotMinimised("source" if unedited.decision else "budget", self.asking.calls)
        whole = await self._decide(self.whole.case, self._trial(), reserve=self.reserve)
        if not whole.decision:
            why: Literal["same", "budget"] = "budget" if whole.decision is None else "same"
            return NotMinimised(why, self.asking.calls, (whole.k, whole.n) if whole.n else None)
        edits = self.whole.edits
        if await self._reduce(by_edit(edits), edits):
            edits = self.stages[-1]
            self.complete = await self._reduce(by_word(self.text, edits), edits)
        return await self._confirmed((whole.k, whole.n))

    async def midpoint(self, *, rise_only: bool) -> Callable[[float], bool] | None:
        """What counts as moved: the follow-up's side of the midpoint; None if the two do not differ (that way)."""
        n = self.rules.pilot
        answers = await self.asking([self.source] * n + [self.whole.case] * n)
        self.sources = [u for u in answers[:n] if u is not None]
        before, after = _mean(self.sources), _mean([u for u in answers[n:] if u is not None])
        if before is None or after is None or before == after or (rise_only and after < before):
            return None
        middle = (before + after) / 2
        up = after > before
        return lambda u: u > middle if up else u < middle

    def _trial(self) -> Trial:
        """A test whose error is its share: error / (j (j + 1)) for the j-th, which adds up to `error`."""
        self.tests += 1
        return self.rules.trial(self.error / (self.tests * (self.tests + 1)))

    async def _decide(self, case: Case, test: Decided, seen: list[float] | None = None, *, reserve: int) -> Decided:
        """Ask until `test` is decided or the calls left are down to `reserve`; utilities are added to `seen`."""
        while test.decision is None:
            n = min(test.needed(), self.asking.left - reserve)
            if n <= 0:
                break
            for utility in await self.asking([case] * n):
                test.add(utility is not None and self.moved(utility))
                if seen is not None and utility is not None:
                    seen.append(utility)
        return test

    async def _reduce(self, units: list[Unit], originals: tuple[Edit, ...]) -> bool:
        """Leave out what can be; False if the budget ended first."""
        reduction = Reduction(len(units), rotation=below(self.rng, len(units)))
        while (removed := reduction.propose()) is not None:
            gone = set(removed)
            edits = edits_of((units[i] for i in reduction.kept if i not in gone), originals)
            trial = await self._decide(self._case(edits), self._trial(), reserve=self.reserve)
            if trial.decision is None:
                return False
            reduction.tell(removed, trial.decision)
            if trial.decision:
                self.stages.append(edits)
        return True

    async def _confirmed(self, whole: tuple[int, int]) -> Minimal | NotMinimised:
        """The smallest stage that is confirmed on fresh samples; larger ones are tried as far as the calls reach."""
        share = 0.75 * self.error  # 3/4, then a quarter of that each time: together `error`
        for number, edits in enumerate(reversed(self.stages)):
            case = self.whole.case if edits == self.whole.edits else self._case(edits)
            larger = number + 1 < len(self.stages)
            seen: list[float] = []
            reserve = self.asking.left // 4 if larger else 0
            test = await self._decide(case, self.rules.confirmation(share), seen, reserve=reserve)
            if test.decision:
                return Minimal(
                    case,
                    self.whole.target,
                    edits,
                    _mean(self.sources),
                    _mean(seen),
                    (test.k, test.n),
                    test.lower,
                    len(by_word(self.text, edits)),
                    self.complete and number == 0,
                    self.asking.calls,
                )
            if not larger and test.n:
                whole = (test.k, test.n)
            share /= 4
        return NotMinimised("unconfirmed", self.asking.calls, whole)

    def _case(self, edits: tuple[Edit, ...]) -> Case:
        return self.whole.case.with_response(self.whole.target, apply_edits(self.text, edits))


def _mean(values: list[float]) -> float | None:
    return sum(values) / len(values) if values else None
