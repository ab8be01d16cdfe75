"""What a format is to the rest: a name, how its files look, and the function that reads them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from voirdire.harness.errors import UsageError, nearest
from voirdire.suites.loaders.collecting import Loaded
from voirdire.suites.loaders.records import Source

__all__ = ["Format", "Options", "Shape"]

Options: TypeAlias = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Shape:
    """What sniffing may look at: the first record's fields (`first`, empty if there is none), the whole JSON document
    where the file is one object (`document`), and the first line (`line`)."""

    first: Mapping[str, Any]
    document: Mapping[str, Any]
    line: str

    def has(self, *names: str) -> bool:
        """Has the first record all these fields?"""
        return all(name in self.first for name in names)


@dataclass(frozen=True, slots=True)
class Format:
    """A public format. `options` are what may follow the file in a spec, `?name=value`, with what each does.

    `fits` answers from a `Shape` whether a file is of this format; it must hold for no file of another one.
    """

    name: str
    summary: str
    read: Callable[[Source, Options], Loaded]
    fits: Callable[[Shape], bool]
    options: Mapping[str, str] = field(default_factory=dict)

    def checked(self, options: Options) -> Options:
        """`options` if this format knows them all. Raises UsageError with the nearest name."""
        for name in options:
            if name not in self.options:
                raise UsageError(f"the format {self.name} has no option {name!r}", hint=nearest(name, self.options))
        return options


def one_of(options: Options, name: str, known: tuple[str, ...]) -> str:
    """The value of an option with a fixed list of them, the first of which is the default. Raises UsageError."""
    value = options.get(name, known[0])
    if value not in known:
        raise UsageError(f"{name}={value} is not possible", hint=nearest(value, known))
    return value
