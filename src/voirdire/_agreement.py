"""Do two judges agree beyond what each agrees with itself? One plan, asked of both (relation AGREE)."""

from __future__ import annotations

from dataclasses import replace

from voirdire._compose import AuditRequest, audit_async, prepare
from voirdire.harness.errors import UsageError
from voirdire.harness.findings import Audit
from voirdire.harness.judges.base import Judge, traits_of
from voirdire.harness.plan import Arm, ProbePlan
from voirdire.harness.probes import Probe, Suite
from voirdire.harness.relations import Relation
from voirdire.harness.statistics.analyse import analyse
from voirdire.harness.verdicts import rescaled

__all__ = ["agreement"]

PROBE = Probe(
    "setup.agreement",
    Relation.AGREE,
    "Asks two judges the same questions.",
    "voirdire",
)
RETEST = Suite("agreement", "The same questions, twice, to two judges.", (replace(PROBE, relation=Relation.RETEST),))


async def agreement(judge: Judge, other: Judge, request: AuditRequest) -> Audit:
    """The audit of the pair, with one finding; its calls are those of both. Raises UsageError, JudgeUnreachable."""
    if judge.task != other.task:
        raise UsageError(f"{judge.name} is a {judge.task} judge and {other.name} a {other.task} judge")
    # two samples an arm: without repeats of both judges their own noise would count as disagreement
    request = replace(request, suite=RETEST, samples=max(2, request.samples or 2))
    prepared = prepare(judge.task, judge.scale, request, traits=traits_of(judge))
    results = []
    for one in (judge, other):
        # each is read on its own scale: a 5 is half of one scale and the top of another
        own = replace(prepared, plan=replace(prepared.plan, scale=one.scale))
        result = await audit_async(one, prepared=own)
        if result.verdict == "error" and result.audit.stopped != "budget":
            raise result.failure()
        results.append(result)
    plan = prepared.plan
    source = plan.probes[0].source
    assert source is not None
    # the other judge's answers stand behind the first one's, as the follow-up arm
    follow_up = Arm(source.calls + len(plan.calls), source.slots)
    pair = ProbePlan(PROBE, plan.probes[0].items, source, follow_up)
    suite = replace(plan.suite, probes=(PROBE,))
    doubled = replace(plan, calls=[*plan.calls, *plan.calls], probes=[pair], suite=suite)
    verdicts = [
        verdict if verdict is None else rescaled(verdict, one.scale, plan.scale)
        for one, result in zip((judge, other), results, strict=True)
        for verdict in result.run.verdicts
    ]
    found = analyse(doubled, verdicts, alpha=request.alpha, soft=judge.soft, suite_size=1)
    first, second = (result.audit for result in results)
    calls = replace(
        first.calls, planned=2 * first.calls.planned, made=first.calls.made + second.calls.made,
        cached=first.calls.cached + second.calls.cached,
    )  # fmt: skip
    return replace(
        first, judge_name=f"{judge.name} and {other.name}", findings=found.findings, calls=calls, examples=(),
        stopped=first.stopped or second.stopped,
    )  # fmt: skip
