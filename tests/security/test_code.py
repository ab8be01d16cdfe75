"""What the source may not contain: unpickling, evaluation, shells, unverified connections. Read off the syntax trees.

Each exception is listed with the file that may, so that a new one is a decision and not an accident.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = sorted(
    p for part in ("src", "harness", "perturbations", "suites", "reports") for p in (ROOT / part).rglob("*.py")
)
SCRIPTS = sorted([*(ROOT / "scripts").glob("*.py"), *(ROOT / "benchmarks").glob("*.py")])

#: modules that read code out of data, or that nothing here needs
MODULES = {
    *("pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "marshal", "shelve", "yaml", "jsonpickle"),
    *("pty", "telnetlib", "ftplib", "xmlrpc", "code", "codeop", "ctypes", "tarfile"),
}
CALLS = {"eval", "exec", "compile", "__import__", "breakpoint", "input"}
#: attribute calls: the last two names
ATTRIBUTES = {
    *(
        "os.system",
        "os.popen",
        "os.execv",
        "os.execvp",
        "os.spawnv",
        "tempfile.mktemp",
        "asyncio.create_subprocess_shell",
    ),
    *("pd.read_pickle", "pandas.read_pickle", "np.load", "numpy.load", "torch.load", "builtins.eval", "builtins.exec"),
    *("subprocess.getoutput", "subprocess.getstatusoutput", "ssl._create_unverified_context", "logging.config"),
}
KEYWORDS = {
    ("shell", True),
    ("verify", False),
    ("allow_pickle", True),
    ("follow_redirects", True),
    ("verify_ssl", False),
}
#: (file, what) -> why it may
ALLOWED = {
    ("src/voirdire/_plugins.py", "exec"): "a plugin that the user named on the command line is code",
    ("src/voirdire/_plugins.py", "compile"): "the same",
}


def offences(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, a.name) for a in node.names if a.name.split(".")[0] in MODULES)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in MODULES:
            yield node.lineno, node.module or ""
        elif isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name) and node.func.id in CALLS:
                yield node.lineno, node.func.id
            elif isinstance(node.func, ast.Attribute):
                owner = node.func.value
                name = (
                    owner.id if isinstance(owner, ast.Name) else owner.attr if isinstance(owner, ast.Attribute) else ""
                )
                if f"{name}.{node.func.attr}" in ATTRIBUTES:
                    yield node.lineno, f"{name}.{node.func.attr}"
            for word in node.keywords:
                if isinstance(word.value, ast.Constant) and (word.arg, word.value.value) in KEYWORDS:
                    yield node.lineno, f"{word.arg}={word.value.value}"


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_nothing_unpickles_evaluates_or_starts_a_shell(path: Path) -> None:
    name = path.relative_to(ROOT).as_posix()
    found = [(line, what) for line, what in offences(ast.parse(path.read_text(encoding="utf-8")))]
    assert not [(line, what) for line, what in found if (name, what) not in ALLOWED]


def test_the_exceptions_are_needed() -> None:
    used = {
        (path.relative_to(ROOT).as_posix(), what)
        for path in FILES
        for _, what in offences(ast.parse(path.read_text(encoding="utf-8")))
    }
    assert set(ALLOWED) <= used, f"take out {set(ALLOWED) - used}"


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda p: p.name)
def test_scripts_and_benchmarks_neither(path: Path) -> None:
    assert not [what for _, what in offences(ast.parse(path.read_text(encoding="utf-8"))) if what != "compile"]


@pytest.mark.parametrize(
    "code",
    [
        "import pickle", "from dill import loads", "import yaml as y", "eval('1')", "exec(x)", "os.system('ls')",
        "subprocess.run('ls', shell=True)", "np.load(p, allow_pickle=True)", "httpx.get(u, verify=False)",
        "__import__('os')", "numpy.load(p)", "asyncio.create_subprocess_shell('ls')",
    ],
)  # fmt: skip
def test_each_of_them_would_be_seen(code: str) -> None:
    assert list(offences(ast.parse(code)))
