"""Which units to leave out next: probabilistic delta debugging.

After G. Wang, R. Shen, J. Chen, Y. Xiong and L. Zhang, "Probabilistic Delta Debugging", ESEC/FSE 2021: each unit has a
probability of being needed; the group whose removal promises most is tried, and every answer updates the model. Two
changes suit a noisy judge, where an answer is a sequential test of several calls: a group that works without the rest
costs about three times the calls of one that does not (its test must be surer of more), so what a removal promises is
counted per call; and all units start at 1/n, so that the first trials are bold, failing being cheap.

It asks nothing and knows no text: `propose` and `tell` are the whole conversation.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

__all__ = ["Reduction"]

#: calls that show that a candidate works, over calls that show that it does not (Wald's tests of `confirm.Noisy`)
_COST_OF_KEEPING = 3.0


class Reduction:
    """Finds a smallest set of units 0..n-1 of which none can be left out, for answers that are monotone and right.

    The empty set is taken to do nothing. `rotation` says from which unit on those of equal probability are taken out,
    so that different seeds try different groups; groups are runs of neighbours as long as nothing speaks against it.
    """

    __slots__ = ("_needed", "_rotation", "kept")

    def __init__(self, n: int, *, rotation: int = 0) -> None:
        #: what is left of the units, in order
        self.kept: tuple[int, ...] = tuple(range(n))
        self._needed = [1 / n] * n
        self._rotation = rotation

    @property
    def done(self) -> bool:
        """No unit can be left out any more."""
        return self.propose() is None

    def propose(self) -> tuple[int, ...] | None:
        """The units to leave out next; None if each one left is needed."""
        if len(self.kept) < 2:
            return None
        n = len(self._needed)
        doubtful = sorted(
            (i for i in self.kept if self._needed[i] < 1),
            key=lambda i: (self._needed[i], (i - self._rotation) % n),
        )
        best, promise, works = 0, 0.0, 1.0
        for size, unit in enumerate(doubtful[: len(self.kept) - 1], start=1):
            works *= 1 - self._needed[unit]
            gain = size * works / (1 + (_COST_OF_KEEPING - 1) * works)
            if gain > promise:
                best, promise = size, gain
        return tuple(sorted(doubtful[:best])) if best else None

    def tell(self, removed: Sequence[int], works: bool) -> None:
        """What was left does (`works`) or does not do without `removed` what the whole does."""
        if works:
            gone = set(removed)
            self.kept = tuple(i for i in self.kept if i not in gone)
            return
        if len(removed) == 1:
            self._needed[removed[0]] = 1.0
            return
        some = 1 - math.prod(1 - self._needed[i] for i in removed)
        for i in removed:
            # below 1, so that only a trial of its own makes a unit certain
            self._needed[i] = min(self._needed[i] / some, 1 - 1e-6)
