"""`audit.json`, schema `voirdire.audit/1`: the pydantic models, the way there and back, the published JSON Schema.

Import this module only where a document is written or read: pydantic is slow to import. Fields may be added; none is
renamed or removed under `/1`. Unknown numbers are null; NaN and infinity are refused on reading and written as null.
Counter-examples are not in the document but beside it (`examples.py`): texts make it large, and CI stores it.
"""

from __future__ import annotations

import dataclasses
import json
import math
import re
from collections.abc import Mapping
from importlib import metadata
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from voirdire.harness.cases import Task
from voirdire.harness.findings import (
    Audit,
    Calls,
    CounterExample,
    Decision,
    Discrimination,
    Finding,
    Findings,
    Noise,
    Outcome,
    Regression,
    SliceValue,
)
from voirdire.harness.papers import PaperResult, Published, SuiteMetric
from voirdire.harness.relations import Relation
from voirdire.harness.verdicts import Scale
from voirdire.reports.published import committed, schema_of

__all__ = ["SCHEMA", "AuditDocument", "committed_schema", "from_document", "plain_data", "schema_text", "to_document"]

SCHEMA = "voirdire.audit/1"


class Model(BaseModel):
    """What all documents have in common."""

    # unknown fields are ignored, so that an older voirdire reads what a newer one wrote
    model_config = ConfigDict(
        frozen=True, allow_inf_nan=False, extra="ignore", populate_by_name=True, serialize_by_alias=True
    )


class ScaleModel(Model):
    """The inclusive range of a score judge."""

    low: float = 1.0
    high: float = 10.0


class JudgeModel(Model):
    """Who was audited."""

    name: str
    spec: str
    fingerprint: str
    task: Task
    served_model: str | None = None
    scale: ScaleModel = ScaleModel()
    simulated: bool = Field(False, description="a mock judge: nothing real was asked")
    facts: dict[str, str] = Field({}, description="what it says of itself: prompt, parser, parameters")


class AskedModel(JudgeModel):
    """Who was audited, and how it was asked: of no use to others than those who have its files."""

    options: list[str] = Field(
        [], description="option, value, ... of the command line that asks it again; none where a program asked"
    )
    probabilities: bool = Field(False, description="its verdicts came with probabilities")


class SuiteModel(Model):
    """What it was asked."""

    name: str
    hash: str
    probes: int = Field(0, ge=0, description="probes in the whole suite, by which Holm corrects")


class CasesModel(Model):
    """About which cases."""

    n: int = Field(ge=0)
    hash: str
    path: str


class CallsModel(Model):
    """What it cost."""

    planned: int = 0
    made: int = 0
    cached: int = 0
    errors: int = 0
    nulls: int = 0
    tokens: int | None = None
    cost_usd: float | None = Field(None, description="US dollars; null where prices are unknown")
    seconds: float = 0.0


class NoiseModel(Model):
    """The judge's own noise on unchanged cases."""

    retest_flip_rate: float | None = None
    low: float | None = None
    high: float | None = None
    n: int = 0
    neutral_flip_rate: float | None = None
    deterministic: bool = False


class DiscriminationModel(Model):
    """Does it tell good answers from bad?"""

    accuracy: float | None = None
    low: float | None = None
    high: float | None = None
    n: int = 0
    floor: float | None = None
    decision: Decision = "not_applicable"
    measure: str = "accuracy"
    swap_averaged: float | None = None
    swap_gain: float | None = Field(None, description="what averaging both orders adds to accuracy, case by case")
    swap_gain_low: float | None = None
    swap_gain_high: float | None = None


