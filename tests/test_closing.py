"""What a judge gave is on the disk before the judge is let go: a batch is forgotten when its judge is closed."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from voirdire._attack import attack_async
from voirdire._attack_plan import AttackRequest, prepare_attack
from voirdire._compose import AuditRequest, audit_async
from voirdire._flips import FlipRequest, flips_async, prepare_flips
from voirdire.harness.engine.store import CallStore
from voirdire.harness.judges.mock import MockJudge, mock_judge


@pytest.mark.parametrize("door", ["audit", "attack", "flips"])
def test_the_store_is_closed_before_the_judge(door: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[str] = []
    close = CallStore.close

    def noted(store: CallStore) -> None:
        closed.append("store")
        close(store)

    class Kept(MockJudge):
        reusable = True

        async def aclose(self) -> None:
            closed.append("judge")

    monkeypatch.setattr(CallStore, "close", noted)
    plain = mock_judge("noisy", task="pairwise")
    judge = Kept(plain.name, plain.spec, plain.task, plain.scale, plain.params)
    cache = str(tmp_path / "calls.sqlite")
    if door == "audit":
        asyncio.run(audit_async(judge, AuditRequest(suite="quick", limit=3, cache=cache, minimise=0)))
    elif door == "attack":
        request = AttackRequest(words=1, vocabulary=("key", "w"), max_calls=400, defences=(), cache=cache)
        asyncio.run(attack_async(judge, prepare_attack(judge, request, ())))
    else:
        flips = FlipRequest(limit=1, max_calls=60, per_case=60, cache=cache)
        asyncio.run(flips_async(judge, prepare_flips(judge, flips)))
    assert closed == ["store", "judge"]
