"""The gate: what a run, by itself and against a stored one, means for a build.

Here: which regression tests a run gets and what speaks against believing them, what differs between the two runs, and
the one state and exit code that all of it adds up to. Pure functions of finished runs; the tests are in
statistics/change.py, the wiring and the command in the doors.

With a baseline the gate is about *getting worse*: it fails on a regression, and on a violation that is new, that is,
of a probe that held in the baseline (or that the baseline does not have). A violation the baseline had already, or
could not rule out, is shown and does not fail: otherwise no judge with a known weakness could ever be gated, and one
near its tolerance would turn red by chance. For a probe with a true effect beyond the tolerance "held then" is an
error of probability alpha at most, for one within it "violated now" is; so a new violation is as rare as either.

An open test leaves the gate green if growth beyond the resolution (three margins unless told otherwise) is ruled out
and something was shown to be not worse. A noisy judge leaves some tests open at the margin in nearly every run; a build
that is red for ever tests nothing. With the resolution set to the margin every open test ends in exit 3.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from voirdire.harness.baseline import Alignment, StoredProbe, lost_shares, probe_hash
from voirdire.harness.errors import ExitCode
from voirdire.harness.findings import Audit, Finding, Findings
from voirdire.harness.plan import ProbePlan
from voirdire.harness.relations import Relation
from voirdire.harness.statistics.accuracy import UNEVEN, labels_of, pseudo_values
from voirdire.harness.statistics.arms import Answers
from voirdire.harness.statistics.change import RESOLUTION, Asked, Change, Test, change_of, decide, paired_rise
from voirdire.harness.statistics.discrimination import accuracy_values
from voirdire.harness.statistics.estimands import Measured
from voirdire.harness.statistics.means import estimate
from voirdire.harness.statistics.nulls import Gaps, at_worst, differential, null_shares, pushed

__all__ = ["DISCRIMINATION", "Absolute", "Gate", "State", "differences", "judge_gate", "mismatches", "regressions"]

#: name of the regression test of accuracy, beside those of the probes
DISCRIMINATION = "discrimination"
#: which violations of tolerances fail a gate that has a baseline
Absolute = Literal["new", "all", "off"]
State = Literal["held", "regressed", "violated", "inconclusive"]

#: relations that hold by themselves for a judge that does not read
_READING = (Relation.NO_GAIN, Relation.INVARIANT, Relation.RETEST)
_NULLS_DIFFER = "verdicts are missing more often in one of the two runs, so what is left is a selection"
_MAY_HIDE = "verdicts are missing more often in one of the two runs, and could hide that it got worse"
_NOT_ASKED_ALIKE = "the baseline did not ask this of any of these cases"
_GONE = "it does not apply to any case now"


@dataclass(frozen=True, slots=True)
class Gate:
    """A finished gate. `audit` holds the findings with what became of them; `changes` every regression test.

    `red`: what fails the gate, by name. `known`: violations that the baseline had already. `said`: what differs in the
    judge, which is what a gate tests; `mismatches`: what differs in what was asked. `run`: its number among the gates
    against one baseline, where they are counted; `alpha` is then this run's part of the error rate.
    """

    state: State
    code: ExitCode
    audit: Audit
    changes: tuple[Change, ...] = ()
    red: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    said: tuple[str, ...] = ()
    mismatches: tuple[str, ...] = ()
    against: str | None = None
    alpha: float = 0.05
    run: int | None = None

    @property
    def regressed(self) -> list[Change]:
        """The largest change first."""
        worse = [c for c in self.changes if c.state == "regressed"]
        return sorted(worse, key=lambda c: (-(c.change or 0.0), c.probe))

    @property
    def open(self) -> list[Change]:
        """Undecided tests, also those that are bounded."""
        return [c for c in self.changes if c.state == "inconclusive"]

    @property
    def unbounded(self) -> list[Change]:
        """Undecided tests that keep the gate from being green."""
        return [c for c in self.open if not c.bounded]


# ------------------------------------------------------------------------------------------------------- regressions


def regressions(
    alignment: Alignment,
    answers: Answers,
    measured: Sequence[Measured | None],
    findings: Mapping[str, Finding],
    *,
    locked: bool,
    margin: float,
    alpha: float,
    alpha_hold: float,
    family: int,
    resolution: float | None = None,
) -> list[Change]:
    """Every regression test of the run, decided: one a probe that applies in one of the runs, and accuracy.

    `measured` has one entry a probe of the plan; `locked`: the judge chooses by slot now; the rest as in `decide`.
    """
    asked = []
    worst: dict[str, list[Test | None]] = {}
    for probe, m in zip(alignment.plan.probes, measured, strict=True):
        stored = alignment.baseline.probes.get(probe.probe.name)
        if m is not None:
            asked.append(_asked_of(alignment, probe, m, stored, findings[probe.probe.name], answers, locked))
            worst[probe.probe.name] = _at_worst(alignment, probe, m, answers)
        elif stored is not None:
            asked.append(Asked(probe.probe.name, None, _GONE))
    if (accuracy := _accuracy(alignment, answers)) is not None:
        asked.append(accuracy[0])
        worst[DISCRIMINATION] = [accuracy[1]]
    changes = decide(asked, margin=margin, alpha=alpha, alpha_hold=alpha_hold, family=family, resolution=resolution)
    limit = RESOLUTION * margin if resolution is None else max(margin, resolution)
    return [_doubted(change, worst.get(change.probe, []), limit, alpha_hold) for change in changes]


def _at_worst(alignment: Alignment, probe: ProbePlan, m: Measured, answers: Answers) -> list[Test | None]:
    """The regression test of a probe if the verdicts that one run lacks more than the other had been at either end;
    empty where none are."""
    # of the baseline the mean over the arms is known, and all that is missing may be of the one that matters
    arms = sum(arm is not None for arm in (probe.source, probe.follow_up, probe.sham))
    gap = arms * (lost_shares(alignment.plan, probe, answers) - alignment.lost(probe))
    if not np.nansum(gap):
        return []
    groups, then = alignment.plan.groups, alignment.then(probe)
    return [change_of(at_worst(m, Gaps(gap), groups, estimate, upper=upper), then, groups) for upper in (True, False)]


def _doubted(change: Change, worst: Sequence[Test | None], limit: float, hold: float) -> Change:
    """NOT_WORSE, and the bound of an open test, must hold at the worst as well."""
    tests = [test for test in worst if test is not None]
    bounded = change.bounded and all(test.holds(limit, hold) for test in tests)
    if change.state == "not_worse" and not all(test.holds(change.margin, hold) for test in tests):
        return replace(change, state="inconclusive", reason=_MAY_HIDE, bounded=bounded)
    return replace(change, bounded=bounded)


def _asked_of(
    alignment: Alignment,
    probe: ProbePlan,
    m: Measured,
    stored: StoredProbe | None,
    finding: Finding,
    answers: Answers,
    locked: bool,
) -> Asked:
    name = probe.probe.name
    test = change_of(m, alignment.then(probe), alignment.plan.groups)
    if stored is None or test is None:
        return Asked(name, None, finding.reason if m.node is None else _NOT_ASKED_ALIKE)
    if "differential_nulls" in (finding.reason, stored.reason):
        return Asked(name, test, "differential_nulls")
    if probe.probe.relation in _READING and (locked or alignment.baseline.locked):
        # a verdict that says where an answer stood shows no edit and repeats itself, in whichever of the runs it was
        return Asked(name, test, "position_locked")
    if differential(lost_shares(alignment.plan, probe, answers) - alignment.lost(probe)):
        return Asked(name, test, _NULLS_DIFFER)
    return Asked(name, test)


def _accuracy(alignment: Alignment, answers: Answers) -> tuple[Asked, Test | None] | None:
    """The rise of the share of errors on unchanged cases, also at the worst; None where no case has a usable label."""
    plan = alignment.plan
    measure, now = accuracy_values(plan, answers)
    then, lost = alignment.accuracy()
    if np.isnan(now).all() and np.isnan(alignment.baseline.accuracy.values).all():
        return None
    labels = labels_of(plan.cases) if measure in UNEVEN else None
    test = _errors(measure, now, then, labels, plan.groups)
    if test is None:
        return Asked(DISCRIMINATION, None, _NOT_ASKED_ALIKE), None
    gap = null_shares(answers, plan.sources) - lost
    worst = _errors(measure, 1 - pushed(1 - now, gap, 1.0, 0.0, 1.0), then, labels, plan.groups)
    return Asked(DISCRIMINATION, test, _NULLS_DIFFER if differential(gap) else None), worst


def _errors(
    measure: str, now: np.ndarray, then: np.ndarray, labels: np.ndarray | None, groups: np.ndarray
) -> Test | None:
    """The rise of 1 - the accuracy, from the shares right by case."""
    both = ~np.isnan(now - then)
    was, is_ = (pseudo_values(measure, np.where(both, x, np.nan), labels) for x in (then, now))
    lo, hi = min(1 - was.hi, 1 - is_.hi), max(1 - was.lo, 1 - is_.lo)
    return paired_rise("errors", 1 - is_.values, 1 - was.values, groups, lo=lo, hi=hi)


# ------------------------------------------------------------------------------------------------- what is different

#: parts of a judge (baseline.judge_parts) whose changes are said one by one; those in _NAMES are names, no hashes
_PARTS = ("model", "prompt", "parameters", "parser", "endpoint")
_NAMES = ("model", "parser")


def differences(then: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """What changed in the judge, part by part: "prompt changed: 3f9c -> a71e". Empty for the same judge."""
    out = []
    for part in _PARTS:
        a, b = then.get(part), now.get(part)
        if a != b:
            whole = part in _NAMES
            out.append(f"{part} changed: {_short(a, whole)} -> {_short(b, whole)}")
    if not out and then["fingerprint"] != now["fingerprint"]:
        if then["spec"] != now["spec"]:
            return [f"judge changed: {then['spec']} -> {now['spec']}"]
        out.append(f"judge changed: {_short(then['fingerprint'])} -> {_short(now['fingerprint'])}")
    return out


def _short(value: str | None, whole: bool = False) -> str:
    return "none" if value is None else value if whole else value[:4]


def mismatches(alignment: Alignment, *, chosen_probes: bool, chosen_cases: bool, suite: str) -> list[str]:
    """What was asked differently in the two runs, a sentence each.

    `chosen_probes`, `chosen_cases`: the user took only some of them, so that missing ones are no surprise.
    """
    baseline, plan = alignment.baseline, alignment.plan
    out = []
    asked = {p.probe.name: p for p in plan.probes}
    new = sorted(set(asked) - set(baseline.probes) - {n for n, p in asked.items() if not p.items})
    gone = sorted(set(baseline.probes) - set(asked))
    other = sorted(
        n for n, p in asked.items() if n in baseline.probes and baseline.probes[n].hash != probe_hash(p.probe)
    )
    if new or other or (gone and not chosen_probes):
        which = [f"{_some(new)} not in the baseline"] if new else []
        which += [f"{_some(gone)} only in the baseline"] if gone and not chosen_probes else []
        which += [f"{_some(other)} asked differently"] if other else []
        name = f"suite {suite}" if suite == baseline.suite else f"suite {suite}, the baseline's is {baseline.suite}"
        out.append(f"{name}: {'; '.join(which)}")
    if alignment.new or alignment.changed or (alignment.gone and not chosen_cases):
        counts = [f"{alignment.new:,} new"] if alignment.new else []
        counts += [f"{alignment.changed:,} changed"] if alignment.changed else []
        counts += [f"{alignment.gone:,} gone"] if alignment.gone and not chosen_cases else []
        same = int(np.sum(alignment.rows >= 0))
        out.append(f"cases: {', '.join(counts)}; {same:,} of {len(baseline.cases):,} are the same")
    edited = sorted(
        n for n, p in asked.items()
        if n in baseline.probes and n not in other and p.items and _asked_otherwise(alignment, p)
    )  # fmt: skip
    if edited:
        out.append(f"follow-ups: the texts of {_some(edited)} are made differently (another version of voirdire?)")
    if plan.samples != baseline.samples:
        out.append(f"samples an arm: {plan.samples}, the baseline has {baseline.samples}")
    if baseline.mixed:
        out.append(f"the baseline was merged from runs of several judges: {_some(baseline.mixed)} are of another one")
    return out


def _asked_otherwise(alignment: Alignment, probe: ProbePlan) -> bool:
    """Are there cases that both runs have, but with other follow-ups?"""
    stored = alignment.baseline.probes[probe.probe.name]
    common = alignment.common(probe)
    both = {case for case in set(probe.cases.tolist()) if (row := alignment.rows[case]) >= 0 and stored.asked[row]}
    return any(not common[case] for case in both)


def _some(names: Sequence[str], most: int = 3) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


# ------------------------------------------------------------------------------------------------------------ verdict


def judge_gate(
    audit: Audit,
    changes: Sequence[Change] = (),
    alignment: Alignment | None = None,
    *,
    absolute: Absolute = "new",
    open_passes: bool = False,
    said: Sequence[str] = (),
    differing: Sequence[str] = (),
    alpha: float | None = None,
    run: int | None = None,
) -> Gate:
    """The gate's state and exit code. Stopped runs and a judge that never answered come before every finding."""
    against = alignment.baseline if alignment is not None else None
    violated = [f.probe for f in audit.findings.decided("violated")]
    if audit.discrimination.decision == "violated":
        violated.append(DISCRIMINATION)
    held_then = set() if alignment is None else _held(alignment)
    counted = violated
    if against is not None:
        new = [n for n in violated if n in held_then or (n != DISCRIMINATION and n not in against.probes)]
        counted = {"new": new, "all": violated, "off": []}[absolute]
    regressed = [c.probe for c in changes if c.state == "regressed"]
    open_ = any(c.state == "inconclusive" and not c.bounded for c in changes)
    undecided = audit.verdict == "inconclusive" if against is None else open_
    if against is not None and absolute == "all":
        undecided = undecided or bool(audit.findings.decided("inconclusive"))
    if against is None:
        decided = any(f.decision in ("holds", "violated") for f in audit.findings.values())
    else:
        decided = any(c.state != "inconclusive" for c in changes)
    state: State = "held" if decided and not undecided else "inconclusive"
    if regressed or counted:
        state = "regressed" if regressed else "violated"
    gate = Gate(
        state=state,
        code=_code(audit, state, tolerated=open_passes and decided),
        audit=audit,
        changes=tuple(changes),
        red=(*regressed, *(n for n in counted if n not in regressed)),
        known=tuple(n for n in violated if n not in counted and n not in regressed),
        said=tuple(said),
        mismatches=tuple(differing),
        against=against.created if against is not None else None,
        alpha=audit.alpha if alpha is None else alpha,
        run=run,
    )
    return replace(gate, audit=_with_changes(gate))


