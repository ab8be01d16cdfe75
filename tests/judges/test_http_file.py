"""HttpFileJudge: what the file may say, what is sent, how answers are read, and how the endpoint fails."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from fake_server import Behaviour, answer, redirect, reset
from hypothesis import given
from hypothesis import strategies as st
from recordings import Scene, shows_no_key
from talk import KEY

from voirdire.harness.cases import Case, Task, Turn
from voirdire.harness.errors import JudgeUnreachable, UsageError
from voirdire.harness.judges.base import Judge
from voirdire.harness.judges.http_file import HttpFileJudge
from voirdire.harness.judges.json_template import MISSING, JsonTemplate, find, parse_path
from voirdire.harness.verdicts import Scale, Verdict

PAIR = Case("Which?", ("one", 'say "two"}'), reference="ref", label=0, meta={"secret": "label"})
HEAD = 'url = "{url}/compare"\ntask = "pairwise"\n'
BODY = '[body]\nq = "{{ instruction }}"\nrs = "{{ responses }}"\n'
ANSWER = 'answer = "$.winner"\n'


def reply(data: Any, **options: Any) -> Behaviour:
    return answer(200, json.dumps(data), **options)


@pytest.fixture
def write(tmp_path: Path) -> Any:
    def make(text: str, url: str = "http://127.0.0.1:1") -> Path:
        path = tmp_path / "judge.toml"
        path.write_text(text.replace("{url}", url), encoding="utf-8")
        return path

    return make


@pytest.fixture
def ask(write: Any) -> Any:
    """The conversation of a judge that `text` describes with the scripted endpoint."""

    def run(
        text: str, script: Sequence[Behaviour], *, case: Case = PAIR, calls: int = 1, **options: Any
    ) -> Scene[HttpFileJudge, Verdict]:
        return Scene(
            script,
            lambda url, sleeps: HttpFileJudge(
                write(text, url), **{"sleep": sleeps, "jitter": lambda: 1.0, "environ": {"TOKEN": KEY}, **options}
            ),
            lambda judge, sample: judge.judge(case, sample=sample),
            calls,
        )

    return run


# --- requests


def test_texts_are_filled_and_keep_their_types(ask: Any) -> None:
    text = (
        HEAD
        + ANSWER
        + """
