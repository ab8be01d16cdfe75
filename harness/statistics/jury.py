"""How much of a jury its members are: agreement, shared errors, and the panel its size promises.

Votes help as far as errors are independent. Three jurors that err together decide as one, whatever their names. So for
every pair: Cohen's kappa (agreement beyond chance) and, where labels say who is right, the correlation of their errors
and how often both are wrong against how often they would be by chance. Over all: Krippendorff's alpha, the accuracy of
the majority beside that of the best member and beside what independent members of these accuracies would reach, and the
number of independent jurors that the panel is worth.

Input are ratings, one column a member, NaN null: utilities of one fixed response (pairs), 0/1 (grades), scores.
`ratings_of` reads them from the verdicts of a `jury(...)`. Not here: the coefficients themselves (metric_agreement.py).

Sources: Cohen 1960; Krippendorff 1980; PoLL, Verga et al. 2024 (arXiv:2404.18796); shared errors after Kim et al. 2025
(arXiv:2506.07962); the effective number is Kish's design effect (1965) on the correlation of errors.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from voirdire.harness.judges.wrappers.base import members_of
from voirdire.harness.plan import PlannedCall
from voirdire.harness.statistics.metric_agreement import cohen_kappa, krippendorff_alpha
from voirdire.harness.statistics.metric_types import Array, Metric, numbers, side
from voirdire.harness.verdicts import Verdict

__all__ = ["COPIES", "JuryReport", "Pair", "independent_majority", "jury_report", "ratings_of"]

#: from this correlation of errors on, two members count as copies of each other
COPIES = 0.95
#: items below which nothing is said about pairs
_FEWEST = 10


@dataclass(frozen=True, slots=True)
class Pair:
    """Two members, by number. `both_wrong` is a share of the labelled items that both answered, `expected` what it
    would be if they erred independently; `error_correlation` in [-1, 1]. None where there is nothing to tell from."""

    first: int
    second: int
    n: int
    same: float | None
    kappa: float | None
    both_wrong: float | None = None
    expected: float | None = None
    error_correlation: float | None = None


@dataclass(frozen=True, slots=True)
class JuryReport:
    """`accuracy`: of each member on its labelled items. `majority`: of the vote, `independent`: of the vote of
    independent members with these accuracies. `effective`: how many independent jurors the panel is worth."""

    members: int
    n: int
    alpha: Metric
    pairs: tuple[Pair, ...]
    accuracy: tuple[float | None, ...] = ()
    majority: float | None = None
    independent: float | None = None
    effective: float | None = None

    @property
    def copies(self) -> tuple[tuple[int, int], ...]:
        """Pairs that never differ, or whose errors are all but the same."""
        return tuple(
            (p.first, p.second)
            for p in self.pairs
            if p.same == 1.0 or (p.error_correlation is not None and p.error_correlation >= COPIES)
        )

    def summary(self, names: Sequence[str] | None = None) -> str:
        """One or two plain sentences for a report."""
        called = names or [f"member {i + 1}" for i in range(self.members)]
        if self.copies:
            one, other = self.copies[0]
            text = f"{called[one]} and {called[other]} are copies of each other: a jury of copies is not a jury."
        elif self.alpha.value is None:
            text = "The members gave one and the same verdict throughout: nothing tells them apart."
        else:
            text = f"The members agree beyond chance: Krippendorff's alpha is {self.alpha.value:.2f}."
        if self.effective is not None:
            text += (
                f" By the errors they share, {self.members} members are worth {self.effective:.1f} independent ones."
            )
        return text


def jury_report(
    ratings: Array, truth: Array | None = None, *, level: Literal["nominal", "ordinal", "interval"] = "nominal"
) -> JuryReport:
    """Agreement of the columns of `ratings` (items, members). `truth`: the right rating of each item, 0 or 1, NaN
    unknown; ratings are then read by their side of .5, and a tie is half an error. Nulls are left out pair by pair.

    Raises ValueError for fewer than two members.
    """
    table = numbers(ratings, name="ratings", axes=2)
    if table.shape[1] < 2:
        raise ValueError(f"ratings needs two members (columns) or more, got {table.shape[1]}")
    wrong = None if truth is None else _errors(table, numbers(truth, name="truth", axes=1, low=0.0, high=1.0))
    pairs = tuple(_pair(table, wrong, i, j) for i, j in itertools.combinations(range(table.shape[1]), 2))
    alpha = krippendorff_alpha(table, level=level)
    if wrong is None:
        return JuryReport(table.shape[1], len(table), alpha, pairs)
    accuracy = tuple(_mean(1.0 - column) for column in wrong.T)
    known = [a for a in accuracy if a is not None]
    complete = wrong[~np.isnan(wrong).any(axis=1)]
    return JuryReport(
        members=table.shape[1],
        n=len(table),
        alpha=alpha,
        pairs=pairs,
        accuracy=accuracy,
        # the sign of the mean error is the majority's; even votes are half right
        majority=_mean(0.5 - 0.5 * side(complete.mean(axis=1))) if len(complete) else None,
        independent=independent_majority(known) if len(known) == len(accuracy) else None,
        effective=_effective(pairs, table.shape[1]),
    )


def _errors(table: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """1 wrong, .5 tie, 0 right, NaN unknown."""
    if len(truth) != len(table):
        raise ValueError(f"ratings and truth must hold the same items, got {len(table)} and {len(truth)}")
    says = 0.5 + 0.5 * side(table)
    errors: np.ndarray = np.abs(says - truth[:, None])
    return errors


def _pair(table: np.ndarray, wrong: np.ndarray | None, i: int, j: int) -> Pair:
    both = ~np.isnan(table[:, [i, j]]).any(axis=1)
    a, b = table[both, i], table[both, j]
    if len(a) < _FEWEST:
        return Pair(i, j, len(a), None, None)
    same, kappa = float(np.mean(a == b)), cohen_kappa(a, b).value
    if wrong is None:
        return Pair(i, j, len(a), same, kappa)
    e = wrong[:, [i, j]][~np.isnan(wrong[:, [i, j]]).any(axis=1)]
    if len(e) < _FEWEST:
        return Pair(i, j, len(a), same, kappa)
    rates = e.mean(axis=0)
    return Pair(
        i,
        j,
        len(a),
        same,
        kappa,
        both_wrong=float(np.mean(e[:, 0] * e[:, 1])),
        expected=float(rates[0] * rates[1]),
        error_correlation=_correlation(e[:, 0], e[:, 1]),
    )


def _correlation(a: np.ndarray, b: np.ndarray) -> float | None:
    """Pearson's, which on 0/1 is phi; None where one of the two never or always errs."""
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return None
    return float(np.clip(np.corrcoef(a, b)[0, 1], -1.0, 1.0))


