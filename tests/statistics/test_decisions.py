"""Composite decisions: intersection-union, Bonferroni, Holm against statsmodels' definition, more-cases figures."""

from __future__ import annotations

import numpy as np
import pytest

from voirdire.harness.relations import Relation
from voirdire.harness.statistics.decisions import AtLeastDrop, Contrast, Least, Most, holm, needed
from voirdire.harness.statistics.means import Mean, estimate
from voirdire.harness.statistics.power import Design, NoiseModel, _parts, _table, clean_holds, found, smallest_effect


def around(center: float, n: int = 200, sd: float = 0.3, seed: int = 0) -> Mean:
    """Data whose sample mean is exactly `center`."""
    x = np.random.default_rng(seed).normal(0, sd, n)
    mean = estimate(np.clip(x - x.mean() + center, -1, 1))
    assert mean is not None
    return mean


def contrast(center: float, *, two_sided: bool = False, **kwargs: float) -> Contrast:
    return Contrast(f"c{center}", around(center, **kwargs), 0.1, two_sided)  # type: ignore[arg-type]


def test_an_addition_gained_only_if_it_beats_source_and_sham() -> None:
    high, low = contrast(0.4), contrast(0.02, seed=1)
    both = Least([high, low])
    assert both.p == low.p > 0.5
    assert both.holds(0.05)
    assert both.violated_by(0.05).leaf is low
    assert both.held_by(0.05).leaf is low
    assert both.held_by(0.05).alpha == 0.025
    assert Least([high, contrast(0.35, seed=1)]).p < 1e-6


def test_any_part_breaks_invariance_and_all_must_hold() -> None:
    shift, flips = contrast(0.0, two_sided=True), contrast(0.3, seed=1)
    node = Most([shift, flips])
    assert node.p == pytest.approx(2 * flips.p)
    assert not node.holds(0.05)
    assert node.violated_by(0.05).leaf is flips
    assert node.violated_by(0.05).alpha == 0.025
    assert Most([shift, contrast(0.0, seed=2)]).holds(0.05)


def test_the_signed_effect_is_shown_where_it_suffices() -> None:
    shift, flips = contrast(0.3, two_sided=True), contrast(0.6, seed=1)
    assert flips.p < shift.p
    assert Most([shift, flips]).violated_by(0.05).leaf is shift


@pytest.mark.parametrize("center", [-0.3, 0.3])
def test_two_sided_contrasts_see_both_directions(center: float) -> None:
    assert contrast(center, two_sided=True).p < 1e-6
    assert (contrast(center).p < 1e-6) == (center > 0)


def test_must_drop_reads_both_answers_off_one_interval() -> None:
    assert AtLeastDrop("d", around(-0.3), 0.1).holds(0.05)
    assert AtLeastDrop("d", around(0.0), 0.1).p < 0.05
    edge = AtLeastDrop("d", around(-0.1), 0.1)
    assert not edge.holds(0.05)
    assert edge.p > 0.05


def test_holm_is_step_down_and_monotone() -> None:
    # Holm 1979: with m = 3 the smallest must pass alpha / 3; a rival's version rejected .04 here
    assert holm([0.03, 0.032, 0.04]) == pytest.approx([0.09, 0.09, 0.09])
    assert holm([0.01, 0.02, 0.03]) == pytest.approx([0.03, 0.04, 0.04])
    assert holm([0.02, 0.01]) == pytest.approx([0.02, 0.02])
    assert holm([]) == []


def test_holm_counts_the_whole_suite_whatever_was_selected() -> None:
    assert holm([0.01], 5) == pytest.approx([0.05])
    assert holm([0.01, 0.2], 10) == pytest.approx([0.1, 1.0])


# ------------------------------------------------------------------------------------------------ power of what is said


@pytest.mark.parametrize("tests", [1, 20])
@pytest.mark.parametrize("n", [60, 200, 500])
@pytest.mark.parametrize("seen", [0.0, 0.05])
def test_the_smallest_effect_of_a_deterministic_judge_is_found_in_four_of_five_runs(
    n: int, tests: int, seen: float
) -> None:
    """Exact: in a share of the cases the verdict turns, in the others it stays. By the spread seen it was .15 to .5."""
    from scipy.stats import binom

    def run(turned: int) -> Contrast:
        mean = estimate(np.arange(n) < turned)
        assert mean is not None
        return Contrast("gain", mean, 0.1)

    least = next(k for k in range(n) if run(k).p < 0.05 / tests)
    effect = run(round(seen * n)).detectable(0.05 / tests)
    # whole numbers of cases: the power at one effect moves by steps of a few points
    assert 0.75 <= binom.sf(least - 1, n, effect) <= 0.86


def node_of(design: Design, noise: NoiseModel) -> Least | Most | Contrast:
    """The decision of a clean run whose sample moments are exactly those of the model."""
    at, n = _table(design, noise).clean, design.cases
    parts = [
        Contrast("c", Mean(at.mean[k], n, n, at.sd[k], at.skew[k], part.lo, part.hi), 0.1, part.two_sided)
        for k, part in enumerate(_parts(design))
    ]
    if design.relation is Relation.NO_GAIN:
        return Least(parts) if design.sham else parts[0]
    return Most([parts[0], Least(parts[1:])])


