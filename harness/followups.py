"""Making follow-ups and shams through the registry, each one once.

This is the only place of the machine that calls a perturbation. The random generator of each (seed, case,
perturbation) is its own, so adding a probe or a case changes no other follow-up.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol, TypeGuard

from voirdire.harness.cases import Case, Dose, Edit, FollowUp, Perturbation, shown_hash, with_edits
from voirdire.harness.errors import NotApplicable
from voirdire.harness.known_prompt import KnownPrompt
from voirdire.harness.orders import Order
from voirdire.harness.registry import PERTURBATIONS

__all__ = ["Aimed", "Check", "FollowUps", "is_aimed", "rng_for"]

#: called with the perturbation and the text before and after; raises NotApplicable to drop the follow-up
Check = Callable[[Perturbation, str, str], None]


class Aimed(Protocol):
    """A perturbation made of the judge's own prompt. What a prompt says around an answer names its slot, so each order
    has a text of its own."""

    def aimed(self, case: Case, slot: int, rng: random.Random, dose: Dose, prompt: KnownPrompt) -> tuple[Edit, ...]:
        """The edits of the answer in `slot` of a case that is shown as it is. Raises NotApplicable."""


def is_aimed(name: str) -> bool:
    """Does the perturbation make its text of the judge's own prompt?"""
    return _aims(PERTURBATIONS.get(name))


def _aims(perturbation: Perturbation) -> TypeGuard[Aimed]:
    # isinstance with a protocol takes longer than many an edit
    return hasattr(perturbation, "aimed")


def rng_for(seed: int, case: Case, target: int, name: str) -> random.Random:
    """The generator of one edit: from the SHA-256 of the seed, what is shown of the case, target and name only.

    So neither the order of cases, nor ids and labels, nor other perturbations move it.
    """
    key = f"{seed}\x1f{shown_hash(case)}\x1f{target}\x1f{name}"
    return random.Random(int.from_bytes(hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest(), "big"))


class FollowUps:
    """Follow-ups for one perturbation seed. `check` sees each of them, beside the checks perturbations make themselves.
    `prompt` is the judge's, for perturbations that aim at it (None: those do not apply).

    Labels are those of the source; what is true of a degradation depends on how it is shown, so the plan says it.
    """

    def __init__(self, seed: int = 0, *, check: Check | None = None, prompt: KnownPrompt | None = None) -> None:
        self.seed = seed
        self.check = check
        self.prompt = prompt

    def make(
        self, name: str, case: Case, target: int = 0, dose: float = 1.0, *, order: Order | None = None
    ) -> FollowUp:
        """`order`: in which the answers will be shown, for texts that are aimed at the prompt (default: as they are).

        Raises NotApplicable with the reason, UsageError for an unknown name.
        """
        perturbation = PERTURBATIONS.get(name)
        field = getattr(perturbation, "where", None)  # of those that edit what an answer is judged by
        if self.prompt is not None and field in ("reference", "rubric") and not self.prompt.shows(field):
            raise NotApplicable(f"the judge's prompt does not show the {field}")
        rng = rng_for(self.seed, case, target, name)
        if self.prompt is not None and _aims(perturbation):
            order = order or tuple(range(len(case.responses)))
            slot = order.index(target)
            edits = perturbation.aimed(case.reordered(order), slot, rng, dose, self.prompt)
            edits = tuple(replace(edit, where=f"responses[{target}]") for edit in edits)
        else:
            edits = perturbation.edits(case, target, rng, dose)
        edited = with_edits(case, edits)
        if edited == case:
            raise NotApplicable("the edit changes nothing here")
        for needed in self.prompt.needs if self.prompt is not None else ():
            if not getattr(edited, needed):
                raise NotApplicable(f"the judge's prompt cannot do without a {needed}")
        before, after = case.responses[target], edited.responses[target]
        if self.check is not None and before != after:
            self.check(perturbation, before, after)
        return FollowUp(edited, target, edits)

    def sham(self, name: str, case: Case, target: int, followup: FollowUp) -> Case:
        """The case with the placebo of the follow-up's edits in it."""
        perturbation = PERTURBATIONS.get(name)
        rng = rng_for(self.seed, case, target, name + " sham")
        edits = perturbation.sham(case, target, followup.edits, rng)
        if edits is None:
            raise NotApplicable("no placebo can be made for this edit")
        return with_edits(case, edits)
