"""Protocols that an installed package brings: found by name, read as data, and errors that name the file."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from voirdire.cli import run
from voirdire.harness.cases import Case
from voirdire.harness.errors import UsageError
from voirdire.harness.judges import prompt_files
from voirdire.harness.judges.prompt_files import protocol_names
from voirdire.harness.judges.prompts import load_prompt
from voirdire.harness.verdicts import Scale

TICKETS = """+++
title = "Support tickets, 1 to 5"
task = "score"
scale = [1, 5]
parser = "result"
+++
You assess answers of a support desk.
---user---
{{ fence(instruction, "ticket") }}
{{ fence(response, "answer") }}
Explain briefly, then write [RESULT] and a number from 1 to 5.
"""
Install = Callable[..., Path]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Installs `house_prompts` with files, by a dist-info as pip writes one; all is forgotten afterwards."""

    def forget() -> None:
        prompt_files._protocols.cache_clear()
        prompt_files.read_protocol.cache_clear()
        importlib.invalidate_caches()
        for name in [m for m in sys.modules if m.startswith("house_prompts")]:
            del sys.modules[name]

    def installed(*, package: str = "house_prompts", code: str = "", **files: str) -> Path:
        info = tmp_path / "house-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: house\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[voirdire.protocols]\nhouse = {package}\n")
        folder = tmp_path / "house_prompts"
        folder.mkdir()
        (folder / "__init__.py").write_text(code)
        for name, text in files.items():
            (folder / f"{name}.jinja").write_text(text, encoding="utf-8")
        forget()
        return folder

    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    yield installed
    monkeypatch.undo()
    forget()


def test_a_packages_protocol_is_taken_by_name(install: Install, capsys: pytest.CaptureFixture[str]) -> None:
    install(tickets=TICKETS)
    prompt = load_prompt("tickets")
    assert (prompt.name, prompt.task, prompt.scale, prompt.parser) == ("tickets", "score", Scale(1, 5), "result")
    assert "It broke." in prompt.render(Case("It broke.", ("Sorry.",)))[-1]["content"]
    assert "mt-bench-pair" in protocol_names()
    assert run(["protocols"]) == 0
    assert "Support tickets, 1 to 5" in capsys.readouterr().out


def test_it_can_be_switched_off(install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tickets=TICKETS)
    monkeypatch.setenv("VOIRDIRE_NO_PLUGINS", "1")
    assert "tickets" not in protocol_names()
    with pytest.raises(UsageError, match="tickets"):
        load_prompt("tickets")


def test_a_name_that_is_taken_is_refused(install: Install) -> None:
    install(**{"mt-bench-pair": TICKETS})
    with pytest.raises(UsageError, match=r"plugin 'house' \(house_prompts\) has a protocol 'mt-bench-pair', and there"):
        load_prompt("mt-bench-pair")


def test_a_file_that_is_wrong_is_named_with_its_line(install: Install) -> None:
    folder = install(tickets=TICKETS.replace('"result"', '"no-such-parser"'), other=TICKETS.replace("scale", "scael"))
    with pytest.raises(UsageError, match="no-such-parser"):
        load_prompt("tickets")
    with pytest.raises(UsageError, match=r"other\.jinja, line 4: the header has no key 'scael'"):
        load_prompt("other")
    (folder / "tickets.jinja").write_bytes(b"\xff\xfe")
    prompt_files.read_protocol.cache_clear()
    with pytest.raises(UsageError, match=r"tickets\.jinja cannot be read: 'utf-8' codec"):
        load_prompt("tickets")


@pytest.mark.parametrize(
    ("package", "code", "says"),
    [
        ("no_such_package", "", "could not be loaded: ModuleNotFoundError"),
        ("house_prompts", "1 / 0", "could not be loaded: ZeroDivisionError"),
        ("house_prompts", "", r"has no file \*\.jinja"),
    ],
)
def test_a_package_that_cannot_be_used_says_why(install: Install, package: str, code: str, says: str) -> None:
    install(package=package, code=code)
    with pytest.raises(UsageError, match=rf"plugin 'house' \({package}\) {says}"):
        load_prompt("tickets")
