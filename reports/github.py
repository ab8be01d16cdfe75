"""What GitHub Actions shows of a run: the job summary (`$GITHUB_STEP_SUMMARY`) and annotations.

The summary is Markdown that others may paste into a comment, the annotations are commands in a log: in both, whatever
a judge, a case or a suite brought along is inert. The whole report is `markdown.render`; this is the short one.
"""

# no `from __future__ import annotations` here: that name is the function below
from typing import Literal

from voirdire.harness.findings import Audit, CounterExample, Finding
from voirdire.reports.ci import (
    RED,
    discrimination_message,
    discrimination_state,
    is_held,
    message,
    opening,
    ranked,
    reason_in_words,
    state,
)
from voirdire.reports.commands import reproduce_command
from voirdire.reports.formatting import count, effect, interval, known, money, plural, share
from voirdire.reports.inert import inert
from voirdire.reports.markdown import block, code, prose
from voirdire.reports.selection import examples_of, limits
from voirdire.reports.text import excerpt, fields, reordered
from voirdire.reports.words import SYMBOLS, answer_name, example_verdicts, reason_words

__all__ = ["annotations", "summary"]

#: GitHub shows ten annotations of each level a step; more than ten in all nobody reads
MOST_ANNOTATIONS = 10
#: characters of one annotation's message
ANNOTATION_LIMIT = 1000
#: rows of the table, and findings of which one example is shown; a comment may hold 65,536 characters
ROWS = 20
EXAMPLES = 3
#: characters shown of one judged text
TEXT_LIMIT = 800

SIMULATED = "This judge is simulated (a mock): the figures say nothing about a real one."
_SIGNS = {"regressed": "✗", "unreachable": "!", "open": "?", "known": "✗", **SYMBOLS}

# ------------------------------------------------------------------------------------------------------ annotations


def annotations(audit: Audit) -> list[str]:
    """At most ten workflow commands, one a finding, the most pressing first; print each on a line of its own.

    Errors for what turns a build red, warnings for what is open, one notice where there is nothing to say but "pass".
    """
    found = _annotated(audit)
    if len(found) <= MOST_ANNOTATIONS:
        return found
    left = len(found) - (MOST_ANNOTATIONS - 1)
    more = f"{plural(left, 'more finding')} in the job summary and the report."
    return [*found[: MOST_ANNOTATIONS - 1], _command("notice", "voirdire", more)]


def _annotated(audit: Audit) -> list[str]:
    out = []
    said = " ".join((opening(audit).word + ":", *opening(audit).sentences))
    if audit.verdict == "error":
        out.append(_command("error", "the judge could not be asked", said, *audit.warnings[:3]))
    for finding in ranked(audit, RED):
        title = f"{finding.probe} {'got worse' if state(finding, audit) == 'regressed' else 'is violated'}"
        out.append(_command("error", title, message(finding, audit)))
    if discrimination_state(audit) in RED:
        out.append(_command("error", "good and bad answers are not told apart", discrimination_message(audit)))
    if not is_held(audit):
        for finding in ranked(audit, ["open"]):
            out.append(_command("warning", f"{finding.probe} is open", message(finding, audit)))
        if discrimination_state(audit) == "open":
            out.append(_command("warning", "telling good from bad is open", discrimination_message(audit)))
    return out or [_command("notice", "voirdire", said, *([SIMULATED] if audit.simulated else []))]


def _command(level: Literal["error", "warning", "notice"], title: str, *lines: str) -> str:
    """One workflow command. Every line of it is made inert before the escapes that the format demands."""
    data = "\n".join(inert(line, ANNOTATION_LIMIT) for line in lines)
    return f"::{level} title={_property(inert(title, 200))}::{_data(data)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


# ---------------------------------------------------------------------------------------------------------- summary


def summary(audit: Audit) -> str:
    """The job summary as Markdown, some kilobytes: plain words, a small table, the rest folded."""
    parts = opening(audit)
    lines = [f"### {parts.word}: {_said(parts.one_sentence)}", ""]
    if audit.simulated:
        lines += [f"> {SIMULATED}", ""]
    lines += [*(f"- {_said(sentence)}" for sentence in parts.more), ""]
    lines += [*_table(audit), ""]
    red = ranked(audit, RED)
    shown = ranked(audit, (*RED, "open"))[:ROWS]
    if shown:
        sentences = [f"- {code(finding.probe)}: {_said(message(finding, audit))}" for finding in shown]
        lines += _folded("In words", sentences)
    for finding in red[:EXAMPLES]:
        for example in examples_of(audit, finding, 1):
            title = f"Example: {code(finding.probe, in_html=True)} on case {code(example.case_id, in_html=True)}"
            lines += _folded(title, _example(audit, example))
    if audit.warnings:
        lines += _folded("Warnings", [f"- {code(text, 400)}" for text in audit.warnings[:ROWS]])
    return "\n".join([*lines, _provenance(audit)]) + "\n"


