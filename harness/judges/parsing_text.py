"""A judge's reply made ready for reading: plain characters, JSON objects set apart, quotations marked, echoes found.

Here: everything about the *text*. Not here: a reasoning model's thinking (parsing_thinking.py), what counts as a
verdict (parsing_pairwise.py and its siblings), what a sentence does to one (parsing_context.py), and which of several
verdicts wins (parsing.py).

All regular expressions have bounded repeats and every step looks at each character a fixed number of times: replies
are attacker-influenced and may be a megabyte long.
"""

from __future__ import annotations

import bisect
import functools
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["MARK", "Echo", "JsonObject", "Text", "cut", "lowered", "plain", "quotations_of", "words"]

#: stands in `Text.text` where a JSON object was; a private-use character, removed from the reply beforehand
MARK = "\ue000"

_MAX_JSON_CHARS = 200_000
_MAX_JSON_DEPTH = 32
_MAX_JSON_OBJECTS = 64
_DELETED = [0x00AD, 0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF, 0xE000, *range(0x202A, 0x202F), *range(0x2066, 0x206A)]
_PLAIN: dict[int, int | None] = {
    **{code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)},  # full-width ASCII
    **dict.fromkeys([0x00A0, 0x1680, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000], ord(" ")),
    **dict.fromkeys([0x2028, 0x2029, 0x0085], ord("\n")),
    **{ord(a): ord(b) for a, b in zip("【】〔〕〖〗。、≻≺＝’‘", "[][][].,><=''", strict=True)},
    **dict.fromkeys(_DELETED),
}


def plain(text: str) -> str:
    """`text` with full-width forms, exotic spaces and line ends made plain, invisible characters removed."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text if text.isascii() else text.translate(_PLAIN)


def lowered(text: str) -> str:
    """Lower case of the same length, so that offsets agree ("İ".lower() has two characters)."""
    low = text.lower()
    if len(low) == len(text):
        return low
    return "".join(c if len(c.lower()) != 1 else c.lower() for c in text)


def words(text: str) -> frozenset[str]:
    """The words of `text`, for word lists that read as sentences do."""
    return frozenset(text.split())


#: marks that begin or end a word; those between two digits are a product or part of a number
_EMPHASIS = re.compile(r"(?<![\d*_])[*_]++|[*_]++(?!\d)")
_BETWEEN_DIGITS = re.compile(r"\d[*_]++\d")


def _unmarked(text: str) -> str:
    """Without Markdown's emphasis: `**[[B]]**`, `Verdict: __B__`; "2*3" stays what it is."""
    if ("*" in text or "_" in text) and _BETWEEN_DIGITS.search(text):
        return _EMPHASIS.sub("", text)
    return text.replace("*", "").replace("_", "")


def cut(text: str, limit: int) -> str:
    """At most `limit` bytes of UTF-8: the beginning and the end, as verdicts tend to stand last."""
    if len(text) * 4 <= limit:
        return text
    data = text.encode("utf-8", "replace")
    if len(data) <= limit:
        return text
    gap = "\n[...]\n"
    half = (limit - len(gap)) // 2
    return data[:half].decode("utf-8", "ignore") + gap + data[-half:].decode("utf-8", "ignore")


@dataclass(frozen=True, slots=True)
class JsonObject:
    """A JSON object found in the reply; `at` is the offset of its MARK, `source` its text."""

    at: int
    data: dict[str, Any]
    source: str


class Text:
    """A reply, ready for reading. `text` and `low` (lower case) have the same length and offsets."""

    __slots__ = ("_quoted", "low", "objects", "text")

    def __init__(self, reply: str) -> None:
        source = plain(reply)
        pieces: list[str] = []
        objects: list[JsonObject] = []
        at = length = 0
        for start, end, data in _json_objects(source):
            piece = _unmarked(source[at:start])
            length += len(piece)
            objects.append(JsonObject(length, data, source[start:end]))
            pieces += (piece, MARK)
            length += 1
            at = end
        pieces.append(_unmarked(source[at:]))
        self.text = "".join(pieces)
        self.low = lowered(self.text)
        self.objects = tuple(objects)
        self._quoted: Callable[[int], bool] | None = None

    def quoted(self, at: int) -> bool:
        """Does the character at `at` stand inside quotation marks, inline code, a code block or a block quote?"""
        if self._quoted is None:
            self._quoted = quotations_of(self.text)
        return self._quoted(at)

    def without(self, start: int, end: int) -> str:
        """The text less the lines that `start:end` touches."""
        first = self.text.rfind("\n", 0, start) + 1
        last = self.text.find("\n", end)
        head, tail = self.text[:first], self.text[last + 1 :] if last >= 0 else ""
        return (head + tail).replace(MARK, "").strip()


# --- JSON ------------------------------------------------------------------------------------------------------------


