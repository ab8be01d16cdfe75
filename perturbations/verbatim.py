"""The reference itself as the answer: right by construction, so a judge that compares with it must pass it.

Not here: answers that say nothing (null_answers.py), edits of the reference (setup.py).
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from voirdire.harness.cases import Case, Claim, Dose, Edit, truth_of
from voirdire.harness.errors import NotApplicable
from voirdire.harness.registry import PERTURBATIONS

__all__ = ["ReferenceVerbatim"]


@dataclass(frozen=True, slots=True)
class ReferenceVerbatim:
    """A `harness.cases.Perturbation` that puts the case's reference in place of a right answer."""

    name: str = "lexical.reference"
    summary: str = "Puts the reference, word for word, in place of an answer that is right."
    source: str = "gold answers as dummies of Judging the Judges, arXiv:2406.12624"
    claim: Claim = "preserving"
    plants_error: bool = False

    def edits(self, case: Case, target: int, rng: random.Random, dose: Dose) -> tuple[Edit, ...]:  # noqa: ARG002
        """One edit, of the whole answer. Raises NotApplicable without a reference, and where it would repair one."""
        if not case.reference:
            raise NotApplicable("the case has no reference")
        if truth_of(case, target) is not True:
            raise NotApplicable("the answer is not known to be right, and its reference would be")
        return (Edit(0, len(case.responses[target]), case.reference, f"responses[{target}]"),)

    def sham(self, case: Case, target: int, edits: tuple[Edit, ...], rng: random.Random) -> None:
        """None: the answer is another one, and no neutral text could be as right."""


PERTURBATIONS.add("lexical.reference", ReferenceVerbatim())
