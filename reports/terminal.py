"""The audit on a terminal: 80 columns, understood without colour, worst first.

Judged text, names and paths go through `text.visible` into `rich.text.Text`, which parses no markup: neither escape
sequences nor `[markup]` of theirs can act. On a terminal without UTF-8 every sign has an ASCII stand-in.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

from voirdire.harness.findings import Audit, CounterExample, Finding
from voirdire.harness.relations import Relation
from voirdire.reports.ci import opening
from voirdire.reports.formatting import count, duration, effect, interval, known, level, money, plural
from voirdire.reports.inert import quiet
from voirdire.reports.selection import anchors, limits, nearest_to_limit_first, worst_example, worst_first
from voirdire.reports.text import fields, reordered
from voirdire.reports.words import SYMBOLS, example_verdicts

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["for_encoding", "knows_unicode", "render"]

#: holding probes printed, the closest calls; the rest is counted
HOLDING_SHOWN = 4
NAME_WIDTH, PLOT_WIDTH, NOTE_WIDTH = 18, 20, 14
#: why a probe is open whatever its number of cases
_NOTES = {
    "differential_nulls": "nulls differ",
    "missing_verdicts": "nulls may hide",
    "position_locked": "slot locked",
    "no_verdicts": "no verdicts",
    "not_asked": "not asked",
}
#: open probes are many in a large suite on few cases; the page has them all
OPEN_SHOWN = 12

_STYLES = {"violated": "bold red", "inconclusive": "yellow", "holds": "green", "not_applicable": "dim"}
_WORD_STYLES = {
    "PASS": "bold green",
    "FAIL": "bold red",
    "REGRESSED": "bold red",
    "INCONCLUSIVE": "bold yellow",
    "ERROR": "bold magenta",
}
_ASCII = str.maketrans(
    {"✗": "x", "✓": "v", "–": "-", "…": "~", "●": "o", "─": "-", "┊": ":", "·": ".", "◂": "<", "▸": ">"}
    | {"⟨": "<", "⟩": ">", "±": "~", "é": "e"}
)


def knows_unicode(encoding: str | None) -> bool:
    """Can a stream of this encoding print every character?"""
    return (encoding or "ascii").lower().replace("-", "").replace("_", "").startswith("utf")


def for_encoding(text: str, encoding: str | None) -> str:
    """`text` as a stream of this encoding can print it: without Unicode every sign of ours has an ASCII stand-in.

    >>> for_encoding("✗ order.swap · +.21", "ascii")
    'x order.swap . +.21'
    """
    return text if knows_unicode(encoding) else text.translate(_ASCII).encode("ascii", "replace").decode("ascii")


def render(
    audit: Audit,
    console: Console,
    *,
    report_path: str | None = None,
    next_command: str | None = None,
    holding: int = HOLDING_SHOWN,
) -> None:
    """Print `audit`: headline, effects with a small forest plot, the worst example, where the report is, what next.

    `holding` is how many of the probes that hold are printed. Raises nothing for any content of the audit.
    """
    printer = _Printer(console)
    width = max(60, min(console.width, 100))
    _headline(audit, printer, width)
    _effects(audit, printer, holding)
    example = worst_example(audit)
    if example is not None:
        _example(audit, example, printer, width, report_path)
    for text in audit.warnings:
        printer.wrapped(" warning   ", text, width, "yellow")
    if audit.warnings:
        printer.line()
    printer.line(f" calls     {_calls(audit)}")
    if report_path:
        printer.line(f" report    {quiet(report_path)}")
    if next_command:
        printer.line(f" next      {quiet(next_command)}")


class _Printer:
    """Prints plain lines; styles are spans, never markup."""

    def __init__(self, console: Console) -> None:
        self.console = console

    def line(self, text: str = "", styles: Sequence[tuple[str, int, int]] = ()) -> None:
        from rich.text import Text

        out = Text(for_encoding(text, self.console.encoding))
        for style, start, end in styles:
            out.stylize(style, start, end)
        self.console.print(out, soft_wrap=True, highlight=False)

    def wrapped(self, lead: str, text: str, width: int, style: str = "") -> None:
        """`text` after `lead`, later lines indented to the same column."""
        indent = " " * len(lead)
        lines = textwrap.wrap(
            quiet(text), width, initial_indent=lead, subsequent_indent=indent, break_on_hyphens=False
        ) or [lead.rstrip()]
        for k, line in enumerate(lines):
            self.line(line, [(style, 0, len(lead.rstrip()))] if style and k == 0 else ())


def _headline(audit: Audit, printer: _Printer, width: int) -> None:
    parts = opening(audit)
    lead = f"{parts.word}  "
    hang = " " * len(lead)
    if audit.simulated:
        printer.line("(a simulated judge: the figures say nothing about a real one)")
    first = " ".join(s for s in (parts.claim, parts.evidence) if s)
    printer.wrapped(lead, first, width, _WORD_STYLES[parts.word])
    for sentence in parts.more:
        printer.wrapped(hang, sentence, width)
    printer.line()


# ---------------------------------------------------------------------------------------------------------- effects


def _effects(audit: Audit, printer: _Printer, holding: int) -> None:
    violated = worst_first(audit.findings.decided("violated"))
    undecided = worst_first(audit.findings.decided("inconclusive"))
    holds = nearest_to_limit_first(audit.findings.decided("holds"))
    skipped = audit.findings.decided("not_applicable")
    shown = _closest(holds, holding)
    still_open = undecided[OPEN_SHOWN:]
    undecided = undecided[:OPEN_SHOWN]
    rows = [*violated, *undecided, *shown]
    if rows:
        plot = _Plot(rows)
        levels = {f.level for f in rows}
        heading = f"{level(levels.pop())} interval" if len(levels) == 1 and None not in levels else "interval"
        header = f" {'probe':<{NAME_WIDTH}}   {'effect':<6}  {heading:<14} {plot.header()}".rstrip()
        printer.line(header, [("dim", 0, len(header))])
        for finding in rows:
            _row(finding, plot, printer)
    rest = []
    if still_open:
        rest.append(f"{len(still_open)} more {'is' if len(still_open) == 1 else 'are'} open")
    more = len(holds) - len(shown)
    if more:
        rest.append(f"{more} {'more ' if len(holds) > more else ''}{'holds' if more == 1 else 'hold'}")
    if skipped:
        reasons = skipped[0].not_applicable_reasons
        why = quiet(skipped[0].reason or max(reasons, key=lambda r: (reasons[r], r), default=""), 44)
        verb = "does" if len(skipped) == 1 else "do"
        rest.append(f"{len(skipped)} {verb} not apply{f' ({why})' if why and len(skipped) == 1 else ''}")
    if rest:
        printer.line(f" … {', '.join(rest)}")
    if rows or rest:
        printer.line()


def _closest(holds: Sequence[Finding], limit: int) -> list[Finding]:
    """The `limit` closest calls, the last place kept for noticing damage: both dials belong in the picture."""
    if limit <= 0:
        return []
    damage = [f for f in holds if f.relation is Relation.MUST_DROP]
    others = [f for f in holds if f.relation is not Relation.MUST_DROP]
    return (others[: limit - 1] + damage)[:limit] if damage else others[:limit]


def _row(finding: Finding, plot: _Plot, printer: _Printer) -> None:
    symbol = SYMBOLS[finding.decision]
    name = quiet(finding.probe, NAME_WIDTH)
    start = f" {name:<{NAME_WIDTH}} {symbol} {effect(finding.effect):>6}  {interval(finding.low, finding.high):<14} "
    text = f"{start}{plot.row(finding)} {_note(finding)}".rstrip()
    at = 2 + max(NAME_WIDTH, len(name))
    printer.line(text, [(_STYLES[finding.decision], at, at + 1)])


def _note(finding: Finding) -> str:
    """At most NOTE_WIDTH columns: what an open probe needs, or that damage was noticed."""
    if finding.decision == "inconclusive":
        if finding.reason in _NOTES:
            return _NOTES[finding.reason]
        if finding.more_cases_needed:
            note = f"{count(finding.more_cases_needed)} more case{'s' * (finding.more_cases_needed != 1)}"
            return note if len(note) <= NOTE_WIDTH else f"+{count(finding.more_cases_needed)} cases"
        return quiet(finding.reason or "", NOTE_WIDTH)
    if finding.relation is Relation.MUST_DROP:
        return "notices" if finding.decision == "holds" else "overlooks"
    return ""


class _Plot:
    """A forest plot in text: `·` zero, `┊` the limits, `─` the interval, `●` the effect."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        numbers = [x for f in findings for x in (f.effect, f.low, f.high) if known(x)]
        # from -.2 to .4 or wider in steps of .1, so that reports of one judge can be laid side by side
        self.low = min(-0.2, math.floor(min(numbers, default=0.0) / 0.1 + 1e-9) / 10)
        self.high = max(0.4, math.ceil(max(numbers, default=0.0) / 0.1 - 1e-9) / 10)

    def column(self, value: float) -> int:
        place = (value - self.low) / (self.high - self.low) * (PLOT_WIDTH - 1)
        return min(PLOT_WIDTH - 1, max(0, math.floor(place + 0.5)))

    def header(self) -> str:
        """Tick labels every .2 (or .4 where those would touch), each ending on its column."""
        cells = [" "] * (PLOT_WIDTH + 1)
        step = 0.2 if (self.high - self.low) <= 0.9 else 0.4
        for k in range(math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9) + 1):
            label = effect(k * step).replace("+", "").rstrip("0").rstrip(".") or "0"
            label = "0" if k == 0 else label
            end = self.column(k * step) + 1
            for start in (max(0, end - len(label)), max(0, end - len(label)) + 1):  # one to the right where they touch
                if all(c == " " for c in cells[max(0, start - 1) : start + len(label)]):
                    cells[start : start + len(label)] = label
                    break
        return "".join(cells[:PLOT_WIDTH])

    def row(self, finding: Finding) -> str:
        cells = [" "] * PLOT_WIDTH
        cells[self.column(0.0)] = "·"
        for limit in limits(finding):
            if limit is not None:
                cells[self.column(limit)] = "┊"
        if known(finding.low) and known(finding.high):
            for k in range(self.column(finding.low), self.column(finding.high) + 1):
                cells[k] = "─"
        if known(finding.effect):
            cells[self.column(finding.effect)] = "●"
        return "".join(cells)


