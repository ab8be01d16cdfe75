"""Accuracies of two runs beside each other: the same measure of the same cases, whatever of the runs is known."""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib

import numpy as np
import pytest

from voirdire._compose import AuditRequest
from voirdire._gate import GateRequest, gate_async, prepare_gate
from voirdire.harness.baseline import Baseline
from voirdire.harness.cases import Case
from voirdire.harness.findings import Audit
from voirdire.harness.judges.python_judge import PythonJudge
from voirdire.harness.statistics.side_by_side import ACCURACY, Difference, StoredRun, balance, interval_of, side_by_side


def share(text: str) -> float:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6], "big") / 2**48


def lenient(case: Case) -> bool:
    """Passes nearly all that should pass, and half of what should not."""
    return share(case.instruction_text) < (0.97 if case.label else 0.55)


def ran(judge: object, cases: list[Case]) -> tuple[Audit, Baseline]:
    asked = PythonJudge(judge, task="grade")  # type: ignore[arg-type]
    request = AuditRequest(cases=cases, suite="ci", probes=["stability.neutral"], samples=1, cache=None)
    result = asyncio.run(gate_async(asked, prepare_gate("grade", asked.scale, GateRequest(request))))
    return result.outcome.audit, result.stored


CASES = [
    Case(f"Is {i} right?", (f"The answer is {i}, as far as I know.",), label=i % 10 != 0, id=f"g{i}")
    for i in range(200)
]


@pytest.fixture(scope="module")
def run() -> tuple[Audit, Baseline]:
    return ran(lenient, CASES)


def without_labels(stored: Baseline) -> Baseline:
    """As a file that was written before labels were told apart."""
    return dataclasses.replace(stored, accuracy=dataclasses.replace(stored.accuracy, labels=()))


def accuracy(first: StoredRun, later: StoredRun) -> tuple[tuple[float | None, ...], Difference | None]:
    line = next(line for line in side_by_side([first, later]) if line.probe == ACCURACY)
    return line.effects, line.differences[1]


def test_a_judge_differs_in_nothing_from_itself_whatever_is_known_of_it(run: tuple[Audit, Baseline]) -> None:
    """A file without class weights gave the plain share right, .9 and more, where an audit gave the balanced one."""
    audit, stored = run
    assert audit.discrimination.measure == "balanced accuracy"
    assert audit.discrimination.accuracy is not None
    assert float(np.mean(stored.accuracy.values)) - audit.discrimination.accuracy > 0.15
    known = {
        "gate": StoredRun("A", "a", audit, stored),
        "audit": StoredRun("A", "a", audit),
        "file": StoredRun("A", "a", None, stored),
        "old gate": StoredRun("A", "a", audit, without_labels(stored)),
    }
    for first in known.values():
        for later in known.values():
            effects, gap = accuracy(first, later)
            assert gap is not None
            assert effects == pytest.approx([audit.discrimination.accuracy] * 2, abs=1e-9)
            assert gap.value == pytest.approx(0.0, abs=1e-9)
            assert gap.p == gap.p_size == 1.0
            assert balance(side_by_side([first, later]), 1).better == ()


def test_an_old_file_takes_the_labels_of_the_other_run(run: tuple[Audit, Baseline]) -> None:
    audit, stored = run
    old = StoredRun("A", "a", None, without_labels(stored))
    _, gap = accuracy(old, StoredRun("B", "b", audit, stored))
    assert gap is not None
    assert gap.paired
    # but two of them, or one alone, do not tell what their balanced accuracy is the mean of
    assert accuracy(old, old)[1] is None
    assert interval_of(ACCURACY, old) is None


def test_a_paired_difference_of_grades_is_that_of_the_balanced_accuracies(run: tuple[Audit, Baseline]) -> None:
    audit, stored = run
    other, again = ran(lambda case: share("x" + case.instruction_text) < (0.8 if case.label else 0.0), CASES)
    effects, gap = accuracy(StoredRun("A", "a", audit, stored), StoredRun("B", "b", other, again))
    assert gap is not None
    assert gap.paired
    assert effects == pytest.approx((audit.discrimination.accuracy, other.discrimination.accuracy))
    # the plain share right fell while the balanced one rose
    assert float(np.mean(again.accuracy.values - stored.accuracy.values)) < 0 < gap.low
    assert not gap.grew
    assert gap.p_size < 0.05


def test_other_measures_are_not_compared(run: tuple[Audit, Baseline]) -> None:
    _, stored = run
    plain = dataclasses.replace(stored, accuracy=dataclasses.replace(stored.accuracy, measure="accuracy"))
    assert accuracy(StoredRun("A", "a", None, stored), StoredRun("B", "b", None, plain))[1] is None
