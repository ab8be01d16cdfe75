"""docs/probes/ is what the registry gives, and the script that says so can tell."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from voirdire.suites.rows import PROBES

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "scripts" / "make_catalogue.py"
PAGES = ROOT / "docs" / "probes"


def check(script: Path) -> subprocess.CompletedProcess[str]:
    """In a process of its own: other tests register probes here."""
    return subprocess.run(
        [sys.executable, script, "--check"], capture_output=True, text=True, encoding="utf-8", timeout=300
    )


def test_the_pages_are_what_the_registry_gives() -> None:
    ran = check(SCRIPT)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_every_built_in_probe_has_an_example_or_says_what_it_needs() -> None:
    sections = {}
    for page in PAGES.glob("*.md"):
        for name, text in re.findall(r"^## (\S+)\n(.*?)(?=^## |\Z)", page.read_text(encoding="utf-8"), re.M | re.S):
            assert name.split(".")[0] == page.stem
            sections[name] = text
    assert len(sections) > 150
    for name, text in sections.items():
        assert PROBES.get(name).summary in text
        if "```" not in text:
            assert re.search(
                "A model writes this text|Needs the extra|it does not apply|The prompt stays as it is", text
            ), name


def test_a_page_that_is_out_of_date_is_named(tmp_path: Path) -> None:
    """The script looks beside itself, so a copy of it looks at a copy of the pages."""
    (tmp_path / "scripts").mkdir()
    script = tmp_path / "scripts" / SCRIPT.name
    shutil.copy(SCRIPT, script)
    pages = tmp_path / "docs" / "probes"
    shutil.copytree(PAGES, pages)
    assert check(script).returncode == 0
    (pages / "order.md").write_text("edited by hand\n", encoding="utf-8")
    (pages / "tone.md").unlink()
    (pages / "gone.md").write_text("a family that is no more\n", encoding="utf-8")
    ran = check(script)
    assert ran.returncode == 1
    assert re.findall(r"probes/(\S+) is not", ran.stdout) == ["gone.md", "order.md", "tone.md"]


@pytest.mark.parametrize("page", sorted(p.name for p in PAGES.glob("*.md")))
def test_nothing_invisible_stands_in_the_pages(page: str) -> None:
    """Zero-width and bidi characters of the probes are written out: they would make the page lie."""
    from voirdire.reports.text import visible

    text = (PAGES / page).read_text(encoding="utf-8")
    assert visible(text) == text
