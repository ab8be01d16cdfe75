"""Audits of very many cases: expand a block of them, ask, keep numbers, go on. Memory holds one block's texts.

`run_in_blocks` gives the plan, the run and the answers of all blocks together. A block that is answered whole is kept
in the call store, so that the same audit, run again, takes it from there without planning it. Not here: what is kept of
a block (harness/blocks.py), asking its calls (harness/engine/runner.py).
"""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, overload

import numpy as np

from voirdire.harness.blocks import Blocks, Packed, join, pack
from voirdire.harness.cases import Case, content_hash
from voirdire.harness.engine.events import CallFinished, Event, RunFinished, RunPaused, RunStarted
from voirdire.harness.engine.runner import Limits, Run, Spent, run_calls
from voirdire.harness.engine.spool import Spool
from voirdire.harness.engine.store import CallStore
from voirdire.harness.judges.base import Judge
from voirdire.harness.plan import Plan, PlannedCall
from voirdire.harness.statistics.arms import Answers
from voirdire.harness.verdicts import Verdict

__all__ = ["InBlocks", "LongRun", "run_in_blocks"]

#: raise it with every change of what is kept of a block
_FORMAT = 1
#: blocks whose verdicts are kept in memory while somebody looks at them
_OPEN = 2
#: what a record says beside the verdict
_ABOUT = ("case", "order", "edited", "sample", "content")


@dataclass(slots=True)
class Sums:
    """What is told of all answers, added up block by block."""

    answered: int = 0
    nulls: int = 0
    #: those that failed told neither tokens nor money, and do not count for them
    failed: int = 0
    tokens: int | None = 0
    cost_usd: float | None = None
    served: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, run: Run) -> Sums:
        return cls(run.answered, run.nulls, run.errors, run.tokens, run.cost_usd, run.served)

    def add(self, other: Sums) -> None:
        if other.answered > other.failed:
            if self.answered == self.failed:
                self.cost_usd = other.cost_usd
            elif self.cost_usd is not None:
                self.cost_usd = None if other.cost_usd is None else self.cost_usd + other.cost_usd
        self.answered += other.answered
        self.nulls += other.nulls
        self.failed += other.failed
        self.tokens = None if self.tokens is None or other.tokens is None else self.tokens + other.tokens
        self.served.update(other.served)


class LongRun(Run):
    """A run in blocks: what it holds of each call lies on the disk, and is read where somebody looks."""

    __slots__ = ("_sums", "_verdicts")

    def __init__(self) -> None:
        self._verdicts = _Verdicts()
        super().__init__(self._verdicts)
        self._sums = Sums()

    def add(self, packed: Packed, records: bytes, sums: Sums) -> None:
        self._sums.add(sums)
        self._verdicts.add(packed.calls, records)

    def whole(self, number: int) -> Verdict | None:
        return self._verdicts[number]

    def records(self) -> Iterator[dict[str, Any]]:
        """A record a call, in plan order; calls that were not made are left out."""
        return self._verdicts.records()

    @property
    def tokens(self) -> int | None:
        return self._sums.tokens

    @property
    def cost_usd(self) -> float | None:
        return self._sums.cost_usd

    @property
    def served_model(self) -> str | None:
        return next(iter(self._sums.served), None)

    @property
    def served(self) -> Counter[str]:
        return self._sums.served

    @property
    def answered(self) -> int:
        return self._sums.answered

    @property
    def nulls(self) -> int:
        return self._sums.nulls


class _Verdicts(Sequence[Verdict | None]):
    """Verdicts by call number, read from the records of their block."""

    def __init__(self) -> None:
        self._spool = Spool()
        self._firsts = [0]
        self._open: OrderedDict[int, list[Verdict | None]] = OrderedDict()

    def add(self, calls: int, records: bytes) -> None:
        self._spool.add(records)
        self._firsts.append(self._firsts[-1] + calls)

    def __len__(self) -> int:
        return self._firsts[-1]

    @overload
    def __getitem__(self, number: int) -> Verdict | None: ...
    @overload
    def __getitem__(self, number: slice) -> list[Verdict | None]: ...
    def __getitem__(self, number: int | slice) -> Verdict | list[Verdict | None] | None:
        if isinstance(number, slice):
            return [self[i] for i in range(len(self))[number]]
        number = range(len(self))[number]
        block = int(np.searchsorted(self._firsts, number, side="right")) - 1
        verdicts = self._open.get(block)
        if verdicts is None:
            verdicts = self._open[block] = [_verdict(r) for r in _read_records(self._spool[block])]
            if len(self._open) > _OPEN:
                self._open.popitem(last=False)
        return verdicts[number - self._firsts[block]]

    def records(self) -> Iterator[dict[str, Any]]:
        for block in range(len(self._spool)):
            for number, record in enumerate(_read_records(self._spool[block]), start=self._firsts[block]):
                if record is not None:
                    yield {"call": number, **record}


class InBlocks(NamedTuple):
    """`planned`: calls of all blocks, about where the run was stopped before the last one."""

    plan: Plan
    run: LongRun
    hard: Answers
    soft: Answers
    planned: int


