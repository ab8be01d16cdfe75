"""A stored run: what each case gave under each probe, and what must be equal for a later run to be compared with it.

Here: taking a `Baseline` from a finished run, and laying it over the plan of a later one, case by case. It holds
hashes and outcomes, no texts and no keys. The file format is in baseline_file.py, the tests in statistics/change.py.

Comparable is what was asked alike: a case with the same id, content and label; of a probe the same row (perturbation,
relation, target, dose, sham); and for each case of a probe the same follow-ups, by a hash of what the judge was shown,
so that a voirdire that edits texts differently cannot pass for a judge that answers differently.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from voirdire.harness.cases import Case, Task, content_hash
from voirdire.harness.errors import redact
from voirdire.harness.findings import Decision, Discrimination, Finding
from voirdire.harness.followups import is_aimed
from voirdire.harness.judges.base import Judge
from voirdire.harness.plan import NEUTRAL, Arm, Plan, ProbePlan
from voirdire.harness.probes import Probe
from voirdire.harness.relations import Relation
from voirdire.harness.statistics.accuracy import UNEVEN, labels_of
from voirdire.harness.statistics.arms import Answers
from voirdire.harness.statistics.change import Then
from voirdire.harness.statistics.discrimination import accuracy_values
from voirdire.harness.statistics.estimands import Measured
from voirdire.harness.statistics.nulls import null_shares

__all__ = [
    "Alignment",
    "Baseline",
    "StoredAccuracy",
    "StoredProbe",
    "align",
    "judge_parts",
    "lost_shares",
    "probe_hash",
    "snapshot",
]


@dataclass(frozen=True, slots=True)
class StoredProbe:
    """One probe of a stored run. Arrays have one entry a case, in the order of `Baseline.cases`; NaN: no value.

    `asked` is a short hash of the follow-ups of each case ("" where there are none), `lost` the share of its calls
    that gave no verdict, `judge` tells whose values they are (merging two files may mix judges).
    """

    name: str
    hash: str
    decision: Decision
    reason: str | None
    effect: float | None
    asked: tuple[str, ...]
    contrasts: Mapping[str, np.ndarray]
    lost: np.ndarray
    judge: str


@dataclass(frozen=True, slots=True)
class StoredAccuracy:
    """Discrimination of a stored run; `values` are the shares right per case, each by itself.

    `lost`: the share of each case's source calls that gave no verdict. `labels`: where cases do not count alike
    (statistics/accuracy.py), a short hash of each one's label; empty elsewhere, and in files written before they were.
    """

    measure: str
    decision: Decision
    accuracy: float | None
    values: np.ndarray
    lost: np.ndarray
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Baseline:
    """A stored run. `cases` maps hashed ids to content hashes, sorted; `judge` holds the parts of the fingerprint.

    `groups`: hashed id -> hash of the cluster (harness/clusters.py), of the cases of a group and of copies.
    """

    voirdire: str
    created: str
    alpha: float
    task: Task
    scale: tuple[float, float]
    samples: int
    perturbation_seed: int
    judge: Mapping[str, str]
    suite: str
    suite_hash: str
    cases_path: str
    locked: bool
    cases: Mapping[str, str]
    probes: Mapping[str, StoredProbe]
    accuracy: StoredAccuracy
    groups: Mapping[str, str] = field(default_factory=dict)

    @property
    def run(self) -> str:
        """Short name of this run, of all there are."""
        return content_hash([self.created, dict(self.judge), list(self.cases.items())])[:12]

    @property
    def mixed(self) -> list[str]:
        """Probes whose values are of another judge than the head's: a merge of two files."""
        return [p.name for p in self.probes.values() if p.judge != _tag(self.judge)]


