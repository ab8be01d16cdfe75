"""Strategies give valid things, reach every corner they promise, and shrink to what a reader would write down."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from random import Random
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st

from voirdire import strategies as vds
from voirdire.harness.casefiles import check_task, parse_case
from voirdire.harness.cases import ALL_TASKS, Case, Edit, Task, apply_edits, with_edits
from voirdire.harness.errors import UsageError
from voirdire.harness.verdicts import Scale
from voirdire.perturbations.spans import boundary

common = settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], database=None)
# without the phase that explains a failure: it draws anew, and what it happens upon may replace what was shrunk
search = settings(max_examples=2000, database=None, phases=[Phase.generate, Phase.shrink])
# what a search begins with depends even on the modules that happen to be loaded: what holds, holds from anywhere
from_anywhere = pytest.mark.parametrize("seed", range(8))
T = TypeVar("T")
CASE = Case("Why?", ("The sky is blue, and the sea is green. It has 12 shades.", "Nobody knows."), label=0, id="c")


def shrunk(strategy: st.SearchStrategy[T], condition: Callable[[T], bool], seed: int) -> T:
    return find(strategy, condition, settings=search, random=Random(seed))


@pytest.mark.parametrize("task", ALL_TASKS)
@common
@given(data=st.data())
def test_cases_are_valid(task: Task, data: st.DataObject) -> None:
    case = data.draw(vds.cases(task, max_words=10, scale=Scale(0, 5)))
    check_task([case], task)
    label = case.label
    record = {**case.shown(), "label": list(label) if isinstance(label, tuple) else label}
    assert parse_case(record) == case
    assert all(text for text in case.responses)
    if label is not None:
        assert {
            "pairwise": label in (0, 1, "tie"),
            "score": isinstance(label, float) and label in Scale(0, 5),
            "grade": isinstance(label, bool),
            "ranking": isinstance(label, tuple) and sorted(label) == list(range(len(case.responses))),
        }[task]


@common
@given(vds.cases(scripts=["latin"], max_words=3, labelled=False))
def test_words_and_labels_can_be_limited(case: Case) -> None:
    assert case.label is None
    assert all(len(text.split()) <= 3 for text in case.responses)
    assert all(ord(c) < 0x250 for c in "".join(case.responses))


@pytest.mark.parametrize("sign", ["的", "ا", "א", "я", "स", "가", "🇩🇪", "```", "**", "\r\n", "| 2 | 3 |", "\u200d"])
def test_every_script_and_shape_is_reached(sign: str) -> None:
    find(vds.cases(), lambda c: sign in "".join(c.responses), settings=settings(search, phases=[Phase.generate]))


@from_anywhere
def test_cases_shrink_to_little_text(seed: int) -> None:
    plain = shrunk(vds.cases(max_words=3), lambda c: True, seed)
    assert plain.responses == ("0.", "0.")
    assert (plain.instruction, plain.label, plain.reference) == ("0.", None, None)
    latin = vds.cases(labelled=True, max_words=4, scripts=["latin"])
    long = shrunk(latin, lambda c: len(c.responses[1].split()) >= 3, seed)
    assert long.responses == ("0.", "0 0 0.")
    assert long.label == 0
    chinese = shrunk(vds.cases("score", max_words=2), lambda c: "的" in c.responses[0], seed)
    assert chinese.responses == ("的。",)


@common
@given(vds.perturbed(vds.cases(max_words=12)))
def test_perturbed_cases_replay(pair: vds.Perturbed) -> None:
    assert with_edits(pair.source, pair.edits) == pair.case
    assert pair.case != pair.source
    assert pair.case.label == pair.source.label


@from_anywhere
def test_perturbed_shrinks_to_one_edit_of_the_plainest_family(seed: int) -> None:
    pair = shrunk(vds.perturbed(CASE), lambda p: True, seed)
    assert pair.name == "stability.neutral"
    assert len(pair.edits) == 1
    typo = shrunk(vds.perturbed(CASE, families=["typos"], doses=[8.0]), lambda p: p.target == 0, seed)
    assert len(typo.edits) == 1
    # Responses of one length, and texts of a family that is no shorter at dose 1 than at .5: otherwise what holds of
    # the second response or of another dose need not hold of the first, and shrinking rightly ends where it does.
    alike = Case("Why?", (CASE.responses[0], CASE.responses[0]), id="alike")
    much = len(alike.responses[0]) + 12
    phrased = vds.perturbed(alike, families=["phrases"])
    longer = shrunk(phrased, lambda p: len(p.case.responses[p.target]) > much, seed)
    assert longer.dose == 1.0
    assert longer.target == 0
    assert len(longer.edits) == 1


@from_anywhere
def test_several_edits_are_drawn_whole_most_of_the_time(seed: int) -> None:
    many = shrunk(vds.perturbed(CASE, families=["typos"], doses=[8.0]), lambda p: len(p.edits) >= 3, seed)
    assert len(many.edits) == 3  # shrunk from more


def test_families_choose() -> None:
    def names(*families: str) -> set[str]:
        seen: set[str] = set()

        @settings(search, max_examples=80)
        @given(vds.perturbed(CASE, families=families))
        def draw(pair: vds.Perturbed) -> None:
            seen.add(pair.name)

        draw()
        return seen

    authority = names("authority")
    assert authority >= {"authority.book", "authority.expert", "authority.quote", "authority.url"}
    assert all(name.startswith("authority.") for name in authority)
    assert names("phrases.raina-*", "authority.url") >= {"phrases.raina-absolute", "authority.url"}


TEXTS = st.sampled_from(["", " ", "one", "one two three", "这个很好。", "שלום עולם", "e\u0301 👩‍💻 ok\n", "\u0301x y"])


@common
@given(st.data())
def test_edits_replay(data: st.DataObject) -> None:
    text = data.draw(TEXTS)
    least = data.draw(st.integers(0, 1))
    drawn = data.draw(vds.edits(text, min_size=least, max_size=3, inserted=st.text(min_size=1, max_size=3)))
    assert least <= len(drawn) <= 3
    apply_edits(text, drawn)
    assert list(drawn) == sorted(drawn, key=lambda e: (e.start, e.end))
    for edit in drawn:
        assert text[edit.start : edit.end] != edit.text
        assert boundary(text, edit.start)
        assert edit.end == len(text.rstrip()) or boundary(text, edit.end)


def test_edits_can_fill_all_the_room_there_is() -> None:
    text = "one two three four five six"
    full = find(vds.edits(text, min_size=7, max_size=7), lambda e: True, settings=search)
    assert apply_edits(text, full).strip() == "x"  # all words deleted, and one put at the end


@from_anywhere
def test_edits_shrink_to_few_and_early_ones(seed: int) -> None:
    assert shrunk(vds.edits("one two three"), lambda e: True, seed) == ()
    assert shrunk(vds.edits("one two three", min_size=1), lambda e: True, seed) == (Edit(0, 3, "", "responses[0]"),)
    words = vds.phrases(["fine", "best"])
    drawn = shrunk(vds.edits("one two", inserted=words), lambda e: "best" in apply_edits("one two", e), seed)
    assert drawn == (Edit(0, 3, "best", "responses[0]"),)


@from_anywhere
def test_phrases(seed: int) -> None:
    words = vds.phrases(["good", "better", "best"], max_words=3)
    assert shrunk(words, lambda p: True, seed) == "good"
    assert shrunk(words, lambda p: "best" in p and "better" in p, seed) in ("better best", "best better")
    assert len(shrunk(words, lambda p: p.count(" ") == 2, seed).split()) == 3
    assert shrunk(vds.phrases(["满", "分"], between=""), lambda p: len(p) == 3, seed) == "满满满"


@from_anywhere
def test_they_compose(seed: int) -> None:
    strategy = vds.cases("score", max_words=2, scripts=["latin"]).flatmap(
        lambda case: st.tuples(st.just(case), vds.edits(case.responses[0], min_size=1))
    )
    case, drawn = shrunk(strategy, lambda pair: True, seed)
    assert apply_edits(case.responses[0], drawn) == ""


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: vds.cases("rank"), "no task called 'rank'"),  # type: ignore[arg-type]
        (lambda: vds.cases(scripts=["klingon"]), "no script called 'klingon'"),
        (lambda: vds.cases(max_words=0), "max_words is 0"),
        (lambda: vds.perturbed(CASE, families=["typo"]), "no perturbation matches 'typo'"),
        (lambda: vds.perturbed(CASE, families="typos"), "must be a list"),
        (lambda: vds.perturbed(CASE, doses=[0.0]), "above 0"),
        (lambda: vds.edits("one", min_size=3), "min_size is 3"),
        (lambda: vds.phrases([]), "vocabulary"),
        (lambda: vds.phrases("abc"), "vocabulary"),
        (lambda: vds.phrases(["a"], max_words=0), "max_words is 0"),
    ],
)
def test_wrong_arguments_are_refused_at_once(make: object, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        make()  # type: ignore[operator]


def test_without_hypothesis_the_extra_is_named() -> None:
    code = "import sys; sys.modules['hypothesis'] = None; import voirdire.strategies"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "ImportError: voirdire.strategies needs Hypothesis: pip install 'voirdire[pytest]'" in done.stderr


def test_what_is_aimed_at_a_judges_prompt_is_named_as_such() -> None:
    with pytest.raises(UsageError, match=r"'injection\.echo' is made of a judge's prompt"):
        vds.perturbed(CASE, families=["injection.echo"])
    vds.perturbed(CASE, families=["injection"])
