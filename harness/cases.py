"""The items that are judged (`Case`), and what a perturbation makes of them (`FollowUp`, `Edit`).

Here: the data types and the `Perturbation` protocol. Not here: reading files (casefiles.py), any particular
perturbation (the `perturbations` folder), asking a judge (judges/).
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import random
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, Protocol

from voirdire.harness.errors import UsageError

__all__ = [
    "ALL_TASKS",
    "Case",
    "Claim",
    "Dose",
    "Edit",
    "FollowUp",
    "Label",
    "Perturbation",
    "Task",
    "Turn",
    "apply_edits",
    "canonical",
    "criteria_of",
    "text_of",
    "truth_of",
    "with_edits",
]

Task = Literal["pairwise", "score", "grade", "ranking"]
ALL_TASKS: tuple[Task, ...] = ("pairwise", "score", "grade", "ranking")
#: 0-based index of the better response, "tie", a number (score), a boolean (grade), or a ranking (best first)
Label = int | float | bool | str | tuple[int, ...] | None
#: how strong a perturbation is: 1 is the published or default strength
Dose = float


class Turn(NamedTuple):
    """One chat turn of an instruction."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Case:
    """One item to judge.

    `responses` has 2 texts for a pairwise judge, 1 for score and grade, n for ranking. `label` is the truth where it
    is known; it never reaches a model and is absent from `repr` and from `shown()`. `setup` names a change of the
    judge's own prompt under which the case is to be shown (judges/setups.py); None: as it is.
    """

    instruction: str | tuple[Turn, ...]
    responses: tuple[str, ...]
    id: str = ""
    reference: str | None = None
    rubric: str | None = None
    context: str | None = None
    label: Label = field(default=None, repr=False)
    group: str | None = None
    meta: Mapping[str, Any] = field(default_factory=dict, repr=False, hash=False)
    setup: str | None = None

    def __post_init__(self) -> None:
        if not self.id:
            object.__setattr__(self, "id", "c-" + content_hash(self.shown())[:12])

    def shown(self) -> dict[str, Any]:
        """What a judge may see, as plain JSON data: no id, no label, no group, no meta."""
        data: dict[str, Any] = {
            "instruction": self.instruction
            if isinstance(self.instruction, str)
            else [{"role": t.role, "content": t.content} for t in self.instruction],
            "responses": list(self.responses),
        }
        for name in ("reference", "rubric", "context"):
            value = getattr(self, name)
            if value is not None:
                data[name] = value
        if self.setup:
            data["setup"] = self.setup
        return data

    @property
    def instruction_text(self) -> str:
        """The instruction as one text; chat turns are joined with their role in front."""
        if isinstance(self.instruction, str):
            return self.instruction
        return "\n\n".join(f"{t.role}: {t.content}" for t in self.instruction)

    def replace(self, **changes: Any) -> Case:
        return dataclasses.replace(self, **changes)

    def with_response(self, index: int, text: str) -> Case:
        responses = list(self.responses)
        responses[index] = text
        return self.replace(responses=tuple(responses))

    def reordered(self, order: tuple[int, ...], **changes: Any) -> Case:
        """The same case with response `order[k]` shown in slot k; the label follows its response. `changes` as in
        `replace`."""
        if order == tuple(range(len(self.responses))):
            return self.replace(**changes) if changes else self
        label = self.label
        if isinstance(label, int) and not isinstance(label, bool) and len(self.responses) > 1:
            label = order.index(label)
        elif isinstance(label, tuple):
            label = tuple(order.index(i) for i in label)
        return self.replace(responses=tuple(self.responses[i] for i in order), label=label, **changes)


# made once: json.dumps builds an encoder for each call that names an option
_ENCODER = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def canonical(data: Any) -> bytes:
    """The canonical JSON of `data`: sorted keys, no spaces, UTF-8."""
    return _ENCODER.encode(data).encode("utf-8", "surrogatepass")


def content_hash(data: Any) -> str:
    """SHA-256 of the canonical JSON of `data`."""
    return hashlib.sha256(canonical(data)).hexdigest()


# asked for again within a case; it holds the cases themselves
@functools.lru_cache(maxsize=8192)
def shown_hash(case: Case) -> str:
    """Hash of what a judge is shown of `case`: equal exactly where two calls may share an answer."""
    return content_hash(case.shown())


def truth_of(case: Case, index: int) -> bool | None:
    """Is response `index` known to be right (or best)? None where the label does not say."""
    label = case.label
    if label is None or label == "tie":
        return None
    if isinstance(label, bool):
        return label
    if isinstance(label, tuple):
        return label[0] == index
    if isinstance(label, int) and len(case.responses) > 1:
        return label == index
    return None


