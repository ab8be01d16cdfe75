"""The plan: sharing of calls, both orders, targets, labels of follow-ups, what does not apply and why."""

from __future__ import annotations

import random

import numpy as np
import pytest

import voirdire.perturbations  # noqa: F401  (stability.neutral must be registered)
from voirdire.harness.cases import Case, Dose, Edit
from voirdire.harness.errors import NotApplicable
from voirdire.harness.followups import FollowUps
from voirdire.harness.plan import Plan, build_plan
from voirdire.harness.probes import Probe, Suite
from voirdire.harness.registry import PERTURBATIONS
from voirdire.harness.relations import Relation
from voirdire.harness.verdicts import Scale


class Append:
    """Appends a mark; its sham appends another of the same length."""

    claim = "addition"
    summary = source = "test"

    def __init__(self, name: str, mark: str, *, fails: bool = False, plants_error: bool = False) -> None:
        self.name, self.mark, self.fails, self.plants_error = name, mark, fails, plants_error

    def edits(self, case: Case, target: int, rng: random.Random, dose: Dose) -> tuple[Edit, ...]:
        if self.fails:
            raise NotApplicable("it never applies")
        text = case.responses[target]
        return (Edit(len(text), len(text), self.mark, f"responses[{target}]"),)

    def sham(self, case: Case, target: int, edits: tuple[Edit, ...], rng: random.Random) -> tuple[Edit, ...]:
        return tuple(Edit(e.start, e.end, "." * len(e.text), e.where) for e in edits)


for _p in (
    Append("test.plus", " PLUS"),
    Append("test.minus", " MINUS", plants_error=True),
    Append("test.never", "", fails=True),
):
    if _p.name not in PERTURBATIONS:
        PERTURBATIONS.add(_p.name, _p)  # type: ignore[arg-type]

SWAP = Probe("order.swap", Relation.EQUIVARIANT, "", "")
PLUS = Probe("test.plus", Relation.NO_GAIN, "", "", "test.plus", sham=True)
DROP = Probe("test.minus", Relation.MUST_DROP, "", "", "test.minus")
SAME = Probe("test.same", Relation.INVARIANT, "", "", "test.plus", target="better")


def plan(cases: list[Case], *probes: Probe, task: str = "pairwise", samples: int = 1) -> Plan:
    return build_plan(
        Suite("s", "", probes),
        cases,
        task=task,
        scale=Scale(1, 10),
        followups=FollowUps(),
        samples=samples,  # type: ignore[arg-type]
    )


def shown(p: Plan, number: int) -> tuple[str, ...]:
    return p.calls[number].case.responses


def test_source_calls_are_shared_and_repeated(pairs: list[Case]) -> None:
    alone = plan(pairs, Probe("stability.retest", Relation.RETEST, "", ""))
    assert len(alone.calls) == len(pairs) * 2 * 2  # both orders, one repeat
    more = plan(pairs, PLUS, Probe("stability.retest", Relation.RETEST, "", ""))
    assert len(more.calls) == len(pairs) * (4 + 2 + 2)


def test_equal_content_is_one_call(pairs: list[Case]) -> None:
    twice = plan(pairs, PLUS, Probe("again", Relation.NO_GAIN, "", "", "test.plus", sham=True))
    assert len(twice.calls) == len(plan(pairs, PLUS).calls)
    keys = [(c.content, c.sample) for c in twice.calls]
    assert len(keys) == len(set(keys))


def test_both_orders_show_the_target_in_both_slots(pairs: list[Case]) -> None:
    p = plan(pairs, PLUS)
    probe = p.probes[0]
    assert probe.follow_up is not None
    for item, calls, slots in zip(probe.items, probe.follow_up.calls, probe.follow_up.slots, strict=True):
        assert item.target != pairs[item.case].label  # the worse one: the one with room to gain
        assert sorted(slots) == [0, 1]
        for order in (0, 1):
            texts = shown(p, calls[order, 0])
            assert texts[slots[order]].endswith(" PLUS")
            assert not texts[1 - slots[order]].endswith(" PLUS")


def test_the_sham_stands_at_the_same_place_with_the_same_length(pairs: list[Case]) -> None:
    p = plan(pairs, PLUS)
    probe = p.probes[0]
    assert probe.sham is not None
    assert probe.follow_up is not None
    for a, b in zip(probe.follow_up.calls[:, 0, 0], probe.sham.calls[:, 0, 0], strict=True):
        assert [len(t) for t in shown(p, a)] == [len(t) for t in shown(p, b)]
        assert shown(p, a) != shown(p, b)


def test_without_a_label_each_response_is_the_target_in_turn() -> None:
    p = plan([Case("q", ("a", "b"), id="x"), Case("q", ("c", "d"), label="tie", id="y")], PLUS)
    assert [(i.case, i.target) for i in p.probes[0].items] == [(0, 0), (0, 1), (1, 0), (1, 1)]


