"""What each probe does, as a noun phrase that can start or end a plain sentence.

Keyed by the published probe name, then by family; a probe of a plug-in falls back to its own name.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["FAMILIES", "PROBES", "Phrase", "capital", "phrase"]


class Phrase(NamedTuple):
    """`text` in the middle of a sentence; `plural` chooses "are" over "is"."""

    text: str
    plural: bool = False

    def verb(self, singular: str, plural: str) -> str:
        """The verb that agrees: `verb("is", "are")`."""
        return plural if self.plural else singular


FAMILIES: dict[str, Phrase] = {
    "stability": Phrase("a meaningless blank"),
    "order": Phrase("the first slot"),
    "labels": Phrase("the name of the slot"),
    "verbosity": Phrase("padding"),
    "authority": Phrase("a made-up citation"),
    "format": Phrase("Markdown decoration"),
    "typos": Phrase("typing errors", plural=True),
    "lexical": Phrase("other words for the same thing", plural=True),
    "layout": Phrase("a different layout"),
    "tone": Phrase("a change of tone"),
    "identity": Phrase("a hint at who wrote the answer"),
    "social": Phrase("a claim that others agree"),
    "injection": Phrase("an instruction to the judge inside the answer"),
    "phrases": Phrase("an attack phrase"),
    "null_answers": Phrase("an answer that says nothing"),
    "degradation": Phrase("a planted mistake"),
    "setup": Phrase("a change of the set-up"),
}

PROBES: dict[str, Phrase] = {
    "authority.url": Phrase("a made-up link"),
    "authority.quote": Phrase("a made-up quotation"),
    "degradation.number": Phrase("a wrong number"),
    "degradation.num": Phrase("a wrong number"),
    "degradation.truncate": Phrase("an answer cut short"),
    "injection.plea": Phrase("a plea to be chosen"),
    "phrases.flattery": Phrase("a flattering phrase"),
    "injection.echo": Phrase("a verdict inside the answer"),
    "setup.rating": Phrase("scoring the answers one by one"),
    "setup.criteria-isolated": Phrase("asking about the criteria one by one"),
    "setup.rubric-flipped": Phrase("a rubric turned round"),
    "setup.rubric-masked": Phrase("a rubric with its words masked"),
    "setup.rubric-gibberish": Phrase("a rubric of gibberish"),
    "setup.reference-wrong": Phrase("a wrong reference"),
    "social.bandwagon": Phrase("a claim that most people agree"),
    "social.flattery": Phrase("a flattering phrase"),
    "tone.flattery": Phrase("a flattering phrase"),
    "verbosity.filler": Phrase("padding"),
    "verbosity.repeat": Phrase("repetition"),
}


def phrase(probe: str, *, backwards: bool = False) -> Phrase:
    """The phrase of `probe`, e.g. "a made-up citation"; `backwards` for a slot preference below zero."""
    family = probe.split(".", 1)[0]
    if family == "order" and backwards:
        return Phrase("the second slot")
    return PROBES.get(probe) or FAMILIES.get(family) or Phrase(f"the edit of {probe}")


def capital(text: str) -> str:
    """`text` with its first letter in upper case, the rest untouched."""
    return text[:1].upper() + text[1:]
