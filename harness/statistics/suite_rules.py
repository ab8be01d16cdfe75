"""Which calls go into which of the papers' metrics, when a suite asks for it by name.

A rule says for which judges and relations a metric is and computes it from a `View`. Rules without relations take the
unchanged cases. Not here: formulas (metric_*.py), pooling (suite_view.py), intervals (suite_metrics.py).
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from voirdire.harness.cases import Task
from voirdire.harness.probes import Probe
from voirdire.harness.relations import Relation
from voirdire.harness.statistics import (
    metric_accuracy,
    metric_agreement,
    metric_attack,
    metric_position,
    metric_preference,
    metric_robustness,
    metric_scores,
)
from voirdire.harness.statistics import metric_chance as chance
from voirdire.harness.statistics.arms import means
from voirdire.harness.statistics.metric_types import Metric, mean_metric
from voirdire.harness.statistics.metrics import undetected
from voirdire.harness.statistics.suite_view import View

__all__ = ["RULES", "Rule", "similarity"]

Compute = Callable[[View], "Metric | tuple[Metric, ...]"]

_INVARIANT, _NO_GAIN, _MUST_DROP = Relation.INVARIANT, Relation.NO_GAIN, Relation.MUST_DROP
_STEADY = (_INVARIANT, _NO_GAIN)


@dataclass(frozen=True, slots=True)
class Rule:
    """`relations` empty: a metric of the judge on unchanged cases. `setups`: only probes of the judge's prompt.
    `twins`: only probes that show an answer beside itself; without it never those. `only`: how their names begin."""

    compute: Compute
    tasks: tuple[Task, ...]
    relations: tuple[Relation, ...] = ()
    setups: bool = False
    twins: bool = False
    only: tuple[str, ...] = ("",)

    def takes(self, probe: Probe) -> bool:
        """Is `probe` of the kind that this metric is about?"""
        fits = (probe.setup is not None or not self.setups) and self.twins == (probe.opponent == "twin")
        return probe.relation in self.relations and fits and probe.name.startswith(self.only)


def _orders(view: View) -> np.ndarray:
    return view.source[:, :, 0]


def _right(view: View, arm: np.ndarray) -> np.ndarray:
    """Utilities in the frame of the right answer, items with a label only."""
    sign = view.truth.reshape(-1, *[1] * (arm.ndim - 1))
    framed: np.ndarray = (0.5 + sign * (arm - 0.5))[~np.isnan(view.truth)]
    return framed


def _before(view: View) -> np.ndarray:
    return means(view.source[:, :, :1])


def _after(view: View) -> np.ndarray:
    return means(view.follow[:, :, :1])


def _points(view: View, utilities: np.ndarray) -> np.ndarray:
    result: np.ndarray = view.scale.low + utilities * (view.scale.high - view.scale.low)
    return result


# -- the judge on unchanged cases --------------------------------------------------------------------------------


def _truth_metric(metric: Callable[..., Metric]) -> Compute:
    return lambda v: metric(_right(v, _orders(v)), tie=v.tie)


def _order_metric(metric: Callable[..., Metric]) -> Compute:
    return lambda v: metric(_orders(v), tie=v.tie)


def _kappa(view: View) -> Metric:
    """Verdicts of both orders together against the labels, ties of either counted as the third answer."""
    if view.task == "grade":
        return metric_agreement.cohen_kappa(view.source[:, 0, 0], (view.label + 1) / 2)
    return metric_agreement.cohen_kappa(np.sign(np.round(_before(view) - 0.5, 9)), view.label)


def _yes(view: View) -> float:
    grades = view.source[:, 0, 0]
    return float(np.nanmean(grades)) if not np.isnan(grades).all() else 0.5


def _grades(metric: Callable[..., Metric], *, yes: bool = False) -> Compute:
    def compute(view: View) -> Metric:
        more = {"yes": _yes(view)} if yes else {}
        return metric(view.source[:, 0, 0], (view.truth + 1) / 2, **more)

    return compute


def _verbosity_bias(view: View) -> Metric:
    """In the frame of the longer response; pairs of one length say nothing."""
    longer = np.sign(view.lengths[:, 0] - view.lengths[:, 1])
    keep = longer != 0
    verdict, people = (0.5 + longer * (a - 0.5) for a in (_before(view), (view.label + 1) / 2))
    return metric_preference.verbosity_bias(verdict[keep], people[keep])


def _alpha(view: View) -> Metric:
    """Of the repeats of one call."""
    return metric_agreement.krippendorff_alpha(view.source[:, 0])


# -- probes ------------------------------------------------------------------------------------------------------


def _rr(view: View) -> Metric:
    return metric_robustness.rr(view.source[:, 0, 0], view.follow[:, 0, 0], tie=view.tie)


def _cr(view: View) -> Metric:
    return metric_robustness.cr(view.source[:, 0, 0], view.source[:, 0, 1], tie=view.tie)


def _drop(view: View) -> Metric:
    """Over both orders and all samples."""
    before, after = _right(view, means(view.source)), _right(view, means(view.follow))
    drop = before - after
    return mean_metric("accuracy_drop", drop[~np.isnan(drop)], chance=0.0, source="voirdire", low=-1.0)


def _ranking_drop(view: View) -> Metric:
    """Every call is one pair of verdicts, so that an order is no tie of two."""
    before, after = _right(view, view.source[:, :, :1]), _right(view, view.follow[:, :, :1])
    drop = metric_accuracy.ranking_accuracy_drop(before.reshape(-1), after.reshape(-1))
    orders = before.shape[1] if before.size else 1
    return Metric(drop.name, drop.value, drop.n // orders, drop.chance, drop.low, drop.high, drop.source, drop.left_out)


@functools.lru_cache(maxsize=100_000)
def similarity(before: str, after: str) -> float:
    """Dice's share of common character trigrams, in [0, 1]: the stand-in for a model's semantic similarity."""
    a, b = (Counter(text[i : i + 3] for i in range(max(1, len(text) - 2))) for text in (before, after))
    return 2 * (a & b).total() / max(1, a.total() + b.total())


def _efm(view: View) -> Metric:
    """M-ASR over both orders: the share of calls whose verdict changed (MUST_DROP: of damage that was not punished)."""
    quality = np.asarray([similarity(str(a), str(b)) for a, b in view.texts], dtype=float)
    changed = np.abs(np.sign(view.source[:, :, 0] - 0.5) - np.sign(view.follow[:, :, 0] - 0.5))
    failed = np.where(np.isnan(changed), np.nan, changed != 0).mean(axis=1)
    return metric_robustness.efm(failed, quality, tie=view.tie)


def _prompt_sensitivity(view: View) -> tuple[Metric, ...]:
    """Accuracy under the judge's own wording and under each setup, on the labelled cases answered under all of them.

    What of Sat is noise is in the findings (wording.py).
    """
    known = view.only(~np.isnan(view.truth))
    cases, rows = np.unique(known.case, return_inverse=True)
    setups, columns = np.unique(known.probe, return_inverse=True)
    table = np.full((len(cases), 1 + len(setups)), np.nan)
    # as many samples of the prompt as it is as of the others, so that none is the less noisy one
    table[rows, 0] = _right(known, means(known.source[:, :, : known.follow.shape[2]]))
    table[rows, 1 + columns] = _right(known, means(known.follow))
    table = table[~np.isnan(table).any(axis=1)]
    return metric_robustness.prompt_sensitivity(table.mean(axis=0) if len(table) else np.empty(0))


def _rating_ranking(view: View) -> Metric:
    """The comparison as it is against that of the marks, in the first order: of the marks only the greater is known."""
    marks = view.follow[:, 0, 0]
    return metric_accuracy.rating_ranking_consistency(marks, 1 - marks, view.source[:, 0, 0], tie=view.tie)


def _undetected(view: View) -> Metric:
    if view.task == "pairwise":
        # the utility of the damaged text, turned into that of the original beside it
        return metric_accuracy.undetected_drop_rate_pairwise(1 - _after(view), tie=chance.same(view.tie))
    return undetected(view.source[:, :, :1], view.follow[:, :, :1])


def _chen_v2(view: View) -> Metric:
    """The damaged answer stands beside its original, so the control pair is twice one text: a tie, always eligible."""
    after = _after(view)
    return metric_attack.asr_chen_v2(np.full_like(after, 0.5), after, tie=chance.same(view.tie))


def _robustjudge(view: View) -> Metric:
    """With an even number of samples the last is left out."""
    votes = view.follow.shape[2]
    return metric_attack.asr_robustjudge(view.follow[:, :, : votes - 1 + votes % 2], tie=view.tie)


def _fpr(view: View) -> tuple[Metric, Metric]:
    """Share of empty answers that pass; of a pair: that win, orders apart."""
    cases, rows = np.unique(view.case, return_inverse=True)
    keys, columns = np.unique(view.probe, return_inverse=True)
    orders = view.follow.shape[1]
    table = np.full((len(cases) * orders, len(keys)), np.nan)
    for order in range(orders):
        table[rows * orders + order, columns] = view.follow[:, order, 0]
    yes = _yes(view) if view.task == "grade" else chance.win(view.tie)
    return metric_attack.fpr(table, yes=yes)


def _average_score(view: View) -> Metric:
    low, high = view.scale.low, view.scale.high
    return metric_scores.average_score(_points(view, means(view.follow))[:, None], low=low, high=high)


def _average_rank(view: View) -> Metric:
    """Score: the attacked answer against the clean scores of the other answers of its group (its context).

    Pairs have no rank beyond winning or losing.
    """
    contexts, row = np.unique(view.groups, return_inverse=True)
    order = np.lexsort((view.case, row))
    place = np.zeros(len(row), dtype=np.int64)
    # the system of an answer is its place among the cases of its context
    for context in range(len(contexts)):
        members = order[row[order] == context]
        place[members] = np.unique(view.case[members], return_inverse=True)[1]
    systems = int(place.max()) + 1 if place.size else 0
    if systems < 2:
        return Metric("average_rank", None, 0, None, 1.0, 1.0, metric_scores.RAINA)
    tables: list[tuple[np.ndarray, np.ndarray]] = []
    for probe in np.unique(view.probe):
        here = view.probe == probe
        clean = np.full((len(contexts), systems), np.nan)
        attacked = np.full_like(clean, np.nan)
        clean[row, place] = means(view.source)  # the clean score is the same whichever probe edits the answer
        attacked[row[here], place[here]] = means(view.follow[here])
        tables.append((attacked, clean))
    return metric_scores.average_rank(*(np.concatenate(t) for t in zip(*tables, strict=True)))


_GRID = ("plain", "long", "rich")


def _rm_bench(view: View) -> tuple[Metric, ...]:
    """The probes of the style grid and, as its first cell, the unchanged pair; verdicts averaged over both orders."""
    known = view.only(view.label == 1)
    cases, rows = np.unique(known.case, return_inverse=True)
    matrix = np.full((len(cases), 3, 3), np.nan)
    matrix[rows, 0, 0] = _before(known)
    after = _after(known)
    for number, name in enumerate(view.names):
        mine, others = name.rsplit("-", 2)[1:]
        here = known.probe == number
        matrix[rows[here], _GRID.index(mine), _GRID.index(others)] = after[here]
    return metric_accuracy.rm_bench(matrix, tie=chance.same(view.tie))


def _sdr(view: View) -> Metric:
    """The content score is the judge's own on the unchanged answer."""
    return metric_scores.sdr(means(view.follow), means(view.source), top=1.0)


