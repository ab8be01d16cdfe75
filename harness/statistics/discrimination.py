"""Does the judge tell good answers from bad, and how noisy is it? Measured on unchanged cases.

pairwise  accuracy: mean utility of the labelled response (its win rate), ties labelled "tie" left out
grade     balanced accuracy: mean of the shares right among true and among false cases, where both exist
score     concordance: of two cases with different labels, how often the better one scores higher (tie .5)
ranking   pair agreement: share of pairs of responses put in the labelled order
All have chance level .5 and the same floor. How cases make one mean with its error is in accuracy.py.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from voirdire.harness.findings import Discrimination, Noise
from voirdire.harness.plan import Plan
from voirdire.harness.statistics.accuracy import BALANCED, CONCORDANCE, UNEVEN, labels_of, pseudo_values
from voirdire.harness.statistics.arms import Answers, changes, mean_of, means, repeats
from voirdire.harness.statistics.estimands import Estimator
from voirdire.harness.statistics.means import Mean, estimate

__all__ = ["accuracy_values", "discrimination", "noise", "slot_lock"]

#: a probability from which on a slot counts as chosen: beyond it a model's answer moves too little to be seen
SURE = 0.95


def discrimination(
    plan: Plan, answers: Answers, *, alpha: float, soft: Answers | None = None, estimator: Estimator = estimate
) -> Discrimination:
    """Accuracy with its 1 - 2 alpha interval against the suite's floor.

    `soft`: the same answers read as probabilities, for the swap-averaged verdict.
    """
    measure, values = accuracy_values(plan, answers)
    pseudo = pseudo_values(measure, values, labels_of(plan.cases) if measure in UNEVEN else None)
    mean = estimator(pseudo.values, plan.groups, lo=pseudo.lo, hi=pseudo.hi)
    floor = plan.suite.accuracy_floor
    if mean is None:
        return Discrimination(floor=floor, measure=measure)
    # pseudo-values may leave [0, 1], and so may the ends of their interval
    low, high = max(0.0, mean.lower(alpha)), min(1.0, mean.upper(alpha))
    averaged = _swap_averaged(plan, soft or answers)
    gain = None if averaged is None else estimator(averaged - values, plan.groups)
    return Discrimination(
        accuracy=mean.mean,
        low=low,
        high=high,
        n=mean.count,
        floor=floor,
        decision="holds" if low >= floor else "violated" if high < floor else "inconclusive",
        measure=measure,
        swap_averaged=None if averaged is None else float(np.nanmean(averaged)),
        swap_gain=None if gain is None else gain.mean,
        swap_gain_low=None if gain is None else gain.lower(alpha),
        swap_gain_high=None if gain is None else gain.upper(alpha),
    )


def accuracy_values(plan: Plan, answers: Answers) -> tuple[str, np.ndarray]:
    """(name of the measure, share right per case, in [0, 1]; NaN where the case has no usable label or no answer).

    Their plain mean is the accuracy but for the measures of accuracy.py.
    """
    labels = [c.label for c in plan.cases]
    arm = answers.of_arm(plan.sources)
    if plan.task == "pairwise":
        sign = np.asarray([{0: 1.0, 1: -1.0}.get(x, np.nan) if isinstance(x, int) else np.nan for x in labels])
        return "accuracy", 0.5 + sign * (means(arm) - 0.5)
    if plan.task == "grade":
        truth = np.asarray([float(x) if isinstance(x, bool) else np.nan for x in labels])
        right = np.where(truth == 1, means(arm), np.where(truth == 0, 1 - means(arm), np.nan))
        both = {0.0, 1.0} <= set(truth[~np.isnan(right)].tolist())
        return BALANCED if both else "accuracy", right
    if plan.task == "score":
        return CONCORDANCE, _concordance(labels, means(arm))
    return "pair agreement", _pair_agreement(plan, answers)


def _concordance(labels: Sequence[object], scores: np.ndarray) -> np.ndarray:
    """Per case: share of the differently labelled other cases on the right side of it (equal scores: half)."""
    truth = np.asarray([float(x) if isinstance(x, (int, float)) else np.nan for x in labels])
    values = np.full(truth.size, np.nan)
    known = np.flatnonzero(~np.isnan(truth) & ~np.isnan(scores))
    t, s = truth[known], scores[known]
    right = _under(t, s) + _under(-t, -s)
    comparable = t.size - np.unique(t, return_counts=True)[1][np.unique(t, return_inverse=True)[1]]
    some = comparable > 0
    values[known[some]] = right[some] / comparable[some]
    return values


def _under(t: np.ndarray, s: np.ndarray) -> np.ndarray:
    """For each i the number of j with t[j] < t[i] and s[j] < s[i], those with s[j] = s[i] counting half.

    By merging sorted runs of doubling length, all runs of a length at once: n log(n)^2, where a table of all pairs
    would fill memory.
    """
    order = np.lexsort((s, t))
    # ranks with ties; places in the order of t
    rank = np.unique(s[order], return_inverse=True)[1]
    first = np.searchsorted(t[order], t[order], side="left")  # where its equals in t begin
    place = np.arange(t.size)
    found = np.zeros(t.size)
    length = 1
    while length < t.size:
        run = place // length
        # each odd run counts what is smaller in the run before it
        pair, later = run // 2, run % 2 == 1
        for first_later in (True, False):
            # once with those of the later run before their equals in score, once behind: the mean counts equals half
            by = np.lexsort((later != first_later, rank, pair))
            earlier = np.cumsum(~later[by])
            begin = np.searchsorted(pair[by], pair[by], side="left")
            before = earlier - np.where(begin > 0, earlier[begin - 1], 0)
            found[by] += np.where(later[by], before / 2, 0.0)
        length *= 2
    # those with the same t, which stand before it in the order, are none of them
    same = _below_in(rank, first, place)
    result = np.empty(t.size)
    result[order] = found - same
    return result


def _below_in(rank: np.ndarray, first: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Of the equals in t before each place, sorted by rank: those below it, and half of those level with it."""
    key = first * (rank.max(initial=0) + 1) + rank  # sorted, as the order is by t and then by s
    begin = np.searchsorted(key, key, side="left")
    result: np.ndarray = (begin - first) + (place - begin) / 2
    return result


