"""Taking apart a judge's prompt that a file keeps whole: what stands between two markers."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["between"]


def between(prompt: str, markers: Sequence[str]) -> list[str] | None:
    """The texts between consecutive markers, or None where one of them is missing, out of order, or occurs twice.

    Judged answers stand in the prompt, and an answer may quote a marker (or attack with it): then nobody can tell where
    it ends, so the prompt is given up rather than cut at a guess.
    """
    places = [prompt.find(m) for m in markers]
    if -1 in places or places != sorted(places) or any(prompt.count(m) > 1 for m in markers):
        return None
    ends = places[1:]
    return [prompt[at + len(marker) : end].strip("\n") for marker, at, end in zip(markers, places, ends, strict=False)]
