"""docs/suites.md is what the suites give, and the script that says so can tell."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from voirdire.suites.loading import builtin_suites

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "scripts" / "make_suites_page.py"
PAGE = ROOT / "docs" / "suites.md"


def check(script: Path) -> subprocess.CompletedProcess[str]:
    """In a process of its own: other tests register probes here."""
    return subprocess.run(
        [sys.executable, script, "--check"], capture_output=True, text=True, encoding="utf-8", timeout=300
    )


def test_the_page_is_what_the_suites_give() -> None:
    ran = check(SCRIPT)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_every_suite_has_a_section() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert [line[3:] for line in text.splitlines() if line.startswith("## ")]
    for name in builtin_suites():
        assert f"\n## {name}\n" in text


def test_a_page_that_is_out_of_date_is_told(tmp_path: Path) -> None:
    """The script looks beside itself, so a copy of it looks at a copy of the page."""
    for folder in ("scripts", "docs"):
        (tmp_path / folder).mkdir()
    script = Path(shutil.copy(SCRIPT, tmp_path / "scripts"))
    page = Path(shutil.copy(PAGE, tmp_path / "docs"))
    assert check(script).returncode == 0
    page.write_text(page.read_text(encoding="utf-8") + "by hand\n", encoding="utf-8")
    ran = check(script)
    assert ran.returncode == 1
    assert "make_suites_page" in ran.stdout
