"""Copies of a case are one case: from what they are told by, to the width of intervals and the warning."""

from __future__ import annotations

import pytest

import voirdire as vd
from voirdire.harness.cases import Case
from voirdire.harness.clusters import clusters_of
from voirdire.suites.builtin_cases import builtin_cases


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
    copies = [case.replace(id=f"{case.id}-{k}") for k in range(12) for case in pairs]
    probes = ["order.swap"]
    few = vd.audit("mock:noisy?accuracy=.85", pairs, "quick", probes=probes, cache=None)
    many = vd.audit("mock:noisy?accuracy=.85", copies, "quick", probes=probes, cache=None)
    one, copied = few.findings["order.swap"], many.findings["order.swap"]
    assert (copied.low, copied.high) == pytest.approx((one.low, one.high))
    assert copied.high - copied.low > 0.2  # [-.06, +.01] from 120 of them
    assert many.audit.discrimination.low == pytest.approx(few.audit.discrimination.low)
    said = "110 of the 120 cases repeat the texts of others. Copies say nothing new, so every interval counts 10"
    assert sum(text.startswith(said) for text in many.audit.warnings) == 1
    assert not any("repeat the texts" in text for text in few.audit.warnings)