@dataclass(frozen=True, slots=True)
class Alignment:
    """A baseline laid over a plan: `rows[case]` is its row there, -1 where it has none that is the same.

    `new`, `changed`: numbers of cases of the plan that the baseline does not have, or has with other content; `gone`:
    of cases of the baseline that the plan does not have.
    """

    baseline: Baseline
    plan: Plan
    rows: np.ndarray
    new: int
    changed: int
    gone: int
    _asked: dict[str, np.ndarray] = field(default_factory=dict)

    def common(self, probe: ProbePlan) -> np.ndarray:
        """Which cases of the plan were asked the same by this probe."""
        name = probe.probe.name
        if name not in self._asked:
            stored = self.baseline.probes.get(name)
            same = np.zeros(len(self.rows), dtype=bool)
            if stored is not None and stored.hash == probe_hash(probe.probe):
                now = _asked(self.plan, probe)
                for case in np.flatnonzero(self.rows >= 0):
                    same[case] = now[case] != "" and now[case] == stored.asked[self.rows[case]]
            self._asked[name] = same
        return self._asked[name]

    def then(self, probe: ProbePlan) -> Then:
        """The stored contrasts of a probe by case of the plan, NaN where the case was not asked the same."""
        stored = self.baseline.probes.get(probe.probe.name)
        if stored is None:
            return {}
        common = self.common(probe)
        return {name: self._spread(values, common) for name, values in stored.contrasts.items()}

    def lost(self, probe: ProbePlan) -> np.ndarray:
        """The stored shares of calls without a verdict, by case of the plan."""
        stored = self.baseline.probes[probe.probe.name]
        return self._spread(stored.lost, self.common(probe))

    def accuracy(self) -> tuple[np.ndarray, np.ndarray]:
        """The stored shares right, and those of source calls without a verdict, by case of the plan."""
        stored, common = self.baseline.accuracy, self.rows >= 0
        return self._spread(stored.values, common), self._spread(stored.lost, common)

    def _spread(self, values: np.ndarray, common: np.ndarray) -> np.ndarray:
        out = np.full(len(self.rows), np.nan)
        out[common] = values[self.rows[common]]
        return out


def align(baseline: Baseline, plan: Plan) -> Alignment:
    """Lay `baseline` over `plan`: equal ids with equal content."""
    row_of = {key: row for row, key in enumerate(baseline.cases)}
    contents = list(baseline.cases.values())
    rows = np.full(len(plan.cases), -1, dtype=np.int64)
    new = changed = 0
    for number, case in enumerate(plan.cases):
        row = row_of.get(case_key(case))
        if row is None:
            new += 1
        elif contents[row] != case_content(case):
            changed += 1
        else:
            rows[number] = row
    return Alignment(baseline, plan, rows, new, changed, len(row_of) - (len(plan.cases) - new))


# ------------------------------------------------------------------------------------------------------------- taking


def snapshot(
    plan: Plan,
    answers: Answers,
    measured: Sequence[Measured | None],
    findings: Mapping[str, Finding],
    dial: Discrimination,
    *,
    judge: Mapping[str, str],
    suite_hash: str,
    cases_path: str,
    perturbation_seed: int,
    alpha: float,
    locked: bool,
    created: str,
    voirdire: str,
) -> Baseline:
    """The run as a baseline; `measured` has one entry a probe of the plan."""
    keys = [case_key(case) for case in plan.cases]
    _, right = accuracy_values(plan, answers)
    order = np.argsort(np.asarray(keys), kind="stable")
    tag = _tag(judge)
    pairs = sorted(zip(plan.probes, measured, strict=True), key=lambda pair: pair[0].probe.name)
    return Baseline(
        voirdire=voirdire,
        created=created,
        alpha=alpha,
        task=plan.task,
        scale=(plan.scale.low, plan.scale.high),
        samples=plan.samples,
        perturbation_seed=perturbation_seed,
        judge=dict(judge),
        suite=plan.suite.name,
        suite_hash=suite_hash,
        cases_path=cases_path,
        locked=locked,
        cases={keys[i]: case_content(plan.cases[i]) for i in order},
        probes={
            p.probe.name: _stored(plan, p, m, findings[p.probe.name], answers, order, tag)
            for p, m in pairs
            if m is not None
        },
        accuracy=StoredAccuracy(
            measure=dial.measure,
            decision=dial.decision,
            accuracy=dial.accuracy,
            values=right[order],
            lost=null_shares(answers, plan.sources)[order],
            labels=_labels(plan, order) if dial.measure in UNEVEN else (),
        ),
        groups=_clusters(plan, keys, order),
    )


def _clusters(plan: Plan, keys: Sequence[str], order: np.ndarray) -> dict[str, str]:
    """The cluster of each case that is not one by itself, under the name of a group or of its first case."""
    names: dict[int, str] = {}
    sizes = np.bincount(plan.groups)
    for i in order:
        group = plan.cases[i].group
        if group is not None:
            names.setdefault(int(plan.groups[i]), content_hash(group)[:8])
    for i in order:
        if sizes[plan.groups[i]] > 1:
            names.setdefault(int(plan.groups[i]), content_hash(keys[i])[:8])
    return {keys[i]: names[cluster] for i in order if (cluster := int(plan.groups[i])) in names}


def _stored(
    plan: Plan, probe: ProbePlan, m: Measured, finding: Finding, answers: Answers, order: np.ndarray, tag: str
) -> StoredProbe:
    contrasts = {}
    for name, (values, cases) in sorted(m.contrasts.items()):
        spread = np.full(len(plan.cases), np.nan)
        spread[cases] = values
        contrasts[name] = spread[order]
    asked = _asked(plan, probe)
    return StoredProbe(
        name=probe.probe.name,
        hash=probe_hash(probe.probe),
        decision=finding.decision,
        reason=finding.reason,
        effect=finding.effect,
        asked=tuple(asked[i] for i in order),
        contrasts=contrasts,
        lost=lost_shares(plan, probe, answers)[order],
        judge=tag,
    )


