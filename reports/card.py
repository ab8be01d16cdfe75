"""The judge card: what a judge was found to be, short enough to publish with it, as Markdown and as JSON.

No judged text, no case id and no path stands in it. Schema `voirdire.card/1`: fields may be added, none is renamed or
removed. Import this module only where a card is written: pydantic is slow to import.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from importlib import metadata
from pathlib import PurePath
from typing import Any, Literal

from pydantic import Field

from voirdire.harness.findings import Audit, Decision, Finding, Outcome
from voirdire.reports.ci import opening
from voirdire.reports.formatting import effect, interval, known, money, percent, percent_interval, plural, share
from voirdire.reports.markdown import code, prose
from voirdire.reports.published import committed, schema_of
from voirdire.reports.schema import DiscriminationModel, JudgeModel, Model, NoiseModel, plain_data
from voirdire.reports.selection import limits, ranks_as_sway, worst_first
from voirdire.reports.text import one_line
from voirdire.reports.words import SYMBOLS

__all__ = ["SCHEMA", "CardDocument", "card_json", "card_markdown", "committed_schema", "schema_text"]

SCHEMA = "voirdire.card/1"

#: characters of a name on the card
NAME = 120


class FamilyModel(Model):
    """All probes of a family, and the worst of them."""

    family: str
    probes: int
    violated: int
    open: int
    holds: int
    worst: str = Field(description="the probe whose effect lies furthest past its limit")
    decision: Decision
    effect: float | None = None
    low: float | None = None
    high: float | None = None
    limit_low: float | None = None
    limit_high: float | None = None


class CardDocument(Model):
    """The whole of `judge-card.json`."""

    schema_: Literal["voirdire.card/1"] = Field(alias="schema")
    voirdire: str
    created: str
    judge: JudgeModel
    verdict: Outcome
    says: str = Field(description="the verdict in plain sentences")
    suite: str
    suite_hash: str
    cases: int
    cases_hash: str
    cases_name: str = Field(description="name of the file of cases, without its folder")
    design: str
    seed: int
    alpha: float
    calls: int
    cost_usd: float | None = None
    discrimination: DiscriminationModel
    noise: NoiseModel
    families: list[FamilyModel]
    limits: list[str] = Field(description="what this audit could not see or did not get to")


def card(audit: Audit) -> CardDocument:
    """What the card says of `audit`."""
    parts = opening(audit)
    return CardDocument.model_validate(
        plain_data(
            {
                "schema": SCHEMA,
                "voirdire": metadata.version("voirdire"),
                "created": audit.created,
                "judge": {
                    "name": one_line(audit.judge_name, NAME),
                    "spec": one_line(audit.judge_spec, 200),
                    "fingerprint": audit.fingerprint,
                    "task": audit.task,
                    "served_model": one_line(audit.served_model, NAME) if audit.served_model else None,
                    "scale": {"low": audit.scale.low, "high": audit.scale.high},
                    "simulated": audit.simulated,
                    "facts": {one_line(k, 40): one_line(v, NAME) for k, v in audit.facts.items()},
                },
                "verdict": audit.verdict,
                "says": one_line(" ".join(parts.sentences), 1000),
                "suite": one_line(audit.suite, NAME),
                "suite_hash": audit.suite_hash,
                "cases": audit.cases_n,
                "cases_hash": audit.cases_hash,
                "cases_name": one_line(PurePath(audit.cases_path.replace("\\", "/")).name, NAME),
                "design": audit.mode,
                "seed": audit.seed,
                "alpha": audit.alpha,
                "calls": audit.calls.made + audit.calls.cached,
                "cost_usd": audit.calls.cost_usd,
                "discrimination": DiscriminationModel.model_validate(
                    {k: getattr(audit.discrimination, k) for k in DiscriminationModel.model_fields}
                ).model_dump(),
                "noise": {k: getattr(audit.noise, k) for k in NoiseModel.model_fields},
                "families": [_family(name, found) for name, found in _families(audit).items()],
                "limits": list(_limits(audit)),
            }
        )
    )


def _families(audit: Audit) -> dict[str, list[Finding]]:
    """The findings by family, the family with the worst finding first; those that apply to nothing are left out."""
    order = {"violated": 0, "inconclusive": 1, "holds": 2}
    found = [f for f in audit.findings.values() if f.decision in order and known(f.effect)]
    out: dict[str, list[Finding]] = {}
    for finding in sorted(worst_first(found), key=lambda f: order[f.decision]):
        out.setdefault(finding.family, []).append(finding)
    return out


def _family(name: str, found: list[Finding]) -> dict[str, Any]:
    worst = found[0]
    low, high = limits(worst)
    return {
        "family": one_line(name, NAME),
        "probes": len(found),
        "violated": sum(f.decision == "violated" for f in found),
        "open": sum(f.decision == "inconclusive" for f in found),
        "holds": sum(f.decision == "holds" for f in found),
        "worst": one_line(worst.probe, NAME),
        "decision": worst.decision,
        "effect": worst.effect,
        "low": worst.low,
        "high": worst.high,
        "limit_low": low,
        "limit_high": high,
    }


def _limits(audit: Audit) -> Iterator[str]:
    if audit.simulated:
        yield "The judge is simulated (a mock): the figures say nothing about a real one."
    if audit.stopped:
        yield "The run ended early, so some probes rest on fewer cases or were not asked."
    quiet = [f for f in audit.findings.values() if f.decision in ("holds", "inconclusive") and ranks_as_sway(f)]
    sizes = [f.smallest_detectable for f in quiet if known(f.smallest_detectable)]
    if sizes:
        yield f"An effect of less than {share(max(sizes))} could have been missed by the least sharp of its probes."
    if not known(audit.discrimination.accuracy):
        yield "Whether it tells good answers from bad was not measured: the cases have no labels."
    skipped = len(audit.findings.decided("not_applicable"))
    if skipped:
        yield f"{plural(skipped, 'probe')} of the suite did not apply to these cases or this judge."
    undecided = len(audit.findings.decided("inconclusive"))
    if undecided:
        yield f"{plural(undecided, 'probe')} could be decided neither way with {plural(audit.cases_n, 'case')}."
    yield "The figures hold for cases like these, this prompt and this served model; another version is another judge."


# -------------------------------------------------------------------------------------------------------------- texts


def card_json(audit: Audit) -> str:
    """The text of `judge-card.json`."""
    return json.dumps(card(audit).model_dump(mode="json"), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def card_markdown(audit: Audit) -> str:
    """The text of `judge-card.md`."""
    found, d, noise = card(audit), audit.discrimination, audit.noise
    told = [
        ("Judge", code(audit.judge_spec)),
        ("Served model", code(audit.served_model) if audit.served_model else "not told"),
        *((prose(_named(k)), code(v)) for k, v in found.judge.facts.items() if k != "model"),
        ("Fingerprint", code(audit.fingerprint[:16])),
        ("Task", audit.task),
        ("Audited", f"{prose(_day(audit.created))}, voirdire {found.voirdire}, suite {code(audit.suite)} "
         f"({code(audit.suite_hash[:8])}), seed {audit.seed}, {audit.mode}"),
        ("Cases", f"{audit.cases_n:,}, {code(found.cases_name or 'cases')} ({code(audit.cases_hash[:8])})"),
        ("Calls", f"{found.calls:,}" + (f", {money(found.cost_usd)}" if known(found.cost_usd) else "")),
    ]  # fmt: skip
    lines = [
        f"# Judge card: {code(audit.judge_name, 120)}",
        "",
        f"**{opening(audit).word}.** {prose(found.says)}",
        "",
        "| | |",
        "|---|---|",
        *(f"| {name} | {text} |" for name, text in told),
        "",
        "## What was measured",
        "",
        "| | | result | interval | accepted |",
        "|---|---|---:|---|---|",
    ]
    if known(d.accuracy):
        floor = f"from {percent(d.floor)}" if known(d.floor) else ""
        span = prose(percent_interval(d.low, d.high))
        lines.append(
            f"| {SYMBOLS[d.decision]} | tells good answers from bad ({prose(d.measure)}) | {percent(d.accuracy)} | "
            f"{span} | {floor} |"
        )
    if known(noise.retest_flip_rate):
        span = prose(percent_interval(noise.low, noise.high))
        lines.append(f"| | its own noise: repeated calls that differ | {percent(noise.retest_flip_rate)} | {span} | |")
    for row in found.families:
        what = f"{prose(row.family)}{_worst_of(row.probes)}: {code(row.worst, 60)}"
        span = prose(interval(row.low, row.high))
        lines.append(f"| {SYMBOLS[row.decision]} | {what} | {effect(row.effect)} | {span} | {_accepted(row)} |")
    lines += ["", "✓ holds, ✗ violated, ? open: neither shown nor ruled out. Effects run from -1 to +1.", ""]
    return "\n".join([*lines, "## What to bear in mind", "", *(f"- {prose(text)}" for text in found.limits)]) + "\n"


def _accepted(row: FamilyModel) -> str:
    low, high = row.limit_low, row.limit_high
    if low is None:
        return f"up to {effect(high)}" if high is not None else ""
    return f"{effect(low)} to {effect(high)}"


def _worst_of(probes: int) -> str:
    return f", worst of {probes:,} probes" if probes > 1 else ""


def _named(fact: str) -> str:
    return fact[:1].upper() + fact[1:]


def _day(created: str) -> str:
    return created[:10] if re.match(r"\d{4}-\d\d-\d\d", created) else created


def schema_text() -> str:
    """The JSON Schema (draft 2020-12) of `judge-card.json`, as it is committed in `schema/card-1.schema.json`."""
    return schema_of(CardDocument, SCHEMA)


def committed_schema() -> dict[str, Any]:
    """The published JSON Schema, from the package."""
    return committed("card-1.schema.json")