async def run_in_blocks(
    blocks: Blocks,
    like: Plan,
    judge: Judge,
    *,
    limits: Limits,
    store: CallStore | None,
    suite: str,
    emit: Callable[[Event], None],
) -> InBlocks:
    """Ask the calls of all blocks, one block after another. Stops like `run_calls`, after which the plan holds the
    blocks that were begun. `like` is the plan of a few of the cases (`blocks.sample()`); `suite` the hash of the suite,
    by which kept blocks are known."""
    run, spent, kept = LongRun(), Spent(), list[Packed]()
    a_case = len(like.calls) / len(like.cases)
    cases = calls = 0
    for number in range(len(blocks)):
        some = blocks.cases[number * blocks.size : (number + 1) * blocks.size]
        planned = calls + round(a_case * (len(blocks.cases) - cases))
        name = _name(judge, suite, like, some) if store is not None else ""
        found = _found(store, name, judge, blocks, some)
        if found is not None:
            packed, records, sums = found
            run.cached += packed.calls
            emit(RunStarted(planned=planned, cached=calls + packed.calls))
        else:
            block = blocks[number]
            part = await run_calls(
                block.calls, judge, limits=limits, store=store, emit=_translated(emit, calls, planned), spent=spent
            )
            run.count(part)
            packed = pack(block, *(Answers.of(block, part.verdicts, soft=soft) for soft in (False, True)))
            records, sums = _records(block.calls, part), Sums.of(part)
            if store is not None and judge.reusable and not part.errors and sums.answered == packed.calls:
                store.keep_block(name, judge.fingerprint, _to_bytes(packed, records, sums))
        run.add(packed, records, sums)
        kept.append(packed)
        cases, calls = cases + packed.cases, calls + packed.calls
        a_case = calls / cases
        if run.stopped is not None:
            break
    emit(RunFinished(run.stopped, run.reason))
    planned = calls + round(a_case * (len(blocks.cases) - cases))
    plan, hard, soft = join(like, kept, blocks.cases[:cases], blocks.build)
    return InBlocks(plan, run, hard, soft, planned)


def _translated(emit: Callable[[Event], None], before: int, planned: int) -> Callable[[Event], None]:
    """Events of one block as events of the whole run."""

    def forward(event: Event) -> None:
        if isinstance(event, RunStarted):
            emit(RunStarted(planned=planned, cached=before + event.cached))
        elif isinstance(event, CallFinished):
            emit(replace(event, number=before + event.number))
        elif isinstance(event, RunPaused):
            emit(event)

    return forward


# -------------------------------------------------------------------------------------------------- what is kept of it


def _name(judge: Judge, suite: str, like: Plan, cases: Sequence[Case]) -> str:
    """By what a kept block is known: all that its calls follow from, but the code that makes them."""
    from voirdire import __version__

    label = [list(c.label) if isinstance(c.label, tuple) else c.label for c in cases]
    shown = [[c.id, c.shown(), c.group, json.dumps(dict(c.meta), sort_keys=True, default=str)] for c in cases]
    probes = [p.probe.name for p in like.probes]
    about = [_FORMAT, __version__, suite, probes, like.task, [like.scale.low, like.scale.high], like.samples]
    return content_hash([about, judge.fingerprint, label, shown])


def _found(
    store: CallStore | None, name: str, judge: Judge, blocks: Blocks, cases: Sequence[Case]
) -> tuple[Packed, bytes, Sums] | None:
    """The kept block, if it was made by the code that is here: its first and its last case are planned again and must
    come out as they did then."""
    data = store.block(name, judge.fingerprint) if store is not None and judge.reusable else None
    if data is None:
        return None
    try:
        packed, records, sums = _from_bytes(data)
        then = [record["content"] for record in _read_records(records) if record is not None]
    except (ValueError, KeyError, TypeError, OSError, EOFError, zipfile.BadZipFile, zlib.error):
        return None  # damaged, or of another time: it is planned and asked for again
    first, last = ([call.content for call in blocks.build([case]).calls] for case in (cases[0], cases[-1]))
    same = then[: len(first)] == first and then[-len(last) :] == last
    return (packed, records, sums) if same and len(then) == packed.calls else None


def _records(calls: Sequence[PlannedCall], run: Run) -> bytes:
    """A line of JSON a call, null where it was not made."""
    lines = []
    for number, call in enumerate(calls):
        verdict = run.whole(number)
        about = (call.case.id, list(call.case.meta["voirdire.order"]), call.case.meta["voirdire.edited"])
        record = dict(zip(_ABOUT, (*about, call.sample, call.content), strict=True))
        lines.append("null" if verdict is None else json.dumps({**record, **verdict.to_json()}))
    return zlib.compress("\n".join(lines).encode("ascii"), 1)


def _read_records(data: bytes) -> list[dict[str, Any] | None]:
    text = zlib.decompress(data).decode("ascii")
    return [json.loads(line) for line in text.split("\n")] if text else []


def _verdict(record: dict[str, Any] | None) -> Verdict | None:
    return None if record is None else Verdict.from_json({k: v for k, v in record.items() if k not in _ABOUT})


def _to_bytes(packed: Packed, records: bytes, sums: Sums) -> bytes:
    # without failures: blocks with any are not kept
    told = [sums.answered, sums.nulls, sums.tokens, sums.cost_usd, list(sums.served.items())]
    head = json.dumps([packed.cases, packed.calls, list(packed.not_applicable), told]).encode()
    file = io.BytesIO()
    whole = {**packed.arrays, "_head": np.frombuffer(head, np.uint8), "_records": np.frombuffer(records, np.uint8)}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, array in whole.items():
            with archive.open(f"{name}.npy", "w") as entry:
                np.lib.format.write_array(entry, array, allow_pickle=False)
    return file.getvalue()


def _from_bytes(data: bytes) -> tuple[Packed, bytes, Sums]:
    arrays = {}
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for name in archive.namelist():
            with archive.open(name) as entry:
                # what is packed here, and nothing that would have to be unpickled
                arrays[name.removesuffix(".npy")] = np.lib.format.read_array(entry, allow_pickle=False)
    cases, calls, reasons, told = json.loads(arrays.pop("_head").tobytes())
    records = arrays.pop("_records").tobytes()
    answered, nulls, tokens, cost, served = told
    return Packed(cases, calls, arrays, reasons), records, Sums(answered, nulls, 0, tokens, cost, Counter(dict(served)))
