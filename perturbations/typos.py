"""Slips of the hand that change no meaning: a neighbouring key, two letters swapped, one letter dropped.

Only small-letter words of four letters or more are touched, never their first letter, and never a negation, a number
word or anything protected, so names, code, figures and the point of a sentence stay what they were.

Here: the machinery of slips and the three classic ones. Siblings: typos_letters.py (the other slips, light and heavy
doses), typos_unseen.py (what a reader does not see), typos_case.py, typos_spacing.py, typos_marred.py (damage).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from voirdire.harness.cases import Edit
from voirdire.harness.errors import NotApplicable
from voirdire.perturbations.base import Place, perturbation
from voirdire.perturbations.draws import sample
from voirdire.perturbations.spans import Span, analyse

__all__ = [
    "LETTER_SLIPS",
    "RATE",
    "REAL_WORDS",
    "SOURCE",
    "Slip",
    "drop",
    "editable_words",
    "keyboard",
    "slips",
    "swap",
]

#: share of all words that get a slip at dose 1
RATE = 0.05
#: fewer words to choose from than this, and the slip might fall on the answer itself
_FEWEST = 3

_NEIGHBOURS = {
    "a": "qwsz", "b": "vghn", "c": "xdfv", "d": "serfcx", "e": "wsdr", "f": "drtgvc", "g": "ftyhbv", "h": "gyujnb",
    "i": "ujko", "j": "huikmn", "k": "jiolm", "l": "kop", "m": "njk", "n": "bhjm", "o": "iklp", "p": "ol", "q": "wa",
    "r": "edft", "s": "awedxz", "t": "rfgy", "u": "yhji", "v": "cfgb", "w": "qase", "x": "zsdc", "y": "tghu",
    "z": "asx",
}  # fmt: skip
_KEPT_WORDS = (
    "cannot neither never none nothing nobody nowhere without hardly barely scarcely unless except false true zero "
    "three four five seven eight nine eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen "
    "twenty thirty forty fifty sixty seventy eighty ninety hundred hundreds thousand thousands million millions "
    "billion billions trillion first second third fourth fifth sixth seventh eighth ninth tenth half quarter double "
    "triple once twice thrice dozen more less most least increase decrease above below before after"
)
_KEEP = frozenset(_KEPT_WORDS.split())
# Words that one slip in another common word would give ("form" for "from"). Not a dictionary: the usual accidents.
_COMMON_WORDS = (
    "accept action adapt adopt advice advise affect allot allow alloy alone along also altar alter and angel angle "
    "any area arena auction bad bag band bard barn bases basis batter bean bear beard beat bed been beer beg begin "
    "being best bet better big bit bitter board bone book boot bough bought box boy brain brake bran brand bread "
    "break breath breathe bred bring broad brought but buy car card care case cast casual causal cause char chart "
    "chat chip clause clean clear close cloth clothe coarse coast cold coke come cone cook cord core cost cough "
    "could count country county course court cup cure curse cursor cut dairy dare data date dead deal dear deed "
    "deep desert dessert diary did die dies diet dive doe does don done door dough down drain drive ear earth east "
    "eats edit effect end even ever every except exit fail fair fall fame family far fat fee feel feet fell felt "
    "few file fill fin final finally find fine finial fir fire fit five fix food foot for form fort forth four fro "
    "from froth game gave give goes gone good grain gran grand had hand hard has haste hat hate head heal health "
    "heap hear heard heart hearth heat held help her here hid hide hip hold home hone hop hope hot hour how keep "
    "kept kin kind king knew know land lass last lasted late later latter lead lean leap least led left leg lend "
    "less let letter lie like line link live lone long look loose lose loss lot love low lower made make man many "
    "marital martial mast mater matter may mead mean men mind mine mingle mint mist mix mode more most motion move "
    "must name nation new nor north not notion now old one option ought our out oven over own pain paint pair part "
    "partition past paste pat petition pit place plain plan plane planet plant plate point pole pool poor port "
    "portion position post pot potion pour print pure put quiet quit quite rail rain ran rate rates ratio ration "
    "read real rear ride rise river road rode role room root rough rule run sacred safe sake same sand sat save "
    "scared scarred sea seat see seen send sent set ship shoot shop short shot show side sign signal sin since sine "
    "sing singe single sir sit site six size slot slow snow sold some son song sort sough sour sow stain stand star "
    "stare start stat state step sting stop store story strain string strong sun sure tail take tale talk taste "
    "team tear teem tell term than thank that the their them then there these thin thing think this thorough those "
    "though thought three through thus tide tie till time tingle told toll tone too took tool top tough tour tow "
    "town trail train tree trial two united untie untied use user vary very wafer wait wake walk wall want was "
    "waste water way well went were what when wher where who whom wide will wise won word work world worth would "
    "year yes your"
)
#: among others the words that a slip or a missing blank may not make
REAL_WORDS = frozenset(_COMMON_WORDS.split())

#: (word, place in it, random number in [0, 1)) -> (how many letters to replace, by what), or None if it cannot
Slip = Callable[[str, int, float], tuple[int, str] | None]


@lru_cache(maxsize=4096)
def editable_words(text: str) -> tuple[int, tuple[Span, ...]]:
    """How many words `text` has, and those that may get a slip: small letters of the English alphabet, four or more."""
    words = analyse(text).words
    editable = [
        span
        for span in words
        if span[1] - span[0] > 3
        and (word := text[span[0] : span[1]]).islower()
        and word.isalpha()
        and word.isascii()
        and word not in _KEEP
    ]
    return len(words), tuple(editable)


def slips(text: str, place: Place, slip: Slip, *, rate: float = RATE, shortest: int = 4) -> list[Edit]:
    """One slip in a share of `rate` x dose of all words, or in all that may get one if those are fewer.

    Words of fewer than `shortest` letters (at least 4) get none. Raises NotApplicable where fewer than three may.
    """
    n_words, editable = editable_words(text)
    if shortest > 4:
        editable = tuple(s for s in editable if s[1] - s[0] >= shortest)
    if len(editable) < _FEWEST:
        if place.lang == "zh":
            raise NotApplicable("typing slips need words in an alphabet, and this answer is in Chinese")
        raise NotApplicable(f"fewer than {_FEWEST} words of {shortest} letters or more may be misspelt")
    count = max(1, int(rate * place.dose * n_words + 0.5))
    rng = place.rng
    draw = rng.random
    where = place.where
    edits: list[Edit] = []
    for start, end in sample(rng, editable, count):
        word = text[start:end]
        inner = end - start - 1
        first = int(draw() * inner)
        for k in range(inner):  # on from a random letter until a slip makes no other word
            at = 1 + (first + k) % inner
            made = slip(word, at, draw())
            if made is not None and word[:at] + made[1] + word[at + made[0] :] not in REAL_WORDS:
                edits.append(Edit(start + at, start + at + made[0], made[1], where))
                break
    return edits


def _neighbour(word: str, at: int, draw: float) -> tuple[int, str]:
    keys = _NEIGHBOURS[word[at]]
    return 1, keys[int(draw * len(keys))]


def _swapped(word: str, at: int, _: float) -> tuple[int, str] | None:
    pair = word[at : at + 2]
    return None if len(pair) < 2 or pair[0] == pair[1] else (2, pair[1] + pair[0])


def _dropped(word: str, at: int, _: float) -> tuple[int, str] | None:
    # Without its last letter, "answers" is a word again.
    return None if at == len(word) - 1 else (1, "")


#: those that every typist makes, for mixtures
LETTER_SLIPS: dict[str, Slip] = {"keyboard": _neighbour, "swap": _swapped, "drop": _dropped}

SOURCE = "METAL, arXiv:2312.06056; Trustworthy LLMs, arXiv:2308.05374"


@perturbation(
    "typos.keyboard",
    claim="preserving",
    summary="Hits the key beside the right one in 5 % of the words.",
    source=SOURCE,
)
def keyboard(text: str, place: Place) -> list[Edit]:
    return slips(text, place, _neighbour)


@perturbation(
    "typos.swap",
    claim="preserving",
    summary="Swaps two letters in 5 % of the words.",
    source=SOURCE,
)
def swap(text: str, place: Place) -> list[Edit]:
    return slips(text, place, _swapped)


@perturbation(
    "typos.drop",
    claim="preserving",
    summary="Leaves out a letter in 5 % of the words.",
    source=SOURCE,
)
def drop(text: str, place: Place) -> list[Edit]:
    return slips(text, place, _dropped)