def _said(sentence: str) -> str:
    """A sentence of ours, into which a reason or a probe's name may have brought others' text."""
    return prose(inert(sentence))


def _folded(title: str, lines: list[str]) -> list[str]:
    """`title` is Markdown-free HTML."""
    return [f"<details><summary>{title}</summary>", "", *lines, "", "</details>", ""]


def _table(audit: Audit) -> list[str]:
    shown = ranked(audit, (*RED, "unreachable", "open", "known"))
    compared = any(finding.regression for finding in audit.findings.values())
    if not shown:
        return [_counted(audit, compared=compared)]
    head = ["", "probe", "effect", "interval", "limit", "cases", *(_CHANGE if compared else ()), "note"]
    rule = "|---|---|---:|---|---:|---:|" + "---:|---|---:|" * compared + "---|"
    rows = [
        f"| {_SIGNS[state(finding, audit)]} | " + " | ".join(_cells(finding, audit, compared=compared)) + " |"
        for finding in shown[:ROWS]
    ]
    hidden = f" {plural(len(shown) - ROWS, 'more row')} in the report." if len(shown) > ROWS else ""
    legend = "✗ violated or worse than the baseline" if compared else "✗ violated"
    below = f"{legend}, ? open. {_counted(audit, compared=compared)}{hidden}"
    return ["| " + " | ".join(head) + " |", rule, *rows, "", below]


def _counted(audit: Audit, *, compared: bool) -> str:
    """What the table does not show."""
    good = sum(state(finding, audit) in ("holds", "not_worse") for finding in audit.findings.values())
    skipped = len(audit.findings.decided("not_applicable"))
    fine = "did not get worse" if compared else "holds" if good == 1 else "hold"
    return f"{plural(good, 'probe')} {fine}, {skipped} {'does' if skipped == 1 else 'do'} not apply."


_CHANGE = ("baseline", "change", "margin")


def _cells(finding: Finding, audit: Audit, *, compared: bool) -> list[str]:
    cells = [
        code(finding.probe),
        effect(finding.effect),
        prose(interval(finding.low, finding.high)),
        _limit(finding),
        count(finding.n),
    ]
    if compared:
        change = f"{effect(finding.change)} {interval(finding.change_low, finding.change_high)}"
        cells += [
            effect(finding.baseline_effect),
            prose(change) if known(finding.change) else "",
            share(finding.margin) if known(finding.margin) else "",
        ]
    return [*cells, _said(_note(finding, audit))]


def _limit(finding: Finding) -> str:
    low, high = limits(finding)
    if high is None:
        return ""
    return effect(high) if low is None else f"±{share(high)}"


def _note(finding: Finding, audit: Audit) -> str:
    if finding.regression == "regressed":
        return "worse than the baseline"
    if state(finding, audit) == "known":
        return "as in the baseline"
    if finding.regression == "inconclusive":
        why = reason_in_words(finding.regression_reason)
        return f"change open: {why}" if why else "change open"
    why = reason_words(finding)
    if finding.more_cases_needed and not why:
        return f"about {plural(finding.more_cases_needed, 'more case')} would decide"
    return why


def _example(audit: Audit, example: CounterExample) -> list[str]:
    """What was asked, the text that was edited, and the verdicts."""
    lines = []
    n = len(example.follow_up.responses)
    swapped = reordered(example.source, example.follow_up)
    for item in fields(example.source, example.follow_up, example.target, example.edits):
        if not (item.changed or item.name == "instruction" or (swapped and item.slot is not None)):
            continue
        name = item.name.capitalize() if item.slot is None else answer_name(item.slot, audit.task, n)
        lines += [f"{name}{' (edited)' if item.changed else ''}", "", block(excerpt(item.pieces, TEXT_LIMIT)), ""]
    if swapped:
        lines += ["The same answers in another order, shown as in the second call.", ""]
    before, after = example_verdicts(audit, example)
    told = f"Verdict before: {_said(before)}. After: " if before is not None else "Verdict: "
    lines += [f"{told}{_said(after)}.", ""]
    return [*lines, f"Again: {code(reproduce_command(audit, example), 600)}"]


def _provenance(audit: Audit) -> str:
    served = f" (served as {code(audit.served_model)})" if audit.served_model else ""
    where = f" of {code(audit.cases_path)}" if audit.cases_path else ""
    cached = f", {count(audit.calls.cached)} cached" if audit.calls.cached else ""
    cost = f", {money(audit.calls.cost_usd)}" if known(audit.calls.cost_usd) else ""
    what = f"Judge {code(audit.judge_spec)}{served} · suite {code(audit.suite)}"
    return f"{what} · {plural(audit.cases_n, 'case')}{where} · {plural(audit.calls.made, 'call')}{cached}{cost}"
