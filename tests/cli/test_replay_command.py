"""`voirdire replay`: verdicts that are already there, from every kind of file, audited without a judge."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from observed_rates import pairs, record, singles
from public_samples import LINES, SAMPLES

from voirdire.harness.cases import Case
from voirdire.reports.observed_write import committed_schema, schema_text
from voirdire.suites.loaders import load

Run = Callable[..., Any]


def write_log(path: Path, cases: list[Case], *specs: str, labels: bool = True) -> Path:
    """A plain log, both orders as they were shown."""
    lines = []
    for spec in specs:
        for (identity, order, _), verdict in record(spec, cases).verdicts.items():
            case = next(c for c in cases if c.id == identity).reordered(order)
            line = {"instruction": case.instruction, "responses": case.responses, "verdict": verdict.value}
            lines.append(line | {"judge": spec} | ({"label": case.label} if labels else {}))
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def write_cases(path: Path, cases: list[Case]) -> Path:
    lines = [c.shown() | {"id": c.id, "label": c.label, "group": c.group} for c in cases]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def test_a_plain_log_is_audited(voirdire: Run, tmp_path: Path) -> None:
    log = write_log(tmp_path / "log.jsonl", pairs(200, 1), "noisy?accuracy=.9&longer=.6", "noisy?accuracy=.9")
    ran = voirdire("replay", log.name, "--out", "out")
    assert ran.code == 0
    assert "No judge was called" in ran.out
    assert "observational" in ran.out
    assert max(map(len, ran.out.splitlines())) <= 80
    data = json.loads(Path("out/replay.json").read_text())
    jsonschema.validate(data, committed_schema(), cls=jsonschema.Draft202012Validator)
    swayed, clean = ({p["name"]: p for p in j["preferences"]} for j in data["judges"])
    assert (swayed["longer"]["decision"], swayed["longer"]["basis"]) == ("preference", "labels")
    assert "preference" not in {p["decision"] for p in clean.values()}
    assert data["between"][0]["judges"] == ["noisy?accuracy=.9&longer=.6", "noisy?accuracy=.9"]
    page = Path("out/replay.md").read_text()
    assert "Goes for longer answers" in page
    # the command that is proposed runs, and asks as often as was said
    (length,) = [i for i in data["interventions"] if i["about"] == "length"]
    command = length["command"].replace("JUDGE", "mock:noisy").split()[1:]
    audited = voirdire(*command, "--out", "r", "--cache", "none", "--minimise", "0")
    assert audited.code == 0
    assert json.loads(Path("r/audit.json").read_text())["calls"]["planned"] == length["calls"]


def test_the_committed_schema_is_the_generated_one() -> None:
    assert committed_schema() == json.loads(schema_text())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"schema": "voirdire.audit/1"}, committed_schema())


def test_json_and_quiet(voirdire: Run, tmp_path: Path) -> None:
    log = write_log(tmp_path / "log.jsonl", pairs(60, 1), "noisy?first=1")
    assert json.loads(voirdire("replay", log, "--json").out)["schema"] == "voirdire.observed/1"
    said = voirdire("replay", log, "-q").out
    assert said == "noisy?first=1: Goes for the first slot (+1.00).\n"


def test_without_labels_the_confounding_is_said(voirdire: Run, tmp_path: Path) -> None:
    log = write_log(tmp_path / "log.jsonl", pairs(200, 1), "noisy?accuracy=.9&longer=.6", labels=False)
    out = " ".join(voirdire("replay", log).out.split())
    assert "That may be quality: no label holds it fixed." in out
    assert "Goes for longer" not in out
    assert "perhaps quality: for longer answers" in out


def test_our_own_recording_needs_its_cases(voirdire: Run, tmp_path: Path) -> None:
    cases = write_cases(tmp_path / "cases.jsonl", pairs(40, 2))
    made = voirdire(
        "audit", "--judge", "mock:noisy?first=.6", "--cases", cases, "--probes", "order.swap", "--probes",
        "verbosity.filler", "--record", "rec.jsonl", "--samples", "2", "--cache", "none", "--out", "run",
    )  # fmt: skip
    assert made.code == 0
    alone = voirdire("replay", "rec.jsonl")
    assert alone.code == 2
    assert "--cases FILE" in alone.err
    ran = voirdire("replay", "rec.jsonl", "--cases", cases, "--json")
    assert ran.code == 0
    data = json.loads(ran.out)
    (judge,) = data["judges"]
    assert judge["verdicts"] == 40 * 2 * 2
    assert judge["position"]["n"] == 40
    assert judge["stability"]["repeats"] == 2
    assert any("edited answers" in n for n in data["notes"])
    assert {p["name"]: p["decision"] for p in judge["preferences"]}["first slot"] == "preference"
    # the report folder holds the same verdicts, and knows its cases
    folder = json.loads(voirdire("replay", "run", "--json").out)
    assert folder["judges"][0]["preferences"] == judge["preferences"]
    assert folder["judges"][0]["judge"] == "mock:noisy?first=.6"
    records = json.loads(voirdire("replay", "run/calls.jsonl", "--json").out)
    assert records["judges"] == folder["judges"]


def test_a_scored_run_on_built_in_cases(voirdire: Run) -> None:
    voirdire(
        "audit", "--judge", "mock:noisy?longer=.5", "--task", "score", "--probes", "verbosity.filler",
        "--cache", "none", "--out", "run",
    )  # fmt: skip
    data = json.loads(voirdire("replay", "run", "--json").out)
    (judge,) = data["judges"]
    assert judge["task"] == "score"
    assert judge["agreement"]["n"] > 100
    assert judge["agreement"]["pearson"] > 0.5
    assert all("--cases" not in i["command"] for i in data["interventions"])


def test_call_records_alone_tell_the_kind_of_judge(voirdire: Run, tmp_path: Path) -> None:
    cases = write_cases(tmp_path / "cases.jsonl", singles(30, 1))
    voirdire(
        "audit", "--judge", "mock:noisy", "--task", "score", "--cases", cases, "--probes", "stability.retest",
        "--cache", "none", "--out", "run",
    )  # fmt: skip
    Path("run/calls.jsonl").rename("alone.jsonl")
    ran = voirdire("replay", "alone.jsonl", "--cases", cases, "--json")
    assert ran.code == 0
    assert json.loads(ran.out)["judges"][0]["task"] == "score"


def test_names_cannot_act(voirdire: Run, tmp_path: Path) -> None:
    evil = "\x1b[31m[bold]x</code><script>::error::@octocat"
    lines = [
        {
            "instruction": "q",
            "responses": [f"a{i}", f"b{i} longer"],
            "verdict": "A",
            "judge": evil,
            "models": [evil, "m"],
        }
        for i in range(30)
    ]
    log = tmp_path / "log.jsonl"
    log.write_text("".join(json.dumps(line) + "\n" for line in lines))
    ran = voirdire("replay", log, "--out", "out")
    assert ran.code == 0
    assert "\x1b" not in ran.all
    assert "\n::error" not in ran.out
    page = Path("out/replay.md").read_text()
    assert "<script>" not in page
    assert "@octocat" not in page


def test_a_judge_that_never_answered(voirdire: Run, tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    log.write_text("".join(json.dumps({"responses": ["a", str(i)], "verdict": None}) + "\n" for i in range(8)))
    ran = voirdire("replay", log)
    assert ran.code == 4
    assert "It never gave a verdict." in ran.out


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"responses": ["a", "b"], "verdict": "maybe"}', 'line 1: "verdict" must be "A", "B", "tie"'),
        ('{"responses": ["a", "b"], "verdict": true}', "line 1"),
        ('{"responses": ["a"], "verdict": {}}', 'line 1: "verdict" must be a number, or pass or fail'),
        ('{"responses": [1, "b"], "verdict": "A"}', 'line 1: "responses"[0] must be a text'),
        ('{"response": 3, "verdict": "A"}', 'line 1: "response" must be a text'),
        ('{"responses": ["a", "b"], "verdict": "A", "label": 7}', '"label" is 7'),
        ('{"responses": ["a", "b"]}', "none that is known"),
        ('{"schema": "voirdire.replay/9", "task": "pairwise"}', "line 1: field 'schema'"),
        (
            '{"call": 0, "case": "c", "order": [0, 0], "edited": false, "sample": 0, "choice": 1}',
            '"order" must be each',
        ),
        (
            '{"call": 0, "case": "c", "order": [0, 1], "edited": 1, "sample": 0, "choice": 1}',
            '"edited" must be true or',
        ),
        ('{"call": 0, "case": "c", "order": [0, 1], "edited": false, "sample": 0, "choice": 7}', "line 1: the verdict"),
        ('{"call": 0, "case": "c", "order": [0, 1], "edited": false, "sample": 0, "null": "x"}', "kind of judge"),
        ("", "the file is empty"),
    ],
)
def test_wrong_lines_are_named(voirdire: Run, tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text(content)
    ran = voirdire("replay", path)
    assert ran.code == 2
    assert "log.jsonl" in ran.err or "kind of judge" in ran.err
    assert said in ran.err


def test_what_does_not_fit_together_is_said(voirdire: Run, tmp_path: Path) -> None:
    log = write_log(tmp_path / "log.jsonl", pairs(10, 1), "noisy?first=.1")
    other = write_cases(tmp_path / "other.jsonl", pairs(10, 2))
    alone = voirdire("replay", log, "--cases", other)
    assert alone.code == 2
    assert "no verdict is about a case of --cases" in alone.err
    assert "no judge" in voirdire("replay", log, "--only", "gpt*").err
    assert "no recorded verdicts" in voirdire("replay", f"pandalm:{_pandalm(tmp_path)}").err
    assert voirdire("replay", tmp_path).code == 2
    assert voirdire("replay", "none.jsonl").code == 2
    assert voirdire("replay", log, "--format", "pdf").code == 2
    assert voirdire("replay", log, "--tolerance", "7").code == 2
    hand = tmp_path / "hand.jsonl"
    lines = [{"schema": "voirdire.replay/1", "task": "pairwise"}, {"id": "c0", "verdict": "A"}]
    hand.write_text("".join(json.dumps(line) + "\n" for line in lines))
    ran = voirdire("replay", hand, "--cases", write_cases(tmp_path / "single.jsonl", [Case("q", ("a",), id="c0")]))
    assert ran.code == 2
    assert "about 2 answers of case 'c0', which has 1" in ran.err
    twice = voirdire("replay", hand, "--cases", other, "--cases", write_cases(tmp_path / "x.jsonl", pairs(10, 3)))
    assert "different cases called 'c0'" in twice.err


def _pandalm(folder: Path) -> Path:
    path = folder / "p.json"
    row = {"idx": 0, "instruction": "q", "input": "", "response1": "a", "response2": "b"}
    path.write_text(json.dumps([row | {f"annotator{i}": 1 for i in (1, 2, 3)}]))
    return path


def test_figures_of_public_verdicts(voirdire: Run, public_data: Callable[[str], Path]) -> None:
    judge = public_data("pandalm/gpt-3.5-turbo-testset-v1.json")
    cases = public_data("pandalm/testset-v1.json")
    data = json.loads(voirdire("replay", f"pandalm:{judge}", "--cases", f"pandalm:{cases}", "--json").out)
    (found,) = data["judges"]
    assert (found["agreement"]["n"], found["agreement"]["nulls"]) == (974, 25)
    # as on docs/anchors.md
    assert found["agreement"]["accuracy"] == pytest.approx(697 / 974, abs=1e-3)
    assert found["agreement"]["kappa"] == pytest.approx(0.49286, abs=1e-5)
    table = public_data("llmbar/recorded_verdicts.jsonl.gz")
    fair = public_data("llmbar/Processed/FairEval.json")
    arguments = ("--cases", f"llmbar:{fair}", "--only", "ChatGPT/Vanilla_NoRules", "--json")
    (chatgpt,) = json.loads(voirdire("replay", f"llmbar:{table}", *arguments).out)["judges"]
    assert 1 - chatgpt["position"]["consistency"] == pytest.approx(54 / 66)
    assert chatgpt["position"]["first_both"] == pytest.approx(54 / 66)
    assert chatgpt["agreement"]["accuracy"] == pytest.approx(0.576, abs=5e-4)
    absolute = public_data("mt_bench_absolute/mt_bench_eval.json")
    (gpt4,) = json.loads(voirdire("replay", absolute, "--json").out)["judges"]
    assert gpt4["stability"]["all_equal"] == pytest.approx(141 / 320)
    assert gpt4["stability"]["modal_share"] == pytest.approx(0.7979167, abs=1e-6)
    assert gpt4["stability"]["alpha"] == pytest.approx(0.815, abs=5e-4)


@pytest.mark.parametrize(
    "command", [("replay", "log.jsonl"), ("replay", "log.jsonl", "--json"), ("plan", "-j", "mock:noisy")]
)
def test_a_terminal_that_knows_only_ascii_is_printed_to(tmp_path: Path, command: tuple[str, ...]) -> None:
    lines = [{"responses": [f"é{i}", f"b{i}✗"], "verdict": "A", "judge": "é·"} for i in range(8)]
    (tmp_path / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    done = subprocess.run(
        [sys.executable, "-m", "voirdire", *command],
        cwd=tmp_path,
        env={**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "LC_ALL": "C"},
        capture_output=True,
        check=True,
    )
    assert done.stdout.decode("ascii")


@pytest.mark.parametrize("name", [*SAMPLES, *LINES])
def test_every_format_with_verdicts_is_replayed(voirdire: Run, tmp_path: Path, name: str) -> None:
    spec = {**SAMPLES, **LINES}[name].write(tmp_path)
    recorded = load(spec).recorded
    ran = voirdire("replay", spec, "--out", "out")
    if not recorded:
        assert ran.code == 2
        assert "no recorded verdicts" in ran.err
        return
    assert ran.code in (0, 4), ran.err
    data = json.loads(Path("out/replay.json").read_text())
    jsonschema.validate(data, committed_schema(), cls=jsonschema.Draft202012Validator)
    assert [j["judge"] for j in data["judges"]] == [r.judge for r in recorded]
    assert sum(j["verdicts"] for j in data["judges"]) == sum(len(r.verdicts) for r in recorded)


def test_a_report_folder_cannot_have_other_files_quoted(voirdire: Run, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("hunter2 is no case\n")
    call = {"call": 0, "case": "c", "order": [0, 1], "edited": False, "sample": 0, "content": "x", "choice": 0}
    run = tmp_path / "run"
    run.mkdir()
    (run / "calls.jsonl").write_text(json.dumps(call) + "\n")
    audit = {"judge": {"spec": "j", "task": "pairwise"}, "cases": {"path": str(secret)}}
    (run / "audit.json").write_text(json.dumps(audit))
    ran = voirdire("replay", run)
    assert ran.code == 0
    assert "are no cases any more" in " ".join(ran.out.split())
    assert "hunter2" not in ran.all


def test_many_people_with_few_votes_each(voirdire: Run, tmp_path: Path) -> None:
    lines = [
        {"instruction": f"q{i // 2}", "responses": ["a", "b"], "verdict": "AB"[i % 2], "judge": f"p{i % 40}"}
        for i in range(400)
    ]
    (tmp_path / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    ran = voirdire("replay", "log.jsonl")
    said = " ".join(ran.out.split())
    assert ran.code == 0
    assert "… 10 more" in said
    assert "first 26 of 40 pairwise judges" in said
    assert "36 more judges in the files of --out DIR" in said
    assert max(map(len, ran.out.splitlines())) <= 80
