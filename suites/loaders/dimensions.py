"""Texts scored by people on several dimensions: what SummEval, TopicalChat and QAGS in UniEval's shape have in common.

UniEval (Zhong et al. 2022) keeps them as a list of {source, system_id, system_output, context or reference, scores},
and a metric's predictions as a list of the same length of {dimension: number}. Not here: the data sets' own shapes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from voirdire.harness.errors import UsageError, nearest
from voirdire.harness.verdicts import Scale, Verdict
from voirdire.suites.loaders.collecting import Collector, Loaded, group_of
from voirdire.suites.loaders.formats import Options, Shape
from voirdire.suites.loaders.records import Record, Source

__all__ = ["are_predictions", "are_scored", "chosen", "read_scored"]

#: sums over sentences, so no share of anything; a mean of the others and of such a sum
_UNBOUNDED = ("engagingness", "overall")


def chosen(options: Options, scales: Mapping[str, Scale], default: str) -> str:
    """The dimension that the label is about. Raises UsageError for one the data set has not."""
    dimension = options.get("dimension", default)
    if dimension not in scales:
        raise UsageError(f"there is no dimension {dimension!r}", hint=nearest(dimension, scales))
    return dimension


def read_scored(source: Source, name: str, prefix: str, dimension: str, scale: Scale) -> Loaded:
    """UniEval's two shapes; case ids are `PREFIX-INDEX`, so that predictions find their texts."""
    records = source.records
    found = Collector(source, name, total=len(records))
    predicted: list[tuple[str, float]] = []
    for record in records:
        identity = f"{prefix}-{record.number - 1}"
        if "system_output" not in record.data:
            predicted.append((identity, record.number_of(dimension)))
            continue
        _case(found, record, identity, dimension, scale)
        if record.has("predict_scores"):
            predicted.append((identity, record.child("predict_scores").number_of(dimension)))
    top = max([1.0, *(math.ceil(value) for _, value in predicted)])
    low = min([0.0, *(math.floor(value) for _, value in predicted)])
    if predicted and (top > 1 or low < 0 or dimension in _UNBOUNDED):
        found.say(
            f"UniEval's {dimension} has no upper end of its own; {low:g} to {top:g} is taken, from the file's values."
        )
    for identity, value in predicted:
        verdict = Verdict(score=value)
        found.verdict("UniEval", "score", identity, verdict, scale=Scale(low, top))
    if len(predicted) < len(records):
        found.say(f"Labels are people's mean scores of {dimension}, on {scale.low:g} to {scale.high:g}.")
    return found.done(scale=scale)


def _case(found: Collector, record: Record, identity: str, dimension: str, scale: Scale) -> None:
    scored = record.child("scores")
    asked = record.text("source")
    context = record.optional_text("context")
    found.case(
        record,
        identity,
        asked,
        (record.text("system_output"),),
        label=_within(found, record, scored, dimension, scale),
        context=context,
        reference=record.optional_text("reference"),
        group=group_of(asked),
        meta={
            "models": [record.key("system_id")] if record.has("system_id") else None,
            "scores": dict(scored.data),
        },
    )


def _within(found: Collector, record: Record, scored: Record, dimension: str, scale: Scale) -> float | None:
    if not scored.has(dimension):
        found.tally(f"there is no score of {dimension}, so the case has no label", record)
        return None
    return scored.number_of(dimension, scale.low, scale.high)


def are_scored(shape: Shape, *dimensions: str) -> bool:
    """Is this UniEval's list of scored texts, with these dimensions?"""
    scored = shape.first.get("scores")
    return "system_output" in shape.first and isinstance(scored, dict) and all(d in scored for d in dimensions)


def are_predictions(shape: Shape, *dimensions: str) -> bool:
    """Is this UniEval's list of predictions, and of these dimensions?"""
    return shape.has(*dimensions) and all(
        isinstance(v, (int, float)) and not isinstance(v, bool) for v in shape.first.values()
    )
