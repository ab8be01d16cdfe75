"""Questions and a real HTTP judge to ask them, for tests and benchmarks of the engine."""

from __future__ import annotations

from typing import Any

from voirdire.harness.cases import Case, shown_hash
from voirdire.harness.judges.openai_chat import OpenAIChat
from voirdire.harness.judges.prompted import PromptedJudge
from voirdire.harness.judges.prompts import default_protocol
from voirdire.harness.plan import PlannedCall

__all__ = ["KEY", "judge_at", "questions"]

#: a key that may come out nowhere
KEY = "sk-planted-0123456789abcdef"


def questions(n: int, *, words: int = 3) -> list[PlannedCall]:
    """`n` pairwise calls, each with content of its own; each answer has `words` words."""
    filler = " ".join(["word"] * words)
    cases = [Case(f"Question {i}?", (f"{filler} first {i}", f"{filler} second {i}"), id=f"c{i}") for i in range(n)]
    return [PlannedCall(case, 0, shown_hash(case)) for case in cases]


def judge_at(url: str, **options: Any) -> PromptedJudge:
    """An `openai:` judge with the built-in pairwise prompt; `options` are OpenAIChat's."""
    return PromptedJudge(OpenAIChat("judge-1", base_url=url, api_key=KEY, **options), default_protocol("pairwise"))
