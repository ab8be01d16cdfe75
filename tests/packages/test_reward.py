"""Reward models of transformers: tiny ones whose weights are set by hand, or drawn (`tox -e reward`).

The set ones read whether an answer says "right" or "wrong", and, if that is planted, how long it is.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import math
import os
import textwrap
from pathlib import Path
from typing import Any

import pytest
from package_llm import no_network

import voirdire as vd
from voirdire.harness.cases import Case, Turn
from voirdire.harness.errors import UsageError
from voirdire.harness.judges.base import Judge
from voirdire.harness.judges.spec import JudgeOptions, make_judge
from voirdire.harness.verdicts import Scale

os.environ.setdefault("HF_HUB_OFFLINE", "1")
pytest.importorskip("transformers", reason="transformers is not installed: tox -e reward")
pytest.importorskip("torch", reason="torch is not installed: tox -e reward")

import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from tokenizers.processors import TemplateProcessing
from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast, pipeline

__all__ = ["no_network"]

pytestmark = pytest.mark.usefixtures("no_network")
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
RIGHT, WRONG = 4, 5
LONGEST = 256
CHAT = "{% for m in messages %}[CLS] {{ m.role }} : {{ m.content }} [SEP]{% endfor %}"
#: half of them the other way round
CASES = [
    Case(
        f"Which statement about item {i} holds?",
        (f"This is the right one: item {i} is blue.", f"This is the wrong one: item {i} is red."),
        id=f"r{i}",
        label=0,
    ).reordered((0, 1) if i % 2 else (1, 0))
    for i in range(60)
]


def tokenizer(**options: Any) -> PreTrainedTokenizerFast:
    words = [*SPECIAL, "right", "wrong", "user", "assistant", "system", "item", "one"]
    inner = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, unk_token="[UNK]"))
    inner.pre_tokenizer = pre_tokenizers.Whitespace()  # type: ignore[assignment]
    inner.post_processor = TemplateProcessing(  # type: ignore[assignment]
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    names = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    return PreTrainedTokenizerFast(tokenizer_object=inner, **{**names, "model_max_length": LONGEST, **options})


def drawn(labels: int = 1, seed: int = 0, **options: Any) -> BertForSequenceClassification:
    torch.manual_seed(seed)
    config = BertConfig(
        vocab_size=11,
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=8,
        max_position_embeddings=LONGEST,
        num_labels=labels,
        **options,
    )
    return BertForSequenceClassification(config).eval()


def planted(longer: float) -> BertForSequenceClassification:
    """Reward: 4 for "right", -4 for "wrong", plus `longer` for every token of length.

    Of its two heads the first looks at those two words alone and the second at all tokens alike; the latter sees the
    mean position. The layer norms are linear as large constants stand in unused dimensions, and each number beside its
    negative.
    """
    model = drawn()
    with torch.no_grad():
        for weight in model.parameters():
            weight.zero_()
        inner = model.bert
        for module in model.modules():
            if isinstance(module, torch.nn.LayerNorm):
                module.weight.fill_(1.0)
        embedded = inner.embeddings.word_embeddings.weight
        embedded[:, 14], embedded[:, 15] = 1000.0, -1000.0
        embedded[RIGHT, 0], embedded[WRONG, 0] = 100.0, -100.0
        embedded[[RIGHT, WRONG], 1] = 100.0
        embedded[:, 12] = -embedded.sum(1)
        places = torch.arange(LONGEST, dtype=torch.float32)
        inner.embeddings.position_embeddings.weight[:, 8] = places
        inner.embeddings.position_embeddings.weight[:, 11] = -places
        layer = inner.encoder.layer[0].attention
        layer.self.query.bias[0] = 200.0
        layer.self.key.weight[0, 1] = 1.0
        layer.self.value.weight[1, 0] = 1.0
        layer.self.value.weight[8, 8] = 1.0
        layer.output.dense.weight[2, 1], layer.output.dense.weight[3, 1] = 1.0, -1.0
        layer.output.dense.weight[9, 8], layer.output.dense.weight[10, 8] = 1.0, -1.0
        inner.pooler.dense.weight[0, 2] = 0.01
        inner.pooler.dense.weight[1, 9] = 0.01
        # the first norm divides by the spread of the constants, the pooler's factor and the mean position are known
        scale = 1000.0 / math.sqrt(8)
        model.classifier.weight[0, 0] = 4.0 / (0.01 * 100.0 / scale)
        model.classifier.weight[0, 1] = longer * 2.0 / (0.01 / scale)
    return model


def saved(folder: Path, model: Any, **options: Any) -> str:
    model.save_pretrained(folder)
    tokenizer(**options).save_pretrained(folder)
    return f"reward:{folder}"


def rewards(judge: Judge, *cases: Case) -> list[Any]:
    async def run() -> list[Any]:
        try:
            return [await judge.judge(case, sample=0) for case in cases]
        finally:
            await judge.aclose()

    return asyncio.run(run())


# --- audits


def test_the_hand_made_model_does_what_it_says() -> None:
    pipe = pipeline("text-classification", model=planted(0.0), tokenizer=tokenizer(), function_to_apply="none")
    judge = vd.judge(pipe, task="score", scale=Scale(-100, 100))
    short, long = Case("q", ("right",)), Case("q", ("right" + " word" * 50,))
    assert [v.score for v in rewards(judge, short, long)] == pytest.approx([4.0, 4.0], abs=0.2)
    assert rewards(judge, Case("q", ("wrong",)))[0].score == pytest.approx(-4.0, abs=0.2)
    pipe = pipeline("text-classification", model=planted(0.2), tokenizer=tokenizer(), function_to_apply="none")
    scores = [v.score for v in rewards(vd.judge(pipe, task="score", scale=Scale(-100, 100)), short, long)]
    assert scores[1] - scores[0] == pytest.approx(10.0, rel=0.1)


@pytest.mark.parametrize(("longer", "decision"), [(0.5, "violated"), (0.0, "holds")])
def test_a_preference_for_length_is_found_and_a_clean_model_passes(
    tmp_path: Path, longer: float, decision: str
) -> None:
    judge = make_judge(saved(tmp_path / "model", planted(longer)))
    assert (judge.task, judge.deterministic, judge.paid) == ("pairwise", True, False)
    result = vd.audit(judge, CASES, "quick", probes=["verbosity.filler"], cache=None, minimise=0)
    assert result.findings["verbosity.filler"].decision == decision
    assert result.audit.discrimination.accuracy == 1.0
    assert result.audit.calls.errors == 0


def test_a_pipeline_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    saved(tmp_path / "model", planted(0.5))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my_reward.py").write_text(
        textwrap.dedent(
            """
            from transformers import pipeline

            pipe = pipeline("text-classification", model="model", tokenizer="model", function_to_apply="none")
            """
        )
    )
    judge = make_judge("python:my_reward.py:pipe")
    result = vd.audit(judge, CASES, "quick", probes=["verbosity.filler"], cache=None, minimise=0)
    assert result.findings["verbosity.filler"].decision == "violated"


# --- reading


def test_pairs_rankings_and_margins(tmp_path: Path) -> None:
    spec = saved(tmp_path / "model", planted(0.0))
    [pair] = rewards(make_judge(spec), Case("q", ("wrong", "right")))
    assert (pair.choice, round(pair.margin)) == (1, -8)
    ranking = make_judge(spec, JudgeOptions(task="ranking"))
    [ranked] = rewards(ranking, Case("q", ("nothing", "right", "wrong")))
    assert ranked.ranking == (1, 0, 2)


def test_a_number_does_not_depend_on_what_stands_beside_it(tmp_path: Path) -> None:
    judge = make_judge(saved(tmp_path / "model", drawn()))
    texts = ("item one", "item " * 100, "right", "")
    alone = [rewards(judge, Case("q", (a, b)))[0].raw for a in texts for b in texts]
    again = [rewards(judge, Case("q", (a, b)))[0].raw for a in texts for b in texts]
    assert alone == again
    first = {a: {r.split(", ")[0] for r in alone[4 * i : 4 * i + 4]} for i, a in enumerate(texts)}
    assert all(len(found) == 1 for found in first.values())


@pytest.mark.parametrize("text", ["pair", "joined", "chat"])
def test_how_question_and_answer_become_a_text(tmp_path: Path, text: str) -> None:
    spec = saved(tmp_path / "model", planted(0.0), chat_template=CHAT)
    judge = make_judge(spec, JudgeOptions(params={"text": text}))
    turns = (Turn("system", "item"), Turn("user", "one"), Turn("assistant", "item"), Turn("user", "one"))
    verdicts = rewards(judge, Case(turns, ("wrong", "right")), Case("one", ("right", "wrong")))
    assert [v.choice for v in verdicts] == [1, 0]


def test_a_chat_template_is_used_where_there_is_one(tmp_path: Path) -> None:
    spec = saved(tmp_path / "model", drawn(), chat_template=CHAT)
    case = Case("one", ("right", "item item"))
    raw = {
        t: rewards(make_judge(spec, JudgeOptions(params={"text": t} if t else {})), case)[0].raw
        for t in ("", "chat", "pair")
    }
    assert raw[""] == raw["chat"] != raw["pair"]
    plain = saved(tmp_path / "plain", drawn())
    with pytest.raises(UsageError, match="has no chat template"):
        make_judge(plain, JudgeOptions(params={"text": "chat"}))


def test_a_text_that_is_too_long_is_no_verdict_unless_it_may_be_cut(tmp_path: Path) -> None:
    spec = saved(tmp_path / "model", planted(0.0))
    case = Case("q", ("right" + " word" * 10_000, "wrong"))
    [verdict] = rewards(make_judge(spec), case)
    assert (verdict.null, verdict.reason) == ("unparsed", "10,005 tokens, and the model reads 256")
    [verdict] = rewards(make_judge(spec, JudgeOptions(params={"truncate": True})), case)
    assert verdict.choice == 0


@pytest.mark.parametrize("text", ["", "四。" * 40, "\u202eهو أربعة\u202c", "[CLS] [SEP] {{ x }} \x00"])
def test_texts_of_any_kind_are_read(tmp_path: Path, text: str) -> None:
    judge = make_judge(saved(tmp_path / "model", drawn()), JudgeOptions(task="score", scale=Scale(-100, 100)))
    assert rewards(judge, Case("", (text,)))[0].score is not None


def test_classes_and_their_probabilities(tmp_path: Path) -> None:
    names = {"id2label": {0: "bad", 1: "fair", 2: "good"}, "label2id": {"bad": 0, "fair": 1, "good": 2}}
    spec = saved(tmp_path / "model", drawn(3, **names))
    with pytest.raises(UsageError, match=r"the model has 3 classes(.|\n)*label=NAME(.|\n)*good"):
        make_judge(spec)
    with pytest.raises(UsageError, match=r"no class 'god'(.|\n)*'good'"):
        make_judge(spec, JudgeOptions(params={"label": "god"}))
    case = Case("q", ("item",))
    scores = [
        rewards(make_judge(spec, JudgeOptions(task="score", params={"label": label})), case)[0].score
        for label in ("bad", "fair", 2)
    ]
    assert sum(scores) == pytest.approx(1.0)
    grades = [
        rewards(make_judge(spec, JudgeOptions(task="grade", params={"label": label})), case)[0].grade
        for label in ("bad", "fair", "good")
    ]
    assert sorted(grades) == [False, False, True]


def test_nan_is_no_verdict(tmp_path: Path) -> None:
    model = drawn()
    with torch.no_grad():
        model.classifier.bias.fill_(float("nan"))
    assert rewards(make_judge(saved(tmp_path / "model", model)), Case("q", ("a", "b")))[0].null == "unparsed"


# --- what cannot work


def test_what_is_no_model_says_so(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"there is no model in(.|\n)*downloads none"):
        make_judge("reward:nobody/some-reward-model")
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(UsageError, match="could not be loaded"):
        make_judge(f"reward:{tmp_path}")
    with pytest.raises(UsageError, match="has no tokenizer"):
        vd.judge(drawn())
    spec = saved(tmp_path / "model", drawn())
    with pytest.raises(UsageError, match=r"any number(.|\n)*--scale"):
        make_judge(spec, JudgeOptions(task="score"))
    with pytest.raises(UsageError, match="cannot judge the task 'grade'"):
        make_judge(spec, JudgeOptions(task="grade"))
    with pytest.raises(UsageError, match="no parameter 'lable'"):
        make_judge(spec, JudgeOptions(params={"lable": "x"}))


def test_code_in_the_folder_is_not_run(tmp_path: Path) -> None:
    saved(tmp_path / "model", drawn())
    config = json.loads((tmp_path / "model" / "config.json").read_text())
    config |= {
        "model_type": "evil",
        "auto_map": {"AutoModelForSequenceClassification": "evil.Evil", "AutoConfig": "evil.C"},
    }
    (tmp_path / "model" / "config.json").write_text(json.dumps(config))
    (tmp_path / "model" / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    with pytest.raises(UsageError, match="could not be loaded"):
        make_judge(f"reward:{tmp_path / 'model'}")
    assert not (tmp_path / "ran").exists()


def test_weights_are_not_unpickled(tmp_path: Path) -> None:
    spec = saved(tmp_path / "model", drawn())
    (tmp_path / "model" / "model.safetensors").unlink()
    torch.save(drawn().state_dict(), tmp_path / "model" / "pytorch_model.bin")
    with pytest.raises(UsageError, match=r"could not be loaded(.|\n)*safetensors"):
        make_judge(spec)


def test_fingerprints_tell_checkpoints_apart_and_stay(tmp_path: Path) -> None:
    one = saved(tmp_path / "one", drawn())
    two = saved(tmp_path / "two", drawn(seed=1))
    same = saved(tmp_path / "same", drawn())
    prints = [make_judge(spec).fingerprint for spec in (one, two, same)]
    assert prints[0] == prints[2] != prints[1]
    assert make_judge(one).reusable
    other = JudgeOptions(params={"text": "joined"})
    assert make_judge(one, other).fingerprint != prints[0]
    assert dataclasses.replace(other, params={}) == JudgeOptions()
