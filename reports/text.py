"""Judged text made safe to look at: invisible characters shown, the edit marked, long texts cut around it.

Renderers escape for their own format afterwards; nothing here knows HTML, Markdown or terminals.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from voirdire.harness.cases import Case, Edit

__all__ = ["Field", "Piece", "excerpt", "fields", "one_line", "pieces", "reordered", "visible"]

# Characters that change or hide what a reader sees: controls (but newline and tab), soft hyphen, bidi controls,
# zero-width and invisible operators, line and paragraph separators, fillers, lone surrogates, noncharacters, tags,
# and variation selectors beyond the emoji ones. Joiners and emoji selectors are decided by their neighbours below.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff\ud800-\udfff"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
#: legitimate inside emoji, Persian and Indic words, so shown only where no such neighbour explains them
_JOINERS = "\u200c\u200d\ufe0e\ufe0f"


def visible(text: str) -> str:
    """`text` with every invisible or direction-changing character written out, e.g. "⟨U+202E⟩".

    >>> visible("pay\\u202e me")
    'pay⟨U+202E⟩ me'
    """
    if text.isascii() and text.isprintable():  # most texts, at a tenth of the time
        return text
    return _INVISIBLE.sub(_shown, text.replace("\r\n", "\n"))


def _shown(match: re.Match[str]) -> str:
    char, text, at = match.group(), match.string, match.start()
    if char == "\ufffd":
        return char
    if (
        char in _JOINERS
        and at
        and ord(text[at - 1]) > 0xA8
        and (text[at - 1] == "\ufe0f" or text[at - 1] not in _JOINERS)
    ):
        return char
    return f"⟨U+{ord(char):04X}⟩"


def one_line(text: str, limit: int | None = None) -> str:
    """`visible(text)` on one line, cut to at most `limit` characters with an ellipsis.

    The cut comes first: a megabyte on one line must not cost a megabyte of work.
    """
    if limit is not None and len(text) > 4 * limit:
        text = text[: 4 * limit]
    line = " ".join(visible(text).split())
    return line if limit is None or len(line) <= limit else line[: max(0, limit - 1)].rstrip() + "…"


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of text: kept, deleted, inserted, or a gap (then `text` is the note that stands for it)."""

    kind: Literal["same", "del", "ins", "gap"]
    text: str


@dataclass(frozen=True, slots=True)
class Field:
    """One text as the judge was shown it in the follow-up call.

    `name` is "instruction", "reference", "rubric", "context" or "responses[k]"; `changed` where an edit is marked;
    `earlier` is the source call's text where it was another text altogether.
    """

    name: str
    pieces: tuple[Piece, ...]
    changed: bool = False
    earlier: str | None = None

    @property
    def slot(self) -> int | None:
        return int(self.name[10:-1]) if self.name.startswith("responses[") else None


def pieces(before: str, after: str, edits: Iterable[Edit] = ()) -> tuple[Piece, ...]:
    """`after` as runs of kept, deleted and inserted text.

    The edits are used where they really lead from `before` to `after`; otherwise the two texts are compared by their
    common start and end, so that the marks can never lie.
    """
    parts = _replay(before, sorted(edits, key=lambda e: (e.start, e.end)))
    if parts is None or "".join(p.text for p in parts if p.kind != "del") != after:
        parts = _compare(before, after)
    return tuple(p for p in parts if p.text)


def _replay(before: str, edits: Sequence[Edit]) -> list[Piece] | None:
    out: list[Piece] = []
    at = 0
    for edit in edits:
        if edit.start < at or edit.end < edit.start or edit.end > len(before):
            return None
        out.append(Piece("same", before[at : edit.start]))
        out.append(Piece("del", before[edit.start : edit.end]))
        out.append(Piece("ins", edit.text))
        at = edit.end
    out.append(Piece("same", before[at:]))
    return out


