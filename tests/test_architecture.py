"""Imports run downwards only, each part imports by itself, and importing voirdire loads nothing heavy."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FOLDERS = {"harness": "harness", "perturbations": "perturbations", "suites": "suites", "reports": "reports"}
#: part -> parts it may import
ALLOWED = {
    "harness": {"harness"},
    "perturbations": {"perturbations", "harness"},
    "suites": {"suites", "perturbations", "harness"},
    "reports": {"reports", "suites", "perturbations", "harness"},
}
#: the only modules of the machine that perturbations may know: the types, the registry, the errors of those two
FOR_PERTURBATIONS = {
    "voirdire.harness.cases",
    "voirdire.harness.known_prompt",
    "voirdire.harness.registry",
    "voirdire.harness.errors",
}


def modules() -> list[tuple[str, Path]]:
    return [(part, path) for part, folder in FOLDERS.items() for path in sorted((ROOT / folder).rglob("*.py"))]


def imported(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found |= {node.module}
            if node.module == "voirdire":
                found |= {f"voirdire.{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize(("part", "path"), modules(), ids=lambda x: x.stem if isinstance(x, Path) else x)
def test_imports_run_downwards(part: str, path: Path) -> None:
    for name in imported(path):
        if name.split(".")[0] != "voirdire":
            continue
        parts = name.split(".")
        assert len(parts) > 1, f"{path} imports the doors (voirdire)"
        assert parts[1] in ALLOWED[part], f"{path} imports {name}"
        if part == "perturbations" and parts[1] == "harness":
            assert name in FOR_PERTURBATIONS, f"{path} imports {name}"


def test_no_module_imports_a_parent_relatively() -> None:
    for _, path in modules():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            assert not (isinstance(node, ast.ImportFrom) and node.level > 0), f"{path}: write absolute imports"


@pytest.mark.parametrize("part", FOLDERS)
def test_each_part_imports_alone(part: str) -> None:
    names = [
        "voirdire." + ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for kind, path in modules()
        if kind == part
    ]
    code = "import importlib, sys\nfor name in sys.argv[1:]: importlib.import_module(name)"
    done = subprocess.run([sys.executable, "-W", "error", "-c", code, *names], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "statement",
    [
        "import voirdire",
        "import voirdire.cli.app",
        "import voirdire.suites.rows",
        "import voirdire.harness.judges.spec",
    ],
)
def test_nothing_heavy_is_imported(statement: str) -> None:
    heavy = ("scipy.stats", "pandas", "nltk", "torch", "statsmodels", "textattack", "xllamacpp", "pydantic")
    code = f"{statement}\nimport sys\nprint([m for m in {heavy!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_files_are_one_idea_long() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for path in [*(p for _, p in modules()), *(ROOT / "src").rglob("*.py")]
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > 500
    }
    assert not long, f"over 500 lines: {long}"
