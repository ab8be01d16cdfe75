"""Error control for a gate that is run again and again against one baseline.

Each run spends a part of alpha: run k may call a regression at

    alpha_k = alpha / (S (k + 1) ln(k + 1)^2),   S = sum over k of 1 / ((k + 1) ln(k + 1)^2) = 2.1097...

so the parts of all runs, however many, add up to alpha, and the chance that an unchanged judge *ever* raises an alarm
is at most alpha (the union bound). Why not something sharper: all runs are compared with the same baseline, so its
noise enters every one of them, and given that noise the runs are not centred where their hypothesis says. A test
martingale (e-process) over the runs, or boundaries that count on independent increments, would take the baseline's bad
luck for drift and pile it up; the union bound holds under any dependence.

Why this sequence and not 6 / (pi k)^2: it falls as slowly as a sum that converges may, up to logarithms. At run 30 it
leaves twice as much, at run 365 eight times; the price is the first run, .49 of alpha instead of .61.

A gate on pull requests needs none of this: every run tests another change, and alpha is meant for each.
"""

from __future__ import annotations

import math

__all__ = ["level_of_run"]

#: sum over k >= 1 of 1 / ((k + 1) ln(k + 1)^2)
_TOTAL = 2.109742801236892


def level_of_run(alpha: float, run: int) -> float:
    """The part of `alpha` that run number `run` (from 1) may spend on calling regressions. Raises ValueError."""
    if run < 1:
        raise ValueError(f"runs count from 1, not {run}")
    return alpha / (_TOTAL * (run + 1) * math.log(run + 1) ** 2)
