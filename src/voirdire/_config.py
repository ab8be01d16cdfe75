"""The configuration file: finding it, reading it, checking every key and value against the commands' options.

`voirdire.toml`, or the table [tool.voirdire] of pyproject.toml, in the current folder or the nearest parent up to the
repository's root. Top-level keys are options of all commands, a table named like a command holds options of that one,
and [judges.NAME] names a judge (_judge_tables.py). Options are spelled as on the command line, with _ or - between
words (`max_calls` is --max-calls). Not here: which options there are and what beats what (cli/configured.py), and what
a file may not do (harness/judges/trust.py).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from voirdire.harness.errors import UsageError, nearest
from voirdire.harness.finite import is_finite
from voirdire.harness.judges.trust import Origin, Source, data_parts
from voirdire.harness.toml_text import MAX_CHARACTERS, TomlError, parse_toml

__all__ = ["ConfigFile", "Kind", "Option", "Setting", "find_config", "load_config", "read_config", "rebased"]

FILE, PYPROJECT, TABLE = "voirdire.toml", "pyproject.toml", ("tool", "voirdire")
#: --config none
NONE = "none"
#: largest configuration file, in bytes
MAX_BYTES = MAX_CHARACTERS

#: what an option's value must be; "params" is a table, or texts k=v
Kind = Literal["flag", "whole", "number", "text", "texts", "path", "params"]

#: text options whose value is a path, but for these values
_TEXT_PATHS: Mapping[str, re.Pattern[str]] = {
    "baseline": re.compile(r"-"),
    "cache": re.compile(r"none"),
    "cases": re.compile(r"-"),
    "suite": re.compile(r"(?!.*\.toml$).*"),  # a name
}
_WORDS: Mapping[str, str] = {
    "flag": "true or false",
    "whole": "a whole number",
    "number": "a number",
    "text": "a text",
    "texts": "a list of texts",
    "path": "a path (a text)",
    "params": "a table, e.g. { temperature = 0 }",
}


@dataclass(frozen=True, slots=True)
class Option:
    """An option of a command: its `key` in the file and its parameter in Python.

    `negates`: true there is false here, as with --fixed, the opposite of --sequential.
    """

    key: str
    parameter: str
    kind: Kind
    negates: bool = False


@dataclass(frozen=True, slots=True)
class Setting:
    """A checked value of the file, as its command takes it, and its source. `is_path`: it names a file or folder."""

    option: Option
    value: Any
    source: Source
    is_path: bool = False


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """A read configuration file. `data` is its voirdire part, `table` where in the file that part stands."""

    path: Path
    table: tuple[str, ...]
    text: str
    data: Mapping[str, Any]
    notes: tuple[str, ...] = ()

    @property
    def folder(self) -> Path:
        return self.path.parent

    @property
    def shown(self) -> str:
        return _shorter(self.path)

    def place(self, *keys: str) -> str:
        """ "voirdire.toml, line 3" for the setting at `keys`; without the line where it cannot be told."""
        line = _line(self.text, (*self.table, *keys))
        return f"{self.shown}, line {line}" if line is not None else self.shown

    def source(self, *keys: str, value: object, vouched: bool = False) -> Source:
        """The source of the setting at `keys`."""
        setting = f"{'.'.join(keys)} = {_toml(value)}"
        return Source(Origin.FILE, self.place(*keys), setting, self.folder, vouched)

    def error(self, message: str, *keys: str, hint: str | None = None) -> UsageError:
        return UsageError(f"{self.place(*keys)}: {message}", hint=hint)

    def settings(
        self, command: str, commands: Mapping[str, Mapping[str, Option]], *, vouched: bool = False
    ) -> dict[str, Setting]:
        """What the file sets for `command`, by parameter; the command's own table beats the top level.

        `commands` maps each command to its options by key. The whole file is checked, other commands' tables too.
        Raises UsageError naming file, line, key, value and fix.
        """
        everywhere: dict[str, Option] = {}
        for options in (*commands.values(), commands[command]):
            everywhere.update(options)
        found: dict[str, Setting] = {}
        # `baseline` is a command and an option of another: a table is the command's
        tables = {name: value for name, value in self.data.items() if name in commands and isinstance(value, Mapping)}
        top = {name: value for name, value in self.data.items() if name != "judges" and name not in tables}
        for setting in self._read(top, (), everywhere, vouched=vouched, also=(*commands, "judges")):
            if setting.option.key in commands[command]:
                found[setting.option.parameter] = setting
        for name, table in tables.items():
            for setting in self._read(table, (name,), commands[name], vouched=vouched):
                if name == command:
                    found[setting.option.parameter] = setting
        return found

    def _read(
        self,
        table: Mapping[str, Any],
        where: tuple[str, ...],
        options: Mapping[str, Option],
        *,
        vouched: bool,
        also: Iterable[str] = (),
    ) -> Iterator[Setting]:
        seen: dict[str, str] = {}
        for name, value in table.items():
            key = "param" if name == "params" else name.replace("-", "_")
            option = options.get(key)
            if option is None:
                raise self._unknown(name, where, [*options, *also])
            if option.parameter in seen:
                raise self.error(f"{name} and {seen[option.parameter]} set the same option", *where, name)
            seen[option.parameter] = name
            checked = self._checked(option, value, (*where, name))
            is_path = option.kind == "path" or (key in _TEXT_PATHS and not _TEXT_PATHS[key].fullmatch(checked))
            if is_path:
                form, path = data_parts(checked) if key == "cases" else ("", checked)
                checked = form + rebased(self.folder, path)
            source = self.source(*where, name, value=value, vouched=vouched)
            yield Setting(option, (not checked) if option.negates else checked, source, is_path)

    def _unknown(self, name: str, where: tuple[str, ...], known: Iterable[str]) -> UsageError:
        if name.replace("-", "_") == "trust_config":
            return self.error(
                "a file cannot vouch for itself", *where, name, hint="Pass --trust-config on the command line."
            )
        of = f" in [{'.'.join((*self.table, *where))}]" if where else ""
        return self.error(f"unknown key {name!r}{of}", *where, name, hint=nearest(name.replace("-", "_"), known))

    def _checked(self, option: Option, value: Any, keys: tuple[str, ...]) -> Any:
        """`value` as the command line would have given it."""
        if option.key == "format" and _is_texts(value):
            return ",".join(value)
        if option.kind == "texts" and isinstance(value, str):
            return [value]
        if option.kind == "params" and isinstance(value, Mapping):
            return [f"{k}={_toml(v)}" for k, v in value.items()]
        if not _fits(option.kind, value):
            raise self.error(f"{keys[-1]} must be {_WORDS[option.kind]}, not {_toml(value)}", *keys)
        return value


def load_config(named: str | None = None, *, start: Path | None = None) -> ConfigFile | None:
    """The file that --config names ("none": none), else the one found from `start` (default: the current folder)."""
    if named == NONE:
        return None
    if named is not None:
        path = Path(named).absolute()
        config = read_config(path)
        if config is None:
            raise UsageError(f"{named} has no table [tool.voirdire]")
        return config
    return find_config(start or Path.cwd())


def find_config(start: Path) -> ConfigFile | None:
    """The configuration in `start` or its nearest parent, up to the repository's root (a folder with .git).

    Outside of a repository only `start` is looked at: a folder above it, such as /tmp, may be anybody's.
    """
    folders = [start, *start.parents]
    root = next((i for i, folder in enumerate(folders) if (folder / ".git").exists()), 0)
    for folder in folders[: root + 1]:
        own = _found(folder / FILE)
        other = _found(folder / PYPROJECT)
        if own is not None and other is not None:
            note = f"{own.shown} is used; [tool.voirdire] of {other.shown} is not."
            return ConfigFile(own.path, own.table, own.text, own.data, (note,))
        if own is not None or other is not None:
            return own or other
    return None


def _found(path: Path) -> ConfigFile | None:
    """As `read_config`, for a file that nobody named: a link must not put another folder's file into messages."""
    config = read_config(path) if path.is_file() else None
    if config is not None and not path.resolve().is_relative_to(path.parent.resolve()):
        raise UsageError(
            f"{config.shown} is a link to a file outside of its folder",
            hint="Name the file with --config FILE, or use none: --config none.",
        )
    return config


