"""The one place that wires judge, cases, suite, plan, engine, statistics and reports together.

The command line, the pytest plugin and the public functions are thin layers over `audit_async`.
"""

from __future__ import annotations

import datetime as dt
import functools
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from voirdire._case_notes import case_notes
from voirdire._case_source import cases_of
from voirdire._in_blocks import InBlocks, LongRun, run_in_blocks
from voirdire._rounds import run_in_rounds
from voirdire.harness.blocks import Blocks
from voirdire.harness.casefiles import BUILTIN, cases_hash, check_needs
from voirdire.harness.cases import Case, Task, shown_hash
from voirdire.harness.engine.events import Event
from voirdire.harness.engine.runner import Limits, Run, run_calls
from voirdire.harness.engine.store import CallStore
from voirdire.harness.errors import JudgeUnreachable, UsageError, nearest
from voirdire.harness.findings import Audit, Calls, CounterExample, Findings
from voirdire.harness.followups import Check, FollowUps
from voirdire.harness.judges.base import Judge, Traits, facts_of, traits_of
from voirdire.harness.judges.grammar import leaves
from voirdire.harness.judges.trust import IN_PERSON, Source
from voirdire.harness.numbers import need_count, need_share
from voirdire.harness.papers import PaperResult
from voirdire.harness.plan import Plan, build_plan
from voirdire.harness.probes import Suite
from voirdire.harness.verdicts import Verdict
from voirdire.perturbations.rewritten import using
from voirdire.suites.builtin_cases import spread
from voirdire.suites.loading import load_suite, narrow, suite_hash

if TYPE_CHECKING:
    import pandas as pd

    from voirdire._examples import Asked
    from voirdire.harness.statistics.looks import Looks

__all__ = ["AuditRequest", "AuditResult", "Mode", "audit_async", "cases_of", "prepare"]

Mode = Literal["fixed", "sequential", "anytime"]
Cases = str | Path | Iterable[Case | dict[str, Any]]

#: more cases than this are planned and asked about in blocks
LARGE = 4_000
DEFAULT_CACHE = Path(".voirdire") / "calls.sqlite"


@dataclass(frozen=True, slots=True)
class AuditRequest:
    """Everything an audit is told, apart from the judge.

    `cases` None takes the built-in ones; `cache` None keeps nothing. `mode` "sequential" stops asking about
    what is decided; "anytime" does so too, and may be repeated with more cases at the end of the file, whose order must
    be random. `minimise` is how many calls may go into making counter-examples small; None: a tenth of the plan.
    `options`: as in `Audit`; `check`: as in `FollowUps`.
    `suite_source`: who named the suite, for what its file may extend.
    """

    cases: Cases | None = None
    suite: str | Suite = "standard"
    probes: Sequence[str] = ()
    samples: int | None = None
    seed: int = 0
    alpha: float = 0.05
    tolerance: float | None = None
    strict: bool = False
    mode: Mode = "fixed"
    limit: int | None = None
    case_ids: Sequence[str] = ()
    limits: Limits = field(default_factory=Limits)
    cache: str | Path | None = DEFAULT_CACHE
    rewrites: str | Path | None = None
    created: str | None = None
    minimise: int | None = None
    options: tuple[str, ...] = ()
    suite_source: Source = IN_PERSON
    check: Check | None = None

    def __post_init__(self) -> None:
        """Raises UsageError for numbers that make no sense and modes that there are not, before anything is asked."""
        need_share("alpha", self.alpha, 0.5)
        need_share("tolerance", self.tolerance, 1.0, zero=True)
        need_count("samples", self.samples, 1)
        need_count("limit", self.limit, 1)
        need_count("minimise", self.minimise, 0)
        if self.mode not in get_args(Mode):
            raise UsageError(f"there is no mode {self.mode!r}", hint=nearest(str(self.mode), get_args(Mode)))
        if not isinstance(self.suite, (str, Suite)):
            raise UsageError(f"suite is a name, a file or a Suite, got {self.suite!r}")


