"""What all tests of judges share."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import voirdire as vd

CASES = Path(__file__).parent.parent / "cases.jsonl"


@pytest.fixture
def voirdire_options() -> dict[str, object]:
    """For every `voirdire` mark of this folder; what a mark says itself wins."""
    return {"cases": CASES}


@pytest.fixture(scope="session")
def cases() -> list[vd.Case]:
    rows = [json.loads(line) for line in CASES.read_text(encoding="utf-8").splitlines()]
    return [vd.Case(**{**row, "responses": tuple(row["responses"])}) for row in rows]
