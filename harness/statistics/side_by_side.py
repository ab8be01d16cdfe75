"""Several runs beside each other: the effects of each, and how far each lies from the first.

Where two runs hold what every case gave (harness/baseline.py), their difference is that of the same cases under the
same follow-ups; otherwise it is that of two independent intervals, which is wider and mixes in the difference of the
cases. Each difference says which it is. It is raw (later minus first) and of one contrast, whose value in both runs
stands beside it; it may be another one than that by which a run's audit decided. Whether a bias became larger or
smaller is a test of its own, of all that the probe consists of (sizes.py); growth beyond a margin is the gate's
business. Accuracies are compared if they are the same measure.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import ndtri

from voirdire.harness.baseline import Baseline
from voirdire.harness.findings import Audit, Finding
from voirdire.harness.relations import Relation
from voirdire.harness.statistics.clean import Clean
from voirdire.harness.statistics.decisions import holm
from voirdire.harness.statistics.means import estimate
from voirdire.harness.statistics.paired import Overlap, accuracy_of, clusters, overlap
from voirdire.harness.statistics.sizes import (
    Kind,
    Normal,
    Sized,
    kind_of,
    kind_of_relation,
    part_of,
    sized,
)

__all__ = [
    "ACCURACY",
    "Balance",
    "Difference",
    "Line",
    "StoredRun",
    "balance",
    "difference",
    "effect_of",
    "interval_of",
    "relation_of",
    "side_by_side",
]

#: name of the line of discrimination
ACCURACY = "accuracy"


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

    `before` and `after` are the values of `contrast` whose difference it is (None where only the kind of effect is
    known). `p`: of "nothing moved"; `p_size`: of "the bias is as large as before", for which `grew` says which way it
    speaks (of accuracy: that there are more errors). Both `_adjusted`: Holm over the lines of one column.
    """

    value: float
    low: float
    high: float
    p: float
    paired: bool
    n: int
    p_adjusted: float = 1.0
    contrast: str | None = None
    before: float | None = None
    after: float | None = None
    p_size: float = 1.0
    p_size_adjusted: float = 1.0
    grew: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """One probe: its effect in each run (None: not measured), and the differences from the first (None for it).

    Effects are those whose differences stand beside them (`Difference.contrast`); of a run that cannot be compared, the
    one that its audit decided on.
    """

    probe: str
    effects: tuple[float | None, ...]
    differences: tuple[Difference | None, ...]


@dataclass(frozen=True, slots=True)
class Balance:
    """What a run gained and lost against the first: probes by name whose bias is shown, after Holm, to be smaller or
    larger; accuracy, if it rose or fell."""

    better: tuple[str, ...]
    worse: tuple[str, ...]


def balance(lines: Sequence[Line], k: int, *, alpha: float = 0.05) -> Balance:
    """Run number `k` against the first."""
    told = [(line.probe, gap) for line in lines if (gap := line.differences[k]) is not None]
    better, worse = (
        tuple(probe for probe, gap in told if gap.p_size_adjusted < alpha and gap.grew == grew)
        for grew in (False, True)
    )
    return Balance(better, worse)


def relation_of(probe: str, runs: Sequence[StoredRun]) -> Relation | None:
    """The relation of a probe, as the first report says it; None where only baselines know the probe."""
    found = (
        run.audit.findings[probe].relation for run in runs if run.audit is not None and probe in run.audit.findings
    )
    return next(found, None)


def side_by_side(runs: Sequence[StoredRun], *, alpha: float = 0.05) -> list[Line]:
    """A line a probe that any run has, in the order of the first run that has it; accuracy comes last."""
    names = list(dict.fromkeys(name for run in runs for name in run.probes))
    first, *later = runs
    both = [overlap(first.stored, run.stored) for run in later]
    lines = [_line(name, runs, both, alpha) for name in [*names, ACCURACY]]
    columns = [_adjusted([line.differences[k] for line in lines]) for k in range(len(runs))]
    return [
        replace(line, differences=tuple(column[i] for column in columns))
        for i, line in enumerate(lines)
        if any(e is not None for e in line.effects)
    ]


def _line(name: str, runs: Sequence[StoredRun], both: Sequence[Overlap | None], alpha: float) -> Line:
    first, *later = runs
    found = [_sized(name, first, run, o) for run, o in zip(later, both, strict=True)]
    # one contrast for the whole line: that of the run which differs most
    sure = [min(s.p(True), s.p(False)) if s is not None else 2.0 for s in found]
    most = found[min(range(len(sure)), key=sure.__getitem__)] if found else None
    contrast = None if most is None else most.shown(alpha).name
    gaps = [None if s is None else _difference(s, contrast, alpha) for s in found]
    effects = [effect_of(name, run) if gap is None else gap.after for run, gap in zip(later, gaps, strict=True)]
    before = next((gap.before for gap in reversed(gaps) if gap is not None), effect_of(name, first))
    return Line(name, (before, *effects), (None, *gaps))


def difference(name: str, first: StoredRun, later: StoredRun, *, alpha: float = 0.05) -> Difference | None:
    """How far `later` lies from `first`: of the same cases where both runs hold them, else of two intervals."""
    found = _sized(name, first, later, overlap(first.stored, later.stored))
    return None if found is None else _difference(found, None, alpha)


