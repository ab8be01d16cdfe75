"""The run's folder: JSON and its schema, the way back, CSV, JUnit, errors."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import math
from pathlib import Path

import build_audits as build
import jsonschema
import numpy as np
import pytest

from voirdire.harness.errors import UsageError
from voirdire.harness.findings import Findings
from voirdire.reports.schema import committed_schema, schema_text, to_document
from voirdire.reports.tables import csv_text
from voirdire.reports.write import read, write

NAMES = ["fail", "ok", "inconclusive", "error_run", "score_run", "hostile"]
ALL = ("html", "md", "json", "csv", "junit", "card")
ONE_EACH = ("index.html", "audit.md", "findings.csv", "junit.xml", "judge-card.md")


def test_committed_schema_is_the_generated_one() -> None:
    assert committed_schema() == json.loads(schema_text())


@pytest.mark.parametrize("name", NAMES)
def test_document_fits_the_schema_and_comes_back(name: str, tmp_path: Path) -> None:
    audit = getattr(build, name)()
    write(audit, tmp_path, ["json"])
    data = json.loads((tmp_path / "audit.json").read_text("utf-8"))
    jsonschema.validate(data, committed_schema(), cls=jsonschema.Draft202012Validator)
    again = read(tmp_path / "audit.json")
    assert again == read(tmp_path)
    assert again.examples == audit.examples
    # a lone surrogate cannot stand in a document; all else comes back as it was
    assert again == audit or name == "hostile"


def test_schema_refuses_what_is_wrong() -> None:
    data = json.loads(to_document(build.fail()).text())
    for change in ({"schema": "voirdire.audit/2"}, {"verdict": "maybe"}, {"findings": None}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({**data, **change}, committed_schema())


def test_contract_keys_are_there() -> None:
    data = json.loads(to_document(build.fail()).text())
    assert list(data)[:6] == ["schema", "voirdire", "created", "seed", "alpha", "mode"]
    assert {"judge", "suite", "cases", "calls", "noise", "discrimination", "findings", "verdict"} <= set(data)
    contract = (
        "probe family relation decision reason effect low high tolerance min_drop p_adjusted target dose samples n "
        "nulls errors not_applicable flip_rate retest_flip_rate sham_effect more_cases_needed metrics counterexamples "
        "baseline_effect change change_low change_high margin"
    )
    assert set(contract.split()) <= set(data["findings"][0])


def test_unknown_numbers_are_null() -> None:
    found = build.finding("order.swap", build.Relation.EQUIVARIANT, "inconclusive", 0.1, 0.0)
    metrics = {"a": np.float64("nan"), "b": np.float32(2)}
    found = dataclasses.replace(found, effect=math.nan, high=math.inf, metrics=metrics)
    deep = {"deep": [{"x": np.int64(3)}, math.nan]}
    audit = dataclasses.replace(build.fail(), findings=Findings([found]), metrics=deep)
    text = to_document(audit).text()
    assert "NaN" not in text
    assert "Infinity" not in text
    data = json.loads(text)
    assert data["findings"][0]["effect"] is None
    assert data["findings"][0]["metrics"] == {"a": None, "b": 2.0}
    assert data["metrics"] == {"deep": [{"x": 3}, None]}


@pytest.mark.parametrize("name", ["fail", "hostile"])
def test_same_audit_same_bytes_also_from_disk(name: str, tmp_path: Path) -> None:
    audit = getattr(build, name)()
    first = write(audit, tmp_path / "a", ALL)
    second = write(read(tmp_path / "a"), tmp_path / "b", ALL)
    assert set(first) == {*ONE_EACH, "audit.json", "examples.jsonl", "slices.csv", "judge-card.json"}
    for file, path in first.items():
        assert path.read_bytes() == second[file].read_bytes(), file
    assert sorted(p.name for p in (tmp_path / "a").iterdir()) == sorted(first)


def test_call_records(tmp_path: Path) -> None:
    files = write(build.ok(), tmp_path, ["json"], call_records=iter([{"case": "é\ud800"}, {"case": 2}]))
    lines = files["calls.jsonl"].read_text("utf-8").splitlines()
    assert [json.loads(line) for line in lines] == [{"case": "é\ud800"}, {"case": 2}]


def test_a_failing_renderer_leaves_the_folder_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(build.fail(), tmp_path, ["json"])
    before = (tmp_path / "audit.json").read_bytes()

    def records():
        yield {"a": 1}
        raise RuntimeError("disk")

    with pytest.raises(RuntimeError):
        write(build.fail(), tmp_path, ["json"], call_records=records())
    assert sorted(p.name for p in tmp_path.iterdir()) == ["audit.json", "examples.jsonl"]
    assert (tmp_path / "audit.json").read_bytes() == before


def test_what_is_no_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no folder"):
        read(tmp_path / "nowhere")
    with pytest.raises(UsageError, match=r"has no audit\.json"):
        read(tmp_path)
    write(build.fail(), tmp_path, ["json"])
    (tmp_path / "examples.jsonl").write_text('{"case_id": 1}\n')
    with pytest.raises(UsageError, match=r"examples\.jsonl, line 1"):
        read(tmp_path)
    (tmp_path / "examples.jsonl").unlink()
    with pytest.raises(UsageError, match=r"has no examples\.jsonl"):
        read(tmp_path)
    for text, message in (
        ("{", "not JSON"),
        ("[]", "schema is"),
        ('{"schema": "voirdire.audit/1"}', "voirdire: Field"),
    ):
        (tmp_path / "audit.json").write_text(text)
        with pytest.raises(UsageError, match=message):
            read(tmp_path)


def test_unknown_format_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Did you mean 'junit'"):
        write(build.ok(), tmp_path, ["junitt"])
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot write the report"):
        write(build.ok(), tmp_path / "file", ["md"])


def test_csv_runs_no_formula_and_keeps_numbers() -> None:
    rows = list(csv.DictReader(io.StringIO(csv_text(build.hostile()))))
    assert [row["probe"] for row in rows] == ["authority.book", "'=cmd()<script>", "'@x.y"]
    assert rows[1]["low"] == "-0.2"
    assert rows[2]["effect"] == ""
    for row in rows:
        for name, cell in row.items():
            if name not in ("effect", "low", "high", "min_drop"):
                assert not cell.startswith(("=", "+", "-", "@", "\t", "\r")), (name, cell)
