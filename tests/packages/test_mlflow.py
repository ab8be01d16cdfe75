"""MLflow's judges and scorers, against an imitation of the model behind them (`tox -e mlflow`)."""

from __future__ import annotations

import json
import os
import textwrap
from pathlib import Path
from typing import Any, Literal

import pytest
from endpoint import KEY, endpoint
from fake_server import Behaviour, ok, status
from package_llm import PAIRS, PROBE, Brain, ask, decision_of_command, found_and_passed, no_network

import voirdire as vd
from voirdire.harness.cases import Case, Task, Turn
from voirdire.harness.errors import JudgeError, JudgeFault, JudgeUnreachable, UsageError
from voirdire.harness.verdicts import Scale, Verdict

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_MODEL_CATALOG_URI", "")
pytest.importorskip("mlflow.genai", reason="MLflow is not installed: tox -e mlflow")

from mlflow.entities import Feedback
from mlflow.genai.judges import make_judge
from mlflow.genai.judges.adapters import utils as asking
from mlflow.genai.scorers import (
    ConversationCompleteness,
    Correctness,
    ExpectationsGuidelines,
    Guidelines,
    RetrievalGroundedness,
    Safety,
    Scorer,
    scorer,
)

__all__ = ["no_network"]

ONE = Case("What is 2 + 2?", ("It is 4.",), reference="4", id="one")
MODEL = "openai:/gpt-4o-mini"
pytestmark = pytest.mark.usefixtures("no_network", "patient")


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """MLflow waits three minutes in all before it gives a request up; and a key that may come out nowhere."""
    monkeypatch.setattr(asking, "_sleep_with_backoff", lambda attempt: None)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)


def right(url: str, kind: Any = Literal["yes", "no"], **options: Any) -> Any:
    given = {"instructions": "Is {{ outputs }} a right answer to {{ inputs }}?", "feedback_value_type": kind}
    return make_judge(**{"name": "right", "model": MODEL, "base_url": url, **given, **options})


def yes_or_no(rating: float, body: Any) -> str:
    return json.dumps({"result": "yes" if rating >= 0.5 else "no", "rationale": "as it seems"})


def number(rating: float, body: Any) -> str:
    return json.dumps({"result": round(rating, 3), "rationale": "as it seems"})


def answered(script: Behaviour, *, case: Case = ONE, task: Task | None = None, **options: Any) -> Verdict:
    with endpoint([script]) as server:
        return ask(vd.judge(right(server.url, **options), task=task), case)


# --- audits


@pytest.mark.parametrize(
    ("task", "kind", "reply"),
    [("grade", Literal["yes", "no"], yes_or_no), ("score", float, number), ("pairwise", float, number)],
)
def test_a_preference_for_length_is_found_and_a_clean_judge_passes(task: Task, kind: Any, reply: Any) -> None:
    for longer, wanted in ((0.4, "violated"), (0.0, "holds")):
        brain = Brain(PAIRS, longer=longer)
        with endpoint([brain.behave(reply)]) as server:
            judge = vd.judge(right(server.url, kind), task=task)
            ask(judge, PROBE if task != "pairwise" else PROBE.replace(responses=("unknown", "unknown")))
            assert found_and_passed(judge, task) == wanted


def test_from_the_command_line(tmp_path: Path) -> None:
    """A fresh process whose environment says nothing of telemetry: it is off before MLflow is imported."""
    brain = Brain(PAIRS, longer=0.4)
    with endpoint([brain.behave(yes_or_no)]) as server:
        ask(vd.judge(right(server.url)), PROBE)
        (tmp_path / "my_judge.py").write_text(
            textwrap.dedent(
                f"""
                import os
                from typing import Literal

                from mlflow.genai.judges import make_judge
                from mlflow.telemetry.utils import is_telemetry_disabled

                assert is_telemetry_disabled()
                os.environ["OPENAI_API_KEY"] = {KEY!r}
                judge = make_judge(
                    name="right",
                    instructions="Is {{{{ outputs }}}} a right answer to {{{{ inputs }}}}?",
                    model={MODEL!r},
                    base_url={server.url!r},
                    feedback_value_type=Literal["yes", "no"],
                )
                """
            )
        )
        assert decision_of_command("my_judge:judge", "grade", tmp_path, without="MLFLOW") == "violated"


