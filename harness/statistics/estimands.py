"""What is estimated for each relation, per case and then over cases.

With u(arm) the mean utility of the target over both orders and all samples:

    NO_GAIN      signed gain u(follow-up) - u(source), and gain net of sham u(follow-up) - u(sham) where there is a
                 sham; the smaller one counts. For a score judge this is the score shift over the width of the scale,
                 for a ranking judge the rank shift over n - 1
    INVARIANT    u(follow-up) - u(source), two-sided; and excess flips: flips(source, follow-up) minus
                 flips(source, repeat), and minus flips(source, neutral edit); the smaller one counts. Where there is a
                 sham the shift from it, u(follow-up) - u(sham), must lie beyond the tolerance as well, and in the same
                 direction: a judge that dislikes the sham's words has no opinion of the edit, and one that dislikes
                 whatever is added none of this. Of a counterpart (a woman's name, a man's) it is the only shift: a
                 judge may treat one of them as if nothing were said. flips(source, sham) is one more floor of the
                 flips. Not flips(sham, follow-up): a judge that draws its verdict anew after any addition, whatever
                 it says, changes it between two of them
    EQUIVARIANT  slot preference u(slot 1) - u(slot n), averaged over both orders (0 for a judge that follows the
                 content, whatever its accuracy), on the unchanged case and on its neutral edit, which has the same
                 preference and costs nothing more; and excess flips between the orders, as above. With further
                 orders: their mean and that of both, every order with its reverse
    AGREE        flips between two formats, less the mean of the flips between repeats in each, a tie counting as half
                 a win and half a loss: the square of the difference of the two formats' mean utilities, so 0 where
                 they agree but for noise, also where only one of them knows ties. For scores and rankings the mean
                 absolute difference takes the place of flips
    MUST_DROP    pairwise: P(damaged wins) - .5 against its own undamaged text; else, and where not the answer but what
                 it is judged by was damaged, u(damaged) - u(source)
    RETEST       flips between repeats of the same call

flips(a, b) is the mean absolute change of the target's utility over pairs of calls of one case in the same frame; in
EQUIVARIANT and RETEST, where nothing is aimed at one response, that of all responses of a ranking. For rankings of n
this is Spearman's footrule, the sum of |rank - rank'|, over n (n - 1). Kendall's distance would do as well, being
between half of the footrule and all of it; this one has the unit of the signed effects, so that one tolerance fits
both, can be read for one response, and is the flip rate where n = 2. Independent noise cancels in every one of them:
its expectation is 0 for a judge whose answers do not depend on the edit.

Sources: signed effects of an attack and of position, L. Zheng et al., "Judging LLM-as-a-Judge with MT-Bench and Chatbot
Arena" (2023), section 3.3, made symmetric here; excess over repeats, J. Ye et al., "Justice or Prejudice?" (CALM,
2024), RR beside CR; drop of a damaged answer, S. Doddapaneni et al., "Finding Blind Spots in Evaluator LLMs" (FBI,
2024); footrule and Kendall's distance, P. Diaconis and R. Graham, JRSS B 39 (1977). Net of sham, and the smaller of
two gains as one intersection-union test: ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import numpy as np

from voirdire.harness.plan import Arm, Plan, ProbePlan
from voirdire.harness.relations import Relation
from voirdire.harness.statistics.arms import (
    Answers,
    by_case,
    changes,
    means,
    repeats,
    split_changes,
    split_repeats,
)
from voirdire.harness.statistics.decisions import AtLeastDrop, Contrast, Least, Most
from voirdire.harness.statistics.means import Mean, estimate
from voirdire.harness.targets import beside_answers

__all__ = ["OVER_SHAM", "RETEST_TOLERANCE", "Estimator", "Measured", "PerCase", "measure"]

#: repeats that differ in half of the calls are no better than tossing a coin
RETEST_TOLERANCE = 0.5

#: contrasts between the follow-up and its sham; all others with a follow-up are between it and the source
OVER_SHAM = frozenset({"gain over sham", "shift over sham", "flips beyond placebo"})


class Estimator(Protocol):
    """How the mean of per-case values is read: for a fixed number of cases, or valid at any time."""

    def __call__(
        self, values: np.ndarray, groups: np.ndarray | None = None, *, lo: float = -1.0, hi: float = 1.0
    ) -> Mean | None: ...


class PerCase(NamedTuple):
    """One contrast case by case: `values[k]` belongs to case number `cases[k]` of the plan."""

    values: np.ndarray
    cases: np.ndarray


@dataclass(slots=True)
class Measured:
    """The decision node of a probe (None: nothing could be measured) and what is shown beside it.

    `per_item` is the effect of each item, for choosing counter-examples (positive: broken), with `before` and `after`.
    `contrasts` holds every contrast of `node` case by case, by its name.
    """

    node: Contrast | Least | Most | AtLeastDrop | None
    n: int
    per_item: np.ndarray
    before: np.ndarray
    after: np.ndarray
    flip_rate: float | None = None
    retest_flip_rate: float | None = None
    neutral_flip_rate: float | None = None
    source_effect: float | None = None
    sham_effect: float | None = None
    contrasts: dict[str, PerCase] = field(default_factory=dict)


class _Cases:
    """Turns per-item values of one probe into a Mean over cases and clusters, and remembers the named ones."""

    def __init__(self, plan: Plan, probe: ProbePlan, estimator: Estimator) -> None:
        self.cases = probe.cases
        self.groups = plan.groups
        self.contrasts: dict[str, PerCase] = {}
        self._estimator = estimator

    def mean(self, name: str, values: np.ndarray, lo: float = -1.0, hi: float = 1.0) -> Mean | None:
        self.contrasts[name] = per_case = PerCase(*by_case(values, self.cases))
        return self._estimator(per_case.values, self.groups[per_case.cases], lo=lo, hi=hi)

    def number(self, values: np.ndarray) -> float | None:
        known, _ = by_case(values, self.cases)
        return float(known.mean()) if known.size else None


def measure(plan: Plan, probe: ProbePlan, answers: Answers, estimator: Estimator = estimate) -> Measured:
    """The estimands of one probe from the answered calls."""
    cases = _Cases(plan, probe, estimator)
    measured = _measure(plan, probe, answers, cases)
    measured.contrasts = cases.contrasts
    return measured


def _measure(plan: Plan, probe: ProbePlan, answers: Answers, cases: _Cases) -> Measured:
    assert probe.source is not None
    source = answers.of_arm(probe.source)
    relation = probe.probe.relation
    if relation is Relation.RETEST:
        return _retest(plan, cases, source)
    if relation is Relation.EQUIVARIANT:
        return _order(plan, probe, cases, source, answers)
    assert probe.follow_up is not None
    follow = answers.of_arm(probe.follow_up)
    if relation is Relation.MUST_DROP:
        return _must_drop(plan, probe, cases, source, follow)
    if relation is Relation.INVARIANT:
        return _invariant(plan, probe, cases, source, follow, answers)
    if relation is Relation.AGREE:
        return _agree(plan, probe, cases, source, follow)
    return _no_gain(plan, probe, cases, source, follow, answers)


def _no_gain(
    plan: Plan, probe: ProbePlan, cases: _Cases, source: np.ndarray, follow: np.ndarray, answers: Answers
) -> Measured:
    tolerance = plan.suite.tolerance_of(probe.probe)
    before, after = means(source), means(follow)
    over_source = after - before
    parts: list[Contrast] = []
    sham_effect = None
    worst = over_source
    if probe.sham is not None:
        placebo = means(answers.of_arm(probe.sham))
        over_sham = after - placebo
        worst = np.minimum(over_source, over_sham)
        sham_effect = cases.number(placebo - before)
        if (mean := cases.mean("gain over sham", over_sham)) is not None:
            parts.append(Contrast("gain over sham", mean, tolerance))
    if (mean := cases.mean("gain over source", over_source)) is not None:
        parts.append(Contrast("gain over source", mean, tolerance))
    complete = len(parts) == (1 if probe.sham is None else 2)
    return Measured(
        node=(parts[0] if len(parts) == 1 else Least(parts)) if complete else None,
        n=min((p.mean.count for p in parts), default=0),
        per_item=worst,
        before=before,
        after=after,
        flip_rate=cases.number(changes(source, follow)),
        retest_flip_rate=cases.number(repeats(source)),
        source_effect=cases.number(over_source),
        sham_effect=sham_effect,
    )


def _excess(
    cases: _Cases, flips: np.ndarray, floors: dict[str, np.ndarray | None], tolerance: float
) -> Contrast | Least | None:
    """Flips beyond each of the floors; None where none of them could be measured."""
    parts = []
    for floor_of, floor in floors.items():
        name = f"flips beyond {floor_of}"
        if floor is not None and (mean := cases.mean(name, flips - floor)) is not None:
            parts.append(Contrast(name, mean, tolerance))
    if not parts:
        return None
    return parts[0] if len(parts) == 1 else Least(parts)


def _neutral_flips(plan: Plan, probe: ProbePlan, answers: Answers, source: np.ndarray) -> np.ndarray | None:
    """Flips of each item's target under the neutral edit of its case."""
    if plan.neutrals is None or probe.probe.name == "stability.neutral":
        return None
    assert probe.source is not None
    row = plan.neutral_cases[probe.cases]
    have = row >= 0
    # the orders are those of the source, and so are the slots of the target in them
    edited = Arm(plan.neutrals.calls[row[have]], probe.source.slots[have])
    flips = np.full(len(row), np.nan)
    flips[have] = changes(source[have], answers.of_arm(edited))
    return flips


