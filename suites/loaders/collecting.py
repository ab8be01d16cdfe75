"""What a loader gives back (`Loaded`, `Recording`) and the `Collector` that it fills while it reads.

The collector is where nothing gets lost in silence: whatever a loader changes or leaves out it tallies there, and every
tally becomes a plain sentence with its count. Not here: any format, or judging (replaying.py).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from voirdire.harness.cases import Case, Label, Task, Turn, content_hash
from voirdire.harness.errors import CaseFileError
from voirdire.harness.verdicts import Scale, Verdict
from voirdire.suites.loaders.records import Record, Source

__all__ = ["SWAPPED", "Collector", "Key", "Loaded", "Recording", "majority", "null_notes", "slot_of"]

#: case id, order (`order[k]` is the response shown in slot k), sample
Key: TypeAlias = tuple[str, tuple[int, ...], int]
GIVEN: tuple[int, ...] = (0, 1)
SWAPPED: tuple[int, ...] = (1, 0)

#: from how many cases on labels that all name the same slot are worth a sentence
_MANY = 10


@dataclass(frozen=True, slots=True)
class Recording:
    """The verdicts of one judge (or person), each about the slots as they were shown."""

    judge: str
    task: Task
    verdicts: Mapping[Key, Verdict] = field(repr=False)
    scale: Scale = field(default_factory=Scale)


@dataclass(frozen=True, slots=True)
class Loaded:
    """A file of a public format as cases.

    `notes` are plain sentences on what was odd in the file and what was done about it, for the report's warnings.
    `recorded` holds the verdicts the file has, one entry a judge; a file of verdicts alone has no `cases`. `scale` is
    the range of the labels where they are numbers.
    """

    format: str
    cases: tuple[Case, ...]
    notes: tuple[str, ...] = ()
    recorded: tuple[Recording, ...] = ()
    scale: Scale | None = None


class Collector:
    """Takes cases, verdicts and oddities of one file; `done` makes them a `Loaded`."""

    def __init__(self, source: Source, format: str, *, total: int) -> None:
        self.path = source.path
        self.format = format
        self.total = total
        self._cases: dict[str, Case] = {}
        self._from: dict[str, str] = {}
        self._said: list[str] = []
        self._tallies: dict[str, dict[str, None]] = {}
        self._verdicts: dict[tuple[str, Task], dict[Key, Verdict]] = {}
        self._scales: dict[tuple[str, Task], Scale] = {}

    def case(
        self,
        record: Record,
        id: str,
        instruction: str | tuple[Turn, ...],
        responses: Sequence[str],
        *,
        label: Label = None,
        group: str | None = None,
        meta: Mapping[str, Any] | None = None,
        **texts: str | None,
    ) -> Case:
        """Add a case; fields of `meta` without a value are left out. Raises CaseFileError for an id used before."""
        if id in self._cases:
            raise record.fail(f"case {id!r} stands in {self._from[id]} already", hint="Remove one of the two.")
        kept = {k: v for k, v in (meta or {}).items() if v not in (None, "", [])}
        case = Case(instruction, tuple(responses), id=id, label=label, group=group, meta=kept, **texts)
        self._cases[id], self._from[id] = case, record.where
        return case

    def has(self, id: str) -> bool:
        return id in self._cases

    def relabel(self, id: str, label: Label) -> None:
        """Set a label that is known only once the whole file is read."""
        self._cases[id] = self._cases[id].replace(label=label)

    def verdict(
        self,
        judge: str,
        task: Task,
        id: str,
        verdict: Verdict,
        *,
        order: tuple[int, ...] | None = None,
        scale: Scale | None = None,
    ) -> None:
        """Add a verdict as the next sample of its judge, case and order."""
        order = order if order is not None else (GIVEN if task == "pairwise" else (0,))
        verdicts = self._verdicts.setdefault((judge, task), {})
        sample = 0
        while (id, order, sample) in verdicts:
            sample += 1
        verdicts[id, order, sample] = verdict
        if scale is not None:
            self._scales[judge, task] = scale

    def tally(self, what: str, record: Record) -> None:
        """Count an oddity: `what` says what was found and what was done about it."""
        self._tallies.setdefault(what, {})[record.where] = None

    def say(self, sentence: str) -> None:
        """A note on the file as a whole."""
        if sentence not in self._said:
            self._said.append(sentence)

    def done(self, *, scale: Scale | None = None) -> Loaded:
        """Everything collected. Raises CaseFileError where that is nothing."""
        cases = tuple(self._cases.values())
        recorded = tuple(
            Recording(judge, task, verdicts, self._scales.get((judge, task), Scale()))
            for (judge, task), verdicts in self._verdicts.items()
        )
        if not cases and not recorded:
            why = "; ".join(self._sentences()) or "it has no records"
            raise CaseFileError(f"no case could be made of this {self.format} file ({why})", path=self.path)
        notes = (*self._said, *self._sentences(), *_one_sided(cases), *null_notes(recorded))
        return Loaded(self.format, cases, notes, recorded, scale)

    def _sentences(self) -> list[str]:
        return [
            f"{len(places):,} of {self.total:,} records: {what} ({_listed(list(places))})."
            for what, places in self._tallies.items()
        ]


def _listed(places: Sequence[str]) -> str:
    more = len(places) - 3
    return ", ".join(places[:3]) + (f" and {more:,} more" if more > 0 else "")


def _one_sided(cases: Sequence[Case]) -> Iterable[str]:
    labels = Counter(str(c.label) for c in cases if len(c.responses) == 2 and c.label is not None)
    if len(labels) == 1 and labels.total() >= _MANY and next(iter(labels)) in ("0", "1"):
        slot = "first" if next(iter(labels)) == "0" else "second"
        yield (
            f"All {labels.total():,} labels name the {slot} response: in that one order a judge that always answers "
            f'"{slot}" is always right, so read accuracies over both orders.'
        )


def null_notes(recorded: Sequence[Recording]) -> Iterable[str]:
    """How many verdicts of each judge are none."""
    for recording in recorded:
        nulls = sum(v.null is not None for v in recording.verdicts.values())
        if nulls:
            n = len(recording.verdicts)
            yield f"{nulls:,} of the {n:,} recorded verdicts of {recording.judge} are none (null), and counted as such."


def majority(votes: Sequence[Label]) -> Label:
    """What more than any other was voted; None without votes or where two are equally frequent."""
    ranked = Counter(votes).most_common(2)
    if not ranked or (len(ranked) == 2 and ranked[0][1] == ranked[1][1]):
        return None
    return ranked[0][0]


def slot_of(winner: int | Literal["tie"], order: tuple[int, ...]) -> int | Literal["tie"]:
    """The slot in which the winning response (an index of the case) was shown."""
    return winner if winner == "tie" else order.index(winner)


def group_of(text: str) -> str:
    """A name for all cases that share a question."""
    return "q-" + content_hash(text)[:10]


def joined(*parts: str | None) -> str:
    """Texts that are there, a blank line between."""
    return "\n\n".join(p for p in parts if p)
