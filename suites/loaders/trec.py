"""Relevance judgments in TREC's form: "query iteration document relevance" a line.

With the texts (`?queries=FILE&documents=FILE`: tab-separated id and text, or JSONL {id, text}) each line is a case, a
document judged for a query; the label is the relevance. The same lines are also verdicts, of a judge named like the
file, so that a model's qrels can be read as a recording against the people's.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from voirdire.harness.errors import CaseFileError
from voirdire.harness.verdicts import Scale, Verdict
from voirdire.suites.loaders.collecting import Collector, Loaded
from voirdire.suites.loaders.formats import Format, Options, Shape
from voirdire.suites.loaders.records import Record, Source, read_source

__all__ = ["FORMAT"]


def _read(source: Source, options: Options) -> Loaded:
    rows = [_row(source, i, number, line) for i, (number, line) in enumerate(source.lines, 1)]
    found = Collector(source, "TREC", total=len(rows))
    marks = [r.number_of("relevance") for r in rows]
    top = max(1.0, *marks) if marks else 1.0
    if any(m < 0 for m in marks):
        found.say("Relevance below 0 (spam, in some tracks) is read as 0, not relevant.")
    scale = Scale(0.0, top)
    texts = None
    if "queries" in options and "documents" in options:
        texts = _texts(options["queries"]), _texts(options["documents"])
    else:
        found.say("Without ?queries=FILE&documents=FILE the judgments are verdicts only, not cases.")
    for row, mark in zip(rows, marks, strict=True):
        mark = max(0.0, mark)
        query, document = row.text("query"), row.text("document")
        identity = f"{query}/{document}"
        if texts is not None:
            _case(found, row, identity, texts, mark)
        found.verdict(source.stem, "score", identity, Verdict(score=mark), scale=scale)
    return found.done(scale=scale if texts is not None else None)


def _row(source: Source, index: int, number: int, line: str) -> Record:
    parts = line.split()
    if len(parts) != 4:
        raise CaseFileError(
            f"a judgment is 4 columns, query iteration document relevance; this has {len(parts)}",
            path=source.path,
            line=number,
        )
    query, _iteration, document, relevance = parts
    try:
        value: object = float(relevance)
    except ValueError:
        value = relevance
    if isinstance(value, float) and not math.isfinite(value):
        value = relevance
    data = {"query": query, "document": document, "relevance": value}
    return Record(data, source.path, index, number)


def _case(
    found: Collector, row: Record, identity: str, texts: tuple[Mapping[str, str], Mapping[str, str]], mark: float
) -> None:
    queries, documents = texts
    query, document = row.text("query"), row.text("document")
    for kind, name, known in (("query", query, queries), ("document", document, documents)):
        if name not in known:
            found.tally(f"the {kind}'s text is not in the file of {kind} texts; verdict only", row)
            return
    found.case(row, identity, queries[query], (documents[document],), label=mark, group=query)


def _texts(path: str) -> Mapping[str, str]:
    source = read_source(path)
    if source.lines[0][1].lstrip().startswith("{"):
        return {r.key("id"): r.text("text") for r in source.records}
    found: dict[str, str] = {}
    for number, line in source.lines:
        name, tab, text = line.rstrip("\r").partition("\t")
        if not tab:
            raise CaseFileError("a text is an id, a tab and the text; there is no tab", path=path, line=number)
        found[name] = text
    return found


def _fits(shape: Shape) -> bool:
    parts = shape.line.split()
    return len(parts) == 4 and parts[3].lstrip("-").isdigit() and (parts[1].isdigit() or parts[1].upper() == "Q0")


FORMAT = Format(
    "trec",
    "relevance judgments (qrels), with the texts as cases, without as verdicts",
    _read,
    _fits,
    {"queries": "the queries' texts: id, tab, text, or JSONL", "documents": "the documents' texts, likewise"},
)
