"""The code blocks of a page of documentation: what each is, which file it makes, which commands it shows.

A block behind a line "`path`:" is a file, one behind "At the end of `path`:" is appended to it. The words behind the
language are the block's title, which the site shows above it: "not run: why" and "exit code 1" are ours.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

__all__ = ["Block", "blocks_of", "commands"]

_INFO = re.compile(r'([\w+-]*)(?: title="([^"]+)")?')
_NAMED = re.compile(r"(At the end of )?`([\w./]+)`:")


class Block(NamedTuple):
    #: of the fence, from 1
    line: int
    language: str
    title: str
    #: of the file that it is, if it is one
    path: str | None
    appended: bool
    text: str

    @property
    def left_out(self) -> str | None:
        """Why it is not run; None if it is."""
        return self.title[8:].strip() if self.title.startswith("not run:") else None

    @property
    def exit_code(self) -> int:
        """What its commands end in."""
        return int(self.title[9:]) if self.title.startswith("exit code") else 0


def blocks_of(page: Path) -> Iterator[Block]:
    """The fenced blocks of a page, dedented. Raises AssertionError for a fence whose title nobody understands."""
    lines = page.read_text(encoding="utf-8").splitlines()
    number = 0
    while number < len(lines):
        start = number
        number += 1
        fence = re.match(r"( *)(`{3,})([^`]*)$", lines[start])
        if fence is None:
            continue
        end = next(k for k in range(number, len(lines)) if lines[k].strip() == fence[2])
        info = _INFO.fullmatch(fence[3].strip())
        where = f"{page.name}, line {start + 1}"
        assert info, f"{where}: {fence[3]!r} is no language with a title"
        title = info[2] or ""
        known = not title or re.fullmatch(r"not run: \S.*|exit code \d+", title)
        assert known, f"{where}: the title {title!r} is neither 'not run: why' nor 'exit code N'"
        above = lines[start - 2].strip() if start > 1 and not lines[start - 1].strip() else ""
        named = _NAMED.fullmatch(above)
        text = textwrap.dedent("\n".join(lines[number:end])) + "\n"
        yield Block(start + 1, info[1], title, named and named[2], bool(named and named[1]), text)
        number = end + 1


def commands(block: Block) -> Iterator[tuple[str, list[str]]]:
    """Each command of a block, with the lines that it shows below.

    In a console block commands stand behind `$`, in a workflow behind `run:`; the others hold nothing but commands.
    """
    if block.language == "yaml":
        for command in re.findall(r"^ +run: (.+)$", block.text, re.M):
            yield command, []
    elif block.language == "console" or block.text.startswith("$ "):
        for part in re.split(r"^\$ ", block.text, flags=re.M)[1:]:
            command, *shown = part.splitlines()
            yield command, shown
    else:
        for command in block.text.replace("\\\n", " ").splitlines():
            if command.strip() and not command.lstrip().startswith("#"):
                yield command, []
