"""Judges asked through batches: every answer is taken once, whatever becomes of a batch or of the run."""

from __future__ import annotations

import asyncio
import json
import stat
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from batch_server import Answer, BatchServer
from engine_calls import questions
from fake_server import completion

from voirdire.harness.elsewhere.batch_place import BatchPlace
from voirdire.harness.engine.runner import Limits, Run, run_calls
from voirdire.harness.engine.store import CallStore
from voirdire.harness.errors import UsageError
from voirdire.harness.judges.base import Judge
from voirdire.harness.judges.spec import JudgeOptions, make_judge
from voirdire.harness.prices import load_prices, price_of

KEY = "sk-planted-0123456789abcdef"
LIMITS = Limits(20_000)


def message(text: str) -> dict[str, Any]:
    """Anthropic's form of a reply."""
    return {
        "type": "message",
        "model": "claude-x",
        "content": [{"type": "text", "text": text}],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 12, "output_tokens": 3},
    }


REPLIES = {"openai:gpt-5-mini": completion, "anthropic:claude-sonnet-4-5": message}


@pytest.fixture
def place(tmp_path: Path) -> BatchPlace:
    async def sleep(_seconds: float) -> None:
        await asyncio.sleep(0)

    return BatchPlace(folder=tmp_path / "batches", sleep=sleep)


def judge_at(server: BatchServer, place: BatchPlace, spec: str = "openai:gpt-5-mini") -> Judge:
    environ = {"OPENAI_API_KEY": KEY, "ANTHROPIC_API_KEY": KEY}
    return make_judge(spec, JudgeOptions(base_url=server.url, environ=environ, place=place))


def ask(n: int, judge: Judge, *, store: CallStore | None = None, limits: Limits = LIMITS) -> Run:
    async def run() -> Run:
        done = await run_calls(questions(n), judge, limits=limits, store=store)
        await judge.aclose()
        return done

    return asyncio.run(run())


@pytest.mark.parametrize("spec", REPLIES)
def test_all_calls_go_out_in_one_batch_and_come_back(spec: str, place: BatchPlace) -> None:
    with BatchServer(lambda _body: (200, REPLIES[spec]("[[B]]")), looks=4) as server:
        judge = judge_at(server, place, spec)
        run = ask(120, judge)
        assert [len(b) for b in server.batches.values()] == [120]
        assert server.keys <= {KEY, f"Bearer {KEY}"}
    assert (run.made, run.errors, run.stopped) == (120, 0, None)
    assert all(v is not None and v.choice == 1 for v in run.verdicts)
    assert run.tokens == 120 * 15
    assert list(place.folder.glob("*")) == [], "nothing is left to wait for"
    plain = make_judge(spec, JudgeOptions(base_url=server.url))
    assert judge.fingerprint == plain.fingerprint, "live calls and batches share the cache"


@pytest.mark.parametrize("spec", REPLIES)
def test_requests_that_fail_or_expire_go_into_the_next_batch(spec: str, place: BatchPlace) -> None:
    seen: Counter[str] = Counter()

    def answer(body: dict[str, Any]) -> Answer:
        # judged when a result is read: the first batch of a body fails, later ones do not
        text = json.dumps(body)
        number = int(text.split("Question ")[1].split("?")[0])
        times = sum(text in {json.dumps(b) for b in batch.values()} for batch in server.batches.values())
        seen[text] = times
        if times > 1 or number % 4 == 0:
            return 200, REPLIES[spec]("[[A]]")
        return {1: None, 2: (429, {"error": {"message": "busy"}}), 3: (529, {"error": {"message": "full"}})}[number % 4]

    with BatchServer(answer) as server:
        run = ask(40, judge_at(server, place, spec))
        assert (run.made, run.errors, run.reasked) == (40, 0, 30)
        assert sorted(seen.values()) == [1] * 10 + [2] * 30


def test_a_run_that_ends_before_its_batch_takes_the_answers_next_time(place: BatchPlace, tmp_path: Path) -> None:
    async def interrupted(judge: Judge) -> None:
        task = asyncio.create_task(run_calls(questions(50), judge, limits=LIMITS))
        while not list(place.folder.glob("*.json")):
            await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await judge.aclose()

    with BatchServer(lambda _body: (200, completion("[[A]]")), looks=10**9) as server:
        asyncio.run(interrupted(judge_at(server, place)))
        (noted,) = place.folder.glob("*.json")
        assert stat.S_IMODE(noted.stat().st_mode) == 0o600
        assert KEY not in noted.read_text()
        assert "Question" not in noted.read_text()
        server.looks = 1
        with CallStore(tmp_path / "calls.sqlite") as store:
            run = ask(50, judge_at(server, place), store=store)
        assert (run.made, run.errors, len(server.batches)) == (50, 0, 1), "nothing was asked twice"
        assert list(place.folder.glob("*")) == []


