"""Code and data without a fence: where a text is a program, JSON or YAML although no mark says so.

An edit that leaves prose what it was breaks these: a capital, a torn word or a blank of another kind, and the program
no longer runs. So runs of lines that read as code are one block, from their first line to their last.

What counts. A line is *sure* if prose has no such line (`def f(x):`, `import os`, `for i in xs:`, `#include <a>`), and
*likely* if it is code among code (an assignment, a call alone, braces, a comment). A run of lines is code if at least
one is sure, there are two or more, and few others stand between; comments at its ends belong to it where no empty line
parts them, so that headings do not. JSON is what a JSON parser takes, from the first brace of a line to the end of a
line. Nothing is executed or compiled: texts are an attacker's.

Not here: fences, inline code, and single lines that look like code (span_patterns.py).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import NamedTuple

__all__ = ["bare_blocks"]

#: longer lines are no code that people write, and regular expressions need an end
_LONGEST_LINE = 500
#: places where JSON is looked for; a text with more braces at line starts is code or hostile
_MOST_TRIES = 24
#: empty lines between two lines of one program
_MOST_EMPTY = 2
#: share of the lines of a run that must be code and no comments
_ENOUGH = 0.4

# Both are matched against lines without white space at their end. Every part that can be long is followed by what it
# cannot hold, or stands last, so that hostile lines take time in proportion.
_SURE = re.compile(
    r"""^[ \t]*+(?:
      (?:async[ ])?def[ ][A-Za-z_]\w*[ ]?\(                                  # Python
    | class[ ][A-Za-z_]\w*[ ]?(?:\([^()]*\))?[ ]?[:{]$
    | import[ ][A-Za-z_][\w.]*(?:[ ]as[ ]\w+)?(?:,[ ]?[A-Za-z_][\w.]*(?:[ ]as[ ]\w+)?)*;?$
    | from[ ][A-Za-z_.][\w.]*[ ]import[ ][\w(*]
    | for[ ][A-Za-z_]\w*(?:,[ ]?[A-Za-z_]\w*)*[ ]in[ ][^:]+:(?:[ ]*\#.*)?$
    | (?:if|elif|while)[ ](?=[^:]*(?:[=!<>]=|[\[\](){}<>=]|[ ]not[ ]|[ ]in[ ]))[^:]*+:(?:[ ]*\#.*)?$
    | (?:else|try|finally)[ ]?:(?:[ ]*\#.*)?$
    | except(?:[ ][\w.(), ]*)?:$
    | with[ ][\w.]+\(.*\)(?:[ ]as[ ]\w+)?:$
    | \#[ ]?include[ ]?[<"] | \#[ ]?(?:define|ifdef|ifndef|endif|pragma)\b    # C and its kin
    | (?:public|private|protected|static|const|final|export|template|namespace|using|typedef)\b.*[;{]$
    | (?:const|let|var)[ ][A-Za-z_$\[{].*=
    | (?:function|func|fn)[ ][A-Za-z_]\w*[ ]?[(<].*[{)]$
    | (?:int|void|double|float|char|bool|auto|string|long)[ ][*&]?[A-Za-z_]\w*[ ]?(?:\(.*[{;)]|=.*;|;)$
    | (?:if|for|while|switch|else[ ]if)[ ]?\(.*\)[ ]?\{$
    | \}?[ ]?else[ ]?\{$
    | (?<=[ \t])return\b.*;$
    | (?:SELECT[ ].+|INSERT[ ]INTO[ ].+|UPDATE[ ]\S+[ ]SET\b.*|DELETE[ ]FROM[ ].+|CREATE[ ]TABLE[ ].+)
    | [A-Za-z_]\w*[ ]?=[ ]?(?:\[.*\]|\{.*\}|[\w.]+\(.*\));?(?:[ ]*\#.*)?$
    )""",
    re.VERBOSE,
)
_LIKELY = re.compile(
    r"""^[ \t]*+(?:
      [A-Za-z_$][\w.$\[\]'"]*(?:,[ ]?[A-Za-z_][\w.\[\]'"]*)*[ ]?(?:[-+*/%&|^]|//|\*\*|:)?=(?!=)[ ]?\S      # assignment
    | (?:await[ ]|yield[ ]|new[ ])?[A-Za-z_][\w.]*\((?:.*(?<=[)\]};,:(\[{\\])$|.*\)[ ]*(?:\#|//))            # call
    | (?:return|raise|assert|yield|del|global|nonlocal|throw)\b
    | (?:pass|break|continue);?$
    | @[A-Za-z_][\w.]*(?:\(.*\))?$
    | [\[\](){};,]+$
    | .*[;{]$
    | (?:FROM|WHERE|JOIN|LEFT[ ]JOIN|INNER[ ]JOIN|GROUP[ ]BY|ORDER[ ]BY|HAVING|LIMIT|VALUES|SET|AND|OR|ON)\b
    | ['"].*['"][ ]?[,:)\]}]
    )""",
    re.VERBOSE,
)
_COMMENT = re.compile(r"[ \t]*(?:\#|//|/\*|\*/|--[ ]|\"\"\"|''')")
_INDENTED = re.compile(r"[ ]{2,}|\t")
_LIST_MARK = re.compile(r"[ \t]*(?:[-*+•][ ]|\d{1,3}[.)][ ])")
_QUOTES = re.compile(r'"""|' + "'''")
_LINE = re.compile(r"[^\n]*\n?")

#: "- key: value" with a further key below it: YAML, since a list of prose has no such lines
_YAML = re.compile(
    r"^[ ]*-[ ][A-Za-z_][\w-]*:(?:[ ][^\n]*)?\n(?:[ ]+[A-Za-z_][\w-]*:(?:[ ][^\n]*)?(?:\n|\Z))++"
    r"(?:[ ]*-[ ][A-Za-z_][\w-]*:(?:[ ][^\n]*)?(?:\n|\Z)|[ ]+[A-Za-z_][\w-]*:(?:[ ][^\n]*)?(?:\n|\Z))*+",
    re.MULTILINE,
)
_OPENING = re.compile(r"^[ \t]*(?=[{\[])", re.MULTILINE)
_DECODER = json.JSONDecoder()


def bare_blocks(text: str) -> list[tuple[int, int]]:
    """Spans of whole lines, sorted, in code points; white space behind the last is left out."""
    found: list[tuple[int, int]] = []
    if "{" in text or "[" in text:
        found += _json(text)
    if ":" in text and "- " in text:
        found += (m.span() for m in _YAML.finditer(text))
    if "\n" in text and any(_SURE.match(line.rstrip()) for line in text.split("\n") if len(line) <= _LONGEST_LINE):
        found += _code(text)
    return _joined(found)


def _json(text: str) -> Iterator[tuple[int, int]]:
    at = 0
    for opening in list(_OPENING.finditer(text))[:_MOST_TRIES]:
        if opening.start() < at:
            continue
        try:
            value, end = _DECODER.raw_decode(text, opening.end())
        except (ValueError, RecursionError):
            continue
        rest = text[end : end + 80].partition("\n")[0]
        # [3] and the like are citations, [ ] a box to tick
        if rest.strip(" \t\r") or not isinstance(value, (dict, list)) or not _is_data(value):
            continue
        at = end
        yield opening.start(), end


def _is_data(value: dict[str, object] | list[object]) -> bool:
    if isinstance(value, dict):
        return bool(value)
    return len(value) > 3 or any(isinstance(item, (dict, list, str)) for item in value)


class _Line(NamedTuple):
    start: int
    end: int
    kind: str
    #: an empty line stands before it
    apart: bool


def _code(text: str) -> Iterator[tuple[int, int]]:
    run: list[_Line] = []
    empty, quoted = 0, False
    for match in _LINE.finditer(text):
        line = match.group()
        if not line.strip():
            empty += 1
            continue
        kind = "inside" if quoted and empty <= _MOST_EMPTY else _kind(line)
        if kind == "prose" or empty > _MOST_EMPTY:
            yield from _closed(run)
            run, quoted = [], False
        if kind != "prose":
            run.append(_Line(*match.span(), kind, empty > 0))
            if len(_QUOTES.findall(line)) % 2:
                quoted = not quoted
        empty = 0
    yield from _closed(run)


def _kind(line: str) -> str:
    if len(line) > _LONGEST_LINE:
        return "prose"
    line = line.rstrip()
    if _SURE.match(line):
        return "sure"
    if _COMMENT.match(line):
        return "comment"
    if _LIKELY.match(line) and not _LIST_MARK.match(line):
        return "likely"
    # what goes on from the line before
    return "inside" if _INDENTED.match(line) and not _LIST_MARK.match(line) else "prose"


def _closed(run: list[_Line]) -> Iterator[tuple[int, int]]:
    """The run as a block, if it is code. What only goes with code belongs to it up to the first empty line."""
    code = [k for k, line in enumerate(run) if line.kind in ("sure", "likely")]
    if len(code) < 2 or not any(line.kind == "sure" for line in run):
        return
    first, last = code[0], code[-1]
    while first and not run[first].apart and run[first - 1].kind == "comment":
        first -= 1
    while last + 1 < len(run) and not run[last + 1].apart:
        last += 1
    if len(code) >= _ENOUGH * sum(line.kind != "inside" for line in run[first : last + 1]):
        yield run[first].start, run[last].end


def _joined(found: list[tuple[int, int]]) -> list[tuple[int, int]]:
    out: list[tuple[int, int]] = []
    for start, end in sorted(found):
        if out and start < out[-1][1]:
            out[-1] = out[-1][0], max(end, out[-1][1])
        else:
            out.append((start, end))
    return out
