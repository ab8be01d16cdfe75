"""Which response of a case a probe edits, and what is true of the case afterwards.

Labels follow the truth: mistakes are planted in right answers only, and where nobody knows what is true of a follow-up
the probe does not apply. Not here: making follow-ups (followups.py), calls (plan.py).
"""

from __future__ import annotations

from collections.abc import Sequence

from voirdire.harness.cases import Case, Edit, FollowUp, Label, Task, truth_of
from voirdire.harness.errors import NotApplicable
from voirdire.harness.probes import Probe
from voirdire.harness.registry import PERTURBATIONS
from voirdire.harness.relations import Relation
from voirdire.harness.verdicts import Scale

__all__ = ["after_damage", "beside_answers", "targets_of"]


def targets_of(case: Case, probe: Probe, task: Task) -> list[int]:
    """The responses that `probe` edits, in turn: by label where it says, else each. Raises NotApplicable."""
    n = len(case.responses)
    if probe.relation in (Relation.RETEST, Relation.EQUIVARIANT):
        if probe.relation is Relation.EQUIVARIANT and n < 2:
            raise NotApplicable("there is only one response, so there is no order")
        if probe.orders != "both" and n < 3:
            raise NotApplicable("two answers have no orders but forwards and backwards")
        # of two answers one moves as far as the other; of more, each may move by itself
        return list(range(n)) if task == "ranking" and n > 2 else [0]
    if probe.relation is Relation.MUST_DROP:
        return _degradable(case, probe, task)
    if n == 1:
        if probe.relation is Relation.NO_GAIN and case.label is True:
            raise NotApplicable("the answer is right and passes already, so it has no room to gain")
        return [0]
    everyone = list(range(n))
    if probe.target == "each" or case.label is None or case.label == "tie":
        return everyone
    if isinstance(case.label, tuple):
        return [case.label[-1] if probe.target == "worse" else case.label[0]]
    best = next((i for i in everyone if truth_of(case, i)), None)
    if best is None:
        return everyone
    if probe.target == "better":
        return [best]
    return [i for i in everyone if i != best]


def _degradable(case: Case, probe: Probe, task: Task) -> list[int]:
    """The response known to be good: mistakes are never planted in a wrong answer, they might repair it."""
    if task == "score":
        return [0]
    best = next((i for i in range(len(case.responses)) if truth_of(case, i)), None)
    if best is None:
        reason = "no label says which answer is right" if case.label in (None, "tie") else "the answer is wrong already"
        raise NotApplicable(reason)
    if task == "grade" and not PERTURBATIONS.get(probe.perturbation or probe.name).plants_error:
        raise NotApplicable("nobody knows whether the damaged answer still passes")
    return [best]


def beside_answers(edits: Sequence[Edit]) -> bool:
    """Is what was changed no answer, but the rubric or the reference that they are judged by?"""
    return bool(edits) and not any(e.where.startswith("responses") for e in edits)


def after_damage(
    case: Case, target: int, follow_up: FollowUp, task: Task, scale: Scale, *, turned: bool
) -> tuple[Case, int]:
    """What is shown for a degradation, with the label that is true of it, and where the response that must lose stands.

    `turned`: where the criteria were damaged and no answer, they now say the opposite; else nobody knows what they
    say. Raises NotApplicable where it is unknown what must follow.
    """
    damaged = follow_up.case
    if beside_answers(follow_up.edits):
        return damaged.replace(label=_under_other_criteria(case.label, task, scale, turned=turned)), target
    if task == "pairwise":
        pair = (case.responses[target], damaged.responses[target])
        return case.replace(responses=pair, label=0), 1
    if task == "grade":
        return damaged.replace(label=False), target
    if isinstance(case.label, (int, float)) and not isinstance(case.label, bool) and task == "score":
        # half-way down: a damaged answer is worth less; by how much nobody knows
        return damaged.replace(label=scale.low + (float(case.label) - scale.low) / 2), target
    if isinstance(case.label, tuple):
        rest = tuple(i for i in case.label if i != target)
        return damaged.replace(label=(*rest, target)), target
    if isinstance(case.label, int) and task == "ranking":
        # an index says which answer was best, not which of the others comes after it
        return damaged.replace(label=1 - target if len(case.responses) == 2 else None), target
    return damaged, target


#: the opposite of a score lies lower by half of the scale or more from here on
_HIGH = 0.75


def _under_other_criteria(label: Label, task: Task, scale: Scale, *, turned: bool) -> Label:
    if task == "score":
        known = isinstance(label, (int, float)) and not isinstance(label, bool)
        if not known or not turned or scale.fraction(float(label)) < _HIGH:  # type: ignore[arg-type]
            raise NotApplicable("no label says that the answer scores high, so it need not fall")
        return scale.low + scale.high - float(label)  # type: ignore[arg-type]
    if not turned:
        return None
    if isinstance(label, bool):
        return not label
    if isinstance(label, tuple):
        return label[::-1]
    if task == "pairwise" and isinstance(label, int):
        return 1 - label
    return None
