"""Letters written large or small: all of one kind, as in a title, or at random. Protected spans keep their case.

Only letters whose other case is one letter that leads back are changed, so ß, ŉ and the Turkish i stay.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from voirdire.harness.cases import Edit
from voirdire.harness.errors import NotApplicable
from voirdire.perturbations.base import Place, perturbation
from voirdire.perturbations.doses import count_of
from voirdire.perturbations.draws import sample
from voirdire.perturbations.scripts import cased
from voirdire.perturbations.spans import Span, analyse, stretches

__all__ = ["lower", "random_case", "title", "upper"]

_SOURCE = "reWordBench, arXiv:2503.11751; Trustworthy LLMs, arXiv:2308.05374"
#: the blocks of Latin, Greek and Cyrillic letters whose cases have not changed for decades
_CASED_BLOCKS = range(0x0530)


@lru_cache(maxsize=1)
def _tables() -> tuple[dict[int, str], dict[int, str]]:
    """To capitals, to small letters."""
    capitals = {
        c: chr(c).upper() for c in _CASED_BLOCKS if len(chr(c).upper()) == 1 and chr(c).upper().lower() == chr(c)
    }
    pairs = {c: big for c, big in capitals.items() if big != chr(c) and ord(big) in _CASED_BLOCKS}
    return pairs, {ord(big): chr(c) for c, big in pairs.items()}


def _upper(text: str) -> str:
    return text.upper() if text.isascii() else text.translate(_tables()[0])


def _lower(text: str) -> str:
    return text.lower() if text.isascii() else text.translate(_tables()[1])


_INITIAL = re.compile(r"(?<![A-Za-z'’\u00aa-\u052f\u1e00-\u1fff\ufb00-\ufb06])[a-z\u00df-\u052f]")
# bytes to 255 where something holds and 0 elsewhere, for `_blend`
_IN_WORD = bytes(255 * (chr(byte) == "'" or (byte < 128 and chr(byte).isalpha())) for byte in range(256))
_HEADS = bytes(255 * (chr(byte) == "1") for byte in range(256))


def _blend(small: str, capital: str, where: int) -> str:
    """`capital` where the byte of `where` is 255, `small` where it is 0, in one step; both ASCII and of one length."""
    a = int.from_bytes(small.encode("ascii"), "little")
    b = int.from_bytes(capital.encode("ascii"), "little")
    return (a ^ ((a ^ b) & where)).to_bytes(len(small), "little").decode("ascii")


def _title(text: str) -> str:
    if text.isascii():
        in_word = int.from_bytes(text.encode("ascii").translate(_IN_WORD), "little")
        return _blend(text, text.upper(), in_word & ~(in_word << 8))
    return _INITIAL.sub(lambda m: _upper(m.group()), text)


def _recased(text: str, place: Place, recase: Callable[[str], str]) -> list[Edit]:
    """All words at dose 1 and above (joined into one edit a stretch, for speed), a share of `dose` of them below."""
    if not (analyse(text).words if text.isascii() else cased(text)):
        raise NotApplicable("the answer's script has no capital and small letters")
    spans: tuple[Span, ...] | list[Span]
    if place.dose >= 1:
        spans = stretches(text)
    else:
        words = analyse(text).words
        spans = sample(place.rng, words, count_of(1.0, place.dose, len(words)))
    where = place.where
    edits = [Edit(start, end, recase(text[start:end]), where) for start, end in spans]
    if all(e.text == text[e.start : e.end] for e in edits):
        raise NotApplicable("the answer is written that way already")
    return edits


@perturbation(
    "typos.upper",
    claim="preserving",
    summary="Writes every word in capitals.",
    source=_SOURCE,
)
def upper(text: str, place: Place) -> list[Edit]:
    return _recased(text, place, _upper)


@perturbation(
    "typos.lower",
    claim="preserving",
    summary="Writes every word in small letters.",
    source=_SOURCE,
)
def lower(text: str, place: Place) -> list[Edit]:
    return _recased(text, place, _lower)


@perturbation(
    "typos.title",
    claim="preserving",
    summary="Begins every word with a capital.",
    source=_SOURCE,
)
def title(text: str, place: Place) -> list[Edit]:
    return _recased(text, place, _title)


@perturbation(
    "typos.random-case",
    claim="preserving",
    summary="Writes each letter large or small by the toss of a coin.",
    source=_SOURCE,
)
def random_case(text: str, place: Place) -> list[Edit]:
    draw = place.rng.random

    def tossed(piece: str) -> str:
        coins = "".join(f"{int(draw() * 2**50):050b}" for _ in range(-(-len(piece) // 50)))  # 50 coins a draw
        if piece.isascii():
            heads = coins[: len(piece)].encode("ascii").translate(_HEADS)
            return _blend(piece.lower(), piece.upper(), int.from_bytes(heads, "little"))
        return "".join(
            [
                big if coin == "1" else small
                for big, small, coin in zip(_upper(piece), _lower(piece), coins, strict=False)
            ]
        )

    return _recased(text, place, tossed)
