"""Planted errors and damage to the whole: each wrong on purpose, on texts where the right damage is known."""

from __future__ import annotations

import contextlib
import json
import random
import re
from collections.abc import Callable

import pytest
from family_checks import answers, clusters, common, doses
from hypothesis import given
from hypothesis import strategies as st
from making import make

from voirdire.harness.cases import Case, FollowUp, apply_edits
from voirdire.harness.errors import NotApplicable
from voirdire.harness.registry import PERTURBATIONS
from voirdire.perturbations import (  # noqa: F401 - register their parts of the family
    degradation_facts,
    degradation_instructions,
    degradation_reasoning,
    degradation_structure,
)
from voirdire.perturbations.degradation_places import NUMERAL, code_and_links, other_number
from voirdire.perturbations.degradation_words import (
    CHINESE_NAMES,
    CHINESE_OPPOSITES,
    CHINESE_UNITS,
    ENGLISH_NAMES,
    ENGLISH_UNITS,
)
from voirdire.perturbations.spans import sentences

ERRORS = ["antonym", "arithmetic", "contradict", "copied-number", "entity", "final-answer", "unit"]
OTHERS = ["format", "length", "remove", "shuffle"]
NEW = [f"degradation.{n}" for n in (*ERRORS, *OTHERS)]
#: an omission or an excess is told by its length, and is meant to be
OF_ANY_LENGTH = ("degradation.remove", "degradation.length")

QUESTIONS = st.sampled_from(
    [
        "Why?",
        "How many are 12 and 30 and 5?",
        "Answer in one sentence, as a bullet list, in at most 20 words.",
        "Write at least 5 words as JSON. A) x B) y C) z",
        "Give three points in a table, all in lowercase, with a code block.",
        "用不超过50字回答，列出三个要点。共有35个吗？",
    ]
)
MORE = st.sampled_from(
    [
        "So 3 + 4 = 7 and $2 \\times 5 = 10$. The answer is 12.",
        "The answer is (B). Paris lies 12 km from Berlin, 30 minutes away.",
        '{"a": 1, "b": [2, 3]}',
        "- one is 5\n- two is 6\n- three is 7",
        "Yes, it is. Prices increase. Costs are high. The walk is long.",
        "北京距离上海约1200公里，价格增加。因此，答案是35。需要30分钟。",
    ]
)


def damaged(name: str, text: str, *, question: str = "Why?", seed: int = 0, dose: float = 1.0) -> FollowUp:
    return make(f"degradation.{name}", Case(question, (text, "other"), label=0), 0, seed, dose)


def result(name: str, text: str, *, question: str = "Why?", seed: int = 0, dose: float = 1.0) -> str:
    return damaged(name, text, question=question, seed=seed, dose=dose).case.responses[0]


def results(name: str, text: str, *, question: str = "Why?", n: int = 40) -> set[str]:
    return {result(name, text, question=question, seed=s) for s in range(n)}


def test_all_are_registered() -> None:
    found = {n for n in PERTURBATIONS if n.startswith("degradation.")}
    assert found >= {*NEW, "degradation.number", "degradation.negation", "degradation.truncation"}
    for name in NEW:
        chosen = PERTURBATIONS.get(name)
        assert chosen.claim == "degrading"
        assert chosen.plants_error == (name.split(".")[1] in ERRORS)
        assert "arXiv:" in chosen.source


@pytest.mark.parametrize("name", NEW)
@common
@given(text=answers, more=MORE, first=st.booleans(), question=QUESTIONS, seed=st.integers(0, 2**64), dose=doses)
def test_follow_ups_replay(name: str, text: str, more: str, first: bool, question: str, seed: int, dose: float) -> None:
    source = f"{more}\n{text}" if first else f"{text}\n{more}"
    case = Case(question, (source, "other"), label=0)

    def once() -> FollowUp | str:
        try:
            return make(name, case, 0, seed, dose)
        except NotApplicable as reason:
            return reason.message

    made = once()
    assert made == once()
    if isinstance(made, str):
        assert made[:1].islower()
        return
    changed = made.case.responses[0]
    assert changed != source
    assert apply_edits(source, made.edits) == changed
    assert {k for e in made.edits for k in (e.start, e.end)} <= clusters(source)
    if name not in OF_ANY_LENGTH:
        assert abs(len(changed) - len(source)) <= 0.05 * len(source)
    if name.split(".")[1] in ERRORS and name != "degradation.contradict":
        kept = code_and_links(source)
        assert not [e for e in made.edits for a, b in kept if e.start < b and a < e.end]


