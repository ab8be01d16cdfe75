"""`replay:FILE.jsonl`: recorded verdicts as a judge, and the `Recorder` that writes them.

A file starts with a header line:

    {"schema": "voirdire.replay/1", "task": "pairwise", "scale": [1, 10], "judge": "openai:gpt-5-mini"}

A recorded line is found again by a hash of what the judge was shown; a hand-made one by case, order and sample:

    {"shown": "<sha-256>", "case": "q1", "sample": 0, "verdict": {"choice": 0}}
    {"id": "q1", "order": [1, 0], "sample": 0, "verdict": "A"}

`order[k]` is the source's index of the response shown in slot k, and the verdict is about slots. Hand-made lines answer
only for unchanged cases, so a file of them can be audited for order and repeats. With `"deterministic": true` in the
header, sample 0 answers for every repeat. Not here: the cache of a run (engine/).
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import os
import reprlib
from pathlib import Path
from typing import Any, get_args

from voirdire.harness.cases import ALL_TASKS, Case, Task, content_hash, shown_hash
from voirdire.harness.errors import JudgeError, NotRecorded, UsageError, nearest
from voirdire.harness.judges.base import Judge
from voirdire.harness.judges.python_judge import to_verdict
from voirdire.harness.verdicts import NullReason, Scale, Verdict

__all__ = [
    "SCHEMA",
    "Key",
    "Recorded",
    "RecordedJudge",
    "Recorder",
    "ReplayJudge",
    "is_recording",
    "read_recording",
    "recorded_verdict",
]

SCHEMA = "voirdire.replay/1"
#: in `Case.meta`, set by whoever builds the cases to show: the order of a reordering, and whether a text was edited
ORDER_META, EDITED_META = "voirdire.order", "voirdire.edited"

_RECORDED = {"shown", "case", "sample", "verdict"}
_HAND_MADE = {"id", "order", "sample", "verdict"}
_HEADER = {"schema", "task", "scale", "judge", "deterministic"}
_EXAMPLE = '{"schema": "voirdire.replay/1", "task": "pairwise", "scale": [1, 10], "judge": "NAME"}'

#: (what was shown, sample) or (case id, order, sample); a tuple order never equals a hash
Key = tuple[str, int] | tuple[str, tuple[int, ...], int]


class ReplayJudge:
    """A judge that answers from a file. A call that was not recorded raises JudgeError."""

    paid = False
    soft = False
    reusable = True
    concurrency = None
    deterministic = False

    def __init__(self, recording: Recorded, *, spec: str) -> None:
        self.task: Task = recording.task
        self.scale: Scale = recording.scale
        self.name = f"replay:{recording.judge}"
        self.spec = spec
        self.fingerprint = recording.fingerprint
        self._deterministic = recording.deterministic
        self._verdicts = recording.verdicts

    def __repr__(self) -> str:
        return f"ReplayJudge({self.spec!r}, {len(self._verdicts)} verdicts)"

    @classmethod
    def from_file(cls, path: str | Path, *, task: Task | None = None, scale: Scale | None = None) -> ReplayJudge:
        """Reads all of `path` (or "replay:PATH"). Raises UsageError naming file, line, field and value, and where
        `task` or `scale` is not that of the file."""
        file = str(path).removeprefix("replay:")
        recording = read_recording(file)
        if task is not None and task != recording.task:
            raise UsageError(f"{file} holds {recording.task} verdicts, not {task}")
        if scale is not None and scale != recording.scale and recording.task == "score":
            has = f"{recording.scale.low:g}:{recording.scale.high:g}"
            raise UsageError(f"{file} was recorded on the scale {has}, not {scale.low:g}:{scale.high:g}")
        return cls(recording, spec=f"replay:{file}")

    async def judge(self, case: Case, *, sample: int) -> Verdict:
        slots = tuple(range(len(case.responses)))
        order = tuple(case.meta.get(ORDER_META) or slots)
        edited = bool(case.meta.get(EDITED_META))
        for k in (sample, 0) if self._deterministic else (sample,):
            verdict = self._verdicts.get((shown_hash(case), k))
            if verdict is None and not edited:
                verdict = self._verdicts.get((case.id, order, k))
            if verdict is not None:
                return to_verdict(verdict, self.task, self.scale, len(case.responses))
        what = "an edit of case" if edited else "case"
        raise NotRecorded(f"no recorded verdict for {what} {case.id} in order {list(order)} sample {sample}")

    async def aclose(self) -> None:
        """Nothing is open."""


@dataclasses.dataclass(frozen=True, slots=True)
class Recorded:
    task: Task
    scale: Scale
    judge: str
    deterministic: bool
    fingerprint: str
    verdicts: dict[Key, Verdict]


class _Bad(ValueError):
    """What is wrong with a line; `read_recording` says which."""


def is_recording(first_line: str) -> bool:
    """Is this the first line of a recording of ours, of whatever version?"""
    try:
        header = json.loads(first_line)
    except (ValueError, RecursionError):
        return False
    schema = header.get("schema") if isinstance(header, dict) else None
    return isinstance(schema, str) and schema.startswith("voirdire.replay/")


def read_recording(path: str) -> Recorded:
    """All of a recording. Raises UsageError naming file, line, field and value."""
    try:
        raw = Path(path).read_bytes()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None
    lines = [(n, line) for n, line in enumerate(raw.split(b"\n"), 1) if line.strip()]
    if not lines:
        raise UsageError(f"{path} is empty", hint=f"Its first line must be like {_EXAMPLE}")
    number, line = lines[0]
    try:
        task, scale, judge, deterministic = _header(_object(line))
    except _Bad as bad:
        raise UsageError(f"{path}, line {number}: {bad}", hint=f"The first line must be like {_EXAMPLE}") from None
    verdicts: dict[Key, Verdict] = {}
    seen: dict[Key, int] = {}
    for number, line in lines[1:]:
        try:
            key, verdict = _entry(_object(line), task, scale)
            # A recorded call that was made again replaces the older one; two hand-made lines are somebody's slip.
            if len(key) == 3 and verdicts.get(key, verdict) != verdict:
                raise _Bad(
                    f"case {key[0]!r} in order {list(key[1])} sample {key[2]} stands in line {seen[key]} already"
                )
        except _Bad as bad:
            raise UsageError(f"{path}, line {number}: {bad}") from None
        verdicts[key], seen[key] = verdict, number
    # The bytes, not the verdicts: cheaper, and no cached answer can then outlive an edit of the file.
    fingerprint = content_hash({"kind": "replay", "file": hashlib.sha256(raw).hexdigest()})
    return Recorded(task, scale, judge, deterministic, fingerprint, verdicts)


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")


def _object(line: bytes) -> dict[str, Any]:
    try:
        data = json.loads(line.decode("utf-8"), parse_constant=_no_constant)
    except UnicodeDecodeError as error:
        raise _Bad(f"not UTF-8 at byte {error.start}") from None
    except (ValueError, RecursionError) as error:
        raise _Bad(f"not JSON: {error}: {reprlib.repr(line.decode('utf-8', 'replace'))}") from None
    if not isinstance(data, dict):
        raise _Bad(f"not a JSON object: {reprlib.repr(data)}")
    return data


def _known_fields(data: dict[str, Any], known: set[str]) -> None:
    for name in data:
        if name not in known:
            raise _Bad(f"there is no field {name!r}. {nearest(name, known)}")


def _header(data: dict[str, Any]) -> tuple[Task, Scale, str, bool]:
    if data.get("schema") != SCHEMA:
        raise _Bad(f"field 'schema' must be {SCHEMA!r}, got {reprlib.repr(data.get('schema'))}")
    _known_fields(data, _HEADER)
    task = data.get("task")
    if task not in ALL_TASKS:
        raise _Bad(f"field 'task' must be one of {', '.join(ALL_TASKS)}, got {reprlib.repr(task)}")
    try:
        low, high = data.get("scale", [1, 10])
        scale = Scale(float(low), float(high))
    except (TypeError, ValueError, OverflowError) as error:
        raise _Bad(f"field 'scale' must be [low, high], got {reprlib.repr(data.get('scale'))}: {error}") from None
    judge = data.get("judge", "unnamed")
    if not isinstance(judge, str):
        raise _Bad(f"field 'judge' must be text, got {reprlib.repr(judge)}")
    deterministic = data.get("deterministic", False)
    if not isinstance(deterministic, bool):
        raise _Bad(f"field 'deterministic' must be true or false, got {reprlib.repr(deterministic)}")
    return task, scale, judge, deterministic


def _entry(data: dict[str, Any], task: Task, scale: Scale) -> tuple[Key, Verdict]:
    recorded = "shown" in data
    _known_fields(data, _RECORDED if recorded else _HAND_MADE)
    sample = data.get("sample", 0)
    if type(sample) is not int or sample < 0:
        raise _Bad(f"field 'sample' must be a whole number of 0 or more, got {reprlib.repr(sample)}")
    if "verdict" not in data:
        raise _Bad("the field 'verdict' is missing")
    answer, order = data["verdict"], data.get("order")
    n = {"pairwise": 2, "ranking": _length(answer)}.get(task, 1)
    if recorded:
        shown = data["shown"]
        if not isinstance(shown, str) or len(shown) != 64:
            raise _Bad(f"field 'shown' must be a SHA-256 in hexadecimal, got {reprlib.repr(shown)}")
        return (shown, sample), recorded_verdict(answer, task, scale, n)
    if not isinstance(data.get("id"), str) or not data["id"]:
        raise _Bad(f"field 'id' must be the id of a case, got {reprlib.repr(data.get('id'))}")
    if order is None:
        order = list(range(n))
    elif not isinstance(order, list) or any(type(i) is not int for i in order):
        raise _Bad(f"field 'order' must be a list of indices, got {reprlib.repr(order)}")
    n = n if task != "ranking" or n else len(order)
    if sorted(order) != list(range(n)):
        raise _Bad(f"field 'order' must hold each of 0 to {n - 1} once, got {reprlib.repr(order)}")
    return (data["id"], tuple(order), sample), recorded_verdict(answer, task, scale, n)


def _length(answer: Any) -> int:
    """How many responses a ranking is about; 0 for a null."""
    ranking = answer.get("ranking") if isinstance(answer, dict) else answer
    return len(ranking) if isinstance(ranking, list) else 0


def recorded_verdict(answer: Any, task: Task, scale: Scale, n: int) -> Verdict:
    """A stored answer about `n` responses, a Verdict's JSON or what a judge may answer. Raises ValueError saying what
    is wrong with the field "verdict"."""
    try:
        if not isinstance(answer, dict):
            return to_verdict(answer, task, scale, n)
        verdict = Verdict.from_json(answer)
        odds = (verdict.probabilities or {}).values()
        if any(isinstance(p, bool) or not isinstance(p, (int, float)) or not 0 <= p <= 1 for p in odds):
            raise ValueError("its probabilities are not numbers from 0 to 1")
        if verdict.null is not None and verdict.null not in get_args(NullReason):
            raise ValueError(f"its null must be one of {', '.join(get_args(NullReason))}")
        return to_verdict(dataclasses.replace(verdict, usage=None), task, scale, n)
    except JudgeError as error:
        raise _Bad(f"field 'verdict': {error.message}. {error.hint or ''}".rstrip()) from None
    except (TypeError, ValueError, AttributeError) as error:
        raise _Bad(f"field 'verdict' is no verdict: {error}: {reprlib.repr(answer)}") from None


class Recorder:
    """Appends the verdicts of one judge to `path`, so that `replay:path` gives them again.

    Each line is written at once and whole; a run that is resumed goes on in the same file, and a half line left by a
    crash is cut off. The file can be read by its owner only, as rationales may quote what was judged. Raises
    UsageError where the file holds another judge's verdicts or cannot be written.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._header: dict[str, Any] = {}
        self._file: int | None = None

    def wrap(self, judge: Judge) -> RecordedJudge:
        """`judge`, with every answer that is no error written down. Opens the file."""
        scale = [judge.scale.low, judge.scale.high]
        self.close()
        self._header = {"schema": SCHEMA, "task": judge.task, "scale": scale, "judge": judge.name}
        self._open()
        return RecordedJudge(judge, self)

    def record(self, case: Case, *, sample: int, verdict: Verdict) -> None:
        """Writes one answer down; an `error` is none. Raises JudgeError when the disk refuses."""
        if verdict.null == "error":
            return
        if verdict.margin is not None and not math.isfinite(verdict.margin):
            verdict = dataclasses.replace(verdict, margin=None)
        line = {"shown": shown_hash(case), "case": case.id, "sample": sample, "verdict": verdict.to_json()}
        try:
            _append(self._open(), line)
        except (OSError, TypeError, ValueError) as error:
            raise JudgeError(f"the verdict could not be recorded in {self.path}: {error}") from None

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _open(self) -> int:
        if self._file is not None:
            return self._file
        try:
            flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0)
            file = os.open(self.path, flags, 0o600)
            try:
                self._go_on(file)
            except BaseException:
                os.close(file)
                raise
        except OSError as error:
            raise UsageError(f"{self.path} cannot be written: {error.strerror}") from None
        self._file = file
        return file

    def _go_on(self, file: int) -> None:
        header = self._header
        size = os.fstat(file).st_size
        if size:
            raw = self.path.read_bytes()
            whole = raw.rfind(b"\n") + 1
            if whole:
                self._same(raw[: raw.index(b"\n")], header)
            elif not json.dumps(header).encode().startswith(raw):
                raise UsageError(f"{self.path} exists and is no recording", hint="Record into another file.")
            if whole < size:
                os.ftruncate(file, whole)
            size = whole
        if not size:
            _append(file, header)

    def _same(self, line: bytes, header: dict[str, Any]) -> None:
        try:
            old = _object(line)
            _header(old)
        except _Bad as bad:
            hint = "Record into another file."
            raise UsageError(f"{self.path} exists and is no recording: {bad}", hint=hint) from None
        for name in ("judge", "task", "scale"):
            if old.get(name) != header[name]:
                raise UsageError(
                    f"{self.path} holds verdicts with {name} {old.get(name)!r}, not {header[name]!r}",
                    hint="Record into another file.",
                )


def _append(file: int, data: dict[str, Any]) -> None:
    line = json.dumps(data, allow_nan=False).encode() + b"\n"
    while line:  # a write may be partial
        line = line[os.write(file, line) :]


class RecordedJudge:
    """A judge whose answers are also written to a `Recorder`. All else is the judge's own."""

    def __init__(self, judge: Judge, recorder: Recorder) -> None:
        self._judge = judge
        self._recorder = recorder
        self.name = judge.name
        self.spec = judge.spec
        self.task: Task = judge.task
        self.scale: Scale = judge.scale
        self.fingerprint = judge.fingerprint
        self.reusable = judge.reusable
        self.paid = judge.paid
        self.soft = judge.soft
        self.concurrency = judge.concurrency
        self.deterministic = judge.deterministic

    def __repr__(self) -> str:
        return f"RecordedJudge({self._judge!r}, {str(self._recorder.path)!r})"

    async def judge(self, case: Case, *, sample: int) -> Verdict:
        verdict = await self._judge.judge(case, sample=sample)
        self._recorder.record(case, sample=sample, verdict=verdict)
        return verdict

    async def aclose(self) -> None:
        self._recorder.close()
        await self._judge.aclose()
