"""Reading edits off two texts. Not here: replaying them (harness/cases.py), taking them apart (search/units.py)."""

from __future__ import annotations

from voirdire.harness.cases import Edit

__all__ = ["one_edit"]


def one_edit(before: str, after: str, where: str = "") -> Edit:
    """The one edit that makes `after` of `before`, as short as can be.

    >>> one_edit("a good answer", "a very good answer")
    Edit(start=2, end=2, text='very ', where='')
    """
    shorter = min(len(before), len(after))
    start = next((i for i in range(shorter) if before[i] != after[i]), shorter)
    most = shorter - start
    end = next((i for i in range(most) if before[-1 - i] != after[-1 - i]), most)
    return Edit(start, len(before) - end, after[start : len(after) - end], where)
