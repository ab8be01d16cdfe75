"""What every registered perturbation keeps to, over markdown, code, Chinese, emoji and plain noise."""

from __future__ import annotations

import itertools
import random
import unicodedata

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from making import make, placebo

import voirdire.perturbations as perturbations
from voirdire.harness.cases import Case, Edit, FollowUp, apply_edits
from voirdire.harness.errors import NotApplicable, UsageError
from voirdire.harness.followups import rng_for
from voirdire.harness.registry import PERTURBATIONS
from voirdire.perturbations import perturbation
from voirdire.perturbations.base import Place, TextPerturbation, language_of
from voirdire.perturbations.draws import below, pick, sample, shuffled
from voirdire.perturbations.spans import analyse, boundary

NAMES = sorted(n for n in PERTURBATIONS if not n.startswith(("test.", "custom.")))  # other tests register those
#: those of a whole case have their properties in test_identity_family.py and test_social_family.py
IN_ONE_ANSWER = [n for n in NAMES if isinstance(PERTURBATIONS.get(n), TextPerturbation)]
#: these aim at blanks or take some away with what they cut
CHANGES_BLANKS = (
    *("format.concise", "format.stripped", "format.table", "layout.blank-lines", "layout.collapsed"),
    *("layout.crlf", "layout.no-break-blanks", "layout.sentence-lines", "layout.tabs", "typos.join-words"),
    *("lexical.contract", "verbosity.condense"),
)
#: these aim at what the others protect: numbers, line endings inside of code
AIMS_AT_PROTECTED = ("layout.crlf", "lexical.figures-to-words")
#: these leave sentences out, and what replaces an answer keeps nothing of it
KEEPS_NO_LENGTH = tuple(
    n
    for n in NAMES
    if n in ("degradation.truncation", "degradation.remove", "degradation.length", "degradation.gender-remark")
    or n.startswith("null_answers.")
)
#: these move or replace whole sentences, so marks stand elsewhere
MOVES_MARKS = (*KEEPS_NO_LENGTH, "verbosity.condense", "degradation.shuffle", "degradation.contradict")
PLANTS_ERRORS = (
    *(f"degradation.{kind}" for kind in ("number", "negation", "antonym", "arithmetic", "contradict", "entity")),
    *("degradation.copied-number", "degradation.final-answer", "degradation.unit", "degradation.subtle-error"),
    *("lexical.antonyms", "setup.rubric-flipped", "setup.reference-wrong"),
)
PIECES = [
    "The energy is stored in sugar.",
    "It does not need light, but you can use it.",
    "There are 12 apples and 1,250.75 pears in 1987.",
    "Therefore, the answer is 42.",
    "don't don’t",
    "```python\nfor i in range(10):\n    print(i)\n```",
    "```\nnever closed 7",
    "`x is 5`",
    "$x^2 = 49$",
    r"\(y is 3\) and \boxed{17}",
    "https://example.org/a/is/12",
    "someone@example.org",
    "[link](https://example.org/is)",
    "| a is 1 | b |\n|---|---|\n| 2 | 3 |",
    "1. First item is here.\n2. Second item is there.",
    "## Heading is 5",
    "**bold is** and *em*",
    "<b>is</b>",
    "这是一个例子，共有35个。",
    "它不是免费的，但是可以使用。",
    "👩\u200d💻 is 👍🏽 🇩🇪",
    "cafe\u0301 is e\u0301",
    "हिन्दी में is",
    "\r\n",
    "\n\n",
    "  ",
    "\t",
    "-",
    "Is it so?",
    "If it is so, it can be 5 % or 100%.",
    "\u200d",
    "\u0301",
]
texts = st.one_of(
    st.lists(st.sampled_from(PIECES), max_size=14).flatmap(
        lambda parts: st.lists(st.sampled_from([" ", "\n", "", "\n\n"]), min_size=len(parts), max_size=len(parts)).map(
            lambda gaps: "".join(itertools.chain.from_iterable(zip(parts, gaps, strict=True)))
        )
    ),
    st.text(max_size=120),
)
common = settings(suppress_health_check=[HealthCheck.too_slow])


def follow_up(name: str, case: Case, seed: int, dose: float = 1.0) -> FollowUp | None:
    try:
        return make(name, case, 0, seed, dose)
    except NotApplicable as error:
        reason = error.message
    assert reason
    assert reason[0].islower()  # it has to read well behind "not applicable: "
    return None


