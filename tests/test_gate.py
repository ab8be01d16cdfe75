"""The gate end to end on judges whose changes are known: what fails it, what does not, and what it says."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import voirdire as vd
from voirdire._compose import AuditRequest
from voirdire._gate import GateRequest, GateResult, gate_async, prepare_gate
from voirdire.harness.baseline import Baseline
from voirdire.harness.baseline_file import dumps, loads
from voirdire.harness.cases import Case
from voirdire.harness.errors import ExitCode, UsageError
from voirdire.harness.followups import FollowUps
from voirdire.harness.gate import differences
from voirdire.harness.judges.base import Judge
from voirdire.harness.judges.mock import mock_judge
from voirdire.harness.plan import build_plan
from voirdire.harness.probes import Suite
from voirdire.harness.verdicts import Verdict
from voirdire.suites.builtin_cases import builtin_cases, for_task
from voirdire.suites.loading import load_suite, narrow

CLEAN = "noisy?accuracy=.9"
#: one probe of each relation, so that a gate takes a tenth of a second
PROBES = ("stability.retest", "order.swap", "authority.book", "typos.keyboard", "degradation.number")
SUITE = narrow(load_suite("ci"), PROBES)


def gate(judge: Judge | str, baseline: Baseline | None = None, *, seed: int = 0, **options: Any) -> GateResult:
    asked = mock_judge(judge, seed=seed) if isinstance(judge, str) else judge
    own = {k: options.pop(k) for k in ("cases", "suite", "probes", "samples", "limit", "cache", "limits", "alpha")
           if k in options}  # fmt: skip
    request = AuditRequest(**{"suite": SUITE, "cache": None, **own})
    ready = prepare_gate(asked.task, asked.scale, GateRequest(request, baseline=baseline, **options))
    return asyncio.run(gate_async(asked, ready))


def stored(judge: Judge | str, **options: Any) -> Baseline:
    return loads(dumps(gate(judge, **options).stored))


@pytest.fixture(scope="module")
def clean() -> Baseline:
    return stored(CLEAN)


# ----------------------------------------------------------------------------------------------------- what fails it


def test_the_same_judge_does_not_fail_and_a_better_one_never(clean: Baseline) -> None:
    for seed in range(1, 6):
        same = gate(CLEAN, clean, seed=seed).outcome
        assert same.code in (ExitCode.OK, ExitCode.INCONCLUSIVE)
        assert gate("noisy?accuracy=.97", clean, seed=seed).outcome.code == ExitCode.OK
    biased = stored(f"{CLEAN}&first=.3&cited=.3")
    for seed in range(1, 4):
        assert gate(CLEAN, biased, seed=seed).outcome.code in (ExitCode.OK, ExitCode.INCONCLUSIVE)


@pytest.mark.parametrize(
    ("change", "probe"),
    [
        ("&first=.25", "order.swap"),
        ("&cited=.3", "authority.book"),
        ("&accuracy=.7", "degradation.number"),
        ("&accuracy=.7", "discrimination"),
        ("&accuracy=.7", "stability.retest"),
    ],
)
def test_a_judge_made_worse_fails_by_name(clean: Baseline, change: str, probe: str) -> None:
    found = [gate(CLEAN + change, clean, seed=seed).outcome for seed in range(1, 4)]
    assert all(probe in outcome.red for outcome in found)
    assert all(outcome.code == ExitCode.VIOLATED and outcome.state == "regressed" for outcome in found)


def test_a_judge_that_stumbles_over_typing_errors_is_caught() -> None:
    """INVARIANT: nothing of the kind can be planted in a mock, so the judge is a callable."""

    def judge(harsh: bool) -> Callable[[Case], int]:
        known = {w for c in builtin_cases() for text in c.responses for w in text.split()}

        def f(case: Case) -> int:
            odd = [any(w not in known for w in text.split()) for text in case.responses]
            if harsh and sum(odd) == 1:
                return 1 - odd.index(True)
            return case.label if isinstance(case.label, int) else 0

        return f

    probes = ("typos.keyboard", "degradation.number")
    mild, harsh = (vd.judge(judge(h), task="pairwise") for h in (False, True))
    before = stored(mild, probes=probes)
    assert gate(mild, before, probes=probes).outcome.code == ExitCode.OK
    outcome = gate(harsh, before, probes=probes).outcome
    assert "typos.keyboard" in outcome.red
    finding = outcome.audit.findings["typos.keyboard"]
    assert finding.regression == "regressed"
    assert finding.change is not None
    assert finding.change > 0.5  # worse is positive, though the better answer *lost*


@pytest.mark.parametrize("task", ["score", "grade", "ranking"])
def test_every_task_has_its_gate(task: Any) -> None:
    cases = for_task(builtin_cases(), task)
    before = stored(mock_judge("noisy?accuracy=.95&sd=.05", task=task), cases=cases)
    worse = mock_judge("noisy?accuracy=.95&sd=.05&cited=.4", task=task, seed=5)
    outcome = gate(worse, before, cases=cases).outcome
    assert outcome.red == ("authority.book",)
    again = mock_judge("noisy?accuracy=.95&sd=.05", task=task, seed=6)
    assert gate(again, before, cases=cases).outcome.code != ExitCode.VIOLATED


@pytest.mark.parametrize("task", ["score", "grade"])
def test_errors_are_those_of_the_reported_accuracy_with_an_interval_as_wide(task: Any) -> None:
    """Also against a baseline of before labels were stored: the cases tell them. As if pairs of cases were cases, the
    interval of a score judge's change came out half as wide as that of two runs of its accuracy is."""
    words = for_task(builtin_cases(), "score")
    # scores of random text say little, so that both runs err in cases of their own
    cases = [replace(c, label=(k % 5 + 1) if task == "score" else k % 3 != 0) for k, c in enumerate(words)]
    then = gate(mock_judge("noisy?accuracy=.8&sd=.3", task=task, seed=1), cases=cases)
    old = replace(then.stored, accuracy=replace(then.stored.accuracy, labels=()))
    now = gate(mock_judge("noisy?accuracy=.8&sd=.3", task=task, seed=2), old, cases=cases)
    found = next(c for c in now.outcome.changes if c.probe == "discrimination")
    before, after = then.result.audit.discrimination, now.result.audit.discrimination
    for dial, errors in ((before, found.then), (after, found.now)):
        assert errors == pytest.approx(1 - dial.accuracy, abs=0.001)
    width = found.high - found.low
    both = ((before.high - before.low) ** 2 + (after.high - after.low) ** 2) ** 0.5
    assert found.level == pytest.approx(0.9)
    assert 0.75 * both < width < 1.25 * both


