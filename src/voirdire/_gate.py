"""Wiring of the gate: baseline and request in, audit, comparison and exit code out.

A gate is an audit with the baseline's follow-ups whose answers are its own: calls of earlier runs are not reused, or
the gate would only read yesterday's judge. Yet what is paid for is not lost: until a run is complete its answers are
kept under a name of their own (engine/store.py), and the same command of the same user goes on where it stopped. The
command line is a thin layer over `gate_async`, which also stores the run (`voirdire baseline` keeps just that); the
decisions are in harness/gate.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from voirdire import __version__
from voirdire._compose import AuditRequest, AuditResult, Prepared, audit_async, prepare
from voirdire.harness.baseline import Alignment, Baseline, align, judge_parts, snapshot
from voirdire.harness.cases import Case, Task, content_hash
from voirdire.harness.engine.events import Event, RunAnew
from voirdire.harness.engine.store import CallStore
from voirdire.harness.errors import UsageError
from voirdire.harness.followups import FollowUps
from voirdire.harness.gate import Absolute, Gate, differences, judge_gate, mismatches, regressions
from voirdire.harness.judges.base import Judge, Traits
from voirdire.harness.plan import build_plan
from voirdire.harness.statistics.analyse import is_locked
from voirdire.harness.statistics.arms import Answers
from voirdire.harness.statistics.change import MARGIN
from voirdire.harness.statistics.clean import Clean
from voirdire.harness.statistics.estimands import Measured, measure
from voirdire.harness.statistics.side_by_side import StoredRun
from voirdire.harness.verdicts import Scale, Verdict
from voirdire.suites.loading import load_suite

__all__ = [
    "Drifting",
    "GateRequest",
    "GateResult",
    "PreparedGate",
    "as_run",
    "gate_async",
    "prepare_gate",
]

#: an interrupted run is resumed by the same command within this time; later its answers are too old to mix
RESUME_WITHIN_SECONDS = 24 * 3600.0
_NOT_OURS = "The cache's unfinished run of this gate was not opened here by this user: everything is asked anew."


@dataclass(frozen=True, slots=True)
class Drifting:
    """The place of a gate among those against one baseline: `run` counts from 1, `alpha` is its part."""

    run: int
    alpha: float


@dataclass(frozen=True, slots=True)
class GateRequest:
    """What a gate is told beyond its audit.

    `absolute`: which violations of tolerances fail it beside a baseline. `warn`: compare what is comparable although
    something was asked differently. `open_passes`: undecided tests do not fail it. `reuse`: answers of earlier runs
    will do. `margin` in utility units; `resolution`: growth that must be ruled out for an open test to leave the gate
    green (None: three margins).
    """

    audit: AuditRequest = field(default_factory=AuditRequest)
    baseline: Baseline | None = None
    margin: float = MARGIN
    resolution: float | None = None
    absolute: Absolute = "new"
    warn: bool = False
    open_passes: bool = False
    reuse: bool = False
    drifting: Drifting | None = None


@dataclass(frozen=True, slots=True)
class PreparedGate:
    """A planned gate: nothing has been asked yet. `mismatches` are what was asked differently in the baseline.

    `family` counts the regression tests of the whole suite.
    """

    request: GateRequest
    prepared: Prepared
    alignment: Alignment | None
    mismatches: tuple[str, ...]
    family: int


@dataclass(frozen=True, slots=True)
class GateResult:
    """A finished gate: its `outcome`, the audit with what became of each finding, and the run as a baseline."""

    outcome: Gate
    result: AuditResult
    stored: Baseline


def prepare_gate(task: Task, scale: Scale, request: GateRequest, *, traits: Traits | None = None) -> PreparedGate:
    """Plan the gate with the baseline's follow-ups and compare what will be asked with what was. Raises UsageError."""
    baseline = request.baseline
    audit = request.audit
    if baseline is not None:
        _check_scale(baseline, task, scale)
    prepared = prepare(task, scale, audit, traits=traits)
    if baseline is not None and baseline.perturbation_seed != FollowUps().seed:
        plan = prepared.plan
        followups = FollowUps(baseline.perturbation_seed, prompt=(traits or Traits()).prompt)
        again = build_plan(
            plan.suite,
            plan.cases,
            task=task,
            scale=scale,
            followups=followups,
            samples=plan.samples,
            setups=(traits or Traits()).setups,
        )
        prepared = replace(prepared, plan=again)
    suite = load_suite(audit.suite, audit.suite_source) if isinstance(audit.suite, str) else audit.suite
    family = sum(task in probe.tasks for probe in suite.probes) + 1  # and accuracy
    if baseline is None:
        return PreparedGate(request, prepared, None, (), family)
    alignment = align(baseline, prepared.plan)
    chosen_cases = audit.limit is not None or bool(audit.case_ids)
    found = mismatches(alignment, chosen_probes=bool(audit.probes), chosen_cases=chosen_cases, suite=suite.name)
    if found and not request.warn:
        raise UsageError(
            "the baseline was not asked the same:\n" + "\n".join(f"  {line}" for line in found),
            hint="Store a new baseline with `voirdire baseline`, or compare what is comparable with "
            "--baseline-mismatch warn.",
        )
    return PreparedGate(request, prepared, alignment, tuple(found), family)