@pytest.mark.parametrize(
    ("relation", "sham"), [(Relation.INVARIANT, False), (Relation.EQUIVARIANT, False), (Relation.NO_GAIN, True)]
)
@pytest.mark.parametrize("accuracy", [0.75, 0.95])
def test_the_smallest_effect_agrees_with_the_plan(relation: Relation, sham: bool, accuracy: float) -> None:
    design, noise = Design(relation, 120, sham=sham, tests=20), NoiseModel.from_accuracy(accuracy)
    effect = node_of(design, noise).detectable(0.05 / 20)
    # several parts are bounded by Bonferroni, and noise stays where an effect may end it: rather more than too little
    assert 0.78 <= found(design, noise, effect) <= 0.96
    planned = smallest_effect(design, noise)
    assert planned is not None
    assert planned - 0.005 <= effect <= 1.2 * planned


def test_scores_are_not_taken_to_turn_altogether() -> None:
    design, noise = Design(Relation.INVARIANT, 120, tests=20, task="score"), NoiseModel.scores(0.1)
    node = node_of(design, noise)
    effect = node.detectable(0.05 / 20, scores=True)
    assert effect < node.detectable(0.05 / 20) - 0.02
    assert 0.75 <= found(design, noise, effect) <= 0.9


def test_a_run_that_could_have_missed_anything_says_so() -> None:
    assert Contrast("c", around(0.0, n=3), 0.1).detectable(0.0025) == 1.0
    assert Contrast("c", around(0.0), 1.0).detectable(0.0025) == 1.0


def test_more_cases_would_decide() -> None:
    """The promised number of cases does decide in about 80 % of repetitions, if the truth is what was seen."""
    rng = np.random.default_rng(4)
    seen = around(0.04, n=40, sd=0.35)
    more = needed(Contrast("c", seen, 0.1), 0.05, 0.05)
    assert more is not None
    n = 40 + more
    held = 0
    for _ in range(400):
        mean = estimate(np.clip(rng.normal(0.04, seen.sd, n), -1, 1))
        assert mean is not None
        held += Contrast("c", mean, 0.1).holds(0.05)
    assert 0.7 <= held / 400 <= 0.95


@pytest.mark.parametrize(
    ("relation", "sham"),
    [(Relation.INVARIANT, False), (Relation.EQUIVARIANT, False), (Relation.NO_GAIN, False), (Relation.NO_GAIN, True)],
)
@pytest.mark.parametrize("accuracy", [0.75, 0.85])
def test_more_cases_count_every_part_of_a_decision(relation: Relation, sham: bool, accuracy: float) -> None:
    """Of one part alone and at one end, INVARIANT and EQUIVARIANT held after the promised number in .29 to .56."""
    noise = NoiseModel.from_accuracy(accuracy)
    more = needed(node_of(Design(relation, 40, sham=sham, tests=20), noise), 0.05, 0.05 / 20)
    assert more is not None
    assert 0.78 <= clean_holds(Design(relation, 40 + more, sham=sham, tests=20), noise) <= 0.9


def test_more_cases_for_a_violation_are_counted_at_its_own_level() -> None:
    rng = np.random.default_rng(5)
    seen, alpha = around(0.16, n=40, sd=0.35), 0.05 / 20
    node = Most([Contrast("shift", seen, 0.1, two_sided=True), Contrast("flips", around(0.0, n=40, seed=1), 0.1)])
    more = needed(node, 0.05, alpha)
    assert more is not None
    found_again = 0
    for _ in range(400):
        mean = estimate(np.clip(rng.normal(0.16, seen.sd, 40 + more), -1, 1))
        assert mean is not None
        found_again += Most([Contrast("shift", mean, 0.1, two_sided=True), node.parts[1]]).p < alpha
    assert 0.7 <= found_again / 400 <= 0.95


def test_more_cases_of_groups_are_cases() -> None:
    values = np.repeat(np.clip(np.random.default_rng(6).normal(0.03, 0.35, 40), -1, 1), 5)
    alone, groups = estimate(values[::5]), estimate(values, np.repeat(np.arange(40), 5))
    assert alone is not None
    assert groups is not None
    one, five = (needed(Contrast("c", mean, 0.1), 0.05, 0.05) for mean in (alone, groups))
    assert one is not None
    assert five == pytest.approx(5 * one, abs=5)


def test_more_cases_is_silent_where_no_number_helps() -> None:
    tight = Contrast("c", around(0.0999, n=50, sd=0.5), 0.001)
    more = needed(tight, 0.05, 1e-9)
    assert more is None or more <= 100_000
    assert needed(Contrast("c", around(0.0, n=50, sd=0.5), 0.0), 1e-12, 1e-12) is None


def test_holm_equals_statsmodels() -> None:
    from statsmodels.stats.multitest import multipletests

    rng = np.random.default_rng(7)
    for size in (1, 2, 9, 40):
        p = (rng.random(size) ** 3).tolist()
        p += p[:2]  # equal values
        theirs = multipletests([*p, 1.0, 1.0, 1.0], method="holm")[1][: len(p)]
        assert holm(p, len(p) + 3) == pytest.approx(theirs)