@pytest.mark.parametrize("name", IN_ONE_ANSWER)
@common
@given(text=texts, other=texts, seed=st.integers(0, 2**64), dose=st.sampled_from([0.5, 1.0, 3.0]))
def test_general_properties(name: str, text: str, other: str, seed: int, dose: float) -> None:
    case = Case("Question?", (text, other), label=0)
    made = follow_up(name, case, seed, dose)
    if made is None:
        return
    chosen = PERTURBATIONS.get(name)
    result = made.case.responses[0]
    assert made == follow_up(name, case, seed, dose)
    assert made.case.responses[1] == other
    assert made.case.instruction == case.instruction
    assert made.target == 0
    assert result != text
    assert apply_edits(text, made.edits) == result
    for edit in made.edits:
        assert edit.where == "responses[0]"
        assert text[edit.start : edit.end] != edit.text
        assert boundary(text, edit.start)
        assert boundary(text, edit.end)
    if chosen.claim in ("addition", "attack"):
        assert all(e.start == e.end for e in made.edits)
    if chosen.claim != "degrading":
        assert name in AIMS_AT_PROTECTED or not _touched(text, made.edits)
        # every blank and line break of the source is still there, in order
        blanks = [[c for c in t if c.isspace()] for t in (text, result)]
        assert name in CHANGES_BLANKS or _is_subsequence(*blanks)
    elif name not in KEEPS_NO_LENGTH:
        assert abs(len(result) - len(text)) <= 0.05 * len(text)
    marks = [c for c in text if unicodedata.combining(c)]
    if name not in MOVES_MARKS:
        assert marks == [c for c in result if unicodedata.combining(c)][: len(marks)]


def _touched(text: str, edits: tuple[Edit, ...]) -> list[str]:
    return [
        text[a:b]
        for a, b in analyse(text).protected
        for e in edits
        if (a < e.start < b if e.start == e.end else e.start < b and a < e.end)
    ]


def _is_subsequence(short: list[str], long: list[str]) -> bool:
    rest = iter(long)
    return all(c in rest for c in short)


@pytest.mark.parametrize("name", NAMES)
@common
@given(text=texts, seed=st.integers(0, 2**32))
def test_shams_match_in_length(name: str, text: str, seed: int) -> None:
    case = Case("Question?", (text, "other"), label=0)
    made = follow_up(name, case, seed)
    if made is None:
        return
    chosen = PERTURBATIONS.get(name)
    sham = placebo(name, case, 0, seed)
    if chosen.claim in ("preserving", "degrading") or name.startswith("verbosity."):
        assert sham is None
        return
    assert sham is not None
    assert [(e.start, e.end, e.where) for e in sham] == [(e.start, e.end, e.where) for e in made.edits]
    for real, neutral in zip(made.edits, sham, strict=True):
        assert len(neutral.text) == len(real.text)
        assert len(neutral.text.split()) == len(real.text.split())
        assert neutral.text != real.text


@pytest.mark.parametrize("name", ["verbosity.filler", "verbosity.restatement"])
@common
@given(text=texts, other=texts, seed=st.integers(0, 2**32), alone=st.booleans())
def test_verbosity_outgrows_the_opponent(name: str, text: str, other: str, seed: int, alone: bool) -> None:
    case = Case("Question?", (text,) if alone else (text, other))
    made = follow_up(name, case, seed)
    if made is None:
        return
    margin = 150 if language_of(case, 0) == "en" else 80
    rival = len(text if alone else other)
    result = made.case.responses[0]
    assert len(result) >= rival + margin
    assert len(result) >= 1.35 * rival
    assert len(result) >= len(text) + margin


@pytest.mark.parametrize("name", NAMES)
def test_is_described(name: str) -> None:
    chosen = PERTURBATIONS.get(name)
    assert chosen.name == name
    assert chosen.summary.endswith(".")
    assert chosen.summary.count(".") == 1
    assert chosen.source == "voirdire" or "arXiv:" in chosen.source
    assert chosen.plants_error == (name in PLANTS_ERRORS or name.startswith("null_answers."))


def test_all_families_are_registered() -> None:
    expected = {
        "stability": ["neutral"],
        "verbosity": ["filler", "restatement"],
        "authority": ["book", "expert", "quote", "url"],
        "phrases": ["best", "full-marks", "perfect", "raina-absolute", "raina-comparative", "raina-consistency"],
        "typos": ["drop", "keyboard", "swap"],
        "degradation": ["negation", "number", "truncation"],
    }
    for family, members in expected.items():
        assert set(members) <= {n.split(".")[1] for n in NAMES if n.startswith(family + ".")}
        assert hasattr(perturbations, family)


