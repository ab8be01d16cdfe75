"""The outcome of a gate, and a stored run, as a terminal shows them: 80 columns, the outcome first.

Reads a finished `harness.gate.Gate`; computes nothing but words. What CI systems are shown of it is in ci.py and
github.py, which read the audit.
"""

from __future__ import annotations

import textwrap

from voirdire.harness.baseline import Baseline
from voirdire.harness.findings import Audit, Finding
from voirdire.harness.gate import DISCRIMINATION, Gate, reason_of
from voirdire.harness.statistics.change import Change
from voirdire.harness.statistics.growth import POWER
from voirdire.reports.formatting import count, effect, interval, known, money, percent, plural, share
from voirdire.reports.inert import inert
from voirdire.reports.words import discrimination_sentence, finding_sentence, headline_parts, reason_words

__all__ = ["gate_text", "stored_text"]

WIDTH = 80
NAME = 24
#: open tests that are printed one by one
OPEN_SHOWN = 8

_WORDS = {"held": "PASS", "regressed": "REGRESSED", "violated": "FAIL", "inconclusive": "INCONCLUSIVE"}


def gate_text(gate: Gate, *, report: str | None = None, stored: str | None = None, quiet: bool = False) -> str:
    """The whole outcome, ending in a newline; `quiet`: its first sentence only.

    `report`: the report's path; `stored`: the folder from which `voirdire baseline --from` can take this run.
    """
    word = _word(gate)
    lines = _wrapped(f"{word}  ", _claim(gate))
    if quiet:
        return "\n".join(lines) + "\n"
    for sentence in _beside(gate):
        lines += _wrapped(" " * (len(word) + 2), sentence)
    body = _table(gate) if gate.against is not None else _violations(gate.audit)
    notes = [line for mismatch in gate.mismatches for line in _wrapped(" warning  ", mismatch)]
    notes += [line for text in gate.audit.warnings for line in _wrapped(" warning  ", text)]
    for block in (body, notes):
        lines += ["", *block] if block else []
    lines += ["", _last(gate)]
    if report:
        lines.append(f" report   {inert(report)}")
    if stored and gate.against is not None and gate.state == "held" and gate.said:
        lines.append(f" next     voirdire baseline --from {inert(stored)}")
        lines.append("          compares later runs with this one")
    return "\n".join(lines) + "\n"


def _word(gate: Gate) -> str:
    return "ERROR" if gate.audit.verdict == "error" else _WORDS[gate.state]


def _wrapped(lead: str, text: str) -> list[str]:
    hang = " " * len(lead)
    # the log of a CI job obeys what stands in it, and names come with baselines and endpoints
    kept = inert(text).replace(" %", "\u00a0%")
    lines = textwrap.wrap(kept, WIDTH, initial_indent=lead, subsequent_indent=hang, break_on_hyphens=False)
    return [line.replace("\u00a0", " ") for line in lines] or [lead.rstrip()]


def _day(gate: Gate) -> str:
    return (gate.against or "")[:10]


def _claim(gate: Gate) -> str:
    """One sentence: the outcome."""
    if gate.against is None or gate.audit.verdict == "error":
        parts = headline_parts(gate.audit)
        return " ".join(s for s in (parts.claim, parts.evidence) if s)
    tests, worse = len(gate.changes), len(gate.regressed)
    judge = f" ({'; '.join(gate.said)})" if gate.said else ""
    if worse:
        return f"{worse} of {plural(tests, 'test')} got worse than the baseline of {_day(gate)}{judge}."
    if gate.state == "violated":
        number = f"{plural(len(gate.red), 'tolerance')} {'is' if len(gate.red) == 1 else 'are'} violated"
        return f"{number} that held in the baseline of {_day(gate)}{judge}: {', '.join(gate.red)}."
    decided = tests - len(gate.open)
    if not decided:
        return f"Nothing could be compared with the baseline of {_day(gate)}{judge}."
    if gate.state == "inconclusive":
        return (
            f"Nothing got visibly worse than the baseline of {_day(gate)}{judge}, but {len(gate.unbounded)} of "
            f"{plural(tests, 'test')} cannot rule it out."
        )
    if gate.open:
        worst = max(c.high for c in gate.open if known(c.high))
        return (
            f"No test got worse than the baseline of {_day(gate)}{judge}: growth beyond "
            f"{share(gate.changes[0].margin)} is ruled out in {decided} of {tests}, beyond {share(worst)} in all."
        )
    by = f"by more than {share(gate.changes[0].margin)}"
    return f"None of {plural(tests, 'test')} got worse than the baseline of {_day(gate)} {by}{judge}."


