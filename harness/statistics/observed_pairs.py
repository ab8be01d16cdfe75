"""Preferences of pairwise judges read off their verdicts: slot, length, lists, formatting, models, own family.

Where labels exist, a feature's effect is the excess of wrong verdicts towards it, by itself (`balanced`) and with
slot, the other features and, set by set, the label held fixed (`slope`); both must stand. Without labels it is the
plain difference of wins and losses, which quality may explain as well. The slot needs no label where a pair was judged
in both orders.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from voirdire.harness.cases import Case
from voirdire.harness.observations import Odds, Position
from voirdire.harness.statistics import metric_position as position
from voirdire.harness.statistics import observed_features as features
from voirdire.harness.statistics.means import Mean, estimate
from voirdire.harness.statistics.metric_preference import proba_prefer_longer, verbosity_bias
from voirdire.harness.statistics.observed_decisions import Measured
from voirdire.harness.statistics.observed_fit import FEWEST, balanced, label_errors, odds, slope

__all__ = ["MOST_MODELS", "PairTable", "left_out_models", "measure_pairs", "position_of"]

#: pairs a model must stand in before anything is said about it, and models reported at most
FEWEST_MODEL, MOST_MODELS = 20, 10
#: pairs that make a set of cases one of its own, and sets told apart at most
FEWEST_IN_SET, MOST_SETS = 20, 20

NEEDS_TEXTS = "needs the texts of the answers (--cases FILE)"


@dataclass(frozen=True, slots=True)
class PairTable:
    """`wins` (cases, 2): utility of response 0 in the given and in the swapped order, repeats averaged, NaN missing.
    `truth` (cases,): 1 where the label names response 0, 0 where response 1, .5 a tie, NaN unknown. `groups` (cases,):
    clusters. `cases`: None for a case whose texts are not known."""

    wins: np.ndarray
    truth: np.ndarray
    groups: np.ndarray
    cases: Sequence[Case | None]

    def content(self) -> np.ndarray:
        """(cases,): utility of response 0, orders averaged."""
        known = ~np.isnan(self.wins)
        count = known.sum(axis=1)
        total = np.where(known, self.wins, 0.0).sum(axis=1)
        return np.where(count > 0, total / np.maximum(count, 1), np.nan)

    def sided(self) -> np.ndarray:
        """The truth without ties."""
        return np.where(self.truth == 0.5, np.nan, self.truth)


@dataclass(frozen=True, slots=True)
class _Feature:
    """`has` (cases,): +1 where response 0 alone has it, -1 where response 1 does, 0 where neither or both."""

    name: str
    has: np.ndarray
    #: a finer measure of it for the logistic model, with the words for one step
    graded: np.ndarray | None = None
    unit: str = ""


def measure_pairs(table: PairTable, *, own: str | None, alpha: float) -> list[Measured]:
    """Every preference of one judge. `own`: the maker of the judge's model, where its name tells."""
    plain = _features(table.cases)
    found = [_slot(table)]
    if not any(case is not None for case in table.cases):
        return [*found, *(Measured(name, needs=NEEDS_TEXTS) for name in ("longer", "list", "formatting"))]
    found += [_preference(f, table, plain, alpha) for f in plain]
    found[1] = replace(found[1], metrics=_length_metrics(table))
    found += [_preference(f, table, plain, alpha) for f in _by_model(table.cases, own)]
    return found


def position_of(table: PairTable) -> Position | None:
    """Consistency over the pairs judged in both orders; None where there is none."""
    both = table.wins[~np.isnan(table.wins).any(axis=1)]
    if not len(both):
        return None
    consistent = position.position_consistency(both, tie=float(np.mean(both == 0.5)))
    first, second = position.biased_to_first(both), position.biased_to_second(both)
    return Position(len(both), consistent.value, first.value, second.value, consistent.chance)


def left_out_models(cases: Sequence[Case | None]) -> int:
    """How many models stand in too few pairs, or behind too many others, to be reported."""
    counts = _model_counts(cases)
    return len(counts) - len(_reported(counts))


# ----------------------------------------------------------------------------------------------------------- the slot


