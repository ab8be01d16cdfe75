"""Where a prompt lets an answer out: the lines of its template that show a judged text without a fence.

A fence (`{{ fence(response_a) }}`) stands between tags with a nonce that the text does not hold, so nothing in the text
can close it. Read off the template's syntax tree, so a user's own prompt is seen as well as ours. Not here: attacks
that use the gap (perturbations/injection_template.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from jinja2 import Environment, nodes

from voirdire.harness.judges.prompts import PromptProtocol

__all__ = ["OpenLine", "open_lines"]

_JUDGED = ("response", "response_a", "response_b", "responses")


class OpenLine(NamedTuple):
    """A line of the file `file` (1-based) that shows `variable` unfenced; `text` is the line, `mended` with a fence."""

    file: str
    line: int
    variable: str
    text: str
    mended: str


def open_lines(protocol: PromptProtocol) -> list[OpenLine]:
    """The lines of the prompt that show an answer, or a loop's share of the answers, without a fence."""
    found: list[OpenLine] = []
    for part, source in enumerate((protocol.system, protocol.user)):
        lines = source.splitlines()
        offset = protocol.line + (protocol.system.count("\n") + 2 if part and protocol.system else 0)
        tree = Environment(autoescape=False).parse(source)  # parsed only, never rendered
        for name, number in _shown(tree, frozenset(_JUDGED)):
            text = lines[number - 1].strip() if number <= len(lines) else ""
            mended = text.replace("{{ " + name, "{{ fence(" + name).replace("{{" + name, "{{ fence(" + name)
            if mended != text:
                at = mended.index("{{ fence(" + name)
                end = mended.find("}}", at)
                mended = f"{mended[:end].rstrip()}) {mended[end:]}" if end >= 0 else text
            line = OpenLine(protocol.name, number + offset, name, text, mended)
            if line not in found:
                found.append(line)
    return found


def _shown(node: nodes.Node, judged: frozenset[str], *, output: bool = False) -> Iterator[tuple[str, int]]:
    """Judged names that are written out, with their lines; what stands inside fence(...) or a test is not."""
    if isinstance(node, nodes.For):
        over = {n.name for n in node.iter.find_all(nodes.Name)} | (
            {node.iter.name} if isinstance(node.iter, nodes.Name) else set()
        )
        if over & judged:
            targets = [node.target] if isinstance(node.target, nodes.Name) else node.target.find_all(nodes.Name)
            judged = judged | {t.name for t in targets if isinstance(t, nodes.Name)}
        for child in node.body:
            yield from _shown(child, judged)
        return
    if isinstance(node, nodes.If):
        for child in (*node.body, *node.elif_, *node.else_):
            yield from _shown(child, judged)
        return
    if isinstance(node, nodes.Call) and isinstance(node.node, nodes.Name) and node.node.name == "fence":
        return
    if isinstance(node, nodes.Filter) and node.name in ("length", "count", "wordcount"):
        return
    output = output or isinstance(node, nodes.Output)
    if output and isinstance(node, nodes.Name) and node.name in judged:
        yield node.name, node.lineno
    for child in node.iter_child_nodes():
        yield from _shown(child, judged, output=output)
