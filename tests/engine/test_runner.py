"""The runner: each call once, budgets, a judge that is down, resume, interruption; whatever came back is kept."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from voirdire.harness.cases import Case, shown_hash
from voirdire.harness.engine.events import CallFinished, Event, RunFinished, RunStarted
from voirdire.harness.engine.runner import DOWN_AFTER, Limits, run_calls
from voirdire.harness.engine.store import CallStore
from voirdire.harness.errors import JudgeError, JudgeUnreachable, NotRecorded
from voirdire.harness.plan import PlannedCall
from voirdire.harness.verdicts import Scale, Usage, Verdict


@dataclass
class Scripted:
    """Answers A; `script[n]` replaces the n-th answer by an exception or a verdict."""

    script: dict[int, object] = field(default_factory=dict)
    always: object = None
    cost: float | None = 0.01
    delay: float = 0.0
    asked: list[tuple[str, int]] = field(default_factory=list)
    running: int = 0
    most: int = 0

    name = spec = "scripted"
    task = "pairwise"
    scale = Scale()
    fingerprint = "f"
    reusable = True
    paid = True
    soft = False
    concurrency = None
    deterministic = False

    async def judge(self, case: Case, *, sample: int) -> Verdict:
        number = len(self.asked)
        self.asked.append((case.id, sample))
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            await asyncio.sleep(self.delay)
        finally:
            self.running -= 1
        answer = self.script.get(number, self.always)
        if isinstance(answer, BaseException):
            raise answer
        if isinstance(answer, Verdict):
            return answer
        return Verdict(choice=0, usage=Usage(5, 1, self.cost))

    async def aclose(self) -> None: ...


def calls(n: int) -> list[PlannedCall]:
    cases = [Case(f"q{i}", ("a", "b"), id=f"c{i}") for i in range(n)]
    return [PlannedCall(c, 0, shown_hash(c)) for c in cases]


def run(judge: Scripted, n: int = 20, **options: object):
    return asyncio.run(run_calls(calls(n), judge, **options))  # type: ignore[arg-type]


def test_every_call_is_made_once_and_not_more_at_a_time_than_allowed() -> None:
    judge = Scripted(delay=0.001)
    result = run(judge, 40, limits=Limits(concurrency=5))
    assert sorted(judge.asked) == sorted((f"c{i}", 0) for i in range(40))
    assert judge.most == 5
    assert result.stopped is None
    assert (result.made, result.errors, result.tokens) == (40, 0, 240)
    assert result.cost_usd == pytest.approx(0.4)


def test_a_failed_call_is_an_error_verdict_and_the_rest_goes_on(tmp_path: Path) -> None:
    judge = Scripted({3: JudgeError("boom")})
    with CallStore(tmp_path / "c.sqlite") as store:
        result = run(judge, 10, store=store, limits=Limits(concurrency=1))
    assert result.stopped is None
    assert result.errors == 1
    assert result.verdicts[3] == Verdict(null="error", reason="boom")
    again = Scripted()
    with CallStore(tmp_path / "c.sqlite") as store:
        result = run(again, 10, store=store)
    assert again.asked == [("c3", 0)]  # errors are not stored
    assert result.cached == 9


def test_unparsed_replies_were_paid_for_and_are_stored(tmp_path: Path) -> None:
    judge = Scripted(always=Verdict(null="unparsed", reason="prose"))
    with CallStore(tmp_path / "c.sqlite") as store:
        run(judge, 5, store=store)
    with CallStore(tmp_path / "c.sqlite") as store:
        assert run(Scripted(), 5, store=store).made == 0


def test_an_unreachable_judge_stops_the_run_and_keeps_what_came(tmp_path: Path) -> None:
    judge = Scripted({6: JudgeUnreachable("key refused")})
    with CallStore(tmp_path / "c.sqlite") as store:
        result = run(judge, 50, store=store, limits=Limits(concurrency=2))
    assert result.stopped == "judge"
    assert result.reason == "key refused"
    assert len(judge.asked) <= 8
    with CallStore(tmp_path / "c.sqlite") as store:
        assert store.stats()["f"] == result.made - result.errors >= 6


def test_a_judge_that_only_fails_is_given_up() -> None:
    judge = Scripted(always=JudgeError("500"))
    result = run(judge, 500, limits=Limits(concurrency=2))
    assert result.stopped == "judge"
    assert "500" in (result.reason or "")
    assert DOWN_AFTER <= result.made <= DOWN_AFTER + 2


def test_scattered_failures_do_not_look_like_a_judge_that_is_down() -> None:
    judge = Scripted({i: JudgeError("429") for i in range(0, 100, 2)})
    assert run(judge, 100, limits=Limits(concurrency=1)).stopped is None


def test_what_was_never_recorded_does_not_end_a_replay() -> None:
    judge = Scripted(always=NotRecorded("no recorded verdict"))
    result = run(judge, 200, limits=Limits(concurrency=2))
    assert (result.stopped, result.errors) == (None, 200)


@pytest.mark.parametrize("concurrency", [1, 7])
def test_max_calls_is_never_overshot(concurrency: int) -> None:
    judge = Scripted(delay=0.001)
    result = run(judge, 50, limits=Limits(concurrency=concurrency, max_calls=13))
    assert len(judge.asked) == 13
    assert result.stopped == "budget"
    assert sum(v is not None for v in result.verdicts) == 13


def test_max_cost_stops_with_at_most_what_is_in_flight_beyond_it() -> None:
    judge = Scripted(cost=0.1, delay=0.001)
    result = run(judge, 50, limits=Limits(concurrency=3, max_cost=0.5))
    assert result.stopped == "budget"
    assert 5 <= len(judge.asked) <= 5 + 3


def test_an_unknown_price_is_not_a_price_of_zero() -> None:
    result = run(Scripted(cost=None), 50, limits=Limits(concurrency=1, max_cost=5.0))
    assert result.stopped == "budget"
    assert result.made == 1
    assert "--max-calls" in (result.reason or "")
    assert result.cost_usd is None


def test_cancellation_keeps_answers_and_says_so(tmp_path: Path) -> None:
    judge = Scripted(delay=0.02)

    async def cancelled() -> object:
        with CallStore(tmp_path / "c.sqlite") as store:
            task = asyncio.create_task(run_calls(calls(200), judge, store=store, limits=Limits(concurrency=4)))
            while len(judge.asked) < 12 and not task.done():  # eight of them are answered
                await asyncio.sleep(0.002)
            task.cancel()
            return await task

    result = asyncio.run(cancelled())
    assert result.stopped == "interrupted"  # type: ignore[attr-defined]
    with CallStore(tmp_path / "c.sqlite") as store:
        assert 8 <= store.stats()["f"] < 200


def test_repeats_of_a_deterministic_judge_are_not_asked() -> None:
    judge = Scripted({1: JudgeError("boom")})
    judge.deterministic = True  # type: ignore[misc]
    cases = [c.case for c in calls(3)]
    repeated = [PlannedCall(c, sample, shown_hash(c)) for c in cases for sample in range(3)]
    result = asyncio.run(run_calls(repeated, judge, limits=Limits(concurrency=1)))
    assert judge.asked == [("c0", 0), ("c1", 0), ("c2", 0)]
    assert [v.null if v else "missing" for v in result.verdicts] == [None] * 3 + ["error"] * 3 + [None] * 3
    assert (result.made, result.errors, result.cached) == (3, 1, 6)
    assert result.tokens == 2 * 6  # nothing was spent on repeats


def test_repeats_of_what_the_store_holds_are_not_asked_of_a_deterministic_judge(tmp_path: Path) -> None:
    """A run that was stopped between a question and its repeat, and one that came to its end, ask nothing twice."""
    cases = [c.case for c in calls(4)]
    repeated = [PlannedCall(c, sample, shown_hash(c)) for c in cases for sample in range(3)]
    totals = []
    for limits in (Limits(concurrency=1, max_calls=2), Limits(concurrency=1), Limits()):
        judge = Scripted()
        judge.deterministic = True  # type: ignore[misc]
        with CallStore(tmp_path / "c.sqlite") as store:
            result = asyncio.run(run_calls(repeated, judge, limits=limits, store=store))
        totals.append(len(judge.asked))
        if result.stopped is None:
            assert all(v is not None and v.choice == 0 for v in result.verdicts)
            assert (result.made + result.cached, result.tokens) == (12, 4 * 6)
    assert totals == [2, 2, 0]


def test_events_tell_the_whole_story() -> None:
    events: list[Event] = []
    run(Scripted({2: JudgeError("x")}), 6, emit=events.append, limits=Limits(concurrency=1))
    assert events[0] == RunStarted(planned=6, cached=0)
    assert events[-1] == RunFinished(None, None)
    finished = [e for e in events if isinstance(e, CallFinished)]
    assert [e.number for e in finished] == list(range(6))
    assert [e.verdict.null for e in finished] == [None, None, "error", None, None, None]


def test_judges_that_may_not_be_reused_are_never_stored(tmp_path: Path) -> None:
    judge = Scripted()
    judge.reusable = False  # type: ignore[misc]
    with CallStore(tmp_path / "c.sqlite") as store:
        run(judge, 5, store=store)
        assert store.stats() == {}
