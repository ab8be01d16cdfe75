"""The command that a report names beside an example asks the same judge the same questions, and shows no secret."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
from endpoint import endpoint
from fake_server import ok

from voirdire.cli.asking import Asking
from voirdire.cli.options import address_shown

PROMPT = """Which answers the question better?
{{ fence(instruction, "question") }}
{{ fence(response_a, "first") }}
{{ fence(response_b, "second") }}
Write [[A]] or [[B]]."""

HOUSE = """[judges.house]
spec = "openai:judge-1"
base_url = "{}"
prompt = "my prompt.md"
params = {{ temperature = 0.5 }}
"""

SUITE = """extends = "quick"
name = "ours"
"""


@pytest.fixture
def files(tmp_path: Path) -> list[object]:
    """Cases, a prompt and a suite in files whose names have blanks; the options that name them."""
    cases = [
        {"instruction": f"Question {i}?", "responses": [f"Right answer {i}.", f"Wrong answer {i}!"], "label": 0}
        for i in range(40)
    ]
    (tmp_path / "my cases.jsonl").write_text("\n".join(map(json.dumps, cases)))
    (tmp_path / "my prompt.md").write_text(PROMPT)
    (tmp_path / "my suite.toml").write_text(SUITE)
    return ["--cases", "my cases.jsonl", "--suite", "my suite.toml", "--seed", "3"]


def commands(path: Path) -> list[list[str]]:
    """The commands of a report in Markdown, as words."""
    text = path.read_text()
    found = re.findall(r"Again: `([^`]+)`", text)
    assert found, text
    return [shlex.split(line)[1:] for line in found]


@pytest.mark.parametrize("named", [False, True])
def test_the_command_asks_what_was_asked(voirdire, files: list[object], tmp_path: Path, named: bool) -> None:
    """All answers come from the store: judge, prompt, parameters, cases and seed are the same."""
    with endpoint([ok("[[A]]")]) as server:
        (tmp_path / "voirdire.toml").write_text(HOUSE.format(server.url))
        spelled = ["--base-url", server.url, "--prompt", "my prompt.md", "--param", "temperature=0.5"]
        judge = ["--judge", "house"] if named else ["--judge", "openai:judge-1", *spelled]
        trust = ["--trust-config"]
        assert voirdire("audit", *judge, *files, "--yes", "--format", "md", *trust).code == 0
        asked = len(server.requests)
        again = commands(tmp_path / "voirdire-report" / "audit.md")
        assert again[0][:3] == ["audit", *judge[:2]]
        for words in again:
            ran = voirdire(*words, "--out", "again", "--yes", *trust)
            assert ran.code == 0, ran.err
            audit = json.loads(Path("again/audit.json").read_text())
            assert (audit["seed"], audit["cases"]["n"]) == (3, 1)
            assert [f["probe"] for f in audit["findings"]] == [words[words.index("--probes") + 1]]
        assert len(server.requests) == asked


def test_the_command_that_measures_a_change_keeps_the_rest(voirdire, files: list[object], tmp_path: Path) -> None:
    with endpoint([ok("[[A]]")]) as server:
        options = ["--base-url", server.url, "--prompt", "my prompt.md", "--param", "temperature=0.5"]
        assert voirdire("audit", "--judge", "openai:judge-1", *options, *files, "--yes", "--format", "md").code == 0
    text = (tmp_path / "voirdire-report" / "audit.md").read_text()
    (line,) = re.findall(r"`voirdire (audit [^`]+ --out after)`", text)
    words = shlex.split(line)
    assert words[words.index("--prompt") + 1] == "NEW.md"
    assert words.count("--prompt") == 1
    for option, value in (("--param", "temperature=0.5"), ("--suite", "my suite.toml"), ("--cases", "my cases.jsonl")):
        assert words[words.index(option) + 1] == value


def test_what_may_hold_a_key_is_in_no_report(voirdire, files: list[object], tmp_path: Path) -> None:
    with endpoint([ok("[[A]]")]) as server:
        address = server.url
        ran = voirdire(
            "audit", "--judge", "openai:judge-1", "--base-url", f"{address}?token=hunter2",
            "--param", 'extra_body={"user": "hunter2"}', *files, "--yes", "--format", "html,md,json,card,junit",
        )  # fmt: skip
        assert ran.code == 0, ran.err
    for path in (tmp_path / "voirdire-report").iterdir():
        assert b"hunter2" not in path.read_bytes(), path
    again = commands(tmp_path / "voirdire-report" / "audit.md")[0]
    assert again[again.index("--param") + 1] == "extra_body=VALUE"
    assert again[again.index("--base-url") + 1] == address


@pytest.mark.parametrize(
    ("judge", "named"),
    [
        ("house", ("--judge", "house")),
        ("swap_average(house)", ("--judge", "swap_average(house)")),
        # as the judge tells it itself: without the query
        ("score:http://127.0.0.1:80/classify?token=hunter2", ()),
    ],
)
def test_a_spec_that_may_hold_a_key_is_told_by_the_judge(judge: str, named: tuple[str, ...]) -> None:
    assert Asking(judge=judge).words() == named


def test_an_address_is_shown_without_what_may_be_a_key() -> None:
    assert address_shown("https://ann:hunter2@judge.example:8000/v1?token=hunter2#x") == "https://judge.example:8000/v1"
    assert "hunter2" not in address_shown("https://[hunter2")
