"""`voirdire suites`: the list, and one suite in plain words."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from voirdire.suites.loading import builtin_suites, load_suite

PAPERS = [name for name in builtin_suites() if load_suite(name).paper is not None]


def test_the_list_names_every_suite_ours_before_those_of_papers(voirdire: Callable[..., Any]) -> None:
    ran = voirdire("suites")
    assert ran.code == 0
    names = [line.strip() for line in ran.out.splitlines() if line.startswith("  ") and line[2] != " "]
    assert sorted(names) == builtin_suites()
    assert set(names[-len(PAPERS) :]) == set(PAPERS)
    assert "voirdire suites --show NAME explains one." in ran.out
    assert max(map(len, ran.out.splitlines())) <= 80


def test_json_says_what_the_page_says(voirdire: Callable[..., Any]) -> None:
    rows = {r["name"]: r for r in json.loads(voirdire("suites", "--json").out)}
    assert sorted(rows) == builtin_suites()
    assert {"name", "family", "relation", "source", "summary", "probes", "cases"} <= set(rows["calm"])
    assert rows["calm"]["groups"]["bandwagon"] == ["social.bandwagon"]
    assert {"judge": "GPT-4o", "metric": "rr", "value": 0.787, "group": "authority", "note": ""} in (
        rows["calm"]["published"]
    )
    assert rows["quick"]["paper"] == ""
    (one,) = json.loads(voirdire("suites", "--show", "calm", "--json").out)
    assert one == rows["calm"]


@pytest.mark.parametrize("name", builtin_suites())
def test_a_suite_is_explained_with_its_source_and_how_to_run_it(voirdire: Callable[..., Any], name: str) -> None:
    suite = load_suite(name)
    ran = voirdire("suites", "--show", name)
    assert ran.code == 0
    assert max(map(cell_len, ran.out.splitlines())) <= 80
    flat = " ".join(ran.out.split())
    assert " ".join(suite.summary.split()) in flat
    assert f"voirdire audit --judge JUDGE --suite {name}" in ran.out
    for probe in suite.probes:
        assert probe.name in flat
    if suite.paper is not None:
        assert suite.paper.paper in flat
        assert suite.paper.relation in flat
        assert "https://" in flat
        for number in suite.paper.published:
            assert f"{number.judge} {number.value:g}" in flat


def test_a_suite_of_ones_own_and_one_that_is_none(voirdire: Callable[..., Any], tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('extends = "calm"\ntolerance = 0.05\nsummary = "Stricter than the paper."\n')
    ran = voirdire("suites", "--show", str(path))
    assert ran.code == 0
    assert "Stricter than the paper." in ran.out
    assert "Ye et al. 2025" in ran.out
    assert f"--suite {path}" in " ".join(ran.out.replace("\\\n", " ").split())
    wrong = voirdire("suites", "--show", "calmm")
    assert wrong.code == 2
    assert "there is no suite called 'calmm'" in wrong.err
    assert "'calm'" in wrong.err
