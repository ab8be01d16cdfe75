"""AlpacaEval (Dubois et al.): annotations of pairs by people and by judges, and models' outputs.

Annotations: {instruction, output_1, output_2, generator_1, generator_2, annotator, preference}, where 1 prefers the
first output, 2 the second, 1.5 (or 0) neither, numbers between are probabilities, and null means no verdict. Outputs:
{instruction, output, generator, dataset}.

The label is the majority of the people (annotators whose name holds "human"); a judge's preference is no label.
"""

from __future__ import annotations

from voirdire.harness.cases import Label, content_hash
from voirdire.harness.verdicts import Verdict
from voirdire.suites.loaders.collecting import Collector, Loaded, group_of, majority
from voirdire.suites.loaders.formats import Format, Options, Shape
from voirdire.suites.loaders.records import Record, Source

__all__ = ["FORMAT"]


def _read(source: Source, _options: Options) -> Loaded:
    found = Collector(source, "AlpacaEval", total=len(source.records))
    votes: dict[str, list[Label]] = {}
    for record in source.records:
        if "output_1" in record.data:
            _annotation(found, record, votes)
        else:
            _output(found, record)
    for identity, given in votes.items():
        found.relabel(identity, majority(given))
    return found.done()


def _annotation(found: Collector, record: Record, votes: dict[str, list[Label]]) -> None:
    asked, first, second = record.text("instruction"), record.text("output_1"), record.text("output_2")
    identity = "alpaca-" + content_hash([asked, first, second])[:12]
    if not found.has(identity):
        models = [record.optional_text("generator_1"), record.optional_text("generator_2")]
        meta = {"source": record.optional_text("dataset"), "models": [m for m in models if m]}
        found.case(record, identity, asked, (first, second), group=group_of(asked), meta=meta)
    judge = record.key("annotator") if record.has("annotator") else "unnamed"
    verdict = _preference(record)
    if "human" in judge.lower() and verdict.choice is not None:
        votes.setdefault(identity, []).append(verdict.choice)
    found.verdict(judge, "pairwise", identity, verdict)


def _preference(record: Record) -> Verdict:
    if record.data.get("preference") is None:
        if "preference" not in record.data:
            raise record.wrong("preference", "a number from 1 to 2, or null")
        return Verdict(null="unparsed", reason="no preference was recorded")
    value = record.number_of("preference", 0, 2)
    if 0 < value < 1:
        raise record.wrong("preference", "a number from 1 to 2, 0 for a tie, or null")
    if value in (0, 1.5):
        return Verdict("tie")
    return Verdict(int(value > 1.5), margin=3 - 2 * value, probabilities={"0": 2 - value, "1": value - 1})


def _output(found: Collector, record: Record) -> None:
    asked = record.text("instruction")
    model = record.optional_text("generator")
    found.case(
        record,
        f"alpaca-{record.number - 1}" + (f"-{model}" if model else ""),
        asked,
        (record.text("output"),),
        group=group_of(asked),
        meta={"source": record.optional_text("dataset"), "models": [model] if model else None},
    )


def _fits(shape: Shape) -> bool:
    pair = shape.has("instruction", "output_1", "output_2", "preference")
    return pair or shape.has("instruction", "output", "generator")


FORMAT = Format("alpaca-eval", "AlpacaEval annotations and models' outputs", _read, _fits)
