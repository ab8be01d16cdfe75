"""Every suite of a paper finds its own defect in a judge that has it, gives the paper's metric its known value, and
passes a clean noisy judge."""

from __future__ import annotations

import functools
import random
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlencode

import pytest

from voirdire.harness.cases import Case, Task, shown_hash
from voirdire.harness.followups import FollowUps
from voirdire.harness.judges.grammar import parse
from voirdire.harness.judges.mock import MockJudge, has_citation, has_markdown, mock_judge
from voirdire.harness.judges.prompt_files import protocol_names
from voirdire.harness.judges.wrappers.table import WRAPPERS
from voirdire.harness.papers import SuiteMetric
from voirdire.harness.plan import Plan, build_plan
from voirdire.harness.relations import Relation
from voirdire.harness.statistics.analyse import Analysis, analyse
from voirdire.harness.statistics.arms import Answers
from voirdire.harness.statistics.metric_catalogue import CATALOGUE, OWN
from voirdire.harness.statistics.suite_metrics import METRIC_NAMES, beside_paper
from voirdire.harness.statistics.suite_rules import RULES
from voirdire.harness.verdicts import Scale, Verdict
from voirdire.perturbations.phrases import PHRASES
from voirdire.suites.builtin_cases import builtin_cases, for_task, spread
from voirdire.suites.loaders import FORMATS
from voirdire.suites.loading import builtin_suites, load_suite

PAPERS = [name for name in builtin_suites() if load_suite(name).paper is not None]
CASES = 70
SEEDS = range(3)
A = 0.9  # accuracy of every judge here
F = 0.6  # how often a planted defect shows


Answer = Callable[[MockJudge, Case, int], Verdict]


@dataclass(frozen=True)
class Planted:
    """A judge whose defect is known: it must be found in `probe`, and `metric` of `group` come to `value`.

    `judge` are parameters of a mock. `answer` stands in where no mock has the defect. `value` of a plan, where it
    depends on how many of the follow-ups the defect reaches.
    """

    judge: Mapping[str, object]
    probe: str
    metric: str
    value: float | Callable[[Plan], float]
    group: str = ""
    task: Task = "pairwise"
    cases: int = CASES
    answer: Answer | None = None


def conflicts(first: float) -> float:
    """P(another winner in the other order) for a judge that takes the first slot with probability `first`."""
    as_first, as_second = first + (1 - first) * A, (1 - first) * A
    return as_first * (1 - as_second) + as_second * (1 - as_first)


def same(after: float) -> float:
    """P(one verdict before and after) where the right answer wins with probability A before and `after` after."""
    return A * after + (1 - A) * (1 - after)


def wins_on_average(win: float, tie: float = 0.0) -> float:
    """P(more than .5 over two orders)."""
    return win**2 + 2 * win * tie


def texts_of(plan: Plan, group: str) -> Iterator[str]:
    """The edited answers of a group's follow-ups."""
    assert plan.suite.paper is not None
    for probe in plan.probes:
        if probe.probe.name in plan.suite.paper.groups[group]:
            damaged = probe.probe.relation is Relation.MUST_DROP and plan.task == "pairwise"
            for item in probe.items:
                assert item.follow_up is not None
                yield item.follow_up.responses[1 if damaged else item.target]


def reached(group: str, seen: Callable[[str], bool], with_defect: float, without: float) -> Callable[[Plan], float]:
    """The mean over the follow-ups of a group, of which the defect sees those that have its feature."""

    def value(plan: Plan) -> float:
        hits = [seen(text) for text in texts_of(plan, group)]
        share = sum(hits) / len(hits)
        return with_defect * share + without * (1 - share)

    return value


def like(pattern: str) -> Callable[[str], bool]:
    return lambda text: re.search(pattern, text, re.DOTALL) is not None


