"""What a user gets wrong ends in one clear message and exit code 2, before anything is spent."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

PAIR = {"id": "q1", "instruction": "Which?", "responses": ["one is right", "two is wrong"], "label": 0}


@pytest.fixture
def cases(tmp_path: Path) -> Path:
    path = tmp_path / "cases.jsonl"
    path.write_text("\n".join(json.dumps(PAIR | {"id": f"q{i}", "instruction": f"Which of {i}?"}) for i in range(6)))
    return path


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--cases", "missing.jsonl"], ["missing.jsonl", "cannot be read"]),
        (["--cases", "."], ["a folder"]),
        (["--probes", "authority.bok"], ["no probe is called 'authority.bok'", "'authority.book'"]),
        (["--suite", "quik"], ["no suite called 'quik'", "'quick'", "--suite FILE.toml"]),
        (["--suite", "mine.toml"], ["mine.toml", "cannot be read"]),
        (["--task", "pairwize"], ["'pairwize'", "'pairwise'"]),
        (["--scale", "10:1"], ["--scale '10:1'", "1:10"]),
        (["--format", "pdf"], ["'pdf' is no format"]),
        (["--param", "temperature"], ["is not k=v", "temperature=0"]),
        (["--samples", "0"], ["--samples 0"]),
        (["--limit", "0"], ["--limit 0"]),
        (["--alpha", "0.7"], ["--alpha 0.7"]),
        (["--tolerance", "1.5"], ["--tolerance 1.5"]),
        (["--max-calls", "0"], ["--max-calls 0"]),
        (["--timeout", "0"], ["--timeout 0"]),
        (["--cases-id", "nobody"], ["no case 'nobody'"]),
        (["--cases-id", "advice-1"], ["no case 'advice-1'", "Did you mean 'advice-"]),
        (["--utility", "feeling"], ["'feeling'"]),
        (["--concurrency", "many"], ["--concurrency", "integer", "'many'", "Example: --concurrency 16"]),
        (["--alpha", "5%"], ["--alpha '5%' is no number", "Example: --alpha 0.05"]),
        (["--limit=x"], ["--limit 'x' is no integer"]),
        (["mock:oracle"], ["takes no argument 'mock:oracle'", "--judge mock:oracle"]),
        (["--probes", "order.*", "typos.*"], ["'typos.*'", "--probes 'order.*' --probes 'typos.*'"]),
        (["--probes", "zzz*"], ["no probe is called 'zzz*'", "Known: authority.*, ", "typos.*, ", "`voirdire probes`"]),
        (["--judge", ""], ["--judge is empty", "shell variable"]),
        (["--judge="], ["--judge is empty"]),
        (["--suite", ""], ["--suite is empty"]),
        (["--cases", ""], ["--cases is empty"]),
        (["--out", ""], ["--out is empty"]),
        (["--on", "zzz"], ["Known: batch, ray. Write"]),
        (["--no-such-option"], ["--no-such-option"]),
        (["--prompt", "p.md"], ["--prompt", "mock"]),
    ],
    ids=lambda x: " ".join(x) if isinstance(x, list) and x and x[0].startswith("-") else None,
)
def test_options(voirdire, arguments: list[str], words: list[str]) -> None:
    ran = voirdire("audit", "--judge", "mock:noisy", *arguments)
    assert ran.code == 2
    for word in words:
        assert word in ran.err
    assert "Traceback" not in ran.all
    assert not Path("voirdire-report").exists()


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("opnai:gpt", ["'opnai:gpt' names no judge", "'openai'"]),
        ("openai", ["names no judge", "openai needs a model: openai:gpt-5-mini"]),
        ("mock", ["names no judge", "mock needs a name: mock:"]),
        ("local", ["names no judge", "local needs a model: local:"]),
        ("openai:", ["lacks what follows the colon", "openai needs a model"]),
        ("mock:noizy", ["'noizy'", "'noisy'"]),
        ("mock:noisy?frist=.3", ["'frist'", "'first'"]),
        ("python:no_such_module_here:judge", ["no_such_module_here"]),
        ("python:json:dunps", ["dunps", "'dumps'"]),
        ("python:json:__doc__", ["callable"]),
        ("python:nowhere.py:judge", ["nowhere.py"]),
        ("replay:nowhere.jsonl", ["nowhere.jsonl"]),
        ("local:nowhere.gguf", ["nowhere.gguf"]),
        ("local:gpt-9", ["gpt-9"]),
    ],
)
def test_judge_specs(voirdire, spec: str, words: list[str]) -> None:
    ran = voirdire("audit", "--judge", spec)
    assert ran.code == 2
    for word in words:
        assert word in ran.err
    assert "Traceback" not in ran.all


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", ["holds no cases"]),
        ("\n\n", ["holds no cases"]),
        ("{broken", ["cases.jsonl, line 1", "not JSON"]),
        (json.dumps(PAIR) + "\nnot json", ["cases.jsonl, line 2", "not JSON", "not json"]),
        (json.dumps(PAIR | {"responses": ["only one"]}), ["has 1 text", "needs 2", "--task score"]),
        (json.dumps(PAIR | {"label": 5}), ['"label" is 5']),
    ],
)
def test_case_files(voirdire, tmp_path: Path, content: str, words: list[str]) -> None:
    (tmp_path / "cases.jsonl").write_text(content)
    ran = voirdire("audit", "--judge", "mock:noisy", "--cases", "cases.jsonl")
    assert ran.code == 2
    for word in words:
        assert word in ran.err


def test_a_suite_file_is_checked_line_by_line(voirdire, tmp_path: Path) -> None:
    suite = tmp_path / "mine.toml"
    for content, words in [
        ("probes = [", "not TOML"),
        ('probes = ["order.swap"]\nsampels = 2', "line 2: unknown key 'sampels'"),
        ('probes = ["order.swap"]\nsamples = 0', "samples must be a whole number from 1"),
        ('probes = ["order.swap"]\ntolerance = "low"', "tolerance must be a number"),
        ("probes = []", "probes must be a list"),
        ('probes = ["ordre.*"]', "no probe is called 'ordre.*'"),
        ('probes = ["order.swap"]\n[probe."order.swap"]\ntolerence = 0.2', "line 3: unknown key 'tolerence'"),
    ]:
        suite.write_text(content)
        ran = voirdire("audit", "--judge", "mock:noisy", "--suite", suite)
        assert (ran.code, words in ran.err) == (2, True), ran.err


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("def judge(case):\n    raise RuntimeError('boom')", ["RuntimeError", "boom", "judge.py:2"]),
        ("def judge(case):\n    return {'winner': 'A'}", ["winner"]),
        ("def judge(case):\n    return True", ["bool"]),
        ("import time\ndef judge(case):\n    time.sleep(1000)", ["did not answer", "0.2"]),
        ("async def judge(case):\n    import asyncio\n    await asyncio.sleep(1000)", ["did not answer", "0.2"]),
    ],
)
def test_a_python_judge_that_never_gives_a_verdict(
    voirdire, cases, tmp_path: Path, body: str, words: list[str]
) -> None:
    """The user's own code is wrong, which is bad input: exit 2, as for one that cannot be imported."""
    (tmp_path / "judge.py").write_text(body)
    ran = voirdire(
        "audit", "--judge", "python:judge.py:judge", "--task", "pairwise", "--cases", cases, "--timeout",
        "0.2" if "sleep" in body else "60", "--concurrency", "2",
    )  # fmt: skip
    assert ran.code == 2
    for word in words:
        assert word in ran.err
    assert "Traceback" not in ran.all


def test_a_python_judge_that_breaks_on_import(voirdire, cases, tmp_path: Path) -> None:
    (tmp_path / "judge.py").write_text("x = 1\nraise ValueError('at import')")
    ran = voirdire("audit", "--judge", "python:judge.py:judge", "--task", "pairwise", "--cases", cases)
    assert ran.code == 2
    for word in ("judge.py", "ValueError", "at import"):
        assert word in ran.err


def test_a_python_judge_without_a_task_is_asked_for_one(voirdire, cases, tmp_path: Path) -> None:
    (tmp_path / "judge.py").write_text("def judge(case):\n    return 'A'")
    ran = voirdire("audit", "--judge", "python:judge.py:judge", "--cases", cases)
    assert ran.code == 2
    assert "--task" in ran.err


def test_nulls_only_is_no_verdict(voirdire, cases, tmp_path: Path) -> None:
    (tmp_path / "judge.py").write_text("def judge(case):\n    return None")
    ran = voirdire("audit", "--judge", "python:judge.py:judge", "--task", "pairwise", "--cases", cases)
    assert ran.code == 4
    assert "no verdict" in ran.err
