"""`voirdire gate`, `baseline` and `compare` as users type them: exit codes, words, GitHub, files left behind."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from endpoint import KEY, endpoint, judging
from fake_server import status
from sql import sql

from voirdire.harness.engine.store import CallStore

CLEAN = "mock:noisy?accuracy=.9"
FEW = ("--probes", "order.swap", "--probes", "authority.book", "--probes", "degradation.number")


@pytest.fixture
def stored(voirdire) -> Path:
    ran = voirdire("baseline", "--judge", CLEAN, *FEW)
    assert ran.code == 0
    assert "3 probes on 136 cases" in ran.out
    # the judge has to be named again: a line that is copied as it stands must not end in an error
    assert "next      voirdire gate, with the judge's options" in ran.out
    assert "--baseline voirdire-baseline.json" in ran.out
    return Path("voirdire-baseline.json")


def test_unchanged_is_0_and_worse_is_1(voirdire, stored: Path) -> None:
    same = voirdire("gate", "--judge", CLEAN, "--baseline", stored, *FEW, "--seed", 1)
    assert same.code == 0
    assert same.out.startswith("PASS")
    assert "exit 0" in same.out
    worse = voirdire("gate", "--judge", f"{CLEAN}&cited=.4", "--baseline", stored, *FEW, "--seed", 1)
    assert worse.code == 1
    assert worse.out.startswith("REGRESSED  1 of 4 tests got worse than the baseline of 20")
    row = next(line for line in worse.out.splitlines() if line.startswith(" authority.book"))
    assert "change +.3" in row
    assert "exit 1" in worse.out
    assert max(map(len, worse.all.splitlines())) <= 80


def test_the_report_holds_the_change(voirdire, stored: Path) -> None:
    voirdire("gate", "--judge", f"{CLEAN}&cited=.4", "--baseline", stored, *FEW, "--out", "r", "--format", "md,junit")
    document = json.loads(Path("r/audit.json").read_text())
    book = next(f for f in document["findings"] if f["probe"] == "authority.book")
    assert book["change"] > 0.2
    assert book["margin"] == 0.05
    assert document["metrics"]["gate"]["red"] == ["authority.book"]
    assert {"audit.md", "junit.xml", "baseline.json"} <= {p.name for p in Path("r").iterdir()}


def test_accepting_a_gates_run_as_the_new_baseline(voirdire, stored: Path) -> None:
    worse = ["gate", "--judge", f"{CLEAN}&cited=.4", "--baseline", stored, *FEW, "--out", "r"]
    assert voirdire(*worse).code == 1
    assert voirdire("baseline", "--from", "r", "--baseline", stored).code == 0
    again = voirdire(*worse, "--seed", 3)
    assert again.code == 0
    assert "as in the baseline: authority.book" in again.out
    Path("empty").mkdir()
    ran = voirdire("baseline", "--from", "empty")
    assert ran.code == 2
    assert "baseline.json" in ran.err


def test_without_a_baseline_tolerances_decide(voirdire) -> None:
    assert voirdire("gate", "--judge", "mock:oracle", *FEW).code == 0
    ran = voirdire("gate", "--judge", "mock:constant", *FEW)
    assert ran.code == 1
    assert ran.out.startswith("FAIL")
    assert "order.swap" in ran.out
    few = ["gate", "--judge", CLEAN, *FEW, "--limit", "12", "--samples", "1"]
    assert voirdire(*few).code == 3
    assert voirdire(*few, "--inconclusive", "pass").code in (0, 3)
    quiet = voirdire("gate", "--judge", "mock:constant", *FEW, "--quiet")
    assert quiet.err == ""
    assert "probe " not in quiet.out


def test_suite_samples_and_cases_come_from_the_baseline(voirdire) -> None:
    cases = [
        {"id": f"q{i}", "instruction": f"{i}+1?", "responses": [f"It is {i + 1}.", f"It is {i}."], "label": 0}
        for i in range(30)
    ]
    Path("cases.jsonl").write_text("\n".join(map(json.dumps, cases)))
    go = ["--judge", "mock:oracle", *FEW]
    assert voirdire("baseline", *go, "--cases", "cases.jsonl", "--suite", "quick", "--samples", "2").code == 0
    ran = voirdire("gate", *go, "--baseline", "voirdire-baseline.json", "--quiet")
    assert ran.code in (0, 3)
    document = json.loads(Path("voirdire-report/audit.json").read_text())
    assert (document["suite"]["name"], document["samples"], document["cases"]["n"]) == ("quick", 2, 30)
    elsewhere = Path("voirdire-baseline.json").read_text().replace('"cases.jsonl"', '"/etc/hosts"')
    Path("elsewhere.json").write_text(elsewhere)
    refused = voirdire("gate", *go, "--baseline", "elsewhere.json")
    assert refused.code == 2
    assert "elsewhere" in refused.err
    held = Path("voirdire-baseline.json").read_text().replace('"cases.jsonl"', '"in memory"')
    Path("held.json").write_text(held)
    refused = voirdire("gate", *go, "--baseline", "held.json")
    assert refused.code == 2
    assert "a program held" in refused.err
    assert "--cases FILE" in refused.err
    Path("cases.jsonl").unlink()
    gone = voirdire("gate", *go, "--baseline", "voirdire-baseline.json")
    assert gone.code == 2
    assert "--cases" in gone.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), ["--judge"]),
        (("--judge", CLEAN, "--baseline", "none.json"), ["none.json", "voirdire baseline"]),
        (("--judge", CLEAN, "--margin", "2"), ["--margin 2"]),
        (("--judge", CLEAN, "--resolution", "0.01"), ["--resolution", "margin"]),
        (("--judge", CLEAN, "--inconclusive", "maybe"), ["--inconclusive", "fail, pass"]),
        (("--judge", CLEAN, "--absolute", "old"), ["--absolute", "new, all, off"]),
        (("--judge", CLEAN, "--baseline-mismatch", "x"), ["--baseline-mismatch"]),
        (("--judge", CLEAN, "--drift", "d.json"), ["--drift", "--baseline"]),
        (("--judge", CLEAN, "--suite", "cii"), ["cii", "ci"]),
    ],
)
def test_usage_errors_name_option_and_fix(voirdire, arguments, words: list[str]) -> None:
    ran = voirdire("gate", *arguments)
    assert ran.code == 2
    assert all(word in ran.err for word in words), ran.err
    assert not Path("voirdire-report").exists()


def test_what_was_asked_differently_stops_it_or_is_said(voirdire, stored: Path) -> None:
    go = ["gate", "--judge", CLEAN, "--baseline", stored, *FEW, "--samples", "1"]
    ran = voirdire(*go)
    assert ran.code == 2
    assert "samples an arm: 1, the baseline has 3" in ran.err
    warned = voirdire(*go, "--baseline-mismatch", "warn")
    assert warned.code in (0, 3)
    assert "samples an arm: 1" in warned.out


def test_a_damaged_baseline_is_named(voirdire, stored: Path) -> None:
    stored.write_text(stored.read_text().replace('"samples": 3', '"samples": "3"'))
    ran = voirdire("gate", "--judge", CLEAN, "--baseline", stored)
    assert ran.code == 2
    for word in ("voirdire-baseline.json", "samples", "'3'", "whole number"):
        assert word in ran.err


def test_names_in_a_baseline_cannot_act_in_a_log(voirdire, stored: Path) -> None:
    """It may come with a pull request: escape sequences and workflow commands of a "model" come out as text."""
    hostile = json.dumps("\x1b[2J\n::error::owned ##[group]x @octocat")
    stored.write_text(stored.read_text().replace('"judge": {', f'"judge": {{"model": {hostile}, '))
    go = ("gate", "--judge", CLEAN, "--baseline", stored, *FEW, "--seed", 1)
    assert "several judges" in voirdire(*go).err
    ran = voirdire(*go, "--baseline-mismatch", "warn")
    assert "model changed" in ran.out
    for active in ("\x1b", "::error", "##[", "@octocat"):
        assert active not in ran.all


def test_scheduled_runs_share_alpha_and_are_counted(voirdire, stored: Path) -> None:
    go = ["gate", "--judge", CLEAN, "--baseline", stored, *FEW, "--drift", "drift.json"]
    alphas = []
    for seed in (1, 2, 3):
        ran = voirdire(*go, "--seed", seed)
        assert f"Run {seed} against this baseline" in ran.out
        data = json.loads(Path("drift.json").read_text())
        assert data["runs"] == seed == len(data["history"])
        alphas.append(data["history"][-1]["alpha"])
    assert alphas == sorted(alphas, reverse=True)
    assert sum(alphas) < 0.05
    # another baseline starts the count anew
    assert voirdire("baseline", "--judge", CLEAN, *FEW, "--seed", 9).code == 0
    assert "Run 1 against" in voirdire(*go, "--seed", 4).out
    Path("drift.json").write_text('{"schema": "voirdire.drift/1", "baseline": "x"')
    ran = voirdire(*go)
    assert ran.code == 2
    assert "drift.json" in ran.err


def test_an_endpoint_that_goes_down_exits_4_and_leaves_no_baseline_behind(voirdire) -> None:
    go = ["--judge", "openai:m", "--limit", "4", "--samples", "1", *FEW, "--retries", "0", "--concurrency", "2"]
    with endpoint([judging()]) as server:
        port, url = server.port, server.url
        assert voirdire("baseline", *go, "--base-url", url).code == 0
        planned = len(server.requests)
    Path("keep").mkdir()
    with endpoint([judging()] * 20 + [status(401)], port=port):
        ran = voirdire("gate", *go, "--base-url", url, "--baseline", "voirdire-baseline.json", "--drift", "d.json")
        assert voirdire("baseline", *go, "--base-url", url, "--baseline", "keep/b.json").code == 4
    assert ran.code == 4
    assert "401" in ran.err
    assert not Path("d.json").exists()  # a run that did not end is none
    assert not Path("keep/b.json").exists()
    assert not Path("voirdire-report/baseline.json").exists()
    with endpoint([judging()], port=port) as server:
        again = voirdire("gate", *go, "--base-url", url, "--baseline", "voirdire-baseline.json", "--drift", "d.json")
        assert len(server.requests) == planned - 20
    assert again.code in (0, 3)
    for path in Path().rglob("*"):
        assert not path.is_file() or KEY.encode() not in path.read_bytes(), path


def test_a_budget_is_exit_5_and_the_same_command_goes_on(voirdire) -> None:
    with endpoint([judging()]) as server:
        go = ["gate", "--judge", "openai:m", "--base-url", server.url, "--limit", "4", "--samples", "1", *FEW]
        ran = voirdire(*go, "--max-calls", "10")
        assert ran.code == 5
        assert "--max-calls 10" in ran.err
        assert len(server.requests) == 10
        done = voirdire(*go)
        assert done.code in (0, 1, 3)
        planned = json.loads(Path("voirdire-report/audit.json").read_text())["calls"]["planned"]
        assert len(server.requests) == planned


def test_a_cache_that_a_pull_request_brought_answers_no_gate(voirdire, monkeypatch) -> None:
    """Made at home against a server that answers well, left open, dated into the future, and committed."""
    with monkeypatch.context() as home, endpoint([judging()]) as server:
        home.setenv("XDG_STATE_HOME", str(Path("attacker").absolute()))
        home.setattr(CallStore, "finish_run", lambda self, _n, _j: self._read.execute("UPDATE runs SET opened = 9e15"))
        port = server.port
        go = ["gate", "--judge", "openai:m", "--base-url", server.url, "--limit", "4", "--samples", "1", *FEW]
        voirdire(*go)
        planned = len(server.requests)
    assert planned > 10
    for opened in ("9e15", "CAST(strftime('%s') AS REAL)"):
        sql(".voirdire/calls.sqlite", f"UPDATE runs SET opened = {opened}")
        shutil.copy(".voirdire/calls.sqlite", "planted")
        with endpoint([judging()], port=port) as server:
            ran = voirdire(*go)
            assert len(server.requests) == planned
        assert "not opened here by this user" in " ".join(ran.err.split())
        shutil.copy("planted", ".voirdire/calls.sqlite")


def test_a_callable_that_always_raises_is_the_users_error(voirdire) -> None:
    Path("broken.py").write_text("def judge(case):\n    raise RuntimeError('boom')\n")
    ran = voirdire("gate", "--judge", "python:broken.py:judge", "--task", "pairwise", *FEW)
    assert ran.code == 2
    assert "boom" in ran.err


def test_many_paid_calls_need_a_yes(voirdire) -> None:
    ran = voirdire("gate", "--judge", "openai:m", "--base-url", "https://judge.example.invalid/v1")
    assert ran.code == 2
    assert "--max-cost" in ran.err


def test_on_github_the_summary_and_annotations_are_written(voirdire, stored: Path, monkeypatch) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "summary.md")
    Path("summary.md").write_text("before\n")
    ran = voirdire("gate", "--judge", f"{CLEAN}&cited=.4", "--baseline", stored, *FEW)
    assert ran.code == 1
    assert any(line.startswith("::error") and "authority.book" in line for line in ran.out.splitlines())
    text = Path("summary.md").read_text()
    assert text.startswith("before\n### REGRESSED")
    assert "authority.book" in text


def test_compare_pairs_what_holds_every_case_and_says_what_does_not(voirdire, stored: Path) -> None:
    voirdire("gate", "--judge", f"{CLEAN}&cited=.4", "--baseline", stored, *FEW, "--seed", 2, "--out", "gate")
    voirdire("audit", "--judge", f"{CLEAN}&cited=.4", "--suite", "ci", *FEW, "--seed", 3, "--out", "audit")
    paired = voirdire("compare", stored, "gate", "--markdown", "c.md")
    assert paired.code == 0
    book = next(line for line in paired.out.splitlines() if line.startswith(" authority.book"))
    assert book.endswith("*")
    assert "unpaired" not in paired.out.split("95 %")[0]
    assert "136 cases" in paired.out
    assert max(map(len, paired.out.splitlines())) <= 80
    assert "authority.book" in Path("c.md").read_text()
    loose = voirdire("compare", stored, "audit")
    assert next(line for line in loose.out.splitlines() if line.startswith(" authority.book")).endswith("~")
    assert "unpaired" in loose.out
    assert max(map(len, loose.out.splitlines())) <= 80
    both = voirdire("compare", "gate", "audit", stored, "gate/audit.json", "audit")
    assert both.code == 0
    assert "Markdown" in both.out
    assert voirdire("compare", stored).code == 2
    wrong = voirdire("compare", stored, "no-such-run")
    assert wrong.code == 2
    assert "no-such-run" in wrong.err


def test_judges_are_audited_and_compared_case_by_case(voirdire, stored: Path) -> None:
    go = ("--suite", "ci", *FEW)
    ran = voirdire("compare", CLEAN, f"{CLEAN}&first=.5", *go)
    assert ran.code == 0
    swap = next(line for line in ran.out.splitlines() if line.startswith(" order.swap"))
    assert swap.endswith("*")
    assert "unpaired" not in ran.out
    mixed = voirdire("compare", stored, "mock:oracle", *go)
    assert "unpaired" not in mixed.out
    assert next(line for line in mixed.out.splitlines() if line.startswith(" accuracy")).endswith("*")
    assert voirdire("compare", CLEAN, "mock:nobody", *go).code == 2
    Path("broken.py").write_text("def judge(case):\n    raise RuntimeError('boom')\n")
    broken = voirdire("compare", CLEAN, "python:broken.py:judge", "--task", "pairwise", *go)
    assert broken.code == 2
    assert "boom" in broken.err


def test_an_audit_over_a_gates_folder_is_not_paired_with_the_gates_cases(voirdire, stored: Path) -> None:
    voirdire("gate", "--judge", CLEAN, "--baseline", stored, *FEW, "--out", "r")
    voirdire("audit", "--judge", f"{CLEAN}&first=.5", "--suite", "ci", *FEW, "--out", "r")
    assert "unpaired" in voirdire("compare", stored, "r").out


def test_judge_baseline_and_limits_may_stand_in_the_configuration(voirdire, stored: Path) -> None:
    Path("voirdire.toml").write_text(
        'baseline = "voirdire-baseline.json"\nprobes = ["order.swap", "authority.book", "degradation.number"]\n'
        f'[judges.mine]\nspec = "{CLEAN}"\n[gate]\njudge = "mine"\ninconclusive = "pass"\n'
    )
    ran = voirdire("gate", "--seed", 1)
    assert ran.code == 0, ran.all
    assert "of 4" in ran.out
