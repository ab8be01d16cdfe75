"""Audits in blocks say what audits in memory say, go on where they stopped, and trust nothing that is out of date."""

from __future__ import annotations

import asyncio
import functools
import json
import sqlite3
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import voirdire as vd
from voirdire import _compose
from voirdire.cli import run as run_command
from voirdire.harness.blocks import Blocks
from voirdire.harness.cases import Case
from voirdire.harness.engine.store_maintenance import prune_store
from voirdire.harness.errors import JudgeUnreachable, UsageError
from voirdire.harness.followups import FollowUps
from voirdire.harness.verdicts import Usage
from voirdire.suites.builtin_cases import builtin_cases, for_task

CASES = builtin_cases("pairwise")[:30]


@pytest.fixture
def in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of 7 cases from 8 cases on."""
    monkeypatch.setattr(_compose, "LARGE", 7)
    monkeypatch.setattr(_compose, "Blocks", functools.partial(Blocks, size=7))


def document(result: vd.AuditResult, folder: Path) -> dict[str, Any]:
    found = json.loads(result.save(folder, ("json",))["audit.json"].read_text())
    found["calls"].pop("seconds")
    found.pop("created")
    return found  # type: ignore[no-any-return]


def both(
    judge: Any, cases: list[Case], monkeypatch: pytest.MonkeyPatch, **options: Any
) -> tuple[vd.AuditResult, vd.AuditResult]:
    """The audit in memory and the one in blocks; `judge` makes a judge."""
    whole = vd.audit(judge(), cases, **options)
    monkeypatch.setattr(_compose, "LARGE", 7)
    monkeypatch.setattr(_compose, "Blocks", functools.partial(Blocks, size=7))
    parts = vd.audit(judge(), cases, **options)
    assert type(parts.run).__name__ == "LongRun"
    return whole, parts


@pytest.mark.parametrize("task", ["pairwise", "score", "grade", "ranking"])
@pytest.mark.parametrize("mock", ["noisy?accuracy=.8&first=.3", "noisy?accuracy=.9&longer=.6&cited=.5", "constant"])
def test_the_report_and_the_records_are_those_of_one_plan(
    task: str, mock: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cases = for_task(CASES, task)  # type: ignore[arg-type]
    whole, parts = both(
        lambda: vd.judge(f"mock:{mock}", task=task),  # type: ignore[arg-type]
        cases,
        monkeypatch,
        suite="quick",
        cache=None,
    )
    assert document(parts, tmp_path / "b") == document(whole, tmp_path / "a")
    assert list(parts.call_records()) == list(whole.call_records())


@pytest.mark.parametrize("suite", ["standard", "full"])
def test_every_kind_of_probe_may_be_in_blocks(suite: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cases = CASES[:9]
    whole, parts = both(lambda: "mock:noisy?accuracy=.8", cases, monkeypatch, suite=suite, cache=None)
    assert document(parts, tmp_path / "b") == document(whole, tmp_path / "a")
    # what the plan keeps as numbers is made again as it was
    assert list(parts.plan.calls) == list(whole.plan.calls)
    for far, near in zip(parts.plan.probes, whole.plan.probes, strict=True):
        assert list(far.items) == list(near.items)
        assert far.cases.tolist() == near.cases.tolist()
        assert far.targets.tolist() == near.targets.tolist()


def test_replies_probabilities_and_usage_are_those_of_one_plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def wordy(case: Case) -> vd.Verdict:
        first = len(case.responses[0]) >= len(case.responses[1])
        return vd.Verdict(
            choice=0 if first else 1,
            probabilities={"0": 0.7, "1": 0.3} if first else {"0": 0.4, "1": 0.6},
            raw=f"I think, {case.responses[0][:40]} … " * 20 + "\ud83d",
            usage=Usage(100, 5, 0.001),
            served_model="model-1",
        )

    options = {"suite": "quick", "cache": None, "minimise": 0}
    whole, parts = both(lambda: vd.judge(wordy, task="pairwise"), CASES, monkeypatch, **options)
    assert document(parts, tmp_path / "b") == document(whole, tmp_path / "a")
    assert list(parts.call_records()) == list(whole.call_records())
    example = parts.audit.examples[0]
    assert example.follow_up_verdict is not None
    assert "I think" in (example.follow_up_verdict.raw or "")


def test_more_answers_than_a_byte_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Numbers of slots and targets are kept in the smallest type that holds them."""
    answers = tuple(f"Answer {i}, which says that the mill was built in {1700 + i}." for i in range(140))
    cases = [Case(f"When was mill {i} built?", answers, id=f"c{i}") for i in range(9)]

    def by_length(case: Case) -> list[int]:
        return sorted(range(len(case.responses)), key=lambda i: (-len(case.responses[i]), case.responses[i]))

    options = {"suite": "quick", "probes": ["authority.book", "order.swap"], "cache": None, "minimise": 0}
    whole, parts = both(lambda: vd.judge(by_length, task="ranking"), cases, monkeypatch, **options)
    assert max(int(p.targets.max()) for p in whole.plan.probes) == 139
    assert document(parts, tmp_path / "b") == document(whole, tmp_path / "a")
    assert [p.targets.tolist() for p in parts.plan.probes] == [p.targets.tolist() for p in whole.plan.probes]