#: P(the worse answer wins one call) once the defect shows, and P(the better one does)
WINS, KEEPS = F + (1 - F) * (1 - A), (1 - F) * A
#: P(right) where a coin decides nine times out of ten
COIN = 0.9
TOSSED = COIN / 2 + (1 - COIN) * A
#: of damage a judge may miss a part and pass
STRONG = 0.97
SHORT = r"\A.{0,60}\Z"
MAJORITY = r"(?<!\d)[5-9]\d%"
PLEA = "choose this answer|把这个回答选为"
CALLED_OWN = "Answered by you|由你自己"
LEET = r"[a-z][013457][a-z]"

MOTHER = r"\bmother of|女[士性]"


def deaf_to_rubrics(judge: MockJudge, case: Case, sample: int) -> Verdict:
    """It judges as before where the rubric asks for the opposite."""
    turned = case.rubric is not None and case.rubric.startswith(("Judge against the following", "请按照与下列标准相反"))
    return judge.answer(case.replace(label=True) if turned else case, sample)


def against_mothers(judge: MockJudge, case: Case, sample: int) -> Verdict:
    """Where a mother asks, the wrong answer wins with probability F."""
    u = random.Random(f"{judge.params.seed} {shown_hash(case)} {sample}").random()
    if like(MOTHER)(case.instruction_text) and u < F and isinstance(case.label, int):
        return Verdict(choice=1 - case.label)
    return judge.answer(case, sample)


def asked_by_mothers(plan: Plan) -> float:
    """The drop of accuracy over all statements of who asks, few of which name a mother."""
    shown = [i.follow_up for p in plan.probes if p.probe.name.startswith("identity.asker") for i in p.items]
    return (A - KEEPS) * sum(case is not None and like(MOTHER)(case.instruction_text) for case in shown) / len(shown)


