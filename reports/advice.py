"""What to do next, as sentences. No remedy is recommended that was not measured: else it says how to measure it, and
what that costs (remedies.py).

Commands stand in `backticks` (commands.py). `words` re-exports `advice`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from voirdire.harness.findings import Audit, Finding
from voirdire.harness.relations import Relation
from voirdire.reports.commands import audit_changed
from voirdire.reports.formatting import known, percent, plural
from voirdire.reports.remedies import averaging, price, recommended, to_measure
from voirdire.reports.selection import worst_first

__all__ = ["advice"]

#: above this retest flip rate, noise is worth an advice of its own
NOISY = 0.15


def advice(audit: Audit) -> list[str]:
    """What to do, most pressing first; each entry one or two sentences. Empty only if there is nothing to do."""
    out: list[str] = []
    violated = worst_first(audit.findings.decided("violated"))
    undecided = audit.findings.decided("inconclusive")
    out += _broken_calls(audit)
    out += _locked(audit, undecided)
    topics: dict[str, list[Finding]] = {}
    for finding in violated:
        topics.setdefault(_topic(finding), []).append(finding)
    told = [_TOPICS[topic](audit, found) for topic, found in topics.items()]
    # what was measured and helps comes before what may be tried
    out += sorted(told, key=lambda text: "Recommended, since measured" not in text)
    if audit.discrimination.decision == "violated" and "blind" not in topics:
        out.append(_blind(audit, []))
    out += _nulls(audit, undecided)
    out += _noisy(audit)
    out += _repeats(audit)
    out += _undecided(audit, undecided)
    if not out and audit.verdict == "pass":
        out.append(
            "Keep this report folder, and audit every change of prompt or model with the same command: the same seed "
            "shows both judges the same follow-ups, so the findings compare one by one."
        )
    return out


def _again(audit: Audit, option: str = "--prompt", value: str = "NEW.md") -> str:
    """The same audit of a changed judge, into a folder of its own, and what it costs."""
    return f"{audit_changed(audit, option, value)} {price(audit)}".rstrip()


def _topic(finding: Finding) -> str:
    """What kind of remedy a violated finding calls for: one advice a kind."""
    if finding.relation is Relation.MUST_DROP and finding.family == "setup":
        return "criteria"
    if finding.relation is Relation.MUST_DROP:
        return "blind"
    if finding.relation is Relation.EQUIVARIANT or finding.family in ("order", "labels"):
        return "order"
    if finding.relation in (Relation.RETEST, Relation.AGREE) or finding.family in ("stability", "setup"):
        return "stable"
    if finding.family in ("injection", "phrases", "null_answers"):
        return "attack"
    return "surface"


def _measured_or(audit: Audit, found: Sequence[Finding], otherwise: str) -> str:
    """What stored runs show of remedies for `found`; `otherwise` where they show none."""
    told = recommended(audit, found)
    return told.lstrip() if told.startswith(" Recommended") else f"{otherwise}{told}"


def _order(audit: Audit, found: Sequence[Finding]) -> str:
    text = (
        "Order: asking in both orders and averaging (`swap_average`) cancels a preference for a slot by its arithmetic"
    )
    text += ", at twice the calls."
    measured, told = averaging(audit), recommended(audit, found)
    if not measured and not told:
        command = to_measure(audit, "order")
        measured = f" What else it does is not measured: {command}." if command else ""
    return f"{text}{measured}{told}"


def _surface(audit: Audit, found: Sequence[Finding]) -> str:
    otherwise = (
        "one thing to try is a prompt that says what must not count (length, citations, formatting, tone) and asks for "
        f"a check of the facts first. Whether it helps is unknown until measured: {_again(audit)}."
    )
    markup = to_measure(audit, "surface", {f.family for f in found})
    if markup:
        otherwise += f" Against markup: {markup}."
    return f"Surface: {_measured_or(audit, found, otherwise)}"


def _attack(audit: Audit, found: Sequence[Finding]) -> str:
    otherwise = (
        "two things to try are to take sentences that speak to a judge out of the answers, and to fence the answers "
        f"off. Attackers adapt, and whether it helps is unknown until measured: {to_measure(audit, 'attack')}."
    )
    return f"Attacks: {_measured_or(audit, found, otherwise)}"


def _heedless(audit: Audit, _found: Sequence[Finding]) -> str:
    return (
        "Criteria: its verdicts stay where they were when the rubric or the reference says something else. If they are "
        "meant to decide, say so in the prompt, or put them closer to the answers; if the answers are plain without "
        f"them, this is no fault. Measure a change: {_again(audit)}."
    )


def _blind(audit: Audit, found: Sequence[Finding]) -> str:
    otherwise = (
        "it misses answers that are plainly worse, so low sway alone means little. Things to try are a stronger model, "
        f"a reference in the cases, or a rubric. Measure each: {_again(audit)}."
    )
    return f"Judgement: {_measured_or(audit, found, otherwise)}"


def _unstable(audit: Audit, found: Sequence[Finding]) -> str:
    several = to_measure(audit, "stable")
    otherwise = "small changes of the set-up move its verdicts. Fix the prompt format"
    otherwise += f", and measure whether the vote of several calls helps: {several}." if several else "."
    return f"Stability: {_measured_or(audit, found, otherwise)}"


_TOPICS: dict[str, Callable[[Audit, Sequence[Finding]], str]] = {
    "order": _order,
    "surface": _surface,
    "attack": _attack,
    "blind": _blind,
    "criteria": _heedless,
    "stable": _unstable,
}


def _broken_calls(audit: Audit) -> list[str]:
    calls = audit.calls
    asked = calls.made + calls.cached
    if audit.verdict == "error" or audit.stopped == "judge":
        return [
            "First make the judge answer: look at the error messages of the call records (calls.jsonl), check the key, "
            "the address and the model's name, then run the same command again: what was answered is not asked twice."
        ]
    if asked and calls.errors / asked > 0.02:
        failed = f"{calls.errors:,} of {plural(asked, 'call')} failed"
        return [f"{failed}. Lower `--concurrency`, then run again: only what failed is asked again."]
    return []


def _nulls(audit: Audit, undecided: list[Finding]) -> list[str]:
    touched = [f for f in undecided if f.reason in ("differential_nulls", "missing_verdicts")]
    asked = audit.calls.made + audit.calls.cached
    often = asked and audit.calls.nulls / asked > 0.05
    if not touched and not often:
        return []
    first = f"{plural(audit.calls.nulls, 'call')} of {asked:,} brought no verdict"
    if touched:
        first += f", and in {plural(len(touched), 'probe')} more often with the edit than without"
    return [
        f"{first}. Read their raw replies (calls.jsonl): if a verdict stands there, mend the parser (`--parse`); if "
        "the reply is cut off, raise `--param max_tokens`; if the judge declines, that is a finding in itself."
    ]


def _locked(audit: Audit, undecided: list[Finding]) -> list[str]:
    touched = [f for f in undecided if f.reason == "position_locked"]
    if not touched:
        return []
    probes = plural(len(touched), "probe")
    text = (
        f"The judge is locked to one slot, which hides every other effect ({probes} cannot be read). Mend the order "
        "first, then audit again."
    )
    if audit.probabilities and audit.facts.get("utility") != "probability":
        behind = audit_changed(audit, "--utility", "probability")
        text += f" How sure it was tells more than its verdicts, from the same answers: {behind}."
    return [text]


def _noisy(audit: Audit) -> list[str]:
    rate = audit.noise.retest_flip_rate
    if not known(rate) or rate <= NOISY:
        return []
    several = to_measure(audit, "stable")
    vote = f", or the vote of several calls: {several}" if several else ""
    return [
        f"Noise: {percent(rate)} of repeated calls differ, so a single verdict means little. Measure whether "
        f"temperature 0 helps: {_again(audit, '--param', 'temperature=0')}{vote}."
    ]


def _repeats(audit: Audit) -> list[str]:
    """Repeats that cannot differ are paid for in vain."""
    if not audit.noise.deterministic or audit.samples < 2:
        return []
    return [
        f"Samples: repeated calls never differed, so `--samples 1` shows as much as `--samples {audit.samples}` for "
        "fewer calls. If the judge answers from a cache of its own, switch that off instead: its noise is hidden."
    ]


def _undecided(audit: Audit, undecided: list[Finding]) -> list[str]:
    needs = [f.more_cases_needed for f in undecided if f.more_cases_needed]
    if not needs:
        return []
    which = plural(len(needs), "open probe")
    if len(needs) < len(undecided):
        which = f"{len(needs)} of the {len(undecided)} open probes"
    if audit.noise.deterministic:
        samples = "More calls a case (`--samples`) would not help: this judge repeats itself."
    else:
        samples = "More calls a case (`--samples`) help as well: this judge is noisy."
    again = ""
    if audit.mode != "anytime":
        again = (
            " Adding cases because of this result is a second look at the data; `--anytime` keeps the error rates "
            "however often cases are added."
        )
    return [
        f"About {plural(max(needs), 'more case')} would decide {which}, if the effects are what they look like now. "
        f"{samples}{again}"
    ]
