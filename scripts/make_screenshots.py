"""Makes the pictures of the README, docs/images/*.png, from reports of mock judges: `pip install .[browser]`, Chromium.

    python scripts/make_screenshots.py [CHROMIUM]

Look at them before you commit them; each should stay below 200 kB.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

IMAGES = Path(__file__).parent.parent / "docs" / "images"
AUDIT = ["audit", "--judge", "mock:gullible", "--suite", "standard", "--out", "report"]
JUDGES = ["mock:gullible", "swap_average(mock:gullible)", "mock:noisy?accuracy=.85"]
COMPARE = ["compare", *JUDGES, "--suite", "standard", "--html", "compare.html"]
#: at this time every picture is made, so that it changes only with the page
EPOCH = "1795000000"


def main() -> None:
    chromium = sys.argv[1] if len(sys.argv) > 1 else shutil.which("chromium") or shutil.which("google-chrome")
    with tempfile.TemporaryDirectory() as work, sync_playwright() as playwright:
        for command in (AUDIT, COMPARE):
            arguments = [sys.executable, "-m", "voirdire", *command, "--cache", "none", "--quiet"]
            subprocess.run(arguments, cwd=work, check=True, env={**os.environ, "SOURCE_DATE_EPOCH": EPOCH})
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1000, "height": 900})
        page.goto((Path(work) / "report" / "index.html").as_uri())
        _shoot(page, "#effects", "report.png", height=850)
        page.set_viewport_size({"width": 1000, "height": 900})
        page.goto((Path(work) / "compare.html").as_uri())
        _shoot(page, "#heat", "compare.png", height=760)
        browser.close()


def _shoot(page: Any, place: str, name: str, *, height: int) -> None:
    """The part of the page that begins with the element `place`, `height` pixels of it."""
    page.wait_for_timeout(500)
    top = page.evaluate("(place) => document.querySelector(place).getBoundingClientRect().top + scrollY", place)
    whole = page.evaluate("document.documentElement.scrollHeight")
    page.set_viewport_size({"width": 1000, "height": whole})
    page.wait_for_timeout(500)
    IMAGES.mkdir(exist_ok=True)
    page.screenshot(path=str(IMAGES / name), clip={"x": 0, "y": top, "width": 1000, "height": height})


if __name__ == "__main__":
    main()
