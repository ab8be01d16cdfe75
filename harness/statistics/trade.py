"""What a defence buys and what it costs: bias by family before and after, accuracy, and verdicts on clean text.

All against the first run of a comparison, on the same cases under the same follow-ups. A family's effect is, per case,
the mean over its probes of what the edit gave the edited answer (order: the first slot), where an addition counts by
the smaller of its gains over source and sham, as its audit does (family.py): a judge that dislikes the sham's words is
no friend of citations, and one that no longer does has not been cured of them. Probes that shift verdicts in opposite
directions cancel in the mean, and stand apart in the lines of side_by_side.py. How much of an effect is bias:

    gain, disagreement   max(0, effect)   an attack that makes its answer lose is no bias towards it
    shift                |effect|
    drop                 effect           damage should be noticed: nearer to zero is worse

The change of these sizes has kinks where an effect is zero, and |mean| is pushed up by noise, less so in the quieter of
two judges; comparing point estimates would call any wrapper that lowers noise a defence. So the interval is the range
of the change over a rectangle of two means, each with an interval at level 1 - alpha / 2 (Bonferroni): for a gain the
effect before and the paired difference; for a shift half the sum and half the difference, since |a| - |b| is twice the
smaller of the two, with the sign of their product. Both functions are monotone in either mean, so the range lies at the
corners. A bias is shown to shrink only if there was one and the paired difference says so too. Where probes have two
gains (or shifts) the interval is the range of these intervals over all choices of them, so that no change stands which
one of them denies. Where the shifts of one run have nothing in common, the change may be all that the other run shows.

Not here: single probes and accuracy (side_by_side.py), money (harness/prices.py).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from voirdire.harness.baseline import Baseline
from voirdire.harness.statistics.clean import changed
from voirdire.harness.statistics.decisions import holm
from voirdire.harness.statistics.family import Family
from voirdire.harness.statistics.means import Mean, estimate
from voirdire.harness.statistics.paired import Pair, overlap
from voirdire.harness.statistics.side_by_side import ACCURACY, Difference, Line, StoredRun
from voirdire.harness.statistics.sizes import kind_of

__all__ = ["Change", "Kind", "Trade", "best_of", "trades"]

Kind = Literal["gain", "shift", "drop"]
_KINDS: tuple[Kind, ...] = ("gain", "shift", "drop")
#: p values are searched down to this
_LEAST_P = 1e-9


@dataclass(frozen=True, slots=True)
class Change:
    """One family (`kind` where it has several) before and after. `value`: growth of its bias, negative where there is
    less of it (drop: positive where damage is noticed less), with its 95 % interval. `p_adjusted`: of "no change",
    Holm over the families of all runs that are compared. `n` cases, `probes` probes."""

    family: str
    kind: Kind
    probes: int
    before: float
    after: float
    value: float
    low: float
    high: float
    p: float
    n: int
    p_adjusted: float = 1.0


@dataclass(frozen=True, slots=True)
class Trade:
    """Run number `run` against the first. `accuracy`: gained, on clean cases. `changed`: clean verdicts that the
    defence changes, beyond both judges' own noise, with `changed_low` and `changed_high` (95 %); None where a run was
    read from a file, which holds no verdicts."""

    run: int
    families: tuple[Change, ...]
    accuracy: Difference | None
    changed: float | None = None
    changed_low: float | None = None
    changed_high: float | None = None
    changed_n: int = 0

    def shown(self, alpha: float = 0.05) -> tuple[list[Change], list[Change]]:
        """(families with less bias, families with more), those that stand after Holm."""
        told = [c for c in self.families if c.p_adjusted < alpha]
        return [c for c in told if c.value < 0], [c for c in told if c.value > 0]

    def bought(self, alpha: float = 0.05) -> Change | None:
        """The family from which it takes most bias at least: that whose interval ends farthest below zero."""
        return min(self.shown(alpha)[0], key=lambda change: change.high, default=None)

    @property
    def loss(self) -> float | None:
        """The accuracy that it may cost at most, by the end of its interval; None where accuracy is unknown."""
        return None if self.accuracy is None else max(0.0, -self.accuracy.low)

    def pays(self, alpha: float = 0.05) -> bool:
        """It takes more bias from a family at least than it may cost of accuracy at most, and no family gets worse.

        Both in the same unit, shares of verdicts. A run of few cases can show neither, so it shows no defence to pay.
        """
        bought, more = self.bought(alpha), self.shown(alpha)[1]
        return bought is not None and not more and self.loss is not None and -bought.high > self.loss


def best_of(found: Sequence[Trade], alpha: float = 0.05) -> Trade | None:
    """Of the runs that pay, the one that takes most bias away (the sum over the families that it is shown for)."""
    paying = [trade for trade in found if trade.pays(alpha)]
    return min(paying, key=lambda t: math.fsum(c.value for c in t.shown(alpha)[0]), default=None)


def trades(runs: Sequence[StoredRun], lines: Sequence[Line], *, alpha: float = 0.05) -> list[Trade]:
    """A `Trade` for each run but the first. `lines` are those of `side_by_side`; runs that do not hold what each case
    gave, or were asked otherwise, have no families."""
    accuracy = next((line for line in lines if line.probe == ACCURACY), None)
    found = [_trade(k, runs[0], run, accuracy, alpha) for k, run in enumerate(runs[1:], start=1)]
    adjusted = iter(holm([change.p for trade in found for change in trade.families]))
    return [
        replace(trade, families=tuple(replace(change, p_adjusted=next(adjusted)) for change in trade.families))
        for trade in found
    ]


def _trade(k: int, first: StoredRun, later: StoredRun, accuracy: Line | None, alpha: float) -> Trade:
    trade = Trade(k, tuple(_families(first, later, alpha)), None if accuracy is None else accuracy.differences[k])
    mean = None
    if first.clean is not None and later.clean is not None:
        mean = changed(first.clean, later.clean, wider=(later.asks or 1) >= (first.asks or 1))
    if mean is None:
        return trade
    half = alpha / 2
    return replace(
        trade,
        changed=mean.mean,
        changed_low=mean.lower(half),
        changed_high=mean.upper(half),
        changed_n=mean.count,
    )


# ----------------------------------------------------------------------------------------------------------- families


def _families(first: StoredRun, later: StoredRun, alpha: float) -> list[Change]:
    both = overlap(first.stored, later.stored)
    if both is None:
        return []
    found: dict[tuple[str, Kind], list[list[Pair]]] = {}
    for name in _in_order(first, both.first):
        pairs = both.contrasts(name)
        for kind in _KINDS:
            parts = [pair for contrast, pair in pairs.items() if kind_of(contrast) == kind]
            if parts and not np.any([np.isnan(x) for pair in parts for x in pair], axis=0).all():
                found.setdefault((name.partition(".")[0], kind), []).append(parts)
    kinds = [family for family, _ in found]
    return [
        _change(
            f"{family}: {kind}" if kinds.count(family) > 1 else family,
            kind,
            Family(probes, two_sided=kind == "shift"),
            both.groups,
            alpha,
        )
        for (family, kind), probes in found.items()
    ]


def _in_order(run: StoredRun, stored: Baseline) -> list[str]:
    """The probes as the suite has them, where that is known; a stored run has them sorted."""
    known = [] if run.audit is None else [name for name in run.audit.findings if name in stored.probes]
    return known or list(stored.probes)


def _change(family: str, kind: Kind, probes: Family, groups: np.ndarray | None, alpha: float) -> Change:
    values = [probes.values(choice) for choice in probes.choices()]
    intervals = [_growth(kind, *pair, groups) for pair in values]
    # by run, the effects of all choices where the other run may have none
    against = [[_need(pair[run], groups, 1.0) for pair in values] if probes.crossed(1 - run) else [] for run in (0, 1)]

    def interval(alpha: float) -> tuple[float, float]:
        lows, highs = zip(*(each(alpha) for each in intervals), strict=True)
        lost, grown = ([_size_at_most(means, alpha)] if means else [] for means in against)
        return min([*lows, *(-x for x in lost)]), max([*highs, *grown])

    before, after = probes.effect(0), probes.effect(1)
    size = _SIZE[kind]
    value = size(after) - size(before)
    low, high = interval(alpha)
    # the corners hold the point estimate but for rounding
    ends = min(low, value), max(high, value)
    return Change(family, kind, probes.probes, before, after, value, *ends, _p_of(interval), probes.n)


def _size_at_most(means: Sequence[Mean], alpha: float) -> float:
    """Upper bound of the size that shifts have in common: it is not above that of any of them."""
    tail = alpha / 4
    return min(max(mean.upper(tail), -mean.lower(tail)) for mean in means)


_SIZE: dict[Kind, Callable[[float], float]] = {"gain": lambda x: max(0.0, x), "shift": abs, "drop": lambda x: x}


def _growth(
    kind: Kind, before: np.ndarray, after: np.ndarray, groups: np.ndarray | None
) -> Callable[[float], tuple[float, float]]:
    """alpha -> the two-sided interval of the growth of bias (see the module's docstring)."""
    if kind == "drop":
        change = _need(after - before, groups, 2.0)
        return lambda alpha: (change.lower(alpha / 2), change.upper(alpha / 2))
    if kind == "gain":
        one, other = _need(before, groups, 1.0), _need(after - before, groups, 2.0)
        size: Callable[[float, float], float] = lambda x, d: max(0.0, x + d) - max(0.0, x)  # noqa: E731
    else:
        one, other = _need((before + after) / 2, groups, 1.0), _need((after - before) / 2, groups, 1.0)
        size = lambda x, d: abs(x + d) - abs(x - d)  # noqa: E731

    def interval(alpha: float) -> tuple[float, float]:
        tail = alpha / 4
        ends = [(mean.lower(tail), mean.upper(tail)) for mean in (one, other)]
        corners = [size(x, d) for x, d in itertools.product(*ends)]
        # sizes lie in [0, 1]
        return max(-1.0, min(corners)), min(1.0, max(corners))

    return interval


def _need(values: np.ndarray, groups: np.ndarray | None, span: float) -> Mean:
    mean = estimate(values, groups, lo=-span, hi=span)
    assert mean is not None
    return mean


def _p_of(interval: Callable[[float], tuple[float, float]]) -> float:
    """The smallest alpha at which the interval excludes zero; intervals of a smaller alpha hold those of a larger."""
    excludes: Callable[[float], bool] = lambda alpha: not interval(alpha)[0] <= 0.0 <= interval(alpha)[1]  # noqa: E731
    if not excludes(1.0 - 1e-9):
        return 1.0
    low, high = math.log(_LEAST_P), 0.0
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (low, middle) if excludes(math.exp(middle)) else (middle, high)
    return math.exp(high)
