"""What a judge call costs: the engine beside raw asyncio, bare aiohttp and plain httpx, in one run.

    python benchmarks/engine.py                     # live and cached calls, start-up, memory; a few minutes
    python benchmarks/engine.py --smoke             # small, for CI
    python benchmarks/engine.py --faults            # 10,000 calls, 30 % of the requests fail
    python benchmarks/engine.py --inspect PYTHON    # with inspect_ai's mock, of another environment

The judge is a server in a process of its own that answers after 50 ms. Every contender runs in a fresh process, in
turns, several times; the best run counts. CPU is the process's own time, so a busy machine changes it little;
`of ideal` is calls a second over connections / latency, and needs idle cores. Exits 1 if a budget is missed by CPU or
memory (never by the clock).
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "support"))

LATENCY = 0.05
CONNECTIONS = 100
#: words of each judged answer; a request has about 2 kB
WORDS = 60
_PROSE = "Response A explains each step and names the theorem, while Response B leaves out the middle part. "
REPLIES = {"short": "[[A]]", "prose": (_PROSE * 15)[:1400] + "\n\n[[A]]"}
#: what a call may cost
BUDGETS = {"live CPU ms": 0.4, "cached CPU ms": 0.03, "MB at 10,000": 80.0}

# --- the judge -------------------------------------------------------------------------------------------------------


def serve(reply: str) -> None:
    """Answers every request after LATENCY, with as little CPU as Python needs; prints its port."""
    from fake_server import completion

    body = json.dumps(completion(reply)).encode()
    answer = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body

    class Connection(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            assert isinstance(transport, asyncio.Transport)
            self.transport, self.data = transport, b""

        def data_received(self, data: bytes) -> None:
            self.data += data
            head, end, rest = self.data.partition(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0] or 0) if end else 0
            if end and len(rest) >= length:
                self.data = rest[length:]
                asyncio.get_running_loop().call_later(LATENCY, self.transport.write, answer)

    async def main() -> None:
        server = await asyncio.get_running_loop().create_server(Connection, "127.0.0.1", 0, backlog=1024)
        print(server.sockets[0].getsockname()[1], flush=True)
        await asyncio.Event().wait()

    asyncio.run(main())


# --- the contenders --------------------------------------------------------------------------------------------------


def _requests(n: int) -> list[bytes]:
    """The bodies voirdire sends, for clients that have no prompt of their own."""
    from engine_calls import judge_at, questions

    render = judge_at("http://127.0.0.1/v1").protocol.render
    body = {"model": "judge-1", "temperature": 0}
    return [json.dumps({**body, "messages": render(q.case)}).encode() for q in questions(n, words=WORDS)]


async def _spread(n: int, worker: Callable[[list[int]], Awaitable[None]]) -> None:
    todo = list(range(n))
    await asyncio.gather(*(worker(todo) for _ in range(CONNECTIONS)))


async def raw(port: int, n: int, timed: Timed) -> None:
    """asyncio streams and hand-made HTTP: the floor."""
    bodies = _requests(n)

    async def worker(todo: list[int]) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while todo:
            body = bodies[todo.pop()]
            writer.write(
                b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body
            )
            head = await reader.readuntil(b"\r\n\r\n")
            json.loads(await reader.readexactly(int(head.partition(b"Content-Length: ")[2].split(b"\r\n")[0])))
        writer.close()

    with timed:
        await _spread(n, worker)


async def aiohttp(port: int, n: int, timed: Timed) -> None:
    """One ClientSession, JSON in and out, no retries."""
    import aiohttp

    bodies = _requests(n)
    url = f"http://127.0.0.1:{port}/v1/chat/completions"
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def worker(todo: list[int]) -> None:
            while todo:
                async with session.post(url, data=bodies[todo.pop()]) as response:
                    await response.json()

        with timed:
            await _spread(n, worker)


async def httpx(port: int, n: int, timed: Timed) -> None:
    """One AsyncClient with its own pool, JSON in and out, no retries."""
    import httpx

    bodies = _requests(n)
    url = f"http://127.0.0.1:{port}/v1/chat/completions"
    async with httpx.AsyncClient(limits=httpx.Limits(max_connections=CONNECTIONS), timeout=60) as client:

        async def worker(todo: list[int]) -> None:
            while todo:
                (await client.post(url, content=bodies[todo.pop()])).json()

        with timed:
            await _spread(n, worker)


async def voirdire(port: int, n: int, timed: Timed) -> None:
    """The whole way: prompt, retries, pacing, budgets, parser, store."""
    await _voirdire(port, n, timed, warm=False)


async def voirdire_cached(port: int, n: int, timed: Timed) -> None:
    """The same run again: every answer from the store."""
    await _voirdire(port, n, timed, warm=True)


async def _voirdire(port: int, n: int, timed: Timed, *, warm: bool) -> None:
    import aiohttp  # noqa: F401  start-up is measured apart
    from engine_calls import judge_at, questions

    from voirdire.harness.engine.runner import Limits, run_calls
    from voirdire.harness.engine.store import CallStore

    calls, judge = questions(n, words=WORDS), judge_at(f"http://127.0.0.1:{port}/v1")
    limits = Limits(CONNECTIONS)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "calls.sqlite"
        if warm:
            with CallStore(path) as store:
                await run_calls(calls, judge, limits=limits, store=store)
        gc.collect()
        with timed, CallStore(path) as store:
            run = await run_calls(calls, judge, limits=limits, store=store)
        assert (run.made, run.cached, run.errors) == ((0, n, 0) if warm else (n, 0, 0)), run
        assert all(v is not None and v.choice == 0 for v in run.verdicts)
    await judge.aclose()


CONTENDERS: dict[str, Callable[[int, int, Any], Awaitable[None]]] = {
    "raw": raw,
    "aiohttp": aiohttp,
    "httpx": httpx,
    "voirdire": voirdire,
    "cached": voirdire_cached,
}


class Timed:
    """CPU, clock and memory of a block."""

    def __enter__(self) -> Timed:
        self.memory = _resident()
        self.cpu, self.clock = time.process_time(), time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        self.cpu = time.process_time() - self.cpu
        self.clock = time.perf_counter() - self.clock
        self.memory = _resident() - self.memory


def _resident() -> float:
    """MB of this process; 0 where the system does not say."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


