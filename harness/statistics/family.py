"""The effect of several probes together, where each counts by the smaller of its gains, as in its audit.

A probe with a sham has two gains, over its source and over its sham. A *choice* takes one for each probe; its effect is
the mean over cases of the mean over the probes that apply. The smallest effect of all choices, F, adds up what an audit
calls the effects of the probes. Of two runs let A and B be those effects by choice. At the choice that is smallest in
the first run, F_B - F_A <= B - A, and at the one that is smallest in the later run F_B - F_A >= B - A; the same holds
for any size that rises with the effect. So the range over all choices of their intervals holds the change of F with the
error rate of a single interval, whatever is true of the shams, and nothing is claimed that one choice denies.

Shifts, which may go either way, count by what they have in common: the family's effect is the one nearest to 0 of all
between the smallest and the largest choice, 0 if these differ in sign. Where they do so in one of the runs, its size
may be 0 although no choice says so, and the range of the change must hold that (trade.py).

There are 2^k choices of k probes. Looked at are those that can be the ends of the range: the smallest in each run,
those that moved up and down most, and those that take the same gain of every probe.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

__all__ = ["Choice", "Family"]

#: number of the contrast that is taken of each probe
Choice = tuple[int, ...]


class Family:
    """`probes`: of each its contrasts, each as values by case in the first run and in the later one. `two_sided`: they
    are shifts."""

    def __init__(self, probes: Sequence[Sequence[tuple[np.ndarray, np.ndarray]]], *, two_sided: bool = False) -> None:
        self._two_sided = two_sided
        # a case counts for a probe if all of its contrasts are known in both runs, so that all choices mean the same
        known = [~np.any([np.isnan(x) for pair in parts for x in pair], axis=0) for parts in probes]
        self.probes = len(probes)
        self._count = np.sum(known, axis=0) if known else np.zeros(0)
        each = np.maximum(self._count, 1)
        self._parts = [
            [tuple(np.where(mask, x, 0.0) / each for x in pair) for pair in parts]
            for parts, mask in zip(probes, known, strict=True)
        ]
        self._sums = [[tuple(float(x.sum()) for x in pair) for pair in parts] for parts in self._parts]

    @property
    def n(self) -> int:
        """How many cases some probe applies to, in both runs."""
        return int(np.sum(self._count > 0))

    def values(self, choice: Choice) -> tuple[np.ndarray, np.ndarray]:
        """The effect by case in both runs, NaN where no probe applies."""
        chosen = [parts[c] for parts, c in zip(self._parts, choice, strict=True)]
        first, later = (np.sum([pair[run] for pair in chosen], axis=0) for run in (0, 1))
        return np.where(self._count > 0, first, np.nan), np.where(self._count > 0, later, np.nan)

    def effect(self, run: int) -> float:
        """The smallest effect of all choices in the first run (0) or the later one (1); of shifts that nearest to 0."""
        low, high = self._range(run)
        return max(low, 0.0) + min(high, 0.0) if self._two_sided else low

    def crossed(self, run: int) -> bool:
        """Do choices of shifts differ in sign, so that they have nothing in common?"""
        low, high = self._range(run)
        return self._two_sided and low < 0 < high

    def _range(self, run: int) -> tuple[float, float]:
        """The smallest and the largest effect of all choices."""
        low, high = (sum(end(pair[run] for pair in parts) for parts in self._sums) for end in (min, max))
        return low / max(self.n, 1), high / max(self.n, 1)

    def choices(self) -> list[Choice]:
        """Those that can be the ends of the range."""
        most = max(len(parts) for parts in self._sums)
        by: list[Callable[[Sequence[tuple[float, ...]]], int]] = [
            lambda parts: min(range(len(parts)), key=lambda i: parts[i][0]),
            lambda parts: min(range(len(parts)), key=lambda i: parts[i][1]),
            lambda parts: min(range(len(parts)), key=lambda i: parts[i][1] - parts[i][0]),
            lambda parts: max(range(len(parts)), key=lambda i: parts[i][1] - parts[i][0]),
            *(lambda parts, i=i: min(i, len(parts) - 1) for i in range(most)),
        ]
        if self._two_sided:
            by += [
                lambda parts: max(range(len(parts)), key=lambda i: parts[i][0]),
                lambda parts: max(range(len(parts)), key=lambda i: parts[i][1]),
            ]
        return list(dict.fromkeys(tuple(take(parts) for parts in self._sums) for take in by))
