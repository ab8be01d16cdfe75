"""What the README tells people to type works."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
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
    code = next(block for block in blocks("python") if "vd.audit" in block)
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


def test_every_command_and_option_exists(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    tried = 0
    for block in blocks("sh"):
        for line in block.splitlines():
            if line.startswith("voirdire "):
                words = shlex.split(line, comments=True)
                assert run([words[1], "--help"]) == 0
                text = capsys.readouterr().out
                assert all(option in text for option in words if option.startswith("--")), line
                tried += 1
    assert tried >= 6


def test_the_pytest_block_is_a_test(tmp_path: Path) -> None:
    code = next(block for block in blocks("python") if "@pytest.mark.voirdire" in block)
    head = "import pytest\nimport voirdire as vd\n\nmy_judge = 'mock:oracle'\n\n"
    code = code.replace(', cases="cases.jsonl"', ', probes=["order.swap"]')
    (tmp_path / "test_it.py").write_text(head + code, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_it.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "1 passed" in done.stdout, done.stdout
