"""EvalBiasBench (Park et al. 2024, OffsetBias, arXiv:2407.06551): 80 pairs in six kinds of bias.

A JSON object, kind of bias -> list of {bias, instruction, response1, response2, label}. Every published label is 1.
"""

from __future__ import annotations

from voirdire.harness.errors import CaseFileError
from voirdire.suites.loaders.collecting import Collector, Loaded
from voirdire.suites.loaders.formats import Format, Options, Shape
from voirdire.suites.loaders.records import Record, Source, shown

__all__ = ["FORMAT"]


def _read(source: Source, _options: Options) -> Loaded:
    records = _records(source)
    found = Collector(source, "EvalBiasBench", total=len(records))
    counts: dict[str, int] = {}
    for record in records:
        kind = record.text("bias")
        slug = kind.replace("_", " ").replace(" bias", "").replace(" ", "-")
        counts[slug] = counts.get(slug, -1) + 1
        identity = f"{slug}-{counts[slug]}"
        found.case(
            record,
            identity,
            record.text("instruction"),
            (record.text("response1"), record.text("response2")),
            label=record.one_of("label", {1: 0, 2: 1}),
            group=identity,
            meta={"category": kind},
        )
    return found.done()


def _records(source: Source) -> list[Record]:
    if source.is_lines_of_json or source.table is not None or isinstance(source.document, list):
        return list(source.records)
    document = source.document
    if not isinstance(document, dict):
        raise CaseFileError(f"the file holds {shown(document)}, not an object", path=source.path)
    found: list[Record] = []
    for kind, pairs in document.items():
        if not isinstance(pairs, list):
            raise CaseFileError(f'"{kind}" must be a list of pairs, this is {shown(pairs)}', path=source.path)
        for record in source.objects(pairs, f' of "{kind}"'):
            found.append(Record(record.data, record.path, len(found) + 1))
    return found


def _fits(shape: Shape) -> bool:
    pairs = next(iter(shape.document.values()), None)
    first = pairs[0] if isinstance(pairs, list) and pairs and isinstance(pairs[0], dict) else shape.first
    return all(k in first for k in ("bias", "instruction", "response1", "response2", "label"))


FORMAT = Format("evalbiasbench", "EvalBiasBench's pairs by kind of bias", _read, _fits)
