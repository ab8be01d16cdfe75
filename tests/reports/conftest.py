"""`expected(name, text)`: compare with a stored file; VOIRDIRE_UPDATE_EXPECTED=1 rewrites it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

FOLDER = Path(__file__).with_name("expected")


@pytest.fixture
def expected() -> Callable[[str, str], None]:
    def compare(name: str, text: str) -> None:
        path = FOLDER / name
        if os.environ.get("VOIRDIRE_UPDATE_EXPECTED"):
            path.write_text(text, encoding="utf-8", newline="\n")
        assert text == path.read_text(encoding="utf-8")

    return compare
