"""The style grid: the answer and its rivals each in one of three styles, as they are, longer, longer with markdown.

RM-Bench compares every style of the right answer with every style of the wrong one. Its styles were written by a model;
ours are made by rule out of what other families do. The ninth cell is the unchanged pair. Not here: the accuracies read
off the grid (statistics).
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

from voirdire.harness.cases import Case, Claim, Dose, Edit
from voirdire.harness.registry import PERTURBATIONS

__all__ = ["STYLES", "BothSides", "grid_name"]

#: style -> the perturbation that makes it; in RM-Bench's order, the plainest first
STYLES: dict[str, str | None] = {
    "plain": None,
    "long": "verbosity.restatement",
    "rich": "verbosity.restatement+format.markdown",
}
_SAID = {"plain": "as it is", "long": "longer", "rich": "longer and in markdown"}


def grid_name(mine: str, others: str) -> str:
    """The probe that shows the answer in style `mine` and the others in style `others`."""
    return f"verbosity.grid-{mine}-{others}"


@dataclass(frozen=True, slots=True)
class BothSides:
    """A `harness.cases.Perturbation` of the target and of all other responses; raises NotApplicable as its parts do."""

    name: str
    mine: str | None
    others: str | None
    summary: str
    claim: Claim = "addition"
    source: str = "style grid of RM-Bench, arXiv:2410.16184; by rule"
    plants_error: bool = False

    def edits(self, case: Case, target: int, rng: random.Random, dose: Dose) -> tuple[Edit, ...]:
        """The edits of every response, each with its `where`."""
        made: list[Edit] = []
        for index in range(len(case.responses)):
            name = self.mine if index == target else self.others
            if name is None:
                continue
            own = random.Random(int(rng.random() * (1 << 53)))
            edits: Sequence[Edit] = PERTURBATIONS.get(name).edits(case, index, own, dose)
            made += [replace(edit, where=f"responses[{index}]") for edit in edits]
        return tuple(made)

    def sham(self, case: Case, target: int, edits: tuple[Edit, ...], rng: random.Random) -> None:
        """None: length is what is tested."""


for _mine in STYLES:
    for _others in STYLES:
        if (_mine, _others) != ("plain", "plain"):
            _name = grid_name(_mine, _others)
            _words = f"Shows the answer {_SAID[_mine]} against others {_SAID[_others]}."
            PERTURBATIONS.add(_name, BothSides(_name, STYLES[_mine], STYLES[_others], _words))