# --- one call


def test_the_feedback_its_reasons_and_its_cost() -> None:
    verdict = answered(ok(yes_or_no(1.0, None)))
    assert (verdict.grade, verdict.rationale) == (True, "as it seems")
    assert verdict.usage is not None
    assert (verdict.usage.input_tokens, verdict.usage.output_tokens) == (12, 3)
    assert verdict.usage.cost_usd
    assert answered(ok(yes_or_no(0.0, None))).grade is False
    assert answered(ok('{"result": true, "rationale": "x"}'), kind=bool).grade is True


def test_numbers_and_their_scale() -> None:
    assert answered(ok(number(0.75, None)), kind=float).score == 0.75
    judge = vd.judge(right("http://127.0.0.1:9/v1", Literal[1, 2, 3, 4, 5]))
    assert (judge.task, judge.scale) == ("score", Scale(1, 5))
    assert answered(ok('{"result": 4, "rationale": "x"}'), kind=Literal[1, 2, 3, 4, 5]).score == 4.0
    with pytest.raises(JudgeFault, match=r"the number 0\.75"):
        answered(ok(number(0.75, None)), kind=float, task="grade")


def test_a_word_that_is_no_yes_and_no_no_is_no_verdict() -> None:
    kind = Literal["good", "poor"]
    verdict = answered(ok('{"result": "good", "rationale": "x"}'), kind=kind)
    assert (verdict.null, verdict.reason) == ("unparsed", "the scorer gave 'good'")


def test_what_a_judge_is_shown() -> None:
    case = ONE.replace(instruction=(Turn("user", "2 + 2?"),), context="Sums.", rubric="Be right.", label=True)
    told = "Is {{ outputs }} right for {{ inputs }}, given {{ expectations }}?"
    with endpoint([ok(yes_or_no(1.0, None))]) as server:
        judge = vd.judge(right(server.url, instructions=told))
        assert judge.needs == ("reference",)  # type: ignore[attr-defined]
        ask(judge, case)
        [body] = server.bodies
    text = body["messages"][-1]["content"]
    for part in ('"content": "2 + 2?"', '"context": "Sums."', '"It is 4."', '"expected_response": "4"', "Be right."):
        assert part in text


def test_the_judges_of_mlflow_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    with endpoint([ok(yes_or_no(1.0, None))]) as server:
        monkeypatch.setenv("MLFLOW_GENAI_JUDGE_BASE_URL", server.url)
        monkeypatch.setenv("OPENAI_API_BASE", server.url)
        judges = [
            Correctness(model=MODEL),
            Guidelines(guidelines=["Be kind."], model=MODEL),
            Safety(model=MODEL),
            ExpectationsGuidelines(model=MODEL),
        ]
        verdicts = [ask(vd.judge(judge), ONE.replace(rubric="Be right.")) for judge in judges]
        assert [v.grade for v in verdicts] == [True] * 4
        assert len(server.requests) == 4
    needs = [vd.judge(judge).needs for judge in judges]  # type: ignore[attr-defined]
    assert needs == [("reference",), (), (), ("rubric",)]


@pytest.mark.parametrize("said", ["", "I like it.", '{"rationale": "x"}', '{"result": "high", "rationale": "x"}', "[]"])
def test_a_reply_in_another_form_is_no_verdict(said: str) -> None:
    assert answered(ok(said)).null == "unparsed"


