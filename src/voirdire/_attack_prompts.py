"""The exact prompt of an attack that worked, and the line of the judge's own prompt to mend.

Only for judges that voirdire prompts itself; of others the prompt is not known. Not here: the attacks.
"""

from __future__ import annotations

from dataclasses import replace

from voirdire.harness.attacks import Attempt
from voirdire.harness.judges.base import Judge, traits_of
from voirdire.harness.judges.exposed import ExposedPrompt
from voirdire.harness.judges.mending import open_lines

__all__ = ["with_prompt"]

#: what helps where the prompt fences its answers already: the model, not the template, gave in
_FENCED = (
    "The prompt fences its answers, so it is the model that heeds what they say: try neutralise(JUDGE), "
    "sandwich(JUDGE) or another model (voirdire compare)."
)


def with_prompt(attempt: Attempt, judge: Judge) -> Attempt:
    """`attempt` with the messages of its example and what to mend, if it was found and the judge's prompt is known."""
    known = traits_of(judge).prompt
    if attempt.outcome != "found" or attempt.example is None or not isinstance(known, ExposedPrompt):
        return attempt
    messages = tuple(known.protocol.render(attempt.example.follow_up))
    if attempt.kind not in ("structure", "composed", "injection"):
        return replace(attempt, prompt=messages)
    lines = [
        f"{o.file}, line {o.line}: {o.text}  ->  {o.mended}"
        if o.mended != o.text
        else f"{o.file}, line {o.line}: show {o.variable} with {{{{ fence({o.variable}) }}}}: {o.text}"
        for o in open_lines(known.protocol)
    ]
    return replace(attempt, prompt=messages, mend=tuple(lines) or (_FENCED,))
