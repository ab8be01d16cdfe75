"""`http:FILE.toml`: any JSON endpoint as a judge. The file says what is sent and where in the reply the answer stands.

    url = "https://judge.example/v2/compare"
    task = "pairwise"
    answer = "$.result.winner"

    [headers]
    Authorization = "Bearer ${JUDGE_TOKEN}"

    [body]
    question = "{{ instruction }}"
    candidates = "{{ responses }}"

    [answers]
    first = "A"
    second = "B"

Every key is described in docs/judges.md. Here: asking, and reading the answer. Not here: reading the file
(http_spec.py), paths and body templates (json_template.py), connections and retries (http.py).
"""

from __future__ import annotations

import asyncio
import dataclasses
import math
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from voirdire.harness.cases import Case, Task
from voirdire.harness.errors import JudgeError, JudgeFault, JudgeUnreachable, redact
from voirdire.harness.judges.endpoints import clean, is_local
from voirdire.harness.judges.finish import is_cut_off, is_declined, of_unfinished
from voirdire.harness.judges.http import HttpAnswer, JsonClient, Sleep, Traffic, error_text, status_words
from voirdire.harness.judges.http_spec import NONE, REFUSED, read_spec
from voirdire.harness.judges.json_template import MISSING, find, shown
from voirdire.harness.judges.parsing import find_parser
from voirdire.harness.judges.parsing_text import cut
from voirdire.harness.judges.python_judge import to_verdict
from voirdire.harness.judges.service import count_of, money_of, name_of, text_of
from voirdire.harness.verdicts import Scale, Usage, Verdict

__all__ = ["HttpFileJudge"]

_RAW_LIMIT, _RATIONALE_LIMIT = 20_000, 4_000


