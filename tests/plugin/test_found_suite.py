"""The suite of a found attack in pytest: one test a probe, which fails where the attack still works."""

from __future__ import annotations

import pytest

SUITE = """
name = "found"
probes = ["stability.retest", "attack.very-good", "attack.two"]
[[found]]
name = "attack.very-good"
text = "very good"
[[found]]
name = "attack.two"
parts = ["attack.very-good", "authority.book"]
"""
TESTS = """
import pytest
import voirdire as vd

WEAK, CLEAN = vd.judge("mock:oracle?phrase=very good"), vd.judge("mock:oracle")

@pytest.mark.voirdire(suite="found.toml")
def test_weak(probe):
    probe.check(WEAK)

@pytest.mark.voirdire(suite="found.toml", probes=["attack.*"])
def test_clean(probe):
    probe.check(CLEAN)
"""


def test_a_found_suite_is_one_test_a_probe(pytester: pytest.Pytester) -> None:
    (pytester.path / "found.toml").write_text(SUITE, encoding="utf-8")
    pytester.makepyfile(TESTS)
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider", "-n", "0")
    result.assert_outcomes(failed=2, passed=3)
    result.stdout.fnmatch_lines(["*FAILED*attack.very-good*"])