# --- memory ----------------------------------------------------------------------------------------------------------


async def in_process(n: int, timed: Timed) -> None:
    """A judge that costs nothing and writes 2 kB a call, so that only plan, engine and store are there."""
    from engine_calls import questions

    from voirdire.harness.engine.runner import Limits, run_calls
    from voirdire.harness.engine.store import CallStore
    from voirdire.harness.judges.python_judge import PythonJudge
    from voirdire.harness.verdicts import Usage, Verdict

    def judge(case: Any) -> Verdict:
        words = f"{case.instruction_text} " + _PROSE * 30
        return Verdict(choice=0, raw=words[:2000], usage=Usage(len(words), 400, 0.001), served_model="judge-1")

    calls = questions(n)
    with tempfile.TemporaryDirectory() as folder:
        gc.collect()
        with timed, CallStore(Path(folder) / "calls.sqlite") as store:
            talker = PythonJudge(judge, task="pairwise", version="1")
            run = await run_calls(calls, talker, limits=Limits(CONNECTIONS), store=store)
            last = run.whole(n - 1)
            assert run.errors == 0
            assert last is not None
            assert len(last.raw or "") == 2000


# --- faults ----------------------------------------------------------------------------------------------------------


async def faults(n: int) -> dict[str, object]:
    """`n` calls over TLS to a judge that fails 30 % of all requests in every way there is."""
    from engine_calls import judge_at, questions
    from fault_server import CERTIFICATE, FaultServer

    from voirdire.harness.engine.runner import Limits, run_calls
    from voirdire.harness.engine.store import CallStore
    from voirdire.harness.engine.store_maintenance import export_store, verify_store

    os.environ["SSL_CERT_FILE"] = str(CERTIFICATE)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "calls.sqlite"
        async with FaultServer(seed=1, tls=True) as server:
            judge = judge_at(server.url, timeout=3.0)
            with CallStore(path) as store:
                run = await run_calls(questions(n), judge, limits=Limits(CONNECTIONS), store=store)
            await judge.aclose()
        rows = [row["raw"] for row in export_store(path)]
        return {
            "calls": n,
            "stopped": run.stopped,
            "errors": run.errors,
            "asked again by the run": run.reasked,
            "requests": sum(server.asked.values()),
            "faults": dict(server.happened.most_common()),
            "answers stored": len(rows),
            "different answers stored": len(set(rows)),
            "questions answered more than once": sum(k > 1 for k in server.served.values()),
            "file whole": not verify_store(path).problems,
            "seconds": round(run.seconds, 1),
        }


# --- the table -------------------------------------------------------------------------------------------------------


def _measure(*arguments: object) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, __file__, *map(str, arguments)], stdout=subprocess.PIPE, text=True, check=True
    )
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def _best(runs: list[dict[str, float]]) -> dict[str, float]:
    return {key: (max if key == "of ideal" else min)(run[key] for run in runs) for key in runs[0]}