[headers]
Authorization = "Bearer ${TOKEN}"
X-Team = "judges"
[body]
question = "Q: {{ instruction }}"
candidates = "{{ responses }}"
count = "{{ n }}"
has_reference = "{{ reference != '' }}"
upper = "{{ response_a | upper }}"
options = { temperature = 0, stop = ["{{ response_b }}"], strict = true }
messages = [{ role = "user", content = "{{ fence(response_b, 'b') }}" }]
"""
    )
    got = ask(text, [reply({"winner": "A"})])
    (request,) = got.requests
    assert request.path == "/compare"
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.headers["x-team"] == "judges"
    body = request.body
    assert body["question"] == "Q: Which?"
    assert body["candidates"] == ["one", 'say "two"}']
    assert (body["count"], body["has_reference"], body["upper"]) == (2, True, "ONE")
    assert body["options"] == {"temperature": 0, "stop": ['say "two"}'], "strict": True}
    assert 'say "two"}' in body["messages"][0]["content"]
    assert "label" not in json.dumps(body)
    assert got.answer.choice == 0


def test_a_body_may_be_the_text_of_a_json_object(ask: Any) -> None:
    body = """body = '''{"model": null, "x": {"a": "{{ response_a }}", "b": "{{ response_b }}"}}'''\n"""
    got = ask(HEAD + ANSWER + body, [reply({"winner": "B"})])
    assert got.bodies == [{"model": None, "x": {"a": "one", "b": 'say "two"}'}}]


@given(st.text(max_size=60), st.text(max_size=60))
def test_judged_text_never_leaves_its_place(first: str, second: str) -> None:
    body = {"a": "{{ response_a }}", "text": "1: {{ response_a }} 2: {{ response_b }}", "list": "{{ responses }}"}
    template = JsonTemplate(body, name="x", task="pairwise", scale=Scale())
    sent = json.loads(json.dumps(template.render(Case("Q", (first, second)))))
    assert sent == {"a": first, "text": f"1: {first} 2: {second}", "list": [first, second]}


def test_judged_text_is_no_template() -> None:
    template = JsonTemplate({"a": "{{ response }}", "b": "x {{ response }}"}, name="x", task="score", scale=Scale())
    evil = "{{ 7 * 7 }}{% include 'x' %}${TOKEN}"
    assert template.render(Case("Q", (evil,))) == {"a": evil, "b": f"x {evil}"}


def test_turns_can_be_sent(ask: Any) -> None:
    case = Case((Turn("system", "S"), Turn("user", "Q")), ("one", "two"))
    text = HEAD + ANSWER + '[body]\nturns = "{{ turns }}"\nrs = "{{ responses }}"\n'
    assert ask(text, [reply({"winner": "A"})], case=case).bodies[0]["turns"] == [
        {"role": "system", "content": "S"},
        {"role": "user", "content": "Q"},
    ]


def test_a_slash_at_the_end_of_the_url_stays(ask: Any) -> None:
    text = HEAD.replace("/compare", "/compare/?v=2") + ANSWER + BODY
    assert ask(text, [reply({"winner": "A"})]).requests[0].path == "/compare/?v=2"


def test_rate_spaces_the_calls(ask: Any) -> None:
    got = ask('rate = "120/min"\n' + HEAD + ANSWER + BODY, [reply({"winner": "A"})], calls=3, clock=lambda: 100.0)
    assert got.sleeps == [0.5, 1.0]


# --- answers


@pytest.mark.parametrize(
    ("task", "data", "value"),
    [
        ("pairwise", {"winner": "B"}, 1),
        ("pairwise", {"winner": 0}, 0),
        ("pairwise", {"winner": "tie"}, "tie"),
        ("pairwise", {"winner": [0.25, 0.75]}, 1),
        ("score", {"winner": 7.5}, 7.5),
        ("grade", {"winner": True}, True),
        ("ranking", {"winner": [1, 0]}, [1, 0]),
    ],
)
def test_answers_of_every_task(ask: Any, task: Task, data: Any, value: Any) -> None:
    case = PAIR if task in ("pairwise", "ranking") else Case("Q", ("one",))
    text = HEAD.replace("pairwise", task) + ANSWER + BODY
    verdict = ask(text, [reply(data)], case=case).answer
    assert (verdict.value, verdict.null) == (value, None)
    assert json.loads(str(verdict.raw)) == data


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({}, "there is no $.winner in the reply"),
        ([], "there is no $.winner in the reply"),
        ({"winner": None}, "gave no verdict"),
        ({"winner": "first"}, 'the answer "first" is no pairwise verdict'),
        ({"winner": True}, "the answer true is no pairwise verdict"),
        ({"winner": 2}, "the answer 2 is no pairwise verdict"),
    ],
)
def test_a_reply_without_a_verdict_is_null(ask: Any, data: Any, says: str) -> None:
    verdict = ask(HEAD + ANSWER + BODY, [reply(data)]).answer
    assert verdict.null == "unparsed"
    assert says in str(verdict.reason)


def test_a_score_off_the_scale_is_null_never_clipped(ask: Any) -> None:
    text = HEAD.replace("pairwise", "score") + 'scale = "0:1"\n' + ANSWER + BODY
    case = Case("Q", ("one",))
    assert ask(text, [reply({"winner": 0.5})], case=case).answer.score == 0.5
    assert ask(text, [reply({"winner": 5})], case=case).answer.null == "unparsed"


def test_answers_are_mapped(ask: Any) -> None:
    table = '[answers]\nfirst = "A"\nsecond = "B"\n1 = 1\ntrue = 0\ndeclined = "refused"\nnull = "none"\n'

    def read(value: Any) -> Verdict:
        verdict = ask(HEAD + ANSWER + BODY + table, [reply({"winner": value})]).answer
        assert isinstance(verdict, Verdict)
        return verdict

    assert [read(v).choice for v in ("first", " second\n", 1, "1", True)] == [0, 1, 1, 1, 0]
    assert (read("declined").null, read(None).null) == ("refused", "unparsed")
    other = read("A")
    assert other.null == "unparsed"
    assert "none of those in [answers]" in str(other.reason)


def test_a_pair_of_scores_keeps_its_margin(ask: Any) -> None:
    text = HEAD + 'scores = ["$.s[0].value", "$[\'s\'][1].value"]\n' + BODY
    verdict = ask(text, [reply({"s": [{"value": 0.75}, {"value": 0.5}]})]).answer
    assert (verdict.choice, verdict.margin) == (0, 0.25)
    assert "no $['s'][1].value" in str(ask(text, [reply({"s": [{"value": 1}]})]).answer.reason)
    assert ask(text, [reply({"s": [{"value": "1"}, {"value": 2}]})]).answer.null == "unparsed"


def test_a_text_can_be_parsed_like_a_models_reply(ask: Any) -> None:
    text = HEAD + 'parse = "auto"\n' + ANSWER + BODY
    assert ask(text, [reply({"winner": "Both are fine.\n[[B]]"})]).answer.choice == 1
    assert ask(text, [reply({"winner": 5})]).answer.null == "unparsed"
    echo = Case("Q", ("[[A]]", "two"))
    assert ask(text, [reply({"winner": 'The first says "[[A]]".'})], case=echo).answer.null == "unparsed"


def test_a_text_that_was_cut_off_counts_only_with_a_complete_verdict(ask: Any) -> None:
    text = HEAD + 'parse = "auto"\nfinish = "$.choices[0].stop"\n' + ANSWER + BODY

    def read(said: str, stop: Any) -> Verdict:
        verdict = ask(text, [reply({"winner": said, "choices": [{"stop": stop}]})]).answer
        assert isinstance(verdict, Verdict)
        return verdict

    half = "The better one is response A"
    assert (read(half, "stop").choice, read(half, None).choice, read(half, 7).choice) == (0, 0, 0)
    cut = read(half, "LENGTH")
    assert (cut.choice, cut.null) == (None, "unparsed")
    assert "raise max_tokens" in str(cut.reason)
    withheld = read(half, "content_filter")
    assert (withheld.null, withheld.reason) == ("refused", "the service withheld the reply (content_filter)")
    assert read("It is clear. [[A]]\nBecause the sec", "length").choice == 0


def test_why_a_text_ended_needs_a_text(ask: Any) -> None:
    with pytest.raises(UsageError, match=r"line \d+: finish says why a text ended, so it goes with parse"):
        ask(HEAD + 'finish = "$.stop"\n' + ANSWER + BODY, [])


def test_what_else_the_reply_says(ask: Any) -> None:
    text = (
        'model = "$.meta.model"\nrationale = "$.why"\nrefused = "$.blocked"\n'
        + HEAD
        + ANSWER
        + BODY
        + '[usage]\ninput_tokens = "$.u.in"\noutput_tokens = "$.u.out"\ncost_usd = "$.u.usd"\n'
    )
    data = {
        "winner": "A",
        "why": "better",
        "meta": {"model": "m-1"},
        "u": {"in": 12, "out": 3, "usd": 0.25},
        "blocked": False,
    }
    verdict = ask(text, [reply(data)]).answer
    assert (verdict.choice, verdict.rationale, verdict.served_model) == (0, "better", "m-1")
    assert verdict.usage is not None
    assert (verdict.usage.input_tokens, verdict.usage.output_tokens, verdict.usage.cost_usd) == (12, 3, 0.25)
    declined = ask(text, [reply({**data, "blocked": "policy"})]).answer
    assert (declined.null, declined.choice) == ("refused", None)
    odd = ask(text, [reply({"winner": "A", "u": {"in": "12", "usd": -1}})]).answer.usage
    assert (odd.input_tokens, odd.output_tokens, odd.cost_usd) == (None, None, None)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("$", {"a": [{"b c": 1}, None]}),
        ("$.a[0]['b c']", 1),
        ('$.a[0]["b c"]', 1),
        ("$.a[-1]", None),
        ("$.a[2]", MISSING),
        ("$.a.b", MISSING),
        ("$[0]", MISSING),
        ("$.a[0].b", MISSING),
    ],
)
def test_paths(path: str, value: Any) -> None:
    assert (
        find({"a": [{"b c": 1}, None]}, parse_path(path)) is value
        or find({"a": [{"b c": 1}, None]}, parse_path(path)) == value
    )


@pytest.mark.parametrize("path", ["winner", "$winner", "$..a", "$.a[*]", "$.a[?(@.x)]", "$.a[0:2]", "$.", "$['a'", ""])
def test_paths_that_are_none(path: str) -> None:
    with pytest.raises(ValueError, match=r"path starts with|no such step"):
        parse_path(path)


# --- the file


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("url = ", "not TOML"),
        (HEAD + ANSWER, "body must be a table"),
        (HEAD + BODY, "needs either answer or scores"),
        (HEAD + ANSWER + 'scores = ["$.a", "$.b"]\n' + BODY, "needs either answer or scores"),
        (ANSWER + BODY, "has no url"),
        ('url = 5\ntask = "score"\n' + ANSWER + BODY, "line 1: url must be a text"),
        (HEAD.replace("{url}", "ftp://h") + ANSWER + BODY, "line 1: 'ftp://h/compare' is not a usable base URL"),
        (HEAD.replace("{url}", "https://u:planted@h") + ANSWER + BODY, "line 1: a base URL must not hold a user name"),
        (HEAD.replace("{url}", "https://${HOST}") + ANSWER + BODY, "line 1: ${...} is filled in headers only"),
        (HEAD + 'method = "GET"\n' + ANSWER + BODY, "line 3: method must be POST"),
        (HEAD + 'anwser = "$.x"\n' + BODY, "line 3: unknown key 'anwser'"),
        (HEAD.replace("pairwise", "pair") + ANSWER + BODY, "line 2: task must be one of"),
        (HEAD + 'scale = "10:1"\n' + ANSWER + BODY, 'line 3: scale must be a range such as "1:10"'),
        (HEAD + 'answer = "winner"\n' + BODY, "line 3: answer = 'winner': a path starts with $"),
        (HEAD + "answer = 5\n" + BODY, "line 3: answer must be a path"),
        (HEAD + 'scores = ["$.a"]\n' + BODY, "line 3: scores are two paths"),
        (HEAD + ANSWER + 'rate = "often"\n' + BODY, 'line 4: rate must be like "60/min"'),
        (HEAD + ANSWER + 'parse = "auot"\n' + BODY, "line 4: there is no parser called 'auot'"),
        (HEAD + ANSWER + 'parse = "auto"\n' + BODY + '[answers]\nx = "A"', "line 4: parse and [answers]"),
        (HEAD + ANSWER + BODY + '[answers]\nx = "A"\ny = "C?"', "line 9: y = 'C?' is no pairwise verdict"),
        (HEAD + ANSWER + BODY + "[answers]\nx = true", "line 8: x = True is no pairwise verdict"),
        (HEAD + ANSWER + BODY + '[usage]\ntokens = "$.x"', "line 8: unknown key 'tokens' in [usage]"),
        (HEAD + ANSWER + BODY + '[usage]\ncost_usd = "x"', "line 8: cost_usd = 'x'"),
        (HEAD + ANSWER + BODY + '[headers]\nHost = "h"', "line 8: the header 'Host' cannot be set"),
        (HEAD + ANSWER + BODY + '[headers]\n"X Y" = "h"', "line 8: the header 'X Y' cannot be set"),
        (HEAD + ANSWER + BODY + "[headers]\nX = 5", "line 8: the header X must be a text"),
        (HEAD + ANSWER + BODY + '[headers]\nX = "a\\nb"', "line 8: the header X holds characters"),
        (HEAD + ANSWER + BODY + '[headers]\nX = "${NONE_SUCH}"', "line 8: the environment holds no NONE_SUCH"),
        (HEAD + ANSWER + '[body]\nq = "{{ respones }}"\n', "line 4, q: there is no variable 'respones'"),
        (HEAD + ANSWER + '[body]\nq = { x = ["{{ response_a"] }\n', "line 4, q.x[0]:"),
        (HEAD + ANSWER + '[body]\nq = "{{ response_a }}"\n', "the body never shows {{ response_b }}"),
        (HEAD + ANSWER + '[body]\nq = "{{ responses }} {{ label }}"\n', "there is no variable 'label'"),
        (HEAD + ANSWER + "[body]\nq = 2020-01-01\n", "line 4, q: datetime.date(2020, 1, 1) is no JSON value"),
        (HEAD + ANSWER + "body = '{\"a\": '\n", "line 4: body is no JSON"),
        (HEAD + ANSWER + "body = '[1]'\n", "line 4: body must be a table"),
        (HEAD + ANSWER + 'body = \'{"a": "{{ responses.__class__.__mro__ }}"}\'\n', "line 4, a"),
    ],
)
def test_a_file_that_cannot_work_is_a_usage_error(write: Any, text: str, says: str) -> None:
    path = write(text)
    with pytest.raises(UsageError) as caught:
        HttpFileJudge(path, environ={})
    assert says in str(caught.value)
    assert str(path) in str(caught.value)
    assert shows_no_key(str(caught.value))


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        HttpFileJudge(tmp_path / "none.toml")
    (tmp_path / "x.toml").write_bytes(b"url = '\xff'")
    with pytest.raises(UsageError, match="not UTF-8"):
        HttpFileJudge(tmp_path / "x.toml")


def test_task_and_scale_come_from_either_side_but_must_agree(write: Any) -> None:
    text = HEAD + ANSWER + BODY
    with pytest.raises(UsageError, match="line 2: this is a pairwise judge, not score"):
        HttpFileJudge(write(text), task="score")
    bare = write(text.replace('task = "pairwise"\n', "").replace("responses", "response"))
    with pytest.raises(UsageError, match="does not say what it judges"):
        HttpFileJudge(bare)
    assert HttpFileJudge(bare, task="score", scale=Scale(0, 5)).scale == Scale(0, 5)
    scaled = write('scale = "0:1"\n' + text.replace("pairwise", "score"))
    assert HttpFileJudge(scaled).scale == Scale(0, 1)
    with pytest.raises(UsageError, match="line 1: its scale is 0:1, not 0:5"):
        HttpFileJudge(scaled, scale=Scale(0, 5))


# --- faults


def test_keys_show_nowhere(ask: Any) -> None:
    """The endpoint echoes what it was sent: in an error, in the answer, in the rationale, as the model's name."""
    text = (
        'rationale = "$.why"\nmodel = "$.m"\n'
        + HEAD
        + ANSWER
        + BODY
        + '[headers]\nX-Token = "t ${TOKEN}"\nX-Key = "literal-planted-1"\n'
    )
    assert "answered 400" in ask(text, [answer(400, json.dumps({"error": f"bad {KEY}, literal-planted-1"}))]).message
    got = ask(text, [reply({"winner": KEY, "why": f"since {KEY}", "m": KEY, "h": "literal-planted-1"})])
    for shown in (repr(got.answer), repr(got.judge), repr(got.judge._file), got.judge.fingerprint, got.judge.spec):
        assert shows_no_key(shown)


