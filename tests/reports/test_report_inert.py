"""Text of an attacker, wherever text can stand, does nothing in any format.

The measure is invariance: a document that holds attacks has the same structure as one that holds the same number of
harmless texts. What a browser does with the page is in test_report_browser.
"""

from __future__ import annotations

import csv
import dataclasses
import io
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import build_audits as build
import pytest
from markdown_it import MarkdownIt

from voirdire.harness.cases import Edit
from voirdire.harness.findings import Audit, Findings, SliceValue
from voirdire.harness.relations import Relation
from voirdire.harness.statistics.side_by_side import StoredRun, side_by_side
from voirdire.harness.verdicts import Verdict
from voirdire.reports import github
from voirdire.reports.card import card_markdown
from voirdire.reports.comparison import Comparison, comparison_markdown, comparison_text
from voirdire.reports.comparison_html import render as compare_page
from voirdire.reports.html import render as page
from voirdire.reports.junit import junit
from voirdire.reports.markdown import render as markdown
from voirdire.reports.tables import csv_text, slices_csv
from voirdire.reports.terminal import render as terminal
from voirdire.reports.write import write

#: the kinds of the OWASP cheat sheet on filter evasion, one of each
MARKUP = [
    "<script>window.pwned=1</script>",
    "<SCRIPT SRC=https://evil.example/x.js></SCRIPT>",
    "<img src=x onerror=window.pwned=1>",
    "<IMG SRC=`javascript:window.pwned=1`>",
    '<IMG """><SCRIPT>window.pwned=1</SCRIPT>"\\>',
    "<img src=x onerror=\"&#0000106&#0000097&#0000118&#0000097&#0000115&#0000099&#0000114\">",
    "<svg/onload=window.pwned=1>",
    "<svg><script>window.pwned=1</script></svg>",
    "<svg><animate onbegin=window.pwned=1 attributeName=x dur=1s>",
    "<body onload=window.pwned=1>",
    "<iframe srcdoc='<script>parent.pwned=1</script>'></iframe>",
    "<object data='javascript:window.pwned=1'></object>",
    "<embed src='data:image/svg+xml,<svg onload=window.pwned=1>'>",
    "<link rel=stylesheet href=https://evil.example/x.css>",
    "<base href='https://evil.example/'>",
    "<meta http-equiv=refresh content='0;url=https://evil.example'>",
    "<form action=https://evil.example><input type=submit autofocus onfocus=window.pwned=1></form>",
    "<details open ontoggle=window.pwned=1>x</details>",
    "<video><source onerror=window.pwned=1></video>",
    "<math><mtext><table><mglyph><style><img src=x onerror=window.pwned=1>",
    "<noscript><p title=\"</noscript><img src=x onerror=window.pwned=1>\">",
    "<a href='javascript:window.pwned=1'>click</a>",
    "<template><script>window.pwned=1</script></template>",
    "<style>*{background:url(https://evil.example)}</style>",
    "</script><script>window.pwned=1</script>",
    "</style></title></textarea></noscript></template></pre></details><script>window.pwned=1</script>",
    "' onmouseover='window.pwned=1",
    '" onmouseover="window.pwned=1" x="',
    "`onmouseover=window.pwned=1`",
    "--><script>window.pwned=1</script><!--",
    "]]><script>window.pwned=1</script>",
    "<![CDATA[<script>window.pwned=1</script>]]>",
    "<!--#exec cmd=\"id\"--><?php echo 1?><%= 7*7 %>",
    "{{7*7}}{%raw%}${7*7}#{7*7}<%7*7%>{{constructor.constructor('window.pwned=1')()}}",
    "javascript:window.pwned=1//\\u003cscript\\u003e\\x3cscript\\x3e%3Cscript%3E",
    "&lt;script&gt;window.pwned=1&lt;/script&gt;&#60;script&#62;",
    "<scr\x00ipt>window.pwned=1</scr\x00ipt>",
    "＜script＞window.pwned=1＜/script＞ \u2028window.pwned=1\u2029",
    "+ADw-script+AD4-window.pwned=1+ADw-/script+AD4-",
    "<x onclick=window.pwned=1 contenteditable autofocus onfocus=window.pwned=1 tabindex=1 style=display:block>x",
]  # fmt: skip
OTHERS = [
    "\u202eevil\u202c \u2066x\u2069 \u200f\u061c zero\u200bwidth \ufeff\u00ad \U000e0041\U000e0042",
    "\x1b[2J\x1b[31mred\x1b[0m \x1b]0;title\x07 \x1b]8;;https://evil.example\x07link\x1b]8;;\x07 \x9b31m\r over",
    "[bold red]rich[/bold red] [link=https://evil.example]x[/link] [/]",
    "=cmd|' /C calc'!A0",
    "+SUM(1+1)*cmd|' /C calc'!A0",
    "-2+3+cmd|' /C calc'!A0",
    "@SUM(1)",
    "\t=1+1",
    "\r=1+1",
    "![x](https://evil.example/x.png) [x](javascript:alert(1)) <https://evil.example> https://evil.example",
    "www.evil.example mailto:a@evil.example ftp://evil.example //evil.example",
    "![x][y]\n\n[y]: https://evil.example/x.png\n",
    "# heading\n\n* list\n\n---\n\n> quote\n\n    code\n\n```\nfence\n```\n| a | b |\n|---|---|\n| 1 | 2 |\n",
    "</details></summary></pre></ins>\n\n<b>x</b>",
    "@octocat @org/team #1 GH-2 owner/repo#3 !4 closes #5 a1b2c3d4e5f6a7b8c9d0a1b2c3d4e5f6a7b8c9d0",
    "::error file=a,line=1::x\n::set-output name=a::b\n  ::add-mask::x\n##[error]x",
    "##vso[task.setvariable variable=a]b",
    "##teamcity[buildStatus status='SUCCESS']\n%0A::error::x\nsection_start:1:x\r\x1b[0K",
    "a|b|c `code` ``x`` ~~~ $$x$$ <!-- c -->",
    "lone \ud800 surrogate \udfff and \ufffe noncharacter",
    "x" * 300 + "\u0301" * 300,
]
VECTORS = MARKUP + OTHERS
#: what every one of them is compared with
PLAIN = "a harmless text of an answer"


