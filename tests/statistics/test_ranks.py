"""Places of judges: what cannot be told apart shares its place, and the places of all hold together."""

from __future__ import annotations

import asyncio
import dataclasses

import numpy as np
import pytest
from test_trade import with_shams

from voirdire._compose import AuditRequest
from voirdire._gate import GateRequest, gate_async, prepare_gate
from voirdire.harness.cases import Case
from voirdire.harness.findings import Audit, Calls, Discrimination, Finding, Findings, Noise
from voirdire.harness.judges.mock import mock_judge
from voirdire.harness.relations import Relation
from voirdire.harness.statistics.ranks import GAIN, places, shared_gains
from voirdire.harness.statistics.side_by_side import ACCURACY, StoredRun
from voirdire.harness.verdicts import Scale


def audit(accuracy: float | None, gains: dict[str, float], reach: float = 0.04) -> Audit:
    found = [
        Finding(name, "x", Relation.NO_GAIN, "holds", effect=e, low=e - reach, high=e + reach, level=0.95, n=100)
        for name, e in gains.items()
    ]
    dial = Discrimination() if accuracy is None else Discrimination(accuracy, accuracy - reach, accuracy + reach, 100)
    return Audit(
        "j", "j", "f", "pairwise", Scale(), None, "s", "h", 1, 100, "h", "c", 0, 0.05, 1, "2026-01-01T00:00:00Z",
        Findings(found), Noise(), dial, Calls(), "pass",
    )  # fmt: skip


def runs(*audits: Audit) -> list[StoredRun]:
    return [StoredRun("ABCDEFGH"[k], "p", a) for k, a in enumerate(audits)]


def test_clear_differences_give_single_places() -> None:
    found = places(runs(*(audit(a, {}) for a in (0.7, 0.95, 0.5))), ACCURACY)
    assert [(p.run, p.first, p.last) for p in found] == [(1, 1, 1), (0, 2, 2), (2, 3, 3)]


def test_judges_that_cannot_be_told_apart_share_their_places() -> None:
    found = places(runs(*(audit(a, {}) for a in (0.80, 0.81, 0.5))), ACCURACY)
    assert [(p.run, p.first, p.last) for p in found] == [(1, 1, 2), (0, 1, 2), (2, 3, 3)]


def test_less_gain_is_better_and_only_shared_probes_count() -> None:
    three = runs(
        audit(None, {"authority.book": 0.3, "tone.x": 0.3, "only.a": 0.9}),
        audit(None, {"authority.book": 0.0, "tone.x": 0.02}),
        audit(None, {"tone.x": 0.31, "authority.book": 0.3}),
    )
    assert shared_gains(three) == ["authority.book", "tone.x"]
    found = places(three, GAIN)
    assert [(p.run, p.first, p.last) for p in found] == [(1, 1, 1), (0, 2, 3), (2, 2, 3)]
    assert found[1].value == pytest.approx(0.3)


def test_nothing_to_rank() -> None:
    assert places(runs(audit(None, {})), ACCURACY) == []
    assert places(runs(audit(0.8, {}), audit(None, {})), ACCURACY) == []
    assert places(runs(audit(0.8, {}), audit(0.7, {})), GAIN) == []
    assert places([], GAIN) == []
    assert places([StoredRun("A", "a"), StoredRun("B", "b")], ACCURACY) == []


def test_equal_judges_are_ranked_apart_no_more_often_than_promised() -> None:
    """Five judges of the same accuracy, 400 times: a false order at level .05 in at most about 1 of 20."""
    rng = np.random.default_rng(5)
    wrong = 0
    for _ in range(400):
        noisy = [dataclasses.replace(audit(0.75 + 0.02 * rng.standard_normal(), {}, reach=0.0329)) for _ in range(5)]
        wrong += any((p.first, p.last) != (1, 5) for p in places(runs(*noisy), ACCURACY))
    # the level of a discrimination is 1 - 2 alpha = .90, so a reach of .0329 says a standard error of .02
    assert wrong / 400 < 0.085
    assert wrong > 0  # the test would see an order


def test_runs_that_hold_their_cases_are_compared_case_by_case() -> None:
    rng = np.random.default_rng(2)
    words = ("sun", "moon", "star", "sea")
    cases = [
        Case(f"q{k}", tuple(" ".join(rng.choice(words, 30)) + f" {k}{x}." for x in "ab"), id=f"c{k}", label=k % 2)
        for k in range(60)
    ]
    stored = []
    for label, spec in (("A", "noisy?accuracy=.95"), ("B", "noisy?accuracy=.6")):
        request = AuditRequest(cases=cases, suite="quick", probes=["verbosity.filler", "authority.book"], cache=None)
        judge = mock_judge(spec)
        result = asyncio.run(gate_async(judge, prepare_gate(judge.task, judge.scale, GateRequest(request))))
        stored.append(StoredRun(label, label, result.outcome.audit, result.stored))
    first, second = places(stored, ACCURACY)
    assert (first.run, first.last, second.first) == (0, 1, 2)
    assert {p.run for p in places(stored, GAIN)} == {0, 1}


def test_a_judge_that_dislikes_the_sham_does_not_gain_more() -> None:
    """By the gain over the sham alone A would rank behind B, though neither gives a citation anything."""
    rng = np.random.default_rng(3)
    nothing, disliked, liked = np.zeros(120), (rng.random(120) < 0.4) * 1.0, (rng.random(120) < 0.8) * 1.0
    gains = ((disliked, nothing), (nothing, nothing), (liked, liked))
    stored = [
        StoredRun(k, k, audit(None, {"f.x": min(map(np.mean, pair))}), with_shams(k, {"f.x": pair}).stored)
        for k, pair in zip("ABC", gains, strict=True)
    ]
    assert [(p.run, p.first, p.last) for p in places(stored, GAIN)] == [(0, 1, 2), (1, 1, 2), (2, 3, 3)]
