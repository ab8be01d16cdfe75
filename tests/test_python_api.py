"""What the public functions take and refuse, apart from what an audit finds (test_audit.py)."""

from __future__ import annotations

import asyncio
import inspect
import re
import warnings
from typing import Any

import pytest

import voirdire as vd
from voirdire.harness.cases import Perturbation
from voirdire.harness.errors import JudgeUnreachable, NotApplicable, UsageError


def longest(case: vd.Case) -> int:
    return int(len(case.responses[1]) > len(case.responses[0]))


def test_an_audit_takes_a_callable_and_one_probe() -> None:
    result = vd.audit(longest, suite="quick", limit=4, probes="order.swap")
    assert [f.probe for f in result.findings.values()] == ["order.swap"]
    assert result.audit.task == "pairwise"


@pytest.mark.parametrize("scale", ["1:5", (1, 5), vd.Scale(1, 5)])
def test_a_scale_may_be_written_as_on_the_command_line(scale: Any) -> None:
    for spec in ("mock:noisy", lambda _case: 3):
        assert vd.judge(spec, task="score", scale=scale).scale == vd.Scale(1, 5)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: vd.judge("mock:noisy", task="score", scale=7), "scale=7 is no range.*1:10"),
        (lambda: vd.judge("mock:noisy", task="score", scale="5"), "'5' is no range"),
        (lambda: vd.judge(longest, task="score", scale=(5, 1)), "is no range"),
        (lambda: vd.judge(longest, task="score", prompt="x.md"), "a callable has its own"),
        (lambda: vd.judge(longest, task="score", timeuot=3), "no option 'timeuot'.*'timeout'"),
        (lambda: vd.judge("python:j.py:f", version="2"), r"version is for callables.*params=\{\"version\": '2'\}"),
        (lambda: vd.judge("mock:noisy", timeuot=3), "no option 'timeuot'.*'timeout'"),
        (lambda: vd.audit("mock:noisy", cases=[1]), r"case 1: a case is an object.*a number \(1\)"),
        (lambda: vd.audit("mock:noisy", cases=7), "cases must be a file or cases, not 7"),
        (lambda: vd.audit(7), "is not callable"),
        (lambda: vd.audit(longest, alpha=2), "alpha is a number from 0 to 0.5, got 2"),
        (lambda: vd.audit(longest, alpha=0), "alpha is a number"),
        (lambda: vd.audit(longest, tolerance=-1), "tolerance is a number from 0 to 1, got -1"),
        (lambda: vd.audit(longest, tolerance=float("nan")), "tolerance is a number from 0 to 1, got nan"),
        (lambda: vd.audit(longest, tolerance=5), r"got 5\nGive 0.05 for 5 %"),
        (lambda: vd.audit(longest, tolerance="a"), "tolerance is a number"),
        (lambda: vd.audit(longest, samples=2.5), "samples is a whole number from 1 on, got 2.5"),
        (lambda: vd.audit(longest, limit=0), "limit is a whole number from 1 on, got 0"),
        (lambda: vd.audit(longest, minimise=-1), "minimise is a whole number from 0 on"),
        (lambda: vd.audit(longest, concurrency=0), "concurrency is a whole number from 1 on"),
        (lambda: vd.audit(longest, max_calls=0), "max_calls is a whole number from 1 on"),
        (lambda: vd.audit(longest, mode="sequental"), r"no mode 'sequental'.*'sequential'"),  # type: ignore[arg-type]
        (lambda: vd.audit(longest, suite=None), "suite is a name, a file or a Suite, got None"),  # type: ignore[arg-type]
        (lambda: vd.check_swap(longest, None, alpha=0), "alpha is a number"),
        (lambda: vd.check_swap(longest, None, tolerance=float("nan")), "tolerance is a number"),
        (lambda: vd.check_swap(longest, None, max_calls=0), "max_calls is a whole number"),
        (lambda: vd.check_no_gain(longest, None, "authority.book", target="wrose"), r"no target 'wrose'.*'worse'"),
        (lambda: vd.attack(longest, alpha=2), "alpha is a number"),
        (lambda: vd.attack(longest, samples=0), "samples is a whole number"),
        (lambda: vd.attack(longest, concurrency=0), "concurrency is a whole number"),
    ],
)
def test_what_is_wrong_is_a_usage_error(call: Any, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        call()
    assert re.search(words, str(caught.value), re.S)


def boom(_case: vd.Case) -> int:
    raise ValueError("boom: no such table")


@pytest.mark.parametrize(
    "ask",
    [
        lambda: vd.audit(boom, suite="quick", limit=2, probes="order.swap"),
        lambda: vd.check_swap(boom, None, limit=2),
        lambda: vd.check_agrees(boom, boom, None, limit=2),
    ],
)
def test_a_judge_that_raises_is_told_with_its_reason_however_few_calls_there_are(ask: Any) -> None:
    with pytest.raises(JudgeUnreachable, match="boom: no such table"):
        ask()


@pytest.mark.parametrize("door", [vd.audit, vd.attack])
def test_a_blocking_door_in_a_loop_says_what_to_write(door: Any) -> None:
    async def within() -> None:
        door(longest)

    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a coroutine that was never awaited
        with pytest.raises(RuntimeError, match=f"use `await voirdire.a{door.__name__}"):
            asyncio.run(within())


def test_a_check_of_the_users_own_drops_edits() -> None:
    seen: list[str] = []

    def no_books(perturbation: Perturbation, before: str, after: str) -> None:
        assert before != after
        seen.append(perturbation.name)
        raise NotApplicable("not this one")

    result = vd.audit("mock:oracle", suite="quick", limit=4, probes="authority.book", check=no_books)
    assert set(seen) == {"authority.book"}
    assert result.findings["authority.book"].decision == "not_applicable"


def test_the_docstring_of_audit_names_every_option() -> None:
    named = vd.audit.__doc__ or ""
    assert not [name for name in inspect.signature(vd.aaudit).parameters if not re.search(rf"\b{name}\b", named)]
