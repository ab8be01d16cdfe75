"""The same audit on Ray workers, real ones: `tox -e ray`. Skipped where Ray is not installed."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from engine_calls import questions

import voirdire as vd
from voirdire.harness.elsewhere.place import parse_place
from voirdire.harness.engine.events import CallFinished, Event
from voirdire.harness.engine.runner import Limits, run_calls
from voirdire.harness.engine.store import CallStore
from voirdire.harness.errors import UsageError
from voirdire.harness.judges.spec import JudgeOptions, make_judge

ray = pytest.importorskip("ray", reason="Ray is not installed: tox -e ray")


@pytest.fixture(scope="module", autouse=True)
def cluster() -> Any:
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    ray.init(num_cpus=4, include_dashboard=False, logging_level="ERROR", log_to_driver=False)
    yield
    ray.shutdown()


def _document(folder: Path, on: str | None, spec: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")
    result = vd.audit(spec, suite="quick", limit=12, on=on)
    result.save(folder, ("json",))
    document: dict[str, Any] = json.loads((folder / "audit.json").read_text())
    document["calls"].pop("seconds")
    return document


@pytest.mark.parametrize("spec", ["mock:noisy?fresh=0&first=.3", "swap_average(mock:noisy?fresh=0)"])
def test_the_audit_is_the_same(spec: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = _document(tmp_path / "here", None, spec, monkeypatch)
    there = _document(tmp_path / "there", "ray?workers=3", spec, monkeypatch)
    assert json.dumps(here, sort_keys=True) == json.dumps(there, sort_keys=True)


def test_a_worker_killed_in_the_middle_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "slow_judge.py").write_text(
        "import os, pathlib, time\n"
        "def judge(case):\n"
        f"    pathlib.Path({str(tmp_path)!r}, f'pid-{{os.getpid()}}').touch()\n"
        "    time.sleep(.01)\n"
        "    return 'A'\n"
    )
    monkeypatch.chdir(tmp_path)
    options = JudgeOptions(
        task="pairwise", params={"version": "1"}, place=parse_place("ray?workers=2"), environ=dict(os.environ)
    )
    judge = make_judge("python:slow_judge.py:judge", options)
    killed: list[int] = []

    def emit(event: Event) -> None:
        if isinstance(event, CallFinished) and event.number >= 60 * (len(killed) + 1) and len(killed) < 2:
            pids = {int(f.name[4:]) for f in tmp_path.glob("pid-*")} - set(killed)
            killed.append(pids.pop())
            os.kill(killed[-1], signal.SIGKILL)

    async def run() -> None:
        with CallStore(tmp_path / "calls.sqlite") as store:
            done = await run_calls(questions(300), judge, limits=Limits(16), store=store, emit=emit)
        await judge.aclose()
        assert len(killed) == 2
        assert (done.made, done.errors, done.stopped) == (300, 0, None)
        assert all(v is not None and v.choice == 0 for v in done.verdicts)

    asyncio.run(run())
    with CallStore(tmp_path / "calls.sqlite") as store:
        assert store.stats() == {judge.fingerprint: 300}


def test_a_judge_made_here_cannot_answer_there() -> None:
    with pytest.raises(UsageError, match="answers in this process"):
        vd.audit(vd.judge("mock:noisy"), suite="quick", limit=2, on="ray")


def test_an_attack_is_the_same() -> None:
    asked: dict[str, Any] = {
        "words": 1,
        "vocabulary": ("verified", "a", "b", "c", "d"),
        "max_calls": 1600,
        "defences": (),
    }
    spec = "mock:noisy?fresh=0&phrase=verified&rate=.8"
    here, there = vd.attack(spec, **asked), vd.attack(spec, on="ray?workers=3", **asked)
    assert here.outcome == "found"
    assert (there.attempts[0].text, there.attempts[0].lift) == (here.attempts[0].text, here.attempts[0].lift)
    assert there.calls.made == here.calls.made
