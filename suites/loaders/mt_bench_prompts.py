"""MT-bench's prompts of judges taken apart: what was asked, what was answered, and the reference of the math prompts.

One turn stands between markers (pair-v2, pair-math-v1, single-v1, single-math-v1), two turns are conversations with a
heading over each message (...-multi-turn). The headings name the slot ("### Assistant A:"), so they are no part of an
answer. A prompt whose parts cannot be told apart is given up: `None`, never a cut at a guess.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from voirdire.suites.loaders.quoted import between

__all__ = ["Shown", "pair_shown", "single_shown"]

_REFERENCE = ("[The Start of Reference Answer]", "[The End of Reference Answer]")
_ONE_ANSWER = ("[The Start of Assistant's Answer]", "[The End of Assistant's Answer]")
_TWO_ANSWERS = (
    "[The Start of Assistant A's Answer]",
    "[The End of Assistant A's Answer]",
    "[The Start of Assistant B's Answer]",
    "[The End of Assistant B's Answer]",
)
_REFERENCE_TURNS = ("<|The Start of Reference Answer|>", "<|The End of Reference Answer|>")
_CONVERSATION_A = (
    "<|The Start of Assistant A's Conversation with User|>",
    "<|The End of Assistant A's Conversation with User|>",
)
_CONVERSATION_B = (
    "<|The Start of Assistant B's Conversation with User|>",
    "<|The End of Assistant B's Conversation with User|>",
)


class Shown(NamedTuple):
    """What a prompt shows, turn by turn: the questions, the answers of each model, the reference if there is one."""

    asked: tuple[str, ...]
    answers: tuple[tuple[str, ...], ...]
    reference: tuple[str, ...] | None


def pair_shown(prompt: str) -> Shown | None:
    if _CONVERSATION_A[0] in prompt:
        return _turns(prompt, {"Assistant A": _CONVERSATION_A, "Assistant B": _CONVERSATION_B})
    return _one_turn(prompt, "[User Question]", _TWO_ANSWERS)


def single_shown(prompt: str) -> Shown | None:
    if _CONVERSATION_A[0] in prompt:
        return _turns(prompt, {"Assistant A": _CONVERSATION_A})
    return _one_turn(prompt, "[Question]", _ONE_ANSWER)


def _one_turn(prompt: str, question: str, answers: tuple[str, ...]) -> Shown | None:
    known = any(marker in prompt for marker in _REFERENCE)
    # each second part lies between the end of one text and the start of the next
    parts = between(prompt, (question, *(_REFERENCE if known else ()), *answers))
    if parts is None:
        return None
    asked, *rest = parts
    texts = rest[::2]
    reference = (texts.pop(0),) if known else None
    return Shown((asked,), tuple((text,) for text in texts), reference)


def _turns(prompt: str, speakers: dict[str, tuple[str, str]]) -> Shown | None:
    known = any(marker in prompt for marker in _REFERENCE_TURNS)
    told = {"Reference answer": _REFERENCE_TURNS, **speakers} if known else speakers
    parts = between(prompt, [marker for pair in told.values() for marker in pair])
    if parts is None:
        return None
    asked: tuple[str, ...] | None = None
    answered: list[tuple[str, ...]] = []
    for speaker, conversation in zip(told, parts[::2], strict=True):
        said = _spoken(conversation, speaker)
        # a question that is another one in the other conversation was cut somewhere else than it ends
        if said is None or asked not in (None, said[0]):
            return None
        asked = said[0]
        answered.append(said[1])
    reference = answered.pop(0) if known else None
    return Shown(asked or (), tuple(answered), reference)


def _spoken(conversation: str, speaker: str) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    """The messages of the user and those of `speaker`, by turns; None where a heading is quoted or missing."""
    start, *messages = re.split(rf"^### (User|{speaker}):\n", conversation, flags=re.MULTILINE)
    roles, texts = messages[::2], tuple(text.strip("\n") for text in messages[1::2])
    if start.strip() or roles != ["User", speaker] * 2:
        return None
    return texts[::2], texts[1::2]
