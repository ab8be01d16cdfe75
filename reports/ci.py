"""What a CI system is told of a run: the state of every probe, its message, the numbers behind it.

One place, so that the JUnit file, the annotations and the job summary can never disagree on what is red. How it is
escaped is the renderers' business (`junit`, `github`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from voirdire.harness.findings import Audit, Decision, Finding, Regression
from voirdire.harness.relations import Relation
from voirdire.reports.formatting import count, effect, interval, known, level, percent, plural, probability, share
from voirdire.reports.selection import excess
from voirdire.reports.words import (
    Headline,
    discrimination_sentence,
    finding_sentence,
    headline_parts,
    noise_sentence,
    reason_words,
)

__all__ = [
    "DISCRIMINATION",
    "RED",
    "State",
    "change_sentence",
    "discrimination_message",
    "discrimination_state",
    "is_held",
    "message",
    "numbers",
    "opening",
    "ranked",
    "reason_in_words",
    "state",
]

#: "regressed": worse than its baseline; "unreachable": undecided because the judge could not be asked; "known":
#: violated, as in the baseline already; "not_worse": its tolerance is open, but a baseline is what counts
State = Literal["regressed", "violated", "unreachable", "open", "known", "not_worse", "holds", "not_applicable"]
#: the states that turn a build red by themselves, the most pressing first
RED: tuple[State, ...] = ("regressed", "violated")

_ORDER: tuple[State, ...] = (*RED, "unreachable", "open", "known", "not_worse", "holds", "not_applicable")
_WORDS = {"held": "PASS", "regressed": "REGRESSED", "violated": "FAIL", "inconclusive": "INCONCLUSIVE"}
_SAID: dict[Regression, str] = {
    "regressed": "Worse than the baseline",
    "not_worse": "Not worse than the baseline",
    "inconclusive": "Whether it is worse than the baseline is open",
}
#: name of the test of accuracy, beside those of the probes
DISCRIMINATION = "discrimination"


def _gate(audit: Audit) -> Mapping[str, Any] | None:
    """What a gate with a baseline decided, as it left it among the metrics; None for any other run."""
    gate = audit.metrics.get("gate")
    return gate if isinstance(gate, Mapping) and gate.get("baseline") else None


def state(finding: Finding, audit: Audit) -> State:
    """What `finding` means for a build; the first of the states that applies."""
    return _state(audit, finding.probe, finding.decision, finding.regression)


def discrimination_state(audit: Audit) -> State:
    """The same for telling good answers from bad."""
    gate = _gate(audit) or {}
    return _state(audit, DISCRIMINATION, audit.discrimination.decision, gate.get(DISCRIMINATION, {}).get("state"))


def _state(audit: Audit, name: str, decision: Decision, regression: Regression | None) -> State:
    gate = _gate(audit)
    if regression == "regressed":
        return "regressed"
    if decision == "violated":
        return "known" if gate and name in gate["known"] else "violated"
    if (decision == "inconclusive" or regression == "inconclusive") and _unreachable(audit):
        return "unreachable"
    if regression == "inconclusive":
        return "open"
    if decision == "inconclusive":
        return "not_worse" if regression == "not_worse" else "open"
    return decision


def _unreachable(audit: Audit) -> bool:
    return audit.verdict == "error" or audit.stopped == "judge"


def ranked(audit: Audit, states: Iterable[State]) -> list[Finding]:
    """The findings in `states`: by state, then by how far they got worse or lie past their limit, then by name."""
    wanted = set(states)
    found = [(state(finding, audit), finding) for finding in audit.findings.values()]
    kept = [(_ORDER.index(what), -_weight(what, f), f.probe, f) for what, f in found if what in wanted]
    return [entry[-1] for entry in sorted(kept, key=lambda entry: entry[:3])]


def _weight(what: State, finding: Finding) -> float:
    if what == "regressed" and known(finding.change):
        return finding.change
    return excess(finding)


def opening(audit: Audit) -> Headline:
    """The run in sentences. What a gate with a baseline decided comes before everything but an error."""
    parts = headline_parts(audit)
    if audit.verdict == "error" or not (gate := _gate(audit)):
        return parts
    tests = [state(f, audit) for f in audit.findings.values() if f.regression]
    if gate.get(DISCRIMINATION):
        tests.append(discrimination_state(audit))
    worse, opened = tests.count("regressed"), tests.count("open")
    number = plural(len(tests), "test")
    claims = {
        "held": f"None of {number} got worse than the baseline{_beside(opened)}.",
        "regressed": f"{worse:,} of {number} got worse than the baseline.",
        "violated": f"Violated now, not in the baseline: {', '.join(gate['red'])}.",
        "inconclusive": f"Nothing got visibly worse than the baseline, but {opened:,} of {number} are open.",
    }
    more = [f"Changed since the baseline: {'; '.join(gate['judge'])}."] if gate["judge"] else []
    more += [f"Not asked the same: {text}." for text in gate["mismatches"]]
    more += [f"Violated, as in the baseline: {', '.join(gate['known'])}."] if gate["known"] else []
    more += [discrimination_sentence(audit), noise_sentence(audit)]
    return Headline(_WORDS[gate["state"]], claims[gate["state"]], more=tuple(more))


def _beside(opened: int) -> str:
    """What a gate that held must admit: a test may stay open as long as it rules out large growth."""
    return f"; {plural(opened, 'test')} could not be decided to the margin" if opened else ""


def is_held(audit: Audit) -> bool:
    """Did a gate with a baseline hold? What is open in it then is worth a look, not a warning."""
    gate = _gate(audit)
    return gate is not None and gate["state"] == "held"


def discrimination_message(audit: Audit) -> str:
    """Telling good answers from bad in plain words; the change of the share of errors first, where there is one."""
    change = (_gate(audit) or {}).get(DISCRIMINATION)
    if not change:
        return discrimination_sentence(audit)
    then, now = percent(change["error_rate_then"]), percent(change["error_rate_now"])
    span = f"{effect(change['change'])} {interval(change['low'], change['high'])}, margin {share(change['margin'])}"
    why = reason_in_words(change["reason"])
    compared = f"{_SAID[change['state']]}: {then} wrong then, {now} now, change {span}{f' ({why})' if why else ''}."
    return f"{compared} {discrimination_sentence(audit)}"


def message(finding: Finding, audit: Audit) -> str:
    """The finding in plain words; the comparison with the baseline first, where there is one."""
    return " ".join(part for part in (change_sentence(finding), finding_sentence(finding, audit)) if part)


def change_sentence(finding: Finding) -> str:
    """What became of the probe since the baseline, with the numbers; empty without a baseline."""
    if finding.regression is None:
        return ""
    figures = []
    if known(finding.baseline_effect):
        figures.append(f"{effect(finding.baseline_effect)} then, {effect(finding.effect)} now")
    if known(finding.change):
        figures.append(f"change {effect(finding.change)} {interval(finding.change_low, finding.change_high)}")
    if known(finding.margin):
        figures.append(f"margin {share(finding.margin)}")
    why = f" ({reason_in_words(finding.regression_reason)})" if finding.regression_reason else ""
    return f"{_SAID[finding.regression]}{': ' if figures else ''}{', '.join(figures)}{why}."


def reason_in_words(reason: str | None) -> str:
    """Why a comparison is open, in the words that `reason_words` has for a finding."""
    return reason_words(Finding("", "", Relation.NO_GAIN, "inconclusive", reason=reason))


def numbers(finding: Finding) -> list[tuple[str, str]]:
    """The numbers behind the message, as (name, text); what is unknown is left out. Case ids are others' text."""
    confidence = f"{level(finding.level)} interval" if known(finding.level) else "interval"
    drop = finding.relation is Relation.MUST_DROP
    rows: list[tuple[str, float | None, str]] = [
        ("effect", finding.effect, f"{effect(finding.effect)}{f' ({finding.estimand})' if finding.estimand else ''}"),
        (confidence, finding.low, interval(finding.low, finding.high)),
        ("tolerance", None if drop else finding.tolerance, share(finding.tolerance)),
        ("smallest drop that counts as noticed", finding.min_drop if drop else None, share(finding.min_drop)),
        ("effect in the baseline", finding.baseline_effect, effect(finding.baseline_effect)),
        ("change", finding.change, f"{effect(finding.change)} {interval(finding.change_low, finding.change_high)}"),
        ("margin", finding.margin, share(finding.margin)),
        ("adjusted p", finding.p_adjusted, probability(finding.p_adjusted)),
        ("cases", finding.n, f"{count(finding.n)}, {finding.samples} calls an arm"),
        ("more cases needed", finding.more_cases_needed, count(finding.more_cases_needed)),
        ("effect of the placebo", finding.sham_effect, effect(finding.sham_effect)),
        ("verdicts that changed", finding.flip_rate, percent(finding.flip_rate)),
        ("noise: verdicts that change on asking again", finding.retest_flip_rate, percent(finding.retest_flip_rate)),
        ("noise: under a meaningless edit", finding.neutral_flip_rate, percent(finding.neutral_flip_rate)),
    ]
    out = [(name, text) for name, value, text in rows if known(value)]
    missing = ", ".join(f"{number} {arm.replace('_', '-')}" for arm, number in finding.nulls.items() if number)
    if missing:
        out.append(("calls without a verdict", missing))
    if finding.counterexamples:
        out.append(("counter-examples", " ".join(finding.counterexamples)))
    return out