def _invariant(
    plan: Plan, probe: ProbePlan, cases: _Cases, source: np.ndarray, follow: np.ndarray, answers: Answers
) -> Measured:
    before, after = means(source), means(follow)
    flips, shift = changes(source, follow), after - before
    if probe.sham is None:
        signed = {"shift": shift}
        return _moved(plan, probe, cases, answers, signed, flips, source, np.abs(shift), before, after)
    # an addition is compared with its placebo too: what moves the verdict is what it says, not that there is more
    placebo = answers.of_arm(probe.sham)
    over_sham = after - means(placebo)
    signed = {"shift over sham": over_sham}
    # an example shows the source beside the follow-up, so the verdict must have moved between those as well
    seen = np.minimum(np.abs(shift), np.abs(over_sham))
    if not probe.probe.counterpart:
        signed["shift over source"] = shift
        seen = np.where(shift * over_sham < 0, 0.0, seen)
    measured = _moved(
        plan, probe, cases, answers, signed, flips, source, seen, before, after, placebo=changes(source, placebo),
    )  # fmt: skip
    measured.source_effect = cases.number(shift)
    measured.sham_effect = cases.number(means(placebo) - before)
    return measured


def _order(plan: Plan, probe: ProbePlan, cases: _Cases, source: np.ndarray, answers: Answers) -> Measured:
    assert probe.source is not None
    items = probe.cases
    sizes = plan.sizes
    last = sizes[items] - 1

    def in_first(calls: np.ndarray, last: np.ndarray) -> np.ndarray:
        return means(answers.utility[calls, 0] - answers.utility[calls, last[:, None, None]])

    preference = in_first(probe.source.calls, last)
    if probe.follow_up is not None:
        # forwards and backwards count as one more of the case's pairs of orders
        turned = in_first(probe.follow_up.calls, last)
        pairs = items * int(sizes.max(initial=1)) + probe.targets
        others = np.unique(pairs, return_counts=True)[1][np.unique(pairs, return_inverse=True)[1]]
        preference = (preference + others * turned) / (others + 1)
    elif plan.neutrals is not None:
        # averaged controls: the neutral edit is asked anyway and stands in the same slots, so it halves the variance
        edited = np.full_like(preference, np.nan)
        have = plan.neutral_cases[items] >= 0
        edited[have] = in_first(plan.neutrals.calls[plan.neutral_cases[items[have]]], last[have])
        preference = np.where(np.isnan(edited), preference, (preference + edited) / 2)
    # the target's utility in one order against that in the other: a judge that follows the content flips no more
    # than its own noise does
    other = source[:, 1:] if probe.follow_up is None else answers.of_arm(probe.follow_up)[:, :1]
    flips = changes(source[:, :1], other)
    before, after = means(source[:, :1]), means(other)
    signed = {"slot preference": preference}
    return _moved(plan, probe, cases, answers, signed, flips, source, flips, before, after)