# ---------------------------------------------------------------------------------------------------------- the rest


def _example(audit: Audit, example: CounterExample, printer: _Printer, width: int, report_path: str | None) -> None:
    place = ""
    if report_path and report_path.endswith(".html"):  # nothing else has examples to go to
        place = f"{quiet(report_path)}#{anchors(audit).get(id(example), '')}"
    lead = f" worst example   {quiet(example.probe, 40)} on case {quiet(example.case_id, 40)}"
    if place and len(lead) + len(place) + 3 <= width:
        printer.line(f"{lead}   {place}")
    else:
        printer.line(lead)
        if place:
            printer.line(f"   {place}")
    shown = 0
    for item in fields(example.source, example.follow_up, example.target, example.edits):
        for piece in item.pieces:
            if piece.kind in ("ins", "del") and shown < 3:
                sign, style = ("+", "green") if piece.kind == "ins" else ("-", "red")
                quoted = f'"{quiet(piece.text, width - 8)}"' if piece.text.strip() else "a blank"
                text = f"   {sign} {quoted}"
                printer.line(text, [(style, 3, len(text))])
                shown += 1
    if reordered(example.source, example.follow_up):
        printer.line("   the same answers in another order")
    before, after = example_verdicts(audit, example)
    again = (
        f"; again in {example.reproduced[0]} of {plural(example.reproduced[1], 'fresh sample')}"
        if example.reproduced
        else ""
    )
    told = f"said {after}" if before is None else f"went from {before} to {after}"
    printer.wrapped("   ", f"the judge {told}{again}", width)
    printer.line()


def _calls(audit: Audit) -> str:
    calls = audit.calls
    parts = [f"{count(calls.made)} made"]
    for number, word in ((calls.cached, "cached"), (calls.nulls, "null"), (calls.errors, "failed")):
        if number:
            parts.append(f"{count(number)} {word}")
    if known(calls.cost_usd):
        parts.append(money(calls.cost_usd))
    parts.append(duration(calls.seconds))
    return " · ".join(parts)