# --- facts

FILL = " More of the same is said in the rest of the answer, so that it has some length of its own." * 2


def test_units_change_wherever_they_stand() -> None:
    text = "It is 12 km to the sea, and 3 km back. See `7 km` and 5km/h." + FILL
    in_centimetres = text.replace("12 km", "12 cm").replace("3 km", "3 cm")
    assert results("unit", text) == {in_centimetres, text.replace("5km/h", "5m/s")}
    with pytest.raises(NotApplicable, match="unit"):
        result("unit", "There are 12 apples, `3 km` and hours." + FILL)


def test_chinese_units() -> None:
    text = "这条路长30公里，步行要8小时。" + "沿途的风景很好看，值得大家慢慢地走一走。" * 3
    assert results("unit", text) == {text.replace("公里", "英里"), text.replace("小时", "分钟")}


@pytest.mark.parametrize("units", [ENGLISH_UNITS, CHINESE_UNITS])
def test_no_unit_stays_itself(units: dict[str, str]) -> None:
    assert all(a != b for a, b in units.items())


def test_entities_are_of_one_kind_and_new() -> None:
    text = "The treaty was signed in Vienna, and Vienna kept it. `Paris` did not." + FILL
    cities = next(k for k in ENGLISH_NAMES if "Vienna" in k)
    for made in results("entity", text, question="Where was it signed, London or Madrid?"):
        new = re.findall(r"in ([A-Z][A-Za-z ]*), and \1 kept", made)
        assert new
        assert new[0] in cities
        assert new[0] not in ("Vienna", "London", "Madrid", "Paris")
        assert "`Paris`" in made


def test_what_the_answer_adds_is_wrong_rather_than_what_was_asked() -> None:
    text = "The capital of France is Paris, as everybody knows." + FILL
    assert all("France is" in made for made in results("entity", text, question="What is the capital of France?"))


def test_chinese_entities() -> None:
    text = "这首诗是李白写的，李白生活在唐朝。" + "这首诗流传得很广，大家从小就会背诵。" * 3
    for made in results("entity", text):
        assert made.count("李白") in (0, 2)
        assert ("李白" in made) != ("唐朝" in made)


@pytest.mark.parametrize("kinds", [ENGLISH_NAMES, CHINESE_NAMES])
def test_kinds_have_no_name_twice(kinds: tuple[tuple[str, ...], ...]) -> None:
    for kind in kinds:
        assert len(set(kind)) == len(kind) >= 5


def test_antonyms_in_english_and_chinese() -> None:
    assert result("antonym", "The price of it will increase.") == "The price of it will decrease."
    text = "气温上升时，冰川的面积会减少。"
    assert results("antonym", text) == {text.replace("上升", "下降"), text.replace("减少", "增加")}
    assert all(
        CHINESE_OPPOSITES[b] == a
        for a, b in CHINESE_OPPOSITES.items()
        if list(CHINESE_OPPOSITES.values()).count(a) == 1
    )
    with pytest.raises(NotApplicable, match="opposite"):
        result("antonym", "这只猫在睡觉。")


# --- reasoning


@pytest.mark.parametrize(
    "equation",
    ["11 + 29 + 5 = 45", "2 + 3 * 4 = 14", "6,000 ÷ 5 = 1,200", r"3 \times 4 = 12", "$50 - $8 = $42", "0.5 x 3 = 1.5"],
)
def test_true_sums_become_false(equation: str) -> None:
    text = f"We see that {equation} holds." + FILL
    left, right = equation.rsplit(" = ", 1)
    for made in results("arithmetic", text):
        found = re.search(r" = (\S+) holds", made)
        assert found is not None
        assert made.startswith(f"We see that {left} = ")
        assert found.group(1) != right
        assert len(found.group(1)) == len(right)


@pytest.mark.parametrize(
    "equation", ["11 + 29 = 41", "x + 3 = 7", "3 + 4 = 7 + 0", "`3 + 4 = 7`", "5 / 0 = 1", "v1.2 + 3 = 4.2"]
)
def test_no_other_equation_is_touched(equation: str) -> None:
    with pytest.raises(NotApplicable, match="calculation"):
        result("arithmetic", f"We see that {equation} holds." + FILL)


