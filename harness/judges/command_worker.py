"""One running program that is asked a line and answers a line.

Here: the process, its pipes and its end. Not here: what the lines mean, restarts and time limits (command_judge.py).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Mapping, Sequence

__all__ = ["Died", "OutOfStep", "Worker"]

#: a verdict takes a few hundred bytes; a line that is longer is none
MAX_LINE_BYTES = 8_000_000
#: of standard error, what is kept
_TAIL_BYTES = 4000
#: seconds that a program has to end by itself once its input has ended
_GRACE = 2.0
#: the first answers of a program after which it is listened to for a moment, and that moment in seconds
_PROBATION, _QUIET = 3, 0.05


class Died(Exception):
    """The program ended before it had answered. The message says how."""

    def __init__(self, message: str, worker: Worker) -> None:
        super().__init__(message)
        self.worker = worker


class OutOfStep(Exception):
    """It wrote more lines than it was asked for, or one without an end."""


class Worker:
    """A started program. `ask` is for one caller at a time; `answered` counts its answers; `said` is the end of its
    standard error."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.answered = 0
        self._process = process
        self._tail = b""
        self._lines: asyncio.Queue[bytes | Exception] = asyncio.Queue()
        self._readers = (asyncio.create_task(self._read_lines()), asyncio.create_task(self._read_errors()))

    @classmethod
    async def start(cls, program: Sequence[str], environ: Mapping[str, str]) -> Worker:
        """Raises OSError where the program cannot be started."""
        process = await asyncio.create_subprocess_exec(
            *program,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            # Python programs would otherwise keep an answer until their buffer is full
            env={"PYTHONUNBUFFERED": "1", **environ},
            limit=MAX_LINE_BYTES,
            # A session of its own: Ctrl-C is ours to handle, and children of a shell script end with it.
            start_new_session=True,
        )
        return cls(process)

    @property
    def alive(self) -> bool:
        return self._process.returncode is None and not self._readers[0].done()

    @property
    def said(self) -> str:
        return self._tail.decode("utf-8", "replace")

    async def ask(self, line: str) -> bytes:
        """Its answer to `line`, which is ASCII. Raises Died or OutOfStep, after which it is of no more use."""
        stdin = self._process.stdin
        assert stdin is not None
        self._must_be_quiet()
        # A program that has ended breaks the pipe; why it ended is read below.
        with contextlib.suppress(ConnectionError):
            stdin.write(line.encode("ascii") + b"\n")
            await stdin.drain()
        found = await self._lines.get()
        if isinstance(found, EOFError):
            raise Died(await self._how_it_ended(), self)
        if isinstance(found, Exception):
            raise found
        self.answered += 1
        if self.answered <= _PROBATION:
            # A program that writes two lines a case would answer every case with the one before: look twice at first.
            await asyncio.sleep(_QUIET)
            self._must_be_quiet(found)
        return found

    def _must_be_quiet(self, before: bytes = b"") -> None:
        if self._lines.empty():
            return
        left = self._lines.get_nowait()
        if isinstance(left, bytes):
            shown = (before[:80] + left[:80]).decode("utf-8", "replace")
            raise OutOfStep(f"wrote more lines than it read: {shown!r}")
        self._lines.put_nowait(left)  # its end, for whoever asks next

    def kill(self) -> None:
        """Ends it and its children at once."""
        if self._process.returncode is not None:
            return  # its number may be another process's by now
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if sys.platform == "win32":
                self._process.kill()
            else:
                os.killpg(self._process.pid, signal.SIGKILL)

    async def gone(self) -> None:
        """Waits until it has ended and its pipes are closed."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        await self._process.wait()
        # A grandchild in a session of its own may hold the pipes open for ever.
        _, late = await asyncio.wait(self._readers, timeout=_GRACE)
        for reader in late:
            reader.cancel()

    async def end(self) -> None:
        """Lets it end by itself, then makes it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_GRACE):
                await self._process.wait()
        self.kill()
        await self.gone()

    async def _how_it_ended(self) -> str:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_GRACE):
                code = await self._process.wait()
                await self._readers[1]
                return f"signal {-code}" if code < 0 else f"exit code {code}"
        return "it closed its standard output"

    async def _read_lines(self) -> None:
        stdout = self._process.stdout
        assert stdout is not None
        while True:
            try:
                line = await stdout.readline()
            except ValueError:
                self._lines.put_nowait(OutOfStep(f"wrote a line of more than {MAX_LINE_BYTES // 10**6} MB"))
                return
            if not line.endswith(b"\n"):
                # What it wrote of a line when it died is no answer.
                self._lines.put_nowait(EOFError())
                return
            self._lines.put_nowait(line)

    async def _read_errors(self) -> None:
        stderr = self._process.stderr
        assert stderr is not None
        while some := await stderr.read(65536):
            self._tail = (self._tail + some)[-_TAIL_BYTES:]
