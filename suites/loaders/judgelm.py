"""JudgeLM (Zhu et al. 2023, arXiv:2310.17631) and files of its judge's predictions; Score-Judge's files look the same.

{question_id, question_body, answer1_body, answer2_body, answer1_model_id, answer2_model_id, reference?, score: [8, 6]
of the teacher GPT-4 (or [{logprobs}, ...], which says nothing about quality), pred_text? (two numbers on its first
line), pred_model_id?}.
"""

from __future__ import annotations

import re

from voirdire.harness.judges.python_judge import to_verdict
from voirdire.harness.verdicts import Scale, Verdict
from voirdire.suites.loaders.collecting import GIVEN, SWAPPED, Collector, Loaded, group_of
from voirdire.suites.loaders.formats import Format, Options, Shape, one_of
from voirdire.suites.loaders.records import Record, Source

__all__ = ["FORMAT", "is_answer_pair"]

_TWO = re.compile(r"\s*(\d{1,3}(?:\.\d{1,3})?)[\s,]{1,3}(\d{1,3}(?:\.\d{1,3})?)\s*(?:\n|$)")


def _read(source: Source, options: Options) -> Loaded:
    swapped = one_of(options, "order", ("given", "swapped")) == "swapped"
    found = Collector(source, "JudgeLM", total=len(source.records))
    taught = 0
    for record in source.records:
        question = record.text("question_body")
        identity = f"judgelm-{record.key('question_id')}"
        label = _teacher(record)
        taught += label is not None
        found.case(
            record,
            identity,
            question,
            (record.text("answer1_body"), record.text("answer2_body")),
            label=label,
            reference=_reference(record),
            group=group_of(question),
            meta={"models": [record.optional_text("answer1_model_id"), record.optional_text("answer2_model_id")]},
        )
        if record.has("pred_text"):
            judge = record.optional_text("pred_model_id") or "JudgeLM"
            verdict = _predicted(record.text("pred_text"))
            found.verdict(judge, "pairwise", identity, verdict, order=SWAPPED if swapped else GIVEN)
    if taught:
        found.say(f"{taught:,} labels are the scores of the teacher GPT-4, not of people.")
    return found.done()


def _teacher(record: Record) -> int | str | None:
    """The better answer by the teacher's two scores; None where `score` holds log-probabilities only."""
    values = record.data.get("score")
    if not isinstance(values, list) or not values or isinstance(values[0], dict):
        return None
    first, second = record.numbers("score", 2)
    if first < 0 or second < 0:  # -1 stands for a review that could not be read
        return None
    return "tie" if first == second else int(second > first)


def _reference(record: Record) -> str | None:
    value = record.data.get("reference")
    if isinstance(value, dict):  # JudgeLM's references are records of their own
        return record.child("reference").optional_text("text")
    return record.optional_text("reference")


def _predicted(text: str) -> Verdict:
    numbers = _TWO.match(text)
    if numbers is None:
        return Verdict(null="unparsed", reason="the first line holds no two scores", raw=text)
    verdict = to_verdict((float(numbers[1]), float(numbers[2])), "pairwise", Scale(), 2)
    return Verdict(verdict.choice, margin=verdict.margin, raw=text, rationale=text[numbers.end() :].strip() or None)


def is_answer_pair(shape: Shape) -> bool:
    """JudgeLM's fields, which Score-Judge uses as well."""
    return shape.has("question_body", "answer1_body", "answer2_body")


FORMAT = Format(
    "judgelm",
    "JudgeLM's pairs with the teacher's scores, and predictions in its form",
    _read,
    lambda shape: is_answer_pair(shape) and shape.first.get("answer1_model_id") != "reference",
    {"order": "given (default), or swapped for predictions made with the answers swapped"},
)
