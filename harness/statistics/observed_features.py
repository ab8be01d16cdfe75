"""What an answer looks like, and who wrote it: the features that a judge may like for themselves.

Not here: whether it does (observed_pairs.py, observed_singles.py).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

from voirdire.harness.cases import Case

__all__ = ["LONGER_RATIO", "family_of", "has_formatting", "has_list", "log_length", "models_of"]

#: one answer counts as the longer from this ratio of characters on
LONGER_RATIO = 1.10

_ITEM = re.compile(r"^[ \t]{0,8}(?:[-*+•]|\d{1,3}[.)])[ \t]+\S", re.MULTILINE)
_FORMATTING = re.compile(r"\*\*\S|^#{1,6} \S|^```|^[ \t]{0,3}\|[^\n|]+\|", re.MULTILINE)

#: makers by how their models' names begin; fine-tuned models of others' weights belong to nobody here
_MAKERS: Mapping[str, tuple[str, ...]] = {
    "OpenAI": ("gpt", "chatgpt", "davinci", "openai", "text-davinci"),
    "Anthropic": ("claude", "anthropic"),
    "Google": ("gemini", "palm", "bard", "gemma", "google"),
    "Meta": ("llama", "meta-llama"),
    "Mistral": ("mistral", "mixtral", "ministral", "magistral"),
    "Alibaba": ("qwen", "qwq"),
    "DeepSeek": ("deepseek",),
    "xAI": ("grok",),
}
_REASONERS = re.compile(r"o[134](?![a-z0-9])")
#: open models whose names only sound like OpenAI's
_NAMESAKES = re.compile(r"gpt-?(?:j|neo|neox|4all|sw3)")


def has_list(text: str) -> bool:
    """Two list items or more, each at the start of a line."""
    found = _ITEM.finditer(text)
    return next(found, None) is not None and next(found, None) is not None


def has_formatting(text: str) -> bool:
    """Bold words, headings, code fences or tables in Markdown; lists are a feature of their own."""
    return _FORMATTING.search(text) is not None


def log_length(text: str) -> float:
    """log2 of the characters; 0 for an empty text."""
    return math.log2(max(1, len(text)))


def models_of(case: Case) -> tuple[str | None, ...]:
    """Who wrote each response, where the case's `meta["models"]` says so for all of them; else all None."""
    models = case.meta.get("models")
    if not isinstance(models, Sequence) or isinstance(models, str) or len(models) != len(case.responses):
        return (None,) * len(case.responses)
    return tuple(m if isinstance(m, str) and m else None for m in models)


def family_of(name: str) -> str | None:
    """The maker of the model called `name`; None where it is unknown or two makers are named.

    >>> family_of("openai:gpt-4o-2024-05-13"), family_of("ChatGPT/Vanilla"), family_of("cerebras-gpt-6.7b")
    ('OpenAI', 'OpenAI', None)
    """
    parts = [p for p in re.split(r"[/:()\s]+", name.lower()) if p and not _NAMESAKES.match(p)]
    found = {maker for maker, stems in _MAKERS.items() if any(p.startswith(stems) for p in parts)}
    found |= {"OpenAI" for p in parts if _REASONERS.match(p)}
    return found.pop() if len(found) == 1 else None
