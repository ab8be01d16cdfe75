"""The placebo of an insertion: off-topic prose with its words, characters, white space and line breaks.

If a judge rewards a fake citation no more than a line about meadows of the same length, it was the length.
Here: assembling. The words are in neutral_words.py.
"""

from __future__ import annotations

import re
from random import Random

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


def sham_text(inserted: str, rng: Random) -> str:
    """Neutral text in the shape of `inserted`: per line the same white space around it, words and characters.

    Words are what `str.split` gives, characters are code points; both are met exactly, line by line. Phrases of up to
    four words become loose words of the same lengths, longer texts become sentences. Chinese gives Chinese.
    """
    return "".join(_line(part, rng) if part.strip() else part for part in re.split(r"(\r?\n)", inserted))


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


def _prose(n_words: int, n_chars: int, rng: Random) -> str | None:
    """Sentences with exactly so many words and characters, or None if no arrangement tried can have them."""
    for attempt in range(_TRIES):
        # The later half of the tries uses patterns made of slots only, which stretch furthest.
        patterns = _arrange(n_words, rng, bare=attempt >= _TRIES // 2)
        tokens = [token for pattern in patterns for token in pattern]
        letters = n_chars - (n_words - 1) - len(patterns)
        fixed = sum(len(t) for t in tokens if t not in ENGLISH_WORDS)
        lengths = _spread([ENGLISH_WORDS[t] for t in tokens if t in ENGLISH_WORDS], letters - fixed, rng)
        if lengths is None:
            continue
        used: set[str] = set()
        sizes = iter(lengths)
        words = iter([_choose(ENGLISH_WORDS[t], next(sizes), used, rng) if t in ENGLISH_WORDS else t for t in tokens])
        return " ".join(" ".join(next(words) for _ in p).capitalize() + "." for p in patterns)
    return None


def _arrange(n_words: int, rng: Random, *, bare: bool) -> list[tuple[str, ...]]:
    """Patterns with `n_words` words in all; every pattern has at least 3, so no rest of 1 or 2 may remain."""
    chosen: list[tuple[str, ...]] = []
    while n_words:
        fitting = [
            p
            for p in ENGLISH_PATTERNS
            if (len(p) == n_words or len(p) <= n_words - 3)
            and (not bare or all(t in ENGLISH_WORDS for t in p))
            and p not in chosen[-1:]
        ]
        if not fitting:  # only the pattern just used is short enough
            fitting = [p for p in ENGLISH_PATTERNS if len(p) == n_words] or [ENGLISH_PATTERNS[0]]
        pattern = pick(rng, fitting)
        chosen.append(pattern)
        n_words -= len(pattern)
    return chosen


def _spread(tables: list[ByLength], total: int, rng: Random) -> list[int] | None:
    """A length for every table so that they sum to `total`; None if that is out of reach."""
    low = [min(t) for t in tables]
    high = [max(t) for t in tables]
    if not sum(low) <= total <= sum(high):
        return None
    lengths = [a + below(rng, b - a + 1) for a, b in zip(low, high, strict=True)]
    rest = total - sum(lengths)
    order = shuffled(rng, range(len(tables)))
    while rest:
        step = 1 if rest > 0 else -1
        for k in order:
            if rest and low[k] <= lengths[k] + step <= high[k]:
                lengths[k] += step
                rest -= step
    return lengths


def _choose(table: ByLength, size: int, used: set[str], rng: Random) -> str:
    word = pick(rng, [w for w in table[size] if w not in used] or list(table[size]))
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


def _chain(size: int, used: set[str], rng: Random) -> str:
    """One word of `size` letters, or several joined by hyphens."""
    longest = max(FILL_WORDS)
    parts: list[str] = []
    while size > longest:
        take = min(5 + below(rng, 5), size - 2)
        parts.append(_choose(FILL_WORDS, take, used, rng))
        size -= take + 1
    parts.append(_choose(FILL_WORDS, size, used, rng))
    return "-".join(parts)


# --- Chinese


def _chinese_words(n_words: int, n_chars: int, rng: Random) -> str:
    """`n_words` runs of Chinese, separated by blanks, with `n_chars` characters in all."""
    room = n_chars - (n_words - 1)
    share, rest = divmod(room, n_words)
    return " ".join(_chinese(share + (k < rest), rng) for k in range(n_words))


def _chinese(size: int, rng: Random) -> str:
    longest = max(CHINESE_WORDS)
    shortest = min(map(len, CHINESE_PATTERNS))
    parts: list[str] = []
    used: set[str] = set()
    last = ""
    while size >= shortest:
        whole = [p for p in CHINESE_PATTERNS if len(p) <= size <= len(p) + p.count("N") * (longest - 1)]
        if size < 3 * shortest or (whole and below(rng, 3) == 0):
            last = pick(rng, [p for p in whole if p != last] or whole)
            slots = last.count("N")
            lengths = _spread([CHINESE_WORDS] * slots, size - len(last) + slots, rng) or []
        else:
            last = pick(rng, [p for p in CHINESE_PATTERNS if len(p) + shortest <= size and p != last])
            slots = last.count("N")
            spare = min(longest - 1, (size - shortest - len(last)) // slots)
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
    longest = max(CHINESE_WORDS)
    parts: list[str] = []
    while size:
        take = min(size, 1 + below(rng, longest))
        parts.append(_choose(CHINESE_WORDS, take, used, rng))
        size -= take
    return "".join(parts)
