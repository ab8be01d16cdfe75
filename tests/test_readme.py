"""What the README tells people to type works."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from voirdire.cli import run

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_the_python_block_runs_and_says_what_its_comments_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (code,) = blocks("python")
    exec(compile(code, "README.md", "exec"), {"__name__": "readme"})
    said = [line.split("# ")[1] for line in code.splitlines() if line.startswith("print(")]
    assert capsys.readouterr().out.split() == said
    assert (tmp_path / "voirdire-report" / "index.html").exists()


def test_the_sample_output_is_what_comes_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    sample = next(b for b in blocks("") if b.startswith("$ voirdire"))
    command, *expected = sample.strip().splitlines()
    assert run([*shlex.split(command)[2:], "--no-color"]) == 0
    out = capsys.readouterr().out
    for line in expected:
        assert line.rstrip() in out


def test_every_command_and_option_exists() -> None:
    for block in blocks("sh"):
        for line in block.splitlines():
            if line.startswith("voirdire "):
                words = shlex.split(line, comments=True)
                assert run([words[1], "--help"]) == 0
                for option in (w for w in words if w.startswith("--")):
                    assert option in HELP[words[1]], option


@pytest.fixture(autouse=True)
def _help(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    run(["audit", "--help"])
    HELP["audit"] = capsys.readouterr().out


HELP: dict[str, str] = {}