def test_findings_carry_their_change(clean: Baseline) -> None:
    result = gate(f"{CLEAN}&cited=.3", clean, seed=2)
    finding = result.result.findings["authority.book"]
    assert finding.regression == "regressed"
    assert finding.margin == 0.05
    assert finding.baseline_effect == pytest.approx(clean.probes["authority.book"].effect, abs=0.05)
    assert finding.change_low is not None
    assert finding.change is not None
    assert 0.05 < finding.change_low < finding.change
    summary = result.outcome.audit.metrics["gate"]
    assert summary["state"] == "regressed"
    assert summary["exit_code"] == 1
    assert summary["red"] == ["authority.book"]


def test_holm_counts_every_regression_test_of_the_suite(clean: Baseline) -> None:
    whole = gate(f"{CLEAN}&first=.12", clean, seed=1)
    alone = gate(f"{CLEAN}&first=.12", clean, seed=1, probes=["order.swap"])
    p, q = ({c.probe: c for c in r.outcome.changes}["order.swap"] for r in (whole, alone))
    assert p.p == q.p
    assert q.p is not None
    assert q.p_adjusted == pytest.approx(min(1.0, q.p * 6))  # five probes and accuracy


# ------------------------------------------------------------------------------------------------ tolerances beside it


def test_without_a_baseline_tolerances_decide() -> None:
    assert gate("oracle").outcome.code == ExitCode.OK
    outcome = gate(f"{CLEAN}&first=.4").outcome
    assert (outcome.code, outcome.state) == (ExitCode.VIOLATED, "violated")
    assert "order.swap" in outcome.red
    few = gate(CLEAN, limit=15).outcome
    assert few.code == ExitCode.INCONCLUSIVE


def test_a_violation_that_was_there_before_does_not_fail() -> None:
    biased = f"{CLEAN}&first=.4"
    before = stored(biased)
    assert before.probes["order.swap"].decision == "violated"
    outcome = gate(biased, before, seed=3).outcome
    assert outcome.code in (ExitCode.OK, ExitCode.INCONCLUSIVE)
    assert outcome.known == ("order.swap",)
    assert gate(biased, before, seed=3, absolute="all").outcome.red == ("order.swap",)
    assert gate(biased, before, seed=3, absolute="off").outcome.red == ()


