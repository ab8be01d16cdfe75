"""The whole command against an endpoint that misbehaves: exit 4, nothing lost, the key nowhere; and resume."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from endpoint import KEY, endpoint, judging
from fake_server import answer, ok, redirect, reset, silent, status
from sql import sql

CASES = [
    {"instruction": f"Question {i}?", "responses": [f"Right answer {i}.", f"Wrong answer {i}!"], "label": 0}
    for i in range(12)
]


@pytest.fixture
def cases(tmp_path: Path) -> Path:
    path = tmp_path / "cases.jsonl"
    path.write_text("\n".join(json.dumps(c) for c in CASES))
    return path


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        (
            status(401, "Incorrect API key provided: " + KEY),
            ["401 (key refused)", "did not take the key", "OPENAI_API_KEY, which is set"],
        ),
        (status(403, "no"), ["403"]),
        (status(404, "no such model"), ["404", "judge-1"]),
        (status(429, "slow down", headers={"Retry-After": "0"}), ["429"]),
        (status(500, "oops"), ["500"]),
        (answer(502, "<html><body>Bad gateway</body></html>", content_type="text/html"), ["502"]),
        (answer(200, "<html>Please log in</html>", content_type="text/html"), ["HTML"]),
        (answer(200, '{"choices": [{"message": {"cont'), ["JSON"]),
        (answer(200, ""), ["empty"]),
        (answer(200, '{"choices": []}'), ["choices"]),
        (reset(), []),
        (redirect("http://127.0.0.1:9/steal"), ["redirect"]),
        (silent(), ["0.3"]),
    ],
    ids=[
        "401",
        "403",
        "404",
        "429",
        "500",
        "502",
        "html",
        "half-json",
        "empty",
        "no-choices",
        "reset",
        "redirect",
        "silent",
    ],
)
def test_a_judge_that_never_answers(voirdire, cases: Path, tmp_path: Path, behaviour, words: list[str]) -> None:
    with endpoint([behaviour]) as server:
        ran = voirdire(
            "audit", "--judge", "openai:judge-1", "--base-url", server.url, "--cases", cases, "--suite", "quick",
            "--retries", "1", "--timeout", "0.3" if "0.3" in words else "60", "--concurrency", "2",
        )  # fmt: skip
    assert ran.code == 4
    for word in words:
        assert word in ran.err
    assert "Traceback" not in ran.all
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or KEY.encode() not in path.read_bytes(), path


def test_nobody_listens(voirdire, cases: Path) -> None:
    ran = voirdire(
        "audit",
        "--judge",
        "openai:m",
        "--base-url",
        "http://127.0.0.1:9/v1",
        "--cases",
        cases,
        "--retries",
        "0",
        "--yes",
    )
    assert ran.code == 4
    assert "127.0.0.1:9" in ran.err


def test_an_endpoint_that_dies_half_way_loses_nothing(voirdire, cases: Path) -> None:
    go = [
        "audit",
        "--judge",
        "openai:judge-1",
        "--cases",
        cases,
        "--suite",
        "quick",
        "--retries",
        "0",
        "--concurrency",
        "2",
    ]
    with endpoint([judging()] * 50 + [status(401)]) as server:
        port = server.port
        ran = voirdire(*go, "--base-url", server.url)
    assert ran.code == 4
    assert "401" in ran.err
    assert sql(".voirdire/calls.sqlite", "SELECT COUNT(*) FROM calls") == (50,)
    # the same judge at the same address again: only what is missing is asked
    with endpoint([judging()], port=port) as server:
        again = voirdire(*go, "--base-url", server.url)
        asked = len(server.requests)
    planned = json.loads(Path("voirdire-report/audit.json").read_text())["calls"]
    assert again.code == 0
    assert planned["made"] == asked
    assert planned["cached"] + asked == planned["planned"]


def test_a_finished_audit_answers_from_its_store(voirdire, cases: Path) -> None:
    with endpoint([judging()]) as server:
        go = ["audit", "--judge", "openai:judge-1", "--base-url", server.url, "--cases", cases, "--suite", "quick"]
        first = voirdire(*go)
        asked = len(server.requests)
        second = voirdire(*go)
        assert len(server.requests) == asked
    assert (first.code, second.code) == (0, 0)
    assert first.out.replace("\n", "").split("calls")[0] == second.out.replace("\n", "").split("calls")[0]


def test_a_budget_stops_and_the_next_run_goes_on(voirdire, cases: Path) -> None:
    with endpoint([judging()]) as server:
        go = ["audit", "--judge", "openai:judge-1", "--base-url", server.url, "--cases", cases, "--suite", "quick"]
        assert voirdire(*go, "--max-calls", "40").code == 5
        assert len(server.requests) == 40
        document = json.loads(Path("voirdire-report/audit.json").read_text())
        assert document["calls"]["made"] == 40
        assert "max-calls" in Path("voirdire-report/audit.md").read_text()
        assert voirdire(*go).code == 0
        assert len(server.requests) == json.loads(Path("voirdire-report/audit.json").read_text())["calls"]["planned"]


def test_many_paid_calls_are_not_made_without_a_yes(voirdire) -> None:
    ran = voirdire("audit", "--judge", "openai:judge-1", "--base-url", "https://judge.example.invalid/v1")
    assert ran.code == 2
    for word in ("paid calls", "--yes", "--max-calls", "--max-cost"):
        assert word in ran.err


@pytest.mark.parametrize(("spec", "asked"), [("{}", False), ("swap_average({})", False), ("majority({}; k=5)", True)])
def test_the_calls_of_members_are_those_that_are_paid(voirdire, cases: Path, spec: str, asked: bool) -> None:
    """A plan of fewer calls than need a yes becomes one of more where each verdict takes five; orders are shared."""
    judge = spec.format("openai:judge-1")
    with endpoint([judging()]) as server:
        # localhost is free, so a host that does not exist is named; nothing is asked before the yes
        ran = voirdire(
            "audit", "--judge", judge, "--base-url", "https://judge.example.invalid/v1", "--cases", cases,
            "--suite", "quick", "--limit", 8, "--retries", 0,
        )  # fmt: skip
        assert ("paid calls" in ran.err) == asked, ran.err
        assert not server.requests


def test_the_key_goes_in_the_header_and_nowhere_else(voirdire, cases: Path, tmp_path: Path) -> None:
    with endpoint([ok("[[A]]")]) as server:
        ran = voirdire(
            "audit", "--judge", "openai:judge-1", "--base-url", server.url, "--cases", cases, "--suite", "quick",
            "--record", "rec.jsonl", "--format", "html,md,json,csv,junit",
        )  # fmt: skip
        assert {r.headers["authorization"] for r in server.requests} == {f"Bearer {KEY}"}
        assert all("label" not in json.dumps(r.body) for r in server.requests)
    assert ran.code == 0
    files = [p for p in tmp_path.rglob("*") if p.is_file()]
    assert len(files) >= 8
    for path in files:
        assert KEY.encode() not in path.read_bytes(), path


@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL")
@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGINT], ids=["kill", "interrupt"])
def test_a_killed_run_goes_on_and_pays_for_nothing_twice(tmp_path: Path, cases: Path, sign: signal.Signals) -> None:
    environment = {**os.environ, "OPENAI_API_KEY": KEY, "HOME": str(tmp_path)}
    with endpoint([judging(0.01)]) as server:
        command = [
            sys.executable, "-m", "voirdire", "audit", "--judge", "openai:judge-1", "--base-url", server.url,
            "--cases", str(cases), "--suite", "standard", "--yes", "--concurrency", "4",
        ]  # fmt: skip
        answered = asked = 0
        for stop_at in (60, 150, 260):
            process = subprocess.Popen(
                command,
                cwd=tmp_path,
                env=environment,
                stderr=subprocess.PIPE,
                text=True,
                # a CI that runs in the background hands down an ignored Ctrl-C
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
            )
            while len(server.requests) < stop_at and process.poll() is None:
                time.sleep(0.005)
            process.send_signal(sign)
            _, err = process.communicate(timeout=300)
            assert KEY not in err
            if sign == signal.SIGINT:
                assert process.returncode == 130
                assert "same command" in err
            store = tmp_path / ".voirdire" / "calls.sqlite"
            assert sql(store, "PRAGMA integrity_check") == ("ok",)
            (kept,) = sql(store, "SELECT COUNT(*) FROM calls")
            # of each run at most what was in flight plus one batch is lost
            assert kept - answered >= max(0, len(server.requests) - asked - 4 - 50)
            answered, asked = kept, len(server.requests)
        before = len(server.requests)
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        calls = json.loads((tmp_path / "voirdire-report" / "audit.json").read_text())["calls"]
        assert calls["cached"] == answered
        assert calls["made"] == len(server.requests) - before == calls["planned"] - answered


@pytest.mark.parametrize("command", ["audit", "gate"])
def test_a_limit_that_stops_a_run_without_a_verdict_is_not_the_reason(voirdire, cases: Path, command: str) -> None:
    """Three calls that fail and --max-calls 3: the reason is what the server said, not the limit."""
    with endpoint([status(500, "the model is overloaded")]) as server:
        ran = voirdire(
            command, "--judge", "openai:judge-1", "--base-url", server.url, "--cases", cases, "--probes", "order.swap",
            "--max-calls", "3", "--retries", "0", "--concurrency", "1", "--cache", "none",
        )  # fmt: skip
    assert ran.code == 4
    assert "--max-calls 3 was reached" in ran.err
    assert "The calls failed: " in ran.err
    assert "the model is overloaded" in ran.err
