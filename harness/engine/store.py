"""The call store: every answer that was paid for, in one SQLite file.

WAL, one writer thread, a commit every 50 answers or 50 ms, values as JSON (never pickle). Two processes may share
the file: each writes in short transactions and waits for the other. A killed process loses at most what was not
committed yet. Errors are not stored, so they are asked again. Not here: the tables (store_format.py), inspecting and
pruning a file (store_maintenance.py).
"""

from __future__ import annotations

import contextlib
import json
import secrets
import sqlite3
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import Path

from voirdire.harness.engine.receipts import drop_receipt, has_receipt, keep_receipt
from voirdire.harness.engine.store_format import (
    connect,
    create_private,
    look_first,
    prepare,
    transaction,
    unusable,
)
from voirdire.harness.errors import UsageError, redact
from voirdire.harness.verdicts import Verdict

__all__ = ["CallStore", "Key"]

#: content hash of what was shown, and the number of the repeat
Key = tuple[str, int]

BATCH_ANSWERS = 50
BATCH_SECONDS = 0.05
#: a judge with more than so many times the rows that are wanted is not scanned, but asked for each
_SCAN = 4
#: contents of one query
_AT_ONCE = 500

# made once: json.dumps builds an encoder for each call that names an option
# ASCII, because replies may hold lone surrogates, which are no UTF-8
_ENCODER = json.JSONEncoder(allow_nan=False)


