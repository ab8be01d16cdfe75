"""The call store: what is committed survives, two processes share a file, nobody else reads it."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sql import sql

from voirdire.harness.engine.store import CallStore
from voirdire.harness.engine.store_maintenance import verify_store
from voirdire.harness.errors import UsageError
from voirdire.harness.verdicts import Usage, Verdict

A = Verdict(choice=0, raw="[[A]]", usage=Usage(10, 2, 0.001), probabilities={"0": 0.7, "1": 0.3})


def test_answers_come_back_as_they_were(tmp_path: Path) -> None:
    verdicts = [
        A,
        Verdict(choice="tie"),
        Verdict(score=7.5),
        Verdict(grade=False),
        Verdict(ranking=(2, 0, 1)),
        Verdict(null="unparsed", reason="no verdict", raw="\x00\ud83d lone 中文"),
    ]
    with CallStore(tmp_path / "c.sqlite") as store:
        for i, verdict in enumerate(verdicts):
            store.put("j", (f"h{i}", 0), verdict)
    with CallStore(tmp_path / "c.sqlite") as store:
        found = store.load("j", [(f"h{i}", 0) for i in range(len(verdicts))])
    assert [found[f"h{i}", 0] for i in range(len(verdicts))] == verdicts


def test_judge_content_and_sample_all_count(tmp_path: Path) -> None:
    with CallStore(tmp_path / "c.sqlite") as store:
        store.put("j", ("h", 0), A)
    with CallStore(tmp_path / "c.sqlite") as store:
        assert store.load("j", [("h", 0)])
        assert not store.load("j", [("h", 1)])
        assert not store.load("k", [("h", 0)])
        assert not store.load("j", [("g", 0)])


def test_only_the_owner_may_read(tmp_path: Path) -> None:
    path = tmp_path / "new" / "c.sqlite"
    with CallStore(path) as store:
        store.put("j", ("h", 0), A)
        modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in path.parent.iterdir()}
    assert all(mode & 0o077 == 0 for mode in modes.values()), modes


def test_a_file_left_open_to_others_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    CallStore(path).close()
    path.chmod(0o644)
    CallStore(path).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_damaged_row_is_asked_again(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    with CallStore(path) as store:
        store.put("j", ("good", 0), A)
        store.put("j", ("bad", 0), A)
    sql(path, "UPDATE calls SET verdict = '{\"choice\": 0, \"score\": 3}' WHERE content = 'bad'")
    with CallStore(path) as store:
        assert set(store.load("j", [("good", 0), ("bad", 0)])) == {("good", 0)}


@pytest.mark.parametrize(
    "row",
    [
        '{"choice": 7}',
        '{"choice": true}',
        '{"choice": [1]}',
        '{"score": 1e999}',
        '{"score": NaN}',
        f'{{"score": 1{"0" * 400}}}',
        f'{{"choice": {"1" * 5000}}}',
        '{"grade": 1}',
        '{"ranking": [0, "a"]}',
        '{"ranking": [0, 2]}',
        '{"null": "zzz"}',
        '{"null": ["error"]}',
        '{"choice": 1, "raw": 5}',
        '{"choice": 1, "margin": "wide"}',
        '{"choice": 0, "probabilities": {"0": 2}}',
        '{"choice": 0, "probabilities": [1]}',
        '{"choice": 0, "usage": 5}',
        '{"choice": 0, "usage": {"input_tokens": -5}}',
        '{"choice": 0, "usage": {"input_tokens": 1e400}}',
        '{"choice": 0, "usage": {"cost_usd": NaN}}',
        "[" * 5000,
        "[]",
        "null",
    ],
    ids=lambda row: row[:40],
)
def test_a_row_that_is_no_verdict_is_asked_again(tmp_path: Path, row: str) -> None:
    path = tmp_path / "c.sqlite"
    CallStore(path).close()
    sql(path, "INSERT INTO calls VALUES ('j', 'bad', 0, ?, 0)", row)
    assert len(verify_store(path).problems) == 1
    with CallStore(path) as store:
        assert store.find("j", ("bad", 0)) is None
        assert not store.load("j", [("bad", 0)])
        assert store.stats() == {}


def test_what_sqlite_says_is_an_error_with_a_fix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is called first on a store that is damaged, or kept by another process for too long."""
    from voirdire.harness.engine import store_format

    monkeypatch.setattr(store_format, "BUSY_SECONDS", 0.0)
    path = tmp_path / "c.sqlite"
    with CallStore(path) as store, contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        for change in (
            lambda: store.describe("j", name="n", spec="s"),
            lambda: store.keep_block("b", "j", b""),
            lambda: store.open_run("r", "j", within=1.0),
            lambda: store.finish_run("r", "j"),
        ):
            with pytest.raises(UsageError, match=r"database is locked.*\n.*--cache"):
                change()
        other.execute("ROLLBACK")
    with CallStore(path) as store:
        sql(path, "DROP TABLE calls")
        sql(path, "DROP TABLE blocks")
        for look in (
            lambda: store.find("j", ("h", 0)),
            lambda: store.load("j", [("h", 0)]),
            lambda: store.load_from("j", 0),
            lambda: store.block("b", "j"),
            store.stats,
        ):
            with pytest.raises(UsageError, match=r"no such table.*\n.*--cache"):
                look()


@pytest.mark.parametrize("content", [b"this is no database, but long enough to be taken for one" * 50])
def test_a_file_that_is_no_store_is_a_clear_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "c.sqlite"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=r"c\.sqlite cannot be used.*\n.*--cache"):
        CallStore(path)
    assert path.read_bytes() == content


def test_another_format_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    CallStore(path).close()
    sql(path, "UPDATE meta SET value = '99' WHERE key = 'format'")
    with pytest.raises(UsageError, match="format 99"):
        CallStore(path)


WRITER = """
import sys, time
from voirdire.harness.engine.store import CallStore
from voirdire.harness.verdicts import Verdict
path, name, n, pause = sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
with CallStore(path) as store:
    for i in range(n):
        while not store.has_room():  # as the runner does
            time.sleep(.001)
        store.put("j", (f"{name}-{i}", 0), Verdict(choice=i % 2))
        if pause and i % 20 == 0:
            time.sleep(pause)
            print(i, flush=True)
"""


def test_two_processes_write_one_file(tmp_path: Path) -> None:
    path = str(tmp_path / "c.sqlite")
    both = [subprocess.Popen([sys.executable, "-c", WRITER, path, name, "2000", "0"]) for name in "ab"]
    assert [p.wait(300) for p in both] == [0, 0]
    with CallStore(path) as store:
        assert store.stats() == {"j": 4000}


@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL")
def test_a_kill_loses_no_committed_answer(tmp_path: Path) -> None:
    path = str(tmp_path / "c.sqlite")
    for round_ in range(4):
        name = f"r{round_}"
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, path, name, "100000", "0.01"], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        for line in process.stdout:
            if int(line) >= 200 + 100 * round_:
                break
        time.sleep(0.01 * round_)
        process.send_signal(signal.SIGKILL)
        last = [int(x) for x in process.stdout.read().split()] or [int(line)]
        process.wait()
        process.stdout.close()
        assert sql(path, "PRAGMA integrity_check") == ("ok",)
        (kept,) = sql(path, "SELECT COUNT(*) FROM calls WHERE content LIKE ?", f"{name}-%")
        # the last batch may be lost, nothing before it
        assert kept >= last[-1] - 50
