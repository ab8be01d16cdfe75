"""What all HTML pages share: the sandbox of their templates, their scripts, their content security policy.

A page is one file that asks nothing of the network. Its scripts are ours and Observable Plot, inline, each allowed by
its hash and nothing else; data goes to them as JSON in a script element that no browser runs. The only text that
bypasses autoescape is made here and in `html`, from escaped parts.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from importlib import metadata, resources
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

from voirdire.reports import formatting, words
from voirdire.reports.glossary import TERMS
from voirdire.reports.text import Piece, one_line, visible

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["clip", "commands", "data_block", "environment", "marked", "render_page"]

#: in the order in which a page runs them: the charting library, the pictures, the rest
SCRIPTS = ("plot.min.js", "charts.js", "page.js")

_MARKER = re.compile(r"⟨U\+[0-9A-F]{4,6}⟩")
#: the characters by which JSON in a script element could end it, or begin a comment
_IN_SCRIPT = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"})


def render_page(template: str, data: Any, context: dict[str, Any]) -> str:
    """The page `template` with `context`; `data` is what its scripts read. The same input gives the same text."""
    text = environment().get_template(template)
    return text.render({**context, "data": data_block(data)})


@functools.cache
def environment() -> Environment:
    """Templates with autoescape, in which every value is made visible before it is escaped."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader("voirdire.reports", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        # no invisible character of a name, id or text gets through
        finalize=lambda value: visible(value) if type(value) is str else value,
    )
    for name in ("effect", "interval", "percent", "share", "count", "money", "duration", "probability", "plain"):
        made.filters[name] = getattr(formatting, name)
    made.filters["commands"] = commands
    made.filters["clip"] = clip
    made.filters["moment"] = _moment
    made.filters["span"] = lambda ends: formatting.interval(*ends)
    # "87 %" must not break before its sign
    made.filters["unbroken"] = lambda text: text.replace(" %", "\u00a0%")
    scripts = [_file(name) for name in SCRIPTS]
    allowed = " ".join(f"'sha256-{_sha256(text)}'" for text in scripts)
    made.globals |= {
        "policy": Markup(
            f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
        ),
        "scripts": [Markup(text) for text in scripts],
        "symbols": words.SYMBOLS,
        "terms": TERMS,
        "version": metadata.version("voirdire"),
    }
    return made


def _moment(text: str) -> str:
    """ "2026-11-02T10:20:30Z" as "2026-11-02 10:20 UTC"; anything else as it is."""
    found = re.fullmatch(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d):\d\d(?:\.\d+)?Z", text)
    return f"{found[1]} {found[2]} UTC" if found else text


def _file(name: str) -> str:
    text = resources.files("voirdire.reports").joinpath("templates", name).read_text("utf-8")
    assert "</script" not in text.lower(), name
    return text


def _sha256(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def data_block(data: Any) -> Markup:
    """`data` as JSON for a script element: nothing in it can end the element, it holds no NaN and nothing invisible."""
    text = json.dumps(_seen(data), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Markup(text.translate(_IN_SCRIPT))


def _seen(data: Any) -> Any:
    if isinstance(data, str):
        return visible(data)
    if isinstance(data, Mapping):
        return {visible(key): _seen(value) for key, value in data.items()}
    return [_seen(value) for value in data] if isinstance(data, list | tuple) else data


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
    """`text` on one line, cut to `limit` characters, for names and notes that should be short."""
    return one_line(text, limit)
