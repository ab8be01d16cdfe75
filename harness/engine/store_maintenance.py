"""Looking after a call store: what it holds, thinning it out, taking its answers out, checking it for damage.

Every function takes an existing file, brings it to the present format, and may run while audits write to it. Not
here: the answers of a running audit (store.py).
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from voirdire.harness.engine.store_format import connect, look_first, prepare, transaction, unusable
from voirdire.harness.errors import UsageError
from voirdire.harness.verdicts import Verdict

__all__ = [
    "JudgeRows",
    "Pruned",
    "StoreInfo",
    "Verified",
    "export_store",
    "inspect_store",
    "prune_store",
    "verify_store",
]

#: problems that `verify_store` names one by one
_NAMED_PROBLEMS = 20


@dataclass(frozen=True, slots=True)
class JudgeRows:
    """The answers of one judge. `first` and `last`: when they came, seconds since 1970; `name` and `spec` are empty
    for answers of voirdire versions that did not note them. `open_run`: kept for a gate that has not finished."""

    fingerprint: str
    name: str
    spec: str
    answers: int
    first: float
    last: float
    open_run: bool


@dataclass(frozen=True, slots=True)
class StoreInfo:
    """What a file holds: its size in bytes (write-ahead log included) and its judges, the latest used first."""

    path: Path
    size: int
    judges: tuple[JudgeRows, ...]

    @property
    def answers(self) -> int:
        return sum(j.answers for j in self.judges)


@dataclass(frozen=True, slots=True)
class Pruned:
    """Answers that were dropped, answers left, and the size of the file in bytes before and after."""

    dropped: int
    left: int
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Verified:
    """`answers` rows were read; `problems` says what is wrong (nothing: the file is whole)."""

    answers: int
    problems: tuple[str, ...]


def inspect_store(path: str | Path) -> StoreInfo:
    """Raises UsageError if there is no such store."""
    file = Path(path)
    query = (
        "SELECT c.judge, COALESCE(j.name, ''), COALESCE(j.spec, ''), c.n, c.first, c.last, r.judge IS NOT NULL FROM "
        "(SELECT judge, COUNT(*) n, MIN(created) first, MAX(created) last FROM calls GROUP BY judge) c "
        "LEFT JOIN judges j ON j.fingerprint = c.judge LEFT JOIN runs r ON r.judge = c.judge ORDER BY c.last DESC"
    )
    with _opened(file) as db:
        rows = db.execute(query).fetchall()
    return StoreInfo(file, _size(file), tuple(_judge(row) for row in rows))


def prune_store(
    path: str | Path,
    *,
    judge: str | None = None,
    before: float | None = None,
    max_bytes: int | None = None,
) -> Pruned:
    """Drop answers and give their room back to the disk.

    Dropped are the answers that came before `before` (seconds since 1970) and are of `judge` (a name, a spec, or the
    start of a fingerprint), whichever is given; then the oldest, until the file is no larger than `max_bytes`. They
    will be asked, and paid for, again. Raises UsageError if there is no such store, or no such judge in it.
    """
    file = Path(path)
    with _opened(file) as db:
        size, answers = _size(file), _count(db)
        if judge is not None or before is not None:
            _drop(db, judge, before)
        # they stand for answers that may have gone; those that are left are all that is needed to make them again
        with transaction(db):
            db.execute("DELETE FROM blocks")
        _give_back(db)
        while max_bytes is not None and _size(file) > max_bytes and (left := _count(db)):
            # rows differ in size, so the share is tried, not computed; an empty file has a size too
            share = 1.0 - max_bytes / _size(file)
            oldest = "SELECT judge, content, sample FROM calls ORDER BY created LIMIT ?"
            with transaction(db):
                db.execute(f"DELETE FROM calls WHERE (judge, content, sample) IN ({oldest})", (int(left * share) + 1,))
            _give_back(db)
        with transaction(db):
            db.execute("DELETE FROM judges WHERE fingerprint NOT IN (SELECT judge FROM calls)")
        left = _count(db)
    return Pruned(answers - left, left, size, _size(file))


def export_store(path: str | Path, *, judge: str | None = None) -> Iterator[dict[str, Any]]:
    """Every answer as plain JSON data, by judge and question; damaged rows are left out (see `verify_store`)."""
    with _opened(Path(path)) as db:
        where, values = _where(db, judge, None)
        query = (
            "SELECT c.judge, COALESCE(j.name, ''), c.content, c.sample, c.created, c.verdict FROM calls c "
            f"LEFT JOIN judges j ON j.fingerprint = c.judge {where} ORDER BY c.judge, c.content, c.sample"
        )
        for fingerprint, name, content, sample, created, text in db.execute(query, values):
            if _problem(text) is None:
                yield {
                    "judge": fingerprint,
                    "name": name,
                    "content": content,
                    "sample": sample,
                    "created": created,
                    **json.loads(text),
                }


def verify_store(path: str | Path) -> Verified:
    """Is the file whole, and is every row an answer? Raises UsageError if there is no file or it is no store."""
    answers = 0
    problems: list[str] = []
    with _opened(Path(path)) as db:
        try:
            problems += (line for (line,) in db.execute("PRAGMA integrity_check") if line != "ok")
            for judge, content, sample, text in db.execute("SELECT judge, content, sample, verdict FROM calls"):
                answers += 1
                problem = _problem(text)
                if problem is not None:
                    problems.append(f"answer {content[:12]} (repeat {sample}) of judge {judge[:12]}: {problem}")
        except sqlite3.DatabaseError as error:
            problems.append(str(error))
    more = len(problems) - _NAMED_PROBLEMS
    return Verified(
        answers, (*problems[:_NAMED_PROBLEMS], f"{more:,} more like these") if more > 0 else tuple(problems)
    )


def _judge(row: tuple[str, str, str, int, float, float, int]) -> JudgeRows:
    fingerprint, name, spec, answers, first, last, is_open = row
    return JudgeRows(fingerprint, name, spec, answers, first, last, bool(is_open))


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    if not path.is_file():
        raise UsageError(f"there is no cache {path}", hint="Name it with --cache FILE; an audit makes one.")
    try:
        look_first(path)
        db = connect(path)
    except (OSError, sqlite3.Error) as error:
        raise unusable(path, error) from None
    try:
        prepare(db, path)
        yield db
    except sqlite3.Error as error:
        raise unusable(path, error) from None
    finally:
        db.close()


def _where(db: sqlite3.Connection, judge: str | None, before: float | None) -> tuple[str, list[object]]:
    """A WHERE clause for rows of `calls c`."""
    conditions: list[str] = []
    values: list[object] = []
    if judge is not None:
        query = (
            "SELECT DISTINCT c.judge FROM calls c LEFT JOIN judges j ON j.fingerprint = c.judge "
            "WHERE j.name = :name OR j.spec = :name OR substr(c.judge, 1, length(:name)) = :name"
        )
        found = [row[0] for row in db.execute(query, {"name": judge})] if judge else []
        if not found:
            raise UsageError(f"the cache holds no answers of a judge {judge!r}", hint="See: voirdire cache info")
        conditions.append(f"c.judge IN ({', '.join('?' * len(found))})")
        values += found
    if before is not None:
        conditions.append("c.created < ?")
        values.append(before)
    return ("WHERE " + " AND ".join(conditions) if conditions else ""), values


def _drop(db: sqlite3.Connection, judge: str | None, before: float | None) -> None:
    where, values = _where(db, judge, before)
    with transaction(db):
        db.execute(f"DELETE FROM calls AS c {where}", values)


def _give_back(db: sqlite3.Connection) -> None:
    """Shrink the file. Another process that is reading keeps it as large as it is; the room is used again then."""
    with contextlib.suppress(sqlite3.OperationalError):
        db.execute("VACUUM")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _count(db: sqlite3.Connection) -> int:
    return int(db.execute("SELECT COUNT(*) FROM calls").fetchone()[0])


def _size(path: Path) -> int:
    log = path.with_name(path.name + "-wal")
    return path.stat().st_size + (log.stat().st_size if log.exists() else 0)


def _problem(text: str) -> str | None:
    """What is wrong with a stored answer."""
    try:
        data = json.loads(text)
        if not isinstance(data, dict):
            return "it is no JSON object"
        Verdict.from_json(data)
    except (TypeError, ValueError, RecursionError) as error:
        return str(error)
    return None