def _isdr(view: View) -> Metric:
    """The benign run is the repeat of the unchanged answer, its content score the first call."""
    content = means(view.source[:, :, :1])
    return metric_scores.isdr(means(view.follow), content, means(view.source[:, :, 1:]), content, top=1.0)


def _error_rate_ra(view: View) -> Metric:
    """The judge's scores, as points, of the answer alone and with the history of its refinement."""
    return metric_robustness.error_rate_ra(_points(view, means(view.source)), _points(view, means(view.follow)))


def _score_shift(view: View) -> Metric:
    width = view.scale.high - view.scale.low
    shift = (means(view.follow) - means(view.source)) * width
    return mean_metric("score_shift", shift[~np.isnan(shift)], chance=0.0, source="voirdire", low=-width, high=width)


def _lc_win_rate(view: View) -> Metric:
    return metric_preference.lc_win_rate(means(view.follow), view.lengths[:, 0], view.lengths[:, 1])


_PAIR: tuple[Task, ...] = ("pairwise",)
_GRADE: tuple[Task, ...] = ("grade",)
_SCORE: tuple[Task, ...] = ("score",)
_CHOICE: tuple[Task, ...] = ("pairwise", "grade")
#: MUST_DROP probes that put another answer in place of the good one, and those that damage it
_ATTACKS = ("injection.", "phrases.", "null_answers.", "authority.", "social.", "tone.", "verbosity.", "format.")
_DAMAGE = ("degradation.", "typos.", "lexical.", "setup.")

