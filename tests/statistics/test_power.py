"""Power figures against simulated runs through the real code: arms, estimands, `Least`, `Most`, `estimate`.

The simulation below tells the story of the noise model again, call by call and by other means; the decisions are
those of an audit. `NEAR` is how far the two may differ: 250 runs have a standard error of up to .03, and the normal
approximation adds a little.
"""

from __future__ import annotations

import numpy as np
import pytest

from voirdire.harness.cases import Case
from voirdire.harness.plan import Arm, Item, Plan, ProbePlan
from voirdire.harness.probes import Probe, Suite
from voirdire.harness.relations import Relation
from voirdire.harness.statistics.arms import Answers
from voirdire.harness.statistics.estimands import measure
from voirdire.harness.statistics.power import Design, NoiseModel, cases_needed, clean_holds, found, smallest_effect
from voirdire.harness.statistics.power_model import moments
from voirdire.harness.verdicts import Scale

RUNS = 250
NEAR = 0.09
#: with few cases and no call noise the number of responding cases is a small whole number, so power moves in steps
NEAR_FEW = 0.12
NO_GAIN, INVARIANT, EQUIVARIANT = Relation.NO_GAIN, Relation.INVARIANT, Relation.EQUIVARIANT
MUST_DROP, RETEST = Relation.MUST_DROP, Relation.RETEST
NOISY = NoiseModel.from_accuracy(0.85)
FIRM = NoiseModel.deterministic(0.85)


def simulate(design: Design, noise: NoiseModel, effect: float, *, runs: int = RUNS) -> tuple[float, float]:
    """Shares of runs that are (violated, held)."""
    rng = np.random.default_rng(7)
    plan, probe = _plan(design)
    violated = held = 0
    for _ in range(runs):
        node = measure(plan, probe, _answers(rng, design, noise, effect)).node
        assert node is not None
        tests = 1 if design.relation in (MUST_DROP, RETEST) else design.tests
        broken = node.p * tests < design.alpha
        violated += broken
        held += node.holds(design.alpha) and not broken
    return violated / runs, held / runs


def _sizes(design: Design) -> tuple[int, int, int, int]:
    return max(2, design.samples), design.samples, design.samples, design.samples


def _plan(design: Design) -> tuple[Plan, ProbePlan]:
    """Calls are numbered arm by arm: source, follow-up, neutral edit, sham; each [case, order, sample]."""
    n = design.cases
    orders = 1 if design.task in ("score", "grade") else 2
    arms, at = [], 0
    for size in _sizes(design):
        calls = at + np.arange(n * orders * size).reshape(n, orders, size)
        arms.append(Arm(calls, np.tile(np.arange(orders), (n, 1))))
        at += calls.size
    source, follow, other, placebo = arms
    row = Probe("a.b", design.relation, "", "", perturbation="x", sham=design.sham, counterpart=design.counterpart)
    case = Case("q", ("a", "b")[:orders], id="c")
    probe = ProbePlan(row, items=[Item(i, 0, case, ()) for i in range(n)], source=source)
    if design.relation not in (EQUIVARIANT, RETEST):
        probe.follow_up = follow
        probe.sham = placebo if design.sham else None
    neutral = design.neutral and design.relation in (INVARIANT, EQUIVARIANT)
    plan = Plan(
        suite=Suite("s", "", (row,), tolerance=design.tolerance, min_drop=design.tolerance),
        task=design.task,
        scale=Scale(),
        cases=[case] * n,
        samples=design.samples,
        calls=[],
        probes=[probe],
        sources=source,
        neutrals=other if neutral else None,
        neutral_cases=np.arange(n),
        groups=np.arange(n),
    )
    return plan, probe


def _answers(rng: np.random.Generator, design: Design, noise: NoiseModel, effect: float) -> Answers:
    """Utilities of the target, drawn call by call."""
    n = design.cases
    orders = 1 if design.task in ("score", "grade") else 2
    if noise.sd is not None:
        arms = _scores(rng, design, noise.sd, effect, n)
    else:
        arms = _verdicts(rng, design, noise, effect, n, orders)
    slots = []
    for arm in arms:
        table = np.empty((*arm.shape, 2))
        for order in range(orders):  # the target stands in slot 0, then in slot 1
            table[:, order, :, order] = arm[:, order]
            table[:, order, :, 1 - order] = 1 - arm[:, order]
        slots.append(table.reshape(-1, 2))
    utility = np.concatenate(slots)
    return Answers(utility, np.zeros(len(utility), dtype=np.int8))


