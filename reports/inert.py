"""Text of others in places that only show text: JUnit XML, annotations, lines of a CI log.

`text.visible` writes out what cannot be seen; `inert` also writes out the one character without which a text cannot
act, whoever reads it: a log that obeys commands, a viewer that links addresses, a bot that pastes test reports into a
Markdown comment. Not here: escapes of a format (`markdown.code`, `prose` and `block`, the XML writer, `github`).
"""

from __future__ import annotations

import re

from voirdire.reports.text import one_line, visible

__all__ = ["disarm", "inert", "quiet", "quiet_lines"]

_ACTS = re.compile(
    r":(?=:)"  # ::command::, GitHub
    r"|#(?=[#\[])"  # ##[command], which GitHub's runner obeys anywhere in a line; ##vso[…] and ##teamcity[…]
    r"|[#!](?=\d)|(?<=GH)-(?=\d)"  # #123, !123, GH-123
    r"|@(?=\w)"  # @mention and me@host
    r"|:(?=//)|(?<=www)\.|(?<=mailto):"  # addresses that become links by themselves
    r"|!(?=\[)|(?<=\])\("  # ![image] and [text](address)
    r"|<(?=[a-z/!?])",  # markup
    re.IGNORECASE,
)

#: workflow commands: GitHub trims the blanks before `::`, and obeys `##[` anywhere in a line
_OBEYED = re.compile(r":(?=:)|#(?=#[\[a-z])")
#: the same in a text whose lines are known
_OBEYED_LINES = re.compile(r"^(?P<blanks>[^\S\n]*):(?=:)|#(?=#[\[a-z])", re.MULTILINE)


def inert(text: str, limit: int | None = None) -> str:
    """`text` on one line, at most about `limit` characters of it, everything that could act written out.

    Nothing of ours changes: our sentences hold none of these marks. The result is legal XML 1.0.

    >>> inert("::error::read @octocat\\u202e #12")
    '⟨U+003A⟩:error⟨U+003A⟩:read ⟨U+0040⟩octocat⟨U+202E⟩ ⟨U+0023⟩12'
    """
    return disarm(one_line(text, limit))


def quiet(text: str, limit: int | None = None) -> str:
    """`text` on one line for a terminal: only what a CI runner that reads the log would obey is written out.

    Addresses and mentions stay as they are: nothing in a terminal acts on them.
    """
    return _OBEYED.sub(lambda match: f"⟨U+{ord(match.group()):04X}⟩", one_line(text, limit))


def quiet_lines(text: str) -> str:
    """`text` for a terminal, its lines and blanks kept: what acts on the terminal or on a CI runner that reads the log
    is written out. `a::b` acts only at the start of a line, so that ids of tests stay as they are.

    >>> quiet_lines("told:\\n  ::error::\\x1b[2J test.py::one")
    'told:\\n  ⟨U+003A⟩:error::⟨U+001B⟩[2J test.py::one'
    """
    return _OBEYED_LINES.sub(lambda match: f"{match['blanks'] or ''}⟨U+{ord(match.group()[-1]):04X}⟩", visible(text))


def disarm(text: str) -> str:
    """`text` with every character that could act written out; what is invisible is `text.visible`'s to show."""
    return _ACTS.sub(lambda match: f"⟨U+{ord(match.group()):04X}⟩", text)