#: by the metric's name in the catalogue
RULES: dict[str, Rule] = {
    "position_consistency": Rule(_order_metric(metric_position.position_consistency), _PAIR),
    "agr": Rule(_order_metric(metric_position.agr), _PAIR),
    "conflict_rate": Rule(_order_metric(metric_position.conflict_rate), _PAIR),
    "biased_to_first": Rule(_order_metric(metric_position.biased_to_first), _PAIR),
    "biased_to_second": Rule(_order_metric(metric_position.biased_to_second), _PAIR),
    "delta_bias": Rule(_order_metric(metric_position.delta_bias), _PAIR),
    "total_bias": Rule(_order_metric(metric_position.total_bias), _PAIR),
    "preference_fairness": Rule(lambda v: metric_position.preference_fairness(_orders(v)), _PAIR),
    "repetition_stability": Rule(lambda v: metric_position.repetition_stability(v.source[:, 0], tie=v.tie), _CHOICE),
    "bpde": Rule(lambda v: metric_position.bpde(v.source, tie=v.tie), _PAIR),
    "acc": Rule(_truth_metric(metric_accuracy.acc), _PAIR),
    "correct_both": Rule(_truth_metric(metric_accuracy.correct_both), _PAIR),
    "two_game_accuracy": Rule(_truth_metric(metric_accuracy.two_game_accuracy), _PAIR),
    "cohen_kappa": Rule(_kappa, _CHOICE),
    "scott_pi": Rule(_grades(metric_agreement.scott_pi), _GRADE),
    "p_c": Rule(_grades(metric_accuracy.p_c), _GRADE),
    "p_plus": Rule(_grades(metric_accuracy.p_plus, yes=True), _GRADE),
    "leniency": Rule(_grades(metric_accuracy.leniency, yes=True), _GRADE),
    "krippendorff_alpha_nominal": Rule(_alpha, _CHOICE),
    "krippendorff_alpha_ordinal": Rule(
        lambda v: metric_agreement.krippendorff_alpha(v.source[:, 0], level="ordinal"), _SCORE
    ),
    "verbosity_bias": Rule(_verbosity_bias, _PAIR),
    "proba_prefer_1": Rule(lambda v: metric_preference.proba_prefer_1(v.first[:, :, 0].reshape(-1)), _PAIR),
    "proba_prefer_longer": Rule(
        lambda v: metric_preference.proba_prefer_longer(_before(v), v.lengths[:, 0], v.lengths[:, 1]), _PAIR
    ),
    "proba_prefer_lists": Rule(
        lambda v: metric_preference.proba_prefer_lists(_before(v), v.lists[:, 0], v.lists[:, 1]), _PAIR
    ),
    "cr": Rule(_cr, _CHOICE),
    "rr": Rule(_rr, _CHOICE, _STEADY),
    "acc_ori": Rule(lambda v: metric_accuracy.acc_ori(_right(v, v.source[:, 0, 0]), tie=v.tie), _CHOICE),
    "acc_hack": Rule(lambda v: metric_accuracy.acc_hack(_right(v, v.follow[:, 0, 0]), tie=v.tie), _CHOICE, _STEADY),
    "accuracy_drop": Rule(_drop, _CHOICE, _STEADY),
    "ranking_accuracy_drop": Rule(_ranking_drop, _PAIR, _STEADY),
    "efm": Rule(_efm, _CHOICE, _STEADY),
    **{name: Rule(_prompt_sensitivity, _CHOICE, (_INVARIANT,), setups=True) for name in ("maxp", "avgp", "sat", "cps")},
    "rating_ranking_consistency": Rule(
        _rating_ranking, _PAIR, (_INVARIANT, Relation.AGREE), setups=True, only=("setup.two-scores", "setup.rating")
    ),
    "asr_chen_v1": Rule(
        lambda v: metric_attack.asr_chen_v1(_before(v), _after(v), tie=chance.same(v.tie)), _PAIR, (_NO_GAIN,)
    ),
    "asr_chen_v2": Rule(_chen_v2, _PAIR, (_MUST_DROP,)),
    "asr_robustjudge": Rule(_robustjudge, _PAIR, (_NO_GAIN, _MUST_DROP), only=_ATTACKS),
    "asr_judgedeceiver": Rule(
        lambda v: metric_attack.asr_judgedeceiver(v.follow[:, :, 0], tie=v.tie), _PAIR, (_NO_GAIN,)
    ),
    "pac": Rule(lambda v: metric_attack.pac(v.follow[:, :, 0], tie=v.tie), _PAIR, (_NO_GAIN,)),
    "attack_failure_rate": Rule(
        lambda v: metric_attack.attack_failure_rate(_after(v), tie=chance.same(v.tie)), _PAIR, (_NO_GAIN,), twins=True
    ),
    "win_rate": Rule(lambda v: metric_preference.win_rate(means(v.follow)), _PAIR, (_NO_GAIN, _MUST_DROP)),
    "lc_win_rate": Rule(_lc_win_rate, _PAIR, (_NO_GAIN, _MUST_DROP)),
    "fpr_average": Rule(_fpr, _CHOICE, (_MUST_DROP,), only=("null_answers.",)),
    "fpr_worst": Rule(_fpr, _CHOICE, (_MUST_DROP,), only=("null_answers.",)),
    **{
        name: Rule(_rm_bench, _PAIR, (_INVARIANT,), only=("verbosity.grid-",))
        for name in ("rm_bench_hard", "rm_bench_normal", "rm_bench_easy")
    },
    "sdr": Rule(_sdr, _SCORE, (_NO_GAIN,)),
    "isdr": Rule(_isdr, _SCORE, (_NO_GAIN,)),
    "average_score": Rule(_average_score, _SCORE, (_NO_GAIN, _MUST_DROP)),
    "average_rank": Rule(_average_rank, _SCORE, (_NO_GAIN,)),
    "error_rate_ra": Rule(_error_rate_ra, _SCORE, (_NO_GAIN, _INVARIANT)),
    "score_shift": Rule(_score_shift, _SCORE, (_INVARIANT, _NO_GAIN, _MUST_DROP)),
    "undetected_drop_rate": Rule(_undetected, ("score", "grade"), (_MUST_DROP,), only=_DAMAGE),
    "undetected_drop_rate_pairwise": Rule(_undetected, _PAIR, (_MUST_DROP,), only=_DAMAGE),
}
