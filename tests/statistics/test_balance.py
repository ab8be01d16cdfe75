"""What a run gained and lost against the first: only what stands after Holm, each in its own direction."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from voirdire.harness.findings import Audit, Calls, Discrimination, Finding, Findings, Noise
from voirdire.harness.relations import Relation
from voirdire.harness.statistics.side_by_side import ACCURACY, Difference, Line, StoredRun, balance
from voirdire.harness.verdicts import Scale


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


@pytest.mark.parametrize(
    ("before", "after", "better", "worse"),
    [(0.3, -0.5, True, False), (-0.2, -0.5, False, False), (-0.5, 0.2, False, True)],
)
def test_an_attack_that_makes_its_answer_lose_is_no_bias(
    before: float, after: float, better: bool, worse: bool
) -> None:
    """A detector takes attacked answers below the rest: nobody gains by that, so it is better by the gain alone."""
    runs = [StoredRun("A", "a", stored_with("injection.plea", Relation.NO_GAIN)), StoredRun("B", "b")]
    found = balance(runs, [line("injection.plea", before, after, 0.001)], 1)
    assert (bool(found.better), bool(found.worse)) == (better, worse)


def stored_with(probe: str, relation: Relation) -> Audit:
    finding = Finding(probe, probe.partition(".")[0], relation, "holds", effect=0.0)
    return Audit(
        "j", "j", "f", "pairwise", Scale(), None, "t", "h", 1, 1, "h", "p", 0, 0.05, 1, "2026-01-01T00:00:00Z",
        Findings([finding]), Noise(), Discrimination(), Calls(), "pass",
    )  # fmt: skip


def test_accuracy_is_better_higher() -> None:
    runs = [StoredRun("A", "a"), StoredRun("B", "b")]
    assert balance(runs, [line(ACCURACY, 0.7, 0.9, 0.01)], 1).better == (ACCURACY,)
    assert balance(runs, [line(ACCURACY, 0.9, 0.7, 0.01)], 1).worse == (ACCURACY,)


def test_the_command_says_what_a_wrapper_buys(tmp_path: Path) -> None:
    """Planted: a first slot worth .4 and a plea worth .9. Swapping takes the first away, `neutralise` the second."""
    planted = "mock:noisy?accuracy=.9&first=.4"
    pleaded = "mock:noisy?accuracy=.9&phrase=full marks"
    for judge, wrapper, probe, asks in (
        (planted, "swap_average", "order.swap", "up to 2 calls"),
        (pleaded, "neutralise", "phrases.full-marks", "1 call"),
    ):
        judges = [judge, f"{wrapper}({judge})"]
        go = [sys.executable, "-m", "voirdire", "compare", *judges, "--suite", "quick", "--limit", "80"]
        done = subprocess.run(go, cwd=tmp_path, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
        assert max(map(len, done.stdout.splitlines())) <= 80
        page = " ".join(done.stdout.split())
        assert f"B at {asks} a verdict: better in {probe} -" in page
        assert "worse" not in page
        assert f"Which pays: B. In {probe.partition('.')[0]} +" in page
        data = json.loads(subprocess.run([*go, "--json"], cwd=tmp_path, capture_output=True, timeout=300).stdout)
        assert data["best"] == "B"
        (trade,) = data["trades"]
        assert trade["clean"]["low"] <= (0.05 if wrapper == "neutralise" else 0.3)
        family = next(f for f in trade["families"] if f["family"] == probe.partition(".")[0])
        assert family["value"] < -0.2
        assert family["p_adjusted"] < 0.05
        # the orders are shared; a plea that is taken out again needs no call
        bare, wrapped = (run["cost"]["calls"] for run in data["runs"])
        assert wrapped == bare if wrapper == "swap_average" else wrapped < bare


def test_a_clean_judge_has_no_use_for_a_defence(tmp_path: Path) -> None:
    judge = "mock:noisy?accuracy=.9"
    go = [
        sys.executable, "-m", "voirdire", "compare", judge, f"neutralise({judge})", f"swap_average({judge})",
        f"delimit({judge})", "--suite", "quick", "--limit", "80", "--json",
    ]  # fmt: skip
    data = json.loads(subprocess.run(go, cwd=tmp_path, capture_output=True, timeout=300).stdout)
    assert data["best"] is None
    assert data["said"] == "Which pays: none is shown to."
