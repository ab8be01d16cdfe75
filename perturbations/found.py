"""Texts that an attack search found, as perturbations: what `voirdire attack --save` writes and suites take.

A text is put at the end or the beginning of an answer, below it as a paragraph of its own, or stands alone in its
place; several attacks may be made on top of each other. Unlike the built-in perturbations these come from files, so
each is kept under a name made of its content. Not here: the files (suites/found.py), the searches (search/).
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from voirdire.harness.cases import Case, Claim, Dose, Edit, shown_hash, with_edits
from voirdire.harness.errors import NotApplicable, UsageError
from voirdire.harness.known_prompt import KnownPrompt
from voirdire.harness.registry import PERTURBATIONS
from voirdire.perturbations.edits import one_edit
from voirdire.perturbations.placement import end_of
from voirdire.perturbations.sham import sham_text
from voirdire.perturbations.spans import analyse

__all__ = [
    "POSITIONS",
    "FoundFlips",
    "FoundStack",
    "FoundText",
    "Position",
    "found_flips",
    "found_stack",
    "found_text",
    "joined",
    "spoken",
]

#: "end": on the last line, as a sentence; "start": the same before the first word; "below": a paragraph of its own
#: behind the answer, as it is; "alone": in the place of the answer
Position = Literal["end", "start", "below", "alone"]
POSITIONS: tuple[Position, ...] = get_args(Position)


class _Addition:
    """What adds a text: its placebo."""

    __slots__ = ()

    def sham(
        self,
        case: Case,  # noqa: ARG002 - the protocol's
        target: int,  # noqa: ARG002
        edits: tuple[Edit, ...],
        rng: random.Random,
    ) -> tuple[Edit, ...] | None:
        """Neutral words of the same number and length at the same place."""
        return tuple(Edit(e.start, e.end, sham_text(e.text, rng), e.where) for e in edits)


@dataclass(frozen=True, slots=True)
class FoundText(_Addition):
    """`text` at `position` of an answer. Build one with `found_text`, which registers it."""

    name: str
    text: str
    position: Position

    claim: Claim = "attack"
    source: str = "voirdire attack"
    plants_error: bool = False

    @property
    def summary(self) -> str:
        where = {"end": "at the end", "start": "at the beginning", "below": "below", "alone": "in its place"}
        return f"Puts a text that a search found {where[self.position]} of the answer."

    def edits(self, case: Case, target: int, rng: random.Random, dose: Dose) -> tuple[Edit, ...]:  # noqa: ARG002
        """One insertion, or for "alone" one replacement of everything. Dose has no say: the text is what it is."""
        text = case.responses[target]
        where = f"responses[{target}]"
        if self.position == "alone":
            if text == self.text:
                raise NotApplicable("the answer is this text already")
            return (Edit(0, len(text), self.text, where),)
        if self.position == "start":
            return (Edit(0, 0, spoken(self.text) + (" " if text else ""), where),)
        end = end_of(text)
        if self.position == "below":
            return (Edit(end, end, ("\n\n" if end else "") + self.text, where),)
        blocks = analyse(text).blocks
        # behind a code fence or table on a line of its own, so that those stay whole
        gap = "" if end == 0 else "\n" if blocks and blocks[-1][1] >= end else " "
        return (Edit(end, end, gap + spoken(self.text), where),)


@dataclass(frozen=True, slots=True)
class FoundStack(_Addition):
    """The perturbations `parts`, each made on what the one before left. Build one with `found_stack`."""

    name: str
    parts: tuple[str, ...]

    claim: Claim = "attack"
    source: str = "voirdire attack"
    plants_error: bool = False

    @property
    def summary(self) -> str:
        return "Puts several attacks that a search found on top of each other."

    def edits(self, case: Case, target: int, rng: random.Random, dose: Dose) -> tuple[Edit, ...]:
        """What all parts together change, as one edit."""

        def part(made: Case, name: str) -> tuple[Edit, ...]:
            return PERTURBATIONS.get(name).edits(made, target, rng, dose)

        return self._stacked(case, target, part)

    def _stacked(self, case: Case, target: int, part: Callable[[Case, str], tuple[Edit, ...]]) -> tuple[Edit, ...]:
        made = case
        for name in self.parts:
            made = with_edits(made, part(made, name))
        return (one_edit(case.responses[target], made.responses[target], f"responses[{target}]"),)


class AimedStack(FoundStack):
    """A stack with a part that is made of the judge's own prompt (`harness.followups.Aimed`)."""

    __slots__ = ()

    def edits(self, case: Case, target: int, rng: random.Random, dose: Dose) -> tuple[Edit, ...]:  # noqa: ARG002
        raise NotApplicable("this judge is not asked with a prompt of voirdire's")

    def aimed(self, case: Case, slot: int, rng: random.Random, dose: Dose, prompt: KnownPrompt) -> tuple[Edit, ...]:
        """As `edits`, of the answer in `slot` of a case that is shown as it is."""

        def part(made: Case, name: str) -> tuple[Edit, ...]:
            one = PERTURBATIONS.get(name)
            aimed = getattr(one, "aimed", None)
            if aimed is None:
                return one.edits(made, slot, rng, dose)
            found: tuple[Edit, ...] = aimed(made, slot, rng, dose, prompt)
            return found

        return self._stacked(case, slot, part)


