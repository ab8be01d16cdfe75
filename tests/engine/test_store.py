"""The call store: what is committed survives, two processes share a file, nobody else reads it."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sql import sql

from voirdire.harness.engine.store import CallStore
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
