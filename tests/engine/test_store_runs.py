"""Runs that keep their own answers: resumed while unfinished, asked anew once finished, never mixed."""

from __future__ import annotations

from pathlib import Path

import pytest
from sql import sql

from voirdire.harness.engine.store import CallStore
from voirdire.harness.verdicts import Verdict

A, B = Verdict(choice=0), Verdict(choice=1)
KEY = ("content", 0)
DAY = 86400.0


def put(path: Path, judge: str, verdict: Verdict) -> None:
    with CallStore(path) as store:
        store.put(judge, KEY, verdict)


def test_an_unfinished_run_goes_on_and_a_finished_one_starts_anew(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    with CallStore(path) as store:
        own = store.open_run("gate", "judge", within=DAY)
        assert own != "judge"
    put(path, own, A)
    with CallStore(path) as store:
        assert store.open_run("gate", "judge", within=DAY) == own
        assert store.load(own, [KEY]) == {KEY: A}
        store.finish_run("gate", "judge")
        again = store.open_run("gate", "judge", within=DAY)
        assert again != own
        assert not store.load(again, [KEY])


def test_a_finished_runs_answers_become_the_judges(tmp_path: Path) -> None:
    """So that --reuse-cache and audits find the newest answer, and the file does not grow with every gate."""
    path = tmp_path / "c.sqlite"
    put(path, "judge", A)
    with CallStore(path) as store:
        own = store.open_run("gate", "judge", within=DAY)
    put(path, own, B)
    with CallStore(path) as store:
        store.finish_run("gate", "judge")
        assert store.load("judge", [KEY]) == {KEY: B}
        assert store.stats() == {"judge": 1}


def test_other_runs_and_judges_are_apart(tmp_path: Path) -> None:
    with CallStore(tmp_path / "c.sqlite") as store:
        names = [store.open_run(name, judge, within=DAY) for name, judge in (("a", "j"), ("b", "j"), ("c", "k"))]
        assert len(set(names)) == 3
        store.finish_run("a", "j")
        assert store.open_run("b", "j", within=DAY) == names[1]
        store.finish_run("never opened", "j")


def test_a_run_left_for_too_long_is_given_up_with_its_answers(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    with CallStore(path) as store:
        own = store.open_run("gate", "judge", within=DAY)
    put(path, own, A)
    sql(path, "UPDATE runs SET opened = opened - ?", 2 * DAY)
    with CallStore(path) as store:
        assert store.open_run("gate", "judge", within=DAY) != own
        assert store.stats() == {}


def test_a_failure_inside_leaves_the_file_usable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from voirdire.harness.engine import store as module

    with CallStore(tmp_path / "c.sqlite") as store:
        monkeypatch.setattr(module.secrets, "token_hex", lambda _n: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            store.open_run("gate", "judge", within=DAY)
        monkeypatch.undo()
        assert store.open_run("gate", "judge", within=DAY)


def test_a_file_of_before_runs_is_still_read(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    put(path, "judge", A)
    sql(path, "DROP TABLE runs")
    with CallStore(path) as store:
        assert store.load("judge", [KEY]) == {KEY: A}
        assert store.open_run("gate", "judge", within=DAY)