def _compare(before: str, after: str) -> list[Piece]:
    """Common start, deleted, inserted, common end: linear in the length, which a general diff is not."""
    shorter = min(len(before), len(after))
    start = 0
    while start < shorter and before[start] == after[start]:
        start += 1
    end = 0
    while end < shorter - start and before[-1 - end] == after[-1 - end]:
        end += 1
    return [
        Piece("same", before[:start]),
        Piece("del", before[start : len(before) - end]),
        Piece("ins", after[start : len(after) - end]),
        Piece("same", before[len(before) - end :] if end else ""),
    ]


def fields(source: Case, follow_up: Case, target: int, edits: Iterable[Edit]) -> list[Field]:
    """Every text of the follow-up in reading order, the edit marked in the field it was made to.

    A response beside the target that differs from the source's is shown as it was, with the earlier text kept apart.
    """
    if reordered(source, follow_up):
        # a change of order is no edit of a text: marking it as one would strike out both answers
        source = source.replace(responses=follow_up.responses)
    by_field: dict[str, list[Edit]] = {}
    for edit in edits:
        # offsets into a response always belong to the target: both cases stand in the same order
        name = edit.where if edit.where in ("instruction", "reference", "rubric", "context") else f"responses[{target}]"
        by_field.setdefault(name, []).append(edit)
    out = []
    for name in ("instruction", "context", "reference", "rubric"):
        before, after = (_text(case, name) for case in (source, follow_up))
        if after or before:
            parts = pieces(before, after, by_field.get(name, ()))
            out.append(Field(name, parts, changed=before != after))
    for slot, after in enumerate(follow_up.responses):
        name = f"responses[{slot}]"
        before = source.responses[slot] if slot < len(source.responses) else ""
        if slot == target:
            out.append(Field(name, pieces(before, after, by_field.get(name, ())), changed=before != after))
        else:
            kept = (Piece("same", after),) if after else ()
            out.append(Field(name, kept, earlier=before if before != after else None))
    return out


def reordered(source: Case, follow_up: Case) -> bool:
    """Do both show the same responses, in another order?"""
    return source.responses != follow_up.responses and sorted(source.responses) == sorted(follow_up.responses)


def _text(case: Case, name: str) -> str:
    if name == "instruction":
        return case.instruction_text
    value = getattr(case, name)
    return value if isinstance(value, str) else ""


def excerpt(parts: Sequence[Piece], limit: int) -> tuple[Piece, ...]:
    """`parts` cut to about `limit` characters around the edits, each cut replaced by a note of its length."""
    if sum(len(p.text) for p in parts) <= limit:
        return tuple(parts)
    edits = [k for k, p in enumerate(parts) if p.kind in ("del", "ins")]
    if not edits:
        return _shorten(parts[0], limit, head=0.75) if parts else ()
    # at most 40 edits are shown; each gets an equal part of the room, two thirds of it for the edit itself
    last = edits[:40][-1]
    room = max(20, limit // (len(edits[:40]) + 1))
    out: list[Piece] = []
    for k, part in enumerate(parts[: last + 1]):
        if part.kind == "same":
            out += _shorten(part, room, head=0.0 if k == 0 else 0.5)
        else:
            out += _shorten(part, room, head=0.5)
    rest = parts[last + 1 :]
    more = sum(p.kind in ("del", "ins") for p in rest)
    if more:
        out.append(Piece("gap", f"… {more:,} more edits and {sum(len(p.text) for p in rest):,} characters not shown …"))
    elif rest:
        out += _shorten(rest[0], room, head=1.0)
    return tuple(out)


def _shorten(part: Piece, limit: int, *, head: float) -> tuple[Piece, ...]:
    """`part` with its middle, end or start left out; `head` is the share of the room its start gets."""
    if len(part.text) <= limit + 40:  # a note is no shorter than what it would replace
        return (part,)
    first = int(limit * head)
    last = limit - first
    note = Piece("gap", f"… {len(part.text) - first - last:,} characters not shown …")
    start = (Piece(part.kind, part.text[:first]),) if first else ()
    end = (Piece(part.kind, part.text[-last:]),) if last else ()
    return (*start, note, *end)