def _slot(table: PairTable) -> Measured:
    """Utility in the first slot less that in the second; with one order only, as any other feature."""
    both = ~np.isnan(table.wins).any(axis=1)
    wins = table.wins[both]
    if np.unique(table.groups[both]).size >= FEWEST:
        mean = estimate(wins[:, 0] - wins[:, 1], table.groups[both])
        share = estimate(np.column_stack([wins[:, 0], 1 - wins[:, 1]]).mean(axis=1), table.groups[both], lo=0.0)
        assert mean is not None
        return Measured("first slot", "paired", [mean], share=share)
    # one row a recorded order; the featured response is the one that stood first
    rows = [(i, order) for i in range(len(table.wins)) for order in (0, 1) if not np.isnan(table.wins[i, order])]
    if not rows:
        return Measured("first slot", needs="needs verdicts")
    at, order = np.array(rows).T
    first = np.where(order == 0, table.wins[at, order], 1 - table.wins[at, order])
    truth = np.where(order == 0, table.sided()[at], 1 - table.sided()[at])
    groups = table.groups[at]
    share = estimate(first, groups, lo=0.0)
    effect = balanced(first, truth, groups)
    if effect is not None:
        return Measured("first slot", "labels", [effect], share=share, label_errors=label_errors(first, truth))
    plain = estimate(2 * first - 1, groups)
    assert plain is not None
    if plain.n < FEWEST:
        return Measured("first slot", needs=f"needs {FEWEST} pairs or more")
    needs = "needs both orders of each pair, or labels; if the order was drawn at random, quality cannot explain it"
    return Measured("first slot", "raw", [plain], needs=needs, share=share)


# ------------------------------------------------------------------------------------------------------------ features


def _features(cases: Sequence[Case | None]) -> list[_Feature]:
    def alone(has: list[tuple[bool, bool]]) -> np.ndarray:
        return np.array([float(a) - float(b) for a, b in has])

    texts = [case.responses if case is not None else ("", "") for case in cases]
    gap = np.array([features.log_length(a) - features.log_length(b) for a, b in texts])
    longer = np.where(np.abs(gap) >= np.log2(features.LONGER_RATIO), np.sign(gap), 0.0)
    lists = alone([(features.has_list(a), features.has_list(b)) for a, b in texts])
    looks = alone([(features.has_formatting(a), features.has_formatting(b)) for a, b in texts])
    return [
        _Feature("longer", longer, gap, "doubling of length"),
        _Feature("list", lists, lists, "having a list"),
        _Feature("formatting", looks, looks, "having bold words, headings, code or tables"),
    ]


def _model_counts(cases: Sequence[Case | None]) -> Counter[str]:
    pairs = (set(features.models_of(case)) for case in cases if case is not None)
    return Counter(m for models in pairs if len(models) == 2 and None not in models for m in models if m is not None)


def _reported(counts: Counter[str]) -> list[str]:
    return [m for m, n in counts.most_common(MOST_MODELS) if n >= FEWEST_MODEL]


def _by_model(cases: Sequence[Case | None], own: str | None) -> Iterator[_Feature]:
    """Each model against all others; and the models of the judge's own maker against those of others."""
    counts = _model_counts(cases)
    if not counts:
        return
    pairs = [features.models_of(case) if case is not None else (None, None) for case in cases]

    def against(test: dict[str, bool]) -> np.ndarray:
        return np.array([float(test[a]) - float(test[b]) if a is not None and b is not None else 0.0 for a, b in pairs])

    for model in _reported(counts):
        has = against({m: m == model for m in {m for pair in pairs for m in pair if m is not None}})
        yield _Feature(f"model {model}", has, has, f"being by {model}")
    if own is not None:
        has = against({m: features.family_of(m) == own for m in {m for pair in pairs for m in pair if m is not None}})
        if np.any(has != 0):
            yield _Feature(f"own family ({own})", has, has, f"being by a model of {own}")


