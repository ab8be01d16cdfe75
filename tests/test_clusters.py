"""Copies of a case are one case: from what they are told by, to the width of intervals and the warning."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

import voirdire as vd
from voirdire._compose import AuditRequest
from voirdire._gate import GateRequest, as_run, gate_async, prepare_gate
from voirdire.harness.cases import Case
from voirdire.harness.clusters import clusters_of
from voirdire.harness.statistics.observed import VerdictLog, observe
from voirdire.harness.statistics.side_by_side import StoredRun, side_by_side
from voirdire.harness.statistics.trade import trades
from voirdire.harness.verdicts import Verdict
from voirdire.suites.builtin_cases import builtin_cases


def copied(cases: Sequence[Case], times: int) -> list[Case]:
    return [case.replace(id=f"{case.id}-{k}") for k in range(times) for case in cases]


def test_copies_and_groups_join() -> None:
    cases = [
        Case("q", ("a", "b"), id="0"),
        Case("q", ("a", "c"), id="1", group="g"),
        Case("q", ("b", "a"), id="2"),  # the first one, the other way round
        Case("q", ("a", "c"), id="3"),  # a copy of one of group g
        Case("other", ("a", "b"), id="4", group="g"),
        Case("q", ("a", "b"), id="5", rubric="short"),
        Case("other", ("a", "b"), id="6", label=1),  # by way of 4 of the same cluster as 1
        Case("z", ("a", "b"), id="7"),
    ]
    found = clusters_of(cases)
    assert found.numbers.tolist() == [0, 1, 0, 1, 1, 2, 1, 3]
    assert found.copies == 3


def test_without_copies_every_case_is_its_own() -> None:
    found = clusters_of(builtin_cases("pairwise"))
    assert found.copies == 0


def test_ten_pairs_copied_are_ten_cases_and_the_report_says_so() -> None:
    pairs = builtin_cases("pairwise")[:10]
    copies = copied(pairs, 12)
    probes = ["order.swap"]
    few = vd.audit("mock:noisy?accuracy=.85", pairs, "quick", probes=probes, cache=None)
    many = vd.audit("mock:noisy?accuracy=.85", copies, "quick", probes=probes, cache=None)
    one, more = few.findings["order.swap"], many.findings["order.swap"]
    assert (more.low, more.high) == pytest.approx((one.low, one.high))
    assert more.high - more.low > 0.2  # [-.06, +.01] from 120 of them
    assert many.audit.discrimination.low == pytest.approx(few.audit.discrimination.low)
    said = "110 of the 120 cases repeat the texts of others. Copies say nothing new, so every interval counts 10"
    assert sum(text.startswith(said) for text in many.audit.warnings) == 1
    assert not any("repeat the texts" in text for text in few.audit.warnings)


def stored(label: str, spec: str, cases: Sequence[Case]) -> StoredRun:
    judge = vd.judge(spec)
    request = AuditRequest(cases=list(cases), suite="quick", probes=("order.swap",), cache=None, minimise=0)
    ready = prepare_gate(judge.task, judge.scale, GateRequest(request))
    return as_run(label, label, judge, asyncio.run(gate_async(judge, ready)))


def test_two_runs_on_copies_are_told_apart_no_better_than_on_the_cases_themselves() -> None:
    pairs = [case.replace(group=None) for case in builtin_cases("pairwise")[:12]]
    specs = "mock:noisy?accuracy=.85&seed=1", "mock:noisy?accuracy=.85&first=.5&seed=2"
    widths = []
    for cases in (pairs, copied(pairs, 10)):
        runs = [stored(name, spec, cases) for name, spec in zip("AB", specs, strict=True)]
        lines = side_by_side(runs)
        swap = next(line for line in lines if line.probe == "order.swap").differences[1]
        (trade,) = trades(runs, lines)
        assert swap is not None
        assert trade.accuracy is not None
        assert trade.changed_low is not None
        assert trade.changed_high is not None
        widths.append(
            (
                swap.high - swap.low,
                trade.accuracy.high - trade.accuracy.low,
                trade.families[0].high - trade.families[0].low,
                trade.changed_high - trade.changed_low,
            )
        )
    assert widths[1] == pytest.approx(widths[0])


def test_recorded_verdicts_about_copies_are_about_one_case() -> None:
    """A judge that is right but for every third pair, where it takes the first slot; ten copies of each in the log."""
    pairs = builtin_cases("pairwise")[:24]
    widths = []
    for cases in (pairs, copied(pairs, 10)):
        verdicts = {
            (case.id, order, 0): Verdict(choice=0 if k % 24 % 3 == 0 or order[0] == case.label else 1)
            for k, case in enumerate(cases)
            for order in ((0, 1), (1, 0))
        }
        log = VerdictLog("j", "x", "pairwise", verdicts)
        ((seen,), _) = observe([log], {case.id: case for case in cases}, tolerance=0.1, alpha=0.05)
        slot = next(p for p in seen.preferences if p.name == "first slot")
        assert seen.agreement is not None
        widths.append((slot.low, slot.high, seen.agreement.low, seen.agreement.high))
    assert None not in widths[0]
    assert widths[1] == pytest.approx(widths[0])