def compare(n: int, rounds: int) -> dict[str, dict[str, float]]:
    """Figures of every contender with both replies."""
    out: dict[str, dict[str, float]] = {}
    for length in REPLIES:
        server = subprocess.Popen([sys.executable, __file__, "--serve", length], stdout=subprocess.PIPE, text=True)
        try:
            assert server.stdout is not None
            port = server.stdout.readline().strip()
            # in turns, so that a busy minute of the machine hits all alike
            names = [name for name in CONTENDERS if name != "httpx"]
            found = {name: [] for name in names}  # type: dict[str, list[dict[str, float]]]
            for _ in range(rounds):
                for name in names:
                    found[name].append(_measure("--one", name, port, n))
            found["httpx"] = [_measure("--one", "httpx", port, max(200, n // 20))]  # 9 ms of CPU a call
            out |= {f"{name}, {length}": _best(runs) for name, runs in found.items()}
        finally:
            server.kill()
            server.communicate()
    return out


def start_up(rounds: int) -> dict[str, float]:
    """CPU seconds of `voirdire --help` and of an empty Python."""

    def cpu(*arguments: str) -> float:
        before = os.times()
        subprocess.run([sys.executable, *arguments], stdout=subprocess.DEVNULL, check=True)
        after = os.times()
        return after.children_user + after.children_system - before.children_user - before.children_system

    return {
        "python": min(cpu("-c", "pass") for _ in range(rounds)),
        "voirdire --help": min(cpu("-m", "voirdire", "--help") for _ in range(rounds)),
        "import aiohttp": min(cpu("-c", "import aiohttp") for _ in range(rounds)),
    }


_INSPECT = """
import sys, time, tempfile
from inspect_ai import Task, eval
from inspect_ai.dataset import Sample
from inspect_ai.scorer import match
from inspect_ai.solver import generate
n = int(sys.argv[1])
samples = [Sample(input=f"Question {i}? Which is better, A or B?", target="A") for i in range(n)]
task = Task(dataset=samples, solver=generate(), scorer=match())
cpu, clock = time.process_time(), time.perf_counter()
eval(task, model="mockllm/model", display="none", log_dir=tempfile.mkdtemp())
print("FIGURES", (time.process_time() - cpu) / n * 1e3, n / (time.perf_counter() - clock))
"""


def inspect_mock(python: str, n: int) -> dict[str, float]:
    """inspect_ai asking its own mock model, in its defaults: no network at all."""
    done = subprocess.run([python, "-c", _INSPECT, str(n)], stdout=subprocess.PIPE, text=True, check=True)
    _, cpu, rate = next(line for line in done.stdout.splitlines() if line.startswith("FIGURES")).split()
    return {"cpu_ms": float(cpu), "calls_s": float(rate)}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--faults", action="store_true")
    parser.add_argument("--inspect", metavar="PYTHON")
    parser.add_argument("--smoke", action="store_true", help="small, and no budget is held: does it run?")
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    parser.add_argument("--memory", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        serve(REPLIES[arguments.serve])
        return 0
    if arguments.one:
        name, port, n = arguments.one[0], int(arguments.one[1]), int(arguments.one[2])
        timed = Timed()
        asyncio.run(CONTENDERS[name](port, n, timed))
        print(json.dumps(_figures(timed, n)))
        return 0
    if arguments.memory:
        timed = Timed()
        asyncio.run(in_process(arguments.memory, timed))
        print(json.dumps(_figures(timed, arguments.memory)))
        return 0
    if arguments.faults:
        seen = asyncio.run(faults(10_000))
        print(json.dumps(seen, indent=2))
        whole = seen["different answers stored"] == seen["answers stored"] == seen["calls"] and seen["file whole"]
        return 0 if whole and not seen["errors"] and not seen["questions answered more than once"] else 1
    if arguments.smoke:
        return _all(400, 1, arguments.inspect, sizes=(1_000, 2_000, 4_000), hold=False)
    return _all(arguments.calls, arguments.rounds, arguments.inspect)


def _figures(timed: Timed, n: int) -> dict[str, float]:
    return {"cpu_ms": timed.cpu / n * 1e3, "of ideal": n / timed.clock / (CONNECTIONS / LATENCY), "mb": timed.memory}


def _all(
    n: int,
    rounds: int,
    inspect: str | None,
    sizes: tuple[int, ...] = (10_000, 50_000, 200_000),
    *,
    hold: bool = True,
) -> int:
    found = compare(n, rounds)
    title = f"a call, {CONNECTIONS} connections, {LATENCY * 1e3:.0f} ms"
    print(f"{title:34} {'CPU ms':>8} {'x raw':>7} {'of ideal':>9} {'MB':>7}")
    for name, figures in found.items():
        floor = found[f"raw, {name.split(', ')[1]}"]["cpu_ms"]
        ideal = "" if name.startswith("cached") else f"{figures['of ideal']:.2f}"
        print(f"{name:34} {figures['cpu_ms']:8.3f} {figures['cpu_ms'] / floor:7.1f} {ideal:>9} {figures['mb']:7.1f}")
    if inspect:
        figures = inspect_mock(inspect, 1000)
        print(f"{'inspect_ai, its mock, no network':34} {figures['cpu_ms']:8.3f}")
    print("\nstart-up, CPU s")
    for name, seconds in start_up(rounds).items():
        print(f"  {name:32} {seconds:8.3f}")
    print("\nmemory above start, a judge in the process that writes 2 kB a call, MB")
    memory = {k: _measure("--memory", k)["mb"] for k in sizes}
    for k, mb in memory.items():
        print(f"  {k:>9,} calls {mb:8.1f}")
    if not hold:
        return 0
    seen = {
        "live CPU ms": found["voirdire, short"]["cpu_ms"],
        "cached CPU ms": found["cached, short"]["cpu_ms"],
        "MB at 10,000": found["voirdire, prose"]["mb"] * 10_000 / n,
    }
    missed = [f"{name}: {seen[name]:.3f}, budget {most:g}" for name, most in BUDGETS.items() if seen[name] > most]
    print("\n" + ("\n".join(["budgets missed:", *missed]) if missed else "all budgets kept"))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
