"""RM-Bench's concise style, by rule: an answer without pleasantries and filler words.

RM-Bench had a model write its styles. Here no statement is dropped, so the label of a pair holds. Its 3 x 3 grid of
styles is both_sides.py.
"""

from __future__ import annotations

import re

from voirdire.harness.cases import Edit
from voirdire.harness.errors import NotApplicable
from voirdire.perturbations.base import Place, perturbation
from voirdire.perturbations.spans import analyse, inside, sentences

__all__ = ["concise", "concise_cuts"]

_SOURCE = "RM-Bench, arXiv:2410.16184; Judge Reliability Harness, arXiv:2603.05399"

# Whole sentences that say nothing about the question: greetings, offers, thanks.
_PLEASANTRY = re.compile(
    r"(?:Sure|Certainly|Of course|Absolutely|Great question|Good question|Happy to help|I(?:'d| would) be happy to help"
    r"|Thank(?:s| you)(?: for [^.!?\n]{1,60})?)[^.!?:\n]{0,60}[!.:]"
    r"|(?:I hope (?:this|that) helps|Hope this helps|Let me know if|Feel free to|Please (?:let me know|feel free)"
    r"|If you have any (?:other|more|further) questions)[^\n]{0,160}"
    r"|(?:当然|好的|没问题|很高兴为您解答)[^。！？\n]{0,20}[！。]|希望(?:这|以上)[^。！？\n]{0,30}[。！]"
    r"|如果(?:您|你)(?:还)?有(?:任何|其他|更多)[^。！？\n]{0,40}[。！]"
)
# Words that can go wherever they stand between two words, but not behind a negation ("cannot simply"). Hedges and
# degrees are no filler: they say how sure the answer is, and of how much.
_FILLER = re.compile(
    r"(?<!not )(?<!n't )(?<!n’t )\b(?:actually|simply|of course|as a matter of fact|needless to say|indeed|in fact) "
    r"(?!because|by |as |that )(?=[a-z])"  # "simply because" says why
)
_WORDY = re.compile(
    r"\b(?:(?P<to>in order to(?= [a-z]))|(?P<because>due to the fact that)|(?P<although>despite the fact that)"
    r"|(?P<now>at this point in time)|(?P<many>a large number of))\b"
)


def _pleasantries(text: str) -> list[Edit]:
    """Pleasantries at the start and the end of an answer, with the white space that parts them from the rest."""
    found = sentences(text)
    edits: list[Edit] = []
    if len(found) < 2:
        return edits
    first, last = found[0], found[-1]
    if first.start == len(text) - len(text.lstrip()) and _PLEASANTRY.fullmatch(text, first.start, first.end):
        edits.append(Edit(first.start, found[1].start if text[first.end : found[1].start].isspace() else first.end, ""))
    if last.end == len(text.rstrip()) and _PLEASANTRY.fullmatch(text, last.start, last.end):
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