def test_a_violation_of_what_held_fails_even_within_the_margin(clean: Baseline) -> None:
    """A growth that the margin forgives, but that crosses the tolerance for certain."""
    held = replace(clean, probes={n: replace(p, decision="holds") for n, p in clean.probes.items()})
    outcome = gate(f"{CLEAN}&first=.3", held, seed=1, margin=0.5, resolution=1.0).outcome
    assert (outcome.state, outcome.code) == ("violated", ExitCode.VIOLATED)
    assert outcome.red == ("order.swap",)
    assert not outcome.regressed


# ----------------------------------------------------------------------------------------------------- cannot decide


def test_what_cannot_be_decided_is_exit_3_unless_told_otherwise(clean: Baseline) -> None:
    outcome = gate("noisy?accuracy=.75", clean, limit=25, seed=1).outcome
    assert outcome.code == ExitCode.INCONCLUSIVE
    assert outcome.unbounded
    strict = gate(CLEAN, clean, seed=1, resolution=0.05).outcome
    assert strict.open
    assert strict.code == ExitCode.INCONCLUSIVE  # with the resolution at the margin, every open test counts
    assert gate(CLEAN, clean, seed=1, resolution=0.05, open_passes=True).outcome.code == ExitCode.OK
    reasons = [f.regression_reason for f in strict.audit.findings.values() if f.regression == "inconclusive"]
    assert any("more cases" in (reason or "") for reason in reasons)


def test_a_run_that_decides_nothing_is_never_green(clean: Baseline) -> None:
    nothing = gate(CLEAN, clean, limit=2, seed=1, open_passes=True).outcome
    assert not any(c.state == "not_worse" for c in nothing.changes)
    assert nothing.code == ExitCode.INCONCLUSIVE


def test_verdicts_missing_in_one_run_only_leave_the_test_open(clean: Baseline) -> None:
    """A prompt whose replies cannot be read on hard cases would look better than it is."""
    outcome = gate(f"{CLEAN}&null=.3", clean, seed=1).outcome
    assert {c.state for c in outcome.changes} == {"inconclusive"}
    assert all("missing" in (c.reason or "") for c in outcome.changes)
    assert outcome.code == ExitCode.INCONCLUSIVE


def test_a_few_verdicts_missing_now_keep_a_test_from_being_not_worse() -> None:
    """As wins they would be a growth beyond the margin, and no sign test can tell five cases from chance."""
    probes = ("authority.book", "degradation.number")
    clean_texts = {text for case in builtin_cases() for text in case.responses}
    silent = {case.instruction for case in builtin_cases()[:5]}

    def judge(*, falls_silent: bool) -> Judge:
        def f(case: Case) -> int | None:
            cited = sum(text not in clean_texts for text in case.responses) == 1
            if falls_silent and cited and case.instruction in silent:
                return None
            return case.label if isinstance(case.label, int) else 0

        return vd.judge(f, task="pairwise")

    before = stored(judge(falls_silent=False), probes=probes)
    same, now = (gate(judge(falls_silent=s), before, probes=probes).outcome for s in (False, True))
    assert {c.probe: c.state for c in same.changes}["authority.book"] == "not_worse"
    book = next(c for c in now.changes if c.probe == "authority.book")
    assert book.state == "inconclusive"
    assert "missing" in (book.reason or "")
    assert book.bounded


def test_a_judge_that_comes_loose_from_a_slot_did_not_get_worse_at_citations() -> None:
    """Locked, it showed no effect of anything; now that it reads, effects appear."""
    before = stored("constant")
    assert before.locked
    outcome = gate(f"{CLEAN}&cited=.3", before, seed=1).outcome
    by_name = {c.probe: c for c in outcome.changes}
    assert by_name["authority.book"].reason == "position_locked"
    assert by_name["order.swap"].state == "not_worse"
    assert outcome.code == ExitCode.INCONCLUSIVE


# -------------------------------------------------------------------------------------------------- asked differently


def test_other_cases_samples_and_suites_are_named_before_anything_is_asked(clean: Baseline) -> None:
    def refused(**options: Any) -> str:
        with pytest.raises(UsageError) as raised:
            gate(CLEAN, clean, **options)
        assert "--baseline-mismatch warn" in (raised.value.hint or "")
        return raised.value.message

    cases = builtin_cases()
    assert "cases: 1 changed; 135 of 136" in refused(cases=[cases[0].replace(context="new"), *cases[1:]])
    assert "cases: 1 new" in refused(cases=[cases[0].replace(id="fresh"), *cases[1:]])
    assert "1 gone" in refused(cases=cases[1:])
    assert "samples an arm: 1" in refused(samples=1)
    assert "only in the baseline" in refused(suite=narrow(SUITE, ["order.*", "degradation.*"]))
    assert "typos.swap not in the baseline" in refused(suite=narrow(SUITE, [*PROBES, "typos.swap"]))
    dosed = replace(
        SUITE, probes=tuple(replace(p, dose=2.0) if p.name == "typos.keyboard" else p for p in SUITE.probes)
    )
    assert "typos.keyboard asked differently" in refused(suite=dosed)


