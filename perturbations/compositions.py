"""Perturbations made of others: `a+b` applies b to the result of a, `a@2` applies a at dose 2.

Here: reading such names, applying the parts in turn, and writing what they did as edits of the original answer. Not
here: which relation a probe of that name tests (suites/composed.py).
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from voirdire.harness.cases import Case, Claim, Dose, Edit, Perturbation, Turn, apply_edits, text_of
from voirdire.harness.errors import NotApplicable, UsageError
from voirdire.harness.registry import PERTURBATIONS
from voirdire.perturbations.sham import sham_text

__all__ = ["MOST_DOSE", "Composition", "Part", "Term", "composed", "is_composed", "merged", "spelled", "terms_of"]

#: largest dose a name may ask for; 1 is the published strength
MOST_DOSE = 100.0
#: from the weakest claim about an answer's quality to the strictest; that of a composition is its parts' strictest
STRICTNESS: tuple[Claim, ...] = ("preserving", "addition", "attack", "degrading")

_WORDS = re.compile(r"[^\W\d_]{3}|[\u3400-\u9fff]")
#: an edit that replaces text and grows by more than this holds a part's whole addition
_MOST_REPLACED_GROWTH = 20


class Term(NamedTuple):
    """One part of a name: "typos.keyboard@2" is ("typos.keyboard", 2.0); without @ the dose is None."""

    name: str
    dose: float | None = None


def is_composed(name: str) -> bool:
    """Is `name` of the form `a+b` or `a@dose`?"""
    return "+" in name or "@" in name


def terms_of(name: str) -> tuple[Term, ...]:
    """The parts of `name`, in the order they are applied. Raises UsageError if it cannot be read.

    >>> terms_of("typos.keyboard@2+authority.book")
    (Term(name='typos.keyboard', dose=2.0), Term(name='authority.book', dose=None))
    """
    terms = tuple(_term(part, name) for part in name.split("+"))
    names = [t.name for t in terms]
    for part in names:
        if names.count(part) > 1:
            raise UsageError(f"{name!r} names {part} twice", hint=f"For a stronger dose write {part}@2.")
    return terms


def _term(part: str, name: str) -> Term:
    part_name, at, dose = part.strip().partition("@")
    if not part_name:
        raise UsageError(f"{name!r} has an empty part", hint="Write compositions as a+b, doses as a@2.")
    if not at:
        return Term(part_name)
    try:
        number = float(dose)
    except ValueError:
        number = -1.0
    if not 0 < number <= MOST_DOSE:
        raise UsageError(
            f"the dose in {name!r} is {dose!r}, but must be a number above 0, at most {MOST_DOSE:g}",
            hint=f"1 is the published strength; write {part_name}@0.5 or {part_name}@2.",
        )
    return Term(part_name, number)


def spelled(terms: Sequence[Term]) -> str:
    """The one spelling of a name: `typos.keyboard@2.0` and `typos.keyboard@2` are the same."""
    return "+".join(t.name if t.dose is None else f"{t.name}@{t.dose:g}" for t in terms)


class Part(NamedTuple):
    """One perturbation of a composition and the dose it is applied at."""

    perturbation: Perturbation
    dose: float = 1.0


@dataclass(frozen=True, slots=True)
class Composition:
    """A `harness.cases.Perturbation` that applies `parts` one after the other, each to the result of the last."""

    name: str
    parts: tuple[Part, ...]

    @property
    def claim(self) -> Claim:
        return max((p.perturbation.claim for p in self.parts), key=STRICTNESS.index)

    @property
    def summary(self) -> str:
        first, *others = (_with_dose(p) for p in self.parts)
        return " Then: ".join([first, *others])

    @property
    def source(self) -> str:
        return "; ".join(dict.fromkeys(p.perturbation.source for p in self.parts))

    @property
    def plants_error(self) -> bool:
        return any(p.perturbation.plants_error for p in self.parts)

    def edits(self, case: Case, target: int, rng: random.Random, dose: Dose) -> tuple[Edit, ...]:
        """What all parts do, as edits of response `target` of `case`; `dose` multiplies those of the parts.

        Raises NotApplicable, naming the part, where one does not apply or undoes what those before it did.
        """
        if len(self.parts) == 1:
            return self.parts[0].perturbation.edits(case, target, rng, self.parts[0].dose * dose)
        now = case
        total: dict[str, tuple[Edit, ...]] = {}
        for part in self.parts:
            # a generator each, so that how much one part draws does not move the next
            own = random.Random(int(rng.random() * (1 << 53)))
            name = part.perturbation.name
            try:
                added = part.perturbation.edits(now, target, own, part.dose * dose)
            except NotApplicable as error:
                raise NotApplicable(f"{name}: {error.message}") from None
            now = _applied(now, added, total, name)
        if now.shown() == case.shown():
            raise NotApplicable("its parts undo each other on this answer")
        return tuple(e for where in sorted(total) for e in total[where])

    def sham(self, case: Case, target: int, edits: tuple[Edit, ...], rng: random.Random) -> tuple[Edit, ...] | None:
        """A lone part's own placebo; else inserted words become neutral ones and all other edits stay as they are.

        So the sham of `typos.keyboard+authority.book` has the same typos and a neutral line for the book.
        """
        if len(self.parts) == 1:
            return self.parts[0].perturbation.sham(case, target, edits, rng)
        if all(p.perturbation.claim in ("preserving", "degrading") for p in self.parts):
            return None
        if any(e.end > e.start and len(e.text) - (e.end - e.start) > _MOST_REPLACED_GROWTH for e in edits):
            raise NotApplicable("one part edits what another added, so no placebo can be made")
        return tuple(
            Edit(e.start, e.end, sham_text(e.text, rng), e.where) if e.start == e.end and _WORDS.search(e.text) else e
            for e in edits
        )


def _applied(case: Case, added: Sequence[Edit], total: dict[str, tuple[Edit, ...]], name: str) -> Case:
    """`case` after `added`, field by field; `total` gets what has been done to each field of the original so far."""
    for where in dict.fromkeys(e.where for e in added):
        here = [e for e in added if e.where == where]
        before = total.get(where, ())
        if _cuts_out(before, here):
            raise NotApplicable(f"{name} takes away what was done before it")
        middle = text_of(case, where)
        total[where] = merged(before, here, middle)
        case = _with_text(case, where, apply_edits(middle, here))
    return case


def _with_text(case: Case, where: str, text: str) -> Case:
    """`case` with another text in the field that `where` names, as in `text_of`."""
    name, bracket, number = where.partition("[")
    if not bracket:
        return case.replace(**{name: text})
    index = int(number.removesuffix("]"))
    if name == "responses":
        return case.with_response(index, text)
    turns = [Turn(*turn) for turn in case.instruction]
    turns[index] = turns[index]._replace(content=text)
    return case.replace(instruction=tuple(turns))


def composed(name: str) -> Composition | None:
    """The perturbation that a composed name stands for; None if `name` is a plain one. Raises UsageError."""
    if not is_composed(name):
        return None
    terms = terms_of(name)
    parts = tuple(Part(PERTURBATIONS.get(t.name), 1.0 if t.dose is None else t.dose) for t in terms)
    return Composition(spelled(terms), parts)


def _with_dose(part: Part) -> str:
    dose = "" if part.dose == 1 else f" (dose {part.dose:g})"
    return part.perturbation.summary.removesuffix(".") + dose + "."


class _Placed(NamedTuple):
    """An edit where it stands in the text between both: [start, end) there; `first`: it is of the first list."""

    start: int
    end: int
    first: bool
    edit: Edit


def _placed(edits: Sequence[Edit]) -> Iterator[_Placed]:
    """`edits` with the ranges that their texts take up in the text they make."""
    shift = 0
    for edit in edits:
        start = edit.start + shift
        yield _Placed(start, start + len(edit.text), True, edit)
        shift += len(edit.text) - (edit.end - edit.start)


def _cuts_out(first: Sequence[Edit], second: Sequence[Edit]) -> bool:
    """Does `second` cut out all that `first` did?"""
    cuts = [b for b in second if not b.text.strip() and b.start < b.end]

    def gone(a: _Placed) -> bool:
        return any(b.start <= a.start and a.end <= b.end for b in cuts)

    return bool(first) and all(map(gone, _placed(first)))


def merged(first: Sequence[Edit], second: Sequence[Edit], middle: str) -> tuple[Edit, ...]:
    """One list of edits that does what `first` and then `second` do. `middle` is the text `first` makes.

    Both lists are sorted and without overlaps; so is the result, whose offsets are those of `first`. Edits of `second`
    that run into text of `first` join it in one replacement; insertions at one place become one.
    """
    both = sorted(
        [*_placed(first), *(_Placed(e.start, e.end, False, e) for e in second)], key=lambda p: (p.start, p.end)
    )
    out: list[Edit] = []
    shift = 0  # length of the middle text minus that of the original, up to here
    at = 0
    while at < len(both):
        end = both[at].end
        upto = at + 1
        while upto < len(both) and both[upto].start < end:
            end = max(end, both[upto].end)
            upto += 1
        edit, shift = _joined(both[at:upto], end, middle, shift)
        last = out[-1] if out else None
        if last is not None and last.start == last.end == edit.start == edit.end:
            edit = Edit(edit.start, edit.end, out.pop().text + edit.text, edit.where)
        out.append(edit)
        at = upto
    return tuple(out)


def _joined(cluster: Sequence[_Placed], end: int, middle: str, shift: int) -> tuple[Edit, int]:
    """Overlapping edits as one edit of the original, and the shift behind them."""
    start, where = cluster[0].start, cluster[0].edit.where
    after = shift + sum(len(p.edit.text) - (p.edit.end - p.edit.start) for p in cluster if p.first)
    inner = [Edit(p.start - start, p.end - start, p.edit.text) for p in cluster if not p.first]
    return Edit(start - shift, end - after, apply_edits(middle[start:end], inner), where), after
