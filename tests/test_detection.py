"""Planted judges are found, clean ones pass: the small version of benchmarks/detection.py.

Mock judges repeat exactly for a seed, so these tests cannot flicker; the limits still leave room for the binomial
spread that a change of texts or hashes would draw anew: at the true rates measured by the benchmark (200 audits each)
each limit is missed with a probability under .002.
"""

from __future__ import annotations

import re

import pytest
from detection import CLEAN, CONSTANT, PLANTED

from voirdire.harness.followups import FollowUps
from voirdire.harness.judges.mock import has_citation, mock_judge
from voirdire.harness.plan import Plan, build_plan
from voirdire.harness.statistics.analyse import analyse
from voirdire.harness.verdicts import Scale, Verdict
from voirdire.suites.builtin_cases import builtin_cases, for_task, spread
from voirdire.suites.loading import load_suite
from voirdire.suites.rows import PROBES
from voirdire.suites.selfcheck import GRID, Row, check, make_plan

AUDITS = 25


@pytest.fixture(scope="module")
def quick() -> Plan:
    return make_plan("quick", 120)


def test_a_clean_noisy_judge_has_no_findings() -> None:
    tally = check(CLEAN, AUDITS)
    assert tally.false_alarm <= 2
    assert tally.failed <= 2


@pytest.mark.parametrize("row", PLANTED, ids=lambda row: row.words)
def test_a_planted_defect_is_found_and_nothing_else(row: Row) -> None:
    tally = check(row, AUDITS)
    assert tally.found >= AUDITS - 2
    assert tally.false_alarm <= 2


def test_a_constant_judge_always_fails() -> None:
    assert check(CONSTANT, 3).failed == 3


def test_a_random_judge_never_passes(quick: Plan) -> None:
    for seed in range(5):
        judge = mock_judge("random", seed=seed)
        found = analyse(quick, [judge.answer(c.case, c.sample) for c in quick.calls])
        assert found.discrimination.decision == "violated"
        assert found.verdict == "fail"


def test_an_oracle_passes_and_is_called_deterministic(quick: Plan) -> None:
    judge = mock_judge("oracle")
    found = analyse(quick, [judge.answer(c.case, c.sample) for c in quick.calls])
    assert found.verdict == "pass"
    assert found.noise.deterministic
    assert {f.decision for f in found.findings.values()} == {"holds"}


def test_a_clean_judge_can_pass_the_standard_suite_whole() -> None:
    tally = check(Row("", CLEAN.spec, cases=200), 8, suite="standard")
    assert tally.all_hold >= 5  # 93 % of 100 audits in the benchmark


def test_a_second_slot_judge_is_as_biased_as_a_first_slot_judge(quick: Plan) -> None:
    """Rivals that count first-slot wins only call it less biased than a clean judge."""
    first = mock_judge("noisy?first=.4")
    mirrored = [
        type(v)(choice=1 - v.choice) if isinstance(v.choice, int) else v
        for v in (first.answer(c.case.reordered((1, 0)), c.sample) for c in quick.calls)
    ]  # the same judge, shown the answers the other way round: it takes the second slot
    found = analyse(quick, mirrored)
    swap = found.findings["order.swap"]
    assert swap.decision == "violated"
    assert swap.effect is not None
    assert swap.effect == pytest.approx(-0.4, abs=0.15)


def test_effects_are_what_was_planted(quick: Plan) -> None:
    """Mean over audits of the measured effect against the analytic one, for pairs of equal features."""
    for spec, name in [("noisy?first=.3", "order.swap"), ("noisy?cited=.4", "authority.book")]:
        effects = []
        for seed in range(AUDITS):
            judge = mock_judge(spec, seed=seed)
            found = analyse(quick, [judge.answer(c.case, c.sample) for c in quick.calls])
            effects.append(found.findings[name].source_effect)
        # standard error of one audit about .035, of the mean .007
        truth = mock_judge(spec).planted_effect(PROBES.get(name))
        assert sum(e for e in effects if e is not None) / AUDITS == pytest.approx(truth, abs=0.035)


def test_the_grid_plants_the_effects_it_names(quick: Plan) -> None:
    """The analytic effect of every pairwise row that states one, on the probe that has to find it."""
    finder = {"order": "order.swap", "verbosity": "verbosity.filler", "authority": "authority.book"}
    checked = 0
    for row in GRID:
        stated = re.search(r"effect (\.\d+)", row.words)
        if row.task == "pairwise" and stated and row.family in finder:
            truth = mock_judge(row.spec).planted_effect(PROBES.get(finder[row.family]))
            assert truth == pytest.approx(float(stated[1]), abs=0.001), row.words
            checked += 1
    assert checked >= 6


def test_the_planted_plea_is_held_by_as_many_follow_ups_as_the_grid_says(quick: Plan) -> None:
    from voirdire.suites import selfcheck

    probe = next(p for p in quick.probes if p.probe.name == "phrases.full-marks")
    held = [i.follow_up is not None and selfcheck.PLEA in i.follow_up.responses[i.target] for i in probe.items]
    assert sum(held) / len(held) == pytest.approx(selfcheck._ENGLISH, abs=0.001)


