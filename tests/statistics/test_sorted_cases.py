"""Files in blocks are told from files in random order."""

from __future__ import annotations

import random

import pytest

import voirdire as vd
from voirdire.harness.statistics.sorted_cases import runs_z
from voirdire.suites.builtin_cases import builtin_cases


def test_runs_of_all_orders_have_mean_zero_and_variance_one() -> None:
    """The formulas, against many random orders of three kinds."""
    values, rng, found = list("aaaaaaaabbbbbcccccccccccc"), random.Random(0), []
    for _ in range(1500):
        rng.shuffle(values)
        found.append(runs_z(values))
    mean = sum(found) / len(found)
    # standard errors .026 and .037
    assert mean == pytest.approx(0, abs=0.12)
    assert sum((z - mean) ** 2 for z in found) / len(found) == pytest.approx(1, abs=0.17)


def test_blocks_are_far_too_few_runs_and_turns_are_not() -> None:
    assert runs_z(["a"] * 24 + ["b"] * 176) < -4
    assert runs_z(["a", "b", "c"] * 40) > 0
    assert runs_z(["a"] * 50) == 0
    assert runs_z([]) == 0


def test_anytime_says_that_a_file_is_sorted() -> None:
    cases = [c.replace(meta={"category": "code" if i < 40 else "prose"}) for i, c in enumerate(builtin_cases()[:90])]
    mixed = random.Random(1).sample(cases, len(cases))

    def said(cases: list, mode: str) -> list[str]:  # type: ignore[type-arg]
        result = vd.audit("mock:oracle", cases, "quick", probes=["authority.book"], mode=mode, cache=None)
        return [w for w in result.audit.warnings if "sorted by category" in w]

    assert len(said(cases, "anytime")) == 1
    assert not said(cases, "fixed")
    assert not said(mixed, "anytime")
    # a document's cases may stand together: the document counts once
    grouped = [c.replace(group=str(i // 2), meta={"category": str(i // 2 % 3)}) for i, c in enumerate(cases)]
    assert not said(grouped, "anytime")