def test_numbers_are_copied_wrongly_once() -> None:
    text = "1. With 250 coins and 17 bags, 250 is more." + FILL
    for made in results("copied-number", text, question="There are 250 coins. How many bags?"):
        assert made.count("250") == 1
        assert made.startswith("1. With ")
        assert "17 bags" in made
    with pytest.raises(NotApplicable, match="repeats no number"):
        result("copied-number", text, question="There are 9 coins, and step 1.")


@pytest.mark.parametrize(
    ("text", "question", "pattern"),
    [
        ("So the answer is (B).", "Which one? (A) x (B) y (C) z", r"So the answer is \([AC]\)\."),
        (r"Thus \boxed{C}.", "Which one?", r"Thus \\boxed\{[ABD]\}\."),
        ("We get 3, then 42.\n#### 42", "How many?", r"We get 3, then 42\.\n#### (?!42)[1-9]\d"),
        (r"It is $\boxed{12}$.", "x?", r"It is \$\\boxed\{(?!12)[1-9]\d\}\$\."),
        ("Final answer: 1,250", "x?", r"Final answer: (?!1,250)\d,\d{2}0"),
        ("Yes, it is so." + FILL, "Is it?", r"No, it is so\."),
        ("**True**\nIt is." + FILL, "Is it?", r"\*\*False\*\*\nIt is\."),
        (
            "It has 3 legs. There are 12 of them.",
            "How many are there?",
            r"It has 3 legs\. There are (?!12)\d\d of them\.",
        ),
        ("正确。它有三条腿。", "对吗？", "错误。它有三条腿。"),
        ("所以答案是35。", "有多少？", r"所以答案是(?!35)[1-9]\d。"),
        ("答案：A", "选哪个？A. 甲 B. 乙", "答案：B"),
    ],
)
def test_final_answers(text: str, question: str, pattern: str) -> None:
    for made in results("final-answer", text, question=question):
        assert re.search(pattern, made), made


def test_no_final_answer() -> None:
    with pytest.raises(NotApplicable, match="does not end"):
        result("final-answer", "A longer story about 3 dogs." + FILL, question="Tell me a story.")


@given(st.from_regex(r"[1-9]\d{0,5}(\.\d{1,3})?", fullmatch=True), st.integers(0, 2**32))
def test_other_numbers_keep_their_shape(numeral: str, seed: int) -> None:
    taken = {numeral}
    made = other_number(numeral, taken, random.Random(seed))
    assert made is not None
    assert made != numeral
    assert len(made) == len(numeral)
    assert made[0] != "0"
    assert [k for k, c in enumerate(made) if not c.isdigit()] == [k for k, c in enumerate(numeral) if not c.isdigit()]
    assert sum(a != b for a, b in zip(made, numeral, strict=True)) == 1
    assert other_number("5", {str(n) for n in range(10)}, random.Random(seed)) is None


def test_numerals_stand_alone() -> None:
    text = "12 1,000 3.5 GPT-4 v1.2 2020-01-02 x2 10km 5% 7. (8)"
    assert [m.group() for m in NUMERAL.finditer(text)] == ["12", "1,000", "3.5", "5", "7", "8"]


# --- the whole

STORY = "First it rained. Then the sun came out. After that we went home. At last we all had tea. It was late."


def test_sentences_are_left_out_with_their_blanks() -> None:
    whole = [STORY[s.start : s.end] for s in sentences(STORY)]
    for seed in range(20):
        made = damaged("remove", STORY, seed=seed)
        assert len(made.edits) == 2  # 30 % of 5, to the nearest
        left = made.case.responses[0]
        assert "  " not in left
        assert [w for w in whole if w in left] == [left[s.start : s.end] for s in sentences(left)]


def test_list_items_are_left_out_as_lines() -> None:
    text = "Three:\n- one is here\n- two is here\n- three is here\n"
    assert results("remove", text) <= {
        text.replace(line, "") for line in ("Three:\n", "- one is here\n", "- two is here\n", "- three is here\n")
    }
    with pytest.raises(NotApplicable, match="fewer than 3"):
        result("remove", "One here. Two here.")