def test_nulls_on_one_arm_make_a_finding_inconclusive(quick: Plan) -> None:
    """A judge that declines edited answers looks immune if nulls are dropped in silence."""
    judge = mock_judge("noisy?cited=.4")
    null = type(judge.answer(quick.calls[0].case, 0))(null="refused", reason="no")
    book = next(p for p in quick.probes if p.probe.name == "authority.book")
    assert book.follow_up is not None
    dropped = set(book.follow_up.calls.reshape(-1)[::3].tolist())
    verdicts = [null if i in dropped else judge.answer(c.case, c.sample) for i, c in enumerate(quick.calls)]
    finding = analyse(quick, verdicts).findings["authority.book"]
    assert (finding.decision, finding.reason) == ("inconclusive", "differential_nulls")
    assert finding.nulls["follow_up"] == len(dropped)


def test_a_locked_judge_does_not_look_robust(quick: Plan) -> None:
    judge = mock_judge("constant")
    found = analyse(quick, [judge.answer(c.case, c.sample) for c in quick.calls])
    assert found.findings["order.swap"].decision == "violated"
    for name in ("authority.book", "verbosity.filler", "typos.keyboard"):
        assert (found.findings[name].decision, found.findings[name].reason) == ("inconclusive", "position_locked")


def test_probabilities_can_be_read_behind_a_locked_verdict(quick: Plan) -> None:
    """A judge that names the first slot whatever it is shown, but is surer of it if the citation stands there."""

    def answers(sure: float) -> list[Verdict]:
        p = [sure + 0.25 * (has_citation(c.case.responses[0]) - has_citation(c.case.responses[1])) for c in quick.calls]
        return [Verdict(choice=0, probabilities={"0": min(q, 0.999), "1": 1 - min(q, 0.999)}) for q in p]

    hard, soft, certain = (
        analyse(quick, answers(0.75)).findings,
        analyse(quick, answers(0.75), soft=True).findings,
        analyse(quick, answers(2.0), soft=True).findings,
    )
    for found in (hard, soft, certain):
        assert found["order.swap"].decision == "violated"
    assert (soft["authority.book"].decision, soft["verbosity.filler"].decision) == ("violated", "holds")
    for found in (hard, certain):
        assert found["authority.book"].reason == found["verbosity.filler"].reason == "position_locked"


def test_a_sham_keeps_length_from_being_taken_for_content(quick: Plan) -> None:
    """A judge that likes length gains from any addition; the citation must not get the blame."""
    judge = mock_judge("noisy?longer=.5")
    found = analyse(quick, [judge.answer(c.case, c.sample) for c in quick.calls])
    book = found.findings["authority.book"]
    assert book.decision != "violated"
    assert book.source_effect is not None
    assert book.source_effect > 0.2
    assert book.sham_effect is not None
    assert book.sham_effect > 0.2


def test_an_unchanged_verdict_under_edits_is_not_blamed_for_chaos_elsewhere(quick: Plan) -> None:
    """A temperature-0 judge with chaotic answers flips on any edit, a blank included: typos and order are not why."""
    judge = mock_judge("noisy?accuracy=.75&fresh=0")
    found = analyse(quick, [judge.answer(c.case, c.sample) for c in quick.calls])
    assert found.noise.retest_flip_rate == 0
    assert found.findings["stability.neutral"].decision == "violated"
    assert found.findings["typos.keyboard"].decision != "violated"
    assert found.findings["order.swap"].decision != "violated"


def test_a_judge_that_punishes_typing_errors_is_caught_by_each_typo_probe() -> None:
    """Planted for INVARIANT: an answer with a word that no clean answer holds loses, whatever it says."""
    plan = make_plan("standard", 120)
    sources = {c for arm in [plan.sources.calls] for c in arm.reshape(-1).tolist()}
    known = {w for i in sources for text in plan.calls[i].case.responses for w in re.findall(r"\w+", text)}
    typos = [p for p in plan.probes if p.probe.family == "typos"]
    edited = {int(i) for p in typos if p.follow_up is not None for i in p.follow_up.calls.reshape(-1)}
    judge = mock_judge("noisy?accuracy=.85")
    verdicts = []
    for i, call in enumerate(plan.calls):
        verdict = judge.answer(call.case, call.sample)
        wrong = [any(w not in known for w in re.findall(r"\w+", text)) for text in call.case.responses]
        if i in edited and wrong.count(True) == 1:
            verdict = type(verdict)(choice=1 - wrong.index(True))
        verdicts.append(verdict)
    found = analyse(plan, verdicts).findings
    for probe in typos:
        finding = found[probe.probe.name]
        assert finding.decision == "violated"
        assert finding.effect is not None
        assert finding.effect < -0.3  # the better answer lost
    others = {f.family for f in found.values() if f.decision == "violated"} - {"typos"}
    assert not others


@pytest.mark.parametrize(("spec", "found"), [("noisy?sd=.1", False), ("noisy?sd=.1&cited=.3", True)])
def test_whole_marks_from_one_to_five(spec: str, found: bool) -> None:
    """A discrete scale loses what lies between its marks, not the decisions."""
    suite, scale = load_suite("quick"), Scale(1, 5)
    cases = [c.replace(label=1 + (float(c.label) - 1) * 4 / 9) for c in for_task(spread(builtin_cases(), 120), "score")]  # type: ignore[arg-type]
    plan = build_plan(suite, cases, task="score", scale=scale, followups=FollowUps())
    hits = 0
    for seed in range(10):
        judge = mock_judge(spec, task="score", scale=scale, seed=seed)
        answers = [judge.answer(c.case, c.sample) for c in plan.calls]
        marks = [Verdict(score=float(round(v.score))) if v.score is not None else v for v in answers]
        violated = {f.family for f in analyse(plan, marks).findings.values() if f.decision == "violated"}
        assert not violated - {"authority"}
        hits += "authority" in violated
    assert hits >= 9 if found else hits == 0
