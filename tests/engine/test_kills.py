"""SIGKILL at random moments of a run over HTTP: what is committed stays, and little else is asked again."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from kills import kill_runs


@pytest.mark.skipif(not hasattr(os, "fork"), reason="runs are forked")
def test_a_kill_costs_what_is_in_flight_and_one_batch_at_most(tmp_path: Path) -> None:
    seen = kill_runs(tmp_path, 15, seed=4)
    assert seen.unsound == seen.vanished == seen.asked_again == 0
    assert max(seen.lost) <= seen.allowed
    # the kills hit runs at work
    assert sum(lost > 0 for lost in seen.lost) >= 5
    assert seen.finished
