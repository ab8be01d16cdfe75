"""Making follow-ups and shams through the registry, each one once.

This is the only place of the machine that calls a perturbation. The random generator of each (seed, case,
perturbation) is its own, so adding a probe or a case changes no other follow-up.
"""

from __future__ import annotations

import hashlib
import random

from voirdire.harness.cases import Case, FollowUp, apply_edits, shown_hash
from voirdire.harness.errors import NotApplicable
from voirdire.harness.registry import PERTURBATIONS

__all__ = ["FollowUps", "rng_for"]


def rng_for(seed: int, case: Case, target: int, name: str) -> random.Random:
    """The generator of one edit: from the SHA-256 of the seed, what is shown of the case, target and name only.

    So neither the order of cases, nor ids and labels, nor other perturbations move it.
    """
    key = f"{seed}\x1f{shown_hash(case)}\x1f{target}\x1f{name}"
    return random.Random(int.from_bytes(hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest(), "big"))


class FollowUps:
    """Follow-ups for one perturbation seed.

    Labels are those of the source; what is true of a degradation depends on how it is shown, so the plan says it.
    """

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed

    def make(self, name: str, case: Case, target: int = 0, dose: float = 1.0) -> FollowUp:
        """Raises NotApplicable with the reason, UsageError for an unknown name."""
        perturbation = PERTURBATIONS.get(name)
        edits = perturbation.edits(case, target, rng_for(self.seed, case, target, name), dose)
        text = apply_edits(case.responses[target], edits)
        if text == case.responses[target]:
            raise NotApplicable("the edit changes nothing here")
        return FollowUp(case.with_response(target, text), target, edits)

    def sham(self, name: str, case: Case, target: int, followup: FollowUp) -> Case:
        """The case with the placebo of the follow-up's edits in it."""
        perturbation = PERTURBATIONS.get(name)
        rng = rng_for(self.seed, case, target, name + " sham")
        edits = perturbation.sham(case, target, followup.edits, rng)
        if edits is None:
            raise NotApplicable("no placebo can be made for this edit")
        return case.with_response(target, apply_edits(case.responses[target], edits))
