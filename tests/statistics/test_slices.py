"""Effects by slice: a planted weakness is found in its slice, and a judge without one is left alone."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

import voirdire as vd
from voirdire.harness.cases import Case
from voirdire.harness.findings import SliceValue
from voirdire.harness.statistics.slices import benjamini_hochberg, dimensions_of

WORDS = ("alpha", "beta", "gamma", "delta", "epsilon", "zeta")


def cases(n: int, seed: int) -> list[Case]:
    """Half of them of category "maths", half "prose"; the label is 0 or 1 by turns."""
    rng = np.random.default_rng(seed)
    out = []
    for k in range(n):
        texts = tuple(" ".join(rng.choice(WORDS, size=rng.integers(20, 60))) + f" {seed}-{k}{x}." for x in "ab")
        meta = {"category": ("maths", "prose")[k % 2], "number": k, "uid": f"u{k}"}
        out.append(Case(f"question {k}", texts, id=f"c{k}", label=(k // 2) % 2, meta=meta))
    return out


def slices_of(weak: float, seed: int, n: int = 120) -> tuple[SliceValue, ...]:
    """The slices of a judge that is right with probability .9, in maths with `weak`."""
    rng = np.random.default_rng(seed + 10_000)

    def judge(case: Case) -> str:
        right = rng.random() < (weak if case.meta["category"] == "maths" else 0.9)
        return "AB"[case.label if right else 1 - case.label]

    result = vd.audit(vd.judge(judge, task="pairwise"), cases=cases(n, seed), suite="quick", probes=["order.swap"])
    return result.audit.slices


def test_a_planted_weakness_is_found_in_its_slice() -> None:
    found = [slices_of(0.6, seed) for seed in range(12)]
    for values in found:
        by_name = {(s.dimension, s.value, s.measure): s for s in values}
        weak, strong = (by_name["category", name, "accuracy"] for name in ("maths", "prose"))
        assert weak.p_adjusted is not None
        assert weak.p_adjusted < 0.05
        assert weak.high < strong.low
        assert weak.n == strong.n == 60


def test_a_judge_without_one_is_left_alone() -> None:
    called = 0
    for seed in range(40):
        called += any((s.p_adjusted or 1) < 0.05 for s in slices_of(0.9, seed, n=80))
    # at level .05 at most 2 of 40 are expected; 7 or more have a probability below .004
    assert called < 7


def test_intervals_cover_and_stay_in_range() -> None:
    for s in itertools.chain(*(slices_of(1.0, seed, n=30) for seed in range(3))):
        low = 0.0 if s.measure == "accuracy" else -1.0
        assert low <= s.low <= s.mean <= s.high <= 1.0


def test_dimensions_are_kinds_and_not_ids() -> None:
    found = dimensions_of(cases(24, 1))
    assert list(found) == ["category", "length"]
    assert found["category"][:2] == ["maths", "prose"]
    assert {text.split()[0] for text in found["length"]} >= {"up", "over"}


@pytest.mark.parametrize("n", [1, 2])
def test_few_cases_have_no_slices_to_speak_of(n: int) -> None:
    assert all(s.p_adjusted is None for s in slices_of(0.9, 3, n=n))


def test_values_that_are_no_kinds() -> None:
    plain = [Case("q", ("a" * (k + 1), "b"), id=str(k)) for k in range(9)]
    assert list(dimensions_of(plain)) == ["length"]
    assert dimensions_of([replace(c, responses=("a", "b")) for c in plain]) == {}
    marked = [replace(c, meta={"lang": "x" * 100, "hard": k % 2 == 0, "voirdire.order": "ab"[k % 2]}) for k, c in
              enumerate(plain)]  # fmt: skip
    assert list(dimensions_of(marked)) == ["hard", "length"]
    assert set(dimensions_of(marked)["hard"]) == {"yes", "no"}


def test_benjamini_hochberg_against_scipy() -> None:
    from scipy.stats import false_discovery_control

    p = np.random.default_rng(4).random(50) ** 3
    assert benjamini_hochberg(list(p)) == pytest.approx(false_discovery_control(p))
    assert benjamini_hochberg([]) == []