class CallStore:
    """Answers of all judges by (fingerprint, content, sample). Use as a context manager.

    `put` never blocks on the disk: a thread of its own writes. `close` (or leaving the context) writes what is
    pending. Every method raises UsageError if the file cannot be used.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._pending: list[tuple[str, str, int, str, float]] = []
        self._wake = threading.Condition()
        #: answers that were there already when they were to be written: another process asks the same questions
        self.collisions = 0
        #: `open_run` met an unfinished run that this user did not open on this machine
        self.refused_run = False
        self._writing = 0
        self._closing = False
        self._failure: BaseException | None = None
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            look_first(self.path)
            create_private(self.path)
            self._read = connect(self.path)
        except (OSError, sqlite3.Error) as error:
            raise unusable(self.path, error) from None
        try:
            prepare(self._read, self.path)
        except sqlite3.Error as error:
            self._read.close()
            raise unusable(self.path, error) from None
        except UsageError:
            self._read.close()
            raise
        self._thread = threading.Thread(target=self._write_loop, name="voirdire-store", daemon=True)
        self._thread.start()

    def describe(self, judge: str, *, name: str, spec: str) -> None:
        """Note which judge the fingerprint `judge` is, for people who look at the file."""
        with self._change():
            self._read.execute(
                "INSERT OR REPLACE INTO judges VALUES (?, ?, ?, ?)", (judge, redact(name), redact(spec), time.time())
            )

    def find(self, judge: str, key: Key) -> Verdict | None:
        """One stored answer, also of another process that writes the same file."""
        query = "SELECT verdict FROM calls WHERE judge = ? AND content = ? AND sample = ?"
        with self._use():
            row = self._read.execute(query, (judge, *key)).fetchone()
        return None if row is None else _verdict(row[0])

    def load(self, judge: str, keys: Iterable[Key]) -> dict[Key, Verdict]:
        """The stored answers of `judge` among `keys`, all at once."""
        return dict(self.answers(judge, set(keys)))

    def answers(
        self, judge: str, wanted: Collection[Key], *, fits: Callable[[Key, Verdict], bool] = lambda _key, _verdict: True
    ) -> Iterator[tuple[Key, Verdict]]:
        """The stored answers of `judge` to the questions in `wanted`, one by one. Rows that are damaged, or no answers
        to their question (`fits`), are dropped, so that they are asked again."""
        damaged: list[Key] = []
        with self._use():
            for content, sample, text in self._rows(judge, wanted):
                if (key := (content, sample)) in wanted:
                    verdict = _verdict(text)
                    if verdict is None or not fits(key, verdict):
                        damaged.append(key)
                    else:
                        yield key, verdict
        if damaged:
            with self._change():
                delete = "DELETE FROM calls WHERE judge = ? AND content = ? AND sample = ?"
                self._read.executemany(delete, [(judge, *key) for key in damaged])

    def _rows(self, judge: str, wanted: Collection[Key]) -> Iterator[tuple[str, int, str]]:
        """Rows of the judge, all that are wanted among them."""
        columns = "SELECT content, sample, verdict FROM calls WHERE judge = ?"
        enough = _SCAN * len(wanted) + 1
        count = "SELECT COUNT(*) FROM (SELECT 1 FROM calls WHERE judge = ? LIMIT ?)"
        if self._read.execute(count, (judge, enough)).fetchone()[0] < enough:
            # one scan of the judge's rows: far fewer round trips than a query a key
            yield from self._read.execute(columns, (judge,))
            return
        contents = list(dict.fromkeys(content for content, _ in wanted))
        for at in range(0, len(contents), _AT_ONCE):
            some = contents[at : at + _AT_ONCE]
            yield from self._read.execute(f"{columns} AND content IN ({', '.join('?' * len(some))})", (judge, *some))

    def keep_block(self, name: str, judge: str, data: bytes) -> None:
        """Keep what is known of an answered part of a large run under `name`."""
        with self._change():
            self._read.execute("INSERT OR REPLACE INTO blocks VALUES (?, ?, ?)", (name, judge, data))

    def block(self, name: str, judge: str) -> bytes | None:
        """What `keep_block` kept."""
        query = "SELECT data FROM blocks WHERE name = ? AND judge = ?"
        with self._use():
            row = self._read.execute(query, (name, judge)).fetchone()
        return row[0] if row is not None and isinstance(row[0], bytes) else None

    def load_from(self, judge: str, sample: int) -> dict[Key, Verdict]:
        """The stored answers of `judge` to samples from number `sample` on."""
        query = "SELECT DISTINCT content, sample FROM calls WHERE judge = ? AND sample >= ?"
        with self._use():
            keys = [(content, number) for content, number in self._read.execute(query, (judge, sample))]
        return self.load(judge, keys)

    def put(self, judge: str, key: Key, verdict: Verdict) -> None:
        """Keep an answer; committed within 50 ms."""
        text = _ENCODER.encode(verdict.to_json())
        with self._wake:
            if self._failure is not None:
                raise UsageError(f"the cache {self.path} can no longer be written ({self._failure})")
            self._pending.append((judge, *key, text, time.time()))
            if len(self._pending) in (1, BATCH_ANSWERS):
                self._wake.notify()

    def has_room(self) -> bool:
        """Are fewer answers unwritten than one batch? Who asks only then loses no more, if killed, than that batch and
        what is in flight."""
        if self._failure is not None:
            raise UsageError(f"the cache {self.path} can no longer be written ({self._failure})")
        return len(self._pending) + self._writing < BATCH_ANSWERS

    def open_run(self, name: str, judge: str, *, within: float) -> str:
        """A fingerprint under which a run keeps its own answers: the one it had if it is still open, else a new one.

        `name` says which run this is (equal for equal questions to the same judge), `judge` is the judge's own
        fingerprint. A run that was opened more than `within` seconds ago, or by somebody else, or on another machine
        (receipts.py; `refused_run` says so), is given up, and its answers with it.
        """
        now = time.time()
        with self._change():
            row = self._read.execute("SELECT judge, opened FROM runs WHERE name = ?", (name,)).fetchone()
            if row is not None:
                before, opened = str(row[0]), row[1]
                old = isinstance(opened, float) and now - opened > within
                if not old and isinstance(opened, float) and opened <= now and has_receipt(before, within=within):
                    return before
                self.refused_run = not old
                self._read.execute("DELETE FROM calls WHERE judge = ?", (before,))
                self._read.execute("DELETE FROM judges WHERE fingerprint = ?", (before,))
                drop_receipt(before)
            own = f"{judge}#{secrets.token_hex(16)}"
            self._read.execute("INSERT OR REPLACE INTO runs VALUES (?, ?, ?)", (name, own, now))
            keep_receipt(own, within=within)  # before others can see the run
        return own

    def finish_run(self, name: str, judge: str) -> None:
        """The run is complete: its answers become those of the judge, and the next run of this name asks anew.

        Only for answers that are written already: close the store that took them first.
        """
        with self._change():
            row = self._read.execute("SELECT judge FROM runs WHERE name = ?", (name,)).fetchone()
            if row is not None:
                self._read.execute("UPDATE OR REPLACE calls SET judge = ? WHERE judge = ?", (judge, row[0]))
                self._read.execute(
                    "UPDATE OR REPLACE judges SET fingerprint = ? WHERE fingerprint = ?", (judge, row[0])
                )
                self._read.execute("DELETE FROM runs WHERE name = ?", (name,))
        if row is not None:
            drop_receipt(str(row[0]))

    @contextlib.contextmanager
    def _use(self) -> Iterator[None]:
        """Raises UsageError for what SQLite says: the file is damaged, or another process keeps it for too long."""
        try:
            yield
        except sqlite3.Error as error:
            raise unusable(self.path, error) from None

    @contextlib.contextmanager
    def _change(self) -> Iterator[None]:
        """`_use`, in one transaction."""
        with self._use(), transaction(self._read):
            yield

    def _write_loop(self) -> None:
        connection: sqlite3.Connection | None = None
        try:
            connection = connect(self.path)
            while True:
                with self._wake:
                    while not self._pending and not self._closing:
                        self._wake.wait()
                    if not self._closing and len(self._pending) < BATCH_ANSWERS:
                        self._wake.wait(BATCH_SECONDS)
                    self._writing = len(self._pending)  # first: `has_room` takes no lock
                    batch, self._pending = self._pending, []
                    closing = self._closing
                if batch:
                    with transaction(connection):
                        insert = "INSERT OR IGNORE INTO calls VALUES (?, ?, ?, ?, ?)"
                        kept = connection.executemany(insert, batch).rowcount
                    self.collisions += len(batch) - kept
                    self._writing = 0
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
        with self._use():
            return dict(self._read.execute("SELECT judge, COUNT(*) FROM calls GROUP BY judge"))


def _verdict(text: str) -> Verdict | None:
    """None for a damaged row: its question is asked again."""
    try:
        return Verdict.from_json(json.loads(text))
    except (ValueError, TypeError, RecursionError):
        return None
