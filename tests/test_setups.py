"""Probes of the judge's own prompt: what they change, whom they catch, whom they pass, where they do not apply."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest
from planted_chat import PlantedChat, Rater, answers_of

from voirdire._compose import AuditRequest, AuditResult, audit_async
from voirdire.harness.cases import Case, shown_hash
from voirdire.harness.errors import NotApplicable, UsageError
from voirdire.harness.judges.base import Judge, Reply, traits_of
from voirdire.harness.judges.mock import mock_judge
from voirdire.harness.judges.prompted import PromptedJudge
from voirdire.harness.judges.prompts import default_protocol, load_prompt
from voirdire.harness.judges.setups import SETUPS, apply_setup
from voirdire.harness.judges.wrappers.averaging import swap_average
from voirdire.harness.verdicts import Scale
from voirdire.suites.builtin_cases import builtin_cases, for_task

CASES = [c for c in builtin_cases("pairwise") if c.label in (0, 1)]
PAIR = Case("Why?", ("Because.", "No."), label=0)
LABELS = [name for name in SETUPS if name.startswith("setup.labels")]


def audit(judge: Judge, *probes: str, cases: list[Case] | None = None, samples: int = 1) -> AuditResult:
    request = AuditRequest(
        cases=CASES if cases is None else cases, suite="full", probes=probes, samples=samples, cache=None, minimise=0
    )
    return asyncio.run(audit_async(judge, request))


def planted(**defects: object) -> PromptedJudge:
    return PromptedJudge(PlantedChat(answers_of(CASES), **defects), load_prompt("mt-bench-pair"))  # type: ignore[arg-type]


# --- what is changed -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", LABELS)
@pytest.mark.parametrize("prompt", ["mt-bench-pair", "mt-bench-pair-zh", "arena-hard", "pairwise", "pairwise-letter"])
def test_slots_are_renamed_throughout(name: str, prompt: str) -> None:
    protocol = apply_setup(name, load_prompt(prompt))
    first, second = protocol.slots
    text = "\n".join(m["content"] for m in protocol.render(PAIR))
    assert first in text
    assert second in text
    if {first, second} != {"A", "B"}:
        assert "[[A]]" not in text
        assert "nswer B" not in text
    assert protocol.version != load_prompt(prompt).version


class Told:
    """Answers what it is told, as text."""

    first_token_only = False
    paid = deterministic = False
    concurrency = None
    name = "told"

    def __init__(self, text: str) -> None:
        self.text = text
        self.identity: dict[str, object] = {"told": text}

    async def complete(self, messages: object, *, sample: int) -> Reply:
        return Reply(self.text)

    async def aclose(self) -> None:
        return


@pytest.mark.parametrize(
    ("setup", "reply", "choice"),
    [
        ("setup.labels-numbers", "One is a careful answer.\n[[2]]", 1),
        ("setup.labels-last", "Y is longer, X is right. [[X]]", 0),
        ("setup.labels-names", "A reader would prefer Robin. [[Robin]]", 1),
        ("setup.labels-codes", "[[K7]]", 0),
        ("setup.labels-exchanged", "A better answer is hard to find. [[B]]", 0),
        ("setup.labels-exchanged", "[[A]]", 1),
        ("setup.labels-numbers", "[[C]]", "tie"),
        ("setup.wording-role", "[[B]]", 1),
    ],
)
def test_replies_are_read_under_the_new_names(setup: str, reply: str, choice: object) -> None:
    judge = PromptedJudge(Told(reply), load_prompt("mt-bench-pair"))  # type: ignore[arg-type]
    assert asyncio.run(judge.judge(PAIR.replace(setup=setup), sample=0)).value == choice


def test_a_score_on_another_scale_comes_back_on_its_own() -> None:
    one = Case("Why?", ("Because.",), setup="setup.scale-100")
    judge = PromptedJudge(Told("[[50]]"), load_prompt("mt-bench-single"))  # type: ignore[arg-type]
    assert asyncio.run(judge.judge(one, sample=0)).score == 5.5
    assert "from 0 to 100" in apply_setup("setup.scale-100", load_prompt("mt-bench-single")).render(one)[0]["content"]
    off = PromptedJudge(Told("[[7]]"), load_prompt("mt-bench-single"))  # type: ignore[arg-type]
    assert asyncio.run(off.judge(one.replace(setup="setup.scale-5"), sample=0)).null == "unparsed"


def test_a_setup_is_part_of_what_is_shown() -> None:
    hashes = {shown_hash(PAIR), *(shown_hash(PAIR.replace(setup=name)) for name in SETUPS)}
    assert len(hashes) == 1 + len(SETUPS)


# --- where it does not apply -----------------------------------------------------------------------------------------


def test_judges_without_a_prompt_of_ours_are_not_asked_and_the_report_says_so() -> None:
    result = audit(mock_judge("noisy", task="pairwise"), "setup.labels-*", "setup.wording-*", cases=CASES[:10])
    for finding in result.findings.values():
        assert finding.decision == "not_applicable"
        assert "not asked with a prompt" in str(finding.reason)
    assert all(call.case.setup is None for call in result.plan.calls)


@pytest.mark.parametrize(
    ("setup", "prompt", "task", "why"),
    [
        (
            "setup.labels-numbers",
            "{{ response_a }} or {{ response_b }}: A or B?",
            "pairwise",
            "does not call the slots",
        ),
        ("setup.labels-numbers", "{{ response }} right?", "grade", "no slots"),
        ("setup.scale-5", "{{ response }} from 1 to 10?", "score", "does not name its scale"),
        ("setup.scale-10", "{{ response }} {{ scale_low }} to {{ scale_high }}?", "score", "the scale it has"),
        ("setup.scale-10", "{{ response }}?", "grade", "has no scale"),
    ],
)
def test_a_prompt_that_leaves_no_room_says_why(setup: str, prompt: str, task: str, why: str) -> None:
    protocol = load_prompt(prompt, task, scale=Scale(1, 10))  # type: ignore[arg-type]
    with pytest.raises(NotApplicable, match=why):
        apply_setup(setup, protocol)


def test_models_of_one_token_have_no_reasoning_and_unknown_setups_are_named() -> None:
    judge = planted()
    assert "one token" in str(judge.setup_reason("setup.reasoning-none"))
    assert judge.setup_reason("setup.labels-last") is None
    with pytest.raises(UsageError, match=r"no setup called 'setup.label-last'\nDid you mean"):
        apply_setup("setup.label-last", default_protocol("pairwise"))


def test_a_wrapper_hands_the_setup_to_its_members_or_says_why_not() -> None:
    assert traits_of(swap_average(planted())).setups("setup.labels-last") is None
    assert "not asked with a prompt" in str(traits_of(swap_average(mock_judge("noisy"))).setups("setup.labels-last"))
    chat = PlantedChat(answers_of(CASES))
    judge = swap_average(PromptedJudge(chat, load_prompt("mt-bench-pair")))
    asyncio.run(judge.judge(CASES[0].replace(setup="setup.labels-last"), sample=0))
    assert len(chat.asked) == 2
    assert all("[[X]]" in text for text in chat.asked)


# --- whom they catch, whom they pass ---------------------------------------------------------------------------------


def test_a_judge_that_likes_the_letter_a_is_caught() -> None:
    found = audit(planted(label="A", label_rate=0.6), *LABELS, samples=2).findings
    assert found["setup.labels-exchanged"].decision == "violated"
    assert found["setup.labels-numbers"].decision != "holds"


def test_a_judge_that_loses_its_head_over_a_word_is_caught() -> None:
    judge = planted(careless="experienced reviewer", accuracy=1.0)
    found = audit(judge, "setup.wording-*").findings
    assert found["setup.wording-role"].decision == "violated"
    assert [f.decision for f in found.values() if f.probe != "setup.wording-role"] == ["holds"] * (len(found) - 1)


@pytest.mark.slow
def test_noisy_judges_without_defects_pass() -> None:
    seen: Counter[str] = Counter()
    for seed in range(6):
        for accuracy in (0.75, 0.9):
            # it also rates single answers, more surely than it compares them
            chat = Rater(PlantedChat(answers_of(CASES), seed=seed, accuracy=accuracy, first=0.1), spread=3)
            judge = PromptedJudge(chat, load_prompt("mt-bench-pair"))
            seen.update(f.decision for f in audit(judge, "setup.*").findings.values())
    # Holm holds the whole suite to 5 %: of 12 audits hardly one may hold a false alarm
    assert seen["violated"] <= 2, seen
    assert seen["holds"] + seen["inconclusive"] > 100


def test_rubric_and_reference_are_edits_that_any_judge_can_be_shown() -> None:
    cases = [c.replace(rubric="Is it right? Is it clear. Is it short.", reference="It is so.") for c in CASES[:30]]
    names = ("setup.rubric-shuffled", "setup.rubric-listed", "setup.reference-absent")
    result = audit(mock_judge("oracle"), *names, cases=cases)
    assert {f.n for f in result.findings.values()} == {30}
    shown = {p.probe.name: p.items[0].follow_up for p in result.plan.probes}
    rubric = shown["setup.rubric-shuffled"]
    assert rubric is not None
    assert sorted(str(rubric.rubric).split("\n")) == ["Is it clear.", "Is it right?", "Is it short."]
    absent = shown["setup.reference-absent"]
    assert absent is not None
    assert not absent.reference


class Marking:
    """`PlantedChat` in writing: two marks where the prompt asks for them, else a verdict in double brackets."""

    first_token_only = False
    paid = deterministic = False
    concurrency = None
    name = "marking"

    def __init__(self, **defects: object) -> None:
        self.inside = PlantedChat(answers_of(CASES), **defects)  # type: ignore[arg-type]
        self.identity = self.inside.identity

    async def complete(self, messages: list[dict[str, str]], *, sample: int) -> Reply:
        text = "\n".join(m["content"] for m in messages)
        letter = (await self.inside.complete(messages, sample=sample)).text
        if "only the two scores" in text:
            return Reply("8 5\nThe first is better." if letter in ("A", "1") else "5 8\nThe second is better.")
        return Reply(f"I thought about it.\n[[{letter}]]")

    async def aclose(self) -> None:
        return


def test_two_marks_in_place_of_a_choice() -> None:
    def found(**defects: object) -> AuditResult:
        judge = PromptedJudge(Marking(**defects), load_prompt("mt-bench-pair"))  # type: ignore[arg-type]
        return audit(judge, "setup.two-scores")

    steady = found(accuracy=0.9).findings["setup.two-scores"]
    assert steady.decision == "holds"
    assert steady.nulls == {"source": 0, "follow_up": 0, "sham": 0}
    careless = found(accuracy=0.9, careless="only the two scores").findings["setup.two-scores"]
    assert careless.decision == "violated"
    assert careless.effect == pytest.approx(-0.4, abs=0.1)


def test_two_marks_where_they_are_given_anyway_or_nothing_is_compared() -> None:
    assert apply_setup("setup.two-scores", load_prompt("mt-bench-pair")).parser == "two-scores"
    with pytest.raises(NotApplicable, match="two marks as it is"):
        apply_setup("setup.two-scores", load_prompt("faireval"))
    with pytest.raises(NotApplicable, match="compares no two answers"):
        apply_setup("setup.two-scores", load_prompt("mt-bench-single"))


def test_a_rubric_turned_round_must_fail_what_passed() -> None:
    """For judges that pass or fail: one that reads its rubric, and one that does not."""
    whole = for_task(builtin_cases(needs=["rubric"]), "grade")
    reading = audit(mock_judge("noisy?accuracy=1", task="grade"), "setup.rubric-flipped", cases=whole)
    assert reading.findings["setup.rubric-flipped"].decision == "holds"
    plan = reading.plan.probes[0]
    assert {item.follow_up.label for item in plan.items if item.follow_up is not None} == {False}
    shown = plan.items[0].follow_up
    assert shown is not None
    assert shown.responses == reading.plan.cases[plan.items[0].case].responses
