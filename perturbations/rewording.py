"""Small additions that say nothing: quotation marks around the answer, a handle, a link, a tautology.

They come from behavioural tests of classifiers (CheckList, stress tests) by way of reWordBench, where they turned
rankings over. Not here: edits inside of words (typos*.py), layout (layout.py).
"""

from __future__ import annotations

from voirdire.harness.cases import Edit
from voirdire.harness.errors import NotApplicable
from voirdire.perturbations.base import Place, perturbation
from voirdire.perturbations.draws import pick
from voirdire.perturbations.framing import bank_language, need_text
from voirdire.perturbations.placement import append
from voirdire.perturbations.spans import Language

__all__ = ["handle", "link", "quoted", "tautology"]

_REWORDBENCH = "reWordBench, arXiv:2503.11751"
_CHECKLIST = f"{_REWORDBENCH}, after CheckList, arXiv:2005.04118"
_STRESS = f"{_REWORDBENCH}, after the stress tests of Naik et al., arXiv:1806.00692"
_QUOTES: dict[Language, tuple[str, str]] = {"en": ("“", "”"), "zh": ("「", "」")}
_TRUE: dict[Language, str] = {"en": "And true is true.", "zh": "而且真的就是真的。"}
_LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"


def _code(place: Place, length: int) -> str:
    return "".join(pick(place.rng, _LETTERS) for _ in range(length))


@perturbation(
    "lexical.quoted", claim="addition", summary="Puts the whole answer in quotation marks.", source=_REWORDBENCH
)
def quoted(text: str, place: Place) -> list[Edit]:
    need_text(text)
    start, end = len(text) - len(text.lstrip()), len(text.rstrip())
    if "\n\n" in text[start:end]:
        raise NotApplicable("the answer has several paragraphs, which no pair of marks encloses")
    before, after = _QUOTES[place.lang]
    return [Edit(start, start, before), Edit(end, end, after)]


@perturbation("lexical.handle", claim="addition", summary="Ends the answer on a random @handle.", source=_CHECKLIST)
def handle(text: str, place: Place) -> list[Edit]:
    need_text(text)
    return [append(text, f"@{_code(place, 6)}", place.lang)]


@perturbation(
    "lexical.link", claim="addition", summary="Ends the answer on a random short link to nowhere.", source=_CHECKLIST
)
def link(text: str, place: Place) -> list[Edit]:
    need_text(text)
    return [append(text, f"https://t.invalid/{_code(place, 5)}", place.lang)]


@perturbation("lexical.tautology", claim="addition", summary="Says after the answer that true is true.", source=_STRESS)
def tautology(text: str, place: Place) -> list[Edit]:
    need_text(text)
    lang = bank_language(text, place)
    times = min(5, max(1, int(place.dose + 0.5)))
    joint = " " if lang == "en" else ""
    return [append(text, joint.join([_TRUE[lang]] * times), lang)]
