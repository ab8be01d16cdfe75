"""`voirdire replay` on a terminal: 80 columns, understood without colour. Names are shown inert, on one line."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Sequence

from voirdire.harness.observations import Intervention, JudgeObservations, Observations, Preference
from voirdire.reports import observed_words as words
from voirdire.reports.formatting import count, effect, interval, level, percent, percent_interval, plural
from voirdire.reports.inert import quiet

__all__ = ["observed_lines", "observed_text"]

WIDTH = 80
NAME = 22
#: judges shown in full, and in the overview; the rest is in the files (--out)
IN_FULL, IN_OVERVIEW = 4, 30


def observed_lines(found: Observations) -> str:
    """One line a judge."""
    return "".join(f"{quiet(j.judge, 60)}: {quiet(words.headline(j))}\n" for j in found.judges)


def observed_text(found: Observations) -> str:
    """The page, ending in a newline."""
    lines = _wrapped(words.summary(found))
    lines += _wrapped(words.CAUTION)
    for note in found.notes:
        lines += _wrapped(note, "note  ")
    if len(found.judges) > 1:
        lines += ["", *_overview(found.judges)]
    for judge in found.judges[:IN_FULL]:
        lines += ["", *_judge(judge)]
    rest = len(found.judges) - IN_FULL
    if rest > 0:
        lines += ["", *_wrapped(f"{plural(rest, 'more judge')} in the files of --out DIR, or with --only GLOB.")]
    for b in found.between:
        lines += ["", *_wrapped(words.between_words(b))]
    lines += ["", *_legend(found), ""]
    lines += _settle(found.interventions)
    return "\n".join(lines) + "\n"


def _wrapped(text: str, lead: str = "") -> list[str]:
    kept = quiet(text).replace(" %", "\u00a0%")
    lines = textwrap.wrap(kept, WIDTH, initial_indent=lead, subsequent_indent=" " * len(lead), break_on_hyphens=False)
    return [line.replace("\u00a0", " ") for line in lines] or [lead.rstrip()]


def _overview(judges: Sequence[JudgeObservations]) -> list[str]:
    """One row a judge: what is most often compared."""
    rows = [f" {'judge':<34}{'verdicts':>9}{'nulls':>7}{'right':>8}{'first':>8}{'longer':>8}"]
    for j in judges[:IN_OVERVIEW]:
        by_name = {p.name: p for p in j.preferences}
        right = percent(j.agreement.accuracy) if j.agreement is not None and j.agreement.accuracy is not None else ""
        cells = [_cell(by_name.get(name)) for name in ("first slot", "longer")]
        rows.append(
            f" {quiet(j.judge, 33):<34}{count(j.verdicts):>9}{count(sum(j.nulls.values())):>7}{right:>8}"
            f"{cells[0]:>8}{cells[1]:>8}".rstrip()
        )
    if len(judges) > IN_OVERVIEW:
        rows.append(f" … {len(judges) - IN_OVERVIEW:,} more")
    return rows


def _cell(p: Preference | None) -> str:
    return "" if p is None or p.effect is None else f"{effect(p.effect)} {words.MARKS[p.decision]}"


def _judge(judge: JudgeObservations) -> list[str]:
    asked = f"{plural(judge.verdicts, 'verdict')} on {plural(judge.cases, 'case')}"
    lines = _wrapped(f"{quiet(judge.judge, 50)} · {judge.task} · {asked}")
    lines += _wrapped(words.headline(judge), "  ")
    nulls = words.nulls_words(judge)
    lines += _wrapped(nulls, "  nulls    ") if nulls else []
    if judge.agreement is not None:
        lines += _wrapped(words.agreement_words(judge.agreement, judge.task), "  labels   ")
    if judge.position is not None:
        lines += _wrapped(words.position_words(judge.position), "  orders   ")
    if judge.stability is not None:
        lines += _wrapped(words.stability_words(judge.stability, judge.task), "  repeats  ")
    lines += _table(judge) if judge.preferences else []
    for sentence in words.sentences(judge):
        lines += _wrapped(sentence, "  - ")
    return lines


def _table(judge: JudgeObservations) -> list[str]:
    found_level = judge.preferences[0].level if judge.preferences else 0.95
    wins = "wins" if judge.task == "pairwise" else ""
    lines = [
        f"  {'preference':<{NAME}}    effect  {level(found_level) + ' interval':<15} {wins:<16}held fixed".rstrip()
    ]
    for p in judge.preferences:
        name = quiet(p.name, NAME)
        if p.decision == "not_measured":
            lines += _wrapped(p.needs, f"  {name:<{NAME}}  - ")
            continue
        won = f"{percent(p.share)} {percent_interval(p.share_low, p.share_high)}" if p.share is not None else ""
        lines.append(
            f"  {name:<{NAME}}  {words.MARKS[p.decision]} {effect(p.effect):>6}  {interval(p.low, p.high):<15} "
            f"{won:<16}{words.HELD_FIXED[p.basis]}".rstrip()
        )
    if judge.models_left_out:
        lines += _wrapped(f"{plural(judge.models_left_out, 'model')} with fewer pairs not shown", "  ")
    return lines


def _legend(found: Observations) -> list[str]:
    tolerance = effect(found.tolerance).lstrip("+")
    return _wrapped(
        f"✗ stands beyond {tolerance} (Holm over the judge's rows) · ~ there, but nothing holds quality fixed · ✓ "
        f"within {tolerance} · ? cannot be told · - not measured. Effects: wrong towards it less wrong away from it; "
        "first slot less second; wins less losses where nothing is held fixed."
    )


def _settle(interventions: Iterable[Intervention]) -> list[str]:
    lines = ["What would settle it (JUDGE: openai:MODEL, python:module:callable, ...):"]
    for i in interventions:
        if i.calls is None:
            lines += _wrapped(f"{', '.join(i.probes)}: give --cases FILE to learn what it takes", f"  {i.about:<16}")
            continue
        lines += _wrapped(f"{plural(i.calls, 'call')} on {plural(i.cases, 'case')}", f"  {i.about:<16}")
        lines += _command(i.command)
    return lines


def _command(command: str) -> list[str]:
    """A command to copy, continued with a backslash where it is long. Never cut inside a word."""
    # an option stays with its value
    kept = re.sub(r"(--\S+) (?=[^-\s])", "\\1\u00a0", quiet(command))
    wrapped = textwrap.wrap(kept, WIDTH - 8, break_long_words=False, break_on_hyphens=False)
    lines = [("    " if k == 0 else "      ") + line.replace("\u00a0", " ") for k, line in enumerate(wrapped)]
    return [line + " \\" for line in lines[:-1]] + lines[-1:]
