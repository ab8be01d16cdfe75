"""Each probe on a judge planted for it, which it must catch, and on clean judges, which it must pass.

The planted judge knows every follow-up of the probe by heart, and nothing of their placebos: whatever the edit is, it
answers to just that edit. So a probe that cannot see its own edit (wrong target, wrong arm, placebo equal to the
edit) fails here, however exotic the edit.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

import pytest

from voirdire.harness.cases import Case, Task, shown_hash, truth_of
from voirdire.harness.followups import FollowUps, is_aimed
from voirdire.harness.judges.mock import mock_judge
from voirdire.harness.plan import Plan, build_plan
from voirdire.harness.probes import Probe, Suite
from voirdire.harness.relations import Relation
from voirdire.harness.statistics.analyse import analyse
from voirdire.harness.targets import beside_answers
from voirdire.harness.verdicts import Scale, Verdict
from voirdire.perturbations.rewritten import REWRITES
from voirdire.suites.builtin_cases import builtin_cases
from voirdire.suites.rows import PROBES

#: with fewer cases than this nothing can be decided
ENOUGH = 20
ADDED = (
    "Sure! **Paris** is actually the capital, and it is old.\n\nIt lies on the river Seine (a long one).\n\n"
    "1. It is old.\n2. It is large.\n3. It is loud.\n\nIn 1900 it had 2,714,068 people. It does not lie by the sea. "
    "Paris is the capital, and it is old. It isn't small, and it doesn't move. 2 + 3 = 5, so the answer is 5."
)
PROBES_TRIED = [
    p
    for p in PROBES.values()
    if p.perturbation
    and p.perturbation not in REWRITES
    and "textattack-" not in p.name
    and "pairwise" in p.tasks
    and not is_aimed(p.perturbation)  # mocks have no prompt to aim at: test_injection_template.py
]


@functools.cache
def cases() -> list[Case]:
    """The built-in ones, and pairs with markdown, lists and sums, in which every edit finds something to do."""
    rich = [
        Case(
            f"Tell me about Paris ({i}) in at most 120 words, with a numbered list.",
            (ADDED.replace("1900", str(1900 + i)), f"{ADDED.replace('1900', str(1850 + i))} Or so they say."),
            label=i % 2,
            meta={"lang": "en"},
        )
        for i in range(40)
    ]
    return [*builtin_cases(), *rich]


@functools.cache
def given() -> list[Case]:
    """The same with a rubric and a reference, for what is done to those."""
    rubric = "Please see to it that the answer (as always) is right.\nIt must have a numbered list."
    return [c.replace(rubric=rubric, reference="Paris; Lutetia; the city on the Seine") for c in cases()]


@functools.cache
def plan_of(name: str) -> Plan:
    probe: Probe = PROBES.get(name)
    suite = Suite("one", "One probe.", (probe,))
    shown = given() if probe.family == "setup" else cases()
    return build_plan(suite, shown, task="pairwise", scale=Scale(), followups=FollowUps())


def answers(plan: Plan, spec: str, seed: int = 0) -> list[Verdict]:
    judge = mock_judge(spec, seed=seed)
    return [judge.answer(c.case, c.sample) for c in plan.calls]


def planted(plan: Plan) -> Sequence[Verdict]:
    """Right about everything but the follow-ups: there it is wrong about the answer that the probe watches."""
    (probe,) = plan.probes
    assert probe.follow_up is not None
    judge = mock_judge("oracle")
    verdicts = [judge.answer(c.case, c.sample) for c in plan.calls]
    for item, calls, slots in zip(probe.items, probe.follow_up.calls, probe.follow_up.slots, strict=True):
        wins = truth_of(item.source or plan.cases[item.case], item.target) is not True
        for numbers, slot in zip(calls, slots, strict=True):
            for number in numbers:
                verdicts[number] = Verdict(choice=int(slot) if wins else 1 - int(slot))
    return verdicts


@pytest.mark.parametrize("probe", PROBES_TRIED, ids=lambda p: p.name)
def test_a_judge_planted_for_it_is_caught_and_clean_ones_are_not(probe: Probe) -> None:
    plan = plan_of(probe.name)
    (made,) = plan.probes
    assert len({i.case for i in made.items}) >= ENOUGH, dict(made.not_applicable)
    clean = analyse(plan, answers(plan, "oracle")).findings[probe.name]
    if probe.relation is Relation.MUST_DROP:
        # an oracle knows the damaged answer by its label; a coin notices nothing
        assert clean.decision == "holds"
        blind = analyse(plan, answers(plan, "random")).findings[probe.name]
        # where what the answers are judged by is damaged, two coins are compared, not one with an even chance
        enough = 300 if beside_answers(made.items[0].edits) else 60
        assert blind.decision == "violated" if blind.n >= enough else blind.decision != "holds"
        return
    caught = analyse(plan, planted(plan)).findings[probe.name]
    assert caught.decision == "violated", (caught.reason, caught.effect, caught.low, caught.high, caught.n)
    assert clean.decision == "holds" if clean.n >= 60 else clean.decision != "violated"
    for seed in range(2):
        noisy = analyse(plan, answers(plan, "noisy?accuracy=.85", seed)).findings[probe.name]
        assert noisy.decision != "violated"


def test_follow_ups_and_placebos_are_never_the_same_call() -> None:
    """Else the planted judge above would answer to the placebo too, and no real judge could be told apart."""
    for probe in PROBES_TRIED:
        (made,) = plan_of(probe.name).probes
        if made.sham is not None and made.follow_up is not None:
            assert not set(made.sham.calls.reshape(-1).tolist()) & set(made.follow_up.calls.reshape(-1).tolist()), (
                probe.name
            )


@pytest.mark.parametrize("task", ["score", "grade", "ranking"])
def test_every_probe_can_be_planned_for_every_task_it_names(task: Task) -> None:
    from voirdire.suites.builtin_cases import for_task

    some = for_task(builtin_cases()[:12], task)
    for probe in PROBES.values():
        suite = Suite("one", "One probe.", (probe,))
        plan = build_plan(suite, some, task=task, scale=Scale(), followups=FollowUps())
        assert plan.probes[0].items or plan.probes[0].not_applicable, probe.name
        assert all(shown_hash(c.case) for c in plan.calls[:3])
