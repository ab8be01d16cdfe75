"""What a report says of its cases: copies of each other, and an order that a run without end must not have."""

from __future__ import annotations

from collections.abc import Iterable

from voirdire.harness.plan import Plan

__all__ = ["case_notes"]


def case_notes(plan: Plan, mode: str) -> Iterable[str]:
    """The warnings about the cases of `plan`, audited in `mode`."""
    if plan.copies:
        clusters = int(plan.groups.max()) + 1
        yield (
            f"{plan.copies:,} of the {len(plan.cases):,} cases repeat the texts of others. Copies say nothing new, so "
            f"every interval counts {clusters:,} independent {'case' if clusters == 1 else 'cases'}."
        )
    if mode == "anytime":
        from voirdire.harness.statistics.sorted_cases import sorted_by

        if by := " and ".join(sorted_by(plan)):
            yield (
                f"The cases come sorted by {by}, and `--anytime` reads them in the order of the file: what it decides "
                "early is true of those that come first. Shuffle the file once, and put new cases behind it."
            )
