"""Perturbations of a whole case: its question, or several of its answers at once, with a placebo of their own.

Here: the decorator and its checks, and what counterparts are made of. Not here: edits of one answer, whose placebo
is neutral prose (base.py); any particular edit (identity.py, social.py, labels.py).

The placebo of a statement is its *counterpart*: the same statement with the other value in it ("a mother of two", "a
father of two"), as many words and characters long. So what is measured is the value and not that there is a note.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from voirdire.harness.cases import Case, Claim, Dose, Edit, text_of
from voirdire.harness.errors import NotApplicable, UsageError
from voirdire.harness.registry import PERTURBATIONS
from voirdire.perturbations.base import Place, asked, language_of
from voirdire.perturbations.spans import boundary

__all__ = [
    "CaseEditor",
    "CasePerturbation",
    "Counterpart",
    "case_perturbation",
    "exchanged",
    "last_question",
    "opposite",
]

#: edits of any text fields of the case, each with its `where`; raises NotApplicable("plain reason")
CaseEditor = Callable[[Place], list[Edit]]
#: (edits, target) -> the text of each edit in the placebo
Counterpart = Callable[[tuple[Edit, ...], int], list[str]]


def last_question(case: Case) -> str:
    """`where` of the text in which the asker speaks last."""
    if isinstance(case.instruction, str):
        return "instruction"
    asked = [k for k, turn in enumerate(case.instruction) if turn.role == "user"]
    if not asked:
        raise NotApplicable("nobody asks anything in this conversation")
    return f"instruction[{asked[-1]}]"


@dataclass(frozen=True, slots=True)
class CasePerturbation:
    """A `harness.cases.Perturbation` whose edits name the fields they are in, with a counterpart as its placebo."""

    name: str
    claim: Claim
    summary: str
    source: str
    plants_error: bool
    editor: CaseEditor
    counterpart: Counterpart

    def edits(self, case: Case, target: int, rng: random.Random, dose: Dose) -> tuple[Edit, ...]:
        """The edits in the order of field and place. Raises NotApplicable with the reason, UsageError if `target` or
        `dose` is out of range or the editor did anything but insert."""
        if not 0 <= target < len(case.responses):
            raise UsageError(
                f"target {target} does not exist: case {case.id!r} has {len(case.responses)} responses",
                hint="Targets are 0-based indices of responses.",
            )
        if not dose > 0:
            raise UsageError(f"dose is {dose}, but must be above 0", hint="1 is the published strength.")
        edits = asked(self.name, case, self.editor, Place(case, target, rng, dose, language_of(case, target)))
        for edit in edits:
            if edit.start != edit.end:
                raise UsageError(f"{self.name} claims to be an {self.claim} but replaces text of {edit.where}")
            if not boundary(text_of(case, edit.where), edit.start):
                raise NotApplicable("the place to edit lies inside a combined character")
        return tuple(sorted(edits, key=lambda e: (e.where, e.start)))

    def sham(
        self,
        case: Case,  # noqa: ARG002 - the protocol's
        target: int,
        edits: tuple[Edit, ...],
        rng: random.Random,  # noqa: ARG002
    ) -> tuple[Edit, ...]:
        """The same statements at the same places with the other value in them."""
        texts = self.counterpart(edits, target)
        return tuple(Edit(e.start, e.end, text, e.where) for e, text in zip(edits, texts, strict=True))


def case_perturbation(
    name: str, *, summary: str, source: str, counterpart: Counterpart, claim: Claim = "addition"
) -> Callable[[CaseEditor], CasePerturbation]:
    """Register a function `f(place) -> list[Edit]` as the perturbation `name`; it may only insert."""

    def register(editor: CaseEditor) -> CasePerturbation:
        made = CasePerturbation(name, claim, summary, source, False, editor, counterpart)
        PERTURBATIONS.add(name, made)
        return made

    return register


def opposite(values: Mapping[str, str]) -> Counterpart:
    """A counterpart that turns each value found in a statement into its opposite."""
    table = {**values, **{b: a for a, b in values.items()}}
    known = re.compile("|".join(re.escape(v) for v in sorted(table, key=len, reverse=True)))
    return lambda edits, _target: [known.sub(lambda m: table[m.group()], e.text) for e in edits]


def exchanged(edits: tuple[Edit, ...], target: int) -> list[str]:
    """A counterpart in which the target and the first other answer change their notes."""
    mine = next(k for k, e in enumerate(edits) if e.where == f"responses[{target}]")
    other = next(k for k in range(len(edits)) if k != mine)
    notes = [e.text.strip() for e in edits]
    notes[mine], notes[other] = notes[other], notes[mine]
    return [e.text.replace(e.text.strip(), note) for e, note in zip(edits, notes, strict=True)]
