"""Runs that keep their own answers: resumed while unfinished, asked anew once finished, never mixed."""

from __future__ import annotations

import os
import stat
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


@pytest.mark.parametrize("opened", ["9e15", "'soon'", "NULL"])
def test_a_run_of_the_future_is_given_up(tmp_path: Path, opened: str) -> None:
    path = tmp_path / "c.sqlite"
    with CallStore(path) as store:
        own = store.open_run("gate", "judge", within=DAY)
    put(path, own, A)
    if opened != "NULL":  # the column does not take it
        sql(path, f"UPDATE runs SET opened = {opened}")
    else:
        sql(path, "UPDATE runs SET judge = x'00'")
    with CallStore(path) as store:
        again = store.open_run("gate", "judge", within=DAY)
        assert again != own
        assert store.refused_run
        assert not store.load(again, [KEY])


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state folder of this test's own; the current folder is a checkout beside it."""
    checkout, state = tmp_path / "checkout", tmp_path / "state"
    (checkout / ".git").mkdir(parents=True)
    monkeypatch.chdir(checkout)
    monkeypatch.setenv("XDG_STATE_HOME", str(state))
    return state / "voirdire" / "runs"


def test_a_store_that_came_from_elsewhere_is_not_gone_on_with(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pull request can bring a store with any rows; it cannot write into the user's state folder."""
    path = tmp_path / "c.sqlite"
    with CallStore(path) as store:
        own = store.open_run("gate", "judge", within=DAY)
        assert not store.refused_run
    put(path, own, A)
    (receipt,) = home.iterdir()
    assert stat.S_IMODE(receipt.stat().st_mode) == 0o600
    assert own not in str(receipt)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "other machine"))
    with CallStore(path) as store:
        again = store.open_run("gate", "judge", within=DAY)
        assert again != own
        assert store.refused_run
        assert store.stats() == {}
        assert store.open_run("gate", "judge", within=DAY) == again


def test_a_receipt_that_others_could_have_written_is_none(tmp_path: Path, home: Path) -> None:
    path = tmp_path / "c.sqlite"
    for spoil in (lambda f: f.chmod(0o644), lambda f: (f.unlink(), f.symlink_to("/dev/null")), lambda f: f.unlink()):
        with CallStore(path) as store:
            own = store.open_run("gate", "judge", within=DAY)
            (receipt,) = home.iterdir()
            spoil(receipt)
            assert store.open_run("gate", "judge", within=DAY) != own
            store.finish_run("gate", "judge")


def test_a_state_folder_in_the_checkout_vouches_for_nothing(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "checkout" / "state"))
    (tmp_path / "checkout" / "deep").mkdir()
    monkeypatch.chdir("deep")
    with CallStore(tmp_path / "c.sqlite") as store:
        own = store.open_run("gate", "judge", within=DAY)
        assert store.open_run("gate", "judge", within=DAY) != own
    assert not (tmp_path / "checkout" / "state").exists()
    assert not home.exists()


def test_without_a_writable_state_folder_runs_are_only_not_gone_on_with(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    occupied = tmp_path / "occupied"
    occupied.touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(occupied))
    path = tmp_path / "c.sqlite"
    with CallStore(path) as store:
        own = store.open_run("gate", "judge", within=DAY)
    put(path, own, A)
    with CallStore(path) as store:
        store.finish_run("gate", "judge")
        assert store.load("judge", [KEY]) == {KEY: A}
        assert store.open_run("gate", "judge", within=DAY) != store.open_run("gate", "judge", within=DAY)


def test_receipts_go_with_their_runs_and_with_time(tmp_path: Path, home: Path) -> None:
    with CallStore(tmp_path / "c.sqlite") as store:
        store.open_run("a", "judge", within=DAY)
        (first,) = home.iterdir()
        os.utime(first, (1.0, 1.0))
        store.open_run("b", "judge", within=DAY)
        (second,) = home.iterdir()
        assert second != first
        store.finish_run("b", "judge")
        assert not list(home.iterdir())


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
