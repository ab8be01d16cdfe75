"""Texts that are made to slow a regular expression down, derived from the expression itself.

A backtracking matcher wastes time where a repeat matches a long run and what must follow it does not come: then every
beginning of the run, or every way to split it, is tried. So for each repeat of a pattern the text is: what leads to the
repeat, a long run of what it repeats, and a character that fits nothing.
"""

from __future__ import annotations

import gc
import math
import re
import re._constants as sre
import re._parser as parser
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

__all__ = ["QUADRATIC", "growth", "patterns_of", "run_texts"]

#: tried where a class of characters says only what it does not contain
_TRIES = "a0 .,-\n\t(\"'#*|[{<_:;`é一\u200b"
_FAILS = "\x01"


def run_texts(pattern: re.Pattern[str]) -> Iterator[Callable[[int], str]]:
    """For each repeat of `pattern`: a function from a length to a hostile text of about that length."""
    tree = parser.parse(pattern.pattern, pattern.flags & ~re.UNICODE | (pattern.flags & re.UNICODE))
    seen = set()
    for before, body in _repeats(tree, ""):
        for run in {body, body * 2}:
            if run and (before, run) not in seen:
                seen.add((before, run))
                yield _text(before, run, _FAILS)
                yield _text(before, run, "\n" + _FAILS)


def _text(before: str, run: str, end: str) -> Callable[[int], str]:
    return lambda length: before + run * (length // len(run)) + end


def _repeats(tree: Iterable[Any], before: str) -> Iterator[tuple[str, str]]:
    """(a text that leads to the repeat, a text that its body matches) of each unbounded repeat."""
    for op, value in tree:
        if op in (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT):
            _, high, body = value
            if high is sre.MAXREPEAT or high > 100:
                yield before, _sample(body)
            yield from _repeats(body, before)
        elif op is sre.SUBPATTERN:
            yield from _repeats(value[3], before)
        elif op is sre.ATOMIC_GROUP:
            yield from _repeats(value, before)
        elif op is sre.BRANCH:
            for branch in value[1]:
                yield from _repeats(branch, before)
        elif op in (sre.ASSERT, sre.ASSERT_NOT):
            yield from _repeats(value[1], before)
        before += _sample([(op, value)])


def _sample(tree: Iterable[Any]) -> str:
    """A text that `tree` matches, as a rule."""
    out = ""
    for op, value in tree:
        if op is sre.LITERAL:
            out += chr(value)
        elif op is sre.NOT_LITERAL:
            out += next(c for c in _TRIES if c != chr(value))
        elif op is sre.ANY:
            out += "a"
        elif op is sre.IN:
            out += _of_class(value)
        elif op is sre.CATEGORY:
            out += _of_class([(op, value)])
        elif op is sre.BRANCH:
            out += _sample(value[1][0])
        elif op is sre.SUBPATTERN:
            out += _sample(value[3])
        elif op is sre.ATOMIC_GROUP:
            out += _sample(value)
        elif op in (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT):
            out += _sample(value[2]) * max(value[0], 1 if value[1] else 0)
    return out


def _of_class(items: Any) -> str:
    source = _class_pattern(items)
    matches = re.compile(source, re.DOTALL)
    for char in _TRIES:
        if matches.fullmatch(char):
            return char
    for op, value in items:
        if op is sre.LITERAL:
            return chr(value)
        if op is sre.RANGE:
            return chr(value[0])
    return ""


_CATEGORIES = {
    sre.CATEGORY_DIGIT: r"\d",
    sre.CATEGORY_NOT_DIGIT: r"\D",
    sre.CATEGORY_SPACE: r"\s",
    sre.CATEGORY_NOT_SPACE: r"\S",
    sre.CATEGORY_WORD: r"\w",
    sre.CATEGORY_NOT_WORD: r"\W",
}


def _class_pattern(items: Any) -> str:
    out, negated = "", ""
    for op, value in items:
        if op is sre.NEGATE:
            negated = "^"
        elif op is sre.LITERAL:
            out += re.escape(chr(value))
        elif op is sre.RANGE:
            out += f"{re.escape(chr(value[0]))}-{re.escape(chr(value[1]))}"
        elif op is sre.CATEGORY:
            out += _CATEGORIES[value]
    return f"[{negated}{out}]"


def patterns_of(package: str) -> dict[str, re.Pattern[str]]:
    """Every compiled pattern that a module of `package` holds, by where it stands; containers are searched too."""
    found: dict[str, re.Pattern[str]] = {}
    ids: set[int] = set()

    def search(value: Any, where: str, depth: int) -> None:
        if isinstance(value, re.Pattern):
            if isinstance(value.pattern, str) and id(value) not in ids:
                ids.add(id(value))
                found[where] = value
            return
        if depth == 0:
            return
        if isinstance(value, dict):
            for key, item in value.items():
                search(item, f"{where}[{key!r}]", depth - 1)
        elif isinstance(value, (list, tuple, set, frozenset)):
            for k, item in enumerate(value):
                search(item, f"{where}[{k}]", depth - 1)
        elif hasattr(value, "__dataclass_fields__") and not isinstance(value, type):
            for name in value.__dataclass_fields__:
                search(getattr(value, name, None), f"{where}.{name}", depth - 1)

    for name, module in sorted(sys.modules.items()):
        if name == package or name.startswith(package + "."):
            for key, value in list(vars(module).items()):
                search(value, f"{name}.{key}", 3)
    return found


#: between 4, linear, and 16, quadratic, for a text four times as long
QUADRATIC = 8.0


def growth(work: Callable[[str], object], text: Callable[[int], str], *, size: int, slow: float) -> float:
    """How much processor time `work` takes on a text of 2 `size` over one of half of `size`: 4 where it is linear, 16
    where it is quadratic. 0 where the longer one takes less than `slow` seconds: too little to tell, and to matter.

    A busy machine only ever adds to times, so the least of several tries counts, and what looks quadratic is tried
    again.
    """
    short, long = text(size // 2), text(2 * size)
    long_time = short_time = math.inf
    ratio = 0.0
    for tries in range(1, 7):
        long_time = min(long_time, _seconds(work, long))
        if long_time < slow:
            return 0.0
        short_time = min(short_time, _seconds(work, short), _seconds(work, short))
        ratio = long_time / max(short_time, 1e-9)
        # what takes longer than two seconds is no noise, and six times that would keep everybody waiting
        if long_time > 2 or (tries > 2 and ratio < QUADRATIC):
            break
    return ratio


def _seconds(work: Callable[[str], object], text: str) -> float:
    """Of this thread alone: others left over from other tests go on beside it. Nor does the collector count, whose
    time grows with all that the process holds."""
    gc.disable()
    try:
        start = time.thread_time()
        work(text)
        return time.thread_time() - start
    finally:
        gc.enable()
