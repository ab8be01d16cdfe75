"""Auto-J (Li et al. 2023, arXiv:2310.05470): 1,392 pairs in 58 scenarios, labelled by people.

{scenario, label 0|1|2 (2: a tie), prompt, "response 1", "response 2"}.
"""

from __future__ import annotations

from typing import Literal

from voirdire.suites.loaders.collecting import Collector, Loaded, group_of
from voirdire.suites.loaders.formats import Format, Options, Shape
from voirdire.suites.loaders.records import Source

__all__ = ["FORMAT"]

_LABELS: dict[int, int | Literal["tie"]] = {0: 0, 1: 1, 2: "tie"}


def _read(source: Source, _options: Options) -> Loaded:
    found = Collector(source, "Auto-J", total=len(source.records))
    for record in source.records:
        prompt = record.text("prompt")
        found.case(
            record,
            f"autoj-{record.number - 1}",
            prompt,
            (record.text("response 1"), record.text("response 2")),
            label=record.one_of("label", _LABELS),
            group=group_of(prompt),
            meta={"category": record.optional_text("scenario")},
        )
    return found.done()


def _fits(shape: Shape) -> bool:
    return shape.has("prompt", "response 1", "response 2", "label")


FORMAT = Format("autoj", "Auto-J's pairwise test set", _read, _fits)
