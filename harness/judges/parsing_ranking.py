"""In which order a reply puts n answers: `[[2 > 1 > 3]]`, "Ranking: B > A > C", a JSON list; 1-based or by letter."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from voirdire.harness.judges.parsing_candidates import (
    Candidate,
    Reader,
    Tier,
    Value,
    bracketed,
    from_json,
    labelled_tail,
    lone_lines,
    recent,
    starts_word,
)
from voirdire.harness.judges.parsing_context import Context, word_before
from voirdire.harness.judges.parsing_text import Text, lowered, plain, words

__all__ = ["ranking_readers"]

_KEYS = frozenset(["ranking", "order", "verdict", "answer", "result", "ranked", "sorted"])
#: their numbers may be the answers in order, or the rank of each answer in turn
_RANKS = frozenset(["rank", "ranks"])
#: the order is not from the best to the worst
_UPSIDE_DOWN = re.compile(
    r"\b(?:worst|lowest|weakest)[ ](?:to|first|answer first)\b|\b(?:ascending|increasing|reversed?)\b"
)
_NAME = re.compile(r"(?:the )?(?:response|answer|assistant|model|option|candidate|output)?[ _#]{0,2}([a-z]|\d{1,3})")
_LABEL = re.compile(r"(?:ranking|ranked|order|verdict|final answer|answer|排名|排序)")
_CHAIN = re.compile(r"[\[\"'`]{0,3}[a-z0-9][a-z0-9 #]{0,16}(?:[ ]{0,2}[>,][ ]{0,2}[a-z0-9][a-z0-9 #]{0,16}){0,99}")
_NOT_MINE = words("initial tentative reverse reversed expected fake claimed previous original example not")


def _ranking(names: list[str], n: int) -> tuple[int, ...] | None:
    """0-based slots, best first; None unless every one of n answers is named once."""
    slots = []
    for name in names:
        match = _NAME.fullmatch(name.strip(" \t\"'`[]()."))
        if match is None:
            return None
        word = match.group(1)
        slots.append(int(word) - 1 if word.isdigit() else ord(word) - ord("a"))
    return tuple(slots) if sorted(slots) == list(range(n)) else None


def ranking_readers(n: int) -> dict[str, Reader]:
    """The forms by the name that `--parse` gives them, for n answers."""

    def of_text(source: str) -> Value | None:
        text = lowered(plain(source)).strip(" \t\n\"'`*_[]().")
        sign = ">" if ">" in text else ","
        return _ranking(re.split(rf"{sign}{{1,3}}", text), n) if sign in text else None

    def of_json(value: Any) -> Value | None:
        if isinstance(value, str):
            return of_text(value) if len(value) <= 400 else None
        if isinstance(value, list) and len(value) == n and not any(isinstance(v, bool) for v in value):
            return _ranking([lowered(str(v)) for v in value if isinstance(v, (int, str))], n)
        return None

    def of_ranks(value: Any) -> Value | None:
        ranking = of_json(value)
        numbers = isinstance(value, list) and any(isinstance(v, int) for v in value)
        if numbers and isinstance(ranking, tuple) and any(ranking[slot] != rank for rank, slot in enumerate(ranking)):
            return None
        return ranking

    def json(text: Text) -> Iterator[Candidate]:
        yield from from_json(text, _KEYS, of_json)
        yield from from_json(text, _RANKS, of_ranks)

    def downwards(reader: Reader) -> Reader:
        def read(text: Text) -> Iterator[Candidate]:
            for found in reader(text):
                if not _UPSIDE_DOWN.search(text.low, max(0, found.start - 120), found.end):
                    yield found

        return read

    def labels(text: Text) -> Iterator[Candidate]:
        low = text.low
        for match in recent(_LABEL, low):
            at = labelled_tail(low, match.end())
            if at is None or not starts_word(low, match.start()) or word_before(low, match.start()) in _NOT_MINE:
                continue
            chain = _CHAIN.match(low, at)
            value = of_text(chain.group()) if chain else None
            if chain and value is not None and not Context(low, match.start(), chain.end()).rules_out_label():
                yield Candidate(match.start(), chain.end(), value, Tier.EXPLICIT)

    return {
        "brackets": downwards(lambda text: bracketed(text, of_text)),
        "json": json,
        "label": downwards(labels),
        "list": downwards(lambda text: lone_lines(text, of_text, bare_first=lambda line: False)),  # noqa: ARG005
    }