def _agree(plan: Plan, probe: ProbePlan, cases: _Cases, source: np.ndarray, follow: np.ndarray) -> Measured:
    """Disagreement of two formats beyond what each disagrees with itself.

    With mean utilities p and q: p (1 - q) + q (1 - p) - p (1 - p) - q (1 - q) = (p - q)^2.
    With a single sample of the follow-up only the source's repeats are known, and they stand for both.
    """
    flips, own, others = changes(source, follow), repeats(source), repeats(follow)
    if plan.task in ("pairwise", "grade"):
        flips, own, others = split_changes(source, follow), split_repeats(source), split_repeats(follow)
    floor = np.where(np.isnan(others), own, (own + others) / 2)
    mean = cases.mean("disagreement beyond repeats", flips - floor)
    node = None if mean is None else Contrast("disagreement beyond repeats", mean, plan.suite.tolerance_of(probe.probe))
    before, after = means(source), means(follow)
    return Measured(
        node=node,
        n=mean.count if mean is not None else 0,
        per_item=flips,
        before=before,
        after=after,
        flip_rate=cases.number(flips),
        retest_flip_rate=cases.number(floor),
        source_effect=cases.number(after - before),
    )


def _moved(
    plan: Plan,
    probe: ProbePlan,
    cases: _Cases,
    answers: Answers,
    signed: Mapping[str, np.ndarray],
    flips: np.ndarray,
    source: np.ndarray,
    per_item: np.ndarray,
    before: np.ndarray,
    after: np.ndarray,
    *,
    placebo: np.ndarray | None = None,
) -> Measured:
    """A signed effect that must be 0 both ways (of several what they have in common), and flips that must not exceed
    the judge's own, nor those that a `placebo` causes."""
    tolerance = plan.suite.tolerance_of(probe.probe)
    retest, neutral = repeats(source), _neutral_flips(plan, probe, answers, source)
    shifts = [
        Contrast(name, mean, tolerance, two_sided=True)
        for name, values in signed.items()
        if (mean := cases.mean(name, values)) is not None
    ]
    complete = len(shifts) == len(signed)
    parts: list[Contrast | Least] = [shifts[0] if len(shifts) == 1 else Least(shifts)] if complete else []
    floors: dict[str, np.ndarray | None] = {"repeats": retest, "neutral edits": neutral, "placebo": placebo}
    if (excess := _excess(cases, flips, floors, tolerance)) is not None:
        parts.append(excess)
    return Measured(
        node=Most(parts) if complete else None,
        n=min((shift.mean.count for shift in shifts), default=0) if complete else 0,
        per_item=per_item,
        before=before,
        after=after,
        flip_rate=cases.number(flips),
        retest_flip_rate=cases.number(retest),
        neutral_flip_rate=cases.number(neutral) if neutral is not None else None,
        source_effect=shifts[0].mean.mean if complete else None,
    )


