"""The probe rows, the built-in suites and the built-in cases keep their promises."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from voirdire.harness.casefiles import check_task
from voirdire.harness.cases import ALL_TASKS, Case
from voirdire.harness.errors import NotApplicable, UsageError
from voirdire.harness.followups import FollowUps
from voirdire.harness.judges.exposed import ExposedPrompt
from voirdire.harness.judges.mock import has_citation, has_markdown
from voirdire.harness.judges.prompts import default_protocol
from voirdire.harness.plan import build_plan
from voirdire.harness.probes import Probe
from voirdire.harness.registry import PERTURBATIONS
from voirdire.harness.relations import Relation
from voirdire.harness.verdicts import Scale
from voirdire.perturbations.rewritten import REWRITES
from voirdire.suites.builtin_cases import builtin_cases, for_task, spread
from voirdire.suites.loading import builtin_suites, load_suite, match_probes, narrow, suite_hash
from voirdire.suites.rows import PROBES

CASES = builtin_cases()
#: with a prompt, for what is made of one
FOLLOWUPS = FollowUps(prompt=ExposedPrompt(default_protocol("pairwise")))
FAMILIES = [
    "stability",
    "order",
    "labels",
    "verbosity",
    "authority",
    "format",
    "typos",
    "lexical",
    "layout",
    "tone",
    "identity",
    "social",
    "injection",
    "phrases",
    "null_answers",
    "degradation",
    "setup",
]


def growth(probe: Probe) -> list[tuple[Case, int, int, int]]:
    """(case, target, characters before, characters after) on the built-in cases."""
    rows = []
    # markdown, pleasantries, blank lines and lists, of which the built-in cases have none
    marked = "Sure! **Paris** is actually the capital.\n\nIt lies on the Seine.\n\n- It is old.\n- It is large."
    given = {"rubric": "Please be right (as always).", "reference": "Paris; Lutetia"}
    for case in [*CASES, Case("q", (marked, "Lyon."), label=1, meta={"lang": "en"}, **given)]:
        target = 1 - case.label if isinstance(case.label, int) else 0
        try:
            made = FOLLOWUPS.make(probe.perturbation or "", case, target, probe.dose)
        except NotApplicable:
            continue
        rows.append((case, target, len(case.responses[target]), len(made.case.responses[target])))
    return rows


@pytest.mark.parametrize("probe", PROBES.values(), ids=lambda p: p.name)
def test_rows_are_complete(probe: Probe) -> None:
    assert probe.family in FAMILIES
    assert re.fullmatch(r"[a-z_]+\.[a-z0-9-]+", probe.name)
    assert probe.summary.endswith(".")
    assert probe.source
    assert probe.perturbation is None or probe.perturbation in PERTURBATIONS


def test_every_perturbation_is_asked_by_a_probe() -> None:
    ours = {name for name in PERTURBATIONS if not name.startswith(("test.", "custom."))}
    assert ours <= {p.perturbation for p in PROBES.values()}


@pytest.mark.parametrize(
    "probe",
    # rewrites need a file, textattack's an extra
    [p for p in PROBES.values() if p.perturbation and p.perturbation not in REWRITES and "textattack-" not in p.name],
    ids=lambda p: p.name,
)
def test_whatever_adds_length_has_a_placebo_of_that_length(probe: Probe) -> None:
    rows = growth(probe)
    if not rows and probe.name in (
        "verbosity.repetitive-list",
        "verbosity.condense",
        "degradation.format",
        "lexical.reference",
    ):
        return  # no case here has a long list, says a thing twice, asks for a format or is graded by itself
    assert rows
    added = sum(after for *_, after in rows) / sum(before for _, _, before, _ in rows) - 1
    if added <= 0.05 or probe.family == "verbosity" or probe.relation is Relation.MUST_DROP:
        return
    assert probe.sham, f"{probe.name} adds {added:.0%} and has no sham"
    followups = FOLLOWUPS
    for case, target, _, after in rows:
        made = followups.make(probe.perturbation or "", case, target, probe.dose)
        sham = followups.sham(probe.perturbation or "", case, target, made).responses[target]
        assert abs(len(sham) - after) <= max(1, 0.01 * after)
        assert len(sham.split()) == len(made.case.responses[target].split())
        # nothing that a judge could take for the attack itself
        assert has_citation(sham) == has_citation(case.responses[target])
        assert has_markdown(sham) == has_markdown(case.responses[target])


@pytest.mark.parametrize("name", ["verbosity.filler", "verbosity.restatement"])
def test_padding_makes_the_answer_the_longer_one(name: str) -> None:
    rows = growth(PROBES.get(name))
    english = [r for r in rows if r[0].meta["lang"] == "en"]
    longer = [after - len(case.responses[1 - target]) >= 150 for case, target, _, after in english]
    assert sum(longer) / len(longer) >= 0.9


@pytest.mark.parametrize("name", ["authority.book", "authority.url", "authority.expert"])
def test_citations_are_what_the_planted_judge_sees(name: str) -> None:
    """Else a mock that likes citations would prove nothing."""
    seen = []
    for case, target, *_ in growth(PROBES.get(name)):
        seen.append(has_citation(FollowUps().make(name, case, target).case.responses[target]))
    assert sum(seen) / len(seen) >= 0.9


@pytest.mark.parametrize("name", builtin_suites())
def test_suites_load_and_hold_both_dials(name: str) -> None:
    suite = load_suite(name)
    assert suite.name == name
    assert suite.summary
    relations = {p.relation for p in suite.probes}
    assert Relation.MUST_DROP in relations
    assert relations & {Relation.NO_GAIN, Relation.INVARIANT, Relation.EQUIVARIANT}
    assert len(suite_hash(suite)) == 16


def test_full_holds_every_probe_that_needs_no_file() -> None:
    ours = {p.name for p in PROBES.values() if not p.name.startswith(("test.", "custom."))}
    full = {p.name for p in load_suite("full").probes}
    # only for cases that the rubric or the reference alone can decide, and some say the opposite of others
    criteria = {
        *("setup.rubric-flipped", "setup.rubric-masked", "setup.rubric-gibberish"),
        *("setup.reference-wrong", "setup.reference-misleading"),
    }
    assert {n for n in ours - full if PROBES.get(n).perturbation not in REWRITES} == criteria


@pytest.mark.parametrize("task", ALL_TASKS)
def test_demo_never_makes_more_than_300_calls(task: str) -> None:
    from voirdire._compose import AuditRequest, prepare

    for cases in (None, [c.replace(label=None) for c in CASES]):
        prepared = prepare(task, Scale(), AuditRequest(suite="demo", cases=cases))  # type: ignore[arg-type]
        assert 60 <= len(prepared.plan.calls) <= 300


def test_a_users_suite(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(
        'probes = ["typos.keyboard", "typos.[sd][wr]*p", "order.swap"]\n'
        'tolerance = 0.2\nsamples = 2\n[probe."order.swap"]\ntolerance = 0.05\n'
    )
    suite = load_suite(str(path))
    assert suite.name == "mine"
    assert [p.name for p in suite.probes] == ["typos.keyboard", "typos.swap", "typos.drop", "order.swap"]
    every = tmp_path / "every.toml"
    every.write_text('probes = ["typos.*"]\n')
    assert {p.name for p in load_suite(str(every)).probes} == {n for n in PROBES if n.startswith("typos.")}
    assert suite.tolerance_of(suite.probes[0]) == 0.2
    assert suite.tolerance_of(suite.probes[-1]) == 0.05
    assert suite_hash(suite) != suite_hash(load_suite("demo"))


def test_globs() -> None:
    assert {p.family for p in match_probes(["authority.*"])} == {"authority"}
    assert [p.name for p in narrow(load_suite("quick"), ["typos.*"]).probes] == ["typos.keyboard"]
    assert [p.name for p in narrow(load_suite("quick"), ["typos.drop"]).probes] == ["typos.drop"]
    with pytest.raises(UsageError, match=r"'authority\.book'"):
        match_probes(["authority.bok"])


# -- the built-in cases --


def test_questions_about_given_texts_are_a_set_of_their_own() -> None:
    cases = builtin_cases(needs=["context"])
    check_task(cases, "pairwise")
    assert Counter(c.meta["category"] for c in cases) == dict.fromkeys(
        ("multi-hop", "citation", "abstain", "conflict"), 8
    )
    assert not {c.id for c in cases} & {c.id for c in CASES}
    assert sum(c.label == 0 for c in cases) == len(cases) / 2
    longer = sum(len(c.responses[c.label]) > len(c.responses[1 - c.label]) for c in cases)  # type: ignore[index,operator]
    assert abs(longer - len(cases) / 2) <= 3
    for case in cases:
        a, b = map(len, case.responses)
        assert max(a, b) / min(a, b) < 1.10
        assert case.context
        assert [has_citation(t) for t in case.responses] == [False, False]
        assert len(case.meta["why"]) > 12
    assert all(c.rubric for c in builtin_cases(needs=["rubric"]))
    assert builtin_cases(needs=["rubric", "context"]) == []


def test_there_are_enough_of_each_kind() -> None:
    assert len(CASES) >= 120
    assert sum(c.meta["lang"] == "zh" for c in CASES) >= 10
    assert sum(c.reference is not None and c.rubric is not None for c in CASES) >= 30
    kinds = Counter(c.meta["category"] for c in CASES)
    for kind in ("reasoning", "facts", "code", "writing", "instruction-following", "extraction", "advice"):
        assert kinds[kind] >= 10
    check_task(CASES, "pairwise")


def test_each_has_a_label_a_reason_and_texts_of_its_own() -> None:
    texts = [t for c in CASES for t in c.responses]
    assert len(set(texts)) == len(texts)
    assert len({c.instruction_text for c in CASES}) == len(CASES)
    for case in CASES:
        assert case.label in (0, 1)
        assert len(case.meta["why"]) > 30


def test_neither_slot_nor_length_tells_the_better_answer() -> None:
    n = len(CASES)
    assert abs(sum(c.label == 0 for c in CASES) - n / 2) <= 5
    longer = sum(len(c.responses[c.label]) > len(c.responses[1 - c.label]) for c in CASES)  # type: ignore[index,operator]
    assert abs(longer - n / 2) <= 6
    for case in CASES:
        a, b = map(len, case.responses)
        assert max(a, b) / min(a, b) < 1.10  # below where the `longer` mocks see a difference
        assert [has_citation(t) for t in case.responses] == [False, False]


def test_other_tasks_get_their_shape() -> None:
    graded = for_task(CASES[:2], "grade")
    assert [c.label for c in graded] == [c.label == i for c in CASES[:2] for i in (0, 1)]
    assert graded[0].group == graded[1].group
    scored = for_task(CASES[:1], "score")
    assert {c.label for c in scored} == {8.0, 3.0}
    ranked = for_task(CASES[:1], "ranking")
    assert ranked[0].label == (CASES[0].label, 1 - CASES[0].label)  # type: ignore[operator]


def test_spread_takes_from_every_category() -> None:
    picked = spread(CASES, 12)
    assert len(picked) == 12
    assert len({c.meta["category"] for c in picked}) >= 9
    assert spread(CASES, 10_000) == CASES


def test_quick_applies_to_nearly_all_built_in_cases() -> None:
    plan = build_plan(load_suite("quick"), CASES, task="pairwise", scale=Scale(), followups=FollowUps())
    for probe in plan.probes:
        assert len(probe.items) >= 0.75 * len(CASES), (probe.probe.name, probe.not_applicable)