class FindingModel(Model):
    """One probe's result. Effects in utility units, [-1, 1], positive when the target gained."""

    probe: str
    family: str
    relation: Relation
    decision: Decision
    reason: str | None = None
    effect: float | None = None
    low: float | None = None
    high: float | None = None
    level: float | None = Field(None, description="two-sided confidence of [low, high]")
    estimand: str | None = None
    tolerance: float | None = None
    min_drop: float | None = None
    p: float | None = None
    p_adjusted: float | None = None
    target: str = "worse"
    dose: float = 1.0
    samples: int = 1
    n: int = 0
    nulls: dict[str, int] = {}
    errors: int = 0
    not_applicable: int = 0
    not_applicable_reasons: dict[str, int] = {}
    not_asked: dict[str, int] = Field({}, description="calls of each arm that the run did not get to")
    flip_rate: float | None = None
    retest_flip_rate: float | None = None
    neutral_flip_rate: float | None = None
    source_effect: float | None = None
    sham_effect: float | None = None
    more_cases_needed: int | None = None
    smallest_detectable: float | None = Field(
        None, description="size of an effect that this run would have called a violation with probability .8"
    )
    metrics: dict[str, float | None] = {}
    chance: dict[str, float | None] = Field({}, description="metric -> its value for a judge that tosses a coin")
    counterexamples: list[str] = Field([], description="case ids; their texts are in examples.jsonl")
    summary: str = ""
    source: str = ""
    baseline_effect: float | None = Field(None, description="filled by `voirdire gate --baseline`")
    change: float | None = None
    change_low: float | None = None
    change_high: float | None = None
    margin: float | None = None
    regression: Regression | None = None
    regression_reason: str | None = None


class SliceModel(Model):
    """One number of a part of the cases, with an interval of its own; exploration, not a decision."""

    dimension: str
    value: str
    measure: str = Field(description="accuracy, or a probe whose effect it is")
    mean: float
    low: float
    high: float
    n: int = Field(ge=0)
    p_adjusted: float | None = Field(
        None, description="differs from the rest of the cases (Benjamini-Hochberg over all slices)"
    )


class PublishedModel(Model):
    """A number as its paper printed it."""

    judge: str
    metric: str
    value: float
    group: str = ""
    note: str = ""


class SuiteMetricModel(Model):
    """A published metric on this judge, over all probes of a group."""

    metric: str
    group: str = Field("", description="the paper's name for these probes; empty: all of them, or no probe at all")
    value: float | None = None
    low: float | None = Field(None, description="95 % interval over clusters of cases")
    high: float | None = None
    n: int = 0
    left_out: int = Field(0, description="dropped for a null")
    chance: float | None = Field(None, description="its value for a judge that tosses a coin")
    probes: list[str] = []


class PaperModel(Model):
    """The paper that the suite follows: our numbers and its own."""

    title: str
    paper: str = ""
    url: str = ""
    chance: str = ""
    metrics: list[SuiteMetricModel] = []
    published: list[PublishedModel] = []


