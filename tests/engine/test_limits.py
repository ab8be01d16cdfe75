"""The user's limits: calls, tokens and money of a run, requests and tokens a minute; equal questions are asked once."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from engine_calls import judge_at, questions
from fake_server import FakeServer, ok, status
from virtual_time import run_virtual

from voirdire.harness.cases import Case
from voirdire.harness.engine.runner import Limits, Run, Spent, run_calls
from voirdire.harness.engine.store import CallStore
from voirdire.harness.errors import UsageError
from voirdire.harness.verdicts import Scale, Usage, Verdict


@dataclass
class Priced:
    """Answers after `delay` virtual seconds, for `tokens` tokens and a cent."""

    tokens: int | None = 100
    delay: float = 0.1
    asked: list[tuple[float, str, int]] = field(default_factory=list)

    name = spec = fingerprint = "priced"
    task = "pairwise"
    scale = Scale()
    reusable = True
    paid = True
    soft = False
    concurrency = None
    deterministic = False

    async def judge(self, case: Case, *, sample: int) -> Verdict:
        self.asked.append((asyncio.get_running_loop().time(), case.id, sample))
        await asyncio.sleep(self.delay)
        usage = None if self.tokens is None else Usage(self.tokens - 1, 1, 0.01)
        return Verdict(choice=0, usage=usage)

    async def aclose(self) -> None: ...


def run(judge: Priced, n: int = 200, **limits: object) -> Run:
    return run_virtual(run_calls(questions(n), judge, limits=Limits(**limits)))  # type: ignore[arg-type]


@pytest.mark.parametrize("concurrency", [1, 7, 32])
def test_limits_are_overshot_by_no_more_than_what_is_in_flight(concurrency: int) -> None:
    for limit, reached in (({"max_tokens": 2000}, 20), ({"max_cost": 0.2}, 20)):
        judge = Priced()
        result = run(judge, concurrency=concurrency, **limit)
        assert result.stopped == "budget"
        assert reached <= len(judge.asked) <= reached + concurrency - 1
    judge = Priced()
    assert run(judge, concurrency=concurrency, max_calls=20).reason == "--max-calls 20 was reached"
    assert len(judge.asked) == 20


def test_a_token_limit_that_cannot_be_kept_is_not_pretended() -> None:
    result = run(Priced(tokens=None), concurrency=1, max_tokens=1000)
    assert (result.stopped, result.made) == ("budget", 1)
    assert "does not count tokens" in (result.reason or "")


def test_calls_a_minute() -> None:
    judge = Priced()
    result = run(judge, n=200, concurrency=16, rate=120)
    assert result.made == 200
    times = [moment for moment, _, _ in judge.asked]
    assert times[-1] == pytest.approx(199 * 0.5)
    for start in (0, 13.3, 39):
        assert sum(start <= t < start + 60 for t in times) <= 121


def test_tokens_a_minute() -> None:
    judge = Priced(tokens=500)
    run(judge, n=100, concurrency=16, token_rate=6000)
    # 100 calls of 500 tokens at 6,000 a minute; only the first few go by a guess
    assert judge.asked[-1][0] == pytest.approx(99 * 5.0, rel=0.05)


def test_a_run_that_stops_does_not_wait_for_its_turn() -> None:
    async def go() -> tuple[Run, float]:
        result = await run_calls(questions(50), Priced(), limits=Limits(concurrency=16, rate=1, max_calls=2))  # type: ignore[arg-type]
        return result, asyncio.get_running_loop().time()

    result, ended = run_virtual(go())
    assert result.stopped == "budget"
    # the third call would have had its turn at 120 s, the sixteenth at 900 s
    assert ended <= 121


def test_limits_hold_for_all_parts_of_a_run_together() -> None:
    judge, spent = Priced(delay=0.0), Spent()

    async def main() -> list[Run]:
        limits = Limits(concurrency=4, rate=60, max_calls=7)
        parts = [questions(5), questions(5, words=7)]
        return [await run_calls(part, judge, limits=limits, spent=spent) for part in parts]  # type: ignore[arg-type]

    first, second = run_virtual(main())
    assert (first.made, second.made) == (5, 2)
    assert second.reason == "--max-calls 7 was reached"
    times = [time for time, _, _ in judge.asked]
    # a second apart, also where one part ends and the next begins
    assert [later - earlier for earlier, later in itertools.pairwise(times)] == pytest.approx([1.0] * 6)


@pytest.mark.parametrize("limits", [{"rate": 0.0}, {"rate": -3.0}, {"token_rate": float("nan")}])
def test_rates_that_make_no_sense_are_refused(limits: dict[str, float]) -> None:
    with pytest.raises(UsageError, match="positive number a minute"):
        Limits(**limits)


def test_retries_count_as_requests_of_the_minute() -> None:
    """Two requests for one call: the second waits for its own turn."""
    sleeps: list[float] = []

    async def sleep(seconds: float) -> None:
        sleeps.append(seconds)

    async def go() -> int:
        async with FakeServer([status(500), ok("[[A]]")]) as server:
            judge = judge_at(server.url, sleep=sleep, jitter=lambda: 0.0)
            await run_calls(questions(1), judge, limits=Limits(rate=60))
            await judge.aclose()
            return len(server.requests)

    assert asyncio.run(go()) == 2
    assert len(sleeps) == 2  # the backoff of 0 s, then the turn
    assert sleeps[1] == pytest.approx(1.0, abs=0.5)


def test_equal_questions_in_one_run_are_asked_once() -> None:
    judge = Priced()
    calls = questions(5)
    result = run_virtual(run_calls([*calls, *calls, *calls], judge, limits=Limits(concurrency=8)))  # type: ignore[arg-type]
    assert len(judge.asked) == 5
    assert (result.made, result.cached, result.tokens) == (5, 10, 500)
    assert all(v is not None for v in result.verdicts)


def test_repeats_are_other_questions() -> None:
    judge = Priced()
    calls = [call._replace(sample=k) for call in questions(4) for k in range(3)]
    run_virtual(run_calls(calls, judge, limits=Limits(concurrency=8)))  # type: ignore[arg-type]
    assert len(judge.asked) == 12


@pytest.mark.parametrize(("n", "workers", "seconds"), [(800, 4, 0.005), (60, 1, 0.06)])
def test_what_another_audit_has_asked_meanwhile_is_not_asked_again(
    tmp_path: Path, n: int, workers: int, seconds: float
) -> None:
    """Two runs on one file at the same time share the work instead of doing it twice, few and slow calls too."""
    judge = Priced(delay=seconds)

    async def go() -> list[Run]:
        with CallStore(tmp_path / "c.sqlite") as one, CallStore(tmp_path / "c.sqlite") as two:
            runs = (run_calls(questions(n), judge, limits=Limits(workers), store=store) for store in (one, two))  # type: ignore[arg-type]
            return list(await asyncio.gather(*runs))

    results = asyncio.run(go())
    assert all(r.stopped is None and None not in r.verdicts for r in results)
    # without this, both would ask everything: 2 n. They cannot know of each other before answers have collided
    assert len(judge.asked) < 1.5 * n
    assert sum(r.cached for r in results) > 0.5 * n
    assert len(judge.asked) == results[0].made + results[1].made