#: by suite
PLANTED: dict[str, Planted] = {
    "mt-bench": Planted(
        {"longer": F},
        "verbosity.restatement-twin",
        "attack_failure_rate",
        wins_on_average(F + (1 - F) * (1 - A) / 2, (1 - F) * A),
        "repeated content",
    ),
    "faireval": Planted({"first": F}, "order.swap", "conflict_rate", conflicts(F)),
    "calm": Planted(
        {"cited": F}, "authority.book", "rr", reached("authority", has_citation, same(KEEPS), same(A)), "authority"
    ),
    "judgelm": Planted({"first": F}, "order.swap", "delta_bias", F),
    "humans-or-llms": Planted(
        {"cited": F},
        "authority.url",
        "asr_chen_v1",
        reached("fake reference", has_citation, WINS**2, (1 - A) ** 2),
        "fake reference",
    ),
    "universal-phrase": Planted(
        {"phrase": PHRASES["phrases.raina-unieval"], "rate": 1},
        "phrases.raina-unieval",
        "average_rank",
        1.0,
        "UniEval",
        task="score",
    ),
    "robustjudge": Planted(
        {"pattern": r"^\s*$", "pull": F},
        "null_answers.empty",
        "asr_robustjudge",
        WINS**3 + 3 * WINS**2 * (1 - WINS),
        "empty response",
    ),
    "master-keys": Planted(
        {"pattern": SHORT, "pull": STRONG},
        "null_answers.solution",
        "fpr_average",
        STRONG + (1 - STRONG) * (1 - A),
        "master keys",
        task="grade",
    ),
    "null-model": Planted(
        {"pattern": "the same one whatever", "pull": F},
        "null_answers.constant",
        "win_rate",
        reached("null model", like("the same one whatever"), WINS, 1 - A),
        "null model",
    ),
    "llmbar": Planted({"first": F}, "order.swap", "agr", 1 - conflicts(F)),
    "metal": Planted(
        {"pattern": LEET, "pull": STRONG},
        "typos.leetspeak",
        "undetected_drop_rate_pairwise",
        reached("heavy letters", like(LEET), 1 - ((1 - STRONG) * A) ** 2, 1 - A**2),
        "heavy letters",
    ),
    "judging-the-judges": Planted(
        {"lenient": STRONG},
        "null_answers.sure",
        "p_plus",
        (STRONG + (1 - STRONG) * (1 - A)) / (1 - (1 - STRONG) * (2 * A - 1)),
        task="grade",
    ),
    "trustworthy-typos": Planted(
        {"pattern": "[A-Z]{5}", "pull": -F},
        "typos.upper",
        "accuracy_drop",
        reached("capitals", like("[A-Z]{5}"), A - KEEPS, 0.0),
        "capitals",
    ),
    "alignbench": Planted(
        {"cited": 0.4, "sd": 0.02},
        "authority.book",
        "score_shift",
        # .4 of nine points for the marks of 3, the two points that are left for those of 8
        reached("citations", has_citation, 2.8, 0.0),
        "citations",
        task="score",
    ),
    "judgebench": Planted({"first": F}, "order.swap", "two_game_accuracy", (F + (1 - F) * A) * (1 - F) * A),
    "evalbias": Planted(
        {"cited": F},
        "authority.expert",
        "win_rate",
        reached("concreteness", has_citation, WINS, 1 - A),
        "concreteness",
    ),
    "cobbler": Planted(
        {"pattern": MAJORITY, "pull": F},
        "social.bandwagon",
        "pac",
        reached("bandwagon", like(MAJORITY), WINS**2, (1 - A) ** 2),
        "bandwagon",
    ),
    "judge-deceiver": Planted(
        {"pattern": PLEA, "pull": F},
        "injection.plea",
        "asr_judgedeceiver",
        reached("naive", like(PLEA), WINS, 1 - A),
        "naive",
    ),
    "style-over-substance": Planted(
        {"blind": 1}, "degradation.number", "undetected_drop_rate_pairwise", 0.75, "factual errors"
    ),
    "verbosity": Planted({"longer": F}, "verbosity.repeat", "win_rate", WINS, "said twice"),
    "style-grid": Planted(
        {"markdown": F}, "verbosity.grid-plain-rich", "rm_bench_hard", (A**2 + 2 * KEEPS**2) / 3, "style grid"
    ),
    "reword": Planted(
        {"pattern": "t.invalid", "pull": -F}, "lexical.link", "ranking_accuracy_drop", A - KEEPS, "links"
    ),
    "portia": Planted({"first": F}, "order.swap", "conflict_rate", conflicts(F)),
    "symbols": Planted(
        {"setup": "setup.labels", "unsettled": COIN}, "setup.labels-names", "rr", same(TOSSED), "slots in the prompt"
    ),
    "prompt-wording": Planted(
        {"setup": "setup.wording", "unsettled": COIN}, "setup.wording-role", "avgp", (A + 5 * TOSSED) / 6, "wordings"
    ),
    "rating-vs-ranking": Planted(
        {"setup": "setup.two-scores", "unsettled": COIN},
        "setup.two-scores",
        "rating_ranking_consistency",
        same(TOSSED),
        "two marks",
    ),
    # it is never wrong but for that: only 33 built-in cases have a rubric
    "rubric-attention": Planted(
        {"accuracy": 1},
        "setup.rubric-flipped",
        "undetected_drop_rate",
        1.0,
        "turned round",
        task="grade",
        cases=136,
        answer=deaf_to_rubrics,
    ),
    "rejudge": Planted(
        {"pattern": CALLED_OWN, "pull": F},
        "social.you",
        "asr_judgedeceiver",
        reached("called its own", like(CALLED_OWN), WINS, 1 - A),
        "called its own",
    ),
    "personalised": Planted(
        {}, "identity.asker-gender", "accuracy_drop", asked_by_mothers, "the asker", answer=against_mothers
    ),
    "fine-tuned-judges": Planted({"first": F}, "order.swap", "position_consistency", 1 - conflicts(F)),
    "reliability-harness": Planted(
        {"pattern": r"\A  \S", "pull": -F}, "layout.indentation", "rr", same(KEEPS), "indentation"
    ),
    "blind-spots": Planted({"blind": 1}, "degradation.number", "undetected_drop_rate_pairwise", 0.75, "factual"),
    "rag": Planted(
        {"cited": F},
        "authority.url",
        "asr_chen_v1",
        reached("citations", has_citation, WINS**2, (1 - A) ** 2),
        "citations",
    ),
    "retrieval-judgments": Planted(
        {"markdown": F}, "format.markdown", "win_rate", reached("markdown", has_markdown, WINS, 1 - A), "markdown"
    ),
    "grounding": Planted(
        {"lenient": 1}, "null_answers.unrelated", "undetected_drop_rate", 1.0, "numbers and units", task="grade"
    ),
    "dissect": Planted({"cited": 0.4, "sd": 0.02}, "authority.book", "score_shift", 2.8, "references", task="score"),
}


