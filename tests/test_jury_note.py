"""A jury of copies is not a jury, and the report says so; one of independent members is not accused."""

from __future__ import annotations

import asyncio

from voirdire._compose import AuditRequest, audit_async
from voirdire.harness.cases import Case
from voirdire.harness.judges.base import Judge
from voirdire.harness.judges.mock import mock_judge
from voirdire.harness.judges.python_judge import PythonJudge
from voirdire.harness.judges.wrappers.averaging import majority
from voirdire.harness.judges.wrappers.juries import jury
from voirdire.suites.builtin_cases import builtin_cases

CASES = [c for c in builtin_cases("pairwise") if c.label in (0, 1)][:60]


def longer(case: Case) -> str:
    return "A" if len(case.responses[0]) > len(case.responses[1]) else "B"


def notes(judge: Judge) -> list[str]:
    request = AuditRequest(cases=CASES, suite="quick", probes=["order.swap"], cache=None, minimise=0)
    audit = asyncio.run(audit_async(judge, request)).audit
    return [w for w in audit.warnings if "members" in w or "copies" in w]


def test_copies_are_named() -> None:
    one, two = (PythonJudge(longer, task="pairwise", version=v, name=f"judge-{v}") for v in "12")
    (said,) = notes(jury(one, two))
    assert "a jury of copies is not a jury" in said
    assert "2 members are worth 1.0 independent" in said


def test_independent_members_are_worth_about_their_number() -> None:
    (said,) = notes(jury(*(mock_judge(f"noisy?accuracy=.75&seed={seed}", task="pairwise") for seed in (1, 2, 3))))
    assert "copies" not in said
    worth = float(said.split("are worth ")[1].split()[0])
    assert 2.3 <= worth <= 3.0


def test_other_judges_have_no_such_note() -> None:
    assert not notes(mock_judge("noisy", task="pairwise"))
    assert not notes(majority(mock_judge("noisy", task="pairwise"), k=3))
