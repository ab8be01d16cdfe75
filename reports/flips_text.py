"""A search for flips in words: for the terminal, as Markdown, as JSON, and as the suite that repeats them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from voirdire.harness.attacks import Flip, Flips
from voirdire.reports.attack_files import in_folder
from voirdire.reports.formatting import plural, share
from voirdire.reports.markdown import block, code, prose
from voirdire.reports.text import Piece, one_line
from voirdire.suites.found import FoundFlip, written

__all__ = ["flips_headline", "flips_json", "flips_markdown", "flips_suite", "flips_text", "write_flips"]

#: flips shown on a terminal, the smallest first
_SHOWN = 5
#: characters shown around an edit
_AROUND = 24


def flips_headline(result: Flips) -> str:
    """One sentence."""
    found = result.found
    clear = result.tried - result.unclear
    if not found:
        if result.outcome == "unfinished":
            return "UNFINISHED  The run ended before a case was searched."
        return f"NOTHING FOUND  No edit flipped one of {plural(clear, 'clear verdict')} for good."
    fewest = min(f.words for f in found)
    return f"FOUND  {len(found)} of {plural(clear, 'verdict')} flip, the easiest after {plural(fewest, 'word')}."


def _controls(result: Flips) -> tuple[int, int]:
    return sum(f.controls[0] for f in result.found), sum(f.controls[1] for f in result.found)


def flips_text(result: Flips, *, saved: str | None = None, report: str | None = None) -> str:
    """The whole result."""
    return "\n".join(_lines(result, saved, report)) + "\n"


def _lines(result: Flips, saved: str | None, report: str | None) -> Iterator[str]:
    yield flips_headline(result)
    if result.simulated:
        yield "The judge is simulated: this shows how a result looks, nothing more."
    found = sorted(result.found, key=lambda f: f.words)
    if found:
        control, asked = _controls(result)
        yield f"Of random edits as small, {control} of {asked} flip a verdict."
    for flip in found[:_SHOWN]:
        yield ""
        yield f" case {one_line(flip.case_id, 60)}   {plural(flip.words, 'word')}{_again(flip)}"
        for edit in flip.edits[:_SHOWN]:
            yield f"   {one_line(_marked(flip.text, edit.start, edit.end, edit.text), 74)}"
        if len(flip.edits) > _SHOWN:
            yield f"   … and {plural(len(flip.edits) - _SHOWN, 'more edit')}"
        yield f"   utility {share(flip.before)} -> {share(flip.after)}"
    if len(found) > _SHOWN:
        yield f"\n … and {len(found) - _SHOWN} more"
    yield ""
    yield f" search    {result.method}"
    yield f" cases     {result.tried:,} of {result.cases:,} searched, {result.unclear:,} without a clear verdict"
    yield f" calls     {result.calls.made:,} made, {result.calls.cached:,} known already"
    if result.stopped is not None:
        yield f" ended     {result.reason or result.stopped}; run the same command again to go on"
    for warning in result.warnings:
        yield f" note      {one_line(warning)}"
    if report:
        yield f" report    {report}"
    if saved:
        yield f" saved     {saved}"


def _again(flip: Flip) -> str:
    return f", again in {flip.reproduced[0]} of {flip.reproduced[1]} fresh samples" if flip.reproduced else ""


def _marked(text: str, start: int, end: int, new: str) -> str:
    """The edit in its surroundings: [-old-]{+new+}."""
    before, after = text[max(0, start - _AROUND) : start], text[end : end + _AROUND]
    left = "…" if start > _AROUND else ""
    right = "…" if end + _AROUND < len(text) else ""
    old = f"[-{text[start:end]}-]" if end > start else ""
    return f"{left}{before}{old}{{+{new}+}}{after}{right}"


def flips_markdown(result: Flips) -> str:
    """The report: every flip with its whole answer."""
    lines = [f"# Smallest flips of {prose(result.judge_name)}", "", prose(flips_headline(result)), ""]
    if result.simulated:
        lines += ["The judge is simulated: this shows how a result looks, nothing more.", ""]
    lines += [
        f"- judge {code(result.judge_spec)}, {result.task}",
        f"- search: {prose(result.method)}, seed {result.seed}",
        f"- cases: {result.tried:,} of {result.cases:,} searched, {result.unclear:,} without a clear verdict",
        f"- calls: {result.calls.made:,} made, {result.calls.cached:,} known already",
        "- of random edits as small, {} of {} flip a verdict".format(*_controls(result)),
    ]
    for flip in sorted(result.found, key=lambda f: f.words):
        lines += ["", f"## {prose(flip.case_id)}: {plural(flip.words, 'word')}", ""]
        lines += [f"Utility {share(flip.before)} before, {share(flip.after)} after{prose(_again(flip))}.", ""]
        lines += [block(_pieces(flip))]
    return "\n".join(lines) + "\n"


def _pieces(flip: Flip) -> list[Piece]:
    pieces: list[Piece] = []
    at = 0
    for edit in flip.edits:
        pieces.append(Piece("same", flip.text[at : edit.start]))
        if edit.end > edit.start:
            pieces.append(Piece("del", flip.text[edit.start : edit.end]))
        if edit.text:
            pieces.append(Piece("ins", edit.text))
        at = edit.end
    return [*pieces, Piece("same", flip.text[at:])]


def flips_json(result: Flips) -> str:
    """All of it, schema `voirdire.flips/1` (attack_schema.py)."""
    from voirdire.reports.attack_schema import document_text  # pydantic is slow to import

    return document_text(result)


def flips_suite(result: Flips) -> str | None:
    """The suite file that makes the flips again; None if there are none."""
    flips = [FoundFlip(f.case_id, f.source, f.target, f.edits) for f in result.found]
    if not flips:
        return None
    return written([], name="flips", summary=f"Edits that flipped verdicts of {result.judge_name}.", flips=flips)


def write_flips(result: Flips, folder: Path) -> dict[str, Path]:
    """flips.md and flips.json in `folder`; name -> path. Raises UsageError."""
    return in_folder(folder, {"flips.md": flips_markdown(result), "flips.json": flips_json(result)})
