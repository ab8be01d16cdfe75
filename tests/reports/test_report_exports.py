"""Exports of a run: CSV and Parquet of findings and calls, the judge card, and runs stored by earlier versions."""

from __future__ import annotations

import csv
import dataclasses
import json
import re
from collections.abc import Callable
from pathlib import Path

import build_audits as build
import jsonschema
import pytest

from voirdire.cli import run
from voirdire.harness.errors import UsageError
from voirdire.harness.findings import SliceValue
from voirdire.reports.calls import COLUMNS, records, row
from voirdire.reports.card import card_json, card_markdown, committed_schema, schema_text
from voirdire.reports.junit import junit
from voirdire.reports.tables import csv_text, slices_csv
from voirdire.reports.write import FORMATS, read, write

Expected = Callable[[str, str], None]
STORED = Path(__file__).with_name("stored")
NAMES = ["fail", "ok", "inconclusive", "error_run", "score_run", "hostile"]
ACTIVE = ("<script", "<img", "](javascript", "@octocat ", "::error", "##[error]")
FACTS = {"prompt": "judge.md", "prompt hash": "0a1b2c3d4e5f", "parser": "verdict", "temperature": "0"}
CALLS = [
    {"call": 0, "case": "q1", "order": [0, 1], "edited": False, "sample": 0, "content": "ab", "choice": 0,
     "usage": {"input_tokens": 12, "cost_usd": 0.5}, "probabilities": {"0": 0.75, "1": 0.25}},
    {"call": 1, "case": "=cmd()", "order": [1, 0], "edited": True, "sample": 1, "content": "cd", "choice": "tie",
     "raw": "+1+cmd|' /C calc'!A0\n\x1b[31m \ud800", "example": True},
    {"call": 2, "case": "q3", "order": [0], "edited": True, "sample": 0, "content": "ef", "null": "unparsed",
     "reason": "@SUM(1)"},
    {"call": 3, "case": "q4", "order": [0], "edited": True, "sample": 0, "content": "gh", "score": 7},
]  # fmt: skip


# ---------------------------------------------------------------------------------------------------------- snapshots


@pytest.mark.parametrize("name", ["fail", "inconclusive", "score_run", "error_run"])
def test_texts_are_as_expected(name: str, expected: Expected) -> None:
    audit = dataclasses.replace(getattr(build, name)(), facts=FACTS)
    expected(f"card_{name}.md", re.sub(r"voirdire \d\S*,", "voirdire VERSION,", card_markdown(audit)))
    expected(f"junit_{name}.xml", junit(audit))
    expected(f"findings_{name}.csv", csv_text(audit))


# --------------------------------------------------------------------------------------------------------- judge card


def test_committed_schema_of_the_card_is_the_generated_one() -> None:
    assert committed_schema() == json.loads(schema_text())


@pytest.mark.parametrize("name", NAMES)
def test_card_fits_its_schema(name: str) -> None:
    data = json.loads(card_json(getattr(build, name)()))
    jsonschema.validate(data, committed_schema(), cls=jsonschema.Draft202012Validator)


def test_card_holds_no_case_and_no_path() -> None:
    audit = dataclasses.replace(build.fail(), cases_path="/home/ann/secret/cases.jsonl")
    for text in (card_json(audit), card_markdown(audit)):
        assert "q-117" not in text
        assert "Hartwell" not in text
        assert "secret" not in text
        assert "cases.jsonl" in text


def test_card_is_inert() -> None:
    text = card_markdown(build.hostile())
    for active in ACTIVE:
        assert active not in text.lower()
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_card_of_a_mock_says_so() -> None:
    assert "simulated" in card_markdown(build.ok())
    assert "simulated" not in card_markdown(build.fail())


# ---------------------------------------------------------------------------------------------------- CSV and Parquet


