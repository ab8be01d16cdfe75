"""DeepEval test runs: {testCases: [{name, input, actualOutput, expectedOutput, context, retrievalContext, metricsData:
[{name, score, threshold, success, reason, evaluationModel, error}]}]}, or the same in snake_case under `test_results`.

Every metric is a judge that scores from 0 to 1. A metric that failed is an error, not a zero.
"""

from __future__ import annotations

from voirdire.harness.errors import CaseFileError, redact
from voirdire.harness.verdicts import Scale, Verdict
from voirdire.suites.loaders.collecting import Collector, Loaded, group_of
from voirdire.suites.loaders.formats import Format, Options, Shape
from voirdire.suites.loaders.records import Record, Source, shown

__all__ = ["FORMAT"]

_SHARE = Scale(0, 1)


def _read(source: Source, _options: Options) -> Loaded:
    document = source.document
    tests = None
    if isinstance(document, dict):
        tests = document.get("testCases", document.get("test_results"))
    if not isinstance(tests, list):
        raise CaseFileError(f'"testCases" must be a list, this is {shown(tests)}', path=source.path)
    records = source.objects(tests)
    found = Collector(source, "DeepEval", total=len(records))
    for record in records:
        asked, output = _either(record, "input"), _either(record, "actualOutput", "actual_output")
        if asked is None or output is None:
            found.tally("there is no input or no actual output; left out", record)
            continue
        identity = f"deepeval-{record.number - 1}"
        found.case(
            record,
            identity,
            asked,
            (output,),
            reference=_either(record, "expectedOutput", "expected_output"),
            context=_context(record),
            group=group_of(asked),
            meta={"source": record.optional_text("name")},
        )
        name = "metricsData" if "metricsData" in record.data else "metrics_data"
        for metric in record.children(name) if record.has(name) else []:
            found.verdict(_judge(metric), "score", identity, _verdict(metric), scale=_SHARE)
    return found.done()


def _either(record: Record, *names: str) -> str | None:
    return next((record.text(name) for name in names if record.has(name)), None)


def _context(record: Record) -> str | None:
    for name in ("retrievalContext", "retrieval_context", "context"):
        if record.has(name):
            return "\n\n".join(record.texts(name)) or None
    return None


def _judge(metric: Record) -> str:
    model = _either(metric, "evaluationModel", "evaluation_model")
    return metric.text("name") + (f" ({model})" if model else "")


def _verdict(metric: Record) -> Verdict:
    if metric.has("error"):
        return Verdict(null="error", reason=redact(str(metric.data["error"]))[:300])
    if not metric.has("score"):
        return Verdict(null="unparsed", reason="no score was recorded")
    return Verdict(score=metric.number_of("score", 0, 1), rationale=metric.optional_text("reason"))


def _fits(shape: Shape) -> bool:
    for name in ("testCases", "test_results"):
        tests = shape.document.get(name)
        if isinstance(tests, list) and tests and isinstance(tests[0], dict):
            return "metricsData" in tests[0] or "metrics_data" in tests[0]
    return False


FORMAT = Format("deepeval", "DeepEval test runs: outputs and what each metric said", _read, _fits)