class HttpFileJudge:
    """A judge behind an endpoint that a TOML file describes.

    `task` and `scale` are needed where the file does not say, and must agree with it where it does. `environ` holds the
    variables that headers name. `timeout`: seconds for one attempt. `retries`: attempts after the first. `concurrency`:
    connections at once; None leaves it to the caller. `clock` and `sleep` can be replaced in tests.

    Raises UsageError naming file, line and key on anything in the file that cannot work, before anything is sent.
    """

    soft = False
    reusable = True
    deterministic = False

    def __init__(
        self,
        path: str | Path,
        *,
        task: Task | None = None,
        scale: Scale | None = None,
        timeout: float = 60.0,
        retries: int = 4,
        concurrency: int | None = None,
        environ: Mapping[str, str] = os.environ,
        sleep: Sleep = asyncio.sleep,
        jitter: Callable[[], float] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        spec = read_spec(Path(path), task=task, scale=scale, environ=environ)
        self._file = spec
        self.task: Task = spec.task
        self.scale: Scale = spec.scale
        self.name = self.spec = f"http:{path}"
        self.fingerprint = spec.fingerprint
        self.paid = spec.paid if spec.paid is not None else not is_local(spec.endpoint.host)
        self.concurrency = concurrency
        self._pace = _Pace(spec.per_second, sleep, clock) if spec.per_second is not None else None
        self._http = JsonClient(
            spec.endpoint,
            headers=spec.headers,
            timeout=timeout,
            retries=retries,
            concurrency=concurrency,
            secrets=spec.secrets,
            sleep=sleep,
            jitter=jitter,
        )

    def __repr__(self) -> str:
        return f"HttpFileJudge({self.spec!r}, url={self._file.endpoint.shown!r}, task={self.task!r})"

    @property
    def traffic(self) -> Traffic:
        """Requests, retries and 429s so far."""
        return self._http.traffic

    async def judge(self, case: Case, *, sample: int) -> Verdict:  # noqa: ARG002
        """One call. A repeat is a fresh call: `sample` is not sent.

        A reply without the answer, or with one that is no verdict, is a null. Raises JudgeError where the call failed,
        JudgeUnreachable where no later call can succeed.
        """
        if self._pace is not None:
            await self._pace.wait()
        answer = await self._http.post(self._file.payload(case))
        if not answer.ok:
            raise self._error(answer)
        verdict = self._read(answer.data, case)
        return dataclasses.replace(verdict, usage=self._usage(answer.data), served_model=self._model(answer.data))

    async def aclose(self) -> None:
        await self._http.aclose()

    # --- the answer

    def _read(self, data: Any, case: Case) -> Verdict:
        file = self._file
        # Some endpoints echo the request, and what is kept of a reply is kept in files.
        raw = cut(redact(shown(data), file.secrets), _RAW_LIMIT)
        if file.refused is not None and (said := find(data, file.refused)) is not MISSING and said:
            return Verdict(null="refused", reason=self._clean(f"{file.refused} is {shown(said)}"), raw=raw)
        found: list[Any] = []
        for path in file.answer:
            value = find(data, path)
            if value is MISSING:
                return Verdict(null="unparsed", reason=f"there is no {path} in the reply", raw=raw)
            found.append(value)
        ended = find(data, file.finish) if file.finish is not None else None
        verdict = self._verdict(found if file.is_pair else found[0], case, text_of(ended))
        if file.rationale is not None and (why := text_of(find(data, file.rationale))):
            verdict = dataclasses.replace(verdict, rationale=cut(redact(why, file.secrets), _RATIONALE_LIMIT))
        return dataclasses.replace(verdict, raw=raw)

    def _verdict(self, answer: Any, case: Case, finish: str | None) -> Verdict:
        file, n = self._file, len(case.responses)
        if file.answers is not None:
            known = file.answers.get(answer.strip() if isinstance(answer, str) else shown(answer), MISSING)
            if known is MISSING:
                return self._null(f"the answer {shown(answer)} is none of those in [answers]")
            if known == REFUSED:
                return Verdict(null="refused", reason=self._clean(f"the answer was {shown(answer)}"))
            answer = None if known == NONE else known
        elif file.parse is not None:
            if not isinstance(answer, str):
                return self._null(f"the answer {shown(answer)} is no text, so there is nothing to parse")
            judged = (*case.responses, case.instruction_text, case.reference, case.rubric, case.context)
            parser = find_parser(file.parse, self.task)
            read = parser.parse(
                answer,
                task=self.task,
                scale=self.scale,
                n=n,
                judged=tuple(text for text in judged if text),
                cut_off=is_cut_off(finish) or is_declined(finish),
            )
            return of_unfinished(read, finish)
        try:
            return to_verdict(answer, self.task, self.scale, n)
        except JudgeFault:
            return self._null(f"the answer {shown(answer)} is no {self.task} verdict; [answers] or parse can read it")

    def _null(self, reason: str) -> Verdict:
        return Verdict(null="unparsed", reason=self._clean(reason))

    def _clean(self, text: str) -> str:
        return clean(text, self._file.secrets)

    # --- what else the reply says

    def _usage(self, data: Any) -> Usage | None:
        paths = self._file.usage
        if not paths:
            return None
        found = {name: find(data, path) for name, path in paths.items()}
        return Usage(
            input_tokens=count_of(found.get("input_tokens")),
            output_tokens=count_of(found.get("output_tokens")),
            cost_usd=money_of(found.get("cost_usd")),
        )

    def _model(self, data: Any) -> str | None:
        return name_of(find(data, self._file.model)) if self._file.model is not None else None

    def _error(self, answer: HttpAnswer) -> JudgeError:
        file, status = self._file, answer.status
        detail = error_text(answer, file.secrets)
        says = f" It says: {detail}" if detail else ""
        if status in (401, 403):
            named = ", ".join(file.variables)
            hint = f"The headers of {file.path} come from {named}." if named else f"{file.path} sends no key."
            words = f"The judge answered {status_words(status)} at {file.endpoint.host}.{says}"
            return JudgeUnreachable(words, hint=hint)
        if status in (404, 405, 410):
            return JudgeUnreachable(
                f"The judge answered {status_words(status)} at {file.endpoint.shown}.{says}",
                hint=f"Check url in {file.path}; requests are sent with POST.",
            )
        return JudgeError(f"The judge at {file.endpoint.host} answered {status_words(status)}.{says}")


class _Pace:
    """Calls start no closer together than 1 / `per_second`."""

    def __init__(self, per_second: float, sleep: Sleep, clock: Callable[[], float]) -> None:
        self._gap = 1.0 / per_second
        self._sleep = sleep
        self._clock = clock
        self._next = -math.inf

    async def wait(self) -> None:
        now = self._clock()
        start = max(now, self._next)
        self._next = start + self._gap
        if start > now:
            await self._sleep(start - now)
