"""What wrappers ask is counted call by call, and a member's answers are shared by all that ask it."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import pytest

import voirdire as vd
from voirdire._compose import AuditRequest, AuditResult, audit_async
from voirdire.harness.cases import Case
from voirdire.harness.engine.runner import Limits
from voirdire.harness.judges.python_judge import PythonJudge
from voirdire.harness.judges.wrappers.averaging import majority, swap_average
from voirdire.harness.judges.wrappers.juries import jury

CASES = [
    Case(f"Question {i}?", (f"A good answer to {i}, with its reason.", f"A poor one to {i}."), id=f"q{i}", label=0)
    for i in range(12)
]


class Counting:
    """Takes the longer answer, and counts what it is asked."""

    def __init__(self) -> None:
        self.asked: Counter[tuple[tuple[str, ...], int]] = Counter()

    def __call__(self, case: Case, *, sample: int = 0) -> str:
        self.asked[case.responses, sample] += 1
        return "A" if len(case.responses[0]) > len(case.responses[1]) else "B"

    @property
    def calls(self) -> int:
        return sum(self.asked.values())


def member(target: Counting, version: str = "1") -> PythonJudge:
    return PythonJudge(target, task="pairwise", version=version)


def audit(judge: object, cache: Path | None, limits: Limits | None = None) -> AuditResult:
    request = AuditRequest(
        cases=CASES, suite="quick", probes=["order.swap", "verbosity.filler"], cache=cache, minimise=0,
        limits=limits or Limits(4),
    )  # fmt: skip
    return asyncio.run(audit_async(judge, request))  # type: ignore[arg-type]


def test_a_wrapper_costs_only_what_it_adds_to_an_audit_of_its_member(tmp_path: Path) -> None:
    target = Counting()
    cache = tmp_path / "calls.sqlite"
    # made before anything is counted: the state of a callable is part of its fingerprint
    judge, swapped = member(target), swap_average(member(target))
    both = jury(member(target), member(target, "2"))
    audit(judge, cache)
    alone = target.calls
    audit(swapped, cache)
    assert target.calls == alone, "both orders were asked already"
    audit(both, cache)
    assert target.calls == 2 * alone, "the second member is another judge, the first was asked already"
    assert max(target.asked.values()) == 2, "once as each judge"


def test_a_run_without_a_cache_shares_nothing_with_the_next() -> None:
    target = Counting()
    audit(member(target), None)
    alone = target.calls
    audit(swap_average(member(target)), None)
    assert target.calls > alone


@pytest.mark.parametrize("most", [5, 20, 33])
def test_max_calls_counts_what_the_members_are_asked_and_is_never_overshot(most: int) -> None:
    target = Counting()
    result = audit(majority(member(target), k=3), None, Limits(4, max_calls=most))
    assert result.run.stopped == "budget"
    assert most - 3 * 4 < target.calls <= most


def test_a_partial_report_says_what_is_missing() -> None:
    result = audit(member(Counting()), None, Limits(4, max_calls=30))
    finding = result.findings["verbosity.filler"]
    assert sum(finding.not_asked.values()) > 0
    (said,) = [w for w in result.audit.warnings if "missing" in w]
    assert f"verbosity.filler ({finding.not_asked['source']:,} source" in said or "follow-up" in said
    whole = audit(member(Counting()), None)
    assert not any(sum(f.not_asked.values()) for f in whole.findings.values())
    assert not [w for w in whole.audit.warnings if "missing" in w]


def test_answers_of_two_served_models_in_one_run_are_said() -> None:
    def judge(case: Case) -> vd.Verdict:
        return vd.Verdict(choice=0, served_model="m-2" if case.instruction_text < "Question 5" else "m-1")

    result = asyncio.run(
        audit_async(
            PythonJudge(judge, task="pairwise"),
            AuditRequest(cases=CASES, suite="quick", probes=["order.swap"], cache=None, minimise=0),
        )
    )
    (said,) = [w for w in result.audit.warnings if "served" in w]
    assert "m-1" in said
    assert "m-2" in said