def test_money_and_tokens_where_whole_blocks_fail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = {case.instruction_text: i for i, case in enumerate(CASES)}

    def sometimes(case: Case) -> vd.Verdict:
        # the first and the third block fail, but for one call of the third
        if numbers[case.instruction_text] // 7 in (0, 2) and "17" not in case.responses[0]:
            raise RuntimeError("no")
        return vd.Verdict(choice=0, usage=Usage(100, 5, 0.001))

    options = {"suite": "quick", "probes": ["order.swap"], "cache": None, "minimise": 0}
    monkeypatch.setattr("voirdire.harness.engine.runner.DOWN_AFTER", 10_000)
    whole, parts = both(lambda: vd.judge(sometimes, task="pairwise"), CASES, monkeypatch, **options)
    assert whole.audit.calls.errors > 40
    assert parts.audit.calls.cost_usd == pytest.approx(whole.audit.calls.cost_usd)
    assert parts.audit.calls.tokens == whole.audit.calls.tokens
    found, wanted = document(parts, tmp_path / "b"), document(whole, tmp_path / "a")
    for one in (found, wanted):
        one["calls"].pop("cost_usd")  # added up in another order
    assert found == wanted


def test_what_is_interrupted_is_reported_and_goes_on(tmp_path: Path, in_blocks: None) -> None:
    judge, cache = Slow(), tmp_path / "c.sqlite"

    async def main() -> vd.AuditResult:
        asked = vd.judge(judge, task="pairwise", version="1")
        task = asyncio.create_task(vd.aaudit(asked, CASES, "quick", cache=cache, minimise=0))
        while judge.calls < 300:
            await asyncio.sleep(0.001)
        task.cancel()
        return await task

    stopped = asyncio.run(main())
    assert stopped.audit.stopped == "interrupted"
    assert 0 < len(stopped.plan.cases) < 30
    # a new one: what an object holds is part of its fingerprint
    rest = Slow()
    again = vd.audit(vd.judge(rest, task="pairwise", version="1"), CASES, "quick", cache=cache, minimise=0)
    assert again.audit.stopped is None
    assert again.audit.calls.cached >= 200
    assert rest.calls == again.audit.calls.made


def test_a_recording_of_a_run_in_blocks_replays(
    tmp_path: Path, in_blocks: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "judge.py").write_text("def judge(case):\n    return 'A' if len(case.responses[0]) % 7 < 4 else 'B'\n")
    monkeypatch.chdir(tmp_path)
    common = ["--task", "pairwise", "-s", "quick", "-n", "20", "--minimise", "0", "-q"]
    audited = ["audit", "-j", "python:judge.py:judge", "--param", "version=1", *common]
    assert run_command([*audited, "-o", "a"]) == 0
    # now all of it comes from the cache, and the recording needs it all the same
    assert run_command([*audited, "-o", "b", "--record", "r.jsonl"]) == 0
    assert run_command(["audit", "-j", "replay:r.jsonl", *common, "-o", "c", "--cache", "none"]) == 0
    first, last = (json.loads((tmp_path / name / "audit.json").read_text()) for name in ("a", "c"))
    assert [f["effect"] for f in first["findings"]] == [f["effect"] for f in last["findings"]]
    assert last["calls"]["errors"] == 0


def test_wrapped_judges_and_juries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = "jury(mock:noisy?accuracy=.8, mock:noisy?accuracy=.7&first=.2)"
    whole, parts = both(lambda: spec, CASES, monkeypatch, suite="quick", cache=None)
    assert document(parts, tmp_path / "b") == document(whole, tmp_path / "a")


#: every so many-th call fails, where it is not 0
fails = 0


class Slow:
    """A judge that counts its calls and takes a moment for each."""

    def __init__(self) -> None:
        self.calls = 0

    async def __call__(self, case: Case) -> str:
        self.calls += 1
        await asyncio.sleep(0.002)
        return "A" if len(case.responses[0]) % 7 < 4 else "B"


