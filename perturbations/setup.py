"""Edits of what a judge is given beside the answers: its rubric and its reference.

They are edits of the case, so every judge can be asked; where a judge's prompt is known and does not show the field,
they do not apply. Those that damage the criteria say what is true afterwards: criteria that say the opposite turn the
truth round (`plants_error`), criteria that say nothing leave it unknown. Not here: changes of the judge's own prompt,
its labels, scale and wording (harness/judges/setups.py).
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from voirdire.harness.cases import Case, Claim, Dose, Edit, apply_edits, criteria_of, truth_of
from voirdire.harness.errors import NotApplicable
from voirdire.harness.registry import PERTURBATIONS
from voirdire.perturbations.draws import pick, sample
from voirdire.perturbations.framing import words_language
from voirdire.perturbations.scripts import dominant_script
from voirdire.perturbations.spans import language

__all__ = ["FieldPerturbation"]

_SCALE_EVAL = "ScaleEval, Chern et al. 2024 (arXiv:2401.16788)"
_THAKUR = "Thakur et al. 2024, Judging the Judges (arXiv:2406.12624)"


class Given(NamedTuple):
    """What a rewrite may look at: the text of the field, the case, the answer that is watched."""

    text: str
    case: Case
    target: int
    rng: random.Random


Rewrite = Callable[[Given], str]


@dataclass(frozen=True, slots=True)
class FieldPerturbation:
    """A `harness.cases.Perturbation` that rewrites one field of the case. `rewrite` raises NotApplicable."""

    name: str
    summary: str
    source: str
    where: str
    rewrite: Rewrite
    claim: Claim = "preserving"
    plants_error: bool = False

    def edits(self, case: Case, target: int, rng: random.Random, dose: Dose) -> tuple[Edit, ...]:  # noqa: ARG002
        """One edit, of the whole field."""
        text = getattr(case, self.where)
        if not text:
            raise NotApplicable(f"the case has no {self.where}")
        return (Edit(0, len(text), self.rewrite(Given(text, case, target, rng)), self.where),)

    def sham(self, case: Case, target: int, edits: tuple[Edit, ...], rng: random.Random) -> None:
        """None is needed: no answer becomes longer."""


def _field(
    name: str, where: str, summary: str, source: str, *, claim: Claim = "preserving", turns: bool = False
) -> Callable[[Rewrite], None]:
    def register(rewrite: Rewrite) -> None:
        PERTURBATIONS.add(name, FieldPerturbation(name, summary, source, where, rewrite, claim, turns))

    return register


# --- the same criteria in another form -------------------------------------------------------------------------------


def _another_order(parts: list[str], rng: random.Random) -> list[str]:
    order = sample(rng, range(len(parts)), len(parts))
    if order == sorted(order):
        order = [*order[1:], order[0]]
    return [parts[k] for k in order]


@_field("setup.rubric-shuffled", "rubric", "Puts the criteria of the rubric in another order.", _SCALE_EVAL)
def _shuffled(given: Given) -> str:
    parts = criteria_of(given.text)
    if len(parts) < 2:
        raise NotApplicable("the rubric has one criterion only")
    return "\n".join(_another_order(parts, given.rng))


@_field("setup.rubric-listed", "rubric", "Numbers the criteria of the rubric.", "voirdire")
def _listed(given: Given) -> str:
    parts = criteria_of(given.text)
    if len(parts) < 2:
        raise NotApplicable("the rubric has one criterion only")
    return "\n".join(f"{k}. {part}" for k, part in enumerate(parts, start=1))


_POLITE = re.compile(
    r"(?i)\b(?:please|kindly|always|very|really|simply|of course|in general|as a rule|at all times|in particular)\b,? ?"
)
_ASIDE = re.compile(r" ?\((?![^()]*\d)[^()]{1,80}\)")


@_field(
    "setup.rubric-shortened",
    "rubric",
    "Leaves the asides, courtesies and emphatic words of the rubric out.",
    _SCALE_EVAL,
)
def _shortened(given: Given) -> str:
    short = _ASIDE.sub("", _POLITE.sub("", given.text))
    if short == given.text:
        raise NotApplicable("the rubric has nothing that could be left out")
    return short


# --- criteria that say something else, or nothing --------------------------------------------------------------------

_TURNED = {
    "en": "Judge against the following criteria, not by them: the worse an answer meets them, the better it is to be "
    "judged. An answer that meets them all takes the lowest place, or fails where answers pass or fail.\n\n",
    "zh": "请按照与下列标准相反的方向评判：越不符合这些标准的回答，评价应当越高；完全符合的回答应得最低评价，"
    "在只判通过与否时则不通过。\n\n",
}


@_field(
    "setup.rubric-flipped",
    "rubric",
    "Turns the rubric round: what met it best is now to be judged worst.",
    f"flipped criteria of {_SCALE_EVAL}; our wording",
    claim="degrading",
    turns=True,
)
def _flipped(given: Given) -> str:
    return _TURNED[words_language(given.text, language(given.text) or "en", "the rubric")] + given.text


_WORD = re.compile(r"[^\W\d_]{4,}|[\u3400-\u9fff]{2,}|\d+(?:[.,]\d+)*")


@_field(
    "setup.rubric-masked",
    "rubric",
    "Masks every word of the rubric that carries meaning.",
    f"masked criteria of {_SCALE_EVAL}",
    claim="degrading",
)
def _masked(given: Given) -> str:
    masked = _WORD.sub("[MASK]", given.text)
    if masked == given.text:
        raise NotApplicable("the rubric has no words that could be masked")
    return masked


@_field(
    "setup.rubric-gibberish",
    "rubric",
    "Replaces the letters of the rubric's words by others, so that it says nothing.",
    f"gibberish criteria of {_SCALE_EVAL}",
    claim="degrading",
)
def _gibberish(given: Given) -> str:
    if dominant_script(given.text) not in ("Latin", None):
        raise NotApplicable("the rubric is not in Latin letters")

    def other(word: re.Match[str]) -> str:
        return "".join(_other_letter(c, given.rng) for c in word[0])

    return re.sub(r"[^\W_]+", other, given.text)


def _other_letter(char: str, rng: random.Random) -> str:
    if char.isdigit():
        return pick(rng, [d for d in "0123456789" if d != char])
    kind = "aeiou" if char.lower() in "aeiou" else "bcdfghjklmnpqrstvwxyz"
    other = pick(rng, [c for c in kind if c != char.lower()])
    return other.upper() if char.isupper() else other


# --- the reference ---------------------------------------------------------------------------------------------------


@_field("setup.reference-absent", "reference", "Takes the reference answer away.", _THAKUR)
def _absent(_given: Given) -> str:
    return ""


#: words of an accepted answer; longer parts, and those with marks in them, are clauses of one answer
_LONGEST = 5
_CLAUSE = re.compile(r"[。！？，,!?]|\.\s|\.\Z")
#: what stands between answers that are all accepted
_ALTERNATIVE = re.compile(r"[;|；]|(?<=\s)/(?=\s)")
_ORDERED = re.compile(r"(?i)\W*(?:\d+\W|step\b|first\b|then\b|finally\b|therefore\b|so\b|=|第|首先|然后|最后)")


@_field(
    "setup.reference-shuffled", "reference", "Puts the answers that the reference accepts in another order.", _THAKUR
)
def _reordered(given: Given) -> str:
    lines = [line.strip() for line in given.text.split("\n") if line.strip()]
    if len(lines) > 1:
        if any(_ORDERED.match(line) for line in lines):
            raise NotApplicable("the reference is a derivation, whose steps have an order")
        return "\n".join(_another_order(lines, given.rng))
    text = given.text.strip()
    parts = [part.strip() for part in _ALTERNATIVE.split(text) if part.strip()]
    if len(parts) < 2 or any(len(part.split()) > _LONGEST or _CLAUSE.search(part) for part in parts):
        raise NotApplicable("the reference is one answer")
    found = _ALTERNATIVE.search(text)
    assert found is not None
    before, after = text[: found.start()], text[found.end() :]
    mark = before[len(before.rstrip()) :] + found[0] + after[: len(after) - len(after.lstrip())]
    return mark.join(_another_order(parts, given.rng))


@_field(
    "setup.reference-misleading",
    "reference",
    "Gives an answer that is wrong as the reference.",
    "AlignBench, Liu et al. 2023 (arXiv:2311.18743); Thakur et al. 2024 (arXiv:2406.12624)",
)
def _misleading(given: Given) -> str:
    wrong = next((r for k, r in enumerate(given.case.responses) if truth_of(given.case, k) is False), None)
    if wrong is None:
        raise NotApplicable("no answer is known to be wrong")
    return wrong


#: what is tried on a reference, the first that applies
_ERRORS = (
    *("degradation.final-answer", "degradation.number", "degradation.entity", "degradation.unit"),
    *("degradation.negation", "degradation.antonym"),
)


@_field(
    "setup.reference-wrong",
    "reference",
    "Makes the reference wrong: it now says what the worse answer says, or holds a planted mistake.",
    f"wrong references of {_THAKUR}; our wording",
    claim="degrading",
    turns=True,
)
def _wrong(given: Given) -> str:
    case, target = given.case, given.target
    if len(case.responses) > 1:
        last = (
            case.label[-1]
            if isinstance(case.label, tuple)
            else next(k for k in range(len(case.responses)) if k != target)
        )
        return case.responses[last]
    alone = Case(case.instruction, (given.text,), id=case.id)
    for name in _ERRORS:
        try:
            edits = PERTURBATIONS.get(name).edits(alone, 0, given.rng, 1.0)
        except NotApplicable:
            continue
        return apply_edits(given.text, edits)
    raise NotApplicable("no mistake can be planted in the reference")
