"""The public functions end to end: every task, recording and replaying, files, honest outcomes."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import jsonschema
import pytest

import voirdire as vd
from voirdire.harness.errors import JudgeUnreachable, UsageError
from voirdire.reports.schema import committed_schema
from voirdire.suites.builtin_cases import builtin_cases, for_task


@pytest.mark.parametrize("task", ["pairwise", "score", "grade", "ranking"])
def test_every_task_finds_its_planted_citation_bias(task: str) -> None:
    judge = vd.judge("mock:noisy?cited=.5&sd=.05", task=task)  # type: ignore[arg-type]
    cases = for_task(builtin_cases(), task)  # type: ignore[arg-type]
    result = vd.audit(judge, cases, "quick", cache=None)
    assert result.findings["authority.book"].decision == "violated"
    assert result.verdict == "fail"
    others = {f.probe for f in result.findings.values() if f.decision == "violated"} - {"authority.book"}
    assert not others
    assert result.audit.discrimination.decision == "holds"


@pytest.mark.parametrize("task", ["pairwise", "score", "grade", "ranking"])
def test_every_task_passes_an_oracle_and_fails_a_constant(task: str) -> None:
    good = vd.audit(vd.judge("mock:oracle", task=task), None, "quick")  # type: ignore[arg-type]
    assert good.verdict in ("pass", "inconclusive")
    assert not good.findings.decided("violated")
    bad = vd.audit(vd.judge("mock:constant", task=task), None, "quick")  # type: ignore[arg-type]
    assert bad.verdict == "fail"


def test_order_does_not_apply_to_single_answers() -> None:
    result = vd.audit(vd.judge("mock:noisy", task="score"), None, "quick", limit=20)
    finding = result.findings["order.swap"]
    assert finding.decision == "not_applicable"
    assert finding.reason


def test_a_callable_is_a_judge() -> None:
    seen = []

    def longest(case: vd.Case) -> str:
        seen.append(case)
        return "A" if len(case.responses[0]) >= len(case.responses[1]) else "B"

    result = vd.audit(vd.judge(longest, task="pairwise"), None, "quick", limit=60)
    assert result.findings["verbosity.filler"].decision == "violated"
    assert result.audit.calls.made == len(seen)
    assert result.audit.noise.deterministic


def test_async_callables_and_running_loops() -> None:
    async def first(case: vd.Case) -> int:
        await asyncio.sleep(0)
        return 0

    async def main() -> str:
        result = await vd.aaudit(vd.judge(first, task="pairwise"), None, "quick", limit=40)
        return result.findings["order.swap"].decision

    assert asyncio.run(main()) == "violated"


def test_the_saved_report_is_valid_and_reads_back(tmp_path: Path) -> None:
    from voirdire.reports.write import read

    result = vd.audit("mock:gullible", None, "quick", limit=80)
    files = result.save(tmp_path / "run", ("html", "md", "json", "csv", "junit"))
    document = json.loads((tmp_path / "run" / "audit.json").read_text())
    jsonschema.validate(document, committed_schema())
    assert "NaN" not in (tmp_path / "run" / "audit.json").read_text()
    assert all(path.stat().st_size for path in files.values())
    again = read(tmp_path / "run")
    assert again.findings["authority.book"] == result.findings["authority.book"]
    assert len(result.to_frame()) == len(result.findings)
    records = [json.loads(line) for line in (tmp_path / "run" / "calls.jsonl").read_text().splitlines()]
    assert len(records) == result.audit.calls.made
    assert {"case", "order", "sample", "choice"} <= set(records[0])


def test_the_same_audit_gives_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    texts = []
    for name in "ab":
        vd.audit("mock:noisy?first=.3", None, "quick", limit=30).save(tmp_path / name)
        document = json.loads((tmp_path / name / "audit.json").read_text())
        document["calls"]["seconds"] = 0
        texts.append((document, (tmp_path / name / "examples.jsonl").read_bytes()))
    assert texts[0] == texts[1]


def test_a_selected_probe_still_counts_the_whole_suite() -> None:
    whole = vd.audit("mock:noisy?first=.25", None, "standard", limit=100)
    alone = vd.audit("mock:noisy?first=.25", None, "standard", limit=100, probes=["order.swap"])
    p, q = whole.findings["order.swap"], alone.findings["order.swap"]
    assert (p.effect, p.p) == (q.effect, q.p)
    assert q.p_adjusted is not None
    assert q.p is not None
    assert q.p_adjusted == pytest.approx(min(1.0, q.p * 17))  # the bias tests of `standard`


def test_strict_means_strict() -> None:
    result = vd.audit("mock:oracle", None, "quick", limit=10, strict=True)
    assert result.audit.samples == 3
    assert result.findings["authority.book"].tolerance == 0.05


def test_unlabelled_cases_cannot_pass() -> None:
    cases = [c.replace(label=None) for c in builtin_cases()]
    result = vd.audit("mock:oracle", cases, "quick")
    assert result.verdict != "pass"
    assert result.audit.discrimination.decision == "not_applicable"
    assert any("label" in w for w in result.audit.warnings)


@pytest.mark.parametrize("text", ["", " ", "x" * 100_000, "﻿", "\u202e\u200f\u0000", "你好" * 300, "😀" * 50])
def test_hostile_answers_end_in_a_report(tmp_path: Path, text: str) -> None:
    cases = [vd.Case(f"Question {i}?", (text, f"An ordinary answer, number {i}."), label=1) for i in range(10)]
    result = vd.audit("mock:noisy", cases, "standard")
    files = result.save(tmp_path)
    assert files["index.html"].stat().st_size < 2_000_000
    assert result.audit.calls.errors == 0


def test_one_case_is_not_enough_for_anything_but_no_crash() -> None:
    result = vd.audit("mock:constant", None, "standard", limit=1)
    assert not result.findings.decided("holds") or all(f.relation == "RETEST" for f in result.findings.decided("holds"))


def test_a_judge_that_only_fails_raises() -> None:
    def broken(case: vd.Case) -> str:
        raise RuntimeError("boom")

    with pytest.raises(JudgeUnreachable, match="boom"):
        vd.audit(vd.judge(broken, task="pairwise"), None, "quick", limit=20)


def test_scores_that_are_not_numbers_are_nulls_not_zeros() -> None:
    def odd(case: vd.Case) -> float:
        return float("nan") if len(case.responses[0]) % 4 == 0 else 7.0

    result = vd.audit(vd.judge(odd, task="score"), None, "quick", limit=60)
    assert result.audit.calls.nulls > 0
    effects = [f.effect for f in result.findings.values() if f.effect is not None]
    assert all(e == e for e in effects)


def test_recorded_verdicts_replay_to_the_same_findings(tmp_path: Path) -> None:
    from voirdire.cli import run

    record = tmp_path / "rec.jsonl"
    base = ["audit", "--suite", "quick", "--limit", "40", "--quiet"]
    assert run([*base, "--judge", "mock:gullible", "--record", str(record), "--out", str(tmp_path / "a")]) == 0
    assert run([*base, "--judge", f"replay:{record}", "--out", str(tmp_path / "b")]) == 0
    first, second = (json.loads((tmp_path / x / "audit.json").read_text())["findings"] for x in "ab")
    assert first == second


def test_llmbar_position_consistency_equals_the_published_agreement(public_data, tmp_path: Path) -> None:
    """ChatGPT's recorded verdicts on LLMBar-Natural: published Acc. and Agr. through cases, plan and metrics."""
    from llmbar import published, write_inputs

    for group in ("Natural", "FairEval"):
        cases, replay = write_inputs(public_data, group, "ChatGPT", "Vanilla_NoRules", tmp_path)
        result = vd.audit(f"replay:{replay}", cases, "standard", probes=["order.swap"], samples=1)
        accuracy, agreement = published(public_data, group, "ChatGPT", "Vanilla_NoRules")
        metrics = result.findings["order.swap"].metrics
        assert metrics["position_consistency"] == pytest.approx(agreement, abs=1e-9)
        assert result.audit.discrimination.accuracy == pytest.approx(accuracy, abs=1e-9)


