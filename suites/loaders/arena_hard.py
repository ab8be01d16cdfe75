"""Arena-Hard-Auto (Li et al. 2024): a judge's two games of every model against the baseline.

{question_id, model, judge, games: [{user_prompt, judgment, score}, ...]}. Game 1 shows the baseline as A and the model
as B, game 2 the reverse; scores are about the slots: A>>B, A>B, A=B, B>A, B>>A. Newer files call the question `uid` and
name the `baseline`. The case has the baseline first.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from voirdire.harness.verdicts import Verdict
from voirdire.suites.loaders.collecting import GIVEN, SWAPPED, Collector, Loaded
from voirdire.suites.loaders.formats import Format, Options
from voirdire.suites.loaders.quoted import between
from voirdire.suites.loaders.records import Record, Source

__all__ = ["FORMAT"]

#: choice and margin; Arena-Hard counts a strong verdict three times
_SCORES: Mapping[str | None, tuple[int | Literal["tie"], float] | None] = {
    "A>>B": (0, 3.0),
    "A>B": (0, 1.0),
    "A=B": ("tie", 0.0),
    "B=A": ("tie", 0.0),
    "B>A": (1, -1.0),
    "B>>A": (1, -3.0),
    None: None,
}
_MARKERS = (
    "<|User Prompt|>",
    "<|The Start of Assistant A's Answer|>",
    "<|The End of Assistant A's Answer|>",
    "<|The Start of Assistant B's Answer|>",
    "<|The End of Assistant B's Answer|>",
)


def _read(source: Source, _options: Options) -> Loaded:
    found = Collector(source, "Arena-Hard", total=len(source.records))
    for record in source.records:
        key = record.key("uid" if "uid" in record.data else "question_id")
        model = record.text("model")
        identity = f"arena-hard-{key}-{model}"
        games = record.children("games")
        if len(games) > 2:
            raise record.wrong("games", "a list of at most two games")
        if len(games) < 2:
            found.tally("a game is missing, so one order has no verdict", record)
        _case(found, record, games, key, identity, model)
        judge = record.optional_text("judge") or source.stem
        for order, game in zip((GIVEN, SWAPPED), games, strict=False):
            found.verdict(judge, "pairwise", identity, _verdict(game), order=order)
    return found.done()


def _case(found: Collector, record: Record, games: list[Record], key: str, identity: str, model: str) -> None:
    prompt = games[0].data.get("user_prompt") if games else None
    parts = between(prompt, _MARKERS) if isinstance(prompt, str) else None
    if parts is None:
        found.tally("the question and answers are not to be had from the judge's prompt; verdicts only", record)
        return
    found.case(
        record,
        identity,
        parts[0],
        (parts[1], parts[3]),
        group=f"question-{key}",
        meta={
            "category": record.optional_text("category"),
            "models": [record.optional_text("baseline") or "baseline", model],
        },
    )


def _verdict(game: Record) -> Verdict:
    read = game.one_of("score", _SCORES)
    reply = game.data.get("judgment")
    if isinstance(reply, dict):
        reply = game.child("judgment").data.get("answer")
    raw = reply if isinstance(reply, str) else None
    if read is None:
        return Verdict(null="unparsed", reason="no score was recorded", raw=raw)
    return Verdict(read[0], margin=read[1], raw=raw)


FORMAT = Format(
    "arena-hard",
    "Arena-Hard-Auto judgments, two games a pair",
    _read,
    lambda shape: shape.has("model", "games") and (shape.has("question_id") or shape.has("uid")),
)
