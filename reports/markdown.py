"""A short Markdown report for pull requests and step summaries.

Judged text and names are attacker text in a place that resolves mentions, issue numbers, links, images, raw HTML and,
printed to a CI log, workflow commands. So texts stand in `<pre>` with entities for every active character, and names
in code.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from voirdire.harness.findings import Audit, CounterExample, Finding
from voirdire.reports.beside import beside_rows
from voirdire.reports.ci import opening
from voirdire.reports.commands import reproduce_command
from voirdire.reports.formatting import count, effect, interval, money, plural
from voirdire.reports.inert import disarm
from voirdire.reports.selection import examples_of, worst_first
from voirdire.reports.text import Piece, excerpt, fields, one_line, reordered, visible
from voirdire.reports.words import (
    SYMBOLS,
    advice,
    answer_name,
    example_verdicts,
    finding_sentence,
    reason_words,
)

__all__ = ["block", "code", "prose", "render"]

#: characters shown of one judged text
TEXT_LIMIT = 1200
#: violated probes of which one example is shown; a comment on a pull request may hold 65,536 characters
PROBES_WITH_EXAMPLES = 5

_PLAIN = re.compile(r"[\w .,:;/=+()\[\]{}'\"?%!*~^-]*", re.ASCII)
#: every ASCII character that Markdown or a forge could act on
_ACTIVE = re.compile(r"[!-+./:-@\[-`{-~]")
#: the same inside `<pre>`: markup, mentions, and what CI logs act on (`::command::`, `##[command]`)
_IN_BLOCK = re.compile(r"[\[\]&<>\"'@`#]|:(?=[:/])|(?<=:):|(?<=www)\.", re.IGNORECASE)


def code(text: str, limit: int = 200, *, in_html: bool = False) -> str:
    """`text` as inline code in which nothing is active, whatever it holds; `in_html` where backticks mean nothing."""
    line = one_line(text, limit)
    # in backticks nothing is parsed but the backtick; a pipe would end a table cell; :: is for CI logs
    if line and not in_html and _PLAIN.fullmatch(line) and "::" not in line:
        return f"`{line}`"
    return f"<code>{_ACTIVE.sub(_entity, line)}</code>"


def _entity(match: re.Match[str]) -> str:
    return f"&#{ord(match.group())};"


def prose(text: str) -> str:
    """A sentence of ours, its `backticked` commands as code, every other active character escaped."""
    out = []
    for k, part in enumerate(text.split("`")):
        if k % 2:
            out.append(code(part, 1000))
            continue
        line = re.sub(r"[<>&]", _entity, re.sub(r"\s+", " ", disarm(visible(part))))
        line = re.sub(r"([\\*_\[\]|~!]|#(?!\d+;))", r"\\\1", line)
        out.append(line)
    return "".join(out)


def block(parts: Iterable[Piece]) -> str:
    """Judged text as `<pre>`, edits marked with `<ins>` and `<del>`. To be preceded by a blank line."""
    out = []
    for part in parts:
        text = _IN_BLOCK.sub(_entity, visible(part.text))
        if part.kind in ("ins", "del"):
            text = f"<{part.kind}>{text}</{part.kind}>"
        elif part.kind == "gap":
            text = f"<i>{text}</i>"
        out.append(text)
    # a blank line may end an HTML block, so no line of the block is ever empty
    joined = re.sub(r"\n(?=[ \t]*\n)", "&#10;", "".join(out))
    return f"<pre>{joined}</pre>"


def render(audit: Audit) -> str:
    """The whole Markdown report, at most some tens of kilobytes."""
    parts = opening(audit)
    lines = [f"### {parts.word}: {prose(parts.one_sentence)}", ""]
    if audit.simulated:
        lines += ["> This judge is simulated (a mock): the figures say nothing about a real one.", ""]
    lines += [f"- {prose(sentence)}" for sentence in parts.more]
    lines += ["", _provenance(audit), ""]
    lines += _table(audit)
    lines += _beside(audit)
    todo = advice(audit)
    if todo:
        lines += ["**What to do**", "", *(f"- {prose(text)}" for text in todo), ""]
    for finding in worst_first(audit.findings.decided("violated"))[:PROBES_WITH_EXAMPLES]:
        for example in examples_of(audit, finding, 1):
            lines += _example(audit, finding, example)
    if audit.warnings:
        lines += ["**Warnings**", "", *(f"- {code(text, 400)}" for text in audit.warnings), ""]
    return "\n".join(lines).rstrip() + "\n"


def _provenance(audit: Audit) -> str:
    served = f" (served as {code(audit.served_model)})" if audit.served_model else ""
    calls = plural(audit.calls.made, "call")
    cached = f", {count(audit.calls.cached)} cached" if audit.calls.cached else ""
    cost = f", {money(audit.calls.cost_usd)}" if audit.calls.cost_usd is not None else ""
    return (
        f"Judge {code(audit.judge_spec)}{served} · {audit.task} · suite {code(audit.suite)} · "
        f"{plural(audit.cases_n, 'case')} · {calls}{cached}{cost} · seed {audit.seed}"
    )


def _table(audit: Audit) -> list[str]:
    shown = worst_first(audit.findings.decided("violated")) + worst_first(audit.findings.decided("inconclusive"))
    holding = len(audit.findings.decided("holds"))
    skipped = len(audit.findings.decided("not_applicable"))
    counted = (
        f"{plural(holding, 'probe holds', 'probes hold')}, {skipped} {'does' if skipped == 1 else 'do'} not apply."
    )
    if not shown:
        return [counted, ""]
    rows = ["|   | probe | effect | interval | limit | cases | note |", "|---|---|---:|---|---:|---:|---|"]
    for finding in shown:
        note = reason_words(finding)
        if finding.more_cases_needed and not note:
            note = f"about {plural(finding.more_cases_needed, 'more case')} would decide"
        rows.append(
            f"| {SYMBOLS[finding.decision]} | {code(finding.probe)} | {effect(finding.effect)} | "
            f"{prose(interval(finding.low, finding.high))} | {_limit(finding)} | {count(finding.n)} | {prose(note)} |"
        )
    return [*rows, "", f"✗ violated, ? open. {counted}", ""]


def _beside(audit: Audit) -> list[str]:
    """The paper's numbers beside ours, folded where they are many."""
    rows = beside_rows(audit)
    if not rows or audit.paper is None:
        return []
    head = [
        f"**Beside the paper**: {prose(audit.paper.title)} ({prose(audit.paper.paper or audit.suite)})",
        "",
        "| metric | of | ours | 95 % interval | chance | n | published |",
        "|---|---|---:|---|---:|---:|---|",
    ]
    lines = [
        f"| {code(row.metric)} | {prose(row.group)} | {row.ours} | {prose(row.interval)} | {row.chance} | "
        f"{count(row.n)} | {prose(row.published)} |"
        for row in rows
    ]
    return [*head, *lines, "", *([f"Chance: {prose(audit.paper.chance)}", ""] if audit.paper.chance else [])]


