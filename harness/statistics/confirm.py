"""Sequential tests on one example: does it do that to a noisy judge, and how often?

Each answer of the judge is a yes or no ("the verdict moved", "the assertion failed"). `Wald` decides between "usually"
and "rarely" in as few answers as possible: for a search, which asks about many examples. `Confirmation` proves that
the probability lies above a floor, and gives a lower bound that stays true however the end was chosen: for what is
reported in the end, on answers that the search never saw. `Noisy` and `Certain` hand out both to the minimiser.

Not here: which examples are asked about (perturbations/search), means over cases (means.py), looks at a whole run
(sequential.py). Plain mathematics: importing this loads nothing.

Sources: A. Wald, "Sequential Tests of Statistical Hypotheses", Ann. Math. Stat. 16 (1945); mixtures of likelihood
ratios as in H. Robbins, Ann. Math. Stat. 41 (1970).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

__all__ = ["Certain", "Confirmation", "Noisy", "Wald", "lower_bound"]

#: where the alternatives of `Confirmation` lie between its floor and 1: noise of a tenth, of a twentieth, nearly none
_ALTERNATIVES = (0.5, 0.75, 0.95)
#: how much surer `Confirmation` must be of its False than of its True, as a log likelihood ratio
_PATIENCE = math.log(10)


@dataclass(slots=True)
class Wald:
    """Does it happen with probability `high` or more (True), or `low` or less (False)? Wald's sequential test.

    `false_yes` bounds the chance of True where the truth is `low` or less, `false_no` that of False where it is `high`
    or more, each up to Wald's approximation, which errs on the safe side. Between `low` and `high` either answer is
    right. All four lie in (0, 1); raises ValueError otherwise.
    """

    low: float
    high: float
    false_yes: float
    false_no: float
    k: int = 0
    n: int = 0
    _yes: float = field(init=False, repr=False)
    _no: float = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if not 0 < self.low < self.high < 1:
            raise ValueError(f"Wald's test needs 0 < low < high < 1, got {self.low} and {self.high}")
        if not (0 < self.false_yes < 0.5 and 0 < self.false_no < 0.5):
            raise ValueError(f"errors must lie in (0, .5), got {self.false_yes} and {self.false_no}")
        self._yes = math.log((1 - self.false_no) / self.false_yes)
        self._no = math.log(self.false_no / (1 - self.false_yes))

    def add(self, happened: bool) -> None:
        self.k += happened
        self.n += 1

    @property
    def decision(self) -> bool | None:
        """True, False, or None while more answers are needed."""
        return self._decide(self.k, self.n)

    def needed(self) -> int:
        """The fewest further answers that could decide: so many may be asked at once without wasting one; 0 if done."""
        if self.decision is not None:
            return 0
        gap = self._ratio(self.k, self.n)
        up = math.log(self.high / self.low)
        down = math.log((1 - self.low) / (1 - self.high))
        return max(1, min(math.ceil((self._yes - gap) / up - 1e-9), math.ceil((gap - self._no) / down - 1e-9)))

    def _decide(self, k: int, n: int) -> bool | None:
        ratio = self._ratio(k, n)
        if ratio >= self._yes - 1e-12:
            return True
        return False if ratio <= self._no + 1e-12 else None

    def _ratio(self, k: int, n: int) -> float:
        return k * math.log(self.high / self.low) + (n - k) * math.log((1 - self.high) / (1 - self.low))


@dataclass(slots=True)
class Confirmation:
    """Is the probability above `least`? True is wrong with probability at most `error`, whenever one stops.

    The evidence is a mixture of likelihood ratios of probabilities above `least` against `least` itself, which no
    probability up to `least` lets exceed 1 / `error` more often than `error` (Ville's inequality). False says that the
    probability is not as high as half-way between `least` and 1, at an error of `error` / 10: what a search has found
    with care is not given up lightly.
    """

    least: float
    error: float
    k: int = 0
    n: int = 0

    def __post_init__(self) -> None:
        if not (0 < self.least < 1 and 0 < self.error < 1):
            raise ValueError(f"least and error must lie in (0, 1), got {self.least} and {self.error}")

    def add(self, happened: bool) -> None:
        self.k += happened
        self.n += 1

    @property
    def decision(self) -> bool | None:
        """True, False, or None while more answers are needed."""
        return self._decide(self.k, self.n)

    def needed(self) -> int:
        """The fewest further answers that could decide; 0 if it is decided."""
        if self.decision is not None:
            return 0
        more = 1
        while self._decide(self.k + more, self.n + more) is None and self._decide(self.k, self.n + more) is None:
            more += 1
        return more

    @property
    def lower(self) -> float:
        """The probability is at least this, at confidence 1 - `error`, whenever one stopped."""
        return lower_bound(self.k, self.n, self.error)

    def _decide(self, k: int, n: int) -> bool | None:
        limit = -math.log(self.error)
        if _evidence(k, n, self.least) >= limit:
            return True
        high = (1 + self.least) / 2
        against = k * math.log(self.least / high) + (n - k) * math.log((1 - self.least) / (1 - high))
        return False if against >= limit + _PATIENCE else None


def _evidence(k: int, n: int, floor: float) -> float:
    """Log of the mixture likelihood ratio against probability `floor`."""
    terms = []
    for share in _ALTERNATIVES:
        p = floor + share * (1 - floor)
        terms.append(k * math.log(p / floor) + (n - k) * math.log((1 - p) / (1 - floor)))
    top = max(terms)
    return top + math.log(sum(math.exp(t - top) for t in terms) / len(terms))


def lower_bound(k: int, n: int, error: float) -> float:
    """A lower confidence bound for a probability after k of n, at level 1 - `error`; holds at every n at once."""
    low, high = 0.0, k / n if n else 0.0
    for _ in range(40):  # bisection: the evidence against a floor falls as the floor rises towards k / n
        middle = (low + high) / 2
        if middle > 0 and _evidence(k, n, middle) >= -math.log(error):
            low = middle
        else:
            high = middle
    return low


@dataclass(slots=True)
class _Once:
    """The answer of a judge that always answers the same: the first one decides."""

    k: int = 0
    n: int = 0

    def add(self, happened: bool) -> None:
        self.k += happened
        self.n += 1

    @property
    def decision(self) -> bool | None:
        return self.k == self.n if self.n else None

    def needed(self) -> int:
        return 0 if self.n else 1

    @property
    def lower(self) -> float:
        return float(self.n > 0 and self.k == self.n)


@dataclass(frozen=True, slots=True)
class Noisy:
    """Tests for a judge whose answers vary. What is reported is proved to happen with a probability above `least`.

    Candidates are told apart from chance (`low`, .5) and from doing it nearly always (half-way between `least` and 1),
    so that what the search keeps has a fair chance of being confirmed. `pilot`: calls that measure a utility.
    """

    least: float = 0.8
    low: float = 0.5
    pilot: int = 5

    def trial(self, error: float) -> Wald:
        return Wald(self.low, (1 + self.least) / 2, error, error)

    def confirmation(self, error: float) -> Confirmation:
        return Confirmation(self.least, error)


@dataclass(frozen=True, slots=True)
class Certain:
    """Tests for a deterministic judge (`Judge.deterministic`): every question is asked once."""

    pilot: int = 1

    def trial(self, error: float) -> _Once:  # noqa: ARG002 - a judge without noise makes no errors
        return _Once()

    def confirmation(self, error: float) -> _Once:  # noqa: ARG002
        return _Once()