def _beside(gate: Gate) -> list[str]:
    """What else a reader must know."""
    out = []
    if gate.against is None:
        return list(headline_parts(gate.audit).more)
    sizes = [c.detectable for c in gate.changes if known(c.detectable)]
    if sizes and not gate.regressed and max(sizes) >= 1:
        out.append("So few cases could have missed growth of any size.")
    elif sizes and not gate.regressed:
        out.append(f"Growth of {share(max(sizes))} or more would have been found in {percent(POWER)} of runs.")
    if gate.known:
        out.append(f"Violated, as in the baseline: {', '.join(gate.known)}.")
    if gate.run is not None:
        out.append(f"Run {gate.run} against this baseline; its part of the error rate is {gate.alpha:.2g}.")
    return out


def _table(gate: Gate) -> list[str]:
    rows = [_row(change) for change in gate.regressed]
    new = [n for n in gate.red if n not in {c.probe for c in gate.regressed}]
    rows += [f" {inert(n, NAME):<{NAME}} {_violation(gate.audit, n)}" for n in new]
    open_ = sorted(gate.open, key=lambda c: (-(c.high if known(c.high) else 9.0), c.probe))
    for change in open_[:OPEN_SHOWN]:
        rows += [_row(change), *_wrapped(" " * (NAME + 2), f"? {_why(change)}")]
    if len(open_) > OPEN_SHOWN:
        rows.append(f" … {len(open_) - OPEN_SHOWN} more are open")
    rest = len(gate.changes) - len(gate.regressed) - len(gate.open)
    if rest and rows:
        rows.append(f" … {rest} did not get worse")
    return rows


def _row(change: Change) -> str:
    """One line: then, now, the change with its interval."""
    name = "errors" if change.probe == DISCRIMINATION else change.probe
    if not known(change.change):
        return f" {inert(name, NAME):<{NAME}} –"
    figures = f"{effect(change.then):>5} -> {effect(change.now):<5}"
    return f" {inert(name, NAME):<{NAME}} {figures}  change {effect(change.change)} {interval(change.low, change.high)}"


def _why(change: Change) -> str:
    why = reason_of(change) or ""
    known_words = reason_words(_named(why))
    return known_words or why


def _named(reason: str) -> Finding:
    """A finding that has nothing but a reason, to get its words."""
    from voirdire.harness.relations import Relation

    return Finding(probe="", family="", relation=Relation.NO_GAIN, decision="inconclusive", reason=reason)


def _violation(audit: Audit, name: str) -> str:
    if name == DISCRIMINATION:
        return inert(discrimination_sentence(audit), WIDTH - NAME - 2)
    finding = audit.findings[name]
    limit = finding.tolerance if known(finding.tolerance) else finding.min_drop
    return f"{effect(finding.effect)} {interval(finding.low, finding.high)}, tolerance {share(limit)}"


def _violations(audit: Audit) -> list[str]:
    rows = []
    for finding in audit.findings.decided("violated"):
        rows += _wrapped(f" {inert(finding.probe, NAME):<{NAME}} ", finding_sentence(finding, audit))
    return rows


def _last(gate: Gate) -> str:
    calls = gate.audit.calls
    parts = [plural(calls.made, "call")]
    if calls.cached:
        parts.append(f"{count(calls.cached)} cached")
    if known(calls.cost_usd):
        parts.append(money(calls.cost_usd))
    return f"{', '.join(parts)}.  exit {int(gate.code)}"


def stored_text(baseline: Baseline, path: str) -> str:
    """What `voirdire baseline` says when it has stored a run."""
    accuracy = baseline.accuracy.accuracy
    right = f", {percent(accuracy)} right" if known(accuracy) else ""
    lines = _wrapped(
        "STORED  ",
        f"{plural(len(baseline.probes), 'probe')} on {plural(len(baseline.cases), 'case')}, "
        f"{plural(baseline.samples, 'sample')} an arm, of {baseline.judge['spec']}{right}.",
    )
    violated = [p.name for p in baseline.probes.values() if p.decision == "violated"]
    if violated:
        lines += _wrapped("        ", f"Violated already, so a gate will not fail for it: {', '.join(violated)}.")
    lines += [f" baseline  {inert(path)}", " next      voirdire gate, with the judge's options as they were here and"]
    lines.append(f"           --baseline {inert(path)}")
    return "\n".join(lines) + "\n"
