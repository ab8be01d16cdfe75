"""What a run gained and lost against the first: only what stands after Holm, each in its own direction."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from voirdire.harness.statistics.side_by_side import ACCURACY, Difference, Line, StoredRun, balance


def line(probe: str, before: float, after: float, p: float) -> Line:
    gap = after - before
    return Line(probe, (before, after), (None, Difference(gap, gap - 0.1, gap + 0.1, p, True, 50, p)))


@pytest.mark.parametrize(
    ("before", "after", "p", "better", "worse"),
    [
        (0.3, 0.0, 0.001, True, False),
        (-0.3, 0.05, 0.001, True, False),
        (0.1, -0.3, 0.001, False, True),
        (0.3, 0.0, 0.2, False, False),
    ],
)
def test_a_bias_is_better_nearer_to_zero(before: float, after: float, p: float, better: bool, worse: bool) -> None:
    found = balance([StoredRun("A", "a"), StoredRun("B", "b")], [line("order.swap", before, after, p)], 1)
    assert (bool(found.better), bool(found.worse)) == (better, worse)


def test_accuracy_is_better_higher() -> None:
    runs = [StoredRun("A", "a"), StoredRun("B", "b")]
    assert balance(runs, [line(ACCURACY, 0.7, 0.9, 0.01)], 1).better == (ACCURACY,)
    assert balance(runs, [line(ACCURACY, 0.9, 0.7, 0.01)], 1).worse == (ACCURACY,)


def test_the_command_says_what_a_wrapper_buys(tmp_path: Path) -> None:
    done = subprocess.run(
        [
            sys.executable, "-m", "voirdire", "compare", "mock:noisy?accuracy=.9&first=.4",
            "swap_average(mock:noisy?accuracy=.9&first=.4)", "--suite", "quick", "--limit", "80",
        ],
        cwd=tmp_path, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (said,) = [text for text in done.stdout.splitlines() if text.startswith(" B at up to 2 calls a verdict: better in")]
    assert "order.swap -" in said
    assert "worse" not in said