def _effective(pairs: Sequence[Pair], members: int) -> float | None:
    """m / (1 + (m - 1) r), r the mean correlation of errors; negative correlations count as none."""
    known = [p.error_correlation for p in pairs if p.error_correlation is not None]
    if len(known) < len(pairs):
        return None
    r = min(1.0, max(0.0, sum(known) / len(known)))
    return members / (1 + (members - 1) * r)


def _mean(values: np.ndarray) -> float | None:
    known = values[~np.isnan(values)]
    return float(np.mean(known)) if known.size else None


def independent_majority(accuracies: Sequence[float]) -> float:
    """P(the majority is right) for independent members right with these probabilities; even votes count half.

    Example: five of .75 -> .896 (Condorcet).
    """
    right = np.ones(1)
    for p in accuracies:
        right = np.convolve(right, [1.0 - p, p])
    votes = np.arange(len(right))
    weight = np.where(2 * votes > len(accuracies), 1.0, np.where(2 * votes == len(accuracies), 0.5, 0.0))
    return float(right @ weight)


def ratings_of(calls: Sequence[PlannedCall], verdicts: Sequence[Verdict | None]) -> np.ndarray:
    """What the members of a jury said, as (calls, members): of a pair the utility of the *source's* first response, of
    a grade 0 or 1, of a score the score. A member that was asked more than once counts with its mean. NaN for nulls
    and for calls without a verdict of a wrapper; rankings are not read. Raises ValueError where none is a wrapper's."""
    said = [_said(verdict, len(call.case.responses)) for call, verdict in zip(calls, verdicts, strict=True)]
    members = max((max(row, default=-1) + 1 for row in said), default=0)
    if members == 0:
        raise ValueError("these verdicts hold no members: they are not a wrapper's")
    table = np.full((len(calls), members), np.nan)
    for i, row in enumerate(said):
        for member, values in row.items():
            if values:
                table[i, member] = np.mean(values)
    return table


def _said(verdict: Verdict | None, responses: int) -> Mapping[int, list[float]]:
    found: defaultdict[int, list[float]] = defaultdict(list)
    for entry in (members_of(verdict) if verdict is not None else None) or []:
        value = _rating(entry, responses)
        if value is None:
            found[int(entry["member"])] += []  # a member that never gives a verdict is a member
        else:
            found[int(entry["member"])].append(value)
    return found


def _rating(entry: Mapping[str, Any], responses: int) -> float | None:
    value = entry.get("value")
    if value == "tie":
        return 0.5
    if not isinstance(value, (bool, int, float)):
        return None
    if responses == 2:
        slots = entry.get("order") or (0, 1)
        return float(slots[int(value)] == 0)
    return float(value)
