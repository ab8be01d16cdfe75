"""promptfoo results (`promptfoo eval -o results.json`): outputs that a model graded, as pass or fail.

{results: {results: [{testIdx, promptIdx, vars, prompt: {raw}, provider, response: {output}, error, gradingResult:
{componentResults: [{pass, score, reason, assertion: {type, value}}]}}]}}. Every assertion that a model decided is a
case and a verdict; assertions that code decided (contains, javascript, ...) are no judge's and are counted. There is no
truth in the file, so no labels.
"""

from __future__ import annotations

import json
from typing import Any

from voirdire.harness.errors import CaseFileError
from voirdire.harness.verdicts import Verdict
from voirdire.suites.loaders.collecting import Collector, Loaded
from voirdire.suites.loaders.formats import Format, Options, Shape
from voirdire.suites.loaders.records import Record, Source, shown

__all__ = ["FORMAT"]

#: promptfoo's assertions that ask a model
_JUDGED = (
    "answer-relevance",
    "context-faithfulness",
    "context-recall",
    "context-relevance",
    "conversation-relevance",
    "factuality",
    "g-eval",
    "llm-rubric",
    "model-graded-closedqa",
    "model-graded-factuality",
    "pi",
    "search-rubric",
)


def _read(source: Source, _options: Options) -> Loaded:
    rows = _rows(source)
    found = Collector(source, "promptfoo", total=len(rows))
    for record in rows:
        response = record.data.get("response")
        output = response.get("output") if isinstance(response, dict) else None
        if output is None:
            found.tally("there is no output, since the provider failed; left out", record)
        elif not record.has("gradingResult"):
            found.tally("the output was not graded; left out", record)
        else:
            _graded(found, record, output if isinstance(output, str) else json.dumps(output, ensure_ascii=False))
    return found.done()


def _rows(source: Source) -> tuple[Record, ...]:
    if source.is_lines_of_json:
        return source.records
    inner: Any = source.document
    for name in ("results", "results"):
        inner = inner.get(name) if isinstance(inner, dict) else inner
    if not isinstance(inner, list):
        raise CaseFileError(
            f'"results"."results" must be a list, this is {shown(inner)}',
            path=source.path,
            hint="Write the file with promptfoo eval --output results.json.",
        )
    return source.objects(inner)


def _graded(found: Collector, record: Record, output: str) -> None:
    prompt = record.data.get("prompt")
    asked = record.child("prompt").text("raw") if isinstance(prompt, dict) else str(prompt or "")
    group = f"test-{record.key('testIdx')}" if record.has("testIdx") else f"test-{record.number - 1}"
    judged = 0
    grading = record.child("gradingResult")
    components = grading.children("componentResults") if grading.has("componentResults") else []
    for i, component in enumerate(components):
        if not component.has("assertion"):
            continue
        assertion = component.child("assertion")
        kind = assertion.text("type").removeprefix("not-")
        if kind not in _JUDGED:
            continue
        judged += 1
        identity = f"promptfoo-{record.number - 1}-{i}"
        value = assertion.data.get("value")
        found.case(
            record,
            identity,
            asked,
            (output,),
            rubric=value if isinstance(value, str) else None,
            group=group,
            meta={"category": kind, "models": [_provider(record)]},
        )
        found.verdict(kind, "grade", identity, _verdict(component))
    if not judged:
        found.tally("no model graded the output (its assertions are decided by code); left out", record)


def _verdict(component: Record) -> Verdict:
    passed = component.data.get("pass")
    reason = component.data.get("reason")
    metadata = component.data.get("metadata")
    if isinstance(metadata, dict) and metadata.get("graderError"):
        return Verdict(null="error", reason=str(reason)[:300])
    if not isinstance(passed, bool):
        raise component.wrong("pass", "true or false")
    return Verdict(grade=passed, rationale=reason if isinstance(reason, str) else None)


def _provider(record: Record) -> str:
    provider = record.data.get("provider")
    if isinstance(provider, dict):
        return str(provider.get("label") or provider.get("id") or "")
    return str(provider or "")


def _fits(shape: Shape) -> bool:
    results = shape.document.get("results")
    nested = isinstance(results, dict) and isinstance(results.get("results"), list)
    return nested or ("gradingResult" in shape.first and "response" in shape.first)


FORMAT = Format("promptfoo", "promptfoo result files: outputs graded by a model", _read, _fits)
