"""ScoreJudge against recorded exchanges of vLLM and Text Embeddings Inference, and a loopback imitation with faults."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from fake_server import Behaviour, answer, reset
from recordings import Recording, Scene, shows_no_key
from talk import KEY

from voirdire.harness.cases import Case, Turn
from voirdire.harness.errors import JudgeUnreachable, UsageError
from voirdire.harness.judges.base import Judge
from voirdire.harness.judges.prompts import load_prompt
from voirdire.harness.judges.score_endpoint import ScoreJudge
from voirdire.harness.verdicts import Scale, Verdict

RECORDED = Recording("score")
PAIR = Case("Which?", ("one", "two"), label=0)
ONE = Case("Which?", ("one",))


def scene(
    path: str, script: Sequence[Behaviour], *, case: Case = PAIR, calls: int = 1, **options: Any
) -> Scene[ScoreJudge, Verdict]:
    defaults: dict[str, Any] = {"api_key": KEY, "environ": {"SCORE_API_KEY": KEY}, "jitter": lambda: 1.0}
    return Scene(
        script,
        lambda url, sleeps: ScoreJudge(url + path, **{"sleep": sleeps, **defaults, **options}),
        lambda judge, sample: judge.judge(case, sample=sample),
        calls,
    )


# --- every style


@pytest.mark.parametrize(
    ("path", "name", "params", "sent", "choice", "margin"),
    [
        (
            "/v1/score",
            "vllm_score",
            {"model": "m"},
            {"text_1": "Which?", "text_2": ["one", "two"], "model": "m"},
            1,
            -0.998905,
        ),
        (
            "/v1/rerank",
            "vllm_rerank",
            {"model": "m"},
            {"query": "Which?", "documents": ["one", "two"], "model": "m"},
            1,
            -0.997949,
        ),
        ("/rerank", "tei_rerank", {}, {"query": "Which?", "texts": ["one", "two"], "raw_scores": True}, 1, -7.25),
        ("/classify", "vllm_classify", {"label": 1}, {"input": ["Which?\n\none", "Which?\n\ntwo"]}, 1, -0.301483),
        ("/classify", "vllm_reward", {}, {"input": ["Which?\n\none", "Which?\n\ntwo"]}, 0, 10.75),
        (
            "/predict",
            "tei_predict",
            {"label": "good", "raw_scores": False},
            {"inputs": [["Which?\n\none"], ["Which?\n\ntwo"]], "raw_scores": False},
            0,
            0.625,
        ),
    ],
)
def test_pairs(path: str, name: str, params: dict[str, Any], sent: Any, choice: int, margin: float) -> None:
    got = scene(path, [RECORDED[name]], params=params)
    assert got.bodies == [sent]
    assert got.requests[0].path == path
    assert got.requests[0].headers["authorization"] == f"Bearer {KEY}"
    assert got.answer.choice == choice
    assert got.answer.margin == pytest.approx(margin, abs=1e-5)


def test_scores_of_single_responses_keep_their_scale() -> None:
    reward = {**RECORDED.body("vllm_reward"), "data": [{"index": 0, "probs": [7.25], "num_classes": 1}]}
    script = [answer(200, json.dumps(reward))]
    assert scene("/classify", script, case=ONE, task="score", scale=Scale(-20, 20)).answer.score == 7.25
    outside = scene("/classify", script, case=ONE, task="score").answer
    assert outside.null == "unparsed"
    assert "outside its scale 0:1" in str(outside.reason)
    bare = answer(200, json.dumps([{"score": 0.5, "label": "LABEL_0"}]))
    got = scene("/predict", [bare], case=ONE, task="score")
    assert got.answer.score == 0.5
    assert got.bodies[0]["raw_scores"] is False, "a score task wants the scale of the sigmoid"


def test_rankings() -> None:
    case = Case("Which?", ("a", "b", "c"))
    ranks = [{"index": i, "score": s} for i, s in ((2, 0.5), (0, 0.25), (1, -4.0))]
    assert scene("/rerank", [answer(200, json.dumps(ranks))], case=case, task="ranking").answer.ranking == (2, 0, 1)
    ranks[2]["score"] = 0.5
    tied = scene("/rerank", [answer(200, json.dumps(ranks))], case=case, task="ranking").answer
    assert tied.null == "unparsed", "a tie has no place in a ranking, and the first slot must not gain by it"


def test_equal_scores_are_a_tie_and_nan_is_null() -> None:
    def pair(a: str, b: str) -> Verdict:
        body = f'[{{"index": 0, "score": {a}}}, {{"index": 1, "score": {b}}}]'
        return scene("/rerank", [answer(200, body)]).answer

    assert pair("0.5", "0.5").choice == "tie"
    assert pair("NaN", "0.5").null == "unparsed"


def test_what_else_the_reply_says() -> None:
    verdict = scene("/score", [RECORDED["vllm_score"]]).answer
    assert verdict.served_model == "BAAI/bge-reranker-v2-m3"
    assert verdict.usage is not None
    assert (verdict.usage.input_tokens, verdict.usage.output_tokens) == (48, 0)
    assert verdict.raw == "0.0010948181, 1"
    usage = scene("/v1/rerank", [RECORDED["vllm_rerank"]], params={"model": "m"}).answer.usage
    assert usage is not None
    assert (usage.input_tokens, usage.output_tokens) == (56, None)


def test_turns_and_a_template() -> None:
    talk = Case((Turn("user", "Hi"), Turn("assistant", "Hello"), Turn("user", "Which?")), ("one", "two"))
    (body,) = scene("/score", [RECORDED["vllm_score"]], case=talk).bodies
    assert body["text_1"] == "user: Hi\n\nassistant: Hello\n\nuser: Which?"
    template = load_prompt(
        "{% for t in turns %}<{{ t.role }}>{{ t.content }}{% endfor %}<answer>{{ response }}", "score"
    )
    (body,) = scene("/classify", [RECORDED["vllm_reward"]], case=talk, template=template).bodies
    assert body["input"][1] == "<user>Hi<assistant>Hello<user>Which?<answer>two"


def test_extra_body() -> None:
    params = {"extra_body": {"truncate": True}, "raw_scores": False}
    (body,) = scene("/rerank", [RECORDED["tei_rerank"]], params=params).bodies
    assert (body["truncate"], body["raw_scores"]) == (True, False)


# --- which rerank


@pytest.mark.parametrize(
    ("params", "refusal", "then", "style"),
    [
        ({}, "vllm_asked_like_tei", "vllm_rerank", "rerank"),
        ({"model": "m"}, "tei_asked_like_vllm", "tei_rerank", "tei-rerank"),
    ],
)
def test_the_first_answer_tells_the_two_kinds_of_rerank_apart(
    params: dict[str, Any], refusal: str, then: str, style: str
) -> None:
    got = scene("/rerank", [RECORDED[refusal], RECORDED[then]], params=params, calls=3)
    assert got.answer.choice == 1
    assert len(got.requests) == 4
    assert got.judge.style == style


def test_a_style_that_is_told_is_kept() -> None:
    got = scene("/rerank", [RECORDED["vllm_asked_like_tei"]], params={"style": "tei-rerank"})
    assert "documents" in got.message
    assert len(got.requests) == 1


def test_another_refusal_is_no_other_style() -> None:
    got = scene("/rerank", [RECORDED["tei_too_long"]])
    assert "must have less than 512 tokens" in got.message
    assert len(got.requests) == 1
    assert not isinstance(got.error, JudgeUnreachable)


# --- faults


def test_several_classes_need_a_label() -> None:
    for path, name in (("/classify", "vllm_classify"), ("/predict", "tei_predict")):
        got = scene(path, [RECORDED[name]])
        assert isinstance(got.error, JudgeUnreachable)
        assert "--param label=" in got.message
    assert "Did you mean 'good'?" in scene("/predict", [RECORDED["tei_predict"]], params={"label": "goood"}).message
    for label in (2, "Spoiled"):
        assert "from 0 to 1" in scene("/classify", [RECORDED["vllm_classify"]], params={"label": label}).message


@pytest.mark.parametrize(
    ("behaviour", "says", "requests"),
    [
        (RECORDED["tei_overloaded"], "answered 429 (rate limited): Model is overloaded", 5),
        (RECORDED["tei_failed"], "answered 424. It says: Inference failed", 1),
        (answer(200, "<html>login</html>", content_type="text/html"), "web page (HTML)", 1),
        (answer(200, '[{"index": 0'), "not complete JSON", 5),
        (reset(), "closed the connection", 5),
        (answer(200, "{}"), "no list of results", 1),
        (answer(200, "[]"), "results for [], not for each of 2 responses", 1),
        (answer(200, '[{"index": 1, "score": 1}, {"index": 2, "score": 1}]'), "results for [1, 2]", 1),
        (answer(200, '[{"index": 0, "score": "1"}, {"index": 1, "score": 1}]'), "a score that is no number", 1),
        (answer(200, '[{"index": 0, "score": true}, {"index": 1, "score": 1}]'), "a score that is no number", 1),
    ],
)
def test_faults(behaviour: Behaviour, says: str, requests: int) -> None:
    got = scene("/rerank", [behaviour])
    assert says in got.message
    assert len(got.requests) == requests
    assert not isinstance(got.error, JudgeUnreachable)


def test_a_missing_score_is_never_a_zero() -> None:
    body = RECORDED.body("vllm_reward")
    body["data"] = body["data"][:1]
    assert "no result for each response" in scene("/classify", [answer(200, json.dumps(body))]).message
    body["data"] = [{"index": 0, "probs": []}, {"index": 1, "probs": [1.0]}]
    assert "a result without probs" in scene("/classify", [answer(200, json.dumps(body))]).message


def test_retry_after_is_kept() -> None:
    slow = answer(429, '{"error": "Model is overloaded"}', headers={"Retry-After": "3"})
    assert scene("/rerank", [slow, RECORDED["tei_rerank"]]).sleeps == [3.5]


def test_a_refused_key_and_a_wrong_path_stop_the_run() -> None:
    refused = scene("/v1/score", [answer(401, '{"error": "Unauthorized"}')])
    assert isinstance(refused.error, JudgeUnreachable)
    assert "SCORE_API_KEY, which is set" in refused.message
    unsent = scene("/v1/score", [answer(401, "{}")], api_key=None)
    assert "SCORE_API_KEY, which is set, was not sent" in unsent.message
    missing = scene("/v1/score", [answer(404, '{"detail": "Not Found"}')])
    assert isinstance(missing.error, JudgeUnreachable)
    assert "no score endpoint at http://127.0.0.1:" in missing.message


# --- arguments and identity


@pytest.mark.parametrize(
    ("url", "options", "says"),
    [
        ("http://h.example", {}, "/score, /rerank, /classify or /predict"),
        ("ftp://h/score", {}, "not a usable base URL"),
        ("http://h.example/score", {"task": "grade"}, "a score is no grade"),
        ("http://h.example/x", {"params": {"style": "rerenk"}}, "rerank"),
        ("http://h.example/score", {"params": {"label": 1}}, "label is for models with classes"),
        ("http://h.example/score", {"params": {"raw_scores": True}}, "use_activation"),
        ("http://h.example/score", {"params": {"temperature": 0}}, "no parameter 'temperature'"),
        ("http://h.example/predict", {"params": {"label": True}}, "label must be"),
        ("http://h.example/score", {"template": load_prompt("{{ response }}", "score")}, "/classify and /predict"),
    ],
)
def test_wrong_arguments_are_usage_errors(url: str, options: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        ScoreJudge(url, **options)


def test_it_is_a_judge() -> None:
    judge: Judge = ScoreJudge("https://h.example/v1/score?token=query-secret", api_key=KEY, concurrency=3)
    assert (judge.task, judge.scale, judge.paid, judge.concurrency) == ("pairwise", Scale(0, 1), True, 3)
    for text in (repr(judge), judge.spec, judge.name, judge.fingerprint):
        assert shows_no_key(text)
        assert "query-secret" not in text
    assert not ScoreJudge("http://localhost:8000/rerank").paid


def test_fingerprints_tell_judges_apart() -> None:
    url = "http://h.example/classify"
    judges = [
        ScoreJudge(url),
        ScoreJudge("http://h.example/v2/classify"),
        ScoreJudge(url, params={"model": "m"}),
        ScoreJudge(url, params={"label": 1}),
        ScoreJudge(url, task="score"),
        ScoreJudge(url, task="score", scale=Scale(0, 2)),
        ScoreJudge(url, template=load_prompt("Q {{ response }}", "score")),
        ScoreJudge(url, params={"extra_body": {"x": 1}}),
    ]
    assert len({judge.fingerprint for judge in judges}) == len(judges)
    assert ScoreJudge(url, api_key=KEY, timeout=1).fingerprint == judges[0].fingerprint
