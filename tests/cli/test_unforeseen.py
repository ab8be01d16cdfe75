"""Inputs that nobody writes by hand end in exit 2, and a defect of ours in exit 70: never in 1, which is a verdict."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from endpoint import endpoint, judging

from voirdire import _compose
from voirdire.cli import lines
from voirdire.cli.options import params_of
from voirdire.harness.engine.store import CallStore
from voirdire.harness.errors import ExitCode

#: beyond what a float holds, what Python reads as a number, what an int of a TOML file may be
HUGE, ENDLESS, WIDE = "9" * 400, "9" * 5000, "0x" + "f" * 5000
PROMPT = "+++\ntask = 'pairwise'\n{}\n+++\n{{{{ response_a }}}} {{{{ response_b }}}}"
CASE = '{{"instruction": "Q", "responses": ["a"], {}}}'
SCORES = ("--judge", "mock:oracle", "--task", "score")

FILES = {
    "max_cost": ("voirdire.toml", f"max_cost = {HUGE}", ()),
    "endless option": ("voirdire.toml", f"seed = {ENDLESS}", ()),
    "wide option": ("voirdire.toml", f"seed = {WIDE}", ()),
    "timeout of a judge": ("voirdire.toml", f"[judges.j]\nspec = 'mock:oracle'\ntimeout = {HUGE}", ("--judge", "j")),
    "endless number of a judge": ("voirdire.toml", f"[judges.j]\nspec = 'mock:oracle'\nretries = {ENDLESS}", ()),
    "long key of a judge": ("voirdire.toml", "judges." + "a." * 5000 + "b = 1", ()),
    "labels in lists": ("p.md", PROMPT.format('labels = [["a"], ["b"]]'), ("--prompt", "p.md")),
    "numbers for labels": ("p.md", PROMPT.format("labels = [1, 2]"), ("--prompt", "p.md")),
    "wide scale": ("p.md", PROMPT.format(f"scale = [1, {HUGE}]"), ("--prompt", "p.md")),
    "endless scale": ("p.md", PROMPT.format(f"scale = [1, {ENDLESS}]"), ("--prompt", "p.md")),
    "edits": (
        "s.toml",
        f'probes = ["attack.flips"]\n[[flip]]\nsource = "{"0" * 16}"\nedits = 5',
        ("--suite", "s.toml"),
    ),
    "endless tolerance": ("s.toml", f'probes = ["order.swap"]\ntolerance = {ENDLESS}', ("--suite", "s.toml")),
    "long key of a suite": ("s.toml", 'probes = ["order.swap"]\n' + "a." * 5000 + "b = 1", ("--suite", "s.toml")),
    "quoted key of a suite": ("s.toml", 'probes = ["order.swap"]\n' + '"a" . ' * 5000 + "b = 1", ("--suite", "s.toml")),
    "large suite": ("s.toml", 'probes = ["order.swap"]\n' + "#" * 1_000_000, ("--suite", "s.toml")),
    "bidi in a suite's name": ("s.toml", 'name = "a\\u202eb"\nprobes = ["order.swap"]', ("--suite", "s.toml")),
    "score label": ("c.jsonl", CASE.format(f'"label": {HUGE}'), ("--cases", "c.jsonl", *SCORES)),
    "endless label": ("c.jsonl", CASE.format(f'"label": {ENDLESS}'), ("--cases", "c.jsonl", *SCORES)),
    "endless field": ("c.jsonl", CASE.format(f'"more": [{ENDLESS}]'), ("--cases", "c.jsonl", *SCORES)),
    "endless cell": ("c.csv", f"instruction,responses,label\nQ,[{ENDLESS}],1\n", ("--cases", "c.csv", *SCORES)),
}


@pytest.mark.parametrize(("name", "content", "options"), FILES.values(), ids=FILES)
def test_files_with_numbers_and_types_out_of_this_world(
    voirdire, name: str, content: str, options: tuple[str, ...]
) -> None:
    Path(name).write_text(content, encoding="utf-8")
    judge = () if "--judge" in options else ("--judge", "openai:m" if "--prompt" in options else "mock:oracle")
    ran = voirdire("audit", *judge, *options)
    assert ran.code == ExitCode.USAGE, ran.all
    assert name in ran.err
    assert "Internal" not in ran.err
    assert not Path("voirdire-report").exists()


@pytest.mark.parametrize("text", [ENDLESS, "[" * 2000])
def test_a_parameter_that_is_no_json_is_a_text(text: str) -> None:
    assert params_of([f"x={text}"]) == {"x": text}


@pytest.mark.parametrize("amount", ["nan", "inf", "-1", "0", HUGE])
@pytest.mark.parametrize("option", ["--max-cost", "--timeout"])
def test_an_amount_that_stops_nothing_is_refused(voirdire, option: str, amount: str) -> None:
    """It would count as a limit, and nobody would be asked before many paid calls."""
    ran = voirdire("audit", "--judge", "openai:m", option, amount)
    assert ran.code == ExitCode.USAGE
    assert option in ran.err


def test_a_cache_that_is_damaged_is_the_users_to_mend(voirdire) -> None:
    with endpoint([judging()]) as server:
        go = ("audit", "--judge", "openai:m", "--base-url", server.url, "--limit", "3", "--probes", "order.swap")
        assert voirdire(*go, "--cache", "c.sqlite").code == ExitCode.OK
        asked = len(server.requests)
        whole = Path("c.sqlite").read_bytes()
        Path("c.sqlite").write_bytes(whole[: 4096 * 2] + b"\xff" * (len(whole) - 4096 * 2))
        damaged = voirdire(*go, "--cache", "c.sqlite")
        Path("c.sqlite").write_bytes(whole)
        with contextlib.closing(sqlite3.connect("c.sqlite")) as db:
            db.execute("ALTER TABLE judges RENAME COLUMN used TO gone")
        altered = voirdire(*go, "--cache", "c.sqlite")
        assert len(server.requests) == asked
    for ran in (damaged, altered):
        assert ran.code == ExitCode.USAGE
        assert "c.sqlite" in ran.err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_full_disk(voirdire) -> None:
    ran = voirdire("audit", "--judge", "mock:oracle", "--limit", "3", "--record", "/dev/full")
    assert ran.code == ExitCode.USAGE
    assert "/dev/full cannot be written" in ran.err
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run([sys.executable, "-m", "voirdire", "suites"], stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == ExitCode.USAGE
    assert done.stderr.decode().strip() == os.strerror(28)


@pytest.mark.parametrize("code", ["", "0", "1", "'bye'"])
def test_a_judge_that_ends_the_program_gives_no_verdict(voirdire, code: str) -> None:
    Path("j.py").write_text(f"import sys\nsys.exit({code})\ndef judge(case): ...\n")
    ran = voirdire("gate", "--judge", "python:j.py:judge", "--task", "pairwise")
    assert ran.code == ExitCode.USAGE
    assert "sys.exit" in ran.err or "SystemExit" in ran.err


def test_a_defect_of_ours_is_one_line_and_no_verdict(voirdire, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise TypeError("\x1b[2J##[error] sk-abcdefghijklmnop\n::error::x\u202e")

    monkeypatch.setattr(_compose, "prepare", broken)
    go = ("audit", "--judge", "mock:oracle", "--limit", "3", "--probes", "order.swap")
    ran = voirdire(*go)
    assert ran.code == ExitCode.INTERNAL == 70
    last = ran.err.splitlines()[-1]
    assert last.startswith("Internal error, no verdict: test_unforeseen.py, line ")
    assert "VOIRDIRE_TRACEBACK=1" in last
    assert "Traceback" not in ran.err
    monkeypatch.setenv("VOIRDIRE_TRACEBACK", "1")
    told = voirdire(*go)
    assert told.code == ExitCode.INTERNAL
    assert "Traceback (most recent call last)" in told.err
    for text in (ran.err, told.err):
        for acts in ("\x1b", "##[", "\n::", "\u202e", "sk-abc"):
            assert acts not in text


def test_what_python_users_call_raises_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    import voirdire as vd

    def broken(*_: object, **__: object) -> None:
        raise TypeError("inside")

    monkeypatch.setattr(_compose, "prepare", broken)
    with pytest.raises(TypeError, match="inside"):
        vd.audit("mock:oracle", suite="demo", limit=2, cache=None)


# --- what names and messages do to a terminal ------------------------------------------------------------------------


ACTS = "\x1b[2J\u202e##[error]x"


def test_lines_are_written_out_and_json_stays_the_same_data(capsys: pytest.CaptureFixture[str]) -> None:
    lines.say(f"told:\n  ::error::{ACTS}\ttest.py::one")
    assert capsys.readouterr().err == "told:\n  ⟨U+003A⟩:error::⟨U+001B⟩[2J⟨U+202E⟩⟨U+0023⟩#[error]x\ttest.py::one\n"
    data = {"name": ACTS + "\U000e0041\x9b2J\ud800", "wide": "判"}
    lines.tell_json(data)
    out = capsys.readouterr().out
    assert json.loads(out) == data
    assert all(c.isprintable() or c == "\n" for c in out)
    assert "判" in out


def test_what_files_hold_cannot_act_on_the_terminal(voirdire) -> None:
    body = json.dumps(ACTS, ensure_ascii=True)
    Path("s.toml").write_text(f'probes = ["order.swap"]\nsummary = {body}\ntitle = {body}\n')
    with CallStore("c.sqlite") as store:
        store.describe("j", name=ACTS, spec=ACTS)
        store.open_run("r", "j", within=1.0)
    with contextlib.closing(sqlite3.connect("c.sqlite")) as db:
        db.execute("INSERT INTO calls VALUES ('j', 'c', 0, '{\"choice\": 0}', 0)")
        db.commit()
    for command in (
        ("suites", "--show", "s.toml"),
        ("suites", "--show", "s.toml", "--json"),
        ("cache", "info", "--cache", "c.sqlite"),
        ("cache", "info", "--cache", "c.sqlite", "--json"),
        ("plan", "--judge", f"openai:m{ACTS}", "--limit", "2"),
        ("attack", f"mock:{ACTS}"),
        ("audit", "--judge", "mock:oracle", "--suite", f"{ACTS}.toml"),
    ):
        ran = voirdire(*command)
        for acts in ("\x1b", "\u202e", *(() if "--json" in command else ("##[",))):
            assert acts not in ran.all, command
