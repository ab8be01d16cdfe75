"""`@stochastic`: shrinks as if the judge had no noise, never flaky, within its budget, and says how sure it is."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st

from voirdire._stochastic import UndecidedWarning, stochastic
from voirdire.harness.errors import BudgetExceeded, UsageError

quiet = settings(database=None, max_examples=60, derandomize=True)
numbers = st.lists(st.integers(0, 1000), max_size=6)


class Noisy:
    """A judge whose right answer is inverted with probability `noise`."""

    def __init__(self, seed: int, noise: float = 0.1) -> None:
        self.rng = Random(seed)
        self.noise = noise
        self.calls = 0

    def __call__(self, fails: bool) -> bool:
        self.calls += 1
        return fails != (self.rng.random() < self.noise)


def shrunk(judge: Noisy, *, async_body: bool = False, **options: float) -> tuple[object, str] | None:
    """The example and the notes of a failing run, None for one that passed."""
    seen: list[object] = []

    @stochastic(**options)  # type: ignore[arg-type]
    @quiet
    @given(xs=numbers)
    def test(xs: list[int]) -> None:
        seen[:] = [xs]
        assert not judge(any(x >= 10 for x in xs))

    @stochastic(**options)  # type: ignore[arg-type]
    @quiet
    @given(xs=numbers)
    async def async_test(xs: list[int]) -> None:
        await asyncio.sleep(0)
        seen[:] = [xs]
        assert not judge(any(x >= 10 for x in xs))

    try:
        (async_test if async_body else test)()
    except AssertionError as failure:
        return seen[0], "\n".join(failure.__notes__)
    return None


@pytest.mark.parametrize("async_body", [False, True])
def test_shrinks_through_noise_and_asks_again(async_body: bool) -> None:
    minimal = 0
    for seed in range(20):
        judge = Noisy(seed)
        found = shrunk(judge, async_body=async_body)
        assert found is not None
        example, notes = found
        minimal += example == [10]
        numbers_told = re.search(r"failed in (\d+) of the (\d+) calls .* again in (\d+)\s+of (\d+) fresh ones", notes)
        assert numbers_told is not None
        k, n, again, fresh = map(int, numbers_told.groups())
        assert k / n > 0.5
        assert again / fresh > 0.6
        assert f"{judge.calls:,} calls in all" in notes
        assert "(95% confidence)" in notes
    assert minimal >= 19


def bare(judge: Noisy, seen: list[list[int]]) -> Callable[[], None]:
    """The same test without the decorator."""

    @quiet
    @given(xs=numbers)
    def test(xs: list[int]) -> None:
        seen.append(xs)
        assert not judge(any(x >= 10 for x in xs))

    return test


def test_plain_hypothesis_is_lost_on_the_same_judge() -> None:
    """What the decorator is for: the same test without it is flaky, or ends somewhere else."""
    lost = 0
    for seed in range(10):
        seen: list[list[int]] = []
        try:
            bare(Noisy(seed), seen)()
        except AssertionError:
            lost += seen[-1] != [10]
        except BaseExceptionGroup:
            lost += 1
    assert lost >= 5


def clean(judge: Noisy) -> Callable[[], None]:
    @stochastic()
    @quiet
    @given(xs=numbers)
    def test(xs: list[int]) -> None:
        assert not judge(False)

    return test


def test_a_judge_that_is_only_noisy_passes() -> None:
    for seed in range(10):
        judge = Noisy(seed, 0.15)
        clean(judge)()
        assert judge.calls < 60 * 8


def test_the_call_budget_holds() -> None:
    for budget in (60, 100, 200):
        judge = Noisy(1)
        shrunk(judge, max_calls=budget)
        assert judge.calls <= budget


def test_a_budget_that_decides_too_little_says_so() -> None:
    judge = Noisy(0, 0.0)

    @stochastic(max_calls=40)
    @quiet
    @given(xs=numbers)
    def passes(xs: list[int]) -> None:
        assert not judge(False)

    with pytest.warns(UndecidedWarning, match=r"only 10 of \d+ examples were decided within 40 calls"):
        passes()

    undecidable = iter(range(10**6))

    @stochastic(max_calls=20, above=0.5)
    @quiet
    @given(xs=numbers)
    def even(xs: list[int]) -> None:
        assert next(undecidable) % 2

    with pytest.raises(BudgetExceeded, match="did not decide a single example"):
        even()


def test_each_run_starts_anew() -> None:
    judge = Noisy(0, 0.0)

    @stochastic(max_calls=400)
    @quiet
    @given(xs=numbers)
    def test(xs: list[int]) -> None:
        assert not judge(False)

    test()
    first = judge.calls
    test()
    assert judge.calls == 2 * first


def test_other_exceptions_and_rejected_examples_go_through() -> None:
    calls = []

    @stochastic()
    @quiet
    @given(x=st.integers(0, 100))
    def broken(x: int) -> None:
        assume(x % 2 == 0)
        calls.append(x)
        raise RuntimeError("the judge is down")

    with pytest.raises(RuntimeError, match="the judge is down"):
        broken()
    assert all(x % 2 == 0 for x in calls)


def test_two_failures_are_both_asked_again() -> None:
    judge = Noisy(3)

    @stochastic()
    @settings(quiet, report_multiple_bugs=True, max_examples=200)
    @given(x=st.integers(0, 20))
    def test(x: int) -> None:
        if x > 10:
            assert not judge(x > 12)
        else:
            assert not judge(x > 2)

    with pytest.raises(BaseExceptionGroup) as caught:
        test()
    assert len(caught.value.exceptions) == 2
    for error in caught.value.exceptions:
        assert "fresh ones" in "\n".join(error.__notes__)


def test_labels_and_meta_tell_examples_apart() -> None:
    """`repr` of a case leaves its label out; two cases that differ in it only are two examples."""
    from voirdire.harness.cases import Case

    judge = Noisy(0, 0.0)

    @stochastic()
    @settings(quiet, max_examples=30)
    @given(
        case=st.builds(
            lambda label, meta: Case("q", ("a", "b"), label=label, meta={"m": meta}),
            st.sampled_from([0, 1]),
            st.sampled_from(["a", "b"]),
        )
    )
    def test(case: Case) -> None:
        assert not judge(case.label == 1 and case.meta["m"] == "b")

    with pytest.raises(AssertionError):
        test()


def test_decorators_above_and_below_reach_the_test() -> None:
    seen: list[int] = []

    @settings(database=None, max_examples=7, phases=[Phase.generate])
    @stochastic()
    @given(x=st.integers())
    def test(x: int) -> None:
        """What it says."""
        seen.append(x)

    test()
    assert len(set(seen)) <= 7
    assert (test.__name__, test.__doc__) == ("test", "What it says.")


def test_wrong_use_is_refused() -> None:
    with pytest.raises(UsageError, match=r"above @given"):

        @given(x=st.integers())
        @stochastic()
        def below(x: int) -> None: ...

    @stochastic()
    @quiet
    @given(data=st.data())
    def draws(data: st.DataObject) -> None: ...

    with pytest.raises(UsageError, match="cannot repeat a body that draws"):
        draws()
    for options in ({"confidence": 1.0}, {"confidence": 0.4}, {"above": 0.0}, {"max_calls": 5}):
        with pytest.raises(UsageError, match="must"):
            stochastic(**options)


def test_under_pytest_with_fixtures_classes_and_parameters(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(
        """
import random, pytest
from hypothesis import given, settings, strategies as st
from voirdire._stochastic import stochastic

rng = random.Random(1)

@pytest.fixture(scope="module")
def limit():
    return 10

class TestJudge:
    @pytest.mark.parametrize("by", [1, 2])
    @stochastic()
    @settings(database=None, max_examples=40, derandomize=True)
    @given(x=st.integers(0, 100))
    def test_it(self, limit, by, x):
        assert (x * by >= limit) == (rng.random() < .1)

@stochastic()
@settings(database=None, max_examples=20, deadline=1)
@given(x=st.integers(0, 100))
def test_clean(x):
    import time; time.sleep(.002)
""",
        encoding="utf-8",
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error", str(tmp_path)],
        capture_output=True, text=True, cwd=tmp_path,
    )  # fmt: skip
    assert "2 failed, 1 passed" in done.stdout, done.stdout + done.stderr
    assert done.stdout.count("fresh ones") >= 2  # a CI run repeats the messages in its summary
    assert "x=10," in done.stdout
    assert "x=5," in done.stdout
    assert "Explanation:" not in done.stdout
