"""Inspect logs as JSON (`inspect log convert --to json`): samples and what the scorers said of them.

{eval: {task, model}, samples: [{id, epoch, input, target, output: {completion | choices}, scores: {SCORER: {value,
explanation}}}]}. A scorer that says only C or I (correct, incorrect), true or false, 1 or 0 is a grade; one that also
gives P (partial) or other numbers is a score; N is no answer. Epochs are new answers, so cases of their own, in the
sample's group.
"""

from __future__ import annotations

from voirdire.harness.cases import Turn
from voirdire.harness.errors import CaseFileError
from voirdire.harness.verdicts import Scale, Verdict
from voirdire.suites.loaders.collecting import Collector, Loaded
from voirdire.suites.loaders.formats import Format, Options, Shape
from voirdire.suites.loaders.records import Record, Source, shown

__all__ = ["FORMAT"]

_LETTERS: dict[str, float | None] = {"C": 1.0, "P": 0.5, "I": 0.0, "N": None}
_Given = tuple[str, Record]


def _read(source: Source, _options: Options) -> Loaded:
    document = source.document
    samples = document.get("samples") if isinstance(document, dict) else None
    if not isinstance(samples, list):
        raise CaseFileError(
            f'"samples" must be a list, this is {shown(samples)}',
            path=source.path,
            hint="A log without samples holds nothing to judge; inspect log convert keeps them.",
        )
    records = source.objects(samples)
    found = Collector(source, "Inspect", total=len(records))
    given: dict[str, list[_Given]] = {}
    for record in records:
        identity = f"{record.key('id')}-{record.key('epoch') if record.has('epoch') else 1}"
        output = _output(record)
        if output is None:
            found.tally("there is no output (the sample failed); left out", record)
            continue
        found.case(
            record,
            identity,
            _input(record),
            (output,),
            reference=_target(record),
            group=record.key("id"),
            meta={"models": [_model(document)]},
        )
        if record.has("scores"):
            scores = record.child("scores")
            for name in scores.data:
                given.setdefault(name, []).append((identity, scores.child(name)))
        else:
            found.tally("the sample was not scored; a case without a verdict", record)
    for name, values in given.items():
        _scorer(found, name, values)
    return found.done()


def _scorer(found: Collector, name: str, values: list[_Given]) -> None:
    read = [(identity, score, _number(found, score)) for identity, score in values]
    graded = all(number in (None, 0.0, 1.0) for _, _, number in read)
    known = [number for _, _, number in read if number is not None]
    scale = Scale(min([0.0, *known]), max([1.0, *known]))
    for identity, score, number in read:
        why = score.data.get("explanation")
        rationale = why if isinstance(why, str) else None
        if number is None:
            verdict = Verdict(null="unparsed", reason="the scorer gave no value", rationale=rationale)
        elif graded:
            verdict = Verdict(grade=number == 1.0, rationale=rationale)
        else:
            verdict = Verdict(score=number, rationale=rationale)
        found.verdict(name, "grade" if graded else "score", identity, verdict, scale=scale)


def _number(found: Collector, score: Record) -> float | None:
    value = score.data.get("value")
    if isinstance(value, bool):
        return float(value)
    if isinstance(value, (int, float)):
        return score.number_of("value")
    if isinstance(value, str) and value in _LETTERS:
        return _LETTERS[value]
    if value is None:
        return None
    if isinstance(value, (dict, list)):
        found.tally("a scorer gave several values at once, which count as none", score)
        return None
    raise score.wrong("value", "a number, true, false, or one of C, P, I, N")


def _input(record: Record) -> str | tuple[Turn, ...]:
    if isinstance(record.data.get("input"), list):
        return tuple(Turn(m.text("role"), _content(m)) for m in record.children("input"))
    return record.text("input")


def _content(message: Record) -> str:
    """A message's text; parts that are no text (images, reasoning) are left out."""
    if isinstance(message.data.get("content"), list):
        parts = message.children("content")
        return "\n".join(p.text("text") for p in parts if p.data.get("type", "text") == "text")
    return message.text("content")


def _output(record: Record) -> str | None:
    if not record.has("output"):
        return None
    output = record.child("output")
    if output.has("completion"):
        return output.text("completion")
    choices = output.children("choices") if output.has("choices") else []
    return _content(choices[0].child("message")) if choices else None


def _target(record: Record) -> str | None:
    if isinstance(record.data.get("target"), list):
        return "\n".join(record.texts("target")) or None
    return record.optional_text("target") or None


def _model(document: dict[str, object]) -> str:
    run = document.get("eval")
    return str(run.get("model", "")) if isinstance(run, dict) else ""


def _fits(shape: Shape) -> bool:
    return "eval" in shape.document and "samples" in shape.document


FORMAT = Format("inspect", "Inspect logs in JSON: samples with what the scorers said", _read, _fits)
