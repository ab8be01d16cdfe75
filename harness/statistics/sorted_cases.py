"""Do the cases of a file come sorted? A run that may stop at any case reads them in the order of the file.

By the number of runs of one kind in a row (Wald and Wolfowitz): with n_k cases of kind k among n, and cases in random
order,

    E R = 1 + (n^2 - S2) / n,    Var R = (S2 (S2 + n^2 + n) - 2 n S3 - n^3) / (n^2 (n - 1)),    S_j = sum of n_k^j

A file in blocks has far fewer. Sources: A. Wald and J. Wolfowitz, Annals of Mathematical Statistics 11 (1940); for more
than two kinds, D. Barton and F. David, "Multiple runs", Biometrika 44 (1957).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from voirdire.harness.plan import Plan
from voirdire.harness.statistics.slices import dimensions_of

__all__ = ["runs_z", "sorted_by"]

#: so many standard deviations too few runs are no accident: about one random file in 30,000 has them
_TOO_FEW = -4.0


def sorted_by(plan: Plan) -> list[str]:
    """The fields (category, language ...) by which the cases come in blocks. A cluster is one case: its cases may well
    stand together."""
    firsts = np.sort(np.unique(plan.groups, return_index=True)[1])
    found = dimensions_of(plan.cases)
    return [name for name, values in found.items() if runs_z([values[i] for i in firsts]) < _TOO_FEW]


def runs_z(values: Sequence[str]) -> float:
    """How many standard deviations the number of runs lies above that of a random order; 0 where there is one kind."""
    _, kinds = np.unique(values, return_inverse=True)
    n = len(kinds)
    counts = np.bincount(kinds).astype(float)
    second, third = float(np.sum(counts**2)), float(np.sum(counts**3))
    if n < 2 or len(counts) < 2:
        return 0.0
    variance = (second * (second + n**2 + n) - 2 * n * third - n**3) / (n**2 * (n - 1))
    runs = 1 + int(np.sum(kinds[1:] != kinds[:-1]))
    return (runs - 1 - (n**2 - second) / n) / math.sqrt(variance) if variance > 0 else 0.0
