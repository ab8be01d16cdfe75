"""Composite decisions: intersection-union, Bonferroni, Holm against statsmodels' definition, more-cases figures."""

from __future__ import annotations

import numpy as np
import pytest

from voirdire.harness.statistics.decisions import AtLeastDrop, Contrast, Least, Most, holm
from voirdire.harness.statistics.means import Mean, estimate


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


def test_more_cases_would_decide() -> None:
    """The promised number of cases does decide in about 80 % of repetitions, if the truth is what was seen."""
    rng = np.random.default_rng(4)
    seen = around(0.04, n=40, sd=0.35)
    more = Contrast("c", seen, 0.1).more_cases(0.05, 0.05)
    assert more is not None
    n = 40 + more
    held = 0
    for _ in range(400):
        mean = estimate(np.clip(rng.normal(0.04, seen.sd, n), -1, 1))
        assert mean is not None
        held += Contrast("c", mean, 0.1).holds(0.05)
    assert 0.7 <= held / 400 <= 0.95


def test_more_cases_is_silent_where_no_number_helps() -> None:
    tight = Contrast("c", around(0.0999, n=50, sd=0.5), 0.001)
    more = tight.more_cases(0.05, 1e-9)
    assert more is None or more <= 100_000


def test_holm_equals_statsmodels() -> None:
    from statsmodels.stats.multitest import multipletests

    rng = np.random.default_rng(7)
    for size in (1, 2, 9, 40):
        p = (rng.random(size) ** 3).tolist()
        p += p[:2]  # equal values
        theirs = multipletests([*p, 1.0, 1.0, 1.0], method="holm")[1][: len(p)]
        assert holm(p, len(p) + 3) == pytest.approx(theirs)
