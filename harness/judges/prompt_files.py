"""A prompt as a file: an optional header in TOML, then the system, user and assistant parts.

    +++
    title = "MT-bench, two answers"
    task = "pairwise"
    parser = "brackets"
    +++
    system text
    ---user---
    user text
    ---assistant---
    [[

The header says what the prompt is for, so that `--prompt NAME` is all a user has to give. The assistant part is the
beginning of an answer, put before models that answer with one token and ignored for others. The protocols of the field
lie in `protocols/`, one a file; a user's own file has the same form, and a package may bring some by name. Not here:
rendering and checking (prompts.py).
"""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

from voirdire.harness.cases import ALL_TASKS, Task
from voirdire.harness.errors import UsageError, nearest
from voirdire.harness.finite import is_finite
from voirdire.harness.toml_text import TomlError, parse_toml
from voirdire.harness.verdicts import Scale

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

__all__ = ["ASSISTANT", "FIELDS", "SEPARATOR", "Header", "PromptFile", "Reasoning", "protocol_names", "read_protocol"]

#: a line of its own that ends the system part of a prompt file
SEPARATOR = "---user---"
#: a line of its own before the beginning of an answer
ASSISTANT = "---assistant---"
_FENCE = "+++"
#: the entry-point group of packages with protocols
GROUP = "voirdire.protocols"

_PROTOCOLS = Path(__file__).with_name("protocols")

#: where the judge is told to explain itself: before its verdict, after it, or not at all
Reasoning = Literal["before", "after", "none"]
#: fields of a case that a prompt may insist on
FIELDS = ("reference", "rubric", "context")


@dataclass(frozen=True, slots=True)
class Header:
    """What a prompt file says of itself; None: it does not say.

    `single` names the prompt that scores one answer as this one compares two. `labels` are the names of the two slots
    in a pairwise verdict. `needs`: fields without which a case cannot be shown. `expected`: where the model gives
    probabilities, the score is their mean (G-Eval).
    """

    title: str = ""
    source: str = ""
    task: Task | None = None
    scale: Scale | None = None
    parser: str | None = None
    lang: str = "en"
    reasoning: Reasoning | None = None
    labels: tuple[str, str] = ("A", "B")
    needs: tuple[str, ...] = ()
    expected: bool = False
    single: str | None = None


@dataclass(frozen=True, slots=True)
class PromptFile:
    """The parts of a prompt. `line`: lines of the file before the system (or the only) part."""

    header: Header = field(default_factory=Header)
    system: str = ""
    user: str = ""
    assistant: str = ""
    line: int = 0

    @classmethod
    def parse(cls, text: str, name: str) -> PromptFile:
        """Raises UsageError naming the file, the line and the fix."""
        lines = text.replace("\r\n", "\n").split("\n")
        header, start = _header(lines, name)
        body = lines[start:]
        user_at = _only(body, SEPARATOR, "parts system from user", name)
        assistant_at = _only(body, ASSISTANT, "begins the answer", name)
        if user_at is not None and assistant_at is not None and assistant_at < user_at:
            raise UsageError(f"{name}: {ASSISTANT} stands before {SEPARATOR}", hint="The answer comes last.")
        end = len(body) if assistant_at is None else assistant_at
        system = "" if user_at is None else "\n".join(body[:user_at])
        user = "\n".join(body[0 if user_at is None else user_at + 1 : end])
        assistant = "" if assistant_at is None else "\n".join(body[assistant_at + 1 :])
        return cls(header, system.strip("\n"), user.strip("\n"), assistant.strip("\n"), start)


def protocol_names() -> list[str]:
    """The protocols in the package, and those of installed packages, sorted."""
    return sorted(_protocols())


@functools.lru_cache(maxsize=64)
def read_protocol(name: str) -> PromptFile:
    """The protocol called `name` (one of `protocol_names`). Raises UsageError naming the file that is wrong."""
    file = _protocols()[name]
    where = name if isinstance(file, Path) and file.parent == _PROTOCOLS else str(file)
    try:
        return PromptFile.parse(file.read_text(encoding="utf-8"), where)
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{where} cannot be read: {error}") from None