def test_a_label_is_part_of_the_case(clean: Baseline) -> None:
    case, *rest = builtin_cases()
    with pytest.raises(UsageError, match="1 changed"):
        gate(CLEAN, clean, cases=[case.replace(label=1 - int(case.label == 1)), *rest])


def test_what_is_comparable_is_compared_with_warn(clean: Baseline) -> None:
    cases = builtin_cases()
    mixed = [*(c.replace(context="new") for c in cases[:36]), *cases[36:]]
    outcome = gate(f"{CLEAN}&cited=.4", clean, seed=1, cases=mixed, warn=True).outcome
    by_name = {c.probe: c for c in outcome.changes}
    assert by_name["authority.book"].n == 100
    assert "authority.book" in outcome.red
    assert outcome.mismatches


def test_the_user_may_choose_some_cases_and_probes(clean: Baseline) -> None:
    outcome = gate(CLEAN, clean, limit=60, probes=["order.swap", "degradation.*"], seed=1).outcome
    assert not outcome.mismatches
    assert {c.probe for c in outcome.changes} == {"order.swap", "degradation.number", "discrimination"}
    assert {c.n for c in outcome.changes if c.probe == "order.swap"} == {60}


def test_another_task_or_scale_cannot_be_compared(clean: Baseline) -> None:
    with pytest.raises(UsageError, match="grade judge"):
        gate(mock_judge("noisy", task="grade"), clean)
    before = stored(mock_judge("noisy", task="score"))
    with pytest.raises(UsageError, match="from 1 to 10"):
        gate(mock_judge("noisy", task="score", scale=vd.Scale(0, 1)), before, warn=True)


def test_the_gate_shows_the_baselines_own_follow_ups(clean: Baseline) -> None:
    """Another perturbation seed makes other typing errors: the gate must make those of its baseline."""
    seed = 11
    plan = build_plan(SUITE, builtin_cases(), task="pairwise", scale=vd.Scale(), followups=FollowUps(seed))
    ready = prepare_gate("pairwise", vd.Scale(), GateRequest(AuditRequest(suite=SUITE, cache=None)))
    assert {c.content for c in plan.calls} != {c.content for c in ready.prepared.plan.calls}
    moved = replace(ready, prepared=replace(ready.prepared, plan=plan))
    before = replace(asyncio.run(gate_async(mock_judge(CLEAN), moved)).stored, perturbation_seed=seed)
    outcome = gate(CLEAN, loads(dumps(before)), seed=1).outcome
    assert not outcome.mismatches
    assert outcome.code != ExitCode.USAGE
    with pytest.raises(UsageError, match="made differently"):
        gate(CLEAN, replace(before, perturbation_seed=0))  # as if voirdire had changed how it edits


def test_what_changed_in_the_judge_is_said_part_by_part() -> None:
    then = {"spec": "openai:m", "fingerprint": "1" * 16, "model": "m-1", "prompt": "3f9caaaa", "parser": "auto 1"}
    now = then | {"fingerprint": "2" * 16, "model": "m-2", "prompt": "a71ebbbb"}
    assert differences(then, now) == ["model changed: m-1 -> m-2", "prompt changed: 3f9c -> a71e"]
    assert differences(then, then) == []
    assert differences(then, then | {"fingerprint": "2" * 16}) == ["judge changed: 1111 -> 2222"]
    assert differences(then, then | {"fingerprint": "2" * 16, "spec": "mock:x"}) == [
        "judge changed: openai:m -> mock:x"
    ]


def test_prompt_and_parameters_of_a_prompted_judge_are_told_apart(tmp_path: Path) -> None:
    from endpoint import endpoint, judging

    prompt = tmp_path / "judge.md"
    text = (
        "Which answer is better?\n{{ instruction }}\nA: {{ response_a }}\nB: {{ response_b }}\nEnd with [[A]] or [[B]]."
    )
    prompt.write_text(text)
    with endpoint([judging()]) as server:

        def judge(**options: Any) -> Judge:
            return vd.judge("openai:m", prompt=str(prompt), base_url=server.url, **options)

        options: dict[str, Any] = {"probes": ["degradation.number"], "limit": 2, "samples": 1}
        before = stored(judge(), **options)
        assert gate(judge(), before, **options).outcome.said == ()
        warmer = gate(judge(params={"temperature": 1}), before, **options).outcome.said
        assert [line.split(":")[0] for line in warmer] == ["parameters changed"]
        prompt.write_text(text + " Be strict.")
        assert [x.split(":")[0] for x in gate(judge(), before, **options).outcome.said] == ["prompt changed"]
    assert before.judge["model"] == "judge-2026-01-01"  # as served