def _check_scale(baseline: Baseline, task: Task, scale: Scale) -> None:
    if task != baseline.task:
        raise UsageError(
            f"the judge is a {task} judge, the baseline is of a {baseline.task} judge: nothing can be compared",
            hint=f"Give --task {baseline.task}, or a baseline of a {task} judge.",
        )
    if task == "score" and (scale.low, scale.high) != baseline.scale:
        low, high = baseline.scale
        raise UsageError(
            f"the judge scores from {scale.low:g} to {scale.high:g}, the baseline's from {low:g} to {high:g}",
            hint=f"Give --scale {low:g}:{high:g}, or a baseline on this scale.",
        )


async def gate_async(
    judge: Judge, ready: PreparedGate, *, emit: Callable[[Event], None] = lambda _event: None
) -> GateResult:
    """Run a gate. The judge is closed at the end; answers of a run that did not finish are kept for the next try."""
    request = ready.request
    result = await _run_afresh(judge, ready, emit=emit)
    read = _read(judge, result)
    stored = _stored(judge, ready, result, read)
    if ready.alignment is None:
        outcome = judge_gate(result.audit, open_passes=request.open_passes)
    else:
        drifting = request.drifting
        alpha = result.audit.alpha if drifting is None else drifting.alpha
        changes = regressions(
            ready.alignment,
            read.answers,
            read.measured,
            result.audit.findings,
            locked=read.locked,
            margin=request.margin,
            alpha=alpha,
            alpha_hold=result.audit.alpha,
            family=ready.family,
            resolution=request.resolution,
        )
        outcome = judge_gate(
            result.audit,
            changes,
            ready.alignment,
            absolute=request.absolute,
            open_passes=request.open_passes,
            said=differences(ready.alignment.baseline.judge, stored.judge),
            differing=ready.mismatches,
            alpha=alpha,
            run=None if drifting is None else drifting.run,
        )
    return GateResult(outcome, replace(result, audit=outcome.audit), stored)


def as_run(label: str, path: str, judge: Judge, result: GateResult) -> StoredRun:
    """A finished run as a column of a comparison, with its verdicts on clean text."""
    plan = result.result.plan
    clean = Clean.of(plan, Answers.of(plan, result.result.run.verdicts, soft=judge.soft))
    return StoredRun(label, path, result.outcome.audit, result.stored, getattr(judge, "most_calls", 1), clean)


@dataclass(frozen=True, slots=True)
class _Read:
    """A run as the statistics read it; `measured` has one entry a probe of the plan."""

    answers: Answers
    measured: list[Measured | None]
    locked: bool


def _read(judge: Judge, result: AuditResult) -> _Read:
    plan = result.plan
    answers = Answers.of(plan, result.run.verdicts, soft=judge.soft)
    measured = [measure(plan, probe, answers) if probe.items else None for probe in plan.probes]
    return _Read(answers, measured, is_locked(plan, answers))


def _stored(judge: Judge, ready: PreparedGate, result: AuditResult, read: _Read) -> Baseline:
    audit = result.audit
    baseline = ready.request.baseline
    return snapshot(
        result.plan,
        read.answers,
        read.measured,
        audit.findings,
        audit.discrimination,
        judge=judge_parts(judge, audit.served_model),
        suite_hash=audit.suite_hash,
        cases_path=audit.cases_path,
        perturbation_seed=FollowUps().seed if baseline is None else baseline.perturbation_seed,
        alpha=audit.alpha,
        locked=read.locked,
        created=audit.created,
        voirdire=__version__,
    )


# ------------------------------------------------------------------------------------------------------ a run's calls


class _Own:
    """A judge whose answers are kept under another fingerprint. All else is the judge's own."""

    def __init__(self, judge: Judge, fingerprint: str) -> None:
        self._judge = judge
        self.fingerprint = fingerprint
        self.name = judge.name
        self.spec = judge.spec
        self.task: Task = judge.task
        self.scale = judge.scale
        self.reusable = judge.reusable
        self.paid = judge.paid
        self.soft = judge.soft
        self.concurrency = judge.concurrency
        self.deterministic = judge.deterministic

    async def judge(self, case: Case, *, sample: int) -> Verdict:
        return await self._judge.judge(case, sample=sample)

    async def aclose(self) -> None:
        await self._judge.aclose()


async def _run_afresh(judge: Judge, ready: PreparedGate, *, emit: Callable[[Event], None]) -> AuditResult:
    """The audit with answers of its own: those of an unfinished run of the same gate, and fresh ones."""
    prepared, baseline = ready.prepared, ready.request.baseline
    cache = prepared.request.cache
    if ready.request.reuse or cache is None or not judge.reusable:
        return await audit_async(judge, prepared=prepared, emit=emit)
    # a gate must not share answers with the making of a baseline, finished or not: their noise would be the same
    purpose = "" if baseline is None else baseline.run
    name = content_hash([purpose, judge.fingerprint, [[c.content, c.sample] for c in prepared.plan.calls]])
    with CallStore(cache) as store:
        own = store.open_run(name, judge.fingerprint, within=RESUME_WITHIN_SECONDS)
        refused = store.refused_run
    if refused:
        emit(RunAnew(_NOT_OURS))
    result = await audit_async(_Own(judge, own), prepared=prepared, emit=emit)
    if result.run.stopped is None:
        with CallStore(cache) as store:
            store.finish_run(name, judge.fingerprint)
    return replace(result, audit=replace(result.audit, fingerprint=judge.fingerprint))
