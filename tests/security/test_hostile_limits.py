"""What is too large, too deep or in the wrong place: refused in words, with memory and files left alone."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import sys
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from endpoint import endpoint
from fake_server import Behaviour, Request, answer

from voirdire.cli import run

MB = 1_000_000
#: deeper than any data, and than Python's own stack
DEEP = 200_000


@pytest.fixture
def voirdire(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str]]:
    monkeypatch.chdir(tmp_path)
    for name in [n for n in os.environ if n.startswith("VOIRDIRE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("OPENAI_API_KEY", "key-0123456789")
    cases = [
        {"id": f"q{i}", "instruction": f"Q{i}?", "responses": [f"yes {i}", f"no {i}!"], "label": 0} for i in range(2)
    ]
    (tmp_path / "cases.jsonl").write_text("\n".join(map(json.dumps, cases)), encoding="utf-8")

    def go(*arguments: object) -> tuple[int, str]:
        capsys.readouterr()
        code = run([str(a) for a in arguments])
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        return code, out + err

    return go


SMALL = (
    "--cases",
    "cases.jsonl",
    "--probes",
    "order.swap",
    "--suite",
    "quick",
    "--yes",
    "--retries",
    "0",
    "--cache",
    "none",
)


# --- what a judge sends ---------------------------------------------------------------------------------------------


HEAD = b'{"choices": [{"message": {"content": "'


def flood(sent: list[int]) -> Behaviour:
    """A reply of 100 MB; `sent` counts what went out before the reader hung up."""

    async def behave(_request: Request, writer: asyncio.StreamWriter) -> None:
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {100 * MB}\r\n\r\n"
        writer.write(head.encode() + HEAD)
        piece = b"A" * 65_536
        for _ in range(100 * MB // len(piece)):
            writer.write(piece)
            await writer.drain()
            sent.append(len(piece))

    return behave


def bomb() -> bytes:
    """100 MB in 100 kB, made without holding them."""
    pack = zlib.compressobj(wbits=31)
    return b"".join([pack.compress(HEAD), *(pack.compress(b"A" * MB) for _ in range(100)), pack.flush()])


ONE_CALL = ("--concurrency", "1", "--max-calls", "1")


def test_a_reply_of_100_mb_is_hung_up_on(voirdire: Callable[..., tuple[int, str]]) -> None:
    sent: list[int] = []
    with endpoint([flood(sent)]) as server:
        code, said = voirdire("audit", "--judge", "openai:m", "--base-url", server.url, *SMALL, *ONE_CALL)
        asked = len(server.requests)
    assert code in (4, 5), said
    assert asked
    assert sum(sent) / asked < 40 * MB


def test_a_reply_that_unpacks_to_100_mb_is_not_unpacked(voirdire: Callable[..., tuple[int, str]]) -> None:
    body = bomb()
    packed = answer(200, body, headers={"Content-Encoding": "gzip"})
    with endpoint([packed]) as server:
        tracemalloc.start()
        code, said = voirdire("audit", "--judge", "openai:m", "--base-url", server.url, *SMALL, *ONE_CALL)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert code in (4, 5), said
    assert server.requests
    assert peak < 60 * MB


def deep_reply(_: object = None) -> Behaviour:
    async def behave(_request: Request, writer: asyncio.StreamWriter) -> None:
        text = json.dumps(
            {"choices": [{"message": {"role": "assistant", "content": '{"verdict":' * 20_000 + "[" * 20_000}}]}
        )
        writer.write(
            f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(text)}\r\n\r\n{text}".encode()
        )
        await writer.drain()

    return behave


@pytest.mark.parametrize("parser", ["auto", "json"])
def test_a_verdict_that_nests_without_end_is_no_verdict(voirdire: Callable[..., tuple[int, str]], parser: str) -> None:
    with endpoint([deep_reply()]) as server:
        code, said = voirdire("audit", "--judge", "openai:m", "--base-url", server.url, "--parse", parser, *SMALL)
    assert code == 4, said  # it never gave a verdict


@pytest.mark.parametrize("shape", ["deep", "one line without end", "not text"])
def test_a_program_that_floods(voirdire: Callable[..., tuple[int, str]], tmp_path: Path, shape: str) -> None:
    what = {
        "deep": f"sys.stdout.write('[' * {DEEP} + '\\n')",
        "one line without end": f"sys.stdout.write('A' * {60 * MB})",
        "not text": "sys.stdout.buffer.write(bytes(range(256)) * 1000 + b'\\n')",
    }[shape]
    program = tmp_path / "judge.py"
    program.write_text(f"import sys\nfor line in sys.stdin:\n    {what}\n    sys.stdout.flush()\n")
    code, said = voirdire(
        "audit", "--judge", f"command:{sys.executable} {program}", "--task", "pairwise", *SMALL, "--timeout", "20",
        "--param", "workers=1",
    )  # fmt: skip
    assert code in (2, 4), said


# --- what a file holds ----------------------------------------------------------------------------------------------

NESTED = {
    "list": "[" * DEEP,
    "object": '{"a":' * DEEP,
    "closed": "[" * DEEP + "]" * DEEP,
}


@pytest.mark.parametrize("shape", NESTED)
@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("deep.jsonl", ("audit", "--judge", "mock:oracle", "--cases", "deep.jsonl")),
        ("deep.jsonl", ("audit", "--judge", "replay:deep.jsonl", "--cases", "cases.jsonl", "--task", "pairwise")),
        ("Natural.json", ("audit", "--judge", "mock:oracle", "--cases", "llmbar:Natural.json")),
        (
            "voirdire-baseline.json",
            ("gate", "--judge", "mock:oracle", "--cases", "cases.jsonl", "--baseline", "voirdire-baseline.json"),
        ),
        ("run/audit.json", ("report", "run")),
        ("run/audit.json", ("compare", "run", "run")),
        (
            "rewrites.jsonl",
            ("audit", "--judge", "mock:oracle", "--cases", "cases.jsonl", "--rewrites", "rewrites.jsonl"),
        ),
    ],
    ids=lambda v: v if isinstance(v, str) else " ".join(v[:3]),
)
def test_a_file_that_nests_without_end(
    voirdire: Callable[..., tuple[int, str]], tmp_path: Path, name: str, command: tuple[str, ...], shape: str
) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(NESTED[shape] + "\n")
    code, said = voirdire(*command)
    assert code == 2, said
    assert path.name in said or path.parent.name in said


PROMPTED = ("audit", "--judge", "openai:m", "--prompt", "judge.md")


@pytest.mark.parametrize(
    ("name", "text", "command"),
    [
        ("voirdire.toml", "x = " + "[" * DEEP, ("audit", "--judge", "mock:oracle")),
        ("voirdire.toml", "x" + ".a" * DEEP + " = 1", ("audit", "--judge", "mock:oracle")),
        ("deep.toml", "probes = " + "[" * DEEP, ("audit", "--judge", "mock:oracle", "--suite", "deep.toml")),
        ("judge.toml", "url = " + "[" * DEEP, ("audit", "--judge", "http:judge.toml")),
        ("judge.md", "+++\nx = " + "[" * DEEP + "\n+++\n{{ response_a }}", PROMPTED),
        ("judge.md", "{{ response_a }}{{ response_b }}" + "{% if n %}" * 2_000, PROMPTED),
        ("judge.md", "{{ response_a }}{{ response_b }}{{ " + "(" * 20_000 + " }}", PROMPTED),
    ],
    ids=["config", "config keys", "suite", "http judge", "prompt header", "prompt blocks", "prompt brackets"],
)  # fmt: skip
def test_toml_and_templates_that_nest_without_end(
    voirdire: Callable[..., tuple[int, str]], tmp_path: Path, name: str, text: str, command: tuple[str, ...]
) -> None:
    (tmp_path / name).write_text(text)
    code, said = voirdire(*command)
    assert code == 2, said
    assert name in said


def test_a_wrapper_that_nests_without_end(voirdire: Callable[..., tuple[int, str]]) -> None:
    for spec in ("vote(" * 5_000, "mean(" * 5_000 + "mock:oracle" + ")" * 5_000, "mock:oracle?" + "a=1&" * 50_000):
        code, said = voirdire("audit", "--judge", spec)
        assert code == 2
        assert len(said) < 5_000


def test_a_gzip_bomb_is_not_unpacked(voirdire: Callable[..., tuple[int, str]], tmp_path: Path) -> None:
    path = tmp_path / "bomb.jsonl.gz"
    with gzip.open(path, "wb") as file:
        for _ in range(600):
            file.write(b" " * MB)
    assert path.stat().st_size < MB
    tracemalloc.start()
    code, said = voirdire("audit", "--judge", "mock:oracle", "--cases", f"llmbar:{path}")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert code == 2, said
    assert "bomb.jsonl.gz" in said
    assert peak < 300 * MB


# --- where things are written ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "evil", ["../../outside", "/tmp/voirdire-outside", "..", "a/../../outside", "C:\\outside", "con\0trol"]
)
def test_names_of_cases_are_no_paths(voirdire: Callable[..., tuple[int, str]], tmp_path: Path, evil: str) -> None:
    folder = tmp_path / "inside"
    folder.mkdir()
    cases = [
        {"id": f"{evil}{i}", "group": evil, "instruction": evil, "responses": ["yes.", f"no {i}"], "label": 0}
        for i in range(3)
    ]
    (folder / "cases.jsonl").write_text("\n".join(map(json.dumps, cases)), encoding="utf-8")
    os.chdir(folder)
    before = {p for p in tmp_path.rglob("*") if not p.is_relative_to(folder)}
    code, said = voirdire(
        "audit",
        "--judge",
        "mock:constant",
        "--cases",
        "cases.jsonl",
        "--suite",
        "quick",
        "--format",
        "html,md,json,junit,csv",
    )
    assert code == 0, said
    assert {p for p in tmp_path.rglob("*") if not p.is_relative_to(folder)} == before
    assert not Path("/tmp/voirdire-outside").exists()
    assert all(".." not in p.name for p in folder.rglob("*"))


def test_a_run_folder_of_a_stranger_writes_only_into_itself(
    voirdire: Callable[..., tuple[int, str]], tmp_path: Path
) -> None:
    """`voirdire report` of an audit.json whose every text is a path or markup."""
    voirdire("audit", "--judge", "mock:constant", "--cases", "cases.jsonl", "--suite", "quick", "--out", "run")
    path = tmp_path / "run" / "audit.json"
    document = json.loads(path.read_text(encoding="utf-8"))
    evil = "../../../outside<script>alert(1)</script>"

    def spoil(value: object, key: str = "") -> object:
        if isinstance(value, dict):
            return {k: spoil(v, k) for k, v in value.items()}
        if isinstance(value, list):
            return [spoil(v, key) for v in value]
        free = key in (
            "name",
            "spec",
            "path",
            "fingerprint",
            "served_model",
            "hash",
            "counterexamples",
            "warnings",
            "reason",
        )
        return evil if isinstance(value, str) and free else value

    path.write_text(json.dumps(spoil(document)), encoding="utf-8")
    before = {p for p in tmp_path.rglob("*") if not p.is_relative_to(tmp_path / "run")}
    voirdire("report", "run", "--format", "html,md,csv,junit")
    assert {p for p in tmp_path.rglob("*") if not p.is_relative_to(tmp_path / "run")} == before
    for page in (tmp_path / "run").glob("*.html"):
        assert "<script>alert(1)" not in page.read_text(encoding="utf-8")
