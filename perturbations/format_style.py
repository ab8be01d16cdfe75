"""The three styles of RM-Bench (concise, plain, markdown), by rule, and the 3 x 3 grid of a pair in all of them.

RM-Bench had a model write its styles; here plain is the answer without marks, markdown the answer with them, and
concise the plain one without pleasantries and filler words. No statement is dropped, so the label of a pair holds in
every cell. A judge that sees quality is as right in the hard cells (the better answer plain, the worse one fancy) as
in the easy ones.
"""

from __future__ import annotations

import re
from random import Random
from typing import Literal, NamedTuple

from voirdire.harness.cases import Case, Edit, apply_edits
from voirdire.harness.errors import NotApplicable
from voirdire.perturbations.base import Place, language_of, perturbation
from voirdire.perturbations.format import bold_marks, bullet_marks, stripped_marks
from voirdire.perturbations.spans import analyse, inside, sentences

__all__ = ["STYLES", "Cell", "Style", "concise", "concise_cuts", "restyled", "style_grid"]

Style = Literal["concise", "plain", "markdown"]
#: from the least to the most showy
STYLES: tuple[Style, ...] = ("concise", "plain", "markdown")

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


def restyled(case: Case, target: int, style: Style, rng: Random) -> str:
    """Response `target` in `style`; as it is where the style changes nothing in it."""
    text = case.responses[target]
    if style == "markdown":
        place = Place(case, target, rng, 1.0, language_of(case, target))
        return apply_edits(text, bullet_marks(text, place) + bold_marks(text, place))
    plain = apply_edits(text, stripped_marks(text))
    return plain if style == "plain" else apply_edits(plain, concise_cuts(plain))


class Cell(NamedTuple):
    """One cell of the grid: the styles of the better and of the worse answer, and the pair in them."""

    better: Style
    worse: Style
    case: Case

    @property
    def band(self) -> Literal["hard", "normal", "easy"]:
        """RM-Bench's name: hard where the worse answer is the more showy one, easy where the better one is."""
        gap = STYLES.index(self.worse) - STYLES.index(self.better)
        return "hard" if gap > 0 else "easy" if gap < 0 else "normal"


def style_grid(case: Case, rng: Random) -> tuple[Cell, ...]:
    """The nine pairs of a labelled pairwise case, row by row, both answers of each in one of the three styles.

    Label and `group` (the id of the case, where it has none) are kept, so that statistics count one case, not nine.
    Raises NotApplicable for a case without a better answer, or where no style changes either answer.
    """
    label = case.label
    if len(case.responses) != 2 or isinstance(label, bool) or label not in (0, 1):
        raise NotApplicable("the style grid needs two answers and a label that says which is better")
    better = int(label)
    looks = [{style: restyled(case, target, style, rng) for style in STYLES} for target in (0, 1)]
    if all(len(set(by_style.values())) == 1 for by_style in looks):
        raise NotApplicable("neither answer looks different in any style")
    cells: list[Cell] = []
    for row in STYLES:
        for column in STYLES:
            texts = [looks[target][row if target == better else column] for target in (0, 1)]
            cell = case.replace(
                responses=tuple(texts), id=f"{case.id}/{row}-{column}", group=case.group if case.group else case.id
            )
            cells.append(Cell(row, column, cell))
    return tuple(cells)
