"""Sequential audits: the same decisions for fewer calls, whole runs that resume, stop and report like fixed ones."""

from __future__ import annotations

from pathlib import Path

import pytest
from sql import sql

import voirdire as vd
from voirdire.harness.engine.events import CallFinished, Event, RunFinished, RunStarted
from voirdire.harness.judges.mock import mock_judge
from voirdire.harness.statistics.analyse import analyse, family_size
from voirdire.harness.statistics.looks import Looks
from voirdire.suites.selfcheck import make_plan

AUDITS = 12


def both(spec: str, *, suite: str = "quick", n: int = 136) -> tuple[float, list[tuple[str, str, str]], int]:
    """(share of calls made, [(probe, fixed decision, sequential decision)], audits with a false alarm)."""
    plan = make_plan(suite, n)
    size = family_size([p.relation for p in plan.suite.probes])
    share, pairs = 0.0, []
    for seed in range(AUDITS):
        judge = mock_judge(spec, seed=seed)
        answers = [judge.answer(c.case, c.sample) for c in plan.calls]
        looks = Looks(plan, alpha=0.05, suite_size=size, soft=False, seed=seed)
        verdicts: list[vd.Verdict | None] = [None] * len(answers)
        for k in range(len(looks.shares)):
            for i in looks.calls(k):
                verdicts[i] = answers[i]
            looks.look(k, verdicts)
            if looks.done:
                break
        sequential = looks.finish(verdicts).findings
        fixed = analyse(plan, answers).findings
        share += sum(v is not None for v in verdicts) / len(answers) / AUDITS
        pairs += [(name, fixed[name].decision, sequential[name].decision) for name in fixed]
    false_alarms = sum(s == "violated" for _, _, s in pairs)
    return share, pairs, false_alarms


def test_a_clean_judge_keeps_its_decisions_for_fewer_calls() -> None:
    share, pairs, alarms = both("noisy?accuracy=.95")
    assert share <= 0.6
    assert alarms == 0
    holds = [sum(d[k] == "holds" for d in pairs) / len(pairs) for k in (1, 2)]
    assert holds[1] >= holds[0] - 0.05


def test_a_judge_that_is_never_wrong_is_done_early() -> None:
    share, pairs, _ = both("oracle")
    assert share <= 0.5
    assert {s for _, _, s in pairs} == {"holds"}


def test_a_planted_defect_is_found_as_often() -> None:
    share, pairs, _ = both("noisy?accuracy=.85&cited=.4")
    assert share < 0.95
    book = [(f, s) for name, f, s in pairs if name == "authority.book"]
    assert sum(s == "violated" for _, s in book) >= sum(f == "violated" for f, _ in book) - 1
    assert not any(s == "violated" for name, _, s in pairs if name != "authority.book")


def test_a_locked_judge_is_not_asked_for_what_it_cannot_show() -> None:
    share, pairs, _ = both("constant")
    assert share <= 0.4
    assert {s for name, _, s in pairs if name == "order.swap"} == {"violated"}
    assert {s for name, _, s in pairs if name == "authority.book"} == {"inconclusive"}


def test_frozen_findings_say_on_how_many_cases_they_were_decided() -> None:
    result = vd.audit("mock:oracle", None, "quick", mode="sequential")
    assert result.audit.mode == "sequential"
    decided = {f.n for f in result.findings.values() if f.decision == "holds"}
    assert min(decided) < 136
    assert result.audit.calls.made < result.audit.calls.planned
    for finding in result.findings.values():
        assert finding.level is None or finding.level > 0.9  # a look's own level, not the fixed design's


def test_order_of_cases_is_drawn_by_the_seed() -> None:
    plan = make_plan("quick", 136)
    a, b, c = (Looks(plan, alpha=0.05, suite_size=6, soft=False, seed=s).blocks for s in (0, 0, 1))
    assert a == b != c
    assert sorted(i for block in a for i in block) == list(range(136))
    assert a[0] != sorted(a[0])


def test_few_cases_have_few_looks() -> None:
    plan = make_plan("quick", 30)
    looks = Looks(plan, alpha=0.05, suite_size=6, soft=False, seed=0)
    assert all(sum(map(len, looks.blocks[: k + 1])) >= 20 for k in range(len(looks.blocks)))
    assert looks.shares[-1] == 1.0


def test_events_number_the_calls_of_the_whole_plan() -> None:
    events: list[Event] = []
    result = vd.audit("mock:noisy", None, "quick", mode="sequential", emit=events.append)
    calls = [e for e in events if isinstance(e, CallFinished)]
    assert len({e.number for e in calls}) == len(calls) == result.audit.calls.made
    assert all(result.run.verdicts[e.number] == e.verdict for e in calls)
    assert {e.planned for e in events if isinstance(e, RunStarted)} == {result.audit.calls.planned}
    assert isinstance(events[-1], RunFinished)
    assert sum(isinstance(e, RunFinished) for e in events) == 1


def test_a_sequential_run_resumes_and_keeps_budgets(tmp_path: Path) -> None:
    from endpoint import endpoint, judging

    cache = tmp_path / "calls.sqlite"
    options = {"mode": "sequential", "limit": 60, "cache": cache}
    with endpoint([judging()]) as server:
        judge = vd.judge("openai:m", base_url=server.url)
        first = vd.audit(judge, None, "quick", max_calls=300, **options)
        assert first.audit.stopped == "budget"
        assert len(server.requests) == 300
        second = vd.audit(judge, None, "quick", **options)
        assert second.audit.stopped is None
        assert second.audit.calls.cached >= 300
        assert sql(cache, "SELECT COUNT(*) FROM calls") == (len(server.requests),)
        third = vd.audit(judge, None, "quick", **options)
        assert third.audit.calls.made == 0
    assert third.findings["order.swap"] == second.findings["order.swap"]


def test_a_judge_that_dies_between_looks_is_reported() -> None:
    asked = 0

    def dying(case: vd.Case) -> str:
        nonlocal asked
        asked += 1
        if asked > 700:
            raise RuntimeError("gone")
        return "A"

    from voirdire.harness.errors import JudgeUnreachable

    with pytest.raises(JudgeUnreachable, match="gone"):
        vd.audit(vd.judge(dying, task="pairwise"), None, "standard", mode="sequential", concurrency=1)