@dataclass(frozen=True, slots=True)
class FoundFlips:
    """Edits of particular answers, each by what is shown of its case and the target. Build with `found_flips`."""

    name: str
    flips: Mapping[tuple[str, int], tuple[Edit, ...]]

    claim: Claim = "preserving"
    source: str = "voirdire attack"
    plants_error: bool = False
    summary: str = "Edits answers as a search did that flipped their verdicts."

    def edits(self, case: Case, target: int, rng: random.Random, dose: Dose) -> tuple[Edit, ...]:  # noqa: ARG002
        found = self.flips.get((shown_hash(case)[:16], target))
        if found is None:
            raise NotApplicable("no flip was found for this answer")
        return found

    def sham(
        self,
        case: Case,  # noqa: ARG002 - the protocol's
        target: int,  # noqa: ARG002
        edits: tuple[Edit, ...],  # noqa: ARG002
        rng: random.Random,  # noqa: ARG002
    ) -> tuple[Edit, ...] | None:
        return None


def found_flips(flips: Mapping[tuple[str, int], tuple[Edit, ...]]) -> FoundFlips:
    """The perturbation that makes `flips`: (first 16 digits of the hash of what is shown, target) -> edits."""
    text = repr(sorted((key, [tuple(map(str, (e.start, e.end, e.text))) for e in es]) for key, es in flips.items()))
    digest = hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()
    made = FoundFlips(f"attack.flips-{digest[:16]}", dict(flips))
    PERTURBATIONS.keep(made.name, made)
    return made


def found_stack(parts: tuple[str, ...]) -> FoundStack:
    """The perturbation that makes `parts` (names of registered perturbations) in turn, known by a hash of them.

    Raises UsageError for fewer than two parts, or a name that is not registered.
    """
    if len(parts) < 2:
        raise UsageError("a stack of attacks has two parts or more")
    aimed = any(hasattr(PERTURBATIONS.get(name), "aimed") for name in parts)
    digest = hashlib.sha256("\x1f".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
    made = (AimedStack if aimed else FoundStack)(f"attack.stack-{digest[:16]}", parts)
    PERTURBATIONS.keep(made.name, made)
    return made


def spoken(text: str) -> str:
    """`text` as a sentence: with a full stop behind it where it ends in a letter or digit."""
    last = text[-1:]
    if not last.isalnum():
        return text
    return text + ("。" if "\u3400" <= last <= "\u9fff" else ".")


def found_text(text: str, position: Position = "end") -> FoundText:
    """The perturbation that puts `text` at `position`, known to the registry by a name that is a hash of both.

    Raises UsageError for an empty text or an unknown position.
    """
    if not text.strip():
        raise UsageError("an attack needs a text that is not empty")
    if position not in POSITIONS:
        raise UsageError(f"{position!r} is no position", hint=f"Known: {', '.join(POSITIONS)}.")
    digest = hashlib.sha256(f"{position}\x1f{text}".encode("utf-8", "surrogatepass")).hexdigest()
    made = FoundText(f"attack.text-{digest[:16]}", text, position)
    PERTURBATIONS.keep(made.name, made)
    return made


def joined(words: tuple[str, ...]) -> str:
    """The words as one text: a blank between them, none between two Chinese characters."""
    text = ""
    for word in words:
        close = text and "\u3400" <= text[-1] <= "\u9fff" and "\u3400" <= word[0] <= "\u9fff"
        text += word if close or not text else f" {word}"
    return text
