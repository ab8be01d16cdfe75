"""The placebo of an insertion: off-topic prose with its words, characters, white space and line breaks.

If a judge rewards a fake citation no more than a line about meadows of the same length, it was the length.
Here: assembling. The words are in neutral_words.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from random import Random
from typing import NamedTuple

from voirdire.perturbations.draws import below, pick, shuffled
from voirdire.perturbations.neutral_words import (
    CHINESE_PATTERNS,
    CHINESE_WORDS,
    ENGLISH_PATTERNS,
    ENGLISH_WORDS,
    FILL_WORDS,
    ByLength,
)

__all__ = ["sham_text"]

_HAN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")
#: insertions of at most so many words are phrases, not prose
_PHRASE_WORDS = 4
_TRIES = 40

#: the smallest and the largest length that something can have
Reach = tuple[int, int]


def sham_text(inserted: str, rng: Random) -> str:
    """Neutral text in the shape of `inserted`: per line the same white space around it, words and characters.

    Words are what `str.split` gives, characters are code points; both are met exactly, line by line. Phrases of up to
    four words become loose words of the same lengths, longer texts become sentences. Chinese gives Chinese. Never
    `inserted` itself, unless that is blank.
    """
    lines = re.split(r"(\r?\n)", inserted)
    text = inserted
    for _ in range(_TRIES if inserted.strip() else 1):
        text = "".join(_line(part, rng) if part.strip() else part for part in lines)
        if text != inserted:
            return text
    return text.replace("a", "o")  # nothing but the only neutral word of one letter


def _line(line: str, rng: Random) -> str:
    body = line.strip()
    start = line.index(body)
    return line[:start] + _body(body, rng) + line[start + len(body) :]


def _body(body: str, rng: Random) -> str:
    words = body.split()
    if _HAN.search(body):
        return _chinese_words(len(words), len(body), rng)
    if len(words) > _PHRASE_WORDS:
        prose = _prose(len(words), len(body), rng)
        if prose is not None:
            return prose
    return _phrase(words, len(body), rng)


# --- English


class _Shape(NamedTuple):
    """A sentence pattern with what is always asked of it: its slots, and the letters of its other words."""

    tokens: tuple[str, ...]
    slots: tuple[str, ...]
    fixed: int


def _shape(pattern: tuple[str, ...]) -> _Shape:
    return _Shape(
        pattern,
        tuple(t for t in pattern if t in ENGLISH_WORDS),
        sum(len(t) for t in pattern if t not in ENGLISH_WORDS),
    )


_SHAPES = tuple(map(_shape, ENGLISH_PATTERNS))
_LONGEST_SHAPE = max(len(s.tokens) for s in _SHAPES)
#: slot -> lengths of its shortest and longest word
_REACH: dict[str, Reach] = {slot: (min(words), max(words)) for slot, words in ENGLISH_WORDS.items()}


def _prose(n_words: int, n_chars: int, rng: Random) -> str | None:
    """Sentences with exactly so many words and characters, or None if no arrangement tried can have them."""
    for attempt in range(_TRIES):
        # The later half of the tries uses patterns made of slots only, which stretch furthest.
        shapes = _arrange(n_words, rng, bare=attempt >= _TRIES // 2)
        letters = n_chars - (n_words - 1) - len(shapes) - sum(s.fixed for s in shapes)
        lengths = _spread([_REACH[slot] for s in shapes for slot in s.slots], letters, rng)
        if lengths is None:
            continue
        used: set[str] = set()
        sizes = iter(lengths)
        return " ".join(_sentence(shape, sizes, used, rng) for shape in shapes)
    return None


def _sentence(shape: _Shape, sizes: Iterator[int], used: set[str], rng: Random) -> str:
    words = [_choose(ENGLISH_WORDS[t], next(sizes), used, rng) if t in ENGLISH_WORDS else t for t in shape.tokens]
    return " ".join(words).capitalize() + "."


def _arrange(n_words: int, rng: Random, *, bare: bool) -> list[_Shape]:
    """Patterns with `n_words` words in all; every pattern has at least 3, so no rest of 1 or 2 may remain."""
    chosen: list[_Shape] = []
    last: _Shape | None = None
    while n_words:
        last = pick(rng, _fitting(min(n_words, _LONGEST_SHAPE + 3), last, bare))
        chosen.append(last)
        n_words -= len(last.tokens)
    return chosen


@cache
def _fitting(n_words: int, last: _Shape | None, bare: bool) -> tuple[_Shape, ...]:
    """The patterns that may come next where `n_words` are still to come; beyond the longest + 3, all may."""
    fitting = tuple(
        s
        for s in _SHAPES
        if (len(s.tokens) == n_words or len(s.tokens) <= n_words - 3) and (not bare or not s.fixed) and s is not last
    )
    if fitting:
        return fitting
    # only the pattern just used is short enough
    return tuple(s for s in _SHAPES if len(s.tokens) == n_words) or _SHAPES[:1]


def _spread(reaches: Sequence[Reach], total: int, rng: Random) -> list[int] | None:
    """A length within each of `reaches` so that they sum to `total`; None if that is out of reach."""
    if not sum(low for low, _ in reaches) <= total <= sum(high for _, high in reaches):
        return None
    draw = rng.random
    lengths = [low + int(draw() * (high - low + 1)) for low, high in reaches]
    rest = total - sum(lengths)
    order = shuffled(rng, range(len(reaches)))
    while rest:
        step = 1 if rest > 0 else -1
        for k in order:
            low, high = reaches[k]
            if low <= lengths[k] + step <= high:
                lengths[k] += step
                rest -= step
                if not rest:
                    break
    return lengths


def _choose(table: ByLength, size: int, used: set[str], rng: Random) -> str:
    words = table[size]
    word = pick(rng, [w for w in words if w not in used] or words)
    used.add(word)
    return word


def _phrase(words: list[str], n_chars: int, rng: Random) -> str:
    """Loose words of the lengths of `words`; longer ones than the bank has become chains with hyphens."""
    blanks = n_chars - sum(map(len, words)) - (len(words) - 1)  # double blanks between words go to the last word
    sizes = [len(w) for w in words]
    sizes[-1] += blanks
    stop = words[-1][-1] if words[-1][-1] in ".!?" and sizes[-1] > 1 else ""
    sizes[-1] -= len(stop)
    used: set[str] = set()
    text = " ".join(_chain(size, used, rng) for size in sizes)
    if words[0][0].isupper() and len(words[0]) > 1:
        text = text[0].upper() + text[1:]
    return text + ("." if stop else "")


_LONGEST_FILL = max(FILL_WORDS)


def _chain(size: int, used: set[str], rng: Random) -> str:
    """One word of `size` letters, or several joined by hyphens."""
    parts: list[str] = []
    while size > _LONGEST_FILL:
        take = min(5 + below(rng, 5), size - 2)
        parts.append(_choose(FILL_WORDS, take, used, rng))
        size -= take + 1
    parts.append(_choose(FILL_WORDS, size, used, rng))
    return "-".join(parts)


# --- Chinese

_THING_REACH: Reach = (min(CHINESE_WORDS), max(CHINESE_WORDS))
_LONGEST_THING = _THING_REACH[1]
_SHORTEST_CHINESE = min(map(len, CHINESE_PATTERNS))


def _chinese_words(n_words: int, n_chars: int, rng: Random) -> str:
    """`n_words` runs of Chinese, separated by blanks, with `n_chars` characters in all."""
    room = n_chars - (n_words - 1)
    share, rest = divmod(room, n_words)
    return " ".join(_chinese(share + (k < rest), rng) for k in range(n_words))


def _chinese(size: int, rng: Random) -> str:
    parts: list[str] = []
    used: set[str] = set()
    last = ""
    while size >= _SHORTEST_CHINESE:
        whole = [p for p in CHINESE_PATTERNS if len(p) <= size <= len(p) + p.count("N") * (_LONGEST_THING - 1)]
        if size < 3 * _SHORTEST_CHINESE or (whole and below(rng, 3) == 0):
            last = pick(rng, [p for p in whole if p != last] or whole)
            slots = last.count("N")
            lengths = _spread([_THING_REACH] * slots, size - len(last) + slots, rng) or []
        else:
            last = pick(rng, [p for p in CHINESE_PATTERNS if len(p) + _SHORTEST_CHINESE <= size and p != last])
            slots = last.count("N")
            spare = min(_LONGEST_THING - 1, (size - _SHORTEST_CHINESE - len(last)) // slots)
            lengths = [1 + below(rng, 1 + spare) for _ in range(slots)]
        parts.append(_fill(last, lengths, used, rng))
        size -= len(parts[-1])
    return "".join(parts) + _chinese_loose(size, used, rng)


def _fill(pattern: str, lengths: list[int], used: set[str], rng: Random) -> str:
    pieces = pattern.split("N")
    words = [_choose(CHINESE_WORDS, n, used, rng) for n in lengths]
    return pieces[0] + "".join(word + piece for word, piece in zip(words, pieces[1:], strict=True))


def _chinese_loose(size: int, used: set[str], rng: Random) -> str:
    """Words without a sentence, for fewer characters than any sentence has."""
    parts: list[str] = []
    while size:
        take = min(size, 1 + below(rng, _LONGEST_THING))
        parts.append(_choose(CHINESE_WORDS, take, used, rng))
        size -= take
    return "".join(parts)