def _verdicts(
    rng: np.random.Generator, design: Design, noise: NoiseModel, effect: float, n: int, orders: int
) -> list[np.ndarray]:
    truth = rng.random(n) < 0.5

    def edited(like: np.ndarray) -> np.ndarray:
        return like ^ (rng.random(n) < noise.sensitivity)

    def calls(belief: np.ndarray, size: int) -> np.ndarray:
        """Belief per case or per [case, order]; each call reports it with probability `faithful`."""
        belief = belief if belief.ndim == 2 else np.repeat(belief[:, None], orders, axis=1)
        reported = rng.random((n, orders, size)) < noise.faithful
        return np.where(reported, belief[:, :, None], ~belief[:, :, None]).astype(float)

    many, few, few_too, _ = _sizes(design)
    unused = np.zeros((n, orders, few))
    if design.relation is EQUIVARIANT:
        in_order = np.stack([truth, edited(truth)], axis=1)
        neutral = np.stack([edited(in_order[:, 0]), edited(in_order[:, 1])], axis=1)
        arms = [calls(in_order, many), unused, calls(neutral, few_too), unused]
        first = rng.random(n) < effect
        for arm in arms:
            arm[first, 0], arm[first, 1] = 1.0, 0.0
        return arms
    if design.relation is MUST_DROP:
        # pairwise: the damaged text wins where the damage goes unnoticed
        unnoticed = rng.random(n) < 0.5 + effect / (2 * noise.faithful - 1)
        return [calls(~truth | truth, many), calls(unnoticed, few), unused, unused]
    responds = rng.random(n) < effect / noise.faithful
    truth &= ~responds
    arms = [calls(truth, many), *(calls(edited(truth), few) for _ in range(3))]
    arms[1][responds] = 1.0
    return arms


def _scores(rng: np.random.Generator, design: Design, sd: float, effect: float, n: int) -> list[np.ndarray]:
    shift = np.where(rng.random(n) < 0.5, 2 * effect, 0.0)[:, None, None]
    source, follow, *others = (0.5 + sd * rng.standard_normal((n, 1, size)) for size in _sizes(design))
    return [source, follow + shift, *others]


DESIGNS = {
    "gain": (Design(NO_GAIN, 100, tests=16), NOISY),
    "gain, sham": (Design(NO_GAIN, 60, sham=True, tests=16), NOISY),
    "gain, sham, 3 samples": (Design(NO_GAIN, 60, samples=3, sham=True, tolerance=0.05), NOISY),
    "gain, deterministic": (Design(NO_GAIN, 80, tests=16), FIRM),
    "gain, deterministic, few": (Design(NO_GAIN, 25), FIRM),
    "gain, sham, half of the errors fixed": (Design(NO_GAIN, 60, sham=True), NoiseModel.from_flip_rate(0.12)),
    "edit": (Design(INVARIANT, 100, tests=16), NOISY),
    "edit, deterministic": (Design(INVARIANT, 100, tests=16), FIRM),
    "edit, sham": (Design(INVARIANT, 100, sham=True, tests=16), NOISY),
    "edit, counterpart": (Design(INVARIANT, 100, sham=True, counterpart=True, tests=16), NOISY),
    "edit, sham, 3 samples": (Design(INVARIANT, 60, samples=3, sham=True, tests=16), NOISY),
    "edit, sham, deterministic": (Design(INVARIANT, 100, sham=True, tests=16), FIRM),
    "neutral edit": (Design(INVARIANT, 100, neutral=False), NOISY),
    "order": (Design(EQUIVARIANT, 120, tests=16), NOISY),
    "order, deterministic": (Design(EQUIVARIANT, 60), FIRM),
    "order, 3 samples": (Design(EQUIVARIANT, 60, samples=3, tests=16), NOISY),
    "score": (Design(NO_GAIN, 60, task="score", tests=16), NoiseModel.scores(0.15)),
    "score, edit": (Design(INVARIANT, 60, task="score", tests=16), NoiseModel.scores(0.15)),
    "grade": (Design(NO_GAIN, 150, task="grade"), NOISY),
}


