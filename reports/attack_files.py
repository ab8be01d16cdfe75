"""An attack as Markdown and as JSON (attack_schema.py), and as the suite that keeps it from coming back."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from voirdire.harness.attacks import Attacked, Attempt
from voirdire.harness.errors import UsageError
from voirdire.reports.attack_text import headline, reason_words, with_interval, writer_words
from voirdire.reports.formatting import effect, interval, level, percent, plain, share
from voirdire.reports.markdown import block, code, prose
from voirdire.reports.text import Piece
from voirdire.suites.found import FoundAttack, written

__all__ = ["attack_json", "attack_markdown", "attack_suite", "in_folder", "write_attack"]


def write_attack(result: Attacked, folder: Path) -> dict[str, Path]:
    """attack.md and attack.json in `folder`; name -> path. Raises UsageError."""
    return in_folder(folder, {"attack.md": attack_markdown(result), "attack.json": attack_json(result)})


def in_folder(folder: Path, files: Mapping[str, str]) -> dict[str, Path]:
    """Write `files` (name -> text) into `folder`; name -> path. Raises UsageError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8", errors="backslashreplace", newline="\n")
    except OSError as error:
        raise UsageError(
            f"{folder} cannot be written ({error.strerror or error})", hint="Name another: --out."
        ) from None
    return {name: folder / name for name in files}


def attack_suite(result: Attacked) -> str | None:
    """The suite file of what was found; None if nothing was."""
    found = {a.name: a for a in result.found}
    # the parts of a stack stand in the file too, found or not: it is made of them
    needed = [p for a in result.found for p in a.parts]
    texts = [a for a in result.attempts if a.kind in ("phrase", "rewriter") and (a.name in found or a.name in needed)]
    attacks = [FoundAttack(a.name, a.text, _position(a), _note(result, a)) for a in texts]
    attacks += [FoundAttack(a.name, note=_note(result, a), parts=a.parts) for a in result.found if a.parts]
    if not found:
        return None
    own = {a.name for a in attacks}
    probes = [name for name in found if name not in own]
    summary = f"What an attack on {result.judge_name} found."
    return written(attacks, name="found", summary=summary, probes=probes)


def _position(attempt: Attempt) -> Any:
    return attempt.position


def _note(result: Attacked, attempt: Attempt) -> str:
    gain = attempt.lift.gain if attempt.lift is not None else None
    size = f"gained {effect(gain.mean)} {interval(gain.low, gain.high)} on {gain.n} cases" if gain is not None else ""
    return f"Found against {result.judge_name}, {result.created[:10]}: {size}.".replace(": .", ".")


def attack_json(result: Attacked) -> str:
    """All of it, schema `voirdire.attack/1` (attack_schema.py)."""
    from voirdire.reports.attack_schema import document_text  # pydantic is slow to import

    return document_text(result)


def attack_markdown(result: Attacked) -> str:
    """The report."""
    lines = [f"# Attack on {prose(result.judge_name)}", "", prose(headline(result)), ""]
    if result.simulated:
        lines += ["The judge is simulated: this shows how a result looks, nothing more.", ""]
    lines += [
        f"- judge {code(result.judge_spec)}, {result.task}, attacked in {result.mode} slot(s), text at the "
        f"{result.position}"
        if result.task in ("pairwise", "ranking")
        else f"- judge {code(result.judge_spec)}, {result.task}, text at the {result.position}",
        f"- search {result.method}: {result.vocabulary:,} words, phrases of up to {result.max_words}, "
        f"{result.search_calls:,} of {result.search_budget:,} calls, {result.trained:,} training cases",
        f"- test: {result.held_out:,} held-out cases, one-sided level {result.alpha:g}, seed {result.seed}",
        f"- calls: {result.calls.made:,} made, {result.calls.cached:,} known already, {result.calls.nulls:,} without a "
        f"verdict, {result.calls.errors:,} errors",
    ]
    if result.writer is not None:
        lines.append(f"- rewriter {prose(writer_words(result.writer))}")
    if result.stopped is not None:
        lines.append(f"- ended early: {prose(result.reason or result.stopped)}")
    lines += [f"- {prose(w)}" for w in result.warnings]
    for attempt in result.attempts:
        lines += ["", *_attempt(result, attempt)]
    return "\n".join(lines) + "\n"


def _attempt(result: Attacked, attempt: Attempt) -> list[str]:
    outcome = {"found": "found", "nothing": "not shown to work", "unfinished": "untested"}.get(
        attempt.outcome, f"inconclusive: {reason_words(attempt.reason)}"
    )
    lines = [f"## {prose(attempt.name)}: {outcome}", "", code(attempt.text, 2000), ""]
    if attempt.note:
        lines += [prose(attempt.note), ""]
    lift = attempt.lift
    if lift is None:
        return [*lines, "Not measured."]
    lines += [
        f"| | held-out cases ({level(1 - 2 * result.alpha)} intervals) |",
        "|---|---|",
        f"| average utility | {share(lift.before)} before, {share(lift.after)} after, {share(lift.sham)} sham |",
        f"| gain over the source | {with_interval(lift.gain)} |",
        f"| gain over the sham | {with_interval(lift.over_sham)} |",
    ]
    if attempt.unseen is not None:
        lines.append(f"| gain of answers by systems that the search never saw | {with_interval(attempt.unseen.gain)} |")
    if lift.rank_before is not None:
        lines.append(f"| average rank | {plain(lift.rank_before, 2)} before, {plain(lift.rank_after, 2)} after |")
    if lift.asr is not None:
        lines.append(
            f"| success rate | {percent(lift.asr)}; sham {percent(lift.asr_sham)}, repeat {percent(lift.asr_retest)}; "
            f"net {effect(lift.asr_net)} |"
        )
    if attempt.rival is not None:
        lines.append(
            f"| over {prose(attempt.rival)}, the best published phrase | {with_interval(attempt.over_rival)} |"
        )
    lines += [f"| only {code(text)} | {with_interval(dose.gain)} |" for text, dose in attempt.doses.items()]
    if attempt.seen is not None:
        lines.append(
            f"| conspicuous to an n-gram model | {plain(attempt.seen.bits)} bits a character; "
            f"{percent(attempt.seen.flagged)} of attacked and {percent(attempt.seen.flagged_clean)} of clean answers "
            f"flagged |"
        )
    for where in attempt.elsewhere:
        name = f"{'behind' if where.defence else 'on'} {code(where.spec)}"
        if where.lift is None:
            lines.append(f"| {name} | not tried: {prose(where.error or 'it applies to no case')} |")
        else:
            works = where.finding is not None and where.finding.decision == "violated"
            lines.append(
                f"| {name} | {with_interval(where.lift.gain)}, {'still works' if works else 'not shown to work'} |"
            )
    if attempt.mend:
        lines += ["", "To mend:", "", *(f"- {code(line, 500)}" for line in attempt.mend)]
    if attempt.prompt:
        lines += ["", "The exact prompt, on one held-out case:", ""]
        for message in attempt.prompt:
            lines += [f"{prose(message['role'])}:", "", block([Piece("same", message["content"])]), ""]
    return lines
