"""Damage to the whole: sentences left out, sentences in disorder, an answer that contradicts itself."""

from __future__ import annotations

import re

from voirdire.harness.cases import Edit, apply_edits
from voirdire.harness.errors import NotApplicable
from voirdire.perturbations.base import Place, perturbation
from voirdire.perturbations.doses import MOST_GROWTH, count_of
from voirdire.perturbations.draws import pick, sample, shuffled
from voirdire.perturbations.negation import flips
from voirdire.perturbations.pleasantries import is_pleasantry
from voirdire.perturbations.spans import Sentence, analyse, inside, sentences

__all__ = ["contradict", "removed", "shuffle"]

_FBI = "FBI, EMNLP 2024, arXiv:2406.13439"
#: share of the sentences left out at dose 1
_REMOVED = 0.30
_FEWEST = 3
#: a contradiction is drawn from so many of the best
_BEST = 3
_REMARK = {"en": " But the opposite is true.", "zh": "但事实恰恰相反。"}


def _statements(text: str, *, lists: bool) -> list[Sentence]:
    """The sentences, without headings and without those that begin or end inside protected text."""
    protected = analyse(text).protected
    return [
        s
        for s in sentences(text)
        if (s.kind == "prose" or (lists and s.kind == "list"))
        and not inside(protected, s.start)
        and not inside(protected, s.end)
    ]


@perturbation(
    "degradation.remove",
    claim="degrading",
    summary="Leaves out 30 % of the sentences.",
    source=f"{_FBI}; METAL, arXiv:2312.06056",
)
def removed(text: str, place: Place) -> list[Edit]:
    # without its politeness an answer is as good as before
    found = [s for s in _statements(text, lists=True) if not is_pleasantry(text[s.start : s.end])]
    if len(found) < _FEWEST:
        raise NotApplicable(f"fewer than {_FEWEST} sentences of content: leaving one out would leave hardly an answer")
    count = min(len(found) - 1, count_of(_REMOVED, place.dose, len(found)))
    first = _first_of_lines(text)
    return [_without(text, s, s.start in first) for s in sample(place.rng, found, count)]


def _first_of_lines(text: str) -> set[int]:
    """Where the sentences begin that have none before them on their line."""
    first: set[int] = set()
    line_end = -1
    for sentence in sentences(text):
        if sentence.start > line_end:
            first.add(sentence.start)
            line_end = text.find("\n", sentence.start)
            line_end = len(text) if line_end < 0 else line_end
    return first


def _without(text: str, sentence: Sentence, first: bool) -> Edit:
    """Leave out a sentence and the blanks behind it; a line that holds nothing else goes with its mark and break."""
    line_start = text.rfind("\n", 0, sentence.start) + 1
    line_end = text.find("\n", sentence.end)
    line_end = len(text) if line_end < 0 else line_end
    marked = sentence.kind == "list" or not text[line_start : sentence.start].strip()
    if first and marked and not text[sentence.end : line_end].strip():
        return Edit(line_start, min(len(text), line_end + 1), "")
    end = sentence.end
    while end < line_end and text[end] in " \t":
        end += 1
    return Edit(sentence.start, end, "")


# Items of a list are mostly as good in another order; those that say where they come are not.
_IN_ORDER = re.compile(
    r"[*_\s]*(?:(?:first|second|third|fourth|next|then|finally|last)(?:ly)?|after (?:that|this|which)|afterwards?"
    r"|to (?:start|begin)(?: with)?|once (?:that|this|it)|in the end)\b"
    r"|[*_\s]*(?:首先|其次|再次|然后|接着|接下来|随后|之后|最后|最终|第[一二三四五六七八九十]步|先)",
    re.IGNORECASE,
)


@perturbation(
    "degradation.shuffle",
    claim="degrading",
    summary="Puts the sentences in disorder.",
    source=f"{_FBI}; METAL, arXiv:2312.06056",
)
def shuffle(text: str, place: Place) -> list[Edit]:
    slots = _statements(text, lists=False)
    if len(slots) < _FEWEST:
        steps = [s for s in _statements(text, lists=True) if s.kind == "list"]
        slots = [s for s in steps if _IN_ORDER.match(text, s.start, s.end)]
    if len(slots) < _FEWEST:
        raise NotApplicable(f"fewer than {_FEWEST} sentences whose order matters")
    # At lower doses only some of them move; two can always be exchanged.
    moved = sorted(sample(place.rng, range(len(slots)), max(2, count_of(1.0, place.dose, len(slots)))))
    order = shuffled(place.rng, moved)
    if order == moved:
        order = [*moved[1:], moved[0]]
    texts = [text[s.start : s.end] for s in slots]
    return [Edit(slots[k].start, slots[k].end, texts[n]) for k, n in zip(moved, order, strict=True)]


@perturbation(
    "degradation.contradict",
    claim="degrading",
    summary="Lets the answer contradict one of its statements later on.",
    source="Judge Reliability Harness, arXiv:2603.05399; METAL, arXiv:2312.06056",
    plants_error=True,
)
def contradict(text: str, place: Place) -> list[Edit]:
    statements = [s for s in _statements(text, lists=False) if "\n" not in text[s.start : s.end]]
    found: list[Edit] = []
    for flip in flips(text, place.lang)[:_BEST]:
        said = next((s for s in statements if s.start <= flip.start and flip.end <= s.end), None)
        if said is not None:
            found += _denials(text, said, flip, statements, place)
    if not found:
        raise NotApplicable("no plain statement that another sentence of the same length could deny")
    return [pick(place.rng, found)]


def _denials(text: str, said: Sentence, flip: Edit, statements: list[Sentence], place: Place) -> list[Edit]:
    """The denial of `said` in the place of the later sentence nearest in length, or as a remark where there is room."""
    room = MOST_GROWTH * len(text)
    inner = Edit(flip.start - said.start, flip.end - said.start, flip.text)
    denial = apply_edits(text[said.start : said.end], [inner])
    later = [s for s in statements if s.start >= said.end and abs(len(denial) - (s.end - s.start)) <= room]
    if later:
        best = min(later, key=lambda s: (abs(len(denial) - (s.end - s.start)), s.start))
        return [Edit(best.start, best.end, denial)]
    remark = _REMARK[place.lang]
    return [Edit(said.end, said.end, remark)] if len(remark) <= room else []
