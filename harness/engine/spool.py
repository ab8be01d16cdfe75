"""Pieces of bytes out of memory, in a nameless temporary file that dies with the process: `Spool`.

Not here: what they hold (src/voirdire/_in_blocks.py), replies of calls one by one (texts.py).
"""

from __future__ import annotations

import os
import tempfile

__all__ = ["Spool"]


class Spool:
    """Pieces that are added at the end and read by their number."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the run
        self._ends = [0]

    def __len__(self) -> int:
        return len(self._ends) - 1

    def add(self, piece: bytes) -> None:
        self._file.seek(0, os.SEEK_END)
        self._file.write(piece)
        self._ends.append(self._ends[-1] + len(piece))

    def __getitem__(self, number: int) -> bytes:
        start, end = self._ends[number], self._ends[number + 1]
        self._file.seek(start)
        return self._file.read(end - start)

    def __del__(self) -> None:
        file = getattr(self, "_file", None)
        if file is not None:
            file.close()
