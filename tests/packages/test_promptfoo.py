"""promptfoo's model-graded assertions through `command:` and the script of the documentation.

With promptfoo itself where VOIRDIRE_PROMPTFOO names the folder of its installation (`tox -e promptfoo`); the script
alone, beside a promptfoo of ten lines, wherever there is node.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from endpoint import KEY, endpoint
from fake_server import Behaviour, ok, status
from package_llm import PAIRS, PROBE, Brain, ask, found_and_passed

from voirdire.harness.cases import Case, Task, Turn
from voirdire.harness.errors import JudgeError, JudgeFault, JudgeUnreachable
from voirdire.harness.judges.base import Judge
from voirdire.harness.judges.spec import JudgeOptions, make_judge
from voirdire.harness.verdicts import Scale, Verdict

SCRIPT = Path(__file__).parents[2] / "docs" / "examples" / "promptfoo_judge.mjs"
INSTALLED = os.environ.get("VOIRDIRE_PROMPTFOO", "")
ONE = Case("What is 2 + 2?", ("It is 4.",), id="one")
pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
real = pytest.mark.skipif(not INSTALLED, reason="promptfoo is not installed: tox -e promptfoo")

#: says what it was given, or does what the response tells it
STAND_IN = """
exports.cache = { disableCache() {} };
exports.assertions = {
  async runAssertion({ assertion, test, vars, providerResponse }) {
    const said = providerResponse.output;
    console.log('a log line');
    if (said === 'throw') throw new Error('thrown');
    if (said === 'junk') return { pass: false, score: 0, reason: 'No output', metadata: { graderError: true } };
    if (said === 'down') return { pass: false, score: 0, reason: '503 busy', metadata: { graderError: true } };
    const quiet = [process.env.PROMPTFOO_DISABLE_TELEMETRY, process.env.PROMPTFOO_DISABLE_UPDATE];
    const reason = JSON.stringify([assertion.value, test.options, vars, said, quiet]);
    return { pass: said.length < 10, score: said.length / 100, reason, tokensUsed: { prompt: 12, completion: 3 } };
  },
};
"""
STAND_IN_YAML = "exports.load = JSON.parse;"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of a user's with the stand-in for promptfoo."""
    for name, code in (("promptfoo", STAND_IN), ("js-yaml", STAND_IN_YAML)):
        folder = tmp_path / "node_modules" / name
        folder.mkdir(parents=True)
        (folder / "package.json").write_text(json.dumps({"name": name, "main": "main.cjs"}))
        (folder / "main.cjs").write_text(code)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of a user's with promptfoo itself, which may write into its own folder alone."""
    (tmp_path / "node_modules").symlink_to(Path(INSTALLED) / "node_modules")
    monkeypatch.setenv("PROMPTFOO_CONFIG_DIR", str(tmp_path / "promptfoo"))
    monkeypatch.setenv("PROMPTFOO_REQUEST_BACKOFF_MS", "1")
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def judge(task: Task, *more: str) -> Judge:
    spec = " ".join(["command:node", str(SCRIPT), "promptfooconfig.yaml", *more])
    return make_judge(spec, JudgeOptions(task=task, scale=Scale(0, 1), params={"workers": 1}))


def configure(folder: Path, asserted: list[dict[str, Any]], **rest: Any) -> None:
    (folder / "promptfooconfig.yaml").write_text(json.dumps({"tests": [{"assert": asserted}], **rest}))


# --- the script


def test_what_an_assertion_is_given(project: Path) -> None:
    configure(
        project,
        [{"type": "equals", "value": "x"}, {"type": "llm-rubric", "value": "Is it right?"}],
        defaultTest={"options": {"provider": "openai:gpt-5-mini"}},
    )
    case = Case(
        (Turn("user", "2 + 2?"), Turn("assistant", "3")), ("It is 4.",), reference="4", rubric="Be right.", label=3.0
    )
    verdict = ask(judge("score"), case)
    value, options, given, said, _ = json.loads(str(verdict.rationale))
    assert (value, options, said) == ("Is it right?", {"provider": "openai:gpt-5-mini"}, "It is 4.")
    assert given["question"] == "user: 2 + 2?\n\nassistant: 3"
    assert (given["reference"], given["rubric"], given.get("context")) == ("4", "Be right.", None)
    assert verdict.usage is not None
    assert verdict.usage.input_tokens == 12


