"""One imitation of all providers on loopback: it gives each protocol a reply that it can read, and counts nothing."""

from __future__ import annotations

import asyncio
import json
import re
import zlib
from typing import Any

from fake_server import Behaviour, Request, completion

__all__ = ["any_provider"]


def any_provider() -> Behaviour:
    """Answers in the form of the API that was asked: OpenAI's, Anthropic's or Gemini's."""

    async def behave(request: Request, writer: asyncio.StreamWriter) -> None:
        body = json.dumps(_envelope(request.path, _reply(json.dumps(request.body, ensure_ascii=False)))).encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        await writer.drain()

    return behave


def _reply(asked: str) -> str:
    """A verdict in the form that the prompt asks for, or a text where none is asked for."""
    draw = zlib.crc32(asked.encode("utf-8", "surrogatepass"))
    if "[RESULT]" in asked:
        return f"It meets the rubric in part. [RESULT] {1 + draw % 5}"
    if re.search(r"number from \d+ to \d+|\[\[rating\]\]", asked):
        return f"It is fair. [[{1 + draw % 5}]]"
    if "[[A]]" in asked or "response_a" in asked or "[[K7]]" in asked or "[[" in asked:
        names = next(
            (n for n in (("K7", "Q3"), ("Alex", "Robin"), ("X", "Y"), ("1", "2")) if f"[[{n[0]}]]" in asked), "AB"
        )
        return f"Both were read.\n[[{names[draw % 10 < 4]}]]"
    return "The same thing said in entirely different words, as somebody else would put it."


def _envelope(path: str, text: str) -> dict[str, Any]:
    if path.endswith("/messages"):
        usage = {"input_tokens": 12, "output_tokens": 3}
        content = [{"type": "text", "text": text}]
        return {
            "id": "m",
            "model": "claude-1",
            "role": "assistant",
            "content": content,
            "stop_reason": "end_turn",
            "usage": usage,
        }
    if path.endswith(":generateContent"):
        parts = {"parts": [{"text": text}], "role": "model"}
        usage = {"promptTokenCount": 12, "candidatesTokenCount": 3, "totalTokenCount": 15}
        return {
            "candidates": [{"content": parts, "finishReason": "STOP"}],
            "usageMetadata": usage,
            "modelVersion": "g-1",
        }
    return completion(text)
