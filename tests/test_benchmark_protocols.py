"""benchmarks/protocols.py and protocol_probes.py: what is planted in a chat model stands in every protocol's row."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from pathlib import Path

import protocol_probes
import protocols
import pytest

from voirdire._compose import prepare
from voirdire.harness.judges.base import Message, Reply, traits_of

CASES = protocols.pairs(60)
#: the planted model is sure of its letter to this degree, and utilities are its probabilities
SURE = (math.exp(-0.1) - math.exp(-2.4)) / (math.exp(-0.1) + math.exp(-2.4))


def test_the_planted_model_knows_the_answers_again_in_every_prompt_and_edit() -> None:
    """Where the good answer stands is read off the prompt alone, also where an edit changed its beginning or end."""
    chat = protocols.Planted.of(CASES, first=0.0)
    labels = {case.id: case.label for case in CASES}
    for name, judge in protocol_probes.judges(chat, ()):
        request = protocol_probes.request_for(judge, CASES, protocol_probes.PROBES, None)
        for call in prepare(judge.task, judge.scale, request, traits=traits_of(judge)).plan.calls:
            text = "\n".join(m["content"] for m in judge.protocol.render(call.case, begun=True))
            good, bad = protocols.places_in(text, chat.answers)
            stands = call.case.meta["voirdire.order"].index(labels[call.case.id.partition("#")[0]])
            assert int(good > bad) == stands, (name, call.case.id)


@pytest.mark.parametrize(
    ("first", "phrase", "expected"),
    [
        (0.0, 0.0, (0.0, 0.0, 0.0)),
        # the worse answer wins .15 + .7 x .15 of its calls, and .15 + .3 + .4 x .15 with the phrase
        (0.3, 0.3, (0.3, 0.0, 0.255)),
    ],
)
def test_planted_effects_stand_in_every_row(first: float, phrase: float, expected: tuple[float, ...]) -> None:
    chat = protocols.Planted.of(CASES, first=first, phrase=phrase)
    rows = asyncio.run(protocol_probes.table(chat, CASES, protocol_probes.PROBES, (), None))
    assert list(rows) == protocols.protocols()
    for probe, value in zip(protocol_probes.PROBES, expected, strict=True):
        found = [row[probe] for row in rows.values()]
        effects = [f.effect for f in found if f.effect is not None]
        # one row's standard error is about .045, so that of their mean .017, and a row is 4.5 of them off in 1 of 10^5
        assert sum(effects) / len(rows) == pytest.approx(value * SURE, abs=0.07)
        assert all(e == pytest.approx(value * SURE, abs=0.2) for e in effects)
        if value == 0:
            assert all(f.decision != "violated" for f in found)
        else:
            assert any(f.decision == "violated" for f in found)


class Silent(protocols.Planted):
    async def complete(self, messages: Sequence[Message], *, sample: int) -> Reply:
        raise AssertionError("asked anew")


def test_the_same_answers_are_read_as_verdicts(tmp_path: Path) -> None:
    names, cache = ("pandalm", "mt-bench-pair"), tmp_path / "answers.sqlite"
    chat = protocols.Planted.of(CASES, first=0.3, phrase=0.3)
    soft = asyncio.run(protocol_probes.table(chat, CASES, ("order.swap",), names, cache))
    silent = Silent(chat.first, chat.answers, chat.phrase)
    hard = asyncio.run(protocol_probes.table(silent, CASES, ("order.swap",), names, cache, soft=False))
    for name in names:
        effects = [rows[name]["order.swap"].effect for rows in (soft, hard)]
        assert effects[0] == pytest.approx(effects[1] * SURE, abs=1e-6)
