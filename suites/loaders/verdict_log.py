"""A plain log of verdicts: one line what was judged and what the judge said, as JSONL, CSV or Parquet.

{instruction, responses: [..] | response_a, response_b | response, verdict, judge?, label?, id?, sample?, models? |
model_a, model_b | model, reference?, rubric?, context?, group?}. Everything is told as it was shown: where the same
answers stand the other way round in another line, that line is the other order of the same case. Two answers make a
pair ("A", "B", "tie", a 0-based index or two numbers), one a score or a grade (pass, fail, true, false), three and more
a ranking. Lines without `judge` are those of "recorded".
"""

from __future__ import annotations

from typing import Any

from voirdire.harness.casefiles import parse_case
from voirdire.harness.cases import Case, Task, content_hash
from voirdire.harness.errors import CaseFileError, JudgeError, UsageError
from voirdire.harness.judges.python_judge import to_verdict
from voirdire.harness.judges.spec import parse_scale
from voirdire.harness.verdicts import Scale
from voirdire.suites.loaders.collecting import Collector, Loaded
from voirdire.suites.loaders.formats import Format, Options, Shape
from voirdire.suites.loaders.records import Record, Source

__all__ = ["FORMAT", "TITLE"]

#: what the notes call a file of this format
TITLE = "log of verdicts"

_OWN = ("verdict", "judge", "sample", "response", "response_a", "response_b", "model", "model_a", "model_b", "models")
_WORDS = ("pass", "fail", "true", "false", "yes", "no")


def _read(source: Source, options: Options) -> Loaded:
    scale = _scale(options)
    found = Collector(source, TITLE, total=len(source.records))
    cases: dict[str, Case] = {}
    for record in source.records:
        shown = _case(record)
        # the case stands as it was first shown; its id is that of the question and the answers in any order
        key = content_hash([shown.shown() | {"responses": sorted(shown.responses)}, record.data.get("id")])
        known = cases.get(key)
        if known is None:
            known = cases[key] = found.case(
                record,
                str(record.data.get("id") or f"log-{key[:12]}"),
                shown.instruction,
                shown.responses,
                label=shown.label,
                group=shown.group,
                meta=shown.meta,
                reference=shown.reference,
                rubric=shown.rubric,
                context=shown.context,
            )
        order = _order(known, shown)
        label = shown.reordered(tuple(order.index(i) for i in range(len(order)))).label
        if label is not None and known.label is not None and label != known.label:
            found.tally("the label is another than in the case's first line, which counts", record)
        elif label is not None and known.label is None:
            found.relabel(known.id, label)
        _verdict(found, record, known, order, scale)
    return found.done(scale=scale)


def _case(record: Record) -> Case:
    """What was judged, as it was shown."""
    data: dict[str, Any] = {k: v for k, v in record.data.items() if k not in _OWN}
    for key in [k for k, v in data.items() if v is None]:
        del data[key]
    if "responses" not in data:
        names = ("response_a", "response_b") if record.has("response_a") else ("response",)
        data["responses"] = [record.text(name) for name in names]
    models = record.texts("models") if record.has("models") else None
    if models is None and record.has("model_a", "model_b"):
        models = [record.text("model_a"), record.text("model_b")]
    elif models is None and record.has("model"):
        models = [record.text("model")]
    try:
        case = parse_case(data, path=record.path, line=record.line)
    except CaseFileError as error:
        # it has a line of its own where there are lines; elsewhere the record has to be named
        if record.line is not None:
            raise
        raise record.fail(error.message.removeprefix(f"{record.path}: "), hint=error.hint) from None
    return case.replace(meta={**case.meta, "models": models}) if models else case


def _order(known: Case, shown: Case) -> tuple[int, ...]:
    """`order[k]`: the response of the case that stands in slot k here. Equal responses keep their places."""
    left = list(range(len(known.responses)))
    order = []
    for text in shown.responses:
        at = next(i for i in left if known.responses[i] == text)
        left.remove(at)
        order.append(at)
    return tuple(order)


def _verdict(found: Collector, record: Record, case: Case, order: tuple[int, ...], scale: Scale) -> None:
    value = record.data.get("verdict")
    n = len(case.responses)
    task: Task = "pairwise" if n == 2 else "ranking" if n > 2 else "score"
    if isinstance(value, str):
        value = value.strip()
        if n == 1 and value.lower() in _WORDS:
            task, value = "grade", value.lower() in ("pass", "true", "yes")
        elif value == "":
            value = None
        else:
            value = _number(value, whole=n > 1)
    elif isinstance(value, bool) and n == 1:
        task = "grade"
    try:
        verdict = to_verdict(value, task, scale, n)
    except (JudgeError, OverflowError):
        must = {"pairwise": '"A", "B", "tie", 0, 1 or two numbers', "ranking": f"a ranking of 0 to {n - 1}"}
        raise record.wrong("verdict", must.get(task, "a number, or pass or fail")) from None
    judge = record.key("judge") if record.has("judge") else "recorded"
    if task == "score" and value is not None and verdict.null is not None:
        found.tally(f"a score lies off the scale of {scale.low:g} to {scale.high:g} and counts as none", record)
    found.verdict(judge, task, case.id, verdict, order=order, scale=scale if task == "score" else None)


def _number(text: str, *, whole: bool) -> Any:
    """A cell of a CSV file as the number it spells."""
    try:
        return int(text) if whole else float(text)
    except ValueError:
        return text


def _scale(options: Options) -> Scale:
    try:
        return parse_scale(options.get("scale", "1:10"))
    except UsageError:
        raise UsageError(f"scale={options['scale']} is no range", hint="Example: log:FILE?scale=1:5") from None


def _fits(shape: Shape) -> bool:
    answered = any(shape.has(name) for name in ("responses", "response_a", "response"))
    return shape.has("verdict") and answered


FORMAT = Format(
    "log",
    "a plain log of verdicts: what was judged and what the judge said, a line each",
    _read,
    _fits,
    {"scale": "the range of scores, e.g. 1:5; default 1:10"},
)