def test_bad_input_of_the_functions() -> None:
    with pytest.raises(UsageError, match="names no judge"):
        vd.audit("nonsense")
    with pytest.raises(UsageError, match="task"):
        vd.judge(lambda case: "A")
    with pytest.raises(UsageError, match="no suite called"):
        vd.audit("mock:noisy", None, "standart")


def test_a_judge_may_be_audited_twice() -> None:
    from endpoint import endpoint, judging

    with endpoint([judging()]) as server:
        for judge in (
            vd.judge("openai:m", base_url=server.url),
            vd.judge(lambda case: 0, task="pairwise"),
            vd.judge("mock:noisy"),
        ):
            runs = [vd.audit(judge, None, "quick", limit=3) for _ in range(2)]
            assert [r.audit.calls.errors for r in runs] == [0, 0]
            assert runs[0].run.verdicts == runs[1].run.verdicts


def test_published_metrics_come_from_the_findings_own_calls() -> None:
    result = vd.audit("mock:noisy?first=.3&cited=.4", None, "quick")
    position = result.findings["order.swap"].metrics
    assert position["position_consistency"] + position["conflict_rate"] == pytest.approx(1)  # type: ignore[operator]
    assert position["biased_to_first"] > position["biased_to_second"]  # type: ignore[operator]
    assert position["preference_fairness"] < 0  # primacy
    book = result.findings["authority.book"].metrics
    assert {"rr", "cr", "asr", "asr_raw", "asr_retest", "asr_chen"} <= set(book)
    floor = max(book["asr_retest"], book["asr_sham"])  # type: ignore[type-var]
    assert book["asr"] == pytest.approx(book["asr_raw"] - floor)  # type: ignore[operator]
    assert book["rr"] < book["cr"]  # type: ignore[operator]
