"""What an audit found: one `Finding` a probe, and the `Audit` they add up to.

Plain data only, as the reports read it; statistics/ fills it, reports/ renders it, `schema.py` there fixes the JSON.
An unknown number is None, never NaN.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from voirdire.harness.cases import Case, Edit, Task
from voirdire.harness.papers import PaperResult
from voirdire.harness.relations import Relation
from voirdire.harness.verdicts import Scale, Verdict

__all__ = [
    "Audit",
    "Calls",
    "CounterExample",
    "Decision",
    "Discrimination",
    "Finding",
    "Findings",
    "Noise",
    "Outcome",
    "Regression",
    "SliceValue",
]

Decision = Literal["holds", "violated", "inconclusive", "not_applicable"]
#: a probe against its baseline
Regression = Literal["regressed", "not_worse", "inconclusive"]
#: the whole audit in one word
Outcome = Literal["pass", "fail", "inconclusive", "error"]


@dataclass(frozen=True, slots=True)
class CounterExample:
    """One case on which the relation broke: what was shown before and after, and what the judge said.

    `source` and `follow_up` are in the same order of responses; `edits` are offsets into the *source* response
    `target` (for a degradation `source.responses[target]` is the undamaged text). Verdicts are those of the first
    sample in this order; `before` and `after` are mean utilities of the target over all orders and samples.
    """

    case_id: str
    probe: str
    source: Case
    follow_up: Case
    target: int
    edits: tuple[Edit, ...]
    source_verdict: Verdict | None
    follow_up_verdict: Verdict | None
    before: float | None
    after: float | None
    why: str
    reproduced: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """A probe's result on one judge. Effects in utility units, [-1, 1], positive when the target gained.

    `low`, `high` is the interval that decided, at two-sided confidence `level`; `estimand` says which contrast
    `effect` is ("gain over sham", "slot preference", ...). `flip_rate` is the mean absolute change of utility between
    source and follow-up calls (for verdicts that are 0 or 1: the share that flipped), `retest_flip_rate` the same
    between repeats of source calls. `smallest_detectable` is the size of an effect that this run would have called a
    violation with probability .8 (MUST_DROP: the smallest drop that it would have called one). `not_asked`
    counts the calls of each arm that the run did not get to. `metrics` holds the
    papers' numbers by their names, `chance` what a judge that tosses a coin would get. The last seven are filled by a
    gate against a baseline: effects then, change since (positive: worse), its interval, and what that means.
    """

    probe: str
    family: str
    relation: Relation
    decision: Decision
    reason: str | None = None
    effect: float | None = None
    low: float | None = None
    high: float | None = None
    level: float | None = None
    estimand: str | None = None
    tolerance: float | None = None
    min_drop: float | None = None
    p: float | None = None
    p_adjusted: float | None = None
    target: str = "worse"
    dose: float = 1.0
    samples: int = 1
    n: int = 0
    nulls: Mapping[str, int] = field(default_factory=lambda: {"source": 0, "follow_up": 0, "sham": 0})
    errors: int = 0
    not_applicable: int = 0
    not_applicable_reasons: Mapping[str, int] = field(default_factory=dict)
    not_asked: Mapping[str, int] = field(default_factory=dict)
    flip_rate: float | None = None
    retest_flip_rate: float | None = None
    neutral_flip_rate: float | None = None
    source_effect: float | None = None
    sham_effect: float | None = None
    more_cases_needed: int | None = None
    smallest_detectable: float | None = None
    metrics: Mapping[str, float | None] = field(default_factory=dict)
    chance: Mapping[str, float | None] = field(default_factory=dict)
    counterexamples: tuple[str, ...] = ()
    summary: str = ""
    source: str = ""
    baseline_effect: float | None = None
    change: float | None = None
    change_low: float | None = None
    change_high: float | None = None
    margin: float | None = None
    regression: Regression | None = None
    regression_reason: str | None = None


@dataclass(frozen=True, slots=True)
class Noise:
    """The judge's own noise on unchanged cases; `deterministic` when all repeats were identical."""

    retest_flip_rate: float | None = None
    low: float | None = None
    high: float | None = None
    n: int = 0
    neutral_flip_rate: float | None = None
    deterministic: bool = False


@dataclass(frozen=True, slots=True)
class Discrimination:
    """Does it tell good answers from bad? Accuracy on unchanged labelled cases, by case, over orders and samples.

    `measure` names the number: "accuracy", "balanced accuracy", "concordance", "pair agreement" (see statistics).
    `swap_averaged` is the accuracy of the verdict averaged over both orders (pairwise only), `swap_gain` what that is
    above `accuracy`, case by case, with its interval at the same level.
    """

    accuracy: float | None = None
    low: float | None = None
    high: float | None = None
    n: int = 0
    floor: float | None = None
    decision: Decision = "not_applicable"
    measure: str = "accuracy"
    swap_averaged: float | None = None
    swap_gain: float | None = None
    swap_gain_low: float | None = None
    swap_gain_high: float | None = None


@dataclass(frozen=True, slots=True)
class Calls:
    """What the run cost."""

    planned: int = 0
    made: int = 0
    cached: int = 0
    errors: int = 0
    nulls: int = 0
    tokens: int | None = None
    cost_usd: float | None = None
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class SliceValue:
    """One number of a part of the cases: `measure` ("accuracy", or a probe's name) where `dimension` is `value`.

    `low`, `high` is the interval of `mean` by itself, over `n` cases. `p_adjusted` (Benjamini-Hochberg over all slices
    of the run): does this part differ from the rest of the cases? None where it is too small to tell.
    """

    dimension: str
    value: str
    measure: str
    mean: float
    low: float
    high: float
    n: int
    p_adjusted: float | None = None


class Findings(Mapping[str, Finding]):
    """Findings by probe name, in suite order: `findings["order.swap"].decision`."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self._by_name = {f.probe: f for f in findings}

    def __getitem__(self, name: str) -> Finding:
        return self._by_name[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_name)

    def __len__(self) -> int:
        return len(self._by_name)

    def decided(self, decision: Decision) -> list[Finding]:
        return [f for f in self._by_name.values() if f.decision == decision]


@dataclass(frozen=True, slots=True)
class Audit:
    """A finished (or stopped) audit of one judge.

    `stopped` is None, or why the run ended early ("budget", "interrupted", "judge"). `simulated` marks mock judges.
    `facts` are what the judge says of itself (prompt, parser, parameters), as short texts by name.
    `paper` holds the numbers of the paper that the suite follows beside ours. `options`: option, value, option, value
    ... of the command line that asks this judge again, beside its spec; empty where a program asked. `probabilities`:
    its verdicts came with probabilities, which counted only where `facts` says that they are the utility.
    """

    judge_name: str
    judge_spec: str
    fingerprint: str
    task: Task
    scale: Scale
    served_model: str | None
    suite: str
    suite_hash: str
    suite_probes: int
    cases_n: int
    cases_hash: str
    cases_path: str
    seed: int
    alpha: float
    samples: int
    created: str
    findings: Findings
    noise: Noise
    discrimination: Discrimination
    calls: Calls
    verdict: Outcome
    warnings: tuple[str, ...] = ()
    examples: tuple[CounterExample, ...] = ()
    mode: Literal["fixed", "sequential", "anytime"] = "fixed"
    stopped: str | None = None
    simulated: bool = False
    slices: tuple[SliceValue, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)
    paper: PaperResult | None = None
    options: tuple[str, ...] = ()
    probabilities: bool = False
