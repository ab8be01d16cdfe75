"""Edits of what a judge is given beside the answers: its rubric and its reference.

They are edits of the case, so every judge can be asked. Not here: changes of the judge's own prompt, its labels, scale
and wording (harness/judges/setups.py).
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass

from voirdire.harness.cases import Case, Claim, Dose, Edit
from voirdire.harness.errors import NotApplicable
from voirdire.harness.registry import PERTURBATIONS
from voirdire.perturbations.draws import sample

__all__ = ["FieldPerturbation"]

_SCALE_EVAL = "ScaleEval, Chern et al. 2024 (arXiv:2401.16788)"
_THAKUR = "Thakur et al. 2024, Judging the Judges (arXiv:2406.12624)"


@dataclass(frozen=True, slots=True)
class FieldPerturbation:
    """A `harness.cases.Perturbation` that rewrites one field of the case. `rewrite` raises NotApplicable."""

    name: str
    summary: str
    source: str
    where: str
    rewrite: Callable[[str, random.Random], str]
    claim: Claim = "preserving"
    plants_error: bool = False

    def edits(self, case: Case, target: int, rng: random.Random, dose: Dose) -> tuple[Edit, ...]:  # noqa: ARG002
        """One edit, of the whole field."""
        text = getattr(case, self.where)
        if not text:
            raise NotApplicable(f"the case has no {self.where}")
        return (Edit(0, len(text), self.rewrite(text, rng), self.where),)

    def sham(self, case: Case, target: int, edits: tuple[Edit, ...], rng: random.Random) -> None:
        """None is needed: no answer becomes longer."""


def _field(name: str, where: str, summary: str, source: str) -> Callable[[Callable[[str, random.Random], str]], None]:
    def register(rewrite: Callable[[str, random.Random], str]) -> None:
        PERTURBATIONS.add(name, FieldPerturbation(name, summary, source, where, rewrite))

    return register


_SENTENCE = re.compile(r"(?<=[.!?;])\s+|(?<=[。！？；])|\n+")


def _parts(text: str) -> list[str]:
    return [part.strip() for part in _SENTENCE.split(text) if part.strip()]


@_field("setup.rubric-shuffled", "rubric", "Puts the criteria of the rubric in another order.", _SCALE_EVAL)
def _shuffled(text: str, rng: random.Random) -> str:
    parts = _parts(text)
    if len(parts) < 2:
        raise NotApplicable("the rubric has one criterion only")
    order = sample(rng, range(len(parts)), len(parts))
    if order == sorted(order):
        order = [*order[1:], order[0]]
    return "\n".join(parts[k] for k in order)


@_field("setup.rubric-listed", "rubric", "Numbers the criteria of the rubric.", "voirdire")
def _listed(text: str, _rng: random.Random) -> str:
    return "\n".join(f"{k}. {part}" for k, part in enumerate(_parts(text), start=1))


@_field("setup.reference-absent", "reference", "Takes the reference answer away.", _THAKUR)
def _absent(_text: str, _rng: random.Random) -> str:
    return ""
