"""Counter-examples of an audit: smaller, asked again, within the budget, and never paid for twice."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import voirdire as vd
from voirdire._examples import default_budget
from voirdire.harness.verdicts import Usage


def cited(case: vd.Case) -> int:
    """Takes whatever names a page, and is right otherwise."""
    has = [bool(re.search(r"\bp\. \d|\bpage \d|第", r)) for r in case.responses]
    assert isinstance(case.label, int)
    return has.index(True) if has.count(True) == 1 else case.label


def example(result: vd.AuditResult, probe: str) -> tuple[str, tuple[int, int] | None]:
    """(inserted text, reproduced) of the first example of a probe."""
    found = next(e for e in result.audit.examples if e.probe == probe)
    return "".join(e.text for e in found.edits), found.reproduced


def test_the_trigger_is_what_is_left_and_it_comes_again() -> None:
    judge = vd.judge(cited, task="pairwise")
    whole = vd.audit(judge, None, "quick", minimise=0, probes=["authority.*"])
    small = vd.audit(judge, None, "quick", minimise=2000, probes=["authority.*"])
    before, asked = example(whole, "authority.book")
    after, reproduced = example(small, "authority.book")
    assert asked is None
    assert re.search(r"\bp\. \d|\bpage \d", after)
    assert len(after) < len(before) / 3
    assert reproduced is not None
    assert reproduced[0] == reproduced[1] >= 5


def test_it_keeps_to_its_budget_and_says_what_it_took() -> None:
    whole = vd.audit("mock:gullible", None, "quick", minimise=0)
    small = vd.audit("mock:gullible", None, "quick")
    assert whole.audit.calls.made == len(whole.plan.calls)
    assert 0 < small.audit.calls.made - whole.audit.calls.made <= default_budget(len(small.plan.calls))
    capped = vd.audit("mock:gullible", None, "quick", max_calls=len(whole.plan.calls) + 100)
    assert capped.audit.calls.made <= len(whole.plan.calls) + 100
    # what was decided stays as it was
    assert {f.probe: f.effect for f in small.findings.values()} == {f.probe: f.effect for f in whole.findings.values()}


def test_answers_about_examples_are_kept_like_all_others(tmp_path: Path) -> None:
    asked = 0

    def counted(case: vd.Case) -> int:
        nonlocal asked
        asked += 1
        return cited(case)

    judge = vd.judge(counted, task="pairwise", version="1")
    first = vd.audit(judge, None, "quick", probes=["authority.*"], minimise=500, cache=tmp_path / "calls.sqlite")
    once = asked
    again = vd.audit(judge, None, "quick", probes=["authority.*"], minimise=500, cache=tmp_path / "calls.sqlite")
    assert asked == once == first.audit.calls.made
    assert again.audit.calls.made == 0
    assert again.audit.calls.cached >= once
    assert again.audit.examples == first.audit.examples


def test_money_is_counted_and_capped() -> None:
    def paid(case: vd.Case) -> vd.Verdict:
        return vd.Verdict(choice=cited(case), usage=Usage(10, 1, 0.001))

    judge = vd.judge(paid, task="pairwise")
    whole = vd.audit(judge, None, "quick", probes=["authority.*"], minimise=0)
    small = vd.audit(judge, None, "quick", probes=["authority.*"], minimise=500)
    assert small.audit.calls.cost_usd == pytest.approx(0.001 * small.audit.calls.made)
    assert small.audit.calls.tokens == 11 * small.audit.calls.made
    assert whole.audit.calls.cost_usd is not None
    limit = whole.audit.calls.cost_usd + 0.0105
    capped = vd.audit(judge, None, "quick", probes=["authority.*"], minimise=500, max_cost=limit, concurrency=1)
    assert capped.audit.calls.cost_usd is not None
    assert capped.audit.calls.cost_usd <= limit + 0.005
    assert capped.audit.verdict == "fail"


def test_a_judge_that_dies_while_examples_are_made_spoils_nothing() -> None:
    plan = vd.audit("mock:oracle", None, "quick", probes=["authority.*"]).plan
    asked = 0

    def dying(case: vd.Case) -> int:
        nonlocal asked
        asked += 1
        if asked > len(plan.calls) + 5:
            raise ConnectionError("gone")
        return cited(case)

    result = vd.audit(vd.judge(dying, task="pairwise"), None, "quick", probes=["authority.*"], minimise=500)
    assert result.verdict == "fail"
    assert result.findings["authority.book"].decision == "violated"


def test_a_recording_has_no_fresh_samples_to_confirm_with(tmp_path: Path) -> None:
    from voirdire.harness.judges.replay import Recorder

    recorder = Recorder(tmp_path / "verdicts.jsonl")
    first = vd.audit(recorder.wrap(vd.judge(cited, task="pairwise")), None, "quick", probes=["authority.*"], minimise=0)
    recorder.close()
    judge = vd.judge(f"replay:{tmp_path / 'verdicts.jsonl'}")
    again = vd.audit(judge, None, "quick", probes=["authority.*"], minimise=500)
    assert again.findings["authority.book"].decision == first.findings["authority.book"].decision == "violated"
    assert again.audit.calls.made == len(again.plan.calls)
    assert all(e.reproduced is None for e in again.audit.examples)
