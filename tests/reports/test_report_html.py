"""The page of an audit: escaped, offline, small, complete without scripts. What a browser makes of it: test_browser."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
import re
from html.parser import HTMLParser

import build_audits as build
import pytest

from voirdire.harness.cases import Case, Edit
from voirdire.harness.findings import Findings, SliceValue
from voirdire.harness.relations import Relation
from voirdire.harness.verdicts import Verdict
from voirdire.reports.html import MAX_BYTES, render
from voirdire.reports.pages import SCRIPTS
from voirdire.reports.selection import anchors, worst_example

NAMES = ["fail", "ok", "inconclusive", "error_run", "score_run", "hostile"]
VOID = {"meta", "link", "br", "img", "input", "hr"}
CHARACTERS_THAT_HIDE = "\x00\x07\x1b\u202e\u200b\ufeff\u2028\ud800\U000e0041"


class Page(HTMLParser):
    """Collects elements, attributes and scripts, and holds that every element is closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str | None]] = []
        self.scripts: list[tuple[dict[str, str | None], str]] = []
        self.open: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, k, v) for k, v in attrs]
        if tag == "script":
            self.scripts.append((dict(attrs), ""))
        if tag not in VOID:
            self.open.append(tag)

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "script":
            self.scripts[-1] = (self.scripts[-1][0], self.scripts[-1][1] + data)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    @property
    def data(self) -> dict[str, object]:
        return next(json.loads(text) for attrs, text in self.scripts if attrs.get("id") == "data")


@pytest.mark.parametrize("name", NAMES)
def test_page_is_closed_and_offline(name: str) -> None:
    page = Page(render(getattr(build, name)()))
    assert not {"img", "iframe", "object", "embed", "link", "base", "form"} & set(page.tags)
    for tag, key, value in page.attributes:
        assert not key.startswith("on"), (tag, key)
        assert key != "style", tag
        assert key not in ("src", "srcset", "action", "formaction", "data", "ping")
        if key == "href":
            assert (value or "").startswith("#")
    ids = [v for _, k, v in page.attributes if k == "id"]
    assert len(ids) == len(set(ids))
    for _, key, value in page.attributes:
        if key == "href":
            assert value is not None
            assert value[1:] in ids
        if key in ("aria-labelledby", "aria-describedby"):
            assert set((value or "").split()) <= set(ids)


@pytest.mark.parametrize("name", ["fail", "hostile"])
def test_only_our_scripts_run_each_allowed_by_its_hash(name: str) -> None:
    page = Page(render(getattr(build, name)()))
    policy = next(v for _, k, v in page.attributes if k == "content" and v and v.startswith("default-src"))
    block, *scripts = page.scripts
    assert block[0] == {"type": "application/json", "id": "data"}
    assert len(scripts) == len(SCRIPTS)
    hashes = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for _, text in scripts]
    allowed = " ".join(f"'sha256-{each}'" for each in hashes)
    assert policy == (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
    )


def test_hostile_text_is_shown_not_run() -> None:
    text = render(build.hostile())
    assert "&lt;script&gt;document.title=" in text
    assert text.lower().count("<script") == 1 + len(SCRIPTS)
    # the library itself speaks of no image
    assert "<img" not in text.lower()
    assert text.count("</style>") == 1
    assert "{{7*7}}" in text  # a template engine would have made 49 of it
    assert "onerror=&#34;" in text
    assert "⟨U+202E⟩" in text
    for char in CHARACTERS_THAT_HIDE:
        assert char not in text


def test_data_of_the_pictures_cannot_end_its_element() -> None:
    name = "</script><script>alert(1)</script><!--\u2028\u202e]]>"
    found = build.finding(name, Relation.NO_GAIN, "violated", 0.2, 0.15, family=name)
    text = render(dataclasses.replace(build.fail(), findings=Findings([found])))
    block = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert block is not None
    assert not set("<>&\u2028\u202e") & set(block[1])
    assert json.loads(block[1])["forest"]["rows"][0]["probe"].startswith("</script><script>alert(1)")


def test_edit_is_marked_and_verdicts_stand_in_words() -> None:
    text = render(build.fail())
    assert "gives it off slowly<ins> (see Hartwell, The Handbook of Thermal Physics, 3rd ed., p. 212)</ins>." in text
    assert '<span class="before">A (right)</span>' in text
    assert '<span class="after">B (wrong)</span>' in text
    assert text.count("<article") == 5
    assert "It takes <del>24</del><ins>42</ins> hours" in render(build.score_run())


