"""benchmarks/defences_local.py: the planted effects stand in its table, and a run that was stopped is resumed."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import defences_local
import pytest

from voirdire._compose import AuditRequest
from voirdire.harness.cases import Case
from voirdire.harness.judges.python_judge import PythonJudge
from voirdire.harness.judges.wrappers.averaging import swap_average
from voirdire.harness.judges.wrappers.defences import neutralise


def request(cache: Path | None, limit: int = 40) -> AuditRequest:
    probes = ("order.swap", "phrases.full-marks", "degradation.number")
    return AuditRequest(suite="full", probes=probes, limit=limit, cache=cache, minimise=0)


def test_planted_effects_are_in_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    said: list[str] = []
    spec = "mock:noisy?accuracy=.9&first=.3&phrase=full marks"
    wanted = ("swap_average", "neutralise", "majority")
    asyncio.run(defences_local.run(spec, request(None), wanted, said.append))
    start = said.index("")
    table = {text.split(" | ")[0].strip("| "): text.split(" | ") for text in said[start + 1 :] if text.startswith("| ")}
    head = table["wrapper"]
    phrases, order, calls = (head.index(name) for name in ("phrases", "order", "calls"))
    assert float(table["J"][phrases]) > 0.5
    assert table["neutralise(J)"][phrases].endswith("*")
    assert table["swap_average(J)"][order].startswith(".00")
    bare, swapped, voted, deaf = (
        int(table[name][calls].replace(",", ""))
        for name in ("J", "swap_average(J)", "majority(J; k=3)", "neutralise(J)")
    )
    assert voted == 3 * bare == 3 * swapped > 3 * deaf
    assert any(text.startswith("Which pays: neutralise(J).") for text in said)
    assert "warn(J) is left out" in capsys.readouterr().err


def test_the_plan_counts_what_each_wrapper_adds(tmp_path: Path) -> None:
    """Orders are shared, so averaging over them adds nothing; three samples of a noisy judge add two."""
    rows = asyncio.run(defences_local.planned("mock:noisy", request(tmp_path / "c.sqlite", limit=8)))
    added = {name: int(n.replace(",", "")) for name, n in (row.strip("| ").split(" | ") for row in rows[2:])}
    assert added["swap_average(J)"] == added["neutralise(J)"] == 0 < added["J"]
    # a source's two samples become six, the single sample of all else three
    assert added["J"] < added["majority(J; k=3)"] <= 2 * added["J"]
    assert added["all of them"] == sum(n for name, n in added.items() if name != "all of them")


def test_a_run_that_was_stopped_asks_only_what_is_missing(tmp_path: Path) -> None:
    """Killed after 60 answers; the second run asks each of the others once, for the judge and its wrappers together."""
    asked: Counter[tuple[str, ...]] = Counter()
    most = [60]

    def judge(case: Case) -> str:
        if sum(asked.values()) >= most[0]:
            raise SystemExit
        asked[case.instruction_text, *case.responses] += 1
        return "A" if len(case.responses[0]) > len(case.responses[1]) else "B"

    # made before anything is counted: what a callable holds is part of its fingerprint
    bare = PythonJudge(judge, task="pairwise", version="1")
    bare.deterministic = True
    judges = {"J": bare, "swap_average(J)": swap_average(bare), "neutralise(J)": neutralise(bare)}

    async def run() -> None:
        for name, found in judges.items():
            await defences_local.audited(name, found, request(tmp_path / "c.sqlite", limit=12))

    with pytest.raises(SystemExit, match="run the same command"):
        asyncio.run(run())
    assert sum(asked.values()) == 60
    most[0] = 10**6
    asyncio.run(run())
    assert set(asked.values()) == {1}
