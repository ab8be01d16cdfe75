"""The one way for lines of text to a terminal or a CI log, and of JSON to a pipe.

Messages quote what others wrote: judged texts, names in files, a provider's words. Here whatever could act on the
reader's terminal or CI runner is written out; who calls need not think of it. Not here: whole rendered pages, whose
renderer does that field by field (reports/terminal.py).
"""

from __future__ import annotations

import json
import sys
from typing import Any

__all__ = ["say", "tell", "tell_document", "tell_json"]


def say(text: str) -> None:
    """To standard error: what a person must know beside the result."""
    from voirdire.reports.inert import quiet_lines

    print(quiet_lines(text), file=sys.stderr)


def tell(text: str, *, end: str = "\n") -> None:
    """To standard output: the result, as text."""
    from voirdire.reports.inert import quiet_lines

    print(quiet_lines(text), end=end)


def tell_json(data: Any) -> None:
    """To standard output: the result, as JSON."""
    tell_document(json.dumps(data, ensure_ascii=False, indent=2) + "\n")


def tell_document(text: str) -> None:
    """To standard output: `text`, which is JSON and its last newline. What a terminal would act on stands there as
    \\uXXXX, the same data."""
    if not (text.isascii() and text.replace("\n", "").isprintable()):
        text = "".join(c if c == "\n" or c.isprintable() else json.dumps(c)[1:-1] for c in text)
    print(text, end="")
