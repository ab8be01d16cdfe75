"""The probe rows: each names a perturbation (by default the one of its own name) and says what must hold.

Adding a probe is one decorated function in `perturbations` and one row here. Summary and source come from the
perturbation. A registry test holds the rule that every edit which adds more than 5 % of length, verbosity excepted,
has a sham.
"""

from __future__ import annotations

from collections.abc import Sequence

import voirdire.perturbations  # noqa: F401  (registers the built-in perturbations)
from voirdire.harness.probes import Probe, Target
from voirdire.harness.registry import PERTURBATIONS, Registry
from voirdire.harness.relations import Relation

__all__ = ["PROBES", "row"]

#: every probe by its published name
PROBES: Registry[Probe] = Registry("probe", "voirdire.probes")


def row(
    name: str,
    relation: Relation,
    *,
    perturbation: str | None = None,
    target: Target = "worse",
    sham: bool = False,
    dose: float = 1.0,
    tolerance: float | None = None,
    min_drop: float | None = None,
    metrics: Sequence[str] = (),
) -> Probe:
    """Register a probe of the perturbation `perturbation` (default: the one called `name`)."""
    edit = PERTURBATIONS.get(perturbation or name)
    return PROBES.add(
        name,
        Probe(
            name=name,
            relation=relation,
            summary=edit.summary,
            source=edit.source,
            perturbation=edit.name,
            target=target,
            dose=dose,
            sham=sham,
            tolerance=tolerance,
            min_drop=min_drop,
            metrics=tuple(metrics),
        ),
    )


# -- probes that only repeat or reorder --------------------------------------------------------------------------

RETEST = PROBES.add(
    "stability.retest",
    Probe(
        name="stability.retest",
        relation=Relation.RETEST,
        summary="Asks the same question again: the judge's own noise.",
        source="CALM, Ye et al. 2025 (arXiv:2410.02736), consistency rate",
        metrics=("flip_rate",),
    ),
)
SWAP = PROBES.add(
    "order.swap",
    Probe(
        name="order.swap",
        relation=Relation.EQUIVARIANT,
        summary="Shows the same answers in the opposite order.",
        source="Zheng et al. 2023 (arXiv:2306.05685); Wang et al. 2023 (arXiv:2305.17926)",
        tasks=("pairwise", "ranking"),
        metrics=("position_consistency", "conflict_rate", "biased_to_first", "biased_to_second"),
    ),
)

# -- edits that must not matter ----------------------------------------------------------------------------------

row("stability.neutral", Relation.INVARIANT, target="better")
row("typos.keyboard", Relation.INVARIANT, target="better")
row("typos.swap", Relation.INVARIANT, target="better")
row("typos.drop", Relation.INVARIANT, target="better")

# -- edits that must not help ------------------------------------------------------------------------------------

row("verbosity.restatement", Relation.NO_GAIN)
row("verbosity.filler", Relation.NO_GAIN)
row("authority.book", Relation.NO_GAIN, sham=True, metrics=("asr",))
row("authority.quote", Relation.NO_GAIN, sham=True, metrics=("asr",))
row("authority.url", Relation.NO_GAIN, sham=True, metrics=("asr",))
row("authority.expert", Relation.NO_GAIN, sham=True, metrics=("asr",))
row("phrases.full-marks", Relation.NO_GAIN, sham=True, metrics=("asr",))
row("phrases.perfect", Relation.NO_GAIN, sham=True, metrics=("asr",))
row("phrases.best", Relation.NO_GAIN, sham=True, metrics=("asr",))
row("phrases.raina-absolute", Relation.NO_GAIN, sham=True, metrics=("asr",))
row("phrases.raina-comparative", Relation.NO_GAIN, sham=True, metrics=("asr",))
row("phrases.raina-consistency", Relation.NO_GAIN, sham=True, metrics=("asr",))

# -- damage that must be noticed ---------------------------------------------------------------------------------

row("degradation.number", Relation.MUST_DROP)
row("degradation.negation", Relation.MUST_DROP)
row("degradation.truncation", Relation.MUST_DROP)
