"""Looking after a store: what it holds, thinning out, taking out, checking; also while an audit writes to it."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from sql import sql

from voirdire.harness.engine.store import CallStore
from voirdire.harness.engine.store_maintenance import export_store, inspect_store, prune_store, verify_store
from voirdire.harness.errors import UsageError
from voirdire.harness.verdicts import Verdict

DAY = 86400.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """40 answers of two judges, one a day, the latest today; the older judge's are long."""
    file = tmp_path / "c.sqlite"
    with CallStore(file) as store:
        for k in range(40):
            judge = "aaa1" if k < 20 else "bbb2"
            store.put(judge, (f"q{k}", 0), Verdict(choice=0, raw="long " * 2000 if k < 20 else "[[A]]"))
        store.describe("aaa1", name="openai:old", spec="openai:old")
        store.describe("bbb2", name="openai:new", spec="openai:new")
    for k in range(40):
        sql(file, "UPDATE calls SET created = ? WHERE content = ?", time.time() - (39 - k) * DAY - 60.0, f"q{k}")
    return file


def contents(path: Path) -> set[str]:
    return {row["content"] for row in export_store(path)}


def test_what_a_file_holds(path: Path) -> None:
    found = inspect_store(path)
    assert found.answers == 40
    assert found.size >= path.stat().st_size > 0
    new, old = found.judges  # the latest first
    assert (new.name, new.fingerprint, new.answers) == ("openai:new", "bbb2", 20)
    assert (old.name, old.answers, old.open_run) == ("openai:old", 20, False)
    assert old.last - old.first == pytest.approx(19 * DAY, abs=5)


def test_answers_of_an_unfinished_gate_are_marked(path: Path) -> None:
    with CallStore(path) as store:
        own = store.open_run("gate", "bbb2", within=DAY)
    with CallStore(path) as store:
        store.put(own, ("q", 0), Verdict(choice=0))
        store.describe(own, name="openai:new", spec="openai:new")
    assert [j.open_run for j in inspect_store(path).judges] == [True, False, False]
    with CallStore(path) as store:
        store.finish_run("gate", "bbb2")
    assert [(j.fingerprint, j.open_run) for j in inspect_store(path).judges] == [("bbb2", False), ("aaa1", False)]


def test_prune_by_age(path: Path) -> None:
    done = prune_store(path, before=time.time() - 10 * DAY)
    assert (done.dropped, done.left) == (30, 10)
    assert contents(path) == {f"q{k}" for k in range(30, 40)}
    assert done.after < done.before
    assert [j.name for j in inspect_store(path).judges] == ["openai:new"]


@pytest.mark.parametrize("judge", ["openai:old", "aaa"])
def test_prune_by_judge_and_both(path: Path, judge: str) -> None:
    assert prune_store(path, judge=judge, before=time.time() - 25 * DAY).dropped == 15
    assert prune_store(path, judge=judge).dropped == 5
    assert contents(path) == {f"q{k}" for k in range(20, 40)}


@pytest.mark.parametrize("judge", ["openai:odl", "", "%", "q"])
def test_a_judge_that_is_not_there_drops_nothing(path: Path, judge: str) -> None:
    with pytest.raises(UsageError, match="no answers of a judge"):
        prune_store(path, judge=judge)
    assert len(contents(path)) == 40


def test_prune_by_size_drops_the_oldest(path: Path) -> None:
    done = prune_store(path, max_bytes=100_000)
    assert 0 < done.left < 40
    assert done.after <= 100_000 < done.before
    assert contents(path) == {f"q{k}" for k in range(40 - done.left, 40)}
    assert prune_store(path, max_bytes=10_000_000).dropped == 0
    assert prune_store(path, max_bytes=0).left == 0


def test_an_audit_may_go_on_meanwhile(path: Path) -> None:
    with CallStore(path) as store:
        store.put("bbb2", ("during", 0), Verdict(choice=1))
        prune_store(path, judge="aaa1")
        store.put("bbb2", ("after", 0), Verdict(choice=1))
        assert store.load("aaa1", [("q1", 0)]) == {}
        assert store.find("bbb2", ("q39", 0)) == Verdict(choice=0, raw="[[A]]")
    assert {"during", "after"} <= contents(path)
    assert verify_store(path).problems == ()


def test_export_holds_the_whole_answer(path: Path) -> None:
    rows = list(export_store(path, judge="openai:new"))
    assert len(rows) == 20
    assert json.loads(json.dumps(rows[0])) == rows[0]
    assert {
        "judge": "bbb2",
        "name": "openai:new",
        "content": "q20",
        "sample": 0,
        "choice": 0,
        "raw": "[[A]]",
    }.items() <= (rows[0].items())
    for row in rows:
        verdict = {k: v for k, v in row.items() if k not in ("judge", "name", "content", "sample", "created")}
        assert Verdict.from_json(verdict).choice == 0


@pytest.mark.parametrize(
    "damage", ["{", "[1]", "3", '{"choice": 0, "score": 3}', '{"choice": 0, "wings": 2}', '{"null": null}']
)
def test_verify_finds_a_row_that_is_no_answer(path: Path, damage: str) -> None:
    assert verify_store(path).problems == ()
    sql(path, "UPDATE calls SET verdict = ? WHERE content = 'q7'", damage)
    found = verify_store(path)
    assert found.answers == 40
    assert len(found.problems) == 1
    assert "answer q7 (repeat 0) of judge aaa1" in found.problems[0]
    # it is not exported, and the next audit asks for it again and can keep the new answer
    assert "q7" not in contents(path)
    with CallStore(path) as store:
        assert store.load("aaa1", [("q7", 0)]) == {}
        store.put("aaa1", ("q7", 0), Verdict(choice=1))
    assert verify_store(path).problems == ()


def test_verify_finds_damage_of_the_file_itself(path: Path) -> None:
    sql(path, "PRAGMA wal_checkpoint(TRUNCATE)")
    data = bytearray(path.read_bytes())
    half = len(data) // 2
    data[half : half + 9000] = b"\xff" * 9000
    path.write_bytes(data)
    assert verify_store(path).problems


def test_many_problems_are_counted_not_listed(path: Path) -> None:
    sql(path, "UPDATE calls SET verdict = '{'")
    assert len(verify_store(path).problems) == 21
    assert verify_store(path).problems[-1] == "20 more like these"


@pytest.mark.parametrize("function", [inspect_store, prune_store, verify_store, lambda p: list(export_store(p))])
def test_a_file_that_is_not_there_is_not_made(tmp_path: Path, function) -> None:
    with pytest.raises(UsageError, match="there is no cache"):
        function(tmp_path / "none.sqlite")
    assert list(tmp_path.iterdir()) == []


def test_judges_are_noted_without_keys(path: Path) -> None:
    with CallStore(path) as store:
        store.describe("bbb2", name="n", spec="command:judge --api-key=sk-planted-0123456789abcdef")
    assert b"planted" not in path.read_bytes()
    assert "planted" not in inspect_store(path).judges[0].spec
