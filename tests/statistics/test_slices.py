"""Effects by slice: a planted weakness is found in its slice, and a judge without one is left alone."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

import voirdire as vd
from voirdire.harness.cases import Case
from voirdire.harness.findings import SliceValue
from voirdire.harness.statistics.slices import _difference_p, _permutation_p, benjamini_hochberg, dimensions_of

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


# 200 cases, the slice drawn as the rest. Welch's p of cases that all agree was below .05 in .23 to .65 of such draws,
# and below .001 in .1 to .27
@pytest.mark.parametrize("n", [8, 20])
@pytest.mark.parametrize(
    ("outcomes", "chances"),
    [((0.0, 1.0), (0.15, 0.85)), ((0.0, 1.0), (0.05, 0.95)), ((-1.0, 0.0, 1.0), (0.03, 0.93, 0.04))],
    ids=["right in .85", "right in .95", "rare either way"],
)
def test_a_small_slice_is_no_discovery_by_agreeing(outcomes, chances, n) -> None:
    rng = np.random.default_rng(1)
    inside, clusters = np.arange(200) < n, np.arange(200)
    found = [_difference_p(rng.choice(outcomes, size=200, p=chances), inside, clusters) for _ in range(1500)]
    p = np.array([1.0 if x is None else x for x in found])
    # the level and four standard errors of the simulation
    assert np.mean(p < 0.05) <= 0.073
    assert np.mean(p < 0.001) <= 0.0043


def test_a_small_weak_slice_is_found() -> None:
    rng = np.random.default_rng(2)
    inside = np.arange(200) < 20
    found = [
        _difference_p((rng.random(200) < np.where(inside, 0.6, 0.95)).astype(float), inside, np.arange(200))
        for _ in range(200)
    ]
    assert np.mean([p is not None and p < 0.01 for p in found]) > 0.8


@pytest.mark.parametrize("whole", [True, False], ids=["whole clusters", "parts of clusters"])
def test_slices_are_compared_by_cluster(whole) -> None:
    """Cases of a cluster are alike: taken one by one, slices of whole clusters would differ far too often."""
    rng = np.random.default_rng(3)
    clusters = np.repeat(np.arange(40), rng.integers(1, 9, 40))
    below = 0
    for _ in range(800):
        values = rng.normal(0, 0.3, 40)[clusters] + rng.normal(0, 0.3, clusters.size)
        inside = (rng.random(40) < 0.4)[clusters] if whole else rng.random(clusters.size) < 0.4
        p = _difference_p(values, inside, clusters)
        below += p is not None and p < 0.05
    assert below / 800 <= 0.081  # .05 and four standard errors


@pytest.mark.parametrize("skewed", [False, True])
def test_the_p_of_a_slice_is_that_of_all_choices(skewed) -> None:
    rng = np.random.default_rng(4)
    values = rng.choice([0.0, 0.25, 0.5, 1.0], size=120, p=[0.7, 0.1, 0.1, 0.1] if skewed else [0.25] * 4)
    values = values - values.mean()
    sums = np.array([rng.choice(values, 30, replace=False).sum() for _ in range(20_000)])
    for reach in (1.0, 2.0, 2.6):
        order = np.argsort(values)
        # a choice whose sum lies about `reach` standard deviations out
        chosen = np.zeros(120, dtype=bool)
        chosen[order[30:60]] = True
        for at in order[::-1]:
            if values[chosen].sum() >= reach * sums.std():
                break
            if not chosen[at]:
                chosen[np.flatnonzero(chosen)[np.argmin(values[chosen])]] = False
                chosen[at] = True
        far = 2 * np.mean(sums >= values[chosen].sum() - 1e-9)
        assert _permutation_p(values, chosen) == pytest.approx(min(1.0, far), rel=0.35, abs=0.004)


def test_benjamini_hochberg_against_scipy() -> None:
    from scipy.stats import false_discovery_control

    p = np.random.default_rng(4).random(50) ** 3
    assert benjamini_hochberg(list(p)) == pytest.approx(false_discovery_control(p))
    assert benjamini_hochberg([]) == []
