"""Ray without Ray: the real pool and the real worker code, each worker in this process. tests/elsewhere/test_ray.py has
the real thing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from voirdire.harness.elsewhere import ray_place
from voirdire.harness.elsewhere.pool import Asked, Outcome, Pool
from voirdire.harness.elsewhere.ray_worker import JudgeActor
from voirdire.harness.errors import UsageError


class Hand:
    """A worker that lives here. `answered`: calls that workers answered since the imitation began."""

    answered = 0

    def __init__(self, *arguments: Any) -> None:
        self._actor = JudgeActor(*arguments)

    async def ready(self) -> None:
        problem = await self._actor.ready()
        if problem is not None:
            raise UsageError(problem)

    async def submit(self, calls: Sequence[Asked]) -> None:
        Hand.answered += len(calls)
        await self._actor.submit(calls)

    async def collect(self, seconds: float) -> Sequence[Outcome]:
        return await self._actor.collect(seconds)

    def kill(self) -> None:
        """Nothing runs anywhere else."""


def imitate(monkeypatch: pytest.MonkeyPatch) -> type[Hand]:
    """`--on ray` answers in this process from now on."""

    def pool(place: Any, spec: str, options: Any, *, chat: bool, identity: str, capacity: int | None) -> Pool:
        return Pool(lambda: Hand(spec, options, chat, identity, None), place.workers or 2, capacity)

    monkeypatch.setattr(ray_place, "_ray", lambda: None)
    monkeypatch.setattr(ray_place.RayPlace, "pool", pool)
    Hand.answered = 0
    return Hand