@functools.cache
def _protocols() -> Mapping[str, Traversable]:
    """The file of each protocol by its name.

    Packages add theirs through the entry-point group `voirdire.protocols`: each names a package whose `*.jinja` files
    are protocols, read as data. VOIRDIRE_NO_PLUGINS=1 leaves them out. Raises UsageError for a package that cannot be
    loaded or has none, and for a name that is taken.
    """
    found: dict[str, Traversable] = {path.stem: path for path in _PROTOCOLS.glob("*.jinja")}
    if os.environ.get("VOIRDIRE_NO_PLUGINS"):
        return found
    from importlib import resources
    from importlib.metadata import entry_points

    for point in entry_points(group=GROUP):
        plugin = f"plugin {point.name!r} ({point.value})"
        hint = "Mend or uninstall it, or set VOIRDIRE_NO_PLUGINS=1."
        try:
            files = [f for f in resources.files(point.module).iterdir() if f.name.endswith(".jinja") and f.is_file()]
        except Exception as error:
            raise UsageError(f"{plugin} could not be loaded: {type(error).__name__}: {error}", hint=hint) from error
        if not files:
            raise UsageError(f"{plugin} has no file *.jinja", hint="Is it among the package data of its wheel?")
        for file in files:
            name = file.name.removesuffix(".jinja")
            if name in found:
                raise UsageError(f"{plugin} has a protocol {name!r}, and there is one already", hint=hint)
            found[name] = file
    return found


def _only(lines: list[str], mark: str, what: str, name: str) -> int | None:
    found = [k for k, line in enumerate(lines) if line.strip() == mark]
    if len(found) > 1:
        raise UsageError(f"{name}: the prompt has {len(found)} lines {mark}", hint=f"One line {what}.")
    return found[0] if found else None


def _header(lines: list[str], name: str) -> tuple[Header, int]:
    if not lines or lines[0].strip() != _FENCE:
        return Header(), 0
    end = next((k for k, line in enumerate(lines[1:], start=1) if line.strip() == _FENCE), None)
    if end is None:
        raise UsageError(f"{name}, line 1: the header is not closed", hint=f"A second line {_FENCE} ends it.")
    try:
        data = parse_toml("\n".join(lines[1:end]))
    except TomlError as error:
        raise UsageError(f"{name}: the header is {error}") from None
    checked = {key: _value(key, value, name, _line(lines, key)) for key, value in data.items()}
    return Header(**checked), end + 1


def _line(lines: list[str], key: str) -> int:
    return next((k for k, line in enumerate(lines, start=1) if line.split("=")[0].strip() == key), 1)


def _value(key: str, value: Any, name: str, line: int) -> Any:
    check = _CHECKS.get(key)
    if check is None:
        raise UsageError(f"{name}, line {line}: the header has no key {key!r}", hint=nearest(key, _CHECKS))
    try:
        return check(value)
    except ValueError as error:
        raise UsageError(f"{name}, line {line}: {key} = {value!r} must be {error}") from None


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("a text")
    return value


def _one_of(*words: str) -> Any:
    def check(value: Any) -> str:
        if value not in words:
            raise ValueError(f"one of {', '.join(words)}")
        return str(value)

    return check


def _scale(value: Any) -> Scale:
    numbers = value if isinstance(value, list) else []
    if len(numbers) != 2 or not all(map(is_finite, numbers)):
        raise ValueError("two numbers, the lowest and the highest score")
    return Scale(float(numbers[0]), float(numbers[1]))


def _labels(value: Any) -> tuple[str, str]:
    if not isinstance(value, list) or len(value) != 2 or not all(isinstance(v, str) and v for v in value):
        raise ValueError("two different texts")
    if value[0] == value[1]:
        raise ValueError("two different texts")
    return cast("tuple[str, str]", tuple(value))


def _needs(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or any(entry not in FIELDS for entry in value):
        raise ValueError(f"a list of {', '.join(FIELDS)}")
    return tuple(value)


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("true or false")
    return value


def _single(value: Any) -> str:
    # a name of ours and no file of the user's: what a judge is asked is part of its fingerprint
    known = [
        "score",
        "score-digit",
        *(n for n in protocol_names() if n == value and read_protocol(n).header.task == "score"),
    ]
    if value not in known:
        raise ValueError("score, score-digit or a protocol for scores that `voirdire protocols` lists")
    return str(value)


_CHECKS: Mapping[str, Any] = {
    "title": _text,
    "source": _text,
    "task": _one_of(*ALL_TASKS),
    "scale": _scale,
    "parser": _text,
    "lang": _text,
    "reasoning": _one_of(*get_args(Reasoning)),
    "labels": _labels,
    "needs": _needs,
    "expected": _flag,
    "single": _single,
}