def _preference(feature: _Feature, table: PairTable, plain: Sequence[_Feature], alpha: float) -> Measured:
    wins, truth = table.content(), table.sided()
    eligible = (feature.has != 0) & ~np.isnan(wins)
    if np.unique(table.groups[eligible]).size < FEWEST:
        return Measured(feature.name, needs=_too_few(int(eligible.sum())))
    featured = np.where(feature.has > 0, wins, 1 - wins)[eligible]
    better = np.where(feature.has > 0, truth, 1 - truth)[eligible]
    groups = table.groups[eligible]
    share = estimate(featured, groups, lo=0.0)
    others = [f for f in plain if f.name != feature.name]
    effect = balanced(featured, better, groups)
    ratio = _odds(feature, others, table, with_label=effect is not None, alpha=alpha)
    if effect is None:
        mean = estimate(2 * featured - 1, groups)
        assert mean is not None
        labelled = int(np.sum(~np.isnan(better)))
        needs = "needs labels: what it prefers may be better" if not labelled else "needs labels on more pairs"
        return Measured(feature.name, "raw", [mean], needs=needs, share=share, odds=ratio)
    fixed = _adjusted(feature, others, table)
    if fixed is None:
        return Measured(feature.name, needs="it always goes with the slot or another feature", share=share)
    return Measured(
        feature.name,
        "labels",
        [effect, fixed],
        share=share,
        odds=ratio,
        label_errors=label_errors(featured, better),
    )


def _too_few(pairs: int) -> str:
    if pairs == 0:
        return "no two answers to a question differ in it"
    return f"only {pairs} pairs differ in it" if pairs > 1 else "only one pair differs in it"


def _rows(table: PairTable, *, labelled: bool) -> tuple[np.ndarray, np.ndarray]:
    """Cases and orders of the rows of a fit."""
    usable = ~np.isnan(table.wins)
    if labelled:
        usable &= ~np.isnan(table.sided())[:, None]
    at, order = np.nonzero(usable)
    return at, order


def _adjusted(feature: _Feature, others: Sequence[_Feature], table: PairTable) -> Mean | None:
    at, order = _rows(table, labelled=True)
    columns = [feature.has[at], _skill(table, at), 1.0 - 2 * order, *(f.has[at] for f in others)]
    return slope(2 * table.wins[at, order] - 1, np.column_stack(columns), table.groups[at])


def _skill(table: PairTable, at: np.ndarray) -> np.ndarray:
    """Columns whose coefficients are the judge's skill, a set each: sets in which the featured answer is often the
    worse one may also be the harder ones."""
    labels: np.ndarray = (2 * table.truth[at] - 1)[:, None] * _sets(table.cases)[at]
    return labels


def _sets(cases: Sequence[Case | None]) -> np.ndarray:
    """(cases, sets): 1 where the case belongs to the set, by `meta["source"]` and `meta["category"]`. Small sets and
    those beyond the largest are one."""
    names = [str([case.meta.get(k) for k in ("source", "category")]) if case is not None else "" for case in cases]
    large = [name for name, n in Counter(names).most_common(MOST_SETS) if n >= FEWEST_IN_SET]
    number = {name: i for i, name in enumerate(large)}
    # an empty last column would make the fit singular
    columns = len(large) + any(name not in number for name in names)
    member: np.ndarray = np.eye(columns)[[number.get(name, len(large)) for name in names]]
    return member


def _odds(
    feature: _Feature, others: Sequence[_Feature], table: PairTable, *, with_label: bool, alpha: float
) -> Odds | None:
    at, order = _rows(table, labelled=with_label)
    graded = feature.graded if feature.graded is not None else feature.has
    columns = [graded[at], 1.0 - 2 * order]
    columns += [_skill(table, at)] if with_label else []
    columns += [(f.graded if f.graded is not None else f.has)[at] for f in others]
    x = np.column_stack(columns)
    return odds(table.wins[at, order], x, table.groups[at], unit=feature.unit, step=1.0, alpha=alpha)


def _length_metrics(table: PairTable) -> dict[str, float | None]:
    """The published numbers on length, AlpacaEval's and Saito et al.'s, over the verdicts of both orders."""
    at, order = np.nonzero(~np.isnan(table.wins) & np.array([[c is not None] for c in table.cases]))
    texts = [case.responses if case is not None else ("", "") for case in table.cases]
    lengths = np.array([[len(t) for t in pair] for pair in texts], dtype=float)[at]
    wins, truth = table.wins[at, order], table.truth[at]
    longer, differ = lengths[:, 0] > lengths[:, 1], lengths[:, 0] != lengths[:, 1]
    judged = np.where(longer, wins, 1 - wins)[differ]
    people = np.where(longer, truth, 1 - truth)[differ]
    found = {"proba_prefer_longer": proba_prefer_longer(wins, lengths[:, 0], lengths[:, 1]).value}
    if np.any(~np.isnan(people)):
        found["verbosity_bias"] = verbosity_bias(judged, people).value
    return found
