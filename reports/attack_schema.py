"""`attack.json` and `flips.json`, schemas `voirdire.attack/1` and `voirdire.flips/1`: the pydantic models and the
published JSON Schemas.

Import this module only where a document is written: pydantic is slow to import. As in `schema.py`: fields may be added,
none is renamed or removed under `/1`, an unknown number is null. Not here: the words of the reports (attack_text.py,
attack_files.py, flips_text.py).
"""

from __future__ import annotations

import json
from importlib import metadata
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AliasPath, BaseModel, ConfigDict, Field, field_validator

from voirdire.harness.attacks import Attacked, Flips, Outcome
from voirdire.harness.cases import Task
from voirdire.harness.findings import Decision
from voirdire.reports.published import committed, schema_of
from voirdire.reports.schema import plain_data

__all__ = [
    "ATTACK_SCHEMA",
    "FLIPS_SCHEMA",
    "attack_document",
    "committed_schema",
    "document_text",
    "flips_document",
    "schema_texts",
]

ATTACK_SCHEMA = "voirdire.attack/1"
FLIPS_SCHEMA = "voirdire.flips/1"
_FILES = {ATTACK_SCHEMA: "attack-1.schema.json", FLIPS_SCHEMA: "flips-1.schema.json"}

Stop = Literal["interrupted", "budget", "judge"]
#: in [0, 1]; no bound is held here, as a rounding error must not lose a finished run
Utility = float | None
Count = Annotated[int, Field(ge=0)]


class _Model(BaseModel):
    """Read off the attributes of the dataclasses in harness/attacks.py."""

    model_config = ConfigDict(
        frozen=True, allow_inf_nan=False, extra="ignore", populate_by_name=True, from_attributes=True
    )

    @field_validator("*", mode="before")
    @classmethod
    def _plain(cls, value: Any) -> Any:
        # one NaN or lone surrogate must not lose a finished run
        return plain_data(value)


class IntervalModel(_Model):
    """A mean over cases with its two-sided interval at confidence 1 - 2 alpha, in utility units."""

    mean: float | None
    low: float | None
    high: float | None
    n: int = Field(description="clusters of cases")


class LiftModel(_Model):
    """What an attack does on held-out cases; utilities in [0, 1], null where it could not be measured."""

    before: Utility = Field(description="mean utility of the target without the attack")
    after: Utility
    sham: Utility = Field(description="with neutral text of the same length at the same place")
    gain: IntervalModel | None = Field(description="over the source")
    over_sham: IntervalModel | None
    rank_before: float | None = Field(description="mean rank among the answers to the same question, 1 the best")
    rank_after: float | None
    asr: Utility = Field(description="share of calls lost without the attack that are won with it")
    asr_sham: Utility
    asr_retest: Utility
    asr_net: float | None = Field(description="over the larger of the two")


class SeenModel(_Model):
    """How conspicuous the attack is to a character n-gram model."""

    bits: float | None = Field(description="of its text alone, bits a character")
    flagged: Utility = Field(description="share of attacked answers over the model's threshold")
    flagged_clean: Utility
    clean_share: Utility = Field(description="share of clean answers that the threshold is made to flag")


class FindingModel(_Model):
    """The decision on held-out cases, as of a probe with tolerance 0; see `voirdire.audit/1`."""

    decision: Decision
    reason: str | None
    effect: float | None
    low: float | None
    high: float | None
    level: float | None = Field(description="two-sided confidence of [low, high]")
    estimand: str | None
    p: float | None
    n: Count
    nulls: dict[str, int]
    errors: Count
    not_applicable: Count
    flip_rate: float | None
    retest_flip_rate: float | None
    source_effect: float | None
    sham_effect: float | None
    metrics: dict[str, float | None]


class ElsewhereModel(_Model):
    """The same attack on another judge, or on this one behind a defence."""

    spec: str
    defence: bool
    finding: FindingModel | None
    lift: LiftModel | None
    error: str | None = Field(description="why it was not tried")


class EditModel(_Model):
    """Replace [start, end) of the text field `where` by `text`; offsets in code points."""

    start: Count
    end: Count
    text: str
    where: str


class ExampleModel(_Model):
    """A held-out case on which it worked: what was shown, and the target's mean utility."""

    case: str = Field(validation_alias="case_id", description="its id")
    target: Count
    responses: list[str] = Field(validation_alias=AliasPath("follow_up", "responses"))
    edits: list[EditModel]
    before: Utility
    after: Utility


class MessageModel(_Model):
    """A message that the judge was sent."""

    role: str
    content: str


class AttemptModel(_Model):
    """One attack that was tested on held-out cases."""

    name: str = Field(description="of its probe in the suite file")
    kind: str = Field(
        description="phrase (searched), rewriter (written by a model), structure, composed, or a known family"
    )
    text: str
    position: str
    outcome: Outcome
    reason: str | None
    finding: FindingModel | None
    lift: LiftModel | None
    unseen: LiftModel | None = Field(description="of answers by systems that the search saw no answer of")
    seen: SeenModel | None
    doses: dict[str, LiftModel] = Field(description="its first words, or the first parts of a stack, alone")
    rival: str | None = Field(description="the best published phrase in training")
    rival_lift: LiftModel | None
    over_rival: IntervalModel | None
    elsewhere: list[ElsewhereModel]
    note: str
    parts: list[str] = Field(description="names of what a composed attack stacks")
    p_adjusted: float | None = Field(description="Holm over all that was planned to be tested")
    example: ExampleModel | None
    prompt: list[MessageModel] = Field(description="the exact prompt of the example, where it is known")
    mend: list[str] = Field(description="lines of the judge's own prompt to change")


