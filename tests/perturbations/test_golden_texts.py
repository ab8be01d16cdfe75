"""One English and one Chinese follow-up of every perturbation, pinned: any change of output shows here.

A change breaks stored baselines, so it has to be meant. To accept it: `python tests/perturbations/test_golden_texts.py`
and name the perturbations in the changelog.
"""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from making import make, placebo

import voirdire.perturbations  # noqa: F401 - registers the built-in ones
from voirdire.harness.cases import Case, with_edits
from voirdire.harness.errors import NotApplicable
from voirdire.harness.registry import PERTURBATIONS

GOLDEN = Path(__file__).with_name("golden.json")
CASES = {
    "en": Case(
        "How do plants make sugar?",
        (
            "Plants make sugar by photosynthesis, a process in two stages.\n\n"
            "1. **Light reactions.** Water is split and oxygen is released, about 6 molecules for each sugar.\n"
            "2. **Calvin cycle.** Carbon dioxide is fixed; this stage does not need light directly.\n\n"
            "See `light.py` or https://example.org/plants/2 for more. Chlorophyll absorbs mostly red light, e.g. near "
            "680 nm. Therefore, leaves are green, and most plants can store 1,200 units of sugar a day.",
            "They use light to make it from water and air, which most people learn at school when they are young.",
        ),
        label=0,
    ),
    "zh": Case(
        "长城是什么？",
        (
            "长城是中国古代的军事防御工程，总长约21196公里。现存的大部分城墙修建于明朝，由砖石砌成。它不是一次建成的，"
            "而是经过多个朝代陆续修筑。1987年，长城被列入世界文化遗产名录。因此，游客可以在北京参观其中的一段。",
            "长城是一道很长的墙，在中国的北方，修建于古代。",
        ),
        label=0,
    ),
}


#: for the edits of what answers are judged by
GIVEN = {
    "en": {
        "rubric": "Please check the facts (as always).\nBe clear; name 2 stages.",
        "reference": "light; 6 molecules",
    },
    "zh": {"rubric": "准确无误。表达清楚。", "reference": "21196公里；一万里"},
}


def _changed(case: Case, after: Case) -> Any:
    """The first answer where nothing else has changed, else all that is shown."""
    only = case.with_response(0, after.responses[0]) == after
    return after.responses[0] if only else after.shown()


@functools.cache
def outputs() -> dict[str, dict[str, Any]]:
    """name/language -> the follow-up and its placebo, or the reason why there is none."""
    found: dict[str, dict[str, Any]] = {}
    for name in sorted(PERTURBATIONS):
        chosen = PERTURBATIONS.get(name)
        # what other tests register, and what depends on an extra, is not ours to pin
        if not type(chosen).__module__.startswith("voirdire.") or name.startswith("custom.") or "textattack-" in name:
            continue
        for lang, case in CASES.items():
            if name.startswith("setup."):
                case = case.replace(**GIVEN[lang])
            try:
                sham = placebo(name, case, 0, 1)
                found[f"{name}/{lang}"] = {
                    "text": _changed(case, make(name, case, 0, 1).case),
                    "sham": _changed(case, with_edits(case, sham)) if sham else None,
                }
            except NotApplicable as reason:
                found[f"{name}/{lang}"] = {"not_applicable": reason.message}
    return found


def dumped() -> str:
    return json.dumps(outputs(), ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def test_every_perturbation_is_pinned() -> None:
    assert sorted(json.loads(GOLDEN.read_text(encoding="utf-8"))) == sorted(outputs())


@pytest.mark.parametrize("key", sorted(outputs()))
def test_output_is_as_pinned(key: str) -> None:
    assert outputs()[key] == json.loads(GOLDEN.read_text(encoding="utf-8")).get(key)


@pytest.mark.parametrize("hash_seed", ["0", "4242"])
def test_output_does_not_depend_on_the_hash_seed(hash_seed: str) -> None:
    done = subprocess.run(
        [sys.executable, __file__, "--print"],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=True,
        env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONIOENCODING": "utf-8"},
    )
    assert done.stdout == dumped()


if __name__ == "__main__":
    if "--print" in sys.argv:
        sys.stdout.write(dumped())
    else:
        GOLDEN.write_text(dumped(), encoding="utf-8")
