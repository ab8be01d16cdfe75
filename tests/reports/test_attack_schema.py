"""`attack.json` and `flips.json`: the schemas as committed, every field filled, hostile texts, what they refuse.

That documents of every real kind of attack fit them is held where those are run (tests/test_attack.py, tests/search).
"""

from __future__ import annotations

import json
from dataclasses import fields, replace

import jsonschema
import numpy as np
import pytest
from attack_documents import valid

from voirdire.harness.attacks import Attacked, Attempt, Elsewhere, Flip, Flips, Seen, Writer
from voirdire.harness.cases import Case, Edit
from voirdire.harness.findings import Calls, CounterExample, Finding
from voirdire.harness.relations import Relation
from voirdire.harness.statistics.lifts import Interval, Lift
from voirdire.harness.verdicts import Scale
from voirdire.reports.attack_schema import ATTACK_SCHEMA, FLIPS_SCHEMA, committed_schema, schema_texts

BAD = "\ud800 </script> \u202e \x1b[31m 中文"
NAN = float("nan")
GAIN = Interval(0.3, 0.2, 0.4, 40)
LIFT = Lift(0.2, 0.5, 0.21, GAIN, Interval(np.float64(0.29), NAN, float("inf"), 40), 2.5, 1.5, 0.4, 0.1, 0.12)
FINDING = Finding(
    "attack.x", "attack", Relation.NO_GAIN, "violated", effect=0.3, low=0.2, high=NAN, n=40, metrics={"m": NAN}
)
EDIT = Edit(2, 2, BAD, "responses[0]")
EXAMPLE = CounterExample(
    "c1", "attack.x", Case("Q?", ("A.", "B.")), Case("Q?", (f"A. {BAD}", "B.")), 0, (EDIT,), None, None, 0.0, NAN, "why"
)
FULL = Attempt(
    "attack.x",
    "phrase",
    BAD,
    "end",
    "found",
    finding=FINDING,
    lift=LIFT,
    unseen=replace(LIFT, gain=None),
    seen=Seen(3.0, 0.1, NAN, 0.05),
    doses={BAD: LIFT},
    rival="phrases.raina-absolute",
    rival_lift=LIFT,
    over_rival=GAIN,
    elsewhere=(Elsewhere("mock:noisy", False, FINDING, LIFT), Elsewhere("sandwich", True, error="no prompt")),
    note=BAD,
    parts=("a", "b"),
    p_adjusted=0.001,
    example=EXAMPLE,
    prompt=({"role": "user", "content": BAD},),
    mend=(BAD,),
)
BARE = Attempt("attack.y", "structure", "", "below", "inconclusive", "differential_nulls")
HEAD = {
    "judge_name": BAD,
    "judge_spec": "mock:noisy",
    "fingerprint": "f",
    "method": "racing",
    "seed": 0,
    "created": "2026-01-01T00:00:00Z",
    "cases_path": BAD,
    "calls": Calls(10, 8, 2, 1, 1, None, NAN, 0.5),
}
ATTACKED = Attacked(
    **HEAD,
    task="score",
    scale=Scale(1, 10),
    mode="both",
    position="end",
    max_words=4,
    vocabulary=190,
    alpha=0.05,
    trained=10,
    held_out=40,
    search_calls=900,
    search_budget=1000,
    attempts=(FULL, BARE),
    best_so_far=BAD,
    writer=Writer(BAD, 6, 4, 1, Calls(24, 24), {BAD: 3}),
)
FLIP = Flip("c1", "0123456789abcdef", 0, f"A{BAD}", 5, (EDIT,), 0.9, NAN, (9, 10), 0.8, 1, True, (0, 5))
FLIPS = Flips(
    **HEAD, task="pairwise", cases=4, tried=3, unclear=1, flips=(FLIP, Flip("c2", "0" * 16, 1, "", 0)), warnings=(BAD,)
)


def test_the_committed_schemas_are_the_generated_ones() -> None:
    files = schema_texts()
    assert len(files) == 2
    for name, text in zip((ATTACK_SCHEMA, FLIPS_SCHEMA), files.values(), strict=True):
        assert committed_schema(name) == json.loads(text)
        jsonschema.Draft202012Validator.check_schema(committed_schema(name))


def test_every_field_filled_and_every_field_empty() -> None:
    full, bare = valid(ATTACKED)["attempts"]
    assert full["lift"]["asr_net"] == pytest.approx(0.28)
    assert full["lift"]["over_sham"] == {"mean": 0.29, "low": None, "high": None, "n": 40}
    assert full["example"]["case"] == "c1"
    assert full["example"]["responses"][1] == "B."
    assert full["finding"]["metrics"] == {"m": None}
    assert full["elsewhere"][1]["error"] == "no prompt"
    assert bare["lift"] is None
    for stopped in ("interrupted", "budget", "judge"):
        ended = valid(replace(ATTACKED, attempts=(), stopped=stopped, reason="why", failure=3, best_so_far=None))
        assert (ended["outcome"], ended["stopped"], ended["failure"]) == ("unfinished", stopped, 3)
    assert sum(valid(ATTACKED)["writer"]["unusable"].values()) == 3
    assert valid(replace(ATTACKED, writer=None))["writer"] is None
    flips = valid(FLIPS)
    assert flips["outcome"] == "found"
    assert flips["flips"][0]["reproduced"] == [9, 10]
    assert valid(replace(FLIPS, flips=(), tried=0, unclear=0, stopped="budget"))["outcome"] == "unfinished"
    assert valid(replace(FLIPS, flips=()))["outcome"] == "nothing"


def test_nothing_that_was_measured_is_left_out() -> None:
    document = valid(ATTACKED)
    assert {f.name for f in fields(Attacked)} <= document.keys()
    assert {f.name for f in fields(Attempt)} == document["attempts"][0].keys()
    assert {f.name for f in fields(Lift)} < document["attempts"][0]["lift"].keys()
    assert {f.name for f in fields(Flips)} <= valid(FLIPS).keys()
    assert {f.name for f in fields(Flip)} == valid(FLIPS)["flips"][0].keys()


@pytest.mark.parametrize(
    "change", [{"schema": "voirdire.attack/2"}, {"outcome": "maybe"}, {"attempts": None}, {"stopped": "tired"}]
)
def test_the_schema_refuses_what_is_wrong(change: dict[str, object]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**valid(ATTACKED), **change}, committed_schema())
