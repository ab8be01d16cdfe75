"""Output that goes on when its reader has gone, as in `voirdire gate ... | head -1`.

A closed pipe must not change what a command does or answers: the report is still written, and the exit code is the
gate's. Rich and Typer would both end the process with exit code 1, which is the gate's "violated".
"""

from __future__ import annotations

import contextlib
import errno
import io
import sys
from typing import Any, TextIO

__all__ = ["outlive_readers"]

#: what writing to a pipe without a reader answers; Windows says EINVAL
_GONE = (errno.EPIPE, errno.EINVAL) if sys.platform == "win32" else (errno.EPIPE,)


class _Outliving(io.FileIO):
    """A file descriptor that takes what it is given, also where nobody reads it any more."""

    def write(self, data: Any) -> int:
        try:
            return super().write(data)
        except OSError as error:
            if error.errno not in _GONE:
                raise
            return memoryview(data).nbytes


def outlive_readers() -> None:
    """Have standard output and error go on without a reader. Terminals, and streams that are no files, stay as they
    are."""
    sys.stdout = _outliving(sys.stdout)
    sys.stderr = _outliving(sys.stderr)


def _outliving(stream: TextIO) -> TextIO:
    # a stream is missing where there is no console, and has no number where a program took its place
    with contextlib.suppress(OSError, AttributeError, ValueError):
        if not stream.isatty():
            number = stream.fileno()
            stream.flush()
            return io.TextIOWrapper(
                io.BufferedWriter(_Outliving(number, "w", closefd=False)),
                encoding=stream.encoding,
                errors=stream.errors,
                line_buffering=getattr(stream, "line_buffering", False),
                write_through=getattr(stream, "write_through", False),
            )
    return stream
