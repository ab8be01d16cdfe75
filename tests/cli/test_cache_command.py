"""`voirdire cache`: info, prune, export, verify, as a user types them."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from sql import sql

from voirdire.cli.cache import app
from voirdire.harness.engine.store import CallStore
from voirdire.harness.errors import UsageError
from voirdire.harness.verdicts import Verdict


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """`cache("info", ...)` in a folder that holds the store of an audit; returns what was printed."""
    monkeypatch.chdir(tmp_path)
    with CallStore(Path(".voirdire") / "calls.sqlite") as store:
        store.describe("f" * 64, name="openai:judge", spec="openai:judge")
        for k in range(30):
            store.put("f" * 64, (f"q{k:02}", 0), Verdict(choice=0, raw=f"reply {k}"))

    def go(*arguments: str) -> str:
        capsys.readouterr()
        assert app([*arguments], standalone_mode=False) == 0
        return capsys.readouterr().out

    return go


def test_info(cache: Callable[..., str]) -> None:
    said = cache("info")
    assert "30 answers of 1 judge" in said
    assert "openai:judge  ffffffffffff" in said
    (judge,) = json.loads(cache("info", "--json"))["judges"]
    assert (judge["name"], judge["answers"], judge["open_run"]) == ("openai:judge", 30, False)


def test_prune(cache: Callable[..., str]) -> None:
    assert "0 answers dropped, 30 left" in cache("prune", "--older-than", "1d")
    sql(".voirdire/calls.sqlite", "UPDATE calls SET created = created - 90000 WHERE content < 'q10'")
    assert "10 answers dropped, 20 left" in cache("prune", "--older-than", "1d")
    assert "20 answers dropped, 0 left" in cache("prune", "--judge", "openai:judge")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "was not told what to drop"),
        (["--older-than", "yesterday"], "--older-than 'yesterday'"),
        (["--max-size", "-3MB"], "--max-size '-3MB'"),
        (["--judge", "nobody"], "no answers of a judge 'nobody'"),
        (["--cache", "nowhere.sqlite", "--older-than", "1d"], "there is no cache nowhere.sqlite"),
    ],
)
def test_prune_says_what_is_wrong(cache: Callable[..., str], arguments: list[str], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        cache("prune", *arguments)
    assert "30 answers" in cache("info")


def test_export(cache: Callable[..., str]) -> None:
    printed = [json.loads(line) for line in cache("export").splitlines()]
    assert [row["content"] for row in printed] == [f"q{k:02}" for k in range(30)]
    assert "30 answers written to out.jsonl" in cache("export", "--out", "out.jsonl")
    out = Path("out.jsonl")
    assert [json.loads(line) for line in out.read_text().splitlines()] == printed
    assert stat.S_IMODE(out.stat().st_mode) == 0o600


def test_export_of_nothing_makes_no_file(cache: Callable[..., str]) -> None:
    with pytest.raises(UsageError):
        cache("export", "--cache", "nowhere.sqlite", "--out", "out.jsonl")
    assert not Path("out.jsonl").exists()


def test_verify(cache: Callable[..., str], capsys: pytest.CaptureFixture[str]) -> None:
    assert "is whole: 30 answers" in cache("verify")
    sql(".voirdire/calls.sqlite", "UPDATE calls SET verdict = '{' WHERE content = 'q07'")
    with pytest.raises(UsageError, match=r"is damaged(.|\n)*export"):
        cache("verify")
    assert "answer q07" in capsys.readouterr().out