def test_a_rotated_key_is_the_same_judge(write: Any) -> None:
    text = HEAD + ANSWER + BODY + '[headers]\nX = "${TOKEN}"\n'
    first, second = (HttpFileJudge(write(text), environ={"TOKEN": t}) for t in ("one-key-1", "other-key-2"))
    assert first.fingerprint == second.fingerprint


def test_whatever_can_change_an_answer_changes_the_fingerprint(write: Any) -> None:
    text = HEAD + ANSWER + BODY
    files = [
        text,
        text.replace("/compare", "/v2"),
        text.replace("{{ instruction }}", "Q {{ instruction }}"),
        text.replace("$.winner", "$.best"),
        text + '[answers]\nx = "A"\n',
        text + '[headers]\nX = "1"\n',
        'parse = "auto"\n' + text,
    ]
    assert len({HttpFileJudge(write(f)).fingerprint for f in files}) == len(files)
    assert (
        HttpFileJudge(write('# comment\nrate = "1/s"\n' + text)).fingerprint == HttpFileJudge(write(text)).fingerprint
    )


@pytest.mark.parametrize(
    ("behaviour", "says", "requests"),
    [
        (answer(400, '{"error": "too long"}'), "answered 400 (bad request). It says: too long", 1),
        (answer(500, "oops"), "answered 500 (server error): oops", 5),
        (answer(200, "<html>login</html>", content_type="text/html"), "web page (HTML)", 1),
        (answer(200, '{"winner": "'), "not complete JSON", 5),
        (answer(200, ""), "empty reply", 5),
        (reset(), "closed the connection", 5),
    ],
)
def test_faults(ask: Any, behaviour: Behaviour, says: str, requests: int) -> None:
    got = ask(HEAD + ANSWER + BODY, [behaviour])
    assert says in got.message
    assert len(got.requests) == requests
    assert not isinstance(got.error, JudgeUnreachable)


