"""A user's own function from text to text as a perturbation, for hand-written checks.

For anything that is to have a name, a source, a dose or a placebo, write a decorated editor instead (base.py). The
edits are found by comparing the texts, so that reports can mark them.
"""

from __future__ import annotations

import difflib
import random
import re
import weakref
from collections.abc import Callable
from dataclasses import dataclass

from voirdire.harness.cases import Case, Claim, Dose, Edit
from voirdire.harness.errors import NotApplicable, UsageError
from voirdire.harness.registry import PERTURBATIONS

__all__ = ["FunctionPerturbation", "compare", "register"]

#: comparing words takes time that grows with their square; beyond this many, one edit spans all that differs
_MOST_WORDS = 600
_WORD = re.compile(r"\s+|\w+|[^\w\s]")


@dataclass(frozen=True, slots=True)
class FunctionPerturbation:
    """`function(text) -> text`. It has no placebo and no dose, and claims to keep the meaning."""

    name: str
    function: Callable[[str], str]
    summary: str
    source: str = "your own"
    claim: Claim = "preserving"
    plants_error: bool = False

    def edits(self, case: Case, target: int, rng: random.Random, dose: Dose) -> tuple[Edit, ...]:
        """What the function changed. Raises NotApplicable where it changed nothing, UsageError if it failed."""
        before = case.responses[target]
        try:
            after = self.function(before)
        except NotApplicable:
            raise
        except Exception as error:
            raise UsageError(
                f"the perturbation {self.name} raised {type(error).__name__} on case {case.id!r}: {error}"
            ) from error
        if not isinstance(after, str):
            raise UsageError(f"the perturbation {self.name} returned {type(after).__name__}, not a text")
        found = compare(before, after, f"responses[{target}]")
        if not found:
            raise NotApplicable("there is nothing in this answer to edit")
        return found

    def sham(self, case: Case, target: int, edits: tuple[Edit, ...], rng: random.Random) -> tuple[Edit, ...] | None:
        return None


def compare(before: str, after: str, where: str) -> tuple[Edit, ...]:
    """Edits that lead from `before` to `after`, word by word where the texts are short enough."""
    start = 0
    shorter = min(len(before), len(after))
    while start < shorter and before[start] == after[start]:
        start += 1
    end = 0
    while end < shorter - start and before[-1 - end] == after[-1 - end]:
        end += 1
    old, new = before[start : len(before) - end], after[start : len(after) - end]
    if not old and not new:
        return ()
    words, others = _WORD.findall(old), _WORD.findall(new)
    if max(len(words), len(others)) > _MOST_WORDS:
        return (Edit(start, start + len(old), new, where),)
    places = [start]
    for word in words:
        places.append(places[-1] + len(word))
    matcher = difflib.SequenceMatcher(None, words, others, autojunk=False)
    return tuple(
        Edit(places[a], places[b], "".join(others[c:d]), where)
        for kind, a, b, c, d in matcher.get_opcodes()
        if kind != "equal"
    )


_KNOWN: weakref.WeakKeyDictionary[Callable[[str], str], FunctionPerturbation] = weakref.WeakKeyDictionary()
#: of what no weak reference can be made or has no hash (str.upper), by its id, which stays its own: they hold it
_HELD: dict[int, FunctionPerturbation] = {}


def register(function: Callable[[str], str]) -> FunctionPerturbation:
    """`function` as a registered perturbation `custom.NAME`; the same function gives the same one."""
    try:
        known = _KNOWN.get(function)
    except TypeError:
        known = _HELD.get(id(function))
    if known is not None:
        return known
    plain = re.sub(r"\W+", "-", getattr(function, "__name__", "function")).strip("-") or "function"
    name, number = f"custom.{plain}", 1
    while name in PERTURBATIONS:
        number += 1
        name = f"custom.{plain}-{number}"
    summary = (function.__doc__ or f"Applies {plain} to the answer.").strip().partition("\n")[0]
    made = FunctionPerturbation(name, function, summary)
    try:
        _KNOWN[function] = made
    except TypeError:
        _HELD[id(function)] = made
    PERTURBATIONS.add(name, made)
    return made
