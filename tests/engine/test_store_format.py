"""The format of the file: older ones are brought up to date and lose nothing, newer and foreign ones are refused."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sql import sql

from voirdire.harness.engine import store_format
from voirdire.harness.engine.store import CallStore
from voirdire.harness.engine.store_format import FORMAT
from voirdire.harness.engine.store_maintenance import inspect_store, verify_store
from voirdire.harness.errors import UsageError
from voirdire.harness.verdicts import Usage, Verdict

#: what voirdire 0.1 wrote, word for word
FORMAT_1 = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE calls (
    judge TEXT NOT NULL,
    content TEXT NOT NULL,
    sample INTEGER NOT NULL,
    verdict TEXT NOT NULL,
    created REAL NOT NULL,
    PRIMARY KEY (judge, content, sample)
) WITHOUT ROWID;
INSERT INTO meta VALUES ('format', '1');
"""
ANSWERS = {
    ("q1", 0): Verdict(choice=0, raw="[[A]]", usage=Usage(10, 2, 0.001), served_model="judge-2026"),
    ("q1", 1): Verdict(choice="tie"),
    ("q2", 0): Verdict(null="unparsed", reason="no verdict", raw="\ud83d 中文"),
}


@pytest.fixture
def old(tmp_path: Path) -> Path:
    path = tmp_path / "c.sqlite"
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA journal_mode=WAL")
        db.executescript(FORMAT_1)
        for (content, sample), verdict in ANSWERS.items():
            row = ("judge-1", content, sample, json.dumps(verdict.to_json()), 1000.0 + sample)
            db.execute("INSERT INTO calls VALUES (?, ?, ?, ?, ?)", row)
        db.commit()
    path.chmod(0o644)
    return path


def test_a_file_of_format_1_keeps_every_answer(old: Path) -> None:
    with CallStore(old) as store:
        assert store.load("judge-1", ANSWERS) == ANSWERS
        store.put("judge-1", ("q3", 0), Verdict(choice=1))
        store.describe("judge-1", name="openai:judge", spec="openai:judge")
    assert sql(old, "SELECT value FROM meta WHERE key = 'format'") == (str(FORMAT),)
    with CallStore(old) as store:
        assert store.load("judge-1", [*ANSWERS, ("q3", 0)]) == {**ANSWERS, ("q3", 0): Verdict(choice=1)}
    assert verify_store(old).problems == ()
    assert stat.S_IMODE(old.stat().st_mode) == 0o600


def test_judges_of_format_1_are_listed_without_a_name(old: Path) -> None:
    (judge,) = inspect_store(old).judges
    assert (judge.fingerprint, judge.name, judge.answers, judge.first, judge.last) == ("judge-1", "", 3, 1000.0, 1001.0)


def test_unfinished_runs_of_format_1_are_asked_anew(old: Path) -> None:
    """They have no receipt, so that the file alone would have to be believed."""
    sql(old, "CREATE TABLE runs (name TEXT PRIMARY KEY, judge TEXT NOT NULL, opened REAL NOT NULL) WITHOUT ROWID")
    sql(old, "INSERT INTO runs VALUES ('gate', 'judge-1', ?)", time.time() - 60)
    with CallStore(old) as store:
        assert store.open_run("gate", "judge", within=86400.0) != "judge-1"
        assert store.refused_run


#: with any of these a file could hand planted answers to whoever asks
ALTERED = {
    "trigger": "CREATE TRIGGER t AFTER INSERT ON runs BEGIN UPDATE calls SET judge = NEW.judge; END",
    "view": "CREATE VIEW seen AS SELECT * FROM calls",
    "index": "CREATE INDEX more ON calls (created)",
    "column": "ALTER TABLE runs ADD COLUMN more TEXT",
    "a table of its own": "CREATE TABLE more (x)",
}


@pytest.mark.parametrize("statement", ALTERED.values(), ids=ALTERED)
def test_a_store_with_anything_else_in_it_is_refused(tmp_path: Path, statement: str) -> None:
    path = tmp_path / "c.sqlite"
    CallStore(path).close()
    sql(path, statement)
    for use in (CallStore, inspect_store, verify_store):
        with pytest.raises(UsageError, match=r"was altered: its (trigger|view|index|table) \w+ is not as"):
            use(path)


def test_a_trigger_that_calls_itself_a_table_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    CallStore(path).close()
    sql(path, ALTERED["trigger"])
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA writable_schema=ON")
        db.execute("UPDATE sqlite_master SET type = 'table', name = 'sqlite_stat9' WHERE type = 'trigger'")
        db.commit()
    with pytest.raises(UsageError, match=r"was altered|malformed"):  # SQLite does not load it itself
        CallStore(path)


