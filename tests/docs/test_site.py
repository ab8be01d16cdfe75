"""Links, navigation and privacy of the documentation. `tox -e docs` builds the site; nothing here needs mkdocs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
SITE = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
NAMES = [p.relative_to(ROOT).as_posix() for p in PAGES]
_FENCED = re.compile(r"^(`{3,})[^\n]*\n.*?^\1[ ]*$", re.M | re.S)


def prose(text: str) -> str:
    """`text` without its code."""
    return re.sub(r"`[^`\n]+`", "``", _FENCED.sub("", text))


def anchors(text: str) -> set[str]:
    """Of the headings of a page, as GitHub and the site make them."""
    found = set()
    for heading in re.findall(r"^#+ (.+)$", _FENCED.sub("", text), re.M):
        plain = re.sub(r"\[([^]]+)\]\([^)]*\)", r"\1", heading)
        found.add(re.sub(r"[^\w -]", "", plain).strip().lower().replace(" ", "-"))
    return found


def links(page: Path) -> Iterator[tuple[str, str]]:
    for target in re.findall(r"\]\(<?([^)>\s]+)>?\)", prose(page.read_text(encoding="utf-8"))):
        if not re.match(r"[a-z]+:", target):
            yield target.partition("#")[0], target.partition("#")[2]


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_link_leads_somewhere(page: Path) -> None:
    for path, anchor in links(page):
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), path
        assert target.is_relative_to(ROOT), path
        if anchor and target.suffix == ".md":
            assert anchor in anchors(target.read_text(encoding="utf-8")), f"{path}#{anchor}"


@pytest.mark.parametrize("page", [p for p in PAGES if p.is_relative_to(DOCS)], ids=lambda p: p.name)
def test_no_page_of_the_site_links_out_of_it(page: Path) -> None:
    for path, _ in links(page):
        assert (page.parent / path).resolve().is_relative_to(DOCS), f"{path}: name the file in `code` instead"


def test_every_page_is_in_the_navigation() -> None:
    named = re.findall(r"(\S+\.md)$", SITE[SITE.index("\nnav:") :], re.M)
    assert len(named) == len(set(named))
    excluded = set(re.findall(r"^  (\S+\.md)$", SITE[: SITE.index("\nnav:")], re.M))
    there = {p.relative_to(DOCS).as_posix() for p in DOCS.rglob("*.md")}
    assert set(named) == there - excluded, "mkdocs.yml, nav: name the page, or take the line of one that is gone away"


def test_the_site_loads_nothing_from_other_hosts() -> None:
    assert "font: false" in SITE
    assert "strict: true" in SITE
    assert "http" not in SITE
    for sheet in DOCS.rglob("*.css"):
        assert "url(" not in sheet.read_text(encoding="utf-8")


def test_the_pages_name_only_options_and_commands_that_exist() -> None:
    """`--option` in prose or code of the pages is an option of some command, of the plugin, or of another program."""
    import typer.main

    from voirdire import pytest_plugin
    from voirdire.cli.app import app

    known = {"--help", "--version", *(f"--voirdire-{name}" for name, _, _ in pytest_plugin._SETTINGS)}
    group = typer.main.get_command(app)
    commands = [group]
    while commands:
        command = commands.pop()
        commands += getattr(command, "commands", {}).values()
        for parameter in command.params:
            known.update(parameter.opts, parameter.secondary_opts)
    pytests = {"--collect-only", "--lf", "--ff", "--dist", "--junitxml", "--strict-markers"}
    # of scripts/ and benchmarks/
    scripts = {
        "--check",
        "--smoke",
        "--grid",
        "--audits",
        "--budget",
        "--plan",
        "--textattack",
        "--resume",
        "--data",
        "--verdicts",
    }
    others = {"--no-verify", "--hook-type", "--to", "--config-settings"}  # git, pre-commit, inspect, pip
    for page in PAGES:
        for option in set(re.findall(r"(?<![\w-])--[a-z][a-z0-9-]+", page.read_text(encoding="utf-8"))):
            assert option in known | pytests | scripts | others, f"{page.name}: {option}"
