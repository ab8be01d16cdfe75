"""Follow-ups of perturbations that edit several fields of a case, and judges with a planted weakness, for the tests."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from family_checks import clusters
from hypothesis import strategies as st

from voirdire.harness.cases import Case, Edit, Task, apply_edits, text_of
from voirdire.harness.errors import NotApplicable
from voirdire.harness.findings import Finding
from voirdire.harness.followups import FollowUps, rng_for
from voirdire.harness.judges.mock import mock_judge
from voirdire.harness.plan import build_plan
from voirdire.harness.probes import Probe, Suite, Target
from voirdire.harness.registry import PERTURBATIONS
from voirdire.harness.relations import Relation
from voirdire.harness.statistics.analyse import analyse
from voirdire.harness.verdicts import Scale, Verdict
from voirdire.perturbations.spans import analyse as spans_of
from voirdire.suites.builtin_cases import builtin_cases, for_task

#: what a planted judge sees in an answer; the judge takes the answer that alone has it
Feature = Callable[[str], bool]


def edits_of(name: str, case: Case, target: int = 0, seed: int = 0, dose: float = 1.0) -> tuple[Edit, ...]:
    return PERTURBATIONS.get(name).edits(case, target, rng_for(seed, case, target, name), dose)


def counterpart_of(name: str, case: Case, target: int, edits: tuple[Edit, ...], seed: int = 0) -> tuple[Edit, ...]:
    sham = PERTURBATIONS.get(name).sham(case, target, edits, rng_for(seed, case, target, name + " sham"))
    assert sham is not None
    return sham


def fields_after(case: Case, edits: tuple[Edit, ...]) -> dict[str, str]:
    """The text of each edited field after the edits."""
    by_field: dict[str, list[Edit]] = {}
    for edit in edits:
        by_field.setdefault(edit.where, []).append(edit)
    return {where: apply_edits(text_of(case, where), found) for where, found in by_field.items()}


def check_case_edits(name: str, case: Case, target: int, seed: int, dose: float) -> dict[str, str] | None:
    """Deterministic; inserts only, between clusters and outside protected spans; the placebo as long to the letter."""
    reason = ""
    try:
        edits = edits_of(name, case, target, seed, dose)
    except NotApplicable as error:
        reason = error.message
        edits = ()
    if not edits:
        assert reason[:1].islower()  # it has to read well behind "not applicable: "
        return None
    assert edits == edits_of(name, case, target, seed, dose)
    after = fields_after(case, edits)
    for where, changed in after.items():
        before = text_of(case, where)
        (edit,) = (e for e in edits if e.where == where)
        assert edit.start == edit.end
        assert changed == before[: edit.start] + edit.text + before[edit.start :]
        assert edit.start in clusters(before)
        assert not any(a < edit.start < b for a, b in spans_of(before).protected)
    sham = counterpart_of(name, case, target, edits, seed)
    assert [(e.start, e.where) for e in sham] == [(e.start, e.where) for e in edits]
    assert sham != edits
    for real, other in zip(edits, sham, strict=True):
        assert len(other.text) == len(real.text)
        assert len(other.text.split()) == len(real.text.split())
    assert counterpart_of(name, case, target, sham, seed) == edits  # the opposite of the opposite
    return after


@st.composite
def cases(draw: st.DrawFn, texts: st.SearchStrategy[str]) -> Case:
    """A question and one to three answers out of `texts`."""
    return Case(draw(texts), tuple(draw(st.lists(texts, min_size=1, max_size=3))), id="generated")


def probe_of(name: str, relation: Relation, target: Target, *, sham: bool, min_drop: float | None = None) -> Probe:
    return Probe(name, relation, "Is tried.", "voirdire", name, target, sham=sham, min_drop=min_drop)


@lru_cache(maxsize=8)
def _cases(task: Task) -> tuple[Case, ...]:
    return tuple(for_task(builtin_cases(), task))[:240]


def finding_of(probe: Probe, feature: Feature | None, *, task: Task = "pairwise", seed: int = 0) -> Finding:
    """What an audit by one probe finds in a noisy judge (accuracy .85).

    With a `feature`, the judge lets an answer that alone has it win, or pass, in six calls of ten.
    """
    suite = Suite("tried", "One probe.", (probe,))
    plan = build_plan(suite, _cases(task), task=task, scale=Scale(), followups=FollowUps())
    clean = mock_judge("noisy?accuracy=.85", task=task, seed=seed)
    planted = mock_judge("noisy?phrase=FEATURE&rate=.6", task=task, seed=seed)
    verdicts: list[Verdict | None] = []
    for call in plan.calls:
        has = [feature is not None and feature(text) for text in call.case.responses]
        if sum(has) == 1:
            marked = call.case.with_response(has.index(True), call.case.responses[has.index(True)] + " FEATURE")
            verdicts.append(planted.answer(marked, call.sample))
        else:
            verdicts.append(clean.answer(call.case, call.sample))
    return analyse(plan, verdicts).findings[probe.name]


def holds_word(pattern: str) -> Feature:
    known = re.compile(pattern)
    return lambda text: known.search(text) is not None
