"""What damage leaves alone: places where the change would be a repair, would say the same, or would make no sense."""

from __future__ import annotations

import pytest
from making import make

from voirdire.harness.cases import Case
from voirdire.harness.errors import NotApplicable
from voirdire.perturbations import (  # noqa: F401 - register their parts of the family
    degradation_facts,
    degradation_instructions,
    degradation_reasoning,
    degradation_structure,
)
from voirdire.perturbations.lexicon import lexicon
from voirdire.perturbations.pleasantries import is_pleasantry

FILL = " More of the same is said in the rest of the answer, so that it has some length of its own." * 2
ZH_FILL = "应当盖上锅盖并且关火。" * 5
LIST = "Here they are, each of them with what there is to say about it:\n- one of them is this\n- two of them is that\n"
JSON = '{"first name": "somebody", "second name": "somebody else who has a longer name"}'


def result(name: str, text: str, question: str = "Why?", seed: int = 0) -> str:
    case = Case(question, (text, "other"), label=0)
    return make(f"degradation.{name}", case, 0, seed, 1.0).case.responses[0]


def untouched(name: str, text: str, question: str = "Why?") -> None:
    with pytest.raises(NotApplicable):
        result(name, text, question)


# --- the format that was asked for


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("Put your answer in **bold** as a list of three words (for example, **yes, no, yes**).", LIST),
        ("Please do not use bullet points.", LIST),
        ("Answer without any headings, tables or bullet points.", LIST),
        ("Avoid bullet points.", LIST),
        ("Don’t write a numbered list.", LIST),
        ("Bullet points are not allowed.", LIST),
        ("Say what is wrong with these bullet points.", LIST),
        ("Why is a bullet train fast?", LIST),
        ("请不要用列表回答。", LIST),
        ("避免使用分点。", LIST),
        ("Turn this JSON into a Python dictionary literal.", JSON),
        ("Convert this JSON to CSV.", JSON),
        ("Never answer in JSON.", JSON),
        ("How are dates stored in JSON?", JSON),
        ("请不要以JSON格式回答。", JSON),
        ("这个JSON是什么意思？", JSON),
        ("Do not answer in one paragraph.", "It rained all day. Then the sun came out." + FILL),
    ],
)
def test_a_format_that_was_not_asked_for_is_not_broken(question: str, text: str) -> None:
    untouched("format", text, question)


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("Use bullet points.", LIST),
        ("Give no more than 5 bullet points.", LIST),
        ("I do not know how it works; answer in a numbered list.", LIST),
        ("用列表回答。", LIST),
        ("不要太长，分点回答。", LIST),
        ("Return a valid JSON object.", JSON),
        ("Turn the table into JSON.", JSON),
        ("Respond in the following JSON format.", JSON),
        ("请以JSON格式回答。", JSON),
    ],
)
def test_a_format_that_was_asked_for_is_broken(question: str, text: str) -> None:
    assert result("format", text, question) != text


# --- the order


def test_a_list_without_an_order_is_as_good_in_another() -> None:
    untouched("shuffle", "Tips:\n- Eat well every day.\n- Sleep eight hours.\n- Drink water.\n- Walk to the shop.\n")
    untouched("shuffle", "建议：\n- 每天好好吃饭。\n- 睡八个小时。\n- 多喝水。\n- 走路去商店。\n")


@pytest.mark.parametrize(
    "text",
    [
        "Tea:\n1. First, boil the water.\n2. Then add the tea.\n3. Finally, pour it out.\n",
        "泡茶：\n1. 首先把水烧开。\n2. 然后放入茶叶。\n3. 最后倒出来。\n",
    ],
)
def test_steps_that_say_where_they_come_change_places(text: str) -> None:
    made = result("shuffle", text)
    assert made != text
    assert [line[:2] for line in made.splitlines()[1:]] == ["1.", "2.", "3."]


# --- the final answer


def test_a_heading_is_no_final_answer() -> None:
    text = "The case:\n\n#### 1. The charge\nHe was charged.\n\n#### 2. The verdict\nHe was found guilty." + FILL
    untouched("final-answer", text)
    untouched("final-answer", text + "\n\n#### 3. What came of it")
    assert result("final-answer", text + "\n#### 42\n").startswith(text + "\n#### ")


@pytest.mark.parametrize(
    "text",
    [
        "It is late, and this is the best choice I can offer." + FILL,
        "The best option A child has is to wait." + FILL,
        "The right answer I had in mind was longer." + FILL,
    ],
)
def test_words_are_no_options(text: str) -> None:
    untouched("final-answer", text)


