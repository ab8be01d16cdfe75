"""The other slips of hand and eye: a letter too many, a wrong one, letters in disorder, misread scans; and mixtures.

All keep the rules of typos.py: small-letter words of four letters or more, never the first letter, a negation, a
number word or anything protected. Not here: damage that readers stumble over (typos_marred.py).
"""

from __future__ import annotations

from voirdire.harness.cases import Edit
from voirdire.perturbations.base import Place, perturbation
from voirdire.perturbations.typos import LETTER_SLIPS, SOURCE, Slip, slips

__all__ = ["heavy", "insert", "light", "ocr", "replace", "shuffle"]

_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def _inserted(word: str, at: int, draw: float) -> tuple[int, str] | None:
    made = LETTER_SLIPS["keyboard"](word, at, draw)
    return None if made is None else (0, made[1])


def _replaced(word: str, at: int, draw: float) -> tuple[int, str]:
    others = _LETTERS.replace(word[at], "")
    return 1, others[int(draw * len(others))]


def _shuffled(word: str, at: int, draw: float) -> tuple[int, str] | None:
    """Three letters from `at` on in another order; the first and last letters of the word keep their places."""
    if at + 3 >= len(word):
        return None
    a, b, c = word[at], word[at + 1], word[at + 2]
    orders = [o for o in (a + c + b, b + a + c, b + c + a, c + a + b, c + b + a) if o != a + b + c]
    return (3, orders[int(draw * len(orders))]) if orders else None


# What scanners take for one another, longest first.
_MISREAD = {
    "rn": ("m",), "cl": ("d",), "vv": ("w",), "ri": ("n",), "li": ("h",), "m": ("rn",), "d": ("cl",), "w": ("vv",),
    "l": ("1", "I"), "i": ("l", "1"), "o": ("0",), "e": ("c",), "c": ("e",), "h": ("b", "li"), "b": ("6", "h"),
    "n": ("ri",), "g": ("9", "q"), "q": ("g",), "s": ("5",), "t": ("f",), "f": ("t",), "u": ("v",), "v": ("u",),
    "y": ("v",), "z": ("2",),
}  # fmt: skip


def _misread(word: str, at: int, draw: float) -> tuple[int, str] | None:
    for seen in (word[at : at + 2], word[at]):
        looks = _MISREAD.get(seen)
        if looks:
            return len(seen), looks[int(draw * len(looks))]
    return None


def _mixture(*kinds: Slip) -> Slip:
    n = len(kinds)

    def any_of(word: str, at: int, draw: float) -> tuple[int, str] | None:
        scaled = draw * n  # one random number is two: its whole part says which kind, the rest goes to that
        which = int(scaled)
        return kinds[which](word, at, scaled - which)

    return any_of


_ANY = _mixture(*LETTER_SLIPS.values(), _inserted, _replaced)
#: those that keep the length, by which planted damage may not be told
_ANY_OF_SAME_LENGTH = _mixture(LETTER_SLIPS["keyboard"], LETTER_SLIPS["swap"], _replaced)
#: share of the words that a heavy dose hits: four times the light one
_HEAVY = 0.20


@perturbation(
    "typos.insert",
    claim="preserving",
    summary="Hits a neighbouring key as well in 5 % of the words.",
    source=SOURCE,
)
def insert(text: str, place: Place) -> list[Edit]:
    return slips(text, place, _inserted)


@perturbation(
    "typos.replace",
    claim="preserving",
    summary="Replaces a letter by any other in 5 % of the words.",
    source=SOURCE,
)
def replace(text: str, place: Place) -> list[Edit]:
    return slips(text, place, _replaced)


@perturbation(
    "typos.shuffle",
    claim="preserving",
    summary="Puts three inner letters in another order in 5 % of the words.",
    source="METAL, arXiv:2312.06056",
)
def shuffle(text: str, place: Place) -> list[Edit]:
    return slips(text, place, _shuffled, shortest=5)


@perturbation(
    "typos.ocr",
    claim="preserving",
    summary="Misreads a letter as scanners do in 5 % of the words.",
    source="Trustworthy LLMs, arXiv:2308.05374; confusions ours",
)
def ocr(text: str, place: Place) -> list[Edit]:
    return slips(text, place, _misread)


@perturbation(
    "typos.light",
    claim="preserving",
    summary="Makes typing errors of five kinds, one each in 5 % of the words.",
    source=SOURCE,
)
def light(text: str, place: Place) -> list[Edit]:
    return slips(text, place, _ANY)


@perturbation(
    "typos.heavy",
    claim="degrading",
    summary="Makes typing errors that keep the length, one each in 20 % of the words.",
    source=SOURCE,
)
def heavy(text: str, place: Place) -> list[Edit]:
    return slips(text, place, _ANY_OF_SAME_LENGTH, rate=_HEAVY)
