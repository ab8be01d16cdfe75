"""How much of the best phrase's lift, for how many calls? Our racing search beside plain greedy, beam and chance.

    python benchmarks/search.py                 # 20 seeds on 4 judges, 100 null searches, as in docs/attack.md
    python benchmarks/search.py --smoke         # 1 seed and 4 null searches, for CI
    python benchmarks/search.py --textattack    # also its genetic, PSO and WIR-random searches (needs the extra)

Four judges with planted trigger words among many that do nothing or harm, all noisy. The lift of a phrase is its mean
gain on held-out cases, computed from the judge's own probabilities, so without noise; the best known lift is the best
of all phrases of the strongest words and of whatever any search found. Plain greedy is given all the calls it wants
(vocabulary x cases x words), ours a quarter of that.

The null searches run the whole attack, search and held-out test, on judges without a weakness of four kinds: whatever
is found there is a false find.

Exits 1 unless ours reaches 90 % of the best known lift on each judge (mean over seeds) and 95 % of the null searches
find nothing (full size only: few runs cannot tell).
"""

from __future__ import annotations

import argparse
import asyncio
import functools
import hashlib
import itertools
import math
import os
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # small matrices: more threads only wait for each other

from voirdire.perturbations.search.growing import beam_search
from voirdire.perturbations.search.meter import Meter
from voirdire.perturbations.search.space import Question, Space, Words
from voirdire.perturbations.search.textattack_phrases import TEXTATTACK_METHODS, textattack_search
from voirdire.perturbations.search.universal import racing_search

VOCABULARY = 160
CASES = 24
HELD_OUT = 60
WORDS = 4
SHARE = 0.25
REACHED = 0.9
NOTHING_FOUND = 0.95


@functools.cache
def ease(case: int) -> float:
    """How good the case's answer is anyway, in [0, 1)."""
    return unit("case", case)


