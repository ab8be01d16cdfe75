"""How much to edit: from a share and a dose to a number, and how much longer an edit may make an answer.

Format and layout are compared with no placebo, so none of them may be mistaken for length: they grow an answer by at
most 5 %, or do not apply.
"""

from __future__ import annotations

from voirdire.harness.cases import Edit
from voirdire.harness.errors import NotApplicable

__all__ = ["MOST_GROWTH", "count_of", "within_growth"]

#: share of the length by which an edit without a placebo may change it
MOST_GROWTH = 0.05


def count_of(share: float, dose: float, n: int) -> int:
    """How many of `n` things a share of `share` x `dose` is: to the nearest, at least 1, at most `n`."""
    return min(n, max(1, int(share * dose * n + 0.5)))


def within_growth(text: str, edits: list[Edit]) -> list[Edit]:
    """`edits`, or NotApplicable if they change the length of `text` by more than 5 %."""
    growth = sum(len(e.text) - (e.end - e.start) for e in edits)
    if abs(growth) > MOST_GROWTH * len(text):
        raise NotApplicable("the edit would add more than 5 % to the length of this answer")
    return edits
