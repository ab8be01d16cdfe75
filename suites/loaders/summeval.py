"""SummEval (Fabbri et al. 2021): 100 articles, 16 summaries each, four dimensions on 1 to 5.

Three shapes: UniEval's list (dimensions.py); the authors' `model_annotations.aligned.jsonl` {id, model_id, decoded,
expert_annotations: [{coherence, consistency, fluency, relevance}], references, text}; the Hugging Face copy {id, text,
machine_summaries[16], human_summaries, coherence[16], ...}.
"""

from __future__ import annotations

import statistics

from voirdire.harness.verdicts import Scale
from voirdire.suites.loaders.collecting import Collector, Loaded, group_of
from voirdire.suites.loaders.dimensions import are_predictions, are_scored, chosen, read_scored
from voirdire.suites.loaders.formats import Format, Options, Shape
from voirdire.suites.loaders.records import Record, Source

__all__ = ["FORMAT"]

_FIVE = Scale(1, 5)
_SCALES = dict.fromkeys(("coherence", "consistency", "fluency", "relevance", "overall"), _FIVE)


def _read(source: Source, options: Options) -> Loaded:
    dimension = chosen(options, _SCALES, "coherence")
    first = source.records[0] if source.records else None
    if first is not None and not first.has("machine_summaries") and not first.has("expert_annotations"):
        return read_scored(source, "SummEval", "summeval", dimension, _FIVE)
    found = Collector(source, "SummEval", total=len(source.records))
    for record in source.records:
        if "machine_summaries" in record.data:
            _article(found, record, dimension)
        else:
            _summary(found, record, dimension)
    found.say(f"Labels are the experts' mean scores of {dimension}, on 1 to 5.")
    return found.done(scale=_FIVE)


def _article(found: Collector, record: Record, dimension: str) -> None:
    summaries = record.texts("machine_summaries")
    marks = record.numbers(dimension, len(summaries))
    references = record.texts("human_summaries") if record.has("human_summaries") else []
    for i, (summary, mark) in enumerate(zip(summaries, marks, strict=True)):
        if mark not in _FIVE:
            raise record.fail(f'"{dimension}[{i}]" must be a number from 1 to 5, this is {mark:g}')
        found.case(
            record,
            f"{record.key('id')}-{i}",
            record.text("text"),
            (summary,),
            label=mark,
            reference=references[0] if references else None,
            group=record.key("id"),
            meta={"models": [f"M{i}"]},
        )


def _summary(found: Collector, record: Record, dimension: str) -> None:
    marks = [m.number_of(dimension, 1, 5) for m in record.children("expert_annotations")]
    if not marks:
        raise record.wrong("expert_annotations", "a list of at least one annotation")
    references = record.texts("references") if record.has("references") else []
    article = record.optional_text("text")
    if article is None:
        found.tally("the article is not in the file (pair the file with its articles first); it stays empty", record)
    identity, model = record.key("id"), record.key("model_id")
    found.case(
        record,
        f"{identity}-{model}",
        article or "",
        (record.text("decoded"),),
        label=statistics.fmean(marks),
        reference=references[0] if references else None,
        group=group_of(article or identity),
        meta={"models": [model], "annotators": marks},
    )


def _fits(shape: Shape) -> bool:
    own = ("coherence", "consistency", "fluency", "relevance")
    return (
        are_scored(shape, *own)
        or are_predictions(shape, *own)
        or shape.has("decoded", "expert_annotations")
        or shape.has("machine_summaries", "coherence")
    )


FORMAT = Format(
    "summeval",
    "SummEval summaries scored by experts, and UniEval's predictions of the scores",
    _read,
    _fits,
    {"dimension": "what the label is about: coherence (default), consistency, fluency, relevance, overall"},
)