@dataclass(frozen=True, slots=True)
class Prepared:
    """A planned audit: nothing has been asked yet. With `blocks`, whose cases are too many for one plan in memory,
    `plan` is that of a few of them.

    `suite_size` counts the bias tests of the whole suite, `suite_probes` all its probes for this task, whichever of
    them were chosen. `notes` are what a loader of public data had to say of its file.
    """

    request: AuditRequest
    suite: Suite
    plan: Plan
    cases_path: str
    suite_size: int
    suite_probes: int
    notes: tuple[str, ...] = ()
    blocks: Blocks | None = None

    @property
    def cases(self) -> Sequence[Case]:
        return self.plan.cases if self.blocks is None else self.blocks.cases

    @property
    def calls(self) -> int:
        """Calls that are planned: about, where it is done in blocks."""
        planned = len(self.plan.calls)
        return planned if self.blocks is None else round(planned * len(self.cases) / len(self.plan.cases))


@dataclass(frozen=True, slots=True)
class AuditResult:
    """A finished audit: `findings`, `verdict`, the whole `audit`, its calls; `asked` made examples small."""

    audit: Audit
    plan: Plan = field(repr=False)
    run: Run = field(repr=False)
    asked: tuple[Asked, ...] = field(default=(), repr=False)

    @property
    def findings(self) -> Findings:
        """Findings by probe name, e.g. `result.findings["order.swap"].decision`."""
        return self.audit.findings

    @property
    def verdict(self) -> str:
        """ "pass", "fail", "inconclusive" or "error"."""
        return self.audit.verdict

    def failure(self) -> JudgeUnreachable:
        """Why there is no verdict at all, for those who ask with `verdict` "error"."""
        said = next((v.reason for v in self.run.verdicts if v is not None and v.reason), None)
        return JudgeUnreachable(self.run.reason or said or "the judge never gave a verdict")

    def to_frame(self) -> pd.DataFrame:
        """One row a probe, columns as in audit.json."""
        import pandas as pd

        from voirdire.reports.schema import to_document

        document = to_document(self.audit).model_dump(mode="json")
        return pd.DataFrame(document["findings"])

    def save(self, folder: str | Path, formats: Sequence[str] = ("html", "md", "json")) -> dict[str, Path]:
        """Write the report folder; returns format -> file."""
        from voirdire.reports.write import write

        return write(self.audit, Path(folder), tuple(formats), call_records=self.call_records())

    def call_records(self) -> Iterable[dict[str, Any]]:
        """One plain record a call, in plan order, then those about examples; calls that were not made are left out."""
        yield from self.run.records() if isinstance(self.run, LongRun) else self._records()
        for number, (case, sample, verdict) in enumerate(self.asked, start=len(self.plan.calls)):
            yield {
                "call": number,
                "case": case.id,
                "order": list(case.meta.get("voirdire.order", range(len(case.responses)))),
                "edited": True,
                "sample": sample,
                "content": shown_hash(case),
                "example": True,
                **verdict.to_json(),
            }

    def _records(self) -> Iterable[dict[str, Any]]:
        for number, call in enumerate(self.plan.calls):
            verdict = self.run.whole(number)
            if verdict is None:
                continue
            yield {
                "call": number,
                "case": call.case.id,
                "order": list(call.case.meta["voirdire.order"]),
                "edited": call.case.meta["voirdire.edited"],
                "sample": call.sample,
                "content": call.content,
                **verdict.to_json(),
            }


def prepare(
    task: Task, scale: Any, request: AuditRequest, *, traits: Traits | None = None, in_blocks: bool = False
) -> Prepared:
    """Read the cases, choose the probes, make every follow-up. Raises UsageError; asks no judge.

    `traits` are the judge's (`traits_of`). Of the built-in cases those that have what its prompt needs serve.
    `in_blocks`: more cases than `LARGE` are planned when they are asked about, block by block.
    """
    with using(request.rewrites):
        return _prepare(task, scale, request, traits or Traits(), in_blocks)