@functools.cache
def plan_of(name: str, task: Task, n: int) -> Plan:
    suite = load_suite(name)
    cases = for_task(spread(builtin_cases(needs=suite.needs), n), task)
    return build_plan(
        suite, cases, task=task, scale=Scale(), followups=FollowUps(), setups=lambda _name, _case=None: None
    )


def asked(
    name: str, planted: Planted, params: Mapping[str, object], seed: int, answer: Answer | None = None
) -> tuple[Analysis, Plan, list[Verdict | None]]:
    plan = plan_of(name, planted.task, planted.cases)
    judge = mock_judge(f"noisy?{urlencode({'accuracy': A, **params})}", task=planted.task, seed=seed)
    give = answer or (lambda judge, case, sample: judge.answer(case, sample))
    verdicts: list[Verdict | None] = [give(judge, call.case, call.sample) for call in plan.calls]
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
    expected = planted.value
    inside = 0
    for seed in SEEDS:
        found, plan, verdicts = asked(name, planted, planted.judge, seed, planted.answer)
        assert found.findings[planted.probe].decision == "violated"
        assert found.verdict == "fail"
        metric = metric_of(plan, verdicts, planted.metric, planted.group)
        assert metric.value is not None
        assert metric.low is not None
        assert metric.high is not None
        assert metric.low <= metric.value <= metric.high
        if not isinstance(expected, float):
            expected = expected(plan)
        assert metric.value == pytest.approx(expected, abs=0.15)
        inside += metric.low <= expected <= metric.high
    assert inside >= 2


@pytest.mark.parametrize("name", PAPERS)
def test_a_clean_noisy_judge_passes(name: str) -> None:
    planted = PLANTED[name]
    alarms = 0
    for seed in SEEDS:
        found, _, _ = asked(name, planted, {"sd": 0.05}, seed)
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


@pytest.mark.parametrize("name", PAPERS)
def test_no_metric_of_a_suite_is_in_vain(name: str) -> None:
    """For some judge that the suite is for there are probes that the metric is computed from."""
    suite = load_suite(name)
    assert suite.paper is not None
    grouped = {n for names in suite.paper.groups.values() for n in names} or {p.name for p in suite.probes}
    for metric in suite.paper.metrics:
        rule = RULES[metric]
        tasks = set(rule.tasks) & set(suite.tasks)
        assert tasks, metric
        if rule.relations:
            assert any(rule.takes(p) and set(p.tasks) & tasks for p in suite.probes if p.name in grouped), metric


def test_a_judge_that_refuses_the_reference_itself_is_found() -> None:
    """And one that passes it is passed; a wrong answer is never replaced, which would repair it."""
    plan = plan_of("judging-the-judges", "grade", 136)
    (probe,) = [p for p in plan.probes if p.probe.name == "lexical.reference"]
    assert len(probe.items) >= 30
    for item in probe.items:
        case = plan.cases[item.case]
        assert case.label is True
        assert item.follow_up is not None
        assert item.follow_up.responses == (case.reference,)

    def refuses(judge: MockJudge, case: Case, sample: int) -> Verdict:
        return Verdict(grade=False) if case.responses[0] == case.reference else judge.answer(case, sample)

    planted = Planted({}, "lexical.reference", "rr", 0.0, task="grade", cases=136)
    for seed in SEEDS:
        found, _, _ = asked("judging-the-judges", planted, {}, seed, refuses)
        assert found.findings["lexical.reference"].decision == "violated"
        clean, _, _ = asked("judging-the-judges", planted, {}, seed)
        assert clean.findings["lexical.reference"].decision != "violated"
