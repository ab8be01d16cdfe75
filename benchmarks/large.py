"""Audits of very many cases: memory from 10,000 to 1,000,000 of them, and how fast a run of a million calls goes on.

    python benchmarks/large.py                               # 2,000, 10,000 and 50,000 cases, suite quick: 20 minutes
    python benchmarks/large.py --cases 1000000 --probes order.swap            # an hour or so
    python benchmarks/large.py --resume 50000                # 1.1 million calls, all but the last block answered
    python benchmarks/large.py --smoke

Each audit runs in a process of its own on a JSONL file of different cases that is made for it. `memory` is the peak of
the whole process. `a case`: what each case adds to it, from the row before. Of a resumed run `first call` is the time
from the start of the process until the judge is asked something that no earlier run has asked; on an idle machine it is
what the processor needs for it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

#: words an answer is made of; each case is another text, of about 90 words
_WORDS = re.findall(
    r"\w+",
    "the river runs north past seven mills and a bridge of stone that was built in 1843 by masons from the coast who "
    "stayed for years because wages were good and land was cheap before the railway came through the valley",
)
_ONE = """
def judge(case):
    return "A" if len(case.responses[0]) % 7 < 4 else "B"
"""


def write_cases(path: Path, number: int) -> None:
    rng = random.Random(1)
    with path.open("w") as file:
        for i in range(number):
            texts = [" ".join(rng.choices(_WORDS, k=45)).capitalize() + f" in year {i}." for _ in range(2)]
            case = {"id": f"c{i}", "instruction": f"What became of mill {i}?", "responses": texts, "label": i % 2}
            file.write(json.dumps(case) + "\n")


def audit(cases: Path, judge: str, probes: list[str], cache: Path | None, stop_after: int | None) -> dict[str, float]:
    """One audit in this process; what it took."""
    started = time.time() - time.process_time()  # about when the process began
    from voirdire._compose import AuditRequest, audit_async
    from voirdire.harness.engine.events import CallFinished, Event
    from voirdire.harness.engine.runner import Limits
    from voirdire.harness.judges.spec import JudgeOptions, make_judge

    first: list[float] = []

    def note(event: Event) -> None:
        if isinstance(event, CallFinished) and event.seconds > 0 and not first:
            first.extend((time.time() - started, time.process_time()))

    request = AuditRequest(
        cases=cases, suite="quick", probes=probes, cache=cache, minimise=0, limits=Limits(max_calls=stop_after)
    )
    # with a version the answers of a callable are kept
    options = JudgeOptions(task="pairwise", params={"version": "1"} if judge.startswith("python:") else {})
    result = asyncio.run(audit_async(make_judge(judge, options), request, emit=note))
    return {
        "cases": result.audit.cases_n,
        "calls": result.audit.calls.planned,
        "made": result.audit.calls.made,
        "cached": result.audit.calls.cached,
        "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "cpu": time.process_time(),
        "seconds": time.time() - started,
        "first": first[0] if first else float("nan"),
        "first cpu": first[1] if first else float("nan"),
    }


def apart(*arguments: str) -> dict[str, float]:
    """`audit` in a new process."""
    done = subprocess.run([sys.executable, __file__, *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])  # type: ignore[no-any-return]


def memory_table(numbers: list[int], judge: str, probes: list[str]) -> list[str]:
    lines = ["| cases | calls | memory | a case | CPU a call |", "|---:|---:|---:|---:|---:|"]
    print(*lines, sep="\n", flush=True)
    before: dict[str, float] | None = None
    for number in numbers:
        with tempfile.TemporaryDirectory() as folder:
            cases = Path(folder) / "cases.jsonl"
            write_cases(cases, number)
            took = apart("--one", str(cases), "--judge", judge, "--probes", *probes)
        more = ""
        if before is not None:
            more = f"{(took['memory'] - before['memory']) * 1024 / (took['cases'] - before['cases']):.2f} kB"
        lines.append(
            f"| {number:,} | {took['calls']:,.0f} | {took['memory']:.0f} MB | {more} | "
            f"{1000 * took['cpu'] / took['calls']:.3f} ms |"
        )
        print(lines[-1], flush=True)
        before = took
    return lines


def resumed(number: int, probes: list[str]) -> None:
    """All but the end of a run is answered; how soon is the rest asked?"""
    with tempfile.TemporaryDirectory() as folder:
        cases, cache, code = (Path(folder) / n for n in ("cases.jsonl", "calls.sqlite", "longest.py"))
        write_cases(cases, number)
        code.write_text(_ONE)
        judge, common = f"python:{code}:judge", ["--cache", str(cache), "--probes", *probes]
        whole = apart("--one", str(cases), "--judge", judge, *common, "--stop-after", str(number * 20))
        size = cache.stat().st_size / 1e6
        print(f"{whole['made']:,.0f} calls made in {whole['seconds']:.0f} s, then stopped; the cache has {size:.0f} MB")
        again = apart("--one", str(cases), "--judge", judge, *common)
        print(
            f"run again: {again['cached']:,.0f} of {again['calls']:,.0f} calls are known, first call after "
            f"{again['first']:.1f} s ({again['first cpu']:.1f} s of the processor), done after "
            f"{again['seconds']:.1f} s, {again['memory']:.0f} MB"
        )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, nargs="*", default=[2_000, 10_000, 50_000])
    parser.add_argument("--judge", default="mock:noisy?accuracy=.85")
    parser.add_argument("--probes", nargs="*", default=[], help="of suite quick; default: all of it")
    parser.add_argument("--resume", type=int, metavar="CASES", help="measure how a stopped run goes on instead")
    parser.add_argument("--smoke", action="store_true")
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--cache", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--stop-after", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one is not None:
        took = audit(arguments.one, arguments.judge, arguments.probes, arguments.cache, arguments.stop_after)
        print(json.dumps(took))
    elif arguments.resume is not None:
        resumed(arguments.resume, arguments.probes)
    elif arguments.smoke:
        memory_table([100, 4_100], arguments.judge, ["order.swap"])
    else:
        memory_table(arguments.cases, arguments.judge, arguments.probes)
    return 0


if __name__ == "__main__":
    sys.exit(main())