def _prepare(task: Task, scale: Any, request: AuditRequest, traits: Traits, in_blocks: bool) -> Prepared:
    from voirdire.harness.statistics.analyse import family_size

    suite = load_suite(request.suite, request.suite_source) if isinstance(request.suite, str) else request.suite
    if task not in suite.tasks:
        raise UsageError(
            f"suite {suite.name} is for {' and '.join(suite.tasks)} judges, and this one is a {task} judge",
            hint=f"Ask it with another prompt or --task; `voirdire suites --show {suite.name}` says how.",
        )
    size = family_size([p.relation for p in suite.probes if task in p.tasks])
    probes = sum(task in p.tasks for p in suite.probes)
    tolerance = 0.05 if request.strict else request.tolerance
    if tolerance is not None:
        suite = replace(suite, tolerance=tolerance)
    samples = request.samples if request.samples is not None else 3 if request.strict else suite.samples
    if request.probes:
        suite = narrow(suite, request.probes)
    cases, path, notes = cases_of(request, task, scale, tuple(dict.fromkeys((*traits.needs, *suite.needs))))
    builtin = path == BUILTIN
    check_needs(cases, traits.needs, judge="this judge")
    if suite.cases is not None and builtin and request.limit is None and not request.case_ids:
        cases = spread(cases, suite.cases)
    followups = FollowUps(check=request.check, prompt=traits.prompt)

    def planned(cases: Sequence[Case], *, alone: bool = False) -> Plan:
        with using(request.rewrites):
            return build_plan(
                suite, cases, task=task, scale=scale, followups=followups, samples=samples, setups=traits.setups,
                alone=alone,
            )  # fmt: skip

    if suite.max_calls is not None:
        # a source alone is asked twice, so more cases than this cannot be
        cases = spread(cases, max(1, suite.max_calls // 2))
    # the metrics of papers are made of the texts of all follow-ups
    if in_blocks and request.mode == "fixed" and suite.paper is None and len(cases) > LARGE:
        blocks = Blocks(cases, functools.partial(planned, alone=True))
        return Prepared(request, suite, blocks.sample(), path, size, probes, notes, blocks)
    plan = planned(cases)
    while suite.max_calls is not None and len(plan.calls) > suite.max_calls and len(cases) > 1:
        # cases differ in what applies to them, so the share is tried, not computed
        cases = spread(cases, max(1, min(len(cases) - 1, len(cases) * suite.max_calls // len(plan.calls))))
        plan = planned(cases)
    return Prepared(request, suite, plan, path, size, probes, notes)


async def audit_async(
    judge: Judge,
    request: AuditRequest | None = None,
    *,
    prepared: Prepared | None = None,
    emit: Callable[[Event], None] = lambda _event: None,
) -> AuditResult:
    """Run an audit. The judge is closed at the end; every answer received is in the store whatever happens."""
    traits = traits_of(judge)
    prepared = prepared or prepare(judge.task, judge.scale, request or AuditRequest(), traits=traits, in_blocks=True)
    check_needs(prepared.cases, traits.needs, judge=judge.name)
    request = prepared.request
    store = CallStore(request.cache) if request.cache is not None and judge.reusable else None
    looks = _looks(judge, prepared) if request.mode != "fixed" else None
    found = None
    try:
        run: Run
        if prepared.blocks is not None:
            found = await run_in_blocks(
                prepared.blocks,
                prepared.plan,
                judge,
                limits=request.limits,
                store=store,
                suite=suite_hash(prepared.suite),
                emit=emit,
            )
            prepared, run = replace(prepared, plan=found.plan), found.run
        elif looks is not None:
            run = await run_in_rounds(prepared.plan, judge, looks, limits=request.limits, store=store, emit=emit)
        else:
            run = await run_calls(prepared.plan.calls, judge, limits=request.limits, store=store, emit=emit)
        audit = _audit(judge, prepared, run, looks, found)
        asked: Sequence[Asked] = ()
        if audit.examples and run.stopped is None:
            from voirdire._examples import smaller_examples

            audit, asked = await smaller_examples(
                audit, judge, prepared.plan, request.limits, store, budget=request.minimise, seed=request.seed
            )
    finally:
        try:
            # before the judge: what it has given may be the only copy, as of a batch that is forgotten when it closes
            if store is not None:
                store.close()
        finally:
            await judge.aclose()
    return AuditResult(audit, prepared.plan, run, tuple(asked))


def _looks(judge: Judge, prepared: Prepared) -> Looks:
    from voirdire.harness.statistics.looks import Looks

    request = prepared.request
    return Looks(
        prepared.plan,
        alpha=request.alpha,
        suite_size=prepared.suite_size,
        soft=judge.soft,
        seed=request.seed,
        design="anytime" if request.mode == "anytime" else "sequential",
    )


def _audit(judge: Judge, prepared: Prepared, run: Run, looks: Looks | None, in_blocks: InBlocks | None) -> Audit:
    from voirdire.harness.statistics.analyse import analyse

    plan, request, suite = prepared.plan, prepared.request, prepared.suite
    if looks is not None:
        found = looks.finish(run.verdicts)
    else:
        read = None if in_blocks is None else (in_blocks.hard, in_blocks.soft)
        found = analyse(
            plan, run.verdicts, alpha=request.alpha, soft=judge.soft, suite_size=prepared.suite_size, read=read
        )
    return Audit(
        judge_name=judge.name,
        judge_spec=judge.spec,
        fingerprint=judge.fingerprint,
        task=plan.task,
        scale=plan.scale,
        served_model=run.served_model,
        suite=suite.name,
        suite_hash=suite_hash(suite),
        suite_probes=prepared.suite_probes,
        cases_n=len(plan.cases),
        cases_hash=cases_hash(plan.cases),
        cases_path=prepared.cases_path,
        seed=request.seed,
        alpha=request.alpha,
        samples=plan.samples,
        created=request.created or _now(),
        findings=found.findings,
        noise=found.noise,
        discrimination=found.discrimination,
        calls=Calls(
            planned=len(plan.calls) if in_blocks is None else in_blocks.planned,
            made=run.made,
            cached=run.cached,
            errors=run.errors,
            nulls=run.nulls,
            tokens=run.tokens,
            cost_usd=run.cost_usd,
            seconds=round(run.seconds, 3),
        ),
        verdict="error" if run.stopped == "judge" else found.verdict,
        warnings=tuple(_warnings(judge, prepared, run, found, in_blocks)),
        # of a run in blocks they have their replies
        examples=tuple(_with_replies(found.examples, plan, run) if in_blocks is None else found.examples),
        metrics={metric.name: metric.to_json() for metric in found.metrics},
        paper=_beside(prepared, run, soft=judge.soft),
        mode=request.mode,
        stopped=run.stopped,
        slices=found.slices,
        facts=facts_of(judge) | ({"utility": "probability"} if judge.soft else {}),
        options=request.options,
        # the first verdict tells: of very many, each would be read from its block
        probabilities=bool(next((v.probabilities for v in run.verdicts if v is not None and v.null is None), None)),
        simulated=all(spec.startswith("mock:") for spec in leaves(judge.spec)),
    )


def _beside(prepared: Prepared, run: Run, *, soft: bool) -> PaperResult | None:
    """The metrics that the suite's paper reports, on this judge."""
    if prepared.suite.paper is None:
        return None
    from voirdire.harness.statistics.arms import Answers
    from voirdire.harness.statistics.suite_metrics import beside_paper

    return beside_paper(prepared.suite.paper, prepared.plan, Answers.of(prepared.plan, run.verdicts, soft=soft))


def _with_replies(examples: Sequence[CounterExample], plan: Plan, run: Run) -> Iterable[CounterExample]:
    """The examples with what the judge wrote; statistics are made of verdicts without their texts."""
    shown = {shown_hash(case) for example in examples for case in (example.source, example.follow_up)}
    numbers = {(c.content, c.sample): i for i, c in enumerate(plan.calls) if c.content in shown}

    def reply(case: Case, sample: int, verdict: Verdict | None) -> Verdict | None:
        number = numbers.get((shown_hash(case), sample))
        return verdict if verdict is None or number is None else run.whole(number)

    for example in examples:
        again = example.source is example.follow_up  # the same question, asked twice
        yield replace(
            example,
            source_verdict=reply(example.source, 0, example.source_verdict),
            follow_up_verdict=reply(example.follow_up, int(again), example.follow_up_verdict),
        )


def _warnings(judge: Judge, prepared: Prepared, run: Run, found: Any, in_blocks: InBlocks | None) -> Iterable[str]:
    """What a reader must know before believing the numbers."""
    suite, plan = prepared.suite, prepared.plan
    yield from prepared.notes
    if run.stopped is not None:
        planned = f"{len(plan.calls):,}" if in_blocks is None else f"about {in_blocks.planned:,}"
        yield f"The run stopped early ({run.reason}): {run.answered:,} of {planned} calls were answered."
        if len(plan.cases) < len(prepared.cases):
            yield f"It came to {len(plan.cases):,} of {len(prepared.cases):,} cases, in the order of the file."
        yield from _missing(found.findings)
    if run.errors and any(spec.startswith("replay:") for spec in leaves(judge.spec)):
        yield f"{run.errors:,} of the questions were not recorded and count as errors of their arm."
    elif run.errors:
        yield (
            f"{run.errors:,} calls failed after all retries and count as errors of their arm; run the same command to "
            "ask them again."
        )
    yield from case_notes(plan, prepared.request.mode)
    if suite.cases is not None and len(plan.cases) < suite.cases:
        yield f"Suite {suite.name} recommends {suite.cases} cases; this run has {len(plan.cases)}."
    if suite.paper is not None and suite.paper.data and prepared.cases_path == BUILTIN:
        wanted = " or ".join(f"--cases {name}:FILE" for name in suite.paper.data)
        yield (
            f"Suite {suite.name} was made for data that voirdire does not bring: {wanted}. Its built-in cases served "
            "instead, so the published numbers are of other cases than ours."
        )
    if found.noise.n and found.noise.deterministic:
        yield "Every repeated call gave the same answer: the judge is deterministic, or its answers come from a cache."
    served = run.served
    if len(served) > 1:
        names = ", ".join(f"{name} ({n:,})" for name, n in served.most_common(5))
        yield (
            f"The answers come from {len(served)} served models: {names}. The findings mix them; "
            "`--cache none` or `voirdire cache prune` has all of them asked anew."
        )
    if judge.spec.startswith("jury("):
        from voirdire._jury_note import jury_note

        yield from jury_note(judge, plan, run)
    if all(c.label is None for c in plan.cases):
        yield "No case has a label, so whether the judge tells good answers from bad could not be measured."


def _missing(findings: Findings) -> Iterable[str]:
    """What a run that stopped early lacks, the probes that lack most first."""
    lacking = sorted(((sum(f.not_asked.values()), f) for f in findings.values()), key=lambda pair: -pair[0])
    parts = []
    for calls, finding in lacking:
        if calls:
            arms = ", ".join(f"{n:,} {name.replace('_', '-')}" for name, n in finding.not_asked.items() if n)
            parts.append(f"{finding.probe} ({arms})")
    if parts:
        more = f"; and {len(parts) - 6} more" if len(parts) > 6 else ""
        yield f"Calls that are missing, by probe: {'; '.join(parts[:6])}{more}. Run the same command to ask them."


def _now() -> str:
    """UTC, to the second; SOURCE_DATE_EPOCH fixes it for reproducible reports."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    moment = dt.datetime.fromtimestamp(int(epoch), dt.UTC) if epoch else dt.datetime.now(dt.UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
