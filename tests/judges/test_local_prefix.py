"""`PrefixReuse`: with a stand-in for the native server that shows what its kernels do, and with the real SmolLM2."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from voirdire.harness.judges import models
from voirdire.harness.judges.local_prefix import PIECE, PrefixReuse

TAIL = "<end>"  # what a chat template puts behind the message: some tokens that every prompt ends with


class Native:
    """One token a character. Pieces shorter than `small` leave a mark on the answer, as the real kernels do."""

    def __init__(self, *, small: int = 9, timings: bool = True, leak: bool = False) -> None:
        self.memory: list[str] = []
        self.small, self.timings, self.leak = small, timings, leak
        self.evaluated = self.asked = 0

    def handle_chat_completions(self, request: Mapping[str, Any], /) -> Mapping[str, Any]:
        prompt = [*request["messages"][-1]["content"], *TAIL]
        shared = 0
        if request["cache_prompt"]:
            while shared < min(len(prompt) - 1, len(self.memory)) and prompt[shared] == self.memory[shared]:
                shared += 1
        count = len(prompt) - shared
        self.memory = prompt
        self.asked += 1
        self.evaluated += count
        last = count % PIECE or PIECE
        off = 0.1 * last if last < self.small else shared / 1000 if self.leak else 0.0
        logprob = -1.0 - (sum(map(ord, prompt)) % 97) / 97 - off
        answer: dict[str, Any] = {"choices": [{"logprobs": {"content": [{"top_logprobs": [
            {"token": "A", "logprob": logprob}
        ]}]}}]}  # fmt: skip
        if self.timings:
            answer["timings"] = {"prompt_n": count}
        return answer


def said(answer: Mapping[str, Any]) -> float:
    return float(answer["choices"][0]["logprobs"]["content"][0]["top_logprobs"][0]["logprob"])


def shown(text: str) -> Sequence[Mapping[str, str]]:
    return [{"role": "user", "content": text}]


def prompts(number: int = 60) -> list[str]:
    rng = random.Random(7)
    made = []
    for _ in range(number // 6):
        question, answer = ("".join(rng.choices("abc de", k=rng.randint(40, 300))) for _ in range(2))
        made += [
            f"{question}|{answer}{extra}|Which answer is better, A or B? Reply with exactly one letter."
            for extra in ("", "!", " x", " (Hartwell 2011)", " full marks" * 3, " " + question[:80])
        ]
    return made


def test_an_answer_does_not_depend_on_what_was_asked_before() -> None:
    texts = prompts()
    server = PrefixReuse(Native())
    first = [said(server.answer(shown(text))) for text in texts]
    order = random.Random(3).sample(range(len(texts)), len(texts))
    again = {i: said(server.answer(shown(texts[i]))) for i in order}
    assert [again[i] for i in range(len(texts))] == first
    twice = [said(server.answer(shown(texts[5]))) for _ in range(2)]
    assert twice == [first[5]] * 2, "a prompt that stands in memory whole"


def test_prompts_alike_one_after_another_cost_less_than_half() -> None:
    texts = prompts()
    reusing, plain = Native(), Native(timings=False)
    one, two = PrefixReuse(reusing), PrefixReuse(plain)
    for text in texts:
        one.answer(shown(text))
        two.answer(shown(text))
    assert reusing.evaluated < 0.5 * plain.evaluated


def test_a_server_that_does_not_say_what_it_evaluated_is_asked_once_a_prompt_and_reuses_nothing() -> None:
    native = Native(timings=False)
    server = PrefixReuse(native)
    for text in prompts(12):
        server.answer(shown(text))
    assert native.asked == 12


def test_nothing_is_reused_where_the_kernels_fail_the_check() -> None:
    native = Native(leak=True)
    server = PrefixReuse(native)
    texts = prompts(12)
    server.answer(shown(texts[0]))
    before = native.evaluated
    for text in texts:
        server.answer(shown(text))
    assert native.evaluated - before == sum(len(text) + len(TAIL) for text in texts)


@pytest.mark.local_model
def test_the_real_model_gives_the_bits_of_a_fresh_prompt() -> None:
    xllamacpp = pytest.importorskip("xllamacpp")
    from voirdire.harness.judges.local import _serve
    from voirdire.harness.judges.local_prefix import _likeliest

    if "smollm2" not in {model.name for model in models.installed()}:
        pytest.skip("SmolLM2 is not installed: run `voirdire models get smollm2`")
    server = PrefixReuse(_serve(xllamacpp, models.find("smollm2"), "smollm2", threads=1, n_ctx=2048))
    ask = "Question: Why is the sky blue?\n\nAnswer A: {}\n\nAnswer B: {}\n\nWhich is better, A or B? One letter."
    light, air = "Short waves are scattered more than long ones.", "Because the air itself is a little blue."
    texts = [ask.format(light, air + more) for more in ("", " Indeed.", " (Hartwell 2011)", " This is the best.")]
    texts += [ask.format(air + more, light) for more in ("", " Indeed.", " (Hartwell 2011)")]
    first = [_likeliest(server.answer(shown(text))) for text in texts]
    assert server._exact, "prompts are reused on this processor"
    assert [_likeliest(server.answer(shown(text))) for text in reversed(texts)] == first[::-1]