def _held(alignment: Alignment) -> set[str]:
    """What held in the baseline."""
    stored = alignment.baseline
    held = {p.name for p in stored.probes.values() if p.decision == "holds"}
    return held | ({DISCRIMINATION} if stored.accuracy.decision == "holds" else set())


def _code(audit: Audit, state: State, *, tolerated: bool) -> ExitCode:
    if audit.stopped == "interrupted":
        return ExitCode.INTERRUPTED
    if audit.verdict == "error":
        return ExitCode.JUDGE
    if audit.stopped == "budget":
        return ExitCode.BUDGET
    if state in ("regressed", "violated"):
        return ExitCode.VIOLATED
    if state == "inconclusive":
        return ExitCode.OK if tolerated else ExitCode.INCONCLUSIVE
    return ExitCode.OK


def _with_changes(gate: Gate) -> Audit:
    """The audit with each finding's change since the baseline, and the gate's outcome among its metrics."""
    by_name = {c.probe: c for c in gate.changes}
    findings = [_changed(f, by_name[f.probe]) if f.probe in by_name else f for f in gate.audit.findings.values()]
    outcome: dict[str, Any] = {"state": gate.state, "exit_code": int(gate.code), "red": list(gate.red)}
    if gate.against is not None:
        outcome |= {
            "baseline": gate.against,
            "alpha": gate.alpha,
            "run": gate.run,
            "known": list(gate.known),
            "judge": list(gate.said),
            "mismatches": list(gate.mismatches),
        }
    if (c := by_name.get(DISCRIMINATION)) is not None:
        outcome[DISCRIMINATION] = {
            "state": c.state, "reason": reason_of(c), "error_rate_then": c.then, "error_rate_now": c.now,
            "change": c.change, "low": c.low, "high": c.high, "margin": c.margin, "p_adjusted": c.p_adjusted,
            "bounded": c.bounded,
        }  # fmt: skip
    return replace(gate.audit, findings=Findings(findings), metrics={**gate.audit.metrics, "gate": outcome})


def _changed(finding: Finding, change: Change) -> Finding:
    return replace(
        finding,
        baseline_effect=change.then,
        change=change.change,
        change_low=change.low,
        change_high=change.high,
        margin=change.margin,
        regression=change.state,
        regression_reason=reason_of(change),
    )


def reason_of(change: Change) -> str | None:
    """Why a regression test is open: a reason that reports have words for, or the words themselves."""
    if change.reason == "undecided":
        if change.more_cases is None:
            return "more cases alone may not decide it"
        return f"about {change.more_cases:,} more cases in both runs would decide"
    return _NOT_ASKED_ALIKE if change.reason == "not_in_baseline" else change.reason