def read_config(path: Path) -> ConfigFile | None:
    """The configuration in `path`; None if it is a pyproject.toml that says nothing about voirdire."""
    shown = _shorter(path)
    try:
        content = path.read_bytes()
        if len(content) > MAX_BYTES:
            raise UsageError(f"{shown} is no configuration file: it has {len(content):,} bytes")
        text = content.decode("utf-8-sig")
    except OSError as error:
        raise UsageError(f"{shown} cannot be read ({error.strerror})") from None
    except UnicodeDecodeError as error:
        raise UsageError(f"{shown}: not UTF-8 (byte {error.start})") from None
    in_project = path.name == PYPROJECT
    if in_project and "voirdire" not in text:
        return None  # not ours to complain about
    try:
        data: Any = parse_toml(text)
    except TomlError as error:
        place = shown if error.line is None else f"{shown}, line {error.line}"
        raise UsageError(f"{place}: {error}") from None
    if not in_project:
        return ConfigFile(path, (), text, data)
    tool = data.get(TABLE[0], {})
    if not isinstance(tool, Mapping) or TABLE[1] not in tool:
        return None
    if not isinstance(tool[TABLE[1]], Mapping):
        raise UsageError(f"{shown}: tool.voirdire must be a table")
    return ConfigFile(path, TABLE, text, tool[TABLE[1]])


