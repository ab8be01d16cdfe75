"""What the planted errors share: where prose is, which numbers are taken, and another number of the same shape.

Not here: the errors themselves (degradation_facts.py, degradation_reasoning.py), numbers changed throughout a text
(wrong_numbers.py).
"""

from __future__ import annotations

import re
from functools import lru_cache
from random import Random

from voirdire.perturbations.base import Place
from voirdire.perturbations.draws import shuffled
from voirdire.perturbations.spans import Span, analyse

__all__ = ["NUMERAL", "all_shown", "code_and_links", "other_number", "plain_value", "taken_numbers"]

#: a number by itself: no part of a name, a version, a date, an exponent or a longer number
NUMERAL = re.compile(
    r"(?<![A-Za-z\d_.,:/^#@–\\])(?<![\w)]-)(?:\d{1,3}(?:,\d{3})++|\d{1,15})(?:\.\d{1,9})?(?![\d_^]|[.,:/–-]\d|[A-Za-z])"
)
_CODE_OR_LINK = re.compile(r"`|~~~|https?:|ftp:|www\.|\]\(|<|[^@\s]+@|---|\+\+\+", re.IGNORECASE)
_SAME_AS_TEXT = re.compile(r"[ \t]*(?:[|$\\]|[^\s`]*\d)")  # tables, maths and numbers say something in plain sight


@lru_cache(maxsize=4096)
def code_and_links(text: str) -> tuple[Span, ...]:
    """The protected spans that no error may be planted in: code, links, addresses, tags and front matter."""
    protected, blocks, _ = analyse(text)
    whole = set(blocks)
    return tuple(
        s for s in protected if _CODE_OR_LINK.match(text, *s) or (s in whole and not _SAME_AS_TEXT.match(text, *s))
    )


def all_shown(place: Place) -> str:
    """Everything a judge sees of the case, as one text: what a planted error may not repeat from."""
    case = place.case
    return "\n".join((case.instruction_text, case.reference or "", case.context or "", *case.responses))


def plain_value(numeral: str) -> str:
    """A numeral without thousands separators, so that 1,000 and 1000 are one."""
    return numeral.replace(",", "")


def taken_numbers(place: Place) -> set[str]:
    """The numbers shown anywhere in the case: a wrong one is none of them, so that it repairs nothing by accident."""
    return {plain_value(m.group()) for m in NUMERAL.finditer(all_shown(place))}


def other_number(numeral: str, taken: set[str], rng: Random) -> str | None:
    """`numeral` with one of its significant digits changed; None if every result is in `taken`.

    Zeros in front and at the end stay, so that it looks as exact as before; a single digit becomes 2 or more.
    """
    digits = [k for k, char in enumerate(numeral) if char.isdigit()]
    telling = [k for k in digits if numeral[k] != "0"] or digits
    places = [k for k in digits if telling[0] <= k <= telling[-1]]
    for k in shuffled(rng, places):
        lowest = 2 if len(digits) == 1 else 0 if places[0] < k < places[-1] else 1
        for digit in shuffled(rng, range(lowest, 10)):
            made = numeral[:k] + str(digit) + numeral[k + 1 :]
            if str(digit) != numeral[k] and plain_value(made) not in taken:
                return made
    return None