@pytest.mark.parametrize(("dose", "moved"), [(0.4, 2), (1.0, 5)])
def test_sentences_change_places(dose: float, moved: int) -> None:
    whole = [STORY[s.start : s.end] for s in sentences(STORY)]
    seen = set()
    for seed in range(20):
        made = damaged("shuffle", STORY, seed=seed, dose=dose)
        left = made.case.responses[0]
        order = [left[s.start : s.end] for s in sentences(left)]
        assert sorted(order) == sorted(whole)
        assert order != whole
        assert 2 <= len(made.edits) <= moved
        seen.add(left)
    assert len(seen) > 5


def test_answers_contradict_themselves() -> None:
    text = "The river is long and slow there. We went to see it, and we swam in it. The old boat was lost in it."
    assert any("The river is not long and slow there." in made for made in results("contradict", text))
    for made in results("contradict", text):
        said = [text[s.start : s.end] for s in sentences(text)]
        new = [made[s.start : s.end] for s in sentences(made) if made[s.start : s.end] not in said]
        assert len(new) == 1
        assert new[0].replace(" not", "") in said
    long = "The cat is on the mat. " + "And so they go on and on, to the end of the road and of the day! " * 9
    assert results("contradict", long) == {long.replace("mat.", "mat. But the opposite is true.")}
    with pytest.raises(NotApplicable, match="deny"):
        result("contradict", "Is it so? Hello there!")


# --- instructions

LIST = "Here they are, each of them with what there is to say about it:\n- one of them is this\n- two of them is that\n"


def lower(text: str) -> bool:
    return text == text.lower()


@pytest.mark.parametrize(
    ("question", "text", "holds"),
    [
        ("Give a bullet list.", LIST, lambda t: "\n- " in t),
        (
            "Answer in JSON.",
            '{"first name": "somebody", "second name": "somebody else who has a longer name"}',
            json.loads,
        ),
        (
            "Put it in a table.",
            "| a longer cell | b longer |\n|---|---|\n| 1 | 2 |\n",
            lambda t: t.count("|") > 3,
        ),
        ("Write in all lowercase.", "everything here is small.", lower),
        ("用表格回答。", "| 甲 | 乙 |\n|---|---|\n| 一 | 二 |\n", lambda t: t.count("|") > 3),
        ("Write one paragraph.", STORY + STORY, lambda t: "\n" not in t),
    ],
)
def test_formats_are_ignored(question: str, text: str, holds: Callable[[str], object]) -> None:
    assert holds(text)
    made = result("format", text, question=question)
    with contextlib.suppress(ValueError):  # JSON that can no longer be read
        assert not holds(made)


def test_no_format_to_ignore() -> None:
    with pytest.raises(NotApplicable, match="asks for no format"):
        result("format", LIST)
    with pytest.raises(NotApplicable, match="does not have the format"):
        result("format", STORY, question="Give a bullet list.")


@pytest.mark.parametrize(
    ("question", "text", "within"),
    [
        ("Answer in at most 30 words.", STORY, lambda t: len(t.split()) <= 30),
        ("Explain in one sentence.", "It rained all day.", lambda t: len(sentences(t)) == 1),
        ("Answer in two sentences.", "It rained. We slept.", lambda t: len(sentences(t)) == 2),
        ("Write at least 20 words.", STORY, lambda t: len(t.split()) >= 20),
        ("List three things.", "1. a dog\n2. a cat\n3. a cow\n", lambda t: "3." in t),
        ("列出三个例子。", "- 狗在这里\n- 猫在这里\n- 牛在这里\n", lambda t: t.count("- ") == 3),
        ("用不超过20字回答。", "今天下雨了。我们睡觉了。", lambda t: len(re.findall("[一-鿿]", t)) <= 20),
    ],
)
def test_lengths_are_ignored(question: str, text: str, within: Callable[[str], bool]) -> None:
    assert within(text)
    assert not within(result("length", text, question=question))


def test_more_dose_strays_further() -> None:
    sizes = [len(result("length", STORY, question="At most 30 words.", dose=d)) for d in (0.5, 1.0, 3.0)]
    assert len(STORY) < sizes[0] <= sizes[1] < sizes[2]


@pytest.mark.parametrize(
    "question", ["Why?", "Answer in at most 5 words.", "Write at least 500 words.", "List nine things."]
)
def test_no_length_to_ignore(question: str) -> None:
    with pytest.raises(NotApplicable, match="no length that this answer keeps to"):
        result("length", STORY, question=question)
