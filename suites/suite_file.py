"""A suite's TOML file, checked: every key, its type and range, with the line and the nearest name where it is wrong.

Here: text -> `Draft`, the file as plain checked data. Not here: what its probe names stand for, and what it extends
(loading.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from voirdire.harness.cases import ALL_TASKS
from voirdire.harness.errors import UsageError, nearest
from voirdire.harness.papers import Paper, Published, arxiv_url
from voirdire.harness.toml_text import TomlError, parse_toml

__all__ = ["Draft", "read_draft"]

#: key of a suite file -> (accepted types, smallest, largest)
_NUMBERS: dict[str, tuple[type | tuple[type, ...], float, float]] = {
    "samples": (int, 1, 100),
    "cases": (int, 1, 10_000_000),
    "max_calls": (int, 1, 1_000_000_000),
    "tolerance": ((int, float), 0.0, 1.0),
    "min_drop": ((int, float), 0.0, 1.0),
    "accuracy_floor": ((int, float), 0.0, 1.0),
}
_TEXTS = ("name", "summary", "source")
_PAPER_TEXTS = ("title", "paper", "url", "relation", "target", "chance", "data_note", "slices")
_PAPER_LISTS = ("metrics", "data", "prompts", "compare")
_LISTS = ("probes", "exclude", "extends", "tasks", "needs", *_PAPER_LISTS)
#: what a case may have beside its question and answers
_FIELDS = ("reference", "rubric", "context")
_TABLES = ("probe", "group", "published", "found", "flip")
_KEYS = (*_NUMBERS, *_TEXTS, *_PAPER_TEXTS, *_LISTS, *_TABLES)
_PROBE_KEYS = ("tolerance", "min_drop", "dose")
_PUBLISHED_KEYS = ("judge", "metric", "value", "group", "note")
_HEADER = re.compile(r"^\s*\[+(?P<name>[^\]\[]+)\]+\s*(?:#.*)?$")
_KEY = re.compile(r"^\s*(?P<key>[\w-]+|\"[^\"]*\"|'[^']*')\s*=")


@dataclass(frozen=True, slots=True)
class Draft:
    """The checked content of one suite file. `at(key, table)` is ", line N" of a key, for messages."""

    path: str
    data: Mapping[str, Any]
    text: str

    def at(self, key: str, table: str = "", number: int = 0) -> str:
        """Where `key` stands in the `number`-th table of that name ("": before the first table)."""
        where = _line_of(self.text, key, table, number)
        return f", line {where}" if where else ""

    def get(self, key: str, default: Any = None) -> Any:
        return self.data.get(key, default)

    def error(
        self, message: str, key: str = "", table: str = "", number: int = 0, hint: str | None = None
    ) -> UsageError:
        """The error to raise about `key`, with its line."""
        at = self.at(key, table, number) if key or table else ""
        return UsageError(f"{self.path}{at}: {message}", hint=hint)

    def list_of(self, key: str) -> list[str]:
        """A list of texts; a single text counts as a list of one."""
        value = self.data.get(key, [])
        return [value] if isinstance(value, str) else list(value)

    def paper(self, known_metrics: Iterable[str], groups: Mapping[str, tuple[str, ...]]) -> Paper | None:
        """What the file says of its paper; None where it says nothing. Raises UsageError for an unknown metric."""
        if not any(key in self.data for key in (*_PAPER_TEXTS, *_PAPER_LISTS, "group", "published")):
            return None
        known = list(known_metrics)
        metrics = self.list_of("metrics")
        for name in metrics:
            if name not in known:
                raise self.error(f"there is no metric called {name!r}", "metrics", hint=nearest(name, known))
        texts = {key: str(self.data.get(key, "")).strip() for key in _PAPER_TEXTS}
        return Paper(
            **{
                **texts,
                "title": texts["title"] or str(self.data.get("name", self.path)),
                "url": texts["url"] or arxiv_url(texts["paper"]),
            },
            metrics=tuple(metrics),
            groups=groups,
            published=tuple(self._published(known, metrics, groups)),
            data=tuple(self.list_of("data")),
            prompts=tuple(self.list_of("prompts")),
            compare=tuple(self.list_of("compare")),
        )

    def _published(
        self, known: Sequence[str], metrics: Sequence[str], groups: Mapping[str, Any]
    ) -> Iterable[Published]:
        for number, row in enumerate(self.data.get("published", [])):
            name, group = row["metric"], row.get("group", "")
            if name not in metrics:
                hint = "Add it to metrics." if name in known else nearest(name, known)
                raise self.error(f"{name!r} is not among the suite's metrics", "metric", "published", number, hint)
            if group and group not in groups and "slices" not in self.data:
                hint = nearest(group, groups) if groups else "Write a table [group] with the probes of each group."
                raise self.error(f"there is no group called {group!r}", "group", "published", number, hint)
            yield Published(row["judge"], name, float(row["value"]), group, row.get("note", ""))


def read_draft(text: str, path: str) -> Draft:
    """`text` as a checked draft; `path` is for messages. Raises UsageError naming line, key, value and nearest name."""
    try:
        data = parse_toml(text)
    except TomlError as error:
        place = path if error.line is None else f"{path}, line {error.line}"
        raise UsageError(f"{place}: {error}") from None
    draft = Draft(path, data, text)
    for key in data:
        if key not in _KEYS:
            raise draft.error(f"unknown key {key!r}", key, table="", hint=nearest(key, _KEYS))
    for key, (kind, low, high) in _NUMBERS.items():
        if key in data:
            _check_number(f"{path}{draft.at(key)}: {key}", data[key], kind, low, high)
    for key in (*_TEXTS, *_PAPER_TEXTS):
        if key in data and not isinstance(data[key], str):
            raise draft.error(f"{key} must be a text, not {data[key]!r}", key)
    name = data.get("name", "suite")
    if not name.isprintable() or not name.strip():
        raise draft.error(f"name {name!r} is no line of text that can be shown", "name")
    for key in _LISTS:
        value = data.get(key, [])
        if not isinstance(value, str) and not (isinstance(value, list) and all(isinstance(v, str) for v in value)):
            example = 'e.g. probes = ["order.swap", "typos.*"]' if key == "probes" else "in brackets"
            raise draft.error(f"{key} must be a list of texts, {example}", key)
    for task in draft.list_of("tasks"):
        if task not in ALL_TASKS:
            raise draft.error(f"there is no task called {task!r}", "tasks", hint=nearest(task, ALL_TASKS))
    for field in draft.list_of("needs"):
        if field not in _FIELDS:
            raise draft.error(f"a case has no field called {field!r}", "needs", hint=nearest(field, _FIELDS))
    if not draft.list_of("probes") and not draft.list_of("extends"):
        raise UsageError(f'{path}: probes must be a list of names or globs, e.g. probes = ["order.swap", "typos.*"]')
    _check_changes(draft)
    _check_groups(draft)
    _check_published(draft)
    return draft


def _check_changes(draft: Draft) -> None:
    tables = draft.data.get("probe", {})
    if not isinstance(tables, Mapping) or not all(isinstance(t, Mapping) for t in tables.values()):
        raise draft.error('write a probe\'s changes as [probe."order.swap"]', "probe")
    for name, table in tables.items():
        for key, value in table.items():
            where = f'probe."{name}"'
            if key not in _PROBE_KEYS:
                hint = nearest(key, _PROBE_KEYS)
                raise draft.error(f"unknown key {key!r} of probe {name}", key, where, hint=hint)
            high = 100.0 if key == "dose" else 1.0
            at = f"{draft.path}{draft.at(key, where)}: {key} of {name}"
            _check_number(at, value, (int, float), 0.0, high, above=key == "dose")


def _check_groups(draft: Draft) -> None:
    groups = draft.data.get("group", {})
    if not isinstance(groups, Mapping):
        raise draft.error("write groups of probes as a table [group]", "group")
    for name, globs in groups.items():
        if not isinstance(globs, list) or not globs or not all(isinstance(g, str) for g in globs):
            raise draft.error(f"group {name} must be a list of probe names or globs, not {globs!r}", name, "group")


def _check_published(draft: Draft) -> None:
    rows = draft.data.get("published", [])
    if not isinstance(rows, list) or not all(isinstance(r, Mapping) for r in rows):
        raise draft.error("write each published number as a table [[published]]", "published")
    for number, row in enumerate(rows):
        for key in row:
            if key not in _PUBLISHED_KEYS:
                hint = nearest(key, _PUBLISHED_KEYS)
                raise draft.error(f"unknown key {key!r} of a published number", key, "published", number, hint)
        for key in ("judge", "metric", "group", "note"):
            if not isinstance(row.get(key, ""), str):
                raise draft.error(f"{key} must be a text, not {row[key]!r}", key, "published", number)
        missing = [key for key in ("judge", "metric", "value") if key not in row]
        if missing:
            first = next(iter(row), "")
            raise draft.error(f"a published number needs {missing[0]}", first, "published", number)
        value = row["value"]
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) < 1e9:
            raise draft.error(f"value must be a number, not {value!r}", "value", "published", number)


def _check_number(
    where: str, value: Any, kind: type | tuple[type, ...], low: float, high: float, *, above: bool = False
) -> None:
    number = value if isinstance(value, (int, float)) and isinstance(value, kind) else None
    if number is None or isinstance(value, bool) or not low <= number <= high or (above and number == low):
        what = "a whole number" if kind is int else "a number"
        span = f"above {low:g}, at most {high:g}" if above else f"from {low:g} to {high:g}"
        raise UsageError(f"{where} must be {what} {span}, not {value!r}")


def _line_of(text: str, key: str, table: str, number: int) -> int | None:
    """1-based line of `key` in the `number`-th table called `table`; of the table itself where it has no such key."""
    here, seen, header = "", -1, None

    def wanted() -> bool:
        return here == _bare(table) and (not table or seen == number)

    for count, line in enumerate(text.splitlines(), start=1):
        if (found := _HEADER.match(line)) is not None:
            here = _bare(found["name"])
            seen += here == _bare(table)
            if not table and here.split(".")[0] == key:
                return count  # the key is a table
            if header is None and wanted():
                header = count
        elif (found := _KEY.match(line)) is not None and wanted() and _bare(found["key"]) == key:
            return count
    if header is None and table and "." not in table:
        # written inline: the line of the whole list is the best there is
        return _line_of(text, table, "", 0)
    return header if table else None


def _bare(name: str) -> str:
    return re.sub(r"[\"'\s]", "", name)
