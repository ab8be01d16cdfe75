"""What judges wrote, out of memory: a run keeps verdicts without their long texts, and reads these back where they are
shown.

A reply of 2 kB a call would make 200,000 calls 800 MB. The texts lie in a nameless temporary file that dies with the
process. Not here: what is kept for the next run (store.py).
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from array import array
from dataclasses import replace
from typing import IO

from voirdire.harness.verdicts import Verdict

__all__ = ["Texts"]

#: shorter texts stay where they are: "[[A]]" costs less than its place
_SHORT = 200
#: bytes that are written at once
_BUFFER = 1 << 16

# ASCII, because replies may hold lone surrogates, which are no UTF-8
_ENCODER = json.JSONEncoder()


class Texts:
    """Replies and rationales of numbered calls. `keep` takes them off a verdict, `whole` puts them back."""

    def __init__(self, calls: int) -> None:
        self._places = array("q", [-1]) * calls
        self._sizes = array("q", [0]) * calls
        self._pending = bytearray()
        self._written = 0
        self._file: IO[bytes] | None = None

    def keep(self, number: int, verdict: Verdict) -> Verdict:
        """The verdict as it is kept in memory."""
        if len(verdict.raw or "") + len(verdict.rationale or "") <= _SHORT:
            return verdict
        self._places[number] = self._written + len(self._pending)
        text = _ENCODER.encode([verdict.raw, verdict.rationale]).encode("ascii")
        self._sizes[number] = len(text)
        self._pending += text
        if len(self._pending) >= _BUFFER:
            self._flush()
        # the same few model names come in a new string with every answer
        model = verdict.served_model and sys.intern(verdict.served_model)
        return replace(verdict, raw=None, rationale=None, served_model=model)

    def same(self, number: int, other: int) -> None:
        """Call `number` was given the answer of call `other`."""
        self._places[number], self._sizes[number] = self._places[other], self._sizes[other]

    def whole(self, number: int, verdict: Verdict) -> Verdict:
        """`verdict` of call `number` with its texts."""
        place = self._places[number]
        if place < 0:
            return verdict
        self._flush()
        assert self._file is not None
        self._file.seek(place)
        # by size: the file is unbuffered, and readline would ask the system for every single byte
        text = bytearray()
        while len(text) < self._sizes[number] and (more := self._file.read(self._sizes[number] - len(text))):
            text += more
        raw, rationale = json.loads(text)
        return replace(verdict, raw=raw, rationale=rationale)

    def _flush(self) -> None:
        if not self._pending:
            return
        if self._file is None:
            # unbuffered: `_pending` is the buffer, and reading in between must not lose it
            self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - it lives as long as the run
        self._file.seek(0, os.SEEK_END)
        view = memoryview(self._pending)
        while view:
            view = view[self._file.write(view) :]
        self._written += len(self._pending)
        self._pending = bytearray()

    def __del__(self) -> None:
        file = getattr(self, "_file", None)
        if file is not None:
            file.close()
