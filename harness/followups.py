"""Making follow-ups and shams through the registry, each one once.

This is the only place of the machine that calls a perturbation. The random generator of each (seed, case,
perturbation) is its own, so adding a probe or a case changes no other follow-up.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable

from voirdire.harness.cases import Case, FollowUp, Perturbation, shown_hash, with_edits
from voirdire.harness.errors import NotApplicable
from voirdire.harness.registry import PERTURBATIONS

__all__ = ["Check", "FollowUps", "rng_for"]

#: called with the perturbation and the text before and after; raises NotApplicable to drop the follow-up
Check = Callable[[Perturbation, str, str], None]


def rng_for(seed: int, case: Case, target: int, name: str) -> random.Random:
    """The generator of one edit: from the SHA-256 of the seed, what is shown of the case, target and name only.

    So neither the order of cases, nor ids and labels, nor other perturbations move it.
    """
    key = f"{seed}\x1f{shown_hash(case)}\x1f{target}\x1f{name}"
    return random.Random(int.from_bytes(hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest(), "big"))


class FollowUps:
    """Follow-ups for one perturbation seed. `check` sees each of them, beside the checks perturbations make themselves.

    Labels are those of the source; what is true of a degradation depends on how it is shown, so the plan says it.
    """

    def __init__(self, seed: int = 0, *, check: Check | None = None) -> None:
        self.seed = seed
        self.check = check

    def make(self, name: str, case: Case, target: int = 0, dose: float = 1.0) -> FollowUp:
        """Raises NotApplicable with the reason, UsageError for an unknown name."""
        perturbation = PERTURBATIONS.get(name)
        edits = perturbation.edits(case, target, rng_for(self.seed, case, target, name), dose)
        edited = with_edits(case, edits)
        if edited == case:
            raise NotApplicable("the edit changes nothing here")
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
