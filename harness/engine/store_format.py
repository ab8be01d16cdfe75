"""The call store's tables, their format number, and how a file of an older format becomes one of this.

A file is brought up to date when it is opened, in one transaction: a killed migration leaves the old file. Not here:
reading and writing answers (store.py), looking after a file (store_maintenance.py).
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
import time
from collections.abc import Iterator
from pathlib import Path

from voirdire.harness.errors import UsageError

__all__ = ["FORMAT", "connect", "create_private", "look_first", "prepare", "transaction", "unusable"]

#: 1: calls. 2: `judges` says which judge a fingerprint is, so that people can tell what a file holds. 3: `blocks` holds
#: what is known of answered parts of large runs, so that they need not be planned again
FORMAT = 3
#: how a SQLite file begins
_MAGIC = b"SQLite format 3\0"
#: how long one process waits for another's transaction
BUSY_SECONDS = 30.0

_TABLES = {
    "meta": "(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    "calls": (
        "(judge TEXT NOT NULL, content TEXT NOT NULL, sample INTEGER NOT NULL, verdict TEXT NOT NULL, "
        "created REAL NOT NULL, PRIMARY KEY (judge, content, sample)) WITHOUT ROWID"
    ),
    "runs": "(name TEXT PRIMARY KEY, judge TEXT NOT NULL, opened REAL NOT NULL) WITHOUT ROWID",
    "blocks": "(name TEXT PRIMARY KEY, judge TEXT NOT NULL, data BLOB NOT NULL)",
    "judges": (
        "(fingerprint TEXT PRIMARY KEY, name TEXT NOT NULL, spec TEXT NOT NULL, used REAL NOT NULL) WITHOUT ROWID"
    ),
}
#: format -> statements that make it the next one; the tables above exist by then
_MIGRATIONS = {
    1: ("INSERT OR IGNORE INTO judges SELECT judge, '', '', MAX(created) FROM calls GROUP BY judge",),
    2: (),
}


def connect(path: Path) -> sqlite3.Connection:
    """Raises sqlite3.Error."""
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        _write_ahead(connection)
        # NORMAL in WAL survives the death of the process at any moment (a power cut may lose the last commits)
        connection.execute("PRAGMA synchronous=NORMAL")
    except BaseException:
        connection.close()
        raise
    return connection


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Switch to WAL. SQLite does not wait while another process switches the same new file, so this does."""
    until = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(0.01)
        else:
            return


def prepare(connection: sqlite3.Connection, path: Path) -> None:
    """Make `connection` a store of this format. Raises UsageError for a file that is something else, newer or altered,
    and sqlite3.Error."""
    _check(connection, path)
    if _format(connection) == FORMAT and _TABLES.keys() <= _names(connection):
        return  # the usual case takes no write lock
    with transaction(connection):
        _bring_up_to_date(connection, path)


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All or nothing; waits for other writers."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # a full disk ends the transaction by itself, and what is told then must be the full disk
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def look_first(path: Path) -> None:
    """Raises UsageError if `path` is a database, but no store: it is only read, so that another program's file stays as
    it is. What cannot be read at all is left to `connect`, which says why."""
    if not path.is_file() or path.stat().st_size == 0:
        return
    with path.open("rb") as file:
        if not file.read(len(_MAGIC)) == _MAGIC:
            raise unusable(path, sqlite3.DatabaseError("file is not a database"))
    try:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=BUSY_SECONDS)
    except sqlite3.Error:
        return
    with contextlib.closing(connection), contextlib.suppress(sqlite3.Error):
        _check(connection, path)


def _check(connection: sqlite3.Connection, path: Path) -> None:
    """Raises UsageError for a file that is something else, newer, or altered, and sqlite3.Error.

    A file may come with a checkout. Beside its rows it could hold triggers, and a table could be a view, that hand
    planted answers to whoever asks: so nothing may stand in it but our tables, word for word.
    """
    schema = connection.execute("SELECT type, name, sql FROM sqlite_master").fetchall()
    names = {str(name) for kind, name, _ in schema if kind == "table"}
    if schema and "meta" not in names:
        listed = ", ".join(sorted(names)[:3])
        raise UsageError(
            f"{path} is a SQLite file of another program (it holds {listed})",
            hint="Name another file with --cache FILE.",
        )
    found = _format(connection) if names else FORMAT
    if not 1 <= found <= FORMAT:
        raise UsageError(
            f"the cache {path} has format {found}, this voirdire reads formats 1 to {FORMAT}",
            hint="Update voirdire, or name another file with --cache FILE.",
        )
    for kind, name, sql in schema:
        if kind == "index" and sql is None:  # SQLite's own, of a primary key
            continue
        # the text counts: SQLite itself goes by it, whatever the other columns say
        if kind != "table" or name not in _TABLES or _bare(str(sql)) != _bare(f"CREATE TABLE {name} {_TABLES[name]}"):
            raise UsageError(
                f"the cache {path} was altered: its {kind} {name} is not as voirdire makes it",
                hint="Name another file with --cache FILE, or remove this one if nobody needs it.",
            )


def _bare(sql: str) -> str:
    return "".join(sql.split())


def _bring_up_to_date(connection: sqlite3.Connection, path: Path) -> None:
    _check(connection, path)  # again: another process may have been at it
    found = _format(connection) if _names(connection) else FORMAT
    for name, columns in _TABLES.items():
        connection.execute(f"CREATE TABLE IF NOT EXISTS {name} {columns}")
    for old in range(found, FORMAT):
        for statement in _MIGRATIONS[old]:
            connection.execute(statement)
    connection.execute("INSERT OR REPLACE INTO meta VALUES ('format', ?)", (str(FORMAT),))


def _names(connection: sqlite3.Connection) -> set[str]:
    return {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def _format(connection: sqlite3.Connection) -> int:
    """The format number; 0 where there is none."""
    try:
        row = connection.execute("SELECT value FROM meta WHERE key = 'format'").fetchone()
        return int(row[0]) if row is not None else 0
    except (sqlite3.OperationalError, ValueError):
        return 0


def unusable(path: Path, error: Exception) -> UsageError:
    return UsageError(
        f"the cache {path} cannot be used ({error})",
        hint="Name another file with --cache FILE, or --cache none to keep nothing.",
    )


def create_private(path: Path) -> None:
    """Answers may quote private data: the file is readable by its owner only, also while it is being made."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileExistsError:
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            path.chmod(0o600)
