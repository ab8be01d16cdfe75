"""What recorded verdicts say about the judges that gave them: plain data, filled by statistics/, rendered by reports/.

*Observational*: nobody changed an answer to see what happens, so a difference may have another cause than the one it is
named after. Not here: findings of an audit, which did change the answers (findings.py). An unknown number is None.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from voirdire.harness.cases import Task
from voirdire.harness.verdicts import Scale

__all__ = [
    "Agreement",
    "Basis",
    "Between",
    "Call",
    "Intervention",
    "JudgeObservations",
    "Observations",
    "Odds",
    "PairAgreement",
    "Position",
    "Preference",
    "Stability",
]

#: what keeps quality out of a preference. "paired": the same answers were judged in both orders; "labels": wrong
#: verdicts towards the feature against wrong verdicts away from it; "raw": nothing does
Basis = Literal["paired", "labels", "raw"]
#: "association": there, but as well explained by quality; "none": within the tolerance; "open": cannot be told
Call = Literal["preference", "association", "none", "open", "not_measured"]


@dataclass(frozen=True, slots=True)
class Odds:
    """How the odds of winning change with a feature, the slot, the label and the other features being equal (logistic
    regression, standard errors by cluster). `unit`: what one step is, e.g. "doubling of length"."""

    ratio: float
    low: float
    high: float
    unit: str


@dataclass(frozen=True, slots=True)
class Preference:
    """One feature, e.g. "longer", and whether the judge goes for it.

    `effect` in [-1, 1], positive for the feature. Pairs: P(the featured response wins | it is the worse one) - P(it
    loses | it is the better one) with labels; P(wins) - P(loses) without; first slot less second where both orders
    exist. Single answers: utility per step of the feature. [`low`, `high`] at `level`; `p_adjusted` (Holm over the
    judge's preferences) is of "within the tolerance". `share`: how often the featured response won, ties half.
    `label_errors`: the share of wrong labels from which on an unbiased judge would look like this; None: no share does.
    """

    name: str
    basis: Basis
    decision: Call
    needs: str = ""
    effect: float | None = None
    low: float | None = None
    high: float | None = None
    level: float = 0.95
    tolerance: float | None = None
    p: float | None = None
    p_adjusted: float | None = None
    n: int = 0
    share: float | None = None
    share_low: float | None = None
    share_high: float | None = None
    odds: Odds | None = None
    label_errors: float | None = None
    step: str = ""
    metrics: Mapping[str, float | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Position:
    """Pairs judged in both orders: how many verdicts follow the content. `n` counts pairs."""

    n: int
    consistency: float | None = None
    first_both: float | None = None
    second_both: float | None = None
    chance: float | None = None


@dataclass(frozen=True, slots=True)
class Stability:
    """Questions that were asked more than once in the same order. `flip_rate`: of pairs of repeats; for scores the
    share of pairs that differ. `distance`: mean difference of two repeats in utility."""

    n: int
    repeats: int
    flip_rate: float | None = None
    low: float | None = None
    high: float | None = None
    all_equal: float | None = None
    modal_share: float | None = None
    distance: float | None = None
    alpha: float | None = None


@dataclass(frozen=True, slots=True)
class Agreement:
    """Verdicts against labels, nulls apart. `accuracy`: verdict equals label (a tie only a tie); scores have
    correlations and `bias` (mean score less mean label, in shares of the scale) instead."""

    n: int
    nulls: int
    accuracy: float | None = None
    low: float | None = None
    high: float | None = None
    kappa: float | None = None
    pearson: float | None = None
    spearman: float | None = None
    bias: float | None = None
    bias_low: float | None = None
    bias_high: float | None = None


@dataclass(frozen=True, slots=True)
class JudgeObservations:
    """One judge's recorded verdicts. `nulls`: reason -> verdicts."""

    judge: str
    source: str
    task: Task
    scale: Scale
    verdicts: int
    cases: int
    nulls: Mapping[str, int] = field(default_factory=dict)
    preferences: tuple[Preference, ...] = ()
    position: Position | None = None
    stability: Stability | None = None
    agreement: Agreement | None = None
    models_left_out: int = 0


@dataclass(frozen=True, slots=True)
class PairAgreement:
    """Two judges on the questions that both answered."""

    first: str
    second: str
    n: int
    same: float | None
    kappa: float | None
    error_correlation: float | None = None


@dataclass(frozen=True, slots=True)
class Between:
    """Judges of one task on common questions. `alpha`: Krippendorff's, at `level`; `effective`: how many independent
    judges they are worth by their shared errors."""

    task: Task
    judges: tuple[str, ...]
    n: int
    alpha: float | None
    level: str
    pairs: tuple[PairAgreement, ...]
    effective: float | None = None


@dataclass(frozen=True, slots=True)
class Intervention:
    """What would settle a question: probes on these cases, the calls they take, and the command."""

    about: str
    probes: tuple[str, ...]
    calls: int | None
    cases: int
    command: str


@dataclass(frozen=True, slots=True)
class Observations:
    """Everything that `voirdire replay` found."""

    created: str
    sources: tuple[str, ...]
    cases: int
    labelled: int
    alpha: float
    tolerance: float
    judges: tuple[JudgeObservations, ...]
    between: tuple[Between, ...] = ()
    interventions: tuple[Intervention, ...] = ()
    notes: tuple[str, ...] = ()
