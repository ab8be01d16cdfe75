"""`command:PROGRAM ARGS`: a program that reads one case a line and writes one answer a line, as JSON.

    in    {"task": "pairwise", "instruction": "...", "responses": ["...", "..."], "sample": 0}
    out   "B"
    out   {"answer": [0.2, 0.7], "rationale": "...", "usage": {"input_tokens": 812}}
    out   {"error": "rate limited"}      or {"refused": "why"}

docs/judges.md describes both lines. The program is started without a shell, goes on reading until its input ends, and
is started again when it dies. Log lines belong on its standard error, whose end is quoted when something goes wrong.

Here: calling, and reading answers. Not here: one running program (command_worker.py), whether a config file may select
one at all (trust.py).
"""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import json
import math
import os
import shlex
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from voirdire.harness.cases import Case, Task, content_hash
from voirdire.harness.errors import JudgeError, JudgeFault, JudgeUnreachable, UsageError, redact
from voirdire.harness.judges.chat_params import FLAG, PLAIN, Check, check_params, whole
from voirdire.harness.judges.command_worker import Died, OutOfStep, Worker
from voirdire.harness.judges.endpoints import clean
from voirdire.harness.judges.parsing_text import cut
from voirdire.harness.judges.python_judge import to_verdict
from voirdire.harness.judges.service import count_of, money_of, name_of, text_of
from voirdire.harness.verdicts import Scale, Usage, Verdict

__all__ = ["CommandJudge"]

#: programs that died on their first case, one after the other, after which the command is given up
MAX_STILLBORN = 3
#: a file among the arguments that is larger is no script, and is known by its name alone
MAX_HASHED_BYTES = 1_000_000
_SHELL = frozenset({"|", "||", "&", "&&", ";", "<", ">", ">>", "2>&1"})
_RATIONALE_LIMIT, _RAW_LIMIT = 4_000, 20_000
_ANSWER = ("answer", "rationale", "raw", "usage", "model", "refused", "error")
_PARAMS: Mapping[str, Check] = {"version": PLAIN, "workers": whole(1), "paid": FLAG}