# a full stop behind a digit alone is the number of a criterion
_SENTENCE = re.compile(r"(?<=[.!?;])(?<!\b\d\.)(?<!\b\d\d\.)\s+|(?<=[。！？；])")
#: "Score 3: mostly right" says what a grade is worth and is no criterion
_LEVEL = re.compile(
    r"(?i)\W*+(?:(?:score|level|grade|rating|points?)\s*+(?:of\s*+)?\d|(?:(?:得分|评分)\W*+)?\d+\s*+分)"
)


def criteria_of(rubric: str) -> list[str]:
    """The criteria that a rubric lists: its lines, or the sentences of its only line. One that describes the levels of
    a scale is a single criterion."""
    lines = [line.strip() for line in rubric.split("\n") if line.strip()]
    if sum(bool(_LEVEL.match(line)) for line in lines) >= 2:
        return [rubric.strip()]
    if len(lines) > 1:
        return lines
    return [part.strip() for part in _SENTENCE.split(rubric) if part.strip()]


@dataclass(frozen=True, slots=True)
class Edit:
    """Replace `source[start:end]` of one text field by `text`. Offsets are code points of the *source* text.

    `where` names the field, as `text_of` reads it: "responses[0]", "instruction", "reference", ...
    """

    start: int
    end: int
    text: str
    where: str = ""


def apply_edits(source: str, edits: tuple[Edit, ...] | list[Edit]) -> str:
    """Replay `edits` (in any order, not overlapping) on `source`."""
    out: list[str] = []
    at = 0
    for edit in sorted(edits, key=lambda e: (e.start, e.end)):
        if edit.start < at or edit.end < edit.start or edit.end > len(source):
            raise ValueError(f"edit {edit} overlaps another or lies outside a text of {len(source)} characters")
        out += (source[at : edit.start], edit.text)
        at = edit.end
    out.append(source[at:])
    return "".join(out)


_INDEXED = re.compile(r"(responses|instruction)\[(\d+)\]")


def _field_of(case: Case, where: str) -> tuple[str, int | None]:
    """The attribute and index that `where` names; raises UsageError where there is no such text."""
    indexed = _INDEXED.fullmatch(where)
    one_text = ("reference", "rubric", "context", *(("instruction",) if isinstance(case.instruction, str) else ()))
    if where in one_text:
        return where, None
    if indexed is not None and indexed[1] not in one_text and int(indexed[2]) < len(getattr(case, indexed[1])):
        return indexed[1], int(indexed[2])
    raise UsageError(f"{where!r} is no text of case {case.id!r}", hint="Name it as in 'responses[0]' or 'instruction'.")


def text_of(case: Case, where: str) -> str:
    """The text that `Edit.where` names: "responses[0]", "instruction", "instruction[2]" (the content of a turn), or
    "reference", "rubric", "context" (empty where the case has none). Raises UsageError for any other name."""
    name, index = _field_of(case, where)
    value = getattr(case, name)
    found = value if index is None else value[index]
    return found.content if isinstance(found, Turn) else found or ""


def with_edits(case: Case, edits: tuple[Edit, ...]) -> Case:
    """`case` with `edits` made, each in the text it names. Raises UsageError for a name that is no text of the case."""
    for where in dict.fromkeys(e.where for e in edits):
        name, index = _field_of(case, where)
        text = apply_edits(text_of(case, where), [e for e in edits if e.where == where])
        if index is None:
            case = case.replace(**{name: text})
        elif name == "responses":
            case = case.with_response(index, text)
        elif not isinstance(case.instruction, str):
            turns = list(case.instruction)
            turns[index] = Turn(turns[index].role, text)
            case = case.replace(instruction=tuple(turns))
    return case


@dataclass(frozen=True, slots=True)
class FollowUp:
    """A perturbed case. `target` is the index, in `case`, of the response whose gain is measured.

    `edits` replayed on the text of the source give the changed text of `case` (property tests hold this).
    """

    case: Case
    target: int
    edits: tuple[Edit, ...] = ()


#: what a perturbation promises about quality
Claim = Literal["preserving", "addition", "degrading", "attack"]


class Perturbation(Protocol):
    """Text in, text out. Pure: the same (case, target, rng state, dose) gives the same follow-up.

    Build one with `perturbations.perturbation(...)`; see that module for the decorator.
    """

    @property
    def name(self) -> str:
        """Published name, `family.name`."""

    @property
    def claim(self) -> Claim: ...

    @property
    def summary(self) -> str:
        """One plain sentence: what it does."""

    @property
    def source(self) -> str:
        """The paper it comes from, or "voirdire"."""

    @property
    def plants_error(self) -> bool:
        """It puts a mistake into the text (so it must not touch an answer that is wrong already)."""

    def edits(self, case: Case, target: int, rng: random.Random, dose: Dose) -> tuple[Edit, ...]:
        """The edits of response `target`; raises NotApplicable with the reason."""

    def sham(self, case: Case, target: int, edits: tuple[Edit, ...], rng: random.Random) -> tuple[Edit, ...] | None:
        """The placebo of `edits`: neutral text of the same length at the same place, or None where none is needed."""