def test_a_degradation_shows_the_better_answer_against_its_damaged_self(pairs: list[Case]) -> None:
    p = plan(pairs, DROP)
    probe = p.probes[0]
    assert probe.follow_up is not None
    for item, calls, slots in zip(probe.items, probe.follow_up.calls, probe.follow_up.slots, strict=True):
        good = pairs[item.case].responses[pairs[item.case].label]  # type: ignore[index]
        for order in (0, 1):
            call = p.calls[calls[order, 0]]
            assert call.case.responses[slots[order]] == good + " MINUS"
            assert call.case.responses[1 - slots[order]] == good
            assert call.case.label == 1 - slots[order]  # the undamaged text is the better one


def test_mistakes_are_not_planted_where_nobody_knows_what_is_right() -> None:
    p = plan([Case("q", ("a", "b")), Case("q", ("c", "d"), label="tie"), Case("q", ("e", "f"), label=1)], DROP)
    assert [i.case for i in p.probes[0].items] == [2]
    assert p.probes[0].not_applicable == {"no label says which answer is right": 2}
    graded = plan([Case("q", ("a",), label=False), Case("q", ("b",), label=True)], DROP, task="grade")
    assert [i.case for i in graded.probes[0].items] == [1]
    assert graded.probes[0].not_applicable == {"the answer is wrong already": 1}
    assert graded.probes[0].follow_up is not None
    assert graded.calls[graded.probes[0].follow_up.calls[0, 0, 0]].case.label is False


def test_a_cut_answer_may_still_pass_so_grades_do_not_judge_it() -> None:
    cut = Probe("test.plus", Relation.MUST_DROP, "", "", "test.plus")
    p = plan([Case("q", ("a",), label=True)], cut, task="grade")
    assert p.probes[0].not_applicable == {"nobody knows whether the damaged answer still passes": 1}
    assert plan([Case("q", ("a", "b"), label=0)], cut).probes[0].items


def test_right_answers_have_no_room_to_gain_a_pass() -> None:
    p = plan([Case("q", ("a",), label=True), Case("q", ("b",), label=False)], PLUS, task="grade")
    assert [i.case for i in p.probes[0].items] == [1]


def test_a_damaged_score_case_is_labelled_lower() -> None:
    p = plan([Case("q", ("a",), label=9)], DROP, task="score")
    assert p.probes[0].follow_up is not None
    assert p.calls[p.probes[0].follow_up.calls[0, 0, 0]].case.label == 5


def test_rankings_are_shown_forwards_and_backwards() -> None:
    case = Case("q", ("a", "b", "c"), label=(2, 0, 1))
    p = plan([case], SWAP, PLUS, task="ranking")
    assert {c.case.responses for c in p.calls[:4]} == {("a", "b", "c"), ("c", "b", "a")}
    assert [i.target for i in p.probes[1].items] == [1]  # the worst by label


def test_what_never_applies_is_counted_with_its_reason(pairs: list[Case]) -> None:
    p = plan(pairs, Probe("n", Relation.NO_GAIN, "", "", "test.never"), SWAP)
    assert p.probes[0].items == []
    assert p.probes[0].not_applicable == {"it never applies": len(pairs)}
    single = plan([Case("q", ("a",))], SWAP, task="score")
    assert single.probes[0].not_applicable == {"there is only one response, so there is no order": 1}


def test_invariance_brings_its_neutral_arm(pairs: list[Case]) -> None:
    p = plan(pairs, SAME)
    assert p.neutrals is not None
    assert (p.neutral_cases == np.arange(len(pairs))).all()
    assert plan(pairs, PLUS).neutrals is None


def test_a_plan_is_the_same_twice_and_calls_of_a_case_stand_together(pairs: list[Case]) -> None:
    a, b = plan(pairs, PLUS, DROP), plan(pairs, PLUS, DROP)
    assert [(c.content, c.sample) for c in a.calls] == [(c.content, c.sample) for c in b.calls]
    ids = [c.case.id for c in a.calls]
    assert [i for n, i in enumerate(ids) if n == 0 or ids[n - 1] != i] == [c.id for c in pairs]


def test_adding_a_probe_or_a_case_changes_no_other_follow_up(pairs: list[Case]) -> None:
    few = {(c.content, c.sample) for c in plan(pairs[:3], PLUS).calls}
    many = {(c.content, c.sample) for c in plan(pairs, DROP, PLUS).calls}
    assert few <= many


def test_groups_are_clusters() -> None:
    p = plan([Case("a", ("a", "b"), group="g"), Case("b", ("a", "b"), group="g"), Case("c", ("a", "b"))], PLUS)
    assert p.groups[0] == p.groups[1] != p.groups[2]


def test_calls_know_their_case_and_order_but_judges_do_not_see_it(pairs: list[Case]) -> None:
    p = plan(pairs, PLUS)
    assert p.calls[0].case.id == pairs[0].id
    assert {tuple(c.case.meta["voirdire.order"]) for c in p.calls} == {(0, 1), (1, 0)}
    assert all("voirdire" not in str(c.case.shown()) for c in p.calls)


@pytest.mark.parametrize("samples", [1, 2, 3])
def test_samples(pairs: list[Case], samples: int) -> None:
    p = plan(pairs, PLUS, samples=samples)
    assert p.sources.calls.shape == (len(pairs), 2, max(2, samples))
    assert p.probes[0].follow_up is not None
    assert p.probes[0].follow_up.calls.shape == (len(pairs), 2, samples)