def _difference(found: Sized, contrast: str | None, alpha: float) -> Difference:
    part = found.part(contrast) or found.shown(alpha)
    gap, half = part.difference, alpha / 2
    grew, shrank = found.p(True), found.p(False)
    # where one part of the bias grew and another shrank, nothing was bought
    worse = grew < shrank or grew < alpha
    return Difference(
        gap.mean,
        gap.lower(half),
        gap.upper(half),
        found.p_moved(part.name),
        part.n > 0,
        part.n,
        contrast=part.name,
        before=part.before.mean,
        after=part.after.mean,
        p_size=grew if worse else shrank,
        grew=worse,
    )


def _adjusted(column: Sequence[Difference | None]) -> list[Difference | None]:
    known = [d for d in column if d is not None]
    moved, size = iter(holm([d.p for d in known])), iter(holm([d.p_size for d in known]))
    return [None if d is None else replace(d, p_adjusted=next(moved), p_size_adjusted=next(size)) for d in column]


def effect_of(name: str, run: StoredRun) -> float | None:
    """The effect of a probe (or the accuracy) by which a run was decided; None where it was not measured."""
    if run.audit is not None:
        if name == ACCURACY:
            return run.audit.discrimination.accuracy
        return run.audit.findings[name].effect if name in run.audit.findings else None
    if run.stored is None:
        return None
    if name == ACCURACY:
        return run.stored.accuracy.accuracy
    return run.stored.probes[name].effect if name in run.stored.probes else None


def _sized(name: str, first: StoredRun, later: StoredRun, both: Overlap | None) -> Sized | None:
    """The test of two runs; None where they cannot be compared."""
    paired = None if both is None else _paired(name, both)
    return paired or _unpaired(name, first, later)


def _paired(name: str, both: Overlap) -> Sized | None:
    if name != ACCURACY:
        return sized(both.contrasts(name), both.groups)
    found = both.accuracy()
    if found is None:
        return None
    a, b = found
    part = part_of(ACCURACY, "accuracy", a.values, b.values, both.groups, lo=min(a.lo, b.lo), hi=max(a.hi, b.hi))
    return None if part is None else Sized([(1.0, [part])])


# ----------------------------------------------------------------------------------------------------------- unpaired


def _unpaired(name: str, first: StoredRun, later: StoredRun) -> Sized | None:
    """Of the first kind of effect that both runs tell: a shift of one says nothing of the flips of another."""
    before, after = _intervals(name, first), _intervals(name, later)
    what = next((key for key in before if key in after), None)
    if what is None:
        return None
    kind: Kind = "accuracy" if name == ACCURACY else what  # type: ignore[assignment]  # a measure, or the kind itself
    return Sized([(1.0, [Normal.part(None, kind, before[what], after[what])])])


def interval_of(name: str, run: StoredRun, contrast: str | None = None) -> tuple[float, float] | None:
    """(effect, standard error) of a contrast, or of its kind where a run knows no more; by default of the first kind
    that the run knows. Of several gains or shifts the smaller one."""
    stored = None if run.stored is None else run.stored.probes.get(name)
    values = None if stored is None or contrast is None else stored.contrasts.get(contrast)
    if run.stored is not None and values is not None:
        found = _mean(values, run.stored)
    else:
        known = _intervals(name, run)
        wanted = None if contrast is None or name == ACCURACY else kind_of(contrast)
        found = next(iter(known.values()), None) if wanted is None else known.get(wanted)
    return None if found is None else (found.mean, found.error)


def _intervals(name: str, run: StoredRun) -> dict[str, Normal]:
    """What a run tells of a probe by kind of effect, of the accuracy by measure: of what each case gave, else off the
    interval of its report."""
    found = {} if run.stored is None else _of_stored(name, run.stored)
    return found or ({} if run.audit is None else _of_audit(name, run.audit))


def _of_stored(name: str, stored: Baseline) -> dict[str, Normal]:
    if name == ACCURACY:
        pseudo = accuracy_of(stored)
        mean = None if pseudo is None else _mean(pseudo.values, stored)
        return {} if mean is None else {stored.accuracy.measure: mean}
    out: dict[str, Normal] = {}
    contrasts = stored.probes[name].contrasts if name in stored.probes else {}
    for contrast, values in sorted(contrasts.items(), key=lambda pair: kind_of(pair[0]) == "flips"):
        kind, mean = kind_of(contrast), _mean(values, stored)
        # of an intersection the audit would decide on the smaller one
        size: Callable[[float], float] = abs if kind == "shift" else float
        if kind is not None and mean is not None and (kind not in out or size(mean.mean) < size(out[kind].mean)):
            out[kind] = mean
    return out


def _mean(values: np.ndarray, stored: Baseline) -> Normal | None:
    mean = estimate(values, clusters(stored)) if values.size else None
    return None if mean is None else Normal(mean.mean, mean.standard_error)


def _of_audit(name: str, audit: Audit) -> dict[str, Normal]:
    if name == ACCURACY:
        dial = audit.discrimination
        effect, low, high, level = dial.accuracy, dial.low, dial.high, 1 - 2 * audit.alpha
        what = dial.measure
    elif name in audit.findings:
        finding = audit.findings[name]
        effect, low, high, level = finding.effect, finding.low, finding.high, finding.level or 0.0
        what = _kind(finding)
    else:
        return {}
    if effect is None or low is None or high is None or not level:
        return {}
    reach = (high - low) / 2
    if name == ACCURACY:
        # its ends may have been cut off at 0 and 1
        reach = max(high - effect, effect - low)
    return {what: Normal(effect, reach / float(ndtri((1 + level) / 2)))}


def _kind(finding: Finding) -> Kind:
    return (kind_of(finding.estimand) if finding.estimand else None) or kind_of_relation(finding.relation)
