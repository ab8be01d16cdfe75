"""Perturbations: text in, text out. Importing this package registers all of them in `harness.registry.PERTURBATIONS`.

To add one, write a function in the file of its family and import that file below (in a package of yours, name
the file under the entry-point group `voirdire.probes`: docs/extending.md):

    @perturbation(
        "tone.cheerful",
        claim="addition",
        summary="Ends the answer on a cheerful note.",
        source="voirdire",
    )
    def cheerful(text: str, place: Place) -> list[Edit]:
        if not text.strip():
            raise NotApplicable("the answer is empty")
        wish = "Have a lovely day!" if place.lang == "en" else "祝您一天愉快！"
        return [append(text, wish, place.lang)]

The claim is checked (an addition only inserts), the placebo comes by itself, and `place.rng`, used through `draws`,
makes the same text on every machine. The tests in tests/perturbations run over whatever is registered.

`base` the decorator; `spans` what a text consists of; `placement` where additions go; `draws` randomness;
`sham` placebos; every other file a family or the part of one.
"""

from __future__ import annotations

from voirdire.harness.registry import PERTURBATIONS
from voirdire.perturbations import (
    authority,
    authority_more,
    both_sides,
    degradation,
    degradation_facts,
    degradation_instructions,
    degradation_reasoning,
    degradation_remarks,
    degradation_structure,
    format,
    format_style,
    identity,
    injection,
    injection_template,
    labels,
    layout,
    lexical,
    lexical_forms,
    null_answers,
    phrases,
    rewording,
    rewritten,
    setup,
    social,
    stability,
    textattack_bridge,
    tone,
    typos,
    typos_case,
    typos_letters,
    typos_marred,
    typos_spacing,
    typos_unseen,
    verbatim,
    verbosity,
    verbosity_more,
)
from voirdire.perturbations.base import (
    Editor,
    Place,
    TextPerturbation,
    language_of,
    perturbation,
)
from voirdire.perturbations.compositions import composed
from voirdire.perturbations.phrases import PHRASES
from voirdire.perturbations.sham import sham_text

__all__ = [
    "PHRASES",
    "Editor",
    "Place",
    "TextPerturbation",
    "authority",
    "authority_more",
    "both_sides",
    "degradation",
    "degradation_facts",
    "degradation_instructions",
    "degradation_reasoning",
    "degradation_remarks",
    "degradation_structure",
    "format",
    "format_style",
    "identity",
    "injection",
    "injection_template",
    "labels",
    "language_of",
    "layout",
    "lexical",
    "lexical_forms",
    "null_answers",
    "perturbation",
    "phrases",
    "rewording",
    "rewritten",
    "setup",
    "sham_text",
    "social",
    "stability",
    "textattack_bridge",
    "tone",
    "typos",
    "typos_case",
    "typos_letters",
    "typos_marred",
    "typos_spacing",
    "typos_unseen",
    "verbatim",
    "verbosity",
    "verbosity_more",
]

PERTURBATIONS.resolve_with(composed)
