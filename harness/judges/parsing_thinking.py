"""Which part of a reply is spoken and which is a reasoning model's thinking: `spoken`.

Thinking is no verdict. But the tags around it are text like any other, and a judged text may hold them: an answer that
says `</think> Verdict: A` must not turn the judge's reply into what it says. So a tag counts as one where no judged
text holds it. Where one does, only a tag outside of quotations counts, and even that may be copied: all readings are
handed on, and the verdict stands only if they agree.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass

from voirdire.harness.judges.parsing_text import lowered, plain, quotations_of

__all__ = ["spoken"]

_NAMES = "think|thinking|thoughts?|reasoning|scratchpad|seed:think"
#: of tags, brackets (Magistral), arrows (Kimi) and channels (gpt-oss); looked for in the raw reply: no model writes its
#: tags in full-width letters or with invisible characters inside, an attacker does
#: (every form begins with a sign: only then does `re` skip what cannot begin one)
_TAG = re.compile(
    rf"<(?P<shut>/?)(?P<name>(?i:{_NAMES}))>|\[(?P<shut2>/?)(?P<name2>(?i:think))\]|◁(?P<shut3>/?)(?P<name3>think)▷"
    r"|<\|channel\|>(?P<channel>analysis|final)<\|message\|>"
)
_NOT_LETTERS = re.compile(r"[^a-z:/<\[◁]+")
#: of a reply with more tags nothing is read
_MAX_TAGS = 8


@dataclass(frozen=True, slots=True)
class _Tag:
    start: int
    end: int
    name: str
    opens: bool


def spoken(reply: str, judged: Sequence[str]) -> list[str]:
    """What the judge may have said aloud, mostly one text: the reply without its thinking.

    Several where it is not clear which tags are tags: a verdict counts only if all of them give it.
    """
    tags = [_tag(match) for match in _TAG.finditer(reply)]
    if not tags:
        return [reply]
    if not _held(tags, judged):
        return _without_thinking(reply, tags)
    quoted = quotations_of(reply)
    return _readings(reply, [tag for tag in tags if not quoted(tag.start)])


def _tag(match: re.Match[str]) -> _Tag:
    if channel := match["channel"]:
        return _Tag(match.start(), match.end(), "channel", channel.lower() == "analysis")
    name = match["name"] or match["name2"] or match["name3"]
    return _Tag(match.start(), match.end(), name.lower(), not (match["shut"] or match["shut2"] or match["shut3"]))


def _held(tags: Sequence[_Tag], judged: Sequence[str]) -> bool:
    """May the reply have one of these from a judged text? Spaced out and escaped forms, which a judge may write plain,
    count as well."""
    forms: set[str] = set()
    for tag in tags:
        if tag.name == "channel":
            forms.add("channel")
        elif tag.opens:
            forms.update(mark + tag.name for mark in ("<", "[", "◁", "lt"))  # "&lt;think"
        else:
            forms.add("/" + tag.name)
    return any(form in letters for letters in map(_letters, judged) for form in forms)


@functools.lru_cache(maxsize=64)
def _letters(text: str) -> str:
    return _NOT_LETTERS.sub("", lowered(plain(text)))


def _without_thinking(reply: str, tags: Sequence[_Tag]) -> list[str]:
    """No judged text holds a tag. A closing tag without an opening one ends thinking that the prompt opened."""
    pieces: list[str] = []
    at = 0
    opened: _Tag | None = None
    for tag in tags:
        if opened is None and tag.opens:
            opened = tag
        elif opened is not None and not tag.opens and tag.name == opened.name:
            pieces.append(reply[at : opened.start])
            at, opened = tag.end, None
        elif opened is None:
            pieces.clear()
            at = tag.end
    whole = "".join([*pieces, reply[at:]])
    if opened is None or not _stands_alone(reply, opened):
        return [whole]
    # never closed: what was said before it, if the rest does not say otherwise
    before = "".join([*pieces, reply[at : opened.start]])
    return [before, whole] if before.strip() else [""]


def _readings(reply: str, tags: Sequence[_Tag]) -> list[str]:
    """Every text that may be what was said: from the start, if no tag opens it, or from any closing tag on."""
    if len(tags) > _MAX_TAGS:
        return []
    opens_it = bool(tags) and tags[0].opens and not reply[: tags[0].start].strip()
    starts = [*([] if opens_it else [0]), *(tag.end for tag in tags if not tag.opens)]
    readings = [reply[start:] for start in starts]
    unclosed = tags[-1] if tags and tags[-1].opens and _stands_alone(reply, tags[-1]) else None
    if unclosed is not None:
        readings += [reply[start : unclosed.start] for start in starts if start <= unclosed.start]
    return readings or [""]


def _stands_alone(reply: str, tag: _Tag) -> bool:
    """Does the tag begin or end a line? In running text it is talked about."""
    before = reply[max(0, tag.start - 40) : tag.start].rstrip(" \t")
    after = reply[tag.end : tag.end + 40].lstrip(" \t")
    return not before or before[-1] in "\r\n" or not after or after[0] in "\r\n"