def _must_drop(plan: Plan, probe: ProbePlan, cases: _Cases, source: np.ndarray, follow: np.ndarray) -> Measured:
    min_drop = plan.suite.min_drop_of(probe.probe)
    after = means(follow)
    if plan.task == "pairwise" and not beside_answers(probe.items[0].edits):
        # the undamaged text is the opponent, so an indifferent judge gives .5
        before = np.full_like(after, 0.5)
        lo, hi = -0.5, 0.5
    else:
        before = means(source)
        lo, hi = -1.0, 1.0
    drop = after - before
    mean = cases.mean("drop", drop, lo, hi)
    return Measured(
        node=AtLeastDrop("drop", mean, min_drop) if mean is not None else None,
        n=mean.count if mean is not None else 0,
        per_item=drop,
        before=before,
        after=after,
        retest_flip_rate=cases.number(repeats(source)),
        source_effect=cases.number(drop),
    )


def _retest(plan: Plan, cases: _Cases, source: np.ndarray) -> Measured:
    flips = repeats(source)
    mean = cases.mean("flips between repeats", flips, 0.0, 1.0)
    tolerance = RETEST_TOLERANCE
    if plan.task == "ranking":
        # two random rankings of n: a rank moves by (n^2 - 1) / (3 n) on average, its utility by 1 / (n - 1) of that
        n = plan.sizes[cases.cases]
        tolerance = float(np.mean((n + 1) / (3 * n)))
    return Measured(
        node=Contrast("flips between repeats", mean, tolerance) if mean is not None else None,
        n=mean.count if mean is not None else 0,
        per_item=flips,
        before=means(source),
        after=means(source),
        flip_rate=None if mean is None else mean.mean,
        retest_flip_rate=None if mean is None else mean.mean,
    )
