"""An audit of recorded verdicts that calls no judge: from logs and cases to what can be said about each judge.

Here: verdicts become tables, one kind of table a kind of task. Not here: the estimators (observed_pairs.py,
observed_singles.py, observed_agreement.py), the calls (observed_decisions.py), reading files (suites/loaders).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from voirdire.harness.cases import Case, Task
from voirdire.harness.clusters import clusters_of
from voirdire.harness.observations import Between, JudgeObservations, Position, Stability
from voirdire.harness.statistics import observed_features as features
from voirdire.harness.statistics.observed_agreement import agreement, between, stability
from voirdire.harness.statistics.observed_decisions import Measured, decide
from voirdire.harness.statistics.observed_pairs import PairTable, left_out_models, measure_pairs, position_of
from voirdire.harness.statistics.observed_singles import SingleTable, measure_singles, measure_slots
from voirdire.harness.verdicts import Scale, Verdict, utility

__all__ = ["VerdictLog", "observe"]


@dataclass(frozen=True, slots=True)
class VerdictLog:
    """One judge's verdicts by (case id, order, sample); `order[k]` is the response shown in slot k, and a verdict is
    about slots. `label_scale`: the range of numeric labels, where it is not that of the verdicts."""

    judge: str
    source: str
    task: Task
    verdicts: Mapping[tuple[str, tuple[int, ...], int], Verdict] = field(repr=False)
    scale: Scale = field(default_factory=Scale)
    label_scale: Scale | None = None


def observe(
    logs: Sequence[VerdictLog], cases: Mapping[str, Case], *, tolerance: float, alpha: float
) -> tuple[tuple[JudgeObservations, ...], tuple[Between, ...]]:
    """What the logs say, judge by judge and between judges of one task. Verdicts about cases that are not in `cases`
    count for what needs no text."""
    observed = [_Log(log, cases) for log in logs]
    found = tuple(o.observations(tolerance, alpha) for o in observed)
    tasks = dict.fromkeys(log.task for log in logs)
    common = (_between(task, [o for o in observed if o.log.task == task]) for task in tasks)
    return found, tuple(b for b in common if b is not None)


def _between(task: Task, logs: Sequence[_Log]) -> Between | None:
    names = Counter(o.log.judge for o in logs)
    ratings: dict[str, dict[object, float]] = {}
    truth: dict[object, float] = {}
    for o in logs:
        name = o.log.judge if names[o.log.judge] == 1 else f"{o.log.judge} ({o.log.source})"
        while name in ratings:
            name += "'"
        ratings[name] = {}
        for row in o.rows:
            # the first recorded repeat: averages of a verdict would be no verdict
            if not math.isnan(row.code):
                ratings[name].setdefault((row.case, row.order), row.code)
            if row.truth in (0.0, 1.0):
                truth[row.case, row.order] = row.truth
    return between(task, ratings, truth)


@dataclass(frozen=True, slots=True)
class _Row:
    """One verdict. `code` and `truth` as `agreement` takes them, NaN unknown."""

    case: str
    order: tuple[int, ...]
    code: float
    truth: float
    verdict: Verdict


class _Log:
    """A log with its cases, numbered."""

    def __init__(self, log: VerdictLog, cases: Mapping[str, Case]) -> None:
        self.log = log
        self.ids = list(dict.fromkeys(key[0] for key in log.verdicts))
        self.number = {identity: i for i, identity in enumerate(self.ids)}
        self.cases = [cases.get(identity) for identity in self.ids]
        known = np.array([case is not None for case in self.cases], dtype=bool)
        # of a case that is not known nobody can tell whether it is a copy
        self.groups = len(self.ids) + np.arange(len(self.ids))
        self.groups[known] = clusters_of([case for case in self.cases if case is not None]).numbers
        self.truths = [self._truth(c) for c in self.cases]
        # samples in order, so that the first repeat is the first
        self.rows = [
            _Row(i, order, self._code(order, v), self.truths[self.number[i]], v)
            for (i, order, _), v in sorted(log.verdicts.items(), key=lambda item: item[0][2])
        ]

    def observations(self, tolerance: float, alpha: float) -> JudgeObservations:
        log = self.log
        measured, position = self._measured(alpha)
        rows = self.rows
        at = np.array([self.number[r.case] for r in rows], dtype=int)
        return JudgeObservations(
            judge=log.judge,
            source=log.source,
            task=log.task,
            scale=log.scale,
            verdicts=len(rows),
            cases=len(self.ids),
            nulls=dict(Counter(str(r.verdict.null) for r in rows if r.verdict.null is not None)),
            preferences=decide(measured, tolerance=tolerance, alpha=alpha),
            position=position,
            stability=self._stability(alpha),
            agreement=agreement(
                np.array([r.code for r in rows]),
                np.array([r.truth for r in rows]),
                at,
                self.groups[at],
                task=log.task,
                scale=log.scale,
                alpha=alpha,
            ),
            models_left_out=left_out_models(self.cases) if log.task == "pairwise" else 0,
        )

    def _code(self, order: tuple[int, ...], verdict: Verdict) -> float:
        """Pairs: utility of response 0; grades, scores: utility; rankings: the response on top. NaN for a null."""
        if verdict.null is not None:
            return math.nan
        if self.log.task == "ranking":
            assert verdict.ranking is not None
            return float(order[verdict.ranking[0]])
        slot = order.index(0) if self.log.task == "pairwise" else 0
        value = utility(verdict, slot, task=self.log.task, scale=self.log.scale)
        return math.nan if value is None else value

    def _truth(self, case: Case | None) -> float:
        """The label in the same code; NaN where there is none, or one of another kind."""
        label = case.label if case is not None else None
        if self.log.task == "pairwise":
            if label == "tie":
                return 0.5
            return math.nan if isinstance(label, bool) or label not in (0, 1) else 1.0 - float(label)
        if self.log.task == "grade":
            return float(label) if isinstance(label, bool) else math.nan
        if self.log.task == "ranking":
            top = label[0] if isinstance(label, tuple) else label
            return float(top) if isinstance(top, int) and not isinstance(top, bool) else math.nan
        scale = self.log.label_scale or self.log.scale
        if isinstance(label, bool) or not isinstance(label, (int, float)) or label not in scale:
            return math.nan
        return scale.fraction(float(label))

    def _stability(self, alpha: float) -> Stability | None:
        series: dict[tuple[str, tuple[int, ...]], list[float]] = {}
        for row in self.rows:
            if not math.isnan(row.code):
                series.setdefault((row.case, row.order), []).append(row.code)
        groups = [int(self.groups[self.number[case]]) for case, _ in series]
        return stability(list(series.values()), groups, task=self.log.task, alpha=alpha)

    # ------------------------------------------------------------------------------------------------- preferences

    def _measured(self, alpha: float) -> tuple[list[Measured], Position | None]:
        own = features.family_of(self.log.judge)
        if self.log.task == "pairwise":
            table = self._pairs()
            return measure_pairs(table, own=own, alpha=alpha), position_of(table)
        singles = measure_singles(self._rankings() if self.log.task == "ranking" else self._singles(), own=own)
        if self.log.task == "ranking":
            singles.insert(0, measure_slots(self._slot_gaps(), self.groups))
        return singles, None

    def _pairs(self) -> PairTable:
        total, count = np.zeros((len(self.ids), 2)), np.zeros((len(self.ids), 2))
        for row in self.rows:
            if not math.isnan(row.code):
                at = self.number[row.case], int(row.order != (0, 1))
                total[at] += row.code
                count[at] += 1
        wins = np.where(count > 0, total / np.maximum(count, 1), np.nan)
        return PairTable(wins, np.array(self.truths), self.groups, self.cases)

    def _singles(self) -> SingleTable:
        values: list[list[float]] = [[] for _ in self.ids]
        for row in self.rows:
            if not math.isnan(row.code):
                values[self.number[row.case]].append(row.code)
        return SingleTable(
            np.array([np.mean(v) if v else math.nan for v in values]),
            np.array(self.truths),
            self.groups,
            self.groups,
            [c.responses[0] if c is not None else None for c in self.cases],
            [features.models_of(c)[0] if c is not None else None for c in self.cases],
            additive=self.log.task == "score",
        )

    def _rankings(self) -> SingleTable:
        """A row a response of a case whose texts are known."""
        placed: dict[tuple[int, int], list[float]] = {}
        for row in self.rows:
            if row.verdict.ranking is not None:
                for slot, response in enumerate(row.order):
                    placed.setdefault((self.number[row.case], response), []).append(self._place(row, slot))
        keys = [key for key in placed if (case := self.cases[key[0]]) is not None and key[1] < len(case.responses)]
        shown = [(self.cases[i], r) for i, r in keys]
        at = np.array([i for i, _ in keys], dtype=int)
        return SingleTable(
            np.array([np.mean(placed[key]) for key in keys]),
            np.array([_rank_truth(case, r) for case, r in shown]),
            at,
            self.groups[at],
            [case.responses[r] if case is not None else None for case, r in shown],
            [features.models_of(case)[r] if case is not None else None for case, r in shown],
            additive=False,
        )

    def _place(self, row: _Row, slot: int) -> float:
        value = utility(row.verdict, slot, task="ranking", scale=self.log.scale, n=len(row.order))
        assert value is not None
        return value

    def _slot_gaps(self) -> np.ndarray:
        """First slot's utility less the last one's, over the orders that come with their reverse."""
        seen: dict[tuple[int, tuple[int, ...]], list[float]] = {}
        for row in self.rows:
            if row.verdict.ranking is not None and len(row.order) >= 2:
                gap = self._place(row, 0) - self._place(row, len(row.order) - 1)
                seen.setdefault((self.number[row.case], row.order), []).append(gap)
        gaps: list[list[float]] = [[] for _ in self.ids]
        for (number, order), values in seen.items():
            if (number, order[::-1]) in seen:
                gaps[number].append(float(np.mean(values)))
        return np.array([np.mean(g) if g else math.nan for g in gaps])


def _rank_truth(case: Case | None, response: int) -> float:
    """A response's place by the label, in [0, 1]; where the label names only the best, the others share the rest."""
    label = case.label if case is not None else None
    n = len(case.responses) if case is not None else 0
    if isinstance(label, tuple) and n > 1:
        return (n - 1 - label.index(response)) / (n - 1)
    if isinstance(label, int) and not isinstance(label, bool) and n > 1:
        return 1.0 if response == label else (n - 2) / 2 / (n - 1)
    return math.nan
