"""Every suite of a paper finds its own defect in a judge that has it, gives the paper's metric its known value, and
passes a clean noisy judge."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace

import pytest

from voirdire.harness.cases import Task
from voirdire.harness.followups import FollowUps
from voirdire.harness.judges.grammar import parse
from voirdire.harness.judges.mock import mock_judge
from voirdire.harness.judges.prompt_files import protocol_names
from voirdire.harness.judges.wrappers.table import WRAPPERS
from voirdire.harness.papers import SuiteMetric
from voirdire.harness.plan import Plan, build_plan
from voirdire.harness.statistics.analyse import Analysis, analyse
from voirdire.harness.statistics.arms import Answers
from voirdire.harness.statistics.metric_catalogue import CATALOGUE, OWN
from voirdire.harness.statistics.suite_metrics import METRIC_NAMES, beside_paper
from voirdire.harness.verdicts import Scale, Verdict
from voirdire.suites.builtin_cases import builtin_cases, for_task, spread
from voirdire.suites.loaders import FORMATS
from voirdire.suites.loading import builtin_suites, load_suite

PAPERS = [name for name in builtin_suites() if load_suite(name).paper is not None]
CASES = 70
SEEDS = range(3)
A = 0.9  # accuracy of every judge here
F = 0.6  # how often a planted defect shows


@dataclass(frozen=True)
class Planted:
    """A judge whose defect is known: it must be found in `probe`, and `metric` of `group` come to `value`."""

    spec: str
    probe: str
    metric: str
    value: float
    group: str = ""
    task: Task = "pairwise"
    cases: int = CASES


def conflicts(first: float) -> float:
    """P(another winner in the other order) for a judge that takes the first slot with probability `first`."""
    as_first, as_second = first + (1 - first) * A, (1 - first) * A
    return as_first * (1 - as_second) + as_second * (1 - as_first)


def stays(gain: float, same: float = A**2 + (1 - A) ** 2) -> float:
    """P(one verdict on the worse answer before and after an edit that wins with probability `gain`)."""
    lost, won = (1 - gain) * A, 1 - (1 - gain) * A
    return A * lost + (1 - A) * won if gain else same


def wins_on_average(win: float, tie: float) -> float:
    """P(more than .5 over two orders)."""
    return win**2 + 2 * win * tie


#: by suite
PLANTED: dict[str, Planted] = {
    "mt-bench": Planted(
        f"longer={F}",
        "verbosity.restatement-twin",
        "attack_failure_rate",
        wins_on_average(F + (1 - F) * (1 - A) / 2, (1 - F) * A),
        "repeated content",
    ),
    "faireval": Planted(f"first={F}", "order.swap", "conflict_rate", conflicts(F)),
    # of the invented quotations, 47 of 70 name nobody whom the planted judge takes for an authority
    "calm": Planted(f"cited={F}", "authority.book", "rr", (163 * stays(F) + 47 * stays(0)) / 210, "authority"),
}


@functools.cache
def plan_of(name: str, task: Task, n: int) -> Plan:
    cases = for_task(spread(builtin_cases(), n), task)
    return build_plan(load_suite(name), cases, task=task, scale=Scale(), followups=FollowUps())


def asked(name: str, spec: str, seed: int, task: Task, n: int) -> tuple[Analysis, Plan, list[Verdict | None]]:
    plan = plan_of(name, task, n)
    judge = mock_judge(f"noisy?accuracy={A}&{spec}", task=task, seed=seed)
    verdicts: list[Verdict | None] = [judge.answer(call.case, call.sample) for call in plan.calls]
    return analyse(plan, verdicts), plan, verdicts


def metric_of(plan: Plan, verdicts: list[Verdict | None], name: str, group: str) -> SuiteMetric:
    assert plan.suite.paper is not None
    paper = replace(plan.suite.paper, metrics=(name,), published=())
    found = beside_paper(paper, plan, Answers.of(plan, verdicts, soft=False))
    return next(m for m in found.metrics if m.group == group)


def test_every_suite_of_a_paper_has_a_planted_judge() -> None:
    assert sorted(PLANTED) == sorted(PAPERS)


@pytest.mark.parametrize("name", PAPERS)
def test_the_planted_defect_is_found_and_measured(name: str) -> None:
    planted = PLANTED[name]
    inside = 0
    for seed in SEEDS:
        found, plan, verdicts = asked(name, planted.spec, seed, planted.task, planted.cases)
        assert found.findings[planted.probe].decision == "violated"
        assert found.verdict == "fail"
        metric = metric_of(plan, verdicts, planted.metric, planted.group)
        assert metric.value is not None
        assert metric.low is not None
        assert metric.high is not None
        assert metric.low <= metric.value <= metric.high
        assert metric.value == pytest.approx(planted.value, abs=0.15)
        inside += metric.low <= planted.value <= metric.high
    assert inside >= 2


@pytest.mark.parametrize("name", PAPERS)
def test_a_clean_noisy_judge_passes(name: str) -> None:
    planted = PLANTED[name]
    alarms = 0
    for seed in SEEDS:
        found, _, _ = asked(name, "sd=.05", seed, planted.task, planted.cases)
        alarms += any(f.decision == "violated" for f in found.findings.values())
        assert any(f.decision == "holds" for f in found.findings.values())
    assert alarms <= 1


@pytest.mark.parametrize("name", PAPERS)
def test_what_a_suite_says_of_its_paper_exists(name: str) -> None:
    suite = load_suite(name)
    paper = suite.paper
    assert paper is not None
    for text in (suite.summary, paper.title, paper.paper, paper.relation, paper.target, paper.chance):
        assert text
    assert suite.source == paper.paper
    assert set(paper.data) <= set(FORMATS)
    assert set(paper.prompts) <= set(protocol_names())
    for spec in paper.compare:
        assert parse(spec).name in WRAPPERS
        assert "JUDGE" in spec
    assert paper.metrics
    assert PLANTED[name].task in suite.tasks
    for number in paper.published:
        entry = CATALOGUE.get(number.metric)
        if entry is not None and entry.range == "[0, 1]":
            assert 0 <= number.value <= 1


def test_every_metric_of_a_suite_is_in_the_catalogue() -> None:
    assert set(METRIC_NAMES) <= {*CATALOGUE, *OWN}
