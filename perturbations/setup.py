"""Edits of what a judge is given beside the answers: its rubric and its reference.

They are edits of the case, so every judge can be asked. Not here: changes of the judge's own prompt, its labels, scale
and wording (harness/judges/setups.py).
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass

from voirdire.harness.cases import Case, Claim, Dose, Edit, truth_of
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


def _field(
    name: str, where: str, summary: str, source: str, *, inverts: bool = False
) -> Callable[[Callable[[str, random.Random], str]], None]:
    """`inverts`: what was right is wrong under the new text."""
    claim: Claim = "degrading" if inverts else "preserving"

    def register(rewrite: Callable[[str, random.Random], str]) -> None:
        PERTURBATIONS.add(name, FieldPerturbation(name, summary, source, where, rewrite, claim, inverts))

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


# -- ScaleEval's rubrics that say less, nothing, or the opposite

_HAN = re.compile(r"[\u3400-\u9fff]")
_WORD = re.compile(r"[^\W\d_]+")
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


@_field("setup.rubric-shortened", "rubric", "Keeps only the first criterion of the rubric.", _SCALE_EVAL)
def _shortened(text: str, _rng: random.Random) -> str:
    parts = _parts(text)
    if len(parts) < 2:
        raise NotApplicable("the rubric has one criterion only")
    return parts[0]


@_field("setup.rubric-masked", "rubric", "Hides every third word of the rubric.", _SCALE_EVAL)
def _masked(text: str, _rng: random.Random) -> str:
    if _HAN.search(text):
        return "".join("□" if k % 3 == 2 and _HAN.match(c) else c for k, c in enumerate(text))
    count = 0

    def mask(found: re.Match[str]) -> str:
        nonlocal count
        count += 1
        return "____" if count % 3 == 0 else found.group()

    masked = _WORD.sub(mask, text)
    if masked == text:
        raise NotApplicable("the rubric has too few words to hide one")
    return masked


@_field("setup.rubric-gibberish", "rubric", "Puts random letters for those of the rubric.", _SCALE_EVAL)
def _gibberish(text: str, rng: random.Random) -> str:
    return "".join(_LETTERS[int(rng.random() * 26)] if c.isalpha() else c for c in text)


@_field(
    "setup.rubric-flipped",
    "rubric",
    "Asks for the opposite of the rubric, so that what passed must fail.",
    _SCALE_EVAL,
    inverts=True,
)
def _flipped(text: str, _rng: random.Random) -> str:
    if _HAN.search(text):
        return f"按以下标准的反面来评判：越不符合，评价越高；符合的一律不通过。\n{text}"
    return (
        "Judge by the opposite of these criteria: the less an answer meets them the better it is, and one that meets "
        f"them fails.\n{text}"
    )


@dataclass(frozen=True, slots=True)
class MisleadingReference:
    """A `harness.cases.Perturbation` that offers a wrong answer of the case as its reference."""

    name: str = "setup.reference-misleading"
    summary: str = "Gives an answer that is wrong as the reference."
    source: str = "AlignBench, Liu et al. 2023 (arXiv:2311.18743); Thakur et al. 2024 (arXiv:2406.12624)"
    claim: Claim = "preserving"
    plants_error: bool = False

    def edits(self, case: Case, target: int, rng: random.Random, dose: Dose) -> tuple[Edit, ...]:  # noqa: ARG002
        """One edit, of the whole reference. Raises NotApplicable where no answer is known to be wrong."""
        if not case.reference:
            raise NotApplicable("the case has no reference")
        wrong = next((r for k, r in enumerate(case.responses) if truth_of(case, k) is False), None)
        if wrong is None:
            raise NotApplicable("no answer is known to be wrong")
        return (Edit(0, len(case.reference), wrong, "reference"),)

    def sham(self, case: Case, target: int, edits: tuple[Edit, ...], rng: random.Random) -> None:
        """None is needed: no answer becomes longer."""


PERTURBATIONS.add("setup.reference-misleading", MisleadingReference())
