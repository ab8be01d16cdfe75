"""The calls that a suite's metric is computed from, as arrays in one frame: the utility of the target.

Not here: which metric takes which (suite_rules.py), how clusters become intervals (suite_metrics.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import NamedTuple

import numpy as np

from voirdire.harness.cases import Case, Label, Task, truth_of
from voirdire.harness.plan import Plan, ProbePlan
from voirdire.harness.relations import Relation
from voirdire.harness.statistics.arms import Answers
from voirdire.harness.statistics.metric_preference import holds_list
from voirdire.harness.statistics.metrics import tie_rate
from voirdire.harness.verdicts import Scale

__all__ = ["View", "of_cases", "of_probes"]


class _Row(NamedTuple):
    """The target before and after, what is shown beside it, and its label as in `View`."""

    before: str
    after: str
    beside: list[str]
    label: float


@dataclass(frozen=True, slots=True)
class View:
    """Items of one or more probes, or (`of_cases`) every case with its first response as the target.

    `source` and `follow` are [item, order, sample] utilities of the target; `first` those of the first slot on
    unchanged cases. `label` is +1 where the target is the right answer, 0 where people tie, -1 where it is wrong, NaN
    unknown. `case`, `probe`, `groups` are numbers. `lengths` are characters of the target as shown and the mean of the
    others', `lists` whether the target and one of the others hold a list, both [item, 2]. `texts` are the target before
    and after the edit, [item, 2]. `names` are the probes', by number.
    """

    task: Task
    scale: Scale
    tie: float
    source: np.ndarray
    follow: np.ndarray
    first: np.ndarray
    label: np.ndarray
    case: np.ndarray
    probe: np.ndarray
    groups: np.ndarray
    lengths: np.ndarray
    lists: np.ndarray
    texts: np.ndarray
    names: tuple[str, ...] = ()

    @property
    def truth(self) -> np.ndarray:
        """`label` with NaN in place of ties: +1 and -1."""
        return np.where(self.label == 0, np.nan, self.label)

    def only(self, keep: np.ndarray) -> View:
        """The items where `keep` is true."""
        given = {f.name: getattr(self, f.name) for f in fields(self)}
        return View(**{k: v[keep] if isinstance(v, np.ndarray) else v for k, v in given.items()})


def of_cases(plan: Plan, answers: Answers) -> View:
    """Every unchanged case; `follow` is the source itself."""
    source = answers.of_arm(plan.sources)
    rows = [_Row(c.responses[0], c.responses[0], list(c.responses[1:]), _label(c, 0)) for c in plan.cases]
    number = np.arange(len(plan.cases))
    return _view(plan, answers, number, np.zeros_like(number), source, source, plan.sources.calls, rows)


def of_probes(plan: Plan, answers: Answers, probes: Sequence[ProbePlan]) -> View:
    """The items of `probes`, one after the other; all have a follow-up arm."""
    sources, follows, calls, cases, numbers = [], [], [], [], []
    rows: list[_Row] = []
    for number, probe in enumerate(probes):
        assert probe.source is not None
        assert probe.follow_up is not None
        sources.append(answers.of_arm(probe.source))
        follows.append(answers.of_arm(probe.follow_up))
        calls.append(probe.source.calls)
        cases.append(probe.cases)
        numbers.append(np.full(len(probe.items), number))
        damaged = probe.probe.relation is Relation.MUST_DROP and plan.task == "pairwise"
        for item in probe.items:
            case = item.source or plan.cases[item.case]
            shown = item.follow_up or case
            after = shown.responses[1 if damaged else item.target]
            before = case.responses[item.target]
            beside = [before] if damaged else [t for i, t in enumerate(shown.responses) if i != item.target]
            rows.append(_Row(before, after, beside, _label(case, item.target)))
    return _view(
        plan,
        answers,
        np.concatenate(cases),
        np.concatenate(numbers),
        np.concatenate(sources),
        np.concatenate(follows),
        np.concatenate(calls),
        rows,
        tuple(p.probe.name for p in probes),
    )


def _view(
    plan: Plan,
    answers: Answers,
    case: np.ndarray,
    probe: np.ndarray,
    source: np.ndarray,
    follow: np.ndarray,
    calls: np.ndarray,
    rows: Sequence[_Row],
    names: tuple[str, ...] = (),
) -> View:
    lengths = [(len(r.after), sum(map(len, r.beside)) / max(1, len(r.beside))) for r in rows]
    lists = [(holds_list(r.after), any(map(holds_list, r.beside))) for r in rows]
    return View(
        task=plan.task,
        scale=plan.scale,
        tie=tie_rate(answers.of_arm(plan.sources)) if plan.task == "pairwise" else 0.0,
        source=source,
        follow=follow,
        first=answers.utility[calls, 0],
        label=np.asarray([r.label for r in rows], dtype=float),
        case=case,
        probe=probe,
        groups=plan.groups[case],
        lengths=np.asarray(lengths, dtype=float).reshape(-1, 2),
        lists=np.asarray(lists, dtype=float).reshape(-1, 2),
        texts=np.asarray([(r.before, r.after) for r in rows], dtype=object).reshape(-1, 2),
        names=names,
    )


def _label(case: Case, target: int) -> float:
    label: Label = case.label
    if label == "tie":
        return 0.0
    known = truth_of(case, target)
    return np.nan if known is None else 1.0 if known else -1.0
