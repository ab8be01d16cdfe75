"""What two stored runs gave for the same cases under the same follow-ups, contrast by contrast.

Comparable is what was asked alike (harness/baseline.py). Here: finding it in two baselines. What is tested on it is in
sizes.py (one probe) and trade.py (a family of them).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from voirdire.harness.baseline import Baseline
from voirdire.harness.statistics.accuracy import BALANCED, Pseudo, pseudo_values
from voirdire.harness.statistics.sizes import kind_of

__all__ = ["Overlap", "accuracy_of", "clusters", "overlap"]

#: values by case in the first run and in the later one
Pair = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True, slots=True)
class Overlap:
    """The cases that both runs were asked about: their rows in both, and the number of the cluster of each (None: each
    is its own)."""

    first: Baseline
    later: Baseline
    at_first: np.ndarray
    at_later: np.ndarray
    groups: np.ndarray | None

    def contrasts(self, name: str) -> dict[str, Pair]:
        """The contrasts of a probe, NaN where a case was not asked alike; empty if none was.

        Contrasts of one kind are read together (the smaller gain, flips beyond every floor), and some of them alone
        prove nothing of all: a kind that is not whole in both runs is left out.
        """
        p, q = self.first.probes.get(name), self.later.probes.get(name)
        if p is None or q is None or p.hash != q.hash:
            return {}
        torn = {kind_of(c) for c in p.contrasts.keys() ^ q.contrasts.keys()}
        pairs = zip(self.at_first.tolist(), self.at_later.tolist(), strict=True)
        alike = np.asarray([p.asked[i] == q.asked[j] != "" for i, j in pairs], dtype=bool)
        if not alike.any():
            return {}
        return {
            c: (
                np.where(alike, p.contrasts[c][self.at_first], np.nan),
                np.where(alike, q.contrasts[c][self.at_later], np.nan),
            )
            for c in sorted(p.contrasts)
            if kind_of(c) is not None and kind_of(c) not in torn
        }

    def accuracy(self) -> tuple[Pseudo, Pseudo] | None:
        """Pseudo-values of both accuracies, on the cases that have one in both; None where they cannot be compared."""
        a, b = self.first.accuracy, self.later.accuracy
        # equal contents have equal labels, so either run's will do
        told = ((a.labels, self.at_first), (b.labels, self.at_later))
        labels = next((np.asarray(labels)[rows] for labels, rows in told if labels), None)
        if a.measure != b.measure or (a.measure == BALANCED and labels is None):
            return None
        before, after = a.values[self.at_first], b.values[self.at_later]
        both = ~np.isnan(before) & ~np.isnan(after)
        if not both.any():
            return None
        then, now = (pseudo_values(a.measure, np.where(both, x, np.nan), labels) for x in (before, after))
        return then, now


def overlap(first: Baseline | None, later: Baseline | None) -> Overlap | None:
    """None if there is no such case, or if the two were judged on other scales."""
    if first is None or later is None or (first.task, first.scale) != (later.task, later.scale):
        return None
    rows = {key: row for row, key in enumerate(later.cases)}
    common = [
        (i, rows[key], key) for i, (key, content) in enumerate(first.cases.items()) if later.cases.get(key) == content
    ]
    if not common:
        return None
    at_first, at_later, keys = zip(*common, strict=True)
    return Overlap(first, later, np.asarray(at_first), np.asarray(at_later), clusters(first, keys))


def clusters(run: Baseline, keys: Iterable[str] | None = None) -> np.ndarray | None:
    """The number of the cluster of each case (default: of all of the run); None if each is its own."""
    if not run.groups:
        return None
    chosen = run.cases if keys is None else keys
    groups: np.ndarray = np.unique([run.groups.get(key, key) for key in chosen], return_inverse=True)[1]
    return groups


def accuracy_of(run: Baseline) -> Pseudo | None:
    """The pseudo-values of one run; None for a balanced accuracy of a file that does not tell labels apart."""
    stored = run.accuracy
    if stored.measure == BALANCED and not stored.labels:
        return None
    return pseudo_values(stored.measure, stored.values, np.asarray(stored.labels) if stored.labels else None)
