"""Score-Judge (arXiv:2510.12462): 50 questions, an answer with each of 11 biases written in, and JudgeLM-7B's scores.

JudgeLM's fields, with answer 1 the reference (`answer1_model_id` "reference"), answer 2 the judged one (its model's
name ends in the bias), and one number, 1 to 10, in `pred_text`. The clean answers are in a file of their own.
"""

from __future__ import annotations

from voirdire.harness.judges.parsing import parse_score
from voirdire.harness.verdicts import Scale
from voirdire.suites.loaders.collecting import Collector, Loaded, group_of
from voirdire.suites.loaders.formats import Format, Options
from voirdire.suites.loaders.judgelm import is_answer_pair
from voirdire.suites.loaders.records import Source

__all__ = ["FORMAT"]

_TEN = Scale(1, 10)


def _read(source: Source, _options: Options) -> Loaded:
    found = Collector(source, "Score-Judge", total=len(source.records))
    for record in source.records:
        model = record.text("answer2_model_id")
        question, answer = record.text("question_body"), record.text("answer2_body")
        identity = f"score-judge-{record.key('question_id')}-{model}"
        found.case(
            record,
            identity,
            question,
            (answer,),
            reference=record.optional_text("reference") or record.text("answer1_body"),
            group=group_of(question),
            meta={"models": [model], "category": model.rpartition("-")[2]},
        )
        if record.has("pred_text"):
            judge = record.optional_text("pred_model_id") or "judgelm-7b"
            verdict = parse_score(record.text("pred_text"), scale=_TEN, judged=(answer,))
            found.verdict(judge, "score", identity, verdict, scale=_TEN)
    return found.done()


FORMAT = Format(
    "score-judge",
    "Score-Judge: answers with a bias written in, and JudgeLM's scores of them",
    _read,
    lambda shape: is_answer_pair(shape) and shape.first.get("answer1_model_id") == "reference",
)