class CommandJudge:
    """A judge in another process, or in several: each answers one case at a time, so `workers` answer that many.

    `command`: program and arguments, split as a shell would, but no shell runs them. `workers` (default: as many as
    `concurrency` and processors allow) start when they are needed. `timeout`: seconds for one answer; a program that
    takes longer is killed and started again. `version` promises that the same version gives the same answers; only then
    may a later run reuse them. `environ` is what the program gets, and whose keys are kept out of messages.

    Raises UsageError if there is no such program or the arguments make no sense.
    """

    soft = False
    deterministic = False

    def __init__(
        self,
        command: str,
        *,
        task: Task | None = None,
        scale: Scale | None = None,
        params: Mapping[str, Any] | None = None,
        timeout: float = 60.0,
        concurrency: int | None = None,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        given = {k: v for k, v in (params or {}).items() if v is not None}
        check_params("a command judge", given, _PARAMS)
        if not (timeout > 0 and math.isfinite(timeout)):
            raise UsageError(f"timeout must be a positive number of seconds, got {timeout}")
        if task is None:
            raise UsageError("a command does not say what it judges", hint="Pass --task pairwise|score|grade|ranking.")
        self.task: Task = task
        self.scale = scale or Scale()
        self.reusable = "version" in given
        self.paid = bool(given.get("paid", False))
        self.concurrency = int(given.get("workers") or min(concurrency or 1, os.cpu_count() or 1))
        self._program = _arguments(command, environ)
        self._environ = environ
        self._timeout = timeout
        self._secrets = _secrets(environ)
        self.spec = self.name = redact(f"command:{command}", self._secrets)
        self._idle: list[Worker] = []
        self._busy: set[Worker] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._slots = asyncio.Semaphore(self.concurrency)
        self._stillborn = 0
        self.fingerprint = content_hash(
            {
                "kind": "command",
                "program": self._program,
                "files": [_file_hash(part) for part in self._program],
                "version": given.get("version"),
                "task": task,
                "scale": [self.scale.low, self.scale.high] if task == "score" else None,
            }
        )

    def __repr__(self) -> str:
        return f"CommandJudge({self.spec!r}, task={self.task!r}, workers={self.concurrency})"

    async def judge(self, case: Case, *, sample: int) -> Verdict:
        """One case to an idle program, or to a fresh one. The case is asked once more if the program dies over it.

        Raises JudgeError where the program says `error`; JudgeFault where it died twice, took too long or wrote what is
        no answer; JudgeUnreachable where program after program dies on its first case.
        """
        line = json.dumps({"task": self.task, **case.shown(), **self._asked_scale, "sample": sample})
        self._enter_loop()
        async with self._slots:
            try:
                answer = await self._ask(line)
            except Died:
                try:
                    answer = await self._ask(line)
                except Died as died:
                    raise self._dead(died) from None
        return self._read(answer, len(case.responses))

    async def aclose(self) -> None:
        """Ends the programs: their input ends, and whoever is still there a moment later is killed."""
        if self._loop is not asyncio.get_running_loop():
            return
        workers, self._idle = [*self._idle, *self._busy], []
        self._busy.clear()
        await asyncio.gather(*(worker.end() for worker in workers))

    @property
    def _asked_scale(self) -> dict[str, Any]:
        return {"scale": [self.scale.low, self.scale.high]} if self.task == "score" else {}

    # --- programs

    def _enter_loop(self) -> None:
        """Processes and semaphores belong to an event loop; those of a loop that has ended are gone."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            for worker in (*self._idle, *self._busy):
                worker.kill()
            self._idle, self._busy = [], set()
            self._slots = asyncio.Semaphore(self.concurrency)
            self._loop = loop

    async def _ask(self, line: str) -> Any:
        worker = await self._worker()
        self._busy.add(worker)
        kept = False
        try:
            async with asyncio.timeout(self._timeout):
                written = await worker.ask(line)
            # A line that is no JSON may be a log line, and the answer still to come.
            answer = self._decoded(written)
            kept = True
        except TimeoutError:
            raise JudgeFault(f"{self._shown} did not answer within {self._timeout:g} s{self._tail(worker)}") from None
        except OutOfStep as error:
            raise JudgeFault(
                f"{self._shown} {error}{self._tail(worker)}",
                hint="It must write one line for each line it reads, and log to its standard error.",
            ) from None
        except Died:
            self._stillborn += worker.answered == 0
            raise
        finally:
            self._busy.discard(worker)
            if kept:
                self._stillborn = 0
                self._idle.append(worker)
            else:
                # Also when the call is cancelled: what it answers later must not be taken for another case's answer.
                worker.kill()
                await asyncio.shield(worker.gone())
        return answer

    async def _worker(self) -> Worker:
        while self._idle:
            worker = self._idle.pop()
            if worker.alive:
                return worker
            await worker.end()
        try:
            return await Worker.start(self._program, self._environ)
        except OSError as error:
            raise JudgeUnreachable(f"{self._shown} cannot be started: {error.strerror or error}") from None

    def _dead(self, died: Died) -> JudgeError:
        message = f"{self._shown} ended ({died}) before it had answered{self._tail(died.worker)}"
        if self._stillborn >= MAX_STILLBORN:
            return JudgeUnreachable(message, hint="It never answered; try it by hand with one case on its input.")
        return JudgeFault(message)

    @property
    def _shown(self) -> str:
        return clean(self.spec, self._secrets, limit=120)

    def _tail(self, worker: Worker) -> str:
        said = clean(worker.said[-250:], self._secrets)
        return f"; it said: {said}" if said else ""

    # --- answers

    def _decoded(self, written: bytes) -> Any:
        try:
            return json.loads(written)
        except (ValueError, RecursionError):
            raise self._wrong(written.decode("utf-8", "replace"), "no JSON") from None

    def _read(self, answer: Any, n: int) -> Verdict:
        if not isinstance(answer, dict):
            return self._verdict(answer, n)
        unknown = [key for key in answer if key not in _ANSWER]
        if unknown or not {"answer", "refused", "error"} & set(answer):
            what = f"an answer with the field {unknown[0]!r}" if unknown else "an object without the field 'answer'"
            raise self._wrong(json.dumps(answer), what)
        if answer.get("error"):
            raise JudgeError(f"{self._shown} failed: {clean(str(answer['error']), self._secrets)}")
        if answer.get("refused"):
            verdict = Verdict(null="refused", reason=clean(str(answer["refused"]), self._secrets))
        else:
            verdict = self._verdict(answer.get("answer"), n)
        rationale, raw = text_of(answer.get("rationale")), text_of(answer.get("raw"))
        return dataclasses.replace(
            verdict,
            rationale=cut(redact(rationale, self._secrets), _RATIONALE_LIMIT) if rationale else None,
            raw=cut(redact(raw, self._secrets), _RAW_LIMIT) if raw else None,
            usage=_usage(answer.get("usage")),
            served_model=name_of(redact(str(answer.get("model") or ""), self._secrets)),
        )

    def _verdict(self, answer: Any, n: int) -> Verdict:
        try:
            return to_verdict(answer, self.task, self.scale, n)
        except JudgeFault as error:
            raise JudgeFault(f"{self._shown}: {error.message}", hint=error.hint) from None

    def _wrong(self, written: str, what: str) -> JudgeFault:
        shown = clean(written, self._secrets, limit=120)
        return JudgeFault(
            f"{self._shown} wrote {what}: {shown}",
            hint='An answer is a line of JSON: "A", 7.5, true, [1, 0] or {"answer": "A"}. Logs go to standard error.',
        )


def _arguments(command: str, environ: Mapping[str, str]) -> list[str]:
    try:
        parts = shlex.split(command)
    except ValueError as error:
        raise UsageError(f"command:{command}: {error}", hint="Quotes are read as a shell reads them.") from None
    if not parts:
        raise UsageError("a command judge needs a program", hint="Write it as command:PROGRAM ARGS.")
    shell = next((part for part in parts if part in _SHELL), None)
    if shell is not None:
        hint = "Write a script and name it, or name a shell: command:sh -c '...'."
        raise UsageError(f"command:{command}: {shell!r} is for a shell, and none runs this", hint=hint)
    if shutil.which(parts[0], path=environ.get("PATH")) is None:
        raise UsageError(f"there is no program {parts[0]!r}", hint=f"Looked for in PATH and from {Path.cwd()}.")
    return parts


def _file_hash(part: str) -> str | None:
    """Of a script among the arguments, so that an edited one is another judge."""
    path = Path(part)
    try:
        if not path.is_file() or path.stat().st_size > MAX_HASHED_BYTES:
            return None
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except (OSError, ValueError):
        return None


def _secrets(environ: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(v for k, v in environ.items() if k.endswith(("_KEY", "_TOKEN", "_SECRET")) and len(v) >= 8)


def _usage(data: Any) -> Usage | None:
    if not isinstance(data, dict):
        return None
    return Usage(
        input_tokens=count_of(data.get("input_tokens")),
        output_tokens=count_of(data.get("output_tokens")),
        cost_usd=money_of(data.get("cost_usd")),
    )