def _pair_agreement(plan: Plan, answers: Answers) -> np.ndarray:
    """Per case: share of pairs of responses in the labelled order, over all orders and samples; where the label is an
    index, of the pairs of the best response with each other one."""
    values = np.full(len(plan.cases), np.nan)
    for i, case in enumerate(plan.cases):
        n = len(case.responses)
        if isinstance(case.label, tuple):
            ranking, ordered = list(case.label), n
        elif isinstance(case.label, int):
            ranking, ordered = [case.label, *(k for k in range(n) if k != case.label)], 1
        else:
            continue
        shares = []
        for order, row in enumerate(plan.sources.calls[i]):
            # slot of response r: identity in the first order, reversed in the second
            slot = [r if order == 0 else n - 1 - r for r in range(n)]
            table = answers.utility[row][:, slot]
            ranked = table[:, ranking]
            pairs = [ranked[:, a] > ranked[:, b] for a in range(ordered) for b in range(a + 1, n)]
            shares.append(np.where(np.isnan(table[:, 0]), np.nan, np.mean(pairs, axis=0)))
        known = np.concatenate(shares)
        if not np.isnan(known).all():
            values[i] = np.nanmean(known)
    return values


def _swap_averaged(plan: Plan, answers: Answers) -> np.ndarray | None:
    """Per case: is the verdict averaged over both orders right (a tie counts half)? None unless pairwise, labelled."""
    if plan.task != "pairwise":
        return None
    _, values = accuracy_values(plan, answers)
    right: np.ndarray = 0.5 + 0.5 * np.sign(np.round(values - 0.5, 12))
    return None if np.isnan(right).all() else right


def noise(plan: Plan, answers: Answers, *, alpha: float) -> Noise:
    """Flips between repeats of unchanged cases, and under the neutral edit; of rankings the mean over all responses."""
    responses = 1 + int(plan.sources.slots.max(initial=0)) if plan.task == "ranking" else 1
    have = plan.neutral_cases >= 0
    again: list[np.ndarray] = []
    edited: list[np.ndarray] = []
    for number in range(responses):
        source = answers.of_response(plan.sources, number)
        again.append(repeats(source))
        if plan.neutrals is not None:
            neutral = answers.of_response(plan.neutrals, number)
            edited.append(changes(source[have], neutral[plan.neutral_cases[have]]))
    flips = mean_of(again)
    mean: Mean | None = estimate(flips, plan.groups, lo=0.0, hi=1.0)
    if mean is None:
        return Noise()
    gap = mean_of(edited) if edited else np.empty(0)
    gap = gap[~np.isnan(gap)]
    return Noise(
        retest_flip_rate=mean.mean,
        low=mean.lower(alpha),
        high=mean.upper(alpha),
        n=mean.count,
        neutral_flip_rate=float(gap.mean()) if gap.size else None,
        deterministic=bool(np.nansum(flips) == 0),
    )


def slot_lock(plan: Plan, answers: Answers) -> float | None:
    """Share of cases in which the first samples of both orders choose the same slot (pairwise; None elsewhere).

    Of utilities that are probabilities only those near 0 and 1 choose: in between, edits can show.
    """
    if plan.task != "pairwise":
        return None
    first = answers.utility[plan.sources.calls[:, :, 0], 0]
    known = ~np.isnan(first).any(axis=1)
    if not known.any():
        return None
    chosen = first[known]
    sides = np.where(np.abs(chosen - 0.5) >= SURE - 0.5, np.sign(chosen - 0.5), 0.0)
    return float(np.mean((sides[:, 0] != 0) & (sides[:, 0] == sides[:, 1])))