# --------------------------------------------------------------------------------------------------------------- calls


def counting() -> tuple[list[int], Judge]:
    """A judge whose answers may be stored, and how often it was asked."""
    asked = [0]

    def f(case: Case) -> int:
        asked[0] += 1
        return case.label if isinstance(case.label, int) else 0

    return asked, vd.judge(f, task="pairwise", version="1")


def test_no_gate_answers_from_an_earlier_runs_calls(tmp_path: Path) -> None:
    asked, judge = counting()
    options: dict[str, Any] = {"cache": tmp_path / "c.sqlite", "limit": 10}
    before = stored(judge, **options)
    once = asked[0]
    result = gate(judge, before, **options)
    assert asked[0] == 2 * once
    assert result.outcome.audit.calls.cached == 0
    assert result.outcome.audit.fingerprint == judge.fingerprint
    gate(judge, before, reuse=True, **options)
    assert asked[0] == 2 * once


def test_a_stopped_gate_goes_on_with_its_own_answers(tmp_path: Path) -> None:
    from voirdire.harness.engine.runner import Limits

    asked, judge = counting()
    options: dict[str, Any] = {"cache": tmp_path / "c.sqlite", "limit": 10}
    before = stored(judge, **options)
    once = asked[0]
    first = gate(judge, before, limits=Limits(max_calls=30), **options).outcome
    assert first.code == ExitCode.BUDGET
    second = gate(judge, before, **options).outcome
    assert second.code in (ExitCode.OK, ExitCode.INCONCLUSIVE)
    assert second.audit.calls.cached == 30
    assert asked[0] == 2 * once


def test_a_gate_takes_nothing_from_an_unfinished_baseline(tmp_path: Path) -> None:
    from voirdire.harness.engine.runner import Limits

    asked, judge = counting()
    options: dict[str, Any] = {"cache": tmp_path / "c.sqlite", "limit": 10}
    before = stored(judge, **options)
    once = asked[0]
    gate(judge, limits=Limits(max_calls=30), **options)
    gate(judge, before, **options)
    assert asked[0] == 2 * once + 30


def test_an_endpoint_that_goes_down_half_way_exits_4_and_a_rerun_pays_the_rest(tmp_path: Path) -> None:
    from endpoint import endpoint, judging
    from fake_server import status

    options: dict[str, Any] = {"cache": tmp_path / "c.sqlite", "limit": 6, "samples": 1}
    with endpoint([judging()]) as server:
        port, url = server.port, server.url
        before = stored(vd.judge("openai:m", base_url=url, retries=0, concurrency=2), **options)
        planned = len(server.requests)
    judge = vd.judge("openai:m", base_url=url, retries=0, concurrency=2)
    half = planned // 2
    with endpoint([judging()] * half + [status(401)], port=port):
        down = gate(judge, before, **options).outcome
    assert down.code == ExitCode.JUDGE
    with endpoint([judging()], port=port) as server:
        done = gate(judge, before, **options).outcome
        assert len(server.requests) == planned - half
        assert done.audit.calls.cached == half
        assert done.code != ExitCode.JUDGE
        gate(judge, before, **options)
        assert len(server.requests) == 2 * planned - half  # finished, so the next one asks everything


def test_a_judge_that_never_answers_is_exit_4(clean: Baseline) -> None:
    class Silent:
        name = spec = "silent"
        task: Any = "pairwise"
        scale = vd.Scale()
        fingerprint = "silent"
        reusable = paid = soft = deterministic = False
        concurrency = None

        async def judge(self, case: Case, *, sample: int) -> Verdict:
            return Verdict(null="unparsed", reason="nothing to read")

        async def aclose(self) -> None:
            return None

    outcome = gate(Silent(), clean).outcome
    assert outcome.code == ExitCode.JUDGE


def test_suite_ci_is_what_the_gate_promises() -> None:
    suite: Suite = load_suite("ci")
    families = {p.family for p in suite.probes}
    assert suite.samples == 3
    assert {"order", "authority", "verbosity", "phrases", "typos", "degradation", "stability"} <= families
