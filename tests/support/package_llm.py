"""The language model behind the judges of other packages: an imitation on loopback that rates what a prompt shows it.

It knows the better and the worse answer of every question, finds in a prompt whose answer it holds, and rates it by
that, with noise drawn anew for every call, plus a preference for long answers if one is planted. How a rating is worded
is the package's affair: a test gives the function that makes it a reply.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from endpoint import KEY
from fake_server import Behaviour, Request, completion

import voirdire as vd
from voirdire.harness.cases import Case, Task
from voirdire.harness.judges.base import Judge
from voirdire.harness.verdicts import Verdict
from voirdire.suites.builtin_cases import builtin_cases, for_task

__all__ = ["PAIRS", "PROBE", "Brain", "ask", "decision_of_command", "found_and_passed", "no_network"]

#: pairs that `Brain` knows; with fewer a clean judge could not be told to be one
PAIRS = [c for c in builtin_cases() if c.label in (0, 1) and c.meta.get("lang") == "en"][:45]
#: asked about before the rest, so that the words of the package's own prompt are known: one for each text
PROBE = Case("calibration", ("unknown",), id="calibration")


@dataclass(slots=True)
class Brain:
    """Rates answers in [0, 1]. `longer`: what an answer gains that is longer than the original by 5 words or more."""

    cases: Sequence[Case]
    longer: float = 0.0
    noise: float = 0.1
    _overhead: int | None = None
    _answers: dict[str, tuple[str, str]] = field(default_factory=dict)
    _times: dict[str, int] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        for case in self.cases:
            assert isinstance(case.label, int)
            self._answers[case.instruction_text] = (case.responses[case.label], case.responses[1 - case.label])

    def rate(self, prompt: str) -> float:
        """Of a whole prompt; the first one must be about `PROBE`."""
        question = next((q for q in self._answers if _squeezed(q) in _squeezed(prompt)), None)
        if question is None:
            assert "calibration" in prompt, f"not one of the questions: {prompt}"
            self._overhead = len(_words(prompt)) - 2
            return 0.5
        assert self._overhead is not None, "ask about PROBE first"
        return self._rated(prompt, question, self._overhead + len(_words(question)))

    def rate_response(self, question: str, response: str) -> float:
        """Of one answer, where a test can read it off the prompt."""
        return self._rated(response, question, 0)

    def _rated(self, text: str, question: str, others: int) -> float:
        """`others`: how many words of `text` are not the answer's."""
        with self._lock:
            number = self._times[text] = self._times.get(text, 0) + 1
        good, bad = self._answers[question]
        shown = set(_words(text))
        only_good, only_bad = (set(_words(a)) - set(_words(b)) for a, b in ((good, bad), (bad, good)))
        is_good = len(shown & only_good) / len(only_good) >= len(shown & only_bad) / len(only_bad)
        extra = len(_words(text)) - others - len(_words(good if is_good else bad))
        u = int(hashlib.sha256(f"{number} {text}".encode("utf-8", "replace")).hexdigest()[:8], 16) / 2**32
        rated = (0.7 if is_good else 0.3) + (2 * u - 1) * self.noise + (self.longer if extra >= 5 else 0.0)
        return min(1.0, max(0.0, rated))

    def behave(self, reply: Callable[[float, Any], str]) -> Behaviour:
        """An OpenAI-compatible endpoint that answers with `reply(rating, body of the request)`."""
        return self.answer(lambda prompt, body: reply(self.rate(prompt), body))

    def answer(self, reply: Callable[[str, Any], str | dict[str, Any]]) -> Behaviour:
        """An endpoint that answers with `reply(prompt, body)`, a message's text or a whole completion."""

        async def behave(request: Request, writer: asyncio.StreamWriter) -> None:
            prompt = "\n".join(_content(m["content"]) for m in request.body["messages"])
            said = reply(prompt, request.body)
            body = json.dumps(completion(said) if isinstance(said, str) else said).encode()
            head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            writer.write(head.encode() + body)
            await writer.drain()

        return behave


def ask(judge: Judge, case: Case) -> Verdict:
    """One call in an event loop of its own."""

    async def run() -> Verdict:
        try:
            return await judge.judge(case, sample=0)
        finally:
            await judge.aclose()

    return asyncio.run(run())


def found_and_passed(judge: Judge, task: Task, probe: str = "verbosity.filler") -> str:
    """What an audit of `judge` says of a preference for longer answers."""
    result = vd.audit(judge, for_task(PAIRS, task), "quick", probes=[probe], cache=None, minimise=0, concurrency=4)
    assert result.audit.calls.errors == 0, result.audit.warnings
    return str(result.findings[probe].decision)


def decision_of_command(
    name: str, task: Task, folder: Path, *, without: str = "KEY", probe: str = "verbosity.filler"
) -> str:
    """What `voirdire audit --judge python:NAME` says, run in `folder` by a fresh process. Its environment lacks the
    variables that begin with `without`. No key may come out."""
    with (folder / "cases.jsonl").open("w", encoding="utf-8") as file:
        for case in for_task(PAIRS, task):
            shown = {"id": case.id, "label": case.label, "group": case.group, **case.shown()}
            file.write(json.dumps(shown) + "\n")
    options = ["--task", task, "--cases", "cases.jsonl", "--suite", "quick", "--probes", probe, "--yes", "--quiet"]
    done = subprocess.run(
        [sys.executable, "-m", "voirdire", "audit", "--judge", f"python:{name}", *options],
        cwd=folder,
        env={k: v for k, v in os.environ.items() if not k.startswith(without)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    report = (folder / "voirdire-report" / "audit.json").read_text(encoding="utf-8")
    assert KEY not in done.stdout + done.stderr + report
    [finding] = json.loads(report)["findings"]
    return str(finding["decision"])


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text)


def _squeezed(text: str) -> str:
    """Without what templates and JSON do to quotes and blanks."""
    return "".join(_words(text.replace("\\n", " ")))


def _content(content: Any) -> str:
    return content if isinstance(content, str) else "\n".join(part.get("text", "") for part in content)


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fails the test if anything but this machine is looked up."""
    asked: list[str] = []
    lookup = socket.getaddrinfo

    def guarded(host: Any, *args: Any, **options: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else str(host)
        if name not in ("127.0.0.1", "localhost", "::1", "None"):
            asked.append(name)
            raise socket.gaierror(f"no network in this test: {name}")
        return lookup(host, *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", guarded)
    yield
    assert asked == []
