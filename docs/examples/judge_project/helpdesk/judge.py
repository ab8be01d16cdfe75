"""Which of two drafts does the help desk send? Nothing in here knows of voirdire."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from helpdesk.models import stand_in

PROMPT = Path(__file__).with_name("prompt.md").read_text(encoding="utf-8")
ANSWERS = {"a": "A", "b": "B", "tie": "tie"}


def better(question: str, facts: str, first: str, second: str, model: Callable[[str], str] = stand_in) -> str | None:
    """ "A", "B" or "tie"; None if the model said something else."""
    values = {
        "reference": facts,
        "instruction": question,
        "response_a": first,
        "response_b": second,
    }
    # in one pass, so that a draft that holds "{{ response_b }}" stays a draft
    prompt = re.sub(r"{{ (\w+) }}", lambda found: values[found[1]], PROMPT)
    return ANSWERS.get(model(prompt).strip(" .\n").lower())


def better_both_ways(
    question: str, facts: str, first: str, second: str, model: Callable[[str], str] = stand_in
) -> str | None:
    """As `better`, but asked in both orders: what only the order decided is a tie."""
    one = better(question, facts, first, second, model)
    other = better(question, facts, second, first, model)
    if one is None or other is None:
        return None
    return one if (one, other) in (("A", "B"), ("B", "A")) else "tie"
