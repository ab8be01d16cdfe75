"""What to do next, as sentences. Nothing here promises a remedy that was not measured: each says how to measure it.

Commands stand in `backticks`, quoted for a POSIX shell. `words` re-exports `advice`.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable

from voirdire.harness.findings import Audit, CounterExample, Finding
from voirdire.harness.relations import Relation
from voirdire.reports.formatting import known, percent, plural
from voirdire.reports.selection import worst_first
from voirdire.reports.text import visible

__all__ = ["advice", "reproduce_command"]

#: what an audit calls the cases that come with voirdire
BUILTIN = "built-in"
#: above this retest flip rate, noise is worth an advice of its own
NOISY = 0.15


def reproduce_command(audit: Audit, example: CounterExample) -> str:
    """The command that asks about this one case again."""
    words = ["voirdire", "audit", "--judge", audit.judge_spec]
    if audit.cases_path and audit.cases_path != BUILTIN:
        words += ["--cases", audit.cases_path]
    words += ["--probes", example.probe, "--cases-id", example.case_id]
    return shlex.join(visible(word).replace("\n", "⟨U+000A⟩") for word in words)


def advice(audit: Audit) -> list[str]:
    """What to do, most pressing first; each entry one or two sentences. Empty only if there is nothing to do."""
    out: list[str] = []
    violated = worst_first(audit.findings.decided("violated"))
    undecided = audit.findings.decided("inconclusive")
    out += _broken_calls(audit)
    out += _locked(undecided)
    seen: set[str] = set()
    for finding in violated:
        topic, text = _remedy(finding)
        if topic not in seen:
            seen.add(topic)
            out.append(text(audit))
    if audit.discrimination.decision == "violated" and "blind" not in seen:
        out.append(_blind(audit))
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


def _spec(audit: Audit) -> str:
    return shlex.quote(visible(audit.judge_spec))


def _again(audit: Audit, change: str = "--prompt NEW.md") -> str:
    """The same audit of a changed judge, into a folder of its own."""
    return f"`voirdire audit --judge {_spec(audit)} {change} --suite {visible(audit.suite)} --out after`"


def _remedy(finding: Finding) -> tuple[str, Callable[[Audit], str]]:
    """The topic of a violated finding (one advice a topic) and its advice."""
    if finding.relation is Relation.MUST_DROP:
        return "blind", _blind
    if finding.relation is Relation.EQUIVARIANT or finding.family in ("order", "labels"):
        return "order", _order
    if finding.relation in (Relation.RETEST, Relation.AGREE) or finding.family in ("stability", "setup"):
        return "stable", _unstable
    if finding.family in ("injection", "phrases", "null_answers"):
        return "attack", _attack
    return "surface", _surface


def _order(audit: Audit) -> str:
    text = "Order: asking in both orders and averaging cancels a preference for a slot, at twice the calls."
    dial = audit.discrimination
    if known(dial.swap_averaged) and known(dial.accuracy):
        text += (
            f" In this run the average of both orders was right in {percent(dial.swap_averaged)} of the cases, a "
            f"single order in {percent(dial.accuracy)}."
        )
    return text


def _surface(audit: Audit) -> str:
    return (
        "Surface: one thing to try is a prompt that says what must not count (length, citations, formatting, tone) and "
        f"asks for a check of the facts first. Whether it helps is unknown until measured: {_again(audit)}."
    )


def _attack(audit: Audit) -> str:
    return (
        "Attacks: one thing to try is to fence the answers off in the prompt and to say that nothing inside them is an "
        f"instruction. Attackers adapt, so measure it: {_again(audit)}."
    )


def _blind(audit: Audit) -> str:
    return (
        "Judgement: it misses answers that are plainly worse, so low sway alone means little. Things to try are a "
        f"stronger model, a reference in the cases, or a rubric. Measure each: {_again(audit)}."
    )


def _unstable(audit: Audit) -> str:
    return (
        "Stability: small changes of the set-up move its verdicts. Fix the prompt format, and measure whether several "
        f"calls a case, averaged, help: {_again(audit)}."
    )


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
    touched = [f for f in undecided if f.reason == "differential_nulls"]
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


def _locked(undecided: list[Finding]) -> list[str]:
    touched = [f for f in undecided if f.reason == "position_locked"]
    if not touched:
        return []
    probes = plural(len(touched), "probe")
    return [
        f"The judge is locked to one slot, which hides every other effect ({probes} cannot be read). Mend the order "
        "first, then audit again."
    ]


def _noisy(audit: Audit) -> list[str]:
    rate = audit.noise.retest_flip_rate
    if not known(rate) or rate <= NOISY:
        return []
    return [
        f"Noise: {percent(rate)} of repeated calls differ, so a single verdict means little. Measure whether "
        f"temperature 0 or several calls a case help: {_again(audit, '--param temperature=0')}."
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
