"""Loaders of public data sets and of other tools' result files: `FORMAT:FILE?option=value`, or sniffed from a file.

Here: the registry of formats and the two doors, `load` (cases) and `recorded_judge` (recorded verdicts as a judge).
Each format has a file of its own in this folder; plain JSONL, CSV and Parquet cases are read by harness/casefiles.py.
Nothing is ever downloaded: users bring the files.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from voirdire.harness.cases import Task
from voirdire.harness.errors import CaseFileError, UsageError
from voirdire.harness.judges.base import Judge
from voirdire.harness.judges.replay import ReplayJudge
from voirdire.harness.judges.spec import RECORDINGS, JudgeOptions
from voirdire.harness.registry import Registry
from voirdire.harness.verdicts import Scale
from voirdire.suites.loaders import (
    alpaca_eval,
    arena_hard,
    autoj,
    deepeval,
    evalbiasbench,
    faireval,
    inspect_logs,
    judgebench,
    judgelm,
    llmbar,
    mt_bench,
    pandalm,
    prometheus,
    promptfoo,
    qags,
    rewardbench,
    score_judge,
    summeval,
    topicalchat,
    trec,
    verdict_log,
    vicuna_bench,
)
from voirdire.suites.loaders.collecting import Loaded, Recording
from voirdire.suites.loaders.formats import Format, Shape
from voirdire.suites.loaders.records import Source, read_source
from voirdire.suites.loaders.replaying import choose, replay

__all__ = [
    "FORMATS",
    "Format",
    "Loaded",
    "Recording",
    "load",
    "names_format",
    "public_cases",
    "recorded_judge",
    "sniff",
]

#: every format by name; installed packages add theirs under the entry-point group `voirdire.formats`
FORMATS: Registry[Format] = Registry("case format", "voirdire.formats")
for _module in (
    alpaca_eval,
    arena_hard,
    autoj,
    deepeval,
    evalbiasbench,
    faireval,
    inspect_logs,
    judgebench,
    judgelm,
    llmbar,
    mt_bench,
    pandalm,
    prometheus,
    promptfoo,
    qags,
    rewardbench,
    score_judge,
    summeval,
    topicalchat,
    trec,
    verdict_log,
    vicuna_bench,
):
    FORMATS.add(_module.FORMAT.name, _module.FORMAT)

_OPTIONS = re.compile(r"\?[a-z_0-9]+=")
#: options of a recorded judge, whatever the format
_OF_JUDGES = ("judge", "deterministic")


def names_format(spec: str) -> bool:
    """Does `spec` begin with the name of a format and a colon? (A drive letter does not.)"""
    name, colon, rest = spec.partition(":")
    return bool(colon and rest) and len(name) > 1 and name in FORMATS


def load(spec: str | Path) -> Loaded:
    """The cases, notes and recorded verdicts of `FORMAT:FILE?option=value`, or of a file whose format is sniffed.

    Raises UsageError for an unknown option, CaseFileError (a UsageError, exit 2) naming file, record, field, value and
    fix for anything wrong with the file, also where its format cannot be told.
    """
    return _load(str(spec), ())[0]


def public_cases(spec: str | Path) -> Loaded | None:
    """What `--cases SPEC` names, if that is a public format, by name or sniffed; None for a plain file of cases.

    Raises as `load`, and CaseFileError for a file that holds verdicts but no cases.
    """
    text = str(spec)
    if not names_format(text) and not _looks_public(text):
        return None
    loaded = load(text)
    if not loaded.cases:
        hint = f"Use it as a judge instead: --judge replay:{text}"
        raise CaseFileError("the file holds verdicts, but not what was judged", path=text, hint=hint)
    return loaded


def recorded_judge(spec: str, *, task: Task | None = None, scale: Scale | None = None) -> ReplayJudge:
    """What follows "replay:" in `replay:FORMAT:FILE?judge=NAME&deterministic=true` as a judge.

    `judge` chooses one where the file has several; `deterministic=true` lets its first verdict stand for every repeat
    (a judge that was asked once, at temperature 0). Raises UsageError.
    """
    loaded, own = _load(spec, _OF_JUDGES)
    if own.get("deterministic", "false") not in ("true", "false"):
        raise UsageError(f"deterministic={own['deterministic']} is neither true nor false")
    recording = choose(loaded.recorded, own.get("judge"), path=spec)
    deterministic = own.get("deterministic") == "true"
    return replay(recording, spec=f"replay:{spec}", deterministic=deterministic, task=task, scale=scale)


def _recorded(value: str, options: JudgeOptions) -> Judge | None:
    """`replay:FORMAT:FILE` for harness/judges/spec.py; None for a recording of our own."""
    return recorded_judge(value, task=options.task, scale=options.scale) if names_format(value) else None


RECORDINGS.append(_recorded)


def sniff(source: Source) -> Format | None:
    """The one format whose files look like this one; None where none does. Raises CaseFileError if several do."""
    shape = _shape(source)
    fitting = [f for f in FORMATS.values() if f.fits(shape)]
    if len(fitting) > 1:
        names = ", ".join(f.name for f in fitting)
        hint = f"Name it: {fitting[0].name}:{source.path}"
        raise CaseFileError(f"the format could be any of {names}", path=source.path, hint=hint)
    return fitting[0] if fitting else None


def _looks_public(path: str) -> bool:
    """Is this file of a public format? Where it cannot be read at all, the reader of plain files says why."""
    path = _options_of(path)[0]
    if path == "-" or Path(path).suffix.lower() == ".csv" or not Path(path).is_file():
        return False
    if _is_ours(_first_line(path)):
        return False  # without reading a large file twice
    try:
        source = read_source(path)
        if _is_ours(_shape(source).first):
            return False
    except CaseFileError:
        return False
    return sniff(source) is not None


def _first_line(path: str) -> object:
    """The first line as JSON; None where it is none."""
    try:
        with Path(path).open(encoding="utf-8-sig") as file:
            return json.loads(next((line for line in file if line.strip()), ""))
    except (OSError, ValueError, RecursionError):
        return None


def _is_ours(first: object) -> bool:
    """Is the first record a case, whatever its other fields are called?"""
    responses = first.get("responses") if isinstance(first, Mapping) else None
    return isinstance(responses, list) and bool(responses) and isinstance(responses[0], str)


def _load(spec: str, own: tuple[str, ...]) -> tuple[Loaded, dict[str, str]]:
    """The loaded file and those of its options that are not the format's but in `own`."""
    name, rest = spec.split(":", 1) if names_format(spec) else (None, spec)
    path, options = _options_of(rest)
    taken = {k: options.pop(k) for k in own if k in options}
    source = read_source(path)
    found = FORMATS.get(name) if name is not None else sniff(source)
    if found is None:
        known = ", ".join(FORMATS)
        raise CaseFileError(
            "its format is none that is known", path=path, hint=f"Name one, FORMAT:FILE. Known: {known}"
        )
    return found.read(source, found.checked(options)), taken


def _options_of(path: str) -> tuple[str, dict[str, str]]:
    """The file and the options behind it; a file whose own name looks like that has none."""
    mark = _OPTIONS.search(path)
    if mark is None or Path(path).exists():
        return path, {}
    return path[: mark.start()], dict(parse_qsl(path[mark.start() + 1 :], keep_blank_values=True))


def _shape(source: Source) -> Shape:
    document: dict[str, Any] = {}
    first: dict[str, Any] = {}
    line = source.lines[0][1] if source.lines else ""
    if source.table is not None:
        first = dict(source.table[0]) if source.table else {}
    elif line.lstrip().startswith(("{", "[")):
        if source.is_lines_of_json:
            first = dict(source.records[0].data)
        elif isinstance(source.document, dict):
            document = source.document
        elif isinstance(source.document, list) and source.document and isinstance(source.document[0], dict):
            first = source.document[0]
    return Shape(first, document, line)
