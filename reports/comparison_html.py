"""The HTML page of a comparison: heat map, two dials, ranking with its uncertainty, differences, defences, drift.

Nothing is computed here but words and pictures' numbers; the statistics are those of side_by_side.py, ranks.py and
trade.py. How a page is made safe is in `pages`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from voirdire.harness.relations import Relation
from voirdire.harness.statistics.ranks import GAIN, Place, places, shared_gains
from voirdire.harness.statistics.side_by_side import (
    ACCURACY,
    Difference,
    Line,
    StoredRun,
    difference,
    interval_of,
    relation_of,
)
from voirdire.reports.charts import MAP_WORST, dial, name, number
from voirdire.reports.comparison import LEVEL, Comparison, balance_sentence, flips_note
from voirdire.reports.comparison_trade import best_sentence, cost_lines, pay_sentence
from voirdire.reports.formatting import effect, interval, known, percent, percent_interval, plural, share
from voirdire.reports.pages import render_page
from voirdire.reports.text import one_line
from voirdire.reports.words import SYMBOLS, WORDS

__all__ = ["render"]

Row = dict[str, Any]

#: runs of one judge from which on there is a line over time
LEAST_POINTS = 3
#: measures that are drawn over time, those that moved most first
MOST_LINES = 6
_Z = 1.959964


def render(c: Comparison) -> str:
    """The page. The same comparison gives the same text."""
    drift = _drift(c)
    data: dict[str, Any] = {
        "heat": {"runs": [r.label for r in c.runs], "cells": _cells(c)},
        "dials": {"points": [dial(r.audit, r.label) for r in c.runs if r.audit is not None], "worst": MAP_WORST},
        "transfer": {"runs": [r.label for r in c.runs], "cells": _transfer(c.runs)},
        "drift": drift,
    }
    context = {
        "runs": [_run(c, k) for k in range(len(c.runs))],
        "headline": _headline(c),
        "said": [text for k in range(1, len(c.runs)) if (text := balance_sentence(c.runs, c.lines, k))],
        "pays": [pay_sentence(c.runs, trade) for trade in c.trades if trade.families],
        "families": [_family(c, trade) for trade in c.trades if trade.families],
        "prices": cost_lines(c.runs, c.costs),
        "lines": [_line(line, c) for line in c.lines],
        "labels": [r.label for r in c.runs],
        "rankings": _rankings(c.runs),
        "gains": len(shared_gains(c.runs)),
        "transfer": _table(data["transfer"]["cells"], c.runs),
        "drift": drift,
        "simulated": [r.label for r in c.runs if r.audit is not None and r.audit.simulated],
        "flips": flips_note(c.lines),
        "unpaired": any(d is not None and not d.paired for line in c.lines for d in line.differences),
        "stamp": "",
    }
    return render_page("compare.html.jinja", data, context)


def _headline(c: Comparison) -> str:
    best = best_sentence(c.runs, c.trades, c.costs)
    if best:
        return best
    differ = [line.probe for line in c.lines if any(_stands(d) for d in line.differences)]
    runs, lines = plural(len(c.runs), "run"), plural(len(c.lines), "measure")
    if not differ:
        return f"{runs} side by side: in none of {lines} does one differ from the first beyond chance."
    return f"{runs} side by side: in {len(differ)} of {lines} one differs from the first beyond chance."


def _stands(found: Difference | None) -> bool:
    return found is not None and found.p_adjusted < LEVEL


def _run(c: Comparison, k: int) -> Row:
    run, audit = c.runs[k], c.runs[k].audit
    dial_ = audit.discrimination if audit is not None else None
    accuracy = dial_.accuracy if dial_ is not None else run.stored.accuracy.accuracy if run.stored else None
    return {
        "label": run.label,
        "judge": run.judge,
        "served": (audit.served_model if audit is not None else None) or "",
        "path": run.path if run.path != run.judge else "",
        "created": run.created,
        "word": WORDS[audit.verdict] if audit is not None else "",
        "verdict": audit.verdict if audit is not None else "",
        "cases": audit.cases_n if audit is not None else len(run.stored.cases) if run.stored else 0,
        "accuracy": percent(accuracy),
        "span": percent_interval(dial_.low, dial_.high) if dial_ is not None and known(dial_.low) else "",
        "noise": percent(audit.noise.retest_flip_rate) if audit is not None else "",
        "asks": f"{'up to ' if run.asks > 1 else ''}{run.asks}" if run.asks is not None else "",
    }


# ----------------------------------------------------------------------------------------------------- probes and runs


def _cells(c: Comparison) -> list[Row]:
    out: list[Row] = []
    for line in c.lines:
        plain = line.probe == ACCURACY or relation_of(line.probe, c.runs) is Relation.RETEST
        for k, run in enumerate(c.runs):
            value = line.effects[k]
            if value is None:
                continue
            found = run.audit.findings.get(line.probe) if run.audit is not None else None
            gap = line.differences[k]
            out.append(
                {
                    "probe": name(line.probe),
                    "run": run.label,
                    # accuracy and noise are no sway: they get no colour
                    "value": 0.0 if plain else number(value),
                    "shown": _shown(line, value),
                    "decision": found.decision if found is not None else None,
                    "differs": _stands(gap),
                    "says": _cell_says(line, value, run, gap, c.runs[0].label),
                }
            )
    return out


def _shown(line: Line, value: float | None) -> str:
    return share(value) if line.probe == ACCURACY else effect(value)


def _cell_says(line: Line, value: float, run: StoredRun, gap: Difference | None, first: str) -> str:
    text = f"{name(line.probe)} in {run.label}: {_shown(line, value)}"
    if gap is None:
        return text
    stands = "beyond chance" if _stands(gap) else "within chance"
    return f"{text}; {effect(gap.value)} {interval(gap.low, gap.high)} against {first}, {stands}"


def _line(line: Line, c: Comparison) -> Row:
    cells = []
    for k, run in enumerate(c.runs):
        found = run.audit.findings.get(line.probe) if run.audit is not None else None
        gap = line.differences[k]
        cells.append(
            {
                "value": _shown(line, line.effects[k]),
                "order": number(line.effects[k]),
                "sign": found.decision if found is not None else "",
                "gap": "" if gap is None else f"{effect(gap.value)} {interval(gap.low, gap.high)}",
                "stands": _stands(gap),
                "paired": gap is None or gap.paired,
            }
        )
    return {"probe": line.probe, "cells": cells, "symbols": SYMBOLS}


def _family(c: Comparison, trade: Any) -> Row:
    rows = [
        {
            "family": change.family,
            "before": effect(change.before),
            "after": effect(change.after),
            "change": f"{effect(change.value)} {interval(change.low, change.high)}",
            "stands": change.p_adjusted < LEVEL,
        }
        for change in trade.families
    ]
    right = trade.accuracy
    return {
        "label": c.runs[trade.run].label,
        "rows": rows,
        "accuracy": "" if right is None else f"{effect(right.value)} {interval(right.low, right.high)}",
        "changed": "" if not known(trade.changed) else percent(max(0.0, trade.changed)),
    }


def _transfer(runs: Sequence[StoredRun]) -> list[Row]:
    """Net success of each attack on each judge; empty unless two judges were attacked alike."""
    out: list[Row] = []
    audits = [(run.label, run.audit) for run in runs if run.audit is not None]
    for probe in dict.fromkeys(p for _, audit in audits for p in audit.findings):
        nets = [(label, a.findings[probe].metrics.get("asr")) for label, a in audits if probe in a.findings]
        told = [(label, net) for label, net in nets if known(net)]
        if len(told) > 1:
            out += [
                {
                    "probe": name(probe),
                    "run": label,
                    "value": number(net),
                    "shown": effect(net),
                    "decision": None,
                    "differs": False,
                    "says": f"{name(probe)} on {label}: net success {effect(net)}",
                }
                for label, net in told
            ]
    most = {row["probe"]: max(r["value"] for r in out if r["probe"] == row["probe"]) for row in out}
    return sorted(out, key=lambda row: (-most[row["probe"]], row["probe"]))


def _table(cells: Sequence[Row], runs: Sequence[StoredRun]) -> list[Row]:
    """Cells as the rows of a table, a column a run."""
    found = {(cell["probe"], cell["run"]): cell["shown"] for cell in cells}
    return [
        {"probe": probe, "cells": [found.get((probe, run.label), "") for run in runs]}
        for probe in dict.fromkeys(cell["probe"] for cell in cells)
    ]


# -------------------------------------------------------------------------------------------------------- ranks, drift


def _rankings(runs: Sequence[StoredRun]) -> list[Row]:
    shown = [(ACCURACY, "Tells good answers from bad", share), (GAIN, "Gives least to additions", effect)]
    return [
        {"title": title, "rows": [_place(place, runs, words) for place in found]}
        for measure, title, words in shown
        if (found := places(runs, measure))
    ]


def _place(place: Place, runs: Sequence[StoredRun], words: Any) -> Row:
    run = runs[place.run]
    where = str(place.first) if place.first == place.last else f"{place.first} to {place.last}"
    return {"label": run.label, "judge": run.judge, "value": words(place.value), "place": where}


def _drift(c: Comparison) -> list[Row]:
    """One line over time a measure, for runs of one judge; empty for fewer than three of them."""
    runs = sorted((r for r in c.runs if r.judge == c.runs[0].judge and r.created), key=lambda r: r.created)
    if len({r.created for r in runs}) < LEAST_POINTS:
        return []
    lines: list[Row] = []
    for line in c.lines:
        gap = difference(line.probe, runs[0], runs[-1])
        # every point is of the contrast whose change is told
        points = [_point(line.probe, run, None if gap is None else gap.contrast) for run in runs]
        told = [p for p in points if p is not None]
        if len(told) < LEAST_POINTS:
            continue
        lines.append(
            {
                "probe": name(line.probe),
                "points": told,
                "change": "" if gap is None else f"{effect(gap.value)} {interval(gap.low, gap.high)}",
                "moved": abs(gap.value) if gap is not None else 0.0,
                "stands": gap is not None and gap.p * len(c.lines) < LEVEL,
            }
        )
    ranked = sorted(lines, key=lambda row: (row["probe"] != ACCURACY, -row["moved"], row["probe"]))[:MOST_LINES]
    return [{**row, "moved": number(row["moved"])} for row in ranked]


def _point(probe: str, run: StoredRun, contrast: str | None) -> Row | None:
    found = interval_of(probe, run, contrast)
    if found is None:
        return None
    value, error = found
    served = run.audit.served_model if run.audit is not None else None
    return {
        "date": one_line(run.created[:10]),
        "time": run.created,
        "run": run.label,
        "value": number(value),
        "low": number(value - _Z * error),
        "high": number(value + _Z * error),
        "served": name(served or ""),
    }
