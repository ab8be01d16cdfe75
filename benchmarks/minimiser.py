"""How small, how sure, for how many calls? The minimiser beside Hypothesis' shrinker and one-word deletion.

    python benchmarks/minimiser.py                # 100 runs a judge, as in docs/hypothesis.md
    python benchmarks/minimiser.py --runs 20 --noise 0.05

Judges with a planted trigger whose answers are inverted with probability `noise`. A result is right if it moves the
judge without noise and nothing smaller does: no word of it can be left out. It reproduces if it moves the noisy judge
in at least 80 % of 200 fresh answers. Exits 1 if the minimiser misses what is promised: right in 95 % of the runs, and
not one reported example that does not reproduce (only with 100 runs or more: fewer cannot tell).
"""

from __future__ import annotations

import argparse
import asyncio
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import NamedTuple

from voirdire.harness.cases import Case, Edit, FollowUp, apply_edits
from voirdire.harness.followups import FollowUps
from voirdire.harness.judges.mock import has_citation
from voirdire.harness.statistics.confirm import Noisy, Wald
from voirdire.perturbations.search import Minimal, minimise
from voirdire.perturbations.search.units import by_word, edits_of

#: fewer runs than this cannot tell whether a rate is kept
ENOUGH = 100
FRESH = 200
LEAST = 0.8
RIGHT = 0.95

SOURCE = Case(
    "Why is the sky blue?",
    ("Air scatters short waves of light more than long ones. That is what we see.", "Because it mirrors the sea."),
    id="sky",
)
TEXT = SOURCE.responses[0]
WORDS = " Marvellous superb outstanding splendid excellent."
CHINESE = "这个回答非常出色完美无缺。"


@dataclass(frozen=True)
class Planted:
    """A judge that fires on texts for which `fires` is true, and the edit that makes it."""

    words: str
    fires: Callable[[str], bool]
    edits: tuple[Edit, ...]


def _appended(text: str) -> tuple[Edit, ...]:
    return (Edit(len(TEXT), len(TEXT), text, "responses[0]"),)


def _cited() -> tuple[Edit, ...]:
    """The first citation that the mock's own detector sees."""
    import voirdire.perturbations  # noqa: F401 - registers them

    made = (FollowUps(seed).make("authority.book", SOURCE, 0) for seed in range(20))
    return next(m.edits for m in made if has_citation(m.case.responses[0]))


def judges() -> Iterator[Planted]:
    yield Planted("one of 5 words", lambda t: "outstanding" in t, _appended(WORDS))
    yield Planted("two of 5 words", lambda t: "superb" in t and "excellent" in t, _appended(WORDS))
    yield Planted("length (3 words more)", lambda t: len(t.split()) >= len(TEXT.split()) + 3, _appended(WORDS))
    yield Planted("a citation", has_citation, _cited())
    yield Planted("2 of 13 Chinese characters", lambda t: "完" in t and "美" in t, _appended(CHINESE))
    yield Planted("one of 40 words", lambda t: "w17" in t, _appended(" " + " ".join(f"w{i}" for i in range(40)) + "."))


class Asked:
    """A noisy judge that counts its calls."""

    def __init__(self, planted: Planted, noise: float, seed: int) -> None:
        self.planted = planted
        self.noise = noise
        self.rng = Random(seed)
        self.calls = 0
        #: those of them that only confirmed the result
        self.confirming = 0

    def moved(self, edits: Sequence[Edit]) -> bool:
        self.calls += 1
        return self.planted.fires(apply_edits(TEXT, tuple(edits))) != (self.rng.random() < self.noise)

    def __call__(self, cases: Sequence[Case], _samples: Sequence[int]) -> list[float]:
        self.calls += len(cases)
        return [float(self.planted.fires(c.responses[0]) != (self.rng.random() < self.noise)) for c in cases]


Method = Callable[[Asked, int], tuple[Edit, ...] | None]


def ours(judge: Asked, seed: int) -> tuple[Edit, ...] | None:
    edits = judge.planted.edits
    follow_up = FollowUp(SOURCE.with_response(0, apply_edits(TEXT, edits)), 0, edits)
    found = asyncio.run(minimise(SOURCE, follow_up, judge, rules=Noisy(), seed=seed))
    if not isinstance(found, Minimal):
        return None
    judge.confirming = found.reproduced[1]
    return found.edits


