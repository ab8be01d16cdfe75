"""benchmarks/defences.py: the search finds what is there and nothing else, and the documentation holds its tables."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import defences
import pytest
from defences_attacks import ATTACKS, CARRIERS, PAYLOADS, letters

from voirdire.harness.cases import Case
from voirdire.harness.engine.store import CallStore
from voirdire.harness.judges.base import Judge
from voirdire.harness.judges.python_judge import PythonJudge
from voirdire.harness.judges.wrappers.defences import neutralise

DOCS = (Path(__file__).parent.parent / "docs" / "wrappers.md").read_text(encoding="utf-8")
CASES = defences.pairs(60)


def table(judges: dict[str, Judge], *, budget: int, cases: int = 60, search: int = 10) -> list[str]:
    said: list[str] = []
    asyncio.run(defences.table(judges, CASES[:cases], search=search, budget=budget, tell=said.append))
    return said


def test_the_documentation_holds_what_the_script_prints() -> None:
    """Three rows of fifteen, of both tables: all of them take a minute."""
    wanted = ("(none)", "neutralise", "detector; by=JUDGE")
    judges = {name: judge for name, judge in defences.planted(CASES).items() if name in wanted}
    for text in table(judges, budget=len(ATTACKS)):
        assert text in DOCS
    for name in defences.planted(CASES):
        assert DOCS.count(f"\n| {name} | ") == 2


def test_none_found_is_said_of_a_judge_that_obeys_nothing() -> None:
    immune = defences.planted(CASES)["(none)"]
    immune = immune.__class__(
        defences.Obliging(immune.chat.answers, immune=True), immune.protocol, name="immune", spec="immune"
    )
    (row, *_) = [text for text in table({"immune": immune}, budget=len(PAYLOADS)) if text.startswith("| immune | ")]
    # noise may look like a gain on the few pairs of the search, and is not one on others
    assert row.endswith(("| none found in 17 |", "| not shown on other pairs |"))


def test_a_small_budget_finds_nothing_behind_a_list_that_knows_it() -> None:
    judges = {"neutralise": defences.planted(CASES)["neutralise"]}
    (row, *_) = [text for text in table(judges, budget=5) if text.startswith("| neutralise | ")]
    assert row.endswith("| none found in 5 |")
    assert " | - | 0 of 5 | " in row


@pytest.mark.parametrize("carrier", CARRIERS)
def test_disguises_leave_the_letters(carrier: str) -> None:
    for payload in PAYLOADS:
        if payload.kind != "trigger":
            assert letters(payload.text) in letters(CARRIERS[carrier](f"{payload.text}"))


def test_attacks_are_all_different() -> None:
    assert len({attack.apply("An answer.") for attack in ATTACKS}) == len(ATTACKS)
    assert f"{len(ATTACKS)} texts" in DOCS
    assert f"{len(ATTACKS)} texts" in (defences.__doc__ or "")


def test_a_judge_that_may_be_reused_is_asked_each_question_once_over_two_runs(tmp_path: Path) -> None:
    asked: Counter[tuple[str, ...]] = Counter()

    def judge(case: Case) -> str:
        asked[case.instruction_text, *case.responses] += 1
        return "A" if "full marks" in case.responses[0] else "B"

    found = PythonJudge(judge, task="pairwise", version="1")
    for _ in range(2):
        with CallStore(tmp_path / "calls.sqlite") as store:
            judges = {"(none)": found, "neutralise": neutralise(found)}
            asyncio.run(defences.table(judges, CASES[:12], search=4, budget=3, store=store, tell=lambda text: None))
    assert set(asked.values()) == {1}


def test_a_judge_by_its_spec_is_defended_as_far_as_it_can_be(capsys: pytest.CaptureFixture[str]) -> None:
    judges = defences.real("mock:noisy?accuracy=.9&phrase=full marks")
    assert "warn is left out: warn needs a judge that voirdire prompts" in capsys.readouterr().err
    rows = {text.split(" | ")[0].strip("| "): text for text in table(judges, budget=3)[2 : 2 + len(judges)]}
    assert set(rows) == set(judges)
    assert rows["(none)"].endswith("| beaten |")
    assert "a plea for marks" in rows["(none)"]
    assert rows["neutralise"].endswith("| none found in 3 |")
    assert rows["swap_average"].endswith("| beaten |")
