"""Follow-ups and placebos as an audit makes them, for the tests beside this file."""

from __future__ import annotations

from voirdire.harness.cases import Case, Edit, FollowUp
from voirdire.harness.followups import FollowUps, rng_for
from voirdire.harness.registry import PERTURBATIONS


def make(name: str, case: Case, target: int = 0, seed: int = 0, dose: float = 1.0) -> FollowUp:
    return FollowUps(seed).make(name, case, target, dose)


def placebo(name: str, case: Case, target: int = 0, seed: int = 0) -> tuple[Edit, ...] | None:
    """The edits of the sham, None where the perturbation has none."""
    made = make(name, case, target, seed)
    return PERTURBATIONS.get(name).sham(case, target, made.edits, rng_for(seed, case, target, name + " sham"))
