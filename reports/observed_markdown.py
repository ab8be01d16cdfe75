"""`voirdire replay` as Markdown: every judge, every preference, every pair of judges. Names are attacker text."""

from __future__ import annotations

from voirdire.harness.observations import Between, JudgeObservations, Observations, Preference
from voirdire.reports import observed_words as words
from voirdire.reports.formatting import effect, interval, percent, percent_interval, plural, probability, share
from voirdire.reports.inert import inert
from voirdire.reports.markdown import code, prose

__all__ = ["observed_markdown"]

#: pairs of judges printed
MOST_PAIRS = 60


def observed_markdown(found: Observations) -> str:
    """The page, ending in a newline."""
    lines = ["### Recorded verdicts", "", prose(words.summary(found)), "", f"> {prose(words.CAUTION)}", ""]
    lines += [f"- {code(source)}" for source in found.sources]
    lines += ["", "**Notes**", "", *(f"- {code(note, 400)}" for note in found.notes)] if found.notes else []
    for judge in found.judges:
        lines += ["", *_judge(judge)]
    for b in found.between:
        lines += ["", *_between(b)]
    lines += [
        "",
        "#### What would settle it",
        "",
        "| question | probes | calls | cases | command |",
        "|---|---|---:|---:|---|",
    ]
    for i in found.interventions:
        calls = "unknown: give --cases" if i.calls is None else f"{i.calls:,}"
        told = code(i.command, 1000) if i.command else ""
        lines.append(f"| {i.about} | {code(', '.join(i.probes))} | {calls} | {i.cases:,} | {told} |")
    return "\n".join(lines) + "\n"


def _judge(judge: JudgeObservations) -> list[str]:
    about = f"{judge.task}, {plural(judge.verdicts, 'verdict')} on {plural(judge.cases, 'case')}"
    lines = [f"#### {code(judge.judge)} ({about})", "", prose(inert(words.headline(judge))), ""]
    nulls = words.nulls_words(judge)
    lines += [f"- nulls: {nulls}"] if nulls else []
    if judge.agreement is not None:
        lines.append(f"- labels: {prose(words.agreement_words(judge.agreement, judge.task))}")
    if judge.position is not None:
        lines.append(f"- orders: {prose(words.position_words(judge.position))}")
    if judge.stability is not None:
        lines.append(f"- repeats: {prose(words.stability_words(judge.stability, judge.task))}")
    if judge.preferences:
        lines += ["", "|   | preference | effect | interval | p (Holm) | n | wins | held fixed | note |"]
        lines.append("|---|---|---:|---|---:|---:|---|---|---|")
    lines += [_row(p) for p in judge.preferences]
    lines += ["", *(f"- {prose(inert(s))}" for s in words.sentences(judge))]
    return lines


def _row(p: Preference) -> str:
    won = f"{percent(p.share)} {percent_interval(p.share_low, p.share_high)}" if p.share is not None else ""
    note = "; ".join([*([p.needs] if p.needs else []), *(f"{k} {share(v)}" for k, v in p.metrics.items())])
    fixed = "" if p.decision == "not_measured" else words.HELD_FIXED[p.basis]
    ends = prose(interval(p.low, p.high))
    return (
        f"| {prose(words.MARKS[p.decision])} | {code(p.name)} | {effect(p.effect)} | {ends} | "
        f"{probability(p.p_adjusted)} | {p.n:,} | {prose(won)} | {fixed} | {prose(note)} |"
    )


def _between(b: Between) -> list[str]:
    lines = [f"#### Between judges ({b.task})", "", prose(inert(words.between_words(b))), ""]
    lines += ["| judge | judge | n | same | kappa | errors correlate |", "|---|---|---:|---:|---:|---:|"]
    for p in b.pairs[:MOST_PAIRS]:
        errors = "" if p.error_correlation is None else effect(p.error_correlation)
        kappa = "" if p.kappa is None else effect(p.kappa)
        lines.append(f"| {code(p.first)} | {code(p.second)} | {p.n:,} | {percent(p.same)} | {kappa} | {errors} |")
    if len(b.pairs) > MOST_PAIRS:
        lines += ["", f"{len(b.pairs) - MOST_PAIRS:,} more pairs are in the JSON."]
    return lines