# --- the decorator's checks


def made_of(claim: str, edits: list[Edit]) -> TextPerturbation:
    return TextPerturbation("test.it", claim, "Does it.", "voirdire", False, lambda text, place: edits, True)  # type: ignore[arg-type]


CASE = Case("q", ("one two", "other"), label=0)


def edited(claim: str, *edits: Edit) -> tuple[Edit, ...]:
    return made_of(claim, list(edits)).edits(CASE, 0, random.Random(0), 1.0)


def test_edits_are_sorted_and_no_ops_dropped() -> None:
    found = edited("preserving", Edit(4, 7, "2"), Edit(3, 3, ""), Edit(0, 3, "one"), Edit(0, 1, "O"))
    assert found == (Edit(0, 1, "O", "responses[0]"), Edit(4, 7, "2", "responses[0]"))


def test_nothing_but_no_ops_is_not_applicable() -> None:
    with pytest.raises(NotApplicable):
        edited("preserving", Edit(0, 3, "one"))


@pytest.mark.parametrize("claim", ["addition", "attack"])
def test_an_addition_that_replaces_is_refused(claim: str) -> None:
    with pytest.raises(UsageError, match="replaces text at 0"):
        edited(claim, Edit(0, 3, "1"))
    assert edited("preserving", Edit(0, 3, "1"))


@pytest.mark.parametrize("bad", [[Edit(0, 99, "x")], [Edit(3, 1, "x")], [Edit(0, 3, "x"), Edit(2, 4, "y")]])
def test_impossible_edits_are_refused(bad: list[Edit]) -> None:
    with pytest.raises(UsageError, match=r"test\.it"):
        edited("preserving", *bad)


def test_targets_and_doses_are_checked() -> None:
    with pytest.raises(UsageError, match="target 2"):
        make("phrases.perfect", CASE, 2)
    with pytest.raises(UsageError, match="dose"):
        make("phrases.perfect", CASE, 0, 0, 0.0)
    assert make("phrases.perfect", CASE, 1).edits[0].where == "responses[1]"


def test_names_are_checked() -> None:
    with pytest.raises(UsageError, match=r"family\.name"):
        perturbation("nofamily", claim="attack", summary="x.", source="voirdire")
    with pytest.raises(UsageError, match="two perturbations"):
        perturbation("phrases.best", claim="attack", summary="x.", source="voirdire")(lambda text, place: [])


def test_the_place_knows_language_and_opponent() -> None:
    seen: list[Place] = []

    def look(text: str, place: Place) -> list[Edit]:
        seen.append(place)
        return [Edit(0, 0, "x ")]

    chosen = TextPerturbation("test.look", "addition", "Looks.", "voirdire", False, look, True)
    chosen.edits(Case("用中文回答。", ("42", "a", "abc", "ab")), 0, random.Random(0), 2.0)
    chosen.edits(Case("Say it.", ("这是中文的回答。",)), 0, random.Random(0), 1.0)
    assert [(p.lang, p.opponent, p.dose) for p in seen] == [("zh", "abc", 2.0), ("zh", None, 1.0)]


# --- randomness


def test_generators_are_pinned() -> None:
    """These numbers are part of what a baseline relies on: the same seed must give the same follow-ups for ever."""
    case = Case("q", ("x y", "z"))
    rng = rng_for(7, case, 0, "typos.swap")
    assert [below(rng, 1000) for _ in range(4)] == [865, 6, 983, 442]
    draws = [
        rng_for(0, case, 0, "n"),
        rng_for(0, case, 0, "m"),
        rng_for(1, case, 0, "n"),
        rng_for(0, case, 1, "n"),
        rng_for(0, Case("q", ("x y", "zz")), 0, "n"),
    ]
    assert len({rng.random() for rng in draws}) == len(draws)
    same = case.replace(id="other", label=1, group="g", meta={"lang": "en"})
    assert rng_for(0, case, 0, "n").random() == rng_for(0, same, 0, "n").random()


@given(st.integers(0, 2**32), st.lists(st.integers(), min_size=1, max_size=20), st.integers(0, 25))
def test_draws(seed: int, items: list[int], k: int) -> None:
    assert sorted(shuffled(random.Random(seed), items)) == sorted(items)
    assert len(sample(random.Random(seed), items, k)) == min(k, len(items))
    assert pick(random.Random(seed), items) in items
