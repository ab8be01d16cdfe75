"""How surprising a text is, character by character: a small n-gram model that needs no download.

The model interpolates 1- to 4-grams of lower-cased text (Witten-Bell), and a text's score is the most surprising of
its windows of 48 characters, in bits a character. `calibrate` finds the score that a given share of clean texts
exceeds, each text being scored by a model that has not seen its case.

The shipped table, `data/english_4grams.tsv`, is counted from the answers of the built-in English cases by
scripts/make_ngrams.py, which also writes down its thresholds. It knows English prose: windows mostly in letters that
are not Latin are not scored, and other languages, code and formulas look more surprising than they are. Not here: what
is done with the score (perplexity.py).

Source of the smoothing: Witten and Bell 1991. Windows: Jain et al. 2023, arXiv:2309.00614.
"""

from __future__ import annotations

import functools
import itertools
import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from voirdire.harness.cases import Case
from voirdire.harness.errors import UsageError

__all__ = [
    "ORDER",
    "STEP",
    "TABLE",
    "WINDOW",
    "Characters",
    "Shipped",
    "calibrate",
    "counted",
    "held_out_scores",
    "shipped",
    "threshold",
]

ORDER = 4
#: characters of a window, and how far the next one begins behind it
WINDOW, STEP = 48, 12
#: characters there might be, for those that were never seen
_ALPHABET = 300
#: judged texts may be very long, and this is not the place to spend seconds
_LONGEST = 20_000
_FOLDS = 5
TABLE = Path(__file__).parent.parent / "data" / "english_4grams.tsv"


def _normal(text: str) -> str:
    return " " * (ORDER - 1) + " ".join(text[:_LONGEST].lower().split())


def counted(texts: Iterable[str]) -> Counter[str]:
    """How often each run of four characters stands in `texts`, blanks in front of each text included."""
    counts: Counter[str] = Counter()
    for text in map(_normal, texts):
        counts.update(text[i : i + ORDER] for i in range(len(text) - ORDER + 1))
    return counts


class Characters:
    """The model of these 4-gram counts."""

    def __init__(self, counts: Mapping[str, int]) -> None:
        self._grams: Counter[str] = Counter()
        for gram, count in counts.items():
            for n in range(1, ORDER + 1):
                self._grams[gram[ORDER - n :]] += count
        self._after: Counter[str] = Counter()
        self._kinds: Counter[str] = Counter()
        for gram, count in self._grams.items():
            self._after[gram[:-1]] += count
            self._kinds[gram[:-1]] += 1

    def bits(self, text: str) -> list[float]:
        """-log2 of each character's probability after the three before it; of the text in lower case, blanks merged."""
        normal = _normal(text)
        return [-math.log2(self._probability(normal, i)) for i in range(ORDER - 1, len(normal))]

    def _probability(self, text: str, at: int) -> float:
        p = 1.0 / _ALPHABET
        for n in range(1, ORDER + 1):
            before = text[at - n + 1 : at]
            seen = self._after[before]
            if not seen:
                break
            kinds = self._kinds[before]
            p = (self._grams[text[at - n + 1 : at + 1]] + kinds * p) / (seen + kinds)
        return p

    def score(self, text: str) -> float:
        """Bits a character of the most surprising window; 0 where no window is scored. A short text is one window."""
        bits = self.bits(text)
        if not bits:
            return 0.0
        latin = [_letter(c) for c in _normal(text)[ORDER - 1 :]]
        sums = [0.0, *itertools.accumulate(bits)]
        foreign = [0, *itertools.accumulate(letter is False for letter in latin)]
        letters = [0, *itertools.accumulate(letter is not None for letter in latin)]
        worst = 0.0
        for begin in _begins(len(bits)):
            end = min(begin + WINDOW, len(bits))
            if 2 * (foreign[end] - foreign[begin]) <= letters[end] - letters[begin]:
                worst = max(worst, (sums[end] - sums[begin]) / (end - begin))
        return worst


def _letter(character: str) -> bool | None:
    """True for a Latin letter, False for another, None for what is no letter."""
    if not character.isalpha():
        return None
    return character <= "\u024f"


def _begins(length: int) -> list[int]:
    """Where windows begin; the last one ends with the text."""
    last = max(0, length - WINDOW)
    return sorted({*range(0, last + 1, STEP), last})


def calibrate(cases: Sequence[Case], false_positives: float) -> float:
    """The score that a share of at most `false_positives` (0 to 1) of the answers of `cases` exceeds.

    Each answer is scored by a model that has not seen its case, so the threshold holds for new cases of the same kind.
    Raises UsageError below 20 cases.
    """
    return threshold(held_out_scores(cases), false_positives)


def threshold(scores: Sequence[float], false_positives: float) -> float:
    """The smallest of `scores` that at most this share of them exceeds."""
    allowed = math.floor(false_positives * len(scores) + 1e-9)
    return sorted(scores)[len(scores) - 1 - allowed]


def held_out_scores(cases: Sequence[Case]) -> list[float]:
    """The score of each answer under a model of the other folds; the answers of one case are much alike and share a
    fold."""
    if len(cases) < 20:
        raise UsageError(f"a threshold needs 20 clean cases or more, got {len(cases)}")
    out: list[float] = []
    for fold in range(_FOLDS):
        model = Characters(counted(t for i, case in enumerate(cases) if i % _FOLDS != fold for t in case.responses))
        out += [model.score(text) for case in cases[fold::_FOLDS] for text in case.responses]
    return out


@dataclass(frozen=True, slots=True)
class Shipped:
    """The model of the built-in English answers. `thresholds`: share of false positives -> bits, held out."""

    model: Characters
    thresholds: Mapping[float, float]
    version: str


@functools.cache
def shipped() -> Shipped:
    """Read once, when the first judge needs it."""
    head, *lines = TABLE.read_text(encoding="utf-8").splitlines()
    facts: dict[str, Any] = json.loads(head.removeprefix("# "))
    counts = {gram: int(count) for gram, _, count in (line.rpartition("\t") for line in lines)}
    thresholds = {float(share): bits for share, bits in facts["thresholds"].items()}
    return Shipped(Characters(counts), thresholds, facts["version"])
