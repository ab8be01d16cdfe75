"""Calls given to workers that may die: every call is answered once, and only the guilty one fails."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from voirdire.harness.elsewhere.pool import MOST_LOSSES, Asked, Outcome, Pool, WorkerLost
from voirdire.harness.engine.breaker import JudgeBusy
from voirdire.harness.engine.pacing import Meter, open_ticket
from voirdire.harness.errors import JudgeError, JudgeUnreachable, UsageError


@dataclass
class Chance:
    """How workers die at random: at an answer with this probability, until so many are dead."""

    mortality: float
    deaths: int = 1_000

    def strikes(self, rng: random.Random) -> bool:
        struck = self.deaths > 0 and rng.random() < self.mortality
        self.deaths -= struck
        return struck


class Hands:
    """A worker in this process: doubles numbers, dies of a payload in `poison`, and at random."""

    def __init__(
        self, rng: random.Random, *, chance: Chance | None = None, poison: frozenset[int] = frozenset()
    ) -> None:
        self.rng, self.chance, self.poison = rng, chance or Chance(0.0), poison
        self.done: list[Outcome] = []
        self.some = asyncio.Event()
        self.dead = asyncio.Event()
        self.most = 0
        self.open = 0
        self.answered: Counter[int] = Counter()

    async def ready(self) -> None:
        await asyncio.sleep(0)

    async def submit(self, calls: Sequence[Asked]) -> None:
        await asyncio.sleep(0)
        if self.dead.is_set():
            raise WorkerLost("dead")
        self.open += len(calls)
        self.most = max(self.most, self.open)
        for call in calls:
            asyncio.get_running_loop().call_later(self.rng.random() * 0.002, self._one, call)

    def _one(self, call: Asked) -> None:
        if self.dead.is_set():
            return
        if call.payload in self.poison or self.chance.strikes(self.rng):
            self.dead.set()
            self.some.set()
            return
        self.open -= 1
        self.answered[call.payload] += 1
        self.done.append(Outcome(call.number, call.payload * 2))
        self.some.set()

    async def collect(self, seconds: float) -> Sequence[Outcome]:
        try:
            async with asyncio.timeout(seconds):
                await self.some.wait()
        except TimeoutError:
            return []
        self.some.clear()
        if self.dead.is_set():
            raise WorkerLost("it was killed")
        found, self.done = self.done, []
        return found

    def kill(self) -> None:
        self.dead.set()


@pytest.mark.parametrize("seed", range(5))
def test_every_call_is_answered_though_workers_die(seed: int) -> None:
    async def run() -> None:
        rng = random.Random(seed)
        chance = Chance(0.05)
        pool = Pool(lambda: Hands(rng, chance=chance), 3, 8)
        for wave in range(5):
            # one more, and a call that was there each time would rightly be taken for the cause
            chance.deaths = MOST_LOSSES - 1
            assert await asyncio.gather(*(pool.ask(i, 0) for i in range(400))) == [2 * i for i in range(400)]
            assert pool.lost == (wave + 1) * (MOST_LOSSES - 1)
        await pool.aclose()

    asyncio.run(run())


def test_a_call_that_kills_its_worker_fails_alone() -> None:
    async def run() -> None:
        rng = random.Random(1)
        pool = Pool(lambda: Hands(rng, poison=frozenset({17})), 2, 50)
        found = await asyncio.gather(*(pool.ask(i, 0) for i in range(200)), return_exceptions=True)
        assert [i for i, x in enumerate(found) if x != 2 * i] == [17]
        assert isinstance(found[17], JudgeError)
        assert not isinstance(found[17], (JudgeUnreachable, JudgeBusy)), "asking it again would kill more workers"
        assert pool.lost == MOST_LOSSES
        await pool.aclose()

    asyncio.run(run())


def test_a_worker_has_no_more_open_than_it_can_bear_and_all_have_some() -> None:
    async def run() -> None:
        rng = random.Random(2)
        hands: list[Hands] = []

        def spawn() -> Hands:
            hands.append(Hands(rng))
            return hands[-1]

        pool = Pool(spawn, 4, 3)
        await asyncio.gather(*(pool.ask(i, 0) for i in range(300)))
        assert [h.most for h in hands] == [3] * 4
        assert min(h.answered.total() for h in hands) > 30
        await pool.aclose()

    asyncio.run(run())


def test_a_judge_whose_workers_all_die_is_given_up() -> None:
    async def run() -> None:
        rng = random.Random(3)
        chance = Chance(1.0)
        pool = Pool(lambda: Hands(rng, chance=chance), 2, None)
        found = await asyncio.gather(*(pool.ask(i, 0) for i in range(40)), return_exceptions=True)
        assert all(isinstance(x, JudgeError) for x in found)
        assert any(isinstance(x, JudgeUnreachable) for x in found)
        with pytest.raises(JudgeUnreachable, match="die as soon as they are asked"):
            await pool.ask(1, 0)
        await pool.aclose()

    asyncio.run(run())


def test_workers_that_cannot_be_made_say_why() -> None:
    class Refused(Hands):
        async def ready(self) -> None:
            raise UsageError("no such model there")

    async def run() -> None:
        pool = Pool(lambda: Refused(random.Random(0)), 2, None)
        for _ in range(2):
            with pytest.raises(UsageError, match="no such model there"):
                await pool.ask(1, 0)
        await pool.aclose()

    asyncio.run(run())


def test_errors_come_back_as_what_they_were_and_retries_are_booked() -> None:
    class Failing(Hands):
        def _one(self, call: Asked) -> None:
            self.done.append(Outcome(call.number, error="JudgeBusy", message="429", hint="wait", requests=3))
            self.some.set()

    async def run() -> None:
        pool = Pool(lambda: Failing(random.Random(0)), 1, None)
        meter = Meter(60.0, None, clock=lambda: 0.0)
        meter.book()  # as the runner does
        open_ticket(meter)
        with pytest.raises(JudgeBusy, match="429") as caught:
            await pool.ask(1, 0)
        assert caught.value.hint == "wait"
        assert meter.book() == 3.0, "two retries stand before the next call"
        await pool.aclose()

    asyncio.run(run())


def test_a_cancelled_call_is_forgotten_and_the_pool_can_be_used_again() -> None:
    async def run() -> None:
        pool = Pool(lambda: Hands(random.Random(0)), 1, 1)
        tasks = [asyncio.create_task(pool.ask(i, 0)) for i in range(20)]
        await asyncio.sleep(0.003)
        for task in tasks[5:]:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert await pool.ask(21, 0) == 42
        await pool.aclose()
        assert await pool.ask(4, 0) == 8
        await pool.aclose()

    asyncio.run(run())