def test_retry_after_is_kept(ask: Any) -> None:
    slow = answer(429, "{}", headers={"Retry-After": "3"})
    assert ask(HEAD + ANSWER + BODY, [slow, reply({"winner": "A"})]).sleeps == [3.5]


def test_what_no_later_call_mends_stops_the_run(ask: Any) -> None:
    keyed = HEAD + ANSWER + BODY + '[headers]\nX-Key = "${TOKEN}"\n'
    refused = ask(keyed, [answer(401, '{"detail": "who are you"}')])
    assert isinstance(refused.error, JudgeUnreachable)
    assert "come from TOKEN" in refused.message
    assert "sends no key" in ask(HEAD + ANSWER + BODY, [answer(403, "{}")]).message
    missing = ask(HEAD + ANSWER + BODY, [answer(404, "{}")])
    assert isinstance(missing.error, JudgeUnreachable)
    assert "Check url in" in missing.message
    moved = ask(keyed, [redirect("https://evil.example/x")])
    assert isinstance(moved.error, JudgeUnreachable)
    assert "a redirect to evil.example" in moved.message


def test_it_is_a_judge(write: Any) -> None:
    judge: Judge = HttpFileJudge(write(HEAD + ANSWER + BODY), concurrency=3)
    assert (judge.task, judge.paid, judge.concurrency, judge.reusable) == ("pairwise", False, 3, True)
    assert judge.spec.startswith("http:")
    assert HttpFileJudge(write(HEAD + ANSWER + BODY, "https://h.example")).paid
    assert HttpFileJudge(write("paid = true\n" + HEAD + ANSWER + BODY)).paid


def test_the_example_of_the_documentation_works(ask: Any) -> None:
    page = (Path(__file__).parents[2] / "docs" / "judges.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    text = example.replace("https://judge.example", "{url}")
    data = {"result": {"winner": "second", "explanation": "why"}, "usage": {"prompt": 9, "completion": 1}}
    got = ask(text, [reply(data)], environ={"JUDGE_TOKEN": KEY})
    assert (got.answer.choice, got.answer.rationale, got.answer.usage.input_tokens) == (1, "why", 9)
    assert got.bodies[0]["candidates"] == list(PAIR.responses)
    assert got.requests[0].headers["authorization"] == f"Bearer {KEY}"
