"""What comes first and what is shown: worst findings first, the examples of a finding, their anchors.

One place, so that the terminal's link to the worst example and the page's anchor can never disagree.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

from voirdire.harness.findings import Audit, CounterExample, Finding
from voirdire.harness.relations import Relation
from voirdire.reports.formatting import known

__all__ = [
    "EXAMPLES_SHOWN",
    "anchors",
    "examples_of",
    "excess",
    "limits",
    "nearest_to_limit_first",
    "ranks_as_sway",
    "shown_examples",
    "worst_example",
    "worst_first",
]

#: counter-examples shown for each violated probe
EXAMPLES_SHOWN = 3
#: ids of the page's own elements; an example's anchor never takes one, nor anything that begins with "v-"
RESERVED_ANCHORS = frozenset(
    {"verdict", "judge", "map", "effects", "advice", "examples", "all", "warnings", "top", "data", "position"}
    | {"attacks", "doses", "slices", "metrics", "unseen", "words", "paper"}
)


def limits(finding: Finding) -> tuple[float | None, float | None]:
    """The tolerated band of effects, (low end, high end); None where it is open.

    Two-sided for INVARIANT, EQUIVARIANT, AGREE; one-sided for NO_GAIN; everything down to -min_drop for MUST_DROP.
    """
    if finding.relation is Relation.MUST_DROP:
        return None, -finding.min_drop if known(finding.min_drop) else None
    if not known(finding.tolerance):
        return None, None
    low = None if finding.relation in (Relation.NO_GAIN, Relation.RETEST) else -finding.tolerance
    return low, finding.tolerance


def excess(finding: Finding) -> float:
    """How far the effect lies past its limit, in utility units; negative inside, -inf where unknown."""
    low, high = limits(finding)
    if not known(finding.effect):
        return -math.inf
    past = [finding.effect - high] if high is not None else []
    if low is not None:
        past.append(low - finding.effect)
    return max(past, default=-math.inf)


def worst_first(findings: Iterable[Finding]) -> list[Finding]:
    """Sorted by excess, the worst first; ties by name, so that the order never depends on the suite's."""
    return sorted(findings, key=lambda f: (-excess(f), f.probe))


#: the same order serves findings that hold: the closest call comes first
nearest_to_limit_first = worst_first


def ranks_as_sway(finding: Finding) -> bool:
    """Does it measure "does the judge stay put" (rather than noticing damage, or plain noise)?"""
    return finding.relation not in (Relation.MUST_DROP, Relation.RETEST)


def examples_of(audit: Audit, finding: Finding, limit: int = EXAMPLES_SHOWN) -> list[CounterExample]:
    """The first `limit` counter-examples of a finding, in the finding's own order of case ids."""
    place = {case: k for k, case in reversed(list(enumerate(finding.counterexamples)))}
    own = [example for example in audit.examples if example.probe == finding.probe]
    return sorted(own, key=lambda e: place.get(e.case_id, len(place)))[:limit]


def worst_example(audit: Audit) -> CounterExample | None:
    """The first example of the worst violated finding that has one."""
    for finding in worst_first(audit.findings.decided("violated")):
        for example in examples_of(audit, finding, 1):
            return example
    return None


def shown_examples(audit: Audit) -> list[CounterExample]:
    """All counter-examples in the order of the page: those of the worst probe first, each probe's in its own order."""
    return [
        example
        for finding in worst_first(audit.findings.decided("violated"))
        for example in examples_of(audit, finding, len(audit.examples))
    ]


def anchors(audit: Audit) -> dict[int, str]:
    """The HTML id of every example, by `id(example)`.

    The case id where it is free, else with the probe in front, else with a number: `#q-117`, `#order.swap-q-117`.
    """
    used: set[str] = set(RESERVED_ANCHORS)
    out: dict[int, str] = {}
    for example in shown_examples(audit):
        slug = _slug(example.case_id) or "case"
        if slug.startswith("v-"):
            slug = f"case-{slug}"
        name, number = slug, 1
        if name in used:
            slug = name = f"{_slug(example.probe)}-{slug}".lstrip("-")
        while name in used or name.startswith("v-"):
            number += 1
            name = f"case-{slug}-{number}"
        used.add(name)
        out[id(example)] = name
    return out


def _slug(text: str) -> str:
    """Letters, digits, dot, dash and underscore only, at most 80 of them."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", text).strip("-")[:80]
