"""An output that cannot be written is told before the judge is asked: what was paid for must not be lost."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from voirdire.harness.errors import UsageError
from voirdire.reports.writable import check_file, check_folder

#: it leaves a file when it is asked
JUDGE = """
from pathlib import Path

def judge(case):
    Path("asked").touch()
    return 0
"""


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["audit", "-o", "taken/report"], "cannot write the report to taken/report"),
        (["audit", "-o", "taken"], "cannot write the report to taken"),
        (["gate", "-o", "taken/report"], "cannot write the report to taken/report"),
        (["baseline", "-b", "taken/b.json"], "--baseline taken/b.json cannot be written"),
        (["baseline", "-b", "."], "--baseline . cannot be written (it is a folder)"),
        (["compare", "mock:noisy", "--html", "taken/x.html"], "--html taken/x.html cannot be written"),
        (["compare", "mock:noisy", "--markdown", "taken/x.md"], "--markdown taken/x.md cannot be written"),
        (["attack", "-o", "taken/report"], "cannot write the report to taken/report"),
        (["attack", "--save", "taken/x.toml"], "--save taken/x.toml cannot be written"),
    ],
    ids=lambda x: " ".join(x) if isinstance(x, list) else None,
)
def test_it_is_told_before_the_first_call(voirdire, tmp_path: Path, command: list[str], words: str) -> None:
    (tmp_path / "judge.py").write_text(JUDGE)
    (tmp_path / "taken").write_text("a file")
    judge = ["python:judge.py:judge"] if command[0] == "compare" else ["--judge", "python:judge.py:judge"]
    ran = voirdire(*command, *judge, "--task", "pairwise", "--limit", "2", "--cache", "none")
    assert (ran.code, words in ran.err) == (2, True), ran.err
    assert sorted(p.name for p in tmp_path.iterdir()) == ["judge.py", "taken"]


def test_parquet_without_pyarrow_is_told_before_the_first_call(voirdire, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    (tmp_path / "judge.py").write_text(JUDGE)
    ran = voirdire("audit", "--judge", "python:judge.py:judge", "--task", "pairwise", "--format", "parquet", "-n", "2")
    assert (ran.code, "pyarrow" in ran.err) == (2, True), ran.err
    assert not (tmp_path / "asked").exists()


def test_what_can_be_written_is_left_as_it_was(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "new", tmp_path / "new" / "deeper"):
        check_folder(folder, ["json"])
        check_file(folder / "x.json", "--baseline")
    check_file(None, "--html")
    assert not list(tmp_path.iterdir())
    with pytest.raises(UsageError, match="it is a folder"):
        check_file(tmp_path, "--baseline")
