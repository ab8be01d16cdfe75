"""Large JSONL files stay on the disk, and read as small ones do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from voirdire.harness import casefiles
from voirdire.harness.case_table import CaseTable
from voirdire.harness.casefiles import cases_hash, check_task, read_cases
from voirdire.harness.clusters import clusters_of
from voirdire.harness.errors import CaseFileError


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(casefiles, "LARGE_FILE", 0)


def write(path: Path, number: int = 300) -> Path:
    lines = []
    for i in range(number):
        case = {
            "instruction": f"问题 {i}?\u2028",
            "responses": [f"a{i}", "b" * (i % 40)],
            "label": i % 2,
            "meta": {"k": i},
        }
        lines.append(json.dumps(case | ({"id": f"q{i}"} if i % 3 else {}), ensure_ascii=bool(i % 5)))
        lines += [""] * (i % 7 == 0)
    path.write_text("\ufeff" + "\n".join(lines), encoding="utf-8")
    return path


def test_a_large_file_reads_as_a_small_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "c.jsonl")
    small = read_cases(path)
    assert isinstance(small, list)
    monkeypatch.setattr(casefiles, "LARGE_FILE", 0)
    table = read_cases(path)
    assert isinstance(table, CaseTable)
    assert list(table) == small
    assert [table[i] for i in (0, 299, 150, 64, 63, -1, -300)] == [small[i] for i in (0, 299, 150, 64, 63, -1, -300)]
    for part in (slice(None, 5), slice(60, 140), slice(0, 300, 7), slice(-3, None), slice(9, 9)):
        assert list(table[part]) == small[part]
    assert list(read_cases(path, limit=70)) == small[:70]
    assert cases_hash(table) == cases_hash(small)
    assert [c.meta["k"] for c in table] == list(range(300))
    check_task(table, "pairwise")
    for number in (300, -301):
        with pytest.raises(IndexError):
            table[number]


@pytest.mark.usefixtures("large")
def test_clusters_of_a_table_are_those_of_a_list(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    groups = [None, "a", None, "b", "a", None, "b", None]
    path.write_text(
        "\n".join(json.dumps({"id": f"q{i}", "responses": [f"x{i}"], "group": g}) for i, g in enumerate(groups))
    )
    table = read_cases(path)
    assert clusters_of(table).numbers.tolist() == clusters_of(list(table)).numbers.tolist() == [0, 1, 2, 3, 1, 4, 3, 5]


@pytest.mark.usefixtures("large")
def test_what_is_wrong_with_a_large_file_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "c.jsonl")
    good = path.read_text(encoding="utf-8")
    for line, words in (
        ("{", r"line 344: not JSON"),
        ('{"responses": ["a", 1]}', r"line 344: .*must be a text"),
        ('{"id": "q1", "responses": ["a", "b"]}', r"line 344: \"id\" 'q1' was used on line 3 already"),
    ):
        path.write_text(good + "\n" + line, encoding="utf-8")
        with pytest.raises(CaseFileError, match=f"(?s){words}"):
            read_cases(path)
    path.write_bytes(good.encode() + b"\n" + b"\xe9")
    with pytest.raises(CaseFileError, match=r"line 344: byte .* is not UTF-8"):
        read_cases(path)
    path.write_text("\n \n")
    with pytest.raises(CaseFileError, match="no cases"):
        read_cases(path)
    path.write_bytes(b"")
    with pytest.raises(CaseFileError, match="no cases"):
        read_cases(path)


@pytest.mark.usefixtures("large")
def test_a_file_that_changes_under_the_audit_is_an_error(tmp_path: Path) -> None:
    path = write(tmp_path / "c.jsonl")
    table = read_cases(path)
    assert table[0].responses[0] == "a0"
    with path.open("a") as file:
        file.write("\n{}")
    with pytest.raises(CaseFileError, match="changed while it was being read"):
        table[299]


@pytest.mark.usefixtures("large")
def test_other_formats_are_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "c.csv"
    path.write_text('responses,label\n"[""a"", ""b""]",0\n')
    assert isinstance(read_cases(path), list)
