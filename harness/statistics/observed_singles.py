"""Preferences of score, grade and ranking judges: does utility rise with length, lists, formatting, or for a model?

Answers to one question (`group`; of a ranking, the answers of one case) are compared with each other where there are
several. With labels, utility is compared at equal label. Of scores a second fit must agree, of utility less label:
noise in the labels drives the first up where the feature goes with quality, a judge that uses less of the scale drives
the second down, and an effect that only one of them has is called nothing. (The errors of grades and rankings are
flips, which shrink the second towards the mean whatever the judge likes.)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from voirdire.harness.observations import Basis
from voirdire.harness.statistics import observed_features as features
from voirdire.harness.statistics.means import estimate
from voirdire.harness.statistics.observed_decisions import Measured
from voirdire.harness.statistics.observed_fit import FEWEST, slope
from voirdire.harness.statistics.observed_pairs import FEWEST_MODEL, MOST_MODELS, NEEDS_TEXTS

__all__ = ["SingleTable", "measure_singles", "measure_slots"]

#: a step in length: from the shortest tenth of the answers to the longest
_LOW, _HIGH = 10, 90


@dataclass(frozen=True, slots=True)
class SingleTable:
    """One row an answer. `utility` and `truth` (rows,) in [0, 1], NaN unknown; `blocks`: answers to compare with each
    other; `clusters`: those that are not independent. `texts`: None where unknown; `models`: who wrote it. `additive`:
    utilities are scores, whose errors add up, not grades or ranks."""

    utility: np.ndarray
    truth: np.ndarray
    blocks: np.ndarray
    clusters: np.ndarray
    texts: Sequence[str | None]
    models: Sequence[str | None]
    additive: bool = True


def measure_singles(table: SingleTable, *, own: str | None) -> list[Measured]:
    """Every preference of one judge. `own`: the maker of the judge's model, where its name tells."""
    known = np.array([t is not None for t in table.texts], dtype=bool) & ~np.isnan(table.utility)
    if not known.any():
        return [Measured(name, needs=NEEDS_TEXTS) for name in ("longer", "list", "formatting")]
    labelled = known & ~np.isnan(table.truth)
    # labels on a part decide for that part only; too few of them are none
    usable = labelled if np.unique(table.clusters[labelled]).size >= FEWEST else known
    part = _Part(table, usable, with_labels=usable is labelled)
    found = [part.measure(name, x, step, words) for name, x, step, words in _features(part.texts)]
    found += [part.measure(name, x, 1.0, "") for name, x in _by_model(part.models, own)]
    return found


class _Part:
    """The rows that are used, with what every fit of them shares."""

    def __init__(self, table: SingleTable, usable: np.ndarray, *, with_labels: bool) -> None:
        at = np.nonzero(usable)[0].tolist()
        self.texts = [table.texts[i] or "" for i in at]
        self.models = [table.models[i] for i in at]
        self.clusters = table.clusters[at]
        self.with_labels = with_labels
        self.additive = table.additive
        self._utility, self._truth = table.utility[at], table.truth[at]
        _, self._block, sizes = np.unique(table.blocks[at], return_inverse=True, return_counts=True)
        # one answer a question: nothing to compare within, so all are compared with all
        if np.mean(sizes[self._block] > 1) < 0.5:
            self._block = np.zeros(len(at), dtype=int)
        self._plain = {name: x for name, x, _, _ in _features(self.texts)}

    def _within(self, x: np.ndarray) -> np.ndarray:
        """`x` less the mean of its block."""
        means = np.bincount(self._block, weights=x) / np.bincount(self._block)
        inner: np.ndarray = x - means[self._block]
        return inner

    def measure(self, name: str, x: np.ndarray, step: float, words: str) -> Measured:
        if np.ptp(x) == 0 or not np.any(np.abs(self._within(x)) > 1e-9):
            return Measured(name, needs="no two answers to one question differ in it")
        rest = [self._within(v) for k, v in self._plain.items() if k != name and np.ptp(v) > 0]
        own = self._within(x)
        utility, truth = self._within(self._utility), self._within(self._truth) if self.with_labels else None
        fixed = rest if truth is None else [truth, *rest]
        means = [slope(utility, np.column_stack([own, *fixed]), self.clusters, step=step)]
        if truth is not None and self.additive:
            means.append(slope(utility - truth, np.column_stack([own, *rest]), self.clusters, step=step))
        kept = [m for m in means if m is not None]
        if len(kept) < len(means):
            return Measured(name, needs=f"fewer than {FEWEST} questions have answers that differ in it")
        basis: Basis = "labels" if truth is not None else "raw"
        needs = "" if truth is not None else "needs labels: what it prefers may be better"
        return Measured(name, basis, kept, needs, step=words)


def _features(texts: Sequence[str]) -> list[tuple[str, np.ndarray, float, str]]:
    """Name, values, what counts as one step, and its words."""
    length = np.array([features.log_length(t) for t in texts])
    low, high = (float(v) for v in np.percentile(length, [_LOW, _HIGH]))
    words = f"from {2**low:,.0f} to {2**high:,.0f} characters"
    return [
        ("longer", length, max(high - low, 1e-9), words),
        ("list", np.array([float(features.has_list(t)) for t in texts]), 1.0, ""),
        ("formatting", np.array([float(features.has_formatting(t)) for t in texts]), 1.0, ""),
    ]


def _by_model(models: Sequence[str | None], own: str | None) -> Iterator[tuple[str, np.ndarray]]:
    counts = Counter(m for m in models if m is not None)
    if len(counts) < 2:
        return
    for model in [m for m, n in counts.most_common(MOST_MODELS) if n >= FEWEST_MODEL]:
        yield f"model {model}", np.array([float(m == model) for m in models])
    if own is not None:
        by = {m: features.family_of(m) == own for m in counts}
        if len(set(by.values())) == 2:
            yield f"own family ({own})", np.array([float(m is not None and by[m]) for m in models])


def measure_slots(gaps: np.ndarray, groups: np.ndarray) -> Measured:
    """A ranking judge's slot preference. `gaps` (cases,): utility of the first slot less that of the last, averaged
    over orders that come with their reverse; NaN where none does."""
    mean = estimate(gaps, groups)
    if mean is None or mean.n < FEWEST:
        return Measured("first slot", needs="needs each order of the answers and its reverse")
    return Measured("first slot", "paired", [mean])
