"""What a check raises when it does not hold. Light: the pytest plugin imports it in every test run."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from voirdire.harness.findings import Finding

__all__ = ["Inconclusive", "Violated"]


class Violated(AssertionError):
    """The relation is violated. The message is the whole story in plain words, `finding` its numbers."""

    def __init__(self, message: str, finding: Finding) -> None:
        super().__init__(message)
        self.finding = finding


class Inconclusive(Exception):
    """Neither holds nor violated: the message says why, and how many more cases would decide.

    Under pytest this is a skip unless `--voirdire-inconclusive` says otherwise. `applicable` is False where the probe
    has nothing to do on these cases, which no number of cases changes: that is always a skip.
    """

    def __init__(self, message: str, finding: Finding, *, applicable: bool = True) -> None:
        super().__init__(message)
        self.finding = finding
        self.applicable = applicable
