"""PandaLM's test set (Wang et al. 2023, arXiv:2306.05087): 999 pairs with three annotators, and recorded verdicts.

The pairs: {idx, motivation_app, cmp_key, instruction, input, response1, response2, annotator1..3}, 0 meaning a tie. The
verdicts, in files of their own: {idx, NAME_result, NAME_reason, NAME_reference}. Both give the case id `pandalm-IDX`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from voirdire.harness.verdicts import Verdict
from voirdire.suites.loaders.collecting import Collector, Loaded, group_of, joined, majority
from voirdire.suites.loaders.formats import Format, Options, Shape
from voirdire.suites.loaders.records import Record, Source

__all__ = ["FORMAT"]

_Choice = int | Literal["tie"]
_VOTES: Mapping[int, _Choice] = {0: "tie", 1: 0, 2: 1}
_RESULTS: Mapping[int | str, _Choice | None] = {
    0: "tie",
    1: 0,
    2: 1,
    "0": "tie",
    "1": 0,
    "2": 1,
    "Tie": "tie",
    "tie": "tie",
    "garbage": None,
}


def _read(source: Source, _options: Options) -> Loaded:
    found = Collector(source, "PandaLM", total=len(source.records))
    for record in source.records:
        name = next((k.removesuffix("_result") for k in record.data if k.endswith("_result")), None)
        if name is not None:
            _verdict(found, record, name, source.stem.partition("-testset")[0])
        else:
            _pair(found, record)
    return found.done()


def _pair(found: Collector, record: Record) -> None:
    votes = [record.one_of(f"annotator{i}", _VOTES) for i in (1, 2, 3)]
    label = majority(votes)
    if label is None:
        found.tally("the three annotators all disagree, so the case has no label", record)
    instruction = joined(record.text("instruction"), record.optional_text("input"))
    models = record.optional_text("cmp_key")
    found.case(
        record,
        f"pandalm-{record.key('idx')}",
        instruction,
        (_response(found, record, "response1"), _response(found, record, "response2")),
        label=label,
        group=group_of(instruction),
        meta={
            "source": record.optional_text("motivation_app"),
            "models": models.split("_") if models else None,
            "annotators": votes,
        },
    )


def _response(found: Collector, record: Record, name: str) -> str:
    value = record.data.get(name)
    if isinstance(value, bool):
        found.tally('a response is a JSON boolean, which is read as the text "True" or "False"', record)
        return str(value)
    if value == "":
        found.tally("a response is empty and is kept so", record)
    return record.text(name)


def _verdict(found: Collector, record: Record, name: str, judge: str) -> None:
    choice = record.one_of(f"{name}_result", _RESULTS)
    rationale = record.optional_text(f"{name}_reason") or None
    if choice is None:
        verdict = Verdict(null="unparsed", reason="recorded as garbage", rationale=rationale)
    else:
        verdict = Verdict(choice=choice, rationale=rationale)
    found.verdict(judge or name, "pairwise", f"pandalm-{record.key('idx')}", verdict)


def _fits(shape: Shape) -> bool:
    if not shape.has("idx"):
        return False
    return shape.has("response1", "response2", "annotator1") or any(k.endswith("_result") for k in shape.first)


FORMAT = Format("pandalm", "PandaLM's annotated pairs and the verdicts recorded on them", _read, _fits)
