"""A jury of copies is told from a jury: kappa, alpha, shared errors, and the number of jurors it is worth."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest
from wrapping import pairs

from voirdire.harness.cases import shown_hash
from voirdire.harness.judges.spec import make_judge
from voirdire.harness.judges.wrappers.calls import turned
from voirdire.harness.plan import PlannedCall
from voirdire.harness.statistics.jury import independent_majority, jury_report, ratings_of
from voirdire.harness.statistics.metric_agreement import cohen_kappa, krippendorff_alpha
from voirdire.harness.verdicts import Verdict


def correlated(n: int, members: int, accuracy: float, shared: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Ratings and truth: with probability `shared` an item's errors are one draw for all, else one each. The errors of
    two members then correlate by exactly `shared`."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 2, n).astype(float)
    own = rng.random((n, members)) >= accuracy
    common = np.repeat(rng.random((n, 1)) >= accuracy, members, axis=1)
    wrong = np.where(rng.random((n, 1)) < shared, common, own)
    return np.abs(truth[:, None] - wrong), truth


@pytest.mark.parametrize("shared", [0.0, 0.5, 1.0])
def test_shared_errors_and_what_the_panel_is_worth(shared: float) -> None:
    ratings, truth = correlated(6_000, 5, 0.75, shared, seed=3)
    report = jury_report(ratings, truth)
    found = [p.error_correlation for p in report.pairs]
    assert found == pytest.approx([shared] * 10, abs=0.04)
    assert report.effective == pytest.approx(5 / (1 + 4 * shared), abs=0.35)
    assert report.accuracy == pytest.approx((0.75,) * 5, abs=0.02)
    assert report.independent == pytest.approx(0.896, abs=0.015)
    # what the vote really reaches lies between one juror's accuracy and Condorcet's
    assert report.majority == pytest.approx((1 - shared) * 0.8965 + shared * 0.75, abs=0.015)
    assert bool(report.copies) == (shared == 1.0)
    assert ("a jury of copies is not a jury" in report.summary()) == (shared == 1.0)
    for pair in report.pairs:
        assert pair.expected == pytest.approx(0.0625, abs=0.01)
        assert pair.both_wrong == pytest.approx(0.0625 + shared * 0.1875, abs=0.02)


def test_kappa_and_alpha_are_those_of_metric_agreement() -> None:
    ratings, _ = correlated(400, 3, 0.8, 0.3, seed=1)
    ratings[5, 1] = np.nan
    report = jury_report(ratings)
    both = ~np.isnan(ratings[:, [0, 1]]).any(axis=1)
    assert report.pairs[0].kappa == cohen_kappa(ratings[both, 0], ratings[both, 1]).value
    assert report.pairs[0].n == 399
    assert report.alpha == krippendorff_alpha(ratings)
    assert report.effective is None
    assert report.pairs[0].error_correlation is None


def test_independent_majority() -> None:
    assert independent_majority([0.75] * 5) == pytest.approx(0.896484375)
    assert independent_majority([0.6]) == pytest.approx(0.6)
    # two: right together .56, even .38 of which half
    assert independent_majority([0.8, 0.7]) == pytest.approx(0.56 + 0.19)


def test_members_that_never_err_tell_nothing_about_shared_errors() -> None:
    truth = np.arange(40) % 2.0
    report = jury_report(np.stack([truth, truth], axis=1), truth)
    assert report.pairs[0].error_correlation is None
    assert report.effective is None
    assert report.copies == ((0, 1),)


def test_bad_input_is_named() -> None:
    with pytest.raises(ValueError, match="two members"):
        jury_report([[1.0], [0.0]])
    with pytest.raises(ValueError, match="same items"):
        jury_report([[1.0, 0.0]], [1.0, 0.0])


def test_ratings_are_read_from_the_verdicts_of_a_jury() -> None:
    """About the source's first response, whichever slot it stood in; a null is a null."""
    spec = "jury(mock:oracle, mock:constant, mock:random?null=1; rule=vote)"
    judge = make_judge(spec)
    shown = [c for case in pairs(6) for c in (turned(case, (0, 1)), turned(case, (1, 0)))]
    calls = [PlannedCall(case, 0, shown_hash(case)) for case in shown]

    async def ask() -> list[Verdict]:
        return [await judge.judge(case, sample=0) for case in shown]

    table = ratings_of(calls, asyncio.run(ask()))
    assert table.shape == (12, 3)
    assert np.isnan(table[:, 2]).all()
    assert table[:, 0].tolist() == [1, 1, 0, 0] * 3
    assert table[:, 1].tolist() == [1, 0] * 6
    with pytest.raises(ValueError, match="not a wrapper's"):
        ratings_of(calls[:1], [Verdict(choice=0)])
