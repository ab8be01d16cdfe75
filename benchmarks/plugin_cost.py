"""What does the pytest plugin cost a run that does not use it?

    python benchmarks/plugin_cost.py               # 40 pairs of runs, about a minute
    python benchmarks/plugin_cost.py --pairs 10

Runs pytest on one empty test with the plugin and without it, in turn, and compares the processor time (user and system)
of the two: wall time would measure what else the machine does. Other plugins are off in both, since theirs is most of
the time and all of the noise. Prints the medians, their ratio, and the median of the paired differences with its 95 %
interval by order statistics. Exits 1 if the whole interval lies above the promised 30 ms.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from math import comb
from pathlib import Path
from typing import NamedTuple

PROMISED_MS = 30.0
TEST = "def test_it():\n    pass\n"


class Cost(NamedTuple):
    """Processor time of each pair, in ms."""

    without: list[float]
    with_plugin: list[float]

    @property
    def differences(self) -> list[float]:
        return [b - a for a, b in zip(self.without, self.with_plugin, strict=True)]


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--pairs", type=int, default=40, help="pairs of runs, 6 or more (default: %(default)s)")
    pairs = parser.parse_args().pairs
    if pairs < 6:
        parser.error("--pairs must be 6 or more: fewer have no 95 % interval")
    cost = measure(pairs)
    low, high = median_interval(cost.differences)
    without, with_plugin = statistics.median(cost.without), statistics.median(cost.with_plugin)
    print(f"pytest without the plugin  {without:7.1f} ms of processor time, median of {pairs}")
    print(f"pytest with it             {with_plugin:7.1f} ms, {with_plugin / without:.3f} times as much")
    extra = statistics.median(cost.differences)
    print(f"the plugin                 {extra:7.1f} ms [{low:.1f}, {high:.1f}], promised: at most {PROMISED_MS:.0f}")
    return int(low > PROMISED_MS)


def measure(pairs: int) -> Cost:
    """Pairs of runs; which of the two is first changes, so that neither always finds the warmer machine."""
    cost = Cost([], [])
    with tempfile.TemporaryDirectory(prefix="voirdire-cost-") as name:
        folder = Path(name)
        (folder / "test_empty.py").write_text(TEST)
        (folder / "pytest.ini").write_text("[pytest]\n")
        for warm_up in (True, False):
            run(folder, plugin=warm_up)
        for number in range(pairs):
            for plugin in (number % 2 == 0, number % 2 == 1):
                (cost.with_plugin if plugin else cost.without).append(run(folder, plugin=plugin))
    return cost


def run(folder: Path, *, plugin: bool) -> float:
    """Processor time of one run of pytest, in ms."""
    command = [sys.executable, "-m", "pytest", "-q", "--disable-plugin-autoload", "-p", "no:cacheprovider"]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [*command, "-p", "voirdire"] if plugin else command,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0 or "1 passed" not in done.stdout:
        raise SystemExit(f"the empty test did not pass:\n{done.stdout}{done.stderr}")
    return 1000 * (after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)


def median_interval(values: list[float]) -> tuple[float, float]:
    """The narrowest interval between two order statistics, as far from either end, with 95 % coverage or more."""
    ordered, n = sorted(values), len(values)
    k, tail = 0, 0.0
    while tail + comb(n, k) / 2**n <= 0.025:
        tail += comb(n, k) / 2**n
        k += 1
    return ordered[max(0, k - 1)], ordered[n - max(1, k)]


if __name__ == "__main__":
    raise SystemExit(main())