class CallsModel(_Model):
    """What it cost."""

    planned: Count
    made: Count
    cached: Count
    errors: Count
    nulls: Count
    tokens: int | None
    cost_usd: float | None = Field(description="US dollars; null where prices are unknown")
    seconds: float


class WriterModel(_Model):
    """The model that wrote texts against the judge, its calls apart from the judge's."""

    name: str
    streams: Count
    depth: Count = Field(description="steps of a stream")
    branches: Count = Field(description="tries of a step: 1 is PAIR, more is TAP")
    calls: CallsModel
    unusable: dict[str, int] = Field(description="why replies could not be tried, and how many")


class ScaleModel(_Model):
    """The inclusive range of a score judge."""

    low: float
    high: float


class _Document(_Model):
    """What both documents say of the run."""

    schema_: str = Field(alias="schema")
    voirdire: str
    outcome: Outcome
    judge_name: str
    judge_spec: str
    fingerprint: str
    task: Task
    method: str = Field(description="of the search")
    seed: int
    created: str
    cases_path: str
    calls: CallsModel
    stopped: Stop | None = Field(description="why the run ended early")
    reason: str | None
    failure: int | None = Field(description="exit code of the call that ended it")
    simulated: bool = Field(description="a mock judge: nothing real was asked")
    warnings: list[str]


class AttackDocument(_Document):
    """The whole of `attack.json`. `outcome` is that of the strongest attempt."""

    schema_: Literal["voirdire.attack/1"] = Field(alias="schema")
    scale: ScaleModel
    mode: Literal["both", "first", "second"] = Field(description="slots the attacked answer was shown in")
    position: str
    max_words: int
    vocabulary: Count = Field(description="words")
    alpha: float
    trained: Count = Field(description="cases the search saw")
    held_out: Count = Field(description="cases that decided")
    search_calls: Count
    search_budget: Count
    attempts: list[AttemptModel]
    best_so_far: str | None = Field(description="of the search; not tested if the run was stopped")
    writer: WriterModel | None = Field(description="of --rewriter")


class FlipModel(_Model):
    """What the search for the smallest flip came to on one case; no edits: none was found."""

    case_id: str
    source: str = Field(description="first 16 digits of the hash of what is shown of the case")
    target: Count
    text: str = Field(description="the answer before the edits, which are offsets into it")
    places: Count = Field(description="words that might have been edited")
    edits: list[EditModel]
    before: Utility = Field(description="mean utility of the target in fresh calls without the edits")
    after: Utility
    reproduced: tuple[int, int] | None = Field(description="[k, n]: flipped in k of n fresh calls")
    at_least: Utility = Field(description="lower bound of that probability at 95 %")
    words: Count = Field(description="that the edits change")
    complete: bool = Field(description="none of them can be left out")
    controls: tuple[int, int] = Field(description="[k, n]: of n as small random edits k flip")


class FlipsDocument(_Document):
    """The whole of `flips.json`."""

    schema_: Literal["voirdire.flips/1"] = Field(alias="schema")
    cases: Count
    tried: Count = Field(description="of the cases")
    unclear: Count = Field(description="of those tried: no clear verdict to begin with")
    flips: list[FlipModel] = Field(description="one for each of the others")


Document = TypeVar("Document", bound=_Document)


def _made(model: type[Document], schema: str, result: Attacked | Flips) -> Document:
    known = {name: getattr(result, name) for name in model.model_fields if hasattr(result, name)}
    return model.model_validate({"schema": schema, "voirdire": metadata.version("voirdire"), **known})


def attack_document(result: Attacked) -> AttackDocument:
    """`result` as the published document."""
    return _made(AttackDocument, ATTACK_SCHEMA, result)


def flips_document(result: Flips) -> FlipsDocument:
    """`result` as the published document."""
    return _made(FlipsDocument, FLIPS_SCHEMA, result)


def document_text(result: Attacked | Flips, *, ascii: bool = False) -> str:
    """The bytes of `attack.json` or `flips.json`; `ascii`: for a stream that knows no more."""
    document = flips_document(result) if isinstance(result, Flips) else attack_document(result)
    return json.dumps(document.model_dump(mode="json", by_alias=True), indent=2, ensure_ascii=ascii) + "\n"


def schema_texts() -> dict[str, str]:
    """File in `schema/` -> the JSON Schema (draft 2020-12) that is committed there."""
    return {
        _FILES[ATTACK_SCHEMA]: schema_of(AttackDocument, ATTACK_SCHEMA),
        _FILES[FLIPS_SCHEMA]: schema_of(FlipsDocument, FLIPS_SCHEMA),
    }


def committed_schema(name: str = ATTACK_SCHEMA) -> dict[str, Any]:
    """The published JSON Schema `name`, from the package."""
    return committed(_FILES[name])
