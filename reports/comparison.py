"""Runs beside each other as text: for a terminal of 80 columns, and as Markdown with every interval.

Here: the table of probes, and the page it stands on. What each run buys and costs is in comparison_trade.py, the same
as JSON in comparison_schema.py.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from voirdire.harness.costs import Cost
from voirdire.harness.statistics.side_by_side import ACCURACY, Difference, Line, StoredRun, balance
from voirdire.harness.statistics.trade import Trade
from voirdire.reports.comparison_trade import WHAT, best_sentence, cost_lines, trade_lines, trade_tables
from voirdire.reports.formatting import effect, interval, share
from voirdire.reports.inert import inert
from voirdire.reports.markdown import code, prose

__all__ = ["Comparison", "balance_sentence", "comparison_markdown", "comparison_text", "flips_note"]

WIDTH = 80
NAME = 22
#: columns of effects that fit beside a name and one difference
COLUMNS = 4
#: characters of a judge's name and of a path: a name may be a whole tree of wrappers
LONGEST = 160
#: a difference is marked if its adjusted p is below this
LEVEL = 0.05


@dataclass(frozen=True, slots=True)
class Comparison:
    """What is compared: a line a probe, a trade for each run but the first, and what each run costs if asked alone
    (None for runs that were read)."""

    runs: Sequence[StoredRun]
    lines: Sequence[Line]
    trades: Sequence[Trade]
    costs: Sequence[Cost | None]


def comparison_text(c: Comparison) -> str:
    """The page, ending in a newline. Of more than four runs the first and the last three are in the table of probes."""
    runs, lines = c.runs, c.lines
    shown = list(range(len(runs))) if len(runs) <= COLUMNS else [0, *range(len(runs) - COLUMNS + 1, len(runs))]
    out = [line for run in runs for line in _run_lines(run)]
    out += ["", _header(runs, shown)]
    out += [_row(line, shown) for line in lines]
    out += ["", *textwrap.wrap(_legend(lines), WIDTH)]
    if len(shown) < len(runs):
        out += textwrap.wrap(f"{len(runs) - len(shown)} runs between are in the Markdown (--markdown FILE).", WIDTH)
    blocks = [trade_lines(runs, trade) for trade in c.trades]
    out += [line for block in blocks for line in block]
    out += ["", *textwrap.wrap(WHAT, WIDTH)] if any(blocks) else []
    out += cost_lines(runs, c.costs)
    said = [text for k in range(1, len(runs)) if (text := balance_sentence(runs, lines, k))]
    said += [text for text in (best_sentence(runs, c.trades, c.costs),) if text]
    out += [""] if said else []
    for text in said:
        out += textwrap.wrap(text, WIDTH, initial_indent=" ", subsequent_indent="    ")
    return "\n".join(out) + "\n"


def balance_sentence(runs: Sequence[StoredRun], lines: Sequence[Line], k: int) -> str:
    """What run `k` buys and what it costs, in one sentence; empty where its price is unknown and nothing differs."""
    run, found = runs[k], balance(lines, k)
    price = ""
    if run.asks is not None:
        price = f" at up to {run.asks} calls a verdict" if run.asks > 1 else " at 1 call a verdict"
    changes = {line.probe: line.differences[k] for line in lines}

    def listed(names: Sequence[str]) -> str:
        told = [(name, changes[name]) for name in names]
        return ", ".join(f"{inert(name, NAME)} {effect(d.value)}" for name, d in told if d is not None)

    if found.better or found.worse:
        parts = [f"better in {listed(found.better)}"] if found.better else []
        parts += [f"worse in {listed(found.worse)}"] if found.worse else []
        return f"{run.label}{price}: {'; '.join(parts)}."
    return f"{run.label}{price}: no difference from {runs[0].label} stands." if price else ""


def _run_lines(run: StoredRun) -> list[str]:
    """What a letter stands for: the day, the judge, and the path where it is not the judge itself that was named."""
    judge, path = inert(run.judge, LONGEST), inert(run.path, LONGEST)
    named = judge if path == judge else f"{judge}  {path}"
    lead = f" {run.label}  {inert(run.created[:10])}  "
    return textwrap.wrap(lead + named, WIDTH, subsequent_indent=" " * len(lead), break_on_hyphens=False)


def _header(runs: Sequence[StoredRun], shown: Sequence[int]) -> str:
    labels = "".join(f"{runs[k].label:>7}" for k in shown)
    return f" {'probe':<{NAME}}{labels}   {runs[-1].label} - {runs[0].label}"


def _row(line: Line, shown: Sequence[int]) -> str:
    cells = "".join(f"{_number(line.probe, line.effects[k]):>7}" for k in shown)
    return f" {inert(line.probe, NAME):<{NAME}}{cells}   {_difference(line.differences[-1])}".rstrip()


def _number(probe: str, value: float | None) -> str:
    return share(value) if probe == ACCURACY else effect(value)


def _difference(difference: Difference | None) -> str:
    if difference is None:
        return ""
    mark = " *" if difference.p_adjusted < LEVEL else ""
    unpaired = "" if difference.paired else " ~"
    return f"{effect(difference.value)} {interval(difference.low, difference.high)}{mark}{unpaired}"


def _legend(lines: Sequence[Line]) -> str:
    differences = [d for line in lines for d in line.differences if d is not None]
    paired = [d.n for d in differences if d.paired]
    how = []
    if paired:
        cases = f"{min(paired):,}" if min(paired) == max(paired) else f"{min(paired):,} to {max(paired):,}"
        how.append(f"Differences are of the same {cases} cases under the same follow-ups, with both runs' noise.")
    if len(paired) < len(differences):
        how.append(
            "~ unpaired: two intervals compared, as one of the runs does not hold what each case gave "
            "(gates and baselines do) or was asked otherwise."
        )
    how += [note] if (note := flips_note(lines)) else []
    return f"95 % intervals, each by itself; * differs with Holm over the column (p < {share(LEVEL)}). {' '.join(how)}"


def flips_note(lines: Sequence[Line]) -> str:
    """Of which probes flips are shown, where another number is what people expect; empty if of none."""
    contrasts = {line.probe: d.contrast for line in lines for d in line.differences if d is not None}
    flips = [inert(name, NAME) for name, contrast in contrasts.items() if (contrast or "").startswith("flips beyond")]
    return f"Of {', '.join(flips)} flips are shown, not the signed effect." if flips else ""


# ----------------------------------------------------------------------------------------------------------- Markdown


def comparison_markdown(c: Comparison) -> str:
    """The same with every run and every interval."""
    runs, lines = c.runs, c.lines
    out = ["| run | of | judge | path |", "|---|---|---|---|"]
    out += [f"| {r.label} | {prose(inert(r.created[:10]))} | {code(r.judge)} | {code(r.path)} |" for r in runs]
    columns = [runs[0].label, *(cell for r in runs[1:] for cell in (r.label, f"{r.label} - {runs[0].label}"))]
    out += ["", f"| probe | {' | '.join(columns)} |", "|---|" + "---:|" * len(columns)]
    for line in lines:
        cells = [_number(line.probe, line.effects[0])]
        for value, difference in zip(line.effects[1:], line.differences[1:], strict=True):
            cells += [_number(line.probe, value), prose(_difference(difference))]
        out.append(f"| {code(line.probe)} | {' | '.join(cells)} |")
    out += ["", prose(inert(_legend(lines)))]
    out += trade_tables(runs, c.trades, c.costs)
    said = [text for k in range(1, len(runs)) if (text := balance_sentence(runs, lines, k))]
    said += [text for text in (best_sentence(runs, c.trades, c.costs),) if text]
    out += ["", *(f"- {prose(inert(text))}" for text in said)] if said else []
    return "\n".join(out) + "\n"
