"""What somebody who has read a judge's prompt knows of it: `KnownPrompt`, for perturbations that aim at the prompt.

Only the interface lives here; judges/exposed.py makes it of a prompt, perturbations/injection_template.py uses it.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from voirdire.harness.cases import Case

__all__ = ["KnownPrompt", "Surroundings"]


class Surroundings(NamedTuple):
    """The text of the prompt on both sides of one judged text, up to the answers next to it or to the prompt's ends.

    `last`: no other answer comes behind it.
    """

    before: str
    after: str
    last: bool


class KnownPrompt(Protocol):
    """The prompt in which a judge is shown its cases, and the form in which it is to answer."""

    @property
    def version(self) -> str:
        """Changes with everything that is known here."""

    @property
    def needs(self) -> tuple[str, ...]:
        """The fields without which it cannot show a case."""

    def shows(self, field: str) -> bool:
        """Has the prompt a place for the case's "reference", "rubric" or "context"?"""

    def around(self, case: Case, where: str) -> Surroundings:
        """What stands around the text that `where` names ("responses[0]", "reference") when `case` is shown as it is.

        A reference is looked up even if the case has none. Raises NotApplicable where the prompt does not show it.
        """

    def winning(self, case: Case, slot: int) -> str:
        """A reply that the judge's parser reads as the best verdict there is for the answer in `slot`."""
