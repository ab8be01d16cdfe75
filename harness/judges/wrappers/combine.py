"""Several verdicts about one case made into one. All are about the case in the same order.

The rule for nulls is the same everywhere: a combination needs verdicts from **more than half** of those asked. With
fewer it is a null itself, of the kind most members gave ("unparsed" where they are equal), and its reason counts them.
The rest is combined from the verdicts there are. Errors never come here: they fail the call (calls.py).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Literal

from voirdire.harness.cases import Task
from voirdire.harness.verdicts import NullReason, Scale, Verdict

__all__ = ["average", "entropy", "highest", "null_of", "outcome_shares", "vote"]

#: sums of probabilities that differ by less are equal: an average over orders must come out a tie, not a rounding
_EQUAL = 1e-9


def null_of(verdicts: Sequence[Verdict]) -> Verdict | None:
    """The null that `verdicts` come to, or None where more than half of them are verdicts."""
    nulls = Counter(v.null for v in verdicts if v.null is not None)
    n = sum(nulls.values())
    if 2 * n < len(verdicts):
        return None
    kind: NullReason = "refused" if nulls["refused"] > nulls["unparsed"] else "unparsed"
    first = next((v.reason for v in verdicts if v.null is not None and v.reason), None)
    reason = f"{n} of {len(verdicts)} members gave no verdict"
    return Verdict(null=kind, reason=f"{reason} ({first})" if first else reason)


def _one_hot(verdict: Verdict) -> dict[str, float]:
    return {str(verdict.choice): 1.0}


def _odds(verdict: Verdict) -> dict[str, float]:
    """Probabilities where the judge gives them, else all on its verdict."""
    return dict(verdict.probabilities) if verdict.probabilities is not None else _one_hot(verdict)


def outcome_shares(verdicts: Sequence[Verdict]) -> dict[str, float]:
    """Pairwise: the mean probability of "0", "1" and "tie"."""
    shares = {"0": 0.0, "1": 0.0, "tie": 0.0}
    for verdict in verdicts:
        for outcome, p in _odds(verdict).items():
            shares[outcome] = shares.get(outcome, 0.0) + p / len(verdicts)
    return shares


def entropy(verdicts: Sequence[Verdict]) -> float:
    """Of the mean distribution over win, tie and loss, in bits: 0 (all agree) to log2(3). FairEval's BPDE.

    Source: Wang et al. 2023, arXiv:2305.17926.
    """
    return -sum(p * math.log2(p) for p in outcome_shares(verdicts).values() if p > 0) + 0.0


def _leader(first: float, second: float) -> int | Literal["tie"]:
    return "tie" if abs(first - second) < _EQUAL else int(second > first)


def average(verdicts: Sequence[Verdict], *, task: Task, scales: Sequence[Scale]) -> Verdict:
    """The mean: of the probabilities of each outcome (pairwise, grade), of the places on the scale (score; `scales`
    are those of the verdicts, the first is that of the result), of the ranks (ranking, Borda; equal ones in the order
    of the first verdict). A pair is a tie only where the mean is exactly even. Where every verdict is a pair of
    numbers without probabilities, the mean margin decides.
    """
    null = null_of(verdicts)
    if null is not None:
        return null
    known = [(v, s) for v, s in zip(verdicts, scales, strict=True) if v.null is None]
    given = [v for v, _ in known]
    if task == "pairwise":
        return _mean_pair(given)
    if task == "grade":
        passed = sum((v.probabilities or {}).get("true", float(bool(v.grade))) for v in given) / len(given)
        return Verdict(grade=passed > 0.5, probabilities={"true": passed, "false": 1.0 - passed})
    if task == "score":
        share = sum(s.fraction(v.score) for v, s in known if v.score is not None) / len(known)
        return Verdict(score=_on(scales[0], share))
    return _borda(given)


def _mean_pair(given: Sequence[Verdict]) -> Verdict:
    shares = outcome_shares(given)
    margins = [v.margin for v in given if v.margin is not None and v.probabilities is None]
    if len(margins) == len(given):
        margin = math.fsum(margins) / len(margins)
        return Verdict(choice=_leader(margin, 0.0), margin=margin, probabilities=shares)
    return Verdict(choice=_leader(shares["0"], shares["1"]), probabilities=shares)


def _on(scale: Scale, share: float) -> float:
    # rounding may leave the scale by an ulp
    return min(scale.high, max(scale.low, scale.low + share * (scale.high - scale.low)))


def _borda(given: Sequence[Verdict]) -> Verdict:
    rankings = [v.ranking for v in given if v.ranking is not None]
    place = {slot: sum(r.index(slot) for r in rankings) for slot in rankings[0]}
    return Verdict(ranking=tuple(sorted(rankings[0], key=lambda slot: place[slot])))


def vote(verdicts: Sequence[Verdict], *, task: Task) -> Verdict:
    """One vote each, whatever the probabilities. Pairwise: the response with more votes; equal ones, or more votes for
    a tie than for either, are a tie. Grade: it passes with more than half. Ranking: the commonest order, by Borda among
    equal ones. Scores have no votes: ValueError.
    """
    null = null_of(verdicts)
    if null is not None:
        return null
    given = [v for v in verdicts if v.null is None]
    if task == "pairwise":
        counts = Counter(str(v.choice) for v in given)
        shares = {outcome: counts[outcome] / len(given) for outcome in ("0", "1", "tie")}
        leader = _leader(counts["0"], counts["1"])
        choice = "tie" if counts["tie"] > max(counts["0"], counts["1"]) else leader
        return Verdict(choice=choice, probabilities=shares)
    if task == "grade":
        passed = Fraction(sum(v.grade is True for v in given), len(given))
        return Verdict(grade=passed > Fraction(1, 2), probabilities={"true": float(passed), "false": float(1 - passed)})
    if task == "ranking":
        orders = Counter(v.ranking for v in given)
        most = max(orders.values())
        return _borda([v for v in given if orders[v.ranking] == most])
    raise ValueError("scores cannot be voted on")


def highest(verdicts: Sequence[Verdict], *, task: Task, scales: Sequence[Scale]) -> Verdict:
    """Score: the highest place on a scale. Grade: it passes if one member passes it. Pairwise: the verdict of the
    members that are surest (the largest gap of probabilities; a verdict without probabilities is sure), averaged.
    Rankings have no maximum: ValueError.
    """
    null = null_of(verdicts)
    if null is not None:
        return null
    known = [(v, s) for v, s in zip(verdicts, scales, strict=True) if v.null is None]
    if task == "score":
        return Verdict(score=_on(scales[0], max(s.fraction(v.score) for v, s in known if v.score is not None)))
    if task == "grade":
        return Verdict(grade=any(v.grade for v, _ in known))
    if task == "pairwise":
        gap: Callable[[Verdict], float] = lambda v: abs(_odds(v).get("0", 0.0) - _odds(v).get("1", 0.0))  # noqa: E731
        widest = max(gap(v) for v, _ in known)
        return _mean_pair([v for v, _ in known if gap(v) >= widest - _EQUAL])
    raise ValueError("rankings have no maximum")
