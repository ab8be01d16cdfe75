"""Searches for phrases find what is planted, keep to one budget, and never take a missing verdict for a success."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Coroutine, Sequence
from random import Random
from typing import TypeVar

import pytest
from search import CASES, JUDGES, REACHED, SHARE, VOCABULARY, WORDS, Planted, found, scorer

from voirdire.harness.errors import UsageError
from voirdire.perturbations.search.growing import beam_search
from voirdire.perturbations.search.meter import Meter, Spent
from voirdire.perturbations.search.racing import race
from voirdire.perturbations.search.screening import screen
from voirdire.perturbations.search.space import Question, Space, Words, builtin_vocabulary, read_vocabulary
from voirdire.perturbations.search.universal import racing_search

T = TypeVar("T")
QUARTER = int(SHARE * VOCABULARY * CASES * WORDS)


def run(search: Coroutine[None, None, T]) -> T:
    return asyncio.run(search)


class Asked:
    """Answers by a function and keeps the questions."""

    def __init__(self, answer: Callable[[Question], float | None]) -> None:
        self.answer = answer
        self.questions: list[Question] = []

    async def __call__(self, questions: Sequence[Question]) -> list[float | None]:
        self.questions += questions
        return [self.answer(q) for q in questions]


@pytest.mark.parametrize("make", JUDGES, ids=lambda m: m.__name__)
def test_racing_finds_most_of_the_lift_in_a_quarter_of_the_calls(make: Callable[[int], Planted]) -> None:
    """Three seeds; the benchmark has twenty."""
    shares = []
    for seed in range(3):
        judge = make(seed)
        words, used = run(found(judge, "racing (ours)", seed, QUARTER))
        assert used <= QUARTER
        shares.append(judge.lift(words) / judge.best())
    assert sum(shares) / len(shares) >= REACHED - 0.1


def test_a_search_repeats_itself() -> None:
    first, second = (run(found(scorer(3), "racing (ours)", 3, 1200)) for _ in range(2))
    assert first == second


@pytest.mark.parametrize("budget", [1, 2, 7, 50, 400])
def test_no_search_goes_beyond_its_budget(budget: int) -> None:
    judge = scorer(0)
    space = Space(tuple(judge.words), WORDS)
    for search in (
        lambda m: beam_search(m, space, CASES),
        lambda m: beam_search(m, space, CASES, width=2),
        lambda m: racing_search(m, space, CASES),
    ):
        asked = Asked(judge.answer)
        meter = Meter(asked, budget)
        run(search(meter))
        assert len(asked.questions) == meter.used <= budget
        assert len(set(asked.questions)) == len(asked.questions), "a question was paid for twice"


def test_the_meter_asks_all_or_nothing_and_remembers() -> None:
    asked = Asked(lambda q: 0.5)
    meter = Meter(asked, 2)
    one, two, three = (Question(("a",), u, 0) for u in range(3))
    assert run(meter([one, one, two])) == [0.5, 0.5, 0.5]
    with pytest.raises(Spent):
        run(meter([one, three]))
    assert run(meter([two])) == [0.5]
    assert asked.questions == [one, two]
    with pytest.raises(UsageError):
        Meter(asked, 0)


def test_a_deterministic_judge_is_asked_no_repeats() -> None:
    asked = Asked(lambda q: 0.1 * len(q.words))
    meter = Meter(asked, 300, deterministic=True)
    run(racing_search(meter, Space(tuple("abcdef"), 2), 4))
    assert {q.sample for q in asked.questions} == {0}


@pytest.mark.parametrize("nothing", [None, math.nan, math.inf])
def test_what_gives_no_verdict_never_wins(nothing: float | None) -> None:
    """A word that makes the judge fall silent, beside one that helps a little."""

    def answer(q: Question) -> float | None:
        return nothing if "silence" in q.words else 0.3 + 0.2 * ("help" in q.words)

    vocabulary = ("silence", "help", *(f"w{i}" for i in range(20)))
    for search in (
        lambda m: racing_search(m, Space(vocabulary, 2), 8),
        lambda m: beam_search(m, Space(vocabulary, 2), 8),
    ):
        words = run(search(Meter(Asked(answer), 1500)))
        assert "silence" not in words
        assert "help" in words


def test_a_judge_that_never_answers_gives_no_phrase() -> None:
    assert run(racing_search(Meter(Asked(lambda q: None), 500), Space(builtin_vocabulary(), 3), 10)) == ()


def test_of_equals_the_shorter_phrase_wins() -> None:
    words = run(racing_search(Meter(Asked(lambda q: 0.2 + 0.5 * ("key" in q.words)), 2000), _keyed(40), 12))
    assert words == ("key",)


def _keyed(n: int) -> Space:
    return Space(("key", *(f"w{i}" for i in range(n))), 3)


def test_a_race_compares_runners_on_the_same_lanes() -> None:
    """Units differ by far more than runners do, so only paired differences can tell."""
    asked = Asked(lambda q: min(1.0, 0.1 * q.unit + 0.02 * ("good" in q.words)))
    lanes = [(u, 0) for u in range(8)]
    winner, mean = run(race(Meter(asked, 1000), [("bad",), ("good",), ("worse",)], lanes))
    assert winner == ("good",)
    assert mean == pytest.approx(sum(0.1 * u + 0.02 for u in {q.unit for q in asked.questions}) / 8)


def test_screening_keeps_the_words_that_help() -> None:
    kept = 0
    for seed in range(5):
        judge = scorer(seed)
        strong = sorted(judge.words, key=lambda w: -judge.words[w])[:3]
        meter = Meter(judge.ask, 2000)
        screened = run(screen(meter, Space(tuple(judge.words), WORDS), CASES, Random(seed), calls=1500, keep=12))
        assert len(screened.words) == 12
        assert meter.used <= 1500
        kept += sum(w in screened.words for w in strong)
    assert kept >= 14  # of 15


def test_a_ceiling_holds_for_every_phrase_asked_about() -> None:
    def short(words: Words) -> bool:
        return len(" ".join(words)) <= 8

    asked = Asked(lambda q: 0.1 * len(q.words))
    space = Space.of(["aa", "bbb", "cccc", "far too long"], max_words=3, accepts=short)
    assert "far too long" not in space.vocabulary
    for search in (lambda m: racing_search(m, space, 5), lambda m: beam_search(m, space, 5)):
        run(search(Meter(asked, 400)))
    assert all(short(q.words) for q in asked.questions)


def test_forbidden_words_are_gone_and_must_exist() -> None:
    assert Space.of(["a", "b", "c"], forbidden=["b"]).vocabulary == ("a", "c")
    with pytest.raises(UsageError, match="excelent"):
        Space.of(builtin_vocabulary(), forbidden=["excelent"])
    with pytest.raises(UsageError, match="1 words are left"):
        Space.of(["a", "b"], forbidden=["b"])


def test_vocabulary_files(tmp_path) -> None:
    path = tmp_path / "words.txt"
    path.write_text("\ufeff# mine\nalpha\n\n beta gamma \nalpha\n完美\n", encoding="utf-8")
    assert read_vocabulary(path) == ("alpha", "beta gamma", "完美")
    path.write_text("a\nb\x07c\n", encoding="utf-8")
    with pytest.raises(UsageError, match="line 2"):
        read_vocabulary(path)
    path.write_text("# nothing\n", encoding="utf-8")
    with pytest.raises(UsageError, match="no words"):
        read_vocabulary(path)
    path.write_text("x" * 61, encoding="utf-8")
    with pytest.raises(UsageError, match="line 1"):
        read_vocabulary(path)
    path.write_bytes(b"\xff\xfea")
    with pytest.raises(UsageError, match="UTF-8"):
        read_vocabulary(path)
    with pytest.raises(UsageError, match="cannot be read"):
        read_vocabulary(tmp_path / "absent.txt")
