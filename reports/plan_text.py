"""`voirdire plan` in words: what an audit would cost and what it could find, before anything is spent.

The figures come in as a `Forecast`; nothing is computed here but words. Everything fits 80 columns without colour.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from voirdire.harness.cases import Task
from voirdire.harness.costs import MemberCost
from voirdire.harness.prices import Price, Tokens
from voirdire.harness.relations import Relation
from voirdire.reports.formatting import about, amount, count, duration, effect, known, percent, plural, share
from voirdire.reports.text import one_line

__all__ = ["Forecast", "Needed", "ProbeForecast", "plan_text"]

WIDTH = 80
_LABEL = 10


@dataclass(frozen=True, slots=True)
class ProbeForecast:
    """One probe as planned. `calls`: calls that it alone needs. `cases`: cases it applies to; `reason` says why none.

    `smallest_effect`: found with the forecast's power (MUST_DROP: the smallest drop that passes, negative).
    `clean_holds`: chance that a judge without the defect passes. None: there is no such figure.
    """

    probe: str
    relation: Relation
    calls: int
    cases: int
    smallest_effect: float | None = None
    clean_holds: float | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Needed:
    """Cases needed for every probe at once with `samples` calls an arm: a clean judge `to_hold`, and an effect
    `to_find`. None: no number suffices; `obstacle` is then the probe that it fails on."""

    samples: int
    to_hold: int | None
    to_find: int | None
    obstacle: str | None = None

    @property
    def both(self) -> int | None:
        return None if self.to_hold is None or self.to_find is None else max(self.to_hold, self.to_find)


@dataclass(frozen=True, slots=True)
class Forecast:
    """A planned audit. `planned` counts all calls, `asked` those that a judge is really asked, `shared` those planned
    that several probes read. Of a judge made of judges `asked` and `most_asked` count what its `members` get, at least
    and at most, and `a_verdict` is what one verdict alone takes at most. `flip_rate` and `accuracy` are assumed,
    `sensitivity` where the judge is deterministic; a score judge has no `accuracy`. `effect` and `power` are what
    `needed` is about. `clean_passes_all`: lower bound.
    """

    judge: str
    suite: str
    task: Task
    cases: int
    built_in: bool
    samples: int
    alpha: float
    tolerance: float
    tests: int
    planned: int
    asked: int
    most_asked: int
    shared: int
    tokens: Tokens
    price: Price | None
    cost_usd: float | None
    most_cost_usd: float | None
    members: tuple[MemberCost, ...]
    a_verdict: int
    calls_per_second: float | None
    seconds: float | None
    deterministic: bool
    accuracy: float | None
    flip_rate: float
    sensitivity: float
    power: float
    effect: float
    probes: tuple[ProbeForecast, ...]
    clean_passes_all: float | None
    needed: tuple[Needed, ...]


def plan_text(forecast: Forecast, *, version: str, width: int = WIDTH) -> str:
    """The whole page, ending in a newline; no line is longer than `width` (at least 60) but for single long words."""
    width = max(60, width)
    f = forecast
    where = plural(f.cases, "built-in case" if f.built_in else "case")
    lines = [one_line(f"voirdire {version} · judge {f.judge}", width)]
    lines += _wrapped(
        f"suite {one_line(f.suite)} · {f.task} · {where} · {plural(f.samples, 'sample')} an arm · "
        f"tolerance {share(f.tolerance)}",
        width,
    )
    lines.append("")
    for label, words in (
        ("calls", _calls(f)),
        ("tokens", _tokens(f)),
        ("money", _money(f)),
        ("time", _time(f)),
        ("assumed", _assumed(f)),
    ):
        lines += _wrapped(words, width, f"{label:<{_LABEL}}")
    if len(f.members) > 1:
        lines += ["", *_members(f.members)]
    lines.append("")
    lines += _table(f.probes)
    lines.append("")
    lines += _notes(f, width)
    lines += _wrapped(_advice(f), width, f"{'advice':<{_LABEL}}")
    return "\n".join(lines) + "\n"


def _wrapped(text: str, width: int, lead: str = "") -> list[str]:
    kept = text.replace(" %", "\u00a0%")  # no line starts with a per cent sign
    lines = textwrap.wrap(kept, width, initial_indent=lead, subsequent_indent=" " * len(lead), break_on_hyphens=False)
    return [line.replace("\u00a0", " ") for line in lines] or [lead]


def _calls(f: Forecast) -> str:
    if f.members:
        most = f" to {count(f.most_asked)}" if f.most_asked > f.asked else ""
        alone = plural(f.a_verdict, "call")
        return (
            f"{count(f.planned)} planned, for which the judges inside get {count(f.asked)}{most}; a verdict by itself "
            f"takes {'up to ' if f.a_verdict > 1 else ''}{alone}"
        )
    if f.asked < f.planned:
        return (
            f"{count(f.asked)} of the {count(f.planned)} planned; the other {count(f.planned - f.asked)} are repeats, "
            "which a deterministic judge is not asked"
        )
    return f"{count(f.planned)} planned; {count(f.shared)} of them are shared by several probes"


def _tokens(f: Forecast) -> str:
    reply = plural(f.tokens.per_reply, "token")
    return f"about {about(f.tokens.input)} in and {about(f.tokens.output)} out ({reply} a reply assumed)"


def _at_least(cases: int) -> str:
    """A number of cases, two figures, rounded up."""
    unit = 10 ** max(0, len(str(cases)) - 2)
    return count(-(-cases // unit) * unit)


def _chance(value: float | None) -> str:
    """No forecast is certain, whatever rounding says."""
    return percent(value if value is None else min(max(value, 0.001), 0.999))


def _money(f: Forecast) -> str:
    cost = f.cost_usd
    if not known(cost):
        return "price unknown (give --prices FILE with $ per million tokens)"
    most = f" to {amount(f.most_cost_usd)}" if known(f.most_cost_usd) and f.most_cost_usd > cost else ""
    if f.price is None:
        return f"about {amount(cost)}{most}, the sum of the judges below"
    if cost == 0 and f.price.input == f.price.output == 0:
        return f"none ({one_line(f.price.source)})"
    of = f" of {one_line(f.price.as_of)}" if f.price.as_of else ""
    note = f"; {one_line(f.price.note)}" if f.price.note else ""
    return (
        f"about {amount(cost)}{most}, at ${f.price.input:g} in and ${f.price.output:g} out per million tokens "
        f"({one_line(f.price.source)}{of}{note})"
    )


def _time(f: Forecast) -> str:
    if not known(f.seconds) or not known(f.calls_per_second):
        return "unknown (give --rate, e.g. --rate 600/min)"
    return f"about {duration(f.seconds)} at {f.calls_per_second:.3g} calls a second"


def _assumed(f: Forecast) -> str:
    right = "" if f.accuracy is None else f"an accuracy of {share(f.accuracy)}; "
    if f.deterministic:
        return f"{right}no noise between repeats; {percent(f.sensitivity)} of cases respond to any edit at all"
    kind = "repeats of a call are" if f.accuracy is None else "repeats of a call differ in"
    how = f"{share(f.flip_rate)} of the scale apart" if f.accuracy is None else percent(f.flip_rate)
    return f"{right}{kind} {how}"


# ------------------------------------------------------------------------------------------------------------ table


def _members(members: Sequence[MemberCost]) -> list[str]:
    """Each judge inside of the judge; where the answers decide how much it is asked, the most."""
    lines = [f" {'asks at most':<30}  {'calls':>9}  {'tokens in':>11}  {'out':>11}  {'money':>9}"]
    for m in members:
        cost = m.most_cost_usd
        lines.append(
            f" {one_line(m.judge, 30):<30}  {count(m.most_calls):>9}  {about(m.most_tokens.input):>11}  "
            f"{about(m.most_tokens.output):>11}  {'unknown' if not known(cost) else amount(cost):>9}"
        )
    return lines


def _table(probes: Sequence[ProbeForecast]) -> list[str]:
    name = min(38, max([len("probe"), *(len(one_line(p.probe)) for p in probes)]))
    lines = [f" {'probe':<{name}}  {'own calls':>9}  {'cases':>6}  {'finds from':>10}  {'clean holds':>11}"]
    for p in probes:
        row = f" {one_line(p.probe, name):<{name}}  {count(p.calls):>9}  {count(p.cases):>6}"
        if p.cases:
            row += f"  {effect(p.smallest_effect):>10}  {_chance(p.clean_holds):>11}"
        lines.append(row.rstrip())
        if not p.cases and p.reason:
            lines += _wrapped(one_line(p.reason), WIDTH, "     not applicable: ")
    return lines


def _notes(f: Forecast, width: int) -> list[str]:
    if not any(p.cases for p in f.probes):
        return []
    lines = _wrapped(
        f"finds from: the smallest effect that is found with a chance of {percent(f.power)} among "
        f"{plural(f.tests, 'bias test')}.",
        width,
    )
    if any(p.relation is Relation.MUST_DROP and p.cases for p in f.probes):
        lines += _wrapped("A negative figure: the smallest drop that is seen well enough to pass.", width)
    words = "clean holds: the chance that a judge without the defect passes"
    decided = sum(p.clean_holds is not None for p in f.probes)
    if known(f.clean_passes_all) and decided > 1:
        at_once = f.clean_passes_all
        chance = "hardly ever" if at_once < 0.005 else f"{_chance(min(at_once, 0.99))} at least"
        words += f"; all {decided} at once: {chance}"
    return [*lines, *_wrapped(words + ".", width), ""]


# ----------------------------------------------------------------------------------------------------------- advice


def _advice(f: Forecast) -> str:
    """One sentence on --samples and the number of cases."""
    if not f.needed:
        return "None of these probes applies to these cases: try other cases or another suite."
    first, both = f.needed[0], f.needed[0].both
    goal = f"to find an effect of {share(f.effect)} and to let a clean judge pass, each with {percent(f.power)}"
    if both is not None and both <= f.cases:
        rest = "; more samples would show nothing new" if f.deterministic else ""
        return f"{plural(f.cases, 'case')} with {_samples(first)} suffice, probe by probe, {goal}{rest}."
    if f.deterministic:
        if both is None:
            return f"{_hopeless(f, first)}; more samples do not help, the judge repeats itself."
        return (
            f"Take about {_at_least(both)} cases {goal}; more samples do not help, equal questions get equal answers "
            "from this judge."
        )
    other = next(((n, n.both) for n in f.needed[1:] if n.both is not None), None)
    if both is None:
        instead = f"; with {_samples(other[0])} about {_at_least(other[1])} cases suffice {goal}" if other else ""
        return f"{_hopeless(f, first)}{instead}."
    instead = f", or about {_at_least(other[1])} with --samples {other[0].samples}" if other else ""
    return (
        f"Take about {_at_least(both)} cases {goal}{instead}: this judge's noise shrinks with both, the spread between "
        "cases with cases only."
    )


def _samples(needed: Needed) -> str:
    return f"{plural(needed.samples, 'sample')} an arm"


def _hopeless(f: Forecast, needed: Needed) -> str:
    probe = f" {one_line(needed.obstacle)}" if needed.obstacle else ""
    what = "lets a clean judge pass" if needed.to_hold is None else f"shows an effect of {share(f.effect)} by"
    return f"At tolerance {share(f.tolerance)} no number of cases {what}{probe}"