@pytest.mark.parametrize("name", DESIGNS)
def test_chance_of_a_clean_judge_agrees_with_simulation(name: str) -> None:
    design, noise = DESIGNS[name]
    violated, held = simulate(design, noise, 0.0)
    assert clean_holds(design, noise) == pytest.approx(held, abs=NEAR)
    assert violated <= 0.05
    assert found(design, noise, 0.0) <= 0.05


@pytest.mark.parametrize("name", DESIGNS)
def test_smallest_effect_is_found_with_its_power_in_simulation(name: str) -> None:
    design, noise = DESIGNS[name]
    effect = smallest_effect(design, noise)
    assert effect is not None
    assert found(design, noise, effect) == pytest.approx(0.8, abs=0.02)
    violated, _ = simulate(design, noise, effect)
    assert violated == pytest.approx(0.8, abs=NEAR_FEW if design.cases < 30 else NEAR)


@pytest.mark.parametrize("noise", [NOISY, FIRM, NoiseModel.from_flip_rate(0.1)], ids=["noisy", "firm", "between"])
def test_must_drop_agrees_with_simulation(noise: NoiseModel) -> None:
    design = Design(MUST_DROP, 60)
    _, held = simulate(design, noise, noise.clean_drop("pairwise"))
    assert clean_holds(design, noise) == pytest.approx(held, abs=NEAR)
    violated, _ = simulate(design, noise, 0.0)
    assert found(design, noise, 0.0) == pytest.approx(violated, abs=NEAR)
    drop = smallest_effect(design, noise)
    assert drop is not None
    _, held = simulate(design, noise, drop)
    assert held == pytest.approx(0.8, abs=NEAR)


def test_retest_agrees_with_simulation() -> None:
    wild = NoiseModel.from_flip_rate(0.42)
    design = Design(RETEST, 60)
    _, held = simulate(design, wild, 0.0)
    assert 0.2 < held < 0.95  # a figure that a constant would not meet
    assert clean_holds(design, wild) == pytest.approx(held, abs=NEAR)
    assert smallest_effect(design, wild) is None


@pytest.mark.parametrize(
    ("design", "noise"),
    [(Design(NO_GAIN, 1, sham=True, tests=5), NOISY), (Design(INVARIANT, 1, tests=5), FIRM)],
    ids=["noisy", "firm"],
)
def test_the_cases_promised_suffice_in_simulation(design: Design, noise: NoiseModel) -> None:
    needed = cases_needed(design, noise)
    assert needed.to_hold is not None
    assert needed.to_find is not None
    _, held = simulate(_with_cases(design, needed.to_hold), noise, 0.0)
    violated, _ = simulate(_with_cases(design, needed.to_find), noise, 0.20)
    assert held == pytest.approx(0.8, abs=NEAR)
    assert violated == pytest.approx(0.8, abs=NEAR)
    assert needed.both == max(needed.to_hold, needed.to_find)


def _with_cases(design: Design, cases: int) -> Design:
    return Design(design.relation, cases, sham=design.sham, tests=design.tests)


def test_known_figures() -> None:
    """Found elsewhere by simulating whole audits: accuracy .85, tolerance .10, both orders, one sample and a repeat."""
    gain = moments(NO_GAIN, NOISY, 0.0)
    # a follow-up call and two source calls, in two orders
    assert gain.sd[0] ** 2 == pytest.approx((0.1275 + 0.1275 / 2) / 2)
    order = moments(EQUIVARIANT, NOISY, 0.0, neutral=False)
    assert order.sd[0] / 120**0.5 == pytest.approx(0.033, abs=0.001)
    assert order.sd[0] / 200**0.5 == pytest.approx(0.025, abs=0.001)
    assert clean_holds(Design(EQUIVARIANT, 120, neutral=False), NOISY) == pytest.approx(0.84, abs=0.02)
    assert clean_holds(Design(EQUIVARIANT, 200, neutral=False), NOISY) == pytest.approx(0.98, abs=0.02)
    # the neutral edit's calls are shared: two calls of the source and one of the edit, in both orders
    shared = moments(EQUIVARIANT, NOISY, 0.0)
    assert shared.sd[0] ** 2 == pytest.approx(order.sd[0] ** 2 * (1 / 2 + 1) / 2)
    # tolerance .05: "holds one probe in 71 %"
    assert clean_holds(Design(NO_GAIN, 200, tolerance=0.05), NOISY) == pytest.approx(0.71, abs=0.05)


