"""Every code block of the README and the documentation does what it says, or says itself why it is not run.

Pages are followed block by block in an empty folder. Files are written; commands are run; Python is run, and what is
printed is what the comment behind `print(...)` says; TOML goes through the loader that would read it. Blocks that
another test follows are listed in ELSEWHERE, with that test.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import CodeType
from typing import Any

import pytest
from desk import ROOT, Desk
from endpoint import endpoint
from pages import Block, blocks_of
from providers import any_provider

import voirdire as vd
from voirdire.harness.casefiles import parse_case
from voirdire.suites.loading import load_suite

PAGES = [p for p in sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]) if any(blocks_of(p))]
#: (page, language) -> the test that follows these blocks
ELSEWHERE = {
    ("docs/tutorial.md", "*"): "tests/test_tutorial.py",
    ("docs/pytest.md", "python"): "tests/plugin/test_plugin_docs.py",
    ("README.md", "python"): "tests/test_readme.py",
    ("docs/ci/github.md", "yaml"): "tests/test_ci_recipes.py",
    ("docs/ci/gitlab.md", "yaml"): "tests/test_ci_recipes.py",
    ("docs/ci/pre-commit.md", "yaml"): "tests/test_ci_recipes.py",
}
#: these show output, formulas or grammars
SHOWN = {"", "text", "diff", "ebnf"}
#: what a page's Python takes for granted
GIVEN = {
    "docs/hypothesis.md": "my_judge = lambda case: 'A'",
    "docs/extending.md": "embed, cosine = len, lambda before, after: 0.9",
}
#: imports of packages that only their own tox environments have; tests/packages audits such judges there
PACKAGES = {"deepeval", "inspect_ai", "langchain_classic", "langchain_openai", "mlflow", "openevals", "transformers"}
#: commands that ask an imitated provider ask about so many cases
FEW = "4"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with endpoint([any_provider()]) as running:
        yield running.url.removesuffix("/v1")


@pytest.fixture
def desk(tmp_path: Path, server: str, monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(tmp_path, server, monkeypatch)


def followed_elsewhere(page: str, block: Block) -> bool:
    return (page, "*") in ELSEWHERE or (page, block.language) in ELSEWHERE


@pytest.mark.parametrize("path", PAGES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_every_block_of_the_page_does_what_it_says(path: Path, desk: Desk) -> None:
    page = path.relative_to(ROOT).as_posix()
    blocks = [b for b in blocks_of(path) if b.left_out is None and not followed_elsewhere(page, b)]
    if any(b.language not in SHOWN or b.path for b in blocks):
        desk.lay_out(path.read_text(encoding="utf-8"))
    names: dict[str, Any] = {"__name__": "page"}
    exec(GIVEN.get(page, ""), names)
    for block in blocks:
        where = f"{page}, line {block.line}"
        if block.path is not None:
            desk.write(block.path, block.text)
        if block.language in ("sh", "bash", "console") or block.text.startswith("$ voirdire"):
            if block.language in ("sh", "bash"):
                desk.environment.setenv("VOIRDIRE_LIMIT", FEW)
            desk.follow(block, where)
            desk.environment.delenv("VOIRDIRE_LIMIT", raising=False)
        elif block.language == "python":
            code = compile(block.text, where, "exec")
            if block.path is None and not PACKAGES & imported(block.text):
                run_python(code, block, names, where)
        elif block.language == "json":
            for line in block.text.splitlines():
                parse_case(json.loads(line), line=1)
        elif block.language == "toml":
            read_toml(block, desk)
        else:
            assert block.language in SHOWN, f"{where}: nobody knows how to try {block.language!r}"


def imported(code: str) -> set[str]:
    """The packages that a piece of Python imports."""
    return {name.partition(".")[0] for name in re.findall(r"^(?:from|import) ([\w.]+)", code, re.M)}


def run_python(code: CodeType, block: Block, names: dict[str, Any], where: str) -> None:
    """Runs it, then the tests that it defines; what is printed is what the comments behind it say."""
    out = io.StringIO()
    before = set(names)
    with contextlib.redirect_stdout(out):
        exec(code, names)
        for name in set(names) - before:
            if name.startswith("test_"):
                names[name]()
    said = [line.split("  # ")[1] for line in block.text.splitlines() if re.match(r"print\(.*\)  # ", line)]
    if said:
        assert out.getvalue().splitlines() == said, where


def read_toml(block: Block, desk: Desk) -> None:
    """The first comment says which file it is, else it is a part of a configuration file."""
    name = block.path or (re.match(r"# (\S+\.toml)\n", block.text) or ["", "voirdire.toml"])[1]
    data = tomllib.loads(block.text)
    desk.write(name, block.text)
    if "probes" in data:
        assert load_suite(name).probes
    elif "url" in data:
        assert vd.judge(f"http:{name}").task == data["task"]
    elif "entry-points" in data.get("project", {}):
        assert set(data["project"]["entry-points"]) <= {
            f"voirdire.{kind}" for kind in ("probes", "judges", "formats", "protocols")
        }
    else:
        judges = data.get("judges", data.get("tool", {}).get("voirdire", {}).get("judges", {}))
        if "strict" not in judges:  # a part of a file speaks of a table of the rest
            desk.write(name, f'{block.text}\n[judges.strict]\nspec = "openai:gpt-5-mini"\n')
        for judge in judges:
            ran = desk.run(f"voirdire audit --config {name} --judge {judge} --limit 2 --yes --cache none")
            assert ran.code == 0, ran.err
    (desk.folder / name).unlink()


def test_what_is_followed_elsewhere_is(request: pytest.FixtureRequest) -> None:
    for (page, _), test in ELSEWHERE.items():
        assert (ROOT / page).exists()
        assert page.rpartition("/")[2] in (ROOT / test).read_text(encoding="utf-8"), f"{test} does not name {page}"


def test_few_blocks_are_left_out_and_each_says_why() -> None:
    every = [(p.name, b) for p in PAGES for b in blocks_of(p) if b.language not in SHOWN]
    left_out = [(page, b.left_out) for page, b in every if b.left_out is not None]
    assert len(every) > 80
    assert len(left_out) <= 10, left_out


# --- the follower itself ----------------------------------------------------------------------------------------------


def block(language: str, text: str, title: str = "") -> Block:
    return Block(1, language, title, None, False, text)


def test_a_command_that_fails_is_noticed(desk: Desk) -> None:
    with pytest.raises(AssertionError, match="exit code 2"):
        desk.follow(block("sh", "voirdire audit --judge mock:nobody\n"), "page")
    with pytest.raises(AssertionError, match="does not come"):
        desk.follow(block("console", "$ voirdire --version\nvoirdire 99\n"), "page")
    with pytest.raises(AssertionError, match="nobody knows"):
        desk.follow(block("sh", "curl http://localhost\n"), "page")
    with pytest.raises(AssertionError):
        desk.follow(block("sh", "pip install 'voirdire[nothing]'\n"), "page")
    desk.follow(block("sh", "voirdire audit --judge mock:nobody\n", "exit code 2"), "page")


def test_a_python_block_that_lies_is_noticed() -> None:
    for error, text in ((AssertionError, "print(1 + 1)  # 3\n"), (ZeroDivisionError, "def test_it():\n    1 / 0\n")):
        with pytest.raises(error):
            run_python(compile(text, "page", "exec"), block("python", text), {}, "page")


@pytest.mark.parametrize("fence", ['```sh title="perhaps"', "```sh skip it", '```sh title="not run:"'])
def test_a_fence_that_nobody_understands_is_noticed(tmp_path: Path, fence: str) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"{fence}\nvoirdire\n```\n")
    with pytest.raises(AssertionError, match=r"page\.md, line 1"):
        list(blocks_of(page))
