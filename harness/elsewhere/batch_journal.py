"""Which batches are on their way, in files: a run that ends before they do finds them again.

One small JSON file a batch, for its owner only. It holds the batch's id and the ids of its requests (hashes), no text
and no key. It is removed when every answer was taken. Not here: the answers (engine/store.py keeps them).
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterable
from pathlib import Path

from voirdire.harness.errors import UsageError

__all__ = ["BatchJournal"]

SCHEMA = "voirdire.batch/1"
#: providers keep results about this long
KEPT_SECONDS = 29 * 24 * 3600.0


class BatchJournal:
    """The open batches of one judge (`judge`: a hash) in `folder`."""

    def __init__(self, folder: Path, judge: str) -> None:
        self._folder = folder
        self._judge = judge

    def load(self) -> dict[str, set[str]]:
        """Batch id -> request ids. Raises UsageError naming a file that cannot be read."""
        found: dict[str, set[str]] = {}
        for path in sorted(self._folder.glob("*.json")):
            try:
                data = json.loads(path.read_text("utf-8"))
                mine = data["schema"] == SCHEMA and data["judge"] == self._judge
                batch, requests, made = str(data["batch"]), set(map(str, data["requests"])), float(data["created"])
            except FileNotFoundError:
                continue  # another run took its last answer just now
            except (OSError, ValueError, KeyError, TypeError) as error:
                raise UsageError(
                    f"{path}: no record of a batch ({type(error).__name__})",
                    hint="Remove the file; the batch it stood for would be asked, and paid, again.",
                ) from None
            if not mine:
                continue
            if time.time() - made > KEPT_SECONDS:
                path.unlink(missing_ok=True)
                continue
            found[batch] = requests
        return found

    def add(self, batch: str, requests: Iterable[str]) -> None:
        """Written whole or not at all."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            path = self._path(batch)
            part = path.with_suffix(f".{os.getpid()}.part")
            text = json.dumps(
                {
                    "schema": SCHEMA,
                    "judge": self._judge,
                    "batch": batch,
                    "created": time.time(),
                    "requests": sorted(requests),
                }
            )
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
        except OSError as error:
            raise UsageError(f"the batch {batch} cannot be noted in {self._folder}: {error.strerror}") from None

    def remove(self, batch: str) -> None:
        self._path(batch).unlink(missing_ok=True)

    def _path(self, batch: str) -> Path:
        return self._folder / f"{hashlib.sha256(batch.encode()).hexdigest()[:24]}.json"
