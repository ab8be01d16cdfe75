"""Does voirdire find what is there, and only that? Audits of judges whose defects are known, counted.

`GRID` is what `voirdire selfcheck` runs; benchmarks/detection.py runs more of each. The judges answer through the
same plan and statistics as any other; a judge's seed is all that differs between two audits of one row.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from voirdire.harness.cases import Case, Task
from voirdire.harness.followups import FollowUps
from voirdire.harness.judges.mock import mock_judge
from voirdire.harness.plan import Plan, build_plan
from voirdire.harness.relations import Relation
from voirdire.harness.statistics.analyse import analyse
from voirdire.harness.verdicts import Scale
from voirdire.perturbations.phrases import PHRASES
from voirdire.suites.builtin_cases import builtin_cases, for_task, spread
from voirdire.suites.loading import load_suite

__all__ = ["GRID", "Row", "Tally", "check", "make_plan", "stretch"]

PLEA = PHRASES["phrases.full-marks"]


@dataclass(frozen=True, slots=True)
class Row:
    """One judge of the grid: `family` holds its planted defect (None: a clean judge), `words` say what it is.

    `also` are families in which a finding would be true as well, so that it is no false alarm.
    """

    words: str
    spec: str
    family: str | None = None
    task: Task = "pairwise"
    also: tuple[str, ...] = ()
    cases: int = 120


@dataclass(slots=True)
class Tally:
    """Counts over the audits of one judge. `families` counts violated families other than the planted one."""

    row: Row
    audits: int = 0
    found: int = 0
    false_alarm: int = 0
    failed: int = 0
    all_hold: int = 0
    families: Counter[str] = field(default_factory=Counter)

    @property
    def worst_other(self) -> int:
        return max(self.families.values(), default=0)


#: share of the built-in cases of suite quick whose plea is the English one that the planted judge obeys
_ENGLISH = 0.958
_ACCURACY = 0.85


def fires(effect: float, *, reach: float = 1.0) -> str:
    """How often a channel must fire to lift the worse answer by `effect`, where only a share `reach` has the feature.

    When it fires the worse answer wins, else with probability 1 - accuracy: a gain of rate * accuracy
    (`MockJudge.planted_effect`). A first-slot channel needs no such help: its rate is its effect.
    """
    return f"{effect / _ACCURACY / reach:.4f}"


def _grid() -> tuple[Row, ...]:
    clean = f"noisy?accuracy={_ACCURACY}"
    # at temperature 0 a wrong verdict is wrong for good and an edit draws anew, a blank as well as any other
    chaotic = ("stability",)
    return (
        Row("clean, accuracy .75", "noisy?accuracy=.75"),
        Row("clean, accuracy .85", clean),
        Row("clean, accuracy .95", "noisy?accuracy=.95"),
        Row("clean, never wrong", "oracle"),
        Row("clean, .85, deterministic", f"{clean}&fresh=0", also=chaotic),
        Row("clean, .85, with 10 % ties", f"{clean}&tie=.1"),
        Row("clean, .85, with 10 % nulls", f"{clean}&null=.1"),
        Row("first slot, effect .30", f"{clean}&first=.3", "order"),
        Row("longer answer, effect .30", f"{clean}&longer={fires(0.30)}", "verbosity"),
        Row("cited answer, effect .30", f"{clean}&cited={fires(0.30)}", "authority"),
        Row("answer with a plea, effect .30", f"{clean}&phrase={PLEA}&rate={fires(0.30, reach=_ENGLISH)}", "phrases"),
        Row("first slot, effect .50", f"{clean}&first=.5", "order"),
        Row("cited answer, effect .50", f"{clean}&cited={fires(0.50)}", "authority"),
        Row("cited, effect .30, accuracy .95", f"noisy?accuracy=.95&cited={0.30 / 0.95:.4f}", "authority"),
        Row("cited, .34, deterministic", f"{clean}&cited={fires(0.34)}&fresh=0", "authority", also=chaotic),
        Row("always the first slot", "constant", "order", also=("degradation",)),
        # its repeats differ in half of all calls, which is just what the retest probe tolerates
        Row("tosses a coin", "random", "degradation", also=chaotic),
        Row("clean scores, sd .1", "noisy?sd=.1", task="score"),
        Row("scores: a citation, effect .30", "noisy?sd=.1&cited=.3", "authority", task="score"),
        Row("clean grades", clean, task="grade"),
        Row("grades: a citation, effect .34", f"{clean}&cited={fires(0.34)}", "authority", task="grade"),
        Row("clean rankings", clean, task="ranking"),
        Row("rankings: first slot at .40", f"{clean}&first=.4", "order", task="ranking"),
    )


GRID = _grid()


def stretch(cases: Sequence[Case], n: int) -> list[Case]:
    """`n` cases: the given ones, then pairs of an answer and another case's answer, which misses the question."""
    out = list(cases)
    for i, case in enumerate(cases):
        if len(out) >= n:
            break
        other = cases[(i + 7) % len(cases)]
        right, off = case.responses[int(case.label == 1)], other.responses[int(other.label == 1)]
        pair, label = ((right, off), 0) if i % 2 else ((off, right), 1)
        out.append(case.replace(id=f"{case.id}-off-topic", responses=pair, label=label, group=None))
    return out[:n]


@functools.lru_cache(maxsize=8)
def make_plan(suite: str, n: int, task: Task = "pairwise") -> Plan:
    """The plan of a built-in suite over `n` cases; follow-ups are made once for all judges."""
    pairs = builtin_cases()
    if task == "pairwise":
        cases = spread(pairs, n) if n <= len(pairs) else stretch(pairs, n)
    else:
        cases = for_task(spread(pairs, n), task)
    return build_plan(load_suite(suite), cases, task=task, scale=Scale(), followups=FollowUps())


def check(row: Row, audits: int, *, suite: str = "quick", first_seed: int = 0) -> Tally:
    """`audits` audits of one judge with seeds of their own."""
    plan = make_plan(suite, row.cases, row.task)
    tally = Tally(row)
    for seed in range(first_seed, first_seed + audits):
        judge = mock_judge(row.spec, task=row.task, seed=seed)
        found = analyse(plan, [judge.answer(call.case, call.sample) for call in plan.calls])
        violated = {f.family for f in found.findings.values() if f.decision == "violated"}
        others = violated - {row.family, *row.also}
        tally.audits += 1
        tally.failed += found.verdict == "fail"
        tally.found += row.family in violated
        tally.false_alarm += bool(others)
        tally.families.update(others)
        tally.all_hold += all(
            f.decision == "holds"
            for f in found.findings.values()
            if f.relation in (Relation.NO_GAIN, Relation.INVARIANT)
        )
    return tally
