"""`voirdire gate ... | head -1`: a reader that goes away changes neither what is done nor the exit code."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from voirdire.cli import run


@pytest.mark.parametrize(
    "command",
    [
        ["probes", "order.*", "typos.*"],
        ["gate", "--judge", "mock:oracle", "--probes", "order.swap", "--limit", "8", "--cache", "none"],
        ["audit", "--judge", "mock:oracle", "--probes", "order.swap", "--limit", "8", "--cache", "none"],
    ],
    ids=lambda command: command[0],
)
def test_the_exit_code_is_that_of_the_command(tmp_path: Path, monkeypatch, capsys, command: list[str]) -> None:
    monkeypatch.chdir(tmp_path)
    expected = run([*command, "--out", "in-here"] if "--judge" in command else command)
    capsys.readouterr()
    assert expected != 1, "the exit code of a pipe that is closed, as Rich and Typer have it"
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "voirdire", *command], stdout=writer, stderr=writer, timeout=120, check=False
        )
    finally:
        os.close(writer)
    assert done.returncode == expected
    assert ("--judge" in command) == (tmp_path / "voirdire-report" / "audit.json").exists()
