"""`attack --on`: the same search where judges answer in workers; no search where an answer takes hours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import ray_imitation
from attack_documents import valid_text

import voirdire as vd
from voirdire.harness.errors import UsageError

WEAK = "mock:noisy?fresh=0&phrase=verified&rate=.7"
SMALL = ("--max-calls", "2400", "--words", "2", "--cache", "none", "--json", "--quiet")


def document(text: str) -> dict[str, Any]:
    found = valid_text(text)
    del found["created"], found["calls"]["seconds"]
    return found


def test_the_search_is_the_same_in_workers(voirdire, monkeypatch: pytest.MonkeyPatch) -> None:
    hand = ray_imitation.imitate(monkeypatch)
    there_too = ("--defences", "strip_markup", "--transfer", "mock:oracle")
    here = voirdire("attack", WEAK, *SMALL, *there_too)
    assert here.code == 0, here.all
    assert hand.answered == 0
    there = voirdire("attack", WEAK, "--on", "ray?workers=3", *SMALL, *there_too)
    assert document(here.out) == document(there.out)
    assert document(there.out)["outcome"] == "found"
    assert hand.answered == document(there.out)["calls"]["made"]


def test_flips_in_workers(voirdire, monkeypatch: pytest.MonkeyPatch) -> None:
    hand = ray_imitation.imitate(monkeypatch)
    ran = voirdire("attack", "mock:noisy?fresh=0", "--flips", "--limit", "4", "--on", "ray", *SMALL)
    assert ran.code == 0, ran.all
    assert hand.answered == document(ran.out)["calls"]["made"] > 0


def test_from_python(monkeypatch: pytest.MonkeyPatch) -> None:
    hand = ray_imitation.imitate(monkeypatch)
    result = vd.attack(WEAK, words=2, max_calls=2400, defences=(), on="ray")
    assert (result.outcome, hand.answered) == ("found", result.calls.made)
    hand.answered = 0
    made = vd.attack(vd.judge(WEAK, on="ray"), words=2, max_calls=2400, defences=())
    assert (made.attempts[0].text, hand.answered) == (result.attempts[0].text, made.calls.made)
    for wrong in (lambda: vd.attack(vd.judge(WEAK), on="ray"), lambda: vd.judge(max, task="score", on="ray")):
        with pytest.raises(UsageError, match="answers in this process"):
            wrong()


@pytest.mark.parametrize("more", [(), ("--flips",)])
def test_no_search_where_each_round_waits_for_hours(voirdire, more: tuple[str, ...]) -> None:
    ran = voirdire("attack", "openai:gpt-5-mini", "--on", "batch?poll=30", "--yes", *more)
    assert ran.code == 2
    assert "--on batch?poll=30 answers hours later" in " ".join(ran.err.split())
    assert "--suite attacks --on batch" in " ".join(ran.err.split())
    assert not Path("voirdire-attack").exists()
    with pytest.raises(UsageError, match="answers hours later"):
        vd.attack("openai:gpt-5-mini", on="batch")


def test_a_configuration_file_alone_names_no_cluster(voirdire) -> None:
    Path("voirdire.toml").write_text('[attack]\non = "ray:ray://elsewhere:10001"\n', encoding="utf-8")
    ran = voirdire("attack", "mock:noisy")
    assert ran.code == 2
    assert "line 2" in ran.err
    assert "another host" in " ".join(ran.err.split())
    assert "--on 'rey'" in voirdire("attack", "mock:noisy", "--on", "rey").err
