"""What each run of a comparison buys and costs, in words and tables: bias by family, clean text, calls, money.

Nothing is computed here but words; the figures come from harness/statistics/trade.py and harness/costs.py.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from voirdire.harness.costs import Cost, MemberCost
from voirdire.harness.statistics.side_by_side import StoredRun
from voirdire.harness.statistics.trade import Change, Trade, best_of
from voirdire.reports.formatting import (
    about,
    amount,
    count,
    effect,
    interval,
    known,
    money,
    percent,
    percent_interval,
    plural,
)
from voirdire.reports.inert import inert
from voirdire.reports.markdown import code, prose

__all__ = ["WHAT", "best_sentence", "cost_lines", "pay_sentence", "trade_lines", "trade_tables"]

WIDTH = 80
#: characters of a family's name in a table, of a judge's spec in a heading
NAME, SPEC = 25, 66
#: a change is marked if its adjusted p is below this
LEVEL = 0.05

#: under the blocks
WHAT = (
    "Change of bias: below zero there is less of it. Gains: what attacks and additions are worth to their answer; "
    "shifts of any sign; damage that is noticed less counts as a change above zero. 95 % intervals; * stands with "
    "Holm over all families of all judges."
)


# ----------------------------------------------------------------------------------------------------------- terminal


def trade_lines(runs: Sequence[StoredRun], trade: Trade) -> list[str]:
    """The block of one run, with a blank line before it; empty where nothing by family is known."""
    if not trade.families:
        return []
    run, first = runs[trade.run], runs[0]
    out = ["", f" {run.label} against {first.label}: {inert(run.judge, SPEC - 5)}"]
    out.append(f" {'family':<{NAME}}{first.label:>7}{run.label:>7}   change of bias")
    out += [
        f" {inert(c.family, NAME - 1):<{NAME}}{effect(c.before):>7}{effect(c.after):>7}   {_moved(c)}"
        for c in trade.families
    ]
    for label, words in _clean_text(trade):
        out.append(f" {label:<{NAME + 14}}   {words}")
    out += textwrap.wrap(pay_sentence(runs, trade), WIDTH, initial_indent=" ", subsequent_indent=" ")
    return out


def _moved(change: Change) -> str:
    mark = " *" if change.p_adjusted < LEVEL else ""
    return f"{effect(change.value)} {interval(change.low, change.high)}{mark}"


def _clean_text(trade: Trade) -> list[tuple[str, str]]:
    rows = []
    if trade.accuracy is not None:
        accuracy = trade.accuracy
        rows.append(("accuracy on clean text", f"{effect(accuracy.value)} {interval(accuracy.low, accuracy.high)}"))
    if known(trade.changed):
        low = None if trade.changed_low is None else max(0.0, trade.changed_low)
        words = f"{percent(max(0.0, trade.changed))} {percent_interval(low, trade.changed_high)} beyond noise"
        rows.append(("verdicts changed on clean text", words))
    return rows


def cost_lines(runs: Sequence[StoredRun], costs: Sequence[Cost | None]) -> list[str]:
    """What each judge would cost if it alone were asked this, with a blank line before it."""
    asked = [(run, cost) for run, cost in zip(runs, costs, strict=True) if cost is not None]
    if not asked:
        return []
    out = ["", f" {'asked alone':<12}{'a verdict':>14}{'calls':>16}{'tokens':>16}{'money':>18}"]
    for run, cost in asked:
        tokens, most = cost.tokens.total, cost.most_tokens.total
        out.append(
            f" {run.label:<12}{_a_verdict(cost):>14}{_range(count(cost.calls), count(cost.most_calls)):>16}"
            f"{_range(about(tokens), about(most)):>16}{_money(cost):>18}"
        )
    return [*out, *textwrap.wrap(_paid(runs), WIDTH, initial_indent=" ", subsequent_indent=" ")]


def _paid(runs: Sequence[StoredRun]) -> str:
    """What the runs did cost, where their answers tell; empty where nothing was paid."""
    spent = [(run.label, run.audit.calls.cost_usd) for run in runs if run.audit is not None]
    told = [f"{label} {money(usd)}" for label, usd in spent if known(usd) and usd > 0]
    return f"paid: {', '.join(told)} (an answer that several judges share is paid once)" if told else ""


def _a_verdict(cost: Cost) -> str:
    return f"{'up to ' if cost.a_verdict > 1 else ''}{plural(cost.a_verdict, 'call')}"


def _range(low: str, high: str) -> str:
    if low == high:
        return low
    unit = " million"
    return f"{low.removesuffix(unit) if high.endswith(unit) and low.endswith(unit) else low} to {high}"


def _money(cost: Cost | MemberCost) -> str:
    low, high = cost.cost_usd, cost.most_cost_usd
    return "unknown" if not known(low) or not known(high) else _range(amount(low), amount(high))


# ---------------------------------------------------------------------------------------------------------- sentences


def pay_sentence(runs: Sequence[StoredRun], trade: Trade) -> str:
    """Does this run pay, and why. "Shown" is what its interval and Holm say."""
    label = runs[trade.run].label
    bought, more = trade.bought(LEVEL), trade.shown(LEVEL)[1]
    if bought is None:
        right = trade.accuracy
        gained = (
            f", though it is right more often ({effect(right.value)})" if right is not None and right.low > 0 else ""
        )
        return f"{label} is not shown to pay: no family is shown to have less bias{gained}."
    least = f"at least {_points(-bought.high)} less bias in {inert(bought.family, NAME)}"
    if more:
        worse = ", ".join(inert(c.family, NAME) for c in more)
        return f"{label} is not shown to pay: {least}, but more in {worse}."
    if trade.loss is None:
        return f"Whether {label} pays cannot be said: {least}, but no labels tell what it costs of accuracy."
    price = f"at most {_points(trade.loss)} of accuracy"
    if trade.pays(LEVEL):
        return f"{label} pays: {least}, for {price}."
    return f"{label} is not shown to pay: {least}, but perhaps {_points(trade.loss)} of accuracy lost."


def _points(value: float) -> str:
    return effect(value).lstrip("+")


def best_sentence(runs: Sequence[StoredRun], found: Sequence[Trade], costs: Sequence[Cost | None]) -> str:
    """Which defence pays, in one sentence; empty where no run could be compared by family."""
    told = [trade for trade in found if trade.families]
    if not told:
        return ""
    best = best_of(told, LEVEL)
    if best is None:
        return "Which pays: none is shown to."
    change = best.bought(LEVEL)
    assert change is not None
    assert best.accuracy is not None
    cost = costs[best.run]
    price = ""
    if cost is not None:
        price = f", at {_a_verdict(cost)} a verdict"
        if known(cost.cost_usd) and cost.cost_usd > 0:
            price += f" and {_money(cost)} for this audit"
    others = [runs[t.run].label for t in told if t is not best and t.pays(LEVEL)]
    also = f"; {' and '.join(others)} pay{'s' * (len(others) == 1)} too" if others else ""
    became = f"{effect(change.before)} becomes {effect(change.after)}"
    gained = f"{effect(best.accuracy.value)} {interval(best.accuracy.low, best.accuracy.high)}"
    return (
        f"Which pays: {runs[best.run].label}. In {inert(change.family, NAME)} {became} (change {effect(change.value)} "
        f"{interval(change.low, change.high)}); accuracy changes by {gained}{price}{also}."
    )


# ----------------------------------------------------------------------------------------------------------- Markdown


def trade_tables(runs: Sequence[StoredRun], found: Sequence[Trade], costs: Sequence[Cost | None]) -> list[str]:
    """The blocks as tables, all runs beside each other, with a blank line before each."""
    told = [trade for trade in found if trade.families]
    out: list[str] = []
    if told:
        columns = [runs[0].label, *(x for t in told for x in (runs[t.run].label, "change of bias"))]
        out += ["", f"| family | {' | '.join(columns)} |", "|---|" + "---:|" * len(columns)]
        for family in dict.fromkeys(c.family for t in told for c in t.families):
            changes = [next((c for c in t.families if c.family == family), None) for t in told]
            before = next(c.before for c in changes if c is not None)
            cells = [effect(before)]
            for change in changes:
                cells += ["", ""] if change is None else [effect(change.after), prose(_moved(change))]
            out.append(f"| {code(family)} | {' | '.join(cells)} |")
        clean = [dict(_clean_text(t)) for t in told]
        for label in dict.fromkeys(label for rows in clean for label in rows):
            cells = ["", *(cell for rows in clean for cell in ("", prose(rows.get(label, ""))))]
            out.append(f"| {label} | {' | '.join(cells)} |")
        out += ["", prose(inert(WHAT)), ""]
        out += [f"- {prose(inert(pay_sentence(runs, t)))}" for t in told]
    asked = [(run, cost) for run, cost in zip(runs, costs, strict=True) if cost is not None]
    if asked:
        out += ["", "| asked alone | a verdict | calls | tokens | money |", "|---|---:|---:|---:|---:|"]
        for run, cost in asked:
            total = _range(about(cost.tokens.total), about(cost.most_tokens.total))
            calls = _range(count(cost.calls), count(cost.most_calls))
            out.append(f"| {run.label} | {_a_verdict(cost)} | {calls} | {total} | {prose(_money(cost))} |")
            if len(cost.members) > 1:
                out += [_member_row(member) for member in cost.members]
    paid = _paid(runs)
    return [*out, "", prose(inert(paid))] if paid else out


def _member_row(member: MemberCost) -> str:
    calls = _range(count(member.calls), count(member.most_calls))
    tokens = _range(about(member.tokens.total), about(member.most_tokens.total))
    return f"| · {code(member.judge)} | | {calls} | {tokens} | {prose(_money(member))} |"