def test_example_holds_reasons_reply_probabilities_and_command() -> None:
    audit = build.fail()
    verdict = Verdict(choice=1, probabilities={"0": 0.38, "1": 0.62}, rationale="B cites a book.", raw="So: [[B]]")
    example = dataclasses.replace(audit.examples[1], follow_up_verdict=verdict)
    text = render(dataclasses.replace(audit, examples=(example,)))
    assert "A 38\u00a0%, B 62\u00a0%" in text
    assert "Its reasons after" in text
    assert "B cites a book." in text
    assert "Its raw reply after" in text
    assert "So: [[B]]" in text
    assert (
        "voirdire audit --judge openai:gpt-5-mini --cases cases.jsonl --probes authority.book --cases-id q-117" in text
    )


def test_the_worst_example_has_its_anchor_on_the_page() -> None:
    audit = build.fail()
    example = worst_example(audit)
    assert example is not None
    places = anchors(audit)
    assert places[id(example)] == "q-117"
    assert sorted(places.values()) == ["order.swap-q-042", "order.swap-q-117", "q-009", "q-042", "q-117"]
    assert 'id="order.swap-q-042"' in render(audit)


def test_an_anchor_never_takes_an_id_of_the_page() -> None:
    audit = build.fail()
    names = ["data", "v-search", "top", "v-h-map", "", "data"]
    odd = tuple(dataclasses.replace(audit.examples[1], case_id=name) for name in names)
    page = Page(render(dataclasses.replace(audit, examples=odd)))
    ids = [v for _, k, v in page.attributes if k == "id"]
    assert len(ids) == len(set(ids))


def test_every_example_is_on_the_page() -> None:
    audit = build.fail()
    many = tuple(dataclasses.replace(audit.examples[1], case_id=f"q-{k}") for k in range(40))
    assert render(dataclasses.replace(audit, examples=many)).count("<article") == 40


def test_mock_judges_are_named_as_such() -> None:
    assert "Simulated judge" in render(build.ok())
    assert "Simulated judge" not in render(build.fail())


def test_slices_are_shown_with_their_marks() -> None:
    weak = SliceValue("category", "<b>maths</b>", "accuracy", 0.61, 0.42, 0.78, 18, 0.004)
    rest = SliceValue("category", "prose", "accuracy", 0.91, 0.86, 0.95, 182, 0.4)
    text = render(dataclasses.replace(build.fail(), slices=(weak, rest)))
    assert "&lt;b&gt;maths&lt;/b&gt;" in text
    assert text.count('aria-label="differs from the rest"') == 1
    assert text.count('18 <span class="small">small</span>') == 1
    assert "[42, 78]" in text


def test_facts_of_the_judge_are_on_its_card() -> None:
    text = render(dataclasses.replace(build.fail(), facts={"prompt": "judge.md", "prompt hash": "0a1b2c3d4e5f"}))
    assert "<dt>Prompt</dt><dd>judge.md</dd>" in text
    assert "<dt>Prompt hash</dt><dd><code>0a1b2c3d4e5f</code></dd>" in text


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


def test_a_thousand_examples_fit() -> None:
    audit = build.fail()
    many = tuple(dataclasses.replace(audit.examples[1], case_id=f"q-{k}") for k in range(1200))
    text = render(dataclasses.replace(audit, examples=many))
    assert len(text.encode()) <= MAX_BYTES
    shown = text.count("<article")
    assert shown >= 100
    assert f"{1200 - shown:,} more are in examples.jsonl" in text


def test_what_became_of_a_verdict_goes_by_the_answer_not_the_slot() -> None:
    audit = build.fail()
    swap = audit.examples[0]
    assert swap.probe == "order.swap"
    cases = {
        "moved": (Verdict(choice=0), Verdict(choice=0)),
        "same": (Verdict(choice=0), Verdict(choice=1)),
        "null": (Verdict(choice=0), Verdict(null="unparsed")),
    }
    for change, (before, after) in cases.items():
        example = dataclasses.replace(swap, source_verdict=before, follow_up_verdict=after)
        assert f'data-change="{change}"' in render(dataclasses.replace(audit, examples=(example,)))
    for change, ranking in (("same", (1, 0)), ("moved", (0, 1))):
        verdicts = {"source_verdict": Verdict(ranking=(0, 1)), "follow_up_verdict": Verdict(ranking=ranking)}
        text = render(dataclasses.replace(audit, task="ranking", examples=(dataclasses.replace(swap, **verdicts),)))
        assert f'data-change="{change}"' in text
    alone = dataclasses.replace(swap, source_verdict=None)
    text = render(dataclasses.replace(audit, examples=(alone,)))
    assert 'data-change=""' in text
    assert "not asked" not in text
    assert "<dt>Verdict</dt>" in text
