"""One test for each probe of the suite."""

from __future__ import annotations

import pytest

import judges


@pytest.mark.voirdire(suite="quick")
def test_the_help_desks_judge(probe) -> None:
    probe.check(judges.both_ways)


@pytest.mark.xfail(reason="asked once, it prefers the first draft: why there is both_ways", strict=True)
@pytest.mark.voirdire(suite="quick", probes=["order.swap"])
def test_asking_once(probe) -> None:
    probe.check(judges.once)


@pytest.mark.hosted
@pytest.mark.voirdire(suite="quick", limit=40)
def test_the_hosted_judge(probe) -> None:
    probe.check("hosted")  # of pyproject.toml
