"""The tables [judges.NAME] of the configuration file, read and checked.

    [judges.strict]
    spec = "openai:gpt-5-mini"
    prompt = "prompts/strict.md"

A table holds a spec and any of the fields of JudgeOptions that describe a judge. Not here: what a name stands for when
it is used (_judge_names.py).
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from voirdire._config import ConfigFile, rebased
from voirdire.harness.cases import ALL_TASKS
from voirdire.harness.errors import UsageError, nearest
from voirdire.harness.finite import is_finite
from voirdire.harness.judges.spec import SCHEMES, parse_scale
from voirdire.harness.judges.trust import Source
from voirdire.harness.verdicts import Scale

__all__ = ["GROUP", "JUDGE_KEYS", "JudgeTable", "judge_tables", "plugin_names"]

#: entry-point group of the judges that installed packages add
GROUP = "voirdire.judges"
UTILITIES = ("verdict", "probability")
#: other characters mean something in a spec
_NAME = re.compile(r"\w[\w.-]*")


@dataclass(frozen=True, slots=True)
class JudgeTable:
    """A checked table: its `spec`, the JudgeOptions fields it sets, and where the spec and each of those stand."""

    name: str
    spec: str
    options: Mapping[str, Any]
    sources: Mapping[str, Source]


def plugin_names() -> set[str]:
    """The names of the judges that installed packages register; nothing of theirs is imported."""
    if os.environ.get("VOIRDIRE_NO_PLUGINS"):
        return set()
    from importlib.metadata import entry_points

    return set(entry_points(group=GROUP).names)


def judge_tables(config: ConfigFile, *, vouched: bool = False) -> dict[str, JudgeTable]:
    """Every [judges.NAME] table of the file. Raises UsageError naming file, line, key, value and fix."""
    tables = config.data.get("judges", {})
    if not isinstance(tables, Mapping):
        raise config.error("judges must be a table of tables", "judges", hint="Write one [judges.NAME] a judge.")
    taken = plugin_names() if tables else set()
    return {name: _table(config, name, table, taken, vouched=vouched) for name, table in tables.items()}


def _table(config: ConfigFile, name: str, table: Any, taken: Collection[str], *, vouched: bool) -> JudgeTable:
    here = ("judges", name)
    if not _NAME.fullmatch(name):
        raise config.error(f"{name!r} is no name for a judge", *here, hint="Use letters, digits, _, . and - only.")
    if name in SCHEMES or name in taken:
        owner = "a kind of judge" if name in SCHEMES else "a judge of an installed package"
        raise config.error(f"{name!r} is already the name of {owner}", *here, hint="Choose another name.")
    if not isinstance(table, Mapping):
        raise config.error(f"judges.{name} must be a table", *here, hint=f'Example: {name} = {{ spec = "openai:M" }}')
    values: dict[str, Any] = {}
    sources: dict[str, Source] = {}
    for written, value in table.items():
        key = "params" if written == "param" else written.replace("-", "_")
        check = JUDGE_KEYS.get(key)
        if check is None:
            raise config.error(
                f"unknown key {written!r} of judge {name}", *here, written, hint=nearest(key, JUDGE_KEYS)
            )
        if key in values:
            raise config.error(f"{written!r} of judge {name} is set twice", *here, written)
        try:
            values[key] = check(value)
        except ValueError as error:
            raise config.error(f"{written} of judge {name} must be {error}, not {value!r}", *here, written) from None
        sources[key] = config.source(*here, written, value=value, vouched=vouched)
    if "spec" not in values:
        raise config.error(f"judge {name} has no spec", *here, hint='Example: spec = "openai:gpt-5-mini"')
    if "prompt" in values:
        values["prompt"] = rebased(config.folder, values["prompt"])
    return JudgeTable(name, values.pop("spec"), values, sources)


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        raise ValueError("a text")
    return value.strip()


def _one_of(words: Collection[str]) -> Callable[[object], str]:
    def check(value: object) -> str:
        if not isinstance(value, str) or value not in words:
            raise ValueError(f"one of {', '.join(words)}")
        return value

    return check


def _scale(value: object) -> Scale:
    try:
        return parse_scale(_text(value))
    except (UsageError, ValueError):
        raise ValueError('a range, e.g. "1:10"') from None


def _params(value: object) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError("a table, e.g. { temperature = 0 }")
    return dict(value)


def _seconds(value: object) -> float:
    if not is_finite(value) or value <= 0:
        raise ValueError("a number of seconds above 0")
    return float(value)


def _whole(low: int) -> Callable[[object], int]:
    def check(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or value < low:
            raise ValueError(f"a whole number from {low}")
        return value

    return check


#: key of a table -> its value as JudgeOptions wants it; ValueError says what it must be
JUDGE_KEYS: Mapping[str, Callable[[object], Any]] = {
    "spec": _text,
    "task": _one_of(ALL_TASKS),
    "scale": _scale,
    "prompt": _text,
    "parse": _text,
    "base_url": _text,
    "params": _params,
    "timeout": _seconds,
    "retries": _whole(0),
    "concurrency": _whole(1),
    "utility": _one_of(UTILITIES),
}
