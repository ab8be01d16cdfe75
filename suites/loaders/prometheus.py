"""Prometheus (Kim et al. 2023/2024): absolute grades on 1 to 5 with a rubric, as prompts or as fields, and HHH pairs.

Four shapes: MT-bench absolute {idx, response_source, category, instruction (the whole prompt), gpt4_score[n],
gpt4_feedback[n]}; Feedback Bench {orig_instruction, orig_response, orig_reference_answer, orig_criteria,
orig_score1_description .. 5, orig_score}; HHH {source, chosen_instruction, rejected_instruction}, both whole prompts.

A prompt is taken apart at its own headings. Where one of these occurs twice, because an answer quotes it, the parts
cannot be told apart, and the record is left out and counted.
"""

from __future__ import annotations

from typing import NamedTuple

from voirdire.harness.verdicts import Scale, Verdict
from voirdire.suites.loaders.collecting import Collector, Loaded, group_of, joined
from voirdire.suites.loaders.formats import Format, Options, Shape
from voirdire.suites.loaders.records import Record, Source

__all__ = ["FORMAT", "SCALE", "is_absolute"]

SCALE = Scale(1, 5)

_INSTRUCTION = "###The instruction to evaluate:"
_RESPONSE = "###Response to evaluate:"
_REFERENCE = "###Reference Answer (Score 5):"
_RUBRIC = "###Score Rubrics:"
_END = "###Feedback:"


class _Parts(NamedTuple):
    instruction: str
    response: str
    reference: str | None
    rubric: str


def _read(source: Source, _options: Options) -> Loaded:
    found = Collector(source, "Prometheus", total=len(source.records))
    for record in source.records:
        if "chosen_instruction" in record.data:
            _hhh(found, record)
        elif "orig_response" in record.data:
            _fields(found, record)
        else:
            _absolute(found, record)
    return found.done(scale=SCALE)


def _absolute(found: Collector, record: Record) -> None:
    model = record.text("response_source")
    # the running number of a question, not of a record
    identity = f"{record.key('idx')}-{model}"
    parts = _taken_apart(found, record, "instruction")
    if parts is None:
        return
    found.case(
        record,
        identity,
        parts.instruction,
        (parts.response,),
        reference=parts.reference,
        rubric=parts.rubric,
        group=f"question-{record.key('idx')}",
        meta={"category": record.optional_text("category"), "models": [model]},
    )
    if not record.has("gpt4_score"):
        return
    n = len(record.items("gpt4_score"))
    feedback = record.texts("gpt4_feedback", n) if record.has("gpt4_feedback") else [""] * n
    for i, why in enumerate(feedback):
        found.verdict("gpt-4", "score", identity, _score(found, record, i, why or None), scale=SCALE)


def _score(found: Collector, record: Record, i: int, rationale: str | None) -> Verdict:
    name, entry = f"gpt4_score[{i}]", record.entry("gpt4_score", i)
    if not entry.has(name):
        return Verdict(null="unparsed", reason="no score was recorded", rationale=rationale)
    value = entry.number_of(name)
    if value not in SCALE:
        found.tally("a recorded score lies off the scale of 1 to 5 and counts as none", record)
        return Verdict(null="unparsed", reason=f"{value:g} is off the scale", rationale=rationale)
    return Verdict(score=value, rationale=rationale)


def _fields(found: Collector, record: Record) -> None:
    described = [
        f"Score {n}: {record.text(f'orig_score{n}_description')}"
        for n in range(1, 6)
        if record.has(f"orig_score{n}_description")
    ]
    label = None
    if record.has("orig_score"):
        try:
            label = float(record.key("orig_score"))
        except ValueError:
            label = None
        if label is None or label not in SCALE:
            raise record.wrong("orig_score", "a number from 1 to 5")
    instruction = record.text("orig_instruction")
    found.case(
        record,
        f"prometheus-{record.number - 1}",
        instruction,
        (record.text("orig_response"),),
        reference=record.optional_text("orig_reference_answer"),
        rubric=joined(record.optional_text("orig_criteria"), "\n".join(described)) or None,
        label=label,
        group=group_of(instruction),
        meta={"source": "Feedback Bench"},
    )


def _hhh(found: Collector, record: Record) -> None:
    chosen = _taken_apart(found, record, "chosen_instruction")
    rejected = _taken_apart(found, record, "rejected_instruction") if chosen is not None else None
    if chosen is None or rejected is None:
        return
    if chosen.instruction != rejected.instruction:
        found.tally("the chosen and the rejected prompt ask different questions; the chosen one's is taken", record)
    source = record.text("source")
    found.case(
        record,
        f"{source}-{record.number - 1}",
        chosen.instruction,
        (chosen.response, rejected.response),
        reference=chosen.reference,
        rubric=chosen.rubric,
        label=0,
        group=group_of(chosen.instruction),
        meta={"category": source},
    )


def _taken_apart(found: Collector, record: Record, name: str) -> _Parts | None:
    prompt = record.text(name)
    headings = [h for h in (_INSTRUCTION, _RESPONSE, _REFERENCE, _RUBRIC, _END) if h in prompt or h != _REFERENCE]
    places = [prompt.find(h) for h in headings]
    if any(prompt.count(h) > 1 for h in headings):
        found.tally("a heading of the prompt occurs twice, so its parts cannot be told apart; left out", record)
        return None
    if -1 in places or places != sorted(places):
        missing = next((h for h, at in zip(headings, places, strict=True) if at < 0), headings[0])
        raise record.fail(
            f'"{name}" is no prompt of this format: its heading {missing!r} is missing or out of order',
            hint="Give the file as published.",
        )
    ends = [*places[1:], len(prompt)]
    texts = {h: prompt[at + len(h) : end].strip("\n") for h, at, end in zip(headings, places, ends, strict=True)}
    return _Parts(texts[_INSTRUCTION], texts[_RESPONSE], texts.get(_REFERENCE), texts[_RUBRIC])


def is_absolute(shape: Shape) -> bool:
    """MT-bench absolute, which `mt-bench:` reads too."""
    return shape.has("idx", "response_source", "instruction", "gpt4_score")


FORMAT = Format(
    "prometheus",
    "Prometheus: MT-bench absolute, Feedback Bench and HHH alignment",
    _read,
    lambda s: is_absolute(s) or s.has("chosen_instruction", "rejected_instruction") or s.has("orig_response"),
)
