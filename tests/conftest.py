"""Shared fixtures: small pairs of cases, and where the public data lies (absent on most machines)."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from voirdire.harness.cases import Case

ROOT = Path(__file__).parent.parent

# a deadline is a statement about wall-clock time, and a busy machine is no defect
settings.register_profile("voirdire", settings(), deadline=None)
settings.load_profile("voirdire")


def pytest_collection_finish(session: pytest.Session) -> None:
    """Ten thousand collected tests stay to the end: the collector need not walk through them each time, which takes
    half a second that no test expects."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def _state_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Receipts of gates (engine/receipts.py) stay out of the home of whoever runs the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture(scope="session")
def public_data() -> Callable[[str], Path]:
    """Path of a file of the public data sets, or a skip: set VOIRDIRE_DATA to the folder that holds them."""

    def find(name: str) -> Path:
        for folder in (os.environ.get("VOIRDIRE_DATA"), ROOT.parent / "shared" / "data"):
            if folder and (path := Path(folder) / name).exists():
                return path
        pytest.skip(f"public data {name} is not on this machine (set VOIRDIRE_DATA)")

    return find


@pytest.fixture
def pairs() -> list[Case]:
    """Eight labelled pairs with different texts."""
    return [
        Case(
            f"What is {i} plus {i}?",
            (
                f"The sum of {i} and {i} is {2 * i}, as counting shows.",
                f"The sum of {i} and {i} is {2 * i + 1}, I think.",
            ),
            id=f"p{i}",
            label=0,
        ).reordered((0, 1) if i % 2 else (1, 0))
        for i in range(1, 9)
    ]