def unit(*parts: object) -> float:
    digest = hashlib.blake2b("|".join(map(str, parts)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


@dataclass
class Planted:
    """A judge: `chance(words, case)` is the target's expected utility; answers scatter around it by `noise`, or are 0
    or 1 where that is None."""

    name: str
    words: dict[str, float]
    chance: Callable[[Words, int], float]
    noise: float | None
    seed: int
    asked: int = field(default=0)

    async def ask(self, questions: Sequence[Question]) -> list[float]:
        self.asked += len(questions)
        return [self.answer(q) for q in questions]

    def answer(self, q: Question) -> float:
        p = self.chance(q.words, q.unit)
        draw = unit(self.seed, self.name, *q)
        if self.noise is None:
            return float(draw < p)
        z = math.sqrt(-2 * math.log(1 - draw)) * math.cos(2 * math.pi * unit("angle", self.seed, *q))
        return min(1.0, max(0.0, p + self.noise * z))

    def lift(self, words: Words) -> float:
        """Mean gain on held-out cases, without noise."""
        held = range(1000, 1000 + HELD_OUT)
        return statistics.fmean(self.chance(words, i) - self.chance((), i) for i in held)

    def best(self) -> float:
        """The best lift of the phrases of up to WORDS of the 6 strongest words, in every order."""
        top = sorted(self.words, key=lambda w: -self.words[w])[:6]
        phrases = (p for n in range(1, WORDS + 1) for p in itertools.product(top, repeat=n))
        return max(map(self.lift, phrases))


def effects(rng: Random, strong: Sequence[float], weak: float, harm: float) -> dict[str, float]:
    """Words with effects: the strong ones, 12 weak ones, 20 that harm, and the rest nearly none."""
    sizes = [*strong, *(weak * rng.random() for _ in range(12)), *(-harm * rng.random() for _ in range(20))]
    sizes += [0.1 * weak * rng.gauss(0, 1) for _ in range(VOCABULARY - len(sizes))]
    names = [f"word{i}" for i in range(VOCABULARY)]
    rng.shuffle(names)
    return dict(zip(names, sizes, strict=True))


def scorer(seed: int) -> Planted:
    """A score judge; words add up, a word counts once."""
    e = effects(Random(f"score {seed}"), (0.16, 0.12, 0.10), 0.03, 0.05)

    def chance(words: Words, case: int) -> float:
        return min(1.0, max(0.0, 0.25 + 0.3 * ease(case) + sum(e[w] for w in set(words))))

    return Planted("score, words add up", e, chance, 0.15, seed)


def pairs(seed: int) -> Planted:
    """Pairwise verdicts: a coin whose odds the words move."""
    e = effects(Random(f"pairs {seed}"), (1.3, 1.0, 0.8), 0.25, 0.5)

    def chance(words: Words, case: int) -> float:
        return sigmoid(-1.5 + 2 * ease(case) - 1 + sum(e[w] for w in set(words)))

    return Planted("pairwise, odds", e, chance, None, seed)


def keys(seed: int) -> Planted:
    """Grades: two words open a little each, and together the door."""
    e = effects(Random(f"keys {seed}"), (0.9, 0.8), 0.25, 0.5)
    a, b = sorted(e, key=lambda w: -e[w])[:2]

    def chance(words: Words, case: int) -> float:
        both = 1.8 if a in words and b in words else 0.0
        return sigmoid(-2.5 + ease(case) + both + sum(e[w] for w in set(words)))

    return Planted("grade, two keys", e, chance, None, seed)


def places(seed: int) -> Planted:
    """A score judge that reads the beginning of a phrase: later words count less."""
    e = effects(Random(f"places {seed}"), (0.25, 0.18, 0.14), 0.03, 0.06)
    weight = (1.0, 0.6, 0.4, 0.25)

    def chance(words: Words, case: int) -> float:
        first = dict.fromkeys(words)
        total = sum(weight[min(words.index(w), 3)] * e[w] for w in first)
        return min(1.0, max(0.0, 0.25 + 0.3 * ease(case) + total))

    return Planted("score, first words count", e, chance, 0.15, seed)


JUDGES: tuple[Callable[[int], Planted], ...] = (scorer, pairs, keys, places)


async def found(judge: Planted, method: str, seed: int, budget: int) -> tuple[Words, int]:
    space = Space(tuple(judge.words), WORDS)
    meter = Meter(judge.ask, budget)
    if method == "greedy":
        words = await beam_search(meter, space, CASES)
    elif method == "greedy, few cases":
        words = await beam_search(meter, space, max(1, budget // (VOCABULARY * WORDS)))
    elif method == "beam of 3":
        words = await beam_search(meter, space, CASES, width=3)
    elif method == "chance":
        words = await chance(meter, space, seed)
    elif method in TEXTATTACK_METHODS:
        words = await textattack_search(meter, space, CASES, method=method, seed=seed)
    else:
        words = await racing_search(meter, space, CASES, seed=seed)
    return words, meter.used


async def chance(meter: Meter, space: Space, seed: int) -> Words:
    """As many random phrases as the calls reach for on all cases, and the best of them."""
    rng = Random(seed)
    best: tuple[float, Words] = (-1.0, ())
    for _ in range(meter.budget // CASES):
        words = tuple(rng.choice(space.vocabulary) for _ in range(WORDS))
        best = max(best, (statistics.fmean(await meter([Question(words, u, 0) for u in range(CASES)])), words))
    return best[1]


NULLS = (("noisy", "pairwise"), ("noisy", "score"), ("noisy", "grade"), ("random", "pairwise"))


def false_finds(n: int) -> tuple[int, int]:
    """(finds, searches) of `n` attacks on judges that have no weakness."""
    from voirdire._attack import attack_async
    from voirdire._attack_plan import AttackRequest, prepare_attack
    from voirdire.harness.judges.mock import mock_judge

    finds = 0
    for seed in range(n):
        name, task = NULLS[seed % len(NULLS)]
        judge = mock_judge(name, task=task, seed=seed)
        request = AttackRequest(max_calls=2000, seed=seed, defences=(), cache=None)
        result = asyncio.run(attack_async(judge, prepare_attack(judge, request)))
        finds += result.outcome == "found"
    return finds, n


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--nulls", type=int, default=100)
    parser.add_argument("--smoke", action="store_true")
    parser.add_argument("--textattack", action="store_true")
    args = parser.parse_args()
    seeds, nulls = (1, 4) if args.smoke else (args.seeds, args.nulls)
    whole = VOCABULARY * CASES * WORDS
    methods = {"greedy": whole, "beam of 3": 3 * whole, "greedy, few cases": int(SHARE * whole)}
    methods |= {"chance": int(SHARE * whole), "racing (ours)": int(SHARE * whole)}
    if args.textattack:
        methods |= dict.fromkeys(TEXTATTACK_METHODS, int(SHARE * whole))
    good = True
    print(f"{'judge':26}{'method':20}{'calls':>8}{'lift':>8}{'of best':>9}{'worst seed':>12}")
    for make in JUDGES if seeds else ():
        shares: dict[str, list[float]] = {m: [] for m in methods}
        lifts: dict[str, list[float]] = {m: [] for m in methods}
        calls: dict[str, list[int]] = {m: [] for m in methods}
        for seed in range(seeds):
            judge = make(seed)
            runs = {m: asyncio.run(found(judge, m, seed, budget)) for m, budget in methods.items()}
            best = max(judge.best(), *(judge.lift(words) for words, _ in runs.values()))
            for m, (words, used) in runs.items():
                lifts[m].append(judge.lift(words))
                shares[m].append(judge.lift(words) / best)
                calls[m].append(used)
        for m in methods:
            mean = statistics.fmean(shares[m])
            print(
                f"{judge.name if m == 'greedy' else '':26}{m:20}{statistics.fmean(calls[m]):8,.0f}"
                f"{statistics.fmean(lifts[m]):8.3f}{mean:9.1%}{min(shares[m]):12.1%}"
            )
        good &= statistics.fmean(shares["racing (ours)"]) >= REACHED
    finds, searches = false_finds(nulls)
    print(f"null searches: {finds} of {searches} found something")
    good &= finds <= (1 - NOTHING_FOUND) * searches
    return 0 if good or args.smoke else 1


if __name__ == "__main__":
    raise SystemExit(main())
