"""One self-contained HTML page: no script, no request, everything judged escaped by the template's autoescape.

Here the data for `templates/report.html.jinja` is prepared and judged text is turned into marked, visible runs. The
only text that bypasses autoescape is made here, from `markupsafe.escape`d parts.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

from voirdire.harness.findings import Audit, CounterExample, Finding
from voirdire.harness.verdicts import Verdict
from voirdire.reports import formatting, words
from voirdire.reports.advice import reproduce_command
from voirdire.reports.beside import beside_rows
from voirdire.reports.ci import opening
from voirdire.reports.forest import forest, two_axes
from voirdire.reports.phrases import capital, phrase
from voirdire.reports.selection import anchors, examples_of, worst_first
from voirdire.reports.text import Piece, excerpt, fields, reordered, visible

if TYPE_CHECKING:
    from jinja2 import Template

__all__ = ["MAX_BYTES", "marked", "render"]

#: the page never gets larger; long texts are cut closer around the edit until it fits
MAX_BYTES = 2_000_000
#: characters shown of one judged text, from generous to tight
TEXT_LIMITS = (6000, 2500, 1000, 400, 120)

_MARKER = re.compile(r"⟨U\+[0-9A-F]{4,6}⟩")


def render(audit: Audit) -> str:
    """The page. The same audit gives the same text."""
    page = ""
    for limit in TEXT_LIMITS:
        page = _template().render(_context(audit, limit))
        if len(page.encode("utf-8", "backslashreplace")) <= MAX_BYTES:
            break
    return page


@functools.cache
def _template() -> Template:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("voirdire.reports", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        # every value is made visible before it is escaped: no invisible character of a name, id or text gets through
        finalize=lambda value: visible(value) if type(value) is str else value,
    )
    for name in ("effect", "interval", "percent", "share", "count", "money", "duration", "probability", "plain"):
        environment.filters[name] = getattr(formatting, name)
    environment.filters["commands"] = commands
    environment.filters["clip"] = clip
    # "87 %" must not break before its sign
    environment.filters["unbroken"] = lambda text: text.replace(" %", "\u00a0%")
    return environment.get_template("report.html.jinja")


def marked(parts: Iterable[Piece]) -> Markup:
    """Runs of text as HTML: `<ins>` and `<del>` around the edit, invisible characters as visible chips."""
    out = []
    for part in parts:
        html = _chips(part.text)
        if part.kind in ("ins", "del"):
            html = Markup("<{0}>{1}</{0}>").format(Markup(part.kind), html)
        elif part.kind == "gap":
            html = Markup('<span class="gap">{}</span>').format(html)
        out.append(html)
    return Markup("").join(out)


def _chips(text: str) -> Markup:
    # a marker holds nothing that escaping changes, so wrapping after escaping is safe (and fast on long texts)
    return Markup(_MARKER.sub(r'<span class="chip">\g<0></span>', str(escape(visible(text)))))


def commands(text: str) -> Markup:
    """A sentence of ours with its `backticked` commands as `<code>`."""
    parts = visible(text).split("`")
    return Markup("").join(Markup("<code>{}</code>").format(p) if k % 2 else escape(p) for k, p in enumerate(parts))


def clip(text: str, limit: int = 300) -> str:
    """`text` cut to `limit` characters, for names and notes that should be short."""
    return text if len(text) <= limit else text[:limit].rstrip() + "…"


def _context(audit: Audit, limit: int) -> dict[str, Any]:
    axis, groups = forest(audit)
    violated = worst_first(audit.findings.decided("violated"))
    places = anchors(audit)
    number = {d: len(audit.findings.decided(d)) for d in ("violated", "inconclusive", "holds", "not_applicable")}
    shown = [
        {
            "finding": finding,
            "title": capital(phrase(finding.probe).text),
            "sentence": words.finding_sentence(finding, audit),
            "examples": [_example(audit, e, places[id(e)], limit) for e in examples_of(audit, finding)],
        }
        for finding in violated
    ]
    return {
        "audit": audit,
        "parts": opening(audit),
        "number": number,
        "axis": axis,
        "groups": groups,
        "map": two_axes(audit),
        "advice": words.advice(audit),
        "beside": beside_rows(audit),
        "discrimination": words.discrimination_sentence(audit),
        "noise": words.noise_sentence(audit),
        "violated": shown,
        "findings": _all_findings(audit),
        "sentence": lambda finding: words.finding_sentence(finding, audit),
        "interval": lambda finding: formatting.interval(finding.low, finding.high),
        "group_id": lambda group: groups.index(group),
        "map_label": lambda per_cent: formatting.plain(per_cent, 0),
        "symbols": words.SYMBOLS,
    }


def _all_findings(audit: Audit) -> list[Finding]:
    order = {"violated": 0, "inconclusive": 1, "holds": 2, "not_applicable": 3}
    return sorted(worst_first(audit.findings.values()), key=lambda f: order[f.decision])


def _example(audit: Audit, example: CounterExample, anchor: str, limit: int) -> dict[str, Any]:
    n = len(example.follow_up.responses)
    texts: list[dict[str, Any]] = []
    answers: list[dict[str, Any]] = []
    for item in fields(example.source, example.follow_up, example.target, example.edits):
        slot = item.slot
        data = {
            "name": capital(item.name if slot is None else words.answer_name(slot, audit.task, n)),
            "changed": item.changed,
            "html": marked(excerpt(item.pieces, limit)),
            "earlier": marked(excerpt((Piece("same", item.earlier),), limit)) if item.earlier else None,
            "right": None if slot is None else _right(example, slot),
        }
        (texts if slot is None else answers).append(data)
    swapped = reordered(example.source, example.follow_up)
    return {
        "example": example,
        "anchor": anchor,
        "texts": texts,
        "answers": answers,
        "reordered": swapped,
        "before": words.verdict_words(example.source_verdict, example.source, audit.task, audit.scale),
        "after": words.verdict_words(example.follow_up_verdict, example.follow_up, audit.task, audit.scale),
        "replies": [
            {"when": when, "html": marked(excerpt((Piece("same", text),), limit))}
            for when, verdict in (("before", example.source_verdict), ("after", example.follow_up_verdict))
            if (text := _reply(verdict))
        ],
        "watched": f"the answer that was {words.answer_name(example.target, audit.task, n)}"
        if swapped
        else words.answer_name(example.target, audit.task, n),
        "command": reproduce_command(audit, example),
    }


def _right(example: CounterExample, slot: int) -> bool | None:
    from voirdire.harness.cases import truth_of

    return truth_of(example.follow_up, slot) if len(example.follow_up.responses) > 1 else None


def _reply(verdict: Verdict | None) -> str:
    """What the judge wrote, as far as it is known."""
    if verdict is None:
        return ""
    return verdict.raw or verdict.rationale or verdict.reason or ""
