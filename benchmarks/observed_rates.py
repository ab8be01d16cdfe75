"""How often does `voirdire replay` call a preference that is there, and one that is not?

    python benchmarks/observed_rates.py                  # 200 logs a row; 5 minutes
    python benchmarks/observed_rates.py --logs 20

Verdicts of judges with known defects on 300 labelled pairs, of which the longer answer is the better one in 70 %; no
judge is called by what is measured. A *false call* is a preference that was not planted. The cover is that of the 95 %
interval of the planted preference (of length where nothing is). tests/statistics/test_observed.py takes its logs from
here. Exits 1 itself if a promise is missed (only with 100 logs or more: fewer cannot tell).
"""

from __future__ import annotations

import argparse
import random
from dataclasses import dataclass

from detection import ENOUGH, rate

from voirdire.harness.cases import Case, Task
from voirdire.harness.judges.mock import mock_judge
from voirdire.harness.observations import JudgeObservations, Preference
from voirdire.harness.statistics.observed import VerdictLog, observe
from voirdire.harness.verdicts import Scale


def _answer(rng: random.Random, words: int) -> str:
    text = " ".join(f"word{rng.randint(0, 999)}" for _ in range(words))
    if rng.random() < 0.4:
        text = "- one\n- two\n" + text
    return "**Bold** " + text if rng.random() < 0.4 else text


def pairs(n: int, seed: int, *, longer_is_better: float = 0.7) -> list[Case]:
    """Labelled pairs; the longer answer is the better one in that share."""
    rng = random.Random(seed)
    cases = []
    for i in range(n):
        short, long = sorted((rng.randint(20, 90), rng.randint(110, 200)))
        better = rng.randrange(2)
        words = (long, short) if (better == 0) == (rng.random() < longer_is_better) else (short, long)
        models = ["gpt-4", rng.choice(["alpha", "beta"])][:: rng.choice((1, -1))]
        texts = tuple(_answer(rng, w) for w in words)
        cases.append(Case(f"Question {i}?", texts, id=f"c{i}", label=better, meta={"models": models}))
    return cases


def singles(questions: int, seed: int, *, task: Task = "score", each: int = 4) -> list[Case]:
    """Answers to be scored (labels 2 to 7 of 1 to 10) or graded; the longer, the better, with some scatter."""
    rng = random.Random(seed)
    cases = []
    for q in range(questions):
        for k in range(each):
            words = rng.randint(10, 150)
            quality = min(1.0, max(0.0, 0.5 * words / 150 + 0.5 * rng.random()))
            label = 2 + 5 * quality if task == "score" else rng.random() < quality
            answer = _answer(rng, words)
            cases.append(Case(f"Question {q}?", (answer,), id=f"c{q}-{k}", label=label, group=f"q{q}"))
    return cases


def record(
    spec: str, cases: list[Case], *, task: Task = "pairwise", samples: int = 1, orders: int = 2, name: str = ""
) -> VerdictLog:
    """What the mock judge `spec` says about the cases."""
    judge = mock_judge(spec, task=task)
    verdicts = {}
    for case in cases:
        straight = tuple(range(len(case.responses)))
        for order in (straight, straight[::-1])[: orders if len(straight) > 1 else 1]:
            for sample in range(samples):
                verdicts[case.id, order, sample] = judge.answer(case.reordered(order), sample)
    return VerdictLog(name or spec, "log.jsonl", task, verdicts, Scale())


def observed(log: VerdictLog, cases: list[Case], *, labels: bool = True) -> JudgeObservations:
    known = {c.id: c if labels else c.replace(label=None) for c in cases}
    (found,), _ = observe([log], known, tolerance=0.10, alpha=0.05)
    return found


def by_name(found: JudgeObservations) -> dict[str, Preference]:
    return {p.name: p for p in found.preferences}


@dataclass(frozen=True, slots=True)
class Row:
    """`planted`: the preference to be found, of strength `size`; `found`: the share of logs in which it has to be."""

    words: str
    spec: str
    orders: int = 2
    planted: str | None = None
    size: float = 0.0
    found: float = 0.0


ROWS = (
    Row("clean, accuracy .75", "noisy?accuracy=.75"),
    Row("clean, accuracy .85", "noisy?accuracy=.85"),
    Row("clean, accuracy .95", "noisy?accuracy=.95"),
    Row("clean, accuracy .85, one order", "noisy?accuracy=.85", orders=1),
    Row("longer, .3", "noisy?accuracy=.85&longer=.3", planted="longer", size=0.3, found=0.95),
    Row("longer, .3, one order", "noisy?accuracy=.85&longer=.3", 1, "longer", 0.3, 0.7),
    Row("first slot, .3", "noisy?accuracy=.85&first=.3", planted="first slot", size=0.3, found=0.95),
    Row("first slot, .3, one order", "noisy?accuracy=.85&first=.3", 1, "first slot", 0.3, 0.7),
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--logs", type=int, default=200)
    options = parser.parse_args()
    print("| judge | found | logs with a false call | cover |")
    print("|---|---|---|---|")
    missed = []
    for row in ROWS:
        found = false = covered = 0
        for seed in range(options.logs):
            cases = pairs(300, seed)
            log = record(f"{row.spec}&seed={seed}", cases, orders=row.orders, name="gpt-4")
            preferences = by_name(observed(log, cases))
            called = {name for name, p in preferences.items() if p.decision == "preference"}
            found += row.planted in called
            false += bool(called - {row.planted})
            p = preferences[row.planted or "longer"]
            covered += p.low is not None and p.high is not None and p.low <= row.size <= p.high
        told = rate(found, options.logs) if row.planted else "nothing to find"
        print(f"| {row.words} | {told} | {rate(false, options.logs)} | {rate(covered, options.logs)} |", flush=True)
        if false > 0.05 * options.logs:
            missed.append(f"{row.words}: {false} logs with a false call")
        if found < row.found * options.logs:
            missed.append(f"{row.words}: found in {found} of {options.logs}")
        if covered < 0.9 * options.logs:
            missed.append(f"{row.words}: cover {covered} of {options.logs}")
    for line in missed if options.logs >= ENOUGH else []:
        print(f"MISSED: {line}")
    return int(bool(missed) and options.logs >= ENOUGH)


if __name__ == "__main__":
    raise SystemExit(main())