def rebased(folder: Path, text: str) -> str:
    """The path `text` of a file in `folder`, as seen from the current folder, and short where it can be."""
    return _shorter(folder / text) if not Path(text).is_absolute() else text


def _shorter(path: Path) -> str:
    try:
        relative = os.path.relpath(path)
    except ValueError:  # another drive
        return str(path)
    return min(relative, str(path), key=len)


def _fits(kind: Kind, value: Any) -> bool:
    match kind:
        case "flag":
            return isinstance(value, bool)
        case "whole":
            return isinstance(value, int) and not isinstance(value, bool)
        case "number":
            return is_finite(value)
        case "texts" | "params":
            return _is_texts(value)
        case "text" | "path":
            return isinstance(value, str) and value != "" and "\0" not in value


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(v, str) for v in value)


def _toml(value: object) -> str:
    """`value` for messages and for --param, which reads JSON where it can."""
    import json

    try:
        return json.dumps(value, ensure_ascii=False)
    except TypeError:  # a date
        return str(value)


_KEY = re.compile(r"""\s*((?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*)\s*=""")
_HEADER = re.compile(r"\s*\[([^\[\]]+)\]\s*(?:#.*)?")


def _line(text: str, keys: tuple[str, ...]) -> int | None:
    """The 1-based line on which the setting at `keys` begins, as far as a look at each line can tell.

    tomllib keeps no positions. A setting inside of an inline table is on the line of that table.
    """
    table: tuple[str, ...] = ()
    best: tuple[int, int] | None = None  # how many keys are met, the line
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.fullmatch(line):
            path = table = _parts(header[1])
        elif key := _KEY.match(line):
            path = (*table, *_parts(key[1]))
        else:
            continue
        if path and keys[: len(path)] == path and (best is None or len(path) > best[0]):
            best = (len(path), number)
    return best[1] if best is not None else None


def _parts(dotted: str) -> tuple[str, ...]:
    try:
        data: Any = parse_toml(f"{dotted} = 0")
    except TomlError:
        return ()
    parts: list[str] = []
    while isinstance(data, dict):
        (key, data), *_ = data.items()
        parts.append(key)
    return tuple(parts)
