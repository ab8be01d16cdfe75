"""`voirdire freeze` against a scripted endpoint: what is sent, written and said, and how it ends."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from endpoint import KEY, endpoint
from fake_server import Behaviour, Request, completion, ok, status

CASES = [
    {"id": f"q{i}", "instruction": "Why?", "responses": [f"It is the {i}th of many reasons.", "None."], "label": 0}
    for i in range(4, 8)
]


def paraphrasing() -> Behaviour:
    """Answers with the fenced answer in other words."""

    async def behave(request: Request, writer: asyncio.StreamWriter) -> None:
        text = request.body["messages"][-1]["content"].rsplit("<answer ", 1)[1].split(">\n", 1)[1].rsplit("\n</", 1)[0]
        body = json.dumps(completion(text.replace("It is", "This would be"))).encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        await writer.drain()

    return behave


def cases(folder: Path) -> str:
    (folder / "cases.jsonl").write_text("".join(json.dumps(c) + "\n" for c in CASES))
    return "cases.jsonl"


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()][1:]


def test_freeze_then_audit(voirdire: Callable[..., Any], tmp_path: Path) -> None:
    with endpoint([paraphrasing()]) as server:
        told = (
            "freeze",
            "-r",
            "openai:writer",
            "--base-url",
            server.url,
            "-c",
            cases(tmp_path),
            "-p",
            "lexical.paraphrase",
        )
        ran = voirdire(*told)
        assert ran.code == 0, ran.all
        assert "4 texts wanted" in ran.out
        assert "4 written" in ran.out
        assert "--rewrites rewrites.jsonl" in ran.out
        assert len(server.requests) == 4
        again = voirdire(*told)
        assert "4 there already" in again.out
        assert len(server.requests) == 4
    file = tmp_path / "rewrites.jsonl"
    assert [r["case"] for r in rows(file)] == ["q4", "q5", "q6", "q7"]
    assert {r["model"] for r in rows(file)} == {"judge-2026-01-01"}
    assert KEY not in file.read_text()
    ran = voirdire(
        "audit", "-j", "mock:oracle", "-c", "cases.jsonl", "-p", "lexical.paraphrase", "--rewrites", file, "--quiet"
    )
    assert ran.code == 0, ran.all
    (finding,) = json.loads((tmp_path / "voirdire-report" / "audit.json").read_text())["findings"]
    assert finding["n"] == 4


def test_limits_and_refused_keys(voirdire: Callable[..., Any], tmp_path: Path) -> None:
    name = cases(tmp_path)
    with endpoint([paraphrasing()]) as server:
        ran = voirdire(
            "freeze",
            "-r",
            "openai:w",
            "--base-url",
            server.url,
            "-c",
            name,
            "-p",
            "lexical.paraphrase",
            "--max-calls",
            2,
        )
    assert ran.code == 5
    assert len(rows(tmp_path / "rewrites.jsonl")) == 2
    with endpoint([status(401, f"bad key {KEY}")]) as server:
        ran = voirdire("freeze", "-r", "openai:w", "--base-url", server.url, "-c", name, "-p", "lexical.paraphrase")
    assert ran.code == 4
    assert "401" in ran.err
    assert len(rows(tmp_path / "rewrites.jsonl")) == 2


def test_unusable_texts_are_said_and_kept(voirdire: Callable[..., Any], tmp_path: Path) -> None:
    with endpoint([ok("I'm sorry, but I cannot do that for you today.")]) as server:
        ran = voirdire(
            "freeze", "-r", "openai:w", "--base-url", server.url, "-c", cases(tmp_path), "-p", "lexical.paraphrase"
        )
    assert ran.code == 0
    assert 'marked "rejected": the rewriter talked about its task' in ran.out
    assert {r["rejected"] for r in rows(tmp_path / "rewrites.jsonl")} == {"the rewriter talked about its task"}


def test_bad_input(voirdire: Callable[..., Any], tmp_path: Path) -> None:
    name = cases(tmp_path)
    for arguments, says in (
        (("-r", "openai:w", "-p", "typos.*"), "needs a rewriter"),
        (("-r", "openai:w", "-p", "lexical.paraphrse"), "lexical.paraphrase"),
        (("-r", "mock:oracle"), "no rewriter"),
        (("-r", "openai:w", "--timeout", "0"), "--timeout"),
        (("-r", "openai:w", "--limit", "0"), "--limit"),
    ):
        ran = voirdire("freeze", "-c", name, *arguments)
        assert ran.code == 2, arguments
        assert says in ran.err
    assert not (tmp_path / "rewrites.jsonl").exists()


def test_many_paid_calls_need_a_yes(voirdire: Callable[..., Any]) -> None:
    ran = voirdire("freeze", "-r", "openai:w")
    assert ran.code == 2
    assert "paid calls" in ran.err
    assert "--max-calls" in ran.err
