"""The call store: every answer that was paid for, in one SQLite file.

WAL, one writer thread, a commit every 50 answers or 50 ms, values as JSON (never pickle). Two processes may share
the file: each writes in short transactions and waits for the other. A killed process loses at most what was not
committed yet. Errors are not stored, so they are asked again.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import sqlite3
import stat
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from voirdire.harness.errors import UsageError
from voirdire.harness.verdicts import Verdict

__all__ = ["CallStore", "Key"]

#: content hash of what was shown, and the number of the repeat
Key = tuple[str, int]

FORMAT = 1
BATCH_ANSWERS = 50
BATCH_SECONDS = 0.05
BUSY_SECONDS = 30.0

_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS calls (
    judge TEXT NOT NULL,
    content TEXT NOT NULL,
    sample INTEGER NOT NULL,
    verdict TEXT NOT NULL,
    created REAL NOT NULL,
    PRIMARY KEY (judge, content, sample)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS runs (name TEXT PRIMARY KEY, judge TEXT NOT NULL, opened REAL NOT NULL) WITHOUT ROWID;
"""


class CallStore:
    """Answers of all judges by (fingerprint, content, sample). Use as a context manager.

    `put` never blocks on the disk: a thread of its own writes. `close` (or leaving the context) writes what is
    pending. Raises UsageError if the file cannot be used.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._pending: list[tuple[str, str, int, str, float]] = []
        self._wake = threading.Condition()
        self._closing = False
        self._failure: BaseException | None = None
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            _create_private(self.path)
            self._read = self._connect()
        except (OSError, sqlite3.Error) as error:
            raise self._unusable(error) from None
        try:
            self._prepare()
        except sqlite3.Error as error:
            self._read.close()
            raise self._unusable(error) from None
        except UsageError:
            self._read.close()
            raise
        self._thread = threading.Thread(target=self._write_loop, name="voirdire-store", daemon=True)
        self._thread.start()

    def _unusable(self, error: Exception) -> UsageError:
        return UsageError(
            f"the cache {self.path} cannot be used ({error})",
            hint="Name another file with --cache FILE, or --cache none to keep nothing.",
        )

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            # NORMAL in WAL survives the death of the process at any moment (a power cut may lose the last commits)
            connection.execute("PRAGMA synchronous=NORMAL")
        except BaseException:
            connection.close()
            raise
        return connection

    def _prepare(self) -> None:
        with self._transaction():
            for statement in _SCHEMA.split(";"):
                if statement.strip():
                    self._read.execute(statement)
            self._read.execute("INSERT OR IGNORE INTO meta VALUES ('format', ?)", (str(FORMAT),))
            found = int(self._read.execute("SELECT value FROM meta WHERE key = 'format'").fetchone()[0])
        if found != FORMAT:
            raise UsageError(
                f"the cache {self.path} has format {found}, this voirdire reads format {FORMAT}",
                hint="Name another file with --cache FILE.",
            )

    def load(self, judge: str, keys: Iterable[Key]) -> dict[Key, Verdict]:
        """The stored answers of `judge` among `keys`."""
        wanted = set(keys)
        found: dict[Key, Verdict] = {}
        # one scan of the judge's rows: far fewer round trips than a query a key
        rows = self._read.execute("SELECT content, sample, verdict FROM calls WHERE judge = ?", (judge,))
        for content, sample, text in rows:
            if (content, sample) in wanted:
                try:
                    found[content, sample] = Verdict.from_json(json.loads(text))
                except ValueError:
                    continue  # a damaged row is asked again
        return found

    def load_from(self, judge: str, sample: int) -> dict[Key, Verdict]:
        """The stored answers of `judge` to samples from number `sample` on."""
        query = "SELECT DISTINCT content, sample FROM calls WHERE judge = ? AND sample >= ?"
        return self.load(judge, [(content, number) for content, number in self._read.execute(query, (judge, sample))])

    def put(self, judge: str, key: Key, verdict: Verdict) -> None:
        """Keep an answer; committed within 50 ms."""
        # ASCII, because replies may hold lone surrogates, which are no UTF-8
        text = json.dumps(verdict.to_json(), allow_nan=False)
        with self._wake:
            if self._failure is not None:
                raise UsageError(f"the cache {self.path} can no longer be written ({self._failure})")
            self._pending.append((judge, *key, text, time.time()))
            if len(self._pending) in (1, BATCH_ANSWERS):
                self._wake.notify()

    def open_run(self, name: str, judge: str, *, within: float) -> str:
        """A fingerprint under which a run keeps its own answers: the one it had if it is still open, else a new one.

        `name` says which run this is (equal for equal questions to the same judge), `judge` is the judge's own
        fingerprint. A run that was opened more than `within` seconds ago is given up, and its answers with it.
        """
        now = time.time()
        with self._transaction():
            row = self._read.execute("SELECT judge, opened FROM runs WHERE name = ?", (name,)).fetchone()
            if row is not None and now - row[1] <= within:
                return str(row[0])
            if row is not None:
                self._read.execute("DELETE FROM calls WHERE judge = ?", (row[0],))
            own = f"{judge}#{secrets.token_hex(8)}"
            self._read.execute("INSERT OR REPLACE INTO runs VALUES (?, ?, ?)", (name, own, now))
        return own

    def finish_run(self, name: str, judge: str) -> None:
        """The run is complete: its answers become those of the judge, and the next run of this name asks anew.

        Only for answers that are written already: close the store that took them first.
        """
        with self._transaction():
            row = self._read.execute("SELECT judge FROM runs WHERE name = ?", (name,)).fetchone()
            if row is not None:
                self._read.execute("UPDATE OR REPLACE calls SET judge = ? WHERE judge = ?", (judge, row[0]))
                self._read.execute("DELETE FROM runs WHERE name = ?", (name,))

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self._read.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._read.execute("ROLLBACK")
            raise
        self._read.execute("COMMIT")

    def _write_loop(self) -> None:
        connection: sqlite3.Connection | None = None
        try:
            connection = self._connect()
            while True:
                with self._wake:
                    while not self._pending and not self._closing:
                        self._wake.wait()
                    if not self._closing and len(self._pending) < BATCH_ANSWERS:
                        self._wake.wait(BATCH_SECONDS)
                    batch, self._pending = self._pending, []
                    closing = self._closing
                if batch:
                    connection.execute("BEGIN IMMEDIATE")
                    connection.executemany("INSERT OR IGNORE INTO calls VALUES (?, ?, ?, ?, ?)", batch)
                    connection.execute("COMMIT")
                elif closing:
                    break
        except Exception as error:  # of a thread of its own: `put` and `close` raise it where somebody hears it
            with self._wake:
                self._failure = error
        finally:
            if connection is not None:
                connection.close()

    def close(self) -> None:
        """Write what is pending and let the file go."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        self._thread.join()
        self._read.close()
        if self._failure is not None:
            raise UsageError(f"the cache {self.path} could not be written ({self._failure})")

    def __enter__(self) -> CallStore:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def stats(self) -> Mapping[str, int]:
        """Number of answers by judge fingerprint."""
        return dict(self._read.execute("SELECT judge, COUNT(*) FROM calls GROUP BY judge"))


def _create_private(path: Path) -> None:
    """Answers may quote private data: the file is readable by its owner only, also while it is being made."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileExistsError:
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            path.chmod(0o600)
