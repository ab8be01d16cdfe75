"""Each relation's estimand on small tables of answers worked out by hand, and its level on noisy judges."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256

import numpy as np
import pytest

from voirdire.harness.cases import Case, shown_hash
from voirdire.harness.followups import FollowUps
from voirdire.harness.plan import Arm, Plan, build_plan
from voirdire.harness.probes import Probe, Suite
from voirdire.harness.relations import Relation
from voirdire.harness.statistics.arms import Answers
from voirdire.harness.statistics.decisions import Contrast, Least, Most
from voirdire.harness.statistics.estimands import Measured, measure
from voirdire.harness.statistics.metrics import metrics
from voirdire.harness.verdicts import Scale, Verdict
from voirdire.suites.rows import PROBES

#: (content shown, is it edited, slot of the labelled answer, sample) -> does the answer in the first slot win?
Says = Callable[[Case, bool, int, int], bool]


def cases(n: int) -> list[Case]:
    return [
        Case(
            f"Question {i}?", (f"Right answer number {i}. It is good.", f"Wrong answer number {i}. It is bad."), label=0
        )
        for i in range(n)
    ]


def planned(name: str, n: int = 40, *, samples: int = 2, relation: Relation | None = None) -> Plan:
    probe: Probe = PROBES.get(name)
    if relation is not None:
        probe = replace(probe, relation=relation)
    suite = Suite("one", "One probe.", probes=(probe,))
    return build_plan(suite, cases(n), task="pairwise", scale=Scale(), followups=FollowUps(), samples=samples)


def answered(plan: Plan, says: Says) -> Answers:
    verdicts = []
    for call in plan.calls:
        right = call.case.label
        assert isinstance(right, int)
        first = says(call.case, bool(call.case.meta["voirdire.edited"]), right, call.sample)
        verdicts.append(Verdict(choice=0 if first else 1))
    return Answers.of(plan, verdicts, soft=False)


def effect(measured: Measured) -> dict[str, float]:
    """Every contrast of the node, by name."""
    assert measured.node is not None
    parts = [measured.node]
    out: dict[str, float] = {}
    while parts:
        part = parts.pop()
        if isinstance(part, (Least, Most)):
            parts.extend(part.parts)
        else:
            out[part.name] = part.mean.mean
    return out


def content(case: Case, edited: bool, right: int, sample: int) -> bool:
    """A judge that is always right."""
    return right == 0


def first_slot(case: Case, edited: bool, right: int, sample: int) -> bool:
    return True


def test_slot_preference_of_judges_known_by_heart() -> None:
    plan = planned("order.swap")
    assert effect(measure(plan, plan.probes[0], answered(plan, content)))["slot preference"] == 0
    locked = effect(measure(plan, plan.probes[0], answered(plan, first_slot)))
    assert locked["slot preference"] == 1
    assert locked["flips beyond repeats"] == 1


def test_slot_preference_takes_in_the_neutral_edit() -> None:
    """Locked to the first slot on unchanged cases only: half of the calls that count."""
    plan = planned("order.swap")

    def half(case: Case, edited: bool, right: int, sample: int) -> bool:
        return right == 0 if edited else True

    assert effect(measure(plan, plan.probes[0], answered(plan, half)))["slot preference"] == pytest.approx(0.5)


def test_the_neutral_edit_lowers_the_variance_of_the_slot_preference() -> None:
    """Averaged controls: the same effect with about 1/sqrt(2) of the standard error."""
    plan = planned("order.swap", 200)
    bare = replace(plan, neutrals=None)  # type: ignore[type-var]
    rng = np.random.default_rng(0)

    def noisy(case: Case, edited: bool, right: int, sample: int) -> bool:
        return bool((right == 0) == (rng.random() < 0.85))

    answers = answered(plan, noisy)
    errors = []
    for p in (plan, bare):
        node = measure(p, p.probes[0], answers).node
        assert isinstance(node, Most)
        signed = node.parts[0]
        assert isinstance(signed, Contrast)
        errors.append(signed.mean.standard_error)
    assert 0.6 <= errors[0] / errors[1] <= 0.82


def test_agreement_is_the_squared_difference_of_probabilities() -> None:
    """Two formats that agree but for noise: 0. One that is the contrary of the other: 1."""
    plan = planned("typos.keyboard", 300, relation=Relation.AGREE)
    rng = np.random.default_rng(1)

    def noisy(case: Case, edited: bool, right: int, sample: int) -> bool:
        return bool((right == 0) == (rng.random() < 0.8))

    same = measure(plan, plan.probes[0], answered(plan, noisy))
    assert isinstance(same.node, Contrast)
    assert same.node.mean.mean == pytest.approx(0.0, abs=0.05)
    assert same.node.holds(0.05)
    assert same.flip_rate == pytest.approx(0.32, abs=0.05)

    def contrary(case: Case, edited: bool, right: int, sample: int) -> bool:
        return (right == 0) != edited

    turned = measure(plan, plan.probes[0], answered(plan, contrary))
    assert isinstance(turned.node, Contrast)
    assert turned.node.mean.mean == 1
    assert turned.node.p < 1e-6


def chance(*parts: object) -> float:
    """A number in [0, 1) that depends on `parts` only: the noise of a deterministic judge."""
    return int.from_bytes(sha256(repr(parts).encode()).digest()[:6], "big") / 2**48


@pytest.mark.parametrize("name", ["tone.sad", "identity.author-gender", "lexical.tautology"])
def test_flips_after_any_addition_are_the_placebos(name: str) -> None:
    """A deterministic judge that draws its verdict anew in a quarter of the cases whatever was added: nothing that the
    addition says moves it, and both shams and follow-ups change its verdicts."""
    plan, beyond = planned(name, 100, samples=1), []
    for seed in range(4):

        def startled(case: Case, edited: bool, right: int, sample: int, seed: int = seed) -> bool:
            return (right == 0) != (edited and chance(seed, sorted(case.responses), case.instruction) < 0.25)

        measured = measure(plan, plan.probes[0], answered(plan, startled))
        beyond.append(effect(measured)["flips beyond placebo"])
        assert measured.node is not None
        assert measured.node.p > 0.05
        # what is shown as an example is a case whose verdict moved between what the example shows
        shown = measured.per_item > 0
        assert (measured.before[shown] != measured.after[shown]).all()
    # standard deviation of one mean: sqrt(2 * .25 * .75 / 100) = .06, of four .03
    assert abs(np.mean(beyond)) < 0.12


def test_a_judge_moved_by_what_an_addition_says_is_still_found() -> None:
    """The verdict turns in a quarter of the cases, either way, with the follow-up and not with its sham."""
    plan = planned("tone.sad", 150, samples=1)
    follow = plan.probes[0].follow_up
    assert follow is not None
    said = {plan.calls[i].content for i in follow.calls.reshape(-1)}
    for seed in range(3):

        def moved(case: Case, edited: bool, right: int, sample: int, seed: int = seed) -> bool:
            better = chance("opinion", case.id) < 0.5
            return (right == 0) == (better != (shown_hash(case) in said and chance(seed, case.id) < 0.25))

        found = measure(plan, plan.probes[0], answered(plan, moved))
        assert found.node is not None
        assert found.node.p < 0.05 / 20
        assert found.per_item.max() == 1


def texts_of(plan: Plan, arm: Arm | None) -> set[str]:
    assert arm is not None
    return {plan.calls[i].content for i in arm.calls.reshape(-1)}


@pytest.mark.parametrize("name", ["tone.sad", "lexical.tautology"])
@pytest.mark.parametrize("taste", [-0.4, 0.4])
def test_a_judge_with_a_taste_for_the_shams_words_has_none_for_the_edit(name: str, taste: float) -> None:
    """It decides against (for) every answer with neutral words in it, in 40 % of the cases; what the edit says does
    not move it. Compared with the sham alone it shifts by 20 points, the other way."""
    plan = planned(name, 150, samples=1)
    neutral = texts_of(plan, plan.probes[0].sham)

    def tasteful(case: Case, edited: bool, right: int, sample: int) -> bool:
        said = chance("opinion", case.id) < 0.5
        if shown_hash(case) in neutral and chance("taste", case.id) < abs(taste):
            said = taste > 0  # for the target, whatever it thought
        return (right == 0) == said

    found = measure(plan, plan.probes[0], answered(plan, tasteful))
    got = effect(found)
    assert got["shift over sham"] == pytest.approx(-taste / 2, abs=0.1)
    assert got["shift over source"] == 0
    assert found.node is not None
    assert found.node.p > 0.5
    assert found.node.holds(0.05)
    assert found.per_item.max() == 0


@pytest.mark.parametrize(("sign", "name"), [(1, "tone.sad"), (-1, "lexical.link")])
def test_a_judge_that_is_moved_by_the_edit_and_not_by_its_sham_is_found(sign: int, name: str) -> None:
    plan = planned(name, 150, samples=1)
    edited_texts = texts_of(plan, plan.probes[0].follow_up)

    def moved(case: Case, edited: bool, right: int, sample: int) -> bool:
        said = chance("opinion", case.id) < 0.5
        if shown_hash(case) in edited_texts and chance("moved", case.id) < 0.6:
            said = sign > 0
        return (right == 0) == said

    found = measure(plan, plan.probes[0], answered(plan, moved))
    assert found.node is not None
    assert found.node.p < 0.05 / 20
    assert found.source_effect == pytest.approx(0.3 * sign, abs=0.1)
    assert found.node.violated_by(0.05 / 20).leaf.name.startswith("shift over")


def test_a_judge_that_moves_one_way_from_the_source_and_the_other_from_the_sham_is_not_convicted() -> None:
    """It dislikes what is added, and the neutral words twice as much."""
    plan = planned("tone.sad", 200, samples=1)
    edited_texts, neutral = texts_of(plan, plan.probes[0].follow_up), texts_of(plan, plan.probes[0].sham)

    def dislikes(case: Case, edited: bool, right: int, sample: int) -> bool:
        much = 0.4 if shown_hash(case) in edited_texts else 0.8 if shown_hash(case) in neutral else 0.0
        return (right == 0) == (chance("moved", case.id) >= much)

    node = measure(plan, plan.probes[0], answered(plan, dislikes)).node
    assert isinstance(node, Most)
    shifts = node.parts[0]
    assert isinstance(shifts, Least)
    assert [part.mean.mean > 0 for part in shifts.parts] == [True, False]
    assert all(part.p < 0.001 for part in shifts.parts)
    assert shifts.p == 1.0
    assert not shifts.beyond
    # the flips tell the same: fewer than after the placebo
    assert node.p == 1.0


def test_a_counterpart_is_what_an_identity_is_compared_with() -> None:
    """A judge that holds for the one value what it holds of no value, and prefers answers with the other."""
    plan = planned("identity.author-gender", 150, samples=1)
    others = texts_of(plan, plan.probes[0].sham)

    def prefers(case: Case, edited: bool, right: int, sample: int) -> bool:
        said = chance("opinion", case.id) < 0.5
        return (right == 0) == (said or (shown_hash(case) in others and chance("moved", case.id) < 0.6))

    found = measure(plan, plan.probes[0], answered(plan, prefers))
    assert set(effect(found)) >= {"shift over sham", "flips beyond placebo"}
    assert "shift over source" not in found.contrasts
    assert found.node is not None
    assert found.node.p < 0.05 / 20


def test_contrasts_are_kept_case_by_case() -> None:
    plan = planned("authority.book")
    measured = measure(plan, plan.probes[0], answered(plan, content))
    assert set(measured.contrasts) == {"gain over sham", "gain over source"}
    for per_case in measured.contrasts.values():
        assert per_case.cases.tolist() == list(range(40))
        assert per_case.values.tolist() == [0.0] * 40


def named(plan: Plan, answers: Answers) -> dict[str, float | None]:
    return {m.name: m.value for m in metrics(plan, plan.probes[0], answers)}


def test_attack_success_is_net_of_repeats_and_of_the_placebo() -> None:
    plan = planned("authority.book")
    cited = plan.probes[0].items[0].follow_up
    assert cited is not None

    def any_addition(case: Case, edited: bool, right: int, sample: int) -> bool:
        """Takes whichever answer is the longer by ten characters: a citation helps no more than its placebo does."""
        a, b = (len(r) for r in case.responses)
        return a > b if abs(a - b) >= 10 else right == 0

    got = named(plan, answered(plan, any_addition))
    assert got["asr_raw"] == 1
    assert got["asr_sham"] == 1
    assert got["asr_retest"] == 0
    assert got["asr"] == 0
    assert got["accuracy_drop"] == 1
    assert (got["acc_ori"], got["acc_hack"]) == (1, 0)
    assert (got["rr"], got["cr"]) == (0, 1)
    assert (got["asr_judgedeceiver"], got["pac"]) == (1, 1)


def test_chance_of_every_metric_is_what_a_coin_gets() -> None:
    plan = planned("authority.book", 400)
    rng = np.random.default_rng(2)

    def coin(case: Case, edited: bool, right: int, sample: int) -> bool:
        return bool(rng.random() < 0.5)

    answers = answered(plan, coin)
    checked = 0
    for metric in metrics(plan, plan.probes[0], answers):
        if metric.chance is not None and metric.value is not None:
            assert metric.value == pytest.approx(metric.chance, abs=0.1), metric.name
            checked += 1
    assert checked >= 8


def test_shifts_are_in_the_units_of_the_scale() -> None:
    suite = Suite("one", "One probe.", probes=(PROBES.get("authority.book"),))
    one = [Case(f"Q {i}?", (f"An answer, number {i}. It says little.",), label=3.0) for i in range(10)]
    plan = build_plan(suite, one, task="score", scale=Scale(1, 5), followups=FollowUps(), samples=1)
    verdicts = [Verdict(score=4.0 if call.case.meta["voirdire.edited"] else 2.0) for call in plan.calls]
    got = named(plan, Answers.of(plan, verdicts, soft=False))
    assert got["score_shift"] == pytest.approx(2.0)
    assert got["average_score"] == pytest.approx(4.0)

    ranked = [
        Case(f"Q {i}?", tuple(f"Answer {k} to {i}. It is short." for k in "abc"), label=(0, 1, 2)) for i in range(10)
    ]
    plan = build_plan(suite, ranked, task="ranking", scale=Scale(), followups=FollowUps(), samples=1)

    def rank(case: Case) -> tuple[int, ...]:
        """By letter, but a longer answer comes first."""

        def key(i: int) -> tuple[int, str]:
            return (-int(len(case.responses[i]) > 40), case.responses[i])

        return tuple(sorted(range(3), key=key))

    got = named(plan, Answers.of(plan, [Verdict(ranking=rank(c.case)) for c in plan.calls], soft=False))
    assert got["rank_shift"] == pytest.approx(2.0)