def _tag(judge: Mapping[str, str]) -> str:
    # without the time: a probe whose outcomes did not change keeps its line, and merges stay clean
    return content_hash(dict(judge))[:8]


def case_key(case: Case) -> str:
    """The case's id, hashed: ids may say what nobody outside should read."""
    return hashlib.sha256(case.id.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def case_content(case: Case) -> str:
    """Hash of what is judged, and of the label, which decides what is edited."""
    label = list(case.label) if isinstance(case.label, tuple) else case.label
    return content_hash([case.shown(), label])[:12]


def probe_hash(probe: Probe) -> str:
    """Hash of what decides what a probe asks. Its tolerance is no part of that."""
    row = [probe.name, probe.perturbation, str(probe.relation), probe.target, probe.dose, probe.sham]
    return content_hash(row)[:12]


#: relations whose flips are compared with those under the neutral edit
_NEUTRAL = (Relation.INVARIANT, Relation.EQUIVARIANT)


def _asked(plan: Plan, probe: ProbePlan) -> list[str]:
    """Per case, a short hash of all that the probe shows beside the source; "" where it does not apply.

    What is aimed at the judge's own prompt counts as the same whatever it says: a new prompt is attacked with text
    made of it, and how far that gets is what a gate compares.
    """
    aimed = probe.probe.perturbation is not None and is_aimed(probe.probe.perturbation)
    texts: list[list[str]] = [[] for _ in plan.cases]
    for index, item in enumerate(probe.items):
        shown = texts[item.case]
        shown.append(str(item.target))
        for arm in () if aimed else (probe.follow_up, probe.sham):
            shown += _contents(plan, arm, index)
    if probe.probe.relation in _NEUTRAL and probe.probe.name != NEUTRAL and plan.neutrals is not None:
        for case in set(probe.cases.tolist()):
            if plan.neutral_cases[case] >= 0:
                texts[case] += _contents(plan, plan.neutrals, int(plan.neutral_cases[case]))
    return ["" if not t else hashlib.sha256("|".join(t).encode()).hexdigest()[:3] for t in texts]


def _contents(plan: Plan, arm: Arm | None, index: int) -> list[str]:
    return [] if arm is None else [plan.calls[int(row[0])].content for row in arm.calls[index]]


def _labels(plan: Plan, order: np.ndarray) -> tuple[str, ...]:
    """A short hash of each case's label: they only tell which cases have the same one."""
    labels = labels_of(plan.cases)[order].tolist()
    known = {x: content_hash(x)[:3] for x in set(labels) if x == x}
    return tuple(known.get(x, "") for x in labels)


def lost_shares(plan: Plan, probe: ProbePlan, answers: Answers) -> np.ndarray:
    """Share of the calls of each case under a probe that gave no verdict; NaN where none was asked."""
    sums, counts = np.zeros(len(plan.cases)), np.zeros(len(plan.cases))
    cases = probe.cases
    for arm in (probe.source, probe.follow_up, probe.sham):
        if arm is None:
            continue
        shares = null_shares(answers, arm)
        known = ~np.isnan(shares)
        np.add.at(sums, cases[known], shares[known])
        np.add.at(counts, cases[known], 1)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)


# -------------------------------------------------------------------------------------------------------------- judge


def judge_parts(judge: Judge, served_model: str | None) -> dict[str, str]:
    """What a judge's fingerprint is made of, as far as it tells: short hashes and names, no texts, no keys.

    Always `spec` and `fingerprint`; `model` as served, or as asked for where the service does not say; of prompted
    judges also `prompt`, `parser`, `parameters` and `endpoint`.
    """
    parts = {"spec": redact(judge.spec), "fingerprint": judge.fingerprint[:16]}
    if served_model:
        parts["model"] = served_model
    protocol, chat = getattr(judge, "protocol", None), getattr(judge, "chat", None)
    if protocol is None or chat is None:
        return parts
    identity = dict(chat.identity)
    parts.setdefault("model", str(identity.get("model", chat.name)))
    parts["prompt"] = content_hash([protocol.system, protocol.user])[:12]
    parts["parser"] = f"{protocol.parser} {getattr(judge, 'reading', '')}".rstrip()
    parts["endpoint"] = content_hash([identity.get("url"), identity.get("query")])[:12]
    rest = {k: v for k, v in identity.items() if k not in ("model", "url", "query")}
    parts["parameters"] = content_hash(rest)[:12]
    return parts
