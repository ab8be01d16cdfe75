"""Which objects are taken for another package's judges: by their classes' modules, without importing a package."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from types import ModuleType
from typing import Any

import pytest

import voirdire as vd
from voirdire._compose import AuditRequest
from voirdire._pytest_audits import Options, as_judge
from voirdire.checks import judge_of
from voirdire.harness.cases import Case
from voirdire.harness.errors import JudgeError, JudgeFault, JudgeUnreachable, UsageError
from voirdire.harness.judges.packages import PACKAGES, adapt, task_of
from voirdire.harness.judges.packages.base import Rating, missing_fields, trouble, verdict_of
from voirdire.harness.verdicts import Scale, Usage

UNIT = Scale(0, 1)


def test_nothing_of_a_package_is_imported_for_a_plain_function() -> None:
    roots = [root for package in PACKAGES for root in package.roots]
    code = f"""
import sys
import voirdire as vd
vd.judge(lambda case: "A", task="pairwise")
print([m for m in sys.modules if m.partition(".")[0] in {roots!r}])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


class OwnJudge:
    def judge(self, case: Case) -> str:
        return "A"


@pytest.mark.parametrize("target", [lambda case: "A", OwnJudge(), 7, "text", None, len])
def test_what_belongs_to_no_package_is_left_alone(target: Any) -> None:
    assert adapt(target) is None


def test_an_object_that_says_how_it_judges_is_asked_that_way() -> None:
    kind = type("Metric", (OwnJudge,), {"__module__": "deepeval.metrics"})
    assert adapt(kind()) is None
    assert vd.judge(kind(), task="pairwise").task == "pairwise"


def test_the_task_by_an_objects_own_word() -> None:
    def graded(case: Case) -> bool:
        return True

    assert task_of(graded) is None
    graded.task = "grade"  # type: ignore[attr-defined]
    assert task_of(graded) == "grade"
    assert task_of("mock:oracle") is None


def test_checks_and_the_plugin_take_the_objects_own_word() -> None:
    def graded(case: Case) -> bool:
        return True

    options = Options(key="", request=AuditRequest())
    assert (judge_of(graded, None).task, as_judge(graded, options).task) == ("pairwise", "pairwise")
    graded.task = "grade"  # type: ignore[attr-defined]
    assert (judge_of(graded, None).task, as_judge(graded, options).task) == ("grade", "grade")
    assert (judge_of(graded, "score").task, as_judge(graded, Options("", AuditRequest(), "score")).task) == (
        "score",
        "score",
    )


# --- ratings


def test_a_rating_as_every_task_has_it() -> None:
    assert verdict_of([Rating(0.75)], "score", UNIT).score == 0.75
    assert verdict_of([Rating(True)], "score", UNIT).score == 1.0
    assert verdict_of([Rating(False)], "grade", UNIT).grade is False
    assert verdict_of([Rating(0.75, passed=True)], "grade", UNIT).grade is True
    assert verdict_of([Rating(0.25), Rating(0.25)], "pairwise", UNIT).choice == "tie"
    assert verdict_of([Rating(False), Rating(True)], "pairwise", UNIT).choice == 1
    assert verdict_of([Rating(0.1), Rating(0.3), Rating(0.2)], "ranking", UNIT).ranking == (1, 2, 0)


@pytest.mark.parametrize("bad", [Rating(None), Rating(float("nan")), Rating(float("inf")), Rating(7.0)])
def test_what_is_no_number_of_the_scale_is_no_verdict(bad: Rating) -> None:
    assert verdict_of([bad], "score", UNIT).null == "unparsed"


@pytest.mark.parametrize(
    "ratings", [[Rating(0.5), Rating(0.5), Rating(0.1)], [Rating(float("nan")), Rating(1.0), Rating(0.1)]]
)
def test_ties_and_nan_give_no_ranking(ratings: list[Rating]) -> None:
    assert verdict_of(ratings, "ranking", UNIT).null == "unparsed"


def test_one_missing_rating_takes_the_pair_with_it_and_keeps_its_reason() -> None:
    verdict = verdict_of([Rating(0.5), Rating(null="refused", reason="too short")], "pairwise", UNIT)
    assert (verdict.null, verdict.reason) == ("refused", "too short")


def test_a_number_without_a_threshold_is_no_grade() -> None:
    with pytest.raises(JudgeFault, match="says not from where on it is a pass"):
        verdict_of([Rating(0.5)], "grade", UNIT)


def test_unknown_costs_stay_unknown() -> None:
    both = [Rating(0.5, usage=Usage(10, 2, 0.01)), Rating(0.6, usage=Usage(20, 3))]
    assert verdict_of(both, "pairwise", UNIT).usage == Usage(30, 5, None, calls=2)
    assert verdict_of([both[0], Rating(0.1)], "pairwise", UNIT).usage == Usage(None, None, None, calls=2)
    assert verdict_of([Rating(0.5)], "score", UNIT).usage is None


# --- errors


class AuthenticationError(Exception):
    pass


class APIConnectionError(Exception):
    pass


class BusyError(Exception):
    status_code = 503


def raised(error: Exception, cause: Exception | None) -> JudgeError:
    try:
        raise error from cause
    except Exception as caught:
        return trouble(caught, "Some package")


def test_errors_below_a_packages_own_count() -> None:
    assert type(raised(RuntimeError("failed"), AuthenticationError("bad key"))) is JudgeUnreachable
    assert type(raised(RuntimeError("failed"), APIConnectionError("reset"))) is JudgeError
    assert type(raised(BusyError("busy"), None)) is JudgeError
    assert type(raised(ValueError("no field"), None)) is JudgeFault
    assert "sk-planted" not in str(raised(AuthenticationError("key sk-planted-0123456789abcdef"), None))
    own = JudgeUnreachable("closed")
    assert trouble(own, "Some package") is own


def test_a_circle_of_causes_ends() -> None:
    one, two = ValueError("one"), ValueError("two")
    one.__cause__, two.__cause__ = two, one
    assert isinstance(trouble(one, "Some package"), JudgeFault)


def test_a_field_that_no_case_has_is_named() -> None:
    fields = {"input": "instruction", "output": "responses", "expected": "reference"}
    assert missing_fields(["input", "expected"], fields, "a metric") == ("reference",)
    with pytest.raises(UsageError, match="a metric needs 'tools', which a case does not have"):
        missing_fields(["tools"], fields, "a metric")


# --- a package whose objects have changed their shape


@pytest.fixture
def changed_deepeval(monkeypatch: pytest.MonkeyPatch) -> type:
    """A DeepEval of the future, whose metrics have no `a_measure` any more."""
    module = ModuleType("deepeval.test_case")
    module.LLMTestCase = lambda **fields: fields  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "deepeval", ModuleType("deepeval"))
    monkeypatch.setitem(sys.modules, "deepeval.test_case", module)
    return type("BaseMetric", (), {"__module__": "deepeval.metrics.base_metric"})


def test_a_changed_package_is_a_fault_that_names_it(changed_deepeval: type) -> None:
    judge = vd.judge(changed_deepeval())
    with pytest.raises(JudgeFault, match=r"DeepEval: AttributeError: .*a_measure"):
        asyncio.run(judge.judge(Case("q", ("a",)), sample=0))
