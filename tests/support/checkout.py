"""The checkout of a pull request that wrote voirdire.toml, with a planted key in the environment."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import NamedTuple

import pytest
from endpoint import KEY

from voirdire.cli import run

__all__ = ["EVIL", "PWNED", "Checkout"]

PWNED = "pwned"
EVIL = f"""
from pathlib import Path
Path({PWNED!r}).touch()
def judge(case):
    return "A"
"""


class Ran(NamedTuple):
    code: int
    err: str


class Checkout:
    """The folder of the pull request, with the command run inside of it."""

    def __init__(self, home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = home / "checkout"
        self._capsys = capsys
        (self.folder / ".git").mkdir(parents=True)
        monkeypatch.chdir(self.folder)
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        for name in [n for n in os.environ if n.startswith("VOIRDIRE_") or n.endswith("_BASE_URL")]:
            monkeypatch.delenv(name)
        self.write(EVIL, "evil.py")
        cases = [{"instruction": f"Q{i}?", "responses": [f"yes {i}", f"no {i}!"], "label": 0} for i in range(3)]
        self.write("\n".join(map(json.dumps, cases)), "cases.jsonl")

    def write(self, text: str, name: str = "voirdire.toml") -> None:
        (self.folder / name).write_text(text, encoding="utf-8")

    def __call__(self, *arguments: str, command: str = "audit") -> Ran:
        self._capsys.readouterr()
        code = run([command, *arguments])
        out, err = self._capsys.readouterr()
        assert KEY not in out + err
        return Ran(code, err)

    @property
    def pwned(self) -> bool:
        return (self.folder / PWNED).exists()
