"""The command as users type it: no arguments, formats, listings, quiet, standard input, the local model."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from voirdire.cli import run
from voirdire.harness.judges import models


def test_no_arguments_and_no_model_says_that_the_judge_is_simulated(voirdire, monkeypatch) -> None:
    monkeypatch.setattr(models, "installed", list)
    ran = voirdire("audit")
    assert ran.code == 0
    assert "simulated (mock:gullible)" in ran.err.replace("\n", " ")
    assert "voirdire models get smollm2" in ran.err.replace("\n", " ")
    assert "simulated" in ran.out
    assert "suite demo" in ran.err
    document = json.loads(Path("voirdire-report/audit.json").read_text())
    assert document["calls"]["made"] <= 300


def test_a_report_folder_holds_what_was_asked_for(voirdire) -> None:
    ran = voirdire("audit", "--judge", "mock:gullible", "--suite", "demo", "--format", "junit,csv", "--out", "r")
    assert ran.code == 0
    assert {p.name for p in Path("r").iterdir()} >= {"junit.xml", "findings.csv", "audit.json", "calls.jsonl"}
    again = voirdire("report", "r", "--format", "html,md", "--out", "s")
    assert again.code == 0
    assert {"index.html", "audit.md"} <= {p.name for p in Path("s").iterdir()}
    assert again.out.split("report")[0] == ran.out.split("report")[0]


def test_tables_are_named_by_their_folder_and_hold_no_example_to_go_to(voirdire) -> None:
    voirdire("audit", "--judge", "mock:gullible", "--suite", "quick", "--out", "r")
    page = voirdire("report", "r").out
    assert "r/index.html#" in page
    tables = voirdire("report", "r", "--format", "csv", "--out", "tables").out
    assert "\n report    tables\n" in tables
    assert "worst example" in tables
    assert "#" not in tables
    assert Path("tables/findings.csv").is_file()
    assert "\n report    text/audit.md\n" in voirdire("report", "r", "--format", "md", "--out", "text").out


def test_report_of_what_is_no_run(voirdire, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    ran = voirdire("report", "empty")
    assert ran.code == 2
    assert "audit.json" in ran.err


def test_quiet_prints_the_verdict_only(voirdire) -> None:
    ran = voirdire("audit", "--judge", "mock:constant", "--suite", "quick", "--quiet")
    assert ran.code == 0
    assert ran.out.startswith("FAIL")
    assert "probe" not in ran.out.splitlines()[0]
    assert ran.err == ""


def test_output_fits_80_columns(voirdire) -> None:
    ran = voirdire("audit", "--judge", "mock:gullible", "--suite", "standard", "--limit", "60")
    assert max(map(len, ran.all.splitlines())) <= 80
    assert "\x1b" not in ran.all


def test_cases_from_standard_input(voirdire, monkeypatch) -> None:
    lines = [{"instruction": f"q{i}", "responses": ["right one", "wrong one"], "label": 0} for i in range(5)]
    data = "\n".join(map(json.dumps, lines)).encode()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
    ran = voirdire("audit", "--judge", "mock:oracle", "--suite", "quick", "--cases", "-")
    assert ran.code == 0
    assert "5 cases" in ran.err


@pytest.mark.parametrize("command", ["probes", "suites", "judges"])
def test_listings(voirdire, command: str) -> None:
    rows = json.loads(voirdire(command, "--json").out)
    assert rows
    assert all({"name", "family", "relation", "source"} <= set(r) for r in rows)
    text = voirdire(command).out
    assert all(r["name"] in text for r in rows)


def test_models_are_listed(voirdire) -> None:
    out = voirdire("models").out
    assert "smollm2" in out
    assert "qwen" in out
    assert voirdire("models", "get", "gpt-9").code == 2


def test_version_and_help(voirdire) -> None:
    assert voirdire("--version").out.startswith("voirdire 0.1.0")
    assert voirdire("--help").code == 0
    assert voirdire("audit", "--help").code == 0


def test_mock_noise_follows_the_seed(voirdire) -> None:
    findings = []
    for seed in (1, 1, 2):
        voirdire("audit", "--judge", "mock:noisy", "--suite", "quick", "--limit", "30", "--seed", seed, "--quiet")
        findings.append(json.loads(Path("voirdire-report/audit.json").read_text())["findings"])
    assert findings[0] == findings[1] != findings[2]


@pytest.mark.local_model
def test_the_packaged_model_is_audited_for_real(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SmolLM2 takes the first slot whatever stands there: about 25 calls of .5 to 1 s."""
    if "smollm2" not in [m.name for m in models.installed()]:
        pytest.skip("SmolLM2 is not installed: voirdire models get smollm2")
    monkeypatch.chdir(tmp_path)
    assert run(["audit", "--judge", "local:smollm2", "--suite", "demo", "--limit", "2", "--quiet"]) == 0
    document = json.loads(Path("voirdire-report/audit.json").read_text())
    swap = next(f for f in document["findings"] if f["probe"] == "order.swap")
    assert swap["effect"] == 1.0
    assert swap["metrics"]["biased_to_first"] == 1.0
    assert document["calls"]["made"] < document["calls"]["planned"]  # repeats of a deterministic judge are not asked
    assert document["judge"]["served_model"].startswith("smollm2")


