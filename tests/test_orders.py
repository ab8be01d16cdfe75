"""Further orders of three and more answers: rotations, permutations, and what they find in a ranking judge."""

from __future__ import annotations

import random

import pytest

from voirdire.harness.cases import Case
from voirdire.harness.errors import NotApplicable
from voirdire.harness.followups import FollowUps
from voirdire.harness.judges.mock import mock_judge
from voirdire.harness.orders import MOST_TURNS, Turns, turns
from voirdire.harness.plan import build_plan
from voirdire.harness.probes import Probe, Suite
from voirdire.harness.relations import Relation
from voirdire.harness.statistics.analyse import analyse
from voirdire.harness.verdicts import Scale


def test_rotations_bring_every_answer_to_every_slot() -> None:
    found = turns(4, "rotations", random.Random(0))
    assert [order for order, _ in found] == [(1, 2, 3, 0), (2, 3, 0, 1), (3, 0, 1, 2)]
    assert all(back == order[::-1] for order, back in found)
    assert len(turns(30, "rotations", random.Random(0))) == MOST_TURNS


@pytest.mark.parametrize(("n", "size"), [(3, 2), (4, 5), (12, 5)])
def test_permutations_are_different_and_repeatable(n: int, size: int) -> None:
    found = turns(n, "permutations", random.Random(1))
    flat = [order for pair in found for order in pair]
    assert len(found) == size
    assert len({*flat, tuple(range(n)), tuple(range(n))[::-1]}) == 2 * size + 2
    assert all(sorted(order) == list(range(n)) for order in flat)
    assert found == turns(n, "permutations", random.Random(1))


def test_two_answers_have_no_further_order() -> None:
    with pytest.raises(NotApplicable, match="two answers"):
        turns(2, "rotations", random.Random(0))


@pytest.mark.parametrize("kind", ["rotations", "permutations"])
def test_a_judge_that_likes_a_slot_is_found_and_a_clean_one_is_not(kind: Turns) -> None:
    words = ("one", "two", "three", "four")
    cases = [
        Case(f"Rank {i}.", tuple(f"{i} {w}" for w in words), label=(i % 4, *(k for k in range(4) if k != i % 4)))
        for i in range(120)
    ]
    probe = Probe("order.turn", Relation.EQUIVARIANT, "Is tried.", "voirdire", tasks=("ranking",), orders=kind)
    suite = Suite("tried", "One probe.", (probe,))
    plan = build_plan(suite, cases, task="ranking", scale=Scale(), followups=FollowUps())
    decisions = {}
    for spec in ("noisy?accuracy=.85&first=.5", "noisy?accuracy=.85", "oracle"):
        judge = mock_judge(spec, task="ranking")
        finding = analyse(plan, [judge.answer(c.case, c.sample) for c in plan.calls]).findings["order.turn"]
        decisions[spec] = finding.decision
        if spec == "oracle":
            assert finding.effect == 0
    assert list(decisions.values()) == ["violated", "holds", "holds"]


def test_cases_of_two_do_not_apply() -> None:
    probe = Probe("order.turn", Relation.EQUIVARIANT, "Is tried.", "voirdire", tasks=("ranking",), orders="rotations")
    cases = [Case("Rank.", ("a", "b"), label=(0, 1))]
    plan = build_plan(Suite("t", "One.", (probe,)), cases, task="ranking", scale=Scale(), followups=FollowUps())
    assert dict(plan.probes[0].not_applicable) == {"two answers have no orders but forwards and backwards": 1}