def _json_objects(text: str) -> Iterator[tuple[int, int, dict[str, Any]]]:
    """The outermost decodable JSON objects in order; at most the last 64, so that a hostile reply stays cheap."""
    if "{" not in text:
        return
    spans = _balanced(text)
    for start, end in spans[-_MAX_JSON_OBJECTS:]:
        data = _decoded(text[start:end])
        if data is not None:
            yield start, end, data
            continue
        # braces that are no JSON (a template, LaTeX) may still hold an object
        for match in _FLAT.finditer(text, start + 1, end):
            data = _decoded(match.group())
            if data is not None:
                yield match.start(), match.end(), data


#: the value of a key that an object has twice, with two values: it is none of both
_CONTRADICTED: tuple[()] = ()


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data = dict(pairs)
    if len(data) < len(pairs):
        for name, value in pairs:
            if data[name] != value:
                data[name] = _CONTRADICTED
    return data


def _decoded(source: str) -> dict[str, Any] | None:
    try:
        data = json.loads(source, object_pairs_hook=_once)
    except (ValueError, RecursionError):
        return None
    return data if isinstance(data, dict) else None


_FLAT = re.compile(r"\{[^{}]{0,4000}\}")
_BRACE = re.compile(r'["{}\\]')


def _balanced(text: str) -> list[tuple[int, int]]:
    """Outermost balanced `{...}` spans. Quotation marks count inside braces only, and an object starts afresh at a
    `{` that opens a line, so that a stray brace or mark in the prose does not swallow what follows."""
    out: list[tuple[int, int]] = []
    stack: list[int] = []
    in_string = False
    skip = -1
    for match in _BRACE.finditer(text):
        at = match.start()
        if at == skip:
            continue
        char = text[at]
        if char == "\\":
            skip = at + 1 if in_string else -1
        elif char == '"':
            in_string = bool(stack) and not in_string
        elif char == "{":
            if in_string and text[at - 1] == "\n":  # JSON strings hold no raw line end: the string was none
                stack, in_string = [], False
            if not in_string:
                stack.append(at)
        elif not in_string and stack:
            start = stack.pop()
            if len(stack) < _MAX_JSON_DEPTH and at - start < _MAX_JSON_CHARS:
                while out and out[-1][0] > start:
                    out.pop()
                out.append((start, at + 1))
    return out


# --- quotations ------------------------------------------------------------------------------------------------------

_FENCE_LINE = re.compile(r"^[ \t]{0,8}(?:```|~~~)[^\n]*$", re.MULTILINE)
_BLOCK_QUOTE = re.compile(r"^[ \t]{0,8}>[^\n]*$", re.MULTILINE)
_INLINE_CODE = re.compile(r"(`{1,2})(?!`)[^`\n]{1,400}\1")
_SINGLE = re.compile(r"(?<!\w)'(?=\S)[^\n]{1,200}?(?<=\S)'(?!\w)")
_STRUCK = re.compile(r"~~[^~\n]{1,400}~~")
_DOUBLE = re.compile('["“”„«»「」『』]')
_OPENERS = {"“": "”", "„": "“", "«": "»", "「": "」", "『": "』"}
_BEFORE_OPENING = " \t\n([{<:=-—–,\"'`"
_AFTER_CLOSING = " \t\n.,;:!?)]}>\"'`-—–"


def quotations_of(text: str) -> Callable[[int], bool]:
    """Whether the character at an offset of `text` stands inside a quotation."""
    merged = _merged(_quotations(text))
    starts, ends = [s for s, _ in merged], [e for _, e in merged]

    def quoted(at: int) -> bool:
        # strictly after the opening mark: `"verdict": "A"` starts with a mark and is not inside one
        k = bisect.bisect_left(starts, at) - 1
        return k >= 0 and at < ends[k]

    return quoted


def _quotations(text: str) -> Iterator[tuple[int, int]]:
    """Spans (from the opening mark to the closing one) of what the reply quotes."""
    if "```" in text or "~~~" in text:
        opened: int | None = None
        for match in _FENCE_LINE.finditer(text):
            if opened is None:
                opened = match.start()
            else:
                yield opened, match.end()
                opened = None
        if opened is not None:
            yield opened, len(text)
    for mark, pattern in ((">", _BLOCK_QUOTE), ("`", _INLINE_CODE), ("'", _SINGLE), ("~~", _STRUCK)):
        if mark in text:
            for match in pattern.finditer(text):
                # a block quote has no opening mark that could itself begin a verdict
                yield match.start() - (mark == ">"), match.end()
    yield from _double_quotations(text)


