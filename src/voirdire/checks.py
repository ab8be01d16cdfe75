"""Assertions for hand-written tests: one perturbation, one relation, three outcomes.

    vd.check_no_gain(judge, "cases.jsonl", "authority.book")
    vd.check_invariant(judge, cases, lambda text: text.upper())

Each returns the Finding if the relation holds, raises Violated if it does not, and Inconclusive if these cases cannot
tell. A judge is a spec, a callable or a Judge; cases are a file or cases; a perturbation is a registered name or a
function from text to text. Every one has an `a`-twin for running event loops.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar, get_args

from voirdire.outcomes import Inconclusive, Violated

if TYPE_CHECKING:
    from voirdire._compose import Cases
    from voirdire.harness.cases import Task
    from voirdire.harness.findings import Audit, Finding
    from voirdire.harness.judges.base import Judge
    from voirdire.harness.probes import Target
    from voirdire.harness.relations import Relation

__all__ = [
    "acheck_agrees",
    "acheck_invariant",
    "acheck_must_drop",
    "acheck_no_gain",
    "acheck_swap",
    "blocking",
    "check_agrees",
    "check_invariant",
    "check_must_drop",
    "check_no_gain",
    "check_swap",
    "in_loop",
    "judge_of",
    "plain_run",
    "settle",
]

Edit = str | Callable[[str], str]
T = TypeVar("T")


def in_loop() -> bool:
    """Is an asyncio event loop running in this thread?"""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def settle(audit: Audit, finding: Finding, *, again: str | None = None) -> Finding:
    """`finding` if it holds; otherwise raises Violated or Inconclusive with its message."""
    __tracebackhide__ = True
    from voirdire.reports.pytest_text import failure_text, open_text

    if finding.decision == "violated":
        raise Violated(failure_text(audit, finding, again=again), finding)
    if finding.decision != "holds":
        applicable = finding.decision != "not_applicable"
        raise Inconclusive(open_text(audit, finding), finding, applicable=applicable)
    return finding


def blocking(run: Coroutine[Any, Any, T], name: str) -> T:
    """The result of `run`, the coroutine behind the door `name`. Raises RuntimeError in a running event loop."""
    __tracebackhide__ = True
    if in_loop():
        run.close()
        raise RuntimeError(f"an event loop is running: use `await voirdire.a{name}(...)`")
    return plain_run(run)


def plain_run(run: Coroutine[Any, Any, T]) -> T:
    """`asyncio.run`, its own frames kept out of the traceback of an outcome."""
    __tracebackhide__ = True
    outcome: Violated | Inconclusive
    try:
        return asyncio.run(run)
    except (Violated, Inconclusive) as error:
        outcome = error
    raise outcome.with_traceback(None)


async def acheck_no_gain(judge: Any, cases: Cases, perturbation: Edit, **options: Any) -> Finding:
    """`check_no_gain` for running event loops."""
    __tracebackhide__ = True
    return await _check(judge, cases, perturbation, "NO_GAIN", **{"target": "worse", **options})


async def acheck_invariant(judge: Any, cases: Cases, perturbation: Edit, **options: Any) -> Finding:
    """`check_invariant` for running event loops."""
    __tracebackhide__ = True
    return await _check(judge, cases, perturbation, "INVARIANT", **{"target": "each", **options})


async def acheck_must_drop(judge: Any, cases: Cases, perturbation: Edit, **options: Any) -> Finding:
    """`check_must_drop` for running event loops."""
    __tracebackhide__ = True
    return await _check(judge, cases, perturbation, "MUST_DROP", **{"target": "better", **options})


async def acheck_swap(judge: Any, cases: Cases, **options: Any) -> Finding:
    """`check_swap` for running event loops."""
    __tracebackhide__ = True
    return await _check(judge, cases, "order.swap", "EQUIVARIANT", **options)


def check_no_gain(judge: Any, cases: Cases, perturbation: Edit, **options: Any) -> Finding:
    """The edit must not help the answer it is made to (the worse one by label, or `target`).

    `options`: target ("worse", "better", "each"), tolerance (.10), dose, samples, alpha (.05), mode, seed, limit,
    task, concurrency, max_calls, cache. Where the perturbation has a sham, the gain counts net of it.
    """
    __tracebackhide__ = True
    return blocking(acheck_no_gain(judge, cases, perturbation, **options), "check_no_gain")


def check_invariant(judge: Any, cases: Cases, perturbation: Edit, **options: Any) -> Finding:
    """The edit must not change the verdict, in either direction, beyond the judge's own noise. Options as above."""
    __tracebackhide__ = True
    return blocking(acheck_invariant(judge, cases, perturbation, **options), "check_invariant")


def check_must_drop(judge: Any, cases: Cases, perturbation: Edit, **options: Any) -> Finding:
    """A damaged answer must be judged worse by `min_drop` (.10) at least. Other options as above."""
    __tracebackhide__ = True
    return blocking(acheck_must_drop(judge, cases, perturbation, **options), "check_must_drop")


