"""All of voirdire's speed in one table of ratios, beside what others need for the same work, in one run.

    python benchmarks/table.py                      # ten minutes or so
    python benchmarks/table.py --with PYTHON        # an interpreter with inspect_ai, textattack, nlpaug, judgekit or
                                                    # judgecal; may be given again; what is found in none is left out
    python benchmarks/table.py --smoke              # small, for CI

Times are those of the processor, so that a busy machine changes them little; calls are counted. Each row is measured by
the benchmark of its own that the last column names, which says more.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime as dt
import importlib.util
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

import engine
import large
import plugin_cost
import report
import search
import verdict_rivals

import perturbations

__all__ = ["Row"]

Row = tuple[str, str, str, str, str]
HEAD: Row = ("work", "voirdire", "beside it", "ratio", "`benchmarks/`")


@dataclass(frozen=True)
class Size:
    """How much is measured."""

    calls: int = 5_000
    rounds: int = 3
    texts: int = 30
    edit_rounds: int = 8
    rival_seconds: float = 2.0
    pairs: int = 2_000
    seeds: int = 3
    records: int = 200_000
    cases: tuple[int, int] = (10_000, 20_000)
    pytest_pairs: int = 12


SMOKE = Size(300, 1, 4, 1, 0.1, 100, 1, 5_000, (4_100, 4_200), 6)


def times(theirs: float, ours: float) -> str:
    """How many times better ours is, in three digits."""
    ratio = theirs / ours
    return f"{ratio:,.0f} x" if ratio >= 100 else f"{ratio:.3g} x"


def engine_rows(size: Size, pythons: list[str]) -> Iterator[Row]:
    found = engine.compare(size.calls, size.rounds)
    ours = found["voirdire, short"]["cpu_ms"]
    live = f"{ours:.2f} ms"
    for name, what in (("httpx", "plain httpx"), ("aiohttp", "bare aiohttp"), ("raw", "raw asyncio")):
        theirs = found[f"{name}, short"]["cpu_ms"]
        yield "a call, 100 connections of 50 ms", live, f"{what}: {theirs:.2f} ms", times(theirs, ours), "engine.py"
    for python in having("inspect_ai", pythons):
        theirs = engine.inspect_mock(python, max(100, size.calls // 10))["cpu_ms"]
        text = f"inspect_ai, its mock without network: {theirs:.2f} ms"
        yield "a call, 100 connections of 50 ms", live, text, times(theirs, ours), "engine.py"
    cached = found["cached, short"]["cpu_ms"]
    yield "a call from the cache", f"{cached:.3f} ms", f"a live one: {live}", times(ours, cached), "engine.py"
    start = engine.start_up(size.rounds)
    help_, other = start["voirdire --help"], start["import aiohttp"]
    text = f"`import aiohttp`: {other:.2f} s"
    yield "start-up, `voirdire --help`", f"{help_:.2f} s", text, times(other, help_), "engine.py"


def edit_rows(size: Size, pythons: list[str]) -> Iterator[Row]:
    cases = perturbations.long_cases(size.texts)
    rivals = perturbations.rivals(pythons, [c.responses[0] for c in cases], size.rival_seconds)
    names = sorted({name for told in rivals.values() for name in told["rates"]} or {"typos.swap"})
    rates = perturbations.rates_of(names, cases, size.edit_rounds)
    for library, told in rivals.items():
        both = [name for name in rates if told["rates"].get(name)]
        if both:
            ours = statistics.median(rates[name].new for name in both)
            theirs = statistics.median(told["rates"][name] for name in both)
            work = f"edits of a new text of {perturbations.WORDS} words, median of {len(both)} kinds of typo"
            text = f"{library} {told['version']}: {perturbations.in_figures(theirs)} a second"
            yield work, f"{perturbations.in_figures(ours)} a second", text, times(ours, theirs), "perturbations.py"


def statistics_rows(size: Size, pythons: list[str]) -> Iterator[Row]:
    rng = Random(1)
    rows = [[f"q{i}", rng.random() < 0.55] for i in range(size.pairs) for _ in range(2)]
    from voirdire.harness.statistics.means import estimate

    def ours() -> None:
        import numpy as np

        names, groups = np.unique([name for name, _ in rows], return_inverse=True)
        mean = estimate(np.asarray([float(first) for _, first in rows]), groups, lo=0.0, hi=1.0)
        assert mean is not None
        assert mean.lower(0.025) < mean.upper(0.025)
        assert len(names) == size.pairs

    best = min(verdict_rivals.seconds(ours) for _ in range(5))
    work = f"interval of the slot preference, {size.pairs:,} pairs in both orders"
    for python in pythons:
        done = subprocess.run(
            [python, verdict_rivals.__file__], input=json.dumps(rows), capture_output=True, text=True, check=True
        )
        for library, told in json.loads(done.stdout).items():
            text = f"{library} {told['version']}, bootstrap: {1000 * told['seconds']:,.0f} ms"
            yield work, f"{1000 * best:.1f} ms", text, times(told["seconds"], best), "verdict_rivals.py"


def search_rows(size: Size, _pythons: list[str]) -> Iterator[Row]:
    whole = search.VOCABULARY * search.CASES * search.WORDS
    shares: dict[str, list[float]] = {"greedy": [], "racing": []}
    used: dict[str, list[int]] = {"greedy": [], "racing": []}
    for make in search.JUDGES:
        for seed in range(size.seeds):
            judge = make(seed)
            budgets = {"greedy": whole, "racing": int(search.SHARE * whole)}
            runs = {m: asyncio.run(search.found(judge, m, seed, budget)) for m, budget in budgets.items()}
            best = max(judge.best(), *(judge.lift(words) for words, _ in runs.values()))
            for method, (words, calls) in runs.items():
                shares[method].append(judge.lift(words) / best)
                used[method].append(calls)
    told = {
        m: f"{statistics.fmean(used[m]):,.0f} calls for {statistics.fmean(shares[m]):.0%} of the best lift"
        for m in shares
    }
    ratio = times(statistics.fmean(used["greedy"]), statistics.fmean(used["racing"]))
    yield "a universal phrase, 4 planted judges", told["racing"], f"greedy: {told['greedy']}", ratio, "search.py"


def report_rows(size: Size, _pythons: list[str]) -> Iterator[Row]:
    # in this order: the first step writes what the second reads
    steps = {"audit, all calls": "writing", "report": "`voirdire report` of"}
    with tempfile.TemporaryDirectory() as work:
        found = report.measured(size.records, Path(work), list(steps))
    read = found["json.loads"]["seconds"]
    for step, what in steps.items():
        ours = found[step]["seconds"]
        text = f"json.loads of the records: {read:.2f} s"
        yield f"{what} {size.records:,} calls", f"{ours:.2f} s", text, times(read, ours), "report.py"


def memory_rows(size: Size, _pythons: list[str]) -> Iterator[Row]:
    took = []
    with tempfile.TemporaryDirectory() as folder:
        for number in size.cases:
            cases = Path(folder) / f"{number}.jsonl"
            large.write_cases(cases, number)
            took.append(large.apart("--one", str(cases)))
            text = cases.stat().st_size / number / 1024
    more = (took[1]["memory"] - took[0]["memory"]) * 1024 / (size.cases[1] - size.cases[0])
    calls = took[1]["calls"] / size.cases[1]
    work = f"memory for each further case of {calls:.0f} calls"
    yield work, f"{more:.2f} kB", f"the case in its file: {text:.2f} kB", times(text, max(more, 0.001)), "large.py"


def pytest_rows(size: Size, _pythons: list[str]) -> Iterator[Row]:
    cost = plugin_cost.measure(size.pytest_pairs)
    ours, theirs = statistics.median(cost.with_plugin), statistics.median(cost.without)
    text = f"without the plugin: {theirs:.0f} ms"
    yield "pytest on one empty test", f"{ours:.0f} ms", text, times(theirs, ours), "plugin_cost.py"


PARTS: tuple[Callable[[Size, list[str]], Iterator[Row]], ...] = (
    *(engine_rows, edit_rows, statistics_rows, search_rows, report_rows, memory_rows, pytest_rows),
)


def having(package: str, pythons: list[str]) -> list[str]:
    """The first interpreter with `package`, if any."""
    for python in pythons:
        code = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({package!r}) is None)"
        if subprocess.run([python, "-c", code], check=False).returncode == 0:
            return [python]
    return []


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--with", dest="pythons", action="append", default=[], metavar="PYTHON")
    parser.add_argument("--smoke", action="store_true")
    arguments = parser.parse_args()
    size, pythons = SMOKE if arguments.smoke else Size(), [sys.executable, *arguments.pythons]
    if importlib.util.find_spec("httpx") is None:
        raise SystemExit("httpx is missing: pip install 'voirdire[test]'")
    started = time.perf_counter()
    print(f"{perturbations.machine()}, {dt.datetime.now(dt.UTC):%Y-%m-%d}\n", flush=True)
    print(f"| {' | '.join(HEAD)} |\n|---|---:|---|---:|---|", flush=True)
    for part in PARTS:
        for row in part(size, pythons):
            print(f"| {' | '.join(row)} |", flush=True)
    print(f"\n{time.perf_counter() - started:.0f} s", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
