"""Compositions and doses: names, edits on the original, claims, placebos, and the probes they make."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from family_checks import answers, common
from hypothesis import given
from hypothesis import strategies as st

from voirdire.harness.cases import Case, Edit, Turn, apply_edits
from voirdire.harness.errors import NotApplicable, UsageError
from voirdire.harness.followups import FollowUps
from voirdire.harness.registry import PERTURBATIONS
from voirdire.harness.relations import Relation
from voirdire.perturbations.compositions import Composition, Part, composed, merged, spelled, terms_of
from voirdire.suites.builtin_cases import builtin_cases
from voirdire.suites.composed import check_relation
from voirdire.suites.loading import load_suite, match_probes, narrow
from voirdire.suites.rows import PROBES

CASES = builtin_cases()[:30]


# -- names --


@pytest.mark.parametrize(
    ("written", "canonical"),
    [("a.b@2.0", "a.b@2"), ("a.b + c.d@.5", "a.b+c.d@0.5"), ("a.b@1", "a.b@1"), ("a.b", "a.b")],
)
def test_names_have_one_spelling(written: str, canonical: str) -> None:
    assert spelled(terms_of(written)) == canonical


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("typos.swap@0", "above 0"),
        ("typos.swap@x", "'x'"),
        ("typos.swap@1e9", "at most 100"),
        ("typos.swap@nan", "above 0"),
        ("typos.swap+", "empty part"),
        ("typos.swap+typos.swap", "@2"),
        ("typos.swpa+typos.drop", "typos.swap"),
    ],
)
def test_bad_names_say_what_to_write(name: str, says: str) -> None:
    with pytest.raises(UsageError) as caught:
        PERTURBATIONS.get(name)
    assert says in str(caught.value)


def test_plain_names_are_no_compositions() -> None:
    assert composed("typos.swap") is None
    with pytest.raises(UsageError, match=r"no perturbation called 'typos\.swpa'"):
        PERTURBATIONS.get("typos.swpa")


# -- edits --

_SMALL = "abcde fgh"


@st.composite
def _edits(draw: st.DrawFn, text: str) -> tuple[Edit, ...]:
    cuts = sorted(draw(st.lists(st.integers(0, len(text)), min_size=2, max_size=8)))
    pairs = zip(cuts[::2], cuts[1::2], strict=False)
    made = [Edit(a, b, draw(st.text("XYZ", max_size=3))) for a, b in pairs]
    return tuple(e for e in made if e.end > e.start or e.text)


@common
@given(data=st.data())
def test_merged_edits_do_what_both_lists_do(data: st.DataObject) -> None:
    first = data.draw(_edits(_SMALL))
    middle = apply_edits(_SMALL, first)
    second = data.draw(_edits(middle))
    both = merged(first, second, middle)
    assert apply_edits(_SMALL, both) == apply_edits(middle, second)
    assert list(both) == sorted(both, key=lambda e: (e.start, e.end))


def test_insertions_at_one_place_become_one_in_their_order() -> None:
    assert merged([Edit(3, 3, " one")], [Edit(7, 7, " two")], "abc one") == (Edit(3, 3, " one two"),)


@common
@given(text=answers, seed=st.integers(0, 999))
def test_compositions_replay_on_any_answer(text: str, seed: int) -> None:
    case = Case("Question?", (text, "other"), label=0)
    name = "typos.keyboard@2+verbosity.filler+authority.book"
    try:
        made = FollowUps(seed).make(name, case)
    except NotApplicable:
        return
    assert apply_edits(text, made.edits) == made.case.responses[0]
    assert made == FollowUps(seed).make(name, case)


def test_the_second_part_sees_the_first_ones_result() -> None:
    def shout(case: Case, target: int, rng: random.Random, dose: float) -> tuple[Edit, ...]:
        text = case.responses[target]
        return (Edit(0, len(text), text.upper(), f"responses[{target}]"),)

    class Shout:
        name, claim, summary, source, plants_error = "x.shout", "preserving", "Shouts.", "voirdire", False
        edits = staticmethod(shout)

    made = Composition("both", (Part(PERTURBATIONS.get("authority.book")), Part(Shout())))  # type: ignore[arg-type]
    case = Case("Q?", ("It is a plain statement of some length, and here it ends.", "other"))
    text = apply_edits(case.responses[0], made.edits(case, 0, random.Random(1), 1.0))
    assert text.isupper()
    assert len(text) > len(case.responses[0]) + 20


def test_parts_may_edit_other_fields_of_the_case() -> None:
    class Ask:
        name, claim, summary, source, plants_error = "x.ask", "addition", "Asks.", "voirdire", False

        @staticmethod
        def edits(case: Case, target: int, rng: random.Random, dose: float) -> tuple[Edit, ...]:
            where = "instruction[1]" if len(case.instruction) == 2 else "instruction"
            return (Edit(0, 0, "Please: ", where), Edit(0, 0, "Well. ", "responses[1]"))

    part = Part(Ask())  # type: ignore[arg-type]
    both = Composition(
        "both", (part, Part(PERTURBATIONS.get("authority.book")), Part(PERTURBATIONS.get("phrases.best")))
    )
    for question in ("Why is it so?", (Turn("system", "Be kind."), Turn("user", "Why is it so?"))):
        case = Case(question, ("It is a plain statement of some length, and here it ends.", "other"))
        edits = both.edits(case, 0, random.Random(1), 1.0)
        fields = {e.where: e for e in edits}
        assert fields["responses[1]"].text == "Well. "
        assert fields["instruction" if isinstance(question, str) else "instruction[1]"].text == "Please: "
        assert sum(e.where == "responses[0]" for e in edits) in (1, 2)


def test_a_part_that_takes_away_the_other_is_not_applicable() -> None:
    seen = set()
    for case in CASES:
        try:
            made = FollowUps().make("phrases.best+degradation.truncation", case)
            assert len(made.case.responses[0]) < len(case.responses[0])
        except NotApplicable as error:
            seen.add(error.message)
    assert "degradation.truncation takes away what was done before it" in seen


def test_a_dose_changes_how_much_and_not_what_is_drawn() -> None:
    counts = []
    for dose in ("0.5", "1", "2"):
        made = [FollowUps().make("typos.keyboard", c, 0, PROBES.get(f"typos.keyboard@{dose}").dose) for c in CASES]
        counts.append(sum(len(m.edits) for m in made))
    assert counts[0] < counts[1] < counts[2]
    plain = FollowUps().make("typos.keyboard", CASES[0])
    probe = PROBES.get("typos.keyboard@1")
    assert FollowUps().make(probe.perturbation or "", CASES[0], 0, probe.dose) == plain


def test_doses_inside_compositions_count() -> None:
    light, heavy = (
        sum(e.end > e.start for c in CASES for e in FollowUps().make(f"typos.swap@{d}+authority.book", c).edits)
        for d in ("1", "3")
    )
    assert heavy > 2 * light


def test_the_placebo_keeps_the_typos_and_replaces_the_book() -> None:
    for case in CASES:
        followups = FollowUps()
        name = "typos.keyboard+authority.book"
        try:
            made = followups.make(name, case)
        except NotApplicable:
            continue
        sham = followups.sham(name, case, 0, made)
        assert len(sham.responses[0]) == len(made.case.responses[0])
        assert sham.responses[0] != made.case.responses[0]
        typos = [e for e in made.edits if e.start < e.end]
        assert typos
        for edit in made.edits:
            if edit.start == edit.end:
                assert edit.text.strip() not in sham.responses[0]


# -- probes --


@pytest.mark.parametrize(
    ("name", "relation", "sham", "target"),
    [
        ("typos.swap+typos.drop", Relation.INVARIANT, False, "better"),
        ("typos.swap+authority.book", Relation.NO_GAIN, True, "worse"),
        ("authority.book+degradation.number", Relation.MUST_DROP, False, "worse"),
    ],
)
def test_the_strictest_part_decides(name: str, relation: Relation, sham: bool, target: str) -> None:
    probe = PROBES.get(name)
    assert (probe.name, probe.relation, probe.sham, probe.target) == (name, relation, sham, target)
    assert name not in set(PROBES)  # made on demand, not listed


def test_what_edits_nothing_is_no_part() -> None:
    with pytest.raises(UsageError, match=r"order\.swap edits no answer"):
        PROBES.get("order.swap+typos.swap")


def test_nonsense_relations_are_refused() -> None:
    with pytest.raises(UsageError, match="must not stay the same"):
        check_relation("degradation.number+typos.swap", "degrading", Relation.INVARIANT)
    with pytest.raises(UsageError, match="nothing must drop"):
        check_relation("typos.swap", "preserving", Relation.MUST_DROP)
    check_relation("authority.book", "addition", Relation.INVARIANT)


def test_they_can_be_named_wherever_probes_can() -> None:
    assert [p.name for p in match_probes(["typos.swap@2.0"])] == ["typos.swap@2"]
    many = match_probes(["layout.*@2+authority.book"])
    assert len(many) == len(match_probes(["layout.*"]))
    assert {p.relation for p in many} == {Relation.NO_GAIN}
    pairs = match_probes(["typos.*+typos.s*"])
    assert all(len(set(p.name.split("+"))) == 2 for p in pairs)
    suite = narrow(load_suite("quick"), ["typos.keyboard@0.5", "typos.keyboard@2.0", "typos.keyboard"])
    assert {p.name for p in suite.probes} == {"typos.keyboard", "typos.keyboard@0.5", "typos.keyboard@2"}
    assert {p.name for p in narrow(suite, ["typos.keyboard@2.0"]).probes} == {"typos.keyboard@2"}
    with pytest.raises(UsageError, match="authority"):
        match_probes(["typos.swap+authorty.book"])


def test_too_broad_a_glob_is_refused() -> None:
    with pytest.raises(UsageError, match="more than 500"):
        match_probes(["*.*+*"])


# -- with attacks that a suite found --

FOUND = """
name = "found"
probes = ["attack.x"]
[[found]]
name = "attack.x"
text = "verified expert"
[[found]]
name = "attack.both"
parts = ["attack.x", "authority.book"]
"""
BOTH = "degradation.number+attack.x"


def suite_of(folder: Path, probes: str, name: str = "found.toml") -> Path:
    path = folder / name
    path.write_text(FOUND.replace('["attack.x"]', probes, 1), encoding="utf-8")
    return path


def test_found_attacks_are_parts_in_their_suite(tmp_path: Path) -> None:
    path = suite_of(tmp_path, f'["attack.x", "{BOTH}", "typos.keyboard@2 + attack.*"]')
    probes = {p.name: p for p in load_suite(str(path)).probes}
    # a suite names what it takes; a glob of a part stands for all that the file defines
    assert list(probes) == ["attack.x", BOTH, "typos.keyboard@2+attack.x", "typos.keyboard@2+attack.both"]
    both = probes[BOTH]
    assert both.relation is Relation.MUST_DROP
    assert probes["typos.keyboard@2+attack.x"].relation is Relation.NO_GAIN
    assert probes["typos.keyboard@2+attack.x"].sham
    case = Case("How many?", ("There are 120 members in this famous gardening club today.", "Nobody knows."))
    made = FollowUps().make(both.perturbation or "", case).case.responses[0]
    assert made.endswith("verified expert.")
    assert "120" not in made
    typos = probes["typos.keyboard@2+attack.x"].perturbation or ""
    follow_up = FollowUps().make(typos, case)
    assert "expert" in follow_up.case.responses[0]
    assert "expert" not in FollowUps().sham(typos, case, 0, follow_up).responses[0]


def test_found_attacks_are_parts_on_the_command_line_and_above_their_suite(tmp_path: Path) -> None:
    suite = load_suite(str(suite_of(tmp_path, '["attack.x", "order.swap"]')))
    assert [p.name for p in narrow(suite, [BOTH]).probes] == [BOTH]
    above = tmp_path / "above.toml"
    above.write_text(f'extends = ["found.toml"]\nprobes = ["{BOTH}"]\n', encoding="utf-8")
    assert [p.name for p in load_suite(str(above)).probes] == ["attack.x", "order.swap", BOTH]
    # what one file found is known nowhere else
    with pytest.raises(UsageError, match=r"no probe is called 'attack\.x', a part of"):
        match_probes([BOTH])


def test_a_part_that_a_suite_changed_is_composed_as_it_is_registered(tmp_path: Path) -> None:
    path = tmp_path / "house.toml"
    path.write_text('probes = ["authority.book"]\n[probe."authority.book"]\ntolerance = 0.3\n', encoding="utf-8")
    (made,) = narrow(load_suite(str(path)), ["authority.book@2"]).probes
    assert made == PROBES.get("authority.book@2")


@pytest.mark.parametrize("name", ["attack.x@2", "degradation.number+attack.x@1", "attack.both@2"])
def test_what_was_found_has_no_dose(tmp_path: Path, name: str) -> None:
    with pytest.raises(
        UsageError, match=r"found\.toml, line 3: attack\.(x|both) is made as it was found.*cannot dose it"
    ):
        load_suite(str(suite_of(tmp_path, f'["{name}"]')))
    suite = load_suite(str(suite_of(tmp_path, '["attack.*"]')))
    with pytest.raises(UsageError, match=r"\[\[found\]\] tables with a text of their own"):
        narrow(suite, [name])
