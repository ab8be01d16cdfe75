"""How many requests an endpoint gets at once, how long it is left alone, and the user's own limits a minute."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from virtual_time import run_virtual

from voirdire.harness.engine.pacing import CUT, SLOW_START, Meter, Pace, due, open_ticket


async def rounds(pace: Pace, n: int, outcome: Callable[[float], None] | None = None) -> list[int]:
    """`n` rounds in which every place there is gets used; returns how many were used in each."""
    used = []
    for _ in range(n):
        begun = [await pace.enter() for _ in range(int(pace.limit))]
        used.append(pace.in_flight)
        for moment in begun:
            (outcome or pace.answered)(moment)
            pace.leave()
        await asyncio.sleep(1)
    return used


def test_it_starts_slowly_and_doubles() -> None:
    async def go() -> None:
        assert await rounds(Pace(), 4) == [SLOW_START, 16, 32, 64]
        assert await rounds(Pace(20), 4) == [8, 16, 20, 20]
        assert await rounds(Pace(1), 3) == [1, 1, 1]

    run_virtual(go())


def test_a_refusal_cuts_once_and_growth_is_slow_from_then_on() -> None:
    async def go() -> None:
        pace = Pace()
        await rounds(pace, 3)
        assert await rounds(pace, 1, pace.refused) == [64]
        assert pace.limit == pytest.approx(64 * CUT)
        assert pace.cuts == 1  # 64 refusals of one moment are one refusal
        assert await rounds(pace, 3) == [44, 45, 46]
        await rounds(pace, 60, pace.refused)
        assert pace.limit == 1.0  # and never less

    run_virtual(go())


def test_what_began_before_a_cut_neither_cuts_again_nor_lifts() -> None:
    async def go() -> None:
        pace = Pace()
        early = [await pace.enter() for _ in range(8)]
        await asyncio.sleep(1)
        pace.refused(early[0])
        limit = pace.limit
        for moment in early[1:]:
            pace.refused(moment)
            pace.answered(moment)
        assert (pace.limit, pace.cuts) == (limit, 1)

    run_virtual(go())


def test_a_limit_nobody_uses_does_not_grow() -> None:
    async def go() -> None:
        pace = Pace()
        for _ in range(100):
            pace.answered(await pace.enter())
            pace.leave()
        assert pace.limit == SLOW_START

    run_virtual(go())


def test_other_failures_hold_growth_back_and_do_not_cut() -> None:
    async def go() -> None:
        pace = Pace()
        for _ in range(5):
            begun = [await pace.enter() for _ in range(8)]
            for moment in begun[::2]:
                pace.answered(moment)
                pace.stumbled()
            for _ in begun:
                pace.leave()
        assert (pace.limit, pace.cuts) == (SLOW_START, 0)

    run_virtual(go())


def test_a_hold_keeps_everybody_out_but_who_has_sat_it_out() -> None:
    async def go() -> None:
        pace, loop = Pace(), asyncio.get_running_loop()
        until = pace.hold(7.0)
        pace.hold(3.0)  # a shorter one does not shorten it
        assert await pace.enter(rested=until) == 0.0
        assert await pace.enter() == 7.0
        assert loop.time() == 7.0
        later = pace.hold(5.0)
        assert await pace.enter(rested=until) == later

    run_virtual(go())


def test_a_quota_is_used_up_and_then_waited_for() -> None:
    async def go() -> list[float]:
        pace = Pace()
        pace.quota(3, 10.0)
        pace.quota(5, 99.0)  # an older answer that came later
        return [await pace.enter() for _ in range(5)]

    assert run_virtual(go()) == [0.0, 0.0, 0.0, 10.0, 10.0]


def test_an_empty_quota_lets_nobody_in() -> None:
    async def go() -> float:
        pace = Pace()
        pace.quota(0, 4.0)
        return await pace.enter()

    assert run_virtual(go()) == 4.0


def test_who_gives_up_waiting_takes_no_place() -> None:
    async def go() -> None:
        pace = Pace(1)
        await pace.enter()
        waiting = [asyncio.create_task(pace.enter()) for _ in range(3)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        pace.leave()
        waiting[1].cancel()  # it has been given the place, and does not know yet
        await asyncio.gather(*waiting[:2], return_exceptions=True)
        await asyncio.wait_for(waiting[2], 1)
        assert pace.in_flight == 1

    run_virtual(go())


@pytest.mark.parametrize(("rate", "workers"), [(60.0, 5), (600.0, 32), (7.0, 3)])
def test_requests_a_minute_are_never_exceeded_nor_wasted(rate: float, workers: int) -> None:
    async def go() -> list[float]:
        loop = asyncio.get_running_loop()
        meter, sent = Meter(rate, None, clock=loop.time), []

        async def worker() -> None:
            while loop.time() < 300.0:
                await asyncio.sleep(meter.book())
                sent.append(loop.time())
                await asyncio.sleep(0.05)

        await asyncio.gather(*(worker() for _ in range(workers)))
        return sent

    sent = run_virtual(go())
    for start in range(0, 240, 7):
        count = sum(start <= moment < start + 60 for moment in sent)
        assert rate - 1 <= count <= rate + 1


def test_tokens_a_minute_count_what_was_used_not_what_was_guessed() -> None:
    now = 0.0
    meter = Meter(None, 6000.0, clock=lambda: now)
    assert meter.book(100.0) == 0.0
    assert meter.book(100.0) == pytest.approx(1.0)
    meter.settle(100.0, 600.0)
    assert meter.book(100.0) == pytest.approx(7.0)
    meter.settle(100.0, 0.0)
    assert meter.book(0.0) == pytest.approx(7.0)


def test_only_further_requests_of_a_call_book_themselves() -> None:
    async def go() -> list[float]:
        meter = Meter(60.0, None, clock=lambda: 0.0)
        assert due() == 0.0  # outside a run
        meter.book()
        open_ticket(meter)
        first = due()

        async def juror() -> float:
            return due()

        # a judge that asks others at once passes its ticket on
        return [first, *await asyncio.gather(juror(), juror())]

    assert run_virtual(go()) == [0.0, 1.0, 2.0]
