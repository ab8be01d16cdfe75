"""A finding as the message of a failed, skipped or passed test: plain words, numbers, the smallest example as a diff.

At most 80 columns where the judged text allows. Not here: which outcome a finding is (voirdire's plugin decides that).
"""

from __future__ import annotations

import textwrap

from voirdire.harness.findings import Audit, CounterExample, Decision, Finding
from voirdire.harness.relations import Relation
from voirdire.reports.formatting import count, effect, interval, known, money, percent, plural, share
from voirdire.reports.inert import quiet
from voirdire.reports.selection import examples_of
from voirdire.reports.text import Piece, excerpt, fields, reordered
from voirdire.reports.words import (
    answer_name,
    discrimination_sentence,
    example_verdicts,
    finding_sentence,
    reason_words,
)

__all__ = ["blind_text", "failure_text", "open_text", "summary_line"]

WIDTH = 80
_EXCERPT = 400
_DECIDED: dict[Decision, str] = {"violated": "violated", "inconclusive": "open", "holds": "hold"}
_LABELS = {"instruction": "Q", "context": "context", "reference": "reference", "rubric": "rubric"}


def failure_text(audit: Audit, finding: Finding, *, again: str | None = None) -> str:
    """The message of a violated probe; `again` is the command that shows it again."""
    lines = [*_filled(f"{finding.relation.words} {finding_sentence(finding, audit)}"), *_numbers(audit, finding)]
    shown = examples_of(audit, finding, 1)
    if shown:
        lines += _example(audit, shown[0])
    if again:
        lines.append(f"reproduce:  {again}")
    return "\n".join(lines)


def blind_text(audit: Audit, finding: Finding) -> str:
    """Why a probe that holds is no pass: the judge does not tell good answers from bad."""
    text = f"{finding.probe} holds, but that proves nothing. {discrimination_sentence(audit)}"
    return "\n".join(_filled(text))


def open_text(audit: Audit, finding: Finding) -> str:
    """Why there is no answer, on one line: the reason, and how many more cases would decide."""
    if finding.decision == "not_applicable":
        return f"{finding.probe} does not apply: {quiet(finding.reason or 'no case it applies to', 120)}"
    why = "" if finding.reason == "undecided" else reason_words(finding)
    size = f"measured {effect(finding.effect)} {interval(finding.low, finding.high)}"
    limit = _limit(finding)
    if known(finding.effect):
        size += f" against a limit of {limit}" if limit else ""
        size += f" on {plural(finding.n, 'case')}"
    else:
        size = "nothing could be measured"
    more = f"; about {plural(finding.more_cases_needed, 'more case')} would decide" if finding.more_cases_needed else ""
    stopped = f"; the run stopped early ({audit.stopped})" if audit.stopped else ""
    return f"inconclusive: {size}{': ' + why if why else ''}{more}{stopped}"


def _filled(text: str) -> list[str]:
    return textwrap.wrap(quiet(text), WIDTH, break_long_words=False, break_on_hyphens=False)


def _limit(finding: Finding) -> str:
    if finding.relation is Relation.MUST_DROP:
        return effect(-finding.min_drop) if finding.min_drop is not None else ""
    return share(finding.tolerance) if finding.tolerance is not None else ""


def _numbers(audit: Audit, finding: Finding) -> list[str]:
    label = finding.estimand or "effect"
    parts = [f"{label}  {effect(finding.effect)} {interval(finding.low, finding.high)}"]
    if limit := _limit(finding):
        parts.append(f"{'limit' if finding.relation is Relation.MUST_DROP else 'tolerance'} {limit}")
    if known(finding.sham_effect):
        parts.append(f"sham {effect(finding.sham_effect)}")
    if known(finding.retest_flip_rate):
        parts.append(f"noise {percent(finding.retest_flip_rate)}")
    parts.append(plural(finding.n, "case"))
    if known(finding.p_adjusted):
        parts.append(f"p {finding.p_adjusted:.2g} over the suite of {audit.suite_probes}")
    # no number is parted from its name
    text = "  · ".join(part.replace(" ", "\u00a0") for part in parts)
    lines = textwrap.wrap(text, WIDTH, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False)
    return [line.replace("\u00a0", " ") for line in lines]


def _example(audit: Audit, example: CounterExample) -> list[str]:
    again = ""
    if example.reproduced:
        again = f" that fails again ({example.reproduced[0]} of {count(example.reproduced[1])} fresh samples)"
    lines = [f"example{again}, case {quiet(example.case_id, 60)}:"]
    n = len(example.follow_up.responses)
    for item in fields(example.source, example.follow_up, example.target, example.edits):
        name = _LABELS.get(item.name, item.name) if item.slot is None else answer_name(item.slot, audit.task, n)
        lines += _field(name, excerpt(item.pieces, _EXCERPT))
    if reordered(example.source, example.follow_up):
        lines.append("    the same answers in the other order")
    before, after = example_verdicts(audit, example)
    return [*lines, f"  verdict  {after if before is None else f'{before} -> {after}'}"]


def _field(name: str, pieces: tuple[Piece, ...]) -> list[str]:
    """Text that is the same on one line, each edit on a line of its own with its sign."""
    lines = []
    head = f"    {name}  "
    for piece in pieces:
        text = quiet(piece.text, 300)
        if piece.kind in ("ins", "del"):
            sign = "+" if piece.kind == "ins" else "-"
            shown = text if text.strip() else f"{len(piece.text)} blank{'s' * (len(piece.text) != 1)}"
            lines.append(f"  {sign} {' ' * (len(head) - 4)}{shown}")
        elif text.strip():
            lines += textwrap.wrap(
                text, max(WIDTH, len(head) + 20), initial_indent=head, subsequent_indent=" " * len(head)
            )
            head = " " * len(head)
    return lines


def summary_line(audit: Audit, out: str | None = None) -> list[str]:
    """One or two lines on an audit for the end of a test run."""
    decided = ", ".join(
        f"{len(audit.findings.decided(decision))} {word}"
        for decision, word in _DECIDED.items()
        if audit.findings.decided(decision)
    )
    calls = plural(audit.calls.made, "call") + (f", {count(audit.calls.cached)} cached" if audit.calls.cached else "")
    cost = f" · {money(audit.calls.cost_usd)}" if known(audit.calls.cost_usd) else ""
    lines = [
        f"{quiet(audit.judge_name, 60)} · suite {quiet(audit.suite, 40)} · {plural(audit.cases_n, 'case')} · "
        f"{decided or 'nothing decided'} · {calls}{cost}"
    ]
    if audit.discrimination.decision in ("violated", "inconclusive"):
        text = discrimination_sentence(audit).replace(" %", "\u00a0%")
        lines += [f"  {line}".replace("\u00a0", " ") for line in textwrap.wrap(text, WIDTH - 2)]
    if audit.stopped:
        lines.append(f"  the run stopped early ({audit.stopped})")
    if out:
        lines.append(f"  reports: {quiet(out)}")
    return lines