def test_answers_nobody_asked_for_this_time_are_kept_for_the_next(place: BatchPlace) -> None:
    with BatchServer(lambda _body: (200, completion("[[A]]")), looks=1) as server:

        async def killed() -> None:
            judge = judge_at(server, place)
            task = asyncio.create_task(run_calls(questions(30), judge, limits=LIMITS))
            while not list(place.folder.glob("*.json")):
                await asyncio.sleep(0.005)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

        asyncio.run(killed())
        assert len(list(place.folder.glob("*.json"))) == 1
        assert ask(10, judge_at(server, place)).errors == 0
        assert len(list(place.folder.glob("*.json"))) == 1, "twenty paid answers wait in it"
        assert ask(30, judge_at(server, place)).errors == 0
        assert len(server.batches) == 1


def test_a_download_that_breaks_off_is_taken_up_again(place: BatchPlace) -> None:
    with BatchServer(lambda _body: (200, completion("[[A]]"))) as server:
        server.break_off = 3
        run = ask(200, judge_at(server, place))
        assert (run.made, run.errors, len(server.batches)) == (200, 0, 1)


def test_batches_are_no_larger_than_they_may_be(place: BatchPlace) -> None:
    with BatchServer(lambda _body: (200, completion("[[A]]"))) as server:
        run = ask(100, judge_at(server, replace(place, size=30)), limits=Limits(1000))
        assert run.errors == 0
        assert sorted(len(b) for b in server.batches.values()) == [10, 30, 30, 30]


def test_a_batch_that_is_not_accepted_stops_the_run_with_the_providers_words(place: BatchPlace) -> None:
    with BatchServer(lambda _body: (200, completion("[[A]]"))) as server:
        server.failed = f"Enqueued token limit reached for {KEY}"
        run = ask(5, judge_at(server, place))
    assert run.stopped == "judge"
    assert "Enqueued token limit reached" in (run.reason or "")
    assert KEY not in (run.reason or "")
    assert list(place.folder.glob("*")) == []


@pytest.mark.parametrize(("status", "said"), [(401, "key refused"), (404, "not found"), (307, "307")])
def test_a_service_without_batches_says_so(status: int, said: str, place: BatchPlace) -> None:
    with BatchServer(lambda _body: None) as server:
        server.trouble = lambda _method, _path: (status, {"error": {"message": f"no batches for {KEY}"}})
        run = ask(3, judge_at(server, place))
    assert run.stopped == "judge"
    assert said in (run.reason or "")
    assert KEY not in (run.reason or "")


def test_looks_may_fail_now_and_then(place: BatchPlace) -> None:
    times = Counter[str]()

    def trouble(method: str, path: str) -> tuple[int, Any] | None:
        times[method + path] += 1
        return (503, {"error": {"message": "later"}}) if method == "GET" and times[method + path] % 3 else None

    with BatchServer(lambda _body: (200, completion("[[A]]")), looks=3) as server:
        server.trouble = trouble
        assert ask(20, judge_at(server, place)).errors == 0
        assert len(server.batches) == 1


def test_results_of_another_host_get_no_key(place: BatchPlace) -> None:
    with BatchServer(lambda _body: (200, message("[[A]]"))) as server, BatchServer(lambda _body: None) as stranger:
        server.results_host = stranger.url.replace("127.0.0.1", "localhost")
        run = ask(3, judge_at(server, place, "anthropic:claude-sonnet-4-5"))
        assert run.stopped == "judge"
        assert "another host, which gets no key" in (run.reason or "")
        assert stranger.keys == set()


def test_a_damaged_note_is_named(place: BatchPlace) -> None:
    place.folder.mkdir()
    (place.folder / "x.json").write_text("{")
    with BatchServer(lambda _body: None) as server, pytest.raises(UsageError, match=r"x\.json: no record of a batch"):
        ask(1, judge_at(server, place))


def test_judges_without_batches_are_refused_and_local_ones_left(place: BatchPlace) -> None:
    options = JudgeOptions(place=place, environ={}, task="pairwise")
    with pytest.raises(UsageError, match="gemini: judge cannot be asked in batches"):
        make_judge("gemini:gemini-2.5-flash", options)
    assert make_judge("mock:noisy", options).name == "mock:noisy"


def test_a_batch_is_half_the_price(place: BatchPlace) -> None:
    prices = load_prices()
    whole = price_of(make_judge("openai:gpt-5-mini", JudgeOptions(environ={})), prices)
    half = price_of(make_judge("openai:gpt-5-mini", JudgeOptions(environ={}, place=place)), prices)
    assert whole is not None
    assert half is not None
    assert (half.input, half.output) == (whole.input / 2, whole.output / 2)


def test_a_service_that_is_down_is_said(place: BatchPlace) -> None:
    options = JudgeOptions(base_url="http://127.0.0.1:9/v1", environ={"OPENAI_API_KEY": KEY}, place=place)
    run = ask(2, make_judge("openai:gpt-5-mini", options))
    assert run.errors == 2
    assert "cannot be reached" in str(run.verdicts[0])
    assert KEY not in str(run.verdicts)