@pytest.mark.parametrize(
    ("text", "question", "start"),
    [
        ("The answer is A." + FILL, "Why?", "The answer is "),
        ("The answer is **I**" + FILL, "Why?", "The answer is **"),
        ("The answer is (A) because of it." + FILL, "Why?", "The answer is ("),
        ("The answer is A because of it." + FILL, "Which? A) x B) y C) z", "The answer is "),
        ("选A项。" + ZH_FILL, "为什么？", "选"),
    ],
)
def test_options_are_turned(text: str, question: str, start: str) -> None:
    made = result("final-answer", text, question)
    assert made != text
    assert made.startswith(start)
    assert made[len(start) + 1 :] == text[len(start) + 1 :]


def test_the_word_behind_the_answer_does_not_hide_it() -> None:
    text = "The answer is B. It is the best choice I can offer." + FILL
    assert result("final-answer", text).endswith("It is the best choice I can offer." + FILL)


# --- units


@pytest.mark.parametrize(
    "text",
    [
        "油锅起火时，千万不能泼水。",
        "出门千万要小心。",
        "千万别忘了。",
        "很多天以后，他走了千万里。",
        "其余天气晴好。",
    ],
)
def test_no_unit_without_a_number(text: str) -> None:
    untouched("unit", text + ZH_FILL)


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("一共三千万人。", "一共三千亿人。"),
        ("走了3千多米。", "走了3千多公里。"),
        ("他等了十几天。", "他等了十几周。"),
        ("住了20多天。", "住了20多周。"),
    ],
)
def test_numbers_in_chinese_keep_their_units_in_reach(text: str, made: str) -> None:
    assert result("unit", text + ZH_FILL) == made + ZH_FILL


# --- politeness

POLITE = [
    "Sure!", "I hope this helps!", "Let me know if you have any further questions.", "Sure, I'd be happy to help!",
    "If you have any other questions, feel free to ask!", "Of course.", "You’re welcome!", "Have a great day! 😊",
    "好的！", "希望这对您有帮助！", "如果您还有其他问题，请随时告诉我。", "祝您生活愉快！",
]  # fmt: skip
SAYING = [
    "Sure, it rained.", "I hope it rains.", "Let me know the answer.", "Of course not.", "Yes.", "Enjoy the sea.",
    "If you have questions about it, the law says no.", "好天气很多。", "如果水开了，请关火。", "不可以。",
]  # fmt: skip


@pytest.mark.parametrize("sentence", POLITE)
def test_politeness_is_known(sentence: str) -> None:
    assert is_pleasantry(sentence)


@pytest.mark.parametrize("sentence", SAYING)
def test_what_says_something_is_no_politeness(sentence: str) -> None:
    assert not is_pleasantry(sentence)


@pytest.mark.parametrize(
    ("first", "middle", "last"),
    [
        ("Sure! ", "It rained all day. Then the sun came out. After that we went home. ", "I hope this helps!"),
        ("好的！", "今天下雨了。后来出太阳了。然后我们回家了。", "希望这对您有帮助！"),
    ],
)
def test_politeness_is_never_all_that_is_left_out(first: str, middle: str, last: str) -> None:
    for seed in range(20):
        made = result("remove", first + middle + last, seed=seed)
        assert made.startswith(first)
        assert made.endswith(last)
        assert middle not in made


def test_politeness_alone_is_nothing_to_leave_out() -> None:
    untouched("remove", "Sure! Great question. It rained. I hope this helps! Let me know if you have any questions.")


# --- opposites


@pytest.mark.parametrize(
    "text",
    [
        "We gained general insights from personal projects.",
        "It is divided into two pieces, generally.",
        "In short, they fill in the form with their full name.",
        "We look forward to the end of the day.",
        "Unfortunately, a rough draft of it is all that we have.",
    ],
)
def test_words_without_an_opposite_in_use_stay(text: str) -> None:
    untouched("antonym", text)


def test_what_is_plainly_opposed_is_still_turned() -> None:
    table = lexicon()
    opposed = {"increase": "decrease", "high": "low", "long": "short", "shorter": "longer", "multiply": "divide"}
    assert all(other in {o for e in table[word] for o in e.antonyms} for word, other in opposed.items())


def test_a_chinese_phrase_is_not_turned() -> None:
    untouched("antonym", "简单来说，这只猫在睡觉。")
    assert result("antonym", "这个问题很简单。") == "这个问题很复杂。"
