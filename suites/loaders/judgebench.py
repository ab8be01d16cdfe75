"""JudgeBench (Tan et al. 2024, arXiv:2410.12784): pairs with an objective label, and judges' two games each.

{pair_id, original_id, source, question, response_model, response_A, response_B, label "A>B"}; a file of outputs adds
`judge_name` and `judgments`, two of {decision}. The second game shows the answers swapped, and its decision is about
the slots as shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from voirdire.harness.verdicts import Verdict
from voirdire.suites.loaders.collecting import GIVEN, SWAPPED, Collector, Loaded
from voirdire.suites.loaders.formats import Format, Options
from voirdire.suites.loaders.records import Record, Source

__all__ = ["FORMAT"]

_Choice = int | Literal["tie"]
_LABELS: Mapping[str, _Choice] = {"A>B": 0, "B>A": 1, "A=B": "tie"}
_DECISIONS: Mapping[str | None, _Choice | None] = {
    "A>B": 0,
    "A>>B": 0,
    "B>A": 1,
    "B>>A": 1,
    "A=B": "tie",
    "B=A": "tie",
    None: None,
}


def _read(source: Source, _options: Options) -> Loaded:
    found = Collector(source, "JudgeBench", total=len(source.records))
    for record in source.records:
        identity, kind = record.key("pair_id"), record.text("source")
        original = record.key("original_id") if record.has("original_id") else None
        if original is None:
            found.tally('"original_id" is null, so the pair is a group of its own', record)
        found.case(
            record,
            identity,
            record.text("question"),
            (record.text("response_A"), record.text("response_B")),
            label=record.one_of("label", _LABELS),
            group=f"{kind}-{original}" if original is not None else identity,
            meta={"source": kind, "category": _category(kind), "models": [record.text("response_model")]},
        )
        if record.has("judgments"):
            _games(found, record, identity)
    return found.done()


def _category(source: str) -> str:
    """The paper's four: knowledge, reasoning, math, coding."""
    names = {"livebench-reasoning": "reasoning", "livebench-math": "math", "livecodebench": "coding"}
    return names.get(source, "knowledge" if source.startswith("mmlu") else source)


def _games(found: Collector, record: Record, identity: str) -> None:
    judge = record.optional_text("judge_name") or "recorded"
    games = record.items("judgments")
    if len(games) not in (1, 2):
        raise record.wrong("judgments", "a list of one or two games")
    for i, order in enumerate((GIVEN, SWAPPED)[: len(games)]):
        choice = None
        if games[i] is not None:
            choice = record.entry("judgments", i).child(f"judgments[{i}]").one_of("decision", _DECISIONS)
        verdict = Verdict(null="unparsed", reason="no decision was recorded") if choice is None else Verdict(choice)
        found.verdict(judge, "pairwise", identity, verdict, order=order)


FORMAT = Format(
    "judgebench",
    "JudgeBench pairs, and files of outputs with two games a pair",
    _read,
    lambda shape: shape.has("pair_id", "response_A", "response_B", "label"),
)
