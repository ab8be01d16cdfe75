"""Questions and answers in files of their own, joined by question id: the form of Vicuna-bench, MT-bench and FairEval.

A question is {question_id, text} or {question_id, category, turns[]}; an answer {question_id, text, model_id} or
{question_id, model_id, choices: [{index, turns[]}]}.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from voirdire.harness.errors import CaseFileError
from voirdire.suites.loaders.formats import Options
from voirdire.suites.loaders.records import Record, Source, read_source

__all__ = ["Answer", "Question", "companion", "read_answers", "read_questions", "turns_of"]


class Question(NamedTuple):
    turns: tuple[str, ...]
    category: str | None
    record: Record


class Answer(NamedTuple):
    turns: tuple[str, ...]
    model: str
    record: Record


def companion(source: Source, options: Options, name: str, *usual: str) -> Source:
    """The file that an option names, or a usual one beside `source`. Raises CaseFileError if there is none."""
    given = options.get(name)
    found = Path(given) if given else source.beside(*usual)
    if found is None:
        looked = ", ".join(usual) if usual else "none"
        raise CaseFileError(
            f"the {name} belonging to this file were not found (looked for {looked})",
            path=source.path,
            hint=f"Name the file: …?{name}=FILE",
        )
    return read_source(found)


def turns_of(record: Record) -> tuple[str, ...]:
    """A question's or an answer's texts, one a turn."""
    if "choices" in record.data:
        choices = record.children("choices")
        if not choices:
            raise record.wrong("choices", "a list of at least one choice")
        return tuple(choices[0].texts("turns"))
    if "turns" in record.data:
        turns = tuple(record.texts("turns"))
        if not turns:
            raise record.wrong("turns", "a list of at least one text")
        return turns
    return (record.text("text"),)


def read_questions(source: Source) -> Mapping[str, Question]:
    """Questions by id. Raises CaseFileError for an id used twice."""
    found: dict[str, Question] = {}
    for record in source.records:
        key = record.key("question_id")
        if key in found:
            raise record.fail(f"question {key} stands in {found[key].record.where} already")
        found[key] = Question(turns_of(record), record.optional_text("category"), record)
    return found


def read_answers(source: Source) -> Mapping[str, Answer]:
    """One model's answers by question id. Raises CaseFileError for a question answered twice."""
    found: dict[str, Answer] = {}
    for record in source.records:
        key = record.key("question_id")
        if key in found:
            raise record.fail(f"question {key} is answered in {found[key].record.where} already")
        model = record.optional_text("model_id") or source.stem
        found[key] = Answer(turns_of(record), model, record)
    return found
