"""Which cases are one: the unit of every interval is the cluster.

Cases of one `group` are, and cases that show a judge the same texts: their calls are the same calls, so a copy says
nothing that the first has not said. What groups and copies join is joined (a copy of a case of a group belongs to the
group). The order of the responses makes no difference, since both orders are shown.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import NamedTuple

import numpy as np

from voirdire.harness.case_table import CaseTable
from voirdire.harness.cases import Case

__all__ = ["Clusters", "clusters_of"]


class Clusters(NamedTuple):
    """`numbers[case]` is its cluster, counted by first appearance. `copies` of the cases repeat the texts of another
    one before them."""

    numbers: np.ndarray
    copies: int


def clusters_of(cases: Sequence[Case]) -> Clusters:
    """The clusters of all cases, in one pass over them."""
    # where no id comes twice the ids need not be kept, which for a million cases are a hundred megabytes
    unique = isinstance(cases, CaseTable)
    first: dict[Hashable, int] = {}
    links: list[tuple[int, int]] = []
    texts = np.empty(len(cases), dtype=np.int64)
    for i, case in enumerate(cases):
        # of texts their hashes suffice: two of a million that differ are taken for one in one of 10^7 such runs
        texts[i] = hash((case.instruction, tuple(sorted(case.responses)), case.reference, case.rubric, case.context))
        key = ("group", case.group) if case.group is not None else None if unique else ("id", case.id)
        if key is not None and (earlier := first.setdefault(key, i)) != i:
            links.append((i, earlier))
    _, at, which = np.unique(texts, return_index=True, return_inverse=True)
    earliest = at[which]
    copies = np.flatnonzero(earliest != np.arange(len(cases)))
    links += zip(copies.tolist(), earliest[copies].tolist(), strict=True)
    return Clusters(_joined(len(cases), links), int(copies.size))


def _joined(n: int, links: Sequence[tuple[int, int]]) -> np.ndarray:
    """The connected components of `n` things under `links`, numbered by first appearance (union-find)."""
    parent = list(range(n))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    for i, j in links:
        low, high = sorted((root(i), root(j)))
        parent[high] = low
    roots = np.asarray([root(i) for i in range(n)] if links else parent, dtype=np.int64)
    numbers: np.ndarray = np.unique(roots, return_inverse=True)[1]
    return numbers
