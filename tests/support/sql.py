"""One statement on a SQLite file, and the connection closed again (a `with` block of sqlite3 leaves it open)."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path
from typing import Any

__all__ = ["sql"]


def sql(path: str | Path, statement: str, *values: object) -> Any:
    """The first row of the answer; changes are committed."""
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        return db.execute(statement, values).fetchone()
