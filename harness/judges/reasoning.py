"""Which Claude and Gemini models reason before they answer, and what they take for it: read off the model's name.

A model that reasons takes no temperature. The parameter `reasoning=true|false` overrules what is guessed here, and an
endpoint that refuses a temperature is believed (the adapters remember it). OpenAI's rule is in openai_chat.py.

Sources, read in November 2026: platform.claude.com/docs/en/build-with-claude/extended-thinking and /adaptive-thinking;
ai.google.dev/gemini-api/docs/thinking, /gemini-3 and /openai (the budgets that stand for efforts).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["ClaudeThinking", "GeminiThinking", "claude_thinking", "gemini_thinking"]

#: claude-opus-4-7, claude-sonnet-4-5-20250929, claude-opus-4-20250514, anthropic.claude-fable-5-1-v1:0
_CLAUDE = re.compile(r"claude-[a-z]+-(\d{1,2})(?!\d)(?:[-.](\d{1,2})(?!\d))?", re.IGNORECASE)
#: claude-3-5-sonnet-20241022, claude-2.1
_OLD_CLAUDE = re.compile(r"claude-(\d{1,2})(?!\d)(?:[-.](\d{1,2})(?!\d))?", re.IGNORECASE)
_GEMINI = re.compile(r"gemini-(\d{1,2})(?:\.(\d{1,2}))?(?!\d)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ClaudeThinking:
    """`by_default`: thinks unless told not to, or may think at any time, so room for it is needed.

    `samples`: takes a temperature while it does not think. `efforts`: takes a word (`output_config.effort`). `budgets`:
    takes a number of tokens (`thinking.budget_tokens`).
    """

    by_default: bool
    samples: bool
    efforts: bool
    budgets: bool


@dataclass(frozen=True, slots=True)
class GeminiThinking:
    """`by_default`: thinks unless told not to. `levels`: takes a word (`thinkingLevel`), else a number of tokens."""

    by_default: bool
    levels: bool


def claude_thinking(model: str) -> ClaudeThinking:
    """How a Claude model thinks. Temperatures are refused from 4.7 on; efforts came with 4.6, budgets end with it.

    An unknown name counts as a model that takes everything: what it does not take, it will say.
    """
    found = _CLAUDE.search(model) or _OLD_CLAUDE.search(model)
    version = _version(found)
    if "mythos" in model.lower() and version is None:
        version = (5, 0)
    if version is None:
        return ClaudeThinking(by_default=False, samples=True, efforts=True, budgets=True)
    return ClaudeThinking(
        by_default=version >= (5, 0),
        samples=version < (4, 7),
        efforts=version >= (4, 6),
        budgets=version < (4, 7),
    )


def gemini_thinking(model: str) -> GeminiThinking:
    """How a Gemini model thinks: 2.5 by default except -lite, everything later by default.

    A name without a version ("gemini-flash-latest") is one of the latest; one without "gemini" (Gemma) does not think.
    """
    name = model.lower()
    version = _version(_GEMINI.search(name))
    if "gemini" not in name:
        return GeminiThinking(by_default=False, levels=False)
    if version is None or version >= (3, 0):
        return GeminiThinking(by_default=True, levels=True)
    thinks = ("lite" not in name) if version >= (2, 5) else ("thinking" in name)
    return GeminiThinking(by_default=thinks, levels=False)


def _version(found: re.Match[str] | None) -> tuple[int, int] | None:
    return (int(found[1]), int(found[2] or 0)) if found is not None else None
