"""Cases of a JSONL file that stay on the disk: `CaseTable`, a sequence that reads a case when somebody looks at it.

Here: where each line starts, and reading a stretch of lines. Not here: what a line may hold (casefiles.py).
"""

from __future__ import annotations

import os
from array import array
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import overload

import numpy as np

from voirdire.harness.casefiles import duplicate_id, jsonl_record, jsonl_records, no_cases, parse_case
from voirdire.harness.cases import Case
from voirdire.harness.errors import CaseFileError

__all__ = ["CaseTable"]

#: lines that are read at once, and how many such stretches are kept
_STRETCH = 64
_KEPT = 8


class CaseTable(Sequence[Case]):
    """The cases of a JSONL file, checked once by `read`: 16 bytes of memory each.

    A file that has changed since raises CaseFileError when the next case is read from it.
    """

    def __init__(self, file: _File, starts: np.ndarray, lines: np.ndarray) -> None:
        self._file = file
        self._starts = starts
        self._lines = lines
        self._stretches: OrderedDict[int, list[Case]] = OrderedDict()

    @classmethod
    def read(cls, path: str) -> CaseTable:
        """Read and check every case of the file. Raises CaseFileError as `read_cases` does."""
        file = _File(path)
        starts, lines, ids = array("q"), array("q"), array("q")
        for number, record, start in jsonl_records(file.lines, path):
            starts.append(start)
            lines.append(number)
            ids.append(hash(parse_case(record, path=path, line=number).id))
        if not starts:
            raise no_cases(path)
        table = cls(file, np.asarray(starts), np.asarray(lines))
        table._check_ids(np.asarray(ids))
        return table

    def _check_ids(self, hashes: np.ndarray) -> None:
        """Raises CaseFileError for the first id that was used before. A million ids would fill memory, their hashes do
        not; only ids of equal hashes are compared."""
        found, counts = np.unique(hashes, return_counts=True)
        doubtful = np.flatnonzero(np.isin(hashes, found[counts > 1]))
        seen: dict[str, int] = {}
        for number in doubtful.tolist():
            identity = self[number].id
            if identity in seen:
                raise duplicate_id(identity, self._file.path, seen[identity], int(self._lines[number]))
            seen[identity] = int(self._lines[number])

    def __len__(self) -> int:
        return len(self._starts)

    @overload
    def __getitem__(self, number: int) -> Case: ...
    @overload
    def __getitem__(self, number: slice) -> CaseTable: ...
    def __getitem__(self, number: int | slice) -> Case | CaseTable:
        if isinstance(number, slice):
            return CaseTable(self._file, self._starts[number], self._lines[number])
        number = range(len(self))[number]  # as a list reads it: from the end, or IndexError
        stretch = number // _STRETCH
        cases = self._stretches.get(stretch)
        if cases is None:
            cases = self._stretches[stretch] = self._cases(stretch)
            if len(self._stretches) > _KEPT:
                self._stretches.popitem(last=False)
        return cases[number % _STRETCH]

    def __iter__(self) -> Iterator[Case]:
        for stretch in range(-(-len(self) // _STRETCH)):
            yield from self._cases(stretch)

    def _cases(self, stretch: int) -> list[Case]:
        path, found = self._file.path, []
        self._file.check()
        for number in range(stretch * _STRETCH, min(len(self), (stretch + 1) * _STRETCH)):
            self._file.lines.seek(int(self._starts[number]))
            line = int(self._lines[number])
            record = jsonl_record(self._file.lines.readline(), path, line)
            assert record is not None  # the line was read before, and the file is the same
            found.append(parse_case(record, path=path, line=line))
        return found


class _File:
    """An open file that is shared by tables; closed with the last of them."""

    def __init__(self, path: str) -> None:
        self.path = path
        try:
            self.lines = Path(path).open("rb")  # noqa: SIM115 - it lives as long as this object
        except OSError as error:
            raise CaseFileError(f"cannot be read ({error.strerror})", path=path) from None
        self._stamp = self._now()

    def check(self) -> None:
        """Raises CaseFileError if the file is not what it was when it was opened."""
        if self._now() != self._stamp:
            raise CaseFileError("the file changed while it was being read", path=self.path, hint="Run it again.")

    def _now(self) -> tuple[int, int]:
        """Size and time of the last change."""
        found = os.fstat(self.lines.fileno())
        return found.st_size, found.st_mtime_ns

    def __del__(self) -> None:
        lines = getattr(self, "lines", None)
        if lines is not None:
            lines.close()
