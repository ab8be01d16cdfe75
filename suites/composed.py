"""Probes that are made on demand: `a+b` tests two edits at once, `a@0.5`, `a@1`, `a@2` are points of a dose response.

Here: what such a probe claims, from the rows of its parts. Not here: applying the edits
(perturbations/compositions.py).
"""

from __future__ import annotations

import fnmatch
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from voirdire.harness.cases import Claim
from voirdire.harness.errors import UsageError, nearest
from voirdire.harness.probes import Probe
from voirdire.harness.registry import PERTURBATIONS, Registry
from voirdire.harness.relations import Relation
from voirdire.perturbations.compositions import Term, is_composed, spelled, terms_of
from voirdire.perturbations.found import FoundFlips, FoundStack, FoundText

__all__ = ["check_relation", "composed_names", "composed_probe"]

#: from the weakest to the strictest: what a composition tests is the strictest of its parts
_STRICTNESS = (Relation.INVARIANT, Relation.NO_GAIN, Relation.MUST_DROP)
#: what a search found is what it is: at most doses it would be the same test again under another name
_AS_FOUND = (FoundText, FoundStack, FoundFlips)
#: names that one glob may stand for
_MOST_NAMES = 500


def composed_probe(name: str, probes: Registry[Probe], own: Mapping[str, Probe] | None = None) -> Probe | None:
    """The probe that `a+b` or `a@dose` stands for; None for a plain name. Raises UsageError naming the part.

    `own`: probes of a suite file that parts may be, too, such as attacks it found.

    Relation, target and metrics are those of the strictest part (MUST_DROP before NO_GAIN before INVARIANT), so is
    the lowest tolerance and the highest min_drop; the placebo is compared if any part of that relation has one.
    """
    if not is_composed(name):
        return None
    terms = terms_of(name)
    own = own or {}
    parts = [_editing(own[t.name] if t.name in own else probes.get(t.name), name) for t in terms]
    for part, term in zip(parts, terms, strict=True):
        if term.dose is not None and isinstance(PERTURBATIONS.get(part.perturbation or part.name), _AS_FOUND):
            raise UsageError(
                f"{part.name} is made as it was found, so {name!r} cannot dose it",
                hint=f"Write {part.name}, and other strengths as [[found]] tables with a text of their own.",
            )
    spelling = spelled(terms)
    if len(parts) == 1:
        dose = terms[0].dose
        return replace(parts[0], name=spelling, dose=parts[0].dose if dose is None else dose)
    relation = max((p.relation for p in parts), key=_STRICTNESS.index)
    leading = [p for p in parts if p.relation is relation]
    tasks = tuple(t for t in parts[0].tasks if all(t in p.tasks for p in parts))
    if not tasks:
        raise UsageError(f"no judge can be asked {name!r}", hint="Its parts are for judges of different tasks.")
    edit = PERTURBATIONS.get(spelled([_as_edit(p, t) for p, t in zip(parts, terms, strict=True)]))
    check_relation(spelling, edit.claim, relation)
    return Probe(
        name=spelling,
        relation=relation,
        summary=edit.summary,
        source=edit.source,
        perturbation=edit.name,
        target=leading[0].target,
        sham=any(p.sham for p in leading),
        tolerance=_strictest(min, [p.tolerance for p in parts]),
        min_drop=_strictest(max, [p.min_drop for p in parts]),
        tasks=tasks,
        metrics=tuple(dict.fromkeys(m for p in leading for m in p.metrics)),
    )


def check_relation(name: str, claim: Claim, relation: Relation) -> None:
    """Raises UsageError where a perturbation of `claim` cannot be held to `relation`, so that nonsense never runs."""
    if claim == "degrading" and relation is Relation.INVARIANT:
        raise UsageError(
            f"{name} damages the answer, so its verdict must not stay the same",
            hint="Use the relation MUST_DROP, or leave out the part that damages.",
        )
    if claim != "degrading" and relation is Relation.MUST_DROP:
        raise UsageError(
            f"{name} does not damage the answer (its claim is {claim!r}), so nothing must drop",
            hint="Use NO_GAIN for additions and attacks, INVARIANT for edits that preserve the meaning.",
        )


def composed_names(glob: str, names: Sequence[str]) -> list[str]:
    """The composed names that `glob` stands for: each part may be a glob itself, as in `typos.*@2+authority.book`.

    Raises UsageError if a part matches none of `names`, or all parts together stand for more than 500.
    """
    choices: list[list[Term]] = []
    for term in terms_of(glob):
        matching = [Term(n, term.dose) for n in names if fnmatch.fnmatchcase(n, term.name)]
        if not matching:
            raise UsageError(f"no probe is called {term.name!r}, a part of {glob!r}", hint=nearest(term.name, names))
        choices.append(matching)
    made = itertools.product(*choices)
    different = (terms for terms in made if len({t.name for t in terms}) == len(terms))
    found = [spelled(terms) for terms in itertools.islice(different, _MOST_NAMES + 1)]
    if len(found) > _MOST_NAMES:
        raise UsageError(f"{glob!r} stands for more than {_MOST_NAMES} probes", hint="Name its parts more narrowly.")
    return found


def _editing(probe: Probe, name: str) -> Probe:
    if probe.perturbation is None or probe.relation not in _STRICTNESS:
        raise UsageError(
            f"{probe.name} edits no answer, so it cannot be a part of {name!r}",
            hint="Answers are shown in both orders and repeated anyway.",
        )
    return probe


def _as_edit(probe: Probe, term: Term) -> Term:
    """The perturbation of `probe` at the dose that the name or else its row asks for."""
    dose = probe.dose if term.dose is None else term.dose
    return Term(probe.perturbation or probe.name, None if dose == 1 else dose)


def _strictest(choose: Callable[[Sequence[float]], float], values: Sequence[float | None]) -> float | None:
    given = [v for v in values if v is not None]
    return choose(given) if given else None
