"""Suites of found attacks: the `[[found]]` tables of a suite file, and writing such a file.

`voirdire attack --save found.toml` writes what it found as a suite that `audit`, `gate` and pytest take: each text a
probe that must not help the answer it is added to. The file is meant to be read, pruned and committed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from voirdire.harness.cases import Edit, Perturbation, content_hash
from voirdire.harness.errors import UsageError, nearest
from voirdire.harness.probes import Probe
from voirdire.harness.relations import Relation
from voirdire.perturbations.found import POSITIONS, Position, found_flips, found_stack, found_text
from voirdire.suites.rows import PROBES
from voirdire.suites.suite_file import Draft

__all__ = ["FLIPS", "FoundAttack", "FoundFlip", "flip_probe", "found_probe", "found_probes", "name_for", "written"]

_KEYS = ("name", "text", "position", "parts", "note")
_FLIP_KEYS = ("case", "source", "target", "edits")
#: the probe of all flips of a file
FLIPS = "attack.flips"
_NAME = re.compile(r"attack\.[a-z0-9][a-z0-9-]*")
#: longest text that a suite file may add to an answer, in characters
_LONGEST = 20_000


class FoundAttack(NamedTuple):
    """One attack of a suite file: a text, or names of probes whose edits are made in turn (`parts`).

    `note` is for people: where it was found and what it did.
    """

    name: str
    text: str = ""
    position: Position = "end"
    note: str = ""
    parts: tuple[str, ...] = ()


class FoundFlip(NamedTuple):
    """Edits of response `target` that flipped a verdict. `source`: the first 16 digits of the hash of what was shown
    of its case (`harness.cases.shown_hash`); `case` is its id, for people."""

    case: str
    source: str
    target: int
    edits: tuple[Edit, ...]


def name_for(text: str, taken: Sequence[str] = ()) -> str:
    """A probe name that says what the text is, "attack.verified-expert", different from those `taken`."""
    words = re.findall(r"[a-z0-9]+", text.lower())
    slug = "-".join(words[:4])[:40].strip("-") or content_hash(text)[:8]
    name, number = f"attack.{slug}", 2
    while name in taken:
        name, number = f"attack.{slug}-{number}", number + 1
    return name


def found_probe(attack: FoundAttack, own: Mapping[str, Probe] | None = None) -> Probe:
    """The probe that tests whether `attack` helps; its perturbation is registered by its content.

    `own`: probes of the same file, which parts may name. Raises UsageError.
    """
    edit: Perturbation
    if attack.parts:
        edit = found_stack(tuple(_edit_of(part, own or {}) for part in attack.parts))
    else:
        edit = found_text(attack.text, attack.position)
    return Probe(
        name=attack.name,
        relation=Relation.NO_GAIN,
        summary=attack.note or edit.summary,
        source=edit.source,
        perturbation=edit.name,
        target="worse",
        sham=True,
        metrics=("asr",),
    )


def _edit_of(part: str, own: Mapping[str, Probe]) -> str:
    probe = own[part] if part in own else PROBES.get(part)
    if probe.perturbation is None:
        raise UsageError(f"{part} edits no answer, so it can be no part of an attack")
    return probe.perturbation


def found_probes(draft: Draft) -> dict[str, Probe]:
    """The probes of the `[[found]]` and `[[flip]]` tables of a suite file, by name. Raises UsageError naming the
    line."""
    tables = draft.get("found", [])
    if not isinstance(tables, list) or not all(isinstance(t, Mapping) for t in tables):
        raise draft.error("write each found attack as a table [[found]]", "found")
    probes: dict[str, Probe] = {}
    for number, table in enumerate(tables):
        attack = _attack(draft, table, number)
        if attack.name in probes:
            raise draft.error(f"two attacks are called {attack.name!r}", "name", "found", number, hint="Rename one.")
        try:
            probes[attack.name] = found_probe(attack, probes)
        except UsageError as error:
            raise draft.error(error.message, "parts", "found", number, hint=error.hint) from None
    if flips := _flips(draft):
        probes[FLIPS] = flip_probe(flips)
    return probes


def flip_probe(flips: Sequence[FoundFlip]) -> Probe:
    """The probe that makes `flips` again: none of those verdicts may change."""
    edit = found_flips({(f.source, f.target): f.edits for f in flips})
    return Probe(
        name=FLIPS,
        relation=Relation.INVARIANT,
        summary=edit.summary,
        source=edit.source,
        perturbation=edit.name,
        target="each",
        metrics=(),
    )


def _flips(draft: Draft) -> list[FoundFlip]:
    """The `[[flip]]` tables of a suite file. Raises UsageError naming the line."""
    tables = draft.get("flip", [])
    if not isinstance(tables, list) or not all(isinstance(t, Mapping) for t in tables):
        raise draft.error("write each flip as a table [[flip]]", "flip")
    flips = []
    for number, table in enumerate(tables):
        for key in table:
            if key not in _FLIP_KEYS:
                raise draft.error(f"unknown key {key!r} of a flip", key, "flip", number, hint=nearest(key, _FLIP_KEYS))
        source, target = table.get("source"), table.get("target", 0)
        if not isinstance(source, str) or not re.fullmatch(r"[0-9a-f]{16}", source):
            hint = "It is a hash that voirdire attack --flips writes."
            raise draft.error(f"source {source!r} names no case", "source", "flip", number, hint=hint)
        if not isinstance(target, int) or isinstance(target, bool) or target < 0:
            raise draft.error(f"target {target!r} is no index of a response", "target", "flip", number)
        listed = table.get("edits", [])
        if not isinstance(listed, list):
            raise draft.error(f"edits must be a list, not {listed!r}", "edits", "flip", number)
        edits = tuple(_edit(draft, e, target, number) for e in listed)
        if not edits:
            raise draft.error("a flip has no edits", "edits", "flip", number)
        flips.append(FoundFlip(str(table.get("case", "")), source, target, edits))
    return flips


def _edit(draft: Draft, edit: Any, target: int, number: int) -> Edit:
    start, end, text = (edit.get(k) for k in ("start", "end", "text")) if isinstance(edit, Mapping) else (None,) * 3
    if (
        not isinstance(start, int)
        or not isinstance(end, int)
        or not isinstance(text, str)
        or not 0 <= start <= end
        or isinstance(start, bool)
    ):
        hint = 'Write { start = 4, end = 7, text = "…" }.'
        raise draft.error(f"{edit!r} is no edit", "edits", "flip", number, hint=hint)
    return Edit(start, end, text, f"responses[{target}]")


def _attack(draft: Draft, table: Mapping[str, Any], number: int) -> FoundAttack:
    for key, value in table.items():
        if key not in _KEYS:
            hint = nearest(key, _KEYS)
            raise draft.error(f"unknown key {key!r} of a found attack", key, "found", number, hint=hint)
        if key == "parts":
            if not isinstance(value, list) or len(value) < 2 or not all(isinstance(p, str) for p in value):
                raise draft.error(f"parts must be a list of two names or more, not {value!r}", key, "found", number)
        elif not isinstance(value, str):
            raise draft.error(f"{key} must be a text, not {value!r}", key, "found", number)
    if "parts" in table and ("text" in table or "position" in table):
        raise draft.error("an attack has a text or parts, not both", "parts", "found", number)
    attack = FoundAttack(
        table.get("name", ""),
        table.get("text", ""),
        table.get("position", "end"),
        table.get("note", ""),
        tuple(table.get("parts", ())),
    )
    if not _NAME.fullmatch(attack.name):
        hint = 'Names look like "attack.verified-expert".'
        raise draft.error(f"{attack.name!r} is no name of a found attack", "name", "found", number, hint=hint)
    if not attack.parts and (not attack.text.strip() or len(attack.text) > _LONGEST):
        message = f"text must have 1 to {_LONGEST:,} characters that are not all blank"
        raise draft.error(message, "text", "found", number)
    if attack.position not in POSITIONS:
        hint = nearest(attack.position, POSITIONS)
        raise draft.error(f"position {attack.position!r} is unknown", "position", "found", number, hint=hint)
    return attack


def written(
    attacks: Sequence[FoundAttack],
    *,
    name: str,
    summary: str,
    probes: Sequence[str] = (),
    flips: Sequence[FoundFlip] = (),
) -> str:
    """The suite file that holds `attacks`, each after its parts, the registered `probes`, and `flips`."""
    lines = [
        "# Attacks that a search found. A suite for audit, gate and pytest: voirdire gate --suite THIS.toml …",
        f"name = {_toml(name)}",
        f"summary = {_toml(summary)}",
        "samples = 1",
        "probes = [",
        '    "stability.retest",',
        *(f"    {_toml(name)}," for name in (*probes, *(a.name for a in attacks), *([FLIPS] * bool(flips)))),
        "]",
    ]
    for attack in attacks:
        lines += ["", "[[found]]", f"name = {_toml(attack.name)}"]
        if attack.parts:
            lines += [f"parts = [{', '.join(map(_toml, attack.parts))}]"]
        else:
            lines += [f"position = {_toml(attack.position)}", f"text = {_toml(attack.text)}"]
        lines += [f"note = {_toml(attack.note)}"] if attack.note else []
    for flip in flips:
        lines += ["", "[[flip]]", f"case = {_toml(flip.case)}", f"source = {_toml(flip.source)}"]
        lines += [f"target = {flip.target}", "edits = ["]
        lines += [f"    {{ start = {e.start}, end = {e.end}, text = {_toml(e.text)} }}," for e in flip.edits]
        lines += ["]"]
    return "\n".join(lines) + "\n"


def _toml(text: str) -> str:
    """A TOML basic string: JSON's escapes are TOML's, but for the delete character and lone surrogates."""
    return json.dumps(text.encode("utf-8", "replace").decode("utf-8"), ensure_ascii=False).replace("\x7f", "\\u007f")