def test_selfcheck_prints_every_judge_and_answers_for_it(voirdire, monkeypatch) -> None:
    from voirdire.suites import selfcheck

    rows = tuple(r for r in selfcheck.GRID if r.words in ("clean, accuracy .85", "first slot in 30 %"))
    monkeypatch.setattr(selfcheck, "GRID", rows)
    ran = voirdire("selfcheck", "--audits", "4")
    assert ran.code == 0
    assert all(r.words in ran.out for r in rows)
    assert json.loads(voirdire("selfcheck", "--audits", "1", "--json").out)[0]["false_alarms"] == 0
    # a machine that accuses a clean judge must not call itself sound
    liar = selfcheck.Row("a biased judge called clean", "constant")
    monkeypatch.setattr(selfcheck, "GRID", (liar,))
    ran = voirdire("selfcheck", "--audits", "4")
    assert ran.code == 1
    assert "must not be trusted" in ran.out
    assert voirdire("selfcheck", "--audits", "0").code == 2


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        ("gate", "4: the judge could not be reached or never gave a verdict."),
        ("compare", "and baseline files; reports of plain audits are compared by their intervals."),
    ],
)
def test_help_breaks_lines_at_the_width_of_the_terminal_only(voirdire, command: str, sentence: str) -> None:
    ran = voirdire(command, "--help")
    assert ran.code == 0
    assert any(sentence in line for line in ran.out.splitlines())


def test_the_seed_of_an_audit_also_orders_the_cases(voirdire) -> None:
    shown = " ".join(word for word in voirdire("audit", "--help").out.split() if word != "│")
    assert "Noise of mock judges; with --sequential also the order of the cases." in shown


def test_a_question_that_no_judge_is_shown_is_told_before_the_first_call(voirdire, tmp_path: Path) -> None:
    record = {"question": "Which?", "responses": ["one", "two"], "label": 0}
    (tmp_path / "cases.jsonl").write_text(json.dumps(record))
    ran = voirdire("audit", "--judge", "mock:oracle", "--cases", "cases.jsonl", "--probes", "order.swap")
    assert ran.code == 0
    assert 'No case has an "instruction"' in ran.err
    assert '"question"' in ran.err


def test_an_option_of_the_environment_is_blamed_by_its_own_name(voirdire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOIRDIRE_SAMPLES", "x")
    ran = voirdire("audit", "--judge", "mock:oracle")
    assert ran.code == 2
    assert "VOIRDIRE_SAMPLES='x' is no integer" in ran.err
    assert "--samples" not in ran.err


def test_a_baseline_that_is_missing_names_the_command_that_stores_one(voirdire) -> None:
    ran = voirdire("gate", "--judge", "mock:oracle", "--baseline", "none.json")
    assert ran.code == 2
    assert "voirdire baseline --judge SPEC --baseline FILE" in ran.err
