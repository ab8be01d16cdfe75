"""`--on`: what it names, and clear words for what it does not."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from voirdire.harness.cases import Case, content_hash
from voirdire.harness.elsewhere.place import parse_place
from voirdire.harness.elsewhere.pool import Asked
from voirdire.harness.elsewhere.ray_place import RayPlace
from voirdire.harness.elsewhere.ray_worker import JudgeActor
from voirdire.harness.errors import UsageError
from voirdire.harness.judges.spec import JudgeOptions, make_judge


def test_ray_is_read_with_its_address_and_options() -> None:
    assert parse_place("ray") == RayPlace()
    assert parse_place("ray:ray://head:10001?workers=8&gpus=.5") == RayPlace("ray://head:10001", 8, None, 0.5)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rey", "Did you mean 'ray'"),
        ("ray?worker=2", "Did you mean 'workers'"),
        ("ray?workers=0", "a whole number of 1 or more"),
        ("ray?workers=1.5", "a whole number"),
        ("ray?gpus=nan", "a number of 0 or more"),
        ("ray?workers=1&workers=2", "twice"),
        ("batch:x", "takes no address"),
        ("batch?poll=0", "of 1 or more"),
    ],
)
def test_what_is_no_place_is_said(text: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_place(text)
    assert said in str(caught.value)


# --- what runs in a worker, run here ---


def actor(spec: str, *, identity: str | None = None, chat: bool = False) -> JudgeActor:
    options = JudgeOptions(task="pairwise", environ={})
    found = identity if identity is not None else make_judge(spec, options).fingerprint
    return JudgeActor(spec, options, chat, found, None)


def test_a_worker_answers_as_the_judge_does_here() -> None:
    async def run() -> None:
        case = Case("Which?", ("the first one", "the second one"), id="a", label=0)
        worker = actor("mock:noisy")
        assert await worker.ready() is None
        await worker.submit([Asked(i, case, i) for i in range(20)])
        outcomes = []
        while len(outcomes) < 20:
            outcomes += await worker.collect(5.0)
        here = make_judge("mock:noisy", JudgeOptions(task="pairwise"))
        for outcome in outcomes:
            assert outcome.answer == await here.judge(case, sample=outcome.number)
        assert await worker.collect(0.01) == []

    asyncio.run(run())


def test_a_worker_says_what_is_wrong_with_its_judge() -> None:
    async def run() -> None:
        assert "another one in the workers" in str(await actor("mock:noisy", identity="else").ready())
        assert "cannot make the judge" in str(await actor("python:no.such:thing", identity="x").ready())

    asyncio.run(run())


def test_errors_of_the_judge_and_bugs_of_callables_are_outcomes(tmp_path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "broken_judge.py").write_text("def judge(case):\n    raise ValueError('sk-planted-0123456789abcdef')\n")
    monkeypatch.syspath_prepend(str(tmp_path))

    async def run() -> None:
        worker = actor("python:broken_judge:judge")
        assert await worker.ready() is None
        await worker.submit([Asked(1, Case("Which?", ("a", "b"), id="a"), 0)])
        (outcome,) = await worker.collect(5.0)
        assert outcome.error == "JudgeFault"
        assert "ValueError" in outcome.message
        assert "sk-planted" not in outcome.message

    asyncio.run(run())


def test_no_key_travels_to_a_worker() -> None:
    pytest.importorskip("ray")
    key = "sk-planted-0123456789abcdef"
    options = JudgeOptions(environ={"OPENAI_API_KEY": key}, place=RayPlace(workers=1))
    judge = make_judge("openai:gpt-5-mini", options)
    there = judge.chat._there  # type: ignore[attr-defined]
    assert key not in repr(vars(there))
    assert there._options.environ == {}
    plain = make_judge("openai:gpt-5-mini", replace(options, place=None))
    assert judge.fingerprint == plain.fingerprint
    assert content_hash(dict(judge.chat.identity)) == content_hash(dict(plain.chat.identity))  # type: ignore[attr-defined]
