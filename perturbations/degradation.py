"""Damage that a judge must notice: a cut-off answer here, planted errors in wrong_numbers.py and negation.py."""

from __future__ import annotations

from voirdire.harness.cases import Edit
from voirdire.harness.errors import NotApplicable
from voirdire.perturbations.base import Place, perturbation
from voirdire.perturbations.draws import pick
from voirdire.perturbations.negation import flips
from voirdire.perturbations.placement import end_of
from voirdire.perturbations.spans import boundary, sentences
from voirdire.perturbations.wrong_numbers import changed_numbers

__all__ = ["negation", "number", "truncation"]

#: a planted error may not be told by the length of the answer
_MOST_GROWTH = 0.05
#: share of the text that truncation keeps at dose 1
_KEPT = 0.45


def _same_length(text: str, edits: list[Edit]) -> list[Edit]:
    growth = sum(len(e.text) - (e.end - e.start) for e in edits)
    if abs(growth) > _MOST_GROWTH * len(text):
        raise NotApplicable("the answer is so short that the error would show in its length")
    return edits


@perturbation(
    "degradation.number",
    claim="degrading",
    summary="Changes a number wherever it stands, the one the answer ends on where it can.",
    source="FBI, EMNLP 2024, arXiv:2406.13439",
    plants_error=True,
)
def number(text: str, place: Place) -> list[Edit]:
    others = [place.case.instruction_text, place.case.reference or "", *place.case.responses]
    return _same_length(text, changed_numbers(text, "\n".join(others), max(1, int(place.dose + 0.5)), place.rng))


@perturbation(
    "degradation.negation",
    claim="degrading",
    summary="Turns one or two statements into their opposite.",
    source="FBI, EMNLP 2024, arXiv:2406.13439",
    plants_error=True,
)
def negation(text: str, place: Place) -> list[Edit]:
    found = flips(text, place.lang)
    if not found:
        raise NotApplicable("no plain statement whose meaning a single word would turn round")
    # The first in line are the best; drawing among the best three gives seeds a choice without a bad one.
    first = pick(place.rng, found[:3])
    chosen = [first]
    if len(sentences(text)) >= 4 or place.dose > 1:
        room = _MOST_GROWTH * len(text)
        for flip in found:
            if len(chosen) >= max(1, int(2 * place.dose + 0.5)):
                break
            growth = sum(len(e.text) - (e.end - e.start) for e in [*chosen, flip])
            if flip is not first and abs(growth) <= room:
                chosen.append(flip)
    return _same_length(text, chosen)


@perturbation(
    "degradation.truncation",
    claim="degrading",
    summary="Cuts the answer off in mid-sentence after about 45 % of it.",
    source="METAL, arXiv:2312.06056",
)
def truncation(text: str, place: Place) -> list[Edit]:
    end = end_of(text)
    if end < (80 if place.lang == "en" else 30):
        raise NotApplicable("the answer is too short to be cut off in the middle")
    kept = max(0.05, 1 - (1 - _KEPT) * place.dose)
    stops = {s.end for s in sentences(text)}
    goal = int(end * kept)
    # The nearest place, outwards from the goal, that leaves a sentence unfinished and no word or cluster cut.
    for step in range(min(goal, end - goal)):
        for at in (goal - step, goal + step):
            if 0 < at < end and at not in stops and _between_words(text, at) and boundary(text, at):
                return [Edit(at, len(text), "")]
    raise NotApplicable("the answer has no place to be cut off in mid-sentence")


def _between_words(text: str, at: int) -> bool:
    """Before a blank and behind a letter or digit; between two Chinese characters."""
    before, after = text[at - 1], text[at]
    if not before.isalnum():
        return False
    return after in " \t" or ("\u4e00" <= before <= "\u9fff" and "\u4e00" <= after <= "\u9fff")
