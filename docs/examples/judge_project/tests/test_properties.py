"""What must hold for any text: Hypothesis looks for the smallest that breaks it."""

from __future__ import annotations

import voirdire as vd
from hypothesis import given, settings
from voirdire import strategies as vds

import judges

MIRROR = {"A": "B", "B": "A", "tie": "tie", None: None}


@vd.stochastic(confidence=0.95, max_calls=400)  # decides each example by repeating it: real models are noisy
@settings(max_examples=40, derandomize=True)
@given(case=vds.cases(task="pairwise", max_words=12))
def test_the_verdict_turns_round_with_the_drafts(case) -> None:
    assert judges.both_ways(case.reordered((1, 0))) == MIRROR[judges.both_ways(case)]


@vd.stochastic(confidence=0.95, max_calls=400)
@settings(max_examples=40, derandomize=True)
@given(pair=vds.perturbed(vds.cases(task="pairwise", scripts=["latin"], max_words=12), families=["stability"]))
def test_a_blank_line_more_changes_nothing(pair) -> None:
    assert judges.both_ways(pair.case) == judges.both_ways(pair.source)
