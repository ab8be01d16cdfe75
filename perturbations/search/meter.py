"""The one query meter of a search: it asks, counts, remembers and never goes beyond the budget.

Every search asks through a `Meter`, so that their calls can be compared, and every search stops for the same reasons:
its own rule, or `Spent`. An answer is paid for once; a question asked before is answered from memory.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Sequence

from voirdire.harness.errors import UsageError
from voirdire.perturbations.search.space import Question

__all__ = ["Answer", "Meter", "Spent"]

#: utility of the target in [0, 1]; None: no verdict
Answer = float | None
AskAll = Callable[[Sequence[Question]], Awaitable[Sequence[Answer]]]


class Spent(Exception):
    """The budget does not reach for what was to be asked; nothing was."""


class Meter:
    """Asks through `ask`, at most `budget` different questions in all.

    `deterministic`: equal questions get equal answers, so samples are not told apart. `used` counts questions paid
    for; a question without a verdict was paid for as well, and is worth 0 to a search: an attacker gains nothing by
    it, whatever it is worth to the statistics.
    """

    def __init__(self, ask: AskAll, budget: int, *, deterministic: bool = False) -> None:
        if budget < 1:
            raise UsageError(f"a search needs a budget of 1 call or more, got {budget}")
        self._ask = ask
        self._answers: dict[Question, Answer] = {}
        self.budget = budget
        self.deterministic = deterministic
        self.nulls = 0

    @property
    def used(self) -> int:
        return len(self._answers)

    @property
    def left(self) -> int:
        return self.budget - self.used

    async def __call__(self, questions: Sequence[Question]) -> list[float]:
        """The utilities of `questions`, in order; no verdict counts as 0. Raises Spent."""
        if self.deterministic:
            questions = [q._replace(sample=0) for q in questions]
        new = [q for q in dict.fromkeys(questions) if q not in self._answers]
        if len(new) > self.left:
            raise Spent
        if new:
            for question, answer in zip(new, await self._ask(new), strict=True):
                known = answer is not None and math.isfinite(answer)
                self._answers[question] = answer if known else None
                self.nulls += not known
        return [self._answers[q] or 0.0 for q in questions]

    def price(self, questions: Sequence[Question]) -> int:
        """How many of `questions` would have to be paid for."""
        if self.deterministic:
            questions = [q._replace(sample=0) for q in questions]
        return sum(q not in self._answers for q in dict.fromkeys(questions))