def _double_quotations(text: str) -> Iterator[tuple[int, int]]:
    stack: list[int] = []
    last = -1  # offset of the latest mark
    for match in _DOUBLE.finditer(text):
        at, char = match.start(), match.group()
        before, after = text[at - 1 : at], text[at + 1 : at + 2]
        if char == '"':
            may_open = (not before or before in _BEFORE_OPENING) and bool(after) and not after.isspace()
            may_close = bool(before) and not before.isspace() and (not after or after in _AFTER_CLOSING)
            if may_open == may_close:
                opens = not stack and (may_open or before.isspace() or before > "\u2e7f")
                closes = not opens
            else:
                opens, closes = may_open, may_close
        else:
            # „so“ closes with the mark that opens “so”
            opens = char in _OPENERS and not (char == "“" and stack and text[stack[-1]] == "„")
            closes = not opens
        if opens:
            stack.append(at)
        elif closes and stack:
            yield stack.pop(), at + 1
        elif closes:
            # a closing mark whose opening one was taken by another: doubt reaches back to the mark before it
            yield max(last, text.rfind("\n", max(0, at - 2000), at), at - 2000, -1), at + 1
        last = at
    for at in stack:
        end = text.find("\n", at, at + 2000)
        yield at, end if end >= 0 else min(len(text), at + 2000)


def _merged(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    out: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if out and start < out[-1][1]:
            out[-1] = (out[-1][0], max(out[-1][1], end))
        else:
            out.append((start, end))
    return out


# --- echoes ----------------------------------------------------------------------------------------------------------

_TOKEN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\W\u3040-\u30ff\u3400-\u9fff]+|[^\w\s`#]")
_WINDOW = 120


class Echo:
    """Finds words of the reply that stand verbatim in a judged text (spacing, case and emphasis aside)."""

    __slots__ = ("_joined", "_judged", "_low")

    def __init__(self, judged: Sequence[str]) -> None:
        self._judged = tuple(text for text in judged if text)
        self._low: str | None = None
        self._joined: str | None = None

    def _folded(self) -> str:
        if self._low is None:
            # an object of the reply is one MARK, so the judged texts are also searched with theirs marked
            self._low = "\n".join(form for text in self._judged for form in (_fold(text), _fold_marked(text)) if form)
        return self._low

    def _all(self) -> str:
        """The judged texts, word by word."""
        if self._joined is None:
            self._joined = _joined(_TOKEN.findall(self._folded()))
        return self._joined

    def level(self, low: str, start: int, end: int, *, bare: bool) -> int:
        """0: `low[start:end]` is no echo; 1: the phrase occurs in a judged text; 2: so do the words around it.

        A `bare` verdict (`[[A]]`, a letter) is too short to be an echo by itself, its neighbours must be echoed too.
        """
        if not self._judged:
            return 0
        phrase = _TOKEN.findall(low[start:end])
        if bare and end - start == len(low.strip()):
            return 0  # a reply that is nothing but its verdict has no neighbours: the judged texts need no look
        folded = self._folded()
        if not phrase or max(phrase, key=len) not in folded:
            return 0
        left = _TOKEN.findall(low[max(0, start - _WINDOW) : start])[-8:]
        right = _TOKEN.findall(low[end : end + _WINDOW])[:8]
        if bare and not any(token in folded for token in (*left[-1:], *right[:1])):
            return 0  # spares most replies the splitting of the judged texts
        judged = self._all()
        if _joined(phrase) not in judged:
            return 0
        matched = 0
        while left and _joined([left[-1], *phrase]) in judged:
            phrase.insert(0, left.pop())
            matched += 1
        while right and _joined([*phrase, right[0]]) in judged:
            phrase.append(right.pop(0))
            matched += 1
        if bare:
            return 2 if matched >= 6 else 1 if matched >= 2 else 0
        return 2 if matched >= 5 else 1

    def holds(self, low: str, start: int, end: int) -> bool:
        """Do the words `low[start:end]`, two or more, stand in a judged text?"""
        phrase = _TOKEN.findall(low[start:end].rstrip(" \t\"'`”»」』"))
        if not self._judged or len(phrase) < 2:
            return False
        # its longest word and its first two characters spare most replies the splitting of the judged texts
        if max(phrase, key=len) not in self._folded() or low[start : start + 2] not in self._folded():
            return False
        return _joined(phrase) in self._all()

    def level_of_object(self, low: str, at: int, source: str) -> int:
        """The same for a JSON object, which left a MARK at `low[at]`."""
        head = low[max(0, at - _WINDOW) : at].replace(MARK, " ")
        source = _fold(source)
        return self.level(head + source + low[at + 1 : at + _WINDOW], len(head), len(head) + len(source), bare=False)


@functools.lru_cache(maxsize=64)
def _fold(text: str) -> str:
    return lowered(_unmarked(plain(text)))


@functools.lru_cache(maxsize=64)
def _fold_marked(text: str) -> str:
    """`text` as `Text` keeps a reply, each JSON object one MARK; empty where there is no object."""
    source = plain(text)
    pieces: list[str] = []
    at = 0
    for start, end, _ in _json_objects(source) if "{" in source else ():
        pieces += (_unmarked(source[at:start]), MARK)
        at = end
    return lowered("".join([*pieces, _unmarked(source[at:])])) if pieces else ""


def _joined(tokens: Sequence[str]) -> str:
    return "\x1f" + "\x1f".join(tokens) + "\x1f"
