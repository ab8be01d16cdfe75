"""Two or three invented records in the published shape of every format that the loaders read."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PROMPT = """[User Question]
Why is the sky blue?

[The Start of Assistant A's Answer]
Scattering.
[The End of Assistant A's Answer]

[The Start of Assistant B's Answer]
The sea.
[The End of Assistant B's Answer]"""
ARENA_PROMPT = """<|User Prompt|>
Why?

<|The Start of Assistant A's Answer|>
Base.
<|The End of Assistant A's Answer|>

<|The Start of Assistant B's Answer|>
New.
<|The End of Assistant B's Answer|>"""


def absolute(response: str, reference: bool = True) -> str:
    known = "\n\n###Reference Answer (Score 5):\nScattering of light." if reference else ""
    return (
        "###Task Description:\nGrade it.\n\n###The instruction to evaluate:\nWhy is the sky blue?\n\n"
        f"###Response to evaluate:\n{response}{known}\n\n###Score Rubrics:\n[Is it right?]\nScore 1: No.\n\n"
        "###Feedback: "
    )


@dataclass(frozen=True)
class Sample:
    """`content` is the whole JSON value of the file; `inside` leads to its list of records."""

    format: str
    name: str
    content: Any
    inside: tuple[str, ...] = ()
    options: str = ""
    beside: dict[str, str] = field(default_factory=dict)

    @property
    def records(self) -> list[Any]:
        at = self.content
        for key in self.inside:
            at = at[key]
        assert isinstance(at, list)
        return at

    def write(self, folder: Path, content: Any = None) -> str:
        """Writes the file and those beside it; returns the spec."""
        content = self.content if content is None else content
        for name, text in self.beside.items():
            (folder / name).write_text(text, encoding="utf-8")
        path = folder / self.name
        if isinstance(content, str):
            text = content
        elif self.name.endswith(".jsonl"):
            text = "\n".join(json.dumps(r) for r in content) + "\n"
        else:
            text = json.dumps(content, indent=1)
        path.write_text(text, encoding="utf-8")
        return f"{self.format}:{path}{self.options.format(folder=folder)}"


def jsonl(*records: dict[str, Any]) -> str:
    return "".join(json.dumps(r) + "\n" for r in records)


def _game(score: str | None, prompt: str = ARENA_PROMPT) -> dict[str, Any]:
    return {"user_prompt": prompt, "judgment": f"[[{score}]]", "score": score}


def _said(answer: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": answer}]


def _votes(**winners: str) -> list[dict[str, Any]]:
    return [
        {
            "question_id": 81,
            "model_a": "m",
            "model_b": "n",
            "winner": winner,
            "judge": judge,
            "conversation_a": _said("Scattering."),
            "conversation_b": _said("The sea."),
            "turn": 1,
        }
        for judge, winner in winners.items()
    ]


def _pair_judgment(question: int, g1: str, g2: str) -> dict[str, Any]:
    return {
        "question_id": question,
        "model_1": "m",
        "model_2": "n",
        "g1_winner": g1,
        "g2_winner": g2,
        "judge": ["gpt-4", "pair-v2"],
        "g1_user_prompt": PROMPT,
        "g1_judgment": "[[A]]",
        "g2_user_prompt": PROMPT,
        "g2_judgment": "[[B]]",
        "turn": 1,
        "tstamp": 1.5,
    }


def _single_judgment(question: int, score: float) -> dict[str, Any]:
    prompt = "[Question]\nWhy?\n\n[The Start of Assistant's Answer]\nScattering.\n[The End of Assistant's Answer]"
    return {
        "question_id": question,
        "model": "m",
        "judge": ["gpt-4", "single-v1"],
        "user_prompt": prompt,
        "judgment": f"Rating: [[{score}]]",
        "score": score,
        "turn": 1,
    }


def _llmbar(label: int, **more: Any) -> dict[str, Any]:
    return {"input": "Say hi.", "output_1": "Hi.", "output_2": f"No {label}.", "label": label, **more}


_RESULT = {
    "swap = False": {"completion": ["Output (a)", "stop"], "winner": "1"},
    "swap = True": {"completion": ["Output (a)", "stop"], "winner": "2"},
}


def _verdict(verdict: Any, *, judge: str = "m1", turned: bool = False) -> dict[str, Any]:
    """A line of a plain log; `turned`: the same answers shown the other way round."""
    step = -1 if turned else 1
    return {
        "instruction": "Why?",
        "responses": ["So.", "No."][::step],
        "verdict": verdict,
        "judge": judge,
        "label": int(turned),
        "models": ["m", "n"][::step],
        "sample": 0,
    }


def _row(idx: int, winner: str | None, swapped: str | None) -> dict[str, Any]:
    return {
        "set": "LLMBar/Natural",
        "judge": "J",
        "strategy": "CoT",
        "idx": idx,
        "label": 1,
        "winner": winner,
        "winner_swap": swapped,
        "completion": "Output (a)",
        "completion_swap": "Output (b)",
    }


def _pandalm(idx: int, votes: tuple[int, int, int], first: Any = "Yes.") -> dict[str, Any]:
    return {
        "idx": idx,
        "motivation_app": "Mail",
        "cmp_key": "a_b",
        "instruction": "Answer.",
        "input": "Is it?",
        "response1": first,
        "response2": "No.",
        **{f"annotator{i}": v for i, v in enumerate(votes, 1)},
    }


def _judgebench(pair: str, label: str, *decisions: str | None) -> dict[str, Any]:
    record: dict[str, Any] = {
        "pair_id": pair,
        "original_id": 7 if pair == "p1" else None,
        "source": "mmlu-pro-law",
        "question": "Which?",
        "response_model": "m",
        "response_A": "A.",
        "response_B": "B.",
        "label": label,
    }
    if decisions:
        record |= {"judge_name": "J", "judgments": [None if d is None else {"decision": d} for d in decisions]}
    return record


def _review(question: int, *score: float) -> dict[str, Any]:
    return {
        "review_id": f"r{question}",
        "question_id": question,
        "answer1_id": "x",
        "answer2_id": "y",
        "reviewer_id": "gpt-4",
        "text": "8 9\nBecause.",
        "score": list(score),
    }


_QUESTIONS = jsonl({"question_id": 1, "text": "Why?", "category": "generic"}, {"question_id": 2, "text": "How?"})
_FIRST = jsonl({"question_id": 1, "text": "So.", "model_id": "m"}, {"question_id": 2, "text": "Thus.", "model_id": "m"})
_SECOND = jsonl({"question_id": 1, "text": "No.", "model_id": "n"}, {"question_id": 2, "text": "Not.", "model_id": "n"})
_SIDES = {"question.jsonl": _QUESTIONS, "a1.jsonl": _FIRST, "a2.jsonl": _SECOND}
_BOTH = "?answers1={folder}/a1.jsonl&answers2={folder}/a2.jsonl"


def _judgelm(question: int, **more: Any) -> dict[str, Any]:
    return {
        "question_id": question,
        "question_body": "Why?",
        "answer1_body": "So.",
        "answer2_body": "No.",
        "answer1_model_id": "m",
        "answer2_model_id": "n",
        **more,
    }


def _scored(system: str, **scores: float) -> dict[str, Any]:
    return {"source": "Hello.", "system_id": system, "system_output": "Hi.", "context": "A fact.", "scores": scores}


_TOPICAL = {"understandability": 1.0, "naturalness": 3.0, "coherence": 2.5, "engagingness": 3.0, "groundedness": 0.5}
_SUMMARY = {"coherence": 4.0, "consistency": 5.0, "fluency": 3.0, "relevance": 2.0}
_USR_VOTES = {
    "Understandable": [1, 1, 0],
    "Natural": [3, 2, 3],
    "Maintains Context": [3, 3, 3],
    "Engaging": [1, 2, 3],
    "Uses Knowledge": [0, 1, 1],
    "Overall": [5, 4, 3],
}

SAMPLES = {
    "llmbar": Sample("llmbar", "Natural.json", [_llmbar(1), _llmbar(2)]),
    "llmbar-results": Sample("llmbar", "result.json", [_llmbar(1, results=[_RESULT]), _llmbar(2, results=[_RESULT])]),
    "llmbar-verdicts": Sample("llmbar", "verdicts.jsonl", [_row(0, "1", "2"), _row(1, None, "1")]),
    "pandalm": Sample("pandalm", "testset-v1.json", [_pandalm(0, (1, 1, 2)), _pandalm(1, (0, 1, 2), True)]),
    "pandalm-verdicts": Sample(
        "pandalm",
        "gpt-testset-v1.json",
        [{"idx": 0, "gpt_result": "1", "gpt_reason": "So."}, {"idx": 1, "gpt_result": "garbage", "gpt_reason": ""}],
    ),
    "judgebench": Sample("judgebench", "jb.jsonl", [_judgebench("p1", "A>B"), _judgebench("p2", "B>A")]),
    "judgebench-outputs": Sample(
        "judgebench", "out.jsonl", [_judgebench("p1", "A>B", "A>B", "A>B"), _judgebench("p2", "B>A", None, "A=B")]
    ),
    "evalbiasbench": Sample(
        "evalbiasbench",
        "biasbench.json",
        {
            "length bias": [
                {"bias": "length bias", "instruction": "Do.", "response1": "Did.", "response2": f"{i}", "label": 1}
                for i in range(2)
            ]
        },
        inside=("length bias",),
    ),
    "mt-bench-answers": Sample(
        "mt-bench",
        "m.jsonl",
        [{"question_id": q, "model_id": "m", "choices": [{"index": 0, "turns": ["So.", "Thus."]}]} for q in (104, 105)],
        beside={
            "question.jsonl": jsonl(
                *({"question_id": q, "category": "math", "turns": ["Why?", "And?"]} for q in (104, 105))
            )
        },
    ),
    "mt-bench-pairs": Sample(
        "mt-bench", "pair.jsonl", [_pair_judgment(1, "model_1", "model_1"), _pair_judgment(2, "tie", "error")]
    ),
    "mt-bench-single": Sample("mt-bench", "single.jsonl", [_single_judgment(1, 7), _single_judgment(2, -1)]),
    "mt-bench-votes": Sample("mt-bench", "votes.jsonl", _votes(expert_1="model_a", expert_2="model_a", expert_3="tie")),
    "prometheus-absolute": Sample(
        "prometheus",
        "mt_bench_eval.json",
        [
            {
                "idx": i,
                "response_source": "m",
                "category": "math",
                "instruction": absolute(f"Answer {i}."),
                "gpt4_score": [3, 4, 3],
                "gpt4_feedback": ["a", "b", "c"],
            }
            for i in (1, 2)
        ],
    ),
    "prometheus-hhh": Sample(
        "prometheus",
        "hhh.json",
        [
            {
                "source": "honest",
                "chosen_instruction": absolute("Right.", False),
                "rejected_instruction": absolute(f"Wrong {i}.", False),
            }
            for i in (1, 2)
        ],
    ),
    "prometheus-fields": Sample(
        "prometheus",
        "feedback.json",
        [
            {
                "orig_instruction": "Why?",
                "orig_response": f"So {i}.",
                "orig_reference_answer": "Thus.",
                "orig_criteria": "Is it right?",
                **{f"orig_score{n}_description": f"level {n}" for n in range(1, 6)},
                "orig_score": "4",
            }
            for i in (1, 2)
        ],
    ),
    "vicuna-bench": Sample("vicuna-bench", "review.jsonl", [_review(1, 8, 9), _review(2, -1, -1)]),
    "vicuna-bench-cases": Sample(
        "vicuna-bench", "review.jsonl", [_review(1, 8, 9), _review(2, 7, 7)], options=_BOTH, beside=_SIDES
    ),
    "judgelm": Sample(
        "judgelm",
        "judgelm.jsonl",
        [_judgelm(1, score=[8, 6], pred_text="7 9\nWell."), _judgelm(2, score=[{"logprobs": -1}], pred_text="Hm.")],
    ),
    "score-judge": Sample(
        "score-judge",
        "bandwagon.jsonl",
        [
            _judgelm(q, pred_text=text, pred_model_id="judgelm-7b")
            | {"answer1_model_id": "reference", "answer2_model_id": "llama3-bandwagon", "reference": "So."}
            for q, text in ((1, "8"), (2, "none"))
        ],
    ),
    "autoj": Sample(
        "autoj",
        "testdata_pairwise.jsonl",
        [{"scenario": "math", "label": n, "prompt": "Why?", "response 1": "So.", "response 2": f"{n}"} for n in (0, 2)],
    ),
    "alpaca-annotations": Sample(
        "alpaca-eval",
        "annotations.json",
        [
            {
                "instruction": "Why?",
                "output_1": "So.",
                "output_2": "No.",
                "generator_1": "m",
                "generator_2": "n",
                "annotator": annotator,
                "preference": preference,
            }
            for annotator, preference in (("human_1", 1), ("human_2", 1), ("gpt4", 1.75), ("gpt4", None))
        ],
    ),
    "alpaca-outputs": Sample(
        "alpaca-eval",
        "outputs.json",
        [{"instruction": "Why?", "output": f"{i}", "generator": "m", "dataset": "koala"} for i in (1, 2)],
    ),
    "arena-hard": Sample(
        "arena-hard",
        "gpt-4.jsonl",
        [
            {"question_id": "q1", "model": "m", "judge": "gpt-4", "games": [_game("B>>A"), _game("A>B")]},
            {"uid": "q2", "model": "m", "judge": "gpt-4", "baseline": "b", "games": [_game("A=B", "?"), _game(None)]},
        ],
    ),
    "rewardbench": Sample(
        "rewardbench",
        "rewardbench.json",
        [
            {"id": i, "subset": "math", "prompt": "Why?", "chosen": "So.", "rejected": "No.", "chosen_model": "m"}
            for i in (1, 2)
        ],
    ),
    "rewardbench-2": Sample(
        "rewardbench",
        "rb2.jsonl",
        [
            {"id": "a", "subset": "Math", "prompt": "Why?", "chosen": ["So."], "rejected": ["No.", "Not."]},
            {"id": "b", "subset": "Ties", "prompt": "Why?", "chosen": ["So.", "Thus."], "rejected": ["No."]},
        ],
    ),
    "rm-bench": Sample(
        "rewardbench",
        "rm.json",
        [
            {"id": i, "domain": "math", "prompt": "Why?", "chosen": ["a", "b", "c"], "rejected": ["x", "y", "z"]}
            for i in ("1", "2")
        ],
    ),
    "topicalchat": Sample("topicalchat", "tc.json", [_scored(s, **_TOPICAL, overall=4.0) for s in ("one", "two")]),
    "topicalchat-predictions": Sample(
        "topicalchat", "scores.json", [{**_TOPICAL, "overall": 1.5}, {**_TOPICAL, "overall": 0.5}]
    ),
    "topicalchat-usr": Sample(
        "topicalchat",
        "usr.json",
        [
            {"context": "Hello.", "fact": "A fact.", "responses": [{"response": "Hi.", "model": "one", **_USR_VOTES}]}
            for _ in range(2)
        ],
    ),
    "summeval": Sample("summeval", "summeval.json", [_scored(s, **_SUMMARY) for s in ("M0", "M1")]),
    "summeval-authors": Sample(
        "summeval",
        "model_annotations.aligned.jsonl",
        [
            {
                "id": "d1",
                "model_id": model,
                "decoded": "Short.",
                "expert_annotations": [_SUMMARY, _SUMMARY],
                "references": ["Ref."],
                "text": "Long.",
            }
            for model in ("M0", "M1")
        ],
    ),
    "summeval-hf": Sample(
        "summeval",
        "hf.jsonl",
        [
            {
                "id": identity,
                "text": "Long.",
                "machine_summaries": ["Short.", "Shorter."],
                "human_summaries": ["Ref."],
                **{dimension: [4.0, 2.0] for dimension in _SUMMARY},
            }
            for identity in ("d1", "d2")
        ],
    ),
    "qags": Sample(
        "qags",
        "mturk_xsum.jsonl",
        [
            {
                "article": f"Article {i}.",
                "summary_sentences": [
                    {
                        "sentence": "It happened.",
                        "responses": [{"worker_id": w, "response": a} for w, a in enumerate(("yes", "yes", "no"))],
                    }
                ],
            }
            for i in (1, 2)
        ],
    ),
    "promptfoo": Sample(
        "promptfoo",
        "results.json",
        {
            "results": {
                "version": 3,
                "results": [
                    {
                        "testIdx": i,
                        "promptIdx": 0,
                        "prompt": {"raw": "Why?"},
                        "provider": {"id": "openai:m", "label": "m"},
                        "response": {"output": "So."},
                        "success": passed,
                        "gradingResult": {
                            "pass": passed,
                            "componentResults": [
                                {"pass": True, "score": 1, "assertion": {"type": "contains", "value": "So"}},
                                {
                                    "pass": passed,
                                    "score": 1,
                                    "reason": "Fine.",
                                    "assertion": {"type": "llm-rubric", "value": "Is it kind?"},
                                },
                            ],
                        },
                    }
                    for i, passed in enumerate((True, False))
                ],
            }
        },
        inside=("results", "results"),
    ),
    "inspect": Sample(
        "inspect",
        "log.json",
        {
            "version": 2,
            "status": "success",
            "eval": {"task": "t", "model": "openai/m"},
            "samples": [
                {
                    "id": i,
                    "epoch": 1,
                    "input": [{"role": "user", "content": "Why?"}],
                    "target": ["So."],
                    "output": {"choices": [{"message": {"role": "assistant", "content": "So."}}]},
                    "scores": {"model_graded_qa": {"value": value, "explanation": "It is."}},
                }
                for i, value in ((1, "C"), (2, "N"))
            ],
        },
        inside=("samples",),
    ),
    "deepeval": Sample(
        "deepeval",
        "run.json",
        {
            "testCases": [
                {
                    "name": f"t{i}",
                    "input": "Why?",
                    "actualOutput": "So.",
                    "expectedOutput": "Thus.",
                    "retrievalContext": ["A fact."],
                    "metricsData": [
                        {"name": "Faithfulness", "score": 0.9, "threshold": 0.7, "reason": "It is.", "error": error}
                    ],
                }
                for i, error in ((1, None), (2, "timed out"))
            ]
        },
        inside=("testCases",),
    ),
    "log": Sample("log", "log.jsonl", [_verdict("A"), _verdict("B", turned=True), _verdict(None, judge="m2")]),
    "log-scores": Sample(
        "log",
        "scores.json",
        [
            {"id": "s1", "instruction": "Why?", "response": "So.", "verdict": 4, "model": "m", "label": 3.5},
            {"id": "s2", "instruction": "How?", "response": "Thus.", "verdict": 9, "model": "n", "label": 2},
        ],
        options="?scale=1:5",
    ),
}
#: formats that are lines of words, and the files they need beside them
LINES = {
    "trec": Sample(
        "trec",
        "people.qrels",
        "q1 0 d1 2\nq1 0 d2 0\nq2 0 d1 -1\n",
        options="?queries={folder}/q.tsv&documents={folder}/d.jsonl",
        beside={
            "q.tsv": "q1\tWhy?\nq2\tHow?\n",
            "d.jsonl": jsonl({"id": "d1", "text": "One."}, {"id": "d2", "text": "Two."}),
        },
    ),
    "faireval": Sample("faireval", "human.txt", "CHATGPT\nTIE\n", options=_BOTH + "&first=CHATGPT", beside=_SIDES),
}
