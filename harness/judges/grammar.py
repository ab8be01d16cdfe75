"""The grammar of judges made of judges: `wrapper(SPEC, SPEC; param=value)`.

    judge    = wrapper | plain | quoted
    wrapper  = word "(" members [ ";" params ] ")"
    members  = judge { "," judge }
    params   = param { "," param }
    param    = word "=" judge
    plain    = text without "," ";" ")" outside of balanced parentheses       (any other spec, a name, a number)
    quoted   = '"' { character | '""' } '"'  |  "'" { character | "''" } "'"    (a spec written inside of quotes)
    word     = letter { letter | digit | "_" | "-" }

Blanks around every part are ignored. A quote means something only where a judge or a value begins, so an apostrophe
inside of a spec is an apostrophe; inside of quotes the same quote is written twice. No backslashes: paths have them.
Hence `jury("mock:noisy?phrase=a,b", mock:oracle)`, and `mock:noisy?phrase=(a,b)` needs no quotes at all.

Here: taking one level apart (`parse`) and writing it (`write`). A member stays text: whoever makes it parses it in
turn, so that names inside of wrappers are resolved, and may be refused, one by one. Not here: which wrappers there are
(wrappers/).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from voirdire.harness.errors import UsageError

__all__ = ["MAX_DEPTH", "WrapperSpec", "is_wrapper", "leaves", "parse", "write"]

#: wrappers inside of wrappers; a spec may come from a file, and each level is a level of Python's own stack
MAX_DEPTH = 32

_WORD = re.compile(r"[A-Za-z][\w-]*")
_HEAD = re.compile(r"([A-Za-z][\w-]*)\s*\(")
_PARAM = re.compile(r"([A-Za-z][\w-]*)\s*=")
_BLANK = re.compile(r"\s*")
#: what a plain spec may not hold outside of balanced parentheses
_ENDS = ",;)"


@dataclass(frozen=True, slots=True)
class WrapperSpec:
    """One level of a spec: the wrapper's name, its members and the values of its parameters, quotes taken off."""

    name: str
    members: tuple[str, ...]
    params: Mapping[str, str]


def is_wrapper(spec: str) -> bool:
    """Is `spec` a wrapper's, not `scheme:value` or a name?"""
    return _HEAD.match(spec.strip()) is not None


def parse(spec: str) -> WrapperSpec:
    """`spec` one level apart. Raises UsageError that names the place and what is missing there."""
    reader = _Reader(spec)
    found = reader.wrapper(0)
    reader.skip()
    if reader.at < len(spec):
        raise reader.error(f"{spec[reader.at :][:20]!r} stands behind the last parenthesis")
    return found


def leaves(spec: str) -> list[str]:
    """The judges at the bottom: members of members that are no wrappers, in order; of any other spec, itself.

    Judges in parameters are not among them. Raises UsageError as `parse` does.
    """
    if not is_wrapper(spec):
        return [spec]
    return [leaf for member in parse(spec).members for leaf in leaves(member)]


def write(name: str, members: Sequence[str], params: Mapping[str, str]) -> str:
    """The spec that `parse` takes apart into these; quotes only where they are needed."""
    inside = ", ".join(map(_quoted, members))
    given = ", ".join(f"{key}={_quoted(value)}" for key, value in params.items())
    return f"{name}({inside}; {given})" if given else f"{name}({inside})"


def _quoted(text: str) -> str:
    """`text` as it stands, if reading it gives it back, else in quotes."""
    reader = _Reader(text + ")")
    try:
        if reader.judge(0) == text and reader.at == len(text):
            return text
    except UsageError:
        pass
    return '"' + text.replace('"', '""') + '"'


class _Reader:
    """A position in a spec. Methods read one rule of the grammar from there and move on."""

    __slots__ = ("at", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def error(self, what: str) -> UsageError:
        from voirdire.harness.judges.endpoints import clean  # brings urllib.request, which reading a spec need not pay

        shown = clean(self.text, limit=120)
        return UsageError(
            f"the judge {shown!r} cannot be read: {what} (character {self.at + 1})",
            hint="A judge made of judges is written wrapper(SPEC, SPEC; param=value). Put quotes around a SPEC or a "
            "value that holds a comma, a semicolon or a single parenthesis.",
        )

    def skip(self) -> None:
        blank = _BLANK.match(self.text, self.at)
        assert blank is not None
        self.at = blank.end()

    def peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def wrapper(self, depth: int) -> WrapperSpec:
        self.skip()
        head = _HEAD.match(self.text, self.at)
        if head is None:
            raise self.error("a wrapper's name and an opening parenthesis are missing")
        if depth > MAX_DEPTH:
            raise self.error(f"more than {MAX_DEPTH} wrappers inside of each other")
        self.at = head.end()
        members = [self.judge(depth)]
        while self.peek() == ",":
            self.at += 1
            members.append(self.judge(depth))
        params: dict[str, str] = {}
        if self.peek() == ";":
            self.at += 1
            params = self.params(depth)
        if self.peek() != ")":
            raise self.error("the closing parenthesis is missing" if not self.peek() else "expected , or )")
        self.at += 1
        return WrapperSpec(head[1], tuple(members), params)

    def params(self, depth: int) -> dict[str, str]:
        params: dict[str, str] = {}
        while True:
            self.skip()
            key = _PARAM.match(self.text, self.at)
            if key is None:
                raise self.error("a parameter as in k=3 is missing")
            if key[1] in params:
                raise self.error(f"the parameter {key[1]!r} is given twice")
            self.at = key.end()
            params[key[1]] = self.judge(depth)
            if self.peek() != ",":
                return params
            self.at += 1

    def judge(self, depth: int) -> str:
        """The text of a member or a value; afterwards the position is at what ends it."""
        self.skip()
        if self.peek() in ('"', "'"):
            text = self.quoted()
        elif _HEAD.match(self.text, self.at):
            begin = self.at
            self.wrapper(depth + 1)
            text = self.text[begin : self.at]
        else:
            text = self.plain()
        self.skip()
        if self.peek() not in ("", *_ENDS):
            raise self.error(f"expected , ; or ) and not {self.peek()!r}")
        return text

    def quoted(self) -> str:
        quote, begin = self.peek(), self.at
        parts: list[str] = []
        self.at += 1
        while True:
            end = self.text.find(quote, self.at)
            if end < 0:
                self.at = begin
                raise self.error(f"the quote {quote} is never closed")
            parts.append(self.text[self.at : end])
            self.at = end + 1
            if self.peek() != quote:
                break
            parts.append(quote)
            self.at += 1
        text = "".join(parts)
        if not text.strip():
            raise self.error("there is nothing between the quotes")
        return text

    def plain(self) -> str:
        begin, depth = self.at, 0
        while self.at < len(self.text):
            character = self.text[self.at]
            if depth == 0 and character in _ENDS:
                break
            depth += (character == "(") - (character == ")")
            self.at += 1
        if depth:
            self.at = begin
            raise self.error("a parenthesis is never closed")
        text = self.text[begin : self.at].strip()
        if not text:
            raise self.error("a judge or a value is missing")
        return text
