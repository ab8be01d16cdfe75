"""Running the command line in this process, in an empty folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from endpoint import KEY

from voirdire.cli import run


class Ran(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def all(self) -> str:
        return self.out + self.err


@pytest.fixture
def voirdire(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    """`voirdire("audit", ...)` with a planted key in the environment, which may come out nowhere."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    monkeypatch.setenv("COLUMNS", "80")

    def go(*arguments: object) -> Ran:
        capsys.readouterr()
        code = run([str(a) for a in arguments])
        ran = Ran(code, *capsys.readouterr())
        assert KEY not in ran.all
        return ran

    return go
