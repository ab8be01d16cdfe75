"""The audits of one pytest session: each judge is asked once for all probes that were collected under a mark.

Results live in memory; under xdist also in a folder that all workers share, where the first to need an audit runs it
under a lock and the others read what it wrote, so that no call is made twice. Not here: pytest's hooks (pytest_plugin).
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import shutil
import sqlite3
import sys
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from voirdire._compose import AuditRequest, audit_async
from voirdire.harness.engine.runner import Limits
from voirdire.harness.errors import JudgeFault, JudgeUnreachable, UsageError, VoirdireError, nearest
from voirdire.harness.findings import Audit
from voirdire.harness.judges.base import Judge

__all__ = ["Audits", "Options", "as_judge", "options_of", "probe_names"]

#: what a mark (or the fixture `voirdire_options`) may say
_KEYS = (
    *("suite", "cases", "probes", "samples", "seed", "alpha", "tolerance", "strict", "mode", "limit"),
    *("task", "concurrency", "scale"),
)
_ERRORS: Mapping[str, type[VoirdireError]] = {e.__name__: e for e in (JudgeUnreachable, JudgeFault, UsageError)}


@dataclass(frozen=True, slots=True)
class Options:
    """What one mark asks for. `key` is the same in every worker."""

    key: str
    request: AuditRequest
    task: Any = None
    scale: Any = None


def options_of(given: Mapping[str, Any], *, folder: Path) -> Options:
    """The options of a mark; relative files are looked for beside the test file, then in the current folder."""
    for name in given:
        if name not in _KEYS:
            raise UsageError(f"the voirdire mark has no option {name!r}", hint=nearest(name, _KEYS))
    values = dict(given)
    cases = values.pop("cases", None)
    if isinstance(cases, (str, Path)):
        cases = _beside(cases, folder)
    elif isinstance(cases, Iterator):
        raise UsageError("cases is an iterator, which one test would use up for all others", hint="Give a list.")
    elif cases is not None:
        cases = tuple(cases)
    task, scale = values.pop("task", None), values.pop("scale", None)
    concurrency = values.pop("concurrency", 16)
    suite = values.pop("suite", "standard")
    if isinstance(suite, (str, Path)) and str(suite).endswith(".toml"):
        suite = str(_beside(suite, folder))
    if "probes" in values:
        values["probes"] = tuple([values["probes"]] if isinstance(values["probes"], str) else values["probes"])
    request = AuditRequest(cases=cases, suite=suite, limits=Limits(concurrency), cache=None, **values)
    key = _hash([repr(sorted(values.items())), repr(suite), _cases_key(cases), repr((task, scale))])
    return Options(key, request, task, scale)


def _beside(path: str | Path, folder: Path) -> Path:
    beside = folder / path  # which is `path` if that is absolute
    return beside if beside.exists() else Path(path)


def probe_names(given: Mapping[str, Any], *, folder: Path) -> list[str]:
    """Names of the probes that a mark asks for, in suite order. Raises UsageError."""
    from voirdire.suites.loading import load_suite, narrow

    request = options_of(given, folder=folder).request
    suite = load_suite(request.suite) if isinstance(request.suite, str) else request.suite
    if request.probes:
        suite = narrow(suite, request.probes)
    return [probe.name for probe in suite.probes]


def _cases_key(cases: Any) -> str:
    if isinstance(cases, tuple):
        return _hash([f"{c!r}{getattr(c, 'label', None)!r}" for c in cases])
    return str(cases)


def _hash(parts: list[str]) -> str:
    return hashlib.sha256("\x1f".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:24]


def as_judge(given: Any, options: Options) -> Judge:
    """A spec, a callable or a Judge as a Judge; a callable judges pairs unless the mark or itself says another task."""
    from voirdire import judge
    from voirdire.harness.judges.packages import task_of

    if isinstance(given, str):
        return judge(given, task=options.task, scale=_scale(options))
    if hasattr(given, "fingerprint") and hasattr(given, "judge"):
        kept: Judge = given
        return kept
    return judge(given, task=options.task or task_of(given) or "pairwise", scale=_scale(options))


def _scale(options: Options) -> Any:
    from voirdire.harness.judges.spec import parse_scale

    return parse_scale(options.scale) if isinstance(options.scale, str) else options.scale


def _identity(given: Any, judge: Judge, where: str) -> str:
    """The judge's name for sharing, the same in every worker.

    Only what stands under its name in its module can be known by it: functions made inside functions, wrapped ones
    (`functools.wraps` copies the name) and bound methods look alike, so they are told apart by the test (and its other
    parameters) that uses them. Of equal names in two files, two conftest.py for instance, the file tells.
    """
    if isinstance(given, str):
        return f"spec {given}"
    code = getattr(given, "__code__", None)
    if code is not None and _by_name(given) is given:
        return f"function {given.__module__}:{given.__qualname__} {code.co_filename}:{code.co_firstlineno}"
    return f"{judge.name} {judge.fingerprint} {where}"


def _by_name(given: Any) -> Any:
    """What stands under the name of `given` in its module; None for a name that leads nowhere."""
    found: Any = sys.modules.get(given.__module__)
    for part in given.__qualname__.split("."):
        found = getattr(found, part, None)
    return found


@dataclass(slots=True)
class Audits:
    """All audits of a session. `shared`: the folder of an xdist session. `max_calls`: of the whole session."""

    shared: Path | None = None
    cases: int | None = None
    max_calls: int | None = None
    cache: str | None = None
    out: Path | None = None
    #: key of a mark -> names of the probes that were collected under it
    collected: dict[str, set[str]] = field(default_factory=dict)
    _done: dict[str, Audit] = field(default_factory=dict)
    _failed: dict[str, VoirdireError] = field(default_factory=dict)
    _locks: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, asyncio.Lock]] = field(
        default_factory=weakref.WeakKeyDictionary
    )

    async def audit(self, given: Any, options: Options, name: str, where: str) -> Audit:
        """The audit of a judge that holds the finding of probe `name`. Raises what stopped it, again and again."""
        judge = as_judge(given, options)
        key = _hash([options.key, _identity(given, judge, where)])
        names = self.collected.get(options.key, set())
        if name not in names:  # a test that was made after collection is audited alone
            names, key = {name}, _hash([key, name])
        if key not in self._done and key not in self._failed:
            # with a budget one audit at a time, in all workers: each has to know what the others left
            turn = key if self.max_calls is None else "budget"
            async with self._turn(turn):
                if key not in self._done and key not in self._failed:
                    await self._settle(key, turn, judge, options, names)
        if key in self._failed:
            raise self._failed[key]
        return self._done[key]

    def _request(self, options: Options, names: set[str]) -> AuditRequest:
        request = options.request
        limits = request.limits
        if self.max_calls is not None:
            limits = replace(limits, max_calls=max(0, self.max_calls - self.spent()))
        limit = self.cases if self.cases is not None else request.limit
        return replace(request, probes=tuple(sorted(names)), limit=limit, limits=limits, cache=self.cache)

    def _turn(self, name: str) -> asyncio.Lock:
        """The lock `name` of this event loop: tests have loops of their own, and locks cannot move between them."""
        return self._locks.setdefault(asyncio.get_running_loop(), {}).setdefault(name, asyncio.Lock())

    async def _settle(self, key: str, turn: str, judge: Judge, options: Options, names: set[str]) -> None:
        """Run the audit, or take it from the worker that ran it."""
        if self.shared is None:
            await self._run(key, judge, self._request(options, names))
            return
        with _lock(self.shared / f"{turn}.lock"):
            if not self._take(key):
                await self._run(key, judge, self._request(options, names))
                self._give(key)

    async def _run(self, key: str, judge: Judge, request: AuditRequest) -> None:
        try:
            result = await audit_async(judge, request)
        except VoirdireError as error:
            self._failed[key] = error
            return
        if result.verdict == "error" and result.audit.stopped != "budget":
            failure = result.failure()
            # code of the user's is at fault where it raised
            ours = result.run.failure == UsageError.exit_code
            self._failed[key] = JudgeFault(failure.message) if ours else failure
            return
        self._done[key] = result.audit
        if self.out is not None:
            result.save(self.out / _slug(result.audit, key))

    def _give(self, key: str) -> None:
        from voirdire.reports.write import write

        assert self.shared is not None
        folder = self.shared / key
        if key in self._done:
            write(self._done[key], folder, ("json",))
            return
        error = self._failed[key]
        folder.mkdir()
        kind = next((n for n, e in _ERRORS.items() if type(error) is e), UsageError.__name__)
        text = json.dumps({"kind": kind, "message": error.message, "hint": error.hint})
        (folder / "error.json").write_text(text, encoding="utf-8")

    def _take(self, key: str) -> bool:
        from voirdire.reports.write import read

        assert self.shared is not None
        folder = self.shared / key
        if (folder / "audit.json").exists():
            self._done[key] = read(folder)
            return True
        if (folder / "error.json").exists():
            said = json.loads((folder / "error.json").read_text(encoding="utf-8"))
            self._failed[key] = _ERRORS[said["kind"]](said["message"], hint=said["hint"])
            return True
        return False

    def all(self) -> list[Audit]:
        """Every audit of the session, also those of other workers."""
        if self.shared is not None:
            for folder in sorted(p for p in self.shared.iterdir() if p.is_dir()):
                if folder.name not in self._done:
                    self._take(folder.name)
        return list(self._done.values())

    def spent(self) -> int:
        """Calls made in this session so far."""
        return sum(audit.calls.made for audit in self.all())

    def close(self) -> None:
        if self.shared is not None:
            shutil.rmtree(self.shared, ignore_errors=True)


def _slug(audit: Audit, key: str) -> str:
    name = "".join(c if c.isascii() and (c.isalnum() or c in "-_.") else "-" for c in audit.judge_name)[:60]
    return f"{name.strip('-.') or 'judge'}-{key[:6]}"


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    """Held by one process at a time, given up by the system when a process dies."""
    connection = sqlite3.connect(path, timeout=24 * 3600, isolation_level=None)
    try:
        connection.execute("BEGIN EXCLUSIVE")
        yield
    finally:
        connection.close()
