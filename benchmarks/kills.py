"""SIGKILL at random moments: is a committed answer ever lost or asked again, and how many others are?

    python benchmarks/kills.py --runs 200

A run of the engine asks a judge on loopback and is killed, and the next goes on with the same store. What the server
served and what the store holds are compared after each kill. Prints a table of figures; exits 1 if a promise is broken.
tests/engine/test_kills.py does the same with fewer runs. POSIX only: runs are forked from one warm process.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "support"))

from engine_calls import judge_at, questions
from fault_server import FaultServer
from sql import sql

from voirdire.harness.engine.runner import Limits, run_calls
from voirdire.harness.engine.store import BATCH_ANSWERS, CallStore
from voirdire.harness.engine.store_maintenance import export_store, verify_store

__all__ = ["CONCURRENCY", "Kills", "kill_runs"]

CONCURRENCY = 8
#: a run lives for a uniform share of this, seconds
LONGEST_LIFE = 0.25
#: enough that no run comes to its end before it is killed
QUESTIONS_A_RUN = 120


@dataclass(slots=True)
class Kills:
    """What was seen. `lost[k]`: answers served to run k that its kill kept from the store. `asked_again`: questions
    asked after their answer was committed. `unsound`: kills after which the file was not whole."""

    lost: list[int] = field(default_factory=list)
    asked_again: int = 0
    vanished: int = 0
    unsound: int = 0
    finished: bool = False

    @property
    def allowed(self) -> int:
        """Answers a kill may cost: those in flight, and one batch that was not written yet."""
        return CONCURRENCY + BATCH_ANSWERS

    @property
    def kept_its_promises(self) -> bool:
        broken = self.asked_again or self.vanished or self.unsound
        return self.finished and not broken and max(self.lost, default=0) <= self.allowed


def kill_runs(folder: Path, runs: int, *, seed: int = 0) -> Kills:
    """Kill `runs` runs, let the last one finish."""
    store = folder / "calls.sqlite"
    calls = questions(runs * QUESTIONS_A_RUN)
    draw = random.Random(seed)
    seen = Kills()
    committed: dict[str, int] = {}
    with _server() as server, _forks(server.url, store, len(calls)) as fork:
        render = judge_at(server.url).protocol.render
        question_of = {call.content: str(render(call.case)[-1]["content"]) for call in calls}
        served = 0
        for _ in range(runs):
            pid = fork()
            time.sleep(draw.random() * LONGEST_LIFE)
            _kill(pid)
            rows = _contents(store)
            seen.unsound += store.exists() and sql(store, "PRAGMA integrity_check") != ("ok",)
            seen.vanished += len(committed.keys() - rows)
            seen.lost.append((server.answers - served) - (len(rows) - len(committed)))
            served = server.answers
            for content in rows - committed.keys():
                committed[content] = server.asked[question_of[content]]
        _wait(fork())
        seen.asked_again = sum(server.asked[question_of[c]] != times for c, times in committed.items())
        texts = [row["raw"] for row in export_store(store)]
        seen.finished = len(texts) == len(set(texts)) == len(calls) and not verify_store(store).problems
    return seen


def _contents(store: Path) -> set[str]:
    if not store.exists() or sql(store, "SELECT COUNT(*) FROM sqlite_master WHERE name = 'calls'") == (0,):
        return set()
    return {row["content"] for row in export_store(store)}


@contextlib.contextmanager
def _server() -> Iterator[FaultServer]:
    """A judge in a thread of this process."""
    loop = asyncio.new_event_loop()
    server = FaultServer(faults=0.0, latency=0.02)
    started, stop = threading.Event(), asyncio.Event()

    async def serve() -> None:
        async with server:
            started.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), daemon=True)
    thread.start()
    started.wait()
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()


class _Forker:
    """Starts runs by forking a process that has imported and planned everything, which takes a second otherwise."""

    def __init__(self, url: str, store: Path, n: int) -> None:
        command = [sys.executable, __file__, "--serve", url, str(store), str(n)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self._process.stdout.readline()

    def __call__(self) -> int:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(file=self._process.stdin, flush=True)
        return int(self._process.stdout.readline())

    def close(self) -> None:
        self._process.communicate()


@contextlib.contextmanager
def _forks(url: str, store: Path, n: int) -> Iterator[_Forker]:
    forker = _Forker(url, store, n)
    try:
        yield forker
    finally:
        forker.close()


def _serve(url: str, store: str, n: int) -> None:
    """The warm process: a line in, a run forked, its process id out."""
    import httpx_aiohttp  # noqa: F401  imported before the fork, so that runs start at once

    calls, judge = questions(n), judge_at(url)

    async def run() -> None:
        with CallStore(store) as answers:
            await run_calls(calls, judge, limits=Limits(CONCURRENCY), store=answers)
        await judge.aclose()

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the killed
    print("ready", flush=True)
    for _ in sys.stdin:
        pid = os.fork()
        if pid == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            try:
                asyncio.run(run())
            finally:
                os._exit(0)
        print(pid, flush=True)


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    _wait(pid)


def _wait(pid: int) -> None:
    while True:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.002)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--serve", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        url, store, n = arguments.serve
        _serve(url, store, int(n))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        seen = kill_runs(Path(folder), arguments.runs, seed=arguments.seed)
    figures = {
        "kills": len(seen.lost),
        "kills with answers in flight or unwritten": sum(k > 0 for k in seen.lost),
        "answers asked again, in all": sum(seen.lost),
        "most at one kill": max(seen.lost),
        "allowed at one kill": seen.allowed,
        "committed answers lost": seen.vanished,
        "committed answers asked again": seen.asked_again,
        "files not whole": seen.unsound,
        "last run complete": seen.finished,
    }
    print(json.dumps(figures, indent=2))
    return 0 if seen.kept_its_promises else 1


if __name__ == "__main__":
    sys.exit(main())