class Counting:
    """A judge that counts its calls."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, case: Case) -> str:
        self.calls += 1
        if fails and self.calls % fails == 0:
            raise RuntimeError("no")
        return "A" if len(case.responses[0]) % 7 < 4 else "B"


def audit(judge: Counting, cache: Path, **options: Any) -> vd.AuditResult:
    # with a version, so that answers of one run serve the next
    asked = vd.judge(judge, task="pairwise", version="1")
    options = {"suite": "quick", "minimise": 0} | options
    return vd.audit(asked, CASES, cache=cache, **options)


@pytest.fixture
def planned(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many cases each plan had."""
    seen: list[int] = []
    real = _compose.build_plan

    def build(suite: Any, cases: Any, **options: Any) -> Any:
        seen.append(len(cases))
        return real(suite, cases, **options)

    monkeypatch.setattr(_compose, "build_plan", build)
    return seen


@pytest.mark.usefixtures("in_blocks")
def test_a_run_that_stopped_goes_on_without_planning_what_is_answered(tmp_path: Path, planned: list[int]) -> None:
    cache = tmp_path / "c.sqlite"
    stopped = audit(Counting(), cache, max_calls=400)
    assert stopped.audit.stopped == "budget"
    assert stopped.audit.calls.made == 400
    assert any("--max-calls 400 was reached" in w and "of about" in w for w in stopped.audit.warnings)
    reached = len(stopped.plan.cases)
    assert reached < len(CASES)
    assert any(f"It came to {reached} of 30 cases" in w for w in stopped.audit.warnings)
    planned.clear()
    judge = Counting()
    again = audit(judge, cache)
    assert again.audit.calls.made == judge.calls == again.audit.calls.planned - again.audit.calls.cached
    assert again.audit.calls.cached >= 400
    # of the blocks that were whole only the two cases that are compared
    whole = (reached - 1) // 7
    assert whole >= 1
    assert sum(n == 7 for n in planned) == 4 - whole
    planned.clear()
    third = audit(none := Counting(), cache)
    assert none.calls == 0
    assert 7 not in planned
    assert [f.decision for f in third.findings.values()] == [f.decision for f in again.findings.values()]
    assert list(third.call_records()) == list(again.call_records())


@pytest.mark.usefixtures("in_blocks")
def test_calls_that_failed_are_asked_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = tmp_path / "c.sqlite"
    with monkeypatch.context() as patched:
        patched.setattr(sys.modules[__name__], "fails", 50)
        first = audit(Counting(), cache)
    assert first.audit.calls.errors > 5
    judge = Counting()
    again = audit(judge, cache)
    assert judge.calls == first.audit.calls.errors
    assert again.audit.calls.errors == 0


@pytest.mark.usefixtures("in_blocks")
def test_what_other_code_planned_is_planned_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = tmp_path / "c.sqlite"
    first = audit(Counting(), cache)
    # another seed stands for perturbations that were changed: other texts by the same names
    monkeypatch.setattr(_compose, "FollowUps", functools.partial(FollowUps, 5))
    judge = Counting()
    again = audit(judge, cache)
    assert judge.calls == again.audit.calls.made > 300
    before, after = ({record["content"] for record in result.call_records()} for result in (first, again))
    assert len(after - before) > 150


@pytest.mark.usefixtures("in_blocks")
def test_damaged_and_pruned_blocks_are_planned_again(tmp_path: Path, planned: list[int]) -> None:
    cache = tmp_path / "c.sqlite"
    whole = audit(Counting(), cache)
    with sqlite3.connect(cache) as db:
        assert db.execute("SELECT COUNT(*) FROM blocks").fetchone() == (5,)
        db.execute("UPDATE blocks SET data = substr(data, 1, 900)")
    planned.clear()
    judge = Counting()
    again = audit(judge, cache)
    assert judge.calls == 0  # their answers are there
    assert sum(n == 7 for n in planned) == 4
    assert [f.effect for f in again.findings.values()] == [f.effect for f in whole.findings.values()]
    with pytest.raises(UsageError, match="no answers of a judge 'nobody'"):
        prune_store(cache, judge="nobody")
    with sqlite3.connect(cache) as db:
        assert db.execute("SELECT COUNT(*) FROM blocks").fetchone() == (5,)
    prune_store(cache, before=time.time() + 9)
    with sqlite3.connect(cache) as db:
        assert db.execute("SELECT COUNT(*) FROM blocks").fetchone() == (0,)
    audit(judge, cache)
    assert judge.calls == whole.audit.calls.made


@pytest.mark.usefixtures("in_blocks")
def test_a_judge_that_always_fails_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[__name__], "fails", 1)
    with pytest.raises(JudgeUnreachable, match="in a row failed"):
        audit(Counting(), tmp_path / "c.sqlite")

    def gone(case: Case) -> str:
        raise JudgeUnreachable("nobody is there")

    with pytest.raises(JudgeUnreachable, match="nobody is there"):
        vd.audit(vd.judge(gone, task="pairwise"), CASES, "quick", cache=None)