def test_telemetry_is_off_unless_it_is_asked_for(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    configure(project, [{"type": "llm-rubric", "value": "Is it right?"}])
    monkeypatch.delenv("PROMPTFOO_DISABLE_TELEMETRY", raising=False)
    assert json.loads(str(ask(judge("grade"), ONE).rationale))[4] == ["1", "1"]
    monkeypatch.setenv("PROMPTFOO_DISABLE_TELEMETRY", "0")
    assert json.loads(str(ask(judge("grade"), ONE).rationale))[4] == ["0", "1"]


def test_every_task(project: Path) -> None:
    configure(project, [{"type": "llm-rubric", "value": "Is it right?"}])
    assert ask(judge("grade"), ONE).grade is True
    assert ask(judge("score"), ONE).score == 0.08
    pair = ask(judge("pairwise"), Case("Which?", ("four", "a longer one")))
    assert (pair.choice, pair.margin) == (1, pytest.approx(-0.08))


def test_an_assertion_by_its_metric(project: Path) -> None:
    rubrics = [{"type": "llm-rubric", "metric": m, "value": m.upper()} for m in ("kind", "right")]
    configure(project, rubrics)
    assert json.loads(str(ask(judge("grade", "right"), ONE).rationale))[0] == "RIGHT"
    (project / "promptfooconfig.yaml").rename("other.yaml")
    with pytest.raises((JudgeUnreachable, JudgeFault), match="no such file or directory, open 'promptfooconfig"):
        ask(judge("grade"), ONE)
    (project / "other.yaml").rename("promptfooconfig.yaml")
    with pytest.raises((JudgeUnreachable, JudgeFault), match="has no assertion with the metric tidy"):
        ask(judge("grade", "tidy"), ONE)


def test_a_grader_that_failed_is_no_zero(project: Path) -> None:
    configure(project, [{"type": "llm-rubric", "value": "Is it right?"}])
    assert ask(judge("score"), ONE.replace(responses=("junk",))).null == "unparsed"
    assert ask(judge("pairwise"), Case("q", ("four", "junk"))).null == "unparsed"
    with pytest.raises(JudgeError, match="503 busy"):
        ask(judge("score"), ONE.replace(responses=("down",)))
    with pytest.raises(JudgeError, match="thrown"):
        ask(judge("score"), ONE.replace(responses=("throw",)))


def test_promptfoo_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NODE_PATH", raising=False)
    with pytest.raises((JudgeUnreachable, JudgeFault), match=r"it said: there is no promptfoo in \S+: npm install"):
        ask(judge("grade"), ONE)


@pytest.mark.parametrize("text", ["四。" * 30_000, "\u202eهو أربعة\u202c", "{{ question }} {% x %} \x00\n\u2028"])
def test_texts_of_any_kind_come_through(project: Path, text: str) -> None:
    configure(project, [{"type": "llm-rubric", "value": "Is it right?"}])
    verdict = ask(judge("grade"), ONE.replace(responses=(text,)))
    assert verdict.grade is False


# --- promptfoo itself


def scored(rating: float, body: Any) -> str:
    return json.dumps({"reason": "as it seems", "pass": rating >= 0.5, "score": round(rating, 3)})


def rubric(url: str) -> list[dict[str, Any]]:
    provider = {"id": "openai:chat:gpt-4o-mini", "config": {"apiBaseUrl": url}}
    return [{"type": "llm-rubric", "value": "Answers the question rightly: {{question}}", "provider": provider}]


def answered(folder: Path, script: Behaviour, task: Task = "grade", case: Case = ONE) -> Verdict:
    with endpoint([script]) as server:
        configure(folder, rubric(server.url))
        return ask(judge(task), case)


@real
@pytest.mark.parametrize("task", ["grade", "score"])
def test_a_preference_for_length_is_found_and_a_clean_rubric_passes(installed: Path, task: Task) -> None:
    for longer, wanted in ((0.4, "violated"), (0.0, "holds")):
        brain = Brain(PAIRS, longer=longer)
        with endpoint([brain.behave(scored)]) as server:
            configure(installed, rubric(server.url))
            rater = judge(task)
            ask(rater, PROBE)
            assert found_and_passed(rater, task) == wanted


@real
def test_the_verdict_of_promptfoo(installed: Path) -> None:
    verdict = answered(installed, ok(scored(0.75, None)))
    assert (verdict.grade, verdict.rationale) == (True, "as it seems")
    assert verdict.usage is not None
    assert (verdict.usage.input_tokens, verdict.usage.output_tokens) == (12, 3)
    assert answered(installed, ok(scored(0.75, None)), "score").score == 0.75
    assert answered(installed, ok(scored(0.0, None))).grade is False


@real
@pytest.mark.parametrize("said", ["I like it.", ""])
def test_what_promptfoo_cannot_read_is_no_verdict(installed: Path, said: str) -> None:
    assert answered(installed, ok(said)).null == "unparsed"


@real
def test_errors_of_the_service(installed: Path) -> None:
    with pytest.raises(JudgeError, match="401") as caught:
        answered(installed, status(401, f"bad key {KEY}"))
    assert KEY not in str(caught.value)


@real
def test_a_repeat_is_a_fresh_call(installed: Path) -> None:
    async def twice(rater: Judge) -> None:
        for sample in (0, 1):
            await rater.judge(ONE, sample=sample)
        await rater.aclose()

    with endpoint([ok(scored(0.75, None))]) as server:
        configure(installed, rubric(server.url))
        asyncio.run(twice(judge("grade")))
        assert len(server.requests) == 2
