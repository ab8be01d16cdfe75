"""Recommendations that were measured, and what measuring the others would cost.

A defence is recommended only where this run or a stored one measured it and the interval of what it gains excludes
zero (harness/statistics/remedies.py, `metrics["remedies"]`). For every other one: the command that measures it, and
about how many calls and how much money that takes, at the price of this run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from voirdire.harness.cases import Task
from voirdire.harness.findings import Audit, Finding
from voirdire.harness.judges.grammar import write as wrapped
from voirdire.reports.commands import compare_with, judge_named
from voirdire.reports.formatting import effect, interval, known, money, percent, plural
from voirdire.reports.text import one_line

__all__ = ["Topic", "averaging", "price", "recommended", "to_measure"]

Topic = str


@dataclass(frozen=True, slots=True)
class Defence:
    """A wrapper that may help with a topic: `calls` of the judge for one verdict, at most; `tasks` it can wrap."""

    wrapper: str
    params: Mapping[str, str]
    calls: int
    tasks: tuple[Task, ...] = ("pairwise", "score", "grade", "ranking")


#: what is worth measuring, by what is wrong; nothing here is a promise
DEFENCES: dict[Topic, tuple[Defence, ...]] = {
    "order": (Defence("swap_average", {}, 2, ("pairwise", "ranking")),),
    "attack": (Defence("neutralise", {}, 1), Defence("delimit", {}, 1)),
    "surface": (Defence("strip_markup", {}, 1),),
    "stable": (Defence("majority", {"k": "5"}, 5, ("pairwise", "grade", "ranking")),),
}
#: `strip_markup` is of use against these families only
MARKUP = ("format",)


def averaging(audit: Audit) -> str:
    """What averaging both orders does to this judge, as this run measured it; empty where it did not.

    It cancels a preference for a slot whatever the judge; what it gains in accuracy has an interval, case by case.
    """
    d = audit.discrimination
    if audit.task != "pairwise" or not known(d.swap_averaged) or not known(d.accuracy):
        return ""
    means = f"{percent(d.swap_averaged)} of the cases instead of {percent(d.accuracy)}"
    if not known(d.swap_gain) or not known(d.swap_gain_low) or not known(d.swap_gain_high):
        return f" In this run the average of both orders was right in {means}; its interval is not known."
    span = f"{effect(d.swap_gain)} {interval(d.swap_gain_low, d.swap_gain_high)}"
    if d.swap_gain_low > 0:
        return f" In this run it was also right in {means} ({span}, case by case), so it is worth its price."
    if d.swap_gain_high < 0:
        return f" In this run it was right in {means} ({span}, case by case), so it costs accuracy."
    return f" In this run it is not shown to change accuracy ({span}, case by case)."


def recommended(audit: Audit, findings: Iterable[Finding]) -> str:
    """The stored runs that measured something for `findings`: the best that helps, or that none is shown to.

    Empty where no stored run was given.
    """
    names = {f.probe for f in findings}
    tried = [(run, [p for p in run["probes"] if p["probe"] in names]) for run in _remedies(audit)]
    tried = [(run, probes) for run, probes in tried if probes]
    helped = [(run, [p for p in probes if p["better"]]) for run, probes in tried]
    helped = sorted(((r, p) for r, p in helped if p), key=lambda pair: (-_gained(pair[1]), pair[0]["judge"]))
    if helped:
        return _says(*helped[0])
    if tried:
        listed = ", ".join(f"`{_judge(run)}`" for run, _ in tried)
        return f" Measured and not shown to help: {listed}."
    return ""


def _remedies(audit: Audit) -> list[Mapping[str, Any]]:
    found = audit.metrics.get("remedies")
    return [run for run in found if isinstance(run, Mapping)] if isinstance(found, list | tuple) else []


def _gained(probes: list[Mapping[str, Any]]) -> float:
    return max(abs(float(p["change"])) for p in probes)


def _judge(run: Mapping[str, Any]) -> str:
    return one_line(str(run["judge"]), 160).replace("`", "⟨U+0060⟩")


def _says(run: Mapping[str, Any], probes: list[Mapping[str, Any]]) -> str:
    best = max(probes, key=lambda p: (abs(p["change"]), p["probe"]))
    more = f", and helps in {plural(len(probes) - 1, 'more probe')}" if len(probes) > 1 else ""
    how = "the same cases" if best["paired"] else "two runs' intervals"
    right = run["accuracy"]
    text = (
        f"`{_judge(run)}` takes {one_line(str(best['probe']), 60)} from {effect(best['before'])} to "
        f"{effect(best['after'])} (change {effect(best['change'])} {interval(best['low'], best['high'])}, {how}){more}"
    )
    price = f", at up to {plural(run['asks'], 'call')} a verdict" if run["asks"] else ""
    if right is None:
        return f" Measured: {text}{price}; what it does to accuracy is not known."
    span = f"{effect(right['change'])} {interval(right['low'], right['high'])}"
    if right["high"] < 0:
        return f" Measured: {text}, but it costs accuracy ({span}){price}: weigh the two."
    return f" Recommended, since measured: {text}, for an accuracy of {span}{price}."


# ------------------------------------------------------------------------------------------------------- not measured


def to_measure(audit: Audit, topic: Topic, families: Iterable[str] = ()) -> str:
    """How to measure the defences of `topic` that fit this judge, and what that costs; empty where there are none."""
    kinds = set(families)
    fitting = [d for d in DEFENCES.get(topic, ()) if audit.task in d.tasks]
    if topic == "surface" and not kinds & set(MARKUP):
        fitting = []
    if not fitting:
        return ""
    judges = [wrapped(d.wrapper, [judge_named(audit)], d.params) for d in fitting]
    return f"{compare_with(audit, judges)} {price(audit, sum(d.calls for d in fitting))}"


def price(audit: Audit, times: int = 1) -> str:
    """About what asking `times` as many calls as this run planned would take: "(up to 6,412 calls, about $3.90)"."""
    calls, made = audit.calls.planned * times, audit.calls.made
    if not calls:
        return ""
    text = f"up to {plural(calls, 'more call')}"
    if known(audit.calls.cost_usd) and audit.calls.cost_usd > 0 and made:
        text += f", about {money(audit.calls.cost_usd / made * calls)}"
    return f"({text})"
