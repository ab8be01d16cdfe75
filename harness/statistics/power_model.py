"""The contrasts of one case under a noise model: their means, covariances and skewness, worked out exactly.

Every call answers one of two values, so an arm is a count; all counts of all arms are enumerated and put through the
formulas of arms.py. Not here: decisions over many cases (power.py).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from voirdire.harness.cases import Task
from voirdire.harness.relations import Relation

__all__ = ["DETERMINISTIC_SENSITIVITY", "Moments", "NoiseModel", "moments"]

#: share of cases on which a deterministic judge's verdict changes with any edit, in either direction: an assumption
DETERMINISTIC_SENSITIVITY = 0.02
#: by how much of its scale a score judge then moves
_SCORE_STEP = 0.2
#: the drop of a damaged answer that a clean score judge is taken to give, as a share of its scale
_SCORE_DROP = 0.25
#: arms are enumerated up to this many samples; beyond, call noise is overstated a little
_MOST_SAMPLES = 8


@dataclass(frozen=True, slots=True)
class NoiseModel:
    """How far verdicts vary. Build it with one of the class methods.

    `faithful`: probability, in [.5, 1], that a call reports what the judge makes of the content. `right`: share of
    cases, in [0, 1], where that is the truth. `sensitivity`: share of cases where any edit changes it, either way.
    `sd`: of a score judge, the standard deviation of repeats as a share of its scale; None for all others.
    """

    faithful: float
    right: float = 1.0
    sensitivity: float = 0.0
    sd: float | None = None

    def __post_init__(self) -> None:
        if not (0.5 <= self.faithful <= 1 and 0 <= self.right <= 1 and 0 <= self.sensitivity < 1):
            raise ValueError(f"faithful lies in [.5, 1], right in [0, 1], sensitivity in [0, 1): {self}")
        if self.sd is not None and not 0 <= self.sd <= 0.5:
            raise ValueError(f"sd is a share of the scale in [0, .5], got {self.sd}")

    @classmethod
    def from_accuracy(cls, accuracy: float) -> NoiseModel:
        """Every wrong verdict is chance: the variance of a call is p (1 - p). `accuracy` in [.5, 1]."""
        return cls.from_flip_rate(2 * accuracy * (1 - accuracy), accuracy)

    @classmethod
    def from_flip_rate(cls, flip_rate: float, accuracy: float = 0.85) -> NoiseModel:
        """Repeats of a call differ at `flip_rate` in [0, .5], so p (1 - p) = flip_rate / 2; the wrong verdicts beyond
        that are the same every time. `accuracy` is lowered to what such noise allows. 0: a deterministic judge."""
        if not 0 <= flip_rate <= 0.5:
            raise ValueError(f"a flip rate between repeats lies in [0, .5], got {flip_rate}")
        if not 0.5 <= accuracy <= 1:
            raise ValueError(f"an accuracy lies in [.5, 1], got {accuracy}")
        faithful = (1 + math.sqrt(1 - 2 * flip_rate)) / 2
        spread = 2 * faithful - 1
        right = 1.0 if spread < 1e-9 else min(1.0, max(0.0, (accuracy - (1 - faithful)) / spread))
        return cls(faithful, right, DETERMINISTIC_SENSITIVITY if flip_rate == 0 else 0.0)

    @classmethod
    def deterministic(cls, accuracy: float = 0.85, sensitivity: float = DETERMINISTIC_SENSITIVITY) -> NoiseModel:
        """Equal content, equal answer: only cases differ. `sensitivity`: share of cases that respond to any edit."""
        return cls(1.0, accuracy, sensitivity)

    @classmethod
    def scores(cls, sd: float) -> NoiseModel:
        """A score judge whose repeats have this standard deviation (share of the scale); 0: a deterministic one."""
        return cls(1.0, 1.0, DETERMINISTIC_SENSITIVITY if sd == 0 else 0.0, sd)

    @property
    def flip_rate(self) -> float:
        """Mean absolute change between repeats, as reports print it (a score judge's noise taken as normal)."""
        if self.sd is not None:
            return 2 * self.sd / math.sqrt(math.pi)
        return 2 * self.faithful * (1 - self.faithful)

    @property
    def is_deterministic(self) -> bool:
        return self.flip_rate == 0

    @property
    def accuracy(self) -> float:
        return self.right * self.faithful + (1 - self.right) * (1 - self.faithful)

    def largest_gain(self, task: Task) -> float:
        """The largest effect of an edit that the model can express."""
        return 0.5 if task == "score" else self.faithful

    def largest_drop(self, task: Task) -> float:
        return 0.5 if task in ("pairwise", "score") else self.right * (2 * self.faithful - 1)

    def clean_drop(self, task: Task) -> float:
        """The effect (negative) of a damage on a judge that notices it as often as its accuracy says."""
        if task == "score":
            return -_SCORE_DROP
        if task == "pairwise":
            return 0.5 - self.accuracy
        return -self.right * self.right * (2 * self.faithful - 1)


class Moments(NamedTuple):
    """Of the contrasts of one case (or group of cases), in the order of the decision's parts.

    `outcomes`: where calls have no noise of their own, all that a case can show, as {contrasts: probability}; else
    empty.
    """

    mean: tuple[float, ...]
    covariance: tuple[tuple[float, ...], ...]
    sd: tuple[float, ...]
    skew: tuple[float, ...]
    outcomes: Mapping[tuple[float, ...], float]


class _Call(NamedTuple):
    """What one call answers: `high` with probability `p`, else `low`."""

    low: float
    high: float
    p: float


class _Arm:
    """All counts of `high` among `samples` calls: their share and probability, along `axis` of the enumeration."""

    def __init__(self, call: _Call, samples: int, axis: int, axes: int) -> None:
        k = np.arange(samples + 1)
        shape = [1] * axes
        shape[axis] = samples + 1
        ways = np.asarray([math.comb(samples, int(i)) for i in k])
        self.weight: np.ndarray = (ways * call.p**k * (1 - call.p) ** (samples - k)).reshape(shape)
        self.share: np.ndarray = (k / samples).reshape(shape)
        self.call, self.samples = call, samples

    @property
    def mean(self) -> np.ndarray:
        return self.call.low + (self.call.high - self.call.low) * self.share

    def repeats(self) -> np.ndarray:
        """As arms.repeats: mean absolute change over pairs of its calls."""
        differing = self.share * (1 - self.share) * 2 * self.samples / (self.samples - 1)
        result: np.ndarray = differing * abs(self.call.high - self.call.low)
        return result

    def changes(self, other: _Arm) -> np.ndarray:
        """As arms.changes: mean absolute change over pairs of a call here and a call there."""
        out: np.ndarray = np.zeros(1)
        for (a, i), (b, j) in itertools.product(self._values(), other._values()):
            out = out + i * j * abs(a - b)
        return out

    def _values(self) -> list[tuple[float, np.ndarray]]:
        return [(self.call.low, 1 - self.share), (self.call.high, self.share)]


#: a kind of case: its share, and what a call of each arm answers
_Kind = tuple[float, tuple[_Call, ...]]


def moments(
    relation: Relation,
    noise: NoiseModel,
    effect: float,
    *,
    task: Task = "pairwise",
    samples: int = 1,
    sham: bool = False,
    counterpart: bool = False,
    neutral: bool = True,
    per_group: float = 1.0,
) -> Moments:
    """The contrasts of `relation` for one case at a true `effect`. Raises ValueError for an effect out of reach."""
    few = min(samples, _MOST_SAMPLES)
    sizes: tuple[int, ...]
    repeated = per_group
    if relation is Relation.EQUIVARIANT:
        kinds, sizes = _order_kinds(noise, effect), (max(2, few), max(2, few), few, few)
    else:
        others = 2 if relation is Relation.INVARIANT and sham else 1
        if relation is Relation.MUST_DROP:
            kinds = _drop_kinds(noise, effect, task)
        else:
            kinds = _kinds(noise, effect, task, others)
        sizes = (max(2, few), few, *[few] * others)
        if task in ("pairwise", "ranking"):
            repeated = 2 * per_group  # both orders, independent once it is given how the case responds
    weights, means, covariances, thirds = [], [], [], []
    for weight, calls in kinds:
        if weight < -1e-9:
            raise ValueError(f"an effect of {effect:g} is beyond what {noise} can show")
        if weight <= 0:
            continue
        arms = [_Arm(c, size, axis, len(calls)) for axis, (c, size) in enumerate(zip(calls, sizes, strict=False))]
        chance = math.prod((arm.weight for arm in arms), start=np.ones([1] * len(arms)))
        values = np.stack(
            [
                np.broadcast_to(v, chance.shape).ravel()
                for v in _contrasts(relation, arms, task, sham, counterpart, neutral)
            ]
        )
        p = chance.ravel()
        mean = values @ p
        centred = values - mean[:, None]
        weights.append(weight)
        means.append(mean)
        covariances.append((centred * p) @ centred.T / repeated)
        thirds.append((centred**3) @ p / repeated**2)
    w = np.asarray(weights) / math.fsum(weights)
    inner = np.asarray(means)
    mean = w @ inner
    gap = inner - mean
    covariance = np.einsum("i,ijk->jk", w, np.asarray(covariances)) + np.einsum("i,ij,ik->jk", w, gap, gap)
    variance = np.diag(covariance)
    third = w @ (np.asarray(thirds) + 3 * gap * np.einsum("ijj->ij", np.asarray(covariances)) + gap**3)
    sd = np.sqrt(np.where(variance < 1e-18, 0.0, variance))
    skew = np.divide(third, sd**3, out=np.zeros_like(third), where=sd > 0)
    outcomes: dict[tuple[float, ...], float] = {}
    if not np.any(covariances):
        for share, values in zip(w.tolist(), inner.tolist(), strict=True):
            outcomes[tuple(values)] = outcomes.get(tuple(values), 0.0) + share
    return Moments(
        mean=tuple(mean.tolist()),
        covariance=tuple(map(tuple, covariance.tolist())),
        sd=tuple(sd.tolist()),
        skew=tuple(skew.tolist()),
        outcomes=outcomes,
    )


def _contrasts(
    relation: Relation, arms: Sequence[_Arm], task: Task, sham: bool, counterpart: bool, neutral: bool
) -> list[np.ndarray]:
    """The estimands (estimands.py) of one case, for all counts of its arms."""
    if relation is Relation.EQUIVARIANT:
        first, second, plain_first, plain_second = arms
        flips = first.changes(second)
        preference = first.mean - second.mean
        if neutral:
            preference = (preference + plain_first.mean - plain_second.mean) / 2
        out = [preference, flips - (first.repeats() + second.repeats()) / 2]
        if neutral:
            out.append(flips - (first.changes(plain_first) + second.changes(plain_second)) / 2)
        return out
    source, follow, other, *more = arms
    if relation is Relation.RETEST:
        return [source.repeats()]
    if relation is Relation.MUST_DROP:
        return [follow.mean - 0.5 if task == "pairwise" else follow.mean - source.mean]
    if relation is Relation.INVARIANT:
        flips = source.changes(follow)
        shifts = [follow.mean - placebo.mean for placebo in more]
        if not (shifts and counterpart):
            shifts.append(follow.mean - source.mean)
        floors = [other, *more] if neutral else more
        return [*shifts, flips - source.repeats(), *(flips - source.changes(floor) for floor in floors)]
    return [follow.mean - other.mean, follow.mean - source.mean] if sham else [follow.mean - source.mean]


def _says(noise: NoiseModel, wins: bool) -> _Call:
    """A call about a content of which the judge makes this."""
    return _Call(0.0, 1.0, noise.faithful if wins else 1 - noise.faithful)


def _flips(noise: NoiseModel, n: int) -> Iterator[tuple[float, tuple[bool, ...]]]:
    """Which of n edited contents the judge sees otherwise than the source, each with probability `sensitivity`."""
    for flipped in itertools.product((False, True), repeat=n):
        yield math.prod(noise.sensitivity if f else 1 - noise.sensitivity for f in flipped), flipped


def _kinds(noise: NoiseModel, effect: float, task: Task, others: int) -> Iterator[_Kind]:
    """source, follow-up, and `others`: sham or neutral edit, or the neutral edit and then the sham. Half of all cases
    have the target winning; those that respond to the edit have it losing, and then win always."""
    if task == "score" and noise.sd is not None:
        yield from _score_kinds(noise, effect, noise.sd, others)
        return
    share = effect / noise.faithful
    for p, turned in _flips(noise, others):
        yield share * p, (_says(noise, False), _Call(0.0, 1.0, 1.0), *(_says(noise, other) for other in turned))
    for wins in (False, True):
        for p, turned in _flips(noise, 1 + others):
            yield (1 - share) / 2 * p, (_says(noise, wins), *(_says(noise, wins != edited) for edited in turned))


def _score_kinds(noise: NoiseModel, effect: float, sd: float, others: int = 1) -> Iterator[_Kind]:
    """Half of the cases respond, by twice the effect; a call is off by `sd`, up or down."""

    def call(shift: float) -> _Call:
        return _Call(0.5 + shift - sd, 0.5 + shift + sd, 0.5)

    for gain, sign in itertools.product((0.0, 2 * effect), (1, -1)):
        for p, (follow, *turned) in _flips(noise, 1 + others):
            step = sign * _SCORE_STEP
            yield 0.25 * p, (call(0.0), call(gain + step * follow), *(call(step * other) for other in turned))


def _drop_kinds(noise: NoiseModel, effect: float, task: Task) -> Iterator[_Kind]:
    """source, damaged, (unused). A share of the cases notices the damage, in both orders."""
    if task == "score" and noise.sd is not None:
        yield from _score_kinds(noise, effect, noise.sd)
        return
    room = noise.faithful - 0.5
    if task == "pairwise":
        if -effect > room - 1e-12:  # more than its noise leaves to such a judge: a less noisy one
            yield 1.0, (_says(noise, True), _Call(0.0, 1.0, 0.5 + effect), _says(noise, True))
            return
        notice = (room - effect) / (2 * room)
        yield notice, (_says(noise, True), _says(noise, False), _says(noise, True))
        yield 1 - notice, (_says(noise, True), _says(noise, True), _says(noise, True))
        return
    notice = 0.0 if noise.right * room == 0 else -effect / (2 * room) / noise.right
    yield 1 - noise.right, (_says(noise, False), _says(noise, False), _says(noise, False))
    yield noise.right * notice, (_says(noise, True), _says(noise, False), _says(noise, True))
    yield noise.right * (1 - notice), (_says(noise, True), _says(noise, True), _says(noise, True))


def _order_kinds(noise: NoiseModel, effect: float) -> Iterator[_Kind]:
    """The target in its own slot and in the other, and the same with the neutral edit. A share of cases takes the
    first slot whatever stands there."""
    always, never = _Call(0.0, 1.0, 1.0), _Call(0.0, 1.0, 0.0)
    yield effect, (always, never, always, never)
    for wins in (False, True):
        for p, (swap, one, two) in _flips(noise, 3):
            calls = (wins, wins != swap, wins != one, (wins != swap) != two)
            yield (1 - effect) / 2 * p, tuple(_says(noise, w) for w in calls)  # the judge follows the content
