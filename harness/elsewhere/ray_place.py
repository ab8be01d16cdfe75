"""`--on ray`: judges answer in workers of a Ray cluster, or of Ray on this machine.

    --on ray                           this machine: a worker a core
    --on 'ray?workers=4'               this machine, 4 workers
    --on 'ray:ray://head:10001?workers=8&gpus=1'

A worker is an actor with a judge of its own, made there from the same spec, so models and connections live there, and
keys are those of its own environment: none is sent. Prompts are written and replies read here. Needs the extra `ray`.
Not here: who gets which call and what becomes of a dead worker's (pool.py), what a worker runs (ray_worker.py).
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from voirdire.harness.cases import Case, Task, content_hash
from voirdire.harness.elsewhere.place import number_of, options_of
from voirdire.harness.elsewhere.pool import Asked, Outcome, Pool, WorkerLost
from voirdire.harness.elsewhere.standing_in import StandInChat
from voirdire.harness.errors import UsageError
from voirdire.harness.judges.base import ChatModel, Judge, Message, Reply
from voirdire.harness.verdicts import Scale, Verdict

if TYPE_CHECKING:
    from voirdire.harness.judges.spec import JudgeOptions

__all__ = ["RayChat", "RayJudge", "RayPlace"]

#: how long the workers may take to start: an environment or a large model may have to be loaded first
START_SECONDS = 600.0
#: calls that a worker has open at most; the run's own concurrency is the real bound
_OPEN_CALLS = 1000


@dataclass(frozen=True, slots=True)
class RayPlace:
    """A Ray cluster. `address`: as `ray.init` takes it, None: Ray on this machine. `workers`: judges that answer at a
    time, None: one a core. `cpus` and `gpus`: what each of them needs of its node (None: Ray's choice of a share)."""

    address: str | None = None
    workers: int | None = None
    cpus: float | None = None
    gpus: float = 0.0

    @classmethod
    def parse(cls, address: str, query: str) -> RayPlace:
        """Raises UsageError."""
        given = options_of(query, ("workers", "cpus", "gpus"), place="ray")
        workers = number_of(given, "workers", place="ray", low=1, whole=True)
        return cls(
            address or None,
            int(workers) if workers is not None else None,
            number_of(given, "cpus", place="ray", low=0),
            number_of(given, "gpus", place="ray", low=0) or 0.0,
        )

    @property
    def calls_at_once(self) -> int | None:
        return None

    def put(self, judge: Judge, spec: str, options: JudgeOptions) -> Judge:
        """`judge` in the workers. Recorded verdicts stay where their file is."""
        from voirdire.harness.judges.prompted import PromptedJudge
        from voirdire.harness.judges.replay import ReplayJudge

        if isinstance(judge, ReplayJudge):
            return judge
        _ray()  # say now that it is missing
        told = replace(options, environ={}, names=None, place=None)
        if isinstance(judge, PromptedJudge):
            # the model only: its prompt and parser stay here (a schema of the verdict is made from the prompt)
            if not told.params.get("structured"):
                told = replace(told, prompt=None, parse=None)
            return replace(judge, chat=RayChat(judge.chat, self, spec, told))
        return RayJudge(judge, self, spec, told)

    def pool(self, spec: str, options: JudgeOptions, *, chat: bool, identity: str, capacity: int | None) -> Pool:
        """Workers with the judge of `spec`; `identity` is what theirs must be equal to."""
        ray = _ray()
        self._connect(ray)
        workers = self.size
        cpus = self.cpus
        if cpus is None:
            # more workers than cores wait for the network, or share: they must all find room
            cpus = min(1.0, float(ray.cluster_resources().get("CPU", 1.0)) / workers / 2)
        here = (str(Path.cwd()), list(sys.path)) if self.address is None else None
        demand = {"num_cpus": cpus, "num_gpus": self.gpus, "max_concurrency": _OPEN_CALLS, "max_restarts": 0}
        return Pool(lambda: _RayWorker(ray, demand, (spec, options, chat, identity, here)), workers, capacity)

    @property
    def size(self) -> int:
        """How many workers there are."""
        if self.workers is not None:
            return self.workers
        if self.address is None:
            return os.cpu_count() or 1
        self._connect(_ray())
        return max(1, int(_ray().cluster_resources().get("CPU", 1)))

    def _connect(self, ray: Any) -> None:
        if ray.is_initialized():
            return
        # what Ray would report of this machine to its makers is nobody's business
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        quiet = {"include_dashboard": False} if self.address is None else {}
        try:
            ray.init(self.address, logging_level="ERROR", log_to_driver=False, **quiet)
        except Exception as error:  # whatever it may be, it is the address or the cluster
            text = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
            raise UsageError(
                f"no Ray cluster answers at {self.address or 'this machine'} ({text})",
                hint="--on ray starts one here; --on ray:ADDRESS takes what `ray status` or ray.init accept.",
            ) from None


def _ray() -> Any:
    try:
        import ray
    except ImportError:
        raise UsageError("--on ray needs Ray", hint="pip install 'voirdire[ray]'") from None
    return ray


class _RayWorker:
    """One actor, as the pool sees it."""

    __slots__ = ("_actor", "_ray")

    def __init__(self, ray: Any, demand: Mapping[str, Any], arguments: tuple[Any, ...]) -> None:
        from voirdire.harness.elsewhere.ray_worker import JudgeActor

        self._ray = ray
        self._actor = ray.remote(**demand)(JudgeActor).remote(*arguments)

    async def ready(self) -> None:
        try:
            async with asyncio.timeout(START_SECONDS):
                problem = await self._get(self._actor.ready.remote())
        except TimeoutError:
            raise UsageError(
                f"the Ray cluster gave no room for a worker within {START_SECONDS:g} s",
                hint="Ask for less: --on 'ray?workers=1&cpus=0&gpus=0', and see `ray status`.",
            ) from None
        if problem is not None:
            raise UsageError(problem)

    async def submit(self, calls: Sequence[Asked]) -> None:
        await self._get(self._actor.submit.remote(list(calls)))

    async def collect(self, seconds: float) -> Sequence[Outcome]:
        found: Sequence[Outcome] = await self._get(self._actor.collect.remote(seconds))
        return found

    def kill(self) -> None:
        if self._ray.is_initialized():
            self._ray.kill(self._actor)

    async def _get(self, reference: Any) -> Any:
        errors = self._ray.exceptions
        try:
            return await reference
        except errors.RayTaskError:
            raise  # a bug of ours: the actor answers every judge's error as an outcome
        except errors.RayError as error:
            raise WorkerLost(" ".join(str(error).split())[:300]) from None


class _Elsewhere:
    """What `RayChat` and `RayJudge` share: a pool, made when the first call comes."""

    def __init__(self, place: RayPlace, spec: str, options: JudgeOptions, *, concurrency: int | None) -> None:
        self._place = place
        self._spec = spec
        self._options = options
        self._each = concurrency
        self._pool: Pool | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def concurrency(self) -> int | None:
        """How many calls may run at once, in all workers together."""
        return None if self._each is None else self._each * self._place.size

    async def ask(self, payload: Any, sample: int, *, chat: bool, identity: str) -> Any:
        loop = asyncio.get_running_loop()
        if self._pool is None or self._loop is not loop:
            self._pool = self._place.pool(self._spec, self._options, chat=chat, identity=identity, capacity=self._each)
            self._loop = loop
        return await self._pool.ask(payload, sample)

    async def aclose(self) -> None:
        pool, self._pool = self._pool, None
        if pool is not None and self._loop is asyncio.get_running_loop():
            await pool.aclose()


class RayChat(StandInChat):
    """A chat model that answers in the workers of a Ray cluster. In every other way it is `inner`."""

    def __init__(self, inner: ChatModel, place: RayPlace, spec: str, options: JudgeOptions) -> None:
        super().__init__(inner)
        self._there = _Elsewhere(place, spec, options, concurrency=inner.concurrency if _own_bound(inner) else None)

    @property
    def concurrency(self) -> int | None:
        return self._there.concurrency

    async def complete(self, messages: Sequence[Message], *, sample: int) -> Reply:
        """As the inner model's."""
        plain = [dict(m) for m in messages]
        reply: Reply = await self._there.ask(plain, sample, chat=True, identity=content_hash(dict(self.identity)))
        return reply

    async def aclose(self) -> None:
        await self._there.aclose()
        await self._inner.aclose()


def _own_bound(chat: ChatModel) -> bool:
    """Is its concurrency the model's own (one call at a time in a process), not the user's for an endpoint?"""
    return chat.first_token_only


class RayJudge:
    """A judge that answers in the workers of a Ray cluster. In every other way it is `inner`."""

    def __init__(self, inner: Judge, place: RayPlace, spec: str, options: JudgeOptions) -> None:
        self._inner = inner
        bound = inner.concurrency if inner.concurrency != options.concurrency else None
        self._there = _Elsewhere(place, spec, options, concurrency=bound)

    def __getattr__(self, name: str) -> Any:
        # traits and facts, which not every judge has; never our own, which are asked for before they are there (copy)
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._inner, name)

    @property
    def name(self) -> str:
        return self._inner.name

    @property
    def spec(self) -> str:
        return self._inner.spec

    @property
    def task(self) -> Task:
        return self._inner.task

    @property
    def scale(self) -> Scale:
        return self._inner.scale

    @property
    def fingerprint(self) -> str:
        return self._inner.fingerprint

    @property
    def reusable(self) -> bool:
        return self._inner.reusable

    @property
    def paid(self) -> bool:
        return self._inner.paid

    @property
    def soft(self) -> bool:
        return self._inner.soft

    @property
    def concurrency(self) -> int | None:
        return self._there.concurrency

    @property
    def deterministic(self) -> bool:
        return self._inner.deterministic

    async def judge(self, case: Case, *, sample: int) -> Verdict:
        """As the inner judge's."""
        verdict: Verdict = await self._there.ask(case, sample, chat=False, identity=self.fingerprint)
        return verdict

    async def aclose(self) -> None:
        await self._there.aclose()
        await self._inner.aclose()
