"""Edits nobody should notice: what a judge does here is noise, and other findings are measured against it."""

from __future__ import annotations

from itertools import pairwise

from voirdire.harness.cases import Edit
from voirdire.harness.errors import NotApplicable
from voirdire.perturbations.base import Place, perturbation
from voirdire.perturbations.draws import pick
from voirdire.perturbations.spans import sentences

__all__ = ["neutral"]


@perturbation(
    "stability.neutral",
    claim="preserving",
    summary="Adds one meaningless blank or line break that a reader does not see.",
    source="voirdire",
)
def neutral(text: str, place: Place) -> list[Edit]:
    if not text.strip():
        raise NotApplicable("the answer is empty")
    end = len(text)
    kinds = ["\n"]
    if not text[-1].isspace():
        kinds.append(" ")  # two blanks at the end of a line would be a line break in markdown
    found = sentences(text)
    gaps = [
        a.end for a, b in pairwise(found) if b.start == a.end + 1 and text[a.end] == " " and a.kind == b.kind == "prose"
    ]
    if gaps:
        kinds.append("  ")
    kind = pick(place.rng, kinds)
    at = pick(place.rng, gaps) if kind == "  " else end
    return [Edit(at, at, " " if kind == "  " else kind)]
