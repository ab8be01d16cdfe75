"""The page: escaped, offline, small, and what a browser makes of it."""

from __future__ import annotations

import dataclasses
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import build_audits as build
import pytest

from voirdire.harness.cases import Case, Edit
from voirdire.harness.findings import Findings
from voirdire.harness.relations import Relation
from voirdire.reports.html import MAX_BYTES, render
from voirdire.reports.selection import anchors, worst_example
from voirdire.reports.write import write

NAMES = ["fail", "ok", "inconclusive", "error_run", "score_run", "hostile"]
VOID = {"meta", "link", "br", "img", "input", "hr"}


class Page(HTMLParser):
    """Collects elements and attributes, and holds that every element is closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str | None]] = []
        self.open: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, k, v) for k, v in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("name", NAMES)
def test_page_is_closed_offline_and_scriptless(name: str) -> None:
    page = Page(render(getattr(build, name)()))
    assert not {"script", "img", "iframe", "object", "embed", "link", "base", "form"} & set(page.tags)
    for tag, key, value in page.attributes:
        assert not key.startswith("on"), (tag, key)
        assert key not in ("src", "srcset", "action", "formaction", "data", "ping")
        if key == "href":
            assert (value or "").startswith("#")
    ids = [v for _, k, v in page.attributes if k == "id"]
    assert len(ids) == len(set(ids))
    for _, key, value in page.attributes:
        if key == "href":
            assert value is not None
            assert value[1:] in ids
        if key == "aria-labelledby":
            assert set((value or "").split()) <= set(ids)


def test_content_security_policy_forbids_all_but_inline_style() -> None:
    assert (
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
        "base-uri 'none'; form-action 'none'\">"
    ) in render(build.fail())


def test_hostile_text_is_shown_not_run() -> None:
    text = render(build.hostile())
    assert "&lt;script&gt;document.title=" in text
    assert "<script" not in text.lower()
    assert "<img" not in text.lower()
    assert text.count("</style>") == 1
    assert "{{7*7}}" in text  # a template engine would have made 49 of it
    assert "onerror=&#34;" in text
    assert "⟨U+202E⟩" in text
    for char in "\x00\x07\x1b\u202e\u200b\ufeff\u2028\ud800\U000e0041":
        assert char not in text


def test_edit_is_marked_and_verdicts_stand_in_words() -> None:
    text = render(build.fail())
    assert "gives it off slowly<ins> (see Hartwell, The Handbook of Thermal Physics, 3rd ed., p. 212)</ins>." in text
    assert "<small>before</small> A (right)" in text
    assert "<small>after</small> B (wrong)" in text
    assert text.count("<article") == 5
    assert "It takes <del>24</del><ins>42</ins> hours" in render(build.score_run())


def test_the_worst_example_has_its_anchor_on_the_page() -> None:
    audit = build.fail()
    example = worst_example(audit)
    assert example is not None
    places = anchors(audit)
    assert places[id(example)] == "q-117"
    assert sorted(places.values()) == ["order.swap-q-042", "order.swap-q-117", "q-009", "q-042", "q-117"]
    assert 'id="order.swap-q-042"' in render(audit)


def test_three_examples_a_probe() -> None:
    audit = build.fail()
    many = tuple(dataclasses.replace(audit.examples[1], case_id=f"q-{k}") for k in range(9))
    assert render(dataclasses.replace(audit, examples=many)).count("<article") == 3


def test_mock_judges_are_named_as_such() -> None:
    assert "Simulated judge" in render(build.ok())
    assert "Simulated judge" not in render(build.fail())


def test_huge_texts_fit() -> None:
    long = "&<\u202e" * 33_000
    case = Case(long, (long, long), id="q")
    examples, found = [], []
    for k in range(30):
        probe = f"authority.p{k}"
        found.append(build.finding(probe, Relation.NO_GAIN, "violated", 0.2, 0.15))
        for j in range(3):
            edit = (Edit(500, 500, "HERE", "responses[1]"),)
            examples.append(dataclasses.replace(build.edited(case, 1, edit, probe), case_id=f"q-{k}-{j}"))
    text = render(dataclasses.replace(build.fail(), findings=Findings(found), examples=tuple(examples)))
    assert len(text.encode()) <= MAX_BYTES
    assert text.count("<ins>HERE</ins>") == 90
    assert "characters not shown" in text


BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
CHROMIUM = next((path for name in BROWSERS if (path := shutil.which(name))), None)


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="no chromium or google-chrome on PATH")
@pytest.mark.parametrize("name", ["fail", "hostile"])
def test_in_chromium(name: str, tmp_path: Path) -> None:
    path = write(getattr(build, name)(), tmp_path, ["html"])["index.html"]
    assert CHROMIUM is not None
    command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}"]
    command += ["--dump-dom", path.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=120, check=True)
    dom = done.stdout
    assert "This judge can be swayed: a made-up citation is worth 21 points of win rate" in dom
    assert not re.search(r"<title>pwned", dom)
    assert not re.search(r"<(script|img|iframe)\b", dom)
    assert "<h1>owned" not in dom
    assert dom.count("<article") == (5 if name == "fail" else 1)
