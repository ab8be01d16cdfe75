"""How a perturbation is made: a plain function becomes a registered `Perturbation`.

Here: the decorator, what the function is given (`Place`) and the checks every result passes. Not here: any particular
edit (a file a family), the placebo texts (sham.py), making the follow-up case (harness/followups.py).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import Any

from voirdire.harness.cases import Case, Claim, Dose, Edit
from voirdire.harness.errors import NotApplicable, UsageError, VoirdireError, located, redact
from voirdire.harness.registry import PERTURBATIONS
from voirdire.perturbations.promise import BROKE, broken
from voirdire.perturbations.sham import sham_text
from voirdire.perturbations.spans import Language, boundary, language

__all__ = ["Editor", "Place", "TextPerturbation", "asked", "language_of", "perturbation"]


@dataclass(frozen=True, slots=True)
class Place:
    """What an editor may look at besides the text it edits.

    `rng` is to be used through `draws` only. `dose` is 1 at the published strength. `opponent` is the longest of the
    other responses, None where there is none.
    """

    case: Case
    target: int
    rng: random.Random
    dose: float = 1.0
    lang: Language = "en"
    opponent: str | None = None

    @property
    def where(self) -> str:
        """The name of the text to edit, for `Edit.where`. Editors may leave it out: it is filled in afterwards."""
        return f"responses[{self.target}]"


_IN_ORDER = attrgetter("start", "end")

#: edits of `text`, with offsets into it; raises NotApplicable("plain reason") where it cannot do what it claims
Editor = Callable[[str, Place], list[Edit]]


@dataclass(frozen=True, slots=True)
class TextPerturbation:
    """A `harness.cases.Perturbation` made of an editor; `placebo` says whether its additions have a sham."""

    name: str
    claim: Claim
    summary: str
    source: str
    plants_error: bool
    editor: Editor
    placebo: bool

    def edits(self, case: Case, target: int, rng: random.Random, dose: Dose) -> tuple[Edit, ...]:
        """The edits of response `target`, in order, no-ops left out, none inside a grapheme cluster.

        Raises NotApplicable with the reason, UsageError if `target` or `dose` is out of range or the editor broke its
        claim.
        """
        if not 0 <= target < len(case.responses):
            raise UsageError(
                f"target {target} does not exist: case {case.id!r} has {len(case.responses)} responses",
                hint="Targets are 0-based indices of responses.",
            )
        if not dose > 0:
            raise UsageError(f"dose is {dose}, but must be above 0", hint="1 is the published strength.")
        text = case.responses[target]
        others = [r for i, r in enumerate(case.responses) if i != target]
        place = Place(case, target, rng, dose, language_of(case, target), max(others, key=len) if others else None)
        where = place.where
        kept = [
            e if e.where == where else Edit(e.start, e.end, e.text, where)
            for e in asked(self.name, case, self.editor, text, place)
            if text[e.start : e.end] != e.text
        ]
        kept.sort(key=_IN_ORDER)
        if not kept:
            raise NotApplicable("there is nothing in this answer to edit")
        self._check(text, kept)
        reason = broken(self.claim, text, kept, plants_error=self.plants_error)
        if reason is not None:
            raise NotApplicable(BROKE + reason)
        return tuple(kept)

    def _check(self, text: str, edits: list[Edit]) -> None:
        inserts = self.claim in ("addition", "attack")
        clusters = not text.isascii() or "\r" in text  # else every place is a boundary
        at = 0
        for edit in edits:
            start, end = edit.start, edit.end
            if start < at or end < start or end > len(text):
                raise UsageError(f"{self.name} made an edit that overlaps another or lies outside the text: {edit!r}")
            if inserts and start != end:
                raise UsageError(
                    f"{self.name} claims to be an {self.claim} but replaces text at {start}",
                    hint="Insert only (start == end), or claim 'preserving' or 'degrading'.",
                )
            if clusters and not (boundary(text, start) and boundary(text, end)):
                raise NotApplicable("the place to edit lies inside a combined character")
            at = end

    def sham(
        self,
        case: Case,  # noqa: ARG002 - the protocol's: a placebo in the style of the case would need it
        target: int,  # noqa: ARG002
        edits: tuple[Edit, ...],
        rng: random.Random,
    ) -> tuple[Edit, ...] | None:
        """Neutral text of the same words and characters at the same places; None where no placebo is needed.

        Only additions and attacks have one, except those of the verbosity family, whose effect *is* their length.
        """
        if not self.placebo or self.claim not in ("addition", "attack"):
            return None
        return tuple(Edit(e.start, e.end, sham_text(e.text, rng), e.where) for e in edits)


def asked(name: str, case: Case, editor: Callable[..., Iterable[Edit]], *given: Any) -> list[Edit]:
    """What the editor of the perturbation `name` answers for `case`. As its code may be a user's own, an error in it is
    a UsageError that names its file and line, and so is an answer that is no list of edits."""
    try:
        found = list(editor(*given))  # all of it here: a generator fails only when it is read
    except VoirdireError:
        raise
    except Exception as error:
        code = getattr(editor, "__code__", None)
        told = located(error, code.co_filename if code is not None else None)
        # what fails in the call itself, or is no list, never came to a line of the editor
        inside = error.__traceback__ is not None and error.__traceback__.tb_next is not None
        raise UsageError(f"{name} failed on case {case.id!r}: {'' if inside else _place_of(editor)}{told}") from error
    for edit in found:
        if not (
            isinstance(edit, Edit) and _is_index(edit.start) and _is_index(edit.end) and isinstance(edit.text, str)
        ):
            raise UsageError(
                f"{name} failed on case {case.id!r}: {_place_of(editor)}it returned {redact(repr(edit))[:200]}, "
                "which is no edit",
                hint='It must return a list of Edit(start, end, "new text").',
            )
    return found


def _is_index(value: Any) -> bool:
    return isinstance(value, int) or hasattr(value, "__index__")  # numpy's whole numbers are no int


def _place_of(function: Any) -> str:
    """`my_probes.py, line 12: `, where the function begins; nothing for what is not written in Python."""
    code = getattr(function, "__code__", None)
    return "" if code is None else f"{Path(code.co_filename).name}, line {code.co_firstlineno}: "


def perturbation(
    name: str, *, claim: Claim, summary: str, source: str, plants_error: bool = False, sham: bool = True
) -> Callable[[Editor], TextPerturbation]:
    """Register a function `f(text, place) -> list[Edit]` as the perturbation `name` ("family.name").

    `summary` is one plain sentence, `source` the paper with its arXiv id, or "voirdire". Raises UsageError if the name
    is taken or is not of the form "family.name".
    """
    if name.count(".") != 1 or not all(name.split(".")):
        raise UsageError(f"{name!r} is no name of a perturbation", hint="Names have the form 'family.name'.")

    def register(editor: Editor) -> TextPerturbation:
        made = TextPerturbation(name, claim, summary, source, plants_error, editor, sham)
        PERTURBATIONS.add(name, made)
        return made

    return register


def language_of(case: Case, target: int) -> Language:
    """The language of response `target`; of the instruction where the response has no letters; else English."""
    return language(case.responses[target]) or language(case.instruction_text) or "en"
