"""One rule for members that fail, give nothing or give NaN, held for every wrapper there is.

Errors of a member are errors of the call; a member without a verdict is a null that its wrapper counts, passes on or
sends to whom the table in docs/wrappers.md says; NaN and numbers outside the scale are such nulls, never a verdict.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import pytest
from wrapping import FakeChat, Told, ask_all, pairs

from voirdire.harness.cases import Case, Task
from voirdire.harness.errors import JudgeError
from voirdire.harness.judges.base import Judge
from voirdire.harness.judges.prompted import PromptedJudge
from voirdire.harness.judges.prompts import default_protocol
from voirdire.harness.judges.wrappers.escalate import PERSON
from voirdire.harness.judges.wrappers.table import WRAPPERS
from voirdire.harness.verdicts import Scale, Verdict

#: a wrapper around one judge, by its name; wrappers of several judges get an able one as the second
MAKE: dict[str, Callable[[Judge], Judge]] = {
    **{name: row.make for name, row in WRAPPERS.items() if not row.required and name not in ("jury", "escalate")},
    "length_control": lambda judge: WRAPPERS["length_control"].make(judge, phi=1.0, characters=100.0, k=3),
    "jury": lambda judge: WRAPPERS["jury"].make(judge, able("second"), rule="vote"),
    "jury of mean": lambda judge: WRAPPERS["jury"].make(judge, able("second"), rule="mean"),
    "jury of max": lambda judge: WRAPPERS["jury"].make(judge, able("second"), rule="max"),
    "escalate to a person": lambda judge: WRAPPERS["escalate"].make(judge),
    "escalate": lambda judge: WRAPPERS["escalate"].make(judge, able("second")),
    "detector by a judge": lambda judge: WRAPPERS["detector"].make(
        judge, by=Told(lambda c, s: Verdict(grade=True), "police", task="grade")
    ),
}
#: these ask a judge through its own prompt
PROMPTED = ("mec", "evidence_first", "split_and_merge", "wide_and_deep", "warn", "sandwich")
UNPROMPTED = [name for name in MAKE if name not in PROMPTED]
CASE = Case("Which?", ("First answer. It goes on.", "Second answer. It goes on."), label=0, id="n")


def able(name: str) -> Told:
    return Told(lambda c, s: Verdict(choice=0, probabilities={"0": 0.9, "1": 0.1}), name)


def test_every_wrapper_is_here() -> None:
    assert {name.split(" ")[0] for name in MAKE} == set(WRAPPERS)


# ------------------------------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize("name", UNPROMPTED)
@pytest.mark.parametrize("raised", [True, False], ids=["raises", "says so"])
def test_a_member_that_always_fails_fails_the_call(name: str, raised: bool) -> None:
    failure = JudgeError("no answer") if raised else Verdict(null="error", reason="no answer")
    with pytest.raises(JudgeError, match="no answer"):
        ask_all(MAKE[name](Told(lambda c, s: failure)), [CASE])


class Failing(FakeChat):
    async def complete(self, messages: object, *, sample: int) -> object:  # type: ignore[override]
        raise JudgeError("no answer")


@pytest.mark.parametrize("name", PROMPTED)
def test_a_model_that_always_fails_fails_the_call(name: str) -> None:
    with pytest.raises(JudgeError, match="no answer"):
        ask_all(MAKE[name](over(Failing(lambda prompt: ""))), [CASE])


@pytest.mark.parametrize("name", ["jury", "jury of mean", "jury of max", "escalate"])
def test_the_second_member_is_no_exception(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "able", lambda name: Told(lambda c, s: JudgeError("gone"), name))
    torn = Told(lambda c, s: Verdict(choice=0))
    with pytest.raises(JudgeError, match="gone"):
        ask_all(MAKE[name](torn), [CASE])


def test_a_detector_that_fails_lets_nothing_pass() -> None:
    police = Told(lambda c, s: JudgeError("gone"), "police", task="grade")
    with pytest.raises(JudgeError, match="gone"):
        ask_all(WRAPPERS["detector"].make(able("judge"), by=police), [CASE])


# -------------------------------------------------------------------------------------------------------------- nulls


def expected(name: str) -> tuple[object, str | None]:
    """(value, null) of a wrapper whose first judge gives nothing."""
    if name == "escalate":
        return 0, None  # nothing is less certain than silence: the second judge answers
    return None, "refused" if name == "escalate to a person" else "unparsed"


@pytest.mark.parametrize("name", UNPROMPTED)
def test_a_member_without_a_verdict_is_counted_and_never_made_up(name: str) -> None:
    silent = Told(lambda c, s: Verdict(null="unparsed", reason="said nothing"))
    (verdict,) = ask_all(MAKE[name](silent), [CASE])
    assert (verdict.value, verdict.null) == expected(name)
    if verdict.null is not None:
        assert verdict.reason is not None
        assert "said nothing" in verdict.reason or verdict.reason == PERSON


def over(chat: FakeChat) -> PromptedJudge:
    return PromptedJudge(chat, default_protocol("pairwise", Scale(), one_token=False), name="fake:chat", spec="fake:c")


@pytest.mark.parametrize("name", PROMPTED)
@pytest.mark.parametrize("reply", ["", "I would rather not say.", "x" * 100_000], ids=["empty", "evasive", "100 kB"])
def test_a_model_that_gives_no_verdict_gives_none_through_a_wrapper(name: str, reply: str) -> None:
    (verdict,) = ask_all(MAKE[name](over(FakeChat(lambda prompt: reply))), [CASE])
    assert verdict.value is None
    assert verdict.null in ("unparsed", "refused")


# ---------------------------------------------------------------------------------------------------------------- NaN

BROKEN = {
    "pairwise": [
        Verdict(choice=0, margin=math.nan),
        Verdict(choice=0, probabilities={"0": math.nan, "1": 0.5}),
        Verdict(choice=0, probabilities={"0": 0.5, "1": math.nan, "tie": 0.5}),
    ],
    "score": [Verdict(score=math.nan), Verdict(score=math.inf), Verdict(score=99.0), Verdict(score=-1.0)],
    "grade": [Verdict(grade=True, probabilities={"true": math.nan})],
}
#: wrappers by task, those of PROMPTED left out
FOR: dict[Task, list[str]] = {
    "pairwise": UNPROMPTED,
    "score": ["mean", "strip_markup", "neutralise", "delimit", "retokenise", "detector", "perplexity_window"],
    "grade": ["mean", "majority", "strip_markup", "neutralise", "delimit", "retokenise", "detector"],
}


@pytest.mark.parametrize(
    ("task", "name", "answer"),
    [(task, name, answer) for task in FOR for name, answer in itertools.product(FOR[task], BROKEN[task])],
    ids=lambda value: "" if isinstance(value, Verdict) else str(value),
)
def test_a_number_that_is_none_is_a_null(task: Task, name: str, answer: Verdict) -> None:
    case = CASE if task == "pairwise" else Case("Which?", ("First answer. It goes on.",), id="n")
    judge = MAKE[name](Told(lambda c, s: answer, task=task))
    (verdict,) = ask_all(judge, [case])
    assert (verdict.value, verdict.null) == expected(name)


@pytest.mark.parametrize("rule", ["mean", "max"])
@pytest.mark.parametrize("score", [math.nan, math.inf, 11.0])
def test_one_nan_among_three_jurors_leaves_the_other_two(rule: str, score: float) -> None:
    jurors = [Told(lambda c, s, x=x: Verdict(score=x), f"j{x}", task="score") for x in (score, 4.0, 6.0)]
    (verdict,) = ask_all(WRAPPERS["jury"].make(*jurors, rule=rule), [Case("q", ("a",))])
    assert verdict.score == (5.0 if rule == "mean" else 6.0)


def test_an_infinite_margin_is_a_verdict_without_a_margin() -> None:
    """The difference of two large numbers; a mean of +inf and -inf would be NaN."""
    judge = WRAPPERS["swap_average"].make(Told(lambda c, s: Verdict(choice=0, margin=math.inf)))
    assert ask_all(judge, pairs(1))[0].choice == "tie"


def test_a_verdict_of_another_task_is_a_fault_and_no_crash() -> None:
    for answer in (Verdict(score=3.0), Verdict(choice=7), Verdict(ranking=(0, 1))):
        with pytest.raises(JudgeError, match="no pairwise verdict"):
            ask_all(MAKE["swap_average"](Told(lambda c, s, a=answer: a)), [CASE])