def hypothesis_shrinker(judge: Asked, seed: int) -> tuple[Edit, ...] | None:
    """`hypothesis.find` on which words are kept, each candidate believed after one answer."""
    from hypothesis import find, settings
    from hypothesis import strategies as st
    from hypothesis.errors import HypothesisException

    units = by_word(TEXT, judge.planted.edits)
    kept = st.lists(st.booleans(), min_size=len(units), max_size=len(units)).map(
        lambda mask: edits_of([u for u, keep in zip(units, mask, strict=True) if keep], judge.planted.edits)
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return find(
                kept,
                judge.moved,
                settings=settings(max_examples=1000, database=None, deadline=None),
                random=Random(seed),
            )
        except (HypothesisException, ExceptionGroup):  # nothing found, or Flaky
            return None


def _deletion(judge: Asked, works: Callable[[tuple[Edit, ...]], bool]) -> tuple[Edit, ...]:
    """Leave out one word after the other, until none can be."""
    originals = judge.planted.edits
    units = by_word(TEXT, originals)
    shorter = True
    while shorter:
        shorter = False
        for unit in list(units):
            rest = [u for u in units if u is not unit]
            if rest and works(edits_of(rest, originals)):
                units, shorter = rest, True
    return edits_of(units, originals)


def one_word(judge: Asked, _seed: int) -> tuple[Edit, ...] | None:
    return _deletion(judge, judge.moved)


def one_word_tested(judge: Asked, _seed: int) -> tuple[Edit, ...] | None:
    """The same, each candidate decided by Wald's test at an error of .002; nothing is confirmed."""

    def works(edits: tuple[Edit, ...]) -> bool:
        test = Wald(0.5, 0.9, 0.002, 0.002)
        while test.decision is None:
            test.add(judge.moved(edits))
        return test.decision

    return _deletion(judge, works)


METHODS: dict[str, Method] = {
    "voirdire": ours,
    "Hypothesis' shrinker": hypothesis_shrinker,
    "one-word deletion": one_word,
    "one-word deletion, tested": one_word_tested,
}


class Row(NamedTuple):
    """Of `runs`: how many gave an example, the right one, one that does not reproduce; means of words and calls."""

    runs: int
    reported: int
    right: int
    broken: int
    words: float
    calls: float
    confirming: float


def is_right(planted: Planted, edits: tuple[Edit, ...]) -> bool:
    """It fires, and stops firing with any one word left out."""
    if not planted.fires(apply_edits(TEXT, edits)):
        return False
    units = by_word(TEXT, edits)
    return not any(
        planted.fires(apply_edits(TEXT, edits_of([u for u in units if u is not unit], edits))) for unit in units
    )


def measure(planted: Planted, method: Method, *, runs: int, noise: float) -> Row:
    calls = confirming = words = reported = right = broken = 0
    for seed in range(runs):
        judge = Asked(planted, noise, seed)
        edits = method(judge, seed)
        calls += judge.calls
        confirming += judge.confirming
        if edits is None:
            continue
        reported += 1
        words += len(by_word(TEXT, edits))
        right += is_right(planted, edits)
        fresh = Asked(planted, noise, 1_000_003 + seed)
        broken += sum(fresh.moved(edits) for _ in range(FRESH)) < LEAST * FRESH
    return Row(runs, reported, right, broken, words / max(reported, 1), calls / runs, confirming / runs)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=100, help="runs of each method on each judge")
    parser.add_argument("--noise", type=float, default=0.1, help="probability of an inverted answer")
    options = parser.parse_args()
    print(f"{options.runs} runs each, answers inverted with probability {options.noise:g}\n")
    print("| judge fires on | method | reported | right | does not reproduce | words | calls | of these confirming |")
    print("|---|---|---|---|---|---|---|---|")
    missed = False
    for planted in judges():
        for name, method in METHODS.items():
            row = measure(planted, method, runs=options.runs, noise=options.noise)
            print(
                f"| {planted.words} | {name} | {row.reported} | {row.right} | {row.broken} | {row.words:.1f} "
                f"| {row.calls:.0f} | {row.confirming:.0f} |",
                flush=True,
            )
            if name == "voirdire":
                missed |= row.right < RIGHT * row.runs or row.broken > 0
    return int(missed and options.runs >= ENOUGH)


if __name__ == "__main__":
    raise SystemExit(main())
