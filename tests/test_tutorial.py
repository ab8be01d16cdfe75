"""docs/tutorial.md, followed block by block in an empty folder, ends in docs/examples/judge_project.

Files are written (tests/support/pages.py says which block is one), each `$` line of a console block is run, and the
lines below it come out of it in that order. A block that is none of these fails.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pages import Block, blocks_of, commands

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="the commands are written for bash")

DOCS = Path(__file__).parent.parent / "docs"
TUTORIAL = DOCS / "tutorial.md"
EXAMPLE = DOCS / "examples" / "judge_project"
#: what the reader is told to take from the finished project
TAKEN = ("helpdesk/__init__.py", "helpdesk/models.py", "cases.jsonl")
#: runs of pytest without plugins and models that not every machine has
ADDOPTS = "-p no:cacheprovider -p no:randomly -p no:asyncio -p without_models"
WITHOUT_MODELS = "from voirdire.harness.judges import models\n\nmodels.runtime_version = lambda: None\n"


def blocks() -> Iterator[Block]:
    return blocks_of(TUTORIAL)


class Reader:
    """Somebody who follows the page. `pip` only notes what it was asked for: tests have no network."""

    def __init__(self, root: Path) -> None:
        self.folder, self.bin, self.aside = root / "project", root / "bin", root / "aside"
        for folder in (self.folder, self.bin, self.aside):
            folder.mkdir()
        (self.aside / "without_models.py").write_text(WITHOUT_MODELS)
        self.installed = self.aside / "pip.log"
        self._program("pip", f'printf "%s\\n" "$*" >> {shlex.quote(str(self.installed))}')
        self._program("pytest", f'exec {shlex.quote(sys.executable)} -m pytest "$@"')
        for name in TAKEN:
            self.write(name, (EXAMPLE / name).read_text(encoding="utf-8"))

    def _program(self, name: str, script: str) -> None:
        path = self.bin / name
        path.write_text(f"#!/usr/bin/env bash\n{script}\n")
        path.chmod(0o755)

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def run(self, command: str) -> subprocess.CompletedProcess[str]:
        keep = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "OPENAI_", "VOIRDIRE_"))}
        mine = {
            "PATH": f"{self.bin}{os.pathsep}{os.environ['PATH']}",
            "PYTEST_ADDOPTS": ADDOPTS,
            "PYTHONPATH": str(self.aside),
            "COLUMNS": "80",
        }
        return subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", command],
            cwd=self.folder,
            env={**keep, **mine},
            capture_output=True,
            encoding="utf-8",
            timeout=300,
        )

    def follow(self, block: Block) -> None:
        if block.path is not None:
            before = (self.folder / block.path).read_text(encoding="utf-8") if block.appended else ""
            self.write(block.path, f"{before}\n\n{block.text}" if before else block.text)
        elif block.language == "json":
            assert block.text in (self.folder / "cases.jsonl").read_text(encoding="utf-8")
        elif block.language != "console":
            pytest.fail(f"{TUTORIAL.name}, line {block.line}: nothing says what this block is")
        if block.language in ("console", "yaml"):
            for command, shown in commands(block):
                self._check(block, command, shown)

    def _check(self, block: Block, command: str, shown: list[str]) -> None:
        ran = self.run(command)
        red = any(" failed" in line for line in shown)
        where = f"{TUTORIAL.name}, line {block.line}: $ {command}\n{ran.stdout}{ran.stderr}"
        assert ran.returncode == (1 if red else 0), where
        rest = iter(ran.stdout.splitlines())
        for line in shown:
            assert any(line.rstrip() in said for said in rest), f"{line!r} does not come, or not there, in\n{where}"


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> Reader:
    pytest.importorskip("xdist", reason="pytest-xdist is not installed")
    reader = Reader(tmp_path_factory.mktemp("tutorial"))
    for block in blocks():
        reader.follow(block)
    return reader


def test_every_block_does_what_the_page_says(followed: Reader) -> None:
    asked = followed.installed.read_text().splitlines()
    released = "voirdire[pytest] @ git+https://github.com/OWNER/voirdire@v0.1.0"
    assert asked == ["install voirdire[pytest]", f"install {released} .[test] pytest-xdist"]


def test_the_ci_job_leaves_what_it_uploads(followed: Reader) -> None:
    assert (followed.folder / "junit.xml").exists()
    names = {page.parent.name.rpartition("-")[0] for page in followed.folder.glob("reports/*/index.html")}
    assert names == {"python-judges-both_ways", "python-judges-once"}


def test_the_reader_ends_with_the_example_project(followed: Reader) -> None:
    files = {p.relative_to(EXAMPLE).as_posix() for p in EXAMPLE.rglob("*.*") if p.suffix in (".py", ".toml", ".md")}
    for name in sorted(files - {"README.md"}):
        made = (followed.folder / name).read_text(encoding="utf-8")
        assert made == (EXAMPLE / name).read_text(encoding="utf-8"), name


def test_a_broken_step_is_noticed(tmp_path: Path) -> None:
    reader = Reader(tmp_path)
    with pytest.raises(AssertionError, match="does not come"):
        reader.follow(Block(1, "console", "", None, False, "$ echo one\none\ntwo\n"))
    with pytest.raises(AssertionError, match="does not come"):
        reader.follow(Block(1, "console", "", None, False, "$ printf 'one\\ntwo\\n'\ntwo\none\n"))
    with pytest.raises(AssertionError, match="line 7"):
        reader.follow(Block(7, "console", "", None, False, "$ exit 3\n"))
    with pytest.raises(pytest.fail.Exception, match="nothing says what this block is"):
        reader.follow(Block(1, "python", "", None, False, "print()\n"))


def test_the_workflow_gives_nothing_away() -> None:
    (workflow,) = (block.text for block in blocks() if block.language == "yaml")
    assert "permissions:\n  contents: read\n" in workflow
    assert workflow.count("persist-credentials: false") == workflow.count("actions/checkout@")
    assert "pull_request_target" not in workflow
    assert "secrets." not in workflow
    for used in re.findall(r"uses: (\S+)", workflow):
        assert re.fullmatch(r"[\w-]+/[\w/-]+@v\d+(\.\d+)*", used), used
    for line in re.findall(r"run: .*", workflow):
        assert "${{" not in line
