"""FairEval (Wang et al. 2023, arXiv:2305.17926): people's verdicts on 80 pairs of answers to Vicuna-bench.

The file of labels has one word a line, in the order of the questions: the better model's name, or TIE. Which of the two
answer files a word means is in no file, so `first=WORD` names the one that stands for `answers1`. (66 of the 80 pairs,
without the ties, are also in LLMBar, with recorded verdicts.)
"""

from __future__ import annotations

from typing import Literal

from voirdire.harness.errors import CaseFileError
from voirdire.suites.loaders.answers import companion, read_answers, read_questions
from voirdire.suites.loaders.collecting import Collector, Loaded
from voirdire.suites.loaders.formats import Format, Options, Shape
from voirdire.suites.loaders.records import Record, Source

__all__ = ["FORMAT"]


def _read(source: Source, options: Options) -> Loaded:
    words = [Record({"word": line.strip()}, source.path, i, n) for i, (n, line) in enumerate(source.lines, 1)]
    questions = read_questions(companion(source, options, "questions", "question.jsonl"))
    first, second = (read_answers(companion(source, options, name)) for name in ("answers1", "answers2"))
    if len(words) != len(questions):
        raise CaseFileError(
            f"{len(words)} labels for {len(questions)} questions", path=source.path, hint="Give one word a question."
        )
    found = Collector(source, "FairEval", total=len(words))
    names = _names(source, words, options)
    for record, (key, question) in zip(words, questions.items(), strict=True):
        if key not in first or key not in second:
            raise record.fail(f"question {key} has no answer in answers1 or answers2")
        pair = (first[key], second[key])
        found.case(
            record,
            f"faireval-{key}",
            question.turns[0],
            [a.turns[0] if a.turns else "" for a in pair],
            label=names[str(record.data["word"]).upper()],
            group=f"question-{key}",
            meta={"category": question.category, "models": [a.model for a in pair]},
        )
    return found.done()


def _names(source: Source, words: list[Record], options: Options) -> dict[str, int | Literal["tie"]]:
    """What each word of the file stands for."""
    used = list(dict.fromkeys(str(w.data["word"]).upper() for w in words))
    models = [w for w in used if w != "TIE"]
    if len(models) > 2:
        place = next(w for w in words if str(w.data["word"]).upper() == models[2])
        raise place.fail(f"{place.data['word']!r:.60} is the third word that is not TIE; there are two models")
    first = options.get("first", "").upper()
    if first not in models:
        hint = f"Say which word means answers1: ?first={models[0] if models else 'NAME'}"
        raise CaseFileError("it is not said which word means the first answer", path=source.path, hint=hint)
    return {"TIE": "tie", **{m: 0 if m == first else 1 for m in models}}


def _fits(_shape: Shape) -> bool:
    return False  # words one a line could be anything


FORMAT = Format(
    "faireval",
    "FairEval's human labels, one word a line, with the questions and two files of answers",
    _read,
    _fits,
    {
        "questions": "the file of questions, where no question.jsonl lies beside the labels",
        "answers1": "the first model's answers",
        "answers2": "the second model's answers",
        "first": "the word that means the first model is better, e.g. CHATGPT",
    },
)
