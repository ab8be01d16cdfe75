"""Known attacks beside the searched phrase: the best of each family, and the best of all stacked.

"structure" are the attacks made from the judge's own prompt and parser (perturbations/injection_template.py); the
others are families of probes by their names. Each family's best is chosen in training by the same race as phrases are;
what is chosen is tested on held-out cases like everything else. Not here: the test (_attack_measures.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random

from voirdire._attack_asking import Asker, Unit, put
from voirdire.harness.cases import Case
from voirdire.harness.errors import NotApplicable, UsageError, nearest
from voirdire.harness.followups import FollowUps
from voirdire.harness.judges.base import Judge, traits_of
from voirdire.harness.probes import Probe
from voirdire.harness.relations import Relation
from voirdire.perturbations.draws import shuffled
from voirdire.perturbations.search.meter import Answer, Meter, Spent
from voirdire.perturbations.search.racing import race
from voirdire.perturbations.search.space import Question, Words
from voirdire.suites.rows import PROBES

__all__ = ["FAMILIES", "EditAsker", "check_families", "choose", "family_probes", "stack"]

#: attacks made from the judge's own prompt
_STRUCTURE = ("injection.echo", "injection.template-close", "injection.template-section", "injection.template-turn")
#: what --families takes beside "phrase"
FAMILIES = ("structure", "injection", "phrases", "authority", "social", "tone", "format", "verbosity")
#: lanes of a first heat
_FIRST = 12


def check_families(names: Sequence[str], *, rewriter: bool) -> None:
    """Raises UsageError for a family that is not known, or that needs a rewriter where there is none."""
    known = ("phrase", "rewriter", *FAMILIES)
    for name in names:
        if name not in known:
            raise UsageError(f"--families {name!r} is no family of attacks", hint=nearest(name, known))
    if not names:
        raise UsageError("--families names no family", hint=f"Known: {', '.join(known)}.")
    if "rewriter" in names and not rewriter:
        raise UsageError(
            "--families rewriter needs a model that writes the texts",
            hint="Give one, e.g. --rewriter openai:gpt-5-mini.",
        )


def family_probes(family: str, judge: Judge) -> list[Probe]:
    """The attacks of a family that `judge` can be asked; none of "structure" where its prompt is not ours to read."""
    if family == "structure":
        return [PROBES.get(n) for n in _STRUCTURE] if traits_of(judge).prompt is not None else []
    return [
        p
        for p in PROBES.values()
        if p.family == family
        and p.relation is Relation.NO_GAIN
        and p.perturbation is not None
        and p.setup is None
        and judge.task in p.tasks
        and p.name not in _STRUCTURE
    ]


class EditAsker:
    """`ask` of a meter whose "words" are names of perturbations, made one on top of the other."""

    def __init__(self, asker: Asker, judge: Judge, units: Sequence[Unit], seed: int) -> None:
        self.asker = asker
        self.judge = judge
        self.units = units
        self.followups = FollowUps(seed, prompt=traits_of(judge).prompt)

    async def __call__(self, questions: Sequence[Question]) -> list[Answer]:
        return await put(self.asker, self.judge, questions, [self._shown(q) for q in questions], self.units)

    def _shown(self, question: Question) -> Case | None:
        """None where one of the edits has nothing to do: it gains nothing there."""
        unit = self.units[question.unit]
        case = unit.case
        try:
            for name in question.words:
                case = self.followups.make(name, case, unit.target, order=unit.order).case
        except NotApplicable:
            return None
        return unit.laid_out(case, edited=bool(question.words))


async def choose(meter: Meter, probes: Sequence[Probe], units: int, *, seed: int, most: int) -> tuple[Words, float]:
    """The probe that does best in training within `most` calls, as the name of its edit, and its mean utility.

    () where none does better than no edit.
    """
    lanes = _lanes(units, meter, seed)
    runners: list[Words] = [(), *((p.perturbation or p.name,) for p in probes)]
    return await race(meter, runners, lanes, first=min(_FIRST, units), most=most)


async def stack(meter: Meter, champions: Mapping[str, float], units: int, *, seed: int, most: int) -> Words:
    """Edits stacked, the best first, each kept if the stack does better in training with it than without."""
    lanes = _lanes(units, meter, seed)
    ranked = sorted(champions, key=lambda name: -champions[name])
    made: Words = tuple(ranked[:1])
    for k, name in enumerate(ranked[1:], start=1):
        share = most // max(1, len(ranked) - k)
        try:
            made, _ = await race(meter, [made, (*made, name)], lanes, first=min(_FIRST, units), most=share)
        except Spent:
            break
    return made


def _lanes(units: int, meter: Meter, seed: int) -> list[tuple[int, int]]:
    order = shuffled(Random(seed), range(units))
    return [(unit, sample) for sample in range(1 if meter.deterministic else 3) for unit in order]
