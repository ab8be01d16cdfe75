"""`voirdire probes`: the list, and what one probe does to a case."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from voirdire.suites.rows import PROBES


def cases(folder: Path, **changes: Any) -> str:
    case = {
        "id": "q1",
        "instruction": "Why does a spoon feel cold?",
        "responses": ["Because metal conducts heat 400 times better than wood does, it takes it away.", "It does not."],
        "label": 0,
        **changes,
    }
    (folder / "cases.jsonl").write_text(json.dumps(case) + "\n")
    return "cases.jsonl"


def test_the_list_holds_every_probe_by_family_with_its_claim(voirdire: Callable[..., Any]) -> None:
    ran = voirdire("probes")
    assert ran.code == 0
    for probe in PROBES.values():
        assert f"\n  {probe.name}\n" in ran.out
        assert f"\n{probe.family}\n" in ran.out
    assert "NO_GAIN · addition · edits the worse answer · against a placebo" in ran.out
    assert "MUST_DROP · degrading · edits the right answer" in ran.out
    assert max(map(len, ran.out.splitlines())) <= 80


def test_json(voirdire: Callable[..., Any]) -> None:
    rows = {r["name"]: r for r in json.loads(voirdire("probes", "--json").out)}
    assert set(rows) == set(PROBES)
    book = rows["authority.book"]
    assert (book["family"], book["relation"], book["claim"], book["sham"]) == ("authority", "NO_GAIN", "addition", True)
    assert rows["order.swap"]["claim"] is None
    assert rows["lexical.paraphrase"]["needs"] == "rewrites"
    for row in rows.values():
        assert {"name", "family", "relation", "source", "summary"} <= set(row)


def test_globs_doses_and_compositions_can_be_listed(voirdire: Callable[..., Any]) -> None:
    found = json.loads(voirdire("probes", "typos.swap@2", "typos.swap+authority.book", "--json").out)
    assert [(r["name"], r["dose"], r["relation"]) for r in found] == [
        ("typos.swap+authority.book", 1.0, "NO_GAIN"),
        ("typos.swap@2", 2.0, "INVARIANT"),
    ]
    assert voirdire("probes", "typos.swpa").code == 2


def test_show_prints_source_and_follow_up_side_by_side(voirdire: Callable[..., Any], tmp_path: Path) -> None:
    ran = voirdire("probes", "--show", "degradation.number", "--cases", cases(tmp_path))
    assert ran.code == 0
    assert "[-400-]" in ran.out.replace("│", "")
    assert "{+" in ran.out
    assert "length x 1.00" in ran.out
    table = [line for line in ran.out.splitlines() if "│" in line]
    assert len({line.index("│") for line in table}) == 1
    assert max(map(len, ran.out.splitlines())) <= 80


def test_show_has_a_column_for_the_placebo(voirdire: Callable[..., Any], tmp_path: Path) -> None:
    out = voirdire("probes", "--show", "authority.book", "--cases", cases(tmp_path)).out
    assert next(line for line in out.splitlines() if "placebo" in line and "│" in line).count("│") == 2


def test_show_as_json(voirdire: Callable[..., Any], tmp_path: Path) -> None:
    ran = voirdire("probes", "--show", "degradation.number", "--cases", cases(tmp_path), "--json")
    (row,) = json.loads(ran.out)
    assert row["case"] == "q1"
    assert row["target"] == 0
    (change,) = row["changes"]
    start, end, text = change["edits"][0]
    assert change["where"] == "responses[0]"
    assert change["source"][start:end] == "400"
    assert change["follow_up"][start : start + len(text)] == text
    assert change["length_ratio"] == 1.0
    assert change["broken"] is None


def test_show_says_why_there_is_nothing(voirdire: Callable[..., Any], tmp_path: Path) -> None:
    name = cases(tmp_path, responses=["No.", "Yes."])
    assert "not applicable: " in voirdire("probes", "--show", "degradation.number", "--cases", name).out
    paraphrase = voirdire("probes", "--show", "lexical.paraphrase", "--cases", name)
    assert "voirdire freeze" in " ".join(paraphrase.out.split())
    assert voirdire("probes", "--show", "order.swap").code == 2


def test_judged_text_cannot_act_on_the_terminal(voirdire: Callable[..., Any], tmp_path: Path) -> None:
    hostile = "Red \x1b[31m text \u202e here, and 400 more words of it that\tgo on."
    ran = voirdire("probes", "--show", "degradation.number", "--cases", cases(tmp_path, responses=[hostile, "x"]))
    assert "\x1b" not in ran.out
    assert "\u202e" not in ran.out
    assert "⟨U+202E⟩" in ran.out


@pytest.mark.parametrize(
    "text", ["长城总长约21196公里，是中国古代的防御工程，它不是一次建成的。" * 3, "x" * 300 + " 400 y"]
)
def test_columns_stay_straight_in_any_script(voirdire: Callable[..., Any], tmp_path: Path, text: str) -> None:
    ran = voirdire("probes", "--show", "degradation.number", "--cases", cases(tmp_path, responses=[text, "x"]))
    table = [line for line in ran.out.splitlines() if " │ " in line]
    assert len(table) >= 3
    assert len({cell_len(line[: line.index("│")]) for line in table}) == 1


def test_ids_and_limits(voirdire: Callable[..., Any], tmp_path: Path) -> None:
    rows = json.loads(voirdire("probes", "--show", "typos.swap", "--limit", 2, "--json").out)
    assert len({r["case"] for r in rows}) == 2
    one = rows[1]["case"]
    only = json.loads(voirdire("probes", "--show", "typos.swap", "--cases-id", one, "--json").out)
    assert {r["case"] for r in only} == {one}
    assert voirdire("probes", "--show", "typos.swap", "--cases-id", "nobody").code == 2
