"""`voirdire compare --json`, schema `voirdire.compare/1`: the pydantic models and the published JSON Schema.

Import this module only where a document is written: pydantic is slow to import. As in `schema.py`: fields may be added,
none is renamed or removed under `/1`, and an unknown number is null.
"""

from __future__ import annotations

import json
from importlib import metadata
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from voirdire.harness.costs import Cost, MemberCost
from voirdire.harness.prices import Tokens
from voirdire.harness.statistics.side_by_side import StoredRun, balance
from voirdire.harness.statistics.trade import Kind, Trade, best_of
from voirdire.reports.comparison import Comparison
from voirdire.reports.comparison_trade import best_sentence, pay_sentence
from voirdire.reports.published import committed, schema_of
from voirdire.reports.schema import plain_data

__all__ = ["SCHEMA", "CompareDocument", "committed_schema", "document_text", "schema_text", "to_document"]

SCHEMA = "voirdire.compare/1"


class _Model(BaseModel):
    model_config = ConfigDict(
        frozen=True,
        allow_inf_nan=False,
        extra="forbid",
        populate_by_name=True,
        serialize_by_alias=True,
        from_attributes=True,
    )


class TokensModel(_Model):
    """Estimated tokens."""

    input: int
    output: int


class MemberCostModel(_Model):
    """A judge that is really asked; the same figures twice where answers do not decide how much."""

    judge: str
    calls: int
    most_calls: int
    tokens: TokensModel
    most_tokens: TokensModel
    cost_usd: float | None = Field(description="US dollars, estimated; null where the price is unknown")
    most_cost_usd: float | None


class CostModel(_Model):
    """What the judge would cost if it alone were asked this: an estimate, made without asking."""

    a_verdict: int = Field(description="calls that one verdict by itself takes at most")
    calls: int
    most_calls: int
    tokens: TokensModel
    most_tokens: TokensModel
    cost_usd: float | None
    most_cost_usd: float | None
    members: list[MemberCostModel]


class PaidModel(_Model):
    """What the run did cost, as its answers tell: answers that another run had paid for are free."""

    tokens: int | None
    cost_usd: float | None


class RunModel(_Model):
    """One run: a column."""

    label: str
    judge: str
    path: str
    created: str
    cost: CostModel | None = Field(description="null for runs that were read from files")
    paid: PaidModel | None


class DifferenceModel(_Model):
    """A run minus the first run, with its 95 % interval."""

    value: float
    low: float
    high: float
    p: float
    p_adjusted: float = Field(description="Holm over the lines of one column")
    paired: bool = Field(description="of the same cases under the same follow-ups")
    n: int
    contrast: str | None = Field(description="what the difference is of; null where only its kind is known")
    before: float | None = Field(description="its value in the first run, over the same cases where paired")
    after: float | None
    p_size: float = Field(description="of `the bias is as large as before`, in whichever part of the probe it lies")
    p_size_adjusted: float = Field(description="Holm over the lines of one column")
    grew: bool = Field(description="which way p_size speaks: more bias (of accuracy: more errors)")


class LineModel(_Model):
    """One probe, or `accuracy`: an entry a run, null where it was not measured."""

    probe: str
    effects: list[float | None]
    differences: list[DifferenceModel | None]


class ChangeModel(_Model):
    """One family of probes. `value`: growth of its bias, negative where there is less (drop: damage noticed less)."""

    family: str
    kind: Kind
    probes: int
    before: float
    after: float
    value: float
    low: float
    high: float
    p: float
    p_adjusted: float = Field(description="Holm over all families of all runs")
    n: int


class CleanModel(_Model):
    """Verdicts on unchanged cases that differ from the first run's, beyond both judges' own noise."""

    changed: float
    low: float | None
    high: float | None
    n: int


class TradeModel(_Model):
    """A run against the first."""

    run: str
    families: list[ChangeModel]
    accuracy: DifferenceModel | None
    clean: CleanModel | None
    better: list[str] = Field(description="probes whose bias is shown to be smaller (p_size_adjusted); accuracy")
    worse: list[str]
    pays: bool
    said: str


class CompareDocument(_Model):
    """The whole object."""

    schema_: Literal["voirdire.compare/1"] = Field(alias="schema")
    voirdire: str
    runs: list[RunModel]
    lines: list[LineModel]
    trades: list[TradeModel]
    best: str | None = Field(description="the run that pays most; null where none is shown to pay")
    said: str


def to_document(c: Comparison) -> CompareDocument:
    """The comparison as the published document."""
    best = best_of(c.trades)
    return CompareDocument.model_validate(
        plain_data(
            {
                "schema": SCHEMA,
                "voirdire": metadata.version("voirdire"),
                "runs": [_run(run, cost) for run, cost in zip(c.runs, c.costs, strict=True)],
                "lines": [
                    {
                        "probe": line.probe,
                        "effects": line.effects,
                        "differences": [_fields(d, DifferenceModel) for d in line.differences],
                    }
                    for line in c.lines
                ],
                "trades": [_trade(c, trade) for trade in c.trades],
                "best": None if best is None else c.runs[best.run].label,
                "said": best_sentence(c.runs, c.trades, c.costs),
            }
        )
    )


def _fields(item: object, model: type[_Model]) -> dict[str, Any] | None:
    return None if item is None else {name: getattr(item, name) for name in model.model_fields}


def _run(run: StoredRun, cost: Cost | None) -> dict[str, Any]:
    calls = None if run.audit is None else run.audit.calls
    return {
        "label": run.label,
        "judge": run.judge,
        "path": run.path,
        "created": run.created,
        "cost": None if cost is None else _cost(cost),
        "paid": None if calls is None else {"tokens": calls.tokens, "cost_usd": calls.cost_usd},
    }


def _cost(cost: Cost) -> dict[str, Any]:
    def tokens(of: Tokens) -> dict[str, int]:
        return {"input": of.input, "output": of.output}

    def figures(of: Cost | MemberCost) -> dict[str, Any]:
        return {
            "calls": of.calls,
            "most_calls": of.most_calls,
            "tokens": tokens(of.tokens),
            "most_tokens": tokens(of.most_tokens),
            "cost_usd": of.cost_usd,
            "most_cost_usd": of.most_cost_usd,
        }

    members = [{"judge": member.judge, **figures(member)} for member in cost.members]
    return {"a_verdict": cost.a_verdict, **figures(cost), "members": members}


def _trade(c: Comparison, trade: Trade) -> dict[str, Any]:
    found = balance(c.lines, trade.run)
    clean = {"changed": trade.changed, "low": trade.changed_low, "high": trade.changed_high, "n": trade.changed_n}
    return {
        "run": c.runs[trade.run].label,
        "families": [_fields(change, ChangeModel) for change in trade.families],
        "accuracy": _fields(trade.accuracy, DifferenceModel),
        "clean": None if trade.changed is None else clean,
        "better": found.better,
        "worse": found.worse,
        "pays": trade.pays(),
        "said": pay_sentence(c.runs, trade) if trade.families else "",
    }


def document_text(c: Comparison) -> str:
    """What `--json` prints: two-space indent, fields in the order of the models."""
    return json.dumps(to_document(c).model_dump(mode="json"), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def schema_text() -> str:
    """The JSON Schema (draft 2020-12), as it is committed in `schema/compare-1.schema.json`."""
    return schema_of(CompareDocument, SCHEMA)


def committed_schema() -> dict[str, Any]:
    """The published JSON Schema, from the package."""
    return committed("compare-1.schema.json")