def test_a_view_in_place_of_a_table_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    CallStore(path).close()
    sql(path, "DROP TABLE runs")
    sql(path, "CREATE VIEW runs AS SELECT 'gate' AS name, 'planted' AS judge, 4e9 AS opened")
    with pytest.raises(UsageError, match="its view runs is not as voirdire makes it"):
        CallStore(path)


def test_a_migration_that_fails_leaves_the_old_file(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_format, "_MIGRATIONS", {1: ("INSERT INTO no_such_table VALUES (1)",)})
    with pytest.raises(UsageError, match="cannot be used"):
        CallStore(old)
    assert sql(old, "SELECT value FROM meta WHERE key = 'format'") == ("1",)
    assert sql(old, "SELECT COUNT(*) FROM sqlite_master WHERE name = 'judges'") == (0,)
    monkeypatch.undo()
    with CallStore(old) as store:
        assert store.load("judge-1", ANSWERS) == ANSWERS


@pytest.mark.parametrize("found", ["99", "0", "-1", "new"])
def test_other_formats_are_refused_and_left_alone(old: Path, found: str) -> None:
    sql(old, "UPDATE meta SET value = ? WHERE key = 'format'", found)
    with pytest.raises(UsageError, match=r"has format .*reads formats 1 to") as caught:
        CallStore(old)
    assert "--cache FILE" in str(caught.value)
    assert sql(old, "SELECT value FROM meta") == (found,)
    assert sql(old, "SELECT COUNT(*) FROM sqlite_master WHERE name = 'judges'") == (0,)


def test_a_database_of_another_program_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "cookies.sqlite"
    sql(path, "CREATE TABLE cookies (host TEXT)")
    with pytest.raises(UsageError, match="of another program"):
        CallStore(path)
    assert sql(path, "SELECT group_concat(name) FROM sqlite_master") == ("cookies",)


@pytest.mark.parametrize("use", [CallStore, inspect_store])
@pytest.mark.parametrize("mode", ["DELETE", "WAL", "text"])
def test_another_programs_file_stays_as_it_is_to_the_bit(tmp_path: Path, mode: str, use: Callable[..., object]) -> None:
    """Its mode and its header too: --cache may name a file by a slip."""
    path = tmp_path / "theirs"
    if mode == "text":
        path.write_text('{"instruction": "a"}\n')
    else:
        with contextlib.closing(sqlite3.connect(path)) as db:
            db.execute(f"PRAGMA journal_mode={mode}")
            db.execute("CREATE TABLE cookies (host TEXT)")
    path.chmod(0o644)
    before = path.read_bytes()
    with pytest.raises(UsageError):
        use(path)
    assert path.read_bytes() == before
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_a_full_disk_is_told_as_one(tmp_path: Path) -> None:
    """SQLite ends the transaction by itself, and a ROLLBACK then fails with a message of its own."""
    path = tmp_path / "c.sqlite"
    CallStore(path).close()
    with contextlib.closing(store_format.connect(path)) as db:
        db.execute("PRAGMA max_page_count=14")

        def fill() -> None:
            with store_format.transaction(db):
                for k in range(400):
                    db.execute("INSERT INTO calls VALUES ('j', ?, 0, ?, 0)", (str(k), "x" * 3000))

        with pytest.raises(sqlite3.OperationalError, match="full"):
            fill()
        assert not db.in_transaction


OPEN = """
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from voirdire.harness.engine.store import CallStore
from voirdire.harness.verdicts import Verdict
sys.stdin.readline()
with CallStore(sys.argv[1]) as store:
    store.describe("judge-1", name="n", spec="s")
    store.put("judge-1", (sys.argv[2], 0), Verdict(choice=0))
"""


@pytest.mark.parametrize("existing", [False, True], ids=["new file", "format 1"])
def test_many_processes_may_open_a_file_at_the_same_moment(tmp_path: Path, old: Path, existing: bool) -> None:
    path = old if existing else tmp_path / "new.sqlite"
    command = [sys.executable, "-c", OPEN, str(path)]
    all_of_them = [subprocess.Popen([*command, f"n{k}"], stdin=subprocess.PIPE, text=True) for k in range(6)]
    for process in all_of_them:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in all_of_them:
        process.communicate(timeout=300)
        assert process.returncode == 0
    assert sql(path, "SELECT COUNT(*) FROM calls") == (6 + 3 * existing,)


def test_many_who_open_one_new_file_at_once_all_get_in(tmp_path: Path) -> None:
    """SQLite itself answers "database is locked" to some of them, however long it is told to wait."""
    with ThreadPoolExecutor(8) as pool:
        for number in range(25):
            together = threading.Barrier(8)

            def opened(path: Path = tmp_path / f"{number}.sqlite", together: threading.Barrier = together) -> None:
                together.wait()
                CallStore(path).close()

            for one in [pool.submit(opened) for _ in range(8)]:
                one.result()
