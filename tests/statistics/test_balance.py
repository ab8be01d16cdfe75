"""What a run gained and lost against the first: only what stands after Holm, each in its own direction."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from test_trade import stored

from voirdire.harness.statistics.side_by_side import ACCURACY, Balance, StoredRun, balance, side_by_side

N = 50


def run(label: str, probe: str, *contrasts: tuple[str, np.ndarray]) -> StoredRun:
    """A stored run of one probe with all of its contrasts."""
    found = stored(label, {probe: contrasts[0]}, n=N)
    assert found.stored is not None
    one = found.stored.probes[probe]
    whole = dataclasses.replace(one, contrasts=dict(contrasts))
    return dataclasses.replace(found, stored=dataclasses.replace(found.stored, probes={probe: whole}))


def told(a: StoredRun, b: StoredRun) -> Balance:
    """What is said of b against a."""
    return balance(side_by_side([a, b]), 1)


def around(mean: float, spread: float = 0.2) -> np.ndarray:
    """Values of this very mean."""
    return mean + spread * np.resize([1.0, -1.0], N)


@pytest.mark.parametrize(
    ("before", "after", "spread", "better", "worse"),
    [
        (0.3, 0.0, 0.2, True, False),
        (-0.3, 0.05, 0.2, True, False),
        (0.1, -0.3, 0.2, False, True),
        (0.3, 0.0, 1.7, False, False),  # p = .2
        (0.2, -0.2, 0.2, False, False),  # turned round, as large as before
        (0.3, -0.301, 0.2, False, False),  # and as far as these cases tell
    ],
)
def test_a_bias_is_better_nearer_to_zero(before: float, after: float, spread: float, better: bool, worse: bool) -> None:
    a, b = (
        run(k, "order.swap", ("slot preference", x)) for k, x in (("A", around(before, spread)), ("B", around(after)))
    )
    found = told(a, b)
    assert (bool(found.better), bool(found.worse)) == (better, worse)


@pytest.mark.parametrize(
    ("before", "after", "better", "worse"),
    [
        (0.3, -0.5, True, False),
        (-0.2, -0.5, False, False),
        (-0.5, 0.2, False, True),
        (-0.2, 0.01, False, False),  # it rose, and is no bias yet
    ],
)
def test_an_attack_that_makes_its_answer_lose_is_no_bias(
    before: float, after: float, better: bool, worse: bool
) -> None:
    """A detector takes attacked answers below the rest: nobody gains by that, so it is better by the gain alone."""
    a, b = (run(k, "injection.plea", ("gain over source", around(x))) for k, x in (("A", before), ("B", after)))
    found = told(a, b)
    assert (bool(found.better), bool(found.worse)) == (better, worse)


@pytest.mark.parametrize(
    ("sham", "source", "better", "worse"),
    [
        ((0.4, 0.0), (0.0, 0.0), False, False),  # it disliked the sham's words, and never cared for the citation
        ((0.4, 0.0), (0.4, 0.0), True, False),
        ((0.0, 0.4), (0.1, 0.4), False, True),
        ((0.0, 0.4), (0.2, 0.2), False, False),
        ((0.0, 0.4), (0.4, 0.0), False, False),
    ],
)
def test_an_addition_is_better_or_worse_if_both_of_its_gains_are(
    sham: tuple[float, float], source: tuple[float, float], better: bool, worse: bool
) -> None:
    a, b = (
        run(k, "authority.book", ("gain over sham", around(x)), ("gain over source", around(y)))
        for k, x, y in zip("AB", sham, source, strict=True)
    )
    found = told(a, b)
    assert (bool(found.better), bool(found.worse)) == (better, worse)


@pytest.mark.parametrize(
    ("sham", "source", "better", "worse"),
    [
        ((0.4, 0.0), (0.0, 0.0), False, False),  # it disliked the sham's words
        ((0.0, -0.4), (0.0, 0.0), False, False),
        ((0.4, 0.0), (0.4, 0.0), True, False),
        ((0.0, -0.4), (0.1, -0.4), False, True),
        ((0.4, 0.0), (-0.4, 0.0), False, False),  # the two shifts had nothing in common
        ((0.0, 0.4), (0.0, -0.4), False, False),
    ],
)
def test_a_shift_is_better_or_worse_if_those_from_source_and_sham_are_in_one_direction(
    sham: tuple[float, float], source: tuple[float, float], better: bool, worse: bool
) -> None:
    a, b = (
        run(k, "tone.sad", ("shift over sham", around(x)), ("shift over source", around(y)))
        for k, x, y in zip("AB", sham, source, strict=True)
    )
    found = told(a, b)
    assert (bool(found.better), bool(found.worse)) == (better, worse)


FLIPS = ("flips beyond neutral edits", "flips beyond repeats")


@pytest.mark.parametrize(
    ("shift", "flips", "better", "worse", "contrast"),
    [
        ((-0.09, -0.38), (0.31, 0.26), False, True, "shift"),
        ((0.0, 0.0), (0.3, 0.0), True, False, FLIPS[0]),
        ((0.3, 0.0), (0.0, 0.3), False, True, "shift"),  # what grew is not bought off by what shrank
        ((0.1, 0.1), (0.1, 0.1), False, False, "shift"),
    ],
)
def test_both_columns_and_their_difference_are_of_one_contrast(
    shift: tuple[float, float], flips: tuple[float, float], better: bool, worse: bool, contrast: str
) -> None:
    """Also where one audit decided on flips and the other on the shift."""
    a, b = (
        run(k, "typos.keyboard", ("shift", around(x)), (FLIPS[0], around(y)), (FLIPS[1], around(y)))
        for k, x, y in zip("AB", shift, flips, strict=True)
    )
    lines = side_by_side([a, b])
    found, (line, _) = balance(lines, 1), lines
    assert (bool(found.better), bool(found.worse)) == (better, worse)
    gap = line.differences[1]
    assert gap is not None
    assert gap.contrast == contrast
    assert line.effects == pytest.approx(shift if contrast == "shift" else flips)
    assert gap.value == pytest.approx(line.effects[1] - line.effects[0])


def test_noise_between_repeats_is_no_bias() -> None:
    a, b = (run(k, "stability.retest", ("flips between repeats", around(x))) for k, x in (("A", 0.4), ("B", 0.2)))
    assert told(a, b) == Balance((), ())


def test_accuracy_is_better_higher() -> None:
    right = [np.resize(x, N) for x in ([1.0, 0.0], [1.0])]
    low, high = (stored("A", {}, values, n=N) for values in right)
    assert told(low, high).better == (ACCURACY,)
    assert told(high, low).worse == (ACCURACY,)
    assert told(high, high) == Balance((), ())


@pytest.mark.parametrize(
    ("contrasts", "means"),
    [
        (("slot preference",), ((0.2, -0.2),)),
        (("slot preference",), ((0.0, 0.0),)),
        (("gain over source",), ((0.2, 0.2),)),
        (("gain over source",), ((-0.4, -0.1),)),
        (("gain over sham", "gain over source"), ((0.4, 0.0), (0.0, 0.0))),
        (("gain over sham", "gain over source"), ((0.0, 0.4), (0.2, 0.0))),
        (("shift", *FLIPS), ((0.2, -0.2), (0.1, 0.1), (0.2, 0.0))),
    ],
)
def test_equal_biases_are_seldom_told_apart(contrasts: tuple[str, ...], means: tuple[tuple[float, float], ...]) -> None:
    """At 5 %: more than 12 % of 200 come up once in 10,000 tries. Half of the later run's noise is the first one's."""
    rng = np.random.default_rng(8)
    different = 0
    for _ in range(200):
        runs = []
        common = rng.normal(0, 0.3, N)
        for k, label in enumerate("AB"):
            noise = common + rng.normal(0, 0.3 - 0.2 * k, N)
            runs.append(
                run(label, "f.x", *((c, np.clip(m[k] + noise, -1, 1)) for c, m in zip(contrasts, means, strict=True)))
            )
        found = told(*runs)
        different += bool(found.better or found.worse)
    assert different / 200 <= 0.12


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
