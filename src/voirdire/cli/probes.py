"""`voirdire probes`: which probes there are and what each claims; `--show NAME` what one does to your answers."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from voirdire.cli.lines import tell, tell_json
from voirdire.cli.options import at_least, task_of
from voirdire.harness.errors import NotApplicable, UsageError, nearest

if TYPE_CHECKING:
    from voirdire.harness.cases import Case, Edit, FollowUp, Task
    from voirdire.harness.probes import Probe
    from voirdire.perturbations.promise import Measured
    from voirdire.reports.text import Piece

__all__ = ["probes"]

#: cases that --show prints where --limit does not say
_SHOWN = 3
_WIDEST = 160
_GAP = " │ "


def probes(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[GLOB]...", help="Only probes that match, e.g. 'typos.*' or typos.drop@2."),
    ] = None,
    show: Annotated[
        str | None, typer.Option("--show", help="What this probe does to the cases, source and follow-up side by side.")
    ] = None,
    cases: Annotated[
        str | None,
        typer.Option("--cases", "-c", help="With --show: JSONL, CSV or Parquet file. Default: built-in cases."),
    ] = None,
    task: Annotated[str | None, typer.Option("--task", help="With --show: the judge's task.")] = None,
    limit: Annotated[int | None, typer.Option("--limit", "-n", help="With --show: so many cases.")] = None,
    cases_id: Annotated[
        list[str] | None, typer.Option("--cases-id", help="With --show: only the case with this id; repeatable.")
    ] = None,
    rewrites: Annotated[
        Path | None, typer.Option("--rewrites", help="With --show: the file of `voirdire freeze`.")
    ] = None,
    plugin: Annotated[
        list[str] | None, typer.Option("--plugin", help="FILE.py or module with probes of your own; repeatable.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a list of objects.")] = False,
) -> int:
    """List the probes by family: what each does, claims and must find, and its source paper."""
    from voirdire._plugins import load_plugins

    at_least("--limit", limit, 1)
    load_plugins(plugin or ())
    if show is None:
        _list(names or (), as_json)
    else:
        _show(show, cases, task_of(task), limit, cases_id or (), rewrites, as_json)
    return 0


# --- the list --------------------------------------------------------------------------------------------------------


def _list(globs: Sequence[str], as_json: bool) -> None:
    from voirdire.suites.loading import match_probes
    from voirdire.suites.rows import PROBES

    found = match_probes(globs) if globs else PROBES.values()
    rows = [_row(p) for p in sorted(found, key=lambda p: p.name)]
    if as_json:
        tell_json(rows)
        return
    width = _width(100)
    family = None
    for row in rows:
        if row["family"] != family:
            family = row["family"]
            tell(f"\n{family}")
        tell(f"  {row['name']}")
        for line in (row["summary"], _claims(row), row["source"]):
            tell(textwrap.fill(line, width, initial_indent="      ", subsequent_indent="      "))
    families = len({row["family"] for row in rows})
    tell(f"\n{len(rows)} probe{'s' * (len(rows) != 1)}, {families} famil{'y' if families == 1 else 'ies'}.")
    tell("voirdire probes --show NAME shows what one does to an answer.")


def _row(probe: Probe) -> dict[str, Any]:
    from voirdire.harness.registry import PERTURBATIONS
    from voirdire.perturbations.rewritten import REWRITES

    edit = PERTURBATIONS.get(probe.perturbation) if probe.perturbation is not None else None
    return {
        "name": probe.name,
        "family": probe.family,
        "relation": str(probe.relation),
        "claim": edit.claim if edit is not None else None,
        "target": probe.target if edit is not None else None,
        "field": getattr(edit, "where", None),
        "dose": probe.dose,
        "sham": probe.sham,
        "tasks": list(probe.tasks),
        "needs": "rewrites" if probe.perturbation in REWRITES else "prompt" if _on_prompt(probe) else None,
        "source": probe.source,
        "summary": probe.summary,
        "metrics": list(probe.metrics),
    }


def _on_prompt(probe: Probe) -> bool:
    """Is it about the prompt in which the judge is asked?"""
    from voirdire.harness.followups import is_aimed

    return probe.setup is not None or (probe.perturbation is not None and is_aimed(probe.perturbation))


def _claims(row: dict[str, Any]) -> str:
    parts = [row["relation"]]
    if row["claim"] is not None:
        parts += [row["claim"], f"edits {_edited(row)}"]
    if row["dose"] != 1:
        parts.append(f"dose {row['dose']:g}")
    if row["sham"]:
        parts.append("against a placebo")
    if row["needs"] == "rewrites":
        parts.append("needs --rewrites FILE (voirdire freeze)")
    elif row["needs"] == "prompt":
        parts.append("needs a judge that voirdire prompts")
    return " · ".join(parts)


def _edited(row: dict[str, Any]) -> str:
    if row["field"] is not None:
        return f"the {row['field']}"
    if row["relation"] == "MUST_DROP":
        return "the right answer"  # a mistake in a wrong one might repair it
    return "each answer" if row["target"] == "each" else f"the {row['target']} answer"


# --- one probe at work -----------------------------------------------------------------------------------------------


class _Change(NamedTuple):
    """One text of a case that was changed: "responses[0]", "instruction"; `sham` where a placebo is compared."""

    where: str
    before: str
    after: str
    edits: tuple[Edit, ...]
    measured: Measured
    sham: str | None


class _Shown(NamedTuple):
    """One follow-up, or why there is none."""

    case: Case
    target: int
    changes: tuple[_Change, ...] = ()
    reason: str | None = None


def _show(
    name: str,
    cases: str | None,
    task: Task | None,
    limit: int | None,
    ids: Sequence[str],
    rewrites: Path | None,
    as_json: bool,
) -> None:
    from voirdire._freeze import cases_for
    from voirdire.perturbations.rewritten import using
    from voirdire.suites.rows import PROBES

    probe = PROBES.get(name)
    if probe.perturbation is None:
        raise UsageError(f"{name} edits no text, so there is nothing to show", hint=probe.summary)
    found, judged = cases_for(cases, task)
    if ids:
        known = {c.id for c in found}
        unknown = set(ids) - known
        if unknown:
            raise UsageError(f"there is no case {min(unknown)!r}", hint=nearest(min(unknown), known))
        found = [c for c in found if c.id in ids]
    with using(rewrites):
        shown = list(_at_work(probe, found[: limit or (len(found) if ids else _SHOWN)], judged))
    if as_json:
        tell_json([_as_json(probe, s) for s in shown])
        return
    for line in (f"{probe.name}: {probe.summary}", _claims(_row(probe))):
        tell(textwrap.fill(line, _width(100), subsequent_indent="  "))
    for one in shown:
        _print(one)


def _at_work(probe: Probe, cases: Iterable[Case], task: Task) -> Iterator[_Shown]:
    from voirdire.harness.followups import FollowUps
    from voirdire.harness.judges.exposed import ExposedPrompt
    from voirdire.harness.judges.prompts import default_protocol
    from voirdire.harness.targets import targets_of

    # what is aimed at a judge's prompt is shown as aimed at voirdire's own
    followups = FollowUps(prompt=ExposedPrompt(default_protocol(task)))
    name = probe.perturbation or probe.name
    for case in cases:
        try:
            targets = targets_of(case, probe, task) if task in probe.tasks else []
        except NotApplicable as error:
            yield _Shown(case, 0, reason=error.message)
            continue
        for target in targets:
            try:
                made = followups.make(name, case, target, probe.dose)
                sham = followups.sham(name, case, target, made) if probe.sham else None
            except NotApplicable as error:
                yield _Shown(case, target, reason=error.message)
                continue
            yield _Shown(case, target, tuple(_changes(name, case, made, sham)))


def _changes(name: str, case: Case, made: FollowUp, sham: Case | None) -> Iterator[_Change]:
    from voirdire.harness.cases import text_of
    from voirdire.harness.registry import PERTURBATIONS
    from voirdire.perturbations.promise import measured

    for where in dict.fromkeys(e.where for e in made.edits):
        edits = tuple(e for e in made.edits if e.where == where)
        before = text_of(case, where)
        figures = measured(PERTURBATIONS.get(name), before, edits)
        placebo = text_of(sham, where) if sham is not None else None
        yield _Change(where, before, text_of(made.case, where), edits, figures, placebo)


def _as_json(probe: Probe, shown: _Shown) -> dict[str, Any]:
    return {
        "probe": probe.name,
        "dose": probe.dose,
        "case": shown.case.id,
        "target": shown.target,
        "not_applicable": shown.reason,
        "changes": [
            {
                "where": change.where,
                "source": change.before,
                "follow_up": change.after,
                "sham": change.sham,
                "edits": [[e.start, e.end, e.text] for e in change.edits],
                **change.measured.to_json(),
            }
            for change in shown.changes
        ],
    }


def _print(shown: _Shown) -> None:
    from voirdire.reports.text import one_line, pieces

    tell(f"\n{one_line(shown.case.id)}, response {shown.target}")
    if shown.reason is not None:
        tell(textwrap.fill(f"not applicable: {shown.reason}", _width(100), initial_indent="  ", subsequent_indent="  "))
    for change in shown.changes:
        figures, n = change.measured, len(change.edits)
        if change.where != f"responses[{shown.target}]":
            tell(f"  in {change.where}")
        tell(
            f"  {n} edit{'s' * (n != 1)} · {figures.characters:.1%} of characters, {figures.words:.1%} of words"
            f" · length x {figures.length_ratio:.2f}"
        )
        parts = pieces(change.before, change.after, change.edits)
        columns = [("source", _marked(parts, "del")), ("follow-up", _marked(parts, "ins"))]
        if change.sham is not None:
            columns.append(("placebo", _plain(change.sham)))
        tell("\n".join(_side_by_side(columns, _width(_WIDEST))))


def _marked(parts: Iterable[Piece], kind: str) -> str:
    """One side of a change, what is only there between marks that need no colour; what is invisible written out."""
    opening, closing = {"del": ("[-", "-]"), "ins": ("{+", "+}")}[kind]
    return "".join(
        _plain(p.text) if p.kind == "same" else f"{opening}{_plain(p.text)}{closing}"
        for p in parts
        if p.kind in ("same", kind)
    )


def _plain(text: str) -> str:
    """Text that a terminal only shows, a tab as wide as it is counted."""
    from voirdire.reports.text import visible

    return visible(text).replace("\t", "    ")


def _side_by_side(columns: Sequence[tuple[str, str]], width: int) -> Iterator[str]:
    each = max(20, (width - 2 - len(_GAP) * (len(columns) - 1)) // len(columns))
    sides = [[title, "─" * each, *_wrapped(text, each)] for title, text in columns]
    for k in range(max(map(len, sides))):
        cells = (side[k] if k < len(side) else "" for side in sides)
        yield ("  " + _GAP.join(cell + " " * (each - _cells(cell)) for cell in cells)).rstrip()


def _wrapped(text: str, width: int) -> Iterator[str]:
    """Lines of at most `width` cells of a terminal; Chinese characters take two."""
    for line in text.split("\n"):
        left = line
        while _cells(left) > width:
            cut = used = 0
            while used + _cells(left[cut]) <= width:
                used += _cells(left[cut])
                cut += 1
            blank = left.rfind(" ", 1, cut + 1)
            at = blank if blank > 0 else cut
            yield left[:at]
            left = left[at:].removeprefix(" ")
        yield left


def _cells(text: str) -> int:
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def _width(most: int) -> int:
    return min(shutil.get_terminal_size((80, 24)).columns, most)
