"""The HTML page of one audit: what stands in it and in which words.

Here the data for `templates/report.html.jinja` is put together. How a page is made safe is in `pages`, what is drawn
in `charts`.
"""

from __future__ import annotations

from typing import Any

from voirdire.harness.cases import Case
from voirdire.harness.findings import Audit, CounterExample, Finding
from voirdire.harness.verdicts import Verdict
from voirdire.reports import formatting, words
from voirdire.reports.beside import beside_rows
from voirdire.reports.charts import charts, worst_sway
from voirdire.reports.ci import opening
from voirdire.reports.commands import reproduce_command
from voirdire.reports.pages import marked, render_page
from voirdire.reports.panels import metric_rows, slice_tables, unseen_rows
from voirdire.reports.phrases import capital, phrase
from voirdire.reports.selection import anchors, shown_examples, worst_first
from voirdire.reports.text import Piece, excerpt, fields, reordered

__all__ = ["MAX_BYTES", "MAX_EXAMPLES", "render"]

#: the page never gets larger; long texts are cut closer around the edit until it fits, then examples are left out
MAX_BYTES = 2_000_000
#: characters shown of one judged text, from generous to tight
TEXT_LIMITS = (6000, 2500, 1000, 400, 120)
#: examples on the page, from all to few; `examples.jsonl` holds every one
MAX_EXAMPLES = (1000, 300, 100, 30)


def render(audit: Audit, *, stamp: str = "") -> str:
    """The page. The same audit gives the same text; `stamp`, the time of writing, is said only where it is given."""
    page, drawn = "", charts(audit)
    tries = [(limit, MAX_EXAMPLES[0]) for limit in TEXT_LIMITS] + [(TEXT_LIMITS[-1], most) for most in MAX_EXAMPLES[1:]]
    for limit, most in tries:
        page = render_page("report.html.jinja", drawn, {**drawn, **_context(audit, limit, most), "stamp": stamp})
        if len(page.encode("utf-8", "backslashreplace")) <= MAX_BYTES:
            break
    return page


def _context(audit: Audit, limit: int, most: int) -> dict[str, Any]:
    places = anchors(audit)
    shown = shown_examples(audit)
    return {
        "audit": audit,
        "parts": opening(audit),
        "number": {d: len(audit.findings.decided(d)) for d in ("violated", "inconclusive", "holds", "not_applicable")},
        "advice": words.advice(audit),
        "beside": beside_rows(audit),
        "discrimination": words.discrimination_sentence(audit),
        "noise": words.noise_sentence(audit),
        "worst": worst_sway(audit),
        "measured": any(f.effect is not None for f in audit.findings.values()),
        "examples": [_example(audit, e, places[id(e)], limit, k) for k, e in enumerate(shown[:most])],
        "examples_left_out": max(0, len(shown) - most),
        "probes_without": [f for f in audit.findings.decided("violated") if not any(e.probe == f.probe for e in shown)],
        "findings": _all_findings(audit),
        "slices": slice_tables(audit),
        "metrics": metric_rows(audit),
        "unseen": unseen_rows(audit),
        "sentence": lambda finding: words.finding_sentence(finding, audit),
        "interval": lambda finding: formatting.interval(finding.low, finding.high),
    }


def _all_findings(audit: Audit) -> list[Finding]:
    order = {"violated": 0, "inconclusive": 1, "holds": 2, "not_applicable": 3}
    return sorted(worst_first(audit.findings.values()), key=lambda f: order[f.decision])


# ----------------------------------------------------------------------------------------------------------- examples


def _example(audit: Audit, example: CounterExample, anchor: str, limit: int, order: int) -> dict[str, Any]:
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
    finding = audit.findings.get(example.probe)
    return {
        "example": example,
        "order": order,
        "anchor": anchor,
        "title": capital(phrase(example.probe).text),
        "sentence": words.finding_sentence(finding, audit) if finding else "",
        "texts": texts,
        "answers": answers,
        "reordered": swapped,
        "before": words.verdict_words(example.source_verdict, example.source, audit.task, audit.scale),
        "after": words.verdict_words(example.follow_up_verdict, example.follow_up, audit.task, audit.scale),
        "change": _change(example),
        "size": _size(example),
        "again": example.reproduced[0] / example.reproduced[1]
        if example.reproduced and example.reproduced[1]
        else None,
        "replies": [
            reply
            for when, verdict in (("before", example.source_verdict), ("after", example.follow_up_verdict))
            for reply in _replies(when, verdict, limit)
        ],
        "probabilities": [
            (when, shown)
            for when, verdict in (("before", example.source_verdict), ("after", example.follow_up_verdict))
            if (shown := _probabilities(verdict, audit, n))
        ],
        "watched": f"the answer that was {words.answer_name(example.target, audit.task, n)}"
        if swapped
        else words.answer_name(example.target, audit.task, n),
        "command": reproduce_command(audit, example),
    }


def _change(example: CounterExample) -> str:
    """What became of the verdict: "moved", "same", "null" (one is missing), or "" where only one was asked for."""
    before, after = example.source_verdict, example.follow_up_verdict
    if before is None or after is None:
        return "null" if any(v is not None and v.null for v in (before, after)) else ""
    if before.null or after.null:
        return "null"
    # in another order the same slot is another answer
    turned = reordered(example.source, example.follow_up)
    first = _picked(before, example.source) if turned else before.value
    second = _picked(after, example.follow_up) if turned else after.value
    return "same" if first == second else "moved"


def _picked(verdict: Verdict, case: Case) -> object:
    """The answers that a verdict names, by their texts."""
    if isinstance(verdict.choice, int):
        return case.responses[verdict.choice]
    return [case.responses[slot] for slot in verdict.ranking] if verdict.ranking else verdict.value


def _size(example: CounterExample) -> float:
    """How far the mean utility moved, in [0, 1]; 0 where it is unknown."""
    if not formatting.known(example.before) or not formatting.known(example.after):
        return 0.0
    return round(abs(example.after - example.before), 4)


def _right(example: CounterExample, slot: int) -> bool | None:
    from voirdire.harness.cases import truth_of

    return truth_of(example.follow_up, slot) if len(example.follow_up.responses) > 1 else None


def _replies(when: str, verdict: Verdict | None, limit: int) -> list[dict[str, Any]]:
    """What the judge wrote, as far as it is known: its reasons, and the whole reply where that says more."""
    if verdict is None:
        return []
    told = [("Its reasons", verdict.rationale or verdict.reason), ("Its raw reply", verdict.raw)]
    if verdict.raw and (told[0][1] or "") == verdict.raw:
        told = told[1:]
    return [
        {"what": f"{what} {when}", "html": marked(excerpt((Piece("same", text),), limit))}
        for what, text in told
        if text
    ]


def _probabilities(verdict: Verdict | None, audit: Audit, n: int) -> str:
    """The probabilities that the judge gave, as "A 62 %, B 38 %"; empty where it gave none."""
    if verdict is None or not verdict.probabilities:
        return ""
    named = sorted(verdict.probabilities.items(), key=lambda item: (not item[0].isdecimal(), item[0]))[:12]
    return ", ".join(f"{_option(key, audit, n)} {formatting.percent(p)}" for key, p in named)


def _option(key: str, audit: Audit, n: int) -> str:
    if audit.task == "pairwise" and key.isdecimal() and len(key) < 3:
        return words.answer_name(int(key), audit.task, n)
    return {"true": "pass", "false": "fail"}.get(key, key) if audit.task == "grade" else key
