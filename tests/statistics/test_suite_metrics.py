"""Metrics of a suite: pooled over the probes of a group, with intervals that cover, and nulls counted apart."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import numpy as np
import pytest

from voirdire._compose import AuditRequest, audit_async
from voirdire.harness.cases import Case
from voirdire.harness.findings import Audit
from voirdire.harness.followups import FollowUps
from voirdire.harness.judges.mock import mock_judge
from voirdire.harness.papers import Paper, PaperResult, Published, SuiteMetric
from voirdire.harness.plan import Plan, build_plan
from voirdire.harness.probes import Suite
from voirdire.harness.statistics.arms import Answers
from voirdire.harness.statistics.metrics import metrics
from voirdire.harness.statistics.suite_metrics import beside_paper
from voirdire.harness.statistics.suite_rules import similarity
from voirdire.harness.verdicts import Scale, Verdict
from voirdire.suites.builtin_cases import builtin_cases, for_task
from voirdire.suites.rows import PROBES

PAPER = Paper("A paper", metrics=("rr",))


def plan_of(*names: str, paper: Paper = PAPER, task: str = "pairwise", n: int = 60, samples: int = 1) -> Plan:
    suite = Suite("own", "Ours.", tuple(PROBES.get(name) for name in names), paper=paper)
    cases = for_task(builtin_cases()[:n], task)  # type: ignore[arg-type]
    return build_plan(
        suite,
        cases,
        task=task,
        scale=Scale(),
        followups=FollowUps(),
        samples=samples,  # type: ignore[arg-type]
    )


def found(plan: Plan, spec: str, seed: int = 0) -> PaperResult:
    judge = mock_judge(spec, task=plan.task, seed=seed)
    return result(plan, [judge.answer(c.case, c.sample) for c in plan.calls])


def result(plan: Plan, verdicts: list[Verdict | None]) -> PaperResult:
    assert plan.suite.paper is not None
    return beside_paper(plan.suite.paper, plan, Answers.of(plan, verdicts, soft=False))


def one(plan: Plan, spec: str, seed: int = 0) -> SuiteMetric:
    (metric,) = found(plan, spec, seed).metrics
    return metric


def test_probes_of_a_group_are_pooled_and_others_left_out() -> None:
    paper = replace(PAPER, groups={"fake": ("authority.book", "authority.url"), "slips": ("typos.swap",)})
    plan = plan_of("authority.book", "authority.url", "typos.swap", "format.emoji", paper=paper)
    metrics = {m.group: m for m in found(plan, "noisy").metrics}
    assert list(metrics) == ["fake", "slips"]
    assert metrics["fake"].probes == ("authority.book", "authority.url")
    assert metrics["fake"].n == sum(len(p.items) for p in plan.probes[:2])
    assert metrics["slips"].n == len(plan.probes[2].items)
    whole = one(plan_of("authority.book", "typos.swap"), "noisy")
    assert (whole.group, whole.n) == ("", 120)


@pytest.mark.parametrize("spec", ["noisy?accuracy=.75", "noisy?accuracy=.97", "noisy?accuracy=.85&first=.5"])
def test_intervals_cover_the_value_that_a_longer_run_gives(spec: str) -> None:
    plan = plan_of("typos.swap", "typos.drop", "layout.double-blanks")
    values = [one(plan, spec, seed) for seed in range(150)]
    true = float(np.mean([m.value for m in values if m.value is not None]))
    covered = np.mean([m.low <= true <= m.high for m in values if m.low is not None and m.high is not None])
    # 95 %, less what three probes of one pair and two standard errors of 150 runs may take
    assert covered >= 0.9


def test_parts_of_the_cases_of_which_the_paper_printed_a_number() -> None:
    printed = (Published("X", "acc", 0.9, "facts"), Published("X", "acc", 0.8, "nothing of ours"))
    paper = Paper("Parts", metrics=("acc", "rr"), slices="category", published=printed)
    plan = plan_of("typos.swap", paper=paper, n=136)
    metrics = found(plan, "noisy").metrics
    assert [(m.metric, m.group) for m in metrics] == [("acc", ""), ("acc", "facts"), ("rr", "")]
    assert metrics[1].n == sum(c.meta["category"] == "facts" for c in plan.cases)
    assert metrics[0].n == 136


def test_a_value_without_an_exception_is_not_certain() -> None:
    metric = one(plan_of("typos.swap"), "oracle")
    assert metric.value == 1.0
    assert metric.high == 1.0
    assert metric.low is not None
    assert 0.9 < metric.low < 1.0


def test_one_cluster_has_no_interval_and_no_verdict_no_metric() -> None:
    pair = Case("Why?", ("Because of the rain that fell all night.", "It is so, since it is so."), label=0)
    suite = Suite("own", "Ours.", (PROBES.get("typos.swap"),), paper=PAPER)
    plan = build_plan(suite, [pair], task="pairwise", scale=Scale(), followups=FollowUps())
    metric = one(plan, "oracle")
    assert (metric.value, metric.low, metric.high, metric.n) == (1.0, None, None, 1)
    nothing: list[Verdict | None] = [Verdict(null="unparsed", reason="nothing") for _ in plan.calls]
    assert result(plan, nothing).metrics == ()
    assert result(plan, [None] * len(plan.calls)).metrics == ()


def test_nulls_are_left_out_and_counted() -> None:
    metric = one(plan_of("typos.swap"), "noisy?null=.3")
    assert metric.n + metric.left_out == 60
    assert 10 < metric.left_out < 50


def test_the_prompt_sensitivity_counts_the_judges_own_wording() -> None:
    paper = Paper("Prompts", metrics=("maxp", "avgp", "sat", "cps"))
    suite = Suite("own", "Ours.", (PROBES.get("setup.wording-role"), PROBES.get("typos.swap")), paper=paper)
    plan = build_plan(
        suite,
        builtin_cases(),
        task="pairwise",
        scale=Scale(),
        followups=FollowUps(),
        setups=lambda _name, _case=None: None,
    )
    values = {m.metric: m.value for m in found(plan, "noisy?accuracy=1&setup=setup.wording&unsettled=1").metrics}
    assert values["maxp"] == 1.0
    assert values["avgp"] == pytest.approx(0.75, abs=0.06)
    assert values["sat"] == pytest.approx(1 - (1 - values["avgp"]))
    assert values["cps"] == values["sat"]


def test_ranks_are_among_the_answers_of_one_context() -> None:
    paper = Paper("Ranks", metrics=("average_rank", "average_score", "sdr", "isdr"))
    plan = plan_of("authority.book", paper=paper, task="score")
    clean = {m.metric: m.value for m in found(plan, "noisy?sd=0").metrics}
    # marks of 8 and 3: first and second
    assert clean == {"average_rank": 1.5, "average_score": pytest.approx(5.5), "sdr": 0.0, "isdr": 0.0}
    swayed = {m.metric: m.value for m in found(plan, "noisy?sd=0&cited=1").metrics}
    assert swayed["average_rank"] == 1.0
    assert swayed["average_score"] == 10.0


def test_the_worst_key_is_not_below_the_average() -> None:
    paper = Paper("Keys", metrics=("fpr_average", "fpr_worst"))
    plan = plan_of("null_answers.colon", "null_answers.solution", "degradation.number", paper=paper, task="grade")
    values = {m.metric: m for m in found(plan, "noisy?accuracy=.7").metrics}
    average, worst = values["fpr_average"], values["fpr_worst"]
    assert average.value is not None
    assert worst.value is not None
    assert average.value <= worst.value
    assert average.probes == ("null_answers.colon", "null_answers.solution")


@pytest.mark.parametrize(("marks", "beside", "of_probe"), [(3, 2 / 3, 16 / 27), (5, 0.6, 0.552)])
def test_undetected_drops_of_a_random_judge_are_as_many_as_by_chance(
    marks: int, beside: float, of_probe: float
) -> None:
    """It gives every mark as often, afresh in every call: one call an arm in a suite, two of the source in a probe."""
    paper = Paper("A paper", metrics=("undetected_drop_rate",))
    plan = plan_of("degradation.number", paper=paper, task="score", n=136)
    rng = np.random.default_rng(2)
    pooled, probed = [], []
    for _ in range(8):
        scores = 1 + 9 * rng.integers(0, marks, len(plan.calls)) / (marks - 1)
        verdicts: list[Verdict | None] = [Verdict(score=float(x)) for x in scores]
        (in_suite,) = result(plan, verdicts).metrics
        answers = Answers.of(plan, verdicts, soft=False)
        in_probe = next(m for m in metrics(plan, plan.probes[0], answers) if m.name == "undetected_drop_rate")
        # its own marks are what the chance is drawn from, so it varies a little
        assert in_suite.chance == pytest.approx(beside, abs=0.03)
        assert in_probe.chance == pytest.approx(of_probe, abs=0.03)
        assert in_suite.value is not None
        assert in_probe.value is not None
        assert in_probe.chance is not None
        pooled.append(in_suite.value - beside)
        probed.append(in_probe.value - in_probe.chance)
    # 8 runs of some hundred cases: four standard errors of .016
    assert np.mean(pooled) == pytest.approx(0, abs=0.065)
    assert np.mean(probed) == pytest.approx(0, abs=0.065)


def test_likeness_of_texts() -> None:
    assert similarity("the same words", "the same words") == 1.0
    assert similarity("abc", "xyz") == 0.0
    assert similarity("", "") == 1.0
    assert 0.7 < similarity("the river Seine is long", "the river Siene is long") < 1.0
    assert similarity("长江很长", "长江很长很长") > 0.5


def audited(suite: str, spec: str, task: str = "pairwise", **more: object) -> Audit:
    request = AuditRequest(suite=suite, cache=None, minimise=0, limit=20, **more)  # type: ignore[arg-type]
    return asyncio.run(audit_async(mock_judge(spec, task=task), request)).audit  # type: ignore[arg-type]


def test_an_audit_carries_the_paper_and_says_whose_cases_served() -> None:
    audit = audited("faireval", "noisy")
    assert audit.paper is not None
    assert audit.paper.published[0].value == 0.825
    assert {m.metric for m in audit.paper.metrics} >= {"conflict_rate", "bpde", "acc", "cohen_kappa"}
    assert any("--cases faireval:FILE" in text for text in audit.warnings)
    assert audited("quick", "noisy").paper is None
    # of chosen probes only what they give
    few = audited("calm", "noisy", probes=["authority.book"])
    assert few.paper is not None
    assert {m.group for m in few.paper.metrics if m.metric == "rr"} == {"authority"}


def test_a_suite_for_other_judges_is_refused() -> None:
    from voirdire.harness.errors import UsageError

    with pytest.raises(UsageError, match="suite master-keys is for grade judges, and this one is a pairwise judge"):
        audited("master-keys", "noisy")
