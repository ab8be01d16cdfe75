"""TopicalChat with USR's human scores (Mehri and Eskenazi 2020): 60 dialogues, 6 answers each, 6 dimensions.

Two shapes: UniEval's list (dimensions.py), and USR's own list of {context, fact, responses: [{response, model,
"Understandable": [3 people], "Natural", "Maintains Context", "Engaging", "Uses Knowledge", "Overall"}]}.
"""

from __future__ import annotations

import statistics

from voirdire.harness.verdicts import Scale
from voirdire.suites.loaders.collecting import Collector, Loaded, group_of
from voirdire.suites.loaders.dimensions import are_predictions, are_scored, chosen, read_scored
from voirdire.suites.loaders.formats import Format, Options, Shape
from voirdire.suites.loaders.records import Record, Source

__all__ = ["FORMAT"]

_SCALES = {
    "overall": Scale(1, 5),
    "naturalness": Scale(1, 3),
    "coherence": Scale(1, 3),
    "engagingness": Scale(1, 3),
    "groundedness": Scale(0, 1),
    "understandability": Scale(0, 1),
}
_USR = {
    "overall": "Overall",
    "naturalness": "Natural",
    "coherence": "Maintains Context",
    "engagingness": "Engaging",
    "groundedness": "Uses Knowledge",
    "understandability": "Understandable",
}


def _read(source: Source, options: Options) -> Loaded:
    dimension = chosen(options, _SCALES, "overall")
    scale = _SCALES[dimension]
    if source.records and "responses" not in source.records[0].data:
        return read_scored(source, "TopicalChat", "topicalchat", dimension, scale)
    found = Collector(source, "TopicalChat", total=len(source.records))
    number = 0
    for record in source.records:
        for answer in record.children("responses"):
            _answer(found, record, answer, f"topicalchat-{number}", dimension, scale)
            number += 1
    found.say(f"Labels are people's mean scores of {dimension}, on {scale.low:g} to {scale.high:g}.")
    return found.done(scale=scale)


def _answer(found: Collector, record: Record, answer: Record, identity: str, dimension: str, scale: Scale) -> None:
    name = _USR[dimension]
    votes = answer.numbers(name)
    if not votes or not all(v in scale for v in votes):
        raise answer.wrong(name, f"a list of numbers from {scale.low:g} to {scale.high:g}")
    found.case(
        record,
        identity,
        record.text("context"),
        (answer.text("response"),),
        label=statistics.fmean(votes),
        context=record.optional_text("fact"),
        group=group_of(record.text("context")),
        meta={"models": [answer.text("model")], "annotators": votes},
    )


def _fits(shape: Shape) -> bool:
    own = ("groundedness", "understandability")
    return are_scored(shape, *own) or are_predictions(shape, *own) or shape.has("context", "fact", "responses")


FORMAT = Format(
    "topicalchat",
    "TopicalChat/USR dialogues scored by people, and UniEval's predictions of the scores",
    _read,
    _fits,
    {"dimension": "what the label is about: overall (default), " + ", ".join(d for d in _SCALES if d != "overall")},
)
