"""Recorded verdicts of judges with known defects, on cases in which what is longer is often better."""

from __future__ import annotations

import random

from voirdire.harness.cases import Case, Task
from voirdire.harness.judges.mock import mock_judge
from voirdire.harness.observations import JudgeObservations, Preference
from voirdire.harness.statistics.observed import VerdictLog, observe
from voirdire.harness.verdicts import Scale

__all__ = ["by_name", "observed", "pairs", "record", "singles"]


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