def audit(text: str) -> Audit:
    """A failing audit in which `text` stands wherever a text of others can stand."""
    case = build.SPOON.replace(
        id=text,
        instruction=f"Why? {text}",
        responses=(f"Right. {text}", f"Wrong. {text}"),
        reference=text,
        context=text,
    )
    verdicts = {
        "source_verdict": Verdict(choice=0, raw=text, rationale=f"Because {text}", probabilities={"0": 0.6, text: 0.4}),
        "follow_up_verdict": Verdict(null="unparsed", reason=text, raw=text),
    }
    example = build.edited(case, 1, (Edit(3, 5, text, "responses[1]"),), "authority.book", why=text, **verdicts)
    metrics = {"asr": 0.2, "asr_raw": 0.4, text: 0.5}
    found = [
        build.finding("authority.book", Relation.NO_GAIN, "violated", 0.21, 0.15, counterexamples=(text,), summary=text,
                      source=text, reason=text, metrics=metrics),
        build.finding(f"x.{text}", Relation.INVARIANT, "inconclusive", 0.01, -0.2, reason=text, family=text),
        build.finding("@x.y", Relation.INVARIANT, "not_applicable", None, None, not_applicable_reasons={text: 3}, n=0),
    ]  # fmt: skip
    slices = (SliceValue(text, text, "accuracy", 0.5, 0.4, 0.6, 30, 0.01), SliceValue(text, "b", text, 0, -1, 1, 3))
    remedy = {"probe": "authority.book", "before": 0.2, "after": 0.0, "change": -0.2, "low": -0.3, "high": -0.1,
              "paired": True, "better": True}  # fmt: skip
    return dataclasses.replace(
        build.fail(), judge_name=text, judge_spec=f"openai:{text}", served_model=text, suite=text, cases_path=text,
        findings=Findings(found), warnings=(text,), examples=(example,), slices=slices, facts={text: text},
        created=text, stopped=text, fingerprint=text,
        metrics={"remedies": [{"judge": text, "path": text, "asks": 2, "accuracy": None, "probes": [remedy]}]},
    )  # fmt: skip


def comparison(text: str) -> Comparison:
    runs = [StoredRun(label, text, audit(text)) for label in "AB"]
    return Comparison(runs, side_by_side(runs), [], [None, None])


