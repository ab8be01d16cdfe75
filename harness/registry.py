"""One small container for everything that extends voirdire: perturbations, judges, probes, formats of cases.

Extensions are decorated functions; installed packages add theirs through entry-point groups `voirdire.<kind>`,
which are read on the first look-up and can be switched off with VOIRDIRE_NO_PLUGINS=1.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Generic, TypeVar

from voirdire.harness.cases import Perturbation
from voirdire.harness.errors import UsageError, nearest

__all__ = ["PERTURBATIONS", "Registry"]

T = TypeVar("T")


class Registry(Generic[T]):
    """Names to objects of one kind, e.g. Registry[Judge]("judge").

    `Registry.get` raises UsageError with the nearest names.
    """

    __slots__ = ("_items", "_loaded", "_resolve", "_unlisted", "group", "kind")

    def __init__(self, kind: str, group: str | None = None) -> None:
        self.kind = kind
        self.group = group
        self._items: dict[str, T] = {}
        self._loaded = group is None
        self._resolve: Callable[[str], T | None] | None = None
        self._unlisted: dict[str, T] = {}

    def add(self, name: str, item: T) -> T:
        if name in self._items:
            raise UsageError(
                f"two {self.kind}s are called {name!r}", hint="Rename one: names are unique across all plugins."
            )
        self._items[name] = item
        return item

    def keep(self, name: str, item: T) -> T:
        """Make `item` known to `get` only, for what a user's file defines. A name must say all of its item, as a hash
        in it does: it may come again, and then stands for the same."""
        self._unlisted[name] = item
        return item

    def get(self, name: str) -> T:
        self._load()
        if name in self._items:
            return self._items[name]
        if name in self._unlisted:
            return self._unlisted[name]
        made = self._resolve(name) if self._resolve is not None else None
        if made is None:
            raise UsageError(f"there is no {self.kind} called {name!r}", hint=nearest(name, self._items))
        return made

    def resolve_with(self, resolve: Callable[[str], T | None]) -> None:
        """Let `get` make what stands for a name that nobody registered, `a+b` or `a@2`; such items are not listed."""
        self._resolve = resolve

    @contextlib.contextmanager
    def all_or_nothing(self) -> Iterator[None]:
        """What was added inside is taken back if it ends in an error, so that a mended plugin can be loaded again."""
        before = dict(self._items)
        try:
            yield
        except BaseException:
            self._items = before
            raise

    def __contains__(self, name: object) -> bool:
        self._load()
        return name in self._items

    def __iter__(self) -> Iterator[str]:
        self._load()
        return iter(self._items)

    def __len__(self) -> int:
        self._load()
        return len(self._items)

    def values(self) -> list[T]:
        self._load()
        return list(self._items.values())

    def _load(self) -> None:
        """Import the entry points of the group once; importing them registers their items."""
        if self._loaded or self.group is None:
            return
        self._loaded = True
        if os.environ.get("VOIRDIRE_NO_PLUGINS"):
            return
        from importlib.metadata import entry_points

        for point in entry_points(group=self.group):
            try:
                item = point.load()
            except Exception as error:
                raise UsageError(
                    f"plugin {point.name!r} ({point.value}) could not be loaded: {type(error).__name__}: {error}",
                    hint="Mend or uninstall it, or set VOIRDIRE_NO_PLUGINS=1.",
                ) from error
            # a module has registered its items itself, by the names it gave them
            if not isinstance(item, ModuleType) and point.name not in self._items:
                self._items[point.name] = item


#: every perturbation by its published name; the `perturbations` folder fills it when it is imported
PERTURBATIONS: Registry[Perturbation] = Registry("perturbation", "voirdire.perturbations")