def test_no_exception_in_28_cases_proves_nothing_in_29_it_does() -> None:
    """The rule of three: .95 of the time a rate of .10 would have shown itself, since .9**29 < .05 < .9**28."""
    oracle = NoiseModel.deterministic(1.0, sensitivity=0.0)
    assert clean_holds(Design(NO_GAIN, 28), oracle) == 0
    assert clean_holds(Design(NO_GAIN, 29), oracle) == 1
    assert cases_needed(Design(NO_GAIN, 1), oracle).to_hold == 29


@pytest.mark.parametrize("relation", [NO_GAIN, INVARIANT, EQUIVARIANT])
def test_samples_help_a_noisy_judge_and_not_a_deterministic_one(relation: Relation) -> None:
    one, five = Design(relation, 60), Design(relation, 60, samples=5)
    assert clean_holds(five, NOISY) > clean_holds(one, NOISY) + 0.1
    assert smallest_effect(five, NOISY) < smallest_effect(one, NOISY) - 0.02  # type: ignore[operator]
    assert clean_holds(five, FIRM) == clean_holds(one, FIRM)
    assert smallest_effect(five, FIRM) == pytest.approx(smallest_effect(one, FIRM))


def test_more_cases_and_fewer_tests_find_smaller_effects() -> None:
    def least(cases: int, tests: int) -> float:
        effect = smallest_effect(Design(NO_GAIN, cases, tests=tests, sham=True), NOISY)
        assert effect is not None
        return effect

    assert 0.10 < least(400, 1) < least(200, 1) < least(200, 20) < least(60, 20) < 0.6


def test_cases_of_a_group_average_their_noise() -> None:
    alone, pairs = Design(NO_GAIN, 60), Design(NO_GAIN, 60, per_group=2)
    assert clean_holds(pairs, NOISY) > clean_holds(alone, NOISY)
    assert moments(NO_GAIN, NOISY, 0.0, per_group=2).sd[0] ** 2 == pytest.approx(
        moments(NO_GAIN, NOISY, 0.0).sd[0] ** 2 / 2
    )


def test_what_no_number_of_cases_shows() -> None:
    assert cases_needed(Design(NO_GAIN, 1, tolerance=0.0), NOISY).to_hold is None
    assert cases_needed(Design(NO_GAIN, 1, tolerance=0.3), NOISY, effect=0.2).to_find is None
    assert cases_needed(Design(NO_GAIN, 1), NoiseModel.from_accuracy(0.6), effect=0.7).to_find is None
    restless = NoiseModel.deterministic(sensitivity=0.15)  # answers 15 % of neutral edits: not within .10
    assert cases_needed(Design(INVARIANT, 1, neutral=False), restless).to_hold is None
    assert smallest_effect(Design(NO_GAIN, 2, tests=20), NOISY) is None


def test_noise_models() -> None:
    assert NOISY.flip_rate == pytest.approx(0.255)
    assert NOISY.accuracy == pytest.approx(0.85)
    between = NoiseModel.from_flip_rate(0.1, 0.85)
    assert between.flip_rate == pytest.approx(0.1)
    assert between.accuracy == pytest.approx(0.85)
    # p (1 - p) = f / 2
    assert between.faithful * (1 - between.faithful) == pytest.approx(0.05)
    assert NoiseModel.from_flip_rate(0.0) == FIRM
    assert FIRM.is_deterministic
    assert not NOISY.is_deterministic
    # such noise leaves no room for an accuracy of .85
    assert NoiseModel.from_flip_rate(0.4, 0.85).accuracy == pytest.approx((1 + 0.2**0.5) / 2)
    assert NoiseModel.scores(0.1).flip_rate == pytest.approx(0.1128, abs=1e-4)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: NoiseModel.from_accuracy(0.4),
        lambda: NoiseModel.from_flip_rate(0.6),
        lambda: NoiseModel.scores(0.7),
        lambda: NoiseModel(0.85, right=1.2),
        lambda: Design(NO_GAIN, 0),
        lambda: Design(NO_GAIN, 10, samples=0),
        lambda: Design(NO_GAIN, 10, tolerance=1.5),
        lambda: Design(NO_GAIN, 10, alpha=0.6),
        lambda: found(Design(NO_GAIN, 10), NOISY, 0.95),
    ],
)
def test_impossible_numbers_are_refused(wrong) -> None:
    with pytest.raises(ValueError, match=r"in|beyond|at 1"):
        wrong()
