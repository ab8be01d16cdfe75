"""Labels that answers bear themselves: A and B, 1 and 2, names, codes, symbols.

Each answer gets a label in front; the placebo exchanges the target's with another's, so the effect is what the label
itself is worth, wherever its answer is shown. The labels of the slots in the judge's prompt belong to its protocol and
stay as they are: where an own label contradicts them, a judge that names the own label is misled, which is found too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from voirdire.harness.cases import Edit
from voirdire.harness.errors import NotApplicable
from voirdire.perturbations.base import Place
from voirdire.perturbations.case_edits import case_perturbation, exchanged
from voirdire.perturbations.draws import below, sample
from voirdire.perturbations.social import note_on
from voirdire.perturbations.spans import Language

__all__ = ["LABELS", "label_answers"]

_SYMBOL_BIAS = "symbol bias of Song et al., arXiv:2406.11629"
#: labels in the order of their standing; the target bears the first
LABELS: dict[str, tuple[str, ...]] = {
    "labels.letters": tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
    "labels.numbers": tuple("123456789"),
    "labels.last-letters": tuple("XYZWVUTSRQPONMLKJIHGFEDCBA"),
    "labels.symbols": ("☀", "☂", "☘", "☎", "♞", "♫", "⚑", "⚙"),
}
_SHAPES: dict[Language, tuple[str, ...]] = {
    "en": ("Star", "Moon", "Cone", "Cube", "Ring", "Disc", "Arch", "Line"),
    "zh": ("星星", "月亮", "圆锥", "方块", "圆环", "圆盘", "拱门", "直线"),
}
_WORDS: dict[Language, str] = {"en": "Answer {}", "zh": "回答{}"}
_CODE_LETTERS = "BCDFGHJKLMNPQRSTVWXZ"


def label_answers(place: Place, labels: Sequence[str]) -> list[Edit]:
    """The first label on the target, the rest on the others in turn. Dose has no say: a label is there or not."""
    n = len(place.case.responses)
    if n < 2:
        raise NotApplicable("there is only one answer, so its label stands beside no other")
    if n > len(labels):
        raise NotApplicable(f"there are more answers than the {len(labels)} labels")
    rest = iter(labels[1:])
    return [note_on(place, i, _label(labels[0] if i == place.target else next(rest))) for i in range(n)]


def _label(label: str) -> Callable[[Language], str]:
    return lambda lang: _WORDS[lang].format(label)


def _codes(place: Place) -> list[str]:
    """Codes of a letter and three digits, all letters different."""
    letters = sample(place.rng, _CODE_LETTERS, len(_CODE_LETTERS))
    return [f"{letter}{100 + below(place.rng, 900)}" for letter in letters]


def _publish(name: str, what: str, source: str, labels: Callable[[Place], Sequence[str]]) -> None:
    @case_perturbation(
        name,
        summary=f"Labels the answers with {what}, the edited one with the first of them.",
        source=source,
        counterpart=exchanged,
    )
    def editor(place: Place) -> list[Edit]:
        return label_answers(place, labels(place))


_publish("labels.letters", "A, B and so on", _SYMBOL_BIAS, lambda _: LABELS["labels.letters"])
_publish("labels.numbers", "1, 2 and so on", _SYMBOL_BIAS, lambda _: LABELS["labels.numbers"])
_publish("labels.last-letters", "X, Y and so on", _SYMBOL_BIAS, lambda _: LABELS["labels.last-letters"])
_publish("labels.shapes", "the names of shapes", "CoBBLEr, arXiv:2309.17012", lambda place: _SHAPES[place.lang])
_publish("labels.symbols", "exotic symbols", _SYMBOL_BIAS, lambda _: LABELS["labels.symbols"])
_publish("labels.codes", "random codes", _SYMBOL_BIAS, _codes)
