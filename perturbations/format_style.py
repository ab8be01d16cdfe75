"""RM-Bench's concise style, by rule: an answer without pleasantries and filler words.

RM-Bench had a model write its styles. Here no statement is dropped, so the label of a pair holds. Its 3 x 3 grid of
styles is both_sides.py.
"""

from __future__ import annotations

import re

from voirdire.harness.cases import Edit
from voirdire.harness.errors import NotApplicable
from voirdire.perturbations.base import Place, perturbation
from voirdire.perturbations.pleasantries import is_pleasantry
from voirdire.perturbations.spans import analyse, inside, sentences

__all__ = ["concise", "concise_cuts"]

_SOURCE = "RM-Bench, arXiv:2410.16184; Judge Reliability Harness, arXiv:2603.05399"

# Words that can go wherever they stand between two words, but not behind a negation ("cannot simply"). Hedges and
# degrees are no filler: they say how sure the answer is, and of how much.
_FILLER = re.compile(
    r"(?<!not )(?<!n't )(?<!n’t )(?<!\ba )(?<!\ban )(?<!\bthe )"
    r"\b(?:actually|simply|of course|as a matter of fact|needless to say|indeed|in fact) "
    r"(?!because|by |as |that |connected)(?=[a-z])"  # "simply because" says why, "simply connected" is a term
)
_WORDY = re.compile(
    r"\b(?:(?P<to>in order to(?= [a-z]))|(?P<because>due to the fact that)|(?P<although>despite the fact that)"
    r"|(?P<now>at this point in time)|(?P<many>(?<!such )(?<!quite )(?<!rather )a large number of))\b"
)


def _pleasantries(text: str) -> list[Edit]:
    """Pleasantries at the start and the end of an answer, with the white space that parts them from the rest."""
    found = sentences(text)
    edits: list[Edit] = []
    if len(found) < 2:
        return edits
    first, last = found[0], found[-1]
    if first.start == len(text) - len(text.lstrip()) and is_pleasantry(text[first.start : first.end]):
        edits.append(Edit(first.start, found[1].start if text[first.end : found[1].start].isspace() else first.end, ""))
    if last.end == len(text.rstrip()) and is_pleasantry(text[last.start : last.end]):
        start = len(text[: last.start].rstrip())
        edits.append(Edit(start, last.end, ""))
    return [e for e in edits if e.start < e.end and not inside(analyse(text).protected, e.start, e.end)]


def concise_cuts(text: str) -> list[Edit]:
    """Edits that shorten `text` without dropping a statement; [] where there is nothing to spare."""
    edits = _pleasantries(text)
    taken = tuple((e.start, e.end) for e in edits)
    protected = analyse(text).protected
    found = [Edit(m.start(), m.end(), "") for m in _FILLER.finditer(text)]
    found += [Edit(m.start(), m.end(), m.lastgroup or "") for m in _WORDY.finditer(text)]
    at = 0
    for edit in sorted(found, key=lambda e: (e.start, e.end)):
        if edit.start >= at and not inside(protected, edit.start, edit.end) and not inside(taken, edit.start, edit.end):
            edits.append(edit)
            at = edit.end
    return sorted(edits, key=lambda e: e.start)


@perturbation(
    "format.concise",
    claim="preserving",
    summary="Leaves out pleasantries and filler words.",
    source=_SOURCE,
)
def concise(text: str, _: Place) -> list[Edit]:
    edits = concise_cuts(text)
    if not edits:
        raise NotApplicable("the answer has no pleasantry or filler word to leave out")
    return edits
