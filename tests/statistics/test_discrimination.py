"""Concordance: the share of differently labelled cases that a score puts on the right side."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import voirdire as vd
from voirdire.harness.cases import Case, FollowUp
from voirdire.harness.statistics.discrimination import _concordance
from voirdire.harness.targets import after_damage

LABELS = st.one_of(st.none(), st.integers(0, 6), st.floats(0, 6).map(lambda x: round(x, 1)))
SCORES = st.one_of(st.just(float("nan")), st.integers(0, 5).map(float))


def of_all_pairs(labels: list[object], scores: np.ndarray) -> np.ndarray:
    """By its definition, pair by pair."""
    values = np.full(len(labels), np.nan)
    known = [i for i, x in enumerate(labels) if x is not None and not np.isnan(scores[i])]
    for i in known:
        right = [
            0.5 + 0.5 * np.sign(labels[i] - labels[j]) * np.sign(scores[i] - scores[j])  # type: ignore[operator]
            for j in known
            if labels[i] != labels[j]
        ]
        if right:
            values[i] = np.mean(right)
    return values


@given(st.lists(st.tuples(LABELS, SCORES), max_size=40))
def test_it_is_what_all_pairs_say(pairs: list[tuple[object, float]]) -> None:
    labels, scores = [label for label, _ in pairs], np.asarray([score for _, score in pairs], dtype=float)
    assert _concordance(labels, scores) == pytest.approx(of_all_pairs(labels, scores), nan_ok=True)


def test_many_cases_need_no_table_of_all_pairs() -> None:
    rng = np.random.default_rng(1)
    labels = rng.normal(size=60_000)  # a table of all pairs would take 29 GB
    values = _concordance(list(labels), labels + rng.normal(size=labels.size))
    # of two normal variables with correlation r = 1 / sqrt(2): 1/2 + asin(r) / pi
    assert float(np.mean(values)) == pytest.approx(0.75, abs=0.01)
    assert _concordance(list(labels), labels).min() == 1.0
    assert _concordance(list(labels), -labels).max() == 0.0


def test_an_index_of_a_ranking_orders_the_best_against_the_others() -> None:
    """`label: 2` says which response is best; of the others nothing is known, so only its own pairs are measured."""
    cases = [Case(f"q{i}", ("a", "bb", "ccc"), label=i % 3, id=f"q{i}") for i in range(12)]

    def best_first(case: Case) -> list[int]:
        others = [k for k in range(3) if k != case.label]
        return [case.label, *others]  # type: ignore[list-item]

    def by_length(case: Case) -> list[int]:
        return sorted(range(3), key=lambda k: -len(case.responses[k]))

    right = vd.audit(vd.judge(best_first, task="ranking"), cases, probes="order.swap").audit.discrimination
    assert (right.n, right.measure, right.accuracy) == (12, "pair agreement", 1.0)
    # the longest is above both others, the middle one above one, the shortest above none
    long = vd.audit(vd.judge(by_length, task="ranking"), cases, probes="order.swap").audit.discrimination
    assert long.accuracy == pytest.approx(0.5)


def test_after_damage_an_index_is_no_longer_the_best() -> None:
    for n, label in ((2, 0), (3, None)):
        case = Case("q", tuple("abc"[:n]), label=1)
        damaged = FollowUp(case.with_response(1, "?"), 1)
        shown, target = after_damage(case, 1, damaged, "ranking", vd.Scale(), turned=False)
        assert (shown.label, target) == (label, 1)
