"""A real, small model on this machine as the judge; skipped where it is not installed."""

from __future__ import annotations

import pytest
import voirdire as vd
from voirdire.harness.errors import UsageError


@pytest.fixture
def small() -> vd.Judge:
    """The judge `small` of pyproject.toml."""
    try:
        return vd.judge("small")
    except UsageError as missing:
        pytest.skip(str(missing))


@pytest.mark.xfail(reason="SmolLM2-135M takes the first draft, whatever it says", raises=vd.Violated, strict=True)
@pytest.mark.voirdire(suite="quick", probes=["order.swap"], limit=10)
def test_the_small_model(probe, small) -> None:
    probe.check(small)