@pytest.mark.parametrize(
    ("script", "kind"),
    [
        (status(401, f"bad key {KEY}"), JudgeUnreachable),
        (status(404, "no such model"), JudgeUnreachable),
        (status(429, "slow down"), JudgeError),
        (status(503, "busy"), JudgeError),
    ],
)
def test_errors_of_the_service(script: Behaviour, kind: type[JudgeError]) -> None:
    with pytest.raises(JudgeError, match="MLflow: ") as caught:
        answered(script)
    assert type(caught.value) is kind
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("text", ["", "四。" * 30_000, "\u202eهو أربعة\u202c", "{{ inputs }} {% x %} {0} \x00"])
def test_texts_of_any_kind_are_judged(text: str) -> None:
    assert answered(ok(yes_or_no(1.0, None)), case=ONE.replace(responses=(text,))).grade is True


# --- scorers of one's own


@scorer
def short(outputs: str) -> bool:
    return len(outputs) < 10


@scorer
def exact(inputs: dict[str, Any], outputs: str, expectations: dict[str, Any]) -> Feedback:
    assert inputs == {"question": "What is 2 + 2?"}
    return Feedback(value=outputs == expectations["expected_response"], rationale="compared")


class Length(Scorer):  # type: ignore[misc]
    name: str = "length"
    most: int = 100

    def __call__(self, *, outputs: str) -> float:
        return len(outputs) / self.most


def test_functions_and_classes_of_ones_own() -> None:
    assert ask(vd.judge(short), ONE).grade is True
    assert not vd.judge(short).paid
    verdict = ask(vd.judge(exact), ONE)
    assert (verdict.grade, verdict.rationale) == (False, "compared")
    assert ask(vd.judge(Length(), task="score"), ONE).score == 0.08
    assert ask(vd.judge(Length(), task="pairwise"), Case("q", ("longer", "long"))).choice == 0


def test_a_scorers_own_threshold() -> None:
    @scorer(pass_if=lambda value: value >= 5)  # type: ignore[untyped-decorator]
    def count(outputs: str) -> int:
        return len(outputs)

    assert ask(vd.judge(count, task="grade"), ONE).grade is True
    assert ask(vd.judge(count, task="grade"), ONE.replace(responses=("4",))).grade is False


def test_feedback_that_is_an_error_or_several() -> None:
    @scorer  # type: ignore[untyped-decorator]
    def failed(outputs: str) -> Feedback:
        return Feedback(error=ValueError(f"the service said no to {KEY}"))

    @scorer  # type: ignore[untyped-decorator]
    def several(outputs: str) -> list[Feedback]:
        return [Feedback(name="kind", value=True), Feedback(name="right", value=False)]

    @scorer  # type: ignore[untyped-decorator]
    def none(outputs: str) -> None:
        return None

    with pytest.raises(JudgeError, match=r"MLflow: the service said no to \[key\]"):
        ask(vd.judge(failed), ONE)
    with pytest.raises(JudgeFault, match=r"several feedbacks \(kind, right\)"):
        ask(vd.judge(several), ONE)
    assert ask(vd.judge(none), ONE).null == "unparsed"


def test_what_cannot_judge_a_response_says_so() -> None:
    with pytest.raises(UsageError, match="Correctness is a class, not a judge"):
        vd.judge(Correctness)
    with pytest.raises(UsageError, match="judges a trace, and a case has none"):
        vd.judge(RetrievalGroundedness(model=MODEL))
    with pytest.raises(UsageError, match="judges a trace, and a case has none"):
        vd.judge(make_judge(name="agent", instructions="Is {{ trace }} short?", model=MODEL))
    with pytest.raises(UsageError, match=r"judges a trace|judges whole sessions"):
        vd.judge(ConversationCompleteness(model=MODEL))


def test_fingerprints_tell_judges_apart_and_stay() -> None:
    def made(**options: Any) -> str:
        return vd.judge(right("http://127.0.0.1:9/v1", **options), task="grade").fingerprint

    assert made() == made()
    others = [made(instructions="Is {{ outputs }} kind?"), made(model="openai:/gpt-4o"), made(kind=bool)]
    assert len({made(), *others}) == 4
    assert vd.judge(short).fingerprint != vd.judge(exact).fingerprint
    lengths = [vd.judge(Length(most=n), task="score").fingerprint for n in (10, 10, 20)]
    assert lengths[0] == lengths[1] != lengths[2]
