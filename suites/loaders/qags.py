"""QAGS (Wang et al. 2020): is a summary true to its article? Three people answer for every sentence.

{article, summary_sentences: [{sentence, responses: [{worker_id, response "yes"|"no"}]}]}; also UniEval's list with the
one dimension consistency.
"""

from __future__ import annotations

from voirdire.harness.verdicts import Scale, Verdict
from voirdire.suites.loaders.collecting import Collector, Loaded, group_of, majority
from voirdire.suites.loaders.dimensions import are_scored, read_scored
from voirdire.suites.loaders.formats import Format, Options, Shape, one_of
from voirdire.suites.loaders.records import Record, Source

__all__ = ["FORMAT"]

_ANSWERS = {"yes": True, "no": False}
_SHARE = Scale(0, 1)


def _read(source: Source, options: Options) -> Loaded:
    unit = one_of(options, "unit", ("sentence", "summary"))
    if source.records and "summary_sentences" not in source.records[0].data:
        return read_scored(source, "QAGS", "qags", "consistency", _SHARE)
    found = Collector(source, "QAGS", total=len(source.records))
    for record in source.records:
        sentences = record.children("summary_sentences")
        truths = [_truth(found, record, s, f"qags-{record.number - 1}-{i}", unit) for i, s in enumerate(sentences)]
        if unit == "summary":
            _summary(found, record, sentences, truths)
    if unit == "summary":
        found.say("Labels are the share of a summary's sentences that most people call true to the article, 0 to 1.")
    return found.done(scale=_SHARE if unit == "summary" else None)


def _truth(found: Collector, record: Record, sentence: Record, identity: str, unit: str) -> bool | None:
    responses = sentence.children("responses")
    votes = [r.one_of("response", _ANSWERS) for r in responses]
    truth = majority(votes)
    if not isinstance(truth, bool):
        found.tally("the people are divided on a sentence, so it has no label", record)
        truth = None
    if unit == "sentence":
        article = record.text("article")
        found.case(
            record,
            identity,
            "Is this sentence of a summary true to the article?",
            (sentence.text("sentence"),),
            label=truth,
            context=article,
            group=group_of(article),
            meta={"annotators": votes},
        )
        for response, vote in zip(responses, votes, strict=True):
            found.verdict(f"worker-{response.key('worker_id')}", "grade", identity, Verdict(grade=vote))
    return truth


def _summary(found: Collector, record: Record, sentences: list[Record], truths: list[bool | None]) -> None:
    known = [t for t in truths if t is not None]
    article = record.text("article")
    found.case(
        record,
        f"qags-{record.number - 1}",
        "Is this summary true to the article?",
        (" ".join(s.text("sentence") for s in sentences),),
        label=sum(known) / len(known) if known else None,
        context=article,
        group=group_of(article),
    )


def _fits(shape: Shape) -> bool:
    scored = shape.first.get("scores")
    only = isinstance(scored, dict) and set(scored) <= {"consistency", "overall"} and are_scored(shape, "consistency")
    return only or shape.has("article", "summary_sentences")


FORMAT = Format(
    "qags",
    "QAGS: summaries and people's yes or no to every sentence",
    _read,
    _fits,
    {"unit": "sentence: one true-or-false case a sentence (default); summary: one score in [0, 1] a summary"},
)
