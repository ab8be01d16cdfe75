"""Several runs beside each other: the effects of each, and how far each lies from the first.

Where two runs hold what every case gave (harness/baseline.py), their difference is that of the same cases under the
same follow-ups; otherwise it is that of two independent intervals, which is wider and mixes in the difference of the
cases. Each difference says which it is. Differences are raw (later minus first); "worse" is the gate's business.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import ndtr, ndtri

from voirdire.harness.baseline import Baseline, StoredProbe
from voirdire.harness.findings import Audit
from voirdire.harness.relations import Relation
from voirdire.harness.statistics.clean import Clean
from voirdire.harness.statistics.decisions import holm
from voirdire.harness.statistics.means import estimate

__all__ = [
    "ACCURACY",
    "Balance",
    "Difference",
    "Line",
    "StoredRun",
    "balance",
    "common_cases",
    "common_contrast",
    "difference",
    "effect_of",
    "groups_of",
    "interval_of",
    "relation_of",
    "side_by_side",
    "values_of",
]

#: name of the line of discrimination
ACCURACY = "accuracy"
#: the contrast by which a probe is compared: the first of these that both runs hold
_CONTRASTS = (
    "gain over sham",
    "gain over source",
    "shift over sham",
    "shift",
    "slot preference",
    "drop",
    "disagreement beyond repeats",
    "flips between repeats",
)


@dataclass(frozen=True, slots=True)
class StoredRun:
    """A run that is over: its audit, what each case gave, or both. `label` is its column."""

    label: str
    path: str
    audit: Audit | None = None
    stored: Baseline | None = None
    #: how many calls of judges one verdict takes at most; None where only the stored run is known
    asks: int | None = None
    #: its verdicts on unchanged cases; None where only the stored run is known
    clean: Clean | None = None

    @property
    def judge(self) -> str:
        if self.audit is not None:
            return self.audit.judge_spec
        return self.stored.judge["spec"] if self.stored is not None else ""

    @property
    def probes(self) -> list[str]:
        """The probes that it measured."""
        if self.audit is not None:
            return [f.probe for f in self.audit.findings.values() if f.effect is not None]
        return [] if self.stored is None else list(self.stored.probes)

    @property
    def created(self) -> str:
        return self.audit.created if self.audit is not None else self.stored.created if self.stored is not None else ""


@dataclass(frozen=True, slots=True)
class Difference:
    """A run minus the first run, with its two-sided interval at level 1 - alpha; over `n` cases if `paired`.

    `p_adjusted`: of "no difference", Holm over the lines of one column.
    """

    value: float
    low: float
    high: float
    p: float
    paired: bool
    n: int
    p_adjusted: float = 1.0


@dataclass(frozen=True, slots=True)
class Line:
    """One probe: its effect in each run (None: not measured), and the differences from the first (None for it)."""

    probe: str
    effects: tuple[float | None, ...]
    differences: tuple[Difference | None, ...]


@dataclass(frozen=True, slots=True)
class Balance:
    """What a run gained and lost against the first: probes by name whose difference stands after Holm.

    A bias is better where its effect came nearer to zero, an attack where it gains less (one that makes its answer lose
    gains nothing), a damage where it is noticed more, accuracy where it rose.
    """

    better: tuple[str, ...]
    worse: tuple[str, ...]


def balance(runs: Sequence[StoredRun], lines: Sequence[Line], k: int, *, alpha: float = 0.05) -> Balance:
    """Run number `k` against the first. Noise between repeats is no bias and is left out."""
    better: list[str] = []
    worse: list[str] = []
    for line in lines:
        difference, before, after = line.differences[k], line.effects[0], line.effects[k]
        if difference is None or before is None or after is None or difference.p_adjusted >= alpha:
            continue
        relation = relation_of(line.probe, runs)
        if relation is Relation.RETEST:
            continue
        if line.probe == ACCURACY:
            growth = before - after
        elif relation is Relation.MUST_DROP:
            growth = after - before
        elif relation is Relation.NO_GAIN:
            growth = max(0.0, after) - max(0.0, before)
        else:
            growth = abs(after) - abs(before)
        if growth:
            (better if growth < 0 else worse).append(line.probe)
    return Balance(tuple(better), tuple(worse))


def relation_of(probe: str, runs: Sequence[StoredRun]) -> Relation | None:
    """The relation of a probe, as the first report says it; None where only baselines know the probe."""
    found = (
        run.audit.findings[probe].relation for run in runs if run.audit is not None and probe in run.audit.findings
    )
    return next(found, None)


def side_by_side(runs: Sequence[StoredRun], *, alpha: float = 0.05) -> list[Line]:
    """A line a probe that any run has, in the order of the first run that has it; accuracy comes last."""
    names = list(dict.fromkeys(name for run in runs for name in run.probes))
    lines = [_line(name, runs, alpha) for name in [*names, ACCURACY]]
    columns = [_adjusted([line.differences[k] for line in lines]) for k in range(len(runs))]
    return [
        replace(line, differences=tuple(column[i] for column in columns))
        for i, line in enumerate(lines)
        if any(e is not None for e in line.effects)
    ]


def _line(name: str, runs: Sequence[StoredRun], alpha: float) -> Line:
    first, *later = runs
    differences = [difference(name, first, run, alpha=alpha) for run in later]
    return Line(name, tuple(effect_of(name, run) for run in runs), (None, *differences))


def difference(name: str, first: StoredRun, later: StoredRun, *, alpha: float = 0.05) -> Difference | None:
    """How far `later` lies from `first`: of the same cases where both runs hold them, else of two intervals."""
    return _paired(name, first, later, alpha) or _unpaired(name, first, later, alpha)


def _adjusted(column: Sequence[Difference | None]) -> list[Difference | None]:
    known = [d for d in column if d is not None]
    adjusted = iter(holm([d.p for d in known]))
    return [None if d is None else replace(d, p_adjusted=next(adjusted)) for d in column]


def effect_of(name: str, run: StoredRun) -> float | None:
    """The effect of a probe (or the accuracy) in a run; None where it was not measured."""
    if run.audit is not None:
        if name == ACCURACY:
            return run.audit.discrimination.accuracy
        return run.audit.findings[name].effect if name in run.audit.findings else None
    if run.stored is None:
        return None
    if name == ACCURACY:
        return run.stored.accuracy.accuracy
    return run.stored.probes[name].effect if name in run.stored.probes else None


# ------------------------------------------------------------------------------------------------------------- paired


def _paired(name: str, first: StoredRun, later: StoredRun, alpha: float) -> Difference | None:
    a, b = first.stored, later.stored
    if a is None or b is None:
        return None
    keys = common_cases(a, b)
    before, after = values_of(name, a, b, keys)
    if before.size == 0:
        return None
    groups = groups_of(a, keys)
    span = 1.0 if name == ACCURACY else 2.0
    mean = estimate(after - before, groups, lo=-span, hi=span)
    if mean is None:
        return None
    half = alpha / 2
    return Difference(mean.mean, mean.lower(half), mean.upper(half), mean.p_outside(0.0), True, mean.count)


def common_cases(a: Baseline, b: Baseline) -> list[str]:
    """Keys of the cases that both were asked about, with equal content; none if they were judged on other scales."""
    if (a.task, a.scale) != (b.task, b.scale):
        return []
    return [key for key, content in a.cases.items() if b.cases.get(key) == content]


def groups_of(run: Baseline, keys: Sequence[str]) -> np.ndarray:
    """The number of the cluster of each case."""
    return np.unique([run.groups.get(key, key) for key in keys], return_inverse=True)[1]


def values_of(name: str, a: Baseline, b: Baseline, keys: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """What the common cases gave in both runs; empty where the probe was not asked alike."""
    nothing = np.empty(0)
    row_a, row_b = ({key: i for i, key in enumerate(run.cases)} for run in (a, b))
    at_a, at_b = ([row[key] for key in keys] for row in (row_a, row_b))
    if name == ACCURACY:
        same = a.accuracy.measure == b.accuracy.measure != "balanced accuracy"
        return (a.accuracy.values[at_a], b.accuracy.values[at_b]) if same and keys else (nothing, nothing)
    p, q = a.probes.get(name), b.probes.get(name)
    if p is None or q is None or p.hash != q.hash or not keys:
        return nothing, nothing
    contrast = common_contrast(p, q)
    if contrast is None:
        return nothing, nothing
    alike = np.asarray([p.asked[i] == q.asked[j] != "" for i, j in zip(at_a, at_b, strict=True)])
    before, after = p.contrasts[contrast][at_a], q.contrasts[contrast][at_b]
    return np.where(alike, before, np.nan), np.where(alike, after, np.nan)


def common_contrast(p: StoredProbe, q: StoredProbe) -> str | None:
    """The contrast by which the two are compared; None where they have none in common."""
    return next((c for c in _CONTRASTS if c in p.contrasts and c in q.contrasts), None)


# ----------------------------------------------------------------------------------------------------------- unpaired


def _unpaired(name: str, first: StoredRun, later: StoredRun, alpha: float) -> Difference | None:
    a, b = interval_of(name, first), interval_of(name, later)
    if a is None or b is None:
        return None
    value, error = b[0] - a[0], math.hypot(a[1], b[1])
    reach = -float(ndtri(alpha / 2)) * error
    p = 2 * float(ndtr(-abs(value) / error)) if error > 0 else float(value == 0)
    return Difference(value, value - reach, value + reach, p, False, 0)


def interval_of(name: str, run: StoredRun) -> tuple[float, float] | None:
    """(effect, standard error): off the interval of a finding, or of what each case gave."""
    if run.audit is None:
        return None if run.stored is None else _of_stored(name, run.stored)
    level: float | None
    if name == ACCURACY:
        dial = run.audit.discrimination
        effect, low, high, level = dial.accuracy, dial.low, dial.high, 1 - 2 * run.audit.alpha
    elif name in run.audit.findings:
        finding = run.audit.findings[name]
        effect, low, high, level = finding.effect, finding.low, finding.high, finding.level
    else:
        return None
    if effect is None or low is None or high is None or level is None:
        return None
    return effect, (high - low) / (2 * float(ndtri((1 + level) / 2)))


def _of_stored(name: str, stored: Baseline) -> tuple[float, float] | None:
    if name == ACCURACY:
        values = stored.accuracy.values
    else:
        contrasts = stored.probes[name].contrasts if name in stored.probes else {}
        values = next((contrasts[c] for c in _CONTRASTS if c in contrasts), np.empty(0))
    groups = np.unique([stored.groups.get(key, key) for key in stored.cases], return_inverse=True)[1]
    mean = estimate(values, groups) if values.size else None
    return None if mean is None else (mean.mean, mean.standard_error)
