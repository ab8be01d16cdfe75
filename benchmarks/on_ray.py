"""The same calls on 1, 2 and 4 Ray workers and in this process, for a judge that computes and one that waits.

    python benchmarks/on_ray.py                 # needs the extra `ray`; about two minutes
    python benchmarks/on_ray.py --calls 50

`of here` is calls a second over those of the engine in this process in the same run. A judge that computes gains by
workers up to the number of idle cores; one that waits gains nothing by them and shows what they cost. Starting the
workers is not counted.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "support"))

#: a pure-Python judge that holds the lock of the interpreter for about this long
COMPUTE_SECONDS = 0.02
WAIT_SECONDS = 0.05
_JUDGES = f"""
import time

def computes(case):
    end = time.thread_time() + {COMPUTE_SECONDS}
    x = 0
    while time.thread_time() < end:
        x += sum(range(200))
    return "A"

def waits(case):
    time.sleep({WAIT_SECONDS})
    return "A"
"""


async def rate(judge: str, on: str | None, calls: int) -> tuple[float, float]:
    """Calls a second, and CPU milliseconds a call of this process."""
    from engine_calls import questions

    from voirdire.harness.elsewhere.place import parse_place
    from voirdire.harness.engine.runner import Limits, run_calls
    from voirdire.harness.judges.spec import JudgeOptions, make_judge

    place = parse_place(on) if on is not None else None
    made = make_judge(f"python:judges.py:{judge}", JudgeOptions(task="pairwise", place=place, concurrency=16))
    limits = Limits(16)
    warm = await run_calls(questions(16, words=5), made, limits=limits)  # workers start at the first call
    assert not warm.errors
    cpu, clock = time.process_time(), time.perf_counter()
    run = await run_calls(questions(calls), made, limits=limits)
    cpu, clock = time.process_time() - cpu, time.perf_counter() - clock
    await made.aclose()
    assert run.errors == 0
    assert run.made == calls
    return calls / clock, cpu / calls * 1e3


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=1000)
    calls = parser.parse_args().calls
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    import ray

    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "judges.py").write_text(_JUDGES)
        os.chdir(folder)
        ray.init(num_cpus=4, include_dashboard=False, logging_level="ERROR", log_to_driver=False)
        print(f"{calls} calls, 16 at a time, {os.cpu_count()} cores")
        print(f"{'judge':10} {'where':12} {'calls/s':>8} {'of here':>8} {'CPU ms here':>12}")
        for judge in ("computes", "waits"):
            here = 0.0
            for on in (None, *(f"ray?workers={n}" for n in (1, 2, 4))):
                speed, cpu = asyncio.run(rate(judge, on, calls))
                here = here or speed
                print(f"{judge:10} {on or 'here':12} {speed:8.0f} {speed / here:8.2f} {cpu:12.2f}", flush=True)
        ray.shutdown()
    return 0


if __name__ == "__main__":
    sys.exit(main())
