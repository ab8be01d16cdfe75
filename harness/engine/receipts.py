"""Receipts: which unfinished runs of a call store this user opened on this machine.

A gate goes on from the answers of its unfinished run. The store that holds them lies in the checkout, where a pull
request can put a file of its own, so that the file's word is not enough: whoever opens a run also leaves a receipt in
the user's state folder, outside of any checkout, and a run without one is asked anew. A receipt is an empty file named
by a hash of the run's random fingerprint (128 bits), readable by its owner only; its age is that of the file.

Where no receipt can be kept (no home, or one that lies in the checkout itself), runs are just not gone on with.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import time
from pathlib import Path

__all__ = ["drop_receipt", "has_receipt", "keep_receipt"]

#: seconds that the clock of a home on the network may be ahead
_CLOCKS = 60.0


def keep_receipt(run: str, *, within: float) -> None:
    """Leave a receipt for the run of the fingerprint `run`, where that is possible; receipts older than `within`
    seconds are removed."""
    folder = _folder()
    if folder is None:
        return
    with contextlib.suppress(OSError):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _prune(folder, time.time() - within)
        os.close(os.open(folder / _name(run), os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def has_receipt(run: str, *, within: float) -> bool:
    """Did this user open the run here, at most `within` seconds ago?"""
    folder = _folder()
    if folder is None:
        return False
    try:
        found = (folder / _name(run)).lstat()
    except OSError:
        return False
    # a file that came with a checkout is readable by others, unless the user's umask says otherwise
    ours = not hasattr(os, "geteuid") or (found.st_uid == os.geteuid() and not stat.S_IMODE(found.st_mode) & 0o077)
    return ours and stat.S_ISREG(found.st_mode) and -_CLOCKS <= time.time() - found.st_mtime <= within


def drop_receipt(run: str) -> None:
    """The run is complete, or given up."""
    folder = _folder()
    if folder is not None:
        with contextlib.suppress(OSError):
            (folder / _name(run)).unlink(missing_ok=True)


def _folder() -> Path | None:
    """Where receipts lie (XDG Base Directory Specification: XDG_STATE_HOME counts only where it is absolute). None if
    there is no home, or if it lies in the checkout."""
    base = Path(os.environ.get("XDG_STATE_HOME", ""))
    try:
        folder = (base if base.is_absolute() else Path.home() / ".local" / "state") / "voirdire" / "runs"
        return None if folder.resolve().is_relative_to(_checkout()) else folder
    except (RuntimeError, OSError):  # no home; a loop of links
        return None


def _checkout() -> Path:
    """The nearest folder from here upwards with a .git, else the current folder."""
    here = Path.cwd().resolve()
    return next((folder for folder in (here, *here.parents) if (folder / ".git").exists()), here)


def _name(run: str) -> str:
    return hashlib.sha256(run.encode("utf-8", "surrogatepass")).hexdigest()


def _prune(folder: Path, before: float) -> None:
    for path in folder.iterdir():
        with contextlib.suppress(OSError):
            if path.lstat().st_mtime < before:
                path.unlink()