def _limit(finding: Finding) -> str:
    if finding.min_drop is not None and finding.relation == "MUST_DROP":
        return effect(-finding.min_drop)
    sign = "" if finding.relation == "NO_GAIN" else "±"
    return sign + effect(finding.tolerance).lstrip("+") if finding.tolerance is not None else ""


def _example(audit: Audit, finding: Finding, example: CounterExample) -> list[str]:
    lines = [
        f"<details><summary>✗ {code(finding.probe, in_html=True)} on case "
        f"{code(example.case_id, in_html=True)}</summary>",
        "",
        prose(finding_sentence(finding, audit)),
        "",
    ]
    n = len(example.follow_up.responses)
    for item in fields(example.source, example.follow_up, example.target, example.edits):
        name = item.name.capitalize() if item.slot is None else answer_name(item.slot, audit.task, n)
        mark = " (edited)" if item.changed else ""
        lines += [f"{name}{mark}", "", block(excerpt(item.pieces, TEXT_LIMIT)), ""]
    if reordered(example.source, example.follow_up):
        lines += ["The same answers in another order, shown as in the second call.", ""]
    before, after = example_verdicts(audit, example)
    told = f"Verdict before: {prose(before)}. After: " if before is not None else "Verdict: "
    lines += [f"{told}{prose(after)}.", ""]
    if example.reproduced:
        lines += [f"It failed again in {example.reproduced[0]} of {example.reproduced[1]} fresh samples.", ""]
    return [*lines, f"Again: {code(reproduce_command(audit, example), 600)}", "", "</details>", ""]
