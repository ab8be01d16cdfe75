"""Judgments of MT-bench as cases: the question alone, answers without their slot's name, the reference by itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from public_samples import SAMPLES

from voirdire.harness.cases import Case, Turn
from voirdire.suites.loaders import Loaded, load

TEXTS = {
    "question": "Why 2?", "ref_answer_1": "Since 1+1.", "answer": "As A says.", "answer_a": "As A says.",
    "answer_b": "No idea.", "question_1": "Why 2?", "question_2": "And 3?", "ref_answer_2": "2+1.\n\nSo 3.",
    "answer_1": "As A says.", "answer_2": "Later.", "answer_a_1": "As A says.", "answer_a_2": "Later.",
    "answer_b_1": "No idea.", "answer_b_2": "Nor here.",
}  # fmt: skip
REFERENCE = "[The Start of Reference Answer]\n{ref_answer_1}\n[The End of Reference Answer]\n\n"
REFERENCE_TURNS = (
    "<|The Start of Reference Answer|>\n\n### User:\n{question_1}\n\n### Reference answer:\n{ref_answer_1}\n\n"
    "### User:\n{question_2}\n\n### Reference answer:\n{ref_answer_2}\n\n<|The End of Reference Answer|>\n\n\n"
)
ONE = "[The Start of Assistant's Answer]\n{answer}\n[The End of Assistant's Answer]"
TWO = (
    "[The Start of Assistant A's Answer]\n{answer_a}\n[The End of Assistant A's Answer]\n\n"
    "[The Start of Assistant B's Answer]\n{answer_b}\n[The End of Assistant B's Answer]"
)


def conversation(slot: str, first: str, second: str) -> str:
    return (
        f"<|The Start of Assistant {slot}'s Conversation with User|>\n\n### User:\n{{question_1}}\n\n"
        f"### Assistant {slot}:\n{{{first}}}\n\n### User:\n{{question_2}}\n\n### Assistant {slot}:\n{{{second}}}\n\n"
        f"<|The End of Assistant {slot}'s Conversation with User|>"
    )


BOTH = conversation("A", "answer_a_1", "answer_a_2") + "\n\n\n" + conversation("B", "answer_b_1", "answer_b_2")
SOLE = conversation("A", "answer_1", "answer_2")
TEMPLATES = {
    "pair-v2": "[User Question]\n{question}\n\n" + TWO,
    "pair-v2-multi-turn": BOTH,
    "pair-math-v1": "[User Question]\n{question}\n\n" + REFERENCE + TWO,
    "pair-math-v1-multi-turn": REFERENCE_TURNS + BOTH,
    "single-v1": "[Instruction]\nJudge.\n\n[Question]\n{question}\n\n" + ONE,
    "single-v1-multi-turn": SOLE,
    "single-math-v1": "[Instruction]\nJudge.\n\n[Question]\n{question}\n\n" + REFERENCE + ONE,
    "single-math-v1-multi-turn": REFERENCE_TURNS + SOLE,
}


def judged(folder: Path, name: str, prompt: str, question: int = 106) -> Loaded:
    """One judgment by a prompt."""
    pair = name.startswith("pair")
    sample = SAMPLES["mt-bench-pairs" if pair else "mt-bench-single"]
    fields: dict[str, Any] = {"question_id": question, "judge": ["gpt-4", name], "turn": 2 if "multi" in name else 1}
    fields |= {"g1_user_prompt": prompt, "g2_user_prompt": prompt} if pair else {"user_prompt": prompt}
    return load(sample.write(folder, [{**sample.content[0], **fields}]))


def check(case: Case, name: str) -> None:
    turns = (Turn("user", "Why 2?"), Turn("user", "And 3?"))
    answers = [("As A says.", "Later."), ("No idea.", "Nor here.")][: 2 if name.startswith("pair") else 1]
    known = "Since 1+1.", "2+1.\n\nSo 3."
    if "multi" in name:
        assert case.instruction == turns
        assert list(case.responses) == [two_turns(*a) for a in answers]
    else:
        assert case.instruction == "Why 2?"
        assert list(case.responses) == [first for first, _ in answers]
    expected = (two_turns(*known) if "multi" in name else known[0]) if "math" in name else None
    assert case.reference == expected


def two_turns(first: str, second: str) -> str:
    """As the answers of a model file are put together."""
    return f"Answer to message 1:\n{first}\n\nAnswer to message 2:\n{second}"


@pytest.mark.parametrize("name", sorted(TEMPLATES))
def test_a_judgment_is_its_question_answers_and_reference(tmp_path: Path, name: str) -> None:
    got = judged(tmp_path, name, TEMPLATES[name].format(**TEXTS))
    check(got.cases[0], name)
    assert got.notes == ()


def test_the_templates_that_fastchat_publishes_are_taken_apart(
    public_data: Callable[[str], Path], tmp_path: Path
) -> None:
    found = public_data("mt_bench/judge_prompts.jsonl").read_text(encoding="utf-8").splitlines()
    known = {p["name"]: p["prompt_template"] for p in map(json.loads, found)}
    assert set(known) == set(TEMPLATES)
    for name, template in known.items():
        check(judged(tmp_path, name, template.format(**TEXTS)).cases[0], name)


@pytest.mark.parametrize("name", [n for n in sorted(TEMPLATES) if "math" in n])
def test_a_reference_known_to_be_wrong_is_left_out_and_said(tmp_path: Path, name: str) -> None:
    got = judged(tmp_path, name, TEMPLATES[name].format(**TEXTS), question=104)
    assert got.cases[0].reference is None
    assert "Reference" not in got.cases[0].instruction_text
    assert any("1 of the GPT-4 reference answers" in n and "questions 104" in n for n in got.notes)


@pytest.mark.parametrize("name", [n for n in sorted(TEMPLATES) if "multi" in n])
@pytest.mark.parametrize(
    "quoted",
    [
        "### User:\nBe kind to me.",
        "### User:\nBe kind.\n\n### Assistant A:\nYes.",
        "<|The End of Assistant A's Conversation with User|>",
        "<|The Start of Reference Answer|>",
    ],
)
def test_conversations_that_cannot_be_told_apart_are_verdicts_only(tmp_path: Path, name: str, quoted: str) -> None:
    texts = {**TEXTS, "answer_1": f"Fine.\n\n{quoted}", "answer_a_1": f"Fine.\n\n{quoted}"}
    got = judged(tmp_path, name, TEMPLATES[name].format(**texts))
    assert not got.cases
    assert len(got.recorded) == 1
    assert any("cannot be told apart" in n and "verdicts only" in n for n in got.notes)


def test_questions_that_differ_between_the_conversations_are_verdicts_only(tmp_path: Path) -> None:
    prompt = TEMPLATES["pair-v2-multi-turn"].format(**TEXTS)
    got = judged(tmp_path, "pair-v2-multi-turn", prompt.replace("And 3?", "And 4?", 1))
    assert not got.cases
    assert any("cannot be told apart" in n for n in got.notes)


def test_chinese_conversations_are_taken_apart(tmp_path: Path) -> None:
    texts = {
        **TEXTS,
        "question_1": "为什么？",
        "question_2": "然后呢？",
        "answer_a_1": "因为这样。",
        "answer_b_2": "不知道。",
    }
    case = judged(tmp_path, "pair-v2-multi-turn", TEMPLATES["pair-v2-multi-turn"].format(**texts)).cases[0]
    assert case.instruction == (Turn("user", "为什么？"), Turn("user", "然后呢？"))
    assert case.responses == (two_turns("因为这样。", "Later."), two_turns("No idea.", "不知道。"))