class Skeleton(HTMLParser):
    """Names of elements and attributes in their order: what a text must not be able to change."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.parts: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        # what a text is marked with (chips, gaps) depends on the text
        if not (tag == "span" and dict(attrs).get("class") in ("chip", "gap")):
            self.parts.append(f"<{tag} {' '.join(k for k, _ in attrs)}>")

    def handle_comment(self, data: str) -> None:
        self.parts.append("<!-- -->")

    def handle_decl(self, decl: str) -> None:
        self.parts.append("<!>")

    def handle_pi(self, data: str) -> None:
        self.parts.append("<?>")


def plain(make: Callable[[str], Any], name: str) -> Any:
    """What `make` makes of the harmless text, made once under `name`."""
    if name not in _MADE:
        _MADE[name] = make(PLAIN)
    return _MADE[name]


_MADE: dict[str, Any] = {}
HIDDEN = "\x00\x07\x08\x1b\x7f\x9b\u200b\u202e\u2066\u2028\u061c\ufeff\ud800\U000e0041"


def not_hidden(text: str) -> None:
    assert not set(HIDDEN) & set(text)


@pytest.mark.parametrize("text", VECTORS, ids=range(len(VECTORS)))
def test_html_keeps_its_structure(text: str) -> None:
    made = page(audit(text))
    assert Skeleton(made).parts == plain(lambda text: Skeleton(page(audit(text))).parts, "page")
    not_hidden(made)


@pytest.mark.parametrize("text", VECTORS, ids=range(len(VECTORS)))
def test_html_of_a_comparison_keeps_its_structure(text: str) -> None:
    made = compare_page(comparison(text))
    assert Skeleton(made).parts == plain(lambda text: Skeleton(compare_page(comparison(text))).parts, "comparison")
    not_hidden(made)


OURS = {"details", "summary", "code", "pre", "ins", "del", "i"}


def kinds(text: str) -> set[str]:
    """What a Markdown parser finds: kinds of tokens, and the tags of raw HTML."""
    found: set[str] = set()
    for token in MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text):
        in_code = False
        for each in (token, *(token.children or ())):
            if each.type == "html_inline" and each.content in ("<code>", "</code>"):
                in_code = each.content == "<code>"
            found.add(each.type)
            # a forge links addresses by itself, but not those in code
            if each.type == "text" and not in_code and re.search(r"://|www\.|mailto:", each.content):
                found.add("address")
            if each.type in ("html_block", "html_inline"):
                found |= {f"<{tag.lower()}" for tag in re.findall(r"<([a-zA-Z!?][\w-]*)", each.content)}
    return found


@pytest.mark.parametrize("text", VECTORS, ids=range(len(VECTORS)))
@pytest.mark.parametrize("name", ["audit", "card", "summary", "comparison"])
def test_markdown_gets_no_link_image_or_markup(name: str, text: str) -> None:
    make = {
        "audit": lambda t: markdown(audit(t)),
        "card": lambda t: card_markdown(audit(t)),
        "summary": lambda t: github.summary(audit(t)),
        "comparison": lambda t: comparison_markdown(comparison(t)),
    }[name]
    made = make(text)
    found = kinds(made)
    assert not {"image", "link_open", "heading_setext", "fence", "code_block", "hr", "address"} & (
        found - plain(lambda each: kinds(make(each)), f"markdown {name}")
    )
    assert {tag for tag in found if tag.startswith("<")} <= {f"<{tag}" for tag in OURS}
    not_hidden(made)
    for line in made.splitlines():
        assert not re.match(r"\s*(::|##\[|##vso|##teamcity)", line)
    assert not re.search(r"(?<![\w`])@(octocat|org)", made)


@pytest.mark.parametrize("text", VECTORS, ids=range(len(VECTORS)))
def test_junit_keeps_its_structure(text: str) -> None:
    made = junit(audit(text))
    root = ElementTree.fromstring(made)
    plain = ElementTree.fromstring(junit(audit(PLAIN)))
    assert [e.tag for e in root.iter()] == [e.tag for e in plain.iter()]
    not_hidden(made)
    assert "https://" not in made
    assert "::error" not in made


@pytest.mark.parametrize("text", VECTORS, ids=range(len(VECTORS)))
def test_csv_runs_no_formula(text: str) -> None:
    numbers = {"effect", "low", "high", "min_drop", "mean"}
    for made in (csv_text(audit(text)), slices_csv(audit(text))):
        rows = list(csv.DictReader(io.StringIO(made)))
        assert len(rows) in (2, 3)
        for row in rows:
            for name, cell in row.items():
                assert name in numbers or not cell.startswith(("=", "+", "-", "@", "\t", "\r")), (name, cell)
        not_hidden(made)


@pytest.mark.parametrize("text", VECTORS, ids=range(len(VECTORS)))
def test_terminal_obeys_nothing(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from rich.console import Console

    monkeypatch.setenv("NO_COLOR", "1")
    out = io.StringIO()
    terminal(audit(text), Console(file=out, width=80, force_terminal=False))
    made = out.getvalue() + comparison_text(comparison(text))
    not_hidden(made)
    assert "\r" not in made
    for line in made.splitlines():
        assert not re.match(r"\s*(::[a-z]|##\[|##vso|##teamcity)", line)


def test_files_of_all_formats_can_be_written_and_read(tmp_path: Path) -> None:
    """The longest and the strangest together, through the doors that users take."""
    text = "\n".join(VECTORS)
    files = write(audit(text), tmp_path, ["html", "md", "json", "csv", "junit", "card"], call_records=[{"raw": text}])
    assert all(path.stat().st_size > 0 for path in files.values())
