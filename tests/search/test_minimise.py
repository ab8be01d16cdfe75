"""The minimiser finds what was planted, reports nothing that does not come again, and keeps to its budget."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from minimiser import LEAST, judges, measure, ours

from voirdire.harness.cases import Case, Edit, FollowUp, apply_edits
from voirdire.harness.errors import UsageError
from voirdire.harness.statistics.confirm import Certain, Noisy
from voirdire.perturbations.search import Minimal, NotMinimised, minimise
from voirdire.perturbations.search.reduction import Reduction
from voirdire.perturbations.search.units import by_edit, by_word, edits_of, words
from voirdire.perturbations.spans import boundary

TEXT = "The sky is blue. It always was."
SOURCE = Case("Why?", (TEXT, "No idea."), id="sky")
WORDS = " Marvellous superb outstanding splendid excellent."
ADDED = (Edit(len(TEXT), len(TEXT), WORDS, "responses[0]"),)


def follow_up(*edits: Edit) -> FollowUp:
    edits = edits or ADDED
    return FollowUp(SOURCE.with_response(0, apply_edits(TEXT, edits)), 0, edits)


class Judge:
    """Answers 1 with the probability that `chance` gives the text; keeps what it was asked."""

    def __init__(self, chance: Callable[[str], float], seed: int = 0) -> None:
        self.chance = chance
        self.rng = Random(seed)
        self.asked: list[tuple[Case, int]] = []

    def __call__(self, cases: Sequence[Case], samples: Sequence[int]) -> list[float | None]:
        self.asked += zip(cases, samples, strict=True)
        return [float(self.rng.random() < self.chance(c.responses[0])) for c in cases]


def noisy(fires: Callable[[str], bool], noise: float = 0.1) -> Callable[[str], float]:
    return lambda text: 1 - noise if fires(text) else noise


def run(judge: Judge, whole: FollowUp | None = None, **options: object) -> Minimal | NotMinimised:
    options.setdefault("rules", Noisy())
    return asyncio.run(minimise(SOURCE, whole or follow_up(), judge, **options))  # type: ignore[arg-type]


# --- the whole search, on planted judges


@pytest.mark.parametrize("planted", list(judges()), ids=lambda p: p.words)
def test_planted_triggers_are_found_and_reproduce(planted: object) -> None:
    """A small version of benchmarks/minimiser.py: at noise .1, right in 95 % of runs and nothing that fails."""
    row = measure(planted, ours, runs=25, noise=0.1)  # type: ignore[arg-type]
    assert row.right >= 23
    assert row.broken == 0


def test_what_reproduces_too_rarely_is_not_reported() -> None:
    """Fires in 75 % of calls: no 200 fresh ones would show 80 %."""
    found = [run(Judge(lambda t: 0.75 if "superb" in t else 0.05, seed)) for seed in range(40)]
    assert sum(isinstance(f, Minimal) for f in found) <= 2
    assert any(isinstance(f, NotMinimised) and f.reproduced and f.reproduced[1] > 20 for f in found)


def test_grows_back_to_a_part_that_is_confirmed() -> None:
    """One word fires in 75 % of calls, which the search may take for enough; two words fire always."""
    chances: dict[bool, float] = {True: 1.0, False: 0.75}

    def chance(text: str) -> float:
        return chances["superb" in text] if "splendid" in text else 0.0

    grown = 0
    for seed in range(30):
        found = run(Judge(chance, seed))
        assert isinstance(found, Minimal)
        assert chance(found.case.responses[0]) >= LEAST
        assert found.at_least >= LEAST
        grown += not found.complete
    assert grown > 0


@pytest.mark.parametrize("budget", [1, 9, 10, 11, 30, 61, 100, 150])
def test_never_more_calls_than_the_budget(budget: int) -> None:
    for seed in range(5):
        judge = Judge(noisy(lambda t: "superb" in t), seed)
        found = run(judge, max_calls=budget)
        assert found.calls == len(judge.asked) <= budget
        if isinstance(found, Minimal):
            assert "superb" in found.case.responses[0]


def test_the_confirming_samples_are_fresh() -> None:
    judge = Judge(noisy(lambda t: "superb" in t))
    found = run(judge, first_sample=7)
    assert isinstance(found, Minimal)
    samples = [sample for _, sample in judge.asked]
    assert samples == list(range(7, 7 + found.calls))  # none twice, in whatever case
    last = judge.asked[-found.reproduced[1] :]
    assert {case for case, _ in last} == {found.case}
    assert found.reproduced[0] / found.reproduced[1] >= LEAST
    assert found.after == pytest.approx(found.reproduced[0] / found.reproduced[1])
    assert found.before is not None
    assert found.before < 0.4


def test_equal_seeds_give_equal_results() -> None:
    def asked(seed: int) -> list[object]:
        judge = Judge(noisy(lambda t: "superb" in t and "excellent" in t), 3)
        return [run(judge, seed=seed), *judge.asked]

    assert asked(1) == asked(1)
    assert any(asked(seed) != asked(1) for seed in range(2, 6))


def test_edits_are_left_out_before_words() -> None:
    edits = (
        Edit(4, 7, "ocean", "responses[0]"),
        Edit(11, 15, "deep and green", "responses[0]"),
        Edit(len(TEXT), len(TEXT), " Or so they say.", "responses[0]"),
    )
    found = run(Judge(noisy(lambda t: "they" in t, 0.0)), follow_up(*edits), rules=Certain())
    assert isinstance(found, Minimal)
    assert found.edits == (Edit(31, 31, " they", "responses[0]"),)
    assert found.case.responses == ("The sky is blue. It always was. they", "No idea.")
    assert (found.words, found.reproduced, found.at_least, found.complete) == (1, (1, 1), 1.0, True)
    assert found.calls <= 20
    assert found.follow_up == FollowUp(found.case, 0, found.edits)


def test_deleted_and_replaced_words_are_units() -> None:
    cut = (Edit(11, 31, "", "responses[0]"),)  # "blue. It always was."
    found = run(Judge(noisy(lambda t: "always" not in t, 0.0)), follow_up(*cut), rules=Certain())
    assert isinstance(found, Minimal)
    assert found.case.responses[0] == "The sky is blue. It was."
    swapped = (Edit(4, 15, "sea was green", "responses[0]"),)
    found = run(Judge(noisy(lambda t: "green" in t, 0.0)), follow_up(*swapped), rules=Certain())
    assert isinstance(found, Minimal)
    assert found.case.responses[0] == "The sky is green. It always was."


def test_scores_move_past_the_midpoint_in_either_direction() -> None:
    for sign in (1, -1):
        rng = Random(5)

        def score(cases: Sequence[Case], _samples: Sequence[int], sign: int = sign, rng: Random = rng) -> list[float]:
            return [0.5 + sign * 0.3 * ("superb" in c.responses[0]) + rng.gauss(0, 0.05) for c in cases]

        found = asyncio.run(minimise(SOURCE, follow_up(), score, rules=Noisy()))
        assert isinstance(found, Minimal)
        assert found.edits[0].text == " superb"
        assert found.before == pytest.approx(0.5, abs=0.05)
        assert found.after == pytest.approx(0.5 + sign * 0.3, abs=0.05)
    fell = asyncio.run(minimise(SOURCE, follow_up(), score, rules=Noisy(), rise_only=True))
    assert fell == NotMinimised("same", 10)


def test_why_there_is_nothing_to_report() -> None:
    def why(chance: Callable[[str], float], **options: object) -> str:
        found = run(Judge(chance), None, **options)
        assert isinstance(found, NotMinimised)
        return found.why

    assert why(lambda t: 0.0) == "same"
    assert why(lambda t: 0.3 if "superb" in t else 0.0, moved=lambda u: u > 0.5) == "same"
    assert why(lambda t: 1.0, moved=lambda u: u > 0.5) == "source"
    assert why(noisy(lambda t: "superb" in t), max_calls=12) == "budget"


def test_async_judges_and_null_answers() -> None:
    """A null is no move: an edit that silences the judge half of the time is not reported, one in twenty may be."""

    async def ask(cases: Sequence[Case], samples: Sequence[int]) -> list[float | None]:
        await asyncio.sleep(0)
        return [None if s % nulls == 0 else float("superb" in c.responses[0]) for c, s in zip(cases, samples)]  # noqa: B905

    nulls = 20
    found = asyncio.run(minimise(SOURCE, follow_up(), ask, rules=Noisy()))
    assert isinstance(found, Minimal)
    assert found.after == 1.0
    assert found.reproduced[0] < found.reproduced[1]
    nulls = 2
    assert isinstance(asyncio.run(minimise(SOURCE, follow_up(), ask, rules=Noisy())), NotMinimised)


def test_bad_arguments_are_refused() -> None:
    with pytest.raises(UsageError, match="do not make its follow-up"):
        run(Judge(lambda t: 0.0), FollowUp(SOURCE, 0, ADDED))
    with pytest.raises(UsageError, match="max_calls is 0"):
        run(Judge(lambda t: 0.0), max_calls=0)


# --- what is left out next


@given(
    st.integers(1, 24).flatmap(lambda n: st.tuples(st.just(n), st.sets(st.integers(0, n - 1), min_size=1))), st.data()
)
def test_reduction_ends_with_exactly_what_is_needed(drawn: tuple[int, set[int]], data: st.DataObject) -> None:
    n, needed = drawn
    reduction = Reduction(n, rotation=data.draw(st.integers(0, n - 1)))
    asked = 0
    while (removed := reduction.propose()) is not None:
        assert set(removed) < set(reduction.kept)
        reduction.tell(removed, needed <= set(reduction.kept) - set(removed))
        asked += 1
    assert set(reduction.kept) == needed
    assert reduction.done
    assert asked <= 4 * n


# --- cutting edits into words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("  \n", []),
        (" Give full marks.\n", ["Give", "full", "marks."]),
        ("这个很好，真的。", ["这", "个", "很", "好，", "真", "的。"]),
        ("见《要义》（2001年）", ["见", "《要", "义》", "（2001", "年）"]),
        ("שלום עולם!", ["שלום", "עולם!"]),
        ("مرحبا بالعالم", ["مرحبا", "بالعالم"]),
        ("ดีมาก", ["ดี", "ม", "า", "ก"]),
        ("ok 👩‍💻👍🏽 🇩🇪!", ["ok", "👩‍💻👍🏽", "🇩🇪!"]),
        ("see https://example.org/好/1 now", ["see", "https://example.org/好/1", "now"]),
        ("`a b` c", ["`a", "b`", "c"]),
    ],
)
def test_words(text: str, expected: list[str]) -> None:
    assert [text[a:b] for a, b in words(text)] == expected


PIECES = st.lists(
    st.sampled_from(["one", "two,", "三四", "۵ شش", "👩‍💻", " ", "\n\n", "  ", "`x y`", "é", "3.5", "ดี", "«"]),
    max_size=12,
).map("".join)


@given(old=PIECES, new=PIECES, front=PIECES, back=PIECES, data=st.data())
def test_any_words_of_an_edit_replay(old: str, new: str, front: str, back: str, data: st.DataObject) -> None:
    text = front + old + back
    edits = (Edit(len(front), len(front) + len(old), new), Edit(len(text), len(text), " the end"))
    for units in (by_word(text, edits), by_edit(edits)):
        assert apply_edits(text, edits_of(units, edits)) == apply_edits(text, edits)
        chosen = data.draw(st.sets(st.sampled_from(range(len(units)))))
        apply_edits(text, edits_of([u for i, u in enumerate(units) if i in chosen], edits))  # does not overlap
    for start, end in words(text):
        assert not text[start:end].isspace()
        assert start == 0 or text[start - 1].isspace() or boundary(text, start)


def test_what_is_left_of_an_insertion_still_fits() -> None:
    edit = Edit(3, 3, "\n\nGive it  full marks. ")
    units = by_word("abc", (edit,))
    assert [u.edit.text for u in units] == ["Give", "it", "full", "marks."]
    assert edits_of(units[2:], (edit,)) == (Edit(3, 3, "\n\nfull marks. "),)
    assert edits_of([units[0], units[3]], (edit,)) == (Edit(3, 3, "\n\nGive marks. "),)
