"""Whether an output can be written, asked before the first call: what was paid for must not be lost to a wrong path.

Nothing stays behind: the report's folder is made when there is a report.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path

from voirdire.harness.errors import UsageError

__all__ = ["check_file", "check_folder"]


def check_folder(folder: Path, formats: Iterable[str] = (), *, option: str = "--out") -> None:
    """Raises UsageError if no report of `formats` can be written to `folder`, which need not exist."""
    if "parquet" in formats:
        from voirdire.reports import parquet

        parquet.require()
    try:
        _try(folder)
    except OSError as error:
        raise UsageError(
            f"cannot write the report to {folder}: {error.strerror or error}",
            hint=f"Choose another folder with {option}.",
        ) from None


def check_file(path: Path | None, option: str) -> None:
    """Raises UsageError if the file that `option` names cannot be written; its folder need not exist."""
    if path is None:
        return
    try:
        if path.is_dir():
            raise IsADirectoryError(0, "it is a folder")
        _try(path.parent)
    except OSError as error:
        raise UsageError(
            f"{option} {path} cannot be written ({error.strerror or error})", hint="Choose another file."
        ) from None


def _try(folder: Path) -> None:
    """Make something in `folder`, or where it would be made, and remove it: rights alone do not tell, as of a disk that
    is mounted read-only."""
    ground = folder
    while not ground.exists() and ground != ground.parent:
        ground = ground.parent
    Path(tempfile.mkdtemp(prefix=".voirdire-", dir=ground)).rmdir()
