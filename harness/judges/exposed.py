"""A `PromptProtocol` as an attacker who has read it knows it: what surrounds an answer, and what a verdict looks like.

Nothing is written by hand for any protocol: surroundings are read off a rendered prompt, and the verdict is in the form
of the prompt's own parser. Not here: what is made of it (perturbations/injection_template.py).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from voirdire.harness.cases import Case
from voirdire.harness.errors import NotApplicable, UsageError
from voirdire.harness.judges.parsing import PARSERS
from voirdire.harness.judges.prompts import PromptProtocol
from voirdire.harness.known_prompt import Surroundings

__all__ = ["ExposedPrompt"]

#: stand for judged texts in a prompt that is rendered to be looked at; no text of a case is read as one
_MARK = "\ue200{}\ue201"
_FOUND = re.compile("\ue200([^\ue200\ue201]{1,24})\ue201")


@dataclass(frozen=True, slots=True)
class ExposedPrompt:
    """Satisfies `KnownPrompt`."""

    protocol: PromptProtocol

    @property
    def version(self) -> str:
        return self.protocol.version

    @property
    def needs(self) -> tuple[str, ...]:
        return self.protocol.header.needs

    def shows(self, field: str) -> bool:
        return self.protocol.uses(field)

    def around(self, case: Case, where: str) -> Surroundings:
        marks = tuple(_MARK.format(f"responses[{k}]") for k in range(len(case.responses)))
        shown = case.replace(responses=marks, setup=None)
        if where == "reference":
            shown = shown.replace(reference=_MARK.format(where))
        try:
            text = "\n\n".join(m["content"] for m in self.protocol.render(shown))
        except UsageError:  # a filter of the prompt did not like the marks
            raise NotApplicable(f"the prompt does not show the {_plainly(where)} as it is") from None
        found = list(_FOUND.finditer(text))
        at = next((k for k, mark in enumerate(found) if mark[1] == where), None)
        if at is None:
            raise NotApplicable(f"the prompt does not show the {_plainly(where)} as it is")
        start = found[at - 1].end() if at else 0
        last = at + 1 == len(found)
        end = len(text) if last else found[at + 1].start()
        return Surroundings(text[start : found[at].start()], text[found[at].end() : end], last)

    def winning(self, case: Case, slot: int) -> str:
        write = _FORMS[self._form()]
        return write(self.protocol, slot, len(case.responses))

    def _form(self) -> str:
        """The form of the verdict: the parser's own, and for `auto` the one that the prompt itself spells out."""
        parser = PARSERS[self.protocol.parser]
        if parser.name != "auto":
            return parser.name
        text = f"{self.protocol.system}\n{self.protocol.user}"
        if "[[" in text:
            return "brackets"
        if re.search(r"\{\s*\"\w+\"\s*:", text):
            return "json"
        if re.search(r"(?i)\b(?:verdict|score|grade|rating|ranking)\s*:", text):
            return "label"
        return {"pairwise": "letter", "score": "number", "grade": "yesno", "ranking": "list"}[self.protocol.task]


def _plainly(where: str) -> str:
    return "answer" if where.startswith("responses") else where


# --- verdicts --------------------------------------------------------------------------------------------------------


def _name(protocol: PromptProtocol, slot: int) -> str:
    return (protocol.slots if protocol.header.labels == ("A", "B") else protocol.header.labels)[slot]


def _value(protocol: PromptProtocol, slot: int, n: int) -> str:
    """The winning verdict as a word: a slot, the highest score, CORRECT, or the slots in order."""
    if protocol.task == "pairwise":
        return protocol.slots[slot]
    if protocol.task == "score":
        return format(protocol.scale.high, "g")
    if protocol.task == "grade":
        return "CORRECT"
    return " > ".join(map(str, _ranked(slot, n)))


def _ranked(slot: int, n: int) -> list[int]:
    return [slot + 1, *(k + 1 for k in range(n) if k != slot)]


def _json(protocol: PromptProtocol, slot: int, n: int) -> str:
    data: dict[str, object] = {"verdict": protocol.slots[slot]} if protocol.task == "pairwise" else {}
    if protocol.task == "score":
        data = {"score": protocol.scale.high}
    elif protocol.task == "grade":
        data = {"correct": True}
    elif protocol.task == "ranking":
        data = {"ranking": _ranked(slot, n)}
    return json.dumps(data)


def _label(protocol: PromptProtocol, slot: int, n: int) -> str:
    word = {"pairwise": "Verdict", "score": "Score", "grade": "Verdict", "ranking": "Ranking"}[protocol.task]
    return f"{word}: {_value(protocol, slot, n)}"


def _two_scores(protocol: PromptProtocol, slot: int, _n: int) -> str:
    best, worst = (format(x, "g") for x in (protocol.scale.high, protocol.scale.low))
    return f"{best} {worst}" if slot == 0 else f"{worst} {best}"


def _ranks(protocol: PromptProtocol, slot: int, _n: int) -> str:
    order = (protocol.slots[slot], protocol.slots[1 - slot])
    return json.dumps([{"model": name, "rank": rank} for rank, name in enumerate(order, start=1)])


#: by the name of the parser: protocol, slot, number of answers -> reply
_FORMS: Mapping[str, Callable[[PromptProtocol, int, int], str]] = {
    "brackets": lambda p, slot, n: f"[[{_value(p, slot, n)}]]",
    "json": _json,
    "label": _label,
    "letter": _value,
    "number": _value,
    "yesno": lambda _p, _slot, _n: "Yes",
    "list": _value,
    "two-scores": _two_scores,
    "grades": lambda p, slot, _n: f"[[{p.slots[slot]}>>{p.slots[1 - slot]}]]",
    "result": lambda p, slot, n: f"[RESULT] {_value(p, slot, n)}",
    "ranks": _ranks,
    "first-line": lambda p, slot, _n: _name(p, slot),
    "certainty": lambda p, slot, _n: json.dumps({"verdict": p.slots[slot], "certainty": 100}),
    "checklist": lambda _p, _slot, _n: json.dumps({"items": [{"weight": 1, "score": 1}]}),
}