def check_swap(judge: Any, cases: Cases, **options: Any) -> Finding:
    """The verdict must follow the answers, not the slots they stand in. Options as above."""
    __tracebackhide__ = True
    return blocking(acheck_swap(judge, cases, **options), "check_swap")


def check_agrees(judge: Any, other: Any, cases: Cases, **options: Any) -> Finding:
    """Two judges (one model behind two prompts, scales or formats) must agree beyond what each agrees with itself.

    The effect is the mean squared difference of their probabilities of choosing an answer; of score judges the mean
    absolute difference, each score as a share of its judge's scale. Options as above.
    """
    __tracebackhide__ = True
    return blocking(acheck_agrees(judge, other, cases, **options), "check_agrees")


async def acheck_agrees(judge: Any, other: Any, cases: Cases, **options: Any) -> Finding:
    """`check_agrees` for running event loops."""
    __tracebackhide__ = True
    from voirdire._agreement import agreement

    request, task = _request(cases, options)
    audit = await agreement(judge_of(judge, task), judge_of(other, task), request)
    return settle(audit, next(iter(audit.findings.values())))


async def _check(judge: Any, cases: Cases, perturbation: Edit, relation: str, **options: Any) -> Finding:
    __tracebackhide__ = True
    from voirdire._compose import audit_async
    from voirdire.harness.errors import UsageError, nearest
    from voirdire.harness.numbers import need_share
    from voirdire.harness.probes import Suite, Target
    from voirdire.harness.relations import Relation

    target, dose = options.pop("target", "worse"), options.pop("dose", 1.0)
    tolerance, min_drop = options.pop("tolerance", None), options.pop("min_drop", None)
    need_share("tolerance", tolerance, 1.0, zero=True)
    need_share("min_drop", min_drop, 1.0, zero=True)
    if target not in get_args(Target):
        raise UsageError(f"there is no target {target!r}", hint=nearest(str(target), get_args(Target)))
    request, task = _request(cases, options)
    probe = _probe(perturbation, Relation(relation), target=target, dose=dose)
    probe = replace(probe, tolerance=tolerance, min_drop=min_drop)
    suite = Suite("check", "One hand-written check.", (probe,))
    result = await audit_async(judge_of(judge, task), replace(request, suite=suite))
    if result.verdict == "error" and result.audit.stopped != "budget":
        raise result.failure()
    return settle(result.audit, result.findings[probe.name])


def _request(cases: Cases, options: dict[str, Any]) -> tuple[Any, Any]:
    """The request of one check, and the task. Raises UsageError on an unknown option."""
    from voirdire._compose import AuditRequest
    from voirdire.harness.engine.runner import Limits
    from voirdire.harness.errors import UsageError, nearest
    from voirdire.harness.numbers import need_count

    known = ("samples", "alpha", "mode", "seed", "limit", "task", "concurrency", "max_calls", "cache")
    for name in options:
        if name not in known:
            raise UsageError(f"a check has no option {name!r}", hint=nearest(name, (*known, "target", "tolerance")))
    values = dict(options)
    need_count("max_calls", values.get("max_calls"), 1)
    limits = Limits(values.pop("concurrency", 16), values.pop("max_calls", None))
    task = values.pop("task", None)
    return AuditRequest(cases=cases, cache=values.pop("cache", None), limits=limits, **values), task


def judge_of(given: Any, task: Task | None = None) -> Judge:
    """A judge, a spec or a callable as a judge; a callable judges pairs unless `task` or itself says another task."""
    import voirdire

    if not isinstance(given, str) and hasattr(given, "fingerprint") and hasattr(given, "judge"):
        kept: Judge = given
        return kept
    from voirdire.harness.judges.packages import task_of

    return voirdire.judge(given, task=task if isinstance(given, str) else task or task_of(given) or "pairwise")


def _probe(perturbation: Edit, relation: Relation, *, target: Target, dose: float) -> Any:
    """The probe of a registered name or of the user's own function. Raises UsageError for anything else."""
    from voirdire.harness.errors import UsageError
    from voirdire.harness.probes import Probe
    from voirdire.harness.registry import PERTURBATIONS
    from voirdire.suites.rows import PROBES

    if isinstance(perturbation, str):
        if perturbation in PROBES:
            return replace(PROBES.get(perturbation), relation=relation, target=target, dose=dose)
        edit = PERTURBATIONS.get(perturbation)
        return Probe(edit.name, relation, edit.summary, edit.source, edit.name, target=target, dose=dose)
    if not callable(perturbation):
        raise UsageError(
            f"{perturbation!r} is no perturbation",
            hint="Give a name (`voirdire probes` lists them) or a function from text to text.",
        )
    from voirdire.perturbations.functions import register

    edit = register(perturbation)
    return Probe(edit.name, relation, edit.summary, edit.source, edit.name, target=target)
