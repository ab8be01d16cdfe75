"""A judge that goes down in the middle of a run: a pause, single probes, and either it goes on or it says why not."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from engine_calls import questions
from virtual_time import run_virtual

from voirdire.harness.cases import Case
from voirdire.harness.engine.breaker import COOLDOWNS, DOWN_AFTER, JudgeBusy
from voirdire.harness.engine.events import Event, RunFinished, RunPaused
from voirdire.harness.engine.runner import Limits, Run, run_calls
from voirdire.harness.errors import ExitCode, JudgeError, JudgeFault
from voirdire.harness.verdicts import Scale, Usage, Verdict


@dataclass
class Outage:
    """Answers after .1 s; fails while `down_from <= time < down_until` (virtual seconds)."""

    down_from: float = 1.05
    down_until: float = float("inf")
    error: type[JudgeError] = JudgeBusy
    asked: list[tuple[float, str]] = field(default_factory=list)
    running: int = 0
    most_while_down: int = 0

    name = spec = fingerprint = "outage"
    task = "pairwise"
    scale = Scale()
    reusable = True
    paid = True
    soft = False
    concurrency = None
    deterministic = False

    async def judge(self, case: Case, *, sample: int) -> Verdict:
        now = asyncio.get_running_loop().time()
        self.asked.append((now, case.id))
        self.running += 1
        if now > self.down_from + 1.0:
            self.most_while_down = max(self.most_while_down, self.running)
        await asyncio.sleep(0.1)
        self.running -= 1
        if self.down_from <= now < self.down_until:
            raise self.error("answered 503 (overloaded)")
        return Verdict(choice=0, usage=Usage(5, 1, 0.01))

    async def aclose(self) -> None: ...


def run(judge: Outage, n: int = 200, **limits: object) -> tuple[Run, list[Event]]:
    events: list[Event] = []
    calls = questions(n)
    return run_virtual(
        run_calls(calls, judge, limits=Limits(**{"concurrency": 4, **limits}), emit=events.append)
    ), events  # type: ignore[arg-type]


@pytest.mark.parametrize("down_for", [2.0, 20.0, 60.0])
def test_a_judge_that_comes_back_is_asked_all_that_is_missing(down_for: float) -> None:
    judge = Outage(down_until=1.0 + down_for)
    result, events = run(judge)
    assert (result.stopped, result.errors, result.made) == (None, 0, 200)
    assert result.reasked > 0
    assert judge.most_while_down <= 4
    paused = [e for e in events if isinstance(e, RunPaused)]
    assert paused
    assert [e.seconds for e in paused] == list(COOLDOWNS[: len(paused)])
    assert "503" in paused[0].reason
    # while it was down it got a handful of calls, not a stream of them
    during = [moment for moment, _ in judge.asked if 1.0 <= moment < 1.0 + down_for]
    assert len(during) <= DOWN_AFTER + 4 + len(COOLDOWNS)


def test_half_open_means_one_call_at_a_time() -> None:
    judge = Outage(down_until=70.0)
    run(judge)
    probes = [moment for moment, _ in judge.asked if 2.5 <= moment < 70.0]
    assert probes
    assert all(later - earlier >= 1.0 for earlier, later in itertools.pairwise(probes))


def test_a_judge_that_stays_down_is_given_up_with_a_reason_and_nothing_lost() -> None:
    judge = Outage()
    result, events = run(judge)
    assert result.stopped == "judge"
    assert result.failure == ExitCode.JUDGE
    reason = result.reason or ""
    assert "calls in a row failed" in reason
    assert f"{len(COOLDOWNS)} of them spread over time" in reason
    assert "503" in reason
    answered = [v for v in result.verdicts if v is not None and v.null is None]
    assert len(answered) == 4 * 11  # four every .1 s, up to the outage
    # what was asked and failed is an error, what was never asked is missing
    assert result.errors == sum(v is not None and v.null == "error" for v in result.verdicts) > 0
    assert result.made == len(answered) + result.errors
    assert sum(v is None for v in result.verdicts) == 200 - result.made
    assert isinstance(events[-1], RunFinished)
    assert sum(isinstance(e, RunPaused) for e in events) == len(COOLDOWNS)


def test_a_judge_that_never_answered_is_given_up_at_once() -> None:
    """A wrong port should not take two minutes to show."""
    judge = Outage(down_from=0.0)
    result, events = run(judge)
    assert result.stopped == "judge"
    assert not any(isinstance(e, RunPaused) for e in events)
    assert len(judge.asked) <= DOWN_AFTER + 4


def test_a_bug_in_a_callable_is_not_waited_for() -> None:
    judge = Outage(error=JudgeFault)
    result, events = run(judge)
    assert (result.stopped, result.failure) == ("judge", ExitCode.USAGE)
    assert not any(isinstance(e, RunPaused) for e in events)


def test_few_calls_are_enough_to_see_that_nobody_is_there() -> None:
    result, _ = run(Outage(down_from=0.0), n=5)
    assert result.stopped == "judge"


def test_a_call_that_keeps_failing_ends_as_an_error_while_the_rest_goes_on() -> None:
    class OneBad(Outage):
        async def judge(self, case: Case, *, sample: int) -> Verdict:
            if case.id == "c3":
                self.asked.append((0.0, case.id))
                raise JudgeBusy("sent a web page")
            return await super().judge(case, sample=sample)

    judge = OneBad(down_from=float("inf"))
    result, _ = run(judge, n=20)
    assert (result.stopped, result.errors, result.reasked) == (None, 1, 4)
    verdict = result.verdicts[3]
    assert verdict is not None
    assert verdict.reason == "sent a web page"
    assert [case for _, case in judge.asked].count("c3") == 5
    judge = OneBad(down_from=float("inf"))
    assert run(judge, n=20, reasks=0)[0].reasked == 0


def test_a_probe_can_be_interrupted(tmp_path: Path) -> None:
    async def go() -> Run:
        task = asyncio.create_task(run_calls(questions(100), Outage(), limits=Limits(concurrency=4)))  # type: ignore[arg-type]
        await asyncio.sleep(10.0)
        task.cancel()
        return await task

    result = run_virtual(go())
    assert result.stopped == "interrupted"
    assert sum(v is not None and v.null is None for v in result.verdicts) == 44


def test_the_budget_counts_what_is_asked_again() -> None:
    result, _ = run(Outage(down_until=3.0), max_calls=60)
    assert result.stopped == "budget"
    judge = Outage(down_until=3.0)
    run(judge, max_calls=60)
    assert len(judge.asked) == 60