def test_calls_as_csv(tmp_path: Path) -> None:
    write(build.ok(), tmp_path, ["csv"], call_records=CALLS)
    with (tmp_path / "calls.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [r["case"] for r in rows] == ["q1", "'=cmd()", "q3", "q4"]
    assert [r["choice"] for r in rows] == ["0", "tie", "", ""]
    assert (rows[0]["input_tokens"], rows[0]["cost_usd"], rows[0]["output_tokens"]) == ("12", "0.5", "")
    assert json.loads(rows[0]["probabilities"]) == {"0": 0.75, "1": 0.25}
    for found in rows:
        for name, cell in found.items():
            assert not cell.startswith(("=", "+", "@", "\t", "\r")), (name, cell)
            assert "\x1b" not in cell


def test_slices_as_csv() -> None:
    audit = dataclasses.replace(build.ok(), slices=(SliceValue("lang", "=x", "accuracy", 0.5, 0.25, 0.75, 8, None),))
    assert slices_csv(audit).splitlines()[1] == "lang,'=x,accuracy,0.5,0.25,0.75,8,"


def test_parquet_holds_findings_slices_and_calls(tmp_path: Path) -> None:
    pq = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
    audit = dataclasses.replace(build.fail(), slices=(SliceValue("lang", "en", "accuracy", 0.5, 0.25, 0.75, 8, 0.2),))
    files = write(audit, tmp_path, ["parquet"], call_records=CALLS)
    assert set(files) == {"findings.parquet", "slices.parquet", "calls.parquet", "calls.jsonl"}
    found = pq.read_table(files["findings.parquet"]).to_pylist()
    assert [f["probe"] for f in found] == list(audit.findings)
    book = next(f for f in found if f["probe"] == "authority.book")
    assert (book["effect"], book["metrics.asr"], book["nulls.follow_up"]) == (0.21, 0.4, 2)
    assert book["counterexamples"] == ["q-117", "q-042", "q-009"]
    assert pq.read_table(files["slices.parquet"]).to_pylist()[0]["p_adjusted"] == 0.2
    calls = pq.read_table(files["calls.parquet"])
    assert calls.column_names == list(COLUMNS)
    back = calls.to_pylist()
    assert [c["choice"] for c in back] == ["0", "tie", None, None]
    assert (
        back[1]["raw"] == "+1+cmd|' /C calc'!A0\n\x1b[31m \\ud800"
    )  # data, not for eyes: only what is no text changes
    assert (back[1]["example"], back[0]["example"]) == (True, False)
    assert back[3]["score"] == 7.0


def test_parquet_of_a_run_without_findings(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
    assert set(write(build.error_run(), tmp_path, ["parquet"])) == {"findings.parquet"}


def test_parquet_without_pyarrow_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(UsageError, match="needs pyarrow"):
        write(build.ok(), tmp_path / "run", ["json", "parquet"])
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "line", [b"{", b"[1]", b"\xff\xfe{}", b"nonsense", b'{"a":' * 100_000, b'{"call": NaN', b"null"], ids=range(7)
)
def test_a_damaged_record_is_named(line: bytes, tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"
    path.write_bytes(b'{"call": 0}\n\n' + line + b"\n")
    with pytest.raises(UsageError, match=r"calls\.jsonl, line 3"):
        list(records(path))


def test_values_of_the_wrong_kind_are_left_out() -> None:
    odd = {"call": "7", "score": True, "grade": 1, "margin": "x", "case": 5, "usage": "none", "sample": 2**40}
    found = dict(zip(COLUMNS, row(odd), strict=True))
    assert (found["call"], found["score"], found["grade"], found["margin"]) == (None, None, None, None)
    assert (found["case"], found["sample"]) == ("5", 2**40)


# ------------------------------------------------------------------------------------------------ runs of other days


@pytest.mark.parametrize("version", sorted(p.name for p in STORED.iterdir()))
def test_runs_of_earlier_versions_are_rendered_again(version: str, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    formats = ",".join(FORMATS)
    assert run(["report", str(STORED / version), "--out", str(tmp_path), "--format", formats, "--quiet"]) == 0
    audit = read(STORED / version)
    assert set(audit.findings) == {"order.swap", "verbosity.filler", "degradation.number"}
    assert read(tmp_path) == audit
    names = {p.name for p in tmp_path.iterdir()}
    assert {"index.html", "audit.md", "junit.xml", "judge-card.md", "calls.csv", "calls.parquet"} <= names
    with (tmp_path / "calls.csv").open(encoding="utf-8", newline="") as file:
        assert len(list(csv.DictReader(file))) == 20


def test_a_run_of_a_newer_version_says_so(tmp_path: Path) -> None:
    (tmp_path / "audit.json").write_text('{"schema": "voirdire.audit/2"}')
    with pytest.raises(UsageError) as caught:
        read(tmp_path)
    assert "A newer voirdire wrote it" in str(caught.value) + str(caught.value.hint)


def test_the_time_of_writing_is_said_only_on_demand(tmp_path: Path) -> None:
    write(build.fail(), tmp_path / "run", ["json"])
    pages = []
    for options in ([], [], ["--stamp"]):
        arguments = [
            "report",
            str(tmp_path / "run"),
            "--out",
            str(tmp_path / "out"),
            "--format",
            "html",
            "-q",
            *options,
        ]
        assert run(arguments) == 0
        pages.append((tmp_path / "out" / "index.html").read_text("utf-8"))
    assert pages[0] == pages[1]
    assert "Written 2" not in pages[0]
    assert "Written 2" in pages[2]
