"""The desk of somebody who tries what a page says: an empty folder with the files that the pages speak of.

Commands of voirdire are run in this process (a plugin's in one of its own, as it stays registered); those of other
programs are only looked at. Providers are imitated on this machine, so that no command has to be written differently
for the tests.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from pages import Block, commands
from public_samples import SAMPLES

from voirdire.cli import run

ROOT = Path(__file__).parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
HOOKS = (ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8")
#: where the pages say that a server of one's own is
OWN_SERVER = "http://localhost:8000/v1"
PROMPT = """Which answer is better?

{{ fence(instruction, "task") }}
{{ fence(response_a, "response_a") }}
{{ fence(response_b, "response_b") }}
Write [[A]], [[B]] or [[C]] for a tie.
"""
JUDGES = """def judge(case):
    return "A" if len(case.responses[0]) > len(case.responses[1]) else "B"
"""


class Ran(NamedTuple):
    code: int
    out: str
    err: str


class Desk:
    """`folder` is the current one while a page is tried."""

    def __init__(self, folder: Path, server: str, environment: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.server = server
        self.environment = environment
        environment.chdir(folder)
        for name in [n for n in os.environ if n.startswith("VOIRDIRE_")]:
            environment.delenv(name)
        for name, value in {
            "COLUMNS": "80",
            "NO_COLOR": "1",
            "JUDGE": "openai:gpt-5-mini",
            "JUDGE_TOKEN": "token",
            "OPENAI_BASE_URL": f"{server}/v1",
            "OPENAI_API_KEY": "key",
            "ANTHROPIC_BASE_URL": server,
            "ANTHROPIC_API_KEY": "key",
            "GOOGLE_GEMINI_BASE_URL": server,
            "GOOGLE_API_KEY": "key",
        }.items():
            environment.setenv(name, value)

    def lay_out(self, page: str) -> None:
        """What the page takes for granted: a prompt, labelled cases with all fields, public data, earlier runs."""
        for name in ("judge.md", "prompts/strict.md", "prompts/draft.md"):
            self.write(name, PROMPT)
        self.write("my_package/judges.py", JUDGES)
        cases = (ROOT / "suites" / "data" / "cases.jsonl").read_text(encoding="utf-8").splitlines()
        records = [json.loads(line) for line in cases]
        for record in records:
            record.setdefault("rubric", "It answers the question. It is right.")
            record.setdefault("reference", "As the label says.")
        self.write("cases.jsonl", "\n".join(json.dumps(r) for r in records[:12]) + "\n")
        for sample in SAMPLES.values():
            sample.write(self.folder)
        for folder in ("Natural", "Natural/evaluators/ChatGPT/CoT"):
            (self.folder / folder).mkdir(parents=True, exist_ok=True)
        for copy, name in {
            "Natural/dataset.json": "Natural.json",
            "Natural/evaluators/ChatGPT/CoT/result.json": "result.json",
            "judgebench.jsonl": "jb.jsonl",
            "gpt-3.5-turbo-testset-v1.json": "gpt-testset-v1.json",
        }.items():
            shutil.copy(self.folder / name, self.folder / copy)
        small = "--cases cases.jsonl --cache none --quiet"
        if "verdicts.jsonl" in page:
            (self.folder / "verdicts.jsonl").unlink()  # of the public samples
            assert self.run(f"voirdire audit --judge mock:noisy --record verdicts.jsonl {small}").code == 0
        for day in re.findall(r"runs/(\w+)", page):
            assert self.run(f"voirdire audit --judge mock:noisy --suite ci --out runs/{day} {small}").code == 0

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def follow(self, block: Block, where: str) -> None:
        """Runs the commands of a block: each ends as its title says, and shows what stands below it, in that order.

        A gate that asks an imitated judge about a few cases may answer anything but an error.
        """
        for command, shown in commands(block):
            ran = self.run(command)
            said = f"{where}: $ {command}\nexit code {ran.code}\n{ran.out}{ran.err}"
            answers = {0, 1, 3} if "voirdire gate" in command and not shown else {block.exit_code}
            assert ran.code in answers, said
            rest = iter(ran.out.splitlines())
            for line in shown:
                assert any(line.rstrip() in printed for printed in rest), (
                    f"{line!r} does not come, or not there, in\n{said}"
                )

    def run(self, command: str) -> Ran:
        command = re.sub(r"(?<![\w$-])JUDGE\b", "openai:gpt-5-mini", command)  # the pages' word for any judge
        words = shlex.split(os.path.expandvars(command), comments=True)
        if ">" in words:  # the only redirection that the pages use
            at = words.index(">")
            ran = self.run(shlex.join(words[:at]))
            self.write(words[at + 1], ran.out)
            return ran
        if words[0] == "export":
            name, _, value = words[1].partition("=")
            self.environment.setenv(name, value)
            return Ran(0, "", "")
        program = PROGRAMS.get(words[0])
        assert program is not None, f'nobody knows how to try {words[0]!r}: mark the block title="not run: why"'
        return program(self, words)

    def voirdire(self, words: list[str]) -> Ran:
        words = [f"{self.server}/v1" if w == OWN_SERVER else w for w in words]
        if "--plugin" in words:
            done = subprocess.run(
                [sys.executable, "-m", *words], capture_output=True, encoding="utf-8", timeout=300, check=False
            )
            return Ran(done.returncode, done.stdout, done.stderr)
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = run(words[1:])
        return Ran(code, out.getvalue(), err.getvalue())

    def pip(self, words: list[str]) -> Ran:
        """Nothing is installed; what was asked for is this project, with extras that it has."""
        assert words[1] == "install"
        for wanted in words[2:]:
            named = re.fullmatch(r"(?:\.|voirdire)(?:\[([\w,]+)\])?", wanted)
            assert named, wanted
            extras = set(filter(None, (named[1] or "").split(",")))
            assert extras <= set(PYPROJECT["project"]["optional-dependencies"]), wanted
        return Ran(0, "", "")

    def pre_commit(self, words: list[str]) -> Ran:
        """The hook types are stages of our hooks."""
        assert words[1] == "install"
        assert all(f"{stage}," in HOOKS or f"{stage}]" in HOOKS for stage in words[3::2])
        return Ran(0, "", "")


PROGRAMS: dict[str, Callable[[Desk, list[str]], Ran]] = {
    "voirdire": Desk.voirdire,
    "pip": Desk.pip,
    "pre-commit": Desk.pre_commit,
}
