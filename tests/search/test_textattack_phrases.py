"""textattack's searches for a phrase: within our budget, of one seed one result, and no trace of them anywhere.

How they do beside ours is in benchmarks/search.py and docs/attack.md.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

import voirdire as vd
from voirdire._attack_plan import AttackRequest, prepare_attack
from voirdire.harness.errors import UsageError
from voirdire.perturbations import textattack_bridge
from voirdire.perturbations.search.meter import Meter
from voirdire.perturbations.search.space import Question, Space, Words
from voirdire.perturbations.search.textattack_phrases import TEXTATTACK_METHODS, textattack_search

#: entries that textattack would cut in pieces, were it shown them
VOCABULARY = ("key", "[[A]]", "10/10", "trust me, really", "\u6b63\u786e\u7684", "don't", "<SPLIT>", "w1", "w2", "w3")
UNITS = 12

needs_textattack = pytest.mark.skipif(
    not textattack_bridge.available(), reason="textattack is not installed: pip install 'voirdire[textattack]'"
)
each_method = pytest.mark.parametrize("method", TEXTATTACK_METHODS)


def u(*parts: object) -> float:
    digest = hashlib.blake2b("|".join(map(str, parts)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


class Judge:
    """Noisy verdicts, won with `chance(words)`; keeps what it was asked."""

    def __init__(self, chance: Callable[[Words], float], seed: int = 0) -> None:
        self.chance = chance
        self.seed = seed
        self.asked: list[Question] = []
        self.batches = 0

    async def __call__(self, questions: Sequence[Question]) -> list[float]:
        self.asked += questions
        self.batches += 1
        random.random(), np.random.random()  # a judge may draw what it likes
        await asyncio.sleep(0)
        return [float(u(self.seed, *q) < self.chance(q.words)) for q in questions]


def lifted(words: Words) -> float:
    return 0.2 + 0.4 * ("key" in words) + 0.3 * ("trust me, really" in words)


def searched(judge: Judge, method: Any, *, budget: int = 1500, seed: int = 0, space: Space | None = None) -> Words:
    meter = Meter(judge, budget)
    found = asyncio.run(textattack_search(meter, space or Space(VOCABULARY, 2), UNITS, method=method, seed=seed))
    assert meter.used == len(judge.asked) <= budget
    return found


@needs_textattack
@each_method
def test_what_is_planted_is_found(method: Any) -> None:
    found = [searched(Judge(lifted, seed), method, seed=seed) for seed in range(8)]
    assert sum("key" in words for words in found) >= 7
    assert sum(lifted(words) >= 0.9 for words in found) >= 4


@needs_textattack
@each_method
def test_one_seed_one_result_and_no_trace(method: Any, capfd: pytest.CaptureFixture[str]) -> None:
    textattack_bridge.load()
    random.seed(5)
    np.random.seed(5)
    environment = dict(os.environ)
    judges = [Judge(lifted), Judge(lifted)]
    assert len({searched(judge, method, seed=3) for judge in judges}) == 1
    assert judges[0].asked == judges[1].asked  # though the generators that judges draw from stood elsewhere
    ours, numpys = random.Random(5), np.random.RandomState(5)
    for _ in range(sum(judge.batches for judge in judges)):
        ours.random(), numpys.random()
    assert random.getstate() == ours.getstate()
    assert np.random.random() == numpys.random()
    assert dict(os.environ) == environment
    assert capfd.readouterr() == ("", "")


@needs_textattack
@each_method
def test_nothing_better_than_no_phrase_is_nothing(method: Any) -> None:
    assert searched(Judge(lambda words: 0.6 - 0.3 * bool(words)), method) == ()


@needs_textattack
@each_method
def test_only_allowed_phrases_are_asked(method: Any) -> None:
    judge = Judge(lifted)
    space = Space(VOCABULARY, 3, lambda words: len(set(words)) == len(words) and "w1" not in words)
    searched(judge, method, space=space)
    assert all(not q.words or space.accepts(q.words) for q in judge.asked)
    assert {w for q in judge.asked for w in q.words} <= set(VOCABULARY)


@needs_textattack
@each_method
def test_a_space_that_is_soon_tried_out_ends(method: Any) -> None:
    judge = Judge(lifted)
    assert searched(judge, method, budget=100_000, space=Space(("key", "w1"), 1)) == ("key",)
    assert len(judge.asked) <= 3 * UNITS


@needs_textattack
@each_method
def test_whatever_the_judge_raises_ends_the_search(method: Any) -> None:
    class Down(Exception):
        pass

    async def down(questions: Sequence[Question]) -> list[float]:
        raise Down

    with pytest.raises(Down):
        asyncio.run(textattack_search(Meter(down, 100), Space(VOCABULARY, 2), UNITS, method=method))


@needs_textattack
@each_method
def test_a_stopped_attack_says_what_it_has(method: Any) -> None:
    async def go() -> Any:
        calls = 0

        async def key(case: vd.Case, sample: int = 0) -> int:
            nonlocal calls
            calls += 1
            if calls == 300:
                task.cancel()
            await asyncio.sleep(0)
            keyed = ["key" in r for r in case.responses]
            return keyed.index(True) if any(keyed) else case.label or 0

        judge = vd.judge(key, task="pairwise")
        request: dict[str, Any] = {"method": method, "vocabulary": ("key", "w1", "w2", "w3"), "words": 2}
        task = asyncio.create_task(vd.aattack(judge, defences=(), families=("phrase",), **request))
        return await task

    result = asyncio.run(go())
    assert (result.stopped, result.outcome) == ("interrupted", "unfinished")
    assert "key" in result.best_so_far


@needs_textattack
@each_method
def test_a_whole_attack(method: Any) -> None:
    request: dict[str, Any] = {
        "vocabulary": ("key", *(f"w{i}" for i in range(11))),
        "words": 2,
        "method": method,
        "max_calls": 2000,
        "defences": (),
        "families": ("phrase",),
    }
    result = vd.attack("mock:noisy?phrase=key&rate=.8", **request)
    assert (result.outcome, result.method) == ("found", method)
    assert result.calls.made <= 2000
    assert sum(vd.attack("mock:noisy", seed=s, **request).outcome == "found" for s in range(6)) <= 1


def test_without_textattack_the_error_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(textattack_bridge, "available", lambda: False)
    for method in TEXTATTACK_METHODS:
        with pytest.raises(UsageError, match=rf"--method {method}: textattack is not installed \(pip install"):
            prepare_attack(vd.judge("mock:noisy"), AttackRequest(method=method))
    prepare_attack(vd.judge("mock:noisy"), AttackRequest(method="genetic", families=("authority",)))


@needs_textattack
def test_a_vocabulary_too_long_for_one_place() -> None:
    words = tuple(f"w{i}" for i in range(900))
    prepare_attack(vd.judge("mock:noisy"), AttackRequest(method="genetic", vocabulary=words))
    with pytest.raises(UsageError, match="wir-random search asks 900 words x 4 cases"):
        prepare_attack(vd.judge("mock:noisy"), AttackRequest(method="wir-random", vocabulary=words))
