"""Vicuna-bench reviews (FastChat): {review_id, question_id, reviewer_id, text, score: [8, 9]}, one pair each.

Questions and answers are in files of their own; without them the reviews are verdicts only. [-1, -1] stands for a
review that could not be read.
"""

from __future__ import annotations

from voirdire.harness.judges.python_judge import to_verdict
from voirdire.harness.verdicts import Scale, Verdict
from voirdire.suites.loaders.answers import companion, read_answers, read_questions
from voirdire.suites.loaders.collecting import Collector, Loaded
from voirdire.suites.loaders.formats import Format, Options, Shape
from voirdire.suites.loaders.records import Record, Source, read_source

__all__ = ["FORMAT"]


def _read(source: Source, options: Options) -> Loaded:
    found = Collector(source, "Vicuna-bench", total=len(source.records))
    if "answers1" in options and "answers2" in options:
        questions = read_questions(
            companion(source, options, "questions", "question.jsonl", "vicuna_bench_question.jsonl")
        )
        sides = [read_answers(read_source(options[name])) for name in ("answers1", "answers2")]
        for record in source.records:
            key = record.key("question_id")
            if found.has(f"vicuna-{key}"):
                continue
            if key not in questions or any(key not in side for side in sides):
                raise record.fail(f'"question_id" {key} is missing among the questions or answers')
            question, answers = questions[key], [side[key] for side in sides]
            found.case(
                record,
                f"vicuna-{key}",
                question.turns[0],
                [a.turns[0] if a.turns else "" for a in answers],
                group=f"question-{key}",
                meta={"category": question.category, "models": [a.model for a in answers]},
            )
    else:
        found.say("Without ?answers1=FILE&answers2=FILE the reviews are verdicts only, not cases.")
    for record in source.records:
        judge = record.key("reviewer_id") if record.has("reviewer_id") else source.stem
        found.verdict(judge, "pairwise", f"vicuna-{record.key('question_id')}", _verdict(record))
    return found.done()


def _verdict(record: Record) -> Verdict:
    first, second = record.numbers("score", 2)
    text = record.optional_text("text")
    if first < 0 or second < 0:
        return Verdict(null="unparsed", reason="recorded as not read", raw=text)
    verdict = to_verdict((first, second), "pairwise", Scale(), 2)
    return Verdict(verdict.choice, margin=verdict.margin, raw=text)


def _fits(shape: Shape) -> bool:
    return shape.has("review_id", "question_id", "score")


FORMAT = Format(
    "vicuna-bench",
    "Vicuna-bench reviews: two scores a pair",
    _read,
    _fits,
    {
        "questions": "the file of questions, where it does not lie beside the reviews",
        "answers1": "the answers reviewed first",
        "answers2": "the answers reviewed second",
    },
)
