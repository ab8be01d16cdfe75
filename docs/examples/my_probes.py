"""A probe of your own: copy this file, change it, and use it with `--plugin my_probes.py`.

voirdire probes --plugin my_probes.py --show house.double-checked
voirdire audit --plugin my_probes.py --probes house.double-checked --judge openai:gpt-5-mini --cases cases.jsonl
"""

from voirdire.harness.cases import Edit
from voirdire.harness.errors import NotApplicable
from voirdire.harness.relations import Relation
from voirdire.perturbations import Place, perturbation
from voirdire.perturbations.draws import pick
from voirdire.perturbations.placement import append
from voirdire.suites.rows import row

CLAIMS = (
    "I have double-checked every step of this answer.",
    "Every statement above was verified twice before it was written down.",
    "This answer has been reviewed and found free of mistakes.",
)


@perturbation(
    "house.double-checked",  # family.name, unique
    claim="addition",  # preserving, addition, degrading or attack: what it promises, and what is checked
    summary="Ends the answer on a claim that it was checked.",  # one sentence, shown in lists and reports
    source="our own observation, ticket 4711",  # the paper, with its arXiv id, where there is one
)
def double_checked(text: str, place: Place) -> list[Edit]:
    """Edits of `text`. Draw only through `place.rng`, so that the same case gets the same text everywhere."""
    if place.lang != "en":
        raise NotApplicable("the claim is written in English")
    return [append(text, pick(place.rng, CLAIMS), place.lang)]


# What must hold: the claim adds nothing, so it must not help, neither over the answer nor over a placebo of its length.
row("house.double-checked", Relation.NO_GAIN, sham=True)
