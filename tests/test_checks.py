"""Hand-written checks: each relation holds, is violated and is left open where it should be."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

import voirdire as vd
from voirdire.harness.errors import JudgeUnreachable, UsageError
from voirdire.perturbations.functions import compare, register


def good(case: vd.Case) -> int:
    assert isinstance(case.label, int)
    return case.label


def shouting(case: vd.Case) -> int:
    """Prefers capitals, and is right otherwise."""
    loud = [r.isupper() for r in case.responses]
    return loud.index(True) if loud.count(True) == 1 else good(case)


def first(case: vd.Case) -> str:
    return "A"


def upper(text: str) -> str:
    """Writes the answer in capitals."""
    return text.upper()


def test_a_function_of_ones_own_is_a_perturbation() -> None:
    held = vd.check_invariant(good, None, upper, limit=60)
    assert (held.decision, held.probe, held.summary) == ("holds", "custom.upper", "Writes the answer in capitals.")
    with pytest.raises(vd.Violated, match=r"must not change the verdict(.|\n)*noise 0 %(.|\n)*case ") as caught:
        vd.check_invariant(shouting, None, upper, limit=60)
    assert caught.value.finding.effect is not None
    assert caught.value.finding.effect > 0.3


def test_no_gain_by_name_and_by_function() -> None:
    assert vd.check_no_gain(good, None, "authority.book", limit=60).estimand == "gain over sham"
    assert vd.check_no_gain(shouting, None, "authority.book", limit=60).decision == "holds"
    with pytest.raises(vd.Violated, match="must not help"):
        vd.check_no_gain(shouting, None, upper, limit=60)


def test_must_drop() -> None:
    assert vd.check_must_drop(good, None, "degradation.truncation", limit=60).decision == "holds"
    with pytest.raises(vd.Violated, match="must be judged worse"):
        vd.check_must_drop("mock:random", None, "degradation.truncation", limit=100)


def test_swap() -> None:
    assert vd.check_swap(good, None, limit=60).decision == "holds"
    with pytest.raises(vd.Violated, match=r"first slot\s+is worth 100 points"):
        vd.check_swap(first, None, limit=60)


def test_agreement_of_two_judges() -> None:
    assert vd.check_agrees(good, "mock:oracle", None, limit=60).decision == "holds"
    # two noisy judges of one accuracy agree beyond their noise
    alike = vd.check_agrees("mock:noisy?seed=1", "mock:noisy?seed=2", None, limit=136)
    assert alike.decision == "holds"
    assert alike.flip_rate is not None
    assert alike.flip_rate > 0.2
    with pytest.raises(vd.Violated, match="Different formats"):
        vd.check_agrees(good, first, None, limit=60)
    with pytest.raises(UsageError, match=r"is a pairwise judge and .* a score judge"):
        vd.check_agrees("mock:oracle", vd.judge(lambda case: 5.0, task="score"), None, limit=5)


def test_scores_on_two_scales_are_compared_as_shares_of_each() -> None:
    cases = [vd.Case("Marks?", ("word " * (k % 5 + 1) + f"{k}.",), id=f"c{k}") for k in range(40)]

    def on(low: float, high: float, turn: float = 0.0) -> object:
        """Marks an answer by its number of words, or (`turn` 1) against it."""

        def mark(case: vd.Case) -> float:
            share = abs(turn - (case.responses[0].count("word") - 1) / 4)
            return low + (high - low) * share

        return vd.judge(mark, task="score", scale=vd.Scale(low, high))

    same = vd.check_agrees(on(1, 10), on(1, 5), cases)
    assert (same.decision, same.effect) == ("holds", pytest.approx(0))
    assert vd.check_agrees(on(1, 5), on(0, 100), cases).effect == pytest.approx(0)
    with pytest.raises(vd.Violated):
        vd.check_agrees(on(1, 10), on(1, 5, turn=1.0), cases)


def test_too_few_cases_are_neither() -> None:
    with pytest.raises(vd.Inconclusive, match="more cases would decide") as caught:
        vd.check_swap("mock:noisy", None, limit=8)
    assert caught.value.applicable
    with pytest.raises(vd.Inconclusive, match="does not apply") as caught:
        vd.check_invariant(good, None, lambda text: text, limit=8)
    assert not caught.value.applicable


def test_a_clean_noisy_judge_is_never_convicted() -> None:
    for seed in range(8):
        try:
            vd.check_invariant(f"mock:noisy?accuracy=.85&seed={seed}", None, upper, limit=60)
        except vd.Inconclusive:
            continue


def test_async_twins_and_loops() -> None:
    async def both() -> str:
        with pytest.raises(RuntimeError, match=r"await voirdire\.acheck_swap"):
            vd.check_swap(good, None, limit=8)
        return (await vd.acheck_swap(good, None, limit=60)).decision

    assert asyncio.run(both()) == "holds"


def test_errors_name_what_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no option 'smaples'"):
        vd.check_swap(good, None, smaples=3)
    with pytest.raises(UsageError, match=r"authority\.bok"):
        vd.check_no_gain(good, None, "authority.bok", limit=8)

    def broken(text: str) -> str:
        raise KeyError(text)

    def nothing(text: str) -> str:
        return None  # type: ignore[return-value]

    with pytest.raises(UsageError, match=r"custom\.broken raised KeyError on case"):
        vd.check_invariant(good, None, broken, limit=8)
    with pytest.raises(UsageError, match="returned NoneType, not a text"):
        vd.check_invariant(good, None, nothing, limit=8)

    for no_edit in (7, None, ["authority.book"]):
        with pytest.raises(UsageError, match=r"is no perturbation\nGive a name"):
            vd.check_no_gain(good, None, no_edit, limit=8)  # type: ignore[arg-type]

    def down(case: vd.Case) -> str:
        raise ConnectionError("no route")

    with pytest.raises(JudgeUnreachable, match="no route"):
        vd.check_swap(down, None, limit=60)


def test_edits_found_by_comparison_replay() -> None:
    from voirdire.harness.cases import apply_edits

    pairs = [
        ("a b c", "a X c"),
        ("", "new"),
        ("all", ""),
        ("same", "same"),
        ("它是 红 的。", "它是 蓝 的。"),
        ("w " * 1000, "v " * 1000),
        ("one two three four", "zero one three five four"),
    ]
    for before, after in pairs:
        edits = compare(before, after, "responses[0]")
        assert apply_edits(before, edits) == after
        assert bool(edits) == (before != after)
    assert len(compare("one two three four", "zero one three five four", "")) == 3


def test_methods_of_builtin_types_are_functions_too() -> None:
    # no weak reference can be made of them
    assert register(str.swapcase) is register(str.swapcase)
    assert vd.check_invariant(good, None, str.swapcase, limit=40).decision == "holds"


def test_functions_of_one_name_are_kept_apart() -> None:
    def twin() -> object:
        def same_name(text: str) -> str:
            return text + "!"

        return same_name

    one, two = twin(), twin()
    assert register(one) is register(one)  # type: ignore[arg-type]
    assert register(one).name != register(two).name  # type: ignore[arg-type]
