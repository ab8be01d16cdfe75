"""What a search over phrases may try, and the questions it asks.

A phrase is a tuple of words of a vocabulary. A *unit* is one thing a phrase is tried on (a case, one of its responses,
one order), known here by its number only: whoever answers knows what it stands for. Not here: how phrases are chosen
(growing.py, screening.py, racing.py), what is paid for (meter.py).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import NamedTuple

from voirdire.harness.errors import UsageError, nearest

__all__ = ["MOST_WORDS", "Question", "Space", "Words", "builtin_vocabulary", "read_vocabulary"]

#: longest phrase that may be searched for
MOST_WORDS = 20
#: longest entry of a vocabulary, in characters: it is a word or a short turn of phrase
_LONGEST_WORD = 60

Words = tuple[str, ...]


class Question(NamedTuple):
    """What is the utility, in [0, 1], of the target of `unit` with `words` added? `sample` numbers the repeat."""

    words: Words
    unit: int
    sample: int


def _anything(_words: Words) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Space:
    """The phrases of 1 to `max_words` words of `vocabulary` that `accepts` lets through (a perplexity ceiling, say).

    Raises UsageError if there is nothing to search.
    """

    vocabulary: Words
    max_words: int = 4
    accepts: Callable[[Words], bool] = _anything

    def __post_init__(self) -> None:
        if not 1 <= self.max_words <= MOST_WORDS:
            raise UsageError(f"--words {self.max_words} must lie between 1 and {MOST_WORDS}")
        if len(self.vocabulary) < 2:
            raise UsageError(
                f"{len(self.vocabulary)} words are left of the vocabulary, and a search needs 2",
                hint="Forbid fewer words, raise --max-bits, or give another --vocabulary FILE.",
            )

    @classmethod
    def of(
        cls,
        vocabulary: Iterable[str],
        *,
        max_words: int = 4,
        forbidden: Iterable[str] = (),
        accepts: Callable[[Words], bool] = _anything,
    ) -> Space:
        """A space without the `forbidden` words, which must be words of it, and without words `accepts` refuses."""
        words = tuple(dict.fromkeys(vocabulary))
        barred = set(forbidden)
        for word in sorted(barred):
            if word not in words:
                raise UsageError(f"--forbid {word!r} is no word of the vocabulary", hint=nearest(word, words))
        return cls(tuple(w for w in words if w not in barred and accepts((w,))), max_words, accepts)


@cache
def builtin_vocabulary() -> Words:
    """The words that come with voirdire: praise, the words of rubrics, verdict forms, links, and neutral words."""
    path = resources.files("voirdire.perturbations") / "data" / "attack_vocabulary.txt"
    return _parsed(path.read_text(encoding="utf-8"), "attack_vocabulary.txt")


def read_vocabulary(path: str | Path) -> Words:
    """The words of a file: one a line, blank lines and those that begin with # left out. Raises UsageError."""
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"--vocabulary {path} is not UTF-8 ({error.reason} at byte {error.start})") from None
    except OSError as error:
        raise UsageError(f"--vocabulary {path} cannot be read ({error.strerror or error})") from None
    return _parsed(text, str(path))


def _parsed(text: str, name: str) -> Words:
    words: dict[str, None] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        word = line.strip()
        if not word or word.startswith("#"):
            continue
        if len(word) > _LONGEST_WORD:
            raise UsageError(
                f"{name}, line {number}: an entry of {len(word)} characters is no word",
                hint=f"One word or short turn of phrase a line, of at most {_LONGEST_WORD} characters.",
            )
        if any(unicodedata.category(c) == "Cc" for c in word):
            raise UsageError(f"{name}, line {number}: {word!r} holds a control character", hint="Remove it.")
        words[word] = None
    if not words:
        raise UsageError(f"{name} holds no words", hint="One word a line.")
    return tuple(words)
