"""The same judge asked in two formats (relation AGREE): rating against ranking, criteria one by one against at once."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence

import pytest
from planted_chat import Fooled, PlantedChat, Rater, answers_of

from voirdire._compose import AuditRequest, AuditResult, audit_async, prepare
from voirdire.harness.cases import Case, criteria_of
from voirdire.harness.costs import cost_of
from voirdire.harness.errors import UsageError
from voirdire.harness.judges.base import ChatModel, Judge, Reply, traits_of
from voirdire.harness.judges.mock import mock_judge
from voirdire.harness.judges.prompted import PromptedJudge
from voirdire.harness.judges.prompts import load_prompt
from voirdire.harness.judges.wrappers.averaging import swap_average
from voirdire.harness.verdicts import Scale, Usage, Verdict
from voirdire.suites.builtin_cases import builtin_cases

RUBRIC = "Is it right?\nIs it clear?\nIs it short?"
CASES = [c.replace(rubric=RUBRIC, reference=None) for c in builtin_cases("pairwise") if c.label in (0, 1)]
ANSWERS = answers_of(CASES)
PAIR = Case("Why?", ("Because.", "No."), label=0)
ISOLATED = r"<criteria \w+>\n[^\n]*\n</criteria.*<response_(a) "


def audit(judge: Judge, *probes: str, cases: Sequence[Case] = CASES, samples: int = 1) -> AuditResult:
    request = AuditRequest(cases=cases, suite="full", probes=probes, samples=samples, cache=None, minimise=0)
    return asyncio.run(audit_async(judge, request))


def judge_of(chat: object, prompt: str = "mt-bench-pair") -> PromptedJudge:
    return PromptedJudge(chat, load_prompt(prompt))  # type: ignore[arg-type]


# --- what is asked ---------------------------------------------------------------------------------------------------


class Script:
    """Answers the replies it is given, in turn, and keeps what it was asked."""

    first_token_only = paid = deterministic = False
    concurrency = None
    name = "script"

    def __init__(self, *replies: str | Reply) -> None:
        self.replies = list(replies)
        self.asked: list[str] = []
        self.identity: dict[str, object] = {"script": 1}

    async def complete(self, messages: Sequence[dict[str, str]], *, sample: int) -> Reply:
        self.asked.append("\n".join(m["content"] for m in messages))
        reply = self.replies[(len(self.asked) - 1) % len(self.replies)]
        return reply if isinstance(reply, Reply) else Reply(reply)

    async def aclose(self) -> None:
        return


def ask(chat: Script, setup: str, case: Case, prompt: str = "mt-bench-pair") -> Verdict:
    model: ChatModel = chat  # type: ignore[assignment]
    return asyncio.run(PromptedJudge(model, load_prompt(prompt)).judge(case.replace(setup=setup), sample=0))


@pytest.mark.parametrize(
    ("replies", "value", "margin"),
    [(("[[8]]", "[[3]]"), 0, 5.0), (("[[3]]", "[[8]]"), 1, -5.0), (("[[7]]", "[[7]]"), "tie", 0.0)],
)
def test_the_higher_of_two_single_scores_wins(replies: tuple[str, str], value: object, margin: float) -> None:
    chat = Script(*(Reply(r, usage=Usage(10, 2, 0.5)) for r in replies))
    verdict = ask(chat, "setup.rating", PAIR)
    assert (verdict.value, verdict.margin) == (value, margin)
    assert verdict.usage == Usage(20, 4, 1.0, 2)
    assert verdict.raw == "\n\n".join(replies)
    assert "Because." in chat.asked[0]
    assert "No." not in chat.asked[0]
    assert "No." in chat.asked[1]


def test_a_score_that_is_missing_leaves_no_verdict_and_says_which() -> None:
    verdict = ask(Script("[[8]]", "Hard to say."), "setup.rating", PAIR)
    assert verdict.null == "unparsed"
    assert str(verdict.reason).startswith("answer 2: ")
    refused = ask(Script(Reply("", refusal="no")), "setup.rating", PAIR)
    assert refused.null == "refused"


def test_criteria_are_asked_about_one_by_one() -> None:
    chat = Script("[[A]]", "[[A]]", "[[B]]")
    verdict = ask(chat, "setup.criteria-isolated", PAIR.replace(rubric=RUBRIC), "pairwise")
    assert verdict.value == 0
    assert verdict.margin == pytest.approx(1 / 3)
    for criterion, text in zip(RUBRIC.split("\n"), chat.asked, strict=True):
        assert [line for line in RUBRIC.split("\n") if line in text] == [criterion]
    tie = ask(Script("[[A]]", "[[B]]"), "setup.criteria-isolated", PAIR.replace(rubric="Right?\nClear?"), "pairwise")
    assert tie.value == "tie"


def test_scores_of_criteria_are_averaged_by_their_weights_and_grades_must_all_pass() -> None:
    one = Case("Why?", ("Because.",), rubric="[3] Is it right?\n[1] Is it short?", reference="r")
    scored = ask(
        Script('{"items": [{"score": 1}]}', '{"items": [{"score": 0}]}'), "setup.criteria-isolated", one, "helloeval"
    )
    assert scored.score == 75
    for words, passed in ((("Yes", "Yes"), True), (("Yes", "No"), False)):
        assert ask(Script(*words), "setup.criteria-isolated", one, "unieval").grade is passed


@pytest.mark.parametrize(
    ("rubric", "criteria"),
    [
        ("Is it right? Is it clear. Is it short.", ["Is it right?", "Is it clear.", "Is it short."]),
        ("1. Right. 2. Clear and 3.5 pages long.", ["1. Right.", "2. Clear and 3.5 pages long."]),
        ("- Right; no errors. Checked.\n\n- Clear.\n", ["- Right; no errors. Checked.", "- Clear."]),
        ("准确无误。表达清楚。", ["准确无误。", "表达清楚。"]),
        ("Is it kind?\nScore 1: rude\nScore 5: kind", ["Is it kind?\nScore 1: rude\nScore 5: kind"]),
        ("  ", []),
    ],
)
def test_the_criteria_of_a_rubric(rubric: str, criteria: list[str]) -> None:
    assert criteria_of(rubric) == criteria


def test_a_plan_counts_every_call_of_a_verdict() -> None:
    from voirdire.harness.prices import Prices

    judge = judge_of(Rater(PlantedChat(ANSWERS)), "pairwise-letter")
    request = AuditRequest(cases=CASES[:3], suite="full", probes=("setup.rating", "setup.criteria-isolated"), samples=1)
    calls = prepare("pairwise", Scale(), request, traits=traits_of(judge)).plan.calls
    cost = asyncio.run(cost_of(calls, judge, Prices(())))
    # a source in two orders and twice, its ratings of two calls, its three criteria, as often as a source
    assert len(calls) == 3 * 4 * 3
    assert cost.calls == 3 * 4 * (1 + 2 + 3)


# --- where it does not apply -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("setup", "prompt", "case", "why"),
    [
        ("setup.rating", "pandalm", PAIR, "names no other one for single scores"),
        ("setup.rating", "{{ response_a }} or {{ response_b }}?", PAIR, "names no other one for single scores"),
        ("setup.criteria-isolated", "mt-bench-pair", PAIR.replace(rubric=RUBRIC), "does not show the rubric"),
        ("setup.criteria-isolated", "pairwise", PAIR, "the case has no rubric"),
        ("setup.criteria-isolated", "pairwise", PAIR.replace(rubric="Is it right?"), "one criterion only"),
    ],
)
def test_where_it_does_not_apply_it_says_why(setup: str, prompt: str, case: Case, why: str) -> None:
    judge = judge_of(Script("[[A]]"), prompt)
    assert why in str(judge.setup_reason(setup, case))
    assert why in str(traits_of(swap_average(judge)).setups(setup, case))
    finding = audit(judge, setup, cases=[case]).findings[setup]
    assert finding.decision == "not_applicable"
    assert why in str(finding.reason)


def test_a_model_of_one_token_is_rated_in_one_token_or_not_at_all() -> None:
    chat = PlantedChat(ANSWERS)
    assert judge_of(chat, "pairwise-letter").setup_reason("setup.rating") is None
    assert judge_of(chat).setup_reason("setup.rating") is None
    assert "more than one token" in str(judge_of(chat, "pairwise").setup_reason("setup.rating"))
    assert "not asked with a prompt" in str(traits_of(mock_judge("noisy")).setups("setup.rating", PAIR))


def test_a_prompt_of_the_users_own_names_its_counterpart() -> None:
    own = '+++\nsingle = "mt-bench-single"\n+++\n{{ response_a }} or {{ response_b }}?'
    assert judge_of(Script("[[A]]"), own).setup_reason("setup.rating") is None
    with pytest.raises(UsageError, match="line 2: single = 'mt-bench-pair' must be score, score-digit or a protocol"):
        load_prompt(own.replace("mt-bench-single", "mt-bench-pair"))


# --- whom they catch, whom they pass ---------------------------------------------------------------------------------


def test_a_judge_that_rates_by_length_and_compares_by_content_is_caught() -> None:
    judge = judge_of(Rater(PlantedChat(ANSWERS, accuracy=0.9), by_length=True))
    finding = audit(judge, "setup.rating").findings["setup.rating"]
    assert finding.decision == "violated"
    consistency = finding.metrics["rating_ranking_consistency"]
    assert consistency is not None
    assert consistency < 0.75


def test_a_judge_that_loses_its_way_with_one_criterion_is_caught() -> None:
    judge = judge_of(Fooled(PlantedChat(ANSWERS, accuracy=0.9), ISOLATED), "pairwise")
    assert audit(judge, "setup.criteria-isolated").findings["setup.criteria-isolated"].decision == "violated"


def test_ties_of_one_format_are_no_disagreement_with_tosses_of_the_other() -> None:
    """It cannot tell the answers apart: rated it says so, compared it has to choose."""
    judge = judge_of(Rater(PlantedChat(ANSWERS, accuracy=0.5), good=5, bad=5, spread=0))
    finding = audit(judge, "setup.rating", samples=3).findings["setup.rating"]
    assert finding.effect == pytest.approx(0.0, abs=0.06)
    assert finding.decision == "holds"


@pytest.mark.slow
def test_noisy_judges_without_defects_pass() -> None:
    seen: Counter[str] = Counter()
    for seed in range(8):
        for accuracy, spread in ((0.75, 3), (0.9, 2)):
            chat = Rater(PlantedChat(ANSWERS, accuracy=accuracy, first=0.1, seed=seed), spread=spread)
            found = audit(judge_of(chat), "setup.rating", samples=2).findings
            found_too = audit(judge_of(chat, "pairwise"), "setup.criteria-isolated", samples=2).findings
            seen.update(f.decision for f in (*found.values(), *found_too.values()))
    assert seen["violated"] == 0, seen
    assert seen["holds"] >= 24, seen
