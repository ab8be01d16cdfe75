"""A key reaches the provider and nothing else: every output of every command is searched for a planted one.

The provider is one that gives the key away wherever it can: in its replies, as the name of its model, in errors, in
headers. Keys are searched for as they are, in JSON, in Base64 and turned round, in files and in what is printed.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import stat
import urllib.parse
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from endpoint import endpoint
from fake_server import Behaviour, FakeServer, Request, completion

from voirdire.cli import run

KEYS = {
    "OPENAI_API_KEY": "sk-proj-planted-0123456789abcdefABCDEF",
    "ANTHROPIC_API_KEY": "sk-ant-planted-fedcba9876543210",
    "GOOGLE_API_KEY": "AIzaPlanted0123456789abcdefghijklmnop",
    "SCORE_API_KEY": "planted+score/key=with-odd~characters",
    "JUDGE_TOKEN": "token-planted-5f3a9c",
}
JUDGES = {
    "openai": "openai:judge-1",
    "anthropic": "anthropic:claude-haiku-4-5",
    "gemini": "gemini:gemini-2.5-flash",
    "http": "http:judge.toml",
}


def disguises(key: str) -> Iterator[bytes]:
    yield key.encode()
    yield json.dumps(key)[1:-1].encode()
    yield base64.b64encode(key.encode()).rstrip(b"=")
    yield key[::-1].encode()
    yield urllib.parse.quote(key, safe="").encode()


def told(request: Request) -> str:
    """All that the provider was told to keep to itself."""
    return " ".join(f"{name}: {value}" for name, value in request.headers.items())


def talkative(failing: int = 0) -> Behaviour:
    """A provider that repeats its headers everywhere; every `failing`-th call is an error that does so too."""
    calls = 0

    async def behave(request: Request, writer: asyncio.StreamWriter) -> None:
        nonlocal calls
        calls += 1
        secret = told(request)
        status = 400 if failing and calls % failing == 0 else 200
        if status == 400:
            body: object = {
                "error": {"message": f"bad header {secret}", "type": secret, "code": secret, "param": secret}
            }
        elif request.path.endswith("/messages"):
            content = [{"type": "text", "text": f"I was sent {secret}\n[[A]]"}]
            usage = {"input_tokens": 1, "output_tokens": 1}
            body = {"model": secret, "content": content, "stop_reason": "end_turn", "usage": usage, "id": secret}
        elif request.path.endswith(":generateContent"):
            parts = {"parts": [{"text": f"I was sent {secret}\n[[A]]"}], "role": "model"}
            body = {"candidates": [{"content": parts, "finishReason": "STOP"}], "modelVersion": secret}
        elif request.path.endswith("/compare"):
            body = {"winner": "A", "why": f"I was sent {secret}", "model": secret}
        else:
            body = completion(f"I was sent {secret}\n[[A]]", model=secret, id=secret)
        data = json.dumps(body).encode()
        head = (
            f"HTTP/1.1 {status} {secret}\r\nContent-Type: application/json\r\nContent-Length: {len(data)}\r\n"
            f"X-Request-Id: {secret}\r\nX-RateLimit-Reset-Requests: {secret}\r\n\r\n"
        )
        writer.write(head.encode() + data)
        await writer.drain()

    return behave


class Place:
    """A folder to work in, everything printed in it, and a search of both for any planted key."""

    def __init__(self, folder: Path, server: FakeServer, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self.server, self._capsys = folder, server, capsys
        self.printed = ""

    def __call__(self, *arguments: str) -> int:
        code = run(list(arguments))
        out, err = self._capsys.readouterr()
        self.printed += out + err
        return code

    def search(self) -> None:
        assert self.server.requests, "nothing was asked, so nothing was shown"
        sent = " ".join(told(r) for r in self.server.requests)
        assert any(key in sent for key in KEYS.values()), "no key was sent, so this test shows nothing"
        texts = {"what was printed": self.printed.encode()}
        texts |= {str(p.relative_to(self.folder)): p.read_bytes() for p in self.folder.rglob("*") if p.is_file()}
        for where, text in texts.items():
            for name, key in KEYS.items():
                for disguise in disguises(key):
                    assert disguise not in text, f"{name} stands in {where}, as {disguise[:12]!r}..."


@pytest.fixture(params=[0, 3], ids=["replies", "errors too"])
def place(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Place]:
    for name in [n for n in os.environ if n.startswith("VOIRDIRE_") or n.endswith(("_BASE_URL", "_API_KEY"))]:
        monkeypatch.delenv(name)
    for name, key in KEYS.items():
        monkeypatch.setenv(name, key)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    cases = [
        {
            "id": f"q{i}",
            "instruction": f"What is {i} and {i}?",
            "responses": [f"It is {2 * i}.", f"No: {i}!"],
            "label": 0,
        }
        for i in range(4)
    ]
    (tmp_path / "cases.jsonl").write_text("\n".join(map(json.dumps, cases)), encoding="utf-8")
    with endpoint([talkative(request.param)]) as server:
        base = server.url.removesuffix("/v1")
        for name, url in {"OPENAI": server.url, "ANTHROPIC": base, "GOOGLE_GEMINI": base}.items():
            monkeypatch.setenv(f"{name}_BASE_URL", url)
        (tmp_path / "judge.toml").write_text(
            f'url = "{base}/compare"\ntask = "pairwise"\nanswer = "$.winner"\nrationale = "$.why"\nmodel = "$.model"\n'
            '[headers]\nAuthorization = "Bearer ${JUDGE_TOKEN}"\n[body]\nq = "{{ responses }}"\n',
            encoding="utf-8",
        )
        yield Place(tmp_path, server, capsys)


SMALL = ("--cases", "cases.jsonl", "--suite", "ci", "--yes", "--retries", "0")


@pytest.mark.parametrize("judge", JUDGES.values(), ids=JUDGES)
def test_no_output_of_an_audit_holds_a_key(place: Place, judge: str) -> None:
    formats = ("--format", "html,md,json,junit,csv")
    place("audit", "--judge", judge, *SMALL, *formats, "--record", "recorded.jsonl")
    assert (place.folder / "voirdire-report" / "audit.json").exists()
    assert (place.folder / ".voirdire" / "calls.sqlite").exists()
    place("cache", "export")
    place("report", "voirdire-report", *formats)
    place("replay", "voirdire-report", "-o", "observed")
    place.search()


def test_no_output_of_a_gate_or_a_comparison_holds_a_key(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(place.folder / "summary.md"))
    judge = JUDGES["openai"]
    place("baseline", "--judge", judge, *SMALL)
    place("gate", "--judge", judge, *SMALL, "--baseline", "voirdire-baseline.json", "--format", "html,md,json,junit")
    place("compare", judge, f"swap_average({judge})", *SMALL, "--json")
    place(
        "freeze",
        "--rewriter",
        judge,
        "--cases",
        "cases.jsonl",
        "--probes",
        "lexical.*",
        "--out",
        "rewrites.jsonl",
        "--yes",
    )
    place.search()


def test_no_error_about_a_key_shows_it(place: Place) -> None:
    """A key in the wrong place: in a spec, an address, an option or a file."""
    key = KEYS["OPENAI_API_KEY"]
    place("audit", "--judge", JUDGES["openai"], *SMALL)
    for arguments in (
        ("audit", "--judge", f"openai:{key}", "--base-url", f"http://{key}@127.0.0.1:9/v1", *SMALL),
        ("audit", "--judge", "openai:m", "--base-url", f"http://127.0.0.1:9/v1?key={key}", *SMALL),
        ("audit", "--judge", "openai:m", "--param", f"api_key={key}", *SMALL),
        ("audit", "--judge", f"nobody:{key}"),
        ("audit", "--judge", "mock:oracle", "--cases", f"{key}.jsonl"),
        ("audit", "--judge", "mock:oracle", "--suite", key),
    ):
        assert place(*arguments) != 0
    place.search()


def test_files_that_hold_replies_are_the_users_alone(place: Place) -> None:
    place("audit", "--judge", JUDGES["openai"], *SMALL)
    for path in (place.folder / ".voirdire").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


@pytest.mark.parametrize(
    "spoil", [lambda k: k, lambda k: json.dumps(k), lambda k: base64.b64encode(k.encode()).decode()]
)
def test_the_search_would_find_one(place: Place, spoil: Callable[[str], str]) -> None:
    place("audit", "--judge", JUDGES["openai"], *SMALL)
    (place.folder / "leak.txt").write_text(spoil(KEYS["OPENAI_API_KEY"]))
    with pytest.raises(AssertionError, match=r"leak\.txt"):
        place.search()
