"""Sat and CPS over the wordings of the prompt: which judges they tell apart, and what of them is noise."""

from __future__ import annotations

import asyncio

import pytest
from planted_chat import PlantedChat, answers_of

from voirdire._compose import AuditRequest, audit_async
from voirdire.harness.findings import Finding
from voirdire.harness.judges.prompted import PromptedJudge
from voirdire.harness.judges.prompts import load_prompt
from voirdire.suites.builtin_cases import builtin_cases

CASES = [c for c in builtin_cases("pairwise") if c.label in (0, 1)]
NAMES = ("maxp", "avgp", "sat", "cps", "sat_noise")


def findings(*probes: str, labels: bool = True, **defects: object) -> list[Finding]:
    chat = PlantedChat(answers_of(CASES), **defects)  # type: ignore[arg-type]
    judge = PromptedJudge(chat, load_prompt("mt-bench-pair"))
    cases = CASES if labels else [c.replace(label=None) for c in CASES]
    request = AuditRequest(cases=cases, suite="full", probes=probes, samples=1, cache=None, minimise=0)
    return list(asyncio.run(audit_async(judge, request)).findings.values())


def sat(finding: Finding) -> tuple[float, float]:
    assert finding.metrics["sat"] is not None
    assert finding.metrics["sat_noise"] is not None
    return finding.metrics["sat"], finding.metrics["sat_noise"]


def test_a_sure_judge_has_a_sat_of_one_under_every_wording() -> None:
    for finding in findings("setup.wording-*", accuracy=1.0):
        assert [finding.metrics[name] for name in NAMES] == [1.0] * 5


def test_a_wording_that_costs_accuracy_shows_beyond_noise() -> None:
    """Five prompts at .95 and one at .5: MaxP .95, AvgP .875, Sat .925, CPS .88."""
    found = findings("setup.wording-*", accuracy=0.95, careless="experienced reviewer")
    assert len(found) == 5
    metrics = [{name: f.metrics[name] for name in NAMES} for f in found]
    assert all(m == metrics[0] for m in metrics)  # of the whole set, whichever probe is looked at
    found_sat, noise = sat(found[0])
    assert found[0].metrics["maxp"] == pytest.approx(0.96, abs=0.03)
    assert found[0].metrics["avgp"] == pytest.approx(0.875, abs=0.03)
    assert found_sat == pytest.approx(0.92, abs=0.03)
    assert found[0].metrics["cps"] == pytest.approx(found_sat * float(found[0].metrics["maxp"] or 0))
    assert found_sat < noise - 0.03


@pytest.mark.parametrize("accuracy", [0.7, 0.9])
def test_a_noisy_judge_that_minds_no_wording_is_as_its_noise(accuracy: float) -> None:
    gaps = []
    for seed in range(8):
        found_sat, noise = sat(findings("setup.wording-*", accuracy=accuracy, seed=seed)[0])
        assert found_sat < 1
        gaps.append(found_sat - noise)
    assert abs(sum(gaps) / len(gaps)) < 0.01


def test_without_labels_or_other_wordings_there_is_no_accuracy_to_compare() -> None:
    assert all("sat" not in f.metrics for f in findings("setup.wording-*", labels=False, accuracy=0.9))
    assert all("sat" not in f.metrics for f in findings("setup.labels-last", accuracy=0.9))
    assert "sat" in findings("setup.wording-role", accuracy=0.9)[0].metrics