class AuditDocument(Model):
    """The whole of `audit.json`."""

    schema_: Literal["voirdire.audit/1"] = Field(alias="schema")
    voirdire: str
    created: str
    seed: int
    alpha: float
    mode: Literal["fixed", "sequential", "anytime"]
    samples: int = 1
    judge: AskedModel
    suite: SuiteModel
    cases: CasesModel
    calls: CallsModel
    noise: NoiseModel
    discrimination: DiscriminationModel
    findings: list[FindingModel]
    slices: list[SliceModel] = []
    verdict: Outcome
    stopped: str | None = None
    warnings: list[str] = []
    metrics: dict[str, Any] = {}
    paper: PaperModel | None = Field(None, description="of suites that follow a paper")

    def text(self) -> str:
        """The bytes of `audit.json`: two-space indent, fields in the order of the contract."""
        return json.dumps(self.model_dump(mode="json"), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


_SURROGATE = re.compile("[\ud800-\udfff]")


def plain_data(value: Any) -> Any:
    """Plain JSON data: NumPy scalars become Python's, NaN and infinity None."""
    if isinstance(value, Mapping):
        return {plain_data(str(k)): plain_data(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain_data(v) for v in value]
    if not isinstance(value, str | bool | int | float | None) and hasattr(value, "item"):
        value = value.item()
    if isinstance(value, str):
        # a lone surrogate is no Unicode text, and pydantic refuses it; it must not lose a finished run
        return _SURROGATE.sub(lambda m: f"⟨U+{ord(m.group()):04X}⟩", value)
    if isinstance(value, float):
        # subclasses (numpy.float64) print differently from float in newer NumPy
        return float(value) if math.isfinite(value) else None
    return value


def _fields(item: object, model: type[Model], *without: str) -> dict[str, Any]:
    """The attributes of `item` that `model` knows, as plain data."""
    return {k: getattr(item, k) for k in model.model_fields if hasattr(item, k) and k not in without}


def to_document(audit: Audit) -> AuditDocument:
    """`audit` as the published document, its examples left out."""
    return AuditDocument.model_validate(
        plain_data(
            {
                "schema": SCHEMA,
                "voirdire": metadata.version("voirdire"),
                "created": audit.created,
                "seed": audit.seed,
                "alpha": audit.alpha,
                "mode": audit.mode,
                "samples": audit.samples,
                "judge": {
                    "name": audit.judge_name,
                    "spec": audit.judge_spec,
                    "fingerprint": audit.fingerprint,
                    "task": audit.task,
                    "served_model": audit.served_model,
                    "scale": {"low": audit.scale.low, "high": audit.scale.high},
                    "simulated": audit.simulated,
                    "facts": audit.facts,
                    "options": audit.options,
                    "probabilities": audit.probabilities,
                },
                "suite": {"name": audit.suite, "hash": audit.suite_hash, "probes": audit.suite_probes},
                "cases": {"n": audit.cases_n, "hash": audit.cases_hash, "path": audit.cases_path},
                "calls": _fields(audit.calls, CallsModel),
                "noise": _fields(audit.noise, NoiseModel),
                "discrimination": _fields(audit.discrimination, DiscriminationModel),
                "findings": [_fields(f, FindingModel) for f in audit.findings.values()],
                "slices": [_fields(s, SliceModel) for s in audit.slices],
                "verdict": audit.verdict,
                "stopped": audit.stopped,
                "warnings": list(audit.warnings),
                "metrics": audit.metrics,
                "paper": None if audit.paper is None else dataclasses.asdict(audit.paper),
            }
        )
    )


def from_document(document: AuditDocument, examples: tuple[CounterExample, ...] = ()) -> Audit:
    """The audit a document was made of; `examples` come from `examples.jsonl`."""
    judge = document.judge
    findings = []
    for model in document.findings:
        data = model.model_dump()
        findings.append(Finding(**{**data, "counterexamples": tuple(data["counterexamples"])}))
    return Audit(
        judge_name=judge.name,
        judge_spec=judge.spec,
        fingerprint=judge.fingerprint,
        task=judge.task,
        scale=Scale(judge.scale.low, judge.scale.high),
        served_model=judge.served_model,
        suite=document.suite.name,
        suite_hash=document.suite.hash,
        suite_probes=document.suite.probes,
        cases_n=document.cases.n,
        cases_hash=document.cases.hash,
        cases_path=document.cases.path,
        seed=document.seed,
        alpha=document.alpha,
        samples=document.samples,
        created=document.created,
        findings=Findings(findings),
        noise=Noise(**document.noise.model_dump()),
        discrimination=Discrimination(**document.discrimination.model_dump()),
        calls=Calls(**document.calls.model_dump()),
        verdict=document.verdict,
        warnings=tuple(document.warnings),
        examples=examples,
        mode=document.mode,
        stopped=document.stopped,
        simulated=judge.simulated,
        slices=tuple(SliceValue(**model.model_dump()) for model in document.slices),
        facts=judge.facts,
        options=tuple(judge.options),
        probabilities=judge.probabilities,
        metrics=document.metrics,
        paper=None if document.paper is None else _paper(document.paper),
    )


def _paper(model: PaperModel) -> PaperResult:
    data = model.model_dump()
    metrics = (SuiteMetric(**{**m, "probes": tuple(m["probes"])}) for m in data["metrics"])
    published = tuple(Published(**p) for p in data["published"])
    return PaperResult(**{**data, "metrics": tuple(metrics), "published": published})


def schema_text() -> str:
    """The JSON Schema (draft 2020-12) of `audit.json`, as it is committed in `schema/audit-1.schema.json`."""
    return schema_of(AuditDocument, SCHEMA)


def committed_schema() -> dict[str, Any]:
    """The published JSON Schema, from the package."""
    return committed("audit-1.schema.json")
